// A valid H.264 stream without an encoder: 64x64 Constrained Baseline, pictures of raw (I_PCM) macroblocks.
#pragma once

#include <cstdint>
#include <vector>

#include "media/codec_parameters.h"

namespace tiny {

using Bytes = std::vector<uint8_t>;

/// Writes the bits of one NAL unit (H.264 7.2 and 9.1).
class BitWriter {
 public:
  void u(uint32_t value, int bits) {
    while (bits-- > 0) bit((value >> bits) & 1);
  }
  void ue(uint32_t value) {
    int bits = 0;
    while ((value + 1) >> (bits + 1)) ++bits;
    u(0, bits);
    u(value + 1, bits + 1);
  }
  void align() {
    while (used_ != 0) bit(0);
  }
  void byte(uint8_t value) { u(value, 8); }
  Bytes finish() {
    bit(1);
    align();
    return bytes_;
  }

 private:
  void bit(uint32_t value) {
    if (used_ == 0) bytes_.push_back(0);
    bytes_.back() = static_cast<uint8_t>(bytes_.back() | value << (7 - used_));
    used_ = (used_ + 1) % 8;
  }
  Bytes bytes_;
  int used_ = 0;
};

constexpr int kMacroblocks = 16;  // 4 x 4

inline Bytes sps(int width_macroblocks = 4) {
  BitWriter w;
  w.byte(0x67);
  w.byte(66);
  w.byte(0xc0);
  w.byte(10);
  w.ue(0);  // id
  w.ue(0);  // 4 bits of frame_num
  w.ue(2);  // picture order = decoding order
  w.ue(1);  // reference frames
  w.u(0, 1);
  w.ue(static_cast<uint32_t>(width_macroblocks - 1));  // then the height - 1
  w.ue(3);
  w.u(1, 1);  // frame_mbs_only
  w.u(1, 1);
  w.u(0, 2);  // no cropping, no VUI
  return w.finish();
}

inline Bytes pps() {
  BitWriter w;
  w.byte(0x68);
  w.ue(0);
  w.ue(0);
  w.u(0, 2);  // CAVLC
  w.ue(0);
  w.ue(0);
  w.ue(0);
  w.u(0, 3);
  w.ue(0);
  w.ue(0);
  w.ue(0);
  w.u(1, 1);  // deblocking control present
  w.u(0, 2);
  return w.finish();
}

/// Sample values never are zero, so emulation prevention is never needed.
inline void raw_macroblock(BitWriter& w, uint32_t& noise) {
  w.align();
  for (int i = 0; i < 384; ++i) {
    noise = noise * 1664525 + 1013904223;
    w.byte(static_cast<uint8_t>(noise >> 24 | 1));
  }
}

/// One access unit, its NAL behind a 4-byte length. `position` in its GOP, 0 = IDR. P pictures: `raw` new
/// macroblocks, the others skipped.
inline Bytes picture(int position, int raw, uint32_t seed) {
  BitWriter w;
  uint32_t noise = seed;
  const bool idr = position == 0;
  w.byte(idr ? 0x65 : 0x41);
  w.ue(0);            // first_mb
  w.ue(idr ? 7 : 5);  // slice_type
  w.ue(0);
  w.u(static_cast<uint32_t>(position % 16), 4);
  if (idr) {
    w.ue(seed % 2);  // idr_pic_id
    w.u(0, 2);
  } else {
    w.u(0, 3);
  }
  w.ue(0);  // qp delta
  w.ue(1);  // no deblocking
  if (idr) raw = kMacroblocks;
  for (int i = 0; i < raw; ++i) {
    if (!idr) w.ue(0);    // mb_skip_run
    w.ue(idr ? 25 : 30);  // I_PCM
    raw_macroblock(w, noise);
  }
  if (!idr && raw < kMacroblocks) w.ue(static_cast<uint32_t>(kMacroblocks - raw));
  const Bytes nal = w.finish();
  Bytes unit(4);
  thimble::write_be32(unit.data(), static_cast<uint32_t>(nal.size()));
  unit.insert(unit.end(), nal.begin(), nal.end());
  return unit;
}

inline thimble::media::VideoParameters video_parameters() {
  thimble::media::VideoParameters video;
  video.codec = thimble::rtsp::Codec::kH264;
  video.sps = {sps()};
  video.pps = {pps()};
  video.sequence.width = 64;
  video.sequence.height = 64;
  return video;
}

/// One silent stereo frame of AAC-LC.
inline Bytes silent_aac() {
  return {0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c};
}

inline thimble::media::AudioParameters audio_parameters() {
  thimble::media::AudioParameters audio;
  audio.codec = thimble::rtsp::Codec::kAac;
  audio.config = {0x11, 0x90};  // AAC-LC, 48 kHz, stereo
  audio.sample_rate = 48000;
  audio.channels = 2;
  return audio;
}

}  // namespace tiny
