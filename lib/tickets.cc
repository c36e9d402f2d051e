// A user, his proof and his tickets, as contexts and requests use them.
#include "lib/tickets.h"

#include <algorithm>
#include <list>
#include <optional>
#include <utility>

#include "base/guard.h"
#include "base/mutex.h"
#include "lib/ticket_source.h"
#include "mechs/krb5/kdc_client.h"
#include "mechs/krb5/times.h"

namespace pocketgss {
namespace {

namespace krb5 = mechs::krb5;
using Answer = krb5::CredentialSource::Answer;

constexpr UnixMicros kMaxLifetime = UnixMicros{100} * 366 * 86'400 * 1'000'000;

Error misuse(const char* what) {
  return Error{Errc::kApiMisuse, what, 0, 0};
}
Error needs(const char* what) {
  return Error{Errc::kNeedsCredential, what, 0, 0};
}

Result<std::vector<krb5::Principal>> services_of(std::string_view text) {
  if (text.empty()) return std::vector<krb5::Principal>();
  const auto name = krb5::parse_principal(text, "");
  if (!name.has_value() && name.error().code != Errc::kMalformed) return name.error();
  // No peer has sent this text, so none of its faults is kMalformed.
  if (!name.has_value() || name.value().view().components.size() != 2)
    return misuse("a service is named service/host");
  const krb5::PrincipalView view = name.value().view();
  auto component = view.components.begin();
  const std::string service(*component);
  const std::string host(*++component);
  return krb5::service_names(service, host, view.realm);
}

using SharedCredential = std::shared_ptr<const krb5::ServiceCredential>;

// Remembered is the ticket that an earlier login got for the same service.
class Remembered final : public krb5::CredentialSource {
 public:
  explicit Remembered(SharedCredential credential) : credential_(std::move(credential)) {}
  Result<Answer> start() override { return Answer(credential_.get()); }
  Result<Answer> resume(ExchangeAnswer) override { return misuse("nothing was asked for"); }
  bool proof_sent() const override { return false; }

 private:
  SharedCredential credential_;
};

// Tickets by the text that asked for them: what a program that logs in again and again finds
// without a look at names. A look that began before something was forgotten adds nothing: its ticket
// may be the forgotten one.
class Memory {
 public:
  uint64_t forgotten() const {
    const std::lock_guard lock(mutex_);
    return forgotten_;
  }
  void forget_all() {
    const std::lock_guard lock(mutex_);
    ++forgotten_;
    entries_.clear();
  }
  SharedCredential find(std::string_view service, UnixMicros now) const {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      if (entry.service == service && krb5::still_valid(*entry.credential, now))
        return entry.credential;
    }
    return nullptr;
  }
  void add(const std::string& service, SharedCredential credential, uint64_t forgotten) {
    const std::lock_guard lock(mutex_);
    if (forgotten != forgotten_) return;
    std::erase_if(entries_, [&](const Entry& entry) { return entry.service == service; });
    if (entries_.size() == kMaxEntries) entries_.pop_front();
    entries_.push_back({service, std::move(credential)});
  }

 private:
  static constexpr size_t kMaxEntries = 8;
  struct Entry {
    std::string service;
    SharedCredential credential;
  };
  mutable Mutex mutex_;
  std::list<Entry> entries_;
  uint64_t forgotten_ = 0;  // how often
};

// Login is one look for a ticket, in the cache first.
class Login final : public krb5::CredentialSource {
 public:
  Login(Runtime& runtime, krb5::KdcClientConfig config, std::string_view service, Memory& memory)
      : runtime_(runtime),
        config_(std::move(config)),
        service_(service),
        memory_(memory),
        forgotten_(memory.forgotten()) {}

  Result<Answer> start() override {
    if (client_ != nullptr) return client_->start();
    PGSS_TRY(client_, krb5::make_kdc_client(runtime_, config_));
    return remembered(client_->start());
  }
  Result<Answer> resume(ExchangeAnswer answer) override {
    if (client_ == nullptr) return misuse("nothing was asked for");
    return remembered(client_->resume(std::move(answer)));
  }
  bool proof_sent() const override { return client_ != nullptr && client_->proof_sent(); }

 private:
  Result<Answer> remembered(Result<Answer> answer) {
    if (!answer.has_value()) return answer;
    const auto* got = std::get_if<const krb5::ServiceCredential*>(&answer.value());
    if (got != nullptr && !service_.empty()) {
      memory_.add(service_, std::make_shared<const krb5::ServiceCredential>(krb5::clone(**got)),
                  forgotten_);
    }
    return answer;
  }

