// Tries keys: a part of a Kerberos message says its etype, and nothing else of its key.
#include "tools/decode/decrypt.h"

#include <algorithm>
#include <array>
#include <vector>

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
  if (const auto rc4 = known_etype(23)) policy.etypes.push_back(*rc4);
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

}  // namespace pocketgss::tools
