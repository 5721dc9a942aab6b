// See served_track.h.
#include "rtsp/served_track.h"

#include <cstdio>

extern "C" {
#include <libavutil/base64.h>
}

namespace thimble::rtsp {

namespace {

using Sets = std::vector<std::vector<uint8_t>>;

std::string base64(const std::vector<uint8_t>& bytes) {
  std::vector<char> out(AV_BASE64_SIZE(bytes.size()));
  av_base64_encode(out.data(), static_cast<int>(out.size()), bytes.data(), static_cast<int>(bytes.size()));
  return out.data();
}

std::string base64_list(const Sets& sets) {
  std::string out;
  for (const auto& set : sets) out += (out.empty() ? "" : ",") + base64(set);
  return out;
}

std::string hex(const uint8_t* bytes, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back("0123456789ABCDEF"[bytes[i] >> 4]);
    out.push_back("0123456789ABCDEF"[bytes[i] & 15]);
  }
  return out;
}

std::string name_of(const ServedTrack& track) {
  switch (track.codec) {
    case Codec::kH264:
      return "H264";
    case Codec::kH265:
      return "H265";
    case Codec::kAac:
      return "MPEG4-GENERIC";
    case Codec::kOpus:
      return "opus";
    case Codec::kPcmu:
      return "PCMU";
    case Codec::kPcma:
      return "PCMA";
    case Codec::kL16:
      return "L16";
    default:
      return "";
  }
}

std::string format_of(const ServedTrack& track) {
  if (track.codec == Codec::kH264) {
    std::string text = "packetization-mode=1";
    if (!track.sps.empty() && track.sps[0].size() >= 4)
      text += ";profile-level-id=" + hex(track.sps[0].data() + 1, 3);
    Sets sets = track.sps;
    sets.insert(sets.end(), track.pps.begin(), track.pps.end());
    return sets.empty() ? text : text + ";sprop-parameter-sets=" + base64_list(sets);
  }
  if (track.codec == Codec::kH265) {
    return "sprop-vps=" + base64_list(track.vps) + ";sprop-sps=" + base64_list(track.sps) +
           ";sprop-pps=" + base64_list(track.pps);
  }
  if (track.codec == Codec::kAac) {
    return "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;"
           "config=" +
           hex(track.config.data(), track.config.size());
  }
  // RFC 7587 7: without it a receiver may play the left channel only.
  if (track.codec == Codec::kOpus) return "sprop-stereo=1;stereo=1";
  return "";
}

}  // namespace

int ServedTrack::payload_type() const {
  if (is_video()) return 96;
  const bool telephone = clock_rate == 8000 && channels <= 1;
  if (codec == Codec::kPcmu && telephone) return 0;
  return codec == Codec::kPcma && telephone ? 8 : 97;
}

bool ServedTrack::goes_on_as(const ServedTrack& other) const {
  return codec == other.codec && clock_rate == other.clock_rate && channels == other.channels &&
         config == other.config;
}

std::string write_sdp(const std::vector<ServedTrack>& tracks) {
  std::string sdp =
      "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=Thimble\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
      "a=range:npt=now-\r\n";
  for (size_t i = 0; i < tracks.size(); ++i) {
    const ServedTrack& track = tracks[i];
    const std::string type = std::to_string(track.payload_type());
    sdp += (track.is_video() ? "m=video 0 RTP/AVP " : "m=audio 0 RTP/AVP ") + type + "\r\n";
    sdp += "a=rtpmap:" + type + " " + name_of(track) + "/" + std::to_string(track.clock_rate);
    if (!track.is_video() && track.channels > 1) sdp += "/" + std::to_string(track.channels);
    sdp += "\r\n";
    const std::string format = format_of(track);
    if (!format.empty()) sdp += "a=fmtp:" + type + " " + format + "\r\n";
    if (track.fps >= 1 && track.fps <= 240) {
      char rate[32];
      std::snprintf(rate, sizeof rate, "a=framerate:%.3f\r\n", track.fps);
      sdp += rate;
    }
    sdp += "a=recvonly\r\na=control:trackID=" + std::to_string(i) + "\r\n";
  }
  return sdp;
}

}  // namespace thimble::rtsp
