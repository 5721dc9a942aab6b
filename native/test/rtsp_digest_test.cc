// Login: the examples of the RFCs, the tokenizer, and which tries are made with which credentials.
#include <doctest/doctest.h>

#include "rtsp/digest.h"
#include "rtsp_camera.h"

namespace thimble::test {
namespace {

using rtsp::Authenticator;
using rtsp::Challenge;

rtsp::Message refusal(const std::string& headers) {
  rtsp::Message message;
  REQUIRE(rtsp::parse_message("RTSP/1.0 401 Unauthorized\r\n" + headers + "\r\n", &message));
  return message;
}

rtsp::Message challenge_of(const std::string& value) {
  return refusal("WWW-Authenticate: " + value + "\r\n");
}

Authenticator admin() {
  return Authenticator("admin", "secret", 3);
}

}  // namespace

TEST_CASE("rtsp digest: the examples of RFC 7616 and RFC 2617") {
  const std::string parameters =
      " realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
      "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
      "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", algorithm=";
  const rtsp::DigestInput input = {
      "Mufasa", "Circle of Life", "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
      1};
  const auto sha = rtsp::parse_challenges(challenge_of("Digest" + parameters + "SHA-256"));
  REQUIRE(sha.size() == 1);
  CHECK(rtsp::digest_response(sha[0], input) ==
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  const auto md5 = rtsp::parse_challenges(challenge_of("Digest" + parameters + "MD5"));
  REQUIRE(md5.size() == 1);
  CHECK(rtsp::digest_response(md5[0], input) == "8ca523f5e9506fed4657c9700eebdbec");
  const auto old =
      rtsp::parse_challenges(challenge_of("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
                                          "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc\""));
  REQUIRE(old.size() == 1);
  CHECK(rtsp::digest_response(old[0], {"Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b",
                                       1}) == "6629fae49393a05397450978507c4ef1");
}

TEST_CASE("rtsp digest: challenges are taken apart whatever their spelling") {
  const auto list =
      rtsp::parse_challenges(refusal("WWW-Authenticate: Basic realm=\"a, b\", DIGEST REALM = x , "
                                     "nonce=\"n\\\"1\",qop=\"auth-int,auth\",stale=TRUE\r\n"
                                     "www-authenticate: Bearer\r\nWWW-Authenticate: Digest realm=\"r\", "
                                     "nonce=\"n\", algorithm=SHA-512-256\r\n"
                                     "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
                                     "qop=\"auth-int\"\r\nWWW-Authenticate: Digest realm=\"r\"\r\n"));
  REQUIRE(list.size() == 6);
  CHECK(list[0].scheme == Challenge::Scheme::kBasic);
  CHECK(list[0].realm == "a, b");
  CHECK(list[1].usable);
  CHECK(list[1].realm == "x");
  CHECK(list[1].nonce == "n\\\"1");
  CHECK(list[1].qop_auth);
  CHECK(list[1].stale);
  for (size_t i = 2; i < 6; ++i) CHECK_FALSE(list[i].usable);
}

TEST_CASE("rtsp digest: parameters without a scheme, empty headers and hundreds of challenges are harmless") {
  CHECK(rtsp::parse_challenges(challenge_of("realm=\"x\"")).empty());
  CHECK(rtsp::parse_challenges(challenge_of("")).empty());
  CHECK(rtsp::parse_challenges(challenge_of(",,=,\"")).size() <= 1);
  std::string many;
  for (int i = 0; i < 500; ++i) many += "Digest realm=\"x\",";
  CHECK(rtsp::parse_challenges(challenge_of(many)).size() == 16);
}

TEST_CASE("rtsp digest: the strongest is used, Basic only when it is alone") {
  Authenticator a = admin();
  const auto both = refusal(
      "WWW-Authenticate: Digest realm=\"r\", nonce=\"m\"\r\nWWW-Authenticate: Digest realm=\"r\", "
      "nonce=\"s\", algorithm=\"SHA-256\"\r\n"
      "WWW-Authenticate: Basic realm=\"r\"\r\n");
  CHECK(a.on_unauthorized(both, false, 0) == Authenticator::Advice::kRepeat);
  CHECK(a.authorization("DESCRIBE", "rtsp://h/").find("nonce=\"s\"") != std::string::npos);
  CHECK(a.authorization("DESCRIBE", "rtsp://h/").find(", algorithm=SHA-256") != std::string::npos);
  Authenticator b = admin();
  CHECK(b.on_unauthorized(challenge_of("Basic realm=\"r\""), false, 0) == Authenticator::Advice::kRepeat);
  CHECK(b.authorization("DESCRIBE", "rtsp://h/") == "Basic YWRtaW46c2VjcmV0");
  Authenticator c = admin();
  CHECK(c.on_unauthorized(challenge_of("Basic realm=\"r\", Digest realm=\"r\", nonce=\"n\", algorithm=X"),
                          false, 0) == Authenticator::Advice::kUnsupported);
  CHECK(c.authorization("DESCRIBE", "rtsp://h/").empty());
}

TEST_CASE("rtsp digest: one repeat with a new nonce, none for credentials refused with the same one") {
  Authenticator a = admin();
  CHECK(a.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"1\""), false, 0) ==
        Authenticator::Advice::kRepeat);
  a.authorization("DESCRIBE", "u");
  CHECK(a.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"1\""), true, 0) ==
        Authenticator::Advice::kRefused);
  CHECK(a.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"2\""), true, 0) ==
        Authenticator::Advice::kRepeat);
  CHECK(a.authorization("DESCRIBE", "u").find("nonce=\"2\"") != std::string::npos);
  CHECK(a.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"3\""), true, 1) ==
        Authenticator::Advice::kRefused);
  CHECK(a.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"4\", stale=true"), true, 1) ==
        Authenticator::Advice::kRepeat);
  CHECK(a.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"5\", stale=true"), true, 3) ==
        Authenticator::Advice::kRefused);
}

