// UTF-8 to UTF-16LE and back, and upper-casing that no locale can change.
#ifndef PGSS_BASE_UTF16_H_
#define PGSS_BASE_UTF16_H_

#include <string>
#include <string_view>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>
#include <pocketgss/secret.h>

namespace pocketgss {

// utf16_size returns the size in bytes of what utf8_to_utf16le would append. Errors: as there.
Result<size_t> utf16_size(std::string_view utf8, const char* field);

// begins_character: an octet of well-formed UTF-8 is the first of its character.
constexpr bool begins_character(char octet) {
  return (static_cast<unsigned char>(octet) & 0xc0) != 0x80;
}

// utf8_to_utf16le appends the UTF-16LE form of well-formed UTF-8 to `out`.
// Errors: kMalformed with `field` and the offset of the first bad byte (overlong, surrogate, above
// U+10FFFF, cut).
Result<void> utf8_to_utf16le(std::string_view utf8, const char* field, Bytes& out);

// password_to_utf16le is the same into a secret of exactly the needed size; no copy is left behind.
// Surrogates encoded in UTF-8 (three bytes each) are taken, because the passwords of machine
// accounts hold lone ones.
Result<SecretBytes> password_to_utf16le(ByteView utf8, const char* field);

// utf16le_to_utf8 appends the UTF-8 form of well-formed UTF-16LE to `out`. Errors: kMalformed with
// `field` (odd size, lone surrogate; U+0000 is taken).
Result<void> utf16le_to_utf8(ByteView utf16le, const char* field, std::string& out);

// simple_upcase_utf16le upper-cases in place, one UTF-16 unit at a time, whatever the locale: the
// Simple_Uppercase_Mapping of the Unicode Character Database for the Basic Multilingual Plane, less
// what Windows leaves out ([MS-UCODEREF] 3.1.5.3; the rule stands in script/generate_upcase). The
// size never changes; ß and the dotless ı stay as they are, ς becomes Σ. Other systems (ICU,
// libunistring) make I of ı: a login with such a name between them and us fails. Cannot fail; an
// odd last byte stays as it is.
void simple_upcase_utf16le(MutableBytes utf16le);

// simple_upcase is the same for UTF-8 text, by which account names are compared; append_upcased
// appends it to `out`. Errors: kMalformed with `field`.
Result<std::string> simple_upcase(std::string_view utf8, const char* field);
Result<void> append_upcased(std::string& out, std::string_view utf8, const char* field);

// same_upcased compares so without making copies. What is no UTF-8 is the same as nothing.
bool same_upcased(std::string_view a, std::string_view b);

}  // namespace pocketgss

#endif  // PGSS_BASE_UTF16_H_
