// The tests of failure_test.cc and left_secrets_test.cc, with Kerberos.
#include "tests/lib/support/kerberos_settings.h"

namespace pocketgss::testing {

INSTANTIATE_TEST_SUITE_P(Kerberos, FailureTest, ::testing::ValuesIn(kKerberosLogins), name_of);
INSTANTIATE_TEST_SUITE_P(Kerberos, LeftSecretsTest, ::testing::ValuesIn(kKerberosLogins), name_of);

}  // namespace pocketgss::testing
