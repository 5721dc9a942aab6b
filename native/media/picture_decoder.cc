// Picks the NAL units that a keyframe needs and nothing else, so that a decoder sees little of what hostile
// cameras and files may say.
#include "media/picture_decoder.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
}

#include <cstring>

#include "media/moov_reader.h"

namespace thimble::media {
namespace {

constexpr int kMaxSide = 8192;
constexpr int64_t kMaxPixels = 36'000'000;
/// All that one keyframe may have decoded: it is one picture, or one for each of two fields.
constexpr int64_t kMaxDecodedBytes = 192 << 20;
constexpr size_t kVisualEntryBytes = 86;  // of a sample entry before its inner boxes
constexpr size_t kWidthAt = 32;
constexpr size_t kLengthBytes = 4;

struct ContextCloser {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
using Context = std::unique_ptr<AVCodecContext, ContextCloser>;

struct PacketCloser {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
using Packet = std::unique_ptr<AVPacket, PacketCloser>;

struct Configuration {
  AVCodecID codec = AV_CODEC_ID_NONE;
  int width = 0;   ///< as the sample entry tells it
  ByteView bytes;  ///< content of the avcC or hvcC
};

Configuration configuration_of(ByteView sample_entry) {
  const ByteView boxes = sample_entry.sub(kVisualEntryBytes);
  if (boxes.empty()) return {};
  const bool h264 = std::memcmp(sample_entry.data + 4, "avc1", 4) == 0;
  if (!h264 && std::memcmp(sample_entry.data + 4, "hvc1", 4) != 0) return {};
  const ByteView found = child_box(boxes, h264 ? "avcC" : "hvcC");
  const size_t length_at = h264 ? 4 : 21;
  if (found.size <= length_at || (found[length_at] & 3) != kLengthBytes - 1) return {};
  return {h264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC, read_be16(sample_entry.data + kWidthAt), found};
}

/// Slices and parameter sets (H.264 table 7-1, H.265 table 7-1). Data partitions, SEI, delimiters, filler and
/// extensions have no part in the picture.
bool is_needed(AVCodecID codec, uint8_t first_byte) {
  if (codec == AV_CODEC_ID_H264) {
    const int type = first_byte & 0x1f;
    return type == 1 || type == 5 || type == 7 || type == 8;
  }
  const int type = first_byte >> 1 & 0x3f;
  return type < 32 || type == 32 || type == 33 || type == 34;
}

/// Three zeros are never written in a NAL unit (H.264 7.4.1, H.265 7.4.2): there the disk lost a part of it,
/// which a decoder of H.265 takes for picture. Some cameras put zeros behind a unit.
bool lost_part(ByteView unit) {
  while (unit.size > 0 && unit[unit.size - 1] == 0) --unit.size;
  for (size_t i = 0; i + 2 < unit.size; i += unit[i + 2] == 0 ? 1 : 3) {
    if (unit[i] == 0 && unit[i + 1] == 0 && unit[i + 2] == 0) return true;
  }
  return unit.empty();
}

/// Copies what is needed of the sample; false when its lengths do not lead through it, or a part is missing.
bool copy_needed(AVCodecID codec, ByteView sample, AVPacket* packet) {
  size_t used = 0;
  while (!sample.empty()) {
    if (sample.size <= kLengthBytes) return false;
    const uint32_t length = read_be32(sample.data);
    if (length == 0 || length > sample.size - kLengthBytes) return false;
    const size_t whole = kLengthBytes + length;
    if (is_needed(codec, sample[kLengthBytes])) {
      if (lost_part(sample.sub(kLengthBytes, length))) return false;
      std::memcpy(packet->data + used, sample.data, whole);
      used += whole;
    }
    sample = sample.sub(whole);
  }
  std::memset(packet->data + used, 0, AV_INPUT_BUFFER_PADDING_SIZE);
  packet->size = static_cast<int>(used);
  packet->flags |= AV_PKT_FLAG_KEY;
  return used > 0;
}

/// What one decoder may still take.
struct Budget {
  int64_t bytes = kMaxDecodedBytes;
  bool exceeded = false;
};

int take_buffer(AVCodecContext* context, AVFrame* frame, int flags) {
  auto* budget = static_cast<Budget*>(context->opaque);
  const int bytes =
      av_image_get_buffer_size(static_cast<AVPixelFormat>(frame->format), frame->width, frame->height, 32);
  if (frame->width > kMaxSide || frame->height > kMaxSide || bytes < 0 || bytes > budget->bytes) {
    budget->exceeded = true;
    return AVERROR(EINVAL);
  }
  budget->bytes -= bytes;
  return avcodec_default_get_buffer2(context, frame, flags);
}

bool set_configuration(AVCodecContext* context, ByteView bytes) {
  context->extradata = static_cast<uint8_t*>(av_mallocz(bytes.size + AV_INPUT_BUFFER_PADDING_SIZE));
  if (!context->extradata) return false;
  std::memcpy(context->extradata, bytes.data, bytes.size);
  context->extradata_size = static_cast<int>(bytes.size);
  return true;
}

PictureProblem problem_of(int error, const Budget& budget) {
  if (budget.exceeded) return PictureProblem::kTooLarge;
  return error == AVERROR(ENOMEM) ? PictureProblem::kNoMemory : PictureProblem::kDamaged;
}

PictureProblem open_decoder(const Configuration& configuration, Budget* budget, Context* decoder) {
  const AVCodec* codec = avcodec_find_decoder(configuration.codec);
  if (!codec) return PictureProblem::kUnsupported;
  decoder->reset(avcodec_alloc_context3(codec));
  AVCodecContext* context = decoder->get();
  if (!context || !set_configuration(context, configuration.bytes)) return PictureProblem::kNoMemory;
  context->thread_count = 1;
  context->thread_type = FF_THREAD_SLICE;
  context->max_pixels = kMaxPixels;
  context->opaque = budget;
  context->get_buffer2 = take_buffer;
  // Guessing what is missing takes long, and a picture with guesses in it proves nothing.
  context->error_concealment = 0;
  const int error = avcodec_open2(context, codec, nullptr);
  return error < 0 ? problem_of(error, *budget) : PictureProblem::kNone;
}

}  // namespace

void FrameCloser::operator()(AVFrame* frame) const {
  av_frame_free(&frame);
}

PictureProblem decode_keyframe(const CodedKeyframe& keyframe, int most_width, FramePointer* frame) {
  if (keyframe.sample.size > kMaxPictureSampleBytes) return PictureProblem::kTooLarge;
  const Configuration configuration = configuration_of(keyframe.sample_entry);
  if (configuration.codec == AV_CODEC_ID_NONE) return PictureProblem::kDamaged;
  const Packet packet(av_packet_alloc());
  frame->reset(av_frame_alloc());
  if (!packet || !*frame || av_new_packet(packet.get(), static_cast<int>(keyframe.sample.size)) < 0)
    return PictureProblem::kNoMemory;
  if (!copy_needed(configuration.codec, keyframe.sample, packet.get())) return PictureProblem::kDamaged;
  Budget budget;
  Context decoder;
  const PictureProblem problem = open_decoder(configuration, &budget, &decoder);
  if (problem != PictureProblem::kNone) return problem;
  if (configuration.width >= 2 * most_width) decoder->skip_loop_filter = AVDISCARD_ALL;
  // Only now: cameras' parameter sets may hold mistakes that do no harm.
  decoder->err_recognition |= AV_EF_EXPLODE;
  int error = avcodec_send_packet(decoder.get(), packet.get());
  // The end of the stream lets it give out the picture without waiting for those that might be shown before.
  if (error >= 0) error = avcodec_send_packet(decoder.get(), nullptr);
  if (error >= 0) error = avcodec_receive_frame(decoder.get(), frame->get());
  if (error < 0) return problem_of(error, budget);
  return (*frame)->decode_error_flags == 0 ? PictureProblem::kNone : PictureProblem::kDamaged;
}

}  // namespace thimble::media
