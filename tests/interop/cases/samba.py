# Our initiator and acceptor with Samba's ntlm_auth: raw NTLM and SPNEGO, session keys compared,
# mechListMIC both ways.
import contextlib

from harness import accounts, winbind
from harness.case import Failed, Group
from harness.drivers import Drivers
from harness.exchange import closing, compare_keys, establish, refused
from harness.tokens import NtlmAuth

NEEDS = ("samba",)
STRICT = ("--policy", "strict")


class Peers(Drivers):
    def __init__(self, tools, state, samba):
        super().__init__(tools, state)
        self._samba, self._folder = samba, state

    def our_initiator(self, mechanism, password=accounts.PASSWORD, options=()):
        user = f"{self._samba.domain}\\{accounts.USER}"
        return super().our_initiator(mechanism, password, user=user, options=options)

    def samba_acceptor(self, mechanism):
        return NtlmAuth(
            "ntlm_auth",
            mechanism,
            initiator=False,
            environment=self._samba.environment,
            log=self._folder / "ntlm_auth.log",
        )

    def samba_initiator(self, mechanism, password=accounts.PASSWORD):
        credentials = [
            f"--username={accounts.USER}",
            f"--domain={accounts.DOMAIN}",
            f"--password={password}",
        ]
        return NtlmAuth(
            "ntlm_auth",
            mechanism,
            initiator=True,
            credentials=credentials,
            environment=self._samba.environment,
            log=self._folder / "ntlm_auth.log",
        )


@contextlib.contextmanager
def _servers(state, tools):
    with winbind.running(state) as samba:
        yield Peers(tools, state, samba)


group = Group("samba", _servers)
GROUPS = [group]


def _established(mechanism, ours, initiator, acceptor):
    sent = establish(initiator, acceptor)
    compare_keys(initiator, acceptor)
    if mechanism == "ntlm":
        return "keys equal"
    if len(sent) != 4:
        raise Failed(f"{len(sent)} tokens; the acceptor's mechListMIC makes the fourth")
    if "mech_list_mic=1" not in ours.info():
        raise Failed(f"our side did not verify a mechListMIC: {ours.info()}")
    # ntlm_auth, which asked for signing, checks ours itself
    return "keys equal, mechListMIC both ways"


def _register(mechanism):
    @group.case(f"initiator-to-ntlm_auth-{mechanism}", needs=NEEDS)
    def initiator(peers):
        with closing(peers.our_initiator(mechanism), peers.samba_acceptor(mechanism)) as (
            ours,
            theirs,
        ):
            detail = _established(mechanism, ours, ours, theirs)
            return f"in as {theirs.account}, {detail}"

    @group.case(f"initiator-to-ntlm_auth-{mechanism}-wrong-password", needs=NEEDS)
    def initiator_wrong(peers):
        with closing(
            peers.our_initiator(mechanism, accounts.WRONG_PASSWORD), peers.samba_acceptor(mechanism)
        ) as pair:
            return f"refused: {refused(*pair).reason}"

    @group.case(f"ntlm_auth-to-acceptor-{mechanism}", needs=NEEDS)
    def acceptor(peers):
        with closing(peers.our_acceptor(mechanism), peers.samba_initiator(mechanism)) as (
            ours,
            theirs,
        ):
            detail = _established(mechanism, ours, theirs, ours)
            if " mic=1" not in ours.info():
                raise Failed(f"no MIC verified: {ours.info()}")
            return f"{detail}, MIC verified"

    @group.case(f"ntlm_auth-to-acceptor-{mechanism}-wrong-password", needs=NEEDS)
    def acceptor_wrong(peers):
        with closing(
            peers.samba_initiator(mechanism, accounts.WRONG_PASSWORD), peers.our_acceptor(mechanism)
        ) as pair:
            return f"refused: {refused(*pair).reason}"

    @group.case(f"both-ways-{mechanism}-strict", needs=NEEDS)
    def strict(peers):
        """Policy rows P3 and P4: ntlm_auth has all that `strict` asks for."""
        ours = peers.our_initiator(mechanism, options=STRICT)
        with closing(ours, peers.samba_acceptor(mechanism)) as (ours, theirs):
            _established(mechanism, ours, ours, theirs)
        ours = peers.our_acceptor(mechanism, options=STRICT)
        with closing(ours, peers.samba_initiator(mechanism)) as (ours, theirs):
            _established(mechanism, ours, theirs, ours)
        return "in"


for _mechanism in ("ntlm", "spnego"):
    _register(_mechanism)
