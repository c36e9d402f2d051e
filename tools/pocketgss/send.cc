// The verb `send`: submits one message to a mail server.
#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>

#include <pocketgss/credential.h>
#include <pocketgss/sasl.h>
#include <pocketgss/smtp_client.h>

#include "tools/krb5/tickets.h"
#include "tools/mail/message_source.h"
#include "tools/mail/submission.h"
#include "tools/net/client_transport.h"
#include "tools/net/endpoint.h"
#include "tools/option_values.h"
#include "tools/pocketgss/password.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/transcript_printer.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"
#include "tools/tls/host_name.h"

namespace pocketgss::tools {
namespace {

using Tls = SmtpClientConfig::Tls;
using InitialResponse = SmtpClientConfig::InitialResponse;

struct Options {
  std::string server;
  Tls tls = Tls::kStartTls;
  std::string ca_file;
  std::optional<SaslMechanism> mechanism;
  std::vector<InnerMechanism> inner;
  std::string user;
  std::string password_file;
  std::string spn;
  std::string ccache;
  KerberosOptions kerberos;
  BindingRequirement channel_binding = BindingRequirement::kWhenSupported;
  InitialResponse initial_response = InitialResponse::kAuto;
  SecurityLayer layers = kNoLayer;
  PolicyLevel level = PolicyLevel::kDefault;
  Envelope envelope;
  std::string file = "-";
  std::string ehlo_name;
  std::optional<unsigned> timeout_seconds;
  bool verbose = false;
};

const std::map<std::string, Tls> kTlsNames = {
    {"starttls", Tls::kStartTls}, {"implicit", Tls::kImplicit}, {"none", Tls::kNone}};
const std::map<std::string, InnerMechanism> kInnerNames = {{"kerberos", InnerMechanism::kKerberos},
                                                           {"ntlm", InnerMechanism::kNtlm}};
const std::map<std::string, BindingRequirement> kBindingNames = {
    {"off", BindingRequirement::kOff},
    {"when-supported", BindingRequirement::kWhenSupported},
    {"require", BindingRequirement::kRequire}};
const std::map<std::string, InitialResponse> kInitialResponseNames = {
    {"auto", InitialResponse::kAuto},
    {"always", InitialResponse::kAlways},
    {"never", InitialResponse::kNever}};
// What is named is the least that is taken.
const std::map<std::string, SecurityLayer> kLayerNames = {
    {"none", kNoLayer},
    {"integrity", kIntegrityLayer | kConfidentialityLayer},
    {"confidentiality", kConfidentialityLayer}};
const std::map<std::string, PolicyLevel> kLevelNames = {{"default", PolicyLevel::kDefault},
                                                        {"strict", PolicyLevel::kStrict}};

uint16_t default_port(Tls tls) {
  switch (tls) {
    case Tls::kStartTls:
      return 587;  // RFC 6409
    case Tls::kImplicit:
      return 465;  // RFC 8314
    case Tls::kNone:
      break;
  }
  return 25;
}

// own_name is what EHLO says: the host's name where it is a full one, else an address literal that
// is always valid (RFC 5321 4.1.4 forbids a server to refuse over it).
std::string own_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0 ||
      std::string_view(name).find('.') == std::string_view::npos) {
    return "[127.0.0.1]";
  }
  return name;
}

Fallible<Endpoint> server_endpoint(const Options& options) {
  auto endpoint = parse_endpoint(options.server);
  if (!endpoint) {
    return Failure{ExitCode::kUsage, "--server takes HOST, HOST:PORT or [IPV6]:PORT, not " +
                                         tools::quoted(options.server)};
  }
  if (!endpoint->port) endpoint->port = default_port(options.tls);
  return *endpoint;
}

// The inner mechanisms: what --inner names; with --mech NTLM the user has named NTLM already.
std::vector<InnerMechanism> inner_mechanisms(const Options& options) {
  if (!options.inner.empty()) return options.inner;
  if (options.mechanism == SaslMechanism::kNtlm) return {InnerMechanism::kNtlm};
  return Policy{}.inner;
}

