// Takes the byte stream of an RTSP client apart into requests, within bounds; what it sends interleaved is
// skipped.
#pragma once

#include <cstdint>
#include <string>

#include "rtsp/bytes.h"
#include "rtsp/message.h"

namespace thimble::rtsp {

/// Hears what a client sends. Everything is borrowed and valid during the call only.
class RequestSink {
 public:
  virtual ~RequestSink() = default;
  virtual void on_request(const Message& request) = 0;
  /// What comes is of no use any more; nothing else is handed out. `status`: 400 or 413.
  virtual void on_broken(int status) = 0;
};

/// A client is not trusted: nothing is searched for in what does not fit, as the reader of cameras does
/// (framing.h). Memory: one header block and body, and what was sent on top while `hold` was in force.
class RequestReader {
 public:
  static constexpr size_t kMostHeadBytes = 8 * 1024;
  static constexpr size_t kMostBodyBytes = 4 * 1024;

  explicit RequestReader(RequestSink& sink) : sink_(sink) {}

  void receive(ByteView bytes);
  /// While true no request is handed out: the one before is not answered yet. `receive` of nothing goes on
  /// behind it.
  void hold(bool held) { held_ = held; }
  /// Nothing is handed out any more.
  void stop() { stopped_ = true; }
  /// A request, or an interleaved packet, has begun and not ended.
  bool half_sent() const { return !pending_.empty() || skip_bytes_ > 0; }

 private:
  bool take_one();
  bool take_request(size_t head_bytes);
  void broken(int status);

  RequestSink& sink_;
  std::string pending_;
  size_t scanned_ = 0;     // bytes of a header block that hold no end
  size_t skip_bytes_ = 0;  // of an interleaved packet, still to come
  bool held_ = false, stopped_ = false;
};

}  // namespace thimble::rtsp
