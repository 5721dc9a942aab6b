// Parameter sets of video and configurations of sound.
#include "fuzz/target.h"
#include "media/codec_parameters.h"
#include "rtsp/latm_config.h"
#include "rtsp/opus_packet.h"

namespace thimble::fuzz {

namespace {

bool check_video(rtsp::Codec codec, ByteView input) {
  const auto parsed =
      codec == rtsp::Codec::kH264 ? media::parse_h264_sps(input) : media::parse_h265_sps(input);
  media::VideoParameters video;
  video.codec = codec;
  video.sps = {Bytes(input.data, input.data + input.size)};
  expect(!video.codec_string().empty(), "a codec string is never empty");
  expect(video.same(video), "a decoder set-up is the same as itself");
  if (!parsed) return false;
  expect(parsed->width > 0 && parsed->width <= 16384, "width");
  expect(parsed->height > 0 && parsed->height <= 16384, "height");
  expect(parsed->reorder_frames >= 0 && parsed->reorder_frames <= 16, "reorder_frames");
  expect(parsed->fps >= 0 && parsed->fps <= 1000, "fps");
  return true;
}

bool check_h264(ByteView input) {
  return check_video(rtsp::Codec::kH264, input);
}

bool check_h265(ByteView input) {
  return check_video(rtsp::Codec::kH265, input);
}

bool check_aac(ByteView input) {
  const auto audio = media::parse_aac_config(input);
  if (!audio) return false;
  expect(audio->sample_rate > 0 && audio->channels > 0 && audio->frame_samples > 0,
         "an AAC config that decodes");
  expect(audio->same(*audio), "a sound is the same as itself");
  expect(!audio->codec_string().empty(), "a codec string is never empty");
  return true;
}

/// The first byte tells whether the rest is a StreamMuxConfig or format parameters with one.
bool check_latm(ByteView input) {
  if (input.empty()) return false;
  std::optional<rtsp::LatmConfig> config;
  if (input[0] == 'f') {
    config = rtsp::latm_format(input.sub(1).text()).config;
  } else {
    rtsp::BitReader bits(input.sub(1));
    config = rtsp::read_stream_mux_config(bits);
  }
  if (!config) return false;
  expect(config->sub_frames >= 1 && config->sub_frames <= 64, "sub_frames");
  expect(!config->audio.empty() && config->aac.rate > 0, "a LATM config has a sound");
  touch(view(config->audio));
  return true;
}

bool check_opus(ByteView input) {
  const uint32_t samples = rtsp::opus_packet_samples(input);
  expect(samples == 0 || (samples >= 120 && samples <= 5760 && samples % 120 == 0),
         "duration of an Opus packet");
  return samples > 0;
}

std::vector<Bytes> h264_seeds() {
  return {{0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00,
           0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x83, 0x19, 0x60},
          {0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0x88}};
}

std::vector<Bytes> h265_seeds() {
  return {{0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00,
           0x03, 0x00, 0x00, 0x03, 0x00, 0x5d, 0xa0, 0x02, 0x80, 0x80, 0x2d, 0x16,
           0x59, 0x59, 0xa4, 0x93, 0x2b, 0xc0, 0x5a, 0x70, 0x80, 0x80, 0x80, 0x82}};
}

std::vector<Bytes> aac_seeds() {
  return {{0x11, 0x90, 0x56, 0xe5, 0x00},
          {0x2b, 0x11, 0x88, 0x00},
          {0xeb, 0x09, 0x88, 0x00},
          {0x11, 0x80, 0x04, 0xc8, 0x44, 0x00, 0x20, 0x00, 0xc4, 0x0d}};
}

std::vector<Bytes> latm_seeds() {
  const std::string_view format = "fprofile-level-id=30;cpresent=0; config=400028103fc0";
  return {Bytes(format.begin(), format.end()), {0, 0x40, 0x00, 0x28, 0x10, 0x3f, 0xc0}};
}

std::vector<Bytes> opus_seeds() {
  return {{0xfc, 1, 2, 3}, {0x79, 1, 2, 3, 4}, {0x7a, 2, 1, 2, 3, 4}, {0x03, 0x42, 2, 1, 2, 3, 4, 5, 6}};
}

}  // namespace

std::vector<Target> codec_targets() {
  return {{"h264-sps", check_h264, h264_seeds},
          {"h265-sps", check_h265, h265_seeds},
          {"aac-config", check_aac, aac_seeds},
          {"latm-config", check_latm, latm_seeds},
          {"opus-packet", check_opus, opus_seeds}};
}

}  // namespace thimble::fuzz
