// KRB-ERROR and what PA-DATA hold.
#include "fuzz/mutate_der.h"
#include "fuzz/oracles_krb5.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_krb_error_padata({data, size});
  return 0;
}

PGSS_FUZZ_MUTATE_DER()
