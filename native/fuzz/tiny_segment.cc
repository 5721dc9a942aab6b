#include "fuzz/tiny_segment.h"

#include <cstdlib>

#include "media/fragment.h"
#include "media/init_segment.h"
#include "media/segment_header.h"
#include "media/segment_index.h"
#include "test/tiny_h264.h"

namespace thimble::fuzz {

namespace {

constexpr uint32_t kPictures = 4, kPictureTicks = 3600, kPictureBytes = 24;
constexpr uint32_t kSounds = 8, kSoundTicks = 1024;

/// A NAL unit behind its length.
void append_picture(Bytes* media, bool key) {
  Bytes picture(kPictureBytes, 0x55);
  write_be32(picture.data(), kPictureBytes - 4);
  picture[4] = key ? 0x65 : 0x41;
  media->insert(media->end(), picture.begin(), picture.end());
}

media::Fragment fragment(uint32_t number, Bytes* media) {
  media::Fragment made;
  media::FragmentRun video{media::kVideoTrackId, uint64_t{number} * kPictures * kPictureTicks, {}};
  media::FragmentRun sound{media::kAudioTrackId, uint64_t{number} * kSounds * kSoundTicks, {}};
  made.begins_with_key = number % 2 == 0;
  for (uint32_t i = 0; i < kPictures; i++) {
    const bool key = i == 0 && made.begins_with_key;
    append_picture(media, key);
    video.samples.push_back({kPictureBytes, kPictureTicks, 0, key});
  }
  for (uint32_t i = 0; i < kSounds; i++) {
    const Bytes frame = tiny::silent_aac();
    media->insert(media->end(), frame.begin(), frame.end());
    sound.samples.push_back({static_cast<uint32_t>(frame.size()), kSoundTicks, 0, true});
  }
  made.data_bytes = media->size();
  made.has_video = true;
  made.earliest_pts90k = video.base_time;
  made.duration90k = kPictures * kPictureTicks;
  made.runs = {std::move(video), std::move(sound)};
  return made;
}

}  // namespace

media::SegmentIdentity tiny_identity() {
  media::SegmentIdentity identity;
  for (uint8_t i = 0; i < 16; i++) identity.store[i] = i;
  identity.camera = 7;
  identity.start_ms = 1767225600123;  // 2026-01-01T00:00:00.123Z
  return identity;
}

std::string tiny_path() {
  return "/segments/" + media::segment_path(tiny_identity(), false).file;
}

TinySegment tiny_segment(int fragments, bool closed) {
  const media::AudioParameters audio = tiny::audio_parameters();
  std::string error;
  const auto init = media::make_init_segment(tiny::video_parameters(), &audio, &error);
  if (!init) std::abort();
  media::SegmentLayout layout;
  TinySegment made;
  made.bytes = media::encode_segment_header(*init, tiny_identity(), 1, &layout);
  made.bytes.resize(layout.fragments_offset());
  const ByteView moov = media::parse_segment_header(view(made.bytes)).moov;
  made.moov.assign(moov.data, moov.data + moov.size);
  media::SegmentIndex index;
  for (int n = 0; n < fragments; n++) {
    Bytes media;
    const media::Fragment next = fragment(static_cast<uint32_t>(n), &media);
    const Bytes moof = media::encode_moof(next, static_cast<uint32_t>(n) + 1);
    if (n == 0) {
      made.moof.assign(moof.begin(), moof.end() - 8);
      made.media_bytes = next.data_bytes;
    }
    index.add(
        {moof.size() + media.size(), true, next.begins_with_key, next.earliest_pts90k, next.duration90k});
    made.bytes.insert(made.bytes.end(), moof.begin(), moof.end());
    made.bytes.insert(made.bytes.end(), media.begin(), media.end());
  }
  if (closed) {
    const Bytes sidx = index.encode(layout.reserved_bytes);
    std::copy(sidx.begin(), sidx.end(), made.bytes.begin() + layout.reserved_offset);
  }
  return made;
}

}  // namespace thimble::fuzz
