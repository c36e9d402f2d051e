// A recorded login of foreign programs, recomputed from its password.
#ifndef PGSS_TOOLS_DEMO_RECORDING_H_
#define PGSS_TOOLS_DEMO_RECORDING_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pocketgss/bytes.h>
#include <pocketgss/env.h>
#include <pocketgss/result.h>

namespace pocketgss::tools {

// Recording is a SPNEGO exchange with NTLM inside, as a file of vectors/recordings/ holds it.
struct Recording {
  std::string initiator, acceptor;  // the programs and their versions
  std::string user, domain, password;
  std::vector<Bytes> initiator_tokens;  // two
  std::vector<Bytes> acceptor_tokens;   // two: the challenge, and the last one with the mechListMIC
  std::optional<Bytes> acceptor_wrap;   // a message that the acceptor wrapped
};

// parse_recording reads the text of a file. None: something that a recording needs is missing.
std::optional<Recording> parse_recording(std::string_view text);

// Check is one value that the recording holds and that was recomputed.
struct Check {
  const char* what;
  bool right;
  std::string detail;  // may be empty
};

// verify_recording recomputes what the password decides: NTProofStr, the MIC, both mechListMICs and
// the wrapped message. Errors: those of the parsers.
Result<std::vector<Check>> verify_recording(Runtime& runtime, const Recording& recording);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DEMO_RECORDING_H_
