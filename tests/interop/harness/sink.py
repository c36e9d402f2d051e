# Where the servers of the harness deliver to: postfix's smtp-sink, which keeps each message in a file.
import pathlib
import shutil

from .process import Service, accepts, free_port, wait_until


class Sink:
    def __init__(self, folder: pathlib.Path):
        self._mail, self._log = folder / "mail", folder / "sink.log"
        self._mail.mkdir(parents=True, exist_ok=True)
        shutil.chown(self._mail, "nobody")
        self.port = free_port()
        self._service = None

    def start(self):
        address = f"127.0.0.1:{self.port}"
        command = ["smtp-sink", "-u", "nobody", "-d", f"{self._mail}/%M.", address, "100"]
        self._service = Service("smtp-sink", command, self._log)
        self._service.wait_ready(lambda: accepts(self.port))

    def stop(self):
        if self._service:
            self._service.stop()

    def messages(self):
        """The texts of all messages that came."""
        return [path.read_text(errors="backslashreplace") for path in self._mail.iterdir()]

    def wait_message(self, mark):
        """The message that holds `mark`, once it is here."""
        wait_until(f"the message {mark}", lambda: any(mark in text for text in self.messages()), 10)
        return next(text for text in self.messages() if mark in text)
