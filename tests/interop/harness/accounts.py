# The accounts that every server of the harness knows.
DOMAIN = "EXAMPLE"
USER = "alice"
PASSWORD = "Password1"
WRONG_PASSWORD = "Password2"
HOST = "mail.example.test"


def gss_ntlmssp_users(path):
    """Writes the file that NTLM_USER_FILE names."""
    path.write_text(f"{DOMAIN}:{USER}:{PASSWORD}\n")
    path.chmod(0o644)
    return path
