// Sizes of all parameter sets, and facts of all AAC configs, in $THIMBLE_TESTDATA/rtsp.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "media/codec_parameters.h"

using namespace thimble;
using namespace thimble::media;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

Bytes from_hex(const std::string& hex) {
  Bytes out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return out;
}

int check_video(const json& facts, bool h264) {
  if (!facts.contains("sps") || facts["sps"].empty() || !facts.contains("width") || facts["width"].is_null())
    return 0;
  const Bytes sps = from_hex(facts["sps"][0]);
  const ByteView view(sps.data(), sps.size());
  const auto parsed = h264 ? parse_h264_sps(view) : parse_h265_sps(view);
  REQUIRE(parsed);
  CHECK(parsed->width == facts["width"].get<int>());
  CHECK(parsed->height == facts["height"].get<int>());
  CHECK(parsed->reorder_frames >= 0);
  CHECK(parsed->reorder_frames <= 16);
  return 1;
}

int check_audio(const json& facts) {
  // Where the SDP's config is missing or broken the client makes one: then that one must be readable.
  const char* name = facts.contains("derived_config") ? "derived_config" : "config";
  if (!facts.contains(name) || !facts[name].is_string()) return 0;
  const Bytes config = from_hex(facts[name]);
  const auto parsed = parse_aac_config({config.data(), config.size()});
  REQUIRE(parsed);
  if (facts.contains("sample_rate")) CHECK(parsed->sample_rate == facts["sample_rate"].get<uint32_t>());
  if (facts.contains("channels") && facts["channels"].is_number())
    CHECK(parsed->channels == facts["channels"].get<int>());
  return 1;
}

}  // namespace

TEST_CASE("parameter sets of cameras have the sizes that GStreamer reads") {
  const char* root = std::getenv("THIMBLE_TESTDATA");
  if (!root || !fs::exists(fs::path(root) / "rtsp")) {
    MESSAGE("skipped: parameter sets of cameras (THIMBLE_TESTDATA is not set)");
    return;
  }
  int videos = 0, audios = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(root) / "rtsp")) {
    std::ifstream in(entry.path() / "expected.json");
    if (!in) continue;
    const json expected = json::parse(in);
    CAPTURE(entry.path().filename().string());
    for (const json& track : expected.value("tracks", json::array())) {
      if (track.contains("h264")) videos += check_video(track["h264"], true);
      if (track.contains("h265")) videos += check_video(track["h265"], false);
      if (track.contains("aac")) audios += check_audio(track["aac"]);
    }
  }
  MESSAGE(videos << " parameter sets, " << audios << " audio configs");
  CHECK(videos > 50);
  CHECK(audios > 5);
}
