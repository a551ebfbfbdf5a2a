"""The certificate for STARTTLS: given, or made when it is first needed."""

import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

_SUBJECT = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1")
_TIMEOUT = 30
"""Seconds that the openssl command may take."""


class Certificate:
    """A certificate with its key, and the context that serves them.

    A made one is self-signed for localhost and 127.0.0.1, can serve as its own CA file, and lies in
    a directory that is gone with this object.
    """

    def __init__(self, certificate: Path | None = None, key: Path | None = None) -> None:
        self._given = certificate is not None
        self._key = key or certificate
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self.path = certificate
        """The PEM file; None until one is given or made."""
        self.context: ssl.SSLContext | None = None
        """None until `prepare` was called: STARTTLS isn't offered."""

    def prepare(self) -> None:
        """Make the certificate if none was given, and the context; blocks for some ten ms.

        RuntimeError when there is no openssl command or it fails, OSError for an unreadable file.
        """
        if self.context is not None:
            return
        if not self._given:
            self._make()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(self.path), str(self._key))
        self.context = context

    def close(self) -> None:
        """Remove what was made."""
        if self._directory is not None:
            self._directory.cleanup()

    def _make(self) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            raise RuntimeError("STARTTLS needs --tls-cert or the openssl command")
        self._directory = tempfile.TemporaryDirectory(prefix="sink-tls-")
        self.path = Path(self._directory.name) / "certificate.pem"
        self._key = Path(self._directory.name) / "key.pem"
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7")
        files = ("-keyout", str(self._key), "-out", str(self.path))
        command = (openssl, "req", "-x509", *curve, *_SUBJECT, *files)
        made = subprocess.run(  # noqa: S603 (our own words, no shell)
            command, capture_output=True, check=False, timeout=_TIMEOUT, text=True
        )
        if made.returncode:
            raise RuntimeError(f"openssl made no certificate: {made.stderr.strip()[-200:]}")
