"""Pull: exactly the night's objects, pinned by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from threading import Barrier
from typing import Any

import pytest
from nightproof.cache import Cache
from nightproof.errors import ObjectChanged, PartitionMissing, StillWritten
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
    files = reference_files(snapshot, open_store=elsewhere.open_store, cache=elsewhere.cache)
    (reference,) = files.predictions
    assert hashlib.sha256(reference.read_bytes()).hexdigest() == snapshot.of("reference")[0].sha256


# --- While it is written ----------------------------------------------------------------------------------


class Restless:
    """A store in which something is done to the objects after a call, for so many calls.

    Parameters
    ----------
    after
        The method after which it happens.
    does
        What happens, given how often it has before.
    """

    def __init__(self, store: Any, *, after: str, does: Callable[[int], None], times: int = 1) -> None:
        self._store, self._after, self._does, self._times = store, after, does, times
        self.happened = 0

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            found = getattr(self._store, name)(*given, **named)
            if (
                name == self._after
                and self.happened < self._times
                and any("predictions" in str(each) for each in given)
            ):
                found = list(found) if name == "list" else found
                self.happened += 1
                self._does(self.happened)
            return found

        return call


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightproof.pull.PAUSES_S", (0.0, 0.0, 0.0))


def restless(bench: Any, after: str, does: Callable[[int], None], *, times: int = 1) -> Snapshot:
    logs = Restless(bench.open_store("s3://ml-logs"), after=after, does=does, times=times)
    resources = bench.resources(lambda root: logs if root == "s3://ml-logs" else bench.open_store(root))
    return pull(bench.config(), NIGHT, open_store=resources.open_store, cache=resources.cache)


def change(bench: Any, how: str) -> Callable[[int], None]:
    store = bench.open_store("s3://ml-logs")

    def does(count: int) -> None:
        if how == "added":
            bench.put(f"predictions/dt=2024-03-01/part-{count}.parquet", b"more")
        elif how == "replaced":
            bench.put("predictions/dt=2024-03-01/part-0.parquet", f"other {count}".encode())
        else:
            store.delete(f"predictions/dt=2024-03-01/old-{count}.parquet")

    return does


def prepared(bench: Any) -> None:
    bench.night("2024-03-01")
    for number in range(1, 5):
        bench.put(f"predictions/dt=2024-03-01/old-{number}.parquet", f"old {number}".encode())


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("how", ["added", "replaced", "removed"])
@pytest.mark.parametrize("after", ["list", "head", "fetch"])
def test_what_changes_while_it_is_pulled_is_noticed_and_never_mixed(bench: Any, how: str, after: str) -> None:
    prepared(bench)
    found = restless(bench, after, change(bench, how))
    # One instant's objects, all of them: what a pull that nothing disturbed finds now.
    assert found.objects == pulled(bench, cache="another").objects


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(("how", "told"), [("added", "came"), ("replaced", "replaced|has changed")])
def test_a_night_that_goes_on_changing_is_a_clear_error(bench: Any, how: str, told: str) -> None:
    prepared(bench)
    with pytest.raises(
        StillWritten, match=rf"Night 2024-03-01 of quiet is still being written: .*predictions.*({told})"
    ):
        restless(bench, "list", change(bench, how), times=100)


def test_hundreds_of_objects_are_asked_for_at_once(bench: Any) -> None:
    bench.night("2024-03-01")
    for number in range(200):
        bench.put(f"predictions/dt=2024-03-01/part-{number:03d}.parquet", f"rows {number}".encode())
    together = Barrier(8, timeout=30)

    class Meeting:
        def __init__(self, store: Any) -> None:
            self._store, self._met = store, 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        def head(self, key: str) -> Any:
            # The first eight wait for one another: one after another they never would.
            self._met += 1
            if self._met <= 8:
                together.wait()
            return self._store.head(key)

    logs = Meeting(bench.open_store("s3://ml-logs"))
    resources = bench.resources(
        {"s3://ml-logs": logs, "s3://ml-results": bench.open_store("s3://ml-results")}.__getitem__
    )
    found = pull(bench.config(), NIGHT, open_store=resources.open_store, cache=resources.cache)
    assert len(found.of("predictions")) == 201
    assert [each.url for each in found.objects] == sorted(each.url for each in found.objects)


def test_files_in_use_stay_while_others_make_room(bench: Any) -> None:
    bench.night("2024-03-01")
    snapshot = pulled(bench)
    resources = bench.resources()
    files = files_of(snapshot, open_store=resources.open_store, cache=resources.cache)
    Cache(bench.folder / "cache", bound_bytes=1).trim()
    assert all(path.exists() for path in (*files.predictions, *files.labels))
    paths = files.predictions
    del files
    Cache(bench.folder / "cache", bound_bytes=1).trim()
    assert not any(path.exists() for path in paths)
