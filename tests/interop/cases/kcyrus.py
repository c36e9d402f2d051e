# SASL security layers of RFC 4752 with Kerberos: both our ends with Cyrus SASL over MIT's GSS-API, by
# tickets of MIT's krb5kdc; the library first, then whole SMTP sessions.
import contextlib

from harness import accounts, clients, serve
from harness.case import Failed, Group
from harness.exchange import closing, establish_sasl, exchange_buffers
from harness.kdc import SERVICE, MitKdc, running
from harness.kerberos_drivers import KerberosDrivers
from harness.keytab import add_keys
from harness.layered_server import LayeredServer
from harness.login import turned_away
from harness.send import send
from harness.smtp import SmtpSession
from harness.tokens import Refused

NEEDS = ("krb5kdc", "cyrus-sasl", "cyrus-sasl-dev")
LAYERS = {"integrity": "2", "confidentiality": "4"}  # as a set of RFC 4752 3.3
NONE = "1"
# Cyrus: integrity is an SSF of 1, confidentiality more.
CYRUS = {
    NONE: ("--max-ssf", "0"),
    "integrity": ("--min-ssf", "1", "--max-ssf", "1"),
    "confidentiality": ("--min-ssf", "2"),
}
ELSEWHERE = "elsewhere.example.test"  # the KDC knows a service there, whose key no server here has
RIGHT, WRONG_KEY = "layers", "wrong-key"  # our servers
UNAVAILABLE, NO_PERMISSION = 69, 77  # of sysexits.h


class Peers:
    """`wrong` are drivers whose acceptors have another key than the KDC's."""

    def __init__(self, tools, servers, environment, ccache, right, wrong):
        self.tools, self.servers, self.ccache = tools, servers, ccache
        self.environment = {**environment, "KRB5CCNAME": f"FILE:{ccache}"}
        self.right, self.wrong = right, wrong

    def send(self, port, *options):
        return send(self.tools, port, "layered", "--ccache", self.ccache, *options)


@contextlib.contextmanager
def _servers(state, tools):
    kdc = MitKdc(state / "kdc")
    kdc.create()
    kdc.add_user(accounts.USER)
    for service in (SERVICE, f"smtp/{ELSEWHERE}"):
        kdc.add_service(service)
    ccache, keytab = state / "tickets", state / "service.keytab"
    kdc.keytab(keytab, SERVICE)
    keytab.chmod(0o600)
    other = add_keys(tools, state / "other.keytab", [f"{SERVICE}@{kdc.realm}"])
    with running(kdc):
        kdc.run("kinit", "-c", ccache, accounts.USER, stdin=accounts.PASSWORD)
        kdc.run("kvno", "-c", ccache, SERVICE, f"smtp/{ELSEWHERE}")
        layered = (
            serve.Serve(
                *(tools, state, name, "--keytab", table, "--first-start"),
                *("--layers", "integrity,confidentiality"),
                users=False,
            )
            for name, table in ((RIGHT, keytab), (WRONG_KEY, other))
        )
        with serve.running(*layered) as servers:
            drivers = (
                KerberosDrivers(tools, state, kdc.environment, ccache, table)
                for table in (keytab, other)
            )
            yield Peers(tools, servers, kdc.environment, ccache, *drivers)


group = Group("kcyrus", _servers)
GROUPS = [group]


def _refused(client, server):
    """The server refuses a ticket that its key table cannot open."""
    with closing(client, server):
        try:
            establish_sasl(client, server)
        except Refused as refusal:
            if refusal.side != server.side:
                raise Failed(f"the wrong refusal: {refusal}") from None
            return str(refusal)
    raise Failed("established, and must not be")


def _layer(ours, theirs, layer):
    client, server = (ours, theirs) if "client" in ours.side else (theirs, ours)
    establish_sasl(client, server)
    ssf = int(theirs.info().partition("ssf=")[2].split()[0])
    if f"layer={layer} " not in ours.info() or (ssf == 1) != (layer == "2"):
        raise Failed(f"ours: {ours.info()}, Cyrus: {theirs.info()}")
    return f"ours {ours.info()}; Cyrus {theirs.info()}"


