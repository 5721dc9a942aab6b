// Preloaded into the service: counts the calls by which it uses files below a folder, and at a chosen one lets it fail or wait,
// or kills the process with SIGKILL just before it or in the middle of it.
// FAULT_FOLDER: the folder; FAULT_CONTROL: a file of at least 4096 bytes, shared with the test (faulty-calls.ts), which
// may change it at any time; child processes share it too.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, MAX_PARTS = 1024, TEXT_AT = 1024 };
enum { NOTHING, FAIL, KILL, HOLD };

// The order is that of KINDS in faulty-calls.ts.
enum kind {
  OPEN_CREATE, OPEN_WRITE, OPEN_READ, MKDIR, RMDIR, RENAME, UNLINK, LINK, FTRUNCATE, FALLOCATE, PWRITE, PWRITEV, WRITE,
  FSYNC, FDATASYNC, SYNC_FILE_RANGE, STATVFS, KINDS
};

// Eight bytes each, in the machine's byte order.
struct control {
  atomic_llong action;   // NOTHING only counts; HOLD lets calls of `kind` wait until it is over
  atomic_llong error;    // errno of FAIL
  atomic_llong kind;     // of the chosen call; -1 = any that the error or the kill applies to
  atomic_llong at;       // the chosen call among those, from 1
  atomic_llong forever;  // every later call that the error applies to fails as well
  atomic_llong reached;  // set when the chosen call came
  atomic_llong failed;   // how many calls failed
  atomic_llong any;      // calls that the error or the kill applies to
  atomic_llong seen[KINDS];
};

static struct control *control;
static const char *folder;

__attribute__((constructor)) static void attach(void) {
  folder = getenv("FAULT_FOLDER");
  const char *path = getenv("FAULT_CONTROL");
  if (!folder || !path) return;
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  void *page = fd < 0 ? MAP_FAILED : mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) close(fd);
  if (page != MAP_FAILED) control = page;
}

static int inside(const char *path) {
  if (!control || !path) return 0;
  const size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

// The path of a regular file or folder that is open; empty for pipes, sockets and what lies elsewhere.
static const char *path_of(int fd, char *path) {
  char link[64];
  struct stat facts;
  path[0] = '\0';
  if (!control || fstat(fd, &facts) != 0 || (!S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode))) return path;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length > 0 ? length : 0] = '\0';
  return path;
}

// What a full or a read-only volume refuses; a broken one refuses everything.
static int applies(long long error, enum kind kind) {
  if (kind == STATVFS || kind == OPEN_READ) return error == EIO;
  if (error == ENOSPC) return kind != OPEN_WRITE && kind != UNLINK && kind != RMDIR && kind != FTRUNCATE;
  return 1;
}

static void report(const char *name, const char *path) {
  snprintf((char *)control + TEXT_AT, PAGE_BYTES - TEXT_AT, "%s %s", name, path);
}

