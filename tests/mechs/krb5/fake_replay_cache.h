// FakeReplayCache: a replay cache whose verdict a test can set.
#ifndef PGSS_TESTS_MECHS_KRB5_FAKE_REPLAY_CACHE_H_
#define PGSS_TESTS_MECHS_KRB5_FAKE_REPLAY_CACHE_H_

#include <optional>
#include <set>

#include "mechs/krb5/replay_cache.h"

namespace pocketgss::mechs::krb5::testing {

class FakeReplayCache final : public ReplayCache {
 public:
  Verdict add(const AuthenticatorTag& tag, UnixMicros, UnixMicros) override {
    if (!seen_.insert(tag).second) return Verdict::kReplay;
    return verdict.value_or(Verdict::kNew);
  }
  size_t size() const { return seen_.size(); }

  std::optional<Verdict> verdict;  // of an authenticator that is new

 private:
  std::set<AuthenticatorTag> seen_;
};

}  // namespace pocketgss::mechs::krb5::testing

#endif  // PGSS_TESTS_MECHS_KRB5_FAKE_REPLAY_CACHE_H_
