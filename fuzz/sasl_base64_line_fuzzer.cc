// Base64, lines, replies and message content.
#include "fuzz/oracles_sasl.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_base64({data, size});
  pocketgss::fuzz::check_lines({data, size});
  return 0;
}
