# Kerberos contexts of ours with MIT's GSS-API, Heimdal's and the JDK's, in both roles, bare and inside
# SPNEGO: each etype, with and without mutual authentication, messages both ways, channel bindings.
import contextlib
import dataclasses
import functools

from harness import accounts
from harness.case import Failed, Group
from harness.exchange import (
    closing,
    compare_keys,
    compare_pseudo_random,
    establish,
    exchange_messages,
    refused,
)
from harness.kdc import ETYPES, REALM, MitKdc, running
from harness.keytab import add_keys
from harness.kerberos_drivers import MUTUAL, ONE_WAY, KerberosDrivers

BINDING = b"tls-server-end-point:" + b"\x11" * 32
OTHER_BINDING = b"tls-server-end-point:" + b"\x22" * 32
REQUIRED = ("--channel-binding", "require")
RC4 = ("--allow-rc4", "yes")
MECHANISMS = ("krb5", "spnego")


def _host(etype):
    """A service whose only key is of this etype, and so are the session keys."""
    return f"e{etype}.example.test"


HOST = _host(18)


@contextlib.contextmanager
def _servers(state, tools):
    kdc = MitKdc(state / "kdc")
    kdc.create()
    kdc.add_user(accounts.USER)
    files = ("tickets", "keytab", "other-keytab", "elsewhere-keytab")
    ccache, keytab, other, elsewhere = (state / name for name in files)
    names = [f"smtp/{_host(etype)}" for etype in ETYPES]
    for etype, name in zip(ETYPES, names):
        kdc.add_service(name, etypes=(etype,))
    kdc.keytab(keytab, *names)
    kdc.keytab(elsewhere, f"smtp/{_host(17)}")
    add_keys(tools, other, [f"{name}@{REALM}" for name in names])
    with running(kdc):
        kdc.run("kinit", "-c", str(ccache), accounts.USER, stdin=accounts.PASSWORD)
        kdc.run("kvno", "-c", str(ccache), *names)
        tables = {"own": keytab, "other": other, "elsewhere": elsewhere}
        yield {
            name: KerberosDrivers(tools, state, kdc.environment, ccache, table)
            for name, table in tables.items()
        }


group = Group("kgss", _servers)
GROUPS = [group]


@dataclasses.dataclass(frozen=True)
class Foreign:
    """`driver` is a method of KerberosDrivers. `keys`: it shows its session key. `follows`: as an
    initiator without mutual authentication it knows where the acceptor's sequence numbers begin.
    `full_key`: without mutual authentication it has the full key of GSS_Pseudo_random too.
    `slow`: it takes a second to start."""

    name: str
    driver: str
    needs: tuple
    keys: bool = True
    follows: bool = True
    full_key: bool = True
    slow: bool = False


FOREIGN = (
    Foreign("MIT", "mit", ("krb5kdc", "krb5-gssapi")),
    Foreign("Heimdal", "heimdal", ("krb5kdc", "heimdal-gssapi"), follows=False, full_key=False),
    Foreign("JDK", "jdk", ("krb5kdc", "javamail"), keys=False, slow=True),
)


def _pair(
    peers,
    foreign,
    ours_initiates,
    mechanism,
    host,
    *,
    flags=MUTUAL,
    options=(),
    binding=(None, None),
    keytab="own",
):
    """(initiator, acceptor); `binding` is ours and theirs, `keytab` the acceptor's."""
    theirs = getattr(peers[keytab if ours_initiates else "own"], foreign.driver)
    ours = peers["own" if ours_initiates else keytab].ours
    if ours_initiates:
        return (
            ours("initiate", mechanism, host, flags=flags, binding=binding[0], options=options),
            theirs("accept", mechanism, host, binding=binding[1]),
        )
    return (
        theirs("initiate", mechanism, host, flags=flags, binding=binding[1]),
        ours("accept", mechanism, host, binding=binding[0], options=options),
    )


def _refused(both, by_initiator=False):
    """Kerberos is refused at its first token, or not even asked for."""
    return refused(*both, by=both[0 if by_initiator else 1], after=0 if by_initiator else 1)


def _is_mutual(peer):
    """What its context says of GSS_C_MUTUAL_FLAG, which the JDK has a word for."""
    known = dict(word.partition("=")[::2] for word in peer.info().split())
    return known["mutual"] == "true" if "mutual" in known else bool(int(known["flags"], 16) & 2)


def _check_mutual(sent, peers, mutual, mechanism):
    """Row P11: both sides say so, and bare there is an AP-REP only where it is asked for."""
    for peer in peers:
        if _is_mutual(peer) != mutual:
            raise Failed(f"{peer.side} with{'out' if mutual else ''} mutual: {peer.info()}")
    if mechanism == "krb5" and len(sent) != (2 if mutual else 1):
        raise Failed(f"{len(sent)} tokens {'with' if mutual else 'without'} mutual authentication")


