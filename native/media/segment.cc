// Names of segments: words of the API, folders and files by UTC, and the way back from a file's name.
#include "media/segment.h"

#include <cinttypes>
#include <cstdio>

namespace thimble::media {
namespace {

constexpr int64_t kDayMs = 86400000;

/// Gregorian date of a day counted from 1970-01-01, for days >= 0. Not gmtime: time_t has 32 bits on some
/// boards.
void date_of_day(int64_t day, int* year, int* month, int* month_day) {
  const int64_t shifted =
      day + 719468;  // days since 0000-03-01, so that the leap day is the last of its year
  const int64_t era = shifted / 146097;
  const int64_t day_of_era = shifted % 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  *month_day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  *month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  *year = static_cast<int>(year_of_era + era * 400 + (*month <= 2 ? 1 : 0));
}

int64_t day_of_date(int64_t year, int64_t month, int64_t month_day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = year / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + month_day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

}  // namespace

const char* stream_name(StreamKind kind) {
  return kind == StreamKind::kMain ? "main" : "sub";
}

const char* end_reason_name(EndReason reason) {
  switch (reason) {
    case EndReason::kLength:
      return "length";
    case EndReason::kParameters:
      return "parameters";
    case EndReason::kTimestampJump:
      return "timestamp-jump";
    case EndReason::kClockStep:
      return "clock-step";
    case EndReason::kReconnect:
      return "reconnect";
    case EndReason::kMode:
      return "mode";
    case EndReason::kRemoved:
      return "removed";
    case EndReason::kStop:
      return "stop";
    case EndReason::kCrash:
      return "crash";
    case EndReason::kPowerCut:
      return "power-cut";
    case EndReason::kSuspect:
      return "suspect";
    case EndReason::kMemory:
      return "memory";
  }
  return "suspect";
}

SegmentPath segment_path(const SegmentIdentity& identity, bool with_generation) {
  int64_t start_ms = identity.start_ms < 0 ? 0 : identity.start_ms;
  if (start_ms > kLatestStartMs) start_ms = kLatestStartMs;
  int year = 0, month = 0, day = 0;
  date_of_day(start_ms / kDayMs, &year, &month, &day);
  const int in_day = static_cast<int>(start_ms % kDayMs);
  char text[80];
  SegmentPath path;
  std::snprintf(text, sizeof text, "%" PRIu32, identity.camera);
  path.camera_folder = text;
  std::snprintf(text, sizeof text, "/%04d-%02d-%02d", year, month, day);
  path.day_folder = path.camera_folder + text;
  std::snprintf(text, sizeof text, "/%02d-%02d-%02d.%03dZ-%s", in_day / 3600000, in_day / 60000 % 60,
                in_day / 1000 % 60, in_day % 1000, stream_name(identity.stream));
  path.file = path.day_folder + text;
  if (with_generation) path.file += "-" + std::to_string(identity.clock_generation);
  path.file += ".mp4";
  return path;
}

std::optional<SegmentIdentity> identity_of_path(const std::string& path) {
  size_t from = path.size();
  for (int parts = 0; parts < 3; ++parts) {
    const size_t slash = from == 0 ? std::string::npos : path.rfind('/', from - 1);
    if (slash == std::string::npos) {
      if (parts < 2) return std::nullopt;
      from = 0;
      break;
    }
    from = slash;
  }
  const std::string tail = path.substr(from == 0 ? 0 : from + 1);
  uint64_t camera = 0, generation = 0;
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond = 0;
  char stream[5] = {};
  if (std::sscanf(tail.c_str(), "%10" SCNu64 "/%4u-%2u-%2u/%2u-%2u-%2u.%3uZ-%4[a-z]", &camera, &year, &month,
                  &day, &hour, &minute, &second, &millisecond, stream) != 9) {
    return std::nullopt;
  }
  SegmentIdentity identity;
  identity.camera = static_cast<uint32_t>(camera);
  identity.stream = std::string_view(stream) == "sub" ? StreamKind::kSub : StreamKind::kMain;
  if (year < 1970 || month < 1 || month > 12 || day < 1) return std::nullopt;
  identity.start_ms = day_of_date(year, month, day) * kDayMs + hour * 3600000LL + minute * 60000LL +
                      second * 1000LL + millisecond;
  // Only a name that we would write ourselves is ours.
  const std::string plain = segment_path(identity, false).file;
  if (tail == plain) return identity;
  const std::string stem = plain.substr(0, plain.size() - 4) + "-";
  if (tail.compare(0, stem.size(), stem) != 0) return std::nullopt;
  if (std::sscanf(tail.c_str() + stem.size(), "%10" SCNu64, &generation) != 1) return std::nullopt;
  identity.clock_generation = static_cast<uint32_t>(generation);
  if (segment_path(identity, true).file != tail) return std::nullopt;
  return identity;
}

}  // namespace thimble::media
