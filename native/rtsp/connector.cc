// Addresses and sockets of connector.h; the resolver is in resolver.cc.
#include "rtsp/connector.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace thimble::rtsp {
namespace {

constexpr int kUnacknowledgedMs = 10'000;
constexpr size_t kMaxAddresses = 16;

uint32_t ipv4_of(const sockaddr* address) {
  sockaddr_in in = {};
  std::memcpy(&in, address, sizeof in);
  return ntohl(in.sin_addr.s_addr);
}

in6_addr ipv6_of(const sockaddr* address) {
  sockaddr_in6 in6 = {};
  std::memcpy(&in6, address, sizeof in6);
  return in6.sin6_addr;
}

// IPv4 inside IPv6: mapped (::ffff:0:0/96), compatible (::/96 above ::1) and the NAT64 prefix (64:ff9b::/96).
bool embedded_ipv4(const in6_addr& address, uint32_t* ipv4) {
  static const uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  static const uint8_t kCompatible[12] = {};
  static const uint8_t kNat64[12] = {0, 0x64, 0xff, 0x9b};
  uint32_t low = 0;
  std::memcpy(&low, address.s6_addr + 12, sizeof low);
  low = ntohl(low);
  const bool mapped = std::memcmp(address.s6_addr, kMapped, 12) == 0;
  const bool compatible = std::memcmp(address.s6_addr, kCompatible, 12) == 0 && low > 1;
  const bool nat64 = std::memcmp(address.s6_addr, kNat64, 12) == 0;
  *ipv4 = low;
  return mapped || compatible || nat64;
}

enum class Kind { kOrdinary, kLoopback, kForbidden };

Kind kind_of_ipv4(uint32_t address) {
  const uint32_t first = address >> 24;
  if (first == 127 || first == 0) return Kind::kLoopback;
  const bool link_local = address >> 16 == 0xa9fe;
  const bool multicast = address >> 28 == 0xe;
  if (link_local || multicast || address == 0xffffffff) return Kind::kForbidden;
  return Kind::kOrdinary;
}

Kind kind_of_ipv6(const in6_addr& address) {
  static const in6_addr kAny = IN6ADDR_ANY_INIT, kLoopback = IN6ADDR_LOOPBACK_INIT;
  if (std::memcmp(&address, &kAny, sizeof kAny) == 0) return Kind::kLoopback;
  if (std::memcmp(&address, &kLoopback, sizeof kLoopback) == 0) return Kind::kLoopback;
  const bool link_local = address.s6_addr[0] == 0xfe && (address.s6_addr[1] & 0xc0) == 0x80;
  if (link_local || address.s6_addr[0] == 0xff) return Kind::kForbidden;
  return Kind::kOrdinary;
}

// Is the address one of this machine's, or the broadcast address of one of its networks (*broadcast)?
bool is_own(bool v4, uint32_t ipv4, const in6_addr& ipv6, bool* broadcast) {
  ifaddrs* list = nullptr;
  *broadcast = false;
  // Without the list nothing can be ruled out.
  if (getifaddrs(&list) != 0) return true;
  bool own = false;
  for (const ifaddrs* item = list; item != nullptr; item = item->ifa_next) {
    if (item->ifa_addr == nullptr) continue;
    if (v4 && item->ifa_addr->sa_family == AF_INET) {
      own = own || ipv4_of(item->ifa_addr) == ipv4;
      const bool has_broadcast = (item->ifa_flags & IFF_BROADCAST) != 0 && item->ifa_broadaddr != nullptr &&
                                 item->ifa_broadaddr->sa_family == AF_INET;
      if (has_broadcast && ipv4_of(item->ifa_broadaddr) == ipv4) *broadcast = true;
    } else if (!v4 && item->ifa_addr->sa_family == AF_INET6) {
      const in6_addr other = ipv6_of(item->ifa_addr);
      own = own || std::memcmp(&other, &ipv6, sizeof ipv6) == 0;
    }
  }
  freeifaddrs(list);
  return own;
}

bool set_options(int fd) {
  const int on = 1, timeout_ms = kUnacknowledgedMs;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
         setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0 &&
         setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms) == 0;
}

int query(const std::string& host, uint16_t port, int flags, std::vector<SocketAddress>* addresses) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (error != 0) return error;
  for (const addrinfo* item = list; item != nullptr && addresses->size() < kMaxAddresses;
       item = item->ai_next) {
    if (item->ai_family == AF_INET || item->ai_family == AF_INET6) {
      addresses->emplace_back(item->ai_addr, item->ai_addrlen);
    }
  }
  freeaddrinfo(list);
  return 0;
}

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t length)
    : length_(std::min(length, static_cast<socklen_t>(sizeof storage_))) {
  std::memcpy(&storage_, address, length_);
}

SocketAddress SocketAddress::with_port(uint16_t port) const {
  SocketAddress copy = *this;
  if (storage_.ss_family == AF_INET) {
    sockaddr_in in = {};
    std::memcpy(&in, &storage_, sizeof in);
    in.sin_port = htons(port);
    std::memcpy(&copy.storage_, &in, sizeof in);
  } else if (storage_.ss_family == AF_INET6) {
    sockaddr_in6 in6 = {};
    std::memcpy(&in6, &storage_, sizeof in6);
    in6.sin6_port = htons(port);
    std::memcpy(&copy.storage_, &in6, sizeof in6);
  }
  return copy;
}

bool parse_address(const std::string& host, uint16_t port, SocketAddress* address) {
  std::vector<SocketAddress> addresses;
  if (query(host, port, AI_NUMERICHOST | AI_NUMERICSERV, &addresses) != 0 || addresses.empty()) return false;
  *address = addresses.front();
  return true;
}

bool address_allowed(const sockaddr* address, bool allow_loopback) {
  in6_addr ipv6 = {};
  uint32_t ipv4 = 0;
  bool v4 = address->sa_family == AF_INET;
  if (v4) {
    ipv4 = ipv4_of(address);
  } else if (address->sa_family == AF_INET6) {
    ipv6 = ipv6_of(address);
    v4 = embedded_ipv4(ipv6, &ipv4);
  } else {
    return false;
  }
  const Kind kind = v4 ? kind_of_ipv4(ipv4) : kind_of_ipv6(ipv6);
  if (kind != Kind::kOrdinary) return kind == Kind::kLoopback && allow_loopback;
  bool broadcast = false;
  const bool own = is_own(v4, ipv4, ipv6, &broadcast);
  return !broadcast && (!own || allow_loopback);
}

int connect_tcp(const sockaddr* address, socklen_t length) {
  const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return -errno;
  if (set_options(fd) && (connect(fd, address, length) == 0 || errno == EINPROGRESS)) return fd;
  const int error = errno;
  close(fd);
  return -error;
}

int system_lookup(const std::string& host, uint16_t port, std::vector<SocketAddress>* addresses) {
  // Without AI_ADDRCONFIG, which finds nothing at all on a machine that has loopback only.
  return query(host, port, AI_NUMERICSERV, addresses);
}

}  // namespace thimble::rtsp
