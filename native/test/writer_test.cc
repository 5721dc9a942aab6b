// What the writer promises while the disk is well: order, bounds, events, names, durability, closing.
#include <doctest/doctest.h>

#include <condition_variable>

#include "faulty_disk.h"
#include "media/repair.h"
#include "tiny_recording.h"

using namespace thimble::media;
using tiny::FaultyDisk;

namespace {

/// A disk whose writes wait until they are let through.
class GateDisk final : public Disk {
 public:
  void open_gate() {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }
  ssize_t write_at(int fd, const iovec* parts, int count, off_t offset) override {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return !closed_; });
    return real_.write_at(fd, parts, count, offset);
  }
  int create_exclusive(const std::string& path) override { return real_.create_exclusive(path); }
  int open_existing(const std::string& path) override { return real_.open_existing(path); }
  int make_directory(const std::string& path) override { return real_.make_directory(path); }
  int sync_directory(const std::string& path) override { return real_.sync_directory(path); }
  ssize_t read_at(int fd, void* data, size_t size, off_t offset) override {
    return real_.read_at(fd, data, size, offset);
  }
  int preallocate(int, off_t, off_t) override { return -EOPNOTSUPP; }
  void will_read(int fd, off_t offset, size_t size) override { real_.will_read(fd, offset, size); }
  int start_writeback(int fd) override { return real_.start_writeback(fd); }
  int wait_writeback(int fd) override { return real_.wait_writeback(fd); }
  int sync_data(int fd) override { return real_.sync_data(fd); }
  int truncate(int fd, off_t size) override { return real_.truncate(fd, size); }
  off_t file_size(int fd) override { return real_.file_size(fd); }
  int close(int fd) override { return real_.close(fd); }
  int remove(const std::string& path) override { return real_.remove(path); }

 private:
  Disk& real_ = posix_disk();
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = true;
};

struct Bench {
  explicit Bench(Disk& disk, Writer::Config config = {}) {
    config.segments_folder = folder.path();
    writer = Writer::create(config, disk, events);
    REQUIRE(writer->start());
  }
  tiny::TempFolder folder;
  tiny::Events events;
  std::unique_ptr<Writer> writer;
};

}  // namespace

TEST_CASE("writer: two segments, whole files, events in order, bytes accounted") {
  tiny::TempFolder folder;
  tiny::Events events;
  const std::vector<uint64_t> accepted = tiny::record(posix_disk(), folder.path(), events);
  REQUIRE(events.opened.size() == 2);
  REQUIRE(events.closed.size() == 2);
  CHECK(events.failed.empty());
  for (size_t i = 0; i < 2; ++i) {
    const SegmentClosed& closed = events.closed[i];
    CHECK(closed.handle == events.opened[i].handle);
    CHECK(closed.path == events.opened[i].path);
    CHECK(closed.synced);
    CHECK(closed.reason == EndReason::kLength);
    const tiny::Judgement judgement = tiny::judge(folder.path() + "/" + closed.path);
    CHECK(judgement.problem == "");
    CHECK(judgement.indexed);
    CHECK(judgement.media_bytes == accepted[i]);
    CHECK(tiny::fs::file_size(folder.path() + "/" + closed.path) == closed.size_bytes);
  }
  CHECK(events.closed[0].path == "7/2026-01-01/00-00-00.123Z-main.mp4");
}

TEST_CASE("writer: stop closes what is open with the end of its media; nothing is taken afterwards") {
  Bench bench(posix_disk());
  const SegmentHandle handle = bench.writer->open(tiny::spec(tiny::kStartMs));
  const SegmentHandle without = bench.writer->open(tiny::spec(tiny::kStartMs, 8));
  REQUIRE(bench.writer->append(handle, tiny::fragment(0)));
  REQUIRE(bench.writer->append(handle, tiny::fragment(1)));
  CHECK(bench.writer->stop(5000));
  CHECK(bench.writer->stop(5000));
  CHECK_FALSE(bench.writer->append(handle, tiny::fragment(2)));
  CHECK(bench.writer->open(tiny::spec(0)) != 0);
  REQUIRE(bench.events.closed.size() == 2);
  for (const SegmentClosed& closed : bench.events.closed) {
    CHECK(closed.reason == EndReason::kStop);
    if (closed.handle == handle) CHECK(closed.end_ms == tiny::kStartMs + 640);
    if (closed.handle == without) CHECK(closed.path.empty());
  }
  CHECK(bench.folder.files().size() == 1);
}

