// Oracles of the DER reader and writer.
#include "fuzz/oracles_asn1.h"

#include <string>
#include <vector>

#include "asn1/dump.h"
#include "asn1/reader.h"
#include "asn1/writer.h"
#include "fuzz/check.h"

namespace pocketgss::fuzz {
namespace {

using asn1::Oid;
using asn1::Reader;
using asn1::Tag;
using asn1::Writer;

constexpr const char kField[] = "Field";

bool is_inside(ByteView part, ByteView whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void check_refusal(const Error& error, const Reader& before, const Reader& after) {
  PGSS_FUZZ_CHECK(error.code == Errc::kMalformed);
  PGSS_FUZZ_CHECK(error.where == kField);
  PGSS_FUZZ_CHECK(error.offset >= before.offset());
  PGSS_FUZZ_CHECK(error.offset <= before.offset() + before.rest().size());
  PGSS_FUZZ_CHECK(after.offset() == before.offset());
  PGSS_FUZZ_CHECK(after.rest().data() == before.rest().data());
  PGSS_FUZZ_CHECK(after.rest().size() == before.rest().size());
}

// The bytes that a successful read consumed.
ByteView consumed(const Reader& before, const Reader& after) {
  const size_t size = after.offset() - before.offset();
  PGSS_FUZZ_CHECK(size >= 2 && size <= before.rest().size());
  PGSS_FUZZ_CHECK(after.rest().data() == before.rest().data() + size);
  PGSS_FUZZ_CHECK(after.rest().size() == before.rest().size() - size);
  return before.rest().prefix(size);
}

template <typename Read, typename Write>
void check_typed(const Reader& before, const Read& read, const Write& write) {
  Reader after = before;
  const auto result = read(after);
  if (!result.has_value()) return check_refusal(result.error(), before, after);
  const ByteView octets = consumed(before, after);
  Writer writer;
  write(writer, result.value());
  const Result<Bytes> written = std::move(writer).take();
  PGSS_FUZZ_CHECK(written.has_value());
  PGSS_FUZZ_CHECK(ByteView(written.value()) == octets);
}

void check_typed_reads(const Reader& at) {
  check_typed(
      at, [](Reader& r) { return r.boolean(kField); }, [](Writer& w, bool v) { w.boolean(v); });
  check_typed(
      at, [](Reader& r) { return r.int32(kField); }, [](Writer& w, int32_t v) { w.int32(v); });
  check_typed(
      at, [](Reader& r) { return r.uint32(kField); }, [](Writer& w, uint32_t v) { w.uint32(v); });
  check_typed(
      at, [](Reader& r) { return r.enumerated(kField); },
      [](Writer& w, uint32_t v) { w.enumerated(v); });
  check_typed(
      at, [](Reader& r) { return r.octet_string(kField); },
      [](Writer& w, ByteView v) { w.octet_string(v); });
  check_typed(
      at, [](Reader& r) { return r.general_string(kField); },
      [](Writer& w, std::string_view v) { w.general_string(v); });
  check_typed(
      at, [](Reader& r) { return r.bit_string(kField); },
      [](Writer& w, const Reader::BitString& v) { w.bit_string(v.octets, v.unused_bits); });
  check_typed(
      at, [](Reader& r) { return r.oid(kField); },
      [](Writer& w, Oid v) {
        PGSS_FUZZ_CHECK(!dotted(v).empty());
        w.oid(v);
      });
}

// The reads that take any tag agree with each other.
void check_element(const Reader& at, const Reader::Element& e) {
  PGSS_FUZZ_CHECK(e.offset == at.offset());
  PGSS_FUZZ_CHECK(is_inside(e.whole, at.rest()) && is_inside(e.contents, e.whole));
  PGSS_FUZZ_CHECK(e.contents.data() == e.whole.data() + (e.contents_offset - e.offset));
  PGSS_FUZZ_CHECK(e.contents.data() + e.contents.size() == e.whole.data() + e.whole.size());
  Reader by_contents = at;
  PGSS_FUZZ_CHECK(by_contents.contents(e.tag, kField).value() == e.contents);
  Reader by_element = at;
  PGSS_FUZZ_CHECK(by_element.element(e.tag, kField).value() == e.whole);
  Reader by_enter = at;
  const Reader inner = by_enter.enter(e.tag, kField).value();
  PGSS_FUZZ_CHECK(inner.offset() == e.contents_offset && inner.rest() == e.contents);
  Reader by_other_tag = at;
  const Tag other{static_cast<uint8_t>(e.tag.octet ^ 0x04)};
  PGSS_FUZZ_CHECK(!by_other_tag.enter_optional(other, kField).value().has_value());
  check_refusal(by_other_tag.contents(other, kField).error(), at, by_other_tag);
}

// Checks every element and writes it to `out`; false where the bytes are no DER.
bool check_elements(Reader reader, int depth, Writer& out) {
  bool well_formed = true;
  while (!reader.at_end()) {
    const Reader at = reader;
    check_typed_reads(at);
    const Result<Reader::Element> result = reader.any(kField);
    if (!result.has_value()) {
      check_refusal(result.error(), at, reader);
      return false;
    }
    const Reader::Element& e = result.value();
    check_element(at, e);
    if (e.tag.constructed() && depth < asn1::kMaxDumpDepth) {
      out.nest(e.tag, [&](Writer& inner) {
        well_formed &= check_elements(Reader(e.contents, e.contents_offset), depth + 1, inner);
      });
    } else {
      out.element(e.tag, e.contents);
    }
  }
  return well_formed;
}

// --- trees made from a recipe ---

// Op is one call of the Writer and the read that must give its value back.
struct Op {
  enum Kind : uint8_t {
    kBoolean,
    kInt32,
    kUint32,
    kEnumerated,
    kOctetString,
    kBitString,
    kGeneralString,
    kOid,
    kNest
  };
  Kind kind = kBoolean;
  uint32_t number = 0;  // the value, the unused bits, or the tag of kNest
  Bytes octets;
  std::vector<Op> children;
};

class Recipe {
 public:
  explicit Recipe(ByteView in) : in_(in) {}

  std::vector<Op> ops(int depth) {
    std::vector<Op> out;
    while (!in_.empty()) {
      const uint32_t what = byte();
      if (what % 10 == 9) break;  // the end of a nest
      out.push_back(op(static_cast<Op::Kind>(what % 10), depth));
    }
    return out;
  }

 private:
  Op op(Op::Kind kind, int depth) {
    Op out;
    out.kind = kind;
    switch (kind) {
      case Op::kBoolean:
        out.number = byte() & 1;
        break;
      case Op::kInt32:
      case Op::kUint32:
      case Op::kEnumerated:
        // Of any size, so that small numbers are met too.
        out.number = (byte() | byte() << 8U | byte() << 16U | byte() << 24U) >> (8U * (byte() % 4));
        break;
      case Op::kOctetString:
      case Op::kGeneralString:
        out.octets = some_bytes();
        break;
      case Op::kBitString:
        out.octets = some_bytes();
        out.number = out.octets.empty() ? 0 : byte() % 8;
        if (!out.octets.empty()) out.octets.back() &= static_cast<uint8_t>(0xffU << out.number);
        break;
      case Op::kOid:
        out.octets = valid_oid(some_bytes());
        break;
      case Op::kNest: {
        static constexpr uint32_t kTags[] = {0x30, 0x31, 0x60, 0x6e, 0xa0, 0xa1, 0xbe, 0xe5};
        out.number = kTags[byte() % std::size(kTags)];
        if (depth < asn1::kMaxDumpDepth) out.children = ops(depth + 1);
        break;
      }
    }
    return out;
  }

  uint32_t byte() {
    if (in_.empty()) return 0;
    const uint8_t out = in_[0];
    in_ = in_.from(1);
    return out;
  }

  // Mostly from the input; now and then so many that a length takes more octets.
  Bytes some_bytes() {
    static constexpr size_t kSizes[] = {127, 128, 255, 256, 65535, 65536};
    const uint32_t n = byte();
    if (n >= 250 && total_ < 4 * 65536) {  // so that a run stays short
      total_ += kSizes[n - 250];
      return Bytes(kSizes[n - 250], static_cast<uint8_t>(n));
    }
    const ByteView out = in_.prefix(std::min<size_t>(n % 16, in_.size()));
    in_ = in_.from(out.size());
    return out.to_bytes();
  }

  // X.690 8.19.2: no subidentifier starts with 80, the last one ends.
  static Bytes valid_oid(Bytes octets) {
    if (octets.empty()) octets.push_back(0x2a);
    bool at_start = true;
    for (uint8_t& octet : octets) {
      if (at_start && octet == 0x80) octet = 0x81;
      at_start = (octet & 0x80) == 0;
    }
    if (!at_start) octets.push_back(0x01);
    return octets;
  }

  ByteView in_;
  size_t total_ = 0;  // of what did not come from the input
};

void write_ops(Writer& out, const std::vector<Op>& ops) {
  for (const Op& op : ops) {
    switch (op.kind) {
      case Op::kBoolean:
        out.boolean(op.number != 0);
        break;
      case Op::kInt32:
        out.int32(static_cast<int32_t>(op.number));
        break;
      case Op::kUint32:
        out.uint32(op.number);
        break;
      case Op::kEnumerated:
        out.enumerated(op.number);
        break;
      case Op::kOctetString:
        out.octet_string(op.octets);
        break;
      case Op::kBitString:
        out.bit_string(op.octets, static_cast<uint8_t>(op.number));
        break;
      case Op::kGeneralString:
        out.general_string(as_text(op.octets));
        break;
      case Op::kOid:
        out.oid(Oid{op.octets});
        break;
      case Op::kNest:
        out.nest(Tag{static_cast<uint8_t>(op.number)},
                 [&](Writer& inner) { write_ops(inner, op.children); });
        break;
    }
  }
}

void check_ops(Reader in, const std::vector<Op>& ops) {
  for (const Op& op : ops) {
    switch (op.kind) {
      case Op::kBoolean:
        PGSS_FUZZ_CHECK(in.boolean(kField).value() == (op.number != 0));
        break;
      case Op::kInt32:
        PGSS_FUZZ_CHECK(in.int32(kField).value() == static_cast<int32_t>(op.number));
        break;
      case Op::kUint32:
        PGSS_FUZZ_CHECK(in.uint32(kField).value() == op.number);
        break;
      case Op::kEnumerated:
        PGSS_FUZZ_CHECK(in.enumerated(kField).value() == op.number);
        break;
      case Op::kOctetString:
        PGSS_FUZZ_CHECK(in.octet_string(kField).value() == ByteView(op.octets));
        break;
      case Op::kBitString: {
        const Reader::BitString bits = in.bit_string(kField).value();
        PGSS_FUZZ_CHECK(bits.octets == ByteView(op.octets) && bits.unused_bits == op.number);
        break;
      }
      case Op::kGeneralString:
        PGSS_FUZZ_CHECK(in.general_string(kField).value() == as_text(op.octets));
        break;
      case Op::kOid:
        PGSS_FUZZ_CHECK(in.oid(kField).value().der == ByteView(op.octets));
        break;
      case Op::kNest:
        check_ops(in.enter(Tag{static_cast<uint8_t>(op.number)}, kField).value(), op.children);
        break;
    }
  }
  PGSS_FUZZ_CHECK(in.finish(kField).has_value());
}

Bytes written(const std::vector<Op>& ops, size_t expected_size) {
  Writer writer(expected_size);
  write_ops(writer, ops);
  Result<Bytes> out = std::move(writer).take();
  PGSS_FUZZ_CHECK(out.has_value());
  return std::move(out).value();
}

}  // namespace

void check_der_reader(ByteView in) {
  Writer writer(in.size());
  const bool well_formed = check_elements(Reader(in, 7), 0, writer);
  const Result<Bytes> written_back = std::move(writer).take();
  PGSS_FUZZ_CHECK(written_back.has_value());
  if (well_formed) PGSS_FUZZ_CHECK(ByteView(written_back.value()) == in);
  PGSS_FUZZ_CHECK(asn1::dump(in).empty() == in.empty());
  Reader extensions(in);
  if (well_formed) PGSS_FUZZ_CHECK(extensions.skip_extensions(kField).has_value());
}

void check_der_roundtrip(ByteView in) {
  const std::vector<Op> ops = Recipe(in).ops(0);
  const Bytes der = written(ops, 0);
  check_ops(Reader(ByteView(der)), ops);
  PGSS_FUZZ_CHECK(written(ops, der.size()) == der);
  PGSS_FUZZ_CHECK(written(ops, in.size() / 2 + 1) == der);
}

}  // namespace pocketgss::fuzz
