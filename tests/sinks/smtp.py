"""A loopback mail server (aiosmtpd): takes mail, and refuses, delays or hangs up where it is told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core import clock

USERNAME, PASSWORD = "hearthline", "let me in"


class _Server(SMTP):
    """aiosmtpd's server that can be told to drop its connection instead of answering."""

    @property
    def is_encrypted(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    def abort(self) -> None:
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.abort()


class SmtpSink:
    """Takes mail for everybody. ``on_rcpt`` and ``on_data`` may answer otherwise; ``mails`` are the taken ones."""

    def __init__(self) -> None:
        self.port = 0
        self.ca_file: Path | None = None
        self.mails: list[EmailMessage] = []
        self.connections = 0
        self.on_rcpt: Callable[[str], str | None] = lambda _: None
        self.on_data: Callable[[str], str | None] = lambda _: None
        self.takes_then_resets = False
        self.resets_before_data = 0
        self.was_encrypted: list[bool] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: _Server, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer the recipient."""
        await self.go_on.wait()
        if self.resets_before_data:
            self.resets_before_data -= 1
            server.abort()
        refusal = self.on_rcpt(address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: _Server, _session: Session, envelope: Envelope
    ) -> str:
        """Take the mail."""
        refusal = self.on_data(envelope.rcpt_tos[0])
        if refusal is not None:
            return refusal
        content = cast(bytes, envelope.content)
        content.decode("ascii")
        self.mails.append(message_from_bytes(content, policy=default))
        self.was_encrypted.append(server.is_encrypted)
        if self.takes_then_resets:
            server.abort()
        return f"250 2.0.0 queued as {len(self.mails)}"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        """Let in whoever knows the password."""
        known = (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=False)


def certificate(directory: Path, name: str = "127.0.0.1") -> Path:
    """Write a certificate of its own making for ``name`` with its key and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # The TLS library looks at the machine's clock.
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = directory / f"{name}-{clock.new_id()}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@asynccontextmanager
async def smtp_sink(
    security: str = "none", *, certified: Path | None = None, login: bool = False
) -> AsyncIterator[SmtpSink]:
    """Run a mail server on the loopback address; with STARTTLS or TLS it needs a certificate file."""
    sink = SmtpSink()
    context = None
    if certified is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certified)
    sink.ca_file = certified

    def serve() -> SMTP:
        sink.connections += 1
        return _Server(
            sink,
            hostname="mail.example.org",
            loop=asyncio.get_running_loop(),
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            auth_required=login,
            auth_require_tls=login,
            authenticator=sink.authenticate if login else None,
        )

    listening = await asyncio.get_running_loop().create_server(
        serve, "127.0.0.1", 0, ssl=context if security == "tls" else None
    )
    sink.port = listening.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        listening.close()
        await listening.wait_closed()
