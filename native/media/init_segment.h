// ftyp and moov of a segment, written by libavformat so that every codec's sample entry is right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/codec_parameters.h"

namespace thimble::media {

inline constexpr uint32_t kVideoTrackId = 1;
inline constexpr uint32_t kAudioTrackId = 2;
inline constexpr uint32_t kVideoTimescale = 90000;

/// ftyp + moov for fragments: video as track 1 (timescale 90000, avc1 or hvc1), audio, when given, as track 2
/// (timescale = its sample rate). nullopt when libavformat refuses the parameters; `error` then says why.
std::optional<std::vector<uint8_t>> make_init_segment(const VideoParameters& video,
                                                      const AudioParameters* audio, std::string* error);

}  // namespace thimble::media
