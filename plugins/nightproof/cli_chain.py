"""The commands of the chain: `verify` walks a record, `keygen` makes a pair of keys to sign one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightproof.catalog import config_paths, find_model, models_folder
from nightproof.config import ModelConfig, load_config
from nightproof.errors import ConfigError, NightproofError, SigningError

if TYPE_CHECKING:
    from nightproof.log import Head
    from nightproof.signatures import PublicKey
    from nightproof.verify import Verification

Models = Annotated[Path | None, typer.Option("--models", help="Folder of model configs; also NIGHTPROOF_MODELS.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines, one line a model.")]


def verify(
    model: Annotated[str | None, typer.Argument(help="Name of a model; all of the folder by default.")] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read and hash every byte, instead of trusting the store's listing of files.")
    ] = False,
    head: Annotated[
        str | None, typer.Option("--head", help="NUMBER:SHA256 that was kept elsewhere: the chain must contain it.")
    ] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option("--public-key", help="PEM file of a key that may sign, instead of the config's; may be repeated."),
    ] = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Walk a model's record and name the first thing that is not as it was published; exits with 1 if one is not."""
    folder = models or models_folder()
    pinned, keys = _head(head, model), [_key(path) for path in public_key or []]
    configs = [find_model(model, folder)] if model else _readable(folder)
    whole, unread = True, False
    for config in configs:
        try:
            found = _verified(config, pinned=pinned, keys=keys, deep=deep)
        except NightproofError as error:
            if model:
                raise
            unread = True
            print(f"{config.model}: {error}", file=sys.stderr)
            continue
        whole &= found.is_whole
        print(json.dumps(found.to_json()) if as_json else in_words(found), flush=True)
    if unread or not whole:
        raise typer.Exit(1 if not whole else 3)


def keygen(
    out: Annotated[Path, typer.Option("--out", help="File of the private key; the public one is OUT.pub.")] = Path(
        "nightproof-signing-key.pem"
    ),
    as_json: AsJson = False,
    models: Models = None,  # noqa: ARG001  every command takes it; keys belong to no folder of configs
) -> None:
    """Make an Ed25519 key pair in PEM: the private key for `record.sign.key`, the public one for the config."""
    from nightproof.signatures import make_pair

    secret, public = make_pair()
    beside = out.with_name(f"{out.name}.pub")
    for path, content, mode in ((out, secret, 0o600), (beside, public, 0o644)):
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(content)
        except FileExistsError as error:
            problem = f"{path} is there already: keys are never replaced."
            raise typer.BadParameter(problem, param_hint="--out") from error
        except OSError as error:
            raise typer.BadParameter(f"{path} cannot be written: {error.strerror}.", param_hint="--out") from error
    if as_json:
        print(json.dumps({"private_key": str(out), "public_key": str(beside)}))
        return
    print(f"{out}: private key, readable by you alone. Set NIGHTPROOF_SIGNING_KEY to it or to its path.")
    print(f"{beside}: public key. In the model's YAML:\n")
    lines = public.decode().splitlines()
    print("record:\n  sign:\n    public_keys:\n      - |\n" + "\n".join(f"        {line}" for line in lines))


def key_warnings(config: ModelConfig) -> list[str]:
    """What would end a night of a model that signs, as far as this machine's environment says."""
    if config.record.sign is None:
        return []
    from nightproof.signatures import SigningKey

    try:
        SigningKey.of(config.record.sign)
    except SigningError as error:
        return [str(error)]
    return []


def in_words(found: Verification, most: int = 5) -> str:
    """What was found, for people: the verdict first, then what was done, then the head."""
    lines = [f"{found.model}: {_verdict(found)}", f"  {found.location}"]
    if found.first:
        lines += _first(found)
        lines += [f"  then {breach.kind}: {breach.where}" for breach in found.breaches[1:most]]
        if len(found.breaches) > most:
            lines.append(f"  and {len(found.breaches) - most} more")
    lines += [f"  {line}" for line in _done(found)]
    lines += [f"  warning: {warning}" for warning in found.warnings]
    lines += [f"  note: {note}" for note in found.notes]
    if found.head:
        lines.append(f"  head {found.head}")
    return "\n".join(lines)


def _verdict(found: Verification) -> str:
    from nightproof.words import counted

    entries = counted(found.entries, "entry", "entries")
    if not found.is_whole:
        return f"BROKEN, {counted(len(found.breaches), 'thing')} of {entries} not as published"
    return f"whole, {entries}" if found.entries else "nothing was published"


def _first(found: Verification) -> list[str]:
    breach = found.breaches[0]
    place = "" if breach.number is None else f", entry {breach.number}"
    return [
        f"  first {breach.kind}: {breach.where}{place}",
        f"    expected {breach.expected}",
        f"    found    {breach.found}",
        f"    {breach.meaning}",
    ]


def _done(found: Verification) -> list[str]:
    from nightproof.words import counted, size

    counts = found.counts
    read = f"{counted(counts.hashed, 'object')} read and hashed ({size(counts.hashed_bytes)})"
    if counts.by_listing:
        listed = counted(counts.by_listing, "file")
        read += f"; {listed} compared by the size and MD5 that the store lists, unread: --deep reads them too"
    lines = [f"{read}."]
    if counts.signatures:
        lines.append(f"{counted(counts.signatures, 'signature')} good.")
    if counts.pruned:
        lines.append(f"{counted(counts.pruned, 'file')} gone by stated retention.")
    if found.pinned and found.is_whole:
        lines.append(f"The chain contains the pinned head {found.pinned}: nothing up to it was rewritten or cut.")
    return lines


def _verified(config: ModelConfig, *, pinned: Head | None, keys: Sequence[PublicKey], deep: bool) -> Verification:
    from nightproof.results import ModelResults
    from nightproof.signatures import PublicKey
    from nightproof.storage import open_store
    from nightproof.verify import verify as verify_record

    if not keys and config.record.sign:
        pems = config.record.sign.public_keys
        keys = [PublicKey.from_pem(pem, name=f"record.sign.public_keys[{n}]") for n, pem in enumerate(pems)]
    return verify_record(ModelResults.of(config, open_store), head=pinned, public_keys=keys, deep=deep)


def _head(text: str | None, model: str | None) -> Head | None:
    from nightproof.log import Head

    if text is None:
        return None
    if model is None:
        raise typer.BadParameter("a head is one model's: name the model.", param_hint="--head")
    try:
        return Head.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--head") from error


def _key(path: Path) -> PublicKey:
    from nightproof.signatures import PublicKey

    try:
        return PublicKey.from_pem(path.read_text("utf-8"), name=str(path))
    except (OSError, ValueError, SigningError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise typer.BadParameter(f"{path}: {said}", param_hint="--public-key") from error


def _readable(folder: Path) -> list[ModelConfig]:
    """The folder's configs; one that is broken is told, and does not hide the others."""
    found, faulty = [], None
    for path in config_paths(folder):
        try:
            found.append(load_config(path))
        except ConfigError as error:
            faulty = error
            print(error, file=sys.stderr)
    if faulty and not found:
        raise faulty
    return found
