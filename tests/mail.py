"""A mail server on loopback that keeps what it is sent."""

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    body += line
                message = message_from_bytes(body, policy=policy.default)
                self.server.messages.append(message)  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


class Mail:
    """The server; a context manager."""

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Talk)
        self.messages: list[EmailMessage] = []
        self._server.messages = self.messages  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def connection(self) -> str:
        """What the environment of Airflow says of it: its connection `smtp_default`."""
        port = self._server.server_address[1]
        return f"smtp://127.0.0.1:{port}/?disable_ssl=true&disable_tls=true&from_email=a%40b.test"

    def texts(self) -> list[str]:
        return [str(m["subject"]) + "\n" + _text(m) for m in self.messages]


def _text(message: EmailMessage) -> str:
    return "".join(
        part.get_content() for part in message.walk() if part.get_content_maintype() == "text"
    )
