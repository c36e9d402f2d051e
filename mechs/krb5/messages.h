// The messages of RFC 4120 5.3 to 5.9, parsed without an allocation, and written.
#ifndef PGSS_MECHS_KRB5_MESSAGES_H_
#define PGSS_MECHS_KRB5_MESSAGES_H_

#include <pocketgss/secret.h>

#include "mechs/krb5/iana.h"
#include "mechs/krb5/types.h"

namespace pocketgss::mechs::krb5 {

// Parsing is strict DER of the whole input (policy row P24): nothing may follow, lengths are
// minimal, versions and message types are those of the message. Behind the last field of a message
// that is named here there may be unknown ones with higher tags, which are skipped: RFC 6806 11
// added such. Errors are kMalformed with the field and its offset.
//
// encode(x) writes a message, as a rule with one allocation. encode_to writes into the caller's
// memory, behind the result too, and returns how long the result is: for what holds keys. Errors:
// kApiMisuse (a list of more than kMaxElements, Microseconds above 999999, `out` too small),
// kNoMemory.

// RFC 4120 5.3, [APPLICATION 1]
struct Ticket {
  Realm realm;             // [1]
  PrincipalName sname;     // [2]
  EncryptedData enc_part;  // [3]
  // The whole encoding, as it was read. Where it is not empty it is what is written, and the fields
  // above are not looked at: whoever passes a ticket on must not encode it anew.
  ByteView der;

  bool operator==(const Ticket&) const = default;
};
Result<Ticket> parse_ticket(ByteView der);
Result<Bytes> encode(const Ticket&);

// RFC 4120 5.3, [APPLICATION 3]
struct EncTicketPart {
  KerberosFlags flags;                                  // [0]: TicketFlags
  EncryptionKey key;                                    // [1]
  Realm crealm;                                         // [2]
  PrincipalName cname;                                  // [3]
  TransitedEncoding transited;                          // [4]
  KerberosTime authtime;                                // [5]
  std::optional<KerberosTime> starttime;                // [6]
  KerberosTime endtime;                                 // [7]
  std::optional<KerberosTime> renew_till;               // [8]
  std::optional<HostAddresses> caddr;                   // [9]
  std::optional<AuthorizationData> authorization_data;  // [10]
};
Result<EncTicketPart> parse_enc_ticket_part(ByteView der);
Result<size_t> encode_to(const EncTicketPart&, MutableBytes out);

// RFC 4120 5.4.1
struct KdcReqBody {
  KerberosFlags kdc_options;                             // [0]
  std::optional<PrincipalName> cname;                    // [1]: only in an AS-REQ
  Realm realm;                                           // [2]
  std::optional<PrincipalName> sname;                    // [3]
  std::optional<KerberosTime> from;                      // [4]
  std::optional<KerberosTime> till;                      // [5]: some leave it out (quirk D18)
  std::optional<KerberosTime> rtime;                     // [6]
  UInt32 nonce;                                          // [7]: below 2^31 (quirk D10)
  EtypeList etype;                                       // [8]
  std::optional<HostAddresses> addresses;                // [9]
  std::optional<EncryptedData> enc_authorization_data;   // [10]
  std::optional<SequenceOf<Ticket>> additional_tickets;  // [11]
  // The whole encoding, as it was read, or as encode() made it, for that is what a TGS-REQ's
  // checksum is over: written in place of the fields where it is not empty.
  ByteView der;

  bool operator==(const KdcReqBody&) const = default;
};
Result<KdcReqBody> parse_kdc_req_body(ByteView der);
Result<Bytes> encode(const KdcReqBody&);

// RFC 4120 5.4.1: AS-REQ, [APPLICATION 10], and TGS-REQ, [APPLICATION 12]
struct KdcReq {
  MessageType msg_type = MessageType::kAsReq;  // [2], and the tag
  std::optional<MethodData> padata;            // [3]
  KdcReqBody req_body;                         // [4]

  bool operator==(const KdcReq&) const = default;
};
Result<KdcReq> parse_as_req(ByteView der);
Result<KdcReq> parse_tgs_req(ByteView der);
Result<Bytes> encode(const KdcReq&);

// RFC 4120 5.4.2: AS-REP, [APPLICATION 11], and TGS-REP, [APPLICATION 13]
struct KdcRep {
  MessageType msg_type = MessageType::kAsRep;  // [1], and the tag
  std::optional<MethodData> padata;            // [2]
  Realm crealm;                                // [3]
  PrincipalName cname;                         // [4]
  Ticket ticket;                               // [5]
  EncryptedData enc_part;                      // [6]

  bool operator==(const KdcRep&) const = default;
};
Result<KdcRep> parse_as_rep(ByteView der);
Result<KdcRep> parse_tgs_rep(ByteView der);
Result<Bytes> encode(const KdcRep&);

// RFC 4120 5.4.2: EncASRepPart, [APPLICATION 25], and EncTGSRepPart, [APPLICATION 26]. "Some
// implementations unconditionally send an encrypted EncTGSRepPart (application tag number 26)
// regardless of whether the reply is an AS-REP or a TGS-REP", and the check may be relaxed: either
// tag is taken for either.
struct EncKdcRepPart {
  MessageType of = MessageType::kTgsRep;        // the tag: kAsRep or kTgsRep
  EncryptionKey key;                            // [0]
  LastReq last_req;                             // [1]
  UInt32 nonce;                                 // [2]
  std::optional<KerberosTime> key_expiration;   // [3]
  KerberosFlags flags;                          // [4]: TicketFlags
  KerberosTime authtime;                        // [5]
  std::optional<KerberosTime> starttime;        // [6]
  KerberosTime endtime;                         // [7]
  std::optional<KerberosTime> renew_till;       // [8]
  Realm srealm;                                 // [9]
  PrincipalName sname;                          // [10]
  std::optional<HostAddresses> caddr;           // [11]
  std::optional<MethodData> encrypted_pa_data;  // [12]: RFC 6806 11
};
Result<EncKdcRepPart> parse_enc_kdc_rep_part(ByteView der);
Result<size_t> encode_to(const EncKdcRepPart&, MutableBytes out);

// RFC 4120 5.5.1, [APPLICATION 14]
struct ApReq {
  KerberosFlags ap_options;     // [2]
  Ticket ticket;                // [3]
  EncryptedData authenticator;  // [4]

