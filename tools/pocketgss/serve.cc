// The verb `serve`: a submission server with NTLM accounts or Kerberos keys that delivers into a
// Maildir.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>

#include "tools/net/server.h"
#include "tools/option_values.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

struct Options {
  std::vector<std::string> listen;
  std::string users, keytab, maildir, certificate, key, hostname;
  std::string mechanisms;
  std::vector<std::string> spns, realms;
  PolicyLevel level = PolicyLevel::kDefault;
  BindingRequirement channel_binding = BindingRequirement::kWhenSupported;
  LayerStep layer_step = LayerStep::kKerberos;
  std::vector<SecurityLayer> layers;
  bool early_success = false, allow_cleartext = false, implicit_tls = false, first_start = false,
       verbose = false;
};

Failure usage(std::string message) {
  return Failure{ExitCode::kUsage, std::move(message)};
}

// parse_mechanisms takes "GSSAPI,GSS-SPNEGO,NTLM" in the order in which EHLO shall list them.
Fallible<std::vector<SaslMechanism>> parse_mechanisms(const std::string& list) {
  std::vector<SaslMechanism> out;
  std::string_view rest = list;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const auto mechanism = sasl_mechanism(rest.substr(0, comma));
    if (!mechanism) {
      return usage("--mechs: " + tools::quoted(rest.substr(0, comma)) +
                   " is none of GSSAPI, GSS-SPNEGO and NTLM");
    }
    out.push_back(*mechanism);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return out;
}

// announced_mechanisms are those of --mechs, else all; of them the server announces what it offers.
Fallible<std::vector<SaslMechanism>> announced_mechanisms(const Options& options) {
  auto named = parse_mechanisms(options.mechanisms);
  if (!named.has_value()) return named.failure();
  std::vector<SaslMechanism> out = std::move(named).value();
  if (out.empty()) return SmtpServerConfig().mechanisms;
  const bool ntlm = std::find(out.begin(), out.end(), SaslMechanism::kNtlm) != out.end();
  if (ntlm && options.users.empty()) return usage("--mechs: NTLM needs --users");
  return out;
}

// check_accounts: somebody must be able to log in.
Fallible<Nothing> check_accounts(const Options& options) {
  if (options.users.empty() && options.keytab.empty())
    return usage("--users or --keytab is needed: nobody could log in");
  if (options.keytab.empty() && !options.realms.empty()) return usage("--realms needs --keytab");
  if (options.keytab.empty() && options.first_start) return usage("--first-start needs --keytab");
  for (const std::string& realm : options.realms) {
    if (realm.empty()) return usage("--realms: a realm is empty");
  }
  return Nothing{};
}

Fallible<std::vector<Endpoint>> parse_listen(const std::vector<std::string>& texts) {
  std::vector<Endpoint> out;
  for (const std::string& text : texts) {
    auto endpoint = parse_endpoint(text);
    if (!endpoint)
      return usage("--listen: " + tools::quoted(text) +
                   " is no ADDRESS:PORT; an IPv6 address stands in brackets");
    out.push_back(*std::move(endpoint));
  }
  return out;
}

std::string own_host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data()
                                                                             : "localhost";
}

bool is_host_name(const std::string& name) {
  const auto endpoint = parse_endpoint(name);
  return endpoint && !endpoint->port && endpoint->host == name &&
         name.find(':') == std::string::npos;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.rfind("127.", 0) == 0;
}

// target_names: the service principal names that a client may give (policy row P18). Whoever
// connects to this machine's own loopback address has named it so.
std::vector<std::string> target_names(const Options& options, const ServerConfig& config) {
  if (!options.spns.empty()) return options.spns;
  std::vector<std::string> hosts = {config.smtp.hostname};
  for (const Endpoint& address : config.listen) {
    if (!is_loopback(address.host)) continue;
    hosts.push_back("localhost");
    hosts.push_back(address.host);
  }
  std::vector<std::string> names;
  for (const std::string& host : hosts) {
    names.push_back("smtp/" + host);
    names.push_back("SMTPSVC/" + host);
  }
  return names;
}

