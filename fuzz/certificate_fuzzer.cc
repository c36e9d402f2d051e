// tls-server-end-point of any certificate.
#include "fuzz/oracles_lib.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_certificate({data, size});
  return 0;
}
