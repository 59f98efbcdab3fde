"""Ways to tamper with a record: each gives the objects to write and to delete, by their names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from nightproof.record import canonical
from nightproof.signatures import SigningKey, make_pair, sign, statement

Objects = Mapping[str, bytes]
Change = dict[str, bytes | None]
"""New bytes of an object; ``None`` deletes it."""
Tamper = Callable[[Objects, Random], Change]


def flip(objects: Objects, draw: Random) -> Change:
    """One bit of any object."""
    name = draw.choice(sorted(objects))
    raw = bytearray(objects[name])
    raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
    return {name: bytes(raw)}


def truncate(objects: Objects, draw: Random) -> Change:
    """Any object loses its end."""
    name = draw.choice(sorted(objects))
    return {name: objects[name][: draw.randrange(len(objects[name]))]}


def delete(objects: Objects, draw: Random) -> Change:
    """Any object is deleted."""
    return {draw.choice(sorted(objects)): None}


def swap(objects: Objects, draw: Random) -> Change:
    """Two objects that are not alike change places."""
    one = draw.choice(sorted(objects))
    other = draw.choice([name for name in sorted(objects) if objects[name] != objects[one]])
    return {one: objects[other], other: objects[one]}


def reorder(objects: Objects, draw: Random) -> Change:
    """Two entries change places, as they are or with their numbers put right."""
    one, other = draw.sample(_log(objects), 2)
    if draw.random() < 0.5:
        return {one: objects[other], other: objects[one]}
    return {one: _with(objects[other], number=_number(one)), other: _with(objects[one], number=_number(other))}


def replay(objects: Objects, draw: Random) -> Change:
    """An old object is put over a newer one of its kind, or an old entry is appended."""
    if draw.random() < 0.3:
        log = _log(objects)
        last = len(log)
        again = objects[draw.choice(log)]
        parent = hashlib.sha256(objects[log[-1]]).hexdigest()
        fitting = _with(again, number=last, parent_sha256=parent)
        return {f"log/{last:09d}.json": draw.choice([again, fitting])}
    name = draw.choice([name for name in sorted(objects) if not name.startswith("baselines/")])
    kind, folder = name.rsplit("/", 1)[-1], name.split("/", 1)[0]
    alike = [
        other
        for other in sorted(objects)
        if objects[other] != objects[name]
        and (other.split("/", 1)[0] == folder if folder in ("log", "signatures") else other.endswith(f"/{kind}"))
    ]
    return {name: objects[draw.choice(alike)]} if alike else delete(objects, draw)


def copy(objects: Objects, draw: Random) -> Change:
    """A whole evaluation is put under another name, or an object where none belongs."""
    name = draw.choice(sorted(objects))
    if draw.random() < 0.5:
        place = draw.choice(
            ["log/extra.json", f"{name}.bak", "log/000000099.json", "pruned/000000000.json", "2021-01-01/readme.txt"]
        )
        return {place: objects[name]}
    folder = draw.choice(_folders(objects))
    night = folder.split("/")[0]
    other = f"{night}/{draw.getrandbits(64):016x}/"
    return {other + name.removeprefix(folder): raw for name, raw in objects.items() if name.startswith(folder)}


def edit(objects: Objects, draw: Random) -> Change:
    """One field of an entry or a manifest, written as Nightproof would have written it."""
    name = draw.choice([*_log(objects), *(f"{folder}manifest.json" for folder in _folders(objects))])
    fields = json.loads(objects[name])
    field = draw.choice(sorted(fields))
    if draw.random() < 0.2:
        del fields[field]
        return {name: canonical(fields)}
    said = fields[field]
    other: Any = f"{said}x" if isinstance(said, str) else 7 if said is None else None
    if field == "status":
        other = "ok" if said != "ok" else "regression"
    if field == "labels":
        other = "provisional" if said == "final" else "final"
    if type(said) is int:
        other = said + 1
    return {name: canonical(fields | {field: other})}


def rewrite(objects: Objects, draw: Random) -> Change:
    """History: a verdict is changed, and every hash from there on is made anew; sometimes signed by another key."""
    log = _log(objects)
    return _rehashed(objects, draw.randrange(len(log)), draw)


def _rehashed(objects: Objects, number: int, draw: Random) -> Change:
    changed: Change = {}
    log = _log(objects)
    entry = json.loads(objects[log[number]])
    folder = f"{entry['night']}/{entry['evaluation_id']}/"
    verdict = canonical(json.loads(objects[f"{folder}verdict.json"]) | {"headline": "All is well."})
    manifest = json.loads(objects[f"{folder}manifest.json"])
    manifest["files"]["verdict.json"] = _stored(verdict)
    changed |= {f"{folder}verdict.json": verdict, f"{folder}manifest.json": canonical(manifest)}
    held = hashlib.sha256(canonical(manifest)).hexdigest()
    raw = canonical(entry | {"manifest_sha256": held})
    changed[log[number]] = raw
    for name in log[number + 1 :]:
        raw = _with(objects[name], parent_sha256=hashlib.sha256(raw).hexdigest())
        changed[name] = raw
    if any(name.startswith("signatures/") for name in objects) and draw.random() < 0.5:
        changed |= _signed_by_another(changed)
    return changed


def forge(objects: Objects, draw: Random) -> Change:
    """An evaluation that never was is appended, all hashes right; sometimes signed by another key."""
    log = _log(objects)
    last = json.loads(objects[log[-1]])
    old, night, identifier = _folder(last), "2031-01-01", f"{draw.getrandbits(64):016x}"
    new = f"{night}/{identifier}/"
    changed: Change = {}
    files = {}
    for name in json.loads(objects[f"{old}manifest.json"])["files"]:
        raw = objects[old + name]
        if name in ("snapshot.json", "verdict.json"):
            raw = canonical(json.loads(raw) | {"night": night})
        changed[new + name], files[name] = raw, _stored(raw)
    manifest = _with(objects[f"{old}manifest.json"], night=night, evaluation_id=identifier, files=files)
    entry = last | {"night": night, "evaluation_id": identifier, "number": len(log), "supersedes": None}
    entry["manifest_sha256"] = hashlib.sha256(manifest).hexdigest()
    entry["parent_sha256"] = hashlib.sha256(objects[log[-1]]).hexdigest()
    place = f"log/{len(log):09d}.json"
    changed |= {f"{new}manifest.json": manifest, place: canonical(entry)}
    if any(name.startswith("signatures/") for name in objects) and draw.random() < 0.5:
        changed |= _signed_by_another({place: canonical(entry)})
    return changed


def cut(objects: Objects, draw: Random) -> Change:
    """The end of the chain, with its evaluations and signatures."""
    log = _log(objects)
    changed: Change = {}
    for name in log[-draw.randint(1, len(log) - 1) :]:
        folder = _folder(json.loads(objects[name]))
        gone = [name, name.replace("log/", "signatures/"), *(each for each in objects if each.startswith(folder))]
        changed |= {each: None for each in gone if each in objects}
    return changed


TAMPERS: dict[str, Tamper] = {
    "bit flipped": flip,
    "truncated": truncate,
    "deleted": delete,
    "two swapped": swap,
    "entries re-ordered": reorder,
    "old one replayed": replay,
    "copied or added": copy,
    "field edited": edit,
    "history rewritten": rewrite,
    "entry forged": forge,
    "end cut off": cut,
}
"""Every way, by its name."""


def _signed_by_another(changed: Mapping[str, bytes | None]) -> Change:
    from nightproof.manifest import LogEntry

    key = SigningKey.from_pem(make_pair()[0].decode(), name="another key")
    signed: Change = {}
    for name, raw in changed.items():
        if name.startswith("log/") and raw is not None:
            entry = LogEntry.from_bytes(raw, name=name)
            content = sign(statement(entry, raw, model="chain", since=0), key)
            signed[name.replace("log/", "signatures/")] = content
    return signed


def _stored(raw: bytes) -> dict[str, object]:
    md5 = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    return {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw), "md5": md5}


def _with(raw: bytes, **fields: object) -> bytes:
    return canonical(json.loads(raw) | fields)


def _number(name: str) -> int:
    return int(name[4:13])


def _log(objects: Objects) -> list[str]:
    return sorted(name for name in objects if name.startswith("log/"))


def _folder(entry: Mapping[str, Any]) -> str:
    return f"{entry['night']}/{entry['evaluation_id']}/"


def _folders(objects: Objects) -> list[str]:
    return [_folder(json.loads(objects[name])) for name in _log(objects)]
