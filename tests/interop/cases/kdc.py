# Our client of a KDC over lib/platform's transport, with MIT's, Heimdal's and an Active Directory's:
# passwords, keytabs, each etype, and what a user is told where it does not work.
import contextlib
import re
import socket
import time

from harness import accounts, clients, postfix, samba_ad
from harness.case import Failed, Group
from harness.heimdal_kdc import HeimdalKdc
from harness.kdc import ETYPES, KEY_NOT_LOGGED, SERVICE, MitKdc, running
from harness.keytab import add_keys
from harness.login import admitted, not_sent, turned_away
from harness.process import run_client
from harness.samba_ad import SambaAd
from harness.send import secret_file, send
from harness.serve import Serve
from harness.serve import running as serve_running
from harness.transports import TCP, UDP, Transports

SMTP = ("--service", "smtp", "--host", accounts.HOST)
OLD_HOST = "old.example.test"  # known as SMTPSVC alone
AES = (17, 18, 19, 20)
RC4, RC4_HOST = 23, "rc4.example.test"
BY_SEND = ((TCP, ()), (UDP, ("--udp-first",)))
DEAD = "127.0.0.1:9"  # no KDC is there
USAGE, UNAVAILABLE, NO_PERMISSION, CONFIG = 64, 69, 77, 78  # of sysexits.h


class Realm:
    """A KDC, and our client of it."""

    def __init__(self, kdc, tools):
        self.kdc, self.tools = kdc, tools
        self._postfixes, self._serve = {}, None

    def create(self):
        kdc = self.kdc
        kdc.create()
        kdc.add_user(accounts.USER)
        for name in ("expired", "expired-account", "locked"):
            kdc.add_user(name, "x")
        kdc.expire_password("expired")
        kdc.expire_account("expired-account")
        kdc.lock("locked")
        kdc.add_user("nopreauth", preauth=False)
        for number in kdc.etypes:
            kdc.add_user(f"user{number}", etypes=(number,))
            if number != RC4:  # a server of ours takes no ticket of it
                kdc.add_service(_service(number), etypes=(number,))
        for service in (SERVICE, f"SMTPSVC/{OLD_HOST}"):
            kdc.add_service(service)
        kdc.add_service(f"smtp/{RC4_HOST}", etypes=(RC4,))
        kdc.keytab(kdc.folder / "user.keytab", accounts.USER)
        wrong = kdc.folder / "wrong-user.keytab"
        user = f"{accounts.USER}@{kdc.realm}"
        add_keys(self.tools, wrong, [user], password=accounts.WRONG_PASSWORD)

    def client(
        self, *arguments, user=accounts.USER, password=accounts.PASSWORD, kdc=None, realm=None
    ):
        """Runs our client; returns its one line."""
        command = [self.tools.pgss_kdc, "--user", user, "--realm", realm or self.kdc.realm]
        if password is not None:
            command += ["--password", password]
        for address in kdc or [self.kdc.address]:
            command += ["--kdc", address]
        return run_client([*command, *arguments]).last_line()

    def kinit(self, cache, *options):
        """`pocketgss kinit` of our user; returns what it did."""
        command = [self.tools.pocketgss, "kinit", f"{accounts.USER}@{self.kdc.realm}"]
        return run_client([*command, "--kdc", self.kdc.address, "--ccache", cache, *options])

    def send(
        self,
        subject,
        *options,
        user=accounts.USER,
        password=accounts.PASSWORD,
        host=accounts.HOST,
        kdc=None,
    ):
        """`pocketgss send` to a Postfix of this name in this realm; (outcome, the server)."""
        server = self._postfix(host)
        options += ("--mech", "GSSAPI", "--kdc", kdc or self.kdc.address, "--spn", f"smtp/{host}")
        if password is not None:
            options += ("--user", user, "--realm", self.kdc.realm)
            options += ("--password-file", secret_file(self.kdc.folder, password))
        return send(self.tools, server.port, subject, *options), server

    def send_by(self, transport, subject, *options, host):
        """The same, and the KDC is seen to be asked so; (the dialogue, who sent it, what was seen)."""
        self._postfix(host)  # so that who waits for it is not counted
        transports = Transports()
        outcome, server = self.send(subject, *options, host=host)
        if outcome.code != 0:
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        sender = server.sender(subject)
        others = 2  # to Postfix, and from it to where it delivers
        return outcome.output, sender, transports.check(transport, self.kdc, others=others)

    def _postfix(self, host):
        if host not in self._postfixes:
            folder = self.kdc.folder / f"mail-{host}"
            folder.mkdir()
            folder.chmod(0o755)
            running_server = postfix.running(folder, self.kdc, host)
            self._postfixes[host] = self.stack.enter_context(running_server)
        return self._postfixes[host]

    def serve(self):
        """`pocketgss serve` in this realm, with the keys that the KDC gives out."""
        if not self._serve:
            keytab = self.kdc.folder / "serve.keytab"
            services = [_service(number) for number in self.kdc.etypes if number != RC4]
            self.kdc.keytab(keytab, SERVICE, *services)
            keytab.chmod(0o600)
            server = Serve(
                *(self.tools, self.kdc.folder, "realm"),
                *("--keytab", keytab, "--first-start"),
                users=False,
            )
            self.stack.enter_context(serve_running(server))
            self._serve = server
        return self._serve

    def sender(self, *options, user=accounts.USER, password=accounts.PASSWORD):
        """`pocketgss send` of this user, which asks this KDC. Without a password the options have
        something else."""
        if password is not None:
            options += ("--password-file", secret_file(self.kdc.folder, password))
        return clients.pocketgss(
            *("GSSAPI", "--user", f"{user}@{self.kdc.realm}", "--kdc", self.kdc.address), *options
        )

    def logged_in(self, *options, user=accounts.USER, password=accounts.PASSWORD):
        """It logs in at our server with a ticket of this KDC's."""
        client = self.sender(*options, user=user, password=password)
        return admitted(
            *(self.tools, self.serve(), client, "GSSAPI"),
            account=f"{user}@{self.kdc.realm}",
            logged="{}/Kerberos",
        )

    def logged_in_by(self, transport, *options, **more):
        """The same, and the KDC is seen to be asked so; (the login, what was seen)."""
        self.serve()  # so that who waits for it is not counted
        transports = Transports()
        login = self.logged_in(*options, **more)
        return login, transports.check(transport, self.kdc, others=2)  # to the tap, to the server


