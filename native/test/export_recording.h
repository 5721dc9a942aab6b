// Recordings of a tiny camera for exports, and what an export holds of them.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "export_checker.h"

namespace tiny {

inline constexpr int64_t kFragmentMs = 320;  // 8 pictures, 15 sound frames

inline std::vector<Fragment> fragments(int count) {
  std::vector<Fragment> made;
  for (int n = 0; n < count; ++n) made.push_back(fragment(n));
  return made;
}

/// All samples of a track in the segments, in file order.
inline std::vector<File> stored_samples(const std::vector<ExportSegment>& segments, uint32_t track) {
  std::vector<File> samples;
  for (const ExportSegment& segment : segments) {
    const File file = read_file(segment.path);
    const SegmentHeader header = parse_segment_header({file.data(), file.size()});
    size_t at = header.layout.fragments_offset();
    while (at < file.size()) {
      const size_t moof = be(file, at, 4), mdat = be(file, at + moof, 4);
      size_t media = at + moof + 8;
      for (size_t traf = at + 24; traf < at + moof; traf += be(file, traf, 4)) {
        const size_t trun = traf + 8 + 16 + 20;
        for (size_t i = 0; i < be(file, trun + 12, 4); ++i) {
          const size_t size = be(file, trun + 20 + i * 16 + 4, 4);
          if (be(file, traf + 20, 4) == track) {
            samples.emplace_back(file.begin() + static_cast<ptrdiff_t>(media),
                                 file.begin() + static_cast<ptrdiff_t>(media + size));
          }
          media += size;
        }
      }
      at += moof + mdat;
    }
  }
  return samples;
}

/// Numbers (in `stored`) of the samples that an export holds; each must be found behind the one before.
inline std::vector<size_t> numbers(const File& file, const PlayedTrack& track,
                                   const std::vector<File>& stored) {
  std::vector<size_t> found;
  size_t next = 0;
  for (const PlayedSample& sample : track.samples) {
    const File bytes(file.begin() + static_cast<ptrdiff_t>(sample.offset),
                     file.begin() + static_cast<ptrdiff_t>(sample.offset + sample.size));
    while (next < stored.size() && stored[next] != bytes) ++next;
    REQUIRE(next < stored.size());
    found.push_back(next++);
  }
  return found;
}

inline void add_all(ExportPlan& plan, const std::vector<ExportSegment>& segments) {
  for (const ExportSegment& segment : segments) {
    int error = 0;
    REQUIRE(plan.add(segment, &error) == ExportPlan::Added::kYes);
    REQUIRE(error == 0);
  }
}

struct Recording {
  TempFolder folder;
  std::vector<ExportSegment> segments;
  /// A segment of `count` fragments that starts at kStartMs + `after_ms`.
  void add(int64_t after_ms, int count, const std::vector<uint8_t>* init = nullptr) {
    SegmentSpec spec = tiny::spec(kStartMs + after_ms);
    if (init) spec.init = *init;
    segments.push_back(
        make_segment(folder.path() + "/" + std::to_string(segments.size()) + ".mp4", spec, fragments(count)));
  }
};

inline std::vector<uint8_t> replaced(std::vector<uint8_t> init, const char* from, const char* to,
                                     size_t size) {
  for (size_t at = 0; at + size <= init.size(); ++at) {
    if (std::memcmp(&init[at], from, size) == 0) {
      std::memcpy(&init[at], to, size);
      return init;
    }
  }
  FAIL("not in the init segment: ", from);
  return init;
}

inline std::vector<uint8_t> init_with(const char* from, const char* to, size_t size) {
  return replaced(init_bytes(), from, to, size);
}

}  // namespace tiny
