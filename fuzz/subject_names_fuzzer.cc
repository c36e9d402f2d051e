// The names of a certificate.
#include "fuzz/oracles_tools.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_subject_names({data, size});
  return 0;
}
