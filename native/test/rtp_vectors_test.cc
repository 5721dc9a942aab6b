// Plays the recorded and damaged byte streams in $THIMBLE_TESTDATA/rtp: exactly the expected access units
// must come out.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

extern "C" {
#include <libavutil/mem.h>
#include <libavutil/sha.h>
}

#include "rtp_collect.h"

using namespace thimble;
using namespace thimble::rtp_test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct Frame {
  int channel;
  ByteView payload;
};

Data read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Data(std::istreambuf_iterator<char>(in), {});
}

std::string sha256(const Data& data) {
  AVSHA* sha = av_sha_alloc();
  uint8_t digest[32];
  av_sha_init(sha, 256);
  av_sha_update(sha, data.data(), data.size());
  av_sha_final(sha, digest);
  av_free(sha);
  std::string hex;
  for (const uint8_t byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

/// A frame is believed when an RTP or RTCP header follows and another frame, a message or the end behind it.
bool plausible(ByteView at) {
  if (at.size < 4 || at[0] != '$') return false;
  const size_t size = read_be16(at.data + 2);
  if (at.size < 4 + size) return false;
  if (at[1] < 2 && size > 0 && at[4] >> 6 != 2) return false;
  const ByteView behind = at.sub(4 + size);
  return behind.empty() || behind[0] == '$' || behind[0] == '\r' || (behind[0] >= 'A' && behind[0] <= 'Z');
}

/// The interleaved frames, with messages and garbage between them left out.
std::vector<Frame> split(ByteView bytes) {
  std::vector<Frame> frames;
  bool in_step = true;
  while (bytes.size >= 4) {
    const std::string_view text = bytes.text();
    if (bytes[0] == '$' && (in_step || plausible(bytes))) {
      in_step = true;
      const size_t size = read_be16(bytes.data + 2);
      if (bytes.size < 4 + size) break;
      frames.push_back({bytes[1], bytes.sub(4, size)});
      bytes = bytes.sub(4 + size);
    } else if (bytes[0] >= 'A' && bytes[0] <= 'Z' && text.find("\r\n\r\n") < 1000 &&
               text.substr(0, text.find("\r\n")).find("RTSP/") != std::string_view::npos) {
      const size_t head = text.find("\r\n\r\n") + 4;
      const size_t length = text.substr(0, head).find("Content-Length: ");
      bytes = bytes.sub(head + (length < head ? std::strtoul(text.data() + length + 16, nullptr, 10) : 0));
    } else {
      in_step = in_step && (bytes[0] == '\r' || bytes[0] == '\n');
      bytes = bytes.sub(1);
    }
  }
  return frames;
}

rtsp::Track describe(const json& track) {
  rtsp::Track out;
  const std::string codec = track["codec"];
  if (codec == "H264") out.codec = rtsp::Codec::kH264;
  if (codec == "H265") out.codec = rtsp::Codec::kH265;
  if (codec == "MPEG4-GENERIC") out.codec = rtsp::Codec::kAac;
  if (codec == "MP4A-LATM") out.codec = rtsp::Codec::kAacLatm;
  if (codec == "OPUS") out.codec = rtsp::Codec::kOpus;
  if (codec == "PCMU") out.codec = rtsp::Codec::kPcmu;
  if (codec == "PCMA") out.codec = rtsp::Codec::kPcma;
  if (codec == "L16") out.codec = rtsp::Codec::kL16;
  REQUIRE(out.codec != rtsp::Codec::kUnknown);
  out.payload_type = track["payload_type"];
  out.clock_rate = track["clock_rate"];
  if (track.contains("channels") && track["channels"].is_number()) out.channels = track["channels"];
  if (track.contains("fmtp") && track["fmtp"].is_string()) out.fmtp = track["fmtp"];
  if (out.codec == rtsp::Codec::kAac) {
    out.aac.emplace();
    const std::string fmtp = track["fmtp"];
    const size_t config = fmtp.find("config=") + 7;
    for (size_t i = config; i + 1 < fmtp.size() && std::isxdigit(static_cast<unsigned char>(fmtp[i]));
         i += 2) {
      out.aac->config.push_back(static_cast<uint8_t>(std::stoi(fmtp.substr(i, 2), nullptr, 16)));
    }
  }
  return out;
}

struct Result {
  std::vector<Unit> units;
  rtsp::RtpCounters counters;
  bool has_report = false;
  rtsp::SenderReport report;
};

Result play(const json& track, const std::vector<Frame>& frames) {
  Collect sink;
  const auto reader = rtsp::RtpTrack::create(describe(track), sink);
  REQUIRE(reader);
  const int channel = track["channel"];
  int64_t now_us = 5'000'000;
  for (const Frame& frame : frames) {
    now_us += 1000;
    if (frame.channel == channel) reader->on_rtp(frame.payload, now_us);
    if (frame.channel == channel + 1) reader->on_rtcp(frame.payload, now_us);
  }
  reader->flush(now_us);
  Result result{std::move(sink.units), reader->counters(), reader->sender_report() != nullptr, {}};
  if (result.has_report) result.report = *reader->sender_report();
  return result;
}

bool matches(const Unit& unit, const json& expected) {
  return unit.time == expected["rtp_ts"].get<uint32_t>() && unit.key == expected["key"].get<bool>() &&
         unit.data.size() == expected["size"].get<size_t>() && sha256(unit.data) == expected["sha256"] &&
         (!expected.contains("nals") || expected["nals"] == unit.nals);
}

/// `parent`: access units of the recording that a damaged variant was made from; "intact is right as well"
/// means these.
void check_units(const json& track, const std::vector<Unit>& units, const json& parent) {
  std::map<uint32_t, bool> not_intact;  // time -> intact is right as well
  for (const json& item : track.value("not_intact", json::array())) {
    const bool either = item["why"].get<std::string>().find("is right as well") != std::string::npos;
    not_intact[item["rtp_ts"].get<uint32_t>()] = either;
  }
  size_t next = 0;
  const json& expected = track["access_units"];
  for (const Unit& unit : units) {
    CAPTURE(unit.time);
    CAPTURE(unit.nals);
    CHECK(unit.nals.find("bad") == std::string::npos);
    if (next < expected.size() && !unit.damaged && matches(unit, expected[next])) {
      next++;
      continue;
    }
    REQUIRE_MESSAGE(not_intact.count(unit.time),
                    "neither the next expected access unit nor one that may be damaged");
    if (unit.damaged) continue;
    CHECK_MESSAGE(not_intact[unit.time], "came out as undamaged");
    bool known = false;
    for (const json& other : parent) known = known || matches(unit, other);
    CHECK_MESSAGE(known, "undamaged, but with other bytes than were sent");
  }
  CHECK(next == expected.size());
}

void check_counters(const json& expected, const rtsp::RtpCounters& counters) {
  const std::map<std::string, uint64_t> ours = {{"lost_packets", counters.lost_packets},
                                                {"duplicates", counters.duplicates},
                                                {"malformed_packets", counters.malformed_packets},
                                                {"empty_packets", counters.empty_packets},
                                                {"foreign_payload_type", counters.foreign_payload_type},
                                                {"foreign_packets", counters.foreign_packets},
                                                {"ssrc_changes", counters.ssrc_changes}};
  const std::set<std::string> of_the_client = {"rtsp_messages", "resyncs", "unassigned_frames"};
  for (const auto& [name, value] : expected.items()) {
    CAPTURE(name);
    if (of_the_client.count(name)) continue;
    REQUIRE(ours.count(name));
    CHECK(ours.at(name) == value.get<uint64_t>());
  }
  // What is not named must not have happened.
  for (const char* name :
       {"lost_packets", "foreign_payload_type", "foreign_packets", "ssrc_changes", "duplicates"}) {
    CAPTURE(name);
    if (!expected.contains(name)) CHECK(ours.at(name) == 0);
  }
}

fs::path vectors() {
  const char* root = std::getenv("THIMBLE_TESTDATA");
  return root && fs::exists(fs::path(root) / "rtp") ? fs::path(root) / "rtp" : fs::path();
}

std::vector<fs::path> folders(const fs::path& root) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (fs::exists(entry.path() / "expected.json")) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("recorded RTP streams give exactly the expected access units") {
  if (vectors().empty()) {
    MESSAGE("skipped: recorded RTP streams (THIMBLE_TESTDATA is not set)");
    return;
  }
  int played = 0;
  for (const fs::path& folder : folders(vectors())) {
    CAPTURE(folder.filename().string());
    const json expected = json::parse(read_file(folder / "expected.json"));
    const Data bytes = read_file(folder / "server.bin");
    const size_t begin = expected["media_start"], end = expected["media_end"];
    const std::vector<Frame> frames = split(view(bytes).sub(begin, end - begin));
    for (const json& track : expected["tracks"]) {
      const Result result = play(track, frames);
      played++;
      check_units(track, result.units, json::array());
      CHECK(result.counters.packets == track["rtp_packets"].get<uint64_t>());
      check_counters(json::object(), result.counters);
      CHECK(result.counters.malformed_packets == 0);
      CHECK(result.counters.damaged_units == 0);
      const json& reports = track["sender_reports"];
      REQUIRE(result.has_report == !reports.empty());
      if (!reports.empty()) {
        CHECK(result.report.ntp == std::stoull(reports.back()["ntp"].get<std::string>(), nullptr, 16));
        CHECK(result.report.rtp_time == reports.back()["rtp_ts"].get<uint32_t>());
      }
    }
  }
  CHECK(played > 0);
}

TEST_CASE("damaged RTP streams give exactly the intact access units") {
  if (vectors().empty()) {
    MESSAGE("skipped: damaged RTP streams (THIMBLE_TESTDATA is not set)");
    return;
  }
  int played = 0;
  for (const fs::path& folder : folders(vectors() / "damaged")) {
    const std::string name = folder.filename().string();
    CAPTURE(name);
    const json expected = json::parse(read_file(folder / "expected.json"));
    const json& track = expected["tracks"][0];
    const std::string made_from = expected["made_from"];
    const fs::path parent = vectors() / made_from.substr(0, made_from.find_first_of(", "));
    const json recorded = json::parse(read_file(parent / "expected.json"));
    const Data bytes = read_file(folder / "media.bin");
    const Result result = play(track, split(view(bytes)));
    played++;
    check_units(track, result.units, recorded["tracks"][0]["access_units"]);
    check_counters(expected["counters"], result.counters);

    std::vector<uint32_t> breaks, losses;
    for (const Unit& unit : result.units) {
      if (unit.discontinuity) breaks.push_back(unit.time);
      if (unit.loss_before) losses.push_back(unit.time);
    }
    const bool new_source = name.find("ssrc-change") != std::string::npos;
    CHECK(breaks.size() == (new_source ? 1 : 0));
    if (new_source) CHECK(breaks[0] == track["access_units"][20]["rtp_ts"].get<uint32_t>());
    if (name.find("single-lost") != std::string::npos) {
      CHECK(losses == std::vector<uint32_t>{track["access_units"][1]["rtp_ts"].get<uint32_t>()});
    }
  }
  CHECK(played > 0);
}
