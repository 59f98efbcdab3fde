"""The configs of a folder, each read again when its file changes, or what it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from nightproof.catalog import config_paths
from nightproof.config import load_config
from nightproof.dashboard.place import Place
from nightproof.errors import ConfigError
from nightproof.fleet import fleet_path
from nightproof.metric_sections import metrics_folder

_Mark = tuple[int, int, int] | None
"""What changes when a file does; none of one that is not there."""


class Configs:
    """Every model that a folder has a file of; for one thread at a time.

    Parameters
    ----------
    folder
        Of the YAML files.
    found
        Told each results root as soon as the first config names it: a thousand configs take a second to read, and
        the root can be read meanwhile.
    """

    def __init__(self, folder: Path, found: Callable[[str], None] = lambda url: None) -> None:
        self._folder = folder
        self._found = found
        self._known: dict[Path, tuple[object, Place]] = {}

    def places(self) -> Mapping[str, Place]:
        """Where each model lies, as its file says now; a broken one with its faults."""
        beneath = self._beneath()
        known: dict[Path, tuple[object, Place]] = {}
        found: dict[str, Place] = {}
        urls: set[str] = set()
        for path in config_paths(self._folder):
            before, mark = self._known.get(path), (_mark(path), beneath)
            known[path] = before if before and before[0] == mark else (mark, _read(path, before[1] if before else None))
            # A second file of the name, which must be wrong in its ending, does not hide one that can be read.
            if path.stem not in found or found[path.stem].fault:
                found[path.stem] = place = known[path][1]
                if place.results_url and place.results_url not in urls:
                    urls.add(place.results_url)
                    self._found(place.results_url)
        self._known = known
        return found

    def _beneath(self) -> object:
        """The marks of what every config stands on beside its own file: the fleet's, and the team's own metrics."""
        return _mark(fleet_path(self._folder)), tuple(_marks(metrics_folder(self._folder).glob("*.py")))


def _read(path: Path, before: Place | None) -> Place:
    try:
        config = load_config(path)
    except ConfigError as error:
        # Its nights lie where they lay before somebody broke the file.
        return Place(before.results_url if before else "", fault=str(error))
    return Place(config.results_url, config)


def _marks(paths: Iterable[Path]) -> Iterable[tuple[str, _Mark]]:
    return ((path.name, _mark(path)) for path in sorted(paths))


def _mark(path: Path) -> _Mark:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