SecurityLayer layer_set(const std::vector<SecurityLayer>& layers) {
  if (layers.empty()) return kNoLayer;
  SecurityLayer set = layers.front();
  for (const SecurityLayer layer : layers) set = set | layer;
  return set;
}

Fallible<ServerConfig> server_config(const Options& options) {
  auto listen = parse_listen(options.listen);
  if (!listen.has_value()) return listen.failure();
  auto mechanisms = announced_mechanisms(options);
  if (!mechanisms.has_value()) return mechanisms.failure();
  if (auto checked = check_accounts(options); !checked.has_value()) return checked.failure();
  if (options.implicit_tls && options.certificate.empty())
    return usage("--implicit-tls needs --tls-cert and --tls-key");
  const std::string hostname = options.hostname.empty() ? own_host_name() : options.hostname;
  if (!is_host_name(hostname))
    return usage("--hostname: " + tools::quoted(hostname) + " is no host name");

  ServerConfig config;
  config.listen = std::move(listen).value();
  config.users_file = options.users;
  config.keytab_file = options.keytab;
  config.maildir = options.maildir;
  config.certificate_file = options.certificate;
  config.key_file = options.key;
  config.allow_cleartext = options.allow_cleartext;
  config.verbose = options.verbose;
  config.first_start = options.first_start;
  config.smtp.hostname = hostname;
  config.smtp.implicit_tls = options.implicit_tls;
  config.smtp.early_success = options.early_success;
  config.smtp.layer_step = options.layer_step;
  config.smtp.layer.layers = layer_set(options.layers);
  config.smtp.mechanisms = std::move(mechanisms).value();
  config.acceptor.host = hostname;
  config.acceptor.targets = target_names(options, config);
  config.targets_of_keytab = options.spns.empty();
  config.acceptor.client_realms = options.realms;
  config.acceptor.policy.level = options.level;
  config.acceptor.policy.channel_binding = options.channel_binding;
  return config;
}

ExitCode run_serve(const Options& options) {
  auto config = server_config(options);
  if (!config.has_value()) return report("serve", config.failure());
  const auto server = Server::open(std::move(config).value());
  if (!server.has_value()) return report("serve", server.failure());
  for (const Endpoint& address : server.value()->addresses()) {
    // In one write: who waits for the line finds the whole of it.
    std::cerr << "pocketgss serve: listening on " + to_text(address) + "\n";
  }
  return server.value()->run();
}

void add_connection_options(CLI::App& verb, Options& options) {
  verb.add_option("--listen", options.listen,
                  "Address and port, such as 127.0.0.1:587 or [::1]:587; port 0: any free one; may "
                  "be repeated")
      ->type_name("ADDRESS:PORT")
      ->required()
      ->allow_extra_args(false);
  CLI::Option* certificate =
      verb.add_option("--tls-cert", options.certificate,
                      "The server's certificate and its issuers', PEM; turns STARTTLS on")
          ->type_name("FILE");
  CLI::Option* key =
      verb.add_option("--tls-key", options.key, "The certificate's private key, PEM (PKCS #8)")
          ->type_name("FILE");
  certificate->needs(key);
  key->needs(certificate);
  verb.add_flag("--implicit-tls", options.implicit_tls,
                "TLS from the first byte, as on port 465, and no STARTTLS");
  verb.add_flag("--allow-cleartext", options.allow_cleartext,
                "Let clients log in without TLS from other hosts too");
  verb.add_option(
          "--hostname", options.hostname,
          "This server's name, in greetings and in NTLM's challenge (default: the system's)")
      ->type_name("NAME");
}

