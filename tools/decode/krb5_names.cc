// Tables of names. They have numbers that the library has no use for: a decoder meets everything.
#include "tools/decode/krb5_names.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "mechs/krb5/iana.h"

namespace pocketgss::tools {
namespace {

struct Name {
  int64_t number;
  const char* name;
};

template <size_t N>
std::string find_name(const Name (&names)[N], int64_t number) {
  const auto* found = std::find_if(std::begin(names), std::end(names),
                                   [&](const Name& n) { return n.number == number; });
  return found == std::end(names) ? "" : found->name;
}

// RFC 3961 8, RFC 3962, RFC 8009, RFC 6803, RFC 4757.
constexpr Name kEtypes[] = {
    {0, "null"},
    {1, "des-cbc-crc"},
    {2, "des-cbc-md4"},
    {3, "des-cbc-md5"},
    {16, "des3-cbc-sha1-kd"},
    {17, "aes128-cts-hmac-sha1-96"},
    {18, "aes256-cts-hmac-sha1-96"},
    {19, "aes128-cts-hmac-sha256-128"},
    {20, "aes256-cts-hmac-sha384-192"},
    {23, "rc4-hmac"},
    {24, "rc4-hmac-exp"},
    {25, "camellia128-cts-cmac"},
    {26, "camellia256-cts-cmac"},
    {-128, "rc4-md4"},
    {-133, "rc4-hmac-old"},
    {-135, "rc4-hmac-old-exp"},
};

// The same documents; RFC 4121 4.1.1.
constexpr Name kChecksumTypes[] = {
    {1, "crc32"},
    {2, "rsa-md4"},
    {3, "rsa-md4-des"},
    {7, "rsa-md5"},
    {8, "rsa-md5-des"},
    {12, "hmac-sha1-des3-kd"},
    {14, "sha1"},
    {15, "hmac-sha1-96-aes128"},
    {16, "hmac-sha1-96-aes256"},
    {17, "cmac-camellia128"},
    {18, "cmac-camellia256"},
    {19, "hmac-sha256-128-aes128"},
    {20, "hmac-sha384-192-aes256"},
    {0x8003, "GSS-API (RFC 4121)"},
    {-138, "hmac-md5"},
};

// RFC 4120 6.2, RFC 6806 5, RFC 6111 3.1, [MS-KILE] 3.1.5.1.
constexpr Name kNameTypes[] = {
    {0, "NT-UNKNOWN"},
    {1, "NT-PRINCIPAL"},
    {2, "NT-SRV-INST"},
    {3, "NT-SRV-HST"},
    {4, "NT-SRV-XHST"},
    {5, "NT-UID"},
    {6, "NT-X500-PRINCIPAL"},
    {7, "NT-SMTP-NAME"},
    {10, "NT-ENTERPRISE"},
    {11, "NT-WELLKNOWN"},
    {-128, "NT-MS-PRINCIPAL"},
    {-129, "NT-MS-PRINCIPAL-AND-ID"},
    {-130, "NT-ENT-PRINCIPAL-AND-ID"},
};

// RFC 4120 7.5.2, RFC 6113 7, RFC 6806 11, RFC 8070, RFC 9588, [MS-KILE] 2.2.
constexpr Name kPadataTypes[] = {
    {1, "PA-TGS-REQ"},
    {2, "PA-ENC-TIMESTAMP"},
    {3, "PA-PW-SALT"},
    {11, "PA-ETYPE-INFO"},
    {14, "PA-PK-AS-REQ_OLD"},
    {15, "PA-PK-AS-REP_OLD"},
    {16, "PA-PK-AS-REQ"},
    {17, "PA-PK-AS-REP"},
    {19, "PA-ETYPE-INFO2"},
    {20, "PA-SVR-REFERRAL-INFO"},
    {21, "PA-SAM-REDIRECT"},
    {102, "TD-PKINIT-CMS-CERTIFICATES"},
    {128, "PA-PAC-REQUEST"},
    {129, "PA-FOR-USER"},
    {130, "PA-S4U-X509-USER"},
    {133, "PA-FX-COOKIE"},
    {134, "PA-AUTHENTICATION-SET"},
    {136, "PA-FX-FAST"},
    {137, "PA-FX-ERROR"},
    {138, "PA-ENCRYPTED-CHALLENGE"},
    {141, "PA-OTP-CHALLENGE"},
    {142, "PA-OTP-REQUEST"},
    {144, "PA-OTP-PIN-CHANGE"},
    {147, "PA-PKINIT-KX"},
    {149, "PA-REQ-ENC-PA-REP"},
    {150, "PA-AS-FRESHNESS"},
    {151, "PA-SPAKE"},
    {161, "PA-KERB-KEY-LIST-REQ"},
    {162, "PA-KERB-KEY-LIST-REP"},
    {165, "PA-SUPPORTED-ENCTYPES"},
    {166, "PA-EXTENDED-ERROR"},
    {167, "PA-PAC-OPTIONS"},
};

// RFC 4120 7.5.4, RFC 4537 3, RFC 7751, RFC 8129, [MS-KILE] 2.2, [MS-PAC] 3.1.
constexpr Name kAdTypes[] = {
    {1, "AD-IF-RELEVANT"},
    {4, "AD-KDC-ISSUED"},
    {5, "AD-AND-OR"},
    {8, "AD-MANDATORY-FOR-KDC"},
    {9, "AD-INITIAL-VERIFIED-CAS"},
    {71, "AD-FX-ARMOR"},
    {96, "AD-CAMMAC"},
    {97, "AD-AUTHENTICATION-INDICATOR"},
    {128, "AD-WIN2K-PAC"},
    {129, "AD-ETYPE-NEGOTIATION"},
    {141, "KERB_AUTH_DATA_TOKEN_RESTRICTIONS"},
    {142, "KERB-LOCAL"},
    {143, "AD-AUTH-DATA-AP-OPTIONS"},
    {144, "AD-AUTH-DATA-TARGET-NAME"},
    {512, "AD-SIGNTICKET"},
};

// RFC 4120 7.5.3, 5.2.5.
constexpr Name kAddressTypes[] = {
    {2, "IPv4"},
    {3, "Directional"},
    {20, "NetBIOS"},
    {24, "IPv6"},
};

// RFC 4120 5.4.2; the negative ones speak of this server alone.
constexpr Name kLastReqTypes[] = {
    {0, "none"},
    {1, "last initial request for a TGT"},
    {2, "last initial request"},
    {3, "newest TGT used"},
    {4, "last renewal"},
    {5, "last request"},
    {6, "password expires"},
    {7, "account expires"},
};

constexpr Name kTransitedTypes[] = {{1, "DOMAIN-X500-COMPRESS"}};  // RFC 4120 7.5.5

// [MS-KILE] 2.2.2.
constexpr Name kErrorDataTypes[] = {{2, "KERB_AP_ERR_TYPE_SKEW_RECOVERY"},
                                    {3, "KERB_ERR_TYPE_EXTENDED"}};

// RFC 4120 5.4.1, RFC 6806 6, RFC 8062, [MS-SFU] 2.2.3; the number is the specification's bit.
constexpr Name kKdcOptions[] = {
    {0, "reserved"},
    {1, "forwardable"},
    {2, "forwarded"},
    {3, "proxiable"},
    {4, "proxy"},
    {5, "allow-postdate"},
    {6, "postdated"},
    {8, "renewable"},
    {11, "opt-hardware-auth"},
    {14, "cname-in-addl-tkt"},
    {15, "canonicalize"},
    {16, "request-anonymous"},
    {26, "disable-transited-check"},
    {27, "renewable-ok"},
    {28, "enc-tkt-in-skey"},
    {30, "renew"},
    {31, "validate"},
};

// RFC 4120 5.3, RFC 6806 11, RFC 8062.
constexpr Name kTicketFlags[] = {
    {0, "reserved"},
    {1, "forwardable"},
    {2, "forwarded"},
    {3, "proxiable"},
    {4, "proxy"},
    {5, "may-postdate"},
    {6, "postdated"},
    {7, "invalid"},
    {8, "renewable"},
    {9, "initial"},
    {10, "pre-authent"},
    {11, "hw-authent"},
    {12, "transited-policy-checked"},
    {13, "ok-as-delegate"},
    {15, "enc-pa-rep"},
    {16, "anonymous"},
};

constexpr Name kApOptions[] = {
    {0, "reserved"}, {1, "use-session-key"}, {2, "mutual-required"}};  // RFC 4120 5.5.1

constexpr Name kPacOptions[] = {{0, "claims"},
                                {1, "branch-aware"},
                                {2, "forward-to-full-dc"},
                                {3, "resource-based-constrained-delegation"}};  // [MS-KILE] 2.2.10

// [MS-PAC] 2.4
constexpr Name kPacBuffers[] = {
    {1, "Logon information"},
    {2, "Credentials information"},
    {6, "Server signature"},
    {7, "KDC signature"},
    {10, "Client name and ticket information"},
    {11, "Constrained delegation information"},
    {12, "User principal name and DNS information"},
    {13, "Client claims"},
    {14, "Device information"},
    {15, "Device claims"},
    {16, "Ticket signature"},
    {17, "PAC attributes"},
    {18, "PAC requestor SID"},
    {19, "Extended KDC signature"},
};

// [MS-ERREF] 2.3.1
constexpr Name kNtStatuses[] = {
    {0xc0000064, "STATUS_NO_SUCH_USER"},           {0xc000006a, "STATUS_WRONG_PASSWORD"},
    {0xc000006d, "STATUS_LOGON_FAILURE"},          {0xc000006e, "STATUS_ACCOUNT_RESTRICTION"},
    {0xc000006f, "STATUS_INVALID_LOGON_HOURS"},    {0xc0000070, "STATUS_INVALID_WORKSTATION"},
    {0xc0000071, "STATUS_PASSWORD_EXPIRED"},       {0xc0000072, "STATUS_ACCOUNT_DISABLED"},
    {0xc000015b, "STATUS_LOGON_TYPE_NOT_GRANTED"}, {0xc0000193, "STATUS_ACCOUNT_EXPIRED"},
    {0xc0000224, "STATUS_PASSWORD_MUST_CHANGE"},   {0xc0000234, "STATUS_ACCOUNT_LOCKED_OUT"},
};

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

std::string error_meaning(int64_t code) {
  const char* name = mechs::krb5::error_name(static_cast<int32_t>(code));
  if (name == nullptr) return "";
  const char* text = mechs::krb5::error_text(static_cast<int32_t>(code));
  return text == nullptr ? name : std::string(name).append(": ").append(text);
}

template <size_t N>
std::vector<std::string> set_flags(const Name (&names)[N], uint32_t flags) {
  std::vector<std::string> out;
  for (int64_t bit = 0; bit < 32; ++bit) {
    if ((flags >> (31 - bit) & 1) == 0) continue;
    const std::string name = find_name(names, bit);
    out.push_back(name.empty() ? "bit " + std::to_string(bit) : name);
  }
  return out;
}

}  // namespace

std::string krb5_number_name(std::string_view field, int64_t number) {
  if (ends_with(field, ".etype") || ends_with(field, ".keytype")) {
    return find_name(kEtypes, number);
  }
  if (ends_with(field, ".cksumtype") || ends_with(field, ".SignatureType")) {
    return find_name(kChecksumTypes, number);
  }
  if (ends_with(field, ".name-type")) return find_name(kNameTypes, number);
  if (ends_with(field, ".padata-type") || field == "TYPED-DATA.data-type") {
    return find_name(kPadataTypes, number);
  }
  if (ends_with(field, ".ad-type")) return find_name(kAdTypes, number);
  if (ends_with(field, ".addr-type")) return find_name(kAddressTypes, number);
  if (ends_with(field, ".lr-type")) return find_name(kLastReqTypes, number < 0 ? -number : number);
  if (ends_with(field, ".tr-type")) return find_name(kTransitedTypes, number);
  if (field == "KERB-ERROR-DATA.data-type") return find_name(kErrorDataTypes, number);
  if (ends_with(field, ".error-code")) return error_meaning(number);
  return "";
}

std::vector<std::string> krb5_flag_names(std::string_view field, uint32_t flags) {
  if (ends_with(field, ".kdc-options")) return set_flags(kKdcOptions, flags);
  if (ends_with(field, ".ap-options")) return set_flags(kApOptions, flags);
  if (field == "PA-PAC-OPTIONS.flags") return set_flags(kPacOptions, flags);
  return set_flags(kTicketFlags, flags);
}

std::string pac_buffer_name(uint32_t type) {
  return find_name(kPacBuffers, type);
}

std::string nt_status_name(uint32_t status) {
  return find_name(kNtStatuses, status);
}

}  // namespace pocketgss::tools
