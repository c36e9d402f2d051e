// Exit codes of the program: those of sysexits.h, by what the user can do about them.
#ifndef PGSS_TOOLS_EXIT_CODES_H_
#define PGSS_TOOLS_EXIT_CODES_H_

namespace pocketgss::tools {

enum class ExitCode : int {
  kOk = 0,
  kUsage = 64,        // EX_USAGE: the command line; --help tells more
  kDataError = 65,    // EX_DATAERR: the input (a token, a password, a message) is not valid
  kNoInput = 66,      // EX_NOINPUT: an input file is missing or cannot be read
  kNoUser = 67,       // EX_NOUSER: no such account; or the server refuses a recipient
  kNoHost = 68,       // EX_NOHOST: the server's name has no address
  kUnavailable = 69,  // EX_UNAVAILABLE: the peer does not offer what is needed
  kSoftware = 70,     // EX_SOFTWARE: a bug of ours, to be reported
  kOsError = 71,      // EX_OSERR: the operating system refused something basic
  kCantCreate = 73,   // EX_CANTCREAT: an output file or folder cannot be made
  kIoError = 74,      // EX_IOERR: reading or writing failed, or the connection broke
  kTempFail = 75,     // EX_TEMPFAIL: not now; try again later
  kProtocol = 76,     // EX_PROTOCOL: the peer broke the protocol, or its certificate is not trusted
  kNoPermission = 77,  // EX_NOPERM: the login was refused
  kConfig = 78,        // EX_CONFIG: the settings contradict each other or this program's policy
};

// kExitCodeHelp is the table that every --help ends with.
extern const char* const kExitCodeHelp;

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_EXIT_CODES_H_