# GSSAPI-KRB5 is bare Kerberos, all that Cyrus's client of GSSAPI speaks; its server takes both.
_OF_CYRUS = {"GSSAPI-KRB5": "GSSAPI"}


def _register_client(mechanism, name, layer):
    case = f"client-{mechanism}-{name}"

    def pair(peers, at, **host):
        """`at` are the drivers of the server."""
        ours = peers.right.our_sasl("client", mechanism, "--layers", layer, **host)
        return ours, at.cyrus("server", mechanism, *CYRUS[name])

    @group.case(case, needs=NEEDS)
    def client(peers):
        """Our client at Cyrus's server."""
        with closing(*pair(peers, peers.right)) as both:
            detail = _layer(*both, layer)
            exchange_buffers(*both, sealed=name == "confidentiality")
            return detail

    @group.case(f"{case}-wrong-key", needs=NEEDS)
    def wrong_key(peers):
        return _refused(*pair(peers, peers.wrong))

    @group.case(f"{case}-wrong-name", needs=NEEDS)
    def wrong_name(peers):
        return _refused(*pair(peers, peers.right, host=ELSEWHERE))


def _register_send(mechanism, name):
    case, theirs = f"send-{mechanism}-{name}", _OF_CYRUS.get(mechanism, mechanism)

    def send_to(peers, at, *options):
        """`at` are the drivers of the server."""
        server = LayeredServer(theirs, lambda: at.cyrus("server", theirs, *CYRUS[name]))
        try:
            options = ("--mech", mechanism, "--layer", name, *options)
            return peers.send(server.port, *options), server
        finally:
            server.stop()

    @group.case(case, needs=NEEDS)
    def sends(peers):
        """`pocketgss send --layer` at a small server over Cyrus SASL."""
        outcome, server = send_to(peers, peers.right)
        if outcome.code != 0 or "Subject: layered" not in (server.message or ""):
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        if any(line.startswith("MAIL") for line in server.clear):
            raise Failed(f"not within the layer: {server.clear}\n{outcome.output}")
        return "the message arrived within the layer"

    @group.case(f"{case}-wrong-key", needs=NEEDS)
    def wrong_key(peers):
        return _not_sent(*send_to(peers, peers.wrong), NO_PERMISSION, "535")

    @group.case(f"{case}-wrong-name", needs=NEEDS)
    def wrong_name(peers):
        outcome, server = send_to(peers, peers.right, "--spn", f"smtp/{ELSEWHERE}")
        return _not_sent(outcome, server, NO_PERMISSION, "535")


def _not_sent(outcome, server, code, *words):
    if outcome.code != code or any(word not in outcome.output for word in words):
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    if any("MAIL" in line for line in server.lines):
        raise Failed(f"sent all the same: {server.lines}\n{outcome.output}")
    return f"exit code {outcome.code}: {outcome.last_line()}"


