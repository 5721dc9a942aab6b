// See sdp_formats.h.
#include "rtsp/sdp_formats.h"

#include <array>

#include "rtsp/aac_config.h"
#include "rtsp/latm_config.h"
#include "rtsp/text.h"

namespace thimble::rtsp {
namespace {

constexpr std::array<uint32_t, 13> kSampleRates = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                                   22050, 16000, 12000, 11025, 8000,  7350};
constexpr size_t kMaxSets = 64;
// A sequence parameter set has a header, profile, flags and level before anything else.
constexpr size_t kMinSpsBytes = 4;
constexpr size_t kMinSetBytes = 2;

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

using NalUse = void (*)(Track* track, std::vector<uint8_t> nal);

void keep(std::vector<std::vector<uint8_t>>* sets, std::vector<uint8_t> nal, size_t min_bytes) {
  if (nal.size() < min_bytes || sets->size() >= kMaxSets) return;
  for (const auto& set : *sets) {
    if (set == nal) return;
  }
  sets->push_back(std::move(nal));
}

void keep_h264(Track* track, std::vector<uint8_t> nal) {
  const int type = nal[0] & 0x1f;
  if ((nal[0] & 0x80) != 0) return;
  if (type == 7) keep(&track->sps, std::move(nal), kMinSpsBytes);
  if (type == 8) keep(&track->pps, std::move(nal), kMinSetBytes);
}

void keep_h265(Track* track, std::vector<uint8_t> nal) {
  const int type = nal[0] >> 1 & 0x3f;
  if ((nal[0] & 0x80) != 0) return;
  if (type == 32) keep(&track->vps, std::move(nal), kMinSetBytes + 1);
  if (type == 33) keep(&track->sps, std::move(nal), kMinSpsBytes);
  if (type == 34) keep(&track->pps, std::move(nal), kMinSetBytes + 1);
}

// Cameras put start codes before, between and behind the NALs of one value, and zeros behind them.
void split_at_start_codes(const std::vector<uint8_t>& bytes, Track* track, NalUse use) {
  size_t begin = 0;
  const auto take = [&](size_t end) {
    while (end > begin && bytes[end - 1] == 0) --end;
    if (end > begin)
      use(track, {bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                  bytes.begin() + static_cast<std::ptrdiff_t>(end)});
  };
  for (size_t i = 0; i + 2 < bytes.size(); ++i) {
    if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1) {
      take(i);
      begin = i + 3;
      i += 2;
    }
  }
  take(bytes.size());
}

void read_sets(std::string_view list, Track* track, NalUse use) {
  std::string_view item;
  std::vector<uint8_t> bytes;
  while (next_item(&list, ',', &item)) {
    if (decode_base64(unquote(item), &bytes)) split_at_start_codes(bytes, track, use);
  }
}

int read_bits_value(std::string_view fmtp, std::string_view name, int fallback) {
  uint64_t value = 0;
  return parse_decimal(unquote(fmtp_value(fmtp, name)), 32, &value) ? static_cast<int>(value) : fallback;
}

// AAC-LC (object type 2): 5 bits type, 4 bits rate index (or 15 and 24 bits), 4 bits channels, 3 bits zero.
std::vector<uint8_t> make_lc_config(uint32_t rate, int channels) {
  uint32_t index = 15;
  for (uint32_t i = 0; i < kSampleRates.size(); ++i) {
    if (kSampleRates[i] == rate) index = i;
  }
  uint64_t bits = uint64_t{2} << 4 | index;
  int count = 9;
  if (index == 15) {
    bits = bits << 24 | rate;
    count += 24;
  }
  bits = bits << 7 | static_cast<uint64_t>(channels) << 3;
  count += 7;
  std::vector<uint8_t> config;
  for (int shift = count - 8; shift >= 0; shift -= 8) config.push_back(static_cast<uint8_t>(bits >> shift));
  return config;
}

}  // namespace

std::string_view fmtp_value(std::string_view fmtp, std::string_view name) {
  std::string_view item;
  while (next_item(&fmtp, ';', &item)) {
    const size_t equals = item.find('=');
    if (equals != std::string_view::npos && same_word(trim(item.substr(0, equals)), name)) {
      return trim(item.substr(equals + 1));
    }
  }
  return {};
}

bool decode_base64(std::string_view text, std::vector<uint8_t>* out) {
  out->clear();
  uint32_t bits = 0;
  int count = 0;
  while (!text.empty() && (text.back() == '=' || is_blank(text.back()))) text.remove_suffix(1);
  for (char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return false;
    bits = (bits << 6 | static_cast<uint32_t>(digit)) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out->push_back(static_cast<uint8_t>(bits >> count));
    }
  }
  // A single digit in the last group of four cannot hold a byte.
  return text.size() % 4 != 1;
}

bool decode_hex(std::string_view text, std::vector<uint8_t>* out) {
  out->clear();
  if (text.empty() || text.size() % 2 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out->push_back(static_cast<uint8_t>(high << 4 | low));
  }
  return true;
}

void read_parameter_sets(Track* track) {
  if (track->codec == Codec::kH264) {
    read_sets(fmtp_value(track->fmtp, "sprop-parameter-sets"), track, keep_h264);
  } else if (track->codec == Codec::kH265) {
    for (const char* name : {"sprop-vps", "sprop-sps", "sprop-pps"}) {
      read_sets(fmtp_value(track->fmtp, name), track, keep_h265);
    }
  }
}

std::optional<Track::Aac> read_aac(std::string_view fmtp, uint32_t clock_rate, int channels) {
  Track::Aac aac;
  aac.size_length = read_bits_value(fmtp, "sizelength", aac.size_length);
  aac.index_length = read_bits_value(fmtp, "indexlength", aac.index_length);
  aac.index_delta_length = read_bits_value(fmtp, "indexdeltalength", aac.index_delta_length);
  std::optional<AacConfig> config;
  if (decode_hex(unquote(fmtp_value(fmtp, "config")), &aac.config)) {
    config = read_aac_config({aac.config.data(), aac.config.size()});
  }
  if (!config) {
    if (clock_rate == 0 || clock_rate >= 1u << 24) return std::nullopt;
    aac.config = make_lc_config(clock_rate, channels >= 1 && channels <= 6 ? channels : 1);
    aac.config_derived = true;
    config = read_aac_config({aac.config.data(), aac.config.size()});
    if (!config) return std::nullopt;
  }
  aac.object_type = config->object_type;
  aac.sample_rate = config->rate;
  aac.channels = config->channels;
  return aac;
}

std::optional<Track::Aac> read_latm(std::string_view fmtp) {
  std::optional<LatmConfig> config = latm_format(fmtp).config;
  if (!config) return std::nullopt;
  Track::Aac aac;
  aac.config = std::move(config->audio);
  aac.object_type = config->aac.object_type;
  aac.sample_rate = config->aac.rate;
  aac.channels = config->aac.channels;
  return aac;
}

}  // namespace thimble::rtsp
