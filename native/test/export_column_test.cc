// Columns hold what was put into them, in little memory.
#include <doctest/doctest.h>

#include <random>

#include "media/export_column.h"
#include "media/export_track.h"

using namespace thimble::media;

TEST_CASE("export: columns and their runs equal plain lists") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 60; ++round) {
    PagePool pool(64 << 20);
    Column column(pool);
    std::vector<uint64_t> plain;
    std::vector<ValueRun> runs;
    const size_t count = random() % 3000;
    const int bits = static_cast<int>(random() % 65);
    // Each third column holds a few values far apart.
    const uint64_t few = round % 3 == 0 ? 1 + random() % 20 : 0;
    while (plain.size() < count) {
      const uint64_t value = few > 0 ? random() % few * 1'000'003 : bits == 0 ? 9 : random() >> (64 - bits);
      for (size_t repeat = random() % 4 == 0 ? random() % 900 : 1; repeat > 0; --repeat)
        plain.push_back(value);
    }
    for (const uint64_t value : plain) {
      REQUIRE(column.push(value));
      if (runs.empty() || runs.back().value != value)
        runs.push_back({runs.empty() ? 0 : runs.back().first + runs.back().count, 0, value});
      ++runs.back().count;
    }
    REQUIRE(column.size() == plain.size());
    for (size_t i = 0; i < plain.size(); ++i) REQUIRE(column.at(i) == plain[i]);
    REQUIRE(column.runs() == runs.size());
    for (int i = 0; i < 50 && !runs.empty(); ++i) {
      const size_t first = random() % runs.size(), wanted = 1 + random() % 100;
      std::vector<ValueRun> read(wanted);
      const size_t got = column.read_runs(first, wanted, read.data());
      REQUIRE(got == std::min(wanted, runs.size() - first));
      for (size_t k = 0; k < got; ++k) {
        REQUIRE(read[k].first == runs[first + k].first);
        REQUIRE(read[k].count == runs[first + k].count);
        REQUIRE(read[k].value == runs[first + k].value);
      }
    }
    ValueRun none;
    CHECK(column.read_runs(runs.size(), 1, &none) == 0);
  }
}

TEST_CASE("export: the tables of a day fit in 16 MB") {
  PagePool pool(16 << 20);
  ExportTrack video(pool, false), sound(pool, true);
  std::mt19937 random(1);
  const auto spread = [&](uint32_t about) { return about / 2 + random() % about; };
  constexpr uint32_t kFps = 25, kSeconds = 86400;
  uint64_t offset = 0;
  bool fits = true;
  for (uint32_t second = 0; second < kSeconds; ++second) {
    // 2 Mbit/s with a keyframe each two seconds, reordered, and AAC of 48 kHz.
    for (uint32_t i = 0; i < kFps; ++i) {
      const bool key = i == 0 && second % 2 == 0;
      const int64_t dts = (int64_t{second} * kFps + i) * 3600;
      const int64_t pts = dts + (i % 3) * 3600;
      fits = fits &&
             video.add(dts, pts, 3600, key ? spread(80'000) : spread(8000), key) == ExportTrack::Added::kYes;
    }
    fits = fits && video.add_chunk(kFps, 0, offset);
    offset += 250'000;
    for (uint32_t i = 0; i < 47; ++i) {
      // A camera whose clock of the sound is a little off: 46 frames of 1024 ticks, one of 896.
      const int64_t at = int64_t{second} * 48000 + i * 1024;
      fits = fits && sound.add(at, at, 1024, spread(170), true) == ExportTrack::Added::kYes;
    }
    fits = fits && sound.add_chunk(47, 0, offset);
  }
  CHECK(fits);
  MESSAGE("tables of a day: ", pool.used_bytes(), " bytes");
}
