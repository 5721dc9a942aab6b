// Adoption of closed files: their index is believed as far as their end agrees, and not a byte further.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "media/segment_header.h"
#include "recorded_sample.h"

using namespace thimble;
using namespace thimble::media;
using State = SegmentReport::State;
using tiny::FaultyDisk;
using tiny::FileBytes;
using tiny::kAdopt;
using Sample = tiny::RecordedSample;

namespace {

constexpr int kFragments = 12;

/// Damage that an examination of all finds: adoption, too, finds it and mends it the same.
void expect_found(const Sample& sample, const FileBytes& bytes) {
  const SegmentReport thorough = sample.examine(bytes, tiny::kMend);
  CHECK(thorough.state == State::kRepaired);
  const FileBytes mended = tiny::read_file(sample.path);
  const SegmentReport adopted = sample.examine(bytes, kAdopt);
  CHECK(adopted.state == State::kRepaired);
  CHECK(adopted.end_ms == thorough.end_ms);
  CHECK(adopted.size_bytes == thorough.size_bytes);
  CHECK(adopted.removed_bytes == thorough.removed_bytes);
  CHECK(tiny::read_file(sample.path) == mended);
  CHECK(tiny::judge(sample.path).problem == "");
}

int reads_of(const Sample& sample, const FileBytes& bytes, Examination how) {
  tiny::write_file(sample.path, bytes);
  FaultyDisk disk(FaultyDisk::Fault::kNone, 0);
  examine_segment(disk, sample.path, tiny::kStore, how);
  return disk.calls();
}

/// The same file with an index of few references: each stands for `together` fragments.
FileBytes merged(const Sample& sample, size_t together) {
  FileBytes bytes = sample.closed;
  const size_t count = tiny::be(bytes, sample.box + 38, 2);
  const size_t reserved = sample.moofs[0] - sample.box;
  size_t to = sample.box + 40;
  for (size_t i = 0; i < count; i += together, to += 12) {
    uint32_t size = 0, duration = 0;
    for (size_t j = i; j < std::min(i + together, count); ++j) {
      size += read_be32(sample.closed.data() + sample.box + 40 + j * 12);
      duration += read_be32(sample.closed.data() + sample.box + 44 + j * 12);
    }
    write_be32(bytes.data() + to, size);
    write_be32(bytes.data() + to + 4, duration);
    std::copy_n(sample.closed.begin() + static_cast<ptrdiff_t>(sample.box + 48 + i * 12), 4,
                bytes.begin() + static_cast<ptrdiff_t>(to + 8));
  }
  const auto references = static_cast<uint16_t>((count + together - 1) / together);
  const uint32_t size = 40 + references * 12u, rest = static_cast<uint32_t>(reserved) - size;
  write_be32(bytes.data() + sample.box, size);
  write_be64(bytes.data() + sample.box + 28, rest);
  write_be16(bytes.data() + sample.box + 38, references);
  std::fill(bytes.begin() + static_cast<ptrdiff_t>(to),
            bytes.begin() + static_cast<ptrdiff_t>(sample.moofs[0]), 0);
  Sample::put(&bytes, to, rest, "free");
  return bytes;
}

}  // namespace

TEST_CASE("adoption: a closed file is whole, whatever its length, for the reads of its ends") {
  for (const int fragments : {1, 3, 4, 5, kFragments}) {
    const Sample sample(fragments);
    const SegmentReport report = sample.examine(sample.closed, kAdopt);
    CHECK(report.state == State::kWhole);
    CHECK(report.end_ms == tiny::kStartMs + 320 * fragments);
    CHECK(report.size_bytes == sample.closed.size());
    CHECK(report.removed_bytes == 0);
    CHECK(report.video_codec == "avc1.42c00a");
    CHECK(tiny::read_file(sample.path) == sample.closed);
    CHECK(sample.examine(sample.open, kAdopt).state == State::kRepaired);
    CHECK(tiny::read_file(sample.path) == sample.closed);
  }
  const Sample longer(60), longest(120);
  const int reads = reads_of(longer, longer.closed, kAdopt);
  CHECK(reads < 30);
  CHECK(reads_of(longest, longest.closed, kAdopt) == reads);
  CHECK(reads_of(longer, longer.closed, tiny::kMend) > 60);
}

