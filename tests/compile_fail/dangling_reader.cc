// A Reader over a temporary would read freed memory.
// expect: deleted
#include "asn1/reader.h"

pocketgss::Bytes token();

bool reads() {
#ifdef WRONG
  pocketgss::asn1::Reader reader(token());
#else
  const pocketgss::Bytes kept = token();
  pocketgss::asn1::Reader reader(kept);
#endif
  return reader.at_end();
}
