// The shell of the engine: owns its core, and lets go of one whose thread hangs.
#include "media/engine.h"

#include "media/engine_core.h"

namespace thimble::media {

namespace {

constexpr int kDestructorDeadlineMs = 5000;

class EngineShell final : public Engine {
 public:
  EngineShell(EngineOptions options, EventSink& sink)
      : core_(std::make_shared<EngineCore>(std::move(options), sink)) {}
  ~EngineShell() override { core_->stop(kDestructorDeadlineMs); }
  bool start() override { return core_->start(); }
  bool stop(int deadline_ms) override { return core_->stop(deadline_ms); }
  void set_stream(StreamSettings settings) override { core_->set_stream(std::move(settings)); }
  void remove_stream(const StreamKey& key, uint64_t token) override { core_->remove_stream(key, token); }
  void capture(const StreamKey& key, int64_t from_ms, int64_t until_ms) override {
    core_->capture(key, from_ms, until_ms);
  }
  void watch_live(const StreamKey& key, bool sound, uint64_t viewer) override {
    core_->watch_live(key, sound, viewer);
  }
  void end_live(const StreamKey& key, bool sound) override { core_->end_live(key, sound); }
  void show_key(const StreamKey& key, uint64_t viewer) override { core_->show_key(key, viewer); }
  int restream_listen(bool inside, const std::string& host, uint16_t* port) override {
    return core_->restream_listen(inside, host, port);
  }
  void restream_close(bool inside) override { core_->restream_close(inside); }
  void restream_allow(RestreamAccess access) override { core_->restream_allow(std::move(access)); }
  std::vector<RestreamClientStats> restream_clients() override { return core_->restream_clients(); }
  bool key_picture(const StreamKey& key, KeyPicture* picture) override {
    return core_->key_picture(key, picture);
  }
  int64_t clock_offset_us() const override { return core_->clock_offset_us(); }
  EngineStats stats() override { return core_->stats(); }
  std::vector<uint8_t> open_index(const StreamKey& key, int64_t start_ms,
                                  uint32_t clock_generation) override {
    return core_->open_index(key, start_ms, clock_generation);
  }

 private:
  const std::shared_ptr<EngineCore> core_;
};

}  // namespace

std::unique_ptr<Engine> Engine::create(EngineOptions options, EventSink& sink) {
  return std::make_unique<EngineShell>(std::move(options), sink);
}

}  // namespace thimble::media
