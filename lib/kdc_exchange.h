// Between the requests of tickets and the KDCs: the one call that carries a message there, and what
// the one who carries it must see in a reply. KdcTransport (kdc_transport.h) is one over the sockets
// of POSIX; a device without them derives its own.
#ifndef POCKETGSS_KDC_EXCHANGE_H_
#define POCKETGSS_KDC_EXCHANGE_H_

#include <cstdint>

#include <pocketgss/result.h>
#include <pocketgss/step.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// KdcExchange carries messages to KDCs. It does not throw.
class KdcExchange {
 public:
  virtual ~KdcExchange() = default;
  // exchange sends need.request to a KDC of need.realm and returns the reply, both as NeedExchange
  // says. It bounds the time itself. No reply where no KDC answers: the request knows what that
  // means. Errors: what ends the request at once, such as kNoMemory.
  virtual Result<ExchangeAnswer> exchange(const NeedExchange& need) = 0;
};

// KdcReply says what is to be done with a reply.
enum class KdcReply : uint8_t {
  kAnswer,  // it is the answer, an error too: resume() with it
  kAskNext,  // KDC_ERR_SVC_UNAVAILABLE (29): ask another KDC, and resume() with it where none answers
             // better
  kAskByStream,  // KRB_ERR_RESPONSE_TOO_BIG (52): where it came by UDP, ask the same KDC by TCP (RFC
                 // 4120 7.2.1). A request that is given it asks once more, with stream_only.
};

// judge_kdc_reply looks at the first octets, and at a KRB-ERROR's code; nothing is checked, and what
// is malformed is an answer: the request refuses it.
KdcReply judge_kdc_reply(ByteView reply) noexcept;

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_KDC_EXCHANGE_H_
