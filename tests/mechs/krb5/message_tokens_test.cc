// Wrap and MIC tokens between two sides of one context, and what neither takes.
#include "mechs/krb5/message_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "mechs/krb5/iana.h"
#include "tests/mechs/krb5/exchange.h"
#include "tests/support/allocations.h"
#include "tests/support/fixed_random.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::CountingRandom;
using pocketgss::testing::hex;
using ::testing::AnyOf;

constexpr size_t kEcAt = 4, kRrcAt = 6;
constexpr ContextFlags kSequenced = kReplayFlag | kSequenceFlag;

// Pair is the two sides of a context, which may be made to disagree.
struct Pair {
  explicit Pair(Etype etype = Etype::kAes256CtsHmacSha1, ContextFlags flags = kSequenced,
                bool acceptor_subkey = true)
      : key(Key::random(etype, random).value()) {
    const auto side = [&](Role role) {
      return make_message_protection(
                 runtime, {key.clone(), role, acceptor_subkey, role == Role::kInitiator ? 5U : 9U,
                           role == Role::kInitiator ? 9U : 5U, flags})
          .value();
    };
    initiator = side(Role::kInitiator);
    acceptor = side(Role::kAcceptor);
  }

  static Bytes wrap(MessageProtection& sender, ByteView message, bool confidential) {
    Bytes token(sender.wrap_size(message.size()));
    token.resize(sender.wrap(message, confidential, token).value());
    return token;
  }
  static Bytes mic(MessageProtection& sender, ByteView message) {
    Bytes token(sender.mic_size());
    EXPECT_EQ(sender.mic(message, token).value(), token.size());
    return token;
  }
  // unwrapped returns the message, or the error.
  static Result<Bytes> unwrapped(MessageProtection& receiver, ByteView token) {
    Bytes out(token.size());
    PGSS_TRY(const auto message, receiver.unwrap(token, out));
    EXPECT_TRUE(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(message.size), out.end(),
                            [](uint8_t octet) { return octet == 0; }));
    out.resize(message.size);
    return out;
  }

  CountingRandom random;
  Runtime runtime = Runtime::create(system_clock(), random).value();
  Key key;
  std::unique_ptr<MessageProtection> initiator, acceptor;
};

Bytes message_of(size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(i);
  return out;
}

// rotate does what a sender with another RRC does (RFC 4121 4.2.5).
Bytes rotated(Bytes token, uint16_t rrc) {
  token[kRrcAt] = static_cast<uint8_t>(rrc >> 8);
  token[kRrcAt + 1] = static_cast<uint8_t>(rrc);
  const size_t size = token.size() - kMessageHeaderSize;
  std::rotate(token.begin() + kMessageHeaderSize,
              token.end() - static_cast<std::ptrdiff_t>(rrc % size), token.end());
  return token;
}

class MessageTokens : public ::testing::TestWithParam<Etype> {};
class CfxMessageTokens : public ::testing::TestWithParam<Etype> {};

TEST_P(MessageTokens, GoBothWaysInEverySize) {
  Pair pair(GetParam());
  for (const size_t size : {0u, 1u, 15u, 16u, 17u, 64u, 1000u, 16384u}) {
    const Bytes message = message_of(size);
    for (MessageProtection* sender : {pair.initiator.get(), pair.acceptor.get()}) {
      MessageProtection& receiver =
          sender == pair.initiator.get() ? *pair.acceptor : *pair.initiator;
      for (const bool confidential : {true, false}) {
        const Bytes token = Pair::wrap(*sender, message, confidential);
        const auto out = Pair::unwrapped(receiver, token);
        ASSERT_TRUE(out.has_value()) << out.error().where;
        EXPECT_EQ(out.value(), message);
      }
      EXPECT_TRUE(receiver.verify_mic(message, Pair::mic(*sender, message)).has_value());
    }
  }
}

