# Heimdal's KDC. Its Debian packages conflict with MIT's, so it is unpacked into the build folder
# (tools.py), and only its libraries are installed.
import pathlib

from . import accounts
from .kdc import ETYPES, Kdc

_CONF = """[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  allow_weak_crypto = true
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
[kdc]
  ports = {port}
  addresses = 127.0.0.1
  require-preauth = no
  database = {{
    dbname = {folder}/hdb
    realm = {realm}
    mkey_file = {folder}/mkey
    acl_file = {folder}/acl
    log_file = {folder}/hdb-changes
  }}
[kadmin]
  default_keys = {keys}
[logging]
  kdc = 0-/FILE:{folder}/kdc.log
  default = 0-/FILE:{folder}/library.log
"""


class HeimdalKdc(Kdc):
    """`root` is where its packages are unpacked."""

    _login_logged = r"Pre-authentication succeeded -- {user} using (\S+)"

    def __init__(self, folder, root, realm="HEIM.TEST", etypes=tuple(ETYPES)):
        super().__init__(folder, realm, etypes)
        self._root, self._conf = root, folder / "heimdal.conf"
        keys = " ".join(f"{ETYPES[number]}:pw-salt" for number in etypes)
        values = dict(realm=realm, port=self.port, folder=folder, keys=keys)
        self._conf.write_text(_CONF.format(**values))

    def create(self):
        self.run(self._root / "usr/sbin/kstash", "--random-key", "-k", self.folder / "mkey")
        lives = ("--realm-max-ticket-life=10h", "--realm-max-renewable-life=7d")
        self._admin("init", *lives, self.realm)

    def add_user(self, name, password=accounts.PASSWORD, *, etypes=(), preauth=True):
        self._admin("add", "--use-defaults", "-p", password, name)
        if preauth:
            self._admin("modify", "--attributes=+requires-pre-auth", name)
        self._only(name, etypes)

    def add_service(self, name, *, etypes=()):
        self._admin("add", "--use-defaults", "--random-key", name)
        self._only(name, etypes)

    def expire_password(self, name):
        self._admin("modify", "--pw-expiration-time=2020-01-01", name)

    def expire_account(self, name):
        self._admin("modify", "--expiration-time=2020-01-01", name)

    def lock(self, name):
        self._admin("modify", "--attributes=+disallow-all-tix", name)

    def keytab(self, path, *names):
        for name in names:
            self._admin("ext_keytab", "-k", path, name)
        pathlib.Path(path).chmod(0o644)

    def program(self, name):
        """One of its clients."""
        return self._root / "usr/bin" / name

    def command(self):
        program = self._root / "usr/lib/heimdal-servers/kdc"
        return [program, "-c", self._conf, "--addresses=127.0.0.1", "-P", self.port]

    def _only(self, name, etypes):
        others = [ETYPES[number] for number in self.etypes if etypes and number not in etypes]
        if others:
            self._admin("del_enctype", name, *others)

    def _admin(self, *words):
        return self.run(self.program("kadmin.heimdal"), "-l", "-c", self._conf, *words)
