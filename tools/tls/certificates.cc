// Trust stores, server identities, and the check of a server's chain.
#include "tools/tls/certificates.h"

#include <algorithm>
#include <chrono>

#include <botan/certstor_system.h>
#include <botan/data_src.h>
#include <botan/x509path.h>

#include "tools/files.h"
#include "tools/text.h"
#include "tools/tls/botan_version.h"
#include "tools/tls/host_name.h"

namespace pocketgss::tools {
namespace {

constexpr size_t kMaxPemFile = 8 * 1024 * 1024;  // a whole system store is a quarter of a megabyte

using Certificates = std::vector<Botan::X509_Certificate>;
using Code = Botan::Certificate_Status_Code;

// pem_certificates reads certificates one after the other and skips other PEM blocks (a key in the
// same file), whatever they hold. It throws.
Certificates pem_certificates(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  Certificates found;
  for (size_t at = text.find(kBegin); at != text.npos; at = text.find(kBegin, at)) {
    const size_t end = text.find(kEnd, at);
    const ByteView block =
        as_bytes(text.substr(at, end == text.npos ? end : end + kEnd.size() - at));
    Botan::DataSource_Memory source(block.data(), block.size());
    found.emplace_back(source);
    at += block.size();
  }
  return found;
}

Fallible<Certificates> read_certificates(const std::string& path) {
  auto text = read_file(path, kMaxPemFile);
  if (!text.has_value()) return text.failure();
  try {
    Certificates found = pem_certificates(as_text(text.value().view()));
    if (!found.empty()) return found;
  } catch (const std::exception&) {
    return Failure{ExitCode::kDataError, quoted(path) + " holds a damaged certificate"};
  }
  return Failure{ExitCode::kDataError,
                 quoted(path) + " holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"};
}

bool is_encrypted_key(std::string_view text) {
  return text.find("ENCRYPTED") != std::string_view::npos;
}

Failure key_failure(const std::string& path, std::string_view text) {
  if (is_encrypted_key(text)) {
    return Failure{
        ExitCode::kDataError,
        quoted(path) +
            " is encrypted: take the pass phrase off with `openssl pkcs8 -topk8 -nocrypt`"};
  }
  return Failure{
      ExitCode::kDataError,
      quoted(path) +
          " holds no private key in PKCS #8 form (-----BEGIN PRIVATE KEY-----): convert it with "
          "`openssl pkcs8 -topk8 -nocrypt`"};
}

Fallible<std::shared_ptr<Botan::Private_Key>> read_key(const std::string& path) {
  auto text = read_file(path, kMaxPemFile);
  if (!text.has_value()) return text.failure();
  ByteView bytes = text.value().view();
  // Botan reads the first block: certificates before the key are passed over.
  const size_t at = as_text(bytes).find("-----BEGIN PRIVATE KEY-----");
  if (at != std::string_view::npos) bytes = bytes.from(at);
  try {
    Botan::DataSource_Memory source(bytes.data(), bytes.size());
    return std::shared_ptr<Botan::Private_Key>(tls::load_private_key(source));
  } catch (const std::exception&) {
    return key_failure(path, as_text(bytes));
  }
}

}  // namespace

Fallible<TrustStore> TrustStore::system() {
  auto state = std::make_shared<State>();
  try {
    state->roots = std::make_unique<Botan::System_Certificate_Store>();
  } catch (const std::exception&) {
    return Failure{ExitCode::kConfig,
                   "this system has no store of trusted certificates: install the package "
                   "ca-certificates, or give the "
                   "server's issuer with --ca"};
  }
  return TrustStore(std::move(state));
}

Fallible<TrustStore> TrustStore::from_file(const std::string& path) {
  auto certificates = read_certificates(path);
  if (!certificates.has_value()) return certificates.failure();
  auto state = std::make_shared<State>();
  auto roots = std::make_unique<Botan::Certificate_Store_In_Memory>();
  for (const auto& certificate : certificates.value()) {
    if (certificate.is_CA_cert()) roots->add_certificate(certificate);
    state->pinned.push_back(certificate.BER_encode());
  }
  state->roots = std::move(roots);
  return TrustStore(std::move(state));
}

Fallible<ServerIdentity> ServerIdentity::load(const std::string& certificate_file,
                                              const std::string& key_file) {
  auto chain = read_certificates(certificate_file);
  if (!chain.has_value()) return chain.failure();
  auto key = read_key(key_file);
  if (!key.has_value()) return key.failure();
  if (key.value()->subject_public_key() != chain.value().front().subject_public_key_info()) {
    return Failure{ExitCode::kConfig,
                   "the key in " + quoted(key_file) + " is not that of the first certificate in " +
                       quoted(certificate_file) +
                       ": give the server's own certificate first, then its issuers'"};
  }
  return ServerIdentity(
      std::make_shared<State>(State{std::move(chain).value(), std::move(key).value()}));
}

namespace tls {
namespace {

std::string date(const Botan::X509_Time& time) {
  return time.readable_string();
}

// explain puts the reasons that people meet into plain words; `leaf` is the server's certificate.
std::string explain(Code code, const Botan::X509_Certificate& leaf) {
  switch (code) {
    case Code::CERT_HAS_EXPIRED:
      return "the server's certificate, or one of its issuers', has expired (the server's is valid "
             "until " +
             date(leaf.not_after()) +
             "): its operator must renew it; check this machine's clock too";
    case Code::CERT_NOT_YET_VALID:
      return "the server's certificate, or one of its issuers', is not valid yet (the server's is "
             "valid from " +
             date(leaf.not_before()) + "): check this machine's clock";
    case Code::CERT_ISSUER_NOT_FOUND:
    case Code::CANNOT_ESTABLISH_TRUST:
    case Code::CHAIN_LACKS_TRUST_ROOT:
      return "the issuer of the server's certificate is not known to this machine: if you know the "
             "certificate to be right, "
             "give it or its issuer's with --ca";
    case Code::SIGNATURE_METHOD_TOO_WEAK:
    case Code::UNTRUSTED_HASH:
      return "the server's certificate is signed by too weak a method (SHA-1, or a short key): its "
             "operator must renew it";
    case Code::INVALID_USAGE:
      return "the server's certificate is not meant for a server";
    default:
      return std::string("the server's certificate is not valid: ") +
             Botan::Path_Validation_Result::status_string(code);
  }
}

std::string name_list(const SubjectNames& names) {
  constexpr size_t kShown = 5;
  std::string list;
  for (size_t i = 0; i < std::min(names.dns.size(), kShown); ++i) {
    list.append(i == 0 ? "" : ", ").append(quoted(names.dns[i], 80));
  }
  if (names.dns.size() > kShown) list.append(", ...");
  return list.empty() ? "no host name at all" : list;
}

std::optional<std::string> check_name(const Botan::X509_Certificate& leaf,
                                      const std::string& host) {
  const Botan::OID subject_alt_name("2.5.29.17");
  std::vector<uint8_t> extension = {0x30, 0x00};  // no names
  if (leaf.v3_extensions().extension_set(subject_alt_name)) {
    extension = leaf.v3_extensions().get_extension_bits(subject_alt_name);
  }
  const auto names = parse_subject_names(extension);
  if (!names.has_value()) return "the server's certificate has a damaged subjectAltName";
  if (names_host(names.value(), host)) return std::nullopt;
  return "the server's certificate is not for " + quoted(host) + "; it names " +
         name_list(names.value()) +
         ": check the server's name, or connect by a name that the certificate has";
}

std::optional<std::string> check_dates(const Botan::X509_Certificate& leaf,
                                       std::chrono::system_clock::time_point now) {
  const Botan::X509_Time time(now);  // compared as such: a time_t of 32 bits ends in 2038
  if (time < leaf.not_before()) return explain(Code::CERT_NOT_YET_VALID, leaf);
  if (leaf.not_after() < time) return explain(Code::CERT_HAS_EXPIRED, leaf);
  return std::nullopt;
}

std::optional<std::string> check_path(const std::vector<Botan::X509_Certificate>& chain,
                                      const TrustStore::State& trust, size_t minimum_strength,
                                      std::chrono::system_clock::time_point now) {
  const Botan::Path_Validation_Restrictions restrictions(false, minimum_strength);
  const auto result = Botan::x509_path_validate(chain, restrictions, {trust.roots.get()}, "",
                                                Botan::Usage_Type::TLS_SERVER_AUTH, now);
  if (result.successful_validation()) return std::nullopt;
  return explain(result.result(), chain.front());
}

}  // namespace

std::optional<std::string> check_chain(const std::vector<Botan::X509_Certificate>& chain,
                                       const TrustStore::State& trust, const std::string& host,
                                       size_t minimum_strength, Clock& clock) {
  if (chain.empty()) return "the server sent no certificate";
  const Botan::X509_Certificate& leaf = chain.front();
  const std::chrono::system_clock::time_point now{std::chrono::microseconds(clock.now())};
  const bool pinned =
      std::find(trust.pinned.begin(), trust.pinned.end(), leaf.BER_encode()) != trust.pinned.end();
  const auto distrust =
      pinned ? check_dates(leaf, now) : check_path(chain, trust, minimum_strength, now);
  return distrust ? distrust : check_name(leaf, host);
}

}  // namespace tls
}  // namespace pocketgss::tools
