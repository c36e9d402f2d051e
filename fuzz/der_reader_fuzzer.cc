// Any bytes as DER: the reader's promises, and Botan's opinion where it is strict.
#include "fuzz/mutate_der.h"
#include "fuzz/oracles_asn1.h"

PGSS_FUZZ_MUTATE_DER()

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_der_reader({data, size});
  pocketgss::fuzz::check_der_against_botan({data, size});
  return 0;
}
