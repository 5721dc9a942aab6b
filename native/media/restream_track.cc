// See restream_track.h.
#include "media/restream_track.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "media/ticks.h"

namespace thimble::media {

namespace {
/// Who is so late gets a newer keyframe, when there is one.
constexpr int64_t kMostLagUs = 3'000'000;
/// What moments are said to be changes by so much a report at most, so that receivers that date each packet
/// by the last one see no steps.
constexpr int64_t kMostSlewUs = 2'500;
/// Beyond it another clock was set.
constexpr int64_t kStepUs = 1'000'000;
/// From 1900 to 1970 (RFC 3550 4).
constexpr int64_t kNtpSeconds = 2'208'988'800;

uint64_t ntp_of(int64_t utc_us) {
  const auto seconds = static_cast<uint64_t>(utc_us / 1000000 + kNtpSeconds);
  return seconds << 32 | (static_cast<uint64_t>(utc_us % 1000000) << 32) / 1000000;
}
}  // namespace

/// A packet of the ring as it lies there.
class RestreamTrack::Unit final : public rtsp::UnitBytes {
 public:
  Unit(const PacketTrack& track, const Packet& packet) : track_(track), packet_(packet) {}
  void read(size_t offset, size_t size, uint8_t* out) const override {
    std::vector<Slice> slices;
    track_.slice_part(packet_.position + offset, size, &slices);
    for (const Slice& slice : slices) out = std::copy_n(slice.data(), slice.size(), out);
  }

 private:
  const PacketTrack& track_;
  const Packet& packet_;
};

RestreamTrack::RestreamTrack(const rtsp::ServedTrack& track, const rtsp::ServedChannel& channel)
    : video_(track.is_video()),
      rate_(std::max<int64_t>(track.clock_rate, 1)),
      packetizer_(track, channel.channel, channel.seed),
      // A time anywhere, but not where it soon turns over.
      offset_(static_cast<int64_t>(channel.seed >> 16 & 0x3fffffff)) {}

void RestreamTrack::start(const RestreamFeed& feed, const RestreamTrack* picture) {
  const PacketTrack* const track = source(feed);
  session_ = track ? feed.session_number() : 0;
  tied_ = false;
  await_key_ = video_;
  if (!track) return;
  next_ = track->end();
  if (video_) {
    next_ = feed.newest_key();
  } else if (picture && feed.pictures() && picture->next_ < feed.pictures()->end()) {
    const int64_t from90k = feed.pictures()->at(picture->next_).pts;
    next_ = feed.sound_at(from90k);
    // What is told before is a time of the same moment for both.
    if (next_ < track->end()) lead_ = std::max<int64_t>(track->at(next_).pts - feed.sound_ticks(from90k), 0);
  }
}

void RestreamTrack::follow_picture(const RestreamFeed& feed, int64_t pts90k) {
  if (!source(feed) || session_ != feed.session_number()) return;
  const uint64_t at = feed.sound_at(pts90k);
  if (at <= next_) return;
  if (packetizer_.in_unit()) packetizer_.skip();
  next_ = at;
}

rtsp::PlayInfo RestreamTrack::info(const RestreamFeed& feed) const {
  rtsp::PlayInfo info;
  info.sequence = packetizer_.next_sequence();
  const PacketTrack* const track = source(feed);
  // That of the first picture, see follow_time.
  info.has_time = track && next_ < track->end();
  info.rtp_time = static_cast<uint32_t>(offset_);
  return info;
}

bool RestreamTrack::ready(const RestreamFeed& feed, int64_t* arrival_us) {
  const PacketTrack* const track = source(feed);
  if (!track) return false;
  if (session_ != feed.session_number()) {
    if (packetizer_.in_unit()) packetizer_.skip();
    session_ = feed.session_number();
    next_ = track->begin();
    await_key_ = video_;
    tied_ = false;
  }
  move_on(feed, *track);
  while (video_ && await_key_ && next_ < track->end()) {
    if (track->at(next_).key && !track->at(next_).damaged) await_key_ = false;
    if (await_key_) ++next_;
  }
  if (next_ >= track->end()) return false;
  *arrival_us = track->at(next_).arrival_us;
  return true;
}

/// Over what the ring has lost, and over what is too old.
void RestreamTrack::move_on(const RestreamFeed& feed, const PacketTrack& track) {
  const bool lost = next_ < track.begin();
  const bool held = next_ >= track.begin() && next_ < track.end();
  const bool late = held && track.at(track.end() - 1).arrival_us - track.at(next_).arrival_us > kMostLagUs;
  if (!lost && !late) return;
  uint64_t to = std::max(next_, track.begin());
  if (video_) {
    const uint64_t key = feed.newest_key();
    if (key < track.end() && key > next_) {
      to = key;
    } else if (!lost) {
      return;
    }
    await_key_ = true;
    if (to < track.end() && track.at(to).key) moved_to90k_ = track.at(to).pts;
  } else if (!lost) {
    // Sound waits for its picture; it is moved with that.
    return;
  }
  if (packetizer_.in_unit() || last_) packetizer_.skip();
  next_ = to;
  ++skips_;
}

void RestreamTrack::follow_time(const RestreamFeed& feed, const Packet& packet) {
  if (tied_ && last_ && !feed.broke(video_, last_->index, next_)) return;
  if (last_) {
    // As much later as it came, but not before what was sent.
    const int64_t passed_us = std::max<int64_t>(packet.arrival_us - last_->arrival_us, 1000);
    offset_ = last_->latest + std::max<int64_t>(us_to_ticks(passed_us, rate_), 1) - packet.pts;
  } else {
    offset_ += lead_ - packet.pts;
  }
  tied_ = newly_tied_ = true;
  zero_utc_us_.reset();
}

void RestreamTrack::begin_unit(const RestreamFeed& feed, const PacketTrack& track) {
  const Packet& packet = track.at(next_);
  follow_time(feed, packet);
  const int64_t time = packet.pts + offset_;
  packetizer_.begin(packet.size, static_cast<uint32_t>(time),
                    video_ && packet.key ? feed.sets_of(next_) : std::vector<ByteView>());
  last_ = Last{next_, last_ ? std::max(last_->latest, time) : time, packet.arrival_us};
}

void RestreamTrack::write(const RestreamFeed& feed, std::string* out) {
  const PacketTrack& track = *source(feed);
  if (!packetizer_.in_unit()) begin_unit(feed, track);
  const Packet& packet = track.at(next_);
  packetizer_.next(Unit(track, packet), out);
  if (packetizer_.in_unit() && !packetizer_.at_end()) return;
  packetizer_.finish();
  ++next_;
}

void RestreamTrack::report(const RestreamFeed& feed, int64_t now_us, int64_t offset_us,
                           std::string_view cname, std::string* out) {
  const auto known_us = feed.zero_utc_us(video_);
  if (!known_us || !tied_ || session_ != feed.session_number()) return;
  const int64_t difference_us = *known_us - zero_utc_us_.value_or(*known_us);
  if (!zero_utc_us_ || std::llabs(difference_us) > kStepUs) {
    zero_utc_us_ = known_us;
  } else {
    *zero_utc_us_ += std::clamp(difference_us, -kMostSlewUs, kMostSlewUs);
  }
  const int64_t utc_us = now_us + offset_us;
  const int64_t ticks = us_to_ticks(utc_us - *zero_utc_us_, rate_);
  packetizer_.report(ntp_of(utc_us), static_cast<uint32_t>(ticks + offset_), cname, out);
}

}  // namespace thimble::media