  Runtime& runtime_;
  krb5::KdcClientConfig config_;
  std::string service_;
  Memory& memory_;
  uint64_t forgotten_;
  std::unique_ptr<krb5::CredentialSource> client_;
};

// UserTickets is what make_tickets makes.
class UserTickets final : public TicketSource {
 public:
  static Result<std::shared_ptr<TicketSource>> create(TicketSettings settings);

  Result<std::unique_ptr<krb5::CredentialSource>> start(Runtime& runtime,
                                                        std::string_view target) const override {
    if (target.empty()) return misuse("InitiatorConfig.target");
    return login(runtime, target);
  }
  Result<std::unique_ptr<krb5::CredentialSource>> login(Runtime& runtime,
                                                        std::string_view service) const override {
    return guarded("tickets", [&]() -> Result<std::unique_ptr<krb5::CredentialSource>> {
      if (auto known = memory_.find(service, runtime.clock().now())) {
        return std::unique_ptr<krb5::CredentialSource>(
            std::make_unique<Remembered>(std::move(known)));
      }
      krb5::KdcClientConfig config;
      PGSS_TRY(config.services, services_of(service));
      config.clients = clients_;
      config.secret = secret_ ? &*secret_ : nullptr;
      config.cache = &cache_;
      config.policy = policy_;
      return std::unique_ptr<krb5::CredentialSource>(
          std::make_unique<Login>(runtime, std::move(config), service, memory_));
    });
  }
  // The cache first: what is added to the memory afterwards cannot come from there.
  Result<void> forget(std::string_view service) override {
    PGSS_TRY(const std::vector<krb5::Principal>& services, services_of(service));
    for (const krb5::Principal& client : clients_) {
      if (services.empty()) cache_.forget_tgt(client.view());
      for (const krb5::Principal& name : services) cache_.forget(client.view(), name.view());
    }
    memory_.forget_all();
    return {};
  }
  std::string user_realm() const override { return clients_.front().realm(); }
  Result<SecretBytes> write() const override {
    for (const krb5::Principal& client : clients_) {
      auto file = cache_.write(client.view());
      if (file.has_value() || file.error().code != Errc::kNeedsCredential) return file;
    }
    return needs("there is no ticket");
  }

 private:
  Result<void> read_policy(const TicketSettings&);
  Result<void> read_proof(TicketSettings&);
  Result<void> read_keytab(const TicketSettings&);
  Result<void> read_ccache(const TicketSettings&);
  Result<void> read_user(const TicketSettings&, std::string_view default_realm);
  std::optional<krb5::Principal> name_of_cache(const krb5::Ccache&, const TicketSettings&);
  bool is_anothers(const krb5::Ccache&) const;

