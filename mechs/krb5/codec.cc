// Walks over the tables: reading and writing.
#include "mechs/krb5/codec.h"

#include <array>

namespace pocketgss::mechs::krb5 {
namespace {

using asn1::Reader;
using asn1::Writer;

// at is the member of a row in its struct; null in null.
void* at(void* object, const Row& row) {
  return object == nullptr ? nullptr : static_cast<uint8_t*>(object) + row.offset;
}
const void* at(const void* object, const Row& row) {
  return static_cast<const uint8_t*>(object) + row.offset;
}

template <typename T>
T& as(void* object) {
  return *static_cast<T*>(object);
}
template <typename T>
const T& as(const void* object) {
  return *static_cast<const T*>(object);
}

uint8_t application_of(const Table& table, const void* message) {
  return table.tag != nullptr ? table.tag(message) : table.application;
}

// Walk reads. Where `out` is null, as for the elements of a list, the value is only checked. The
// recursion is as deep as the tables are, whatever the input: a Ticket in a list in a body in a
// request.
class Walk {
 public:
  Result<void> value(Reader& in, const Row& row, Kind kind, void* out);
  bool skipped() const { return skipped_; }

 private:
  Result<void> structure(Reader& in, const Table& table, void* out);
  Result<void> row(Reader& in, const Row& row, void* object);
  Result<void> sequence_of(Reader& in, const Row& row, void* out);
  Result<void> skip_unknown(Reader& in, const Table& table);

