// The ways of sound, and the changes between them.
#include "media/sound_track.h"

#include <algorithm>
#include <utility>

#include "media/ticks.h"
#include "rtsp/client.h"

namespace thimble::media {

namespace {

/// What is kept of sound as it comes: enough for a receiver that is slow for a moment.
constexpr size_t kMostPlainBytes = 256 * 1024;
constexpr int64_t kPlainUs = 5'000'000;

bool is_plain(rtsp::Codec codec) {
  return codec == rtsp::Codec::kPcmu || codec == rtsp::Codec::kPcma || codec == rtsp::Codec::kL16;
}

std::optional<AudioParameters> parameters_of(const rtsp::Track& track) {
  if (track.codec == rtsp::Codec::kOpus) return opus_parameters();
  if (is_plain(track.codec)) {
    return AudioTranscoder::parameters(track.codec, track.clock_rate, std::max(track.channels, 1));
  }
  if (!track.aac) return std::nullopt;
  return parse_aac_config({track.aac->config.data(), track.aac->config.size()});
}

}  // namespace

uint32_t SoundTrack::recordable_codecs() {
  uint32_t codecs = rtsp::codec_bit(rtsp::Codec::kAac) | rtsp::codec_bit(rtsp::Codec::kAacLatm) |
                    rtsp::codec_bit(rtsp::Codec::kOpus);
  if (AudioTranscoder::available()) {
    codecs |= rtsp::codec_bit(rtsp::Codec::kPcmu) | rtsp::codec_bit(rtsp::Codec::kPcma) |
              rtsp::codec_bit(rtsp::Codec::kL16);
  }
  return codecs;
}

std::unique_ptr<SoundTrack> SoundTrack::create(const rtsp::Track& track, PacketTrack& ring, bool recording,
                                               const ClockVerdict& earlier) {
  if ((recordable_codecs() & rtsp::codec_bit(track.codec)) == 0) return nullptr;
  std::optional<AudioParameters> parameters = parameters_of(track);
  // LATM may bring its config along.
  if (!parameters && track.codec != rtsp::Codec::kAacLatm) return nullptr;
  const uint32_t own_rate = believable_rate(parameters ? parameters->sample_rate : 0, 48000);
  const uint32_t rate = believable_rate(track.clock_rate, own_rate);
  std::unique_ptr<SoundTrack> sound(new SoundTrack(track, rate, ring, earlier));
  sound->parameters_ = std::move(parameters);
  sound->set_recording(recording);
  if (sound->failed()) return nullptr;
  return sound;
}

SoundTrack::SoundTrack(const rtsp::Track& track, uint32_t rate, PacketTrack& ring,
                       const ClockVerdict& earlier)
    : ring_(ring),
      codec_(track.codec),
      rate_(rate),
      channels_(std::max(track.channels, 1)),
      line_(rate, TrackClock::Kind::kSound, earlier),
      way_(is_plain(track.codec) ? Way::kHold : Way::kCopy) {}

bool SoundTrack::push(const rtsp::AccessUnit& unit) {
  if (way_ == Way::kOver || way_ == Way::kFailed) return true;
  if (!unit.config.empty()) take_config(unit.config);
  if (await_key_) return true;
  Undated undated;
  undated.packet.key = true;
  undated.packet.arrival_us = unit.arrival_us;
  undated.packet.duration = static_cast<uint16_t>(std::min<uint32_t>(unit.duration, UINT16_MAX));
  undated.loss = unit.loss_before;
  if (way_ == Way::kEncode) {
    undated.samples.assign(unit.data.data, unit.data.data + unit.data.size);
  } else if (!store(unit.data, &undated.packet)) {
    return false;
  }
  undated_.push_back(std::move(undated));
  line_.push(unit.rtp_time, unit.arrival_us, unit.discontinuity);
  return true;
}

/// The parameters that came with the sound. Files have one set: what comes before the next keyframe is left
/// out when there was another.
void SoundTrack::take_config(ByteView config) {
  if (parameters_ &&
      ByteView(parameters_->config.data(), parameters_->config.size()).text() == config.text()) {
    return;
  }
  std::optional<AudioParameters> next = parse_aac_config(config);
  if (!next || (parameters_ && parameters_->same(*next))) return;
  await_key_ = parameters_.has_value();
  parameters_ = std::move(next);
  changed_ = true;
}

bool SoundTrack::store(ByteView bytes, Packet* packet) {
  Arena& arena = ring_.arena();
  packet->position = arena.end();
  packet->size = static_cast<uint32_t>(bytes.size);
  return arena.append(bytes);
}

void SoundTrack::add(Packet packet, int64_t ticks) {
  // Equal or falling stamps of a confused camera must not make a file with falling times.
  packet.pts = packet.dts = last_ticks_ = std::max(ticks, last_ticks_ + 1);
  ring_.push(packet);
}

std::optional<SoundTrack::Dated> SoundTrack::next() {
  TimelineStamp stamp;
  if (undated_.empty() || !line_.pop(&stamp)) return std::nullopt;
  const Undated undated = std::move(undated_.front());
  undated_.pop_front();
  if (plain_) add_plain(undated, stamp.ticks);
  if (way_ == Way::kCopy || way_ == Way::kHold) {
    add(undated.packet, stamp.ticks);
  } else if (way_ == Way::kEncode) {
    arrival_us_ = undated.packet.arrival_us;
    encode(stamp.ticks, {undated.samples.data(), undated.samples.size()}, undated.loss);
  }
  return Dated{stamp.ticks, undated.packet.arrival_us, stamp.jump, stamp.switched};
}

void SoundTrack::keep_plain(bool kept) {
  if (!kept || !is_plain(codec_)) {
    plain_.reset();
  } else if (!plain_) {
    plain_ = std::make_unique<PacketTrack>(16 * 1024, std::make_shared<std::atomic<size_t>>(0));
  }
}

void SoundTrack::add_plain(const Undated& undated, int64_t ticks) {
  const Bytes samples = way_ == Way::kEncode ? undated.samples : bytes_of(undated.packet);
  Packet packet = undated.packet;
  packet.position = plain_->arena().end();
  packet.size = static_cast<uint32_t>(samples.size());
  if (samples.empty() || !plain_->arena().append({samples.data(), samples.size()})) return;
  packet.pts = packet.dts = ticks;
  plain_->push(packet);
  uint64_t keep = plain_->begin();
  while (keep + 1 < plain_->end() && (plain_->held_bytes(keep) > kMostPlainBytes ||
                                      packet.arrival_us - plain_->at(keep).arrival_us > kPlainUs)) {
    ++keep;
  }
  plain_->drop_before(keep);
}

void SoundTrack::encode(int64_t ticks, ByteView samples, bool loss) {
  if (!transcoder_->push(ticks, samples, loss, output())) fail();
}

AudioTranscoder::Output SoundTrack::output() {
  return [this](int64_t ticks, ByteView frame) {
    Packet packet;
    packet.key = true;
    packet.arrival_us = arrival_us_;
    if (store(frame, &packet)) add(packet, ticks);
  };
}

void SoundTrack::fail() {
  transcoder_.reset();
  way_ = Way::kFailed;
  parameters_.reset();
  changed_ = true;
}

void SoundTrack::finish() {
  if (way_ != Way::kEncode) return;
  // What it cannot give any more is the last quarter of a second at most.
  transcoder_->finish(output());
  transcoder_.reset();
  way_ = Way::kOver;
}

Bytes SoundTrack::bytes_of(const Packet& packet) const {
  std::vector<Slice> slices;
  ring_.arena().slice(packet.position, packet.size, &slices);
  Bytes bytes;
  for (const Slice& slice : slices) bytes.insert(bytes.end(), slice.data(), slice.data() + slice.size());
  return bytes;
}

void SoundTrack::set_recording(bool recording) {
  if (recording && way_ == Way::kHold) begin_encoding();
  if (recording || (way_ != Way::kEncode && way_ != Way::kOver)) return;
  transcoder_.reset();
  ring_.clear();
  last_ticks_ = INT64_MIN / 2;
  way_ = Way::kHold;
  for (Undated& undated : undated_) {
    if (!store({undated.samples.data(), undated.samples.size()}, &undated.packet)) undated.packet.size = 0;
    undated.samples.clear();
  }
}

/// Recording begins with what the ring holds, and so does its sound.
void SoundTrack::begin_encoding() {
  transcoder_ = AudioTranscoder::create(codec_, rate_, channels_);
  if (!transcoder_) {
    fail();
    return;
  }
  way_ = Way::kEncode;
  std::deque<Undated> held;
  for (uint64_t i = ring_.begin(); i < ring_.end(); ++i)
    held.push_back({ring_.at(i), bytes_of(ring_.at(i)), true});
  for (Undated& undated : undated_) undated.samples = bytes_of(undated.packet);
  ring_.clear();
  last_ticks_ = INT64_MIN / 2;
  for (const Undated& unit : held) {
    if (way_ != Way::kEncode) return;
    arrival_us_ = unit.packet.arrival_us;
    encode(unit.packet.pts, {unit.samples.data(), unit.samples.size()}, unit.loss);
  }
}

}  // namespace thimble::media
