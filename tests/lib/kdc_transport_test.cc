// The transport to KDCs, with servers of the tests' own on loopback, the friendly and the broken.
#include <pocketgss/get_ticket.h>
#include <pocketgss/kdc_transport.h>

#include <gtest/gtest.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "lib/kdc_framing.h"
#include "mechs/krb5/messages.h"
#include "tests/lib/support/loopback.h"

namespace pocketgss {
namespace {

using std::chrono::milliseconds;
namespace krb5 = mechs::krb5;

Bytes text(std::string_view content) {
  return as_bytes(content).to_bytes();
}

Bytes krb_error(int32_t code, std::optional<std::string_view> crealm = {}) {
  const krb5::KerberosString parts[] = {"krbtgt", "EXAMPLE.TEST"};
  krb5::KrbError error;
  error.stime = {1'795'000'000};
  error.error_code = code;
  error.crealm = crealm;
  error.realm = "EXAMPLE.TEST";
  error.sname = {krb5::name_type::kSrvInst, krb5::SequenceOf<krb5::KerberosString>(parts)};
  return krb5::encode(error).value();
}

// LocalServer listens on a free port of 127.0.0.1 by TCP and by UDP. `on_tcp` is given each
// connection, which it answers and leaves open, `on_udp` each datagram.
class LocalServer {
 public:
  using OnTcp = std::function<void(int connection)>;
  using OnUdp = std::function<std::optional<Bytes>(const Bytes& request)>;

  explicit LocalServer(OnTcp on_tcp, OnUdp on_udp = {})
      : on_tcp_(std::move(on_tcp)), on_udp_(std::move(on_udp)) {
    const testing::LoopbackSockets sockets = testing::loopback_sockets();
    tcp_ = sockets.tcp;
    udp_ = sockets.udp;
    port_ = sockets.port;
    thread_ = std::thread([this] { serve(); });
  }
  ~LocalServer() {
    stop_ = true;
    thread_.join();
    for (const int connection : connections_) ::close(connection);
    ::close(tcp_);
    ::close(udp_);
  }

  KdcAddress address() const { return {"127.0.0.1", port_}; }
  std::atomic<int> by_tcp = 0, by_udp = 0;
  sockaddr_in client{};  // who sent the datagram; for the function that answers it

  static Bytes read_request(int connection) {
    KdcFrameReader reader;
    Bytes piece(4096);
    for (;;) {
      const ssize_t size = ::recv(connection, piece.data(), piece.size(), 0);
      if (size <= 0) return {};
      auto whole = reader.feed(ByteView(piece).prefix(static_cast<size_t>(size)));
      if (!whole.has_value()) return {};
      if (whole.value()) return *whole.value();
    }
  }
  static void write(int connection, ByteView octets) {
    ::send(connection, octets.data(), octets.size(), MSG_NOSIGNAL);
  }
  static OnTcp answers(Bytes reply) {
    return [reply](int connection) {
      read_request(connection);
      write(connection, frame(reply));
    };
  }

 private:
  void serve() {
    while (!stop_) {
      pollfd entries[] = {{tcp_, POLLIN, 0}, {udp_, POLLIN, 0}};
      if (::poll(entries, 2, 20) <= 0) continue;
      if ((entries[0].revents & POLLIN) != 0) {
        const int connection = ::accept(tcp_, nullptr, nullptr);
        connections_.push_back(connection);
        ++by_tcp;
        if (on_tcp_) on_tcp_(connection);
      }
      if ((entries[1].revents & POLLIN) != 0) datagram();
    }
  }
  void datagram() {
    Bytes request(65535);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* where = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got = ::recvfrom(udp_, request.data(), request.size(), 0, where, &size);
    client = from;
    ++by_udp;
    if (got < 0 || !on_udp_) return;
    request.resize(static_cast<size_t>(got));
    const auto reply = on_udp_(request);
    if (reply) ::sendto(udp_, reply->data(), reply->size(), 0, where, size);
  }

  OnTcp on_tcp_;
  OnUdp on_udp_;
  int tcp_ = -1, udp_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  std::vector<int> connections_;
  std::thread thread_;
};

class KdcTransportTest : public ::testing::Test {
 protected:
  void use(const LocalServer& server) { kdcs.add("", server.address()); }
  std::optional<Bytes> ask(std::string_view request = "request", bool stream_only = false) {
    if (!transport) transport.emplace(kdcs, config);
    const auto began = std::chrono::steady_clock::now();
    auto answer = transport->exchange({"EXAMPLE.TEST", text(request), stream_only});
    took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
    return answer.value().reply;
  }

  ConfiguredKdcs kdcs;
  KdcTransportConfig config{false, milliseconds(400), milliseconds(2'000)};
  std::optional<KdcTransport> transport;
  milliseconds took{};
};

TEST_F(KdcTransportTest, QuirkD6_TcpFirst) {
  LocalServer server(LocalServer::answers(text("reply")));
  use(server);
  EXPECT_EQ(ask(), text("reply"));
  EXPECT_EQ(server.by_tcp, 1);
  EXPECT_EQ(server.by_udp, 0);
}

TEST_F(KdcTransportTest, QuirkD6_UdpFirstByOption) {
  LocalServer server(LocalServer::answers(text("by TCP")),
                     [](const Bytes&) { return text("by UDP"); });
  use(server);
  config.udp_first = true;
  EXPECT_EQ(ask(), text("by UDP"));
  EXPECT_EQ(ask("request", true), text("by TCP")) << "the machine asked for a stream";
  EXPECT_EQ(ask(std::string(1466, 'x')), text("by TCP")) << "a request that is too large";
}

TEST_F(KdcTransportTest, QuirkD6_ErrorFiftyTwoLeadsToTcp) {
  LocalServer server(LocalServer::answers(text("by TCP")),
                     [](const Bytes&) { return krb_error(krb5::error_code::kResponseTooBig); });
  use(server);
  config.udp_first = true;
  EXPECT_EQ(ask(), text("by TCP"));
  EXPECT_EQ(server.by_udp, 1);
}

TEST_F(KdcTransportTest, KRC_9_ErrorFiftyTwoByTcpIsNotFollowed) {
  LocalServer server(LocalServer::answers(krb_error(krb5::error_code::kResponseTooBig)));
  use(server);
  EXPECT_EQ(ask(), krb_error(krb5::error_code::kResponseTooBig));
  EXPECT_EQ(server.by_tcp, 1);
}

TEST_F(KdcTransportTest, ALostDatagramIsSentAgain) {
  std::atomic<int> seen = 0;
  LocalServer server({}, [&](const Bytes&) -> std::optional<Bytes> {
    if (++seen == 1) return std::nullopt;
    return text("second");
  });
  use(server);
  config.udp_first = true;
  config.per_kdc = milliseconds(3'000);
  config.overall = milliseconds(5'000);
  EXPECT_EQ(ask(), text("second"));
  EXPECT_EQ(server.by_udp, 2);
}

// Of a KDC with two addresses each has half of the time: TCP must have some of it.
TEST_F(KdcTransportTest, QuirkD6_SilenceByUdpLeadsToTcpWhateverTheNumberOfAddresses) {
  struct TwoAddresses final : HostResolver {
    Result<std::vector<std::string>> addresses(std::string_view, milliseconds) override {
      return std::vector<std::string>{"127.0.0.1", "127.0.0.1"};
    }
  } hosts;
  LocalServer server(LocalServer::answers(text("by TCP")),
                     [](const Bytes&) { return std::nullopt; });
  ConfiguredKdcs named(&hosts);
  named.add("", {"kdc.example.test", server.address().port});
  config.udp_first = true;
  transport.emplace(named, config);
  EXPECT_EQ(ask(), text("by TCP"));
  EXPECT_LT(took, config.per_kdc);
}

TEST_F(KdcTransportTest, KRC_9_ADatagramFromAnotherPortIsNotHeard) {
  // A second socket answers what the first was asked.
  const int other = ::socket(AF_INET, SOCK_DGRAM, 0);
  const LocalServer* asked = nullptr;
  LocalServer server(
      LocalServer::answers(text("by TCP")), [&](const Bytes&) -> std::optional<Bytes> {
        const Bytes lie = text("lie");
        ::sendto(other, lie.data(), lie.size(), 0,
                 reinterpret_cast<const sockaddr*>(&asked->client), sizeof asked->client);
        return std::nullopt;
      });
  asked = &server;
  use(server);
  config.udp_first = true;
  config.per_kdc = milliseconds(3'000);
  config.overall = milliseconds(5'000);
  EXPECT_EQ(ask(), text("by TCP"));
  EXPECT_EQ(server.by_udp, 2);
  ::close(other);
}

TEST_F(KdcTransportTest, QuirkD19_ADeadKdcCostsItsTimeAndTheNextIsAsked) {
  LocalServer dead([](int) {});  // takes the connection, and says nothing
  LocalServer good(LocalServer::answers(text("reply")));
  use(dead);
  use(good);
  EXPECT_EQ(ask(), text("reply"));
  EXPECT_GE(took, config.per_kdc);
  EXPECT_LT(took, config.per_kdc + milliseconds(600));
  EXPECT_EQ(ask(), text("reply"));
  EXPECT_LT(took, config.per_kdc) << "the one that answers is asked first now";
  EXPECT_EQ(dead.by_tcp, 1);
}

TEST_F(KdcTransportTest, QuirkD19_TheDefaultIsThreeSeconds) {
  EXPECT_EQ(KdcTransportConfig{}.per_kdc, milliseconds(3'000));
}

TEST_F(KdcTransportTest, OneDeadlineForAll) {
  std::vector<std::unique_ptr<LocalServer>> dead;
  for (int i = 0; i < 6; ++i) {
    dead.push_back(std::make_unique<LocalServer>([](int) {}));
    use(*dead.back());
  }
  config.overall = milliseconds(1'000);
  EXPECT_EQ(ask(), std::nullopt);
  EXPECT_LT(took, milliseconds(1'800));
  EXPECT_EQ(ask(), std::nullopt);
  EXPECT_LT(took, milliseconds(100)) << "nothing is left for the second exchange";
}

TEST_F(KdcTransportTest, AClosedPortIsLeftAtOnce) {
  KdcAddress closed;
  {
    LocalServer gone([](int) {});
    closed = gone.address();
  }
  LocalServer good(LocalServer::answers(text("reply")));
  kdcs.add("", closed);
  use(good);
  EXPECT_EQ(ask(), text("reply"));
  EXPECT_LT(took, config.per_kdc);
}

TEST_F(KdcTransportTest, QuirkD25_AKdcThatCannotServeNowIsPassedOver) {
  const Bytes error = krb_error(krb5::error_code::kSvcUnavailable);
  LocalServer busy(LocalServer::answers(error));
  LocalServer good(LocalServer::answers(text("reply")));
  use(busy);
  use(good);
  EXPECT_EQ(ask(), text("reply"));
}

TEST_F(KdcTransportTest, QuirkD25_WhereNoneCanServeTheErrorIsTold) {
  const Bytes error = krb_error(krb5::error_code::kSvcUnavailable);
  LocalServer busy(LocalServer::answers(error));
  use(busy);
  EXPECT_EQ(ask(), error);
}

TEST_F(KdcTransportTest, KRC_9_LengthsThatLieAreRefused) {
  for (const Bytes& lie :
       {Bytes{0, 0, 0, 0}, Bytes{0x7f, 0xff, 0xff, 0xff}, Bytes{0x80, 0, 0, 0},
        Bytes{0xff, 0xff, 0xff, 0xff}, Bytes{0, 0x10, 0, 1}, Bytes{0, 4, 0, 1}}) {
    LocalServer liar([&](int connection) {
      LocalServer::read_request(connection);
      LocalServer::write(connection, lie);
    });
    ConfiguredKdcs only;
    only.add("", liar.address());
    KdcTransport each(only, config);
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(each.exchange({"R", text("request")}).value().reply, std::nullopt);
    EXPECT_LT(std::chrono::steady_clock::now() - began, config.per_kdc) << "at once";
  }
}

TEST_F(KdcTransportTest, KRC_9_ADribbleEndsWithTheKdcsTime) {
  std::atomic<bool> stop = false;
  LocalServer slow([&](int connection) {
    const Bytes whole = frame(Bytes(100, 'x'));
    for (const uint8_t octet : whole) {
      if (stop) break;
      LocalServer::write(connection, ByteView(&octet, 1));
      std::this_thread::sleep_for(milliseconds(50));
    }
  });
  use(slow);
  EXPECT_EQ(ask(), std::nullopt);
  stop = true;
  EXPECT_LT(took, config.per_kdc + milliseconds(600));
}

TEST_F(KdcTransportTest, KRC_9_AStreamThatEndsEarlyIsNoReply) {
  LocalServer early([](int connection) {
    LocalServer::read_request(connection);
    LocalServer::write(connection, Bytes{0, 0, 0, 9, 'x'});
    ::shutdown(connection, SHUT_RDWR);
  });
  use(early);
  EXPECT_EQ(ask(), std::nullopt);
  EXPECT_LT(took, config.per_kdc);
}

TEST_F(KdcTransportTest, NoKdcIsNoReply) {
  EXPECT_EQ(ask(), std::nullopt);
  kdcs.add("OTHER.TEST", {"127.0.0.1", 1});
  EXPECT_EQ(ask(), std::nullopt);
}

TEST(KdcFrameReader, TakesAMessageInPiecesOfAnySize) {
  const Bytes stream = frame(text("a message"));
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    KdcFrameReader reader;
    std::optional<Bytes> out;
    for (size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_FALSE(out);
      const ByteView rest = ByteView(stream).from(at);
      out = reader.feed(rest.prefix(std::min(piece, rest.size()))).value();
    }
    EXPECT_EQ(out, text("a message"));
  }
}

TEST(KdcFrameReader, KRC_9_StaysRefused) {
  KdcFrameReader reader;
  EXPECT_EQ(reader.feed(Bytes{0x80, 0, 0, 1}).error().code, Errc::kPeerMisbehaved);
  EXPECT_EQ(reader.feed(frame(text("x"))).error().code, Errc::kPeerMisbehaved);
}

// One octet is a message, of which nothing can be made: the client of the KDC refuses it.
TEST_F(KdcTransportTest, KRC_9_AReplyOfOneOctetIsOneAndIsNoMessage) {
  LocalServer short_one(LocalServer::answers(Bytes{0x6b}));
  use(short_one);
  EXPECT_EQ(ask(), (Bytes{0x6b}));
  EXPECT_EQ(krb5::parse_as_rep(Bytes{0x6b}).error().code, Errc::kMalformed);
  EXPECT_EQ(krb5::parse_krb_error(Bytes{0x6b}).error().code, Errc::kMalformed);
}

TEST(KdcTransport, AnotherLoginHasATimeOfItsOwn) {
  LocalServer good(LocalServer::answers(text("reply")));
  ConfiguredKdcs kdcs;
  kdcs.add("", good.address());
  KdcTransport transport(kdcs, {.overall = std::chrono::milliseconds(2'000)});
  const NeedExchange need{"EXAMPLE.TEST", Bytes(1), false};
  EXPECT_EQ(transport.exchange(need).value().reply, text("reply"));
  std::this_thread::sleep_for(std::chrono::milliseconds(2'100));
  EXPECT_EQ(transport.exchange(need).value().reply, std::nullopt);
  transport.begin_login();
  EXPECT_EQ(transport.exchange(need).value().reply, text("reply"));
}

// What an earlier exchange met is not told of a later one, which had no time to ask.
TEST(KdcTransport, ForgetsWhyAnEarlierExchangeHadNoKdc) {
  struct Nowhere : KdcResolver {
    Result<std::vector<KdcAddress>> kdcs(std::string_view, std::chrono::milliseconds) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return Error{Errc::kUnreachable, "nowhere", 0, 0};
    }
  } nowhere;
  KdcTransport transport(nowhere, {.overall = std::chrono::milliseconds(4)});
  EXPECT_EQ(transport.exchange({"EXAMPLE.TEST", Bytes(1), false}).value().reply, std::nullopt);
  EXPECT_TRUE(transport.resolver_error().has_value());
  EXPECT_EQ(transport.exchange({"EXAMPLE.TEST", Bytes(1), false}).value().reply, std::nullopt);
  EXPECT_FALSE(transport.resolver_error().has_value());
}

// ---- KRC-7: what is known of KDCs is bounded, whoever names them

// heap_in_use is what this thread's malloc() has given out; always 0 where a sanitizer's is in its place.
size_t heap_in_use() {
  const auto now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}
constexpr size_t kNoise = 16384;

TEST(KdcTransport, KRC_7_ReferralsOfManyLoginsLeaveNothingBehind) {
  std::atomic<int> referrals = 0;
  LocalServer hostile([&](int connection) {
    LocalServer::read_request(connection);
    const std::string next = std::string(200, 'R') + std::to_string(++referrals);
    LocalServer::write(connection, frame(krb_error(krb5::error_code::kWrongRealm, next)));
  });
  ConfiguredKdcs kdcs;
  kdcs.add("", hostile.address());
  KdcTransport transport(kdcs);
  Runtime runtime = Runtime::create(system_clock(), system_random()).value();
  TicketSettings settings;
  settings.user = "alice@upn.test";
  settings.realm = "EXAMPLE.TEST";
  settings.password = SecretBytes("Password1");
  const auto tickets = make_tickets(std::move(settings)).value();
  const auto logins = [&](int count) {
    for (; count > 0; --count) {
      transport.begin_login();
      const auto request = request_ticket(runtime, tickets, "").value();
      EXPECT_EQ(get_ticket(*request, transport).error().code, Errc::kPeerMisbehaved);
    }
  };
  logins(5);
  const size_t before = heap_in_use();
  logins(30);
  EXPECT_LT(heap_in_use(), before + kNoise);
  EXPECT_EQ(referrals, 35 * 11);
}

TEST(KdcTransport, KRC_7_ARealmThatNamesOtherKdcsEachTimeLeavesNothingBehind) {
  struct Endless final : KdcResolver {
    Result<std::vector<KdcAddress>> kdcs(std::string_view, milliseconds) override {
      ++count;
      const std::string host =
          "127.0." + std::to_string(count / 250) + "." + std::to_string(1 + count % 250);
      return std::vector<KdcAddress>{{host, 1}};  // a port where nothing listens
    }
    int count = 0;
  } endless;
  KdcTransport transport(endless);
  const auto exchanges = [&](int count) {
    for (; count > 0; --count)
      EXPECT_EQ(transport.exchange({"EXAMPLE.TEST", Bytes(1)}).value().reply, std::nullopt);
  };
  exchanges(50);
  const size_t before = heap_in_use();
  exchanges(2000);
  EXPECT_LT(heap_in_use(), before + kNoise);
  EXPECT_EQ(endless.count, 2050);
}

TEST(KdcTransport, KRC_7_KnowsTheRealmsThatWereAskedLast) {
  LocalServer busy(LocalServer::answers(krb_error(krb5::error_code::kSvcUnavailable)));
  LocalServer good(LocalServer::answers(text("reply")));
  ConfiguredKdcs kdcs;
  kdcs.add("", busy.address());
  kdcs.add("", good.address());
  KdcTransport transport(kdcs);
  int named = 0;
  const auto ask = [&](const std::string& realm) {
    EXPECT_EQ(transport.exchange({realm, text("request")}).value().reply, text("reply"));
  };
  const auto ask_others = [&](int count) {
    for (; count > 0; --count) ask("R" + std::to_string(++named));
  };
  ask("EXAMPLE.TEST");
  ask_others(31);
  EXPECT_EQ(busy.by_tcp, 32);
  ask("EXAMPLE.TEST");
  ask_others(31);
  ask("EXAMPLE.TEST");
  EXPECT_EQ(busy.by_tcp, 32 + 31) << "which of its KDCs answers is known";
  ask_others(32);
  ask("EXAMPLE.TEST");
  EXPECT_EQ(busy.by_tcp, 32 + 31 + 32 + 1) << "it is forgotten";
}

}  // namespace
}  // namespace pocketgss
