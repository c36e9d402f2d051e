// How an oracle reads an input that is a recipe.
#ifndef PGSS_FUZZ_SCRIPT_H_
#define PGSS_FUZZ_SCRIPT_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// Script hands out the fuzzer's octets; when they are used up it gives zeros.
class Script {
 public:
  explicit Script(ByteView in) : in_(in) {}
  uint8_t u8() {
    if (in_.empty()) return 0;
    const uint8_t value = in_[0];
    in_ = in_.from(1);
    return value;
  }
  uint16_t u16() {
    const unsigned high = u8();
    return static_cast<uint16_t>(high << 8 | u8());
  }
  bool at_end() const { return in_.empty(); }
  ByteView rest() const { return in_; }

 private:
  ByteView in_;
};

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_SCRIPT_H_
