#include "binding/child.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace thimble::binding {

namespace {
/// Everything that the child needs, made before the fork: it may allocate nothing.
struct Launch {
  const char* path;
  const char* folder;
  char* const* argv;
  char* const* envp;
  rlim_t open_files;
  /// Of ours that are looked through where the kernel does not close them in one call.
  int highest_file;
  pid_t parent;
  int null;
  int output;
  int failure;
};

/// Older kernels have no close_range (5.9), or not this flag of it (5.11). What we open is close-on-exec
/// anyway: this is for what libraries forgot.
void keep_files_to_ourselves(int highest_file) {
#ifdef SYS_close_range
  constexpr unsigned kCloseOnExec = 1u << 2;
  if (syscall(SYS_close_range, 3u, ~0u, kCloseOnExec) == 0) return;
#endif
  for (int fd = 3; fd <= highest_file; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/// When memory runs short the kernel is to take this child and not us, who record.
void offer_as_victim() {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ssize_t written = write(fd, "500", 3);
  static_cast<void>(written);
  close(fd);
}

void take_default_signals() {
  struct sigaction usual = {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

/// In the child, which shares our memory: only calls that signal handlers may make, and no way back.
[[noreturn]] void become(const Launch& launch) {
  // Bound to the thread that called fork: the main thread, which ends only with the process.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Whoever died before that line sends no signal any more.
  if (getppid() != launch.parent) _exit(127);
  // Programs with capabilities of their own would lose the signal in exec; and it is to gain no rights.
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  setsid();
  take_default_signals();
  dup2(launch.null, STDIN_FILENO);
  dup2(launch.output, STDOUT_FILENO);
  dup2(launch.output, STDERR_FILENO);
  const rlimit files{launch.open_files, launch.open_files}, core{0, 0};
  setrlimit(RLIMIT_NOFILE, &files);
  setrlimit(RLIMIT_CORE, &core);
  offer_as_victim();
  if (chdir(launch.folder) == 0) {
    keep_files_to_ourselves(launch.highest_file);
    execve(launch.path, launch.argv, launch.envp);
  }
  const int error = errno;
  const ssize_t written = write(launch.failure, &error, sizeof error);
  static_cast<void>(written);
  _exit(127);
}

/// vfork: copying the page tables of a service with much footage in memory takes milliseconds and makes each
/// of its pages fault once more.
pid_t fork_into(const Launch& launch) {
  const pid_t pid = vfork();
  if (pid == 0) become(launch);
  return pid;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

/// The errno that the child left, 0 when exec closed the pipe instead.
int failure_of(int fd) {
  int error = 0;
  ssize_t got;
  do got = read(fd, &error, sizeof error);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof error) ? error : 0;
}

rlim_t at_most(rlim_t wanted) {
  rlimit own{};
  return getrlimit(RLIMIT_NOFILE, &own) == 0 ? std::min(wanted, own.rlim_max) : wanted;
}

int highest_file() {
  constexpr rlim_t kMostLookedThrough = 65536;
  rlimit own{};
  if (getrlimit(RLIMIT_NOFILE, &own) != 0) return kMostLookedThrough;
  return static_cast<int>(std::min(own.rlim_cur, kMostLookedThrough));
}

/// Signals wait meanwhile: a handler of ours must not run in the child, whose memory is ours.
pid_t fork_in_silence(const Launch& launch, int* error) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork_into(launch);
  *error = pid < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}
}  // namespace

StartedChild start_child(const ChildPlan& plan) {
  StartedChild started;
  if (syscall(SYS_gettid) != getpid()) {
    started.error = EPERM;
    return started;
  }
  // Node keeps 0 to 2 in use, so that none of these is what the child replaces.
  int output[2], failure[2];
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || pipe2(output, O_CLOEXEC) != 0) {
    started.error = errno;
    if (null >= 0) close(null);
    return started;
  }
  if (pipe2(failure, O_CLOEXEC) != 0) {
    started.error = errno;
    for (int fd : {null, output[0], output[1]}) close(fd);
    return started;
  }

  std::vector<std::string> words{plan.path};
  words.insert(words.end(), plan.args.begin(), plan.args.end());
  const std::vector<char*> argv = pointers(words), envp = pointers(plan.env);
  const Launch launch{plan.path.c_str(),
                      plan.folder.c_str(),
                      argv.data(),
                      envp.data(),
                      at_most(plan.open_files),
                      highest_file(),
                      getpid(),
                      null,
                      output[1],
                      failure[1]};
  const pid_t pid = fork_in_silence(launch, &started.error);
  for (int fd : {null, output[1], failure[1]}) close(fd);
  if (pid > 0) started.error = failure_of(failure[0]);
  close(failure[0]);
  if (pid > 0 && started.error == 0) {
    started.pid = pid;
    started.output = output[0];
    return started;
  }
  if (pid > 0) waitpid(pid, nullptr, 0);
  close(output[0]);
  return started;
}

}  // namespace thimble::binding
