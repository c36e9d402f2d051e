// Users and services in their order, through the cache and the two exchanges.
#include "mechs/krb5/kdc_client.h"

#include <optional>
#include <utility>
#include <variant>

namespace pocketgss::mechs::krb5 {
namespace {

// speaks_of_tgt: a new ticket-granting ticket may be taken where this one was not: its key was changed,
// or the time is another one. What else a KDC says it would say again, and to a password that is an
// old one by now it would say something worse, which counts against the account.
bool speaks_of_tgt(int32_t code) {
  switch (code) {
    case error_code::kTgtRevoked:
    case error_code::kBadIntegrity:
    case error_code::kTktExpired:
    case error_code::kTktNyv:
    case error_code::kSkew:
    case error_code::kModified:
    case error_code::kBadkeyver:
      return true;
    default:
      return false;
  }
}

// may_know_another_name: the KDC does not know the user by this name, or by this name he is another
// realm's; Active Directory says the latter of a suffix that is no realm of its own (quirks D7, D9).
bool may_know_another_name(int32_t code) {
  return code == error_code::kCPrincipalUnknown || code == error_code::kWrongRealm;
}

class KdcClient final : public CredentialSource {
 public:
  KdcClient(Runtime& runtime, const KdcClientConfig& config) : runtime_(runtime), config_(config) {}

  Result<Answer> start() override {
    if (const auto* failed = std::get_if<Failed>(&state_)) return failed->error;
    if (!std::holds_alternative<Start>(state_))
      return Error{Errc::kApiMisuse, "the KDC client has begun", 0, 0};
    state_ = Failed{kOutOfMemory};
    return keep_error(begin());
  }

  Result<Answer> resume(ExchangeAnswer answer) override {
    if (const auto* failed = std::get_if<Failed>(&state_)) return failed->error;
    if (!waits()) return Error{Errc::kApiMisuse, "nothing was asked for", 0, 0};
    // Whatever ends this call, also an allocation that fails, leaves the state Failed.
    State state = std::exchange(state_, Failed{kOutOfMemory});
    if (auto* tgt = std::get_if<AwaitTgt>(&state))
      return keep_error(on_tgt(std::move(*tgt), std::move(answer)));
    return keep_error(on_ticket(std::move(std::get<AwaitTicket>(state)), std::move(answer)));
  }

  bool proof_sent() const override { return proof_sent_; }

 private:
  static constexpr Error kOutOfMemory{Errc::kNoMemory, "KDC client", 0, 0};

  struct Start {};
  struct AwaitTgt {
    std::unique_ptr<AsExchange> exchange;
  };
  struct AwaitTicket {
    std::unique_ptr<TgsExchange> exchange;  // which borrows the ticket-granting ticket
  };
  struct Done {};
  struct Failed {
    Error error;
  };
  using State = std::variant<Start, AwaitTgt, AwaitTicket, Done, Failed>;

  bool waits() const {
    return std::holds_alternative<AwaitTgt>(state_) || std::holds_alternative<AwaitTicket>(state_);
  }
  Result<Answer> keep_error(Result<Answer> result) {
    if (!result.has_value()) state_ = Failed{result.error()};
    return result;
  }
  const Principal& client() const { return config_.clients[client_]; }

  Result<Answer> begin();
  Result<Answer> begin_as();
  Result<Answer> begin_tgs();
  Result<Answer> on_tgt(AwaitTgt&&, ExchangeAnswer);
  Result<Answer> on_ticket(AwaitTicket&&, ExchangeAnswer);
  Result<Answer> done(ServiceCredential);

