// What the writer reports to the engine, and the figures for the shell.
#include "media/engine_core.h"
#include "media/errno_name.h"

namespace thimble::media {

void EngineCore::on_segment_opened(const SegmentOpened& opened) {
  {
    std::lock_guard<std::mutex> lock(files_mutex_);
    files_[opened.handle] = OpenFile{opened.identity, opened.path, opened.codecs, 0, 0, {}};
  }
  sink_.on_event(SegmentOpenedEvent{{opened.identity.camera, opened.identity.stream},
                                    opened.identity.start_ms,
                                    opened.identity.clock_generation,
                                    opened.path});
}

void EngineCore::on_segment_grown(SegmentHandle handle, const FragmentSummary& fragment, uint64_t size_bytes,
                                  int64_t end_ms) {
  std::lock_guard<std::mutex> lock(files_mutex_);
  const auto file = files_.find(handle);
  if (file == files_.end()) return;
  file->second.size_bytes = size_bytes;
  file->second.end_ms = end_ms;
  file->second.index.add(fragment);
}

std::vector<uint8_t> EngineCore::open_index(const StreamKey& key, int64_t start_ms,
                                            uint32_t clock_generation) {
  std::lock_guard<std::mutex> lock(files_mutex_);
  for (const auto& [handle, file] : files_) {
    const SegmentIdentity& identity = file.identity;
    if (!(file.key() == key) || identity.start_ms != start_ms) continue;
    if (identity.clock_generation == clock_generation) return file.index.encode();
  }
  return {};
}

void EngineCore::on_segment_closed(const SegmentClosed& closed) {
  const StreamKey key{closed.identity.camera, closed.identity.stream};
  sink_.on_event(SegmentClosedEvent{key, closed.identity.start_ms, closed.identity.clock_generation,
                                    closed.path, closed.end_ms, closed.size_bytes, closed.reason,
                                    closed.codecs});
  {
    // Only now: whoever does not find it among the open ones finds the event.
    std::lock_guard<std::mutex> lock(files_mutex_);
    files_.erase(closed.handle);
  }
  Command command{Command::Kind::kSegmentClosed};
  command.settings.key = key;
  command.segment = closed.handle;
  post(std::move(command));
}

void EngineCore::on_segment_failed(const SegmentFailed& failed) {
  {
    std::lock_guard<std::mutex> lock(files_mutex_);
    files_.erase(failed.handle);
  }
  const StreamKey key{failed.identity.camera, failed.identity.stream};
  sink_.on_event(StorageFailedEvent{key, failed.path, errno_name(failed.error), failed.step, failed.end_ms,
                                    failed.lost_bytes});
  Command command{Command::Kind::kSegmentFailed};
  command.settings.key = key;
  command.segment = failed.handle;
  command.lost_bytes = failed.lost_bytes;
  post(std::move(command));
}

int EngineCore::restream_listen(bool inside, const std::string& host, uint16_t* port) {
  const int fd = open_restream_port(host, port);
  if (fd < 0) return fd;
  std::lock_guard<std::mutex> lock(work_mutex_);
  if (!restream_ || stopping_since_us_ > 0) {
    ::close(fd);
    return -EPERM;
  }
  restream_->listen(inside, fd);
  return 0;
}

void EngineCore::restream_close(bool inside) {
  std::lock_guard<std::mutex> lock(work_mutex_);
  if (restream_) restream_->listen(inside, -1);
}

void EngineCore::restream_allow(RestreamAccess access) {
  std::lock_guard<std::mutex> lock(work_mutex_);
  if (restream_) restream_->allow(std::move(access));
}

std::vector<RestreamClientStats> EngineCore::restream_clients() {
  std::lock_guard<std::mutex> lock(work_mutex_);
  return restream_ ? restream_->stats() : std::vector<RestreamClientStats>();
}

bool EngineCore::key_picture(const StreamKey& key, KeyPicture* picture) {
  std::lock_guard<std::mutex> lock(work_mutex_);
  const Stream* stream = find(key);
  return stream && stream->key_picture(picture);
}

EngineStats EngineCore::stats() {
  EngineStats result;
  const int64_t now_us = clock_us(CLOCK_MONOTONIC);
  {
    std::lock_guard<std::mutex> lock(work_mutex_);
    for (const auto& stream : streams_) {
      EngineStats::StreamEntry entry;
      entry.stream = stream->stats(now_us);
      result.streams.push_back(std::move(entry));
    }
  }
  std::unique_lock<std::mutex> files_lock(files_mutex_);
  for (EngineStats::StreamEntry& entry : result.streams) {
    for (const auto& [handle, file] : files_) {
      if (file.size_bytes == 0 || !(file.key() == entry.stream.key)) continue;
      entry.open.push_back({file.identity.start_ms, file.end_ms, file.identity.clock_generation,
                            file.size_bytes, file.path, file.codecs});
    }
  }
  files_lock.unlock();
  const Writer::Counters& counters = writer_->counters();
  result.queued_bytes = counters.queued_bytes.load();
  result.written_bytes = counters.written_bytes.load();
  result.media_bytes = counters.media_bytes.load();
  result.syncs = counters.syncs.load();
  result.slowest_sync_us = counters.slowest_sync_us.load();
  return result;
}

}  // namespace thimble::media
