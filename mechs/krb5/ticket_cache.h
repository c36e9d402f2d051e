// The tickets that a program keeps in memory, for all its logins.
#ifndef PGSS_MECHS_KRB5_TICKET_CACHE_H_
#define PGSS_MECHS_KRB5_TICKET_CACHE_H_

#include <optional>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "mechs/krb5/ccache.h"
#include "mechs/krb5/credential.h"

namespace pocketgss::mechs::krb5 {

// clone copies a credential, its key too.
ServiceCredential clone(const ServiceCredential&);

// still_valid: its starttime has come, and its endtime is more than a minute away, by the KDC's
// clock, where ours says `now`.
bool still_valid(const ServiceCredential&, UnixMicros now);

// tgs_of names the ticket-granting service of the client's realm.
Principal tgs_of(const Principal& client);

// asked_name is the name that the owner of a cache was asked for by, where the KDC has given him
// another one; nothing where there is no such setting, or none that can be read.
std::optional<Principal> asked_name(const Ccache&);

// TicketCache may be shared by threads. A ticket is found by the client and the service as they
// were asked for, so that nobody gets another user's (quirk D21), and by no other name. What it
// gives out is a copy.
class TicketCache {
 public:
  static constexpr size_t kMaxTickets = 256;

  // add keeps a copy, in place of one for the same names; the cache being full, of the one that
  // ends first, and of several the oldest. A ticket-granting ticket makes room only where there is no
  // other ticket: it is what the others are got with. A ticket of a KDC that
  // has renamed the client or the service is kept under the names that were asked for. May throw std::bad_alloc.
  void add(const Principal& client, const Principal& server, const ServiceCredential&);

  // find returns one that is valid now and for a minute more, by the KDC's clock. A `server` without
  // a realm is one whose realm is not known: a ticket for that name in any realm is its own.
  std::optional<ServiceCredential> find(const PrincipalView& client, const PrincipalView& server,
                                        UnixMicros now) const;
  std::optional<ServiceCredential> find_tgt(const PrincipalView& client, UnixMicros now) const;

  // forget drops those that find() would give for these names at any time, and those that the KDC
  // has made for this server, whatever was asked for.
  void forget(const PrincipalView& client, const PrincipalView& server);
  void forget_tgt(const PrincipalView& client);

  // add_all takes from a credential cache what can be used, and of several for the same names the one
  // that ends last. Passed over are configuration entries, removed credentials, tickets with the flag
  // INVALID (RFC 4120 2.2) and those for user-to-user. A ticket whose session
  // key is of none of these etypes is passed over (policy row P10); returned is how many were. With
  // `asked` it keeps those of the file's owner as those of a client who was asked for by that name.
  // Errors: kNoMemory.
  Result<size_t> add_all(const Ccache&, std::span<const Etype> etypes,
                         const Principal* asked = nullptr);

  // write makes a file of version 4 with all of `client`'s tickets, in the order in which they came.
  // Where the KDC calls him by another name, that is the owner's, and asked_name() finds
  // `client`. Errors: those of write_ccache; kNeedsCredential where there is none.
  Result<SecretBytes> write(const PrincipalView& client) const;

  size_t size() const;

 private:
  struct Entry {
    Principal client, server;
    ServiceCredential credential;
  };
  std::vector<Entry>::iterator least();  // what goes from a full cache
  bool has_better(const Entry&) const;
  void put(Entry);

  mutable Mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_TICKET_CACHE_H_
