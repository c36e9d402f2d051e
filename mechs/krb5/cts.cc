// Ciphertext stealing. Decryption goes through the cipher in bulk, several blocks at a time.
#include "mechs/krb5/cts.h"

#include <cstring>

#include <pocketgss/secret.h>

namespace pocketgss::mechs::krb5 {
namespace {

constexpr size_t kBlock = crypto::kAesBlockSize;
constexpr size_t kBulk = 16 * kBlock;

// xor_block: out = a ^ b; any of them may be the same memory.
void xor_block(uint8_t* out, const uint8_t* a, const uint8_t* b) {
  uint64_t left[2], right[2];
  std::memcpy(left, a, kBlock);
  std::memcpy(right, b, kBlock);
  left[0] ^= right[0];
  left[1] ^= right[1];
  std::memcpy(out, left, kBlock);
}

// tail_of is the size of the last block: 1 to 16 bytes.
size_t tail_of(size_t size) {
  return (size - 1) % kBlock + 1;
}

}  // namespace

void cts_encrypt(crypto::Workspace& crypto, ByteView key, MutableBytes data) noexcept {
  FixedBytes<kBlock> chain{};
  if (data.size() == kBlock) return crypto.aes_cbc_encrypt(key, chain, data);

  const size_t tail_size = tail_of(data.size());
  const MutableBytes tail = data.last(tail_size);
  const MutableBytes whole = data.first(data.size() - tail_size);
  crypto.aes_cbc_encrypt(key, chain, whole);
  FixedBytes<kBlock> last{};
  std::copy(tail.begin(), tail.end(), last.begin());
  std::copy_n(chain.begin(), tail_size, tail.begin());
  crypto.aes_cbc_encrypt(key, chain, last);
  std::copy(last.begin(), last.end(), whole.end() - kBlock);
}

// With C[m] the last block of CBC, not shortened, and C[m-1] the one before: the ciphertext is C[1]
// to C[m-2], C[m], and the front of C[m-1]. What is missing of C[m-1] is in D(C[m]), where the
// plaintext was padded with zeros.
void cts_decrypt(crypto::Workspace& crypto, ByteView key, ByteView in, Confounder confounder,
                 MutableBytes out) noexcept {
  SecretArray<kBulk> bulk;
  uint8_t* const decrypted = bulk.mutable_view().data();
  if (in.size() == kBlock) {
    crypto.aes_decrypt_blocks(key, in, MutableBytes(confounder));
    return;
  }

  const ByteView tail = in.from(in.size() - tail_of(in.size()));
  const size_t last_whole = in.size() - tail.size() - kBlock;  // where C[m] begins
  size_t count = 0;
  // In place, each block of plaintext comes where the block of ciphertext was that is added to it.
  for (size_t at = 0; at <= last_whole; at += count) {
    count = std::min(kBulk, last_whole + kBlock - at);
    crypto.aes_decrypt_blocks(key, in.sub(at, count), MutableBytes(decrypted, count));
    for (size_t i = 0; i < count && at + i < last_whole; i += kBlock) {
      if (at + i == 0) {
        std::memcpy(confounder.data(), decrypted, kBlock);
      } else {
        const size_t before = at + i - kBlock;
        xor_block(out.data() + before, decrypted + i, in.data() + before);
      }
    }
  }

  uint8_t* const last = decrypted + count - kBlock;  // D(C[m])
  FixedBytes<kBlock> stolen;                         // C[m-1]
  std::memcpy(stolen.data(), last, kBlock);
  std::copy(tail.begin(), tail.end(), stolen.begin());
  for (size_t i = 0; i < tail.size(); ++i) out[last_whole + i] = last[i] ^ tail[i];
  crypto.aes_decrypt_blocks(key, stolen, MutableBytes(decrypted, kBlock));
  if (last_whole == 0) {
    std::memcpy(confounder.data(), decrypted, kBlock);
  } else {
    const size_t before = last_whole - kBlock;
    xor_block(out.data() + before, decrypted, in.data() + before);
  }
}

}  // namespace pocketgss::mechs::krb5
