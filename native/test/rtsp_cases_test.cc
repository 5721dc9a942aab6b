// The answers of real cameras and servers: what we read from each, field by field, and where it leads the
// client.
#include <doctest/doctest.h>

#include <optional>

#include "rtsp/answer_headers.h"
#include "rtsp/digest.h"
#include "rtsp/framing.h"
#include "rtsp/sdp.h"
#include "rtsp/text.h"
#include "rtsp/url.h"
#include "rtsp_camera.h"
#include "rtsp_testdata.h"

namespace thimble::test {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;
using rtsp::Message;

// The one message of a file; its body is a copy that lives here.
struct OneMessage final : rtsp::StreamSink {
  explicit OneMessage(const std::string& bytes) {
    rtsp::Framing framing(*this);
    framing.allow_open_body(true);
    framing.receive(ByteView(bytes));
    framing.finish_open_body();
    resyncs = framing.resyncs();
  }
  void on_frame(uint8_t, ByteView) override {}
  void on_message(const Message& given) override {
    ++count;
    message = given;
    body.assign(given.body);
    message.body = body;
  }
  void on_broken(const char*) override { broken = true; }

  int count = 0;
  bool broken = false;
  uint64_t resyncs = 0;
  Message message;
  std::string body;
};

std::string hex(const std::vector<uint8_t>& bytes) {
  static const char kHex[] = "0123456789abcdef";
  std::string out;
  for (uint8_t b : bytes) {
    out.push_back(kHex[b >> 4]);
    out.push_back(kHex[b & 15]);
  }
  return out;
}

std::vector<std::string> hex_list(const std::vector<std::vector<uint8_t>>& sets) {
  std::vector<std::string> out;
  for (const auto& set : sets) out.push_back(hex(set));
  return out;
}

const char* direction_name(rtsp::Direction direction) {
  static const char* const kNames[] = {"", "sendrecv", "sendonly", "recvonly", "inactive"};
  return kNames[static_cast<int>(direction)];
}

std::string text_or_empty(const json& value) {
  return value.is_null() ? "" : value.get<std::string>();
}
int number_or(const json& value, int fallback) {
  return value.is_null() ? fallback : value.get<int>();
}

void check_aac(const json& expected, const rtsp::Track& track) {
  REQUIRE(track.aac);
  const bool derived = expected.contains("derived_config");
  CHECK(track.aac->config_derived == derived);
  CHECK(hex(track.aac->config) == expected.at(derived ? "derived_config" : "config").get<std::string>());
  CHECK(track.aac->object_type == expected.at("object_type").get<int>());
  CHECK(track.aac->sample_rate == expected.at("sample_rate").get<uint32_t>());
  CHECK(track.aac->channels == expected.at("channels").get<int>());
  const auto bits = [&](const char* name, int missing) {
    return expected.at(name).is_null() ? missing : std::stoi(expected.at(name).get<std::string>());
  };
  CHECK(track.aac->size_length == bits("sizelength", 13));
  CHECK(track.aac->index_length == bits("indexlength", 3));
  CHECK(track.aac->index_delta_length == bits("indexdeltalength", 3));
}

void check_track(const json& expected, const rtsp::Track& track) {
  CAPTURE(track.index);
  CHECK(track.index == expected.at("index").get<int>());
  CHECK(track.media == expected.at("media").get<std::string>());
  CHECK(track.control_url == expected.at("control_url").get<std::string>());
  CHECK(direction_name(track.direction) == text_or_empty(expected.at("direction")));
  CHECK(track.payload_type == number_or(expected.at("payload_type"), -1));
  CHECK(track.codec_name == text_or_empty(expected.at("codec")));
  CHECK(static_cast<int>(track.clock_rate) == number_or(expected.at("clock_rate"), 0));
  CHECK(track.channels == number_or(expected.at("channels"), 0));
  const char* const kUses[] = {"no", "video", "audio"};
  CHECK(kUses[static_cast<int>(track.use)] == expected.at("use").get<std::string>());
  CHECK(track.why == expected.value("why", ""));
  for (const char* codec : {"h264", "h265"}) {
    if (!expected.contains(codec)) continue;
    CHECK(hex_list(track.sps) == expected.at(codec).at("sps").get<std::vector<std::string>>());
    CHECK(hex_list(track.pps) == expected.at(codec).at("pps").get<std::vector<std::string>>());
    if (codec[3] == '5')
      CHECK(hex_list(track.vps) == expected.at(codec).at("vps").get<std::vector<std::string>>());
  }
  if (expected.contains("aac")) check_aac(expected.at("aac"), track);
  if (expected.contains("latm") && !expected.at("latm").at("config").is_null()) {
    CHECK(track.codec == rtsp::Codec::kAacLatm);
    CHECK(track.fmtp.find(expected.at("latm").at("config").get<std::string>()) != std::string::npos);
  }
}

void check_description(const json& expected, const rtsp::SessionDescription& description) {
  CHECK(description.aggregate_url == expected.at("aggregate_url").get<std::string>());
  CHECK(description.video == number_or(expected.at("video"), -1));
  CHECK(description.audio == number_or(expected.at("audio"), -1));
  const json& tracks = expected.at("tracks");
  REQUIRE(description.tracks.size() == tracks.size());
  for (size_t i = 0; i < tracks.size(); ++i) check_track(tracks[i], description.tracks[i]);
}

void check_session(const json& expected, const Message& answer) {
  const std::optional<rtsp::SessionHeader> session = rtsp::parse_session(answer);
  REQUIRE(session.has_value() == !expected.is_null());
  if (!session) return;
  CHECK(session->id == expected.at("id").get<std::string>());
  CHECK(session->timeout_s.value_or(60) == expected.at("timeout_s").get<uint32_t>());
}

rtsp::SessionDescription check_describe(const json& expected, const fs::path& folder) {
  const std::string request_url = expected.at("request_url");
  if (!fs::exists(folder / "describe.txt")) {
    if (!fs::exists(folder / "sdp.txt")) return rtsp::parse_sdp("", request_url, "");
    const auto description = rtsp::parse_sdp(read_file(folder / "sdp.txt"), request_url, "");
    check_description(expected, description);
    return description;
  }
  const OneMessage read(read_file(folder / "describe.txt"));
  CHECK_FALSE(read.broken);
  const json& describe = expected.at("describe");
  if (expected.at("outcome") == "timeout") {
    CHECK(read.count == 0);
    return {};
  }
  REQUIRE(read.count == 1);
  CHECK(read.message.version == describe.at("version").get<std::string>());
  CHECK(read.message.status == describe.at("status").get<int>());
  CHECK(read.body.size() == describe.at("body_bytes").get<size_t>());
  if (const std::string* cseq = read.message.header("CSeq"))
    CHECK(std::stoi(*cseq) == describe.at("cseq").get<int>());
  check_session(describe.at("session"), read.message);
  const std::string* base = read.message.header("Content-Base");
  CHECK((base == nullptr ? "" : *base) == text_or_empty(describe.at("content_base")));
  if (base == nullptr || base->empty()) base = read.message.header("Content-Location");
  auto description = rtsp::parse_sdp(read.body, request_url, base == nullptr ? "" : *base);
  CHECK(description.base_url == describe.at("base_url").get<std::string>());
  check_description(expected, description);
  return description;
}

void check_setup(const json& expected, const fs::path& folder) {
  const OneMessage read(read_file(folder / expected.at("file").get<std::string>()));
  REQUIRE(read.count == 1);
  CHECK(read.message.status == expected.at("status").get<int>());
  check_session(expected.at("session"), read.message);
  if (read.message.status != 200) return;
  const rtsp::TransportHeader transport = rtsp::parse_transport(read.message);
  if (expected.at("interleaved").is_null()) {
    CHECK(transport.other_transport);
  } else {
    CHECK_FALSE(transport.other_transport);
    CHECK(transport.interleaved == !expected.contains("interleaved_from"));
    if (transport.interleaved) {
      CHECK(transport.rtp_channel == expected.at("interleaved")[0].get<int>());
      CHECK(transport.rtcp_channel == expected.at("interleaved")[1].get<int>());
    }
  }
  REQUIRE(transport.ssrc.has_value() == !expected.at("ssrc").is_null());
  if (transport.ssrc)
    CHECK(*transport.ssrc == std::stoul(expected.at("ssrc").get<std::string>(), nullptr, 16));
}

void check_play(const json& expected, const fs::path& folder, const std::string& base) {
  const OneMessage read(read_file(folder / expected.at("file").get<std::string>()));
  REQUIRE(read.count == 1);
  CHECK(read.message.status == expected.at("status").get<int>());
  check_session(expected.at("session"), read.message);
  const std::vector<rtsp::RtpInfo> parts = rtsp::parse_rtp_info(read.message);
  REQUIRE(parts.size() == expected.at("rtp_info").size());
  for (size_t i = 0; i < parts.size(); ++i) {
    const json& part = expected.at("rtp_info")[i];
    CHECK(rtsp::join_control(base, parts[i].url) == part.at("url").get<std::string>());
    REQUIRE(parts[i].sequence.has_value() == !part.at("seq").is_null());
    if (parts[i].sequence) CHECK(*parts[i].sequence == part.at("seq").get<int>());
    REQUIRE(parts[i].rtp_time.has_value() == !part.at("rtptime").is_null());
    if (parts[i].rtp_time) CHECK(*parts[i].rtp_time == part.at("rtptime").get<uint32_t>());
  }
}

std::string quoted_value(const std::string& header, const std::string& name) {
  const size_t at = header.find(" " + name + "=\"");
  if (at == std::string::npos) return {};
  const size_t begin = at + name.size() + 3;
  return header.substr(begin, header.find('"', begin) - begin);
}

void check_auth(const json& auth, const Message& refusal) {
  const std::string user = auth.at("username"), password = auth.at("password");
  rtsp::Authenticator authenticator(user, password, 1);
  REQUIRE(authenticator.on_unauthorized(refusal, false, 0) == rtsp::Authenticator::Advice::kRepeat);
  if (auth.at("scheme") == "Basic") {
    CHECK(authenticator.authorization("DESCRIBE", "rtsp://x/") ==
          auth.at("authorization").get<std::string>());
    return;
  }
  const std::string method = auth.at("method"), uri = auth.at("uri");
  const std::string header = authenticator.authorization(method, uri);
  CAPTURE(header);
  CHECK(rtsp::begins_with(header, "Digest username=\"admin\", "));
  CHECK(quoted_value(header, "nonce") == auth.at("nonce").get<std::string>());
  CHECK(quoted_value(header, "uri") == uri);
  const bool qop = !auth.at("qop").is_null();
  CHECK((header.find("qop=auth, nc=00000001") != std::string::npos) == qop);
  if (!auth.at("opaque").is_null())
    CHECK(header.find("opaque=\"" + auth.at("opaque").get<std::string>() + "\"") != std::string::npos);
  for (const rtsp::Challenge& challenge : rtsp::parse_challenges(refusal)) {
    if (challenge.nonce != auth.at("nonce").get<std::string>()) continue;
    rtsp::DigestInput input = {user, password, method, uri, {}, 1};
    const std::string own_cnonce = quoted_value(header, "cnonce"), given_cnonce = auth.value("cnonce", "");
    input.cnonce = own_cnonce;
    CHECK(rtsp::digest_response(challenge, input) == quoted_value(header, "response"));
    input.cnonce = given_cnonce;
    CHECK(rtsp::digest_response(challenge, input) == auth.at("response").get<std::string>());
    return;
  }
  FAIL("the challenge was not read");
}

// The error answer that a case is about; empty when it is about none.
fs::path error_file(const fs::path& folder) {
  for (const char* name : {"answer.txt", "unauthorized.txt"}) {
    if (fs::exists(folder / name)) return folder / name;
  }
  return {};
}

// The request that it answers.
std::string error_to(const json& expected) {
  for (const char* kind : {"answer", "unauthorized"}) {
    if (expected.contains(kind)) return expected.at(kind).value("to", "DESCRIBE");
  }
  return "DESCRIBE";
}

// Lets a client talk to a camera that gives the files of the case where they belong and plain answers
// elsewhere.
std::unique_ptr<Camera> converse(const json& expected, const fs::path& folder) {
  rtsp::ClientConfig config = Camera::default_config();
  config.url = expected.at("request_url");
  config.audio_codecs = ~0u;
  auto camera = std::make_unique<Camera>(config);
  if (fs::exists(folder / "options.txt")) camera->script("OPTIONS", {read_file(folder / "options.txt")});
  if (fs::exists(folder / "describe.txt")) camera->script("DESCRIBE", {read_file(folder / "describe.txt")});
  if (fs::exists(folder / "sdp.txt")) {
    camera->script("DESCRIBE",
                   {answer("200 OK", "Content-Type: application/sdp\r\n", read_file(folder / "sdp.txt"))});
  }
  std::deque<std::string> setups;
  for (const char* name : {"setup-0.txt", "setup-1.txt"}) {
    if (fs::exists(folder / name)) setups.push_back(read_file(folder / name));
  }
  if (setups.size() == 1)
    setups.push_back(answer("200 OK", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3\r\n"));
  if (!setups.empty()) camera->script("SETUP", setups);
  if (fs::exists(folder / "play.txt")) camera->script("PLAY", {read_file(folder / "play.txt")});
  if (fs::exists(folder / "play-stream.bin")) camera->script("PLAY", {read_file(folder / "play-stream.bin")});
  if (!error_file(folder).empty()) camera->script(error_to(expected), {read_file(error_file(folder))});
  camera->start();
  return camera;
}

void check_outcome(const json& expected, const fs::path& folder) {
  const std::string wanted = expected.at("outcome");
  const std::string to = error_to(expected);
  if (to == "FROB") return;  // a method that the client never uses
  const auto camera = converse(expected, folder);
  if (!camera->playing && !camera->outcome) {
    camera->advance(600'000);  // a body without a length ends by silence
    camera->answer_all();
  }
  if (wanted == "timeout") camera->advance(15'000'000);
  CAPTURE(camera->message);
  const bool asked_for_udp = expected.contains("setup") && expected.at("setup")[0].contains("requested");
  const bool harmless = wanted == "ok" || !expected.value("fatal", true) || to == "GET_PARAMETER";
  if (harmless && !asked_for_udp) {
    CHECK(camera->playing);
    CHECK_FALSE(camera->outcome.has_value());
  } else {
    REQUIRE(camera->outcome.has_value());
    CHECK(std::string(rtsp::outcome_name(*camera->outcome)) ==
          (asked_for_udp ? "unsupported_transport" : wanted));
  }
  CHECK(camera->message.find("Thimble-12") == std::string::npos);
  for (const std::string& text : camera->sent) {
    CHECK(text.find("Thimble-12") == std::string::npos);
    CHECK(text.find("Require") == std::string::npos);
    CHECK(text.find("\r\nUser-Agent: Thimble/1\r\n") != std::string::npos);
  }
  if (expected.contains("answer") && expected.at("answer").contains("location")) {
    CHECK(camera->client->redirect_url() == expected.at("answer").at("location").get<std::string>());
  }
  if (expected.contains("stream")) {
    size_t rtp_packets = 0;
    for (const SeenPacket& packet : camera->packets) rtp_packets += packet.is_rtcp ? 0 : 1;
    CHECK(rtp_packets == 2);
  }
  if (to != "GET_PARAMETER") return;
  camera->advance(21'000'000);
  camera->answer_all();
  CHECK_FALSE(camera->outcome.has_value());
  const auto keep_alives = camera->asked("GET_PARAMETER");
  if (expected.contains("auth")) {
    REQUIRE(keep_alives.size() == 2);
    CHECK(Camera::header(keep_alives[1], "Authorization").find("Digest") == 0);
  } else {
    camera->advance(2'000'000);
    REQUIRE(camera->outcome.has_value());
    CHECK(std::string(rtsp::outcome_name(*camera->outcome)) == wanted);
  }
}

}  // namespace

TEST_CASE("rtsp cases: every answer is read and followed as expected") {
  const fs::path root = testdata("rtsp", "rtsp cases");
  if (root.empty()) return;
  const std::vector<fs::path> folders = case_folders(root);
  CHECK(folders.size() >= 164);
  for (const fs::path& folder : folders) {
    CAPTURE(folder.filename().string());
    const json expected = read_json(folder / "expected.json");
    const rtsp::SessionDescription description = check_describe(expected, folder);
    if (expected.contains("setup")) {
      for (const json& setup : expected.at("setup")) check_setup(setup, folder);
    }
    if (expected.contains("play")) check_play(expected.at("play"), folder, description.aggregate_url);
    if (!error_file(folder).empty()) {
      const OneMessage read(read_file(error_file(folder)));
      CHECK((read.broken ? 0 : 1) == read.count);
      CHECK((read.count == 1 || expected.at("outcome") == "bad_response"));
      for (const char* kind : {"unauthorized", "answer"}) {
        if (read.count == 1 && expected.contains(kind))
          CHECK(read.message.status == expected.at(kind).at("status").get<int>());
      }
      const bool challenge = expected.contains("auth") && !expected.at("auth").is_null();
      if (challenge) check_auth(expected.at("auth"), read.message);
    }
    if (expected.contains("auth") && expected.at("auth").is_null())
      CHECK(expected.at("outcome") == "auth_unsupported");
    check_outcome(expected, folder);
  }
}

}  // namespace thimble::test
