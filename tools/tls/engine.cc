// One end of one TLS connection over a Botan channel.
#include <algorithm>
#include <exception>
#include <functional>

#include "base/ascii.h"
#include "tools/text.h"
#include "tools/tls/botan_version.h"
#include "tools/tls/certificates.h"
#include "tools/tls/host_name.h"

namespace pocketgss::tools {
namespace tls {
namespace {

// What a peer may make us hold before it has shown that it can do TLS.
constexpr size_t kMaxServerHandshake = 64 * 1024;
constexpr size_t kMaxClientHandshake = 256 * 1024;  // certificate chains can be long

class Policy final : public Botan::TLS::Policy {
 public:
  bool acceptable_protocol_version(Botan::TLS::Protocol_Version version) const override {
    return version == Botan::TLS::Protocol_Version::TLS_V12 ||
           (kBotan3 && version > Botan::TLS::Protocol_Version::TLS_V12);
  }
  bool allow_client_initiated_renegotiation() const override { return false; }
  bool allow_server_initiated_renegotiation() const override { return false; }
  bool abort_connection_on_undesired_renegotiation() const override { return true; }
  bool require_cert_revocation_info() const override { return false; }  // mail servers staple none
};

std::shared_ptr<const Policy> policy() {
  static const auto shared = std::make_shared<const Policy>();
  return shared;
}

class NoCredentials final : public Credentials {
 public:
  const std::vector<Botan::X509_Certificate>& chain() const override { return none_; }
  std::shared_ptr<Botan::Private_Key> key() const override { return nullptr; }

 private:
  std::vector<Botan::X509_Certificate> none_;
};

class ServerCredentials final : public Credentials {
 public:
  explicit ServerCredentials(ServerIdentity identity) : identity_(std::move(identity)) {}
  const std::vector<Botan::X509_Certificate>& chain() const override {
    return identity_.state().chain;
  }
  std::shared_ptr<Botan::Private_Key> key() const override { return identity_.state().key; }

 private:
  ServerIdentity identity_;
};

// Recorder collects what one call into the channel brings.
class Recorder : public Callbacks {
 public:
  void on_output(ByteView bytes) override { append(output, bytes); }
  void on_plaintext(ByteView bytes) override { append(plaintext, bytes); }
  void on_version(const Botan::TLS::Protocol_Version& v) override {
    version = v == Botan::TLS::Protocol_Version::TLS_V12 ? "TLSv1.2" : "TLSv1.3";
  }
  void on_established() override { established(); }
  void on_extended_master_secret() override { extended_master_secret = true; }
  void on_chain(const std::vector<Botan::X509_Certificate>&, const Botan::TLS::Policy&) override {
    throw Botan::TLS::TLS_Exception(botan_alert(AlertCode::kBadCertificate),
                                    "a certificate that nobody asked for");
  }
  void tls_alert(Botan::TLS::Alert alert) override {
    if (alert.type() == botan_alert(AlertCode::kCloseNotify)) closed = true;
    if (alert.is_fatal()) refusal = alert.type_string();
  }
  void tls_inspect_handshake_msg(const Botan::TLS::Handshake_Message& message) override {
    const auto* finished = dynamic_cast<const Botan::TLS::Finished*>(&message);
    if (finished != nullptr && first_finished.empty()) first_finished = finished->verify_data();
  }

  std::function<void()> established;
  Bytes output, plaintext, first_finished;
  const char* version = "";
  std::string refusal;   // the name of a fatal alert
  std::string distrust;  // why the certificate was refused
  bool closed = false, extended_master_secret = false;
};

class ClientRecorder final : public Recorder {
 public:
  ClientRecorder(TrustStore trust, std::string host, Clock& clock)
      : trust_(std::move(trust)), host_(std::move(host)), clock_(clock) {}

  void on_chain(const std::vector<Botan::X509_Certificate>& chain,
                const Botan::TLS::Policy& policy) override {
    const auto reason =
        check_chain(chain, trust_.state(), host_, policy.minimum_signature_strength(), clock_);
    if (!reason) return;
    distrust = *reason;
    throw Botan::TLS::TLS_Exception(botan_alert(AlertCode::kBadCertificate), "certificate refused");
  }

 private:
  TrustStore trust_;
  std::string host_;
  Clock& clock_;
};

class Engine final : public TlsEngine {
 public:
  struct Role {
    size_t max_handshake;
    Bytes own_certificate;  // the server's; a client has none
  };

  Engine(std::shared_ptr<Recorder> recorder, std::unique_ptr<Botan::TLS::Channel> channel,
         ChannelParts parts, Role role)
      : recorder_(std::move(recorder)),
        parts_(std::move(parts)),
        role_(std::move(role)),
        channel_(std::move(channel)) {
    // At once: a peer may close with the end of its handshake, and a closed channel tells nothing.
    recorder_->established = [this] {
      if (!session_) session_ = describe_session();
    };
  }

  Fallible<Nothing> receive(ByteView from_peer) override {
    if (failed_) return *failed_;
    if (channel_->is_closed()) return Nothing{};
    if (!session_ && (received_ += from_peer.size()) > role_.max_handshake)
      return fail("the peer's TLS handshake is too long");
    return guarded([&] { channel_->received_data(from_peer.data(), from_peer.size()); });
  }

