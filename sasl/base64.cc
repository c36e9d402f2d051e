// Base64 without tables: each character is computed, so no memory access depends on the data.
#include <pocketgss/base64.h>

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

// to_sextet returns -1 for what is no character of the alphabet.
constexpr int32_t to_sextet(int32_t c) {
  int32_t sextet = -1;
  sextet += between('A', c, 'Z') & (c - 'A' + 1);
  sextet += between('a', c, 'z') & (c - 'a' + 27);
  sextet += between('0', c, '9') & (c - '0' + 53);
  sextet += between('+', c, '+') & 63;
  sextet += between('/', c, '/') & 64;
  return sextet;
}

void encode_group(const uint8_t* in, uint8_t* out) {
  const int32_t group = in[0] << 16 | in[1] << 8 | in[2];
  out[0] = to_character(group >> 18);
  out[1] = to_character(group >> 12 & 63);
  out[2] = to_character(group >> 6 & 63);
  out[3] = to_character(group & 63);
}

// encode_to writes base64_size(bytes.size()) characters.
void encode_to(ByteView bytes, uint8_t* out) {
  const size_t rest = bytes.size() % 3;
  const size_t whole = bytes.size() - rest;
  for (size_t i = 0; i < whole; i += 3, out += 4) encode_group(bytes.data() + i, out);
  if (rest == 0) return;
  const uint8_t last[3] = {bytes[whole], rest == 2 ? bytes[whole + 1] : uint8_t{0}, 0};
  encode_group(last, out);
  out[3] = '=';
  if (rest == 1) out[2] = '=';
}

// group_of gives the 24 bits of four characters; negative where one is outside the alphabet.
int32_t group_of(const uint8_t* text) {
  return to_sextet(text[0]) << 18 | to_sextet(text[1]) << 12 | to_sextet(text[2]) << 6 |
         to_sextet(text[3]);
}

Error malformed(size_t offset) {
  return Error{Errc::kMalformed, "base64", static_cast<uint32_t>(offset), 0};
}

size_t padding_of(ByteView text) {
  if (text.empty() || text.back() != '=') return 0;
  return text[text.size() - 2] == '=' ? 2 : 1;
}

// first_bad returns the first of four characters that is outside the alphabet.
size_t first_bad(const uint8_t* text) {
  size_t i = 0;
  while (i < 3 && to_sextet(text[i]) >= 0) ++i;
  return i;
}

// decode_last decodes the padded group. RFC 4648 3.5: pad bits that are not zero are refused.
Result<void> decode_last(const uint8_t* text, size_t padding, size_t offset, uint8_t* out) {
  constexpr uint8_t kZero = 'A';
  const uint8_t filled[4] = {text[0], text[1], padding == 2 ? kZero : text[2], kZero};
  const int32_t group = group_of(filled);
  if (group < 0) return malformed(offset + first_bad(text));
  const int32_t pad_bits = padding == 2 ? group & 0xffff : group & 0xff;
  if (pad_bits != 0) return malformed(offset + 3 - padding);
  out[0] = static_cast<uint8_t>(group >> 16);
  if (padding == 1) out[1] = static_cast<uint8_t>(group >> 8);
  return {};
}

// decode_to writes at most text.size() / 4 * 3 bytes, never ahead of what it has read, so `out` may
// be the text itself.
Result<size_t> decode_to(ByteView text, uint8_t* out) {
  if (text.size() % 4 != 0) return malformed(text.size());
  const size_t padding = padding_of(text);
  const size_t whole = padding == 0 ? text.size() : text.size() - 4;
  size_t written = 0;
  for (size_t i = 0; i < whole; i += 4, written += 3) {
    const uint8_t* in = text.data() + i;
    const int32_t group = group_of(in);
    if (group < 0) return malformed(i + first_bad(in));
    out[written] = static_cast<uint8_t>(group >> 16);
    out[written + 1] = static_cast<uint8_t>(group >> 8);
    out[written + 2] = static_cast<uint8_t>(group);
  }
  if (padding == 0) return written;
  PGSS_CHECK(decode_last(text.data() + whole, padding, whole, out + written));
  return written + 3 - padding;
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
  return guarded("base64", [&]() -> Result<Bytes> {
    Bytes out(text.size() / 4 * 3);
    PGSS_TRY(const size_t size, decode_to(as_bytes(text), out.data()));
    out.resize(size);
    return out;
  });
}

Result<ByteView> base64_decode_in_place(MutableBytes text) {
  PGSS_TRY(const size_t size, decode_to(ByteView(text.data(), text.size()), text.data()));
  return ByteView(text.data(), size);
}

}  // namespace pocketgss
