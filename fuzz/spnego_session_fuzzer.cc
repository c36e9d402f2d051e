// A negotiation between our initiator and our acceptor, with the fuzzer in between.
#include "fuzz/oracles_spnego.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_spnego_session({data, size});
  return 0;
}
