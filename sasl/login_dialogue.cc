// The AUTH dialogue of an SMTP client (RFC 4954 4).
#include "sasl/login_dialogue.h"

#include <utility>

#include <pocketgss/base64.h>
#include <pocketgss/tickets.h>

#include "base/any_of.h"
#include "sasl/ehlo.h"
#include "sasl/smtp_failure.h"
#include "sasl/text.h"

namespace pocketgss::sasl {
namespace {

constexpr size_t kCommandLimit =
    512;  // RFC 4954 4: the AUTH command with its initial response and CRLF

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

// challenge_of decodes the text of a 334. No text, spaces and "=" all mean an empty token (quirk
// A11).
Result<ByteView> challenge_of(MutableBytes text) {
  while (!text.empty() && text.back() == ' ') text = text.first(text.size() - 1);
  while (!text.empty() && text.front() == ' ') text = text.subspan(1);
  if (text.empty() || (text.size() == 1 && text[0] == '=')) return ByteView();
  return base64_decode_in_place(text);
}

// says_little: the failure of a mechanism that was not really tried, or of no mechanism.
bool says_little(const SmtpFailure& failure) {
  using Kind = SmtpFailure::Kind;
  return failure.kind == Kind::kNeedsCredential || failure.kind == Kind::kBindingRequired ||
         failure.kind == Kind::kClosed || failure.error.code == Errc::kPolicy;
}

}  // namespace

LoginDialogue::Action LoginDialogue::start(const SmtpCapabilities& capabilities) {
  choose(capabilities);
  if (!candidates_.empty()) return next_mechanism();
  const std::string listed =
      capabilities.auth.empty() ? "no AUTH at all" : joined(capabilities.auth);
  return Fail{failure_of_kind(SmtpFailure::Kind::kNoMechanism, concat({"it lists ", listed}))};
}

// choose: SSEAN-C2 and C3: what the server lists, GSSAPI first, which is SPNEGO unless the caller
// names the GSSAPI of RFC 4752. NTLM by itself only where the policy names it (row P1).
void LoginDialogue::choose(const SmtpCapabilities& capabilities) {
  const auto listed = [&](SaslMechanism mechanism) {
    return any_of(capabilities.auth, [&](const std::string& name) {
      return equal_ignoring_case(name, sasl_name(mechanism));
    });
  };
  if (config_.mechanism) {
    if (!config_.only_if_listed || listed(*config_.mechanism))
      candidates_.push_back(*config_.mechanism);
    return;
  }
  for (const SaslMechanism mechanism :
       {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego, SaslMechanism::kNtlm}) {
    if (mechanism == SaslMechanism::kNtlm && !contexts_.policy().names(InnerMechanism::kNtlm)) {
      continue;
    }
    if (listed(mechanism)) candidates_.push_back(mechanism);
  }
}

LoginDialogue::Action LoginDialogue::next_mechanism() {
  client_.reset();
  mechanism_ = candidates_.front();
  candidates_.pop_front();
  begun_ = true;
  asked_ = false;
  rounds_ = 0;
  auto made = make_sasl_client(mechanism_, contexts_, bindings_, {config_.authzid, config_.layer});
  if (!made.has_value()) return cannot_begin(failure_of_error(made.error()));
  client_ = std::move(made).value();
  Result<SaslClient::Step> first = client_->step({});
  if (!first.has_value()) return cannot_begin(failure_of_error(first.error()));
  return go_on(std::move(first).value());
}

// cannot_begin: nothing that the server said is the reason. Policy row P8: another mechanism is tried
// only where this one cannot be used, not where the policy or a KDC refuses.
LoginDialogue::Action LoginDialogue::cannot_begin(SmtpFailure&& failure) {
  const bool proof_sent = client_ != nullptr && client_->proof_sent();
  if (!may_fall_back(failure.error, proof_sent)) candidates_.clear();
  return give_up(std::move(failure));
}

LoginDialogue::Action LoginDialogue::from(Result<SaslClient::Step>&& step) {
  if (!step.has_value()) return give_up(failure_of_error(step.error()));
  return go_on(std::move(step).value());
}

LoginDialogue::Action LoginDialogue::go_on(SaslClient::Step&& next) {
  if (auto* need = std::get_if<NeedExchange>(&next)) {
    state_ = State::kAwaitExchange;
    return std::move(*need);
  }
  Bytes token = std::move(std::get<SaslClient::Response>(next).token);
  if (!asked_) return ask(std::move(token));
  state_ = State::kResponding;
  return Send{"", std::move(token)};
}

// ask: SSEAN-C4. RFC 4954 4: an empty initial response is sent as "=".
LoginDialogue::Action LoginDialogue::ask(Bytes&& first_token) {
  asked_ = true;
  const std::string command = concat({"AUTH ", sasl_name(mechanism_)});
  if (!inline_fits(first_token.size())) {
    state_ = State::kAskedBare;
    first_token_ = std::move(first_token);
    return Send{command, std::nullopt};
  }
  state_ = State::kAsked;
  first_token_ = first_token;
  if (first_token.empty()) return Send{concat({command, " ="}), std::nullopt};
  return Send{concat({command, " "}), std::move(first_token)};
}

bool LoginDialogue::inline_fits(size_t token_size) const {
  using InitialResponse = SmtpClientConfig::InitialResponse;
  if (config_.initial_response != InitialResponse::kAuto) {
    return config_.initial_response == InitialResponse::kAlways;
  }
  const size_t fixed = std::string_view("AUTH  \r\n").size() + sasl_name(mechanism_).size();
  return fixed + std::max<size_t>(1, base64_size(token_size)) <= kCommandLimit;
}

LoginDialogue::Action LoginDialogue::on_reply(ReplyReader& reply, std::optional<ByteView>& token) {
  if (state_ == State::kCancelling) {
    // Whatever the reply to "*" is, the exchange is over (RFC 4954 4: 501).
    if (reply.code() >= 500) return next_mechanism();
    return Fail{failure_of_reply(
        reply.code() >= 400 ? SmtpFailure::Kind::kTemporary : SmtpFailure::Kind::kProtocol,
        to_reply(reply))};
  }
  const bool waiting_for_us = state_ == State::kAwaitExchange;
  if (reply.code() >= 400 && !waiting_for_us) return on_refusal(to_reply(reply));
  if (reply.code() == 334 && !waiting_for_us) return on_challenge(reply, token);
  // A 235 before the first token was even sent proves nothing.
  if (reply.code() == 235 && state_ != State::kAskedBare && !waiting_for_us) return on_success();
  using Kind = SmtpFailure::Kind;
  return Fail{
      failure_of_reply(reply.code() == 421 ? Kind::kTemporary : Kind::kProtocol, to_reply(reply))};
}

LoginDialogue::Action LoginDialogue::on_challenge(ReplyReader& reply,
                                                  std::optional<ByteView>& token) {
  if (state_ == State::kAskedBare) {
    // Exchange puts text here, "NTLM supported" or "GSSAPI supported": not to be decoded (quirk
    // A12).
    state_ = State::kResponding;
    return Send{"", std::move(first_token_)};
  }
  if (!reply.earlier_lines().empty())
    return give_up(failure_of_kind(SmtpFailure::Kind::kProtocol, "334 of several lines"));
  const Result<ByteView> challenge = challenge_of(reply.last_text());
  if (!challenge.has_value()) return give_up(failure_of_error(challenge.error()));
  token = challenge.value();
  if (++rounds_ > config_.limits.sasl_rounds || token->size() > config_.limits.token) {
    return give_up(failure_of_kind(SmtpFailure::Kind::kTooMuch, "AUTH exchange"));
  }
  return from(client_->step(*token));
}

LoginDialogue::Action LoginDialogue::on_success() {
  Result<SaslReport> report = client_->success();
  if (report.has_value()) return std::move(report).value();
  const std::string_view where = report.error().where;
  if (where.starts_with("P25")) return Fail{failure_of_error(report.error())};
  SmtpFailure failure =
      failure_of_kind(SmtpFailure::Kind::kServerNotProven, describe(report.error()));
  failure.error = report.error();
  return Fail{std::move(failure)};
}

LoginDialogue::Action LoginDialogue::on_refusal(SmtpReply&& reply) {
  // RFC 4954 4: 500 5.5.6 to an initial response that is too long: ask again without it (quirk
  // A16).
  if (reply.code == 500 && state_ == State::kAsked && !first_token_.empty()) {
    state_ = State::kAskedBare;
    return Send{concat({"AUTH ", sasl_name(mechanism_)}), std::nullopt};
  }
  SmtpFailure failure = failure_of_login(mechanism_, std::move(reply));
  asked_ = false;
  const int code = failure.reply.code;
  const bool other_may_work =
      code == 500 || code == 501 || code == 504 || code == 534 || code == 535;
  if (!other_may_work) return Fail{std::move(failure)};
  return give_up(std::move(failure));
}

// give_up goes on to the next mechanism where policy row P8 permits, after "*" if the server still
// waits for a response.
LoginDialogue::Action LoginDialogue::give_up(SmtpFailure&& failure) {
  const bool cancel = std::exchange(asked_, false);
  if (!may_try_another()) return Fail{to_tell(std::move(failure)), cancel};
  if (!first_failure_ && !says_little(failure)) {
    tell(failure);
    first_failure_ = std::move(failure);
  }
  if (!cancel) return next_mechanism();
  state_ = State::kCancelling;
  return Send{"*", std::nullopt};
}

SmtpFailure LoginDialogue::to_tell(SmtpFailure&& failure) {
  if (!first_failure_ || !says_little(failure)) return std::move(failure);
  // Behind a proof the login may have been counted, or taken.
  const bool proof_sent = client_ != nullptr && client_->proof_sent();
  if (failure.kind == SmtpFailure::Kind::kClosed && proof_sent) return std::move(failure);
  return *std::exchange(first_failure_, std::nullopt);
}

bool LoginDialogue::may_try_another() const {
  const bool proof_sent = client_ != nullptr && client_->proof_sent();
  return !candidates_.empty() && !proof_sent;
}

void LoginDialogue::tell(SmtpFailure& failure) const {
  if (!begun_ || failure.mechanism) return;  // none yet, or told when it failed
  failure.mechanism = mechanism_;
  if (client_ == nullptr) return;
  failure.inner = client_->mechanism_name();
  failure.proof_sent = client_->proof_sent();
}

void LoginDialogue::tell_earlier(SmtpFailure& failure) const {
  if (first_failure_) add_earlier(failure.message, *first_failure_);
}

LoginDialogue::Action LoginDialogue::resume(ExchangeAnswer answer) {
  Result<SaslClient::Step> next = client_->resume(std::move(answer));
  if (!next.has_value()) return cannot_begin(failure_of_exchange(next.error()));
  return go_on(std::move(next).value());
}

}  // namespace pocketgss::sasl
