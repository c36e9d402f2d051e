// UTF-8, UTF-16LE and simple upper-casing, over a table that script/generate_upcase makes.
#include "base/utf16.h"

#include <algorithm>
#include <optional>

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

struct CodePoint {
  uint32_t value;
  size_t size;  // in the encoding that it was read from
};

// decode_multibyte reads one character of two to four bytes at the front of `in` (RFC 3629 3).
std::optional<CodePoint> decode_multibyte(ByteView in, Surrogates surrogates) {
  const uint8_t lead = in[0];
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || in.size() < size) return std::nullopt;
  uint32_t value = lead & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((in[i] & 0xc0) != 0x80) return std::nullopt;
    value = value << 6 | (in[i] & 0x3fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[size] || value > 0x10ffff) return std::nullopt;
  if (is_surrogate(value) && surrogates == Surrogates::kRefused) return std::nullopt;
  return CodePoint{value, size};
}

// for_each_utf8 calls `use` with each character of `utf8`.
template <typename Use>
Result<void> for_each_utf8(ByteView utf8, Surrogates surrogates, const char* field, Use use) {
  for (size_t at = 0; at < utf8.size();) {
    if (utf8[at] < 0x80) {
      use(uint32_t{utf8[at++]});
      continue;
    }
    const std::optional<CodePoint> c = decode_multibyte(utf8.from(at), surrogates);
    if (!c) return Error{Errc::kMalformed, field, static_cast<uint32_t>(at), 0};
    use(c->value);
    at += c->size;
  }
  return {};
}

// utf16_size returns the size in bytes of the UTF-16 form, and so checks the whole text before
// anything is written.
Result<size_t> utf16_size(ByteView utf8, Surrogates surrogates, const char* field) {
  size_t size = 0;
  PGSS_CHECK(for_each_utf8(utf8, surrogates, field,
                           [&](uint32_t c) { size += c > 0xffff ? size_t{4} : size_t{2}; }));
  return size;
}

uint8_t* put_unit(uint8_t* out, uint32_t unit) {
  *out++ = static_cast<uint8_t>(unit);
  *out++ = static_cast<uint8_t>(unit >> 8);
  return out;
}

// fill_utf16le writes to `out`, which has the size that utf16_size() gave for the same text.
Result<void> fill_utf16le(ByteView utf8, Surrogates surrogates, const char* field, uint8_t* out) {
  return for_each_utf8(utf8, surrogates, field, [&](uint32_t c) {
    if (c <= 0xffff) {
      out = put_unit(out, c);
    } else {
      out = put_unit(out, 0xd7c0 + (c >> 10));
      out = put_unit(out, 0xdc00 + (c & 0x3ff));
    }
  });
}

void append_utf8(std::string& out, uint32_t c) {
  const auto add = [&](uint32_t byte) {
    out.push_back(static_cast<char>(static_cast<uint8_t>(byte)));
  };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      add(0xe0 | c >> 12);
    } else {
      add(0xf0 | c >> 18);
      add(0x80 | (c >> 12 & 0x3f));
    }
    add(0x80 | (c >> 6 & 0x3f));
  }
  add(0x80 | (c & 0x3f));
}

uint32_t unit_at(ByteView utf16le, size_t at) {
  return static_cast<uint32_t>(utf16le[at]) | static_cast<uint32_t>(utf16le[at + 1]) << 8;
}

// decode_utf16 reads one character at the front of `in`, two bytes at least.
std::optional<CodePoint> decode_utf16(ByteView in) {
  const uint32_t unit = unit_at(in, 0);
  if (!is_surrogate(unit)) return CodePoint{unit, 2};
  if (!is_high_surrogate(unit) || in.size() < 4) return std::nullopt;
  const uint32_t low = unit_at(in, 2);
  if (!is_low_surrogate(low)) return std::nullopt;
  return CodePoint{0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), 4};
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

Result<void> check_utf8(std::string_view utf8, const char* field) {
  PGSS_CHECK(utf16_size(as_bytes(utf8), Surrogates::kRefused, field));
  return {};
}

Result<void> utf8_to_utf16le(std::string_view utf8, const char* field, Bytes& out) {
  const ByteView in = as_bytes(utf8);
  PGSS_TRY(const size_t size, utf16_size(in, Surrogates::kRefused, field));
  const size_t start = out.size();
  out.resize(start + size);
  return fill_utf16le(in, Surrogates::kRefused, field, out.data() + start);
}

Result<SecretBytes> password_to_utf16le(ByteView utf8, const char* field) {
  PGSS_TRY(const size_t size, utf16_size(utf8, Surrogates::kTaken, field));
  SecretBytes secret = SecretBytes::of_size(size);
  PGSS_CHECK(fill_utf16le(utf8, Surrogates::kTaken, field, secret.mutable_view().data()));
  return secret;
}

Result<std::string> utf16le_to_utf8(ByteView utf16le, const char* field) {
  std::string out;
  out.reserve(utf16le.size());
  for (size_t at = 0; at < utf16le.size();) {
    const auto bad = Error{Errc::kMalformed, field, static_cast<uint32_t>(at), 0};
    if (utf16le.size() - at < 2) return bad;
    const std::optional<CodePoint> c = decode_utf16(utf16le.from(at));
    if (!c) return bad;
    append_utf8(out, c->value);
    at += c->size;
  }
  return out;
}

void simple_upcase_utf16le(MutableBytes utf16le) {
  for (size_t at = 0; at + 1 < utf16le.size(); at += 2) {
    put_unit(&utf16le[at], upcase(unit_at(utf16le, at)));
  }
}

Result<std::string> simple_upcase(std::string_view utf8, const char* field) {
  std::string out;
  out.reserve(utf8.size());
  PGSS_CHECK(for_each_utf8(as_bytes(utf8), Surrogates::kRefused, field,
                           [&](uint32_t c) { append_utf8(out, upcase(c)); }));
  return out;
}

}  // namespace pocketgss
