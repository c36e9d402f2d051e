// A Kerberos service and a client with a ticket for it, without a KDC.
#ifndef PGSS_TESTS_FAKES_KERBEROS_LOGIN_H_
#define PGSS_TESTS_FAKES_KERBEROS_LOGIN_H_

#include <memory>
#include <string>
#include <string_view>

#include <pocketgss/context.h>

#include "lib/replay_cache.h"
#include "lib/ticket_source.h"
#include "tests/mechs/krb5/exchange.h"

namespace pocketgss::testing {

// IssuedTicket is the same ticket for every exchange.
class IssuedTicket final : public TicketSource {
 public:
  Result<std::unique_ptr<mechs::krb5::CredentialSource>> start(Runtime&,
                                                               std::string_view) const override {
    return std::unique_ptr<mechs::krb5::CredentialSource>(
        std::make_unique<mechs::krb5::ReadyCredential>(*maker.credential));
  }

  mutable mechs::krb5::testing::Exchange maker;
};

// KerberosLogin is a key table, and tickets for its services, of one key.
class KerberosLogin {
 public:
  static constexpr std::string_view kService = "smtp/mail.example.test@EXAMPLE.TEST";

  // ticket makes one that is valid now.
  std::shared_ptr<IssuedTicket> ticket(std::string_view client = "alice@EXAMPLE.TEST",
                                       std::string_view service = kService) const {
    auto out = std::make_shared<IssuedTicket>();
    out->maker.clock.set(system_clock().now());
    out->maker.service_key = key_.clone();
    out->maker.ticket.client = mechs::krb5::parse_principal(client, "").value();
    out->maker.ticket.service = mechs::krb5::parse_principal(service, "").value();
    out->maker.issue();
    return out;
  }
  // keytab is a file with this key for each of the services.
  SecretBytes keytab(std::initializer_list<std::string_view> services = {kService}) const {
    std::vector<mechs::krb5::Principal> principals;
    for (const std::string_view service : services) {
      principals.push_back(mechs::krb5::parse_principal(service, "").value());
    }
    std::vector<mechs::krb5::KeytabEntry> entries;
    for (const mechs::krb5::Principal& principal : principals) {
      mechs::krb5::KeytabEntry entry;
      entry.principal = principal.view();
      entry.etype = static_cast<int32_t>(key_.etype());
      entry.key = key_.view();
      entry.set_kvno(mechs::krb5::testing::TicketSpec().kvno);
      entries.push_back(entry);
    }
    return mechs::krb5::write_keytab(entries).value();
  }

  // initiator and acceptor are configurations that fit each other. The acceptor's program has run
  // for an hour, so that its replay cache knows what came before.
  InitiatorConfig initiator() const {
    InitiatorConfig out;
    out.tickets = ticket();
    out.target = "smtp/mail.example.test";
    return out;
  }
  AcceptorConfig acceptor() const {
    AcceptorConfig out;
    out.host = "mail.example.test";
    out.keys = read_service_keys(keytab()).value();
    out.replay_cache = std::make_shared<ReplayCache>(system_clock(), 64, 3'600'000'000);
    return out;
  }

 private:
  CountingRandom random_;
  mechs::krb5::Key key_ =
      mechs::krb5::Key::random(mechs::krb5::Etype::kAes256CtsHmacSha1, random_).value();
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_FAKES_KERBEROS_LOGIN_H_
