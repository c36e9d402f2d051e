#include <gtest/gtest.h>
#include <pocketgss/channel_bindings.h>

#include <algorithm>

#include "fuzz/oracles_lib.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss {
namespace {

using testing::hex;
using testing::run_vectors;
using testing::unhex;
using testing::VectorBlock;

constexpr char kVectors[] = "channel_bindings/tls_server_end_point.vec";

// certificate is the least that the parser asks for: an empty tbsCertificate, this
// signatureAlgorithm (its contents), an empty signature.
Bytes certificate(const std::string& algorithm_hex) {
  const Bytes algorithm = unhex(algorithm_hex);
  Bytes inner = unhex("3000");
  if (algorithm.size() > 127) {
    append(inner, FixedBytes<3>{0x30, 0x81, static_cast<uint8_t>(algorithm.size())});
  } else {
    append(inner, FixedBytes<2>{0x30, static_cast<uint8_t>(algorithm.size())});
  }
  append(inner, algorithm);
  append(inner, unhex("030100"));
  Bytes out = unhex("3081");
  out.push_back(static_cast<uint8_t>(inner.size()));
  append(out, inner);
  if (inner.size() < 128) out.erase(out.begin() + 1);
  return out;
}

// hash_size_for gives the size of the hash in the binding, which tells SHA-2's apart; 0 for an
// incompatible certificate, -1 for a malformed one.
int hash_size_for(const std::string& algorithm_hex) {
  const auto binding = ChannelBinding::tls_server_end_point(certificate(algorithm_hex));
  if (binding.has_value()) {
    return static_cast<int>(binding.value().application_data.size() -
                            sizeof("tls-server-end-point"));
  }
  return binding.error().code == Errc::kPeerIncompatible ? 0 : -1;
}

TEST(ChannelBinding, CHB_1_HashesEachKindOfCertificate) {
  run_vectors(
      kVectors,
      {{"tls-server-end-point",
        [](VectorBlock& block) {
          const auto binding = ChannelBinding::tls_server_end_point(block.bytes("Certificate"));
          ASSERT_TRUE(binding.has_value()) << block.where();
          EXPECT_EQ(hex(binding.value().application_data), hex(block.bytes("ApplicationData")));
          const Bytes hash = block.bytes("Hash");
          EXPECT_TRUE(
              std::equal(hash.rbegin(), hash.rend(), binding.value().application_data.rbegin()));
          block.ignore_unread();  // the structure around it is NTLM's
        }},
       {"GssChannelBindings", testing::read_elsewhere},
       {"tls-server-end-point refused", [](VectorBlock& block) {
          block.expect_error(ChannelBinding::tls_server_end_point(block.bytes("Certificate")));
        }}});
}

TEST(ChannelBinding, CHB_1_RefusesEd25519) {
  EXPECT_EQ(hash_size_for("06032b6570"), 0);
}
TEST(ChannelBinding, CHB_1_RefusesEd448) {
  EXPECT_EQ(hash_size_for("06032b6571"), 0);
}
TEST(ChannelBinding, CHB_1_RefusesAnUnknownScheme) {
  EXPECT_EQ(hash_size_for("0609608648016503040311"), 0);  // id-ml-dsa-44
}

TEST(ChannelBinding, UsesSha256ForMd5AndSha1) {
  EXPECT_EQ(hash_size_for("06092a864886f70d0101040500"), 32);
  EXPECT_EQ(hash_size_for("06092a864886f70d0101050500"), 32);
  EXPECT_EQ(hash_size_for("06072a8648ce3d0401"), 32);
  EXPECT_EQ(hash_size_for("06072a8648ce380403"), 32);
}

TEST(ChannelBinding, UsesTheHashOfRsa) {
  EXPECT_EQ(hash_size_for("06092a864886f70d01010b0500"), 32);
  EXPECT_EQ(hash_size_for("06092a864886f70d01010c0500"), 48);
  EXPECT_EQ(hash_size_for("06092a864886f70d01010d0500"), 64);
  EXPECT_EQ(hash_size_for("06092a864886f70d01010e0500"), 28);
}

TEST(ChannelBinding, UsesTheHashOfEcdsa) {
  EXPECT_EQ(hash_size_for("06082a8648ce3d040301"), 28);
  EXPECT_EQ(hash_size_for("06082a8648ce3d040302"), 32);
  EXPECT_EQ(hash_size_for("06082a8648ce3d040303"), 48);
  EXPECT_EQ(hash_size_for("06082a8648ce3d040304"), 64);
}

TEST(ChannelBinding, UsesTheHashOfDsa) {
  EXPECT_EQ(hash_size_for("0609608648016503040301"), 28);
  EXPECT_EQ(hash_size_for("0609608648016503040302"), 32);
  EXPECT_EQ(hash_size_for("0609608648016503040303"), 48);
  EXPECT_EQ(hash_size_for("0609608648016503040304"), 64);
}

constexpr char kPss[] = "06092a864886f70d01010a";
constexpr char kSha384[] = "a00f300d06096086480165030402020500";
constexpr char kMgf1Sha384[] = "a11c301a06092a864886f70d010108300d06096086480165030402020500";
constexpr char kMgf1Sha256[] = "a11c301a06092a864886f70d010108300d06096086480165030402010500";
constexpr char kSalt[] = "a203020130";

std::string pss(const std::string& params) {
  const Bytes size = {static_cast<uint8_t>(params.size() / 2)};
  return kPss + std::string("30") + hex(size) + params;
}

TEST(ChannelBinding, UsesTheHashOfPss) {
  EXPECT_EQ(hash_size_for(pss(std::string(kSha384) + kMgf1Sha384 + kSalt)), 48);
}

TEST(ChannelBinding, TakesTheDefaultsOfPssForSha1) {
  EXPECT_EQ(hash_size_for(pss("")), 32);
}

TEST(ChannelBinding, RefusesPssWithoutParameters) {
  EXPECT_EQ(hash_size_for(kPss), -1);
}

TEST(ChannelBinding, CHB_1_RefusesPssWithTwoHashes) {
  EXPECT_EQ(hash_size_for(pss(std::string(kSha384) + kMgf1Sha256 + kSalt)), 0);
  EXPECT_EQ(hash_size_for(pss(kSha384)), 0);  // the mask's default is SHA-1
}

TEST(ChannelBinding, RefusesPssWithAnotherMask) {
  EXPECT_EQ(hash_size_for(pss(std::string(kSha384) + "a10d300b06092a864886f70d010109")), 0);
}

TEST(ChannelBinding, RefusesPssWithBrokenParameters) {
  EXPECT_EQ(hash_size_for(pss("a000")), -1);
  EXPECT_EQ(hash_size_for(pss("a0023000")), -1);
  EXPECT_EQ(hash_size_for(pss(std::string(kSha384) + kMgf1Sha384 + "a2")), -1);
}

Bytes first_certificate() {
  for (VectorBlock& block : testing::load_vectors(kVectors)) {
    if (block.has("Hash")) return block.bytes("Certificate");
  }
  return {};
}

TEST(ChannelBinding, RefusesEveryPrefixOfACertificate) {
  const Bytes whole = first_certificate();
  for (size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto binding = ChannelBinding::tls_server_end_point(cut);
    ASSERT_FALSE(binding.has_value()) << size;
    EXPECT_EQ(binding.error().code, Errc::kMalformed);
  }
}

TEST(ChannelBinding, HoldsTheOracleForEveryVector) {
  for (VectorBlock& block : testing::load_vectors(kVectors)) {
    if (block.has("Certificate")) fuzz::check_certificate(block.bytes("Certificate"));
    block.ignore_unread();
  }
}

TEST(ChannelBinding, RefusesBytesAfterACertificate) {
  Bytes longer = first_certificate();
  longer.push_back(0);
  EXPECT_EQ(ChannelBinding::tls_server_end_point(longer).error().code, Errc::kMalformed);
}

TEST(ChannelBinding, RefusesMoreThanTlsCanCarry) {
  EXPECT_EQ(ChannelBinding::tls_server_end_point(Bytes(0x1000000)).error().code, Errc::kMalformed);
}

TEST(ChannelBinding, PutsThePrefixOfTheTypeFirst) {
  EXPECT_EQ(as_text(ChannelBinding::tls_unique(as_bytes("finished")).application_data),
            "tls-unique:finished");
  const FixedBytes<32> exported{};
  const ChannelBinding exporter = ChannelBinding::tls_exporter(exported);
  EXPECT_EQ(as_text(exporter.application_data), "tls-exporter:" + std::string(32, '\0'));
}

}  // namespace
}  // namespace pocketgss
