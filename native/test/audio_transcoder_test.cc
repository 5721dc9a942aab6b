// What goes into the transcoder as a tone must come out of a decoder as the same tone at the same time.
#include <doctest/doctest.h>

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "media/audio_transcoder.h"

using namespace thimble;
using media::AudioTranscoder;
using rtsp::Codec;

namespace {

constexpr double kPi = 3.14159265358979323846;

uint8_t mulaw(int value) {
  const int sign = value < 0 ? 0x80 : 0;
  const int magnitude = std::min(std::abs(value), 32635) + 132;
  int segment = 7;
  while (segment > 0 && (magnitude & (0x80 << segment)) == 0) segment--;
  return static_cast<uint8_t>(~(sign | segment << 4 | (magnitude >> (segment + 3) & 15)));
}

uint8_t alaw(int value) {
  const int sign = value < 0 ? 0 : 0x80;
  const int magnitude = std::min(std::abs(value), 32767) >> 4;
  int segment = 0;
  while (magnitude >> (segment + 5) != 0) segment++;
  const int step = segment == 0 ? magnitude & 15 : magnitude >> segment & 15;
  return static_cast<uint8_t>(
      (sign | (segment == 0 && magnitude >= 16 ? 1 : segment + (magnitude >= 16 ? 1 : 0)) << 4 | step) ^
      0x55);
}

struct Closer {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

/// The decoded sound on the time line; what no frame covers is silence.
class Decoded {
 public:
  Decoded(const media::AudioParameters& parameters) : channels_(parameters.channels) {
    const AVCodec* codec = avcodec_find_decoder(AV_CODEC_ID_AAC);
    decoder_.reset(avcodec_alloc_context3(codec));
    decoder_->extradata =
        static_cast<uint8_t*>(av_mallocz(parameters.config.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    std::copy(parameters.config.begin(), parameters.config.end(), decoder_->extradata);
    decoder_->extradata_size = static_cast<int>(parameters.config.size());
    REQUIRE(avcodec_open2(decoder_.get(), codec, nullptr) == 0);
    frame_.reset(av_frame_alloc());
    packet_.reset(av_packet_alloc());
  }
  void take(int64_t ticks, ByteView bytes) {
    if (!times.empty()) CHECK(ticks - times.back() >= 1024);
    times.push_back(ticks);
    REQUIRE(av_new_packet(packet_.get(), static_cast<int>(bytes.size)) == 0);
    std::copy(bytes.data, bytes.data + bytes.size, packet_->data);
    REQUIRE(avcodec_send_packet(decoder_.get(), packet_.get()) == 0);
    av_packet_unref(packet_.get());
    REQUIRE(avcodec_receive_frame(decoder_.get(), frame_.get()) == 0);
    REQUIRE(frame_->nb_samples == 1024);
    REQUIRE(frame_->ch_layout.nb_channels == channels_);
    const float* samples = reinterpret_cast<const float*>(frame_->data[channels_ - 1]);
    for (int i = 0; i < 1024; i++) {
      const int64_t at = ticks + i;
      if (at < 0) continue;
      if (sound.size() <= static_cast<size_t>(at)) sound.resize(static_cast<size_t>(at) + 1);
      sound[static_cast<size_t>(at)] = samples[i];
    }
  }
  AudioTranscoder::Output output() {
    return [this](int64_t ticks, ByteView frame) { take(ticks, frame); };
  }

  std::vector<float> sound;
  std::vector<int64_t> times;

 private:
  int channels_;
  std::unique_ptr<AVCodecContext, Closer> decoder_;
  std::unique_ptr<AVFrame, Closer> frame_;
  std::unique_ptr<AVPacket, Closer> packet_;
};

struct Tone {
  double amplitude, phase;  ///< phase in cycles
};

/// What there is of one frequency in [from, from + count).
Tone tone_at(const std::vector<float>& sound, size_t from, size_t count, double cycles_per_sample) {
  double real = 0, imaginary = 0;
  for (size_t i = from; i < from + count; i++) {
    const double angle = 2 * kPi * cycles_per_sample * static_cast<double>(i);
    real += sound.at(i) * std::sin(angle);
    imaginary += sound.at(i) * std::cos(angle);
  }
  const double n = static_cast<double>(count);
  return {2 * std::hypot(real, imaginary) / n, std::atan2(imaginary, real) / (2 * kPi)};
}

double total(const std::vector<float>& sound, size_t from, size_t count) {
  double sum = 0;
  for (size_t i = from; i < from + count; i++) sum += double{sound.at(i)} * double{sound.at(i)};
  return std::sqrt(2 * sum / static_cast<double>(count));
}

std::vector<uint8_t> encode(Codec codec, int channels, int64_t from, int64_t count, double cycles_per_sample,
                            double amplitude) {
  std::vector<uint8_t> bytes;
  for (int64_t i = from; i < from + count; i++) {
    const int value = static_cast<int>(
        std::lround(32767 * amplitude * std::sin(2 * kPi * cycles_per_sample * static_cast<double>(i))));
    for (int channel = 0; channel < channels; channel++) {
      const int own = channel == channels - 1 ? value : 0;
      if (codec == Codec::kPcmu) bytes.push_back(mulaw(own));
      if (codec == Codec::kPcma) bytes.push_back(alaw(own));
      if (codec != Codec::kL16) continue;
      bytes.push_back(static_cast<uint8_t>(own >> 8));
      bytes.push_back(static_cast<uint8_t>(own));
    }
  }
  return bytes;
}

ByteView view(const std::vector<uint8_t>& bytes) {
  return {bytes.data(), bytes.size()};
}

double decibels(double ratio) {
  return 20 * std::log10(ratio);
}

/// Milliseconds by which the tone lies later than it was put in.
double offset_ms(double phase, double hertz) {
  return -1000 * phase / hertz;
}

}  // namespace

TEST_CASE("transcoder: a tone keeps its frequency, level and time") {
  Codec codec = Codec::kPcma;
  uint32_t rate = 8000;
  int channels = 1;
  SUBCASE("PCMA") {}
  SUBCASE("PCMU") {
    codec = Codec::kPcmu;
  }
  SUBCASE("PCMU 16 kHz") {
    codec = Codec::kPcmu;
    rate = 16000;
  }
  SUBCASE("L16 44.1 kHz stereo") {
    codec = Codec::kL16;
    rate = 44100;
    channels = 2;
  }
  const auto parameters = AudioTranscoder::parameters(codec, rate, channels);
  REQUIRE(parameters);
  CHECK(parameters->codec_string() == "mp4a.40.2");
  CHECK(parameters->sample_rate == rate);
  CHECK(parameters->channels == channels);
  Decoded decoded(*parameters);
  const auto transcoder = AudioTranscoder::create(codec, rate, channels);
  REQUIRE(transcoder);
  const double hertz = 437, per_sample = hertz / rate;
  const int64_t step = rate / 50;
  for (int64_t at = 3000; at < 3000 + 5 * rate; at += step) {
    REQUIRE(transcoder->push(at, view(encode(codec, channels, at, step, per_sample, 0.4)), false,
                             decoded.output()));
  }
  REQUIRE(transcoder->finish(decoded.output()));
  CHECK(decoded.times.front() == 3000 - 1024);
  CHECK(decoded.times.back() + 1024 >= 3000 + 5 * rate);
  CHECK(decoded.times.back() < 3000 + 5 * rate);
  const Tone tone = tone_at(decoded.sound, 3000 + rate, 3 * rate, per_sample);
  CHECK(std::fabs(decibels(tone.amplitude / 0.4)) < 1);
  CHECK(std::fabs(decibels(total(decoded.sound, 3000 + rate, 3 * rate) / 0.4)) < 1);
  CHECK(std::fabs(offset_ms(tone.phase, hertz)) < 0.1);
}

TEST_CASE("transcoder: sound stays where it was through losses, trembling times and a wrong clock") {
  const char* given = std::getenv("THIMBLE_SEED");
  const uint32_t seed =
      given ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&](uint32_t n) { return static_cast<int64_t>(random() % n); };
  constexpr double kHertz = 200, kPerSample = kHertz / 8000;
  bool trembling = false;
  double clock = 1;  // ticks that the camera counts for each sample
  SUBCASE("losses") {}
  SUBCASE("losses and times that tremble by 5 ms") {
    trembling = true;
  }
  SUBCASE("a clock that is fast by 200 ppm") {
    clock = 1 + 200e-6;
  }
  SUBCASE("a clock that is slow by 200 ppm") {
    clock = 1 - 200e-6;
  }
  Decoded decoded(*AudioTranscoder::parameters(Codec::kPcma, 8000, 1));
  const auto transcoder = AudioTranscoder::create(Codec::kPcma, 8000, 1);
  // The tone is one of the time line: a camera with a wrong clock makes samples of it at its own rate.
  const int64_t end = 60 * 8000;
  int lost = 0;
  bool loss = false;
  for (int64_t sample = 0; sample * clock < end; sample += 160) {
    if (below(40) == 0) {
      lost++;
      loss = true;
      continue;
    }
    const auto samples = encode(Codec::kPcma, 1, sample, 160, kPerSample * clock, 0.4);
    const int64_t tremble = trembling ? below(80) - 40 : 0;
    REQUIRE(transcoder->push(std::llround(static_cast<double>(sample) * clock) + tremble, view(samples), loss,
                             decoded.output()));
    loss = false;
  }
  REQUIRE(transcoder->finish(decoded.output()));
  CHECK(lost > 0);
  // In each second; what is silence weakens the tone, and does not turn it.
  double worst = 0;
  // Of trembling times the first says little.
  for (size_t second = trembling ? 3 : 1; second < 59; second++) {
    const Tone tone = tone_at(decoded.sound, second * 8000, 8000, kPerSample);
    CHECK(tone.amplitude > 0.25);
    worst = std::max(worst, std::fabs(offset_ms(tone.phase, kHertz)));
  }
  CHECK(worst <= 1);
}

TEST_CASE("transcoder: gaps are silence, long ones a step of the times, overlaps are cut") {
  constexpr double kPerSample = 0.05;
  Decoded decoded(*AudioTranscoder::parameters(Codec::kPcmu, 8000, 1));
  const auto transcoder = AudioTranscoder::create(Codec::kPcmu, 8000, 1);
  const auto send = [&](int64_t from, int64_t to) {
    for (int64_t at = from; at < to; at += 160) {
      REQUIRE(transcoder->push(at, view(encode(Codec::kPcmu, 1, at, 160, kPerSample, 0.4)), false,
                               decoded.output()));
    }
  };
  send(0, 16000);
  send(20000, 36000);    // half a second is missing
  send(32000, 48000);    // half a second is there twice
  send(148000, 164000);  // 12.5 s are missing
  REQUIRE(transcoder->finish(decoded.output()));
  const auto level = [&](size_t from, size_t to) {
    return tone_at(decoded.sound, from, to - from, kPerSample);
  };
  CHECK(level(2000, 15000).amplitude > 0.36);
  CHECK(total(decoded.sound, 17100, 1800) < 0.01);
  CHECK(level(21200, 47000).amplitude > 0.36);
  CHECK(std::fabs(level(21200, 47000).phase) < 0.01);
  CHECK(total(decoded.sound, 60000, 80000) == 0);
  CHECK(level(149200, 163000).amplitude > 0.36);
  CHECK(std::fabs(level(149200, 163000).phase) < 0.01);
  int steps = 0;
  for (size_t i = 1; i < decoded.times.size(); i++) steps += decoded.times[i] - decoded.times[i - 1] != 1024;
  CHECK(steps == 1);
}

TEST_CASE("transcoder: what AAC cannot be") {
  CHECK(AudioTranscoder::available());
  CHECK_FALSE(AudioTranscoder::parameters(Codec::kPcmu, 9000, 1));
  CHECK_FALSE(AudioTranscoder::parameters(Codec::kL16, 48000, 3));
  CHECK_FALSE(AudioTranscoder::parameters(Codec::kL16, 48000, 0));
  CHECK_FALSE(AudioTranscoder::parameters(Codec::kOpus, 48000, 2));
  CHECK(AudioTranscoder::create(Codec::kPcmu, 1000000000, 1) == nullptr);
  const auto unused = AudioTranscoder::create(Codec::kL16, 44100, 2);
  REQUIRE(unused);
  CHECK(unused->finish([](int64_t, ByteView) { FAIL("a frame of nothing"); }));
}

TEST_CASE("transcoder: any times and sizes") {
  std::mt19937 random(7);
  int64_t newest = INT64_MIN;
  const auto output = [&](int64_t ticks, ByteView frame) {
    REQUIRE(frame.size > 0);
    REQUIRE(ticks > newest);
    newest = ticks;
  };
  const auto transcoder = AudioTranscoder::create(Codec::kL16, 8000, 2);
  int64_t ticks = 0;
  for (int i = 0; i < 3000; i++) {
    std::vector<uint8_t> bytes(random() % (random() % 20 == 0 ? 9000 : 400));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    ticks += static_cast<int64_t>(random() % 300) - (random() % 50 == 0 ? 5000 : 0);
    if (random() % 200 == 0) ticks += 100000;
    REQUIRE(transcoder->push(ticks, view(bytes), random() % 9 == 0, output));
  }
  REQUIRE(transcoder->finish(output));
}
