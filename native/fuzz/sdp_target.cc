// Session descriptions, and what is made of their tracks.
#include "fuzz/target.h"
#include "rtsp/rtp_track.h"
#include "rtsp/sdp.h"

namespace thimble::fuzz {

namespace {

class Nowhere final : public rtsp::AccessUnitSink {
 public:
  void on_access_unit(const rtsp::AccessUnit&) override {}
};

/// What goes into a request line: one injected line break would be a request of the camera's choice.
bool is_request_uri(const std::string& url) {
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  }
  return true;
}

bool check(ByteView input) {
  const rtsp::SessionDescription sdp = rtsp::parse_sdp(input.text(), "rtsp://10.0.0.2:554/live?a=1", "");
  const int count = static_cast<int>(sdp.tracks.size());
  expect(count <= 32, "at most 32 sections");
  expect(sdp.video >= -1 && sdp.video < count && sdp.audio >= -1 && sdp.audio < count, "chosen tracks exist");
  expect(is_request_uri(sdp.base_url) && is_request_uri(sdp.aggregate_url), "URLs fit into a request line");
  size_t bytes = 0;
  Nowhere sink;
  for (const rtsp::Track& track : sdp.tracks) {
    expect(is_request_uri(track.control_url), "control URLs fit into a request line");
    expect((track.use == rtsp::TrackUse::kNo) == !track.why.empty(), "what is not used has a reason");
    for (const auto* sets : {&track.vps, &track.sps, &track.pps}) {
      for (const Bytes& set : *sets) bytes += set.size();
    }
    bytes += track.control_url.size() + track.fmtp.size() + track.codec_name.size() + track.media.size();
    if (track.use != rtsp::TrackUse::kNo) rtsp::RtpTrack::create(track, sink);
  }
  expect(bytes < 1u << 20, "a description stays below 1 MiB");
  return sdp.video >= 0;
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> made;
  for (const std::string_view text :
       {"v=0\r\no=- 0 0 IN IP4 10.0.0.2\r\ns=x\r\na=control:*\r\nm=video 0 RTP/AVP "
        "96\r\na=control:trackID=0\r\n"
        "a=rtpmap:96 H264/90000\r\na=fmtp:96 "
        "packetization-mode=1;profile-level-id=64001F;sprop-parameter-sets="
        "Z2QAH6zZQFAFuwEQAAADABAAAAMDIPGDGWA=,aO+8sA==\r\nm=audio 0 RTP/AVP 97\r\na=control:trackID=1\r\n"
        "a=rtpmap:97 MPEG4-GENERIC/48000/2\r\na=fmtp:97 "
        "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;"
        "indexlength=3;indexdeltalength=3;config=1190\r\n",
        "v=0\nm=video 0 RTP/AVP 98\na=rtpmap:98 H265/90000\na=fmtp:98 "
        "sprop-vps=QAEMAf//AWAAAAMAkAAAAwAAAwBdlZgJ;"
        "sprop-sps=QgEBAWAAAAMAkAAAAwAAAwBdoAKAgC0WWVmkkyvAWnCAgICC;sprop-pps=RAHBc9GJ\n"
        "a=control:rtsp://10.0.0.2/live/video\nm=audio 0 RTP/AVP 8\na=recvonly\nm=audio 0 RTP/AVP 99\n"
        "a=rtpmap:99 opus/48000/2\nm=audio 0 RTP/AVP 100\na=rtpmap:100 MP4A-LATM/90000\n"
        "a=fmtp:100 cpresent=0;config=400028103fc0\nm=application 0 RTP/AVP 107\na=sendonly\n"}) {
    made.emplace_back(text.begin(), text.end());
  }
  return made;
}

}  // namespace

Target sdp_target() {
  return {"sdp", check, seeds};
}

}  // namespace thimble::fuzz
