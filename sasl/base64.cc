// Base64 without look-ups: all ranges of the alphabet are gone through for each character, so no memory
// access depends on the data.
#include <pocketgss/base64.h>

#include "base/filled.h"
#include "base/guard.h"

namespace pocketgss {
namespace {

// below(a, b) is all ones where a < b, else zero, for values of a few bits.
constexpr int32_t below(int32_t a, int32_t b) {
  return (a - b) >> 8;
}
constexpr int32_t between(int32_t low, int32_t c, int32_t high) {
  return ~below(c, low) & ~below(high, c);
}

// RFC 4648 table 1, in ranges: A-Z, a-z, 0-9, '+', '/'.
constexpr uint8_t to_character(int32_t sextet) {
  int32_t c = sextet + 'A';
  c += ~below(sextet, 26) & ('a' - 'A' - 26);
  c += ~below(sextet, 52) & ('0' - 'a' - 26);
  c += ~below(sextet, 62) & ('+' - '0' - 10);
  c += ~below(sextet, 63) & ('/' - '+' - 1);
  return static_cast<uint8_t>(c);
}

// The same ranges; all of them are gone through, whatever the character.
struct Range {
  uint8_t first, last;
  uint8_t sextet;  // of the first
};
constexpr Range kRanges[] = {
    {'A', 'Z', 0}, {'a', 'z', 26}, {'0', '9', 52}, {'+', '+', 62}, {'/', '/', 63}};

// to_sextet returns -1 for what is no character of the alphabet.
constexpr int32_t to_sextet(int32_t c) {
  int32_t sextet = -1;
  for (const Range& range : kRanges) {
    sextet += between(range.first, c, range.last) & (c - range.first + range.sextet + 1);
  }
  return sextet;
}

// encode_to writes base64_size(bytes.size()) characters.
void encode_to(ByteView bytes, uint8_t* out) {
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t left = bytes.size() - at;
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) group = group << 8 | (i < left ? bytes[at + i] : 0u);
    for (size_t i = 0; i < 4; ++i, group <<= 6) {
      *out++ = i <= left ? to_character(static_cast<int32_t>(group >> 18 & 63)) : uint8_t{'='};
    }
  }
}

Error malformed(size_t offset) {
  return Error{Errc::kMalformed, "base64", static_cast<uint32_t>(offset), 0};
}

size_t padding_of(ByteView text) {
  if (text.empty() || text.back() != '=') return 0;
  return text[text.size() - 2] == '=' ? 2 : 1;
}

// decode_to adds to `written`. It writes at most text.size() / 4 * 3 bytes, never ahead of what it has read, so `out` may
// be the text itself.
Result<void> decode_to(ByteView text, uint8_t* out, size_t& written) {
  if (text.size() % 4 != 0) return malformed(text.size());
  const size_t padding = padding_of(text);
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size() - padding; ++i) {
    const int32_t sextet = to_sextet(text[i]);
    if (sextet < 0) return malformed(i);
    bits = bits << 6 | static_cast<uint32_t>(sextet);
    // Each character but the first of four ends a byte.
    if (i % 4 != 0) out[written++] = static_cast<uint8_t>(bits >> (6 - i % 4 * 2));
  }
  // RFC 4648 3.5: pad bits that are not zero are refused.
  const uint32_t pad_bits = padding == 2 ? bits & 0xf : bits & 0x3;
  if (padding != 0 && pad_bits != 0) return malformed(text.size() - 1 - padding);
  return {};
}

}  // namespace

std::string base64_encode(ByteView bytes) {
  std::string out(base64_size(bytes.size()), '\0');
  encode_to(bytes, reinterpret_cast<uint8_t*>(out.data()));
  return out;
}

void base64_append(Bytes& out, ByteView bytes) {
  const size_t start = out.size();
  out.resize(start + base64_size(bytes.size()));
  encode_to(bytes, out.data() + start);
}

Result<Bytes> base64_decode(std::string_view text) {
  return filled<Bytes>([&](Bytes& out) {
    return guarded("base64", [&]() -> Result<void> {
      out.resize(text.size() / 4 * 3);
      size_t size = 0;
      PGSS_CHECK(decode_to(as_bytes(text), out.data(), size));
      out.resize(size);
      return {};
    });
  });
}

Result<ByteView> base64_decode_in_place(MutableBytes text) {
  size_t size = 0;
  PGSS_CHECK(decode_to(ByteView(text.data(), text.size()), text.data(), size));
  return ByteView(text.data(), size);
}

}  // namespace pocketgss
