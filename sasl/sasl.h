// SASL mechanisms over GSS contexts: GSSAPI as [MS-SSEAN] means it (SPNEGO) and as RFC 4752 does
// (Kerberos), GSS-SPNEGO, and NTLM ([MS-SMTPNTLM]). Bytes in and bytes out, without base64 and
// without a protocol around them; smtp_client.h and smtp_server.h add SMTP.
#ifndef POCKETGSS_SASL_H_
#define POCKETGSS_SASL_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <pocketgss/bytes.h>
#include <pocketgss/context.h>
#include <pocketgss/result.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// kGssapiKrb5 is the GSSAPI of RFC 4752: Kerberos without SPNEGO around it, under the same
// registered name. A client uses it only where it is named. A server under kGssapi takes both, as
// the first token says; under kGssapiKrb5 it takes that one alone.
enum class SaslMechanism : uint8_t { kGssapi, kGssSpnego, kNtlm, kGssapiKrb5 };

// sasl_name returns the registered name: "GSSAPI", "GSS-SPNEGO", "NTLM".
std::string_view sasl_name(SaslMechanism);
// sasl_mechanism finds a mechanism by its registered name, without regard to case; "GSSAPI" is
// kGssapi. None: it is not one of ours.
std::optional<SaslMechanism> sasl_mechanism(std::string_view name);
// sasl_label is the name that tells all of them apart, for users and logs: "GSSAPI-KRB5" of
// kGssapiKrb5, else sasl_name(). sasl_mechanism_of_label finds a mechanism by it, without regard to
// case.
std::string_view sasl_label(SaslMechanism);
std::optional<SaslMechanism> sasl_mechanism_of_label(std::string_view label);

// SecurityLayer has the values of RFC 4752 3.3, so that a set of layers is their sum.
enum SecurityLayer : uint8_t { kNoLayer = 1, kIntegrityLayer = 2, kConfidentialityLayer = 4 };
constexpr SecurityLayer operator|(SecurityLayer a, SecurityLayer b) {
  return static_cast<SecurityLayer>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b));
}
constexpr SecurityLayer operator&(SecurityLayer a, SecurityLayer b) {
  return static_cast<SecurityLayer>(static_cast<uint8_t>(a) & static_cast<uint8_t>(b));
}

// LayerOptions say what may protect the connection after a login (policy row P25).
struct LayerOptions {
  // A client wants, and a server offers, the layers of this set and no others; of those that both
  // sides have the strongest is chosen. A set without kNoLayer requires a layer. What there is
  // depends on the context: confidentiality only where it has kConfFlag. NTLM has none.
  SecurityLayer layers = kNoLayer;
  // The largest buffer that we take, in octets behind its length: 1 to 16,777,215.
  uint32_t max_receive = 65'536;
};

// ContextRequest is what a SASL mechanism asks of a ContextProvider.
struct ContextRequest {
  MechanismKind kind = MechanismKind::kSpnego;
  // Those of the TLS channel; an initiator uses the first. Empty: those of the configuration, if any.
  std::span<const ChannelBinding> bindings;
  // What these layers need is asked for, whatever the configuration says.
  SecurityLayer layers = kNoLayer;
  // Integrity and confidentiality are asked for only as `layers` needs them: GSS-SPNEGO, where
  // these flags are the wish for a security layer (quirk A22); NTLM, where Cyrus gives SIGN back
  // without the EXTENDED_SESSIONSECURITY that signing needs (policy row P3). What the negotiation
  // itself needs is not touched.
  bool exact_layers = false;
};

