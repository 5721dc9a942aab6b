// Live feeds while everything changes at once: viewers, sound, sessions, parameters, recording, the clock.
#include <random>

#include "live_rig.h"

using namespace live_rig;

namespace {

struct Storm {
  explicit Storm(uint32_t seed) : random(seed), rig({&camera}) {
    camera.with_sound = true;
    camera.plain_sound = seed % 2 == 0;
    camera.gop = 10;
  }
  uint32_t pick(uint32_t count) { return static_cast<uint32_t>(random() % count); }

  /// Reads what came, as one life of each feed.
  void look() {
    for (Player* player : {&quiet, &loud}) {
      player->take(rig.sink.events);
      for (size_t i = 1; i < player->pictures.size(); ++i) {
        CHECK(player->pictures[i].time > player->pictures[i - 1].time);
      }
      for (size_t i = 1; i < player->sounds.size(); ++i) {
        CHECK(player->sounds[i].time >= player->sounds[i - 1].time);
      }
      pictures += player->pictures.size();
      sounds += player->sounds.size();
    }
    rig.sink.events.clear();
    quiet = Player(0, false);
    loud = Player(0, true);
    // Whoever watches on is told what the next fragments need.
    for (const bool sound : {false, true}) {
      rig.stream->end_live(sound);
      if (watched[sound]) rig.stream->watch_live(sound, 1);
    }
  }

  void step() {
    switch (pick(12)) {
      case 0:
      case 1: {
        const bool sound = pick(2) == 1;
        watched[sound] = true;
        rig.stream->watch_live(sound, pick(3));
        break;
      }
      case 2:
        watched[pick(2)] = false;
        look();
        break;
      case 3:
        rig.stream->show_key(9);
        break;
      case 4:
        camera.level = static_cast<uint8_t>(10 + pick(3));
        break;
      case 5:
        camera.hang_up();
        rig.wait(1'500'000);
        rig.connect();
        break;
      case 6:
        rig.settings.record = pick(2) == 1;
        rig.settings.events = pick(2) == 1;
        rig.stream->set(rig.settings, rig.now_us);
        break;
      case 7:
        rig.clock.update(1'767'225'600 * kSecond + rig.now_us + (int64_t{pick(9)} - 4) * 3600 * kSecond,
                         rig.now_us);
        rig.stream->on_clock_step();
        break;
      case 8: {
        KeyPicture picture;
        rig.stream->key_picture(&picture);
        break;
      }
      default:
        rig.play((1 + pick(30)) * kFrameUs, pick(3) != 0);
    }
  }

  std::mt19937 random;
  LoopbackCamera camera;
  Rig rig;
  bool watched[2] = {false, false};
  Player quiet{0, false}, loud{0, true};
  size_t pictures = 0, sounds = 0;
};

}  // namespace

TEST_CASE("live: whatever changes, what is sent can be read and never goes back") {
  size_t pictures = 0, sounds = 0;
  for (uint32_t round = 0; round < 6; ++round) {
    const uint32_t seed = std::random_device{}() / 2 * 2 + round % 2;
    CAPTURE(seed);
    Storm storm(seed);
    REQUIRE(storm.rig.connect());
    for (int i = 0; i < 120; ++i) storm.step();
    storm.look();
    storm.rig.stop();
    pictures += storm.pictures;
    sounds += storm.sounds;
  }
  CHECK(pictures > 500);
  CHECK(sounds > 100);
}
