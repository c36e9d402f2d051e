# Channel bindings over real TLS at our server: computed by Python's OpenSSL, put into NTLM by gss-
# ntlmssp.
import contextlib

from harness import accounts, certificate, namespace
from harness.case import Failed, Group
from harness.drivers import Drivers
from harness.exchange import closing
from harness.serve import Serve, running
from harness.smtp import SmtpSession

NEEDS = ("gss-ntlmssp", "openssl")


class Peers(Drivers):
    def __init__(self, tools, state, server, authority):
        super().__init__(tools, state)
        self.server, self._authority = server, authority

    def login(self, mechanism, kind, choose, password=accounts.PASSWORD):
        """AUTH within TLS; `choose` picks or makes the binding out of those of the channel. Returns
        (code, the log line of the login)."""
        session = SmtpSession(self.server.port)
        try:
            session.start_tls(self._authority)
            binding = choose(session.channel_bindings())
            options = ("--binding", binding.hex()) if binding else ()
            start = self.server.log_size()
            with closing(self.gss_initiator(kind, password, options=options)) as (peer,):
                code, _ = session.authenticate(mechanism, peer)
            line = self.server.wait_logged(start, ["login", f"mechanism={mechanism}"])
        finally:
            session.close()
        if line is None:
            raise Failed(f"answered {code}, and no log line\n{session.transcript()}")
        return code, line


@contextlib.contextmanager
def _servers(state, tools):
    namespace.private_folder("/run/samba")
    tls = certificate.make(state / "tls")
    with running(
        Serve(tools, state, "required", "--channel-binding", "require", tls=tls)
    ) as servers:
        yield Peers(tools, state, servers["required"], tls.authority)


group = Group("binding", _servers)
GROUPS = [group]


def _register(mechanism, kind, binding_type):
    @group.case(f"{mechanism}-{binding_type}", needs=NEEDS)
    def right(peers):
        code, line = peers.login(mechanism, kind, lambda bindings: bindings[binding_type])
        if code != 235 or "channel-bound=yes" not in line:
            raise Failed(f"{code}: {line}")
        return "in, channel-bound=yes"

    @group.case(f"{mechanism}-{binding_type}-of-another-channel", needs=NEEDS)
    def other(peers):
        """NTL-7: what a man in the middle would relay."""

        def altered(bindings):
            return bindings[binding_type][:-1] + bytes([bindings[binding_type][-1] ^ 1])

        return _refused(peers, mechanism, kind, altered)

    @group.case(f"{mechanism}-{binding_type}-wrong-password", needs=NEEDS)
    def wrong(peers):
        code, line = peers.login(
            mechanism, kind, lambda bindings: bindings[binding_type], accounts.WRONG_PASSWORD
        )
        if code != 535 or "wrong user, password or MIC" not in line:
            raise Failed(f"{code}: {line}")
        return f"535, log: {line.partition('reason: ')[2]}"


def _refused(peers, mechanism, kind, choose):
    code, line = peers.login(mechanism, kind, choose)
    if code != 535 or "P5" not in line:
        raise Failed(f"{code}: {line}")
    return f"535, log: {line.partition('reason: ')[2]}"


for _type in ("tls-server-end-point", "tls-unique"):
    _register("GSSAPI", "spnego", _type)
_register("NTLM", "ntlm", "tls-server-end-point")


@group.case("GSSAPI-none", needs=NEEDS)
def _none(peers):
    """Policy row P5, require: a client that binds nothing is refused."""
    return _refused(peers, "GSSAPI", "spnego", lambda bindings: None)