def _together(foreign, mechanism, initiator, acceptor, *, back=True, mutual=True):
    sent = establish(initiator, acceptor)
    _check_mutual(sent, (initiator, acceptor), mutual, mechanism)
    if foreign.keys:
        compare_keys(initiator, acceptor)
        compare_pseudo_random(
            initiator, acceptor, (False, True) if mutual or foreign.full_key else (True,)
        )
    exchange_messages(initiator, acceptor, signed=True, back=back)


def _modes(foreign, etype, mechanism):
    """With and without mutual authentication; of a slow peer one bare, the other inside SPNEGO."""
    modes = [("mutual", MUTUAL), ("one-way", ONE_WAY)]
    return [modes[(etype + MECHANISMS.index(mechanism)) % 2]] if foreign.slow else modes


def _register(foreign, ours_initiates, mechanism):
    there = f"initiator-to-{foreign.name}" if ours_initiates else f"{foreign.name}-to-acceptor"
    name = f"{there}-{mechanism}"
    pair = functools.partial(
        _pair, foreign=foreign, ours_initiates=ours_initiates, mechanism=mechanism
    )

    for etype in ETYPES:

        @group.case(f"{name}-etype-{etype}", needs=foreign.needs)
        def works(peers, etype=etype):
            done = []
            for what, flags in _modes(foreign, etype, mechanism):
                back = flags == MUTUAL or ours_initiates or foreign.follows
                options = RC4 if etype == 23 else ()
                with closing(*pair(peers, host=_host(etype), flags=flags, options=options)) as both:
                    _together(foreign, mechanism, *both, back=back, mutual=flags == MUTUAL)
                done.append(f"{what}: wrap, unwrap and MIC " + ("both ways" if back else "one way"))
            return "; ".join(("keys and pseudo-random octets equal", *done) if foreign.keys else done)

    @group.case(f"{name}-etype-23-not-allowed", needs=foreign.needs)
    def rc4(peers):
        with closing(*pair(peers, host=_host(23))) as both:
            reason = _refused(both, ours_initiates).reason
        # The ticket in our cache is passed over, so another one is asked for; an acceptor names the row.
        expected = "a KDC is asked for" if ours_initiates else "P10"
        if expected not in reason:
            raise Failed(f"refused, but not for the policy row: {reason}")
        return f"refused: {reason}"

    @group.case(f"{name}-wrong-key", needs=foreign.needs)
    def wrong_key(peers):
        with closing(*pair(peers, host=HOST, keytab="other")) as both:
            return f"refused: {_refused(both).reason}"

    @group.case(f"{name}-wrong-name", needs=foreign.needs)
    def wrong_name(peers):
        """The ticket is for another host than the one whose key the acceptor has."""
        with closing(*pair(peers, host=HOST, keytab="elsewhere")) as both:
            return f"refused: {_refused(both).reason}"

    @group.case(f"{name}-channel-binding", needs=foreign.needs)
    def bound(peers):
        options = () if ours_initiates else REQUIRED
        with closing(*pair(peers, host=HOST, binding=(BINDING, BINDING), options=options)) as both:
            _together(foreign, mechanism, *both)
            if not ours_initiates and "channel_bound=1" not in both[1].info():
                raise Failed(f"not bound: {both[1].info()}")
        with closing(*pair(peers, host=HOST, binding=(BINDING, OTHER_BINDING))) as both:
            wrong = _refused(both).reason
        return f"in; a wrong one refused: {wrong}"

    if not ours_initiates:

        @group.case(f"{name}-no-channel-binding", needs=foreign.needs)
        def unbound(peers):
            """Policy row P5: without bindings in, unless they are required."""
            with closing(*pair(peers, host=HOST, binding=(BINDING, None))) as both:
                establish(*both)
            with closing(
                *pair(peers, host=HOST, binding=(BINDING, None), options=REQUIRED)
            ) as both:
                return f"in; where required refused: {_refused(both).reason}"

        @group.case(f"{name}-waits-after-a-restart", needs=foreign.needs)
        def waits(peers):
            """Row KRA-11: only mutual authentication gets in before the replay cache can tell."""
            again = ("--first-start", "no")
            with closing(*pair(peers, host=HOST, options=again)) as both:
                establish(*both)
            with closing(*pair(peers, host=HOST, options=again, flags=ONE_WAY)) as both:
                return f"with mutual authentication in, without refused: {_refused(both).reason}"


for _foreign in FOREIGN:
    for _ours_initiates in (True, False):
        for _mechanism in MECHANISMS:
            _register(_foreign, _ours_initiates, _mechanism)
