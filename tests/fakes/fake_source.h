// FakeSource: a source of mechanisms that is a function.
#ifndef PGSS_TESTS_FAKES_FAKE_SOURCE_H_
#define PGSS_TESTS_FAKES_FAKE_SOURCE_H_

#include <functional>
#include <memory>
#include <utility>

#include "mechs/mechanism.h"

namespace pocketgss::testing {

class FakeSource final : public mechs::MechanismSource {
 public:
  using Make = std::function<Result<std::unique_ptr<mechs::Mechanism>>(mechs::MicNeed)>;

  explicit FakeSource(Make make) : make_(std::move(make)) {}
  Result<void> make(asn1::Oid, mechs::MicNeed need,
                    std::unique_ptr<mechs::Mechanism>& out) override {
    PGSS_TRY(out, make_(need));
    return {};
  }

 private:
  Make make_;
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_FAKES_FAKE_SOURCE_H_
