// Names, addresses and connections; only loopback is touched, and no name server is asked.
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "rtsp/connector.h"

namespace thimble::test {
namespace {

using rtsp::Resolver;
using rtsp::ResolveResult;
using rtsp::SocketAddress;

SocketAddress address(const std::string& text, uint16_t port = 554) {
  SocketAddress result;
  REQUIRE(rtsp::parse_address(text, port, &result));
  return result;
}

bool allowed(const std::string& text, bool allow_loopback) {
  return rtsp::address_allowed(address(text).get(), allow_loopback);
}

// Dispatches until `done` or 5 s.
template <typename Done>
bool dispatch_until(Resolver& resolver, Done done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!done() && std::chrono::steady_clock::now() < end) {
    pollfd waiting = {resolver.fd(), POLLIN, 0};
    poll(&waiting, 1, 20);
    resolver.dispatch(42);
  }
  return done();
}

int give_one(const std::string&, uint16_t port, std::vector<SocketAddress>* addresses) {
  addresses->push_back(address("192.0.2.7", port));
  return 0;
}

std::string text_of(const SocketAddress& address) {
  char host[64] = {}, port[16] = {};
  getnameinfo(address.get(), address.length(), host, sizeof host, port, sizeof port,
              NI_NUMERICHOST | NI_NUMERICSERV);
  return std::string(host) + " " + port;
}

}  // namespace

TEST_CASE("rtsp connector: forbidden addresses, and what allow_loopback lifts") {
  for (const char* text :
       {"127.0.0.1", "127.8.9.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1"}) {
    CAPTURE(text);
    CHECK_FALSE(allowed(text, false));
    CHECK(allowed(text, true));
  }
  for (const char* text :
       {"169.254.1.1", "224.0.0.1", "239.255.255.250", "255.255.255.255", "fe80::1", "febf::1", "ff02::1",
        "::ffff:169.254.1.1", "::ffff:224.0.0.1", "::169.254.169.254"}) {
    CAPTURE(text);
    CHECK_FALSE(allowed(text, false));
    CHECK_FALSE(allowed(text, true));
  }
  for (const char* text : {"192.0.2.1", "10.255.1.2", "2001:db8::1", "fd00::1", "::ffff:192.0.2.1"}) {
    CAPTURE(text);
    CHECK(allowed(text, false));
  }
  sockaddr odd = {};
  odd.sa_family = AF_UNIX;
  CHECK_FALSE(rtsp::address_allowed(&odd, true));
}

TEST_CASE("rtsp connector: addresses are read, names are not") {
  SocketAddress result;
  CHECK(text_of(address("192.0.2.1", 8554)) == "192.0.2.1 8554");
  CHECK(text_of(address("2001:db8::1", 1)) == "2001:db8::1 1");
  CHECK(text_of(address("192.0.2.1", 1).with_port(2)) == "192.0.2.1 2");
  CHECK_FALSE(rtsp::parse_address("localhost", 1, &result));
  CHECK_FALSE(rtsp::parse_address("", 1, &result));
  CHECK_FALSE(rtsp::parse_address("300.1.1.1", 1, &result));
}

TEST_CASE("rtsp connector: connect does not block and sets its options") {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SocketAddress any = address("127.0.0.1", 0);
  REQUIRE(bind(listener, any.get(), any.length()) == 0);
  REQUIRE(listen(listener, 1) == 0);
  sockaddr_in bound = {};
  socklen_t length = sizeof bound;
  REQUIRE(getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &length) == 0);
  const int fd = rtsp::connect_tcp(reinterpret_cast<sockaddr*>(&bound), length);
  REQUIRE(fd >= 0);
  CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  const auto option = [fd](int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    getsockopt(fd, level, name, &value, &size);
    return value;
  };
  CHECK(option(IPPROTO_TCP, TCP_NODELAY) != 0);
  CHECK(option(SOL_SOCKET, SO_KEEPALIVE) != 0);
  CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 10'000);
  pollfd writable = {fd, POLLOUT, 0};
  CHECK(poll(&writable, 1, 5000) == 1);
  CHECK(option(SOL_SOCKET, SO_ERROR) == 0);
  close(fd);
  close(listener);
  sockaddr bad = {};
  bad.sa_family = 255;
  CHECK(rtsp::connect_tcp(&bad, sizeof bad) == -EAFNOSUPPORT);
}

