// Reads a PAC: fixed fields, little-endian, and of NDR as much as two names need.
#include "mechs/krb5/pac.h"

#include "base/cursor.h"
#include "mechs/krb5/iana.h"
#include "mechs/krb5/padata.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr size_t kHeaderSize = 8;  // [0-3] cBuffers [4-7] Version
constexpr size_t kEntrySize = 16;  // [0-3] ulType [4-7] cbBufferSize [8-15] Offset
constexpr uint64_t kAlignment = 8;

Error malformed(const char* field, size_t offset) {
  return Error{Errc::kMalformed, field, static_cast<uint32_t>(offset), 0};
}

// check_entry: [MS-PAC] 2.4. The numbers are 32 and 64 bits wide and the peer's, so they are
// compared and never added (row DER-7).
Result<void> check_entry(ByteReader& table, size_t table_end, size_t total) {
  const uint32_t at = table.offset();
  PGSS_CHECK(table.u32le("PAC_INFO_BUFFER.ulType"));
  PGSS_TRY(const uint32_t size, table.u32le("PAC_INFO_BUFFER.cbBufferSize"));
  PGSS_TRY(const uint64_t offset, table.u64le("PAC_INFO_BUFFER.Offset"));
  // "The Offset MUST be a multiple of eight."
  if (offset % kAlignment != 0 || offset < table_end || offset > total) {
    return malformed("PAC_INFO_BUFFER.Offset", at + 8);
  }
  if (size > total - offset) return malformed("PAC_INFO_BUFFER.cbBufferSize", at + 4);
  return {};
}

// signature_size: [MS-PAC] 2.8, and the checksum types of RFC 8009 and RFC 6803, which MIT's KDC
// signs with; 0 where we do not know it.
size_t signature_size(int32_t type) {
  switch (type) {
    case -138:  // KERB_CHECKSUM_HMAC_MD5
      return 16;
    case 15:  // HMAC_SHA1_96_AES128
    case 16:  // HMAC_SHA1_96_AES256
      return 12;
    case 17:  // CMAC_CAMELLIA128
    case 18:  // CMAC_CAMELLIA256
      return 16;
    case 19:  // HMAC_SHA256_128_AES128
      return 16;
    case 20:  // HMAC_SHA384_192_AES256
      return 24;
    default:
      return 0;
  }
}

// part is what [offset, offset + size) of a buffer is; both numbers are of 16 bits.
Result<ByteView> part(const PacBuffer& buffer, uint16_t size, uint16_t offset, const char* field,
                      uint32_t field_at) {
  if (size_t{offset} + size > buffer.data.size()) {
    return malformed(field, buffer.offset + field_at);
  }
  return buffer.data.sub(offset, size);
}

// Ndr reads the stub of a type serialization ([MS-RPCE] 2.2.6): what a pointer refers to stands
// behind the structure, in the order of the pointers, each at a multiple of 4.
class Ndr {
 public:
  explicit Ndr(const PacBuffer& buffer) : in_(buffer.data, buffer.offset), all_(buffer.data) {}

  // [MS-RPCE] 2.2.6.1, 2.2.6.2: [0] Version 1 [1] Endianness 0x10, little [2-3] CommonHeaderLength 8
  // [4-7] Filler [8-11] ObjectBufferLength [12-15] Filler; then the pointer to the structure.
  Result<void> headers() {
    const uint32_t start = in_.offset();
    PGSS_TRY(const uint32_t common, in_.u32le("KERB_VALIDATION_INFO"));
    if (common != 0x00081001) return malformed("KERB_VALIDATION_INFO", start);
    PGSS_CHECK(in_.u32le("KERB_VALIDATION_INFO"));
    PGSS_TRY(const uint32_t length, in_.u32le("KERB_VALIDATION_INFO"));
    PGSS_CHECK(in_.u32le("KERB_VALIDATION_INFO"));
    if (length > in_.remaining()) return malformed("KERB_VALIDATION_INFO", start + 8);
    PGSS_TRY(const uint32_t pointer, in_.u32le("KERB_VALIDATION_INFO"));
    if (pointer == 0) return malformed("KERB_VALIDATION_INFO", start + 16);
    return {};
  }

  Result<void> skip(size_t count, const char* field) {
    PGSS_CHECK(in_.bytes(count, field));
    return {};
  }
  Result<uint32_t> u32(const char* field) { return in_.u32le(field); }

