// Order by sequence number, with a short wait for what is missing.
#include "rtsp/rtp_sequence.h"

namespace thimble::rtsp {

void SequenceOrder::push(const RtpPacket& packet, ByteView bytes) {
  if (!started_) {
    started_ = true;
    deliver(packet, false);
    return;
  }
  const int ahead = distance(packet.sequence);
  if (ahead == 0) {
    stale_run_ = 0;
    deliver(packet, false);
    drain();
  } else if (ahead < 0 && !is_jump(ahead)) {
    if (++stale_run_ < kMaxStaleRun) {
      counters_.duplicates++;
    } else {
      stale_run_ = 0;
      held_.clear();
      deliver(packet, true);
    }
  } else {
    hold(packet, bytes);
  }
  tick(packet.arrival_us);
}

void SequenceOrder::hold(const RtpPacket& packet, ByteView bytes) {
  if (find(packet.sequence) >= 0) {
    counters_.duplicates++;
    return;
  }
  if (is_jump(distance(packet.sequence)) && find(static_cast<uint16_t>(packet.sequence - 1)) >= 0) {
    restart(packet);
    return;
  }
  while (!held_.push(bytes, packet.sequence, packet.arrival_us)) {
    if (held_.empty()) {  // larger than all that may wait
      deliver(packet, true);
      return;
    }
    give_up_one();
    if (distance(packet.sequence) == 0) {
      deliver(packet, false);
      drain();
      return;
    }
  }
}

void SequenceOrder::restart(const RtpPacket& second) {
  while (find_ordinary()) give_up_one();
  const int first = find(static_cast<uint16_t>(second.sequence - 1));
  if (first >= 0) deliver_held(static_cast<size_t>(first), true);
  deliver(second, first < 0);
  held_.clear();
}

void SequenceOrder::tick(int64_t now_us) {
  while (!held_.empty() && (held_.full() || now_us - held_.entry(0).arrival_us > kMaxWaitUs)) give_up_one();
}

void SequenceOrder::release_all() {
  while (!held_.empty()) give_up_one();
}

void SequenceOrder::reset() {
  held_.clear();
  started_ = false;
  stale_run_ = 0;
}

int SequenceOrder::find(uint16_t sequence) const {
  for (size_t i = 0; i < held_.count(); i++) {
    if (held_.entry(i).sequence == sequence) return static_cast<int>(i);
  }
  return -1;
}

bool SequenceOrder::find_ordinary() const {
  for (size_t i = 0; i < held_.count(); i++) {
    if (!is_jump(distance(held_.entry(i).sequence))) return true;
  }
  return false;
}

void SequenceOrder::deliver(const RtpPacket& packet, bool loss) {
  const int missing = distance(packet.sequence);
  if (loss && missing > 0 && !is_jump(missing)) counters_.lost_packets += static_cast<unsigned>(missing);
  expected_ = static_cast<uint16_t>(packet.sequence + 1);
  sink_.on_ordered_packet(packet, loss);
}

void SequenceOrder::deliver_held(size_t i, bool loss) {
  RtpPacket packet;
  parse_rtp_packet(held_.bytes(i), &packet);
  packet.arrival_us = held_.entry(i).arrival_us;
  deliver(packet, loss);
  held_.remove(i);
}

void SequenceOrder::drain() {
  for (int next; (next = find(expected_)) >= 0;) deliver_held(static_cast<size_t>(next), false);
}

void SequenceOrder::give_up_one() {
  size_t nearest = 0;
  int best = kMaxAhead;
  for (size_t i = 0; i < held_.count(); i++) {
    const int ahead = distance(held_.entry(i).sequence);
    if (ahead >= 0 && ahead < best) {
      best = ahead;
      nearest = i;
    }
  }
  if (best == kMaxAhead) {
    // A single packet far off, without a follower: no part of this sequence.
    counters_.foreign_packets++;
    held_.remove(nearest);
    return;
  }
  deliver_held(nearest, best > 0);
  drain();
}

}  // namespace thimble::rtsp
