// krb5.conf.
#include "fuzz/oracles_krb5_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_krb5_conf({data, size});
  return 0;
}
