// The tape in chunks: growing, cutting into slices, letting go.
#include "media/packet_arena.h"

#include <algorithm>
#include <cstring>

namespace thimble::media {

Arena::~Arena() {
  for (Chunk* chunk : chunks_) chunk->release();
  if (spare_) spare_->release();
}

bool Arena::grow() {
  Chunk* chunk = spare_;
  spare_ = nullptr;
  if (!chunk) chunk = Chunk::create(chunk_bytes_, account_);
  if (!chunk) return false;
  chunks_.push_back(chunk);
  return true;
}

bool Arena::append(ByteView bytes) {
  const uint64_t start = end_;
  while (!bytes.empty()) {
    const size_t index = static_cast<size_t>(end_ / chunk_bytes_ - first_chunk_);
    if (index == chunks_.size() && !grow()) {
      rewind(start);
      return false;
    }
    const size_t offset = end_ % chunk_bytes_;
    const size_t part = std::min(bytes.size, chunk_bytes_ - offset);
    std::memcpy(chunks_[index]->data() + offset, bytes.data, part);
    end_ += part;
    bytes = bytes.sub(part);
  }
  return true;
}

void Arena::rewind(uint64_t position) {
  end_ = position;
  const size_t needed = static_cast<size_t>((end_ + chunk_bytes_ - 1) / chunk_bytes_ - first_chunk_);
  while (chunks_.size() > needed) {
    chunks_.back()->release();
    chunks_.pop_back();
  }
}

void Arena::slice(uint64_t position, size_t size, std::vector<Slice>* out) const {
  while (size > 0) {
    Chunk* chunk = chunks_[static_cast<size_t>(position / chunk_bytes_ - first_chunk_)];
    const size_t offset = position % chunk_bytes_;
    const size_t part = std::min(size, chunk_bytes_ - offset);
    const uint8_t* data = chunk->data() + offset;
    if (out->empty() || !out->back().extend(chunk, data, static_cast<uint32_t>(part))) {
      out->emplace_back(chunk, data, static_cast<uint32_t>(part));
    }
    position += part;
    size -= part;
  }
}

void Arena::release_before(uint64_t position) {
  while (!chunks_.empty() && (first_chunk_ + 1) * chunk_bytes_ <= position) {
    Chunk* chunk = chunks_.front();
    chunks_.pop_front();
    ++first_chunk_;
    // A chunk that the writer still reads must not be written again.
    if (!spare_ && chunk->unique()) {
      spare_ = chunk;
    } else {
      chunk->release();
    }
  }
}

}  // namespace thimble::media
