// Logins at the RTSP server: what is offered, what is accepted, and what is not for long.
#include "rtsp_peer.h"

using namespace thimble;
using thimble::test::Peer;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string nonce_of(const std::string& answer) {
  const size_t at = answer.find("nonce=\"");
  return at == std::string::npos ? "" : answer.substr(at + 7, 32);
}

struct Login {
  std::string name = "ann", secret = "ann-s-secret", method = "DESCRIBE";
  bool sha256 = false, qop = true;
  int count = 1;
  std::string realm = "Thimble", algorithm;
};

std::string authorization(const std::string& nonce, const Login& login) {
  const auto hash = [&](const std::string& text) { return rtsp::digest_hash(login.sha256, text); };
  char count[9];
  std::snprintf(count, sizeof count, "%08x", login.count);
  const std::string uri = Peer::kUrl;
  std::string middle = ":" + nonce + ":";
  if (login.qop) middle += std::string(count) + ":c0ffee:auth:";
  const std::string response = hash(hash(login.name + ":" + login.realm + ":" + login.secret) + middle +
                                    hash(login.method + ":" + uri));
  const std::string algorithm =
      login.algorithm.empty() ? (login.sha256 ? "SHA-256" : "MD5") : login.algorithm;
  return "Authorization: Digest username=\"" + login.name + "\", realm=\"" + login.realm + "\", nonce=\"" +
         nonce + "\", uri=\"" + uri + "\", response=\"" + response + "\", algorithm=" + algorithm +
         (login.qop ? std::string(", qop=auth, nc=") + count + ", cnonce=\"c0ffee\"" : "") + "\r\n";
}

}  // namespace

TEST_CASE("rtsp login: asked for at DESCRIBE, never Basic") {
  Peer peer(true);
  CHECK(peer.status_of("OPTIONS") == 200);
  const std::string asked = peer.ask("DESCRIBE");
  CHECK(Peer::status(asked) == 401);
  CHECK_FALSE(has(asked, "Basic"));
  CHECK(has(asked, "algorithm=MD5"));
  CHECK(has(asked, "algorithm=SHA-256"));
  CHECK_FALSE(has(asked, "stale"));
  CHECK(nonce_of(asked).size() == 32);
  CHECK(nonce_of(asked) != nonce_of(peer.ask("DESCRIBE")));
  CHECK(peer.refused.empty());
  // Nothing is told of what there is.
  CHECK(peer.status_of("DESCRIBE", "rtsp://h/ring/9/main") == 401);
  CHECK(peer.status_of("SETUP", Peer::kUrl, Peer::kTransport) == 401);
  CHECK(peer.status_of("PLAY") == 401);
  CHECK(peer.late_status_of("DESCRIBE", Peer::kUrl, "Authorization: Basic YW5uOmFubi1zLXNlY3JldA==\r\n") ==
        401);
}

TEST_CASE("rtsp login: MD5 and SHA-256, with qop and as of RFC 2069") {
  for (const bool sha256 : {false, true}) {
    for (const bool qop : {false, true}) {
      CAPTURE(sha256);
      CAPTURE(qop);
      Peer peer(true);
      const std::string nonce = nonce_of(peer.ask("DESCRIBE"));
      Login login;
      login.sha256 = sha256;
      login.qop = qop;
      CHECK(peer.status_of("DESCRIBE", Peer::kUrl, authorization(nonce, login)) == 200);
      CHECK(peer.seen_as == "ann");
      CHECK(peer.session.user() == "ann");
      // Known from then on.
      CHECK(peer.status_of("SETUP", std::string(Peer::kUrl) + "/trackID=0", Peer::kTransport) == 200);
    }
  }
}

TEST_CASE("rtsp login: our own client gets in, and finds SHA-256") {
  Peer peer(true);
  rtsp::Message answer;
  REQUIRE(rtsp::parse_message(peer.ask("DESCRIBE"), &answer));
  rtsp::Authenticator authenticator("ann", "ann-s-secret", 5);
  REQUIRE(authenticator.on_unauthorized(answer, false, 0) == rtsp::Authenticator::Advice::kRepeat);
  const std::string value = authenticator.authorization("DESCRIBE", Peer::kUrl);
  CHECK(has(value, "SHA-256"));
  CHECK(peer.status_of("DESCRIBE", Peer::kUrl, "Authorization: " + value + "\r\n") == 200);
}

