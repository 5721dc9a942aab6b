// The ways of sound into the ring: copied, held until somebody records, transcoded, given up.
#include <doctest/doctest.h>

#include <vector>

#include "media/init_segment.h"
#include "media/moov_reader.h"
#include "media/sound_track.h"
#include "rtsp/client.h"

using namespace thimble;
using namespace thimble::media;
using rtsp::Codec;

namespace {

rtsp::Track track_of(Codec codec, uint32_t rate, int channels, const char* name = "") {
  rtsp::Track track;
  track.media = "audio";
  track.codec = codec;
  track.codec_name = name;
  track.clock_rate = rate;
  track.channels = channels;
  return track;
}

struct Rig {
  explicit Rig(const rtsp::Track& track, bool recording) {
    sound = SoundTrack::create(track, ring, recording);
    REQUIRE(sound);
  }
  void send(uint32_t time, const std::vector<uint8_t>& bytes, uint32_t duration = 0,
            const std::vector<uint8_t>& config = {}) {
    rtsp::AccessUnit unit;
    unit.rtp_time = time;
    unit.arrival_us = now_us += 20'000;
    unit.key = true;
    unit.duration = duration;
    unit.data = {bytes.data(), bytes.size()};
    unit.config = {config.data(), config.size()};
    REQUIRE(sound->push(unit));
    while (sound->next()) dated++;
  }
  /// Half a second of G.711 in 20 ms packets.
  void send_half_second() {
    for (int i = 0; i < 25; i++, time += 160) send(time, std::vector<uint8_t>(160, 0x55), 160);
  }
  std::vector<uint8_t> bytes(uint64_t index) {
    std::vector<Slice> slices;
    ring.slice(index, &slices);
    std::vector<uint8_t> out;
    for (const Slice& slice : slices) out.insert(out.end(), slice.data(), slice.data() + slice.size());
    return out;
  }
  uint64_t count() const { return ring.end() - ring.begin(); }

  MemoryAccount account = std::make_shared<std::atomic<size_t>>(0);
  PacketTrack ring{16 * 1024, account};
  std::unique_ptr<SoundTrack> sound;
  int64_t now_us = 1'000'000;
  uint32_t time = 77;
  int dated = 0;
};

/// LC, 16 kHz, mono; LC, 48 kHz, stereo.
const std::vector<uint8_t> kMono = {0x14, 0x08}, kStereo = {0x11, 0x90};

VideoParameters small_video() {
  VideoParameters video;
  video.codec = Codec::kH264;
  video.sps = {{0x67, 0x42, 0xc0, 0x0a, 0xda, 0x0f, 0x0a, 0x69, 0xa8, 0x20, 0x20, 0x2a}};
  video.pps = {{0x68, 0xce, 0x0f, 0xc8}};
  video.sequence.width = 64;
  video.sequence.height = 64;
  return video;
}

}  // namespace

TEST_CASE("sound: what is recorded as it comes is in the ring byte for byte") {
  Rig rig(track_of(Codec::kOpus, 48000, 2), true);
  CHECK_FALSE(rig.sound->transcodes());
  rig.send(1000, {0xf8, 1, 2, 3}, 960);
  rig.send(1960, {0xf9, 4, 5}, 1920);
  rig.sound->finish();
  REQUIRE(rig.count() == 2);
  CHECK(rig.bytes(0) == std::vector<uint8_t>{0xf8, 1, 2, 3});
  CHECK(rig.ring.at(1).pts == 960);
  CHECK(rig.ring.at(1).duration == 1920);
  REQUIRE(rig.sound->parameters());
  CHECK(rig.sound->parameters()->codec_string() == "opus");
}

TEST_CASE("sound: G.711 is held as it came, and is AAC with all of its past when recording begins") {
  Rig rig(track_of(Codec::kPcma, 8000, 1), false);
  CHECK(rig.sound->transcodes());
  CHECK(rig.sound->parameters()->codec_string() == "mp4a.40.2");
  rig.send_half_second();
  REQUIRE(rig.count() == 25);
  CHECK(rig.bytes(24) == std::vector<uint8_t>(160, 0x55));
  CHECK(rig.ring.at(24).pts == 24 * 160);

  rig.sound->set_recording(true);
  const uint64_t begin = rig.ring.begin();
  REQUIRE(rig.count() >= 2);
  CHECK(rig.ring.at(begin).pts == -1024);
  CHECK(rig.ring.at(begin + 1).pts == 0);
  CHECK(rig.ring.at(begin + 1).arrival_us > 1'000'000);
  rig.send_half_second();
  rig.send_half_second();
  rig.sound->finish();
  const Packet& last = rig.ring.at(rig.ring.end() - 1);
  CHECK(last.pts + 1024 >= 75 * 160);
  CHECK(last.pts < 75 * 160);
  CHECK(last.arrival_us == rig.now_us);
  for (uint64_t i = rig.ring.begin() + 1; i < rig.ring.end(); i++) {
    CHECK(rig.ring.at(i).pts - rig.ring.at(i - 1).pts == 1024);
  }
  const uint64_t end = rig.ring.end();
  rig.send_half_second();  // the session or the recording is over
  CHECK(rig.ring.end() == end);

  rig.sound->set_recording(false);
  CHECK(rig.count() == 0);
  rig.send_half_second();
  CHECK(rig.count() == 25);
  CHECK(rig.bytes(rig.ring.begin()) == std::vector<uint8_t>(160, 0x55));
  rig.sound->set_recording(true);
  CHECK(rig.count() >= 2);
  CHECK_FALSE(rig.sound->failed());
  CHECK_FALSE(rig.sound->take_change());
}

