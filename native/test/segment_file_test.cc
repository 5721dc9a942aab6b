// Init segments, names, fragment and index encoding, and what players think of a whole file.
#include <doctest/doctest.h>

#include <cstdio>

#include "media/moof_reader.h"
#include "media/moov_reader.h"
#include "media/repair.h"
#include "media/segment_header.h"
#include "media/segment_index.h"
#include "segment_checker.h"
#include "tiny_recording.h"

using namespace thimble;
using namespace thimble::media;

namespace {

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  char part[256];
  while (pipe && std::fgets(part, sizeof part, pipe)) text += part;
  if (pipe) ::pclose(pipe);
  return text;
}

}  // namespace

TEST_CASE("segment: names by UTC and the way back") {
  SegmentIdentity identity;
  identity.camera = 12;
  identity.start_ms = 1709210096789;  // 2024-02-29T12:34:56.789Z
  CHECK(segment_path(identity, false).file == "12/2024-02-29/12-34-56.789Z-main.mp4");
  identity.stream = StreamKind::kSub;
  identity.clock_generation = 3;
  const SegmentPath path = segment_path(identity, true);
  CHECK(path.camera_folder == "12");
  CHECK(path.day_folder == "12/2024-02-29");
  CHECK(path.file == "12/2024-02-29/12-34-56.789Z-sub-3.mp4");
  for (const int64_t start_ms :
       {int64_t{0}, int64_t{951782399999}, int64_t{951782400000}, int64_t{4107542400000}, kLatestStartMs}) {
    identity.start_ms = start_ms;
    const auto back = identity_of_path("/data/segments/" + segment_path(identity, true).file);
    REQUIRE(back);
    CHECK(back->start_ms == start_ms);
    CHECK(back->camera == 12);
    CHECK(back->stream == StreamKind::kSub);
    CHECK(back->clock_generation == 3);
  }
  CHECK(identity_of_path("12/2024-02-29/12-34-56.789Z-main.mp4"));
  for (const char* other :
       {"", "a.mp4", "12/2024-02-29/holiday.mp4", "12/2024-02-30/12-34-56.789Z-main.mp4",
        "12/2024-02-29/12-34-56.789Z-main.mp4.part", "12/2024-02-29/25-34-56.789Z-main.mp4",
        "99999999999/2024-02-29/12-34-56.789Z-main.mp4", "x/12-34-56.789Z-main.mp4"}) {
    CHECK_FALSE(identity_of_path(other));
  }
}

TEST_CASE("segment: libavformat's header tells codecs and sizes") {
  const std::vector<uint8_t> init = tiny::init_bytes();
  CHECK(init == tiny::init_bytes());  // the same parameters, the same bytes
  const size_t ftyp = read_be32(init.data());
  const MoovFacts facts = read_moov(ByteView(init.data(), init.size()).sub(ftyp + 8));
  CHECK(facts.video_codec == "avc1.42c00a");
  CHECK(facts.audio_codec == "mp4a.40.2");
  CHECK(facts.width == 64);
  CHECK(facts.height == 64);

  VideoParameters hevc;
  hevc.codec = rtsp::Codec::kH265;
  hevc.vps = {{0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00,
               0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x5d, 0x95, 0x98, 0x09}};
  hevc.sps = {{0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
               0x00, 0x03, 0x00, 0x5d, 0xa0, 0x02, 0x80, 0x80, 0x2d, 0x16, 0x59, 0x59, 0xa4, 0x93,
               0x2b, 0xc0, 0x5a, 0x70, 0x80, 0x80, 0x01, 0xf4, 0x80, 0x00, 0x3a, 0x98, 0x04}};
  hevc.pps = {{0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40}};
  hevc.sequence.width = 1280;
  hevc.sequence.height = 720;
  std::string error;
  const auto hevc_init = make_init_segment(hevc, nullptr, &error);
  REQUIRE_MESSAGE(hevc_init, error);
  const MoovFacts hevc_facts =
      read_moov(ByteView(hevc_init->data(), hevc_init->size()).sub(read_be32(hevc_init->data()) + 8));
  CHECK(hevc_facts.video_codec == "hvc1.1.6.L93.90");
  CHECK(hevc_facts.width == 1280);
  CHECK(hevc_facts.audio_codec.empty());

  VideoParameters none = tiny::video_parameters();
  none.sps.clear();
  CHECK_FALSE(make_init_segment(none, nullptr, &error));
  CHECK_FALSE(error.empty());
  AudioParameters opus = tiny::audio_parameters();
  opus.codec = rtsp::Codec::kOpus;
  CHECK_FALSE(make_init_segment(tiny::video_parameters(), &opus, &error));
}

