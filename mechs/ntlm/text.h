// Names inside NTLM messages: UTF-16LE, or OEM characters where an old peer knows no better.
#ifndef PGSS_MECHS_NTLM_TEXT_H_
#define PGSS_MECHS_NTLM_TEXT_H_

#include <string>
#include <string_view>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include "mechs/ntlm/flags.h"

namespace pocketgss::mechs::ntlm {

inline constexpr size_t kMaxNameUnits = 256;  // UTF-16 units of a user, domain or workstation name
inline constexpr size_t kMaxNameSize = 2 * kMaxNameUnits;

// CharacterSet of the names in a CHALLENGE and in the AUTHENTICATE that answers it. No message says
// which code page "OEM" is: octets above 127 are read as ISO 8859-1, and never written.
enum class CharacterSet : uint8_t { kUtf16, kOem };

// append_name writes a name, given in UTF-8. Errors: kApiMisuse (`field`: not UTF-8, longer than
// 256 UTF-16 units), kPeerIncompatible (the peer takes OEM characters only, and this name is not
// ASCII).
Result<void> append_name(Bytes& out, std::string_view utf8, CharacterSet, const char* field);

// Utf16Name is a received name in UTF-16LE, without an allocation.
class Utf16Name {
 public:
  // read takes a name as it came. Errors: kMalformed with `field` (longer than 256 UTF-16 units).
  Result<void> read(ByteView raw, CharacterSet, const char* field);

  ByteView view() const { return ByteView(units_).prefix(size_); }
  Utf16Name upcased() const;
  // to_utf8 appends to `out`, which is empty. Errors: kMalformed with `field` (odd size, lone
  // surrogate, a control character).
  Result<void> to_utf8(const char* field, std::string& out) const;

 private:
  FixedBytes<kMaxNameSize> units_;  // the first `size_` octets are set
  size_t size_ = 0;
};

// append_qualified_name joins what ContextInfo::initiator_name holds: `DOMAIN\user`, or `user` without
// a domain.
void append_qualified_name(std::string& out, std::string_view domain, std::string_view user);

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_TEXT_H_
