// pgss_peer: one side of a security context of ours, driven line by line: the other end of the
// interop cases.
//
//   pgss_peer initiate|accept ntlm|krb5|spnego [OPTIONS]
//   pgss_peer sasl-client|sasl-server MECHANISM [OPTIONS]
//
//   --user NAME          initiator: DOMAIN\user, user@domain or user
//                        acceptor: the one account that it knows
//   --password TEXT      of that user
//   --ccache FILE        initiator: Kerberos, with a ticket for the target that is in this file
//   --keytab FILE        acceptor: Kerberos, with the keys in this file; where either is there,
//                        NTLM is not spoken
//   --allow-rc4 yes      etype 23 too
//   --first-start no     acceptor: authenticators may have come before it (default yes)
//   --target SPN         initiator: the service's name, smtp/mail.example.test
//   --host NAME          acceptor: its own DNS name (default mail.example.test)
//   --flags N            initiator: ContextFlags as a number (default 0x2e)
//   --policy LEVEL       default or strict
//   --binding HEX        channel bindings: the application data, type and colon included
//   --channel-binding W  off, when-supported (default) or require
//   --layers N           SASL: LayerOptions::layers as a number (default 1)
//   --max-buffer N       SASL: LayerOptions::max_receive
//   --layer-step W       SASL server: never, kerberos (default) or always
//
// Lines read, and the line that answers each (B64: base64, `-` for nothing):
//
//   token B64     ->  continue B64      send it, and come back with the answer
//                     established B64   send it, if there is one
//   done          ->  established -     the protocol above reported success early; SASL client:
//                                       that it reported success
//   wrap B64      ->  ok B64            as do sign (a wrap that does not seal), unwrap, mic, and key
//                                       (without an argument)
//   verify MESSAGE-B64 MIC-B64   ->  ok -
//   prf N B64     ->  ok B64            64 pseudo-random octets; N 0: of the full key, 1: of the partial
//   info          ->  ok mechanism=NTLM flags=0x2e ...
//   quit
//   SASL: token, done, info, and wrap and unwrap by the layer.
//   what fails    ->  error SENTENCE
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <pocketgss/base64.h>
#include <pocketgss/sasl.h>
#include <pocketgss/tickets.h>

namespace pocketgss {
namespace {

using Options = std::map<std::string, std::string, std::less<>>;

constexpr int kUsage = 64;

[[noreturn]] void die(std::string_view reason) {
  std::cerr << "pgss_peer: " << reason << '\n';
  std::exit(kUsage);
}

template <typename T>
T value_or_die(Result<T> result, std::string_view what) {
  if (!result.has_value()) die(std::string(what) + ": " + describe(result.error()));
  return std::move(result).value();
}

std::string option(const Options& options, std::string_view name, std::string_view otherwise = "") {
  const auto found = options.find(name);
  return found == options.end() ? std::string(otherwise) : found->second;
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 3; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name.substr(0, 2) != "--" || i + 1 == argc) die("options come as --name value");
    options.emplace(name.substr(2), argv[i + 1]);
  }
  return options;
}

Bytes from_hex(std::string_view text) {
  Bytes out;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

SecretBytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) die("cannot open " + path);
  const std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return SecretBytes(std::string_view(content));
}

bool speaks_kerberos(const Options& options) {
  return options.contains("ccache") || options.contains("keytab");
}

Policy policy_from(const Options& options) {
  const std::string binding = option(options, "channel-binding", "when-supported");
  Policy policy;
  policy.level = option(options, "policy", "default") == "strict" ? PolicyLevel::kStrict
                                                                  : PolicyLevel::kDefault;
  policy.inner = {speaks_kerberos(options) ? InnerMechanism::kKerberos : InnerMechanism::kNtlm};
  policy.allow_rc4 = option(options, "allow-rc4") == "yes";
  policy.channel_binding = binding == "off"       ? BindingRequirement::kOff
                           : binding == "require" ? BindingRequirement::kRequire
                                                  : BindingRequirement::kWhenSupported;
  return policy;
}

