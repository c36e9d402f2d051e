// Whole exchanges between our two sides, with a hand in between.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf16.h"
#include "fuzz/check.h"
#include "fuzz/oracles_ntlm.h"
#include "mechs/ntlm/acceptor.h"
#include "mechs/ntlm/initiator.h"
#include "mechs/ntlm/messages.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"
#include "tests/support/mechanism_step.h"

namespace pocketgss::fuzz {
namespace {

using namespace mechs;  // NOLINT(google-build-using-namespace): this file is about nothing else
using namespace mechs::ntlm;  // NOLINT(google-build-using-namespace)

constexpr std::string_view kBinding = "tls-exporter:0123456789abcdef0123456789abcdef";

// Script hands out the fuzzer's bytes; when they are used up it gives zeros, which mean "as it
// should be".
class Script {
 public:
  explicit Script(ByteView in) : in_(in) {}
  uint8_t u8() {
    if (in_.empty()) return 0;
    const uint8_t value = in_[0];
    in_ = in_.from(1);
    return value;
  }
  size_t u16() { return static_cast<size_t>(u8() << 8) | u8(); }
  ByteView bytes(size_t count) {
    const ByteView out = in_.prefix(std::min(count, in_.size()));
    in_ = in_.from(out.size());
    return out;
  }

 private:
  ByteView in_;
};

enum class Act : uint8_t { kPass, kCut, kFlip, kReplace, kInsert, kAppend, kEmpty };

// tamper returns what arrives of a token.
Bytes tamper(Script& script, Bytes token) {
  const auto act = static_cast<Act>(script.u8() % 7);
  const size_t at = act == Act::kPass || token.empty() ? 0 : script.u16() % token.size();
  switch (act) {
    case Act::kPass:
      break;
    case Act::kCut:
      token.resize(at);
      break;
    case Act::kFlip:
      token[at] ^= static_cast<uint8_t>(1u << (script.u8() % 8));
      break;
    case Act::kReplace: {
      const ByteView with = script.bytes(script.u8());
      for (size_t i = 0; i < with.size() && at + i < token.size(); ++i) token[at + i] = with[i];
      break;
    }
    case Act::kInsert: {
      const ByteView more = script.bytes(script.u8());
      token.insert(token.begin() + static_cast<std::ptrdiff_t>(at), more.begin(), more.end());
      break;
    }
    case Act::kAppend:
      append(token, script.bytes(script.u8()));
      break;
    case Act::kEmpty:
      token.clear();
      break;
  }
  return token;
}

class Session {
 public:
  explicit Session(Script& script) : script_(script) {
    const uint8_t setting = script_.u8();
    const PolicyLevel level = (setting & 1) != 0 ? PolicyLevel::kStrict : PolicyLevel::kDefault;
    initiator_.user = "alice";
    initiator_.domain = (setting & 2) != 0 ? "Example" : "";
    initiator_.nt_hash = &nt_hash_;
    initiator_.target_name = "smtp/mail.example.test";
    initiator_.level = acceptor_.level = level;
    initiator_.flags = (setting & 4) != 0 ? kNoContextFlags : kIntegFlag | kConfFlag;
    integrity_needed_ = (setting & 8) != 0;
    if ((setting & 16) != 0) {
      initiator_.channel_binding = as_bytes(kBinding);
      acceptor_.channel_bindings = bindings_;
      acceptor_.binding_requirement = BindingRequirement::kRequire;
    }
    acceptor_.target_names = targets_;
    account_ = static_cast<Lookup>(setting >> 6);
  }

  void run() {
    client_ = make_initiator(runtime_, initiator_, integrity_needed_).value();
    server_ = make_acceptor(runtime_, acceptor_).value();
    if (!handshake()) return check_failed();
    check_established();
    exchange_messages();
  }

 private:
  enum class Lookup : uint8_t { kRight, kWrongPassword, kUnknown, kRightToo };