  Runtime& runtime_;
  const KdcClientConfig& config_;
  State state_ = Start{};
  size_t client_ = 0, service_ = 0;  // the present ones
  bool proof_sent_ = false;
  bool tgt_is_old_ = false;  // it is of the cache
  std::optional<ServiceCredential> tgt_;
  std::optional<ServiceCredential> result_;
};

// begin looks into the cache: a ticket of any of the services before a new login.
Result<CredentialSource::Answer> KdcClient::begin() {
  const UnixMicros now = runtime_.clock().now();
  if (config_.cache == nullptr) return begin_as();
  for (client_ = 0; client_ < config_.clients.size(); ++client_) {
    for (const Principal& service : config_.services) {
      auto ticket = config_.cache->find(client().view(), service.view(), now);
      if (ticket) return done(std::move(*ticket));
    }
    if (auto tgt = config_.cache->find_tgt(client().view(), now)) {
      tgt_ = std::move(tgt);
      tgt_is_old_ = true;
      if (config_.services.empty()) return done(clone(*tgt_));
      return begin_tgs();
    }
  }
  client_ = 0;
  return begin_as();
}

Result<CredentialSource::Answer> KdcClient::begin_as() {
  if (config_.secret == nullptr)
    return Error{Errc::kNeedsCredential, "there is no valid ticket, and no password to get one", 0,
                 0};
  AwaitTgt next{std::make_unique<AsExchange>(runtime_, config_.policy, client(), *config_.secret)};
  PGSS_TRY(AsExchange::Answer answer, next.exchange->start());
  state_ = std::move(next);
  return Answer(std::move(std::get<NeedExchange>(answer)));
}

Result<CredentialSource::Answer> KdcClient::begin_tgs() {
  AwaitTicket next{
      std::make_unique<TgsExchange>(runtime_, config_.policy, *tgt_, config_.services[service_])};
  PGSS_TRY(TgsExchange::Answer answer, next.exchange->start());
  state_ = std::move(next);
  return Answer(std::move(std::get<NeedExchange>(answer)));
}

Result<CredentialSource::Answer> KdcClient::on_tgt(AwaitTgt&& state, ExchangeAnswer reply) {
  auto answer = state.exchange->resume(std::move(reply));
  proof_sent_ = proof_sent_ || state.exchange->proof_sent();
  if (!answer.has_value()) {
    const Error& error = answer.error();
    const bool unknown = may_know_another_name(error.peer_status) && !state.exchange->proof_sent();
    if (!unknown || client_ + 1 == config_.clients.size()) return error;
    ++client_;
    return begin_as();
  }
  if (auto* need = std::get_if<NeedExchange>(&answer.value())) {
    Answer out(std::move(*need));
    state_ = std::move(state);
    return out;
  }
  tgt_ = std::move(std::get<ServiceCredential>(answer.value()));
  if (config_.cache != nullptr) config_.cache->add(client(), tgs_of(client()), *tgt_);
  if (config_.services.empty()) return done(clone(*tgt_));
  return begin_tgs();
}

Result<CredentialSource::Answer> KdcClient::on_ticket(AwaitTicket&& state, ExchangeAnswer reply) {
  auto answer = state.exchange->resume(std::move(reply));
  if (!answer.has_value()) {
    const Error& error = answer.error();
    const bool unknown = error.peer_status == error_code::kSPrincipalUnknown;
    // A ticket-granting ticket that the KDC does not take any more is no reason to give up where there
    // is what to get a new one with. That of another realm came by the one of the cache, which was taken.
    if (speaks_of_tgt(error.peer_status) && !state.exchange->was_referred() && tgt_is_old_ &&
        config_.secret != nullptr) {
      tgt_is_old_ = false;
      return begin_as();
    }
    if (!unknown || service_ + 1 == config_.services.size()) return error;
    ++service_;
    return begin_tgs();
  }
  if (auto* need = std::get_if<NeedExchange>(&answer.value())) {
    Answer out(std::move(*need));
    state_ = std::move(state);
    return out;
  }
  auto& ticket = std::get<ServiceCredential>(answer.value());
  if (config_.cache != nullptr) config_.cache->add(client(), config_.services[service_], ticket);
  return done(std::move(ticket));
}

Result<CredentialSource::Answer> KdcClient::done(ServiceCredential credential) {
  result_ = std::move(credential);
  state_ = Done{};
  return Answer(&*result_);
}

}  // namespace

Result<std::unique_ptr<CredentialSource>> make_kdc_client(Runtime& runtime,
                                                          const KdcClientConfig& config) {
  if (config.clients.empty()) return Error{Errc::kNeedsCredential, "there is no user name", 0, 0};
  return std::unique_ptr<CredentialSource>(std::make_unique<KdcClient>(runtime, config));
}

}  // namespace pocketgss::mechs::krb5
