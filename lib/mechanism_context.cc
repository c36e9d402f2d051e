// The states of a context. What a step runs ends here with its exceptions.
#include "lib/mechanism_context.h"

#include <utility>

#include "base/guard.h"
#include "base/immortal.h"

namespace pocketgss {
namespace {

constexpr char kWhere[] = "context";

constinit const Immortal<ContextInfo> kNoInfo;

Error misuse(const char* what) {
  return Error{Errc::kApiMisuse, what, 0, 0};
}

}  // namespace

// check_turn refuses a call out of turn before the mechanism hears of it, which would fail for ever. A
// look-up of an account that answers with something else knows nobody (row NTL-10): the mechanism
// refuses it.
Result<void> MechanismContext::check_turn(const Answer* answer) const {
  if (protection_ != nullptr) return misuse("the context is established");
  if (mechanism_ == nullptr) return failure_;
  if ((answer != nullptr) != (asked_ != Kind::kContinue)) return misuse("a call out of turn");
  if (asked_ == Kind::kExchange && std::holds_alternative<AccountAnswer>(*answer)) {
    return misuse("another answer was asked for");
  }
  return {};
}

// advance tells the mechanism the peer's token, or the answer, or, without either, that the peer is
// satisfied, and moves to the state that this leads to.
Result<ContextStep> MechanismContext::advance(const ByteView* peer_token, Answer* answer) {
  PGSS_CHECK(check_turn(answer));
  mechs::Step next;
  const Result<void> result = guarded(kWhere, [&] {
    if (peer_token != nullptr) return mechanism_->step(*peer_token, next);
    if (answer != nullptr) return mechanism_->resume(std::move(*answer), next);
    return mechanism_->peer_done(next);
  });
  if (!result.has_value()) {
    fail(result.error());
    return failure_;
  }

  asked_ = next.kind;
  switch (next.kind) {
    case Kind::kContinue:
      return Continue{std::move(next.token)};
    case Kind::kExchange:
      return std::move(next.exchange);
    case Kind::kAccount:
      return std::move(next.account);
    case Kind::kEstablished:
      break;
  }
  protection_ = mechanism_->take_protection();
  leave(protection_->info.mechanism);
  Established done;
  if (next.has_token) done.token = std::move(next.token);
  done.token_replaceable = next.token_replaceable;
  return done;
}

void MechanismContext::fail(const Error& error) {
  failure_ = error;
  error_token_ = mechanism_->take_error_token();
  leave(mechanism_->mechanism_name());
}

// leave keeps what is asked for after the exchange.
void MechanismContext::leave(const char* mechanism_name) {
  proof_sent_ = mechanism_->proof_sent();
  mechanism_name_ = mechanism_name;
  mechanism_.reset();
}

void MechanismContext::end() {
  mechanism_.reset();
  protection_.reset();
}

Bytes MechanismContext::take_error_token() {
  return std::exchange(error_token_, {});
}

Result<ContextStep> MechanismContext::step(ByteView peer_token) {
  return advance(&peer_token, nullptr);
}

Result<ContextStep> MechanismContext::resume(Answer answer) {
  return advance(nullptr, &answer);
}

Result<ContextStep> MechanismContext::peer_done() {
  if (established()) return Established{};
  return advance(nullptr, nullptr);
}

bool MechanismContext::proof_sent() const {
  return mechanism_ != nullptr ? mechanism_->proof_sent() : proof_sent_;
}

const char* MechanismContext::mechanism_name() const {
  return mechanism_ != nullptr ? mechanism_->mechanism_name() : mechanism_name_;
}

const char* MechanismContext::state_name() const {
  if (established()) return "Established";
  return mechanism_ != nullptr ? mechanism_->state_name() : "Failed";
}

const ContextInfo& MechanismContext::info() const {
  return established() ? protection_->info : kNoInfo.object;
}

Result<void> MechanismContext::check_established() const {
  if (established()) return {};
  if (mechanism_ != nullptr) return misuse("the context is not established");
  return failure_;
}

size_t MechanismContext::wrap_size(size_t message_size) const {
  return can_mic() ? protection_->wrap_size(message_size) : 0;
}

size_t MechanismContext::mic_size() const {
  return can_mic() ? protection_->mic_size() : 0;
}

// A MessageProtection does not throw: there is no boundary around the calls below.
Result<size_t> MechanismContext::wrap(ByteView message, bool confidential, MutableBytes out) {
  PGSS_CHECK(check_established());
  return protection_->wrap(message, confidential, out);
}

Result<Unwrapped> MechanismContext::unwrap(ByteView token, MutableBytes out) {
  PGSS_CHECK(check_established());
  const auto message = protection_->unwrap(token, out);
  auto& peer_error = protection_->peer_error;
  if (message.has_value()) {
    peer_error = nullptr;  // the peer has taken what made this context
  } else if (peer_error != nullptr) {
    if (const std::optional<Error> told = peer_error(token)) return *told;
  }
  return message;
}

Result<size_t> MechanismContext::mic(ByteView message, MutableBytes out) {
  PGSS_CHECK(check_established());
  return protection_->mic(message, out);
}

Result<void> MechanismContext::verify_mic(ByteView message, ByteView mic) {
  PGSS_CHECK(check_established());
  return protection_->verify_mic(message, mic);
}

Result<void> MechanismContext::pseudo_random(PrfKey key, ByteView input, MutableBytes out) {
  PGSS_CHECK(check_established());
  if (out.size() > kMaxPseudoRandomSize) return misuse("pseudo_random(): `out` is too large");
  return protection_->pseudo_random(key, input, out);
}

Result<ByteView> MechanismContext::session_key() const {
  PGSS_CHECK(check_established());
  return protection_->session_key();
}

}  // namespace pocketgss
