// What a server says about itself: replies made fit to show, and the EHLO reply.
#ifndef PGSS_SASL_EHLO_H_
#define PGSS_SASL_EHLO_H_

#include <string>
#include <string_view>
#include <vector>

#include <pocketgss/smtp_client.h>

#include "sasl/line.h"

namespace pocketgss::sasl {

// to_reply makes a reply fit to show: sanitised, the enhanced status code taken apart (RFC 2034 4).
SmtpReply to_reply(const ReplyReader& reply);

// parse_ehlo reads the keywords of an EHLO reply (RFC 5321 4.1.1.1). Those unknown, and parameters
// that make no sense, are left out; nothing in a reply is an error.
SmtpCapabilities parse_ehlo(const ReplyReader& reply);

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_EHLO_H_
