// From options to tickets.
#include "tools/krb5/tickets.h"

#include <CLI/CLI.hpp>

#include <optional>

#include <pocketgss/get_ticket.h>
#include <pocketgss/kdc_transport.h>

#include "asn1/time.h"
#include "mechs/krb5/ccache.h"
#include "mechs/krb5/kdc_policy.h"
#include "tools/decode/hex.h"
#include "tools/files.h"
#include "tools/krb5/files.h"
#include "tools/krb5/kdcs.h"
#include "tools/krb5/names.h"
#include "tools/option_values.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

// settings_failure is about what make_tickets was given; `owner` is the cache's.
Failure settings_failure(const Error& error, const KerberosOptions& options,
                         const std::string& ccache, const std::string& owner) {
  switch (error.code) {
    case Errc::kNeedsCredential:
      if (std::string_view(error.where).find("another user's") != std::string_view::npos) {
        return Failure{ExitCode::kUsage, std::string("Kerberos: ") + error.where + ", " +
                                             tools::quoted(owner) +
                                             "; name that one or nobody, or get tickets with "
                                             "pocketgss kinit"};
      }
      return Failure{
          ExitCode::kUsage,
          std::string("Kerberos: ") + error.where +
              "; name the user as NAME@REALM, or give --realm, --password-file or --keytab"};
    case Errc::kPolicy:
      return Failure{ExitCode::kConfig, "Kerberos: refused by policy " + std::string(error.where) +
                                            "; --allow-rc4 allows it"};
    case Errc::kMalformed: {
      const bool of_keytab = std::string_view(error.where).substr(0, 6) == "keytab";
      const std::string& path = of_keytab ? options.keytab : ccache;
      if (!of_keytab && std::string_view(error.where).substr(0, 6) != "ccache") break;
      return Failure{ExitCode::kDataError, tools::quoted(path) + " is not a valid " +
                                               (of_keytab ? "key table: " : "credential cache: ") +
                                               describe(error)};
    }
    case Errc::kApiMisuse:
      return Failure{ExitCode::kUsage, "Kerberos: " + std::string(error.where)};
    default:
      break;
  }
  return Failure{ExitCode::kUsage, "Kerberos: " + describe(error)};
}

Fallible<SecretBytes> read_named(const Fallible<std::string>& path) {
  if (!path.has_value()) return path.failure();
  return read_file(path.value(), kMaxKrb5File);
}

// owner_of is whom a cache names; empty where it is none.
std::string owner_of(ByteView octets) {
  const auto ccache = mechs::krb5::parse_ccache(octets);
  return ccache.has_value() ? mechs::krb5::principal_text(ccache.value().default_principal())
                            : std::string();
}

