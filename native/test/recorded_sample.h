// One recorded segment to damage, under a name that is ours, and what became of it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "faulty_disk.h"
#include "tiny_recording.h"

namespace tiny {

using FileBytes = std::vector<uint8_t>;

struct RecordedSample {
  explicit RecordedSample(int fragments = 4, SegmentSpec spec = tiny::spec(kStartMs)) {
    Events events;
    Writer::Config config;
    config.segments_folder = folder.path();
    FaultyDisk disk(FaultyDisk::Fault::kNone, 0);
    const auto writer = Writer::create(config, disk, events);
    REQUIRE(writer->start());
    const SegmentHandle handle = writer->open(std::move(spec));
    for (int n = 0; n < fragments; ++n) {
      REQUIRE(wait_for([&] { return writer->append(handle, fragment(n)); }));
    }
    REQUIRE(writer->stop(5000));
    REQUIRE(events.closed.size() == 1);
    path = folder.path() + "/" + events.closed[0].path;
    closed = read_file(path);
    for (size_t at = 0; at < closed.size(); at += be(closed, at, 4)) {
      boxes.push_back({type_at(closed, at), at});
      if (boxes.back().first == "sidx") box = at;
    }
    for (const auto& [type, at] : boxes) {
      if (type == "moof") moofs.push_back(at);
    }
    open = closed;
    const uint32_t reserved = static_cast<uint32_t>(moofs[0] - box);
    std::fill(open.begin() + static_cast<ptrdiff_t>(box), open.begin() + static_cast<ptrdiff_t>(moofs[0]), 0);
    put(&open, box, reserved, "free");
  }
  static std::string type_at(const FileBytes& bytes, size_t at) {
    return {bytes.begin() + static_cast<ptrdiff_t>(at) + 4, bytes.begin() + static_cast<ptrdiff_t>(at) + 8};
  }
  static void put(FileBytes* bytes, size_t at, uint32_t size, const char* type) {
    thimble::write_be32(bytes->data() + at, size);
    std::memcpy(bytes->data() + at + 4, type, 4);
  }
  size_t fragment_end(size_t n) const { return n + 1 < moofs.size() ? moofs[n + 1] : closed.size(); }
  SegmentReport examine(const FileBytes& bytes, Examination how = kMend) const {
    write_file(path, bytes);
    return examine_segment(posix_disk(), path, kStore, how);
  }
  /// Examines, and checks that what comes out is the whole closed file up to fragment `n`.
  void expect_cut(const FileBytes& bytes, uint32_t n, Examination how = kMend) const {
    const SegmentReport report = examine(bytes, how);
    CHECK(report.state == SegmentReport::State::kRepaired);
    const Judgement judgement = judge(path);
    CHECK(judgement.problem == "");
    CHECK(judgement.fragments == n);
    CHECK(judgement.references == n);
    CHECK(fs::file_size(path) == fragment_end(n - 1));
    CHECK(report.removed_bytes == bytes.size() - fragment_end(n - 1));
    CHECK(report.end_ms == kStartMs + 320 * n);
  }

  TempFolder folder;
  std::string path;
  FileBytes closed, open;
  std::vector<std::pair<std::string, size_t>> boxes;
  std::vector<size_t> moofs;
  size_t box = 0;
};

}  // namespace tiny
