// One list of AV pairs.
#include "fuzz/oracles_ntlm.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_ntlm_av_pairs({data, size});
  return 0;
}
