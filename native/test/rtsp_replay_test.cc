// Whole conversations replayed through the client: the same packets however the bytes are cut, and no harm
// from damaged bytes.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <random>

#include "fuzz/standalone.h"
#include "rtsp/framing.h"
#include "rtsp_camera.h"
#include "rtsp_testdata.h"

namespace thimble::test {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;
using rtsp::TrackUse;

// Gives the client the recorded bytes; what it asks is not looked at, the answers are in the recording.
struct Replay {
  explicit Replay(const std::string& url) : camera(config_for(url)) {
    for (const char* method : {"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN"})
      camera.script(method, {""});
    camera.client->start(camera.now_us);
  }
  static rtsp::ClientConfig config_for(const std::string& url) {
    rtsp::ClientConfig config = Camera::default_config();
    config.url = url;
    config.audio_codecs = ~0u;
    return config;
  }
  // In a buffer of its own, so that a read behind the piece is seen.
  void feed(const char* bytes, size_t count) {
    std::unique_ptr<char[]> piece(new char[count]);
    std::memcpy(piece.get(), bytes, count);
    camera.client->receive(ByteView(std::string_view(piece.get(), count)), camera.now_us);
  }
  void feed_in_pieces(const std::string& bytes, size_t longest, std::mt19937* random) {
    for (size_t at = 0; at < bytes.size();) {
      const size_t wanted = random == nullptr ? longest : 1 + (*random)() % longest;
      const size_t count = std::min(wanted, bytes.size() - at);
      feed(bytes.data() + at, count);
      at += count;
    }
  }
  Camera camera;
};

// The frames between media_start and media_end, by the plain rule: "$", channel, length.
std::vector<SeenPacket> recorded_packets(const std::string& bytes, const json& expected) {
  std::map<int, SeenPacket> channels;
  for (const json& track : expected.at("tracks")) {
    const TrackUse use = track.at("media") == "video" ? TrackUse::kVideo : TrackUse::kAudio;
    channels[track.at("channel")] = {use, false, {}};
    channels[track.at("channel").get<int>() + 1] = {use, true, {}};
  }
  std::vector<SeenPacket> packets;
  size_t at = expected.at("media_start");
  const size_t end = expected.at("media_end");
  while (at < end) {
    REQUIRE(bytes[at] == '$');
    const size_t length = read_be16(reinterpret_cast<const uint8_t*>(&bytes[at + 2]));
    SeenPacket packet = channels.at(static_cast<uint8_t>(bytes[at + 1]));
    packet.bytes = bytes.substr(at + 4, length);
    packets.push_back(packet);
    at += 4 + length;
  }
  return packets;
}

// live555 sends its first reports before the PLAY answer, where the recording's media does not begin yet.
bool ends_with(const std::vector<SeenPacket>& seen, const std::vector<SeenPacket>& media) {
  if (seen.size() < media.size() || seen.size() > media.size() + 2) return false;
  const auto begin = seen.end() - static_cast<std::ptrdiff_t>(media.size());
  return std::all_of(seen.begin(), begin, [](const SeenPacket& packet) { return packet.is_rtcp; }) &&
         std::equal(begin, seen.end(), media.begin());
}

// A conversation that needs no recording: answers, frames of both tracks, an answer in between.
std::string made_conversation() {
  std::string bytes =
      "RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, GET_PARAMETER\r\n\r\nRTSP/1.0 401 x\r\nCSeq: 2\r\n"
      "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n\r\n";
  bytes += describe_answer(plain_sdp());
  for (const char* channels : {"0-1", "2-3"}) {
    bytes += answer("200 OK", std::string("Session: 5;timeout=30\r\nTransport: RTP/AVP/TCP;interleaved=") +
                                  channels + "\r\n");
  }
  bytes += answer("200 OK", "RTP-Info: url=track1;seq=1;rtptime=9,url=track2;rtptime=5\r\n");
  for (uint16_t i = 0; i < 60; ++i) {
    bytes += frame(0, rtp(96, i, 1, 40u * i)) + frame(2, rtp(97, i, 2, 80));
    if (i % 20 == 0) bytes += frame(1, rtp(72, i, 1, 16)) + answer("400 Bad Request") + frame(4, rtp(107, i));
  }
  return bytes + "\r\n";
}

}  // namespace

