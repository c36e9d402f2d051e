// Integrity checks of Kerberos under valgrind: the received check counts as undefined, and all that
// may be decided on it is the verdict.
#include <gtest/gtest.h>
#include <valgrind/memcheck.h>

#include "mechs/krb5/crypto.h"

namespace pocketgss::mechs::krb5 {
namespace {

class ZeroRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    std::fill(out.begin(), out.end(), uint8_t{0});
    return {};
  }
};

class Krb5ConstantTime : public ::testing::TestWithParam<int32_t> {
 protected:
  void SetUp() override {
    if (!RUNNING_ON_VALGRIND) GTEST_SKIP() << "valgrind is what counts";
    if (!known_etype(GetParam())) GTEST_SKIP() << "not built";
  }

  // decisions counts the branches on undefined bytes that `verify` makes, with `check` undefined.
  // Its verdict is defined again before anybody looks at it.
  template <typename Verify>
  static unsigned decisions(MutableBytes check, const Verify& verify) {
    static_cast<void>(VALGRIND_MAKE_MEM_UNDEFINED(check.data(), check.size()));
    const unsigned before = VALGRIND_COUNT_ERRORS;
    auto result = verify();
    // Where `verify` left its verdict to arithmetic it is decided on here.
    if (result.has_value()) asm volatile("");
    const unsigned count = VALGRIND_COUNT_ERRORS - before;
    static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(&result, sizeof result));
    static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(check.data(), check.size()));
    accepted = result.has_value();
    return count;
  }
  static inline bool accepted = false;

  std::unique_ptr<crypto::Workspace> crypto_ = crypto::Workspace::create().value();
};

INSTANTIATE_TEST_SUITE_P(Etype, Krb5ConstantTime, ::testing::Values(17, 18, 19, 20, 23),
                         [](const auto& of) { return std::to_string(of.param); });

TEST_P(Krb5ConstantTime, TIM_1_TIM_3_OnlyTheVerdictOnACiphertextIsDecidedOn) {
  const Etype etype = known_etype(GetParam()).value();
  // Of etype 23 the check is the key of the data too, and RC4 looks up tables by it.
  if (etype == Etype::kRc4Hmac) GTEST_SKIP() << "RC4";
  ZeroRandom random;
  const Key key = Key::create(GetParam(), Bytes(key_size(etype), 1)).value();
  const CipherKey cipher(*crypto_, key, KeyUsage::kTicket);
  Bytes sealed(ciphertext_size(etype, 40)), out(40);
  ASSERT_TRUE(cipher.encrypt(random, {Bytes(40, 7)}, sealed).has_value());
  const MutableBytes check = MutableBytes(sealed).last(checksum_size(etype));
  // RFC 8009 5: what is not authentic is not decrypted; the verdict counts there and at the end.
  const bool before_decryption = GetParam() == 19 || GetParam() == 20;
  for (const size_t wrong : {size_t{0}, size_t{7}, check.size() - 1, check.size()}) {
    if (wrong < check.size()) check[wrong] ^= 1;
    EXPECT_EQ(decisions(check, [&] { return cipher.decrypt(sealed, out); }),
              before_decryption ? 2u : 1u)
        << wrong;
    EXPECT_EQ(accepted, wrong == check.size());
    if (wrong < check.size()) check[wrong] ^= 1;
  }
}

TEST_P(Krb5ConstantTime, TIM_1_OnlyTheVerdictOnAChecksumIsDecidedOn) {
  const Etype etype = known_etype(GetParam()).value();
  const Key key = Key::create(GetParam(), Bytes(key_size(etype), 1)).value();
  const ChecksumKey checksum_key(*crypto_, key, KeyUsage::kInitiatorSign);
  const Bytes message(40, 7);
  Bytes check(checksum_size(etype));
  ASSERT_TRUE(checksum_key.make({message}, check).has_value());
  for (const size_t wrong : {size_t{0}, size_t{7}, check.size() - 1, check.size()}) {
    if (wrong < check.size()) check[wrong] ^= 1;
    EXPECT_EQ(decisions(check, [&] { return checksum_key.verify({message}, check); }), 1u) << wrong;
    EXPECT_EQ(accepted, wrong == check.size());
    if (wrong < check.size()) check[wrong] ^= 1;
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
