// Names of SASL mechanisms.
#include <pocketgss/sasl.h>

#include <array>

#include "sasl/text.h"

namespace pocketgss {
namespace {

constexpr std::array kMechanisms = {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego,
                                    SaslMechanism::kNtlm};

}  // namespace

std::string_view sasl_name(SaslMechanism mechanism) {
  switch (mechanism) {
    case SaslMechanism::kGssapi:
      return "GSSAPI";
    case SaslMechanism::kGssSpnego:
      return "GSS-SPNEGO";
    case SaslMechanism::kNtlm:
      return "NTLM";
  }
  return "";
}

// RFC 4422 3.1 spells names in upper case; .NET sends them in lower case (quirk A14).
std::optional<SaslMechanism> sasl_mechanism(std::string_view name) {
  for (const SaslMechanism mechanism : kMechanisms) {
    if (sasl::equal_ignoring_case(name, sasl_name(mechanism))) return mechanism;
  }
  return std::nullopt;
}

}  // namespace pocketgss
