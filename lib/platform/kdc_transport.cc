// One KDC after the other, each within its time.
#include "lib/platform/kdc_transport.h"

#include <algorithm>

#include "base/guard.h"
#include "lib/kdc_framing.h"
#include "lib/platform/sockets.h"

namespace pocketgss {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxDatagram = 65535;
// What MIT krb5 sends by UDP at most (quirk D6).
constexpr size_t kMaxRequestByUdp = 1465;
constexpr milliseconds kUdpRepeat{1'000};
constexpr int kUdpAttempts = 2;
// What is known of KDCs is bounded: the names of realms may come from a KRB-ERROR, which anybody can
// have written. A login goes to at most 31 realms (10 referrals in each of three exchanges), so
// that of the user's own is not forgotten in its course.
constexpr size_t kMaxKnownRealms = 32;
constexpr size_t kMaxKnownKdcs = 16;  // of a realm

std::optional<Bytes> ask_by_tcp(const SocketAddress& address, ByteView request, SteadyTime end) {
  const auto socket = connected(address, SOCK_STREAM, end);
  if (!socket || !send_all(*socket, frame(request), end)) return std::nullopt;
  constexpr size_t kPiece = 16384;
  KdcFrameReader reader;
  for (;;) {
    const auto piece = receive_some(*socket, kPiece, end);
    if (!piece || piece->empty()) return std::nullopt;
    auto message = reader.feed(*piece);
    if (!message.has_value()) return std::nullopt;
    if (message.value()) return std::move(*message.value());
  }
}

// Datagrams get lost: the same request is sent again (RFC 4120 7.2.1).
std::optional<Bytes> ask_by_udp(const SocketAddress& address, ByteView request, SteadyTime end) {
  const auto socket = connected(address, SOCK_DGRAM, end);
  if (!socket) return std::nullopt;
  const SteadyTime start = std::chrono::steady_clock::now();
  const auto each = std::min<SteadyTime::duration>(kUdpRepeat, (end - start) / kUdpAttempts);
  for (int attempt = 1; attempt <= kUdpAttempts; ++attempt) {
    const SteadyTime until = start + attempt * each;
    if (!send_all(*socket, request, until)) return std::nullopt;
    auto reply = receive_some(*socket, kMaxDatagram, until);
    if (reply && !reply->empty()) return reply;
  }
  return std::nullopt;
}

// addresses: where `hosts` is nullptr the system looks the name up.
std::vector<SocketAddress> addresses(const KdcAddress& kdc, HostResolver* hosts, SteadyTime end) {
  if (hosts == nullptr) return addresses_of(kdc.host, kdc.port, SOCK_STREAM, Lookup::kBySystem);
  auto numeric = addresses_of(kdc.host, kdc.port, SOCK_STREAM, Lookup::kNone);
  if (!numeric.empty()) return numeric;
  const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
  if (left.count() <= 0) return {};
  const auto found = hosts->addresses(kdc.host, left);
  if (!found.has_value()) return {};
  for (const std::string& text : found.value()) {
    for (const SocketAddress& each : addresses_of(text, kdc.port, SOCK_STREAM, Lookup::kNone))
      numeric.push_back(each);
  }
  return numeric;
}

}  // namespace

KdcTransport::KdcTransport(KdcResolver& resolver, const KdcTransportConfig& config)
    : resolver_(resolver), config_(config) {}

Result<ExchangeAnswer> KdcTransport::exchange(const NeedExchange& need) {
  return guarded("KDC transport", [&]() -> Result<ExchangeAnswer> { return carry(need); });
}

ExchangeAnswer KdcTransport::carry(const NeedExchange& need) {
  resolver_error_.reset();
  if (!end_) end_ = Clock::now() + config_.overall;
  const auto left = std::chrono::duration_cast<milliseconds>(*end_ - Clock::now());
  if (left.count() <= 0) return {};
  auto found = resolver_.kdcs(need.realm, left);
  if (!found.has_value()) {
    resolver_error_ = found.error();
    return {};
  }

  std::optional<Bytes> unavailable;  // better than nothing
  for (const KdcAddress& kdc : in_order(need.realm, std::move(found).value())) {
    const auto end = std::min(*end_, Clock::now() + config_.per_kdc);
    if (end <= Clock::now()) break;
    auto reply = ask(kdc, need, end);
    const bool serves = reply && judge_kdc_reply(*reply) != KdcReply::kAskNext;
    remember(need.realm, kdc, serves);
    if (serves) return {std::move(reply)};
    if (reply) unavailable = std::move(reply);
  }
  return {std::move(unavailable)};
}

std::optional<Bytes> KdcTransport::ask(const KdcAddress& kdc, const NeedExchange& need,
                                       Clock::time_point end) const {
  const bool by_udp =
      config_.udp_first && !need.stream_only && need.request.size() <= kMaxRequestByUdp;
  // The addresses are of one KDC: its time is for all of them, and for the look-up.
  // One that does not answer leaves the others their part.
  const auto found = addresses(kdc, resolver_.hosts(), end);
  for (size_t i = 0; i < found.size(); ++i) {
    const SocketAddress& address = found[i];
    const auto now = Clock::now();
    const auto until = now + (end - now) / static_cast<int>(found.size() - i);
    if (by_udp) {
      auto reply = ask_by_udp(address, need.request, now + (until - now) / 2);  // TCP has the rest
      if (reply && judge_kdc_reply(*reply) != KdcReply::kAskByStream) return reply;
    }
    if (auto reply = ask_by_tcp(address, need.request, until)) return reply;
  }
  return std::nullopt;
}

std::list<KdcTransport::KnownRealm>::const_iterator KdcTransport::find(
    const std::string& realm) const {
  return std::find_if(known_.begin(), known_.end(),
                      [&](const KnownRealm& each) { return each.name == realm; });
}

std::vector<KdcAddress> KdcTransport::in_order(const std::string& realm,
                                               std::vector<KdcAddress> kdcs) const {
  const auto found = find(realm);
  if (found == known_.end()) return kdcs;
  const auto rank = [&](const KdcAddress& kdc) {
    for (const Known& known : found->kdcs) {
      if (known.address == kdc) return known.answered ? 0 : 2;
    }
    return 1;
  };
  std::vector<KdcAddress> ordered;
  ordered.reserve(kdcs.size());
  for (int wanted = 0; wanted <= 2; ++wanted) {
    for (const KdcAddress& kdc : kdcs) {
      if (rank(kdc) == wanted) ordered.push_back(kdc);
    }
  }
  return ordered;
}

void KdcTransport::remember(const std::string& realm, const KdcAddress& address, bool answered) {
  const auto found = find(realm);
  if (found != known_.end()) {
    known_.splice(known_.end(), known_, found);
  } else {
    if (known_.size() == kMaxKnownRealms) known_.erase(known_.begin());
    known_.push_back({realm, {}});
  }
  std::list<Known>& kdcs = known_.back().kdcs;
  std::erase_if(kdcs, [&](const Known& each) { return each.address == address; });
  if (kdcs.size() == kMaxKnownKdcs) kdcs.erase(kdcs.begin());
  kdcs.push_back({address, answered});
}

}  // namespace pocketgss
