// Rules of H.264 access units, one by one, with packets built here.
#include <doctest/doctest.h>

#include "rtp_collect.h"

using namespace thimble;
using namespace thimble::rtp_test;
using rtsp::Codec;

namespace {

// Behind the header, 0x80 says first_mb_in_slice 0, 0x40 says 1.
const Data kIdr = filled({0x65, 0x88}, 30), kP = filled({0x41, 0x9a}, 20),
           kSecondSlice = filled({0x41, 0x40}, 20);
const Data kSps = filled({0x67, 0x64, 0x00, 0x1f}, 8), kPps = {0x68, 0xef, 0x3c, 0x80},
           kSei = {0x06, 0x05, 0x01, 0x80};
const Data kAud = {0x09, 0xf0};

Data stap(std::initializer_list<Data> nals) {
  Data out = {0x78};
  for (const Data& nal : nals) {
    out.push_back(static_cast<uint8_t>(nal.size() >> 8));
    out.push_back(static_cast<uint8_t>(nal.size()));
    out.insert(out.end(), nal.begin(), nal.end());
  }
  return out;
}

Data unit(std::initializer_list<Data> nals) {
  Data out;
  for (const Data& nal : nals) out = join({out, with_length(nal)});
  return out;
}

/// Bytes [from, to) of `nal`'s body as FU-A.
Data fragment(const Data& nal, size_t from, size_t to, bool start, bool end) {
  Data out = {static_cast<uint8_t>((nal[0] & 0xe0) | 28),
              static_cast<uint8_t>((start ? 0x80 : 0) | (end ? 0x40 : 0) | (nal[0] & 0x1f))};
  out.insert(out.end(), nal.begin() + static_cast<std::ptrdiff_t>(1 + from),
             nal.begin() + static_cast<std::ptrdiff_t>(1 + to));
  return out;
}

}  // namespace

TEST_CASE("H.264: single NALs with a marker are access units at once") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, kIdr);
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kIdr}));
  CHECK(feed.last().time == 1000);
  CHECK(feed.last().key);
  CHECK(feed.last().arrival_us == feed.now_us);
  CHECK(feed.last().nals == "5:32");
  feed.send(4600, true, kP);
  REQUIRE(feed.count() == 2);
  CHECK_FALSE(feed.last().key);
  CHECK_FALSE(feed.last().damaged);
  CHECK_FALSE(feed.last().loss_before);
  CHECK_FALSE(feed.last().discontinuity);
}

TEST_CASE("H.264: STAP-A, FU-A and single NALs of one time are one access unit") {
  Feed feed(Codec::kH264);
  feed.send(1000, false, stap({kSps, kPps}));
  feed.send(1000, false, kSei);
  feed.send(1000, false, fragment(kIdr, 0, 10, true, false));
  feed.send(1000, false, fragment(kIdr, 10, 20, false, false));
  CHECK(feed.count() == 0);
  feed.send(1000, true, fragment(kIdr, 20, kIdr.size() - 1, false, true));
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kSps, kPps, kSei, kIdr}));
  CHECK(feed.last().nals == "7:12 8:4 6:4 5:32");
}

TEST_CASE("H.264: a marker on NALs that are no slice ends nothing, and they take the slice's time") {
  Feed feed(Codec::kH264);
  feed.send(910, true, kSps);
  feed.send(910, true, kPps);
  feed.send(955, true, kSei);
  feed.flush();
  CHECK(feed.count() == 0);
  feed.send(1000, true, kIdr);
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().time == 1000);
  CHECK(feed.last().data == unit({kSps, kPps, kSei, kIdr}));
}

TEST_CASE("H.264: without markers the next time ends the access unit, and flush the last") {
  Feed feed(Codec::kH264);
  feed.send(1000, false, kIdr);
  const int64_t first_us = feed.now_us;
  CHECK(feed.count() == 0);
  feed.send(4600, false, kP);
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kIdr}));
  CHECK(feed.last().arrival_us == first_us);
  feed.flush();
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == unit({kP}));
  CHECK_FALSE(feed.last().damaged);
  feed.flush();
  CHECK(feed.count() == 2);
}

TEST_CASE("H.264: in a stream with markers flush does not cut a picture in two") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, kIdr);
  feed.send(4600, false, kP);
  feed.flush();
  CHECK(feed.count() == 1);
  feed.send(4600, true, kSecondSlice);
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == unit({kP, kSecondSlice}));
}