def _service(etype):
    """A service that has keys of this etype alone."""
    return f"smtp/etype{etype}.example.test"


def _group(name, make_kdc):
    @contextlib.contextmanager
    def servers(state, tools):
        realm = Realm(make_kdc(state / "kdc", tools), tools)
        realm.create()
        with running(realm.kdc), contextlib.ExitStack() as realm.stack:
            yield realm

    return Group(name, servers)


def _must(line, *words):
    for word in words:
        if word not in line:
            raise Failed(f"no {word!r} in: {line}")
    return line.split(" ms=")[0]


def _logins(group, needs, etypes, unopened):
    for number in etypes:
        for transport, option in ((TCP, ()), (UDP, ("--udp",))):

            @group.case(f"password-etype-{number}-{transport}", needs=needs)
            def password(realm, number=number, transport=transport, option=option):
                """The user has a key of this etype alone, and all tickets are asked for with it."""
                options = (*SMTP, "--etypes", str(number), *option)
                transports = Transports()
                line = realm.client(*options, user=f"user{number}")
                said = _must(line, "ok ", f"etype={number}", f"server={SERVICE}@{realm.kdc.realm}")
                return f"{said}, {transports.check(transport, realm.kdc)}"

        @group.case(f"wrong-password-etype-{number}", needs=needs)
        def wrong(realm, number=number):
            options = (*SMTP, "--etypes", str(number))
            line = realm.client(*options, user=f"user{number}", password=accounts.WRONG_PASSWORD)
            return _must(line, "error auth-failed", "status=24", "the password is wrong")

    @group.case("keytab", needs=needs)
    def keytab(realm):
        line = realm.client(*SMTP, "--keytab", str(realm.kdc.folder / "user.keytab"), password=None)
        return _must(line, "ok ", f"client={accounts.USER}@")

    @group.case("keytab-wrong-key", needs=needs)
    def wrong_keytab(realm):
        path = str(realm.kdc.folder / "wrong-user.keytab")
        line = realm.client(*SMTP, "--keytab", path, password=None)
        return _must(line, "error auth-failed", "status=24")

    @group.case("without-preauthentication", needs=needs)
    def no_preauth(realm):
        return _must(realm.client(*SMTP, user="nopreauth"), "ok client=nopreauth@")

    @group.case("without-preauthentication-wrong-password", needs=needs)
    def no_preauth_wrong(realm):
        """The KDC answers whoever asks, and what it says does not open with a key of this password."""
        line = realm.client(*SMTP, user="nopreauth", password=accounts.WRONG_PASSWORD)
        return _must(line, "error auth-failed", "the password is wrong", *unopened)

    @group.case("smtpsvc-after-smtp", needs=needs)
    def smtpsvc(realm):
        line = realm.client("--service", "smtp", "--host", OLD_HOST)
        return _must(line, "ok ", f"server=SMTPSVC/{OLD_HOST}@")

    @group.case("mit-reads-the-ticket", needs=(*needs, "krb5-user"))
    def ccache(realm):
        path = realm.kdc.folder / "ours.ccache"
        _must(realm.client("--ccache", str(path)), "ok ")
        name = realm.kdc.realm
        _must(realm.kdc.klist(path), f"krbtgt/{name}@{name}", f"{accounts.USER}@{name}")
        return f"klist shows it; {realm.kdc.run('kvno', '-c', path, SERVICE).strip()}"


