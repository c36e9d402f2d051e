# Our program with Kerberos: `pocketgss send` (and kinit) to Postfix with Cyrus SASL, to Dovecot and to
# Exim, over a KDC of MIT's. With a password, a key table, and credential caches, MIT's and ours.
import contextlib
import re
import time

from harness import accounts, dovecot, exim, postfix
from harness.case import Failed, Group
from harness.clock import AHEAD, WRONG, showing
from harness.kdc import ETYPES, REALM, SERVICE, MitKdc, running
from harness.process import run_client
from harness.send import secret_file, send
from harness.transports import TCP, UDP, Transports

KERBEROS = ("krb5kdc", "krb5-user")
PRINCIPAL = f"{accounts.USER}@{REALM}"
ELSEWHERE = "smtp/elsewhere.example.test"
DEAD = ["127.0.0.1:9"]  # no KDC is there
USAGE, UNAVAILABLE, TEMPORARY, NO_PERMISSION = 64, 69, 75, 77  # of sysexits.h


class Session:
    """Our program, a realm, and a server in it."""

    def __init__(self, tools, state, kdc, server=None):
        self.tools, self.folder, self.kdc, self.server = tools, state, kdc, server

    def create(self):
        kdc = self.kdc
        kdc.create()
        for user in (accounts.USER, "other"):
            kdc.add_user(user)
        kdc.add_service(SERVICE)
        kdc.add_service(ELSEWHERE)
        kdc.keytab(self.keytab, accounts.USER)
        wrong = ("--keytab", self.wrong_keytab, "--principal", PRINCIPAL, "--kvno", "1")
        self._run(accounts.WRONG_PASSWORD, "keytab", "add", *wrong)

    @property
    def keytab(self):
        return self.folder / "alice.keytab"

    @property
    def wrong_keytab(self):
        return self.folder / "wrong.keytab"

    def password(self, password=accounts.PASSWORD):
        return ("--user", PRINCIPAL, "--password-file", secret_file(self.folder, password))

    def send(self, mechanism, subject, *options, kdcs=None, clock=None):
        for address in kdcs or [self.kdc.address]:
            options += ("--kdc", address)
        options = ("--mech", mechanism, *options)
        return send(self.tools, self.server.port, subject, *options, clock=clock)

    def mit_cache(self, *options, name="mit.ccache"):
        path = self.folder / name
        self.kdc.run("kinit", *options, "-c", path, PRINCIPAL, stdin=accounts.PASSWORD + "\n")
        return path

    def our_cache(self, *services, name="ours.ccache", clock=None):
        path = self.folder / name
        options = [word for service in services for word in ("--service", service)]
        options += ["--ccache", path, "--kdc", self.kdc.address]
        self._run(accounts.PASSWORD, "kinit", PRINCIPAL, *options, clock=clock)
        return path

    def _run(self, password, *command, clock=None):
        secret = ("--password-file", secret_file(self.folder, password))
        done = run_client(showing(clock, [self.tools.pocketgss, *command, *secret]))
        if done.code != 0:
            raise Failed(f"{command[0]}: {done.output}")


def _servers(run_server):
    @contextlib.contextmanager
    def servers(state, tools):
        session = Session(tools, state, MitKdc(state / "kdc"))
        session.create()
        with running(session.kdc), run_server(state, session.kdc, tools) as session.server:
            yield session

    return servers


def _logged_in(session, mechanism, subject, *options, etype=18):
    outcome = session.send(mechanism, subject, *options)
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    if accounts.PASSWORD in outcome.output:
        raise Failed(f"the password is in the output\n{outcome.output}")
    name = "GSSAPI" if mechanism == "GSSAPI-KRB5" else mechanism
    for line in (f"C: AUTH {name}", f"logged in by {name}, Kerberos"):
        if line not in outcome.output:
            raise Failed(f"no {line!r} in the dialogue\n{outcome.output}")
    if "not decoded" in outcome.output:
        raise Failed(f"a token that is not decoded\n{outcome.output}")
    found = re.search(r"authenticator\n *\d+ +etype: (\d+)", outcome.output)
    if not found or int(found[1]) != etype:
        raise Failed(f"no authenticator of etype {etype}\n{outcome.output}")
    return f"in as {session.server.sender(subject)}"


def _refused(outcome, code, *words, auth=False):
    """`auth`: whether the server was asked for it."""
    if outcome.code != code or any(word not in outcome.output for word in words):
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    if ("C: AUTH" in outcome.output) != auth:
        raise Failed(f"AUTH was {'not ' if auth else ''}sent\n{outcome.output}")
    return f"exit code {outcome.code}: {outcome.last_line()[:120]}"


CREDENTIALS = {
    "password": lambda session: session.password(),
    "keytab": lambda session: ("--keytab", session.keytab),
    "ccache-of-mit-kinit": lambda session: ("--ccache", session.mit_cache()),
    "ccache-of-our-kinit": lambda session: ("--ccache", session.our_cache()),
}


