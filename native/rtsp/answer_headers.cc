// See answer_headers.h.
#include "rtsp/answer_headers.h"

#include "rtsp/text.h"

namespace thimble::rtsp {
namespace {

constexpr size_t kMaxSessionBytes = 512;
constexpr size_t kMaxRtpInfoParts = 64;

// Splits "name = value" and trims both; the value loses its quotes.
void split_parameter(std::string_view item, std::string_view* name, std::string_view* value) {
  const size_t equals = item.find('=');
  *name = trim(item.substr(0, equals));
  *value =
      equals == std::string_view::npos ? std::string_view() : trim(unquote(trim(item.substr(equals + 1))));
}

bool parse_channels(std::string_view value, TransportHeader* transport) {
  const size_t dash = value.find('-');
  uint64_t rtp = 0, rtcp = 0;
  if (!parse_decimal(trim(value.substr(0, dash)), 255, &rtp)) return false;
  if (dash == std::string_view::npos || !parse_decimal(trim(value.substr(dash + 1)), 255, &rtcp))
    rtcp = rtp + 1;
  transport->rtp_channel = static_cast<uint8_t>(rtp);
  transport->rtcp_channel = static_cast<uint8_t>(rtcp > 255 ? rtp : rtcp);
  return true;
}

// Hexadecimal by RFC 2326; some cameras pad with blanks or leave leading zeros out.
std::optional<uint32_t> parse_ssrc(std::string_view value) {
  if (value.empty() || value.size() > 8) return std::nullopt;
  uint32_t ssrc = 0;
  for (char c : value) {
    if (hex_digit(c) < 0) return std::nullopt;
    ssrc = ssrc << 4 | static_cast<uint32_t>(hex_digit(c));
  }
  return ssrc;
}

TransportHeader parse_one_transport(std::string_view text) {
  TransportHeader transport;
  std::string_view item, name, value;
  bool ports = false, tcp = false;
  while (next_item(&text, ';', &item)) {
    split_parameter(item, &name, &value);
    if (same_word(name, "interleaved")) {
      transport.interleaved = parse_channels(value, &transport);
    } else if (same_word(name, "client_port") || same_word(name, "server_port")) {
      ports = true;
    } else if (same_word(name, "ssrc")) {
      transport.ssrc = parse_ssrc(value);
    } else if (contains_word(name, "/TCP")) {
      tcp = true;
    }
  }
  transport.other_transport = ports && !tcp && !transport.interleaved;
  return transport;
}

}  // namespace

std::optional<SessionHeader> parse_session(const Message& answer) {
  const std::string* header = answer.header("Session");
  if (header == nullptr) return std::nullopt;
  SessionHeader session;
  std::string_view rest = *header, item, name, value;
  next_item(&rest, ';', &item);
  item = trim(unquote(item));
  if (item.empty() || item.size() > kMaxSessionBytes || has_control_bytes(item)) return std::nullopt;
  session.id.assign(item);
  while (next_item(&rest, ';', &item)) {
    split_parameter(item, &name, &value);
    uint64_t seconds = 0;
    if (same_word(name, "timeout") && parse_decimal(value, UINT32_MAX, &seconds)) {
      session.timeout_s = static_cast<uint32_t>(seconds);
    }
  }
  return session;
}

TransportHeader parse_transport(const Message& answer) {
  std::optional<TransportHeader> best;
  for (const HeaderLine& line : answer.headers) {
    if (!same_word(line.name, "Transport")) continue;
    std::string_view rest = line.value, item;
    while (next_item(&rest, ',', &item)) {
      const TransportHeader transport = parse_one_transport(item);
      const bool better = best && ((transport.interleaved && !best->interleaved) ||
                                   (best->other_transport && !transport.other_transport));
      if (!best || better) best = transport;
    }
  }
  return best.value_or(TransportHeader());
}

std::vector<RtpInfo> parse_rtp_info(const Message& answer) {
  std::vector<RtpInfo> parts;
  const std::string* header = answer.header("RTP-Info");
  if (header == nullptr) return parts;
  std::string_view rest = *header, part;
  while (next_item(&rest, ',', &part) && parts.size() < kMaxRtpInfoParts) {
    RtpInfo info;
    std::string_view item, name, value;
    while (next_item(&part, ';', &item)) {
      split_parameter(item, &name, &value);
      uint64_t number = 0;
      if (same_word(name, "url")) {
        info.url.assign(value);
      } else if (same_word(name, "seq") && parse_decimal(value, UINT16_MAX, &number)) {
        info.sequence = static_cast<uint16_t>(number);
      } else if (same_word(name, "rtptime") && parse_decimal(value, UINT32_MAX, &number)) {
        info.rtp_time = static_cast<uint32_t>(number);
      }
    }
    if (!info.url.empty()) parts.push_back(std::move(info));
  }
  return parts;
}

int parse_retry_after(const Message& answer) {
  const std::string* header = answer.header("Retry-After");
  uint64_t seconds = 0;
  return header != nullptr && parse_decimal(*header, 300, &seconds) ? static_cast<int>(seconds) : 0;
}

}  // namespace thimble::rtsp
