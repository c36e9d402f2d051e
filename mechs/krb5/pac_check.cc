// The server signature of a PAC, and its client.
#include "mechs/krb5/pac_check.h"

#include <algorithm>

#include "base/utf16.h"
#include "mechs/filetime.h"
#include "mechs/krb5/ap_exchange.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr Error kWrongPac{Errc::kAuthFailed, "PAC", 0, 0};

Result<PacSignature> signature(const Pac& pac, PacBufferType type) {
  const auto buffer = pac.find(type);
  if (!buffer) return kWrongPac;
  return parse_pac_signature(*buffer);
}

// [MS-PAC] 2.8.1: the checksum of the whole PAC, with zeros where the two signatures are.
Result<void> check_server_signature(crypto::Workspace& crypto, const Pac& pac, const Key& key) {
  constexpr FixedBytes<kMaxChecksumSize> kZeros{};
  PGSS_TRY(const PacSignature server, signature(pac, PacBufferType::kServerChecksum));
  PGSS_TRY(const PacSignature kdc, signature(pac, PacBufferType::kKdcChecksum));
  const bool server_first = server.signature_offset < kdc.signature_offset;
  const PacSignature& first = server_first ? server : kdc;
  const PacSignature& second = server_first ? kdc : server;
  const size_t first_end = first.signature_offset + first.signature.size();
  const size_t second_end = second.signature_offset + second.signature.size();
  if (first_end > second.signature_offset) return kWrongPac;  // one inside the other
  const ByteView all = pac.octets();
  const auto verdict = verify_checksum(
      crypto, key, KeyUsage::kNonKerberosChecksum, server.signature_type,
      {all.prefix(first.signature_offset), ByteView(kZeros).prefix(first.signature.size()),
       all.sub(first_end, second.signature_offset - first_end),
       ByteView(kZeros).prefix(second.signature.size()), all.from(second_end)},
      server.signature);
  return verdict.has_value() ? Result<void>() : kWrongPac;
}

// [MS-PAC] 2.7: ClientId is the ticket's authtime, Name its cname.
Result<void> check_client(const Pac& pac, const EncTicketPart& ticket) {
  const auto buffer = pac.find(PacBufferType::kClientInfo);
  if (!buffer) return kWrongPac;
  PGSS_TRY(const PacClientInfo info, parse_pac_client_info(*buffer));
  if (info.client_id != to_filetime(unix_micros(ticket.authtime))) return kWrongPac;
  std::string name, expected;
  PGSS_CHECK(utf16le_to_utf8(info.name, "PAC_CLIENT_INFO.Name", name));
  for (const KerberosString component : ticket.cname.name_string) {
    if (!expected.empty()) expected.push_back('/');
    expected.append(component);
  }
  return name == expected ? Result<void>() : kWrongPac;
}

}  // namespace

bool printable(std::string_view text) {
  return utf16_size(text, "name").has_value() && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

Result<std::string> verified_logon_name(crypto::Workspace& crypto, ByteView octets,
                                        const Key& service_key, const EncTicketPart& ticket) {
  PGSS_TRY(const Pac pac, Pac::parse(octets));
  PGSS_CHECK(check_server_signature(crypto, pac, service_key));
  PGSS_CHECK(check_client(pac, ticket));
  const auto buffer = pac.find(PacBufferType::kLogonInfo);
  if (!buffer) return std::string();
  PGSS_TRY(const LogonInfo info, parse_logon_info(*buffer));
  std::string user, out;
  PGSS_CHECK(utf16le_to_utf8(info.effective_name, "KERB_VALIDATION_INFO.EffectiveName", user));
  PGSS_CHECK(utf16le_to_utf8(info.logon_domain_name, "KERB_VALIDATION_INFO.LogonDomainName", out));
  if (user.empty()) return std::string();
  if (!out.empty()) out.push_back('\\');
  out.append(user);
  if (!printable(out)) return Error{Errc::kMalformed, "KERB_VALIDATION_INFO", 0, 0};
  return out;
}

}  // namespace pocketgss::mechs::krb5
