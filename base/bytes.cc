// Bytes that grow.
#include <pocketgss/bytes.h>

#include <cstring>

namespace pocketgss {

// std::vector's insert is three times the code, and, inline, that in each place.
void append(Bytes& out, ByteView more) {
  if (more.empty()) return;
  const size_t at = out.size();
  out.resize(at + more.size());
  std::memcpy(out.data() + at, more.data(), more.size());
}

}  // namespace pocketgss
