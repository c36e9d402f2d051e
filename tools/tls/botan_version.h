// Where Botan 2.19 and Botan 3 differ: this file and nowhere else.
#ifndef PGSS_TOOLS_TLS_BOTAN_VERSION_H_
#define PGSS_TOOLS_TLS_BOTAN_VERSION_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <botan/build.h>
#include <botan/credentials_manager.h>
#include <botan/data_src.h>
#include <botan/pkcs8.h>
#include <botan/system_rng.h>
#include <botan/tls_callbacks.h>
#include <botan/tls_client.h>
#include <botan/tls_exceptn.h>
#include <botan/tls_extensions.h>
#include <botan/tls_messages.h>
#include <botan/tls_policy.h>
#include <botan/tls_server.h>
#include <botan/x509cert.h>
#if BOTAN_VERSION_MAJOR >= 3
#include <botan/ocsp.h>
#include <botan/tls_extensions_12.h>
#include <botan/tls_session.h>
#include <botan/tls_session_manager_noop.h>
#else
#include <botan/tls_session_manager.h>
#endif

#include <pocketgss/bytes.h>

namespace pocketgss::tools::tls {

inline constexpr bool kBotan3 = BOTAN_VERSION_MAJOR >= 3;

// Alert descriptions have the numbers of RFC 8446 6 in both versions, and different names.
enum class AlertCode : int {
  kCloseNotify = 0,
  kHandshakeFailure = 40,
  kBadCertificate = 42,
  kProtocolVersion = 70,
};
inline Botan::TLS::Alert::Type botan_alert(AlertCode code) {
  return static_cast<Botan::TLS::Alert::Type>(code);
}

inline std::unique_ptr<Botan::Private_Key> load_private_key(Botan::DataSource& source) {
#if BOTAN_VERSION_MAJOR >= 3
  return Botan::PKCS8::load_key(source);
#else
  return std::unique_ptr<Botan::Private_Key>(Botan::PKCS8::load_key(source, Botan::system_rng()));
#endif
}

// Callbacks gives the events of a channel one form.
class Callbacks : public Botan::TLS::Callbacks {
 public:
  virtual void on_output(ByteView) = 0;
  virtual void on_plaintext(ByteView) = 0;
  virtual void on_version(const Botan::TLS::Protocol_Version&) = 0;
  // on_established: the peer's Finished was checked. What came behind it is not read yet.
  virtual void on_established() = 0;
  virtual void on_extended_master_secret() = 0;
  // on_chain throws to refuse the peer's chain.
  virtual void on_chain(const std::vector<Botan::X509_Certificate>&, const Botan::TLS::Policy&) = 0;

  void tls_session_activated() final { on_established(); }
#if BOTAN_VERSION_MAJOR >= 3
  void tls_emit_data(std::span<const uint8_t> data) final { on_output(data); }
  void tls_record_received(uint64_t, std::span<const uint8_t> data) final { on_plaintext(data); }
  void tls_session_established(const Botan::TLS::Session_Summary& session) final {
    on_version(session.version());
  }
  void tls_examine_extensions(const Botan::TLS::Extensions& extensions, Botan::TLS::Connection_Side,
                              Botan::TLS::Handshake_Type) final {
    examine(extensions);
  }
  void tls_verify_cert_chain(const std::vector<Botan::X509_Certificate>& chain,
                             const std::vector<std::optional<Botan::OCSP::Response>>&,
                             const std::vector<Botan::Certificate_Store*>&, Botan::Usage_Type,
                             std::string_view, const Botan::TLS::Policy& policy) final {
    on_chain(chain, policy);
  }
#else
  void tls_emit_data(const uint8_t data[], size_t size) final { on_output(ByteView(data, size)); }
  void tls_record_received(uint64_t, const uint8_t data[], size_t size) final {
    on_plaintext(ByteView(data, size));
  }
  bool tls_session_established(const Botan::TLS::Session& session) final {
    on_version(session.version());
    return false;  // not kept for resumption
  }
  void tls_examine_extensions(const Botan::TLS::Extensions& extensions,
                              Botan::TLS::Connection_Side) final {
    examine(extensions);
  }
  void tls_verify_cert_chain(const std::vector<Botan::X509_Certificate>& chain,
                             const std::vector<std::shared_ptr<const Botan::OCSP::Response>>&,
                             const std::vector<Botan::Certificate_Store*>&, Botan::Usage_Type,
                             const std::string&, const Botan::TLS::Policy& policy) final {
    on_chain(chain, policy);
  }
#endif

