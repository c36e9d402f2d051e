// A scripted mechanism of any number of tokens, for what must not depend on a real one. Its "MIC"
// and its tokens are keyed checksums: changed ones are noticed, but nothing here is secret.
#ifndef PGSS_TESTS_FAKES_FAKE_MECHANISM_H_
#define PGSS_TESTS_FAKES_FAKE_MECHANISM_H_

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "base/cursor.h"
#include "mechs/mechanism.h"
#include "tests/fakes/fake_source.h"

namespace pocketgss::testing {

enum class FakeRole : uint8_t { kInitiator, kAcceptor };

// MechanismScript says what both sides of a mechanism do. It outlives them.
struct MechanismScript {
  std::string name = "FAKE";  // each token begins with it
  size_t tokens = 3;          // of a whole exchange, the initiator's first counted; 1 or more
  std::string key = "shared key";
  bool integrity = true;
  bool wants_mic = false;            // the exchange makes the mechListMIC obligatory
  bool asks_account = false;         // the acceptor asks before its verdict
  bool asks_exchange = false;        // the initiator asks a service before its first token
  bool refuses_answer = false;       // and whatever is answered is not good enough
  bool empty_last_token = false;     // a last token of no bytes in place of none (quirk B13)
  bool proves_at_once = false;       // what leaves first is derived from the credential
  bool token_is_proof = false;       // so it is, but the peer need not have read it
  std::optional<Error> make_error;   // the mechanism cannot be made
  std::optional<Error> start_error;  // or cannot start

  Error answer_error{Errc::kUnreachable, "FakeMechanism answer"};  // of refuses_answer
};

// FakeCounters is what a test looks at afterwards.
struct FakeCounters {
  int made = 0;
  int steps = 0;
  int mics_sent = 0;  // mech_list_mic_done(kSent)
  int mics_received = 0;
  std::optional<mechs::MicNeed> mic_need;  // as make() was told last
};

// fake_checksum is FNV-1a over the parts, each preceded by its length.
inline uint64_t fake_checksum(std::initializer_list<ByteView> parts) {
  uint64_t hash = 0xcbf29ce484222325U;
  const auto mix = [&](uint8_t octet) { hash = (hash ^ octet) * 0x100000001b3U; };
  for (const ByteView part : parts) {
    for (size_t shift = 0; shift < 32; shift += 8) mix(static_cast<uint8_t>(part.size() >> shift));
    for (const uint8_t octet : part) mix(octet);
  }
  return hash;
}

// FakeProtection makes MICs of 16 bytes: who sent it, how often the cipher was set back, a sequence
// number, a checksum. So a side that forgets mech_list_mic_done() is out of step with the other.
class FakeProtection final : public mechs::MessageProtection {
 public:
  static constexpr size_t kMicSize = 16;

  FakeProtection(const MechanismScript& script, FakeRole self, Bytes transcript,
                 FakeCounters* counters)
      : script_(script), self_(self), transcript_(std::move(transcript)), counters_(counters) {}

  bool can_mic() const override { return script_.integrity; }
  size_t mic_size() const override { return script_.integrity ? kMicSize : 0; }
  size_t wrap_size(size_t message_size) const override { return kMicSize + message_size; }

  Result<size_t> mic(ByteView message, MutableBytes out) override {
    if (!script_.integrity || out.size() < kMicSize) {
      return Error{Errc::kApiMisuse, "FakeProtection.mic", 0, 0};
    }
    write(self_, sent_, message, out);
    ++sent_.sequence;
    return kMicSize;
  }

  Result<void> verify_mic(ByteView message, ByteView mic) override {
    FixedBytes<kMicSize> expected;
    const FakeRole peer =
        self_ == FakeRole::kInitiator ? FakeRole::kAcceptor : FakeRole::kInitiator;
    write(peer, received_, message, expected);
    if (!ct_equal(expected, mic)) return Error{Errc::kAuthFailed, "FakeProtection", 0, 0};
    ++received_.sequence;
    return {};
  }