  bool skipped_ = false;
};

template <typename T, typename U>
Result<void> store(const Result<U>& value, void* out) {
  if (!value.has_value()) return value.error();
  if (out != nullptr) as<T>(out) = static_cast<T>(value.value());
  return {};
}

// RFC 4120 5.2.8: KerberosFlags ::= BIT STRING (SIZE (32..MAX))
KerberosFlags flags_of(const Reader::BitString& read) {
  KerberosFlags out;
  out.bit_count = static_cast<uint32_t>(8 * read.octets.size() - read.unused_bits);
  const size_t in_bits = std::min<size_t>(read.octets.size(), 4);
  for (size_t i = 0; i < in_bits; ++i) out.bits |= uint32_t{read.octets[i]} << (24 - 8 * i);
  out.beyond = read.octets.from(in_bits);
  return out;
}

Result<void> Walk::value(Reader& in, const Row& row, Kind kind, void* out) {
  switch (kind) {
    case Kind::kConstant: {
      PGSS_CHECK(in.integer_in(row.constant, row.constant, row.name));
      return {};
    }
    case Kind::kMessageType: {
      const int64_t expected = number_of(as<MessageType>(out));
      PGSS_CHECK(in.integer_in(expected, expected, row.name));
      return {};
    }
    case Kind::kBoolean:
      return store<bool>(in.boolean(row.name), out);
    case Kind::kInt32:
      return store<int32_t>(in.integer_in(INT32_MIN, INT32_MAX, row.name), out);
    case Kind::kMicroseconds:  // RFC 4120 5.2.4: INTEGER (0..999999)
      return store<Microseconds>(in.integer_in(0, kMaxMicroseconds, row.name), out);
    case Kind::kUInt32: {
      // RFC 4120 5.2.4: INTEGER (0..4294967295). Quirks D4, D10: a negative one is the same 32
      // bits.
      PGSS_TRY(const int64_t value, in.integer_in(INT32_MIN, UINT32_MAX, row.name));
      if (out != nullptr) as<UInt32>(out) = UInt32::from_wire(value);
      return {};
    }
    case Kind::kKerberosFlags: {
      PGSS_TRY(const Reader::BitString bits, in.bit_string(row.name));
      if (out != nullptr) as<KerberosFlags>(out) = flags_of(bits);
      return {};
    }
    case Kind::kKerberosTime:
      return store<KerberosTime>(asn1::kerberos_time(in, row.name), out);
    case Kind::kOctetString:
      return store<ByteView>(in.octet_string(row.name), out);
    case Kind::kKerberosString:  // RFC 4120 5.2.1: GeneralString (IA5String)
      return store<KerberosString>(in.general_string(row.name), out);
    case Kind::kStruct:
      return structure(in, *row.inner, out);
    case Kind::kSequenceOf:
      return sequence_of(in, row, out);
  }
  return Error{Errc::kInternal, row.name, in.offset(), 0};
}

Result<void> Walk::structure(Reader& in, const Table& table, void* out) {
  const ByteView before = in.rest();
  Reader body{ByteView()};
  if (const uint8_t application = application_of(table, out); application != 0) {
    PGSS_TRY(Reader tagged, in.enter(asn1::application(application), table.name));
    PGSS_TRY(body, tagged.enter(asn1::kSequence, table.name));
    PGSS_CHECK(tagged.finish(table.name));
  } else {
    PGSS_TRY(body, in.enter(asn1::kSequence, table.name));
  }
  for (size_t i = 0; i < table.row_count; ++i) PGSS_CHECK(row(body, table.rows[i], out));
  if (table.extensible) PGSS_CHECK(skip_unknown(body, table));
  PGSS_CHECK(body.finish(table.name));
  if (out != nullptr && table.der_offset != Table::kNone) {
    auto* der = static_cast<uint8_t*>(out) + table.der_offset;
    as<ByteView>(der) = before.prefix(before.size() - in.rest().size());
  }
  return {};
}

Result<void> Walk::row(Reader& in, const Row& row, void* object) {
  const asn1::Tag tag = asn1::context(row.number);
  void* out = at(object, row);
  if (row.optional != nullptr) {
    if (!in.next_is(tag)) return {};
    if (out != nullptr) out = row.optional->emplace(out);
  }
  PGSS_TRY(Reader tagged, in.enter(tag, row.name));
  PGSS_CHECK(value(tagged, row, row.kind, out));
  return tagged.finish(row.name);
}

Result<void> Walk::sequence_of(Reader& in, const Row& row, void* out) {
  PGSS_TRY(Reader elements, in.enter(asn1::kSequence, row.name));
  const ByteView contents = elements.rest();
  uint32_t count = 0;
  for (; !elements.at_end(); ++count) {
    if (count == kMaxElements) return Error{Errc::kMalformed, row.name, elements.offset(), 0};
    PGSS_CHECK(value(elements, row, row.element, nullptr));
  }
  if (out != nullptr) as<SequenceBase>(out) = SequenceBase{nullptr, contents, count};
  return {};
}

// RFC 4120 1.5.2, RFC 6806 11: what is added to a message is added at its end, with a tag of its
// own.
Result<void> Walk::skip_unknown(Reader& in, const Table& table) {
  constexpr uint8_t kHighestNumber = 30;
  uint8_t last = asn1::context(table.rows[table.row_count - 1].number).octet;
  while (!in.at_end()) {
    const uint32_t offset = in.offset();
    PGSS_TRY(const Reader::Element element, in.any(table.name));
    const uint8_t tag = element.tag.octet;
    if (tag <= last || tag > asn1::context(kHighestNumber).octet) {
      return Error{Errc::kMalformed, table.name, offset, 0};
    }
    last = tag;
    skipped_ = true;
  }
  return {};
}

// Pen writes. A value that cannot be written as what it is is remembered until the end.
class Pen {
 public:
  explicit Pen(Writer& out) : out_(out) {}
  void value(const Row& row, Kind kind, const void* in);
  bool misused() const { return misused_; }

 private:
  void structure(const Table& table, const void* in);
  void sequence_of(const Row& row, const SequenceBase& in);
  void flags(const KerberosFlags& in);

