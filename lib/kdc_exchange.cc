// What a transport reads in a KDC's reply.
#include <pocketgss/kdc_exchange.h>

#include "mechs/krb5/messages.h"

namespace pocketgss {

namespace krb5 = mechs::krb5;

KdcReply judge_kdc_reply(ByteView reply) noexcept {
  if (krb5::message_type(reply) != krb5::MessageType::kKrbError) return KdcReply::kAnswer;
  const auto error = krb5::parse_krb_error(reply);
  if (!error.has_value()) return KdcReply::kAnswer;
  switch (error.value().error_code) {
    case krb5::error_code::kSvcUnavailable:
      return KdcReply::kAskNext;
    case krb5::error_code::kResponseTooBig:
      return KdcReply::kAskByStream;
  }
  return KdcReply::kAnswer;
}

}  // namespace pocketgss
