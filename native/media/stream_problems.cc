// The set of problems as bits.
#include "media/stream_problems.h"

namespace thimble::media {

void StreamProblems::set(StreamProblem problem, bool in_force) {
  in_force_ = in_force ? in_force_ | bit(problem) : in_force_ & ~bit(problem);
  passing_ &= ~bit(problem);
}

void StreamProblems::note(StreamProblem problem, int64_t now_us) {
  in_force_ |= bit(problem);
  passing_ |= bit(problem);
  seen_us_[static_cast<size_t>(problem)] = now_us;
}

bool StreamProblems::take_change(int64_t now_us) {
  for (size_t i = 0; i < kStreamProblems; ++i) {
    const StreamProblem problem = static_cast<StreamProblem>(i);
    if ((passing_ & bit(problem)) && now_us - seen_us_[i] >= kQuietUs) set(problem, false);
  }
  const bool changed = in_force_ != told_;
  told_ = in_force_;
  return changed;
}

std::vector<StreamProblem> StreamProblems::list() const {
  std::vector<StreamProblem> found;
  for (size_t i = 0; i < kStreamProblems; ++i) {
    if (in_force_ & bit(static_cast<StreamProblem>(i))) found.push_back(static_cast<StreamProblem>(i));
  }
  return found;
}

}  // namespace thimble::media
