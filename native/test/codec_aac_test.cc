// AudioSpecificConfigs of ISO 14496-3.
#include <doctest/doctest.h>

#include "codec_bits.h"
#include "media/codec_parameters.h"

using namespace thimble;
using namespace thimble::media;
using codec_test::BitWriter;

namespace {

std::optional<AudioParameters> parse(const Bytes& config) {
  return parse_aac_config({config.data(), config.size()});
}
std::optional<AudioParameters> parse(const BitWriter& bits) {
  return parse(bits.bytes());
}

}  // namespace

TEST_CASE("AAC config: plain LC") {
  const auto audio = parse(Bytes{0x11, 0x90});
  REQUIRE(audio);
  CHECK(audio->codec == rtsp::Codec::kAac);
  CHECK(audio->sample_rate == 48000);
  CHECK(audio->channels == 2);
  CHECK(audio->frame_samples == 1024);
  CHECK(audio->codec_string() == "mp4a.40.2");
  CHECK(audio->config == Bytes{0x11, 0x90});
}

TEST_CASE("AAC config: every rate index and channel configuration") {
  const uint32_t rates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                            22050, 16000, 12000, 11025, 8000,  7350};
  for (uint32_t i = 0; i < 15; i++) {
    const auto audio = parse(BitWriter().u(5, 2).u(4, i).u(4, 1).u(3, 0));
    REQUIRE(audio.has_value() == (i < 13));
    if (audio) CHECK(audio->sample_rate == rates[i]);
  }
  const int channels[] = {-1, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0};
  for (uint32_t i = 1; i < 16; i++) {
    const auto audio = parse(BitWriter().u(5, 2).u(4, 3).u(4, i).u(3, 0));
    REQUIRE(audio.has_value() == (channels[i] > 0));
    if (audio) CHECK(audio->channels == channels[i]);
  }
}

TEST_CASE("AAC config: rate as 24 bits, object type escape") {
  CHECK(parse(BitWriter().u(5, 2).u(4, 15).u(24, 17000).u(4, 1).u(3, 0))->sample_rate == 17000);
  CHECK_FALSE(parse(BitWriter().u(5, 2).u(4, 15).u(24, 0).u(4, 1).u(3, 0)));
  CHECK_FALSE(parse(BitWriter().u(5, 2).u(4, 15).u(24, 0xffffff).u(4, 1).u(3, 0)));
  const auto eld = parse(BitWriter().u(5, 31).u(6, 39 - 32).u(4, 3).u(4, 1).u(1, 1).u(8, 0));
  REQUIRE(eld);
  CHECK(eld->codec_string() == "mp4a.40.39");
  CHECK(eld->frame_samples == 480);
  CHECK_FALSE(parse(BitWriter().u(5, 31).u(6, 36 - 32).u(4, 3).u(4, 1).u(16, 0)));  // ALS
}

TEST_CASE("AAC config: frames of 960 samples, core coder delay, low delay") {
  CHECK(parse(BitWriter().u(5, 2).u(4, 3).u(4, 2).u(3, 4))->frame_samples == 960);
  const auto sync = parse(
      BitWriter().u(5, 2).u(4, 6).u(4, 1).u(1, 0).u(1, 1).u(14, 99).u(1, 0).u(11, 0x2b7).u(5, 5).u(1, 1).u(
          4, 3));
  REQUIRE(sync);
  CHECK(sync->sample_rate == 48000);
  CHECK(parse(BitWriter().u(5, 23).u(4, 3).u(4, 1).u(3, 0).u(2, 0))->frame_samples == 512);
  CHECK(parse(BitWriter().u(5, 23).u(4, 3).u(4, 1).u(3, 4).u(2, 0))->frame_samples == 480);
}

