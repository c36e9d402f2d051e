// Addresses of KDCs.
#include "fuzz/oracles_krb5_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_kdc_address({data, size});
  return 0;
}
