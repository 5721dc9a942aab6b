// The writer on a failing disk and under kill -9: each call once, with every error, once and for ever.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include "faulty_disk.h"
#include "media/repair.h"
#include "tiny_recording.h"

using namespace thimble::media;
using tiny::FaultyDisk;

namespace {

/// Mends every file as the next start would. Returns how many are left, all playable.
int mend_all(const tiny::TempFolder& folder) {
  int left = 0;
  for (const std::string& path : folder.files()) {
    CAPTURE(path);
    const uint32_t whole_before = tiny::judge(path).fragments;
    const SegmentReport report = examine_segment(posix_disk(), path, tiny::kStore, tiny::kAdopt);
    if (report.state == SegmentReport::State::kEmpty) {
      CHECK(whole_before == 0);
      continue;
    }
    CHECK((report.state == SegmentReport::State::kWhole || report.state == SegmentReport::State::kRepaired));
    const tiny::Judgement judgement = tiny::judge(path);
    CHECK(judgement.problem == "");
    CHECK(judgement.indexed);
    CHECK(judgement.fragments == whole_before);
    CHECK(report.size_bytes == tiny::fs::file_size(path));
    CHECK(examine_segment(posix_disk(), path, tiny::kStore, tiny::kLook).state ==
          SegmentReport::State::kWhole);
    ++left;
  }
  return left;
}

/// What was taken is in a file or was reported as lost, to the byte.
void check_account(const std::vector<uint64_t>& accepted, const tiny::Events& events,
                   const tiny::TempFolder& folder) {
  uint64_t taken = 0, lost = 0, in_files = 0;
  for (const uint64_t bytes : accepted) taken += bytes;
  for (const SegmentFailed& failed : events.failed) lost += failed.lost_bytes;
  for (const std::string& path : folder.files()) in_files += tiny::judge(path).media_bytes;
  CHECK(taken == in_files + lost);
}

void run_failures(FaultyDisk::Fault fault, int error, size_t short_write_bytes) {
  for (int at = 1;; ++at) {
    CAPTURE(at);
    CAPTURE(error);
    tiny::TempFolder folder;
    tiny::Events events;
    FaultyDisk disk(fault, at, error);
    disk.short_write_bytes = short_write_bytes;
    const std::vector<uint64_t> accepted = tiny::record(disk, folder.path(), events);
    const std::string step = disk.struck_at();
    CAPTURE(step);
    check_account(accepted, events, folder);
    for (const SegmentClosed& closed : events.closed) {
      bool failed = false;
      for (const SegmentFailed& failure : events.failed) {
        failed = failed || (failure.handle == closed.handle && std::string(failure.step) != "close");
      }
      CHECK(failed == (closed.reason == EndReason::kSuspect));
      if (!closed.synced) {
        CHECK(failed);
      } else if (!closed.path.empty()) {
        // Nobody examines a file that was reported as closed and synced: it must be right as it is.
        CHECK(tiny::judge(folder.path() + "/" + closed.path).problem == "");
        CHECK(tiny::fs::file_size(folder.path() + "/" + closed.path) == closed.size_bytes);
      }
    }
    if (step == "sync" || step == "wait" || step == "writeback") CHECK_FALSE(events.failed.empty());
    if (step == "write") CHECK(events.failed.size() >= 1);
    mend_all(folder);
    if (!disk.struck()) break;
    REQUIRE(at < 2000);
  }
}

}  // namespace

TEST_CASE("writer faults: EIO at every call, once") {
  run_failures(FaultyDisk::Fault::kFailOnce, EIO, 0);
}
TEST_CASE("writer faults: EIO from every call on") {
  run_failures(FaultyDisk::Fault::kFailForever, EIO, 0);
}
TEST_CASE("writer faults: ENOSPC inside of fragments, once") {
  run_failures(FaultyDisk::Fault::kFailOnce, ENOSPC, 4096);
}
TEST_CASE("writer faults: ENOSPC from every call on") {
  run_failures(FaultyDisk::Fault::kFailForever, ENOSPC, 0);
}
TEST_CASE("writer faults: EROFS from every call on") {
  run_failures(FaultyDisk::Fault::kFailForever, EROFS, 8192);
}

