"""The signing key: made once, private, and every wrong one is a sentence."""

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from studio.core.errors import InvalidRequest, StampFailed
from studio.stamps.certificate import load_or_make, load_own


def test_the_identity_is_made_once_and_stays(tmp_path: Path) -> None:
    assert load_or_make(tmp_path / "a") == load_or_make(tmp_path / "a")
    assert load_or_make(tmp_path / "a").serial != load_or_make(tmp_path / "b").serial


def test_many_at_once_make_one_identity(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        serials = set(pool.map(lambda _: load_or_make(tmp_path / "a").serial, range(8)))
    assert len(serials) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_key_file_is_its_owners_only(tmp_path: Path) -> None:
    load_or_make(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a" / "signing.key").stat().st_mode) == 0o600


def test_the_key_never_shows(tmp_path: Path) -> None:
    identity = load_or_make(tmp_path)
    body = identity.key_pem.decode().splitlines()[1]
    assert body not in repr(identity) + str(identity)
    assert "PRIVATE" not in repr(identity)


def test_the_certificate_lives_long_and_names_nobody(tmp_path: Path) -> None:
    leaf, authority = x509.load_pem_x509_certificates(load_or_make(tmp_path).chain_pem)
    assert leaf.not_valid_after_utc > datetime.now(UTC) + timedelta(days=365 * 24)
    assert {part.value for part in leaf.subject} == {"Studio", "Studio on this computer"}
    assert leaf.issuer == authority.subject
    leaf.verify_directly_issued_by(authority)


def test_the_authoritys_key_is_nowhere(tmp_path: Path) -> None:
    load_or_make(tmp_path)
    assert sum(b"PRIVATE KEY" in path.read_bytes() for path in tmp_path.iterdir()) == 1


@pytest.mark.parametrize("name", ["signing.key", "signing.pem"])
def test_a_damaged_or_missing_half_is_a_sentence_and_is_not_replaced(tmp_path: Path, name: str) -> None:
    load_or_make(tmp_path)
    (tmp_path / name).write_bytes(b"-----BEGIN NONSENSE-----\nabc\n")
    with pytest.raises(StampFailed, match="cannot be used"):
        load_or_make(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(StampFailed, match="cannot be used"):
        load_or_make(tmp_path)
    assert not (tmp_path / name).exists()


def test_an_own_certificate_is_taken_and_a_foreign_or_locked_key_is_not(tmp_path: Path) -> None:
    load_or_make(tmp_path / "a")
    load_or_make(tmp_path / "b")
    certificate, key = tmp_path / "a" / "signing.pem", tmp_path / "a" / "signing.key"
    own = load_own(certificate, key)
    assert (own.own, own.algorithm) == (True, "es256")
    with pytest.raises(InvalidRequest, match="does not belong"):
        load_own(certificate, tmp_path / "b" / "signing.key")
    with pytest.raises(InvalidRequest, match="No such file"):
        load_own(certificate, tmp_path / "none.key")
    private = load_pem_private_key(key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))
    with pytest.raises(InvalidRequest, match="password"):
        load_own(certificate, locked)


def test_an_expired_certificate_and_an_odd_curve_are_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256K1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old")])

    def written(key: ec.EllipticCurvePrivateKey, days: int) -> tuple[Path, Path]:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.serialization import NoEncryption

        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = (
            builder.serial_number(7).not_valid_before(now - timedelta(days=30)).not_valid_after(now + timedelta(days=days))
        )
        (tmp_path / "c.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
        (tmp_path / "c.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return tmp_path / "c.pem", tmp_path / "c.key"

    with pytest.raises(InvalidRequest, match="valid from"):
        load_own(*written(ec.generate_private_key(ec.SECP256R1()), -1))
    with pytest.raises(InvalidRequest, match="do not know"):
        load_own(*written(key, 100))
