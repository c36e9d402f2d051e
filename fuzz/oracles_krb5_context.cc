// Message tokens and AP exchanges, made past the cryptography.
#include <algorithm>

#include "fuzz/check.h"
#include "fuzz/oracles_krb5.h"
#include "fuzz/script.h"
#include "mechs/krb5/message_tokens.h"
#include "tests/mechs/krb5/exchange.h"
#include "tests/mechs/krb5/pac_maker.h"

namespace pocketgss::fuzz {
namespace {

using namespace mechs;  // NOLINT(google-build-using-namespace): this file is about nothing else
using namespace mechs::krb5;  // NOLINT(google-build-using-namespace)
using mechs::krb5::testing::CountingRandom;
using mechs::krb5::testing::Exchange;

constexpr size_t kHeaderSize = 16;

// Receiver is the acceptor of a context without sequence detection, and what a sender needs.
struct Receiver {
  explicit Receiver(Script& script)
      : etype(kEtypes[script.u8() % 4]),
        subkey((script.u8() & 1) != 0),
        key(Key::random(etype, random).value()) {
    side = make_message_protection(runtime,
                                   {key.clone(), Role::kAcceptor, subkey, 0, 0, kNoContextFlags})
               .value();
    peer = make_message_protection(runtime,
                                   {key.clone(), Role::kInitiator, subkey, 0, 0, kNoContextFlags})
               .value();
  }

  void next_good_one_is_taken() {
    constexpr FixedBytes<3> kMessage = {1, 2, 3};
    Bytes token(peer->wrap_size(kMessage.size()));
    token.resize(peer->wrap(kMessage, true, token).value());
    Bytes out(token.size());
    const auto message = side->unwrap(token, out);
    PGSS_FUZZ_CHECK(message.has_value());
    PGSS_FUZZ_CHECK(ByteView(out).prefix(message.value().size) == ByteView(kMessage));
  }

