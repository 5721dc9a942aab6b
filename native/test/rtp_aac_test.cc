// AAC in RTP (RFC 3640), with packets built here.
#include <doctest/doctest.h>

#include "rtp_collect.h"

using namespace thimble;
using namespace thimble::rtp_test;
using rtsp::Codec;

namespace {

/// AAC-hbr: 13 bits size, 3 bits index. `declared` sizes may lie.
Data hbr(const std::vector<size_t>& declared, const Data& data) {
  Data out(2);
  write_be16(out.data(), static_cast<uint16_t>(16 * declared.size()));
  for (const size_t size : declared) {
    out.push_back(static_cast<uint8_t>(size >> 5));
    out.push_back(static_cast<uint8_t>(size << 3));
  }
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

Data adts(const Data& frame, bool crc = false) {
  const size_t size = frame.size() + (crc ? 9 : 7);
  Data out = {0xff,
              static_cast<uint8_t>(crc ? 0xf0 : 0xf1),
              0x4c,
              static_cast<uint8_t>(0x80 | size >> 11),
              static_cast<uint8_t>(size >> 3),
              static_cast<uint8_t>(size << 5 | 0x1f),
              0xfc};
  if (crc) out.insert(out.end(), {0x12, 0x34});
  out.insert(out.end(), frame.begin(), frame.end());
  return out;
}

const Data kA = filled({0x21}, 50, 1), kB = filled({0x21}, 60, 2), kC = filled({0x21}, 70, 3);

}  // namespace

TEST_CASE("AAC: several frames in a packet, 1024 apart") {
  Feed feed(Codec::kAac);
  feed.send(4294967000u, true, hbr({kA.size(), kB.size(), kC.size()}, join({kA, kB, kC})));
  REQUIRE(feed.count() == 3);
  CHECK(feed.sink.units[0].data == kA);
  CHECK(feed.sink.units[1].data == kB);
  CHECK(feed.sink.units[2].data == kC);
  CHECK(feed.sink.units[0].time == 4294967000u);
  CHECK(feed.sink.units[1].time == 728);
  CHECK(feed.sink.units[2].time == 1752);
  CHECK(feed.sink.units[2].key);
  CHECK(feed.sink.units[2].nals.empty());
}

TEST_CASE("AAC: the distance of frames follows the config and the clock") {
  rtsp::Track track;
  track.codec = Codec::kAac;
  track.payload_type = 96;
  track.aac.emplace();
  uint32_t distance = 0;
  SUBCASE("960 samples") {
    track.clock_rate = 48000;
    track.aac->config = {0x11, 0x94};
    distance = 960;
  }
  SUBCASE("SBR: the core has half the rate") {
    track.clock_rate = 48000;
    track.aac->config = {0x2b, 0x11, 0x88, 0x00};
    distance = 2048;
  }
  SUBCASE("a clock of twice the rate") {
    track.clock_rate = 16000;
    track.aac->config = {0x15, 0x88};
    distance = 2048;
  }
  SUBCASE("no usable config") {
    track.clock_rate = 8000;
    track.aac->config = {0xff};
    distance = 1024;
  }
  Feed feed(track);
  feed.send(0, true, hbr({kA.size(), kB.size(), kC.size()}, join({kA, kB, kC})));
  REQUIRE(feed.count() == 3);
  CHECK(feed.sink.units[1].time == distance);
  CHECK(feed.sink.units[2].time == 2 * distance);
}

TEST_CASE("AAC: a frame in several packets") {
  Feed feed(Codec::kAac);
  feed.send(1000, false, hbr({kA.size()}, Data(kA.begin(), kA.begin() + 20)));
  feed.send(1000, false, hbr({kA.size()}, Data(kA.begin() + 20, kA.begin() + 30)));
  CHECK(feed.count() == 0);
  feed.send(1000, true, hbr({kA.size()}, Data(kA.begin() + 30, kA.end())));
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == kA);
  CHECK_FALSE(feed.last().damaged);
}

