// Reading and writing of key tables.
#include "mechs/krb5/keytab.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "mechs/krb5/file_format.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr uint8_t kVersion1 = 1;  // native order, no name type
constexpr uint8_t kVersion2 = 2;
constexpr size_t kLengthSize = 2;    // of realms, components and keys
constexpr size_t kRecordLength = 4;  // octets of a record length
constexpr size_t kMaxData = 0xffff;

Layout layout_of(std::endian order) {
  return Layout{kLengthSize, order};
}

Error malformed(const char* field, size_t offset) {
  return Error{Errc::kMalformed, field, static_cast<uint32_t>(offset), 0};
}

Result<PrincipalView> read_principal(FileReader& in, uint8_t version) {
  const uint32_t at = in.offset();
  PGSS_TRY(uint32_t count, in.u16("keytab.count of components"));
  if (version == kVersion1 && count > 0) --count;  // the realm
  if (count == 0 || count > kMaxComponents) return malformed("keytab.count of components", at);
  PGSS_TRY(PrincipalView out, in.names(count, "keytab.realm", "keytab.component"));
  if (version != kVersion1) {
    PGSS_TRY(const uint32_t type, in.u32("keytab.name type"));
    out.name_type = static_cast<int32_t>(type);
  }
  return out;
}

// read_entry reads the contents of a record, which starts at `offset` with its length.
Result<KeytabEntry> read_entry(ByteView record, size_t offset, uint8_t version, std::endian order) {
  FileReader in(record, static_cast<uint32_t>(offset + kRecordLength), layout_of(order));
  KeytabEntry out;
  out.offset = static_cast<uint32_t>(offset);
  PGSS_TRY(out.principal, read_principal(in, version));
  PGSS_TRY(out.timestamp, in.u32("keytab.timestamp"));
  PGSS_TRY(out.key_version8, in.u8("keytab.key version"));
  PGSS_TRY(const uint16_t etype, in.u16("keytab.enctype"));
  out.etype = static_cast<int16_t>(etype);
  PGSS_TRY(out.key, in.data("keytab.key"));
  if (in.remaining() >= 4) {
    PGSS_TRY(out.key_version32, in.u32("keytab.key version"));
  }
  out.rest = in.rest();
  return out;
}

// A record length, and where it ends.
struct Span {
  bool hole = false;
  bool end = false;
  size_t size = 0;  // of the contents
};

Result<Span> read_span(ByteView file, size_t at, std::endian order) {
  FileReader in(file.from(at), static_cast<uint32_t>(at), layout_of(order));
  PGSS_TRY(const uint32_t raw, in.u32("keytab.record length"));
  const auto length = static_cast<int32_t>(raw);
  Span out{length < 0, length == 0, 0};
  // Of INT_MIN there is no inverse; a file is shorter than that in any case.
  if (length == std::numeric_limits<int32_t>::min()) return malformed("keytab.record length", at);
  out.size = static_cast<size_t>(out.hole ? -length : length);
  if (out.size > in.remaining()) return malformed("keytab.record length", at);
  return out;
}

// MIT krb5's more_recent(): key versions that were cut to 8 bits wrap.
bool newer(const KeytabEntry& a, const KeytabEntry& b) {
  constexpr uint32_t kSmall = 128, kLarge = 240;
  if (a.timestamp >= b.timestamp && a.kvno() < kSmall && b.kvno() > kLarge) return true;
  if (b.timestamp >= a.timestamp && b.kvno() < kSmall && a.kvno() > kLarge) return false;
  return a.kvno() > b.kvno();
}

Result<void> check_principal(const PrincipalView& principal) {
  const size_t count = principal.components.size();
  if (count == 0 || count > kMaxComponents)
    return Error{Errc::kApiMisuse, "keytab.count of components", 0, 0};
  if (principal.realm.size() > kMaxData) return Error{Errc::kApiMisuse, "keytab.realm", 0, 0};
  for (const std::string_view component : principal.components) {
    if (component.size() > kMaxData) return Error{Errc::kApiMisuse, "keytab.component", 0, 0};
  }
  return {};
}

Result<void> check_entry(const KeytabEntry& entry) {
  PGSS_CHECK(check_principal(entry.principal));
  if (!fits_int16(entry.etype)) return Error{Errc::kApiMisuse, "keytab.enctype", 0, 0};
  if (entry.key.size() > kMaxData) return Error{Errc::kApiMisuse, "keytab.key", 0, 0};
  // What follows the key is a key version where it has four octets.
  if (!entry.key_version32 && entry.rest.size() >= 4)
    return Error{Errc::kApiMisuse, "keytab.key version", 0, 0};
  if (entry.rest.size() > kMaxData) return Error{Errc::kApiMisuse, "keytab.record length", 0, 0};
  return {};
}

void write_contents(FileWriter& out, const KeytabEntry& entry) {
  out.u16(static_cast<uint16_t>(entry.principal.components.size()));
  out.names(entry.principal);
  out.u32(static_cast<uint32_t>(entry.principal.name_type));
  out.u32(entry.timestamp);
  out.u8(entry.key_version8);
  out.i16(entry.etype);
  out.data(entry.key);
  if (entry.key_version32) out.u32(*entry.key_version32);
  out.bytes(entry.rest);
}

