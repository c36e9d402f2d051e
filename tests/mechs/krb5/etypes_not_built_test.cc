// What others computed for triple-DES and Camellia: refused, and never taken for something else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mechs/krb5/profile.h"
#include "tests/mechs/krb5/exchange.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::run_vectors;
using pocketgss::testing::VectorBlock;
using ::testing::AnyOf;
using testing::every_etype;

// lookalikes are the etypes that are built whose keys are of that size, with that key.
std::vector<Key> lookalikes(const Bytes& content) {
  std::vector<Key> out;
  for (const Etype etype : every_etype()) {
    if (key_size(etype) == content.size()) {
      out.push_back(Key::create(static_cast<int32_t>(etype), content).value());
    }
  }
  return out;
}

class EtypesNotBuilt : public ::testing::Test {
 protected:
  static int32_t etype_of(VectorBlock& block) {
    const auto etype = static_cast<int32_t>(block.number("Etype"));
    EXPECT_FALSE(known_etype(etype)) << block.where();
    return etype;
  }

  // A ticket of that etype, with its key in the key table.
  void ticket(int32_t etype, const Bytes& key, const Bytes& cipher) {
    const Principal service = parse_principal("smtp/mail.example.test@EXAMPLE.TEST", "").value();
    const NameComponents name(service.view());
    KeytabEntry entry;
    entry.principal = service.view();
    entry.etype = etype;
    entry.key = key;
    entry.set_kvno(1);
    const SecretBytes file = write_keytab({&entry, 1}).value();
    const Keytab keytab = parse_keytab(file.view()).value();

    ApReq request;
    request.ticket.realm = service.realm();
    request.ticket.sname = name.name();
    request.ticket.enc_part = {etype, UInt32(1), cipher};
    request.authenticator = {etype, std::nullopt, cipher};
    const Bytes message = encode(request).value();
    AcceptorConfig config;
    config.keytab = &keytab;
    config.replay_cache = &cache_;
    config.allow_rc4 = true;
    const Bytes token = encode(ContextToken{TokenId::kApReq, message, 0, {}}).value();
    const auto result = step(*make_acceptor(runtime_, config).value(), token);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, Errc::kPeerIncompatible) << result.error().where;
  }

  void ciphertext(VectorBlock& block) {
    const int32_t etype = etype_of(block);
    const Bytes key = block.bytes("Key"), cipher = block.bytes("Ciphertext");
    const auto usage = static_cast<KeyUsage>(block.number("Usage"));
    const Bytes plaintext = block.bytes("Plaintext");
    SCOPED_TRACE(block.where());
    ticket(etype, key, cipher);
    for (const Key& other : lookalikes(key)) {
      Bytes out(cipher.size(), 0xaa);
      const auto size = decrypt(runtime_.crypto(), other, usage, cipher, out);
      ASSERT_FALSE(size.has_value());
      EXPECT_EQ(size.error().code, Errc::kAuthFailed);
      if (plaintext.size() < 8) continue;  // may be there by chance
      EXPECT_EQ(hex(out).find(hex(plaintext)), std::string::npos);
    }
  }

  void keyed_checksum(VectorBlock& block) {
    etype_of(block);
    const Bytes content = block.bytes("Key"), data = block.bytes("Data");
    const Bytes sum = block.bytes("Checksum");
    const int32_t type = std::stoi(block.word("Type"));
    const auto usage = static_cast<KeyUsage>(block.number("Usage"));
    SCOPED_TRACE(block.where());
    std::vector<Key> keys = lookalikes(content);
    if (keys.empty()) keys.push_back(Key::random(Etype::kAes256CtsHmacSha1, random_).value());
    for (const Key& key : keys) {
      const auto verify = [&](int32_t cksumtype) {
        return verify_checksum(runtime_.crypto(), key, usage, cksumtype, {data}, sum);
      };
      EXPECT_EQ(verify(type).error().code, Errc::kPeerMisbehaved);
      EXPECT_EQ(verify(static_cast<int32_t>(checksum_type(key.etype()))).error().code,
                Errc::kAuthFailed);
    }
  }

  void derived(VectorBlock& block) {
    const int32_t etype = etype_of(block);
    const Bytes content = block.bytes("Key"), expected = block.bytes("Derived");
    EXPECT_EQ(Key::create(etype, expected).error().code, Errc::kPeerIncompatible);
    const auto constant = block.optional_bytes("Constant");
    if (!constant) return;
    uint32_t usage = 0;
    for (size_t i = 0; i < 4; ++i) usage = usage << 8 | constant->at(i);
    const std::vector<Key> keys = lookalikes(content);
    EXPECT_FALSE(keys.empty());
    for (const Key& key : keys) {
      const Profile& profile = key.profile();
      FixedBytes<kMaxKeySize> kc{}, ke{}, ki{};
      profile.derive_checksum(runtime_.crypto(), profile, key.view(), usage, kc);
      profile.derive_cipher(runtime_.crypto(), profile, key.view(), usage, ke, ki);
      for (const auto& own : {kc, ke, ki}) {
        EXPECT_NE(hex(ByteView(own).prefix(expected.size())), hex(expected)) << block.where();
      }
    }
  }

  void password(VectorBlock& block) {
    etype_of(block);
    const Bytes text = block.bytes("Password"), salt = block.bytes("Salt");
    const auto iterations = static_cast<uint32_t>(block.optional_number("Iterations").value_or(1));
    const Bytes expected = block.bytes("Key");
    for (const Etype other : every_etype()) {
      const Key key = string_to_key(runtime_.crypto(), other, text, salt, iterations).value();
      EXPECT_NE(hex(key.view()), hex(expected)) << block.where();
    }
  }

  void combined(VectorBlock& block) {
    const int32_t etype = etype_of(block);
    for (const char* key : {"Key1", "Key2", "Key"}) {
      EXPECT_EQ(Key::create(etype, block.bytes(key)).error().code, Errc::kPeerIncompatible);
    }
  }

  void context(VectorBlock& block) {
    name_ = block.text("Name");
    etype_ = etype_of(block);
    content_ = block.bytes("ContextKey");
    EXPECT_EQ(Key::create(etype_, content_).error().code, Errc::kPeerIncompatible);
  }

  // Triple-DES has keys of another size than any that is built: any key will do.
  std::vector<Key> context_keys() {
    std::vector<Key> out = lookalikes(content_);
    if (!out.empty()) return out;
    for (const Etype etype : every_etype()) out.push_back(Key::random(etype, random_).value());
    return out;
  }

  void message(VectorBlock& block) {
    const bool from_initiator = block.word("From") == "initiator";
    const std::string kind = block.word("Kind");
    const Bytes plaintext = block.bytes("Plaintext"), token = block.bytes("Token");
    SCOPED_TRACE(block.where() + " " + name_);
    for (const Key& key : context_keys()) {
      const auto receiver =
          make_message_protection(
              runtime_, {key.clone(), from_initiator ? Role::kAcceptor : Role::kInitiator, true, 0,
                         0, kNoContextFlags})
              .value();
      Bytes out(token.size(), 0xaa);
      const Result<void> verdict = [&]() -> Result<void> {
        if (kind == "mic") return receiver->verify_mic(plaintext, token);
        PGSS_TRY([[maybe_unused]] const auto opened, receiver->unwrap(token, out));
        return {};
      }();
      ASSERT_FALSE(verdict.has_value());
      EXPECT_THAT(verdict.error().code, AnyOf(Errc::kAuthFailed, Errc::kMalformed));
      // RFC 1964's are known by their form.
      EXPECT_TRUE(etype_ != 16 || verdict.error().code == Errc::kMalformed);
      if (plaintext.size() >= 8) {
        EXPECT_EQ(hex(out).find(hex(plaintext)), std::string::npos);
      }
    }
    ++messages_;
  }

  pocketgss::testing::FakeClock clock_;
  pocketgss::testing::CountingRandom random_;
  Runtime runtime_ = Runtime::create(clock_, random_).value();
  testing::FakeReplayCache cache_;
  std::string name_;
  int32_t etype_ = 0;
  Bytes content_;
  size_t messages_ = 0;
};

TEST_F(EtypesNotBuilt, P10_WhatTheyMadeIsTakenForNothingElse) {
  run_vectors("krb5/etypes_not_built.vec",
              {{"Derived key", [&](VectorBlock& block) { derived(block); }},
               {"string-to-key", [&](VectorBlock& block) { password(block); }},
               {"Ciphertext", [&](VectorBlock& block) { ciphertext(block); }},
               {"Checksum", [&](VectorBlock& block) { keyed_checksum(block); }},
               {"KRB-FX-CF2", [&](VectorBlock& block) { combined(block); }}});
}

TEST_F(EtypesNotBuilt, KRA_4_TheirMessagesAreRefusedInContextsOfOthers) {
  run_vectors("krb5/messages_not_built.vec",
              {{"Context", [&](VectorBlock& block) { context(block); }},
               {"Message", [&](VectorBlock& block) { message(block); }}});
  EXPECT_EQ(messages_, 108U);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
