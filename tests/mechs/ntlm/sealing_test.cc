// Signing and sealing: the example of [MS-NLMP] 4.2.4.4, and what must be refused.
#include "mechs/ntlm/sealing.h"

#include <gtest/gtest.h>

#include "tests/mechs/ntlm/exchange.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::ntlm {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::unhex;

constexpr NegotiateFlags kExampleFlags = 0xe28a8233;

class NtlmSealing : public ::testing::Test {
 protected:
  std::unique_ptr<MessageSecurity> make(Sender self, NegotiateFlags flags = kExampleFlags) {
    FixedBytes<16> key;
    key.fill(0x55);
    return std::make_unique<MessageSecurity>(runtime_.crypto(), flags,
                                             ExportedSessionKey{FixedView<16>(key)}, self);
  }

  Bytes wrap(MessageSecurity& from, std::string_view text) {
    Bytes token(from.wrap_size(text.size()));
    EXPECT_EQ(from.wrap(as_bytes(text), true, token).value(), token.size());
    return token;
  }
  Bytes mic(MessageSecurity& from, std::string_view text) {
    Bytes code(from.mic_size());
    EXPECT_EQ(from.mic(as_bytes(text), code).value(), code.size());
    return code;
  }
  Result<std::string> unwrap(MessageSecurity& to, ByteView token) {
    Bytes out(token.size());
    PGSS_TRY(const auto unwrapped, to.unwrap(token, out));
    return std::string(as_text(ByteView(out).prefix(unwrapped.size)));
  }

  Runtime runtime_ = Runtime::create().value();
  std::unique_ptr<MessageSecurity> initiator_ = make(Sender::kInitiator),
                                   acceptor_ = make(Sender::kAcceptor);
};

TEST_F(NtlmSealing, WrapMatchesTheExampleOfTheSpecification) {
  const Bytes plain = unhex("50006c00610069006e007400650078007400");
  Bytes token(initiator_->wrap_size(plain.size()));
  ASSERT_EQ(initiator_->wrap(plain, true, token).value(), token.size());
  EXPECT_EQ(hex(token), "010000007fb38ec5c55d49760000000054e50165bf1936dc996020c1811b0f06fb5f");
}

TEST_F(NtlmSealing, BothDirectionsAgree) {
  for (const char* text : {"one", "two", ""}) {
    EXPECT_EQ(unwrap(*acceptor_, wrap(*initiator_, text)).value(), text);
    EXPECT_EQ(unwrap(*initiator_, wrap(*acceptor_, text)).value(), text);
    EXPECT_TRUE(acceptor_->verify_mic(as_bytes(text), mic(*initiator_, text)).has_value());
    EXPECT_TRUE(initiator_->verify_mic(as_bytes(text), mic(*acceptor_, text)).has_value());
  }
}

TEST_F(NtlmSealing, QuirkA5_SignatureComesFirst) {
  // [MS-NLMP] 4.2.4.4: "Signature" and "Data".
  const Bytes plain = unhex("50006c00610069006e007400650078007400");
  Bytes token(initiator_->wrap_size(plain.size()));
  ASSERT_TRUE(initiator_->wrap(plain, true, token).has_value());
  EXPECT_EQ(hex(ByteView(token).prefix(16)), "010000007fb38ec5c55d497600000000");
  EXPECT_EQ(hex(ByteView(token).from(16)), "54e50165bf1936dc996020c1811b0f06fb5f");
}

TEST_F(NtlmSealing, QuirkA6_WrapSealsEvenWhereOnlySignWasNegotiated) {
  const auto initiator = make(Sender::kInitiator, kExampleFlags & ~flag::kSeal);
  const auto acceptor = make(Sender::kAcceptor, kExampleFlags & ~flag::kSeal);
  const std::string_view text = "hello from peer";
  Bytes token(initiator->wrap_size(text.size()));
  ASSERT_TRUE(initiator->wrap(as_bytes(text), false, token).has_value());
  EXPECT_NE(as_text(ByteView(token).from(16)), text);
  Bytes out(token.size());
  const auto unwrapped = acceptor->unwrap(token, out).value();
  EXPECT_TRUE(unwrapped.confidential);
  EXPECT_EQ(as_text(ByteView(out).prefix(unwrapped.size)), text);
}

