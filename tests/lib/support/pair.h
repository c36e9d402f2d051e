// Two contexts that talk to each other in memory.
#ifndef PGSS_TESTS_LIB_SUPPORT_PAIR_H_
#define PGSS_TESTS_LIB_SUPPORT_PAIR_H_

#include <pocketgss/context.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pocketgss::testing {

inline constexpr std::string_view kPassword = "Pässword-513";
inline constexpr std::string_view kHost = "mail.example.test";
inline constexpr std::string_view kTarget = "smtp/mail.example.test";

Runtime& runtime();

// Configurations that fit each other: `user` with kPassword, NTLM named, channel bindings where
// supported and none given.
InitiatorConfig initiator_config(std::string_view user = "user",
                                 std::string_view password = kPassword);
AcceptorConfig acceptor_config();

using Lookup = std::function<AccountAnswer(const NeedAccount&)>;
// The look-up that knows "user" and "user@example.test" by kPassword, and nobody else.
AccountAnswer known_users(const NeedAccount&);

// Outcome is how far an exchange came, and every token of it.
struct Outcome {
  std::unique_ptr<Context> initiator, acceptor;
  std::optional<Error> initiator_error, acceptor_error;
  std::vector<Bytes> tokens;  // the initiator's first, then in turn
  std::optional<NeedAccount> asked;

  bool established() const {
    return initiator && acceptor && initiator->established() && acceptor->established();
  }
  // What ended it, "" where nothing did, for one comparison in a test.
  std::string why() const;
};

// Meddler may change a token on its way: `index` counts from 0.
using Meddler = std::function<void(size_t index, Bytes& token)>;

Outcome run(MechanismKind, const InitiatorConfig&, const AcceptorConfig&,
            const Lookup& = known_users, const Meddler& = {});

// go_on runs two contexts on from wherever they are; `token` is for the acceptor.
void go_on(Outcome&, std::optional<Bytes> token, const Lookup&, const Meddler& = {});

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_LIB_SUPPORT_PAIR_H_
