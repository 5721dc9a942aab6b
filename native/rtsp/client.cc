// See client.h: requests, time and the connection. What answers lead to is in client_answers.cc.
#include "rtsp/client.h"

#include <sys/random.h>

#include <algorithm>

#include "rtsp/client_session.h"
#include "rtsp/outcome.h"
#include "rtsp/text.h"

namespace thimble::rtsp {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kPatienceUs = 10 * kSecondUs;
constexpr int64_t kTeardownUs = 200'000;
constexpr int64_t kOpenBodySilenceUs = 500'000;
constexpr int64_t kSessionLostUs = 2 * kSecondUs;
constexpr uint32_t kDefaultTimeoutS = 60;
constexpr int kAnswersPerSecond = 20;

uint64_t system_seed() {
  uint64_t seed = 0;
  while (getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed)) {
  }
  return seed;
}

}  // namespace

std::unique_ptr<Client> Client::create(ClientConfig config, ClientHandler& handler) {
  UrlParts url;
  if (!parse_rtsp_url(config.url, &url)) return nullptr;
  if (config.username.empty() && config.password.empty()) {
    config.username = url.username;
    config.password = url.password;
  }
  if (config.seed == 0) config.seed = system_seed();
  return std::make_unique<ClientSession>(std::move(config), std::move(url), handler);
}

ClientSession::ClientSession(ClientConfig config, UrlParts url, ClientHandler& handler)
    : config_(std::move(config)),
      url_(std::move(url)),
      handler_(handler),
      framing_(*this),
      authenticator_(config_.username, config_.password, config_.seed),
      keep_alive_(~config_.seed),
      timeout_s_(kDefaultTimeoutS) {}

void ClientSession::start(int64_t now_us) {
  if (step_ != Step::kIdle) return;
  now_us_ = now_us;
  ask(Step::kOptions, "OPTIONS", url_.without_userinfo, {}, kPatienceUs);
}

void ClientSession::receive(ByteView bytes, int64_t now_us) {
  now_us_ = now_us;
  last_bytes_us_ = now_us;
  framing_.receive(bytes);
  counters_.resyncs = framing_.resyncs();
}

int64_t ClientSession::tick(int64_t now_us) {
  now_us_ = now_us;
  if (framing_.in_open_body() && now_us >= last_bytes_us_ + kOpenBodySilenceUs) framing_.finish_open_body();
  if (request_.awaited && now_us >= request_.deadline_us) out_of_patience();
  if (step_ == Step::kPlaying && now_us >= keep_alive_.due_us()) keep_alive();
  const int64_t lost_us =
      session_lost_us_ == 0 ? INT64_MAX : std::max(session_lost_us_, last_packet_us_) + kSessionLostUs;
  if (step_ == Step::kPlaying && now_us >= lost_us) {
    end(Outcome::kSessionNotFound, outcome_sentence(Outcome::kSessionNotFound, 454));
  }
  if (step_ == Step::kEnded) return INT64_MAX;
  int64_t next = request_.awaited ? request_.deadline_us : INT64_MAX;
  if (framing_.in_open_body()) next = std::min(next, last_bytes_us_ + kOpenBodySilenceUs);
  if (step_ == Step::kPlaying) next = std::min({next, keep_alive_.due_us(), lost_us});
  return next;
}

void ClientSession::teardown(int64_t now_us) {
  now_us_ = now_us;
  if (step_ == Step::kEnded || step_ == Step::kTeardown) return;
  if (!session_exists_) {
    end(Outcome::kOk, outcome_sentence(Outcome::kOk, 0));
    return;
  }
  if (request_.awaited) abandoned_cseq_ = request_.cseq;
  ask(Step::kTeardown, "TEARDOWN", description_.aggregate_url, {}, kTeardownUs);
}

void ClientSession::closed(int64_t now_us) {
  now_us_ = now_us;
  session_exists_ = false;
  const Outcome outcome = step_ == Step::kTeardown ? Outcome::kOk : Outcome::kClosed;
  end(outcome, outcome_sentence(outcome, 0));
}

void ClientSession::send_rtcp(TrackUse track, ByteView packet) {
  const ChannelMap::Entry& entry = channels_.entry(track);
  if (step_ != Step::kPlaying || track == TrackUse::kNo || !entry.used || packet.size > UINT16_MAX) return;
  std::string frame = {'$', static_cast<char>(entry.rtcp_channel), static_cast<char>(packet.size >> 8),
                       static_cast<char>(packet.size)};
  frame.append(packet.text());
  handler_.on_send(ByteView(frame));
}