// Of etype 23 no checksum covers the number, which so counts by its order alone (RFC 4757 7.2).
TEST_P(MessageTokens, KRA_3_EveryBitOfAMicAndOfItsMessageCounts) {
  Pair pair(GetParam(), kSequenced);
  const Bytes message = message_of(19);
  const Bytes mic = Pair::mic(*pair.initiator, message);
  for (size_t i = 0; i < 8 * mic.size(); ++i) {
    Bytes flipped = mic;
    flipped[i / 8] ^= static_cast<uint8_t>(1 << (i % 8));
    EXPECT_FALSE(pair.acceptor->verify_mic(message, flipped).has_value()) << i;
  }
  for (size_t i = 0; i < 8 * message.size(); ++i) {
    Bytes flipped = message;
    flipped[i / 8] ^= static_cast<uint8_t>(1 << (i % 8));
    EXPECT_FALSE(pair.acceptor->verify_mic(flipped, mic).has_value()) << i;
  }
  for (size_t size = 0; size < mic.size(); ++size) {
    EXPECT_FALSE(pair.acceptor->verify_mic(message, ByteView(mic).prefix(size)).has_value());
  }
  EXPECT_TRUE(pair.acceptor->verify_mic(message, mic).has_value());
}

TEST_P(MessageTokens, KRA_1_KRA_3_EveryBitOfAWrapTokenCounts) {
  for (const bool confidential : {true, false}) {
    Pair pair(GetParam(), kSequenced);
    const Bytes message = message_of(21);
    const Bytes token = Pair::wrap(*pair.initiator, message, confidential);
    for (size_t i = 0; i < 8 * token.size(); ++i) {
      Bytes flipped = token;
      flipped[i / 8] ^= static_cast<uint8_t>(1 << (i % 8));
      Bytes out(flipped.size(), 0xa5);
      const auto result = pair.acceptor->unwrap(flipped, out);
      EXPECT_FALSE(result.has_value()) << i;
      // Nothing of the message is left behind.
      EXPECT_EQ(std::search(out.begin(), out.end(), message.begin(), message.end()), out.end());
    }
    EXPECT_TRUE(Pair::unwrapped(*pair.acceptor, token).has_value());
  }
}

TEST_P(MessageTokens, KRA_2_ShorterTokensAreRefused) {
  for (const bool confidential : {true, false}) {
    Pair pair(GetParam(), kNoContextFlags);
    const Bytes token = Pair::wrap(*pair.initiator, {}, confidential);
    for (size_t size = 0; size < token.size(); ++size) {
      const auto result = Pair::unwrapped(*pair.acceptor, ByteView(token).prefix(size));
      ASSERT_FALSE(result.has_value()) << size;
      EXPECT_THAT(result.error().code, AnyOf(Errc::kMalformed, Errc::kAuthFailed));
    }
    Bytes longer = token;
    longer.push_back(0);
    EXPECT_FALSE(Pair::unwrapped(*pair.acceptor, longer).has_value());
  }
}

TEST_P(MessageTokens, KRA_7_OwnTokensAreRefused) {
  Pair pair(GetParam(), kNoContextFlags);
  for (MessageProtection* side : {pair.initiator.get(), pair.acceptor.get()}) {
    EXPECT_EQ(Pair::unwrapped(*side, Pair::wrap(*side, message_of(8), true)).error().code,
              Errc::kAuthFailed);
    EXPECT_EQ(Pair::unwrapped(*side, Pair::wrap(*side, message_of(8), false)).error().code,
              Errc::kAuthFailed);
    EXPECT_EQ(side->verify_mic({}, Pair::mic(*side, {})).error().code, Errc::kAuthFailed);
  }
}

