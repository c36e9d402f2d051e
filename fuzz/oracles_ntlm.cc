// Round trips of the NTLM messages.
#include "fuzz/oracles_ntlm.h"

#include "fuzz/check.h"
#include "mechs/ntlm/messages.h"

namespace pocketgss::fuzz {
namespace {

using namespace mechs::ntlm;  // NOLINT(google-build-using-namespace): this file is about nothing
                              // else

void check_inside(ByteView part, ByteView whole) {
  if (part.empty()) return;
  PGSS_FUZZ_CHECK(part.data() >= whole.data());
  PGSS_FUZZ_CHECK(part.data() + part.size() <= whole.data() + whole.size());
}

void check_error(const Error& error, ByteView in) {
  PGSS_FUZZ_CHECK(error.code == Errc::kMalformed);
  PGSS_FUZZ_CHECK(*error.where != '\0');
  PGSS_FUZZ_CHECK(error.offset <= in.size());
}

bool same(const AvPairs& a, const AvPairs& b) {
  return a.pairs() == b.pairs() && a.after_eol() == b.after_eol() && a.count() == b.count();
}

bool same(const NegotiateMessage& a, const NegotiateMessage& b) {
  return a.flags == b.flags && a.domain_name == b.domain_name && a.workstation == b.workstation &&
         a.version == b.version;
}

bool same(const ChallengeMessage& a, const ChallengeMessage& b) {
  return a.flags == b.flags && a.server_challenge == b.server_challenge &&
         a.target_name == b.target_name && a.target_info == b.target_info &&
         a.version == b.version && same(a.av_pairs, b.av_pairs);
}

bool same(const AuthenticateMessage& a, const AuthenticateMessage& b) {
  return a.flags == b.flags && a.lm_response == b.lm_response && a.nt_response == b.nt_response &&
         a.domain_name == b.domain_name && a.user_name == b.user_name &&
         a.workstation == b.workstation &&
         a.encrypted_random_session_key == b.encrypted_random_session_key &&
         a.version == b.version && a.mic == b.mic;
}

// Where fields overlap, what is written from them is longer than what they were read from, and may
// be too long to be read.
template <typename Message, typename Parse>
void check_round_trip(const Message& message, Parse parse) {
  const Result<Bytes> written = encode(message);
  PGSS_FUZZ_CHECK(written.has_value());
  if (written.value().size() > kMaxMessageSize) return;
  const auto again = parse(ByteView(written.value()));
  PGSS_FUZZ_CHECK(again.has_value());
  PGSS_FUZZ_CHECK(same(message, again.value()));
}

void check_response(ByteView response, ByteView whole) {
  const auto parsed = parse_ntlm_v2_response(response, 0);
  if (!parsed.has_value()) return check_error(parsed.error(), response);
  check_inside(parsed.value().nt_proof_str, whole);
  check_inside(parsed.value().temp, whole);
  check_inside(parsed.value().challenge_from_client, whole);
  for (AvPair pair; parsed.value().av_pairs.next(pair);) check_inside(pair.value, whole);
  check_inside(parsed.value().av_pairs.after_eol(), whole);
}

}  // namespace

void check_ntlm_negotiate(ByteView in) {
  const auto parsed = parse_negotiate(in);
  if (!parsed.has_value()) return check_error(parsed.error(), in);
  check_inside(parsed.value().domain_name, in);
  check_inside(parsed.value().workstation, in);
  check_round_trip(parsed.value(), parse_negotiate);
}

void check_ntlm_challenge(ByteView in) {
  const auto parsed = parse_challenge(in);
  if (!parsed.has_value()) return check_error(parsed.error(), in);
  check_inside(parsed.value().target_name, in);
  check_inside(parsed.value().target_info, in);
  if (!parsed.value().target_info.empty()) check_ntlm_av_pairs(parsed.value().target_info);
  check_round_trip(parsed.value(), parse_challenge);
}

void check_ntlm_authenticate(ByteView in) {
  const auto parsed = parse_authenticate(in);
  if (!parsed.has_value()) return check_error(parsed.error(), in);
  const AuthenticateMessage& message = parsed.value();
  for (const ByteView part :
       {message.lm_response, message.nt_response, message.domain_name, message.user_name,
        message.workstation, message.encrypted_random_session_key}) {
    check_inside(part, in);
  }
  check_inside(message.mic, in);
  PGSS_FUZZ_CHECK(*name(response_kind(message)) != '\0');
  check_response(message.nt_response, in);
  check_round_trip(message, parse_authenticate);
}

void check_ntlm_av_pairs(ByteView in) {
  const auto parsed = parse_av_pairs(in, 0);
  if (!parsed.has_value()) return check_error(parsed.error(), in);
  const AvPairs& pairs = parsed.value();
  Bytes written;
  size_t count = 0;
  for (AvPair pair; pairs.next(pair);) {
    PGSS_FUZZ_CHECK(pair.offset == written.size());
    PGSS_FUZZ_CHECK(pairs.has(pair.id));
    append_av_pair(written, pair.id, pair.value);
    ++count;
  }
  PGSS_FUZZ_CHECK(count == pairs.count() && count <= kMaxAvPairs);
  PGSS_FUZZ_CHECK(ByteView(written) == pairs.pairs());
  append_av_eol(written);
  append(written, pairs.after_eol());
  PGSS_FUZZ_CHECK(ByteView(written) == in);
}

}  // namespace pocketgss::fuzz