TEST_CASE("H.264: flush never delivers an open fragment") {
  Feed feed(Codec::kH264);
  feed.send(1000, false, fragment(kIdr, 0, 10, true, false));
  feed.flush();
  CHECK(feed.count() == 0);
  feed.send(1000, true, fragment(kIdr, 10, kIdr.size() - 1, false, true));
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kIdr}));
}

TEST_CASE("H.264: with one time for all, a first slice, AUD or SPS behind a slice begins anew") {
  Feed feed(Codec::kH264);
  feed.send(0, false, kIdr);
  feed.send(0, false, kP);
  REQUIRE(feed.count() == 1);
  feed.send(0, false, kSecondSlice);
  feed.send(0, false, kAud);
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == unit({kP, kSecondSlice}));
  feed.send(0, false, kP);
  feed.send(0, false, kSps);
  REQUIRE(feed.count() == 3);
  CHECK(feed.last().data == unit({kAud, kP}));
  feed.send(0, false, kPps);
  feed.send(0, true, kIdr);
  REQUIRE(feed.count() == 4);
  CHECK(feed.last().data == unit({kSps, kPps, kIdr}));
}

TEST_CASE("H.264: SEI and PPS in front of a first slice go with that picture") {
  Feed feed(Codec::kH264);
  const Data end_of_sequence = {0x0a};
  feed.send(0, false, kP);
  feed.send(0, false, end_of_sequence);
  feed.send(0, false, kPps);
  feed.send(0, false, kSei);
  feed.send(0, false, kIdr);
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kP, end_of_sequence}));
  CHECK_FALSE(feed.last().key);
  feed.flush();
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == unit({kPps, kSei, kIdr}));
  CHECK(feed.last().nals == "8:4 6:4 5:32");
  CHECK(feed.last().key);
}

TEST_CASE("H.264: a marker inside a fragmented NAL ends nothing") {
  Feed feed(Codec::kH264);
  feed.send(1000, false, kP);
  feed.send(1000, true, fragment(kSecondSlice, 0, 5, true, false));
  CHECK(feed.count() == 0);
  feed.send(1000, true, fragment(kSecondSlice, 5, kSecondSlice.size() - 1, false, true));
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kP, kSecondSlice}));
}

TEST_CASE("H.264: a lost fragment costs its NAL and marks the access unit") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, kIdr);
  feed.send(4600, false, kP);
  feed.send(4600, false, fragment(kSecondSlice, 0, 5, true, false));
  feed.lose();
  feed.send(4600, true, fragment(kSecondSlice, 10, kSecondSlice.size() - 1, false, true));
  feed.send(8200, true, kP);
  feed.flush();
  REQUIRE(feed.count() == 3);
  CHECK(feed.sink.units[1].damaged);
  CHECK(feed.sink.units[1].data == unit({kP}));
  CHECK_FALSE(feed.last().damaged);
  CHECK_FALSE(feed.last().loss_before);
  CHECK(feed.counters().lost_packets == 1);
  CHECK(feed.counters().damaged_units == 1);
}

TEST_CASE("H.264: a picture without one whole slice is dropped, and the next says so") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, kIdr);
  feed.send(4600, false, stap({kSps, kPps}));
  feed.lose();
  feed.send(4600, true, fragment(kIdr, 10, kIdr.size() - 1, false, true));
  feed.send(8200, true, kP);
  feed.flush();
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == unit({kP}));
  CHECK(feed.last().loss_before);
  CHECK_FALSE(feed.last().damaged);
  CHECK(feed.counters().damaged_units == 1);
}

TEST_CASE("H.264: a lost end never joins two pictures") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, kIdr);
  feed.send(4600, false, kP);
  feed.lose();  // the second slice, with the marker
  feed.send(8200, true, kP);
  feed.flush();
  REQUIRE(feed.count() == 3);
  CHECK(feed.sink.units[1].damaged);
  CHECK_FALSE(feed.sink.units[2].damaged);
  CHECK(feed.sink.units[2].loss_before);
}

TEST_CASE("H.264: behind a loss a picture that begins with a later slice is damaged") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, kIdr);
  feed.lose();
  feed.send(4600, true, kSecondSlice);
  feed.send(8200, true, kP);
  feed.flush();
  REQUIRE(feed.count() == 3);
  CHECK(feed.sink.units[1].damaged);
  CHECK(feed.sink.units[1].loss_before);
  CHECK_FALSE(feed.sink.units[2].damaged);
}