  // RPC_UNICODE_STRING ([MS-DTYP] 2.3.10): [0-1] Length [2-3] MaximumLength [4-7] Buffer.
  struct String {
    uint16_t length = 0;
    bool has_buffer = false;
  };
  Result<String> string_header(const char* field) {
    PGSS_TRY(const uint16_t length, in_.u16le(field));
    PGSS_CHECK(in_.u16le(field));
    PGSS_TRY(const uint32_t pointer, in_.u32le(field));
    return String{length, pointer != 0};
  }
  // A conformant and varying array of 16-bit characters: maximum count, offset, actual count.
  Result<ByteView> string(const String& header, const char* field) {
    const uint32_t start = in_.offset();
    if (!header.has_buffer) {
      if (header.length != 0) return malformed(field, start);
      return ByteView();
    }
    PGSS_TRY(const uint32_t most, in_.u32le(field));
    PGSS_TRY(const uint32_t first, in_.u32le(field));
    PGSS_TRY(const uint32_t count, in_.u32le(field));
    if (first != 0) return malformed(field, start + 4);
    if (count > most || uint64_t{count} * 2 != header.length) return malformed(field, start + 8);
    PGSS_TRY(const ByteView text, in_.bytes(header.length, field));
    PGSS_CHECK(align());
    return text;
  }
  // A conformant array of GROUP_MEMBERSHIP: maximum count, then elements of 8 octets.
  Result<void> groups(bool has_buffer, uint32_t count) {
    constexpr const char* kField = "KERB_VALIDATION_INFO.GroupIds";
    if (!has_buffer) return {};
    const uint32_t start = in_.offset();
    PGSS_TRY(const uint32_t most, in_.u32le(kField));
    if (most != count || count > in_.remaining() / 8) return malformed(kField, start);
    return skip(size_t{count} * 8, kField);
  }

 private:
  // The stub starts behind 16 octets of headers, so that its alignment is that of the buffer. What
  // ends the buffer needs no padding.
  Result<void> align() {
    const size_t misfit = (all_.size() - in_.remaining()) % 4;
    if (misfit != 0 && !in_.at_end()) return skip(4 - misfit, "KERB_VALIDATION_INFO");
    return {};
  }

  ByteReader in_;
  ByteView all_;
};

}  // namespace

// [MS-PAC] 2.3
Result<Pac> Pac::parse(ByteView octets) {
  ByteReader in(octets);
  PGSS_TRY(const uint32_t count, in.u32le("PACTYPE.cBuffers"));
  PGSS_TRY(const uint32_t version, in.u32le("PACTYPE.Version"));
  if (version != 0) return malformed("PACTYPE.Version", 4);
  if (count > kMaxPacBuffers || kHeaderSize + count * kEntrySize > octets.size()) {
    return malformed("PACTYPE.cBuffers", 0);
  }
  for (uint32_t i = 0; i < count; ++i) {
    PGSS_CHECK(check_entry(in, kHeaderSize + count * kEntrySize, octets.size()));
  }
  Pac out;
  out.octets_ = octets;
  out.count_ = count;
  return out;
}

PacBuffer Pac::operator[](size_t index) const {
  const uint8_t* const entry = octets_.data() + kHeaderSize + index * kEntrySize;
  // parse has seen that the upper half of the offset is zero: it lies inside the octets.
  const uint32_t offset = load_u32le(entry + 8);
  return PacBuffer{load_u32le(entry), offset, octets_.sub(offset, load_u32le(entry + 4))};
}

std::optional<PacBuffer> Pac::find(PacBufferType type) const {
  std::optional<PacBuffer> found;
  for (size_t i = 0; i < size(); ++i) {
    const PacBuffer buffer = (*this)[i];
    if (buffer.type != static_cast<uint32_t>(type)) continue;
    if (found) return std::nullopt;
    found = buffer;
  }
  return found;
}

Result<PacSignature> parse_pac_signature(const PacBuffer& buffer) {
  ByteReader in(buffer.data, buffer.offset);
  PacSignature out;
  PGSS_TRY(const uint32_t type, in.u32le("PAC_SIGNATURE_DATA.SignatureType"));
  out.signature_type = static_cast<int32_t>(type);
  const size_t size = signature_size(out.signature_type);
  if (size == 0) return malformed("PAC_SIGNATURE_DATA.SignatureType", buffer.offset);
  out.signature_offset = in.offset();
  PGSS_TRY(out.signature, in.bytes(size, "PAC_SIGNATURE_DATA.Signature"));
  if (in.remaining() >= 2) {
    PGSS_TRY(out.rodc_identifier, in.u16le("PAC_SIGNATURE_DATA.RODCIdentifier"));
  }
  return out;
}

Result<PacClientInfo> parse_pac_client_info(const PacBuffer& buffer) {
  ByteReader in(buffer.data, buffer.offset);
  PacClientInfo out;
  PGSS_TRY(out.client_id, in.u64le("PAC_CLIENT_INFO.ClientId"));
  PGSS_TRY(const uint16_t length, in.u16le("PAC_CLIENT_INFO.NameLength"));
  PGSS_TRY(out.name, in.bytes(length, "PAC_CLIENT_INFO.Name"));
  return out;
}

