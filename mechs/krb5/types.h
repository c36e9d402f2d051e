// The types of RFC 4120 5.2 that its messages are made of, as plain structs that borrow.
#ifndef PGSS_MECHS_KRB5_TYPES_H_
#define PGSS_MECHS_KRB5_TYPES_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "asn1/time.h"

namespace pocketgss::mechs::krb5 {

// A struct is spelled as its ASN.1 is, fields in wire order. What is parsed borrows from the input
// and allocates nothing; what is written borrows from the caller. An absent field and an empty one
// differ, so that whatever parses, unknown extensions apart, is written back to the same bytes.

using asn1::KerberosTime;

// Realm and KerberosString (RFC 4120 5.2.1, 5.2.2) are counted: they may hold any octet, NUL
// included, and are compared by length and content (row DER-10).
using KerberosString = std::string_view;
using Realm = std::string_view;

// The most elements that a SEQUENCE OF may have: padata, etypes, authorization data and the rest.
inline constexpr size_t kMaxElements = 32;

// UInt32 (RFC 4120 5.2.4) is 32 bits, and remembers how the wire has them: real peers write nonces,
// sequence numbers and key versions above 2^31 as negative INTEGERs (quirks D4, D10). Compare
// bits(), or let == do so.
struct UInt32 {
  int64_t on_wire = 0;  // -2^31 to 2^32-1

  constexpr UInt32() = default;
  constexpr UInt32(uint32_t bits) : on_wire(bits) {}  // NOLINT: a number is a number
  static constexpr UInt32 from_wire(int64_t value) {
    UInt32 out;
    out.on_wire = value;
    return out;
  }
  constexpr uint32_t bits() const { return static_cast<uint32_t>(on_wire); }
  constexpr bool operator==(const UInt32& other) const { return bits() == other.bits(); }
};

// KerberosFlags (RFC 4120 5.2.8) is a BIT STRING of at least 32 bits whose trailing zero bits are
// sent. Bit 0 of the specification is the highest of `bits`. Strings that are shorter, or longer,
// are taken and written back as they were.
struct KerberosFlags {
  uint32_t bits = 0;        // the first 32; those that were not sent are zero
  uint32_t bit_count = 32;  // how many the string has
  ByteView beyond{};        // the octets after the fourth, where it has more than 32

  constexpr bool has(uint32_t flag) const { return (bits & flag) != 0; }
  bool operator==(const KerberosFlags&) const = default;
};
// flag_bit(n) is the bit that the specifications call n.
constexpr uint32_t flag_bit(unsigned number) {
  return uint32_t{1} << (31 - number);
}

// Microseconds (RFC 4120 5.2.4): 0 to 999999.
using Microseconds = uint32_t;

// SequenceBase is what every SequenceOf is made of.
struct SequenceBase {
  const void* items = nullptr;  // an array, or
  ByteView der;                 // the contents octets of a SEQUENCE OF that has been checked
  uint32_t size = 0;            // elements
};

// SequenceOf<T> is a SEQUENCE OF: elements in borrowed DER that has been checked, or, to be
// written, a borrowed array. It is iterated over either way, each element being read anew.
template <typename T>
class SequenceOf : private SequenceBase {
 public:
  SequenceOf() = default;
  // Borrows `elements`, which must be at most kMaxElements to be written.
  explicit SequenceOf(std::span<const T> elements)
      : SequenceBase{elements.data(), {}, static_cast<uint32_t>(elements.size())} {}

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = T;

    Iterator() = default;
    T operator*() const {
      return at_.items != nullptr ? *static_cast<const T*>(at_.items) : read();
    }
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_.size == other.at_.size; }

   private:
    friend class SequenceOf;
    explicit Iterator(const SequenceBase& at) : at_(at) {}
    T read() const;
    SequenceBase at_;  // from here on
  };

  Iterator begin() const { return Iterator(*this); }
  Iterator end() const { return Iterator(); }
  size_t size() const { return SequenceBase::size; }
  bool empty() const { return size() == 0; }
  // Only where not empty.
  T front() const { return *begin(); }
  bool operator==(const SequenceOf& other) const {
    return size() == other.size() && std::equal(begin(), end(), other.begin());
  }
};

namespace internal {
// behind_first is what follows the first element.
ByteView behind_first(ByteView elements);
}  // namespace internal

template <typename T>
typename SequenceOf<T>::Iterator& SequenceOf<T>::Iterator::operator++() {
  --at_.size;
  if (at_.items != nullptr) {
    at_.items = static_cast<const T*>(at_.items) + 1;
  } else {
    at_.der = internal::behind_first(at_.der);
  }
  return *this;
}

// RFC 4120 5.2.2
struct PrincipalName {
  int32_t name_type = 0;                   // [0]
  SequenceOf<KerberosString> name_string;  // [1]

  bool operator==(const PrincipalName&) const = default;
};
// same_name compares the components, and not the type, which RFC 4120 6.2 calls a hint only.
bool same_name(const PrincipalName&, const PrincipalName&);

// RFC 4120 5.2.5
struct HostAddress {
  int32_t addr_type = 0;  // [0]
  ByteView address;       // [1]

  bool operator==(const HostAddress&) const = default;
};
using HostAddresses = SequenceOf<HostAddress>;

// RFC 4120 5.2.6
struct AuthorizationDataEntry {
  int32_t ad_type = 0;  // [0]
  ByteView ad_data;     // [1]

  bool operator==(const AuthorizationDataEntry&) const = default;
};
using AuthorizationData = SequenceOf<AuthorizationDataEntry>;

// RFC 4120 5.2.7
struct PaData {
  int32_t padata_type = 0;  // [1]
  ByteView padata_value;    // [2]

  bool operator==(const PaData&) const = default;
};
using MethodData = SequenceOf<PaData>;  // METHOD-DATA, and the padata of requests and replies

// RFC 4120 5.2.9
struct EncryptedData {
  int32_t etype = 0;           // [0]
  std::optional<UInt32> kvno;  // [1]
  ByteView cipher;             // [2]

  bool operator==(const EncryptedData&) const = default;
};

// RFC 4120 5.2.9. `keyvalue` is a secret, wherever it is borrowed from.
struct EncryptionKey {
  int32_t keytype = 0;  // [0]
  ByteView keyvalue;    // [1]
};

// RFC 4120 5.2.9
struct Checksum {
  int32_t cksumtype = 0;  // [0]
  ByteView checksum;      // [1]
};

// RFC 4120 5.3
struct TransitedEncoding {
  int32_t tr_type = 0;  // [0]
  ByteView contents;    // [1]

  bool operator==(const TransitedEncoding&) const = default;
};

// RFC 4120 5.4.2
struct LastReqEntry {
  int32_t lr_type = 0;    // [0]
  KerberosTime lr_value;  // [1]

  bool operator==(const LastReqEntry&) const = default;
};
using LastReq = SequenceOf<LastReqEntry>;

using EtypeList = SequenceOf<int32_t>;  // in the order of preference

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_TYPES_H_
