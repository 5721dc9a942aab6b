// The real disk: each call of the interface is one system call, repeated when a signal interrupts it.
#include "media/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace thimble::media {
namespace {

template <typename Call>
auto retry(Call call) -> decltype(call()) {
  for (;;) {
    const auto result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

/// sync_file_range only speeds the sync up, so a file system or kernel that does not know it is no failure.
int optional_writeback(int fd, unsigned flags) {
  const int result = retry([&] { return ::sync_file_range(fd, 0, 0, flags); });
  const bool unknown = result == -ENOSYS || result == -EOPNOTSUPP || result == -EINVAL || result == -ESPIPE;
  return unknown ? 0 : result;
}

class PosixDisk final : public Disk {
 public:
  int create_exclusive(const std::string& path) override {
    return retry([&] { return ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0640); });
  }

  int open_existing(const std::string& path) override {
    // O_NONBLOCK: a FIFO or device planted under the name must not block the caller.
    const int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    int fd = retry([&] { return ::open(path.c_str(), O_RDWR | flags); });
    // Locked segments are 0440: their owner may still read them.
    if (fd == -EROFS || fd == -EACCES) fd = retry([&] { return ::open(path.c_str(), O_RDONLY | flags); });
    if (fd < 0) return fd;
    struct stat facts {};
    const int error = ::fstat(fd, &facts) != 0 ? -errno : S_ISREG(facts.st_mode) ? 0 : -EINVAL;
    if (error == 0) return fd;
    ::close(fd);
    return error;
  }

  int make_directory(const std::string& path) override {
    const int result = retry([&] { return ::mkdir(path.c_str(), 0750); });
    return result == -EEXIST ? 0 : result;
  }

  int sync_directory(const std::string& path) override {
    const int fd = retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return fd;
    const int result = retry([&] { return ::fsync(fd); });
    ::close(fd);
    // Some network and FUSE file systems cannot sync a directory at all (EINVAL); there is nothing better to
    // do there.
    return result == -EINVAL ? 0 : result;
  }

  ssize_t write_at(int fd, const iovec* parts, int count, off_t offset) override {
    return retry([&] { return ::pwritev(fd, parts, count, offset); });
  }
  ssize_t read_at(int fd, void* data, size_t size, off_t offset) override {
    return retry([&] { return ::pread(fd, data, size, offset); });
  }
  int preallocate(int fd, off_t offset, off_t size) override {
    return retry([&] { return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, size); });
  }
  void will_read(int fd, off_t offset, size_t size) override {
    (void)posix_fadvise(fd, offset, static_cast<off_t>(size), POSIX_FADV_WILLNEED);
  }
  int start_writeback(int fd) override { return optional_writeback(fd, SYNC_FILE_RANGE_WRITE); }
  int wait_writeback(int fd) override {
    return optional_writeback(
        fd, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  }
  int sync_data(int fd) override {
    return retry([&] { return ::fdatasync(fd); });
  }
  int truncate(int fd, off_t size) override {
    return retry([&] { return ::ftruncate(fd, size); });
  }
  off_t file_size(int fd) override {
    struct stat facts {};
    return ::fstat(fd, &facts) != 0 ? -errno : facts.st_size;
  }
  // Linux has closed the descriptor even when close was interrupted: never repeated.
  int close(int fd) override { return ::close(fd) != 0 ? -errno : 0; }
  int remove(const std::string& path) override {
    return retry([&] { return ::unlink(path.c_str()); });
  }
};

}  // namespace

Disk& posix_disk() {
  static PosixDisk disk;
  return disk;
}

}  // namespace thimble::media
