// Sound and picture whose clocks drift apart: together within 100 ms in every file, and no time lost.
#include <cmath>

#include "recorder_rig.h"

using namespace rig;

namespace {

constexpr int64_t kSecond = 1'000'000;

struct Drift {
  double video, audio;  ///< microseconds of the stamps per microsecond
  size_t files;         ///< that the recording becomes, with segments of 10 minutes
};

}  // namespace

TEST_CASE("recorder: sound keeps with the picture whatever their clocks do") {
  const Drift drifts[] = {{1, 1, 2},     {1.0003, 0.9997, 2}, {1, 0.998, 3},
                          {1.002, 1, 3}, {0.84, 1, 3},        {1, 0.97, 3}};
  for (const Drift& drift : drifts) {
    CAPTURE(drift.video);
    CAPTURE(drift.audio);
    Rig rig;
    rig.recorder.set_plan(RecordPlan{600'000, 0}, rig.now_us);
    rig.begin(true);
    const int64_t end_us = 900 * kSecond;
    const auto stamp = [](int64_t at_us, double rate) {
      return std::llround(static_cast<double>(at_us) * rate);
    };
    int64_t next_sound_us = 0;
    for (int64_t at_us = 0; at_us < end_us; at_us += 40'000) {
      rig.video(static_cast<uint64_t>(at_us), stamp(at_us, drift.video), at_us, at_us % kSecond == 0);
      for (; next_sound_us < at_us + 40'000; next_sound_us += 21'000) {
        rig.audio(static_cast<uint64_t>(next_sound_us), stamp(next_sound_us, drift.audio), next_sound_us);
      }
      rig.tick(at_us);
    }
    rig.recorder.end_session(EndReason::kStop);
    CHECK(rig.writer.files.size() == drift.files);
    // Which way was taken is found after 70 to 140 s; gross drifts are apart until then, and while it is made
    // up for.
    const bool gross = std::fabs(drift.video - drift.audio) > 0.01;
    const int64_t from_us = gross ? 90 * kSecond : 0;
    int64_t worst_us = 0, total90k = 0;
    for (const File& file : rig.writer.files) {
      // Each sample carries the moment it was taken: by the pictures of the file, when is it shown?
      std::vector<std::pair<int64_t, int64_t>> pictures;
      file.each(true, [&](const Sample& s) {
        pictures.emplace_back(s.file_time * 100 / 9, static_cast<int64_t>(s.number));
      });
      for (const Piece& piece : file.pieces) total90k += piece.duration90k;
      int64_t before = INT64_MIN;
      file.each(false, [&](const Sample& s) {
        const int64_t shown_us = s.file_time * 1'000'000 / 48'000;
        REQUIRE(shown_us > before);
        before = shown_us;
        const auto next =
            std::lower_bound(pictures.begin(), pictures.end(), std::make_pair(shown_us, INT64_MIN));
        if (next == pictures.end() || next == pictures.begin()) return;
        if (next->first - (next - 1)->first > 100'000) return;  // the leap of the picture itself
        const int64_t taken_us = next->second - (next->first - shown_us);
        if (static_cast<int64_t>(s.number) < from_us) return;
        worst_us = std::max<int64_t>(worst_us, std::llabs(taken_us - static_cast<int64_t>(s.number)));
      });
    }
    CHECK(worst_us <= 100'000);
    CHECK(std::llabs(total90k * 100 / 9 - end_us) <= (drift.video == 1.0003 ? 400'000 : 200'000));
  }
}