// [0-1] UpnLength [2-3] UpnOffset [4-5] DnsDomainNameLength [6-7] DnsDomainNameOffset [8-11] Flags;
// with flag S: [12-13] SamNameLength [14-15] SamNameOffset [16-17] SidLength [18-19] SidOffset.
// Offsets are from the start of the buffer.
Result<UpnDnsInfo> parse_upn_dns_info(const PacBuffer& buffer) {
  constexpr uint32_t kHasSamNameAndSid = 0x2;
  ByteReader in(buffer.data, buffer.offset);
  UpnDnsInfo out;
  const auto next = [&](const char* field) -> Result<ByteView> {
    const uint32_t at = in.offset() - buffer.offset;
    PGSS_TRY(const uint16_t length, in.u16le(field));
    PGSS_TRY(const uint16_t offset, in.u16le(field));
    return part(buffer, length, offset, field, at);
  };
  PGSS_TRY(out.upn, next("UPN_DNS_INFO.Upn"));
  PGSS_TRY(out.dns_domain_name, next("UPN_DNS_INFO.DnsDomainName"));
  PGSS_TRY(out.flags, in.u32le("UPN_DNS_INFO.Flags"));
  if ((out.flags & kHasSamNameAndSid) != 0) {
    PGSS_TRY(out.sam_name, next("UPN_DNS_INFO.SamName"));
    PGSS_TRY(out.sid, next("UPN_DNS_INFO.Sid"));
  }
  return out;
}

// [MS-PAC] 2.5, up to LogonDomainId: six times, six strings, the counts, the IDs and groups, flags,
// the session key, two strings.
Result<LogonInfo> parse_logon_info(const PacBuffer& buffer) {
  constexpr const char* kInfo = "KERB_VALIDATION_INFO";
  constexpr const char* kEffectiveName = "KERB_VALIDATION_INFO.EffectiveName";
  constexpr const char* kLogonDomainName = "KERB_VALIDATION_INFO.LogonDomainName";
  // FullName, LogonScript, ProfilePath, HomeDirectory, HomeDirectoryDrive
  constexpr size_t kOtherStrings = 5;
  Ndr in(buffer);
  LogonInfo out;
  PGSS_CHECK(in.headers());
  PGSS_CHECK(in.skip(6 * 8, kInfo));  // LogonTime to PasswordMustChange
  PGSS_TRY(const Ndr::String effective_name, in.string_header(kEffectiveName));
  Ndr::String others[kOtherStrings];
  for (Ndr::String& other : others) {
    PGSS_TRY(other, in.string_header(kInfo));
  }
  PGSS_CHECK(in.skip(4, kInfo));  // LogonCount, BadPasswordCount
  PGSS_TRY(out.user_id, in.u32("KERB_VALIDATION_INFO.UserId"));
  PGSS_CHECK(in.skip(4, kInfo));  // PrimaryGroupId
  PGSS_TRY(const uint32_t group_count, in.u32("KERB_VALIDATION_INFO.GroupCount"));
  PGSS_TRY(const uint32_t groups, in.u32("KERB_VALIDATION_INFO.GroupIds"));
  PGSS_CHECK(in.skip(4 + 16, kInfo));  // UserFlags, UserSessionKey
  PGSS_TRY(const Ndr::String logon_server, in.string_header("KERB_VALIDATION_INFO.LogonServer"));
  PGSS_TRY(const Ndr::String logon_domain_name, in.string_header(kLogonDomainName));
  // LogonDomainId to ResourceGroupIds: a pointer, 8 octets reserved, UserAccountControl,
  // SubAuthStatus, two times, FailedILogonCount, 4 reserved, then counts and pointers.
  PGSS_CHECK(in.skip(4 + 8 + 4 + 4 + 8 + 8 + 4 + 4 + 4 + 4 + 4 + 4 + 4, kInfo));

  PGSS_TRY(out.effective_name, in.string(effective_name, kEffectiveName));
  for (const Ndr::String& other : others) PGSS_CHECK(in.string(other, kInfo));
  PGSS_CHECK(in.groups(groups != 0, group_count));
  PGSS_CHECK(in.string(logon_server, "KERB_VALIDATION_INFO.LogonServer"));
  PGSS_TRY(out.logon_domain_name, in.string(logon_domain_name, kLogonDomainName));
  return out;
}

Result<std::optional<ByteView>> find_pac(const AuthorizationData& data) {
  std::optional<ByteView> found;
  for (const AuthorizationDataEntry& entry : data) {
    if (entry.ad_type != ad_type::kIfRelevant) continue;
    PGSS_TRY(const AuthorizationData inside, parse_authorization_data(entry.ad_data));
    for (const AuthorizationDataEntry& relevant : inside) {
      if (relevant.ad_type != ad_type::kWin2kPac) continue;
      if (found) return malformed("AD-WIN2K-PAC", 0);
      found = relevant.ad_data;
    }
  }
  return found;
}

}  // namespace pocketgss::mechs::krb5
