// Reading and writing of credential caches.
#include "mechs/krb5/ccache.h"

#include <limits>

#include "mechs/krb5/file_format.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr uint8_t kVersion1 = 1;  // native order, no name type
constexpr uint8_t kVersion2 = 2;  // native order
constexpr uint8_t kVersion3 = 3;  // the enctype twice
constexpr uint8_t kVersion4 = 4;  // the header
constexpr size_t kLengthSize = 4;
constexpr size_t kVersionSize = 2;
constexpr uint16_t kTagKdcOffset = 1;
constexpr uint16_t kKdcOffsetSize = 8;
constexpr size_t kMaxData = std::numeric_limits<int32_t>::max();

constexpr std::string_view kRemovedConfigRealm = "X-RMED-CONF:";

Layout layout_of(std::endian order) {
  return Layout{kLengthSize, order};
}

Error malformed(const char* field, size_t offset) {
  return Error{Errc::kMalformed, field, static_cast<uint32_t>(offset), 0};
}

// The fields of a principal, for errors.
struct PrincipalFields {
  const char* name_type;
  const char* count;
  const char* realm;
  const char* component;
};
constexpr PrincipalFields kDefault = {
    "ccache.default principal.name type", "ccache.default principal.count of components",
    "ccache.default principal.realm", "ccache.default principal.component"};
constexpr PrincipalFields kClient = {"ccache.client.name type", "ccache.client.count of components",
                                     "ccache.client.realm", "ccache.client.component"};
constexpr PrincipalFields kServer = {"ccache.server.name type", "ccache.server.count of components",
                                     "ccache.server.realm", "ccache.server.component"};

Result<PrincipalView> read_principal(FileReader& in, uint8_t version,
                                     const PrincipalFields& field) {
  int32_t name_type = name_type::kUnknown;
  if (version != kVersion1) {
    PGSS_TRY(const uint32_t raw, in.u32(field.name_type));
    name_type = static_cast<int32_t>(raw);
  }
  const uint32_t at = in.offset();
  PGSS_TRY(uint32_t count, in.u32(field.count));
  if (version == kVersion1) {
    if (count == 0) return malformed(field.count, at);
    --count;  // the realm
  }
  if (count > kMaxComponents) return malformed(field.count, at);
  PGSS_TRY(PrincipalView out, in.names(count, field.realm, field.component));
  out.name_type = name_type;
  return out;
}

Result<CountedList<TypedOctets>> read_list(FileReader& in, const char* field) {
  PGSS_TRY(const uint32_t count, in.u32(field));
  return in.list<TypedOctets>(count, field);
}

Result<bool> read_is_skey(FileReader& in) {
  const uint32_t at = in.offset();
  PGSS_TRY(const uint8_t value, in.u8("ccache.is_skey"));
  if (value > 1) return malformed("ccache.is_skey", at);
  return value == 1;
}

Result<CcacheCredential> read_credential(FileReader& in, uint8_t version) {
  CcacheCredential out;
  out.offset = in.offset();
  PGSS_TRY(out.client, read_principal(in, version, kClient));
  PGSS_TRY(out.server, read_principal(in, version, kServer));
  PGSS_TRY(const uint16_t etype, in.u16("ccache.enctype"));
  out.etype = static_cast<int16_t>(etype);
  if (version == kVersion3) PGSS_CHECK(in.u16("ccache.enctype"));
  PGSS_TRY(out.key, in.data("ccache.key"));
  PGSS_TRY(out.authtime, in.u32("ccache.authtime"));
  PGSS_TRY(out.starttime, in.u32("ccache.starttime"));
  PGSS_TRY(out.endtime, in.u32("ccache.endtime"));
  PGSS_TRY(out.renew_till, in.u32("ccache.renew_till"));
  PGSS_TRY(out.is_skey, read_is_skey(in));
  PGSS_TRY(out.ticket_flags, in.u32("ccache.ticket_flags"));
  PGSS_TRY(out.addresses, read_list(in, "ccache.addresses"));
  PGSS_TRY(out.authdata, read_list(in, "ccache.authdata"));
  PGSS_TRY(out.ticket, in.data("ccache.ticket"));
  PGSS_TRY(out.second_ticket, in.data("ccache.second_ticket"));
  return out;
}

// read_header reads the fields of the header; those that nobody has defined are passed over.
Result<std::optional<KdcOffset>> read_header(FileReader& in) {
  PGSS_TRY(const uint16_t size, in.u16("ccache.header length"));
  const uint32_t start = in.offset();
  PGSS_TRY(const ByteView header, in.bytes(size, "ccache.header length"));
  FileReader fields(header, start, Layout{2, std::endian::big});
  std::optional<KdcOffset> out;
  while (!fields.at_end()) {
    PGSS_TRY(const uint16_t tag, fields.u16("ccache.header tag"));
    const uint32_t at = fields.offset();
    PGSS_TRY(const ByteView value, fields.data("ccache.header field"));
    if (tag != kTagKdcOffset) continue;
    if (value.size() != kKdcOffsetSize) return malformed("ccache.header field", at);
    out = KdcOffset{static_cast<int32_t>(load(value.data(), 4, std::endian::big)),
                    static_cast<int32_t>(load(value.data() + 4, 4, std::endian::big))};
  }
  return out;
}

