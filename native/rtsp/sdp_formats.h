// Format parameters (a=fmtp) of the codecs we know: parameter sets of H.264 and H.265, configuration of AAC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtsp/sdp.h"

namespace thimble::rtsp {

/// Value of a parameter in a "name=value; name=value" list, names in any case; empty when it is absent.
std::string_view fmtp_value(std::string_view fmtp, std::string_view name);

/// Decodes base64 with or without padding. False for anything else.
bool decode_base64(std::string_view text, std::vector<uint8_t>* out);

/// Decodes pairs of hexadecimal digits. False for anything else, also for none.
bool decode_hex(std::string_view text, std::vector<uint8_t>* out);

/// Fills the vps, sps and pps of `track` from its fmtp. What cannot be used is left out: the sets then come
/// in-band.
void read_parameter_sets(Track* track);

/// Reads the fmtp of an MP4A-LATM track (RFC 6416 7.3). Empty without a config that can be read.
std::optional<Track::Aac> read_latm(std::string_view fmtp);

/// Reads the fmtp of an MPEG4-GENERIC track; without a usable config AAC-LC is derived from clock rate and
/// channels. Empty when not even that is possible.
std::optional<Track::Aac> read_aac(std::string_view fmtp, uint32_t clock_rate, int channels);

}  // namespace thimble::rtsp
