// Times, keys and codes of the AP exchange.
#include "mechs/krb5/ap_exchange.h"

#include "asn1/reader.h"
#include "asn1/writer.h"
#include "base/cursor.h"

namespace pocketgss::mechs::krb5 {

Result<WireTime> authenticator_time(UnixMicros time, RandomSource& random) {
  FixedBytes<4> octets;
  PGSS_CHECK(random.fill(octets));
  WireTime out = wire_time(time);
  out.microseconds = static_cast<Microseconds>(load_u32le(octets.data()) % kSecond);
  return out;
}

Result<uint32_t> initial_sequence(RandomSource& random) {
  constexpr uint32_t kBelow = uint32_t{1} << 30;
  FixedBytes<4> octets;
  PGSS_CHECK(random.fill(octets));
  return load_u32le(octets.data()) % kBelow;
}

EncryptionKey wire_key(const Key& key) {
  return {static_cast<int32_t>(key.etype()), key.view()};
}

Result<Key> key_of(const EncryptionKey& key, bool allow_rc4) {
  if (!allow_rc4 && key.keytype == static_cast<int32_t>(Etype::kRc4Hmac)) return kRc4Refused;
  return Key::create(key.keytype, key.keyvalue);
}

// RFC 4537 3: EtypeList ::= SEQUENCE OF Int32
Result<ByteView> encode_etypes(bool with_rc4, EncodedEtypes& memory) {
  asn1::Writer out{MutableBytes(memory)};
  out.nest(asn1::kSequence, [&](asn1::Writer& list) {
    for (const Etype etype : {Etype::kAes256CtsHmacSha1, Etype::kAes128CtsHmacSha1,
                              Etype::kAes256CtsHmacSha384, Etype::kAes128CtsHmacSha256}) {
      list.int32(static_cast<int32_t>(etype));
    }
    if (with_rc4) list.int32(static_cast<int32_t>(Etype::kRc4Hmac));
  });
  PGSS_TRY(const size_t size, std::move(out).written());
  return ByteView(memory.data(), size);
}

std::optional<Etype> better_etype(ByteView etype_list) {
  asn1::Reader outer(etype_list);
  auto list = outer.enter(asn1::kSequence, "EtypeList");
  if (!list.has_value()) return std::nullopt;
  for (size_t i = 0; i < kMaxElements && !list.value().at_end(); ++i) {
    const auto number = list.value().int32("EtypeList");
    if (!number.has_value()) return std::nullopt;
    const auto etype = known_etype(number.value());
    if (etype && *etype != Etype::kRc4Hmac) return etype;
  }
  return std::nullopt;
}

Result<SecretBytes> decrypt_part(Runtime& runtime, const Key& key, KeyUsage usage,
                                 ByteView cipher) {
  const auto size = plaintext_size(key.etype(), cipher.size());
  if (!size) return Error{Errc::kAuthFailed, "EncryptedData.cipher", 0, 0};
  SecretBytes out = SecretBytes::of_size(*size);
  PGSS_CHECK(decrypt(runtime.crypto(), key, usage, cipher, out.mutable_view()));
  return out;
}

Error refusal(int32_t error_code) {
  const char* const where = error_words(error_code);
  switch (error_code) {
    case error_code::kTktExpired:
    case error_code::kTktNyv:
    case error_code::kRepeat:
    case error_code::kSkew:
      return Error{Errc::kExpired, where, 0, error_code};
    case error_code::kBadIntegrity:
    case error_code::kBadmatch:
    case error_code::kModified:
    case error_code::kMutFail:
      return Error{Errc::kAuthFailed, where, 0, error_code};
    default:
      return Error{Errc::kPeerIncompatible, where, 0, error_code};
  }
}

}  // namespace pocketgss::mechs::krb5
