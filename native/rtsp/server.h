// The server's side of RTSP 1.0 (RFC 2326) as a state machine without sockets: bytes and times in, bytes and
// facts out. Only interleaved on the connection of the requests; nothing is recorded, nothing seeks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rtsp/bytes.h"
#include "rtsp/request_reader.h"
#include "rtsp/served_track.h"
#include "rtsp/server_login.h"

namespace thimble::rtsp {

/// What the path of a request URL names: "/ring/<camera>/<main|sub>" or "/<camera>/<main|sub>", and behind it
/// perhaps "/trackID=<n>".
struct ServedPath {
  uint32_t camera = 0;
  bool sub = false;
  int track = -1;      ///< -1 = the whole session
  std::string viewer;  ///< what stands behind `?viewer=`: for whom it is asked; empty = nobody is named
  bool same_stream(const ServedPath& other) const { return camera == other.camera && sub == other.sub; }
};
/// False for anything else. Of a query only `viewer` counts, alone: 1 to 32 letters, digits, `-` and `_`.
bool parse_served_path(std::string_view url, ServedPath* path);

/// A track that was set up.
struct ServedChannel {
  size_t track = 0;     ///< in the description
  uint8_t channel = 0;  ///< of RTP; the next one is that of RTCP
  uint64_t seed = 0;    ///< for its Packetizer
};

/// Of a track that begins to play.
struct PlayInfo {
  uint16_t sequence = 0;
  bool has_time = false;
  uint32_t rtp_time = 0;
};

/// Hears what a session has to say. Called only from within its methods, which must not be destroyed from
/// inside a call.
class ServerHandler {
 public:
  virtual ~ServerHandler() = default;
  /// Bytes to write to the connection, in order.
  virtual void on_send(std::string_view bytes) = 0;
  virtual const ServerUser* find_user(std::string_view name) = 0;
  /// May this user ("" = nobody logs in here) see this stream? Streams that are not there: false.
  virtual bool may_see(const std::string& user, const ServedPath& path) = 0;
  /// A stream is to be described: `described` or `not_described` answers, within this call or later.
  virtual void on_describe(const ServedPath& path) = 0;
  /// Packets are to follow behind this call, on the channels set up. False: no room for another receiver.
  /// `info` has one entry for each channel, in their order.
  virtual bool on_play(const std::vector<ServedChannel>& channels, std::vector<PlayInfo>* info) = 0;
  /// Somebody gave a wrong name or secret.
  virtual void on_refused(const std::string& name) = 0;
  /// It is over: to be closed when what was sent has gone. Nothing else is called.
  virtual void on_end() = 0;
};

struct ServerConfig {
  std::string realm;  ///< empty: nobody has to log in
  uint64_t seed = 0;  ///< of session, sources and sequences; from a good source
};

/// One connection of one client, from its begin to its end. Times are CLOCK_MONOTONIC microseconds.
class ServerSession final : private RequestSink {
 public:
  /// From the connection to PLAY.
  static constexpr int64_t kSetUpUs = 15'000'000;
  /// For the rest of a request whose begin has come.
  static constexpr int64_t kHalfSentUs = 10'000'000;
  /// So long whoever gives a wrong name or secret waits for the answer: guesses are few.
  static constexpr int64_t kRefusalUs = 1'000'000;
  static constexpr int kMostRefusals = 3, kMostRequestsBeforePlay = 40;

  ServerSession(ServerConfig config, ServerHandler& handler, int64_t now_us);
  /// The session id that follows from a seed.
  static std::string id_of(uint64_t seed);

  void receive(ByteView bytes, int64_t now_us);
  /// Time-outs.
  void tick(int64_t now_us);
  void described(const std::vector<ServedTrack>& tracks, int64_t now_us);
  /// `status`: 404 or 503.
  void not_described(int status, int64_t now_us);

  bool playing() const { return state_ == State::kPlaying; }
  bool ended() const { return state_ == State::kEnded; }
  /// A description was asked for and not given yet.
  bool describing() const { return state_ == State::kDescribing; }
  /// Who logged in; "" = nobody.
  const std::string& user() const { return login_.user(); }
  const ServedPath& path() const { return path_; }
  /// What was described.
  const std::vector<ServedTrack>& tracks() const { return tracks_; }

 private:
  enum class State { kIdle, kDescribing, kReady, kPlaying, kEnded };

  // RequestSink
  void on_request(const Message& request) override;
  void on_broken(int status) override;

  bool admits(const Message& request);
  void describe(const Message& request);
  void set_up(const Message& request);
  void play(const Message& request);
  void parameter(const Message& request);
  void obey(const Message& request);
  bool has_session(const Message& request);
  bool choose_channel(std::string_view transport, const ServedPath& path, ServedChannel* channel);
  bool is_free(unsigned channel) const;
  void answer(int status, std::string_view headers = {}, std::string_view body = {});
  void end();

  ServerHandler& handler_;
  RequestReader reader_;
  ServerLogin login_;
  const bool asks_login_;
  bool admitted_;
  uint64_t random_;
  std::string session_id_;
  State state_ = State::kIdle;
  int64_t now_us_, since_us_, half_since_us_ = 0;
  int64_t refused_us_ = 0;  // since when a 401 waits; 0 = none does
  int refusals_ = 0, requests_ = 0;
  std::string cseq_, base_;  // of the request under way; of the description
  ServedPath path_;
  std::vector<ServedTrack> tracks_;
  std::vector<ServedChannel> channels_;
};

}  // namespace thimble::rtsp
