"""An authority and two certificates of it, and one that it has not signed."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.tls import Tls

Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


@dataclass(frozen=True)
class Papers:
    """Where certificates lie: ours, a scanner's, and a stranger's that nobody vouches for."""

    folder: Path

    def tls(self, name: str, **values: object) -> Tls:
        return Tls(
            certificate=self.folder / f"{name}.pem",
            private_key=self.folder / f"{name}.key",
            ca=self.folder / "authority.pem",
            **values,
        )

    def dcmtk(self, name: str) -> list[str]:
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        trusted = self.folder / "authority.pem"
        return ["+tls", str(key), str(certificate), "+cf", str(trusted)]


def make_papers(folder: Path) -> Papers:
    authority = _issue("authority", None)
    _write(folder, "authority", authority)
    for name in ("receiver", "scanner"):
        _write(folder, name, _issue(name, authority))
    _write(folder, "stranger", _issue("stranger", None))
    return Papers(folder)


def _issue(name: str, issuer: Pair | None) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    localhost = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([localhost]), critical=False)
    )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def _write(folder: Path, name: str, pair: Pair) -> None:
    certificate, key = pair
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    secret = key.private_bytes(
        pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    path = folder / f"{name}.key"
    path.write_bytes(secret)
    path.chmod(0o600)
