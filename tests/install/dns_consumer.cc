// A program of somebody else's that finds KDCs by DNS. It asks nobody: there is no such realm.
#include <pocketgss/dns_kdcs.h>

#include <cstdio>

int main() {
  pocketgss::DnsKdcs dns;
  const auto found = dns.kdcs("no domain", std::chrono::milliseconds(100));
  if (found.has_value() || found.error().code != pocketgss::Errc::kUnreachable) return 1;
  std::puts("consumer of dns: ok");
}