def _register(group, mechanism, needs, refusal="535"):
    for name, credentials in CREDENTIALS.items():

        @group.case(f"{mechanism}-{name}", needs=needs)
        def login(session, name=name, credentials=credentials):
            subject = f"interop by {mechanism} {name}"
            return _logged_in(session, mechanism, subject, *credentials(session))

    @group.case(f"{mechanism}-wrong-password", needs=needs)
    def wrong_password(session):
        options = session.password(accounts.WRONG_PASSWORD)
        return _refused(session.send(mechanism, "wrong password", *options), NO_PERMISSION)

    @group.case(f"{mechanism}-wrong-key-in-keytab", needs=needs)
    def wrong_key(session):
        options = ("--keytab", session.wrong_keytab)
        return _refused(session.send(mechanism, "wrong key", *options), NO_PERMISSION)

    @group.case(f"{mechanism}-unknown-spn", needs=needs)
    def unknown_spn(session):
        options = (*session.password(), "--spn", "smtp/nowhere.example.test")
        return _refused(session.send(mechanism, "unknown", *options), UNAVAILABLE)

    @group.case(f"{mechanism}-spn-of-another-server", needs=needs)
    def other_spn(session):
        """The KDC gives a ticket, and the server has not its key."""
        options = (*session.password(), "--spn", ELSEWHERE)
        outcome = session.send(mechanism, "elsewhere", *options)
        return _refused(outcome, NO_PERMISSION, refusal, auth=True)


POSTFIX = (*KERBEROS, "postfix", "cyrus-sasl", "openssl")
DOVECOT = (*KERBEROS, "dovecot")
EXIM = (*KERBEROS, "cyrus-sasl", "exim")
group = Group("ksend", _servers(lambda state, kdc, tools: postfix.running(state, kdc)))
dovecot_group = Group(
    "ksend-dovecot", _servers(lambda state, kdc, tools: dovecot.running(state, kdc))
)
exim_group = Group(
    "ksend-exim", _servers(lambda state, kdc, tools: exim.running(state, kdc, tools.exim))
)
GROUPS = [group, dovecot_group, exim_group]
for _mechanism in ("GSSAPI-KRB5", "GSSAPI", "GSS-SPNEGO"):
    _register(group, _mechanism, POSTFIX)
    _register(dovecot_group, _mechanism, DOVECOT)
    _register(exim_group, _mechanism, EXIM)


@exim_group.case("GSS-SPNEGO-layer-refused", needs=EXIM)
def exim_layer(session):
    """Exim has no security layers, and refuses whoever Cyrus says has one: by the context's flags."""
    outcome = session.send("GSS-SPNEGO", "layer", *session.password(), "--layer", "integrity")
    return _refused(outcome, NO_PERMISSION, "535", auth=True)


@exim_group.case("auto", needs=EXIM)
def exim_auto(session):
    subject = "interop by auto"
    outcome = session.send("auto", subject, *session.password())
    if outcome.code != 0 or "logged in by GSSAPI, Kerberos" not in outcome.output:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return f"in as {session.server.sender(subject)}"


for _number in ETYPES:

    @group.case(f"session-key-etype-{_number}", needs=POSTFIX)
    def etype(session, number=_number):
        """The session key, and so the tokens and the wrapped layer step, are of this etype."""
        session.kdc.session_etypes(SERVICE, number)
        try:
            options = (*session.password(), *(("--allow-rc4",) if number == 23 else ()))
            subject = f"interop by etype {number}"
            return _logged_in(session, "GSSAPI-KRB5", subject, *options, etype=number)
        finally:
            session.kdc.admin(f"delstr {SERVICE} session_enctypes")


@group.case("session-key-rc4-refused", needs=POSTFIX)
def rc4(session):
    session.kdc.session_etypes(SERVICE, 23)
    try:
        outcome = session.send("GSSAPI-KRB5", "rc4", *session.password())
        return _refused(outcome, UNAVAILABLE)
    finally:
        session.kdc.admin(f"delstr {SERVICE} session_enctypes")


@group.case("service-ticket-without-a-kdc", needs=POSTFIX)
def no_kdc(session):
    """With the ticket in the cache nobody has to be asked."""
    options = ("--ccache", session.our_cache(SERVICE, name="service.ccache"))
    outcome = session.send("GSSAPI", "interop without a kdc", *options, kdcs=DEAD)
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return f"in as {session.server.sender('interop without a kdc')}"


@group.case("kdc-does-not-answer", needs=POSTFIX)
def dead_kdc(session):
    outcome = session.send("GSSAPI", "no kdc", *session.password(), kdcs=DEAD)
    return _refused(outcome, TEMPORARY)


@group.case("udp-first", needs=POSTFIX)
def udp(session):
    """Nothing by UDP without the option, all with it."""
    details = []
    for transport, options in ((TCP, ()), (UDP, ("--udp-first",))):
        transports, subject = Transports(), f"interop by {transport}"
        said = _logged_in(session, "GSSAPI", subject, *session.password(), *options)
        # To Postfix, and from it to where it delivers.
        details.append(f"{said}, {transports.check(transport, session.kdc, others=2)}")
    return "; ".join(details)


