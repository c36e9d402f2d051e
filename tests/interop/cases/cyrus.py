# SASL security layers (RFC 4752 3.3) with Cyrus SASL, over MIT's mechglue and gss-ntlmssp: the
# library in both roles, then whole SMTP sessions.
import contextlib

from harness import accounts, namespace, serve
from harness.case import Failed, Group
from harness.drivers import ACCOUNT, Drivers
from harness.exchange import closing, establish_sasl, exchange_buffers
from harness.layered_server import LayeredServer
from harness.process import run_client
from harness.smtp import SmtpSession
from harness.tokens import Refused

NEEDS = ("cyrus-sasl", "cyrus-sasl-dev", "gss-ntlmssp")
ANY, CONFIDENTIALITY, INTEGRITY, NONE = "7", "4", "2", "1"  # sets of layers
# Cyrus: integrity is an SSF of 1, confidentiality more.
CYRUS = {NONE: ("--max-ssf", "0"), INTEGRITY: ("--max-ssf", "1"), CONFIDENTIALITY: ("--min-ssf", "2")}
NAMES = {INTEGRITY: "integrity", CONFIDENTIALITY: "confidentiality"}
UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h


class Peers(Drivers):
    def __init__(self, tools, state, servers):
        super().__init__(tools, state)
        self.servers, self._program, self._folder = servers, tools.pocketgss, state

    def send(self, port, *options):
        secret = self._folder / "send-password"
        secret.write_text(accounts.PASSWORD + "\n")
        secret.chmod(0o600)
        address = f"{accounts.USER}@example.test"
        command = f"send -v --tls none --inner ntlm --from {address} --to bob@example.test".split()
        return run_client(
            [
                self._program,
                *command,
                *("--server", f"{accounts.HOST}:{port}", "--user", ACCOUNT),
                *("--password-file", secret),
                *options,
            ],
            stdin="Subject: layered\r\n\r\nbody\r\n",
        )


@contextlib.contextmanager
def _servers(state, tools):
    namespace.private_folder("/run/samba")  # gss-ntlmssp asks a winbindd where one answers
    both = serve.Serve(tools, state, "layers", "--layers", "integrity,confidentiality")
    with serve.running(both) as servers:
        yield Peers(tools, state, servers)


group = Group("cyrus", _servers)
GROUPS = [group]


def _layer(peers, ours, theirs, layer):
    client, server = (ours, theirs) if "client" in ours.side else (theirs, ours)
    establish_sasl(client, server)
    if f"layer={layer} " not in ours.info():
        raise Failed(f"ours: {ours.info()}, Cyrus: {theirs.info()}")
    return f"ours {ours.info()}; Cyrus {theirs.info()}"


def _register(mechanism, layer):
    @group.case(f"client-{mechanism}-{NAMES[layer]}", needs=NEEDS)
    def client(peers):
        """Our client, which takes any layer, at Cyrus's server."""
        wish = ANY if mechanism == "GSSAPI" else layer
        ours = peers.our_sasl_client(mechanism, options=("--layers", wish))
        with closing(ours, peers.cyrus("server", mechanism, *CYRUS[layer])) as pair:
            detail = _layer(peers, *pair, layer)
            exchange_buffers(*pair)
            return detail


for _layer_name in NAMES:
    for _mechanism in ("GSSAPI", "GSS-SPNEGO"):
        _register(_mechanism, _layer_name)


