// Headers, payload types, sequence numbers and sources.
#include <doctest/doctest.h>

#include "rtp_collect.h"
#include "rtsp/rtp_packet.h"

using namespace thimble;
using namespace thimble::rtp_test;
using rtsp::Codec;

namespace {

const Data kPicture = filled({0x65, 0x88}, 20);

Data picture(uint16_t sequence, uint32_t ssrc = 0x11223344, uint8_t type = 96) {
  Packet packet;
  packet.sequence = sequence;
  packet.time = sequence * 3600u;
  packet.marker = true;
  packet.ssrc = ssrc;
  packet.type = type;
  return rtp(packet, kPicture);
}

std::vector<uint32_t> numbers(const Feed& feed) {
  std::vector<uint32_t> out;
  for (const Unit& unit : feed.sink.units) out.push_back(unit.time / 3600);
  return out;
}

using Numbers = std::vector<uint32_t>;

}  // namespace

TEST_CASE("RTP: a reader for each codec that has its format parameters") {
  Collect sink;
  rtsp::Track track;
  CHECK(rtsp::RtpTrack::create(track, sink) == nullptr);
  for (const Codec codec : {Codec::kH264, Codec::kH265, Codec::kAac, Codec::kAacLatm, Codec::kOpus,
                            Codec::kPcmu, Codec::kPcma, Codec::kL16}) {
    track.codec = codec;
    CHECK(rtsp::RtpTrack::create(track, sink) != nullptr);
  }
  track.codec = Codec::kAacLatm;
  track.fmtp = "cpresent=0; config=ff";
  CHECK(rtsp::RtpTrack::create(track, sink) == nullptr);
}

TEST_CASE("RTP: CSRCs, extension and padding are removed") {
  Data bytes = rtp({}, {});
  bytes[0] = 0x80 | 0x20 | 0x10 | 2;
  const Data rest = join({Data(8, 0xcc), {0xab, 0xac, 0, 3}, Data(12, 0xee), {1, 2, 3}, {0, 0, 0, 4}});
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  rtsp::RtpPacket packet;
  REQUIRE(rtsp::parse_rtp_packet(view(bytes), &packet));
  CHECK(Data(packet.payload.data, packet.payload.data + packet.payload.size) == Data{1, 2, 3});
}

TEST_CASE("RTP: headers that lie are refused and leave the sequence alone") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  Data csrc = picture(2), extension = picture(2), padding = picture(2), no_padding = picture(2),
       version = picture(2);
  csrc.resize(12);
  csrc[0] = 0x8f;
  extension[0] = 0x90;
  extension[14] = extension[15] = 0xff;
  padding[0] = 0xa0;
  padding.back() = 0xff;
  no_padding[0] = 0xa0;
  no_padding.back() = 0;
  version[0] = 0x40;
  for (const Data& bad : {csrc, extension, padding, no_padding, version, Data{0x80, 0x60, 0}}) feed.raw(bad);
  CHECK(feed.counters().malformed_packets == 6);
  feed.raw(Data());
  CHECK(feed.counters().malformed_packets == 6);
  feed.raw(picture(2));
  CHECK(numbers(feed) == Numbers{1, 2});
  CHECK(feed.counters().lost_packets == 0);
  CHECK(feed.counters().duplicates == 0);
}

TEST_CASE("RTP: every length of a packet can be read") {
  Data bytes = picture(1);
  bytes[0] = 0x80 | 0x20 | 0x10 | 1;
  for (size_t size = 0; size < bytes.size(); size++) {
    const Data part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    rtsp::RtpPacket packet;
    if (rtsp::parse_rtp_packet(view(part), &packet)) CHECK(packet.payload.size < size);
  }
}

TEST_CASE("RTP: another payload type is dropped before the sequence is looked at") {
  Feed feed(Codec::kH264);
  for (uint16_t i = 1; i <= 3; i++) {
    feed.raw(picture(i));
    feed.raw(picture(i, 0x11223344, 50));
    feed.raw(picture(i, 0x55667788, 50));
  }
  CHECK(numbers(feed) == Numbers{1, 2, 3});
  CHECK(feed.counters().foreign_payload_type == 6);
  CHECK(feed.counters().duplicates == 0);
  CHECK(feed.counters().foreign_packets == 0);
}