  Fallible<Nothing> send(ByteView plaintext) override {
    if (failed_) return *failed_;
    if (!channel_->is_active()) return Failure{ExitCode::kIoError, "the TLS connection is closed"};
    return guarded([&] { channel_->send(plaintext.data(), plaintext.size()); });
  }

  void close() override {
    if (!failed_) static_cast<void>(guarded([&] { channel_->close(); }));
  }

  Bytes take_output() override { return std::exchange(recorder_->output, {}); }
  Bytes take_plaintext() override { return std::exchange(recorder_->plaintext, {}); }
  bool established() const override { return session_.has_value() && !failed_; }
  bool peer_closed() const override { return recorder_->closed || !recorder_->refusal.empty(); }
  const TlsSession* session() const override { return session_ ? &*session_ : nullptr; }

 private:
  // guarded runs a call into Botan and turns what it throws, or the alert that came, into a
  // failure.
  template <typename Call>
  Fallible<Nothing> guarded(Call call) {
    try {
      call();
    } catch (const Botan::TLS::TLS_Exception& error) {
      return fail(explain(error));
    } catch (const std::exception& error) {
      return fail("the TLS connection failed (" + sanitised(error.what()) + ")");
    }
    if (recorder_->refusal.empty()) return Nothing{};
    return fail("the peer ended the TLS connection with the alert " +
                quoted(ascii_lower(recorder_->refusal)));
  }

  std::string explain(const Botan::TLS::TLS_Exception& error) const {
    if (!recorder_->distrust.empty()) return recorder_->distrust;
    if (error.type() == botan_alert(AlertCode::kProtocolVersion))
      return "the peer does not speak TLS 1.2 or later";
    if (error.type() == botan_alert(AlertCode::kHandshakeFailure)) {
      return "no TLS cipher suite, group or certificate type in common with the peer (" +
             sanitised(error.what()) + ")";
    }
    return "the TLS connection failed (" + sanitised(error.what()) + ")";
  }

  static std::string sanitised(const char* text) {
    const std::string safe = quoted(text);
    return safe.substr(1, safe.rfind('\'') - 1);
  }

  Fallible<Nothing> fail(std::string message) {
    failed_ = Failure{ExitCode::kProtocol, std::move(message)};
    recorder_->plaintext.clear();
    return *failed_;
  }

  // RFC 9266 3: with TLS 1.2, only where RFC 7627 binds the keys to the whole handshake.
  bool can_export() const { return !is_tls12() || recorder_->extended_master_secret; }
  bool is_tls12() const { return std::string_view(recorder_->version) == "TLSv1.2"; }

  TlsSession describe_session() const {
    TlsSession session;
    session.version = recorder_->version;
    session.server_certificate = role_.own_certificate;
    if (session.server_certificate.empty())
      session.server_certificate = channel_->peer_cert_chain().at(0).BER_encode();
    if (is_tls12()) session.first_finished = recorder_->first_finished;
    if (can_export()) {
      const auto key = channel_->key_material_export("EXPORTER-Channel-Binding", "", 32);
      session.exported.assign(key.begin(), key.end());
    }
    return session;
  }

  // The channel goes first: Botan 2 keeps references to the rest.
  std::shared_ptr<Recorder> recorder_;
  ChannelParts parts_;
  Role role_;
  std::unique_ptr<Botan::TLS::Channel> channel_;
  std::optional<TlsSession> session_;
  std::optional<Failure> failed_;
  size_t received_ = 0;
};

Failure cannot_start(const std::exception& error) {
  return Failure{ExitCode::kSoftware, std::string("TLS cannot be started: ") + error.what()};
}

}  // namespace
}  // namespace tls

Fallible<std::unique_ptr<TlsEngine>> make_tls_client(const TrustStore& trust,
                                                     const std::string& host, Clock& clock) {
  try {
    const auto recorder = std::make_shared<tls::ClientRecorder>(trust, host, clock);
    tls::ChannelParts parts{recorder, std::make_shared<tls::NoCredentials>(), tls::policy()};
    // RFC 6066 3: server_name holds no addresses.
    auto channel = tls::make_client_channel(parts, is_address(host) ? "" : host);
    return std::unique_ptr<TlsEngine>(
        std::make_unique<tls::Engine>(recorder, std::move(channel), std::move(parts),
                                      tls::Engine::Role{tls::kMaxClientHandshake, {}}));
  } catch (const std::exception& error) {
    return tls::cannot_start(error);
  }
}

Fallible<std::unique_ptr<TlsEngine>> make_tls_server(const ServerIdentity& identity) {
  try {
    const auto recorder = std::make_shared<tls::Recorder>();
    tls::ChannelParts parts{recorder, std::make_shared<tls::ServerCredentials>(identity),
                            tls::policy()};
    auto channel = tls::make_server_channel(parts);
    tls::Engine::Role role{tls::kMaxServerHandshake, identity.state().chain.front().BER_encode()};
    return std::unique_ptr<TlsEngine>(std::make_unique<tls::Engine>(
        recorder, std::move(channel), std::move(parts), std::move(role)));
  } catch (const std::exception& error) {
    return tls::cannot_start(error);
  }
}

}  // namespace pocketgss::tools
