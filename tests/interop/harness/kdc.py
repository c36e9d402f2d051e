# Kerberos realms on a free port of the namespace. What every KDC of the harness can do is in Kdc; here
# is MIT's, and the krb5.conf of those who ask it. Nobody else's configuration is read.
import contextlib
import pathlib
import re
import shutil

from . import accounts
from .case import Failed
from .peers import SEARCH_PATH
from .process import CLIENT_LIMIT, Service, accepts, free_port, run_client

REALM = "EXAMPLE.TEST"
SERVICE = f"smtp/{accounts.HOST}"
ETYPES = {
    17: "aes128-cts-hmac-sha1-96",
    18: "aes256-cts-hmac-sha1-96",
    19: "aes128-cts-hmac-sha256-128",
    20: "aes256-cts-hmac-sha384-192",
    23: "arcfour-hmac-md5",
}
KEY_NOT_LOGGED = "not logged"
_KRB5_CONF = """[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  qualify_shortname = ""
  allow_weak_crypto = true
  allow_rc4 = true
  permitted_enctypes = {etypes}
[realms]
{realms}
[domain_realm]
{domains}
"""
_REALM = """  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
"""
_KDC_CONF = """[kdcdefaults]
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


def krb5_conf(path, realms, etypes=tuple(ETYPES)):
    """Writes the krb5.conf of MIT's and Heimdal's clients and servers: `realms` are (name, port), the
    first is the default."""
    path.write_text(
        _KRB5_CONF.format(
            realm=realms[0][0],
            etypes=" ".join(ETYPES[number] for number in etypes),
            realms="".join(_REALM.format(realm=name, port=port) for name, port in realms),
            domains="\n".join(f"  .{name.lower()} = {name}" for name, _ in realms),
        )
    )
    path.chmod(0o644)
    return path


class Kdc:
    """One realm. `environment` is that of a client or server of the realm."""

    _login_logged = None  # a pattern of the log's line; its group is the etype of the user's key
    questions = 3  # of a login with preauthentication: two for the first ticket, one for the service's
    too_large_for_udp = 0  # answers to them, at most

    def __init__(self, folder: pathlib.Path, realm=REALM, etypes=tuple(ETYPES)):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self.folder, self.realm, self.etypes, self.port = folder, realm, etypes, free_port()
        self.conf = folder / "krb5.conf"
        self.environment = {"KRB5_CONFIG": str(self.conf)}
        self.know()
        self._service = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def know(self, *others):
        """Writes the krb5.conf, with other realms (Kdc) too."""
        realms = [(kdc.realm, kdc.port) for kdc in (self, *others)]
        krb5_conf(self.conf, realms, self.etypes)

    def create(self):
        """Makes an empty database."""
        raise NotImplementedError

    def add_user(self, name, password=accounts.PASSWORD, *, etypes=(), preauth=True):
        """`etypes`: of the keys that it has; all of the realm's unless told."""
        raise NotImplementedError

    def add_service(self, name, *, etypes=()):
        """A service with random keys; of these etypes, which session keys have then too."""
        raise NotImplementedError

    def expire_password(self, name):
        raise NotImplementedError

    def expire_account(self, name):
        raise NotImplementedError

    def lock(self, name):
        raise NotImplementedError

    def keytab(self, path, *names):
        """Adds the keys of these principals to the key table, as they are. Every user may read it:
        servers do not run as root."""
        raise NotImplementedError

    def acceptor(self, folder, *services, writer=None):
        """A key table of these services in `folder`, and the environment of a server that has it. The
        server writes there to a file of replays, as the user `writer`."""
        keytab, replays = folder / "services.keytab", folder / "replays"
        self.keytab(keytab, *services)
        replays.mkdir()
        if writer:
            shutil.chown(replays, writer)
        return keytab, {
            **self.environment,
            "KRB5_KTNAME": f"FILE:{keytab}",
            "KRB5RCACHENAME": f"file2:{replays}/cache",
        }

    def key_of_login(self, user):
        """The name of the etype of the user's key, as the KDC logged the last login with it; of an
        Active Directory KEY_NOT_LOGGED."""
        if not self._login_logged:
            return KEY_NOT_LOGGED
        pattern = self._login_logged.format(user=re.escape(f"{user}@{self.realm}"))
        found = re.findall(pattern, (self.folder / "kdc.log").read_text(errors="backslashreplace"))
        return found[-1] if found else "none at all"

    def command(self):
        """What runs the KDC in the foreground."""
        raise NotImplementedError

    def start(self):
        self._service = Service("kdc", self.command(), self.folder / "started.log", self.environment)
        self._service.wait_ready(lambda: accepts(self.port))

    def stop(self):
        if self._service:
            self._service.stop()
            self._service = None

    def run(self, program, *arguments, stdin="", limit=CLIENT_LIMIT):
        """Runs a program in the realm's environment; Failed where its exit code is not 0."""
        command = [shutil.which(str(program), path=SEARCH_PATH) or program, *arguments]
        done = run_client(command, environment=self.environment, stdin=stdin, limit=limit)
        if done.code != 0:
            raise Failed(f"{program}: {done.output.strip()}")
        return done.output

    def klist(self, ccache):
        return self.run("klist", "-e", "-c", str(ccache))


