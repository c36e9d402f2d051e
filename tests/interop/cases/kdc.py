# Our client of a KDC with MIT krb5's krb5kdc, over lib/platform's transport: passwords, keytabs, each
# etype, and what a user is told where it does not work.
import contextlib
import re

from harness import accounts
from harness.case import Failed, Group
from harness.kdc import ETYPES, REALM, MitKdc, running
from harness.process import run_client

NEEDS = ("krb5kdc",)


class Realm:
    """A KDC, and our client of it."""

    def __init__(self, kdc, tools):
        self.kdc, self._tools = kdc, tools

    def create(self):
        kdc = self.kdc
        kdc.create()
        kdc.add_user(accounts.USER)
        for name in ("expired", "locked"):
            kdc.add_user(name, "x")
        kdc.expire_password("expired")
        kdc.lock("locked")
        kdc.add_user("nopreauth", preauth=False)
        for number in kdc.etypes:
            kdc.add_user(f"user{number}", etypes=(number,))
        for service in ("smtp/mail.example.test", "SMTPSVC/old.example.test"):
            kdc.add_service(service)
        kdc.keytab(kdc.folder / "user.keytab", accounts.USER)

    def client(self, *arguments, user=accounts.USER, password=accounts.PASSWORD, kdc=None):
        """Runs our client; returns its one line."""
        command = [self._tools.pgss_kdc, "--user", user, "--realm", self.kdc.realm]
        if password is not None:
            command += ["--password", password]
        for address in kdc or [self.kdc.address]:
            command += ["--kdc", address]
        return run_client([*command, *arguments]).last_line()


@contextlib.contextmanager
def _servers(state, tools):
    realm = Realm(MitKdc(state / "kdc"), tools)
    realm.create()
    with running(realm.kdc):
        yield realm


group = Group("kdc", _servers)
GROUPS = [group]
SMTP = ("--service", "smtp", "--host", accounts.HOST)


def _must(line, *words):
    for word in words:
        if word not in line:
            raise Failed(f"no {word!r} in: {line}")
    return line.split(" ms=")[0]


for _number in ETYPES:

    @group.case(f"password-etype-{_number}", needs=NEEDS)
    def password(realm, number=_number):
        line = realm.client(*SMTP, "--etypes", str(number), user=f"user{number}")
        return _must(line, "ok ", f"etype={number}", f"server=smtp/{accounts.HOST}@{REALM}")


@group.case("udp-first", needs=NEEDS)
def udp(realm):
    return _must(realm.client(*SMTP, "--udp"), "ok ")


@group.case("keytab", needs=NEEDS)
def keytab(realm):
    line = realm.client(*SMTP, "--keytab", str(realm.kdc.folder / "user.keytab"), password=None)
    return _must(line, "ok ")


@group.case("without-preauthentication", needs=NEEDS)
def no_preauth(realm):
    return _must(realm.client(*SMTP, user="nopreauth"), "ok client=nopreauth@")


@group.case("smtpsvc-after-smtp", needs=NEEDS)
def smtpsvc(realm):
    line = realm.client("--service", "smtp", "--host", "old.example.test")
    return _must(line, "ok ", "server=SMTPSVC/old.example.test@")


@group.case("enterprise-name-after-a-plain-one", needs=NEEDS)
def upn(realm):
    return _must(realm.client(*SMTP, user="alice@example.test"), "ok client=alice@")


@group.case("mit-reads-the-ticket", needs=NEEDS)
def ccache(realm):
    path = realm.kdc.folder / "ours.ccache"
    _must(realm.client("--ccache", str(path)), "ok ")
    listed = realm.kdc.klist(path)
    return _must(listed, f"krbtgt/{REALM}@{REALM}", f"{accounts.USER}@{REALM}") and "klist shows it"


@group.case("wrong-password", needs=NEEDS)
def wrong(realm):
    line = realm.client(*SMTP, password=accounts.WRONG_PASSWORD)
    return _must(line, "error auth-failed", "status=24", "the password is wrong")


@group.case("unknown-user", needs=NEEDS)
def unknown(realm):
    line = realm.client(*SMTP, user="nobody")
    return _must(line, "error auth-failed", "status=6", "the user is not known")


@group.case("unknown-service", needs=NEEDS)
def service(realm):
    line = realm.client("--service", "smtp", "--host", "nowhere.example.test")
    return _must(line, "error peer-incompatible", "status=7", "the service is not known")


@group.case("expired-password", needs=NEEDS)
def expired(realm):
    line = realm.client(*SMTP, user="expired", password="x")
    return _must(line, "error auth-failed", "status=23", "the password has expired")


@group.case("locked-account", needs=NEEDS)
def locked(realm):
    line = realm.client(*SMTP, user="locked", password="x")
    return _must(line, "error auth-failed", "status=18", "locked, disabled or expired")


@group.case("ip-address-as-host", needs=NEEDS)
def address(realm):
    line = realm.client("--service", "smtp", "--host", "192.0.2.1")
    return _must(line, "error peer-incompatible", "this is an IP address")


@group.case("clock-wrong-by-hours", needs=NEEDS)
def skew(realm):
    details = []
    for wrong in (7 * 3600, -7 * 3600):
        line = realm.client(*SMTP, "--clock-ahead", str(wrong))
        offset = int(re.search(r"offset=(-?\d+)", _must(line, "ok "))[1])
        if abs(offset + wrong) > 5:
            raise Failed(f"the clock is {wrong} s ahead, and the offset is {offset}")
        details.append(f"{offset} s")
    return "corrected by " + " and ".join(details)


@group.case("clock-never-set", needs=NEEDS)
def no_clock(realm):
    # The driver's clock shows 1970, or so.
    import time

    line = realm.client(*SMTP, "--clock-ahead", str(-int(time.time())))
    return _must(line, "ok ")


@group.case("clock-wrong-by-two-days", needs=NEEDS)
def too_much(realm):
    line = realm.client(*SMTP, "--clock-ahead", str(2 * 86400))
    return _must(line, "error expired")


@group.case("a-dead-kdc-costs-three-seconds", needs=NEEDS)
def dead(realm):
    import socket

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
