# Postfix as a client: a relay that logs in to the next server by SASL (Cyrus) with GSSAPI, with the
# tickets of a credential cache of its own.
import contextlib
import os
import pwd
import re
import shutil
import smtplib
import subprocess

from . import accounts
from .case import Failed
from .clients import FROM
from .process import Outcome, free_port, tail, wait_until
from .smtp import plain_session

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {log}
maillog_file_prefixes = {folder}
myhostname = client.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
smtputf8_enable = no
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/etc/route, permit_mynetworks, reject
smtp_sasl_auth_enable = yes
smtp_sasl_type = cyrus
smtp_sasl_mechanism_filter = gssapi
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = static:{user}:unused
smtp_tls_security_level = none
smtp_host_lookup = native
smtp_dns_support_level = disabled
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C KRB5_CONFIG={krb5_conf} KRB5CCNAME=FILE:{ccache}
"""

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

# The recipient's address names the port of the next server.
_ROUTE = "/^bob\\+([0-9]+)@/ FILTER smtp:[{host}]:$1\n"


class Relay:
    def __init__(self, folder, krb5_conf):
        self._folder, self._etc = folder, folder / "etc"
        self._ccache, self.log = folder / "ccache", folder / "maillog"
        self._port = free_port()
        for part in ("etc", "spool", "data"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        values = dict(
            folder=folder,
            log=self.log,
            port=self._port,
            user=accounts.USER,
            host=accounts.HOST,
            krb5_conf=krb5_conf,
            ccache=self._ccache,
        )
        for name, text in (("main.cf", _MAIN), ("master.cf", _MASTER), ("route", _ROUTE)):
            (self._etc / name).write_text(text.format(**values))
        os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)

    def start(self):
        done = subprocess.run(
            ["postfix", "-c", str(self._etc), "start"], capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Failed(f"postfix did not start: {done.stderr.strip()}\n{tail(self.log)}")
        wait_until("postfix", lambda: plain_session(self._port))

    def stop(self):
        subprocess.run(
            ["postfix", "-c", str(self._etc), "stop"], capture_output=True, timeout=30, check=False
        )

    def client(self, ccache):
        """A client that logs in with this credential cache, which may not be there."""

        def send(tools, port, password, subject) -> Outcome:
            self._take_tickets(ccache)
            recipient = f"bob+{port}@example.test"
            text = f"From: {FROM}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nsent by Postfix\r\n"
            with smtplib.SMTP("127.0.0.1", self._port, timeout=10) as session:
                session.sendmail(FROM, [recipient], text)
            wait_until(f"what became of the mail to {recipient}", lambda: self._fate(recipient))
            line = self._fate(recipient)
            return Outcome(0 if "status=sent" in line else 1, line)

        return send

    def _take_tickets(self, ccache):
        with contextlib.suppress(FileNotFoundError):
            self._ccache.unlink()
        if ccache.exists():
            shutil.copy(ccache, self._ccache)
            shutil.chown(self._ccache, "postfix")

    def _fate(self, recipient):
        pattern = rf"^.*to=<{re.escape(recipient)}>.* status=.*$"
        found = re.search(pattern, self.log.read_text(errors="backslashreplace"), re.M)
        return found and found[0]


@contextlib.contextmanager
def running(folder, krb5_conf):
    relay = Relay(folder, krb5_conf)
    try:
        relay.start()
        yield relay
    finally:
        relay.stop()
