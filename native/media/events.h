// What the engine tells its shell: plain structs, delivered in order through one sink.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "media/segment.h"

namespace thimble::media {

struct StreamKey {
  uint32_t camera = 0;
  StreamKind stream = StreamKind::kMain;
  bool operator==(const StreamKey& other) const { return camera == other.camera && stream == other.stream; }
};

enum class LinkState { kConnecting, kLive, kStalled, kWaiting };
const char* link_state_name(LinkState state);

/// What can go wrong on the way to a camera; a closed list.
enum class LinkProblem {
  kNone,
  kRefused,
  kUnreachable,
  kUnknownHost,
  kAddressForbidden,
  kUnauthorized,
  kNotFound,
  kNoVideo,
  kUnsupportedCodec,
  kUnsupportedTransport,
  kBusy,
  kNotRtsp,
  kServerError,
  kTimeout,
  kClosed,
  kStalled,
  kNoKeyframe,
  kHub  ///< go2rtc, which stands between, does not answer
};
const char* link_problem_name(LinkProblem problem);

struct LinkEvent {
  StreamKey key;
  LinkState state;
  LinkProblem problem = LinkProblem::kNone;
  std::string message;         ///< one sentence for people, without secrets
  int64_t last_packet_ms = 0;  ///< UTC of the newest video packet, 0 = none yet
  int64_t retry_at_ms = 0;     ///< for kWaiting
};

/// What is wrong with a stream that is received all the same; a closed list.
enum class StreamProblem {
  kBadClock,            ///< stamps run off by more than 500 ppm: timed by arrival
  kLongGop,             ///< keyframes more than 10 s apart, or a GOP larger than the ring
  kNoAudio,             ///< there is sound, it is wanted, and it cannot be recorded
  kFlappingParameters,  ///< parameters change more often than each 10 s
};
inline constexpr size_t kStreamProblems = 4;
const char* stream_problem_name(StreamProblem problem);

/// All problems in force; sent when they change. None before the first.
struct ProblemsEvent {
  StreamKey key;
  std::vector<StreamProblem> problems;
};

struct ParametersEvent {
  StreamKey key;
  std::string video_codec;  ///< "h264", "h265"
  std::string video_codec_string;
  int width, height;
  double fps;  ///< from the parameter sets, 0 = not given
  bool has_audio = false;
  std::string audio_codec;  ///< "aac", "opus"
  std::string audio_codec_string;
  std::string audio_source;  ///< name of the camera's codec when it is transcoded
  uint32_t sample_rate = 0;
  int channels = 0;
  std::string audio_left_out;  ///< name of a sound codec that is not recorded
};

struct SegmentOpenedEvent {
  StreamKey key;
  int64_t start_ms;
  uint32_t clock_generation;
  std::string path;  ///< relative to the segments folder
};

struct SegmentClosedEvent {
  StreamKey key;
  int64_t start_ms;
  uint32_t clock_generation;
  std::string path;
  int64_t end_ms;
  uint64_t size_bytes;
  EndReason reason;
  std::string codecs;  ///< RFC 6381 list, e.g. "avc1.64001e,mp4a.40.2"
};

struct StorageFailedEvent {
  StreamKey key;
  std::string path;
  std::string code;  ///< errno name, or "slow-disk"
  std::string step;
  int64_t start_ms;  ///< UTC of the first lost media
  uint64_t lost_bytes;
};

struct ClockStepEvent {
  uint32_t generation;
  int64_t step_ms;
};

/// The stream is gone: its session is over and its files are closed.
struct StreamRemovedEvent {
  StreamKey key;
  uint64_t token;  ///< as given to remove_stream
};

/// Bytes for live viewers on their way to them, shared and never changed. Counted as long as anybody holds
/// them.
class LiveBytes {
 public:
  using Account = std::shared_ptr<std::atomic<size_t>>;

  LiveBytes(std::vector<uint8_t> bytes, Account account)
      : bytes_(std::move(bytes)), account_(std::move(account)) {
    account_->fetch_add(weight(), std::memory_order_relaxed);
  }
  ~LiveBytes() { account_->fetch_sub(weight(), std::memory_order_relaxed); }
  LiveBytes(const LiveBytes&) = delete;
  LiveBytes& operator=(const LiveBytes&) = delete;
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  /// What stands around them counts too: fragments of quiet pictures are tiny, and events have a bound of
  /// their own.
  size_t weight() const { return bytes_.size() + 1024; }
  const std::vector<uint8_t> bytes_;
  const Account account_;
};

/// A decoder is set up with `init` (ftyp + moov) for all fragments behind it.
struct LiveHeaderEvent {
  StreamKey key;
  bool sound;           ///< of the feed with sound; whether there is any is told by `codecs`
  uint64_t viewer;      ///< of watch_live; 0 = for all that watch
  uint64_t generation;  ///< the same for the same init segment and times of this feed
  std::string codecs;   ///< RFC 6381 list
  int width, height;
  double fps;        ///< from the parameter sets, 0 = not given
  int64_t start_ms;  ///< UTC of the first picture behind it
  int64_t zero_ms;   ///< UTC of media time 0
  std::shared_ptr<const LiveBytes> init;
};

/// One moof + mdat.
struct LiveFragmentEvent {
  StreamKey key;
  bool sound;
  uint64_t viewer;
  bool begins_with_key;
  bool goes_on;  ///< false: what comes next cannot be decoded behind it, unless it begins with a keyframe
  std::shared_ptr<const LiveBytes> bytes;
};

/// Clients of the RTSP server want a stream, or no longer do.
struct RestreamWantedEvent {
  StreamKey key;
  bool wanted;
};

/// Somebody gave the RTSP server a name or a secret that is wrong; at most one is told of in a second.
struct RestreamRefusedEvent {
  std::string user;  ///< as it was given, at most 64 bytes without control characters
  std::string address;
};

using Event = std::variant<LinkEvent, ProblemsEvent, ParametersEvent, SegmentOpenedEvent, SegmentClosedEvent,
                           StorageFailedEvent, ClockStepEvent, StreamRemovedEvent, LiveHeaderEvent,
                           LiveFragmentEvent, RestreamWantedEvent, RestreamRefusedEvent>;

/// Called on the engine's threads; must not block and must not call the engine.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void on_event(Event&& event) = 0;
};

}  // namespace thimble::media
