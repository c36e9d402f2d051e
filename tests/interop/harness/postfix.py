# Postfix with Cyrus SASL: a submission server whose GSSAPI and GSS-SPNEGO go to MIT's mechglue
# (NTLM by gss-ntlmssp) and whose NTLM is Cyrus's own plug-in. Everything stands in the state
# folder; delivered mail goes to a sink that keeps each message.
import contextlib
import pathlib
import pwd
import os
import re
import subprocess

from . import accounts, certificate
from .case import Failed
from .process import free_port, tail, wait_until
from .sink import Sink
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
myhostname = {host}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
alias_maps =
smtputf8_enable = no
line_length_limit = 16384
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain =
smtpd_sasl_service = smtp
smtpd_sasl_security_options = noanonymous
smtpd_sasl_authenticated_header = yes
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate.chain}
smtpd_tls_key_file = {certificate.key}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
relayhost = [127.0.0.1]:{sink_port}
smtp_tls_security_level = none
smtp_host_lookup = native
smtp_dns_support_level = disabled
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C NTLM_USER_FILE={users} {kerberos}
"""

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasl/sasldb2
mech_list: GSSAPI GSS-SPNEGO NTLM
log_level: 7
{keytab}"""


class Postfix:
    """With a `kdc` it takes that realm's users too, by the service key of `host`, its name."""

    def __init__(self, state: pathlib.Path, kdc=None, host=accounts.HOST):
        self._kdc, self._host = kdc, host
        self._folder = state / "postfix"
        self._etc = self._folder / "etc"
        self.log = self._folder / "maillog"
        self.port, self.tls_port = free_port(), free_port()
        self.sink = Sink(self._folder)
        self.certificate = certificate.make(state / "tls")
        self._write_configuration()
        self._write_account()

    def _write_configuration(self):
        folder = self._folder
        for part in ("etc/sasl", "spool", "data", "sasl"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        values = dict(
            folder=folder,
            log=self.log,
            host=self._host,
            port=self.port,
            sink_port=self.sink.port,
            tls_port=self.tls_port,
            certificate=self.certificate,
            users=accounts.gss_ntlmssp_users(folder / "users"),
            **self._kerberos(),
        )
        (self._etc / "main.cf").write_text(_MAIN.format(**values))
        (self._etc / "master.cf").write_text(_MASTER.format(**values))
        # Debian's Postfix looks for Cyrus's configuration here, and nowhere else.
        (self._etc / "sasl" / "smtpd.conf").write_text(_SASL.format(**values))
        postfix = pwd.getpwnam("postfix")
        os.chown(folder / "data", postfix.pw_uid, -1)

    def _kerberos(self):
        if not self._kdc:
            conf = self._folder / "krb5.conf"
            conf.write_text("[libdefaults]\ndns_lookup_kdc = false\n")
            return dict(kerberos=f"KRB5_CONFIG={conf}", keytab="")
        service = f"smtp/{self._host}"
        keytab, environment = self._kdc.acceptor(self._folder, service, writer="postfix")
        words = " ".join(f"{name}={value}" for name, value in environment.items())
        return dict(kerberos=words, keytab=f"keytab: {keytab}\n")

    def _write_account(self):
        """Cyrus's NTLM plug-in wants the clear password; its realm is the server's host name or
        what the client sends."""
        database = self._folder / "sasl" / "sasldb2"
        for realm in (self._host, accounts.DOMAIN):
            subprocess.run(
                ["saslpasswd2", "-p", "-c", "-f", str(database), "-u", realm, accounts.USER],
                input=accounts.PASSWORD,
                text=True,
                check=True,
                capture_output=True,
            )
        database.chmod(0o644)

    def start(self):
        self.sink.start()
        done = subprocess.run(
            ["postfix", "-c", str(self._etc), "start"], capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Failed(f"postfix did not start: {done.stderr.strip()}\n{tail(self.log)}")
        try:
            wait_until("postfix", lambda: plain_session(self.port))
        except Failed as failure:
            raise Failed(f"{failure}\n{tail(self.log)}") from None

    def stop(self):
        subprocess.run(
            ["postfix", "-c", str(self._etc), "stop"], capture_output=True, timeout=30, check=False
        )
        self.sink.stop()

    def sender(self, subject):
        """Who sent this message: the name in Postfix's Received field."""
        message = self.sink.wait_message(subject)
        found = re.search(r"\(Authenticated sender: ([^)]*)\)", message)
        if not found or accounts.USER not in found.group(1):
            raise Failed(f"no authenticated sender\n{message}")
        return found.group(1)

    def log_mark(self):
        return self.log.stat().st_size

    def logged_since(self, mark):
        return self.log.read_bytes()[mark:].decode(errors="backslashreplace")


@contextlib.contextmanager
def running(state, kdc=None, host=accounts.HOST):
    server = Postfix(state, kdc, host)
    try:
        server.start()
        yield server
    finally:
        server.stop()
