// A scripted Context, and a provider of them: what the SASL layer is tested against, sharing no
// code with the mechanisms.
#ifndef PGSS_TESTS_FAKES_FAKE_CONTEXT_H_
#define PGSS_TESTS_FAKES_FAKE_CONTEXT_H_

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pocketgss/sasl.h>

namespace pocketgss::testing {

inline Bytes text_bytes(std::string_view text) {
  return as_bytes(text).to_bytes();
}

// FakeMove is what one call to step() or resume() does.
struct FakeMove {
  std::optional<std::string> expect;  // the peer's token; another one is kAuthFailed
  Result<ContextStep> result = Error{};
  bool proof = false;  // from here on proof_sent()
};

// FakeScript is a whole context.
struct FakeScript {
  std::deque<FakeMove> moves;
  std::optional<Error> peer_done =
      Error{Errc::kPeerMisbehaved, "FakeContext: not complete", 0, 0};  // none: it agrees
  ContextInfo info;
  bool integrity = true;
  bool encrypts = true;  // what unwrap() says of every message

  // Short ways to write one.
  FakeScript& sends(std::string_view token, std::optional<std::string> expect = std::nullopt) {
    return add(std::move(expect), ContextStep(Continue{text_bytes(token)}));
  }
  FakeScript& ends(std::optional<std::string> expect = std::nullopt,
                   std::optional<std::string> last = std::nullopt) {
    std::optional<Bytes> token;
    if (last) token = text_bytes(*last);
    return add(std::move(expect), ContextStep(Established{std::move(token), true}));
  }
  // ends_with: the last token is one of the mechanism's.
  FakeScript& ends_with(std::string_view last, std::optional<std::string> expect = std::nullopt) {
    return add(std::move(expect), ContextStep(Established{text_bytes(last), false}));
  }
  FakeScript& asks_account(std::optional<std::string> expect, std::string user,
                           std::string domain = {}) {
    return add(std::move(expect), ContextStep(NeedAccount{std::move(user), std::move(domain)}));
  }
  FakeScript& asks_kdc(std::string_view request) {
    return add(std::nullopt, ContextStep(NeedExchange{"EXAMPLE.TEST", text_bytes(request)}));
  }
  FakeScript& fails(Errc code, const char* where) {
    return add(std::nullopt, Error{code, where, 7, 0});
  }
  // of names the mechanism.
  FakeScript& of(const char* mechanism) {
    info.mechanism = mechanism;
    return *this;
  }
  // protects: layers can be had.
  FakeScript& protects(bool confidential = true) {
    info.flags = kIntegFlag | kSequenceFlag;
    if (confidential) info.flags = info.flags | kConfFlag;
    return *this;
  }
  FakeScript& proof() {
    moves.back().proof = true;
    return *this;
  }
  FakeScript& early_success_allowed() {
    peer_done.reset();
    return *this;
  }

 private:
  FakeScript& add(std::optional<std::string> expect, Result<ContextStep> result) {
    moves.push_back({std::move(expect), std::move(result), false});
    return *this;
  }
};

// FakeCounts is what became of all contexts of one provider.
struct FakeCounts {
  int alive = 0;
  int established = 0;
};

// FakeContext protects messages as "WRAP" and each octet with its bits turned over.
class FakeContext final : public Context {
 public:
  FakeContext(FakeScript script, FakeCounts& counts) : script_(std::move(script)), counts_(counts) {
    ++counts_.alive;
  }
  ~FakeContext() override { --counts_.alive; }

  Result<ContextStep> step(ByteView token) override {
    if (established_) return Error{Errc::kApiMisuse, "FakeContext: established", 0, 0};
    return move(token);
  }
  Result<ContextStep> resume(Answer answer) override {
    if (!asked_) return Error{Errc::kApiMisuse, "FakeContext: nothing was asked", 0, 0};
    asked_ = false;
    // An account's key must be the user's name, so that a wrong password can be played.
    if (const auto* account = std::get_if<AccountAnswer>(&answer)) {
      if (account->unavailable) return fail({Errc::kUnreachable, "FakeContext: store", 0, 0});
      const bool right = account->account && as_text(account->account->key.view()) == user_;
      if (!right) return fail({Errc::kAuthFailed, "FakeContext: account", 0, 0});
      script_.info.account_name = account->account->name;
      return move({});
    }
    const auto& reply = std::get<ExchangeAnswer>(answer).reply;
    if (!reply) return fail({Errc::kUnreachable, "FakeContext: KDC", 0, 0});
    return move(*reply);
  }
  Result<ContextStep> peer_done() override {
    if (script_.peer_done) return fail(*script_.peer_done);
    establish(true);
    return ContextStep(Established{});
  }