def _refusals(group, needs, *, expired, expired_account, locked):
    @group.case("rc4-service-only-where-it-is-allowed", needs=needs)
    def rc4_service(realm):
        host = ("--service", "smtp", "--host", RC4_HOST)
        refused = _must(realm.client(*host), "error peer-incompatible", "status=14")
        _must(realm.client(*host, "--etypes", f"18,{RC4}"), "ok ", f"etype={RC4}")
        return f"{refused}; in with --etypes 18,{RC4}"

    @group.case("unknown-user", needs=needs)
    def unknown(realm):
        line = realm.client(*SMTP, user="nobody")
        return _must(line, "error auth-failed", "status=6", "the user is not known")

    @group.case("unknown-service", needs=needs)
    def service(realm):
        line = realm.client("--service", "smtp", "--host", "nowhere.example.test")
        return _must(line, "error peer-incompatible", "status=7", "the service is not known")

    @group.case("wrong-realm", needs=needs)
    def other_realm(realm):
        line = realm.client(*SMTP, realm="WRONG.TEST")
        return _must(line, "error auth-failed", "status=6")

    @group.case("expired-password", needs=needs)
    def expired_password(realm):
        line = realm.client(*SMTP, user="expired", password="x")
        return _must(line, "error auth-failed", "status=23", expired)

    @group.case("expired-account", needs=needs)
    def account_expired(realm):
        line = realm.client(*SMTP, user="expired-account", password="x")
        return _must(line, "error auth-failed", expired_account, "the account has expired")

    @group.case("locked-account", needs=needs)
    def locked_account(realm):
        line = realm.client(*SMTP, user="locked", password="x")
        return _must(line, "error auth-failed", *locked)


def _rc4_user(group, needs, status):
    @group.case("rc4-user-only-where-it-is-allowed", needs=needs)
    def rc4(realm):
        """Not with an Active Directory, where every user has AES keys."""
        line = realm.client(*SMTP, user=f"user{RC4}")
        refused = _must(line, "error peer-incompatible", f"status={status}")
        _must(realm.client(*SMTP, "--etypes", f"18,{RC4}", user=f"user{RC4}"), "ok ")
        return f"{refused}; in with --etypes 18,{RC4}"


def _sends(group, needs):
    needs = (*needs, "postfix", "cyrus-sasl", "openssl")

    @group.case("send-to-postfix", needs=needs)
    def by_send(realm):
        """A server of MIT's takes this KDC's tickets."""
        subject = f"interop in {realm.kdc.realm}"
        outcome, server = realm.send(subject)
        if outcome.code != 0 or "logged in by GSSAPI, Kerberos" not in outcome.output:
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        return f"in as {server.sender(subject)}"

    @group.case("send-to-postfix-wrong-password", needs=needs)
    def by_send_wrong(realm):
        outcome, _ = realm.send("wrong", password=accounts.WRONG_PASSWORD)
        return _before_auth(outcome, NO_PERMISSION)


