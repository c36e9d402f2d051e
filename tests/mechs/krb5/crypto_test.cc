// What the cryptography refuses, and what it leaves behind: for each encryption type that is built.
#include "mechs/krb5/crypto.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <sstream>
#include <type_traits>

#include "mechs/krb5/profile.h"
#include "tests/support/allocations.h"
#include "tests/support/fixed_random.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::AllocationWatch;
using pocketgss::testing::CountingRandom;
using pocketgss::testing::FailingAllocations;
using pocketgss::testing::FixedRandom;
using pocketgss::testing::hex;
using pocketgss::testing::VectorBlock;

constexpr auto kUsage = KeyUsage::kApReqAuthenticator;

Bytes message_of(size_t size) {
  Bytes message(size);
  for (size_t i = 0; i < size; ++i) message[i] = static_cast<uint8_t>(i * 31 + 7);
  return message;
}

std::vector<int32_t> built_etypes() {
  std::vector<int32_t> out;
  for (int32_t number = -200; number < 200; ++number) {
    if (known_etype(number)) out.push_back(number);
  }
  return out;
}

TEST(Krb5Etypes, P10_KRA_5_OnlyTheNewOnesAreBuilt) {
  const std::vector<int32_t> without = {17, 18, 19, 20}, with = {17, 18, 19, 20, 23};
  EXPECT_EQ(built_etypes(), known_etype(23) ? with : without);
  for (const int32_t number : {INT32_MIN, INT32_MAX, 0x10000 + 18}) {
    EXPECT_FALSE(known_etype(number)) << number;
  }
}

TEST(Krb5Etypes, P10_KRA_5_KeysOfOthersAreRefused) {
  size_t keys = 0;
  for (VectorBlock& block : pocketgss::testing::load_vectors("krb5/etypes_not_built.vec")) {
    const auto etype = static_cast<int32_t>(block.number("Etype"));
    for (const char* name : {"Key", "Key1", "Key2", "Derived"}) {
      const auto key = block.optional_bytes(name);
      if (!key) continue;
      const auto made = Key::create(etype, *key);
      ASSERT_FALSE(made.has_value()) << block.where();
      EXPECT_EQ(made.error(), (Error{Errc::kPeerIncompatible, "EncryptionKey.keytype", 0, 0}));
      ++keys;
    }
  }
  EXPECT_EQ(keys, 80U);
}

TEST(Krb5Etypes, SizesAreThoseOfTheSpecifications) {
  struct Row {
    int32_t etype;
    size_t key, checksum, prf, overhead;
    int32_t cksumtype;
    uint32_t iterations;
  };
  constexpr Row kRows[] = {{17, 16, 12, 16, 28, 15, 4096},
                           {18, 32, 12, 16, 28, 16, 4096},
                           {19, 16, 16, 32, 32, 19, 32768},
                           {20, 32, 24, 48, 40, 20, 32768},
                           {23, 16, 16, 20, 24, -138, 0}};
  for (const Row& row : kRows) {
    const auto etype = known_etype(row.etype);
    if (!etype) continue;
    EXPECT_EQ(key_size(*etype), row.key);
    EXPECT_EQ(checksum_size(*etype), row.checksum);
    EXPECT_EQ(prf_size(*etype), row.prf);
    EXPECT_EQ(ciphertext_size(*etype, 100), 100 + row.overhead);
    EXPECT_EQ(plaintext_size(*etype, row.overhead), 0u);
    EXPECT_EQ(plaintext_size(*etype, row.overhead - 1), std::nullopt);
    EXPECT_EQ(static_cast<int32_t>(checksum_type(*etype)), row.cksumtype);
    EXPECT_EQ(default_iterations(*etype), row.iterations);
  }
}

