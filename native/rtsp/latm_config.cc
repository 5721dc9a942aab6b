// StreamMuxConfig and the format parameters that hold one.
#include "rtsp/latm_config.h"

#include <algorithm>

#include "rtsp/sdp_formats.h"
#include "rtsp/text.h"

namespace thimble::rtsp {

namespace {

constexpr int kUsualLengthBits = 3 + 8;  // frameLengthType 0 and latmBufferFullness

/// LatmGetValue (1.7.3): one to four bytes.
uint32_t read_value(BitReader& bits) {
  const int bytes = static_cast<int>(bits.bits(2)) + 1;
  return bits.bits(8 * bytes);
}

std::vector<uint8_t> copy_bits(BitReader from, uint64_t count) {
  std::vector<uint8_t> bytes;
  for (; count > 0; count -= std::min<uint64_t>(count, 8)) {
    const int take = static_cast<int>(std::min<uint64_t>(count, 8));
    bytes.push_back(static_cast<uint8_t>(from.bits(take) << (8 - take)));
  }
  return bytes;
}

/// AudioSpecificConfig, in version 1 with its length before it.
bool read_audio(BitReader& bits, bool version1, LatmConfig* config) {
  const uint32_t stated = version1 ? read_value(bits) : 0;
  const BitReader begin = bits;
  const std::optional<AacConfig> aac = read_aac_config_within(bits);
  if (!aac) return false;
  uint64_t used = begin.left() - bits.left();
  if (version1) {
    if (stated < used) return false;
    bits.skip(stated - used);
    used = stated;
  }
  if (!bits.ok() || used > 64 * 8) return false;
  config->audio = copy_bits(begin, used);
  config->aac = *aac;
  if (version1) {
    // The stated length bounds the extension too.
    const auto whole = read_aac_config({config->audio.data(), config->audio.size()});
    if (whole) config->aac = *whole;
  }
  return true;
}

bool read_lengths(BitReader& bits, bool version1, LatmConfig* config) {
  if (bits.left() < kUsualLengthBits) return true;
  const uint32_t length_type = bits.bits(3);
  if (length_type > 1) return false;
  if (length_type == 0) bits.skip(8);
  if (length_type == 1) config->fixed_bytes = bits.bits(9) + 20;
  if (bits.left() == 0) return bits.ok();
  if (bits.bit()) {
    if (version1) {
      config->other_bits = read_value(bits);
    } else {
      bool more = true;
      for (int i = 0; more; i++) {
        if (i == 4) return false;
        more = bits.bit();
        config->other_bits = config->other_bits << 8 | bits.bits(8);
      }
    }
  }
  if (bits.left() == 0) return bits.ok();
  if (bits.bit()) bits.skip(8);
  return bits.ok();
}

}  // namespace

std::optional<LatmConfig> read_stream_mux_config(BitReader& bits) {
  LatmConfig config;
  const bool version1 = bits.bit();
  if (version1 && bits.bit()) return std::nullopt;
  if (version1) read_value(bits);  // taraBufferFullness
  const bool same_framing = bits.bit();
  config.sub_frames = bits.bits(6) + 1;
  const uint32_t programs = bits.bits(4) + 1, layers = bits.bits(3) + 1;
  if (!bits.ok() || !same_framing || programs != 1 || layers != 1) return std::nullopt;
  if (!read_audio(bits, version1, &config) || !read_lengths(bits, version1, &config)) return std::nullopt;
  return config;
}

LatmFormat latm_format(std::string_view fmtp) {
  LatmFormat format;
  std::vector<uint8_t> bytes;
  if (decode_hex(unquote(fmtp_value(fmtp, "config")), &bytes)) {
    BitReader bits({bytes.data(), bytes.size()});
    format.config = read_stream_mux_config(bits);
  }
  const std::string_view present = unquote(fmtp_value(fmtp, "cpresent"));
  format.in_band = present.empty() ? !format.config : present != "0";
  return format;
}

}  // namespace thimble::rtsp
