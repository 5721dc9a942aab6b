// One RTSP message (RFC 2326, chapters 4 to 7): reading the header block as cameras write it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace thimble::rtsp {

/// A header line; folded lines are joined by one blank, both parts are trimmed.
struct HeaderLine {
  std::string name;
  std::string value;
};

/// An answer (`status` > 0) or a request by the server (`method`, `uri`).
struct Message {
  std::string version;  ///< "RTSP/1.0"
  int status = 0;       ///< of an answer: 100 to 999
  std::string method;
  std::string uri;
  std::vector<HeaderLine> headers;
  std::string_view body;  ///< borrowed, valid during the call that hands the message out

  /// The first value of that name (in any case), or null.
  const std::string* header(std::string_view name) const;
};

/// Longest list of headers that is kept; more are dropped.
constexpr size_t kMaxHeaderLines = 128;

/// Reads a header block (from the first line to the empty one). Lines end in CRLF or LF, lines without a
/// colon are skipped. False when the first line is neither a status nor a request line.
bool parse_message(std::string_view block, Message* message);

/// Could a message begin with these bytes? kMaybe: too few of them to tell.
enum class Beginning { kNo, kMaybe, kAnswer, kRequest };
Beginning message_beginning(std::string_view bytes);

}  // namespace thimble::rtsp