TEST_CASE("rtsp resolver: addresses need no thread and are never answered at once") {
  Resolver resolver([](const std::string&, uint16_t, std::vector<SocketAddress>*) { return EAI_FAIL; });
  bool called = false;
  std::vector<SocketAddress> got;
  REQUIRE(resolver.resolve("192.0.2.9", 8554, [&](const ResolveResult& result) {
    called = true;
    got = result.addresses;
    CHECK(result.now_us == 42);
  }) != 0);
  CHECK_FALSE(called);
  CHECK_FALSE(resolver.has_thread());
  CHECK(dispatch_until(resolver, [&] { return called; }));
  REQUIRE(got.size() == 1);
  CHECK(text_of(got[0]) == "192.0.2.9 8554");
}

TEST_CASE("rtsp resolver: names are looked up on a thread that ends when it is idle and comes back") {
  Resolver resolver(give_one, 30);
  for (int round = 0; round < 2; ++round) {
    bool called = false;
    REQUIRE(resolver.resolve("cam.example", 554, [&](const ResolveResult& result) {
      called = result.addresses.size() == 1;
    }) != 0);
    CHECK(dispatch_until(resolver, [&] { return called; }));
    CHECK(dispatch_until(resolver, [&] { return !resolver.has_thread(); }));
  }
}

TEST_CASE("rtsp resolver: the last good addresses serve when the name server is gone") {
  auto broken = std::make_shared<std::atomic<bool>>(false);
  Resolver resolver([broken](const std::string& host, uint16_t port, std::vector<SocketAddress>* addresses) {
    return *broken ? EAI_AGAIN : give_one(host, port, addresses);
  });
  std::vector<ResolveResult> results;
  const auto keep = [&](const ResolveResult& result) { results.push_back(result); };
  resolver.resolve("cam.example", 554, keep);
  CHECK(dispatch_until(resolver, [&] { return results.size() == 1; }));
  *broken = true;
  resolver.resolve("CAM.example", 8554, keep);
  resolver.resolve("other.example", 554, keep);
  REQUIRE(dispatch_until(resolver, [&] { return results.size() == 3; }));
  CHECK_FALSE(results[0].remembered);
  CHECK(results[1].remembered);
  CHECK(text_of(results[1].addresses.at(0)) == "192.0.2.7 8554");
  CHECK(results[2].addresses.empty());
}

TEST_CASE("rtsp resolver: cancelled and late answers are harmless, the queue is bounded") {
  auto release = std::make_shared<std::atomic<bool>>(false);
  auto lookups = std::make_shared<std::atomic<int>>(0);
  const auto slow = [release, lookups](const std::string& host, uint16_t port,
                                       std::vector<SocketAddress>* addresses) {
    ++*lookups;
    while (!*release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return give_one(host, port, addresses);
  };
  int called = 0;
  std::chrono::steady_clock::time_point leaving;
  {
    Resolver resolver(slow);
    const auto count = [&](const ResolveResult&) { ++called; };
    const uint64_t first = resolver.resolve("a.example", 554, count);
    REQUIRE(first != 0);
    while (*lookups == 0) std::this_thread::yield();
    resolver.cancel(first);
    resolver.cancel(first);
    int accepted = 0;
    for (int i = 0; i < 200; ++i) accepted += resolver.resolve("b.example", 554, count) != 0 ? 1 : 0;
    CHECK(accepted == 64);
    *release = true;
    CHECK(dispatch_until(resolver, [&] { return called == 64; }));
    *release = false;
    resolver.resolve("c.example", 554, count);
    while (*lookups < 66) std::this_thread::yield();
    leaving = std::chrono::steady_clock::now();
  }
  // It went while a lookup hung: it waited 200 ms and left the thread to itself.
  CHECK(std::chrono::steady_clock::now() - leaving < std::chrono::seconds(2));
  CHECK(called == 64);
  *release = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

}  // namespace thimble::test
