// Exchange: an initiator and an acceptor of ours with a ticket that the test makes, and the tokens
// between them open to the test.
#ifndef PGSS_TESTS_MECHS_KRB5_EXCHANGE_H_
#define PGSS_TESTS_MECHS_KRB5_EXCHANGE_H_

#include <memory>
#include <optional>
#include <string>

#include "mechs/krb5/acceptor.h"
#include "mechs/krb5/ap_exchange.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/initiator.h"
#include "mechs/krb5/message_tokens.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/names.h"
#include "mechs/krb5/padata.h"
#include "tests/mechs/krb5/fake_replay_cache.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"
#include "tests/support/mechanism_step.h"

namespace pocketgss::mechs::krb5::testing {

using pocketgss::testing::CountingRandom;
using pocketgss::testing::FakeClock;

inline constexpr UnixMicros kSecond = 1'000'000;

// What the KDC puts into the ticket.
struct TicketSpec {
  uint32_t flags = ticket_flag::kPreAuthent | ticket_flag::kInitial;
  Principal client = parse_principal("alice@EXAMPLE.TEST", "").value();
  Principal service = parse_principal("smtp/mail.example.test@EXAMPLE.TEST", "").value();
  uint32_t kvno = 3;
  int64_t starts_in = -3600, ends_in = 36000;  // seconds from now
  std::string transited;
  Bytes authorization_data;  // DER; empty: none
};

// KeytabSpec is one entry of the acceptor's key table.
struct KeytabSpec {
  Principal service = parse_principal("smtp/mail.example.test@EXAMPLE.TEST", "").value();
  uint32_t kvno = 3;
};

struct Exchange {
  Exchange(const Exchange&) = delete;  // its parts point at each other
  Exchange& operator=(const Exchange&) = delete;
  explicit Exchange(Etype etype = Etype::kAes256CtsHmacSha1)
      : service_key(Key::random(etype, random).value()),
        session_key(Key::random(etype, random).value()) {
    initiator.allow_rc4 = acceptor.allow_rc4 = etype == Etype::kRc4Hmac;
    acceptor.replay_cache = &cache;
  }

  // issue makes the ticket and the key table of the specs.
  void issue() {
    make_keytab();
    credential.emplace(ServiceCredential{ticket.client, ticket.service, make_ticket(),
                                         session_key.clone(), ticket.flags, time(ticket.starts_in),
                                         time(ticket.starts_in), time(ticket.ends_in),
                                         KerberosTime{}, clock_offset});
  }
  void start() {
    if (!credential) issue();
    client =
        make_initiator(runtime, initiator, std::make_unique<ReadyCredential>(*credential)).value();
    server = make_acceptor(runtime, acceptor).value();
  }

  Result<void> make_ap_req() {
    PGSS_TRY(MechanismStep taken, step(*client, {}));
    if (auto* next = std::get_if<Continue>(&taken)) {
      ap_req = next->token;
    } else {
      client_done = std::move(std::get<Complete>(taken));
      ap_req = client_done.token.value();
    }
    return {};
  }
  // verdict is what the acceptor says to `ap_req`; without an AP-REP `ap_rep` is empty.
  Result<void> verdict() {
    PGSS_TRY(MechanismStep taken, step(*server, ap_req));
    if (auto* next = std::get_if<Continue>(&taken)) {
      krb_error = next->token;
      return {};
    }
    server_done = std::move(std::get<Complete>(taken));
    ap_rep = server_done.token.value_or(Bytes());
    return {};
  }
  Result<void> take_ap_rep() {
    PGSS_TRY(MechanismStep taken, step(*client, ap_rep));
    client_done = std::move(std::get<Complete>(taken));
    return {};
  }
  Result<void> run() {
    start();
    PGSS_CHECK(make_ap_req());
    PGSS_CHECK(verdict());
    return ap_rep.empty() ? Result<void>() : take_ap_rep();
  }
  // answer_to gives `token` to an acceptor of its own.
  Result<MechanismStep> answer_to(ByteView token) {
    auto other = make_acceptor(runtime, acceptor).value();
    return step(*other, token);
  }

