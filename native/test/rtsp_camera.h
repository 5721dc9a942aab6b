// A scripted camera for tests of the RTSP client: answers requests, remembers what was asked and handed out.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rtsp/client.h"

namespace thimble::test {

constexpr const char* kCameraUrl = "rtsp://192.0.2.30:554/stream1";

/// Video and AAC as a plain camera describes them.
std::string plain_sdp();
/// An answer with the right CSeq in place of "{cseq}" once it is sent.
std::string answer(const std::string& status, const std::string& headers = {}, const std::string& body = {});
std::string describe_answer(const std::string& sdp);
/// `session`: the value of its header.
std::string setup_answer(const std::string& channels, const std::string& session = "4711;timeout=60");
/// An interleaved frame; `payload` begins with the RTP or RTCP header.
std::string frame(int channel, const std::string& payload);
/// An RTP packet of version 2.
std::string rtp(int payload_type, uint16_t sequence, uint32_t ssrc = 0x11223344, size_t payload_bytes = 20);

struct SeenPacket {
  rtsp::TrackUse track;
  bool is_rtcp;
  std::string bytes;
  bool operator==(const SeenPacket& other) const {
    return track == other.track && is_rtcp == other.is_rtcp && bytes == other.bytes;
  }
};

class Camera final : public rtsp::ClientHandler {
 public:
  Camera();
  explicit Camera(rtsp::ClientConfig config);
  static rtsp::ClientConfig default_config();

  /// Answers for a method, used in turn; the last one stays. "" = no answer.
  void script(const std::string& method, std::deque<std::string> answers) {
    script_[method] = std::move(answers);
  }
  /// Starts the client and answers all it asks.
  void start();
  /// Answers what has been asked and not been answered.
  void answer_all();
  void send(const std::string& bytes);
  void tick_at(int64_t us);
  void advance(int64_t us) { tick_at(now_us + us); }

  /// Requests of a method, oldest first.
  std::vector<std::string> asked(const std::string& method) const;
  static std::string header(const std::string& request, const std::string& name);
  static std::string first_line(const std::string& request);

  // ClientHandler
  void on_send(ByteView bytes) override;
  void on_described(const rtsp::SessionDescription& given) override { description = given; }
  void on_playing() override { playing = true; }
  void on_packet(rtsp::TrackUse track, bool is_rtcp, ByteView packet, int64_t now) override;
  void on_end(rtsp::Outcome given, const std::string& words) override;

  int64_t now_us = 1'000'000;
  int64_t next_tick_us = 0;
  bool playing = false;
  int ends = 0;
  std::optional<rtsp::Outcome> outcome;
  std::string message;
  rtsp::SessionDescription description;
  std::vector<std::string> sent;  ///< all that the client sent
  std::vector<SeenPacket> packets;
  std::unique_ptr<rtsp::Client> client;

 private:
  std::map<std::string, std::deque<std::string>> script_;
  size_t answered_ = 0;
};

}  // namespace thimble::test
