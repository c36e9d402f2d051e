// What contexts take of Kerberos. A library without it has without_kerberos.cc, where there is nothing.
#ifndef PGSS_LIB_KERBEROS_H_
#define PGSS_LIB_KERBEROS_H_

#include <pocketgss/context.h>

#include <memory>
#include <span>

#include "mechs/mechanism.h"

namespace pocketgss::kerberos {

// usable: there is what a mechanism is made of: tickets and a target, or keys.
bool usable(const InitiatorConfig&);
bool usable(const AcceptorConfig&);

// make_initiator and make_acceptor start one exchange. The configuration and the bindings that count
// (policy row P5) outlive it.
Result<std::unique_ptr<mechs::Mechanism>> make_initiator(Runtime&, const InitiatorConfig&,
                                                         ByteView channel_binding, mechs::MicNeed);
Result<std::unique_ptr<mechs::Mechanism>> make_acceptor(Runtime&, const AcceptorConfig&,
                                                        std::span<const ByteView> channel_bindings);

// recognises: a token is Kerberos' own, without SPNEGO.
bool recognises(ByteView first_token);

}  // namespace pocketgss::kerberos

#endif  // PGSS_LIB_KERBEROS_H_
