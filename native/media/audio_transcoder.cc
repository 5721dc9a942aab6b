// Samples to frames of the encoder, and its frames to times.
#include "media/audio_transcoder.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <algorithm>
#include <array>
#include <cstdlib>

namespace thimble::media {

namespace {

constexpr int kFrameSamples = 1024;
constexpr std::array<uint32_t, 13> kRates = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                             22050, 16000, 12000, 11025, 8000,  7350};
/// Times that tremble by less than half a packet are one stream of samples: by 5 to 20 ms, as parts of a
/// second.
constexpr int64_t kLeastTremblePart = 200, kMostTremblePart = 50;
/// The smoothed deviation that is put right: a quarter of a millisecond.
constexpr double kTolerancePart = 4000;
constexpr int kSmoothedPackets = 128;

/// ITU-T G.711, both laws, as values of 16 bits.
int expand_mulaw(uint8_t code) {
  code = static_cast<uint8_t>(~code);
  const int magnitude = (((code & 15) << 3) + 132) << (code >> 4 & 7);
  return code & 0x80 ? 132 - magnitude : magnitude - 132;
}

int expand_alaw(uint8_t code) {
  code ^= 0x55;
  const int segment = code >> 4 & 7;
  int magnitude = ((code & 15) << 4) + 8;
  if (segment > 0) magnitude = (magnitude + 256) << (segment - 1);
  return code & 0x80 ? magnitude : -magnitude;
}

float sample_value(rtsp::Codec codec, const uint8_t* bytes) {
  int value = 0;
  if (codec == rtsp::Codec::kPcmu) {
    value = expand_mulaw(*bytes);
  } else if (codec == rtsp::Codec::kPcma) {
    value = expand_alaw(*bytes);
  } else {
    value = static_cast<int16_t>(read_be16(bytes));
  }
  return static_cast<float>(value) / 32768.0f;
}

/// AAC-LC (ISO 14496-3 1.6.2.1) with the extension that says that there is no SBR: at such low rates players
/// would have to guess.
Bytes lc_config(size_t rate_index, int channels) {
  uint64_t bits = uint64_t{2} << 4 | rate_index;            // 5 and 4 bits
  bits = bits << 7 | static_cast<uint64_t>(channels) << 3;  // 4 bits and three flags
  bits = (bits << 11 | 0x2b7) << 6 | 5 << 1;                // extension, SBR, not present
  bits <<= 40 - (5 + 4 + 7 + 11 + 6);
  Bytes config;
  for (int shift = 32; shift >= 0; shift -= 8) config.push_back(static_cast<uint8_t>(bits >> shift));
  return config;
}

}  // namespace

void AudioTranscoder::Closer::operator()(AVCodecContext* context) const {
  avcodec_free_context(&context);
}
void AudioTranscoder::Closer::operator()(AVFrame* frame) const {
  av_frame_free(&frame);
}
void AudioTranscoder::Closer::operator()(AVPacket* packet) const {
  av_packet_free(&packet);
}

bool AudioTranscoder::available() {
  return avcodec_find_encoder(AV_CODEC_ID_AAC) != nullptr;
}

std::optional<AudioParameters> AudioTranscoder::parameters(rtsp::Codec codec, uint32_t rate, int channels) {
  const bool plain = codec == rtsp::Codec::kPcmu || codec == rtsp::Codec::kPcma || codec == rtsp::Codec::kL16;
  const auto known = std::find(kRates.begin(), kRates.end(), rate);
  if (!plain || known == kRates.end() || channels < 1 || channels > 2) return std::nullopt;
  const Bytes config = lc_config(static_cast<size_t>(known - kRates.begin()), channels);
  return parse_aac_config({config.data(), config.size()});
}

std::unique_ptr<AudioTranscoder> AudioTranscoder::create(rtsp::Codec codec, uint32_t rate, int channels) {
  if (!parameters(codec, rate, channels)) return nullptr;
  std::unique_ptr<AudioTranscoder> transcoder(new AudioTranscoder(codec, rate, channels));
  if (!transcoder->open()) return nullptr;
  return transcoder;
}

AudioTranscoder::AudioTranscoder(rtsp::Codec codec, uint32_t rate, int channels)
    : codec_(codec),
      rate_(rate),
      channels_(channels),
      sample_bytes_((codec == rtsp::Codec::kL16 ? 2u : 1u) * static_cast<size_t>(channels)) {}

AudioTranscoder::~AudioTranscoder() {
  encoder_.reset();
#ifdef __GLIBC__
  // glibc keeps the encoder's large blocks for itself from the second time on; a camera that is gone takes
  // nothing.
  malloc_trim(0);
#endif
}

bool AudioTranscoder::open() {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
  encoder_.reset(codec ? avcodec_alloc_context3(codec) : nullptr);
  frame_.reset(av_frame_alloc());
  packet_.reset(av_packet_alloc());
  if (!encoder_ || !frame_ || !packet_) return false;
  encoder_->sample_rate = static_cast<int>(rate_);
  encoder_->time_base = {1, static_cast<int>(rate_)};
  encoder_->sample_fmt = AV_SAMPLE_FMT_FLTP;
  encoder_->thread_count = 1;
  // It writes its average quality to stderr when it is closed.
  encoder_->log_level_offset = AV_LOG_MAX_OFFSET;
  encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  encoder_->bit_rate = std::min<int64_t>(rate_ * 3, 64000) * channels_;
  av_channel_layout_default(&encoder_->ch_layout, channels_);
  AVDictionary* options = nullptr;
  // Half the work of the default, and no worse at these rates.
  av_dict_set(&options, "aac_coder", "fast", 0);
  const int code = avcodec_open2(encoder_.get(), codec, &options);
  av_dict_free(&options);
  if (code < 0 || encoder_->frame_size != kFrameSamples) return false;
  frame_->nb_samples = kFrameSamples;
  frame_->format = AV_SAMPLE_FMT_FLTP;
  frame_->sample_rate = static_cast<int>(rate_);
  return av_channel_layout_copy(&frame_->ch_layout, &encoder_->ch_layout) >= 0 &&
         av_frame_get_buffer(frame_.get(), 0) >= 0;
}