def _register_server(layer):
    @group.case(f"server-GSS-SPNEGO-{NAMES[layer]}", needs=NEEDS)
    def server(peers):
        """Cyrus's client, which decides by the flags that it asks for, at our server."""
        ours = peers.our_sasl_server("GSS-SPNEGO", options=("--layers", "6"))
        with closing(ours, peers.cyrus("client", "GSS-SPNEGO", *CYRUS[layer])) as pair:
            detail = _layer(peers, *pair, layer)
            exchange_buffers(pair[1], pair[0])
            return detail

    @group.case(f"serve-GSS-SPNEGO-{NAMES[layer]}", needs=NEEDS)
    def whole_session(peers):
        """A whole session at `pocketgss serve`."""
        server = peers.servers["layers"]
        log = server.log_size()
        with closing(peers.cyrus("client", "GSS-SPNEGO", *CYRUS[layer])) as (peer,):
            session = SmtpSession(server.port)
            try:
                code, text = session.authenticate("GSS-SPNEGO", peer)
                if code != 235:
                    raise Failed(f"{code} {text}\n{session.transcript()}")
                session.protect(peer)
                session.deliver()
            finally:
                session.close()
        if not server.message("by the harness"):
            raise Failed(f"no message\n{session.transcript()}")
        line = server.wait_logged(log, ["login:", f"layer={NAMES[layer]}"])
        if not line:
            raise Failed(f"the log has no such layer\n{server.logged_since(log)}")
        return "delivered within the layer"


for _layer_name in NAMES:
    _register_server(_layer_name)


@group.case("client-GSSAPI-no-layer", needs=NEEDS)
def _no_layer(peers):
    ours = peers.our_sasl_client("GSSAPI", options=("--layers", ANY))
    with closing(ours, peers.cyrus("server", "GSSAPI", *CYRUS[NONE])) as pair:
        return _layer(peers, *pair, NONE)


@group.case("client-GSSAPI-small-buffers", needs=NEEDS)
def _small(peers):
    """Each side keeps within what the other one takes."""
    options = ("--layers", CONFIDENTIALITY, "--max-buffer", "500")
    theirs = peers.cyrus("server", "GSSAPI", "--max-buffer", "500")
    with closing(peers.our_sasl_client("GSSAPI", options=options), theirs) as pair:
        detail = _layer(peers, *pair, CONFIDENTIALITY)
        exchange_buffers(*pair, largest=504)
        return detail


@group.case("client-GSSAPI-required-and-not-offered", needs=NEEDS)
def _required(peers):
    """Policy row P25, both ways: the one that requires, or the one that is asked, refuses."""
    reasons = []
    for wish, offer in ((CONFIDENTIALITY, CYRUS[INTEGRITY]), (NONE, CYRUS[CONFIDENTIALITY])):
        ours = peers.our_sasl_client("GSSAPI", options=("--layers", wish))
        with closing(ours, peers.cyrus("server", "GSSAPI", *offer)) as pair:
            try:
                establish_sasl(*pair)
            except Refused as refusal:
                reasons.append(str(refusal))
                continue
            raise Failed(f"established: {pair[0].info()}")
    return "; ".join(reasons)


def _register_send(mechanism, layer):
    @group.case(f"send-{mechanism}-{NAMES[layer]}", needs=NEEDS)
    def send(peers):
        """`pocketgss send --layer` at a small server over Cyrus SASL."""
        server = LayeredServer(
            mechanism, lambda: peers.cyrus("server", mechanism, "--min-ssf", "1", *CYRUS[layer])
        )
        try:
            outcome = peers.send(server.port, "--mech", mechanism, "--layer", NAMES[layer])
        finally:
            server.stop()
        if outcome.code != 0 or not server.message or "Subject: layered" not in server.message:
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        said = [line.split(" ")[0] for line in server.lines]
        if said.count("EHLO") != 2 or any(line.startswith("MAIL") for line in server.clear):
            raise Failed(f"not within the layer: {said}\n{outcome.output}")
        return f"the message arrived within the layer; {outcome.output.count('EHLO')} EHLO shown"


_register_send("GSSAPI", CONFIDENTIALITY)
_register_send("GSS-SPNEGO", CONFIDENTIALITY)
_register_send("GSSAPI", INTEGRITY)


@group.case("send-layer-refused", needs=NEEDS)
def _send_refused(peers):
    """`send --layer` at a server that gives none: no mail is sent."""
    server = LayeredServer("GSSAPI", lambda: peers.cyrus("server", "GSSAPI", *CYRUS[NONE]))
    try:
        outcome = peers.send(server.port, "--layer", "integrity")
    finally:
        server.stop()
    if outcome.code != UNAVAILABLE or any("MAIL" in line for line in server.lines):
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return f"exit code {outcome.code}: {outcome.last_line()}"