@group.case("starttls", needs=POSTFIX)
def tls(session):
    options = ("--tls", "starttls", "--ca", session.server.certificate.authority)
    return _logged_in(session, "GSSAPI", "interop by tls", *options, *session.password())


@group.case("ntlm-where-no-kdc-answers", needs=(*POSTFIX, "gss-ntlmssp"))
def fallback(session):
    """--inner kerberos,ntlm: NTLM where Kerberos cannot be used; never after a wrong password."""
    inner = ("--inner", "kerberos,ntlm")
    subject = "interop by fallback"
    options = (*inner, "--user", f"{accounts.DOMAIN}\\{accounts.USER}", "--realm", REALM)
    secret = ("--password-file", secret_file(session.folder, accounts.PASSWORD))
    outcome = session.send("GSSAPI", subject, *options, *secret, kdcs=DEAD)
    if outcome.code != 0 or "NTLM" not in outcome.output:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    wrong = session.send("GSSAPI", "wrong", *session.password(accounts.WRONG_PASSWORD), *inner)
    _refused(wrong, NO_PERMISSION)
    return f"in as {session.server.sender(subject)}; not after a wrong password"


@group.case("mit-reads-our-cache", needs=POSTFIX)
def mit_reads(session):
    """klist shows what our kinit wrote, and kvno adds a ticket to it, which `send` uses without a
    KDC."""
    cache = session.our_cache(ELSEWHERE, name="read.ccache")
    listed = session.kdc.klist(cache)
    for word in (f"Default principal: {PRINCIPAL}", f"krbtgt/{REALM}@{REALM}", f"{ELSEWHERE}@{REALM}"):
        if word not in listed:
            raise Failed(f"no {word} in\n{listed}")
    kvno = session.kdc.run("kvno", "-c", cache, SERVICE).strip()
    subject = "interop by a cache of ours that mit wrote to"
    outcome = session.send("GSSAPI", subject, "--ccache", cache, kdcs=DEAD)
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return f"{kvno}; in as {session.server.sender(subject)}"


@group.case("expired-tickets-in-the-cache", needs=POSTFIX)
def expired_cache(session):
    """Refused where the cache is all there is; with a password new tickets are got."""
    cache = session.mit_cache("-l", "1s", name="expired.ccache")
    time.sleep(2)
    outcome = session.send("GSSAPI", "expired", "--ccache", cache)
    refused = _refused(outcome, USAGE, "there is no valid ticket")
    options = ("--ccache", cache, *session.password())
    again = _logged_in(session, "GSSAPI", "interop by new tickets", *options)
    return f"{refused}; with a password {again}"


# Our client's clock is wrong, the KDC's and the server's are right: the KDC's time corrects it (P16),
# also for the certificate, which an hour ago was not valid yet.


def _register_clock(name, clock):
    needs = (*POSTFIX, "faketime")

    def send_by(session, subject, *options, **more):
        tls = ("--tls", "starttls", "--ca", session.server.certificate.authority)
        return session.send("GSSAPI", subject, *tls, *options, clock=clock, **more)

    def check(session, subject, outcome):
        words = ("the clock is corrected by ", "certificate of mail.example.test checked")
        if outcome.code != 0 or any(word not in outcome.output for word in words):
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        by = re.search(words[0] + r"(-?\d+) seconds", outcome.output)[1]
        return f"in as {session.server.sender(subject)}, corrected by {by} s"

    @group.case(f"clock-{name}", needs=needs)
    def login(session):
        subject = f"interop by a clock {name}"
        return check(session, subject, send_by(session, subject, *session.password()))

    @group.case(f"clock-{name}-wrong-password", needs=needs)
    def wrong(session):
        outcome = send_by(session, "wrong", *session.password(accounts.WRONG_PASSWORD))
        return _refused(outcome, NO_PERMISSION, "the password is wrong")

    @group.case(f"clock-{name}-by-our-cache", needs=needs)
    def remembered(session):
        """The correction is in the cache that our kinit wrote, so nobody has to be asked for it."""
        subject = f"interop by a cache and a clock {name}"
        cache = session.our_cache(SERVICE, name="clock.ccache", clock=clock)
        return check(session, subject, send_by(session, subject, "--ccache", cache, kdcs=DEAD))

    @group.case(f"clock-{name}-without-correction", needs=needs)
    def uncorrected(session):
        """A cache that was written with the right clock, and no KDC: nothing tells the time. The server
        refuses what is made ahead of its time; behind it the ticket is not valid yet."""
        cache = session.mit_cache(name="right.ccache")
        session.kdc.run("kvno", "-c", cache, SERVICE)
        outcome = send_by(session, "uncorrected", "--ccache", cache, kdcs=DEAD)
        if name == AHEAD:
            return _refused(outcome, NO_PERMISSION, "535", auth=True)
        return _refused(outcome, USAGE, "there is no valid ticket")


for _name, _clock in WRONG.items():
    _register_clock(_name, _clock)
