# Foreign SMTP clients, one function each: they send one message with the given subject and say how
# it went.
from . import accounts
from .process import Outcome, run_client
from .send import FROM, TO
from .send import send as submit


def curl(user, *options, mechanism="NTLM", environment=None):
    """The mechanism is asked for by --login-options. NTLMv2 where the CHALLENGE has TargetInfo; of
    GSSAPI the user must hold a domain."""

    def send(tools, port, password, subject) -> Outcome:
        message = f"From: {FROM}\r\nTo: {TO}\r\nSubject: {subject}\r\n\r\nsent by curl\r\n"
        return run_client(
            [
                "curl",
                "--silent",
                "--show-error",
                "--url",
                f"smtp://{accounts.HOST}:{port}/client.example.test",
                "--user",
                f"{user}:{password}",
                "--login-options",
                f"AUTH={mechanism}",
                *options,
                "--mail-from",
                FROM,
                "--mail-rcpt",
                TO,
                "--upload-file",
                "-",
            ],
            environment=environment,
            stdin=message,
        )

    return send


def nodemailer(tools, port, password, subject) -> Outcome:
    return run_client(
        ["node", tools.node_mail, port, accounts.USER, password, accounts.DOMAIN, subject]
    )


def javamail_by(mechanism, environment=None):
    """NTLM, or GSSAPI with the tickets of a credential cache."""

    def send(tools, port, password, subject) -> Outcome:
        return run_client(
            [
                "java",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                tools.java_classpath,
                "SendMail",
                mechanism,
                port,
                accounts.USER,
                password,
                accounts.DOMAIN,
                subject,
            ],
            environment=environment,
        )

    return send


def msmtp_by(mechanism, environment=None):
    """Its NTLM is NTLMv1 alone."""

    def send(tools, port, password, subject) -> Outcome:
        message = f"From: {FROM}\nTo: {TO}\nSubject: {subject}\n\nsent by msmtp\n"
        return run_client(
            [
                "msmtp",
                "--file=/dev/null",
                f"--host={accounts.HOST}",
                f"--port={port}",
                f"--auth={mechanism}",
                f"--user={accounts.USER}",
                f"--passwordeval=echo {password}",
                "--tls=off",
                "-f",
                FROM,
                TO,
            ],
            environment=environment,
            stdin=message,
        )

    return send


javamail = javamail_by("NTLM")
msmtp = msmtp_by("ntlm")


def gsasl(environment):
    """GSSAPI; it logs in and sends no mail."""

    def send(tools, port, password, subject) -> Outcome:
        return run_client(
            [
                "gsasl",
                "--smtp",
                f"--connect={accounts.HOST}:{port}",
                "--mechanism=GSSAPI",
                f"--authentication-id={accounts.USER}",
                f"--authorization-id={accounts.USER}",
                "--service=smtp",
                f"--hostname={accounts.HOST}",
                "--no-starttls",
            ],
            environment=environment,
        )

    return send


def pocketgss(mechanism, *options, clock=None):
    """Our own `send`; `options` say how it logs in, `clock` what its clock shows (clock.py)."""

    def send(tools, port, password, subject) -> Outcome:
        return submit(tools, port, subject, "--mech", mechanism, *options, clock=clock)

    return send


def swaks(tools, port, password, subject) -> Outcome:
    """NTLMv1 alone."""
    return run_client(
        [
            "swaks",
            "--server",
            accounts.HOST,
            "--port",
            port,
            "--auth",
            "NTLM",
            "--auth-user",
            accounts.USER,
            "--auth-password",
            password,
            "--from",
            FROM,
            "--to",
            TO,
            "--header",
            f"Subject: {subject}",
            "--body",
            "sent by swaks",
        ]
    )


def dotnet(kind, trusted=None, environment=None):
    """kind: smtpclient, mailkit-ntlm and so on, as in dotnet/Program.cs; with a trusted authority
    STARTTLS is used."""
    environment = {"DOTNET_NOLOGO": "1", "DOTNET_EnableDiagnostics": "0", **(environment or {})}
    if trusted:
        environment["SSL_CERT_FILE"] = str(trusted)

    def send(tools, port, password, subject) -> Outcome:
        return run_client(
            [
                "dotnet",
                tools.dotnet_mail,
                kind,
                port,
                accounts.USER,
                password,
                accounts.DOMAIN,
                subject,
                "starttls" if trusted else "clear",
            ],
            environment=environment,
        )

    return send
