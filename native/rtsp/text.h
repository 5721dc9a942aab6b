// Small readers of protocol text (RTSP headers, SDP lines): trimming, letter case, numbers and lists.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace thimble::rtsp {

inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

inline char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
inline char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

inline std::string_view trim(std::string_view s) {
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
  return s;
}

inline std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = to_lower(c);
  return out;
}

inline std::string upper(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = to_upper(c);
  return out;
}

/// Equality of ASCII text without regard to case.
inline bool same_word(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

inline bool begins_with(std::string_view s, std::string_view prefix) {
  return s.size() >= prefix.size() && s.compare(0, prefix.size(), prefix) == 0;
}

/// As begins_with, without regard to case.
inline bool begins_with_word(std::string_view s, std::string_view prefix) {
  return s.size() >= prefix.size() && same_word(s.substr(0, prefix.size()), prefix);
}

/// True when `s` holds `word` anywhere, without regard to case.
inline bool contains_word(std::string_view s, std::string_view word) {
  return lower(s).find(lower(word)) != std::string::npos;
}

/// Reads decimal digits and nothing else; false when there are none, something else, or a value above `max`.
inline bool parse_decimal(std::string_view s, uint64_t max, uint64_t* out) {
  if (s.empty() || s.size() > 20) return false;
  uint64_t value = 0;
  for (char c : s) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (max - digit) / 10 || digit > max) return false;
    value = value * 10 + digit;
  }
  *out = value;
  return true;
}

/// Value of a hexadecimal digit, -1 for anything else.
inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// True when `s` holds a byte that may never stand in a header line (control characters but tab).
inline bool has_control_bytes(std::string_view s) {
  for (char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return true;
  }
  return false;
}

/// Takes the next item of a list from the front of `rest`. Separators inside double quotes do not count; a
/// backslash inside quotes protects the next byte. False when the list is used up.
inline bool next_item(std::string_view* rest, char separator, std::string_view* item) {
  if (rest->data() == nullptr) return false;
  bool quoted = false;
  size_t i = 0;
  for (; i < rest->size(); ++i) {
    const char c = (*rest)[i];
    if (quoted && c == '\\' && i + 1 < rest->size()) {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      break;
    }
  }
  *item = trim(rest->substr(0, i));
  *rest = i < rest->size() ? rest->substr(i + 1) : std::string_view();
  return true;
}

/// Takes the next word, delimited by blanks, from the front of `rest`; empty when there is none.
inline std::string_view next_word(std::string_view* rest) {
  *rest = trim(*rest);
  size_t i = 0;
  while (i < rest->size() && !is_blank((*rest)[i])) ++i;
  const std::string_view word = rest->substr(0, i);
  rest->remove_prefix(i);
  return word;
}

/// Removes one pair of double quotes around `s`, if there is one.
inline std::string_view unquote(std::string_view s) {
  if (s.size() >= 2 && s.front() == '"' && s.back() == '"') return s.substr(1, s.size() - 2);
  return s;
}

}  // namespace thimble::rtsp
