// The system calls that segment storage is made of, behind one interface so that tests can fail or kill at
// each.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <string>

namespace thimble::media {

/// All calls return 0 (or a descriptor, or a byte count) and -errno on failure, and never throw. Thread-safe.
class Disk {
 public:
  virtual ~Disk() = default;
  virtual int create_exclusive(const std::string& path) = 0;  ///< O_CREAT|O_EXCL|O_RDWR|O_CLOEXEC, 0640
  virtual int open_existing(const std::string& path) = 0;   ///< O_RDWR, else O_RDONLY; |O_CLOEXEC|O_NOFOLLOW
  virtual int make_directory(const std::string& path) = 0;  ///< 0 also when it exists
  virtual int sync_directory(const std::string& path) = 0;
  virtual ssize_t write_at(int fd, const iovec* parts, int count, off_t offset) = 0;  ///< may be short
  virtual ssize_t read_at(int fd, void* data, size_t size, off_t offset) = 0;
  virtual void will_read(int fd, off_t offset,
                         size_t size) = 0;  ///< POSIX_FADV_WILLNEED: a hint, does not wait
  virtual int preallocate(int fd, off_t offset, off_t size) = 0;  ///< FALLOC_FL_KEEP_SIZE
  virtual int start_writeback(int fd) = 0;                        ///< sync_file_range(WRITE), does not wait
  virtual int wait_writeback(int fd) = 0;  ///< sync_file_range(WAIT_BEFORE|WRITE|WAIT_AFTER)
  virtual int sync_data(int fd) = 0;       ///< fdatasync
  virtual int truncate(int fd, off_t size) = 0;
  virtual off_t file_size(int fd) = 0;
  virtual int close(int fd) = 0;
  virtual int remove(const std::string& path) = 0;
};

/// The real one. No state; lives as long as the process.
Disk& posix_disk();

}  // namespace thimble::media