def _sends_rc4(group, needs):
    """The service has an RC4 key alone, so the ticket and the session's key are of it (P10)."""
    needs = (*needs, "postfix", "cyrus-sasl", "openssl")
    for transport, option in BY_SEND:

        @group.case(f"send-to-postfix-rc4-{transport}", needs=needs)
        def by_rc4(realm, transport=transport, option=option):
            subject = f"interop with rc4 by {transport} in {realm.kdc.realm}"
            options = ("--allow-rc4", *option)
            dialogue, sender, seen = realm.send_by(transport, subject, *options, host=RC4_HOST)
            _check_etypes(dialogue, tickets=(RC4,), session=RC4)
            return f"in as {sender}, by a ticket and a session key of etype {RC4}, {seen}"

    @group.case("send-to-postfix-rc4-not-allowed", needs=needs)
    def by_rc4_refused(realm):
        outcome, _ = realm.send("rc4", host=RC4_HOST)
        return _before_auth(outcome, UNAVAILABLE)


def _before_auth(outcome, code):
    if outcome.code != code or "C: AUTH" in outcome.output:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return f"exit code {outcome.code}: {outcome.last_line()[:120]}"


def _check_etypes(dialogue, *, tickets, session):
    """What the AP-REQ in the dialogue of `send -v` is encrypted with."""
    for what, pattern, etypes in (
        ("ticket", r"ticket\n(?:.*\n){1,6}? *\d+ +enc-part\n *\d+ +etype: (\d+)", tickets),
        ("authenticator", r"authenticator\n *\d+ +etype: (\d+)", (session,)),
    ):
        found = re.search(pattern, dialogue)
        if not found or int(found[1]) not in etypes:
            raise Failed(f"no {what} of etype {etypes}\n{dialogue}")


def _serves(group, needs, logon):
    @group.case("send-to-serve", needs=needs)
    def by_send(realm):
        """Both ends are ours, the ticket is not; `logon` is what its PAC says of the user."""
        login = realm.logged_in()
        if (f" logon='{logon}'" if logon else "") != _logon(login.log_line):
            login.fail(f"not logged with logon={logon}: {login.log_line}")
        return login.log_line.partition("login: ")[2].partition(" from=")[0]

    @group.case("send-to-serve-wrong-password", needs=needs)
    def by_send_wrong(realm):
        client = realm.sender(password=accounts.WRONG_PASSWORD)
        login = not_sent(realm.tools, realm.serve(), client, accounts.WRONG_PASSWORD)
        if login.outcome.code != 77 or login.tap.auth_commands():
            login.fail(f"exit code {login.outcome.code}")
        return f"exit code {login.outcome.code}, before any AUTH"


def _logins_at_serve(group, needs, etypes):
    """From the user's key to the session's, all of one etype."""
    for number in etypes:
        if number == RC4:
            spn, more = (), ("--allow-rc4",)
        else:
            spn, more = ("--spn", _service(number)), ()
        for transport, option in BY_SEND:

            @group.case(f"login-etype-{number}-{transport}", needs=needs)
            def login(realm, number=number, transport=transport, options=(*spn, *more, *option)):
                """RC4 is of the user's key alone: our server takes no ticket of it."""
                user = f"user{number}"
                done, seen = realm.logged_in_by(transport, *options, user=user)
                of = (AES, 18) if number == RC4 else ((number,), number)
                _check_etypes(done.outcome.output, tickets=of[0], session=of[1])
                key = realm.kdc.key_of_login(user)
                if key != KEY_NOT_LOGGED and not ETYPES[number].startswith(key):
                    done.fail(f"the KDC logged a key of {key}")
                login = done.log_line.partition("login: ")[2].partition(" from=")[0]
                return f"{login}, key of the user: {key}, of the session: {ETYPES[of[1]]}, {seen}"


def _logon(line):
    found = re.search(r" logon='[^']*'", line)
    return found[0] if found else ""


