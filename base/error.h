// The one error type: whose fault it is, which field, and where.
#ifndef POCKETGSS_ERROR_H_
#define POCKETGSS_ERROR_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include <pocketgss/export.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

namespace internal {
class ResultHead;
}

// Errc says whose fault an error is and so what the caller can do; the detail is in Error::where.
enum class Errc : uint8_t {
  kMalformed = 1,     // the bytes are not a valid encoding: the peer, or the line, is broken
  kPeerMisbehaved,    // valid bytes, broken protocol: close the connection
  kPeerIncompatible,  // no common mechanism, encryption type or flag: change the policy or the peer
  kNeedsCredential,   // nothing usable was supplied: ask the user
  kPolicy,            // refused by the caller's own policy; `where` names the row
  kAuthFailed,        // a MIC, checksum, proof or credential is wrong: do not retry with the same
  kExpired,           // times, skew or replay
  kApiMisuse,         // only the calling code can cause this: mend the program
  kUnreachable,       // a service did not answer in time: retry later
  kNoMemory,          // an allocation failed
  kInternal,          // our bug, or the crypto library's: report it
};

// Error is 16 bytes (12 where pointers have 32 bits), copies freely and holds neither a peer's bytes
// nor a secret: it may be logged and compared.
struct Error {
  const char* where;  // static text in the specification's words, such as "NegTokenResp.negState"
  Errc code;
  // The error-code of a KRB-ERROR; 0 otherwise. None that is assigned needs more than 16 bits; one
  // that does is told as the nearest that does not.
  int16_t peer_status;
  uint32_t offset;  // bytes from the start of the token; 0 where there is none to tell

  constexpr Error() : Error(Errc::kInternal, "") {}
  // Of constants, as nearly all are, two stores are left; a compiler told to save space takes it for
  // more than that and calls it.
  [[gnu::always_inline]] constexpr Error(Errc error_code, const char* what, uint32_t at = 0,
                                         int32_t status = 0)
      : where(what),
        code(error_code == kNone ? Errc::kInternal : error_code),
        peer_status(static_cast<int16_t>(std::clamp<int32_t>(status, INT16_MIN, INT16_MAX))),
        offset(at) {}

  bool operator==(const Error& other) const;

 private:
  friend class internal::ResultHead;
  static constexpr Errc kNone{
      0};  // what a Result has that holds a value: 0 is compared at least cost
  struct None {};
  explicit constexpr Error(None) : where(nullptr), code(kNone), peer_status(0), offset(0) {}
  struct Unread {};  // the same, where nobody reads the other fields
  explicit Error(Unread) : code(kNone) {}
};

// name returns the enumerator's own name in lower case ("malformed"), as `decode --json` and logs
// print it.
const char* name(Errc code);

// describe returns one English sentence without a line end: what happened, which field, at which
// byte. It may throw std::bad_alloc.
std::string describe(const Error& error);

// GSS-API major status values (RFC 2744 3.9.1), for callers who speak in them.
uint32_t gss_major_status(Errc code);

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_ERROR_H_
