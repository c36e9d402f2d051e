// KDCs by DNS, with a name server of the tests' own on loopback, the friendly and the hostile.
#include <gtest/gtest.h>
#include <pocketgss/dns_kdcs.h>
#include <pocketgss/get_ticket.h>
#include <pocketgss/kdc_transport.h>
#include <pocketgss/tickets.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "tests/lib/support/dns_server.h"
#include "tests/support/fixed_random.h"
#include "tests/tools/support/kdc_server.h"

namespace pocketgss {
namespace {

using std::chrono::milliseconds;
using testing::DnsMessage;
using testing::ScriptedDns;
using Query = ScriptedDns::Query;
using Answers = std::vector<Bytes>;

constexpr std::string_view kTcpName = "_kerberos._tcp.EXAMPLE.TEST";

bool is_tcp_query(const Query& query) {
  return query.name.starts_with("_kerberos._tcp.");
}

Answers no_such_name(const Query& query) {
  return {DnsMessage(query.octets).rcode(DnsMessage::kNxdomain).bytes()};
}

// What `message` makes of the query for _tcp; there is nothing else.
ScriptedDns::Answer by_tcp_only(std::function<Answers(const Query&)> message) {
  return [message](const Query& query) {
    return is_tcp_query(query) ? message(query) : no_such_name(query);
  };
}

class DnsKdcsTest : public ::testing::Test {
 protected:
  DnsKdcs resolver(const ScriptedDns& server) {
    return DnsKdcs({.servers = {{"127.0.0.1", server.port()}}, .random = &random});
  }
  Result<std::vector<KdcAddress>> kdcs(const ScriptedDns& server,
                                       std::string_view realm = "EXAMPLE.TEST") {
    const auto began = std::chrono::steady_clock::now();
    auto found = resolver(server).kdcs(realm, within);
    took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
    return found;
  }
  Result<std::vector<std::string>> addresses(const ScriptedDns& server, std::string_view host) {
    const auto began = std::chrono::steady_clock::now();
    auto found = resolver(server).addresses(host, within);
    took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
    return found;
  }
  template <typename T>
  void expect_unreachable(const Result<T>& found, const char* where) {
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error(), (Error{Errc::kUnreachable, found.error().where, 0, 0}));
    EXPECT_STREQ(found.error().where, where);
  }

