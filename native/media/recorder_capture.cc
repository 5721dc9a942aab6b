// How pictures reach the recorder: one by one as they come, or from further back in the ring when an event
// asks for what was before it.
#include <algorithm>
#include <utility>

#include "media/recorder.h"
#include "media/ticks.h"

namespace thimble::media {

namespace {
/// What was before an event goes to the writer in portions: its queue takes 8 MiB of one segment, and other
/// cameras need room too.
constexpr uint64_t kPortionBytes = 4u << 20;
/// A storm of triggers does not become a storm of syncs.
constexpr int64_t kLeastBetweenFlushesUs = 1'000'000;
/// Sound is there a frame after its time, and goes to the file when the next frame is there: at 8 kHz two
/// of 128 ms.
constexpr int64_t kSoundLagUs = 260'000;
}  // namespace

void Recorder::capture(int64_t from_us, int64_t until_us, int64_t now_us) {
  if (!plan_) return;
  if (plan_->events) {
    capture_ = Capture{until_us};
    if (!open_ && session_.anchor) rewind(from_us);
  }
  flush_asked_us_ = now_us + kSoundLagUs;
  if (flush_at_us_ == INT64_MAX || !open_) {
    flush_at_us_ = std::max(flush_asked_us_, flushed_at_us_ + kLeastBetweenFlushesUs);
  }
  advance(now_us);
  if (parked_ && open_ && !behind()) finish(EndReason::kReconnect);
}

/// Moves the intake back to the newest keyframe that is not younger than `from_us`; when there is none, to
/// the oldest that is held. What is recorded is never recorded again.
void Recorder::rewind(int64_t from_us) {
  const PacketTrack& track = ring_.video();
  uint64_t found = track.end();
  for (uint64_t i = std::max(track.begin(), next_video_); i < track.end(); ++i) {
    const Packet& packet = track.at(i);
    if (!packet.key || packet.damaged) continue;
    if (found != track.end() && monotonic_us(packet.pts) > from_us) break;
    found = i;
  }
  intake_ = found;
}

int64_t Recorder::monotonic_us(int64_t ticks90k) const {
  return session_.anchor->monotonic_us(ticks_to_us(ticks90k, 90000));
}

/// By the decode times of pictures and not by their arrival: what is dated before the capture may arrive
/// behind it, and out of order.
void Recorder::flushed(int64_t at_us) {
  writer_.sync_soon();
  flushed_at_us_ = at_us;
  flush_at_us_ = flush_asked_us_ > at_us ? at_us + kLeastBetweenFlushesUs : INT64_MAX;
}

void Recorder::advance(int64_t now_us, bool to_the_end) {
  const PacketTrack& track = ring_.video();
  if (!plan_ || !session_.anchor) {
    intake_ = track.end();
    take_notes(track.begin());
    return;
  }
  while (behind() && !idle()) {
    const bool disk_missing = plan_->events && !open_ && !disk_ready(now_us);
    const bool newest = intake_ + 1 == track.end();
    const bool room = newest || to_the_end || writer_.counters().queued_bytes.load() < kPortionBytes;
    if (disk_missing || !room) {
      limit_lag();
      return;
    }
    take(intake_, now_us);
    // A picture that ended an event belongs to nothing: the next one may begin with it.
    ++intake_;
  }
  if (!idle()) return;
  intake_ = track.end();
  take_notes(track.begin());
}

/// What waits for the disk is bounded like the ring: the oldest GOPs go, and are missed.
void Recorder::limit_lag() {
  const PacketTrack& track = ring_.video();
  while (intake_ + 1 < track.end() && track.held_bytes(intake_) > ring_.max_bytes()) {
    if (open_) {
      refusal_ = Refusal{open_->handle, Loss{handed_end_ms_, pending_bytes_}, 0, false};
      counters_.dropped_bytes += pending_bytes_;
      give_up(EndReason::kTimestampJump);
    }
    do {
      if (refusal_) refusal_->loss.bytes += track.at(intake_).size;
      counters_.dropped_bytes += track.at(intake_).size;
      next_video_ = ++intake_;
    } while (intake_ + 1 < track.end() && !track.at(intake_).key);
  }
}

void Recorder::take_notes(uint64_t index) {
  while (auto note = notes_.take(index)) {
    if (note->jump) jumped_ = true;
    if (!note->parameters) continue;
    video_parameters_ = std::move(note->parameters->video);
    audio_parameters_ = std::move(note->parameters->audio);
    parameters_changed_ = true;
    init_refused_ = sound_refused_ = false;
  }
}

bool Recorder::capture_over(const Packet& packet) const {
  return plan_->events && packet.key && !packet.damaged &&
         (!capture_ || monotonic_us(packet.pts) > capture_->until_us);
}

void Recorder::take(uint64_t index, int64_t now_us) {
  take_notes(index);
  const Packet& packet = ring_.video().at(index);
  if (capture_over(packet)) {
    capture_.reset();
    if (open_ && !end_before(index, now_us)) give_up(EndReason::kTimestampJump);
    return;
  }
  // End reasons have no word for a slow disk: the times jump here, and the loss says why.
  if (open_ && !go_on(index, now_us)) give_up(EndReason::kTimestampJump);
  if (open_) {
    pending_bytes_ += packet.size;
  } else if (!idle()) {
    begin_or_drop(index, now_us);
  }
}

/// The event is over: its last segment ends before the keyframe `index`. False when the segment is lost.
bool Recorder::end_before(uint64_t index, int64_t now_us) {
  const PacketTrack& track = ring_.video();
  const int64_t border90k = track.at(index).pts;
  const int64_t last_duration = index > track.begin() ? track.at(index).dts - track.at(index - 1).dts : 0;
  if (!hand_over(*open_, index, last_duration, audio_ticks(*open_, border90k), false)) return false;
  finish_closing();
  Segment old = std::move(*open_);
  open_.reset();
  next_video_ = ended_before_ = index;
  pending_bytes_ = 0;
  const int64_t end_ms = utc_ms(old, border90k);
  // The file may wait for its last sound, and the next event must not.
  last_end_ = FootageEnd{end_ms, old.identity.clock_generation};
  leave(std::move(old), border90k, end_ms, EndReason::kMode, now_us);
  return true;
}

}  // namespace thimble::media
