// Reading and writing of AV_PAIR lists.
#include "mechs/ntlm/av_pair.h"

#include <array>

#include "base/cursor.h"

namespace pocketgss::mechs::ntlm {
namespace {

constexpr size_t kTimestampSize = 8;
constexpr size_t kFlagsSize = 4;
constexpr size_t kChannelBindingsSize = 16;

constexpr std::array kNames = {
    "MsvAvEOL",           "MsvAvNbComputerName", "MsvAvNbDomainName",   "MsvAvDnsComputerName",
    "MsvAvDnsDomainName", "MsvAvDnsTreeName",    "MsvAvFlags",          "MsvAvTimestamp",
    "MsvAvSingleHost",    "MsvAvTargetName",     "MsvAvChannelBindings"};

uint16_t load_u16le(const uint8_t* in) {
  return static_cast<uint16_t>(in[0] | in[1] << 8);
}

// value_size_fits: [MS-NLMP] 2.2.2.1 fixes the sizes of some values; names are UTF-16, so even.
bool value_size_fits(AvId id, size_t size) {
  switch (id) {
    case AvId::kNbComputerName:
    case AvId::kNbDomainName:
    case AvId::kDnsComputerName:
    case AvId::kDnsDomainName:
    case AvId::kDnsTreeName:
    case AvId::kTargetName:
      return size % 2 == 0;
    case AvId::kFlags:
      return size == kFlagsSize;
    case AvId::kTimestamp:
      return size == kTimestampSize;
    case AvId::kSingleHost:
      return size >= kSingleHostMinSize;
    case AvId::kChannelBindings:
      return size == kChannelBindingsSize;
    case AvId::kEol:
      return size == 0;
  }
  return true;  // an id that the specification does not define
}

}  // namespace

const char* name(AvId id) {
  const auto index = static_cast<size_t>(id);
  return index < kNames.size() ? kNames[index] : "AvId";
}

AvPair AvPairs::Iterator::operator*() const {
  const size_t size = load_u16le(rest_.data() + 2);
  return AvPair{static_cast<AvId>(load_u16le(rest_.data())), rest_.sub(kAvHeaderSize, size),
                offset_};
}

AvPairs::Iterator& AvPairs::Iterator::operator++() {
  const size_t whole = kAvHeaderSize + load_u16le(rest_.data() + 2);
  rest_ = rest_.from(whole);
  offset_ += static_cast<uint32_t>(whole);
  return *this;
}

std::optional<ByteView> AvPairs::find(AvId id) const {
  for (const AvPair pair : *this) {
    if (pair.id == id) return pair.value;
  }
  return std::nullopt;
}

uint32_t AvPairs::flags() const {
  uint32_t flags = 0;
  for (const AvPair pair : *this) {
    if (pair.id == AvId::kFlags) flags |= load_u32le(pair.value.data());
  }
  return flags;
}

std::optional<uint64_t> AvPairs::timestamp() const {
  const auto value = find(AvId::kTimestamp);
  if (!value) return std::nullopt;
  return load_u32le(value->data()) | static_cast<uint64_t>(load_u32le(value->data() + 4)) << 32;
}

bool AvPairs::repeats() const {
  for (Iterator i = begin(); i != end(); ++i) {
    Iterator j = i;
    for (++j; j != end(); ++j) {
      if ((*i).id == (*j).id) return true;
    }
  }
  return false;
}

Result<AvPairs> parse_av_pairs(ByteView in, uint32_t offset) {
  AvPairs list;
  list.offset_ = offset;
  ByteReader reader(in, offset);
  for (;;) {
    const uint32_t at = reader.offset();
    PGSS_TRY(const uint16_t raw_id, reader.u16le("MsvAvEOL"));
    const auto id = static_cast<AvId>(raw_id);
    PGSS_TRY(const uint16_t size, reader.u16le("AV_PAIR.AvLen"));
    PGSS_CHECK(reader.bytes(size, "AV_PAIR.AvLen"));
    if (!value_size_fits(id, size)) return Error{Errc::kMalformed, name(id), at, 0};
    if (id == AvId::kEol) {
      list.pairs_ = in.prefix(at - offset);
      list.after_eol_ = reader.rest();
      return list;
    }
    if (++list.count_ > kMaxAvPairs) return Error{Errc::kMalformed, "more than 32 AV pairs", at, 0};
  }
}

void append_av_pair(Bytes& out, AvId id, ByteView value) {
  ByteWriter writer(out);
  writer.u16le(static_cast<uint16_t>(id));
  writer.u16le(static_cast<uint16_t>(value.size()));
  writer.bytes(value);
}

void append_av_eol(Bytes& out) {
  append_av_pair(out, AvId::kEol, {});
}

}  // namespace pocketgss::mechs::ntlm
