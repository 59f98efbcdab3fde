"""Pull: list the night's prefixes, pin every object, and bring its bytes to the cache.

After this, "latest" is never read again: whatever happens to the bucket meanwhile, every later
step sees the pinned bytes or says that they are gone. What changes while it is pulled is noticed, and
never mixed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

from nightproof.cache import Cache
from nightproof.config import ModelConfig
from nightproof.errors import ObjectChanged, ObjectMissing, PartitionMissing, StillWritten
from nightproof.lease import Lease
from nightproof.night import Night
from nightproof.night_files import NightFiles
from nightproof.snapshot import PinnedObject, Role, Snapshot
from nightproof.storage import OpenStore, Store, StoredObject, split_url

READERS = 16
"""Objects that are asked for and fetched at a time."""
PAUSES_S = (0.5, 1.0, 2.0)
"""Before each further try to find a night that holds still."""
Listing = Mapping[Role, tuple[str, Sequence[StoredObject]]]
"""Of each role its prefix and what lies there."""


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


def listed(config: ModelConfig, night: Night, open_store: OpenStore) -> dict[Role, Sequence[StoredObject]]:
    """The night's own objects as listings show them, by role: all but the reference, one LIST a prefix."""
    own = {role: url for role, url in places(config, night).items() if role != "reference"}
    return {role: _listed(url, open_store) for role, url in own.items()}


def pull(
    config: ModelConfig, night: Night, *, open_store: OpenStore, cache: Cache, now: datetime | None = None
) -> Snapshot:
    """Pin the night's objects and bring them to the cache.

    Afterwards the prefixes are listed again. If anything was added, replaced or removed meanwhile, all is
    done again from the start, so that a snapshot is what the prefixes held at one instant.

    Parameters
    ----------
    now
        The instant of the listing, which tells whether the night is final; the clock's by default.

    Raises
    ------
    PartitionMissing
        If a prefix has no objects; names every such prefix.
    StillWritten
        If the objects go on changing.
    StoreError
        If object storage fails.
    """
    with cache.lease() as lease:
        for pause_s in (*PAUSES_S, None):
            at = now or datetime.now(UTC)
            listing = _list(config, night, open_store)
            try:
                pinned = _pin_all(listing, open_store=open_store, cache=cache, lease=lease)
                changed = _difference(listing, _list(config, night, open_store))
            except (ObjectChanged, ObjectMissing) as error:
                changed = str(error)
            if not changed:
                break
            if pause_s is None:
                raise StillWritten(
                    f"Night {night} of {config.model} is still being written: {changed} Evaluate it when its writer "
                    "is done; data.wait in the config says how long a night is waited for."
                )
            time.sleep(pause_s)
        cache.trim()
    return Snapshot(
        model=config.model,
        night=str(night),
        objects=tuple(sorted(pinned, key=lambda found: (found.role, found.url))),
        labels="final" if at >= night.end + config.data.matures_after else "provisional",
        listed_at=at.isoformat(timespec="seconds"),
    )


def files_of(snapshot: Snapshot, *, open_store: OpenStore, cache: Cache) -> NightFiles:
    """The night's predictions and labels as local files, fetched again by version where needed.

    They stay in the cache as long as what is returned is kept.
    """
    return _local(snapshot, ("predictions", "labels"), open_store=open_store, cache=cache)


def reference_files(snapshot: Snapshot, *, open_store: OpenStore, cache: Cache) -> NightFiles:
    """The reference as local files, as predictions that carry their labels; as for :func:`files_of`."""
    return _local(snapshot, ("reference",), open_store=open_store, cache=cache)


def bring_pinned(
    pinned: PinnedObject, *, open_store: OpenStore, cache: Cache, lease: Lease, again: bool = False
) -> str:
    """Bring exactly the content that was pinned; gives its SHA-256.

    Parameters
    ----------
    again
        Whether to fetch it even if it is here.

    Raises
    ------
    ObjectChanged, ObjectMissing
        If the store no longer has it.
    """
    root, key = split_url(pinned.url)
    exact = StoredObject(key, pinned.size, pinned.etag, pinned.version_id)
    return cache.bring(open_store(root), exact, expected_sha256=pinned.sha256, lease=lease, again=again)


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


def _list(config: ModelConfig, night: Night, open_store: OpenStore) -> Listing:
    listing = {role: (url, _listed(url, open_store)) for role, url in places(config, night).items()}
    if missing := [url for url, found in listing.values() if not found]:
        raise PartitionMissing(
            f"Night {night} of {config.model} cannot be evaluated: there is no object under "
            f"{' nor under '.join(missing)}. Check that the night was written, and data in the config."
        )
    return listing


def _difference(before: Listing, after: Listing) -> str:
    """What changed between two listings, in words; empty where nothing did."""
    then, now = ({(url, each.key): each for url, found in held.values() for each in found} for held in (before, after))
    moved = sorted(where for where in then.keys() | now.keys() if then.get(where) != now.get(where))
    if not moved:
        return ""
    first = moved[0]
    how = "came" if first not in then else "went" if first not in now else "was replaced"
    more = f" and {len(moved) - 1} more changed" if len(moved) > 1 else ""
    return f"{split_url(first[0])[0].rstrip('/')}/{first[1]} {how}{more} while it was read."


def _pin_all(listing: Listing, *, open_store: OpenStore, cache: Cache, lease: Lease) -> list[PinnedObject]:
    asked = [(role, open_store(split_url(url)[0]), found) for role, (url, all_) in listing.items() for found in all_]
    with ThreadPoolExecutor(READERS) as readers:
        return list(readers.map(lambda each: _pin(*each, cache=cache, lease=lease), asked))


def _pin(role: Role, store: Store, listed: StoredObject, *, cache: Cache, lease: Lease) -> PinnedObject:
    exact = store.head(listed.key)  # a listing does not tell the version
    if (exact.etag, exact.size) != (listed.etag, listed.size):
        raise ObjectChanged(f"{store.url(listed.key)} was replaced while it was read.")
    return PinnedObject(
        role=role,
        url=store.url(exact.key),
        version_id=exact.version_id,
        etag=exact.etag,
        size=exact.size,
        sha256=cache.bring(store, exact, lease=lease),
    )


def _local(snapshot: Snapshot, roles: tuple[Role, ...], *, open_store: OpenStore, cache: Cache) -> NightFiles:
    wanted = [found for role in roles for found in snapshot.of(role)]
    for root in {split_url(found.url)[0] for found in wanted}:
        open_store(root)  # once, before threads ask for it
    lease = cache.lease()
    with ThreadPoolExecutor(READERS) as readers:
        bring = partial(bring_pinned, open_store=open_store, cache=cache, lease=lease)
        list(readers.map(bring, wanted))
    cache.trim()
    paths = {role: tuple(cache.path(found.sha256) for found in snapshot.of(role)) for role in roles}
    return NightFiles(
        predictions=paths[roles[0]],
        labels=paths.get("labels", ()),
        names={cache.path(found.sha256): found.url for found in wanted},
        lease=lease,
    )
