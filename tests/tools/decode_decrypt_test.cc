// What `decode` decrypts, with recorded exchanges of other implementations.
#include "tools/decode/decrypt.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/vector_file.h"
#include "tools/decode/decode.h"
#include "tools/decode/render.h"

namespace pocketgss::tools {
namespace {

using testing::VectorBlock;

// Decoded counts, in the text of a tree, what was inside encrypted parts.
struct Decoded {
  std::string text;
  size_t count(std::string_view kind) const {
    size_t n = 0;
    const std::string wanted = "\"krb5." + std::string(kind) + "\"";
    for (size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
      ++n;
    return n;
  }
};

Decoded decode(ByteView token, Decryptor* decryptor, bool show_keys = false) {
  const auto result = decode_token(token, {}, show_keys, decryptor);
  if (!result.has_value()) {
    ADD_FAILURE() << describe(result.error());
    return {};
  }
  return {render_json(result.value())};
}

struct Exchange {
  Bytes as_req, as_rep, tgs_req, tgs_rep;
  std::string password;
};

// recorded is the first exchange of gokrb5 with MIT's KDC: everything but the tickets opens.
Exchange recorded(const std::string& name) {
  for (VectorBlock block : testing::load_vectors("krb5/kdc_sessions.vec")) {
    const bool wanted = block.text("Name") == name;
    Exchange out;
    if (wanted) {
      out.password = block.text("Password");
      out.as_req = block.bytes_list("ASREQ").back();
      out.as_rep = block.bytes_list("ASREP").back();
      out.tgs_req = block.bytes_list("TGSREQ").at(0);
      out.tgs_rep = block.bytes_list("TGSREP").at(0);
    }
    block.ignore_unread();
    if (wanted) return out;
  }
  ADD_FAILURE() << name;
  return {};
}

class DecodeDecrypt : public ::testing::Test {
 protected:
  Runtime runtime = Runtime::create().value();
  Decryptor decryptor{runtime};
  Exchange exchange = recorded("go-pw-default");
};

TEST_F(DecodeDecrypt, APasswordOpensTheTimestampAndTheReply) {
  decryptor.set_password(SecretBytes(std::string_view(exchange.password)));
  EXPECT_EQ(decode(exchange.as_req, &decryptor).count("PA-ENC-TS-ENC"), 1U);
  EXPECT_EQ(decode(exchange.as_rep, &decryptor).count("EncKDCRepPart"), 1U);
}

TEST_F(DecodeDecrypt, WhatWasFoundOpensWhatComesLater) {
  decryptor.set_password(SecretBytes(std::string_view(exchange.password)));
  EXPECT_EQ(decode(exchange.tgs_req, &decryptor).count("Authenticator"), 0U) << "not known yet";
  decode(exchange.as_rep, &decryptor);
  EXPECT_EQ(decode(exchange.tgs_req, &decryptor).count("Authenticator"), 1U);
  EXPECT_EQ(decode(exchange.tgs_rep, &decryptor).count("EncKDCRepPart"), 1U);
}

TEST_F(DecodeDecrypt, AWrongPasswordOpensNothing) {
  decryptor.set_password(SecretBytes(std::string_view("Password2")));
  EXPECT_EQ(decode(exchange.as_req, &decryptor).count("PA-ENC-TS-ENC"), 0U);
  EXPECT_EQ(decode(exchange.as_rep, &decryptor).count("EncKDCRepPart"), 0U);
}

TEST_F(DecodeDecrypt, WithoutKeysNothingIsOpened) {
  EXPECT_EQ(decode(exchange.as_rep, &decryptor).text, decode(exchange.as_rep, nullptr).text);
}

TEST_F(DecodeDecrypt, P22_KeysThatWereFoundAreNotShownUnlessAsked) {
  decryptor.set_password(SecretBytes(std::string_view(exchange.password)));
  EXPECT_NE(decode(exchange.as_rep, &decryptor).text.find("<secret>"), std::string::npos);
  EXPECT_EQ(decode(exchange.as_rep, &decryptor, true).text.find("<secret>"), std::string::npos);
}

TEST_F(DecodeDecrypt, TheKeysThatAreFoundAreBounded) {
  decryptor.set_password(SecretBytes(std::string_view(exchange.password)));
  decode(exchange.as_rep, &decryptor);
  for (size_t i = 0; i <= Decryptor::kMaxFound; ++i) decode(exchange.tgs_rep, &decryptor);
  EXPECT_EQ(decode(exchange.tgs_req, &decryptor).count("Authenticator"), 0U)
      << "the key of the reply is still there";
}

}  // namespace
}  // namespace pocketgss::tools
