// An exchange between our initiator and our acceptor, with the fuzzer in between.
#include "fuzz/oracles_ntlm.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_ntlm_session({data, size});
  return 0;
}
