// Who is told of each packet that comes into a stream's ring, to send it on.
#pragma once

#include <cstdint>

#include "media/codec_parameters.h"
#include "media/recorder.h"

namespace thimble::media {

/// Called on the ingest thread.
class RingFollower {
 public:
  virtual ~RingFollower() = default;
  /// The ring holds, and will hold, pictures of this session.
  virtual void begin_session(const RecordSession& session) = 0;
  /// What the session lent goes away. Times begin anew with the next one.
  virtual void end_session() = 0;
  /// In force from the next keyframe on that comes; where pictures are held already, of the newest in the
  /// ring.
  virtual void set_parameters(const VideoParameters& video, const AudioParameters* audio) = 0;
  virtual void on_clock_step() = 0;
  /// The packet `index` was pushed to the ring's video track; called before it may be evicted. `jump`: the
  /// camera's time line broke before it.
  virtual void on_video(uint64_t index, bool jump) = 0;
  /// Sound was dated and, as far as it is not being transcoded, pushed. `jump` as above.
  virtual void on_audio(bool jump) = 0;
};

}  // namespace thimble::media
