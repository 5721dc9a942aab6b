// A disk that fails, kills the process, or loses its power at the n-th call, on top of the real one. Syncs
// reach only its own record of what is durable, so that thousands of runs do not wait for the machine's disk.
#pragma once

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "media/disk.h"
#include "segment_checker.h"

namespace tiny {

class FaultyDisk final : public thimble::media::Disk {
 public:
  enum class Fault { kNone, kKill, kFailOnce, kFailForever, kPowerCut };

  /// `at` counts calls from 1. kKill and kPowerCut strike before the call has any effect.
  FaultyDisk(Fault fault, int at, int error = EIO) : fault_(fault), at_(at), error_(error) {}

  /// Every write is cut to this many bytes (0 = not), so that faults strike inside of fragments too.
  size_t short_write_bytes = 0;
  int calls() const { return calls_; }
  bool struck() const { return calls_ >= at_; }
  /// What the failing call was.
  const char* struck_at() const { return struck_at_; }

  int create_exclusive(const std::string& path) override {
    if (const int error = step("create")) return error;
    const int fd = real_.create_exclusive(path);
    if (fd >= 0) note(fd, path);
    return fd;
  }
  int open_existing(const std::string& path) override {
    if (const int error = step("open")) return error;
    const int fd = real_.open_existing(path);
    if (fd >= 0) {
      State& state = note(fd, path);
      state.durable = read_file(path);
      state.entry_durable = true;
    }
    return fd;
  }
  int make_directory(const std::string& path) override {
    if (const int error = step("mkdir")) return error;
    return real_.make_directory(path);
  }
  int sync_directory(const std::string& path) override {
    if (const int error = step("dirsync")) return error;
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [name, state] : files_) {
      if (std::filesystem::path(name).parent_path() == path) state.entry_durable = true;
    }
    return 0;
  }
  ssize_t write_at(int fd, const iovec* parts, int count, off_t offset) override {
    if (const int error = step("write")) return error;
    std::vector<uint8_t> bytes;
    for (int i = 0; i < count; ++i) {
      const uint8_t* data = static_cast<const uint8_t*>(parts[i].iov_base);
      bytes.insert(bytes.end(), data, data + parts[i].iov_len);
    }
    if (short_write_bytes > 0 && bytes.size() > short_write_bytes) bytes.resize(short_write_bytes);
    const iovec part{bytes.data(), bytes.size()};
    const ssize_t written = real_.write_at(fd, &part, 1, offset);
    std::lock_guard<std::mutex> lock(mutex_);
    files_[names_[fd]].pending.push_back({static_cast<uint64_t>(offset), std::move(bytes), false});
    return written;
  }
  ssize_t read_at(int fd, void* data, size_t size, off_t offset) override {
    if (const int error = step("read")) return error;
    return real_.read_at(fd, data, size, offset);
  }
  int preallocate(int fd, off_t offset, off_t size) override {
    if (const int error = step("preallocate")) return error;
    return real_.preallocate(fd, offset, size);
  }
  void will_read(int, off_t, size_t) override {}
  int start_writeback(int fd) override {
    if (const int error = step("writeback")) return error;
    return real_.file_size(fd) < 0 ? -EBADF : 0;
  }
  int wait_writeback(int fd) override {
    if (const int error = step("wait")) return error;
    return real_.file_size(fd) < 0 ? -EBADF : 0;
  }
  int sync_data(int fd) override {
    if (const int error = step("sync")) return error;
    std::lock_guard<std::mutex> lock(mutex_);
    State& state = files_[names_[fd]];
    for (const Pending& pending : state.pending) apply(&state.durable, pending);
    state.pending.clear();
    return 0;
  }
  int truncate(int fd, off_t size) override {
    if (const int error = step("truncate")) return error;
    std::lock_guard<std::mutex> lock(mutex_);
    files_[names_[fd]].pending.push_back({static_cast<uint64_t>(size), {}, true});
    return real_.truncate(fd, size);
  }
  off_t file_size(int fd) override {
    if (const int error = step("size")) return error;
    return real_.file_size(fd);
  }
  int close(int fd) override {
    const int error = step("close");  // the descriptor goes in any case
    real_.close(fd);
    return error;
  }
  int remove(const std::string& path) override {
    if (const int error = step("remove")) return error;
    std::lock_guard<std::mutex> lock(mutex_);
    files_.erase(path);
    return real_.remove(path);
  }