  static constexpr Etype kEtypes[] = {Etype::kAes128CtsHmacSha1, Etype::kAes256CtsHmacSha1,
                                      Etype::kAes128CtsHmacSha256, Etype::kAes256CtsHmacSha384};
  CountingRandom random;
  Runtime runtime = Runtime::create(system_clock(), random).value();
  Etype etype;
  bool subkey;
  Key key;
  std::unique_ptr<MessageProtection> side, peer;
};

// The model of RFC 4121 4.2: what is in a sealed token that begins with `header`, if it is right.
std::optional<ByteView> model_sealed(const FixedBytes<kHeaderSize>& header, ByteView plain,
                                     bool subkey) {
  if (header[0] != 5 || header[1] != 4 || header[3] != 0xff) return std::nullopt;
  if ((header[2] & 7) != (subkey ? 6 : 2)) return std::nullopt;
  const size_t ec = header[4] * size_t{256} + header[5];
  if (plain.size() < kHeaderSize + ec) return std::nullopt;
  for (size_t i = 0; i < kHeaderSize; ++i) {
    const uint8_t expected = i == 6 || i == 7 ? uint8_t{0} : header[i];
    if (plain[plain.size() - kHeaderSize + i] != expected) return std::nullopt;
  }
  return plain.prefix(plain.size() - kHeaderSize - ec);
}

void check_sealed(Receiver& receiver, Script& script) {
  FixedBytes<kHeaderSize> header{5, 4, static_cast<uint8_t>(receiver.subkey ? 6 : 2), 0xff};
  const uint8_t form = script.u8();
  if ((form & 1) != 0) header[script.u8() % kHeaderSize] = script.u8();
  if ((form & 2) != 0) header[5] = script.u8();  // EC
  Bytes inside(header.begin(), header.end());
  const uint16_t rrc = script.u16();
  if ((form & 4) != 0) inside[script.u8() % kHeaderSize] ^= script.u8();
  Bytes plain = script.rest().to_bytes();
  if ((form & 8) == 0) append(plain, inside);

  Bytes body(ciphertext_size(receiver.etype, plain.size()));
  encrypt(receiver.runtime.crypto(), receiver.random, receiver.key, KeyUsage::kInitiatorSeal,
          {plain}, body)
      .value();
  std::rotate(body.begin(), body.end() - static_cast<std::ptrdiff_t>(rrc % body.size()),
              body.end());
  const std::optional<ByteView> expected = model_sealed(header, plain, receiver.subkey);
  header[6] = static_cast<uint8_t>(rrc >> 8);
  header[7] = static_cast<uint8_t>(rrc);
  Bytes token(header.begin(), header.end());
  append(token, body);

  constexpr uint8_t kUntouched = 0xa5;
  Bytes out(token.size(), kUntouched);
  const auto message = receiver.side->unwrap(token, out);
  PGSS_FUZZ_CHECK(message.has_value() == expected.has_value());
  if (message.has_value()) {
    PGSS_FUZZ_CHECK(message.value().confidential);
    PGSS_FUZZ_CHECK(ByteView(out).prefix(message.value().size) == *expected);
  } else if (header[3] == 0xff && plain.size() >= kHeaderSize &&
             std::any_of(plain.begin(), plain.end(),
                         [](uint8_t octet) { return octet != 0 && octet != kUntouched; })) {
    // Nothing of it is left: what was written to was wiped, with zeros.
    PGSS_FUZZ_CHECK(std::search(out.begin(), out.end(), plain.begin(), plain.end()) == out.end());
  }
}

}  // namespace

void check_krb_cfx_wrap(ByteView input) {
  Script script(input);
  Receiver receiver(script);
  if ((script.u8() & 1) != 0) {
    // As it came: nobody can have made it.
    const ByteView token = script.rest();
    Bytes out(token.size());
    PGSS_FUZZ_CHECK(!receiver.side->unwrap(token, out).has_value());
  } else {
    check_sealed(receiver, script);
  }
  receiver.next_good_one_is_taken();
}

void check_krb_cfx_mic(ByteView input) {
  Script script(input);
  Receiver receiver(script);
  FixedBytes<kHeaderSize> header{
      4, 4, static_cast<uint8_t>(receiver.subkey ? 4 : 0), 0xff, 0xff, 0xff, 0xff, 0xff};
  const uint8_t form = script.u8();
  if ((form & 1) != 0) header[script.u8() % kHeaderSize] = script.u8();
  const uint8_t damage = (form & 2) != 0 ? script.u8() : uint8_t{0};
  const uint8_t at = script.u8();
  const ByteView message = script.rest();
  const size_t size = checksum_size(receiver.etype);
  Bytes mic(kHeaderSize + size);
  checksum(receiver.runtime.crypto(), receiver.key, KeyUsage::kInitiatorSign,
           {message, ByteView(header)}, MutableBytes(mic).subspan(kHeaderSize))
      .value();
  std::copy(header.begin(), header.end(), mic.begin());
  mic[at % mic.size()] ^= damage;
  if ((form & 4) != 0) mic.resize(at % mic.size());

  bool right = damage == 0 && (form & 4) == 0 && header[0] == 4 && header[1] == 4 &&
               (header[2] & 7) == (receiver.subkey ? 4 : 0);
  for (size_t i = 3; i < 8; ++i) right = right && header[i] == 0xff;
  PGSS_FUZZ_CHECK(receiver.side->verify_mic(message, mic).has_value() == right);
  receiver.next_good_one_is_taken();
}

namespace {

// edit changes octets of what somebody would have encrypted, or puts the rest of the input there.
Bytes edit(Script& script, ByteView original) {
  if ((script.u8() & 1) != 0) return script.rest().to_bytes();
  Bytes out = original.to_bytes();
  while (!script.at_end() && !out.empty()) {
    const size_t at = script.u16() % out.size();
    switch (script.u8() % 3) {
      case 0:
        out[at] = script.u8();
        break;
      case 1:
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      default:
        out.insert(out.begin() + static_cast<std::ptrdiff_t>(at), script.u8());
        break;
    }
  }
  return out;
}

Bytes sealed(Exchange& x, const Key& key, KeyUsage usage, ByteView plain) {
  Bytes out(ciphertext_size(key.etype(), plain.size()));
  encrypt(x.runtime.crypto(), x.random, key, usage, {plain}, out).value();
  return out;
}

enum class Part : uint8_t { kTicket, kAuthenticator, kApRep, kFirstToken, kLastToken, kPac };
constexpr uint8_t kParts = 6;

// edited_request is `ap_req` with another ticket or authenticator inside.
Bytes edited_request(Exchange& x, Script& script, Part part) {
  const ApReq sent = parse_ap_req(parse_context_token(x.ap_req).value().message).value();
  const bool of_ticket = part == Part::kTicket;
  const Key& key = of_ticket ? x.service_key : x.session_key;
  const KeyUsage usage = of_ticket ? KeyUsage::kTicket : KeyUsage::kApReqAuthenticator;
  ApReq changed = sent;
  EncryptedData& data = of_ticket ? changed.ticket.enc_part : changed.authenticator;
  const SecretBytes plain = decrypt_part(x.runtime, key, usage, data.cipher).value();
  const Bytes cipher = sealed(x, key, usage, edit(script, plain.view()));
  data.cipher = cipher;
  changed.ticket.der = of_ticket ? ByteView() : changed.ticket.der;
  const Bytes message = encode(changed).value();
  return encode(ContextToken{TokenId::kApReq, message, 0, {}}).value();
}

Bytes edited_reply(Exchange& x, Script& script) {
  const ApRep sent = parse_ap_rep(parse_context_token(x.ap_rep).value().message).value();
  const SecretBytes plain =
      decrypt_part(x.runtime, x.session_key, KeyUsage::kApRepEncPart, sent.enc_part.cipher).value();
  const Bytes cipher =
      sealed(x, x.session_key, KeyUsage::kApRepEncPart, edit(script, plain.view()));
  ApRep changed = sent;
  changed.enc_part.cipher = cipher;
  const Bytes message = encode(changed).value();
  return encode(ContextToken{TokenId::kApRep, message, 0, {}}).value();
}

void check_error_is_final(Mechanism& mechanism, const Error& error) {
  const auto again = step(mechanism, {});
  PGSS_FUZZ_CHECK(!again.has_value() && again.error() == error);
  PGSS_FUZZ_CHECK(std::string_view(mechanism.state_name()) == "Failed");
}

constexpr std::string_view kBinding = "tls-server-end-point:ours", kOtherBinding = "another";

// Settings is the first octet: two bits of etype, one for etype 23 in its place, one against mutual
// authentication, two of channel bindings, one of a PAC.
struct Settings {
  explicit Settings(uint8_t octet)
      : etype((octet & 4) != 0 && known_etype(static_cast<int32_t>(Etype::kRc4Hmac))
                  ? Etype::kRc4Hmac
                  : Receiver::kEtypes[octet % 4]),
        mutual((octet & 8) == 0),
        client_binds((octet & 16) != 0),
        bindings_differ(client_binds && (octet & 32) != 0),
        with_pac((octet & 64) != 0) {}

