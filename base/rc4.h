// RC4, which NTLM signs and seals with. Our own: crypto libraries leave it out, and theirs is
// slower to key and lives on the heap.
#ifndef PGSS_BASE_RC4_H_
#define PGSS_BASE_RC4_H_

#include <pocketgss/bytes.h>
#include <pocketgss/secret.h>

namespace pocketgss::crypto {

// Rc4 is one cipher stream that goes on from call to call, as the sealing handles of NTLM do. It
// holds 258 bytes, allocates nothing, cannot fail, and wipes itself. Before set_key() there is no
// stream: apply() then gives what is as good as clear text.
class Rc4 {
 public:
  Rc4() = default;
  explicit Rc4(ByteView key) noexcept { set_key(key); }
  Rc4(Rc4&&) noexcept = default;
  Rc4& operator=(Rc4&&) noexcept = default;

  // set_key starts the stream of a key; an empty one counts as a zero byte, of one over 256 bytes
  // the first 256 count.
  void set_key(ByteView key) noexcept;

  // apply encrypts or decrypts, which is the same. `out` is as long as `in` at least, and may be
  // the same memory, but must not overlap it otherwise.
  void apply(ByteView in, MutableBytes out) noexcept;

 private:
  SecretArray<256> state_;
  uint8_t i_ = 0;
  uint8_t j_ = 0;
};

}  // namespace pocketgss::crypto

#endif  // PGSS_BASE_RC4_H_
