// The user file.
#include "fuzz/oracles_tools.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_user_file({data, size});
  return 0;
}
