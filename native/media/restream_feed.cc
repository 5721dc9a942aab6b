// See restream_feed.h.
#include "media/restream_feed.h"

#include <algorithm>

#include "media/restream_client.h"
#include "media/sound_track.h"
#include "media/ticks.h"

namespace thimble::media {

namespace {
/// More breaks, or parameters, than that within what a ring holds: the oldest are forgotten.
constexpr size_t kMostNotes = 32;

template <typename Notes>
void bound(Notes* notes) {
  while (notes->size() > kMostNotes) notes->pop_front();
}
}  // namespace

void RestreamFeed::remove(RestreamClient* client) {
  clients_.erase(std::remove(clients_.begin(), clients_.end(), client), clients_.end());
}

std::vector<rtsp::ServedTrack> RestreamFeed::tracks() const {
  std::vector<rtsp::ServedTrack> tracks;
  auto video = picture_track();
  if (!video) return tracks;
  tracks.push_back(std::move(*video));
  auto sound = sound_track();
  if (sound) tracks.push_back(std::move(*sound));
  return tracks;
}

std::optional<rtsp::ServedTrack> RestreamFeed::picture_track() const {
  if (!session_ || !ring_ || sets_.empty() || !video_.complete()) return std::nullopt;
  rtsp::ServedTrack video;
  video.codec = video_.codec;
  video.vps = video_.vps;
  video.sps = video_.sps;
  video.pps = video_.pps;
  video.fps = video_.sequence.fps;
  return video;
}

std::optional<rtsp::ServedTrack> RestreamFeed::sound_track() const {
  const SoundTrack* const source = session_ && ring_ ? session_->sound : nullptr;
  if (!source || session_->audio_rate == 0) return std::nullopt;
  rtsp::ServedTrack sound;
  sound.codec = source->codec() == rtsp::Codec::kAacLatm ? rtsp::Codec::kAac : source->codec();
  sound.clock_rate = session_->audio_rate;
  sound.channels = source->channels();
  if (sound.codec == rtsp::Codec::kAac) {
    const AudioParameters* const parameters = source->parameters();
    if (!parameters) return std::nullopt;
    sound.config = parameters->config;
    sound.channels = std::max(parameters->channels, 1);
  } else if (sound.codec == rtsp::Codec::kOpus) {
    sound.channels = 2;  // RFC 7587 4.2: always
  }
  return sound;
}

const PacketTrack* RestreamFeed::sound() const {
  if (!session_ || !ring_ || !session_->sound) return nullptr;
  const PacketTrack* const plain = session_->sound->plain();
  if (plain) return plain;
  // What is made for files is of another codec than what was described.
  return session_->sound->transcodes() ? nullptr : &ring_->audio();
}

int64_t RestreamFeed::sound_ticks(int64_t pts90k) const {
  const auto origin = session_ && session_->sync ? session_->sync->audio_origin90k() : std::nullopt;
  return origin ? rescale(pts90k - *origin, session_->audio_rate, 90000) : INT64_MIN;
}

uint64_t RestreamFeed::sound_at(int64_t pts90k) const {
  const PacketTrack& track = *sound();
  uint64_t index = track.end();
  const int64_t from = sound_ticks(pts90k);
  if (from == INT64_MIN) return index;
  while (index > track.begin() && track.at(index - 1).pts >= from) --index;
  return index;
}

bool RestreamFeed::broke(bool video, uint64_t after, uint64_t index) const {
  const std::deque<uint64_t>& breaks = video ? video_breaks_ : sound_breaks_;
  return std::any_of(breaks.begin(), breaks.end(), [&](uint64_t at) { return at > after && at <= index; });
}

std::vector<ByteView> RestreamFeed::sets_of(uint64_t index) const {
  std::vector<ByteView> views;
  const Sets* in_force = nullptr;
  for (const Sets& sets : sets_) {
    if (!in_force || sets.index <= index) in_force = &sets;
  }
  if (!in_force) return views;
  for (const auto* list : {&in_force->video.vps, &in_force->video.sps, &in_force->video.pps}) {
    for (const Bytes& set : *list) views.emplace_back(set.data(), set.size());
  }
  return views;
}

std::optional<int64_t> RestreamFeed::zero_utc_us(bool video) const {
  if (!session_ || !session_->anchor) return std::nullopt;
  int64_t zero90k = 0;
  if (!video) {
    const auto origin = session_->sync ? session_->sync->audio_origin90k() : std::nullopt;
    if (!origin) return std::nullopt;
    zero90k = *origin;
  }
  return session_->anchor->monotonic_us(ticks_to_us(zero90k, 90000)) + clock_.offset_us();
}

void RestreamFeed::note_break(bool video, uint64_t index) {
  std::deque<uint64_t>& breaks = video ? video_breaks_ : sound_breaks_;
  breaks.push_back(index);
  bound(&breaks);
}

void RestreamFeed::begin_session(const RecordSession& session) {
  session_ = session;
  ++session_number_;
  ++edition_;
  video_breaks_.clear();
  sound_breaks_.clear();
  if (!ring_) return;
  // Followed from the middle of a session: what is known holds for what the ring has.
  if (ring_->video().begin() < ring_->video().end() && video_.complete()) {
    sets_.push_back({ring_->video().begin(), video_});
    changed_ = false;
  }
}

void RestreamFeed::end_session() {
  session_.reset();
  sets_.clear();
  changed_ = true;
}

void RestreamFeed::set_parameters(const VideoParameters& video, const AudioParameters*) {
  ++edition_;
  changed_ = changed_ || !video_.same(video);
  video_ = video;
}

void RestreamFeed::on_video(uint64_t index, bool jump) {
  if (!session_ || !ring_) return;
  if (jump) note_break(true, index);
  if (changed_ && video_.complete() && ring_->video().at(index).key) {
    changed_ = false;
    sets_.push_back({index, video_});
    bound(&sets_);
    ++edition_;
  }
  tell_clients(ring_->video().at(index).arrival_us);
}

void RestreamFeed::on_audio(bool jump) {
  const PacketTrack* const track = sound();
  if (!track || track->begin() == track->end()) return;
  if (jump) note_break(false, track->end() - 1);
  tell_clients(track->at(track->end() - 1).arrival_us);
}

void RestreamFeed::tell_clients(int64_t now_us) {
  // A client may leave from within.
  for (size_t i = 0; i < clients_.size();) {
    RestreamClient* const client = clients_[i];
    client->on_packets(now_us);
    if (i < clients_.size() && clients_[i] == client) ++i;
  }
}

}  // namespace thimble::media
