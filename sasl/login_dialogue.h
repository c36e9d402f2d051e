// The AUTH dialogue of an SMTP client (RFC 4954 4): which mechanism, its exchange, and which one
// next.
#ifndef PGSS_SASL_LOGIN_DIALOGUE_H_
#define PGSS_SASL_LOGIN_DIALOGUE_H_

#include <list>
#include <variant>
#include <vector>

#include <pocketgss/smtp_client.h>

#include "sasl/line.h"

namespace pocketgss::sasl {

//   start() --AUTH X--> Asked --334--> Responding --334--> ... --235--> done
//                                   `--4yz, 5yz--> start() with the next mechanism, as policy row
//                                   P8 permits, or failed
// AwaitExchange stands for a KDC in between, Cancelling for the reply to "*".
class LoginDialogue {
 public:
  // Send is a line for the server, without CRLF: `prefix`, then `token` in base64 if there is one.
  struct Send {
    std::string prefix;
    std::optional<Bytes> token;
  };
  // Fail: `cancel` says that an exchange is under way, which "*" ends.
  struct Fail {
    SmtpFailure failure;
    bool cancel = false;
  };
  using Action = std::variant<Send, NeedExchange, SaslReport, Fail>;

  // All three outlive the dialogue.
  LoginDialogue(ContextProvider& contexts, const SmtpClientConfig& config,
                const std::vector<ChannelBinding>& bindings)
      : contexts_(contexts), config_(config), bindings_(bindings) {}

  // start takes the server's list and begins.
  Action start(const SmtpCapabilities& capabilities);
  // on_reply takes a whole reply. The token of a 334 is decoded in place; `token` is then a view of
  // it, else left alone.
  Action on_reply(ReplyReader& reply, std::optional<ByteView>& token);
  Action resume(ExchangeAnswer answer);
  // take_layer: after SaslReport; see SaslClient.
  std::unique_ptr<SaslLayer> take_layer() { return client_->take_layer(); }

  // to_tell: `failure`, which ends the login; or what an earlier mechanism failed of, where that
  // says more.
  SmtpFailure to_tell(SmtpFailure&& failure);

  SaslMechanism mechanism() const { return mechanism_; }
  // tell says in `failure` what login was under way. It allocates nothing.
  void tell(SmtpFailure& failure) const;
  // tell_earlier says in its message what an earlier mechanism failed of.
  void tell_earlier(SmtpFailure& failure) const;

 private:
  enum class State : uint8_t {
    kAsked,      // AUTH with an initial response was sent
    kAskedBare,  // AUTH without one was sent, first_token_ waits
    kResponding,
    kAwaitExchange,
    kCancelling,
  };

  void choose(const SmtpCapabilities& capabilities);
  Action next_mechanism();
  Action cannot_begin(SmtpFailure&& failure);
  Action from(Result<SaslClient::Step>&& step);
  Action go_on(SaslClient::Step&& next);
  Action ask(Bytes&& first_token);
  bool inline_fits(size_t token_size) const;
  Action on_challenge(ReplyReader& reply, std::optional<ByteView>& token);
  Action on_success();
  Action on_refusal(SmtpReply&& reply);
  Action give_up(SmtpFailure&& failure);
  bool may_try_another() const;

  ContextProvider& contexts_;
  const SmtpClientConfig& config_;
  const std::vector<ChannelBinding>& bindings_;

  std::list<SaslMechanism> candidates_;  // those still to try, the next one first
  SaslMechanism mechanism_ = SaslMechanism::kGssapi;
  bool begun_ = false;  // with mechanism_
  std::unique_ptr<SaslClient> client_;
  State state_ = State::kAsked;
  bool asked_ = false;                        // the AUTH command of mechanism_ was sent
  std::optional<SmtpFailure> first_failure_;  // of a mechanism that was tried
  Bytes first_token_;
  unsigned rounds_ = 0;
};

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_LOGIN_DIALOGUE_H_
