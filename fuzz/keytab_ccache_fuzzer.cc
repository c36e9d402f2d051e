// Key tables and credential caches.
#include "fuzz/oracles_krb5_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_keytab({data, size});
  pocketgss::fuzz::check_ccache({data, size});
  return 0;
}
