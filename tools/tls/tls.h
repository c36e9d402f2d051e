// TLS as bytes in and bytes out: client and server engines over Botan 2.19 (TLS 1.2) or Botan 3
// (1.2 and 1.3). Botan is known to this folder alone; its exceptions end here.
#ifndef PGSS_TOOLS_TLS_TLS_H_
#define PGSS_TOOLS_TLS_TLS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <pocketgss/bytes.h>
#include <pocketgss/channel_bindings.h>
#include <pocketgss/env.h>

#include "tools/fallible.h"

namespace pocketgss::tools {

// TrustStore is what a client checks a server's certificate against. Copies share one store.
class TrustStore {
 public:
  // The operating system's certificates. Failure: the system has none that can be read.
  static Fallible<TrustStore> system();
  // The certificates of a PEM file. A server whose own certificate is in the file is trusted too,
  // self-signed or not.
  static Fallible<TrustStore> from_file(const std::string& path);

  struct State;
  const State& state() const { return *state_; }

 private:
  explicit TrustStore(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

// ServerIdentity is a certificate chain (leaf first) and its private key. Copies share them.
class ServerIdentity {
 public:
  // Failure names the file: unreadable, no PEM, encrypted, or a key that is not the certificate's.
  static Fallible<ServerIdentity> load(const std::string& certificate_file,
                                       const std::string& key_file);

  struct State;
  const State& state() const { return *state_; }

 private:
  explicit ServerIdentity(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

// TlsSession describes an established channel.
struct TlsSession {
  const char* version = "";  // "TLSv1.2", "TLSv1.3"; static
  Bytes server_certificate;  // the server's own (leaf) certificate, DER
  Bytes first_finished;  // of the handshake, for tls-unique (RFC 5929 3); empty with TLS 1.3, which
                         // has none
  Bytes exported;  // 32 bytes for tls-exporter (RFC 9266); empty where that is not defined (TLS 1.2
                   // without RFC 7627)
};

// client_bindings is what a client binds its login to: tls-server-end-point (policy row P5), or
// nothing where that cannot be derived, as where Ed25519 signed the certificate (RFC 5929 4.1).
// Another type must not stand in for it: a server that takes this one alone would refuse the login.
std::vector<ChannelBinding> client_bindings(const TlsSession& session);

// server_bindings is what a server takes: every type that can be derived, because clients differ.
std::vector<ChannelBinding> server_bindings(const TlsSession& session);

// TlsEngine is one end of one TLS connection. It does no I/O. After a failure it only gives
// take_output(): an alert for the peer. TLS 1.2 or later; no renegotiation, no resumption, no
// client certificates.
class TlsEngine {
 public:
  virtual ~TlsEngine() = default;

  // receive takes bytes from the peer, in pieces of any size. Failure: the handshake failed, the
  // certificate is not trusted, or a record is broken; the message says which in plain words. Close
  // the connection after sending take_output().
  virtual Fallible<Nothing> receive(ByteView from_peer) = 0;
  // send encrypts. Failure: not established, or closed.
  virtual Fallible<Nothing> send(ByteView plaintext) = 0;
  // close makes the close_notify alert.
  virtual void close() = 0;

  virtual Bytes take_output() = 0;     // bytes for the peer
  virtual Bytes take_plaintext() = 0;  // what the peer sent; at most what one receive() brought

  virtual bool established() const = 0;
  virtual bool peer_closed() const = 0;  // a close_notify or a fatal alert came
  // session is null until established().
  virtual const TlsSession* session() const = 0;
};

// make_tls_client starts a handshake: take_output() has its first bytes. `host` is the name (or the
// address) that the certificate must hold in its subjectAltName; `clock` is what its dates are
// checked against and outlives the engine.
Fallible<std::unique_ptr<TlsEngine>> make_tls_client(const TrustStore& trust,
                                                     const std::string& host,
                                                     Clock& clock = system_clock());

// make_tls_server waits for a client.
Fallible<std::unique_ptr<TlsEngine>> make_tls_server(const ServerIdentity& identity);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_TLS_TLS_H_
