"""The slices page: where the model got worse, by how much of its harm comes from there, and which rows explain it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from nightproof.checks.finding import Finding
from nightproof.dashboard.archive import Archive
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.night_shown import NightShown, findings_of, shown, without
from nightproof.dashboard.past_nights import PastNights
from nightproof.errors import NightError, ObjectMissing

FOUND = "slice_loss"
"""The metric of a slice that was found by search."""
WINDOWS = (1, 7, 28)
MOST_CONFIGURED = 40
_ORDER = ("regression", "watch", "insufficient_data", "ok")


class Slice(View):
    """A slice that was found by search."""

    finding: Finding
    share: float | None
    """Of the labelled rows."""
    adds: float | None
    """What it adds to the model's mean loss: its share times the rise of its loss."""
    is_sure: bool
    """Whether chance among all the slices that were looked at does not explain it."""
    certainty: str
    """The same in words, with the adjusted p-value."""


class Part(View):
    """One column's explanation of the change: the mix of its rows, and rows like before predicted worse."""

    column: str
    mix: Finding | None
    worsening: Finding | None


class SlicesView(View):
    """The slices page."""

    model: str
    shown: NightShown
    window: int
    windows: tuple[int, ...]
    nights: tuple[str, ...]
    """Nights that are merged."""
    found: tuple[Slice, ...]
    """By what each adds to the model's loss, the most harmful first."""
    configured: tuple[Finding, ...]
    """Slices that the config names, the worst first; 40 at most."""
    configured_count: int
    """How many there are."""
    change: Finding | None
    """The change of the mean loss as a whole."""
    parts: tuple[Part, ...]
    is_computed: bool
    """Whether it was computed for this page: the record has slices of single nights alone."""
    without: str
    """Why there is nothing to show, in a sentence; empty where there is."""


def slices_view(past: PastNights, archive: Archive, *, night: str, window: str) -> SlicesView:
    """The slices of a night, or of a window that ends with it.

    Raises
    ------
    ObjectMissing
        If there is no such night or window.
    NightError
        If the window's nights cannot be merged.
    """
    length = _window(window)
    found_night, every = findings_of(archive, shown(past, night))
    nights: tuple[str, ...] = (found_night.night,)
    is_computed = length > 1 and not found_night.without
    if is_computed:
        nights, every = _merged(past, archive, found_night, length)
    found = [f for f in every if f.check == "performance" and f.window == 1 and f.reference == "baseline"]
    change = next((f for f in found if f.metric == "change"), None)
    labelled = change.n if change else found_night.labelled if length == 1 else None
    slices = [_slice(f, labelled) for f in found if f.metric == FOUND]
    configured = [f for f in found if f.segment and f.metric != FOUND]
    return SlicesView(
        model=past.row.model,
        shown=found_night,
        window=length,
        windows=WINDOWS,
        nights=nights,
        found=tuple(sorted(slices, key=lambda s: (not s.is_sure, -(s.adds or 0.0)))),
        configured=tuple(
            sorted(configured, key=lambda f: (_ORDER.index(f.status), f.tolerance is None, -abs(f.delta or 0.0)))
        )[:MOST_CONFIGURED],
        configured_count=len(configured),
        change=change,
        parts=tuple(_parts(found)),
        is_computed=is_computed,
        without=found_night.without or _nothing(past, found),
    )


def _window(text: str) -> int:
    if not text:
        return 1
    found = next((window for window in WINDOWS if str(window) == text), None)
    if found is None:
        raise ObjectMissing(f"There is no window of {text[:20]!r} nights: there are {', '.join(map(str, WINDOWS))}.")
    return found


def _merged(
    past: PastNights, archive: Archive, night: NightShown, length: int
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """The checks of a night on the profile of several: nights of the same baseline that were not quarantined."""
    first = (date.fromisoformat(night.night) - timedelta(days=length - 1)).isoformat()
    own = archive.baseline_of(night.night, night.evaluation_id)
    lines = [line for line in past.lines(first, night.night) if not without(line)]
    lines = [line for line in lines if archive.baseline_of(line.night, line.evaluation_id) == own]
    ids = tuple(line.evaluation_id for line in lines)

    def compute() -> tuple[tuple[str, ...], tuple[Finding, ...]]:
        from nightproof.checks.performance_family import check_performance_family
        from nightproof.dashboard.compare_pages.side_by_side import merged_nights

        config = archive.config(night.night, night.evaluation_id)
        if config is None:
            raise NightError(f"This version can no longer read the config of the night {night.night}.")
        profile, baseline, kept = merged_nights(archive, lines)
        found = check_performance_family(profile, baseline.profile, config, window=1)
        return tuple(line.night for line in kept), tuple(found)

    return archive.remembered(("slices", ids), compute)


def _slice(finding: Finding, labelled: int | None) -> Slice:
    share = finding.n / labelled if labelled else None
    adds = share * finding.delta if share is not None and finding.delta is not None else None
    told = finding.reason.rpartition("; ")[2].rstrip(".")
    return Slice(finding=finding, share=share, adds=adds, is_sure=finding.status != "ok", certainty=told)


def _parts(found: Sequence[Finding]) -> list[Part]:
    mixes = {f.column or "": f for f in found if f.metric == "change_by_mix"}
    rests = {f.column or "": f for f in found if f.metric == "change_by_worsening"}
    parts = [Part(column=name, mix=mixes.get(name), worsening=rests.get(name)) for name in {**mixes, **rests}]
    return sorted(parts, key=lambda part: -abs(part.mix.value or 0.0) if part.mix else 0.0)


def _nothing(past: PastNights, found: Sequence[Finding]) -> str:
    if past.row.task == "ranking":
        return "This model ranks candidates: a ranking has no loss of single rows, so it is not searched for slices."
    if not any(f.segment or f.metric == "change" for f in found):
        return (
            "Nothing could be looked at by slice: it takes labelled rows, and features or columns.slices in the config."
        )
    return ""