bool speaks(const std::vector<InnerMechanism>& inner, InnerMechanism mechanism) {
  return std::find(inner.begin(), inner.end(), mechanism) != inner.end();
}

// Login is what the user logs in with, got before the connection: Kerberos' ticket, NTLM's key.
struct Login {
  std::vector<InnerMechanism> inner;      // what is left of the user's choice
  std::shared_ptr<TicketSource> tickets;  // where Kerberos is in it
  std::optional<Credential> credential;   // where NTLM is
};

Fallible<Credential> credential(const Options& options, Runtime& runtime, SecretBytes password) {
  auto name = AccountName::parse(options.user);
  if (!name.has_value()) {
    return Failure{ExitCode::kUsage, "--user takes DOMAIN\\user, user@domain or user, not " +
                                         tools::quoted(options.user)};
  }
  auto made = Credential::from_password(runtime, std::move(name).value(), std::move(password));
  if (!made.has_value()) {
    return Failure{ExitCode::kDataError, "the password cannot be used: " + describe(made.error())};
  }
  return std::move(made).value();
}

// hash_credential is NTLM's, of the hash alone.
Fallible<Credential> hash_credential(const std::string& user, const SecretBytes& hash) {
  auto name = AccountName::parse(user);
  if (!name.has_value()) return Failure{ExitCode::kUsage, "--user: " + describe(name.error())};
  auto made =
      Credential::from_nt_hash(std::move(name).value(), FixedView<16>(hash.view().first(16)));
  if (!made.has_value()) return Failure{ExitCode::kSoftware, describe(made.error())};
  return std::move(made).value();
}

// target_name: an address has no service principal, so none is named unless the user does.
std::string target_name(const Options& options, const Endpoint& server) {
  if (!options.spn.empty()) return options.spn;
  return is_address(server.host) ? "" : "smtp/" + server.host;
}

// kerberos_user: Kerberos knows no NetBIOS domains: of DOMAIN\user it is the user.
std::string kerberos_user(const std::string& user) {
  return user.substr(user.find('\\') + 1);
}

// needs_password: there is nothing else to log in with.
bool needs_password(const Options& options, const std::vector<InnerMechanism>& inner) {
  if (!options.password_file.empty()) return true;
  const bool other = !options.kerberos.keytab.empty() || !options.ccache.empty() ||
                     !options.kerberos.nt_hash_file.empty();
  return !other || (speaks(inner, InnerMechanism::kNtlm) && options.kerberos.nt_hash_file.empty());
}

Fallible<Nothing> check_login_options(const Options& options,
                                      const std::vector<InnerMechanism>& inner) {
  if (speaks(inner, InnerMechanism::kNtlm) || !speaks(inner, InnerMechanism::kKerberos)) {
    if (options.user.empty())
      return Failure{ExitCode::kUsage, "NTLM needs --user: DOMAIN\\user, user@domain or user"};
  } else if (options.user.empty() && options.kerberos.keytab.empty() && options.ccache.empty()) {
    return Failure{ExitCode::kUsage, "--user is required, or --keytab or --ccache, which name one"};
  }
  if (options.mechanism == SaslMechanism::kGssapiKrb5 &&
      !speaks(inner, InnerMechanism::kKerberos)) {
    return Failure{ExitCode::kConfig,
                   "--mech GSSAPI-KRB5 is Kerberos alone, and --inner leaves it out"};
  }
  return Nothing{};
}

// Secrets are those that the user gave, each read once, for both mechanisms.
struct Secrets {
  SecretBytes password, nt_hash;
};

struct GotTicket {
  Ticket ticket;
  std::shared_ptr<TicketSource> tickets;
};

