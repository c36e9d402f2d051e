// What the AS and the TGS exchange have in common: the body of a request, and opening a reply.
#ifndef PGSS_MECHS_KRB5_KDC_REPLY_H_
#define PGSS_MECHS_KRB5_KDC_REPLY_H_

#include <vector>

#include "mechs/krb5/credential.h"
#include "mechs/krb5/kdc_policy.h"
#include "mechs/krb5/messages.h"

namespace pocketgss::mechs::krb5 {

// KdcQuestion is what a request asks for, and so what the reply must speak of (rows KRC-1, KRC-2).
struct KdcQuestion {
  MessageType asks = MessageType::kAsReq;  // kAsReq or kTgsReq
  Principal client;
  Principal server;  // with the realm that is asked
  std::vector<Etype> etypes;
  bool canonicalize = false;
  KerberosTime till{};  // 0: as long as the realm allows (RFC 4120 5.4.1)
  uint32_t nonce = 0;
};

// make_nonce is below 2^31 (quirk D10). Errors: those of the random source.
Result<uint32_t> make_nonce(RandomSource&);
// till_of is the endtime to ask for at the time `now`.
KerberosTime till_of(const KdcPolicy&, UnixMicros now);

// encode_body writes the KDC-REQ-BODY. Errors: those of encode().
Result<Bytes> encode_body(const KdcQuestion&);
// encode_request puts a body, as it was encoded, and PA-DATA into a KDC-REQ. Errors: the same.
Result<Bytes> encode_request(MessageType, ByteView body, std::span<const PaData> padata);

// KdcAnswer is a KDC's message that has the right form; it borrows from it.
using KdcAnswer = std::variant<KdcRep, KrbError>;
// parse_answer. Errors: kUnreachable (no answer), kPeerMisbehaved (too large; a message of another
// kind), kMalformed.
Result<KdcAnswer> parse_answer(MessageType asked, const std::optional<Bytes>& reply);

// ReplyPart is the decrypted EncKDCRepPart; `part` borrows from `plaintext`.
struct ReplyPart {
  SecretBytes plaintext;
  EncKdcRepPart part;
};
// open_reply decrypts. Errors: kAuthFailed, kMalformed.
Result<ReplyPart> open_reply(crypto::Workspace&, const Key&, KeyUsage, const KdcRep&);

// check_reply compares all of a reply that a KDC has no choice in with what was asked. Whether
// names may differ, and how, is the caller's to say: it has compared them. Errors: kPeerMisbehaved
// with the field; kPolicy "P10" for a session key of an etype that was not offered; kExpired (the
// ticket is not valid at `now`, by the KDC's clock).
Result<void> check_reply(const KdcQuestion&, const KdcRep&, const EncKdcRepPart&, UnixMicros now);

// credential_of copies what is kept. Errors: those of Key::create.
Result<ServiceCredential> credential_of(const KdcRep&, const EncKdcRepPart&,
                                        UnixMicros clock_offset);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_KDC_REPLY_H_
