#include "tests/lib/support/kerberos_settings.h"

#include <pocketgss/tickets.h>

#include <algorithm>
#include <iterator>

#include "mechs/krb5/ap_exchange.h"
#include "mechs/krb5/ccache.h"
#include "mechs/krb5/client_secret.h"
#include "mechs/krb5/kdc_policy.h"
#include "mechs/krb5/profile.h"
#include "tests/lib/support/pair.h"
#include "tests/support/allocations.h"

namespace pocketgss::testing {
namespace {

constexpr std::string_view kService = "smtp/mail.example.test@EXAMPLE.TEST";
constexpr std::string_view kUserPassword = "Password1 of alice";

void add(std::vector<Bytes>& out, ByteView secret) {
  out.push_back(secret.to_bytes());
}

// add_with_derived adds a key, and what is derived from it to encrypt and decrypt under one usage.
void add_with_derived(std::vector<Bytes>& out, Runtime& runtime, const krb5::Key& key,
                      krb5::KeyUsage usage) {
  add(out, key.view());
  const krb5::Profile& profile = key.profile();
  FixedBytes<krb5::kMaxKeySize> ke{}, ki{};
  profile.derive_cipher(runtime.crypto(), profile, key.view(), static_cast<uint32_t>(usage), ke,
                        ki);
  add(out, ByteView(ke).prefix(key.view().size()));
  add(out, ByteView(ki).prefix(key.view().size()));
}

// ap_req_of finds the one in an initiator's token, bare or the last field of SPNEGO's: RFC 4121 4.1.
krb5::ContextToken ap_req_of(ByteView token) {
  static constexpr uint8_t kStart[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                       0x12, 0x01, 0x02, 0x02, 0x01, 0x00};
  const auto found = std::search(token.begin(), token.end(), std::begin(kStart), std::end(kStart));
  constexpr size_t kHeader = 4;  // 60 82 and two octets of length
  const auto at = static_cast<size_t>(found - token.begin()) - kHeader;
  return krb5::parse_context_token(token.from(at)).value();
}

// add_subkey adds the sub-key of an AP-REQ's authenticator.
void add_subkey(std::vector<Bytes>& out, Runtime& runtime, ByteView ap_req,
                const krb5::Key& session_key, krb5::KeyUsage usage) {
  const krb5::ApReq request = krb5::parse_ap_req(ap_req).value();
  const SecretBytes opened =
      krb5::decrypt_part(runtime, session_key, usage, request.authenticator.cipher).value();
  add(out, krb5::parse_authenticator(opened.view()).value().subkey->keyvalue);
}

krb5::Key random_key(RandomSource& random) {
  return krb5::Key::random(krb5::Etype::kAes256CtsHmacSha1, random).value();
}

}  // namespace

KerberosSetting::KerberosSetting(MechanismKind of) {
  kind = of;
  ticket->maker.service_key = random_key(random);
  ticket->maker.session_key = random_key(random);
  ticket->maker.issue();
  initiator.tickets = ticket;
  initiator.target = kTarget;
  initiator.policy.inner = {InnerMechanism::kKerberos};
  initiator.channel_binding = ChannelBinding::tls_unique(as_bytes("channel"));
  accept(ticket->maker.service_key, ticket->maker.ticket.kvno);
  acceptor.host = kHost;
  acceptor.channel_bindings = {*initiator.channel_binding};
  acceptor.replay_cache = make_replay_cache(clock, 8, EarlierLogins::kNone).value();
}

void KerberosSetting::accept(const krb5::Key& key, uint32_t kvno) {
  const krb5::Principal service = krb5::parse_principal(kService, "").value();
  krb5::KeytabEntry entry;
  entry.principal = service.view();
  entry.etype = static_cast<int32_t>(key.etype());
  entry.key = key.view();
  entry.set_kvno(kvno);
  acceptor.keys = read_service_keys(krb5::write_keytab({&entry, 1}).value()).value();
}

void KerberosSetting::spoil() {
  accept(random_key(random), ticket->maker.ticket.kvno);
}

std::vector<Bytes> KerberosSetting::secrets(const Login& login) {
  return secrets_of(login, ticket->maker.service_key, ticket->maker.session_key);
}

std::vector<Bytes> KerberosSetting::secrets_of(const Login& login, const krb5::Key& service_key,
                                               const krb5::Key& session_key) {
  std::vector<Bytes> out;
  add(out, login.initiator->session_key().value());
  add_with_derived(out, runtime, service_key, krb5::KeyUsage::kTicket);
  add_with_derived(out, runtime, session_key, krb5::KeyUsage::kApReqAuthenticator);
  add_with_derived(out, runtime, session_key, krb5::KeyUsage::kApRepEncPart);
  add_subkey(out, runtime, ap_req_of(login.tokens.at(ap_req_at)).message, session_key,
             krb5::KeyUsage::kApReqAuthenticator);
  return out;
}

KerberosAndNtlm::KerberosAndNtlm(Preferred preferred) : KerberosSetting(MechanismKind::kSpnego) {
  initiator.credential =
      Credential::from_password(runtime, AccountName::parse("EXAMPLE\\user").value(),
                                SecretBytes(kPassword))
          .value();
  initiator.policy.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
  acceptor.ntlm = preferred == Preferred::kKerberos;
  if (preferred == Preferred::kNtlm) {
    std::swap(initiator.policy.inner.front(), initiator.policy.inner.back());
    ap_req_at = 2;
  }
}

KdcSetting::KdcSetting(MechanismKind of) : KerberosSetting(of) {
  clock.set(krb5::KdcPolicy{}.clock_floor + UnixMicros{86'400} * 1'000'000);
  acceptor.replay_cache = make_replay_cache(clock, 8, EarlierLogins::kNone).value();
  {
    const OthersAllocations of_the_kdc;
    kdc.add_user("alice", std::string(kUserPassword)).etypes = {17};
  }
  accept(kdc.add_service(std::string(kTarget)), 1);
  TicketSettings settings;
  settings.user = "alice@EXAMPLE.TEST";
  settings.password = SecretBytes(kUserPassword);
  initiator.tickets = make_tickets(std::move(settings)).value();
}

KdcSetting::~KdcSetting() {
  const OthersAllocations of_the_kdc;
  kdc.users.clear();
}

ExchangeAnswer KdcSetting::exchange(const NeedExchange& need) {
  requests.push_back(need.request);
  return {kdc.handle(need.request)};
}

std::vector<Bytes> KdcSetting::secrets(const Login& login) {
  std::vector<Bytes> of_kdc =
      kdc_secrets(runtime, *initiator.tickets, kUserPassword, "EXAMPLE.TESTalice", requests);
  const krb5::Key session_key =
      krb5::Key::create(static_cast<int32_t>(krb5::Etype::kAes256CtsHmacSha1), of_kdc.front())
          .value();
  std::vector<Bytes> out = secrets_of(login, kdc.services.at(std::string(kTarget)), session_key);
  out.insert(out.end(), of_kdc.begin(), of_kdc.end());
  return out;
}

std::vector<Bytes> kdc_secrets(Runtime& runtime, const TicketSource& tickets,
                               std::string_view password, std::string_view salt,
                               const std::vector<Bytes>& requests) {
  const SecretBytes file = write_ccache(tickets).value();
  const krb5::Ccache ccache = krb5::parse_ccache(file.view()).value();
  std::vector<Bytes> out;
  std::optional<krb5::Key> tgt_key;
  for (const krb5::CcacheCredential& entry : ccache) {
    const bool of_tgs = entry.server.components.front() == "krbtgt";
    if (of_tgs) tgt_key = krb5::Key::create(entry.etype, entry.key).value();
    if (!of_tgs) add(out, entry.key);  // the service's is the first
  }
  add(out, as_bytes(password));
  add_with_derived(out, runtime,
                   krb5::string_to_key(runtime.crypto(), krb5::Etype::kAes128CtsHmacSha1,
                                       as_bytes(password), as_bytes(salt), 4096)
                       .value(),
                   krb5::KeyUsage::kAsRepEncPart);
  add_with_derived(out, runtime, *tgt_key, krb5::KeyUsage::kTgsReqAuthenticator);
  const krb5::KdcReq tgs_req = krb5::parse_tgs_req(requests.at(2)).value();
  add_subkey(out, runtime, *krb5::find(*tgs_req.padata, krb5::padata_type::kTgsReq), *tgt_key,
             krb5::KeyUsage::kTgsReqAuthenticator);
  return out;
}

}  // namespace pocketgss::testing
