// dump: indented text of any DER, for golden files and debugging.
#ifndef PGSS_ASN1_DUMP_H_
#define PGSS_ASN1_DUMP_H_

#include <pocketgss/bytes.h>

#include <string>

namespace pocketgss::asn1 {

// How deep dump looks into constructed elements; what is nested deeper is printed as bytes.
inline constexpr int kMaxDumpDepth = 16;

// dump prints one line an element: its offset, its tag, its length, and the value of what is
// primitive.
//
//      0 [APPLICATION 0] 40
//      2   OBJECT IDENTIFIER 1.3.6.1.5.5.2
//     10   [0] 30
//     ...
//
// Where the bytes are no DER the last line is "   17 ! not DER: <n> bytes <hex>"; text before it
// stands. Cannot fail; time and memory are linear in the input.
std::string dump(ByteView der);

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_DUMP_H_
