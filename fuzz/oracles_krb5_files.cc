// What must hold for key tables, credential caches, the text form of principals and paths of realms.
#include "fuzz/oracles_krb5_files.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/check.h"
#include "mechs/krb5/ccache.h"
#include "mechs/krb5/keytab.h"
#include "mechs/krb5/ticket_cache.h"
#include "mechs/krb5/times.h"
#include "mechs/krb5/transited.h"

namespace pocketgss::fuzz {
namespace {

using namespace mechs::krb5;

constexpr size_t kLookedFor = 8;   // entries of a file that are looked for, as this takes n steps
constexpr size_t kMinRecord = 23;  // of a key table
constexpr size_t kMinCredential = 58;

bool inside(ByteView part, ByteView whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_inside(const PrincipalView& principal, ByteView file) {
  PGSS_FUZZ_CHECK(inside(as_bytes(principal.realm), file));
  PGSS_FUZZ_CHECK(principal.components.size() <= kMaxComponents);
  size_t count = 0;
  for (const std::string_view component : principal.components) {
    PGSS_FUZZ_CHECK(inside(as_bytes(component), file));
    ++count;
  }
  PGSS_FUZZ_CHECK(count == principal.components.size());
}

void check_inside(const CountedList<TypedOctets>& list, ByteView file) {
  PGSS_FUZZ_CHECK(list.size() <= file.size() / 6);
  for (const TypedOctets& element : list) PGSS_FUZZ_CHECK(inside(element.value, file));
}

void check_refusal(const Error& error, ByteView file) {
  PGSS_FUZZ_CHECK(error.code == Errc::kMalformed && error.offset <= file.size());
  PGSS_FUZZ_CHECK(*error.where != '\0');
}

bool same(const PrincipalView& a, const PrincipalView& b) {
  return a.name_type == b.name_type && same_principal(a, b);
}

bool same(const KeytabEntry& a, const KeytabEntry& b) {
  return same(a.principal, b.principal) && a.timestamp == b.timestamp &&
         a.key_version8 == b.key_version8 && a.etype == b.etype && a.key == b.key &&
         a.key_version32 == b.key_version32 && a.rest == b.rest;
}

bool same(const CcacheCredential& a, const CcacheCredential& b) {
  return same(a.client, b.client) && same(a.server, b.server) && a.etype == b.etype &&
         a.key == b.key && a.authtime == b.authtime && a.starttime == b.starttime &&
         a.endtime == b.endtime && a.renew_till == b.renew_till && a.is_skey == b.is_skey &&
         a.ticket_flags == b.ticket_flags && a.addresses == b.addresses &&
         a.authdata == b.authdata && a.ticket == b.ticket && a.second_ticket == b.second_ticket;
}

// check_written: entries come back as they were, and of version 2 each as the record it came from.
void check_written(const Keytab& keytab, const std::vector<KeytabEntry>& entries, ByteView file) {
  const auto written = write_keytab(entries);
  PGSS_FUZZ_CHECK(written.has_value());
  const auto again = parse_keytab(written.value().view());
  PGSS_FUZZ_CHECK(again.has_value() && again.value().size() == entries.size());
  size_t at = 0;
  for (const KeytabEntry& entry : again.value()) {
    const KeytabEntry& old = entries[at++];
    PGSS_FUZZ_CHECK(same(entry, old));
    if (keytab.version() != 2) continue;
    const size_t end = at < entries.size() ? entries[at].offset : file.size();
    const ByteView record = written.value().view().from(entry.offset);
    const size_t size = 4 + load(record.data(), 4, std::endian::big);
    PGSS_FUZZ_CHECK(old.offset + size <= end);
    PGSS_FUZZ_CHECK(file.sub(old.offset, size) == record.prefix(size));
  }
}

void check_found(const Keytab& keytab, const KeytabEntry& entry) {
  const auto exact = keytab.find({entry.principal, entry.etype, entry.kvno()});
  PGSS_FUZZ_CHECK(exact && same_service(exact->principal, entry.principal));
  PGSS_FUZZ_CHECK(exact->etype == entry.etype);
  // Version 0 asks for the newest.
  PGSS_FUZZ_CHECK(exact->kvno() == entry.kvno() || entry.kvno() == 0);
  PGSS_FUZZ_CHECK(keytab.find({entry.principal, std::nullopt, 0}).has_value());
}

void check_appended(const Keytab& keytab, const KeytabEntry& entry) {
  if (keytab.version() != 2) return;
  const auto longer = append_entry(keytab.octets(), entry);
  PGSS_FUZZ_CHECK(longer.has_value());
  PGSS_FUZZ_CHECK(longer.value().view().prefix(keytab.octets().size()) == keytab.octets());
  const auto again = parse_keytab(longer.value().view());
  PGSS_FUZZ_CHECK(again.has_value() && again.value().size() == keytab.size() + 1);
}

void check_keytab_in(ByteView file, std::endian order) {
  const auto keytab = parse_keytab(file, order);
  if (!keytab.has_value()) return check_refusal(keytab.error(), file);
  std::vector<KeytabEntry> entries;
  for (const KeytabEntry& entry : keytab.value()) {
    check_inside(entry.principal, file);
    PGSS_FUZZ_CHECK(inside(entry.key, file) && inside(entry.rest, file));
    PGSS_FUZZ_CHECK(entries.empty() || entries.back().offset < entry.offset);
    entries.push_back(entry);
  }
  PGSS_FUZZ_CHECK(entries.size() == keytab.value().size());
  PGSS_FUZZ_CHECK(entries.size() <= file.size() / kMinRecord);
  check_written(keytab.value(), entries, file);
  for (size_t i = 0; i < entries.size() && i < kLookedFor; ++i)
    check_found(keytab.value(), entries[i]);
  if (!entries.empty()) check_appended(keytab.value(), entries.front());
  const auto names = principals(keytab.value());
  PGSS_FUZZ_CHECK(names.has_value() && names.value().size() <= entries.size());
}

void check_written(const Ccache& ccache, const std::vector<CcacheCredential>& credentials,
                   ByteView file) {
  const auto written = write_ccache(ccache.default_principal(), ccache.kdc_offset(), credentials);
  PGSS_FUZZ_CHECK(written.has_value());
  const auto again = parse_ccache(written.value().view());
  PGSS_FUZZ_CHECK(again.has_value() && again.value().size() == credentials.size());
  PGSS_FUZZ_CHECK(again.value().kdc_offset() == ccache.kdc_offset());
  PGSS_FUZZ_CHECK(same(again.value().default_principal(), ccache.default_principal()));
  size_t at = 0;
  for (const CcacheCredential& credential : again.value())
    PGSS_FUZZ_CHECK(same(credential, credentials[at++]));
  if (ccache.version() != 4 || credentials.empty()) return;
  // From the first credential on version 4 is canonical; the header may have had unknown fields.
  const ByteView old = file.from(credentials.front().offset);
  PGSS_FUZZ_CHECK(written.value().size() >= old.size());
  PGSS_FUZZ_CHECK(written.value().view().from(written.value().size() - old.size()) == old);
}

// check_kept: of what can be used, one ticket for each pair of names is taken, or passed over for its
// etype; and what is taken is found again until it ends.
void check_kept(const Ccache& ccache) {
  constexpr Etype kEtypes[] = {Etype::kAes256CtsHmacSha1, Etype::kAes128CtsHmacSha1};
  TicketCache kept;
  const auto passed_over = kept.add_all(ccache, kEtypes);
  PGSS_FUZZ_CHECK(passed_over.has_value());
  PGSS_FUZZ_CHECK(kept.size() + passed_over.value() <= ccache.size());
  if (kept.size() == TicketCache::kMaxTickets) return;
  const UnixMicros offset = ccache.kdc_offset() ? ccache.kdc_offset()->seconds * kSecond +
                                                      ccache.kdc_offset()->microseconds
                                                : 0;
  size_t looked_for = 0;
  for (const CcacheCredential& each : ccache) {
    const bool usable = !each.is_config() && !each.removed() && !each.is_skey &&
                        (each.ticket_flags & ticket_flag::kInvalid) == 0;
    const bool has_key =
        (each.etype == 18 && each.key.size() == 32) || (each.etype == 17 && each.key.size() == 16);
    const uint32_t start = each.starttime != 0 ? each.starttime : each.authtime;
    if (!usable || !has_key || start >= each.endtime || each.server.realm.empty()) continue;
    if (++looked_for > kLookedFor) break;
    const UnixMicros almost_ended = (each.endtime - int64_t{61}) * kSecond - offset;
    const auto found = kept.find(each.client, each.server, almost_ended);
    PGSS_FUZZ_CHECK(found && found->endtime.seconds >= each.endtime);
  }
}

void check_ccache_in(ByteView file, std::endian order) {
  const auto ccache = parse_ccache(file, order);
  if (!ccache.has_value()) return check_refusal(ccache.error(), file);
  check_inside(ccache.value().default_principal(), file);
  std::vector<CcacheCredential> credentials;
  for (const CcacheCredential& credential : ccache.value()) {
    check_inside(credential.client, file);
    check_inside(credential.server, file);
    check_inside(credential.addresses, file);
    check_inside(credential.authdata, file);
    for (const ByteView part : {credential.key, credential.ticket, credential.second_ticket})
      PGSS_FUZZ_CHECK(inside(part, file));
    credentials.push_back(credential);
  }
  PGSS_FUZZ_CHECK(credentials.size() == ccache.value().size());
  PGSS_FUZZ_CHECK(credentials.size() <= file.size() / kMinCredential);
  check_written(ccache.value(), credentials, file);
  check_kept(ccache.value());
}

// cut splits at the first `mark`.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char mark) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

// expanded names all realms of a path in full; none where one is X.500's, or the last escape has no
// character. Octets that were escaped are told from others by a second string.
std::optional<std::vector<std::string>> expanded(std::string_view path) {
  std::vector<std::pair<std::string, std::string>> fields(1);
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == ',') {
      fields.emplace_back();
      continue;
    }
    const bool escaped = path[i] == '\\';
    if (escaped && ++i == path.size()) return std::nullopt;
    fields.back().first += path[i];
    fields.back().second += escaped ? 'e' : '-';
  }
  std::vector<std::string> out;
  for (const auto& [name, escapes] : fields) {
    if (name.empty()) continue;
    if (name.size() > 255U + (name.front() == ' ' && escapes.front() == '-')) return std::nullopt;
    if (name.front() == '/' && escapes.front() == '-') return std::nullopt;
    const std::string before = out.empty() ? "" : out.back();
    if (name.front() == ' ' && escapes.front() == '-') {
      out.push_back(name.substr(1));
    } else {
      out.push_back(name.back() == '.' && escapes.back() == '-' ? name + before : name);
    }
  }
  return out;
}

}  // namespace

