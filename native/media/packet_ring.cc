// Eviction: what may go, and when.
#include "media/packet_ring.h"

#include <algorithm>

namespace thimble::media {

void PacketTrack::drop_before(uint64_t index) {
  index = std::min(index, end());
  while (first_ < index) {
    packets_.pop_front();
    ++first_;
  }
  arena_.release_before(packets_.empty() ? arena_.end() : packets_.front().position);
}

size_t PacketTrack::held_bytes(uint64_t index) const {
  if (index >= end()) return 0;
  const size_t stored = static_cast<size_t>(arena_.end() - at(index).position);
  return stored + static_cast<size_t>(end() - index) * sizeof(Packet);
}

void PacketRing::evict(uint64_t keep_video, uint64_t keep_audio, int64_t audio_from) {
  for (; scanned_ < video_.end(); ++scanned_) {
    if (!video_.at(scanned_).key || video_.at(scanned_).damaged) continue;
    keys_.push_back(scanned_);
    key_picture_.clear();
    video_.slice(scanned_, &key_picture_);
    key_pts90k_ = video_.at(scanned_).pts;
    cut_gop_ = false;
  }
  const auto drop_before = [&](uint64_t index) {
    // The newest packet stays: behind it lie bytes of packets whose time is not decided yet.
    video_.drop_before(std::min({index, keep_video, video_.end() > 0 ? video_.end() - 1 : 0}));
    while (!keys_.empty() && keys_.front() < video_.begin()) keys_.pop_front();
  };
  // Without a key nothing that is held can be decoded.
  drop_before(keys_.empty() ? video_.end() : oldest_wanted());
  while (keys_.size() > 1 && keys_[1] <= keep_video && too_much()) drop_before(keys_[1]);
  if (!keys_.empty() && too_much()) {
    cut_gop_ = video_.held_bytes(keys_.back()) > max_bytes_;
    drop_before(cut_gop_ ? video_.end() : keys_.back());
  }
  evict_audio(keep_audio, audio_from);
}

uint64_t PacketRing::oldest_wanted() const {
  // The newest key begins the growing GOP, the one before it the newest complete GOP.
  size_t wanted = keys_.size() >= 2 ? keys_.size() - 2 : 0;
  const int64_t from = video_.at(video_.end() - 1).pts - hold90k_;
  while (wanted > 0 && video_.at(keys_[wanted]).pts > from) --wanted;
  return keys_[wanted];
}

int64_t PacketRing::span90k() const {
  return keys_.empty() ? 0 : video_.at(video_.end() - 1).pts - video_.at(keys_.front()).pts;
}

bool PacketRing::too_much() const {
  const uint64_t count = video_.end() - video_.begin() + audio_.end() - audio_.begin();
  return bytes() + static_cast<size_t>(count) * sizeof(Packet) > max_bytes_;
}

void PacketRing::evict_audio(uint64_t keep_audio, int64_t audio_from) {
  uint64_t keep = audio_.begin();
  const auto more = [&] { return keep + 1 < audio_.end(); };
  while (more() && keep < keep_audio && audio_.at(keep).pts < audio_from) ++keep;
  while (more() && audio_.held_bytes(keep) > max_bytes_ / 4) ++keep;
  audio_.drop_before(keep);
}

void PacketRing::clear() {
  video_.clear();
  audio_.clear();
  keys_.clear();
  key_picture_.clear();
  cut_gop_ = false;
  scanned_ = video_.end();
}

uint64_t PacketRing::newest_key() const {
  return keys_.empty() ? video_.end() : keys_.back();
}

}  // namespace thimble::media
