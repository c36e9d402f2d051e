// DER: the reader and the writer on real tokens, beside a bounded decode and encode written by
// hand.
#include <array>
#include <cstring>

#include <benchmark/benchmark.h>

#include "asn1/reader.h"
#include "asn1/writer.h"
#include "bench/alloc_counter.h"

namespace pocketgss::bench {
namespace {

using asn1::Oid;
using asn1::Reader;
using asn1::Tag;
using asn1::Writer;

// The token of vectors/spnego/constructed.vec, "NegTokenInit, NTLM NEGOTIATE as optimistic token":
// 74 bytes.
constexpr std::array<uint8_t, 74> kSmallToken = {
    0x60, 0x48, 0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02, 0xa0, 0x3e, 0x30, 0x3c, 0xa0,
    0x0e, 0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a,
    0xa2, 0x2a, 0x04, 0x28, 0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00, 0x01, 0x00, 0x00,
    0x00, 0x97, 0x82, 0x08, 0xe2, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x01, 0xb1, 0x1d, 0x00, 0x00, 0x00, 0x0f};

constexpr std::array<uint8_t, 6> kSpnego = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x02};

// Decoded is what both decoders find.
struct Decoded {
  std::array<ByteView, 32> mech_types;
  size_t mech_type_count = 0;
  ByteView mech_type_list;
  ByteView mech_token;
};

// --- the yardstick: a NegTokenInit decoder by hand, every length checked, no more than that ---

struct Cursor {
  const uint8_t* at;
  const uint8_t* end;
};

bool header(Cursor& c, uint8_t tag, const uint8_t** end) {
  if (c.end - c.at < 2 || c.at[0] != tag) return false;
  size_t length = c.at[1];
  c.at += 2;
  if (length >= 0x80) {
    const size_t octets = length & 0x7f;
    if (octets == 0 || octets > 4 || static_cast<size_t>(c.end - c.at) < octets) return false;
    length = 0;
    for (size_t i = 0; i < octets; ++i) length = length << 8 | *c.at++;
  }
  if (static_cast<size_t>(c.end - c.at) < length) return false;
  *end = c.at + length;
  return true;
}

bool decode_by_hand(ByteView token, Decoded& out) {
  Cursor c{token.data(), token.data() + token.size()};
  const uint8_t* end = nullptr;
  if (!header(c, 0x60, &end) || end != c.end) return false;
  if (!header(c, 0x06, &end)) return false;
  if (end - c.at != 6 || std::memcmp(c.at, kSpnego.data(), 6) != 0) return false;
  c.at = end;
  if (!header(c, 0xa0, &end) || end != c.end) return false;
  if (!header(c, 0x30, &end) || end != c.end) return false;
  if (!header(c, 0xa0, &end)) return false;
  const uint8_t* list = c.at;
  const uint8_t* list_end = end;
  Cursor inner{c.at, end};
  if (!header(inner, 0x30, &end) || end != inner.end) return false;
  out.mech_type_count = 0;
  while (inner.at != inner.end) {
    if (out.mech_type_count == out.mech_types.size() || !header(inner, 0x06, &end)) return false;
    out.mech_types[out.mech_type_count++] = ByteView(inner.at, end);
    inner.at = end;
  }
  out.mech_type_list = ByteView(list, list_end);
  c.at = list_end;
  if (c.at != c.end) {
    if (!header(c, 0xa2, &end) || end != c.end) return false;
    if (!header(c, 0x04, &end) || end != c.end) return false;
    out.mech_token = ByteView(c.at, end);
  }
  return true;
}

// --- the same with the Reader ---

Result<void> decode_with_reader(ByteView token, Decoded& out) {
  Reader all(token);
  PGSS_TRY(Reader wrapper, all.enter(asn1::application(0), "InitialContextToken"));
  PGSS_CHECK(all.finish("InitialContextToken"));
  PGSS_TRY(const Oid mech, wrapper.oid("thisMech"));
  if (mech.der != ByteView(kSpnego)) return Error{Errc::kMalformed, "thisMech", 0, 0};
  PGSS_TRY(Reader choice, wrapper.enter(asn1::context(0), "negTokenInit"));
  PGSS_CHECK(wrapper.finish("negTokenInit"));
  PGSS_TRY(Reader init, choice.enter(asn1::kSequence, "NegTokenInit"));
  PGSS_CHECK(choice.finish("NegTokenInit"));
  PGSS_TRY(Reader types, init.enter(asn1::context(0), "mechTypes"));
  out.mech_type_list = types.rest();
  PGSS_TRY(Reader list, types.enter(asn1::kSequence, "MechTypeList"));
  PGSS_CHECK(types.finish("mechTypes"));
  out.mech_type_count = 0;
  while (!list.at_end()) {
    if (out.mech_type_count == out.mech_types.size()) {
      return Error{Errc::kMalformed, "MechTypeList", list.offset(), 0};
    }
    PGSS_TRY(const Oid type, list.oid("MechType"));
    out.mech_types[out.mech_type_count++] = type.der;
  }
  PGSS_TRY(Reader::Optional field, init.enter_optional(asn1::context(2), "mechToken"));
  if (field) {
    PGSS_TRY(out.mech_token, field->octet_string("mechToken"));
    PGSS_CHECK(field->finish("mechToken"));
  }
  return init.finish("NegTokenInit");
}

// --- encoding ---

constexpr std::array<uint8_t, 10> kNtlm = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                           0x82, 0x37, 0x02, 0x02, 0x0a};