TEST_F(NtlmSealing, WithoutKeyExchangeTheChecksumIsInClear) {
  // [MS-NLMP] 3.4.4.2: then it does not depend on the stream's place.
  const NegotiateFlags flags = kExampleFlags & ~flag::kKeyExchange;
  const auto initiator = make(Sender::kInitiator, flags), again = make(Sender::kInitiator, flags);
  again->mech_list_mic_done(Direction::kSent);
  EXPECT_EQ(mic(*initiator, "x"), mic(*again, "x"));
  EXPECT_TRUE(make(Sender::kAcceptor, flags)
                  ->verify_mic(as_bytes("y"), mic(*make(Sender::kInitiator, flags), "y"))
                  .has_value());
}

TEST_F(NtlmSealing, QuirkB3_TheCipherStartsAgainAfterMechListMicAndTheSequenceGoesOn) {
  const Bytes first = mic(*initiator_, "mechTypes");
  initiator_->mech_list_mic_done(Direction::kSent);
  const Bytes second = wrap(*initiator_, "after");
  EXPECT_EQ(hex(ByteView(second).from(12).prefix(4)), "01000000");

  // The stream is that of a fresh context: the ciphertext of "after" is what a first message of it
  // would have.
  const auto fresh = make(Sender::kInitiator);
  EXPECT_EQ(hex(ByteView(second).from(16)), hex(ByteView(wrap(*fresh, "after")).from(16)));

  ASSERT_TRUE(acceptor_->verify_mic(as_bytes("mechTypes"), first).has_value());
  acceptor_->mech_list_mic_done(Direction::kReceived);
  EXPECT_EQ(unwrap(*acceptor_, second).value(), "after");
}

TEST_F(NtlmSealing, QuirkB3_EachDirectionStartsAgainForItself) {
  // The acceptor's stream has moved, by what is no mechListMIC; the initiator's is set back alone.
  ASSERT_TRUE(initiator_->verify_mic(as_bytes("x"), mic(*acceptor_, "x")).has_value());
  ASSERT_TRUE(acceptor_->verify_mic(as_bytes("m"), mic(*initiator_, "m")).has_value());
  initiator_->mech_list_mic_done(Direction::kSent);
  acceptor_->mech_list_mic_done(Direction::kReceived);
  const Bytes back = wrap(*acceptor_, "back");
  const auto undisturbed = make(Sender::kAcceptor);
  mic(*undisturbed, "x");
  EXPECT_EQ(hex(back), hex(wrap(*undisturbed, "back")));
  EXPECT_EQ(unwrap(*initiator_, back).value(), "back");
  EXPECT_EQ(unwrap(*acceptor_, wrap(*initiator_, "forth")).value(), "forth");
}

TEST_F(NtlmSealing, SPN_13_TheStreamGoesOnAfterAMicThatIsNoMechListMic) {
  ASSERT_TRUE(acceptor_->verify_mic(as_bytes("m"), mic(*initiator_, "m")).has_value());
  const Bytes token = wrap(*initiator_, "after");
  EXPECT_NE(hex(ByteView(token).from(16)),
            hex(ByteView(wrap(*make(Sender::kInitiator), "after")).from(16)));
  EXPECT_EQ(unwrap(*acceptor_, token).value(), "after");
}

TEST_F(NtlmSealing, NTL_14_RefusesAReplay) {
  const Bytes token = wrap(*initiator_, "once");
  ASSERT_TRUE(unwrap(*acceptor_, token).has_value());
  EXPECT_EQ(unwrap(*acceptor_, token).error(),
            (Error{Errc::kExpired, "NTLMSSP_MESSAGE_SIGNATURE.SeqNum", 12, 0}));
}

TEST_F(NtlmSealing, NTL_14_RefusesAGapAndGoesOnInOrder) {
  const Bytes first = wrap(*initiator_, "first"), second = wrap(*initiator_, "second");
  EXPECT_EQ(unwrap(*acceptor_, second).error().code, Errc::kExpired);
  EXPECT_EQ(unwrap(*acceptor_, first).value(), "first");
  EXPECT_EQ(unwrap(*acceptor_, second).value(), "second");
}

TEST_F(NtlmSealing, NTL_14_RefusesItsOwnMessage) {
  EXPECT_EQ(unwrap(*initiator_, wrap(*initiator_, "mine")).error().code, Errc::kAuthFailed);
  EXPECT_EQ(acceptor_->verify_mic(as_bytes("mine"), mic(*acceptor_, "mine")).error().code,
            Errc::kAuthFailed);
}

