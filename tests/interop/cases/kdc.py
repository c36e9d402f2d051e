# Our client of a KDC with MIT krb5's krb5kdc, over lib/platform's transport: passwords, keytabs, each
# etype, and what a user is told where it does not work.
import contextlib
import re
import shutil

from harness import accounts
from harness.case import Failed, Group
from harness.peers import SEARCH_PATH
from harness.process import Service, accepts, free_port, run_client

NEEDS = ("krb5kdc",)
REALM = "EXAMPLE.TEST"
ETYPES = {
    17: "aes128-cts-hmac-sha1-96",
    18: "aes256-cts-hmac-sha1-96",
    19: "aes128-cts-hmac-sha256-128",
    20: "aes256-cts-hmac-sha384-192",
    23: "arcfour-hmac",
}
KRB5_CONF = """[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  allow_weak_crypto = true
  allow_rc4 = true
  permitted_enctypes = {etypes}
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
"""
KDC_CONF = """[kdcdefaults]
  kdc_listen = 127.0.0.1:{port}
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {realm} = {{
    database_name = {folder}/db
    key_stash_file = {folder}/stash
    max_life = 10h
    default_principal_flags = +preauth
    supported_enctypes = {keys}
  }}
[logging]
  kdc = FILE:{folder}/kdc.log
"""


class Kdc:
    def __init__(self, tools, folder):
        self._tools, self.folder, self.port = tools, folder, free_port()
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
        }
        names = " ".join(ETYPES.values())
        keys = " ".join(f"{name}:normal" for name in ETYPES.values())
        for name, template in (("krb5.conf", KRB5_CONF), ("kdc.conf", KDC_CONF)):
            text = template.format(
                realm=REALM, port=self.port, folder=folder, etypes=names, keys=keys
            )
            (folder / name).write_text(text)

    def create(self):
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        for name, password in ((accounts.USER, accounts.PASSWORD), ("expired", "x"), ("locked", "x")):
            self.admin(f"addprinc -pw {password} {name}")
        self.admin("modprinc -pwexpire yesterday expired")
        self.admin("modprinc -allow_tix locked")
        self.admin(f"addprinc -pw {accounts.PASSWORD} -requires_preauth nopreauth")
        self.admin("modprinc -requires_preauth nopreauth")
        for number, name in ETYPES.items():
            self.admin(f"addprinc -e {name}:normal -pw {accounts.PASSWORD} user{number}")
        for service in ("smtp/mail.example.test", "SMTPSVC/old.example.test"):
            self.admin(f"addprinc -randkey {service}")
            # else it takes no ticket of a user without preauthentication
            self.admin(f"modprinc -requires_preauth {service}")
        self.admin(f"ktadd -norandkey -k {self.folder}/user.keytab {accounts.USER}")

    def admin(self, query):
        return self._run("kadmin.local", "-r", REALM, "-q", query)

    def _run(self, program, *arguments):
        done = run_client(
            [shutil.which(program, path=SEARCH_PATH), *arguments], environment=self.environment
        )
        if done.code != 0:
            raise Failed(f"{program}: {done.last_line()}")
        return done.output

    def serve(self):
        return Service(
            "krb5kdc",
            [shutil.which("krb5kdc", path=SEARCH_PATH), "-n", "-r", REALM],
            self.folder / "krb5kdc.log",
            self.environment,
        )

    def client(self, *arguments, user=accounts.USER, password=accounts.PASSWORD, kdc=None):
        """Runs our client; returns its one line."""
        command = [self._tools.pgss_kdc, "--user", user, "--realm", REALM]
        if password is not None:
            command += ["--password", password]
        for address in kdc or [f"127.0.0.1:{self.port}"]:
            command += ["--kdc", address]
        return run_client([*command, *arguments]).last_line()

    def klist(self, ccache):
        return self._run("klist", "-e", "-c", str(ccache))


@contextlib.contextmanager
def _servers(state, tools):
    kdc = Kdc(tools, state)
    kdc.create()
    service = kdc.serve()
    service.wait_ready(lambda: accepts(kdc.port))
    try:
        yield kdc
    finally:
        service.stop()


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
    def password(kdc, number=_number):
        line = kdc.client(*SMTP, "--etypes", str(number), user=f"user{number}")
        return _must(line, "ok ", f"etype={number}", f"server=smtp/{accounts.HOST}@{REALM}")


