// The newest packets of one stream in memory: the newest complete GOP and the one that grows, or more where
// the time before an event is kept; bounded in bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <vector>

#include "media/packet_arena.h"

namespace thimble::media {

/// One compressed picture or sound frame in the ring. Times in the track's clock rate on the session's time
/// line.
struct Packet {
  uint64_t position = 0;  ///< in the track's arena
  uint32_t size = 0;
  bool key = false;
  bool damaged = false;
  uint16_t duration = 0;  ///< of sound that says how long it lasts: ticks; else 0
  int64_t dts = 0;
  int64_t pts = 0;
  int64_t arrival_us = 0;
};

/// The packets of one track, numbered from 0 for ever.
class PacketTrack {
 public:
  PacketTrack(size_t chunk_bytes, MemoryAccount account) : arena_(chunk_bytes, std::move(account)) {}

  uint64_t begin() const { return first_; }
  uint64_t end() const { return first_ + packets_.size(); }
  const Packet& at(uint64_t index) const { return packets_[static_cast<size_t>(index - first_)]; }
  Arena& arena() { return arena_; }
  void push(const Packet& packet) { packets_.push_back(packet); }
  /// Forgets all packets before `index`.
  void drop_before(uint64_t index);
  void clear() { drop_before(end()); }
  void slice(uint64_t index, std::vector<Slice>* out) const {
    arena_.slice(at(index).position, at(index).size, out);
  }
  /// What the packets from `index` on take, their table included (tiny packets take more there than in the
  /// arena).
  size_t held_bytes(uint64_t index) const;

 private:
  Arena arena_;
  std::deque<Packet> packets_;
  uint64_t first_ = 0;
};

/// Not thread-safe: lives on the ingest thread. Recording never depends on what the ring still holds, because
/// fragments keep their bytes alive themselves.
class PacketRing {
 public:
  /// Memory is taken and given back in such pieces; a few of them are not full, and one is kept for reuse.
  static constexpr size_t kChunkBytes = 64 * 1024;
  /// Of small streams, whose two GOPs fit into one of the others: with sixteen of them that is 1.5 MiB less.
  static constexpr size_t kSmallChunkBytes = 16 * 1024;

  explicit PacketRing(size_t max_bytes, size_t chunk_bytes = kChunkBytes)
      : video_(chunk_bytes, account_), max_bytes_(max_bytes) {}

  PacketTrack& video() { return video_; }
  PacketTrack& audio() { return audio_; }
  void set_max_bytes(size_t max_bytes) { max_bytes_ = max_bytes; }
  /// Keeps also the GOPs that are needed to begin with a keyframe `hold90k` before the newest picture.
  void set_hold(int64_t hold90k) { hold90k_ = hold90k; }
  size_t max_bytes() const { return max_bytes_; }

  /// Call behind each video push: evicts whole GOPs that are older than the newest complete one and not held,
  /// and more when the bytes exceed the bound: then the oldest GOPs up to the newest keyframe, and when that
  /// GOP alone exceeds it, all but the newest packet: what follows a hole cannot be decoded. The key picture
  /// itself stays (see key_picture). Packets from `keep_video` on are never evicted (they are not handed to
  /// the writer yet). Then as evict_audio.
  void evict(uint64_t keep_video, uint64_t keep_audio, int64_t audio_from);
  /// Call behind each sound push: evicts sound before `audio_from` (ticks), but not from `keep_audio` on.
  /// Sound that takes more than a quarter of the bound goes in any case: no sound is that much.
  void evict_audio(uint64_t keep_audio, int64_t audio_from);
  /// A new session begins: nothing that is held belongs to its time line.
  void clear();

  /// Memory mapped for packets, including what the writer still holds.
  size_t bytes() const { return account_->load(std::memory_order_relaxed); }
  /// Index of the newest keyframe, or video().end() when there is none.
  uint64_t newest_key() const;
  /// From the oldest keyframe that is held to the newest picture, 90 kHz; 0 without a keyframe.
  int64_t span90k() const;
  /// The bytes of the newest keyframe: held even when the rest of its GOP was too large. Empty when there is
  /// none.
  const std::vector<Slice>& key_picture() const { return key_picture_; }
  /// Its time.
  int64_t key_pts90k() const { return key_pts90k_; }
  /// The growing GOP exceeds the bound, so the ring does not hold it.
  bool cut_gop() const { return cut_gop_; }

 private:
  bool too_much() const;
  /// The keyframe from which on everything is wanted. There must be a keyframe.
  uint64_t oldest_wanted() const;

  MemoryAccount account_ = std::make_shared<std::atomic<size_t>>(0);
  PacketTrack video_;
  PacketTrack audio_{16 * 1024, account_};
  std::deque<uint64_t> keys_;  ///< indexes of the whole keyframes held
  std::vector<Slice> key_picture_;
  int64_t key_pts90k_ = 0;
  bool cut_gop_ = false;
  uint64_t scanned_ = 0;  ///< video packets before this were looked at for keys
  size_t max_bytes_;
  int64_t hold90k_ = 0;
};

}  // namespace thimble::media
