// See server.h: requests and what they lead to.
#include "rtsp/server.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "rtsp/client.h"
#include "rtsp/random.h"
#include "rtsp/text.h"
#include "rtsp/url.h"

namespace thimble::rtsp {

namespace {

constexpr std::string_view kMethods =
    "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, SET_PARAMETER, TEARDOWN";
/// What keeps a session alive is that it takes what is sent; the number is for clients that want one.
constexpr std::string_view kTimeout = ";timeout=60";
constexpr size_t kMostCseqChars = 10;

const char* reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Request Entity Too Large";
    case 451:
      return "Parameter Not Understood";
    case 453:
      return "Not Enough Bandwidth";
    case 454:
      return "Session Not Found";
    case 455:
      return "Method Not Valid in This State";
    case 461:
      return "Unsupported Transport";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "RTSP Version Not Supported";
    default:
      return "Option Not Supported";
  }
}

std::string hex(uint64_t value, int digits) {
  std::string out;
  while (digits-- > 0) out.push_back("0123456789abcdef"[value >> 4 * digits & 15]);
  return out;
}

/// Takes the last part of a path off.
std::string_view take_last(std::string_view* path) {
  while (!path->empty() && path->back() == '/') path->remove_suffix(1);
  const size_t slash = path->rfind('/');
  const std::string_view last = slash == std::string_view::npos ? *path : path->substr(slash + 1);
  *path = slash == std::string_view::npos ? std::string_view() : path->substr(0, slash);
  return last;
}

/// False when a viewer is named that can be none.
bool read_viewer(std::string_view query, std::string* viewer) {
  constexpr std::string_view kName = "viewer=";
  constexpr size_t kMostChars = 32;
  if (!begins_with(query, kName)) return true;
  const std::string_view value = query.substr(kName.size());
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  };
  if (value.empty() || value.size() > kMostChars || !std::all_of(value.begin(), value.end(), fits))
    return false;
  *viewer = value;
  return true;
}

}  // namespace

bool parse_served_path(std::string_view url, ServedPath* path) {
  *path = ServedPath();
  std::string_view rest = path_of(url);
  const size_t question = rest.find('?');
  if (question != std::string_view::npos && !read_viewer(rest.substr(question + 1), &path->viewer))
    return false;
  rest = rest.substr(0, question);
  std::string_view part = take_last(&rest);
  constexpr std::string_view kTrack = "trackID=";
  if (begins_with(part, kTrack)) {
    uint64_t track = 0;
    if (!parse_decimal(part.substr(kTrack.size()), 99, &track)) return false;
    path->track = static_cast<int>(track);
    part = take_last(&rest);
  }
  path->sub = part == "sub";
  if (!path->sub && part != "main") return false;
  uint64_t camera = 0;
  if (!parse_decimal(take_last(&rest), UINT32_MAX, &camera) || camera == 0) return false;
  path->camera = static_cast<uint32_t>(camera);
  return rest.empty() || rest == "/ring";
}

std::string ServerSession::id_of(uint64_t seed) {
  return hex(next_random(&seed), 16);
}

ServerSession::ServerSession(ServerConfig config, ServerHandler& handler, int64_t now_us)
    : handler_(handler),
      reader_(*this),
      login_(config.realm),
      asks_login_(!config.realm.empty()),
      admitted_(!asks_login_),
      random_(~config.seed),
      session_id_(id_of(config.seed)),
      now_us_(now_us),
      since_us_(now_us) {}

void ServerSession::receive(ByteView bytes, int64_t now_us) {
  if (ended()) return;
  now_us_ = now_us;
  reader_.receive(bytes);
  half_since_us_ = ended() || !reader_.half_sent() ? 0 : half_since_us_ > 0 ? half_since_us_ : now_us;
}

void ServerSession::tick(int64_t now_us) {
  if (ended()) return;
  now_us_ = now_us;
  const bool half_sent = !describing() && half_since_us_ > 0 && now_us - half_since_us_ > kHalfSentUs;
  if (half_sent || (!playing() && now_us - since_us_ > kSetUpUs)) {
    end();
  } else if (refused_us_ > 0 && now_us - refused_us_ >= kRefusalUs) {
    refused_us_ = 0;
    answer(401, login_.challenges(now_us));
    if (refusals_ >= kMostRefusals) {
      end();
      return;
    }
    reader_.hold(false);
    receive({}, now_us);
  }
}

void ServerSession::end() {
  if (ended()) return;
  state_ = State::kEnded;
  reader_.stop();
  handler_.on_end();
}