class Krb5Crypto : public ::testing::TestWithParam<int32_t> {
 protected:
  Key key_of(uint8_t fill) const {
    return Key::create(GetParam(), Bytes(key_size(etype_), fill)).value();
  }
  Bytes encrypted(const Key& key, KeyUsage usage, ByteView plaintext) {
    Bytes out(ciphertext_size(etype_, plaintext.size()));
    EXPECT_TRUE(encrypt(*crypto_, random_, key, usage, {plaintext}, out).has_value());
    return out;
  }
  Bytes checksum_of(const Key& key, KeyUsage usage, ByteView message) {
    Bytes out(checksum_size(etype_));
    EXPECT_TRUE(checksum(*crypto_, key, usage, {message}, out).has_value());
    return out;
  }
  // expect_refused: kAuthFailed, the same for whatever is wrong, and an `out` with nothing in it.
  void expect_refused(const CipherKey& key, ByteView ciphertext, const std::string& what) {
    Bytes out(ciphertext.size(), 0xee);
    const auto result = key.decrypt(ciphertext, out);
    ASSERT_FALSE(result.has_value()) << what;
    EXPECT_EQ(result.error(), (Error{Errc::kAuthFailed, "EncryptedData.cipher", 0, 0})) << what;
    const size_t size = plaintext_size(etype_, ciphertext.size()).value_or(0);
    EXPECT_TRUE(std::all_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size),
                            [](uint8_t byte) { return byte == 0; }))
        << what;
    EXPECT_TRUE(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(size), out.end(),
                            [](uint8_t byte) { return byte == 0xee; }))
        << what;
  }

  std::unique_ptr<crypto::Workspace> crypto_ = crypto::Workspace::create().value();
  CountingRandom random_;
  Etype etype_ = known_etype(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(Etype, Krb5Crypto, ::testing::ValuesIn(built_etypes()),
                         [](const auto& of) { return std::to_string(of.param); });

TEST_P(Krb5Crypto, EverySizeComesBack) {
  const Key key = key_of(0x42);
  const CipherKey cipher(*crypto_, key, kUsage);
  for (size_t size = 0; size < 400; ++size) {
    const Bytes message = message_of(size);
    Bytes sealed = encrypted(key, kUsage, message);
    Bytes out(size);
    ASSERT_EQ(cipher.decrypt(sealed, out).value(), size);
    ASSERT_EQ(hex(out), hex(message));
    // In place, to the front of the ciphertext's own memory.
    ASSERT_EQ(cipher.decrypt(sealed, sealed).value(), size);
    ASSERT_EQ(hex(ByteView(sealed).prefix(size)), hex(message));
  }
}

TEST_P(Krb5Crypto, PartsAreOneMessage) {
  const Key key = key_of(0x42);
  const Bytes message = message_of(100);
  const ByteView whole(message);
  FixedRandom one(Bytes(16, 9)), two(Bytes(16, 9));
  Bytes a(ciphertext_size(etype_, 100)), b(a.size());
  ASSERT_TRUE(encrypt(*crypto_, one, key, kUsage, {whole}, a).has_value());
  ASSERT_TRUE(encrypt(*crypto_, two, key, kUsage,
                      {whole.prefix(1), ByteView(), whole.sub(1, 70), whole.from(71)}, b)
                  .has_value());
  EXPECT_EQ(hex(a), hex(b));
  Bytes code(checksum_size(etype_));
  ASSERT_TRUE(checksum(*crypto_, key, kUsage, {whole.prefix(64), ByteView(), whole.from(64)}, code)
                  .has_value());
  EXPECT_EQ(hex(code), hex(checksum_of(key, kUsage, whole)));
}

TEST_P(Krb5Crypto, APreparedKeyDoesTheSameAsTheCallForOneMessage) {
  const Key key = key_of(0x42);
  const CipherKey cipher(*crypto_, key, kUsage);
  const ChecksumKey checksum_key(*crypto_, key, kUsage);
  EXPECT_EQ(cipher.etype(), etype_);
  EXPECT_EQ(checksum_key.etype(), etype_);
  for (const size_t size : {0u, 1u, 64u, 1000u}) {
    const Bytes message = message_of(size);
    FixedRandom one(Bytes(16, 9)), two(Bytes(16, 9));
    Bytes a(ciphertext_size(etype_, size)), b(a.size());
    ASSERT_TRUE(cipher.encrypt(one, {message}, a).has_value());
    ASSERT_TRUE(encrypt(*crypto_, two, key, kUsage, {message}, b).has_value());
    EXPECT_EQ(hex(a), hex(b));
    Bytes code(checksum_size(etype_));
    ASSERT_TRUE(checksum_key.make({message}, code).has_value());
    EXPECT_EQ(hex(code), hex(checksum_of(key, kUsage, message)));
  }
}

// Two contexts of one thread, in turns, in both directions.
TEST_P(Krb5Crypto, KeysThatTakeTurnsDoNotDisturbEachOther) {
  const Key first = key_of(1), second = key_of(2);
  CipherKey a(*crypto_, first, kUsage), b(*crypto_, second, kUsage);
  CipherKey moved(*crypto_, second, kUsage);
  moved = CipherKey(*crypto_, first, kUsage);
  const Bytes message = message_of(50);
  for (int round = 0; round < 3; ++round) {
    for (CipherKey* const key : {&a, &b, &a, &moved}) {
      Bytes sealed(ciphertext_size(etype_, 50)), out(50);
      ASSERT_TRUE(key->encrypt(random_, {message}, sealed).has_value());
      ASSERT_TRUE(key->decrypt(sealed, out).has_value());
      EXPECT_EQ(hex(out), hex(message));
      const CipherKey passing(*crypto_, round % 2 == 0 ? first : second, KeyUsage::kTicket);
      ASSERT_FALSE(passing.decrypt(sealed, out).has_value());
    }
  }
}

// KRA-2, KRA-3: whatever bit is flipped, whatever is cut off or put on.
TEST_P(Krb5Crypto, KRA_3_EveryBitOfACiphertextCounts) {
  const Key key = key_of(0x42);
  const CipherKey cipher(*crypto_, key, kUsage);
  for (const size_t size : {0u, 1u, 16u, 53u}) {
    Bytes sealed = encrypted(key, kUsage, message_of(size));
    for (size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
      sealed[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
      expect_refused(cipher, sealed, "bit " + std::to_string(bit));
      sealed[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    }
  }
}

TEST_P(Krb5Crypto, KRA_2_EveryOtherLengthIsRefused) {
  const Key key = key_of(0x42);
  const CipherKey cipher(*crypto_, key, kUsage);
  Bytes sealed = encrypted(key, kUsage, message_of(53));
  for (size_t size = 0; size < sealed.size(); ++size) {
    // In memory of just that size, so that a sanitizer sees a read behind it.
    expect_refused(cipher,
                   Bytes(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size)),
                   "size " + std::to_string(size));
    expect_refused(cipher, Bytes(sealed.end() - static_cast<std::ptrdiff_t>(size), sealed.end()),
                   "last " + std::to_string(size));
  }
  for (size_t more = 1; more <= 40; ++more) {
    sealed.push_back(0);
    expect_refused(cipher, sealed, "more " + std::to_string(more));
  }
}

TEST_P(Krb5Crypto, KRA_2_EveryLengthOfZerosIsRefused) {
  const CipherKey cipher(*crypto_, key_of(0x42), kUsage);
  for (size_t size = 0; size <= 200; ++size)
    expect_refused(cipher, Bytes(size), "zeros " + std::to_string(size));
}

TEST_P(Krb5Crypto, NothingIsLeftInPlaceWhereTheCheckIsWrong) {
  const Key key = key_of(0x42);
  const CipherKey cipher(*crypto_, key, kUsage);
  Bytes sealed = encrypted(key, kUsage, message_of(53));
  sealed.back() ^= 1;
  ASSERT_FALSE(cipher.decrypt(sealed, sealed).has_value());
  EXPECT_EQ(hex(ByteView(sealed).prefix(53)), hex(Bytes(53)));
}

TEST_P(Krb5Crypto, AnotherUsageKeyOrEtypeIsRefused) {
  const Key key = key_of(0x42);
  const Bytes message = message_of(40);
  const Bytes sealed = encrypted(key, kUsage, message), code = checksum_of(key, kUsage, message);
  for (uint32_t usage = 0; usage < 70; ++usage) {
    if (static_cast<KeyUsage>(usage) == kUsage) continue;
    const CipherKey cipher(*crypto_, key, static_cast<KeyUsage>(usage));
    expect_refused(cipher, sealed, "usage " + std::to_string(usage));
    const ChecksumKey other(*crypto_, key, static_cast<KeyUsage>(usage));
    EXPECT_EQ(other.verify({message}, code).error().code, Errc::kAuthFailed) << usage;
  }
  Bytes out(sealed.size());
  EXPECT_EQ(decrypt(*crypto_, key_of(0x43), kUsage, sealed, out).error().code, Errc::kAuthFailed);
  for (const int32_t number : built_etypes()) {
    if (number == GetParam()) continue;
    const size_t size = key_size(known_etype(number).value());
    const Key other = Key::create(number, Bytes(size, 0x42)).value();
    EXPECT_EQ(decrypt(*crypto_, other, kUsage, sealed, out).error().code, Errc::kAuthFailed);
    EXPECT_EQ(ChecksumKey(*crypto_, other, kUsage).verify({message}, code).error().code,
              Errc::kAuthFailed);
  }
}

TEST_P(Krb5Crypto, KRA_3_EveryBitOfAChecksumAndOfItsMessageCounts) {
  const ChecksumKey key(*crypto_, key_of(0x42), kUsage);
  Bytes message = message_of(70), code(checksum_size(etype_));
  ASSERT_TRUE(key.make({message}, code).has_value());
  ASSERT_TRUE(key.verify({message}, code).has_value());
  for (Bytes* const changed : {&message, &code}) {
    for (size_t bit = 0; bit < 8 * changed->size(); ++bit) {
      (*changed)[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
      const auto result = key.verify({message}, code);
      ASSERT_FALSE(result.has_value()) << bit;
      EXPECT_EQ(result.error(), (Error{Errc::kAuthFailed, "Checksum.checksum", 0, 0}));
      (*changed)[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    }
  }
}

TEST_P(Krb5Crypto, KRA_2_AChecksumOfAnotherLengthIsRefused) {
  const ChecksumKey key(*crypto_, key_of(0x42), kUsage);
  const Bytes message = message_of(70);
  Bytes code(64);
  const size_t right = key.make({message}, code).value();
  for (size_t size = 0; size <= code.size(); ++size) {
    const auto result = key.verify({message}, ByteView(code).prefix(size));
    EXPECT_EQ(result.has_value(), size == right) << size;
  }
}

TEST_P(Krb5Crypto, OnlyTheChecksumTypeOfTheKeyIsTaken) {
  const Key key = key_of(0x42);
  const Bytes message = message_of(70), code = checksum_of(key, kUsage, message);
  const auto own = static_cast<int32_t>(checksum_type(etype_));
  EXPECT_TRUE(verify_checksum(*crypto_, key, kUsage, own, {message}, code).has_value());
  FixedBytes<16> md5;
  crypto_->md5({message}, md5);
  for (const int32_t type : {0, 1, 2, 7, 12, 14, 15, 16, 19, 20, -137, -138, 0x8003}) {
    if (type == own) continue;
    EXPECT_EQ(verify_checksum(*crypto_, key, kUsage, type, {message}, md5).error().code,
              Errc::kPeerMisbehaved)
        << type;
  }
}

TEST_P(Krb5Crypto, AnOutputOfTheWrongSizeIsTheCallersMistake) {
  const Key key = key_of(0x42);
  const Bytes message = message_of(20), sealed = encrypted(key, kUsage, message);
  for (const size_t size : {sealed.size() - 1, sealed.size() + 1, size_t{0}}) {
    Bytes out(size, 0xee);
    EXPECT_EQ(encrypt(*crypto_, random_, key, kUsage, {message}, out).error().code,
              Errc::kApiMisuse);
    EXPECT_EQ(out, Bytes(size, 0xee));
  }
  Bytes out(19, 0xee);
  EXPECT_EQ(decrypt(*crypto_, key, kUsage, sealed, out).error().code, Errc::kApiMisuse);
  EXPECT_EQ(out, Bytes(19, 0xee));
  out.resize(checksum_size(etype_) - 1);
  EXPECT_EQ(checksum(*crypto_, key, kUsage, {message}, out).error().code, Errc::kApiMisuse);
  out.resize(prf_size(etype_) - 1);
  EXPECT_EQ(prf(*crypto_, key, message, out).error().code, Errc::kApiMisuse);
}

TEST_P(Krb5Crypto, NothingIsEncryptedWithoutRandomBytes) {
  FixedRandom empty;
  const Bytes message = message_of(20);
  Bytes out(ciphertext_size(etype_, 20));
  EXPECT_EQ(encrypt(*crypto_, empty, key_of(1), kUsage, {message}, out).error().code,
            Errc::kInternal);
  EXPECT_EQ(std::search(out.begin(), out.end(), message.begin(), message.end()), out.end());
  EXPECT_EQ(Key::random(etype_, empty).error().code, Errc::kInternal);
}

TEST_P(Krb5Crypto, TheSameMessageIsNeverEncryptedTheSame) {
  const Key key = Key::random(etype_, system_random()).value();
  Bytes a(ciphertext_size(etype_, 5)), b(a.size());
  const CipherKey cipher(*crypto_, key, kUsage);
  ASSERT_TRUE(cipher.encrypt(system_random(), {as_bytes("hello")}, a).has_value());
  ASSERT_TRUE(cipher.encrypt(system_random(), {as_bytes("hello")}, b).has_value());
  EXPECT_NE(a, b);
}

TEST_P(Krb5Crypto, RandomKeysAreFilledAndDiffer) {
  FixedRandom random(Bytes(key_size(etype_), 7));
  EXPECT_EQ(hex(Key::random(etype_, random).value().view()), hex(Bytes(key_size(etype_), 7)));
  EXPECT_EQ(random.left(), 0u);
  EXPECT_FALSE(same_key(Key::random(etype_, system_random()).value(),
                        Key::random(etype_, system_random()).value()));
}

TEST_P(Krb5Crypto, AKeyIsMadeOfBytesOfItsSizeOnly) {
  for (size_t size = 0; size <= 64; ++size) {
    const auto key = Key::create(GetParam(), Bytes(size));
    EXPECT_EQ(key.has_value(), size == key_size(etype_)) << size;
    if (key.has_value()) continue;
    EXPECT_EQ(key.error(), (Error{Errc::kMalformed, "EncryptionKey.keyvalue", 0, 0}));
  }
}

TEST_P(Krb5Crypto, P22_KeysDoNotCopyAndDoNotPrint) {
  static_assert(!std::is_copy_constructible_v<Key> && !std::is_copy_assignable_v<Key>);
  static_assert(!std::is_copy_constructible_v<CipherKey> && !std::is_copy_assignable_v<CipherKey>);
  static_assert(!std::is_copy_constructible_v<ChecksumKey>);
  static_assert(std::is_nothrow_move_constructible_v<Key>);
  static_assert(std::is_nothrow_move_constructible_v<CipherKey>);
  std::ostringstream printed;
  printed << key_of(0x41);
  EXPECT_EQ(printed.str(), "<secret>");
  const Key key = key_of(0x41), copy = key.clone();
  EXPECT_TRUE(same_key(key, copy));
  EXPECT_FALSE(same_key(key, key_of(0x42)));
}

// LeavesNothing<T> makes a T in memory of its own, and looks whether the secrets are in it before
// it goes, and not after.
template <typename T, typename Make>
void expect_wiped(const Make& make, const std::vector<Bytes>& secrets) {
  alignas(T) std::array<uint8_t, sizeof(T)> memory{};
  T* const object = make(memory.data());
  const auto holds = [&memory](const Bytes& secret) {
    return std::search(memory.begin(), memory.end(), secret.begin(), secret.end()) != memory.end();
  };
  EXPECT_TRUE(std::all_of(secrets.begin(), secrets.end(), holds));
  object->~T();
  EXPECT_TRUE(std::none_of(secrets.begin(), secrets.end(), holds));
}

TEST_P(Krb5Crypto, P22_NothingOfAKeyIsLeftWhereItWas) {
  const Key key = key_of(0x41);
  const Profile& profile = key.profile();
  const auto usage = static_cast<uint32_t>(kUsage);
  FixedBytes<kMaxKeySize> ke{}, ki{}, kc{};
  profile.derive_cipher(*crypto_, profile, key.view(), usage, ke, ki);
  profile.derive_checksum(*crypto_, profile, key.view(), usage, kc);
  const auto front = [](const FixedBytes<kMaxKeySize>& derived) {
    return Bytes(derived.begin(), derived.begin() + 16);
  };
  std::vector<Bytes> cipher_secrets = {front(ki)};
  if (ke != FixedBytes<kMaxKeySize>{}) cipher_secrets.push_back(front(ke));

  expect_wiped<Key>([&](void* at) { return new (at) Key(key.clone()); }, {key.view().to_bytes()});
  expect_wiped<CipherKey>([&](void* at) { return new (at) CipherKey(*crypto_, key, kUsage); },
                          cipher_secrets);
  expect_wiped<ChecksumKey>([&](void* at) { return new (at) ChecksumKey(*crypto_, key, kUsage); },
                            {front(kc)});
}

TEST_P(Krb5Crypto, MessagesAreProtectedWithoutAnAllocation) {
  const Key key = key_of(0x42), other = key_of(0x43);
  const Bytes message = message_of(300);
  Bytes sealed(ciphertext_size(etype_, 300)), out(300), code(kMaxChecksumSize), block(kMaxPrfSize);
  const AllocationWatch watch;
  const CipherKey cipher(*crypto_, key, kUsage);
  const ChecksumKey checksum_key(*crypto_, key, kUsage);
  bool done =
      cipher.encrypt(random_, {message}, sealed).has_value() &&
      cipher.decrypt(sealed, out).has_value() &&
      checksum_key
          .verify({message}, ByteView(code).prefix(checksum_key.make({message}, code).value()))
          .has_value() &&
      encrypt(*crypto_, random_, other, kUsage, {message}, sealed).has_value() &&
      decrypt(*crypto_, other, kUsage, sealed, out).has_value() &&
      prf(*crypto_, key, message, block).has_value();
  gss_pseudo_random(*crypto_, key, message, out);
  EXPECT_EQ(watch.count(), 0u);
  EXPECT_TRUE(done);
}

// RFC 7802 2: the counter starts at 0, and blocks follow each other.
TEST_P(Krb5Crypto, GssPseudoRandomIsThePrfOverACounter) {
  const Key key = key_of(0x42);
  const size_t size = prf_size(etype_);
  Bytes expected;
  for (uint8_t n = 0; n < 3; ++n) {
    Bytes block(size);
    ASSERT_TRUE(prf(*crypto_, key, Bytes{0, 0, 0, n, 'x', 'y'}, block).has_value());
    append(expected, block);
  }
  for (const size_t wanted : {size_t{0}, size_t{1}, size, size + 1, 3 * size}) {
    Bytes out(wanted);
    gss_pseudo_random(*crypto_, key, as_bytes("xy"), out);
    EXPECT_EQ(hex(out), hex(ByteView(expected).prefix(wanted)));
  }
}

TEST_P(Krb5Crypto, StringToKeyNeedsIterations) {
  const auto key = string_to_key(*crypto_, etype_, as_bytes("p"), as_bytes("s"), 0);
  if (default_iterations(etype_) == 0) {
    EXPECT_TRUE(key.has_value());
  } else {
    EXPECT_EQ(key.error().code, Errc::kApiMisuse);
  }
}

TEST_P(Krb5Crypto, StringToKeyDependsOnAllThatItTakes) {
  if (default_iterations(etype_) == 0) GTEST_SKIP() << "no salt and no count";
  const auto made = [&](std::string_view password, std::string_view salt, uint32_t iterations) {
    return hex(string_to_key(*crypto_, etype_, as_bytes(password), as_bytes(salt), iterations)
                   .value()
                   .view());
  };
  const std::string first = made("password", "salt", 10);
  EXPECT_EQ(made("password", "salt", 10), first);
  EXPECT_NE(made("passwore", "salt", 10), first);
  EXPECT_NE(made("password", "sals", 10), first);
  EXPECT_NE(made("password", "salt", 11), first);
  EXPECT_NE(made("password", std::string_view("salt\0", 5), 10), first);
  EXPECT_NE(made("", "", 1), first);
}

TEST_P(Krb5Crypto, MEM_3_StringToKeyReportsWhatItCannotAllocate) {
  for (size_t n = 1; n < 200; ++n) {
    const FailingAllocations failing(n);
    Errc code = Errc::kNoMemory;
    try {
      const auto key = string_to_key(*crypto_, etype_, as_bytes("password"), as_bytes("salt"), 1);
      if (!failing.reached()) {
        EXPECT_TRUE(key.has_value());
        return;
      }
      code = key.error().code;
    } catch (const std::bad_alloc&) {  // which the layer above turns into kNoMemory
    }
    EXPECT_EQ(code, Errc::kNoMemory) << n;
  }
  FAIL();
}

TEST(Krb5Rc4, RefusesAPasswordThatIsNotUtf8) {
  const auto etype = known_etype(23);
  if (!etype) GTEST_SKIP() << "not built";
  const auto crypto = crypto::Workspace::create().value();
  EXPECT_EQ(string_to_key(*crypto, *etype, as_bytes("\xff"), {}, 0).error().code, Errc::kMalformed);
}

// RFC 4757 3: usage 3 is 8 in Microsoft's numbers; 9 stays, as Windows has it (quirk D11).
TEST(Krb5Rc4, TranslatesKeyUsages) {
  const auto etype = known_etype(23);
  if (!etype) GTEST_SKIP() << "not built";
  const auto crypto = crypto::Workspace::create().value();
  const Key key = Key::create(23, Bytes(16, 5)).value();
  CountingRandom random;
  const auto readable = [&](uint32_t made, uint32_t read) {
    Bytes sealed(ciphertext_size(*etype, 3)), out(3);
    EXPECT_TRUE(
        encrypt(*crypto, random, key, static_cast<KeyUsage>(made), {as_bytes("abc")}, sealed)
            .has_value());
    return decrypt(*crypto, key, static_cast<KeyUsage>(read), sealed, out).has_value();
  };
  EXPECT_TRUE(readable(3, 8));
  EXPECT_TRUE(readable(23, 13));
  EXPECT_FALSE(readable(9, 8));
  EXPECT_FALSE(readable(22, 13));
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
