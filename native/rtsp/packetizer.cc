// See packetizer.h.
#include "rtsp/packetizer.h"

#include <algorithm>
#include <cstring>

namespace thimble::rtsp {

namespace {

constexpr size_t kFrameBytes = 4, kRtpBytes = 12;
/// Opus says how long a packet is in no field of its own; longer ones do not exist (RFC 6716 3.4: 120 ms).
constexpr size_t kMostOpusBytes = 48 * 1276;
/// 13 bits (RFC 3640 3.3.6).
constexpr size_t kMostAacBytes = 8191;
constexpr uint8_t kFragmentH264 = 28, kFragmentH265 = 49;

}  // namespace

Packetizer::Packetizer(const ServedTrack& track, uint8_t channel, uint64_t seed)
    : codec_(track.codec),
      payload_type_(static_cast<uint8_t>(track.payload_type())),
      channel_(channel),
      sample_bytes_(track.is_video() ? 1
                                     : static_cast<size_t>(std::max(track.channels, 1)) *
                                           (track.codec == Codec::kL16 ? 2 : 1)),
      ssrc_(static_cast<uint32_t>(seed >> 32)),
      // Far from the turn at first, which some receivers count as a restart.
      sequence_(static_cast<uint16_t>(seed & 0x3fff)) {}

void Packetizer::skip() {
  in_unit_ = false;
  ++sequence_;
}

void Packetizer::begin(size_t size, uint32_t rtp_time, const std::vector<ByteView>& sets) {
  if (in_unit_) skip();
  before_.clear();
  for (const ByteView& set : sets) {
    uint8_t length[4];
    write_be32(length, static_cast<uint32_t>(set.size));
    before_.insert(before_.end(), length, length + 4);
    before_.insert(before_.end(), set.data, set.data + set.size);
  }
  rtp_time_ = rtp_time;
  size_ = before_.size() + size;
  at_ = nal_left_ = 0;
  in_unit_ = size > 0;
  if (codec_ == Codec::kAac && size > kMostAacBytes) in_unit_ = false;
  if (codec_ == Codec::kOpus && size > kMostOpusBytes) in_unit_ = false;
}

bool Packetizer::next(const UnitBytes& unit, std::string* out) {
  if (!in_unit_) return false;
  bool added = false;
  if (is_nal()) {
    added = next_nal(unit, out);
  } else if (codec_ == Codec::kAac) {
    added = next_aac(unit, out);
  } else {
    added = next_plain(unit, out);
  }
  if (!added) in_unit_ = false;
  return added;
}

void Packetizer::read(const UnitBytes& unit, size_t offset, size_t size, uint8_t* out) const {
  // NALs do not cross the border.
  if (offset < before_.size()) {
    std::memcpy(out, before_.data() + offset, std::min(size, before_.size() - offset));
  } else {
    unit.read(offset - before_.size(), size, out);
  }
}

/// Room for a payload behind its headers.
uint8_t* Packetizer::add_packet(size_t payload_bytes, bool marker, std::string* out) {
  const size_t begin = out->size();
  out->resize(begin + kFrameBytes + kRtpBytes + payload_bytes);
  auto* const frame = reinterpret_cast<uint8_t*>(out->data()) + begin;
  frame[0] = '$';
  frame[1] = channel_;
  write_be16(frame + 2, static_cast<uint16_t>(kRtpBytes + payload_bytes));
  uint8_t* const rtp = frame + kFrameBytes;
  rtp[0] = 0x80;
  rtp[1] = static_cast<uint8_t>(payload_type_ | (marker ? 0x80 : 0));
  write_be16(rtp + 2, sequence_++);
  write_be32(rtp + 4, rtp_time_);
  write_be32(rtp + 8, ssrc_);
  ++packets_;
  octets_ += static_cast<uint32_t>(payload_bytes);
  return rtp + kRtpBytes;
}

/// To the next NAL that has anything in it. False when there is none.
bool Packetizer::begin_nal(const UnitBytes& unit) {
  const size_t header_bytes = codec_ == Codec::kH264 ? 1 : 2;
  while (at_ + 4 < size_) {
    uint8_t length[4];
    const size_t end = at_ < before_.size() ? before_.size() : size_;
    read(unit, at_, 4, length);
    at_ += 4;
    const size_t nal_bytes = std::min<size_t>(read_be32(length), end - at_);
    if (nal_bytes <= header_bytes) {
      at_ += nal_bytes;
      continue;
    }
    nal_left_ = nal_bytes;
    fragment_begins_ = nal_bytes > kMostPayloadBytes;
    if (fragment_begins_) {
      read(unit, at_, header_bytes, nal_header_);
      at_ += header_bytes;
      nal_left_ -= header_bytes;
    }
    return true;
  }
  return false;
}

bool Packetizer::next_nal(const UnitBytes& unit, std::string* out) {
  const bool h264 = codec_ == Codec::kH264;
  const bool goes_on = nal_left_ > 0;
  if (!goes_on && !begin_nal(unit)) return false;
  const auto is_last = [this] { return at_ + 4 >= size_; };
  if (!goes_on && !fragment_begins_) {
    const size_t from = at_, size = nal_left_;
    at_ += size;
    nal_left_ = 0;
    read(unit, from, size, add_packet(size, is_last(), out));
    return true;
  }
  const size_t header_bytes = h264 ? 2 : 3;
  const size_t size = std::min(nal_left_, kMostPayloadBytes - header_bytes);
  const size_t from = at_;
  at_ += size;
  nal_left_ -= size;
  uint8_t* payload = add_packet(header_bytes + size, nal_left_ == 0 && is_last(), out);
  const uint8_t ends = static_cast<uint8_t>((fragment_begins_ ? 0x80 : 0) | (nal_left_ == 0 ? 0x40 : 0));
  fragment_begins_ = false;
  if (h264) {
    *payload++ = static_cast<uint8_t>((nal_header_[0] & 0xe0) | kFragmentH264);
    *payload++ = static_cast<uint8_t>(ends | (nal_header_[0] & 0x1f));
  } else {
    *payload++ = static_cast<uint8_t>((nal_header_[0] & 0x81) | kFragmentH265 << 1);
    *payload++ = nal_header_[1];
    *payload++ = static_cast<uint8_t>(ends | (nal_header_[0] >> 1 & 0x3f));
  }
  read(unit, from, size, payload);
  return true;
}

bool Packetizer::next_aac(const UnitBytes& unit, std::string* out) {
  if (at_ >= size_) return false;
  // One frame, or a piece of one, behind one header of 16 bits that tells the size of the whole.
  const size_t size = std::min(size_ - at_, kMostPayloadBytes - 4);
  const size_t from = at_;
  at_ += size;
  uint8_t* const payload = add_packet(4 + size, at_ == size_, out);
  write_be16(payload, 16);
  write_be16(payload + 2, static_cast<uint16_t>(size_ << 3));
  read(unit, from, size, payload + 4);
  return true;
}

bool Packetizer::next_plain(const UnitBytes& unit, std::string* out) {
  if (at_ >= size_) return false;
  const size_t samples = std::max<size_t>(kMostPayloadBytes / sample_bytes_, 1);
  const size_t most = codec_ == Codec::kOpus ? size_ : samples * sample_bytes_;
  const size_t size = std::min(size_ - at_, most);
  const size_t from = at_;
  at_ += size;
  read(unit, from, size, add_packet(size, false, out));
  if (codec_ != Codec::kOpus) rtp_time_ += static_cast<uint32_t>(size / sample_bytes_);
  return true;
}

void Packetizer::report(uint64_t ntp, uint32_t rtp_time, std::string_view cname, std::string* out) const {
  cname = cname.substr(0, 64);
  // An item's two bytes, the name and at least one byte that ends the list, in whole words.
  const size_t items_bytes = (2 + cname.size() + 1 + 3) / 4 * 4;
  const size_t size = 28 + 8 + items_bytes;
  const size_t begin = out->size();
  out->resize(begin + kFrameBytes + size, '\0');
  auto* const frame = reinterpret_cast<uint8_t*>(out->data()) + begin;
  frame[0] = '$';
  frame[1] = static_cast<uint8_t>(channel_ + 1);
  write_be16(frame + 2, static_cast<uint16_t>(size));
  uint8_t* const rtcp = frame + kFrameBytes;
  rtcp[0] = 0x80;
  rtcp[1] = 200;
  write_be16(rtcp + 2, 6);
  write_be32(rtcp + 4, ssrc_);
  write_be64(rtcp + 8, ntp);
  write_be32(rtcp + 16, rtp_time);
  write_be32(rtcp + 20, packets_);
  write_be32(rtcp + 24, octets_);
  uint8_t* const sdes = rtcp + 28;
  sdes[0] = 0x81;
  sdes[1] = 202;
  write_be16(sdes + 2, static_cast<uint16_t>((8 + items_bytes) / 4 - 1));
  write_be32(sdes + 4, ssrc_);
  sdes[8] = 1;
  sdes[9] = static_cast<uint8_t>(cname.size());
  std::memcpy(sdes + 10, cname.data(), cname.size());
}

}  // namespace thimble::rtsp