TEST_CASE("RTP: an empty packet is counted and takes its number") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  Packet empty;
  empty.sequence = 2;
  feed.raw(rtp(empty, {}));
  feed.raw(picture(3));
  CHECK(numbers(feed) == Numbers{1, 3});
  CHECK(feed.counters().empty_packets == 1);
  CHECK(feed.counters().lost_packets == 0);
  CHECK_FALSE(feed.last().loss_before);
}

TEST_CASE("RTP: duplicates go, small disorder is mended, also over the wrap") {
  Feed feed(Codec::kH264);
  for (const uint16_t n : {65533, 65534, 65534, 0, 65535, 65533, 2, 1, 1, 3}) feed.raw(picture(n));
  CHECK(numbers(feed) == Numbers{65533, 65534, 65535, 0, 1, 2, 3});
  CHECK(feed.counters().duplicates == 3);
  CHECK(feed.counters().lost_packets == 0);
  for (const Unit& unit : feed.sink.units) CHECK_FALSE(unit.loss_before);
}

TEST_CASE("RTP: the wait for a missing packet ends after 8 packets, 50 ms, or with flush") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  size_t before = 0;
  SUBCASE("8 packets") {
    for (uint16_t n = 3; n <= 9; n++) feed.raw(picture(n));
    before = feed.count();
    feed.raw(picture(10));
    CHECK(feed.count() == 9);
  }
  SUBCASE("50 ms") {
    feed.raw(picture(3));
    feed.track->tick(feed.now_us + 50'000);
    before = feed.count();
    feed.track->tick(feed.now_us + 50'001);
  }
  SUBCASE("flush") {
    feed.raw(picture(3));
    before = feed.count();
    feed.flush();
  }
  CHECK(before == 1);
  REQUIRE(feed.count() >= 2);
  CHECK(feed.sink.units[1].time / 3600 == 3);
  CHECK(feed.sink.units[1].loss_before);
  CHECK(feed.counters().lost_packets == 1);
  feed.raw(picture(2));  // far too late
  CHECK(feed.counters().duplicates == 1);
}

TEST_CASE("RTP: numbers that jump are a restart once two follow each other") {
  Feed feed(Codec::kH264);
  for (const uint16_t n : {100, 101, 30000, 102, 103}) feed.raw(picture(n));
  feed.track->tick(feed.now_us + 60'000);
  CHECK(numbers(feed) == Numbers{100, 101, 102, 103});
  CHECK(feed.counters().foreign_packets == 1);
  for (const uint16_t n : {40000, 40001, 40002}) feed.raw(picture(n));
  CHECK(numbers(feed) == Numbers{100, 101, 102, 103, 40000, 40001, 40002});
  CHECK(feed.sink.units[4].loss_before);
  CHECK_FALSE(feed.sink.units[5].loss_before);
  CHECK(feed.counters().lost_packets == 0);
}

TEST_CASE("RTP: a sender that begins anew a little behind is not taken for duplicates for ever") {
  Feed feed(Codec::kH264);
  for (uint16_t n = 1; n <= 60; n++) feed.raw(picture(n));
  for (uint16_t n = 1; n <= 40; n++) feed.raw(picture(n));
  CHECK(feed.count() >= 60 + 24);
  CHECK(feed.sink.units[60].loss_before);
}

TEST_CASE("SSRC: a stray packet of another source is dropped") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  for (uint16_t n = 2; n <= 9; n++) {
    for (int i = 0; i < 7; i++) feed.raw(picture(static_cast<uint16_t>(700 + i), 0xdead));
    feed.raw(picture(n));
  }
  CHECK(feed.count() == 9);
  CHECK(feed.counters().foreign_packets == 56);
  CHECK(feed.counters().ssrc_changes == 0);
  CHECK(feed.counters().lost_packets == 0);
}

TEST_CASE("SSRC: eight in a row are adopted with a discontinuity, nothing lost") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  for (uint16_t n = 500; n < 507; n++) feed.raw(picture(n, 0xbeef));
  CHECK(feed.count() == 1);
  feed.raw(picture(507, 0xbeef));
  CHECK(numbers(feed) == Numbers{1, 500, 501, 502, 503, 504, 505, 506, 507});
  CHECK(feed.sink.units[1].discontinuity);
  CHECK_FALSE(feed.sink.units[1].loss_before);
  CHECK_FALSE(feed.sink.units[2].discontinuity);
  CHECK(feed.sink.units[1].arrival_us < feed.sink.units[8].arrival_us);
  CHECK(feed.counters().ssrc_changes == 1);
  CHECK(feed.counters().lost_packets == 0);
  CHECK(feed.counters().foreign_packets == 0);
}