def _register_server(mechanism, name, layer):
    case, theirs = f"{mechanism}-{name}", _OF_CYRUS.get(mechanism, mechanism)

    def pair(peers, at, **host):
        """`at` are the drivers of the server."""
        client = peers.right.cyrus("client", theirs, *CYRUS[name], **host)
        return client, at.our_sasl("server", theirs, "--layers", "6")

    @group.case(f"server-{case}", needs=NEEDS)
    def server(peers):
        """Cyrus's client at our server."""
        with closing(*pair(peers, peers.right)) as (client, ours):
            detail = _layer(ours, client, layer)
            exchange_buffers(client, ours, sealed=name == "confidentiality")
            return detail

    @group.case(f"server-{case}-wrong-key", needs=NEEDS)
    def wrong_key(peers):
        return _refused(*pair(peers, peers.wrong))

    @group.case(f"server-{case}-wrong-name", needs=NEEDS)
    def wrong_name(peers):
        return _refused(*pair(peers, peers.right, host=ELSEWHERE))

    def refused_session(peers, server, *words, **host):
        log = server.log_size()
        with closing(peers.right.cyrus("client", theirs, *CYRUS[name], **host)) as (peer,):
            session = SmtpSession(server.port)
            try:
                code, text = session.authenticate(theirs, peer)
                mail, _ = session.command("MAIL FROM:<a@example.test>")
            finally:
                session.close()
        line = server.wait_logged(log, ("refused", *words))
        if code != 535 or mail != 530 or not line:
            raise Failed(f"{code} {text}\n{session.transcript()}\n{server.logged_since(log)}")
        return f"535, log: {line.partition('reason: ')[2]}"

    @group.case(f"serve-{case}-wrong-key", needs=NEEDS)
    def session_wrong_key(peers):
        return refused_session(peers, peers.servers[WRONG_KEY], "Ticket.enc-part")

    @group.case(f"serve-{case}-wrong-name", needs=NEEDS)
    def session_wrong_name(peers):
        return refused_session(peers, peers.servers[RIGHT], "P13", host=ELSEWHERE)

    @group.case(f"serve-{case}", needs=NEEDS)
    def whole_session(peers):
        """A whole session at `pocketgss serve`."""
        server = peers.servers[RIGHT]
        log = server.log_size()
        with closing(peers.right.cyrus("client", theirs, *CYRUS[name])) as (peer,):
            session = SmtpSession(server.port)
            try:
                code, text = session.authenticate(theirs, peer)
                if code != 235:
                    raise Failed(f"{code} {text}\n{session.transcript()}")
                session.protect(peer)
                session.deliver()
            finally:
                session.close()
        if not server.message("by the harness"):
            raise Failed(f"no message\n{session.transcript()}")
        line = server.wait_logged(log, ["login:", "Kerberos", f"layer={name}"])
        if not line:
            raise Failed(f"the log has no such layer\n{server.logged_since(log)}")
        return "delivered within the layer"


for _name, _layers in LAYERS.items():
    for _mechanism in ("GSSAPI", "GSS-SPNEGO"):
        _register_client(_mechanism, _name, _layers)
    for _mechanism in ("GSSAPI-KRB5", "GSSAPI", "GSS-SPNEGO"):
        _register_send(_mechanism, _name)
    _register_server("GSSAPI-KRB5", _name, _layers)
# Not integrity: by MIT's Kerberos a context can always seal, whatever was asked for, and GSS-SPNEGO has
# no other way to say which layer is meant.
_register_server("GSS-SPNEGO", "confidentiality", LAYERS["confidentiality"])


@group.case("client-required-and-not-offered", needs=NEEDS)
def _required(peers):
    """Policy row P25, both ways: the one that requires, or the one that is asked, refuses."""
    reasons = []
    for wish, offer in (("4", "integrity"), (NONE, "confidentiality")):
        ours = peers.right.our_sasl("client", "GSSAPI", "--layers", wish)
        with closing(ours, peers.right.cyrus("server", "GSSAPI", *CYRUS[offer])) as pair:
            try:
                establish_sasl(*pair)
            except Refused as refusal:
                reasons.append(str(refusal))
                continue
            raise Failed(f"established: {pair[0].info()}")
    return "; ".join(reasons)


@group.case("send-layer-not-offered", needs=NEEDS)
def _send_refused(peers):
    """`send --layer` at a server that gives none: no mail is sent."""
    server = LayeredServer("GSSAPI", lambda: peers.right.cyrus("server", "GSSAPI", *CYRUS[NONE]))
    try:
        outcome = peers.send(server.port, "--mech", "GSSAPI-KRB5", "--layer", "integrity")
    finally:
        server.stop()
    return _not_sent(outcome, server, UNAVAILABLE)


@group.case("serve-layer-required", needs=(*NEEDS, "gsasl"))
def _serve_refused(peers):
    """gsasl is no peer for layers: whatever --quality-of-protection says, its client of GSSAPI chooses
    none, which is refused where one is required (P25)."""
    client = clients.gsasl(peers.environment)
    words = ("refused", "security layer choice")
    reason = turned_away(peers.tools, peers.servers[RIGHT], client, accounts.PASSWORD, words)
    return f"535, log: {reason}"