TEST_P(MessageTokens, WithSequenceDetectionOnlyTheNextIsTaken) {
  Pair pair(GetParam(), kSequenced);
  const Bytes message = message_of(4);
  const Bytes first = Pair::mic(*pair.initiator, message);
  const Bytes second = Pair::mic(*pair.initiator, message);
  EXPECT_EQ(pair.acceptor->verify_mic(message, second).error().code, Errc::kExpired);
  EXPECT_TRUE(pair.acceptor->verify_mic(message, first).has_value());
  EXPECT_EQ(pair.acceptor->verify_mic(message, first).error().code, Errc::kExpired);
  EXPECT_TRUE(pair.acceptor->verify_mic(message, second).has_value());
}

TEST_P(MessageTokens, WithReplayDetectionNoneIsTakenTwice) {
  Pair pair(GetParam(), kReplayFlag);
  std::vector<Bytes> tokens;
  for (int i = 0; i < 70; ++i) tokens.push_back(Pair::wrap(*pair.initiator, {}, true));
  EXPECT_TRUE(Pair::unwrapped(*pair.acceptor, tokens[69]).has_value());
  EXPECT_TRUE(Pair::unwrapped(*pair.acceptor, tokens[6]).has_value());
  EXPECT_EQ(Pair::unwrapped(*pair.acceptor, tokens[6]).error().code, Errc::kExpired);
  EXPECT_EQ(Pair::unwrapped(*pair.acceptor, tokens[69]).error().code, Errc::kExpired);
  EXPECT_EQ(Pair::unwrapped(*pair.acceptor, tokens[5]).error().code, Errc::kExpired);  // 64 behind
  EXPECT_TRUE(Pair::unwrapped(*pair.acceptor, tokens[30]).has_value());
}

TEST_P(MessageTokens, WithoutDetectionAnyNumberIsTaken) {
  Pair pair(GetParam(), kNoContextFlags);
  const Bytes token = Pair::wrap(*pair.initiator, {}, false);
  EXPECT_TRUE(Pair::unwrapped(*pair.acceptor, token).has_value());
  EXPECT_TRUE(Pair::unwrapped(*pair.acceptor, token).has_value());
}

TEST_P(MessageTokens, QuirkB4_TheNumberOfAMechListMicIsNotEnforced) {
  Pair pair(GetParam(), kSequenced);
  const Bytes list = message_of(30);
  Pair::mic(*pair.initiator, list);
  const Bytes second = Pair::mic(*pair.initiator, list);
  EXPECT_FALSE(pair.acceptor->verify_mic(list, second).has_value());
  EXPECT_TRUE(pair.acceptor->verify_mech_list_mic(list, second).has_value());
  Bytes flipped = second;
  flipped.back() ^= 1;
  EXPECT_FALSE(pair.acceptor->verify_mech_list_mic(list, flipped).has_value());
}

TEST_P(MessageTokens, TheNumberOfAMechListMicIsUsedUpWhereItIsTheNext) {
  Pair pair(GetParam(), kSequenced);
  EXPECT_TRUE(pair.acceptor->verify_mech_list_mic({}, Pair::mic(*pair.initiator, {})).has_value());
  EXPECT_TRUE(pair.acceptor->verify_mic({}, Pair::mic(*pair.initiator, {})).has_value());
}

TEST_P(MessageTokens, KRA_6_DeleteContextTokensAreRefusedAndHarmNothing) {
  Pair pair(GetParam());
  for (const Bytes& token :
       {Bytes{0x04, 0x05, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 5},
        Bytes{0x60, 0x13, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01,
              0x02, 0x02, 0x01, 0x02, 0x11, 0,    0xff, 0xff, 0xff, 0xff}}) {
    EXPECT_EQ(pair.acceptor->verify_mic({}, token).error().code, Errc::kMalformed);
    EXPECT_EQ(Pair::unwrapped(*pair.acceptor, token).error().code, Errc::kMalformed);
  }
  // Nothing but its TOK_ID tells it from a token that is right.
  const Bytes mic = Pair::mic(*pair.initiator, {});
  const bool old_form = GetParam() == Etype::kRc4Hmac;
  Bytes deletes = mic;
  const size_t id = old_form ? 13 : 0;
  deletes[id] = old_form ? 0x01 : 0x04, deletes[id + 1] = old_form ? 0x02 : 0x05;
  EXPECT_EQ(pair.acceptor->verify_mic({}, deletes).error().code, Errc::kMalformed);
  EXPECT_TRUE(pair.acceptor->verify_mic({}, mic).has_value());
}

