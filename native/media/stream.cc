// Attempts, their ends and the watch over a session. The way of the media is in stream_media.cc.
#include "media/stream.h"

#include <algorithm>
#include <utility>

namespace thimble::media {

namespace {
constexpr int64_t kStalledLeastUs = 5'000'000, kStalledMostUs = 9'000'000;
constexpr int64_t kLostUs = 10'000'000;
constexpr int64_t kKeyframeWaitUs = 60'000'000;
constexpr int64_t kDiskRetryUs = 5'000'000;
/// Behind a session that was live for so long, the first address is tried again: a hiccup of the network is
/// no reason to stay with another one.
constexpr int64_t kProvenUs = 60'000'000;
constexpr int kMostRedirects = 3;
/// From what a camera or a detector saw to the command that says so.
constexpr int64_t kTriggerLatencyMs = 2000;

Recorder::Identity recorder_identity(const uint8_t* store, const StreamKey& key) {
  Recorder::Identity identity{};
  std::copy(store, store + sizeof identity.store, identity.store);
  identity.camera = key.camera;
  identity.stream = key.stream;
  return identity;
}

/// The name of a codec in the camera's words, cut down to what may stand in a sentence.
std::string plain_name(const std::string& name) {
  std::string plain;
  for (const char c : name.substr(0, 32)) {
    const bool keep =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
    plain.push_back(keep ? c : '?');
  }
  return plain;
}

bool same_host(const std::string& a, const std::string& b) {
  rtsp::UrlParts first, second;
  return rtsp::parse_rtsp_url(a, &first) && rtsp::parse_rtsp_url(b, &second) && first.host == second.host;
}
}  // namespace

Stream::Stream(const StreamContext& context, StreamSettings settings, const FootageEnd& earlier,
               int64_t now_us)
    : context_(context),
      settings_(std::move(settings)),
      ring_(settings_.ring_max_bytes, settings_.key.stream == StreamKind::kSub ? PacketRing::kSmallChunkBytes
                                                                               : PacketRing::kChunkBytes),
      recorder_(recorder_identity(context.store, settings_.key), ring_, context.writer, context.clock),
      retry_(settings_.key.camera * 2 + static_cast<uint32_t>(settings_.key.stream)),
      attempt_at_us_(now_us) {
  recorder_.begin_after(earlier);
  recorder_.begin_after(settings_.footage_end);
  hold_pre_roll();
  if (settings_.record) recorder_.set_plan(plan(), now_us);
}

std::optional<RecordPlan> Stream::plan() const {
  if (!settings_.record) return std::nullopt;
  return RecordPlan{settings_.segment_ms, settings_.stagger_ms, settings_.events};
}

void Stream::hold_pre_roll() {
  // Without a pre-roll, too, an event's footage is to show its cause.
  const int64_t hold_ms = settings_.events ? settings_.pre_roll_ms + kTriggerLatencyMs : 0;
  ring_.set_hold(hold_ms * 90);
}

void Stream::capture(int64_t from_ms, int64_t until_ms, int64_t now_us) {
  const int64_t offset_us = context_.clock.offset_us();
  recorder_.capture(from_ms * 1000 - offset_us, until_ms * 1000 - offset_us, now_us);
}

Stream::~Stream() {
  if (resolve_request_) context_.resolver.cancel(resolve_request_);
}

void Stream::set(StreamSettings settings, int64_t now_us) {
  const bool new_way = settings.urls != settings_.urls || settings.username != settings_.username ||
                       settings.password != settings_.password || settings.audio != settings_.audio ||
                       settings.allow_loopback != settings_.allow_loopback;
  settings_ = std::move(settings);
  recorder_.begin_after(settings_.footage_end);
  ring_.set_max_bytes(settings_.ring_max_bytes);
  hold_pre_roll();
  const bool sound_wanted = this->sound_wanted();
  if (sound_ && sound_wanted) sound_->set_recording(true);
  if (sound_ && !sound_wanted) sound_->finish();
  recorder_.set_plan(plan(), now_us);
  if (sound_ && !sound_wanted) sound_->set_recording(false);
  if (sound_) follow_sound();
  if (!new_way) return;
  url_index_ = 0;
  redirect_url_.clear();
  redirects_ = 0;
  retry_.succeeded();
  if (resolve_request_) context_.resolver.cancel(std::exchange(resolve_request_, 0));
  attempt_at_us_ = now_us;
  if (session_) {
    flush_lines(now_us);
    recorder_.end_session(EndReason::kReconnect);
    for (const auto& feed : feeds_) feed->end_session();
    restart_ = true;
    session_->teardown(now_us);
  }
  // Perhaps it is another camera.
  problems_.clear();
  video_clock_ = sound_clock_ = ClockVerdict{};
  audio_left_out_.clear();
}

void Stream::stop(EndReason reason, int64_t now_us) {
  if (!stopped_) flush_lines(now_us);
  stopped_ = true;
  feeds_.clear();
  recorder_.end_session(reason);
  if (resolve_request_) context_.resolver.cancel(std::exchange(resolve_request_, 0));
  if (session_ && !leaving_) session_->teardown(now_us);
  leaving_ = true;
}

void Stream::tick(int64_t now_us) {
  if (session_) {
    session_->tick(now_us);
    if (!session_->ended()) watch(now_us);
    if (session_->ended()) end_attempt(now_us);
  } else if (!stopped_ && resolve_request_ == 0 && now_us >= attempt_at_us_) {
    begin_attempt(now_us);
  }
  recorder_.tick(now_us);
  report_losses(now_us);
  report_problems(now_us);
}

void Stream::begin_attempt(int64_t now_us) {
  const std::string url = !redirect_url_.empty()   ? redirect_url_
                          : settings_.urls.empty() ? std::string()
                                                   : settings_.urls[url_index_ % settings_.urls.size()];
  rtsp::UrlParts parts;
  if (state_ != LinkState::kConnecting || sessions_live_ == 0) report(LinkState::kConnecting);
  if (!rtsp::parse_rtsp_url(url, &parts)) {
    fail(LinkProblem::kNotRtsp, "The address is not a usable rtsp:// URL.", 0, now_us);
    return;
  }
  resolve_request_ =
      context_.resolver.resolve(parts.host, parts.port, [this](const rtsp::ResolveResult& result) {
        resolve_request_ = 0;
        on_resolved(result, result.now_us);
      });
  // No thread or no room for another name: nothing is known of the camera yet.
  if (resolve_request_ == 0) attempt_at_us_ = now_us + 1'000'000;
}

void Stream::on_resolved(const rtsp::ResolveResult& result, int64_t now_us) {
  if (result.addresses.empty()) {
    fail(LinkProblem::kUnknownHost, "The camera's name is not known in this network.", 0, now_us);
    return;
  }
  std::vector<const rtsp::SocketAddress*> allowed;
  for (const rtsp::SocketAddress& address : result.addresses) {
    if (rtsp::address_allowed(address.get(), settings_.allow_loopback)) allowed.push_back(&address);
  }
  if (allowed.empty()) {
    fail(LinkProblem::kAddressForbidden,
         "The camera's address is one of this machine or link-local, which is not allowed.", 0, now_us);
    return;
  }
  const std::string& own = settings_.urls[url_index_ % settings_.urls.size()];
  rtsp::ClientConfig config;
  config.url = redirect_url_.empty() ? own : redirect_url_;
  // A camera may send us anywhere; it does not learn the password of another host that way.
  if (redirect_url_.empty() || same_host(own, redirect_url_)) {
    config.username = settings_.username;
    config.password = settings_.password;
  }
  config.want_audio = settings_.audio;
  config.audio_codecs = SoundTrack::recordable_codecs();
  config.user_agent = context_.user_agent;
  session_ = std::make_unique<Session>(context_.poller, context_.read_buffer,
                                       static_cast<SessionOwner&>(*this), std::move(config));
  playing_since_us_ = 0;
  had_picture_ = keyframe_seen_ = leaving_ = false;
  const rtsp::SocketAddress& address = *allowed[attempts_++ % allowed.size()];
  session_->connect(address.get(), address.length(), now_us);
}

void Stream::end_attempt(int64_t now_us) {
  Session::End end = session_->end();
  flush_lines(now_us);
  recorder_.end_session(EndReason::kReconnect);
  received_before_ += session_->received_bytes();
  if (session_->video()) {
    lost_before_ += session_->video()->counters().lost_packets;
    damaged_before_ += session_->video()->counters().damaged_units;
  }
  if (!restart_) judge_clocks();
  for (const auto& feed : feeds_) feed->end_session();
  session_.reset();
  sync_.reset();
  video_line_.reset();
  sound_.reset();
  undated_.clear();
  if (stopped_) return;
  if (std::exchange(restart_, false)) {
    attempt_at_us_ = now_us;
    return;
  }
  if (!end.redirect_url.empty() && redirects_ < kMostRedirects) {
    ++redirects_;
    redirect_url_ = std::move(end.redirect_url);
    attempt_at_us_ = now_us;
    return;
  }
  const bool proven = keyframe_seen_ && now_us - live_since_us_ >= kProvenUs;
  if (proven) url_index_ = settings_.urls.size() - 1;  // fail goes on behind it
  fail(end.problem == LinkProblem::kNone ? LinkProblem::kClosed : end.problem, end.message, end.retry_after_s,
       now_us);
}

/// Whatever waits for its time gets one.
void Stream::flush_lines(int64_t now_us) {
  if (stopped_ || restart_) return;
  if (video_line_) {
    video_line_->flush();
    date_pictures(now_us);
  }
  if (sound_) {
    sound_->flush();
    date_sound(now_us);
    sound_->finish();
  }
}

void Stream::fail(LinkProblem problem, const std::string& message, int retry_after_s, int64_t now_us) {
  redirect_url_.clear();
  redirects_ = 0;
  ++url_index_;
  // A camera that fell silent on an open connection has waited long enough.
  const int64_t wait_us =
      problem == LinkProblem::kStalled ? 0 : retry_.next_wait_us(problem, retry_after_s, now_us);
  attempt_at_us_ = now_us + wait_us;
  report(LinkState::kWaiting, problem, message);
}

void Stream::watch(int64_t now_us) {
  if (playing_since_us_ == 0 || leaving_ || restart_) return;
  const int64_t silent_us = now_us - std::max(last_packet_us_, playing_since_us_);
  if (silent_us >= kLostUs) {
    session_->abort(
        had_picture_ ? LinkProblem::kStalled : LinkProblem::kTimeout,
        had_picture_ ? "No picture came for 10 seconds." : "The camera accepts us and sends no picture.",
        now_us);
    return;
  }
  if (!keyframe_seen_ && now_us - playing_since_us_ >= GopMeter::kLongUs) {
    problems_.note(StreamProblem::kLongGop, now_us);
  }
  if (!keyframe_seen_ && now_us - playing_since_us_ >= kKeyframeWaitUs) {
    session_->abort(LinkProblem::kNoKeyframe, "The camera sent no keyframe for 60 seconds.", now_us);
    return;
  }
  const double fps = rate_.pictures_per_second(last_packet_us_);
  const int64_t four_frames = fps > 0 ? static_cast<int64_t>(4e6 / fps) : 0;
  const int64_t limit = std::clamp(four_frames, kStalledLeastUs, kStalledMostUs);
  if (state_ == LinkState::kLive && silent_us >= limit) {
    report(LinkState::kStalled, LinkProblem::kStalled, "The connection stands, but no picture comes.");
  }
}

void Stream::on_segment_failed(SegmentHandle handle, uint64_t lost_bytes, int64_t now_us) {
  unrecorded_bytes_ += lost_bytes;
  recorder_.on_segment_failed(handle, now_us + kDiskRetryUs);
}

void Stream::on_described(const rtsp::SessionDescription& description) {
  if (stopped_ || restart_) return;
  const rtsp::Track& video = description.tracks[static_cast<size_t>(description.video)];
  video_line_ = std::make_unique<TrackClock>(believable_rate(video.clock_rate, 90000),
                                             TrackClock::Kind::kPictures, video_clock_);
  sets_.begin(video);
  unfit_ = false;
  gop_ = GopMeter();
  anchor_ = WallAnchor();
  decode_times_ = DecodeTimes();
  recorder_.drop_session();
  ring_.clear();
  ring_parameters_.reset();
  begin_sound(description);
  recorder_.begin_session(session_times());
  lend_to_feeds();
}

/// Once a session has them distrusted, the next one begins with it.
void Stream::judge_clocks() {
  if (video_line_) video_clock_ = video_line_->verdict();
  if (sound_) sound_clock_ = sound_->line().verdict();
}

void Stream::begin_sound(const rtsp::SessionDescription& description) {
  sync_.reset();
  sound_.reset();
  audio_codec_name_.clear();
  audio_left_out_.clear();
  if (!settings_.audio) return;
  const rtsp::Track* track = nullptr;
  if (description.audio >= 0) {
    track = &description.tracks[static_cast<size_t>(description.audio)];
    sound_ = SoundTrack::create(*track, ring_.audio(), sound_wanted(), sound_clock_);
  } else {
    for (const rtsp::Track& other : description.tracks) {
      if (!track && other.media == "audio") track = &other;
    }
  }
  if (track) audio_codec_name_ = plain_name(track->codec_name);
  if (sound_) {
    sync_ = std::make_unique<AvSync>(*video_line_, sound_->line());
  } else {
    audio_left_out_ = audio_codec_name_;
  }
}

void Stream::on_playing(int64_t now_us) {
  uint32_t video = 0, audio = 0;
  if (sync_ && session_->client().rtp_info_time(rtsp::TrackUse::kVideo, &video) &&
      session_->client().rtp_info_time(rtsp::TrackUse::kAudio, &audio)) {
    sync_->set_rtp_info(video, audio);
  }
  if (playing_since_us_ == 0) playing_since_us_ = now_us;
}

void Stream::on_video_packet(int64_t now_us) {
  // Media may come before the answer to PLAY.
  if (playing_since_us_ == 0) playing_since_us_ = now_us;
}

void Stream::on_sender_report(bool video, const rtsp::SenderReport& report) {
  if (sync_) sync_->on_report(video, report);
}

}  // namespace thimble::media
