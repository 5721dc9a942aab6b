// What the answers of the camera lead to; the other half of ClientSession.
#include <algorithm>

#include "rtsp/client_session.h"
#include "rtsp/outcome.h"
#include "rtsp/text.h"
#include "rtsp/url.h"

namespace thimble::rtsp {
namespace {

constexpr int64_t kPatienceUs = 10'000'000;
constexpr int64_t kDescribePatienceUs = 15'000'000;  // some cameras take 10 s
constexpr uint32_t kShortestTimeoutS = 5, kLongestTimeoutS = 600, kDefaultTimeoutS = 60;

bool is_success(const Message& answer) {
  return answer.status >= 200 && answer.status < 300;
}

// Names of what there is instead of usable video, from the camera's own text: letters, digits and a few signs
// only.
std::string video_codecs(const SessionDescription& description) {
  std::string names;
  for (const Track& track : description.tracks) {
    if (track.media != "video" || track.codec_name.empty() || names.size() > 64) continue;
    if (!names.empty()) names += ", ";
    for (char c : track.codec_name.substr(0, 32)) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
      names.push_back(plain ? c : '?');
    }
  }
  return names;
}

}  // namespace

void ClientSession::on_message(const Message& message) {
  ++counters_.rtsp_messages;
  if (message.status == 0) {
    answer_server(message);
  } else if (message.status >= 200 && request_.awaited && belongs_to_request(message)) {
    request_.awaited = false;
    handle(message);
  }
}

// Only one request is outstanding, so an answer with a wrong or no CSeq counts for it, except the late answer
// to the request that was given up last.
bool ClientSession::belongs_to_request(const Message& answer) {
  const std::string* text = answer.header("CSeq");
  uint64_t cseq = 0;
  const bool readable = text != nullptr && parse_decimal(*text, UINT32_MAX, &cseq);
  if (readable && cseq == request_.cseq) return true;
  if (readable && cseq != 0 && cseq == abandoned_cseq_) return false;
  ++counters_.cseq_mismatches;
  return true;
}

// The first id of a SETUP is kept: H264DVR and go2rtc change it with the second. One of a DESCRIBE is sent
// back but not trusted beyond the first SETUP.
void ClientSession::note_session(const Message& answer) {
  const std::optional<SessionHeader> session = parse_session(answer);
  if (!session) return;
  if (!session_exists_ && step_ != Step::kOptions) session_id_ = session->id;
  if (session->timeout_s) {
    const bool believable =
        *session->timeout_s >= kShortestTimeoutS && *session->timeout_s <= kLongestTimeoutS;
    timeout_s_ = believable ? *session->timeout_s : kDefaultTimeoutS;
  }
}

void ClientSession::handle(const Message& answer) {
  if (answer.status == 401 && step_ != Step::kTeardown) {
    handle_unauthorized(answer);
    return;
  }
  if (request_.authorized) authenticator_.on_accepted();
  if (is_success(answer)) {
    note_session(answer);
    const std::string* methods = answer.header("Public");
    if (methods != nullptr && step_ != Step::kPlaying) keep_alive_.set_public(*methods);
  }
  switch (step_) {
    case Step::kOptions:
      if (answer.status >= 300 && answer.status < 400) return redirect(answer);
      // Any other error to OPTIONS means nothing.
      framing_.allow_open_body(true);
      return ask(Step::kDescribe, "DESCRIBE", url_.without_userinfo, "Accept: application/sdp\r\n",
                 kDescribePatienceUs);
    case Step::kDescribe:
      return is_success(answer) ? handle_described(answer) : refuse(answer);
    case Step::kSetupVideo:
      return is_success(answer) ? handle_setup(answer) : refuse(answer);
    case Step::kSetupAudio:
      return handle_audio_setup(answer);
    case Step::kPlay:
      return is_success(answer) ? handle_playing(answer) : refuse(answer);
    case Step::kPlaying:
      return handle_keep_alive(answer);
    case Step::kTeardown:
      return end(Outcome::kOk, outcome_sentence(Outcome::kOk, 0));
    case Step::kIdle:
    case Step::kEnded:
      return;
  }
}

