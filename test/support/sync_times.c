// Preloaded into the service: writes down when each fsync and fdatasync returned, of which file, and how much
// of the file that covers. SYNC_LOG: an existing file outside of what is measured. One line per call that
// returned: microseconds since 1970, name, result, bytes of the file when the call began, path.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int log_fd = -1;

__attribute__((constructor)) static void attach(void) {
  const char* path = getenv("SYNC_LOG");
  if (path) log_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
}

// The size is taken before the call: what is written while it runs may or may not be covered.
static long long size_of(int fd) {
  struct stat facts;
  return log_fd >= 0 && fstat(fd, &facts) == 0 ? (long long)facts.st_size : -1;
}

static void note(const char* name, int fd, int result, long long size) {
  const int saved = errno;
  struct timespec now;
  char link[64], path[PATH_MAX], line[PATH_MAX + 128];
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  const int bytes = snprintf(line, sizeof line, "%lld %s %d %lld %s\n",
                             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000, name, result, size, path);
  // One write to a file opened for appending: lines of several threads and processes do not mix.
  if (bytes > 0 && write(log_fd, line, (size_t)bytes) < 0) abort();
  errno = saved;
}

#define NOTED(name)                                          \
  int name(int fd) {                                         \
    static int (*real)(int);                                 \
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name); \
    const long long size = size_of(fd);                      \
    const int result = real(fd);                             \
    if (log_fd >= 0) note(#name, fd, result, size);          \
    return result;                                           \
  }
NOTED(fsync)
NOTED(fdatasync)
