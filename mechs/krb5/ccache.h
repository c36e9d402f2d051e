// Credential caches: what a user's tickets are kept in. Octets in, structs out; no files here.
#ifndef PGSS_MECHS_KRB5_CCACHE_H_
#define PGSS_MECHS_KRB5_CCACHE_H_

#include <pocketgss/result.h>
#include <pocketgss/secret.h>

#include <optional>
#include <span>

#include "mechs/krb5/principal.h"

namespace pocketgss::mechs::krb5 {

// The format is that of MIT krb5's FILE caches, "Credential cache file format", which Heimdal
// shares:
//   [0] 5, [1] version (1, 2: native order of octets; 3, 4: big-endian)
//   header (version 4 only): its length (16 bits), then fields: tag, length (16 bits each), value
//   default principal, then credentials to the end of the file
//   principal: name type (32 bits, not in version 1), count of components (32 bits; with the realm
//     in version 1), realm, components
//   realm, component, key, ticket: length (32 bits) and as many octets

// kConfigRealm is the realm of the server of a configuration entry.
inline constexpr std::string_view kConfigRealm = "X-CACHECONF:";

// CcacheCredential is a ticket with what its owner must know about it. It borrows.
struct CcacheCredential {
  PrincipalView client;
  PrincipalView server;
  int32_t etype = 0;  // of the session key; 16 bits in the file, with a sign
  ByteView key;       // the session key: a secret
  // Seconds since 1970, without a sign, so that they last until 2106; 0: none.
  uint32_t authtime = 0, starttime = 0, endtime = 0, renew_till = 0;
  bool is_skey = false;                // the ticket is encrypted in a session key (user-to-user)
  uint32_t ticket_flags = 0;           // TicketFlags, bit 0 of RFC 4120 5.3 being the highest
  CountedList<TypedOctets> addresses;  // HostAddresses
  CountedList<TypedOctets> authdata;   // AuthorizationData
  ByteView ticket;                     // DER; of a configuration entry its value
  ByteView second_ticket;              // DER, for user-to-user; mostly empty
  uint32_t offset = 0;                 // of the credential in the file

  // A setting that programs leave for each other ("fast_avail", "refresh_time"), in the disguise of
  // a credential: the server's realm is "X-CACHECONF:".
  bool is_config() const;
  // A credential that MIT krb5 or Heimdal has removed without moving the others: endtime is 0 while
  // authtime is not; a configuration entry's realm is "X-RMED-CONF:".
  bool removed() const;
};

// The KDC's clock less ours, as whoever asked for the ticket has seen it.
struct KdcOffset {
  int32_t seconds = 0;
  int32_t microseconds = 0;

  bool operator==(const KdcOffset&) const = default;
};

// Ccache is a file that has been checked to its end. It borrows, and iterates over all its
// credentials in their order, configuration entries and removed ones too.
class Ccache {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = CcacheCredential;
    using difference_type = std::ptrdiff_t;
    using pointer = const CcacheCredential*;
    using reference = CcacheCredential;

    Iterator() = default;
    CcacheCredential operator*() const;
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class Ccache;
    Iterator(const Ccache& ccache, size_t at) : ccache_(&ccache), at_(at) {}

    const Ccache* ccache_ = nullptr;
    size_t at_ = 0;
  };

  Iterator begin() const { return Iterator(*this, credentials_at_); }
  Iterator end() const { return Iterator(*this, file_.size()); }
  size_t size() const { return size_; }
  uint8_t version() const { return version_; }
  const PrincipalView& default_principal() const { return default_principal_; }
  const std::optional<KdcOffset>& kdc_offset() const { return kdc_offset_; }

 private:
  friend Result<Ccache> parse_ccache(ByteView, std::endian);
  ByteView file_;
  uint8_t version_ = 0;
  std::endian order_ = std::endian::big;
  std::optional<KdcOffset> kdc_offset_;
  PrincipalView default_principal_;
  size_t credentials_at_ = 0;
  size_t size_ = 0;
};

// parse_ccache checks a whole file and allocates nothing; time is linear in the file. `native` is
// the order of octets of the machine that wrote version 1 or 2. Errors: kMalformed with the field
// ("ccache.version", "ccache.server.realm", "ccache.ticket", ...) and its offset.
Result<Ccache> parse_ccache(ByteView file, std::endian native = std::endian::native);
Result<Ccache> parse_ccache(Bytes&&, std::endian = std::endian::native) = delete;

// write_ccache makes a file of version 4, with the header field for `offset` if there is one.
// Errors: kApiMisuse with the field (more than 32 components, an etype or another type of more than
// 16 bits, data of more than 2^31 - 1 octets); kNoMemory.
Result<SecretBytes> write_ccache(const PrincipalView& default_principal,
                                 const std::optional<KdcOffset>& offset,
                                 std::span<const CcacheCredential> credentials);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_CCACHE_H_
