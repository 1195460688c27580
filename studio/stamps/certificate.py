"""The key that signs: a local certificate authority and signing certificate made at first start, or the user's own.

The certificate follows C2PA 2.2, 14.5 (claim signing and e-mail protection usage, ES256). The authority's own key is
thrown away once it has signed: nobody, we included, can make further certificates under it. Names hold no person and no
computer; the key file can be read by its owner only, and its text never leaves this module but for signing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from studio.core.errors import InvalidRequest, StampFailed

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

YEARS = 25
"""Without a time-stamp server a signature ends with its certificate, so it lives long."""
CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"
NAME = "Studio on this computer"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """PEM texts of the certificate chain, its key and its authority. `own`: a certificate that the user brought."""

    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    ca_pem: bytes
    serial: str
    name: str
    algorithm: str = "es256"
    own: bool = False


def load_or_make(folder: Path) -> Identity:
    """The identity kept in `folder`, made there the first time. Damaged files are `StampFailed`, never replaced."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    chain, key, authority = (folder / name for name in ("signing.pem", "signing.key", "ca.pem"))
    with FileLock(folder / ".lock"):
        if not chain.exists() and not key.exists():
            texts = _make()
            _write(key, texts["key"], 0o600)
            _write(authority, texts["ca"], 0o644)
            _write(chain, texts["chain"], 0o644)
    try:
        return _identity(chain.read_bytes(), key.read_bytes(), authority.read_bytes(), own=False)
    except (OSError, ValueError, InvalidRequest) as error:
        raise StampFailed(
            f"The signing key in {folder} cannot be used ({_plain(error)}). Restore it, or move that folder away: "
            "a new key is made at the next picture, and pictures signed before then count as another studio's."
        ) from None


def load_own(certificate: Path, key: Path) -> Identity:
    """The user's own chain and unencrypted key, as PEM files. Raises `InvalidRequest` with what is wrong."""
    try:
        return _identity(certificate.read_bytes(), key.read_bytes(), b"", own=True)
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"The signing certificate {certificate.name} cannot be used ({_plain(error)}).") from None


def _plain(error: Exception) -> str:
    """What went wrong, without any text of a key."""
    return (error.strerror or "it cannot be read") if isinstance(error, OSError) else str(error).split("\n")[0][:120]


def _identity(chain: bytes, key: bytes, authority: bytes, *, own: bool) -> Identity:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certificates = x509.load_pem_x509_certificates(chain)
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise ValueError("a file is not PEM, or the key is locked with a password") from error
    first = certificates[0]
    if _public(first.public_key()) != _public(private.public_key()):
        raise ValueError("the key does not belong to the certificate")
    if not first.not_valid_before_utc <= datetime.now(UTC) <= first.not_valid_after_utc:
        raise ValueError(
            f"the certificate is valid from {first.not_valid_before_utc:%Y-%m-%d} to {first.not_valid_after_utc:%Y-%m-%d}"
        )
    return Identity(
        chain_pem=chain,
        key_pem=key,
        ca_pem=authority,
        serial=f"{first.serial_number:x}",
        name=_common_name(first),
        algorithm=_algorithm(private),
        own=own,
    )


def _public(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _common_name(certificate: x509.Certificate) -> str:
    from cryptography.x509.oid import NameOID

    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _algorithm(key: PrivateKeyTypes) -> str:
    """C2PA's name of the signature algorithm that goes with the key."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePrivateKey):
        known = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
        if key.curve.name in known:
            return known[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise ValueError("the key is of a kind that Content Credentials do not know; use P-256, P-384, RSA 2048 or Ed25519")


def _make() -> dict[str, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, name = _name(f"{NAME}: authority"), _name(NAME)
    ca_usage = x509.BasicConstraints(ca=True, path_length=0), _usage(signs_certificates=True)
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    authority = _certificate(ca_name, ca_name, ca_key.public_key()).add_extension(ca_id, critical=False)
    for extension in ca_usage:
        authority = authority.add_extension(extension, critical=True)
    purposes = x509.ExtendedKeyUsage([ObjectIdentifier(CLAIM_SIGNING), ExtendedKeyUsageOID.EMAIL_PROTECTION])
    signer = (
        _certificate(name, ca_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(purposes, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False)
    )
    ca = authority.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM)
    own = signer.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM)
    return {"ca": ca, "chain": own + ca, "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())}


def _name(text: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Studio"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


def _certificate(subject: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
    from cryptography import x509

    now = datetime.now(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """A new file with its mode from the first moment; whole or not at all."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
