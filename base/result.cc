// The part of Result that is out of line where code is built for size.
#include <pocketgss/result.h>

namespace pocketgss::internal {

ResultHead::ResultHead(const Refusal& refusal, OutOfLine) noexcept : ResultHead(refusal.error) {}

}  // namespace pocketgss::internal