std::optional<ChannelBinding> binding_from(const Options& options) {
  const std::string hex = option(options, "binding");
  if (hex.empty()) return std::nullopt;
  return ChannelBinding{from_hex(hex)};
}

AccountName name_from(const Options& options) {
  return value_or_die(AccountName::parse(option(options, "user")), "--user");
}

InitiatorConfig initiator_config(Runtime& runtime, const Options& options) {
  InitiatorConfig config;
  if (speaks_kerberos(options)) {
    TicketSettings settings;
    settings.ccache = read_file(option(options, "ccache"));
    settings.allow_rc4 = option(options, "allow-rc4") == "yes";
    config.tickets = value_or_die(make_tickets(std::move(settings)), "--ccache");
  } else {
    config.credential = value_or_die(
        Credential::from_password(runtime, name_from(options),
                                  SecretBytes(std::string_view(option(options, "password")))),
        "--password");
  }
  config.target = option(options, "target");
  config.channel_binding = binding_from(options);
  config.flags =
      static_cast<ContextFlags>(std::stoul(option(options, "flags", "0x2e"), nullptr, 0));
  config.policy = policy_from(options);
  return config;
}

AcceptorConfig acceptor_config(Runtime& runtime, const Options& options) {
  AcceptorConfig config;
  config.ntlm = !speaks_kerberos(options);
  if (speaks_kerberos(options)) {
    config.keys = value_or_die(read_service_keys(read_file(option(options, "keytab"))), "--keytab");
    const bool first = option(options, "first-start", "yes") == "yes";
    config.replay_cache =
        value_or_die(make_replay_cache(runtime.clock(), kDefaultReplayCapacity,
                                       first ? EarlierLogins::kNone : EarlierLogins::kPossible),
                     "make_replay_cache");
  }
  config.host = option(options, "host", "mail.example.test");
  if (const auto binding = binding_from(options)) config.channel_bindings.push_back(*binding);
  config.policy = policy_from(options);
  return config;
}

Result<Bytes> decode(std::string_view text) {
  if (text == "-") return Bytes{};
  return base64_decode(text);
}
std::string encode(ByteView bytes) {
  return bytes.empty() ? "-" : base64_encode(bytes);
}

// account is the one that --user and --password name; compared without its domain and, as names
// here are ASCII, by bytes.
AccountAnswer account(Runtime& runtime, const Options& options, const NeedAccount& needed) {
  const AccountName known = name_from(options);
  if (needed.user != known.user) return {std::nullopt};
  return {Account{known.user,
                  value_or_die(nt_hash_of_password(runtime, as_bytes(option(options, "password"))),
                               "--password")}};
}

