// Sender reports in, receiver reports out.
#include "rtsp/rtp_reports.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

namespace thimble::rtsp {

namespace {
constexpr uint8_t kSenderReport = 200, kReceiverReport = 201, kSourceDescription = 202;
constexpr uint8_t kCname = 1;
constexpr int kMaxAhead = 3000;  // RFC 3550 A.1 MAX_DROPOUT
}  // namespace

void RtpReports::begin_source(uint32_t ssrc) {
  has_report_ = has_other_ && other_ssrc_ == ssrc;
  if (has_report_) report_ = other_report_;
  has_other_ = false;
  has_source_ = true;
  has_packet_ = false;
  ssrc_ = ssrc;
  cycles_ = 0;
  received_ = expected_before_ = received_before_ = 0;
  jitter_x16_ = 0;
  while (own_ssrc_ == 0 || own_ssrc_ == ssrc) {
    if (getrandom(&own_ssrc_, sizeof own_ssrc_, GRND_NONBLOCK) != sizeof own_ssrc_) own_ssrc_ = ~ssrc | 1u;
  }
}

void RtpReports::on_packet(const RtpPacket& packet) {
  const uint64_t clock = static_cast<uint64_t>(packet.arrival_us / 1'000'000) * clock_rate_ +
                         static_cast<uint64_t>(packet.arrival_us % 1'000'000) * clock_rate_ / 1'000'000;
  const uint32_t transit = static_cast<uint32_t>(clock) - packet.time;
  const int ahead = static_cast<int16_t>(packet.sequence - max_sequence_);
  if (!has_packet_ || ahead >= kMaxAhead || ahead <= -kMaxAhead) {
    has_packet_ = true;
    base_sequence_ = max_sequence_ = packet.sequence;
    cycles_ = 0;
    received_ = expected_before_ = received_before_ = 0;
  } else {
    if (ahead > 0) {
      if (packet.sequence < max_sequence_) cycles_ += 0x10000;
      max_sequence_ = packet.sequence;
    }
    const int64_t step = static_cast<int32_t>(transit - last_transit_);
    jitter_x16_ += static_cast<uint64_t>(step < 0 ? -step : step) - ((jitter_x16_ + 8) >> 4);
  }
  last_transit_ = transit;
  received_++;
}

void RtpReports::on_rtcp(ByteView packet, int64_t now_us) {
  while (packet.size >= 4 && packet[0] >> 6 == 2) {
    const size_t size = 4 * (static_cast<size_t>(read_be16(packet.data + 2)) + 1);
    if (size > packet.size) return;
    if (packet[1] == kSenderReport && size >= 28) {
      const uint32_t ssrc = read_be32(packet.data + 4);
      const bool ours = has_source_ && ssrc == ssrc_;
      SenderReport& report = ours ? report_ : other_report_;
      report.ntp = read_be64(packet.data + 8);
      report.rtp_time = read_be32(packet.data + 16);
      report.arrival_us = now_us;
      if (ours) {
        has_report_ = true;
      } else {
        has_other_ = true;
        other_ssrc_ = ssrc;
      }
    }
    packet = packet.sub(size);
  }
}

uint32_t RtpReports::fraction_and_lost(int64_t expected) {
  const int64_t expected_now = expected - expected_before_;
  const int64_t lost_now = expected_now - (received_ - received_before_);
  expected_before_ = expected;
  received_before_ = received_;
  const int64_t fraction =
      expected_now > 0 && lost_now > 0 ? std::min<int64_t>((lost_now << 8) / expected_now, 255) : 0;
  const int64_t lost = std::clamp<int64_t>(expected - received_, -0x800000, 0x7fffff);
  return static_cast<uint32_t>(fraction) << 24 | (static_cast<uint32_t>(lost) & 0xffffff);
}

size_t RtpReports::write(uint8_t* out, int64_t now_us) {
  if (!has_source_ || !has_packet_) return 0;
  const uint32_t highest = cycles_ + max_sequence_;
  out[0] = 0x81;
  out[1] = kReceiverReport;
  write_be16(out + 2, 7);
  write_be32(out + 4, own_ssrc_);
  write_be32(out + 8, ssrc_);
  write_be32(out + 12, fraction_and_lost(static_cast<int64_t>(highest) - base_sequence_ + 1));
  write_be32(out + 16, highest);
  write_be32(out + 20, static_cast<uint32_t>(std::min<uint64_t>(jitter_x16_ >> 4, UINT32_MAX)));
  uint32_t last = 0, delay = 0;
  if (has_report_) {
    last = static_cast<uint32_t>(report_.ntp >> 16);
    const uint64_t since_us =
        now_us > report_.arrival_us ? static_cast<uint64_t>(now_us - report_.arrival_us) : 0;
    delay = static_cast<uint32_t>(
        std::min<uint64_t>(since_us / 15625 * 1024 + since_us % 15625 * 1024 / 15625, UINT32_MAX));
  }
  write_be32(out + 24, last);
  write_be32(out + 28, delay);

  // "thimble-" and our SSRC: 16 characters; with two bytes of item header and the end, padded to five words.
  uint8_t* sdes = out + 32;
  sdes[0] = 0x81;
  sdes[1] = kSourceDescription;
  write_be16(sdes + 2, 6);
  write_be32(sdes + 4, own_ssrc_);
  std::memset(sdes + 8, 0, 20);
  sdes[8] = kCname;
  sdes[9] = 16;
  std::memcpy(sdes + 10, "thimble-", 8);
  for (int i = 0; i < 8; i++)
    sdes[18 + i] = static_cast<uint8_t>("0123456789abcdef"[own_ssrc_ >> (28 - 4 * i) & 15]);
  return 60;
}

}  // namespace thimble::rtsp
