// Tables of the ASN.1 of the messages: one for all who walk over them, what reads, what writes, and
// what shows. Internal to krb5 and the token decoder.
#ifndef PGSS_MECHS_KRB5_SCHEMA_H_
#define PGSS_MECHS_KRB5_SCHEMA_H_

#include <cstddef>
#include <type_traits>

#include "mechs/krb5/messages.h"
#include "mechs/krb5/padata.h"

namespace pocketgss::mechs::krb5 {

// Thirty types with a hundred and fifty fields would be a lot of code if each field were read and
// written by code of its own. They are rows instead, made by the compiler from the members of the
// structs, so that a row cannot be of another type than its member.

// Kind is the type of a value on the wire, and of the member that holds it.
enum class Kind : uint8_t {
  kConstant,        // INTEGER that is always the same; no member
  kMessageType,     // INTEGER, MessageType: what the message was asked to be
  kBoolean,         // bool
  kInt32,           // int32_t
  kMicroseconds,    // Microseconds
  kUInt32,          // UInt32
  kKerberosFlags,   // KerberosFlags
  kKerberosTime,    // KerberosTime
  kOctetString,     // ByteView
  kKerberosString,  // KerberosString
  kStruct,          // the struct of Row::inner
  kSequenceOf,      // SequenceOf of Row::element, and of Row::inner where that is kStruct
};

struct Table;

// OptionalAccess works a std::optional whose type the walker does not know.
struct OptionalAccess {
  void* (*emplace)(void* optional);
  const void* (*get)(const void* optional);  // null where it is empty
};

// Row is one field, under the explicit tag [number].
struct Row {
  const char* name = nullptr;                // of the field, in the specification's words
  const Table* inner = nullptr;              // of kStruct
  const OptionalAccess* optional = nullptr;  // of an OPTIONAL field
  uint16_t offset = 0;                       // of the member
  uint8_t number = 0;
  Kind kind = Kind::kConstant;
  Kind element = Kind::kConstant;  // of kSequenceOf
  uint8_t constant = 0;
  uint8_t element_size = 0;  // of kSequenceOf, in an array
};

// Table is one SEQUENCE.
struct Table {
  static constexpr uint16_t kNone = 0xffff;

