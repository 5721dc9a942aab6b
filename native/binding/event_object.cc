#include "binding/event_object.h"

#include <type_traits>

#include "media/errno_name.h"

namespace thimble::binding {

namespace {
/// Sets properties with less noise. Times and sizes fit a double: they stay below 2^53.
class Builder {
 public:
  explicit Builder(Napi::Env env) : env_(env), object_(Napi::Object::New(env)) {}
  Builder& text(const char* name, const std::string& value) {
    object_.Set(name, Napi::String::New(env_, value));
    return *this;
  }
  /// Left out when empty.
  Builder& some_text(const char* name, const std::string& value) {
    return value.empty() ? *this : text(name, value);
  }
  template <typename T>
  Builder& number(const char* name, T value) {
    static_assert(std::is_arithmetic<T>::value, "numbers only");
    object_.Set(name, Napi::Number::New(env_, static_cast<double>(value)));
    return *this;
  }
  Builder& flag(const char* name, bool value) {
    object_.Set(name, Napi::Boolean::New(env_, value));
    return *this;
  }
  Builder& object(const char* name, Napi::Value value) {
    object_.Set(name, value);
    return *this;
  }
  Builder& stream(const media::StreamKey& key) {
    return number("camera", key.camera).text("stream", media::stream_name(key.stream));
  }
  Napi::Object done() { return object_; }

 private:
  Napi::Env env_;
  Napi::Object object_;
};

class Converter {
 public:
  explicit Converter(Napi::Env env) : env(env) {}

  Napi::Object operator()(const media::LinkEvent& event) const {
    Builder builder(env);
    builder.text("type", "link").stream(event.key).text("state", media::link_state_name(event.state));
    builder.some_text("problem", media::link_problem_name(event.problem)).some_text("message", event.message);
    builder.number("lastPacketMs", event.last_packet_ms);
    if (event.retry_at_ms > 0) builder.number("retryAtMs", event.retry_at_ms);
    return builder.done();
  }

  Napi::Object operator()(const media::ProblemsEvent& event) const {
    Napi::Array problems = Napi::Array::New(env, event.problems.size());
    for (size_t i = 0; i < event.problems.size(); ++i) {
      const char* const name = media::stream_problem_name(event.problems[i]);
      problems.Set(static_cast<uint32_t>(i), Napi::String::New(env, name));
    }
    return Builder(env).text("type", "problems").stream(event.key).object("problems", problems).done();
  }

  Napi::Object operator()(const media::ParametersEvent& event) const {
    Builder builder(env);
    builder.text("type", "parameters").stream(event.key);
    Builder video(env);
    video.text("codec", event.video_codec).text("codecString", event.video_codec_string);
    video.number("width", event.width).number("height", event.height).number("fps", event.fps);
    builder.object("video", video.done());
    if (event.has_audio) {
      Builder audio(env);
      audio.text("codec", event.audio_codec).text("codecString", event.audio_codec_string);
      audio.some_text("source", event.audio_source);
      audio.number("sampleRate", event.sample_rate).number("channels", event.channels);
      builder.object("audio", audio.done());
    }
    builder.some_text("audioLeftOut", event.audio_left_out);
    return builder.done();
  }

  Napi::Object operator()(const media::SegmentOpenedEvent& event) const {
    Builder builder(env);
    builder.text("type", "segment-opened").stream(event.key).number("startMs", event.start_ms);
    builder.number("clockGen", event.clock_generation).text("path", event.path);
    return builder.done();
  }

  Napi::Object operator()(const media::SegmentClosedEvent& event) const {
    Builder builder(env);
    builder.text("type", "segment-closed").stream(event.key).number("startMs", event.start_ms);
    builder.number("clockGen", event.clock_generation).text("path", event.path).number("endMs", event.end_ms);
    builder.number("sizeBytes", event.size_bytes).text("endReason", media::end_reason_name(event.reason));
    builder.text("codecs", event.codecs);
    return builder.done();
  }

  Napi::Object operator()(const media::StorageFailedEvent& event) const {
    Builder builder(env);
    builder.text("type", "storage-failed")
        .stream(event.key)
        .text("path", event.path)
        .text("code", event.code);
    builder.text("step", event.step).number("startMs", event.start_ms).number("lostBytes", event.lost_bytes);
    return builder.done();
  }

  Napi::Object operator()(const media::ClockStepEvent& event) const {
    Builder builder(env);
    builder.text("type", "clock-step")
        .number("clockGeneration", event.generation)
        .number("stepMs", event.step_ms);
    return builder.done();
  }

  Napi::Object operator()(const media::StreamRemovedEvent& event) const {
    return Builder(env).text("type", "stream-removed").stream(event.key).number("token", event.token).done();
  }

