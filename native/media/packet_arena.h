// The bytes of one track's packets as an endless tape of which only the newest part is kept in memory.
#pragma once

#include <deque>

#include "media/arena.h"

namespace thimble::media {

/// Addresses are positions on the tape (bytes since the arena was made), so a packet is just {position, size}
/// and may cross chunks. Not thread-safe; slices taken from it may be used on other threads and outlive it.
class Arena {
 public:
  /// `account` counts the bytes mapped for all arenas of a stream.
  Arena(size_t chunk_bytes, MemoryAccount account)
      : chunk_bytes_(chunk_bytes), account_(std::move(account)) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Position of the next byte.
  uint64_t end() const { return end_; }
  /// Copies `bytes` to the end. False (and nothing kept) when the system gives no memory.
  bool append(ByteView bytes);
  /// Takes back everything from `position` on, which must not have been sliced nor released yet.
  void rewind(uint64_t position);
  /// Adds slices for [position, position + size) to `out`, joined with its last slice where they touch.
  void slice(uint64_t position, size_t size, std::vector<Slice>* out) const;
  /// Lets go of all chunks that end at or before `position`.
  void release_before(uint64_t position);

 private:
  bool grow();

  const size_t chunk_bytes_;
  MemoryAccount account_;
  std::deque<Chunk*> chunks_;
  uint64_t first_chunk_ = 0;  ///< number of chunks_[0] on the tape
  uint64_t end_ = 0;
  Chunk* spare_ = nullptr;  ///< one chunk kept for reuse: saves the page faults of the steady state
};

}  // namespace thimble::media
