// One file that lies in memory, behind the interface of the disk.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include "fuzz/target.h"
#include "media/disk.h"

namespace thimble::fuzz {

class MemoryFile final : public media::Disk {
 public:
  explicit MemoryFile(ByteView bytes) : bytes_(bytes.data, bytes.data + bytes.size) {}
  const Bytes& bytes() const { return bytes_; }
  int opened() const { return opened_; }

  int create_exclusive(const std::string&) override { return -EEXIST; }
  int open_existing(const std::string&) override { return opened_++, kDescriptor; }
  int make_directory(const std::string&) override { return 0; }
  int sync_directory(const std::string&) override { return 0; }
  ssize_t write_at(int, const iovec* parts, int count, off_t offset) override {
    size_t at = static_cast<size_t>(offset);
    for (int i = 0; i < count; i++) {
      if (bytes_.size() < at + parts[i].iov_len) bytes_.resize(at + parts[i].iov_len);
      std::memcpy(bytes_.data() + at, parts[i].iov_base, parts[i].iov_len);
      at += parts[i].iov_len;
    }
    return static_cast<ssize_t>(at) - static_cast<ssize_t>(offset);
  }
  ssize_t read_at(int, void* data, size_t size, off_t offset) override {
    expect(offset >= 0, "nothing is read before a file's begin");
    const ByteView part = view(bytes_).sub(static_cast<size_t>(offset), size);
    if (!part.empty()) std::memcpy(data, part.data, part.size);
    return static_cast<ssize_t>(part.size);
  }
  int preallocate(int, off_t, off_t) override { return 0; }
  void will_read(int, off_t, size_t) override {}
  int start_writeback(int) override { return 0; }
  int wait_writeback(int) override { return 0; }
  int sync_data(int) override { return 0; }
  int truncate(int, off_t size) override { return bytes_.resize(static_cast<size_t>(size)), 0; }
  off_t file_size(int) override { return static_cast<off_t>(bytes_.size()); }
  int close(int) override { return opened_--, 0; }
  int remove(const std::string&) override { return 0; }

 private:
  static constexpr int kDescriptor = 1000;
  Bytes bytes_;
  int opened_ = 0;
};

}  // namespace thimble::fuzz
