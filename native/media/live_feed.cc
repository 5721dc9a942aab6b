// When a live feed begins, goes on, leaves out and begins anew. What stands in its fragments:
// live_fragments.cc.
#include "media/live_feed.h"

#include <algorithm>
#include <utility>

#include "media/init_segment.h"
#include "media/ticks.h"

namespace thimble::media {

namespace {
/// Sound that has not come for so long has no track in what is sent: players wait for every track.
constexpr int64_t kSoundFlowsUs = 2'000'000;
/// A picture's distance from the one before, when it says nothing of the next one's.
constexpr int64_t kMostFrame90k = 10 * 90000;
/// A hole that players need not know of: longer ones, and times that go back, are closed up.
constexpr int64_t kMostHole90k = 3600LL * 90000;
/// Where media time may begin: more is a clock that was set.
constexpr int64_t kMostBegin90k = 3650LL * 86400 * 90000;
/// So long the first pictures of a session wait for the sound that its description promises: a header that
/// tells of it only a moment later would make players begin twice.
constexpr int64_t kSoundWaitUs = 500'000;
/// Sound is not held back longer than that for a picture to go with.
constexpr int64_t kSoundAloneUs = 100'000;
}  // namespace

void LiveFeed::begin_session(const RecordSession& session) {
  session_ = session;
  open_ = false;
  broken_ = awaits_key_ = true;
  began_us_ = 0;
}

void LiveFeed::end_session() {
  session_.reset();
  open_ = false;
  broken_ = awaits_key_ = true;
}

void LiveFeed::set_parameters(const VideoParameters& video, const AudioParameters* audio) {
  video_ = video;
  // The header under way counts sound by the rate that it was told; other sound waits for the next one.
  if (audio_ && (!audio || audio->sample_rate != audio_->sample_rate)) has_audio_ = false;
  audio_.reset();
  if (audio) audio_ = *audio;
  changed_ = true;
  refused_ = false;
}

int64_t LiveFeed::utc_ms(int64_t pts90k) const {
  return (session_->anchor->monotonic_us(ticks_to_us(pts90k, 90000)) + clock_.offset_us()) / 1000;
}

bool LiveFeed::sound_flows() const {
  if (!sound_ || !audio_ || !session_->sync || session_->audio_rate == 0) return false;
  const PacketTrack& sound = ring_.audio();
  const PacketTrack& video = ring_.video();
  if (sound.begin() == sound.end() || video.begin() == video.end()) return false;
  if (!session_->sync->audio_origin90k()) return false;
  return video.at(video.end() - 1).arrival_us - sound.at(sound.end() - 1).arrival_us < kSoundFlowsUs;
}

bool LiveFeed::awaits_sound(int64_t now_us) const {
  if (!sound_ || !audio_ || !session_->sync || session_->audio_rate == 0) return false;
  return began_us_ > 0 && now_us - began_us_ < kSoundWaitUs && !sound_flows();
}

/// Ties media time to the ring's: where the wall clock is, but never before what was sent.
void LiveFeed::set_zero(const Packet& first) {
  int64_t media90k = end90k_.value_or(0);
  if (zero_ms_ > 0) {
    const int64_t by_clock = (utc_ms(first.dts) - zero_ms_) * 90;
    const int64_t most = end90k_ ? *end90k_ + kMostHole90k : kMostBegin90k;
    if (by_clock > media90k && by_clock < most) media90k = by_clock;
  }
  zero90k_ = first.dts - media90k;
  broken_ = false;
  broke_at_ = UINT64_MAX;
}

bool LiveFeed::make_init() {
  std::string error;
  auto init = make_init_segment(video_, has_audio_ ? &*audio_ : nullptr, &error);
  if (!init && has_audio_) {
    has_audio_ = false;
    init = make_init_segment(video_, nullptr, &error);
  }
  refused_ = !init;
  if (refused_) return false;
  ++header_.generation;
  header_.codecs = video_.codec_string();
  if (has_audio_) header_.codecs += "," + audio_->codec_string();
  header_.width = video_.sequence.width;
  header_.height = video_.sequence.height;
  header_.fps = video_.sequence.fps;
  header_.init = std::make_shared<LiveBytes>(std::move(*init), on_the_way_);
  return true;
}

/// Begins with this keyframe. False when its parameters are of no use.
bool LiveFeed::open(uint64_t key_index) {
  open_ = false;
  if (refused_) return false;
  const Packet& first = ring_.video().at(key_index);
  has_audio_ = sound_flows();
  changed_ = false;
  if (!make_init()) return false;
  if (broken_) set_zero(first);
  zero_ms_ = header_.zero_ms = utc_ms(zero90k_);
  const double fps = video_.sequence.fps > 0 ? video_.sequence.fps : 25;
  frame90k_ = std::clamp<int64_t>(static_cast<int64_t>(90000 / fps), 1, kMostFrame90k);
  last_dts_ = first.dts;
  if (has_audio_) {
    audio_origin90k_ = *session_->sync->audio_origin90k();
    audio_zero_ = rescale(zero90k_ - audio_origin90k_, session_->audio_rate, 90000);
    next_audio_ = std::max(next_audio_, sound_at(first.pts));
  }
  open_ = true;
  return true;
}

void LiveFeed::begin(uint64_t viewer, bool key_alone) {
  if (!session_) return;
  const uint64_t key = ring_.newest_key();
  if (key == ring_.video().end()) return;
  if (!open_ && awaits_sound(ring_.video().at(ring_.video().end() - 1).arrival_us)) return;
  // Whoever waits already waits for the same.
  const bool for_all = !open_ && !key_alone;
  if (!open_) {
    next_audio_ = 0;
    if (!video_.complete() || !open(key)) return;
    awaits_key_ = false;
  }
  send_header(for_all ? 0 : viewer, ring_.video().at(key).pts);
  send_begin(for_all ? 0 : viewer, key_alone);
}

void LiveFeed::send_begin(uint64_t viewer, bool key_alone) {
  const uint64_t key = ring_.newest_key();
  const uint64_t end = std::min(ring_.video().end(), broke_at_);
  if (key >= end) return;
  const bool all = viewer == 0;
  Fragment fragment;
  const bool whole = !key_alone && ring_.video().held_bytes(key) <= kMostBegin;
  add_video(key, whole ? end : key + 1, &fragment);
  if (has_audio_ && whole) {
    uint64_t cursor = sound_at(ring_.video().at(key).pts);
    add_audio(&cursor, all ? ring_.audio().end() : next_audio_, false, &fragment);
    if (all) next_audio_ = cursor;
  }
  const Packet& last = ring_.video().at(end - 1);
  if (end - key > 1)
    frame90k_ = std::clamp<int64_t>(last.dts - ring_.video().at(end - 2).dts, 1, kMostFrame90k);
  last_dts_ = last.dts;
  end90k_ = std::max(end90k_.value_or(0), last.dts + frame90k_ - zero90k_);
  const bool sent = send(viewer, fragment, whole && !awaits_key_);
  if (all && (!sent || !whole)) awaits_key_ = true;
}

void LiveFeed::on_video(uint64_t index, bool jump) {
  if (!session_) return;
  const Packet& packet = ring_.video().at(index);
  if (began_us_ == 0) began_us_ = packet.arrival_us;
  if (!open_ && awaits_sound(packet.arrival_us)) return;
  if (jump && open_) {
    broken_ = awaits_key_ = true;
    broke_at_ = std::min(broke_at_, index);
  }
  if (packet.key && !packet.damaged) {
    if (!video_.complete()) return;
    if (!open_ || changed_ || broken_ || sound_flows() != has_audio_) {
      if (!open(index)) return;
      send_header(0, packet.pts);
    }
    awaits_key_ = false;
  }
  if (!open_) {
    // The wait for sound is over, and its pictures are in the ring.
    begin(0);
    return;
  }
  if (awaits_key_) return;
  if (packet.dts > last_dts_) frame90k_ = std::min(packet.dts - last_dts_, kMostFrame90k);
  last_dts_ = packet.dts;
  Fragment fragment;
  add_video(index, index + 1, &fragment);
  if (has_audio_) add_audio(&next_audio_, ring_.audio().end(), true, &fragment);
  end90k_ = std::max(end90k_.value_or(0), packet.dts + frame90k_ - zero90k_);
  sent_at_us_ = packet.arrival_us;
  if (!send(0, fragment, true)) awaits_key_ = true;
}

void LiveFeed::on_audio(bool) {
  if (!open_ || awaits_key_ || !has_audio_ || ring_.audio().begin() == ring_.audio().end()) return;
  const int64_t arrival_us = ring_.audio().at(ring_.audio().end() - 1).arrival_us;
  if (arrival_us - sent_at_us_ < kSoundAloneUs) return;
  Fragment fragment;
  add_audio(&next_audio_, ring_.audio().end(), true, &fragment);
  if (fragment.runs.empty()) return;
  sent_at_us_ = arrival_us;
  if (!send(0, fragment, true)) awaits_key_ = true;
}

}  // namespace thimble::media