  Result<size_t> wrap(ByteView message, bool, MutableBytes out) override {
    PGSS_TRY(const size_t size, mic(message, out));
    std::copy(message.begin(), message.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
    return size + message.size();
  }
  Result<Unwrapped> unwrap(ByteView token, MutableBytes out) override {
    if (token.size() < kMicSize) return Error{Errc::kMalformed, "FakeProtection", 0, 0};
    const ByteView message = token.from(kMicSize);
    PGSS_CHECK(verify_mic(message, token.prefix(kMicSize)));
    std::copy(message.begin(), message.end(), out.begin());
    return Unwrapped{message.size(), false};
  }

  void mech_list_mic_done(mechs::Direction direction) override {
    Stream& stream = direction == mechs::Direction::kSent ? sent_ : received_;
    ++stream.resets;
    if (counters_ == nullptr) return;
    ++(direction == mechs::Direction::kSent ? counters_->mics_sent : counters_->mics_received);
  }
  ByteView session_key() const override { return as_bytes(script_.key); }

 private:
  struct Stream {
    uint32_t resets = 0;
    uint32_t sequence = 0;
  };

  void write(FakeRole sender, const Stream& stream, ByteView message, MutableBytes out) const {
    FixedBytes<8> state;
    store_u32le(state.data(), stream.resets << 1 | static_cast<uint32_t>(sender));
    store_u32le(state.data() + 4, stream.sequence);
    const uint64_t sum =
        fake_checksum({as_bytes(script_.key), transcript_, ByteView(state), message});
    std::copy(state.begin(), state.end(), out.begin());
    for (size_t i = 0; i < 8; ++i) out[8 + i] = static_cast<uint8_t>(sum >> (8 * i));
  }

  const MechanismScript& script_;
  FakeRole self_;
  Bytes transcript_;
  FakeCounters* counters_;
  Stream sent_, received_;
};

class FakeMechanism final : public mechs::Mechanism {
 public:
  FakeMechanism(const MechanismScript& script, FakeRole role, FakeCounters* counters)
      : script_(script), role_(role), counters_(counters) {}

  // The token that says why the peer refuses, and what that means.
  static constexpr std::string_view kErrorToken = "FAKE error";
  static constexpr Error kPeerError{Errc::kExpired, "FakeMechanism error", 0, 37};

  // token is the `index`th of the exchange: the script's name, a slash, the index, a checksum.
  static Bytes token(const MechanismScript& script, size_t index) {
    Bytes out = as_bytes(script.name).to_bytes();
    out.push_back('/');
    out.push_back(static_cast<uint8_t>('0' + index));
    if (script.empty_last_token && index + 1 == script.tokens) return {};
    const uint64_t sum = fake_checksum({as_bytes(script.key), out});
    for (size_t i = 0; i < 8; ++i) out.push_back(static_cast<uint8_t>(sum >> (8 * i)));
    return out;
  }

  Result<void> step(ByteView peer_token, mechs::Step& next) override {
    if (counters_ != nullptr) ++counters_->steps;
    if (failed_) return *failed_;
    if (waits_) return fail(next, Errc::kApiMisuse, "FakeMechanism waits");
    if (role_ == FakeRole::kInitiator && !std::exchange(started_, true)) {
      if (script_.start_error) return fail(next, *script_.start_error);
      waits_ = script_.asks_exchange;
      if (!waits_) return go_on(next);
      next.kind = mechs::Step::Kind::kExchange;
      next.exchange = {"REALM", as_bytes("request").to_bytes()};
      return {};
    }
    if (!(peer_token == ByteView(token(script_, next_)))) {
      return fail(next, Errc::kAuthFailed, "FakeMechanism token");
    }
    append(transcript_, peer_token);
    ++next_;
    waits_ = role_ == FakeRole::kAcceptor && script_.asks_account && next_ + 1 >= script_.tokens;
    if (!waits_) return go_on(next);
    next.kind = mechs::Step::Kind::kAccount;
    next.account = {"user", "DOMAIN"};
    return {};
  }

