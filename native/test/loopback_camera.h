// A camera on loopback that does what the test says: no thread, the test serves it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tiny_h264.h"

namespace thimble::test {

class LoopbackCamera {
 public:
  /// `address`: anything in 127/8.
  explicit LoopbackCamera(const char* address = "127.0.0.1");
  ~LoopbackCamera();
  LoopbackCamera(const LoopbackCamera&) = delete;
  LoopbackCamera& operator=(const LoopbackCamera&) = delete;

  std::string url() const;
  /// Accepts, reads and answers. True when anything happened.
  bool serve();
  /// Closes the port: connections are refused from now on.
  void stop_listening();
  /// Closes all connections.
  void hang_up();

  /// Sends the next picture to all that play (or, with `early_media`, are set up): a key at the start of each
  /// GOP, with parameter sets before it. `at_us` = its RTP time.
  void send_picture(int64_t at_us);
  void send_sound(int64_t at_us);
  /// Sends an RTP packet of the video track that is no part of a picture.
  void send_crumb(int64_t at_us);

  /// All bytes that were handed to the system so far.
  uint64_t sent_bytes() const { return sent_bytes_; }
  size_t connections() const { return accepted_; }
  size_t connected() const { return connections_.size(); }
  bool playing() const;
  /// Request lines and headers, oldest first.
  std::vector<std::string> requests;
  size_t asked(const std::string& method) const;

  // What it does. Answers by method: "" = none; without an entry the usual one. "{cseq}" is replaced.
  std::map<std::string, std::string> answers;
  bool early_media = false;
  bool with_sound = false;
  bool plain_sound = false;  ///< G.711 (PCMA, 8000/1, 20 ms a packet) in place of AAC
  bool keys = true;          ///< false: no picture is one
  int gop = 25;
  int raw_macroblocks = 1;    ///< size of the pictures between keys
  int width_macroblocks = 4;  ///< in the SPS only
  uint8_t level = 10;         ///< level_idc of the SPS
  std::string video_clock = "90000";
  std::string public_methods = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN";
  uint32_t video_ssrc = 0x1001, sound_ssrc = 0x2002;
  /// Added to the sequence of the next packet of the video.
  uint16_t sequence_jump = 0;
  /// Added to all RTP times.
  uint32_t time_offset = 0;
  uint64_t pictures = 0, sounds = 0;

 private:
  struct Connection {
    int fd;
    std::string unread, unsent;
    bool set_up = false, playing = false, closing = false;
    uint16_t video_sequence = 1, sound_sequence = 1;
  };
  void answer(Connection& connection, const std::string& request);
  std::string usual_answer(Connection& connection, const std::string& method) const;
  std::string description() const;
  void send_rtp(Connection& connection, int channel, uint32_t time, bool marker, const tiny::Bytes& payload);
  bool flush(Connection& connection);
  bool gets_media(const Connection& connection) const;

  const std::string address_;
  int listener_ = -1;
  uint16_t port_ = 0;
  size_t accepted_ = 0;
  uint64_t sent_bytes_ = 0;
  std::vector<Connection> connections_;
};

}  // namespace thimble::test
