// The hash by which mechanisms name a channel binding.
#ifndef PGSS_MECHS_CHANNEL_BINDING_H_
#define PGSS_MECHS_CHANNEL_BINDING_H_

#include <pocketgss/bytes.h>

#include "base/crypto.h"

namespace pocketgss::mechs {

using ChannelBindingHash = FixedBytes<16>;

// channel_binding_hash (RFC 4121 4.1.1.2; [MS-NLMP] 2.2.2.1, MsvAvChannelBindings): MD5 of a
// gss_channel_bindings_struct without addresses: 16 zero octets, the size of the application data,
// little-endian, and the data. The address types are 0, as MIT and the convention for TLS have
// them; the JDK's are 255, and its bindings by themselves match nobody's (quirk D29).
ChannelBindingHash channel_binding_hash(crypto::Workspace&, ByteView application_data) noexcept;

}  // namespace pocketgss::mechs

#endif  // PGSS_MECHS_CHANNEL_BINDING_H_