  // handshake returns whether both sides are done.
  bool handshake() {
    sent_[0] = std::get<Continue>(step(*client_, {}).value()).token;
    arrived_[0] = tamper(script_, sent_[0]);
    const auto challenge = step(*server_, arrived_[0]);
    if (!challenge.has_value()) return false;
    sent_[1] = std::get<Continue>(challenge.value()).token;
    arrived_[1] = tamper(script_, sent_[1]);
    auto authenticate = step(*client_, arrived_[1]);
    if (!authenticate.has_value()) return false;
    client_done_ = std::move(std::get<Complete>(authenticate.value()));
    sent_[2] = client_done_.token.value();
    PGSS_FUZZ_CHECK(sent_[2].size() <= kMaxStrictMessageSize);
    arrived_[2] = tamper(script_, sent_[2]);
    clock_.advance(static_cast<UnixMicros>(script_.u16()) * 10'000);
    const auto asked = step(*server_, arrived_[2]);
    if (!asked.has_value()) return false;
    auto verdict = resume(*server_, AccountAnswer{account()});
    if (!verdict.has_value()) return false;
    server_done_ = std::move(std::get<Complete>(verdict.value()));
    return true;
  }

  std::optional<Account> account() const {
    if (account_ == Lookup::kUnknown) return std::nullopt;
    FixedBytes<16> hash{};
    std::copy_n(nt_hash_.view().begin(), hash.size(), hash.begin());
    if (account_ == Lookup::kWrongPassword) hash[0] ^= 1;
    return Account{"alice", SecretBytes(ByteView(hash))};
  }

  // A side that has failed says the same for ever.
  void check_failed() {
    for (Mechanism* side : {client_.get(), server_.get()}) {
      if (std::string_view(side->state_name()) != "Failed") continue;
      const Error error = step(*side, sent_[0]).error();
      PGSS_FUZZ_CHECK(step(*side, {}).error() == error);
      PGSS_FUZZ_CHECK(step(*side, sent_[1]).error() == error);
      PGSS_FUZZ_CHECK(std::string_view(side->state_name()) == "Failed");
    }
  }

  void check_established() const {
    PGSS_FUZZ_CHECK(account_ == Lookup::kRight || account_ == Lookup::kRightToo);
    const AuthenticateMessage sent = parse_authenticate(sent_[2]).value();
    const AuthenticateMessage arrived = parse_authenticate(arrived_[2]).value();
    PGSS_FUZZ_CHECK(sent.nt_response == arrived.nt_response);
    PGSS_FUZZ_CHECK(parse_challenge(sent_[1]).value().server_challenge ==
                    parse_challenge(arrived_[1]).value().server_challenge);
    if (acceptor_.binding_requirement == BindingRequirement::kRequire)
      PGSS_FUZZ_CHECK(server_done_.protection->info.channel_bound);
    PGSS_FUZZ_CHECK(server_done_.protection->info.target_name == initiator_.target_name);
    if (acceptor_.level == PolicyLevel::kStrict)
      PGSS_FUZZ_CHECK(server_done_.protection->info.mic_verified);
    if (server_done_.protection->info.mic_verified) check_agreement();
  }

  void check_agreement() const {
    for (size_t i = 0; i < 3; ++i) PGSS_FUZZ_CHECK(sent_[i] == arrived_[i]);
    PGSS_FUZZ_CHECK(client_done_.protection->session_key() ==
                    server_done_.protection->session_key());
    PGSS_FUZZ_CHECK(client_done_.protection->info.flags == server_done_.protection->info.flags);
    PGSS_FUZZ_CHECK(client_done_.protection->info.initiator_name ==
                    server_done_.protection->info.initiator_name);
    PGSS_FUZZ_CHECK(client_->wants_mech_list_mic() && server_->wants_mech_list_mic());
  }

  // exchange_messages sends a few wraps and MICs each way; what is refused ends it, as a real
  // caller would end it.
  void exchange_messages() {
    const bool one_key =
        client_done_.protection->session_key() == server_done_.protection->session_key();
    const bool agreed =
        one_key && client_done_.protection->info.flags == server_done_.protection->info.flags;
    for (int i = 0; i < 4; ++i) {
      const uint8_t how = script_.u8();
      MessageProtection& from =
          (how & 1) != 0 ? *server_done_.protection : *client_done_.protection;
      MessageProtection& to = (how & 1) != 0 ? *client_done_.protection : *server_done_.protection;
      if (!from.can_mic() || !to.can_mic()) return;
      const ByteView message = script_.bytes(how >> 3);
      const bool went = (how & 2) != 0 ? exchange_mic(from, to, message, agreed)
                                       : exchange_wrap(from, to, message, agreed);
      if (!went) return;
    }
  }

  bool exchange_wrap(MessageProtection& from, MessageProtection& to, ByteView message,
                     bool agreed) {
    Bytes token(from.wrap_size(message.size()));
    PGSS_FUZZ_CHECK(from.wrap(message, true, token).value() == token.size());
    const Bytes arrived = tamper(script_, token);
    Bytes out(arrived.size(), 0xee);
    const auto unwrapped = to.unwrap(arrived, out);
    if (agreed) PGSS_FUZZ_CHECK(unwrapped.has_value() == (arrived == token));
    if (!unwrapped.has_value()) return false;
    PGSS_FUZZ_CHECK(arrived == token);
    PGSS_FUZZ_CHECK(ByteView(out).prefix(unwrapped.value().size) == message);
    PGSS_FUZZ_CHECK(!to.unwrap(arrived, out).has_value());  // a replay
    return true;
  }

  bool exchange_mic(MessageProtection& from, MessageProtection& to, ByteView message, bool agreed) {
    Bytes code(from.mic_size());
    PGSS_FUZZ_CHECK(from.mic(message, code).value() == code.size());
    const Bytes arrived = tamper(script_, code);
    const auto verified = to.verify_mic(message, arrived);
    if (agreed) PGSS_FUZZ_CHECK(verified.has_value() == (arrived == code));
    return verified.has_value();
  }

  Script& script_;
  testing::FakeClock clock_;
  testing::CountingRandom random_;
  Runtime runtime_ = Runtime::create(clock_, random_).value();
  NtHash nt_hash_{
      FixedView<16>(FixedBytes<16>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})};
  InitiatorConfig initiator_;
  const std::vector<std::string> targets_ = {"smtp/mail.example.test"};
  const std::vector<ByteView> bindings_ = {as_bytes(kBinding)};
  AcceptorConfig acceptor_;
  bool integrity_needed_ = false;
  Lookup account_ = Lookup::kRight;
  std::unique_ptr<Mechanism> client_, server_;
  Bytes sent_[3], arrived_[3];
  Complete client_done_, server_done_;
};

}  // namespace

void check_ntlm_session(ByteView input) {
  Script script(input);
  Session(script).run();
}

}  // namespace pocketgss::fuzz
