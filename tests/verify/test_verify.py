"""Verifying: what was published is whole, and no single change to any object of it goes unseen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.log import Head
from nightproof.manifest import PrunedFile, PruneNote
from nightproof.record import canonical
from nightproof.results import ModelResults
from nightproof.storage import MemoryStore
from nightproof.verify import verify

EXAMPLES = 60
WAYS = 11
"""Of tampering, as the benchmark has them."""


@pytest.fixture(scope="module", autouse=True)
def importable() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).resolve().parents[2]))
        yield


def changed(raw: bytes, **fields: Any) -> bytes:
    return canonical(json.loads(raw) | fields)


def test_what_was_published_is_whole(published: Any) -> None:
    for deep in (False, True):
        found = published.verify(pinned=True, signed=True, deep=deep)
        assert found.is_whole and found.first is None and not found.warnings
        assert (found.entries, found.head) == (6, published.head)
        assert found.counts.signatures == 6
        assert found.counts.listed == len(published.objects)


def test_every_object_of_a_record_is_looked_at(published: Any) -> None:
    missed = [name for name in published.objects if published.verify({name: None}, pinned=True, signed=True).is_whole]
    assert missed == []


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_other_bytes_of_any_object_are_found(published: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(published.objects)))
    raw = published.objects[name]
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    other = raw[:start] + data.draw(st.binary(max_size=4)) + raw[end:]
    found = published.verify({name: other}, signed=True)
    assert found.is_whole == (other == raw)


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_without_keys_and_heads_any_change_but_to_signatures_and_the_end_is_found(
    published: Any, data: st.DataObject
) -> None:
    names = [name for name in sorted(published.objects) if not name.startswith("signatures/")]
    name = data.draw(st.sampled_from(names))
    raw = published.objects[name]
    at = data.draw(st.integers(0, len(raw) - 1))
    other = raw[:at] + bytes([raw[at] ^ (1 << data.draw(st.integers(0, 7)))]) + raw[at + 1 :]
    found = published.verify({name: other})
    assert not found.is_whole
    assert found.first is not None


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_two_objects_that_change_places_are_found(published: Any, data: st.DataObject) -> None:
    one, other = (data.draw(st.sampled_from(sorted(published.objects))) for _ in range(2))
    change = {one: published.objects[other], other: published.objects[one]}
    same = published.objects[one] == published.objects[other]
    assert published.verify(change, signed=True).is_whole == same


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_object_that_is_added_is_found(published: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(published.objects)))
    other = f"{name.rsplit('/', 1)[0]}/{data.draw(st.from_regex(r'[a-z0-9]{1,12}', fullmatch=True))}.json"
    found = published.verify({other: published.objects[name]})
    assert found.is_whole == (published.objects.get(other) == published.objects[name])


@pytest.mark.parametrize("way", range(WAYS))
def test_every_way_of_tampering_is_found_in_a_signed_and_pinned_record(way: int, published: Any) -> None:
    from benchmarks.results.tampering import in_memory
    from benchmarks.results.tampers import TAMPERS

    assert len(TAMPERS) == WAYS
    for seed in range(way, 6 * WAYS, WAYS):
        found = in_memory(published.results(), trials=1, keys=[published.key], pinned=True, first_seed=seed)
        assert found.trials == {list(TAMPERS)[way]: 1}
        assert found.seeds == []


# --- The first thing is named -----------------------------------------------------------------------------


def test_a_changed_file_is_named_with_its_entry(published: Any) -> None:
    name = published.folder(2) + "findings.json"
    first = published.verify({name: b"[]"}).first
    assert (first.kind, first.where, first.number) == ("changed", name, 2)


def test_a_changed_manifest_is_named_with_both_hashes(published: Any) -> None:
    name = published.folder(1) + "manifest.json"
    other = changed(published.objects[name], rows=1)
    first = published.verify({name: other}).first
    assert (first.kind, first.where) == ("changed", name)
    assert published.entries[1].manifest_sha256 in first.expected
    assert hashlib.sha256(other).hexdigest() in first.found


def test_the_entry_that_was_changed_is_named_not_the_one_after_it(published: Any) -> None:
    place = published.place(2)
    other = json.dumps(json.loads(published.objects[place])).encode()
    found = published.verify({place: other})
    assert found.first.where == place


def test_the_first_along_the_chain_is_named_and_the_others_are_counted(published: Any) -> None:
    change = {published.folder(number) + "verdict.json": None for number in (4, 1, 3)}
    found = published.verify(change)
    assert [breach.number for breach in found.breaches] == [1, 3, 4]
    assert {breach.kind for breach in found.breaches} == {"missing"}


def test_entries_in_another_order_are_said_to_be(published: Any) -> None:
    one, other = published.place(1), published.place(3)
    change = {one: published.objects[other], other: published.objects[one]}
    first = published.verify(change).first
    assert (first.kind, first.where) == ("reordered", one)


def test_a_missing_entry_is_missing_and_not_the_end(published: Any) -> None:
    first = published.verify({published.place(3): None}).first
    assert (first.kind, first.number) == ("missing", 3)


def test_an_old_entry_appended_again_is_a_replay(published: Any) -> None:
    again = changed(published.objects[published.place(2)], number=6, parent_sha256=published.head.sha256)
    first = published.verify({published.place(6): again}).first
    assert (first.kind, first.number) == ("replayed", 6)


def test_a_number_that_somebody_made_up_costs_nothing(published: Any) -> None:
    made_up = {"log/999999999.json": b"{}", "pruned/999999998.json": b"{}"}
    found = published.verify(made_up)
    assert sorted(breach.where for breach in found.breaches) == sorted(made_up)


def test_another_models_chain_is_not_this_models(published: Any) -> None:
    store = MemoryStore()
    for name, raw in published.objects.items():
        store.put("nightproof/other/" + name, raw)
    first = verify(ModelResults(store, "nightproof/other/")).first
    assert first is not None
    assert "a manifest of other" in first.expected and "quiet" in first.found


# --- What only a head, or a signature, can show -------------------------------------------------------------


def test_a_history_that_was_rewritten_whole_needs_a_head_or_a_signature(published: Any) -> None:
    from benchmarks.results.tampers import rewrite

    unsigned = {name: raw for name, raw in published.objects.items() if not name.startswith("signatures/")}
    change = rewrite(unsigned, Random(1)) | {n: None for n in published.objects if n.startswith("signatures/")}
    assert published.verify(change).is_whole
    assert published.verify(change, pinned=True).first.kind == "forged"
    assert published.verify(change, signed=True).first.kind == "unsigned"


def test_an_end_that_was_cut_off_needs_a_head(published: Any) -> None:
    from benchmarks.results.tampers import cut

    change = cut(published.objects, Random(1))
    assert published.verify(change, signed=True).is_whole
    assert published.verify(change, pinned=True).first.kind == "cut"


def test_an_entry_that_was_forged_needs_signatures(published: Any) -> None:
    from benchmarks.results.tampers import forge

    unsigned = {name: raw for name, raw in published.objects.items() if not name.startswith("signatures/")}
    change = forge(unsigned, Random(1))
    without = {name: None for name in published.objects if name.startswith("signatures/")}
    assert published.verify(change | without, pinned=True).is_whole
    assert published.verify(change, signed=True).first.kind == "unsigned"


@given(digits=st.integers(12, 64))
def test_a_head_may_be_cut_short(published: Any, digits: int) -> None:
    head = Head.parse(f"{published.head.number}:{published.head.sha256[:digits].upper()}")
    assert verify(published.results(), head=head).is_whole
    other = "0" if head.sha256[-1] != "0" else "1"
    assert not verify(published.results(), head=Head(head.number, head.sha256[:-1] + other)).is_whole


@pytest.mark.parametrize(
    "text", ["", "3", "3:", "3:abc", ":" + 64 * "a", "-1:" + 64 * "a", "3:" + 64 * "g", "3:" + 65 * "a"]
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NUMBER:SHA256"):
        Head.parse(text)


def test_an_old_head_is_still_in_the_chain(published: Any) -> None:
    raw = published.objects[published.place(2)]
    assert verify(published.results(), head=Head(2, hashlib.sha256(raw).hexdigest())).is_whole


# --- In flight, crashed, cut ----------------------------------------------------------------------------------


def test_a_night_in_flight_is_a_note(published: Any) -> None:
    started = {"2024-03-09/00112233aabbccdd/snapshot.json": b"{}"}
    found = published.verify(started, signed=True)
    assert found.is_whole and not found.warnings
    assert "2024-03-09/00112233aabbccdd" in found.notes[0]


def test_a_publish_that_crashed_before_its_entry_is_a_warning(published: Any) -> None:
    last = {published.place(5): None, "signatures/000000005.json": None}
    found = published.verify(last | {name: None for name in published.objects if name.startswith("signatures/")})
    assert found.is_whole
    assert "2024-03-04" in found.warnings[0] and "--night 2024-03-04" in found.warnings[0]


def test_where_a_signature_or_a_head_knows_better_it_was_cut(published: Any) -> None:
    assert {breach.kind for breach in published.verify({published.place(5): None}).breaches} == {"cut"}
    last = {published.place(5): None, "signatures/000000005.json": None}
    assert {breach.kind for breach in published.verify(last, pinned=True).breaches} == {"cut"}


def test_what_is_no_part_of_the_record_is_not_looked_at(published: Any) -> None:
    beside = {f"{folder}/x.json": b"?" for folder in ("alerts", "scratch", "fleet", "holdout")}
    found = published.verify(beside)
    assert found.is_whole and found.counts.listed == len(published.objects)


def test_nothing_published_is_whole_and_has_no_head() -> None:
    found = verify(ModelResults(MemoryStore(), "nightproof/quiet/"))
    assert found.is_whole and found.head is None and found.entries == 0


# --- Retention ------------------------------------------------------------------------------------------------


def note(published: Any, *names: str, number: int = 0, parent: bytes | None = None, **fields: Any) -> bytes:
    folder, entry = published.folder(1), published.entries[1]
    files = [
        PrunedFile(
            night=entry.night,
            evaluation_id=entry.evaluation_id,
            name=name,
            sha256=hashlib.sha256(published.objects[folder + name]).hexdigest(),
        )
        for name in names
    ]
    made = PruneNote(
        number=number,
        parent_sha256=hashlib.sha256(parent).hexdigest() if parent else None,
        head_number=published.head.number,
        head_sha256=published.head.sha256,
        at="2026-01-01T00:00:00+00:00",
        rule="findings older than 400d",
        files=tuple(files),
    )
    return made.model_copy(update=fields).to_bytes()


def test_a_file_that_retention_deleted_is_accounted_for(published: Any) -> None:
    gone = published.folder(1) + "findings.json"
    first = note(published, "findings.json")
    second = note(published, "readings.json", number=1, parent=first)
    change = {gone: None, "pruned/000000000.json": first, "pruned/000000001.json": second}
    found = published.verify(change, pinned=True, signed=True)
    assert found.is_whole and found.counts.pruned == 1
    assert not published.verify({gone: None}).is_whole


@pytest.mark.parametrize("name", ["manifest.json", "verdict.json", "snapshot.json", "validation.json"])
def test_what_retention_may_not_delete_is_missing_whatever_a_note_says(published: Any, name: str) -> None:
    change = {published.folder(1) + name: None, "pruned/000000000.json": note(published, name)}
    found = published.verify(change)
    assert published.folder(1) + name in [breach.where for breach in found.breaches]


@pytest.mark.parametrize(
    "fields", [{"number": 1}, {"parent_sha256": 64 * "0"}, {"head_number": 4}, {"head_sha256": 64 * "0"}]
)
def test_a_note_that_does_not_fit_accounts_for_nothing(published: Any, fields: dict[str, Any]) -> None:
    gone = published.folder(1) + "findings.json"
    change = {gone: None, "pruned/000000000.json": note(published, "findings.json", **fields)}
    assert [b.where for b in published.verify(change).breaches] == [gone, "pruned/000000000.json"]


def test_a_note_of_other_bytes_accounts_for_nothing(published: Any) -> None:
    name = published.folder(1) + "findings.json"
    raw = note(published, "findings.json").replace(
        hashlib.sha256(published.objects[name]).hexdigest().encode(), b"0" * 64
    )
    assert published.verify({name: None, "pruned/000000000.json": raw}).first.where == name


# --- A consistent lie -------------------------------------------------------------------------------------------


def test_a_deep_look_finds_a_snapshot_of_another_night_under_good_hashes(published: Any) -> None:
    """Whoever publishes can make any hash fit; what files say of themselves must fit too."""
    folder = published.folder(5)
    other = changed(published.objects[folder + "snapshot.json"], night="2024-03-01")
    manifest = json.loads(published.objects[folder + "manifest.json"])
    manifest["files"]["snapshot.json"] = {
        "sha256": hashlib.sha256(other).hexdigest(),
        "size": len(other),
        "md5": hashlib.md5(other, usedforsecurity=False).hexdigest(),
    }
    raw = canonical(manifest)
    entry = changed(published.objects[published.place(5)], manifest_sha256=hashlib.sha256(raw).hexdigest())
    change = {
        folder + "snapshot.json": other,
        folder + "manifest.json": raw,
        published.place(5): entry,
        **{name: None for name in published.objects if name.startswith("signatures/")},
    }
    assert published.verify(change).is_whole
    first = published.verify(change, deep=True).first
    assert (first.kind, first.where) == ("replayed", folder + "snapshot.json")


def test_an_older_version_wrote_entries_with_fewer_fields(published: Any) -> None:
    """They stand before those that have all fields; one that lost a field later was changed."""
    raw, parent = {}, None
    for number in range(6):
        entry = json.loads(published.objects[published.place(number)]) | {"parent_sha256": parent}
        if number < 2:
            del entry["supersedes"]
        raw[published.place(number)] = canonical(entry)
        parent = hashlib.sha256(raw[published.place(number)]).hexdigest()
    raw |= {name: None for name in published.objects if name.startswith("signatures/")}
    assert published.verify(raw).is_whole
    last = json.loads(raw[published.place(5)])
    del last["labels"]
    assert not published.verify(raw | {published.place(5): canonical(last)}).is_whole
