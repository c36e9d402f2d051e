// A program of somebody else's, built against the installed library alone: with a clock, a random source and a context of its own.
#include <pocketgss/sasl.h>

#include <cstdio>
#include <typeinfo>

namespace {

class StoppedClock final : public pocketgss::Clock {
 public:
  pocketgss::UnixMicros now() override { return 0; }
};

class NoRandom final : public pocketgss::RandomSource {
 public:
  pocketgss::Result<void> fill(pocketgss::MutableBytes) override {
    return pocketgss::Error{pocketgss::Errc::kInternal, "no random source"};
  }
};

class NoContexts final : public pocketgss::ContextProvider {
 public:
  pocketgss::Result<std::unique_ptr<pocketgss::Context>> make(
      const pocketgss::ContextRequest&) override {
    return pocketgss::Error{pocketgss::Errc::kPolicy, "no contexts"};
  }
  const pocketgss::Policy& policy() const override { return policy_; }

 private:
  pocketgss::Policy policy_;
};

// Virtual functions of whichever type it is; where there is type information, by its name too.
template <typename Base>
bool is_there(const Base& object) {
#ifdef __GXX_RTTI
  return typeid(object) != typeid(Base);
#else
  (void)object;
  return true;
#endif
}

}  // namespace

int main() {
  StoppedClock clock;
  NoRandom no_random;
  NoContexts no_contexts;
  if (!is_there<pocketgss::Clock>(clock) || !is_there<pocketgss::RandomSource>(no_random) ||
      !is_there<pocketgss::ContextProvider>(no_contexts)) {
    return 1;
  }
  if (pocketgss::make_sasl_client(pocketgss::SaslMechanism::kGssapi, no_contexts, {}).has_value()) {
    return 1;
  }
  auto runtime = pocketgss::Runtime::create(clock, pocketgss::system_random());
  if (!runtime.has_value()) {
    std::puts(pocketgss::describe(runtime.error()).c_str());
    return 1;
  }
  pocketgss::FixedBytes<16> random;
  if (!runtime.value().random().fill(random).has_value()) return 1;
  std::puts("consumer: ok");
}