  Napi::Object operator()(const media::LiveHeaderEvent& event) const {
    Builder builder(env);
    builder.text("type", "live-header").stream(event.key).flag("sound", event.sound);
    builder.number("viewer", event.viewer).number("generation", event.generation);
    builder.text("codecs", event.codecs).number("width", event.width).number("height", event.height);
    builder.number("fps", event.fps).number("startMs", event.start_ms).number("zeroMs", event.zero_ms);
    return builder.object("init", copy(event.init->bytes())).done();
  }

  /// Without its bytes.
  Napi::Object operator()(const media::LiveFragmentEvent& event) const {
    Builder builder(env);
    builder.text("type", "live-fragment").stream(event.key).flag("sound", event.sound);
    builder.number("viewer", event.viewer).flag("key", event.begins_with_key).flag("goesOn", event.goes_on);
    return builder.number("sizeBytes", event.bytes->bytes().size()).done();
  }

  Napi::Object operator()(const media::RestreamWantedEvent& event) const {
    return Builder(env).text("type", "restream-wanted").stream(event.key).flag("wanted", event.wanted).done();
  }

  Napi::Object operator()(const media::RestreamRefusedEvent& event) const {
    Builder builder(env);
    return builder.text("type", "restream-refused")
        .text("user", event.user)
        .text("address", event.address)
        .done();
  }

 private:
  Napi::Value copy(const std::vector<uint8_t>& bytes) const {
    return Napi::Buffer<uint8_t>::Copy(env, bytes.data(), bytes.size());
  }

  Napi::Env env;
};
}  // namespace

Napi::Object to_object(Napi::Env env, const media::Event& event) {
  return std::visit(Converter(env), event);
}

Napi::Object to_object(Napi::Env env, const media::EngineStats& stats) {
  Napi::Array streams = Napi::Array::New(env, stats.streams.size());
  for (size_t i = 0; i < stats.streams.size(); ++i) {
    const media::StreamStats& stream = stats.streams[i].stream;
    Builder entry(env);
    entry.stream(stream.key).text("state", media::link_state_name(stream.state));
    entry.number("lastPacketMs", stream.last_packet_ms).number("fps", stream.fps);
    entry.number("bitrateBps", stream.bitrate_bps)
        .number("gopMs", stream.gop_ms)
        .number("ringBytes", stream.ring_bytes)
        .number("ringMs", stream.ring_ms);
    entry.number("reconnects", stream.reconnects).number("receivedBytes", stream.received_bytes);
    entry.number("lostPackets", stream.lost_packets).number("damagedUnits", stream.damaged_units);
    entry.number("droppedBytes", stream.dropped_bytes).number("lateAudioUnits", stream.late_audio_units);
    Napi::Array files = Napi::Array::New(env, stats.streams[i].open.size());
    for (size_t j = 0; j < stats.streams[i].open.size(); ++j) {
      const media::OpenSegment& open = stats.streams[i].open[j];
      Builder segment(env);
      segment.number("startMs", open.start_ms)
          .number("clockGen", open.clock_generation)
          .number("endMs", open.end_ms);
      segment.number("sizeBytes", open.size_bytes).text("path", open.path).text("codecs", open.codecs);
      files.Set(static_cast<uint32_t>(j), segment.done());
    }
    entry.object("open", files);
    streams.Set(static_cast<uint32_t>(i), entry.done());
  }
  Builder writer(env);
  writer.number("queuedBytes", stats.queued_bytes).number("writtenBytes", stats.written_bytes);
  writer.number("mediaBytes", stats.media_bytes).number("syncs", stats.syncs);
  writer.number("slowestSyncMs", stats.slowest_sync_us / 1000);
  return Builder(env).object("streams", streams).object("writer", writer.done()).done();
}

Napi::Object to_object(Napi::Env env, const media::SegmentReport& report) {
  using State = media::SegmentReport::State;
  const char* const state = report.state == State::kWhole      ? "whole"
                            : report.state == State::kRepaired ? "repaired"
                            : report.state == State::kEmpty    ? "empty"
                            : report.state == State::kForeign  ? "foreign"
                                                               : "error";
  std::string codecs = report.video_codec;
  if (!report.audio_codec.empty()) codecs += (codecs.empty() ? "" : ",") + report.audio_codec;
  Builder builder(env);
  builder.text("state", state);
  if (report.state == State::kError) builder.text("code", media::errno_name(report.error));
  builder.stream({report.identity.camera, report.identity.stream})
      .number("startMs", report.identity.start_ms);
  builder.number("clockGen", report.identity.clock_generation).number("endMs", report.end_ms);
  builder.number("sizeBytes", report.size_bytes).number("removedBytes", report.removed_bytes);
  builder.text("codecs", codecs);
  return builder.done();
}

}  // namespace thimble::binding
