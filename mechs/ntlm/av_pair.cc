// Reading and writing of AV_PAIR lists.
#include "mechs/ntlm/av_pair.h"

#include <iterator>

#include "base/cursor.h"
#include "base/filled.h"
#include "mechs/filetime.h"

namespace pocketgss::mechs::ntlm {
namespace {

// Definition: the name of an AvId, and what [MS-NLMP] 2.2.2.1 says of the size of its value; names are
// UTF-16, so even.
struct Definition {
  enum Size : uint8_t { kEven, kExactly, kAtLeast };

  const char* name;
  Size how;
  uint8_t size = 0;

  bool fits(size_t value_size) const {
    if (how == kEven) return value_size % 2 == 0;
    return value_size == size || (how == kAtLeast && value_size > size);
  }
};

constexpr Definition kDefinitions[] = {
    {"MsvAvEOL", Definition::kExactly, 0},
    {"MsvAvNbComputerName", Definition::kEven},
    {"MsvAvNbDomainName", Definition::kEven},
    {"MsvAvDnsComputerName", Definition::kEven},
    {"MsvAvDnsDomainName", Definition::kEven},
    {"MsvAvDnsTreeName", Definition::kEven},
    {"MsvAvFlags", Definition::kExactly, 4},
    {"MsvAvTimestamp", Definition::kExactly, 8},
    {"MsvAvSingleHost", Definition::kAtLeast, kSingleHostMinSize},
    {"MsvAvTargetName", Definition::kEven},
    {"MsvAvChannelBindings", Definition::kExactly, 16},
};
// Of an id that the specification does not define.
constexpr Definition kUndefined{"AvId", Definition::kAtLeast, 0};

const Definition& definition(AvId id) {
  const auto index = static_cast<size_t>(id);
  return index < std::size(kDefinitions) ? kDefinitions[index] : kUndefined;
}

Error malformed(const char* field, uint32_t offset) {
  return Error{Errc::kMalformed, field, offset, 0};
}

uint16_t load_u16le(const uint8_t* in) {
  return static_cast<uint16_t>(in[0] | in[1] << 8);
}

}  // namespace

const char* name(AvId id) {
  return definition(id).name;
}

bool AvPairs::next(AvPair& pair) const {
  const uint8_t* const first = pairs_.data();
  const uint8_t* const at =
      pair.value.data() == nullptr ? first : pair.value.data() + pair.value.size();
  if (at == first + pairs_.size()) return false;
  pair.id = static_cast<AvId>(load_u16le(at));
  pair.value = ByteView(at + kAvHeaderSize, load_u16le(at + 2));
  pair.offset = offset_ + static_cast<uint32_t>(at - first);
  return true;
}

ByteView AvPairs::find(AvId id) const {
  for (AvPair pair; next(pair);) {
    if (pair.id == id) return pair.value;
  }
  return {};
}

uint32_t AvPairs::flags() const {
  uint32_t flags = 0;
  for (AvPair pair; next(pair);) {
    if (pair.id == AvId::kFlags) flags |= load_u32le(pair.value.data());
  }
  return flags;
}

std::optional<uint64_t> AvPairs::timestamp() const {
  const uint8_t* const value = find(AvId::kTimestamp).data();
  if (value == nullptr) return std::nullopt;
  return load_u32le(value) | static_cast<uint64_t>(load_u32le(value + 4)) << 32;
}

bool AvPairs::repeats() const {
  for (AvPair pair; next(pair);) {
    if (find(pair.id).data() != pair.value.data()) return true;
  }
  return false;
}

Result<AvPairs> parse_av_pairs(ByteView in, uint32_t offset) {
  return filled<AvPairs>([&](AvPairs& out) { return read_av_pairs(in, offset, out); });
}

Result<void> read_av_pairs(ByteView in, uint32_t offset, AvPairs& out) {
  out.offset_ = offset;
  for (uint32_t at = 0;;) {
    const size_t left = in.size() - at;
    if (left < 2) return malformed("MsvAvEOL", offset + at);
    if (left < kAvHeaderSize) return malformed("AV_PAIR.AvLen", offset + at + 2);
    const uint8_t* const header = in.data() + at;
    const uint16_t size = load_u16le(header + 2);
    if (size > left - kAvHeaderSize) return malformed("AV_PAIR.AvLen", offset + at + 4);
    const auto id = static_cast<AvId>(load_u16le(header));
    if (!definition(id).fits(size)) return malformed(name(id), offset + at);
    if (id == AvId::kEol) {
      out.pairs_ = in.prefix(at);
      out.after_eol_ = in.from(at + kAvHeaderSize);
      return {};
    }
    if (++out.count_ > kMaxAvPairs) return malformed("more than 32 AV pairs", offset + at);
    at += static_cast<uint32_t>(kAvHeaderSize) + size;
  }
}

FixedBytes<8> timestamp_value(UnixMicros time) {
  const uint64_t filetime = to_filetime(time);
  FixedBytes<8> out;
  store_u32le(out.data(), static_cast<uint32_t>(filetime));
  store_u32le(out.data() + 4, static_cast<uint32_t>(filetime >> 32));
  return out;
}

void append_av_pair(Bytes& out, AvId id, ByteView value) {
  FixedBytes<kAvHeaderSize> header;
  store_u32le(header.data(), static_cast<uint32_t>(value.size() << 16) | static_cast<uint16_t>(id));
  append(out, ByteView(header));
  append(out, value);
}

void append_av_eol(Bytes& out) {
  append_av_pair(out, AvId::kEol, {});
}

}  // namespace pocketgss::mechs::ntlm