TEST_CASE("sound: samples whose time is in doubt survive the begin and the end of recording") {
  Rig rig(track_of(Codec::kPcmu, 8000, 1), false);
  rig.send_half_second();
  rig.send(rig.time + 8'000'000, std::vector<uint8_t>(160, 0xff), 160);  // hours off: held
  CHECK(rig.dated == 25);
  rig.sound->set_recording(true);
  rig.send_half_second();
  CHECK(rig.dated == 51);
  rig.send(rig.time + 8'000'000, std::vector<uint8_t>(160, 0x0f), 160);
  rig.sound->finish();
  rig.sound->set_recording(false);
  rig.send_half_second();
  CHECK(rig.dated == 77);
  REQUIRE(rig.count() == 26);
  CHECK(rig.bytes(rig.ring.begin()) == std::vector<uint8_t>(160, 0x0f));
}

TEST_CASE("sound: parameters that come in the stream") {
  Rig rig(track_of(Codec::kAacLatm, 48000, 2), true);
  CHECK(rig.sound->parameters() == nullptr);
  rig.send(0, {1, 2, 3}, 0, kStereo);
  REQUIRE(rig.sound->parameters());
  CHECK(rig.sound->parameters()->channels == 2);
  CHECK(rig.sound->take_change());
  rig.send(1024, {1, 2, 3}, 0, kStereo);
  CHECK_FALSE(rig.sound->take_change());
  CHECK(rig.count() == 2);
  rig.send(2048, {4, 5}, 0, kMono);
  CHECK(rig.sound->take_change());
  CHECK(rig.sound->parameters()->channels == 1);
  rig.send(3072, {4, 5}, 0, kMono);
  CHECK(rig.count() == 2);  // the file that is open cannot hold it
  rig.sound->on_keyframe();
  rig.send(4096, {4, 5}, 0, kMono);
  CHECK(rig.count() == 3);
  rig.send(5120, {4, 5}, 0, {0xff, 0xff});  // what cannot be read changes nothing
  CHECK_FALSE(rig.sound->take_change());
  CHECK(rig.count() == 4);
}

TEST_CASE("sound: what cannot be recorded") {
  MemoryAccount account = std::make_shared<std::atomic<size_t>>(0);
  PacketTrack ring(16 * 1024, account);
  CHECK(SoundTrack::create(track_of(Codec::kUnknown, 8000, 1), ring, true) == nullptr);
  CHECK(SoundTrack::create(track_of(Codec::kH264, 90000, 0), ring, true) == nullptr);
  CHECK(SoundTrack::create(track_of(Codec::kAac, 16000, 1), ring, true) == nullptr);  // no config
  CHECK(SoundTrack::create(track_of(Codec::kPcmu, 9000, 1), ring, true) == nullptr);
  CHECK(SoundTrack::create(track_of(Codec::kL16, 48000, 6), ring, true) == nullptr);
  const uint32_t codecs = SoundTrack::recordable_codecs();
  for (const Codec codec :
       {Codec::kAac, Codec::kAacLatm, Codec::kOpus, Codec::kPcmu, Codec::kPcma, Codec::kL16}) {
    CHECK((codecs & rtsp::codec_bit(codec)) != 0);
  }
  CHECK((codecs & rtsp::codec_bit(Codec::kH264)) == 0);
}

TEST_CASE("sound: Opus and transcoded sound have headers that are read back") {
  std::string error;
  const auto read = [&](const AudioParameters& audio) {
    const auto init = make_init_segment(small_video(), &audio, &error);
    REQUIRE_MESSAGE(init, error);
    const ByteView bytes(init->data(), init->size());
    const size_t moov = read_be32(bytes.data);
    return read_moov(bytes.sub(moov + 8)).audio_codec;
  };
  CHECK(read(opus_parameters()) == "opus");
  CHECK(read(*AudioTranscoder::parameters(Codec::kPcmu, 8000, 1)) == "mp4a.40.2");
  CHECK(opus_parameters().same(opus_parameters()));
  CHECK_FALSE(opus_parameters().same(*AudioTranscoder::parameters(Codec::kPcmu, 48000, 2)));
}
