// The depacketisers, each behind a whole track: packets in any order, of any source, cut and damaged.
#include <algorithm>

#include "fuzz/target.h"
#include "rtsp/rtp_track.h"

namespace thimble::fuzz {

namespace {

using rtsp::Codec;

/// Checks each access unit.
class Judge final : public rtsp::AccessUnitSink {
 public:
  explicit Judge(const rtsp::RtpTrack::Limits& limits) : limits_(limits) {}
  void on_access_unit(const rtsp::AccessUnit& unit) override {
    units++;
    expect(unit.data.size > 0 && unit.data.size <= limits_.max_unit_bytes, "size of an access unit");
    touch(unit.data);
    touch(unit.config);
    expect(unit.nal_count <= limits_.max_nals, "number of NAL units");
    if (unit.nal_count == 0) return;
    size_t end = 0;
    for (size_t i = 0; i < unit.nal_count; i++) {
      const rtsp::Nal& nal = unit.nals[i];
      expect(nal.offset == end + 4 && nal.size > 0, "NAL units follow each other");
      end = nal.offset + size_t{nal.size};
      expect(end <= unit.data.size, "NAL units lie in the access unit");
      expect(read_be32(unit.data.data + nal.offset - 4) == nal.size, "lengths are those of the list");
      expect(unit.data[end - 1] != 0, "no zeros behind a NAL unit");
    }
    expect(end == unit.data.size, "NAL units fill the access unit");
  }
  uint64_t units = 0;

 private:
  rtsp::RtpTrack::Limits limits_;
};

/// What one byte before each packet says.
enum Step : uint8_t {
  kMarker = 0x01,
  kNextTime = 0x02,
  kSequenceMask = 0x0c,  ///< 0 and 4: the next one; 8: three are missing; 12: goes back two
  kOtherSource = 0x10,
  kWhole = 0x20,  ///< what follows is the packet, not its payload
  kRtcp = 0x40,
  kPause = 0x80,  ///< 1.2 s pass before it
};

/// The first byte sets the limits; then come packets: a Step, two bytes of length, the payload.
bool check(Codec codec, ByteView input) {
  if (input.empty()) return false;
  rtsp::RtpTrack::Limits limits;
  if (input[0] != 0) {
    limits.max_unit_bytes = 100u + 30u * input[0];
    limits.max_nals = 1u + input[0] / 8u;
    limits.max_held_bytes = 40u * input[0];
  }
  rtsp::Track track;
  track.codec = codec;
  track.payload_type = 96;
  track.clock_rate = codec == Codec::kOpus || codec == Codec::kAac ? 48000
                     : codec == Codec::kPcma                       ? 8000
                                                                   : 90000;
  track.channels = 1;
  if (codec == Codec::kAac) {
    rtsp::Track::Aac aac;
    aac.config = {0x11, 0x90};  // LC, 48 kHz, stereo
    track.aac = aac;
  }
  Judge judge(limits);
  const auto reader = rtsp::RtpTrack::create(track, judge, limits);
  if (!reader) return false;
  uint16_t sequence = 65000;
  uint32_t time = 0xffff0000u, ssrc = 0x11223344;
  int64_t now_us = 1'000'000;
  Bytes packet;
  for (size_t at = 1; at + 3 <= input.size;) {
    const uint8_t step = input[at];
    const ByteView payload = input.sub(at + 3, read_be16(input.data + at + 1));
    at += 3 + payload.size;
    now_us += step & kPause ? 1'200'000 : 1000;
    if (step & kPause) reader->tick(now_us);
    if (step & kNextTime) time += 3600;
    if (step & kOtherSource) ssrc ^= 1;
    const int jump = (step & kSequenceMask) == 8 ? 4 : (step & kSequenceMask) == 12 ? -2 : 1;
    sequence = static_cast<uint16_t>(sequence + jump);
    packet.assign(step & kWhole || step & kRtcp ? 0 : 12, 0);
    if (!packet.empty()) {
      packet[0] = 0x80;
      packet[1] = static_cast<uint8_t>((step & kMarker ? 0x80 : 0) | 96);
      write_be16(packet.data() + 2, sequence);
      write_be32(packet.data() + 4, time);
      write_be32(packet.data() + 8, ssrc);
    }
    packet.insert(packet.end(), payload.data, payload.data + payload.size);
    const Bytes exact(packet.begin(), packet.end());
    if (step & kRtcp) {
      reader->on_rtcp(view(exact), now_us);
    } else {
      reader->on_rtp(view(exact), now_us);
    }
    uint8_t report[128];
    expect(reader->write_receiver_report(report, now_us) <= sizeof report, "a report fits");
  }
  reader->flush(now_us);
  reader->tick(now_us + 2'000'000);
  return judge.units > 0;
}

template <Codec codec>
bool check(ByteView input) {
  return check(codec, input);
}

class Script {
 public:
  explicit Script(uint8_t limits) : bytes_{limits} {}
  Script& packet(uint8_t step, const Bytes& payload) {
    bytes_.push_back(step);
    bytes_.push_back(static_cast<uint8_t>(payload.size() >> 8));
    bytes_.push_back(static_cast<uint8_t>(payload.size()));
    bytes_.insert(bytes_.end(), payload.begin(), payload.end());
    return *this;
  }
  /// `head` and filling, which holds no start code.
  Script& filled(uint8_t step, Bytes head, size_t size) {
    head.resize(head.size() + size, 0x55);
    return packet(step, head);
  }
  Script& sender_report() {
    return packet(kRtcp, {0x80, 200, 0, 6, 0x11, 0x22, 0x33, 0x44, 1, 2, 3, 4, 5, 6,
                          7,    8,   9, 9, 9,    9,    0,    0,    0, 1, 0, 0, 0, 9});
  }
  Bytes done() const { return bytes_; }

