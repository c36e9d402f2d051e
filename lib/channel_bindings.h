// Channel bindings: what ties an authentication to the TLS channel that it runs in (RFC 5056, 5929, 9266).
#ifndef POCKETGSS_CHANNEL_BINDINGS_H_
#define POCKETGSS_CHANNEL_BINDINGS_H_

#include <string_view>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

namespace pocketgss PGSS_EXPORT {

// ChannelBinding is the application data of a gss_channel_bindings_struct (RFC 2744 3.11): the type's unique prefix, a colon,
// and the binding's bytes. The addresses are unspecified (type 0, no bytes).
struct ChannelBinding {
  Bytes application_data;

  // "tls-server-end-point:" and the hash of the server's certificate (DER) by the hash of its signature algorithm, MD5 and SHA-1
  // replaced by SHA-256 (RFC 5929 4.1).
  // Errors: kMalformed (no certificate), kPeerIncompatible (the signature has no single hash: Ed25519, Ed448, unknown), where the
  // caller, if it requires a binding, must give up.
  static Result<ChannelBinding> tls_server_end_point(ByteView certificate_der);
  // "tls-unique:" and the first Finished message of a TLS 1.0 to 1.2 handshake (RFC 5929 3).
  static ChannelBinding tls_unique(ByteView first_finished);
  // "tls-exporter:" and the 32 bytes exported under "EXPORTER-Channel-Binding" with an empty context (RFC 9266).
  static ChannelBinding tls_exporter(FixedView<32> exported);
};

}  // namespace pocketgss

#endif  // POCKETGSS_CHANNEL_BINDINGS_H_
