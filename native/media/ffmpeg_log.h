// What FFmpeg's libraries would write to stderr.
#pragma once

namespace thimble::media {

/// They say nothing from now on, in the whole process: what is odd in a stream is the camera's business, and
/// what matters comes back as a result. Call it before other threads use them.
void silence_ffmpeg();

}  // namespace thimble::media
