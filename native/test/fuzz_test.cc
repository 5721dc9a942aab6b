// Each fuzz target for a moment with changes from our own driver; libFuzzer does the same for longer (npm run
// fuzz).
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "fuzz/standalone.h"

using namespace thimble::fuzz;

namespace {

std::optional<uint64_t> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

void fuzz(const char* name) {
  for (const Target& target : targets()) {
    if (std::string(target.name) != name) continue;
    const std::vector<Bytes> seeds = target.seeds();
    for (size_t i = 0; i < seeds.size(); i++) {
      CAPTURE(i);
      const Bytes exact(seeds[i].begin(), seeds[i].end());
      CHECK(target.run(view(exact)));
    }
    const auto seed = static_cast<uint32_t>(number_of("THIMBLE_SEED").value_or(std::random_device()()));
    MESSAGE(target.name << ": THIMBLE_SEED=" << seed);
    const auto round = number_of("THIMBLE_ROUND");
    const Effort effort = run_for(target, seeds, seed, std::chrono::milliseconds(500), round);
    if (!round) CHECK(effort.rounds > 20);
    if (!round) CHECK(effort.through > 0);
    return;
  }
  FAIL("there is no such target: " << name);
}

}  // namespace

// clang-format off
TEST_CASE("fuzz: rtsp") { fuzz("rtsp"); }
TEST_CASE("fuzz: rtsp-server") { fuzz("rtsp-server"); }
TEST_CASE("fuzz: sdp") { fuzz("sdp"); }
TEST_CASE("fuzz: segment") { fuzz("segment"); }
TEST_CASE("fuzz: export") { fuzz("export"); }
TEST_CASE("fuzz: rtp-h264") { fuzz("rtp-h264"); }
TEST_CASE("fuzz: rtp-h265") { fuzz("rtp-h265"); }
TEST_CASE("fuzz: rtp-aac") { fuzz("rtp-aac"); }
TEST_CASE("fuzz: rtp-latm") { fuzz("rtp-latm"); }
TEST_CASE("fuzz: rtp-opus") { fuzz("rtp-opus"); }
TEST_CASE("fuzz: rtp-pcma") { fuzz("rtp-pcma"); }
TEST_CASE("fuzz: rtp-l16") { fuzz("rtp-l16"); }
TEST_CASE("fuzz: h264-sps") { fuzz("h264-sps"); }
TEST_CASE("fuzz: h265-sps") { fuzz("h265-sps"); }
TEST_CASE("fuzz: aac-config") { fuzz("aac-config"); }
TEST_CASE("fuzz: latm-config") { fuzz("latm-config"); }
TEST_CASE("fuzz: opus-packet") { fuzz("opus-packet"); }
TEST_CASE("fuzz: segment-header") { fuzz("segment-header"); }
TEST_CASE("fuzz: moov") { fuzz("moov"); }
TEST_CASE("fuzz: moof") { fuzz("moof"); }
TEST_CASE("fuzz: keyframe") { fuzz("keyframe"); }
TEST_CASE("fuzz: picture") { fuzz("picture"); }
// clang-format on

TEST_CASE("fuzz: each target has a case, and each round can be repeated") {
  CHECK(targets().size() == 22);
  const std::vector<Bytes> seeds = {{1, 2, 3, 4, 5, 6, 7, 8}, {9, 9, 9}};
  std::mt19937 first(5), second(5), third(6);
  for (int i = 0; i < 50; i++) CHECK(mutated(seeds, &first) == mutated(seeds, &second));
  CHECK(mutated(seeds, &first) != mutated(seeds, &third));
}