  std::vector<krb5::Principal> clients_;  // what the user's name may mean, in this order
  std::optional<krb5::ClientSecret> secret_;
  krb5::KdcPolicy policy_;
  mutable krb5::TicketCache cache_;
  mutable Memory memory_;
};

Result<void> UserTickets::read_policy(const TicketSettings& settings) {
  if (!settings.etypes.empty()) policy_.etypes.clear();
  for (const int32_t number : settings.etypes) {
    const auto etype = krb5::known_etype(number);
    if (!etype) return misuse("TicketSettings.etypes");
    if (*etype == krb5::Etype::kRc4Hmac && !settings.allow_rc4)
      return Error{Errc::kPolicy, "P10: etype 23 (rc4-hmac)", 0, 0};
    policy_.etypes.push_back(*etype);
  }
  if (settings.etypes.empty() && settings.allow_rc4) {
    if (const auto rc4 = krb5::known_etype(static_cast<int32_t>(krb5::Etype::kRc4Hmac)))
      policy_.etypes.push_back(*rc4);
  }
  if (settings.lifetime < 0 || settings.lifetime > kMaxLifetime)
    return misuse("TicketSettings.lifetime");
  if (settings.max_clock_correction < 0) return misuse("TicketSettings.max_clock_correction");
  policy_.max_iterations = settings.max_iterations;
  policy_.require_strong_preauth = settings.require_strong_preauth;
  policy_.max_clock_correction = settings.max_clock_correction;
  policy_.ticket_lifetime = settings.lifetime;
  return {};
}

Result<void> UserTickets::read_user(const TicketSettings& settings,
                                    std::string_view default_realm) {
  // DOMAIN\user is the name of NTLM; in a principal's a backslash stands before what would end a part.
  for (size_t at = 0; (at = settings.user.find('\\', at)) != std::string::npos; at += 2) {
    if (settings.user.find_first_of("/@\\", at + 1) != at + 1)
      return Error{Errc::kMalformed, "user", static_cast<uint32_t>(at), 0};
  }
  const bool has_realm = !settings.realm.empty() || settings.user.find('@') != std::string::npos;
  auto names = krb5::client_names(settings.user, has_realm ? settings.realm : default_realm);
  if (!names.has_value() && names.error().code == Errc::kMalformed)
    return Error{Errc::kMalformed, "user", names.error().offset, 0};
  PGSS_TRY(clients_, std::move(names));
  return {};
}

Result<void> UserTickets::read_keytab(const TicketSettings& settings) {
  PGSS_TRY(const krb5::Keytab& keytab, krb5::parse_keytab(settings.keytab.view()));
  PGSS_TRY(const std::vector<krb5::PrincipalView>& owners, krb5::principals(keytab));
  if (owners.empty()) return needs("the key table is empty");
  if (settings.user.empty()) {
    for (const krb5::PrincipalView& owner : owners) {
      if (!settings.realm.empty() && owner.realm != settings.realm) continue;
      clients_.emplace_back(owner);
      break;
    }
    if (clients_.empty()) return needs("the key table has no key of the realm");
  } else {
    PGSS_CHECK(read_user(settings, owners.front().realm));
  }
  // The name that the table has keys of is the one to log in with (quirk D9).
  for (krb5::Principal& client : clients_) {
    auto secret = krb5::ClientSecret::of_keytab(keytab, client.view());
    if (!secret.has_value()) continue;
    secret_ = std::move(secret).value();
    clients_ = {krb5::Principal(client)};
    return {};
  }
  return needs("the key table has no key of the user");
}

Result<void> UserTickets::read_ccache(const TicketSettings& settings) {
  PGSS_TRY(const krb5::Ccache& ccache, krb5::parse_ccache(settings.ccache.view()));
  if (clients_.empty()) {
    if (settings.user.empty()) {
      if (!settings.realm.empty() && settings.realm != ccache.default_principal().realm)
        return needs("the credential cache is of another realm");
      clients_.emplace_back(ccache.default_principal());
    } else {
      PGSS_CHECK(read_user(settings, ccache.default_principal().realm));
    }
  }
  const std::optional<krb5::Principal> asked = name_of_cache(ccache, settings);
  PGSS_TRY(const size_t passed_over,
           cache_.add_all(ccache, policy_.etypes, asked ? &*asked : nullptr));
  if (!secret_ && !asked && is_anothers(ccache))
    return needs("the credential cache is another user's");
  if (passed_over != 0 && cache_.size() == 0 && !secret_)
    return Error{Errc::kPolicy,
                 "P10: the tickets of the cache have keys of etypes that are not allowed", 0, 0};
  return {};
}

// name_of_cache: a KDC may call the user by another name than he does, as an Active Directory does where
// he gives a UPN. The cache has both, and serves him by that very name (quirk D21). Its realm is that
// of a cache which stands alone, unless the settings have one.
std::optional<krb5::Principal> UserTickets::name_of_cache(const krb5::Ccache& ccache,
                                                          const TicketSettings& settings) {
  auto asked = krb5::asked_name(ccache);
  if (!asked) return asked;
  const krb5::PrincipalView name = asked->view();
  for (const krb5::Principal& client : clients_) {
    if (same_principal(client.view(), name)) return asked;
    const bool is_enterprise = client.view().name_type == krb5::name_type::kEnterprise;
    if (is_enterprise && client.view().components == name.components && settings.realm.empty() &&
        !secret_) {
      clients_ = {*asked};
      return asked;
    }
  }
  return std::nullopt;
}

// is_anothers: it has tickets, and none of the user's.
bool UserTickets::is_anothers(const krb5::Ccache& ccache) const {
  bool any = false;
  for (const krb5::CcacheCredential& entry : ccache) {
    if (entry.is_config() || entry.removed()) continue;
    any = true;
    for (const krb5::Principal& client : clients_)
      if (same_principal(entry.client, client.view())) return false;
  }
  return any;
}

Result<void> UserTickets::read_proof(TicketSettings& settings) {
  const int proofs =
      !settings.password.empty() + !settings.keytab.empty() + !settings.nt_hash.empty();
  if (proofs > 1) return misuse("TicketSettings: a password, a key table or an NT hash");
  if (proofs == 0 && settings.ccache.empty())
    return needs("no password, key table or credential cache");
  if (!settings.keytab.empty()) {
    PGSS_CHECK(read_keytab(settings));
  } else if (proofs == 1 && (!settings.user.empty() || settings.ccache.empty())) {
    PGSS_CHECK(read_user(settings, ""));
  }
  if (!settings.password.empty()) {
    if (settings.password.size() > krb5::kMaxPassword) return misuse("TicketSettings.password");
    secret_.emplace();
    secret_->password = std::move(settings.password);
  }
  if (!settings.nt_hash.empty()) {
    if (settings.nt_hash.size() != 16) return misuse("TicketSettings.nt_hash");
    if (!settings.allow_rc4)
      return Error{Errc::kPolicy, "P10: an NT hash is a key of etype 23", 0, 0};
    PGSS_TRY(secret_,
             krb5::ClientSecret::of_nt_hash(FixedView<16>(settings.nt_hash.view().first(16))));
  }
  if (settings.ccache.empty()) return {};
  return read_ccache(settings);
}

Result<std::shared_ptr<TicketSource>> UserTickets::create(TicketSettings settings) {
  const auto made = std::make_shared<UserTickets>();
  PGSS_CHECK(made->read_policy(settings));
  PGSS_CHECK(made->read_proof(settings));
  return std::shared_ptr<TicketSource>(made);
}

Ticket description(const krb5::ServiceCredential& credential) {
  return Ticket{
      krb5::principal_text(credential.client.view()),
      krb5::principal_text(credential.server.view()),
      static_cast<int32_t>(credential.session_key.etype()),
      krb5::unix_micros(credential.endtime) - credential.clock_offset,
      credential.clock_offset,
  };
}

class Request final : public TicketRequest {
 public:
  Request(std::shared_ptr<TicketSource> tickets, std::unique_ptr<krb5::CredentialSource> source)
      : tickets_(std::move(tickets)), source_(std::move(source)) {}

