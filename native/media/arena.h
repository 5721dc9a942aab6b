// Memory for the packets of one track: fixed chunks, filled in order, freed as a whole when nobody needs
// them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "rtsp/bytes.h"

namespace thimble::media {

/// Bytes mapped for the packets of one stream. Shared, because chunks that the writer holds may outlive the
/// stream.
using MemoryAccount = std::shared_ptr<std::atomic<size_t>>;

/// One mmap'ed piece of an arena. Reference-counted because the writer thread may still read it after the
/// ring has let it go; the last reference unmaps it, so memory returns to the system at once.
class Chunk {
 public:
  /// Null when the kernel gives no memory.
  static Chunk* create(size_t capacity, MemoryAccount account);
  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release();
  uint8_t* data() { return data_; }
  size_t capacity() const { return capacity_; }
  /// True when the caller holds the only reference.
  bool unique() const { return references_.load(std::memory_order_acquire) == 1; }

 private:
  Chunk(uint8_t* data, size_t capacity, MemoryAccount account)
      : data_(data), capacity_(capacity), account_(std::move(account)) {}
  std::atomic<uint32_t> references_{1};
  uint8_t* data_;
  size_t capacity_;
  MemoryAccount account_;
};

/// A reference to bytes in a chunk that keeps them alive. May be used and dropped on any thread.
class Slice {
 public:
  Slice() = default;
  Slice(Chunk* chunk, const uint8_t* data, uint32_t size) : chunk_(chunk), data_(data), size_(size) {
    chunk_->retain();
  }
  Slice(Slice&& other) noexcept : chunk_(other.chunk_), data_(other.data_), size_(other.size_) {
    other.chunk_ = nullptr;
  }
  Slice& operator=(Slice&& other) noexcept {
    std::swap(chunk_, other.chunk_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Slice(const Slice&) = delete;
  Slice& operator=(const Slice&) = delete;
  ~Slice() {
    if (chunk_) chunk_->release();
  }
  const uint8_t* data() const { return data_; }
  uint32_t size() const { return size_; }
  ByteView view() const { return {data_, size_}; }
  /// Joins `next` to this slice when it follows directly in the same chunk.
  bool extend(const Chunk* chunk, const uint8_t* data, uint32_t size) {
    if (chunk != chunk_ || data != data_ + size_) return false;
    size_ += size;
    return true;
  }

 private:
  Chunk* chunk_ = nullptr;
  const uint8_t* data_ = nullptr;
  uint32_t size_ = 0;
};

}  // namespace thimble::media
