# KDCs that nobody names: `pocketgss kinit` and `send` find MIT's by the SRV records of a name server,
# and so does MIT's kinit, which shows that the name server is one.
import contextlib
import re

from harness import accounts, clients, name_server
from harness.case import Failed, Group
from harness.kdc import REALM, SERVICE, MitKdc, running
from harness.login import not_sent
from harness.process import run_client
from harness.send import secret_file, send
from harness.serve import Serve
from harness.serve import running as serve_running

KDC_HOST = "kdc.example.test"
BY_TCP, BY_UDP = f"_kerberos._tcp.{REALM.lower()}", f"_kerberos._udp.{REALM.lower()}"
PRINCIPAL = f"{accounts.USER}@{REALM}"
DEAD_PORT = 9
TEMPORARY, NO_PERMISSION = 75, 77  # of sysexits.h
NEEDS = ("krb5kdc", "krb5-user")


class Session:
    """A realm, a name server that can tell of it, and our server in it."""

    def __init__(self, tools, state, kdc, names):
        self.tools, self.folder, self.kdc, self.names = tools, state, kdc, names
        self.server = None
        self._count = 0

    def say(self, by_tcp=(), by_udp=()):
        """What the name server says from now on: SRV records as (priority, port[, target])."""
        records = {(KDC_HOST, "A"): ["127.0.0.1"]}
        for name, entries in ((BY_TCP, by_tcp), (BY_UDP, by_udp)):
            if entries:
                records[name, "SRV"] = [
                    (priority, 1, port, *(target or [KDC_HOST])) for priority, port, *target in entries
                ]
        self.names.records, self.names.asked = records, []

    def secret(self, password=accounts.PASSWORD):
        return ("--password-file", secret_file(self.folder, password))

    def kinit(self, password=accounts.PASSWORD):
        """(outcome, the cache); no option says where a KDC is."""
        self._count += 1
        cache = self.folder / f"kdns-{self._count}.ccache"
        command = [self.tools.pocketgss, "kinit", PRINCIPAL, "--ccache", cache]
        command += self.secret(password)
        return run_client([*command, "--service", SERVICE, "-v"]), cache

    def got(self):
        """kinit got tickets that MIT's klist reads."""
        outcome, cache = self.kinit()
        if outcome.code != 0:
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        shown = self.kdc.klist(cache)
        for name in (f"krbtgt/{REALM}@{REALM}", f"{SERVICE}@{REALM}"):
            if name not in shown:
                raise Failed(f"no {name} in the cache\n{shown}")
        return f"asked for {self.asked()}"

    def not_got(self, *words):
        outcome, _ = self.kinit()
        if outcome.code != TEMPORARY or any(word not in outcome.output for word in words):
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        return outcome.last_line()[:160]

    def asked(self):
        return ", ".join(f"{name} {kind}" for name, kind in dict.fromkeys(self.names.asked))


@contextlib.contextmanager
def _servers(state, tools):
    kdc = MitKdc(state / "kdc")
    kdc.create()
    kdc.add_user(accounts.USER)
    kdc.add_service(SERVICE)
    keytab = kdc.folder / "serve.keytab"
    kdc.keytab(keytab, SERVICE)
    keytab.chmod(0o600)
    server = Serve(tools, state, "kdns", "--keytab", keytab, "--first-start", users=False)
    with name_server.running() as names, running(kdc), serve_running(server):
        session = Session(tools, state, kdc, names)
        session.server = server
        yield session


group = Group("kdns", _servers)
GROUPS = [group]


@group.case("mit-kinit", needs=NEEDS)
def mit_kinit(session):
    session.say(by_tcp=[(0, session.kdc.port)], by_udp=[(0, session.kdc.port)])
    conf = session.folder / "dns-krb5.conf"
    conf.write_text(f"[libdefaults]\n  default_realm = {REALM}\n  dns_lookup_kdc = true\n")
    cache = session.folder / "mit.ccache"
    done = run_client(
        ["kinit", "-c", cache, PRINCIPAL],
        environment={"KRB5_CONFIG": str(conf)},
        stdin=accounts.PASSWORD + "\n",
    )
    if done.code != 0:
        raise Failed(done.output)
    session.kdc.klist(cache)
    return f"asked for {session.asked()}"


@group.case("kinit", needs=NEEDS)
def kinit(session):
    session.say(by_tcp=[(0, session.kdc.port)])
    return session.got()


@group.case("kinit-by-the-udp-record", needs=NEEDS)
def kinit_udp(session):
    session.say(by_udp=[(0, session.kdc.port)])
    return session.got()


@group.case("kinit-after-a-dead-kdc-of-lower-priority", needs=NEEDS)
def kinit_priority(session):
    session.say(by_tcp=[(10, session.kdc.port), (0, DEAD_PORT)])
    return session.got()


@group.case("send", needs=NEEDS)
def send_by_dns(session):
    """The whole way: the KDC by DNS, its tickets, the login at our server, the mail."""
    session.say(by_tcp=[(0, session.kdc.port)])
    login = ("--mech", "GSSAPI", "--user", PRINCIPAL, *session.secret())
    outcome = send(session.tools, session.server.port, "kdns", *login)
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    message = session.server.message("kdns")
    if not message or not re.search(rf"authenticated as {re.escape(PRINCIPAL)}\)", message):
        raise Failed(f"not delivered as {PRINCIPAL}\n{message}")
    if not any(name == BY_TCP for name, _ in session.names.asked):
        raise Failed(f"asked for {session.asked()} alone")
    return f"in as {PRINCIPAL}, asked for {session.asked()}"


@group.case("kinit-wrong-password", needs=NEEDS)
def kinit_wrong(session):
    """The KDC that DNS tells of refuses it; no cache is left."""
    session.say(by_tcp=[(0, session.kdc.port)])
    outcome, cache = session.kinit(accounts.WRONG_PASSWORD)
    if outcome.code != NO_PERMISSION or cache.exists():
        raise Failed(f"exit code {outcome.code}, cache: {cache.exists()}\n{outcome.output}")
    return f"exit code {outcome.code}: {outcome.last_line()[:100]}; asked for {session.asked()}"


@group.case("send-wrong-password", needs=NEEDS)
def send_wrong(session):
    session.say(by_tcp=[(0, session.kdc.port)])
    login = ("--user", PRINCIPAL, *session.secret(accounts.WRONG_PASSWORD))
    client = clients.pocketgss("GSSAPI", *login)
    done = not_sent(session.tools, session.server, client, accounts.WRONG_PASSWORD)
    if done.outcome.code != NO_PERMISSION or done.tap.auth_commands():
        done.fail(f"exit code {done.outcome.code}")
    return f"exit code {done.outcome.code}, before any AUTH; asked for {session.asked()}"


@group.case("the-realm-is-not-in-dns", needs=NEEDS)
def unknown(session):
    session.say()
    words = f"no KDC of the realm '{REALM}' can be found: DNS SRV", "there is no such record"
    return session.not_got(*words)


@group.case("the-realm-says-that-it-has-none", needs=NEEDS)
def none(session):
    session.say(by_tcp=[(0, 88, ".")], by_udp=[(0, 88, ".")])
    return session.not_got("the realm says that it has none")


@group.case("the-kdc-has-no-address", needs=NEEDS)
def no_address(session):
    session.say(by_tcp=[(0, session.kdc.port, "nowhere.example.test")])
    return session.not_got("Kerberos: no KDC of the realm")
