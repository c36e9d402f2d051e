// Mutation of one field of an NTLM message.
#include "fuzz/mutate_ntlm.h"

#include <algorithm>
#include <random>
#include <vector>

#include "mechs/ntlm/messages.h"

namespace pocketgss::fuzz {
namespace {

using namespace mechs::ntlm;  // NOLINT(google-build-using-namespace): this file is about nothing
                              // else

struct Dice {
  explicit Dice(unsigned seed) : engine(seed) {}
  size_t below(size_t n) { return engine() % n; }
  std::minstd_rand engine;
};

// changed returns a mutated copy of a field.
Bytes changed(ByteView field, size_t room, MutateBytes mutate) {
  Bytes out = field.to_bytes();
  const size_t size = out.size();
  out.resize(std::max<size_t>(size + room, 1));
  out.resize(mutate(out.data(), size, out.size()));
  return out;
}

// changed_list mutates one value of a list of AV pairs, its id, or the number of pairs.
Bytes changed_list(const AvPairs& pairs, Dice& dice, size_t room, MutateBytes mutate) {
  Bytes out;
  const size_t chosen = dice.below(pairs.count() + 1);
  const size_t how = dice.below(4);
  size_t index = 0;
  for (AvPair pair; pairs.next(pair);) {
    const bool here = index++ == chosen;
    if (here && how == 0) continue;
    if (here && how == 1) append_av_pair(out, pair.id, pair.value);
    const AvId id = here && how == 2 ? static_cast<AvId>(dice.below(12)) : pair.id;
    append_av_pair(out, id,
                   here && how == 3 ? changed(pair.value, room, mutate) : pair.value.to_bytes());
  }
  append_av_eol(out);
  append(out, chosen == pairs.count() ? ByteView(changed(pairs.after_eol(), room, mutate))
                                      : pairs.after_eol());
  return out;
}

Result<Bytes> change(NegotiateMessage message, Dice& dice, size_t room, MutateBytes mutate) {
  Bytes field;
  switch (dice.below(4)) {
    case 0:
      message.flags ^= 1u << dice.below(32);
      break;
    case 1:
      message.domain_name = field = changed(message.domain_name, room, mutate);
      break;
    case 2:
      message.workstation = field = changed(message.workstation, room, mutate);
      break;
    default:
      message.version = message.version ? std::nullopt : std::optional(kOurVersion);
      break;
  }
  return encode(message);
}

Result<Bytes> change(ChallengeMessage message, Dice& dice, size_t room, MutateBytes mutate) {
  Bytes field;
  switch (dice.below(5)) {
    case 0:
      message.flags ^= 1u << dice.below(32);
      break;
    case 1:
      message.target_name = field = changed(message.target_name, room, mutate);
      break;
    case 2:
      message.target_info = field = changed(message.target_info, room, mutate);
      break;
    case 3:
      message.version = message.version ? std::nullopt : std::optional(kOurVersion);
      break;
    default:
      if (!message.target_info.empty())
        message.target_info = field = changed_list(message.av_pairs, dice, room, mutate);
      break;
  }
  return encode(message);
}

Result<Bytes> change(AuthenticateMessage message, Dice& dice, size_t room, MutateBytes mutate) {
  ByteView* const fields[] = {&message.lm_response, &message.nt_response,
                              &message.domain_name, &message.user_name,
                              &message.workstation, &message.encrypted_random_session_key};
  Bytes field;
  const size_t choice = dice.below(9);
  if (choice < 6) {
    *fields[choice] = field = changed(*fields[choice], room, mutate);
  } else if (choice == 6) {
    message.flags ^= 1u << dice.below(32);
  } else if (const auto response = parse_ntlm_v2_response(message.nt_response, 0);
             response.has_value()) {
    const ByteView head =
        message.nt_response.prefix(NtlmV2Response::kProofSize + NtlmV2Response::kAvPairsAt);
    field = head.to_bytes();
    append(field, changed_list(response.value().av_pairs, dice, room, mutate));
    message.nt_response = field;
  }
  return encode(message);
}

Result<Bytes> change_message(ByteView in, Dice& dice, size_t room, MutateBytes mutate) {
  PGSS_TRY(const MessageType type, parse_message_type(in));
  switch (type) {
    case MessageType::kNegotiate: {
      PGSS_TRY(const NegotiateMessage message, parse_negotiate(in));
      return change(message, dice, room, mutate);
    }
    case MessageType::kChallenge: {
      PGSS_TRY(const ChallengeMessage message, parse_challenge(in));
      return change(message, dice, room, mutate);
    }
    case MessageType::kAuthenticate:
      break;
  }
  PGSS_TRY(const AuthenticateMessage message, parse_authenticate(in));
  return change(message, dice, room, mutate);
}

}  // namespace

size_t mutate_ntlm(uint8_t* data, size_t size, size_t max_size, unsigned seed, MutateBytes mutate) {
  Dice dice(seed);
  if (dice.below(10) == 0) return mutate(data, size, max_size);
  const Bytes in(data, data + size);
  const Result<Bytes> out = change_message(in, dice, 64, mutate);
  if (!out.has_value() || out.value().size() > max_size) return mutate(data, size, max_size);
  std::copy(out.value().begin(), out.value().end(), data);
  return out.value().size();
}

}  // namespace pocketgss::fuzz
