// The sound of live feeds.
#include "live_rig.h"

using namespace live_rig;

namespace {
bool has_sound(const LiveHeaderEvent& header) {
  return header.codecs.find(",mp4a.40.2") != std::string::npos;
}
}  // namespace

TEST_CASE("live: sound goes along, without a hole, and lies on its pictures") {
  LoopbackCamera camera;
  camera.with_sound = true;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(1'400'000, true);
  rig.stream->watch_live(true, 1);
  rig.play(3 * kSecond, true);
  Player player(1, true);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 1);
  CHECK(has_sound(player.headers[0]));
  REQUIRE(player.sounds.size() > 100);
  CHECK(Player::widest_hole(player.sounds) <= 48);
  CHECK(player.widest_hole() <= 1);
  const double sound_s = static_cast<double>(player.sounds.back().time) / 48000;
  const double picture_s = static_cast<double>(player.pictures.back().time) / 90000;
  CHECK(std::abs(sound_s - picture_s) < 0.1);
  // What was there before it began comes with it.
  CHECK(static_cast<double>(player.sounds.front().time) / 48000 < 0.05);
  rig.stop();
}

TEST_CASE("live: without sound for who wants none") {
  LoopbackCamera camera;
  camera.with_sound = true;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(1'400'000, true);
  rig.stream->watch_live(true, 1);
  rig.stream->watch_live(false, 2);
  rig.play(1 * kSecond, true);
  Player quiet(2, false), loud(1, true);
  quiet.take(rig.sink.events);
  loud.take(rig.sink.events);
  CHECK(quiet.headers.at(0).codecs == "avc1.42c00a");
  CHECK(quiet.sounds.empty());
  CHECK(quiet.pictures.size() == 35);
  CHECK(loud.pictures.size() == 35);
  CHECK_FALSE(loud.sounds.empty());
  rig.stop();
}

TEST_CASE("live: sound that ends, or begins late, changes the header, so that nobody waits for it") {
  LoopbackCamera camera;
  camera.with_sound = true;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(1'400'000);
  rig.stream->watch_live(true, 1);
  rig.play(2 * kSecond, true);
  Player player(1, true);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 2);
  CHECK_FALSE(has_sound(player.headers[0]));
  CHECK(has_sound(player.headers[1]));
  CHECK_FALSE(player.sounds.empty());
  rig.play(5 * kSecond);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 3);
  CHECK_FALSE(has_sound(player.headers[2]));
  CHECK(player.widest_hole() <= 1);
  rig.stop();
}

TEST_CASE("live: a session that is watched from its beginning waits a moment for its sound") {
  LoopbackCamera camera;
  camera.with_sound = true;
  Rig rig({&camera});
  rig.make();
  rig.stream->watch_live(true, 1);
  REQUIRE(rig.connect());
  rig.play(120'000);
  rig.play(1'880'000, true);
  REQUIRE(camera.pictures == 50);  // the next one is a key
  Player player(1, true);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 1);
  CHECK(has_sound(player.headers[0]));
  CHECK(player.pictures.size() == camera.pictures);
  CHECK(player.widest_hole() <= 1);
  camera.hang_up();
  rig.wait(2 * kSecond);
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 2);
  CHECK_FALSE(has_sound(player.headers[1]));
  CHECK(player.pictures.size() == camera.pictures);
  rig.stop();
}

TEST_CASE("live: G.711 is made AAC of while somebody hears it, and no longer") {
  if (!AudioTranscoder::available()) return;
  LoopbackCamera camera;
  camera.with_sound = camera.plain_sound = true;
  Rig rig({&camera}, false);
  REQUIRE(rig.connect());
  rig.play(1'400'000, true);
  rig.stream->watch_live(true, 1);
  rig.play(3 * kSecond, true);
  Player player(1, true);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 1);
  CHECK(has_sound(player.headers.back()));
  REQUIRE(player.sounds.size() > 10);
  // Frames of 1024 samples, whatever came.
  CHECK(std::all_of(player.sounds.begin(), player.sounds.end(),
                    [](const Shown& sound) { return sound.duration >= 1000 && sound.duration <= 1050; }));
  CHECK(Player::widest_hole(player.sounds) <= 8);
  rig.stream->end_live(true);
  rig.play(2 * kSecond, true);
  // And again, with all that is held.
  rig.sink.events.clear();
  rig.stream->watch_live(true, 2);
  rig.play(2 * kSecond, true);
  Player again(2, true);
  again.take(rig.sink.events);
  REQUIRE(again.headers.size() == 1);
  CHECK(has_sound(again.headers.back()));
  CHECK(again.sounds.size() > 10);
  rig.stop();
}