class MitKdc(Kdc):
    """MIT's krb5kdc."""

    _login_logged = r"AS_REQ .* ISSUE: .* etypes {{rep=(?:DEPRECATED:)?(\S+)\(\d+\), .*}}, {user} for"

    def __init__(self, folder, realm=REALM, etypes=tuple(ETYPES)):
        super().__init__(folder, realm, etypes)
        self._profile = folder / "kdc.conf"
        keys = " ".join(f"{ETYPES[number]}:normal" for number in etypes)
        self._profile.write_text(_KDC_CONF.format(realm=realm, port=self.port, folder=folder, keys=keys))
        self.environment["KRB5_KDC_PROFILE"] = str(self._profile)

    def create(self):
        self.run("kdb5_util", "create", "-s", "-r", self.realm, "-P", "master")

    def add_user(self, name, password=accounts.PASSWORD, *, etypes=(), preauth=True):
        self.admin(f"addprinc {_keys(etypes)} -pw {password} {name}")
        if not preauth:
            self.admin(f"modprinc -requires_preauth {name}")

    def add_service(self, name, *, etypes=()):
        self.admin(f"addprinc {_keys(etypes)} -randkey {name}")
        # else it takes no ticket of a user without preauthentication
        self.admin(f"modprinc -requires_preauth {name}")
        if etypes:
            self.session_etypes(name, *etypes)

    def log_size(self):
        return (self.folder / "kdc.log").stat().st_size

    def services_since(self, size, user):
        """The services, in order, for which the user got a ticket since the log had this size."""
        new = (self.folder / "kdc.log").read_bytes()[size:].decode(errors="backslashreplace")
        user = re.escape(f"{user}@{self.realm}")
        return re.findall(rf"TGS_REQ .* ISSUE: .*, {user} for (\S+)$", new, re.M)

    def session_etypes(self, service, *etypes):
        """What session keys the service is said to know; without this it is AES whatever its keys are."""
        words = " ".join(ETYPES[number] for number in etypes)
        self.admin(f'setstr {service} session_enctypes "{words}"')

    def add_trust(self, users, services, password):
        """This realm's copy of the key by which the users of one realm get at services of another."""
        self.admin(f'addprinc -pw "{password}" krbtgt/{services}@{users}')

    def way(self, users, between, services):
        """Users of one realm get to services of another through a third, and no other way."""
        with open(self._profile, "a") as profile:
            profile.write(f"[capaths]\n  {users} = {{\n    {services} = {between}\n  }}\n")

    def expire_password(self, name):
        self.admin(f"modprinc -pwexpire yesterday {name}")

    def expire_account(self, name):
        self.admin(f"modprinc -expire yesterday {name}")

    def lock(self, name):
        self.admin(f"modprinc -allow_tix {name}")

    def keytab(self, path, *names):
        for name in names:
            self.admin(f"ktadd -norandkey -k {path} {name}")
        pathlib.Path(path).chmod(0o644)

    def admin(self, query):
        """kadmin.local tells of a refused query by its text alone."""
        output = self.run("kadmin.local", "-r", self.realm, "-q", query)
        for line in output.splitlines():
            if line.startswith(("add_principal:", "modify_principal:", "kadmin.local:")):
                raise Failed(f"{query}: {line}")
        return output

    def command(self):
        return [shutil.which("krb5kdc", path=SEARCH_PATH), "-n", "-r", self.realm]


def _keys(etypes):
    return "-e " + ",".join(f"{ETYPES[number]}:normal" for number in etypes) if etypes else ""


@contextlib.contextmanager
def running(*kdcs):
    try:
        for kdc in kdcs:
            kdc.start()
        yield
    finally:
        for kdc in kdcs:
            kdc.stop()