Result<void> check_principal(const PrincipalView& principal, const PrincipalFields& field) {
  if (principal.components.size() > kMaxComponents)
    return Error{Errc::kApiMisuse, field.count, 0, 0};
  if (principal.realm.size() > kMaxData) return Error{Errc::kApiMisuse, field.realm, 0, 0};
  for (const std::string_view component : principal.components) {
    if (component.size() > kMaxData) return Error{Errc::kApiMisuse, field.component, 0, 0};
  }
  return {};
}

Result<void> check_list(const CountedList<TypedOctets>& list, const char* field) {
  for (const TypedOctets& element : list) {
    if (!fits_int16(element.type) || element.value.size() > kMaxData)
      return Error{Errc::kApiMisuse, field, 0, 0};
  }
  return {};
}

Result<void> check_data(ByteView octets, const char* field) {
  if (octets.size() > kMaxData) return Error{Errc::kApiMisuse, field, 0, 0};
  return {};
}

Result<void> check_credential(const CcacheCredential& credential) {
  PGSS_CHECK(check_principal(credential.client, kClient));
  PGSS_CHECK(check_principal(credential.server, kServer));
  if (!fits_int16(credential.etype)) return Error{Errc::kApiMisuse, "ccache.enctype", 0, 0};
  PGSS_CHECK(check_data(credential.key, "ccache.key"));
  PGSS_CHECK(check_list(credential.addresses, "ccache.addresses"));
  PGSS_CHECK(check_list(credential.authdata, "ccache.authdata"));
  PGSS_CHECK(check_data(credential.ticket, "ccache.ticket"));
  return check_data(credential.second_ticket, "ccache.second_ticket");
}

void write_principal(FileWriter& out, const PrincipalView& principal) {
  out.u32(static_cast<uint32_t>(principal.name_type));
  out.u32(static_cast<uint32_t>(principal.components.size()));
  out.names(principal);
}

void write_list(FileWriter& out, const CountedList<TypedOctets>& list) {
  out.u32(static_cast<uint32_t>(list.size()));
  for (const TypedOctets& element : list) {
    out.i16(element.type);
    out.data(element.value);
  }
}

void write_credential(FileWriter& out, const CcacheCredential& credential) {
  write_principal(out, credential.client);
  write_principal(out, credential.server);
  out.i16(credential.etype);
  out.data(credential.key);
  out.u32(credential.authtime);
  out.u32(credential.starttime);
  out.u32(credential.endtime);
  out.u32(credential.renew_till);
  out.u8(credential.is_skey ? 1 : 0);
  out.u32(credential.ticket_flags);
  write_list(out, credential.addresses);
  write_list(out, credential.authdata);
  out.data(credential.ticket);
  out.data(credential.second_ticket);
}

void write_start(FileWriter& out, const PrincipalView& default_principal,
                 const std::optional<KdcOffset>& offset) {
  out.u8(kFileFormat);
  out.u8(kVersion4);
  out.u16(offset ? 4 + kKdcOffsetSize : 0);
  if (offset) {
    out.u16(kTagKdcOffset);
    out.u16(kKdcOffsetSize);
    out.u32(static_cast<uint32_t>(offset->seconds));
    out.u32(static_cast<uint32_t>(offset->microseconds));
  }
  write_principal(out, default_principal);
}

}  // namespace

bool CcacheCredential::is_config() const {
  return server.realm == kConfigRealm;
}

bool CcacheCredential::removed() const {
  return (endtime == 0 && authtime != 0) || server.realm == kRemovedConfigRealm;
}

Result<Ccache> parse_ccache(ByteView file, std::endian native) {
  if (file.size() > std::numeric_limits<uint32_t>::max()) return malformed("ccache", 0);
  if (file.empty() || file[0] != kFileFormat) return malformed("ccache.version", 0);
  if (file.size() < kVersionSize || file[1] < kVersion1 || file[1] > kVersion4)
    return malformed("ccache.version", 1);
  Ccache out;
  out.file_ = file;
  out.version_ = file[1];
  out.order_ = out.version_ <= kVersion2 ? native : std::endian::big;
  FileReader in(file.from(kVersionSize), kVersionSize, layout_of(out.order_));
  if (out.version_ == kVersion4) {
    PGSS_TRY(out.kdc_offset_, read_header(in));
  }
  PGSS_TRY(out.default_principal_, read_principal(in, out.version_, kDefault));
  out.credentials_at_ = in.offset();
  while (!in.at_end()) {
    PGSS_CHECK(read_credential(in, out.version_));
    ++out.size_;
  }
  return out;
}

// The file was read to its end before, so these reads do not fail.
CcacheCredential Ccache::Iterator::operator*() const {
  FileReader in(ccache_->file_.from(at_), static_cast<uint32_t>(at_), layout_of(ccache_->order_));
  return read_credential(in, ccache_->version_).value();
}

Ccache::Iterator& Ccache::Iterator::operator++() {
  FileReader in(ccache_->file_.from(at_), static_cast<uint32_t>(at_), layout_of(ccache_->order_));
  (void)read_credential(in, ccache_->version_).value();
  at_ = in.offset();
  return *this;
}

Result<SecretBytes> write_ccache(const PrincipalView& default_principal,
                                 const std::optional<KdcOffset>& offset,
                                 std::span<const CcacheCredential> credentials) {
  PGSS_CHECK(check_principal(default_principal, kDefault));
  for (const CcacheCredential& credential : credentials) PGSS_CHECK(check_credential(credential));
  return written(kLengthSize, "ccache", [&](FileWriter& out) {
    write_start(out, default_principal, offset);
    for (const CcacheCredential& credential : credentials) write_credential(out, credential);
  });
}

}  // namespace pocketgss::mechs::krb5
