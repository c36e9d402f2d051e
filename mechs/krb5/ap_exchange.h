// What both sides of the AP exchange (RFC 4120 3.2) do alike. Internal to krb5.
#ifndef PGSS_MECHS_KRB5_AP_EXCHANGE_H_
#define PGSS_MECHS_KRB5_AP_EXCHANGE_H_

#include <pocketgss/env.h>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/times.h"

namespace pocketgss::mechs::krb5 {

inline constexpr const char* kMechanismName = "Kerberos";
inline constexpr Error kRc4Refused{Errc::kPolicy, "P10: etype 23", 0, 0};

// authenticator_time is that time with random microseconds: authenticators of one ticket differ
// though a coarse clock shows one time, so an AP-REP proves one of them (row KRA-8), and none looks
// like a replay of another. Errors: those of the random source.
Result<WireTime> authenticator_time(UnixMicros, RandomSource&);

// initial_sequence is below 2^30, as MIT and Heimdal have it (quirk D10). Errors: those of the
// random source.
Result<uint32_t> initial_sequence(RandomSource&);

// wire_key borrows a key for a message; key_of takes one from there. Errors: kPolicy (P10); those
// of Key::create.
EncryptionKey wire_key(const Key&);
Result<Key> key_of(const EncryptionKey&, bool allow_rc4);

// encode_etypes writes the etypes of policy row P10 as AD-ETYPE-NEGOTIATION has them (RFC 4537 3),
// the preferred first. better_etype reads such a list and returns the first that we know and that
// is not 23; nothing where there is none, or no list.
using EncodedEtypes = FixedBytes<24>;
Result<ByteView> encode_etypes(bool with_rc4, EncodedEtypes& out);
std::optional<Etype> better_etype(ByteView etype_list);

// encrypt_part makes the ciphertext of a part that holds keys; the encoding is wiped.
template <typename Part>
Result<Bytes> encrypt_part(Runtime& runtime, const Key& key, KeyUsage usage, const Part& part) {
  const auto encrypted = [&](ByteView plain) -> Result<Bytes> {
    Bytes out(ciphertext_size(key.etype(), plain.size()));
    PGSS_CHECK(encrypt(runtime.crypto(), runtime.random(), key, usage, {plain}, out));
    return out;
  };
  SecretArray<512> room;  // suffices where names are short
  const Result<size_t> size = encode_to(part, room.mutable_view());
  if (size.has_value()) return encrypted(ByteView(room.view()).prefix(size.value()));
  PGSS_TRY(const SecretBytes plain, encode_secret(part));
  return encrypted(plain.view());
}
// decrypt_part is its reverse. Errors: kAuthFailed.
Result<SecretBytes> decrypt_part(Runtime&, const Key&, KeyUsage, ByteView cipher);

// refusal is what a KRB-ERROR in the place of an AP-REP means (quirk D22): `where` has words for the
// user, out of our own table, never out of the message (row KRC-10).
Error refusal(int32_t error_code);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_AP_EXCHANGE_H_
