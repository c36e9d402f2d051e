// A program of somebody else's, built against the installed library alone.
#include <pocketgss/context.h>

#include <cstdio>

int main() {
  auto runtime = pocketgss::Runtime::create();
  if (!runtime.has_value()) {
    std::puts(pocketgss::describe(runtime.error()).c_str());
    return 1;
  }
  pocketgss::FixedBytes<16> random;
  if (!runtime.value().random().fill(random).has_value()) return 1;
  std::puts("consumer: ok");
}
