// NAL units and packets of H.265 (RFC 7798, without decoding order numbers).
#include "rtsp/depacketizer_nal.h"

namespace thimble::rtsp {

namespace {

enum : uint8_t { kFirstIrap = 16, kLastIrap = 23, kFirstOther = 32, kVps = 32, kSps = 33, kAud = 35 };
enum : uint8_t { kEndOfSequence = 36, kEndOfStream = 37, kFiller = 38, kPrefixSei = 39, kSuffixSei = 40 };
enum : uint8_t { kAggregate = 48, kFragment = 49 };

NalInfo classify(ByteView nal) {
  NalInfo info;
  info.type = nal[0] >> 1 & 0x3f;
  const bool base_layer = (nal[0] & 1) == 0 && nal[1] >> 3 == 0;
  info.known = info.type < kAggregate;
  info.slice = info.type < kFirstOther;
  // first_slice_segment_in_pic_flag; another layer's picture belongs to the same access unit.
  info.first_slice = info.slice && base_layer && nal.size > 2 && (nal[2] & 0x80);
  info.begins_unit = base_layer && (info.type == kVps || info.type == kSps || info.type == kAud);
  info.key = info.type >= kFirstIrap && info.type <= kLastIrap;
  info.discardable = info.type == kFiller || info.type == kPrefixSei || info.type == kSuffixSei;
  info.may_be_empty = info.type == kEndOfSequence || info.type == kEndOfStream;
  // 7.4.2.4.4: everything else that is no slice begins or precedes a picture.
  info.trailing = info.may_be_empty || info.type == kFiller || info.type == kSuffixSei ||
                  (info.type >= 45 && info.type <= 47);
  return info;
}

/// nuh_temporal_id_plus1 must not be 0.
bool header_ok(ByteView nal) {
  return (nal[1] & 7) != 0;
}

void fragment_header(ByteView payload, uint8_t type, uint8_t* out) {
  out[0] = static_cast<uint8_t>((payload[0] & 0x81) | type << 1);
  out[1] = payload[1];
}

constexpr NalFormat kFormat = {2, kAggregate, kFragment, classify, header_ok, fragment_header, 0x3f};

}  // namespace

std::unique_ptr<Depacketizer> make_h265_depacketizer(UnitOutput& output, RtpTrack::Limits limits) {
  return std::make_unique<NalDepacketizer>(output, limits, kFormat);
}

}  // namespace thimble::rtsp
