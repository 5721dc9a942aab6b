// See digest.h.
#include "rtsp/digest.h"

#include <algorithm>
#include <memory>
#include <optional>

extern "C" {
#include <libavutil/base64.h>
#include <libavutil/hash.h>
#include <libavutil/mem.h>
}

#include "rtsp/random.h"
#include "rtsp/text.h"

namespace thimble::rtsp {
namespace {

constexpr size_t kMaxChallenges = 16;
// A stale nonce is no failure, but a server that calls each of them stale must not keep us busy.
constexpr int kMaxRepeats = 3;

bool is_sha256(const Challenge& challenge) {
  return challenge.algorithm == DigestAlgorithm::kSha256 ||
         challenge.algorithm == DigestAlgorithm::kSha256Sess;
}

bool is_sess(const Challenge& challenge) {
  return challenge.algorithm == DigestAlgorithm::kMd5Sess ||
         challenge.algorithm == DigestAlgorithm::kSha256Sess;
}

std::string base64(const std::string& text) {
  std::vector<char> out(AV_BASE64_SIZE(text.size()));
  av_base64_encode(out.data(), static_cast<int>(out.size()), reinterpret_cast<const uint8_t*>(text.data()),
                   static_cast<int>(text.size()));
  return out.data();
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string hex_count(uint32_t value) {
  static const char kHex[] = "0123456789abcdef";
  std::string out;
  for (int shift = 28; shift >= 0; shift -= 4) out.push_back(kHex[value >> shift & 15]);
  return out;
}

void set_algorithm(std::string_view name, Challenge* challenge) {
  challenge->has_algorithm = true;
  challenge->algorithm_name.assign(name);
  if (same_word(name, "MD5")) {
    challenge->algorithm = DigestAlgorithm::kMd5;
  } else if (same_word(name, "MD5-sess")) {
    challenge->algorithm = DigestAlgorithm::kMd5Sess;
  } else if (same_word(name, "SHA-256") || same_word(name, "SHA256")) {
    challenge->algorithm = DigestAlgorithm::kSha256;
  } else if (same_word(name, "SHA-256-sess")) {
    challenge->algorithm = DigestAlgorithm::kSha256Sess;
  } else {
    challenge->usable = false;
  }
}

void set_qop(std::string_view list, Challenge* challenge) {
  std::string_view option;
  bool any = false;
  while (next_item(&list, ',', &option)) {
    if (same_word(option, "auth")) challenge->qop_auth = true;
    if (!option.empty()) any = true;
  }
  // auth-int alone would need the hash of a body that RTSP requests do not have.
  if (any && !challenge->qop_auth) challenge->usable = false;
}

void set_parameter(std::string_view name, std::string_view raw, Challenge* challenge) {
  const std::string_view value = unquote(raw);
  if (has_control_bytes(value)) {
    challenge->usable = false;
  } else if (same_word(name, "realm")) {
    challenge->realm.assign(value);
  } else if (same_word(name, "nonce")) {
    challenge->nonce.assign(value);
  } else if (same_word(name, "opaque")) {
    challenge->opaque.assign(value);
    challenge->has_opaque = true;
  } else if (same_word(name, "stale")) {
    challenge->stale = same_word(value, "true");
  } else if (same_word(name, "algorithm")) {
    set_algorithm(trim(value), challenge);
  } else if (same_word(name, "qop")) {
    set_qop(value, challenge);
  }
}

Challenge begin_challenge(std::string_view scheme) {
  Challenge challenge;
  if (same_word(scheme, "Basic")) challenge.scheme = Challenge::Scheme::kBasic;
  if (same_word(scheme, "Digest")) challenge.scheme = Challenge::Scheme::kDigest;
  challenge.usable = challenge.scheme != Challenge::Scheme::kOther;
  return challenge;
}

// A list item is "name = value" of the challenge in progress, or "Scheme name = value", or a bare scheme.
void read_challenges(std::string_view header, std::vector<Challenge>* list) {
  std::string_view item;
  while (next_item(&header, ',', &item)) {
    if (item.empty()) continue;
    size_t equals = item.find('=');
    std::string_view rest = item.substr(0, equals);
    std::string_view name = next_word(&rest);
    const std::string_view second = next_word(&rest);
    if (equals == std::string_view::npos || !second.empty()) {
      if (list->size() >= kMaxChallenges) return;
      list->push_back(begin_challenge(name));
      name = second;
    }
    if (equals != std::string_view::npos && !list->empty()) {
      set_parameter(name, trim(item.substr(equals + 1)), &list->back());
    }
  }
}

// SHA-256 before MD5; Basic only where nothing else is offered, so that nobody can talk us down to it.
std::optional<Challenge> choose(const std::vector<Challenge>& offered, bool no_sha256) {
  std::optional<Challenge> best;
  for (const Challenge& challenge : offered) {
    if (!challenge.usable || challenge.scheme != Challenge::Scheme::kDigest) continue;
    if (no_sha256 && is_sha256(challenge)) continue;
    if (!best || (is_sha256(challenge) && !is_sha256(*best))) best = challenge;
  }
  if (best) return best;
  const bool basic_alone =
      !offered.empty() && std::all_of(offered.begin(), offered.end(), [](const Challenge& c) {
        return c.usable && c.scheme == Challenge::Scheme::kBasic;
      });
  if (basic_alone) best = offered.front();
  return best;
}

}  // namespace

std::string digest_hash(bool sha256, std::string_view text) {
  AVHashContext* raw = nullptr;
  if (av_hash_alloc(&raw, sha256 ? "SHA256" : "MD5") < 0) return {};
  av_hash_init(raw);
  av_hash_update(raw, reinterpret_cast<const uint8_t*>(text.data()), text.size());
  uint8_t hex[2 * AV_HASH_MAX_SIZE + 1] = {};
  av_hash_final_hex(raw, hex, sizeof hex);
  av_hash_freep(&raw);
  return reinterpret_cast<const char*>(hex);
}

std::vector<Challenge> parse_challenges(const Message& answer) {
  std::vector<Challenge> list;
  for (const HeaderLine& line : answer.headers) {
    if (same_word(line.name, "WWW-Authenticate")) read_challenges(line.value, &list);
  }
  for (Challenge& challenge : list) {
    if (challenge.scheme == Challenge::Scheme::kDigest && challenge.nonce.empty()) challenge.usable = false;
  }
  return list;
}

std::string digest_response(const Challenge& challenge, const DigestInput& input) {
  const bool sha256 = is_sha256(challenge);
  const std::string nonce = unescape(challenge.nonce);
  const std::string cnonce(input.cnonce);
  std::string a1 =
      std::string(input.username) + ":" + unescape(challenge.realm) + ":" + std::string(input.password);
  if (is_sess(challenge)) a1 = digest_hash(sha256, a1) + ":" + nonce + ":" + cnonce;
  const std::string a2 = std::string(input.method) + ":" + std::string(input.uri);
  std::string middle = ":" + nonce + ":";
  if (challenge.qop_auth) middle += hex_count(input.nonce_count) + ":" + cnonce + ":auth:";
  return digest_hash(sha256, digest_hash(sha256, a1) + middle + digest_hash(sha256, a2));
}

Authenticator::Authenticator(std::string username, std::string password, uint64_t seed)
    : username_(std::move(username)), password_(std::move(password)), random_(seed) {}

bool Authenticator::has_credentials() const {
  // A user name that cannot stand in a header line could smuggle in others.
  return !username_.empty() && !has_control_bytes(username_);
}

void Authenticator::adopt(const Challenge& challenge) {
  // The count restarts with each nonce, not with each time the same one is named.
  if (!challenged_ || challenge.nonce != challenge_.nonce || challenge.algorithm != challenge_.algorithm) {
    nonce_count_ = 0;
    const uint64_t random = next_random(&random_);
    cnonce_ = hex_count(static_cast<uint32_t>(random >> 32)) + hex_count(static_cast<uint32_t>(random));
  }
  challenge_ = challenge;
  challenged_ = true;
}

Authenticator::Advice Authenticator::on_unauthorized(const Message& answer, bool authorized, int repeats) {
  const std::vector<Challenge> offered = parse_challenges(answer);
  const std::optional<Challenge> best = choose(offered, sha256_refused_);
  if (!best) return sha256_refused_ ? Advice::kRefused : Advice::kUnsupported;
  const bool sha256_used = authorized && challenged_ && is_sha256(challenge_);
  const bool same_nonce = challenged_ && best->nonce == challenge_.nonce;
  const bool first_challenge = !authorized;
  if (!has_credentials()) {
    adopt(*best);
    return Advice::kRefused;
  }
  if (repeats >= kMaxRepeats) return Advice::kRefused;
  if (first_challenge || (best->stale && !same_nonce)) {
    adopt(*best);
    return Advice::kRepeat;
  }
  // An old nonce can be the fault: once for each request the new one is tried. Not when credentials that were
  // never accepted are refused for the very same nonce: that would only bring the lock-out nearer.
  if (repeats == 0 && (!same_nonce || accepted_) && best->scheme == Challenge::Scheme::kDigest) {
    adopt(*best);
    return Advice::kRepeat;
  }
  if (sha256_used && !sha256_refused_) {
    const std::optional<Challenge> md5 = choose(offered, true);
    if (md5 && md5->scheme == Challenge::Scheme::kDigest) {
      sha256_refused_ = true;
      adopt(*md5);
      return Advice::kRepeat;
    }
  }
  return Advice::kRefused;
}

std::string Authenticator::authorization(std::string_view method, std::string_view uri) {
  if (!challenged_ || !has_credentials()) return {};
  if (challenge_.scheme == Challenge::Scheme::kBasic) return "Basic " + base64(username_ + ":" + password_);
  ++nonce_count_;
  const DigestInput input = {username_, password_, method, uri, cnonce_, nonce_count_};
  std::string value = "Digest username=\"" + escape(username_) + "\", realm=\"" + challenge_.realm +
                      "\", nonce=\"" + challenge_.nonce + "\", uri=\"" + std::string(uri) +
                      "\", response=\"" + digest_response(challenge_, input) + "\"";
  if (challenge_.has_algorithm) value += ", algorithm=" + challenge_.algorithm_name;
  if (challenge_.has_opaque) value += ", opaque=\"" + challenge_.opaque + "\"";
  if (challenge_.qop_auth) value += ", qop=auth, nc=" + hex_count(nonce_count_);
  if (challenge_.qop_auth || is_sess(challenge_)) value += ", cnonce=\"" + cnonce_ + "\"";
  return value;
}

std::string Authenticator::realm() const {
  return unescape(challenge_.realm);
}

}  // namespace thimble::rtsp
