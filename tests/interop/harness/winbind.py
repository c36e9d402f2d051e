# A standalone winbindd with a local account database: what Samba's ntlm_auth asks when it plays
# the server.
import contextlib
import pathlib
import subprocess

from . import accounts, namespace
from .case import Failed
from .process import Service

PIPE_FOLDER = (
    "/run/samba"  # ntlm_auth looks for winbindd's pipe here alone, whatever its configuration says
)
_NETBIOS_NAME = "PEERHOST"

_CONFIGURATION = """\
[global]
  netbios name = {name}
  workgroup = PEERGRP
  server role = standalone server
  interfaces = lo
  bind interfaces only = yes
  disable netbios = yes
  passdb backend = tdbsam:{folder}/private/passdb.tdb
  private dir = {folder}/private
  lock directory = {folder}/lock
  state directory = {folder}/state
  cache directory = {folder}/cache
  pid directory = {folder}/run
  ncalrpc dir = {folder}/ncalrpc
  winbindd socket directory = {pipe}/winbindd
  log file = {folder}/log.%m
  ntlm auth = ntlmv2-only
  map to guest = never
  idmap config * : backend = tdb
  idmap config * : range = 10000-20000
"""


class Winbind:
    """Its domain is the machine's own name: DOMAIN\\alice is looked up there."""

    domain = _NETBIOS_NAME

    def __init__(self, state: pathlib.Path):
        self._folder = state / "samba"
        self.configuration = self._folder / "smb.conf"
        self.log = self._folder / "winbindd.log"
        self.environment = {"SMB_CONF_PATH": str(self.configuration)}
        self._service = None

    def start(self):
        namespace.private_folder(PIPE_FOLDER)
        for part in ("private", "lock", "state", "cache", "run", "ncalrpc"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        self.configuration.write_text(
            _CONFIGURATION.format(name=_NETBIOS_NAME, folder=self._folder, pipe=PIPE_FOLDER)
        )
        self._add_account()
        command = [
            "winbindd",
            "--foreground",
            "--no-process-group",
            "--configfile",
            self.configuration,
        ]
        self._service = Service("winbindd", command, self.log)
        self._service.wait_ready(self._answers)

    def _add_account(self):
        """An account of tdbsam needs a Unix user of its name: it stands in a copy of /etc/passwd
        that this group alone sees."""
        passwd = self._folder / "passwd"
        entry = f"{accounts.USER}:x:61234:65534::/nonexistent:/usr/sbin/nologin\n"
        others = [line for line in open("/etc/passwd") if not line.startswith(accounts.USER + ":")]
        passwd.write_text("".join(others) + entry)
        passwd.chmod(0o644)
        namespace.bind(passwd, "/etc/passwd")
        secret = f"{accounts.PASSWORD}\n{accounts.PASSWORD}\n"
        done = subprocess.run(
            ["smbpasswd", "-c", str(self.configuration), "-L", "-s", "-a", accounts.USER],
            input=secret,
            text=True,
            capture_output=True,
        )
        if done.returncode != 0:
            raise Failed(f"smbpasswd: {done.stdout} {done.stderr}")

    def _answers(self):
        return (
            subprocess.run(
                ["wbinfo", "-p"],
                env={"PATH": "/usr/bin:/bin", **self.environment},
                capture_output=True,
            ).returncode
            == 0
        )

    def stop(self):
        if self._service:
            self._service.stop()


@contextlib.contextmanager
def running(state):
    server = Winbind(state)
    try:
        server.start()
        yield server
    finally:
        server.stop()
