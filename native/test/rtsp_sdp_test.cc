// Session descriptions: the rules for tracks, formats, parameter sets and AAC, each in a few lines of SDP.
#include <doctest/doctest.h>

#include "rtsp/sdp.h"
#include "rtsp/sdp_formats.h"

namespace thimble::test {
namespace {

using rtsp::Codec;
using rtsp::TrackUse;

rtsp::SessionDescription parse(const std::string& body) {
  return rtsp::parse_sdp(body, "rtsp://u:p@192.0.2.1/s", "");
}

using Bytes = std::vector<uint8_t>;

}  // namespace

TEST_CASE("rtsp sdp: only m= is needed, line ends and blanks are anybody's") {
  const auto d = parse(
      "\xEF\xBB\xBFv=0\rm=Video\t0 rtp/avp 96 \n a=rtpmap:96 h264/90000 \r\n\r\na=control: track1 \n\n");
  REQUIRE(d.tracks.size() == 1);
  CHECK(d.video == 0);
  CHECK(d.audio == -1);
  CHECK(d.tracks[0].codec == Codec::kH264);
  CHECK(d.tracks[0].control_url == "rtsp://192.0.2.1/s/track1");
  CHECK(d.aggregate_url == "rtsp://192.0.2.1/s");
  CHECK(parse("").tracks.empty());
  CHECK(parse("m=").tracks.size() == 1);
}

TEST_CASE("rtsp sdp: an absolute session control replaces the base, the first control of a section counts") {
  const auto d = rtsp::parse_sdp(
      "a=control:rtsp://u:p@h/agg/\nm=video 0 RTP/AVP 96\na=rtpmap:96 "
      "H265/90000\na=control:t1\na=control:t2\n",
      "rtsp://192.0.2.1/s", "rtsp://192.0.2.1/base/");
  CHECK(d.base_url == "rtsp://192.0.2.1/base/");
  CHECK(d.aggregate_url == "rtsp://h/agg/");
  CHECK(d.tracks.at(0).control_url == "rtsp://h/agg/t1");
}

TEST_CASE("rtsp sdp: tracks are chosen by codec, profile and direction") {
  const auto d = parse(
      "m=video 0 RTP/SAVP 96\na=rtpmap:96 H264/90000\nm=video 0 RTP/AVP 26\nm=video 0 RTP/AVP 26 "
      "97\na=rtpmap:97 H264/90000\n"
      "m=video 0 RTP/AVP 98\na=rtpmap:98 H265/90000\nm=audio 0 RTP/AVP 0\na=sendonly\nm=audio 0 RTP/AVP "
      "0\na=inactive\n"
      "m=audio 0 RTP/AVP 99 8\na=rtpmap:99 G726-32/8000\nm=audio 0 RTP/AVP 0\nm=application/X 0 RTP/AVP "
      "smart/1/90000\n");
  REQUIRE(d.tracks.size() == 9);
  CHECK(d.video == 2);
  CHECK(d.tracks[2].payload_type == 97);
  CHECK(d.audio == 6);
  CHECK(d.tracks[6].payload_type == 8);
  const char* const why[] = {
      "profile not RTP/AVP", "codec not supported", "", "second video track", "backchannel", "inactive", "",
      "second audio track",  "not audio or video"};
  for (size_t i = 0; i < 9; ++i) CHECK(d.tracks[i].why == why[i]);
  const auto wrong_way =
      parse("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=sendonly\nm=audio 0 RTP/AVP 0\na=sendonly\n");
  CHECK(wrong_way.video == 0);
  CHECK(wrong_way.audio == 1);
}

TEST_CASE("rtsp sdp: rtpmap wins over the static type, Opus has one clock, PCM is no L16") {
  const auto d = parse(
      "a=recvonly\nm=audio 0 RTP/AVP 8\na=rtpmap:8 PCMU/8000\nm=audio 0 RTP/AVP 96\na=rtpmap:96 "
      "opus/8000/1\nm=audio 0 RTP/AVP 11\n"
      "a=rtpmap:11 PCM/48000\nm=audio 0 RTP/AVP 10\nm=audio 0 RTP/AVP 5 200 -1\n");
  REQUIRE(d.tracks.size() == 5);
  CHECK(d.tracks[0].codec == Codec::kPcmu);
  CHECK(d.tracks[0].direction == rtsp::Direction::kRecvOnly);
  CHECK(d.tracks[1].clock_rate == 48000);
  CHECK(d.tracks[1].channels == 2);
  CHECK(d.tracks[2].codec == Codec::kUnknown);
  CHECK(d.tracks[3].channels == 2);
  CHECK(d.tracks[3].clock_rate == 44100);
  CHECK(d.tracks[4].payload_type == 5);
}

TEST_CASE("rtsp sdp: fmtp is looked for in the own section, then everywhere, then the only one is taken") {
  const auto d = parse(
      "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\nm=audio 0 RTP/AVP 104\na=rtpmap:104 "
      "MPEG4-GENERIC/16000\n"
      "a=fmtp:97 config=1408\nm=text 0 RTP/AVP 5\na=fmtp:96 ;Sprop-Parameter-Sets = Z0LAKA==,aM4PyA==;\n");
  REQUIRE(d.tracks.size() == 3);
  CHECK(d.tracks[0].sps == std::vector<Bytes>{{0x67, 0x42, 0xc0, 0x28}});
  CHECK(d.tracks[0].pps == std::vector<Bytes>{{0x68, 0xce, 0x0f, 0xc8}});
  REQUIRE(d.tracks[1].aac);
  CHECK_FALSE(d.tracks[1].aac->config_derived);
}

TEST_CASE("rtsp sdp: parameter sets lose start codes and zeros; what is no parameter set is left out") {
  const auto sets = [](const std::string& value) {
    return parse("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=" + value +
                 "\n")
        .tracks.at(0);
  };
  const Bytes sps = {0x67, 0x42, 0xc0, 0x28}, pps = {0x68, 0xce, 0x0f, 0xc8};
  // 00000001 + SPS, 00000001 + PPS + 0000 in one value, without padding.
  const auto joined = sets("AAAAAWdCwCgAAAABaM4PyAAA");
  CHECK(joined.sps == std::vector<Bytes>{sps});
  CHECK(joined.pps == std::vector<Bytes>{pps});
  const auto swapped = sets("aM4PyA, Z0LAKA,Z0LAKA");
  CHECK(swapped.sps == std::vector<Bytes>{sps});
  CHECK(swapped.pps == std::vector<Bytes>{pps});
  for (const char* bad : {"", "!!", "QsAo,zg", "AAAA", "A", "Z0I="}) {
    CAPTURE(bad);
    CHECK(sets(bad).sps.empty());
    CHECK(sets(bad).use == TrackUse::kVideo);
  }
  const auto hevc = parse(
      "m=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\na=fmtp:96 sprop-vps=QAEMAQ==;sprop-sps=QgEBAQ==; "
      "sprop-pps=RAHAcg==\n");
  CHECK(hevc.tracks.at(0).vps == std::vector<Bytes>{{0x40, 0x01, 0x0c, 0x01}});
  CHECK(hevc.tracks.at(0).sps == std::vector<Bytes>{{0x42, 0x01, 0x01, 0x01}});
  CHECK(hevc.tracks.at(0).pps == std::vector<Bytes>{{0x44, 0x01, 0xc0, 0x72}});
}

TEST_CASE("rtsp sdp: AAC lengths default to 13/3/3 and a bad config is derived from the rtpmap") {
  const auto aac = rtsp::read_aac("config=1190; SizeLength=6;indexLength=2;IndexDeltaLength=2", 8000, 1);
  REQUIRE(aac);
  CHECK(aac->sample_rate == 48000);
  CHECK(aac->channels == 2);
  CHECK(aac->size_length == 6);
  CHECK(aac->index_delta_length == 2);
  for (const char* fmtp :
       {"", "config=140", "config=zz", "config=", "config=00", "sizelength=99;config=ffff"}) {
    CAPTURE(fmtp);
    const auto derived = rtsp::read_aac(fmtp, 44100, 2);
    REQUIRE(derived);
    CHECK(derived->config_derived);
    CHECK(derived->config == Bytes{0x12, 0x10});
    CHECK(derived->size_length == 13);
    CHECK(derived->index_length == 3);
  }
  const auto odd_rate = rtsp::read_aac("", 12345, 1);
  REQUIRE(odd_rate);
  CHECK(odd_rate->sample_rate == 12345);
  CHECK_FALSE(rtsp::read_aac("", 0, 1));
}

TEST_CASE("rtsp sdp: thousands of sections, formats and attributes are bounded") {
  std::string body;
  for (int i = 0; i < 3000; ++i) body += "m=video 0 RTP/AVP 26\n";
  body += "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n";
  CHECK(parse(body).tracks.size() == 32);
  CHECK(parse(body).video == -1);
  // One long value that applies to every section must not be copied into each.
  std::string copies =
      "a=control:rtsp://h/" + std::string(20000, 'c') + "\na=fmtp:96 x=" + std::string(40000, 'f') + "\n";
  for (int i = 0; i < 100; ++i) copies += "m=video 0 RTP/AVP 96\n";
  size_t bytes = 0;
  for (const rtsp::Track& track : parse(copies).tracks) bytes += track.control_url.size() + track.fmtp.size();
  CHECK(bytes < 10000);
  std::string formats = "m=video 0 RTP/AVP";
  for (int i = 0; i < 20000; ++i) formats += " 5";
  CHECK(parse(formats + " 96\na=rtpmap:96 H264/90000\n").tracks.size() == 1);
  std::string fmtps = "m=audio 0 RTP/AVP 0\n";
  for (int i = 0; i < 6000; ++i) fmtps += "a=fmtp:1 x\n";
  CHECK(parse(fmtps).audio == 0);
  CHECK(parse(std::string(200000, 'm')).tracks.empty());
}

TEST_CASE("rtsp sdp: base64 with and without padding") {
  Bytes out;
  CHECK(rtsp::decode_base64("AQID", &out));
  CHECK(out == Bytes{1, 2, 3});
  CHECK(rtsp::decode_base64("AQI", &out));
  CHECK(out == Bytes{1, 2});
  CHECK(rtsp::decode_base64("AQ== ", &out));
  CHECK(out == Bytes{1});
  CHECK_FALSE(rtsp::decode_base64("AQIDB", &out));
  CHECK_FALSE(rtsp::decode_base64("A?==", &out));
}

}  // namespace thimble::test