  Writer& out_;
  bool misused_ = false;
};

void Pen::value(const Row& row, Kind kind, const void* in) {
  switch (kind) {
    case Kind::kConstant:
      return out_.int32(row.constant);
    case Kind::kMessageType:
      return out_.int32(number_of(as<MessageType>(in)));
    case Kind::kBoolean:
      return out_.boolean(as<bool>(in));
    case Kind::kInt32:
      return out_.int32(as<int32_t>(in));
    case Kind::kMicroseconds:
      misused_ |= as<Microseconds>(in) > kMaxMicroseconds;
      return out_.uint32(as<Microseconds>(in));
    case Kind::kUInt32:
      return out_.int64(as<UInt32>(in).on_wire);
    case Kind::kKerberosFlags:
      return flags(as<KerberosFlags>(in));
    case Kind::kKerberosTime:
      return asn1::write(out_, as<KerberosTime>(in));
    case Kind::kOctetString:
      return out_.octet_string(as<ByteView>(in));
    case Kind::kKerberosString:
      return out_.general_string(as<KerberosString>(in));
    case Kind::kStruct:
      return structure(*row.inner, in);
    case Kind::kSequenceOf:
      return sequence_of(row, as<SequenceBase>(in));
  }
}

void Pen::structure(const Table& table, const void* in) {
  if (table.der_offset != Table::kNone) {
    const auto& der = as<ByteView>(static_cast<const uint8_t*>(in) + table.der_offset);
    if (!der.empty()) return out_.raw(der);
  }
  const auto body = [&](Writer& outer) {
    outer.nest(asn1::kSequence, [&](Writer& sequence) {
      for (size_t i = 0; i < table.row_count; ++i) {
        const Row& row = table.rows[i];
        const void* member = at(in, row);
        if (row.optional != nullptr) member = row.optional->get(member);
        if (member == nullptr) continue;
        sequence.nest(asn1::context(row.number), [&](Writer&) { value(row, row.kind, member); });
      }
    });
  };
  const uint8_t application = application_of(table, in);
  if (application == 0) return body(out_);
  out_.nest(asn1::application(application), body);
}

// Elements that were read have been checked, and are written as they are.
void Pen::sequence_of(const Row& row, const SequenceBase& in) {
  misused_ |= in.size > kMaxElements;
  out_.nest(asn1::kSequence, [&](Writer& elements) {
    if (in.items == nullptr) return elements.raw(in.der);
    const auto* item = static_cast<const uint8_t*>(in.items);
    for (uint32_t i = 0; i < in.size; ++i, item += row.element_size) {
      value(row, row.element, item);
    }
  });
}

void Pen::flags(const KerberosFlags& in) {
  const size_t octets = (size_t{in.bit_count} + 7) / 8;
  const size_t in_bits = std::min<size_t>(octets, 4);
  misused_ |= in.beyond.size() != octets - in_bits;
  std::array<uint8_t, 5> start{static_cast<uint8_t>(8 * octets - in.bit_count)};
  for (size_t i = 0; i < 4; ++i) start[1 + i] = static_cast<uint8_t>(in.bits >> (24 - 8 * i));
  if (octets <= 4) return out_.bit_string(ByteView(start).sub(1, octets), start[0]);
  out_.nest(asn1::kBitString, [&](Writer& contents) {  // in two pieces, as bit_string takes none
    contents.raw(ByteView(start));
    contents.raw(in.beyond);
  });
}

// write_to writes a value and says whether it could be.
Result<void> write_to(Writer& out, const Row& row, const void* in) {
  Pen pen(out);
  pen.value(row, row.kind, in);
  if (pen.misused()) return Error{Errc::kApiMisuse, "krb5::encode", 0, 0};
  return {};
}

}  // namespace

Result<void> read(ByteView der, const Row& row, void* out, bool* skipped) {
  Reader in(der);
  Walk walk;
  PGSS_CHECK(walk.value(in, row, row.kind, out));
  if (skipped != nullptr) *skipped = walk.skipped();
  return in.finish(row.name);
}

Result<Bytes> write(const Row& row, const void* in, size_t expected_size) {
  Writer out(expected_size);
  PGSS_CHECK(write_to(out, row, in));
  return std::move(out).take();
}

Result<size_t> write(const Row& row, const void* in, MutableBytes out) {
  Writer fixed(out);
  PGSS_CHECK(write_to(fixed, row, in));
  return std::move(fixed).written();
}

namespace internal {

void read_first(ByteView elements, const Row& row, void* out) {
  Reader in(elements);
  static_cast<void>(Walk().value(in, row, row.kind, out));  // it was checked when the list was read
}

ByteView behind_first(ByteView elements) {
  Reader in(elements);
  const auto first = in.any("");
  return first.has_value() ? in.rest() : ByteView();
}

}  // namespace internal

}  // namespace pocketgss::mechs::krb5
