// The contexts that a provider made point into it.
// expect: deleted
#include <pocketgss/sasl.h>

#include <utility>

pocketgss::AcceptorContexts made(pocketgss::Runtime& runtime) {
#ifdef WRONG
  pocketgss::AcceptorContexts contexts(runtime, pocketgss::AcceptorConfig());
  return std::move(contexts);
#else
  return pocketgss::AcceptorContexts(runtime, pocketgss::AcceptorConfig());
#endif
}
