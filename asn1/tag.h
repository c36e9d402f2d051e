// Identifier octets (X.690 8.1.2). Only low-tag-number form exists in the protocols we speak.
#ifndef PGSS_ASN1_TAG_H_
#define PGSS_ASN1_TAG_H_

#include <cstdint>

namespace pocketgss::asn1 {

// Tag is one identifier octet: class, constructed bit, number 0 to 30.
struct Tag {
  uint8_t octet;

  constexpr bool constructed() const { return (octet & 0x20) != 0; }
  constexpr bool operator==(const Tag&) const = default;
};

inline constexpr Tag kBoolean{0x01};
inline constexpr Tag kInteger{0x02};
inline constexpr Tag kBitString{0x03};
inline constexpr Tag kOctetString{0x04};
inline constexpr Tag kNull{0x05};
inline constexpr Tag kObjectIdentifier{0x06};
inline constexpr Tag kEnumerated{0x0a};
inline constexpr Tag kUtf8String{0x0c};
inline constexpr Tag kGeneralizedTime{0x18};
inline constexpr Tag kGeneralString{0x1b};
inline constexpr Tag kSequence{0x30};

// context(n) is the explicit tag [n], application(n) is [APPLICATION n]; both constructed.
constexpr Tag context(uint8_t number) {
  return Tag{static_cast<uint8_t>(0xa0 | number)};
}
constexpr Tag application(uint8_t number) {
  return Tag{static_cast<uint8_t>(0x60 | number)};
}

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_TAG_H_
