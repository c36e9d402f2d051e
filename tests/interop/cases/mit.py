# Our initiator and acceptor with MIT's mechglue and gss-ntlmssp: raw NTLM and SPNEGO, keys
# compared, messages wrapped and signed both ways, channel bindings.
import contextlib

from harness import accounts, namespace
from harness.case import Failed, Group
from harness.drivers import Drivers
from harness.exchange import closing, compare_keys, establish, exchange_messages, refused

NEEDS = ("gss-ntlmssp",)
BINDING = ("--binding", b"tls-server-end-point:".hex() + "11" * 32)
OTHER_BINDING = ("--binding", b"tls-server-end-point:".hex() + "22" * 32)
STRICT = ("--policy", "strict")
REQUIRED = ("--channel-binding", "require")


@contextlib.contextmanager
def _servers(state, tools):
    namespace.private_folder(
        "/run/samba"
    )  # where a winbindd answers, gss-ntlmssp takes its names from it
    yield Drivers(tools, state)


group = Group("mit", _servers)
GROUPS = [group]


def _together(initiator, acceptor):
    establish(initiator, acceptor)
    compare_keys(initiator, acceptor)
    exchange_messages(initiator, acceptor)
    return "keys equal; wrap, unwrap and MIC both ways"


def _register(mechanism):
    @group.case(f"initiator-to-gss-ntlmssp-{mechanism}", needs=NEEDS)
    def initiator(peers):
        with closing(peers.our_initiator(mechanism), peers.gss_acceptor(mechanism)) as pair:
            return _together(*pair)

    @group.case(f"initiator-to-gss-ntlmssp-{mechanism}-wrong-password", needs=NEEDS)
    def initiator_wrong(peers):
        with closing(
            peers.our_initiator(mechanism, accounts.WRONG_PASSWORD), peers.gss_acceptor(mechanism)
        ) as pair:
            return f"refused: {refused(*pair).reason}"

    @group.case(f"initiator-to-gss-ntlmssp-{mechanism}-channel-binding", needs=NEEDS)
    def initiator_bound(peers):
        ours = peers.our_initiator(mechanism, options=BINDING)
        with closing(ours, peers.gss_acceptor(mechanism, options=BINDING)) as pair:
            return _together(*pair)

    @group.case(f"initiator-to-gss-ntlmssp-{mechanism}-wrong-channel-binding", needs=NEEDS)
    def initiator_bound_wrong(peers):
        ours = peers.our_initiator(mechanism, options=OTHER_BINDING)
        with closing(ours, peers.gss_acceptor(mechanism, options=BINDING)) as pair:
            return f"refused: {refused(*pair).reason}"

    @group.case(f"gss-ntlmssp-to-acceptor-{mechanism}", needs=NEEDS)
    def acceptor(peers):
        with closing(peers.gss_initiator(mechanism), peers.our_acceptor(mechanism)) as pair:
            return _together(*pair)

    @group.case(f"gss-ntlmssp-to-acceptor-{mechanism}-wrong-password", needs=NEEDS)
    def acceptor_wrong(peers):
        with closing(
            peers.gss_initiator(mechanism, accounts.WRONG_PASSWORD), peers.our_acceptor(mechanism)
        ) as pair:
            return f"refused: {refused(*pair).reason}"

    @group.case(f"gss-ntlmssp-to-acceptor-{mechanism}-channel-binding", needs=NEEDS)
    def acceptor_bound(peers):
        ours = peers.our_acceptor(mechanism, options=(*BINDING, *REQUIRED))
        with closing(peers.gss_initiator(mechanism, options=BINDING), ours) as pair:
            detail = _together(*pair)
            if "channel_bound=1" not in ours.info():
                raise Failed(f"not bound: {ours.info()}")
            return f"{detail}; bound"

    @group.case(f"gss-ntlmssp-to-acceptor-{mechanism}-wrong-channel-binding", needs=NEEDS)
    def acceptor_bound_wrong(peers):
        ours = peers.our_acceptor(mechanism, options=BINDING)
        with closing(peers.gss_initiator(mechanism, options=OTHER_BINDING), ours) as pair:
            return f"refused: {refused(*pair).reason}"

    @group.case(f"gss-ntlmssp-to-acceptor-{mechanism}-no-channel-binding", needs=NEEDS)
    def acceptor_bound_missing(peers):
        """Policy row P5: without bindings in, unless they are required."""
        with closing(
            peers.gss_initiator(mechanism), peers.our_acceptor(mechanism, options=BINDING)
        ) as pair:
            establish(*pair)
        ours = peers.our_acceptor(mechanism, options=(*BINDING, *REQUIRED))
        with closing(peers.gss_initiator(mechanism), ours) as pair:
            return f"in; where required refused: {refused(*pair).reason}"


for _mechanism in ("ntlm", "spnego"):
    _register(_mechanism)


@group.case("both-ways-spnego-strict", needs=NEEDS)
def _strict(peers):
    """Policy rows P3 and P4: under SPNEGO gss-ntlmssp sends the MIC that `strict` asks for."""
    with closing(
        peers.our_initiator("spnego", options=STRICT), peers.gss_acceptor("spnego")
    ) as pair:
        _together(*pair)
    with closing(
        peers.gss_initiator("spnego"), peers.our_acceptor("spnego", options=STRICT)
    ) as pair:
        return _together(*pair)


@group.case("gss-ntlmssp-to-acceptor-ntlm-strict", needs=NEEDS)
def _strict_without_mic(peers):
    """Policy row P4: alone, gss-ntlmssp sends no MIC."""
    with closing(peers.gss_initiator("ntlm"), peers.our_acceptor("ntlm", options=STRICT)) as pair:
        refusal = refused(*pair)
    if "P4" not in refusal.reason:
        raise Failed(f"refused, but not for the policy row: {refusal.reason}")
    return f"refused: {refusal.reason}"
