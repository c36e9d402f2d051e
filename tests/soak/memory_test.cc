// What connections make `serve` hold before they have logged in (SMT-14): the most that each of them
// can leave unfinished, for a number of them and twice that.
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

#include <pocketgss/base64.h>

#include "mechs/oids.h"
#include "tests/soak/counted_serve.h"

namespace pocketgss::tools {
namespace {

using testing::CountedServe;
using testing::Held;
using testing::RawClient;

constexpr long kBound = 256;  // KiB a connection, docs/policy.md
constexpr int kConnections = 120;
constexpr size_t kAuthLine = 87'382;  // SmtpLimits::auth_line
constexpr const char* kNegotiate = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAGAbEdAAAADw==";

Bytes element(uint8_t tag, ByteView contents) {
  Bytes out{tag};
  const size_t size = contents.size();
  if (size >= 0x100) {
    append(out, Bytes{0x82, static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)});
  } else {
    append(out, Bytes{0x81, static_cast<uint8_t>(size)});
    if (size < 0x80) out.erase(out.begin() + 1);
  }
  append(out, contents);
  return out;
}

Bytes joined(Bytes first, ByteView second) {
  append(first, second);
  return first;
}

// large_neg_token_init is nearly as large as a token may be, and the acceptor keeps most of it: its
// mechListMIC will cover the whole list of mechanisms.
Bytes large_neg_token_init() {
  Bytes mechanisms = element(0x06, mechs::kNtlmOid.der);
  for (int i = 0; i < 31; ++i) append(mechanisms, element(0x06, Bytes(2'048, 0x2a)));
  const Bytes list = element(0xa0, element(0x30, mechanisms));
  const Bytes token = element(0xa2, element(0x04, base64_decode(kNegotiate).value()));
  const Bytes init = element(0xa0, element(0x30, joined(list, token)));
  return element(0x60, joined(element(0x06, mechs::kSpnegoOid.der), init));
}

// waits_in_auth sends a login up to the end of its second token, less the line's end.
void waits_in_auth(RawClient& client) {
  client.command("EHLO c");
  const std::string reply = client.command("AUTH GSSAPI " + base64_encode(large_neg_token_init()));
  ASSERT_TRUE(reply.starts_with("334 ")) << reply;
  client.send(std::string(kAuthLine - 2, 'A'));
}

void starts_tls(RawClient& client) {
  client.command("EHLO c");
  ASSERT_TRUE(client.command("STARTTLS").starts_with("220 "));
}

void waits_in_clear(RawClient& client) {
  client.reply();
  waits_in_auth(client);
}

// waits_in_tls adds a record of 16 KiB whose last octet does not come.
void waits_in_tls(RawClient& client) {
  client.reply();
  starts_tls(client);
  ASSERT_TRUE(client.start_tls(TrustStore::from_file(PGSS_TEST_DATA "/ca.pem").value()));
  waits_in_auth(client);
  static_cast<void>(client.tls()->send(Bytes(16 * 1024, 'A')));
  Bytes record = client.tls()->take_output();
  record.pop_back();
  client.send_raw(record);
}

// waits_in_handshake sends records of a ClientHello of nearly 64 KiB, which does not end.
void waits_in_handshake(RawClient& client) {
  client.reply();
  starts_tls(client);
  Bytes message{0x01, 0x00, 0xff, 0x00, 0x03, 0x03};
  message.resize(62 * 1024, 0x5a);
  for (size_t at = 0; at < message.size(); at += 16 * 1024) {
    const ByteView part =
        ByteView(message).from(at).prefix(std::min<size_t>(16 * 1024, message.size() - at));
    client.send_raw(joined(Bytes{0x16, 0x03, 0x01, static_cast<uint8_t>(part.size() >> 8),
                                 static_cast<uint8_t>(part.size())},
                           part));
  }
}

// expect_bounded opens connections, and as many again, and measures.
void expect_bounded(const char* what, bool with_tls, const std::function<void(RawClient&)>& wait) {
  CountedServe counted;
  ASSERT_TRUE(counted.start(with_tls)) << counted.serve.log();
  std::vector<std::unique_ptr<RawClient>> open;
  const auto add = [&](int count) {
    for (int i = 0; i < count; ++i) {
      open.push_back(std::make_unique<RawClient>(counted.serve.port()));
      wait(*open.back());
    }
    counted.all_read();
  };
  add(10);  // what is loaded and made once
  const Held some = counted.held();
  add(kConnections);
  const Held many = counted.held();
  add(kConnections);
  const Held twice = counted.held();
  const long first = (many.resident_kib - some.resident_kib) / kConnections;
  const long second = (twice.resident_kib - many.resident_kib) / kConnections;
  std::printf("[ FIGURES  ] %s: %ld KiB a connection with %d, %ld KiB with %d more\n", what, first,
              kConnections, second, kConnections);
  EXPECT_EQ(twice.descriptors - some.descriptors, 2u * kConnections) << "the server closed some";
  EXPECT_LE(first, kBound);
  EXPECT_LE(second, kBound);
  EXPECT_NEAR(static_cast<double>(second), static_cast<double>(first), 0.1 * kBound);
  open.resize(10);
  const Held again = counted.held(some.descriptors);
  // Of each socket that was open at once Asio keeps one block for the next one.
  EXPECT_LE(again.blocks - some.blocks, 2 * kConnections + 16);
  EXPECT_LT((again.resident_kib - some.resident_kib) * 10, twice.resident_kib - some.resident_kib);
}

TEST(SoakMemory, SMT_14_AnUnfinishedLoginInClear) {
  expect_bounded("login in clear", false, waits_in_clear);
}

TEST(SoakMemory, SMT_14_AnUnfinishedLoginOverTls) {
  expect_bounded("login over TLS", true, waits_in_tls);
}

TEST(SoakMemory, SMT_14_AnUnfinishedTlsHandshake) {
  expect_bounded("TLS handshake", true, waits_in_handshake);
}

}  // namespace
}  // namespace pocketgss::tools