TEST_F(NtlmSealing, NTL_14_RefusesAnotherVersion) {
  Bytes token = wrap(*initiator_, "x");
  token[0] = 2;
  EXPECT_EQ(unwrap(*acceptor_, token).error(),
            (Error{Errc::kMalformed, "NTLMSSP_MESSAGE_SIGNATURE.Version", 0, 0}));
}

TEST_F(NtlmSealing, NTL_14_RefusesEveryTruncatedSignature) {
  const Bytes token = mic(*initiator_, "x");
  for (size_t size = 0; size < 16; ++size) {
    const ByteView cut = ByteView(token).prefix(size);
    EXPECT_EQ(acceptor_->verify_mic(as_bytes("x"), cut).error().code, Errc::kMalformed) << size;
    EXPECT_EQ(unwrap(*acceptor_, cut).error().code, Errc::kMalformed) << size;
  }
  Bytes longer = token;
  longer.push_back(0);
  EXPECT_EQ(acceptor_->verify_mic(as_bytes("x"), longer).error().code, Errc::kMalformed);
}

TEST_F(NtlmSealing, NTL_14_RefusesEveryFlippedBit) {
  for (size_t bit = 0; bit < 8 * 21; ++bit) {
    const auto initiator = make(Sender::kInitiator), acceptor = make(Sender::kAcceptor);
    Bytes token = wrap(*initiator, "hello");
    token[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(unwrap(*acceptor, token).has_value()) << bit;
  }
}

TEST_F(NtlmSealing, NTL_14_RefusesEveryFlippedBitOfAMicAndItsMessage) {
  for (size_t bit = 0; bit < 8 * 16; ++bit) {
    const auto initiator = make(Sender::kInitiator), acceptor = make(Sender::kAcceptor);
    Bytes code = mic(*initiator, "hello");
    code[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(acceptor->verify_mic(as_bytes("hello"), code).has_value()) << bit;
  }
  EXPECT_FALSE(acceptor_->verify_mic(as_bytes("hellp"), mic(*initiator_, "hello")).has_value());
}

TEST_F(NtlmSealing, AMessageThatFailsLeavesNothingInTheOutput) {
  Bytes token = wrap(*initiator_, "secret");
  token[4] ^= 1;
  Bytes out(token.size(), 0xee);
  ASSERT_FALSE(acceptor_->unwrap(token, out).has_value());
  EXPECT_EQ(hex(ByteView(out).prefix(6)), "000000000000");
}

TEST_F(NtlmSealing, AfterAWrongSignatureTheDirectionStaysFailed) {
  Bytes token = wrap(*initiator_, "x");
  const Bytes next = wrap(*initiator_, "y");
  token[4] ^= 1;
  const Error error = unwrap(*acceptor_, token).error();
  EXPECT_EQ(unwrap(*acceptor_, next).error(), error);
  EXPECT_EQ(acceptor_->verify_mic(as_bytes("y"), next).error().code,
            Errc::kMalformed);  // no MIC at all
  EXPECT_EQ(unwrap(*initiator_, wrap(*acceptor_, "the other way")).value(), "the other way");
}

TEST_F(NtlmSealing, SmallBuffersAreMisuse) {
  Bytes out(20);
  EXPECT_EQ(initiator_->wrap(as_bytes("hello"), true, out).error().code, Errc::kApiMisuse);
  EXPECT_EQ(initiator_->mic(as_bytes("hello"), MutableBytes(out).first(15)).error().code,
            Errc::kApiMisuse);
  EXPECT_EQ(unwrap(*acceptor_, wrap(*initiator_, "hello")).value(),
            "hello");  // and nothing else happened
}

TEST_F(NtlmSealing, QuirkB19_WithoutSignAndSealThereIsNoProtection) {
  const auto none = make(Sender::kInitiator, kExampleFlags & ~(flag::kSign | flag::kSeal));
  Bytes out(64);
  EXPECT_FALSE(none->can_mic());
  EXPECT_EQ(none->mic_size(), 0u);
  EXPECT_EQ(none->wrap_size(5), 0u);
  EXPECT_EQ(none->mic(as_bytes("x"), out).error().code, Errc::kApiMisuse);
  EXPECT_EQ(none->wrap(as_bytes("x"), true, out).error().code, Errc::kApiMisuse);
  EXPECT_EQ(none->verify_mic(as_bytes("x"), ByteView(out).prefix(16)).error().code,
            Errc::kApiMisuse);
  EXPECT_EQ(none->unwrap(out, out).error().code, Errc::kApiMisuse);
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
