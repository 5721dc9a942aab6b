// One fragment (moof + mdat, ISO 14496-12 8.8): what the recorder hands to the writer, and its encoding.
#pragma once

#include <cstdint>
#include <vector>

#include "media/arena.h"

namespace thimble::media {

/// One sample of a track run, in decode order. Times in the track's timescale.
struct FragmentSample {
  uint32_t size = 0;
  uint32_t duration = 0;
  int32_t composition_offset = 0;  ///< pts - dts, may be negative (trun version 1)
  bool key = false;
};

struct FragmentRun {
  uint32_t track_id = 0;   ///< 1 = video, 2 = audio
  uint64_t base_time = 0;  ///< tfdt: dts of the first sample on the file's time line
  std::vector<FragmentSample> samples;
};

/// A fragment whose bytes still lie in the ring's arena. Movable; dropping it lets the bytes go.
struct Fragment {
  std::vector<FragmentRun> runs;  ///< video first; a run without samples is left out
  std::vector<Slice> data;        ///< bytes of all samples, in the order of the runs
  uint64_t data_bytes = 0;
  bool begins_with_key = false;  ///< the first video sample is a sync sample
  // For the sidx, in the video track's timescale (of the audio's run when there is no video in it):
  bool has_video = false;
  uint64_t earliest_pts90k = 0;  ///< on the file's time line
  uint64_t duration90k = 0;      ///< sum of the video durations
};

/// When a run is seen or heard, on the file's time line and in the track's timescale.
struct RunSpan {
  int64_t begin = 0, end = 0;  ///< earliest pts, latest pts + duration; both 0 without samples
  uint64_t duration = 0;       ///< sum of the sample durations
};
RunSpan run_span(const FragmentRun& run);

/// The moof box and the 8 header bytes of the mdat, for `sequence_number`. tfhd has default-base-is-moof;
/// trun gives duration, size, flags and composition offset of each sample (flags: sync 0x02000000, else
/// 0x01010000).
std::vector<uint8_t> encode_moof(const Fragment& fragment, uint32_t sequence_number);

}  // namespace thimble::media
