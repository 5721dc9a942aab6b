// Live feeds of a stream, against a camera on loopback and a clock that the test winds.
#include "live_rig.h"

using namespace live_rig;

TEST_CASE("live: nothing is made while nobody watches, and nothing after the last one has gone") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(3 * kSecond);
  CHECK(rig.sink.all<LiveHeaderEvent>().empty());
  CHECK(rig.sink.all<LiveFragmentEvent>().empty());
  rig.stream->watch_live(false, 1);
  rig.play(1 * kSecond);
  rig.stream->end_live(false);
  const size_t events = rig.sink.events.size();
  rig.play(3 * kSecond);
  CHECK(rig.sink.all<LiveFragmentEvent>().size() > 20);
  for (size_t i = events; i < rig.sink.events.size(); ++i) {
    CHECK_FALSE(std::holds_alternative<LiveFragmentEvent>(rig.sink.events[i]));
  }
  rig.stop();
}

TEST_CASE("live: begins at once with all since the newest keyframe, then each picture is a fragment") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(1'400'000);  // 10 pictures into the second GOP
  rig.stream->watch_live(false, 7);
  Player player(7);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 1);
  CHECK(player.headers[0].codecs == "avc1.42c00a");
  CHECK(player.headers[0].width == 64);
  REQUIRE(player.fragments.size() == 1);
  CHECK(player.fragments[0].begins_with_key);
  CHECK(player.fragments[0].goes_on);
  CHECK(player.pictures.size() == 10);
  CHECK(player.pictures[0].time == 0);
  rig.play(2 * kSecond);
  player.take(rig.sink.events);
  CHECK(player.headers.size() == 1);
  CHECK(player.fragments.size() == 51);
  CHECK(player.pictures.size() == 60);
  CHECK(player.widest_hole() <= 1);
  CHECK(std::count_if(player.pictures.begin(), player.pictures.end(), [](const Shown& s) { return s.key; }) ==
        3);
  // Media time and UTC belong together: arrival is the test's clock.
  const int64_t shown_ms = player.headers[0].zero_ms + player.pictures.back().time / 90;
  CHECK(std::llabs(shown_ms - rig.clock.utc_ms(rig.now_us)) <= 2);
  CHECK(player.headers[0].start_ms == player.headers[0].zero_ms);
  rig.stop();
}

TEST_CASE("live: who comes later gets a begin of his own, and the same fragments from then on") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(1'200'000);
  rig.stream->watch_live(false, 1);
  rig.play(600'000);
  rig.stream->watch_live(false, 2);
  const size_t before = rig.sink.all<LiveFragmentEvent>().size();
  rig.play(1 * kSecond);
  Player first(1), second(2);
  first.take(rig.sink.events);
  CHECK(first.pictures.size() == 5 + 15 + 25);
  CHECK(first.widest_hole() <= 1);
  CHECK(first.headers.size() == 1);
  const auto headers = rig.sink.all<LiveHeaderEvent>();
  REQUIRE(headers.size() == 2);
  CHECK(headers[1].viewer == 2);
  CHECK(headers[1].generation == headers[0].generation);
  CHECK((headers[1].init == headers[0].init));
  CHECK(headers[1].start_ms == headers[0].start_ms);
  const auto fragments = rig.sink.all<LiveFragmentEvent>();
  // The begin, in one piece, and one fragment per picture for both.
  CHECK(fragments.size() == before + 25);
  CHECK(fragments[before - 1].viewer == 2);
  CHECK(fragments[before - 1].bytes->bytes().size() > fragments[before].bytes->bytes().size());
  rig.stop();
}

TEST_CASE("live: who waits for a camera gets it from its first keyframe on") {
  LoopbackCamera camera;
  Rig rig({&camera}, false);
  rig.make();
  rig.stream->watch_live(false, 3);
  CHECK(rig.sink.all<LiveHeaderEvent>().empty());
  REQUIRE(rig.connect());
  rig.play(1 * kSecond);
  Player player(3);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 1);
  CHECK(player.headers[0].viewer == 0);
  CHECK(player.pictures.size() == 25);
  CHECK(player.pictures[0].key);
  rig.stop();
}

TEST_CASE("live: after a reconnect media time goes on with the wall clock") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  rig.stream->watch_live(false, 1);
  camera.hang_up();
  rig.wait(3 * kSecond);
  Player player(1);
  player.take(rig.sink.events);
  const size_t before = player.pictures.size();
  CHECK(before == 25);
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 2);
  CHECK(player.headers[1].generation > player.headers[0].generation);
  REQUIRE(player.pictures.size() == before + 50);
  const int64_t hole = player.pictures[before].time - player.pictures[before - 1].time;
  CHECK(hole > 2 * 90000);
  CHECK(std::llabs(player.headers[1].zero_ms - player.headers[0].zero_ms) <= 2);
  const int64_t shown_ms = player.headers[1].zero_ms + player.pictures.back().time / 90;
  CHECK(std::llabs(shown_ms - rig.clock.utc_ms(rig.now_us)) <= 2);
  // Between two sessions there is nothing to begin with.
  camera.hang_up();
  rig.wait(100'000);
  const size_t events = rig.sink.all<LiveFragmentEvent>().size();
  rig.stream->watch_live(false, 2);
  CHECK(rig.sink.all<LiveFragmentEvent>().size() == events);
  rig.stop();
}

TEST_CASE("live: other parameters bring a header of their own, and media time does not notice") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(1'200'000);
  rig.stream->watch_live(false, 1);
  camera.level = 11;
  rig.play(2 * kSecond);
  Player player(1);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 2);
  CHECK(player.headers[1].codecs == "avc1.42c00b");
  CHECK(player.headers[1].zero_ms == player.headers[0].zero_ms);
  CHECK(player.widest_hole() <= 1);
  rig.stop();
}

