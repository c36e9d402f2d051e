// Key tables and credential caches as trees.
#include "tools/decode/krb5_files.h"

#include "asn1/time.h"
#include "mechs/krb5/ccache.h"
#include "mechs/krb5/keytab.h"
#include "tools/decode/krb5_names.h"
#include "tools/decode/krb5_tokens.h"
#include "tools/decode/spnego.h"
#include "tools/krb5/names.h"

namespace pocketgss::tools {
namespace {

using mechs::krb5::Ccache;
using mechs::krb5::CcacheCredential;
using mechs::krb5::CountedList;
using mechs::krb5::Keytab;
using mechs::krb5::KeytabEntry;
using mechs::krb5::principal_text;
using mechs::krb5::PrincipalView;
using mechs::krb5::TypedOctets;

constexpr size_t kVersionAt = 1;

// Tree makes the fields of one file; where a field stands is told from where its octets are.
class Tree {
 public:
  Tree(ByteView file, const DecodeContext& at) : file_(file), at_(at) {}

  Field version(uint8_t version) const {
    return make_field("version", at_.base + kVersionAt, 1, uint64_t{version});
  }

  // The name type is before the realm in a cache and behind the components in a key table, so the
  // whole stands where its realm does.
  Field principal(const char* name, const PrincipalView& principal) const {
    size_t length = principal.realm.size();
    for (const std::string_view component : principal.components)
      length =
          offset_of(as_bytes(component)) + component.size() - offset_of(as_bytes(principal.realm));
    return make_field(name, at_.base + offset_of(as_bytes(principal.realm)), length,
                      principal_text(principal),
                      "name type " + std::to_string(principal.name_type));
  }

  Field number(const char* name, uint32_t offset, size_t length, uint64_t value,
               std::string meaning = {}) const {
    return make_field(name, at_.base + offset, length, value, std::move(meaning));
  }

  Field time(const char* name, uint32_t offset, uint32_t value) const {
    return number(name, offset, 4, value, value == 0 ? "" : asn1::iso_text({value}));
  }

  Field etype(uint32_t offset, int32_t etype) const {
    return number("enctype", offset, 2, static_cast<uint16_t>(etype), etype_name(etype));
  }

  Field key(ByteView key) const {
    const uint32_t offset = at_.base + offset_of(key);
    if (at_.show_keys) return sensitive(octets_field("key", offset, key));
    return sensitive(make_field("key", offset, key.size(), std::string("<secret>")));
  }

  Field octets(const char* name, ByteView octets) const {
    return octets_field(name, at_.base + offset_of(octets), octets);
  }

  // What does not decode is shown as it is, for a setting's value is no ticket.
  Field ticket(const CcacheCredential& credential) const {
    Field out = octets("ticket", credential.ticket);
    if (!credential.is_config()) (void)decode_nested(credential.ticket, out, at_.at(out.offset));
    return out;
  }

  Field list(const char* name, uint32_t offset, const CountedList<TypedOctets>& list) const {
    Items items;
    size_t length = 4;
    for (const TypedOctets& element : list) {
      items.items.push_back(octets("type " + std::to_string(element.type), element.value));
      length += 6 + element.value.size();
    }
    return make_field(name, at_.base + offset, length, std::move(items));
  }

  uint32_t offset_of(ByteView part) const {
    return static_cast<uint32_t>(part.data() - file_.data());
  }
  uint32_t base() const { return at_.base; }

 private:
  Field octets(const std::string& name, ByteView octets) const {
    return octets_field(name, at_.base + offset_of(octets), octets);
  }