TEST_P(MessageTokens, RefuseABufferThatIsTooSmall) {
  Pair pair(GetParam());
  const Bytes message = message_of(10);
  Bytes small(pair.initiator->mic_size() - 1);
  EXPECT_EQ(pair.initiator->mic(message, small).error().code, Errc::kApiMisuse);
  EXPECT_EQ(pair.initiator->wrap(message, true, small).error().code, Errc::kApiMisuse);
  EXPECT_EQ(pair.initiator->wrap(message, false, small).error().code, Errc::kApiMisuse);
  const Bytes token = Pair::wrap(*pair.initiator, message, true);
  Bytes out(9);
  EXPECT_EQ(pair.acceptor->unwrap(token, out).error().code, Errc::kApiMisuse);
  EXPECT_EQ(Pair::unwrapped(*pair.acceptor, token).value(), message);  // nothing was used up
}

TEST_P(MessageTokens, AllocateNothing) {
  Pair pair(GetParam());
  const Bytes message = message_of(100);
  Bytes token(pair.initiator->wrap_size(message.size())), mic(pair.initiator->mic_size());
  Bytes out(token.size());
  const pocketgss::testing::AllocationWatch watch;
  const size_t size = pair.initiator->wrap(message, true, token).value();
  ASSERT_TRUE(pair.acceptor->unwrap(ByteView(token).prefix(size), out).has_value());
  ASSERT_TRUE(pair.initiator->mic(message, mic).has_value());
  ASSERT_TRUE(pair.acceptor->verify_mic(message, mic).has_value());
  ASSERT_TRUE(pair.initiator->mic(message, mic).has_value());
  ASSERT_TRUE(pair.acceptor->verify_mech_list_mic(message, mic).has_value());
  ASSERT_TRUE(pair.initiator->wrap(message, false, token).has_value());
  ASSERT_FALSE(pair.acceptor->unwrap(mic, out).has_value());
  ASSERT_TRUE(pair.initiator->pseudo_random(PrfKey::kFull, message, out).has_value());
  EXPECT_EQ(watch.count(), 0U);
}

TEST_P(MessageTokens, PseudoRandomIsTheSameOnBothSides) {
  Pair pair(GetParam());
  Bytes one(77), two(77), other(77);
  ASSERT_TRUE(pair.initiator->pseudo_random(PrfKey::kFull, as_bytes("input"), one).has_value());
  ASSERT_TRUE(pair.acceptor->pseudo_random(PrfKey::kFull, as_bytes("input"), two).has_value());
  ASSERT_TRUE(pair.acceptor->pseudo_random(PrfKey::kFull, as_bytes("inpus"), other).has_value());
  EXPECT_EQ(one, two);
  EXPECT_NE(one, other);
}

// RFC 7802 2: the partial key is the one that the acceptor's sub-key replaced.
TEST_P(MessageTokens, PseudoRandomOfThePartialKeyIsAnotherWhereTheAcceptorHasASubKey) {
  Pair pair(GetParam());
  const Key partial = Key::random(GetParam(), pair.random).value();
  MessageKeys keys{pair.key.clone(), Role::kInitiator, true, 0, 0, kNoContextFlags};
  keys.partial.emplace(partial.clone());
  const auto side = make_message_protection(pair.runtime, std::move(keys)).value();
  Bytes out(50), expected(50);
  for (const PrfKey which : {PrfKey::kFull, PrfKey::kPartial}) {
    gss_pseudo_random(pair.runtime.crypto(), which == PrfKey::kFull ? pair.key : partial,
                      as_bytes("input"), expected);
    ASSERT_TRUE(side->pseudo_random(which, as_bytes("input"), out).has_value());
    EXPECT_EQ(out, expected);
  }
}

