// See request_reader.h.
#include "rtsp/request_reader.h"

#include <algorithm>

#include "rtsp/text.h"

namespace thimble::rtsp {

namespace {

/// Bytes up to and with the empty line that ends a header block; 0 when it is not there yet.
size_t end_of_head(std::string_view bytes, size_t from) {
  for (size_t at = bytes.find('\n', from); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    size_t next = at + 1;
    if (next < bytes.size() && bytes[next] == '\r') ++next;
    if (next < bytes.size() && bytes[next] == '\n') return next + 1;
  }
  return 0;
}

/// Length of the body; false when the header says it twice in different ways, or in no way.
bool body_length(const Message& request, uint64_t* length) {
  *length = 0;
  bool known = false;
  for (const HeaderLine& line : request.headers) {
    if (!same_word(line.name, "Content-Length")) continue;
    uint64_t value = 0;
    if (!parse_decimal(line.value, UINT32_MAX, &value) || (known && value != *length)) return false;
    *length = value;
    known = true;
  }
  return true;
}

}  // namespace

void RequestReader::broken(int status) {
  stopped_ = true;
  pending_.clear();
  sink_.on_broken(status);
}

void RequestReader::receive(ByteView bytes) {
  if (stopped_) return;
  const size_t skipped = std::min(skip_bytes_, bytes.size);
  skip_bytes_ -= skipped;
  pending_.append(bytes.sub(skipped).text());
  while (!stopped_ && !held_ && take_one()) {
  }
  // Whoever goes on sending while nothing is answered.
  if (!stopped_ && pending_.size() > kMostHeadBytes + kMostBodyBytes) broken(413);
}

/// False when more bytes are needed.
bool RequestReader::take_one() {
  size_t blank = 0;
  while (blank < pending_.size() && (pending_[blank] == '\r' || pending_[blank] == '\n')) ++blank;
  if (blank > 0) {
    pending_.erase(0, blank);
    scanned_ = 0;
  }
  if (pending_.empty()) return false;
  if (pending_[0] == '$') {
    if (pending_.size() < 4) return false;
    const size_t size = 4 + read_be16(reinterpret_cast<const uint8_t*>(pending_.data()) + 2);
    skip_bytes_ = size - std::min(size, pending_.size());
    pending_.erase(0, size);
    return true;
  }
  const size_t head_bytes = end_of_head(pending_, scanned_);
  if (head_bytes > 0 && head_bytes <= kMostHeadBytes) return take_request(head_bytes);
  if (head_bytes > 0 || pending_.size() > kMostHeadBytes) {
    broken(413);
    return false;
  }
  // What is no request at all need not be waited for.
  const size_t line_end = pending_.find('\n');
  if (line_end != std::string::npos && pending_.find(" RTSP/") > line_end) {
    broken(400);
    return false;
  }
  scanned_ = pending_.size() > 2 ? pending_.size() - 2 : 0;
  return false;
}

bool RequestReader::take_request(size_t head_bytes) {
  Message request;
  uint64_t body_bytes = 0;
  const std::string_view head(pending_.data(), head_bytes);
  if (head.find('\0') != std::string_view::npos || !parse_message(head, &request) || request.status > 0 ||
      !body_length(request, &body_bytes)) {
    broken(400);
    return false;
  }
  if (body_bytes > kMostBodyBytes) {
    broken(413);
    return false;
  }
  const size_t size = head_bytes + static_cast<size_t>(body_bytes);
  if (pending_.size() < size) {
    scanned_ = head_bytes - std::min<size_t>(head_bytes, 4);
    return false;
  }
  std::string whole = pending_.substr(0, size);
  pending_.erase(0, size);
  scanned_ = 0;
  request.body = std::string_view(whole).substr(head_bytes);
  sink_.on_request(request);
  return true;
}

}  // namespace thimble::rtsp
