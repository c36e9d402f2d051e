// Channel bindings: what ties an authentication to the TLS channel that it runs in (RFC 5056, 5929,
// 9266).
#ifndef POCKETGSS_CHANNEL_BINDINGS_H_
#define POCKETGSS_CHANNEL_BINDINGS_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// ChannelBinding is the application data of a gss_channel_bindings_struct (RFC 2744 3.11): the
// type's unique prefix, a colon, and the binding's bytes. The addresses are unspecified (type 0, no
// bytes). It is no secret.
struct ChannelBinding {
  Bytes application_data;

  // tls_server_end_point makes "tls-server-end-point:" and the hash of the server's own certificate
  // (DER; the leaf, not its issuer) by the hash of the signature on it, MD5 and SHA-1 replaced by
  // SHA-256 (RFC 5929 4.1). RSA, RSASSA-PSS, ECDSA and DSA, with MD5, SHA-1 and all of SHA-2.
  //
  // Errors:
  //   kMalformed         no certificate. Where TLS took it, report it to us.
  //   kPeerIncompatible  the signature has no hash of its own, more than one, or one that is
  //                      unknown (Ed25519, Ed448, later schemes): the type is undefined then. A
  //                      caller that requires a binding must give up, never go on without one.
  //   kNoMemory, kInternal (the crypto library lacks the hash)
  static Result<ChannelBinding> tls_server_end_point(ByteView certificate_der);

  // tls_unique makes "tls-unique:" and the first Finished message of the latest handshake, TLS 1.0
  // to 1.2 only (RFC 5929 3). It may throw std::bad_alloc, as may tls_exporter.
  static ChannelBinding tls_unique(ByteView first_finished);

  // tls_exporter makes "tls-exporter:" and the 32 bytes exported under the label
  // "EXPORTER-Channel-Binding" with an empty context (RFC 9266).
  static ChannelBinding tls_exporter(FixedView<32> exported);

  bool operator==(const ChannelBinding&) const = default;
};

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_CHANNEL_BINDINGS_H_
