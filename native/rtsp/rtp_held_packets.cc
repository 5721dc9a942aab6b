// Storage of packets that wait.
#include "rtsp/rtp_held_packets.h"

namespace thimble::rtsp {

bool HeldPackets::push(ByteView packet, uint16_t sequence, int64_t arrival_us) {
  if (entries_.size() >= max_packets_ || packet.size > max_bytes_ - bytes_.size()) return false;
  entries_.push_back({bytes_.size(), packet.size, sequence, arrival_us});
  bytes_.insert(bytes_.end(), packet.data, packet.data + packet.size);
  return true;
}

void HeldPackets::remove(size_t i) {
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
  if (entries_.empty()) clear();
}

void HeldPackets::clear() {
  std::vector<uint8_t>().swap(bytes_);
  std::vector<Entry>().swap(entries_);
}

}  // namespace thimble::rtsp
