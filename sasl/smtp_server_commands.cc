// The commands of an SMTP submission server (RFC 5321 4.1, 3207, 4954) and its part in a login.
#include <pocketgss/base64.h>

#include "base/any_of.h"
#include "lib/text.h"
#include "sasl/smtp_command.h"
#include "sasl/smtp_server_impl.h"
#include "sasl/text.h"

namespace pocketgss {
namespace {

constexpr size_t kMaxName = 255;  // RFC 5321 4.5.3.1.2

}  // namespace

constinit const SmtpServer::Impl::Handler SmtpServer::Impl::kHandlers[] = {
    {"EHLO", &Impl::on_ehlo}, {"HELO", &Impl::on_helo}, {"STARTTLS", &Impl::on_starttls},
    {"MAIL", &Impl::on_mail}, {"RCPT", &Impl::on_rcpt}, {"DATA", &Impl::on_data},
    {"RSET", &Impl::on_rset}, {"NOOP", &Impl::on_noop}, {"VRFY", &Impl::on_vrfy},
    {"HELP", &Impl::on_help}, {"QUIT", &Impl::on_quit},
};

void SmtpServer::Impl::on_line() {
  if (state_ == State::kAuth) return on_response(line_.line());
  std::string_view arguments = line_.text();
  const std::string_view verb = sasl::take_word(arguments);
  const bool auth = sasl::equal_ignoring_case(verb, "AUTH");
  if (login_missing() && ++early_commands_ > config_.unauthenticated_commands) {
    return close_with(421, "4.7.0", "Too many commands before the login",
                      {Errc::kPeerMisbehaved, "too many commands before the login", 0, 0});
  }
  if (auth) return on_auth(line_.line());
  const Handler* handler = nullptr;
  for (const Handler& each : kHandlers) {
    if (sasl::equal_ignoring_case(verb, each.verb)) handler = &each;
  }
  if (handler != nullptr) {
    show(SmtpParty::kClient, line_.text());
  } else {
    show_size("", line_.text().size(), "that are no command");
  }
  if (line_.text().size() + 2 > config_.command_line) return refuse(500, "5.5.2", "Line too long");
  if (has_control(line_.text())) return refuse(500, "5.5.2", "Control character in a command");
  if (handler == nullptr) return refuse(500, "5.5.1", "Command not recognized");
  (this->*handler->handle)(sasl::trim(arguments));
}

// show_size: what is no command, or no base64, may be the rest of a login that the client did not
// hear refused (AUTH LOGIN: the password), so its text is for no transcript.
void SmtpServer::Impl::show_size(std::string_view prefix, size_t octets, std::string_view what) {
  show(SmtpParty::kClient,
       sasl::concat({prefix, "(", sasl::decimal(octets), " octets ", what, ")"}));
}

// --- greeting ---

bool SmtpServer::Impl::take_name(std::string_view arguments) {
  if (arguments.empty() || arguments.size() > kMaxName) {
    refuse(501, "5.5.4", "Name of the client expected");
    return false;
  }
  ehlo_name_ = sanitise_text(arguments, kMaxName);
  reset_transaction();
  return true;
}

bool SmtpServer::Impl::auth_offered() const {
  const bool bindable = contexts_.policy().channel_binding != BindingRequirement::kRequire ||
                        !bindings_.empty() || contexts_.has_binding();
  return (over_tls_ || config_.auth_in_clear) && bindable;
}

// offered: under GSSAPI both SPNEGO and bare Kerberos are taken.
bool SmtpServer::Impl::offered(SaslMechanism mechanism) const {
  switch (mechanism) {
    case SaslMechanism::kGssSpnego:
      return contexts_.offers(MechanismKind::kSpnego);
    case SaslMechanism::kNtlm:
      return contexts_.offers(MechanismKind::kNtlm);
    case SaslMechanism::kGssapi:
    case SaslMechanism::kGssapiKrb5:
      break;
  }
  return contexts_.offers(MechanismKind::kSpnego) || contexts_.offers(MechanismKind::kKerberos);
}

// announced: both kinds of GSSAPI have one name, and under it both are served (SSEAN-S3).
std::vector<SaslMechanism> SmtpServer::Impl::announced() const {
  std::vector<SaslMechanism> out;
  for (SaslMechanism mechanism : config_.mechanisms) {
    if (mechanism == SaslMechanism::kGssapiKrb5) mechanism = SaslMechanism::kGssapi;
    const bool listed = contains(out, mechanism);
    if (!listed && offered(mechanism)) out.push_back(mechanism);
  }
  if (out.empty() && offered(SaslMechanism::kGssapi)) out.push_back(SaslMechanism::kGssapi);
  return out;
}

std::vector<std::string> SmtpServer::Impl::ehlo_lines() const {
  std::vector<std::string> lines = {config_.ehlo_text.empty() ? config_.hostname
                                                              : config_.ehlo_text};
  if (config_.starttls && !config_.implicit_tls && !over_tls_ && !stream_.protected_now())
    lines.emplace_back("STARTTLS");
  const std::vector<SaslMechanism> mechanisms = announced();
  if (auth_offered() && !mechanisms.empty()) {
    std::string names = "AUTH";
    for (const SaslMechanism mechanism : mechanisms) names.append(" ").append(sasl_name(mechanism));
    lines.push_back(std::move(names));
  }
  if (config_.pipelining) lines.emplace_back("PIPELINING");
  if (config_.message_size != 0)
    lines.push_back(sasl::concat({"SIZE ", sasl::decimal(config_.message_size)}));
  if (config_.eight_bit_mime) lines.emplace_back("8BITMIME");
  if (config_.enhanced_status_codes) lines.emplace_back("ENHANCEDSTATUSCODES");
  lines.insert(lines.end(), config_.ehlo_more.begin(), config_.ehlo_more.end());
  return lines;
}

void SmtpServer::Impl::reply_lines(int code, const std::vector<std::string>& lines) {
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string line = sasl::concat(
        {sasl::decimal(static_cast<unsigned>(code)), i + 1 < lines.size() ? "-" : " ", lines[i]});
    show(SmtpParty::kServer, line);
    append(output_, as_bytes(line));
    append(output_, as_bytes("\r\n"));
  }
}

