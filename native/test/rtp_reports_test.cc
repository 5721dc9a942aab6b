// Sender reports in, receiver reports out (RFC 3550 6.4).
#include <doctest/doctest.h>

#include "rtp_collect.h"

using namespace thimble;
using namespace thimble::rtp_test;
using rtsp::Codec;

namespace {

Data sender_report(uint32_t ssrc, uint64_t ntp, uint32_t time) {
  Data out(28);
  out[0] = 0x80;
  out[1] = 200;
  write_be16(out.data() + 2, 6);
  write_be32(out.data() + 4, ssrc);
  write_be64(out.data() + 8, ntp);
  write_be32(out.data() + 16, time);
  return out;
}

Data picture(uint16_t sequence, uint32_t ssrc = 0x11223344, uint32_t time = 0) {
  Packet packet;
  packet.sequence = sequence;
  packet.time = time;
  packet.marker = true;
  packet.ssrc = ssrc;
  return rtp(packet, {0x65, 0x88, 0x80});
}

struct Report {
  uint8_t bytes[128] = {};
  size_t size = 0;
  uint32_t word(size_t i) const { return read_be32(bytes + 4 * i); }
  int fraction() const { return bytes[12]; }
  int32_t lost() const { return static_cast<int32_t>(word(3) << 8) >> 8; }
};

Report report(Feed& feed, int64_t now_us) {
  Report out;
  out.size = feed.track->write_receiver_report(out.bytes, now_us);
  return out;
}

}  // namespace

TEST_CASE("RTCP: no source, no report") {
  Feed feed(Codec::kH264);
  CHECK(report(feed, 0).size == 0);
  CHECK(feed.track->sender_report() == nullptr);
}

TEST_CASE("RTCP: only the source in force reports, early reports wait for it") {
  Feed feed(Codec::kH264);
  feed.track->on_rtcp(view(sender_report(0xbeef, 1, 2)), 5);
  feed.track->on_rtcp(view(sender_report(0x11223344, 3, 4)), 6);
  CHECK(feed.track->sender_report() == nullptr);
  feed.raw(picture(1));
  REQUIRE(feed.track->sender_report());
  CHECK(feed.track->sender_report()->ntp == 3);
  CHECK(feed.track->sender_report()->rtp_time == 4);
  CHECK(feed.track->sender_report()->arrival_us == 6);
  feed.track->on_rtcp(view(sender_report(0xbeef, 7, 8)), 9);
  CHECK(feed.track->sender_report()->ntp == 3);
  for (uint16_t n = 0; n < 8; n++) feed.raw(picture(n, 0xbeef));
  REQUIRE(feed.track->sender_report());
  CHECK(feed.track->sender_report()->ntp == 7);
  for (uint16_t n = 0; n < 8; n++) feed.raw(picture(n, 0xcafe));
  CHECK(feed.track->sender_report() == nullptr);
}

TEST_CASE("RTCP: a report inside a compound, cut ones are ignored") {
  Feed feed(Codec::kH264);
  feed.raw(picture(1));
  const Data first = {0x80, 201, 0, 1, 0, 0, 0, 1};
  const Data whole = join({first, sender_report(0x11223344, 42, 43), {0x81, 203, 0, 1, 0, 0, 0, 1}});
  for (size_t size = 0; size < first.size() + 28; size++) {
    feed.track->on_rtcp(view(Data(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))), 1);
    CHECK(feed.track->sender_report() == nullptr);
  }
  feed.track->on_rtcp(view(whole), 1);
  REQUIRE(feed.track->sender_report());
  CHECK(feed.track->sender_report()->ntp == 42);
}

TEST_CASE("RTCP: fields of the receiver report") {
  Feed feed(Codec::kH264);
  for (const uint16_t n : {65533, 65534, 65535, 1, 2, 3, 4, 5, 6, 7}) feed.raw(picture(n));
  feed.track->on_rtcp(view(sender_report(0x11223344, 0x1122334455667788, 0)), feed.now_us);
  const Report first = report(feed, feed.now_us + 2'500'000);
  REQUIRE(first.size == 60);
  CHECK(first.word(0) == 0x81c90007);
  CHECK(first.word(1) != 0);
  CHECK(first.word(1) != 0x11223344);
  CHECK(first.word(2) == 0x11223344);
  CHECK(first.fraction() == 256 / 11);  // one of eleven
  CHECK(first.lost() == 1);
  CHECK(first.word(4) == 0x10007);
  CHECK(first.word(6) == 0x33445566);
  CHECK(first.word(7) == 0x28000);  // 2.5 s
  // SDES: one chunk with our SSRC and a CNAME, words agree with the size.
  CHECK(first.word(8) == 0x81ca0006);
  CHECK(first.word(9) == first.word(1));
  CHECK(first.bytes[40] == 1);
  CHECK(first.bytes[41] == 16);
  CHECK(std::string(reinterpret_cast<const char*>(first.bytes) + 42, 8) == "thimble-");
  CHECK(first.bytes[58] == 0);

  for (const uint16_t n : {8, 9, 9}) feed.raw(picture(n));
  const Report second = report(feed, feed.now_us);
  CHECK(second.fraction() == 0);  // the duplicate makes up for nothing lost in this interval
  CHECK(second.word(4) == 0x10009);
  CHECK(second.word(1) == first.word(1));
}

TEST_CASE("RTCP: jitter follows RFC 3550 A.8") {
  Feed feed(Codec::kH264);
  // The clock of the packets stands still while 1 ms (90 ticks) passes between each two.
  double expected = 0;
  for (uint16_t n = 0; n < 50; n++) {
    feed.raw(picture(n));
    if (n > 0) expected += (90 - expected) / 16;
  }
  const double jitter = report(feed, feed.now_us).word(5);
  CHECK(jitter > expected - 3);
  CHECK(jitter < expected + 3);
}
