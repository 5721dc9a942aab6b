// Reads a StreamMuxConfig (ISO 14496-3 1.7.3): how AAC frames lie in LATM, and what they decode to.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "rtsp/aac_config.h"
#include "rtsp/bit_reader.h"

namespace thimble::rtsp {

/// Of one program with one layer; cameras send nothing else.
struct LatmConfig {
  std::vector<uint8_t> audio;  ///< AudioSpecificConfig, shifted to whole bytes
  AacConfig aac;
  uint32_t sub_frames = 1;   ///< 1 to 64
  uint32_t fixed_bytes = 0;  ///< of each frame; 0 = its length stands before it
  uint64_t other_bits = 0;   ///< behind the frames of an element
};

/// nullopt when it is cut before the end of the AudioSpecificConfig, or describes more than is read here.
/// What is cut behind that has its usual value: GStreamer's payloader leaves it out.
std::optional<LatmConfig> read_stream_mux_config(BitReader& bits);

/// The format parameters of an MP4A-LATM track (RFC 6416 7.3).
struct LatmFormat {
  bool in_band = false;  ///< elements begin with useSameStreamMux and may hold a config
  std::optional<LatmConfig> config;
};
/// Without `cpresent` a track with a config is taken to have it there only, as senders mean it who do not
/// know that the default is 1.
LatmFormat latm_format(std::string_view fmtp);

}  // namespace thimble::rtsp
