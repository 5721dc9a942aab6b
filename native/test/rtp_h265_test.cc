// Rules of H.265 access units, with packets built here.
#include <doctest/doctest.h>

#include "rtp_collect.h"

using namespace thimble;
using namespace thimble::rtp_test;
using rtsp::Codec;

namespace {

Data nal(int type, size_t size, uint8_t first = 0x80) {
  return filled({static_cast<uint8_t>(type << 1), 1, first}, size);
}
const Data kVps = nal(32, 20), kSps = nal(33, 30), kPps = nal(34, 4), kPrefixSei = nal(39, 5),
           kSuffixSei = nal(40, 5);
const Data kIdr = nal(20, 40), kCra = nal(21, 40), kTrail = nal(1, 20), kSecond = nal(1, 20, 0x40);

Data unit(std::initializer_list<Data> nals) {
  Data out;
  for (const Data& one : nals) out = join({out, with_length(one)});
  return out;
}

Data aggregate(std::initializer_list<Data> nals) {
  Data out = {48 << 1, 1};
  for (const Data& one : nals) {
    out.push_back(static_cast<uint8_t>(one.size() >> 8));
    out.push_back(static_cast<uint8_t>(one.size()));
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

Data fragment(const Data& whole, size_t from, size_t to, bool start, bool end) {
  Data out = {static_cast<uint8_t>((whole[0] & 0x81) | 49 << 1), whole[1],
              static_cast<uint8_t>((start ? 0x80 : 0) | (end ? 0x40 : 0) | (whole[0] >> 1 & 0x3f))};
  out.insert(out.end(), whole.begin() + static_cast<std::ptrdiff_t>(2 + from),
             whole.begin() + static_cast<std::ptrdiff_t>(2 + to));
  return out;
}

}  // namespace

TEST_CASE("H.265: aggregate and fragments make one access unit") {
  Feed feed(Codec::kH265);
  feed.send(1000, false, aggregate({kVps, kSps, kPps}));
  feed.send(1000, false, kPrefixSei);
  feed.send(1000, false, fragment(kIdr, 0, 15, true, false));
  feed.send(1000, true, fragment(kIdr, 15, kIdr.size() - 2, false, true));
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kVps, kSps, kPps, kPrefixSei, kIdr}));
  CHECK(feed.last().nals == "32:23 33:33 34:7 39:8 20:43");
  CHECK(feed.last().key);
}

TEST_CASE("H.265: key means IRAP, 16 to 23") {
  for (int type = 0; type < 32; type++) {
    Feed feed(Codec::kH265);
    feed.send(1000, true, nal(type, 10));
    CAPTURE(type);
    REQUIRE(feed.count() == 1);
    CHECK(feed.last().key == (type >= 16 && type <= 23));
  }
}

TEST_CASE("H.265: with one time for all pictures come apart, the suffix SEI stays with its picture") {
  Feed feed(Codec::kH265);
  feed.send(0, false, kCra);
  feed.send(0, false, kSuffixSei);
  feed.send(0, false, kPrefixSei);
  feed.send(0, false, kTrail);
  feed.send(0, false, kSecond);
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kCra, kSuffixSei}));
  feed.send(0, false, kVps);
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().data == unit({kPrefixSei, kTrail, kSecond}));
  feed.send(0, false, kSps);
  feed.send(0, true, kIdr);
  REQUIRE(feed.count() == 3);
  CHECK(feed.last().data == unit({kVps, kSps, kIdr}));
}

TEST_CASE("H.265: another layer's picture belongs to the same access unit") {
  Feed feed(Codec::kH265);
  Data layer = kTrail;
  layer[1] = 1 << 3 | 1;
  feed.send(0, false, kTrail);
  feed.send(0, false, layer);
  CHECK(feed.count() == 0);
  feed.flush();
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kTrail, layer}));
}

TEST_CASE("H.265: loss inside a fragmented slice") {
  Feed feed(Codec::kH265);
  feed.send(1000, true, kIdr);
  feed.send(4600, false, fragment(kTrail, 0, 5, true, false));
  feed.lose();
  feed.send(4600, true, fragment(kTrail, 10, kTrail.size() - 2, false, true));
  feed.send(8200, true, kTrail);
  feed.flush();
  REQUIRE(feed.count() == 2);
  CHECK(feed.last().time == 8200);
  CHECK(feed.last().loss_before);
  CHECK_FALSE(feed.last().damaged);
  CHECK(feed.counters().damaged_units == 1);
}

TEST_CASE("H.265: the first fragment's type counts") {
  Feed feed(Codec::kH265);
  feed.send(1000, false, fragment(kIdr, 0, 15, true, false));
  Data other = fragment(kIdr, 15, kIdr.size() - 2, false, true);
  other[2] = static_cast<uint8_t>((other[2] & 0xc0) | 63);
  feed.send(1000, true, other);
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kIdr}));
}

TEST_CASE("H.265: Annex B inside") {
  Feed feed(Codec::kH265);
  feed.send(1000, true,
            join({{0, 0, 0, 1}, kVps, {0, 0, 1}, kSps, {0, 0, 1}, kPps, {0, 0, 0, 1}, kIdr, {0, 0}}));
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kVps, kSps, kPps, kIdr}));
}

TEST_CASE("H.265: packets that cannot be are counted and touch nothing") {
  Feed feed(Codec::kH265);
  feed.send(1000, false, kTrail);
  feed.send(1, true, {100, 1, 0, 0, 0});                         // PACI
  feed.send(2, true, {2});                                       // one byte
  feed.send(3, true, {98, 1});                                   // fragment without its header
  feed.send(4, true, {96, 1});                                   // empty aggregate
  feed.send(5, true, {2, 0, 0x80, 1});                           // temporal id 0
  feed.send(6, true, {2, 1});                                    // slice without a body
  feed.send(7, true, fragment(nal(48, 10), 0, 10, true, true));  // fragmented aggregate
  feed.send(8, true, join({aggregate({}), {0x7f, 0xff, 64}}));   // a cut unit without a whole header
  CHECK(feed.counters().malformed_packets == 8);
  CHECK(feed.count() == 0);
  feed.flush();
  REQUIRE(feed.count() == 1);
  CHECK(feed.last().data == unit({kTrail}));
  CHECK_FALSE(feed.last().damaged);
}
