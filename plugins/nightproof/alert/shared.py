"""A cause that models share: one message to the owner of the source whose columns are broken.

Each model whose incident begins with a fault in a source's columns puts its name down, once a
night. When a second one does, the source's owner is told, once; later ones join in the thread. A
model whose owner upstream is told need not wake its own people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nightproof.alert.claims import JSON, Claims, Receipt
from nightproof.alert.client import Sender
from nightproof.alert.post import Post, Where, Write
from nightproof.errors import AlertError, ObjectExists
from nightproof.fleet import Upstream
from nightproof.message import Message, compose_shared
from nightproof.record import Record
from nightproof.storage import Store
from nightproof.verdict import Incident

MOST_NIGHTS = 30
SEVERAL = 2
"""Models that make a cause a shared one."""


class Affected(Record):
    """One model's word that a source's columns broke it."""

    model: str
    incident: str
    columns: tuple[str, ...]
    fault: str
    """What is wrong, a clause."""
    report: str | None
    """Where to look."""


@dataclass(frozen=True)
class Fault:
    """A source's fault on one night."""

    source: str
    night: str


class SharedFaults:
    """The faults of all sources, in the results of the fleet.

    Parameters
    ----------
    store, folder
        Where they lie; a key prefix that ends in a slash.
    sources
        The fleet's, by name.
    sender
        Slack.
    """

    def __init__(self, store: Store, folder: str, *, sources: Mapping[str, Upstream], sender: Sender) -> None:
        self._store = store
        self._folder = f"{folder}sources/"
        self._sources = sources
        self._sender = sender

    def source_of(self, incident: Incident) -> str | None:
        """The source whose columns are an incident's first cause, if one source has them all."""
        first = incident.causes[0] if incident.causes else None
        if first is None or first.kind != "data_fault" or not first.columns:
            return None
        found = [name for name, source in self._sources.items() if set(first.columns) <= set(source.columns)]
        return found[0] if found else None

    def join(self, model: str, incident: Incident, night: str, *, report: str | None = None) -> str | None:
        """Put a model's name down and tell the owner, once there are several.

        Parameters
        ----------
        model, incident, night
            Who was broken, and how.
        report
            Where its readers look.

        Returns
        -------
        str or None
            The line that the model's own message then says; ``None`` where it is alone.

        Raises
        ------
        AlertError
            If Slack did not take the owner's message.
        """
        name = self.source_of(incident)
        if name is None:
            return None
        first = incident.causes[0]
        affected = Affected(model=model, incident=incident.id, columns=first.columns, fault=first.text, report=report)
        fault = Fault(name, night)
        self._create(f"{self._of(fault)}models/{model}.json", affected)
        if len(self.models(fault)) < SEVERAL:
            return None
        self.tell(fault)
        source = self._sources[name]
        return f"The owner of {name} ({source.owner}) was told in {source.channel}."

    def models(self, fault: Fault) -> list[Affected]:
        """Who is affected so far, by name."""
        keys = [found.key for found in self._store.list(f"{self._of(fault)}models/")]
        return [Affected.from_bytes(self._store.read(key), name=self._store.url(key)) for key in keys]

    def tell(self, fault: Fault) -> list[Receipt]:
        """Tell the owner of all who are affected; gives the receipts of what this call sent."""
        source, models = self._sources[fault.source], self.models(fault)
        names = [found.model for found in models]
        # Whom the first message names is settled by whoever sends it.
        where = Where(source.channel, night=fault.night, covers=tuple(f"joined-{name}" for name in names))
        message = compose_shared(
            fault.source,
            source.owner,
            fault.night,
            list(dict.fromkeys(column for found in models for column in found.columns)),
            names,
            faults=_faults(models),
            links={found.model: found.report for found in models if found.report},
        )
        sent = self._post(fault, "opened", where).deliver(lambda _: message)
        first = Claims(self._store, f"{self._of(fault)}opened").receipt()
        assert first is not None, "it was just delivered, by this call or another"
        later = [name for name in names if f"joined-{name}" not in first.covers]
        reply = Where(source.channel, thread=first, night=fault.night)
        joined = [self._post(fault, f"joined-{name}", reply).deliver(_joins(name)) for name in later]
        self._create(f"{self._of(fault)}told-{len(models)}.json", models[-1])
        return [receipt for receipt in (sent, *joined) if receipt is not None]

    def tell_all(self) -> tuple[list[Receipt], list[AlertError]]:
        """Tell what is still to be told of all faults; gives the receipts, and what failed."""
        sent: list[Receipt] = []
        failed: list[AlertError] = []
        for fault in self._open():
            try:
                sent += self.tell(fault)
            except AlertError as error:
                failed.append(error)
        return sent, failed

    def _open(self) -> list[Fault]:
        """Faults of the last nights that several models share and that are not told in full."""
        found: dict[Fault, set[str]] = {}
        for stored in self._store.list(self._folder):
            source, night, *rest = stored.key.removeprefix(self._folder).split("/")
            if source in self._sources:
                found.setdefault(Fault(source, night), set()).add("/".join(rest))
        recent = sorted(found, key=lambda fault: (fault.night, fault.source))[-MOST_NIGHTS:]
        return [fault for fault in recent if _is_left(found[fault])]

    def _of(self, fault: Fault) -> str:
        return f"{self._folder}{fault.source}/{fault.night}/"

    def _post(self, fault: Fault, name: str, where: Where) -> Post:
        return Post(self._store, f"{self._of(fault)}{name}", sender=self._sender, where=where)

    def _create(self, key: str, record: Record) -> None:
        try:
            self._store.create(key, record.to_bytes(), content_type=JSON)
        except ObjectExists:
            return


def _is_left(names: set[str]) -> bool:
    affected = sum(name.startswith("models/") for name in names)
    return affected >= SEVERAL and f"told-{affected}.json" not in names


def _faults(models: Sequence[Affected]) -> dict[str, str]:
    """What is wrong with a column, where somebody's cause begins with its name."""
    return {
        found.columns[0]: found.fault.removeprefix(found.columns[0]).strip()
        for found in models
        if found.fault.startswith(f"{found.columns[0]} ")
    }


def _joins(model: str) -> Write:
    text = f"{model} is affected too."
    return lambda _: Message(text=text, blocks=[{"type": "section", "text": {"type": "plain_text", "text": text}}])