TEST_CASE("writer faults: a volume that cannot preallocate is no fault") {
  int preallocations = 0;
  for (int at = 1; at < 2000; ++at) {
    tiny::TempFolder folder;
    tiny::Events events;
    FaultyDisk disk(FaultyDisk::Fault::kFailOnce, at, EOPNOTSUPP);
    // Only the few first calls can be a preallocation of the first segment.
    if (at > 12) break;
    tiny::record(disk, folder.path(), events);
    if (std::string(disk.struck_at()) != "preallocate") continue;
    ++preallocations;
    CHECK(events.failed.empty());
    CHECK(mend_all(folder) == 2);
  }
  CHECK(preallocations == 1);
}

TEST_CASE("writer faults: kill -9 before every call, the next start mends all") {
  int decoded = 0, left = 0;
  for (int at = 1;; ++at) {
    CAPTURE(at);
    tiny::TempFolder folder;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      tiny::Events events;
      FaultyDisk disk(FaultyDisk::Fault::kKill, at);
      disk.short_write_bytes = 6000;  // so that it strikes inside of fragments too
      tiny::record(disk, folder.path(), events);
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    left += mend_all(folder);
    if (at % 10 == 0) {
      for (const std::string& path : folder.files()) {
        if (examine_segment(posix_disk(), path, tiny::kStore, tiny::kLook).state !=
            SegmentReport::State::kWhole)
          continue;
        CHECK(tiny::decodes(path));
        ++decoded;
      }
    }
    if (WIFEXITED(status)) {
      CHECK(WEXITSTATUS(status) == 0);
      break;
    }
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
    REQUIRE(at < 2000);
  }
  CHECK(decoded > 0);
  CHECK(left > 20);
}

TEST_CASE("writer faults: power cut before every call, with writes lost, torn and zeroed") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  int decoded = 0, cut = 0, left = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < 20 && std::chrono::steady_clock::now() - begin < std::chrono::seconds(5);
       ++round) {
    for (int at = 1;; ++at) {
      CAPTURE(round);
      CAPTURE(at);
      tiny::TempFolder folder;
      tiny::Events events;
      FaultyDisk disk(FaultyDisk::Fault::kPowerCut, at);
      tiny::record(disk, folder.path(), events);
      const bool struck = disk.struck();
      disk.leave_wreck(random);
      for (const SegmentClosed& closed : events.closed) {
        if (!closed.synced || closed.path.empty()) continue;
        const SegmentReport report =
            examine_segment(posix_disk(), folder.path() + "/" + closed.path, tiny::kStore, tiny::kLook);
        CHECK(report.state == SegmentReport::State::kWhole);
        CHECK(report.size_bytes == closed.size_bytes);
      }
      for (const std::string& path : folder.files()) {
        CAPTURE(path);
        const uint32_t durable_fragments = tiny::judge(disk.durable(path)).fragments;
        const SegmentReport report = examine_segment(posix_disk(), path, tiny::kStore, tiny::kAdopt);
        if (report.state == SegmentReport::State::kEmpty) {
          CHECK(durable_fragments == 0);
          continue;
        }
        REQUIRE((report.state == SegmentReport::State::kWhole ||
                 report.state == SegmentReport::State::kRepaired));
        const tiny::Judgement judgement = tiny::judge(path);
        CHECK(judgement.problem == "");
        CHECK(judgement.fragments >= durable_fragments);
        CHECK(examine_segment(posix_disk(), path, tiny::kStore, tiny::kLook).state ==
              SegmentReport::State::kWhole);
        ++left;
        if (report.removed_bytes > 0) ++cut;
        if (left % 40 == 0) {
          CHECK(tiny::decodes(path));
          ++decoded;
        }
      }
      if (!struck) break;
      REQUIRE(at < 2000);
    }
  }
  CHECK(left > 0);
  CHECK(cut > 0);
  MESSAGE(left << " files left, " << cut << " of them cut, " << decoded << " decoded");
}
