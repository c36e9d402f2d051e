// The interface for kinds of pre-authentication, by a kind of the tests' own: several rounds, a key
// of its own for the reply, a cookie, and who is asked first.
#include "mechs/krb5/preauth.h"

#include "tests/mechs/krb5/as_exchange_fixture.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr int32_t kOurKind = 4711;
constexpr std::string_view kCookie = "cookie";

// TwoRounds answers each offer with its own octets and the offer's, and proves in the second round
// that it has the key. The reply is under HMAC of both, made an AES key.
class TwoRounds final : public Preauth {
 public:
  struct Seen {
    std::vector<std::string> offers;
    std::vector<Bytes> bodies;
    std::vector<UnixMicros> times;
  };
  TwoRounds(Runtime& runtime, Seen& seen) : runtime_(runtime), seen_(seen) {}

  int32_t padata_type() const override { return kOurKind; }
  bool strong() const override { return true; }
  Result<Reply> answer(const PreauthRound& round) override {
    seen_.offers.emplace_back(as_text(round.offer));
    seen_.bodies.push_back(round.request_body.to_bytes());
    seen_.times.push_back(round.time);
    const bool last = seen_.offers.size() == 2;
    Reply out{kOurKind, as_bytes(last ? "second" : "first").to_bytes(), last};
    append(out.value, round.offer);
    return out;
  }
  Result<Key> reply_key(crypto::Workspace&, const Key& client_key, const KdcRep&) override {
    return other_key(runtime_, client_key);
  }

  static Result<Key> other_key(Runtime& runtime, const Key& client_key) {
    FixedBytes<32> out;
    runtime.crypto().hmac(crypto::HmacHash::kSha256, as_bytes("reply"), {client_key.view()}, out);
    return Key::create(static_cast<int32_t>(client_key.etype()),
                       ByteView(out).prefix(client_key.view().size()));
  }

 private:
  Runtime& runtime_;
  Seen& seen_;
};

class PreauthTest : public AsExchangeTest {
 protected:
  PreauthTest() {
    FakeKdc::User& alice = kdc.users["alice"];
    const Key key = Key::random(Etype::kAes128CtsHmacSha1, random).value();
    client_key = std::make_shared<const Key>(key.clone());
    alice.key = client_key;
    secret.password = SecretBytes();
    secret.keys.push_back(key.clone());
    kdc.preauth_kinds = {padata_type::kEncTimestamp};
    kdc.twist.instead = [this](const KdcReq& req) { return play(req); };
  }

  // play is a KDC that takes our kind, in two rounds; where a timestamp comes it is an honest one.
  std::optional<Bytes> play(const KdcReq& req) {
    FakeKdc::User& alice = kdc.users["alice"];
    if (req.padata && find(*req.padata, padata_type::kEncTimestamp)) return std::nullopt;
    const auto sent_padata = [&](int32_t type) {
      return req.padata ? find(*req.padata, type).value_or(ByteView()) : ByteView();
    };
    cookies.emplace_back(as_text(sent_padata(padata_type::kFxCookie)));
    const ByteView value = sent_padata(kOurKind);
    if (value.empty()) {
      return kdc.krb_error(error_code::kPreauthRequired, offer("one", /*with_timestamp=*/true));
    }
    if (value == as_bytes("firstone")) {
      return kdc.krb_error(error_code::kMorePreauthNeeded, offer("two", /*with_timestamp=*/false));
    }
    EXPECT_EQ(as_text(value), "secondtwo");
    alice.preauth = false;
    if (reply_under_kinds_key) {
      alice.key =
          std::make_shared<const Key>(TwoRounds::other_key(runtime, *client_key).value().clone());
    }
    return std::nullopt;
  }

  Bytes offer(std::string_view hello, bool with_timestamp) {
    const EtypeInfo2Entry entry{17, "salt", std::nullopt};
    const Bytes info = encode(EtypeInfo2(std::span(&entry, 1))).value();
    std::vector<PaData> out = {{padata_type::kEtypeInfo2, info},
                               {padata_type::kFxCookie, as_bytes(kCookie)}};
    if (with_timestamp) out.push_back({padata_type::kEncTimestamp, {}});
    out.push_back({kOurKind, as_bytes(hello)});
    return encode(MethodData(std::span<const PaData>(out))).value();
  }

