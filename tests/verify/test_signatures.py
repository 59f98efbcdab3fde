"""Signatures: what OpenSSL says of them, keys that are wrong, and secrets that stay so."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from nightproof.errors import SigningError, StoreUnavailable
from nightproof.record_sections import Signing
from nightproof.signatures import PublicKey, SigningKey, make_pair, read_envelope
from nightproof.verify import verify
from pydantic import ValidationError

VARIABLE = "NIGHTPROOF_SIGNING_KEY"


def signing(*publics: bytes) -> Signing:
    return Signing(public_keys=tuple(public.decode() for public in publics))


def keys(*publics: bytes) -> list[PublicKey]:
    return [PublicKey.from_pem(public.decode(), name="key") for public in publics]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_takes_the_signature_and_no_other(tmp_path: Path, published: Any) -> None:
    envelope = json.loads(published.objects["signatures/000000003.json"])
    payload = base64.b64decode(envelope["payload"], validate=True)
    kind = envelope["payloadType"]
    # The encoding as its specification has it, https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    raw = bytes.fromhex(published.key.key.keyval["public"])
    # RFC 8410: an Ed25519 public key is these twelve bytes and its own 32.
    der = bytes.fromhex("302a300506032b6570032100") + raw
    (tmp_path / "key.der").write_bytes(der)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"], validate=True))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der"]
    command += ["-rawin", "-in", "signed", "-sigfile", "sig"]
    for content, code in ((encoded, 0), (encoded + b" ", 1)):
        (tmp_path / "signed").write_bytes(content)
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == code
    statement = json.loads(payload)
    entry = published.objects[published.place(3)]
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    name, digest = "quiet/log/000000003.json", {"sha256": hashlib.sha256(entry).hexdigest()}
    assert statement["subject"] == [{"name": name, "digest": digest}]


def test_signatures_by_another_key_are_forged(published: Any) -> None:
    found = verify(published.results(), public_keys=keys(make_pair()[1]))
    assert {breach.kind for breach in found.breaches} == {"forged"}
    assert len(found.breaches) == 6


def test_without_keys_a_signature_is_not_said_to_be_good(published: Any) -> None:
    found = published.verify()
    assert found.is_whole and found.counts.signatures == 0
    assert "--public-key" in found.warnings[0]


def test_envelopes_of_all_kinds_are_read_or_refused(published: Any) -> None:
    for raw in (b"", b"{}", b"[]", b"null", b"\xff", b'{"payload": 1, "payloadType": 2, "signatures": 3}'):
        with pytest.raises(SigningError):
            read_envelope(raw, [published.key])
    good = published.objects["signatures/000000000.json"]
    assert read_envelope(good, [published.key]).by == published.key.id
    assert read_envelope(good, []).by is None
    with pytest.raises(SigningError):  # the same to a JSON parser, and not the bytes that were published
        read_envelope(json.dumps(json.loads(good)).encode(), [published.key])


def test_a_key_is_changed_and_the_chain_goes_on(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = make_pair(), make_pair()
    for day, (secret, publics) in enumerate([(old, [old]), (new, [new, old])], start=1):
        monkeypatch.setenv(VARIABLE, secret[0].decode())
        bench.night(f"2024-03-0{day}", 300)
        said = [public.decode() for _, public in publics]
        bench.evaluate(f"2024-03-0{day}", bench.config(record={"sign": {"public_keys": said}}))
    results = bench.model_results()
    assert verify(results, public_keys=keys(new[1], old[1])).counts.signatures == 2
    assert verify(results, public_keys=keys(new[1])).first.where == "signatures/000000000.json"


def test_signing_may_begin_later_and_then_never_stops(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public = make_pair()
    monkeypatch.setenv(VARIABLE, secret.decode())
    for day in range(1, 5):
        bench.night(f"2024-03-0{day}", 300)
        record = {} if day in (1, 4) else {"sign": {"public_keys": [public.decode()]}}
        bench.evaluate(f"2024-03-0{day}", bench.config(record=record))
    found = verify(bench.model_results(), public_keys=keys(public))
    assert [(breach.kind, breach.number) for breach in found.breaches] == [("unsigned", 3)]
    assert "Signing began with entry 1" in found.warnings[0]


def test_a_first_signature_that_was_deleted_is_missed_by_the_next(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public = make_pair()
    monkeypatch.setenv(VARIABLE, secret.decode())
    for day in range(1, 4):
        bench.night(f"2024-03-0{day}", 300)
        bench.evaluate(f"2024-03-0{day}", bench.config(record={"sign": {"public_keys": [public.decode()]}}))
    results = bench.model_results()
    results.store.delete(results.folder + "signatures/000000000.json")
    found = verify(results, public_keys=keys(public))
    assert [(breach.kind, breach.number) for breach in found.breaches] == [("unsigned", 0)]


def test_a_run_that_died_before_it_signed_is_completed_by_itself(
    bench: Any, failing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, public = make_pair()
    monkeypatch.setenv(VARIABLE, secret.decode())
    config = bench.config(record={"sign": {"public_keys": [public.decode()]}})
    bench.night("2024-03-01", 300)
    results = bench.model_results(config)
    calm = failing(results.store, fails=None)
    bench.evaluate("2024-03-01", config)
    results.store.delete(results.folder + "signatures/000000000.json")
    assert calm.created == []
    assert verify(results, public_keys=keys(public)).first.kind == "unsigned"
    bench.evaluate("2024-03-01", config)
    assert verify(results, public_keys=keys(public)).is_whole
    with pytest.raises(StoreUnavailable):
        failing(results.store, fails=0).create("x", b"", content_type="")


def test_an_entry_of_somebody_else_is_never_signed(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged entry must not be made good by the next honest run."""
    secret, public = make_pair()
    monkeypatch.setenv(VARIABLE, secret.decode())
    signed = bench.config(record={"sign": {"public_keys": [public.decode()]}})
    for day in range(1, 4):
        bench.night(f"2024-03-0{day}", 300)
    bench.evaluate("2024-03-01", signed)
    bench.evaluate("2024-03-02", bench.config())
    bench.evaluate("2024-03-03", signed)
    found = verify(bench.model_results(), public_keys=keys(public))
    assert [(breach.kind, breach.number) for breach in found.breaches] == [("unsigned", 1)]


