// `pocketgss decode`: the first octet says what the rest is taken for.
#include "fuzz/oracles_tools.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_decode({data, size});
  return 0;
}
