"""Signatures: OpenSSL's keys and ours are the same, and nothing but the signed bytes passes."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.engine_pair import EnginePair, make_pair
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.engine.signature import make_key_pair, sign_engine, verify_signature
from trt_perception.errors import EngineError, InputError

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> EnginePair:
    return make_pair(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Private and public key."""
    private = tmp_path_factory.mktemp("keys") / "key"
    return private, make_key_pair(private)


def verify(pair: EnginePair, public: Path, *, plan_sha256: str = "", manifest: bytes = b"") -> None:
    verify_signature(
        pair.files,
        plan_sha256=plan_sha256 or pair.manifest.plan_sha256,
        manifest=manifest or pair.files.manifest.read_bytes(),
        public_key=public,
    )


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def test_a_signed_engine_passes(pair: EnginePair, keys: tuple[Path, Path]) -> None:
    assert sign_engine(pair.engine, keys[0]) == pair.files.signature
    verify(pair, keys[1])


@needs_openssl
def test_openssl_verifies_what_is_documented_to_be_signed(
    pair: EnginePair, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    content = json.loads(sign_engine(pair.engine, keys[0]).read_text())
    message, signature = tmp_path / "message", tmp_path / "signature"
    manifest = pair.files.manifest.read_bytes()
    message.write_bytes(b"trt_perception engine 1\n" + pair.manifest.plan_sha256.encode() + b"\n" + manifest)
    signature.write_bytes(base64.b64decode(content["signature"]))
    openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", keys[1], "-in", message, "-sigfile", signature)


@needs_openssl
def test_keys_of_openssl_sign_and_verify(pair: EnginePair, tmp_path: Path) -> None:
    private, public = tmp_path / "key.pem", tmp_path / "key.pub.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    sign_engine(pair.engine, private)
    verify(pair, public)


@pytest.mark.parametrize(
    "changed",
    [pytest.param({"plan_sha256": "0" * 64}, id="plan"), pytest.param({"manifest": b"{}"}, id="manifest")],
)
def test_other_files_do_not_pass(pair: EnginePair, keys: tuple[Path, Path], changed: dict[str, object]) -> None:
    sign_engine(pair.engine, keys[0])
    with pytest.raises(EngineError, match="is not that of this plan with this manifest"):
        verify(pair, keys[1], **changed)  # type: ignore[arg-type]


@given(st.data())
def test_a_changed_signature_file_does_not_pass(pair: EnginePair, keys: tuple[Path, Path], data: st.DataObject) -> None:
    content = bytearray(sign_engine(pair.engine, keys[0]).read_bytes())
    signed = base64.b64decode(json.loads(content)["signature"])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    pair.files.signature.write_bytes(content)
    try:
        verify(pair, keys[1])
    except EngineError:
        return
    # What passes says the same in other bytes: white space, unused bits of base64, or nothing changed at all.
    assert base64.b64decode(json.loads(content)["signature"]) == signed


def test_an_engine_whose_plan_was_changed_is_not_signed(keys: tuple[Path, Path], tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.engine.write_bytes(b"another plan")
    with pytest.raises(EngineError, match="sha256 of the plan: expected"):
        sign_engine(pair.engine, keys[0])
    assert not pair.files.signature.exists()


def test_the_private_key_is_for_its_owner_only(keys: tuple[Path, Path]) -> None:
    assert keys[0].stat().st_mode & 0o077 == 0


def test_a_key_is_never_overwritten(keys: tuple[Path, Path], tmp_path: Path) -> None:
    before = keys[0].read_bytes()
    with pytest.raises(InputError, match="a file is there already"):
        make_key_pair(keys[0])
    assert keys[0].read_bytes() == before
    for name in ("lone", "other.pub"):
        (tmp_path / name).write_text("somebody's")
        with pytest.raises(InputError, match=f"{name}: a file is there already"):
            make_key_pair(tmp_path / name.removesuffix(".pub"))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        ("lone", "other.pub"), "somebody's"
    )


@pytest.mark.parametrize("content", [b"", b"no key", None], ids=["empty", "text", "absent"])
def test_what_is_no_key_is_named(pair: EnginePair, keys: tuple[Path, Path], tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)):
        sign_engine(pair.engine, path)
    sign_engine(pair.engine, keys[0])
    with pytest.raises(InputError, match=str(path)):
        verify(pair, path)


def test_a_public_key_does_not_sign(pair: EnginePair, keys: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="expected a private key"):
        sign_engine(pair.engine, keys[1])


def test_without_the_package_its_install_command_is_named(pair: EnginePair) -> None:
    code = (
        "import sys\n"
        "sys.modules['cryptography'] = None\n"
        "from pathlib import Path\n"
        "from trt_perception.errors import MissingError\n"
        "from trt_perception.engine.signature import sign_engine\n"
        "try: sign_engine(Path(sys.argv[1]), Path('key'))\n"
        "except MissingError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, pair.engine], capture_output=True, text=True, check=True)
    assert "pip install 'trt_perception[signature]'" in done.stdout
