// Oracles of the SASL layer: base64, lines, and whole SMTP sessions against scripted contexts. They
// abort where something does not hold.
#ifndef PGSS_FUZZ_ORACLES_SASL_H_
#define PGSS_FUZZ_ORACLES_SASL_H_

#include <pocketgss/bytes.h>

#include <string>

namespace pocketgss::fuzz {

// check_base64: what decodes encodes to the very text, in place too; every byte string decodes from
// its encoding.
void check_base64(ByteView input);

// check_lines: lines, replies and message content are the same however the bytes are cut; content
// that goes out and in again is unchanged, and holds no CR or LF alone on the wire.
void check_lines(ByteView input);

// check_layer: the buffers of a security layer give the same however they are cut, never more than
// came, and nothing after an error; what is wrapped comes out again, within the maximum sizes.
void check_layer(ByteView input);

// check_smtp_client_session and check_smtp_server_session play the peer: octets 0 and 1 choose the
// settings and the contexts' scripts, the rest is what the peer sends, in pieces that 0x1e divides;
// events are answered after each piece. What stands behind a 0x1d in a piece is wrapped, as a peer
// does within a security layer.
// Each session is run twice, whole and octet by octet, and must give the same events and output;
// besides: no login without an established context, nor without a yes where authorisation is asked
// for, which is before the 235; no event after the last one, at most one context at a time and none
// afterwards, no layer that was not named, no login by bare Kerberos without its layer step, nothing
// in clear within a layer, and output in proportion to the input. They return what happened, an
// event a line.
std::string check_smtp_client_session(ByteView input);
std::string check_smtp_server_session(ByteView input);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_SASL_H_
