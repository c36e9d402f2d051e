// The SPNEGO tokens: fields, bytes and refusals.
#include "mechs/spnego/token.h"

#include <gtest/gtest.h>

#include "asn1/writer.h"
#include "mechs/gss_token.h"
#include "mechs/oids.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::spnego {
namespace {

using testing::hex;
using testing::unhex;
using testing::VectorBlock;

std::vector<Bytes> oids_of(const MechTypeList& list) {
  std::vector<Bytes> out;
  for (const asn1::Oid mech : list) out.push_back(mech.der.to_bytes());
  EXPECT_EQ(out.size(), list.size());
  return out;
}

void expect_field(const std::optional<ByteView>& field, const std::optional<Bytes>& expected) {
  ASSERT_EQ(field.has_value(), expected.has_value());
  if (field) {
    EXPECT_EQ(hex(*field), hex(*expected));
  }
}

void expect_bytes(const Result<Bytes>& actual, ByteView expected) {
  ASSERT_TRUE(actual.has_value());
  EXPECT_EQ(hex(actual.value()), hex(expected));
}

void check_init(VectorBlock& block) {
  const Bytes token = block.bytes("Token");
  const auto parsed = parse_neg_token_init(token);
  ASSERT_TRUE(parsed.has_value()) << block.where() << ": " << describe(parsed.error());
  const NegTokenInit& init = parsed.value();
  EXPECT_EQ(oids_of(init.mech_types), block.bytes_list("MechType"));
  EXPECT_EQ(hex(init.mech_types.der()), hex(block.bytes("MechTypeList")));
  expect_field(init.mech_token, block.optional_bytes("MechToken"));
  expect_field(init.mech_list_mic, block.optional_bytes("MechListMIC"));
  expect_bytes(encode(init), token);
  EXPECT_EQ(parse_any_token(token).value(), (AnyToken{true, init}));
}

void check_init2(VectorBlock& block) {
  const Bytes token = block.bytes("Token");
  const auto parsed = parse_neg_token_init2(token);
  ASSERT_TRUE(parsed.has_value()) << block.where() << ": " << describe(parsed.error());
  const NegTokenInit2& init = parsed.value();
  ASSERT_TRUE(init.neg_hints && init.neg_hints->hint_name);
  EXPECT_EQ(oids_of(init.mech_types), block.bytes_list("MechType"));
  EXPECT_EQ(hex(init.mech_types.der()), hex(block.bytes("MechTypeList")));
  EXPECT_EQ(*init.neg_hints->hint_name, block.text("HintName"));
  expect_bytes(encode(init), token);
  EXPECT_EQ(parse_any_token(token).value(), (AnyToken{true, init}));
}

void check_resp(VectorBlock& block) {
  const Bytes token = block.bytes("Token");
  const auto parsed = parse_neg_token_resp(token);
  ASSERT_TRUE(parsed.has_value()) << block.where() << ": " << describe(parsed.error());
  const NegTokenResp& resp = parsed.value();
  const auto state = block.optional_number("NegState");
  ASSERT_EQ(resp.neg_state.has_value(), state.has_value());
  if (state) {
    EXPECT_EQ(static_cast<uint64_t>(*resp.neg_state), *state);
  }
  const auto mech = resp.supported_mech ? std::optional(resp.supported_mech->der) : std::nullopt;
  expect_field(mech, block.optional_bytes("SupportedMech"));
  expect_field(resp.response_token, block.optional_bytes("ResponseToken"));
  expect_field(resp.mech_list_mic, block.optional_bytes("MechListMIC"));
  expect_bytes(encode(resp), token);
  EXPECT_EQ(parse_any_token(token).value(), (AnyToken{false, resp}));
}

TEST(SpnegoToken, ReadsAndWritesTheConstructedVectors) {
  testing::run_vectors(
      "spnego/constructed.vec",
      {{"NegTokenInit", check_init}, {"NegTokenInit2", check_init2}, {"NegTokenResp", check_resp}});
}

// SECURITY rows SPN-4 (G1 to G4), SPN-5 (S6 to S8), SPN-6 (S9, S10) and S2.
TEST(SpnegoToken, SPN_4_SPN_5_SPN_6_RefusesTheMalformedVectors) {
  testing::run_vectors("spnego/refused.vec",
                       {{"Malformed NegTokenInit",
                         [](VectorBlock& block) {
                           block.word("Id");
                           block.expect_error(parse_neg_token_init(block.bytes("Token")));
                         }},
                        {"Malformed NegTokenResp",
                         [](VectorBlock& block) {
                           block.word("Id");
                           block.expect_error(parse_neg_token_resp(block.bytes("Token")));
                         }},
                        {"Acceptor", testing::read_elsewhere},
                        {"Initiator", testing::read_elsewhere}});
}

TEST(SpnegoToken, DER_9_RefusesAnEmptyToken) {
  EXPECT_EQ(parse_neg_token_init({}).error().code, Errc::kMalformed);
  EXPECT_EQ(parse_neg_token_init2({}).error().code, Errc::kMalformed);
  EXPECT_EQ(parse_neg_token_resp({}).error().code, Errc::kMalformed);
  EXPECT_EQ(parse_any_token({}).error().code, Errc::kMalformed);
  EXPECT_EQ(parse_initial_context_token({}).error().code, Errc::kMalformed);
  EXPECT_FALSE(find_field({}, 0).has_value());
}

// A NegTokenInit whose mechTypes hold `count` times the OID 1.2.3.
Bytes init_with_mechs(size_t count) {
  asn1::Writer out(16 + 4 * count);
  out.nest(kInitialContextTag, [&](asn1::Writer& frame) {
    frame.oid(kSpnegoOid);
    frame.nest(asn1::context(0), [&](asn1::Writer& choice) {
      choice.nest(asn1::kSequence, [&](asn1::Writer& body) {
        body.nest(asn1::context(0), [&](asn1::Writer& tagged) {
          tagged.nest(asn1::kSequence, [&](asn1::Writer& list) {
            const Bytes oid = unhex("2a03");
            for (size_t i = 0; i < count; ++i) list.oid(asn1::Oid{ByteView(oid)});
          });
        });
      });
    });
  });
  return std::move(out).take().value();
}

TEST(SpnegoToken, TakesThirtyTwoMechTypes) {
  const Bytes token = init_with_mechs(32);
  EXPECT_EQ(parse_neg_token_init(token).value().mech_types.size(), 32U);
}

TEST(SpnegoToken, DER_11_RefusesMoreThanThirtyTwoMechTypes) {
  const Error expected{Errc::kMalformed, "NegTokenInit.mechTypes", 0, 0};
  for (const size_t count : {size_t{33}, size_t{10'000}}) {
    const Error error = parse_neg_token_init(init_with_mechs(count)).error();
    EXPECT_EQ(error.code, expected.code);
    EXPECT_STREQ(error.where, expected.where);
  }
}

TEST(SpnegoToken, DER_11_RefusesAnEmptyOid) {
  const Bytes token = unhex("6012 06062b0601050502 a008 3006 a004 3002 0600");
  EXPECT_EQ(parse_neg_token_init(token).error().code, Errc::kMalformed);
}

TEST(SpnegoToken, DER_11_RefusesATruncatedOid) {
  const Bytes token = unhex("6013 06062b0601050502 a009 3007 a005 3003 06022a");
  EXPECT_EQ(parse_neg_token_init(token).error().code, Errc::kMalformed);
}

TEST(SpnegoToken, DER_6_RefusesOneArmOfTheChoiceWithTheContentsOfTheOther) {
  // negTokenResp [1] with mechTypes in place of negState, and negTokenInit [0] the other way round.
  const Bytes init_in_resp = unhex("a1123010a00e300c060a2b06010401823702020a");
  const Bytes resp_in_init = unhex("601106062b0601050502a0073005a0030a0100");
  EXPECT_EQ(parse_any_token(init_in_resp).error().code, Errc::kMalformed);
  EXPECT_EQ(parse_any_token(resp_in_init).error().code, Errc::kMalformed);
}

TEST(SpnegoToken, QuirkB25_RefusesAnEmptyMechTypes) {
  const Bytes token = unhex("6010 06062b0601050502 a006 3004 a002 3000");
  EXPECT_EQ(parse_neg_token_init(token).error(),
            (Error{Errc::kMalformed, "NegTokenInit.mechTypes", 16, 0}));
}

TEST(SpnegoToken, RefusesAFrameThatNamesAnotherMechanism) {
  const Bytes token = unhex("601106092a864886f712010202 a004 3002 a000");
  EXPECT_EQ(parse_neg_token_init(token).error(),
            (Error{Errc::kMalformed, "InitialContextToken.thisMech", 4, 0}));
}

TEST(SpnegoToken, QuirkB15_RefusesANegTokenRespWithoutItsSequence) {
  const Bytes token = unhex("a105 a003 0a0100");
  EXPECT_EQ(parse_neg_token_resp(token).error(), (Error{Errc::kMalformed, "NegTokenResp", 2, 0}));
}

TEST(SpnegoToken, QuirkB26_RefusesANegTokenInitWithoutItsFrame) {
  const Bytes token = unhex("a010 300e a00c 300a 0608 2b06010401823702");
  EXPECT_EQ(parse_neg_token_init(token).error().code, Errc::kMalformed);
  EXPECT_FALSE(parse_any_token(token).value().framed);
}

TEST(SpnegoToken, QuirkB14_TellsNegHintsFromAMechListMicByTheInnerTag) {
  const Bytes mic = unhex("601a 06062b0601050502 a010 300e a006 3004 06022a03 a304 04020102");
  const Bytes hints = unhex("601a 06062b0601050502 a010 300e a006 3004 06022a03 a304 30020000");
  const NegTokenInit init = parse_neg_token_init(mic).value();
  EXPECT_EQ(hex(*init.mech_list_mic), "0102");
  EXPECT_TRUE(std::holds_alternative<NegTokenInit>(parse_any_token(mic).value().token));
  EXPECT_EQ(parse_neg_token_init2(mic).error().code, Errc::kMalformed);
  EXPECT_EQ(parse_neg_token_init(hints).error().code, Errc::kMalformed);
  EXPECT_STREQ(parse_any_token(hints).error().where, "NegTokenInit2.negHints");
}

TEST(SpnegoToken, ReadsEveryFieldOfNegTokenInit2) {
  const Bytes token = unhex(
      "6034 06062b0601050502 a02a 3028 a006 3004 06022a03 a104 03020520 a203 040155 a30e 300c a005 "
      "1b03616263 a103 040199 a403 0401aa");
  const NegTokenInit2 init = parse_neg_token_init2(token).value();
  EXPECT_EQ(init.mech_types.size(), 1U);
  EXPECT_EQ(hex(*init.req_flags), "0520");
  EXPECT_EQ(hex(*init.mech_token), "55");
  EXPECT_EQ(*init.neg_hints->hint_name, "abc");
  EXPECT_EQ(hex(*init.neg_hints->hint_address), "99");
  EXPECT_EQ(hex(*init.mech_list_mic), "aa");
  expect_bytes(encode(init), token);
  EXPECT_EQ(parse_any_token(token).value(), (AnyToken{true, init}));
}

TEST(SpnegoToken, TakesANegTokenInit2WithoutAnyField) {
  const Bytes token = unhex("600c 06062b0601050502 a002 3000");
  const NegTokenInit2 init = parse_neg_token_init2(token).value();
  EXPECT_EQ(init, NegTokenInit2{});
  expect_bytes(encode(init), token);
  EXPECT_EQ(parse_any_token(token).value(), (AnyToken{true, init}));
}

TEST(SpnegoToken, NamesTheListOfANegTokenInit2WhateverIsWrongWithIt) {
  for (const std::string_view list : {"3000", "3100", "3002 0600"}) {
    Bytes token = unhex(list);
    for (const uint8_t tag : std::initializer_list<uint8_t>{0xa0, 0x30, 0xa0}) {
      token.insert(token.begin(), {tag, static_cast<uint8_t>(token.size())});
    }
    const Bytes oid = unhex("06062b0601050502");
    token.insert(token.begin(), oid.begin(), oid.end());
    token.insert(token.begin(), {0x60, static_cast<uint8_t>(token.size())});
    const auto parsed = parse_neg_token_init2(token);
    ASSERT_FALSE(parsed.has_value()) << list;
    EXPECT_STREQ(parsed.error().where, "NegTokenInit2.mechTypes") << list;
  }
}

// Padding that is set, unused bits of no octet, no octet at all.
TEST(SpnegoToken, DER_5_RefusesReqFlagsThatAreNoBitString) {
  struct Case {
    std::string_view token;
    uint32_t offset;
  };
  for (const Case& one :
       {Case{"601a 06062b0601050502 a010 300e a006 3004 06022a03 a104 03020820", 26},
        Case{"6019 06062b0601050502 a00f 300d a006 3004 06022a03 a103 030101", 26},
        Case{"6018 06062b0601050502 a00e 300c a006 3004 06022a03 a102 0300", 25}}) {
    const Bytes token = unhex(one.token);
    EXPECT_EQ(parse_neg_token_init(token).error(),
              (Error{Errc::kMalformed, "NegTokenInit.reqFlags", one.offset, 0}));
    EXPECT_EQ(parse_neg_token_init2(token).error(),
              (Error{Errc::kMalformed, "NegTokenInit2.reqFlags", one.offset, 0}));
  }
}

TEST(SpnegoToken, RefusesANegTokenInitWithoutMechTypes) {
  const Bytes token = unhex("6011 06062b0601050502 a007 3005 a203 040155");
  EXPECT_EQ(parse_neg_token_init(token).error(),
            (Error{Errc::kMalformed, "NegTokenInit.mechTypes", 14, 0}));
}

TEST(SpnegoToken, RefusesFieldsOutOfOrder) {
  const Bytes token = unhex("a10c 300a a203 040155 a003 0a0101");
  EXPECT_EQ(parse_neg_token_resp(token).error(), (Error{Errc::kMalformed, "NegTokenResp", 9, 0}));
}

TEST(SpnegoToken, SPN_6_RefusesEveryOtherNegState) {
  for (const char* state :
       {"0a0104", "0a01ff", "0a017f", "0a02000a", "0a020001", "0a00", "020101"}) {
    Bytes inner = unhex(state);
    Bytes token = {0xa1, static_cast<uint8_t>(inner.size() + 4),
                   0x30, static_cast<uint8_t>(inner.size() + 2),
                   0xa0, static_cast<uint8_t>(inner.size())};
    append(token, inner);
    EXPECT_EQ(parse_neg_token_resp(token).error().code, Errc::kMalformed) << state;
  }
}

TEST(SpnegoToken, SPN_12_P24_RefusesOneTo64BytesAfterTheToken) {
  for (const VectorBlock& original : testing::load_vectors("spnego/constructed.vec")) {
    VectorBlock block = original;
    const Bytes token = block.bytes("Token");
    for (size_t count = 1; count <= 64; ++count) {
      Bytes longer = token;
      longer.resize(token.size() + count, static_cast<uint8_t>(count));
      ASSERT_EQ(parse_any_token(longer).error().code, Errc::kMalformed) << block.where() << count;
    }
    block.ignore_unread();
  }
}

TEST(SpnegoToken, SPN_4_RefusesEveryProperPrefix) {
  for (const VectorBlock& original : testing::load_vectors("spnego/constructed.vec")) {
    VectorBlock block = original;
    const Bytes token = block.bytes("Token");
    for (size_t size = 0; size < token.size(); ++size) {
      const Bytes prefix(token.begin(), token.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_EQ(parse_any_token(prefix).error().code, Errc::kMalformed) << block.where() << size;
      ASSERT_LE(parse_any_token(prefix).error().offset, size);
    }
    block.ignore_unread();
  }
}

TEST(SpnegoToken, ReadsTheSameFieldsFramedAndBare) {
  const Bytes resp = unhex("600f 06062b0601050502 a105 3003 a001 00");
  EXPECT_EQ(parse_any_token(resp).error().code, Errc::kMalformed);
  const Bytes framed = unhex("6011 06062b0601050502 a107 3005 a003 0a0102");
  const AnyToken any = parse_any_token(framed).value();
  EXPECT_TRUE(any.framed);
  EXPECT_EQ(std::get<NegTokenResp>(any.token).neg_state, NegState::kReject);
  expect_bytes(encode(any), framed);
}

TEST(SpnegoToken, FindsWhereAFieldStands) {
  const Bytes token = unhex("a11b3019a0030a0100a312041001000000bbbbbbbbbbbbbbbb00000000");
  EXPECT_EQ(find_field(token, 0)->offset, 4U);
  EXPECT_EQ(find_field(token, 3)->offset, 9U);
  EXPECT_EQ(find_field(token, 3)->whole.size(), 20U);
  EXPECT_FALSE(find_field(token, 1).has_value());
  EXPECT_FALSE(find_field(unhex("a1"), 0).has_value());
}

TEST(SpnegoToken, ViewsLieInsideTheToken) {
  const Bytes token = unhex("a1143012a0030a0103a10b06092a864886f712010202");
  const NegTokenResp resp = parse_neg_token_resp(token).value();
  EXPECT_EQ(resp.supported_mech->der.data(), token.data() + 13);
}

TEST(SpnegoToken, WritesIntoStorageThatIsLargeEnough) {
  Bytes out(512, 0xff);
  const uint8_t* where = out.data();
  ASSERT_TRUE(encode_to(NegTokenResp{NegState::kReject, {}, {}, {}}, out).has_value());
  EXPECT_EQ(out.data(), where);
  EXPECT_EQ(hex(out), "a1073005a0030a0102");
}

// Every form of a length (X.690 8.1.3.4, 8.1.3.5), at its first and last value.
TEST(SpnegoToken, WritesEveryFormOfALength) {
  for (const size_t size : {0U, 1U, 0x7fU, 0x80U, 0xffU, 0x100U, 0xffffU, 0x10000U, 0x1000000U}) {
    const Bytes token(size, 0x5a);
    const NegTokenResp resp{std::nullopt, std::nullopt, ByteView(token), std::nullopt};
    const Bytes out = encode(resp).value();
    EXPECT_EQ(parse_neg_token_resp(out).value(), resp) << size;
  }
}

TEST(MechTypeList, IteratesInOrder) {
  const Bytes sequence = unhex("3008 06022a03 06022a04");
  const MechTypeList list = MechTypeList::parse(sequence).value();
  std::vector<std::string> dotted;
  for (const asn1::Oid mech : list) dotted.push_back(asn1::dotted(mech));
  EXPECT_EQ(dotted, (std::vector<std::string>{"1.2.3", "1.2.4"}));
  EXPECT_EQ(asn1::dotted(*list.begin()), "1.2.3");
  EXPECT_EQ(hex(list.der()), hex(sequence));
}

TEST(MechTypeList, RefusesBytesAfterTheSequence) {
  EXPECT_EQ(MechTypeList::parse(unhex("3004 06022a03 00")).error().offset, 6U);
}

TEST(InitialContextToken, RoundTrips) {
  const Bytes token = unhex("6007 06022a03 040155");
  const InitialContextToken parsed = parse_initial_context_token(token).value();
  EXPECT_EQ(asn1::dotted(parsed.this_mech), "1.2.3");
  EXPECT_EQ(hex(parsed.inner_token), "040155");
  EXPECT_EQ(parsed.inner_token_offset, 6U);
  expect_bytes(encode(parsed), token);
}

TEST(InitialContextToken, RefusesALengthShorterThanTheToken) {
  EXPECT_EQ(parse_initial_context_token(unhex("6006 06022a03 040155")).error().offset, 8U);
}

TEST(InitialContextToken, RefusesALengthLongerThanTheToken) {
  EXPECT_EQ(parse_initial_context_token(unhex("6008 06022a03 040155")).error().offset, 1U);
}

TEST(NegState, HasTheNamesOfTheSpecification) {
  EXPECT_STREQ(name(NegState::kAcceptCompleted), "accept-completed");
  EXPECT_STREQ(name(NegState::kRequestMic), "request-mic");
}

}  // namespace
}  // namespace pocketgss::mechs::spnego
