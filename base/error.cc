// Names, sentences and GSS major status values of the error codes: one table.
#include <pocketgss/error.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace pocketgss {
namespace {

constexpr uint32_t routine_error(uint32_t n) {
  return n << 16;
}  // RFC 2744 3.9.1

struct Row {
  Errc code;
  const char* name;
  const char* sentence;
  uint32_t major;
};

constexpr std::array kRows = {
    Row{Errc::kMalformed, "malformed", "not a valid encoding",
        routine_error(9)},  // GSS_S_DEFECTIVE_TOKEN
    Row{Errc::kPeerMisbehaved, "peer-misbehaved", "the peer broke the protocol",
        routine_error(13)},  // GSS_S_FAILURE
    Row{Errc::kPeerIncompatible, "peer-incompatible", "nothing in common with the peer",
        routine_error(1)},  // GSS_S_BAD_MECH
    Row{Errc::kNeedsCredential, "needs-credential", "no usable credential",
        routine_error(7)},                                                 // GSS_S_NO_CRED
    Row{Errc::kPolicy, "policy", "refused by policy", routine_error(15)},  // GSS_S_UNAUTHORIZED
    Row{Errc::kAuthFailed, "auth-failed", "authentication failed",
        routine_error(6)},  // GSS_S_BAD_SIG
    Row{Errc::kExpired, "expired", "expired, replayed or out of its time",
        routine_error(12)},  // GSS_S_CONTEXT_EXPIRED
    Row{Errc::kApiMisuse, "api-misuse", "wrong call by the program",
        routine_error(8)},  // GSS_S_NO_CONTEXT
    Row{Errc::kUnreachable, "unreachable", "a service did not answer",
        routine_error(16)},  // GSS_S_UNAVAILABLE
    Row{Errc::kNoMemory, "no-memory", "out of memory", routine_error(13)},
    Row{Errc::kInternal, "internal", "internal error", routine_error(13)},
};

const Row& row(Errc code) {
  size_t at = 0;
  while (at + 1 < kRows.size() && kRows[at].code != code) ++at;
  return kRows[at];
}

// append_number appends " (what number)". std::to_string() would bring along a table of all pairs of
// digits.
void append_number(std::string& text, const char* what, int64_t number) {
  char written[24];
  char* const end = std::end(written);
  char* at = end;
  *--at = ')';
  int64_t rest = std::abs(number);
  do {
    *--at = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (number < 0) *--at = '-';
  text.append(" (").append(what).append(" ").append(at, end);
}

}  // namespace

bool Error::operator==(const Error& other) const {
  return code == other.code && std::strcmp(where, other.where) == 0 && offset == other.offset &&
         peer_status == other.peer_status;
}

const char* name(Errc code) {
  return row(code).name;
}

std::string describe(const Error& error) {
  std::string text = row(error.code).sentence;
  if (*error.where != '\0') text.append(": ").append(error.where);
  if (error.code == Errc::kMalformed) append_number(text, "at byte", error.offset);
  if (error.peer_status != 0) append_number(text, "status", error.peer_status);
  return text;
}

uint32_t gss_major_status(Errc code) {
  return row(code).major;
}

}  // namespace pocketgss
