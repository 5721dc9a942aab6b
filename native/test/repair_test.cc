// Repair of files that were left behind: cut, torn, half closed, made by others, or made to do harm.
#include "media/repair.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>

#include "recorded_sample.h"

using namespace thimble::media;
using State = SegmentReport::State;
using tiny::FaultyDisk;
using tiny::FileBytes;
using Sample = tiny::RecordedSample;

TEST_CASE("repair: a closed file is whole and stays as it is; an open one becomes the same file") {
  const Sample sample;
  CHECK(sample.examine(sample.closed).state == State::kWhole);
  CHECK(tiny::read_file(sample.path) == sample.closed);
  const SegmentReport look = sample.examine(sample.open, tiny::kLook);
  CHECK(look.state == State::kRepaired);
  CHECK(tiny::read_file(sample.path) == sample.open);
  const SegmentReport report = sample.examine(sample.open);
  CHECK(report.state == State::kRepaired);
  CHECK(report.removed_bytes == 0);
  CHECK(report.identity.camera == 7);
  CHECK(report.identity.start_ms == tiny::kStartMs);
  CHECK(report.width == 64);
  CHECK(report.audio_codec == "mp4a.40.2");
  CHECK(tiny::read_file(sample.path) == sample.closed);
}

TEST_CASE("repair: cut anywhere, the whole fragments before the cut remain") {
  const Sample sample(3);
  for (size_t size = 0; size < sample.closed.size(); size += size < sample.box + 16 ? 7 : 389) {
    CAPTURE(size);
    FileBytes bytes(sample.open.begin(), sample.open.begin() + static_cast<ptrdiff_t>(size));
    const uint32_t whole =
        static_cast<uint32_t>(std::count_if(sample.moofs.begin(), sample.moofs.end(), [&](size_t moof) {
          return moof > sample.moofs[0] && moof <= size;
        }));
    if (whole > 0) {
      sample.expect_cut(bytes, whole);
    } else {
      const SegmentReport report = sample.examine(bytes);
      CHECK(report.state == State::kEmpty);
      CHECK(report.identity.camera == 7);
      CHECK(report.identity.start_ms == tiny::kStartMs);
    }
  }
}

TEST_CASE("repair: a half-done close is finished") {
  const Sample sample;
  // The body of the index is there, its type is not.
  FileBytes bytes = sample.closed;
  std::copy_n(sample.open.begin() + static_cast<ptrdiff_t>(sample.box), 8,
              bytes.begin() + static_cast<ptrdiff_t>(sample.box));
  CHECK(sample.examine(bytes).state == State::kRepaired);
  CHECK(tiny::read_file(sample.path) == sample.closed);
  // An index that leads elsewhere, or a box that is neither.
  for (const size_t at :
       {sample.box + 3, sample.box + 4, sample.box + 20, sample.box + 38, sample.box + 43, sample.box + 48}) {
    bytes = sample.closed;
    bytes[at] ^= 0x21;
    CHECK(sample.examine(bytes, tiny::kLook).state == State::kRepaired);
    CHECK(sample.examine(bytes).state == State::kRepaired);
    CHECK(tiny::read_file(sample.path) == sample.closed);
  }
  // Closed, but the end is missing: the index must not outlive what it leads to.
  bytes.assign(sample.closed.begin(), sample.closed.end() - 5);
  sample.expect_cut(bytes, 3);
}

TEST_CASE("repair: no size is believed") {
  const Sample sample;
  const size_t moof = sample.moofs[2], mdat = moof + tiny::be(sample.closed, moof, 4);
  for (const size_t at : {moof, mdat}) {
    for (const uint32_t size : {0u, 1u, 7u, 8u, 15u, 0x7fffffffu, 0xffffffffu}) {
      CAPTURE(size);
      for (const FileBytes* source : {&sample.open, &sample.closed}) {
        FileBytes bytes = *source;
        thimble::write_be32(bytes.data() + at, size);
        sample.expect_cut(bytes, 2);
      }
    }
  }
  // Counts and sizes inside the moof: mfhd 16, tfhd at +32, tfdt at +48, trun at +68.
  for (const size_t at :
       {size_t{8}, size_t{24}, size_t{32}, size_t{48}, size_t{68}, size_t{80}, size_t{92}}) {
    FileBytes bytes = sample.open;
    thimble::write_be32(bytes.data() + moof + at, 0xfffffff0);
    sample.expect_cut(bytes, 2);
  }
}

TEST_CASE("repair: samples that never reached the disk are found in the last fragments") {
  const Sample sample;
  const size_t last = sample.moofs[3];
  const size_t data = last + tiny::be(sample.closed, last, 4) + 8;
  for (size_t sector = (data / 512 + 1) * 512; sector < sample.closed.size(); sector += 512) {
    CAPTURE(sector);
    FileBytes bytes = sample.open;
    const size_t end = std::min(sector + 512, bytes.size());
    std::fill(bytes.begin() + static_cast<ptrdiff_t>(sector), bytes.begin() + static_cast<ptrdiff_t>(end), 0);
    sample.expect_cut(bytes, 3);
  }
  FileBytes bytes = sample.open;
  thimble::write_be32(bytes.data() + data, 3);  // a NAL chain that leads astray
  sample.expect_cut(bytes, 3);
  // Four fragments in a row must be sound: damage in the third last leads the search on from there.
  const size_t second = sample.moofs[1] + tiny::be(sample.closed, sample.moofs[1], 4) + 8;
  thimble::write_be32(bytes.data() + second, 0);
  sample.expect_cut(bytes, 1);
}

