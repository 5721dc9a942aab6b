// Growth and shrinkage of the assembly memory.
#include "rtsp/depacketizer_buffer.h"

#include <algorithm>
#include <cstring>

namespace thimble::rtsp {

namespace {
constexpr size_t kStep = 4096;
// 40 s of a usual camera: longer than nearly every distance of keyframes, so that they do not grow it anew
// each time.
constexpr unsigned kUnitsPerReview = 1024;
}  // namespace

bool UnitBuffer::append(ByteView bytes) {
  if (bytes.size > limit_ - size_) return false;
  const size_t need = size_ + bytes.size;
  if (need > capacity_) {
    const size_t wanted = (need + need / 4 + kStep) / kStep * kStep;
    if (!set_capacity(std::min(wanted, std::max(limit_, need)))) return false;
  }
  if (bytes.size > 0) {
    if (bytes.data) {
      std::memcpy(memory_.get() + size_, bytes.data, bytes.size);
    } else {
      std::memset(memory_.get() + size_, 0, bytes.size);
    }
  }
  size_ = need;
  peak_ = std::max(peak_, size_);
  return true;
}

void UnitBuffer::move_down(size_t from, size_t to) {
  if (from > to && size_ > from) std::memmove(memory_.get() + to, memory_.get() + from, size_ - from);
  size_ = to + (size_ > from ? size_ - from : 0);
}

void UnitBuffer::note_unit() {
  if (++units_ < kUnitsPerReview) return;
  const size_t wanted = (peak_ + peak_ / 4 + kStep) / kStep * kStep;
  if (capacity_ > 2 * wanted && wanted >= size_) set_capacity(wanted);
  units_ = 0;
  peak_ = size_;
}

bool UnitBuffer::set_capacity(size_t capacity) {
  void* grown = std::realloc(memory_.get(), capacity);
  if (!grown) return false;
  (void)memory_.release();
  memory_.reset(static_cast<uint8_t*>(grown));
  capacity_ = capacity;
  return true;
}

}  // namespace thimble::rtsp
