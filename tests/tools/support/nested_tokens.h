// Tokens inside tokens of their own kind, as deep as a test wants.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_NESTED_TOKENS_H_
#define PGSS_TESTS_TOOLS_SUPPORT_NESTED_TOKENS_H_

#include <algorithm>
#include <initializer_list>

#include <pocketgss/bytes.h>

namespace pocketgss::testing {

// InsideOut writes DER from its end to its start, so that no level is copied into the next.
class InsideOut {
 public:
  // before puts octets before what is there.
  InsideOut& before(std::initializer_list<uint8_t> octets) {
    reversed_.insert(reversed_.end(), std::rbegin(octets), std::rend(octets));
    return *this;
  }

  // wrap makes what is there the contents of an element.
  InsideOut& wrap(uint8_t tag) {
    const size_t length = reversed_.size();
    uint8_t octets = 0;
    for (size_t rest = length; rest != 0; rest >>= 8, ++octets)
      reversed_.push_back(static_cast<uint8_t>(rest));
    if (octets == 0) reversed_.push_back(0);
    if (length >= 0x80) reversed_.push_back(static_cast<uint8_t>(0x80 | octets));
    reversed_.push_back(tag);
    return *this;
  }

  Bytes take() const { return Bytes(reversed_.rbegin(), reversed_.rend()); }

 private:
  Bytes reversed_;
};

// nested_neg_token_resp is a NegTokenResp in the responseToken of another, and so on: so many of
// them. The innermost has a negState alone.
inline Bytes nested_neg_token_resp(size_t levels) {
  InsideOut der;
  der.before({0xa1, 0x07, 0x30, 0x05, 0xa0, 0x03, 0x0a, 0x01, 0x01});
  for (size_t level = 1; level < levels; ++level) der.wrap(0x04).wrap(0xa2).wrap(0x30).wrap(0xa1);
  return der.take();
}

// nested_ad_if_relevant is AuthorizationData whose one entry is AD-IF-RELEVANT that holds another,
// and so on: so many of them. The entry of the innermost is of a type that nothing is known of.
inline Bytes nested_ad_if_relevant(size_t levels) {
  InsideOut der;
  der.before({0xa0, 0x03, 0x02, 0x01, 0x63, 0xa1, 0x04, 0x04, 0x02, 0xca, 0xfe});
  der.wrap(0x30).wrap(0x30);
  for (size_t level = 1; level < levels; ++level) {
    der.wrap(0x04).wrap(0xa1).before({0xa0, 0x03, 0x02, 0x01, 0x01});
    der.wrap(0x30).wrap(0x30);
  }
  return der.take();
}

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_NESTED_TOKENS_H_
