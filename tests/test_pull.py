"""Pull: exactly the night's objects, pinned by their content."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from nightproof.errors import ObjectChanged, PartitionMissing
from nightproof.night import Night
from nightproof.pull import files_of, missing_places, places, pull, reference_files
from nightproof.snapshot import Snapshot

NIGHT = Night.parse("2024-03-01")


def pulled(bench: Any, *, cache: str = "cache") -> Snapshot:
    resources = bench.resources(cache=cache)
    return pull(bench.config(), NIGHT, open_store=resources.open_store, cache=resources.cache)


def pinned(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [(found.role, found.url.rsplit("/", 1)[-1]) for found in snapshot.objects]


@pytest.fixture(params=["bench", "folder"])
def place(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_every_object_of_the_night_and_of_the_reference_is_pinned_by_its_content(place: Any) -> None:
    place.night("2024-03-01")
    place.night("2024-03-02")
    snapshot = pulled(place)
    assert pinned(snapshot) == [(role, "part-0.parquet") for role in ("labels", "predictions", "reference")]
    resources = place.resources()
    for found in snapshot.objects:
        content = resources.cache.path(found.sha256).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (found.sha256, found.size)
    assert "dt=2024-03-01" in snapshot.of("predictions")[0].url


def test_pulling_twice_pins_the_same_bytes(place: Any) -> None:
    place.night("2024-03-01")
    assert pulled(place).to_bytes() == pulled(place, cache="another").to_bytes()


def test_parts_are_pinned_in_the_order_of_their_names(bench: Any) -> None:
    bench.night("2024-03-01")
    for name in ("part-2.parquet", "a/part-1.parquet", "part-10.parquet"):
        bench.put(f"predictions/dt=2024-03-01/{name}", name.encode())
    urls = [found.url for found in pulled(bench).of("predictions")]
    assert urls == sorted(urls) and len(urls) == 4


@pytest.mark.parametrize("name", ["_SUCCESS", "_committed_1", ".part-0.parquet.crc", "_temporary"])
def test_a_writers_own_files_are_no_data(bench: Any, name: str) -> None:
    bench.night("2024-03-01")
    before = pulled(bench)
    bench.put(f"predictions/dt=2024-03-01/{name}", b"mark")
    assert pulled(bench) == before


def test_the_marker_of_a_folder_is_no_data(bench: Any) -> None:
    bench.put("predictions/dt=2024-03-01/", b"")
    bench.put("predictions/dt=2024-03-01/_SUCCESS", b"")
    with pytest.raises(PartitionMissing):
        pulled(bench)


def test_a_file_without_a_byte_is_pinned_so_that_validation_can_tell_of_it(bench: Any) -> None:
    bench.night("2024-03-01")
    bench.put("predictions/dt=2024-03-01/part-1.parquet", b"")
    assert [found.size for found in pulled(bench).of("predictions")][1] == 0


def test_a_missing_partition_names_every_place_that_was_looked_in(place: Any) -> None:
    with pytest.raises(PartitionMissing) as caught:
        pulled(place)
    config = place.config()
    for role in ("predictions", "labels"):
        assert f"{place.logs}{role}/dt=2024-03-01/" in str(caught.value)
    assert config.data.reference not in str(caught.value)
    assert "Night 2024-03-01 of quiet" in str(caught.value)


def test_what_is_waited_for_is_what_is_missing(place: Any) -> None:
    config = place.config()
    missing = [f"{place.logs}{role}/dt=2024-03-01/" for role in ("predictions", "labels")]
    assert missing_places(config, NIGHT, place.open_store) == missing
    place.night("2024-03-01")
    assert missing_places(config, NIGHT, place.open_store) == []
    assert missing_places(config, NIGHT.before(-1), place.open_store) == [
        url.replace("2024-03-01", "2024-03-02") for url in missing
    ]


def test_a_night_of_another_prefix_is_not_taken_for_this_one(bench: Any) -> None:
    bench.night("2024-03-01")
    bench.put("predictions/dt=2024-03-011/part-0.parquet", b"another folder")
    assert len(pulled(bench).of("predictions")) == 1


def test_without_label_files_the_label_is_a_column(bench: Any) -> None:
    data = {"predictions": bench.logs + "predictions/dt=%Y-%m-%d/", "reference": bench.logs + "reference/"}
    config = bench.config(data=data)
    assert list(places(config, NIGHT)) == ["predictions", "reference"]


def test_after_the_pull_other_content_is_an_error_and_never_an_answer(bench: Any) -> None:
    bench.night("2024-03-01")
    snapshot = pulled(bench)
    bench.night("2024-03-01", seed=7)
    elsewhere = bench.resources(cache="another-worker")
    with pytest.raises(ObjectChanged):
        files_of(snapshot, open_store=elsewhere.open_store, cache=elsewhere.cache)
    # The worker that has the bytes still has them.
    here = bench.resources()
    files = files_of(snapshot, open_store=here.open_store, cache=here.cache)
    assert files.predictions[0].read_bytes() == here.cache.path(snapshot.of("predictions")[0].sha256).read_bytes()


def test_another_worker_fetches_what_was_pinned(place: Any) -> None:
    place.night("2024-03-01")
    snapshot = pulled(place)
    elsewhere = place.resources(cache="another-worker")
    files = files_of(snapshot, open_store=elsewhere.open_store, cache=elsewhere.cache)
    assert files.predictions and files.labels
    assert files.name(files.labels[0]) == snapshot.of("labels")[0].url
    (reference,) = reference_files(snapshot, open_store=elsewhere.open_store, cache=elsewhere.cache)
    assert hashlib.sha256(reference.read_bytes()).hexdigest() == snapshot.of("reference")[0].sha256