// Peer answers the lines.
class Peer {
 public:
  Peer(bool initiator, MechanismKind kind, Options options)
      : options_(std::move(options)), runtime_(value_or_die(Runtime::create(), "Runtime::create")) {
    if (initiator) {
      initiator_config_ = initiator_config(runtime_, options_);
      context_ = value_or_die(make_initiator(runtime_, kind, initiator_config_), "make_initiator");
    } else {
      acceptor_config_ = acceptor_config(runtime_, options_);
      context_ = value_or_die(make_acceptor(runtime_, kind, acceptor_config_), "make_acceptor");
    }
  }

  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string command, first, second;
    words >> command >> first >> second;
    const Result<std::string> reply = obey(command, first, second);
    if (reply.has_value()) return reply.value();
    return "error " + describe(reply.error());
  }

 private:
  Result<std::string> obey(std::string_view command, std::string_view first,
                           std::string_view second) {
    if (command == "token") return token(first);
    if (command == "done") return stepped(context_->peer_done());
    if (command == "wrap") return wrap(first, true);
    if (command == "sign") return wrap(first, false);
    if (command == "unwrap") return unwrap(first);
    if (command == "mic") return mic(first);
    if (command == "verify") return verify(first, second);
    if (command == "prf") return prf(first, second);
    if (command == "key") return key();
    if (command == "info") return info();
    return Error{Errc::kApiMisuse, "no such command", 0, 0};
  }

  Result<std::string> token(std::string_view text) {
    PGSS_TRY(Bytes bytes, decode(text));
    return stepped(context_->step(bytes));
  }

  Result<std::string> stepped(Result<ContextStep> result) {
    PGSS_TRY(ContextStep step, std::move(result));
    if (const auto* needed = std::get_if<NeedAccount>(&step))
      return stepped(context_->resume(account(runtime_, options_, *needed)));
    if (const auto* more = std::get_if<Continue>(&step)) return "continue " + encode(more->token);
    if (const auto* done = std::get_if<Established>(&step))
      return "established " + encode(done->token.value_or(Bytes{}));
    return Error{Errc::kApiMisuse, "a KDC is asked for, and there is none", 0, 0};
  }

  Result<std::string> wrap(std::string_view text, bool confidential) {
    PGSS_TRY(Bytes message, decode(text));
    Bytes out(context_->wrap_size(message.size()));
    PGSS_TRY(const size_t size, context_->wrap(message, confidential, out));
    return "ok " + encode(ByteView(out).prefix(size));
  }

  Result<std::string> unwrap(std::string_view text) {
    PGSS_TRY(Bytes wrapped, decode(text));
    Bytes out(wrapped.size());
    PGSS_TRY(const auto unwrapped, context_->unwrap(wrapped, out));
    return "ok " + encode(ByteView(out).prefix(unwrapped.size));
  }

  Result<std::string> mic(std::string_view text) {
    PGSS_TRY(Bytes message, decode(text));
    Bytes out(context_->mic_size());
    PGSS_TRY(const size_t size, context_->mic(message, out));
    return "ok " + encode(ByteView(out).prefix(size));
  }

  Result<std::string> verify(std::string_view message_text, std::string_view mic_text) {
    PGSS_TRY(Bytes message, decode(message_text));
    PGSS_TRY(Bytes mic, decode(mic_text));
    PGSS_CHECK(context_->verify_mic(message, mic));
    return std::string("ok -");
  }

  Result<std::string> prf(std::string_view which, std::string_view text) {
    PGSS_TRY(Bytes input, decode(text));
    Bytes out(64);
    PGSS_CHECK(
        context_->pseudo_random(which == "1" ? PrfKey::kPartial : PrfKey::kFull, input, out));
    return "ok " + encode(out);
  }

  Result<std::string> key() {
    PGSS_TRY(const ByteView bytes, context_->session_key());
    return "ok " + encode(bytes);
  }

  Result<std::string> info() {
    const ContextInfo& known = context_->info();
    std::ostringstream out;
    out << "ok mechanism=" << known.mechanism << " flags=0x" << std::hex
        << static_cast<uint32_t>(known.flags) << " initiator=" << known.initiator_name
        << " account=" << known.account_name << " target=" << known.target_name
        << " channel_bound=" << known.channel_bound << " mic=" << known.mic_verified
        << " mech_list_mic=" << known.mech_list_mic_verified;
    return out.str();
  }

  Options options_;
  Runtime runtime_;
  InitiatorConfig initiator_config_;
  AcceptorConfig acceptor_config_;
  std::unique_ptr<Context> context_;
};

