// Opus, plain samples and LATM in RTP, with packets built here.
#include <doctest/doctest.h>

#include "codec_bits.h"
#include "rtp_collect.h"
#include "rtsp/latm_config.h"
#include "rtsp/opus_packet.h"

using namespace thimble;
using namespace thimble::rtp_test;
using rtsp::Codec;

namespace {

rtsp::Track track_of(Codec codec, uint32_t clock_rate, int channels, const char* fmtp = "") {
  rtsp::Track track;
  track.codec = codec;
  track.payload_type = 96;
  track.clock_rate = clock_rate;
  track.channels = channels;
  track.fmtp = fmtp;
  return track;
}

uint32_t samples(const Data& packet) {
  return rtsp::opus_packet_samples(view(packet));
}

/// A frame behind its length.
Data counted(const Data& frame) {
  Data out(frame.size() / 255, 255);
  out.push_back(static_cast<uint8_t>(frame.size() % 255));
  out.insert(out.end(), frame.begin(), frame.end());
  return out;
}

const Data kA = filled({0x21}, 50, 1), kB = filled({0x21}, 600, 2), kC = filled({0x21}, 254, 3);
/// LC, 16 kHz, mono, one frame an element.
constexpr const char* kOutOfBand = "cpresent=0; config=400028103fc0";

}  // namespace

TEST_CASE("Opus: the first byte says how long a packet lasts") {
  CHECK(samples(filled({0x00}, 10)) == 480);                 // SILK, 10 ms
  CHECK(samples(filled({0x18}, 10)) == 2880);                // SILK, 60 ms
  CHECK(samples(filled({0x68}, 10)) == 960);                 // hybrid, 20 ms
  CHECK(samples(filled({0x80}, 10)) == 120);                 // CELT, 2.5 ms
  CHECK(samples(filled({0xf8}, 10)) == 960);                 // CELT, 20 ms
  CHECK(samples({0xf8}) == 960);                             // nothing to say (DTX)
  CHECK(samples(filled({0xf9}, 10)) == 1920);                // two of the same size
  CHECK(samples(filled({0xfa, 4}, 10)) == 1920);             // two
  CHECK(samples(filled({0xfb, 0x03}, 9)) == 2880);           // three of the same size
  CHECK(samples(filled({0xfb, 0x83, 2, 3}, 9)) == 2880);     // three
  CHECK(samples(filled({0xfb, 0x42, 3}, 4 + 3)) == 1920);    // with padding
  CHECK(samples(filled({0xfb, 0x41, 255, 1}, 300)) == 960);  // with more than 254 bytes of it
}

TEST_CASE("Opus: packets that no decoder takes") {
  CHECK(samples({}) == 0);
  CHECK(samples(filled({0xf8}, 1276)) == 0);           // a frame is too large
  CHECK(samples(filled({0xf9}, 9)) == 0);              // two of the same size in an odd number
  CHECK(samples({0xfa}) == 0);                         // no length
  CHECK(samples({0xfa, 252}) == 0);                    // half a length
  CHECK(samples(filled({0xfa, 11}, 10)) == 0);         // longer than the packet
  CHECK(samples({0xfb}) == 0);                         // no count
  CHECK(samples(filled({0xfb, 0x00}, 9)) == 0);        // no frames
  CHECK(samples(filled({0xfb, 0x07}, 7)) == 0);        // 140 ms
  CHECK(samples(filled({0xfb, 0x03}, 10)) == 0);       // no multiple of three
  CHECK(samples(filled({0xfb, 0x41, 9}, 8)) == 0);     // more padding than packet
  CHECK(samples({0xfb, 0x41, 255}) == 0);              // half a padding length
  CHECK(samples(filled({0xfb, 0x83, 2, 9}, 9)) == 0);  // longer than the packet
}

TEST_CASE("Opus: a packet is an access unit, and what cannot be one is counted") {
  Feed feed(track_of(Codec::kOpus, 48000, 2));
  const Data first = filled({0x78}, 80), second = filled({0xf9}, 60);
  feed.send(4294967000u, false, first);
  feed.lose();
  feed.send(1000, true, second);
  feed.send(2920, true, {0xff, 0x00});
  feed.send(3880, true, first);
  feed.flush();
  REQUIRE(feed.count() == 3);
  CHECK(feed.sink.units[0].data == first);
  CHECK(feed.sink.units[0].time == 4294967000u);
  CHECK(feed.sink.units[0].duration == 960);
  CHECK_FALSE(feed.sink.units[0].loss_before);
  CHECK(feed.sink.units[1].data == second);
  CHECK(feed.sink.units[1].duration == 1920);
  CHECK(feed.sink.units[1].loss_before);
  CHECK(feed.sink.units[2].loss_before);
  CHECK(feed.sink.units[2].key);
  CHECK(feed.counters().malformed_packets == 1);
}

