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

bool PacketRing::evict(uint64_t keep_video, uint64_t keep_audio, int64_t audio_from) {
  for (; scanned_ < video_.end(); ++scanned_) {
    if (video_.at(scanned_).key) keys_.push_back(scanned_);
  }
  // The newest key begins the growing GOP, the one before it the newest complete GOP.
  uint64_t keep = keys_.size() >= 2 ? keys_[keys_.size() - 2] : video_.begin();
  bool gop_exceeds = false;
  if (bytes() > max_bytes_) {
    keep = keys_.empty() ? video_.end() : keys_.back();
    const uint64_t held = video_.end() > keep
                              ? video_.at(video_.end() - 1).position + video_.at(video_.end() - 1).size -
                                    video_.at(keep).position
                              : 0;
    if (held > max_bytes_) {
      gop_exceeds = true;
      keep = video_.end();
    }
  }
  // The newest packet stays: behind it lie bytes of packets whose time is not decided yet.
  keep = std::min({keep, keep_video, video_.end() > 0 ? video_.end() - 1 : 0});
  video_.drop_before(keep);
  while (!keys_.empty() && keys_.front() < video_.begin()) keys_.pop_front();

  uint64_t drop_audio = audio_.begin();
  while (drop_audio + 1 < audio_.end() && drop_audio < keep_audio && audio_.at(drop_audio).pts < audio_from)
    ++drop_audio;
  audio_.drop_before(drop_audio);
  return gop_exceeds;
}

void PacketRing::clear() {
  video_.clear();
  audio_.clear();
  keys_.clear();
  scanned_ = video_.end();
}

uint64_t PacketRing::newest_key() const {
  return keys_.empty() ? video_.end() : keys_.back();
}

}  // namespace thimble::media
