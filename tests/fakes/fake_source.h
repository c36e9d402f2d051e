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
  Result<std::unique_ptr<mechs::Mechanism>> make(asn1::Oid, mechs::MicNeed need) override {
    return make_(need);
  }

 private:
  Make make_;
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_FAKES_FAKE_SOURCE_H_
