// The key trials of the acceptor.
#include "mechs/ntlm/proof.h"

#include <cstring>
#include <iterator>
#include <span>

#include "base/any_of.h"

namespace pocketgss::mechs::ntlm {
namespace {

constexpr size_t kNtHashSize = 16;
// MD4 of nothing: NTOWFv1 of the empty password.
constexpr FixedBytes<kNtHashSize> kEmptyPasswordHash = {
    0x31, 0xd6, 0xcf, 0xe0, 0xd1, 0x6a, 0xe9, 0x31, 0xb7, 0x3c, 0x59, 0xd7, 0xe0, 0xc0, 0x89, 0xc0};
// Stands in where there is no account. That everyone may know it does no harm: it is never
// believed.
constexpr FixedBytes<kNtHashSize> kDummyHash = {0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
                                                0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a};

// take_if copies `from` over `to` where `condition` holds, without a branch on it. By words, and by
// itself: of single octets, or within a loop, g++ puts the key together on its stack, where it stays.
[[gnu::noinline]] void take_if(bool condition, FixedView<16> from, std::span<uint8_t, 16> to) {
  const uint64_t mask = 0 - static_cast<uint64_t>(condition);
  for (size_t at = 0; at < to.size(); at += sizeof mask) {
    uint64_t theirs, ours;
    std::memcpy(&theirs, from.data() + at, sizeof theirs);
    std::memcpy(&ours, to.data() + at, sizeof ours);
    ours = (ours & ~mask) | (theirs & mask);
    std::memcpy(to.data() + at, &ours, sizeof ours);
  }
}

}  // namespace

Proof check_proof(crypto::Workspace& crypto, const std::optional<Account>& account,
                  const ProofQuestion& question) noexcept {
  const bool known = account && account->key.size() == kNtHashSize;
  const ByteView hash = known ? account->key.view() : ByteView(kDummyHash);
  const bool has_password = !ct_equal(hash, ByteView(kEmptyPasswordHash));

  const Utf16Name upper_user = question.user.upcased();
  const Utf16Name upper_domain = question.domain.upcased();
  const ByteView domains[] = {question.domain.view(), upper_domain.view(), {}};

  Proof result;
  for (size_t i = 0; i < std::size(domains); ++i) {
    if (contains(std::span(domains).first(i), domains[i])) continue;  // tried already
    const ResponseKey key =
        ntowf_v2(crypto, hash.first<kNtHashSize>(), upper_user.view(), domains[i]);
    const NtProofStr proof =
        nt_proof_str(crypto, key, question.server_challenge, question.response.temp);
    const bool equal = ct_equal(proof, question.response.nt_proof_str);
    take_if(equal, key.view(), result.key.mutable_view());
    result.right = result.right | equal;
  }
  result.right = result.right & known & has_password;
  return result;
}

}  // namespace pocketgss::mechs::ntlm
