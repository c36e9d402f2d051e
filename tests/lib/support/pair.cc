#include "tests/lib/support/pair.h"

#include <utility>

namespace pocketgss::testing {
namespace {

constexpr int kMaxRounds = 12;

// Answered is a step of either side with the questions about accounts answered.
Result<ContextStep> answered(Context& context, Result<ContextStep> step, const Lookup& lookup,
                             std::optional<NeedAccount>& asked) {
  while (step.has_value()) {
    auto* need = std::get_if<NeedAccount>(&step.value());
    if (need == nullptr) break;
    asked = *need;
    step = context.resume(lookup(*need));
  }
  return step;
}

// sent takes the token out of a step; none: there is nothing to send.
std::optional<Bytes> sent(Result<ContextStep>&& step, std::optional<Error>& error) {
  if (!step.has_value()) {
    error = step.error();
    return std::nullopt;
  }
  if (auto* next = std::get_if<Continue>(&step.value())) return std::move(next->token);
  if (auto* last = std::get_if<Established>(&step.value())) return std::move(last->token);
  error = Error{Errc::kInternal, "a step that no test expects", 0, 0};
  return std::nullopt;
}

}  // namespace

Runtime& runtime() {
  static Runtime instance = Runtime::create().value();
  return instance;
}

InitiatorConfig initiator_config(std::string_view user, std::string_view password) {
  InitiatorConfig config;
  config.credential =
      Credential::from_password(runtime(), AccountName::parse(user).value(), SecretBytes(password))
          .value();
  config.target = kTarget;
  config.policy.inner = {InnerMechanism::kNtlm};
  return config;
}

AcceptorConfig acceptor_config() {
  AcceptorConfig config;
  config.ntlm = true;
  config.host = kHost;
  return config;
}

AccountAnswer known_users(const NeedAccount& need) {
  if (need.user != "user" && need.user != "user@example.test") return {};
  return {Account{"account of user", nt_hash_of_password(runtime(), as_bytes(kPassword)).value()}};
}

std::string Outcome::why() const {
  std::string text;
  if (initiator_error) text += "initiator: " + describe(*initiator_error);
  if (initiator_error && acceptor_error) text += "; ";
  if (acceptor_error) text += "acceptor: " + describe(*acceptor_error);
  return text;
}

void go_on(Outcome& outcome, std::optional<Bytes> token, const Lookup& lookup,
           const Meddler& meddler) {
  bool to_acceptor = true;
  for (int round = 0; token && round < kMaxRounds; ++round) {
    if (meddler) meddler(outcome.tokens.size(), *token);
    outcome.tokens.push_back(*token);
    Context& context = to_acceptor ? *outcome.acceptor : *outcome.initiator;
    auto& error = to_acceptor ? outcome.acceptor_error : outcome.initiator_error;
    token = sent(answered(context, context.step(*token), lookup, outcome.asked), error);
    to_acceptor = !to_acceptor;
  }
}

Outcome run(MechanismKind kind, const InitiatorConfig& initiator, const AcceptorConfig& acceptor,
            const Lookup& lookup, const Meddler& meddler) {
  Outcome outcome;
  auto made_initiator = make_initiator(runtime(), kind, initiator);
  auto made_acceptor = make_acceptor(runtime(), kind, acceptor);
  if (!made_initiator.has_value()) outcome.initiator_error = made_initiator.error();
  if (!made_acceptor.has_value()) outcome.acceptor_error = made_acceptor.error();
  if (outcome.initiator_error || outcome.acceptor_error) return outcome;
  outcome.initiator = std::move(made_initiator).value();
  outcome.acceptor = std::move(made_acceptor).value();
  go_on(outcome, sent(outcome.initiator->step({}), outcome.initiator_error), lookup, meddler);
  return outcome;
}

}  // namespace pocketgss::testing