TEST_CASE("samples: a packet is an access unit of whole samples") {
  Feed mulaw(track_of(Codec::kPcmu, 8000, 1));
  const Data bytes = filled({1, 2, 3}, 158);
  mulaw.send(100, false, bytes);
  mulaw.send(261, false, {});
  mulaw.send(261, true, bytes);
  REQUIRE(mulaw.count() == 2);
  CHECK(mulaw.sink.units[0].data == bytes);
  CHECK(mulaw.sink.units[0].duration == 161);
  CHECK(mulaw.sink.units[0].key);
  CHECK_FALSE(mulaw.sink.units[1].loss_before);

  Feed stereo(track_of(Codec::kL16, 44100, 2));
  stereo.send(0, true, filled({}, 40));
  stereo.send(10, true, filled({}, 43));
  stereo.send(20, true, filled({}, 3));
  stereo.lose();
  stereo.send(40, true, filled({}, 4));
  stereo.flush();
  REQUIRE(stereo.count() == 3);
  CHECK(stereo.sink.units[0].duration == 10);
  CHECK(stereo.sink.units[1].data.size() == 40);
  CHECK(stereo.sink.units[1].duration == 10);
  CHECK(stereo.sink.units[2].loss_before);
  CHECK(stereo.counters().malformed_packets == 2);
}

TEST_CASE("LATM: several frames in an element, 1024 apart, and an element in several packets") {
  Feed feed(track_of(Codec::kAacLatm, 16000, 1, kOutOfBand));
  feed.send(4294967000u, true, join({counted(kA), counted(kB), counted(kC)}));
  REQUIRE(feed.count() == 3);
  CHECK(feed.sink.units[0].data == kA);
  CHECK(feed.sink.units[1].data == kB);
  CHECK(feed.sink.units[2].data == kC);
  CHECK(feed.sink.units[2].time == 1752);
  CHECK(feed.sink.units[2].config.empty());
  const Data element = counted(kB);
  feed.send(5000, false, Data(element.begin(), element.begin() + 2));
  feed.send(5000, false, Data(element.begin() + 2, element.begin() + 400));
  CHECK(feed.count() == 3);
  feed.send(5000, true, Data(element.begin() + 400, element.end()));
  REQUIRE(feed.count() == 4);
  CHECK(feed.last().data == kB);
  CHECK(feed.counters().malformed_packets == 0);
}

TEST_CASE("LATM: a frame beyond the limit is dropped, in one packet as in several") {
  rtsp::RtpTrack::Limits limits;
  limits.max_unit_bytes = 300;
  Collect sink;
  const auto track = rtsp::RtpTrack::create(track_of(Codec::kAacLatm, 16000, 1, kOutOfBand), sink, limits);
  const Data large = counted(kB);
  Packet packet;
  packet.marker = true;
  track->on_rtp(view(rtp(packet, large)), 1000);
  CHECK(sink.units.empty());
  CHECK(track->counters().malformed_packets == 1);
  packet = {1, 1024, false};
  track->on_rtp(view(rtp(packet, Data(large.begin(), large.begin() + 250))), 2000);
  packet = {2, 1024, true};
  track->on_rtp(view(rtp(packet, Data(large.begin() + 250, large.end()))), 3000);
  CHECK(sink.units.empty());
  packet = {3, 2048, true};
  track->on_rtp(view(rtp(packet, counted(kC))), 4000);
  REQUIRE(sink.units.size() == 1);
  CHECK(sink.units[0].data == kC);
  CHECK(sink.units[0].loss_before);
}

