// Walks moov down to the sample entries (ISO 14496-12 8.5.2) and spells their codecs (RFC 6381, ISO 14496-15
// annex E).
#include "media/moov_reader.h"

#include <cstdio>
#include <cstring>

namespace thimble::media {

ByteView child_box(ByteView boxes, const char* type) {
  while (boxes.size >= 8) {
    const uint32_t size = read_be32(boxes.data);
    if (size < 8 || size > boxes.size) break;
    if (std::memcmp(boxes.data + 4, type, 4) == 0) return boxes.sub(8, size - 8);
    boxes = boxes.sub(size);
  }
  return {};
}

namespace {

std::string avc_codec(ByteView avcc) {
  if (avcc.size < 4) return {};
  char text[16];
  std::snprintf(text, sizeof text, "avc1.%02x%02x%02x", avcc[1], avcc[2], avcc[3]);
  return text;
}

std::string hevc_codec(ByteView hvcc) {
  if (hvcc.size < 13) return {};
  const int space = hvcc[1] >> 6;
  uint32_t compatibility = read_be32(hvcc.data + 2), reversed = 0;
  for (int bit = 0; bit < 32; ++bit, compatibility >>= 1) reversed = reversed << 1 | (compatibility & 1);
  char text[64];
  std::snprintf(text, sizeof text, "hvc1.%s%d.%X.%c%d",
                space > 0 ? std::string(1, static_cast<char>('A' + space - 1)).c_str() : "", hvcc[1] & 0x1f,
                reversed, hvcc[1] & 0x20 ? 'H' : 'L', hvcc[12]);
  std::string codec = text;
  size_t constraints = 6;
  while (constraints > 0 && hvcc[6 + constraints - 1] == 0) --constraints;
  for (size_t i = 0; i < constraints; ++i) {
    std::snprintf(text, sizeof text, ".%X", hvcc[6 + i]);
    codec += text;
  }
  return codec;
}

/// Content of an MPEG-4 descriptor (ISO 14496-1 8.3.3) with this tag at the start of `bytes`.
ByteView descriptor(ByteView bytes, uint8_t tag) {
  if (bytes.empty() || bytes[0] != tag) return {};
  size_t size = 0;
  for (size_t i = 1; i <= 4 && i < bytes.size; ++i) {
    size = size << 7 | (bytes[i] & 0x7f);
    if (!(bytes[i] & 0x80)) return bytes.sub(i + 1, size);
  }
  return {};
}

std::string aac_codec(ByteView esds) {
  const ByteView stream = descriptor(esds.sub(4), 0x03);
  const ByteView decoder = descriptor(stream.sub(3), 0x04);
  const ByteView config = descriptor(decoder.sub(13), 0x05);
  if (decoder.empty() || config.size < 2) return {};
  int object_type = config[0] >> 3;
  if (object_type == 31) object_type = 32 + ((config[0] & 7) << 3 | config[1] >> 5);
  char text[24];
  std::snprintf(text, sizeof text, "mp4a.%x.%d", decoder[0], object_type);
  return text;
}

void read_entry(ByteView stsd, MoovFacts* facts) {
  const ByteView entries = stsd.sub(8);
  const ByteView avc = child_box(entries, "avc1"), hevc = child_box(entries, "hvc1"),
                 aac = child_box(entries, "mp4a");
  for (const ByteView& video : {avc, hevc}) {
    if (video.size < 78) continue;
    facts->width = read_be16(video.data + 24);
    facts->height = read_be16(video.data + 26);
  }
  if (avc.size >= 78) facts->video_codec = avc_codec(child_box(avc.sub(78), "avcC"));
  if (hevc.size >= 78) facts->video_codec = hevc_codec(child_box(hevc.sub(78), "hvcC"));
  if (aac.size >= 28) facts->audio_codec = aac_codec(child_box(aac.sub(28), "esds"));
  if (!child_box(entries, "Opus").empty()) facts->audio_codec = "opus";
}

/// tkhd and mdhd have longer times in version 1.
uint32_t field_of(ByteView box, size_t at_version0, size_t at_version1) {
  if (box.empty() || box[0] > 1) return 0;
  const ByteView field = box.sub(box[0] == 0 ? at_version0 : at_version1, 4);
  return field.size == 4 ? read_be32(field.data) : 0;
}

}  // namespace

MoovFacts read_moov(ByteView moov) {
  MoovFacts facts;
  while (moov.size >= 8) {
    const uint32_t size = read_be32(moov.data);
    if (size < 8 || size > moov.size) break;
    if (std::memcmp(moov.data + 4, "trak", 4) == 0) {
      const ByteView media = child_box(moov.sub(8, size - 8), "mdia");
      read_entry(child_box(child_box(child_box(media, "minf"), "stbl"), "stsd"), &facts);
    }
    moov = moov.sub(size);
  }
  return facts;
}

std::vector<MoovTrack> read_moov_tracks(ByteView moov) {
  constexpr size_t kMaxTracks = 4;
  std::vector<MoovTrack> tracks;
  while (moov.size >= 8 && tracks.size() < kMaxTracks) {
    const uint32_t size = read_be32(moov.data);
    if (size < 8 || size > moov.size) break;
    if (std::memcmp(moov.data + 4, "trak", 4) == 0) {
      const ByteView trak = moov.sub(8, size - 8);
      const ByteView media = child_box(trak, "mdia");
      MoovTrack track;
      track.id = field_of(child_box(trak, "tkhd"), 12, 20);
      track.timescale = field_of(child_box(media, "mdhd"), 12, 20);
      const ByteView entries = child_box(child_box(child_box(media, "minf"), "stbl"), "stsd").sub(8);
      const uint32_t entry_bytes = entries.size >= 8 ? read_be32(entries.data) : 0;
      if (entry_bytes >= 8 && entry_bytes <= entries.size) {
        track.sample_entry = entries.sub(0, entry_bytes);
        tracks.push_back(track);
      }
    }
    moov = moov.sub(size);
  }
  return tracks;
}

}  // namespace thimble::media
