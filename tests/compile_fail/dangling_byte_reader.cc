// A ByteReader over a temporary would read freed memory.
// expect: deleted
#include "base/cursor.h"

pocketgss::Bytes token();

bool reads() {
#ifdef WRONG
  pocketgss::ByteReader reader(token());
#else
  const pocketgss::Bytes kept = token();
  pocketgss::ByteReader reader(kept);
#endif
  return reader.at_end();
}
