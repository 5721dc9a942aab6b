// Comparison and names of codec parameters.
#include "media/codec_parameters.h"

#include <algorithm>
#include <cstdio>

#include "rtsp/aac_config.h"
#include "rtsp/bit_reader.h"

namespace thimble::media {

namespace {

/// Without the zeros that some cameras leave behind a parameter set: no NAL ends with them.
ByteView trimmed(const Bytes& set) {
  size_t size = set.size();
  while (size > 0 && set[size - 1] == 0) size--;
  return {set.data(), size};
}

bool same_sets(const std::vector<Bytes>& a, const std::vector<Bytes>& b) {
  return a.size() == b.size() &&
         std::is_permutation(a.begin(), a.end(), b.begin(), [](const Bytes& x, const Bytes& y) {
           return trimmed(x).text() == trimmed(y).text();
         });
}

/// profile_tier_level as ISO 14496-15 E.3 writes it.
std::string hevc_string(const Bytes& sps) {
  const Bytes rbsp = rtsp::remove_emulation_prevention({sps.data(), sps.size()}, 15);
  if (rbsp.size() < 15) return "hvc1";
  const uint8_t* level = rbsp.data() + 3;
  uint32_t compatibility = read_be32(level + 1), reversed = 0;
  for (int i = 0; i < 32; i++, compatibility >>= 1) reversed = reversed << 1 | (compatibility & 1);
  static constexpr const char* kSpaces[] = {"", "A", "B", "C"};
  char text[64];
  int used = std::snprintf(text, sizeof text, "hvc1.%s%d.%X.%c%d", kSpaces[level[0] >> 6], level[0] & 31,
                           reversed, level[0] & 0x20 ? 'H' : 'L', level[11]);
  int constraints = 6;
  while (constraints > 0 && level[4 + constraints] == 0) constraints--;
  for (int i = 0; i < constraints; i++) {
    used += std::snprintf(text + used, sizeof text - static_cast<size_t>(used), ".%X", level[5 + i]);
  }
  return text;
}

}  // namespace

bool VideoParameters::complete() const {
  if (sps.empty() || pps.empty() || sequence.width <= 0 || sequence.height <= 0) return false;
  return codec == rtsp::Codec::kH264 || (codec == rtsp::Codec::kH265 && !vps.empty());
}

bool VideoParameters::same(const VideoParameters& other) const {
  return codec == other.codec && same_sets(vps, other.vps) && same_sets(sps, other.sps) &&
         same_sets(pps, other.pps);
}

std::string VideoParameters::codec_string() const {
  if (codec == rtsp::Codec::kH265) return sps.empty() ? "hvc1" : hevc_string(sps[0]);
  if (sps.empty() || sps[0].size() < 4) return "avc1";
  char text[16];
  std::snprintf(text, sizeof text, "avc1.%02x%02x%02x", sps[0][1], sps[0][2], sps[0][3]);
  return text;
}

bool AudioParameters::same(const AudioParameters& other) const {
  if (codec != other.codec || sample_rate != other.sample_rate || channels != other.channels ||
      frame_samples != other.frame_samples) {
    return false;
  }
  if (codec != rtsp::Codec::kAac) return config == other.config;
  const auto mine = rtsp::read_aac_config({config.data(), config.size()});
  const auto theirs = rtsp::read_aac_config({other.config.data(), other.config.size()});
  // Channels that a program config element lays out can only be compared by their bytes.
  if (!mine || !theirs || mine->channel_configuration == 0) return config == other.config;
  return mine->object_type == theirs->object_type && mine->sbr == theirs->sbr && mine->ps == theirs->ps &&
         mine->core_rate == theirs->core_rate && mine->channel_configuration == theirs->channel_configuration;
}

std::string AudioParameters::codec_string() const {
  if (codec == rtsp::Codec::kOpus) return "opus";
  const auto aac = rtsp::read_aac_config({config.data(), config.size()});
  if (!aac) return "mp4a.40";
  return "mp4a.40." + std::to_string(aac->ps ? 29 : aac->sbr ? 5 : aac->object_type);
}

std::optional<AudioParameters> parse_aac_config(ByteView config) {
  const auto aac = rtsp::read_aac_config(config);
  if (!aac) return std::nullopt;
  AudioParameters parameters;
  parameters.codec = rtsp::Codec::kAac;
  parameters.config.assign(config.data, config.data + config.size);
  parameters.sample_rate = aac->rate;
  parameters.channels = aac->channels;
  parameters.frame_samples = aac->samples();
  return parameters;
}

AudioParameters opus_parameters() {
  AudioParameters parameters;
  parameters.codec = rtsp::Codec::kOpus;
  // RFC 7845 5.1: version 1, stereo (a decoder makes that of mono packets too), 48 kHz, no gain, mapping
  // family 0. No pre-skip: who joins a stream does not hear its begin, and RTP times are those of the decoded
  // sound.
  static constexpr uint8_t kHeader[] = {'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                        0,   0,   0x80, 0xbb, 0,   0,   0,   0,   0};
  parameters.config.assign(std::begin(kHeader), std::end(kHeader));
  parameters.sample_rate = 48000;
  parameters.channels = 2;
  parameters.frame_samples = 960;
  return parameters;
}

}  // namespace thimble::media