TEST_P(MessageTokens, PseudoRandomHasOneKeyWithoutASubKeyOfTheAcceptor) {
  Pair pair(GetParam(), kSequenced, false);
  Bytes one(20), two(20);
  ASSERT_TRUE(pair.initiator->pseudo_random(PrfKey::kFull, {}, one).has_value());
  ASSERT_TRUE(pair.acceptor->pseudo_random(PrfKey::kPartial, {}, two).has_value());
  EXPECT_EQ(one, two);
}

TEST_P(MessageTokens, KRA_15_HoldNothingOfTheBufferTheyAreWrittenTo) {
  const auto tokens = [&](uint8_t fill) {
    Pair pair(GetParam());
    Bytes out;
    for (const int kind : {0, 1, 2}) {
      Bytes token(pair.initiator->wrap_size(30), fill);
      token.resize((kind == 2 ? pair.initiator->mic(message_of(30), token)
                              : pair.initiator->wrap(message_of(30), kind == 0, token))
                       .value());
      append(out, token);
    }
    return out;
  };
  EXPECT_EQ(tokens(0x00), tokens(0xff));
}

// Each RRC that there is with one etype; what differs with another is the size of the token.
TEST_P(CfxMessageTokens, KRA_2_QuirkA8_EveryRotationIsUndone) {
  const bool all = GetParam() == Etype::kAes128CtsHmacSha1;
  for (const bool confidential : {true, false}) {
    Pair pair(GetParam(), kNoContextFlags);
    const Bytes message = message_of(9);
    const Bytes token = Pair::wrap(*pair.initiator, message, confidential);
    for (unsigned rrc = 0; rrc <= 0xffff; rrc = all || rrc < 300 ? rrc + 1 : rrc + 997) {
      const auto out = Pair::unwrapped(*pair.acceptor, rotated(token, static_cast<uint16_t>(rrc)));
      ASSERT_TRUE(out.has_value()) << rrc;
      EXPECT_EQ(out.value(), message);
    }
  }
}

// seal writes what a sender that fills up does: { message | filler | header }.
Bytes sealed(Pair& pair, ByteView message, uint16_t ec, uint16_t ec_inside, size_t filler) {
  FixedBytes<kMessageHeaderSize> header{0x05, 0x04, 0x06, 0xff};
  header[15] = 5;
  header[kEcAt] = static_cast<uint8_t>(ec >> 8);
  header[kEcAt + 1] = static_cast<uint8_t>(ec);
  auto inside = header;
  inside[kEcAt] = static_cast<uint8_t>(ec_inside >> 8);
  inside[kEcAt + 1] = static_cast<uint8_t>(ec_inside);
  const Bytes fill(filler, 0x20);
  Bytes token(kMessageHeaderSize +
              ciphertext_size(pair.key.etype(), message.size() + filler + kMessageHeaderSize));
  std::copy(header.begin(), header.end(), token.begin());
  encrypt(pair.runtime.crypto(), pair.random, pair.key, KeyUsage::kInitiatorSeal,
          {message, fill, inside}, MutableBytes(token).subspan(kMessageHeaderSize))
      .value();
  return token;
}

TEST_P(CfxMessageTokens, KRA_2_AnyFillerIsTakenOff) {
  for (const uint16_t ec : std::initializer_list<uint16_t>{0, 1, 15, 16, 500}) {
    Pair pair(GetParam(), kNoContextFlags);
    const Bytes message = message_of(33);
    const auto out = Pair::unwrapped(*pair.acceptor, sealed(pair, message, ec, ec, ec));
    ASSERT_TRUE(out.has_value()) << ec;
    EXPECT_EQ(out.value(), message);
  }
}

