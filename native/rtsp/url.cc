// See url.h; also holds parse_rtsp_url of client.h.
#include "rtsp/url.h"

#include <cstdint>

#include "rtsp/client.h"
#include "rtsp/text.h"

namespace thimble::rtsp {
namespace {

constexpr std::string_view kScheme = "rtsp://";
constexpr size_t kMaxUrlBytes = 4096;

// The authority ends at the first of "/?#". A password that holds one of these raw cannot be told from a
// path.
size_t authority_end(std::string_view url, size_t begin) {
  const size_t end = url.find_first_of("/?#", begin);
  return end == std::string_view::npos ? url.size() : end;
}

bool percent_decode(std::string_view text, std::string* out) {
  out->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out->push_back(static_cast<char>(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2])));
      i += 2;
    } else {
      // Users type a bare "%" in passwords; it means itself.
      out->push_back(text[i]);
    }
  }
  return !has_control_bytes(*out);
}

bool valid_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (char c : host) {
    const bool fine = (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '.' ||
                      c == '-' || c == '_';
    if (!fine) return false;
  }
  return true;
}

// Hex digits, colons, dots and a zone; whether it is an address is for inet_pton to say.
bool valid_bracketed(std::string_view host) {
  if (host.size() < 2 || host.size() > 64 || host.find(':') == std::string_view::npos) return false;
  const size_t zone = host.find('%');
  for (size_t i = 0; i < host.size(); ++i) {
    if (zone != std::string_view::npos && i >= zone) break;
    if (hex_digit(host[i]) < 0 && host[i] != ':' && host[i] != '.') return false;
  }
  return zone == std::string_view::npos || (zone + 1 < host.size() && valid_name(host.substr(zone + 1)));
}

bool parse_host_port(std::string_view text, UrlParts* parts) {
  std::string_view host = text, port;
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!valid_bracketed(host) || (!port.empty() && port.front() != ':')) return false;
    if (!port.empty()) port.remove_prefix(1);
  } else {
    const size_t colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
    if (!valid_name(host)) return false;
  }
  uint64_t number = 554;
  if (!port.empty() && (!parse_decimal(port, 65535, &number) || number == 0)) return false;
  parts->host.assign(host);
  parts->port = static_cast<uint16_t>(number);
  return true;
}

std::string encode_for_request_line(std::string_view url) {
  static const char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(url.size());
  for (char c : url) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte != 0x7f) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

// "rtsp://host:port" of a URL.
std::string_view origin_of(std::string_view url) {
  const size_t scheme = url.find("://");
  return scheme == std::string_view::npos ? url : url.substr(0, authority_end(url, scheme + 3));
}

}  // namespace

bool parse_rtsp_url(std::string_view url, UrlParts* parts) {
  url = trim(url);
  if (url.size() > kMaxUrlBytes || !begins_with_word(url, kScheme)) return false;
  for (char c : url) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return false;
  }
  const size_t end = authority_end(url, kScheme.size());
  std::string_view authority = url.substr(kScheme.size(), end - kScheme.size());
  UrlParts result;
  const size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view userinfo = authority.substr(0, at);
    const size_t colon = userinfo.find(':');
    if (!percent_decode(userinfo.substr(0, colon), &result.username)) return false;
    if (colon != std::string_view::npos && !percent_decode(userinfo.substr(colon + 1), &result.password))
      return false;
    authority.remove_prefix(at + 1);
  }
  if (!parse_host_port(authority, &result)) return false;
  result.without_userinfo = std::string(kScheme);
  result.without_userinfo.append(authority).append(url.substr(end));
  *parts = std::move(result);
  return true;
}

std::string without_userinfo(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t begin = scheme + 3;
  const size_t end = authority_end(url, begin);
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(url);
  return std::string(url.substr(0, begin)).append(url.substr(at + 1));
}

std::string repair_base(std::string_view request_url, std::string_view content_base) {
  std::string_view rest = trim(content_base);
  while (begins_with_word(rest, kScheme)) rest.remove_prefix(kScheme.size());
  UrlParts parts;
  // A path alone would read as a host after the scheme is put in front.
  if (!rest.empty() && rest.front() != '/' && parse_rtsp_url(std::string(kScheme).append(rest), &parts)) {
    return parts.without_userinfo;
  }
  return without_userinfo(trim(request_url));
}

bool is_absolute_url(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return false;
  for (char c : url.substr(0, scheme)) {
    if (to_lower(c) < 'a' || to_lower(c) > 'z') return false;
  }
  return true;
}

std::string join_control(std::string_view base, std::string_view control) {
  control = trim(control);
  if (is_absolute_url(control)) return encode_for_request_line(without_userinfo(control));
  std::string joined(base);
  if (!control.empty() && control != "*") {
    const bool bare = control.front() == '/' || control.front() == '?';
    if (!bare && (joined.empty() || joined.back() != '/')) joined.push_back('/');
    joined.append(control);
  }
  return encode_for_request_line(joined);
}

std::string resolve_location(std::string_view request_url, std::string_view location) {
  location = trim(location);
  if (location.empty()) return {};
  std::string target;
  if (is_absolute_url(location)) {
    target.assign(location);
  } else if (begins_with(location, "//")) {
    target.assign("rtsp:").append(location);
  } else if (location.front() == '/') {
    target.assign(origin_of(request_url)).append(location);
  } else {
    const std::string_view origin = origin_of(request_url);
    const std::string_view path = request_url.substr(origin.size(), request_url.find('?') - origin.size());
    target.assign(origin).append(
        path.substr(0, path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/')));
    target.append("/").append(location);
  }
  UrlParts parts;
  return parse_rtsp_url(target, &parts) ? parts.without_userinfo : std::string();
}

std::string_view path_of(std::string_view url) {
  const std::string_view origin = origin_of(url);
  return origin.size() == url.size() ? std::string_view() : url.substr(origin.size());
}

}  // namespace thimble::rtsp
