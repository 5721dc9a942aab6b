// Repair of segment files: whatever was done to one, it ends playable, empty, foreign or untouched.
#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "fuzz/tiny_segment.h"
#include "media/repair.h"
#include "test/segment_checker.h"

namespace thimble::fuzz {

namespace {

using State = media::SegmentReport::State;

bool check(ByteView input) {
  MemoryFile file(input);
  const media::SegmentIdentity owner = tiny_identity();
  const Bytes before = file.bytes();
  const media::SegmentReport looked = media::examine_segment(file, tiny_path(), owner.store, false);
  expect(file.bytes() == before, "looking changes nothing");
  const media::SegmentReport report = media::examine_segment(file, tiny_path(), owner.store, true);
  expect(file.opened() == 0, "files are closed");
  expect(looked.state == report.state && looked.end_ms == report.end_ms, "looking tells what mending does");
  if (report.state != State::kWhole && report.state != State::kRepaired) {
    expect(file.bytes() == before, "what is not mended is not touched");
    return false;
  }
  expect(file.bytes().size() == report.size_bytes, "the file is as large as the report says");
  const tiny::Judgement judgement = tiny::judge(file.bytes());
  if (!judgement.problem.empty()) expect(false, judgement.problem.c_str());
  expect(judgement.fragments == report.fragments, "as many fragments as the report says");
  const media::SegmentReport again = media::examine_segment(file, tiny_path(), owner.store, true);
  expect(again.state == State::kWhole && again.end_ms == report.end_ms, "a mended file is whole");
  return true;
}

std::vector<Bytes> seeds() {
  Bytes torn = tiny_segment(3, false).bytes;
  torn.resize(torn.size() - 50);
  return {tiny_segment(2, false).bytes, tiny_segment(3, true).bytes, torn};
}

}  // namespace

Target segment_target() {
  return {"segment", check, seeds};
}

}  // namespace thimble::fuzz