TEST_CASE("segment: header round trip, alignment, and every shortened or changed byte is noticed") {
  SegmentIdentity identity = tiny::spec(tiny::kStartMs).identity;
  identity.stream = StreamKind::kSub;
  identity.clock_generation = 5;
  identity.pts_offset90k = -7200;
  std::vector<uint8_t> init = tiny::init_bytes();
  SegmentLayout layout;
  const std::vector<uint8_t> bytes = encode_segment_header(init, identity, 300, &layout);
  CHECK(layout.reserved_offset % 8 == 0);
  CHECK(layout.reserved_bytes == 8192 + 24 * 300);
  CHECK(bytes.size() == layout.reserved_offset + 8);
  const SegmentHeader header = parse_segment_header({bytes.data(), bytes.size()});
  REQUIRE(header.state == SegmentHeader::State::kValid);
  CHECK(header.identity.start_ms == tiny::kStartMs);
  CHECK(header.identity.pts_offset90k == -7200);
  CHECK(header.identity.clock_generation == 5);
  CHECK(header.identity.stream == StreamKind::kSub);
  CHECK(header.layout.reserved_offset == layout.reserved_offset);
  for (size_t size = 0; size < layout.reserved_offset; ++size) {
    const SegmentHeader part = parse_segment_header({bytes.data(), size});
    CHECK(part.state == SegmentHeader::State::kIncomplete);
    CHECK(part.needed > size);
  }
  for (size_t at = 0; at < layout.reserved_offset - 8; ++at) {
    std::vector<uint8_t> changed = bytes;
    changed[at] ^= 0x10;
    CHECK(parse_segment_header({changed.data(), changed.size()}).state != SegmentHeader::State::kValid);
  }
}

TEST_CASE(
    "segment: moof round trip with B-frames and late sound; every changed byte is damage or another value") {
  Fragment fragment;
  fragment.runs = {{1, 90000, {{100, 3600, 7200, true}, {20, 3600, -3600, false}, {30, 3601, 0, false}}},
                   {2, 24000, {{6, 1024, 0, true}, {7, 1024, 0, true}}},
                   {2, 0, {}}};
  fragment.data_bytes = 163;
  const std::vector<uint8_t> moof = encode_moof(fragment, 9);
  const ByteView box(moof.data(), moof.size() - 8);
  const auto runs = parse_moof(box, 163);
  REQUIRE(runs);
  REQUIRE(runs->size() == 2);
  CHECK((*runs)[0].base_time == 90000);
  CHECK((*runs)[0].samples[1].composition_offset == -3600);
  CHECK((*runs)[0].samples[0].key);
  CHECK_FALSE((*runs)[0].samples[1].key);
  CHECK((*runs)[1].samples[1].size == 7);
  const RunSpan span = run_span((*runs)[0]);
  CHECK(span.begin == 90000);
  CHECK(span.end == 97200 + 3601);
  CHECK(span.duration == 10801);
  CHECK_FALSE(parse_moof(box, 164));
  for (size_t size = 0; size < box.size; ++size) CHECK_FALSE(parse_moof(box.sub(0, size), 163));
  // Structure, not values: boxes, flags, counts and offsets.
  for (const size_t at : {0, 4, 8, 11, 16, 24, 32, 36, 47, 48, 56, 68, 76, 80, 84}) {
    std::vector<uint8_t> changed(moof.begin(), moof.end() - 8);
    changed[at] ^= 1;
    CHECK_FALSE(parse_moof({changed.data(), changed.size()}, 163));
  }
}