TEST_P(CfxMessageTokens, KRA_1_KRA_2_FillerThatIsNotThereIsRefused) {
  Pair pair(GetParam(), kNoContextFlags);
  EXPECT_TRUE(Pair::unwrapped(*pair.acceptor, sealed(pair, message_of(7), 7, 7, 0)).has_value());
  EXPECT_FALSE(Pair::unwrapped(*pair.acceptor, sealed(pair, message_of(7), 8, 8, 0)).has_value());
  EXPECT_FALSE(
      Pair::unwrapped(*pair.acceptor, sealed(pair, message_of(7), 0xffff, 0xffff, 0)).has_value());
  // EC outside is not EC inside.
  EXPECT_FALSE(Pair::unwrapped(*pair.acceptor, sealed(pair, message_of(7), 1, 0, 0)).has_value());
}

TEST_P(CfxMessageTokens, QuirkA9_EcOfAPlainTokenIsTheSizeOfItsChecksum) {
  Pair pair(GetParam(), kNoContextFlags);
  const Bytes token = Pair::wrap(*pair.initiator, message_of(40), false);
  EXPECT_EQ(token[kEcAt], 0);
  EXPECT_EQ(token[kEcAt + 1], checksum_size(GetParam()));
  for (unsigned ec = 0; ec <= 64; ++ec) {
    Bytes changed = token;
    changed[kEcAt + 1] = static_cast<uint8_t>(ec);
    EXPECT_EQ(Pair::unwrapped(*pair.acceptor, changed).has_value(),
              ec == checksum_size(GetParam()));
  }
}

TEST_P(CfxMessageTokens, KRA_4_QuirkD30_TheFormOfAnotherEtypeIsRefused) {
  Pair pair(GetParam(), kNoContextFlags);
  if (known_etype(23)) {
    Pair old(Etype::kRc4Hmac, kNoContextFlags);
    EXPECT_EQ(Pair::unwrapped(*pair.acceptor, Pair::wrap(*old.initiator, message_of(5), true))
                  .error()
                  .code,
              Errc::kMalformed);
    EXPECT_EQ(pair.acceptor->verify_mic({}, Pair::mic(*old.initiator, {})).error().code,
              Errc::kMalformed);
    EXPECT_EQ(Pair::unwrapped(*old.acceptor, Pair::wrap(*pair.initiator, {}, true)).error().code,
              Errc::kMalformed);
  }
  for (const uint8_t first : {uint8_t{0x01}, uint8_t{0x02}}) {
    Bytes token(40);
    token[0] = first, token[1] = 0x01;
    EXPECT_EQ(Pair::unwrapped(*pair.acceptor, token).error().code, Errc::kMalformed);
    EXPECT_EQ(pair.acceptor->verify_mic({}, token).error().code, Errc::kMalformed);
    // The checksum is over the header that ought to be there.
    Bytes renamed = Pair::wrap(*pair.initiator, {}, false);
    renamed[0] = first, renamed[1] = 0x01;
    EXPECT_EQ(Pair::unwrapped(*pair.acceptor, renamed).error().code, Errc::kMalformed);
  }
}

TEST_P(CfxMessageTokens, KRA_7_TokensUnderTheOtherKeyAreRefused) {
  Pair with(GetParam(), kNoContextFlags, true), without(GetParam(), kNoContextFlags, false);
  EXPECT_FALSE(
      Pair::unwrapped(*without.acceptor, Pair::wrap(*with.initiator, {}, true)).has_value());
  EXPECT_FALSE(
      Pair::unwrapped(*with.acceptor, Pair::wrap(*without.initiator, {}, true)).has_value());
}

