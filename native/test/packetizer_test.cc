// What the packetisers write, read again by our depacketisers and our reader of descriptions.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "rtp_collect.h"
#include "rtsp/packetizer.h"
#include "rtsp/sdp.h"

using namespace thimble;
using namespace thimble::rtp_test;
using rtsp::Codec;
using rtsp::Packetizer;
using rtsp::ServedTrack;

namespace {

class Whole final : public rtsp::UnitBytes {
 public:
  explicit Whole(const Data& data) : data_(data) {}
  void read(size_t offset, size_t size, uint8_t* out) const override {
    REQUIRE(offset + size <= data_.size());
    std::copy_n(data_.begin() + static_cast<std::ptrdiff_t>(offset), size, out);
  }

 private:
  const Data& data_;
};

ServedTrack track_of(Codec codec, uint32_t rate = 90000, int channels = 0) {
  ServedTrack track;
  track.codec = codec;
  track.clock_rate = rate;
  track.channels = channels;
  if (codec == Codec::kAac) track.config = {0x11, 0x90};
  return track;
}

/// The reader that our client would have for what is served.
rtsp::SessionDescription described(const ServedTrack& served) {
  return rtsp::parse_sdp(rtsp::write_sdp({served}), "rtsp://10.0.0.1/ring/1/main/", "");
}

struct Trip {
  explicit Trip(const ServedTrack& served) : packetizer(served, 4, 0x1234567800001000u) {
    const rtsp::SessionDescription description = described(served);
    REQUIRE(description.tracks.size() == 1);
    CHECK(description.tracks[0].codec == served.codec);
    CHECK(description.tracks[0].clock_rate == served.clock_rate);
    CHECK(description.tracks[0].control_url == "rtsp://10.0.0.1/ring/1/main/trackID=0");
    feed = std::make_unique<Feed>(description.tracks[0]);
  }
  void send(const Data& unit, uint32_t time, const std::vector<Data>& sets = {}) {
    std::vector<ByteView> views;
    for (const Data& set : sets) views.push_back(view(set));
    packetizer.begin(unit.size(), time, views);
    const Whole whole(unit);
    std::string out;
    while (packetizer.next(whole, &out)) {
      REQUIRE(out.size() > 16);
      const auto* bytes = reinterpret_cast<const uint8_t*>(out.data());
      CHECK(bytes[0] == '$');
      CHECK(bytes[1] == 4);
      REQUIRE(out.size() == 4u + read_be16(bytes + 2));
      sizes.push_back(out.size() - 16);
      markers.push_back((bytes[5] & 0x80) != 0);
      feed->raw({out.begin() + 4, out.end()});
      out.clear();
    }
    CHECK_FALSE(packetizer.in_unit());
  }

  Packetizer packetizer;
  std::unique_ptr<Feed> feed;
  std::vector<size_t> sizes;
  std::vector<bool> markers;
};

/// Its first bit says that a picture begins, in both codecs.
constexpr uint8_t kFirstSlice = 0xb5;

Data nal(uint8_t type, size_t size, bool h265 = false) {
  if (h265) return filled({static_cast<uint8_t>(type << 1), 1}, size - 2, kFirstSlice);
  return filled({static_cast<uint8_t>(0x60 | type)}, size - 1, kFirstSlice);
}

}  // namespace

TEST_CASE("packetizer: H.264, whole NALs and fragments, parameter sets before a key") {
  Trip trip(track_of(Codec::kH264));
  const Data sps = filled({0x67, 66, 0xc0, 10}, 20), pps = filled({0x68}, 4);
  trip.send(join({with_length(nal(6, 20)), with_length(nal(5, 5000))}), 1000, {sps, pps});
  trip.send(with_length(nal(1, 1400)), 4600);
  trip.send(with_length(nal(1, 1401)), 8200);
  trip.feed->flush();
  REQUIRE(trip.feed->count() == 3);
  const auto& units = trip.feed->sink.units;
  CHECK(units[0].nals == "7:24 8:5 6:20 5:5000");
  CHECK(units[0].key);
  CHECK(units[0].time == 1000);
  CHECK(units[1].data == with_length(nal(1, 1400)));
  CHECK(units[2].data == with_length(nal(1, 1401)));
  for (const auto& unit : units) CHECK_FALSE(unit.damaged);
  CHECK(trip.feed->counters().lost_packets == 0);
  for (const size_t size : trip.sizes) CHECK(size <= Packetizer::kMostPayloadBytes);
  // 3 whole, 5000 in four pieces, one whole, two pieces; a mark at the end of each unit.
  CHECK(trip.markers == std::vector<bool>{false, false, false, false, false, false, true, true, false, true});
}

TEST_CASE("packetizer: H.265") {
  ServedTrack served = track_of(Codec::kH265);
  served.vps = {{0x40, 1, 0x0c, 1}};
  served.sps = {{0x42, 1, 1, 1}};
  served.pps = {{0x44, 1, 0xc1}};
  Trip trip(served);
  const auto read = described(served).tracks[0];
  CHECK(read.vps == served.vps);
  CHECK(read.sps == served.sps);
  CHECK(read.pps == served.pps);
  const Data picture = join({with_length(nal(39, 30, true)), with_length(nal(19, 4000, true))});
  trip.send(picture, 90000, {served.vps[0], served.sps[0], served.pps[0]});
  trip.send(with_length(nal(1, 700, true)), 93600);
  trip.feed->flush();
  REQUIRE(trip.feed->count() == 2);
  CHECK(trip.feed->sink.units[0].nals == "32:4 33:4 34:3 39:30 19:4000");
  CHECK(trip.feed->sink.units[0].key);
  CHECK(trip.feed->sink.units[1].data == with_length(nal(1, 700, true)));
}

