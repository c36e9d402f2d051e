// Tokens of RFC 4757 7, made past the cryptography.
#include <algorithm>

#include "fuzz/check.h"
#include "fuzz/oracles_krb5.h"
#include "fuzz/script.h"
#include "mechs/krb5/message_tokens.h"
#include "tests/support/fixed_random.h"

namespace pocketgss::fuzz {
namespace {

using namespace mechs::
    krb5;  // NOLINT(google-build-using-namespace): this file is about nothing else

constexpr size_t kMaxInput = 4096;
constexpr size_t kFrameSize = 11;  // the OID's element
constexpr size_t kSequenceAt = 8, kNumberSize = 4, kConfounderSize = 8, kMaxPad = 8;
constexpr uint8_t kUntouched = 0xa5;
using Half = FixedBytes<8>;
using Whole = FixedBytes<16>;

enum Form : uint8_t {
  kAsMic = 1,
  kEditFixed = 2,     // [at, octet]
  kEditSequence = 4,  // [at, octet]
  kOwnPadding = 8,    // the message brings its padding, and its confounder
  kSealed = 16,
  kDamage = 32,    // [at, at, mask] of the token
  kTruncate = 64,  // [at, at]
  kAsItCame = 128,
};

// Sides of a context without sequence detection.
struct Sides {
  Sides() {
    acceptor = side(Role::kAcceptor);
    initiator = side(Role::kInitiator);
  }
  std::unique_ptr<mechs::MessageProtection> side(Role role) {
    return make_message_protection(runtime, {key.clone(), role, false, 0, 0, kNoContextFlags})
        .value();
  }

  void next_good_ones_are_taken() {
    constexpr FixedBytes<3> kMessage = {1, 2, 3};
    Bytes token(initiator->wrap_size(kMessage.size()));
    token.resize(initiator->wrap(kMessage, true, token).value());
    Bytes out(token.size());
    const auto message = acceptor->unwrap(token, out);
    PGSS_FUZZ_CHECK(message.has_value());
    PGSS_FUZZ_CHECK(ByteView(out).prefix(message.value().size) == ByteView(kMessage));
    token.resize(initiator->mic_size());
    token.resize(initiator->mic(kMessage, token).value());
    PGSS_FUZZ_CHECK(acceptor->verify_mic(kMessage, token).has_value());
  }

  testing::CountingRandom random;
  Runtime runtime = Runtime::create(system_clock(), random).value();
  Key key = Key::random(Etype::kRc4Hmac, random).value();
  std::unique_ptr<mechs::MessageProtection> acceptor, initiator;
};

// Maker makes a token as RFC 4757 7.2 and 7.3 have it, of whatever parts it is given.
class Maker {
 public:
  explicit Maker(Sides& sides) : crypto_(sides.runtime.crypto()), key_(sides.key.view()) {}

  // SGN_CKSUM: HMAC(HMAC(K, "signaturekey\0"), MD5(salt, header, data)), its first half.
  Half checksum(uint8_t salt, ByteView header, ByteView data) {
    static constexpr char kLabel[] = "signaturekey";
    const FixedBytes<4> number = {salt, 0, 0, 0};
    Whole digest, out;
    crypto_.md5({number, header, data}, digest);
    crypto_.hmac_md5(hmac(key_, {reinterpret_cast<const uint8_t*>(kLabel), sizeof kLabel}),
                     {digest}, out);
    return half(out);
  }

  // SND_SEQ: RC4 under HMAC(HMAC(K, 0), SGN_CKSUM).
  Half sequence(ByteView plain, ByteView checksum) {
    Half out;
    crypto_.rc4(hmac(hmac(key_, kZero), checksum), plain, out);
    return out;
  }

  // The data: RC4 under HMAC(HMAC(K xor F0, 0), the number).
  Bytes sealed(ByteView number, ByteView data) {
    Bytes local = key_.to_bytes(), out(data.size());
    for (uint8_t& octet : local) octet ^= 0xf0;
    crypto_.rc4(hmac(hmac(local, kZero), number), data, out);
    return out;
  }

 private:
  static constexpr FixedBytes<4> kZero{};
  Whole hmac(ByteView key, ByteView data) {
    Whole out;
    crypto_.hmac_md5(key, {data}, out);
    return out;
  }
  static Half half(const Whole& all) {
    Half out;
    std::copy_n(all.begin(), out.size(), out.begin());
    return out;
  }