static void die(const char *name, const char *path) {
  report(name, path);
  control->reached = 1;
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int is_chosen(enum kind kind, long long number_of_kind) {
  const long long number = atomic_fetch_add(&control->any, 1) + 1;
  return control->kind < 0 ? number == control->at : control->kind == kind && number_of_kind == control->at;
}

// True when the call is to fail; errno is set then.
static int step(enum kind kind, const char *name, const char *path) {
  if (!inside(path)) return 0;
  const long long number = atomic_fetch_add(&control->seen[kind], 1) + 1;
  const long long action = control->action;
  if (action == KILL) {
    if (kind != OPEN_READ && kind != OPEN_WRITE && kind != STATVFS && is_chosen(kind, number)) die(name, path);
    return 0;
  }
  while (control->action == HOLD && control->kind == kind) usleep(10000);
  const long long error = control->error;
  if (action != FAIL || !applies(error, kind)) return 0;
  if (is_chosen(kind, number)) {
    report(name, path);
    control->reached = 1;
  } else if (!control->reached || !control->forever) {
    return 0;
  }
  control->failed++;
  errno = (int)error;
  return 1;
}

static int step_fd(enum kind kind, const char *name, int fd) {
  char path[PATH_MAX];
  return step(kind, name, path_of(fd, path));
}

// A write has a second step at which only a kill comes: with its first half written (the kernel heeds signals between pages).
static int write_steps(enum kind kind, const char *name, int fd, const struct iovec *parts, int count, off_t offset) {
  char path[PATH_MAX], half[32];
  if (!inside(path_of(fd, path))) return 0;
  if (step(kind, name, path)) return 1;
  if (control->action != KILL || count > MAX_PARTS) return 0;
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  const size_t middle = ((size_t)offset + size / 2) / PAGE_BYTES * PAGE_BYTES;
  if (middle <= (size_t)offset || !is_chosen(KINDS, 0)) return 0;
  size_t left = middle - (size_t)offset;
  for (int i = 0; i < count && left > 0; ++i) {
    const size_t now = parts[i].iov_len < left ? parts[i].iov_len : left;
    if (syscall(SYS_pwrite64, fd, parts[i].iov_base, now, offset) < 0) break;
    offset += (off_t)now;
    left -= now;
  }
  snprintf(half, sizeof half, "half-%s", name);
  die(half, path);
  return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define BY_PATH(kind, type, name, parameters, arguments, path) \
  type name parameters {                                       \
    if (step(kind, #name, path)) return -1;                    \
    return REAL(name) arguments;                               \
  }
#define BY_FD(kind, type, name, parameters, arguments) \
  type name parameters {                               \
    if (step_fd(kind, #name, fd)) return -1;           \
    return REAL(name) arguments;                       \
  }

BY_PATH(MKDIR, int, mkdir, (const char *path, mode_t mode), (path, mode), path)
BY_PATH(RMDIR, int, rmdir, (const char *path), (path), path)
BY_PATH(UNLINK, int, unlink, (const char *path), (path), path)
BY_PATH(LINK, int, link, (const char *from, const char *to), (from, to), to)
BY_PATH(RENAME, int, rename, (const char *from, const char *to), (from, to), to)
BY_PATH(STATVFS, int, statvfs, (const char *path, struct statvfs *facts), (path, facts), path)
BY_PATH(STATVFS, int, statvfs64, (const char *path, struct statvfs64 *facts), (path, facts), path)
BY_PATH(STATVFS, int, statfs, (const char *path, struct statfs *facts), (path, facts), path)
BY_PATH(STATVFS, int, statfs64, (const char *path, struct statfs64 *facts), (path, facts), path)
BY_FD(FALLOCATE, int, fallocate, (int fd, int mode, off_t offset, off_t size), (fd, mode, offset, size))
BY_FD(FALLOCATE, int, fallocate64, (int fd, int mode, off64_t offset, off64_t size), (fd, mode, offset, size))
BY_FD(FTRUNCATE, int, ftruncate, (int fd, off_t size), (fd, size))
BY_FD(FTRUNCATE, int, ftruncate64, (int fd, off64_t size), (fd, size))
BY_FD(FSYNC, int, fsync, (int fd), (fd))
BY_FD(FDATASYNC, int, fdatasync, (int fd), (fd))
BY_FD(SYNC_FILE_RANGE, int, sync_file_range, (int fd, off64_t offset, off64_t size, unsigned flags),
      (fd, offset, size, flags))

static enum kind kind_of_open(int flags) {
  if (flags & O_CREAT) return OPEN_CREATE;
  return (flags & O_ACCMODE) == O_RDONLY ? OPEN_READ : OPEN_WRITE;
}

#define READ_MODE()                                               \
  va_list rest;                                                   \
  va_start(rest, flags);                                          \
  const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
  va_end(rest)

#define OPEN(name)                                               \
  int name(const char *path, int flags, ...) {                   \
    READ_MODE();                                                 \
    if (step(kind_of_open(flags), #name, path)) return -1;       \
    return REAL(name)(path, flags, mode);                        \
  }
OPEN(open)
OPEN(open64)

// Nobody in the service opens relative to a folder, but a library may: only absolute paths are looked at.
#define OPEN_AT(name)                                            \
  int name(int at, const char *path, int flags, ...) {           \
    READ_MODE();                                                 \
    if (step(kind_of_open(flags), #name, path)) return -1;       \
    return REAL(name)(at, path, flags, mode);                    \
  }
OPEN_AT(openat)
OPEN_AT(openat64)

#define WRITE_AT(name)                                                        \
  ssize_t name(int fd, const void *data, size_t size, off_t offset) {         \
    const struct iovec part = {(void *)data, size};                           \
    if (write_steps(PWRITE, #name, fd, &part, 1, offset)) return -1;          \
    return REAL(name)(fd, data, size, offset);                                \
  }
WRITE_AT(pwrite)
WRITE_AT(pwrite64)

#define WRITE_PARTS_AT(name)                                                  \
  ssize_t name(int fd, const struct iovec *parts, int count, off_t offset) {  \
    if (write_steps(PWRITEV, #name, fd, parts, count, offset)) return -1;     \
    return REAL(name)(fd, parts, count, offset);                              \
  }
WRITE_PARTS_AT(pwritev)
WRITE_PARTS_AT(pwritev64)

ssize_t write(int fd, const void *data, size_t size) {
  if (step_fd(WRITE, "write", fd)) return -1;
  return REAL(write)(fd, data, size);
}