  Result<ServiceCredential> login_with(const std::vector<PreauthFactory>& kinds) {
    AsExchange exchange(runtime, policy, user("alice"), secret, kinds);
    auto result = run(exchange);
    proof_sent = exchange.proof_sent();
    return result;
  }
  PreauthFactory ours() {
    return [this] { return std::make_unique<TwoRounds>(runtime, seen); };
  }

  std::shared_ptr<const Key> client_key;
  TwoRounds::Seen seen;
  std::vector<std::string> cookies;
  bool reply_under_kinds_key = true;
};

TEST_F(PreauthTest, AKindHasItsRoundsItsCookieAndItsKey) {
  for (const bool strong_only : {false, true}) {
    policy.require_strong_preauth = strong_only;
    kdc.users["alice"].preauth = true;
    kdc.users["alice"].key = client_key;
    seen = {}, cookies.clear(), sent.clear();
    const auto tgt = login_with({ours(), make_encrypted_timestamp});
    ASSERT_TRUE(tgt.has_value()) << describe(tgt.error());
    EXPECT_TRUE(proof_sent);
    EXPECT_EQ(seen.offers, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(cookies, (std::vector<std::string>{"", "cookie", "cookie"}));
    ASSERT_EQ(sent.size(), 3u);
    for (const size_t round : {0u, 1u}) {
      EXPECT_EQ(ByteView(seen.bodies[round]), parse_as_req(sent[round + 1]).value().req_body.der);
      EXPECT_EQ(seen.times[round], clock.now());
    }
    EXPECT_EQ(kdc.timestamps, 0);
  }
}

TEST_F(PreauthTest, TheFirstThatTheKdcTakesIsUsed) {
  ASSERT_TRUE(login_with({make_encrypted_timestamp, ours()}).has_value());
  EXPECT_EQ(kdc.timestamps, 1);
  EXPECT_TRUE(seen.offers.empty());
}

TEST_F(PreauthTest, P15_WhereItMustBeStrongAWeakKindBeforeItIsPassedOver) {
  policy.require_strong_preauth = true;
  ASSERT_TRUE(login_with({make_encrypted_timestamp, ours()}).has_value());
  EXPECT_EQ(kdc.timestamps, 0);
  EXPECT_EQ(seen.offers.size(), 2u);
}

// What a kind makes of the key is what the reply must be under.
TEST_F(PreauthTest, KRC_1_AReplyUnderTheBareKeyIsRefused) {
  reply_under_kinds_key = false;
  const auto tgt = login_with({ours()});
  ASSERT_FALSE(tgt.has_value());
  EXPECT_EQ(tgt.error().code, Errc::kAuthFailed);
}

// Until a round has a proof in it, nothing of the user's key has left (row P8).
TEST_F(PreauthTest, P8_ARoundWithoutAProofIsNone) {
  kdc.twist.instead = [this](const KdcReq& req) -> std::optional<Bytes> {
    if (req.padata && find(*req.padata, kOurKind)) return kdc.krb_error(error_code::kGeneric);
    return play(req);
  };
  EXPECT_FALSE(login_with({ours()}).has_value());
  EXPECT_EQ(seen.offers.size(), 1u);
  EXPECT_FALSE(proof_sent);
}

TEST_F(PreauthTest, AKindThatFailsEndsTheExchangeWithItsError) {
  struct Broken : Preauth {
    int32_t padata_type() const override { return kOurKind; }
    bool strong() const override { return true; }
    Result<Reply> answer(const PreauthRound&) override {
      return Error{Errc::kMalformed, "our kind's offer", 0, 0};
    }
  };
  const auto tgt = login_with({[] { return std::make_unique<Broken>(); }});
  ASSERT_FALSE(tgt.has_value());
  EXPECT_EQ(tgt.error(), (Error{Errc::kMalformed, "our kind's offer", 0, 0}));
}

// [MS-KILE] 3.1.5.1: a client says that it wants a PAC, in every AS-REQ.
TEST_F(PreauthTest, EveryAsReqAsksForAPac) {
  kdc.twist.instead = {};
  ASSERT_TRUE(login().has_value());
  ASSERT_EQ(sent.size(), 2u);
  for (const Bytes& request : sent) {
    const KdcReq req = parse_as_req(request).value();
    const auto pac = find(*req.padata, padata_type::kPacRequest);
    ASSERT_TRUE(pac.has_value());
    EXPECT_TRUE(parse_pa_pac_request(*pac).value().include_pac);
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