  crypto::Workspace& crypto_;
  ByteView key_;
};

// framed is RFC 2743 3.1.
Bytes framed(ByteView inner) {
  const size_t length = kFrameSize + inner.size();
  Bytes out;
  out.reserve(4 + length);
  out.push_back(0x60);
  if (length >= 0x100) {
    out.push_back(0x82);
    out.push_back(static_cast<uint8_t>(length >> 8));
  } else if (length >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<uint8_t>(length));
  append(out, FixedBytes<kFrameSize>{0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2});
  append(out, inner);
  return out;
}

// model_data: how much of confounder, data and padding is data.
std::optional<ByteView> model_data(ByteView body) {
  if (body.size() <= kConfounderSize) return std::nullopt;
  const ByteView data = body.from(kConfounderSize);
  const size_t pad = data[data.size() - 1];
  if (pad < 1 || pad > kMaxPad || pad > data.size()) return std::nullopt;
  for (size_t i = 1; i <= pad; ++i) {
    if (data[data.size() - i] != pad) return std::nullopt;
  }
  return data.prefix(data.size() - pad);
}

// check_nothing_is_left: what was written has been wiped, and the rest is as it was.
void check_nothing_is_left(ByteView out) {
  const auto empty = [](uint8_t c) { return c == 0 || c == kUntouched; };
  PGSS_FUZZ_CHECK(std::all_of(out.begin(), out.end(), empty));
}

void check_made(Sides& sides, Script& script, uint8_t form) {
  const bool as_mic = (form & kAsMic) != 0;
  const bool sealed = !as_mic && (form & kSealed) != 0;
  Half fixed = {static_cast<uint8_t>(as_mic ? 1 : 2), 1, 0x11, 0, 0xff, 0xff, 0xff, 0xff};
  if (sealed) fixed[4] = 0x10, fixed[5] = 0;
  const Half right_fixed = fixed;
  if ((form & kEditFixed) != 0) fixed[script.u8() % fixed.size()] = script.u8();
  Half number = {0, 0, 0, 7};  // of the initiator: zeros follow
  if ((form & kEditSequence) != 0) number[script.u8() % number.size()] = script.u8();
  const bool own = !as_mic && (form & kOwnPadding) != 0;
  const size_t damage_at = (form & kDamage) != 0 ? script.u16() : 0;
  const uint8_t mask = (form & kDamage) != 0 ? script.u8() : uint8_t{0};
  const size_t cut_at = (form & kTruncate) != 0 ? script.u16() : 0;

  const ByteView message = script.rest();
  Bytes body;
  if (!as_mic) {
    if (!own) body.assign(kConfounderSize, 0x5a);
    append(body, message);
    if (!own) body.push_back(1);
  }
  Maker maker(sides);
  const Half checksum =
      as_mic ? maker.checksum(15, fixed, message) : maker.checksum(13, fixed, body);
  Bytes inner(fixed.begin(), fixed.end());
  append(inner, maker.sequence(number, checksum));
  append(inner, checksum);
  append(inner, sealed ? maker.sealed(ByteView(number).prefix(kNumberSize), body) : body);
  Bytes token = framed(inner);
  const size_t inner_at = token.size() - inner.size();
  const size_t at = damage_at % token.size();
  token[at] ^= mask;
  const bool cut = (form & kTruncate) != 0;
  if (cut) token.resize(cut_at % token.size());

  // SND_SEQ is a stream cipher's and under no checksum: what damages it may mend it as well.
  const size_t in_number = at - (inner_at + kSequenceAt);
  const bool of_sequence = at >= inner_at + kSequenceAt && in_number < number.size();
  Half arrives = number;
  if (of_sequence) arrives[in_number] ^= mask;
  const bool from_initiator =
      std::all_of(arrives.begin() + kNumberSize, arrives.end(), [](uint8_t c) { return c == 0; });
  const bool number_kept =
      std::equal(number.begin(), number.begin() + kNumberSize, arrives.begin());
  const bool right = !cut && fixed == right_fixed && from_initiator &&
                     (mask == 0 || (of_sequence && (number_kept || !sealed)));
  if (as_mic) {
    PGSS_FUZZ_CHECK(sides.acceptor->verify_mic(message, token).has_value() == right);
    return;
  }
  const auto expected = right ? model_data(body) : std::nullopt;
  Bytes out(token.size(), kUntouched);
  const auto taken = sides.acceptor->unwrap(token, out);
  PGSS_FUZZ_CHECK(taken.has_value() == expected.has_value());
  if (taken.has_value()) {
    PGSS_FUZZ_CHECK(taken.value().confidential == sealed);
    PGSS_FUZZ_CHECK(ByteView(out).prefix(taken.value().size) == *expected);
  } else {
    check_nothing_is_left(out);
  }
}

}  // namespace

void check_krb_rfc4757(ByteView input) {
  if (input.size() > kMaxInput || !known_etype(static_cast<int32_t>(Etype::kRc4Hmac))) return;
  Script script(input);
  Sides sides;
  const uint8_t form = script.u8();
  if ((form & kAsItCame) != 0) {
    // Nobody can have made it.
    const ByteView token = script.rest();
    Bytes out(token.size());
    PGSS_FUZZ_CHECK(!sides.acceptor->unwrap(token, out).has_value());
    PGSS_FUZZ_CHECK(!sides.acceptor->verify_mic({}, token).has_value());
  } else {
    check_made(sides, script, form);
  }
  sides.next_good_ones_are_taken();
}

}  // namespace pocketgss::fuzz
