// One AUTH command on a server (RFC 4954 4): the exchange, its bound, and the replies to what goes
// wrong.
#ifndef PGSS_SASL_LOGIN_SESSION_H_
#define PGSS_SASL_LOGIN_SESSION_H_

#include <variant>
#include <vector>

#include <pocketgss/smtp_server.h>

namespace pocketgss::sasl {

class LoginSession {
 public:
  // Challenge: a 334 with `token`.
  struct Challenge {
    Bytes token;
  };
  // Refused: `reply` for the client, `error` for the log.
  struct Refused {
    SmtpReply reply;
    Error error;
  };
  using Action = std::variant<Challenge, NeedAccount, NeedAuthorisation, SaslReport, Refused>;

  LoginSession(SaslMechanism mechanism, const SmtpLimits& limits)
      : mechanism_(mechanism), limits_(limits) {}

  // start makes the exchange; a refusal, or none. `contexts` outlives the session.
  std::optional<Refused> start(ContextProvider& contexts,
                               const std::vector<ChannelBinding>& bindings,
                               const SaslServerOptions& options);
  Action on_response(ByteView token);
  Action resume(AccountAnswer answer);
  Action authorise(AuthorisationAnswer answer);
  // take_layer: after SaslReport; see SaslServer.
  std::unique_ptr<SaslLayer> take_layer() { return server_->take_layer(); }

  SaslMechanism mechanism() const { return mechanism_; }
  // claimed is the name that the client claimed, or proved where nobody had to be asked who that is,
  // sanitised; empty before it did.
  const std::string& claimed() const { return claimed_; }
  // context_complete: see SaslServer::Challenge.
  bool context_complete() const { return context_complete_; }

 private:
  Action from(Result<SaslServer::Step>&& step);

  SaslMechanism mechanism_;
  SmtpLimits limits_;
  std::unique_ptr<SaslServer> server_;
  unsigned rounds_ = 0;
  std::string claimed_;
  bool context_complete_ = false;
};

// refusal is what a client is told of an error: 454 where only we are to blame, else one and the
// same 535 (policy row P23).
SmtpReply refusal(const Error& error);

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_LOGIN_SESSION_H_