void write_record(FileWriter& out, const KeytabEntry& entry) {
  FileWriter counter({}, kLengthSize);
  write_contents(counter, entry);
  out.u32(static_cast<uint32_t>(counter.size()));
  write_contents(out, entry);
}

void write_header(FileWriter& out) {
  out.u8(kFileFormat);
  out.u8(kVersion2);
}

bool before(const PrincipalView& a, const PrincipalView& b) {
  if (a.realm != b.realm) return a.realm < b.realm;
  return std::lexicographical_compare(a.components.begin(), a.components.end(),
                                      b.components.begin(), b.components.end());
}

// distinct keeps the first of those of equal content: it sorts them by content, and those of equal
// content by where they stand.
std::vector<PrincipalView> distinct(const std::vector<PrincipalView>& all) {
  std::vector<size_t> order(all.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (before(all[a], all[b])) return true;
    return !before(all[b], all[a]) && a < b;
  });
  const auto equal = [&](size_t a, size_t b) { return !before(all[a], all[b]); };
  order.erase(std::unique(order.begin(), order.end(), equal), order.end());
  std::sort(order.begin(), order.end());
  std::vector<PrincipalView> out;
  out.reserve(order.size());
  for (const size_t i : order) out.push_back(all[i]);
  return out;
}

}  // namespace

Result<Keytab> parse_keytab(ByteView file, std::endian native) {
  if (file.size() > std::numeric_limits<uint32_t>::max()) return malformed("keytab", 0);
  if (file.empty() || file[0] != kFileFormat) return malformed("keytab.version", 0);
  if (file.size() < Keytab::kHeaderSize || file[1] < kVersion1 || file[1] > kVersion2)
    return malformed("keytab.version", 1);
  Keytab out;
  out.file_ = file;
  out.version_ = file[1];
  out.order_ = out.version_ == kVersion1 ? native : std::endian::big;
  size_t& at = out.records_end_;
  while (at < file.size()) {
    PGSS_TRY(const Span span, read_span(file, at, out.order_));
    if (span.end) break;
    if (!span.hole) {
      PGSS_CHECK(read_entry(file.sub(at + kRecordLength, span.size), at, out.version_, out.order_));
      ++out.size_;
    }
    at += kRecordLength + span.size;
  }
  return out;
}

// The file was read to its end before, so these reads do not fail.
KeytabEntry Keytab::Iterator::operator*() const {
  const Span span = read_span(keytab_->file_, at_, keytab_->order_).value();
  return read_entry(keytab_->file_.sub(at_ + kRecordLength, span.size), at_, keytab_->version_,
                    keytab_->order_)
      .value();
}

Keytab::Iterator& Keytab::Iterator::operator++() {
  at_ += kRecordLength + read_span(keytab_->file_, at_, keytab_->order_).value().size;
  skip_holes();
  return *this;
}

void Keytab::Iterator::skip_holes() {
  while (at_ < keytab_->records_end_) {
    const Span span = read_span(keytab_->file_, at_, keytab_->order_).value();
    if (!span.hole) return;
    at_ += kRecordLength + span.size;
  }
}

std::optional<KeytabEntry> Keytab::find(const KeytabQuery& query) const {
  std::optional<KeytabEntry> best;
  for (const KeytabEntry& entry : *this) {
    if (query.etype && entry.etype != *query.etype) continue;
    if (!same_service(entry.principal, query.principal, query.any_class_case)) continue;
    if (query.kvno == 0) {
      if (!best || newer(entry, *best)) best = entry;
    } else if (entry.kvno() == query.kvno) {
      return entry;
    } else if (!best && entry.kvno() == (query.kvno & 0xff)) {
      best = entry;
    }
  }
  return best;
}

Result<std::vector<PrincipalView>> principals(const Keytab& keytab) {
  return guarded("keytab", [&]() -> Result<std::vector<PrincipalView>> {
    std::vector<PrincipalView> all;
    all.reserve(keytab.size());
    for (const KeytabEntry& entry : keytab) all.push_back(entry.principal);
    return distinct(all);
  });
}

Result<SecretBytes> write_keytab(std::span<const KeytabEntry> entries) {
  for (const KeytabEntry& entry : entries) PGSS_CHECK(check_entry(entry));
  return written(kLengthSize, "keytab", [&](FileWriter& out) {
    write_header(out);
    for (const KeytabEntry& entry : entries) write_record(out, entry);
  });
}

Result<SecretBytes> append_entry(ByteView file, const KeytabEntry& entry) {
  if (file.empty()) return write_keytab(std::span(&entry, 1));
  PGSS_TRY(const Keytab keytab, parse_keytab(file));
  PGSS_CHECK(check_entry(entry));
  if (keytab.version() == kVersion1) {
    for (const KeytabEntry& old : keytab) PGSS_CHECK(check_entry(old));
  }
  return written(kLengthSize, "keytab", [&](FileWriter& out) {
    if (keytab.version() == kVersion2) {
      out.bytes(keytab.octets());
    } else {
      write_header(out);
      for (const KeytabEntry& old : keytab) write_record(out, old);
    }
    write_record(out, entry);
  });
}

}  // namespace pocketgss::mechs::krb5
