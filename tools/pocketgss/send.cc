// The verb `send`: submits one message to a mail server.
#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <map>
#include <memory>

#include <pocketgss/credential.h>
#include <pocketgss/sasl.h>
#include <pocketgss/smtp_client.h>

#include "tools/mail/message_source.h"
#include "tools/mail/submission.h"
#include "tools/net/client_transport.h"
#include "tools/net/endpoint.h"
#include "tools/pocketgss/password.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/transcript_printer.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"

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
  BindingRequirement channel_binding = BindingRequirement::kWhenSupported;
  InitialResponse initial_response = InitialResponse::kAuto;
  SecurityLayer layers = kNoLayer;
  PolicyLevel level = PolicyLevel::kDefault;
  Envelope envelope;
  std::string file = "-";
  std::string ehlo_name;
  unsigned timeout_seconds = 300;
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

// check_inner: this build has no Kerberos, and NTLM is never used unasked (policy row P1).
Fallible<Nothing> check_inner(const std::vector<InnerMechanism>& inner) {
  for (const InnerMechanism mechanism : inner) {
    if (mechanism == InnerMechanism::kNtlm) return Nothing{};
  }
  return Failure{ExitCode::kConfig,
                 "this program does not speak Kerberos yet, and NTLM is used only where you name "
                 "it: add --inner ntlm "
                 "if the server's policy still takes NTLM"};
}

Fallible<Credential> credential(const Options& options, Runtime& runtime) {
  auto name = AccountName::parse(options.user);
  if (!name.has_value()) {
    return Failure{ExitCode::kUsage, "--user takes DOMAIN\\user, user@domain or user, not " +
                                         tools::quoted(options.user)};
  }
  auto password = read_password(options.password_file, "Password for " + options.user + ": ");
  if (!password.has_value()) return password.failure();
  auto made =
      Credential::from_password(runtime, std::move(name).value(), std::move(password).value());
  if (!made.has_value()) {
    return Failure{ExitCode::kDataError, "the password cannot be used: " + describe(made.error())};
  }
  return std::move(made).value();
}

// target_name: an address has no service principal, so none is named unless the user does.
std::string target_name(const Options& options, const Endpoint& server) {
  if (!options.spn.empty()) return options.spn;
  in6_addr parsed;
  const bool address = inet_pton(AF_INET, server.host.c_str(), &parsed) == 1 ||
                       inet_pton(AF_INET6, server.host.c_str(), &parsed) == 1;
  return address ? "" : "smtp/" + server.host;
}

InitiatorConfig initiator_config(const Options& options, const Endpoint& server,
                                 Credential credential) {
  InitiatorConfig config;
  config.credential = std::move(credential);
  config.target = target_name(options, server);
  config.policy.level = options.level;
  config.policy.inner = inner_mechanisms(options);
  config.policy.channel_binding = options.channel_binding;
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

Fallible<TrustStore> trust_store(const Options& options) {
  return options.ca_file.empty() ? TrustStore::system() : TrustStore::from_file(options.ca_file);
}

Fallible<Submitted> send(const Options& options) {
  auto server = server_endpoint(options);
  if (!server.has_value()) return server.failure();
  auto possible = check_inner(inner_mechanisms(options));
  if (!possible.has_value()) return possible.failure();
  auto runtime = Runtime::create();
  if (!runtime.has_value()) return Failure{ExitCode::kSoftware, describe(runtime.error())};
  auto who = credential(options, runtime.value());
  if (!who.has_value()) return who.failure();
  auto message = MessageSource::open(options.file);
  if (!message.has_value()) return message.failure();

  TranscriptPrinter printer(std::cerr);
  InitiatorContexts contexts(runtime.value(),
                             initiator_config(options, server.value(), std::move(who).value()));
  SubmissionConfig submission;
  submission.host = server.value().host;
  submission.timeout = std::chrono::seconds(options.timeout_seconds);
  submission.trust = [&options] { return trust_store(options); };
  if (options.verbose) submission.note = [&printer](std::string_view text) { printer.note(text); };

  const auto connect_timeout =
      std::min<std::chrono::milliseconds>(submission.timeout, std::chrono::seconds(30));
  auto transport =
      ClientTransport::connect(server.value().host, *server.value().port, connect_timeout);
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
            if (name != "auto") o.mechanism = sasl_mechanism(name);
          },
          "SASL mechanism; auto takes the best that the server lists")
      ->type_name("auto|GSSAPI|GSS-SPNEGO|NTLM")
      ->check(CLI::IsMember({"auto", "GSSAPI", "GSS-SPNEGO", "NTLM"}, CLI::ignore_case)
                  .description(""));
  verb.add_option("--inner", o.inner,
                  "What SPNEGO may offer, preferred first: kerberos,ntlm (default: kerberos)")
      ->type_name("LIST")
      ->delimiter(',')
      ->transform(CLI::CheckedTransformer(kInnerNames, CLI::ignore_case).description(""));
  verb.add_option("--user", o.user, "Account: DOMAIN\\user, user@domain or user")
      ->type_name("NAME")
      ->required();
  verb.add_option("--password-file", o.password_file,
                  "File with the password; one line end at its end is dropped (default: ask on the "
                  "terminal)")
      ->type_name("FILE");
  verb.add_option("--spn", o.spn,
                  "Service principal name (default: smtp/HOST; none where HOST is an address)")
      ->type_name("SPN");
  verb.add_option("--channel-binding", o.channel_binding,
                  "Bind the login to the TLS channel (default: when-supported)")
      ->type_name("off|when-supported|require")
      ->transform(CLI::CheckedTransformer(kBindingNames, CLI::ignore_case).description(""));
  verb.add_option(
          "--initial-response", o.initial_response,
          "Send the first token with AUTH (default: auto, where the line keeps within 512 octets)")
      ->type_name("auto|always|never")
      ->transform(CLI::CheckedTransformer(kInitialResponseNames, CLI::ignore_case).description(""));
  verb.add_option("--layer", o.layers,
                  "SASL security layer to require, or a stronger one; GSSAPI and GSS-SPNEGO alone "
                  "have them (default: none)")
      ->type_name("none|integrity|confidentiality")
      ->transform(CLI::CheckedTransformer(kLayerNames, CLI::ignore_case).description(""));
  verb.add_option("--policy", o.level,
                  "strict takes only servers that do what current Windows does (default: default)")
      ->type_name("default|strict")
      ->transform(CLI::CheckedTransformer(kLevelNames, CLI::ignore_case).description(""));
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
      ->transform(CLI::CheckedTransformer(kTlsNames, CLI::ignore_case).description(""));
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
  verb->add_option("--timeout", o.timeout_seconds,
                   "Seconds to wait for each answer, 1 to 3600 (default: 300)")
      ->type_name("SECONDS")
      ->check(CLI::Range(1u, 3600u).description(""));
  verb->add_flag("-v,--verbose", o.verbose,
                 "Show the SMTP dialogue and the decoded tokens; never a secret");
  verb->add_option("FILE", o.file, "The message, RFC 5322; - for standard input")
      ->capture_default_str();
  verb->footer("If the server refuses one recipient, the message is sent to none.");
  verb->callback([&run_verb, options] { run_verb = [options] { return run(*options); }; });
}

}  // namespace pocketgss::tools
