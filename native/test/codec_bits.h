// Test support: writes bit fields, Exp-Golomb codes and emulation prevention.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace thimble::codec_test {

class BitWriter {
 public:
  BitWriter& u(int count, uint64_t value) {
    for (int i = count - 1; i >= 0; i--) {
      if (used_ % 8 == 0) bytes_.push_back(0);
      bytes_.back() = static_cast<uint8_t>(bytes_.back() | (value >> i & 1) << (7 - used_ % 8));
      used_++;
    }
    return *this;
  }
  BitWriter& ue(uint32_t value) {
    int length = 0;
    while ((uint64_t{value} + 1) >> (length + 1)) length++;
    return u(length, 0).u(length + 1, uint64_t{value} + 1);
  }
  BitWriter& se(int32_t value) {
    return ue(value > 0 ? 2 * static_cast<uint32_t>(value) - 1 : 2 * static_cast<uint32_t>(-value));
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

  /// With stop bit and emulation prevention, behind `header`.
  std::vector<uint8_t> nal(std::vector<uint8_t> header) {
    u(1, 1);
    int zeros = 0;
    for (const uint8_t byte : bytes_) {
      if (zeros >= 2 && byte <= 3) {
        header.push_back(3);
        zeros = 0;
      }
      zeros = byte == 0 ? zeros + 1 : 0;
      header.push_back(byte);
    }
    return header;
  }

 private:
  std::vector<uint8_t> bytes_;
  size_t used_ = 0;
};

}  // namespace thimble::codec_test
