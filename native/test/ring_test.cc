// The packet ring: what stays, and that memory is bounded by whatever a camera sends.
#include <doctest/doctest.h>

#include <random>

#include "media/packet_ring.h"

using namespace thimble;
using namespace thimble::media;

namespace {

constexpr uint64_t kNobody = UINT64_MAX;

struct Feed {
  explicit Feed(size_t max_bytes, size_t chunk_bytes = PacketRing::kChunkBytes)
      : ring(max_bytes, chunk_bytes) {}

  void push(PacketTrack& track, size_t size, bool key, int64_t ticks) {
    Packet packet;
    packet.position = track.arena().end();
    packet.size = static_cast<uint32_t>(size);
    packet.key = key;
    packet.dts = packet.pts = ticks;
    const std::vector<uint8_t> bytes(size, static_cast<uint8_t>(track.end()));
    REQUIRE(track.arena().append({bytes.data(), bytes.size()}));
    track.push(packet);
  }
  void video(size_t size, bool key) {
    push(ring.video(), size, key, pts += 3600);
    ring.evict(keep_video, keep_audio, audio_from);
    const uint64_t count = ring.video().end() - ring.video().begin();
    table_bytes = static_cast<size_t>(count) * sizeof(Packet);
    most_bytes = std::max(most_bytes, ring.bytes() + table_bytes);
  }
  void audio(size_t size) {
    push(ring.audio(), size, true, audio_ticks++);
    ring.evict_audio(keep_audio, audio_from);
    const uint64_t count = ring.audio().end() - ring.audio().begin();
    most_bytes = std::max(most_bytes, ring.bytes() + static_cast<size_t>(count) * sizeof(Packet));
  }

  PacketRing ring;
  uint64_t keep_video = kNobody, keep_audio = kNobody;
  int64_t audio_from = INT64_MIN, pts = 0, audio_ticks = 0;
  size_t table_bytes = 0, most_bytes = 0;
};

}  // namespace

TEST_CASE("ring: holds the newest complete GOP and the growing one") {
  Feed feed(8u << 20);
  for (int i = 0; i < 1000; ++i) {
    feed.video(4000, i % 50 == 0);
    REQUIRE(feed.ring.video().begin() == static_cast<uint64_t>(std::max(0, i / 50 - 1) * 50));
    REQUIRE(feed.ring.newest_key() == static_cast<uint64_t>(i / 50 * 50));
  }
  CHECK(feed.most_bytes < 100 * 4200 + 3 * 65536);
}

TEST_CASE("ring: of a small stream it takes little more than what it holds") {
  Feed feed(2u << 20, PacketRing::kSmallChunkBytes);
  // 10 pictures per second, 160 kbit/s: two GOPs of a second are 40 KB.
  for (int i = 0; i < 1000; ++i) feed.video(2000, i % 10 == 0);
  CHECK(feed.most_bytes < 20 * 2100 + 3 * 16384);
  CHECK(feed.ring.bytes() < 65536 + 32768);
}

TEST_CASE("ring: GOPs of 60 s at 30 Mbit/s stay in the bound") {
  Feed feed(8u << 20);
  for (int i = 0; i < 25 * 150; ++i) feed.video(150000, i % 1500 == 0);
  CHECK(feed.most_bytes <= (8u << 20) + 2 * 150000 + 4 * 65536);
  // The GOP has a hole, so nothing behind it can be used; its key picture can.
  CHECK(feed.ring.newest_key() == feed.ring.video().end());
  CHECK(feed.ring.cut_gop());
  CHECK(feed.ring.bytes() <= 2 * 150000 + 5 * 65536);
  size_t sum = 0;
  for (const Slice& slice : feed.ring.key_picture()) {
    sum += slice.size();
    for (size_t i = 0; i < slice.size(); ++i) REQUIRE(slice.data()[i] == static_cast<uint8_t>(3000));
  }
  CHECK(sum == 150000);
  // A GOP that fits ends it.
  for (int i = 0; i < 60; ++i) feed.video(4000, i % 50 == 0);
  CHECK_FALSE(feed.ring.cut_gop());
  CHECK(feed.ring.newest_key() == feed.ring.video().end() - 10);
  feed.ring.clear();
  CHECK(feed.ring.key_picture().empty());
}

TEST_CASE("ring: tiny packets are counted by what they take") {
  Feed feed(1u << 20);
  for (int i = 0; i < 200000; ++i) feed.video(1, i % 50000 == 0);
  CHECK(feed.most_bytes <= (1u << 20) + 2 * 65536);
}

