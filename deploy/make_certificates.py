"""A private certificate authority and one server certificate, for a database on a private network.

    python deploy/make_certificates.py FOLDER HOST OWNER_UID

Writes authority.crt, server.crt and server.key (0600, owned by OWNER_UID) unless they exist. The
authority's key is not kept: a new certificate means a new authority.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=3650)


def make(folder: Path, host: str, owner: int) -> bool:
    """Write the three files; False when there were some already."""
    if (folder / "server.key").exists():
        return False
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name, server_name = _name("phr database authority"), _name(host)
    authority = _certificate(authority_name, authority_name, authority_key, authority_key, None)
    server = _certificate(server_name, authority_name, server_key, authority_key, host)
    (folder / "authority.crt").write_bytes(authority)
    (folder / "server.crt").write_bytes(server)
    key = folder / "server.key"
    key.touch(mode=0o600)
    key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    os.chown(key, owner, -1)
    return True


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    host: str | None,
) -> bytes:
    """PEM; without a host it is an authority's."""
    now = datetime.now(UTC)  # noqa: TID251 - a script of the operator's, outside the application
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
    )
    if host is not None:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


if __name__ == "__main__":
    made = make(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    sys.stdout.write("made\n" if made else "kept\n")
