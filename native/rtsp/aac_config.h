// Reads an AudioSpecificConfig (ISO 14496-3 1.6.2.1): what an AAC stream decodes to and how long one frame
// is.
#pragma once

#include <cstdint>
#include <optional>

#include "rtsp/bit_reader.h"
#include "rtsp/bytes.h"

namespace thimble::rtsp {

struct AacConfig {
  int object_type = 0;           ///< of the core (2 = LC), escape values included
  bool sbr = false, ps = false;  ///< signalled
  uint32_t core_rate = 0;        ///< Hz of the core coder
  uint32_t rate = 0;             ///< Hz of the decoded sound
  int channels = 0;              ///< of the decoded sound
  int channel_configuration = 0;
  uint32_t core_samples = 0;  ///< of one frame at core_rate: 1024 or 960, low delay 512 or 480

  uint32_t samples() const {
    return static_cast<uint32_t>(static_cast<uint64_t>(core_samples) * rate / core_rate);
  }
};

/// nullopt when the config is cut, reserved values occur, or the object type is no general audio or low delay
/// coder.
std::optional<AacConfig> read_aac_config(ByteView config);

/// The same from the middle of other fields, without the extension behind the config, which nothing delimits
/// there. `bits` then stand behind the config. nullopt also where its length would depend on more than is
/// read here (program config element, AAC-ELD).
std::optional<AacConfig> read_aac_config_within(BitReader& bits);

}  // namespace thimble::rtsp
