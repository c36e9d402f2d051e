// MD5 over the struct as RFC 4121 lays it out.
#include "mechs/channel_binding.h"

#include "base/cursor.h"

namespace pocketgss::mechs {

// [0-3] initiator address type [4-7] size [8-11] acceptor address type [12-15] size [16-19] size of
// the application data, then the data. The types are 0, as MIT krb5 and the convention of TLS have it;
// the JDK has 255 there, unless it is given addresses (quirk D29).
ChannelBindingHash channel_binding_hash(crypto::Workspace& crypto,
                                        ByteView application_data) noexcept {
  FixedBytes<20> head{};
  store_u32le(head.data() + 16, static_cast<uint32_t>(application_data.size()));
  ChannelBindingHash out;
  crypto.md5({ByteView(head), application_data}, out);
  return out;
}

}  // namespace pocketgss::mechs
