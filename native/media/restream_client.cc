// See restream_client.h.
#include "media/restream_client.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace thimble::media {

namespace {
constexpr int64_t kReportPeriodUs = 5'000'000;
constexpr int64_t kGoodbyeUs = 1'000'000;
/// At one go, so that one fast client does not keep the cameras waiting.
constexpr size_t kMostAtOnce = 1024 * 1024;
/// Below it the next packets are looked up.
constexpr size_t kLeastUnsent = RestreamClient::kMostUnsent / 2;

uint64_t system_seed() {
  uint64_t seed = 0;
  while (getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed)) {
  }
  return seed;
}

StreamKey key_of(const rtsp::ServedPath& path) {
  return {path.camera, path.sub ? StreamKind::kSub : StreamKind::kMain};
}
}  // namespace

RestreamClient::RestreamClient(int fd, std::string address, bool inside, std::string realm, Poller& poller,
                               ByteView read_buffer, const WallClock& clock, RestreamOwner& owner,
                               int64_t now_us)
    : fd_(fd),
      address_(std::move(address)),
      inside_(inside),
      poller_(poller),
      read_buffer_(read_buffer),
      clock_(clock),
      owner_(owner),
      session_({std::move(realm), system_seed()}, *this, now_us),
      cname_("thimble-" + std::to_string(system_seed())),
      now_us_(now_us),
      since_us_(now_us),
      progress_us_(now_us) {}

RestreamClient::~RestreamClient() {
  close();
}

bool RestreamClient::begin() {
  watched_ = EPOLLIN;
  if (poller_.add(fd_, watched_, this)) return true;
  watched_ = 0;
  close();
  return false;
}

void RestreamClient::close() {
  if (fd_ < 0) return;
  poller_.remove(fd_);
  ::close(fd_);
  fd_ = -1;
  leave_feed();
}

void RestreamClient::leave_feed() {
  // Its key is told of until the end.
  if (feed_) feed_->remove(this);
}

uint64_t RestreamClient::skips() const {
  uint64_t skips = 0;
  for (const RestreamTrack& track : tracks_) skips += track.is_video() ? track.skips() : 0;
  return skips;
}

void RestreamClient::on_ready(uint32_t events, int64_t now_us) {
  if (ended()) return;
  now_us_ = now_us;
  if (quick_left_ > 0) --quick_left_;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read();
  if (!ended()) pump();
}

void RestreamClient::read() {
  if (ending_) {
    // What it still says is of no interest, but must be taken for it to hear our last words.
    const ssize_t count = recv(fd_, const_cast<uint8_t*>(read_buffer_.data), read_buffer_.size, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) close();
    return;
  }
  // One read: who sends much is paced by the wake-ups.
  const ssize_t count =
      recv(fd_, const_cast<uint8_t*>(read_buffer_.data), std::min<size_t>(read_buffer_.size, 8192), 0);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
    close();
    return;
  }
  if (count > 0) session_.receive({read_buffer_.data, static_cast<size_t>(count)}, now_us_);
}

void RestreamClient::tick(int64_t now_us) {
  if (ended()) return;
  now_us_ = now_us;
  session_.tick(now_us);
  describe_if_known();
  if (shut_ && now_us - shut_us_ > kGoodbyeUs) {
    close();
    return;
  }
  if (unsent() > 0 && now_us - progress_us_ > kStuckUs) {
    // Nor does the kernel keep anything for it.
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
    return;
  }
  if (started_ && now_us >= next_report_us_) report_all();
  pump();
}

void RestreamClient::on_packets(int64_t now_us) {
  if (ended() || ending_) return;
  now_us_ = std::max(now_us_, now_us);
  if (session_.describing()) describe_if_known();
  // Who has to be waited for is told of it by the poller.
  if ((watched_ & EPOLLOUT) == 0) pump();
}

// --- what the session asks

void RestreamClient::on_send(std::string_view bytes) {
  if (unsent() == 0) progress_us_ = now_us_;
  out_.append(bytes);
}

bool RestreamClient::may_see(const std::string& user, const rtsp::ServedPath& path) {
  return owner_.may_see(inside_, user, key_of(path), path.viewer);
}

void RestreamClient::on_describe(const rtsp::ServedPath& path) {
  const StreamKey key = key_of(path);
  viewer_ = path.viewer;
  if (!feed_ || !(feed_->key() == key)) {
    leave_feed();
    feed_ = &owner_.feed_of(key);
    feed_->add(this);
  }
  describe_since_us_ = now_us_;
  describe_if_known();
}

void RestreamClient::describe_if_known() {
  if (!session_.describing() || !feed_) return;
  const std::vector<rtsp::ServedTrack> tracks = feed_->tracks();
  if (!tracks.empty()) {
    session_.described(tracks, now_us_);
  } else if (now_us_ - describe_since_us_ > kDescribeUs) {
    session_.not_described(503, now_us_);
  } else {
    return;
  }
  // What it sent meanwhile. From within a request the reader goes on by itself.
  awaits_rest_ = true;
}

