# Foreign clients with NTLM of their own at our server: NTLMv2 gets in, NTLMv1 does not, `strict`
# asks for a MIC.
import contextlib

from harness import accounts, certificate, clients
from harness.case import Group
from harness.login import admitted, turned_away
from harness.serve import Serve, running

CURL = clients.curl(f"{accounts.DOMAIN}\\{accounts.USER}")
CURL_INITIAL_RESPONSE = clients.curl(accounts.USER, "--sasl-ir")


class Peers:
    def __init__(self, tools, servers, authority):
        self.tools, self.servers, self.authority = tools, servers, authority


@contextlib.contextmanager
def _servers(state, tools):
    tls = certificate.make(state / "tls")
    with running(
        Serve(tools, state, "default"),
        Serve(tools, state, "strict", "--policy", "strict"),
        Serve(tools, state, "tls", tls=tls),
    ) as servers:
        yield Peers(tools, servers, tls.authority)


group = Group("clients", _servers)
GROUPS = [group]


def _register(name, needs, client, strict_row):
    @group.case(f"{name}-NTLM", needs=(needs,))
    def right(peers):
        admitted(peers.tools, peers.servers["default"], client, "NTLM")
        return "NTLMv2, in"

    @group.case(f"{name}-NTLM-wrong-password", needs=(needs,))
    def wrong(peers):
        reason = turned_away(peers.tools, peers.servers["default"], client, log_words=["alice"])
        return f"535, log: {reason}"

    @group.case(f"{name}-NTLM-strict", needs=(needs,))
    def strict(peers):
        """Policy row P3 where the flags are not those of `strict`, P4 where no MIC is claimed."""
        reason = turned_away(
            peers.tools,
            peers.servers["strict"],
            client,
            accounts.PASSWORD,
            [f"{strict_row}: "],
        )
        return f"refused, log: {reason}"


_register("curl", "curl", CURL, "P3")
_register("curl-initial-response", "curl", CURL_INITIAL_RESPONSE, "P3")
_register("nodemailer", "nodemailer", clients.nodemailer, "P4")
_register("javamail", "javamail", clients.javamail, "P3")


def _register_v1(name, client):
    @group.case(f"{name}-NTLMv1", needs=(name, "curl"))
    def refused(peers):
        """Policy row P2. An NTLMv2 client gets in at the same server in the same case."""
        server = peers.servers["default"]
        reason = turned_away(peers.tools, server, client, accounts.PASSWORD, ["NTLMv1"])
        admitted(peers.tools, server, CURL, "NTLM")
        return f"535, and curl with NTLMv2 in; log: {reason}"


_register_v1("msmtp", clients.msmtp)
_register_v1("swaks", clients.swaks)


@group.case("curl-NTLM-starttls", needs=("curl", "openssl"))
def _curl_tls(peers):
    client = clients.curl(accounts.USER, "--ssl-reqd", "--cacert", str(peers.authority))
    login = admitted(peers.tools, peers.servers["tls"], client, "NTLM", tls=True)
    reason = turned_away(peers.tools, peers.servers["tls"], client, log_words=["alice"])
    return f"{login.log_line.partition('mechanism=')[2]}; with a wrong password: {reason}"
