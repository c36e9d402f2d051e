// Wrap and MIC tokens under keys of etype 23, and what is in them.
#include "fuzz/oracles_krb5.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_krb_rfc4757({data, size});
  return 0;
}