 private:
  Bytes bytes_;
};

constexpr uint8_t kLast = kMarker | kNextTime;

std::vector<Bytes> h264_seeds() {
  Script plain(0);
  plain.filled(kNextTime, {0x67}, 12).filled(0, {0x68}, 4).filled(kMarker, {0x65}, 60).sender_report();
  plain.filled(kLast, {0x41}, 30).filled(kLast, {0x06}, 5).filled(kLast | 8, {0x41}, 30);
  Script parts(40);
  parts.packet(kNextTime, {0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 1}).filled(0, {0x7c, 0x85}, 40);
  parts.filled(0, {0x7c, 0x05}, 40).filled(kMarker, {0x7c, 0x45}, 10).filled(kLast, {0x5c, 0x81}, 9);
  parts.filled(kMarker, {0x5c, 0x41}, 9).packet(kLast, {0x61, 0, 0, 0, 1, 0x41, 7, 0, 0, 1, 0x41, 8});
  Script sources(0);
  for (int i = 0; i < 12; i++) {
    sources.filled(static_cast<uint8_t>(kLast | (i == 3 ? kOtherSource : 0) | (i == 9 ? kPause : 0)),
                   {static_cast<uint8_t>(i % 4 ? 0x41 : 0x65)}, 20);
  }
  return {plain.done(), parts.done(), sources.done()};
}

std::vector<Bytes> h265_seeds() {
  Script plain(0);
  plain.filled(kNextTime, {0x40, 1}, 12).filled(0, {0x42, 1}, 20).filled(0, {0x44, 1}, 4);
  plain.filled(kMarker, {0x26, 1}, 60)
      .filled(kLast, {0x02, 1}, 30)
      .sender_report()
      .filled(kLast | 8, {0x02, 1}, 9);
  Script parts(40);
  parts.packet(kNextTime, {0x60, 1, 0, 3, 0x42, 1, 2, 0, 3, 0x44, 1, 9}).filled(0, {0x62, 1, 0x93}, 40);
  parts.filled(0, {0x62, 1, 0x13}, 40).filled(kMarker, {0x62, 1, 0x53}, 10).filled(kLast, {0x64, 1}, 9);
  parts.filled(kLast, {0x62, 1, 0x81}, 10).filled(kMarker, {0x62, 1, 0x41}, 10);
  return {plain.done(), parts.done()};
}

std::vector<Bytes> aac_seeds() {
  Script plain(0);
  plain.filled(kLast, {0, 16, 0, 80}, 10).filled(kLast, {0, 32, 0, 40, 0, 48}, 11).sender_report();
  Script parts(30);
  parts.filled(kNextTime, {0, 16, 0x01, 0x40}, 20).filled(kMarker, {0, 16, 0x01, 0x40}, 20);
  parts.filled(kLast, {0xff, 0xf1, 0x4c, 0x80, 0x02, 0x1f, 0xfc}, 10);
  return {plain.done(), parts.done()};
}

std::vector<Bytes> latm_seeds() {
  Script in_band(0);
  in_band.packet(kLast, {0x20, 0x00, 0x14, 0x08, 0x1f, 0xe0, 0x20, 1, 2, 3, 4});
  in_band.filled(kLast, {0x80, 10}, 10).filled(kNextTime, {0x80, 30}, 20).filled(kMarker, {}, 20);
  return {in_band.done()};
}

std::vector<Bytes> opus_seeds() {
  Script plain(0);
  plain.filled(kLast, {0xfc}, 30)
      .filled(kLast, {0x7a, 5}, 20)
      .filled(kLast, {0x03, 0x42, 3}, 20)
      .sender_report();
  return {plain.done()};
}

std::vector<Bytes> sample_seeds() {
  Script plain(0);
  plain.filled(kLast, {}, 160).filled(kNextTime, {}, 320).filled(kNextTime | 8, {}, 7).sender_report();
  return {plain.done()};
}

}  // namespace

std::vector<Target> rtp_targets() {
  return {{"rtp-h264", check<Codec::kH264>, h264_seeds}, {"rtp-h265", check<Codec::kH265>, h265_seeds},
          {"rtp-aac", check<Codec::kAac>, aac_seeds},    {"rtp-latm", check<Codec::kAacLatm>, latm_seeds},
          {"rtp-opus", check<Codec::kOpus>, opus_seeds}, {"rtp-pcma", check<Codec::kPcma>, sample_seeds},
          {"rtp-l16", check<Codec::kL16>, sample_seeds}};
}

}  // namespace thimble::fuzz
