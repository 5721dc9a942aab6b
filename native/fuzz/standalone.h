// Fuzzing without libFuzzer: changes good input at random for a while. Each round follows from the seed and
// its number alone, so that one can be repeated.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "fuzz/target.h"

namespace thimble::fuzz {

struct Effort {
  uint64_t rounds = 0;
  uint64_t through = 0;  ///< rounds in which the input got to where good input gets
};

/// Runs the target until the time is over, or only the round that is given. A failure ends the process, after
/// seed and round were printed.
Effort run_for(const Target& target, const std::vector<Bytes>& seeds, uint32_t seed,
               std::chrono::milliseconds time, std::optional<uint64_t> only_round);

/// One of the seeds with one to six changes: bits, bytes, lengths, and pieces removed, doubled, moved or
/// taken from another seed.
Bytes mutated(const std::vector<Bytes>& seeds, std::mt19937* random);

}  // namespace thimble::fuzz
