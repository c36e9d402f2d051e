// The computations of [MS-NLMP] 3.3 and 3.4, each a free function with its formula. None can fail.
#ifndef PGSS_MECHS_NTLM_CRYPTO_H_
#define PGSS_MECHS_NTLM_CRYPTO_H_

#include <pocketgss/secret.h>

namespace pocketgss::mechs::ntlm {

// Keys of one shape, 16 bytes, and each its own type.
struct NtHash : SecretArray<16> { using SecretArray::SecretArray; };              // NTOWFv1, the stored form of a password
struct ResponseKey : SecretArray<16> { using SecretArray::SecretArray; };         // NTOWFv2 = ResponseKeyNT
struct SessionBaseKey : SecretArray<16> { using SecretArray::SecretArray; };
struct ExportedSessionKey : SecretArray<16> { using SecretArray::SecretArray; };

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_CRYPTO_H_
