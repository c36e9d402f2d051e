// SRV records of a name server's answer.
#include "fuzz/oracles_dns.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_srv_answer({data, size});
  return 0;
}