void SmtpServer::Impl::on_ehlo(std::string_view arguments) {
  if (!take_name(arguments)) return;
  extended_ = true;
  reply_lines(250, ehlo_lines());
}

void SmtpServer::Impl::on_helo(std::string_view arguments) {
  if (!take_name(arguments)) return;
  extended_ = false;
  reply(250, "", config_.hostname);
}

void SmtpServer::Impl::on_starttls(std::string_view arguments) {
  if (!config_.starttls || config_.implicit_tls)
    return refuse(502, "5.5.1", "STARTTLS is not offered");
  if (!arguments.empty()) return refuse(501, "5.5.4", "STARTTLS has no parameters");
  if (over_tls_) return refuse(503, "5.5.1", "TLS is there already");
  if (login_ || !extended_)
    return refuse(503, "5.5.1", "STARTTLS comes after EHLO and before AUTH");
  reply(220, "2.0.0", "Ready to start TLS");
  state_ = State::kAwaitTls;
  events_.emplace_back(StartTls{});
}

// --- mail ---

bool SmtpServer::Impl::may_send_mail() {
  if (!login_missing()) return true;
  // RFC 4954 6, RFC 3207 4.
  refuse(530, "5.7.0",
         auth_offered() || over_tls_ ? "Authentication required"
                                     : "Must issue a STARTTLS command first");
  return false;
}

void SmtpServer::Impl::on_mail(std::string_view arguments) {
  if (!may_send_mail()) return;
  if (ehlo_name_.empty()) return refuse(503, "5.5.1", "EHLO first");
  if (in_mail_) return refuse(503, "5.5.1", "MAIL was given already");
  auto parsed = sasl::parse_mail(arguments);
  if (auto* refused = std::get_if<SmtpReply>(&parsed)) return refuse(*refused);
  auto& mail = std::get<Mail>(parsed);
  if (config_.message_size != 0 && mail.size.value_or(0) > config_.message_size) {
    return reply(552, "5.3.4", "Message too big");
  }
  ask(Asked::kMail, std::move(mail));
}

