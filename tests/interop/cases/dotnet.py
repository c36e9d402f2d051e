# .NET's SmtpClient and MailKit at our server, with .NET's own SPNEGO and NTLM: the one foreign
# client that speaks [MS-SSEAN].
import base64
import contextlib

from harness import accounts, certificate, clients
from harness.case import Failed, Group
from harness.login import admitted, turned_away
from harness.serve import Serve, running

SMTP_CLIENT = clients.dotnet("smtpclient")
MAILKIT = clients.dotnet("mailkit-ntlm")
MAILKIT_NATIVE = clients.dotnet("mailkit-ntlm-native")


class Peers:
    def __init__(self, tools, servers, authority):
        self.tools, self.servers, self.authority = tools, servers, authority


@contextlib.contextmanager
def _servers(state, tools):
    tls = certificate.make(state / "tls")
    with running(
        Serve(tools, state, "default"),
        Serve(tools, state, "tls", tls=tls),
        Serve(tools, state, "early", "--early-success"),
        Serve(tools, state, "strict", "--policy", "strict"),
        Serve(tools, state, "ntlm", "--mechs", "NTLM"),
        Serve(tools, state, "ntlm-strict", "--mechs", "NTLM", "--policy", "strict"),
    ) as servers:
        yield Peers(tools, servers, tls.authority)


# Without libgssapi .NET falls back to its own SPNEGO, with NTLM alone inside.
group = Group("dotnet", _servers, hidden=("/usr/lib/*/libgssapi_krb5.so.2*",))
GROUPS = [group]


def _register(name, server, client, mechanism, check=lambda login: ""):
    @group.case(name, needs=("dotnet",))
    def right(peers):
        login = admitted(peers.tools, peers.servers[server], client, mechanism)
        return f"AUTH {mechanism}, in{check(login)}"

    @group.case(f"{name}-wrong-password", needs=("dotnet",))
    def wrong(peers):
        reason = turned_away(peers.tools, peers.servers[server], client, log_words=["alice"])
        return f"535, log: {reason}"


def _last_token_in_334(login):
    """SSEAN-W2, default: NegTokenResp with accept-completed in a 334, answered by an empty line."""
    if _count_challenges(login) != 2 or "" not in login.tap.lines():
        login.fail("expected two 334 and an empty line")
    return ", last token in a 334"


def _early_success(login):
    """SSEAN-W2, section 4.1: the 235 takes the last token's place."""
    if _count_challenges(login) != 1:
        login.fail("expected one 334")
    return ", 235 in the last token's place"


def _carries_spnego(login):
    """Quirk A27: the initial response under NTLM is a NegTokenInit."""
    token = base64.b64decode(login.tap.auth_commands()[0][1])
    if token[:1] != b"\x60":
        raise Failed(f"the first token is no NegTokenInit: {token[:16].hex()}")
    if _count_challenges(login) != 1:
        login.fail("expected one 334")
    return ", SPNEGO under NTLM"


def _count_challenges(login):
    return len(login.tap.replies(334))


_register("SmtpClient-GSSAPI-last-token", "default", SMTP_CLIENT, "gssapi", _last_token_in_334)
_register("SmtpClient-GSSAPI-early-success", "early", SMTP_CLIENT, "gssapi", _early_success)
_register("SmtpClient-GSSAPI-strict", "strict", SMTP_CLIENT, "gssapi", _last_token_in_334)
_register("SmtpClient-NTLM-carrying-SPNEGO", "ntlm", SMTP_CLIENT, "ntlm", _carries_spnego)
_register("MailKit-NTLM", "default", MAILKIT, "NTLM")
_register("MailKit-NTLM-native", "default", MAILKIT_NATIVE, "NTLM")
_register("MailKit-NTLM-strict", "strict", MAILKIT, "NTLM")


@group.case("SmtpClient-NTLM-carrying-SPNEGO-strict", needs=("dotnet",))
def _spnego_under_ntlm_strict(peers):
    """Quirk A27: refused at `strict`, and the log says so."""
    reason = turned_away(
        peers.tools, peers.servers["ntlm-strict"], SMTP_CLIENT, accounts.PASSWORD, ["SPNEGO"]
    )
    return f"refused, log: {reason}"


def _register_tls(name, kind, mechanism):
    @group.case(name, needs=("dotnet", "openssl"))
    def right(peers):
        client = clients.dotnet(kind, peers.authority)
        login = admitted(peers.tools, peers.servers["tls"], client, mechanism, tls=True)
        return login.log_line.partition("mechanism=")[2]

    @group.case(f"{name}-wrong-password", needs=("dotnet", "openssl"))
    def wrong(peers):
        client = clients.dotnet(kind, peers.authority)
        reason = turned_away(peers.tools, peers.servers["tls"], client, log_words=["alice"])
        return f"535, log: {reason}"


_register_tls("SmtpClient-GSSAPI-starttls", "smtpclient", "gssapi")
_register_tls("MailKit-NTLM-starttls", "mailkit-ntlm", "NTLM")