  testing::CountingRandom random;
  milliseconds within{3'000};
  milliseconds took{};
};

TEST_F(DnsKdcsTest, QuirkD26_AsksForTcpAndUdpAndPutsThemInOrder) {
  ScriptedDns server([](const Query& query) -> Answers {
    DnsMessage answer(query.octets);
    if (is_tcp_query(query)) {
      answer.srv(20, 0, 88, "second.example.test").srv(10, 0, 1088, "first.example.test");
    } else {
      answer.srv(0, 0, 88, "second.example.test").srv(0, 0, 88, "third.example.test");
    }
    return {answer.bytes()};
  });
  EXPECT_EQ(kdcs(server).value(), (std::vector<KdcAddress>{{"first.example.test", 1088},
                                                           {"second.example.test", 88},
                                                           {"third.example.test", 88}}));
  auto asked = server.asked();
  std::sort(asked.begin(), asked.end());
  EXPECT_EQ(asked, (std::vector<std::string>{"33 _kerberos._tcp.EXAMPLE.TEST",
                                             "33 _kerberos._udp.EXAMPLE.TEST"}));
}

TEST_F(DnsKdcsTest, QuirkD26_UdpAloneIsEnough) {
  ScriptedDns server([](const Query& query) -> Answers {
    if (is_tcp_query(query)) return no_such_name(query);
    return {DnsMessage(query.octets).srv(0, 0, 88, "kdc.example.test").bytes()};
  });
  EXPECT_EQ(kdcs(server).value(), (std::vector<KdcAddress>{{"kdc.example.test", 88}}));
}

TEST_F(DnsKdcsTest, QuirkD26_SilenceAboutUdpIsNotWaitedFor) {
  ScriptedDns server([](const Query& query) -> Answers {
    if (!is_tcp_query(query)) return {};
    return {DnsMessage(query.octets).srv(0, 0, 88, "kdc.example.test").bytes()};
  });
  EXPECT_EQ(kdcs(server).value(), (std::vector<KdcAddress>{{"kdc.example.test", 88}}));
  EXPECT_LT(took, milliseconds(900));
}

TEST_F(DnsKdcsTest, QuirkD26_ADotMeansNone) {
  ScriptedDns server([](const Query& query) -> Answers {
    return {DnsMessage(query.octets).srv(0, 0, 0, "").bytes()};
  });
  expect_unreachable(kdcs(server), "DNS SRV _kerberos._tcp: the realm says that it has none");
}

TEST_F(DnsKdcsTest, QuirkD26_NoRecordIsSaid) {
  ScriptedDns server([](const Query& query) -> Answers {
    if (is_tcp_query(query)) return {DnsMessage(query.octets).bytes()};
    return no_such_name(query);
  });
  expect_unreachable(kdcs(server), "DNS SRV _kerberos._udp: there is no such record");
}

TEST_F(DnsKdcsTest, QuirkD26_NoMoreThanSixteenKdcs) {
  ScriptedDns server([](const Query& query) -> Answers {
    DnsMessage answer(query.octets);
    for (uint16_t i = 1; i <= 40; ++i) answer.srv(i, 0, i, "k");
    return {answer.bytes()};
  });
  const auto found = kdcs(server);
  ASSERT_EQ(found.value().size(), 16u);
  EXPECT_EQ(found.value().back(), (KdcAddress{"k", 16}));
}

TEST_F(DnsKdcsTest, QuirkD26_RecordsThatNameNoHostAreNotTaken) {
  ScriptedDns server(by_tcp_only([](const Query& query) -> Answers {
    return {DnsMessage(query.octets)
                .srv(0, 0, 88, "a b.test")
                .srv(0, 0, 0, "zero.test")
                .srv(0, 0, 88, "good.test")
                .bytes()};
  }));
  EXPECT_EQ(kdcs(server).value(), (std::vector<KdcAddress>{{"good.test", 88}}));
  ScriptedDns bad(by_tcp_only([](const Query& query) -> Answers {
    return {DnsMessage(query.octets).srv(0, 0, 88, "a b.test").bytes()};
  }));
  expect_unreachable(kdcs(bad), "DNS SRV _kerberos._tcp: no record that can be used");
}

TEST_F(DnsKdcsTest, KRC_9_AnAnswerWithAnotherIdIsNotHeard) {
  ScriptedDns server(by_tcp_only([](const Query& query) -> Answers {
    return {DnsMessage(query.octets).id_plus(1).srv(0, 0, 88, "liar.test").bytes(),
            DnsMessage(query.octets).srv(0, 0, 88, "kdc.test").bytes()};
  }));
  EXPECT_EQ(kdcs(server).value(), (std::vector<KdcAddress>{{"kdc.test", 88}}));
}

TEST_F(DnsKdcsTest, KRC_9_AnAnswerToAnotherQuestionIsNotHeard) {
  ScriptedDns server(by_tcp_only([](const Query& query) -> Answers {
    Bytes other = query.octets;
    other[13] ^= 1;  // the first letter
    return {DnsMessage(other).srv(0, 0, 88, "liar.test").bytes(),
            DnsMessage(query.octets).srv(0, 0, 88, "kdc.test").bytes()};
  }));
  EXPECT_EQ(kdcs(server).value(), (std::vector<KdcAddress>{{"kdc.test", 88}}));
}

TEST_F(DnsKdcsTest, QuirkD26_ATruncatedAnswerIsAskedForByTcp) {
  ScriptedDns server(by_tcp_only([](const Query& query) -> Answers {
    if (!query.by_tcp) return {DnsMessage(query.octets).truncated().bytes()};
    DnsMessage answer(query.octets);
    for (uint16_t i = 1; i <= 100; ++i)
      answer.srv(i, 0, 88, "controller" + std::to_string(i) + ".example.test");
    return {answer.bytes()};
  }));
  EXPECT_EQ(kdcs(server).value().front(), (KdcAddress{"controller1.example.test", 88}));
  const auto asked = server.asked();
  EXPECT_NE(std::find(asked.begin(), asked.end(), "33 " + std::string(kTcpName) + " by TCP"),
            asked.end());
}

TEST_F(DnsKdcsTest, QuirkD26_ALargeAnswerIsRefused) {
  ScriptedDns server(by_tcp_only([](const Query& query) -> Answers {
    if (!query.by_tcp) return {DnsMessage(query.octets).truncated().bytes()};
    DnsMessage answer(query.octets);
    for (int i = 0; i < 300; ++i) answer.srv(0, 0, 88, "k");
    return {answer.bytes()};
  }));
  expect_unreachable(kdcs(server), "DNS SRV _kerberos._tcp: the answer is larger than is taken");
  ScriptedDns huge(by_tcp_only([](const Query& query) -> Answers {
    if (!query.by_tcp) return {DnsMessage(query.octets).truncated().bytes()};
    return {
        DnsMessage(query.octets).record("", 16, Bytes(40'000)).srv(0, 0, 88, "kdc.test").bytes()};
  }));
  expect_unreachable(kdcs(huge), "DNS SRV _kerberos._tcp: the answer is larger than is taken");
}

TEST_F(DnsKdcsTest, QuirkD26_AMalformedAnswerIsRefused) {
  ScriptedDns server(by_tcp_only([](const Query& query) -> Answers {
    Bytes answer = DnsMessage(query.octets).srv(0, 0, 88, "kdc.test").bytes();
    answer.resize(answer.size() - 3);
    return {answer};
  }));
  expect_unreachable(kdcs(server), "DNS SRV _kerberos._tcp: the answer is malformed");
}

TEST_F(DnsKdcsTest, QuirkD26_ALoopOfAliasesEnds) {
  ScriptedDns server(by_tcp_only([](const Query& query) -> Answers {
    return {
        DnsMessage(query.octets).cname(query.name, "a.test").cname("a.test", query.name).bytes()};
  }));
  expect_unreachable(kdcs(server), "DNS SRV _kerberos._tcp: there is no such record");
  EXPECT_LT(took, milliseconds(900));
  EXPECT_EQ(server.asked().size(), 2u);
}

TEST_F(DnsKdcsTest, QuirkD26_SilenceEndsWithTheTime) {
  ScriptedDns server([](const Query&) { return Answers(); });
  within = milliseconds(400);
  expect_unreachable(kdcs(server), "DNS SRV _kerberos._tcp: no answer in time");
  EXPECT_GE(took, milliseconds(390));
  EXPECT_LT(took, milliseconds(900));
  within = milliseconds(0);
  expect_unreachable(kdcs(server), "DNS SRV _kerberos._tcp: no answer in time");
  EXPECT_LT(took, milliseconds(200));
}

TEST_F(DnsKdcsTest, QuirkD26_OneCallHasAMostOfItsOwn) {
  ScriptedDns server([](const Query&) { return Answers(); });
  DnsKdcs dns({.servers = {{"127.0.0.1", server.port()}}, .at_most = milliseconds(300)});
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(dns.kdcs("EXAMPLE.TEST", milliseconds(20'000)).has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(900));
  EXPECT_EQ(DnsKdcsConfig{}.at_most, milliseconds(5'000));
}

TEST_F(DnsKdcsTest, QuirkD26_TheNextServerIsAskedWhereOneRefuses) {
  ScriptedDns refuses([](const Query& query) -> Answers {
    return {DnsMessage(query.octets).rcode(DnsMessage::kRefused).bytes()};
  });
  ScriptedDns good(by_tcp_only([](const Query& query) -> Answers {
    return {DnsMessage(query.octets).srv(0, 0, 88, "kdc.test").bytes()};
  }));
  DnsKdcs dns({.servers = {{"127.0.0.1", refuses.port()}, {"127.0.0.1", good.port()}}});
  EXPECT_EQ(dns.kdcs("EXAMPLE.TEST", within).value(), (std::vector<KdcAddress>{{"kdc.test", 88}}));
  expect_unreachable(kdcs(refuses), "DNS SRV _kerberos._tcp: the name server refuses or fails");
}

TEST_F(DnsKdcsTest, QuirkD26_ARealmThatIsNoDomainIsNotAskedFor) {
  ScriptedDns server(no_such_name);
  for (const std::string& realm :
       {std::string(), std::string("A..B"), std::string("A B"), std::string("O=X/C=DE"),
        std::string("A.B."), std::string(64, 'A'), std::string("A\0.TEST", 7)})
    expect_unreachable(kdcs(server, realm),
                       "DNS SRV _kerberos._tcp: not asked, the name is not that of a domain");
  std::string longest;
  while (longest.size() < 236) longest += "A.";
  EXPECT_STRNE(kdcs(server, longest + "BB").error().where,
               "DNS SRV _kerberos._tcp: not asked, the name is not that of a domain");
  const size_t asked = server.asked().size();
  expect_unreachable(kdcs(server, longest + "BBB"),
                     "DNS SRV _kerberos._tcp: not asked, the name is not that of a domain");
  EXPECT_EQ(server.asked().size(), asked);
}

TEST_F(DnsKdcsTest, AServerThatIsNoAddressIsMisuse) {
  for (const DnsServer& server :
       {DnsServer{"localhost"}, DnsServer{""}, DnsServer{"127.0.0.1", 0}, DnsServer{"[::1]"}}) {
    DnsKdcs dns({.servers = {server}});
    const auto found = dns.kdcs("EXAMPLE.TEST", within);
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code, Errc::kApiMisuse);
  }
}

TEST_F(DnsKdcsTest, AFailedRandomSourceIsAnError) {
  ScriptedDns server(by_tcp_only([](const Query& query) -> Answers {
    return {DnsMessage(query.octets).srv(0, 1, 88, "a.test").srv(0, 1, 88, "b.test").bytes()};
  }));
  testing::FixedRandom none;
  DnsKdcs dns({.servers = {{"127.0.0.1", server.port()}}, .random = &none});
  EXPECT_EQ(dns.kdcs("EXAMPLE.TEST", within).error().code, Errc::kInternal);
}

Answers both_families(const Query& query) {
  DnsMessage answer(query.octets);
  if (query.type == DnsMessage::kA) answer.a(FixedBytes<4>{192, 0, 2, 1});
  if (query.type == DnsMessage::kAaaa)
    answer.a(FixedBytes<16>{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  return {answer.bytes()};
}

TEST_F(DnsKdcsTest, QuirkD26_AddressesOfBothFamilies) {
  ScriptedDns server(both_families);
  EXPECT_EQ(addresses(server, "kdc.example.test").value(),
            (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(addresses(server, "kdc.example.test.").value().size(), 2u);
}

TEST_F(DnsKdcsTest, QuirkD26_OneFamilyIsEnough) {
  ScriptedDns server([](const Query& query) {
    return query.type == DnsMessage::kA ? both_families(query) : Answers();
  });
  EXPECT_EQ(addresses(server, "kdc.example.test").value(), std::vector<std::string>{"192.0.2.1"});
  EXPECT_LT(took, milliseconds(900)) << "silence about the other is not waited for";
}

TEST_F(DnsKdcsTest, QuirkD26_NoMoreThanEightAddresses) {
  ScriptedDns server([](const Query& query) -> Answers {
    DnsMessage answer(query.octets);
    if (query.type != DnsMessage::kA) return no_such_name(query);
    for (uint8_t i = 1; i <= 20; ++i) answer.a(FixedBytes<4>{192, 0, 2, i});
    return {answer.bytes()};
  });
  EXPECT_EQ(addresses(server, "kdc.example.test").value().size(), 8u);
}

TEST_F(DnsKdcsTest, QuirkD26_AddressesAreBoundedInTime) {
  ScriptedDns silent([](const Query&) { return Answers(); });
  within = milliseconds(1'000);
  expect_unreachable(addresses(silent, "kdc.example.test"),
                     "DNS A, AAAA of a KDC: no answer in time");
  EXPECT_LT(took, milliseconds(1'900)) << "c-ares itself would take more than two seconds";
}

TEST_F(DnsKdcsTest, QuirkD26_ALoopOfAliasesOfAHostEnds) {
  ScriptedDns server([](const Query& query) -> Answers {
    return {
        DnsMessage(query.octets).cname(query.name, "a.test").cname("a.test", query.name).bytes()};
  });
  ASSERT_FALSE(addresses(server, "kdc.example.test").has_value());
  EXPECT_LT(took, milliseconds(900));
  EXPECT_LE(server.asked().size(), 4u);
}

TEST_F(DnsKdcsTest, KRC_8_NoDomainIsPutBehindAHostWithADot) {
  ScriptedDns server(no_such_name);
  // The system's domain, as far as c-ares is concerned.
  ASSERT_EQ(::setenv("LOCALDOMAIN", "search.test", 1), 0);
  EXPECT_FALSE(addresses(server, "kdc").has_value());
  const auto asked_for_short = server.asked();
  EXPECT_NE(std::find(asked_for_short.begin(), asked_for_short.end(), "1 kdc.search.test"),
            asked_for_short.end());
  expect_unreachable(addresses(server, "kdc.example.test"),
                     "DNS A, AAAA of a KDC: there is no such record");
  ::unsetenv("LOCALDOMAIN");
  const auto asked = server.asked();
  ASSERT_GT(asked.size(), asked_for_short.size());
  for (size_t i = asked_for_short.size(); i < asked.size(); ++i)
    EXPECT_TRUE(asked[i].ends_with(" kdc.example.test")) << asked[i];
}

// Everything is an alias of a host of the attacker's. That of the KDC leads to an address and no further;
// the service's host is not looked up at all.
TEST_F(DnsKdcsTest, KRC_8_P13_AnAliasChangesNoNameThatIsAskedFor) {
  Runtime runtime = Runtime::create().value(), of_kdc = Runtime::create().value();
  testing::FakeKdc kdc(of_kdc, "EXAMPLE.TEST");
  kdc.add_user("alice", "Password1").etypes = {17};
  kdc.add_service("smtp/mail.example.test");
  kdc.add_service("smtp/evil.test");
  std::vector<std::string> of_as_reqs;
  kdc.twist.instead = [&](const mechs::krb5::KdcReq& req) -> std::optional<Bytes> {
    if (req.msg_type == mechs::krb5::MessageType::kAsReq)
      of_as_reqs.push_back(testing::joined(*req.req_body.sname));
    return std::nullopt;
  };
  std::atomic<uint16_t> port = 0;
  ScriptedDns server([&](const Query& query) -> Answers {
    DnsMessage answer(query.octets);
    if (query.type == DnsMessage::kSrv) return {answer.srv(0, 0, port, "kdc.example.test").bytes()};
    answer.cname(query.name, "evil.test");
    if (query.type == DnsMessage::kA)
      answer.record("evil.test", DnsMessage::kA, FixedBytes<4>{127, 0, 0, 1});
    return {answer.bytes()};
  });
  Result<Ticket> ticket = Error{Errc::kInternal, "not asked", 0, 0};
  {
    const tools::testing::KdcServer kdc_server(kdc);
    port = static_cast<uint16_t>(std::stoi(kdc_server.address().substr(10)));
    TicketSettings settings;
    settings.user = "alice@EXAMPLE.TEST";
    settings.password = SecretBytes(std::string_view("Password1"));
    DnsKdcs dns = resolver(server);
    KdcTransport transport(dns);
    const auto request = request_ticket(runtime, make_tickets(std::move(settings)).value(),
                                        "smtp/mail.example.test");
    ticket = get_ticket(*request.value(), transport);
  }
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(ticket.value().service, "smtp/mail.example.test@EXAMPLE.TEST");
  EXPECT_EQ(kdc.asked, std::vector<std::string>{"smtp/mail.example.test"});
  EXPECT_EQ(of_as_reqs, std::vector<std::string>(2, "krbtgt/EXAMPLE.TEST"));
  for (const std::string& asked : server.asked()) {
    EXPECT_TRUE(asked.ends_with(" kdc.example.test") || asked.starts_with("33 _kerberos._"))
        << asked;
  }
}

TEST_F(DnsKdcsTest, AHostThatIsNoNameIsNotAskedFor) {
  ScriptedDns server(both_families);
  for (const std::string_view host : {"", ".", "a b", "a..b", "a/b"})
    expect_unreachable(addresses(server, host),
                       "DNS A, AAAA of a KDC: not asked, the name is not that of a domain");
  EXPECT_TRUE(server.asked().empty());
}

// The transport with names of which nothing else knows.
TEST_F(DnsKdcsTest, QuirkD26_TheTransportLooksNamesUpWithinTheKdcsTime) {
  ScriptedDns silent([](const Query&) { return Answers(); });
  DnsKdcs dns = resolver(silent);
  ConfiguredKdcs configured(&dns);
  configured.add("", {"kdc.example.test", 88});
  KdcTransport transport(configured, {.per_kdc = milliseconds(300)});
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(transport.exchange({"EXAMPLE.TEST", Bytes(1), false}).value().reply, std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(900));
  EXPECT_FALSE(silent.asked().empty());
  EXPECT_FALSE(transport.resolver_error().has_value()) << "there was a KDC to ask";
}

TEST_F(DnsKdcsTest, QuirkD26_WhatIsConfiguredComesBeforeDns) {
  ScriptedDns server(by_tcp_only([](const Query& query) -> Answers {
    return {DnsMessage(query.octets).srv(0, 0, 88, "kdc.test").bytes()};
  }));
  DnsKdcs dns = resolver(server);
  ConfiguredKdcs configured;
  configured.add("OURS.TEST", {"here", 88});
  KdcResolversInTurn turn({&configured, &dns});
  EXPECT_EQ(turn.kdcs("OURS.TEST", within).value(), (std::vector<KdcAddress>{{"here", 88}}));
  EXPECT_TRUE(server.asked().empty());
  EXPECT_EQ(turn.kdcs("EXAMPLE.TEST", within).value(), (std::vector<KdcAddress>{{"kdc.test", 88}}));
  EXPECT_EQ(turn.hosts(), &dns);
}

TEST_F(DnsKdcsTest, QuirkD26_TheTransportSaysWhyThereIsNoKdc) {
  ScriptedDns server(no_such_name);
  DnsKdcs dns = resolver(server);
  KdcTransport transport(dns);
  EXPECT_EQ(transport.exchange({"EXAMPLE.TEST", Bytes(1), false}).value().reply, std::nullopt);
  ASSERT_TRUE(transport.resolver_error().has_value());
  EXPECT_EQ(transport.resolver_error()->code, Errc::kUnreachable);
}

}  // namespace
}  // namespace pocketgss