TEST_CASE("adoption: damage in the middle takes nothing from a closed file; it is found by who reads all") {
  const Sample sample(kFragments);
  const size_t moof = sample.moofs[5];
  for (const size_t at : {moof, moof + 4, moof + 40, moof + tiny::be(sample.closed, moof, 4)}) {
    CAPTURE(at);
    FileBytes bytes = sample.closed;
    bytes[at] ^= 0x55;
    const SegmentReport report = sample.examine(bytes, kAdopt);
    CHECK(report.state == State::kWhole);
    CHECK(report.end_ms == tiny::kStartMs + 320 * kFragments);
    CHECK(tiny::read_file(sample.path) == bytes);
    CHECK(sample.examine(bytes, tiny::kLook).state == State::kRepaired);
    sample.expect_cut(bytes, 5);
  }
  // The same in a file that was not closed: nothing says what stands behind.
  FileBytes bytes = sample.open;
  bytes[moof + 4] ^= 0x55;
  sample.expect_cut(bytes, 5, kAdopt);
}

TEST_CASE("adoption: an end that is cut, damaged or continued is what all of the file says it is") {
  const Sample sample(kFragments);
  const auto cut = [&](size_t bytes) {
    return FileBytes(sample.closed.begin(), sample.closed.end() - static_cast<ptrdiff_t>(bytes));
  };
  const size_t last = sample.closed.size() - sample.moofs[kFragments - 1];
  for (const size_t missing : {size_t{1}, size_t{5}, last - 1, last + 1}) {
    CAPTURE(missing);
    sample.expect_cut(cut(missing), missing > last ? kFragments - 2 : kFragments - 1, kAdopt);
  }
  sample.expect_cut(cut(last), kFragments - 1, kAdopt);
  sample.expect_cut(cut(sample.closed.size() - sample.moofs[3]), 3, kAdopt);
  // Zeros where samples were, in each of the fragments that are looked at.
  for (uint32_t n = kFragments - 4; n < kFragments; ++n) {
    CAPTURE(n);
    FileBytes bytes = sample.closed;
    const size_t data = sample.moofs[n] + tiny::be(bytes, sample.moofs[n], 4) + 8;
    write_be32(bytes.data() + data, 0);
    sample.expect_cut(bytes, n, kAdopt);
    bytes = sample.closed;
    bytes[sample.moofs[n] + 5] ^= 1;
    sample.expect_cut(bytes, n, kAdopt);
  }
  FileBytes bytes = sample.closed;
  bytes.resize(bytes.size() + 700);
  sample.expect_cut(bytes, kFragments, kAdopt);
  // One more fragment, whole, of which the index does not know.
  bytes = sample.closed;
  bytes.insert(bytes.end(), sample.closed.begin() + static_cast<ptrdiff_t>(sample.moofs[kFragments - 1]),
               sample.closed.end());
  expect_found(sample, bytes);
}

TEST_CASE("adoption: an index that lies is no index") {
  const Sample sample(kFragments);
  const auto reference = [&](size_t n) { return sample.box + 40 + n * 12; };
  const auto put = [](FileBytes* bytes, size_t at, uint32_t value) { write_be32(bytes->data() + at, value); };
  const auto get = [&](size_t at) { return read_be32(sample.closed.data() + at); };
  using Lie = std::function<void(FileBytes*)>;
  const std::vector<Lie> lies = {
      // Where the first fragment begins, how many references there are, and whose.
      [&](FileBytes* bytes) { put(bytes, sample.box + 32, get(sample.box + 32) + 8); },
      [&](FileBytes* bytes) { put(bytes, sample.box + 28, 1); },
      [&](FileBytes* bytes) { write_be16(bytes->data() + sample.box + 38, 0); },
      [&](FileBytes* bytes) { write_be16(bytes->data() + sample.box + 38, 65535); },
      [&](FileBytes* bytes) {
        write_be16(bytes->data() + sample.box + 38, 65535);
        put(bytes, sample.box, 40 + 65535 * 12);
      },
      [&](FileBytes* bytes) { put(bytes, sample.box, 0xffffffff); },
      [&](FileBytes* bytes) { put(bytes, sample.box + 8, 0); },
      [&](FileBytes* bytes) { put(bytes, sample.box + 12, 2); },
      [&](FileBytes* bytes) { put(bytes, sample.box + 16, 1000); },
      // Sizes: no longer up to the end, up to the end but to no fragment, another index, nothing, beyond it.
      [&](FileBytes* bytes) { put(bytes, reference(0), get(reference(0)) - 1); },
      [&](FileBytes* bytes) {
        put(bytes, reference(10), get(reference(10)) - 1);
        put(bytes, reference(11), get(reference(11)) + 1);
      },
      [&](FileBytes* bytes) {
        put(bytes, reference(0), get(reference(0)) + get(reference(11)));
        put(bytes, reference(11), 0);
      },
      [&](FileBytes* bytes) { put(bytes, reference(3), get(reference(3)) | 0x80000000); },
      [&](FileBytes* bytes) { put(bytes, reference(2), 0x7fffffff); },
      // Two of the last references say what belongs to the other one.
      [&](FileBytes* bytes) {
        std::swap_ranges(bytes->begin() + static_cast<ptrdiff_t>(reference(8)),
                         bytes->begin() + static_cast<ptrdiff_t>(reference(9)),
                         bytes->begin() + static_cast<ptrdiff_t>(reference(9)));
      },
      // Times: of the first picture, of all together, of the last ones.
      [&](FileBytes* bytes) { put(bytes, sample.box + 20, 1); },
      [&](FileBytes* bytes) { put(bytes, sample.box + 20, 0xffffffff); },
      [&](FileBytes* bytes) { put(bytes, reference(1) + 4, 6 * 90000); },
      [&](FileBytes* bytes) { put(bytes, reference(1) + 4, 0xffffffff); },
      [&](FileBytes* bytes) { put(bytes, reference(11) + 4, get(reference(11) + 4) + 1); },
      // Keyframes, and what stands behind the references.
      [&](FileBytes* bytes) { put(bytes, reference(11) + 8, 0x90000000 - get(reference(11) + 8)); },
      [&](FileBytes* bytes) { put(bytes, reference(4) + 8, 0x12345678); },
      [&](FileBytes* bytes) { put(bytes, reference(kFragments), 0); },
      [&](FileBytes* bytes) { put(bytes, reference(kFragments) + 4, 0); },
  };
  for (size_t i = 0; i < lies.size(); ++i) {
    CAPTURE(i);
    FileBytes bytes = sample.closed;
    lies[i](&bytes);
    REQUIRE(bytes != sample.closed);
    expect_found(sample, bytes);
    CHECK(tiny::read_file(sample.path) == sample.closed);
  }
}