# --- Keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["", "not a key", "/nowhere/key.pem", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n"])
def test_a_key_that_is_none_is_told_before_anything_is_evaluated(
    bench: Any, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv(VARIABLE, said)
    bench.night("2024-03-01", 300)
    config = bench.config(record={"sign": {"public_keys": [make_pair()[1].decode()]}})
    with pytest.raises(SigningError, match=VARIABLE) as caught:
        bench.evaluate("2024-03-01", config)
    assert "c2VjcmV0" not in str(caught.value)
    assert bench.objects() == {}


def test_a_key_whose_public_half_is_not_the_one_in_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    (secret, public), (_, other) = make_pair(), make_pair()
    monkeypatch.setenv(VARIABLE, secret.decode())
    with pytest.raises(SigningError, match="first of"):
        SigningKey.of(signing(other, public))
    assert SigningKey.of(signing(public, other)).public.id == keys(public)[0].id


def test_a_key_may_be_pem_in_one_line_or_the_path_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public = make_pair()
    (tmp_path / "key.pem").write_bytes(secret)
    for said in (secret.decode(), secret.decode().replace("\n", "\\n"), str(tmp_path / "key.pem")):
        monkeypatch.setenv(VARIABLE, said)
        found = SigningKey.of(signing(public))
        assert found.public.id == keys(public)[0].id
        assert secret.decode().splitlines()[1] not in repr(found)


def test_public_keys_that_are_none_are_a_fault_of_the_config() -> None:
    for bad in (b"", b"key", make_pair()[0]):
        with pytest.raises(ValidationError):
            signing(make_pair()[1], bad)


# --- The command line -------------------------------------------------------------------------------------------


def run(*arguments: str, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    from nightproof import cli

    monkeypatch.setattr("sys.argv", ["nightproof", *arguments])
    code = 0
    try:
        cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def command(folder: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run ``nightproof`` on a model of two nights on ``file://``."""
    config = folder.config()
    monkeypatch.setenv("NIGHTPROOF_MODELS", str(folder.models))
    monkeypatch.chdir(folder.folder)
    for day in (1, 2):
        folder.night(f"2024-03-0{day}", 300)
        folder.evaluate(f"2024-03-0{day}", config)
    return lambda *arguments: run(*arguments, capsys=capsys, monkeypatch=monkeypatch)


def test_verify_says_whole_and_prints_the_head(command: Any, folder: Any) -> None:
    code, out, _ = command("verify", "quiet")
    head = folder.model_results().log.head()
    assert code == 0
    assert "quiet: whole, 2 entries" in out and out.endswith(f"head {head}\n")
    code, out, _ = command("verify", "quiet", "--head", str(head), "--json", "--deep")
    said = json.loads(out)
    assert code == 0
    assert (said["whole"], said["head"], said["pinned"], said["first"]) == (True, str(head), str(head), None)


def test_verify_names_what_is_broken_and_exits_with_1(command: Any, folder: Any) -> None:
    [path] = (folder.folder / "results" / "quiet" / "2024-03-01").glob("*/verdict.json")
    path.write_bytes(path.read_bytes().replace(b"2024-03-01", b"2024-03-02"))
    code, out, _ = command("verify")
    assert code == 1
    assert "BROKEN, 1 thing of 2 entries" in out
    assert "verdict.json, entry 0" in out and "expected" in out and "found" in out
    code, out, _ = command("verify", "quiet", "--json")
    assert code == 1
    assert json.loads(out)["first"]["number"] == 0


def test_wrong_usage_of_verify_exits_with_2(command: Any, tmp_path: Path) -> None:
    head = "1:" + 64 * "a"
    for arguments in (["nobody"], ["quiet", "--head", "x"], ["--head", head], ["quiet", "--public-key", "/nowhere"]):
        assert command("verify", *arguments)[0] == 2
    assert command("verify", "quiet", "--head", head)[0] == 1
    (tmp_path / "other.pub").write_bytes(make_pair()[1])
    assert command("verify", "quiet", "--public-key", str(tmp_path / "other.pub"))[0] == 1


def test_keygen_makes_a_pair_that_the_config_takes(command: Any, folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    code, out, _ = command("keygen", "--out", "team.pem")
    secret = folder.folder / "team.pem"
    assert code == 0
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text().splitlines()[1] not in out
    shown = yaml.safe_load(out[out.index("record:") :])["record"]["sign"]["public_keys"]
    monkeypatch.setenv(VARIABLE, str(secret))
    assert SigningKey.of(Signing(public_keys=tuple(shown)))
    assert command("keygen", "--out", "team.pem")[0] == 2
    folder.config(record={"sign": {"public_keys": shown}})
    assert command("check-config", "quiet")[2] == ""
    monkeypatch.delenv(VARIABLE)
    assert VARIABLE in command("check-config", "quiet")[2]


def test_a_lock_on_a_folder_is_a_fault_of_the_config(folder: Any) -> None:
    from nightproof.errors import ConfigError

    with pytest.raises(ConfigError, match="only S3 has Object Lock"):
        folder.config(record={"lock": {"retain": "30d"}})
