// The engine as a whole: threads, real files, commands at any moment, and that nothing is left behind.
#include <dirent.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "loopback_camera.h"
#include "media/engine.h"
#include "media/repair.h"
#include "tiny_recording.h"

using namespace thimble;
using namespace thimble::media;
using thimble::test::LoopbackCamera;

namespace {

using Clock = std::chrono::steady_clock;

class Sink final : public EventSink {
 public:
  void on_event(Event&& event) override {
    std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back(std::move(event));
  }
  template <typename Kind>
  std::vector<Kind> all() const {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Kind> found;
    for (const Event& event : events_) {
      if (const Kind* kind = std::get_if<Kind>(&event)) found.push_back(*kind);
    }
    return found;
  }
  /// How many streams were told to be in this state so far.
  size_t streams(LinkState state) const {
    std::map<uint32_t, bool> found;
    for (const LinkEvent& link : all<LinkEvent>()) {
      if (link.state == state) found[link.key.camera] = true;
    }
    return found.size();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

/// Cameras that play at four times the speed, on one thread.
class Cameras {
 public:
  explicit Cameras(size_t count) {
    for (size_t i = 0; i < count; ++i) cameras_.push_back(std::make_unique<LoopbackCamera>());
    for (const auto& camera : cameras_) {
      camera->with_sound = true;
      urls_.push_back(camera->url());
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Cameras() {
    ending_ = true;
    thread_.join();
  }
  const std::string& url(size_t i) const { return urls_[i]; }
  size_t connected() const { return connected_; }

 private:
  void run() {
    int64_t at_us = 0;
    auto next = Clock::now();
    while (!ending_) {
      size_t connected = 0;
      for (const auto& camera : cameras_) {
        camera->serve();
        connected += camera->connected();
      }
      connected_ = connected;
      if (Clock::now() >= next) {
        next += std::chrono::milliseconds(10);
        for (const auto& camera : cameras_) {
          if (!camera->playing()) continue;
          camera->send_picture(at_us);
          camera->send_sound(at_us);
          camera->send_sound(at_us + 20'000);
        }
        at_us += 40'000;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  std::vector<std::unique_ptr<LoopbackCamera>> cameras_;
  std::vector<std::string> urls_;
  std::atomic<bool> ending_{false};
  std::atomic<size_t> connected_{0};
  std::thread thread_;
};

struct Rig {
  Rig() {
    EngineOptions options;
    options.segments_folder = folder.path();
    std::memcpy(options.store, tiny::kStore, sizeof options.store);
    options.user_agent = "Thimble/test";
    options.allow_loopback = true;
    engine = Engine::create(options, sink);
    REQUIRE(engine->start());
  }
  static StreamSettings settings(uint32_t camera, const std::string& url) {
    StreamSettings made;
    made.key = {camera, StreamKind::kMain};
    made.urls = {url};
    made.record = true;
    made.segment_ms = 5000;
    return made;
  }
  /// Every file closed, told and whole.
  void check_files() {
    const auto closed = sink.all<SegmentClosedEvent>();
    size_t with_path = 0;
    for (const SegmentClosedEvent& event : closed) {
      if (event.path.empty()) continue;
      ++with_path;
      CHECK(event.end_ms > event.start_ms);
      const SegmentReport report =
          examine_segment(posix_disk(), folder.path() + "/" + event.path, tiny::kStore, tiny::kLook);
      CHECK(report.state == SegmentReport::State::kWhole);
      CHECK(report.size_bytes == event.size_bytes);
      CHECK(report.identity.start_ms == event.start_ms);
      CHECK(report.identity.camera == event.key.camera);
    }
    CHECK(folder.files().size() == with_path);
    CHECK(sink.all<StorageFailedEvent>().empty());
    std::map<uint32_t, int64_t> ends;
    for (const SegmentClosedEvent& event : closed) {
      CHECK(event.start_ms >= ends[event.key.camera]);
      ends[event.key.camera] = event.end_ms;
    }
  }

  tiny::TempFolder folder;
  Sink sink;
  std::unique_ptr<Engine> engine;
};

size_t open_descriptors() {
  size_t count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  REQUIRE(folder != nullptr);
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

/// Connects to the way for helpers and asks for camera 1, over and over, until it is told to end.
class Askers {
 public:
  explicit Askers(uint16_t port) : port_(port), thread_([this] { run(); }) {}
  ~Askers() {
    ending_ = true;
    thread_.join();
  }

 private:
  void run() {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    const std::string text = "DESCRIBE rtsp://127.0.0.1/ring/1/main RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    std::vector<int> open;
    while (!ending_) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      open.push_back(fd);
      if (open.size() > 8) {
        ::close(open.front());
        open.erase(open.begin());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    for (const int fd : open) ::close(fd);
  }

  const uint16_t port_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

int64_t elapsed_ms(Clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
}

/// The sanitizers and a shared machine take their part; what must hold on a quiet one is half a second.
constexpr int64_t kStopMs = 1500;

}  // namespace

TEST_CASE("engine: eight cameras, stopped soon and with all files whole") {
  Cameras cameras(8);
  Rig rig;
  for (uint32_t i = 0; i < 8; ++i) rig.engine->set_stream(Rig::settings(i + 1, cameras.url(i)));
  REQUIRE(tiny::wait_for([&] { return rig.sink.streams(LinkState::kLive) == 8; }));
  REQUIRE(tiny::wait_for([&] { return rig.sink.all<SegmentClosedEvent>().size() >= 8; }));
  // Between two files there may be a moment without a whole fragment in the open one.
  EngineStats stats;
  const bool all_open = tiny::wait_for([&] {
    stats = rig.engine->stats();
    return std::none_of(stats.streams.begin(), stats.streams.end(),
                        [](const auto& e) { return e.open.empty(); });
  });
  REQUIRE(all_open);
  REQUIRE(stats.streams.size() == 8);
  for (const auto& entry : stats.streams) {
    CHECK(entry.stream.state == LinkState::kLive);
    CHECK(entry.stream.ring_bytes > 0);
    CHECK(entry.open[0].size_bytes > 0);
    CHECK(entry.open[0].end_ms > entry.open[0].start_ms);
  }
  const auto begin = Clock::now();
  CHECK(rig.engine->stop(5000));
  const int64_t spent_ms = elapsed_ms(begin);
  CAPTURE(spent_ms);
  CHECK(spent_ms <= kStopMs);
  CHECK(rig.engine->stats().streams.empty());
  CHECK(rig.engine->stats().queued_bytes == 0);
  rig.check_files();
  // Two or three segments of five seconds at four times the speed, the last ended by the stop.
  std::map<uint32_t, EndReason> last;
  for (const auto& event : rig.sink.all<SegmentClosedEvent>()) last[event.key.camera] = event.reason;
  CHECK(last.size() == 8);
  for (const auto& [camera, reason] : last) CHECK(reason == EndReason::kStop);
  CHECK(rig.sink.all<SegmentClosedEvent>().size() >= 16);
  const size_t told = rig.sink.all<LinkEvent>().size();
  rig.engine.reset();
  CHECK(rig.sink.all<LinkEvent>().size() == told);
}

TEST_CASE("engine: a removed stream is told once its files are closed, also when the stop comes first") {
  Cameras cameras(3);
  Rig rig;
  for (uint32_t i = 0; i < 3; ++i) rig.engine->set_stream(Rig::settings(i + 1, cameras.url(i)));
  REQUIRE(tiny::wait_for([&] { return rig.sink.all<SegmentOpenedEvent>().size() >= 3; }));
  rig.engine->remove_stream({1, StreamKind::kMain}, 11);
  REQUIRE(tiny::wait_for([&] { return !rig.sink.all<StreamRemovedEvent>().empty(); }));
  const auto closed = rig.sink.all<SegmentClosedEvent>();
  REQUIRE_FALSE(closed.empty());
  CHECK(closed.back().reason == EndReason::kRemoved);
  CHECK(rig.sink.all<StreamRemovedEvent>()[0].token == 11);
  // Nobody there.
  rig.engine->remove_stream({77, StreamKind::kMain}, 12);
  rig.engine->remove_stream({1, StreamKind::kMain}, 13);
  REQUIRE(tiny::wait_for([&] { return rig.sink.all<StreamRemovedEvent>().size() == 3; }));
  rig.engine->remove_stream({2, StreamKind::kMain}, 14);
  CHECK(rig.engine->stop(5000));
  const auto removed = rig.sink.all<StreamRemovedEvent>();
  REQUIRE(removed.size() == 4);
  CHECK(removed[3].token == 14);
  rig.check_files();
}

TEST_CASE("engine: two hundred cameras come and go and leave nothing") {
  const size_t descriptors = open_descriptors();
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  {
    Cameras cameras(4);
    Rig rig;
    // One that resolves by name, one that refuses, and real ones.
    const std::vector<std::string> urls = {cameras.url(0), cameras.url(1),        cameras.url(2),
                                           cameras.url(3), "rtsp://localhost:1/", "rtsp://127.0.0.1:1/"};
    uint64_t token = 0;
    for (int round = 0; round < 200; ++round) {
      const uint32_t camera = 1 + random() % 8;
      StreamSettings settings = Rig::settings(camera, urls[random() % urls.size()]);
      settings.record = random() % 4 != 0;
      settings.audio = random() % 4 != 0;
      rig.engine->set_stream(settings);
      if (random() % 3 == 0) {
        settings.record = !settings.record;
        if (random() % 2 == 0) settings.urls = {urls[random() % urls.size()]};
        rig.engine->set_stream(settings);
      }
      if (random() % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(random() % 12));
      if (random() % 4 != 0) rig.engine->remove_stream({camera, StreamKind::kMain}, ++token);
      if (random() % 8 == 0) rig.engine->stats();
    }
    for (uint32_t camera = 1; camera <= 8; ++camera)
      rig.engine->remove_stream({camera, StreamKind::kMain}, ++token);
    REQUIRE(tiny::wait_for([&] { return rig.sink.all<StreamRemovedEvent>().size() == token; }));
    std::map<uint64_t, int> told;
    for (const auto& removed : rig.sink.all<StreamRemovedEvent>()) ++told[removed.token];
    for (const auto& [number, times] : told) CHECK(times == 1);
    CHECK(rig.engine->stats().streams.empty());
    REQUIRE(tiny::wait_for([&] { return cameras.connected() == 0; }));
    CHECK(rig.engine->stop(5000));
    CHECK(rig.engine->stats().queued_bytes == 0);
    rig.check_files();
  }
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("engine: settings change while it plays, and figures are read meanwhile") {
  Cameras cameras(2);
  Rig rig;
  std::atomic<bool> ending{false};
  std::thread reader([&] {
    while (!ending) {
      for (const auto& entry : rig.engine->stats().streams) {
        if (entry.stream.key.camera != 1) std::abort();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  StreamSettings settings = Rig::settings(1, cameras.url(0));
  for (int round = 0; round < 12; ++round) {
    settings.urls = {cameras.url(static_cast<size_t>(round) / 4 % 2)};
    settings.record = round % 3 != 2;
    rig.engine->set_stream(settings);
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
  }
  settings.record = true;
  rig.engine->set_stream(settings);
  const size_t opened = rig.sink.all<SegmentOpenedEvent>().size();
  REQUIRE(tiny::wait_for([&] { return rig.sink.all<SegmentOpenedEvent>().size() > opened || opened > 3; }));
  ending = true;
  reader.join();
  CHECK(rig.engine->stop(5000));
  rig.check_files();
  // A change of settings is no failure of the camera.
  CHECK(rig.sink.streams(LinkState::kWaiting) == 0);
}

TEST_CASE("engine: stopped before anything has happened, twice, and without a start") {
  {
    Rig rig;
    CHECK(rig.engine->stop(1000));
    CHECK(rig.engine->stop(1000));
    rig.engine->set_stream(Rig::settings(1, "rtsp://127.0.0.1:1/"));
    CHECK(rig.engine->stats().streams.empty());
  }
  Sink sink;
  EngineOptions options;
  options.segments_folder = "/nonexistent";
  const auto engine = Engine::create(options, sink);
  CHECK(engine->stop(1000));
  CHECK_FALSE(engine->start());
}

TEST_CASE("engine: a port for restreaming is free as soon as it is given up") {
  Cameras cameras(2);
  Rig rig;
  for (uint32_t i = 0; i < 2; ++i) rig.engine->set_stream(Rig::settings(i + 1, cameras.url(i)));
  REQUIRE(tiny::wait_for([&] { return rig.sink.streams(LinkState::kLive) == 2; }));
  for (int i = 0; i < 20; ++i) {
    uint16_t port = 0;
    REQUIRE(rig.engine->restream_listen(false, "127.0.0.1", &port) == 0);
    rig.engine->restream_close(false);
    CHECK(rig.engine->restream_listen(false, "127.0.0.1", &port) == 0);
    rig.engine->restream_close(false);
  }
  // Ways open and close, and rights come and go, while clients do.
  uint16_t inside = 0;
  REQUIRE(rig.engine->restream_listen(true, "127.0.0.1", &inside) == 0);
  {
    const Askers askers(inside);
    for (int i = 0; i < 100; ++i) {
      RestreamAccess access;
      access.realm = "Thimble";
      if (i % 3 != 0) access.streams = {{1, StreamKind::kMain}};
      rig.engine->restream_allow(std::move(access));
      if (i % 10 == 9) {
        rig.engine->restream_close(true);
        CHECK(rig.engine->restream_listen(true, "127.0.0.1", &inside) == 0);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  }
  CHECK(rig.sink.all<RestreamWantedEvent>().size() >= 1);
  REQUIRE(rig.engine->stop(5000));
  uint16_t port = 0;
  CHECK(rig.engine->restream_listen(false, "127.0.0.1", &port) < 0);
}
