// Integrity checks of Kerberos under valgrind: the received check counts as undefined, and all that
// may be decided on it is the verdict.
#include <gtest/gtest.h>

#include "mechs/krb5/crypto.h"
#include "tests/constant_time/decisions.h"
#include "tests/mechs/krb5/exchange.h"

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

  // decisions counts the branches on `check`, and keeps the verdict.
  template <typename Verify>
  static unsigned decisions(ByteView check, const Verify& verify) {
    const pocketgss::testing::Decisions made = pocketgss::testing::decisions_on(check, verify);
    accepted = made.accepted;
    return made.count;
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

class Krb5SitesConstantTime : public Krb5ConstantTime {};
INSTANTIATE_TEST_SUITE_P(Etype, Krb5SitesConstantTime, ::testing::Values(17, 18, 19, 20),
                         [](const auto& of) { return std::to_string(of.param); });

// The checks that a context makes of messages, with both sides established.
TEST_P(Krb5SitesConstantTime, TIM_1_OnlyTheVerdictOnAMessageIsDecidedOn) {
  const Bytes message(40, 7);
  for (const bool right : {true, false}) {
    testing::Exchange x(known_etype(GetParam()).value());
    x.initiator.flags = kMutualFlag | kIntegFlag;
    ASSERT_TRUE(x.run().has_value());
    MessageProtection& ours = *x.server_done.protection;
    MessageProtection& theirs = *x.client_done.protection;
    Bytes mic(theirs.mic_size()), out(200);
    ASSERT_TRUE(theirs.mic(message, mic).has_value());
    if (!right) mic.back() ^= 1;
    const ByteView check = ByteView(mic).from(kMessageHeaderSize);
    EXPECT_EQ(decisions(check, [&] { return ours.verify_mic(message, mic); }), 1u);
    EXPECT_EQ(accepted, right);
    EXPECT_EQ(decisions(check, [&] { return ours.verify_mech_list_mic(message, mic); }), 1u);
    EXPECT_EQ(accepted, right);

    Bytes plain(theirs.wrap_size(message.size()));
    plain.resize(theirs.wrap(message, false, plain).value());
    if (!right) plain.back() ^= 1;
    EXPECT_EQ(decisions(ByteView(plain).from(kMessageHeaderSize + message.size()),
                        [&] { return ours.unwrap(plain, out); }),
              1u);
    EXPECT_EQ(accepted, right);
  }
}

// The binding is our own: what the client sent is under its key's checksum.
TEST_P(Krb5SitesConstantTime, TIM_1_OnlyTheVerdictOnAChannelBindingIsDecidedOn) {
  for (const bool right : {true, false}) {
    testing::Exchange x(known_etype(GetParam()).value());
    const Bytes sent(40, 7), ours(40, right ? 7 : 8);
    x.initiator.channel_binding = sent;
    x.acceptor.channel_bindings = {ours};
    x.start();
    ASSERT_TRUE(x.make_ap_req().has_value());
    EXPECT_EQ(decisions(ours, [&] { return step(*x.server, x.ap_req); }), 1u);
    EXPECT_EQ(accepted, right);
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
