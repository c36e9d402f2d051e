// Words for what ended a client's session: whose fault it is, and what to do.
#include "sasl/smtp_failure.h"

#include "sasl/text.h"

namespace pocketgss::sasl {
namespace {

using Kind = SmtpFailure::Kind;
using Party = SmtpFailure::Party;

struct Words {
  Kind kind;
  Party party;
  const char* what;
  const char* advice;
};

constexpr Words kWords[] = {
    {Kind::kGreeting, Party::kServer, "the server does not accept this connection",
     "Check the host and port, or try again later."},
    {Kind::kEhlo, Party::kServer, "the server refuses EHLO",
     "So it offers neither TLS nor a login: use the submission port (587 or 465)."},
    {Kind::kTlsUnavailable, Party::kServer,
     "the server does not start TLS, and this program does not go on without",
     "Try implicit TLS on port 465, or ask the server's operator."},
    {Kind::kTlsFailed, Party::kServer, "TLS with the server could not be set up",
     "No password was sent. Check the server's name, its certificate and this machine's clock."},
    {Kind::kTlsInjection, Party::kServer,
     "clear text came where TLS was to start: an attack on the connection, or a broken server",
     "No password was sent. Ask the server's operator."},
    {Kind::kNoMechanism, Party::kServer,
     "the server lists no login mechanism that this program may use",
     "Check that the server's connector offers GSSAPI, GSS-SPNEGO or NTLM, perhaps only after "
     "TLS."},
    {Kind::kNeedsCredential, Party::kUser, "there is nothing to log in with",
     "Give a user name and password."},
    {Kind::kBindingRequired, Party::kCaller,
     "a channel binding is required and this connection has none",
     "Use TLS with a certificate whose signature has a hash, or require no binding."},
    {Kind::kKdc, Party::kServer, "Kerberos gave no ticket for the server",
     "See the reason; the KDC's log may say more."},
    {Kind::kLocal, Party::kServer, "this side refused the server's part of the login",
     "See the reason; the server may be misconfigured or not the one it claims to be."},
    {Kind::kRefused, Party::kUser, "the server refused the login",
     "Check the user name, the domain and the password."},
    {Kind::kCommandRefused, Party::kServer, "the server does not take this AUTH command",
     "Try another mechanism, or the first token without an initial response."},
    {Kind::kTemporary, Party::kServer, "the server cannot do this now", "Try again later."},
    {Kind::kPasswordChange, Party::kUser, "the server wants the password to be changed first",
     "Change it, then try again."},
    {Kind::kTooWeak, Party::kServer, "the server wants a stronger mechanism for this user",
     "Ask the server's operator which one."},
    {Kind::kNeedsTls, Party::kCaller, "the server wants TLS before a login",
     "Use STARTTLS or implicit TLS."},
    {Kind::kServerNotProven, Party::kServer,
     "the server reported success before it had proved itself",
     "Policy refuses that; the level `default` takes it where nothing was negotiated away."},
    {Kind::kProtocol, Party::kServer, "the server's answer is no SMTP reply that fits here",
     "Check that host and port are those of an SMTP server."},
    {Kind::kLayer, Party::kNetwork,
     "what came within the security layer is not what the server protected",
     "Something on the way altered it, or the server is broken."},
    {Kind::kTooMuch, Party::kServer, "the server sent more than the limits allow",
     "The server is broken, or the limit too low."},
    {Kind::kClosed, Party::kNetwork, "the connection was closed", "Try again later."},
};

const Words& words_of(Kind kind) {
  for (const Words& words : kWords) {
    if (words.kind == kind) return words;
  }
  return kWords[0];
}

// add_cause adds what either side said.
void add_cause(std::string& message, const SmtpFailure& failure) {
  if (failure.error.where[0] != '\0') message.append(": ").append(describe(failure.error));
  const SmtpReply& reply = failure.reply;
  if (reply.code == 0) return;
  message.append("; it said ").append(decimal(static_cast<unsigned>(reply.code)));
  if (!reply.enhanced.empty()) message.append(" ").append(reply.enhanced);
  // The text may be of several lines; one is enough here.
  const std::string first = reply.text.substr(0, reply.text.find('\n'));
  if (!first.empty()) message += concat({" \"", first, "\""});
}

SmtpFailure make(const Words& words, SmtpReply&& reply, const Error& error,
                 std::string_view detail) {
  SmtpFailure out;
  out.kind = words.kind;
  out.party = words.party;
  out.reply = std::move(reply);
  out.error = error;
  out.message = words.what;
  if (!detail.empty()) out.message += concat({" (", detail, ")"});
  add_cause(out.message, out);
  out.message += ". ";
  // RFC 5321 4.2.1: a 4yz asks to come back; RFC 4954 6: but 432 to change the password first.
  const bool later = out.reply.transient() && words.kind != Kind::kPasswordChange;
  out.message += later ? words_of(Kind::kTemporary).advice : words.advice;
  return out;
}

SmtpFailure make(Kind kind, SmtpReply&& reply, const Error& error, std::string_view detail) {
  return make(words_of(kind), std::move(reply), error, detail);
}

// kind_of_login: RFC 4954 4 and 6, RFC 5321 4.2.
Kind kind_of_login(int code) {
  switch (code) {
    case 432:
      return Kind::kPasswordChange;
    case 534:
      return Kind::kTooWeak;
    case 530:
    case 538:
      return Kind::kNeedsTls;
    case 504:
      return Kind::kNoMechanism;
    case 500:
    case 501:
    case 502:
    case 503:
      return Kind::kCommandRefused;
    default:
      break;
  }
  if (code >= 400 && code < 500) return Kind::kTemporary;
  return code >= 500 ? Kind::kRefused : Kind::kProtocol;
}

Kind kind_of_error(const Error& error) {
  switch (error.code) {
    case Errc::kNeedsCredential:
      return Kind::kNeedsCredential;
    case Errc::kUnreachable:
      return Kind::kTemporary;
    case Errc::kPolicy:
      return std::string_view(error.where).starts_with("P5") ? Kind::kBindingRequired
                                                             : Kind::kLocal;
    default:
      return Kind::kLocal;
  }
}

// is_of_kdc: an exchange with KDCs ended in `error`, which is not this program's own.
bool is_of_kdc(const Error& error) {
  switch (error.code) {
    case Errc::kNeedsCredential:
    case Errc::kApiMisuse:
    case Errc::kNoMemory:
    case Errc::kInternal:
      return false;
    default:
      return kind_of_error(error) != Kind::kBindingRequired;
  }
}

}  // namespace

SmtpFailure failure_of_reply(Kind kind, SmtpReply&& reply) {
  return make(kind, std::move(reply), {}, {});
}

SmtpFailure failure_of_login(SaslMechanism mechanism, SmtpReply&& reply) {
  return make(kind_of_login(reply.code), std::move(reply), {},
              concat({"AUTH ", sasl_label(mechanism)}));
}

SmtpFailure failure_of_error(const Error& error) {
  SmtpFailure out = make(kind_of_error(error), {}, error, {});
  if (error.code == Errc::kApiMisuse || error.code == Errc::kPolicy ||
      error.code == Errc::kInternal || error.code == Errc::kNoMemory) {
    out.party = Party::kCaller;
  }
  return out;
}

SmtpFailure failure_of_exchange(const Error& error) {
  if (!is_of_kdc(error)) return failure_of_error(error);
  Words words = words_of(Kind::kKdc);
  if (error.code == Errc::kAuthFailed) {
    words.party = Party::kUser;
    words.advice = "Check the user name, the realm and the password; each attempt may count.";
  } else if (error.code == Errc::kUnreachable) {
    words.party = Party::kNetwork;
    words.advice = "Check the realm, its KDCs and the network, or try again later.";
  } else if (error.code == Errc::kPolicy) {
    words.party = Party::kCaller;
  }
  return make(words, {}, error, {});
}

SmtpFailure failure_of_kind(Kind kind, const Error& error) {
  return make(kind, {}, error, {});
}

SmtpFailure failure_of_kind(Kind kind, std::string_view detail) {
  return make(kind, {}, {}, detail);
}

void add_earlier(std::string& message, const SmtpFailure& earlier) {
  message += " Before that AUTH";
  if (earlier.mechanism) message.append(" ").append(sasl_label(*earlier.mechanism));
  if (earlier.inner[0] != '\0') message += concat({" (", earlier.inner, ")"});
  message.append(" failed: ").append(words_of(earlier.kind).what);
  add_cause(message, earlier);
  message += ".";
}

}  // namespace pocketgss::sasl