void check_keytab(ByteView file) {
  check_keytab_in(file, std::endian::little);
  check_keytab_in(file, std::endian::big);
}

void check_ccache(ByteView file) {
  check_ccache_in(file, std::endian::little);
  check_ccache_in(file, std::endian::big);
}

void check_principal_text(ByteView input) {
  const std::string_view text = as_text(input);
  const auto read = parse_principal(text, "DEFAULT");
  if (!read.has_value()) {
    PGSS_FUZZ_CHECK(read.error().code == Errc::kMalformed && read.error().offset < text.size());
    return;
  }
  const PrincipalView principal = read.value().view();
  PGSS_FUZZ_CHECK(!principal.components.empty());
  PGSS_FUZZ_CHECK(principal.components.size() <= kMaxComponents);
  const std::string written = principal_text(principal);
  const auto again = parse_principal(written, "OTHER");
  PGSS_FUZZ_CHECK(again.has_value() && same_principal(again.value().view(), principal));
  PGSS_FUZZ_CHECK(principal_text(again.value().view()) == written);
  PGSS_FUZZ_CHECK(same_principal(Principal(principal).view(), principal));
}

void check_transited(ByteView input) {
  const auto lines = cut(as_text(input), '\n');
  const auto ends = cut(lines.second, '\n');
  const std::string_view client = ends.first, server = ends.second;
  const auto taken = [&](const std::string& path) {
    const bool forward = is_hierarchical_path(as_bytes(path), client, server);
    PGSS_FUZZ_CHECK(forward == is_hierarchical_path(as_bytes(path), server, client));
    return forward;
  };
  const std::string path(lines.first);
  const bool good = taken(path);
  const bool known = client.ends_with("stranger") || server.ends_with("stranger");
  PGSS_FUZZ_CHECK(!good || known || !taken(path + ", stranger"));
  PGSS_FUZZ_CHECK(!good || taken(path + ","));
  PGSS_FUZZ_CHECK(good || path.ends_with('\\') || !taken(path + ",,"));
  const auto realms = expanded(path);
  if (!realms) {
    PGSS_FUZZ_CHECK(!good);
    return;
  }
  const auto above = [](const std::string& realm, std::string_view other) {
    return other == realm || other.ends_with("." + realm);
  };
  // The lowest realm that is above both: what they share from behind, up to a dot.
  size_t shared = 0;
  for (size_t i = 1; i <= std::min(client.size(), server.size()); ++i) {
    const std::string end(client.substr(client.size() - i));
    if (above(end, client) && above(end, server)) shared = i;
  }
  bool all = true;
  for (const std::string& realm : *realms) {
    const bool fits = !realm.empty() && realm.size() <= 255;
    const bool too_high = above(realm, client) && above(realm, server) && realm.size() < shared;
    all = all && fits && !too_high && (above(realm, client) || above(realm, server));
  }
  PGSS_FUZZ_CHECK(good == all);
}

}  // namespace pocketgss::fuzz