  Etype etype;
  bool mutual, client_binds, bindings_differ, with_pac;
};

void check_established(const Exchange& x, const Settings& settings, Part part) {
  const ContextInfo& info = x.server_done.protection->info;
  PGSS_FUZZ_CHECK(!settings.bindings_differ || part == Part::kAuthenticator);
  PGSS_FUZZ_CHECK(info.channel_bound == settings.client_binds || part == Part::kAuthenticator);
  PGSS_FUZZ_CHECK(info.logon_name.empty() || part == Part::kPac || part == Part::kTicket);
  PGSS_FUZZ_CHECK(!info.initiator_name.empty());
  for (const std::string* name : {&info.initiator_name, &info.logon_name}) {
    PGSS_FUZZ_CHECK(std::none_of(name->begin(), name->end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  }
}

}  // namespace

void check_krb_ap_session(ByteView input) {
  Script script(input);
  const Settings settings(script.u8());
  const Part part = static_cast<Part>(script.u8() % kParts);
  Exchange x(settings.etype);
  if (!settings.mutual) x.initiator.flags = kIntegFlag;
  x.acceptor.channel_bindings = {as_bytes(settings.bindings_differ ? kOtherBinding : kBinding)};
  if (settings.client_binds) x.initiator.channel_binding = as_bytes(kBinding);
  if (settings.with_pac || part == Part::kPac) {
    krb5::testing::PacMaker maker;
    if (part == Part::kPac) maker.logon_info = edit(script, {});
    x.ticket.authorization_data = krb5::testing::authorization_data(maker.make(x));
  }
  x.start();
  x.make_ap_req().value();
  if (part == Part::kTicket || part == Part::kAuthenticator) {
    x.ap_req = edited_request(x, script, part);
  } else if (part == Part::kFirstToken) {
    x.ap_req = edit(script, x.ap_req);
  }
  if (const auto verdict = x.verdict(); !verdict.has_value()) {
    const Bytes told = x.server->take_error_token();
    if (settings.mutual && !told.empty()) {
      const auto heard = step(*x.client, told);
      PGSS_FUZZ_CHECK(!heard.has_value() && heard.error().peer_status != 0);
    }
    return check_error_is_final(*x.server, verdict.error());
  }
  if (!x.krb_error.empty()) {
    PGSS_FUZZ_CHECK(!step(*x.client, x.krb_error).has_value());
    return;
  }
  check_established(x, settings, part);
  if (x.ap_rep.empty() || !settings.mutual) return;
  if (part == Part::kApRep) {
    x.ap_rep = edited_reply(x, script);
  } else if (part == Part::kLastToken) {
    x.ap_rep = edit(script, x.ap_rep);
  }
  if (const auto done = x.take_ap_rep(); !done.has_value()) {
    return check_error_is_final(*x.client, done.error());
  }
  // Only whoever has the session key, as this file does, can make the two disagree.
  PGSS_FUZZ_CHECK(part == Part::kApRep || x.client_done.protection->session_key() ==
                                              x.server_done.protection->session_key());
}

}  // namespace pocketgss::fuzz
