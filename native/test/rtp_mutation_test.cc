// Throws changed packets at whole tracks; the sanitizers are the judges, and what comes out must agree with
// itself.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "rtp_collect.h"

using namespace thimble;
using namespace thimble::rtp_test;
using rtsp::Codec;

namespace {

/// Checks each access unit instead of keeping it.
class Check : public rtsp::AccessUnitSink {
 public:
  explicit Check(const rtsp::RtpTrack::Limits& limits) : limits_(limits) {}
  void on_access_unit(const rtsp::AccessUnit& unit) override {
    units++;
    REQUIRE(unit.data.size > 0);
    // Whoever takes the bytes reads all of them.
    uint8_t sum = 0;
    for (size_t i = 0; i < unit.data.size; i++) sum ^= unit.data[i];
    for (size_t i = 0; i < unit.config.size; i++) sum ^= unit.config[i];
    sum_ = sum;
    REQUIRE(unit.data.size <= limits_.max_unit_bytes);
    REQUIRE(unit.nal_count <= limits_.max_nals);
    if (unit.nal_count == 0) return;
    size_t end = 0;
    for (size_t i = 0; i < unit.nal_count; i++) {
      const rtsp::Nal& nal = unit.nals[i];
      REQUIRE(nal.offset == end + 4);
      REQUIRE(nal.size > 0);
      end = nal.offset + size_t{nal.size};
      REQUIRE(end <= unit.data.size);
      REQUIRE(read_be32(unit.data.data + nal.offset - 4) == nal.size);
      REQUIRE(unit.data[end - 1] != 0);
    }
    REQUIRE(end == unit.data.size);
  }
  uint64_t units = 0;

 private:
  volatile uint8_t sum_ = 0;
  rtsp::RtpTrack::Limits limits_;
};

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}
  uint32_t below(uint32_t n) { return random_() % n; }

  Data payload(Codec codec) {
    static const uint8_t kH264[] = {0x67, 0x68, 0x65, 0x41, 0x06, 0x09, 0x78, 0x7c, 0x0a, 0x00, 0x1d};
    static const uint8_t kH265[] = {0x40, 0x42, 0x44, 0x26, 0x02, 0x4e, 0x60, 0x62, 0x48, 0x00, 0x64};
    Data out;
    const uint32_t size = below(8) ? below(60) : below(3000);
    if (codec == Codec::kH264) {
      out = {kH264[below(sizeof kH264)]};
      if (out[0] == 0x7c) out.push_back(static_cast<uint8_t>(below(4) << 6 | (below(8) ? 5 : below(32))));
    } else if (codec == Codec::kH265) {
      out = {kH265[below(sizeof kH265)], 1};
      if (out[0] == 0x62) out.push_back(static_cast<uint8_t>(below(4) << 6 | (below(8) ? 19 : below(64))));
    } else if (codec == Codec::kAacLatm) {
      // In band: sometimes a config (LC, 16 kHz, mono), then a length that may be right.
      if (below(3)) {
        out = {0x80, static_cast<uint8_t>(below(4) ? size / 2 : below(256))};
      } else {
        out = {0x20, 0x00, 0x14, 0x08, 0x1f, 0xe0, static_cast<uint8_t>(size)};
      }
    } else if (codec == Codec::kOpus) {
      out = {static_cast<uint8_t>(below(256)), static_cast<uint8_t>(below(256))};
    } else {
      out = {0, static_cast<uint8_t>(16 * below(5)), 0, static_cast<uint8_t>(below(256)), 0, 80};
      if (below(8) == 0)
        out = {0xff, 0xf1, 0x4c, 0x80, static_cast<uint8_t>(size >> 3), static_cast<uint8_t>(size << 5),
               0xfc};
    }
    for (uint32_t i = 0; i < size; i++) out.push_back(byte());
    return out;
  }

  void damage(Data& bytes) {
    for (uint32_t i = below(3); i > 0 && !bytes.empty(); i--) {
      const size_t at = below(static_cast<uint32_t>(bytes.size()));
      if (below(3)) {
        bytes[at] = static_cast<uint8_t>(random_());
      } else {
        bytes.resize(at);
      }
    }
  }

 private:
  /// Many zeros and ones, so that start codes and sizes happen.
  uint8_t byte() { return static_cast<uint8_t>(below(3) ? below(3) : random_()); }
  std::mt19937 random_;
};

void run(Codec codec, Mutator& random, uint64_t* units) {
  rtsp::RtpTrack::Limits limits;
  limits.max_unit_bytes = 2000 + random.below(4000);
  limits.max_nals = 4 + random.below(20);
  limits.max_held_bytes = 100 + random.below(5000);
  Check sink(limits);
  rtsp::Track track;
  track.codec = codec;
  track.payload_type = 96;
  track.clock_rate = 90000;
  const auto reader = rtsp::RtpTrack::create(track, sink, limits);
  REQUIRE(reader);
  Packet packet;
  int64_t now_us = 0;
  for (int i = 0; i < 300; i++) {
    packet.sequence = static_cast<uint16_t>(packet.sequence + (random.below(20) ? 1 : random.below(12) - 3));
    if (random.below(300) == 0) packet.sequence = static_cast<uint16_t>(random.below(65536));
    if (random.below(3) == 0) packet.time += 3600;
    if (random.below(60) == 0) packet.ssrc ^= 1;
    packet.marker = random.below(3) == 0;
    Data bytes = rtp(packet, random.payload(codec));
    if (random.below(5) == 0) random.damage(bytes);
    now_us += random.below(20) ? 1000 : 200'000;
    const Data exact(bytes.begin(), bytes.end());
    if (random.below(30)) {
      reader->on_rtp(view(exact), now_us);
    } else {
      reader->on_rtcp(view(exact), now_us);
    }
    if (random.below(50) == 0) reader->flush(now_us);
    if (random.below(50) == 0) reader->tick(now_us);
    uint8_t report[128];
    if (random.below(50) == 0) REQUIRE(reader->write_receiver_report(report, now_us) <= sizeof report);
  }
  reader->flush(now_us);
  *units += sink.units;
}

}  // namespace

TEST_CASE("changed packets never break a track") {
  const char* given = std::getenv("THIMBLE_SEED");
  const uint32_t seed =
      given ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  MESSAGE("THIMBLE_SEED=" << seed);
  CAPTURE(seed);
  Mutator random(seed);
  for (const Codec codec :
       {Codec::kH264, Codec::kH265, Codec::kAac, Codec::kAacLatm, Codec::kOpus, Codec::kL16}) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
    uint64_t units = 0;
    do {
      run(codec, random, &units);
    } while (std::chrono::steady_clock::now() < until);
    CHECK(units > 0);
  }
}
