// A recorded login of foreign programs, recomputed from its password.
#include "tools/demo/recording.h"

#include <algorithm>
#include <utility>

#include "base/utf16.h"
#include "mechs/ntlm/crypto.h"
#include "mechs/ntlm/messages.h"
#include "mechs/ntlm/sealing.h"
#include "mechs/spnego/token.h"
#include "tools/decode/hex.h"

namespace pocketgss::tools {
namespace {

using namespace mechs::ntlm;
using mechs::Direction;
using mechs::spnego::NegTokenInit;
using mechs::spnego::NegTokenResp;

// --- the file ---

std::string unquoted(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  return std::string(value);
}

// take_line puts one `Name = value` into the recording; false: a value is not what it must be.
bool take_line(std::string_view name, std::string_view value, Recording& out) {
  const std::pair<std::string_view, std::string*> texts[] = {{"Initiator", &out.initiator},
                                                             {"Acceptor", &out.acceptor},
                                                             {"User", &out.user},
                                                             {"Domain", &out.domain},
                                                             {"Password", &out.password}};
  for (const auto& [text_name, text] : texts) {
    if (name == text_name) {
      *text = unquoted(value);
      return true;
    }
  }
  auto octets = from_hex(value);
  if (!octets) return false;
  if (name == "InitiatorToken") out.initiator_tokens.push_back(std::move(*octets));
  if (name == "AcceptorToken") out.acceptor_tokens.push_back(std::move(*octets));
  if (name == "AcceptorWrap") out.acceptor_wrap = std::move(octets);
  return true;
}

// --- the exchange ---

struct Tokens {
  NegTokenInit init;
  NegTokenResp challenge_resp, authenticate_resp, last_resp;
  ByteView negotiate;
  ChallengeMessage challenge;
  AuthenticateMessage authenticate;
  NtlmV2Response response;
};

// octets_of is an optional field of a token, empty where it is not there: the next parser then
// refuses it.
ByteView octets_of(const std::optional<ByteView>& field) {
  return field.value_or(ByteView());
}

Result<Tokens> parse(const Recording& recording) {
  Tokens t;
  PGSS_TRY(t.init, mechs::spnego::parse_neg_token_init(recording.initiator_tokens[0]));
  PGSS_TRY(t.challenge_resp, mechs::spnego::parse_neg_token_resp(recording.acceptor_tokens[0]));
  PGSS_TRY(t.authenticate_resp, mechs::spnego::parse_neg_token_resp(recording.initiator_tokens[1]));
  PGSS_TRY(t.last_resp, mechs::spnego::parse_neg_token_resp(recording.acceptor_tokens[1]));
  t.negotiate = octets_of(t.init.mech_token);
  PGSS_TRY(t.challenge, parse_challenge(octets_of(t.challenge_resp.response_token)));
  PGSS_TRY(t.authenticate, parse_authenticate(octets_of(t.authenticate_resp.response_token)));
  PGSS_TRY(t.response, parse_ntlm_v2_response(t.authenticate.nt_response,
                                              t.authenticate.nt_response_fields.offset));
  return t;
}

Result<ResponseKey> response_key(crypto::Workspace& crypto, const Recording& recording) {
  PGSS_TRY(const SecretBytes password,
           password_to_utf16le(as_bytes(recording.password), "password"));
  Bytes user, domain;
  PGSS_CHECK(utf8_to_utf16le(recording.user, "user", user));
  PGSS_CHECK(utf8_to_utf16le(recording.domain, "domain", domain));
  simple_upcase_utf16le(user);
  return ntowf_v2(crypto, ntowf_v1(crypto, password.view()).view(), user, domain);
}

Result<ExportedSessionKey> exported_key(crypto::Workspace& crypto, const Tokens& t,
                                        const ResponseKey& key) {
  if (t.authenticate.encrypted_random_session_key.size() != crypto::kMd5Size) {
    return Error{Errc::kMalformed, "AUTHENTICATE_MESSAGE.EncryptedRandomSessionKey", 0, 0};
  }
  const SessionBaseKey base_key =
      session_base_key(crypto, key, t.response.nt_proof_str.first<crypto::kMd5Size>());
  ExportedSessionKey exported;
  exchange_key(crypto, base_key,
               t.authenticate.encrypted_random_session_key.first<crypto::kMd5Size>(),
               exported.mutable_view());
  return exported;
}

Check check(const char* what, ByteView computed, ByteView recorded) {
  return Check{what, computed == recorded, to_hex(recorded)};
}

// mech_list_mic_check verifies a mechListMIC as the side that receives it does.
Check mech_list_mic_check(const char* what, MessageSecurity& receiver, ByteView mech_types,
                          ByteView mic) {
  const bool right = receiver.verify_mic(mech_types, mic).has_value();
  receiver.mech_list_mic_done(Direction::kReceived);
  return Check{what, right, to_hex(mic)};
}

Check wrap_check(MessageSecurity& initiator, ByteView wrapped) {
  Bytes message(wrapped.size());
  const auto unwrapped = initiator.unwrap(wrapped, message);
  if (unwrapped.has_value()) message.resize(unwrapped.value().size);
  return Check{"the acceptor's wrapped message", unwrapped.has_value(),
               unwrapped.has_value() ? to_hex(message) : ""};
}

}  // namespace

std::optional<Recording> parse_recording(std::string_view text) {
  Recording out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t equals = line.find(" = ");
    if (line.empty() || line[0] == '#' || line[0] == '[' || equals == line.npos) continue;
    if (!take_line(line.substr(0, equals), line.substr(equals + 3), out)) return std::nullopt;
  }
  if (out.initiator_tokens.size() != 2 || out.acceptor_tokens.size() != 2 || out.password.empty())
    return std::nullopt;
  return out;
}

Result<std::vector<Check>> verify_recording(Runtime& runtime, const Recording& recording) {
  crypto::Workspace& crypto = runtime.crypto();
  PGSS_TRY(const Tokens t, parse(recording));
  PGSS_TRY(const ResponseKey key, response_key(crypto, recording));
  std::vector<Check> checks;
  checks.push_back(check("NTProofStr",
                         nt_proof_str(crypto, key, t.challenge.server_challenge, t.response.temp),
                         t.response.nt_proof_str));
  PGSS_TRY(const ExportedSessionKey exported, exported_key(crypto, t, key));
  checks.push_back(
      check("MIC of the AUTHENTICATE_MESSAGE",
            mic(crypto, exported, t.negotiate, octets_of(t.challenge_resp.response_token),
                octets_of(t.authenticate_resp.response_token)),
            t.authenticate.mic));
  MessageSecurity acceptor(crypto, t.authenticate.flags, exported, Sender::kAcceptor);
  MessageSecurity initiator(crypto, t.authenticate.flags, exported, Sender::kInitiator);
  const ByteView mech_types = t.init.mech_types.der();
  checks.push_back(mech_list_mic_check("the initiator's mechListMIC", acceptor, mech_types,
                                       octets_of(t.authenticate_resp.mech_list_mic)));
  checks.push_back(mech_list_mic_check("the acceptor's mechListMIC", initiator, mech_types,
                                       octets_of(t.last_resp.mech_list_mic)));
  if (recording.acceptor_wrap) checks.push_back(wrap_check(initiator, *recording.acceptor_wrap));
  return checks;
}

}  // namespace pocketgss::tools
