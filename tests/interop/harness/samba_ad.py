# An Active Directory domain controller: Samba's, of which the KDC alone runs.
import base64
import pathlib

from . import accounts, namespace
from .kdc import Kdc

ETYPES = (17, 18, 23)  # all that an Active Directory has
PROVISION_LIMIT = 150  # seconds
_BITS = {23: 4, 17: 8, 18: 16}  # msDS-SupportedEncryptionTypes: [MS-KILE] 2.2.7
_NORMAL_ACCOUNT, _DISABLED, _NO_PREAUTH, _NEVER_EXPIRES = 0x200, 0x2, 0x400000, 0x10000

_CONF = """[global]
  netbios name = DC1
  realm = {realm}
  workgroup = AD
  server role = active directory domain controller
  interfaces = lo
  bind interfaces only = yes
  disable netbios = yes
  server services = kdc
  krb5 port = {port}
  kpasswd port = {kpasswd}
  private dir = {folder}/private
  lock directory = {folder}
  state directory = {folder}/state
  cache directory = {folder}/cache
  pid directory = {folder}/run
  ncalrpc dir = {folder}/ncalrpc
  log file = {folder}/samba.log
  log level = 1
  kdc default domain supported enctypes = arcfour-hmac-md5 aes128-cts-hmac-sha1-96 aes256-cts-hmac-sha1-96
[sysvol]
  path = {folder}/state/sysvol
  read only = no
[netlogon]
  path = {folder}/state/sysvol/scripts
  read only = no
"""


class SambaAd(Kdc):
    too_large_for_udp = 2  # tickets: with AES keys, and those of an NT hash are not (quirk D6)
    lockout_threshold = 3

    def __init__(self, folder, realm="AD.TEST"):
        super().__init__(folder, realm, ETYPES)
        self._base = ",".join(f"DC={part}" for part in realm.lower().split("."))
        self._database = folder / "private" / "sam.ldb"
        self._conf = folder / "etc" / "smb.conf"
        self.environment["SMB_CONF_PATH"] = str(self._conf)
        self._passwords = {}

    def know(self, *others):
        super().know(*others)
        with open(self.conf, "a") as conf:
            conf.write("[kdc]\n  require-preauth = no\n")  # but as the accounts say

    def create(self):
        folder, empty = self.folder, self.folder / "empty.conf"
        empty.write_text("")
        self.run(
            *("samba-tool", "domain", "provision", "-s", empty, f"--targetdir={folder}"),
            *(f"--realm={self.realm}", "--domain=AD", "--server-role=dc", "--dns-backend=NONE"),
            *("--host-name=dc1", "--host-ip=127.0.0.1", "--adminpass=Passw0rd.1"),
            *("--function-level=2008_R2", "--option=interfaces=lo"),
            "--option=bind interfaces only=yes",
            limit=PROVISION_LIMIT,
        )
        for part in ("run", "ncalrpc"):
            (folder / part).mkdir(exist_ok=True)
        values = dict(realm=self.realm, port=self.port, kpasswd=self.port + 20000, folder=folder)
        self._conf.write_text(_CONF.format(**values))
        self._modify(
            self._base,
            pwdProperties=0,
            minPwdLength=1,
            minPwdAge=0,
            maxPwdAge=-(2**63),
            lockoutThreshold=self.lockout_threshold,
        )

    def add_user(self, name, password=accounts.PASSWORD, *, etypes=(), preauth=True, upn=None):
        """`upn`: the user's name with a suffix, where that is not of the realm."""
        flags = _NORMAL_ACCOUNT | _NEVER_EXPIRES | (0 if preauth else _NO_PREAUTH)
        if not preauth:
            # Its KDC asks for it also where the service's account says so: the realm's own.
            realm_flags = _NORMAL_ACCOUNT | _DISABLED | _NO_PREAUTH
            self._modify(self._dn("krbtgt"), userAccountControl=realm_flags)
        self._add(name, password, etypes, flags, upn or f"{name}@{self.realm.lower()}")

    def add_service(self, name, *, etypes=()):
        """An account that has the name as its SPN."""
        account = "svc-" + name.replace("/", "-").replace(".", "-")[:16]
        self._add(account, "Service.1", etypes or ETYPES, _NORMAL_ACCOUNT | _NEVER_EXPIRES)
        self._modify(self._dn(account), servicePrincipalName=name)

    def expire_password(self, name):
        self._modify(self._dn(name), userAccountControl=_NORMAL_ACCOUNT, pwdLastSet=0)

    def expire_account(self, name):
        self._modify(self._dn(name), accountExpires=1)  # the first tick of 1601

    def lock(self, name):
        """Disabled; what wrong passwords do is a case of its own."""
        self._modify(self._dn(name), userAccountControl=_NORMAL_ACCOUNT | _DISABLED)

    def keytab(self, path, *names):
        for name in names:
            options = ("-s", self._conf, f"--principal={name}")
            self.run("samba-tool", "domain", "exportkeytab", path, *options)
        pathlib.Path(path).chmod(0o644)

    def command(self):
        return ["samba", "-F", "-M", "single", "--no-process-group", "-s", self._conf]

    def start(self):
        namespace.private_folder("/run/samba")
        super().start()

    def _dn(self, account):
        return f"CN={account},CN=Users,{self._base}"

    def _add(self, account, password, etypes, flags, upn=None):
        secret = base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
        lines = [
            f"dn: {self._dn(account)}",
            "objectClass: user",
            f"sAMAccountName: {account}",
            f"unicodePwd:: {secret}",
            f"userAccountControl: {flags}",
        ]
        if upn:
            lines.append(f"userPrincipalName: {upn}")
        if etypes:
            bits = sum(_BITS[number] for number in etypes)
            lines.append(f"msDS-SupportedEncryptionTypes: {bits}")
        self._ldif("ldbadd", lines)

    def _modify(self, dn, **attributes):
        lines = [f"dn: {dn}", "changetype: modify"]
        for name, value in attributes.items():
            lines += [f"replace: {name}", f"{name}: {value}", "-"]
        self._ldif("ldbmodify", lines)

    def _ldif(self, program, lines):
        self.run(program, "-H", self._database, stdin="\n".join(lines) + "\n")
