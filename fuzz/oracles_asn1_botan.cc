// The DER reader against Botan's BER_Decoder, which has limits of DER from version 3.12 on.
#include <botan/version.h>

#include "fuzz/oracles_asn1.h"

#if BOTAN_VERSION_CODE >= BOTAN_VERSION_CODE_FOR(3, 12, 0)

#include <botan/asn1_obj.h>
#include <botan/ber_dec.h>

#include <optional>

#include "asn1/reader.h"
#include "fuzz/check.h"

namespace pocketgss::fuzz {
namespace {

using asn1::Reader;
using asn1::Tag;

// What `decode` gives of Botan's decoder over `in`; none where it throws.
template <typename Decode>
auto by_botan(ByteView in, const Decode& decode)
    -> std::optional<decltype(decode(std::declval<Botan::BER_Decoder&>()))> {
  try {
    Botan::BER_Decoder decoder(std::span<const uint8_t>(in), Botan::BER_Decoder::Limits::DER());
    return decode(decoder);
  } catch (const Botan::Exception&) {
    return std::nullopt;
  }
}

void check_values(ByteView in) {
  const auto boolean = by_botan(in, [](Botan::BER_Decoder& d) {
    bool out = false;
    d.decode(out);
    return out;
  });
  const Result<bool> our_boolean = Reader(in).boolean("");
  PGSS_FUZZ_CHECK(our_boolean.has_value() == boolean.has_value());
  if (boolean) PGSS_FUZZ_CHECK(our_boolean.value() == *boolean);

  const auto number = by_botan(in, [](Botan::BER_Decoder& d) {
    size_t out = 0;
    d.decode(out);
    return out;
  });
  const Result<uint32_t> our_number = Reader(in).uint32("");
  PGSS_FUZZ_CHECK(our_number.has_value() == number.has_value());
  if (number) PGSS_FUZZ_CHECK(our_number.value() == *number);

  const auto octets = by_botan(in, [](Botan::BER_Decoder& d) {
    Bytes out;
    d.decode(out, Botan::ASN1_Type::OctetString);
    return out;
  });
  const Result<ByteView> our_octets = Reader(in).octet_string("");
  PGSS_FUZZ_CHECK(our_octets.has_value() == octets.has_value());
  if (octets) PGSS_FUZZ_CHECK(our_octets.value() == ByteView(*octets));

  const auto bits = by_botan(in, [](Botan::BER_Decoder& d) {
    Bytes out;
    d.decode(out, Botan::ASN1_Type::BitString);
    return out;
  });
  const Result<Reader::BitString> our_bits = Reader(in).bit_string("");
  PGSS_FUZZ_CHECK(our_bits.has_value() == bits.has_value());
  if (bits) PGSS_FUZZ_CHECK(our_bits.value().octets == ByteView(*bits));

  // Exception: Botan refuses an OID with a component of 2^32 or more, which X.690 does not.
  const auto oid = by_botan(in, [](Botan::BER_Decoder& d) {
    Botan::OID out;
    d.decode(out);
    return out.to_string();
  });
  const Result<asn1::Oid> our_oid = Reader(in).oid("");
  if (oid) PGSS_FUZZ_CHECK(our_oid.has_value() && asn1::dotted(our_oid.value()) == *oid);
}

// Exceptions: Botan takes tag numbers above 30, which no protocol of ours has, and leaves the form
// of universal types to the typed reads.
bool is_exception(Tag tag) {
  return (tag.octet & 0x1f) == 0x1f || ((tag.octet & 0xc0) == 0 && tag.octet != 0);
}

void check_elements(ByteView in, int depth) {
  Reader reader(in);
  while (!reader.at_end()) {
    const ByteView rest = reader.rest();
    const Result<Reader::Element> ours = reader.any("");
    // The element alone where there is one: Botan copies what it is given.
    const ByteView octets = ours.has_value() ? ours.value().whole : rest;
    check_values(octets);
    const auto theirs = by_botan(octets, [](Botan::BER_Decoder& d) { return d.get_next_object(); });
    if (!ours.has_value()) {
      PGSS_FUZZ_CHECK(!theirs.has_value() || is_exception(Tag{rest[0]}));
      return;
    }
    PGSS_FUZZ_CHECK(theirs.has_value());
    PGSS_FUZZ_CHECK(ByteView(theirs->data()) == ours.value().contents);
    if (ours.value().tag.constructed() && depth < 16)
      check_elements(ours.value().contents, depth + 1);
  }
}

}  // namespace

void check_der_against_botan(ByteView in) {
  check_elements(in, 0);
}

}  // namespace pocketgss::fuzz

#else

namespace pocketgss::fuzz {

void check_der_against_botan(ByteView) {}

}  // namespace pocketgss::fuzz

#endif
