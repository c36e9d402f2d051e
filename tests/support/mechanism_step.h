// One call to a mechanism, and what came of it as a test looks at it: an alternative for each kind of
// Step. In the namespace of Mechanism, by which step(), resume() and peer_done() are found.
#ifndef PGSS_TESTS_SUPPORT_MECHANISM_STEP_H_
#define PGSS_TESTS_SUPPORT_MECHANISM_STEP_H_

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "mechs/mechanism.h"

namespace pocketgss::mechs {

// Complete is Step::Kind::kEstablished, and the protection that was then taken.
struct Complete {
  std::optional<Bytes> token;
  std::unique_ptr<MessageProtection> protection;
  bool token_replaceable = false;
};

using MechanismStep = std::variant<Continue, NeedExchange, NeedAccount, Complete>;

// fits: no token is left in `step` where its kind has none. (has_token counts in kEstablished only.
// `exchange` and `account` of another kind mean nothing: a mechanism that failed may have left them.)
inline bool fits(const Step& step) {
  using Kind = Step::Kind;
  const bool sends =
      step.kind == Kind::kContinue || (step.kind == Kind::kEstablished && step.has_token);
  return (sends || step.token.empty()) &&
         (step.kind == Kind::kEstablished || !step.token_replaceable);
}

// called makes one call with a Step of its own. A Step that does not fit is an error that no mechanism
// returns.
template <typename Call>
Result<MechanismStep> called(Mechanism& mechanism, Call call) {
  Step next;
  PGSS_CHECK(call(next));
  if (!fits(next)) return Error{Errc::kInternal, "a Step that holds what is not of its kind", 0, 0};
  switch (next.kind) {
    case Step::Kind::kContinue:
      return MechanismStep(Continue{std::move(next.token)});
    case Step::Kind::kExchange:
      return MechanismStep(std::move(next.exchange));
    case Step::Kind::kAccount:
      return MechanismStep(std::move(next.account));
    case Step::Kind::kEstablished:
      break;
  }
  Complete out{std::nullopt, mechanism.take_protection(), next.token_replaceable};
  if (out.protection == nullptr) return Error{Errc::kInternal, "no MessageProtection", 0, 0};
  if (next.has_token) out.token = std::move(next.token);
  return MechanismStep(std::move(out));
}

inline Result<MechanismStep> step(Mechanism& mechanism, ByteView peer_token) {
  return called(mechanism, [&](Step& next) { return mechanism.step(peer_token, next); });
}
inline Result<MechanismStep> resume(Mechanism& mechanism, Answer answer) {
  return called(mechanism, [&](Step& next) { return mechanism.resume(std::move(answer), next); });
}
inline Result<MechanismStep> peer_done(Mechanism& mechanism) {
  return called(mechanism, [&](Step& next) { return mechanism.peer_done(next); });
}

}  // namespace pocketgss::mechs

#endif  // PGSS_TESTS_SUPPORT_MECHANISM_STEP_H_
