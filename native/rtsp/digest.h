// Login: reads WWW-Authenticate challenges and writes Authorization values (RFC 7616, RFC 2617, Basic of RFC
// 7617).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rtsp/message.h"

namespace thimble::rtsp {

enum class DigestAlgorithm { kMd5, kMd5Sess, kSha256, kSha256Sess };

/// One challenge. `realm`, `nonce` and `opaque` are as they came (escapes included), because they go back
/// that way.
struct Challenge {
  enum class Scheme { kBasic, kDigest, kOther };
  Scheme scheme = Scheme::kOther;
  bool usable = false;  ///< scheme, algorithm and qop are ones that we can answer
  bool stale = false;
  bool has_opaque = false;
  bool has_algorithm = false;
  bool qop_auth = false;
  DigestAlgorithm algorithm = DigestAlgorithm::kMd5;
  std::string algorithm_name;  ///< as it came
  std::string realm, nonce, opaque;
};

/// All challenges of an answer, in order, also several in one header line; at most 16.
std::vector<Challenge> parse_challenges(const Message& answer);

struct DigestInput {
  std::string_view username, password, method, uri, cnonce;
  uint32_t nonce_count = 1;
};
/// The "response" value. Escapes in realm and nonce are resolved before hashing.
std::string digest_response(const Challenge& challenge, const DigestInput& input);

/// Hexadecimal hash of a text: SHA-256, or MD5.
std::string digest_hash(bool sha256, std::string_view text);

/// Answers the challenges of one connection. The password leaves it only hashed or in a Basic value.
class Authenticator {
 public:
  /// `seed` makes the client nonces; take it from a good source, they must not be guessable.
  Authenticator(std::string username, std::string password, uint64_t seed);

  enum class Advice {
    kRepeat,       ///< send the request again, with authorization()
    kRefused,      ///< user and password are wrong or missing: no more tries, cameras lock out after a few
    kUnsupported,  ///< nothing that we can answer
  };
  /// A 401 came. `authorized`: the request carried an Authorization; `repeats`: how often it has been
  /// repeated.
  Advice on_unauthorized(const Message& answer, bool authorized, int repeats);
  /// An answer other than 401 came to a request with Authorization: the credentials are right.
  void on_accepted() { accepted_ = true; }
  /// Value of the Authorization header of the next request; empty before the first challenge.
  std::string authorization(std::string_view method, std::string_view uri);
  /// The realm of the challenge in force, unescaped, for the words to the user.
  std::string realm() const;

 private:
  void adopt(const Challenge& challenge);
  bool has_credentials() const;

  std::string username_, password_, cnonce_;
  uint64_t random_;
  bool challenged_ = false, accepted_ = false, sha256_refused_ = false;
  uint32_t nonce_count_ = 0;
  Challenge challenge_;
};

}  // namespace thimble::rtsp
