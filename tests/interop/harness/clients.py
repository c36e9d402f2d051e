# Foreign SMTP clients, one function each: they send one message with the given subject and say how
# it went.
from . import accounts
from .process import Outcome, run_client

FROM, TO = "alice@example.test", "bob@example.test"


def curl(user, *options):
    """NTLM, asked for by --login-options; NTLMv2 where the CHALLENGE has TargetInfo."""

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
                "AUTH=NTLM",
                *options,
                "--mail-from",
                FROM,
                "--mail-rcpt",
                TO,
                "--upload-file",
                "-",
            ],
            stdin=message,
        )

    return send


def nodemailer(tools, port, password, subject) -> Outcome:
    return run_client(
        ["node", tools.node_mail, port, accounts.USER, password, accounts.DOMAIN, subject]
    )


def javamail(tools, port, password, subject) -> Outcome:
    return run_client(
        [
            "java",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            tools.java_classpath,
            "SendMail",
            port,
            accounts.USER,
            password,
            accounts.DOMAIN,
            subject,
        ]
    )


def msmtp(tools, port, password, subject) -> Outcome:
    """NTLMv1 alone."""
    message = f"From: {FROM}\nTo: {TO}\nSubject: {subject}\n\nsent by msmtp\n"
    return run_client(
        [
            "msmtp",
            "--file=/dev/null",
            f"--host={accounts.HOST}",
            f"--port={port}",
            "--auth=ntlm",
            f"--user={accounts.USER}",
            f"--passwordeval=echo {password}",
            "--tls=off",
            "-f",
            FROM,
            TO,
        ],
        stdin=message,
    )


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


def dotnet(kind, trusted=None):
    """kind: smtpclient, mailkit-ntlm or mailkit-ntlm-native, as in dotnet/Program.cs; with a
    trusted authority STARTTLS is used."""
    environment = {"DOTNET_NOLOGO": "1", "DOTNET_EnableDiagnostics": "0"}
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
