// The tape of packet bytes: against a plain vector, with slices that outlive it and no memory left behind.
#include <doctest/doctest.h>

#include <cstring>
#include <deque>
#include <random>

#include "media/packet_arena.h"

using namespace thimble;
using namespace thimble::media;

namespace {

std::vector<uint8_t> bytes_of(const std::vector<Slice>& slices) {
  std::vector<uint8_t> out;
  for (const Slice& slice : slices) out.insert(out.end(), slice.data(), slice.data() + slice.size());
  return out;
}

MemoryAccount make_account() {
  return std::make_shared<std::atomic<size_t>>(0);
}

}  // namespace

TEST_CASE("arena: slices are what was appended, whatever is released, and outlive the arena") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 10; ++round) {
    const MemoryAccount account = make_account();
    std::vector<uint8_t> tape;
    std::vector<std::pair<std::vector<Slice>, std::vector<uint8_t>>> kept;
    {
      Arena arena(4096, account);
      std::deque<std::pair<uint64_t, size_t>> packets;
      for (int i = 0; i < 400; ++i) {
        std::vector<uint8_t> bytes(random() % (random() % 10 ? 3000 : 20000));
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
        const uint64_t position = arena.end();
        REQUIRE(position == tape.size());
        REQUIRE(arena.append({bytes.data(), bytes.size()}));
        if (random() % 8 == 0) {
          // Taken back, wholly or in part.
          const uint64_t to = position + random() % (bytes.size() + 1);
          arena.rewind(to);
          bytes.resize(static_cast<size_t>(to - position));
        }
        tape.insert(tape.end(), bytes.begin(), bytes.end());
        packets.emplace_back(position, bytes.size());
        if (random() % 3 == 0) {
          const auto& [at, size] = packets[random() % packets.size()];
          std::vector<Slice> slices;
          arena.slice(at, size, &slices);
          REQUIRE(slices.size() <= size / 4096 + 2);
          kept.emplace_back(std::move(slices),
                            std::vector<uint8_t>(tape.begin() + static_cast<ptrdiff_t>(at),
                                                 tape.begin() + static_cast<ptrdiff_t>(at + size)));
        }
        while (packets.size() > random() % 40) packets.pop_front();
        arena.release_before(packets.empty() ? arena.end() : packets.front().first);
        if (random() % 5 == 0) kept.clear();
        if (kept.empty()) {
          const uint64_t held = arena.end() - (packets.empty() ? arena.end() : packets.front().first);
          // The chunks at both ends, and the spare one.
          REQUIRE(*account <= held + 3 * 4096);
        }
      }
    }
    for (const auto& [slices, bytes] : kept) REQUIRE(bytes_of(slices) == bytes);
    kept.clear();
    CHECK(*account == 0);
  }
}

TEST_CASE("arena: neighbours become one slice") {
  Arena arena(4096, make_account());
  const std::vector<uint8_t> bytes(1000, 7);
  for (int i = 0; i < 6; ++i) REQUIRE(arena.append({bytes.data(), bytes.size()}));
  std::vector<Slice> slices;
  for (int i = 0; i < 6; ++i) arena.slice(static_cast<uint64_t>(i) * 1000, 1000, &slices);
  REQUIRE(slices.size() == 2);
  CHECK(slices[0].size() == 4096);
  CHECK(slices[1].size() == 6000 - 4096);
}

TEST_CASE("arena: a chunk that somebody reads is not written again") {
  const MemoryAccount account = make_account();
  Arena arena(4096, account);
  std::vector<uint8_t> bytes(4096, 1);
  REQUIRE(arena.append({bytes.data(), bytes.size()}));
  std::vector<Slice> slices;
  arena.slice(0, 4096, &slices);
  arena.release_before(4096);
  std::fill(bytes.begin(), bytes.end(), uint8_t{2});
  REQUIRE(arena.append({bytes.data(), bytes.size()}));
  CHECK(slices[0].data()[0] == 1);
  CHECK(slices[0].data()[4095] == 1);
  // Nobody reads: the chunk is used again and the memory does not grow.
  slices.clear();
  arena.release_before(8192);
  REQUIRE(arena.append({bytes.data(), bytes.size()}));
  CHECK(*account == 4096);
}
