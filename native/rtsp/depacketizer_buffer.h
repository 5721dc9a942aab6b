// The growing and shrinking memory in which an access unit is put together.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "rtsp/bytes.h"

namespace thimble::rtsp {

/// One contiguous block, never larger than its limit. Grows by a quarter, and gives memory back when it was
/// much larger than needed for a long time: a camera that once sent a huge picture must not keep that memory
/// for ever.
class UnitBuffer {
 public:
  explicit UnitBuffer(size_t limit) : limit_(limit) {}

  uint8_t* data() { return memory_.get(); }
  const uint8_t* data() const { return memory_.get(); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

  /// Adds bytes (zeros when `bytes.data` is null). False, and nothing changed, at the limit or without
  /// memory.
  bool append(ByteView bytes);
  void truncate(size_t size) { size_ = size < size_ ? size : size_; }
  /// Moves the bytes from `from` on to `to` (<= from) and ends the buffer behind them.
  void move_down(size_t from, size_t to);
  /// To be called once per access unit, while its bytes are still there. May move the memory.
  void note_unit();

 private:
  struct Free {
    void operator()(uint8_t* p) const { std::free(p); }
  };
  bool set_capacity(size_t capacity);

  size_t limit_;
  std::unique_ptr<uint8_t, Free> memory_;
  size_t size_ = 0, capacity_ = 0;
  size_t peak_ = 0;
  unsigned units_ = 0;
};

}  // namespace thimble::rtsp