uint8_t* put_header(uint8_t* end, uint8_t tag, size_t length) {
  if (length < 0x80) {
    *--end = static_cast<uint8_t>(length);
  } else {
    uint8_t octets = 0x80;
    for (; length != 0; length >>= 8, ++octets) *--end = static_cast<uint8_t>(length);
    *--end = octets;
  }
  *--end = tag;
  return end;
}

// Backwards, so that each length is known; returns the first byte.
const uint8_t* encode_by_hand(ByteView mech_token, uint8_t* buffer, size_t size) {
  uint8_t* const end = buffer + size;
  uint8_t* at = end;
  const auto put = [&](ByteView bytes) {
    std::memcpy(at -= bytes.size(), bytes.data(), bytes.size());
  };
  if (size < mech_token.size() + 64) return nullptr;
  put(mech_token);
  at = put_header(at, 0x04, mech_token.size());
  at = put_header(at, 0xa2, static_cast<size_t>(end - at));
  const uint8_t* const types_end = at;
  put(kNtlm);
  at = put_header(at, 0x06, kNtlm.size());
  at = put_header(at, 0x30, static_cast<size_t>(types_end - at));
  at = put_header(at, 0xa0, static_cast<size_t>(types_end - at));
  at = put_header(at, 0x30, static_cast<size_t>(end - at));
  at = put_header(at, 0xa0, static_cast<size_t>(end - at));
  put(kSpnego);
  at = put_header(at, 0x06, kSpnego.size());
  return put_header(at, 0x60, static_cast<size_t>(end - at));
}

template <typename Storage>
Result<Bytes> encode_with_writer(ByteView mech_token, Storage&& storage) {
  Writer writer(std::forward<Storage>(storage));
  writer.nest(asn1::application(0), [&](Writer& wrapper) {
    wrapper.oid(Oid{ByteView(kSpnego)});
    wrapper.nest(asn1::context(0), [&](Writer& choice) {
      choice.nest(asn1::kSequence, [&](Writer& init) {
        init.nest(asn1::context(0), [&](Writer& types) {
          types.nest(asn1::kSequence, [&](Writer& list) { list.oid(Oid{ByteView(kNtlm)}); });
        });
        init.nest(asn1::context(2), [&](Writer& field) { field.octet_string(mech_token); });
      });
    });
  });
  return std::move(writer).take();
}

// The token of the argument's size: the small one, or one with a mechToken that fills it up.
Bytes token_of(size_t size) {
  if (size == kSmallToken.size()) return Bytes(kSmallToken.begin(), kSmallToken.end());
  const Bytes full(size, 0x5a);
  const size_t overhead = encode_with_writer(full, size + 64).value().size() - size;
  return encode_with_writer(ByteView(full).from(overhead), size).value();
}

