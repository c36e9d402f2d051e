// Oid: the text form.
#include "asn1/oid.h"

#include <cstdint>

namespace pocketgss::asn1 {
namespace {

// Arc is one subidentifier; its octets are checked to end (X.690 8.19.2).
struct Arc {
  uint64_t value = 0;
  bool too_large = false;
};

// next_arc takes a subidentifier off the front: seven bits an octet, the last with bit 8 zero.
Arc next_arc(ByteView& rest) {
  Arc arc;
  while (!rest.empty()) {
    const uint8_t octet = rest[0];
    rest = rest.from(1);
    arc.too_large = arc.too_large || arc.value >> 57 != 0;
    arc.value = arc.value << 7 | (octet & 0x7f);
    if ((octet & 0x80) == 0) break;
  }
  return arc;
}

void append_arc(std::string& out, Arc arc) {
  if (!out.empty()) out.push_back('.');
  out.append(arc.too_large ? "?" : std::to_string(arc.value));
}

}  // namespace

std::string dotted(Oid oid) {
  std::string out;
  ByteView rest = oid.der;
  if (rest.empty()) return out;
  // X.690 8.19.4: the first subidentifier is X*40 + Y, where X is 0, 1 or 2 and only 2 allows Y
  // > 39.
  const Arc first = next_arc(rest);
  const uint64_t x = first.too_large || first.value >= 80 ? 2 : first.value / 40;
  append_arc(out, Arc{x, false});
  append_arc(out, Arc{first.value - x * 40, first.too_large});
  while (!rest.empty()) append_arc(out, next_arc(rest));
  return out;
}

}  // namespace pocketgss::asn1