void ClientSession::handle_unauthorized(const Message& answer) {
  const Authenticator::Advice advice =
      authenticator_.on_unauthorized(answer, request_.authorized, request_.repeats);
  if (step_ == Step::kOptions) {
    // The challenge is known now, so that DESCRIBE carries the answer; a repeat here would be one more wrong
    // try.
    framing_.allow_open_body(true);
    return ask(Step::kDescribe, "DESCRIBE", url_.without_userinfo, "Accept: application/sdp\r\n",
               kDescribePatienceUs);
  }
  if (advice == Authenticator::Advice::kRepeat) {
    ++request_.repeats;
    return send_request();
  }
  if (step_ == Step::kSetupAudio) return handle_audio_setup(answer);
  if (step_ == Step::kPlaying) return keep_alive_.failed();
  if (advice == Authenticator::Advice::kUnsupported) {
    return end(Outcome::kAuthUnsupported, outcome_sentence(Outcome::kAuthUnsupported, 401));
  }
  std::string sentence = outcome_sentence(Outcome::kUnauthorized, 401);
  if (config_.username.empty()) sentence = "The camera asks for a user name and a password (RTSP 401).";
  const std::string realm = authenticator_.realm();
  if (contains_word(realm, "TP-LINK") || contains_word(realm, "Tapo")) {
    sentence += " Tapo wants the camera account made in its app, not the cloud login.";
  }
  end(Outcome::kUnauthorized, sentence);
}

void ClientSession::handle_described(const Message& answer) {
  framing_.allow_open_body(false);
  const std::string* base = answer.header("Content-Base");
  if (base == nullptr || base->empty()) base = answer.header("Content-Location");
  description_ = parse_sdp(answer.body, url_.without_userinfo, base == nullptr ? std::string_view() : *base);
  if (description_.video < 0) return end_without_video();
  drop_useless_audio();
  handler_.on_described(description_);
  setup(TrackUse::kVideo);
}

void ClientSession::end_without_video() {
  const std::string codecs = video_codecs(description_);
  const bool has_video = std::any_of(description_.tracks.begin(), description_.tracks.end(),
                                     [](const Track& track) { return track.media == "video"; });
  if (!has_video) return end(Outcome::kNoVideo, outcome_sentence(Outcome::kNoVideo, 0));
  std::string sentence = outcome_sentence(Outcome::kUnsupportedVideo, 0);
  if (!codecs.empty()) {
    sentence.pop_back();
    sentence += ": " + codecs + ".";
  }
  end(Outcome::kUnsupportedVideo, sentence);
}

void ClientSession::drop_useless_audio() {
  if (description_.audio < 0) return;
  Track& audio = description_.tracks[static_cast<size_t>(description_.audio)];
  const Track& video = description_.tracks[static_cast<size_t>(description_.video)];
  if (!config_.want_audio) {
    audio.why = "sound not wanted";
  } else if ((config_.audio_codecs & codec_bit(audio.codec)) == 0) {
    audio.why = "codec not recorded";
  } else if (audio.control_url == video.control_url) {
    audio.why = "same control URL as the video";
  } else {
    return;
  }
  audio.use = TrackUse::kNo;
  description_.audio = -1;
}

void ClientSession::setup(TrackUse track) {
  const bool audio = track == TrackUse::kAudio;
  const Track& chosen =
      description_.tracks[static_cast<size_t>(audio ? description_.audio : description_.video)];
  asked_channel_ = audio ? 2 : 0;
  // Servers without control URLs (go2rtc before 1.9) tell tracks by the channels that are asked for.
  if (!audio && chosen.control_url == description_.aggregate_url) {
    asked_channel_ = static_cast<uint8_t>(chosen.index * 2);
  }
  const std::string channels = std::to_string(asked_channel_) + "-" + std::to_string(asked_channel_ + 1);
  ask(audio ? Step::kSetupAudio : Step::kSetupVideo, "SETUP", chosen.control_url,
      "Transport: RTP/AVP/TCP;unicast;interleaved=" + channels + "\r\n", kPatienceUs);
}

