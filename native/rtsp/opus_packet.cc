// The TOC byte and the framing codes behind it.
#include "rtsp/opus_packet.h"

namespace thimble::rtsp {

namespace {

constexpr uint32_t kMostSamples = 5760;  // 120 ms (R5)
constexpr size_t kMostFrameBytes = 1275;

/// Samples of one frame (RFC 6716 table 2).
uint32_t frame_samples(uint8_t toc) {
  const uint32_t config = toc >> 3;
  if (config < 12) {
    static constexpr uint32_t kSilk[] = {480, 960, 1920, 2880};
    return kSilk[config & 3];
  }
  if (config < 16) return config & 1 ? 960 : 480;
  return 120u << (config & 3);
}

/// Reads the length of one frame (3.2.1) from the front of `rest`. False when it is cut.
bool read_length(ByteView* rest, size_t* length) {
  if (rest->empty()) return false;
  *length = (*rest)[0];
  size_t used = 1;
  if (*length >= 252) {
    if (rest->size < 2) return false;
    *length += size_t{(*rest)[1]} * 4;
    used = 2;
  }
  *rest = rest->sub(used);
  return true;
}

/// Code 3 (3.2.5). Returns the number of frames, 0 for a packet that breaks the rules.
uint32_t read_many(ByteView rest) {
  if (rest.empty()) return 0;
  const uint8_t head = rest[0];
  const uint32_t count = head & 0x3f;
  rest = rest.sub(1);
  if (head & 0x40) {
    size_t padding = 0;
    for (uint8_t piece = 255; piece == 255;) {
      if (rest.empty()) return 0;
      piece = rest[0];
      padding += piece == 255 ? 254 : piece;
      rest = rest.sub(1);
    }
    if (padding > rest.size) return 0;
    rest = rest.sub(0, rest.size - padding);
  }
  if (count == 0) return 0;
  if ((head & 0x80) == 0) return rest.size % count == 0 && rest.size / count <= kMostFrameBytes ? count : 0;
  size_t stated = 0, length = 0;
  for (uint32_t i = 0; i + 1 < count; i++) {
    if (!read_length(&rest, &length)) return 0;
    stated += length;
  }
  return stated <= rest.size && rest.size - stated <= kMostFrameBytes ? count : 0;
}

uint32_t frame_count(uint8_t code, ByteView rest) {
  size_t length = 0;
  switch (code) {
    case 0:
      return rest.size <= kMostFrameBytes ? 1 : 0;
    case 1:
      return rest.size % 2 == 0 && rest.size / 2 <= kMostFrameBytes ? 2 : 0;
    case 2:
      if (!read_length(&rest, &length) || length > rest.size) return 0;
      return rest.size - length <= kMostFrameBytes ? 2 : 0;
    default:
      return read_many(rest);
  }
}

}  // namespace

uint32_t opus_packet_samples(ByteView packet) {
  if (packet.empty()) return 0;
  const uint32_t samples = frame_samples(packet[0]) * frame_count(packet[0] & 3, packet.sub(1));
  return samples <= kMostSamples ? samples : 0;
}

}  // namespace thimble::rtsp