  Result<Step> start() override {
    return advance([&] { return step(source_->start()); });
  }
  Result<Step> resume(ExchangeAnswer answer) override {
    return advance([&] { return step(source_->resume(std::move(answer))); });
  }
  bool proof_sent() const override { return source_->proof_sent(); }

 private:
  // advance keeps what ends the request, also where it was an allocation outside the exchange.
  template <typename Call>
  Result<Step> advance(Call&& call) {
    if (failed_) return *failed_;
    auto result = guarded("ticket request", std::forward<Call>(call));
    if (!result.has_value() && result.error().code != Errc::kApiMisuse) failed_ = result.error();
    return result;
  }
  static Result<Step> step(Result<Answer> answer) {
    if (!answer.has_value()) return answer.error();
    if (auto* need = std::get_if<NeedExchange>(&answer.value())) return Step(std::move(*need));
    return Step(description(*std::get<const krb5::ServiceCredential*>(answer.value())));
  }

  std::shared_ptr<TicketSource> tickets_;  // which the source borrows from
  std::unique_ptr<krb5::CredentialSource> source_;
  std::optional<Error> failed_;
};

}  // namespace

Result<std::shared_ptr<TicketSource>> make_tickets(TicketSettings settings) {
  return guarded("make_tickets", [&] { return UserTickets::create(std::move(settings)); });
}

Result<std::unique_ptr<TicketRequest>> request_ticket(Runtime& runtime,
                                                      std::shared_ptr<TicketSource> tickets,
                                                      std::string_view service) {
  return guarded("request_ticket", [&]() -> Result<std::unique_ptr<TicketRequest>> {
    if (tickets == nullptr) return misuse("request_ticket: no tickets");
    PGSS_TRY(auto&& source, tickets->login(runtime, service));
    return std::unique_ptr<TicketRequest>(
        std::make_unique<Request>(std::move(tickets), std::move(source)));
  });
}

Result<void> forget_ticket(TicketSource& tickets, std::string_view service) {
  return guarded("forget_ticket", [&] { return tickets.forget(service); });
}

std::string user_realm(const TicketSource& tickets) {
  return tickets.user_realm();
}

Result<SecretBytes> write_ccache(const TicketSource& tickets) {
  return tickets.write();
}

}  // namespace pocketgss
