"""A certificate for 127.0.0.1 that nobody trusts, made afresh."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC
from Crypto.Signature import DSS
from Crypto.Util.asn1 import DerBitString, DerInteger, DerObject, DerObjectId, DerOctetString, DerSequence, DerSetOf

ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
COMMON_NAME = "2.5.4.3"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
UTF8_STRING, UTC_TIME, CONTEXT = 0x0C, 0x17, 0xA0


def _tagged(tag: int, payload: bytes) -> bytes:
    der = DerObject(tag & 0x1F, constructed=bool(tag & 0x20))
    der._tag_octet = tag
    der.payload = payload
    return der.encode()


def _sequence(*parts: bytes) -> bytes:
    return DerSequence(list(parts)).encode()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Write a certificate and its key, and return their paths."""
    key = ECC.generate(curve="P-256")
    algorithm = _sequence(DerObjectId(ECDSA_WITH_SHA256).encode())
    name_part = _sequence(DerObjectId(COMMON_NAME).encode(), _tagged(UTF8_STRING, b"127.0.0.1"))
    name = _sequence(DerSetOf([name_part]).encode())
    now = datetime.now(UTC)
    validity = _sequence(
        *[_tagged(UTC_TIME, (now + timedelta(days=days)).strftime("%y%m%d%H%M%SZ").encode()) for days in (-1, 1)]
    )
    address = DerOctetString(_sequence(_tagged(0x87, bytes([127, 0, 0, 1])))).encode()
    extensions = _sequence(_sequence(DerObjectId(SUBJECT_ALTERNATIVE_NAME).encode(), address))
    unsigned = _sequence(
        _tagged(CONTEXT, DerInteger(2).encode()),
        DerInteger(1).encode(),
        algorithm,
        name,
        validity,
        name,
        key.public_key().export_key(format="DER"),
        _tagged(CONTEXT + 3, extensions),
    )
    signature = DSS.new(key, "fips-186-3", encoding="der").sign(SHA256.new(unsigned))
    whole = _sequence(unsigned, algorithm, DerBitString(signature).encode())
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(ssl.DER_cert_to_PEM_cert(whole))
    private.write_text(key.export_key(format="PEM"))
    return certificate, private
