// What tests of the AS exchange share: a client and a KDC of the tests' own, honest and hostile.
#ifndef PGSS_TESTS_MECHS_KRB5_AS_EXCHANGE_FIXTURE_H_
#define PGSS_TESTS_MECHS_KRB5_AS_EXCHANGE_FIXTURE_H_

#include <gtest/gtest.h>

#include "mechs/krb5/as_exchange.h"
#include "mechs/krb5/names.h"
#include "mechs/krb5/times.h"
#include "tests/fakes/fake_kdc.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"

namespace pocketgss::mechs::krb5 {

using testing::CountingRandom;
using testing::FakeClock;
using testing::FakeKdc;
using testing::FakeRealms;
using testing::joined;
using testing::WireName;

inline constexpr UnixMicros kHour = 3600 * kSecond;

inline Principal user(std::string_view name, std::string_view realm = "EXAMPLE.TEST",
                      int32_t type = name_type::kPrincipal) {
  Principal out(type, realm);
  out.add(name);
  return out;
}

class AsExchangeTest : public ::testing::Test {
 protected:
  AsExchangeTest() {
    realms.add(kdc);
    kdc.add_user("alice", "Password1");
    secret.password = SecretBytes(std::string_view("Password1"));
    only(Etype::kAes128CtsHmacSha1);  // the quickest
  }
  void only(Etype etype) {
    policy.etypes = {etype};
    kdc.users["alice"].etypes = {static_cast<int32_t>(etype)};
  }

  // run carries messages until there is an end.
  Result<ServiceCredential> run(AsExchange& exchange) {
    auto answer = exchange.start();
    for (;;) {
      if (!answer.has_value()) return answer.error();
      if (auto* done = std::get_if<ServiceCredential>(&answer.value())) return std::move(*done);
      const auto& need = std::get<NeedExchange>(answer.value());
      sent.push_back(need.request);
      by_stream.push_back(need.stream_only);
      answer = exchange.resume({realms.carry(need.realm, need.request)});
    }
  }
  Result<ServiceCredential> login(const Principal& client = user("alice")) {
    AsExchange exchange(runtime, policy, client, secret);
    auto result = run(exchange);
    proof_sent = exchange.proof_sent();
    return result;
  }
  // refused logs in, and gives the error.
  Error refused(const Principal& client = user("alice")) {
    const auto result = login(client);
    if (result.has_value()) {
      ADD_FAILURE() << "a ticket was taken";
      return {};
    }
    return result.error();
  }
  // Nothing that the password made has left.
  void expect_nothing_of_the_password() {
    EXPECT_FALSE(proof_sent);
    EXPECT_EQ(kdc.timestamps, 0);
  }

  FakeClock clock{KdcPolicy{}.clock_floor + 24 * kHour};
  CountingRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  KdcPolicy policy;
  FakeKdc kdc{runtime, "EXAMPLE.TEST"};
  FakeRealms realms;
  ClientSecret secret;
  std::vector<Bytes> sent;
  std::vector<bool> by_stream;
  bool proof_sent = false;
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_TESTS_MECHS_KRB5_AS_EXCHANGE_FIXTURE_H_
