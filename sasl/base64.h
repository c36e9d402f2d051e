// Base64 as RFC 4954 asks for it: RFC 4648 section 4, canonical form only.
#ifndef POCKETGSS_BASE64_H_
#define POCKETGSS_BASE64_H_

#include <string>
#include <string_view>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// base64_size returns how many characters encode `byte_count` bytes, padding included.
constexpr size_t base64_size(size_t byte_count) {
  return (byte_count + 2) / 3 * 4;
}

// base64_encode returns the canonical form: padded, no line breaks (RFC 4648 4). It may throw
// std::bad_alloc, as may base64_append. Neither it nor the decoder looks a secret up in a table;
// both take a time that depends on the size alone (the decoder: for valid input).
std::string base64_encode(ByteView bytes);
// base64_append adds the same characters to the end of `out`.
void base64_append(Bytes& out, ByteView bytes);

// base64_decode takes the canonical form and nothing else: one text for each byte string. Empty
// text is empty bytes. Errors: kMalformed, `where` = "base64" and `offset` = the first character at
// fault: a character outside the alphabet (white space, the URL alphabet, NUL, above 0x7f), a
// length that is no multiple of four, padding that is missing, inside or too long, pad bits that
// are not zero (RFC 4648 3.2 to 3.5). Answer such a peer with 501 5.5.2.
Result<Bytes> base64_decode(std::string_view text);

// base64_decode_in_place does so within `text`, and returns the bytes as a view of its start. On
// error the content of `text` is unspecified.
Result<ByteView> base64_decode_in_place(MutableBytes text);

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_BASE64_H_
