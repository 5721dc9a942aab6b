// What a stream gives to those who watch now: its live feeds, and its newest key picture.
#include <algorithm>

#include "media/stream.h"
#include "media/ticks.h"

namespace thimble::media {

void Stream::watch_live(bool sound, uint64_t viewer) {
  if (stopped_) return;
  const auto same = [sound](const auto& feed) { return feed->sound() == sound; };
  auto feed = std::find_if(feeds_.begin(), feeds_.end(), same);
  if (feed == feeds_.end()) {
    feeds_.push_back(std::make_unique<LiveFeed>(settings_.key, sound, ring_, context_.clock, context_.sink,
                                                context_.live_on_the_way, context_.live_zero_ms));
    feed = feeds_.end() - 1;
    if (sound && sound_) {
      sound_->set_recording(true);
      follow_sound();
    }
    if (ring_parameters_) (*feed)->set_parameters(*ring_parameters_, audio_parameters());
    if (session_ && video_line_ && !leaving_ && !restart_) (*feed)->begin_session(session_times());
  }
  if (viewer != 0) (*feed)->begin(viewer);
}

void Stream::end_live(bool sound) {
  feeds_.erase(std::remove_if(feeds_.begin(), feeds_.end(),
                              [sound](const auto& feed) { return feed->sound() == sound; }),
               feeds_.end());
  if (!sound || !sound_ || sound_wanted()) return;
  sound_->finish();
  sound_->set_recording(false);
  follow_sound();
}

void Stream::follow(RingFollower* follower) {
  if (follower_ && follower_ != follower) follower_->end_session();
  follower_ = stopped_ ? nullptr : follower;
  if (sound_) sound_->keep_plain(follower_ != nullptr);
  if (!follower_) return;
  if (ring_parameters_) follower_->set_parameters(*ring_parameters_, audio_parameters());
  if (session_ && video_line_ && !leaving_ && !restart_) follower_->begin_session(session_times());
}

void Stream::show_key(uint64_t viewer) {
  if (stopped_ || !session_ || !video_line_ || !ring_parameters_) return;
  LiveFeed once(settings_.key, false, ring_, context_.clock, context_.sink, context_.live_on_the_way,
                context_.live_zero_ms);
  once.set_parameters(*ring_parameters_, nullptr);
  once.begin_session(session_times());
  once.begin(viewer, true);
}

/// Sound is made AAC of for files and for ears.
bool Stream::sound_wanted() const {
  return settings_.record ||
         std::any_of(feeds_.begin(), feeds_.end(), [](const auto& feed) { return feed->sound(); });
}

RecordSession Stream::session_times() {
  RecordSession session;
  session.anchor = &anchor_;
  session.sync = sync_.get();
  session.audio_rate = sound_ ? sound_->line().clock_rate() : 0;
  session.sound = sound_.get();
  return session;
}

void Stream::lend_to_feeds() {
  each_follower([this](RingFollower& feed) { feed.begin_session(session_times()); });
}

void Stream::tell_feeds_parameters() {
  if (!ring_parameters_) return;
  each_follower([this](RingFollower& feed) { feed.set_parameters(*ring_parameters_, audio_parameters()); });
}

void Stream::on_clock_step() {
  recorder_.on_clock_step();
  each_follower([](RingFollower& feed) { feed.on_clock_step(); });
}

bool Stream::key_picture(KeyPicture* picture) const {
  const std::vector<Slice>& slices = ring_.key_picture();
  if (slices.empty() || !ring_parameters_) return false;
  for (const Slice& slice : slices) {
    picture->sample.insert(picture->sample.end(), slice.data(), slice.data() + slice.size());
  }
  picture->parameters = *ring_parameters_;
  const int64_t media_us = ticks_to_us(ring_.key_pts90k(), 90000);
  picture->at_ms = context_.clock.utc_ms(anchor_.monotonic_us(media_us));
  return true;
}

}  // namespace thimble::media
