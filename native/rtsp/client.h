// An RTSP 1.0 client (RFC 2326) as a state machine without sockets: bytes and times in, bytes and facts out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "rtsp/bytes.h"
#include "rtsp/sdp.h"

namespace thimble::rtsp {

/// How an attempt ended or why it cannot work. The names are those of the cases' `outcome`.
enum class Outcome {
  kOk,
  kUnauthorized,     ///< final 401: the credentials are wrong or missing
  kAuthUnsupported,  ///< no challenge that we can answer
  kForbidden,
  kNotFound,
  kMethodNotAllowed,
  kNotAcceptable,
  kNotEnoughBandwidth,  ///< 453: the camera is at its limit of viewers
  kSessionNotFound,
  kInvalidState,
  kUnsupportedTransport,
  kRedirect,          ///< Client::redirect_url() says where; the caller opens a new connection
  kServerError,       ///< 5xx
  kUnsupportedVideo,  ///< there is video, but in no codec we record
  kNoVideo,
  kBadResponse,
  kTimeout,
  kClosed,  ///< the camera closed the connection
};
const char* outcome_name(Outcome outcome);

/// Bit of a codec in ClientConfig::audio_codecs.
constexpr uint32_t codec_bit(Codec codec) {
  return 1u << static_cast<unsigned>(codec);
}

struct ClientConfig {
  std::string url;  ///< as the user gave it; user and password in it are used when the fields below are empty
  std::string username;
  std::string password;
  bool want_audio = true;
  /// codec_bit of those that can be recorded; others are not set up.
  uint32_t audio_codecs = codec_bit(Codec::kAac);
  std::string user_agent;  ///< never empty (some cameras answer 401 without it)
  uint64_t seed = 0;       ///< of client nonces and jitter; 0 = from the system
};

/// Hears what the client has to say. Called only from within Client's own methods, on the caller's thread.
/// The client must not be destroyed from inside a call.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  /// Bytes to write to the connection, in order.
  virtual void on_send(ByteView bytes) = 0;
  /// DESCRIBE was answered and tracks were chosen. `audio` is -1 here as well when it will not be set up; the
  /// track says why.
  virtual void on_described(const SessionDescription& description) = 0;
  /// PLAY was answered. RTP can come before.
  virtual void on_playing() = 0;
  /// A packet of the chosen track (`is_rtcp`: of its RTCP channel). Valid during the call.
  virtual void on_packet(TrackUse track, bool is_rtcp, ByteView packet, int64_t now_us) = 0;
  /// The attempt is over; nothing else will be called. `message`: one sentence for people, without secrets.
  virtual void on_end(Outcome outcome, const std::string& message) = 0;
};

/// One attempt on one TCP connection: OPTIONS, DESCRIBE, SETUP (video, audio), PLAY, keep-alives, TEARDOWN.
/// All times are CLOCK_MONOTONIC microseconds. Memory is bounded: header block 16 KiB, body and frame 64 KiB.
class Client {
 public:
  /// Null when the URL is not usable (see parse_rtsp_url).
  static std::unique_ptr<Client> create(ClientConfig config, ClientHandler& handler);
  virtual ~Client() = default;

  /// The connection is there: sends the first request.
  virtual void start(int64_t now_us) = 0;
  /// Bytes from the connection. Consumes all of them (a part of a frame is kept inside).
  virtual void receive(ByteView bytes, int64_t now_us) = 0;
  /// Time passes: time-outs of answers, keep-alives. Returns the time of the next call that is needed.
  virtual int64_t tick(int64_t now_us) = 0;
  /// Sends TEARDOWN when a session exists. Afterwards only its answer is waited for (200 ms, ended by tick).
  virtual void teardown(int64_t now_us) = 0;
  /// The other side closed the connection, or it failed.
  virtual void closed(int64_t now_us) = 0;
  /// Sends RTCP on the RTCP channel of a track.
  virtual void send_rtcp(TrackUse track, ByteView packet) = 0;

  /// True between the PLAY answer and the end.
  virtual bool playing() const = 0;
  /// After kRedirect: the absolute URL to go to, without userinfo.
  virtual const std::string& redirect_url() const = 0;
  /// After an error answer with Retry-After: its seconds, at most 300; else 0.
  virtual int retry_after_s() const = 0;
  /// Why a sound track that was to be set up gives no sound; empty when it does. Final at on_playing().
  virtual const std::string& audio_problem() const = 0;
  /// RTP-Info of the PLAY answer: the rtptime of a track, when all tracks set up have a believable one.
  virtual bool rtp_info_time(TrackUse track, uint32_t* rtp_time) const = 0;

  struct Counters {
    uint64_t resyncs = 0, unassigned_frames = 0, rtsp_messages = 0;
    uint64_t cseq_mismatches = 0;  ///< answers that were taken although their CSeq is wrong or missing
  };
  virtual const Counters& counters() const = 0;
};

/// Parts of rtsp://[user:password@]host[:port]/path. `host` without brackets; port 554 when not given.
struct UrlParts {
  std::string username, password, host;
  uint16_t port = 554;
  std::string without_userinfo;  ///< what goes into request lines
};
/// False for anything but a usable rtsp:// URL.
bool parse_rtsp_url(std::string_view url, UrlParts* parts);

}  // namespace thimble::rtsp