TEST_CASE("adoption: references that stand for several fragments") {
  const Sample sample(kFragments);
  const FileBytes bytes = merged(sample, 3);
  REQUIRE(tiny::judge(bytes).problem == "");
  CHECK(tiny::judge(bytes).references == 4);
  const SegmentReport report = sample.examine(bytes, kAdopt);
  CHECK(report.state == State::kWhole);
  CHECK(report.end_ms == tiny::kStartMs + 320 * kFragments);
  CHECK(tiny::read_file(sample.path) == bytes);
  FileBytes damaged = bytes;
  damaged[sample.moofs[7] + 5] ^= 1;
  expect_found(sample, damaged);
  damaged = bytes;
  write_be32(damaged.data() + sample.moofs[9] + tiny::be(damaged, sample.moofs[9], 4) + 8, 0);
  expect_found(sample, damaged);
  expect_found(sample, merged(sample, 4));  // too few to begin at
}

TEST_CASE("adoption: a disk that fails at any call leaves the file as it is and says so") {
  const Sample sample(kFragments);
  const int calls = reads_of(sample, sample.closed, kAdopt);
  for (int at = 1; at <= calls; ++at) {
    CAPTURE(at);
    tiny::write_file(sample.path, sample.closed);
    FaultyDisk disk(FaultyDisk::Fault::kFailOnce, at);
    const SegmentReport report = examine_segment(disk, sample.path, tiny::kStore, kAdopt);
    const std::string step = disk.struck_at();
    // Trimming what was preallocated is not worth a failure.
    CHECK((report.state == State::kError) == (step != "close" && step != "truncate"));
    CHECK(tiny::read_file(sample.path) == sample.closed);
  }
}

TEST_CASE("adoption: closed and cut files together") {
  const Sample one(kFragments), other(8);
  FileBytes cut(one.open.begin(), one.open.end() - 9), lying = other.closed;
  lying[other.box + 43] ^= 1;
  tiny::write_file(one.path + ".cut", cut);
  tiny::write_file(other.path, lying);
  const std::vector<SegmentReport> reports = examine_segments(
      posix_disk(), {one.path, one.path + ".cut", one.path + ".gone", other.path}, tiny::kStore, kAdopt);
  REQUIRE(reports.size() == 4);
  CHECK(reports[0].state == State::kWhole);
  CHECK(reports[1].state == State::kRepaired);
  CHECK(reports[1].end_ms == tiny::kStartMs + 320 * (kFragments - 1));
  CHECK(reports[2].error == ENOENT);
  CHECK(reports[3].state == State::kRepaired);
  CHECK(tiny::read_file(other.path) == other.closed);
}