def _clocks(group, needs):
    @group.case("clock-wrong-by-hours", needs=needs)
    def skew(realm):
        details = []
        for wrong in (3600, -3600, 7 * 3600, -7 * 3600):
            line = realm.client(*SMTP, "--clock-ahead", str(wrong))
            offset = int(re.search(r"offset=(-?\d+)", _must(line, "ok "))[1])
            if abs(offset + wrong) > 5:
                raise Failed(f"the clock is {wrong} s ahead, and the offset is {offset}")
            details.append(f"{offset} s")
        return "corrected by " + ", ".join(details)

    @group.case("clock-never-set", needs=needs)
    def no_clock(realm):
        # The driver's clock shows 1970, or so.
        return _must(realm.client(*SMTP, "--clock-ahead", str(-int(time.time()))), "ok ")

    @group.case("clock-wrong-by-two-days", needs=needs)
    def too_much(realm):
        return _must(realm.client(*SMTP, "--clock-ahead", str(2 * 86400)), "error expired")


UNOPENED = ("status=0", "AS-REP.enc-part does not open")


def _register(group, needs, etypes, unopened=UNOPENED, **refusals):
    _logins(group, needs, etypes, unopened)
    _refusals(group, needs, **refusals)
    _clocks(group, needs)


MIT_NEEDS, HEIMDAL_NEEDS, AD_NEEDS = ("krb5kdc",), ("heimdal-kdc",), ("samba-ad",)
mit = _group("kdc", lambda folder, tools: MitKdc(folder))
heimdal = _group("kdc-heimdal", lambda folder, tools: HeimdalKdc(folder, tools.heimdal))
ad = _group("kdc-samba", lambda folder, tools: SambaAd(folder))
_register(
    mit,
    MIT_NEEDS,
    ETYPES,
    expired="the password has expired",
    expired_account="status=1 ",
    locked=("status=18", "locked, disabled or expired"),
)
_register(
    heimdal,
    HEIMDAL_NEEDS,
    ETYPES,
    expired="the password has expired",
    expired_account="status=1 ",
    locked=("status=12",),
)
_register(
    ad,
    AD_NEEDS,
    samba_ad.ETYPES,
    # by the NTSTATUS code in the error's data
    expired="the password must be changed before the first login",
    expired_account="status=18 ",
    locked=("status=18", "the account is disabled"),
)
for _kind, _needs, _logon_name in (
    (heimdal, HEIMDAL_NEEDS, None),
    (ad, AD_NEEDS, rf"AD\x5c{accounts.USER}"),  # a backslash as the log writes it
):
    _sends(_kind, _needs)
    _serves(_kind, _needs, _logon_name)
for _kind, _needs in ((mit, MIT_NEEDS), (heimdal, HEIMDAL_NEEDS), (ad, AD_NEEDS)):
    _sends_rc4(_kind, _needs)
for _kind, _needs, _etypes in (
    (mit, MIT_NEEDS, ETYPES),
    (heimdal, HEIMDAL_NEEDS, ETYPES),
    (ad, AD_NEEDS, (17, 18)),  # every user has AES keys
):
    _logins_at_serve(_kind, _needs, _etypes)
# MIT's asks for preauthentication first, and knows of none without a key.
_rc4_user(mit, MIT_NEEDS, 25)
_rc4_user(heimdal, HEIMDAL_NEEDS, 14)


@mit.case("enterprise-name-after-a-plain-one", needs=MIT_NEEDS)
def upn(realm):
    return _must(realm.client(*SMTP, user="alice@example.test"), "ok client=alice@")


@mit.case("ip-address-as-host", needs=MIT_NEEDS)
def address(realm):
    line = realm.client("--service", "smtp", "--host", "192.0.2.1")
    return _must(line, "error peer-incompatible", "this is an IP address")


@mit.case("a-dead-kdc-costs-three-seconds", needs=MIT_NEEDS)
def dead(realm):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        line = realm.client(
            *SMTP, kdc=[f"127.0.0.1:{silent.getsockname()[1]}", realm.kdc.address]
        )
    took = int(re.search(r"ms=(\d+)", line)[1])
    _must(line, "ok ")
    if not 2900 <= took <= 4500:
        raise Failed(f"{took} ms")
    return f"{took} ms"


