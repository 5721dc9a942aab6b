// See framing.h.
#include "rtsp/framing.h"

#include <algorithm>
#include <cstring>

#include "rtsp/text.h"

namespace thimble::rtsp {
namespace {

constexpr std::string_view kHttp = "HTTP/";
constexpr size_t kFrameHeaderBytes = 4;
constexpr size_t kMaxHeadBytes = 16 << 10;
constexpr size_t kMaxBodyBytes = 64 << 10;
constexpr size_t kMaxSkippedBytes = 1 << 20;
constexpr size_t kSearchStepBytes = 16 << 10;
// More than the longest method and a blank, enough for "RTSP/1.0 200".
constexpr size_t kBeginningBytes = 14;
// The smallest RTCP packet; RTP needs 12.
constexpr size_t kMinPacketBytes = 8;

size_t frame_bytes(ByteView bytes) {
  return kFrameHeaderBytes + read_be16(bytes.data + 2);
}

bool is_rtp_version_2(uint8_t first_byte) {
  return first_byte >> 6 == 2;
}

// Offset behind the empty line that ends a header block, or 0. Looks from `from` on.
size_t find_head_end(ByteView bytes, size_t from) {
  const std::string_view text = bytes.text();
  for (size_t at = text.find('\n', from); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] == '\n') return at + 2;
    if (at + 2 < text.size() && text[at + 1] == '\r' && text[at + 2] == '\n') return at + 3;
  }
  return 0;
}

bool is_printable(ByteView bytes) {
  for (size_t i = 0; i < bytes.size; ++i) {
    if ((bytes[i] < 0x20 || bytes[i] > 0x7e) && !is_blank(static_cast<char>(bytes[i]))) return false;
  }
  return true;
}

}  // namespace

void Framing::receive(ByteView bytes) {
  while (bytes.size > 0 && !stopped_) {
    if (in_open_body_) {
      take_open_body(bytes);
      return;
    }
    if (held_.empty()) {
      const size_t used = consume(bytes);
      bytes = bytes.sub(used);
      if (stopped_ || in_open_body_) continue;
      held_.assign(bytes.data, bytes.data + bytes.size);
      return;
    }
    size_t missing = wanted_ > held_.size() ? wanted_ - held_.size() : 1;
    // Garbage can ask for one more byte again and again, each time behind 64 KiB that are held.
    if (searching_) missing = std::max(missing, kSearchStepBytes);
    const size_t taken = std::min(missing, bytes.size);
    held_.insert(held_.end(), bytes.data, bytes.data + taken);
    bytes = bytes.sub(taken);
    if (held_.size() < wanted_) return;
    const size_t used = consume({held_.data(), held_.size()});
    // A body without a length takes what was read ahead.
    if (in_open_body_ && !stopped_) {
      take_open_body({held_.data() + used, held_.size() - used});
      held_.clear();
    } else {
      held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(used));
    }
  }
}

size_t Framing::consume(ByteView bytes) {
  size_t used = 0;
  while (used < bytes.size && !stopped_ && !in_open_body_) {
    const size_t n = consume_item(bytes.sub(used));
    if (n == 0 && wanted_ > bytes.size - used) break;
    used += n;
  }
  return used;
}

// Returns the bytes it used up; 0 either with wanted_ above bytes.size (more is needed) or after a change of
// state.
size_t Framing::consume_item(ByteView bytes) {
  wanted_ = 0;
  if (searching_) return search(bytes);
  const uint8_t first = bytes[0];
  if (first == '\r' || first == '\n') return 1;
  return first == '$' ? consume_frame(bytes) : consume_text(bytes);
}

size_t Framing::wait_for(size_t count) {
  wanted_ = count;
  return 0;
}

size_t Framing::consume_frame(ByteView bytes) {
  if (bytes.size <= kFrameHeaderBytes &&
      (bytes.size < kFrameHeaderBytes || frame_bytes(bytes) > kFrameHeaderBytes)) {
    return wait_for(kFrameHeaderBytes + (bytes.size == kFrameHeaderBytes ? 1 : 0));
  }
  const size_t total = frame_bytes(bytes);
  const bool trusted =
      assigned_[bytes[1]] && (total == kFrameHeaderBytes || is_rtp_version_2(bytes[kFrameHeaderBytes]));
  if (trusted) return bytes.size < total ? wait_for(total) : deliver_frame(bytes);
  // Nobody waits for such a frame: what comes behind it tells whether it is one.
  switch (follows_frame(bytes, total, false)) {
    case Verdict::kYes:
      return deliver_frame(bytes);
    case Verdict::kMore:
      return 0;
    case Verdict::kNo:
      break;
  }
  return lose_sync();
}

size_t Framing::deliver_frame(ByteView bytes) {
  const size_t total = frame_bytes(bytes);
  sink_.on_frame(bytes[1], bytes.sub(kFrameHeaderBytes, total - kFrameHeaderBytes));
  return total;
}

// Does another item begin at `offset`? While searching only a frame that is well made itself counts.
Framing::Verdict Framing::follows_frame(ByteView bytes, size_t offset, bool searching) {
  if (bytes.size <= offset) {
    wanted_ = offset + 1;
    return Verdict::kMore;
  }
  const ByteView next = bytes.sub(offset);
  if (next[0] == '$') {
    if (!searching) return Verdict::kYes;
    if (next.size <= kFrameHeaderBytes) {
      wanted_ = offset + kFrameHeaderBytes + 1;
      return Verdict::kMore;
    }
    return assigned_[next[1]] && is_rtp_version_2(next[kFrameHeaderBytes]) ? Verdict::kYes : Verdict::kNo;
  }
  if (next[0] == '\r' || next[0] == '\n') return searching ? Verdict::kNo : Verdict::kYes;
  switch (message_beginning(next.text())) {
    case Beginning::kNo:
      return Verdict::kNo;
    case Beginning::kMaybe:
      break;
    default:
      return Verdict::kYes;
  }
  wanted_ = bytes.size + 1;
  return Verdict::kMore;
}

