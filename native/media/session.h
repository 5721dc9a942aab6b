// One attempt to receive a camera: its TCP connection, the RTSP conversation on it and the readers of its
// tracks.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>

#include "media/events.h"
#include "media/poller.h"
#include "media/splice_watch.h"
#include "rtsp/client.h"
#include "rtsp/rtp_track.h"

namespace thimble::media {

/// What a session tells its stream. Called on the ingest thread; the session must not be destroyed from
/// inside a call.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual void on_described(const rtsp::SessionDescription& description) = 0;
  virtual void on_playing(int64_t now_us) = 0;
  virtual void on_video_unit(const rtsp::AccessUnit& unit) = 0;
  virtual void on_audio_unit(const rtsp::AccessUnit& unit) = 0;
  /// An RTP packet of the video track came in; whether it leads to a picture is another matter.
  virtual void on_video_packet(int64_t now_us) = 0;
  virtual void on_sender_report(bool video, const rtsp::SenderReport& report) = 0;
  /// go2rtc passes on another session with the camera from now on. True = this one is to end, before
  /// anything of the other one is read.
  virtual bool on_splice(int64_t now_us) = 0;
};

/// Lives on the ingest thread. The read buffer is shared by all sessions of a thread.
class Session final : public PollTarget, private rtsp::ClientHandler {
 public:
  struct End {
    LinkProblem problem = LinkProblem::kNone;
    std::string message;
    int retry_after_s = 0;
    std::string redirect_url;  ///< set when the camera sent us elsewhere
  };

  /// `hub`: it is go2rtc that answers.
  Session(Poller& poller, ByteView read_buffer, SessionOwner& owner, rtsp::ClientConfig config,
          bool hub = false);
  ~Session() override;

  /// Begins to connect. False when that failed at once (`ended` is set).
  bool connect(const sockaddr* address, socklen_t length, int64_t now_us);
  void on_ready(uint32_t events, int64_t now_us) override;
  /// Time-outs, keep-alives, receiver reports. Call at least ten times a second.
  void tick(int64_t now_us);
  /// Says goodbye to the camera; `ended` follows within 200 ms, with go2rtc at once: it never answers.
  void teardown(int64_t now_us);
  /// Ends at once.
  void abort(LinkProblem problem, std::string message, int64_t now_us);

  bool ended() const { return ended_; }
  const End& end() const { return end_; }
  const rtsp::Client& client() const { return *client_; }
  const rtsp::RtpTrack* video() const { return video_.get(); }
  const rtsp::RtpTrack* audio() const { return audio_.get(); }
  uint64_t received_bytes() const { return received_bytes_; }

 private:
  class UnitSink;

  // rtsp::ClientHandler
  void on_send(ByteView bytes) override;
  void on_described(const rtsp::SessionDescription& description) override;
  void on_playing() override;
  void on_packet(rtsp::TrackUse track, bool is_rtcp, ByteView packet, int64_t now_us) override;
  void on_end(rtsp::Outcome outcome, const std::string& message) override;

  void on_connected(int64_t now_us);
  void read_all(int64_t now_us);
  void on_read_failed(ssize_t count, int64_t now_us);
  void write_pending();
  void finish(int64_t now_us);
  void close_socket();
  void send_receiver_reports(int64_t now_us);

  Poller& poller_;
  uint8_t* const buffer_;
  const size_t buffer_size_;
  SessionOwner& owner_;
  const bool hub_;
  SpliceWatch video_splices_, audio_splices_;
  std::unique_ptr<rtsp::Client> client_;
  std::unique_ptr<UnitSink> video_sink_, audio_sink_;
  std::unique_ptr<rtsp::RtpTrack> video_, audio_;
  int fd_ = -1;
  bool connected_ = false, ended_ = false, leaving_ = false;
  bool choked_ = false;  ///< the camera does not read what we send
  int64_t now_us_ = 0;   ///< of the call that is running
  int64_t connect_deadline_us_ = 0, next_report_us_ = 0, next_track_tick_us_ = 0;
  int64_t video_report_us_ = 0, audio_report_us_ = 0;
  std::string unsent_;
  End end_;
  uint64_t received_bytes_ = 0;
};

LinkProblem problem_of(rtsp::Outcome outcome);

}  // namespace thimble::media