TEST_CASE("SSRC: one second without the old source adopts, by tick or by the next packet") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  const int64_t old_us = feed.now_us;
  feed.raw(picture(500, 0xbeef));
  feed.track->tick(old_us + 999'999);
  CHECK(feed.count() == 1);
  SUBCASE("tick") {
    feed.track->tick(old_us + 1'000'000);
  }
  SUBCASE("packet") {
    feed.track->on_rtp(view(picture(501, 0xbeef)), old_us + 1'000'000);
  }
  REQUIRE(feed.count() >= 2);
  CHECK(feed.sink.units[1].discontinuity);
  CHECK(feed.counters().ssrc_changes == 1);
}

TEST_CASE("SSRC: what is held is bounded, and a third source begins anew") {
  rtsp::RtpTrack::Limits limits;
  limits.max_held_bytes = 100;
  Feed feed(Codec::kH264, limits);
  feed.raw(picture(1));
  feed.raw(picture(500, 0xbeef));
  feed.raw(picture(600, 0xcafe));
  CHECK(feed.counters().foreign_packets == 1);
  feed.raw(picture(601, 0xcafe));
  CHECK(feed.count() == 1);
  feed.raw(picture(602, 0xcafe));  // the third does not fit into 100 bytes: adopted, nothing lost
  CHECK(numbers(feed) == Numbers{1, 600, 601, 602});
}

TEST_CASE("SSRC: the old source's unfinished picture does not leak into the new one") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  Packet open;
  open.sequence = 2;
  open.time = 7200;
  feed.raw(rtp(open, {0x7c, 0x85, 0x88, 0x11}));  // FU-A start
  for (uint16_t n = 500; n < 508; n++) feed.raw(picture(n, 0xbeef));
  REQUIRE(feed.count() == 9);
  CHECK(feed.counters().damaged_units == 1);
  CHECK(feed.sink.units[1].data == with_length(kPicture));
  CHECK(feed.sink.units[1].discontinuity);
  CHECK_FALSE(feed.sink.units[1].damaged);
}

TEST_CASE("SSRC: where markers are used the old source's last picture without one is damaged") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  Packet open;
  open.sequence = 2;
  open.time = 7200;
  feed.raw(rtp(open, kPicture));
  for (uint16_t n = 500; n < 508; n++) feed.raw(picture(n, 0xbeef));
  REQUIRE(feed.count() == 10);
  CHECK(feed.sink.units[1].damaged);
  CHECK_FALSE(feed.sink.units[1].discontinuity);
  CHECK_FALSE(feed.sink.units[2].damaged);
  CHECK(feed.sink.units[2].discontinuity);
}

TEST_CASE("SSRC: a loss of the old source is none of the new one") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  Packet empty;
  empty.sequence = 3;
  feed.raw(rtp(empty, {}));
  for (uint16_t n = 500; n < 508; n++) feed.raw(picture(n, 0xbeef));
  CHECK(feed.counters().lost_packets == 1);
  REQUIRE(feed.count() == 9);
  CHECK_FALSE(feed.sink.units[1].loss_before);
}