TEST_CASE("AAC: a frame with a part missing is never made") {
  Feed feed(Codec::kAac);
  const Data begin(kA.begin(), kA.begin() + 20), end(kA.begin() + 20, kA.end());
  SUBCASE("the middle is lost") {
    feed.send(1000, false, hbr({kA.size()}, begin));
    feed.lose();
    feed.send(1000, true, hbr({kA.size()}, end));
  }
  SUBCASE("marker too early") {
    feed.send(1000, true, hbr({kA.size()}, begin));
  }
  SUBCASE("too much") {
    feed.send(1000, false, hbr({kA.size()}, begin));
    feed.send(1000, true, hbr({kA.size()}, kA));
  }
  SUBCASE("another size") {
    feed.send(1000, false, hbr({kA.size()}, begin));
    feed.send(1000, true, hbr({kA.size() + 1}, end));
  }
  SUBCASE("another time") {
    feed.send(1000, false, hbr({kA.size()}, begin));
  }
  feed.send(2024, true, hbr({kB.size()}, kB));
  feed.flush();
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == kB);
  CHECK(feed.last().loss_before);
  CHECK(feed.counters().damaged_units >= 1);
}

TEST_CASE("AAC: ADTS headers go, in frames and without AU headers, with and without CRC") {
  Feed feed(Codec::kAac);
  feed.send(0, true, hbr({kA.size() + 7, kB.size() + 9}, join({adts(kA), adts(kB, true)})));
  feed.send(2048, true, join({adts(kC), adts(kA)}));
  REQUIRE(feed.count() == 4);
  CHECK(feed.sink.units[0].data == kA);
  CHECK(feed.sink.units[1].data == kB);
  CHECK(feed.sink.units[2].data == kC);
  CHECK(feed.sink.units[3].data == kA);
  CHECK(feed.sink.units[3].time == 3072);
}

TEST_CASE("AAC: AAC-lbr, 6 bits size and 2 bits index") {
  rtsp::Track track;
  track.codec = Codec::kAac;
  track.payload_type = 96;
  track.clock_rate = 48000;
  track.aac.emplace();
  track.aac->config = {0x11, 0x90};
  track.aac->size_length = 6;
  track.aac->index_length = track.aac->index_delta_length = 2;
  Feed feed(track);
  feed.send(0, true, join({{0, 16, 51 << 2, 61 << 2}, kA, kB}));
  REQUIRE(feed.count() == 2);
  CHECK(feed.sink.units[0].data == kA);
  CHECK(feed.sink.units[1].data == kB);
}

TEST_CASE("AAC: headers that lie") {
  Feed feed(Codec::kAac);
  feed.send(0, true, {0xff, 0x0f, 1, 2});        // more headers than packet
  feed.send(0, true, {0x21});                    // one byte
  feed.send(0, true, hbr({8000}, kA));           // more frame than packet
  feed.send(0, true, hbr({0}, kA));              // no frame
  feed.send(0, true, join({{0, 5, 0xff}, kA}));  // five bits of headers
  CHECK(feed.count() == 0);
  CHECK(feed.counters().malformed_packets == 5);
  feed.send(0, true, hbr({kA.size(), 8000}, join({kA, {1, 2, 3}})));  // the first one is good
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == kA);
  CHECK(feed.counters().malformed_packets == 6);
  feed.send(0, true, join({{0, 0}, kB}));  // no headers: one frame
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == kB);
}

TEST_CASE("AAC: field lengths that make no sense give no reader") {
  Collect sink;
  rtsp::Track track;
  track.codec = Codec::kAac;
  track.aac.emplace();
  track.aac->size_length = 33;
  CHECK(rtsp::RtpTrack::create(track, sink) == nullptr);
  track.aac->size_length = -1;
  CHECK(rtsp::RtpTrack::create(track, sink) == nullptr);
}
