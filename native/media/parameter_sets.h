// Follows the parameter sets of a video track: those in force, those announced, and cameras that cannot
// decide.
#pragma once

#include <cstdint>

#include "media/codec_parameters.h"
#include "rtsp/access_unit.h"

namespace thimble::media {

bool is_parameter_set(rtsp::Codec codec, uint8_t nal_type);

/// A change normally begins a new file. At most one does so per 10 s: some cameras change their sets with
/// every keyframe. In between, sets of the same format stay in the samples, where decoders find them;
/// pictures of another format cannot go on in a file and have to wait.
class ParameterSets {
 public:
  enum class Verdict { kInForce, kChanged, kInBand, kUnfit };

  /// A new session: the sets of its description.
  void begin(const rtsp::Track& video);
  /// Remembers the sets of an access unit. They win over the description's from the next keyframe on.
  void collect(const rtsp::AccessUnit& unit);
  /// A whole keyframe came: what its parameters mean for the file. kChanged: in_force() is new.
  Verdict on_keyframe(int64_t now_us);

  const VideoParameters& in_force() const { return in_force_; }
  /// True while samples must keep the sets that came with them.
  bool in_band() const { return in_band_; }

 private:
  VideoParameters in_force_;
  VideoParameters announced_;  ///< sets seen since they last came into force
  int64_t changed_us_ = 0;     ///< of the last change in the session, 0 = none
  bool in_band_ = false;
};

}  // namespace thimble::media
