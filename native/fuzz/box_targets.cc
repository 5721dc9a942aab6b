// The boxes of segment files one by one: header, moov, moof.
#include "fuzz/target.h"
#include "fuzz/tiny_segment.h"
#include "media/moof_reader.h"
#include "media/moov_reader.h"
#include "media/segment_header.h"

namespace thimble::fuzz {

namespace {

bool check_header(ByteView input) {
  const media::SegmentHeader header = media::parse_segment_header(input);
  if (header.state != media::SegmentHeader::State::kValid) return false;
  expect(header.needed <= input.size && header.needed <= media::kMaxHeaderBytes,
         "a header lies in its bytes");
  touch(header.moov);
  return true;
}

bool check_moov(ByteView input) {
  const media::MoovFacts facts = media::read_moov(input);
  expect(facts.width >= 0 && facts.height >= 0, "sizes are not negative");
  const auto tracks = media::read_moov_tracks(input);
  expect(tracks.size() <= 4, "at most four tracks");
  for (const media::MoovTrack& track : tracks) {
    expect(track.sample_entry.size >= 8, "a sample entry has a header");
    touch(track.sample_entry);
  }
  return !facts.video_codec.empty() && !tracks.empty();
}

/// Eight bytes of media size, then the box.
bool check_moof(ByteView input) {
  if (input.size < 8) return false;
  const uint64_t media_bytes = read_be64(input.data);
  const auto runs = media::parse_moof(input.sub(8), media_bytes);
  if (!runs) return false;
  uint64_t sum = 0;
  for (const media::FragmentRun& run : *runs) {
    for (const media::FragmentSample& sample : run.samples) sum += sample.size;
  }
  expect(sum == media_bytes, "the samples are as large as the media");
  return true;
}

std::vector<Bytes> header_seeds() {
  return {tiny_segment(0, false).bytes};
}

std::vector<Bytes> moov_seeds() {
  return {tiny_segment(0, false).moov};
}

std::vector<Bytes> moof_seeds() {
  const TinySegment segment = tiny_segment(1, false);
  Bytes made(8);
  write_be64(made.data(), segment.media_bytes);
  made.insert(made.end(), segment.moof.begin(), segment.moof.end());
  return {made};
}

}  // namespace

std::vector<Target> box_targets() {
  return {{"segment-header", check_header, header_seeds},
          {"moov", check_moov, moov_seeds},
          {"moof", check_moof, moof_seeds}};
}

}  // namespace thimble::fuzz
