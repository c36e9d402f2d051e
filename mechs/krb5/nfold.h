// n-fold (RFC 3961 5.1), and the constants of key derivation that are folded ahead of time.
#ifndef PGSS_MECHS_KRB5_NFOLD_H_
#define PGSS_MECHS_KRB5_NFOLD_H_

#include <numeric>

#include <pocketgss/bytes.h>

namespace pocketgss::mechs::krb5 {

// n_fold (RFC 3961 5.1) stretches or shrinks `in` to the size of `out`: copies of `in`, each rotated
// right by 13 bits more than the one before, up to a common multiple of both sizes, are cut into
// pieces of the size of `out` and added in ones' complement. Neither may be empty.
constexpr void n_fold(std::span<const uint8_t> in, std::span<uint8_t> out) {
  const size_t in_bits = 8 * in.size();
  std::fill(out.begin(), out.end(), uint8_t{0});
  unsigned sum = 0;  // the upper bits are the carry, from the last piece into the one before
  for (size_t at = std::lcm(in.size(), out.size()); at-- > 0;) {
    const size_t rotation = 13 * (at / in.size()) % in_bits;
    const size_t from = (8 * (at % in.size()) + in_bits - rotation) % in_bits;
    const unsigned two = static_cast<unsigned>(in[from / 8]) << 8 | in[(from / 8 + 1) % in.size()];
    uint8_t& byte = out[at % out.size()];
    sum += (two >> (8 - from % 8) & 0xff) + byte;
    byte = static_cast<uint8_t>(sum);
    sum >>= 8;
  }
  while (sum != 0) {  // end-around carry
    for (size_t at = out.size(); at-- > 0;) {
      sum += out[at];
      out[at] = static_cast<uint8_t>(sum);
      sum >>= 8;
    }
  }
}

// n_fold_usage folds `usage` (four bytes, big-endian) and `octet` to 16 bytes: the constants of RFC
// 3961 5.3. By a table, since it would cost most of a key derivation.
FixedBytes<16> n_fold_usage(uint32_t usage, uint8_t octet) noexcept;

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_NFOLD_H_
