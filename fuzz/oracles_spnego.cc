// The man in the middle of a negotiation, and the round trip of every token.
#include "fuzz/oracles_spnego.h"

#include <string_view>

#include "fuzz/check.h"
#include "mechs/gss_token.h"
#include "mechs/spnego/acceptor.h"
#include "mechs/spnego/initiator.h"
#include "mechs/spnego/token.h"
#include "tests/fakes/fake_mechanism.h"
#include "tests/support/mechanism_step.h"

namespace pocketgss::fuzz {
namespace {

using namespace mechs;          // NOLINT: a test's own file
using namespace mechs::spnego;  // NOLINT
using testing::fake_entry;
using testing::FakeRole;
using testing::MechanismScript;

void check_inside(ByteView view, ByteView whole) {
  if (view.empty()) return;
  PGSS_FUZZ_CHECK(view.data() >= whole.data());
  PGSS_FUZZ_CHECK(view.data() + view.size() <= whole.data() + whole.size());
}
void check_inside(const std::optional<ByteView>& view, ByteView whole) {
  if (view) check_inside(*view, whole);
}

void check_refusal(const Error& error, ByteView whole) {
  PGSS_FUZZ_CHECK(error.code == Errc::kMalformed);
  PGSS_FUZZ_CHECK(error.offset <= whole.size());
}

void check_list(const MechTypeList& list, ByteView whole) {
  check_inside(list.der(), whole);
  PGSS_FUZZ_CHECK(list.size() >= 1 && list.size() <= kMaxMechTypes);
  for (const asn1::Oid mech : list) check_inside(mech.der, whole);
}

void check_fields(const NegTokenInit& init, ByteView whole) {
  check_list(init.mech_types, whole);
  check_inside(init.mech_token, whole);
  check_inside(init.mech_list_mic, whole);
}
void check_fields(const NegTokenInit2& init, ByteView whole) {
  if (!init.mech_types.empty()) check_list(init.mech_types, whole);
  check_inside(init.mech_token, whole);
  check_inside(init.mech_list_mic, whole);
  if (init.neg_hints && init.neg_hints->hint_name) {
    check_inside(as_bytes(*init.neg_hints->hint_name), whole);
  }
}
void check_fields(const NegTokenResp& resp, ByteView whole) {
  if (resp.supported_mech) check_inside(resp.supported_mech->der, whole);
  check_inside(resp.response_token, whole);
  check_inside(resp.mech_list_mic, whole);
  PGSS_FUZZ_CHECK(find_field(whole, 2).has_value() == resp.response_token.has_value());
}

template <typename Token>
void check_round_trip(const Result<Token>& parsed, ByteView token) {
  if (!parsed.has_value()) return check_refusal(parsed.error(), token);
  check_fields(parsed.value(), token);
  PGSS_FUZZ_CHECK(ByteView(encode(parsed.value()).value()) == token);
}

void check_any(ByteView token) {
  const auto any = parse_any_token(token);
  if (!any.has_value()) return check_refusal(any.error(), token);
  PGSS_FUZZ_CHECK(ByteView(encode(any.value()).value()) == token);
}

// Bytes of the script, zeros after its end.
class Script {
 public:
  explicit Script(ByteView bytes) : bytes_(bytes) {}
  uint8_t next() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_[0];
    bytes_ = bytes_.from(1);
    return byte;
  }
  ByteView take(size_t count) {
    const ByteView out = bytes_.prefix(std::min(count, bytes_.size()));
    bytes_ = bytes_.from(out.size());
    return out;
  }