@heimdal.case(
    "heimdal-reads-our-cache", needs=(*HEIMDAL_NEEDS, "postfix", "cyrus-sasl", "openssl")
)
def heimdal_reads(realm):
    """klist shows what our kinit wrote, and kgetcred adds a ticket to it, which `send` uses without a
    KDC."""
    kdc, cache = realm.kdc, realm.kdc.folder / "our-kinit.ccache"
    secret = secret_file(kdc.folder, accounts.PASSWORD)
    outcome = realm.kinit(cache, "--password-file", secret)
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    kdc.run(kdc.program("kgetcred"), "-c", cache, SERVICE)
    listed = kdc.run(kdc.program("heimtools"), "klist", "-c", cache)
    _must(listed, f"Principal: {accounts.USER}@{kdc.realm}", f"{SERVICE}@{kdc.realm}")
    subject = "interop by a cache of ours that heimdal wrote to"
    outcome, server = realm.send(subject, "--ccache", cache, password=None, kdc=DEAD)
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return f"klist shows it, and in as {server.sender(subject)} by the ticket that kgetcred added"


@heimdal.case("ccache-of-heimdal-kinit", needs=(*HEIMDAL_NEEDS, "postfix", "cyrus-sasl", "openssl"))
def heimdal_writes(realm):
    kdc, cache = realm.kdc, realm.kdc.folder / "heimdal-kinit.ccache"
    secret = secret_file(kdc.folder, accounts.PASSWORD)
    user = f"{accounts.USER}@{kdc.realm}"
    kdc.run(kdc.program("kinit.heimdal"), f"--password-file={secret}", "-c", cache, user)
    subject = "interop by a cache of heimdal"
    outcome, server = realm.send(subject, "--ccache", cache, password=None)
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return f"in as {server.sender(subject)}"


@heimdal.case(
    "ccache-of-heimdal-kinit-refused", needs=(*HEIMDAL_NEEDS, "postfix", "cyrus-sasl", "openssl")
)
def heimdal_writes_wrong(realm):
    """Tickets that have ended, and those of another user."""
    kdc, cache = realm.kdc, realm.kdc.folder / "heimdal-wrong.ccache"
    secret = secret_file(kdc.folder, accounts.PASSWORD)
    kinit = (kdc.program("kinit.heimdal"), f"--password-file={secret}", "-c", cache)

    def refused(words, *options):
        outcome, _ = realm.send("wrong cache", "--ccache", cache, *options, password=None)
        if words not in outcome.output:
            raise Failed(f"exit code {outcome.code}\n{outcome.output}")
        return _before_auth(outcome, USAGE)

    kdc.run(*kinit, "--lifetime=1s", f"{accounts.USER}@{kdc.realm}")
    time.sleep(2)
    refused("there is no valid ticket")
    kdc.run(*kinit, f"user18@{kdc.realm}")
    whose = f"the credential cache is another user's, 'user18@{kdc.realm}'"
    return refused(whose, "--user", f"{accounts.USER}@{kdc.realm}")


def _hashes(realm):
    """(options with the right NT hash, with a wrong one)"""
    right, wrong = (realm.kdc.folder / name for name in ("hash", "wrong-hash"))
    right.write_text("64f12cddaa88057e06a81b54e73b949b\n")  # of accounts.PASSWORD
    wrong.write_text("64f12cddaa88057e06a81b54e73b949c\n")
    return ("--nt-hash-file", right), ("--nt-hash-file", wrong)


@ad.case("nt-hash", needs=AD_NEEDS)
def nt_hash(realm):
    """The NT hash of a password is its RC4 key; no other etype has one."""
    cache = realm.kdc.folder / "hash.ccache"
    secret, wrong = _hashes(realm)
    codes = {
        "in": (realm.kinit(cache, *secret, "--allow-rc4"), 0),
        "wrong": (realm.kinit(cache, *wrong, "--allow-rc4"), NO_PERMISSION),
        "without --allow-rc4": (realm.kinit(cache, *secret), CONFIG),
    }
    for what, (outcome, code) in codes.items():
        if outcome.code != code:
            raise Failed(f"{what}: exit code {outcome.code}\n{outcome.output}")
    return ", ".join(f"{what}: {code}" for what, (_, code) in codes.items())


