// The channel bindings of a TLS session.
#include "tools/tls/tls.h"

namespace pocketgss::tools {

std::vector<ChannelBinding> client_bindings(const TlsSession& session) {
  std::vector<ChannelBinding> bindings;
  auto end_point = ChannelBinding::tls_server_end_point(session.server_certificate);
  if (end_point.has_value()) bindings.push_back(std::move(end_point).value());
  return bindings;
}

std::vector<ChannelBinding> server_bindings(const TlsSession& session) {
  std::vector<ChannelBinding> bindings = client_bindings(session);
  if (!session.first_finished.empty()) {
    bindings.push_back(ChannelBinding::tls_unique(session.first_finished));
  }
  if (session.exported.size() == 32) {
    bindings.push_back(ChannelBinding::tls_exporter(FixedView<32>(session.exported)));
  }
  return bindings;
}

}  // namespace pocketgss::tools
