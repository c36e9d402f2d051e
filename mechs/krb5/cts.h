// AES in CBC mode with ciphertext stealing, as RFC 3962 5 has it (CBC-CS3), the IV all zeros. Our
// own, because crypto libraries refuse the single block that Kerberos needs.
#ifndef PGSS_MECHS_KRB5_CTS_H_
#define PGSS_MECHS_KRB5_CTS_H_

#include <pocketgss/bytes.h>

#include "base/crypto.h"

namespace pocketgss::mechs::krb5 {

using Confounder = std::span<uint8_t, crypto::kAesBlockSize>;

// cts_encrypt encrypts at least one block in place.
void cts_encrypt(crypto::Workspace&, ByteView key, MutableBytes data) noexcept;

// cts_decrypt decrypts at least one block: the first to `confounder`, what follows to `out`, which
// has that size and may begin where `in` begins.
void cts_decrypt(crypto::Workspace&, ByteView key, ByteView in, Confounder confounder,
                 MutableBytes out) noexcept;

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_CTS_H_
