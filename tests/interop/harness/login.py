# One foreign client at our server: in with the right password, refused with a wrong one, each seen
# on the wire, in the log and in the Maildir.
import itertools

from . import accounts
from .case import Failed
from .tap import Tap

_numbers = itertools.count(1)


class Login:
    """A run of a client through a tap, and what came of it."""

    def __init__(self, tools, server, client, password):
        self.subject = f"interop {next(_numbers)}"
        self.server = server
        self.log_start = server.log_size()
        self.tap = Tap(server.port)
        self.outcome = client(tools, self.tap.port, password, self.subject)
        self.message = server.message(self.subject)
        self.tap.close()
        self.log_line = ""  # of the login, where there was one

    def encrypted(self):
        return "STARTTLS" in self.tap.lines()

    def fail(self, reason):
        output = "\n".join(
            f"    | {line}" for line in self.outcome.output.strip().splitlines()[-8:]
        )
        raise Failed(f"{reason}\n    -- client\n{output}\n    -- dialogue\n{self.tap.transcript()}")


def admitted(
    tools,
    server,
    client,
    mechanism,
    *,
    tls=False,
    account=accounts.USER,
    logged="{}/NTLM",
    mails=True,
):
    """The client logs in by `mechanism` (as the client spells it) and its message is delivered
    under the account's name; the log calls the login `logged`. With `tls` the client must have used
    STARTTLS, and only the log tells the mechanism. Without `mails` it only logs in."""
    login = Login(tools, server, client, accounts.PASSWORD)
    if login.outcome.code != 0:
        login.fail("not sent")
    if login.encrypted() != tls:
        login.fail("no STARTTLS" if tls else "STARTTLS, which was not asked for")
    if not tls and mechanism not in [name for name, _ in login.tap.auth_commands()]:
        login.fail(f"no AUTH {mechanism}")
    if not tls and not login.tap.replies(235):
        login.fail("no 235")
    if mails:
        _check_message(login, account)
    login.log_line = server.wait_logged(
        login.log_start,
        [f"login: user='{account}'", f"mechanism={logged.format(mechanism)}", "tls="],
    )
    if login.log_line is None or tls == ("tls=none" in login.log_line):
        login.fail("no log line of this login")
    return login


def _check_message(login, account):
    if login.message is None:
        login.fail("sent, but not in the Maildir")
    if f"(authenticated as {account})" not in login.message or "sent by " not in login.message:
        login.fail("the Received field does not name the account, or the text is not there")


def turned_away(tools, server, client, password=accounts.WRONG_PASSWORD, log_words=()):
    """The client is refused with 535, nothing is delivered, and the log holds these words in one
    line. Returns its reason."""
    login = not_sent(tools, server, client, password)
    if not login.encrypted() and (login.tap.replies(235) or not login.tap.replies(535)):
        login.fail("not answered with 535")
    line = server.wait_logged(login.log_start, log_words)
    if line is None:
        login.fail(f"no log line holds {' and '.join(log_words)}")
    if accounts.PASSWORD in line or password in line:
        login.fail("the log holds a password")
    return line.partition("reason: ")[2]


def not_sent(tools, server, client, password=accounts.PASSWORD):
    """Nothing is delivered, and the client says so."""
    login = Login(tools, server, client, password)
    if login.message is not None:
        login.fail("delivered, and must not be")
    if login.outcome.code == 0:
        login.fail("the client believes that it sent its message")
    return login
