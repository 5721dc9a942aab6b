// Reads a progressive MP4 as a player would, sharing no code with the exporter, and makes segment files for
// it.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "media/export_plan.h"
#include "media/segment_header.h"
#include "segment_checker.h"
#include "tiny_recording.h"

namespace tiny {

struct PlayedSample {
  uint64_t offset = 0, size = 0;
  int64_t dts = 0, pts = 0, duration = 0;
  bool key = true;
  uint32_t entry = 0;  ///< from 1
};

struct PlayedTrack {
  std::string kind;
  uint64_t timescale = 0;
  std::vector<std::string> entries;
  std::vector<PlayedSample> samples;
  int64_t wait = 0, shown_from = 0, shown = 0;  ///< edit list: empty edit and duration in movie ticks
};

struct Played {
  std::vector<PlayedTrack> tracks;
  std::vector<std::string> boxes;
  std::vector<ExportGap> gaps;
  uint64_t media_offset = 0;
  const PlayedTrack& track(const std::string& kind) const {
    for (const PlayedTrack& one : tracks) {
      if (one.kind == kind) return one;
    }
    FAIL("no track ", kind);
    return tracks.front();
  }
};

using File = std::vector<uint8_t>;

/// Content of the first box of `type` within [from, to).
inline std::pair<size_t, size_t> box_in(const File& file, size_t from, size_t to, const std::string& type) {
  while (from + 8 <= to) {
    const size_t size = be(file, from, 4);
    REQUIRE(size >= 8);
    REQUIRE(from + size <= to);
    if (std::string(file.begin() + static_cast<ptrdiff_t>(from) + 4,
                    file.begin() + static_cast<ptrdiff_t>(from) + 8) == type) {
      return {from + 8, from + size};
    }
    from += size;
  }
  return {0, 0};
}

inline void play_tables(const File& file, std::pair<size_t, size_t> stbl, PlayedTrack* track) {
  const auto table = [&](const char* type) { return box_in(file, stbl.first, stbl.second, type); };
  const auto stsd = table("stsd");
  for (size_t at = stsd.first + 8; at < stsd.second; at += be(file, at, 4)) {
    track->entries.emplace_back(file.begin() + static_cast<ptrdiff_t>(at),
                                file.begin() + static_cast<ptrdiff_t>(at + be(file, at, 4)));
  }
  REQUIRE(track->entries.size() == be(file, stsd.first + 4, 4));
  const auto stsz = table("stsz");
  REQUIRE(be(file, stsz.first + 4, 4) == 0);
  track->samples.resize(be(file, stsz.first + 8, 4));
  REQUIRE(stsz.second - stsz.first == 12 + track->samples.size() * 4);
  for (size_t i = 0; i < track->samples.size(); ++i)
    track->samples[i].size = be(file, stsz.first + 12 + i * 4, 4);
  size_t n = 0;
  int64_t dts = 0;
  const auto stts = table("stts");
  for (size_t i = 0, count = be(file, stts.first + 4, 4); i < count; ++i) {
    for (size_t k = be(file, stts.first + 8 + i * 8, 4); k > 0; --k) {
      PlayedSample& sample = track->samples.at(n++);
      sample.duration = static_cast<int64_t>(be(file, stts.first + 12 + i * 8, 4));
      REQUIRE(sample.duration > 0);
      sample.pts = sample.dts = dts;
      dts += sample.duration;
    }
  }
  REQUIRE(n == track->samples.size());
  const auto ctts = table("ctts");
  for (size_t i = n = 0; ctts.first != 0 && i < be(file, ctts.first + 4, 4); ++i) {
    for (size_t k = be(file, ctts.first + 8 + i * 8, 4); k > 0; --k) {
      track->samples.at(n++).pts += static_cast<int32_t>(be(file, ctts.first + 12 + i * 8, 4));
    }
  }
  const auto stss = table("stss");
  if (stss.first != 0) {
    for (PlayedSample& sample : track->samples) sample.key = false;
    for (size_t i = 0; i < be(file, stss.first + 4, 4); ++i) {
      track->samples.at(be(file, stss.first + 8 + i * 4, 4) - 1).key = true;
    }
  }
  const auto stsc = table("stsc"), co64 = table("co64");
  const size_t chunks = be(file, co64.first + 4, 4), changes = be(file, stsc.first + 4, 4);
  size_t change = 0;
  n = 0;
  for (size_t chunk = 1; chunk <= chunks; ++chunk) {
    if (change + 1 < changes && be(file, stsc.first + 8 + (change + 1) * 12, 4) == chunk) ++change;
    uint64_t offset = be(file, co64.first + 8 + (chunk - 1) * 8, 8);
    for (size_t k = be(file, stsc.first + 12 + change * 12, 4); k > 0; --k) {
      PlayedSample& sample = track->samples.at(n++);
      sample.offset = offset;
      sample.entry = static_cast<uint32_t>(be(file, stsc.first + 16 + change * 12, 4));
      offset += sample.size;
      REQUIRE(offset <= file.size());
    }
  }
  REQUIRE(n == track->samples.size());
}

inline Played play(const File& file) {
  Played played;
  size_t at = 0;
  std::pair<size_t, size_t> moov, uuid;
  while (at < file.size()) {
    size_t size = be(file, at, 4), head = 8;
    if (size == 1) size = be(file, at + 8, 8), head = 16;
    REQUIRE(size >= head);
    REQUIRE(size <= file.size() - at);
    played.boxes.emplace_back(file.begin() + static_cast<ptrdiff_t>(at) + 4,
                              file.begin() + static_cast<ptrdiff_t>(at) + 8);
    if (played.boxes.back() == "moov") moov = {at + 8, at + size};
    if (played.boxes.back() == "uuid") uuid = {at + 24, at + size};
    if (played.boxes.back() == "mdat") played.media_offset = at + head;
    at += size;
  }
  REQUIRE(played.boxes == std::vector<std::string>{"ftyp", "moov", "uuid", "mdat"});
  for (at = moov.first; at < moov.second; at += be(file, at, 4)) {
    const size_t end = at + be(file, at, 4);
    if (be(file, at + 4, 4) != 0x7472616b) continue;
    PlayedTrack track;
    const auto mdia = box_in(file, at + 8, end, "mdia");
    const auto hdlr = box_in(file, mdia.first, mdia.second, "hdlr");
    track.kind.assign(file.begin() + static_cast<ptrdiff_t>(hdlr.first) + 8,
                      file.begin() + static_cast<ptrdiff_t>(hdlr.first) + 12);
    track.timescale = be(file, box_in(file, mdia.first, mdia.second, "mdhd").first + 20, 4);
    const auto minf = box_in(file, mdia.first, mdia.second, "minf");
    play_tables(file, box_in(file, minf.first, minf.second, "stbl"), &track);
    const auto edts = box_in(file, at + 8, end, "edts");
    size_t edit = box_in(file, edts.first, edts.second, "elst").first + 8;
    if (be(file, edit - 4, 4) == 2) track.wait = static_cast<int64_t>(be(file, edit, 8)), edit += 20;
    track.shown = static_cast<int64_t>(be(file, edit, 8));
    track.shown_from = static_cast<int64_t>(be(file, edit + 8, 8));
    played.tracks.push_back(track);
  }
  const size_t gaps = uuid.first + 4 + 16 + 8 + 16;
  for (size_t i = 0; i < be(file, gaps, 4); ++i) {
    const size_t gap = gaps + 4 + i * 24;
    played.gaps.push_back({static_cast<int64_t>(be(file, gap, 8)), static_cast<int64_t>(be(file, gap + 8, 8)),
                           static_cast<int64_t>(be(file, gap + 16, 8))});
  }
  return played;
}

/// A segment file made of fragments, as the writer leaves it without its index. Returns what an export needs.
inline ExportSegment make_segment(const std::string& path, const SegmentSpec& spec,
                                  const std::vector<Fragment>& fragments) {
  SegmentLayout layout;
  File file = encode_segment_header(spec.init, spec.identity, spec.planned_seconds, &layout);
  file.resize(layout.fragments_offset());
  uint32_t number = 0;
  for (const Fragment& fragment : fragments) {
    const File moof = encode_moof(fragment, ++number);
    file.insert(file.end(), moof.begin(), moof.end());
    for (const Slice& slice : fragment.data)
      file.insert(file.end(), slice.data(), slice.data() + slice.size());
  }
  write_file(path, file);
  ExportSegment segment;
  segment.path = path;
  segment.size_bytes = file.size();
  segment.start_ms = spec.identity.start_ms;
  segment.clock_generation = spec.identity.clock_generation;
  return segment;
}

inline ExportRange export_range(int64_t start_ms, int64_t end_ms) {
  ExportRange range;
  std::memcpy(range.store, kStore, sizeof kStore);
  range.camera = 7;
  range.start_ms = start_ms;
  range.end_ms = end_ms;
  return range;
}

/// The whole export, through reads of `step` bytes.
inline File read_all(ExportPlan& plan, size_t step = 1 << 16) {
  File file(plan.size_bytes());
  for (size_t at = 0; at < file.size(); at += step) {
    const size_t wanted = std::min(step, file.size() - at);
    REQUIRE(plan.read(at, file.data() + at, wanted) == static_cast<int64_t>(wanted));
  }
  uint8_t behind = 0;
  CHECK(plan.read(file.size(), &behind, 1) == 0);
  return file;
}

}  // namespace tiny