size_t Framing::consume_text(ByteView bytes) {
  switch (message_beginning(bytes.text())) {
    case Beginning::kMaybe:
      return wait_for(bytes.size + 1);
    case Beginning::kNo:
      if (assigned_.none()) {
        // A connection that opens with other text (HTTP, SSH) is no RTSP server, nor is one that answers by
        // HTTP later; other bytes may be the rest of a session that the server did not end (live555 before
        // 2017.06.04), or text behind a body.
        const std::string_view text = bytes.text();
        const bool maybe_http = text.substr(0, kHttp.size()) == kHttp.substr(0, text.size());
        if (bytes.size < kHttp.size() && (maybe_http || (!heard_message_ && is_printable(bytes)))) {
          return wait_for(bytes.size + 1);
        }
        const bool foreign = maybe_http || (!heard_message_ && is_printable(bytes.sub(0, kHttp.size())));
        if (foreign) return broken("what answers is no RTSP server");
      }
      return lose_sync();
    default:
      break;
  }
  const size_t head = find_head_end(bytes, std::min(scanned_, bytes.size));
  if (head == 0 && bytes.size < kMaxHeadBytes) {
    scanned_ = bytes.size > 2 ? bytes.size - 2 : 0;
    return wait_for(bytes.size + 1);
  }
  scanned_ = 0;
  if (head == 0 || head > kMaxHeadBytes) return broken("the header of an answer is too long");
  return deliver_message(bytes, head);
}

size_t Framing::deliver_message(ByteView bytes, size_t head_bytes) {
  Message message;
  if (!parse_message(bytes.sub(0, head_bytes).text(), &message)) {
    return heard_message_ ? lose_sync() : broken("an answer cannot be read");
  }
  const std::string* length_text = message.header("Content-Length");
  uint64_t length = 0;
  if (length_text != nullptr && !length_text->empty()) {
    if (!parse_decimal(*length_text, kMaxBodyBytes, &length))
      return broken("an answer has an impossible length");
  } else if (open_body_allowed_ && message.status == 200) {
    in_open_body_ = true;
    heard_message_ = true;
    open_message_ = std::move(message);
    open_body_.clear();
    return head_bytes;
  }
  const size_t total = head_bytes + static_cast<size_t>(length);
  if (bytes.size < total) return wait_for(total);
  heard_message_ = true;
  message.body = bytes.sub(head_bytes, static_cast<size_t>(length)).text();
  sink_.on_message(message);
  return total;
}

void Framing::take_open_body(ByteView bytes) {
  if (open_body_.size() + bytes.size > kMaxBodyBytes) {
    in_open_body_ = false;
    broken("the body of an answer is too long");
    return;
  }
  open_body_.append(bytes.text());
}

void Framing::finish_open_body() {
  if (!in_open_body_ || stopped_) return;
  in_open_body_ = false;
  const std::string body = std::move(open_body_);
  Message message = std::move(open_message_);
  open_body_ = std::string();
  open_message_ = Message();
  message.body = body;
  sink_.on_message(message);
}

// Gives up the first byte, which begins neither a frame nor a message.
size_t Framing::lose_sync() {
  searching_ = true;
  skipped_ = 1;
  ++resyncs_;
  return 1;
}

size_t Framing::broken(const char* why) {
  stopped_ = true;
  sink_.on_broken(why);
  return 0;
}

Framing::Verdict Framing::frame_found(ByteView bytes) {
  if (bytes.size <= kFrameHeaderBytes) {
    wanted_ = kFrameHeaderBytes + 1;
    return Verdict::kMore;
  }
  const size_t total = frame_bytes(bytes);
  if (!assigned_[bytes[1]] || total < kFrameHeaderBytes + kMinPacketBytes) return Verdict::kNo;
  if (!is_rtp_version_2(bytes[kFrameHeaderBytes])) return Verdict::kNo;
  return follows_frame(bytes, total, true);
}

size_t Framing::search(ByteView bytes) {
  size_t at = 0;
  Verdict verdict = Verdict::kNo;
  for (; at < bytes.size; ++at) {
    const ByteView rest = bytes.sub(at);
    verdict = Verdict::kNo;
    if (rest[0] == '$') {
      verdict = frame_found(rest);
    } else if (rest[0] == 'R' && message_beginning(rest.sub(0, 5).text()) != Beginning::kNo) {
      Message message;
      if (rest.size < kBeginningBytes) {
        wanted_ = kBeginningBytes;
        verdict = Verdict::kMore;
      } else if (parse_message(rest.sub(0, 12).text(), &message)) {
        verdict = Verdict::kYes;
      }
    }
    if (verdict != Verdict::kNo) break;
  }
  skipped_ += at;
  if (skipped_ > kMaxSkippedBytes) return broken("the stream is damaged");
  if (verdict == Verdict::kYes) {
    searching_ = false;
    if (bytes[at] == '$') return at + deliver_frame(bytes.sub(at));
  }
  return at;
}

}  // namespace thimble::rtsp
