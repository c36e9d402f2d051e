// A mutator that knows NTLM messages: it changes one field and writes the descriptors anew, so that
// the parser gets past them.
#ifndef PGSS_FUZZ_MUTATE_NTLM_H_
#define PGSS_FUZZ_MUTATE_NTLM_H_

#include <cstddef>
#include <cstdint>

namespace pocketgss::fuzz {

// MutateBytes is LLVMFuzzerMutate: it changes `size` bytes in place and returns their new number,
// at most `max_size`.
using MutateBytes = size_t (*)(uint8_t* data, size_t size, size_t max_size);

// mutate_ntlm changes a message in place and returns its new size. One time in ten, and where the
// input is no NTLM message, it leaves the whole to `mutate`.
size_t mutate_ntlm(uint8_t* data, size_t size, size_t max_size, unsigned seed, MutateBytes mutate);

}  // namespace pocketgss::fuzz

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Without libFuzzer (main.cc replays files) nothing calls the mutator, and there is no
// LLVMFuzzerMutate.
#if defined(PGSS_LIBFUZZER)
#define PGSS_FUZZ_NTLM_MUTATOR                                                           \
  extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, \
                                            unsigned seed) {                             \
    return pocketgss::fuzz::mutate_ntlm(data, size, max_size, seed, LLVMFuzzerMutate);   \
  }
#else
#define PGSS_FUZZ_NTLM_MUTATOR
#endif

#endif  // PGSS_FUZZ_MUTATE_NTLM_H_
