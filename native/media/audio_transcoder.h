// Makes AAC-LC of the plain samples (G.711, L16) that MP4 players do not take; nothing of libavcodec is seen
// outside.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "media/codec_parameters.h"
#include "rtsp/bytes.h"
#include "rtsp/sdp.h"

struct AVCodecContext;
struct AVFrame;
struct AVPacket;

namespace thimble::media {

/// One encoder, which takes about 1.2 MB: to be kept only while somebody needs its frames. Times are ticks of
/// the sample rate on the track's time line. A frame comes out at the time of its first sample, so sound
/// stays where it was; what the encoder adds before the first sample lies before the first time.
///
/// The samples follow the times: what is missing becomes silence, or, from a second on, a step of the times;
/// what overlaps is cut. Times that tremble are smoothed, and a clock that runs otherwise than the samples is
/// followed by repeating or dropping single ones.
class AudioTranscoder {
 public:
  /// Takes one AAC frame with the time of its first sample. The bytes are valid during the call.
  using Output = std::function<void(int64_t ticks, ByteView frame)>;

  /// True when libavcodec has an encoder for AAC.
  static bool available();
  /// What the frames need for decoding. nullopt when AAC has no such rate, or for more than two channels, or
  /// another codec than PCMU, PCMA and L16.
  static std::optional<AudioParameters> parameters(rtsp::Codec codec, uint32_t rate, int channels);
  /// Null where `parameters` has none, or when the encoder cannot be opened.
  static std::unique_ptr<AudioTranscoder> create(rtsp::Codec codec, uint32_t rate, int channels);
  ~AudioTranscoder();

  /// `samples` of the codec, all channels of one after another; `ticks` of the first. `loss`: some are
  /// missing before it. False when the encoder failed; it is of no use any more.
  bool push(int64_t ticks, ByteView samples, bool loss, const Output& output);
  /// Hands out what the encoder still holds. Nothing may be pushed afterwards.
  bool finish(const Output& output);

 private:
  struct Closer {
    void operator()(AVCodecContext* context) const;
    void operator()(AVFrame* frame) const;
    void operator()(AVPacket* packet) const;
  };
  /// From this sample on the times are counted from `ticks`.
  struct Reference {
    int64_t sample;
    int64_t ticks;
  };

  AudioTranscoder(rtsp::Codec codec, uint32_t rate, int channels);
  bool open();
  int64_t next_ticks() const { return references_.back().ticks + fed_ - references_.back().sample; }
  bool fill_gap(int64_t late, int64_t ticks, const Output& output);
  void follow(int64_t deviation, int64_t* skip, int64_t* repeat);
  bool feed(ByteView samples, int64_t skip, const Output& output);
  bool feed_silence(int64_t count, const Output& output);
  bool encode(const Output& output);
  bool receive(const Output& output);

  const rtsp::Codec codec_;
  const int64_t rate_;
  const int channels_;
  const size_t sample_bytes_;  // of all channels
  std::unique_ptr<AVCodecContext, Closer> encoder_;
  std::unique_ptr<AVFrame, Closer> frame_;
  std::unique_ptr<AVPacket, Closer> packet_;
  int filled_ = 0;   // samples in frame_
  int64_t fed_ = 0;  // samples since the start, those in frame_ included
  std::deque<Reference> references_;
  double deviation_ = 0;  // of the times from the samples, mean of so many packets
  int smoothed_packets_ = 0;
};

}  // namespace thimble::media
