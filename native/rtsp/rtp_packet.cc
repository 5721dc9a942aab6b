// Header checks of RTP packets.
#include "rtsp/rtp_packet.h"

namespace thimble::rtsp {

bool parse_rtp_packet(ByteView bytes, RtpPacket* packet) {
  if (bytes.size < 12 || bytes[0] >> 6 != 2) return false;
  size_t begin = 12 + 4 * static_cast<size_t>(bytes[0] & 0x0f);
  size_t end = bytes.size;
  if (begin > end) return false;
  if (bytes[0] & 0x10) {
    if (end - begin < 4) return false;
    const size_t extension = 4 + 4 * static_cast<size_t>(read_be16(bytes.data + begin + 2));
    if (end - begin < extension) return false;
    begin += extension;
  }
  if (bytes[0] & 0x20) {
    if (begin == end) return false;
    const size_t padding = bytes[end - 1];
    if (padding == 0 || padding > end - begin) return false;
    end -= padding;
  }
  packet->marker = (bytes[1] & 0x80) != 0;
  packet->payload_type = bytes[1] & 0x7f;
  packet->sequence = read_be16(bytes.data + 2);
  packet->time = read_be32(bytes.data + 4);
  packet->ssrc = read_be32(bytes.data + 8);
  packet->payload = bytes.sub(begin, end - begin);
  return true;
}

}  // namespace thimble::rtsp
