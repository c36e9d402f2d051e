// Channel bindings, and as much of a certificate (RFC 5280 4.1) as tls-server-end-point needs.
#include <pocketgss/channel_bindings.h>

#include <array>
#include <span>
#include <string_view>

#include "asn1/reader.h"
#include "base/crypto.h"
#include "base/guard.h"

namespace pocketgss {
namespace {

using asn1::Oid;
using asn1::Reader;
using crypto::HashAlgorithm;

constexpr size_t kMaxCertificateSize = 0xffffff;  // RFC 8446 4.4.2: cert_data

constexpr char kCertificate[] = "Certificate";
constexpr char kSignatureAlgorithm[] = "Certificate.signatureAlgorithm";
constexpr char kSignatureValue[] = "Certificate.signatureValue";
constexpr char kPssParameters[] = "RSASSA-PSS-params";

// An algorithm by its OID (contents octets) and the hash that RFC 5929 4.1 makes of it: MD5 and
// SHA-1 count as SHA-256.
struct Row {
  std::string_view oid;
  HashAlgorithm hash;
};

using namespace std::string_view_literals;  // NOLINT: the tables below are octets with zeros in
                                            // them

constexpr auto kRsaPss = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"sv;  // 1.2.840.113549.1.1.10

// Signature algorithms with one hash: RFC 3279, 4055, 5758.
constexpr std::array kSignatures = {
    Row{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"sv, HashAlgorithm::kSha256},  // md5WithRSAEncryption
    Row{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"sv, HashAlgorithm::kSha256},  // sha1WithRSAEncryption
    Row{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"sv,
        HashAlgorithm::kSha256},  // sha256WithRSAEncryption
    Row{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"sv, HashAlgorithm::kSha384},
    Row{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"sv, HashAlgorithm::kSha512},
    Row{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e"sv, HashAlgorithm::kSha224},
    Row{"\x2a\x86\x48\xce\x3d\x04\x01"sv, HashAlgorithm::kSha256},      // ecdsa-with-SHA1
    Row{"\x2a\x86\x48\xce\x3d\x04\x03\x01"sv, HashAlgorithm::kSha224},  // ecdsa-with-SHA224
    Row{"\x2a\x86\x48\xce\x3d\x04\x03\x02"sv, HashAlgorithm::kSha256},
    Row{"\x2a\x86\x48\xce\x3d\x04\x03\x03"sv, HashAlgorithm::kSha384},
    Row{"\x2a\x86\x48\xce\x3d\x04\x03\x04"sv, HashAlgorithm::kSha512},
    Row{"\x2a\x86\x48\xce\x38\x04\x03"sv, HashAlgorithm::kSha256},          // id-dsa-with-sha1
    Row{"\x60\x86\x48\x01\x65\x03\x04\x03\x01"sv, HashAlgorithm::kSha224},  // id-dsa-with-sha224
    Row{"\x60\x86\x48\x01\x65\x03\x04\x03\x02"sv, HashAlgorithm::kSha256},
    Row{"\x60\x86\x48\x01\x65\x03\x04\x03\x03"sv, HashAlgorithm::kSha384},
    Row{"\x60\x86\x48\x01\x65\x03\x04\x03\x04"sv, HashAlgorithm::kSha512},
};

// Hashes as RSASSA-PSS-params names them: RFC 8017 B.1.
constexpr std::array kHashes = {
    Row{"\x2a\x86\x48\x86\xf7\x0d\x02\x05"sv, HashAlgorithm::kSha256},      // id-md5
    Row{"\x2b\x0e\x03\x02\x1a"sv, HashAlgorithm::kSha256},                  // id-sha1
    Row{"\x60\x86\x48\x01\x65\x03\x04\x02\x01"sv, HashAlgorithm::kSha256},  // id-sha256
    Row{"\x60\x86\x48\x01\x65\x03\x04\x02\x02"sv, HashAlgorithm::kSha384},
    Row{"\x60\x86\x48\x01\x65\x03\x04\x02\x03"sv, HashAlgorithm::kSha512},
    Row{"\x60\x86\x48\x01\x65\x03\x04\x02\x04"sv, HashAlgorithm::kSha224},
};

// find leaves null what has no single hash.
const Row* find(std::span<const Row> rows, Oid oid) {
  for (const Row& row : rows) {
    if (as_bytes(row.oid) == oid.der) return &row;
  }
  return nullptr;
}

Result<void> enter(Reader& in, asn1::Tag tag, const char* field, Reader& contents) {
  PGSS_TRY(contents, in.enter(tag, field));
  return {};
}

// AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL } (RFC
// 5280 4.1.1.2)
struct AlgorithmIdentifier {
  Oid algorithm;
  Reader parameters;  // at its end where there are none
};

// What RSASSA-PSS-params leave out: sha1, 1.3.14.3.2.26, and mgf1SHA1, 1.2.840.113549.1.1.8 with that
// (RFC 8017 A.2.1, A.2.3).
constexpr FixedBytes<9> kSha1Identifier = {0x30, 0x07, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a};
constexpr FixedBytes<9> kMgf1 = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};
constexpr Reader kSha1Parameter{ByteView(kSha1Identifier)};
constexpr AlgorithmIdentifier kDefaultHash{Oid{ByteView(kSha1Identifier).from(4)}, kSha1Parameter};
constexpr AlgorithmIdentifier kDefaultMask{Oid{ByteView(kMgf1)}, kSha1Parameter};

Result<void> read(Reader& in, const char* field, AlgorithmIdentifier& out) {
  PGSS_CHECK(enter(in, asn1::kSequence, field, out.parameters));
  PGSS_TRY(out.algorithm, out.parameters.oid(field));
  Reader rest = out.parameters;
  if (!rest.at_end()) PGSS_CHECK(rest.skip(field));
  return rest.finish(field);
}

// read_tagged leaves the default in `out` where [tag] is not there.
Result<void> read_tagged(Reader& params, uint8_t tag, AlgorithmIdentifier& out) {
  if (!params.next_is(asn1::context(tag))) return {};
  Reader tagged = params;
  PGSS_CHECK(enter(params, asn1::context(tag), kPssParameters, tagged));
  PGSS_CHECK(read(tagged, kPssParameters, out));
  return tagged.finish(kPssParameters);
}

// RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] HashAlgorithm DEFAULT sha1, maskGenAlgorithm [1]
// MaskGenAlgorithm DEFAULT mgf1SHA1, saltLength [2], trailerField [3] } (RFC 8017 A.2.3); the parameter
// of MGF1 is a hash. RFC 5929 4.1: a signature with more than one hash function has no such binding.
[[gnu::noinline]] Result<void> read_pss_hash(Reader parameters, const Row*& out) {
  AlgorithmIdentifier hash = kDefaultHash, mask = kDefaultMask, mask_hash = kDefaultHash;
  Reader params = parameters;
  PGSS_CHECK(enter(parameters, asn1::kSequence, kPssParameters, params));
  PGSS_CHECK(read_tagged(params, 0, hash));
  PGSS_CHECK(read_tagged(params, 1, mask));
  if (mask.algorithm != kDefaultMask.algorithm) return {};
  PGSS_CHECK(read(mask.parameters, kPssParameters, mask_hash));
  PGSS_CHECK(params.skip_extensions(kPssParameters));
  const Row* const row = find(kHashes, hash.algorithm);
  if (row == find(kHashes, mask_hash.algorithm)) out = row;
  return {};
}

// Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm AlgorithmIdentifier,
// signatureValue BIT STRING }
[[gnu::noinline]] Result<void> read_end_point_hash(ByteView certificate_der, HashAlgorithm& out) {
  if (certificate_der.size() > kMaxCertificateSize)
    return Error{Errc::kMalformed, kCertificate, 0, 0};
  Reader in(certificate_der), certificate = in, part = in;
  AlgorithmIdentifier signature{{}, in};
  PGSS_CHECK(enter(in, asn1::kSequence, kCertificate, certificate));
  PGSS_CHECK(in.finish(kCertificate));
  PGSS_CHECK(enter(certificate, asn1::kSequence, "Certificate.tbsCertificate", part));
  PGSS_CHECK(read(certificate, kSignatureAlgorithm, signature));
  PGSS_CHECK(enter(certificate, asn1::kBitString, kSignatureValue, part));
  PGSS_CHECK(asn1::check_bit_string(part.rest(), part.offset(), kSignatureValue));
  PGSS_CHECK(certificate.finish(kCertificate));
  const Row* row = find(kSignatures, signature.algorithm);
  if (signature.algorithm.der == as_bytes(kRsaPss)) {
    PGSS_CHECK(read_pss_hash(signature.parameters, row));
  }
  if (row == nullptr) return Error{Errc::kPeerIncompatible, kSignatureAlgorithm, 0, 0};
  out = row->hash;
  return {};
}

ChannelBinding binding(std::string_view prefix, ByteView data) {
  ChannelBinding result;
  result.application_data.reserve(prefix.size() + data.size());
  append(result.application_data, as_bytes(prefix));
  append(result.application_data, data);
  return result;
}

}  // namespace

Result<ChannelBinding> ChannelBinding::tls_server_end_point(ByteView certificate_der) {
  return guarded("tls-server-end-point", [&]() -> Result<ChannelBinding> {
    HashAlgorithm algorithm;
    PGSS_CHECK(read_end_point_hash(certificate_der, algorithm));
    FixedBytes<crypto::kMaxHashSize> digest;
    PGSS_TRY(const size_t size, crypto::hash(algorithm, certificate_der, digest));
    return binding("tls-server-end-point:", ByteView(digest).prefix(size));
  });
}

ChannelBinding ChannelBinding::tls_unique(ByteView first_finished) {
  return binding("tls-unique:", first_finished);
}

ChannelBinding ChannelBinding::tls_exporter(FixedView<32> exported) {
  return binding("tls-exporter:", exported);
}

}  // namespace pocketgss