  bool operator==(const ApReq&) const = default;
};
Result<ApReq> parse_ap_req(ByteView der);
Result<Bytes> encode(const ApReq&);

// RFC 4120 5.5.1, [APPLICATION 2]
struct Authenticator {
  Realm crealm;                                         // [1]
  PrincipalName cname;                                  // [2]
  std::optional<Checksum> cksum;                        // [3]
  Microseconds cusec = 0;                               // [4]
  KerberosTime ctime;                                   // [5]
  std::optional<EncryptionKey> subkey;                  // [6]
  std::optional<UInt32> seq_number;                     // [7]
  std::optional<AuthorizationData> authorization_data;  // [8]
};
Result<Authenticator> parse_authenticator(ByteView der);
Result<size_t> encode_to(const Authenticator&, MutableBytes out);

// RFC 4120 5.5.2, [APPLICATION 15]
struct ApRep {
  EncryptedData enc_part;  // [2]

  bool operator==(const ApRep&) const = default;
};
Result<ApRep> parse_ap_rep(ByteView der);
Result<Bytes> encode(const ApRep&);

// RFC 4120 5.5.2, [APPLICATION 27]
struct EncApRepPart {
  KerberosTime ctime;                   // [0]
  Microseconds cusec = 0;               // [1]
  std::optional<EncryptionKey> subkey;  // [2]
  std::optional<UInt32> seq_number;     // [3]
};
Result<EncApRepPart> parse_enc_ap_rep_part(ByteView der);
Result<size_t> encode_to(const EncApRepPart&, MutableBytes out);

// RFC 4120 5.9.1, [APPLICATION 30]. Nothing here is authenticated: e-text may hold any octet.
struct KrbError {
  std::optional<KerberosTime> ctime;     // [2]
  std::optional<Microseconds> cusec;     // [3]
  KerberosTime stime;                    // [4]
  Microseconds susec = 0;                // [5]
  int32_t error_code = 0;                // [6]
  std::optional<Realm> crealm;           // [7]
  std::optional<PrincipalName> cname;    // [8]
  Realm realm;                           // [9]
  PrincipalName sname;                   // [10]
  std::optional<KerberosString> e_text;  // [11]
  std::optional<ByteView> e_data;        // [12]: see padata.h for what it can be

  bool operator==(const KrbError&) const = default;
};
Result<KrbError> parse_krb_error(ByteView der);
Result<Bytes> encode(const KrbError&);

// RFC 4120 5.8.1, [APPLICATION 22]. Only read, for those who look at tokens: we never delegate, and
// an acceptor drops forwarded credentials unparsed (policy row P12).
struct KrbCred {
  SequenceOf<Ticket> tickets;  // [2]
  EncryptedData enc_part;      // [3]
};
Result<KrbCred> parse_krb_cred(ByteView der);

// RFC 4120 5.8.1
struct KrbCredInfo {
  EncryptionKey key;                       // [0]
  std::optional<Realm> prealm;             // [1]
  std::optional<PrincipalName> pname;      // [2]
  std::optional<KerberosFlags> flags;      // [3]: TicketFlags
  std::optional<KerberosTime> authtime;    // [4]
  std::optional<KerberosTime> starttime;   // [5]
  std::optional<KerberosTime> endtime;     // [6]
  std::optional<KerberosTime> renew_till;  // [7]
  std::optional<Realm> srealm;             // [8]
  std::optional<PrincipalName> sname;      // [9]
  std::optional<HostAddresses> caddr;      // [10]
};

// RFC 4120 5.8.1, [APPLICATION 29]
struct EncKrbCredPart {
  SequenceOf<KrbCredInfo> ticket_info;    // [0]
  std::optional<UInt32> nonce;            // [1]
  std::optional<KerberosTime> timestamp;  // [2]
  std::optional<Microseconds> usec;       // [3]
  std::optional<HostAddress> s_address;   // [4]
  std::optional<HostAddress> r_address;   // [5]
};
Result<EncKrbCredPart> parse_enc_krb_cred_part(ByteView der);

// message_type tells what a message is by its first octet; nothing where it is none of the above.
std::optional<MessageType> message_type(ByteView der);

// encode_secret is encode_to into memory of its own, which is wiped when it goes. Errors: those of
// encode_to; kApiMisuse above 1 MiB.
template <typename Part>
Result<SecretBytes> encode_secret(const Part& part) {
  constexpr size_t kFirst = 512, kMost = size_t{1} << 20;
  for (size_t room = kFirst;; room *= 2) {
    SecretBytes memory = SecretBytes::of_size(room);
    const Result<size_t> size = encode_to(part, memory.mutable_view());
    if (size.has_value()) return SecretBytes(memory.view().prefix(size.value()));
    if (size.error().code != Errc::kApiMisuse || room == kMost) return size.error();
  }
}

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_MESSAGES_H_