  ByteView file_;
  const DecodeContext& at_;
};

Field entry_field(const Tree& tree, const KeytabEntry& entry) {
  const uint32_t key = tree.offset_of(entry.key);
  const uint32_t after = key + static_cast<uint32_t>(entry.key.size());
  Children fields;
  fields.push_back(tree.principal("principal", entry.principal));
  fields.push_back(tree.time("timestamp", key - 9, entry.timestamp));
  fields.push_back(tree.number("key version", key - 5, 1, entry.key_version8));
  fields.push_back(tree.etype(key - 4, entry.etype));
  fields.push_back(tree.key(entry.key));
  if (entry.key_version32)
    fields.push_back(tree.number("32-bit key version", after, 4, *entry.key_version32));
  if (!entry.rest.empty()) fields.push_back(tree.octets("rest", entry.rest));
  const size_t end = tree.offset_of(entry.rest) + entry.rest.size();
  return make_field("entry", tree.base() + entry.offset, end - entry.offset, std::move(fields));
}

// A credential's numbers have no octets of their own to be found by: they follow the key.
Field credential_field(const Tree& tree, const CcacheCredential& credential, size_t etype_size) {
  const uint32_t key = tree.offset_of(credential.key);
  const uint32_t times = key + static_cast<uint32_t>(credential.key.size());
  constexpr uint32_t kIsSkey = 16, kFlags = 17, kAddresses = 21;
  Children fields;
  fields.push_back(tree.principal("client", credential.client));
  fields.push_back(tree.principal("server", credential.server));
  fields.push_back(tree.etype(key - 4 - static_cast<uint32_t>(etype_size), credential.etype));
  fields.push_back(tree.key(credential.key));
  fields.push_back(tree.time("authtime", times, credential.authtime));
  fields.push_back(tree.time("starttime", times + 4, credential.starttime));
  fields.push_back(tree.time("endtime", times + 8, credential.endtime));
  fields.push_back(tree.time("renew_till", times + 12, credential.renew_till));
  fields.push_back(tree.number("is_skey", times + kIsSkey, 1, credential.is_skey ? 1 : 0));
  Field flags = tree.number("ticket_flags", times + kFlags, 4, credential.ticket_flags);
  flags.names = krb5_flag_names("EncTicketPart.flags", credential.ticket_flags);
  fields.push_back(std::move(flags));
  fields.push_back(tree.list("addresses", times + kAddresses, credential.addresses));
  const auto& addresses = fields.back();
  fields.push_back(tree.list("authdata", addresses.offset - tree.base() + addresses.length,
                             credential.authdata));
  fields.push_back(tree.ticket(credential));
  fields.push_back(tree.octets("second_ticket", credential.second_ticket));
  const size_t end = tree.offset_of(credential.second_ticket) + credential.second_ticket.size();
  return make_field("credential", tree.base() + credential.offset, end - credential.offset,
                    std::move(fields),
                    credential.removed()     ? "removed"
                    : credential.is_config() ? "a setting, no ticket"
                                             : "");
}

}  // namespace

Result<Children> decode_keytab(ByteView file, const DecodeContext& at) {
  PGSS_TRY(const Keytab keytab, mechs::krb5::parse_keytab(file));
  const Tree tree(file, at);
  Items entries;
  for (const KeytabEntry& entry : keytab) entries.items.push_back(entry_field(tree, entry));
  Children out;
  out.push_back(tree.version(keytab.version()));
  const size_t size = keytab.octets().size() - 2;
  out.push_back(make_field("entries", at.base + 2, size, std::move(entries)));
  if (keytab.octets().size() < file.size())
    at.note("a record of length 0 ends the file; what follows is not read");
  return out;
}

Result<Children> decode_ccache(ByteView file, const DecodeContext& at) {
  PGSS_TRY(const Ccache ccache, mechs::krb5::parse_ccache(file));
  const Tree tree(file, at);
  const size_t etype_size = ccache.version() == 3 ? 4 : 2;
  Items credentials;
  for (const CcacheCredential& credential : ccache)
    credentials.items.push_back(credential_field(tree, credential, etype_size));
  Children out;
  out.push_back(tree.version(ccache.version()));
  if (const auto& offset = ccache.kdc_offset()) {
    out.push_back(make_field("header", at.base + 2, 2, Children{},
                             "the KDC's clock is ahead by " + std::to_string(offset->seconds) +
                                 " s and " + std::to_string(offset->microseconds) + " us"));
  }
  out.push_back(tree.principal("default principal", ccache.default_principal()));
  const auto start =
      static_cast<uint32_t>(ccache.size() == 0 ? file.size() : (*ccache.begin()).offset);
  out.push_back(
      make_field("credentials", at.base + start, file.size() - start, std::move(credentials)));
  return out;
}

std::string_view krb5_file_kind(ByteView file) {
  if (file.size() < 2 || file[0] != 5) return {};
  if (file[1] == 1 || file[1] == 2) return "krb5.keytab";
  if (may_be_cfx_wrap(file)) return {};
  if (file[1] == 3 || file[1] == 4) return "krb5.ccache";
  return {};
}

}  // namespace pocketgss::tools
