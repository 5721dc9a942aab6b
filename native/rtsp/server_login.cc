// See server_login.h.
#include "rtsp/server_login.h"

#include <sys/random.h>

#include <optional>

#include "rtsp/digest.h"
#include "rtsp/text.h"

namespace thimble::rtsp {

namespace {

/// What an Authorization header says; escapes are resolved.
struct Credentials {
  std::string username, realm, nonce, uri, response, algorithm, qop, count, cnonce;
  bool has_algorithm = false, has_qop = false;
};

std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

std::optional<Credentials> read_credentials(std::string_view value) {
  if (!same_word(next_word(&value), "Digest")) return std::nullopt;
  Credentials found;
  std::string_view item;
  while (next_item(&value, ',', &item)) {
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = trim(item.substr(0, equals));
    std::string text = unescaped(unquote(trim(item.substr(equals + 1))));
    if (same_word(name, "username"))
      found.username = std::move(text);
    else if (same_word(name, "realm"))
      found.realm = std::move(text);
    else if (same_word(name, "nonce"))
      found.nonce = std::move(text);
    else if (same_word(name, "uri"))
      found.uri = std::move(text);
    else if (same_word(name, "response"))
      found.response = lower(text);
    else if (same_word(name, "cnonce"))
      found.cnonce = std::move(text);
    else if (same_word(name, "nc"))
      found.count = std::move(text);
    else if (same_word(name, "qop")) {
      found.has_qop = true;
      found.qop = std::move(text);
    } else if (same_word(name, "algorithm")) {
      found.has_algorithm = true;
      found.algorithm = std::move(text);
    }
  }
  return found;
}

/// Of eight hexadecimal digits.
std::optional<uint64_t> read_count(std::string_view text) {
  if (text.size() != 8) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    const int digit = hex_digit(c);
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<uint64_t>(digit);
  }
  return value;
}

/// Takes the same time wherever they differ.
bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size() || a.empty()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

std::string random_hex() {
  uint8_t bytes[16] = {};
  while (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) {
  }
  std::string out;
  for (const uint8_t byte : bytes) {
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
  return out;
}

/// The response that the right secret leads to; empty for what is no digest that we offered.
std::string right_response(const Credentials& given, const ServerUser& user, std::string_view method) {
  const bool sha256 = given.has_algorithm && same_word(given.algorithm, "SHA-256");
  if (given.has_algorithm && !sha256 && !same_word(given.algorithm, "MD5")) return {};
  if (given.has_qop && !same_word(given.qop, "auth")) return {};
  std::string middle = ":" + given.nonce + ":";
  if (given.has_qop) middle += given.count + ":" + given.cnonce + ":auth:";
  const std::string& ha1 = sha256 ? user.ha1_sha256 : user.ha1_md5;
  return digest_hash(sha256, ha1 + middle + digest_hash(sha256, std::string(method) + ":" + given.uri));
}

}  // namespace

ServerLogin::Verdict ServerLogin::check(const std::string* authorization, std::string_view method,
                                        const UserLookup& lookup, int64_t now_us) {
  stale_ = false;
  if (!authorization) return Verdict::kAsked;
  const auto given = read_credentials(*authorization);
  named_.clear();
  if (!given) return Verdict::kRefused;
  if (!has_control_bytes(given->username)) named_ = given->username.substr(0, 64);
  // A secret that was right for an older nonce, or one that was taken from somebody else.
  if (nonce_.empty() || given->nonce != nonce_) {
    stale_ = !nonce_.empty();
    return Verdict::kAsked;
  }
  // The work is the same for names that nobody has.
  const ServerUser nobody{"", std::string(32, '0'), std::string(64, '0')};
  const ServerUser* const known = lookup(given->username);
  const std::string right = right_response(*given, known ? *known : nobody, method);
  const bool correct = same_secret(right, given->response) && known && given->realm == realm_;
  if (!correct) return Verdict::kRefused;
  const auto count = given->has_qop ? read_count(given->count) : std::optional<uint64_t>(last_count_ + 1);
  const bool repeated = !count || *count <= last_count_;
  if (repeated || now_us - nonce_since_us_ > kNonceLifeUs) {
    stale_ = true;
    return Verdict::kAsked;
  }
  last_count_ = *count;
  user_ = known->name;
  return Verdict::kAccepted;
}

std::string ServerLogin::challenges(int64_t now_us) {
  nonce_ = random_hex();
  nonce_since_us_ = now_us;
  last_count_ = 0;
  const std::string begin = "WWW-Authenticate: Digest realm=\"" + realm_ + "\", nonce=\"" + nonce_ + "\"";
  const std::string end = std::string(", qop=\"auth\"") + (stale_ ? ", stale=true" : "") + "\r\n";
  const std::string md5 = begin + ", algorithm=MD5" + end;
  // MD5 first for those who read the first line only (go2rtc), and once more at the end for those who keep
  // the last one (FFmpeg, live555); whoever knows SHA-256 looks for it.
  return md5 + begin + ", algorithm=SHA-256" + end + md5;
}

}  // namespace thimble::rtsp
