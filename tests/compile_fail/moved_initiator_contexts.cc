// The contexts that a provider made point into it.
// expect: deleted
#include <pocketgss/sasl.h>

#include <utility>

pocketgss::InitiatorContexts made(pocketgss::Runtime& runtime) {
#ifdef WRONG
  pocketgss::InitiatorContexts contexts(runtime, pocketgss::InitiatorConfig());
  return std::move(contexts);
#else
  return pocketgss::InitiatorContexts(runtime, pocketgss::InitiatorConfig());
#endif
}
