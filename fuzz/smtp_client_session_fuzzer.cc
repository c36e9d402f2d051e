// An SMTP server plays against the client.
#include "fuzz/oracles_sasl.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_smtp_client_session({data, size});
  return 0;
}
