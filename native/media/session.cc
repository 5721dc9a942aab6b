// The socket of a session, and the way of bytes between it, the client and the tracks.
#include "media/session.h"

#include <cerrno>
#include <cstring>

#include "rtsp/connector.h"

namespace thimble::media {

namespace {
constexpr int64_t kConnectTimeoutUs = 5'000'000;
constexpr int64_t kReportPeriodUs = 5'000'000;
constexpr int64_t kTrackTickUs = 1'000'000;
constexpr int kMostReads = 8;
/// Requests are short: more than this unsent means that the camera does not read.
constexpr size_t kMostUnsent = 64 * 1024;

LinkProblem problem_of_errno(int error) {
  switch (error) {
    case ECONNREFUSED:
      return LinkProblem::kRefused;
    case ETIMEDOUT:
      return LinkProblem::kTimeout;
    case ECONNRESET:
    case EPIPE:
      return LinkProblem::kClosed;
    default:
      return LinkProblem::kUnreachable;
  }
}

std::string words_of_errno(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "The camera refuses the connection: nothing listens on that port.";
    case ETIMEDOUT:
      return "The camera does not answer.";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return "There is no way to the camera's address in this network.";
    case ECONNRESET:
      return "The camera closed the connection.";
    default:
      return std::string("The connection failed: ") + std::strerror(error) + ".";
  }
}
}  // namespace

LinkProblem problem_of(rtsp::Outcome outcome) {
  switch (outcome) {
    case rtsp::Outcome::kOk:
      return LinkProblem::kNone;
    case rtsp::Outcome::kUnauthorized:
    case rtsp::Outcome::kAuthUnsupported:
    case rtsp::Outcome::kForbidden:
      return LinkProblem::kUnauthorized;
    case rtsp::Outcome::kNotFound:
      return LinkProblem::kNotFound;
    case rtsp::Outcome::kNotEnoughBandwidth:
      return LinkProblem::kBusy;
    case rtsp::Outcome::kUnsupportedTransport:
      return LinkProblem::kUnsupportedTransport;
    case rtsp::Outcome::kUnsupportedVideo:
      return LinkProblem::kUnsupportedCodec;
    case rtsp::Outcome::kNoVideo:
      return LinkProblem::kNoVideo;
    case rtsp::Outcome::kBadResponse:
      return LinkProblem::kNotRtsp;
    case rtsp::Outcome::kTimeout:
      return LinkProblem::kTimeout;
    case rtsp::Outcome::kClosed:
      return LinkProblem::kClosed;
    case rtsp::Outcome::kMethodNotAllowed:
    case rtsp::Outcome::kNotAcceptable:
    case rtsp::Outcome::kSessionNotFound:
    case rtsp::Outcome::kInvalidState:
    case rtsp::Outcome::kRedirect:
    case rtsp::Outcome::kServerError:
      return LinkProblem::kServerError;
  }
  return LinkProblem::kServerError;
}

/// Routes the access units of one track to the owner.
class Session::UnitSink final : public rtsp::AccessUnitSink {
 public:
  UnitSink(SessionOwner& owner, bool video) : owner_(owner), video_(video) {}
  void on_access_unit(const rtsp::AccessUnit& unit) override {
    if (video_) {
      owner_.on_video_unit(unit);
    } else {
      owner_.on_audio_unit(unit);
    }
  }

 private:
  SessionOwner& owner_;
  const bool video_;
};

Session::Session(Poller& poller, ByteView read_buffer, SessionOwner& owner, rtsp::ClientConfig config,
                 bool hub)
    : poller_(poller),
      buffer_(const_cast<uint8_t*>(read_buffer.data)),
      buffer_size_(read_buffer.size),
      owner_(owner),
      hub_(hub),
      client_(rtsp::Client::create(std::move(config), *this)) {}

Session::~Session() {
  close_socket();
}

void Session::close_socket() {
  if (fd_ < 0) return;
  poller_.remove(fd_);
  ::close(fd_);
  fd_ = -1;
}

bool Session::connect(const sockaddr* address, socklen_t length, int64_t now_us) {
  now_us_ = now_us;
  if (!client_) {
    abort(LinkProblem::kNotRtsp, "The address is not a usable rtsp:// URL.", now_us);
    return false;
  }
  const int fd = rtsp::connect_tcp(address, length);
  if (fd < 0) {
    abort(problem_of_errno(-fd), words_of_errno(-fd), now_us);
    return false;
  }
  fd_ = fd;
  connect_deadline_us_ = now_us + kConnectTimeoutUs;
  if (!poller_.add(fd_, EPOLLOUT, this)) {
    abort(LinkProblem::kUnreachable, words_of_errno(errno), now_us);
    return false;
  }
  return true;
}

void Session::abort(LinkProblem problem, std::string message, int64_t now_us) {
  if (ended_) return;
  end_.problem = problem;
  end_.message = std::move(message);
  finish(now_us);
}

void Session::finish(int64_t now_us) {
  if (ended_) return;
  ended_ = true;
  if (video_) video_->flush(now_us);
  if (audio_) audio_->flush(now_us);
  close_socket();
}

void Session::on_ready(uint32_t events, int64_t now_us) {
  if (ended_ || fd_ < 0) return;
  now_us_ = now_us;
  if (!connected_) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
      abort(problem_of_errno(error), words_of_errno(error), now_us);
      return;
    }
    if (events & EPOLLOUT) on_connected(now_us);
    return;
  }
  if (events & EPOLLOUT) write_pending();
  if (!ended_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) read_all(now_us);
}

