# Foreign peers against each other: where these fail the machine is at fault, not PocketGSS.
import contextlib

from harness import accounts, clients, postfix, winbind
from harness.case import Failed, Group
from harness.drivers import Drivers
from harness.exchange import closing, compare_keys, establish, refused
from harness.smtp import SmtpSession
from harness.tokens import NtlmAuth


class Peers(Drivers):
    def __init__(self, tools, state, posts, samba):
        super().__init__(tools, state)
        self.tools, self._folder, self.postfix, self._samba = tools, state, posts, samba

    def samba_acceptor(self, mechanism):
        return NtlmAuth(
            "ntlm_auth acceptor",
            mechanism,
            initiator=False,
            environment=self._samba.environment,
            log=self._folder / "ntlm_auth.log",
        )

    @property
    def samba_user(self):
        return f"{self._samba.domain}\\{accounts.USER}"


@contextlib.contextmanager
def _servers(state, tools):
    with winbind.running(state) as samba, postfix.running(state) as posts:
        yield Peers(tools, state, posts, samba)


group = Group("control", _servers)
GROUPS = [group]


def _register(mechanism):
    @group.case(f"gss-ntlmssp-to-ntlm_auth-{mechanism}", needs=("gss-ntlmssp", "samba"))
    def right(peers):
        with closing(
            peers.gss_initiator(mechanism, user=peers.samba_user), peers.samba_acceptor(mechanism)
        ) as (one, other):
            establish(one, other)
            compare_keys(one, other)
            return f"in as {other.account}, keys equal"

    @group.case(
        f"gss-ntlmssp-to-ntlm_auth-{mechanism}-wrong-password", needs=("gss-ntlmssp", "samba")
    )
    def wrong(peers):
        initiator = peers.gss_initiator(mechanism, accounts.WRONG_PASSWORD, user=peers.samba_user)
        with closing(initiator, peers.samba_acceptor(mechanism)) as (one, other):
            return f"refused: {refused(one, other).reason}"


for _mechanism in ("ntlm", "spnego"):
    _register(_mechanism)


@group.case("gss-ntlmssp-to-postfix-GSSAPI", needs=("gss-ntlmssp", "postfix", "cyrus-sasl"))
def _postfix_gssapi(peers):
    with closing(peers.gss_initiator("spnego")) as (peer,):
        session = SmtpSession(peers.postfix.port)
        code, text = session.authenticate("GSSAPI", peer)
        if code != 235:
            raise Failed(f"{code} {text}\n{session.transcript()}")
        session.deliver()
        return f"{code} {text}"


def _register_client(name, needs, client):
    @group.case(f"{name}-to-postfix-NTLM", needs=(needs, "postfix", "cyrus-sasl"))
    def right(peers):
        subject = f"control {name}"
        outcome = client(peers.tools, peers.postfix.port, accounts.PASSWORD, subject)
        if outcome.code != 0:
            raise Failed(f"{name}: {outcome.output.strip()}")
        peers.postfix.sink.wait_message(subject)
        return "in, and the message arrived"


for _name, _needs, _client in (
    ("curl", "curl", clients.curl(accounts.USER)),
    ("nodemailer", "nodemailer", clients.nodemailer),
    ("javamail", "javamail", clients.javamail),
    ("msmtp", "msmtp", clients.msmtp),
    ("swaks", "swaks", clients.swaks),
    ("mailkit", "dotnet", clients.dotnet("mailkit-ntlm")),
):
    _register_client(_name, _needs, _client)
