// A KDC in memory, written from RFC 4120 3.1 and 3.3: what the client of the tests talks to. It
// shares the codec and the cryptography with that, and nothing else. `Twist` makes it lie.
#ifndef PGSS_TESTS_FAKES_FAKE_KDC_H_
#define PGSS_TESTS_FAKES_FAKE_KDC_H_

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/padata.h"

namespace pocketgss::testing {

namespace krb5 = mechs::krb5;

// joined writes a name as "component/component".
inline std::string joined(const krb5::PrincipalName& name) {
  std::string out;
  for (const std::string_view part : name.name_string) {
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

// WireName owns the components of "component/component".
struct WireName {
  explicit WireName(std::string_view text, int32_t name_type = krb5::name_type::kPrincipal)
      : type(name_type) {
    for (size_t at = 0;;) {
      const size_t slash = text.find('/', at);
      parts.emplace_back(text.substr(at, slash - at));
      if (slash == std::string_view::npos) break;
      at = slash + 1;
    }
    views.assign(parts.begin(), parts.end());
  }
  WireName(const WireName&) = delete;
  WireName& operator=(const WireName&) = delete;
  krb5::PrincipalName name() const {
    return {type, krb5::SequenceOf<krb5::KerberosString>(std::span(views))};
  }

  int32_t type;
  std::deque<std::string> parts;
  std::vector<krb5::KerberosString> views;
};

class FakeKdc {
 public:
  // User: what the database has of one.
  struct User {
    std::string password;
    std::string salt;
    std::vector<int32_t> etypes = {18, 17, 20, 19};  // of its keys
    bool preauth = true;
    std::shared_ptr<const krb5::Key> key;  // in place of one made of the password: quick
    std::string canonical;  // the name that an AS-REP has instead, where canonicalisation is asked
  };

  // Twist is how a hostile, or an old, KDC differs. Each is off by default.
  struct Twist {
    std::function<std::optional<Bytes>(const krb5::KdcReq&)>
        instead;                                     // an answer of the test's own
    std::function<void(krb5::KdcRep&)> rep;          // before it is encoded
    std::function<void(krb5::EncKdcRepPart&)> part;  // before it is encrypted
    std::function<void(SecretBytes&)> plaintext;     // of the encrypted part
    std::function<void(Bytes& reply)> octets;        // as they leave
    std::function<void(krb5::KrbError&)> error;
    std::optional<krb5::KeyUsage> usage;  // of the encrypted part
    bool tgs_session_key = false;         // a TGS-REP under the session key
    std::optional<Bytes> etype_info2;     // DER, in METHOD-DATA
    bool no_etype_info2 = false;
    std::optional<std::string> pw_salt;  // in METHOD-DATA
    std::optional<std::string> etype_info_salt;
    std::optional<int32_t> reply_etype;    // EncryptedData.etype of the reply says this
    std::optional<int32_t> session_etype;  // and the session key is of this
    bool no_enc_pa_rep = false;
  };

  FakeKdc(Runtime& runtime, std::string realm_name)
      : runtime_(runtime),
        realm_(std::move(realm_name)),
        own_key_(krb5::Key::random(krb5::Etype::kAes256CtsHmacSha1, runtime.random()).value()) {}

  const std::string& realm() const { return realm_; }
  User& add_user(const std::string& name, const std::string& password) {
    User& user = users[name];
    user.password = password;
    user.salt = realm_ + name;
    return user;
  }
  krb5::Key& add_service(const std::string& name,
                         krb5::Etype etype = krb5::Etype::kAes256CtsHmacSha1) {
    return services.insert_or_assign(name, krb5::Key::random(etype, runtime_.random()).value())
        .first->second;
  }
  // Tickets for `other` are made with one key that both have.
  void trust(FakeKdc& other) {
    krb5::Key key = krb5::Key::random(krb5::Etype::kAes256CtsHmacSha1, runtime_.random()).value();
    other.incoming_.insert_or_assign(realm_, key.clone());
    outgoing_.insert_or_assign(other.realm_, std::move(key));
  }

  // handle answers one request, as it is.
  Bytes handle(ByteView request) {
    ++requests;
    const auto type = krb5::message_type(request);
    if (type == krb5::MessageType::kAsReq) {
      const auto req = krb5::parse_as_req(request);
      if (req.has_value()) return on_as_req(req.value(), request);
    } else if (type == krb5::MessageType::kTgsReq) {
      const auto req = krb5::parse_tgs_req(request);
      if (req.has_value()) return on_tgs_req(req.value());
    }
    return krb_error(krb5::error_code::kGeneric);
  }

  // krb_error makes one as this KDC would.
  Bytes krb_error(int32_t code, const std::optional<Bytes>& e_data = std::nullopt,
                  const std::optional<std::string>& crealm = std::nullopt) {
    const WireName tgs("krbtgt/" + realm_, krb5::name_type::kSrvInst);
    const UnixMicros now = time();
    krb5::KrbError error;
    error.stime = {now / 1'000'000};
    error.susec = static_cast<uint32_t>(now % 1'000'000);
    error.error_code = code;
    if (crealm) error.crealm = *crealm;
    error.realm = realm_;
    error.sname = tgs.name();
    if (e_data) error.e_data = *e_data;
    if (twist.error) twist.error(error);
    return krb5::encode(error).value();
  }

  // method_data is what PREAUTH_REQUIRED carries.
  Bytes method_data(const User& user) const {
    using namespace krb5;  // NOLINT
    std::vector<EtypeInfo2Entry> entries;
    for (const int32_t etype : user.etypes) entries.push_back({etype, user.salt, std::nullopt});
    const Bytes info2 = twist.etype_info2
                            ? *twist.etype_info2
                            : encode(EtypeInfo2(std::span<const EtypeInfo2Entry>(entries))).value();
    std::vector<PaData> out;
    if (!twist.no_etype_info2) out.push_back({padata_type::kEtypeInfo2, info2});
    Bytes info;
    if (twist.etype_info_salt) {
      const EtypeInfoEntry entry{user.etypes.front(), as_bytes(*twist.etype_info_salt)};
      info = encode(EtypeInfo(std::span(&entry, 1))).value();
      out.push_back({padata_type::kEtypeInfo, info});
    }
    if (twist.pw_salt) out.push_back({padata_type::kPwSalt, as_bytes(*twist.pw_salt)});
    for (const int32_t kind : preauth_kinds) out.push_back({kind, {}});
    return encode(MethodData(std::span<const PaData>(out))).value();
  }

  std::map<std::string, User> users;
  std::map<std::string, krb5::Key> services;
  std::map<std::string, std::string> referrals;  // of a service or a user: the realm that has it
  bool old_referrals = false;                    // with KDC_ERR_C_PRINCIPAL_UNKNOWN (quirk D7)
  std::vector<int32_t> preauth_kinds = {krb5::padata_type::kEncTimestamp};
  UnixMicros clock_ahead = 0;
  Twist twist;
  int requests = 0;
  int timestamps = 0;                 // AS-REQs with an encrypted timestamp
  std::vector<std::string> asked;     // names of services, as they were asked for
  std::vector<uint32_t> kdc_options;  // of the requests

 private:
  using Code = int32_t;

  UnixMicros time() const { return runtime_.clock().now() + clock_ahead; }
  krb5::KerberosTime seconds(UnixMicros more = 0) const { return {(time() + more) / 1'000'000}; }

  Bytes on_as_req(const krb5::KdcReq& req, ByteView octets) {
    using namespace krb5;  // NOLINT
    kdc_options.push_back(req.req_body.kdc_options.bits);
    const bool has_timestamp = req.padata && find(*req.padata, padata_type::kEncTimestamp);
    timestamps += has_timestamp ? 1 : 0;
    if (twist.instead) {
      if (auto answer = twist.instead(req)) return *answer;
    }
    const std::string name = joined(*req.req_body.cname);
    if (const auto away = referrals.find(name); away != referrals.end()) {
      return krb_error(old_referrals ? error_code::kCPrincipalUnknown : error_code::kWrongRealm,
                       std::nullopt, away->second);
    }
    const auto found = users.find(name);
    if (found == users.end()) return krb_error(error_code::kCPrincipalUnknown);
    const User& user = found->second;
    const auto etype = first_common(req.req_body.etype, user.etypes);
    if (!etype) return krb_error(error_code::kEtypeNosupp);
    if (user.preauth) {
      if (!has_timestamp) return krb_error(error_code::kPreauthRequired, method_data(user));
      if (const auto wrong = check_timestamp(user, *find(*req.padata, padata_type::kEncTimestamp)))
        return krb_error(*wrong, *wrong == error_code::kPreauthFailed
                                     ? std::optional<Bytes>(method_data(user))
                                     : std::nullopt);
    }
    const Key key = user_key(user, *etype);
    const bool canonical =
        (req.req_body.kdc_options.bits & kdc_option::kCanonicalize) != 0 && !user.canonical.empty();
    const WireName client(canonical ? user.canonical : name);
    const WireName server("krbtgt/" + realm_, name_type::kSrvInst);
    Issue issue{req, client.name(), realm_, server.name(), own_key_, key, KeyUsage::kAsRepEncPart};
    issue.flags = ticket_flag::kInitial | ticket_flag::kPreAuthent;
    issue.reply = MessageType::kAsRep;
    issue.salt = user.preauth ? std::nullopt : std::optional<std::string>(user.salt);
    if (req.padata && find(*req.padata, padata_type::kReqEncPaRep) && !twist.no_enc_pa_rep)
      issue.request_octets = octets;
    return reply(issue);
  }

  std::optional<Code> check_timestamp(const User& user, ByteView value) {
    using namespace krb5;  // NOLINT
    const auto data = parse_encrypted_data(value);
    if (!data.has_value()) return error_code::kPreauthFailed;
    if (std::count(user.etypes.begin(), user.etypes.end(), data.value().etype) == 0)
      return error_code::kPreauthFailed;
    const Key key = user_key(user, data.value().etype);
    Bytes plain(data.value().cipher.size());
    const auto size =
        decrypt(runtime_.crypto(), key, KeyUsage::kPaEncTimestamp, data.value().cipher, plain);
    if (!size.has_value()) return error_code::kPreauthFailed;
    const auto stamp = parse_pa_enc_ts_enc(ByteView(plain).prefix(size.value()));
    if (!stamp.has_value()) return error_code::kPreauthFailed;
    if (std::abs(stamp.value().patimestamp.seconds - seconds().seconds) > 300)
      return error_code::kSkew;
    return std::nullopt;
  }

  Bytes on_tgs_req(const krb5::KdcReq& req) {
    using namespace krb5;  // NOLINT
    kdc_options.push_back(req.req_body.kdc_options.bits);
    const std::string wanted = joined(*req.req_body.sname);
    asked.push_back(wanted);
    if (twist.instead) {
      if (auto answer = twist.instead(req)) return *answer;
    }
    const auto pa = req.padata ? find(*req.padata, padata_type::kTgsReq) : std::nullopt;
    if (!pa) return krb_error(error_code::kPadataTypeNosupp);
    const auto ap_req = parse_ap_req(*pa);
    if (!ap_req.has_value()) return krb_error(error_code::kBadIntegrity);
    Bytes ticket_plain, authenticator_plain;
    const Key* const tgs_key = key_of_ticket(ap_req.value().ticket);
    if (tgs_key == nullptr ||
        !open(*tgs_key, KeyUsage::kTicket, ap_req.value().ticket.enc_part.cipher, ticket_plain))
      return krb_error(error_code::kModified);
    const auto ticket = parse_enc_ticket_part(ticket_plain);
    if (!ticket.has_value()) return krb_error(error_code::kModified);
    if (ticket.value().endtime < seconds()) return krb_error(error_code::kTktExpired);
    const Key session =
        Key::create(ticket.value().key.keytype, ticket.value().key.keyvalue).value();
    if (!open(session, KeyUsage::kTgsReqAuthenticator, ap_req.value().authenticator.cipher,
              authenticator_plain))
      return krb_error(error_code::kBadIntegrity);
    const auto authenticator = parse_authenticator(authenticator_plain);
    if (!authenticator.has_value()) return krb_error(error_code::kBadIntegrity);
    const Authenticator& auth = authenticator.value();
    if (auth.crealm != ticket.value().crealm || !same_name(auth.cname, ticket.value().cname))
      return krb_error(error_code::kBadmatch);
    if (std::abs(auth.ctime.seconds - seconds().seconds) > 300) return krb_error(error_code::kSkew);
    if (!auth.cksum ||
        !verify_checksum(runtime_.crypto(), session, KeyUsage::kTgsReqAuthenticatorChecksum,
                         auth.cksum->cksumtype, {req.req_body.der}, auth.cksum->checksum)
             .has_value())
      return krb_error(error_code::kInappCksum);
    const Key subkey = auth.subkey
                           ? Key::create(auth.subkey->keytype, auth.subkey->keyvalue).value()
                           : session.clone();
    const Key& reply_key = twist.tgs_session_key ? session : subkey;
    const KeyUsage usage = auth.subkey && !twist.tgs_session_key
                               ? KeyUsage::kTgsRepEncPartSubkey
                               : KeyUsage::kTgsRepEncPartSessionKey;

    const bool canonicalize = (req.req_body.kdc_options.bits & kdc_option::kCanonicalize) != 0;
    std::string granted = wanted;
    const Key* service_key = nullptr;
    if (const auto own = services.find(wanted); own != services.end()) {
      service_key = &own->second;
    } else if (const auto way = way_to(wanted, canonicalize); !way.empty()) {
      granted = "krbtgt/" + way;
      service_key = &outgoing_.at(way);
    }
    if (service_key == nullptr) return krb_error(error_code::kSPrincipalUnknown);
    const WireName server(granted, req.req_body.sname->name_type);
    Issue issue{req,           ticket.value().cname, std::string(ticket.value().crealm),
                server.name(), *service_key,         reply_key,
                usage};
    issue.flags = ticket_flag::kPreAuthent;
    issue.reply = MessageType::kTgsRep;
    return reply(issue);
  }

  // way_to is the realm to which a request for `wanted` is passed on.
  std::string way_to(const std::string& wanted, bool canonicalize) const {
    if (wanted.rfind("krbtgt/", 0) == 0) {
      const std::string realm = wanted.substr(7);
      if (outgoing_.count(realm) != 0) return realm;
      const auto near = referrals.find(wanted);
      return near == referrals.end() ? std::string() : near->second;
    }
    const auto away = referrals.find(wanted);
    return canonicalize && away != referrals.end() ? away->second : std::string();
  }

  const krb5::Key* key_of_ticket(const krb5::Ticket& ticket) const {
    if (joined(ticket.sname) != "krbtgt/" + realm_) return nullptr;
    if (ticket.realm == realm_) return &own_key_;
    const auto key = incoming_.find(std::string(ticket.realm));
    return key == incoming_.end() ? nullptr : &key->second;
  }

  bool open(const krb5::Key& key, krb5::KeyUsage usage, ByteView cipher, Bytes& plain) {
    plain.resize(cipher.size());
    const auto size = decrypt(runtime_.crypto(), key, usage, cipher, plain);
    if (!size.has_value()) return false;
    plain.resize(size.value());
    return true;
  }
  Bytes seal(const krb5::Key& key, krb5::KeyUsage usage, ByteView plain) {
    Bytes out(ciphertext_size(key.etype(), plain.size()));
    if (!encrypt(runtime_.crypto(), runtime_.random(), key, usage, {plain}, out).has_value())
      std::abort();
    return out;
  }

  // What one reply is made of.
  struct Issue {
    const krb5::KdcReq& req;
    krb5::PrincipalName cname;
    std::string crealm;
    krb5::PrincipalName sname;
    const krb5::Key& service_key;
    const krb5::Key& reply_key;
    krb5::KeyUsage usage;
    uint32_t flags = 0;
    krb5::MessageType reply{};
    std::optional<std::string> salt = std::nullopt;         // in ETYPE-INFO2 of the reply
    std::optional<ByteView> request_octets = std::nullopt;  // for PA-REQ-ENC-PA-REP
  };

  Bytes reply(const Issue& issue) {
    using namespace krb5;  // NOLINT
    const KdcReqBody& body = issue.req.req_body;
    const Key session =
        Key::random(*known_etype(twist.session_etype.value_or(first_known(body.etype))),
                    runtime_.random())
            .value();
    EncTicketPart ticket_part;
    ticket_part.flags.bits = issue.flags;
    ticket_part.key = {static_cast<int32_t>(session.etype()), session.view()};
    ticket_part.crealm = issue.crealm;
    ticket_part.cname = issue.cname;
    ticket_part.transited.tr_type = kDomainX500Compress;
    ticket_part.authtime = seconds();
    ticket_part.endtime = endtime(body);
    const SecretBytes ticket_plain = encode_secret(ticket_part).value();
    const Bytes ticket_cipher = seal(issue.service_key, KeyUsage::kTicket, ticket_plain.view());

    EncKdcRepPart part;
    part.of = issue.reply;
    part.key = ticket_part.key;
    part.nonce = body.nonce;
    part.flags.bits = issue.flags;
    part.authtime = ticket_part.authtime;
    part.endtime = ticket_part.endtime;
    part.srealm = realm_;
    part.sname = issue.sname;
    const LastReqEntry last{0, ticket_part.authtime};
    part.last_req = LastReq(std::span(&last, 1));
    Bytes sum_der;
    PaData enc_pa{padata_type::kReqEncPaRep, {}};
    if (issue.request_octets) {
      FixedBytes<kMaxChecksumSize> sum;
      const size_t size = checksum(runtime_.crypto(), issue.reply_key, KeyUsage::kAsReqChecksum,
                                   {*issue.request_octets}, sum)
                              .value();
      sum_der = encode(Checksum{static_cast<int32_t>(checksum_type(issue.reply_key.etype())),
                                ByteView(sum).prefix(size)})
                    .value();
      enc_pa.padata_value = sum_der;
      part.flags.bits |= ticket_flag::kEncPaRep;
      part.encrypted_pa_data = MethodData(std::span(&enc_pa, 1));
    }
    if (twist.part) twist.part(part);
    SecretBytes plain = encode_secret(part).value();
    if (twist.plaintext) twist.plaintext(plain);
    const Bytes cipher = seal(issue.reply_key, twist.usage.value_or(issue.usage), plain.view());

    Bytes info2;
    PaData hint{padata_type::kEtypeInfo2, {}};
    KdcRep rep;
    rep.msg_type = issue.reply;
    if (issue.salt) {
      const EtypeInfo2Entry entry{static_cast<int32_t>(issue.reply_key.etype()), *issue.salt, {}};
      info2 = encode(EtypeInfo2(std::span(&entry, 1))).value();
      hint.padata_value = info2;
      rep.padata = MethodData(std::span(&hint, 1));
    }
    rep.crealm = issue.crealm;
    rep.cname = issue.cname;
    rep.ticket.realm = realm_;
    rep.ticket.sname = issue.sname;
    rep.ticket.enc_part = {static_cast<int32_t>(issue.service_key.etype()), UInt32(1),
                           ticket_cipher};
    rep.enc_part = {twist.reply_etype.value_or(static_cast<int32_t>(issue.reply_key.etype())),
                    UInt32(1), cipher};
    if (twist.rep) twist.rep(rep);
    Bytes out = encode(rep).value();
    if (twist.octets) twist.octets(out);
    return out;
  }

  krb5::KerberosTime endtime(const krb5::KdcReqBody& body) const {
    const krb5::KerberosTime most = seconds(UnixMicros{36'000} * 1'000'000);
    if (!body.till || body.till->seconds == 0) return most;
    return std::min(*body.till, most);
  }

  krb5::Key user_key(const User& user, int32_t etype) {
    if (user.key) return user.key->clone();
    const krb5::Etype known = *krb5::known_etype(etype);
    return string_to_key(runtime_.crypto(), known, as_bytes(user.password), as_bytes(user.salt),
                         std::max(default_iterations(known), uint32_t{1}))
        .value();
  }

  static std::optional<int32_t> first_common(const krb5::EtypeList& asked_for,
                                             const std::vector<int32_t>& has) {
    for (const int32_t etype : asked_for) {
      if (std::count(has.begin(), has.end(), etype) != 0) return etype;
    }
    return std::nullopt;
  }
  static int32_t first_known(const krb5::EtypeList& etypes) {
    for (const int32_t etype : etypes) {
      if (krb5::known_etype(etype)) return etype;
    }
    std::abort();
  }

  Runtime& runtime_;
  std::string realm_;
  krb5::Key own_key_;
  std::map<std::string, krb5::Key> outgoing_, incoming_;  // by the other realm
};

// FakeRealms carries messages to the KDC of their realm.
class FakeRealms {
 public:
  void add(FakeKdc& kdc) { kdcs_[kdc.realm()] = &kdc; }
  // none: the realm has no KDC, or `silent`.
  std::optional<Bytes> carry(const std::string& realm, ByteView request) {
    ++messages;
    carried.push_back(realm);
    const auto kdc = kdcs_.find(realm);
    if (silent || kdc == kdcs_.end()) return std::nullopt;
    return kdc->second->handle(request);
  }

  bool silent = false;
  int messages = 0;
  std::vector<std::string> carried;  // realms, in their order

 private:
  std::map<std::string, FakeKdc*> kdcs_;
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_FAKES_FAKE_KDC_H_
