// Repair of segment files: whatever was done to one, it ends playable, empty, foreign or untouched; and what
// adoption leaves out is never needed to tell that.
#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "fuzz/tiny_segment.h"
#include "media/repair.h"
#include "media/segment_header.h"
#include "test/segment_checker.h"

namespace thimble::fuzz {

namespace {

using State = media::SegmentReport::State;
using media::SegmentReport;

constexpr media::Examination kLook{false, true}, kMend{true, true}, kAdopt{true, false};

/// At the end of a file; the samples of others are not looked at.
constexpr size_t kCheckedFragments = 4;

/// Of a file whose boxes are whole.
size_t fragments_of(const Bytes& file) {
  size_t count = 0;
  for (size_t at = 0; at < file.size(); at += tiny::be(file, at, 4))
    count += tiny::be(file, at + 4, 4) == 0x6d6f6f66;
  return count;
}

bool is_playable(State state) {
  return state == State::kWhole || state == State::kRepaired;
}

/// The sidx leads from the first fragment to the end of the file, and its last reference to a moof.
bool ends_as_indexed(const Bytes& file) {
  const media::SegmentLayout layout = media::parse_segment_header(view(file)).layout;
  const size_t box = layout.reserved_offset;
  if (tiny::be(file, box + 4, 4) != 0x73696478) return false;
  const uint64_t count = tiny::be(file, box + 38, 2);
  uint64_t at = box + tiny::be(file, box, 4) + tiny::be(file, box + 28, 8), last = 0;
  for (uint64_t i = 0; i < count; i++) {
    last = at;
    at += tiny::be(file, box + 40 + i * 12, 4);
  }
  return at == file.size() && tiny::be(file, last + 4, 4) == 0x6d6f6f66;
}

/// Adoption says and does what an examination of all does, or takes a closed file as it is.
void check_adoption(ByteView input, const SegmentReport& thorough, const Bytes& mended) {
  MemoryFile file(input);
  const Bytes before = file.bytes();
  const SegmentReport report = media::examine_segment(file, tiny_path(), tiny_identity().store, kAdopt);
  expect(file.opened() == 0, "files are closed");
  if (report.state == State::kWhole) {
    expect(report.size_bytes == before.size() && file.bytes() == before, "a whole file is not touched");
    expect(thorough.state != State::kForeign, "what is foreign is not whole");
    if (thorough.state == State::kWhole) {
      expect(report.end_ms <= thorough.end_ms, "no footage is made up");
    } else {
      expect(ends_as_indexed(before), "only an index that leads to the end is believed");
    }
    return;
  }
  expect(report.state == thorough.state && report.end_ms == thorough.end_ms, "what is not believed is read");
  expect(file.bytes() == mended, "and mended the same");
}

bool check(ByteView input) {
  MemoryFile file(input);
  const media::SegmentIdentity owner = tiny_identity();
  const Bytes before = file.bytes();
  const SegmentReport looked = media::examine_segment(file, tiny_path(), owner.store, kLook);
  expect(file.bytes() == before, "looking changes nothing");
  const SegmentReport report = media::examine_segment(file, tiny_path(), owner.store, kMend);
  expect(file.opened() == 0, "files are closed");
  expect(looked.state == report.state && looked.end_ms == report.end_ms, "looking tells what mending does");
  check_adoption(input, report, file.bytes());
  if (!is_playable(report.state)) {
    expect(file.bytes() == before, "what is not mended is not touched");
    return false;
  }
  expect(file.bytes().size() == report.size_bytes, "the file is as large as the report says");
  const tiny::Judgement judgement = tiny::judge(file.bytes());
  const bool in_unread =
      judgement.problem == "NAL not walkable" && fragments_of(file.bytes()) > kCheckedFragments;
  if (!judgement.problem.empty() && !in_unread) expect(false, judgement.problem.c_str());
  for (const media::Examination how : {kMend, kAdopt}) {
    const SegmentReport again = media::examine_segment(file, tiny_path(), owner.store, how);
    expect(again.state == State::kWhole, "a mended file is whole");
    expect(how.thorough ? again.end_ms == report.end_ms : again.end_ms <= report.end_ms, "and as long");
  }
  return true;
}

std::vector<Bytes> seeds() {
  Bytes torn = tiny_segment(3, false).bytes;
  torn.resize(torn.size() - 50);
  return {tiny_segment(2, false).bytes, tiny_segment(3, true).bytes, tiny_segment(8, true).bytes, torn};
}

}  // namespace

Target segment_target() {
  return {"segment", check, seeds};
}

}  // namespace thimble::fuzz
