// Reading of NAL packets (RFC 6184 5.6 to 5.8, RFC 7798 4.4). Packets of the interleaved modes are refused.
#include "rtsp/depacketizer_nal.h"

namespace thimble::rtsp {

namespace {

/// Some servers put Annex B into the payload as it is. No legal NAL header begins so in either codec.
bool begins_with_start_code(ByteView bytes) {
  if (bytes.size < 4 || bytes[0] != 0 || bytes[1] != 0) return false;
  return bytes[2] == 1 || (bytes[2] == 0 && bytes[3] == 1);
}

}  // namespace

void NalDepacketizer::on_packet(const RtpPacket& packet, bool loss) {
  if (loss) assembler_.note_loss();
  bool understood = false;
  if (begins_with_start_code(packet.payload)) {
    assembler_.begin_packet(packet);
    assembler_.add_nal(packet.payload);
    assembler_.end_packet(packet.marker);
    return;
  }
  if (packet.payload.size >= format_.header_size) {
    const uint8_t type = format_.classify(packet.payload).type;
    if (type == format_.aggregate_type) {
      understood = on_aggregate(packet);
    } else if (type == format_.fragment_type) {
      understood = on_fragment(packet);
    } else {
      understood = on_single(packet);
    }
  }
  if (!understood) counters_.malformed_packets++;
}

bool NalDepacketizer::whole_nal(ByteView nal) const {
  if (nal.size < format_.header_size || !format_.header_ok(nal)) return false;
  const NalInfo info = format_.classify(nal);
  return info.known && (nal.size > format_.header_size || info.may_be_empty);
}

bool NalDepacketizer::on_single(const RtpPacket& packet) {
  if (!whole_nal(packet.payload)) return false;
  assembler_.begin_packet(packet);
  assembler_.add_nal(packet.payload);
  assembler_.end_packet(packet.marker);
  return true;
}

bool NalDepacketizer::on_aggregate(const RtpPacket& packet) {
  bool good = true, begun = false;
  size_t at = format_.header_size;
  // One stray byte behind the last unit is seen and harmless.
  while (packet.payload.size - at >= 2) {
    const size_t declared = read_be16(packet.payload.data + at);
    const ByteView nal = packet.payload.sub(at + 2, declared);
    at += 2 + nal.size;
    const bool cut = nal.size < declared;
    if (declared == 0) continue;
    const bool usable = !cut && (begins_with_start_code(nal) || whole_nal(nal));
    const bool slice = !usable && nal.size >= format_.header_size && format_.classify(nal).slice;
    good = good && usable;
    if (!usable && !slice) continue;
    if (!begun) assembler_.begin_packet(packet);
    begun = true;
    if (usable) {
      assembler_.add_nal(nal);
    } else {
      assembler_.miss_nal(true);
    }
  }
  if (begun) assembler_.end_packet(packet.marker);
  return good && begun;
}

bool NalDepacketizer::on_fragment(const RtpPacket& packet) {
  const size_t head = format_.header_size + 1;
  if (packet.payload.size < head) return false;
  const uint8_t flags = packet.payload[format_.header_size];
  const bool start = (flags & 0x80) != 0, end = (flags & 0x40) != 0;
  uint8_t header[2];
  format_.fragment_header(packet.payload, flags & format_.fragment_type_mask, header);
  const ByteView nal_header(header, format_.header_size);
  const NalInfo info = format_.classify(nal_header);

  // Some cameras change the type between the fragments of one NAL: only the first one's counts.
  if ((start || !assembler_.fragment_open()) && !info.known) return false;
  assembler_.begin_packet(packet);
  const bool second_start = start && assembler_.fragment_open();
  if (start) {
    assembler_.begin_fragment(nal_header);
  } else if (!assembler_.fragment_open()) {
    assembler_.miss_nal(info.slice);
  }
  assembler_.add_fragment(packet.payload.sub(head));
  if (end) assembler_.end_fragment();
  assembler_.end_packet(packet.marker && end);
  return !second_start;
}

}  // namespace thimble::rtsp
