// The kinds of login that need Kerberos.
#ifndef PGSS_TESTS_LIB_SUPPORT_KERBEROS_SETTINGS_H_
#define PGSS_TESTS_LIB_SUPPORT_KERBEROS_SETTINGS_H_

#include <vector>

#include "tests/fakes/fake_kdc.h"
#include "tests/fakes/kerberos_login.h"
#include "tests/lib/support/login.h"

namespace pocketgss::testing {

// KerberosSetting is alice with a ticket for the service, on a channel that is bound.
struct KerberosSetting : LoginSetting {
  explicit KerberosSetting(MechanismKind);

  void spoil() override;
  std::vector<Bytes> secrets(const Login&) override;

  // accept makes the acceptor's key table of this key.
  void accept(const krb5::Key&, uint32_t kvno);
  // secrets_of are those of the AP exchange alone.
  std::vector<Bytes> secrets_of(const Login&, const krb5::Key& service_key,
                                const krb5::Key& session_key);

  size_t ap_req_at = 0;  // which token has it
  std::shared_ptr<IssuedTicket> ticket = std::make_shared<IssuedTicket>();
};

// With NTLM beside it: preferred, or in reserve.
struct KerberosAndNtlm final : KerberosSetting {
  enum class Preferred : uint8_t { kKerberos, kNtlm };
  explicit KerberosAndNtlm(Preferred);
};

struct OneWayKerberos final : KerberosSetting {
  OneWayKerberos() : KerberosSetting(MechanismKind::kKerberos) { initiator.flags = kIntegFlag; }
};

// KdcSetting is alice with her password, and a KDC that the context itself asks.
struct KdcSetting final : KerberosSetting {
  explicit KdcSetting(MechanismKind);
  ~KdcSetting() override;

  ExchangeAnswer exchange(const NeedExchange&) override;
  std::vector<Bytes> secrets(const Login&) override;

  FakeKdc kdc{runtime, "EXAMPLE.TEST"};
  std::vector<Bytes> requests;
};

// kdc_secrets are those of a user who got a ticket by `password`, by the file of his tickets and his
// requests: an AS-REQ without and one with pre-authentication, and a TGS-REQ.
std::vector<Bytes> kdc_secrets(Runtime&, const TicketSource&, std::string_view password,
                               std::string_view salt, const std::vector<Bytes>& requests);

template <typename Setting, auto... kArguments>
std::unique_ptr<LoginSetting> made() {
  return std::make_unique<Setting>(kArguments...);
}
inline const LoginKind kKerberosLogins[] = {
    {"Kerberos", "Kerberos", made<KerberosSetting, MechanismKind::kKerberos>},
    {"KerberosOneWay", "Kerberos", made<OneWayKerberos>},
    {"SpnegoKerberos", "Kerberos", made<KerberosSetting, MechanismKind::kSpnego>},
    {"SpnegoWithNtlmInReserve", "Kerberos",
     made<KerberosAndNtlm, KerberosAndNtlm::Preferred::kKerberos>},
    {"SpnegoKerberosAtLast", "Kerberos", made<KerberosAndNtlm, KerberosAndNtlm::Preferred::kNtlm>},
    {"KerberosByKdc", "Kerberos", made<KdcSetting, MechanismKind::kKerberos>},
    {"SpnegoKerberosByKdc", "Kerberos", made<KdcSetting, MechanismKind::kSpnego>},
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_LIB_SUPPORT_KERBEROS_SETTINGS_H_