TEST_CASE("H.264: a loss between waiting parameter sets and a later slice damages") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, kIdr);
  feed.send(4600, false, kPps);
  feed.lose();
  feed.send(4600, true, kSecondSlice);
  feed.flush();
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == unit({kPps, kSecondSlice}));
  CHECK(feed.last().damaged);
  CHECK(feed.last().loss_before);
}

TEST_CASE("H.264: fragments without their beginning are one missing picture, wherever markers are") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, kP);
  feed.lose();
  feed.send(4600, true, fragment(kIdr, 5, 10, false, false));
  feed.send(4600, true, fragment(kIdr, 10, kIdr.size() - 1, false, true));
  feed.send(8200, true, kP);
  feed.flush();
  CHECK(feed.count() == 2);
  CHECK(feed.counters().damaged_units == 1);
}

TEST_CASE("H.264: a stream that is joined inside a picture begins with a damaged one") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, kSecondSlice);
  feed.send(4600, true, kP);
  REQUIRE(feed.count() == 2);
  CHECK(feed.sink.units[0].damaged);
  CHECK_FALSE(feed.sink.units[1].damaged);
}

TEST_CASE("H.264: a second start bit drops the NAL in progress") {
  Feed feed(Codec::kH264);
  feed.send(1000, false, fragment(kIdr, 0, 10, true, false));
  feed.send(1000, false, fragment(kIdr, 10, 20, true, false));
  feed.send(1000, true, fragment(kIdr, 20, kIdr.size() - 1, false, true));
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().damaged);
  CHECK(feed.counters().malformed_packets == 1);
}

TEST_CASE("H.264: FU-A with start and end, and with another type in later fragments") {
  Feed feed(Codec::kH264);
  feed.send(1000, true, fragment(kIdr, 0, kIdr.size() - 1, true, true));
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kIdr}));
  feed.send(4600, false, fragment(kP, 0, 10, true, false));
  Data other = fragment(kP, 10, kP.size() - 1, false, true);
  other[1] = static_cast<uint8_t>((other[1] & 0xc0) | 7);
  feed.send(4600, true, other);
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == unit({kP}));
  CHECK_FALSE(feed.last().damaged);
}

TEST_CASE("H.264: start codes inside NALs are split, trailing zeros go") {
  Feed feed(Codec::kH264);
  const Data code4 = {0, 0, 0, 1}, code3 = {0, 0, 1}, zeros = {0, 0, 0};
  SUBCASE("4 and 3 bytes in one NAL, a code in front, zeros behind") {
    feed.send(1000, true, join({code4, kSps, code3, kPps, code3, kSei, code3, kIdr, zeros}));
  }
  SUBCASE("behind the first NAL") {
    feed.send(1000, true, join({kSps, code3, kPps, code4, kSei, zeros, code3, kIdr}));
  }
  SUBCASE("in a STAP-A") {
    feed.send(1000, true, stap({join({kSps, code3, kPps}), kSei, join({code3, kIdr, zeros})}));
  }
  SUBCASE("in a FU-A") {
    const Data all = join({kSps, code4, kPps, code3, kSei, code3, kIdr, zeros});
    feed.send(1000, false, fragment(all, 0, 15, true, false));
    feed.send(1000, true, fragment(all, 15, all.size() - 1, false, true));
  }
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kSps, kPps, kSei, kIdr}));
  CHECK(feed.counters().malformed_packets == 0);
}

TEST_CASE("H.264: two pictures in one Annex B payload come apart") {
  Feed feed(Codec::kH264);
  const Data code3 = {0, 0, 1};
  feed.send(1000, true, join({code3, kIdr, code3, kP, code3, kSei, code3, kP}));
  REQUIRE(feed.count() == 3);
  CHECK(feed.sink.units[0].data == unit({kIdr}));
  CHECK(feed.sink.units[1].data == unit({kP}));
  CHECK(feed.sink.units[2].data == unit({kSei, kP}));
}

