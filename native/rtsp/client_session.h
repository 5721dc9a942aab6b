// The state machine behind Client: what was asked, what is awaited, what an answer leads to. Hidden behind
// client.h.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "rtsp/answer_headers.h"
#include "rtsp/channel_map.h"
#include "rtsp/client.h"
#include "rtsp/digest.h"
#include "rtsp/framing.h"
#include "rtsp/keep_alive.h"

namespace thimble::rtsp {

class ClientSession final : public Client, private StreamSink {
 public:
  ClientSession(ClientConfig config, UrlParts url, ClientHandler& handler);

  void start(int64_t now_us) override;
  void receive(ByteView bytes, int64_t now_us) override;
  int64_t tick(int64_t now_us) override;
  void teardown(int64_t now_us) override;
  void closed(int64_t now_us) override;
  void send_rtcp(TrackUse track, ByteView packet) override;
  bool playing() const override { return step_ == Step::kPlaying; }
  const std::string& redirect_url() const override { return redirect_url_; }
  int retry_after_s() const override { return retry_after_s_; }
  const std::string& audio_problem() const override { return audio_problem_; }
  bool rtp_info_time(TrackUse track, uint32_t* rtp_time) const override;
  const Counters& counters() const override { return counters_; }

 private:
  enum class Step {
    kIdle,
    kOptions,
    kDescribe,
    kSetupVideo,
    kSetupAudio,
    kPlay,
    kPlaying,
    kTeardown,
    kEnded
  };

  /// The one request whose answer is awaited.
  struct Request {
    bool awaited = false;
    const char* method = "";
    std::string url;
    std::string extra;  // further header lines
    uint32_t cseq = 0;
    int64_t deadline_us = 0;
    int64_t patience_us = 0;
    bool authorized = false;
    int repeats = 0;
  };

  void on_frame(uint8_t channel, ByteView packet) override;
  void on_message(const Message& message) override;
  void on_broken(const char* why) override;

  void ask(Step step, const char* method, const std::string& url, std::string extra, int64_t patience_us);
  void send_request();
  void answer_server(const Message& request);
  bool belongs_to_request(const Message& answer);
  void note_session(const Message& answer);
  void handle(const Message& answer);
  void handle_unauthorized(const Message& answer);
  void handle_described(const Message& answer);
  void drop_useless_audio();
  void end_without_video();
  void setup(TrackUse track);
  void handle_setup(const Message& answer);
  void handle_audio_setup(const Message& answer);
  bool accept_transport(const Message& answer, TrackUse track);
  void play();
  void handle_playing(const Message& answer);
  void read_rtp_info(const Message& answer);
  void handle_keep_alive(const Message& answer);
  void refuse(const Message& answer);
  void redirect(const Message& answer);
  void out_of_patience();
  void keep_alive();
  void end(Outcome outcome, const std::string& message);

  const ClientConfig config_;
  const UrlParts url_;
  ClientHandler& handler_;
  Framing framing_;
  Authenticator authenticator_;
  KeepAlive keep_alive_;
  ChannelMap channels_;
  SessionDescription description_;
  Step step_ = Step::kIdle;
  Request request_;
  uint32_t last_cseq_ = 0;
  uint32_t abandoned_cseq_ = 0;  // of a request whose answer is not awaited any more
  std::string session_id_;
  bool ending_ = false;
  bool session_exists_ = false;  // a SETUP was answered
  uint32_t timeout_s_;
  uint8_t asked_channel_ = 0;
  int64_t now_us_ = 0;
  int64_t last_bytes_us_ = 0;
  int64_t last_packet_us_ = 0;
  int64_t session_lost_us_ = 0;  // a keep-alive was answered by 454; 0 = not
  int64_t answered_since_us_ = 0;
  int answered_requests_ = 0;
  std::optional<uint32_t> video_rtp_time_, audio_rtp_time_;
  std::string redirect_url_, audio_problem_;
  int retry_after_s_ = 0;
  Counters counters_;
};

}  // namespace thimble::rtsp
