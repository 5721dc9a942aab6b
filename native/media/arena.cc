#include "media/arena.h"

#include <sys/mman.h>

#include <new>

namespace thimble::media {

Chunk* Chunk::create(size_t capacity, MemoryAccount account) {
  void* memory = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  account->fetch_add(capacity, std::memory_order_relaxed);
  return new Chunk(static_cast<uint8_t*>(memory), capacity, std::move(account));
}

void Chunk::release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  munmap(data_, capacity_);
  account_->fetch_sub(capacity_, std::memory_order_relaxed);
  delete this;
}

}  // namespace thimble::media
