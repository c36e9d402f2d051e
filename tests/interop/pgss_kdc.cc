// pgss_kdc: our client of a KDC, over lib/platform's transport: the driver of the interop cases `kdc`.
//
//   pgss_kdc --user NAME [OPTIONS]
//
//   --password TEXT, --keytab FILE    what the user has
//   --realm R                         of the user (default: what stands behind the "@")
//   --kdc HOST[:PORT]                 may be given more than once
//   --service NAME, --host NAME       the ticket to get; without a service the ticket-granting ticket
//   --etypes N,N                      offered, in this order (default: those of the policy)
//   --udp                             UDP first
//   --clock-ahead SECONDS             our clock is wrong by so much
//   --overall MILLISECONDS            the time for everything
//   --ccache FILE                     the credentials are written there
//
// It prints one line, "ok client=... server=... etype=... offset=SECONDS ms=MILLISECONDS", or
// "error CODE status=N ms=MILLISECONDS: SENTENCE", and exits with 0 or 1.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>

#include <pocketgss/kdc_transport.h>

#include "mechs/krb5/kdc_client.h"
#include "mechs/krb5/times.h"

namespace pocketgss {
namespace {

namespace krb5 = mechs::krb5;

[[noreturn]] void die(std::string_view reason) {
  std::cerr << "pgss_kdc: " << reason << '\n';
  std::exit(64);
}
template <typename T>
T value_or_die(Result<T> result) {
  if (!result.has_value()) die(describe(result.error()));
  return std::move(result).value();
}

class WrongClock final : public Clock {
 public:
  UnixMicros now() override { return system_clock().now() + ahead; }
  UnixMicros ahead = 0;
};

struct Settings {
  std::string user, realm, service, host, ccache;
  krb5::ClientSecret secret;
  std::string keytab;
  ConfiguredKdcs kdcs;
  KdcTransportConfig transport;
  krb5::KdcPolicy policy;
  WrongClock clock;
};

void read_etypes(const std::string& text, krb5::KdcPolicy& policy) {
  policy.etypes.clear();
  std::istringstream in(text);
  for (std::string number; std::getline(in, number, ',');) {
    const auto etype = krb5::known_etype(std::stoi(number));
    if (!etype) die("an etype that we do not know");
    policy.etypes.push_back(*etype);
  }
}

void read_option(std::string_view name, const std::string& value, Settings& out) {
  if (name == "--user")
    out.user = value;
  else if (name == "--password")
    out.secret.password = SecretBytes(std::string_view(value));
  else if (name == "--keytab")
    out.keytab = value;
  else if (name == "--realm")
    out.realm = value;
  else if (name == "--kdc")
    out.kdcs.add("", value_or_die(parse_kdc_address(value)));
  else if (name == "--service")
    out.service = value;
  else if (name == "--host")
    out.host = value;
  else if (name == "--etypes")
    read_etypes(value, out.policy);
  else if (name == "--clock-ahead")
    out.clock.ahead = std::stoll(value) * krb5::kSecond;
  else if (name == "--overall")
    out.transport.overall = std::chrono::milliseconds(std::stol(value));
  else if (name == "--ccache")
    out.ccache = value;
  else
    die("an option that it does not know");
}

void read_options(int argc, char** argv, Settings& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--udp") {
      out.transport.udp_first = true;
    } else if (i + 1 == argc) {
      die("options come as --name value");
    } else {
      read_option(name, argv[++i], out);
    }
  }
}

void read_keytab(Settings& settings, const krb5::Principal& client) {
  std::ifstream in(settings.keytab, std::ios::binary);
  const Bytes file((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const krb5::Keytab keytab = value_or_die(krb5::parse_keytab(file));
  settings.secret = value_or_die(krb5::ClientSecret::of_keytab(keytab, client.view()));
}

void write_ccache(const std::string& path, const krb5::ServiceCredential& credential) {
  krb5::TicketCache cache;
  cache.add(credential.client, credential.server, credential);
  const SecretBytes file = value_or_die(cache.write(credential.client.view()));
  std::ofstream stream(path, std::ios::binary);
  stream << as_text(file.view());
}

Result<krb5::ServiceCredential> login(Settings& settings) {
  Runtime runtime = value_or_die(Runtime::create(settings.clock));
  krb5::KdcClientConfig config;
  config.clients = value_or_die(krb5::client_names(settings.user, settings.realm));
  if (!settings.service.empty()) {
    PGSS_TRY(config.services, krb5::service_names(settings.service, settings.host, ""));
  }
  if (!settings.keytab.empty()) read_keytab(settings, config.clients.front());
  config.secret = &settings.secret;
  config.policy = settings.policy;
  KdcTransport transport(settings.kdcs, settings.transport);
  PGSS_TRY(const auto source, krb5::make_kdc_client(runtime, config));
  PGSS_TRY(auto answer, source->start());
  while (const auto* need = std::get_if<NeedExchange>(&answer)) {
    PGSS_TRY(ExchangeAnswer reply, transport.exchange(*need));
    PGSS_TRY(answer, source->resume(std::move(reply)));
  }
  return krb5::clone(*std::get<const krb5::ServiceCredential*>(answer));
}

int run(int argc, char** argv) {
  Settings settings;
  read_options(argc, argv, settings);
  const auto began = std::chrono::steady_clock::now();
  const auto result = login(settings);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  if (!result.has_value()) {
    const Error& error = result.error();
    std::cout << "error " << name(error.code) << " status=" << error.peer_status
              << " ms=" << took.count() << ": " << describe(error) << '\n';
    return 1;
  }
  const krb5::ServiceCredential& credential = result.value();
  if (!settings.ccache.empty()) write_ccache(settings.ccache, credential);
  std::cout << "ok client=" << krb5::principal_text(credential.client.view())
            << " server=" << krb5::principal_text(credential.server.view())
            << " etype=" << static_cast<int32_t>(credential.session_key.etype())
            << " offset=" << credential.clock_offset / krb5::kSecond << " ms=" << took.count()
            << '\n';
  return 0;
}

}  // namespace
}  // namespace pocketgss

int main(int argc, char** argv) {
  return pocketgss::run(argc, argv);
}
