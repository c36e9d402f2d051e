// MechanismContext: a Context over any mechanism. It knows none by name.
#ifndef PGSS_LIB_MECHANISM_CONTEXT_H_
#define PGSS_LIB_MECHANISM_CONTEXT_H_

#include <pocketgss/context.h>

#include <memory>
#include <variant>

#include "mechs/mechanism.h"

namespace pocketgss {

//   Negotiating --step, resume, peer_done--> Negotiating | Established      any refusal --> Failed
//
// Established is entered last, and Failed never left. The mechanism is destroyed, and its secrets
// wiped, when the exchange is over either way.
class MechanismContext : public Context {
 public:
  Result<ContextStep> step(ByteView peer_token) final;
  Result<ContextStep> resume(Answer answer) final;
  Result<ContextStep> peer_done() override;
  Bytes take_error_token() final;

  bool established() const final { return std::holds_alternative<Protecting>(state_); }
  bool proof_sent() const final;
  const char* state_name() const final;
  const char* mechanism_name() const final;
  const ContextInfo& info() const final;

  size_t wrap_size(size_t message_size) const final;
  size_t mic_size() const final;
  Result<size_t> wrap(ByteView message, bool confidential, MutableBytes out) final;
  Result<Unwrapped> unwrap(ByteView token, MutableBytes out) final;
  Result<size_t> mic(ByteView message, MutableBytes out) final;
  Result<void> verify_mic(ByteView message, ByteView mic) final;
  Result<void> pseudo_random(PrfKey key, ByteView input, MutableBytes out) final;
  Result<ByteView> session_key() const final;

 protected:
  // start gives the context its mechanism, which may borrow what the derived class holds: the
  // derived class calls end() in its destructor.
  void start(std::unique_ptr<mechs::Mechanism> mechanism) {
    state_.emplace<Negotiating>(std::move(mechanism), Asked::kNothing);
  }
  void end();
  bool is_negotiating() const { return std::holds_alternative<Negotiating>(state_); }

 private:
  enum class Asked : uint8_t { kNothing, kExchange, kAccount };
  struct Negotiating {
    std::unique_ptr<mechs::Mechanism> mechanism;
    Asked asked;  // what resume() is due with
  };
  struct Protecting {
    std::unique_ptr<mechs::MessageProtection> protection;
    std::optional<Error> (*peer_error)(ByteView);  // see mechs::Complete
  };
  struct Failed {
    Error error;
    Bytes token;  // for the peer
  };

  Result<Negotiating*> negotiating();
  Result<Negotiating*> turn(bool resumes, bool with_account);
  Result<ContextStep> advance(Negotiating& negotiating, Result<mechs::Step> result);
  Result<ContextStep> establish(mechs::Complete&& complete);
  Error fail(Error error, Bytes token = {});
  Result<mechs::MessageProtection*> protection() const;
  std::optional<Error> peer_error(ByteView token) const;

  std::variant<Negotiating, Protecting, Failed> state_;
  // Once the mechanism is gone.
  bool proof_sent_ = false;
  const char* mechanism_name_ = "";
};

}  // namespace pocketgss

#endif  // PGSS_LIB_MECHANISM_CONTEXT_H_
