// A context would read the configuration that it was made with after it is gone.
// expect: deleted
#include <pocketgss/context.h>

pocketgss::InitiatorConfig config();

bool makes(pocketgss::Runtime& runtime) {
#ifdef WRONG
  return make_initiator(runtime, pocketgss::MechanismKind::kSpnego, config()).has_value();
#else
  const pocketgss::InitiatorConfig kept = config();
  return make_initiator(runtime, pocketgss::MechanismKind::kSpnego, kept).has_value();
#endif
}