TEST_CASE("AAC config: SBR and PS, signalled in front and behind") {
  const auto sbr = parse(BitWriter().u(5, 5).u(4, 6).u(4, 2).u(4, 3).u(5, 2).u(3, 0));
  REQUIRE(sbr);
  CHECK(sbr->sample_rate == 48000);
  CHECK(sbr->frame_samples == 2048);
  CHECK(sbr->channels == 2);
  CHECK(sbr->codec_string() == "mp4a.40.5");

  const auto ps = parse(BitWriter().u(5, 29).u(4, 6).u(4, 1).u(4, 3).u(5, 2).u(3, 0));
  REQUIRE(ps);
  CHECK(ps->channels == 2);
  CHECK(ps->codec_string() == "mp4a.40.29");

  const auto behind = parse(
      BitWriter().u(5, 2).u(4, 6).u(4, 1).u(3, 0).u(11, 0x2b7).u(5, 5).u(1, 1).u(4, 3).u(11, 0x548).u(1, 1));
  REQUIRE(behind);
  CHECK(behind->sample_rate == 48000);
  CHECK(behind->frame_samples == 2048);
  CHECK(behind->channels == 2);
  CHECK(behind->codec_string() == "mp4a.40.29");

  const auto absent = parse(BitWriter().u(5, 2).u(4, 3).u(4, 1).u(3, 0).u(11, 0x2b7).u(5, 5).u(1, 0));
  REQUIRE(absent);
  CHECK(absent->sample_rate == 48000);
  CHECK(absent->codec_string() == "mp4a.40.2");
}

TEST_CASE("AAC config: channels from a program config element") {
  BitWriter bits;
  bits.u(5, 2).u(4, 3).u(4, 0).u(3, 0);
  bits.u(4, 0).u(2, 1).u(4, 3).u(4, 2).u(4, 0).u(4, 1).u(2, 1).u(3, 0).u(
      4, 1);                                             // 2 front, 1 back, 1 LFE, 1 coupling
  bits.u(1, 1).u(4, 0).u(1, 1).u(4, 0).u(1, 1).u(3, 0);  // mixdowns
  bits.u(1, 0).u(4, 0).u(1, 1).u(4, 1).u(1, 1).u(4, 2).u(4, 0).u(5, 0);
  const auto audio = parse(bits);
  REQUIRE(audio);
  CHECK(audio->channels == 6);
  Bytes cut = bits.bytes();
  cut.resize(cut.size() - 3);
  CHECK_FALSE(parse(cut));
}

TEST_CASE("AAC config: frames of less than a sample are refused, those of AAC-ELD too") {
  // SBR in front: core rate 48 kHz, sound at 10 Hz; AAC-LC of 1024, AAC-ELD of 512 samples.
  BitWriter lc, eld;
  lc.u(5, 5).u(4, 3).u(4, 1).u(4, 15).u(24, 10).u(5, 2).u(3, 0);
  eld.u(5, 5).u(4, 3).u(4, 1).u(4, 15).u(24, 10).u(5, 31).u(6, 7).u(1, 0).u(10, 0);
  CHECK_FALSE(parse(lc));
  CHECK_FALSE(parse(eld));
}

TEST_CASE("AAC config: cut configs are refused") {
  CHECK_FALSE(parse(Bytes{}));
  CHECK_FALSE(parse(Bytes{0x11}));
  CHECK_FALSE(parse(Bytes{0x2b, 0x11}));
  CHECK_FALSE(parse(Bytes{0x17, 0x80, 0x42}));
}

TEST_CASE("AAC parameters are compared by meaning") {
  const auto plain = *parse(Bytes{0x11, 0x90});
  CHECK(plain.same(*parse(Bytes{0x11, 0x90, 0x00})));
  CHECK(plain.same(*parse(Bytes{0x11, 0x90, 0x56, 0xe5, 0x00})));  // says: no SBR
  CHECK_FALSE(plain.same(*parse(Bytes{0x11, 0x88})));              // mono
  CHECK_FALSE(plain.same(*parse(Bytes{0x12, 0x10})));              // 44.1 kHz
  CHECK_FALSE(plain.same(*parse(Bytes{0x11, 0x94})));              // 960
  CHECK_FALSE(plain.same(*parse(Bytes{0x09, 0x90})));              // Main
}
