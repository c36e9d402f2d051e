// AV_PAIR lists ([MS-NLMP] 2.2.2.1): the TargetInfo of a CHALLENGE and of an NTLMv2 response.
#ifndef PGSS_MECHS_NTLM_AV_PAIR_H_
#define PGSS_MECHS_NTLM_AV_PAIR_H_

#include <optional>

#include <pocketgss/bytes.h>
#include <pocketgss/env.h>
#include <pocketgss/result.h>

namespace pocketgss::mechs::ntlm {

// AvId has the names of [MS-NLMP] 2.2.2.1. Other values may stand in a list; they are kept and have
// no meaning to us.
enum class AvId : uint16_t {
  kEol = 0,              // MsvAvEOL
  kNbComputerName = 1,   // MsvAvNbComputerName, UTF-16LE like every name here
  kNbDomainName = 2,     // MsvAvNbDomainName
  kDnsComputerName = 3,  // MsvAvDnsComputerName
  kDnsDomainName = 4,    // MsvAvDnsDomainName
  kDnsTreeName = 5,      // MsvAvDnsTreeName
  kFlags = 6,            // MsvAvFlags, 4 octets, little-endian
  kTimestamp = 7,        // MsvAvTimestamp, FILETIME, 8 octets, little-endian
  kSingleHost = 8,       // MsvAvSingleHost, at least 48 octets (quirk C17)
  kTargetName = 9,       // MsvAvTargetName
  kChannelBindings = 10  // MsvAvChannelBindings, 16 octets
};

// name returns the specification's name, such as "MsvAvTimestamp", or "AvId" for one that it does
// not define.
const char* name(AvId id);

// Bits of MsvAvFlags.
inline constexpr uint32_t kAvAccountConstrained = 0x1;
inline constexpr uint32_t kAvMicPresent = 0x2;
inline constexpr uint32_t kAvUntrustedSpn = 0x4;

inline constexpr size_t kMaxAvPairs = 32;
inline constexpr size_t kAvHeaderSize = 4;  // AvId and AvLen
inline constexpr size_t kSingleHostMinSize = 48;

struct AvPair {
  AvId id{};
  ByteView value;       // borrows
  uint32_t offset = 0;  // of the AvId, from the start of the message
};

// AvPairs is a list that has been checked: every pair lies inside it, typed values have their
// sizes, MsvAvEOL is there. It borrows; its MsvAvEOL is no pair.
class AvPairs {
 public:
  AvPairs() = default;

  // next steps from one pair to the next, from one as it was made to the first:
  //   for (AvPair pair; pairs.next(pair);)
  bool next(AvPair& pair) const;
  size_t count() const { return count_; }

  // find returns the value of the first pair of that id; where there is none, its data() is null.
  ByteView find(AvId) const;
  bool has(AvId id) const { return find(id).data() != nullptr; }
  // flags returns all MsvAvFlags of the list, or-ed; 0 where there is none.
  uint32_t flags() const;
  // timestamp returns the first MsvAvTimestamp, as 64-bit FILETIME.
  std::optional<uint64_t> timestamp() const;
  // repeats: two pairs have the same id.
  bool repeats() const;

  ByteView pairs() const { return pairs_; }  // the bytes of the pairs, without MsvAvEOL
  ByteView after_eol() const {
    return after_eol_;
  }  // what follows MsvAvEOL; without meaning, but part of an NTProofStr

 private:
  friend Result<void> read_av_pairs(ByteView, uint32_t, AvPairs&);

  ByteView pairs_, after_eol_;
  uint32_t offset_ = 0;
  size_t count_ = 0;
};

// parse_av_pairs reads a list up to its MsvAvEOL. `offset` is where it starts in the message, for
// errors. Allocates nothing. Errors: kMalformed ("AV_PAIR.AvLen", "MsvAvTimestamp", ..., "MsvAvEOL"
// where it is missing or not empty; more than 32 pairs).
Result<AvPairs> parse_av_pairs(ByteView, uint32_t offset);
// read_av_pairs does so in place; after an error `out` means nothing.
Result<void> read_av_pairs(ByteView, uint32_t offset, AvPairs& out);

// timestamp_value is what an MsvAvTimestamp holds, or the TimeStamp of an NTLMv2 response.
FixedBytes<8> timestamp_value(UnixMicros);

// append_av_pair writes a pair; append_av_eol ends the list.
void append_av_pair(Bytes& out, AvId, ByteView value);
void append_av_eol(Bytes& out);

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_AV_PAIR_H_