@group.case("udp-first", needs=NEEDS)
def udp(kdc):
    return _must(kdc.client(*SMTP, "--udp"), "ok ")


@group.case("keytab", needs=NEEDS)
def keytab(kdc):
    line = kdc.client(*SMTP, "--keytab", str(kdc.folder / "user.keytab"), password=None)
    return _must(line, "ok ")


@group.case("without-preauthentication", needs=NEEDS)
def no_preauth(kdc):
    return _must(kdc.client(*SMTP, user="nopreauth"), "ok client=nopreauth@")


@group.case("smtpsvc-after-smtp", needs=NEEDS)
def smtpsvc(kdc):
    line = kdc.client("--service", "smtp", "--host", "old.example.test")
    return _must(line, "ok ", "server=SMTPSVC/old.example.test@")


@group.case("enterprise-name-after-a-plain-one", needs=NEEDS)
def upn(kdc):
    return _must(kdc.client(*SMTP, user="alice@example.test"), "ok client=alice@")


@group.case("mit-reads-the-ticket", needs=NEEDS)
def ccache(kdc):
    path = kdc.folder / "ours.ccache"
    _must(kdc.client("--ccache", str(path)), "ok ")
    listed = kdc.klist(path)
    return _must(listed, f"krbtgt/{REALM}@{REALM}", f"{accounts.USER}@{REALM}") and "klist shows it"


@group.case("wrong-password", needs=NEEDS)
def wrong(kdc):
    line = kdc.client(*SMTP, password=accounts.WRONG_PASSWORD)
    return _must(line, "error auth-failed", "status=24", "the password is wrong")


@group.case("unknown-user", needs=NEEDS)
def unknown(kdc):
    line = kdc.client(*SMTP, user="nobody")
    return _must(line, "error auth-failed", "status=6", "the user is not known")


@group.case("unknown-service", needs=NEEDS)
def service(kdc):
    line = kdc.client("--service", "smtp", "--host", "nowhere.example.test")
    return _must(line, "error peer-incompatible", "status=7", "the service is not known")


@group.case("expired-password", needs=NEEDS)
def expired(kdc):
    line = kdc.client(*SMTP, user="expired", password="x")
    return _must(line, "error auth-failed", "status=23", "the password has expired")


@group.case("locked-account", needs=NEEDS)
def locked(kdc):
    line = kdc.client(*SMTP, user="locked", password="x")
    return _must(line, "error auth-failed", "status=18", "locked, disabled or expired")


@group.case("ip-address-as-host", needs=NEEDS)
def address(kdc):
    line = kdc.client("--service", "smtp", "--host", "192.0.2.1")
    return _must(line, "error peer-incompatible", "this is an IP address")


@group.case("clock-wrong-by-hours", needs=NEEDS)
def skew(kdc):
    details = []
    for wrong in (7 * 3600, -7 * 3600):
        line = kdc.client(*SMTP, "--clock-ahead", str(wrong))
        offset = int(re.search(r"offset=(-?\d+)", _must(line, "ok "))[1])
        if abs(offset + wrong) > 5:
            raise Failed(f"the clock is {wrong} s ahead, and the offset is {offset}")
        details.append(f"{offset} s")
    return "corrected by " + " and ".join(details)


@group.case("clock-never-set", needs=NEEDS)
def no_clock(kdc):
    # The driver's clock shows 1970, or so.
    import time

    line = kdc.client(*SMTP, "--clock-ahead", str(-int(time.time())))
    return _must(line, "ok ")


@group.case("clock-wrong-by-two-days", needs=NEEDS)
def too_much(kdc):
    line = kdc.client(*SMTP, "--clock-ahead", str(2 * 86400))
    return _must(line, "error expired")


@group.case("a-dead-kdc-costs-three-seconds", needs=NEEDS)
def dead(kdc):
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        line = kdc.client(
            *SMTP, kdc=[f"127.0.0.1:{silent.getsockname()[1]}", f"127.0.0.1:{kdc.port}"]
        )
    took = int(re.search(r"ms=(\d+)", line)[1])
    _must(line, "ok ")
    if not 2900 <= took <= 4500:
        raise Failed(f"{took} ms")
    return f"{took} ms"
