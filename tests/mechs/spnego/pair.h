// Two sides of a negotiation in one process, with somebody in the middle.
#ifndef PGSS_TESTS_MECHS_SPNEGO_PAIR_H_
#define PGSS_TESTS_MECHS_SPNEGO_PAIR_H_

#include <functional>
#include <optional>
#include <vector>

#include "mechs/spnego/acceptor.h"
#include "mechs/spnego/initiator.h"
#include "tests/fakes/fake_mechanism.h"
#include "tests/support/mechanism_step.h"

namespace pocketgss::testing {

inline Runtime& test_runtime() {
  static Runtime runtime = Runtime::create().value();
  return runtime;
}

// Side is one end and what came of it.
struct Side {
  std::unique_ptr<mechs::Mechanism> mechanism;
  std::optional<mechs::Complete> complete;
  std::optional<Error> error;

  bool established() const { return complete.has_value(); }
};

// accounts answers what a side asks: an account named "account" and any service's reply.
inline Answer usual_answer(const mechs::MechanismStep& asked) {
  if (std::holds_alternative<NeedExchange>(asked)) {
    return ExchangeAnswer{as_bytes("reply").to_bytes()};
  }
  return AccountAnswer{Account{"account", SecretBytes()}};
}

// step_side gives one token to a side and returns what it sends.
inline std::optional<Bytes> step_side(
    Side& side, ByteView token, Answer (*answer)(const mechs::MechanismStep&) = usual_answer) {
  auto result = step(*side.mechanism, token);
  while (result.has_value() && (std::holds_alternative<NeedAccount>(result.value()) ||
                                std::holds_alternative<NeedExchange>(result.value()))) {
    result = resume(*side.mechanism, answer(result.value()));
  }
  if (!result.has_value()) {
    side.error = result.error();
    return std::nullopt;
  }
  mechs::MechanismStep taken = std::move(result).value();
  if (auto* next = std::get_if<Continue>(&taken)) return std::move(next->token);
  side.complete = std::move(std::get<mechs::Complete>(taken));
  return side.complete->token;
}

// short_tokens: every token of 0 and 1 octets, and samples of those of 2.
inline std::vector<Bytes> short_tokens() {
  std::vector<Bytes> out(1);
  for (int first = 0; first < 256; ++first) {
    const auto octet = static_cast<uint8_t>(first);
    out.push_back(Bytes(1, octet));
    for (const char second : {'\x00', '\x01', '\x02', '\x30', '\x7f', '\x80', '\x81', '\xff'}) {
      out.push_back(Bytes(1, octet));
      out.back().push_back(static_cast<uint8_t>(second));
    }
  }
  return out;
}

// Middle sees each token, numbered from 0, and returns what arrives; nothing if nothing does.
using Middle = std::function<std::optional<Bytes>(size_t index, Bytes token)>;

struct Pair {
  Side initiator, acceptor;
  std::vector<Bytes> tokens;  // as sent

  // run passes tokens until both are silent.
  void run(const Middle& middle = nullptr) {
    std::optional<Bytes> token = step_side(initiator, {});
    for (size_t index = 0; token && index < 16; ++index) {
      tokens.push_back(*token);
      if (middle) token = middle(index, std::move(*token));
      if (!token) return;
      Side& side = index % 2 == 0 ? acceptor : initiator;
      if (side.complete || side.error) return;
      token = step_side(side, *token);
    }
  }
  bool both() const { return initiator.established() && acceptor.established(); }
};

inline Pair make_pair_of(std::span<const mechs::MechanismEntry> offered,
                         std::span<const mechs::MechanismEntry> accepted,
                         PolicyLevel level = PolicyLevel::kDefault) {
  Pair pair;
  pair.initiator.mechanism =
      mechs::spnego::make_initiator(test_runtime(), {offered, level}).value();
  pair.acceptor.mechanism =
      mechs::spnego::make_acceptor(test_runtime(), {accepted, level, true}).value();
  return pair;
}

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_MECHS_SPNEGO_PAIR_H_
