"""Pull: list the night's prefixes, pin every object, and bring its bytes to the cache.

After this, "latest" is never read again: whatever happens to the bucket meanwhile, every later
step sees the pinned bytes or says that they are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from nightproof.cache import Cache
from nightproof.config import ModelConfig
from nightproof.errors import ObjectMissing, PartitionMissing
from nightproof.night import Night
from nightproof.night_files import NightFiles
from nightproof.snapshot import PinnedObject, Role, Snapshot
from nightproof.storage import OpenStore, StoredObject, split_url


def places(config: ModelConfig, night: Night) -> dict[Role, str]:
    """The prefix of each role for one night."""
    found: dict[Role, str] = {"predictions": night.place(config.data.predictions)}
    if config.data.labels:
        found["labels"] = night.place(config.data.labels)
    found["reference"] = config.data.reference
    return found


def missing_places(config: ModelConfig, night: Night, open_store: OpenStore) -> list[str]:
    """Prefixes of the night under which there is no object yet."""
    return [url for url in places(config, night).values() if not _listed(url, open_store)]


def pull(
    config: ModelConfig, night: Night, *, open_store: OpenStore, cache: Cache, now: datetime | None = None
) -> Snapshot:
    """Pin the night's objects and bring them to the cache.

    Parameters
    ----------
    now
        The instant of the listing, which tells whether the night is final; the clock's by default.

    Raises
    ------
    PartitionMissing
        If a prefix has no objects; names every such prefix.
    StoreError
        If object storage fails.
    """
    now = now or datetime.now(UTC)
    listed = {role: (url, _listed(url, open_store)) for role, url in places(config, night).items()}
    missing = [url for url, found in listed.values() if not found]
    if missing:
        raise PartitionMissing(
            f"Night {night} of {config.model} cannot be evaluated: there is no object under "
            f"{' nor under '.join(missing)}. Check that the night was written, and data in the config."
        )
    pinned = [
        _pin(role, url, found, open_store=open_store, cache=cache)
        for role, (url, objects) in listed.items()
        for found in objects
    ]
    ordered = sorted(pinned, key=lambda found: (found.role, found.url))
    return Snapshot(
        model=config.model,
        night=str(night),
        objects=tuple(ordered),
        labels="final" if now >= night.end + config.data.matures_after else "provisional",
        listed_at=now.isoformat(timespec="seconds"),
    )


def files_of(snapshot: Snapshot, *, open_store: OpenStore, cache: Cache) -> NightFiles:
    """The night's predictions and labels as local files, fetched again by version where needed."""
    urls: dict[Path, str] = {}
    for found in (*snapshot.of("predictions"), *snapshot.of("labels")):
        urls[_local(found, open_store=open_store, cache=cache)] = found.url

    def paths(role: Role) -> tuple[Path, ...]:
        return tuple(cache.path(found.sha256) for found in snapshot.of(role))

    return NightFiles(predictions=paths("predictions"), labels=paths("labels"), names=urls)


def reference_files(snapshot: Snapshot, *, open_store: OpenStore, cache: Cache) -> list[Path]:
    """The reference as local files."""
    return [_local(found, open_store=open_store, cache=cache) for found in snapshot.of("reference")]


def _listed(url: str, open_store: OpenStore) -> Sequence[StoredObject]:
    root, prefix = split_url(url)
    try:
        return [found for found in open_store(root).list(prefix) if _is_data(found)]
    except ObjectMissing:
        return []


def _is_data(found: StoredObject) -> bool:
    """Whether it is data: not a folder's marker, nor one of a writer's own files."""
    name = found.key.rsplit("/", 1)[-1]
    return bool(name) and not name.startswith(("_", "."))


def _pin(role: Role, url: str, found: StoredObject, *, open_store: OpenStore, cache: Cache) -> PinnedObject:
    store = open_store(split_url(url)[0])
    exact = store.head(found.key)
    return PinnedObject(
        role=role,
        url=store.url(exact.key),
        version_id=exact.version_id,
        etag=exact.etag,
        size=exact.size,
        sha256=cache.bring(store, exact),
    )


def _local(pinned: PinnedObject, *, open_store: OpenStore, cache: Cache) -> Path:
    path = cache.path(pinned.sha256)
    if not path.exists():
        root, key = split_url(pinned.url)
        exact = StoredObject(key, pinned.size, pinned.etag, pinned.version_id)
        cache.bring(open_store(root), exact, expected_sha256=pinned.sha256)
    return path