TEST_CASE("rtsp replay: recorded conversations give the same packets in every cut") {
  const fs::path root = testdata("rtp", "rtsp replay");
  if (root.empty()) return;
  const uint32_t seed = std::random_device{}();
  MESSAGE("rtsp replay: seed " << seed);
  std::mt19937 random(seed);
  int conversations = 0;
  for (const fs::path& folder : case_folders(root)) {
    CAPTURE(folder.filename().string());
    CAPTURE(seed);
    const std::string bytes = read_file(folder / "server.bin");
    const json expected = read_json(folder / "expected.json");
    const std::vector<SeenPacket> packets = recorded_packets(bytes, expected);
    const std::string url = expected.at("request_url");
    Replay whole(url);
    whole.feed(bytes.data(), bytes.size());
    if (expected.at("tracks")[0].at("media") == "audio") {
      CHECK(whole.camera.outcome == rtsp::Outcome::kNoVideo);
      continue;
    }
    ++conversations;
    CHECK(whole.camera.playing);
    CHECK(whole.camera.client->counters().resyncs == 0);
    CHECK(ends_with(whole.camera.packets, packets));
    Replay bytewise(url);
    bytewise.feed_in_pieces(bytes, 1, nullptr);
    CHECK((bytewise.camera.packets == whole.camera.packets));
    CHECK(bytewise.camera.client->counters().resyncs == 0);
    for (size_t longest : {size_t{3}, size_t{50}, size_t{2000}, size_t{20000}}) {
      Replay cut(url);
      cut.feed_in_pieces(bytes, longest, &random);
      CAPTURE(longest);
      CHECK((cut.camera.packets == whole.camera.packets));
    }
  }
  CHECK(conversations >= 13);
}

TEST_CASE("rtsp replay: damaged recordings are framed without losing a whole frame") {
  const fs::path root = testdata("rtp/damaged", "rtsp replay of damaged recordings");
  if (root.empty()) return;
  struct Counter final : rtsp::StreamSink {
    void on_frame(uint8_t channel, ByteView) override { ++(channel < 2 ? frames : unassigned); }
    void on_message(const rtsp::Message&) override { ++messages; }
    void on_broken(const char*) override { broken = true; }
    int frames = 0, unassigned = 0, messages = 0;
    bool broken = false;
  };
  for (const fs::path& folder : case_folders(root)) {
    CAPTURE(folder.filename().string());
    const std::string bytes = read_file(folder / "media.bin");
    const json counters = read_json(folder / "expected.json").value("counters", json::object());
    Counter seen[2];
    for (size_t step : {bytes.size(), size_t{13}}) {
      Counter& counter = seen[step == 13];
      rtsp::Framing framing(counter);
      framing.assign(0);
      framing.assign(1);
      for (size_t at = 0; at < bytes.size(); at += step)
        framing.receive(ByteView(std::string_view(bytes).substr(at, step)));
      CHECK_FALSE(counter.broken);
      CHECK(framing.resyncs() == counters.value("resyncs", uint64_t{0}));
      CHECK(counter.unassigned == counters.value("unassigned_frames", 0));
      CHECK(counter.messages == counters.value("rtsp_messages", 0));
    }
    CHECK(seen[0].frames == seen[1].frames);
    CHECK(seen[0].frames > 0);
  }
}

TEST_CASE("rtsp replay: a made conversation gives the same packets in every cut") {
  const std::string bytes = made_conversation();
  Replay whole(kCameraUrl);
  whole.feed(bytes.data(), bytes.size());
  CHECK(whole.camera.playing);
  CHECK(whole.camera.packets.size() == 123);
  CHECK(whole.camera.client->counters().unassigned_frames == 3);
  for (size_t longest : {size_t{1}, size_t{2}, size_t{5}, size_t{700}}) {
    Replay cut(kCameraUrl);
    cut.feed_in_pieces(bytes, longest, nullptr);
    CHECK((cut.camera.packets == whole.camera.packets));
  }
}

TEST_CASE("rtsp mutation: damaged recordings do no harm") {
  const fs::path root = testdata("rtp", "rtsp mutation of recordings");
  if (root.empty()) return;
  std::vector<fuzz::Bytes> recordings;
  for (const char* name : {"av-gst-h264-aac", "av-go2rtc-h264-aac", "h265-gst-ap-fu"}) {
    const std::string bytes = read_file(root / name / "server.bin");
    // The fuzz target's first byte says how the rest is cut into pieces.
    recordings.push_back({90});
    recordings.back().insert(recordings.back().end(), bytes.begin(), bytes.end());
  }
  const uint32_t seed = std::random_device{}();
  MESSAGE("rtsp mutation: seed " << seed);
  const fuzz::Effort effort =
      fuzz::run_for(fuzz::rtsp_target(), recordings, seed, std::chrono::milliseconds(1000), std::nullopt);
  CHECK(effort.rounds > 10);
  CHECK(effort.through > 0);
}

}  // namespace thimble::test