TEST_CASE("rtsp login: what is wrong is refused, three times") {
  std::vector<Login> wrong(5);
  wrong[0].secret = "another-secret";
  wrong[1].name = "bob";
  wrong[2].realm = "Other";
  wrong[3].method = "PLAY";
  wrong[4].algorithm = "MD5-sess";
  for (const Login& login : wrong) {
    Peer peer(true);
    const std::string nonce = nonce_of(peer.ask("DESCRIBE"));
    CHECK(peer.late_status_of("DESCRIBE", Peer::kUrl, authorization(nonce, login)) == 401);
    CHECK(peer.refused.size() == 1);
    CHECK(peer.refused[0] == login.name);
    CHECK(peer.session.user().empty());
  }
  Peer peer(true);
  for (int i = 0; i < 3; ++i) {
    const std::string nonce = nonce_of(peer.ask("DESCRIBE"));
    CHECK(peer.ends == 0);
    CHECK(peer.late_status_of("DESCRIBE", Peer::kUrl, authorization(nonce, wrong[0])) == 401);
  }
  CHECK(peer.ends == 1);
}

TEST_CASE("rtsp login: what is said behind a wrong secret waits for its answer") {
  Peer peer(true);
  Login wrong;
  wrong.secret = "another-secret";
  const std::string nonce = nonce_of(peer.ask("DESCRIBE"));
  CHECK(peer.ask("DESCRIBE", Peer::kUrl, authorization(nonce, wrong)).empty());
  CHECK(peer.ask("OPTIONS").empty());
  CHECK(peer.refused.size() == 1);
  peer.session.tick(peer.now_us += rtsp::ServerSession::kRefusalUs);
  CHECK(Peer::header(peer.heard, "CSeq") == "2");
  CHECK(has(peer.heard, "RTSP/1.0 200 OK\r\nCSeq: 3\r\n"));
  // The right one is in time still.
  CHECK(peer.status_of("DESCRIBE", Peer::kUrl, authorization(nonce_of(peer.heard), {})) == 200);
  CHECK(peer.ends == 0);
}

TEST_CASE("rtsp login: a nonce is good for a minute, each count of it once, and on no other connection") {
  Peer peer(true);
  const std::string nonce = nonce_of(peer.ask("DESCRIBE"));
  peer.now_us += 61'000'000;
  const std::string late = peer.ask("DESCRIBE", Peer::kUrl, authorization(nonce, {}));
  CHECK(Peer::status(late) == 401);
  CHECK(has(late, "stale=true"));
  CHECK(peer.refused.empty());
  const std::string fresh = nonce_of(late);
  Login second;
  second.count = 2;
  CHECK(peer.status_of("DESCRIBE", "rtsp://h/ring/9/main", authorization(fresh, second)) == 404);
  Peer other(true);
  other.ask("DESCRIBE");
  CHECK(other.status_of("DESCRIBE", Peer::kUrl, authorization(fresh, {})) == 401);
  CHECK(other.refused.empty());

  rtsp::ServerLogin login("Thimble");
  const auto lookup = [&](std::string_view name) { return peer.find_user(name); };
  const std::string challenge = login.challenges(0);
  std::string value = authorization(nonce_of(challenge), second);
  value = value.substr(15, value.size() - 17);
  CHECK(login.check(&value, "DESCRIBE", lookup, 1) == rtsp::ServerLogin::Verdict::kAccepted);
  CHECK(login.check(&value, "DESCRIBE", lookup, 2) == rtsp::ServerLogin::Verdict::kAsked);
}

TEST_CASE("rtsp login: headers that are nonsense") {
  for (const char* value : {"", "Digest", "Digest ,,,=,", "Digest username", "Digest username=\"ann",
                            "Digest nonce=\"\", response=\"\"", "Digest username=\"a\\", "Bearer x",
                            "Digest username=\"\x01\", nonce=\"x\", response=\"y\""}) {
    CAPTURE(value);
    Peer peer(true);
    peer.ask("DESCRIBE");
    peer.ask("DESCRIBE", Peer::kUrl, std::string("Authorization: ") + value + "\r\n");
    if (peer.heard.empty()) peer.session.tick(peer.now_us += rtsp::ServerSession::kRefusalUs);
    CHECK(Peer::status(peer.heard) == 401);
    for (const std::string& name : peer.refused) CHECK(name.find('\x01') == std::string::npos);
  }
}