TEST_CASE("ring: a flood of sound stays in a quarter of the bound, even if nobody takes it") {
  Feed feed(1u << 20);
  feed.keep_audio = 0;
  for (int i = 0; i < 2000; ++i) feed.audio(2000);
  CHECK(feed.most_bytes <= (256u << 10) + 3 * 16384);
  feed.most_bytes = 0;
  for (int i = 0; i < 100000; ++i) feed.audio(1);
  CHECK(feed.most_bytes <= (256u << 10) + 3 * 16384);
}

TEST_CASE("ring: what is not handed over yet stays, whatever the bound says") {
  Feed feed(1u << 20);
  feed.keep_video = 10;
  for (int i = 0; i < 100; ++i) feed.video(50000, i == 0);
  CHECK(feed.ring.video().begin() == 10);
  feed.keep_video = 99;
  feed.video(50000, false);
  CHECK(feed.ring.video().begin() == 99);
}

TEST_CASE("ring: old sound goes, the newest frame stays") {
  Feed feed(8u << 20);
  for (int i = 0; i < 100; ++i) feed.audio(300);
  feed.audio_from = 40;
  feed.video(1000, true);
  CHECK(feed.ring.audio().begin() == 40);
  feed.audio_from = 1000;
  feed.keep_audio = 70;
  feed.video(1000, false);
  CHECK(feed.ring.audio().begin() == 70);
  feed.keep_audio = kNobody;
  feed.video(1000, false);
  CHECK(feed.ring.audio().begin() == 99);
  CHECK(feed.ring.audio().at(99).size == 300);
}

TEST_CASE("ring: packets without a keyframe are of no use and go") {
  Feed feed(8u << 20);
  for (int i = 0; i < 100; ++i) feed.video(1000, false);
  CHECK(feed.ring.video().begin() == 99);
  CHECK(feed.ring.newest_key() == 100);
}

TEST_CASE("ring: slices outlive it and are counted until they go") {
  std::vector<Slice> slices;
  {
    Feed feed(1u << 20);
    for (int i = 0; i < 300; ++i) {
      feed.video(20000, i % 10 == 0);
      if (i % 50 == 0) feed.ring.video().slice(feed.ring.video().end() - 1, &slices);
    }
    // Six pictures, each in one or two chunks, that the ring has let go.
    CHECK(feed.ring.bytes() >= 20 * 20000 + 4 * 65536);
    const size_t with_slices = feed.ring.bytes();
    std::vector<Slice> gone;
    gone.swap(slices);
    gone.resize(0);
    CHECK(feed.ring.bytes() + 4 * 65536 <= with_slices);
    feed.ring.video().slice(feed.ring.video().end() - 1, &slices);
    feed.ring.clear();
    CHECK(feed.ring.video().begin() == feed.ring.video().end());
    CHECK(feed.ring.bytes() <= 4 * 65536);
    feed.video(1000, true);
    CHECK(feed.ring.newest_key() == 300);
  }
  size_t sum = 0;
  for (const Slice& slice : slices) {
    sum += slice.size();
    for (size_t i = 0; i < slice.size(); ++i) REQUIRE(slice.data()[i] == static_cast<uint8_t>(299));
  }
  CHECK(sum == 20000);
}

TEST_CASE("ring: any stream stays in its bound and holds a whole GOP when that fits") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 10; ++round) {
    const size_t bound = (1 + random() % 8) << 18;
    Feed feed(bound);
    size_t largest = 0;
    std::vector<std::pair<uint64_t, size_t>> gops;  // index and bytes
    for (int i = 0; i < 3000; ++i) {
      const bool key = i == 0 || random() % 40 == 0;
      const size_t size = 1 + random() % (random() % 30 ? 8000 : 60000);
      largest = std::max(largest, size);
      if (key) gops.emplace_back(i, 0);
      gops.back().second += size + sizeof(Packet);
      feed.video(size, key);
      // The bound is kept up to the newest packet and the chunks at both ends.
      REQUIRE(feed.most_bytes <= bound + largest + 4 * 65536);
      const size_t two = gops.back().second + (gops.size() > 1 ? gops[gops.size() - 2].second : 0);
      if (two + 3 * 65536 < bound && gops.size() > 1) {
        REQUIRE(feed.ring.video().begin() <= gops[gops.size() - 2].first);
      }
    }
  }
}
