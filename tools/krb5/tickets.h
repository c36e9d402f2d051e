// How the verbs get Kerberos tickets: their options, and the way from these to a ticket.
#ifndef PGSS_TOOLS_KRB5_TICKETS_H_
#define PGSS_TOOLS_KRB5_TICKETS_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <pocketgss/krb5_conf.h>
#include <pocketgss/tickets.h>

#include "tools/fallible.h"

namespace CLI {
class App;
}

namespace pocketgss::tools {

// KerberosOptions are those of every verb that gets tickets.
struct KerberosOptions {
  std::string realm;
  std::vector<std::string> kdcs;  // "HOST" or "HOST:PORT", the first to be asked first
  std::string krb5_conf;          // path; empty: none is read
  std::string keytab;             // path, the same with nt_hash_file
  std::string nt_hash_file;       // 32 hexadecimal digits
  bool udp_first = false;
  bool allow_rc4 = false;
  std::chrono::milliseconds deadline{15'000};  // of all that KDCs are asked for
};

// add_kerberos_options adds them to a verb.
void add_kerberos_options(CLI::App& verb, KerberosOptions& options);

// OffsetClock is the system's clock, corrected: what a KDC said that the time is (policy row P16).
class OffsetClock final : public Clock {
 public:
  UnixMicros now() override { return system_clock().now() + offset; }
  UnixMicros offset = 0;
};

// read_krb5_conf reads the file that --krb5-conf names, and read_nt_hash one of 32 hexadecimal digits:
// 16 octets. Once for a run: a pipe gives what is in it only once. Without a path there is nothing.
// Failures: kNoInput, kDataError.
Fallible<std::optional<Krb5Conf>> read_krb5_conf(const std::string& path);
Fallible<SecretBytes> read_nt_hash(const std::string& path);

// TicketFailure also says whether another mechanism may be tried: may_fall_back().
struct TicketFailure {
  Failure failure;
  bool may_fall_back = false;
};

// Whom is what tickets are made of beside the options: all of it may be empty. `ccache` is a path.
struct Whom {
  std::string user;
  SecretBytes password, nt_hash;
  std::string ccache;
};

// read_tickets makes the source of tickets. Failures: kNoInput, kDataError (a file), kUsage,
// kConfig (a setting that contradicts another); and with `may_fall_back` kUsage, where nothing is
// wrong but that Kerberos lacks something: the realm, a key, a ticket of the user's.
std::variant<std::shared_ptr<TicketSource>, TicketFailure> read_tickets(
    const KerberosOptions& options, const std::optional<Krb5Conf>& conf, Whom whom);

// KdcAccess is the way to the KDCs that the options name, or those of DNS, for one run of the
// program: the deadline is for all tickets together, and begins with the first question.
class KdcAccess {
 public:
  // The KDCs of --kdc are those of the source's user. Failures: those of Kdcs::create.
  static Fallible<KdcAccess> create(const KerberosOptions& options,
                                    const std::optional<Krb5Conf>& conf,
                                    const TicketSource& tickets);
  KdcAccess(KdcAccess&&) noexcept;
  ~KdcAccess();

  // fetch gets a ticket for `service` ("smtp/mail.example.test", or empty for the ticket-granting
  // ticket). Where it names no realm, the krb5.conf may know that of the host. The ticket
  // stays with the source; one that it has already needs no KDC.
  std::variant<Ticket, TicketFailure> fetch(Runtime& runtime,
                                            const std::shared_ptr<TicketSource>& tickets,
                                            std::string_view service);

 private:
  struct Impl;
  explicit KdcAccess(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// kerberos_exit_code is the program's where a ticket could not be had.
ExitCode kerberos_exit_code(Errc code);

// kerberos_failure says in words what an Error of a ticket means, and what to do.
Failure kerberos_failure(const Error& error, std::string_view service);

// ticket_text describes one in a line.
std::string ticket_text(const Ticket& ticket);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_KRB5_TICKETS_H_
