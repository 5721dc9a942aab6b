#include "fuzz/standalone.h"

#include <algorithm>
#include <csignal>
#include <cstdio>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace thimble::fuzz {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxBytes = 256 * 1024;
/// Numbers at which sizes and counters turn over.
constexpr uint32_t kEdges[] = {0,         1,          7,          8,          9,          0x7f,      0x80,
                               0xff,      0x100,      0x7fff,     0x8000,     0xffff,     0x10000,   0xfffff,
                               0x1000000, 0x7ffffff8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};

/// What to say about the run in which the process ends. One process fuzzes one thing at a time.
struct Round {
  const char* target = nullptr;
  uint32_t seed = 0;
  uint64_t number = 0;
};
Round current;

void tell() {
  if (current.target == nullptr) return;
  std::fprintf(stderr, "fuzz target %s: again with THIMBLE_SEED=%u THIMBLE_ROUND=%llu\n", current.target,
               current.seed, static_cast<unsigned long long>(current.number));
}

extern "C" void on_abort(int) {
  tell();
  std::signal(SIGABRT, SIG_DFL);
  std::raise(SIGABRT);
}

void write_number(Bytes& bytes, size_t at, uint32_t value, size_t width) {
  for (size_t i = 0; i < width && at + i < bytes.size(); i++) {
    bytes[at + i] = static_cast<uint8_t>(value >> 8 * (width - 1 - i));
  }
}

/// The begin of a piece and its end, mostly short.
std::pair<size_t, size_t> piece_of(const Bytes& bytes, std::mt19937& random) {
  const size_t from = random() % (bytes.size() + 1);
  const size_t most = random() % 4 == 0 ? bytes.size() : 40;
  return {from, from + random() % (std::min(most, bytes.size() - from) + 1)};
}

void change(Bytes& bytes, const std::vector<Bytes>& seeds, std::mt19937& random) {
  const auto at = [&bytes](size_t offset) { return bytes.begin() + static_cast<std::ptrdiff_t>(offset); };
  const size_t spot = bytes.empty() ? 0 : random() % bytes.size();
  const auto [from, to] = piece_of(bytes, random);
  switch (bytes.empty() ? 7 : random() % 9) {
    case 0:
      bytes[spot] = static_cast<uint8_t>(bytes[spot] ^ 1u << random() % 8);
      break;
    case 1:
      bytes[spot] = static_cast<uint8_t>(random());
      break;
    case 2:
      write_number(bytes, spot, kEdges[random() % std::size(kEdges)], size_t{1} << random() % 3);
      break;
    case 3:
      bytes[spot] = static_cast<uint8_t>(bytes[spot] + (random() % 2 ? 1 : -1));
      break;
    case 4:
      bytes.erase(at(from), at(to));
      break;
    case 5:
      bytes.resize(from);
      break;
    case 6:
      std::fill(at(from), at(to), random() % 2 ? uint8_t{0} : static_cast<uint8_t>(random()));
      break;
    case 7: {
      const Bytes& other = seeds[random() % seeds.size()];
      const auto [first, last] = piece_of(other, random);
      bytes.insert(at(spot), other.begin() + static_cast<std::ptrdiff_t>(first),
                   other.begin() + static_cast<std::ptrdiff_t>(last));
      break;
    }
    default: {
      const Bytes copy(at(from), at(to));
      bytes.insert(at(spot), copy.begin(), copy.end());
    }
  }
}

}  // namespace

Bytes mutated(const std::vector<Bytes>& seeds, std::mt19937* random) {
  Bytes bytes = seeds[(*random)() % seeds.size()];
  for (uint32_t i = 1 + (*random)() % 6; i > 0; i--) change(bytes, seeds, *random);
  if (bytes.size() > kMaxBytes) bytes.resize(kMaxBytes);
  return bytes;
}

Effort run_for(const Target& target, const std::vector<Bytes>& seeds, uint32_t seed,
               std::chrono::milliseconds time, std::optional<uint64_t> only_round) {
  Effort effort;
  const auto end = Clock::now() + time;
  const auto before = std::signal(SIGABRT, on_abort);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(tell);
#endif
  for (uint64_t number = only_round.value_or(0);; number++) {
    current = {target.name, seed, number};
    std::seed_seq parts = {seed, static_cast<uint32_t>(number)};
    std::mt19937 random(parts);
    const Bytes input = mutated(seeds, &random);
    // In memory of its exact size, so that a read behind it is seen.
    const Bytes exact(input.begin(), input.end());
    if (target.run(view(exact))) effort.through++;
    effort.rounds++;
    if (only_round || Clock::now() >= end) break;
  }
  current = {};
  std::signal(SIGABRT, before);
  return effort;
}

}  // namespace thimble::fuzz