TEST_CASE("H.264: lying aggregates") {
  Feed feed(Codec::kH264);
  SUBCASE("empty units and one stray byte are harmless") {
    feed.send(1000, false, join({stap({{}, kSps, {}, kPps, {}}), {0x07}}));
    CHECK(feed.counters().malformed_packets == 0);
    feed.send(1000, true, kIdr);
    CHECK(feed.last().data == unit({kSps, kPps, kIdr}));
    CHECK_FALSE(feed.last().damaged);
  }
  SUBCASE("a cut parameter set is left out") {
    feed.send(1000, false, join({stap({kSps}), {0xff, 0xff, 0x68, 0xef}}));
    CHECK(feed.counters().malformed_packets == 1);
    feed.send(1000, true, kIdr);
    CHECK(feed.last().data == unit({kSps, kIdr}));
    CHECK_FALSE(feed.last().damaged);
  }
  SUBCASE("a cut slice damages") {
    feed.send(1000, true, join({stap({kP}), {0xff, 0xff, 0x41, 0x40}}));
    CHECK(feed.counters().malformed_packets == 1);
    CHECK(feed.last().data == unit({kP}));
    CHECK(feed.last().damaged);
  }
  SUBCASE("aggregates in aggregates are refused") {
    feed.send(1000, true, stap({stap({kP})}));
    CHECK(feed.counters().malformed_packets == 1);
    CHECK(feed.count() == 0);
  }
}

TEST_CASE("H.264: packet types that do not exist here are counted and touch nothing") {
  Feed feed(Codec::kH264);
  feed.send(1000, false, kIdr);
  for (const int type : {0, 25, 26, 27, 29, 30, 31}) {
    feed.send(1000 + static_cast<uint32_t>(type), true, filled({static_cast<uint8_t>(0x60 | type)}, 10));
  }
  feed.send(1000, true, {0x7c});              // FU-A without its header
  feed.send(1000, true, {0x7c, 0x9c, 0x55});  // FU-A of a FU-A
  feed.send(1000, true, {0x41});              // a slice without a body
  feed.send(1000, true, {0x78});              // an empty STAP-A
  CHECK(feed.count() == 0);
  CHECK(feed.counters().malformed_packets == 11);
  feed.flush();
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kIdr}));
  CHECK_FALSE(feed.last().damaged);
}

TEST_CASE("H.264: too many NALs cost the SEI first, then the access unit") {
  rtsp::RtpTrack::Limits limits;
  limits.max_nals = 8;
  Feed feed(Codec::kH264, limits);
  for (int i = 0; i < 30; i++) feed.send(1000, false, kSei);
  feed.send(1000, false, kSps);
  feed.send(1000, false, kSei);
  feed.send(1000, true, kIdr);
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kSps, kIdr}));
  CHECK_FALSE(feed.last().damaged);

  feed.send(4600, false, kP);
  for (int i = 0; i < 30; i++) feed.send(4600, i == 29, kSecondSlice);
  CHECK(feed.count() == 1);
  CHECK(feed.counters().damaged_units == 1);
  feed.send(8200, true, kP);
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == unit({kP}));
  CHECK(feed.last().loss_before);
}

TEST_CASE("H.264: too many bytes cost the access unit, with one time for all too") {
  rtsp::RtpTrack::Limits limits;
  limits.max_unit_bytes = 1000;
  Feed feed(Codec::kH264, limits);
  const Data big = filled({0x65, 0x88}, 3000);
  SUBCASE("in fragments") {
    feed.send(1000, false, fragment(big, 0, 800, true, false));
    feed.send(1000, false, fragment(big, 800, 1600, false, false));
    feed.send(1000, true, fragment(big, 1600, 3001, false, true));
  }
  SUBCASE("in one packet") {
    feed.send(1000, true, big);
  }
  SUBCASE("in slices") {
    feed.send(1000, false, kIdr);
    for (int i = 0; i < 60; i++) feed.send(1000, i == 59, kSecondSlice);
  }
  SUBCASE("without markers") {
    feed.send(1000, false, big);
  }
  feed.send(1000, true, kP);
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kP}));
  CHECK(feed.last().loss_before);
  CHECK(feed.counters().damaged_units == 1);
}

TEST_CASE("H.264: an SEI beyond the limit goes alone") {
  rtsp::RtpTrack::Limits limits;
  limits.max_unit_bytes = 1000;
  Feed feed(Codec::kH264, limits);
  feed.send(1000, false, filled({0x06, 0x05}, 3000));
  feed.send(1000, true, kIdr);
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kIdr}));
  CHECK_FALSE(feed.last().damaged);
}
