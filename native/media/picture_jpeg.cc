// JPEG is always BT.601 in full range (JFIF), video hardly ever: libswscale converts while it scales.
#include "media/picture_jpeg.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <memory>

#include "media/picture_decoder.h"

namespace thimble::media {
namespace {

/// 640x360 takes 20 to 50 KB, and blocks are not seen yet.
constexpr int kQuality = 3;
constexpr int kLeastSide = 2;
/// Pixels of another shape are damage: those of television are 0.9 to 1.5 times as wide as high.
constexpr double kLongestPixel = 4;
/// Below these a picture is taken for standard definition when it does not name its colours; so do browsers.
constexpr int kHighDefinitionHeight = 720;

struct ScalerCloser {
  void operator()(SwsContext* context) const { sws_freeContext(context); }
};
struct EncoderCloser {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct PacketCloser {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

struct Size {
  int width, height;
};

/// Even, as half the resolution of colour wants it, and at most `most`.
int even(double side, int most) {
  return std::max(kLeastSide, std::min(static_cast<int>(side / 2 + 0.5), most / 2) * 2);
}

/// Square pixels, made by shrinking the longer side of each.
Size target_size(const AVFrame& frame, int most_width) {
  double width = frame.width, height = frame.height;
  const AVRational shape = frame.sample_aspect_ratio;
  const double pixel = shape.num > 0 && shape.den > 0 ? av_q2d(shape) : 1;
  if (pixel > 1 && pixel <= kLongestPixel) height /= pixel;
  if (pixel < 1 && pixel * kLongestPixel >= 1) width *= pixel;
  const double scale = std::min(1.0, most_width / width);
  return {even(width * scale, std::min(frame.width, most_width)), even(height * scale, frame.height)};
}

struct SourceColours {
  AVPixelFormat format;  ///< without the range, which libswscale is told by itself
  bool full_range;
  AVColorSpace matrix;
};

SourceColours colours_of(const AVFrame& frame) {
  SourceColours colours{static_cast<AVPixelFormat>(frame.format), frame.color_range == AVCOL_RANGE_JPEG,
                        frame.colorspace};
  switch (colours.format) {
    case AV_PIX_FMT_YUVJ420P:
      colours.format = AV_PIX_FMT_YUV420P;
      break;
    case AV_PIX_FMT_YUVJ422P:
      colours.format = AV_PIX_FMT_YUV422P;
      break;
    case AV_PIX_FMT_YUVJ444P:
      colours.format = AV_PIX_FMT_YUV444P;
      break;
    default:
      break;
  }
  colours.full_range = colours.full_range || colours.format != frame.format;
  // RGB has no matrix: what libswscale makes of it is as in a JPEG.
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(colours.format);
  if (format && format->flags & AV_PIX_FMT_FLAG_RGB) colours.matrix = AVCOL_SPC_BT470BG;
  if (colours.matrix == AVCOL_SPC_UNSPECIFIED || colours.matrix == AVCOL_SPC_RESERVED)
    colours.matrix = frame.height >= kHighDefinitionHeight ? AVCOL_SPC_BT709 : AVCOL_SPC_BT470BG;
  return colours;
}

/// nullptr when libswscale refuses.
SwsContext* open_scaler(const AVFrame& frame, const SourceColours& colours, Size size) {
  std::unique_ptr<SwsContext, ScalerCloser> scaler(sws_alloc_context());
  if (!scaler) return nullptr;
  const auto set = [&](const char* name, int64_t value) {
    return av_opt_set_int(scaler.get(), name, value, 0) >= 0;
  };
  // The ranges must be known when it chooses its ways: with equal sizes it would only copy otherwise.
  const bool known =
      set("srcw", frame.width) && set("srch", frame.height) && set("src_format", colours.format) &&
      set("src_range", colours.full_range) && set("dstw", size.width) && set("dsth", size.height) &&
      set("dst_format", AV_PIX_FMT_YUV420P) && set("dst_range", 1) && set("sws_flags", SWS_BILINEAR);
  if (!known || sws_init_context(scaler.get(), nullptr, nullptr) < 0) return nullptr;
  return scaler.release();
}

/// How a matrix weighs red and blue (ITU-T H.273 table 4).
struct Weights {
  double red, blue;
};
constexpr Weights kJpegWeights = {0.299, 0.114};

Weights weights_of(AVColorSpace matrix) {
  switch (matrix) {
    case AVCOL_SPC_BT709:
      return {0.2126, 0.0722};
    case AVCOL_SPC_FCC:
      return {0.30, 0.11};
    case AVCOL_SPC_SMPTE240M:
      return {0.212, 0.087};
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return {0.2627, 0.0593};
    default:
      return kJpegWeights;
  }
}

/// What of the two colour differences goes into brightness and into each of them, times 65536. Both sides are
/// in full range, so that grey stays as it is.
struct MatrixChange {
  int y_cb, y_cr, cb_cb, cb_cr, cr_cb, cr_cr;
};

MatrixChange change_to_jpeg(Weights from) {
  // Red and blue are Y + red_cr * Cr and Y + blue_cb * Cb; green follows from Y.
  const double red_cr = 2 * (1 - from.red), blue_cb = 2 * (1 - from.blue);
  const double green = 1 - from.red - from.blue;
  const double green_cr = -from.red * red_cr / green, green_cb = -from.blue * blue_cb / green;
  const double jpeg_green = 1 - kJpegWeights.red - kJpegWeights.blue;
  const double y_cb = kJpegWeights.blue * blue_cb + jpeg_green * green_cb;
  const double y_cr = kJpegWeights.red * red_cr + jpeg_green * green_cr;
  const double to_cb = 2 * (1 - kJpegWeights.blue), to_cr = 2 * (1 - kJpegWeights.red);
  const auto fixed = [](double value) { return static_cast<int>(value * 65536 + (value < 0 ? -0.5 : 0.5)); };
  return {fixed(y_cb),          fixed(y_cr),          fixed((blue_cb - y_cb) / to_cb),
          fixed(-y_cr / to_cb), fixed(-y_cb / to_cr), fixed((red_cr - y_cr) / to_cr)};
}

uint8_t clipped(int value) {
  return static_cast<uint8_t>(std::clamp(value, 0, 255));
}

/// The sides of `picture` are even.
void change_matrix(const MatrixChange& change, AVFrame* picture) {
  constexpr int kHalf = 1 << 15;
  for (int row = 0; row < picture->height / 2; ++row) {
    uint8_t* cb = picture->data[1] + row * picture->linesize[1];
    uint8_t* cr = picture->data[2] + row * picture->linesize[2];
    uint8_t* upper = picture->data[0] + 2 * row * picture->linesize[0];
    uint8_t* lower = upper + picture->linesize[0];
    for (int at = 0; at < picture->width / 2; ++at) {
      const int blue = cb[at] - 128, red = cr[at] - 128;
      const int brighter = (blue * change.y_cb + red * change.y_cr + kHalf) >> 16;
      cb[at] = clipped(128 + ((blue * change.cb_cb + red * change.cb_cr + kHalf) >> 16));
      cr[at] = clipped(128 + ((blue * change.cr_cb + red * change.cr_cr + kHalf) >> 16));
      for (uint8_t* pixel : {upper + 2 * at, upper + 2 * at + 1, lower + 2 * at, lower + 2 * at + 1})
        *pixel = clipped(*pixel + brighter);
    }
  }
}

PictureProblem scale(const AVFrame& frame, Size size, FramePointer* scaled) {
  scaled->reset(av_frame_alloc());
  if (!*scaled) return PictureProblem::kNoMemory;
  AVFrame* target = scaled->get();
  target->format = AV_PIX_FMT_YUV420P;
  target->width = size.width;
  target->height = size.height;
  if (av_frame_get_buffer(target, 0) < 0) return PictureProblem::kNoMemory;
  const SourceColours colours = colours_of(frame);
  if (!sws_isSupportedInput(colours.format)) return PictureProblem::kUnsupported;
  const std::unique_ptr<SwsContext, ScalerCloser> scaler(open_scaler(frame, colours, size));
  if (!scaler) return PictureProblem::kUnsupported;
  const int rows =
      sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, target->data, target->linesize);
  if (rows != size.height) return PictureProblem::kNoMemory;
  if (colours.matrix != AVCOL_SPC_BT470BG && colours.matrix != AVCOL_SPC_SMPTE170M)
    change_matrix(change_to_jpeg(weights_of(colours.matrix)), target);
  // To the encoder the range is part of the format.
  target->format = AV_PIX_FMT_YUVJ420P;
  target->color_range = AVCOL_RANGE_JPEG;
  target->quality = kQuality * FF_QP2LAMBDA;
  return PictureProblem::kNone;
}

}  // namespace

PictureProblem encode_jpeg(const AVFrame& frame, int most_width, Picture* picture) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  if (!codec) return PictureProblem::kUnsupported;
  const Size size = target_size(frame, most_width);
  FramePointer scaled;
  const PictureProblem problem = scale(frame, size, &scaled);
  if (problem != PictureProblem::kNone) return problem;
  const std::unique_ptr<AVCodecContext, EncoderCloser> encoder(avcodec_alloc_context3(codec));
  const std::unique_ptr<AVPacket, PacketCloser> packet(av_packet_alloc());
  if (!encoder || !packet) return PictureProblem::kNoMemory;
  encoder->width = size.width;
  encoder->height = size.height;
  encoder->pix_fmt = AV_PIX_FMT_YUVJ420P;
  encoder->color_range = AVCOL_RANGE_JPEG;
  encoder->colorspace = AVCOL_SPC_BT470BG;
  encoder->sample_aspect_ratio = {1, 1};
  encoder->time_base = {1, 1};
  encoder->thread_count = 1;
  // The same picture gives the same bytes, without the name of an encoder in them.
  encoder->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
  encoder->global_quality = kQuality * FF_QP2LAMBDA;
  int error = avcodec_open2(encoder.get(), codec, nullptr);
  if (error >= 0) error = avcodec_send_frame(encoder.get(), scaled.get());
  if (error >= 0) error = avcodec_receive_packet(encoder.get(), packet.get());
  if (error < 0) return error == AVERROR(ENOMEM) ? PictureProblem::kNoMemory : PictureProblem::kUnsupported;
  picture->jpeg.assign(packet->data, packet->data + packet->size);
  picture->width = size.width;
  picture->height = size.height;
  return PictureProblem::kNone;
}

}  // namespace thimble::media
