// How the ingest thread gets a connection without waiting: names resolved on a thread of their own, the rule
// which addresses may be connected to, and a TCP connect that does not block.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace thimble::rtsp {

/// An IPv4 or IPv6 address with a port.
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const sockaddr* address, socklen_t length);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  SocketAddress with_port(uint16_t port) const;

 private:
  sockaddr_storage storage_ = {};
  socklen_t length_ = 0;
};

/// Reads "192.0.2.1", "2001:db8::1" or "fe80::1%eth0"; false for a name.
bool parse_address(const std::string& host, uint16_t port, SocketAddress* address);

/// May a camera be at this address? Refuses loopback (127/8, 0/8, ::1, ::), link-local (169.254/16,
/// fe80::/10), multicast, broadcast and the machine's own addresses; IPv4 inside IPv6 is judged as IPv4.
/// `allow_loopback` lifts loopback and own addresses only. Asks the kernel for the own addresses at each
/// call.
bool address_allowed(const sockaddr* address, bool allow_loopback);

/// Begins a TCP connection: non-blocking, close-on-exec, no delay, keep-alive, unacknowledged data fails it
/// after 10 s. Returns the descriptor, which the caller owns, or -errno.
int connect_tcp(const sockaddr* address, socklen_t length);

/// Looks a name up, blocking. Returns 0 or a getaddrinfo error.
using NameLookup =
    std::function<int(const std::string& host, uint16_t port, std::vector<SocketAddress>* addresses)>;
int system_lookup(const std::string& host, uint16_t port, std::vector<SocketAddress>* addresses);

struct ResolveResult {
  std::vector<SocketAddress> addresses;  ///< at most 16; empty = the name is not known
  bool remembered = false;  ///< the lookup failed, these are the addresses it gave when it last worked
  int64_t now_us = 0;       ///< the time given to dispatch()
};

/// Resolves names for one thread, which polls fd() and calls dispatch(). The thread for lookups exists only
/// while there are names to look up, and for `idle_ms` after; addresses never need it. One lookup at a time.
class Resolver {
 public:
  using Callback = std::function<void(const ResolveResult& result)>;

  explicit Resolver(NameLookup lookup = system_lookup, int idle_ms = 10'000);
  /// Waits for a running lookup 200 ms at most, then leaves its thread to end by itself. No callback is
  /// called.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Becomes readable when there are answers; -1 when the system had no descriptor left.
  int fd() const;
  /// Asks for a host. The callback is called once, from dispatch(), never from here. Returns a number for
  /// cancel(), or 0 when 64 requests wait already or no thread could be had: ask again later.
  uint64_t resolve(const std::string& host, uint16_t port, Callback callback);
  /// The callback of this request is not called any more. Harmless for one that is answered.
  void cancel(uint64_t request);
  /// Calls the callbacks of what has been answered. They may call resolve() and cancel().
  void dispatch(int64_t now_us);
  /// Is there a thread at present?
  bool has_thread() const;

 private:
  struct Shared;
  struct Waiting {
    std::string host;
    uint16_t port = 0;
    Callback callback;
  };

  bool ensure_thread();
  void remember(const std::string& host, const std::vector<SocketAddress>& addresses);
  std::vector<SocketAddress> recall(const std::string& host, uint16_t port) const;

  std::shared_ptr<Shared> shared_;
  std::map<uint64_t, Waiting> waiting_;
  std::map<std::string, std::vector<SocketAddress>> remembered_;
  uint64_t last_request_ = 0;
};

}  // namespace thimble::rtsp
