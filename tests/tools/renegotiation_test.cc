// A client that starts a second TLS handshake in the middle of a login. Our own engine cannot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/support/serve_process.h"
#include "tools/tls/botan_version.h"

namespace pocketgss::tools {
namespace {

using testing::MailSession;
using testing::RawClient;
using testing::ServeProcess;
using ::testing::StartsWith;
using Version = Botan::TLS::Protocol_Version;

constexpr const char* kNegotiate = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAGAbEdAAAADw==";

// TLS 1.3 has no renegotiation.
class Tls12 final : public Botan::TLS::Policy {
 public:
  bool acceptable_protocol_version(Botan::TLS::Protocol_Version version) const override {
    return version == Botan::TLS::Protocol_Version::TLS_V12;
  }
  bool require_cert_revocation_info() const override { return false; }
};

class NoCredentials final : public tls::Credentials {
 public:
  const std::vector<Botan::X509_Certificate>& chain() const override { return none_; }
  std::shared_ptr<Botan::Private_Key> key() const override { return nullptr; }

 private:
  std::vector<Botan::X509_Certificate> none_;
};

// Recorder collects what a channel gives, and trusts everybody.
class Recorder final : public tls::Callbacks {
 public:
  void on_output(ByteView bytes) override { append(output, bytes); }
  void on_plaintext(ByteView bytes) override { append(plaintext, bytes); }
  void on_version(const Botan::TLS::Protocol_Version&) override {}
  void on_established() override { established = true; }
  void on_extended_master_secret() override {}
  void on_chain(const std::vector<Botan::X509_Certificate>&, const Botan::TLS::Policy&) override {}
  void tls_alert(Botan::TLS::Alert alert) override { ended = ended || alert.is_fatal(); }

  Bytes output, plaintext;
  bool established = false, ended = false;
};

// Renegotiator is a client's end of a connection that can begin a handshake at any time.
class Renegotiator final : public TlsEngine {
 public:
  Renegotiator() : channel_(tls::make_client_channel(parts_, "localhost", Version::TLS_V12)) {}

  void renegotiate() { channel_->renegotiate(true); }

  Fallible<Nothing> receive(ByteView from_peer) override {
    try {
      channel_->received_data(from_peer.data(), from_peer.size());
      return Nothing{};
    } catch (const std::exception& error) {
      return Failure{ExitCode::kProtocol, error.what()};
    }
  }
  Fallible<Nothing> send(ByteView plaintext) override {
    channel_->send(plaintext.data(), plaintext.size());
    return Nothing{};
  }
  void close() override { channel_->close(); }
  Bytes take_output() override { return std::exchange(recorder_->output, {}); }
  Bytes take_plaintext() override { return std::exchange(recorder_->plaintext, {}); }
  bool established() const override { return recorder_->established; }
  bool peer_closed() const override { return recorder_->ended || channel_->is_closed(); }
  const TlsSession* session() const override { return nullptr; }

 private:
  std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>();
  tls::ChannelParts parts_{recorder_, std::make_shared<NoCredentials>(), std::make_shared<Tls12>()};
  std::unique_ptr<Botan::TLS::Channel> channel_;
};

TEST(Serve, SMT_16_EndsTheConnectionAtARenegotiationWithinAuth) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  RawClient client(serve.port());
  client.reply();
  client.command("EHLO c");
  client.command("STARTTLS");
  auto engine = std::make_unique<Renegotiator>();
  Renegotiator& tls = *engine;
  ASSERT_TRUE(client.start_tls(std::move(engine)));
  client.command("EHLO c");
  ASSERT_THAT(client.command(std::string("AUTH NTLM ") + kNegotiate), StartsWith("334 "));
  tls.renegotiate();
  client.send_raw(tls.take_output());
  EXPECT_EQ(client.reply(), "");
  ASSERT_TRUE(client.at_end()) << "it waits for more";
  EXPECT_TRUE(serve.logged("TLS failed: from=[127.0.0.1]:")) << serve.log();
  EXPECT_TRUE(MailSession(serve.tls_options()).login()) << serve.log();
}

}  // namespace
}  // namespace pocketgss::tools
