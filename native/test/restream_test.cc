// The ring over RTSP, received by our own client: what comes, when, and over breaks.
#include "restream_rig.h"

using namespace restream_rig;

namespace {

/// Times of neighbours, in ticks.
std::vector<uint32_t> steps(const std::vector<Unit>& units) {
  std::vector<uint32_t> found;
  for (size_t i = 1; i < units.size(); ++i) found.push_back(units[i].time - units[i - 1].time);
  return found;
}

bool all_of(const std::vector<uint32_t>& values, uint32_t least, uint32_t most) {
  return std::all_of(values.begin(), values.end(), [&](uint32_t v) { return v >= least && v <= most; });
}

size_t keys(const std::vector<Unit>& units) {
  return static_cast<size_t>(std::count_if(units.begin(), units.end(), [](const Unit& u) { return u.key; }));
}

}  // namespace

TEST_CASE("restream: begins at the newest keyframe of the ring, at once, and goes on whole") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(1'400'000);  // 10 pictures into the second GOP
  Viewer viewer(world, true);
  REQUIRE(viewer.playing);
  const auto& units = viewer.pictures.units;
  REQUIRE(units.size() == 10);
  CHECK(units[0].key);
  CHECK(units[0].nals.substr(0, 2) == "7:");
  CHECK(keys(units) == 1);
  world.play(2 * kSecond);
  CHECK(units.size() == 60);
  CHECK(keys(units) == 3);
  CHECK(viewer.lost() == 0);
  for (const Unit& unit : units) CHECK_FALSE(unit.damaged);
  CHECK(all_of(steps(units), 3600, 3600));
  CHECK(world.recorded() >= 50);
  const auto stats = world.server->stats();
  REQUIRE(stats.size() == 1);
  CHECK(stats[0].inside);
  CHECK(stats[0].address == "127.0.0.1");
  CHECK(stats[0].sent_bytes > 1000);
  CHECK(stats[0].skips == 0);
  // One connection at the camera, whoever watches.
  CHECK(camera.connections() == 1);
  world.rig.stop();
}

TEST_CASE("restream: several get the same, each from a keyframe of its own") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(1'200'000);
  Viewer first(world, true);
  world.play(1'000'000);
  Viewer second(world, true);
  world.play(1'000'000);
  REQUIRE(second.pictures.units.size() == 5 + 25);
  REQUIRE(first.pictures.units.size() == 5 + 50);
  for (size_t i = 0; i < second.pictures.units.size(); ++i) {
    CHECK(second.pictures.units[i].data == first.pictures.units[i + 25].data);
  }
  world.rig.stop();
}

TEST_CASE("restream: AAC as it is, with sender reports of one clock") {
  LoopbackCamera camera;
  camera.with_sound = true;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(2'400'000, true);
  Viewer viewer(world, true);
  REQUIRE(viewer.playing);
  REQUIRE(viewer.description.audio >= 0);
  const rtsp::Track& track = viewer.description.tracks[static_cast<size_t>(viewer.description.audio)];
  CHECK(track.codec == rtsp::Codec::kAac);
  CHECK(track.clock_rate == 48000);
  world.play(12 * kSecond, true);
  viewer.tick();
  const auto& sounds = viewer.sounds.units;
  REQUIRE(sounds.size() > 500);
  for (const Unit& unit : sounds) CHECK(unit.data == tiny::silent_aac());
  CHECK(all_of(steps(sounds), 900, 1100));
  REQUIRE(viewer.video_reports.size() >= 3);
  REQUIRE(viewer.sound_reports.size() >= 3);
  const rtsp::SenderReport video = viewer.video_reports.back(), sound = viewer.sound_reports.back();
  // UTC of the newest picture and of the newest sound, by their reports: the camera sent them together.
  const auto utc_ms = [](const rtsp::SenderReport& report, uint32_t time, int64_t rate) {
    const double ntp_ms = static_cast<double>(report.ntp >> 32) * 1000 +
                          static_cast<double>(report.ntp & 0xffffffff) / 4294967296.0 * 1000;
    return ntp_ms - 2'208'988'800'000.0 +
           static_cast<double>(static_cast<int32_t>(time - report.rtp_time)) * 1000.0 /
               static_cast<double>(rate);
  };
  const double picture_ms = utc_ms(video, viewer.pictures.units.back().time, 90000);
  const double sound_ms = utc_ms(sound, sounds.back().time, 48000);
  CHECK(std::abs(picture_ms - static_cast<double>(world.rig.clock.utc_ms(world.rig.now_us))) < 25);
  CHECK(std::abs(picture_ms - sound_ms) < 45);
  world.rig.stop();
}

