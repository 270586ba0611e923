"""Signatures of engines (ed25519): who may change plan and manifest together can still not make an engine that loads.

The signature of `front.engine` is `front.engine.sig`, a JSON object of format 1: `schema`, `algorithm` (ed25519), `key`
(sha256 of the raw public key, hexadecimal) and `signature` (base64). Signed are the bytes

    trt_perception engine 1\\n<sha256 of the plan, hexadecimal>\\n<the manifest as it is on the disk>

Keys are PEM files as OpenSSL writes them (`openssl genpkey -algorithm ed25519`), the private one without a password.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.manifest import parse_manifest, read_manifest_bytes
from trt_perception.errors import EngineError, InputError, MissingError
from trt_perception.model.paths import absolute
from trt_perception.options.write_atomically import write_atomically
from trt_perception.precision.model_digest import file_sha256

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SCHEMA = 1
"""Number of the signature file's format."""

_MAX_BYTES = 2**16
_ALGORITHM = "ed25519"


def make_key_pair(private_key: Path) -> Path:
    """Make a key pair: the private key at the path given (for its owner only), the public one beside it as `.pub`.

    Returns:
        Path of the public key.

    Raises:
        InputError: One of the files is there already, or cannot be written.
        MissingError: The cryptography package is not installed.
    """
    _require()
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private_key = absolute(private_key)
    public_key = private_key.with_name(private_key.name + ".pub")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    public = key.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    _write_new(private_key, private, 0o600)
    try:
        _write_new(public_key, public, 0o644)
    except InputError:
        private_key.unlink()
        raise
    return public_key


def sign_engine(engine: Path, private_key: Path) -> Path:
    """Sign an engine as it is on the disk; call it last, for whatever changes plan or manifest removes the signature.

    Returns:
        Path of the signature.

    Raises:
        EngineError: The engine has no manifest, or another plan than its manifest says; nothing is signed.
        InputError: The key cannot be read or is none, or the signature cannot be written.
        MissingError: The cryptography package is not installed.
    """
    _require()
    files = EngineFiles(engine)
    key = _load_private(private_key)
    data = read_manifest_bytes(files)
    expected, digest = parse_manifest(data, files).plan_sha256, file_sha256(files.engine)
    if expected != digest:
        raise EngineError(
            files.engine,
            "sha256 of the plan",
            f"run: trt-perception build MODEL --out {files.engine}",
            expected=expected,
            got=digest,
        )
    content = {
        "schema": SCHEMA,
        "algorithm": _ALGORITHM,
        "key": _fingerprint(key.public_key()),
        "signature": base64.b64encode(key.sign(_message(digest, data))).decode(),
    }
    try:
        write_atomically(files.signature, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise InputError(
            f"{files.signature}: cannot be written: {error.strerror or error}; check the folder"
        ) from error
    return files.signature


def verify_signature(files: EngineFiles, *, plan_sha256: str, manifest: bytes, public_key: Path) -> None:
    """Check that the holder of a key has signed this plan with this manifest.

    Args:
        files: The engine.
        plan_sha256: Of the plan as it was read, hexadecimal.
        manifest: The manifest as it was read.
        public_key: PEM file.

    Raises:
        EngineError: There is no signature, it is by another key, or it is not of these files.
        InputError: The key cannot be read or is none.
        MissingError: The cryptography package is not installed.
    """
    _require()
    from cryptography.exceptions import InvalidSignature

    key = _load_public(public_key)
    signer, signature = _read_signature(files)
    remedy = f"sign it: trt-perception build MODEL --out {files.engine} --sign PRIVATE_KEY"
    if signer != _fingerprint(key):
        raise EngineError(
            files.signature,
            "signed by another key",
            f"give the signer's public key, or {remedy}",
            expected=f"{public_key} ({_fingerprint(key)[:16]})",
            got=signer[:16],
        )
    try:
        key.verify(signature, _message(plan_sha256, manifest))
    except InvalidSignature:
        raise EngineError(
            files.signature, "the signature is not that of this plan with this manifest", f"trust neither, or {remedy}"
        ) from None


def _message(plan_sha256: str, manifest: bytes) -> bytes:
    return b"trt_perception engine 1\n" + plan_sha256.encode() + b"\n" + manifest


def _read_signature(files: EngineFiles) -> tuple[str, bytes]:
    """Fingerprint of the signer's key and the signature."""
    remedy = f"sign it: trt-perception build MODEL --out {files.engine} --sign PRIVATE_KEY"
    try:
        with files.signature.open("rb") as file:
            plain = json.loads(file.read(_MAX_BYTES))
    except FileNotFoundError:
        raise EngineError(files.engine, f"there is no signature {files.signature.name} beside it", remedy) from None
    except OSError as error:
        raise EngineError(files.signature, f"cannot be read: {error.strerror or error}", remedy) from error
    except (ValueError, RecursionError) as error:
        raise EngineError(files.signature, f"expected JSON, got none ({error})", remedy) from error
    texts = [plain.get(name) if isinstance(plain, dict) else None for name in ("algorithm", "key", "signature")]
    algorithm, signer, encoded = texts
    if not (isinstance(signer, str) and isinstance(encoded, str) and algorithm == _ALGORITHM and _is_format_1(plain)):
        raise EngineError(
            files.signature, f"expected an {_ALGORITHM} signature of format {SCHEMA}, got another", remedy
        )
    try:
        return signer, base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise EngineError(files.signature, f"expected a signature in base64, got none ({error})", remedy) from error


def _is_format_1(plain: dict[str, Any]) -> bool:
    return plain.get("schema") == SCHEMA and not isinstance(plain["schema"], bool)


def _load_private(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _read_key(path)
    try:
        key = load_pem_private_key(data, password=None)
    except Exception as error:  # ValueError, TypeError with a password, UnsupportedAlgorithm
        raise InputError(f"{path}: expected a private key in PEM without a password, got none ({error})") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path}: expected an {_ALGORITHM} key, got another; openssl genpkey -algorithm ed25519")
    return key


def _load_public(path: Path) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = _read_key(path)
    try:
        key = load_pem_public_key(data)
    except Exception as error:  # ValueError, UnsupportedAlgorithm
        raise InputError(f"{path}: expected a public key in PEM, got none ({error})") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path}: expected an {_ALGORITHM} key, got another")
    return key


def _fingerprint(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def _read_key(path: Path) -> bytes:
    try:
        with absolute(path).open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise InputError(f"{path}: the key cannot be read: {error.strerror or error}; check the path") from error


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that is not there yet, with its mode from the beginning."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except FileExistsError:
        raise InputError(f"{path}: a file is there already, and may be somebody's key; give another path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}; check the folder") from error


def _require() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise MissingError(
            "the Python package cryptography, needed for signatures", "run: pip install 'trt_perception[signature]'"
        ) from error