 private:
  ByteView bytes_;
};

struct Side {
  std::unique_ptr<Mechanism> mechanism;
  std::optional<Complete> complete;
  bool failed = false;
};

void check_final(Side& side, const Error& error) {
  side.failed = true;
  PGSS_FUZZ_CHECK(std::string_view(side.mechanism->state_name()) == "Failed");
  PGSS_FUZZ_CHECK(step(*side.mechanism, {}).error() == error);
  PGSS_FUZZ_CHECK(resume(*side.mechanism, ExchangeAnswer{}).error() == error);
}

std::optional<Bytes> give(Side& side, ByteView token) {
  auto result = step(*side.mechanism, token);
  while (result.has_value()) {
    if (std::holds_alternative<NeedAccount>(result.value())) {
      result = resume(*side.mechanism, AccountAnswer{Account{"account", SecretBytes()}});
    } else if (std::holds_alternative<NeedExchange>(result.value())) {
      result = resume(*side.mechanism, ExchangeAnswer{Bytes{1}});
    } else {
      break;
    }
  }
  if (!result.has_value()) {
    check_final(side, result.error());
    return std::nullopt;
  }
  if (auto* next = std::get_if<Continue>(&result.value())) return std::move(next->token);
  side.complete = std::move(std::get<Complete>(result.value()));
  return side.complete->token;
}

MechanismScript mechanism_of(const char* name, uint8_t settings) {
  MechanismScript out;
  out.name = name;
  out.tokens = 1 + (settings & 3);
  out.wants_mic = (settings & 4) != 0;
  out.asks_account = (settings & 8) != 0;
  out.asks_exchange = (settings & 16) != 0;
  out.integrity = (settings & 32) == 0;
  return out;
}

// tamper returns what arrives of `token`; nothing if nothing does.
std::optional<Bytes> tamper(Script& script, Bytes token, const Bytes& before) {
  switch (script.next() % 9) {
    case 1:
      return std::nullopt;
    case 2:
      return before;
    case 3:
      token.resize(std::min<size_t>(token.size(), script.next()));
      break;
    case 4: {
      const size_t bit = size_t{script.next()} << 8 | script.next();
      if (!token.empty()) token[bit / 8 % token.size()] ^= static_cast<uint8_t>(1U << bit % 8);
      break;
    }
    case 5: {
      const uint8_t size = script.next();
      return script.take(size).to_bytes();
    }
    case 6: {  // another negState, with or without the mechListMIC
      const auto resp = parse_neg_token_resp(token);
      const uint8_t how = script.next();
      if (!resp.has_value()) break;
      NegTokenResp changed = resp.value();
      changed.neg_state = static_cast<NegState>(how & 3);
      if ((how & 4) != 0) changed.mech_list_mic.reset();
      if ((how & 8) != 0) changed.response_token.reset();
      return encode(changed).value();
    }
    case 7: {  // another list
      const auto init = parse_neg_token_init(token);
      static constexpr uint8_t kSecondAlone[] = {0x30, 0x04, 0x06, 0x02, 0x2a, 0x02};
      if (!init.has_value()) break;
      NegTokenInit changed = init.value();
      changed.mech_types = MechTypeList::parse(ByteView(kSecondAlone)).value();
      changed.mech_token.reset();
      return encode(changed).value();
    }
    case 8:
      append(token, before);
      break;
    default:
      break;
  }
  return token;
}

Bytes list_of(const Bytes& token) {
  const auto init = parse_neg_token_init(token);
  return init.has_value() ? init.value().mech_types.der().to_bytes() : Bytes();
}

Runtime& runtime() {
  static Runtime runtime = Runtime::create().value();
  return runtime;
}

constexpr uint8_t kFirstDer[] = {0x2a, 0x01}, kSecondDer[] = {0x2a, 0x02};
constexpr asn1::Oid kFirst{ByteView(kFirstDer)}, kSecond{ByteView(kSecondDer)};

}  // namespace

void check_gss_wrapper(ByteView token) {
  const auto parsed = parse_initial_context_token(token);
  if (!parsed.has_value()) return check_refusal(parsed.error(), token);
  check_inside(parsed.value().this_mech.der, token);
  check_inside(parsed.value().inner_token, token);
  PGSS_FUZZ_CHECK(ByteView(encode(parsed.value()).value()) == token);
}

void check_spnego_init(ByteView token) {
  check_round_trip(parse_neg_token_init(token), token);
  check_round_trip(parse_neg_token_init2(token), token);
  check_any(token);
}

void check_spnego_resp(ByteView token) {
  check_round_trip(parse_neg_token_resp(token), token);
  check_any(token);
}

void check_spnego_session(ByteView bytes) {
  Script script(bytes);
  const uint8_t setup = script.next();
  const MechanismScript one = mechanism_of("FAKE1", script.next());
  const MechanismScript two = mechanism_of("FAKE2", script.next());
  const auto level = (setup & 1) != 0 ? PolicyLevel::kStrict : PolicyLevel::kDefault;
  const std::vector<MechanismEntry> offered = {fake_entry(one, FakeRole::kInitiator, {kFirst}),
                                               fake_entry(two, FakeRole::kInitiator, {kSecond})};
  std::vector<MechanismEntry> accepted = {fake_entry(two, FakeRole::kAcceptor, {kSecond})};
  if ((setup & 2) == 0) accepted.push_back(fake_entry(one, FakeRole::kAcceptor, {kFirst}));
  Side initiator{make_initiator(runtime(), {offered, level}).value(), {}, false};
  Side acceptor{make_acceptor(runtime(), {accepted, level, (setup & 4) != 0}).value(), {}, false};

  std::optional<Bytes> token = give(initiator, {});
  const Bytes sent_list = token ? list_of(*token) : Bytes();
  Bytes received_list, before;
  bool early = false;
  for (int round = 0; token && round < 12; ++round) {
    const Bytes sent = *token;
    token = tamper(script, std::move(*token), before);
    before = sent;
    if (!token) break;
    Side& side = round % 2 == 0 ? acceptor : initiator;
    if (side.complete || side.failed) break;
    if (&side == &acceptor && received_list.empty()) received_list = list_of(*token);
    token = give(side, *token);
  }
  if (!initiator.complete && !initiator.failed && (setup & 8) != 0) {
    auto done = peer_done(*initiator.mechanism);
    early = true;
    if (done.has_value()) {
      initiator.complete = std::move(std::get<Complete>(done.value()));
    } else {
      check_final(initiator, done.error());
    }
  }

  if (acceptor.complete && acceptor.complete->protection->info.mech_list_mic_verified) {
    PGSS_FUZZ_CHECK(received_list == sent_list);
  }
  if (!initiator.complete) return;
  const ContextInfo& info = initiator.complete->protection->info;
  const MechanismScript& chosen = info.initiator_name == "FAKE1" ? one : two;
  if (info.mech_list_mic_verified && acceptor.complete) {
    PGSS_FUZZ_CHECK(received_list == sent_list);
  }
  if (early) {
    PGSS_FUZZ_CHECK(level == PolicyLevel::kDefault && &chosen == &one);
  } else if (&chosen == &two || (chosen.wants_mic && chosen.integrity)) {
    PGSS_FUZZ_CHECK(info.mech_list_mic_verified);
  }
}

}  // namespace pocketgss::fuzz
