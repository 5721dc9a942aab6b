// The sound of one session on its way into the ring: copied, or made AAC of, with its times.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "media/audio_transcoder.h"
#include "media/codec_parameters.h"
#include "media/packet_ring.h"
#include "media/track_clock.h"
#include "rtsp/access_unit.h"
#include "rtsp/sdp.h"

namespace thimble::media {

/// Lives on the ingest thread; borrows the ring's sound track. Sound that has to be transcoded lies in the
/// ring as it came until somebody records (an encoder takes 1.2 MB), and as AAC from then on.
class SoundTrack {
 public:
  /// codec_bit of what can be recorded with this libavcodec.
  static uint32_t recordable_codecs();
  /// Null when the track's sound cannot be recorded. `earlier`: of the clock in earlier sessions.
  static std::unique_ptr<SoundTrack> create(const rtsp::Track& track, PacketTrack& ring, bool recording,
                                            const ClockVerdict& earlier = {});

  const TrackClock& line() const { return line_; }
  /// What files say of the sound. Null as long as it is not known (its config comes in the stream), and for
  /// good after a failure.
  const AudioParameters* parameters() const { return parameters_ ? &*parameters_ : nullptr; }
  /// The parameters are others than at the last call.
  bool take_change() { return std::exchange(changed_, false); }
  /// The codec that the camera sends, and its channels.
  rtsp::Codec codec() const { return codec_; }
  int channels() const { return channels_; }
  /// Whether G.711 and L16 are also kept as they come, for the last seconds, whatever the ring holds.
  void keep_plain(bool kept);
  /// What is kept so; null for other codecs.
  const PacketTrack* plain() const { return plain_.get(); }
  /// True when files hold another codec than the camera sends.
  bool transcodes() const { return way_ != Way::kCopy; }
  /// True when the encoder gave up: the sound is left out from then on.
  bool failed() const { return way_ == Way::kFailed; }

  /// False when there was no memory for it.
  bool push(const rtsp::AccessUnit& unit);
  struct Dated {
    int64_t ticks;
    int64_t arrival_us;
    bool jump, switched;  ///< as in TimelineStamp
  };
  /// Brings the next access unit whose time is decided into the ring. nullopt when there is none.
  std::optional<Dated> next();
  /// Decides all times; `next` then gives the rest.
  void flush() { line_.flush(); }
  /// Recording ends, or the session: what the encoder still holds goes into the ring, and nothing after it.
  void finish();
  /// Whether AAC is needed. Before recording begins, and after it ended.
  void set_recording(bool recording);
  /// A segment with the newest parameters can begin here.
  void on_keyframe() { await_key_ = false; }

 private:
  enum class Way {
    kCopy,    ///< into the ring as it came, and so into files
    kHold,    ///< into the ring as it came, to be transcoded when somebody records
    kEncode,  ///< AAC into the ring
    kOver,    ///< finished
    kFailed,
  };
  struct Undated {
    Packet packet;
    Bytes samples;  ///< for the encoder; else the bytes are in the arena
    bool loss;
  };

  SoundTrack(const rtsp::Track& track, uint32_t rate, PacketTrack& ring, const ClockVerdict& earlier);
  void take_config(ByteView config);
  bool store(ByteView bytes, Packet* packet);
  void add(Packet packet, int64_t ticks);
  void add_plain(const Undated& undated, int64_t ticks);
  void begin_encoding();
  void encode(int64_t ticks, ByteView samples, bool loss);
  AudioTranscoder::Output output();
  void fail();
  Bytes bytes_of(const Packet& packet) const;

  PacketTrack& ring_;
  const rtsp::Codec codec_;
  const uint32_t rate_;
  const int channels_;
  TrackClock line_;
  std::optional<AudioParameters> parameters_;
  Way way_ = Way::kCopy;
  bool changed_ = false, await_key_ = false;
  std::deque<Undated> undated_;
  std::unique_ptr<PacketTrack> plain_;
  std::unique_ptr<AudioTranscoder> transcoder_;
  int64_t last_ticks_ = INT64_MIN / 2;  ///< of the newest packet in the ring
  int64_t arrival_us_ = 0;              ///< of what the encoder got last
};

}  // namespace thimble::media
