// Preloaded into the service: kills it with SIGKILL just before its Nth call that changes files below a folder, or in
// the middle of it. KILL_FOLDER: the folder; KILL_AT: N, from 1; KILL_REPORT: file that gets one line telling the call.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, MAX_PARTS = 1024 };

static atomic_long calls;

static int inside(const char *path) {
  const char *folder = getenv("KILL_FOLDER");
  const size_t length = folder ? strlen(folder) : 0;
  return length > 0 && path && strncmp(path, folder, length) == 0;
}

// The path of a regular file or folder that is open; empty for pipes, sockets and what lies elsewhere.
static const char *path_of(int fd, char *path) {
  char link[64];
  struct stat facts;
  path[0] = '\0';
  if (fstat(fd, &facts) != 0 || (!S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode))) return path;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length > 0 ? length : 0] = '\0';
  return path;
}

// True when the process is to end at this call.
static int last_call(const char *path) {
  const char *at = getenv("KILL_AT");
  if (!at || !inside(path)) return 0;
  return atomic_fetch_add(&calls, 1) + 1 == atol(at);
}

static void end(const char *name, const char *path) {
  char line[PATH_MAX + 64];
  const int length = snprintf(line, sizeof line, "%s %s\n", name, path);
  const char *report = getenv("KILL_REPORT");
  const long fd = syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  syscall(SYS_write, fd, line, (size_t)length);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void step(const char *name, const char *path) {
  if (last_call(path)) end(name, path);
}

static void step_fd(const char *name, int fd) {
  char path[PATH_MAX];
  step(name, path_of(fd, path));
}

// A write has two steps: before it, and with its first half written (the kernel heeds signals between pages).
static void write_steps(const char *name, int fd, const struct iovec *parts, int count, off_t offset) {
  char path[PATH_MAX], half[32];
  if (!inside(path_of(fd, path))) return;
  step(name, path);
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  const size_t middle = ((size_t)offset + size / 2) / PAGE_BYTES * PAGE_BYTES;
  if (count > MAX_PARTS || middle <= (size_t)offset || !last_call(path)) return;
  size_t left = middle - (size_t)offset;
  for (int i = 0; i < count && left > 0; ++i) {
    const size_t now = parts[i].iov_len < left ? parts[i].iov_len : left;
    if (syscall(SYS_pwrite64, fd, parts[i].iov_base, now, offset) < 0) break;
    offset += (off_t)now;
    left -= now;
  }
  snprintf(half, sizeof half, "half-%s", name);
  end(half, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define BY_PATH(type, name, parameters, arguments, path) \
  type name parameters {                                 \
    step(#name, path);                                   \
    return REAL(name) arguments;                         \
  }
#define BY_FD(type, name, parameters, arguments) \
  type name parameters {                         \
    step_fd(#name, fd);                          \
    return REAL(name) arguments;                 \
  }

BY_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode), path)
BY_PATH(int, rmdir, (const char *path), (path), path)
BY_PATH(int, unlink, (const char *path), (path), path)
BY_PATH(int, link, (const char *from, const char *to), (from, to), to)
BY_PATH(int, rename, (const char *from, const char *to), (from, to), to)
BY_FD(int, fallocate, (int fd, int mode, off_t offset, off_t size), (fd, mode, offset, size))
BY_FD(int, fallocate64, (int fd, int mode, off64_t offset, off64_t size), (fd, mode, offset, size))
BY_FD(int, ftruncate, (int fd, off_t size), (fd, size))
BY_FD(int, ftruncate64, (int fd, off64_t size), (fd, size))
BY_FD(int, fsync, (int fd), (fd))
BY_FD(int, fdatasync, (int fd), (fd))
BY_FD(int, sync_file_range, (int fd, off64_t offset, off64_t size, unsigned flags), (fd, offset, size, flags))

#define OPEN(name)                                         \
  int name(const char *path, int flags, ...) {             \
    va_list rest;                                          \
    va_start(rest, flags);                                 \
    const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                          \
    if (flags & O_CREAT) step(#name, path);                \
    return REAL(name)(path, flags, mode);                  \
  }
OPEN(open)
OPEN(open64)

#define WRITE_AT(name)                                                     \
  ssize_t name(int fd, const void *data, size_t size, off_t offset) {      \
    const struct iovec part = {(void *)data, size};                        \
    write_steps(#name, fd, &part, 1, offset);                              \
    return REAL(name)(fd, data, size, offset);                             \
  }
WRITE_AT(pwrite)
WRITE_AT(pwrite64)

#define WRITE_PARTS_AT(name)                                                    \
  ssize_t name(int fd, const struct iovec *parts, int count, off_t offset) {    \
    write_steps(#name, fd, parts, count, offset);                               \
    return REAL(name)(fd, parts, count, offset);                                \
  }
WRITE_PARTS_AT(pwritev)
WRITE_PARTS_AT(pwritev64)

ssize_t write(int fd, const void *data, size_t size) {
  step_fd("write", fd);
  return REAL(write)(fd, data, size);
}
