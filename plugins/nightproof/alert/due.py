"""Due nights: those that somebody asked to be told of, and that are not told in full.

Not every verdict of the log is to be told: a backfill and an `evaluate --no-alert` wake nobody. So
the alert of a night first leaves a note that the night is due, beside the verdict's evaluation and
the pages that its messages lead to. Whatever happens to that process then, the note stays until
all that the verdict says has been told, and whoever delivers next goes on from it.
"""

from __future__ import annotations

from nightproof.alert.claims import JSON, utc_now
from nightproof.errors import ObjectExists
from nightproof.message import Links
from nightproof.record import Record
from nightproof.results import ModelResults

MOST_NIGHTS = 30
"""Nights of a model that are looked at; what could not be told for longer is told by nobody."""


class Due(Record):
    """A night that is to be told."""

    night: str
    evaluation_id: str
    asked_at: str
    """UTC instant, ISO 8601."""
    location: str
    """The evaluation's folder."""
    report: str | None = None
    data_docs: str | None = None
    run: str | None = None
    dashboard: str | None = None

    @classmethod
    def ask(cls, night: str, evaluation_id: str, links: Links) -> Due:
        """The note of a night whose messages lead to those pages."""
        return cls(
            night=night,
            evaluation_id=evaluation_id,
            asked_at=utc_now(),
            location=links.location,
            report=links.report,
            data_docs=links.data_docs,
            run=links.run,
            dashboard=links.dashboard,
        )

    @property
    def links(self) -> Links:
        """Where the reader of its messages can look."""
        return Links(
            location=self.location,
            report=self.report,
            data_docs=self.data_docs,
            run=self.run,
            dashboard=self.dashboard,
        )

    @property
    def name(self) -> str:
        """What it is called among the model's due nights."""
        return f"{self.night}-{self.evaluation_id}"


class DueNights:
    """A model's due nights, in its results.

    Parameters
    ----------
    results
        The model's.
    """

    def __init__(self, results: ModelResults) -> None:
        self._store = results.store
        self._folder = f"{results.folder}alerts/due/"

    def add(self, due: Due) -> None:
        """Leave the note; a night that was asked for before stays as it was."""
        self._create(f"{due.name}.json", due)

    def done(self, due: Due) -> None:
        """Say that all of a night has been told, or will never be."""
        self._create(f"{due.name}.done.json", due)

    def open(self) -> list[Due]:
        """Those that are not done, nights rising: of each night the evaluation that was asked for last."""
        latest: dict[str, Due] = {}
        for due in self.waiting():
            if superseded := latest.get(due.night):
                self.done(superseded)
            latest[due.night] = due
        return list(latest.values())

    def waiting(self) -> list[Due]:
        """Those that are not done, by night and by when they were asked for; changes nothing."""
        names = {found.key.removeprefix(self._folder) for found in self._store.list(self._folder)}
        waiting = [name for name in names if not name.endswith(".done.json")]
        waiting = [name for name in waiting if f"{name.removesuffix('.json')}.done.json" not in names]
        found = [self._read(name) for name in sorted(waiting)[-MOST_NIGHTS:]]
        return sorted(found, key=lambda due: (due.night, due.asked_at))

    def _read(self, name: str) -> Due:
        key = self._folder + name
        return Due.from_bytes(self._store.read(key), name=self._store.url(key))

    def _create(self, name: str, due: Due) -> None:
        try:
            self._store.create(self._folder + name, due.to_bytes(), content_type=JSON)
        except ObjectExists:
            return