// with_realm: of a service without a realm the krb5.conf's [domain_realm] may have that of the host,
// which MIT krb5 consults too before it lets the KDCs lead. A context that wants the service without a
// realm finds the ticket.
std::string with_realm(std::string_view service, const std::optional<Krb5Conf>& conf) {
  std::string out(service);
  const size_t slash = service.find('/');
  if (!conf || slash == std::string_view::npos ||
      service.find_first_of("@\\") != std::string_view::npos) {
    return out;
  }
  const auto realm = conf->realm_of_host(service.substr(slash + 1));
  if (!realm) return out;
  out += '@';
  for (const char c : *realm) {
    if (c == '/' || c == '@' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string no_kdc(const std::string& realm, const std::string& of_user, const char* why) {
  std::string text = "Kerberos: no KDC of the realm " + tools::quoted(realm);
  if (realm == of_user) {
    return text + " can be found: " + why + "; check the realm, or name one with --kdc";
  }
  return text + ", to which that of the user leads, can be found: " + why +
         "; name one in a file for --krb5-conf";
}

// What to do about the code of a KRB-ERROR; docs/kerberos.md has the same.
const char* advice(const Error& error) {
  switch (error.peer_status) {
    case 6:
      return "check the user's name and the realm";
    case 7:
      return "check the server's name; its administrator may have to register it (setspn, "
             "addprinc)";
    case 14:
      return "the account or the service has no AES keys: its password must be changed, or "
             "--allow-rc4";
    case 1:
    case 18:
    case 21:
      return "ask the administrator";
    case 23:
      return "change the password elsewhere; this program does not";
    case 24:
      return "check the password, or the key table; each attempt may count against the account";
    case 25:
      if (std::string_view(error.where).find("FAST") != std::string_view::npos)
        return "the realm's administrator must let the account log in by encrypted timestamp";
      return "the account may have no AES keys: its password must be changed, or --allow-rc4";
    case 29:
      return "try again later";
    case 37:
      return "set the clock";
    case 68:
      return "give the realm of the account by --realm; a name with another suffix (a UPN) is "
             "given "
             "as it is beside it";
    default:
      return error.peer_status != 0 ? "the KDC's log says more" : "";
  }
}

}  // namespace

ExitCode kerberos_exit_code(Errc code) {
  switch (code) {
    case Errc::kUnreachable:
      return ExitCode::kTempFail;
    case Errc::kAuthFailed:
    case Errc::kExpired:
      return ExitCode::kNoPermission;
    case Errc::kPeerIncompatible:
      return ExitCode::kUnavailable;
    case Errc::kPolicy:
      return ExitCode::kConfig;
    case Errc::kNeedsCredential:
    case Errc::kApiMisuse:
      return ExitCode::kUsage;
    case Errc::kMalformed:
    case Errc::kPeerMisbehaved:
      return ExitCode::kProtocol;
    case Errc::kNoMemory:
    case Errc::kInternal:
      break;
  }
  return ExitCode::kSoftware;
}

Fallible<SecretBytes> read_nt_hash(const std::string& path) {
  if (path.empty()) return SecretBytes();
  auto text = read_file(path, 64);
  if (!text.has_value()) return text.failure();
  std::string_view digits = as_text(text.value().view());
  while (!digits.empty() && (digits.back() == '\n' || digits.back() == '\r'))
    digits.remove_suffix(1);
  std::optional<Bytes> octets = from_hex(digits);
  if (!octets || octets->size() != 16) {
    return Failure{ExitCode::kDataError,
                   tools::quoted(path) + " does not hold an NT hash: 32 hexadecimal digits"};
  }
  SecretBytes hash{ByteView(*octets)};
  secure_wipe(*octets);
  return hash;
}

Fallible<std::optional<Krb5Conf>> read_krb5_conf(const std::string& path) {
  if (path.empty()) return std::optional<Krb5Conf>();
  const auto octets = read_file(path, kMaxKrb5Conf);
  if (!octets.has_value()) return octets.failure();
  const std::string_view text = as_text(octets.value().view());
  auto conf = Krb5Conf::parse(text);
  if (!conf.has_value()) {
    return Failure{ExitCode::kDataError, tools::quoted(path) + ", line " +
                                             std::to_string(line_of(text, conf.error().offset)) +
                                             ": " + conf.error().where};
  }
  return std::optional<Krb5Conf>(std::move(conf).value());
}

void add_kerberos_options(CLI::App& verb, KerberosOptions& o) {
  verb.add_option("--realm", o.realm,
                  "Kerberos realm of the user (default: what stands behind the @, in upper case)")
      ->type_name("REALM");
  verb.add_option("--kdc", o.kdcs,
                  "Key distribution center of the realm; may be given more than once (default: " +
                      std::string(kWhereKdcsAre) + ")")
      ->type_name("HOST[:PORT]")
      ->allow_extra_args(false);
  verb.add_option(
          "--krb5-conf", o.krb5_conf,
          "Read realms, their KDCs and the realms of hosts from this krb5.conf (default: none is "
          "read)")
      ->type_name("FILE");
  verb.add_option("--keytab", o.keytab, "Log in with the user's keys in this key table")
      ->type_name("FILE");
  verb.add_option("--nt-hash-file", o.nt_hash_file,
                  "Log in with the NT hash in this file, 32 hexadecimal digits")
      ->type_name("FILE");
  verb.add_flag("--udp-first", o.udp_first, "Ask KDCs by UDP first, and by TCP where that fails");
  verb.add_flag("--allow-rc4", o.allow_rc4,
                "Take Kerberos' rc4-hmac (etype 23) too, which is no longer safe");
  verb.add_option_function<unsigned>(
          "--kdc-deadline", [&o](unsigned seconds) { o.deadline = std::chrono::seconds(seconds); },
          "Seconds for all KDCs and all tickets together, 1 to 300 (default: 15)")
      ->type_name("SECONDS")
      ->transform(decimal(1, 300));
}

std::variant<std::shared_ptr<TicketSource>, TicketFailure> read_tickets(
    const KerberosOptions& options, const std::optional<Krb5Conf>& conf, Whom whom) {
  TicketSettings settings;
  settings.user = std::move(whom.user);
  settings.realm = options.realm;
  settings.password = std::move(whom.password);
  settings.nt_hash = std::move(whom.nt_hash);
  settings.allow_rc4 = options.allow_rc4;
  std::string owner;
  if (!options.keytab.empty()) {
    auto octets = read_named(keytab_path(options.keytab));
    if (!octets.has_value()) return TicketFailure{octets.failure()};
    settings.keytab = std::move(octets).value();
  }
  if (!whom.ccache.empty()) {
    auto octets = read_named(ccache_path(whom.ccache));
    if (!octets.has_value()) return TicketFailure{octets.failure()};
    settings.ccache = std::move(octets).value();
    owner = owner_of(settings.ccache.view());
  }
  if (settings.realm.empty() && settings.user.find('@') == std::string::npos &&
      !settings.user.empty() && settings.keytab.empty() && settings.ccache.empty() && conf) {
    settings.realm = conf->default_realm;
  }
  auto made = make_tickets(std::move(settings));
  if (made.has_value()) return std::move(made).value();
  return TicketFailure{settings_failure(made.error(), options, whom.ccache, owner),
                       made.error().code == Errc::kNeedsCredential};
}

struct KdcAccess::Impl {
  Impl(Kdcs&& found, const KdcTransportConfig& config)
      : kdcs(std::move(found)), transport(kdcs.resolver(), config) {}

  Kdcs kdcs;
  KdcTransport transport;
  std::optional<Krb5Conf> conf;
  std::string realm;  // the user's
};

KdcAccess::KdcAccess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KdcAccess::KdcAccess(KdcAccess&&) noexcept = default;
KdcAccess::~KdcAccess() = default;

Fallible<KdcAccess> KdcAccess::create(const KerberosOptions& options,
                                      const std::optional<Krb5Conf>& conf,
                                      const TicketSource& tickets) {
  const std::string realm = user_realm(tickets);
  auto kdcs = Kdcs::create(options, realm, conf);
  if (!kdcs.has_value()) return kdcs.failure();
  KdcTransportConfig config;
  config.udp_first = options.udp_first;
  config.overall = options.deadline;
  auto impl = std::make_unique<Impl>(std::move(kdcs).value(), config);
  impl->conf = conf;
  impl->realm = realm;
  return KdcAccess(std::move(impl));
}

std::variant<Ticket, TicketFailure> KdcAccess::fetch(Runtime& runtime,
                                                     const std::shared_ptr<TicketSource>& tickets,
                                                     std::string_view service) {
  const std::string in_realm = with_realm(service, impl_->conf);
  service = in_realm;
  auto request = request_ticket(runtime, tickets, service);
  if (!request.has_value()) {
    return TicketFailure{kerberos_failure(request.error(), service),
                         may_fall_back(request.error(), false)};
  }
  auto ticket = get_ticket(*request.value(), impl_->transport);
  if (ticket.has_value()) return std::move(ticket).value();
  TicketFailure failed{kerberos_failure(ticket.error(), service),
                       may_fall_back(ticket.error(), request.value()->proof_sent())};
  if (const auto& why = impl_->transport.resolver_error(); why && ticket.error().peer_status == 0) {
    failed.failure.message = no_kdc(impl_->kdcs.asked_realm(), impl_->realm, why->where);
  }
  return failed;
}

Failure kerberos_failure(const Error& error, std::string_view service) {
  std::string text = "Kerberos: ";
  if (error.code == Errc::kUnreachable && error.peer_status == 0) {
    text +=
        "no KDC of the realm answers: check the realm, --kdc and the network (port 88), or "
        "give it longer by --kdc-deadline";
    return Failure{kerberos_exit_code(error.code), text};
  }
  if (error.code == Errc::kPolicy) {
    text += "refused by policy " + std::string(error.where);
  } else if (error.code == Errc::kApiMisuse && !service.empty()) {
    text += tools::quoted(service) + ": " + error.where;  // the user's call
  } else if (error.peer_status != 0 || error.code == Errc::kNeedsCredential) {
    text += error.where;
  } else {
    text += describe(error);
  }
  if (error.peer_status != 0) text += " (KDC error " + std::to_string(error.peer_status) + ")";
  if (error.peer_status == 7 && !service.empty()) text += ", which is " + tools::quoted(service);
  if (const std::string_view then = advice(error); !then.empty()) text.append("; ").append(then);
  return Failure{kerberos_exit_code(error.code), text};
}

std::string ticket_text(const Ticket& ticket) {
  std::string text = "ticket of " + printable(ticket.client) + " for " + printable(ticket.service) +
                     ", " + etype_name(ticket.etype) + ", until " +
                     asn1::iso_text({ticket.end / 1'000'000});
  if (ticket.clock_offset != 0) {
    text += "; the clock is corrected by " + std::to_string(ticket.clock_offset / 1'000'000) +
            " seconds";
  }
  return text;
}

}  // namespace pocketgss::tools
