// Starts a program as a child that cannot outlive this process; Node's own spawn cannot promise that. Hides
// fork and exec.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::binding {

struct ChildPlan {
  /// Absolute.
  std::string path;
  /// Without the program's own name.
  std::vector<std::string> args;
  /// `NAME=value`; nothing else of our environment is handed on.
  std::vector<std::string> env;
  /// Where it works.
  std::string folder;
  /// The most files that it may have open.
  uint64_t open_files = 0;
};

struct StartedChild {
  /// Also the id of its session and process group; -1 when it could not be started.
  pid_t pid = -1;
  /// Reads its standard output and error; the caller's to close.
  int output = -1;
  /// errno when it could not be started.
  int error = 0;
};

/// Returns when the program runs or is known not to. To be called on the main thread: the kernel's promise to
/// kill the child is bound to the thread that started it, not to its process.
StartedChild start_child(const ChildPlan& plan);

}  // namespace thimble::binding
