// Puts the packets of one source in order by sequence number: duplicates go, small disorder is mended, loss
// is counted.
#pragma once

#include <cstdint>

#include "rtsp/rtp_held_packets.h"
#include "rtsp/rtp_packet.h"
#include "rtsp/rtp_track.h"

namespace thimble::rtsp {

class OrderedPacketSink {
 public:
  virtual ~OrderedPacketSink() = default;
  /// `loss`: packets are missing directly before this one.
  virtual void on_ordered_packet(const RtpPacket& packet, bool loss) = 0;
};

/// A packet behind a gap waits for the missing one until 8 wait or 50 ms have passed: over TCP disorder is a
/// server's fault and a gap nearly always a loss, so the wait is short. Numbers that jump (RFC 3550 A.1: 3000
/// ahead or 100 behind) count as a restart of the sender once two of them follow each other.
class SequenceOrder {
 public:
  SequenceOrder(OrderedPacketSink& sink, RtpCounters& counters, size_t max_held_bytes)
      : sink_(sink), counters_(counters), held_(kMaxHeld, max_held_bytes) {}

  /// `bytes` is the whole packet that `packet` was parsed from.
  void push(const RtpPacket& packet, ByteView bytes);
  /// Gives up waiting for packets when they are overdue.
  void tick(int64_t now_us);
  /// Gives up waiting at once.
  void release_all();
  /// The next packet begins a new source.
  void reset();

 private:
  static constexpr size_t kMaxHeld = 8;
  static constexpr int64_t kMaxWaitUs = 50'000;
  static constexpr int kMaxAhead = 3000, kMaxBehind = 100;
  /// So many late packets in a row are no duplicates but a sender that began to count anew a little behind.
  static constexpr int kMaxStaleRun = 16;

  int distance(uint16_t sequence) const { return static_cast<int16_t>(sequence - expected_); }
  static bool is_jump(int distance) { return distance >= kMaxAhead || distance < -kMaxBehind; }
  int find(uint16_t sequence) const;
  bool find_ordinary() const;
  /// The numbers began anew: what waited for the old ones comes first, then the two packets that follow each
  /// other.
  void restart(const RtpPacket& second);
  void hold(const RtpPacket& packet, ByteView bytes);
  void deliver(const RtpPacket& packet, bool loss);
  void deliver_held(size_t i, bool loss);
  void drain();
  void give_up_one();

  OrderedPacketSink& sink_;
  RtpCounters& counters_;
  HeldPackets held_;
  bool started_ = false;
  uint16_t expected_ = 0;
  int stale_run_ = 0;
};

}  // namespace thimble::rtsp
