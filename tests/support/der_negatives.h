// Bad DER made by machine from good DER: what a strict parser must refuse, one defect each.
#ifndef PGSS_TESTS_SUPPORT_DER_NEGATIVES_H_
#define PGSS_TESTS_SUPPORT_DER_NEGATIVES_H_

#include <pocketgss/bytes.h>

#include <functional>
#include <string>
#include <vector>

namespace pocketgss::testing {

// DerNegative is one altered encoding. `what` says the defect and where, for the failure's message.
struct DerNegative {
  Bytes der;
  std::string what;
};

// der_negatives returns, for a token of one valid element:
//   - every proper prefix;
//   - the element with 1 and with 64 bytes of junk behind it;
//   - each constructed element with a junk byte at the end of its contents, the lengths outside
//   repaired;
//   - each length in one octet more than needed, and in the indefinite form, the lengths outside
//   repaired;
//   - each tag with its class, its form or its number changed; nothing else changes, so that a
//   token
//     whose grammar has a CHOICE or an OPTIONAL there may stay valid: see `skip_tag`.
// Elements inside of OCTET STRINGs are contents and stay as they are. `skip_tag` is asked, for each
// changed tag, with the offset of the tag and the new tag, and says whether the change is no
// defect.
using SkipTag = std::function<bool(size_t offset, uint8_t new_tag)>;
std::vector<DerNegative> der_negatives(ByteView der, const SkipTag& skip_tag = {});

// with_exact_copy calls `use` with a heap copy of exactly the size of `bytes`, so that a sanitizer
// sees any read of what is beside it.
void with_exact_copy(ByteView bytes, const std::function<void(ByteView)>& use);

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SUPPORT_DER_NEGATIVES_H_
