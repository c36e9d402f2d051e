// The frame of RFC 2743 3.1.
#include "fuzz/oracles_spnego.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_gss_wrapper({data, size});
  return 0;
}