void ServerSession::on_broken(int status) {
  cseq_.clear();
  answer(status);
  end();
}

void ServerSession::answer(int status, std::string_view headers, std::string_view body) {
  std::string text = "RTSP/1.0 " + std::to_string(status) + " " + reason_of(status) + "\r\n";
  if (!cseq_.empty()) text += "CSeq: " + cseq_ + "\r\n";
  text.append(headers);
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text.append("\r\n").append(body);
  handler_.on_send(text);
}

void ServerSession::on_request(const Message& request) {
  const std::string* const cseq = request.header("CSeq");
  uint64_t number = 0;
  cseq_.clear();
  const bool plain = cseq && cseq->size() <= kMostCseqChars && parse_decimal(*cseq, UINT32_MAX, &number);
  if (plain) cseq_ = *cseq;
  if (!plain || has_control_bytes(request.uri)) {
    answer(400);
    end();
    return;
  }
  if (!playing() && ++requests_ > kMostRequestsBeforePlay) {
    end();
    return;
  }
  if (request.version != "RTSP/1.0") {
    answer(505);
  } else if (const std::string* wanted = request.header("Require"); wanted && !has_control_bytes(*wanted)) {
    // RFC 2326 12.32. Also how a client asks for a back channel, and hears that there is none.
    answer(551, "Unsupported: " + *wanted + "\r\n");
  } else {
    obey(request);
  }
}

void ServerSession::obey(const Message& request) {
  const std::string& method = request.method;
  if (method == "OPTIONS") {
    answer(200, "Public: " + std::string(kMethods) + "\r\n");
  } else if (method == "DESCRIBE") {
    if (admits(request)) describe(request);
  } else if (method == "SETUP") {
    if (admits(request)) set_up(request);
  } else if (method == "PLAY") {
    if (admits(request)) play(request);
  } else if (method == "GET_PARAMETER" || method == "SET_PARAMETER") {
    parameter(request);
  } else if (method == "TEARDOWN") {
    if (!admits(request) || !has_session(request)) return;
    answer(200);
    end();
  } else {
    const Beginning known = message_beginning(method + " ");
    answer(known == Beginning::kRequest ? 405 : 501, "Allow: " + std::string(kMethods) + "\r\n");
  }
}

/// Whoever logged in on this connection stays so; wrong credentials are refused all the same.
bool ServerSession::admits(const Message& request) {
  if (!asks_login_) return true;
  const std::string* const given = request.header("Authorization");
  if (admitted_ && !given) return true;
  const auto lookup = [this](std::string_view name) { return handler_.find_user(name); };
  const ServerLogin::Verdict verdict = login_.check(given, request.method, lookup, now_us_);
  if (verdict == ServerLogin::Verdict::kAccepted) return admitted_ = true;
  // An old nonce on a connection that is known: its owner has shown who it is.
  if (admitted_ && verdict == ServerLogin::Verdict::kAsked) return true;
  if (verdict == ServerLogin::Verdict::kAsked) {
    answer(401, login_.challenges(now_us_));
    return false;
  }
  handler_.on_refused(login_.named());
  ++refusals_;
  refused_us_ = now_us_;
  reader_.hold(true);
  return false;
}

void ServerSession::describe(const Message& request) {
  ServedPath path;
  if (!channels_.empty()) {
    answer(455);
    return;
  }
  if (!parse_served_path(request.uri, &path) || path.track >= 0 || !handler_.may_see(user(), path)) {
    answer(404);
    return;
  }
  path_ = path;
  base_ = without_userinfo(request.uri);
  base_ = base_.substr(0, base_.find('?'));
  if (base_.empty() || base_.back() != '/') base_ += '/';
  state_ = State::kDescribing;
  reader_.hold(true);
  handler_.on_describe(path_);
}

void ServerSession::described(const std::vector<ServedTrack>& tracks, int64_t now_us) {
  if (!describing()) return;
  now_us_ = now_us;
  tracks_ = tracks;
  state_ = State::kReady;
  answer(200, "Content-Base: " + base_ + "\r\nContent-Type: application/sdp\r\nCache-Control: no-store\r\n",
         write_sdp(tracks_));
  reader_.hold(false);
}

void ServerSession::not_described(int status, int64_t now_us) {
  if (!describing()) return;
  now_us_ = now_us;
  state_ = State::kIdle;
  answer(status, status == 503 ? "Retry-After: 5\r\n" : "");
  reader_.hold(false);
}