// ContextProvider is where SASL gets its contexts from. The default ones are below; a test or
// another GSS library can stand in. One provider serves one connection, in that connection's
// thread, and outlives the contexts that it made, of which there is at most one at a time.
class ContextProvider {
 public:
  virtual ~ContextProvider() = default;
  // make starts one context. Errors: those of make_initiator() and make_acceptor(); kApiMisuse where
  // the request and the configuration name different channel bindings.
  virtual Result<std::unique_ptr<Context>> make(const ContextRequest& request) = 0;
  // offers: make() can make contexts of this kind, as far as the configuration tells. It is asked of
  // acceptors: what they do not offer an SMTP server neither announces nor takes.
  virtual bool offers(MechanismKind) const { return true; }
  // has_binding: make() has a channel binding of its own for a request that names none.
  virtual bool has_binding() const { return false; }
  virtual const Policy& policy() const = 0;
};

// InitiatorContexts makes initiators from a configuration, which it keeps. The channel binding is that
// of the request, or InitiatorConfig::channel_binding where the request has none; both may be given if
// they are the same. Its constructor does not throw, but the copy that it is given may
// (std::bad_alloc): std::move() one into it. It can be neither copied nor moved: its contexts point
// into it.
class InitiatorContexts final : public ContextProvider {
 public:
  InitiatorContexts(Runtime& runtime, InitiatorConfig config) noexcept;
  InitiatorContexts(const InitiatorContexts&) = delete;
  InitiatorContexts& operator=(const InitiatorContexts&) = delete;
  Result<std::unique_ptr<Context>> make(const ContextRequest& request) override;
  bool has_binding() const override { return bound_; }
  const Policy& policy() const override { return config_.policy; }

 private:
  Result<std::unique_ptr<Context>> make_guarded(const ContextRequest& request);
  Runtime& runtime_;
  InitiatorConfig config_;
  const ContextFlags flags_;  // as configured
  const bool bound_;          // there is a channel binding in the configuration
};

// AcceptorContexts does so for acceptors, with AcceptorConfig::channel_bindings, whose order does not
// matter. It offers NTLM where AcceptorConfig::ntlm is set, Kerberos where there are keys, and SPNEGO
// with either.
class AcceptorContexts final : public ContextProvider {
 public:
  AcceptorContexts(Runtime& runtime, AcceptorConfig config) noexcept;
  AcceptorContexts(const AcceptorContexts&) = delete;
  AcceptorContexts& operator=(const AcceptorContexts&) = delete;
  Result<std::unique_ptr<Context>> make(const ContextRequest& request) override;
  bool offers(MechanismKind kind) const override;
  bool has_binding() const override { return bound_; }
  const Policy& policy() const override { return config_.policy; }

 private:
  Result<std::unique_ptr<Context>> make_guarded(const ContextRequest& request);
  Runtime& runtime_;
  AcceptorConfig config_;
  const bool bound_;  // there are channel bindings in the configuration
};

// SaslReport says how a login went, for the user and for logs. It holds no secret.
struct SaslReport {
  // A server's is kGssapiKrb5 where the client of a GSSAPI sent bare Kerberos.
  SaslMechanism mechanism = SaslMechanism::kGssapi;
  ContextInfo context;
  std::string authzid;  // acceptor: the identity asked for in the security-layer step; empty: none
  bool layer_step = false;         // the security-layer step of RFC 2222 7.2 was run
  SecurityLayer layer = kNoLayer;  // the one in force
  // The largest buffers that go each way, in octets behind their length; 0 without a layer, and
  // what the peer takes also under GSS-SPNEGO, which does not say.
  uint32_t max_send = 0, max_receive = 0;
  // Success took the place of the acceptor's last token: its mechListMIC was not verified.
  bool early_success = false;
};

// SaslLayer protects the connection after a login that chose a layer (RFC 4422 3.7, RFC 4752 3.3).
// Each buffer is
//   [0-3]  its length, big-endian
//   [4-]   a token of Context::wrap()
// After an error every later call of that direction returns the same one: close the connection.
class SaslLayer {
 public:
  // `layer` is kIntegrityLayer or kConfidentialityLayer; `max_send` 0 is unknown. The context lives
  // on in here; what it borrows outlives the layer.
  SaslLayer(std::unique_ptr<Context> context, SecurityLayer layer, uint32_t max_send,
            uint32_t max_receive);
  ~SaslLayer();

