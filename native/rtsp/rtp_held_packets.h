// A few whole packets kept until it is known what to do with them; bounded in number and bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "rtsp/bytes.h"

namespace thimble::rtsp {

/// Copies of packets in order of arrival. Memory is given back by clear(): holding packets is the exception.
class HeldPackets {
 public:
  struct Entry {
    size_t offset, size;
    uint16_t sequence;
    int64_t arrival_us;
  };

  HeldPackets(size_t max_packets, size_t max_bytes) : max_packets_(max_packets), max_bytes_(max_bytes) {}

  bool empty() const { return entries_.empty(); }
  size_t count() const { return entries_.size(); }
  bool full() const { return entries_.size() >= max_packets_ || bytes_.size() >= max_bytes_; }
  const Entry& entry(size_t i) const { return entries_[i]; }
  ByteView bytes(size_t i) const { return {bytes_.data() + entries_[i].offset, entries_[i].size}; }

  /// False when there is no room: nothing was taken.
  bool push(ByteView packet, uint16_t sequence, int64_t arrival_us);
  /// Forgets one packet; its bytes stay until the last one goes.
  void remove(size_t i);
  void clear();

 private:
  size_t max_packets_, max_bytes_;
  std::vector<uint8_t> bytes_;
  std::vector<Entry> entries_;
};

}  // namespace thimble::rtsp
