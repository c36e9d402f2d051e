// PACs of the tests' own, signed with a service's key.
#ifndef PGSS_TESTS_MECHS_KRB5_PAC_MAKER_H_
#define PGSS_TESTS_MECHS_KRB5_PAC_MAKER_H_

#include <algorithm>
#include <array>
#include <string>

#include "base/cursor.h"
#include "base/utf16.h"
#include "mechs/filetime.h"
#include "mechs/krb5/pac.h"
#include "tests/mechs/krb5/exchange.h"

namespace pocketgss::mechs::krb5::testing {

// PacMaker writes a PAC with client information and two signatures, the KDC's being of any key.
struct PacMaker {
  Bytes make(Exchange& x) const {
    const size_t signature = 4 + checksum_size(x.service_key.etype());
    Bytes info;
    ByteWriter client(info);
    client.u64le(to_filetime(unix_micros(x.time(x.ticket.starts_in))));
    Bytes utf16;
    utf8_to_utf16le(name, "name", utf16).value();
    client.u16le(static_cast<uint16_t>(utf16.size()));
    client.bytes(utf16);

    Bytes out;
    ByteWriter pac(out);
    const auto aligned = [](size_t size) { return (size + 7) / 8 * 8; };
    const uint32_t buffers = logon_info.empty() ? 3 : 4;
    size_t at = 8 + buffers * size_t{16};
    pac.u32le(buffers), pac.u32le(0);
    const auto entry = [&](PacBufferType type, size_t size) {
      pac.u32le(static_cast<uint32_t>(type)), pac.u32le(static_cast<uint32_t>(size));
      pac.u64le(at);
      at += aligned(size);
    };
    entry(PacBufferType::kClientInfo, info.size());
    const size_t server_at = at;
    entry(PacBufferType::kServerChecksum, signature);
    const size_t kdc_at = at;
    entry(PacBufferType::kKdcChecksum, signature);
    const size_t logon_at = at;
    if (!logon_info.empty()) entry(PacBufferType::kLogonInfo, logon_info.size());
    pac.bytes(info);
    pac.zeros(logon_at - out.size());
    pac.bytes(logon_info);
    pac.zeros(at - out.size());
    const auto type = static_cast<uint32_t>(checksum_type(x.service_key.etype()));
    store_u32le(out.data() + server_at, type);
    store_u32le(out.data() + kdc_at, type);
    FixedBytes<kMaxChecksumSize> sum;
    const size_t size =
        checksum(x.runtime.crypto(), x.service_key, KeyUsage::kNonKerberosChecksum, {out}, sum)
            .value();
    std::copy_n(sum.begin(), size, out.begin() + static_cast<std::ptrdiff_t>(server_at) + 4);
    out[kdc_at + 4] = 0xee;  // nobody but the KDC can check it
    if (damage) out[server_at + 4] ^= 1;
    return out;
  }

  std::string name = "alice";
  Bytes logon_info;  // a KERB_VALIDATION_INFO; empty: none
  bool damage = false;
};

// authorization_data is that of a ticket with this PAC in it.
inline Bytes authorization_data(ByteView pac) {
  const std::array<AuthorizationDataEntry, 1> inside = {{{ad_type::kWin2kPac, pac}}};
  const Bytes relevant = encode(AuthorizationData(std::span(inside))).value();
  const std::array<AuthorizationDataEntry, 1> outside = {{{ad_type::kIfRelevant, relevant}}};
  return encode(AuthorizationData(std::span(outside))).value();
}

}  // namespace pocketgss::mechs::krb5::testing

#endif  // PGSS_TESTS_MECHS_KRB5_PAC_MAKER_H_
