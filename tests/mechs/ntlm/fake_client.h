// FakeClient: an NTLM client that does what it is told, so that a test can be any of the clients
// that there are, or one that cheats. It knows the password; only what a test changes is wrong.
#ifndef PGSS_TESTS_MECHS_NTLM_FAKE_CLIENT_H_
#define PGSS_TESTS_MECHS_NTLM_FAKE_CLIENT_H_

#include <functional>
#include <string>

#include "base/cursor.h"
#include "mechs/ntlm/messages.h"
#include "tests/mechs/ntlm/exchange.h"

namespace pocketgss::mechs::ntlm::testing {

struct FakeClient {
  std::string user = "alice", domain = "EXAMPLE";
  std::string key_domain = "EXAMPLE";  // what NTOWFv2 is made with
  std::string password = "Password1";
  std::optional<NegotiateFlags> flags;  // of the AUTHENTICATE; none: those of the CHALLENGE
  bool oem = false;                     // names in OEM characters
  bool claim_mic = true;                // MsvAvFlags has 0x2
  bool has_mic_field = true;  // the fixed part has room for a MIC, and the right one is there
  bool own_clock = false;     // the time of the response is not that of the CHALLENGE
  size_t zeros_after_eol = 4;
  Bytes lm_response = Bytes(24);
  std::optional<Bytes> encrypted_session_key;  // none: the right one
  // change_pairs may alter the list of AV pairs before it is proved; it holds no MsvAvEOL.
  std::function<void(Bytes&)> change_pairs = [](Bytes&) {};

  // pairs_for returns the server's pairs and MsvAvFlags.
  Bytes pairs_for(const ChallengeMessage& challenge) const {
    Bytes pairs;
    append(pairs, challenge.av_pairs.pairs());
    if (claim_mic) append_av_pair(pairs, AvId::kFlags, ByteView(FixedBytes<4>{kAvMicPresent}));
    change_pairs(pairs);
    return pairs;
  }

  Bytes temp_for(const ChallengeMessage& challenge) const {
    Bytes temp;
    ByteWriter writer(temp);
    writer.u16le(0x0101);
    writer.zeros(6);
    const auto time = challenge.av_pairs.timestamp();
    writer.u64le(own_clock || !time ? 0x1234567812345678 : *time);
    writer.bytes(ByteView(Bytes(8, 0xcc)));
    writer.zeros(4);
    writer.bytes(pairs_for(challenge));
    append_av_eol(temp);
    writer.zeros(zeros_after_eol);
    return temp;
  }

  // answer writes the AUTHENTICATE for a CHALLENGE.
  Bytes answer(Runtime& runtime, ByteView negotiate, ByteView challenge_bytes) const {
    crypto::Workspace& crypto = runtime.crypto();
    const ChallengeMessage challenge = parse_challenge(challenge_bytes).value();
    Bytes upper_user = utf16(user);
    simple_upcase_utf16le(upper_user);
    const ResponseKey key =
        ntowf_v2(crypto, hash_of(runtime, password).view(), upper_user, utf16(key_domain));
    const Bytes temp = temp_for(challenge);
    const NtProofStr proof = nt_proof_str(crypto, key, challenge.server_challenge, temp);
    const SessionBaseKey base = session_base_key(crypto, key, proof);
    Bytes response(proof.begin(), proof.end());
    append(response, temp);

    AuthenticateMessage message;
    message.flags = flags.value_or(challenge.flags);
    const Bytes wide_user = utf16(user), wide_domain = utf16(domain);
    message.user_name = oem ? as_bytes(user) : ByteView(wide_user);
    message.domain_name = oem ? as_bytes(domain) : ByteView(wide_domain);
    message.lm_response = lm_response;
    message.nt_response = response;
    ExportedSessionKey exported{base.view()};
    FixedBytes<16> encrypted;
    if (has_flag(message.flags, flag::kKeyExchange) && protects(message.flags)) {
      std::fill_n(exported.mutable_view().begin(), 16, uint8_t{0x77});
      exchange_key(crypto, base, exported.view(), encrypted);
      message.encrypted_random_session_key = ByteView(encrypted);
    }
    if (encrypted_session_key) message.encrypted_random_session_key = *encrypted_session_key;
    const Mic zero{};
    if (has_mic_field) message.mic = ByteView(zero);
    Bytes out = encode(message).value();
    if (has_mic_field) {
      const Mic code = mic(crypto, exported, negotiate, challenge_bytes, out);
      std::copy(code.begin(), code.end(), out.begin() + AuthenticateMessage::kMicAt);
    }
    return out;
  }
};

// FakeExchange is an Exchange whose initiator is a FakeClient with a NEGOTIATE of the test's
// choice.
struct FakeExchange : Exchange {
  // What .NET, Windows and WinPR ask for, less what no one needs.
  NegotiateFlags asked = 0x62888235;
  FakeClient fake;

  Result<void> until_challenge() {
    start();
    NegotiateMessage message;
    message.flags = asked;
    message.version = kOurVersion;
    negotiate = encode(message).value();
    return make_challenge();
  }
  Result<void> run() {
    PGSS_CHECK(until_challenge());
    authenticate = fake.answer(runtime, negotiate, challenge);
    return verdict();
  }
};

}  // namespace pocketgss::mechs::ntlm::testing

#endif  // PGSS_TESTS_MECHS_NTLM_FAKE_CLIENT_H_
