// Test support: builds RTP packets, and keeps what a track hands out.
#pragma once

#include <string>
#include <vector>

#include "rtsp/rtp_track.h"

namespace thimble::rtp_test {

using Data = std::vector<uint8_t>;

inline ByteView view(const Data& data) {
  return {data.data(), data.size()};
}

inline Data join(std::initializer_list<Data> parts) {
  Data out;
  for (const Data& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

/// `size` bytes behind `head` that hold no start code and do not end with zero.
inline Data filled(Data head, size_t size, uint8_t with = 0x55) {
  head.resize(head.size() + size, with);
  return head;
}

/// A NAL behind its 4-byte length, as it stands in an access unit.
inline Data with_length(const Data& nal) {
  Data out(4);
  write_be32(out.data(), static_cast<uint32_t>(nal.size()));
  out.insert(out.end(), nal.begin(), nal.end());
  return out;
}

struct Packet {
  uint16_t sequence = 0;
  uint32_t time = 0;
  bool marker = false;
  uint32_t ssrc = 0x11223344;
  uint8_t type = 96;
};

inline Data rtp(const Packet& packet, const Data& payload) {
  Data out(12);
  out[0] = 0x80;
  out[1] = static_cast<uint8_t>((packet.marker ? 0x80 : 0) | packet.type);
  write_be16(out.data() + 2, packet.sequence);
  write_be32(out.data() + 4, packet.time);
  write_be32(out.data() + 8, packet.ssrc);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

/// Copies of the access units.
struct Unit {
  uint32_t time;
  int64_t arrival_us;
  bool key, damaged, loss_before, discontinuity;
  Data data;
  std::string nals;  ///< "type:bytes ..."
  uint32_t duration;
  Data config;
};

class Collect : public rtsp::AccessUnitSink {
 public:
  void on_access_unit(const rtsp::AccessUnit& unit) override {
    Unit copy{unit.rtp_time,
              unit.arrival_us,
              unit.key,
              unit.damaged,
              unit.loss_before,
              unit.discontinuity,
              {unit.data.data, unit.data.data + unit.data.size},
              {},
              unit.duration,
              {unit.config.data, unit.config.data + unit.config.size}};
    for (size_t i = 0; i < unit.nal_count; i++) {
      const rtsp::Nal& nal = unit.nals[i];
      // The list must agree with the lengths in the bytes; a wrong one shows as a wrong name.
      const bool good = nal.offset >= 4 && nal.offset + uint64_t{nal.size} <= unit.data.size &&
                        read_be32(unit.data.data + nal.offset - 4) == nal.size;
      copy.nals +=
          (i ? " " : "") + (good ? std::to_string(nal.type) + ":" + std::to_string(nal.size) : "bad");
    }
    units.push_back(std::move(copy));
  }
  std::vector<Unit> units;
};

/// A track with its sink, fed with packets 1 ms apart whose sequence numbers count up by themselves.
class Feed {
 public:
  explicit Feed(rtsp::Codec codec, rtsp::RtpTrack::Limits limits = rtsp::RtpTrack::Limits()) {
    rtsp::Track description;
    description.codec = codec;
    description.payload_type = 96;
    description.clock_rate = codec == rtsp::Codec::kAac ? 48000 : 90000;
    if (codec == rtsp::Codec::kAac) {
      description.aac.emplace();
      description.aac->config = {0x11, 0x90};  // LC, 48 kHz, stereo
    }
    track = rtsp::RtpTrack::create(description, sink, limits);
  }
  explicit Feed(const rtsp::Track& description) { track = rtsp::RtpTrack::create(description, sink); }

  void send(uint32_t time, bool marker, const Data& payload) {
    Packet packet;
    packet.sequence = sequence++;
    packet.time = time;
    packet.marker = marker;
    raw(rtp(packet, payload));
  }
  void raw(const Data& bytes) { track->on_rtp(view(bytes), now_us += 1000); }
  void lose(int packets = 1) { sequence = static_cast<uint16_t>(sequence + packets); }
  void flush() { track->flush(now_us); }
  const rtsp::RtpCounters& counters() const { return track->counters(); }
  const Unit& last() const { return sink.units.back(); }
  size_t count() const { return sink.units.size(); }

  Collect sink;
  std::unique_ptr<rtsp::RtpTrack> track;
  uint16_t sequence = 1000;
  int64_t now_us = 1'000'000;
};

}  // namespace thimble::rtp_test
