// A KDC that is played by the input.
#include "fuzz/oracles_kdc.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "fuzz/check.h"
#include "lib/kdc_framing.h"
#include "mechs/krb5/kdc_client.h"
#include "mechs/krb5/times.h"
#include "tests/fakes/fake_kdc.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"

namespace pocketgss::fuzz {
namespace {

namespace krb5 = mechs::krb5;

constexpr size_t kMaxInput = 8192;
// Two users and two services may be tried, each with as many rounds and realms as there may be.
constexpr int kMostRequests = 2 * (16 + 1) + 2 * (2 * 11 + 1);

// Pieces takes the input apart: what is left at its end is zeros.
class Pieces {
 public:
  explicit Pieces(ByteView input) : left_(input) {}
  uint8_t octet() {
    if (left_.empty()) return 0;
    const uint8_t out = left_[0];
    left_ = left_.from(1);
    return out;
  }
  ByteView octets() {
    const size_t size = std::min<size_t>(left_.size(), size_t{octet()} * 4);
    const ByteView out = left_.prefix(std::min(size, left_.size()));
    left_ = left_.from(out.size());
    return out;
  }

 private:
  ByteView left_;
};

class Session {
 public:
  explicit Session(ByteView input) : pieces_(input) {
    const krb5::Etype etype = krb5::Etype::kAes128CtsHmacSha1;
    krb5::Key key = krb5::Key::random(etype, random_).value();
    auto& alice = kdc_.add_user("alice", "");
    alice.etypes = {static_cast<int32_t>(etype)};
    const uint8_t settings = pieces_.octet();
    alice.preauth = (settings & 1) != 0;
    alice.key = std::make_shared<const krb5::Key>(key.clone());
    kdc_.users["alice@example.test"] = alice;
    kdc_.add_service("smtp/mail.example.test", etype);
    kdc_.trust(other_);
    other_.add_service("SMTPSVC/mail.example.test", etype);
    if ((settings & 2) != 0) kdc_.referrals["SMTPSVC/mail.example.test"] = "OTHER.TEST";
    if ((settings & 4) != 0) kdc_.services.clear();
    secret_.keys.push_back(std::move(key));
    config_.policy.etypes = {etype};
    config_.policy.ticket_lifetime = (settings & 8) != 0 ? 3600 * krb5::kSecond : 0;
    config_.clients = krb5::client_names("alice@example.test", "").value();
    config_.services = krb5::service_names("smtp", "mail.example.test", "").value();
    config_.secret = &secret_;
  }

  void run() {
    auto source = krb5::make_kdc_client(runtime_, config_).value();
    auto answer = source->start();
    int requests = 0;
    while (answer.has_value() && std::holds_alternative<NeedExchange>(answer.value())) {
      PGSS_FUZZ_CHECK(++requests <= kMostRequests);
      const NeedExchange need = std::get<NeedExchange>(std::move(answer.value()));
      check_request(need);
      answer = source->resume({reply_to(need)});
    }
    if (answer.has_value()) {
      check_ticket(*std::get<const krb5::ServiceCredential*>(answer.value()));
      PGSS_FUZZ_CHECK(source->resume({Bytes{}}).error().code == Errc::kApiMisuse);
    } else {
      PGSS_FUZZ_CHECK(answer.error().code != Errc::kApiMisuse);
      PGSS_FUZZ_CHECK(answer.error().code != Errc::kInternal);
      PGSS_FUZZ_CHECK(source->resume({Bytes{}}).error() == answer.error());
      PGSS_FUZZ_CHECK(source->start().error() == answer.error());
    }
  }

 private:
  void check_request(const NeedExchange& need) {
    const bool as_req = krb5::message_type(need.request) == krb5::MessageType::kAsReq;
    if (as_req) as_realm_ = need.realm;
    const auto req = as_req ? krb5::parse_as_req(need.request) : krb5::parse_tgs_req(need.request);
    PGSS_FUZZ_CHECK(req.has_value());
    const krb5::KdcReqBody& body = req.value().req_body;
    PGSS_FUZZ_CHECK(body.realm == need.realm);
    PGSS_FUZZ_CHECK((body.kdc_options.bits & ~krb5::kdc_option::kCanonicalize) == 0);
    PGSS_FUZZ_CHECK(body.etype.size() == 1 && body.etype.front() == 17);
    if (!req.value().padata) return;
    const auto stamp = krb5::find(*req.value().padata, krb5::padata_type::kEncTimestamp);
    if (stamp) PGSS_FUZZ_CHECK(krb5::parse_encrypted_data(*stamp).value().etype == 17);
  }

