// NegotiateFlags of [MS-NLMP] 2.2.2.5, with the names that the specification gives them.
#ifndef PGSS_MECHS_NTLM_FLAGS_H_
#define PGSS_MECHS_NTLM_FLAGS_H_

#include <array>
#include <cstdint>

namespace pocketgss::mechs::ntlm {

using NegotiateFlags = uint32_t;

namespace flag {

inline constexpr NegotiateFlags kUnicode = 0x00000001;  // NTLMSSP_NEGOTIATE_UNICODE
inline constexpr NegotiateFlags kOem = 0x00000002;      // NTLM_NEGOTIATE_OEM
inline constexpr NegotiateFlags kRequestTarget = 0x00000004;
inline constexpr NegotiateFlags kSign = 0x00000010;       // NTLMSSP_NEGOTIATE_SIGN
inline constexpr NegotiateFlags kSeal = 0x00000020;       // NTLMSSP_NEGOTIATE_SEAL
inline constexpr NegotiateFlags kDatagram = 0x00000040;   // never offered
inline constexpr NegotiateFlags kLmKey = 0x00000080;      // never offered (quirk C19)
inline constexpr NegotiateFlags kNtlm = 0x00000200;       // NTLMSSP_NEGOTIATE_NTLM
inline constexpr NegotiateFlags kAnonymous = 0x00000800;  // NTLMSSP_ANONYMOUS
inline constexpr NegotiateFlags kOemDomainSupplied = 0x00001000;
inline constexpr NegotiateFlags kOemWorkstationSupplied = 0x00002000;
inline constexpr NegotiateFlags kAlwaysSign = 0x00008000;  // NTLMSSP_NEGOTIATE_ALWAYS_SIGN
inline constexpr NegotiateFlags kTargetTypeDomain = 0x00010000;
inline constexpr NegotiateFlags kTargetTypeServer = 0x00020000;
inline constexpr NegotiateFlags kExtendedSessionSecurity = 0x00080000;  // "ESS" for short
inline constexpr NegotiateFlags kIdentify = 0x00100000;
inline constexpr NegotiateFlags kRequestNonNtSessionKey = 0x00400000;
inline constexpr NegotiateFlags kTargetInfo = 0x00800000;   // NTLMSSP_NEGOTIATE_TARGET_INFO
inline constexpr NegotiateFlags kVersion = 0x02000000;      // NTLMSSP_NEGOTIATE_VERSION
inline constexpr NegotiateFlags k128 = 0x20000000;          // NTLMSSP_NEGOTIATE_128
inline constexpr NegotiateFlags kKeyExchange = 0x40000000;  // NTLMSSP_NEGOTIATE_KEY_EXCH
inline constexpr NegotiateFlags k56 = 0x80000000;           // NTLMSSP_NEGOTIATE_56; never offered

}  // namespace flag

constexpr bool has_flag(NegotiateFlags flags, NegotiateFlags flag) {
  return (flags & flag) == flag;
}

// protects: these flags give a session key that signs and seals messages.
constexpr bool protects(NegotiateFlags flags) {
  return (flags & (flag::kSign | flag::kSeal)) != 0;
}

struct FlagName {
  NegotiateFlags bit;
  const char* name;
};

// Every bit of the field from the lowest on, reserved ones included, for printing.
inline constexpr std::array kFlagNames = {
    FlagName{0x00000001, "NTLMSSP_NEGOTIATE_UNICODE"},
    FlagName{0x00000002, "NTLM_NEGOTIATE_OEM"},
    FlagName{0x00000004, "NTLMSSP_REQUEST_TARGET"},
    FlagName{0x00000008, "reserved r10"},
    FlagName{0x00000010, "NTLMSSP_NEGOTIATE_SIGN"},
    FlagName{0x00000020, "NTLMSSP_NEGOTIATE_SEAL"},
    FlagName{0x00000040, "NTLMSSP_NEGOTIATE_DATAGRAM"},
    FlagName{0x00000080, "NTLMSSP_NEGOTIATE_LM_KEY"},
    FlagName{0x00000100, "reserved r9"},
    FlagName{0x00000200, "NTLMSSP_NEGOTIATE_NTLM"},
    FlagName{0x00000400, "reserved r8"},
    FlagName{0x00000800, "NTLMSSP_ANONYMOUS"},
    FlagName{0x00001000, "NTLMSSP_NEGOTIATE_OEM_DOMAIN_SUPPLIED"},
    FlagName{0x00002000, "NTLMSSP_NEGOTIATE_OEM_WORKSTATION_SUPPLIED"},
    FlagName{0x00004000, "reserved r7"},
    FlagName{0x00008000, "NTLMSSP_NEGOTIATE_ALWAYS_SIGN"},
    FlagName{0x00010000, "NTLMSSP_TARGET_TYPE_DOMAIN"},
    FlagName{0x00020000, "NTLMSSP_TARGET_TYPE_SERVER"},
    FlagName{0x00040000, "reserved r6"},
    FlagName{0x00080000, "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY"},
    FlagName{0x00100000, "NTLMSSP_NEGOTIATE_IDENTIFY"},
    FlagName{0x00200000, "reserved r5"},
    FlagName{0x00400000, "NTLMSSP_REQUEST_NON_NT_SESSION_KEY"},
    FlagName{0x00800000, "NTLMSSP_NEGOTIATE_TARGET_INFO"},
    FlagName{0x01000000, "reserved r4"},
    FlagName{0x02000000, "NTLMSSP_NEGOTIATE_VERSION"},
    FlagName{0x04000000, "reserved r3"},
    FlagName{0x08000000, "reserved r2"},
    FlagName{0x10000000, "reserved r1"},
    FlagName{0x20000000, "NTLMSSP_NEGOTIATE_128"},
    FlagName{0x40000000, "NTLMSSP_NEGOTIATE_KEY_EXCH"},
    FlagName{0x80000000, "NTLMSSP_NEGOTIATE_56"},
};

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_FLAGS_H_