 private:
  // RFC 7627: our side always offers or echoes the extension, so the peer's message decides.
  void examine(const Botan::TLS::Extensions& extensions) {
    if (extensions.has<Botan::TLS::Extended_Master_Secret>()) on_extended_master_secret();
  }
};

// Credentials serves one chain and one key; without them it has none (a client).
class Credentials : public Botan::Credentials_Manager {
 public:
  virtual const std::vector<Botan::X509_Certificate>& chain() const = 0;
  virtual std::shared_ptr<Botan::Private_Key> key() const = 0;

#if BOTAN_VERSION_MAJOR >= 3
  std::vector<Botan::X509_Certificate> find_cert_chain(
      const std::vector<std::string>& key_types, const std::vector<Botan::AlgorithmIdentifier>&,
      const std::vector<Botan::X509_DN>&, const std::string&, const std::string&) final {
    return chain_for(key_types);
  }
  std::shared_ptr<Botan::Private_Key> private_key_for(const Botan::X509_Certificate&,
                                                      const std::string&,
                                                      const std::string&) final {
    return key();
  }
  using Botan::Credentials_Manager::private_key_for;
#else
  std::vector<Botan::X509_Certificate> find_cert_chain(const std::vector<std::string>& key_types,
                                                       const std::vector<Botan::X509_DN>&,
                                                       const std::string&,
                                                       const std::string&) final {
    return chain_for(key_types);
  }
  Botan::Private_Key* private_key_for(const Botan::X509_Certificate&, const std::string&,
                                      const std::string&) final {
    return key().get();
  }
#endif

 private:
  std::vector<Botan::X509_Certificate> chain_for(const std::vector<std::string>& key_types) const {
    const auto own = key();
    if (own == nullptr) return {};
    for (const std::string& type : key_types) {
      if (type == own->algo_name()) return chain();
    }
    return key_types.empty() ? chain() : std::vector<Botan::X509_Certificate>();
  }
};

// Channel parts that Botan 2 borrows and Botan 3 shares: they live as long as the channel.
struct ChannelParts {
  std::shared_ptr<Callbacks> callbacks;
  std::shared_ptr<Botan::Credentials_Manager> credentials;
  std::shared_ptr<const Botan::TLS::Policy> policy;
  std::shared_ptr<Botan::TLS::Session_Manager> sessions =
      std::make_shared<Botan::TLS::Session_Manager_Noop>();
  std::shared_ptr<Botan::RandomNumberGenerator> random = std::make_shared<Botan::System_RNG>();
};

// make_client_channel offers TLS up to the version `offer`, as far as the policy has it.
inline std::unique_ptr<Botan::TLS::Channel> make_client_channel(
    const ChannelParts& p, const std::string& server_name,
    Botan::TLS::Protocol_Version offer = Botan::TLS::Protocol_Version::latest_tls_version()) {
  const Botan::TLS::Server_Information server(server_name);
#if BOTAN_VERSION_MAJOR >= 3
  return std::make_unique<Botan::TLS::Client>(p.callbacks, p.sessions, p.credentials, p.policy,
                                              p.random, server, offer);
#else
  return std::make_unique<Botan::TLS::Client>(*p.callbacks, *p.sessions, *p.credentials, *p.policy,
                                              *p.random, server, offer);
#endif
}

inline std::unique_ptr<Botan::TLS::Channel> make_server_channel(const ChannelParts& p) {
#if BOTAN_VERSION_MAJOR >= 3
  return std::make_unique<Botan::TLS::Server>(p.callbacks, p.sessions, p.credentials, p.policy,
                                              p.random);
#else
  return std::make_unique<Botan::TLS::Server>(*p.callbacks, *p.sessions, *p.credentials, *p.policy,
                                              *p.random);
#endif
}

}  // namespace pocketgss::tools::tls

#endif  // PGSS_TOOLS_TLS_BOTAN_VERSION_H_
