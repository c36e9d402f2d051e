// Row KRA-15: whatever a heap and a stack hold, the same octets are sent. Everything that has a say
// in them is fixed, so that an octet which nobody wrote is the one that can differ.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstring>

#include "mechs/krb5/kdc_client.h"
#include "mechs/krb5/times.h"
#include "tests/fakes/fake_kdc.h"
#include "tests/mechs/krb5/exchange.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::FakeKdc;
using testing::Exchange;

// fill_stack leaves `octet` where the next calls have their frames.
[[gnu::noinline]] void fill_stack(uint8_t octet) {
  volatile uint8_t space[64 << 10];
  for (volatile uint8_t& each : space) each = octet;
}

// Filled makes malloc() fill what it gives. A sanitizer's own allocator takes no notice; its builds
// look for the same in other ways.
class Filled {
 public:
  explicit Filled(uint8_t octet) : octet_(octet) {
    mallopt(M_PERTURB, static_cast<uint8_t>(~octet));  // malloc() fills with its complement; 0: not
    fill_stack(octet);
  }
  ~Filled() { mallopt(M_PERTURB, 0); }
  Filled(const Filled&) = delete;
  Filled& operator=(const Filled&) = delete;
  void again() const { fill_stack(octet_); }

 private:
  uint8_t octet_;
};

Bytes ap_tokens(Etype etype, const Filled& fill) {
  Exchange x(etype);
  x.start();
  fill.again();
  x.make_ap_req().value();
  fill.again();
  x.verdict().value();
  x.take_ap_rep().value();
  Bytes out = x.ap_req;
  append(out, x.ap_rep);
  for (const int kind : {0, 1, 2}) {
    const Bytes message(30, 0x42);
    mechs::MessageProtection& sender = *x.client_done.protection;
    const size_t size = kind == 2 ? sender.mic_size() : sender.wrap_size(message.size());
    const std::unique_ptr<uint8_t[]> memory(new uint8_t[size]);  // as malloc() gives it
    const MutableBytes token(memory.get(), size);
    fill.again();
    const size_t written =
        (kind == 2 ? sender.mic(message, token) : sender.wrap(message, kind == 0, token)).value();
    append(out, ByteView(token).prefix(written));
  }
  return out;
}

// What an acceptor says of a clock that is wrong.
Bytes error_token(const Filled& fill) {
  Exchange x;
  x.start();
  x.make_ap_req().value();
  x.clock.advance(3600 * kSecond);
  fill.again();
  x.verdict().value();
  EXPECT_FALSE(x.krb_error.empty());
  return x.krb_error;
}

Bytes kdc_requests(const Filled& fill) {
  testing::FakeClock clock{KdcPolicy{}.clock_floor + 86400 * kSecond};
  testing::CountingRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  FakeKdc kdc{runtime, "EXAMPLE.TEST"};
  kdc.add_user("alice", "Password1").etypes = {17};
  kdc.add_service("smtp/mail.example.test");
  ClientSecret secret;
  secret.password = SecretBytes(std::string_view("Password1"));
  KdcClientConfig config;
  config.clients = client_names("alice", "EXAMPLE.TEST").value();
  config.services = service_names("smtp", "mail.example.test", "").value();
  config.secret = &secret;
  config.policy.etypes = {Etype::kAes128CtsHmacSha1};
  auto source = make_kdc_client(runtime, config).value();
  fill.again();
  auto answer = source->start();
  Bytes out;
  int requests = 0;
  while (const auto* need = std::get_if<NeedExchange>(&answer.value())) {
    append(out, need->request);
    ++requests;
    const Bytes reply = kdc.handle(need->request);
    fill.again();
    answer = source->resume({reply});
  }
  EXPECT_EQ(requests, 3);
  return out;
}

TEST(KerberosTokens, KRA_15_AreTheSameOnAnyHeapAndStack) {
  std::vector<Bytes> sent;
  for (const uint8_t octet : {uint8_t{0x00}, uint8_t{0xfe}, uint8_t{0x5a}}) {
    const Filled fill(octet);
    Bytes all = kdc_requests(fill);
    for (const Etype etype : testing::every_etype()) append(all, ap_tokens(etype, fill));
    append(all, error_token(fill));
    sent.push_back(all);
  }
  EXPECT_GT(sent[0].size(), 2000u);
  EXPECT_EQ(sent[0], sent[1]);
  EXPECT_EQ(sent[0], sent[2]);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
