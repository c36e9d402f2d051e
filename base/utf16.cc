// UTF-8, UTF-16LE and simple upper-casing, over a table that script/generate_upcase makes.
#include "base/utf16.h"

#include <algorithm>

#include "base/upcase_table.h"

namespace pocketgss {
namespace {

enum class Surrogates : uint8_t { kRefused, kTaken };

constexpr bool is_surrogate(uint32_t c) {
  return c >= 0xd800 && c <= 0xdfff;
}
constexpr bool is_high_surrogate(uint32_t c) {
  return c >= 0xd800 && c <= 0xdbff;
}
constexpr bool is_low_surrogate(uint32_t c) {
  return c >= 0xdc00 && c <= 0xdfff;
}

// CodePoint has the size 0 where there is no character.
struct CodePoint {
  uint32_t value = 0;
  uint32_t size = 0;  // in the encoding that it was read from
};

Error malformed(const char* field, size_t at) {
  return Error{Errc::kMalformed, field, static_cast<uint32_t>(at), 0};
}

// decode_utf8 reads one character at the front of `in`, which is not empty (RFC 3629 3).
CodePoint decode_utf8(ByteView in, Surrogates surrogates) {
  const uint8_t lead = in[0];
  if (lead < 0x80) return {lead, 1};
  const uint32_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || in.size() < size) return {};
  uint32_t value = lead & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((in[i] & 0xc0) != 0x80) return {};
    value = value << 6 | (in[i] & 0x3fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[size] || value > 0x10ffff) return {};
  if (is_surrogate(value) && surrogates == Surrogates::kRefused) return {};
  return {value, size};
}

void put_unit(uint8_t* out, uint32_t unit) {
  out[0] = static_cast<uint8_t>(unit);
  out[1] = static_cast<uint8_t>(unit >> 8);
}

// to_utf16le gives the size in bytes of the UTF-16 form, and writes that where there is an `out`.
// The first of two calls checks the whole text before anything is written.
Result<void> to_utf16le(ByteView utf8, Surrogates surrogates, const char* field, size_t& size,
                        uint8_t* out) {
  size = 0;
  const auto put = [&](uint32_t unit) {
    if (out != nullptr) put_unit(out + size, unit);
    size += 2;
  };
  for (size_t at = 0; at < utf8.size();) {
    const CodePoint c = decode_utf8(utf8.from(at), surrogates);
    if (c.size == 0) return malformed(field, at);
    if (c.value > 0xffff) put(0xd7c0 + (c.value >> 10));
    put(c.value > 0xffff ? 0xdc00 + (c.value & 0x3ff) : c.value);
    at += c.size;
  }
  return {};
}

// append_utf8 (RFC 3629 3): six bits an octet from the last on, and what is left in the first.
void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) return out.push_back(static_cast<char>(c));
  const uint32_t size = c >= 0x10000 ? 4 : c >= 0x800 ? 3 : 2;
  char octets[4];
  for (uint32_t i = size - 1; i > 0; --i) {
    octets[i] = static_cast<char>(0x80 | (c & 0x3f));
    c >>= 6;
  }
  octets[0] = static_cast<char>((0xf0u << (4 - size)) | c);
  out.append(octets, size);
}

uint32_t unit_at(ByteView utf16le, size_t at) {
  return static_cast<uint32_t>(utf16le[at]) | static_cast<uint32_t>(utf16le[at + 1]) << 8;
}

// decode_utf16 reads one character at the front of `in`.
CodePoint decode_utf16(ByteView in) {
  if (in.size() < 2) return {};
  const uint32_t unit = unit_at(in, 0);
  if (!is_surrogate(unit)) return {unit, 2};
  if (!is_high_surrogate(unit) || in.size() < 4) return {};
  const uint32_t low = unit_at(in, 2);
  if (!is_low_surrogate(low)) return {};
  return {0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), 4};
}

uint32_t upcase(uint32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 0x20 : c;
  if (c > 0xffff) return c;
  const auto* run = std::lower_bound(
      kUpcaseRuns.begin(), kUpcaseRuns.end(), c,
      [](const UpcaseRun& r, uint32_t value) { return uint32_t{r.first} + r.width < value; });
  if (run == kUpcaseRuns.end() || c < run->first || (c - run->first) % run->stride != 0) return c;
  return (c + run->difference) & 0xffff;
}

}  // namespace

Result<size_t> utf16_size(std::string_view utf8, const char* field) {
  size_t size;
  PGSS_CHECK(to_utf16le(as_bytes(utf8), Surrogates::kRefused, field, size, nullptr));
  return size;
}

Result<void> utf8_to_utf16le(std::string_view utf8, const char* field, Bytes& out) {
  size_t size;
  PGSS_CHECK(to_utf16le(as_bytes(utf8), Surrogates::kRefused, field, size, nullptr));
  const size_t start = out.size();
  out.resize(start + size);
  return to_utf16le(as_bytes(utf8), Surrogates::kRefused, field, size, out.data() + start);
}

Result<SecretBytes> password_to_utf16le(ByteView utf8, const char* field) {
  size_t size;
  PGSS_CHECK(to_utf16le(utf8, Surrogates::kTaken, field, size, nullptr));
  SecretBytes secret = SecretBytes::of_size(size);
  PGSS_CHECK(to_utf16le(utf8, Surrogates::kTaken, field, size, secret.mutable_view().data()));
  return secret;
}

Result<void> utf16le_to_utf8(ByteView utf16le, const char* field, std::string& out) {
  out.reserve(out.size() + utf16le.size());
  for (size_t at = 0; at < utf16le.size();) {
    const CodePoint c = decode_utf16(utf16le.from(at));
    if (c.size == 0) return malformed(field, at);
    append_utf8(out, c.value);
    at += c.size;
  }
  return {};
}

void simple_upcase_utf16le(MutableBytes utf16le) {
  for (size_t at = 0; at + 1 < utf16le.size(); at += 2) {
    put_unit(&utf16le[at], upcase(unit_at(utf16le, at)));
  }
}

Result<std::string> simple_upcase(std::string_view utf8, const char* field) {
  std::string out;
  out.reserve(utf8.size());
  PGSS_CHECK(append_upcased(out, utf8, field));
  return out;
}

Result<void> append_upcased(std::string& out, std::string_view utf8, const char* field) {
  for (size_t at = 0; at < utf8.size();) {
    const CodePoint c = decode_utf8(as_bytes(utf8).from(at), Surrogates::kRefused);
    if (c.size == 0) return malformed(field, at);
    append_utf8(out, upcase(c.value));
    at += c.size;
  }
  return {};
}

bool same_upcased(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const CodePoint of_a = decode_utf8(as_bytes(a), Surrogates::kRefused);
    const CodePoint of_b = decode_utf8(as_bytes(b), Surrogates::kRefused);
    if (of_a.size == 0 || of_b.size == 0 || upcase(of_a.value) != upcase(of_b.value)) return false;
    a.remove_prefix(of_a.size);
    b.remove_prefix(of_b.size);
  }
  return a.empty() && b.empty();
}

}  // namespace pocketgss