bool ServerSession::is_free(unsigned channel) const {
  return channel + 1 <= 255 && std::none_of(channels_.begin(), channels_.end(), [&](const auto& used) {
           return channel <= used.channel + 1u && used.channel <= channel + 1u;
         });
}

/// The first transport of the list that is one of ours. False when there is none.
bool ServerSession::choose_channel(std::string_view transport, const ServedPath& path,
                                   ServedChannel* channel) {
  std::string_view offer;
  while (next_item(&transport, ',', &offer)) {
    std::string_view part;
    std::optional<unsigned> wanted;
    bool fits = next_item(&offer, ';', &part) && same_word(part, "RTP/AVP/TCP");
    while (next_item(&offer, ';', &part)) {
      if (same_word(part, "multicast")) fits = false;
      if (!begins_with_word(part, "interleaved=")) continue;
      uint64_t number = 0;
      const std::string_view range = part.substr(part.find('=') + 1);
      if (!parse_decimal(range.substr(0, range.find('-')), 254, &number)) fits = false;
      wanted = static_cast<unsigned>(number);
    }
    if (!fits || (wanted && !is_free(*wanted))) continue;
    unsigned free = static_cast<unsigned>(path.track) * 2;
    while (!wanted && !is_free(free)) free = (free + 2) % 254;
    channel->track = static_cast<size_t>(path.track);
    channel->channel = static_cast<uint8_t>(wanted.value_or(free));
    channel->seed = next_random(&random_);
    return true;
  }
  return false;
}

void ServerSession::set_up(const Message& request) {
  ServedPath path;
  const std::string* const transport = request.header("Transport");
  if (state_ != State::kReady) {
    answer(455);
  } else if (!parse_served_path(request.uri, &path) || !path.same_stream(path_)) {
    answer(404);
  } else if (!channels_.empty() && !has_session(request)) {
    return;
  } else {
    // With one track some name the session.
    if (path.track < 0 && tracks_.size() == 1) path.track = 0;
    const bool known = path.track >= 0 && static_cast<size_t>(path.track) < tracks_.size();
    const bool twice = std::any_of(channels_.begin(), channels_.end(), [&](const auto& used) {
      return static_cast<int>(used.track) == path.track;
    });
    ServedChannel channel;
    if (!known || twice) {
      answer(known ? 455 : 404);
    } else if (!transport || !choose_channel(*transport, path, &channel)) {
      answer(461);
    } else {
      channels_.push_back(channel);
      const std::string first = std::to_string(channel.channel), second = std::to_string(channel.channel + 1);
      answer(200, "Session: " + session_id_ + std::string(kTimeout) +
                      "\r\nTransport: RTP/AVP/TCP;unicast;interleaved=" + first + "-" + second +
                      ";ssrc=" + hex(channel.seed >> 32, 8) + "\r\n");
    }
  }
}

bool ServerSession::has_session(const Message& request) {
  const std::string* const given = request.header("Session");
  const bool same = given && !channels_.empty() &&
                    trim(std::string_view(*given).substr(0, given->find(';'))) == session_id_;
  if (!same) answer(454);
  return same;
}

void ServerSession::play(const Message& request) {
  if (!has_session(request)) return;
  const std::string session = "Session: " + session_id_ + std::string(kTimeout) + "\r\n";
  if (playing()) {
    answer(200, session);
    return;
  }
  // Packets may only follow the answer, which tells where they begin.
  std::vector<PlayInfo> info;
  if (!handler_.on_play(channels_, &info)) {
    answer(453);
    return;
  }
  std::string list;
  for (size_t i = 0; i < channels_.size() && i < info.size(); ++i) {
    list += (list.empty() ? "url=" : ",url=") + base_ + "trackID=" + std::to_string(channels_[i].track) +
            ";seq=" + std::to_string(info[i].sequence);
    if (info[i].has_time) list += ";rtptime=" + std::to_string(info[i].rtp_time);
  }
  state_ = State::kPlaying;
  answer(200, session + "Range: npt=now-\r\nRTP-Info: " + list + "\r\n");
}

void ServerSession::parameter(const Message& request) {
  // Mostly a sign of life, with a session or without.
  const bool understood = trim(request.body).empty();
  const std::string session =
      channels_.empty() ? "" : "Session: " + session_id_ + std::string(kTimeout) + "\r\n";
  answer(understood ? 200 : 451, session);
}

}  // namespace thimble::rtsp