void Session::on_connected(int64_t now_us) {
  connected_ = true;
  poller_.modify(fd_, EPOLLIN, this);
  next_report_us_ = now_us + kReportPeriodUs;
  client_->start(now_us);
}

void Session::read_all(int64_t now_us) {
  // A full buffer means that more may wait; a bounded number of reads, so that no camera starves the others.
  for (int reads = 0; reads < kMostReads; ++reads) {
    const ssize_t count = recv(fd_, buffer_, buffer_size_, 0);
    if (count <= 0) {
      on_read_failed(count, now_us);
      return;
    }
    received_bytes_ += static_cast<uint64_t>(count);
    client_->receive({buffer_, static_cast<size_t>(count)}, now_us);
    if (ended_ || static_cast<size_t>(count) < buffer_size_) return;
  }
}

void Session::on_read_failed(ssize_t count, int64_t now_us) {
  const int error = errno;
  if (count < 0 && (error == EAGAIN || error == EINTR)) return;
  if (count == 0) client_->closed(now_us);
  if (ended_) return;
  abort(LinkProblem::kClosed, count == 0 ? "The camera closed the connection." : words_of_errno(error),
        now_us);
}

void Session::on_send(ByteView bytes) {
  if (fd_ < 0 || choked_) return;
  unsent_.append(bytes.text());
  write_pending();
}

void Session::write_pending() {
  while (!unsent_.empty()) {
    const ssize_t count = send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (count > 0) {
      unsent_.erase(0, static_cast<size_t>(count));
      continue;
    }
    // A failed connection is reported by the next read; only a camera that never reads must not grow the
    // buffer. It is given up by tick, as this may run inside a call of the client.
    if (unsent_.size() > kMostUnsent) choked_ = true;
    break;
  }
  if (connected_) poller_.modify(fd_, unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT, this);
}

void Session::on_described(const rtsp::SessionDescription& description) {
  if (description.video >= 0) {
    video_sink_ = std::make_unique<UnitSink>(owner_, true);
    video_ = rtsp::RtpTrack::create(description.tracks[static_cast<size_t>(description.video)], *video_sink_);
  }
  if (description.audio >= 0) {
    audio_sink_ = std::make_unique<UnitSink>(owner_, false);
    audio_ = rtsp::RtpTrack::create(description.tracks[static_cast<size_t>(description.audio)], *audio_sink_);
  }
  owner_.on_described(description);
}

void Session::on_playing() {
  owner_.on_playing(now_us_);
}

void Session::on_packet(rtsp::TrackUse use, bool is_rtcp, ByteView packet, int64_t now_us) {
  const bool video = use == rtsp::TrackUse::kVideo;
  rtsp::RtpTrack* track = video ? video_.get() : audio_.get();
  if (!track || ended_) return;
  if (!is_rtcp) {
    if (hub_ && (video ? video_splices_ : audio_splices_).on_rtp(packet) && owner_.on_splice(now_us)) {
      abort(LinkProblem::kClosed, "go2rtc has connected to the camera anew.", now_us);
      return;
    }
    if (video) owner_.on_video_packet(now_us);
    track->on_rtp(packet, now_us);
    return;
  }
  track->on_rtcp(packet, now_us);
  const rtsp::SenderReport* report = track->sender_report();
  int64_t& seen_us = video ? video_report_us_ : audio_report_us_;
  if (report && report->arrival_us != seen_us) {
    seen_us = report->arrival_us;
    owner_.on_sender_report(video, *report);
  }
}

void Session::on_end(rtsp::Outcome outcome, const std::string& message) {
  if (ended_) return;
  end_.problem = problem_of(outcome);
  end_.message = message;
  end_.retry_after_s = client_->retry_after_s();
  if (outcome == rtsp::Outcome::kRedirect) end_.redirect_url = client_->redirect_url();
  finish(now_us_);
}

void Session::send_receiver_reports(int64_t now_us) {
  uint8_t report[128];
  for (const rtsp::TrackUse use : {rtsp::TrackUse::kVideo, rtsp::TrackUse::kAudio}) {
    rtsp::RtpTrack* track = use == rtsp::TrackUse::kVideo ? video_.get() : audio_.get();
    const size_t size = track ? track->write_receiver_report(report, now_us) : 0;
    if (size > 0) client_->send_rtcp(use, {report, size});
  }
}

void Session::tick(int64_t now_us) {
  if (ended_) return;
  now_us_ = now_us;
  if (!connected_) {
    if (now_us >= connect_deadline_us_) abort(LinkProblem::kTimeout, words_of_errno(ETIMEDOUT), now_us);
    return;
  }
  if (choked_) {
    abort(LinkProblem::kTimeout, "The camera does not take what we send.", now_us);
    return;
  }
  client_->tick(now_us);
  if (ended_ || leaving_) return;
  if (now_us >= next_track_tick_us_) {
    next_track_tick_us_ = now_us + kTrackTickUs;
    if (video_) video_->tick(now_us);
    if (audio_) audio_->tick(now_us);
  }
  if (client_->playing() && now_us >= next_report_us_) {
    next_report_us_ = now_us + kReportPeriodUs;
    send_receiver_reports(now_us);
  }
}

void Session::teardown(int64_t now_us) {
  if (ended_) return;
  now_us_ = now_us;
  if (!connected_) {
    abort(LinkProblem::kNone, "", now_us);
    return;
  }
  leaving_ = true;
  client_->teardown(now_us);
  if (hub_) abort(LinkProblem::kNone, "", now_us);
}

}  // namespace thimble::media
