// RTSP URLs as users and cameras write them: taking apart, repairing and joining by the rules that cameras
// follow, which are not those of RFC 3986.
#pragma once

#include <string>
#include <string_view>

namespace thimble::rtsp {

/// `url` without user and password; anything that is no URL comes back as it is.
std::string without_userinfo(std::string_view url);

/// The base of control URLs: `content_base` repaired (missing scheme, doubled "rtsp://", user and password),
/// or the request URL when that gives no usable URL.
std::string repair_base(std::string_view request_url, std::string_view content_base);

/// True for text with a scheme.
bool is_absolute_url(std::string_view url);

/// Control URL of a track. Plain joining of strings, also behind a query, as Dahua's and most other servers
/// expect it. Bytes that cannot stand in a request line are percent-encoded.
std::string join_control(std::string_view base, std::string_view control);

/// Absolute form of a Location header, without userinfo; empty when it does not lead to a usable rtsp:// URL.
std::string resolve_location(std::string_view request_url, std::string_view location);

/// The URL from its path on ("/a/b?c"), to compare URLs of which a server names the host differently.
std::string_view path_of(std::string_view url);

}  // namespace thimble::rtsp
