// Allocations that fail while a ticket is got (MEM-3), and what that leaves behind (MEM-1).
#include <gtest/gtest.h>
#include <pocketgss/tickets.h>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/kdc_policy.h"
#include "mechs/krb5/keytab.h"
#include "mechs/krb5/principal.h"
#include "tests/fakes/fake_kdc.h"
#include "tests/lib/support/kerberos_settings.h"
#include "tests/support/allocations.h"
#include "tests/support/sanitized.h"

namespace pocketgss {
namespace {

namespace krb5 = mechs::krb5;
using testing::FailingAllocations;
using testing::FakeClock;
using testing::FakeKdc;
using testing::FreedSecrets;
using testing::OthersAllocations;
using testing::PaintedStack;
using testing::SeededRandom;

constexpr const char* kService = "smtp/mail.example.test";
constexpr std::string_view kWord = "Password1 of alice";
constexpr std::string_view kSalt = "EXAMPLE.TESTalice";

// Realm is a KDC, which has memory enough and is not watched, and a user of it.
struct Realm {
  Realm() {
    const OthersAllocations of_the_kdc;
    kdc.add_user("alice", std::string(kWord)).etypes = {17};
    kdc.add_service(kService);
  }
  ~Realm() {
    const OthersAllocations of_the_kdc;
    kdc.users.clear();
  }
  ExchangeAnswer carried(const NeedExchange& need) {
    const OthersAllocations of_the_kdc;
    requests.push_back(need.request);
    return {kdc.handle(need.request)};
  }

