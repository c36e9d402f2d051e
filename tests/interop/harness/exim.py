# Exim with Cyrus SASL. Its Debian package conflicts with Postfix's, so it is unpacked into the build
# folder (tools.py). It keeps what it takes in its queue.
import contextlib
import pathlib
import re
import shutil

from . import accounts, namespace
from .case import Failed
from .process import Service, free_port, wait_until
from .smtp import plain_session

_USER = "Debian-exim"  # compiled in
_CONF = """\
keep_environment = {names}
add_environment = <; {environment}
exim_path = {program}
primary_hostname = {host}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s.log
pid_file_path = {folder}/spool/exim.pid
local_interfaces = 127.0.0.1.{port}
tls_advertise_hosts =
host_lookup =
rfc1413_hosts =
never_users =
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept
queue_only = true
log_selector = +all
begin acl
acl_rcpt:
  accept authenticated = *
  deny
begin authenticators
{authenticators}
"""
_AUTHENTICATOR = """\
{name}:
  driver = cyrus_sasl
  public_name = {mechanism}
  server_service = smtp
  server_hostname = {host}
  server_realm = {realm}
  server_set_id = $auth1
"""


class Exim:
    def __init__(self, state: pathlib.Path, kdc, root: pathlib.Path):
        folder = self._folder = state / "exim"
        self.port = free_port()
        for part in ("spool", "log"):
            (folder / part).mkdir(parents=True)
        self._add_user(folder)
        # A copy: one that is set to run as another user is not told of our files.
        self._program = folder / "exim4"
        shutil.copyfile(root / "usr/sbin/exim4", self._program)
        self._program.chmod(0o755)
        _, environment = kdc.acceptor(folder, f"smtp/{accounts.HOST}", writer=_USER)
        authenticators = "".join(
            _AUTHENTICATOR.format(
                name=mechanism.lower().replace("-", ""),
                mechanism=mechanism,
                host=accounts.HOST,
                realm=kdc.realm,
            )
            for mechanism in ("GSSAPI", "GSS-SPNEGO")
        )
        self._conf = folder / "exim.conf"
        self._conf.write_text(
            _CONF.format(
                folder=folder,
                program=self._program,
                host=accounts.HOST,
                port=self.port,
                names=" : ".join(environment),
                environment=" ; ".join(f"{name}={value}" for name, value in environment.items()),
                authenticators=authenticators,
            )
        )
        self._service = None

    def _add_user(self, folder):
        """In copies of the user lists that this group alone sees."""
        for name, entry in (
            ("passwd", f"{_USER}:x:61235:61235::/nonexistent:/usr/sbin/nologin\n"),
            ("group", f"{_USER}:x:61235:\n"),
        ):
            path = folder / name
            with open(f"/etc/{name}") as lines:
                others = [line for line in lines if not line.startswith(_USER + ":")]
            path.write_text("".join(others) + entry)
            path.chmod(0o644)
            namespace.bind(path, f"/etc/{name}")
        for part in ("spool", "log"):
            shutil.chown(folder / part, _USER, _USER)

    def start(self):
        command = [self._program, "-C", self._conf, "-bdf"]
        self._service = Service("exim", command, self._folder / "output.log")
        self._service.wait_ready(lambda: plain_session(self.port))

    def stop(self):
        if self._service:
            self._service.stop()

    def sender(self, subject):
        """Who sent this message: the name that stands with it in the queue."""
        wait_until(f"the message {subject}", lambda: self._queued(subject), 10)
        found = re.search(r"^--?auth_id (.*)$", self._queued(subject), re.M)
        if not found or accounts.USER not in found[1]:
            raise Failed(f"no authenticated sender\n{self._queued(subject)}")
        return found[1]

    def _queued(self, subject):
        for path in (self._folder / "spool" / "input").rglob("*-H"):
            text = path.read_text(errors="backslashreplace")
            if subject in text:
                return text
        return ""


@contextlib.contextmanager
def running(state, kdc, root):
    server = Exim(state, kdc, root)
    try:
        server.start()
        yield server
    finally:
        server.stop()
