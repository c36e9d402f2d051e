// TLS engines against each other: certificates, versions, channel bindings, refusals. The
// certificates are of tests/tools/data.
#include "tools/tls/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools {
namespace {

using ::testing::HasSubstr;

std::string data(const std::string& name) {
  return PGSS_TEST_DATA "/" + name;
}

TrustStore trust(const std::string& name) {
  return TrustStore::from_file(data(name)).value();
}
ServerIdentity identity(const std::string& name) {
  return ServerIdentity::load(data(name + ".pem"), data(name + ".key")).value();
}

// Pair is a client and a server that talk to each other in memory.
struct Pair {
  std::unique_ptr<TlsEngine> client, server;
  std::string client_failure, server_failure;

  // exchange passes bytes until neither side has any left; a side that failed takes nothing more.
  void exchange() {
    for (bool moved = true; moved;) {
      moved = pass(*client, *server, server_failure);
      moved = pass(*server, *client, client_failure) || moved;
    }
  }

  static bool pass(TlsEngine& from, TlsEngine& to, std::string& failure) {
    const Bytes bytes = from.take_output();
    if (bytes.empty()) return false;
    const auto received = to.receive(bytes);
    if (!received.has_value() && failure.empty()) failure = received.failure().message;
    return true;
  }
};

Pair connect(const TrustStore& store, const ServerIdentity& server, const std::string& host,
             Clock& clock = system_clock()) {
  Pair pair{make_tls_client(store, host, clock).value(), make_tls_server(server).value(), "", ""};
  pair.exchange();
  return pair;
}
Pair connect(const TrustStore& store, const std::string& server, const std::string& host,
             Clock& clock = system_clock()) {
  return connect(store, identity(server), host, clock);
}

TEST(Tls, CarriesBytesBothWays) {
  Pair pair = connect(trust("ca.pem"), "server", "mail.example.test");
  ASSERT_EQ(pair.client_failure, "");
  ASSERT_TRUE(pair.client->established() && pair.server->established());

  ASSERT_TRUE(pair.client->send(as_bytes("ping")).has_value());
  ASSERT_TRUE(pair.server->send(as_bytes("pong")).has_value());
  pair.exchange();
  EXPECT_EQ(as_text(pair.server->take_plaintext()), "ping");
  EXPECT_EQ(as_text(pair.client->take_plaintext()), "pong");
}

TEST(Tls, TakesBytesOneByOne) {
  Pair pair{make_tls_client(trust("ca.pem"), "localhost").value(),
            make_tls_server(identity("server")).value(), "", ""};
  for (int turn = 0; turn < 10; ++turn) {
    for (const uint8_t b : pair.client->take_output())
      ASSERT_TRUE(pair.server->receive(ByteView(&b, 1)).has_value());
    for (const uint8_t b : pair.server->take_output())
      ASSERT_TRUE(pair.client->receive(ByteView(&b, 1)).has_value());
  }
  EXPECT_TRUE(pair.client->established() && pair.server->established());
}

TEST(Tls, CHB_4_BothSidesBindToTheLeafOfOneSession) {
  for (const char* name : {"server", "rsa", "chained"}) {
    Pair pair = connect(trust("ca.pem"), name, "mail.example.test");
    ASSERT_NE(pair.client->session(), nullptr)
        << name << ": " << pair.client_failure << "; " << pair.server_failure;
    const TlsSession& client = *pair.client->session();
    const TlsSession& server = *pair.server->session();
    EXPECT_STREQ(client.version, server.version);
    EXPECT_FALSE(client.server_certificate.empty());
    EXPECT_EQ(client.server_certificate, server.server_certificate);
    EXPECT_EQ(client.exported.size(), 32u);
    EXPECT_EQ(client.exported, server.exported);
    EXPECT_EQ(client.first_finished, server.first_finished);
    EXPECT_EQ(client.first_finished.size(),
              std::string_view(client.version) == "TLSv1.2" ? 12u : 0u);
  }
}

std::vector<ChannelBinding> end_point(const TlsSession& session) {
  return {ChannelBinding::tls_server_end_point(session.server_certificate).value()};
}

TEST(Tls, P5_AClientBindsToTheEndPointAlone) {
  for (const char* name : {"server", "rsa", "chained"}) {
    const Pair pair = connect(trust("ca.pem"), name, "mail.example.test");
    ASSERT_NE(pair.client->session(), nullptr) << name << ": " << pair.client_failure;
    EXPECT_EQ(client_bindings(*pair.client->session()), end_point(*pair.client->session())) << name;
  }
}

TEST(Tls, P5_AServerTakesEveryTypeThatItsChannelHas) {
  const Pair pair = connect(trust("ca.pem"), "server", "mail.example.test");
  ASSERT_NE(pair.server->session(), nullptr) << pair.server_failure;
  const TlsSession& session = *pair.server->session();
  std::vector<ChannelBinding> all = end_point(session);
  if (!session.first_finished.empty())
    all.push_back(ChannelBinding::tls_unique(session.first_finished));
  all.push_back(ChannelBinding::tls_exporter(FixedView<32>(session.exported)));
  EXPECT_EQ(server_bindings(session), all);
}

TEST(Tls, P5_CHB_1_AClientHasNoBindingWhereTheCertificateHasNoHash) {
  const Pair pair = connect(trust("ed25519-ca.pem"), "signed-by-ed25519", "mail.example.test");
  ASSERT_NE(pair.client->session(), nullptr) << pair.client_failure << "; " << pair.server_failure;
  EXPECT_TRUE(client_bindings(*pair.client->session()).empty());
  EXPECT_FALSE(server_bindings(*pair.server->session()).empty());
}

TEST(Tls, ExportsAnotherSecretForEachConnection) {
  Pair one = connect(trust("ca.pem"), "server", "localhost");
  Pair two = connect(trust("ca.pem"), "server", "localhost");
  EXPECT_NE(one.client->session()->exported, two.client->session()->exported);
}

TEST(Tls, TellsThatThePeerClosed) {
  Pair pair = connect(trust("ca.pem"), "server", "localhost");
  EXPECT_FALSE(pair.server->peer_closed());
  pair.client->close();
  pair.exchange();
  EXPECT_TRUE(pair.server->peer_closed());
  EXPECT_FALSE(pair.server->send(as_bytes("late")).has_value());
}

// A server of TLS 1.3 may speak before the client's Finished, and close.
TEST(Tls, HearsWhatComesWithTheEndOfTheHandshake) {
  Pair pair{make_tls_client(trust("ca.pem"), "localhost").value(),
            make_tls_server(identity("server")).value(), "", ""};
  bool said = false;
  for (int turn = 0; turn < 10 && !said; ++turn) {
    Pair::pass(*pair.client, *pair.server, pair.server_failure);
    said = pair.server->send(as_bytes("421 busy\r\n")).has_value();
    if (said) pair.server->close();
    Pair::pass(*pair.server, *pair.client, pair.client_failure);
  }
  EXPECT_EQ(pair.client_failure, "");
  ASSERT_TRUE(pair.client->established());
  EXPECT_EQ(as_text(pair.client->take_plaintext()), "421 busy\r\n");
  EXPECT_TRUE(pair.client->peer_closed());
  EXPECT_FALSE(pair.client->session()->server_certificate.empty());
  EXPECT_EQ(pair.client->session()->exported.size(), 32u);
}

// --- certificates ---

TEST(TlsCertificate, P7_MustNameTheHostInItsSubjectAltName) {
  for (const char* host : {"mail.example.test", "MAIL.EXAMPLE.TEST", "mail.example.test.",
                           "a.wild.example.test", "127.0.0.1", "::1", "0:0:0:0:0:0:0:1"}) {
    EXPECT_EQ(connect(trust("ca.pem"), "server", host).client_failure, "") << host;
  }
  for (const char* host :
       {"example.test", "wild.example.test", "a.b.wild.example.test", "mail.example.test.evil.test",
        "127.0.0.2", "::2", "xmail.example.test"}) {
    EXPECT_THAT(connect(trust("ca.pem"), "server", host).client_failure, HasSubstr("is not for '"))
        << host;
  }
}

TEST(TlsCertificate, P7_ItsCommonNameCountsForNothing) {
  EXPECT_THAT(connect(trust("ca.pem"), "no-san", "mail.example.test").client_failure,
              HasSubstr("no host name at all"));
}

TEST(TlsCertificate, P7_RefusedWhereTheIssuerIsUnknown) {
  const Pair pair = connect(trust("other-ca.pem"), "server", "mail.example.test");
  EXPECT_THAT(pair.client_failure, HasSubstr("issuer of the server's certificate is not known"));
  EXPECT_THAT(pair.server_failure, HasSubstr("alert 'bad_certificate'"));
  EXPECT_FALSE(pair.client->established());
}

TEST(TlsCertificate, P7_RefusedByTheSystemsStore) {
  const auto store = TrustStore::system();
  if (!store.has_value()) GTEST_SKIP() << store.failure().message;
  EXPECT_THAT(connect(store.value(), "server", "localhost").client_failure,
              HasSubstr("is not known"));
  EXPECT_THAT(connect(store.value(), "self-signed", "localhost").client_failure,
              HasSubstr("is not known"));
}

TEST(TlsCertificate, P7_RefusedOutsideItsDates) {
  pocketgss::testing::FakeClock late(int64_t{7'000'000'000} * 1'000'000);
  EXPECT_THAT(connect(trust("ca.pem"), "server", "localhost", late).client_failure,
              HasSubstr("has expired"));
  EXPECT_THAT(connect(trust("self-signed.pem"), "self-signed", "localhost", late).client_failure,
              HasSubstr("has expired"));
  pocketgss::testing::FakeClock early(int64_t{1'000'000'000} * 1'000'000);
  EXPECT_THAT(connect(trust("ca.pem"), "server", "localhost", early).client_failure,
              HasSubstr("not valid yet"));
}

TEST(TlsCertificate, P7_RefusedWhereItIsForClientsOnly) {
  EXPECT_THAT(connect(trust("ca.pem"), "client-only", "localhost").client_failure,
              HasSubstr("not meant for a server"));
}

TEST(TlsCertificate, P7_RefusedWhereItIsSignedWithSha1) {
  EXPECT_THAT(connect(trust("ca.pem"), "sha1", "localhost").client_failure,
              HasSubstr("too weak a method"));
}

TEST(TlsCertificate, IsTrustedItselfWhereTheUserGivesIt) {
  EXPECT_EQ(connect(trust("self-signed.pem"), "self-signed", "localhost").client_failure, "");
  EXPECT_EQ(connect(trust("server.pem"), "server", "localhost").client_failure, "");
  EXPECT_NE(connect(trust("server.pem"), "rsa", "localhost").client_failure, "");
}

// --- broken peers ---

TEST(Tls, RefusesWhatIsNoTls) {
  auto server = make_tls_server(identity("server")).value();
  EXPECT_FALSE(server->receive(as_bytes("EHLO client.example.test\r\n")).has_value());
  EXPECT_FALSE(server->receive(as_bytes("x")).has_value());
  auto client = make_tls_client(trust("ca.pem"), "localhost").value();
  EXPECT_FALSE(client->receive(as_bytes("250 STARTTLS\r\n")).has_value());
}

TEST(Tls, P7_RefusesTls11) {
  // A ClientHello whose highest version is TLS 1.1 (03 02), one cipher suite.
  Bytes hello = {0x16, 0x03, 0x01, 0x00, 0x2d, 0x01, 0x00, 0x00, 0x29, 0x03, 0x02};
  hello.insert(hello.end(), 32, 0x5a);
  append(hello, Bytes{0x00, 0x00, 0x02, 0xc0, 0x14, 0x01, 0x00});
  auto server = make_tls_server(identity("server")).value();
  const auto received = server->receive(hello);
  ASSERT_FALSE(received.has_value());
  EXPECT_THAT(received.failure().message, HasSubstr("TLS 1.2 or later"));
  const Bytes alert = server->take_output();
  ASSERT_EQ(alert.size(), 7u);
  EXPECT_EQ(alert[6], 70);  // protocol_version
}

TEST(Tls, SMT_14_BoundsWhatAHandshakeMayMakeItHold) {
  // Handshake messages of 16 MB, announced and sent in records of 16 KiB.
  auto server = make_tls_server(identity("server")).value();
  Bytes record = {0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0xff, 0xff, 0xff};
  record.resize(5 + 0x4000, 0x00);
  size_t taken = 0;
  for (int i = 0; i < 100 && server->receive(record).has_value(); ++i) taken += record.size();
  EXPECT_LE(taken, 64u * 1024);
}

TEST(Tls, RefusesADamagedRecord) {
  Pair pair = connect(trust("ca.pem"), "server", "localhost");
  ASSERT_TRUE(pair.client->send(as_bytes("secret")).has_value());
  Bytes record = pair.client->take_output();
  record.back() ^= 1;
  EXPECT_FALSE(pair.server->receive(record).has_value());
  EXPECT_TRUE(pair.server->take_plaintext().empty());
}

// --- files ---

TEST(ServerIdentity, SaysWhatIsWrongWithItsFiles) {
  const auto message = [](const std::string& certificate, const std::string& key) {
    const auto loaded = ServerIdentity::load(data(certificate), data(key));
    return loaded.has_value() ? std::string() : loaded.failure().message;
  };
  EXPECT_EQ(message("server.pem", "server.key"), "");
  EXPECT_THAT(message("nosuch.pem", "server.key"), HasSubstr("cannot open"));
  EXPECT_THAT(message("server.key", "server.key"), HasSubstr("no certificate in PEM form"));
  EXPECT_THAT(message("server.pem", "server.pem"), HasSubstr("no private key"));
  EXPECT_THAT(message("server.pem", "rsa.key"), HasSubstr("is not that of the first certificate"));
  EXPECT_THAT(message("server.pem", "encrypted.key"), HasSubstr("is encrypted"));
  EXPECT_THAT(message("server.pem", "traditional.key"), HasSubstr("PKCS #8"));
}

// Blocks of other kinds may stand before, between and behind the certificates.
TEST(ServerIdentity, SkipsWhatIsNoCertificate) {
  const auto content = [](const std::string& name) { return testing::content_of(data(name)); };
  const std::string issuer = content("intermediate.pem"), whole = content("chained.pem");
  const std::string leaf = whole.substr(0, whole.rfind("-----BEGIN "));
  const testing::TempFolder folder;
  for (const char* key : {"chained.key", "encrypted.key", "traditional.key", "proc-type"}) {
    const std::string other = std::string_view(key) == "proc-type"
                                  ? "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n"
                                    "AAAA\n-----END RSA PRIVATE KEY-----\n"
                                  : content(key);
    for (const std::string& file :
         {other + leaf + issuer, leaf + other + issuer, leaf + issuer + other}) {
      const auto loaded =
          ServerIdentity::load(folder.write("mixed.pem", file), data("chained.key"));
      ASSERT_TRUE(loaded.has_value()) << key << ": " << loaded.failure().message;
      EXPECT_EQ(connect(trust("ca.pem"), loaded.value(), "mail.example.test").client_failure, "")
          << key;
    }
  }
}

// One file for both options, in any order.
TEST(ServerIdentity, FindsTheKeyBesideTheCertificates) {
  const auto content = [](const std::string& name) { return testing::content_of(data(name)); };
  const std::string certificates = content("chained.pem"), key = content("chained.key");
  const testing::TempFolder folder;
  for (const std::string& file : {key + certificates, certificates + key}) {
    const std::string path = folder.write("both.pem", file);
    const auto loaded = ServerIdentity::load(path, path);
    ASSERT_TRUE(loaded.has_value()) << loaded.failure().message;
  }
}

TEST(ServerIdentity, RefusesACertificateThatIsCutOff) {
  const std::string whole = testing::content_of(data("server.pem"));
  const testing::TempFolder folder;
  for (const std::string& file :
       {whole + whole.substr(0, whole.size() / 2), whole.substr(0, whole.size() / 2) + whole}) {
    const auto loaded = ServerIdentity::load(folder.write("cut.pem", file), data("server.key"));
    ASSERT_FALSE(loaded.has_value());
    EXPECT_THAT(loaded.failure().message, HasSubstr("holds a damaged certificate"));
  }
}

TEST(TrustStore, SaysWhatIsWrongWithItsFile) {
  EXPECT_EQ(TrustStore::from_file(data("nosuch.pem")).failure().exit_code, ExitCode::kNoInput);
  EXPECT_EQ(TrustStore::from_file(data("ca.key")).failure().exit_code, ExitCode::kDataError);
}

}  // namespace
}  // namespace pocketgss::tools