void SmtpServer::Impl::on_rcpt(std::string_view arguments) {
  if (!may_send_mail()) return;
  // Not counted as a bad command: a group goes on where its MAIL was refused (RFC 2920 3.1).
  if (!in_mail_) return reply(503, "5.5.1", "MAIL first");
  if (recipients_ >= config_.recipients) return reply(452, "4.5.3", "Too many recipients");
  auto parsed = sasl::parse_rcpt(arguments);
  if (auto* refused = std::get_if<SmtpReply>(&parsed)) return refuse(*refused);
  ask(Asked::kRcpt, std::move(std::get<Rcpt>(parsed)));
}

void SmtpServer::Impl::on_data(std::string_view arguments) {
  if (!may_send_mail()) return;
  if (!arguments.empty()) return refuse(501, "5.5.4", "DATA has no parameters");
  if (recipients_ == 0) return refuse(503, "5.5.1", "No valid recipients");
  ask(Asked::kData, Data{});
}

void SmtpServer::Impl::on_rset(std::string_view arguments) {
  if (!arguments.empty()) return refuse(501, "5.5.4", "RSET has no parameters");
  reset_transaction();
  reply(250, "2.0.0", "OK");
}

void SmtpServer::Impl::on_noop(std::string_view) {
  reply(250, "2.0.0", "OK");
}

// RFC 5321 3.5.3: 252 gives nobody's existence away.
void SmtpServer::Impl::on_vrfy(std::string_view arguments) {
  if (arguments.empty()) return refuse(501, "5.5.4", "Name expected");
  reply(252, "2.5.2", "Send some mail, I'll try my best");
}

void SmtpServer::Impl::on_help(std::string_view) {
  reply(214, "2.0.0", "See RFC 5321, 4954 and [MS-SSEAN]");
}

void SmtpServer::Impl::on_quit(std::string_view arguments) {
  if (!arguments.empty()) return refuse(501, "5.5.4", "QUIT has no parameters");
  reply(221, "2.0.0", "Bye");
  close({Errc::kUnreachable, "QUIT", 0, 0});
}

// --- login ---

void SmtpServer::Impl::on_auth(MutableBytes line) {
  std::string_view text = as_text(ByteView(line.data(), line.size()));
  sasl::take_word(text);
  const std::string name(sasl::take_word(text).substr(0, kMaxName));
  const std::string_view response = sasl::trim(text);
  const auto refused = auth_refusal(name);
  const bool malformed = response.find(' ') != response.npos;
  if (refused || malformed) {
    show(SmtpParty::kClient, sasl::concat({"AUTH ", name}));
    return refused ? refuse(*refused)
                   : refuse(501, "5.5.4", "AUTH mechanism [initial-response] expected");
  }
  const size_t start = line.size() - text.size();
  begin_auth(*sasl_mechanism(name), line.subspan(start, response.size()));
}

// auth_refusal: RFC 4954 4 and 6.
std::optional<SmtpReply> SmtpServer::Impl::auth_refusal(std::string_view name) const {
  if (!extended_) return SmtpReply{503, "5.5.1", "EHLO first"};
  if (login_) return SmtpReply{503, "5.5.1", "Already authenticated"};
  if (in_mail_) return SmtpReply{503, "5.5.1", "No AUTH during a mail transaction"};
  if (!auth_offered()) return SmtpReply{538, "5.7.11", "Encryption required for authentication"};
  if (name.empty()) return SmtpReply{501, "5.5.4", "AUTH mechanism [initial-response] expected"};
  const auto mechanism = sasl_mechanism(name);
  // [MS-SSEAN] 3.2.3: "it MUST place "GSSAPI" in its List of SASL Mechanisms", announced or not.
  const bool listed =
      mechanism && (*mechanism == SaslMechanism::kGssapi || contains(announced(), *mechanism));
  if (!listed || !offered(*mechanism))
    return SmtpReply{504, "5.5.4", "Unrecognized authentication mechanism"};
  return std::nullopt;
}

