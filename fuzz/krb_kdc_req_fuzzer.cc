// Requests to a KDC, and KRB-CRED.
#include "fuzz/mutate_der.h"
#include "fuzz/oracles_krb5.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_krb_kdc_req({data, size});
  return 0;
}

PGSS_FUZZ_MUTATE_DER()