void add_login_options(CLI::App& verb, Options& options) {
  verb.add_option(
          "--mechs", options.mechanisms,
          "SASL mechanisms to announce, in order: GSSAPI, GSS-SPNEGO, NTLM (default: all, NTLM "
          "only with --users; GSSAPI is taken where a client asks for it, announced or not)")
      ->type_name("LIST");
  verb.add_option("--spn", options.spns,
                  "A service principal name that clients may give; may be repeated (default: "
                  "smtp/NAME and SMTPSVC/NAME of --hostname, on a loopback address of localhost "
                  "and of the address too, and "
                  "every smtp/... and SMTPSVC/... of the key table)")
      ->type_name("SPN")
      ->allow_extra_args(false);
  verb.add_option("--policy", options.level,
                  "default: every safe client; strict: only what current Windows sends")
      ->transform(one_of(std::map<std::string, PolicyLevel>{{"default", PolicyLevel::kDefault},
                                                            {"strict", PolicyLevel::kStrict}}))
      ->type_name("default|strict");
  verb.add_option("--channel-binding", options.channel_binding,
                  "What is asked of channel bindings: off, when-supported (default), require")
      ->transform(one_of(std::map<std::string, BindingRequirement>{
          {"off", BindingRequirement::kOff},
          {"when-supported", BindingRequirement::kWhenSupported},
          {"require", BindingRequirement::kRequire}}))
      ->type_name("off|when-supported|require");
  verb.add_flag("--early-success", options.early_success,
                "Answer 235 in place of the last SPNEGO token, unless it has an AP-REP in it, as "
                "the example of "
                "[MS-SSEAN] 4.1 does");
  verb.add_option(
          "--layer-step", options.layer_step,
          "When to run the security-layer step of RFC 4752: never, kerberos (default: after "
          "bare Kerberos), always")
      ->transform(one_of(std::map<std::string, LayerStep>{{"never", LayerStep::kNever},
                                                          {"kerberos", LayerStep::kKerberos},
                                                          {"always", LayerStep::kAlways}}))
      ->type_name("never|kerberos|always");
  verb.add_option("--layers", options.layers,
                  "SASL security layers to offer: none, integrity, confidentiality; without none "
                  "one is required (default: none)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->transform(
          one_of(std::map<std::string, SecurityLayer>{{"none", kNoLayer},
                                                      {"integrity", kIntegrityLayer},
                                                      {"confidentiality", kConfidentialityLayer}}))
      ->type_name("LIST");
}

}  // namespace

void add_serve(CLI::App& app, Run& run) {
  CLI::App* verb =
      app.add_subcommand("serve", "Run a submission server that delivers into a Maildir");
  const auto options = std::make_shared<Options>();
  add_connection_options(*verb, *options);
  verb->add_option("--users", options->users,
                   "The user file (see `pocketgss passwd`); with it NTLM is accepted")
      ->type_name("FILE");
  verb->add_option("--keytab", options->keytab,
                   "The key table (see `pocketgss keytab`); with it Kerberos is accepted; one of "
                   "--users and --keytab is needed")
      ->type_name("FILE");
  verb->add_option("--realms", options->realms,
                   "Realms whose users may log in by Kerberos (default: those of the key table)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("LIST");
  verb->add_flag("--first-start", options->first_start,
                 "No server has taken logins with these keys before: Kerberos clients without "
                 "mutual authentication need not wait. Counts only where the Maildir is made");
  verb->add_option("--maildir", options->maildir,
                   "The Maildir that takes all messages; it is made if it is not there")
      ->type_name("DIR")
      ->required();
  add_login_options(*verb, *options);
  verb->add_flag("-v,--verbose", options->verbose,
                 "Log the SMTP dialogue too (of tokens, and of what is no command, only the size)");
  verb->footer(
      "Standard error gets a line `pocketgss serve: listening on ADDRESS:PORT` for each address, "
      "then the log: one line for each\n"
      "login, with the reason where it was refused. SIGTERM and SIGINT end the server once the "
      "messages under way are stored, after\n"
      "60 seconds whatever is under way (the client gets 421); a second one ends it at once. "
      "SIGHUP "
      "reads the user file, the key table, the certificate and "
      "the key again.");
  verb->callback([options, &run] { run = [options] { return run_serve(*options); }; });
}

}  // namespace pocketgss::tools
