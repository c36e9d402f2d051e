// A device that mails what it has scanned: SMTP, a Kerberos ticket by password from KDCs that it is
// configured with, NTLM where Kerberos cannot be used. It is linked to be weighed (script/bench
// --check). docs/kerberos.md has the text between the markers; script/check_docs compares.
#include <pocketgss/get_ticket.h>
#include <pocketgss/kdc_transport.h>
#include <pocketgss/smtp_client.h>
#include <pocketgss/tickets.h>

#include "bench/size/connection.h"

namespace pocketgss::size {

// [prefetch]
// Gets the user's ticket before there is a connection. An error: there must be no login. No error and
// no ticket: NTLM is left, where login.policy.inner names it beside Kerberos.
Result<void> add_ticket(Runtime& runtime, TicketSettings settings, KdcTransport& transport,
                        InitiatorConfig& login) {
  bool proof_sent = false;
  const auto got = [&]() -> Result<std::shared_ptr<TicketSource>> {
    PGSS_TRY(auto tickets, make_tickets(std::move(settings)));
    PGSS_TRY(const auto request, request_ticket(runtime, tickets, login.target));
    const Result<Ticket> ticket = get_ticket(*request, transport);
    proof_sent = request->proof_sent();
    if (!ticket.has_value()) return ticket.error();
    return tickets;
  }();
  const bool ntlm = login.policy.names(InnerMechanism::kNtlm);
  if (got.has_value()) {
    login.tickets = got.value();  // only then: a context would ask the KDC once more
  } else if (!ntlm || !may_fall_back(got.error(), proof_sent)) {
    return got.error();
  }
  return {};
}
// [/prefetch]

}  // namespace pocketgss::size

int main(int, char** argv) {
  using namespace pocketgss;
  Runtime runtime = Runtime::create().value();
  const AccountName name = AccountName::parse(argv[1]).value();
  InitiatorConfig config;
  config.credential =
      Credential::from_password(runtime, name, SecretBytes(as_bytes(argv[2]))).value();
  config.target = "smtp/mail.example.test";
  config.policy.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
  size::Connection server(argv[4]);

  TicketSettings settings;
  settings.user = argv[1];
  settings.password = SecretBytes(as_bytes(argv[2]));
  ConfiguredKdcs kdcs;
  kdcs.add("EXAMPLE.TEST", parse_kdc_address(argv[3]).value());
  KdcTransport transport(kdcs, KdcTransportConfig{});
  const auto added = size::add_ticket(runtime, std::move(settings), transport, config);
  if (!added.has_value()) {
    server.log(describe(added.error()));
    return 1;
  }

  InitiatorContexts contexts(runtime, config);
  SmtpClientConfig smtp_config;
  smtp_config.ehlo_name = "scanner.example.test";
  SmtpClient smtp(contexts, smtp_config);
  while (!server.done()) {
    const auto event = smtp.next_event();
    server.write(smtp.take_output());
    if (!event) {
      const ByteView bytes = server.read();
      server.done() ? smtp.closed() : smtp.receive(bytes);
    } else if (std::holds_alternative<SmtpClient::StartTls>(*event)) {
      TlsChannel tls;
      auto binding = ChannelBinding::tls_server_end_point(server.certificate());
      if (binding.has_value()) tls.bindings.push_back(std::move(binding).value());
      if (!smtp.tls_started(std::move(tls)).has_value()) return 1;
    } else if (std::holds_alternative<SmtpClient::Exchange>(*event)) {
      if (!smtp.resume({}).has_value()) return 1;  // the ticket has ended since: without one
    } else if (const auto* failed = std::get_if<SmtpClient::Failed>(&*event)) {
      server.log(failed->failure.message);
      return 1;
    } else if (std::holds_alternative<SmtpClient::Ready>(*event)) {
      if (!smtp.mail("scanner@example.test", {}).has_value()) return 1;
      if (!smtp.rcpt("alice@example.test").has_value()) return 1;
      if (!smtp.data().has_value()) return 1;
    } else if (const auto* reply = std::get_if<SmtpClient::Reply>(&*event)) {
      if (reply->verb == "DATA") {
        if (!smtp.write_data(server.read()).has_value()) return 1;
        if (!smtp.finish_data().has_value()) return 1;
      } else if (reply->verb == ".") {
        if (!smtp.quit().has_value()) return 1;
      }
    }
  }
  return 0;
}