void SmtpServer::Impl::begin_auth(SaslMechanism mechanism, MutableBytes initial_response) {
  const std::string command = sasl::concat({"AUTH ", sasl_name(mechanism)});
  session_.emplace(mechanism, config_.limits);
  state_ = State::kAuth;
  SaslServerOptions options{config_.early_success, config_.layer_step, config_.layer,
                            config_.ask_authorisation};
  if (over_tls_ && (options.layer.layers & kNoLayer) != 0) options.layer.layers = kNoLayer;
  const auto refused = session_->start(contexts_, bindings_, options);
  if (refused) {
    show(SmtpParty::kClient, command);
    return refuse_login(refused->reply, refused->error);
  }
  if (!initial_response.empty()) {
    return take_response(initial_response, sasl::concat({command, " "}));
  }
  show(SmtpParty::kClient, command);
  // [MS-SMTPNTLM]: "334 NTLM supported"; RFC 4954 4: an empty challenge for the others.
  reply(334, "", mechanism == SaslMechanism::kNtlm ? "NTLM supported" : "");
}

void SmtpServer::Impl::on_response(MutableBytes line) {
  if (line.size() == 1 && line[0] == '*') {
    show(SmtpParty::kClient, "*");
    return refuse_login({501, "5.7.0", "Authentication cancelled"},
                        {Errc::kAuthFailed, "cancelled by the client", 0, 0});
  }
  take_response(line, "");
}

// take_response: "=" is an empty initial response, and nothing else (RFC 4954 4; quirks A10, A11).
void SmtpServer::Impl::take_response(MutableBytes text, std::string_view prefix) {
  const bool initial = !prefix.empty();
  const bool empty = initial && text.size() == 1 && text[0] == '=';
  const Result<ByteView> token = empty ? ByteView() : base64_decode_in_place(text);
  if (!token.has_value()) {
    show_size(prefix, text.size(), "that are no base64");
    return refuse_login({501, "5.5.2", "Cannot decode base64"}, token.error());
  }
  if (transcript_ != nullptr) {
    transcript_->token(SmtpParty::kClient, prefix, session_->mechanism(), token.value());
  }
  perform(session_->on_response(token.value()));
}

void SmtpServer::Impl::perform(sasl::LoginSession::Action action) {
  using sasl::LoginSession;
  if (auto* next = std::get_if<LoginSession::Challenge>(&action)) return challenge(next->token);
  if (auto* need = std::get_if<NeedAccount>(&action)) {
    state_ = State::kAwaitAccount;
    events_.emplace_back(Account{std::move(*need)});
    return;
  }
  if (auto* need = std::get_if<NeedAuthorisation>(&action)) {
    state_ = State::kAwaitAuthorisation;
    events_.emplace_back(Authorisation{std::move(*need)});
    return;
  }
  if (auto* refused = std::get_if<LoginSession::Refused>(&action))
    return refuse_login(refused->reply, refused->error);
  std::unique_ptr<SaslLayer> layer = session_->take_layer();
  session_.reset();
  state_ = State::kCommand;
  login_ = std::move(std::get<SaslReport>(action));
  events_.emplace_back(LoggedIn{*login_});
  reply(235, "2.7.0", "Authentication successful");
  // RFC 4954 4: the layer begins behind the CRLF of the 235.
  if (layer != nullptr) forget_client();
  stream_.start(std::move(layer), output_);
}

void SmtpServer::Impl::challenge(ByteView token) {
  state_ = State::kAuth;
  if (transcript_ != nullptr)
    transcript_->token(SmtpParty::kServer, "334 ", session_->mechanism(), token);
  append(output_, as_bytes("334 "));
  base64_append(output_, token);
  append(output_, as_bytes("\r\n"));
}

void SmtpServer::Impl::refuse_login(const SmtpReply& refusal, const Error& error) {
  tell_refusal(error);
  session_.reset();
  state_ = State::kCommand;
  // Where only we are to blame nobody has guessed a password.
  if (refusal.transient()) return refuse(refusal);
  reply(refusal);
  if (++auth_failures_ < config_.auth_failures) return;
  close_with(421, "4.7.0", "Too many failed logins",
             {Errc::kPeerMisbehaved, "too many failed logins", 0, 0});
}

void SmtpServer::Impl::tell_refusal(const Error& error) {
  events_.emplace_back(LoginRefused{session_->mechanism(), error, session_->claimed(),
                                    session_->context_complete()});
}

}  // namespace pocketgss