// Whoever makes a checksum over another filler does not know the format.
TEST_P(CfxMessageTokens, KRA_3_EveryOctetOfAMicsFillerIsLookedAt) {
  Pair pair(GetParam(), kNoContextFlags);
  for (size_t at = 3; at <= 8; ++at) {
    FixedBytes<kMessageHeaderSize> header{0x04, 0x04, 0x04, 0xff, 0xff, 0xff, 0xff, 0xff};
    header[15] = 5;
    const bool filler = at < 8;
    if (filler) header[at] = 0xfe;
    Bytes mic(pair.acceptor->mic_size());
    checksum(pair.runtime.crypto(), pair.key, KeyUsage::kInitiatorSign, {ByteView(header)},
             MutableBytes(mic).subspan(kMessageHeaderSize))
        .value();
    std::copy(header.begin(), header.end(), mic.begin());
    EXPECT_EQ(pair.acceptor->verify_mic({}, mic).has_value(), !filler) << at;
  }
}

// A sealed flag on a MIC token, with a checksum that is right, is refused all the same.
TEST_P(CfxMessageTokens, ASealedMicIsRefused) {
  Pair pair(GetParam(), kNoContextFlags);
  for (const uint8_t flags : {uint8_t{0x04}, uint8_t{0x06}, uint8_t{0x0c}}) {
    FixedBytes<kMessageHeaderSize> header{0x04, 0x04, flags, 0xff, 0xff, 0xff, 0xff, 0xff};
    header[15] = 5;
    Bytes mic(pair.acceptor->mic_size());
    checksum(pair.runtime.crypto(), pair.key, KeyUsage::kInitiatorSign, {ByteView(header)},
             MutableBytes(mic).subspan(kMessageHeaderSize))
        .value();
    std::copy(header.begin(), header.end(), mic.begin());
    // RFC 4121 4.2.2: "The receiver MUST ignore unknown flags."
    EXPECT_EQ(pair.acceptor->verify_mic({}, mic).has_value(), flags != 0x06) << int{flags};
  }
}

