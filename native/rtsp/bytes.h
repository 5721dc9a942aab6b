// A view of bytes that somebody else owns, and big-endian reads that never leave it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace thimble {

/// Borrowed bytes. Valid as long as the owner says; the view never frees or copies.
struct ByteView {
  const uint8_t* data = nullptr;
  size_t size = 0;

  ByteView() = default;
  ByteView(const uint8_t* d, size_t n) : data(d), size(n) {}
  explicit ByteView(std::string_view text)
      : data(reinterpret_cast<const uint8_t*>(text.data())), size(text.size()) {}

  bool empty() const { return size == 0; }
  uint8_t operator[](size_t i) const { return data[i]; }
  /// The bytes from `offset` on, at most `count`; empty when `offset` lies behind the end.
  ByteView sub(size_t offset, size_t count = SIZE_MAX) const {
    if (offset >= size) return {};
    return {data + offset, count < size - offset ? count : size - offset};
  }
  std::string_view text() const { return {reinterpret_cast<const char*>(data), size}; }
};

inline uint16_t read_be16(const uint8_t* p) {
  return static_cast<uint16_t>(p[0] << 8 | p[1]);
}
inline uint32_t read_be32(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 |
         static_cast<uint32_t>(p[2]) << 8 | p[3];
}
inline uint64_t read_be64(const uint8_t* p) {
  return static_cast<uint64_t>(read_be32(p)) << 32 | read_be32(p + 4);
}
inline void write_be16(uint8_t* p, uint16_t v) {
  p[0] = static_cast<uint8_t>(v >> 8);
  p[1] = static_cast<uint8_t>(v);
}
inline void write_be32(uint8_t* p, uint32_t v) {
  write_be16(p, static_cast<uint16_t>(v >> 16));
  write_be16(p + 2, static_cast<uint16_t>(v));
}
inline void write_be64(uint8_t* p, uint64_t v) {
  write_be32(p, static_cast<uint32_t>(v >> 32));
  write_be32(p + 4, static_cast<uint32_t>(v));
}

}  // namespace thimble