std::variant<GotTicket, TicketFailure> kerberos_ticket(const Options& options,
                                                       const std::string& target, Runtime& runtime,
                                                       const Secrets& secrets) {
  if (target.empty()) {
    return TicketFailure{
        {ExitCode::kConfig,
         "Kerberos needs the name of the server, and this is an address: name it in --server, "
         "or its service in --spn"},
        true};
  }
  const auto conf = read_krb5_conf(options.kerberos.krb5_conf);
  if (!conf.has_value()) return TicketFailure{conf.failure()};
  Whom whom{kerberos_user(options.user), {}, {}, options.ccache};
  // Beside a key table, the password and the hash are NTLM's.
  if (options.kerberos.keytab.empty()) {
    whom.password = secrets.password.clone();
    whom.nt_hash = secrets.nt_hash.clone();
  }
  auto made = read_tickets(options.kerberos, conf.value(), std::move(whom));
  if (auto* failed = std::get_if<TicketFailure>(&made)) return std::move(*failed);
  auto& tickets = std::get<std::shared_ptr<TicketSource>>(made);
  auto kdcs = KdcAccess::create(options.kerberos, conf.value(), *tickets);
  if (!kdcs.has_value()) return TicketFailure{kdcs.failure()};
  auto ticket = kdcs.value().fetch(runtime, tickets, target);
  if (auto* failed = std::get_if<TicketFailure>(&ticket)) return std::move(*failed);
  return GotTicket{std::get<Ticket>(std::move(ticket)), std::move(tickets)};
}

// get_ticket puts a ticket into `login`. What Kerberos cannot do leaves NTLM, where the user named
// it and nothing of the password was shown to anyone (policy row P8).
Fallible<Nothing> get_ticket(const Options& options, const std::string& target, Runtime& runtime,
                             OffsetClock& clock, const Secrets& secrets, Login& login,
                             const std::function<void(std::string_view)>& note) {
  auto result = kerberos_ticket(options, target, runtime, secrets);
  if (auto* got = std::get_if<GotTicket>(&result)) {
    note("Kerberos: " + ticket_text(got->ticket));
    clock.offset = got->ticket.clock_offset;
    login.tickets = std::move(got->tickets);
    return Nothing{};
  }
  TicketFailure& failed = std::get<TicketFailure>(result);
  std::erase(login.inner, InnerMechanism::kKerberos);
  const bool bare = options.mechanism == SaslMechanism::kGssapiKrb5;
  if (!failed.may_fall_back || login.inner.empty() || bare) {
    if (failed.may_fall_back && !bare && login.inner.empty())
      failed.failure.message += "; NTLM is used only where you name it: --inner kerberos,ntlm";
    return failed.failure;
  }
  std::cerr << "pocketgss send: " << failed.failure.message << "; NTLM is offered alone\n";
  return Nothing{};
}

Fallible<Login> prepare(const Options& options, const Endpoint& server, Runtime& runtime,
                        OffsetClock& clock, const std::function<void(std::string_view)>& note) {
  Login login;
  login.inner = inner_mechanisms(options);
  auto possible = check_login_options(options, login.inner);
  if (!possible.has_value()) return possible.failure();
  Secrets secrets;
  auto hash = read_nt_hash(options.kerberos.nt_hash_file);
  if (!hash.has_value()) return hash.failure();
  secrets.nt_hash = std::move(hash).value();
  if (needs_password(options, login.inner)) {
    auto read = read_password(options.password_file, "Password for " + options.user + ": ");
    if (!read.has_value()) return read.failure();
    secrets.password = std::move(read).value();
  }
  if (speaks(login.inner, InnerMechanism::kKerberos) && options.mechanism != SaslMechanism::kNtlm) {
    auto got =
        get_ticket(options, target_name(options, server), runtime, clock, secrets, login, note);
    if (!got.has_value()) return got.failure();
  }
  if (speaks(login.inner, InnerMechanism::kNtlm)) {
    auto made = secrets.password.empty()
                    ? hash_credential(options.user, secrets.nt_hash)
                    : credential(options, runtime, std::move(secrets.password));
    if (!made.has_value()) return made.failure();
    login.credential = std::move(made).value();
  }
  return login;
}