  std::optional<Bytes> reply_to(const NeedExchange& need) {
    testing::FakeKdc& kdc = need.realm == "OTHER.TEST" ? other_ : kdc_;
    kdc.twist = {};
    switch (pieces_.octet() % 8) {
      case 0:  // as it is
      case 1:
        break;
      case 2: {  // other octets in the encrypted part
        kdc.twist.plaintext = [this](SecretBytes& plain) { change(plain.mutable_view()); };
        break;
      }
      case 3: {  // another encrypted part
        const ByteView part = pieces_.octets();
        kdc.twist.plaintext = [part](SecretBytes& plain) { plain = SecretBytes(part); };
        break;
      }
      case 4:  // other octets in the message
        kdc.twist.octets = [this](Bytes& reply) { change(reply); };
        break;
      case 5: {
        const auto code = static_cast<int8_t>(pieces_.octet());
        const Bytes e_data = pieces_.octets().to_bytes();
        kdc.clock_ahead = static_cast<int8_t>(pieces_.octet()) * UnixMicros{3600} * krb5::kSecond;
        const ByteView crealm = pieces_.octets();
        return kdc.krb_error(code, e_data, std::string(as_text(crealm)));
      }
      case 6: {  // PREAUTH_REQUIRED with any ETYPE-INFO2
        kdc.twist.etype_info2 = pieces_.octets().to_bytes();
        break;
      }
      default:
        if (const ByteView any = pieces_.octets(); !any.empty()) return any.to_bytes();
        return std::nullopt;
    }
    return kdc.handle(need.request);
  }

  void change(MutableBytes octets) {
    for (int count = pieces_.octet() % 8; count > 0 && !octets.empty(); --count) {
      const size_t at = (size_t{pieces_.octet()} << 8 | pieces_.octet()) % octets.size();
      octets[at] = pieces_.octet();
    }
  }

  void check_ticket(const krb5::ServiceCredential& ticket) {
    // An enterprise name may have led to another realm: the one that was asked last.
    PGSS_FUZZ_CHECK(same_ignoring_case(ticket.client.realm(), as_realm_));
    const auto named = [&](const krb5::Principal& service) {
      krb5::Principal there = service;
      there.set_realm(ticket.server.realm());
      return krb5::same_service(there.view(), ticket.server.view());
    };
    PGSS_FUZZ_CHECK(std::any_of(config_.services.begin(), config_.services.end(), named));
    PGSS_FUZZ_CHECK(ticket.session_key.etype() == krb5::Etype::kAes128CtsHmacSha1);
    PGSS_FUZZ_CHECK(krb5::unix_micros(ticket.endtime) > clock_.now() + ticket.clock_offset);
    PGSS_FUZZ_CHECK(krb5::distance(ticket.clock_offset, 0) <= config_.policy.max_clock_correction);
    const auto der = krb5::parse_ticket(ticket.ticket);
    PGSS_FUZZ_CHECK(der.has_value());
    PGSS_FUZZ_CHECK(der.value().realm == ticket.server.realm());
  }

  Pieces pieces_;
  std::string as_realm_;
  testing::FakeClock clock_{krb5::KdcPolicy{}.clock_floor + 86400 * krb5::kSecond};
  testing::CountingRandom random_;
  Runtime runtime_ = Runtime::create(clock_, random_).value();
  testing::FakeKdc kdc_{runtime_, "EXAMPLE.TEST"};
  testing::FakeKdc other_{runtime_, "OTHER.TEST"};
  krb5::ClientSecret secret_;
  krb5::KdcClientConfig config_;
};

}  // namespace

void check_kdc_session(ByteView input) {
  if (input.size() <= kMaxInput) Session(input).run();
}

void check_kdc_framing(ByteView input) {
  KdcFrameReader whole;
  const auto expected = whole.feed(input);
  KdcFrameReader by_octet;
  for (size_t i = 0; i < input.size(); ++i) {
    const auto got = by_octet.feed(input.sub(i, 1));
    if (!got.has_value()) {
      PGSS_FUZZ_CHECK(!expected.has_value());
      PGSS_FUZZ_CHECK(!by_octet.feed(input).has_value());
      return;
    }
    if (!got.value()) continue;
    PGSS_FUZZ_CHECK(expected.has_value() && expected.value() == got.value());
    PGSS_FUZZ_CHECK(ByteView(frame(*got.value())) == input.prefix(i + 1));
    return;
  }
  PGSS_FUZZ_CHECK(expected.has_value() && !expected.value());
}

}  // namespace pocketgss::fuzz
