// A context would read the configuration that it was made with after it is gone.
// expect: deleted
#include <pocketgss/context.h>

pocketgss::AcceptorConfig config();

bool makes(pocketgss::Runtime& runtime) {
#ifdef WRONG
  return make_acceptor(runtime, pocketgss::MechanismKind::kSpnego, config()).has_value();
#else
  const pocketgss::AcceptorConfig kept = config();
  return make_acceptor(runtime, pocketgss::MechanismKind::kSpnego, kept).has_value();
#endif
}
