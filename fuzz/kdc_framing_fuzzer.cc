// A stream from a KDC.
#include "fuzz/oracles_kdc.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_kdc_framing({data, size});
  return 0;
}
