// A recorder with a writer that keeps everything, fed by a camera whose every picture and sound frame is
// known.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/decode_times.h"
#include "media/init_segment.h"
#include "media/recorder.h"
#include "tiny_h264.h"

namespace rig {

using namespace thimble;
using namespace thimble::media;

/// Each sample of at least this size begins with its number.
constexpr size_t kLeastSample = 8;

struct Sample {
  uint64_t number;
  int64_t file_time;  ///< presentation in the track's timescale, from file time zero
  FragmentSample sample;
};
struct Piece {
  bool begins_with_key = false;
  int64_t base = 0, duration90k = 0;  ///< of the pictures
  std::vector<Sample> video, audio;
};
struct File {
  SegmentSpec spec;
  std::vector<Piece> pieces;
  bool closed = false, failed = false;
  int64_t end_ms = 0;
  EndReason reason = EndReason::kStop;

  template <typename Take>
  void each(bool video, Take take) const {
    for (const Piece& piece : pieces) {
      for (const Sample& sample : video ? piece.video : piece.audio) take(sample);
    }
  }
};

class KeepingWriter final : public Writer {
 public:
  bool start() override { return true; }
  bool stop(int) override { return true; }
  SegmentHandle open(SegmentSpec spec) override {
    files.emplace_back();
    files.back().spec = std::move(spec);
    return files.size();
  }
  bool append(SegmentHandle handle, Fragment&& fragment) override {
    File& file = files.at(handle - 1);
    CHECK_FALSE(file.closed);
    if (full || file.failed) return false;
    if (queue_bound > 0) {
      if (counters_.queued_bytes + fragment.data_bytes > queue_bound) return false;
      counters_.queued_bytes += fragment.data_bytes;
    }
    file.pieces.push_back(read(fragment));
    return true;
  }
  void close(SegmentHandle handle, int64_t end_ms, EndReason reason) override {
    File& file = files.at(handle - 1);
    CHECK_FALSE(file.closed);
    file.closed = true;
    file.end_ms = end_ms;
    file.reason = reason;
  }
  void sync_soon() override { ++syncs; }
  const Counters& counters() const override { return counters_; }

  std::vector<File> files;  ///< handle - 1
  bool full = false;
  uint64_t queue_bound = 0;  ///< 0 = everything is written at once
  /// The disk took that much of the queue.
  void written(uint64_t bytes) {
    counters_.queued_bytes -= std::min<uint64_t>(bytes, counters_.queued_bytes.load());
  }
  int syncs = 0;  ///< asked for
  Counters counters_;

 private:
  static Piece read(const Fragment& fragment) {
    Piece piece;
    std::vector<uint8_t> bytes;
    for (const Slice& slice : fragment.data)
      bytes.insert(bytes.end(), slice.data(), slice.data() + slice.size());
    CHECK(bytes.size() == fragment.data_bytes);
    piece.begins_with_key = fragment.begins_with_key;
    size_t at = 0;
    for (const FragmentRun& run : fragment.runs) {
      int64_t time = static_cast<int64_t>(run.base_time);
      const bool video = run.track_id == kVideoTrackId;
      if (video) {
        piece.base = time;
        piece.duration90k = static_cast<int64_t>(fragment.duration90k);
      }
      for (const FragmentSample& sample : run.samples) {
        uint64_t number = 0;
        REQUIRE(at + sample.size <= bytes.size());
        if (sample.size >= kLeastSample) std::memcpy(&number, bytes.data() + at, sizeof number);
        (video ? piece.video : piece.audio).push_back({number, time + sample.composition_offset, sample});
        REQUIRE(sample.duration > 0);
        time += sample.duration;
        at += sample.size;
      }
    }
    CHECK(at == bytes.size());
    CHECK(piece.begins_with_key == (!piece.video.empty() && piece.video[0].sample.key));
    return piece;
  }
};

/// The way of access units as a stream goes it: time lines, ring, recorder. Times of the camera are
/// microseconds since it began; `kStartUs` later by our clock.
struct Rig {
  static constexpr int64_t kStartUs = 100'000'000;
  static constexpr int64_t kRealtimeUs = 1'767'225'600'000'000;  // 2026-01-01
  static constexpr uint32_t kAudioRate = 48000;

  explicit Rig(size_t ring_bytes = 8u << 20)
      : ring(ring_bytes), clock(kRealtimeUs, kStartUs, 3), recorder(identity(), ring, writer, clock) {}

  static Recorder::Identity identity() {
    Recorder::Identity made{};
    made.camera = 7;
    made.stream = StreamKind::kMain;
    return made;
  }

  void begin(bool with_audio, int reorder_depth = 0, int64_t frame90k = 3600) {
    video_line = std::make_unique<TrackClock>(90000, TrackClock::Kind::kPictures, ClockVerdict{});
    audio_line = std::make_unique<TrackClock>(kAudioRate, TrackClock::Kind::kSound, ClockVerdict{});
    sync = with_audio ? std::make_unique<AvSync>(*video_line, *audio_line) : nullptr;
    if (sync) sync->set_rtp_info(video_rtp(0), audio_rtp(0));
    anchor = WallAnchor();
    decode_times = DecodeTimes();
    decode_times.reset(reorder_depth, frame90k);
    waiting_video.clear();
    waiting_audio.clear();
    ring.clear();
    RecordSession session;
    session.anchor = &anchor;
    session.sync = sync.get();
    session.audio_rate = with_audio ? kAudioRate : 0;
    recorder.begin_session(session);
    parameters(with_audio, 64);
  }
  void parameters(bool with_audio, int width) {
    VideoParameters video = tiny::video_parameters();
    video.sequence.width = width;
    const AudioParameters audio = tiny::audio_parameters();
    recorder.set_parameters(video, with_audio ? &audio : nullptr);
  }

