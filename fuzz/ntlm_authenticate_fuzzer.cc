// One AUTHENTICATE_MESSAGE; mutated field by field where libFuzzer runs it.
#include "fuzz/mutate_ntlm.h"
#include "fuzz/oracles_ntlm.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_ntlm_authenticate({data, size});
  return 0;
}

PGSS_FUZZ_NTLM_MUTATOR
