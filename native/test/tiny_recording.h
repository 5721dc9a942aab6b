// Fragments of a tiny camera (8 pictures and 16 sound frames each, a keyframe in every other one), a folder
// that goes with the test, and a listener that remembers.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "media/init_segment.h"
#include "media/repair.h"
#include "media/writer.h"
#include "tiny_h264.h"

namespace tiny {

namespace fs = std::filesystem;
using namespace thimble::media;

class TempFolder {
 public:
  TempFolder() {
    char name[] = "/tmp/thimble-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::vector<std::string> files() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path_)) {
      if (entry.is_regular_file()) found.push_back(entry.path().string());
    }
    return found;
  }

 private:
  std::string path_;
};

constexpr uint8_t kStore[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/// Of all of a file, and as the next start takes it in.
inline constexpr Examination kLook{false, true}, kMend{true, true}, kAdopt{true, false};

constexpr int kPictures = 8;
constexpr uint32_t kPictureTicks = 3600;
constexpr uint32_t kSoundTicks = 1024;
constexpr int kSoundFrames = 15;  // 8 pictures of 40 ms

inline std::vector<uint8_t> init_bytes(bool sound = true) {
  const AudioParameters audio = audio_parameters();
  std::string error;
  const auto init = make_init_segment(video_parameters(), sound ? &audio : nullptr, &error);
  REQUIRE_MESSAGE(init.has_value(), error);
  return *init;
}

inline SegmentSpec spec(int64_t start_ms, uint32_t camera = 7) {
  SegmentSpec made;
  std::memcpy(made.identity.store, kStore, sizeof kStore);
  made.identity.camera = camera;
  made.identity.start_ms = start_ms;
  made.init = init_bytes();
  made.planned_seconds = 10;
  return made;
}

/// Fragment number `n` of a segment. Each sample lies in its own slice, as in the ring.
inline Fragment fragment(int n) {
  std::vector<Bytes> samples;
  Fragment made;
  FragmentRun video{1, static_cast<uint64_t>(n) * kPictures * kPictureTicks, {}};
  FragmentRun sound{2, static_cast<uint64_t>(n) * kSoundFrames * kSoundTicks, {}};
  for (int i = 0; i < kPictures; ++i) {
    const int position = (n % 2) * kPictures + i;
    samples.push_back(picture(position, i % 3, static_cast<uint32_t>(n * 100 + i)));
    video.samples.push_back({static_cast<uint32_t>(samples.back().size()), kPictureTicks, 0, position == 0});
  }
  for (int i = 0; i < kSoundFrames; ++i) {
    samples.push_back(silent_aac());
    sound.samples.push_back({static_cast<uint32_t>(samples.back().size()), kSoundTicks, 0, true});
  }
  for (const Bytes& sample : samples) made.data_bytes += sample.size();
  Chunk* chunk = Chunk::create(made.data_bytes, nullptr);
  REQUIRE(chunk != nullptr);
  size_t at = 0;
  for (const Bytes& sample : samples) {
    std::memcpy(chunk->data() + at, sample.data(), sample.size());
    made.data.emplace_back(chunk, chunk->data() + at, static_cast<uint32_t>(sample.size()));
    at += sample.size();
  }
  chunk->release();
  made.begins_with_key = n % 2 == 0;
  made.has_video = true;
  made.earliest_pts90k = video.base_time;
  made.duration90k = kPictures * kPictureTicks;
  made.runs.push_back(std::move(video));
  made.runs.push_back(std::move(sound));
  return made;
}

class Events final : public WriterListener {
 public:
  void on_segment_opened(const SegmentOpened& event) override { add(opened, event); }
  void on_segment_closed(const SegmentClosed& event) override { add(closed, event); }
  void on_segment_failed(const SegmentFailed& event) override { add(failed, event); }
  // Read when the writer has stopped.
  std::vector<SegmentOpened> opened;
  std::vector<SegmentClosed> closed;
  std::vector<SegmentFailed> failed;

 private:
  template <typename Event>
  void add(std::vector<Event>& list, const Event& event) {
    std::lock_guard<std::mutex> lock(mutex_);
    list.push_back(event);
  }
  std::mutex mutex_;
};

/// Waits until `condition` holds; false after 2 s.
template <typename Condition>
bool wait_for(Condition condition) {
  for (int i = 0; i < 10000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return condition();
}

inline constexpr int64_t kStartMs = 1767225600123;  // 2026-01-01T00:00:00.123Z
inline constexpr int kSegments = 2, kFragments = 4;

/// Records two segments of four fragments, and waits for durability after the second fragment of each.
/// Returns the media bytes that the writer took, per segment.
inline std::vector<uint64_t> record(Disk& disk, const std::string& root, Events& events) {
  Writer::Config config;
  config.segments_folder = root;
  config.sync_period_ms = 1;
  const std::unique_ptr<Writer> writer = Writer::create(config, disk, events);
  REQUIRE(writer->start());
  const Writer::Counters& counters = writer->counters();
  std::vector<uint64_t> accepted;
  for (int segment = 0; segment < kSegments; ++segment) {
    const SegmentHandle handle = writer->open(spec(kStartMs + segment * 1280));
    accepted.push_back(0);
    for (int n = 0; n < kFragments; ++n) {
      Fragment next = fragment(n);
      const uint64_t media_bytes = next.data_bytes;
      const uint64_t syncs = counters.syncs;
      if (writer->append(handle, std::move(next))) accepted.back() += media_bytes;
      if (n == 1) wait_for([&] { return counters.syncs > syncs || counters.failures > 0; });
    }
    writer->close(handle, kStartMs + (segment + 1) * 1280, EndReason::kLength);
  }
  CHECK(writer->stop(20000));
  CHECK(counters.queued_bytes == 0);
  return accepted;
}

}  // namespace tiny
