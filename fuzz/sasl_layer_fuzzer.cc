// The buffers of a security layer.
#include "fuzz/oracles_sasl.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_layer({data, size});
  return 0;
}
