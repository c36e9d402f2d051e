// Tries keys: a part of a Kerberos message says its etype, and nothing else of its key.
#include "tools/decode/decrypt.h"

#include <algorithm>
#include <array>
#include <vector>

#include "mechs/gss_token.h"
#include "mechs/krb5/client_secret.h"

namespace pocketgss::tools {
namespace {

using namespace mechs::krb5;  // NOLINT: this file is about nothing else

// RFC 4120 7.5.1: which part is encrypted under which key usage.
struct Use {
  KeyUsage usage;
  std::string_view kind;
};
constexpr Use kUses[] = {
    {KeyUsage::kPaEncTimestamp, "krb5.PA-ENC-TS-ENC"},
    {KeyUsage::kTicket, "krb5.EncTicketPart"},
    {KeyUsage::kAsRepEncPart, "krb5.EncKDCRepPart"},
    {KeyUsage::kTgsReqAuthenticator, "krb5.Authenticator"},
    {KeyUsage::kTgsRepEncPartSessionKey, "krb5.EncKDCRepPart"},
    {KeyUsage::kTgsRepEncPartSubkey, "krb5.EncKDCRepPart"},
    {KeyUsage::kApReqAuthenticator, "krb5.Authenticator"},
    {KeyUsage::kApRepEncPart, "krb5.EncAPRepPart"},
    {KeyUsage::kKrbCred, "krb5.EncKrbCredPart"},
};

constexpr int32_t kRc4Etype = static_cast<int32_t>(Etype::kRc4Hmac);

Principal principal_of(const PrincipalName& name, std::string_view realm) {
  Principal out(name.name_type, realm);
  for (const std::string_view component : name.name_string) out.add(component);
  return out;
}

}  // namespace

void Decryptor::add(const Keytab& keytab) {
  for (const KeytabEntry& entry : keytab) {
    auto key = Key::create(entry.etype, entry.key);
    if (key.has_value()) given_.push_back(std::move(key).value());
  }
}

void Decryptor::learn(const KdcReq& request) {
  if (!request.req_body.cname) return;
  learn(*request.req_body.cname, request.req_body.realm, MethodData(), std::nullopt);
}

void Decryptor::learn(const KdcRep& reply) {
  if (reply.msg_type != MessageType::kAsRep) return;
  learn(reply.cname, reply.crealm, reply.padata ? *reply.padata : MethodData(),
        reply.enc_part.etype);
}

void Decryptor::learn(const PrincipalName& name, std::string_view realm, const MethodData& hints,
                      std::optional<int32_t> only) {
  if (password_.empty()) return;
  const std::string salt = default_salt(principal_of(name, realm).view());
  KdcPolicy policy;
  if (const auto rc4 = known_etype(kRc4Etype)) policy.etypes.push_back(*rc4);
  ClientSecret secret;
  secret.password = password_.clone();
  for (const Etype etype : policy.etypes) {
    if (only && static_cast<int32_t>(etype) != *only) continue;
    KeyHint hint{etype, salt, std::max(1u, default_iterations(etype))};
    const auto said = hint_for(hints, etype, salt, policy);
    if (said.has_value() && said.value()) hint = *said.value();
    auto key = client_key(runtime_.crypto(), secret, hint);
    if (!key.has_value()) continue;
    if (found_.size() == kMaxFound) found_.pop_front();
    found_.push_back(std::move(key).value());
  }
}

void Decryptor::keep(const EncryptionKey& key) {
  auto made = Key::create(key.keytype, key.keyvalue);
  if (!made.has_value()) return;
  if (found_.size() == kMaxFound) found_.pop_front();
  found_.push_back(std::move(made).value());
}

void Decryptor::look_into(const Opened& opened) {
  const ByteView octets = opened.plaintext.view();
  if (opened.kind == "krb5.EncTicketPart") {
    const auto part = parse_enc_ticket_part(octets);
    if (part.has_value()) keep(part.value().key);
  } else if (opened.kind == "krb5.EncKDCRepPart") {
    const auto part = parse_enc_kdc_rep_part(octets);
    if (part.has_value()) keep(part.value().key);
  } else if (opened.kind == "krb5.Authenticator") {
    const auto part = parse_authenticator(octets);
    if (part.has_value() && part.value().subkey) keep(*part.value().subkey);
  } else if (opened.kind == "krb5.EncAPRepPart") {
    const auto part = parse_enc_ap_rep_part(octets);
    if (part.has_value() && part.value().subkey) keep(*part.value().subkey);
  }
}

std::optional<Decryptor::Opened> Decryptor::open_with(const Key& key, ByteView cipher) {
  for (const Use& use : kUses) {
    SecretBytes out(std::string(cipher.size(), '\0'));
    const auto size = decrypt(runtime_.crypto(), key, use.usage, cipher, out.mutable_view());
    if (size.has_value()) return Opened{use.kind, SecretBytes(out.view().prefix(size.value()))};
  }
  return std::nullopt;
}

std::optional<Decryptor::Opened> Decryptor::open(int32_t etype, ByteView cipher) {
  for (const auto* keys : {&given_, &found_}) {
    for (const Key& key : *keys) {
      if (static_cast<int32_t>(key.etype()) != etype) continue;
      auto opened = open_with(key, cipher);
      if (!opened) continue;
      look_into(*opened);
      return opened;
    }
  }
  return std::nullopt;
}

// A token of RFC 4121 says who made it and under which key; one of RFC 4757 says neither.
bool Decryptor::as_receiver(ByteView token,
                            const std::function<bool(mechs::MessageProtection&, Role)>& take) {
  if (token.size() < kMessageHeaderSize) return false;
  const bool cfx = token[0] != mechs::kInitialContextTag.octet;
  const uint8_t flags = cfx ? token[kCfxFlagsAt] : uint8_t{0};
  const bool subkey = (flags & cfx_flag::kAcceptorSubkey) != 0;
  for (const Role sender : {Role::kInitiator, Role::kAcceptor}) {
    const bool by_acceptor = sender == Role::kAcceptor;
    if (cfx && by_acceptor != ((flags & cfx_flag::kSentByAcceptor) != 0)) continue;
    const Role self = by_acceptor ? Role::kInitiator : Role::kAcceptor;
    for (auto key = found_.rbegin(); key != found_.rend(); ++key) {
      if ((static_cast<int32_t>(key->etype()) == kRc4Etype) == cfx) continue;
      const auto receiver =
          make_message_protection(runtime_, {key->clone(), self, subkey, 0, 0, kNoContextFlags});
      if (receiver.has_value() && take(*receiver.value(), sender)) return true;
    }
  }
  return false;
}

std::optional<Decryptor::Unwrapped> Decryptor::unwrap(ByteView token) {
  SecretBytes room = SecretBytes::of_size(token.size());
  std::optional<Unwrapped> out;
  as_receiver(token, [&](mechs::MessageProtection& receiver, Role sender) {
    const auto message = receiver.unwrap(token, room.mutable_view());
    if (!message.has_value()) return false;
    out.emplace(Unwrapped{SecretBytes(room.view().prefix(message.value().size)), sender});
    return true;
  });
  return out;
}

void Decryptor::saw(const mechs::spnego::MechTypeList& list) {
  const ByteView der = list.der();
  const auto known = [&](const Bytes& one) { return ByteView(one) == der; };
  if (der.size() > kMaxListSize || std::any_of(lists_.begin(), lists_.end(), known)) return;
  if (lists_.size() == kMaxLists) lists_.pop_front();
  lists_.push_back(der.to_bytes());
}

Decryptor::MicVerdict Decryptor::verify_mic(ByteView token) {
  if (found_.empty()) return MicVerdict::kNoKey;
  if (lists_.empty()) return MicVerdict::kNoMessage;
  const bool verified = as_receiver(token, [&](mechs::MessageProtection& receiver, Role) {
    return std::any_of(lists_.begin(), lists_.end(), [&](const Bytes& list) {
      return receiver.verify_mech_list_mic(list, token).has_value();
    });
  });
  return verified ? MicVerdict::kVerified : MicVerdict::kNoMatch;
}

}  // namespace pocketgss::tools
