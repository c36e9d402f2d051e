// The words of one authentication step, which mechanisms, contexts and the SASL layer all speak:
// what to send, what to look up, which flags were agreed on.
#ifndef POCKETGSS_STEP_H_
#define POCKETGSS_STEP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include <pocketgss/bytes.h>
#include <pocketgss/secret.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// ContextFlags has the values of RFC 2744 appendix A (GSS_C_MUTUAL_FLAG and so on).
enum ContextFlags : uint32_t {
  kNoContextFlags = 0,
  kMutualFlag = 2,    // the acceptor proves itself too
  kReplayFlag = 4,    // per-message replay detection
  kSequenceFlag = 8,  // per-message sequence detection
  kConfFlag = 16,     // confidentiality of messages
  kIntegFlag = 32,    // integrity of messages
  kAnonFlag = 64,     // never set by us: anonymous is refused
};
constexpr ContextFlags operator|(ContextFlags a, ContextFlags b) {
  return static_cast<ContextFlags>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}
constexpr ContextFlags operator&(ContextFlags a, ContextFlags b) {
  return static_cast<ContextFlags>(static_cast<uint32_t>(a) & static_cast<uint32_t>(b));
}
constexpr bool has(ContextFlags flags, ContextFlags flag) {
  return (flags & flag) == flag;
}

// PrfKey is the key of GSS_Pseudo_random (RFC 4401 2): kFull is GSS_C_PRF_KEY_FULL, to which both
// sides have contributed where the mechanism has that; kPartial is GSS_C_PRF_KEY_PARTIAL, which the
// initiator knew before the acceptor answered.
enum class PrfKey : uint8_t { kFull, kPartial };

// PolicyLevel: `kDefault` works with every peer that is safe; `kStrict` takes only what current
// Windows sends.
enum class PolicyLevel : uint8_t { kDefault, kStrict };

// BindingRequirement: what is asked of channel bindings (policy row P5).
enum class BindingRequirement : uint8_t { kOff, kWhenSupported, kRequire };

// TargetNameCheck: what an acceptor does with the target name (SPN) that the initiator sent (policy
// row P18).
enum class TargetNameCheck : uint8_t { kOff, kIfPresent, kRequired };

// Continue: send `token` to the peer and come back with its answer. The token may be empty, and is
// then sent as such.
struct Continue {
  Bytes token;
};

// NeedExchange: send `request` to a service other than the peer (a KDC of `realm`) and resume()
// with its reply. Both are the bare message (RFC 4120 5.4, 5.9.1), without a length in front. By UDP a
// datagram is one message (RFC 4120 7.2.1); by TCP each has its length in front, four octets,
// big-endian (RFC 4120 7.2.2), which the one who carries it puts there and takes off again. A proxy by
// HTTPS takes, and gives, a KDC-PROXY-MESSAGE with such a length and the message in kerb-message, and
// wants the realm in target-domain ([MS-KKDCP] 2.2.2). Of several KDCs judge_kdc_reply()
// (<pocketgss/kdc_exchange.h>) says when the next one is to be asked.
struct NeedExchange {
  std::string realm;
  Bytes request;
  bool stream_only = false;  // the reply did not fit in a datagram: ask by TCP
};

// NeedAccount: an acceptor asks who this is. `user` and `domain` are the names as the peer sent
// them, in UTF-8, not yet authenticated. resume() with the account, or with none; both take the
// same path and the same time.
struct NeedAccount {
  std::string user;
  std::string domain;
};

// Established: both sides are done as far as this side can tell. `token`, where there is one, must
// still go to the peer, even an empty one.
struct Established {
  std::optional<Bytes> token;
  // The peer can do without `token` where the protocol above reports success in its place
  // (SSEAN-W2): it is SPNEGO's last word and has no token of the mechanism inside it. An AP-REP is
  // what a client waits for (policy row P11).
  bool token_replaceable = false;
};

// ContextStep is what one call to step() or resume() of a context asks of the caller.
using ContextStep = std::variant<Continue, NeedExchange, NeedAccount, Established>;

// Account is what a look-up gives: the name by which the application knows it, and its key in the
// form that the mechanism asked for (for NTLM the NT hash, 16 bytes). An account of another key
// size is refused like an unknown one.
struct Account {
  std::string name;
  SecretBytes key;
};

// ContextInfo is what is known of an established context.
struct ContextInfo {
  const char* mechanism = "";  // the one in force: "NTLM" or "Kerberos"; static
  ContextFlags flags = kNoContextFlags;
  // UTF-8, as the mechanism proved it: of NTLM `DOMAIN\user`, `user` or `user@domain`; of Kerberos
  // the principal, `user@REALM` or `service/host@REALM`, where "/", "@" and "\" of a name or a realm
  // itself stand behind a backslash each: the realm is what follows the only "@" that has none, or
  // an even number of them, before it.
  std::string initiator_name;
  // Acceptor only: the name by which the application knows it: Account::name; of Kerberos
  // `initiator_name`.
  std::string account_name;
  std::string logon_name;  // Kerberos acceptor: `DOMAIN\user` of a PAC whose signature is right
  std::string
      target_name;  // the service as the initiator named it ("smtp/mail.example.test"); may be empty
  std::string target_realm;    // Kerberos acceptor: the realm of that service
  bool channel_bound = false;  // both sides proved the same channel binding
  bool mic_verified = false;   // acceptor, NTLM: the AUTHENTICATE carried a MIC, and it is right
  bool mech_list_mic_verified = false;  // SPNEGO: the peer's mechListMIC was checked
};

// Unwrapped is what is known of a message that was unwrapped.
struct Unwrapped {
  size_t size;        // in octets
  bool confidential;  // it was encrypted
};

// Answers to NeedAccount and NeedExchange.
struct AccountAnswer {
  std::optional<Account> account;  // none: unknown or disabled
  // The look-up itself failed, whatever stands in `account`: nobody is let in (policy row P20), and
  // the error is kUnreachable with `where` = "account look-up", so that the peer can be told to come
  // again. The peer can tell it from a refusal: say it of a whole store, not of single names.
  bool unavailable = false;
};
struct ExchangeAnswer {
  std::optional<Bytes> reply;  // none: the service did not answer
};
using Answer = std::variant<AccountAnswer, ExchangeAnswer>;

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_STEP_H_
