# Our client to Postfix with Cyrus SASL: GSSAPI and GSS-SPNEGO carrying SPNEGO(NTLM) by gss-
# ntlmssp, and Cyrus's own NTLM.
import contextlib

from harness import accounts, postfix
from harness.case import Failed, Group
from harness.drivers import ACCOUNT, NO_FLAGS, SIGN_AND_SEAL, Drivers
from harness.exchange import closing
from harness.send import secret_file, send
from harness.smtp import SmtpSession
from harness.tokens import Refused

NEEDS = ("postfix", "cyrus-sasl", "gss-ntlmssp")
NTLM_NEEDS = ("postfix", "cyrus-sasl")
NO_PERMISSION, PROTOCOL = 77, 76  # EX_NOPERM and EX_PROTOCOL of sysexits.h


class Peers(Drivers):
    def __init__(self, tools, state, server):
        super().__init__(tools, state)
        self.server, self._folder = server, state

    def send(
        self,
        mechanism,
        subject,
        password=accounts.PASSWORD,
        *,
        port=None,
        options=("--tls", "none"),
    ):
        """`pocketgss send` of one message."""
        return send(
            self._tools,
            port or self.server.port,
            subject,
            *options,
            *("--mech", mechanism, "--inner", "ntlm", "--user", ACCOUNT),
            *("--password-file", secret_file(self._folder, password)),
        )

    def login(self, mechanism, kind, password=accounts.PASSWORD, options=()):
        """AUTH with the tokens of pgss_peer: (code, text, transcript)."""
        # Cyrus's NTLM gives SIGN and SEAL back without EXTENDED_SESSIONSECURITY, so they must not
        # be asked for.
        flags = NO_FLAGS if kind == "ntlm" else SIGN_AND_SEAL
        with closing(self.our_initiator(kind, password, flags=flags, options=options)) as (peer,):
            session = SmtpSession(self.server.port)
            try:
                code, text = session.authenticate(mechanism, peer)
                if code == 235:
                    session.deliver()
                return code, text, session.transcript()
            finally:
                session.close()


@contextlib.contextmanager
def _servers(state, tools):
    with postfix.running(state) as server:
        yield Peers(tools, state, server)


group = Group("postfix", _servers)
GROUPS = [group]


def _register(mechanism, kind, needs):
    @group.case(f"send-{mechanism}", needs=needs)
    def by_send(peers):
        subject = f"interop by send {mechanism}"
        outcome = peers.send(mechanism, subject)
        if outcome.code != 0:
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        if accounts.PASSWORD in outcome.output:
            raise Failed(f"the password is in the output\n{outcome.output}")
        if f"AUTH {mechanism}" not in outcome.output:
            raise Failed(f"no AUTH {mechanism} in the dialogue\n{outcome.output}")
        return f"in as {peers.server.sender(subject)}, and the message arrived"

    @group.case(f"send-{mechanism}-wrong-password", needs=needs)
    def send_wrong(peers):
        subject = f"interop by send {mechanism} wrong"
        outcome = peers.send(mechanism, subject, accounts.WRONG_PASSWORD)
        if outcome.code != NO_PERMISSION or "535" not in outcome.output:
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        return f"exit code {outcome.code}: {outcome.last_line()[:120]}"

    @group.case(f"initiator-{mechanism}", needs=needs)
    def login(peers):
        code, text, transcript = peers.login(mechanism, kind)
        if code != 235:
            raise Failed(f"{code} {text}\n{transcript}")
        if (mechanism == "GSSAPI") != ("layer offer" in transcript):
            raise Failed(f"the layer step belongs to GSSAPI alone\n{transcript}")
        return f"{code} {text}" + (", with the layer step" if mechanism == "GSSAPI" else "")

    @group.case(f"initiator-{mechanism}-wrong-password", needs=needs)
    def login_wrong(peers):
        code, text, transcript = peers.login(mechanism, kind, accounts.WRONG_PASSWORD)
        if code != 535:
            raise Failed(f"{code} {text}\n{transcript}")
        return f"{code} {text}"


_register("GSSAPI", "spnego", NEEDS)
_register("GSS-SPNEGO", "spnego", NEEDS)
_register("NTLM", "ntlm", NTLM_NEEDS)


@group.case("initiator-NTLM-strict", needs=NTLM_NEEDS)
def _strict(peers):
    """Policy row P3: Cyrus's CHALLENGE has no TargetInfo."""
    try:
        code, text, transcript = peers.login("NTLM", "ntlm", options=("--policy", "strict"))
    except Refused as refusal:
        if "P3" not in refusal.reason:
            raise Failed(f"refused, but not for the policy row: {refusal.reason}") from None
        return f"refused by us: {refusal.reason}"
    raise Failed(f"{code} {text}\n{transcript}")


@group.case("send-NTLM-strict", needs=NTLM_NEEDS)
def _send_strict(peers):
    """Policy row P3 once more, with the program: no response is sent, and the reason is told."""
    outcome = peers.send(
        "NTLM", "interop by send strict", options=("--tls", "none", "--policy", "strict")
    )
    if outcome.code == 0 or "P3" not in outcome.output:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return f"exit code {outcome.code}: {outcome.last_line()}"


def _register_tls(name, port, *options):
    @group.case(f"send-{name}", needs=(*NEEDS, "openssl"))
    def by_send(peers):
        trusted = (*options, "--ca", peers.server.certificate.authority)
        arguments = {"port": getattr(peers.server, port), "options": trusted}
        subject = f"interop by send {name}"
        outcome = peers.send("GSSAPI", subject, **arguments)
        if outcome.code != 0:
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        sender = peers.server.sender(subject)
        outcome = peers.send("GSSAPI", subject, accounts.WRONG_PASSWORD, **arguments)
        if outcome.code != NO_PERMISSION or "535" not in outcome.output:
            raise Failed(f"wrong password: exit code {outcome.code}\n{outcome.output}")
        return f"in as {sender}; with a wrong password: exit code {outcome.code}"


_register_tls("starttls", "port", "--tls", "starttls")
_register_tls("implicit-tls", "tls_port", "--tls", "implicit")


@group.case("send-untrusted-certificate", needs=(*NEEDS, "openssl"))
def _untrusted(peers):
    """Policy row P7: a certificate that the system's store does not know ends the session before
    AUTH."""
    outcome = peers.send("GSSAPI", "interop by send untrusted", options=("--tls", "starttls"))
    if outcome.code != PROTOCOL or "C: AUTH" in outcome.output:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return f"exit code {outcome.code}: {outcome.last_line()}"