TEST_CASE("repair: what is not ours is left alone") {
  const Sample sample;
  uint8_t other_store[16] = {9};
  tiny::write_file(sample.path, sample.closed);
  CHECK(examine_segment(posix_disk(), sample.path, other_store, tiny::kMend).state == State::kForeign);
  CHECK(tiny::read_file(sample.path) == sample.closed);
  for (const FileBytes& bytes : {FileBytes(3000, 'x'), FileBytes{}, FileBytes(100, 0),
                                 FileBytes(sample.closed.begin(), sample.closed.begin() + 900)}) {
    const std::string path = sample.folder.path() + "/holiday.mp4";
    tiny::write_file(path, bytes);
    CHECK(examine_segment(posix_disk(), path, tiny::kStore, tiny::kMend).state == State::kForeign);
    CHECK(tiny::read_file(path) == bytes);
  }
  // An MP4 of somebody else, even under a name of ours.
  FileBytes init = tiny::init_bytes();
  init.resize(6000, 'm');
  CHECK(sample.examine(init).state == State::kForeign);
  // Damage in the header that no power cut explains: kept aside.
  FileBytes bytes = sample.closed;
  bytes[200] ^= 1;
  const SegmentReport damaged = sample.examine(bytes);
  CHECK(damaged.state == State::kError);
  CHECK(damaged.error == EBADMSG);
  // A closed file whose first fragment is broken is no empty file.
  bytes = sample.closed;
  bytes[sample.moofs[0] + 5] ^= 1;
  CHECK(sample.examine(bytes).error == EBADMSG);
}

TEST_CASE("repair: no links, pipes, folders or absent files") {
  const Sample sample;
  const std::string beside = sample.path + ".x";
  tiny::fs::create_symlink(sample.path, beside);
  CHECK(examine_segment(posix_disk(), beside, tiny::kStore, tiny::kMend).error == ELOOP);
  tiny::fs::remove(beside);
  REQUIRE(::mkfifo(beside.c_str(), 0600) == 0);
  CHECK(examine_segment(posix_disk(), beside, tiny::kStore, tiny::kMend).error == EINVAL);
  CHECK(examine_segment(posix_disk(), sample.folder.path(), tiny::kStore, tiny::kMend).state ==
        State::kError);
  CHECK(examine_segment(posix_disk(), beside + "y", tiny::kStore, tiny::kMend).error == ENOENT);
}

TEST_CASE("repair: kill -9, errors and power cuts at every call of the repair itself") {
  const Sample sample;
  FileBytes torn(sample.closed.begin(),
                 sample.closed.end() - 100);  // closed, index wrong, end cut: every step needed
  std::mt19937 random(1);
  for (const auto fault :
       {FaultyDisk::Fault::kKill, FaultyDisk::Fault::kFailOnce, FaultyDisk::Fault::kPowerCut}) {
    for (int at = 1;; ++at) {
      CAPTURE(at);
      tiny::write_file(sample.path, torn);
      bool struck = false;
      if (fault == FaultyDisk::Fault::kKill) {
        const pid_t child = ::fork();
        if (child == 0) {
          FaultyDisk disk(fault, at);
          examine_segment(disk, sample.path, tiny::kStore, tiny::kMend);
          ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        struck = WIFSIGNALED(status);
      } else {
        FaultyDisk disk(fault, at);
        const SegmentReport report = examine_segment(disk, sample.path, tiny::kStore, tiny::kMend);
        struck = disk.struck();
        // Only closing the file may fail without a word.
        if (struck && std::string(disk.struck_at()) != "close") CHECK(report.state == State::kError);
        if (fault == FaultyDisk::Fault::kPowerCut) disk.leave_wreck(random);
      }
      // At no moment may the index lead a player astray.
      const std::string problem = tiny::judge(sample.path).problem;
      CHECK(problem.find("reference") == std::string::npos);
      CHECK(problem.find("index") == std::string::npos);
      const SegmentReport again = examine_segment(posix_disk(), sample.path, tiny::kStore, tiny::kMend);
      CHECK((again.state == State::kRepaired || again.state == State::kWhole));
      CHECK(tiny::judge(sample.path).fragments == 3);
      CHECK(tiny::judge(sample.path).problem == "");
      CHECK(tiny::judge(sample.path).indexed);
      if (!struck) break;
      REQUIRE(at < 200);
    }
  }
}

TEST_CASE("repair: one read per fragment, and the samples of the last ones") {
  SegmentSpec spec = tiny::spec(tiny::kStartMs);
  const Sample sample(60, std::move(spec));
  tiny::write_file(sample.path, sample.open);
  FaultyDisk disk(FaultyDisk::Fault::kNone, 0);
  CHECK(examine_segment(disk, sample.path, tiny::kStore, tiny::kMend).state == State::kRepaired);
  CHECK(tiny::judge(sample.path).fragments == 60);
  CHECK(disk.calls() < 60 + 30);
}

TEST_CASE("repair: the end is that of the last picture seen, not of the last decoded") {
  SegmentSpec spec = tiny::spec(tiny::kStartMs);
  spec.identity.pts_offset90k = 3600;
  const Sample sample(2, std::move(spec));
  CHECK(sample.examine(sample.closed).end_ms == tiny::kStartMs + 640 - 40);
  FileBytes bytes = sample.open;
  // The composition offset of the last picture but one of the last fragment: two pictures later.
  const size_t last_but_one = sample.moofs[1] + 68 + 20 + 6 * 16;
  thimble::write_be32(bytes.data() + last_but_one + 12, 2 * 3600);
  CHECK(sample.examine(bytes).end_ms == tiny::kStartMs + 640);
}
