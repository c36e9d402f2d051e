// An SMTP submission server with AUTH GSSAPI, GSS-SPNEGO and NTLM. It does no I/O: bytes in, bytes
// and events out.
#ifndef POCKETGSS_SMTP_SERVER_H_
#define POCKETGSS_SMTP_SERVER_H_

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

// Micros counts microseconds on any clock that does not run backwards.
using Micros = int64_t;

// SmtpServerConfig is one value for a whole server: it is shared by all connections, which only
// read it.
struct SmtpServerConfig {
  std::string hostname = "localhost";
  std::string greeting = "ESMTP";           // what follows the host name in the 220
  std::string ehlo_text = {};               // the first line of the EHLO reply; empty: `hostname`
  std::vector<std::string> ehlo_more = {};  // further EHLO lines, last
  // Announced by EHLO, in this order. GSSAPI is in the server's list of mechanisms whatever stands
  // here (SSEAN-S1): a client that asks for it is served, announced or not. Leaving it out steers
  // clients that prefer it to another mechanism. What ContextProvider::offers() denies is neither
  // announced nor taken (504): NTLM, say, where AcceptorConfig::ntlm is off; without NTLM and keys
  // there is no AUTH at all.
  std::vector<SaslMechanism> mechanisms = {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego,
                                           SaslMechanism::kNtlm};
  bool starttls = true;        // offer STARTTLS
  bool implicit_tls = false;   // the first event is StartTls; STARTTLS is not offered
  bool auth_in_clear = false;  // offer AUTH without TLS too: loopback, or because the operator said
                               // so (policy row P6)
  bool require_auth = true;    // MAIL only after AUTH: 530 5.7.0
  bool pipelining = true;      // the extensions that EHLO lists
  bool eight_bit_mime = true;
  bool enhanced_status_codes = true;
  // SSEAN-W2: 235 as soon as the context is complete, in place of the acceptor's last token, unless
  // that has an AP-REP in it.
  bool early_success = false;
  // SSEAN-W1: see LayerStep. Within TLS a layer is offered only where it is required (quirk A22).
  LayerStep layer_step = LayerStep::kKerberos;
  LayerOptions layer = {};
  // The event Authorisation before each login, of every mechanism: see
  // SaslServerOptions::ask_authorisation.
  bool ask_authorisation = false;

  SmtpLimits limits = {};
  size_t command_line = 2'048;  // octets of a command line other than AUTH, with CRLF (RFC
                                // 5321 4.5.3.1.4 asks for 512)
  uint64_t message_size = 25 * 1024 * 1024;
  unsigned recipients = 100;
  unsigned auth_failures = 3;  // refused or broken off by the client, then 421; not those of a 454
  unsigned bad_commands = 50;  // unknown or misplaced ones, and logins of a 454; then 421
  unsigned unauthenticated_commands = 100;  // of any kind before the login, where that is required
  // The largest Micros is no limit, here and below.
  Micros handshake_time = 300'000'000;  // from the start until logged in (where that is required)
  Micros idle_time = 300'000'000;       // without a byte from the client
};

