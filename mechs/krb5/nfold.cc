// The folded constants: n-fold is linear, so a table of single bits serves for all usages.
#include "mechs/krb5/nfold.h"

#include <array>

namespace pocketgss::mechs::krb5 {
namespace {

// Folded is 128 bits in ones' complement.
struct Folded {
  uint64_t high = 0, low = 0;
};

constexpr size_t kConstantBits = 40;

// Pieces are added in ones' complement, that is modulo 2^128 - 1, and every bit of the constant is
// in a place of its own in them: the fold of a constant is the sum of the folds of its bits.
constexpr auto kBits = [] {
  std::array<Folded, kConstantBits> table{};
  for (size_t bit = 0; bit < kConstantBits; ++bit) {
    FixedBytes<5> constant{};
    constant[4 - bit / 8] = static_cast<uint8_t>(1u << bit % 8);
    FixedBytes<16> folded{};
    n_fold(constant, folded);
    for (size_t i = 0; i < 8; ++i) {
      table[bit].high = table[bit].high << 8 | folded[i];
      table[bit].low = table[bit].low << 8 | folded[8 + i];
    }
  }
  return table;
}();

void add(Folded& sum, const Folded& more) {
  sum.low += more.low;
  const uint64_t carry_low = sum.low < more.low;
  sum.high += more.high;
  uint64_t carry_high = sum.high < more.high;
  sum.high += carry_low;
  carry_high |= sum.high < carry_low;
  // End-around carry. It cannot carry again: sum and addend were not both all ones.
  sum.low += carry_high;
  sum.high += sum.low < carry_high;
}

}  // namespace

FixedBytes<16> n_fold_usage(uint32_t usage, uint8_t octet) noexcept {
  Folded sum;
  uint64_t constant = uint64_t{usage} << 8 | octet;
  for (size_t bit = 0; constant != 0; ++bit, constant >>= 1) {
    if ((constant & 1) != 0) add(sum, kBits[bit]);
  }
  FixedBytes<16> out;
  for (size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<uint8_t>(sum.high >> (56 - 8 * i));
    out[8 + i] = static_cast<uint8_t>(sum.low >> (56 - 8 * i));
  }
  return out;
}

}  // namespace pocketgss::mechs::krb5
