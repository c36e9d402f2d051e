// MIC tokens.
#include "fuzz/oracles_krb5.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_krb_cfx_mic({data, size});
  return 0;
}
