// The states of a context, and the boundary at which exceptions end.
#include "lib/mechanism_context.h"

#include <utility>

#include "base/guard.h"

namespace pocketgss {
namespace {

constexpr char kWhere[] = "context";

Error misuse(const char* what) {
  return Error{Errc::kApiMisuse, what, 0, 0};
}

}  // namespace

// negotiating gives the exchange that is under way.
Result<MechanismContext::Negotiating*> MechanismContext::negotiating() {
  if (const auto* failed = std::get_if<Failed>(&state_)) return failed->error;
  auto* const negotiating = std::get_if<Negotiating>(&state_);
  if (negotiating == nullptr) return misuse("the context is established");
  return negotiating;
}

// advance moves to the state that a call to the mechanism leads to.
Result<ContextStep> MechanismContext::advance(Negotiating& negotiating,
                                              Result<mechs::Step> result) {
  if (!result.has_value()) return fail(result.error(), negotiating.mechanism->take_error_token());

  mechs::Step& step = result.value();
  negotiating.asked = Asked::kNothing;
  if (auto* go_on = std::get_if<Continue>(&step)) return std::move(*go_on);
  if (auto* exchange = std::get_if<NeedExchange>(&step)) {
    negotiating.asked = Asked::kExchange;
    return std::move(*exchange);
  }
  if (auto* account = std::get_if<NeedAccount>(&step)) {
    negotiating.asked = Asked::kAccount;
    return std::move(*account);
  }
  return establish(std::move(*std::get_if<mechs::Complete>(&step)));
}

// turn refuses a call out of turn before the mechanism hears of it, which would fail for ever. A
// look-up of an account that answers with something else knows nobody (row NTL-10): the mechanism
// refuses it.
Result<MechanismContext::Negotiating*> MechanismContext::turn(bool resumes, bool with_account) {
  PGSS_TRY(Negotiating* const current, negotiating());
  const Asked asked = current->asked;
  if (resumes != (asked != Asked::kNothing)) return misuse("a call out of turn");
  if (asked == Asked::kExchange && with_account) return misuse("another answer was asked for");
  return current;
}

// establish cannot fail: everything is moved.
Result<ContextStep> MechanismContext::establish(mechs::Complete&& complete) {
  proof_sent_ = proof_sent();
  mechanism_name_ = complete.protection->info.mechanism;
  state_.emplace<Protecting>(std::move(complete.protection), complete.peer_error);
  return Established{std::move(complete.token), complete.token_replaceable};
}

Error MechanismContext::fail(Error error, Bytes token) {
  proof_sent_ = proof_sent();
  mechanism_name_ = mechanism_name();
  state_.emplace<Failed>(error, std::move(token));
  return error;
}

void MechanismContext::end() {
  fail(Error{Errc::kInternal, "context is gone", 0, 0});
}

Bytes MechanismContext::take_error_token() {
  auto* const failed = std::get_if<Failed>(&state_);
  return failed != nullptr ? std::exchange(failed->token, {}) : Bytes();
}

Result<ContextStep> MechanismContext::step(ByteView peer_token) {
  PGSS_TRY(Negotiating* const current, turn(false, false));
  return advance(*current, guarded(kWhere, [&] { return current->mechanism->step(peer_token); }));
}

Result<ContextStep> MechanismContext::resume(Answer answer) {
  PGSS_TRY(Negotiating* const current, turn(true, std::holds_alternative<AccountAnswer>(answer)));
  return advance(*current,
                 guarded(kWhere, [&] { return current->mechanism->resume(std::move(answer)); }));
}

Result<ContextStep> MechanismContext::peer_done() {
  if (established()) return Established{};
  PGSS_TRY(Negotiating* const current, turn(false, false));
  return advance(*current, guarded(kWhere, [&] { return current->mechanism->peer_done(); }));
}

bool MechanismContext::proof_sent() const {
  const auto* const negotiating = std::get_if<Negotiating>(&state_);
  if (negotiating == nullptr || negotiating->mechanism == nullptr) return proof_sent_;
  return negotiating->mechanism->proof_sent();
}

const char* MechanismContext::mechanism_name() const {
  const auto* const negotiating = std::get_if<Negotiating>(&state_);
  if (negotiating == nullptr || negotiating->mechanism == nullptr) return mechanism_name_;
  return negotiating->mechanism->mechanism_name();
}

const char* MechanismContext::state_name() const {
  if (established()) return "Established";
  const auto* const negotiating = std::get_if<Negotiating>(&state_);
  return negotiating != nullptr ? negotiating->mechanism->state_name() : "Failed";
}

const ContextInfo& MechanismContext::info() const {
  static const ContextInfo kNone;
  const auto* const protecting = std::get_if<Protecting>(&state_);
  return protecting != nullptr ? protecting->protection->info : kNone;
}

Result<mechs::MessageProtection*> MechanismContext::protection() const {
  if (const auto* failed = std::get_if<Failed>(&state_)) return failed->error;
  const auto* const protecting = std::get_if<Protecting>(&state_);
  if (protecting == nullptr) return misuse("the context is not established");
  return protecting->protection.get();
}

// peer_error: the peer's account of why it refuses what made this context, as Mechanism::peer_error().
std::optional<Error> MechanismContext::peer_error(ByteView token) const {
  const auto* const protecting = std::get_if<Protecting>(&state_);
  if (protecting == nullptr || protecting->peer_error == nullptr) return std::nullopt;
  return protecting->peer_error(token);
}

size_t MechanismContext::wrap_size(size_t message_size) const {
  const auto usable = protection();
  if (!usable.has_value() || !usable.value()->can_mic()) return 0;
  return usable.value()->wrap_size(message_size);
}

size_t MechanismContext::mic_size() const {
  const auto usable = protection();
  return usable.has_value() && usable.value()->can_mic() ? usable.value()->mic_size() : 0;
}

Result<size_t> MechanismContext::wrap(ByteView message, bool confidential, MutableBytes out) {
  PGSS_TRY(auto* const usable, protection());
  return guarded(kWhere, [&] { return usable->wrap(message, confidential, out); });
}

Result<Context::Unwrapped> MechanismContext::unwrap(ByteView token, MutableBytes out) {
  PGSS_TRY(auto* const usable, protection());
  return guarded(kWhere, [&]() -> Result<Unwrapped> {
    const auto message = usable->unwrap(token, out);
    if (!message.has_value()) return peer_error(token).value_or(message.error());
    // It has taken what made this context.
    if (auto* const protecting = std::get_if<Protecting>(&state_)) protecting->peer_error = nullptr;
    return Unwrapped{message.value().size, message.value().confidential};
  });
}

Result<size_t> MechanismContext::mic(ByteView message, MutableBytes out) {
  PGSS_TRY(auto* const usable, protection());
  return guarded(kWhere, [&] { return usable->mic(message, out); });
}

Result<void> MechanismContext::verify_mic(ByteView message, ByteView mic) {
  PGSS_TRY(auto* const usable, protection());
  return guarded(kWhere, [&] { return usable->verify_mic(message, mic); });
}

Result<void> MechanismContext::pseudo_random(PrfKey key, ByteView input, MutableBytes out) {
  PGSS_TRY(auto* const usable, protection());
  if (out.size() > kMaxPseudoRandomSize) return misuse("pseudo_random(): `out` is too large");
  return guarded(kWhere, [&] { return usable->pseudo_random(key, input, out); });
}

Result<ByteView> MechanismContext::session_key() const {
  PGSS_TRY(const auto* const usable, protection());
  return usable->session_key();
}

}  // namespace pocketgss
