// A list that is searched from its front: a client has a handful of tickets.
#include "mechs/krb5/ticket_cache.h"

#include <algorithm>
#include <limits>

#include "base/guard.h"
#include "mechs/krb5/times.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr UnixMicros kEnoughForOneLogin = 60 * kSecond;

KerberosTime seconds(uint32_t time) {
  return KerberosTime{int64_t{time}};
}

// credential_of copies an entry of a file.
Result<ServiceCredential> credential_of(const CcacheCredential& entry, UnixMicros clock_offset) {
  PGSS_TRY(Key key, Key::create(entry.etype, entry.key));
  return ServiceCredential{
      Principal(entry.client),
      Principal(entry.server),
      entry.ticket.to_bytes(),
      std::move(key),
      entry.ticket_flags,
      seconds(entry.authtime),
      seconds(entry.starttime != 0 ? entry.starttime : entry.authtime),
      seconds(entry.endtime),
      seconds(entry.renew_till),
      clock_offset,
  };
}

bool usable(const CcacheCredential& entry) {
  return !entry.is_config() && !entry.removed() && !entry.is_skey &&
         (entry.ticket_flags & ticket_flag::kInvalid) == 0;
}

// of_file: a time beyond what a file can hold is the last that it can.
uint32_t of_file(KerberosTime time) {
  constexpr int64_t kLast = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::clamp<int64_t>(time.seconds, 0, kLast));
}

// offset_of_file: one of many years has no place in a file; who reads it asks a KDC for the time.
std::optional<KdcOffset> offset_of_file(UnixMicros offset) {
  const int64_t seconds = offset / kSecond;
  if (offset == 0 || seconds != static_cast<int32_t>(seconds)) return std::nullopt;
  return KdcOffset{static_cast<int32_t>(seconds), static_cast<int32_t>(offset % kSecond)};
}

// file_entry borrows from the credential.
CcacheCredential file_entry(const ServiceCredential& from) {
  CcacheCredential out;
  out.client = from.client.view();
  out.server = from.server.view();
  out.etype = static_cast<int32_t>(from.session_key.etype());
  out.key = from.session_key.view();
  out.authtime = of_file(from.authtime);
  out.starttime = of_file(from.starttime);
  out.endtime = of_file(from.endtime);
  out.renew_till = of_file(from.renew_till);
  out.ticket_flags = from.ticket_flags;
  out.ticket = from.ticket;
  return out;
}

bool grants_tickets(const Principal& server) {
  const PrincipalView view = server.view();
  return view.components.size() == 2 && view.components.front() == kTgsName;
}

template <typename Entry>
bool same_names(const Entry& a, const Entry& b) {
  return same_principal(a.client.view(), b.client.view()) &&
         same_principal(a.server.view(), b.server.view());
}

bool is_asked_for(const PrincipalView& has, PrincipalView asked) {
  if (asked.realm.empty()) asked.realm = has.realm;
  return same_principal(has, asked);
}

constexpr std::string_view kAskedFor = "pocketgss_asked_for";

// setting_name is how MIT krb5 names a setting of a whole cache.
Principal setting_name(std::string_view setting) {
  Principal out(name_type::kUnknown, kConfigRealm);
  out.add("krb5_ccache_conf_data").add(setting);
  return out;
}

}  // namespace

Principal tgs_of(const Principal& client) {
  Principal out(name_type::kSrvInst, client.realm());
  out.add(kTgsName).add(client.realm());
  return out;
}

std::optional<Principal> asked_name(const Ccache& file) {
  const Principal setting = setting_name(kAskedFor);
  for (const CcacheCredential& entry : file) {
    if (!same_principal(entry.server, setting.view())) continue;
    auto name = parse_principal(as_text(entry.ticket), "");
    if (name.has_value()) return std::move(name).value();
  }
  return std::nullopt;
}

bool still_valid(const ServiceCredential& credential, UnixMicros now) {
  const UnixMicros kdc_time = now + credential.clock_offset;
  return unix_micros(credential.starttime) <= kdc_time + kMaxSkew &&
         unix_micros(credential.endtime) > kdc_time + kEnoughForOneLogin;
}

ServiceCredential clone(const ServiceCredential& from) {
  return ServiceCredential{
      from.client,   from.server,    from.ticket,  from.session_key.clone(), from.ticket_flags,
      from.authtime, from.starttime, from.endtime, from.renew_till,          from.clock_offset,
  };
}

void TicketCache::add(const Principal& client, const Principal& server,
                      const ServiceCredential& credential) {
  put({client, server, clone(credential)});
}

