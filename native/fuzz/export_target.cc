// Exports of segment files that nobody can trust: tables and bytes agree, or there is no export.
#include <algorithm>

#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "fuzz/tiny_segment.h"
#include "media/export_plan.h"

namespace thimble::fuzz {

namespace {

bool check(ByteView input) {
  MemoryFile file(input);
  const media::SegmentIdentity owner = tiny_identity();
  media::ExportRange range;
  std::copy(owner.store, owner.store + 16, range.store);
  range.camera = owner.camera;
  range.start_ms = owner.start_ms + 40;
  range.end_ms = owner.start_ms + 2000;
  range.most_table_bytes = 1 << 20;
  range.repeat_parameters = input.size % 2 == 1;
  int64_t size = 0;
  {
    media::ExportPlan plan(file, range);
    media::ExportSegment segment;
    segment.path = tiny_path();
    segment.size_bytes = input.size;
    segment.start_ms = owner.start_ms;
    int error = 0;
    const auto added = plan.add(segment, &error);
    if (added != media::ExportPlan::Added::kYes && added != media::ExportPlan::Added::kUnreadable)
      return false;
    if (!plan.finish()) return false;
    expect(plan.table_bytes() <= range.most_table_bytes, "tables keep to their bound");
    // Samples may be told to overlap, but not to be larger together than the file; parameter sets come on
    // top.
    expect(range.repeat_parameters || plan.size_bytes() <= input.size + range.most_table_bytes,
           "an export is no larger than its files");
    uint8_t piece[4096];
    for (;;) {
      const int64_t count = plan.read(static_cast<uint64_t>(size), piece, sizeof piece);
      expect(count >= 0, "memory can be read");
      touch({piece, static_cast<size_t>(count)});
      size += count;
      if (count < static_cast<int64_t>(sizeof piece)) break;
    }
    expect(static_cast<uint64_t>(size) == plan.size_bytes(), "as many bytes as promised");
  }
  expect(file.opened() == 0, "files are closed");
  return true;
}

std::vector<Bytes> seeds() {
  Bytes cut = tiny_segment(3, false).bytes;
  cut.pop_back();
  return {tiny_segment(3, true).bytes, tiny_segment(2, false).bytes, cut};
}

}  // namespace

Target export_target() {
  return {"export", check, seeds};
}

}  // namespace thimble::fuzz
