// The facts of one segment file: who it belongs to, when it is, where it lies, how it ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::media {

enum class StreamKind : uint8_t { kMain = 0, kSub = 1 };
const char* stream_name(StreamKind kind);  ///< "main", "sub"

/// Why a segment ended. The names are a closed list of the API.
enum class EndReason : uint8_t {
  kLength,
  kParameters,
  kTimestampJump,
  kClockStep,
  kReconnect,
  kMode,
  kRemoved,
  kStop,
  kCrash,
  kPowerCut,
  kSuspect,
  kMemory
};
const char* end_reason_name(EndReason reason);

/// What is fixed when a segment is opened. It stands in the file's `uuid` box, so a file tells its story
/// without the index.
struct SegmentIdentity {
  uint8_t store[16] = {};  ///< uuid of the data directory
  uint32_t camera = 0;
  StreamKind stream = StreamKind::kMain;
  int64_t start_ms = 0;  ///< UTC of the first presented picture
  uint32_t clock_generation = 0;
  int64_t pts_offset90k =
      0;  ///< pts of the first picture on the file's time line: UTC = start_ms + (pts - this) / 90
};

/// Folders and file of a segment relative to the `segments` folder: "<camera>", "<camera>/<YYYY-MM-DD>",
/// "<camera>/<YYYY-MM-DD>/<HH-MM-SS.mmm>Z-<main|sub>.mp4" (UTC). At most two segments of a stream can have
/// the same start (after a backward clock step): the second gets "-<clock generation>" behind the stream's
/// name.
struct SegmentPath {
  std::string camera_folder, day_folder, file;
};
SegmentPath segment_path(const SegmentIdentity& identity, bool with_generation);

/// Latest start that a file's name can tell (9999-12-31T23:59:59.999Z).
inline constexpr int64_t kLatestStartMs = 253402300799999;

/// The way back: camera, stream, start and clock generation (0 when the name has none) from a path that ends
/// in such a file. nullopt when no segment would be called so.
std::optional<SegmentIdentity> identity_of_path(const std::string& path);

}  // namespace thimble::media
