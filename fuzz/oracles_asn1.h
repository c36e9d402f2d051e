// Oracles of the DER reader and writer: what must hold for any input. A failure aborts.
#ifndef PGSS_FUZZ_ORACLES_ASN1_H_
#define PGSS_FUZZ_ORACLES_ASN1_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// check_der_reader reads `in` as elements, nested ones too, and each by every typed read. Then:
//   - what is returned lies inside of the input, and the reader ends behind the element;
//   - a refusal leaves the reader as it was, is kMalformed, and names an offset inside of the input
//   or
//     at its end;
//   - what a typed read takes, the writer writes back to the very bytes that were consumed;
//   - dump prints something for every input that is not empty.
void check_der_reader(ByteView in);

// check_der_roundtrip takes `in` as the recipe of a tree of elements, writes it with the Writer,
// reads it back with the Reader and compares; and with a Writer that was given another expected
// size.
void check_der_roundtrip(ByteView in);

// check_der_against_botan compares what Reader and Botan's BER_Decoder with the limits of DER make
// of `in`. They accept the same, but for the exceptions listed in the source. Does nothing with
// Botan 2, whose decoder takes BER.
void check_der_against_botan(ByteView in);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_ASN1_H_
