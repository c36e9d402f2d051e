// One AUTH command on a server (RFC 4954 4).
#include "sasl/login_session.h"

#include "sasl/text.h"

namespace pocketgss::sasl {
namespace {

constexpr size_t kMaxName = 256;

std::string claimed_name(const NeedAccount& need) {
  const std::string name = need.domain.empty() ? need.user : concat({need.domain, "\\", need.user});
  return sanitise_text(name, kMaxName);
}

}  // namespace

SmtpReply refusal(const Error& error) {
  switch (error.code) {
    case Errc::kInternal:
    case Errc::kNoMemory:
    case Errc::kUnreachable:
    case Errc::kApiMisuse:
      return {454, "4.7.0", "Temporary authentication failure"};
    default:
      return {535, "5.7.8", "Authentication credentials invalid"};
  }
}

std::optional<LoginSession::Refused> LoginSession::start(
    ContextProvider& contexts, const std::vector<ChannelBinding>& bindings,
    const SaslServerOptions& options) {
  auto made = make_sasl_server(mechanism_, contexts, bindings, options);
  if (!made.has_value()) return Refused{refusal(made.error()), made.error()};
  server_ = std::move(made).value();
  return std::nullopt;
}

LoginSession::Action LoginSession::on_response(ByteView token) {
  if (token.size() > limits_.token) {
    return Refused{{500, "5.5.6", "Authentication token too long"},
                   {Errc::kPeerMisbehaved, "SASL token length", 0, 0}};
  }
  if (++rounds_ > limits_.sasl_rounds) {
    const Error error{Errc::kPeerMisbehaved, "SASL rounds", 0, 0};
    return Refused{refusal(error), error};
  }
  return from(server_->step(token));
}

LoginSession::Action LoginSession::resume(AccountAnswer answer) {
  return from(server_->resume(std::move(answer)));
}

LoginSession::Action LoginSession::authorise(AuthorisationAnswer answer) {
  return from(server_->authorise(answer));
}

LoginSession::Action LoginSession::from(Result<SaslServer::Step>&& step) {
  if (!step.has_value()) return Refused{refusal(step.error()), step.error()};
  SaslServer::Step& next = step.value();
  if (auto* challenge = std::get_if<SaslServer::Challenge>(&next)) {
    context_complete_ = challenge->context_complete;
    return Challenge{std::move(challenge->token)};
  }
  if (auto* need = std::get_if<NeedAccount>(&next)) {
    claimed_ = claimed_name(*need);
    return std::move(*need);
  }
  if (auto* need = std::get_if<NeedAuthorisation>(&next)) {
    if (claimed_.empty()) claimed_ = sanitise_text(need->report.context.initiator_name, kMaxName);
    return std::move(*need);
  }
  return std::move(std::get<SaslServer::Success>(next).report);
}

}  // namespace pocketgss::sasl
