// An SMTP client that logs in by AUTH GSSAPI, GSS-SPNEGO or NTLM, and submits mail. It does no I/O:
// bytes in, bytes and events out.
#ifndef POCKETGSS_SMTP_CLIENT_H_
#define POCKETGSS_SMTP_CLIENT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <pocketgss/sasl.h>
#include <pocketgss/smtp.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

struct SmtpClientConfig {
  enum class Tls : uint8_t {
    kStartTls,  // required: no login and no mail without it (policy row P7)
    kImplicit,  // TLS from the first byte (RFC 8314)
    kNone,      // clear text; only where the user said so (policy row P6)
  };
  enum class InitialResponse : uint8_t {
    kAuto,    // where the AUTH command keeps within 512 octets (RFC 4954 4)
    kAlways,  // whatever its length
    kNever,   // the first token after an empty 334
  };

  Tls tls = Tls::kStartTls;
  std::string ehlo_name = "localhost";  // this host's name, or an address literal "[192.0.2.1]"
  bool login = true;                    // false: no AUTH
  // None: GSSAPI before GSS-SPNEGO before NTLM, as the server lists and policy permits.
  std::optional<SaslMechanism> mechanism = std::nullopt;
  bool only_if_listed = true;  // false: use `mechanism` though the server does not list it
  InitialResponse initial_response = InitialResponse::kAuto;
  std::string authzid = {};  // see SaslClientOptions
  // Within TLS a layer is wanted only where it is required (quirk A22).
  LayerOptions layer = {};
  SmtpLimits limits = {};
  SmtpTranscript* transcript = nullptr;  // outlives the client
};

// SmtpCapabilities is what the last EHLO reply said (RFC 5321 4.1.1.1).
struct SmtpCapabilities {
  std::vector<std::string>
      auth;  // SASL names as the server spells them, each once; from "AUTH ..." and "AUTH=..."
  bool starttls = false;
  bool pipelining = false;
  bool eight_bit_mime = false;
  bool enhanced_status_codes = false;
  bool smtp_utf8 = false;
  std::optional<uint64_t> size;  // octets; 0: the server states no limit; none: no SIZE extension
};

// SmtpFailure says why a session ended. Nothing more can be done with the client; close the
// connection. Where one mechanism failed and the next then ended for want of a credential, by
// policy or with the connection, it is what the first one failed of; where the next failed in its
// turn it is that, and `message` says what the first one failed of, too.
struct SmtpFailure {
  enum class Kind : uint8_t {
    kGreeting,         // the server does not want to talk (554, 421, or no SMTP server at all)
    kEhlo,             // EHLO was refused
    kTlsUnavailable,   // STARTTLS is required and not offered, or refused
    kTlsFailed,        // tls_failed(): the handshake or the certificate
    kTlsInjection,     // clear text after the reply to STARTTLS (CVE-2021-22947)
    kNoMechanism,      // no mechanism that both sides have; `message` says which the server lists
    kNeedsCredential,  // nothing to log in with
    kBindingRequired,  // the policy requires a channel binding and there is none
    kKdc,              // Kerberos gave no ticket; `error` is of the KDC, or that none answers
    kLocal,            // our side of the exchange refused the server's token: `error` says why
    kRefused,          // the server refused the login (535 and other 5yz)
    kCommandRefused,   // the server does not take the AUTH command at all (500 to 503)
    kTemporary,        // the server cannot tell now (454 and other 4yz): try again later
    kPasswordChange,   // 432: the password must be changed first
    kTooWeak,          // 534: the server wants a stronger mechanism
    kNeedsTls,         // 538 or 530: the server wants TLS first
    kServerNotProven,  // the server said 235 before its own proof was complete, and policy does not
                       // take that
    kProtocol,         // what the server sent is no SMTP reply, or none that fits
    kLayer,            // what came within the security layer is not what the server protected
    kTooMuch,          // a line, a reply or a token exceeds its limit
    kClosed,           // the connection was closed in the middle
  };
  // Party: whose fault it is.
  enum class Party : uint8_t { kUser, kCaller, kServer, kNetwork };

  Kind kind = Kind::kProtocol;
  Party party = Party::kServer;
  SmtpReply reply;      // the server's, where there was one; else code 0
  Error error;          // ours, where the cause is on our side; else `where` is empty
  std::string message;  // one sentence or two for the user: what happened and what to do. No
                        // secret; sanitised.

  // The login that was under way, the last one where several mechanisms were tried.
  std::optional<SaslMechanism> mechanism;  // none: no login had begun, or it was over
  const char* inner = "";   // "NTLM" or "Kerberos": SaslClient::mechanism_name(); static
  bool proof_sent = false;  // of it, to the server or a KDC (policy row P8): an attempt was counted
};