InitiatorConfig initiator_config(const Options& options, const Endpoint& server, Login login) {
  InitiatorConfig config;
  config.credential = std::move(login.credential);
  config.tickets = std::move(login.tickets);
  config.target = target_name(options, server);
  config.policy.level = options.level;
  config.policy.inner = std::move(login.inner);
  config.policy.channel_binding = options.channel_binding;
  config.policy.allow_rc4 = options.kerberos.allow_rc4;
  return config;
}

SmtpClientConfig client_config(const Options& options, SmtpTranscript* transcript) {
  SmtpClientConfig config;
  config.tls = options.tls;
  config.ehlo_name = options.ehlo_name.empty() ? own_name() : options.ehlo_name;
  config.mechanism = options.mechanism;
  config.initial_response = options.initial_response;
  config.layer.layers = options.layers;
  config.transcript = transcript;
  return config;
}

// login_advice: a ticket of a cache is not got anew by itself, and one that was made with a key that
// the server has no longer is refused until it ends.
std::string login_advice(const Options& options, const Login& login) {
  if (options.ccache.empty() || login.tickets == nullptr) return {};
  return "A ticket of the credential cache may be older than the server's key: get a new one with "
         "pocketgss kinit, or remove the cache with pocketgss kdestroy.";
}

Fallible<TrustStore> trust_store(const Options& options) {
  return options.ca_file.empty() ? TrustStore::system() : TrustStore::from_file(options.ca_file);
}

Fallible<Submitted> send(const Options& options) {
  auto server = server_endpoint(options);
  if (!server.has_value()) return server.failure();
  const std::string given_host = server.value().host;
  server.value().host = proper_name(given_host);
  OffsetClock corrected;
  auto runtime = Runtime::create();
  if (!runtime.has_value()) return Failure{ExitCode::kSoftware, describe(runtime.error())};
  auto message = MessageSource::open(options.file);
  if (!message.has_value()) return message.failure();
  TranscriptPrinter printer(std::cerr);
  // Before the connection: a server does not wait for a KDC, and certificates are checked with the
  // time that the KDC says (policy row P16).
  auto who =
      prepare(options, server.value(), runtime.value(), corrected, [&](std::string_view text) {
        if (options.verbose) printer.note(text);
      });
  if (!who.has_value()) return who.failure();

  SubmissionConfig submission;
  submission.login_advice = login_advice(options, who.value());
  InitiatorContexts contexts(runtime.value(),
                             initiator_config(options, server.value(), std::move(who).value()));
  submission.host = server.value().host;
  if (options.timeout_seconds)
    submission.timeout = submission.message_timeout =
        std::chrono::seconds(*options.timeout_seconds);
  submission.clock = &corrected;
  submission.trust = [&options] { return trust_store(options); };
  if (options.verbose) submission.note = [&printer](std::string_view text) { printer.note(text); };

  const auto connect_timeout =
      std::min<std::chrono::milliseconds>(submission.timeout, std::chrono::seconds(30));
  auto transport = ClientTransport::connect(given_host, *server.value().port, connect_timeout);
  if (!transport.has_value()) return transport.failure();
  SmtpClient client(contexts, client_config(options, options.verbose ? &printer : nullptr));
  return submit(client, transport.value(), options.envelope, message.value(), submission);
}

ExitCode run(const Options& options) {
  const auto outcome = send(options);
  if (!outcome.has_value()) return report("send", outcome.failure());
  return ExitCode::kOk;
}

