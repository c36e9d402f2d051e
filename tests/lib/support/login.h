// Logins for tests of what goes wrong from outside and of what is left behind: nothing but the library
// allocates in them, and each is the same as the one before.
#ifndef PGSS_TESTS_LIB_SUPPORT_LOGIN_H_
#define PGSS_TESTS_LIB_SUPPORT_LOGIN_H_

#include <gtest/gtest.h>
#include <pocketgss/context.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/painted_stack.h"

namespace pocketgss::testing {

// SeededRandom gives the same octets in each run, and keys of them that look like nothing else.
class SeededRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override;

 private:
  uint64_t state_ = 1;
};

struct Login;

// LoginSetting is the two sides of one login, and who else has a part in it. What it makes is the same
// in every object of a class.
struct LoginSetting {
  virtual ~LoginSetting() = default;
  // What an application and a KDC would answer.
  virtual AccountAnswer account(const NeedAccount&) { return {}; }
  virtual ExchangeAnswer exchange(const NeedExchange&) { return {}; }
  // spoil gives the acceptor another key than the initiator's.
  virtual void spoil() = 0;
  // secrets are those that nobody may find once this login is over, which has kept its tokens;
  // the first is the session key.
  virtual std::vector<Bytes> secrets(const Login&) = 0;

  FakeClock clock;
  SeededRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  MechanismKind kind = MechanismKind::kSpnego;
  InitiatorConfig initiator;
  AcceptorConfig acceptor;
};

// Login runs one. What `setting` does is somebody else's: it neither fails nor is it watched.
struct Login {
  explicit Login(LoginSetting& of) : setting(of) {}

  // run goes on until one side fails or there is nothing more to send.
  void run();
  bool established() const {
    return initiator && acceptor && initiator->established() && acceptor->established();
  }

  LoginSetting& setting;
  PaintedStack* stack = nullptr;    // where the library's calls run; none: on the caller's
  std::function<void()> on_return;  // after each of them
  // Before each call, with the side whose turn it is, and what that has asked for, where it has.
  std::function<void(Context&, const ContextStep* asked)> on_turn;
  std::function<void(size_t index, Bytes&)> on_token;  // on its way; counted from 0

  std::unique_ptr<Context> initiator, acceptor;
  std::optional<Error> error;
  Context* failed = nullptr;  // the side that the error is of; none: it was not made
  std::vector<Bytes> tokens;  // as sent, where on_token is there

 private:
  template <typename Call>
  auto library(Call&& call);
  bool make();
  Result<ContextStep> one_step(Context&, const Bytes& token);
  std::optional<Answer> answer_to(const ContextStep&);
};

// LoginKind is a parameter of the tests; `mechanism` is the one that it ends with.
struct LoginKind {
  const char* name;
  const char* mechanism;
  std::unique_ptr<LoginSetting> (*make)();
};
inline void PrintTo(const LoginKind& kind, std::ostream* out) {
  *out << kind.name;
}
inline std::string name_of(const ::testing::TestParamInfo<LoginKind>& of) {
  return of.param.name;
}

// The suites; each mechanism's tests say with which kinds.
class FailureTest : public ::testing::TestWithParam<LoginKind> {};
class LeftSecretsTest : public ::testing::TestWithParam<LoginKind> {};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_LIB_SUPPORT_LOGIN_H_