  // wrap adds `message` to `out`, in as many buffers as it needs, of 16 KiB at most. Errors:
  // kPeerIncompatible (the peer's maximum size has no room for a single octet), kNoMemory,
  // kInternal; what `out` then holds must not be sent.
  Result<void> wrap(ByteView message, Bytes& out);
  // unwrap takes octets off the front of `input`, in pieces of any size, up to the end of one
  // buffer. True: content() is what was in it. False: all was taken, and there is no end yet. No
  // more is kept than arrived, max_receive octets at most; an empty `input` gives back the memory of
  // the content, where that is large. Errors: kPeerMisbehaved with `where` =
  // "security layer buffer: size" (above the maximum) or "security layer buffer: not encrypted";
  // those of Context::unwrap().
  Result<bool> unwrap(ByteView& input);
  // content is valid until the next unwrap().
  ByteView content() const { return content_; }

 private:
  Result<void> put(ByteView& message, Bytes& out);
  Result<void> take(ByteView& input, bool& whole);

  std::unique_ptr<Context> context_;
  SecurityLayer layer_;
  uint32_t max_receive_;
  size_t largest_message_;  // that one buffer of ours may carry
  FixedBytes<4> length_{};
  size_t length_octets_ = 0;  // of length_, so far
  Bytes token_;               // the beginning of one that came in pieces
  Bytes content_;
  Result<void> wrapped_, unwrapped_;  // how the last call ended
};

// SaslClient is one exchange, seen from the client.
class SaslClient {
 public:
  virtual ~SaslClient() = default;

  // Response: send `token` to the server; it may be empty.
  struct Response {
    Bytes token;
  };
  using Step = std::variant<Response, NeedExchange>;

  // step takes the server's challenge; the first call has an empty one and gives the initial
  // response. Errors: those of Context::step(); kMalformed and kPeerMisbehaved (the security-layer
  // offer), kPeerIncompatible (it has no layer that we take, or the context no integrity); kPolicy
  // (row P8). After an error every later call returns the same one: cancel the
  // exchange. A call out of turn is kApiMisuse, here and below, and changes nothing.
  virtual Result<Step> step(ByteView challenge) = 0;
  // resume takes the answer to NeedExchange. Errors: as step().
  virtual Result<Step> resume(ExchangeAnswer) = 0;
  // success: the server says that the client is logged in. Errors: kPeerMisbehaved (the exchange
  // was not complete; under kGssapiKrb5 the server has proven itself neither by an AP-REP nor by
  // the security-layer step), kPolicy (row P8: this policy does not take an early success; row P25:
  // a layer is required and there is none); the client must then close the connection.
  virtual Result<SaslReport> success() = 0;
  // take_layer gives, once after success(), what all later octets go through; null where the
  // report says kNoLayer. It may throw std::bad_alloc, and can then be called again.
  virtual std::unique_ptr<SaslLayer> take_layer() = 0;

  // proof_sent: no other mechanism may be tried after a failure (policy row P8). An AP-REQ counts
  // once the server has answered it.
  virtual bool proof_sent() const = 0;
  // mechanism_name: Context::mechanism_name().
  virtual const char* mechanism_name() const = 0;
};

struct SaslClientOptions {
  // For the security-layer step; UTF-8; empty (the default) is what servers expect.
  std::string authzid = {};
  LayerOptions layer = {};
};

// make_sasl_client starts an exchange. The bindings are those of the TLS channel, of which the first
// is used; an empty list leaves that of the configuration in force. Errors: those of
// ContextProvider::make(); kPolicy with
// `where` = "P5: channel binding required" where the policy requires a binding and there is none,
// "P25: ..." where a layer is required of a mechanism that has none; kApiMisuse (`authzid` has CR,
// LF or NUL; LayerOptions out of range).
Result<std::unique_ptr<SaslClient>> make_sasl_client(SaslMechanism, ContextProvider&,
                                                     std::span<const ChannelBinding>,
                                                     const SaslClientOptions& = {});

