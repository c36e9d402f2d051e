// What the SMTP client and server share: replies, TLS as they need to know it, and the transcript
// of a session.
#ifndef POCKETGSS_SMTP_H_
#define POCKETGSS_SMTP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pocketgss/bytes.h>
#include <pocketgss/channel_bindings.h>
#include <pocketgss/sasl.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// SmtpReply is one reply (RFC 5321 4.2). A peer's text has been made fit for logs and terminals by
// sanitise_text(); the lines of a reply of several are joined by "\n".
struct SmtpReply {
  int code = 0;          // 200 to 599
  std::string enhanced;  // "5.7.8" (RFC 2034); empty where there is none
  std::string text;      // without codes

  bool positive() const { return code >= 200 && code < 400; }
  bool transient() const { return code >= 400 && code < 500; }

  bool operator==(const SmtpReply&) const = default;
};

// sanitise_text makes a peer's text safe to print: each octet that is no printable ASCII character
// becomes '?' (so do ESC, CR, LF, NUL and everything above 0x7e), and what exceeds `limit` octets
// is cut off with "...". It may throw std::bad_alloc.
std::string sanitise_text(std::string_view text, size_t limit = 512);

// TlsChannel describes a TLS channel that was just set up.
struct TlsChannel {
  // The channel's bindings. A client uses the first one: give it tls-server-end-point, or nothing
  // where that cannot be derived, so that a policy that requires a binding refuses. A server takes
  // any: give it all that can be derived.
  std::vector<ChannelBinding> bindings;
};

// SmtpParty says which end a line came from.
enum class SmtpParty : uint8_t { kClient, kServer };

// SmtpTranscript is told of every line of a session, in the order of the wire. Message content
// (between 354 and the final dot) is not shown. Calls come from within the machine's own calls;
// they must not call the machine, nor throw.
class SmtpTranscript {
 public:
  virtual ~SmtpTranscript() = default;

  // line: `text` is the line without CRLF, sanitised; a line whose rest is a SASL token comes to
  // token() instead. Of what a server gets that is no command, or no base64, it has only the size: it
  // may be a password.
  virtual void line(SmtpParty from, std::string_view text) = 0;

  // token: a line that carries a SASL token. `prefix` is what stands before it ("AUTH GSSAPI ",
  // "334 ", or nothing), `token` the decoded bytes, valid during the call. They hold no password
  // and no key; yet who has them can try passwords off line, so print them decoded (`pocketgss
  // decode`), not in base64, where others may read.
  virtual void token(SmtpParty from, std::string_view prefix, SaslMechanism mechanism,
                     ByteView token) = 0;
};

// Bounds of a session. What exceeds one is refused as the fields say.
struct SmtpLimits {
  // Octets of an AUTH command, of a client's response line and of a 334 reply after its code, CRLF
  // included. RFC 4954 asks for 12,288 at least; smaller values count as that. 87,382 carries a
  // token of 65,535 bytes.
  size_t auth_line = 87'382;
  size_t token = 65'535;      // octets of one SASL token, decoded
  unsigned sasl_rounds = 10;  // responses of the client in one AUTH exchange
};

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_SMTP_H_