class SmtpClient {
 public:
  // --- events, in the order in which they come ---
  // StartTls: set TLS up on the connection, check the certificate, then call tls_started(), or
  // tls_failed(). Bytes that come from the network before that belong to TLS: do not give them to
  // receive().
  struct StartTls {};
  // Ready: TLS as configured, EHLO done, and logged in if that was asked for (`login` then holds
  // the report); after a login with a security layer EHLO was sent once more. Commands may be
  // given.
  struct Ready {
    std::optional<SaslReport> login;
  };
  // Exchange: send `request` to a KDC of `realm` and call resume(), with its reply or, where none
  // came or none can be asked, with none. The session waits until then. It comes only where
  // InitiatorConfig::tickets has no valid ticket for the service yet.
  struct Exchange {
    NeedExchange need;
  };
  // Reply: the answer to one command, in the order in which they were given. 354 to DATA:
  // write_data() may now be called.
  struct Reply {
    std::string verb;  // "MAIL", "RCPT", "DATA", "." (end of the message), ...
    SmtpReply reply;
  };
  // Failed is the last event.
  struct Failed {
    SmtpFailure failure;
  };
  using Event = std::variant<StartTls, Ready, Exchange, Reply, Failed>;

  // Where an allocation fails, the session ends: Failed with kNoMemory, and nothing more to send; the
  // call in which it did returns that error too, if it returns one.
  // The constructor may throw std::bad_alloc. `contexts` outlives the client. With Tls::kImplicit
  // the first event is StartTls.
  SmtpClient(ContextProvider& contexts, SmtpClientConfig config);
  SmtpClient(const SmtpClient&) = delete;
  SmtpClient& operator=(const SmtpClient&) = delete;
  ~SmtpClient();

  // receive takes bytes as they come, in pieces of any size. Ask for events and output afterwards.
  void receive(ByteView bytes);
  // closed: the peer closed the connection, or it broke. Failed with kClosed comes next, unless the
  // reply to QUIT is there or the message was refused before its end; after QUIT it takes nothing
  // back that was replied to before.
  void closed();
  // next_event returns the next event, or none: then send take_output() and read from the
  // connection.
  std::optional<Event> next_event();
  // take_output returns the bytes to send, in order; empty: nothing.
  Bytes take_output();

  // tls_started answers StartTls. Errors: kApiMisuse where there was none, or it was not taken yet.
  Result<void> tls_started(TlsChannel channel);
  // tls_failed answers StartTls too: the handshake failed, or the certificate is not the server's.
  // Failed with kTlsFailed comes next, and nothing more is sent. `why` goes into its message,
  // sanitised. Errors: as tls_started().
  Result<void> tls_failed(std::string_view why = {});
  // resume answers Exchange. Errors: kApiMisuse where there was none.
  Result<void> resume(ExchangeAnswer answer);

  // --- commands, after Ready; each gets one Reply ---
  // Given together they are pipelined where the server offers that (RFC 2920), and sent one after
  // the other where not. Errors: kApiMisuse (not Ready, DATA under way, QUIT given, a control
  // character in an argument, an angle bracket or a space in a path, a path that is not ASCII
  // where `smtp_utf8` was not asked for in this transaction's mail()); kPeerIncompatible (a path
  // that is not ASCII, and the server has no SMTPUTF8).
  struct MailOptions {
    std::optional<uint64_t> size =
        std::nullopt;        // octets of the message; sent where the server has SIZE
    bool eight_bit = false;  // BODY=8BITMIME; sent where the server has 8BITMIME
    bool smtp_utf8 = false;  // SMTPUTF8; sent where the server has it
  };
  Result<void> mail(std::string_view reverse_path,
                    MailOptions options);  // without angle brackets; may be empty
  Result<void> rcpt(std::string_view forward_path);
  Result<void> data();
  Result<void> quit();
  Result<void> command(
      std::string_view line);  // any other one without its CRLF; not AUTH, STARTTLS, DATA

  // write_data sends message content in pieces of any size: leading dots are doubled, line ends
  // become CRLF (a lone CR or LF too). Drain take_output() now and then: it all waits there.
  // Where the server refuses the message before its end, the Reply to "." comes then and is the
  // last one: what waits to be sent is dropped, since the server may take it for commands (drop what
  // take_output() gave and was not sent, too); close the connection. Errors: kApiMisuse where no 354 came, or the message was refused since.
  Result<void> write_data(ByteView content);
  // finish_data ends the message (with a CRLF, if need be, and the dot). The Reply to "." tells how
  // it went.
  Result<void> finish_data();

  const SmtpCapabilities& capabilities() const;
  bool over_tls() const;

 private:
  class PGSS_LOCAL Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_SMTP_CLIENT_H_
