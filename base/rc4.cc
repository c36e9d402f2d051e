// RC4: key schedule and stream.
#include "base/rc4.h"

#include <utility>

#include "base/for_size.h"

namespace pocketgss::crypto {

void Rc4::set_key(ByteView key) noexcept {
  static constexpr FixedBytes<1> kZero{};
  if (key.empty()) key = ByteView(kZero);
  uint8_t* const s = state_.mutable_view().data();
  for (size_t n = 0; n < 256; ++n) s[n] = static_cast<uint8_t>(n);
  uint8_t j = 0;
  for (size_t n = 0, k = 0; n < 256; ++n) {
    j = static_cast<uint8_t>(j + s[n] + key[k]);
    std::swap(s[n], s[j]);
    if (++k == key.size()) k = 0;
  }
  i_ = j_ = 0;
}

void Rc4::apply(ByteView in, MutableBytes out) noexcept {
  uint8_t* const s = state_.mutable_view().data();
  uint8_t i = i_;
  uint8_t j = j_;
  const auto next = [&] {
    const uint8_t a = s[++i];
    j = static_cast<uint8_t>(j + a);
    const uint8_t b = s[j];
    s[i] = b;
    s[j] = a;
    return s[static_cast<uint8_t>(a + b)];
  };
  // The key stream is made a word at a time, because the compiler must take a store to `out` for
  // one that may change the state.
  uint64_t word = 0;
  size_t at = 0;
  for (; !kForSize && in.size() - at >= sizeof(word); at += sizeof(word)) {
    word = 0;
    for (size_t n = 0; n < sizeof(word); ++n) word |= uint64_t{next()} << (8 * n);
    for (size_t n = 0; n < sizeof(word); ++n) {
      out[at + n] = static_cast<uint8_t>(in[at + n] ^ (word >> (8 * n)));
    }
  }
  for (; at < in.size(); ++at) out[at] = static_cast<uint8_t>(in[at] ^ next());
  i_ = i;
  j_ = j;
}

}  // namespace pocketgss::crypto
