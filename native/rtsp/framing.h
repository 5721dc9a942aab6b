// Takes the byte stream of an RTSP connection apart into interleaved frames (RFC 2326 10.12) and messages,
// and finds its way back when the stream is damaged.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "rtsp/bytes.h"
#include "rtsp/message.h"

namespace thimble::rtsp {

/// Hears what the stream holds. Everything is borrowed and valid during the call only.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  virtual void on_frame(uint8_t channel, ByteView packet) = 0;
  virtual void on_message(const Message& message) = 0;
  /// The stream is of no use any more; nothing else is handed out. `why`: a clause for people.
  virtual void on_broken(const char* why) = 0;
};

/// Frames that lie whole in the bytes of one call are handed out from there; only a frame that is cut by the
/// end of the bytes is copied. No allocation per packet. Memory: at most one message (header block 16 KiB,
/// body 64 KiB) or one frame and the header behind it (64 KiB).
class Framing {
 public:
  explicit Framing(StreamSink& sink) : sink_(sink) {}

  void receive(ByteView bytes);
  /// Frames on this channel are expected. Those of other channels are handed out too when their surroundings
  /// prove them, but never trusted when looking for the way back.
  void assign(uint8_t channel) { assigned_.set(channel); }
  /// The next answer may bring a body without telling its length: it then ends with finish_open_body().
  void allow_open_body(bool allowed) { open_body_allowed_ = allowed; }
  /// True while a body of unknown length is being collected.
  bool in_open_body() const { return in_open_body_; }
  /// Hands out the message whose body had no length.
  void finish_open_body();
  /// Nothing is handed out any more.
  void stop() { stopped_ = true; }
  /// How often the stream had to be searched for the next frame or message.
  uint64_t resyncs() const { return resyncs_; }

 private:
  enum class Verdict { kNo, kYes, kMore };

  size_t consume(ByteView bytes);
  size_t consume_item(ByteView bytes);
  size_t consume_frame(ByteView bytes);
  size_t consume_text(ByteView bytes);
  size_t search(ByteView bytes);
  size_t deliver_frame(ByteView bytes);
  size_t deliver_message(ByteView bytes, size_t head_bytes);
  size_t lose_sync();
  size_t broken(const char* why);
  size_t wait_for(size_t count);
  Verdict follows_frame(ByteView bytes, size_t offset, bool searching);
  Verdict frame_found(ByteView bytes);
  void take_open_body(ByteView bytes);

  StreamSink& sink_;
  std::bitset<256> assigned_;
  std::vector<uint8_t> held_;  // begin of an item whose end has not come yet
  size_t wanted_ = 0;          // bytes from the begin of the item that are needed to go on
  size_t scanned_ = 0;         // bytes of an unfinished header block that hold no end
  bool stopped_ = false;
  bool searching_ = false;
  bool heard_message_ = false;
  bool open_body_allowed_ = false;
  bool in_open_body_ = false;
  Message open_message_;
  std::string open_body_;
  size_t skipped_ = 0;  // in this search
  uint64_t resyncs_ = 0;
};

}  // namespace thimble::rtsp
