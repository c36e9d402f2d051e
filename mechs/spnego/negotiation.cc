// What both sides do alike: each call begins and ends so, NegTokenResps go out, the list is proven.
#include "mechs/spnego/negotiation.h"

#include <cstring>

namespace pocketgss::mechs::spnego {
namespace {

constexpr const char* kMechListMic = "mechListMIC";

// wrong_mic: one error, whatever is wrong with a mechListMIC (policy row P23).
Error wrong_mic() {
  return refused(kMechListMic);
}

}  // namespace

Error misbehaved(const char* where) {
  return Error{Errc::kPeerMisbehaved, where, 0, 0};
}

Error refused(const char* where) {
  return Error{Errc::kAuthFailed, where, 0, 0};
}

bool is_present(const std::optional<ByteView>& token) {
  return token && !token->empty();
}

Result<void> Mic::keep(const std::optional<ByteView>& mic) {
  if (mic && mic->size() > kMaxSize) return wrong_mic();
  present_ = mic.has_value();
  if (!present_) return {};
  size_ = mic->size();
  if (size_ != 0) std::memcpy(bytes_.data(), mic->data(), size_);
  return {};
}

Result<void> Mic::make(MessageProtection& protection, ByteView list) {
  PGSS_TRY(size_, protection.mic(list, bytes_));
  present_ = true;
  return {};
}

Negotiation::~Negotiation() = default;

Result<void> Negotiation::step(ByteView peer_token, Step& next) {
  return ended(take(leave_state(), peer_token, next));
}

Result<void> Negotiation::resume(Answer&& answer, Step& next) {
  return ended(take_answer(leave_state(), std::move(answer), next));
}

State Negotiation::leave_state() {
  return std::exchange(state_, State::kFailed);
}

// ended looks back on a call. What a mechanism that failed has for the peer is still asked for.
Result<void> Negotiation::ended(Result<void> result) {
  if (!result.has_value()) {
    failure_ = result.error();
    protection_.reset();
  }
  return result;
}

Error Negotiation::refuse(State state) const {
  if (state == State::kFailed) return failure_;
  return Error{Errc::kApiMisuse, "a call out of turn", 0, 0};
}

const char* Negotiation::state_name() const {
  static constexpr const char* kNames[] = {
      "Start", "AwaitAnswer", "AwaitInit",      "AwaitToken",  "AwaitMic",
      "Bare",  "AwaitReply",  "AwaitLastReply", "Established", "Failed"};
  return kNames[static_cast<size_t>(state_)];
}

Result<void> Negotiation::step_inner(ByteView token, Step& next) {
  return stepped(inner_->step(token, next), next);
}

Result<void> Negotiation::stepped(Result<void> result, Step& next) {
  proof_sent_ |= inner_->proof_sent();
  if (result.has_value() && next.kind == Step::Kind::kEstablished) {
    protection_ = inner_->take_protection();
    protection_->peer_error = nullptr;  // it is a NegTokenResp that answers
    next.token_replaceable = false;     // ours to say
  }
  return result;
}

Result<void> Negotiation::read(ByteView token, NegTokenResp& resp) {
  PGSS_CHECK(parse_neg_token_resp(token, resp));
  // Windows 2000 and some WebSphere servers repeat the responseToken in mechListMIC (quirk B9).
  if (resp.mech_list_mic == resp.response_token) resp.mech_list_mic.reset();
  return {};
}

Result<void> Negotiation::enclose(std::optional<NegState> state, Inside inside, Bytes& token) {
  const Bytes inner = std::move(token);
  NegTokenResp resp;
  resp.neg_state = state;
  // RFC 4178 4.2.2: only in the first reply.
  if (!supported_mech_.der.empty()) resp.supported_mech = std::exchange(supported_mech_, {});
  if (inside == Inside::kToken) resp.response_token = inner;
  if (own_mic_.present()) resp.mech_list_mic = own_mic_.view();
  own_mic_.clear();
  return encode_to(resp, token);
}

Result<void> Negotiation::send(std::optional<NegState> state, Inside inside, State then,
                               Step& next) {
  PGSS_CHECK(enclose(state, inside, next.token));
  if (then == State::kEstablished) {
    PGSS_CHECK(establish(next));
    next.has_token = true;
    return {};
  }
  next.kind = Step::Kind::kContinue;
  state_ = then;
  return {};
}

Result<void> Negotiation::establish(Step& next) {
  next.kind = Step::Kind::kEstablished;
  next.has_token = false;
  protection_->info.mech_list_mic_verified = mic_verified_;
  state_ = State::kEstablished;
  return {};
}

bool Negotiation::mic_required() const {
  // [MS-SPNG]: a mechanism may ask for it though it is the first choice (quirk B1). Without
  // integrity there is nothing to make one with (RFC 4178 5; quirk B19).
  return mic_demanded_ || (inner_->wants_mech_list_mic() && protection_->can_mic());
}

Result<void> Negotiation::check_mic_possible() const {
  if (mic_demanded_ && !protection_->can_mic()) {
    return Error{Errc::kPeerIncompatible, "mechListMIC: no integrity was negotiated", 0, 0};
  }
  return {};
}

Result<void> Negotiation::make_mic() {
  if (mic_made_ || protection_->mic_size() > Mic::kMaxSize) {
    return Error{Errc::kInternal, kMechListMic, 0, 0};
  }
  PGSS_CHECK(own_mic_.make(*protection_, mech_types_));
  mic_made_ = true;
  protection_->mech_list_mic_done(Direction::kSent);  // quirk B3
  return {};
}

Result<void> Negotiation::prove() {
  PGSS_CHECK(check_mic_possible());
  return mic_required() ? make_mic() : Result<void>();
}

Result<void> Negotiation::verify_mic(ByteView mic) {
  if (mic_verified_ || !protection_->can_mic() ||
      !protection_->verify_mech_list_mic(mech_types_, mic).has_value()) {
    return wrong_mic();
  }
  mic_verified_ = true;
  protection_->mech_list_mic_done(Direction::kReceived);
  return {};
}

}  // namespace pocketgss::mechs::spnego