// SaslPeer does so for a SASL mechanism.
class SaslPeer {
 public:
  SaslPeer(bool client, std::string_view name, Options options)
      : options_(std::move(options)), runtime_(value_or_die(Runtime::create(), "Runtime::create")) {
    const auto mechanism = sasl_mechanism(name);
    if (!mechanism) die("no such mechanism");
    const std::string step = option(options_, "layer-step", "kerberos");
    const LayerOptions layer{
        static_cast<SecurityLayer>(std::stoul(option(options_, "layers", "1"))),
        static_cast<uint32_t>(std::stoul(option(options_, "max-buffer", "65536")))};
    if (client) {
      clients_.emplace(runtime_, initiator_config(runtime_, options_));
      client_ = value_or_die(make_sasl_client(*mechanism, *clients_, {}, {.layer = layer}),
                             "make_sasl_client");
    } else {
      servers_.emplace(runtime_, acceptor_config(runtime_, options_));
      server_ =
          value_or_die(make_sasl_server(*mechanism, *servers_, {},
                                        {.layer_step = step == "always"  ? LayerStep::kAlways
                                                       : step == "never" ? LayerStep::kNever
                                                                         : LayerStep::kKerberos,
                                         .layer = layer}),
                       "make_sasl_server");
    }
  }

  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string command, argument;
    words >> command >> argument;
    const Result<std::string> reply = obey(command, argument);
    if (reply.has_value()) return reply.value();
    return "error " + describe(reply.error());
  }

 private:
  Result<std::string> obey(std::string_view command, std::string_view argument) {
    if (command == "info") return info();
    if (command == "done") return done();
    PGSS_TRY(const Bytes bytes, decode(argument));
    if (command == "token" && client_) {
      PGSS_TRY(const SaslClient::Step step, client_->step(bytes));
      if (const auto* response = std::get_if<SaslClient::Response>(&step))
        return "continue " + encode(response->token);
      return Error{Errc::kApiMisuse, "a KDC is asked for, and there is none", 0, 0};
    }
    if (command == "token") return stepped(server_->step(bytes));
    if (layer_ == nullptr) return Error{Errc::kApiMisuse, "there is no layer", 0, 0};
    Bytes out;
    if (command == "wrap") {
      PGSS_CHECK(layer_->wrap(bytes, out));
    } else if (command == "unwrap") {
      for (ByteView rest = bytes; !rest.empty();) {
        PGSS_TRY(const bool whole, layer_->unwrap(rest));
        if (whole) append(out, layer_->content());
      }
    } else {
      return Error{Errc::kApiMisuse, "no such command", 0, 0};
    }
    return "ok " + encode(out);
  }

  Result<std::string> stepped(Result<SaslServer::Step> result) {
    PGSS_TRY(SaslServer::Step step, std::move(result));
    if (const auto* needed = std::get_if<NeedAccount>(&step))
      return stepped(server_->resume(account(runtime_, options_, *needed)));
    if (const auto* challenge = std::get_if<SaslServer::Challenge>(&step))
      return "continue " + encode(challenge->token);
    report_ = std::get<SaslServer::Success>(step).report;
    layer_ = server_->take_layer();
    return std::string("established -");
  }

  Result<std::string> done() {
    if (client_ == nullptr) return std::string("established -");
    PGSS_TRY(report_, client_->success());
    layer_ = client_->take_layer();
    return std::string("established -");
  }

  std::string info() const {
    std::ostringstream out;
    out << "ok layer=" << static_cast<int>(report_.layer) << " step=" << report_.layer_step
        << " max_send=" << report_.max_send << " max_receive=" << report_.max_receive
        << " account=" << report_.context.account_name;
    return out.str();
  }

  Options options_;
  Runtime runtime_;
  std::optional<InitiatorContexts> clients_;
  std::optional<AcceptorContexts> servers_;
  std::unique_ptr<SaslClient> client_;
  std::unique_ptr<SaslServer> server_;
  std::unique_ptr<SaslLayer> layer_;
  SaslReport report_;
};

template <typename AnyPeer>
int serve(AnyPeer peer) {
  for (std::string line; std::getline(std::cin, line) && line != "quit";)
    std::cout << peer.answer(line) << std::endl;
  return 0;
}

MechanismKind mechanism_kind(std::string_view name) {
  if (name == "ntlm") return MechanismKind::kNtlm;
  if (name == "krb5") return MechanismKind::kKerberos;
  if (name == "spnego") return MechanismKind::kSpnego;
  die("no such mechanism");
}

int run(int argc, char** argv) {
  if (argc < 3)
    die("usage: pgss_peer initiate|accept ntlm|krb5|spnego [OPTIONS]; its source says more");
  const std::string_view role = argv[1];
  if (role.substr(0, 5) == "sasl-") {
    SaslPeer peer(role == "sasl-client", argv[2], read_options(argc, argv));
    return serve<SaslPeer&>(peer);
  }
  Peer peer(role == "initiate", mechanism_kind(argv[2]), read_options(argc, argv));
  return serve<Peer&>(peer);
}

}  // namespace
}  // namespace pocketgss

int main(int argc, char** argv) {
  return pocketgss::run(argc, argv);
}
