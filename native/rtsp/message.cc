// See message.h.
#include "rtsp/message.h"

#include <array>
#include <cstdint>

#include "rtsp/text.h"

namespace thimble::rtsp {
namespace {

constexpr std::array<std::string_view, 11> kMethods = {
    "OPTIONS", "DESCRIBE", "ANNOUNCE", "SETUP",         "PLAY",         "PAUSE",
    "RECORD",  "TEARDOWN", "REDIRECT", "GET_PARAMETER", "SET_PARAMETER"};

// Takes one line without its end from the front of `rest`.
bool next_line(std::string_view* rest, std::string_view* line) {
  if (rest->empty()) return false;
  const size_t end = rest->find('\n');
  *line = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view() : rest->substr(end + 1);
  if (!line->empty() && line->back() == '\r') line->remove_suffix(1);
  return true;
}

bool is_version(std::string_view word) {
  return word.size() == 8 && begins_with(word, "RTSP/") && word[5] >= '0' && word[5] <= '9' &&
         word[6] == '.' && word[7] >= '0' && word[7] <= '9';
}

bool parse_first_line(std::string_view line, Message* message) {
  const std::string_view first = next_word(&line);
  if (is_version(first)) {
    uint64_t status = 0;
    if (!parse_decimal(next_word(&line), 999, &status) || status < 100) return false;
    message->version.assign(first);
    message->status = static_cast<int>(status);
    return true;
  }
  const std::string_view uri = next_word(&line);
  const std::string_view version = next_word(&line);
  if (first.empty() || uri.empty() || !is_version(version)) return false;
  message->method.assign(first);
  message->uri.assign(uri);
  message->version.assign(version);
  return true;
}

}  // namespace

const std::string* Message::header(std::string_view name) const {
  for (const HeaderLine& line : headers) {
    if (same_word(line.name, name)) return &line.value;
  }
  return nullptr;
}

bool parse_message(std::string_view block, Message* message) {
  *message = Message();
  std::string_view line;
  if (!next_line(&block, &line) || !parse_first_line(line, message)) return false;
  bool folding = false;
  while (next_line(&block, &line)) {
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      if (folding) message->headers.back().value.append(" ").append(trim(line));
      continue;
    }
    const size_t colon = line.find(':');
    folding = colon != std::string_view::npos && message->headers.size() < kMaxHeaderLines;
    if (folding) {
      message->headers.push_back(
          {std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
    }
  }
  return true;
}

Beginning message_beginning(std::string_view bytes) {
  bool maybe = false;
  const auto matches = [&](std::string_view word) {
    const size_t n = bytes.size() < word.size() ? bytes.size() : word.size();
    if (bytes.substr(0, n) != word.substr(0, n)) return false;
    if (n == word.size()) return true;
    maybe = true;
    return false;
  };
  if (matches("RTSP/")) return Beginning::kAnswer;
  for (std::string_view method : kMethods) {
    if (matches(method) && bytes.size() > method.size() && bytes[method.size()] == ' ')
      return Beginning::kRequest;
    if (bytes == method) maybe = true;
  }
  return maybe ? Beginning::kMaybe : Beginning::kNo;
}

}  // namespace thimble::rtsp