  FakeClock clock{krb5::KdcPolicy{}.clock_floor + UnixMicros{86'400} * 1'000'000};
  SeededRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  FakeKdc kdc{runtime, "EXAMPLE.TEST"};
  std::vector<Bytes> requests;
};

enum class Proof : uint8_t { kPassword, kKeytab, kCcache };

TicketSettings settings_for(Realm& realm, Proof proof);

// Got is what came of it; `stack` is where the library's calls run, or none.
struct Got {
  std::shared_ptr<TicketSource> tickets;
  std::optional<Result<TicketRequest::Step>> step;
  std::optional<Error> error;  // of what is made before the first step
};

template <typename Run>
Got get(Realm& realm, TicketSettings settings, const Run& run) {
  Got out;
  std::unique_ptr<TicketRequest> request;
  run([&] {
    auto tickets = make_tickets(std::move(settings));
    if (!tickets.has_value()) {
      out.error = tickets.error();
      return;
    }
    out.tickets = std::move(tickets).value();
    auto made = request_ticket(realm.runtime, out.tickets, kService);
    if (!made.has_value()) {
      out.error = made.error();
      return;
    }
    request = std::move(made).value();
    out.step.emplace(request->start());
  });
  while (out.step && out.step->has_value()) {
    const auto* need = std::get_if<NeedExchange>(&out.step->value());
    if (need == nullptr) break;
    ExchangeAnswer answer = realm.carried(*need);
    run([&] { out.step.emplace(request->resume(std::move(answer))); });
  }
  if (out.step && !out.step->has_value()) {
    const OthersAllocations of_the_test;
    EXPECT_EQ(request->resume({}).error(), out.step->error()) << "it stays refused";
    EXPECT_EQ(request->start().error(), out.step->error());
  }
  return out;
}
Got get(Realm& realm, TicketSettings settings) {
  return get(realm, std::move(settings), [](const auto& call) { call(); });
}

TicketSettings settings_for(Realm& realm, Proof proof) {
  TicketSettings out;
  out.user = "alice@EXAMPLE.TEST";
  switch (proof) {
    case Proof::kPassword:
      out.password = SecretBytes(kWord);
      break;
    case Proof::kKeytab: {
      const krb5::Principal user = krb5::parse_principal(out.user, "").value();
      const krb5::Key key =
          krb5::string_to_key(realm.runtime.crypto(), krb5::Etype::kAes128CtsHmacSha1,
                              as_bytes(kWord), as_bytes(kSalt), 4096)
              .value();
      krb5::KeytabEntry entry;
      entry.principal = user.view();
      entry.etype = 17;
      entry.key = key.view();
      entry.set_kvno(1);
      out.keytab = krb5::write_keytab({&entry, 1}).value();
      break;
    }
    case Proof::kCcache:
      out.ccache = write_ccache(*get(realm, settings_for(realm, Proof::kPassword)).tickets).value();
      break;
  }
  return out;
}

bool is_ticket(const Got& got) {
  return got.step && got.step->has_value() && std::holds_alternative<Ticket>(got.step->value());
}

std::string name_of(const ::testing::TestParamInfo<Proof>& of) {
  return of.param == Proof::kPassword ? "Password"
         : of.param == Proof::kKeytab ? "Keytab"
                                      : "Ccache";
}

class TicketsMemoryTest : public ::testing::TestWithParam<Proof> {};
INSTANTIATE_TEST_SUITE_P(By, TicketsMemoryTest,
                         ::testing::Values(Proof::kPassword, Proof::kKeytab, Proof::kCcache),
                         name_of);

TEST_P(TicketsMemoryTest, MEM_3_EveryAllocationThatFailsIsNoMemoryAndNoTicket) {
  size_t n = 1;
  for (bool reached = true; reached; ++n) {
    ASSERT_LT(n, 2000U) << "no end of allocations";
    Realm realm;
    TicketSettings settings = settings_for(realm, GetParam());
    Got got;
    {
      const FailingAllocations failing(n);
      got = get(realm, std::move(settings));
      reached = failing.reached();
    }
    ASSERT_NE(is_ticket(got), reached) << n;
    if (!reached) break;
    const Error error = got.error ? *got.error : got.step->error();
    EXPECT_EQ(error.code, Errc::kNoMemory) << n << ": " << describe(error);
  }
  EXPECT_GT(n, 10U) << "so few allocations that nothing was tested";
}

TEST(TicketsMemory, MEM_3_TicketsAreWrittenAndForgottenWholeOrNotAtAll) {
  for (size_t n = 1;; ++n) {
    ASSERT_LT(n, 100U);
    Realm realm;
    const Got got = get(realm, settings_for(realm, Proof::kPassword));
    ASSERT_TRUE(is_ticket(got));
    bool reached = false;
    std::optional<Error> written, forgotten;
    {
      const FailingAllocations failing(n);
      const auto file = write_ccache(*got.tickets);
      if (!file.has_value()) written = file.error();
      const auto forget = forget_ticket(*got.tickets, kService);
      if (!forget.has_value()) forgotten = forget.error();
      reached = failing.reached();
    }
    EXPECT_EQ(written || forgotten, reached) << n;
    if (!reached) break;
    for (const auto& error : {written, forgotten}) {
      EXPECT_EQ(error.value_or(Error{Errc::kNoMemory, "", 0, 0}).code, Errc::kNoMemory) << n;
    }
  }
}

// What the user and the KDC have between them.
std::vector<Bytes> known_secrets(Proof proof) {
  Realm realm;
  const Got got = get(realm, settings_for(realm, proof));
  EXPECT_TRUE(is_ticket(got));
  return testing::kdc_secrets(realm.runtime, *got.tickets, kWord, kSalt, realm.requests);
}

// How a KDC may lie in its last reply.
void break_nonce(FakeKdc& kdc) {
  kdc.twist.part = [](krb5::EncKdcRepPart& part) {
    if (part.of == krb5::MessageType::kTgsRep) part.nonce = krb5::UInt32(part.nonce.bits() ^ 1);
  };
}

TEST_P(TicketsMemoryTest, MEM_1_P22_NoFreedBlockHoldsASecret) {
  const std::vector<Bytes> secrets = known_secrets(GetParam());
  for (const bool honest : {true, false}) {
    const FreedSecrets freed(secrets);
    {
      Realm realm;
      TicketSettings settings = settings_for(realm, GetParam());
      if (!honest) break_nonce(realm.kdc);
      EXPECT_EQ(is_ticket(get(realm, std::move(settings))), honest || GetParam() == Proof::kCcache);
    }
    EXPECT_EQ(freed.found(), 0u) << honest;
    EXPECT_GT(freed.looked(), 10u);
  }
}

TEST_P(TicketsMemoryTest, MEM_1_P22_TheStackHoldsNoSecret) {
  if (testing::kSanitized) GTEST_SKIP() << "the frames are the sanitizer's";
  const std::vector<Bytes> secrets = known_secrets(GetParam());
  for (const bool honest : {true, false}) {
    Realm realm;
    TicketSettings settings = settings_for(realm, GetParam());
    if (!honest) break_nonce(realm.kdc);
    PaintedStack stack;
    get(realm, std::move(settings), [&](const auto& call) {
      stack.run([&] { call(); });
      for (size_t i = 0; i < secrets.size(); ++i) {
        EXPECT_FALSE(stack.holds(secrets[i])) << "secret " << i << (honest ? "" : ", refused");
      }
    });
  }
}

}  // namespace
}  // namespace pocketgss