TEST_CASE(
    "writer: what an event needs is durable without waiting for the period, in a storm four times a second") {
  Writer::Config config;
  config.sync_period_ms = 60'000;
  Bench bench(posix_disk(), config);
  const Writer::Counters& counters = bench.writer->counters();
  const SegmentHandle handle = bench.writer->open(tiny::spec(tiny::kStartMs));
  REQUIRE(bench.writer->append(handle, tiny::fragment(0)));
  bench.writer->sync_soon();
  REQUIRE(tiny::wait_for([&] { return counters.syncs == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  int asked = 0;
  for (; std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(600); ++asked) {
    REQUIRE(bench.writer->append(handle, tiny::fragment(asked % 4)));
    bench.writer->sync_soon();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const uint64_t syncs = counters.syncs;
  const auto spent = std::chrono::steady_clock::now() - begin;
  CHECK(syncs >= 2);
  CHECK(syncs <= 2 + static_cast<uint64_t>(spent / std::chrono::milliseconds(250)));
  CHECK(bench.writer->stop(5000));
}

TEST_CASE("writer: a second segment with the same start gets the clock generation into its name") {
  Bench bench(posix_disk());
  for (uint32_t generation = 1; generation <= 3; ++generation) {
    SegmentSpec spec = tiny::spec(tiny::kStartMs);
    spec.identity.clock_generation = generation == 3 ? 2 : generation;
    const SegmentHandle handle = bench.writer->open(std::move(spec));
    bench.writer->append(handle, tiny::fragment(0));
  }
  CHECK(bench.writer->stop(5000));
  REQUIRE(bench.events.opened.size() == 2);
  CHECK(bench.events.opened[1].path == "7/2026-01-01/00-00-00.123Z-main-2.mp4");
  REQUIRE(bench.events.failed.size() == 1);
  CHECK(bench.events.failed[0].error == EEXIST);
  CHECK(bench.events.failed[0].path.empty());
}

TEST_CASE("writer: a day folder removed while recording goes on is made again") {
  Bench bench(posix_disk());
  SegmentHandle handle = bench.writer->open(tiny::spec(tiny::kStartMs));
  bench.writer->append(handle, tiny::fragment(0));
  bench.writer->close(handle, tiny::kStartMs + 320, EndReason::kLength);
  REQUIRE(
      tiny::wait_for([&] { return bench.writer->counters().syncs > 0 || bench.folder.files().size() == 1; }));
  REQUIRE(tiny::wait_for([&] { return bench.writer->counters().queued_bytes == 0; }));
  tiny::fs::remove_all(bench.folder.path() + "/7");
  handle = bench.writer->open(tiny::spec(tiny::kStartMs + 320));
  bench.writer->append(handle, tiny::fragment(0));
  CHECK(bench.writer->stop(5000));
  CHECK(bench.events.failed.empty());
  CHECK(bench.folder.files().size() == 1);
}

TEST_CASE("writer: bounds in bytes refuse, and memory goes as soon as it is written") {
  GateDisk disk;
  Writer::Config config;
  const uint64_t one = tiny::fragment(0).data_bytes;
  config.max_queued_bytes_per_segment = one * 3;
  config.max_queued_bytes = one * 5;
  Bench bench(disk, config);
  const SegmentHandle first = bench.writer->open(tiny::spec(tiny::kStartMs));
  const SegmentHandle second = bench.writer->open(tiny::spec(tiny::kStartMs, 8));
  const auto fill = [&](SegmentHandle handle) {
    int taken = 0;
    while (bench.writer->append(handle, tiny::fragment(0))) ++taken;
    return taken;
  };
  CHECK(fill(first) == 2);  // what the samples' tables take counts too
  CHECK(fill(second) == 2);
  CHECK(bench.writer->counters().queued_bytes > one * 4);
  CHECK(bench.writer->counters().queued_bytes <= one * 5);
  disk.open_gate();
  CHECK(tiny::wait_for([&] { return bench.writer->counters().queued_bytes == 0; }));
  CHECK(bench.writer->append(first, tiny::fragment(1)));
  CHECK(bench.writer->stop(5000));
  CHECK(bench.writer->counters().media_bytes == one * 4 + tiny::fragment(1).data_bytes);
}

TEST_CASE("writer: a stuck disk does not hold up stop beyond its deadline") {
  // Both outlive the test case: the thread is left behind in them, as at the exit of the process.
  static GateDisk disk;
  static Bench bench(disk);
  bench.writer->open(tiny::spec(tiny::kStartMs));
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(bench.writer->stop(50));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
  disk.open_gate();
}

TEST_CASE("writer: what was written is durable within the sync period, and an idle writer makes no calls") {
  FaultyDisk disk(FaultyDisk::Fault::kNone, 0);
  Writer::Config config;
  config.sync_period_ms = 20;
  Bench bench(disk, config);
  const SegmentHandle handle = bench.writer->open(tiny::spec(tiny::kStartMs));
  REQUIRE(bench.writer->append(handle, tiny::fragment(0)));
  REQUIRE(tiny::wait_for([&] { return bench.writer->counters().syncs > 0; }));
  const std::string path = bench.folder.files().at(0);
  const uint64_t before = tiny::fs::file_size(path);
  REQUIRE(bench.writer->append(handle, tiny::fragment(1)));
  CHECK(tiny::wait_for([&] {
    const uint64_t size = tiny::fs::file_size(path);
    return size > before && disk.durable_bytes(path) == size;
  }));
  const int calls = disk.calls();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(disk.calls() == calls);
  CHECK(bench.writer->stop(5000));
}

TEST_CASE("writer: boxes and rewrites stay below 4 % of the media, by bytes handed to the file system") {
  Bench bench(posix_disk());
  SegmentSpec spec = tiny::spec(tiny::kStartMs);
  spec.planned_seconds = 300;
  const SegmentHandle handle = bench.writer->open(std::move(spec));
  // One second of 2 Mbit/s per fragment: 25 pictures and 47 sound frames.
  const std::vector<uint8_t> noise(250000, 0x55);
  for (int n = 0; n < 60; ++n) {
    Fragment fragment;
    FragmentRun video{1, static_cast<uint64_t>(n) * 90000, {}},
        sound{2, static_cast<uint64_t>(n) * 48128, {}};
    for (int i = 0; i < 25; ++i) video.samples.push_back({9248, 3600, 0, i == 0});
    for (int i = 0; i < 47; ++i) sound.samples.push_back({400, 1024, 0, true});
    fragment.runs = {video, sound};
    Chunk* chunk = Chunk::create(250000, nullptr);
    std::memcpy(chunk->data(), noise.data(), noise.size());
    fragment.data.emplace_back(chunk, chunk->data(), 250000);
    chunk->release();
    fragment.data_bytes = 250000;
    fragment.has_video = fragment.begins_with_key = true;
    fragment.earliest_pts90k = video.base_time;
    fragment.duration90k = 90000;
    REQUIRE(tiny::wait_for([&] { return bench.writer->append(handle, std::move(fragment)); }));
  }
  CHECK(bench.writer->stop(10000));
  const Writer::Counters& counters = bench.writer->counters();
  CHECK(counters.media_bytes == 60u * 250000u);
  CHECK(static_cast<double>(counters.written_bytes) / static_cast<double>(counters.media_bytes) < 1.01);
}

TEST_CASE("writer: a fragment that contradicts itself fails its segment and spoils nothing") {
  Bench bench(posix_disk());
  const SegmentHandle handle = bench.writer->open(tiny::spec(tiny::kStartMs));
  REQUIRE(bench.writer->append(handle, tiny::fragment(0)));
  Fragment wrong = tiny::fragment(1);
  wrong.runs[0].samples[0].size += 1;
  const uint64_t wrong_bytes = wrong.data_bytes;
  REQUIRE(bench.writer->append(handle, std::move(wrong)));
  CHECK(bench.writer->stop(5000));
  REQUIRE(bench.events.failed.size() == 1);
  CHECK(bench.events.failed[0].error == EINVAL);
  CHECK(bench.events.failed[0].lost_bytes == wrong_bytes);
  REQUIRE(bench.events.closed.size() == 1);
  CHECK(bench.events.closed[0].reason == EndReason::kSuspect);
  CHECK(tiny::judge(bench.folder.files().at(0)).problem == "");
}