bool AudioTranscoder::push(int64_t ticks, ByteView samples, bool loss, const Output& output) {
  const int64_t count = static_cast<int64_t>(samples.size / sample_bytes_);
  if (count == 0) return true;
  if (references_.empty()) references_.push_back({0, ticks});
  const int64_t deviation = ticks - next_ticks();
  const int64_t tremble = std::clamp(count / 2, rate_ / kLeastTremblePart, rate_ / kMostTremblePart);
  const int64_t lost = loss ? (deviation + count / 2) / count * count : 0;
  int64_t skip = 0, repeat = 0;
  if (lost > 0 && std::llabs(deviation - lost) <= tremble) {
    // Whole packets: their times may tremble, their number does not.
    if (!fill_gap(lost, ticks, output)) return false;
  } else if (deviation >= tremble) {
    if (!fill_gap(deviation, ticks, output)) return false;
    deviation_ = smoothed_packets_ = 0;
  } else if (deviation <= -tremble) {
    skip = -deviation;
    deviation_ = smoothed_packets_ = 0;
  } else {
    follow(deviation, &skip, &repeat);
  }
  if (skip >= count) return true;
  if (!feed(samples, skip, output)) return false;
  return repeat == 0 || feed(samples.sub(static_cast<size_t>(count - 1) * sample_bytes_), 0, output);
}

/// Times and samples drift apart when the camera's clocks do: one sample a packet is enough to follow, and
/// not heard.
void AudioTranscoder::follow(int64_t deviation, int64_t* skip, int64_t* repeat) {
  smoothed_packets_ = std::min(smoothed_packets_ + 1, kSmoothedPackets);
  deviation_ += (static_cast<double>(deviation) - deviation_) / smoothed_packets_;
  const double tolerance = static_cast<double>(rate_) / kTolerancePart;
  if (deviation_ > tolerance) {
    *repeat = 1;
    deviation_ -= 1;
  } else if (deviation_ < -tolerance) {
    *skip = 1;
    deviation_ += 1;
  }
}

bool AudioTranscoder::fill_gap(int64_t late, int64_t ticks, const Output& output) {
  if (late <= rate_) return feed_silence(late, output);
  // Up to the border of a frame, so that the times can step there.
  const int rest = filled_ == 0 ? 0 : kFrameSamples - filled_;
  if (!feed_silence(rest, output)) return false;
  references_.push_back({fed_, ticks});
  return true;
}

bool AudioTranscoder::feed_silence(int64_t count, const Output& output) {
  while (count > 0) {
    if (filled_ == 0 && av_frame_make_writable(frame_.get()) < 0) return false;
    const int take = static_cast<int>(std::min<int64_t>(count, kFrameSamples - filled_));
    for (int channel = 0; channel < channels_; ++channel) {
      float* out = reinterpret_cast<float*>(frame_->data[channel]) + filled_;
      std::fill(out, out + take, 0.0f);
    }
    filled_ += take;
    fed_ += take;
    count -= take;
    if (filled_ == kFrameSamples && !encode(output)) return false;
  }
  return true;
}

bool AudioTranscoder::feed(ByteView samples, int64_t skip, const Output& output) {
  const uint8_t* in = samples.data + static_cast<size_t>(skip) * sample_bytes_;
  const size_t value_bytes = sample_bytes_ / static_cast<size_t>(channels_);
  for (int64_t left = static_cast<int64_t>(samples.size / sample_bytes_) - skip; left > 0; --left) {
    if (filled_ == 0 && av_frame_make_writable(frame_.get()) < 0) return false;
    for (int channel = 0; channel < channels_; ++channel, in += value_bytes) {
      reinterpret_cast<float*>(frame_->data[channel])[filled_] = sample_value(codec_, in);
    }
    ++filled_;
    ++fed_;
    if (filled_ == kFrameSamples && !encode(output)) return false;
  }
  return true;
}

bool AudioTranscoder::encode(const Output& output) {
  frame_->pts = fed_ - filled_;
  filled_ = 0;
  return avcodec_send_frame(encoder_.get(), frame_.get()) >= 0 && receive(output);
}

bool AudioTranscoder::receive(const Output& output) {
  for (;;) {
    const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return true;
    if (code < 0) return false;
    // The encoder says where its first sample lies: before what was put in, by its delay.
    const int64_t sample = packet_->pts;
    while (references_.size() > 1 && references_[1].sample <= sample) references_.pop_front();
    const Reference& reference = references_.front();
    if (packet_->size > 0) {
      output(reference.ticks + sample - reference.sample,
             {packet_->data, static_cast<size_t>(packet_->size)});
    }
    av_packet_unref(packet_.get());
  }
}

bool AudioTranscoder::finish(const Output& output) {
  if (references_.empty()) return true;
  const int rest = filled_ == 0 ? 0 : kFrameSamples - filled_;
  return feed_silence(rest, output) && avcodec_send_frame(encoder_.get(), nullptr) >= 0 && receive(output);
}

}  // namespace thimble::media
