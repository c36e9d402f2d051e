// NegTokenInit and NegTokenInit2.
#include "fuzz/oracles_spnego.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_spnego_init({data, size});
  return 0;
}
