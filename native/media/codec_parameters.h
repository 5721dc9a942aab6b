// What a decoder must know before the first packet, compared by meaning and not by bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rtsp/bytes.h"
#include "rtsp/sdp.h"

namespace thimble::media {

using Bytes = std::vector<uint8_t>;

/// Facts from one sequence parameter set (H.264 7.3.2.1.1, H.265 7.3.2.2). Sizes after cropping.
struct SequenceParameters {
  int width = 0, height = 0;
  double fps = 0;  ///< from the VUI timing, 0 = not given
  int profile = 0, level = 0, constraints = 0;
  int chroma_format = 1;
  int bit_depth = 8;
  int reorder_frames = 0;  ///< bitstream_restriction, else the most that profile, level, POC type and number
                           ///< of references let an encoder do (0 for POC type 2 and Baseline)
  bool frame_mbs_only = true;
};
/// `sps` with its NAL header, without start code. Leftovers behind a parsed SPS are ignored; nullopt when it
/// cannot be read.
std::optional<SequenceParameters> parse_h264_sps(ByteView sps);
std::optional<SequenceParameters> parse_h265_sps(ByteView sps);

/// Parameters of the video track in force.
struct VideoParameters {
  rtsp::Codec codec = rtsp::Codec::kUnknown;  ///< kH264 or kH265
  std::vector<Bytes> vps, sps, pps;           ///< with NAL headers, without start codes; vps empty for H.264
  SequenceParameters sequence;                ///< of sps[0]

  /// True when a decoder can be set up from these.
  bool complete() const;
  /// True when both describe the same decoder set-up: the same sets in any order.
  bool same(const VideoParameters& other) const;
  /// RFC 6381, e.g. "avc1.64001e", "hvc1.1.6.L93.B0".
  std::string codec_string() const;
};

/// Parameters of the sound track in force.
struct AudioParameters {
  rtsp::Codec codec = rtsp::Codec::kUnknown;  ///< kAac or kOpus
  Bytes config;                               ///< AudioSpecificConfig; of Opus the identification header
  uint32_t sample_rate = 0;                   ///< Hz, also the timescale in files
  int channels = 0;
  uint32_t frame_samples = 1024;  ///< samples in one access unit

  bool same(const AudioParameters& other) const;
  std::string codec_string() const;  ///< e.g. "mp4a.40.2", "opus"
};
/// Reads an AudioSpecificConfig (ISO 14496-3 1.6.2.1). nullopt when it cannot be read.
std::optional<AudioParameters> parse_aac_config(ByteView config);
/// Of any Opus stream in RTP (RFC 7587 has no parameters that a decoder needs).
AudioParameters opus_parameters();

}  // namespace thimble::media
