// What reads and writes a struct by its table (schema.h). Internal to krb5.
#ifndef PGSS_MECHS_KRB5_CODEC_H_
#define PGSS_MECHS_KRB5_CODEC_H_

#include "asn1/reader.h"
#include "asn1/writer.h"
#include "mechs/krb5/schema.h"

namespace pocketgss::mechs::krb5 {

// read takes the whole of `der` for a value of `row` and stores it in `out`. `skipped` says whether
// there were fields that no table knows. After an error what `out` holds is of no use.
Result<void> read(ByteView der, const Row& row, void* out, bool* skipped = nullptr);

// write is its reverse. `expected_size` as in asn1::Writer.
Result<Bytes> write(const Row& row, const void* in, size_t expected_size);
Result<size_t> write(const Row& row, const void* in, MutableBytes out);

// decode reads a T where the caller will have it: the structs are large enough that copying one
// costs as much as reading it. `init` fills in what the tag depends on.
template <typename T, typename Init>
Result<T> decode(ByteView der, const char* name, Init&& init) {
  Result<T> out(std::in_place);
  init(out.value());
  const Result<void> result = read(der, row_of<T>(name), &out.value());
  if (!result.has_value()) out = result.error();
  return out;
}
template <typename T>
Result<T> decode(ByteView der, const char* name) {
  return decode<T>(der, name, [](T&) {});
}

template <typename T>
Result<Bytes> encode_new(const T& in, size_t expected_size) {
  return write(row_of<T>(""), &in, expected_size);
}
template <typename T>
Result<size_t> encode_in_place(const T& in, MutableBytes out) {
  return write(row_of<T>(""), &in, out);
}

namespace internal {
// read_first reads the first of some elements that have been checked.
void read_first(ByteView elements, const Row& row, void* out);
}  // namespace internal

template <typename T>
T SequenceOf<T>::Iterator::read() const {
  T out{};
  internal::read_first(at_.der, row_of<T>(""), &out);
  return out;
}

// PGSS_KRB5_SEQUENCE_OF(T) makes the iterator of SequenceOf<T> part of the translation unit.
#define PGSS_KRB5_SEQUENCE_OF(T) template T SequenceOf<T>::Iterator::read() const

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_CODEC_H_
