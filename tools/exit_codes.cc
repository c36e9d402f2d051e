// The table of exit codes for --help.
#include "tools/exit_codes.h"

namespace pocketgss::tools {

const char* const kExitCodeHelp =
    "Exit codes (sysexits.h):\n"
    "   0  done\n"
    "  64  the command line is wrong, or a password is needed and there is no terminal\n"
    "  65  the input is not valid (token, password, message, certificate, key table, ...)\n"
    "  66  an input file is missing or cannot be read\n"
    "  67  no such account, or a recipient was refused\n"
    "  68  the server's name has no address\n"
    "  69  no server listens there, it does not offer what is needed or refuses the mail; no\n"
    "      such service in the realm; or the address is in use\n"
    "  70  an error of this program: please report it\n"
    "  71  the operating system refused something basic\n"
    "  73  an output file or folder cannot be made\n"
    "  74  reading or writing failed, or the connection broke\n"
    "  75  a temporary failure: try again later\n"
    "  76  the peer broke the protocol, or its certificate is not trusted\n"
    "  77  the login was refused\n"
    "  78  the settings contradict each other or the policy, or the user file is not valid\n";

}  // namespace pocketgss::tools
