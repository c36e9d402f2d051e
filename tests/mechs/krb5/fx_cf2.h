// PRF+ and KRB-FX-CF2 (RFC 6113 5.1), which FAST and SPAKE make keys with. We speak neither; vectors and
// recordings of both prove our pseudo-random function.
#ifndef PGSS_TESTS_MECHS_KRB5_FX_CF2_H_
#define PGSS_TESTS_MECHS_KRB5_FX_CF2_H_

#include "mechs/krb5/crypto.h"

namespace pocketgss::mechs::krb5 {

// PRF+(K, S) = prf(K, 1 || S) || prf(K, 2 || S) || ..., the count in one octet
inline Bytes prf_plus(crypto::Workspace& crypto, const Key& key, ByteView input, size_t size) {
  Bytes out;
  for (uint8_t counter = 1; out.size() < size; ++counter) {
    Bytes in = {counter};
    append(in, input);
    FixedBytes<kMaxPrfSize> block;
    const size_t made = prf(crypto, key, in, block).value();
    append(out, ByteView(block).prefix(made));
  }
  out.resize(size);
  return out;
}

// KRB-FX-CF2(k1, k2, pepper1, pepper2) = random-to-key(PRF+(k1, pepper1) ^ PRF+(k2, pepper2)), a key
// of the first one's etype
inline Key krb_fx_cf2(crypto::Workspace& crypto, const Key& first, ByteView pepper1,
                      const Key& second, ByteView pepper2) {
  Bytes content = prf_plus(crypto, first, pepper1, key_size(first.etype()));
  const Bytes other = prf_plus(crypto, second, pepper2, content.size());
  for (size_t i = 0; i < content.size(); ++i) content[i] ^= other[i];
  return Key::create(static_cast<int32_t>(first.etype()), content).value();
}

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_TESTS_MECHS_KRB5_FX_CF2_H_