TEST_CASE("rtsp digest: when SHA-256 is refused MD5 is tried once") {
  Authenticator a = admin();
  const auto both = refusal(
      "WWW-Authenticate: Digest realm=\"r\", nonce=\"m\"\r\nWWW-Authenticate: Digest realm=\"r\", "
      "nonce=\"s\", algorithm=SHA-256\r\n");
  CHECK(a.on_unauthorized(both, false, 0) == Authenticator::Advice::kRepeat);
  CHECK(a.authorization("DESCRIBE", "u").find("SHA-256") != std::string::npos);
  CHECK(a.on_unauthorized(both, true, 1) == Authenticator::Advice::kRepeat);
  CHECK(a.authorization("DESCRIBE", "u").find("nonce=\"m\"") != std::string::npos);
  CHECK(a.on_unauthorized(both, true, 2) == Authenticator::Advice::kRefused);
  Authenticator only = admin();
  const auto sha = challenge_of("Digest realm=\"r\", nonce=\"s\", algorithm=SHA-256");
  CHECK(only.on_unauthorized(sha, false, 0) == Authenticator::Advice::kRepeat);
  CHECK(only.on_unauthorized(sha, true, 1) == Authenticator::Advice::kRefused);
}

TEST_CASE("rtsp digest: the count goes up with each use of a nonce and starts again with a new one") {
  Authenticator a = admin();
  a.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"1\", qop=\"auth\""), false, 0);
  CHECK(a.authorization("DESCRIBE", "u").find("nc=00000001") != std::string::npos);
  const std::string second = a.authorization("SETUP", "u");
  CHECK(second.find("nc=00000002") != std::string::npos);
  a.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"2\", qop=\"auth\", stale=true"), true, 0);
  const std::string third = a.authorization("SETUP", "u");
  CHECK(third.find("nc=00000001") != std::string::npos);
  CHECK(third.substr(third.find("cnonce")) != second.substr(second.find("cnonce")));
}

TEST_CASE("rtsp digest: credentials that could smuggle in header lines are never sent") {
  Authenticator a("admin\r\nX-Evil: 1", "secret", 3);
  CHECK(a.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"1\""), false, 0) ==
        Authenticator::Advice::kRefused);
  CHECK(a.authorization("DESCRIBE", "u").empty());
  Authenticator quoted("ad\"min\\", "secret", 3);
  quoted.on_unauthorized(challenge_of("Digest realm=\"r\", nonce=\"1\""), false, 0);
  CHECK(quoted.authorization("DESCRIBE", "u").find("username=\"ad\\\"min\\\\\"") != std::string::npos);
  const auto hostile =
      rtsp::parse_challenges(challenge_of(std::string("Digest realm=\"a\x01\", nonce=\"n\"")));
  REQUIRE(hostile.size() == 1);
  CHECK_FALSE(hostile[0].usable);
}

}  // namespace thimble::test
