// The NTLM messages of real peers in vectors/transcripts, as they travelled: bare or in SPNEGO.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_RECORDED_NTLM_H_
#define PGSS_TESTS_TOOLS_SUPPORT_RECORDED_NTLM_H_

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <pocketgss/bytes.h>

#include "mechs/ntlm/messages.h"
#include "tests/support/vector_file.h"

namespace pocketgss::testing {

// RecordedNtlm is a token that holds an NTLM message, and what the record says of its exchange.
struct RecordedNtlm {
  Bytes token;
  size_t start = 0;  // of the message in the token
  std::string where;
  std::string response;  // "NTLMv2", "NTLMv1", "NTLMv1-ESS" or "none"
  std::optional<std::string> user, domain;
  std::optional<Bytes> nt_proof_str, mic;

  ByteView message() const { return ByteView(token).from(start); }
  // The low octet of MessageType; the others are 0.
  uint8_t message_type() const { return message()[8]; }
};

// recorded_ntlm leaves out altered.vec, whose tokens are there to be refused.
inline std::vector<RecordedNtlm> recorded_ntlm() {
  std::vector<RecordedNtlm> out;
  for (const auto& entry : std::filesystem::directory_iterator(PGSS_VECTORS_DIR "/transcripts")) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with(".vec") || file == "altered.vec") continue;
    for (VectorBlock block : load_vectors("transcripts/" + file)) {
      if (block.instruction() == "Exchange") {
        RecordedNtlm found;
        found.where = block.where();
        found.response = block.word("Response");
        found.user = block.optional_text("User");
        found.domain = block.optional_text("Domain");
        found.nt_proof_str = block.optional_bytes("NTProofStr");
        found.mic = block.optional_bytes("MIC");
        for (auto& [name, token] : block.sequence({"FromInitiator", "FromAcceptor"})) {
          const auto& signature = mechs::ntlm::kSignature;
          const auto at =
              std::search(token.begin(), token.end(), signature.begin(), signature.end());
          if (at == token.end()) continue;
          found.start = static_cast<size_t>(at - token.begin());
          found.token = token;
          out.push_back(found);
        }
      }
      block.ignore_unread();
    }
  }
  return out;
}

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_RECORDED_NTLM_H_
