// Reads session descriptions (RFC 8866) as cameras write them, and chooses the tracks to record.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::rtsp {

enum class Codec { kUnknown, kH264, kH265, kAac, kAacLatm, kOpus, kPcmu, kPcma, kL16 };
enum class Direction { kNone, kSendRecv, kSendOnly, kRecvOnly, kInactive };
enum class TrackUse { kNo, kVideo, kAudio };

/// One m= section. Strings are copies, bounded by the size of the description.
struct Track {
  int index = 0;            ///< position among the m= sections
  std::string media;        ///< "video", "audio", ...
  std::string control_url;  ///< absolute
  Direction direction = Direction::kNone;
  int payload_type = -1;
  Codec codec = Codec::kUnknown;
  std::string codec_name;   ///< upper case, as in the rtpmap or of the static type
  uint32_t clock_rate = 0;  ///< Hz
  int channels = 0;         ///< 0 = not given
  std::string fmtp;         ///< the parameters that apply to payload_type
  TrackUse use = TrackUse::kNo;
  std::string why;  ///< for kNo: the reason in words

  std::vector<std::vector<uint8_t>> vps, sps, pps;  ///< without start codes and trailing zeros; may be empty

  struct Aac {
    /// AudioSpecificConfig; derived from rate and channels where the SDP has none.
    std::vector<uint8_t> config;
    bool config_derived = false;
    int object_type = 0;
    uint32_t sample_rate = 0;  ///< of the decoded sound
    int channels = 0;
    int size_length = 13, index_length = 3, index_delta_length = 3;  ///< RFC 3640, bits
  };
  /// Of kAac always when the track is used; of kAacLatm only with a config in the description.
  std::optional<Aac> aac;
};

struct SessionDescription {
  std::string base_url;       ///< repaired Content-Base / Content-Location / request URL, no userinfo
  std::string aggregate_url;  ///< for PLAY, keep-alives and TEARDOWN
  std::vector<Track> tracks;
  int video = -1;  ///< index into tracks, -1 = none
  int audio = -1;
};

/// Parses an SDP body. Never fails: what cannot be read is skipped. `request_url` and `content_base` (may be
/// empty; Content-Base, else Content-Location) give the base. Bounded: 64 KiB of the body, 32 sections, in
/// all less than 1 MiB.
SessionDescription parse_sdp(std::string_view body, std::string_view request_url,
                             std::string_view content_base);

}  // namespace thimble::rtsp
