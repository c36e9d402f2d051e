# Dovecot's submission server, whose GSSAPI and GSS-SPNEGO are its own code over MIT's GSS-API, for
# Kerberos alone. It relays to a sink.
import contextlib
import pathlib
import re

from . import accounts
from .case import Failed
from .process import Service, free_port
from .sink import Sink
from .smtp import plain_session

_CONF = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {log}
auth_verbose = yes
auth_debug = yes
auth_failure_delay = 0
protocols = submission
listen = 127.0.0.1
ssl = no
hostname = {host}
auth_mechanisms = gssapi gss-spnego
auth_gssapi_hostname = "$ALL"
auth_krb5_keytab = {keytab}
auth_realms = {realm}
import_environment = TZ {environment}
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/home mail=maildir:{folder}/home/Maildir
}}
submission_relay_host = 127.0.0.1
submission_relay_port = {sink}
submission_relay_trusted = no
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
}}
service auth {{
  user = root
}}
# No penalty for those who failed before.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


class Dovecot:
    def __init__(self, state: pathlib.Path, kdc):
        folder = state / "dovecot"
        self.port, self.log = free_port(), folder / "dovecot.log"
        self._sink = Sink(folder)
        (folder / "run").mkdir()
        home = folder / "home"
        home.mkdir()
        home.chmod(0o777)
        keytab, environment = kdc.acceptor(folder, f"smtp/{accounts.HOST}")
        self._conf = folder / "dovecot.conf"
        self._conf.write_text(
            _CONF.format(
                folder=folder,
                log=self.log,
                host=accounts.HOST,
                port=self.port,
                sink=self._sink.port,
                keytab=keytab,
                realm=kdc.realm,
                environment=" ".join(f"{name}={value}" for name, value in environment.items()),
            )
        )
        self._output = folder / "output.log"
        self._service = None

    def start(self):
        self._sink.start()
        self._service = Service("dovecot", ["dovecot", "-F", "-c", self._conf], self._output)
        self._service.wait_ready(lambda: plain_session(self.port))

    def stop(self):
        if self._service:
            self._service.stop()
        self._sink.stop()

    def sender(self, subject):
        """Who sent this message, the last one: the name in the log."""
        self._sink.wait_message(subject)
        found = re.findall(r"Login: user=<([^>]*)>, method=(\S+),", self.log.read_text())
        if not found or accounts.USER not in found[-1][0]:
            raise Failed("no login in the log")
        return f"{found[-1][0]}, method {found[-1][1]}"


@contextlib.contextmanager
def running(state, kdc):
    server = Dovecot(state, kdc)
    try:
        server.start()
        yield server
    finally:
        server.stop()
