// AudioSpecificConfig, GASpecificConfig and the program config element.
#include "rtsp/aac_config.h"

namespace thimble::rtsp {

namespace {

constexpr int kSbr = 5, kScalable = 6, kErScalable = 20, kErBsac = 22, kErLd = 23, kPs = 29, kErEld = 39;
constexpr uint32_t kMaxRate = 384000;

int read_object_type(BitReader& bits) {
  const int type = static_cast<int>(bits.bits(5));
  return type == 31 ? 32 + static_cast<int>(bits.bits(6)) : type;
}

/// 0 for reserved values.
uint32_t read_rate(BitReader& bits) {
  static constexpr uint32_t kRates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                        22050, 16000, 12000, 11025, 8000,  7350};
  const uint32_t index = bits.bits(4);
  if (index == 15) {
    const uint32_t rate = bits.bits(24);
    return rate <= kMaxRate ? rate : 0;
  }
  return index < 13 ? kRates[index] : 0;
}

int channels_of(int configuration) {
  static constexpr int kChannels[] = {0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0};
  return kChannels[configuration];
}

/// program_config_element (4.4.1.1): the number of channels.
int read_program_channels(BitReader& bits) {
  bits.skip(4 + 2 + 4);
  const int front = static_cast<int>(bits.bits(4)), side = static_cast<int>(bits.bits(4));
  const int back = static_cast<int>(bits.bits(4)), low = static_cast<int>(bits.bits(2));
  const int data = static_cast<int>(bits.bits(3)), coupling = static_cast<int>(bits.bits(4));
  if (bits.bit()) bits.skip(4);
  if (bits.bit()) bits.skip(4);
  if (bits.bit()) bits.skip(3);
  int channels = low;
  for (int i = 0; i < front + side + back; i++) {
    channels += bits.bit() ? 2 : 1;
    bits.skip(4);
  }
  bits.skip(4 * static_cast<unsigned>(low + data) + 5 * static_cast<unsigned>(coupling));
  return channels;
}

bool is_general_audio(int type) {
  return (type >= 1 && type <= 4) || type == kScalable || type == 7 || type == 17 ||
         (type >= 19 && type <= kErLd);
}

/// GASpecificConfig (4.4.1). False for what cannot be.
bool read_general_audio(BitReader& bits, AacConfig* config) {
  const int type = config->object_type;
  const bool short_frame = bits.bit();
  config->core_samples = type == kErLd ? (short_frame ? 480 : 512) : (short_frame ? 960 : 1024);
  if (bits.bit()) bits.skip(14);
  const bool extension = bits.bit();
  if (config->channel_configuration == 0) {
    config->channels = read_program_channels(bits);
    // The byte alignment and the comment of the element stand behind everything that is of interest here.
    return bits.ok() && config->channels > 0;
  }
  if (type == kScalable || type == kErScalable) bits.skip(3);
  if (extension) {
    if (type == kErBsac) bits.skip(16);
    if (type == 17 || type == 19 || type == kErScalable || type == kErLd) bits.skip(3);
    bits.skip(1);
  }
  return bits.ok();
}

/// The extension behind the config that old decoders do not see (1.6.2.1, syncExtensionType 0x2b7).
void read_sync_extension(BitReader& bits, AacConfig* config) {
  if (bits.left() < 16 || bits.bits(11) != 0x2b7 || read_object_type(bits) != kSbr || !bits.bit()) return;
  const uint32_t rate = read_rate(bits);
  if (!bits.ok() || rate == 0) return;
  config->sbr = true;
  config->rate = rate;
  if (bits.left() >= 12 && bits.bits(11) == 0x548) config->ps = bits.bit();
}

/// Everything but the extension and the checks that come after it.
std::optional<AacConfig> read_config(BitReader& bits) {
  AacConfig config;
  config.object_type = read_object_type(bits);
  config.core_rate = config.rate = read_rate(bits);
  config.channel_configuration = static_cast<int>(bits.bits(4));
  config.channels = channels_of(config.channel_configuration);
  if (config.object_type == kSbr || config.object_type == kPs) {
    config.sbr = true;
    config.ps = config.object_type == kPs;
    config.rate = read_rate(bits);
    config.object_type = read_object_type(bits);
    if (config.object_type == kErBsac) bits.skip(4);
  }
  if (!bits.ok() || config.core_rate == 0 || config.rate == 0) return std::nullopt;
  if (config.channel_configuration != 0 && config.channels == 0) return std::nullopt;
  if (config.object_type == kErEld) {
    config.core_samples = bits.bit() ? 480 : 512;
    if (!bits.ok() || config.channels == 0) return std::nullopt;
    return config;
  }
  if (!is_general_audio(config.object_type) || !read_general_audio(bits, &config)) return std::nullopt;
  const bool error_resilient = config.object_type >= 17;
  if (error_resilient) bits.skip(2);
  return config;
}

std::optional<AacConfig> checked(AacConfig config) {
  if (config.ps && config.channels == 1 && config.object_type != kErEld) config.channels = 2;
  // A frame that is no whole number of samples, or none at all, has no place on a time line.
  if (static_cast<uint64_t>(config.core_samples) * config.rate < config.core_rate) return std::nullopt;
  return config;
}

}  // namespace

std::optional<AacConfig> read_aac_config(ByteView bytes) {
  BitReader bits(bytes);
  std::optional<AacConfig> config = read_config(bits);
  if (!config) return std::nullopt;
  const bool extensible = config->object_type != kErEld && config->channel_configuration != 0;
  if (!config->sbr && extensible) read_sync_extension(bits, &*config);
  return checked(*config);
}

std::optional<AacConfig> read_aac_config_within(BitReader& bits) {
  const std::optional<AacConfig> config = read_config(bits);
  if (!config || !bits.ok() || config->channel_configuration == 0 || config->object_type == kErEld) {
    return std::nullopt;
  }
  return checked(*config);
}

}  // namespace thimble::rtsp