  const char* name;
  const Row* rows;
  uint8_t (*tag)(const void* message);  // where the [APPLICATION n] depends on a member
  uint16_t der_offset;                  // of the member that holds the whole encoding, or kNone
  uint8_t row_count;
  uint8_t application;  // n of [APPLICATION n]; 0 for none
  bool extensible;      // unknown fields may stand behind the last row
};

inline constexpr Microseconds kMaxMicroseconds = 999'999;

constexpr uint8_t number_of(MessageType type) {
  return static_cast<uint8_t>(type);
}

// table_of<T> is the table of a struct; the tables stand with the messages.
template <typename T>
inline constexpr const Table* table_of = nullptr;

#define PGSS_KRB5_DECLARE_TABLE(T) \
  extern const Table k##T##Table;  \
  template <>                      \
  inline constexpr const Table* table_of<T> = &k##T##Table

PGSS_KRB5_DECLARE_TABLE(PrincipalName);
PGSS_KRB5_DECLARE_TABLE(HostAddress);
PGSS_KRB5_DECLARE_TABLE(AuthorizationDataEntry);
PGSS_KRB5_DECLARE_TABLE(PaData);
PGSS_KRB5_DECLARE_TABLE(EncryptedData);
PGSS_KRB5_DECLARE_TABLE(EncryptionKey);
PGSS_KRB5_DECLARE_TABLE(Checksum);
PGSS_KRB5_DECLARE_TABLE(Ticket);
PGSS_KRB5_DECLARE_TABLE(TransitedEncoding);
PGSS_KRB5_DECLARE_TABLE(EncTicketPart);
PGSS_KRB5_DECLARE_TABLE(KdcReqBody);
PGSS_KRB5_DECLARE_TABLE(KdcReq);
PGSS_KRB5_DECLARE_TABLE(KdcRep);
PGSS_KRB5_DECLARE_TABLE(LastReqEntry);
PGSS_KRB5_DECLARE_TABLE(EncKdcRepPart);
PGSS_KRB5_DECLARE_TABLE(ApReq);
PGSS_KRB5_DECLARE_TABLE(Authenticator);
PGSS_KRB5_DECLARE_TABLE(ApRep);
PGSS_KRB5_DECLARE_TABLE(EncApRepPart);
PGSS_KRB5_DECLARE_TABLE(KrbCred);
PGSS_KRB5_DECLARE_TABLE(KrbCredInfo);
PGSS_KRB5_DECLARE_TABLE(EncKrbCredPart);
PGSS_KRB5_DECLARE_TABLE(KrbError);
PGSS_KRB5_DECLARE_TABLE(TypedDataEntry);
PGSS_KRB5_DECLARE_TABLE(EtypeInfoEntry);
PGSS_KRB5_DECLARE_TABLE(EtypeInfo2Entry);
PGSS_KRB5_DECLARE_TABLE(PaEncTsEnc);
PGSS_KRB5_DECLARE_TABLE(PaPacRequest);
PGSS_KRB5_DECLARE_TABLE(PaPacOptions);
PGSS_KRB5_DECLARE_TABLE(KerbErrorData);

namespace internal {

template <typename T>
inline constexpr OptionalAccess kOptionalAccess = {
    [](void* optional) -> void* { return &static_cast<std::optional<T>*>(optional)->emplace(); },
    [](const void* optional) -> const void* {
      const auto* typed = static_cast<const std::optional<T>*>(optional);
      return typed->has_value() ? &**typed : nullptr;
    }};

template <typename T>
constexpr Kind kind_of() {
  if constexpr (std::is_same_v<T, MessageType>) return Kind::kMessageType;
  if constexpr (std::is_same_v<T, bool>) return Kind::kBoolean;
  if constexpr (std::is_same_v<T, int32_t>) return Kind::kInt32;
  if constexpr (std::is_same_v<T, Microseconds>) return Kind::kMicroseconds;
  if constexpr (std::is_same_v<T, UInt32>) return Kind::kUInt32;
  if constexpr (std::is_same_v<T, KerberosFlags>) return Kind::kKerberosFlags;
  if constexpr (std::is_same_v<T, KerberosTime>) return Kind::kKerberosTime;
  if constexpr (std::is_same_v<T, ByteView>) return Kind::kOctetString;
  if constexpr (std::is_same_v<T, KerberosString>) return Kind::kKerberosString;
  return Kind::kStruct;
}

// Typed fills in what a row says of the type of its member.
template <typename T>
struct Typed {
  static constexpr Row fill(Row row) {
    row.kind = kind_of<T>();
    row.inner = table_of<T>;
    return row;
  }
};
template <typename T>
struct Typed<SequenceOf<T>> {
  static constexpr Row fill(Row row) {
    row.kind = Kind::kSequenceOf;
    row.element = kind_of<T>();
    static_assert(sizeof(T) < 256 || std::is_same_v<T, KrbCredInfo>, "KrbCredInfo is only read");
    row.element_size = static_cast<uint8_t>(sizeof(T));
    row.inner = table_of<T>;
    return row;
  }
};
template <typename T>
struct Typed<std::optional<T>> {
  static constexpr Row fill(Row row) {
    row.optional = &kOptionalAccess<T>;
    return Typed<T>::fill(row);
  }
};

}  // namespace internal

template <typename Member>
constexpr Row field_of(uint8_t number, const char* name, size_t offset) {
  Row row;
  row.name = name;
  row.number = number;
  row.offset = static_cast<uint16_t>(offset);
  return internal::Typed<Member>::fill(row);
}
#define PGSS_KRB5_FIELD(number, name, T, member) \
  field_of<decltype(T::member)>(number, name, offsetof(T, member))

constexpr Row constant(uint8_t number, const char* name, int32_t value) {
  Row row;
  row.name = name;
  row.number = number;
  row.constant = static_cast<uint8_t>(value);
  return row;
}

// row_of is a whole input: a value of type T without a tag in front of it.
template <typename T>
constexpr Row row_of(const char* name) {
  return field_of<T>(0, name, 0);
}

// A SEQUENCE that nothing may be added to.
template <size_t N>
constexpr Table plain_table(const char* name, const Row (&rows)[N]) {
  return Table{name, rows, nullptr, Table::kNone, uint8_t{N}, 0, false};
}
// A message: extensible, and with an [APPLICATION n] where `application` is not 0.
template <size_t N>
constexpr Table message_table(const char* name, const Row (&rows)[N], uint8_t application,
                              size_t der_offset = Table::kNone) {
  return Table{name,       rows,        nullptr, static_cast<uint16_t>(der_offset),
               uint8_t{N}, application, true};
}
template <size_t N>
constexpr Table message_table(const char* name, const Row (&rows)[N], uint8_t (*tag)(const void*)) {
  return Table{name, rows, tag, Table::kNone, uint8_t{N}, 0, true};
}

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_SCHEMA_H_