void set_rates(benchmark::State& state, const AllocCounter& counter, size_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(bytes));
  counter.report(state);
}

void BM_NegTokenInitDecodeByHand(benchmark::State& state) {
  const Bytes token = token_of(static_cast<size_t>(state.range(0)));
  Decoded out;
  const AllocCounter counter;
  for (auto _ : state) {
    ByteView in(token);
    benchmark::DoNotOptimize(in);
    if (!decode_by_hand(in, out)) state.SkipWithError("refused");
    benchmark::DoNotOptimize(out);
  }
  set_rates(state, counter, token.size());
}
BENCHMARK(BM_NegTokenInitDecodeByHand)->Arg(74)->Arg(749)->Arg(2048);

void BM_NegTokenInitDecodeReader(benchmark::State& state) {
  const Bytes token = token_of(static_cast<size_t>(state.range(0)));
  Decoded out;
  const AllocCounter counter;
  for (auto _ : state) {
    ByteView in(token);
    benchmark::DoNotOptimize(in);
    if (!decode_with_reader(in, out).has_value()) state.SkipWithError("refused");
    benchmark::DoNotOptimize(out);
  }
  set_rates(state, counter, token.size());
}
BENCHMARK(BM_NegTokenInitDecodeReader)->Arg(74)->Arg(749)->Arg(2048);

Bytes mech_token_of(size_t token_size) {
  Decoded decoded;
  const Bytes token = token_of(token_size);
  return decode_by_hand(token, decoded) ? decoded.mech_token.to_bytes() : Bytes();
}

void BM_NegTokenInitEncodeByHand(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  const Bytes mech_token = mech_token_of(size);
  Bytes buffer(size + 64);
  const AllocCounter counter;
  for (auto _ : state) {
    ByteView in(mech_token);
    benchmark::DoNotOptimize(in);
    benchmark::DoNotOptimize(encode_by_hand(in, buffer.data(), buffer.size()));
    benchmark::ClobberMemory();
  }
  set_rates(state, counter, size);
}
BENCHMARK(BM_NegTokenInitEncodeByHand)->Arg(74)->Arg(749)->Arg(2048);

void BM_NegTokenInitEncodeByHandToNewBuffer(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  const Bytes mech_token = mech_token_of(size);
  const AllocCounter counter;
  for (auto _ : state) {
    ByteView in(mech_token);
    benchmark::DoNotOptimize(in);
    Bytes buffer(size + 64);
    benchmark::DoNotOptimize(encode_by_hand(in, buffer.data(), buffer.size()));
    benchmark::ClobberMemory();
  }
  set_rates(state, counter, size);
}
BENCHMARK(BM_NegTokenInitEncodeByHandToNewBuffer)->Arg(74)->Arg(749)->Arg(2048);

void BM_NegTokenInitEncodeWriter(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  const Bytes mech_token = mech_token_of(size);
  const AllocCounter counter;
  for (auto _ : state) {
    ByteView in(mech_token);
    benchmark::DoNotOptimize(in);
    Result<Bytes> token = encode_with_writer(in, size);
    if (!token.has_value()) state.SkipWithError("failed");
    benchmark::DoNotOptimize(token);
  }
  set_rates(state, counter, size);
}
BENCHMARK(BM_NegTokenInitEncodeWriter)->Arg(74)->Arg(749)->Arg(2048);

void BM_NegTokenInitEncodeWriterReused(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  const Bytes mech_token = mech_token_of(size);
  Bytes buffer(size);
  const AllocCounter counter;
  for (auto _ : state) {
    ByteView in(mech_token);
    benchmark::DoNotOptimize(in);
    Result<Bytes> token = encode_with_writer(in, std::move(buffer));
    if (!token.has_value()) return state.SkipWithError("failed");
    buffer = std::move(token).value();
    benchmark::DoNotOptimize(buffer);
  }
  set_rates(state, counter, size);
}
BENCHMARK(BM_NegTokenInitEncodeWriterReused)->Arg(74)->Arg(749)->Arg(2048);

}  // namespace
}  // namespace pocketgss::bench
