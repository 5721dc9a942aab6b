// What tests of a stream need: a poller, a writer that keeps everything, a sink of events and a clock that
// the test winds.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "loopback_camera.h"
#include "media/stream.h"
#include "recorder_rig.h"

namespace stream_rig {

using namespace thimble;
using namespace thimble::media;
using thimble::test::LoopbackCamera;

inline constexpr int64_t kFrameUs = 40'000;
inline constexpr int64_t kSecond = 1'000'000;
inline constexpr uint8_t kStore[16] = {9};

struct Sink final : EventSink {
  void on_event(Event&& event) override { events.push_back(std::move(event)); }
  std::vector<Event> events;

  template <typename Kind>
  std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const Event& event : events) {
      if (const Kind* kind = std::get_if<Kind>(&event)) found.push_back(*kind);
    }
    return found;
  }
  LinkEvent link() const {
    const auto links = all<LinkEvent>();
    REQUIRE_FALSE(links.empty());
    return links.back();
  }
  size_t count(LinkState state) const {
    size_t found = 0;
    for (const LinkEvent& link : all<LinkEvent>()) found += link.state == state;
    return found;
  }
};

struct Rig {
  explicit Rig(std::vector<LoopbackCamera*> cameras, bool record = true)
      : cameras(cameras), now_us(50 * kSecond) {
    settings.key = {5, StreamKind::kMain};
    if (!cameras.empty()) settings.urls = {cameras[0]->url()};
    settings.allow_loopback = true;
    settings.record = record;
    REQUIRE(poller.usable());
    poller.add(resolver.fd(), EPOLLIN, nullptr);
  }
  void make() {
    StreamContext context{poller, resolver, writer, clock, sink, {buffer.data(), buffer.size()},
                          kStore, agent};
    context.live_zero_ms = live_zero_ms;
    stream = std::make_unique<Stream>(context, settings, FootageEnd{}, now_us);
  }
  /// Both sides take what has arrived. True when there was anything.
  bool pump(int patience_ms) {
    bool busy = false;
    for (LoopbackCamera* camera : cameras) busy = camera->serve() || busy;
    epoll_event events[16];
    const int count = poller.wait(events, 16, busy ? 0 : patience_ms);
    for (int i = 0; i < count; ++i) {
      auto* target = static_cast<PollTarget*>(events[i].data.ptr);
      if (target) {
        target->on_ready(events[i].events, now_us);
      } else {
        resolver.dispatch(now_us);
      }
    }
    return busy || count > 0;
  }
  /// Lets everything that is on its way arrive, without time passing.
  void settle() {
    for (int quiet = 0; quiet < 2;) quiet = pump(1) ? 0 : quiet + 1;
  }
  uint64_t missing_bytes() const {
    uint64_t sent = 0;
    for (const LoopbackCamera* camera : cameras) sent += camera->sent_bytes();
    return sent - stream->stats(now_us).received_bytes;
  }
  /// Time passes in silence.
  void wait(int64_t us, int64_t each_us = 50'000) {
    settle();
    for (const int64_t end_us = now_us + us; now_us < end_us;) {
      now_us += std::min(each_us, end_us - now_us);
      stream->tick(now_us);
      if (cameras.empty() || !cameras[0]->playing()) settle();
      pump(0);
    }
    settle();
  }
  /// The first camera plays.
  void play(int64_t us, bool sound = false) {
    settle();
    const uint64_t lost_bytes = missing_bytes();
    for (const int64_t end_us = now_us + us; now_us < end_us;) {
      now_us += frame_us;
      stream->tick(now_us);
      cameras[0]->send_picture(now_us);
      if (sound) {
        cameras[0]->send_sound(now_us - 20'000);
        cameras[0]->send_sound(now_us);
      }
      pump(0);
      for (int i = 0; i < 200 && missing_bytes() > lost_bytes; ++i) pump(1);
    }
  }
  bool connect() {
    if (!stream) make();
    for (int i = 0; i < 20 && !cameras[0]->playing(); ++i) wait(50'000);
    return cameras[0]->playing();
  }
  size_t recorded() const {
    size_t count = 0;
    for (const rig::File& file : writer.files) file.each(true, [&](const rig::Sample&) { ++count; });
    return count;
  }
  void stop() {
    stream->stop(EndReason::kStop, now_us);
    settle();
    for (int i = 0; i < 5 && !stream->idle(); ++i) wait(50'000);
    CHECK(stream->idle());
  }

  std::vector<LoopbackCamera*> cameras;
  int64_t now_us;
  int64_t frame_us = kFrameUs;
  int64_t live_zero_ms = 0;
  StreamSettings settings;
  Poller poller;
  rtsp::Resolver resolver;
  rig::KeepingWriter writer;
  WallClock clock{1'767'225'600 * kSecond, 0, 1};
  Sink sink;
  std::vector<uint8_t> buffer = std::vector<uint8_t>(65536);
  std::string agent = "Thimble/test";
  std::unique_ptr<Stream> stream;
};

}  // namespace stream_rig