TEST_CASE("packetizer: AAC, also in pieces") {
  Trip trip(track_of(Codec::kAac, 48000, 2));
  const Data small = filled({0x21}, 300), large = filled({0x21}, 4000);
  trip.send(small, 1024);
  trip.send(large, 2048);
  trip.send(small, 3072);
  REQUIRE(trip.feed->count() == 3);
  CHECK(trip.feed->sink.units[0].data == small);
  CHECK(trip.feed->sink.units[1].data == large);
  CHECK(trip.feed->sink.units[2].data == small);
  CHECK(trip.feed->sink.units[1].time == 2048);
  // More than 13 bits can tell is left out.
  trip.send(filled({0x21}, 8200), 4096);
  CHECK(trip.feed->count() == 3);
}

TEST_CASE("packetizer: Opus and plain samples") {
  Trip opus(track_of(Codec::kOpus, 48000, 2));
  const Data frame = filled({0x78}, 200);
  opus.send(frame, 960);
  REQUIRE(opus.feed->count() == 1);
  CHECK(opus.feed->sink.units[0].data == frame);
  for (const Codec codec : {Codec::kPcma, Codec::kPcmu}) {
    Trip plain(track_of(codec, 8000, 1));
    plain.send(filled({}, 160), 160);
    plain.send(filled({}, 3000), 320);
    Data got;
    for (const Unit& unit : plain.feed->sink.units) got.insert(got.end(), unit.data.begin(), unit.data.end());
    CHECK(got == filled({}, 3160));
    REQUIRE(plain.feed->count() == 4);
    CHECK(plain.feed->sink.units[2].time == 320 + 1400);
  }
  CHECK(track_of(Codec::kPcma, 8000, 1).payload_type() == 8);
  CHECK(track_of(Codec::kPcmu, 8000, 1).payload_type() == 0);
  CHECK(track_of(Codec::kPcma, 16000, 1).payload_type() == 97);
}

TEST_CASE("packetizer: what is left out shows in the sequence") {
  Trip trip(track_of(Codec::kH264));
  const Data picture = with_length(nal(5, 5000));
  trip.packetizer.begin(picture.size(), 0);
  std::string out;
  const Whole whole(picture);
  REQUIRE(trip.packetizer.next(whole, &out));
  trip.feed->raw({out.begin() + 4, out.end()});
  // The rest of it is gone.
  trip.packetizer.skip();
  trip.send(picture, 3600);
  trip.feed->flush();
  const auto& units = trip.feed->sink.units;
  REQUIRE_FALSE(units.empty());
  CHECK(units.back().data == picture);
  CHECK_FALSE(units.back().damaged);
  CHECK(trip.feed->counters().lost_packets == 1);
}

TEST_CASE("packetizer: lengths that lie lead nowhere else") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    Data unit(random() % 6000);
    for (uint8_t& byte : unit) byte = static_cast<uint8_t>(random());
    if (unit.size() > 4 && round % 2 == 0) write_be32(unit.data(), static_cast<uint32_t>(random() % 7000));
    Packetizer packetizer(track_of(round % 3 ? Codec::kH264 : Codec::kH265), 0, 1);
    packetizer.begin(unit.size(), 0);
    const Whole whole(unit);
    std::string out;
    while (packetizer.next(whole, &out)) REQUIRE(out.size() <= unit.size() * 20 + 2000);
  }
}

TEST_CASE("packetizer: a sender report is read by our reader") {
  Trip trip(track_of(Codec::kAac, 48000, 2));
  trip.send(filled({0x21}, 300), 1024);
  std::string out;
  trip.packetizer.report(0x1122334455667788u, 99, "thimble-1", &out);
  CHECK(out[1] == 5);
  REQUIRE(out.size() == 4u + read_be16(reinterpret_cast<const uint8_t*>(out.data()) + 2));
  CHECK(out.size() % 4 == 0);
  trip.feed->track->on_rtcp(ByteView(std::string_view(out).substr(4)), 5'000'000);
  const rtsp::SenderReport* const report = trip.feed->track->sender_report();
  REQUIRE(report != nullptr);
  CHECK(report->ntp == 0x1122334455667788u);
  CHECK(report->rtp_time == 99);
}

TEST_CASE("packetizer: the description names rates, channels and configs") {
  ServedTrack video = track_of(Codec::kH264);
  video.sps = {{0x67, 0x64, 0, 0x1f, 1}};
  video.pps = {{0x68, 2}};
  video.fps = 12.5;
  const std::string sdp = rtsp::write_sdp({video, track_of(Codec::kAac, 16000, 1)});
  for (const char* line :
       {"m=video 0 RTP/AVP 96\r\n", "a=rtpmap:96 H264/90000\r\n", "profile-level-id=64001F",
        "sprop-parameter-sets=Z2QAHwE=,aAI=\r\n", "a=framerate:12.500\r\n", "m=audio 0 RTP/AVP 97\r\n",
        "a=rtpmap:97 MPEG4-GENERIC/16000\r\n", "config=1190\r\n", "a=control:trackID=1\r\n"}) {
    CAPTURE(line);
    CHECK(sdp.find(line) != std::string::npos);
  }
  CHECK(rtsp::write_sdp({track_of(Codec::kPcma, 8000, 1)}).find("m=audio 0 RTP/AVP 8\r\n") !=
        std::string::npos);
}