bool RestreamClient::on_play(const std::vector<rtsp::ServedChannel>& channels,
                             std::vector<rtsp::PlayInfo>* info) {
  if (!owner_.room_to_play(inside_)) return false;
  tracks_.clear();
  tracks_.reserve(channels.size());
  for (const rtsp::ServedChannel& channel : channels) {
    tracks_.emplace_back(session_.tracks()[channel.track], channel);
  }
  const RestreamTrack* picture = nullptr;
  for (RestreamTrack& track : tracks_) {
    if (track.is_video()) {
      track.start(*feed_, nullptr);
      picture = &track;
    }
  }
  for (RestreamTrack& track : tracks_) {
    if (!track.is_video()) track.start(*feed_, picture);
  }
  for (const RestreamTrack& track : tracks_) info->push_back(track.info(*feed_));
  next_report_us_ = now_us_ + kReportPeriodUs;
  started_ = true;
  return true;
}

// --- the way of the packets

/// The description still says what comes. Sets come in the stream; another codec does not.
bool RestreamClient::description_holds() {
  if (!feed_->pictures() || edition_ == feed_->edition()) return true;
  edition_ = feed_->edition();
  for (const rtsp::ServedTrack& told : session_.tracks()) {
    const auto same_kind = [&](const auto& track) { return track.is_video() == told.is_video(); };
    if (std::none_of(tracks_.begin(), tracks_.end(), same_kind)) continue;
    // Sound comes before the first picture too.
    const auto now = told.is_video() ? feed_->picture_track() : feed_->sound_track();
    if (now && !told.goes_on_as(*now)) return false;
  }
  return true;
}

/// What came in first goes first.
RestreamTrack* RestreamClient::next_track() {
  RestreamTrack* next = nullptr;
  int64_t first_us = 0;
  // Pictures before sound, which follows them where they are moved on: what it has next is known only then.
  for (const bool video : {true, false}) {
    for (RestreamTrack& track : tracks_) {
      int64_t arrival_us = 0;
      if (track.is_video() != video || !track.ready(*feed_, &arrival_us)) continue;
      if (const auto to90k = track.take_move()) {
        for (RestreamTrack& other : tracks_) {
          if (!other.is_video()) other.follow_picture(*feed_, *to90k);
        }
      }
      if (next && arrival_us >= first_us) continue;
      next = &track;
      first_us = arrival_us;
    }
  }
  return next;
}

/// False when there is nothing more to send.
bool RestreamClient::fill() {
  while (unsent() < kLeastUnsent) {
    RestreamTrack* const track = next_track();
    if (!track) return false;
    track->write(*feed_, &out_);
    if (track->take_tie()) track->report(*feed_, now_us_, clock_.offset_us(), cname_, &out_);
  }
  return true;
}

void RestreamClient::report_all() {
  next_report_us_ = now_us_ + kReportPeriodUs;
  if (unsent() > kLeastUnsent) return;
  for (RestreamTrack& track : tracks_) track.report(*feed_, now_us_, clock_.offset_us(), cname_, &out_);
}

/// False when the socket takes nothing more, or is gone.
bool RestreamClient::write_some() {
  while (unsent() > 0) {
    const ssize_t count = send(fd_, out_.data() + out_at_, unsent(), MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) close();
      return false;
    }
    out_at_ += static_cast<size_t>(count);
    sent_bytes_ += static_cast<uint64_t>(count);
    progress_us_ = now_us_;
  }
  out_.clear();
  out_at_ = 0;
  return true;
}

void RestreamClient::pump() {
  if (std::exchange(awaits_rest_, false)) session_.receive({}, now_us_);
  if (started_ && !ending_ && !description_holds()) ending_ = true;
  const uint64_t begin_bytes = sent_bytes_;
  bool takes = true;
  more_ = false;
  for (;;) {
    if (unsent() == 0) progress_us_ = now_us_;
    if (out_at_ >= kLeastUnsent) {
      out_.erase(0, out_at_);
      out_at_ = 0;
    }
    more_ = started_ && !ending_ && fill();
    takes = write_some();
    if (ended()) return;
    if (!takes || !more_ || sent_bytes_ - begin_bytes > kMostAtOnce) break;
  }
  if (ending_ && unsent() == 0 && !shut_) {
    // Closed at once it would be reset where it has sent more than was read, and our last words be lost.
    shut_ = true;
    shut_us_ = now_us_;
    shutdown(fd_, SHUT_WR);
  }
  watch();
}

void RestreamClient::watch() {
  // Who does not take what is sent is not asked for more.
  const bool listens = unsent() < kMostUnsent;
  const uint32_t wanted = (listens ? EPOLLIN : 0u) | (unsent() > 0 || more_ ? EPOLLOUT : 0u);
  if (wanted == watched_) return;
  poller_.modify(fd_, wanted, this);
  watched_ = wanted;
}

}  // namespace thimble::media
