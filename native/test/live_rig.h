// What a live viewer makes of headers and fragments: reads them as a player would and remembers where each
// picture and sound lies.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "media/moof_reader.h"
#include "media/moov_reader.h"
#include "stream_rig.h"

namespace live_rig {

using namespace stream_rig;

struct Shown {
  int64_t time;  ///< media time of its track, by tfdt
  int64_t duration;
  bool key;
};

/// Takes the events of one feed. `number`: those for this viewer count too; 0 = only those for all.
class Player {
 public:
  explicit Player(uint64_t number = 0, bool sound = false) : number_(number), sound_(sound) {}

  void take(const std::vector<Event>& events) {
    for (; at_ < events.size(); ++at_) {
      if (const auto* header = std::get_if<LiveHeaderEvent>(&events[at_])) take(*header);
      if (const auto* fragment = std::get_if<LiveFragmentEvent>(&events[at_])) take(*fragment);
    }
  }

  std::vector<LiveHeaderEvent> headers;
  std::vector<LiveFragmentEvent> fragments;
  std::vector<Shown> pictures, sounds;
  /// From the end of each picture to the next.
  int64_t widest_hole() const { return widest_hole(pictures); }
  static int64_t widest_hole(const std::vector<Shown>& track) {
    int64_t widest = 0;
    for (size_t i = 1; i < track.size(); ++i) {
      widest =
          std::max<int64_t>(widest, std::llabs(track[i].time - track[i - 1].time - track[i - 1].duration));
    }
    return widest;
  }

 private:
  bool mine(uint64_t viewer, bool sound) const { return viewer == 0 ? sound == sound_ : viewer == number_; }
  void take(const LiveHeaderEvent& header) {
    if (!mine(header.viewer, header.sound)) return;
    const std::vector<uint8_t>& init = header.init->bytes();
    const MoovFacts facts = read_moov(child_box({init.data(), init.size()}, "moov"));
    CHECK(facts.video_codec + (facts.audio_codec.empty() ? "" : "," + facts.audio_codec) == header.codecs);
    CHECK(facts.width == header.width);
    CHECK(facts.height == header.height);
    headers.push_back(header);
  }
  void take(const LiveFragmentEvent& fragment) {
    if (!mine(fragment.viewer, fragment.sound)) return;
    REQUIRE_FALSE(headers.empty());
    fragments.push_back(fragment);
    const std::vector<uint8_t>& bytes = fragment.bytes->bytes();
    REQUIRE(bytes.size() > 16);
    const size_t moof = read_be32(bytes.data());
    REQUIRE(moof + 8 <= bytes.size());
    CHECK(std::string(bytes.begin() + 4, bytes.begin() + 8) == "moof");
    CHECK(read_be32(bytes.data() + moof) == bytes.size() - moof);
    const auto runs = parse_moof({bytes.data(), moof}, bytes.size() - moof - 8);
    REQUIRE(runs);
    for (const FragmentRun& run : *runs) {
      int64_t time = static_cast<int64_t>(run.base_time);
      for (const FragmentSample& sample : run.samples) {
        (run.track_id == 1 ? pictures : sounds).push_back({time, sample.duration, sample.key});
        time += sample.duration;
      }
    }
    if (runs->front().track_id == 1) CHECK(runs->front().samples.front().key == fragment.begins_with_key);
  }

  uint64_t number_;
  bool sound_;
  size_t at_ = 0;
};

}  // namespace live_rig
