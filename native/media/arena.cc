// Maps and unmaps the chunks of an arena and keeps the stream's account of mapped bytes.
#include "media/arena.h"

#include <sys/mman.h>

#include <new>

namespace thimble::media {

Chunk* Chunk::create(size_t capacity, MemoryAccount account) {
  if (capacity == 0) return nullptr;
  // mmap and not malloc: a freed chunk must leave the process at once, and on 32-bit boards never fragment
  // the heap.
  void* data = ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return nullptr;
  Chunk* chunk = new (std::nothrow) Chunk(static_cast<uint8_t*>(data), capacity, std::move(account));
  if (!chunk) {
    ::munmap(data, capacity);
    return nullptr;
  }
  if (chunk->account_) chunk->account_->fetch_add(capacity, std::memory_order_relaxed);
  return chunk;
}

void Chunk::release() {
  // Release/acquire: whoever unmaps must come after the last read of every other holder.
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  ::munmap(data_, capacity_);
  if (account_) account_->fetch_sub(capacity_, std::memory_order_relaxed);
  delete this;
}

}  // namespace thimble::media
