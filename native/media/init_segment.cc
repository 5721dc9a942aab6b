// Lets libavformat's mp4 muxer write a header into memory; nothing of libavformat is seen outside.
#include "media/init_segment.h"

extern "C" {
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
}

#include <climits>
#include <cstring>
#include <memory>

namespace thimble::media {
namespace {

struct FormatCloser {
  void operator()(AVFormatContext* context) const {
    if (!context) return;
    if (context->pb) {
      uint8_t* bytes = nullptr;
      avio_close_dyn_buf(context->pb, &bytes);
      av_free(bytes);
    }
    avformat_free_context(context);
  }
};
using Format = std::unique_ptr<AVFormatContext, FormatCloser>;

bool set_extradata(AVCodecParameters* parameters, const Bytes& bytes) {
  if (bytes.empty() || bytes.size() > (1u << 20)) return false;
  parameters->extradata = static_cast<uint8_t*>(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (!parameters->extradata) return false;
  std::memcpy(parameters->extradata, bytes.data(), bytes.size());
  parameters->extradata_size = static_cast<int>(bytes.size());
  return true;
}

/// The parameter sets with start codes, from which the muxer makes avcC or hvcC.
Bytes annex_b(const VideoParameters& video) {
  static constexpr uint8_t kStartCode[] = {0, 0, 0, 1};
  Bytes all;
  for (const auto* sets : {&video.vps, &video.sps, &video.pps}) {
    for (const Bytes& set : *sets) {
      all.insert(all.end(), std::begin(kStartCode), std::end(kStartCode));
      all.insert(all.end(), set.begin(), set.end());
    }
  }
  return all;
}

bool add_video(AVFormatContext* format, const VideoParameters& video) {
  if (video.codec != rtsp::Codec::kH264 && video.codec != rtsp::Codec::kH265) return false;
  if (video.sps.empty() || video.pps.empty()) return false;
  AVStream* stream = avformat_new_stream(format, nullptr);
  if (!stream) return false;
  stream->time_base = {1, static_cast<int>(kVideoTimescale)};
  AVCodecParameters* parameters = stream->codecpar;
  parameters->codec_type = AVMEDIA_TYPE_VIDEO;
  parameters->codec_id = video.codec == rtsp::Codec::kH264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC;
  // hvc1 and not hev1: Apple's players refuse the latter.
  parameters->codec_tag =
      video.codec == rtsp::Codec::kH264 ? MKTAG('a', 'v', 'c', '1') : MKTAG('h', 'v', 'c', '1');
  parameters->width = video.sequence.width;
  parameters->height = video.sequence.height;
  return set_extradata(parameters, annex_b(video));
}

bool add_audio(AVFormatContext* format, const AudioParameters& audio) {
  const bool opus = audio.codec == rtsp::Codec::kOpus;
  if (!opus && audio.codec != rtsp::Codec::kAac) return false;
  if (audio.sample_rate == 0 || audio.sample_rate > INT_MAX) return false;
  if (audio.channels < 1 || audio.channels > 64) return false;
  AVStream* stream = avformat_new_stream(format, nullptr);
  if (!stream) return false;
  stream->time_base = {1, static_cast<int>(audio.sample_rate)};
  AVCodecParameters* parameters = stream->codecpar;
  parameters->codec_type = AVMEDIA_TYPE_AUDIO;
  parameters->codec_id = opus ? AV_CODEC_ID_OPUS : AV_CODEC_ID_AAC;
  parameters->sample_rate = static_cast<int>(audio.sample_rate);
  parameters->frame_size = static_cast<int>(audio.frame_samples);
  av_channel_layout_default(&parameters->ch_layout, audio.channels);
  return set_extradata(parameters, audio.config);
}

std::string words(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

}  // namespace

std::optional<std::vector<uint8_t>> make_init_segment(const VideoParameters& video,
                                                      const AudioParameters* audio, std::string* error) {
  const auto refuse = [&](const std::string& why) {
    if (error) *error = why;
    return std::nullopt;
  };
  AVFormatContext* raw = nullptr;
  int code = avformat_alloc_output_context2(&raw, nullptr, "mp4", nullptr);
  Format format(raw);
  if (code < 0 || !format) return refuse("no mp4 muxer: " + words(code));
  // The same parameters must give the same bytes: no encoder version, no creation time.
  format->flags |= AVFMT_FLAG_BITEXACT;
  if (!add_video(format.get(), video)) return refuse("video parameters cannot be stored in MP4");
  if (audio && !add_audio(format.get(), *audio)) return refuse("audio parameters cannot be stored in MP4");
  if ((code = avio_open_dyn_buf(&format->pb)) < 0) return refuse(words(code));

  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "empty_moov+default_base_moof+skip_trailer", 0);
  av_dict_set(&options, "video_track_timescale", "90000", 0);
  // Our fragments say their times in tfdt; an edit list written before the first of them can only be wrong.
  av_dict_set(&options, "use_editlist", "0", 0);
  code = avformat_write_header(format.get(), &options);
  const bool all_known = av_dict_count(options) == 0;
  av_dict_free(&options);
  if (code < 0) return refuse("the mp4 muxer refused the parameters: " + words(code));
  if (!all_known) return refuse("this libavformat does not know an option of the mp4 muxer");

  avio_flush(format->pb);
  uint8_t* bytes = nullptr;
  const int size = avio_close_dyn_buf(format->pb, &bytes);
  format->pb = nullptr;
  std::vector<uint8_t> init(bytes, bytes + (size > 0 ? size : 0));
  av_free(bytes);
  if (init.empty()) return refuse("the mp4 muxer wrote nothing");
  return init;
}

}  // namespace thimble::media
