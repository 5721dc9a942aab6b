// Repair of files that were left behind: cut, torn, half closed, made by others, or made to do harm.
#include "media/repair.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>

#include "faulty_disk.h"
#include "tiny_recording.h"

using namespace thimble::media;
using State = SegmentReport::State;
using tiny::FaultyDisk;
using FileBytes = std::vector<uint8_t>;

namespace {

/// One recorded segment to damage, under a name that is ours.
struct Sample {
  explicit Sample(int fragments = 4, SegmentSpec spec = tiny::spec(tiny::kStartMs)) {
    tiny::Events events;
    Writer::Config config;
    config.segments_folder = folder.path();
    FaultyDisk disk(FaultyDisk::Fault::kNone, 0);
    const auto writer = Writer::create(config, disk, events);
    REQUIRE(writer->start());
    const SegmentHandle handle = writer->open(std::move(spec));
    for (int n = 0; n < fragments; ++n) {
      REQUIRE(tiny::wait_for([&] { return writer->append(handle, tiny::fragment(n)); }));
    }
    REQUIRE(writer->stop(5000));
    REQUIRE(events.closed.size() == 1);
    path = folder.path() + "/" + events.closed[0].path;
    closed = tiny::read_file(path);
    for (size_t at = 0; at < closed.size(); at += tiny::be(closed, at, 4)) {
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
  SegmentReport examine(const FileBytes& bytes, bool write = true) const {
    tiny::write_file(path, bytes);
    return examine_segment(posix_disk(), path, tiny::kStore, write);
  }
  /// Examines, and checks that what comes out is the whole closed file up to fragment `n`.
  void expect_cut(const FileBytes& bytes, uint32_t n) const {
    const SegmentReport report = examine(bytes);
    CHECK(report.state == State::kRepaired);
    CHECK(report.fragments == n);
    const tiny::Judgement judgement = tiny::judge(path);
    CHECK(judgement.problem == "");
    CHECK(judgement.references == n);
    CHECK(tiny::fs::file_size(path) == fragment_end(n - 1));
    CHECK(report.removed_bytes == bytes.size() - fragment_end(n - 1));
    CHECK(report.end_ms == tiny::kStartMs + 320 * n);
  }

  tiny::TempFolder folder;
  std::string path;
  FileBytes closed, open;
  std::vector<std::pair<std::string, size_t>> boxes;
  std::vector<size_t> moofs;
  size_t box = 0;
};

}  // namespace

TEST_CASE("repair: a closed file is whole and stays as it is; an open one becomes the same file") {
  const Sample sample;
  CHECK(sample.examine(sample.closed).state == State::kWhole);
  CHECK(tiny::read_file(sample.path) == sample.closed);
  const SegmentReport look = sample.examine(sample.open, false);
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
    CHECK(sample.examine(bytes, false).state == State::kRepaired);
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
  CHECK(examine_segment(posix_disk(), sample.path, other_store, true).state == State::kForeign);
  CHECK(tiny::read_file(sample.path) == sample.closed);
  for (const FileBytes& bytes : {FileBytes(3000, 'x'), FileBytes{}, FileBytes(100, 0),
                                 FileBytes(sample.closed.begin(), sample.closed.begin() + 900)}) {
    const std::string path = sample.folder.path() + "/holiday.mp4";
    tiny::write_file(path, bytes);
    CHECK(examine_segment(posix_disk(), path, tiny::kStore, true).state == State::kForeign);
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
  CHECK(examine_segment(posix_disk(), beside, tiny::kStore, true).error == ELOOP);
  tiny::fs::remove(beside);
  REQUIRE(::mkfifo(beside.c_str(), 0600) == 0);
  CHECK(examine_segment(posix_disk(), beside, tiny::kStore, true).error == EINVAL);
  CHECK(examine_segment(posix_disk(), sample.folder.path(), tiny::kStore, true).state == State::kError);
  CHECK(examine_segment(posix_disk(), beside + "y", tiny::kStore, true).error == ENOENT);
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
          examine_segment(disk, sample.path, tiny::kStore, true);
          ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        struck = WIFSIGNALED(status);
      } else {
        FaultyDisk disk(fault, at);
        const SegmentReport report = examine_segment(disk, sample.path, tiny::kStore, true);
        struck = disk.struck();
        // Only closing the file may fail without a word.
        if (struck && std::string(disk.struck_at()) != "close") CHECK(report.state == State::kError);
        if (fault == FaultyDisk::Fault::kPowerCut) disk.leave_wreck(random);
      }
      // At no moment may the index lead a player astray.
      const std::string problem = tiny::judge(sample.path).problem;
      CHECK(problem.find("reference") == std::string::npos);
      CHECK(problem.find("index") == std::string::npos);
      const SegmentReport again = examine_segment(posix_disk(), sample.path, tiny::kStore, true);
      CHECK((again.state == State::kRepaired || again.state == State::kWhole));
      CHECK(again.fragments == 3);
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
  CHECK(examine_segment(disk, sample.path, tiny::kStore, true).fragments == 60);
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