class SmtpServer {
 public:
  // --- events ---
  // Those marked [answer] stop the machine until they are answered; what arrives meanwhile waits.
  // StartTls [tls_started(), or closed() where the handshake fails]: set TLS up after take_output() has
  // been sent. Bytes that come from
  // the network before it is up belong to TLS: do not give them to receive().
  struct StartTls {};
  // Account [resume()]: look the account up, answer with none, or say that the store is unavailable
  // ("454 4.7.0"). The names are what the client claims. NTLM alone asks.
  struct Account {
    NeedAccount need;
  };
  // Authorisation [authorise()], where SmtpServerConfig::ask_authorisation is set: may this user log
  // in? LoggedIn and the 235 come after a yes; "no" is the refusal that a wrong password gets, and
  // "cannot tell" is "454 4.7.0".
  struct Authorisation {
    NeedAuthorisation need;
  };
  // LoggedIn, for the log.
  struct LoggedIn {
    SaslReport report;
  };
  // LoginRefused, for the log: a login that came to nothing. The client is told "535 5.7.8" whatever
  // was wrong with the user or his credential (policy row P23), and "454 4.7.0" where `error` is
  // kUnreachable, kNoMemory, kInternal or kApiMisuse; or nothing where the session ends in the middle
  // of it: `error` is then that of Closed, which follows. Where the machine itself runs out of memory, Closed with
  // kNoMemory comes alone.
  struct LoginRefused {
    SaslMechanism mechanism = SaslMechanism::kGssapi;
    Error error;          // `where` names the field or the policy row
    std::string claimed;  // the name that the client claimed (of Kerberos, proved), sanitised;
                          // empty where it did not come to Account or Authorisation
    // The client's password or ticket had been taken before: it may know, by the last 334, that
    // it has the right one.
    bool context_complete = false;
  };
  // Mail [reply()]: MAIL FROM. accept() or reply() with another code.
  struct Mail {
    std::string reverse_path;      // without angle brackets; may be empty
    std::optional<uint64_t> size;  // SIZE=, octets
    bool eight_bit = false;        // BODY=8BITMIME
    std::string auth;  // AUTH= (RFC 4954 5), xtext decoded; "<>" or a mailbox; empty: none
  };
  // Rcpt [reply()].
  struct Rcpt {
    std::string forward_path;
  };
  // Data [reply()]: accept() answers 354; another reply refuses the message.
  struct Data {};
  // Content: a piece of the message, dots removed, lines ended by CRLF.
  struct Content {
    Bytes bytes;
  };
  // End [reply()]: the message is whole. Answer once it is stored; accept() is "250 2.0.0 OK".
  struct End {};
  // Aborted: throw away what came of the message (too long, a bare CR or LF, connection lost). The
  // client is answered by the machine.
  struct Aborted {
    Error error;
  };
  // Closed is the last event: send take_output(), then close the connection.
  struct Closed {
    Error error;  // kUnreachable: the client went or timed out; kPeerMisbehaved: thrown out;
                  // `where` "QUIT": as it should be
  };
  using Event = std::variant<StartTls, Account, Authorisation, LoggedIn, LoginRefused, Mail, Rcpt,
                             Data, Content, End, Aborted, Closed>;

  // Where an allocation fails, the session ends: Closed with kNoMemory, and nothing more to send; the
  // call in which it did returns that error too, if it returns one.
  // The constructor may throw std::bad_alloc. `contexts` and `config` outlive the server;
  // `transcript`, where given, too.
  SmtpServer(ContextProvider& contexts, const SmtpServerConfig& config,
             SmtpTranscript* transcript = nullptr);
  SmtpServer(ContextProvider& contexts, SmtpServerConfig&& config,
             SmtpTranscript* transcript = nullptr) = delete;
  SmtpServer(const SmtpServer&) = delete;
  SmtpServer& operator=(const SmtpServer&) = delete;
  ~SmtpServer();

  // receive takes bytes as they come, in pieces of any size. Read from the connection only while
  // wants_input(): what comes while it is false waits, but where more than 64 KiB wait already the
  // session ends, Closed with kApiMisuse.
  void receive(ByteView bytes);
  bool wants_input() const;
  // closed: the client closed the connection, or it broke.
  void closed();
  // stop ends the session with a 421 at the next command border (a message under way is finished
  // first).
  void stop();
  // stop_now ends it with a 421 wherever it stands; what came of a message is thrown away (Aborted).
  // While an event waits for its answer the session ends without a reply: what the application does
  // meanwhile counts for nothing.
  void stop_now();
  std::optional<Event> next_event();
  // take_output returns the bytes to send, in order; empty: nothing. The greeting is there from the
  // start.
  Bytes take_output();

  // tick tells the time: call it once at the start, before each receive(), and at deadline(). It
  // ends a session that is too slow (421 4.4.2).
  void tick(Micros now);
  // deadline is when tick() must be called at the latest, though nothing arrives.
  Micros deadline() const;

  // tls_started answers StartTls. Errors, here and below: kApiMisuse where no such event waits for
  // an answer, or next_event() has not given it out yet.
  Result<void> tls_started(TlsChannel channel);
  Result<void> resume(AccountAnswer answer);
  Result<void> authorise(AuthorisationAnswer answer);
  // wants_reply: the event last taken was marked [reply()] and waits.
  bool wants_reply() const;
  // accept answers Mail and Rcpt with 250, Data with 354, End with 250.
  Result<void> accept();
  // reply answers them with anything else: 4yz or 5yz refuses. Errors: also kApiMisuse with `where` =
  // "reply code" (neither that of accept() nor 400 to 599) or "reply text" (`enhanced` or `text` is
  // not printable ASCII); the event goes on waiting.
  Result<void> reply(const SmtpReply& reply);

  bool over_tls() const;
  // login is the report of the successful AUTH, or null.
  const SaslReport* login() const;
  const std::string& ehlo_name()
      const;  // what the client calls itself, sanitised; empty before EHLO

 private:
  class PGSS_LOCAL Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_SMTP_SERVER_H_