void add_login_options(CLI::App& verb, Options& o) {
  verb.add_option_function<std::string>(
          "--mech",
          [&o](const std::string& name) {
            if (name != "auto") o.mechanism = sasl_mechanism_of_label(name);
          },
          "SASL mechanism; auto takes the best that the server lists, GSSAPI-KRB5 is the GSSAPI of "
          "RFC 4752, Kerberos without SPNEGO")
      ->type_name("auto|GSSAPI|GSS-SPNEGO|NTLM|GSSAPI-KRB5")
      ->check(
          CLI::IsMember({"auto", "GSSAPI", "GSS-SPNEGO", "NTLM", "GSSAPI-KRB5"}, CLI::ignore_case)
              .description(""));
  verb.add_option("--inner", o.inner,
                  "What SPNEGO may offer, preferred first: kerberos,ntlm (default: kerberos)")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->transform(one_of(kInnerNames));
  verb.add_option("--user", o.user,
                  "Account: user@domain, user or, for NTLM, DOMAIN\\user (default: whom the key "
                  "table or the credential cache names)")
      ->type_name("NAME");
  verb.add_option("--password-file", o.password_file,
                  "File with the password; one line end at its end is dropped (default: ask on the "
                  "terminal)")
      ->type_name("FILE");
  verb.add_option("--ccache", o.ccache, "Use the tickets in this credential cache")
      ->type_name("FILE");
  add_kerberos_options(verb, o.kerberos);
  verb.add_option("--spn", o.spn,
                  "Service principal name (default: smtp/HOST; none where HOST is an address)")
      ->type_name("SPN");
  verb.add_option("--channel-binding", o.channel_binding,
                  "Bind the login to the TLS channel (default: when-supported)")
      ->type_name("off|when-supported|require")
      ->transform(one_of(kBindingNames));
  verb.add_option(
          "--initial-response", o.initial_response,
          "Send the first token with AUTH (default: auto, where the line keeps within 512 octets)")
      ->type_name("auto|always|never")
      ->transform(one_of(kInitialResponseNames));
  verb.add_option("--layer", o.layers,
                  "SASL security layer to require, or a stronger one; GSSAPI and GSS-SPNEGO alone "
                  "have them (default: none)")
      ->type_name("none|integrity|confidentiality")
      ->transform(one_of(kLayerNames));
  verb.add_option("--policy", o.level,
                  "strict takes only servers that do what current Windows does (default: default)")
      ->type_name("default|strict")
      ->transform(one_of(kLevelNames));
}

}  // namespace

void add_send(CLI::App& app, Run& run_verb) {
  CLI::App* verb = app.add_subcommand("send", "Log in to a mail server and submit a message");
  auto options = std::make_shared<Options>();
  Options& o = *options;
  verb->add_option("--server", o.server,
                   "The server; ports: 587 (starttls), 465 (implicit), 25 (none)")
      ->type_name("HOST[:PORT]")
      ->required();
  verb->add_option("--tls", o.tls,
                   "starttls is required once chosen, never optional (default: starttls)")
      ->type_name("starttls|implicit|none")
      ->transform(one_of(kTlsNames));
  verb->add_option("--ca", o.ca_file, "Trust these certificates, in PEM (default: the system's)")
      ->type_name("FILE");
  add_login_options(*verb, o);
  verb->add_option("--from", o.envelope.from, "Sender address; empty for <>")
      ->type_name("ADDRESS")
      ->required();
  verb->add_option("--to", o.envelope.to, "Recipient address; may be given more than once")
      ->type_name("ADDRESS")
      ->required()
      ->allow_extra_args(false);
  verb->add_option("--ehlo", o.ehlo_name, "Name to give in EHLO (default: this host's name)")
      ->type_name("NAME");
  verb->add_option(
          "--timeout", o.timeout_seconds,
          "Seconds to wait for each answer, 1 to 3600 (default: 300, and 600 for the one to "
          "the whole message)")
      ->type_name("SECONDS")
      ->transform(decimal(1, 3600));
  verb->add_flag("-v,--verbose", o.verbose,
                 "Show the SMTP dialogue and the decoded tokens; never a secret");
  verb->add_option("FILE", o.file, "The message, RFC 5322; - for standard input")
      ->capture_default_str();
  verb->footer("If the server refuses one recipient, the message is sent to none.");
  verb->callback([&run_verb, options] { run_verb = [options] { return run(*options); }; });
}

}  // namespace pocketgss::tools
