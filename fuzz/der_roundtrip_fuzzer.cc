// Any bytes as the recipe of a tree: written, read back, compared.
#include "fuzz/oracles_asn1.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_der_roundtrip({data, size});
  return 0;
}