// CVE-2024-37371: what a right key opens may be shorter than the header that ought to end it.
TEST_P(CfxMessageTokens, KRA_2_WhatIsSealedIsAtLeastAHeader) {
  Pair pair(GetParam(), kNoContextFlags);
  FixedBytes<kMessageHeaderSize> header{0x05, 0x04, 0x06, 0xff};
  header[15] = 5;
  for (size_t size = 0; size <= kMessageHeaderSize; ++size) {
    for (const ByteView plaintext :
         {ByteView(header).prefix(size), ByteView(header).from(kMessageHeaderSize - size)}) {
      SCOPED_TRACE(size);
      const size_t body = ciphertext_size(GetParam(), size);
      Bytes token(kMessageHeaderSize + body), out(token.size(), 0xaa);
      std::copy(header.begin(), header.end(), token.begin());
      encrypt(pair.runtime.crypto(), pair.random, pair.key, KeyUsage::kInitiatorSeal, {plaintext},
              MutableBytes(token).subspan(kMessageHeaderSize))
          .value();
      const auto message = pair.acceptor->unwrap(token, out);
      EXPECT_EQ(hex(ByteView(out).prefix(body)), hex(Bytes(body)));
      if (size == kMessageHeaderSize) {
        ASSERT_TRUE(message.has_value());
        EXPECT_EQ(message.value().size, 0U);
      } else {
        ASSERT_FALSE(message.has_value());
        EXPECT_EQ(message.error(), (Error{Errc::kAuthFailed, "Wrap token", 0, 0}));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, MessageTokens, ::testing::ValuesIn(testing::every_etype()),
                         [](const auto& test) { return testing::etype_word(test.param); });
INSTANTIATE_TEST_SUITE_P(, CfxMessageTokens,
                         ::testing::Values(Etype::kAes128CtsHmacSha1, Etype::kAes256CtsHmacSha1,
                                           Etype::kAes128CtsHmacSha256,
                                           Etype::kAes256CtsHmacSha384),
                         [](const auto& test) { return testing::etype_word(test.param); });

TEST(SequenceWindow, KeepsSixtyFourNumbers) {
  SequenceWindow window(kReplayFlag, 1000);
  EXPECT_FALSE(window.take(999, "before the first").has_value());
  EXPECT_TRUE(window.take(1000, "first").has_value());
  EXPECT_TRUE(window.take(1063, "far").has_value());
  EXPECT_FALSE(window.take(1000, "again").has_value());
  EXPECT_TRUE(window.take(1001, "late").has_value());
  EXPECT_TRUE(window.take(5000, "beyond the window").has_value());
  EXPECT_FALSE(window.take(1062, "too late").has_value());
  EXPECT_TRUE(window.take(4937, "the last that is kept").has_value());
  EXPECT_FALSE(window.take(4936, "one further").has_value());
}

TEST(Rfc4757Tokens, QuirkD17_HaveTheFormsOfRfc1964) {
  if (!known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  Pair pair(Etype::kRc4Hmac);
  const auto inner = [](const Bytes& token) {
    return hex(ByteView(token).sub(2 + 2 + 9, 8));  // behind the frame and the OID
  };
  EXPECT_EQ(inner(Pair::mic(*pair.initiator, {})), "01011100ffffffff");
  EXPECT_EQ(inner(Pair::wrap(*pair.initiator, {}, true)), "020111001000ffff");
  EXPECT_EQ(inner(Pair::wrap(*pair.initiator, {}, false)), "02011100ffffffff");
}

// CVE-2014-4341's kin: what the frame says of its length is so, with or without the octet that it
// speaks of, and said in the one way of DER.
TEST(Rfc4757Tokens, KRA_4_TheFrameIsAsLongAsItSays) {
  if (!known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  Pair pair(Etype::kRc4Hmac, kNoContextFlags);
  for (const int kind : {0, 1, 2}) {
    const Bytes message = message_of(5);
    const Bytes good = kind == 2 ? Pair::mic(*pair.initiator, message)
                                 : Pair::wrap(*pair.initiator, message, kind == 0);
    const auto verdict = [&](const Bytes& token) -> Result<void> {
      if (kind == 2) return pair.acceptor->verify_mic(message, token);
      const auto out = Pair::unwrapped(*pair.acceptor, token);
      return out.has_value() ? Result<void>() : out.error();
    };
    for (const int said : {-1, 0, 1}) {
      for (const int there : {-1, 0, 1}) {
        Bytes token = good;
        token[1] = static_cast<uint8_t>(token[1] + said);
        token.resize(token.size() + static_cast<size_t>(there));
        const auto result = verdict(token);
        EXPECT_EQ(result.has_value(), said == 0 && there == 0) << kind << said << there;
        if (said != there) {
          EXPECT_EQ(result.error().code, Errc::kMalformed) << kind << said << there;
        }
      }
    }
    Bytes longer = good;
    longer.insert(longer.begin() + 1, 0x81);
    EXPECT_EQ(verdict(longer).error().code, Errc::kMalformed);
    Bytes endless = good;
    endless[1] = 0x80;
    EXPECT_EQ(verdict(endless).error().code, Errc::kMalformed);
    for (const size_t at : {size_t{2}, size_t{3}}) {  // the OID's tag, and its length
      Bytes other = good;
      ++other[at];
      EXPECT_EQ(verdict(other).error().code, Errc::kMalformed);
    }
    EXPECT_TRUE(verdict(good).has_value());
  }
}

TEST(Rfc4757Tokens, NumbersGoOnBeyondThirtyTwoBits) {
  if (!known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  Pair pair(Etype::kRc4Hmac);
  const auto side = [&](Role role) {
    return make_message_protection(
               pair.runtime, {pair.key.clone(), role, false, 0xfffffffe, 0xfffffffe, kSequenced})
        .value();
  };
  const auto sender = side(Role::kInitiator), receiver = side(Role::kAcceptor);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(receiver->verify_mic({}, Pair::mic(*sender, {})).has_value()) << i;
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