  void video(uint64_t number, int64_t at_us, int64_t arrival_us, bool key, size_t size = 40,
             bool damaged = false) {
    now_us = std::max(now_us, kStartUs + arrival_us);
    waiting_video.push_back(store(ring.video(), number, size, key, damaged));
    video_line->push(video_rtp(at_us), now_us, false);
    TimelineStamp stamp;
    while (video_line->pop(&stamp)) {
      Packet packet = waiting_video.front();
      waiting_video.pop_front();
      packet.pts = stamp.ticks;
      packet.dts = decode_times.next(packet.pts);
      packet.pts = std::max(packet.pts, packet.dts);
      anchor.observe(packet.pts * 100 / 9, packet.arrival_us);
      if (sync && (stamp.jump || stamp.switched)) sync->on_jump(true);
      if (sync) sync->observe(true, stamp.ticks, packet.arrival_us);
      ring.video().push(packet);
      recorder.on_video(ring.video().end() - 1, stamp.jump || stamp.switched, now_us);
      ring.evict(recorder.keep_video(), recorder.keep_audio(), audio_worth());
    }
  }
  void audio(uint64_t number, int64_t at_us, int64_t arrival_us, size_t size = 16) {
    now_us = std::max(now_us, kStartUs + arrival_us);
    waiting_audio.push_back(store(ring.audio(), number, size, true, false));
    audio_line->push(audio_rtp(at_us), now_us, false);
    TimelineStamp stamp;
    while (audio_line->pop(&stamp)) {
      Packet packet = waiting_audio.front();
      waiting_audio.pop_front();
      packet.pts = packet.dts = stamp.ticks;
      if (stamp.jump || stamp.switched) sync->on_jump(false);
      if (stamp.switched) recorder.on_sound_switch();
      sync->observe(false, stamp.ticks, packet.arrival_us);
      ring.audio().push(packet);
      recorder.on_audio(now_us);
      ring.evict_audio(recorder.keep_audio(), audio_worth());
    }
  }
  void tick(int64_t camera_us) {
    now_us = std::max(now_us, kStartUs + camera_us);
    recorder.tick(now_us);
    if (const auto loss = recorder.take_loss(now_us)) losses.push_back(*loss);
    // What the writer's thread would report.
    for (; reported < writer.files.size() && writer.files[reported].closed; ++reported) {
      recorder.on_segment_closed(reported + 1);
    }
  }
  /// UTC of a moment of the camera.
  static int64_t utc_ms(int64_t camera_us) { return (kRealtimeUs + camera_us) / 1000; }

  static uint32_t video_rtp(int64_t at_us) { return 4294000000u + static_cast<uint32_t>(at_us * 9 / 100); }
  static uint32_t audio_rtp(int64_t at_us) {
    return 4000000000u +
           static_cast<uint32_t>(at_us >= 0 ? (at_us * 6 + 62) / 125 : -((-at_us * 6 + 62) / 125));
  }

  KeepingWriter writer;
  PacketRing ring;
  WallClock clock;
  Recorder recorder;
  std::unique_ptr<TrackClock> video_line, audio_line;
  std::unique_ptr<AvSync> sync;
  WallAnchor anchor;
  DecodeTimes decode_times;
  std::deque<Packet> waiting_video, waiting_audio;
  int64_t now_us = kStartUs;
  std::vector<Recorder::Loss> losses;
  size_t reported = 0;

 private:
  Packet store(PacketTrack& track, uint64_t number, size_t size, bool key, bool damaged) {
    std::vector<uint8_t> bytes(std::max(size, kLeastSample), 0xaa);
    std::memcpy(bytes.data(), &number, sizeof number);
    Packet packet;
    packet.position = track.arena().end();
    packet.size = static_cast<uint32_t>(bytes.size());
    packet.key = key;
    packet.damaged = damaged;
    packet.arrival_us = now_us;
    REQUIRE(track.arena().append({bytes.data(), bytes.size()}));
    return packet;
  }
  int64_t audio_worth() {
    const auto origin = sync ? sync->audio_origin90k() : std::nullopt;
    if (!origin || ring.video().begin() == ring.video().end()) return INT64_MIN;
    return (ring.video().at(ring.video().begin()).pts - *origin - 90000) * kAudioRate / 90000;
  }
};

/// Numbers of all recorded pictures, or sound frames, in the order of the files.
inline std::vector<uint64_t> numbers(const Rig& rig, bool video) {
  std::vector<uint64_t> found;
  for (const File& file : rig.writer.files) {
    file.each(video, [&](const Sample& sample) { found.push_back(sample.number); });
  }
  return found;
}

/// `first` .. `end` - 1.
inline std::vector<uint64_t> range(uint64_t first, uint64_t end) {
  std::vector<uint64_t> made;
  for (uint64_t i = first; i < end; ++i) made.push_back(i);
  return made;
}

}  // namespace rig