  Bytes take_error_token() override { return {}; }

  bool established() const override { return established_; }
  bool proof_sent() const override { return proof_; }
  const char* state_name() const override { return established_ ? "Established" : "Negotiating"; }
  const ContextInfo& info() const override { return script_.info; }

  size_t wrap_size(size_t message_size) const override { return can_wrap() ? message_size + 4 : 0; }
  size_t mic_size() const override { return 0; }
  Result<size_t> wrap(ByteView message, bool, MutableBytes out) override {
    if (!can_wrap() || out.size() < message.size() + 4)
      return Error{Errc::kApiMisuse, "FakeContext: wrap", 0, 0};
    std::copy_n("WRAP", 4, out.begin());
    for (size_t i = 0; i < message.size(); ++i) out[4 + i] = static_cast<uint8_t>(~message[i]);
    return message.size() + 4;
  }
  Result<Unwrapped> unwrap(ByteView token, MutableBytes out) override {
    if (!can_wrap()) return Error{Errc::kApiMisuse, "FakeContext: unwrap", 0, 0};
    if (token.size() < 4 || as_text(token.prefix(4)) != "WRAP")
      return Error{Errc::kAuthFailed, "FakeContext: unwrap", 0, 0};
    for (size_t i = 4; i < token.size(); ++i) out[i - 4] = static_cast<uint8_t>(~token[i]);
    return Unwrapped{token.size() - 4, script_.encrypts};
  }
  Result<size_t> mic(ByteView, MutableBytes) override {
    return Error{Errc::kApiMisuse, "FakeContext: mic", 0, 0};
  }
  Result<void> verify_mic(ByteView, ByteView) override {
    return Error{Errc::kApiMisuse, "FakeContext: mic", 0, 0};
  }
  Result<void> pseudo_random(PrfKey, ByteView, MutableBytes) override {
    return Error{Errc::kApiMisuse, "FakeContext: pseudo_random", 0, 0};
  }
  Result<ByteView> session_key() const override {
    return Error{Errc::kApiMisuse, "FakeContext: key", 0, 0};
  }

 private:
  bool can_wrap() const { return established_ && script_.integrity; }

  void establish(bool now) {
    established_ = now;
    counts_.established += now ? 1 : 0;
  }

  Result<ContextStep> fail(const Error& error) {
    error_ = error;
    return error;
  }

  Result<ContextStep> move(ByteView token) {
    if (error_) return *error_;
    if (script_.moves.empty())
      return fail({Errc::kPeerMisbehaved, "FakeContext: one token too many", 0, 0});
    FakeMove next = std::move(script_.moves.front());
    script_.moves.pop_front();
    if (next.expect && as_text(token) != *next.expect)
      return fail({Errc::kAuthFailed, "FakeContext: token", 0, 0});
    if (!next.result.has_value()) return fail(next.result.error());
    proof_ |= next.proof;
    const ContextStep& step = next.result.value();
    establish(std::holds_alternative<Established>(step));
    if (const auto* need = std::get_if<NeedAccount>(&step)) user_ = need->user;
    asked_ =
        std::holds_alternative<NeedAccount>(step) || std::holds_alternative<NeedExchange>(step);
    return std::move(next.result);
  }

  FakeScript script_;
  FakeCounts& counts_;
  bool established_ = false;
  bool proof_ = false;
  bool asked_ = false;
  std::string user_;
  std::optional<Error> error_;
};

// FakeContexts hands out one scripted context after the other, and remembers what it was asked for.
class FakeContexts final : public ContextProvider {
 public:
  struct Asked {
    MechanismKind kind;
    size_t bindings;
    bool exact_layers;
    SecurityLayer layers;
  };

  Result<std::unique_ptr<Context>> make(const ContextRequest& request) override {
    asked.push_back({request.kind, request.bindings.size(), request.exact_layers, request.layers});
    if (make_script) return made(make_script(request));
    if (scripts.empty()) return Error{Errc::kNeedsCredential, "FakeContexts: no script left", 0, 0};
    FakeScript script = std::move(scripts.front());
    scripts.pop_front();
    return made(std::move(script));
  }
  const Policy& policy() const override { return policy_value; }

  std::deque<FakeScript> scripts;
  std::function<FakeScript(const ContextRequest&)> make_script;  // instead of `scripts`, where set
  Policy policy_value;
  std::vector<Asked> asked;
  FakeCounts counts;
  int& alive = counts.alive;  // contexts that exist

 private:
  Result<std::unique_ptr<Context>> made(FakeScript script) {
    return std::unique_ptr<Context>(std::make_unique<FakeContext>(std::move(script), counts));
  }
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_FAKES_FAKE_CONTEXT_H_
