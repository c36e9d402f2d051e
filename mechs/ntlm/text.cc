// Conversion of names.
#include "mechs/ntlm/text.h"

#include "base/any_of.h"
#include "base/utf16.h"

namespace pocketgss::mechs::ntlm {
namespace {

bool is_beyond_ascii(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

Result<void> append_name(Bytes& out, std::string_view utf8, CharacterSet set, const char* field) {
  if (set == CharacterSet::kOem) {
    if (any_of(utf8, is_beyond_ascii))
      return Error{Errc::kPeerIncompatible, "NTLMSSP_NEGOTIATE_UNICODE", 0, 0};
    append(out, as_bytes(utf8));
    return {};
  }
  const size_t start = out.size();
  const auto converted = utf8_to_utf16le(utf8, field, out);
  if (!converted.has_value() || out.size() - start > kMaxNameSize)
    return Error{Errc::kApiMisuse, field, 0, 0};
  return {};
}

Result<void> Utf16Name::read(ByteView raw, CharacterSet set, const char* field) {
  const size_t width = set == CharacterSet::kUtf16 ? 1 : 2;
  if (raw.size() > kMaxNameSize / width) return Error{Errc::kMalformed, field, 0, 0};
  size_t size = 0;
  for (const uint8_t octet : raw) {
    units_[size++] = octet;
    if (set == CharacterSet::kOem) units_[size++] = 0;
  }
  size_ = size;
  return {};
}

Utf16Name Utf16Name::upcased() const {
  Utf16Name name = *this;
  simple_upcase_utf16le(MutableBytes(name.units_).first(size_));
  return name;
}

Result<void> Utf16Name::to_utf8(const char* field, std::string& out) const {
  PGSS_CHECK(utf16le_to_utf8(view(), field, out));
  // A name ends up in log lines, header fields and file names.
  if (any_of(out, is_control)) return Error{Errc::kMalformed, field, 0, 0};
  return {};
}

[[gnu::noinline]] void append_qualified_name(std::string& out, std::string_view domain,
                                             std::string_view user) {
  out.append(domain);
  if (!domain.empty()) out.push_back('\\');
  out.append(user);
}

}  // namespace pocketgss::mechs::ntlm