TEST_CASE("live: a step of the board's clock is told with the next keyframe") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(1'200'000);
  rig.stream->watch_live(false, 1);
  const int64_t hour_ms = 3'600'000;
  CHECK(rig.clock.update(1'767'225'600 * kSecond + rig.now_us - hour_ms * 1000, rig.now_us) != 0);
  rig.stream->on_clock_step();
  rig.play(2 * kSecond);
  Player player(1);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 2);
  CHECK(std::llabs(player.headers[1].zero_ms - player.headers[0].zero_ms + hour_ms) <= 2);
  CHECK(player.widest_hole() <= 1);
  rig.stop();
}

TEST_CASE("live: a shell that takes nothing costs a bounded memory, and goes on with a keyframe") {
  LoopbackCamera camera;
  camera.raw_macroblocks = 16;  // 6 KB each
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(1 * kSecond);
  rig.stream->watch_live(false, 1);
  rig.play(60 * kSecond);
  size_t held = 0;
  for (const auto& event : rig.sink.all<LiveFragmentEvent>()) held += event.bytes->bytes().size();
  CHECK(held > LiveFeed::kMostOnTheWay * 8 / 10);
  CHECK(held < LiveFeed::kMostOnTheWay + (1u << 20));
  CHECK(rig.recorded() > 1400);
  rig.sink.events.clear();
  rig.play(2 * kSecond);
  const auto fragments = rig.sink.all<LiveFragmentEvent>();
  REQUIRE(fragments.size() >= 25);
  CHECK(fragments[0].begins_with_key);
  rig.stop();
}

TEST_CASE("live: one key picture, for one viewer, and as a picture's bytes") {
  LoopbackCamera camera;
  Rig rig({&camera});
  KeyPicture picture;
  REQUIRE(rig.connect());
  CHECK_FALSE(rig.stream->key_picture(&picture));
  rig.stream->show_key(4);
  CHECK(rig.sink.all<LiveHeaderEvent>().empty());
  rig.play(1'400'000);
  rig.stream->show_key(4);
  Player player(4);
  player.take(rig.sink.events);
  REQUIRE(player.headers.size() == 1);
  REQUIRE(player.pictures.size() == 1);
  CHECK(player.pictures[0].key);
  CHECK_FALSE(player.fragments[0].goes_on);
  const size_t events = rig.sink.events.size();
  REQUIRE(rig.stream->key_picture(&picture));
  CHECK(std::llabs(picture.at_ms - player.headers[0].start_ms) <= 1);
  const SegmentPicture made = make_key_picture(picture, 64);
  REQUIRE(made.state == SegmentPicture::State::kMade);
  CHECK(made.picture.width == 64);
  picture.sample.resize(picture.sample.size() / 2);
  CHECK(make_key_picture(picture, 64).picture.jpeg.size() < 1u << 20);
  rig.play(1 * kSecond);
  CHECK(rig.sink.events.size() == events);
  rig.stop();
}

TEST_CASE("live: a GOP that is too large begins with its keyframe alone") {
  LoopbackCamera camera;
  camera.raw_macroblocks = 16;
  camera.gop = 1000;
  Rig rig({&camera});
  rig.settings.ring_max_bytes = 16u << 20;
  REQUIRE(rig.connect());
  rig.play(25 * kSecond);
  rig.stream->watch_live(false, 1);
  Player player(1);
  player.take(rig.sink.events);
  REQUIRE(player.pictures.size() == 1);
  CHECK_FALSE(player.fragments[0].goes_on);
  rig.play(1 * kSecond);
  player.take(rig.sink.events);
  CHECK(player.pictures.size() == 1);
  rig.play(20 * kSecond);
  player.take(rig.sink.events);
  REQUIRE(player.pictures.size() > 2);
  CHECK(player.pictures[1].key);
  rig.stop();
}

TEST_CASE("live: with a common zero, what begins anew goes on where viewers were") {
  LoopbackCamera camera;
  Rig rig({&camera});
  rig.live_zero_ms = rig.clock.utc_ms(rig.now_us) - 86'400'000;
  REQUIRE(rig.connect());
  rig.play(1'400'000);
  Player player(1);
  for (int life = 0; life < 3; ++life) {
    rig.stream->watch_live(false, 1);
    rig.play(1 * kSecond);
    rig.stream->end_live(false);
    rig.play(1 * kSecond);
    player.take(rig.sink.events);
    REQUIRE(player.headers.size() == static_cast<size_t>(life) + 1);
    CHECK(std::llabs(player.headers.back().zero_ms - rig.live_zero_ms) <= 2);
    const int64_t last_ms = rig.live_zero_ms + player.pictures.back().time / 90;
    CHECK(std::llabs(last_ms + 1000 - rig.clock.utc_ms(rig.now_us)) <= 2);
  }
  CHECK(player.pictures[0].time > 86'400LL * 90000);
  rig.stream->show_key(7);
  const auto still = rig.sink.all<LiveHeaderEvent>().back();
  CHECK(still.viewer == 7);
  CHECK(std::llabs(still.zero_ms - rig.live_zero_ms) <= 2);
  // A clock that was set to before it: from 0.
  rig.clock.update((rig.live_zero_ms - 1000) * 1000, rig.now_us);
  rig.stream->on_clock_step();
  rig.sink.events.clear();
  rig.stream->watch_live(false, 1);
  rig.play(1 * kSecond);
  Player back(1);
  back.take(rig.sink.events);
  CHECK(back.pictures[0].time == 0);
  rig.stop();
}
