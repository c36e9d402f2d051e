// Paths between realms.
#include "fuzz/oracles_krb5_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_transited({data, size});
  return 0;
}