# An Active Directory gives every user AES keys, so only by an NT hash is a login of etype 23 (RFC 4757 2).
for _transport, _option in BY_SEND:

    @ad.case(f"login-nt-hash-{_transport}", needs=AD_NEEDS)
    def hash_login(realm, transport=_transport, option=_option):
        secret, wrong = _hashes(realm)
        options = (*secret, "--allow-rc4", *option)
        done, seen = realm.logged_in_by(transport, *options, password=None)
        _check_etypes(done.outcome.output, tickets=AES, session=18)
        details = [done.log_line.partition("login: ")[2].partition(" from=")[0], seen]
        for what, options, code in (
            ("a wrong hash", (*wrong, "--allow-rc4"), NO_PERMISSION),
            ("without --allow-rc4", secret, CONFIG),
        ):
            client = realm.sender(*options, *option, password=None)
            login = not_sent(realm.tools, realm.serve(), client)
            if login.outcome.code != code or login.tap.auth_commands():
                login.fail(f"{what}: exit code {login.outcome.code}")
            details.append(f"{what}: {code}")
        return ", ".join(details)


@ad.case("send-to-postfix-nt-hash", needs=(*AD_NEEDS, "postfix", "cyrus-sasl", "openssl"))
def hash_send(realm):
    """From the user's key to the session's, all of etype 23, to a service that has no other key."""
    subject = "interop by an nt hash"
    options = (*_hashes(realm)[0], "--allow-rc4", "--user", f"{accounts.USER}@{realm.kdc.realm}")
    outcome, server = realm.send(subject, *options, password=None, host=RC4_HOST)
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    _check_etypes(outcome.output, tickets=(RC4,), session=RC4)
    return f"in as {server.sender(subject)}"


@ad.case("enterprise-name", needs=AD_NEEDS)
def ad_upn(realm):
    """A name that is not the account's, and a suffix that is not the realm's."""
    realm.kdc.add_user("dodgson", upn="lewis@carroll.test")
    line = realm.client(*SMTP, user="lewis@carroll.test")
    _must(line, "ok client=dodgson@AD.TEST")
    line = realm.client(*SMTP, user="lewis@carroll.test", password=accounts.WRONG_PASSWORD)
    return _must(line, "error auth-failed", "status=24") and "in as dodgson; not with a wrong one"


@ad.case("locked-by-wrong-passwords", needs=AD_NEEDS)
def lockout(realm):
    realm.kdc.add_user("guessed")
    for _ in range(SambaAd.lockout_threshold):
        line = realm.client(*SMTP, user="guessed", password=accounts.WRONG_PASSWORD)
        _must(line, "error auth-failed")
    line = realm.client(*SMTP, user="guessed")
    return _must(line, "error auth-failed", "status=18", "locked")


HERE, THERE, FAR, UNTRUSTED = "EXAMPLE.TEST", "OTHER.TEST", "FAR.TEST", "UNTRUSTED.TEST"


class Realms:
    """Realms of MIT's: the users are in the first, services in the others. The way to the third is
    through the second; between the first and the last the trust has not the same key on both
    sides."""

    def __init__(self, state, tools):
        self.tools, self.folder = tools, state
        self.all = [MitKdc(state / name, name, (18, 17)) for name in (HERE, THERE, FAR, UNTRUSTED)]
        for kdc in self.all:
            kdc.know(*(other for other in self.all if other is not kdc))
            kdc.way(HERE, THERE, FAR)
            kdc.create()
            kdc.add_service(f"smtp/mail.{kdc.realm.lower()}")
        here, there, far, untrusted = self.all
        here.add_user(accounts.USER)
        for users, services, key in (
            (here, there, "one key"),
            (there, far, "one key"),
            (here, untrusted, "another key"),
        ):
            users.add_trust(users.realm, services.realm, "one key")
            services.add_trust(users.realm, services.realm, key)

    def kinit(self, service, password=accounts.PASSWORD):
        """`pocketgss kinit` with a ticket for this service; (outcome, the cache)."""
        cache = self.folder / "ccache"
        cache.unlink(missing_ok=True)
        command = [self.tools.pocketgss, "kinit", f"{accounts.USER}@{HERE}", "-v"]
        command += ["--krb5-conf", self.all[0].conf, "--ccache", cache, "--service", service]
        secret = secret_file(self.folder, password)
        return run_client([*command, "--password-file", secret]), cache


    def servers(self):
        """Two servers in the second realm: one that lets users of the first in, one that does not."""
        there = self.all[1]
        keytab = self.folder / "serve.keytab"
        there.keytab(keytab, f"smtp/mail.{THERE.lower()}")
        keytab.chmod(0o600)
        for name, options in (("open", ("--realms", HERE)), ("closed", ())):
            options = ("--keytab", keytab, "--first-start", *options)
            yield Serve(self.tools, self.folder, name, *options, users=False)

    def sender(self, password=accounts.PASSWORD):
        return clients.pocketgss(
            *("GSSAPI", "--user", f"{accounts.USER}@{HERE}", "--krb5-conf", self.all[0].conf),
            *("--spn", f"smtp/mail.{THERE.lower()}"),
            *("--password-file", secret_file(self.folder, password)),
        )


