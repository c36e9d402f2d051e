// The kinds of login that need NTLM alone.
#ifndef PGSS_TESTS_LIB_SUPPORT_NTLM_LOGIN_H_
#define PGSS_TESTS_LIB_SUPPORT_NTLM_LOGIN_H_

#include <vector>

#include "tests/lib/support/login.h"

namespace pocketgss::testing {

// NtlmSetting is `user` with kPassword, on a channel that is bound.
struct NtlmSetting : LoginSetting {
  explicit NtlmSetting(MechanismKind of);

  AccountAnswer account(const NeedAccount&) override;
  void spoil() override { account_key_ = SecretBytes::of_size(16); }
  std::vector<Bytes> secrets(const Login&) override;

 private:
  SecretBytes account_key_;
};

inline const LoginKind kNtlmLogins[] = {
    {"Ntlm", "NTLM",
     []() -> std::unique_ptr<LoginSetting> {
       return std::make_unique<NtlmSetting>(MechanismKind::kNtlm);
     }},
    {"SpnegoNtlm", "NTLM",
     []() -> std::unique_ptr<LoginSetting> {
       return std::make_unique<NtlmSetting>(MechanismKind::kSpnego);
     }},
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_LIB_SUPPORT_NTLM_LOGIN_H_
