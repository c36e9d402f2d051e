// A PAC, or authorization data with one.
#include "fuzz/oracles_krb5.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_pac({data, size});
  return 0;
}
