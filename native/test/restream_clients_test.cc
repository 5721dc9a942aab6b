// Clients of the RTSP server that are slow, silent, many, or not welcome: recording goes on as if there were
// none.
#include "restream_rig.h"

using namespace restream_rig;

TEST_CASE("restream: who takes nothing for a while goes on at a newer keyframe, and nobody else notices") {
  LoopbackCamera camera;
  camera.raw_macroblocks = 16;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(400'000);
  Raw slow(world, true, 4096);
  slow.play(world.url(true));
  Viewer viewer(world, true);
  // Until the kernel takes no more, and then for some seconds.
  world.play(9 * kSecond);
  CHECK(viewer.pictures.units.size() >= 225);
  CHECK(viewer.lost() == 0);
  CHECK(world.recorded() >= 200);
  CHECK(world.server->stats().size() == 2);
  CHECK_FALSE(slow.closed());
  std::string taken;
  const auto skips = [&] {
    uint64_t sum = 0;
    for (const auto& stats : world.server->stats()) sum += stats.skips;
    return sum;
  };
  for (int i = 0, after = 0; i < 100 && after < 10; ++i) {
    taken += slow.take_all();
    world.play(200'000);
    if (skips() > 0) ++after;
  }
  taken += slow.take_all();
  CHECK(skips() > 0);
  // What it got is framed as it should be, and shows where something is missing.
  size_t at = taken.find("\r\n\r\n") + 4;
  rtp_test::Feed feed(rtsp::Codec::kH264);
  uint64_t last_sequence = 0;
  while (at + 4 <= taken.size()) {
    REQUIRE(taken[at] == '$');
    const size_t size = read_be16(reinterpret_cast<const uint8_t*>(taken.data()) + at + 2);
    if (at + 4 + size > taken.size()) break;
    if (taken[at + 1] == 0) {
      const auto* packet = reinterpret_cast<const uint8_t*>(taken.data()) + at + 4;
      feed.raw({packet, packet + size});
      last_sequence = read_be16(packet + 2);
    }
    at += 4 + size;
  }
  CHECK(last_sequence > 0);
  CHECK(feed.counters().lost_packets > 0);
  CHECK(feed.counters().lost_packets < 20);
  bool was_loss = false;
  for (const Unit& unit : feed.sink.units) {
    if (unit.loss_before && &unit != &feed.sink.units.front()) {
      was_loss = true;
      CHECK((unit.key || unit.damaged));
    }
  }
  CHECK(was_loss);
  world.rig.stop();
}

TEST_CASE("restream: sound set up before pictures is moved on with them, also to where none is yet") {
  LoopbackCamera camera;
  camera.raw_macroblocks = 16;
  camera.with_sound = camera.plain_sound = true;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(1'400'000, true);
  Raw slow(world, true, 4096);
  slow.play(world.url(true), {1, 0});
  // What is kept of the sound ends long before the newest keyframe.
  world.play(5 * kSecond, true);
  world.play(4 * kSecond, false);
  const auto skips = [&] { return world.server->stats().empty() ? 0 : world.server->stats()[0].skips; };
  for (int i = 0; i < 100 && skips() == 0; ++i) {
    slow.take_all();
    world.play(200'000, false);
  }
  CHECK(skips() > 0);
  CHECK_FALSE(slow.closed());
  slow.take_all();
  world.play(400'000, true);
  CHECK(slow.take_all().size() > 1000);
  CHECK(world.recorded() >= 200);
  world.rig.stop();
}

TEST_CASE("restream: who takes nothing at all is cut") {
  LoopbackCamera camera;
  camera.raw_macroblocks = 16;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(400'000);
  std::vector<std::unique_ptr<Raw>> stalled;
  for (int i = 0; i < 5; ++i) {
    stalled.push_back(std::make_unique<Raw>(world, true, 4096));
    stalled.back()->play(world.url(true));
  }
  Viewer viewer(world, true);
  world.play(20 * kSecond);
  for (const auto& raw : stalled) {
    raw->take();
    CHECK(raw->closed());
  }
  CHECK(world.server->stats().size() == 1);
  CHECK(viewer.lost() == 0);
  const size_t pictures = viewer.pictures.units.size();
  CHECK(pictures >= 500);
  CHECK(world.recorded() + 60 >= pictures);
  world.rig.stop();
}

TEST_CASE("restream: from outside with a login, and only what it may see") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(400'000);
  Viewer nobody(world, false);
  CHECK(nobody.ended());
  CHECK(nobody.session().end().problem == LinkProblem::kUnauthorized);
  Viewer wrong(world, false, "/ring/5/main", "a-wrong-secret");
  CHECK_FALSE(wrong.ended());
  // It tries both hashes.
  world.wait(2 * rtsp::ServerSession::kRefusalUs + 200'000);
  CHECK(wrong.ended());
  const auto refused = world.rig.sink.all<RestreamRefusedEvent>();
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].user == "ann");
  CHECK(refused[0].address == "127.0.0.1");
  Viewer other(world, false, "/6/main", "ann-s-secret");
  CHECK(other.ended());
  CHECK(other.session().end().problem == LinkProblem::kNotFound);
  Viewer viewer(world, false, "/5/main", "ann-s-secret");
  CHECK(viewer.playing);
  Viewer inside(world, true);
  world.play(400'000);
  REQUIRE(world.server->stats().size() == 2);
  CHECK(world.server->stats()[0].user == "ann");
  // What is taken away ends at once.
  world.access.users[0].cameras = {6};
  world.server->allow(world.access);
  world.wait(100'000);
  CHECK(viewer.ended());
  CHECK_FALSE(inside.ended());
  world.access.streams.clear();
  world.server->allow(world.access);
  world.wait(100'000);
  CHECK(inside.ended());
  world.rig.stop();
}

TEST_CASE("restream: who names itself from inside is there for as long as that name is known") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(400'000);
  Viewer unknown(world, true, "/ring/5/main?viewer=eve");
  CHECK(unknown.ended());
  CHECK(unknown.session().end().problem == LinkProblem::kNotFound);
  world.access.viewers = {"ann", "bob"};
  world.server->allow(world.access);
  Viewer ann(world, true, "/ring/5/main?viewer=ann");
  Viewer bob(world, true, "/ring/5/main?viewer=bob");
  Viewer nobody(world, true);
  world.play(400'000);
  REQUIRE(world.server->stats().size() == 3);
  world.access.viewers = {"bob"};
  world.server->allow(world.access);
  world.wait(100'000);
  CHECK(ann.ended());
  CHECK_FALSE(bob.ended());
  CHECK_FALSE(nobody.ended());
  Viewer again(world, true, "/ring/5/main?viewer=ann");
  CHECK(again.ended());
  world.rig.stop();
}

TEST_CASE("restream: those that do not play make room, those that play stay") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(400'000);
  Viewer viewer(world, true);
  REQUIRE(viewer.playing);
  std::vector<std::unique_ptr<Raw>> idle;
  for (size_t i = 0; i < RestreamServer::kMostClients + 20; ++i) {
    idle.push_back(std::make_unique<Raw>(world));
    world.rig.now_us += 1000;
  }
  world.wait(100'000);
  size_t open = 0;
  for (const auto& raw : idle) open += raw->closed() ? 0 : 1;
  CHECK(open == RestreamServer::kMostClients - 1);
  CHECK(idle.front()->closed());
  CHECK_FALSE(idle.back()->closed());
  Viewer late(world, true);
  CHECK(late.playing);
  // The other way has places of its own.
  Viewer outside(world, false, "/5/main", "ann-s-secret");
  CHECK(outside.playing);
  world.play(400'000);
  CHECK_FALSE(viewer.ended());
  // Whoever never plays goes.
  world.wait(rtsp::ServerSession::kSetUpUs + 2 * kSecond);
  for (const auto& raw : idle) CHECK(raw->closed());
  world.rig.stop();
}

TEST_CASE("restream: there is an end to those who may play") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(400'000);
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (size_t i = 0; i < RestreamServer::kMostPlaying; ++i)
    viewers.push_back(std::make_unique<Viewer>(world, true));
  for (const auto& viewer : viewers) CHECK(viewer->playing);
  Viewer more(world, true);
  CHECK(more.ended());
  CHECK(more.session().end().problem == LinkProblem::kBusy);
  viewers.pop_back();
  world.wait(200'000);
  Viewer next(world, true);
  CHECK(next.playing);
  viewers.clear();
  world.rig.stop();
}

TEST_CASE("restream: a closed way, a stopped stream, a removed one") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(400'000);
  Viewer outside(world, false, "/5/main", "ann-s-secret");
  Viewer inside(world, true);
  REQUIRE(outside.playing);
  world.server->listen(false, -1);
  world.wait(100'000);
  CHECK(outside.ended());
  CHECK_FALSE(inside.ended());
  world.rig.stop();
  world.server->detach({5, StreamKind::kMain});
  world.rig.stream.reset();
  world.server->tick(world.rig.now_us += 50'000);
  Raw raw(world);
  raw.say("DESCRIBE " + world.url(true) + " RTSP/1.0\r\nCSeq: 1\r\n\r\n");
  CHECK(raw.take().empty());
  world.server->close_all();
  raw.take();
  CHECK(raw.closed());
}