  // authenticator opens the one in `ap_req` into `opened`, from which what it returns borrows.
  Authenticator authenticator() {
    const ApReq request = parse_ap_req(parse_context_token(ap_req).value().message).value();
    opened = decrypt_part(runtime, session_key, KeyUsage::kApReqAuthenticator,
                          request.authenticator.cipher)
                 .value();
    return parse_authenticator(opened.view()).value();
  }
  // send_authenticator puts another into `ap_req`.
  void send_authenticator(const Authenticator& changed,
                          uint32_t ap_options = ap_option::kMutualRequired) {
    const Bytes cipher =
        encrypt_part(runtime, session_key, KeyUsage::kApReqAuthenticator, changed).value();
    ApReq request;
    request.ap_options.bits = ap_options;
    request.ticket.der = credential->ticket;
    request.authenticator = {static_cast<int32_t>(session_key.etype()), std::nullopt, cipher};
    const Bytes message = encode(request).value();
    ap_req = encode(ContextToken{TokenId::kApReq, message, 0, {}}).value();
  }

  KerberosTime time(int64_t from_now) { return {clock.now() / kSecond + from_now}; }

  FakeClock clock;
  CountingRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  FakeReplayCache cache;
  TicketSpec ticket;
  std::vector<KeytabSpec> keys = {KeytabSpec{}};
  Key service_key, session_key;
  UnixMicros clock_offset = 0;
  std::optional<ServiceCredential> credential;
  InitiatorConfig initiator;
  AcceptorConfig acceptor;

  std::unique_ptr<Mechanism> client, server;
  Bytes ap_req, ap_rep, krb_error;
  Complete client_done, server_done;
  SecretBytes opened;

 private:
  void make_keytab() {
    std::vector<KeytabEntry> entries;
    for (const KeytabSpec& key : keys) {
      KeytabEntry entry;
      entry.principal = key.service.view();
      entry.etype = static_cast<int32_t>(service_key.etype());
      entry.key = service_key.view();
      entry.set_kvno(key.kvno);
      entries.push_back(entry);
    }
    keytab_file = write_keytab(entries).value();
    keytab.emplace(parse_keytab(keytab_file.view()).value());
    acceptor.keytab = &*keytab;
  }

  Bytes make_ticket() {
    const NameComponents cname(ticket.client.view()), sname(ticket.service.view());
    EncTicketPart part;
    part.flags.bits = ticket.flags;
    part.key = wire_key(session_key);
    part.crealm = ticket.client.realm();
    part.cname = cname.name();
    part.transited = {kDomainX500Compress, as_bytes(ticket.transited)};
    part.authtime = time(ticket.starts_in);
    part.endtime = time(ticket.ends_in);
    if (!ticket.authorization_data.empty()) {
      part.authorization_data = parse_authorization_data(ticket.authorization_data).value();
    }
    const Bytes cipher = encrypt_part(runtime, service_key, KeyUsage::kTicket, part).value();
    Ticket out;
    out.realm = ticket.service.realm();
    out.sname = sname.name();
    out.enc_part = {static_cast<int32_t>(service_key.etype()), UInt32(ticket.kvno), cipher};
    return encode(out).value();
  }

  SecretBytes keytab_file;
  std::optional<Keytab> keytab;
};

// every_etype lists what was built.
inline std::vector<Etype> every_etype() {
  std::vector<Etype> out = {Etype::kAes128CtsHmacSha1, Etype::kAes256CtsHmacSha1,
                            Etype::kAes128CtsHmacSha256, Etype::kAes256CtsHmacSha384};
  if (known_etype(23)) out.push_back(Etype::kRc4Hmac);
  return out;
}

inline std::string etype_word(Etype etype) {
  std::string out = etype_name(static_cast<int32_t>(etype));
  std::erase(out, '-');
  return out;
}

}  // namespace pocketgss::mechs::krb5::testing

#endif  // PGSS_TESTS_MECHS_KRB5_EXCHANGE_H_
