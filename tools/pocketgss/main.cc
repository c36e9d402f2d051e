// The program pocketgss.
#include "tools/pocketgss/cli.h"

int main(int argc, char** argv) {
  return pocketgss::tools::run_cli(argc, argv);
}
