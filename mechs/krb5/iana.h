// Assigned numbers of Kerberos 5, with the names that the specifications give them.
#ifndef PGSS_MECHS_KRB5_IANA_H_
#define PGSS_MECHS_KRB5_IANA_H_

#include <cstdint>

namespace pocketgss::mechs::krb5 {

// A number that comes from the wire stays an integer until it is known: peers send others than
// these. What our own code chooses from is an enum class; what it compares with fields of messages
// is a constant of the field's type.

// Etype: the encryption types that exist here (RFC 3962 7, RFC 8009 7, RFC 4757 5). RFC 8429 says
// of etype 23 that it SHOULD NOT be used: policy row P10. DES, triple-DES, Camellia and the export
// kind of RC4 are not here at all.
enum class Etype : int32_t {
  kAes128CtsHmacSha1 = 17,    // aes128-cts-hmac-sha1-96
  kAes256CtsHmacSha1 = 18,    // aes256-cts-hmac-sha1-96
  kAes128CtsHmacSha256 = 19,  // aes128-cts-hmac-sha256-128
  kAes256CtsHmacSha384 = 20,  // aes256-cts-hmac-sha384-192
  kRc4Hmac = 23,              // rc4-hmac; only where PGSS_RC4_HMAC builds it
};

// ChecksumType: cksumtype of Checksum (RFC 4120 5.2.9).
enum class ChecksumType : int32_t {
  kRsaMd5 = 7,             // RFC 3961 6.1.1; no key
  kHmacSha1Aes128 = 15,    // hmac-sha1-96-aes128 (RFC 3962 7)
  kHmacSha1Aes256 = 16,    // hmac-sha1-96-aes256 (RFC 3962 7)
  kHmacSha256Aes128 = 19,  // hmac-sha256-128-aes128 (RFC 8009 6)
  kHmacSha384Aes256 = 20,  // hmac-sha384-192-aes256 (RFC 8009 6)
  kHmacMd5 = -138,         // RFC 4757 4
  kGss = 0x8003,           // RFC 4121 4.1.1: not a checksum, but what GSS-API says at the start
};

// KeyUsage (RFC 4120 7.5.1 where nothing else is said). "Client key" and so on name the key that is
// meant to be used with it.
enum class KeyUsage : uint32_t {
  kPaEncTimestamp = 1,  // client key
  kTicket = 2,          // service key
  kAsRepEncPart = 3,    // client key, or what preauthentication made of it
  kTgsReqAuthDataSessionKey = 4,
  kTgsReqAuthDataSubkey = 5,
  kTgsReqAuthenticatorChecksum = 6,  // TGS session key, over the KDC-REQ-BODY
  kTgsReqAuthenticator = 7,          // TGS session key
  kTgsRepEncPartSessionKey = 8,
  kTgsRepEncPartSubkey = 9,          // quirk D11: some KDCs of old use 8 here
  kApReqAuthenticatorChecksum = 10,  // session key
  kApReqAuthenticator = 11,          // session key
  kApRepEncPart = 12,                // session key
  kKrbPriv = 13,
  kKrbCred = 14,
  kKrbSafeChecksum = 15,
  kNonKerberosChecksum = 17,  // KERB_NON_KERB_CKSUM_SALT: PAC signatures ([MS-PAC] 2.8)
  kAdKdcIssuedChecksum = 19,
  kAcceptorSeal = 22,        // RFC 4121 2: wrap tokens of the acceptor
  kAcceptorSign = 23,        // RFC 4121 2: MIC tokens of the acceptor
  kInitiatorSeal = 24,       // RFC 4121 2
  kInitiatorSign = 25,       // RFC 4121 2
  kFastReqChecksum = 50,     // RFC 6113 5.4.2: KEY_USAGE_FAST_REQ_CHKSUM
  kFastEnc = 51,             // RFC 6113 5.4.2
  kFastRep = 52,             // RFC 6113 5.4.3
  kFastFinished = 53,        // RFC 6113 5.4.3
  kEncChallengeClient = 54,  // RFC 6113 5.4.6
  kEncChallengeKdc = 55,     // RFC 6113 5.4.6
  kAsReqChecksum = 56,       // RFC 6806 11: KEY_USAGE_AS_REQ
  kSpake = 65,               // RFC 9588: KEY_USAGE_SPAKE
};

// MessageType: msg-type (RFC 4120 7.5.7).
enum class MessageType : uint8_t {
  kAsReq = 10,
  kAsRep = 11,
  kTgsReq = 12,
  kTgsRep = 13,
  kApReq = 14,
  kApRep = 15,
  kKrbSafe = 20,
  kKrbPriv = 21,
  kKrbCred = 22,
  kKrbError = 30,
};

// Application tags (RFC 4120 5.10) of what is no message of its own; a message's tag is its
// msg-type.
namespace application_tag {
inline constexpr uint8_t kTicket = 1;
inline constexpr uint8_t kAuthenticator = 2;
inline constexpr uint8_t kEncTicketPart = 3;
inline constexpr uint8_t kEncAsRepPart = 25;
inline constexpr uint8_t kEncTgsRepPart = 26;
inline constexpr uint8_t kEncApRepPart = 27;
inline constexpr uint8_t kEncKrbPrivPart = 28;
inline constexpr uint8_t kEncKrbCredPart = 29;
}  // namespace application_tag

inline constexpr int32_t kProtocolVersion = 5;  // pvno, tkt-vno, authenticator-vno (RFC 4120 7.5.6)

// name-type of PrincipalName (RFC 4120 6.2, 7.5.8).
namespace name_type {
inline constexpr int32_t kUnknown = 0;        // NT-UNKNOWN
inline constexpr int32_t kPrincipal = 1;      // NT-PRINCIPAL: a user
inline constexpr int32_t kSrvInst = 2;        // NT-SRV-INST: krbtgt
inline constexpr int32_t kSrvHst = 3;         // NT-SRV-HST: service/host
inline constexpr int32_t kSrvXhst = 4;        // NT-SRV-XHST
inline constexpr int32_t kUid = 5;            // NT-UID
inline constexpr int32_t kX500Principal = 6;  // NT-X500-PRINCIPAL
inline constexpr int32_t kSmtpName = 7;       // NT-SMTP-NAME
inline constexpr int32_t kEnterprise = 10;    // NT-ENTERPRISE (RFC 6806 5)
inline constexpr int32_t kWellknown = 11;     // KRB_NT_WELLKNOWN (RFC 6111 3.1)
}  // namespace name_type

// addr-type of HostAddress (RFC 4120 7.5.3).
namespace addr_type {
inline constexpr int32_t kIpv4 = 2;
inline constexpr int32_t kDirectional = 3;
inline constexpr int32_t kNetbios = 20;
inline constexpr int32_t kIpv6 = 24;
}  // namespace addr_type

// padata-type of PA-DATA (RFC 4120 7.5.2, RFC 6113 7, [MS-KILE] 2.2, [MS-SFU] 2.2).
namespace padata_type {
inline constexpr int32_t kTgsReq = 1;                // PA-TGS-REQ: an AP-REQ
inline constexpr int32_t kEncTimestamp = 2;          // PA-ENC-TIMESTAMP
inline constexpr int32_t kPwSalt = 3;                // PA-PW-SALT; of AD it may be KERB-EXT-ERROR
inline constexpr int32_t kEtypeInfo = 11;            // PA-ETYPE-INFO
inline constexpr int32_t kPkAsReq = 16;              // PA-PK-AS-REQ (RFC 4556 3.2.1)
inline constexpr int32_t kPkAsRep = 17;              // PA-PK-AS-REP (RFC 4556 3.2.3)
inline constexpr int32_t kEtypeInfo2 = 19;           // PA-ETYPE-INFO2
inline constexpr int32_t kSvrReferralInfo = 20;      // PA-SVR-REFERRAL-INFO
inline constexpr int32_t kPacRequest = 128;          // PA-PAC-REQUEST ([MS-KILE] 2.2.3)
inline constexpr int32_t kForUser = 129;             // PA-FOR-USER ([MS-SFU] 2.2.1)
inline constexpr int32_t kForX509User = 130;         // PA-S4U-X509-USER ([MS-SFU] 2.2.2)
inline constexpr int32_t kFxCookie = 133;            // PA-FX-COOKIE (RFC 6113 5.2)
inline constexpr int32_t kFxFast = 136;              // PA-FX-FAST (RFC 6113 5.4)
inline constexpr int32_t kFxError = 137;             // PA-FX-ERROR (RFC 6113 5.4.4)
inline constexpr int32_t kEncryptedChallenge = 138;  // PA-ENCRYPTED-CHALLENGE (RFC 6113 5.4.6)
inline constexpr int32_t kPkinitKx = 147;            // PA-PKINIT-KX (RFC 8062)
inline constexpr int32_t kReqEncPaRep = 149;         // PA-REQ-ENC-PA-REP (RFC 6806 11)
inline constexpr int32_t kAsFreshness = 150;         // PA-AS-FRESHNESS (RFC 8070)
inline constexpr int32_t kSpake = 151;               // PA-SPAKE (RFC 9588)
inline constexpr int32_t kSupportedEtypes = 165;     // PA-SUPPORTED-ENCTYPES ([MS-KILE] 2.2.8)
inline constexpr int32_t kPacOptions = 167;          // PA-PAC-OPTIONS ([MS-KILE] 2.2.10)
}  // namespace padata_type

// ad-type of AuthorizationData (RFC 4120 7.5.4).
namespace ad_type {
inline constexpr int32_t kIfRelevant = 1;          // AD-IF-RELEVANT
inline constexpr int32_t kKdcIssued = 4;           // AD-KDC-ISSUED
inline constexpr int32_t kAndOr = 5;               // AD-AND-OR
inline constexpr int32_t kMandatoryForKdc = 8;     // AD-MANDATORY-FOR-KDC
inline constexpr int32_t kWin2kPac = 128;          // AD-WIN2K-PAC ([MS-PAC] 3.1)
inline constexpr int32_t kEtypeNegotiation = 129;  // AD-ETYPE-NEGOTIATION (RFC 4537 3)
inline constexpr int32_t kTokenRestrictions =
    141;                                    // KERB_AUTH_DATA_TOKEN_RESTRICTIONS ([MS-KILE] 2.2.6)
inline constexpr int32_t kLocal = 142;      // KERB-LOCAL ([MS-KILE] 2.2.4)
inline constexpr int32_t kApOptions = 143;  // AD-AUTH-DATA-AP-OPTIONS ([MS-KILE] 3.2.5.8)
inline constexpr int32_t kTargetPrincipal = 144;  // AD-AUTH-DATA-TARGET-NAME
}  // namespace ad_type

// transited encoding (RFC 4120 7.5.5).
inline constexpr int32_t kDomainX500Compress = 1;

// Bits of KDCOptions (RFC 4120 5.4.1); the specification's bit 0 is the highest.
namespace kdc_option {
inline constexpr uint32_t kForwardable = 0x40000000;
inline constexpr uint32_t kForwarded = 0x20000000;
inline constexpr uint32_t kProxiable = 0x10000000;
inline constexpr uint32_t kProxy = 0x08000000;
inline constexpr uint32_t kAllowPostdate = 0x04000000;
inline constexpr uint32_t kPostdated = 0x02000000;
inline constexpr uint32_t kRenewable = 0x00800000;
inline constexpr uint32_t kConstrainedDelegation =
    0x00020000;                                            // cname-in-addl-tkt ([MS-SFU] 2.2.3)
inline constexpr uint32_t kCanonicalize = 0x00010000;      // RFC 6806 6
inline constexpr uint32_t kRequestAnonymous = 0x00008000;  // RFC 8062
inline constexpr uint32_t kDisableTransitedCheck = 0x00000020;
inline constexpr uint32_t kRenewableOk = 0x00000010;
inline constexpr uint32_t kEncTktInSkey = 0x00000008;
inline constexpr uint32_t kRenew = 0x00000002;
inline constexpr uint32_t kValidate = 0x00000001;
}  // namespace kdc_option

// Bits of TicketFlags (RFC 4120 5.3).
namespace ticket_flag {
inline constexpr uint32_t kForwardable = 0x40000000;
inline constexpr uint32_t kForwarded = 0x20000000;
inline constexpr uint32_t kProxiable = 0x10000000;
inline constexpr uint32_t kProxy = 0x08000000;
inline constexpr uint32_t kMayPostdate = 0x04000000;
inline constexpr uint32_t kPostdated = 0x02000000;
inline constexpr uint32_t kInvalid = 0x01000000;
inline constexpr uint32_t kRenewable = 0x00800000;
inline constexpr uint32_t kInitial = 0x00400000;
inline constexpr uint32_t kPreAuthent = 0x00200000;
inline constexpr uint32_t kHwAuthent = 0x00100000;
inline constexpr uint32_t kTransitedPolicyChecked = 0x00080000;
inline constexpr uint32_t kOkAsDelegate = 0x00040000;
inline constexpr uint32_t kEncPaRep = 0x00010000;   // RFC 6806 11
inline constexpr uint32_t kAnonymous = 0x00008000;  // RFC 8062
}  // namespace ticket_flag

// Bits of APOptions (RFC 4120 5.5.1).
namespace ap_option {
inline constexpr uint32_t kUseSessionKey = 0x40000000;
inline constexpr uint32_t kMutualRequired = 0x20000000;
}  // namespace ap_option

// error-code of KRB-ERROR (RFC 4120 7.5.9, RFC 6113 7).
namespace error_code {
inline constexpr int32_t kNone = 0;
inline constexpr int32_t kNameExp = 1;               // KDC_ERR_NAME_EXP
inline constexpr int32_t kServiceExp = 2;            // KDC_ERR_SERVICE_EXP
inline constexpr int32_t kBadPvno = 3;               // KDC_ERR_BAD_PVNO
inline constexpr int32_t kCOldMastKvno = 4;          // KDC_ERR_C_OLD_MAST_KVNO
inline constexpr int32_t kSOldMastKvno = 5;          // KDC_ERR_S_OLD_MAST_KVNO
inline constexpr int32_t kCPrincipalUnknown = 6;     // KDC_ERR_C_PRINCIPAL_UNKNOWN
inline constexpr int32_t kSPrincipalUnknown = 7;     // KDC_ERR_S_PRINCIPAL_UNKNOWN
inline constexpr int32_t kPrincipalNotUnique = 8;    // KDC_ERR_PRINCIPAL_NOT_UNIQUE
inline constexpr int32_t kNullKey = 9;               // KDC_ERR_NULL_KEY
inline constexpr int32_t kCannotPostdate = 10;       // KDC_ERR_CANNOT_POSTDATE
inline constexpr int32_t kNeverValid = 11;           // KDC_ERR_NEVER_VALID
inline constexpr int32_t kPolicy = 12;               // KDC_ERR_POLICY
inline constexpr int32_t kBadOption = 13;            // KDC_ERR_BADOPTION
inline constexpr int32_t kEtypeNosupp = 14;          // KDC_ERR_ETYPE_NOSUPP
inline constexpr int32_t kSumtypeNosupp = 15;        // KDC_ERR_SUMTYPE_NOSUPP
inline constexpr int32_t kPadataTypeNosupp = 16;     // KDC_ERR_PADATA_TYPE_NOSUPP
inline constexpr int32_t kTrtypeNosupp = 17;         // KDC_ERR_TRTYPE_NOSUPP
inline constexpr int32_t kClientRevoked = 18;        // KDC_ERR_CLIENT_REVOKED
inline constexpr int32_t kServiceRevoked = 19;       // KDC_ERR_SERVICE_REVOKED
inline constexpr int32_t kTgtRevoked = 20;           // KDC_ERR_TGT_REVOKED
inline constexpr int32_t kClientNotyet = 21;         // KDC_ERR_CLIENT_NOTYET
inline constexpr int32_t kServiceNotyet = 22;        // KDC_ERR_SERVICE_NOTYET
inline constexpr int32_t kKeyExpired = 23;           // KDC_ERR_KEY_EXPIRED
inline constexpr int32_t kPreauthFailed = 24;        // KDC_ERR_PREAUTH_FAILED
inline constexpr int32_t kPreauthRequired = 25;      // KDC_ERR_PREAUTH_REQUIRED
inline constexpr int32_t kServerNomatch = 26;        // KDC_ERR_SERVER_NOMATCH
inline constexpr int32_t kMustUseUser2user = 27;     // KDC_ERR_MUST_USE_USER2USER
inline constexpr int32_t kPathNotAccepted = 28;      // KDC_ERR_PATH_NOT_ACCEPTED
inline constexpr int32_t kSvcUnavailable = 29;       // KDC_ERR_SVC_UNAVAILABLE
inline constexpr int32_t kBadIntegrity = 31;         // KRB_AP_ERR_BAD_INTEGRITY
inline constexpr int32_t kTktExpired = 32;           // KRB_AP_ERR_TKT_EXPIRED
inline constexpr int32_t kTktNyv = 33;               // KRB_AP_ERR_TKT_NYV
inline constexpr int32_t kRepeat = 34;               // KRB_AP_ERR_REPEAT
inline constexpr int32_t kNotUs = 35;                // KRB_AP_ERR_NOT_US
inline constexpr int32_t kBadmatch = 36;             // KRB_AP_ERR_BADMATCH
inline constexpr int32_t kSkew = 37;                 // KRB_AP_ERR_SKEW
inline constexpr int32_t kBadaddr = 38;              // KRB_AP_ERR_BADADDR
inline constexpr int32_t kBadversion = 39;           // KRB_AP_ERR_BADVERSION
inline constexpr int32_t kMsgType = 40;              // KRB_AP_ERR_MSG_TYPE
inline constexpr int32_t kModified = 41;             // KRB_AP_ERR_MODIFIED
inline constexpr int32_t kBadorder = 42;             // KRB_AP_ERR_BADORDER
inline constexpr int32_t kBadkeyver = 44;            // KRB_AP_ERR_BADKEYVER
inline constexpr int32_t kNokey = 45;                // KRB_AP_ERR_NOKEY
inline constexpr int32_t kMutFail = 46;              // KRB_AP_ERR_MUT_FAIL
inline constexpr int32_t kBaddirection = 47;         // KRB_AP_ERR_BADDIRECTION
inline constexpr int32_t kMethod = 48;               // KRB_AP_ERR_METHOD
inline constexpr int32_t kBadseq = 49;               // KRB_AP_ERR_BADSEQ
inline constexpr int32_t kInappCksum = 50;           // KRB_AP_ERR_INAPP_CKSUM
inline constexpr int32_t kPathNotAcceptedAp = 51;    // KRB_AP_PATH_NOT_ACCEPTED
inline constexpr int32_t kResponseTooBig = 52;       // KRB_ERR_RESPONSE_TOO_BIG
inline constexpr int32_t kGeneric = 60;              // KRB_ERR_GENERIC
inline constexpr int32_t kFieldToolong = 61;         // KRB_ERR_FIELD_TOOLONG
inline constexpr int32_t kClientNotTrusted = 62;     // KDC_ERR_CLIENT_NOT_TRUSTED
inline constexpr int32_t kKdcNotTrusted = 63;        // KDC_ERR_KDC_NOT_TRUSTED
inline constexpr int32_t kInvalidSig = 64;           // KDC_ERR_INVALID_SIG
inline constexpr int32_t kDhKeyParameters = 65;      // KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED
inline constexpr int32_t kCertificateMismatch = 66;  // KDC_ERR_CERTIFICATE_MISMATCH
inline constexpr int32_t kNoTgt = 67;                // KRB_AP_ERR_NO_TGT
inline constexpr int32_t kWrongRealm = 68;           // KDC_ERR_WRONG_REALM
inline constexpr int32_t kUserToUserRequired = 69;   // KRB_AP_ERR_USER_TO_USER_REQUIRED
inline constexpr int32_t kPreauthExpired = 90;       // KDC_ERR_PREAUTH_EXPIRED (RFC 6113 5.2)
inline constexpr int32_t kMorePreauthNeeded =
    91;  // KDC_ERR_MORE_PREAUTH_DATA_REQUIRED (RFC 6113 5.2)
inline constexpr int32_t kUnknownCriticalFast =
    93;  // KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS (RFC 6113 5.4.2)
}  // namespace error_code

// error_name returns the name that RFC 4120 7.5.9 has for an error-code ("KDC_ERR_PREAUTH_FAILED"),
// or nullptr.
const char* error_name(int32_t error_code);

// error_text returns what an error-code means to a user, an English sentence without a full stop
// ("the password is wrong"), or nullptr where the code speaks of the protocol only (quirk D25).
const char* error_text(int32_t error_code);

// error_words returns what a user is told of an error-code: its error_text(), where it has none its
// error_name(), and words that say so where the code is unknown. Never nullptr.
const char* error_words(int32_t error_code);

// etype_name returns the registered name of an encryption type ("aes256-cts-hmac-sha1-96"), or
// nullptr for what is not in Etype.
const char* etype_name(int32_t etype);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_IANA_H_