  /// Replaces the files by what a disk could hold after the power cut: what was synced, and each other sector
  /// as it was after any of the writes to it or before them all.
  void leave_wreck(std::mt19937& random) {
    for (auto& [path, state] : files_) {
      if (!state.entry_durable && random() % 2) {
        real_.remove(path);
        continue;
      }
      // In one wreck of three the writes reached the disk in their order; else each sector went its own way.
      const bool ordered = random() % 3 == 0;
      const size_t reached = random() % (state.pending.size() + 1);
      std::map<uint64_t, size_t> sector_reached;
      const unsigned bias = random() % 4;
      std::vector<uint8_t> content = state.durable;
      for (size_t i = 0; i < state.pending.size(); ++i) {
        const Pending& pending = state.pending[i];
        if (pending.truncates) {
          if (ordered ? i < reached : random() % 2 != 0) apply(&content, pending);
          continue;
        }
        const size_t end = pending.offset + pending.bytes.size();
        // The length of a file may be on the disk before its bytes are.
        if (content.size() < end && random() % 2) content.resize(end);
        for (size_t at = pending.offset; at < end;) {
          const size_t sector_end = std::min<size_t>((at / 512 + 1) * 512, end);
          const size_t own =
              random() % 4 < bias ? state.pending.size() : random() % (state.pending.size() + 1);
          const size_t limit = ordered ? reached : sector_reached.emplace(at / 512, own).first->second;
          const auto from = pending.bytes.begin() + static_cast<ptrdiff_t>(at - pending.offset);
          const auto to = pending.bytes.begin() + static_cast<ptrdiff_t>(sector_end - pending.offset);
          if (i < limit) apply(&content, {at, {from, to}, false});
          at = sector_end;
        }
      }
      write_file(path, content);
    }
  }
  /// Bytes of a file that were synced.
  size_t durable_bytes(const std::string& path) {
    std::lock_guard<std::mutex> lock(mutex_);
    return files_[path].durable.size();
  }
  const std::vector<uint8_t>& durable(const std::string& path) { return files_[path].durable; }

 private:
  struct Pending {
    uint64_t offset;
    std::vector<uint8_t> bytes;
    bool truncates;
  };
  struct State {
    bool entry_durable = false;
    std::vector<uint8_t> durable;
    std::vector<Pending> pending;
  };

  int step(const char* name) {
    const int call = ++calls_;
    const bool strikes = fault_ == Fault::kKill || fault_ == Fault::kFailOnce ? call == at_ : call >= at_;
    if (fault_ == Fault::kNone || !strikes) return 0;
    if (call == at_) struck_at_ = name;
    if (fault_ == Fault::kKill) ::kill(::getpid(), SIGKILL);
    return -error_;
  }
  State& note(int fd, const std::string& path) {
    std::lock_guard<std::mutex> lock(mutex_);
    names_[fd] = path;
    return files_[path];
  }
  static void apply(std::vector<uint8_t>* content, const Pending& pending) {
    if (pending.truncates) {
      content->resize(pending.offset);
      return;
    }
    const size_t end = pending.offset + pending.bytes.size();
    if (content->size() < end) content->resize(end);
    std::copy(pending.bytes.begin(), pending.bytes.end(),
              content->begin() + static_cast<ptrdiff_t>(pending.offset));
  }

  thimble::media::Disk& real_ = thimble::media::posix_disk();
  const Fault fault_;
  const int at_, error_;
  std::atomic<int> calls_{0};
  std::atomic<const char*> struck_at_{""};
  std::mutex mutex_;
  std::map<int, std::string> names_;
  std::map<std::string, State> files_;
};

}  // namespace tiny