void TicketCache::put(Entry entry) {
  const std::lock_guard lock(mutex_);
  const auto same = std::find_if(entries_.begin(), entries_.end(),
                                 [&](const Entry& old) { return same_names(old, entry); });
  if (same != entries_.end()) {
    entries_.erase(same);
  } else if (entries_.size() == kMaxTickets) {
    entries_.erase(least());
  }
  entries_.push_back(std::move(entry));
}

// least: of those that end at one time, as the tickets of one login do, min_element() takes the first,
// which is the oldest.
std::vector<TicketCache::Entry>::iterator TicketCache::least() {
  return std::min_element(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    const bool a_grants = grants_tickets(a.server), b_grants = grants_tickets(b.server);
    return a_grants != b_grants ? b_grants : a.credential.endtime < b.credential.endtime;
  });
}

std::optional<ServiceCredential> TicketCache::find(const PrincipalView& client,
                                                   const PrincipalView& server,
                                                   UnixMicros now) const {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (same_principal(entry.client.view(), client) && is_asked_for(entry.server.view(), server) &&
        still_valid(entry.credential, now))
      return clone(entry.credential);
  }
  return std::nullopt;
}

std::optional<ServiceCredential> TicketCache::find_tgt(const PrincipalView& client,
                                                       UnixMicros now) const {
  const std::string_view names[] = {kTgsName, client.realm};
  return find(client, {name_type::kSrvInst, client.realm, Components(names)}, now);
}

void TicketCache::forget(const PrincipalView& client, const PrincipalView& server) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) {
    return same_principal(entry.client.view(), client) &&
           (is_asked_for(entry.server.view(), server) ||
            is_asked_for(entry.credential.server.view(), server));
  });
}

void TicketCache::forget_tgt(const PrincipalView& client) {
  const std::string_view names[] = {kTgsName, client.realm};
  forget(client, {name_type::kSrvInst, client.realm, Components(names)});
}

size_t TicketCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

Result<SecretBytes> TicketCache::write(const PrincipalView& client) const {
  return guarded("credential cache", [&]() -> Result<SecretBytes> {
    const std::lock_guard lock(mutex_);
    const ServiceCredential* newest = nullptr;
    for (const Entry& entry : entries_) {
      if (!same_principal(entry.client.view(), client)) continue;
      if (newest == nullptr || entry.credential.authtime >= newest->authtime)
        newest = &entry.credential;
    }
    if (newest == nullptr) return Error{Errc::kNeedsCredential, "there is no ticket", 0, 0};
    // The file has one offset. What was got while the clock was another by more than is allowed
    // could not be used with it.
    const UnixMicros clock_offset = newest->clock_offset;
    std::vector<CcacheCredential> out;
    // The file's owner is who the KDC says that it is; by what name he was asked for stands beside.
    const PrincipalView owner = newest->client.view();
    const Principal setting = setting_name(kAskedFor);
    const std::string asked = principal_text(client);
    if (!same_principal(client, owner)) {
      CcacheCredential& entry = out.emplace_back();
      entry.client = owner;
      entry.server = setting.view();
      entry.ticket = as_bytes(asked);
    }
    for (const Entry& entry : entries_) {
      if (!same_principal(entry.client.view(), client) ||
          distance(entry.credential.clock_offset, clock_offset) > kMaxSkew) {
        continue;
      }
      out.push_back(file_entry(entry.credential));
    }
    return write_ccache(owner, offset_of_file(clock_offset), out);
  });
}

bool TicketCache::has_better(const Entry& entry) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& old) {
    return same_names(old, entry) && old.credential.endtime >= entry.credential.endtime;
  });
}

Result<size_t> TicketCache::add_all(const Ccache& file, std::span<const Etype> etypes,
                                    const Principal* asked) {
  return guarded("credential cache", [&]() -> Result<size_t> {
    size_t passed_over = 0;
    UnixMicros offset = 0;
    if (file.kdc_offset())
      offset = file.kdc_offset()->seconds * kSecond + file.kdc_offset()->microseconds;
    for (const CcacheCredential& entry : file) {
      if (!usable(entry)) continue;
      auto credential = credential_of(entry, offset);
      if (!credential.has_value()) continue;
      const Etype etype = credential.value().session_key.etype();
      Entry made{Principal(entry.client), Principal(entry.server), std::move(credential).value()};
      if (asked != nullptr && same_principal(entry.client, file.default_principal())) {
        made.client = *asked;
        // As a login by that name would have kept it.
        if (is_tgs(entry.server, entry.client.realm)) made.server = tgs_of(*asked);
      }
      if (has_better(made)) continue;
      if (std::find(etypes.begin(), etypes.end(), etype) == etypes.end()) {
        ++passed_over;
        continue;
      }
      put(std::move(made));
    }
    return passed_over;
  });
}

}  // namespace pocketgss::mechs::krb5