@contextlib.contextmanager
def _realms(state, tools):
    realms = Realms(state, tools)
    with running(*realms.all), serve_running(*realms.servers()) as realms.serves:
        yield realms


realms_group = Group("kdc-realms", _realms)
GROUPS = [mit, heimdal, ad, realms_group]


@realms_group.case("service-in-another-realm", needs=(*MIT_NEEDS, "krb5-user"))
def across(realms):
    """Our KDC refers us to the other realm, whose KDC the krb5.conf names."""
    outcome, cache = realms.kinit(f"smtp/mail.{THERE.lower()}")
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    listed = realms.all[0].klist(cache)
    _must(listed, f"smtp/mail.{THERE.lower()}@{THERE}", f"krbtgt/{HERE}@{HERE}")
    return "klist shows the ticket"


@realms_group.case("service-in-a-realm-behind-another", needs=(*MIT_NEEDS, "krb5-user"))
def two_hops(realms):
    outcome, cache = realms.kinit(f"smtp/mail.{FAR.lower()}")
    if outcome.code != 0:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    _must(realms.all[0].klist(cache), f"smtp/mail.{FAR.lower()}@{FAR}")
    return f"by way of {THERE}"


@realms_group.case("login-in-another-realm", needs=MIT_NEEDS)
def across_login(realms):
    """A server lets users of another realm in where it is told to, and else says why not (P13)."""
    client = realms.sender()
    login = admitted(
        *(realms.tools, realms.serves["open"], client, "GSSAPI"),
        account=f"{accounts.USER}@{HERE}",
        logged="{}/Kerberos",
    )
    words = ("refused", "P13: a client of another realm")
    turned_away(realms.tools, realms.serves["closed"], client, accounts.PASSWORD, words)
    return f"in, {login.log_line.partition('login: ')[2].partition(' from=')[0]}; 535 elsewhere"


@realms_group.case("login-in-another-realm-wrong-password", needs=MIT_NEEDS)
def across_login_wrong(realms):
    client = realms.sender(accounts.WRONG_PASSWORD)
    login = not_sent(realms.tools, realms.serves["open"], client, accounts.WRONG_PASSWORD)
    if login.outcome.code != 77 or login.tap.auth_commands():
        login.fail(f"exit code {login.outcome.code}")
    return f"exit code {login.outcome.code}, before any AUTH"


@realms_group.case("unknown-service-in-another-realm", needs=MIT_NEEDS)
def across_unknown(realms):
    outcome, _ = realms.kinit(f"smtp/nowhere.{THERE.lower()}")
    if outcome.code != 69:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return outcome.last_line()[:120]


@realms_group.case("wrong-password", needs=MIT_NEEDS)
def across_wrong(realms):
    outcome, _ = realms.kinit(f"smtp/mail.{THERE.lower()}", accounts.WRONG_PASSWORD)
    if outcome.code != 77:
        raise Failed(f"exit code {outcome.code}\n{outcome.output}")
    return outcome.last_line()[:120]


@realms_group.case("keys-of-the-trust-differ", needs=MIT_NEEDS)
def across_untrusted(realms):
    outcome, _ = realms.kinit(f"smtp/mail.{UNTRUSTED.lower()}")
    if outcome.code == 0:
        raise Failed(f"in, and must not be\n{outcome.output}")
    return f"exit code {outcome.code}: {outcome.last_line()[:120]}"
