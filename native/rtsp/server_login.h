// The server's side of a login by digest (RFC 7616, RFC 2617, RFC 2069): challenges, and the judgement of
// what comes back. Basic is never offered: the connection is not encrypted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace thimble::rtsp {

/// Somebody who may log in. The hashes (hexadecimal, of `name:realm:secret`) are as good as the secret.
struct ServerUser {
  std::string name;
  std::string ha1_md5, ha1_sha256;
};

/// What a user's name leads to; null for nobody. What is given must last during the call that asks.
using UserLookup = std::function<const ServerUser*(std::string_view name)>;

/// Of one connection. Its nonces are good for nothing on another, nor after `kNonceLifeUs`, and each count of
/// one is taken once.
class ServerLogin {
 public:
  static constexpr int64_t kNonceLifeUs = 60'000'000;

  explicit ServerLogin(std::string realm) : realm_(std::move(realm)) {}

  enum class Verdict {
    kAccepted,  ///< user() is who it is
    kAsked,     ///< nothing was given, or for an old nonce: to be answered with challenges()
    kRefused,   ///< the same, and it was wrong
  };
  /// `authorization`: the header's value, null = none.
  Verdict check(const std::string* authorization, std::string_view method, const UserLookup& lookup,
                int64_t now_us);
  /// The header lines of a 401, each ended by CRLF; a new nonce stands in them.
  std::string challenges(int64_t now_us);
  const std::string& user() const { return user_; }
  /// The name that was given last, if it can stand in a message; else empty.
  const std::string& named() const { return named_; }

 private:
  std::string realm_, nonce_, user_, named_;
  int64_t nonce_since_us_ = 0;
  uint64_t last_count_ = 0;
  bool stale_ = false;
};

}  // namespace thimble::rtsp