TEST_CASE("segment: an index that does not fit merges neighbours and keeps keyframes longest") {
  SegmentIndex index;
  for (int i = 0; i < 100; ++i)
    index.add({1000, true, i % 4 == 0, 900u + static_cast<uint64_t>(i) * 90000, 90000});
  index.add({500, false, false, 0, 0});  // sound only: counted to the last
  const auto count = [](const std::vector<uint8_t>& box) { return read_be16(box.data() + 38); };
  const auto keys = [&](const std::vector<uint8_t>& box) {
    int found = 0;
    for (int i = 0; i < count(box); ++i) found += box[static_cast<size_t>(40 + i * 12 + 8)] >> 7;
    return found;
  };
  for (const uint32_t reserved :
       {40u + 1200u, 4000u, 40u + 1200u + 4u, 40u + 360u, 40u + 300u, 40u + 36u, 40u + 12u, 60u}) {
    const std::vector<uint8_t> box = index.encode(reserved);
    REQUIRE(box.size() >= 52);
    const uint32_t size = read_be32(box.data());
    const uint32_t rest = reserved - size;
    CHECK(size <= reserved);
    CHECK((rest == 0 || rest >= 8));
    CHECK(box.size() == size + (rest ? 8 : 0));
    CHECK(read_be64(box.data() + 28) == rest);
    CHECK(read_be64(box.data() + 20) == 900);
    uint64_t bytes = 0, ticks = 0;
    for (int i = 0; i < count(box); ++i) {
      bytes += read_be32(box.data() + 40 + i * 12);
      ticks += read_be32(box.data() + 44 + i * 12);
    }
    CHECK(bytes == 100500);
    CHECK(ticks == 9000000);
    if (count(box) >= 25)
      CHECK(keys(box) == 25);
    else
      CHECK(keys(box) > 0);
  }
  CHECK(index.encode(51).empty());
  CHECK(index.encode(59).empty());  // the 7 bytes left could not be a box
  CHECK(SegmentIndex().encode(8192).empty());
  SegmentIndex endless;  // hostile or forgotten: memory stays bounded
  for (int i = 0; i < 300000; ++i) endless.add({100, true, true, 0, 3000});
  CHECK(count(endless.encode(8192 + 24 * 86400)) <= 65535);
}

TEST_CASE("segment: open and closed files satisfy ffprobe and a full decode") {
  tiny::TempFolder folder;
  tiny::Events events;
  Writer::Config config;
  config.segments_folder = folder.path();
  const auto writer = Writer::create(config, posix_disk(), events);
  REQUIRE(writer->start());
  const SegmentHandle handle = writer->open(tiny::spec(tiny::kStartMs));
  for (int n = 0; n < 6; ++n) REQUIRE(writer->append(handle, tiny::fragment(n)));
  REQUIRE(tiny::wait_for([&] { return writer->counters().queued_bytes == 0; }));
  const std::string path =
      folder.path() + "/" + segment_path(tiny::spec(tiny::kStartMs).identity, false).file;
  bool ran = false;
  const tiny::Judgement open = tiny::judge(path);
  CHECK(open.problem == "");
  CHECK_FALSE(open.indexed);
  CHECK(tiny::decodes(path, &ran));
  writer->close(handle, tiny::kStartMs + 1920, EndReason::kLength);
  CHECK(writer->stop(5000));
  const tiny::Judgement closed = tiny::judge(path);
  CHECK(closed.problem == "");
  CHECK(closed.references == 6);
  CHECK(closed.key_references == 3);
  CHECK(closed.boxes[2] == "uuid");
  CHECK(closed.boxes[3] == "sidx");
  CHECK(closed.boxes[4] == "free");
  CHECK(tiny::decodes(path));
  REQUIRE(events.closed.size() == 1);
  CHECK(events.closed[0].size_bytes == tiny::fs::file_size(path));
  if (ran) {
    const std::string probe = output_of(
        "ffprobe -v error -count_packets -show_entries stream=codec_name,nb_read_packets,start_time,duration "
        "-of csv=p=0 '" +
        path + "'");
    CHECK(probe == "h264,0.000000,1.920000,48\naac,0.000000,1.920000,90\n");
  }
  const SegmentReport report = examine_segment(posix_disk(), path, tiny::kStore, tiny::kMend);
  CHECK(report.state == SegmentReport::State::kWhole);
  CHECK(report.end_ms == tiny::kStartMs + 1920);
  CHECK(closed.fragments == 6);
  CHECK(report.video_codec == "avc1.42c00a");
}