bool ClientSession::rtp_info_time(TrackUse track, uint32_t* rtp_time) const {
  const bool audio_fits = !channels_.entry(TrackUse::kAudio).used || audio_rtp_time_;
  if (!video_rtp_time_ || !audio_fits) return false;
  const std::optional<uint32_t>& time = track == TrackUse::kAudio ? audio_rtp_time_ : video_rtp_time_;
  if (track == TrackUse::kNo || !time) return false;
  *rtp_time = *time;
  return true;
}

void ClientSession::ask(Step step, const char* method, const std::string& url, std::string extra,
                        int64_t patience_us) {
  if (step_ == Step::kEnded) return;
  step_ = step;
  request_ = Request();
  request_.method = method;
  request_.url = url;
  request_.extra = std::move(extra);
  request_.patience_us = patience_us;
  send_request();
}

// Also sends the request that is in request_ once more.
void ClientSession::send_request() {
  request_.awaited = true;
  request_.cseq = ++last_cseq_;
  request_.deadline_us = now_us_ + request_.patience_us;
  const std::string authorization = authenticator_.authorization(request_.method, request_.url);
  request_.authorized = !authorization.empty();
  std::string text = std::string(request_.method) + " " + request_.url +
                     " RTSP/1.0\r\nCSeq: " + std::to_string(request_.cseq) +
                     "\r\nUser-Agent: " + config_.user_agent + "\r\n";
  if (!session_id_.empty()) text += "Session: " + session_id_ + "\r\n";
  if (request_.authorized) text += "Authorization: " + authorization + "\r\n";
  text += request_.extra + "\r\n";
  handler_.on_send(ByteView(text));
}

void ClientSession::on_frame(uint8_t channel, ByteView packet) {
  const ChannelMap::Found found = channels_.find(channel, packet);
  if (found.track == TrackUse::kNo) {
    ++counters_.unassigned_frames;
  } else if (packet.size > 0 && step_ != Step::kTeardown) {
    last_packet_us_ = now_us_;
    handler_.on_packet(found.track, found.is_rtcp, packet, now_us_);
  }
}

void ClientSession::on_broken(const char* why) {
  end(Outcome::kBadResponse, std::string("The camera cannot be understood: ") + why + ".");
}

// OPTIONS 200, the rest 501: some servers ask in mid-stream whether we are still there.
void ClientSession::answer_server(const Message& request) {
  // A flood of requests must not fill what waits to be sent.
  if (now_us_ - answered_since_us_ >= kSecondUs) {
    answered_since_us_ = now_us_;
    answered_requests_ = 0;
  }
  if (++answered_requests_ > kAnswersPerSecond) return;
  std::string text = request.method == "OPTIONS" ? "RTSP/1.0 200 OK\r\n" : "RTSP/1.0 501 Not Implemented\r\n";
  const std::string* cseq = request.header("CSeq");
  uint64_t number = 0;
  if (cseq != nullptr && parse_decimal(*cseq, UINT32_MAX, &number))
    text += "CSeq: " + std::to_string(number) + "\r\n";
  if (!session_id_.empty()) text += "Session: " + session_id_ + "\r\n";
  if (request.method == "OPTIONS") text += "Public: OPTIONS\r\n";
  text += "User-Agent: " + config_.user_agent + "\r\n\r\n";
  handler_.on_send(ByteView(text));
}

void ClientSession::out_of_patience() {
  request_.awaited = false;
  abandoned_cseq_ = request_.cseq;
  if (step_ == Step::kTeardown) {
    end(Outcome::kOk, outcome_sentence(Outcome::kOk, 0));
  } else if (step_ == Step::kPlaying) {
    keep_alive_.failed();
  } else if (step_ == Step::kSetupAudio) {
    audio_problem_ = "The camera did not answer when the sound was asked for.";
    play();
  } else {
    end(Outcome::kTimeout, std::string("The camera did not answer ") + request_.method + " within " +
                               std::to_string(request_.patience_us / kSecondUs) + " s.");
  }
}

void ClientSession::keep_alive() {
  if (request_.awaited) {
    abandoned_cseq_ = request_.cseq;
    keep_alive_.failed();
  }
  ask(Step::kPlaying, keep_alive_.method(), description_.aggregate_url, {}, kPatienceUs);
  keep_alive_.schedule(now_us_, timeout_s_);
}

void ClientSession::end(Outcome outcome, const std::string& message) {
  if (step_ == Step::kEnded || ending_) return;
  // Sending can fail, and tell us so from inside: what ends the attempt is what came first.
  ending_ = true;
  // Old live555 goes on sending into a later connection when a session is left without a word.
  if (session_exists_ && step_ != Step::kTeardown && outcome != Outcome::kOk) {
    ask(Step::kTeardown, "TEARDOWN", description_.aggregate_url, {}, kTeardownUs);
  }
  step_ = Step::kEnded;
  request_ = Request();
  framing_.stop();
  counters_.resyncs = framing_.resyncs();
  handler_.on_end(outcome, message);
}

}  // namespace thimble::rtsp