TEST_CASE("restream: G.711 comes as the camera sends it, although files get AAC") {
  for (const bool record : {true, false}) {
    CAPTURE(record);
    LoopbackCamera camera;
    camera.with_sound = camera.plain_sound = true;
    World world(camera, record);
    REQUIRE(world.rig.connect());
    world.play(1'400'000, true);
    Viewer viewer(world, true);
    REQUIRE(viewer.playing);
    REQUIRE(viewer.description.audio >= 0);
    CHECK(viewer.description.tracks[1].codec == rtsp::Codec::kPcma);
    world.play(2 * kSecond, true);
    REQUIRE(viewer.sounds.units.size() >= 90);
    for (const Unit& unit : viewer.sounds.units) CHECK(unit.data == std::vector<uint8_t>(160, 0xd5));
    CHECK(all_of(steps(viewer.sounds.units), 159, 161));
    CHECK(viewer.pictures.units.size() >= 55);
    // A live viewer makes the ring change its sound: nobody here notices.
    world.rig.stream->watch_live(true, 0);
    world.play(1 * kSecond, true);
    world.rig.stream->end_live(true);
    world.play(1 * kSecond, true);
    CHECK(all_of(steps(viewer.sounds.units), 159, 161));
    CHECK_FALSE(viewer.ended());
    world.rig.stop();
  }
}

TEST_CASE("restream: over a reconnect of the camera the client stays, and its time goes on") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(1'400'000);
  Viewer viewer(world, true);
  world.play(600'000);
  const size_t before = viewer.pictures.units.size();
  camera.hang_up();
  world.wait(2 * kSecond);
  REQUIRE(camera.playing());
  camera.pictures = 0;
  world.play(2 * kSecond);
  const auto& units = viewer.pictures.units;
  REQUIRE(units.size() >= before + 50);
  CHECK(units[before].key);
  const uint32_t pause = units[before].time - units[before - 1].time;
  CHECK(pause >= 90000);
  CHECK(pause <= 4 * 90000);
  CHECK_FALSE(viewer.ended());
  CHECK(all_of(steps({units.begin() + static_cast<std::ptrdiff_t>(before), units.end()}), 3600, 3600));
  world.rig.stop();
}

TEST_CASE("restream: other parameters come with their keyframe; another codec of sound ends it") {
  LoopbackCamera camera;
  camera.with_sound = true;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(1'400'000, true);
  Viewer viewer(world, true);
  camera.width_macroblocks = 6;
  world.play(2 * kSecond, true);
  const auto& units = viewer.pictures.units;
  const auto wide = std::find_if(units.begin(), units.end(), [](const Unit& unit) {
    const auto sps = tiny::sps(6);
    return std::search(unit.data.begin(), unit.data.end(), sps.begin() + 4, sps.end()) != unit.data.end();
  });
  REQUIRE(wide != units.end());
  CHECK(wide->key);
  CHECK_FALSE(viewer.ended());
  camera.plain_sound = true;
  camera.hang_up();
  world.wait(2 * kSecond);
  camera.pictures = 0;
  world.play(1 * kSecond, true);
  world.wait(1 * kSecond);
  CHECK(viewer.ended());
  world.rig.stop();
}

TEST_CASE("restream: nothing of another codec comes as if it were the one that was described") {
  LoopbackCamera camera;
  camera.with_sound = true;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(1'400'000, true);
  Viewer viewer(world, true);
  world.play(400'000, true);
  REQUIRE(viewer.sounds.units.size() > 10);
  // Who takes the pictures only goes on.
  Raw mute(world);
  mute.play(world.url(true), {0});
  camera.plain_sound = true;
  camera.hang_up();
  world.wait(2 * kSecond);
  REQUIRE(camera.playing());
  // Sound comes at once, the next keyframe in a while.
  camera.pictures = 5;
  world.play(600'000, true);
  for (const Unit& unit : viewer.sounds.units) CHECK(unit.data == tiny::silent_aac());
  world.wait(100'000);
  CHECK(viewer.ended());
  world.play(1 * kSecond, true);
  mute.take();
  CHECK_FALSE(mute.closed());
  CHECK(world.server->stats().size() == 1);
  world.rig.stop();
}

TEST_CASE("restream: a stream that nobody has connected is asked for, and described when it comes") {
  LoopbackCamera camera;
  World world(camera, false);
  Raw raw(world);
  raw.say("DESCRIBE " + world.url(true) + " RTSP/1.0\r\nCSeq: 1\r\n\r\n");
  const auto wanted = world.rig.sink.all<RestreamWantedEvent>();
  REQUIRE(wanted.size() == 1);
  CHECK(wanted[0].wanted);
  CHECK(wanted[0].key == StreamKey{5, StreamKind::kMain});
  CHECK(raw.take().empty());
  world.rig.make();
  world.server->attach(*world.rig.stream);
  REQUIRE(world.rig.connect());
  world.play(400'000);
  CHECK(raw.take().find("RTSP/1.0 200 OK\r\nCSeq: 1\r\n") == 0);
  // Another one that never comes.
  Raw vain(world);
  vain.say("DESCRIBE " + world.url(true, "/6/main") + " RTSP/1.0\r\nCSeq: 1\r\n\r\n");
  world.wait(3'500'000);
  CHECK(vain.take().empty());
  world.wait(1 * kSecond);
  CHECK(vain.take().find("RTSP/1.0 503 ") == 0);
  // It is given up some seconds after the last one has left.
  world.wait(15 * kSecond);
  CHECK(vain.closed());
  world.wait(RestreamServer::kLingerUs);
  CHECK(world.rig.sink.all<RestreamWantedEvent>().size() == 4);
  CHECK_FALSE(world.rig.sink.all<RestreamWantedEvent>().back().wanted);
  CHECK_FALSE(world.server->busy());
  world.rig.stop();
}