// NeedAuthorisation: may the user whom `report` names log in? He has proven who he is, and has not
// been told of a success. What is decided after the answer is not in the report: the layer and
// `early_success`, where no security-layer step is run.
struct NeedAuthorisation {
  SaslReport report;
};

// AuthorisationAnswer is the answer to NeedAuthorisation. Anything but kYes ends the exchange.
enum class AuthorisationAnswer : uint8_t {
  kNo,           // kAuthFailed with `where` = "authorisation"
  kYes,          // go on
  kUnavailable,  // cannot tell now: kUnreachable with `where` = "authorisation"
};

// SaslServer is one exchange, seen from the server.
class SaslServer {
 public:
  virtual ~SaslServer() = default;

  // Challenge: send `token` to the client; it may be empty. `context_complete`: the client's
  // password or ticket was taken, and no more than the end of the exchange is missing.
  struct Challenge {
    Bytes token;
    bool context_complete = false;
  };
  // Success: logged in. SMTP has no place for data beside its 235, so there is none here.
  struct Success {
    SaslReport report;
  };
  using Step = std::variant<Challenge, NeedAccount, NeedAuthorisation, Success>;

  // step takes the client's response; the first one is the initial response.
  // Errors: those of Context::step(); kMalformed, kPeerMisbehaved (the layer answer, or a response
  // where none was due); kAuthFailed with `where` = "authzid" (an identity that is not the
  // authenticated one); kPolicy. To the client each of them is one and the same refusal (policy row
  // P23). A call out of turn is kApiMisuse and changes nothing; after any other error every later
  // call returns the same one.
  virtual Result<Step> step(ByteView response) = 0;
  // resume takes the answer to NeedAccount. Errors: as step(); kUnreachable.
  virtual Result<Step> resume(AccountAnswer) = 0;
  // authorise takes the answer to NeedAuthorisation. Errors: as step(); kUnreachable.
  virtual Result<Step> authorise(AuthorisationAnswer) = 0;
  // take_layer: as SaslClient's, after Success.
  virtual std::unique_ptr<SaslLayer> take_layer() = 0;
};

// LayerStep says after which contexts a server runs the security-layer step (RFC 2222 7.2;
// SSEAN-W1). Under GSSAPI it runs in any case where LayerOptions name a layer. kKerberos: after
// bare Kerberos, whose clients cannot do without it (RFC 4752 3.1).
enum class LayerStep : uint8_t { kNever, kKerberos, kAlways };

struct SaslServerOptions {
  // Success as soon as the context is complete, in place of the acceptor's last token
  // ([MS-SSEAN] 4.1; SSEAN-W2), where that is replaceable: never in place of an AP-REP.
  bool early_success = false;
  LayerStep layer_step = LayerStep::kKerberos;
  LayerOptions layer = {};
  // NeedAuthorisation once in each exchange, whatever the mechanism, when the context is complete:
  // before the acceptor's last token, from which a client knows that its password was right (policy
  // row P23); or, where the security-layer step is run, after it, with the `authzid` that was asked
  // for there; or, where SPNEGO chose Kerberos anew, after the client's mechListMIC. An authzid that
  // is not the authenticated user's own is refused before.
  bool ask_authorisation = false;
};

// make_sasl_server starts an exchange. The bindings are those of the TLS channel; an empty list
// leaves those of the configuration in force. Errors: kApiMisuse (LayerOptions out of range).
Result<std::unique_ptr<SaslServer>> make_sasl_server(SaslMechanism, ContextProvider&,
                                                     std::span<const ChannelBinding>,
                                                     const SaslServerOptions& = {});

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_SASL_H_