bool ClientSession::accept_transport(const Message& answer, TrackUse track) {
  TransportHeader transport = parse_transport(answer);
  if (transport.other_transport) return false;
  if (!transport.interleaved) {
    transport.rtp_channel = asked_channel_;
    transport.rtcp_channel = static_cast<uint8_t>(asked_channel_ + 1);
  }
  const int index = track == TrackUse::kAudio ? description_.audio : description_.video;
  const int payload_type = description_.tracks[static_cast<size_t>(index)].payload_type;
  if (!channels_.assign(track, transport.rtp_channel, transport.rtcp_channel, payload_type)) return false;
  framing_.assign(transport.rtp_channel);
  framing_.assign(transport.rtcp_channel);
  return true;
}

void ClientSession::handle_setup(const Message& answer) {
  session_exists_ = true;
  if (!accept_transport(answer, TrackUse::kVideo)) {
    return end(Outcome::kUnsupportedTransport, outcome_sentence(Outcome::kUnsupportedTransport, 0));
  }
  if (description_.audio >= 0) return setup(TrackUse::kAudio);
  play();
}

// Trouble with the sound never stops the video.
void ClientSession::handle_audio_setup(const Message& answer) {
  if (!is_success(answer)) {
    audio_problem_ = "The camera refused to send the sound (RTSP " + std::to_string(answer.status) + ").";
  } else if (!accept_transport(answer, TrackUse::kAudio)) {
    audio_problem_ = "The camera does not send the sound in a way that can be told from the video.";
  }
  play();
}

void ClientSession::play() {
  ask(Step::kPlay, "PLAY", description_.aggregate_url, "Range: npt=0.000-\r\n", kPatienceUs);
}

void ClientSession::handle_playing(const Message& answer) {
  read_rtp_info(answer);
  step_ = Step::kPlaying;
  last_packet_us_ = std::max(last_packet_us_, now_us_);
  keep_alive_.schedule(now_us_, timeout_s_);
  handler_.on_playing();
}

void ClientSession::read_rtp_info(const Message& answer) {
  const std::vector<RtpInfo> parts = parse_rtp_info(answer);
  for (const RtpInfo& info : parts) {
    // 0 is what servers write that do not know.
    if (!info.rtp_time || *info.rtp_time == 0) continue;
    const std::string url = join_control(description_.aggregate_url, info.url);
    for (TrackUse use : {TrackUse::kVideo, TrackUse::kAudio}) {
      const int index = use == TrackUse::kAudio ? description_.audio : description_.video;
      if (index < 0) continue;
      const Track& track = description_.tracks[static_cast<size_t>(index)];
      const std::string_view path = path_of(url);
      const bool only = description_.tracks.size() == 1 && parts.size() == 1;
      if (only || url == track.control_url || (!path.empty() && path == path_of(track.control_url))) {
        (use == TrackUse::kAudio ? audio_rtp_time_ : video_rtp_time_) = info.rtp_time;
      }
    }
  }
}

// An error is not fatal while media flows: thingino answers 454 always, a Tapo C100 400 each 14 s.
void ClientSession::handle_keep_alive(const Message& answer) {
  if (is_success(answer)) {
    session_lost_us_ = 0;
    return;
  }
  keep_alive_.failed();
  if (answer.status == 454 && session_lost_us_ == 0) session_lost_us_ = now_us_;
}

void ClientSession::refuse(const Message& answer) {
  const Outcome outcome = outcome_of_status(answer.status);
  if (outcome == Outcome::kRedirect) return redirect(answer);
  retry_after_s_ = parse_retry_after(answer);
  end(outcome, outcome_sentence(outcome, answer.status));
}

void ClientSession::redirect(const Message& answer) {
  const std::string* location = answer.header("Location");
  if (location != nullptr) redirect_url_ = resolve_location(url_.without_userinfo, *location);
  const Outcome outcome = redirect_url_.empty() ? Outcome::kBadResponse : Outcome::kRedirect;
  const char* sentence = "The camera sends us to another address without naming a usable one.";
  end(outcome, outcome == Outcome::kRedirect ? outcome_sentence(outcome, answer.status) : sentence);
}

}  // namespace thimble::rtsp
