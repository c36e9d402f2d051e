// MechanismContext: a Context over any mechanism. It knows none by name.
#ifndef PGSS_LIB_MECHANISM_CONTEXT_H_
#define PGSS_LIB_MECHANISM_CONTEXT_H_

#include <pocketgss/context.h>

#include <memory>

#include "mechs/mechanism.h"

namespace pocketgss {

//   Negotiating --step, resume, peer_done--> Negotiating | Established      any refusal --> Failed
//
// There is a mechanism while the first lasts, a protection in the second, and neither in the third,
// which is never left. The mechanism is destroyed, and its secrets wiped, when the exchange is over
// either way.
class MechanismContext : public Context {
 public:
  Result<ContextStep> step(ByteView peer_token) final;
  Result<ContextStep> resume(Answer answer) final;
  Result<ContextStep> peer_done() override;
  Bytes take_error_token() final;

  bool established() const final { return protection_ != nullptr; }
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
  void start(std::unique_ptr<mechs::Mechanism> mechanism) { mechanism_ = std::move(mechanism); }
  void end();
  bool is_negotiating() const { return mechanism_ != nullptr; }

 private:
  using Kind = mechs::Step::Kind;

  Result<void> check_turn(const Answer* answer) const;
  Result<ContextStep> advance(const ByteView* peer_token, Answer* answer);
  void fail(const Error& error);
  void leave(const char* mechanism_name);
  Result<void> check_established() const;
  bool can_mic() const { return protection_ != nullptr && protection_->can_mic(); }

  std::unique_ptr<mechs::Mechanism> mechanism_;
  std::unique_ptr<mechs::MessageProtection> protection_;
  Kind asked_ = Kind::kContinue;  // by the last step; what resume() is due with, if with anything
  // Once the mechanism is gone.
  bool proof_sent_ = false;
  const char* mechanism_name_ = "";
  // Of a context that has failed.
  Error failure_;
  Bytes error_token_;  // for the peer
};

}  // namespace pocketgss

#endif  // PGSS_LIB_MECHANISM_CONTEXT_H_