TEST_CASE("LATM: an element with a part missing is never made") {
  Feed feed(track_of(Codec::kAacLatm, 16000, 1, kOutOfBand));
  const Data element = counted(kB);
  const Data begin(element.begin(), element.begin() + 100), end(element.begin() + 100, element.end());
  SUBCASE("the middle is lost") {
    feed.send(1000, false, begin);
    feed.lose();
    feed.send(1000, true, end);
  }
  SUBCASE("the end is lost") {
    feed.send(1000, false, begin);
    feed.lose();
  }
  SUBCASE("the begin is lost") {
    feed.send(0, true, counted(kA));
    feed.lose();
    feed.send(1000, true, end);
  }
  SUBCASE("another time") {
    feed.send(1000, false, begin);
  }
  SUBCASE("too much") {
    feed.send(1000, true, join({element, end}));
  }
  const size_t before = feed.count();
  feed.send(2024, true, counted(kC));
  feed.flush();
  REQUIRE(feed.count() == before + 1);
  CHECK(feed.last().data == kC);
  CHECK(feed.last().loss_before);
  CHECK(feed.counters().damaged_units >= 1);
}

TEST_CASE("LATM: a sender that never sets the marker") {
  Feed feed(track_of(Codec::kAacLatm, 16000, 1, kOutOfBand));
  for (uint32_t i = 0; i < 3; i++) feed.send(1024 * i, false, counted(kA));
  REQUIRE(feed.count() == 2);
  CHECK(feed.sink.units[1].data == kA);
  CHECK(feed.sink.units[1].time == 1024);
}

TEST_CASE("LATM: the config in the stream") {
  Feed feed(track_of(Codec::kAacLatm, 48000, 2, "cpresent=1"));
  const auto element = [](bool with_config, const Data& frame) {
    codec_test::BitWriter bits;
    bits.u(1, with_config ? 0 : 1);
    if (with_config) {
      bits.u(1, 0).u(1, 1).u(6, 0).u(4, 0).u(3, 0);    // one frame, program, layer
      bits.u(5, 2).u(4, 3).u(4, 2).u(3, 0);            // LC, 48 kHz, stereo
      bits.u(3, 0).u(8, 255).u(1, 1).u(1, 0).u(8, 9);  // variable lengths, 9 bits of other data
      bits.u(1, 0);
    }
    for (const uint8_t byte : counted(frame)) bits.u(8, byte);
    if (with_config) bits.u(9, 0x155);
    return bits.bytes();
  };
  feed.send(0, true, element(false, kA));  // nobody knows what that is
  CHECK(feed.count() == 0);
  CHECK(feed.counters().malformed_packets == 1);
  feed.send(1024, true, element(true, kB));
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == kB);
  CHECK(feed.last().config == Data{0x11, 0x90});
  feed.send(2048, true, element(false, kC));
  REQUIRE(feed.count() == 1);  // the other data is missing
  feed.send(3072, true, join({element(false, kC), {0, 0}}));
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == kC);
}

TEST_CASE("LATM: configs") {
  const auto read = [](const char* fmtp) { return rtsp::latm_format(fmtp); };
  const auto plain = read("config=40002810");  // cut behind the AudioSpecificConfig
  REQUIRE(plain.config);
  CHECK_FALSE(plain.in_band);
  CHECK(plain.config->aac.rate == 16000);
  CHECK(plain.config->aac.channels == 1);
  CHECK(plain.config->sub_frames == 1);
  CHECK(plain.config->audio == std::vector<uint8_t>{0x14, 0x08});
  CHECK(read("").in_band);
  CHECK(read("config=40002810;cpresent=1").in_band);
  CHECK_FALSE(read("config=4000281").config);       // half a byte
  CHECK_FALSE(read("config=4000").config);          // cut
  CHECK_FALSE(read("config=40042810").config);      // two programs
  CHECK_FALSE(read("config=00002810").config);      // parts of frames
  CHECK_FALSE(read("config=40002810fff0").config);  // CELP lengths

  codec_test::BitWriter bits;
  bits.u(1, 1).u(1, 0).u(2, 0).u(8, 0xff).u(1, 1).u(6, 3).u(4, 0).u(3, 0);  // version 1, four frames
  bits.u(2, 0).u(8, 40);  // 40 bits of LC with SBR behind it
  bits.u(5, 2).u(4, 6).u(4, 2).u(3, 0).u(11, 0x2b7).u(5, 5).u(1, 1).u(4, 3).u(3, 0);
  bits.u(3, 1).u(9, 100).u(1, 0).u(1, 0);  // frames of 120 bytes
  const Data bytes = bits.bytes();
  rtsp::BitReader reader(view(bytes));
  const auto config = rtsp::read_stream_mux_config(reader);
  REQUIRE(config);
  CHECK(config->sub_frames == 4);
  CHECK(config->fixed_bytes == 120);
  CHECK(config->aac.core_rate == 24000);
  CHECK(config->aac.rate == 48000);
  CHECK(config->aac.sbr);
}
