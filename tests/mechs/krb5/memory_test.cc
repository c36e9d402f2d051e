// Allocations that fail in the exchange between initiator and acceptor (MEM-3). That of the KDC is in
// kdc_client_test.cc, whole logins are in tests/lib/failure_test.cc.
#include <gtest/gtest.h>

#include <new>

#include "tests/mechs/krb5/exchange.h"
#include "tests/support/allocations.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::FailingAllocations;
using testing::Exchange;

bool failed(const Mechanism& side) {
  return std::string_view(side.state_name()) == "Failed";
}

// logged_in: did both sides say so? The two alone allocate in it.
bool logged_in(Exchange& x) {
  const auto ap_req = step(*x.client, {});
  if (!ap_req.has_value()) return false;
  const auto ap_rep = step(*x.server, std::get<Continue>(ap_req.value()).token);
  if (!ap_rep.has_value()) return false;
  return step(*x.client, *std::get<Complete>(ap_rep.value()).token).has_value();
}

TEST(KerberosMemory, MEM_3_WhicheverAllocationFailsNobodyIsIn) {
  size_t n = 1;
  for (bool reached = true; reached; ++n) {
    ASSERT_LT(n, 200u);
    Exchange x;
    x.start();
    bool both = false;
    {
      const FailingAllocations failing(n);
      try {
        both = logged_in(x);
      } catch (const std::bad_alloc&) {  // which the layer above turns into kNoMemory
      }
      reached = failing.reached();
    }
    EXPECT_NE(both, reached) << n;
    if (!reached) break;
    ASSERT_TRUE(failed(*x.server) != failed(*x.client)) << n;
    Mechanism& side = failed(*x.server) ? *x.server : *x.client;
    EXPECT_EQ(step(side, {}).error().code, Errc::kNoMemory) << n;
  }
  EXPECT_GT(n, 5u);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
