// A mutator for DER: it edits the tree of elements and repairs the lengths outside, nine times in
// ten.
#ifndef PGSS_FUZZ_MUTATE_DER_H_
#define PGSS_FUZZ_MUTATE_DER_H_

#include <cstddef>
#include <cstdint>

namespace pocketgss::fuzz {

// MutateBytes is libFuzzer's LLVMFuzzerMutate: changes bytes in place and returns the new size.
using MutateBytes = size_t (*)(uint8_t* data, size_t size, size_t max_size);

// mutate_der changes the `size` bytes at `data`, to at most `max_size`, and returns the new size.
// The same input, seed and `mutate_bytes` give the same output. An OCTET STRING or BIT STRING whose
// contents are DER is part of the tree. What is no DER at all is left to `mutate_bytes`.
size_t mutate_der(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                  MutateBytes mutate_bytes);

// A target becomes structure-aware by this line beside its LLVMFuzzerTestOneInput:
//   PGSS_FUZZ_MUTATE_DER()
// Without libFuzzer (main.cc) it is linked and never called.
#define PGSS_FUZZ_MUTATE_DER()                                                           \
  extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);       \
  extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, \
                                            unsigned seed) {                             \
    return pocketgss::fuzz::mutate_der(data, size, max_size, seed, LLVMFuzzerMutate);    \
  }

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_MUTATE_DER_H_
