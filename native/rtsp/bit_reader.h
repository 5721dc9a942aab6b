// Reads bit fields and Exp-Golomb codes from bytes that cannot be trusted; never reads outside and never
// fails loudly.
#pragma once

#include <cstdint>
#include <vector>

#include "rtsp/bytes.h"

namespace thimble::rtsp {

/// Most significant bit first. Reading behind the end gives zeros and makes ok() false for good, so a parser
/// can read a whole structure and ask once.
class BitReader {
 public:
  explicit BitReader(ByteView bytes) : bytes_(bytes), end_(static_cast<uint64_t>(bytes.size) * 8) {}

  bool ok() const { return ok_; }
  /// Bits not read yet.
  uint64_t left() const { return end_ - position_; }
  /// The next `count` bits, 0 to 32.
  uint32_t bits(int count);
  bool bit() { return bits(1) != 0; }
  void skip(uint64_t count);
  /// ue(v) and se(v) of H.264 9.1; codes that need more than 32 bits make ok() false.
  uint32_t ue();
  int32_t se();

 private:
  ByteView bytes_;
  uint64_t position_ = 0;
  uint64_t end_;
  bool ok_ = true;
};

/// A NAL unit's bytes without the emulation prevention bytes (H.264 7.3.1, H.265 7.3.1.1), at most `limit` of
/// them.
std::vector<uint8_t> remove_emulation_prevention(ByteView nal, size_t limit);

}  // namespace thimble::rtsp