  Result<void> resume(Answer&& answer, mechs::Step& next) override {
    if (failed_) return *failed_;
    if (!waits_) return fail(next, Errc::kApiMisuse, "FakeMechanism did not ask");
    waits_ = false;
    if (script_.refuses_answer) return fail(next, script_.answer_error);
    if (auto* account = std::get_if<AccountAnswer>(&answer); account && !account->account) {
      return fail(next, Errc::kAuthFailed, "FakeMechanism account");
    }
    return go_on(next);
  }

  const char* state_name() const override { return failed_ ? "Failed" : "Fake"; }
  const char* mechanism_name() const override { return "Fake"; }
  bool proof_sent() const override {
    if (role_ == FakeRole::kAcceptor) return false;
    return script_.proves_at_once ? started_ : next_ > 1;
  }
  bool token_is_proof() const override { return script_.token_is_proof && next_ > 0; }
  std::optional<Error> peer_error(ByteView token) const override {
    if (token != as_bytes(kErrorToken)) return std::nullopt;
    return kPeerError;
  }
  bool wants_mech_list_mic() const override { return script_.wants_mic; }

 private:
  Result<void> go_on(mechs::Step& next) {
    const bool sends = next_ < script_.tokens;
    if (sends) {
      next.token = token(script_, next_++);
      append(transcript_, next.token);
    }
    if (next_ < script_.tokens) return {};
    complete();
    next.kind = mechs::Step::Kind::kEstablished;
    next.has_token = sends;
    return {};
  }

  void complete() {
    protection_ =
        std::make_unique<FakeProtection>(script_, role_, std::move(transcript_), counters_);
    protection_->info.mechanism = "Fake";
    protection_->info.initiator_name = script_.name;
    protection_->info.flags = script_.integrity ? kIntegFlag : kNoContextFlags;
  }

  // fail leaves in `next` what nobody may take for an answer.
  Error fail(mechs::Step& next, Error error) {
    next = {mechs::Step::Kind::kEstablished,
            true,
            true,
            as_bytes("left behind").to_bytes(),
            {"LEFT", {1}, true},
            {"left", "BEHIND"}};
    failed_ = error;
    return error;
  }
  Error fail(mechs::Step& next, Errc code, const char* where) {
    return fail(next, Error{code, where, 0, 0});
  }

  const MechanismScript& script_;
  FakeRole role_;
  FakeCounters* counters_;
  size_t next_ = 0;  // index of the next token of the exchange
  bool started_ = false, waits_ = false;
  std::optional<Error> failed_;
  Bytes transcript_;
};

// fake_source makes the mechanism. It is kept for ever, one for the same arguments, because entries
// are copied.
inline mechs::MechanismSource& fake_source(const MechanismScript& script, FakeRole role,
                                           FakeCounters* counters) {
  static std::map<std::tuple<const MechanismScript*, FakeRole, FakeCounters*>, FakeSource> sources;
  const auto make = [&script, role,
                     counters](mechs::MicNeed need) -> Result<std::unique_ptr<mechs::Mechanism>> {
    if (counters != nullptr) {
      ++counters->made;
      counters->mic_need = need;
    }
    if (script.make_error) return *script.make_error;
    return std::unique_ptr<mechs::Mechanism>(
        std::make_unique<FakeMechanism>(script, role, counters));
  };
  return sources.try_emplace({&script, role, counters}, make).first->second;
}

// fake_entry offers the mechanism under the first of `oids`; the second is its alias.
inline mechs::MechanismEntry fake_entry(const MechanismScript& script, FakeRole role,
                                        std::vector<asn1::Oid> oids,
                                        FakeCounters* counters = nullptr) {
  mechs::MechanismEntry entry;
  if (!oids.empty()) entry.oid = oids.front();
  if (oids.size() > 1) entry.alias = oids[1];
  entry.source = &fake_source(script, role, counters);
  entry.recognises = [](ByteView token) {
    return token.size() >= 4 && token.prefix(4) == as_bytes("FAKE");
  };
  return entry;
}

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_FAKES_FAKE_MECHANISM_H_
