// Names of SASL mechanisms.
#include <pocketgss/sasl.h>

#include <array>

#include "sasl/text.h"

namespace pocketgss {
namespace {

// kGssapi stands before kGssapiKrb5, whose registered name is the same.
constexpr std::array kMechanisms = {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego,
                                    SaslMechanism::kNtlm, SaslMechanism::kGssapiKrb5};

// find: RFC 4422 3.1 spells names in upper case; .NET sends them in lower case (quirk A14).
std::optional<SaslMechanism> find(std::string_view name,
                                  std::string_view (*name_of)(SaslMechanism)) {
  for (const SaslMechanism mechanism : kMechanisms) {
    if (sasl::equal_ignoring_case(name, name_of(mechanism))) return mechanism;
  }
  return std::nullopt;
}

}  // namespace

std::string_view sasl_name(SaslMechanism mechanism) {
  switch (mechanism) {
    case SaslMechanism::kGssapi:
    case SaslMechanism::kGssapiKrb5:
      return "GSSAPI";
    case SaslMechanism::kGssSpnego:
      return "GSS-SPNEGO";
    case SaslMechanism::kNtlm:
      return "NTLM";
  }
  return "";
}

std::optional<SaslMechanism> sasl_mechanism(std::string_view name) {
  return find(name, sasl_name);
}

std::string_view sasl_label(SaslMechanism mechanism) {
  return mechanism == SaslMechanism::kGssapiKrb5 ? "GSSAPI-KRB5" : sasl_name(mechanism);
}

std::optional<SaslMechanism> sasl_mechanism_of_label(std::string_view label) {
  return find(label, sasl_label);
}

}  // namespace pocketgss
