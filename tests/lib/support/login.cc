#include "tests/lib/support/login.h"

#include <utility>

#include "tests/support/allocations.h"

namespace pocketgss::testing {

// Splitmix64, an octet at a time.
Result<void> SeededRandom::fill(MutableBytes out) {
  for (uint8_t& octet : out) {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t mixed = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    octet = static_cast<uint8_t>(mixed >> 56);
  }
  return {};
}

template <typename Call>
auto Login::library(Call&& call) {
  if (stack == nullptr) return call();
  std::optional<decltype(call())> out;
  stack->run([&] { out.emplace(call()); });
  if (on_return) on_return();
  return std::move(*out);
}

bool Login::make() {
  auto client =
      library([this] { return make_initiator(setting.runtime, setting.kind, setting.initiator); });
  if (!client.has_value()) {
    error = client.error();
    return false;
  }
  initiator = std::move(client).value();
  auto server =
      library([this] { return make_acceptor(setting.runtime, setting.kind, setting.acceptor); });
  if (!server.has_value()) {
    error = server.error();
    return false;
  }
  acceptor = std::move(server).value();
  return true;
}

std::optional<Answer> Login::answer_to(const ContextStep& step) {
  const OthersAllocations others;
  if (const auto* account = std::get_if<NeedAccount>(&step)) return setting.account(*account);
  if (const auto* exchange = std::get_if<NeedExchange>(&step)) return setting.exchange(*exchange);
  return std::nullopt;
}

// one_step is a step with what is asked for in it answered.
Result<ContextStep> Login::one_step(Context& side, const Bytes& token) {
  if (on_turn) on_turn(side, nullptr);
  auto step = library([&] { return side.step(token); });
  while (step.has_value()) {
    std::optional<Answer> answer = answer_to(step.value());
    if (!answer) break;
    if (on_turn) on_turn(side, &step.value());
    step = library([&] { return side.resume(std::move(*answer)); });
  }
  return step;
}

void Login::run() {
  if (!make()) return;
  bool to_acceptor = false;
  Bytes token;
  for (;;) {
    Context& side = *(to_acceptor ? acceptor : initiator);
    auto step = one_step(side, token);
    if (!step.has_value()) {
      error = step.error();
      failed = &side;
      return;
    }
    auto* const next = std::get_if<Continue>(&step.value());
    auto* const last = std::get_if<Established>(&step.value());
    if (last != nullptr && !last->token) return;
    token = std::move(next != nullptr ? next->token : *last->token);
    if (on_token) {
      on_token(tokens.size(), token);
      tokens.push_back(token);
    }
    to_acceptor = !to_acceptor;
  }
}

}  // namespace pocketgss::testing
