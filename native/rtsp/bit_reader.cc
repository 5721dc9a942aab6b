// Bit fields, Exp-Golomb codes and emulation prevention.
#include "rtsp/bit_reader.h"

namespace thimble::rtsp {

uint32_t BitReader::bits(int count) {
  if (!ok_ || static_cast<uint64_t>(count) > left()) {
    ok_ = false;
    position_ = end_;
    return 0;
  }
  uint64_t value = 0;
  for (int need = count; need > 0;) {
    const int in_byte = static_cast<int>(position_ & 7);
    const int take = need < 8 - in_byte ? need : 8 - in_byte;
    const unsigned byte = bytes_[static_cast<size_t>(position_ >> 3)];
    value = value << take | ((byte >> (8 - in_byte - take)) & ((1u << take) - 1));
    position_ += static_cast<unsigned>(take);
    need -= take;
  }
  return static_cast<uint32_t>(value);
}

void BitReader::skip(uint64_t count) {
  if (!ok_ || count > left()) {
    ok_ = false;
    position_ = end_;
    return;
  }
  position_ += count;
}

uint32_t BitReader::ue() {
  int zeros = 0;
  while (ok_ && !bit()) {
    if (++zeros > 31) ok_ = false;
  }
  if (!ok_) return 0;
  return (1u << zeros) - 1 + bits(zeros);
}

int32_t BitReader::se() {
  const uint32_t code = ue();
  const int64_t magnitude = (static_cast<int64_t>(code) + 1) / 2;
  return static_cast<int32_t>(code & 1 ? magnitude : -magnitude);
}

std::vector<uint8_t> remove_emulation_prevention(ByteView nal, size_t limit) {
  std::vector<uint8_t> out;
  const size_t wanted = nal.size < limit ? nal.size : limit;
  out.reserve(wanted);
  int zeros = 0;
  for (size_t i = 0; i < nal.size && out.size() < wanted; i++) {
    if (zeros >= 2 && nal[i] == 3) {
      zeros = 0;
      continue;
    }
    zeros = nal[i] == 0 ? zeros + 1 : 0;
    out.push_back(nal[i]);
  }
  return out;
}

}  // namespace thimble::rtsp
