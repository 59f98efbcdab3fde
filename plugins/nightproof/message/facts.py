"""The few facts beside the claim: compared with what, since when and which version, on how many rows."""

from __future__ import annotations

from datetime import date

from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.message.blocks import plain
from nightproof.message.claims import value
from nightproof.verdict import Incident
from nightproof.words import counted


def facts(incident: Incident, evaluation: Evaluation, main: Finding | None) -> list[str]:
    """A few words each, what counts in bold."""
    compared, version = _compared(incident, main), _version(evaluation)
    found = [f"since *{since(incident, evaluation)}*"]
    found += [f"version *{version}*"] if version else []
    found += [f"compared with *{compared}*"] if compared else []
    return [*found, f"*{_rows(evaluation, main)}*"]


def since(incident: Incident, evaluation: Evaluation) -> str:
    """From which night on the harm is seen, and for how long."""
    night, first = evaluation.night.date, incident.since or incident.opened
    nights = (night - date.fromisoformat(first)).days + 1
    said = "tonight" if nights <= 1 else f"{first}, for {counted(nights, 'night')}"
    return said if incident.opened in (first, str(night)) else f"{said}, told on {incident.opened}"


def lasted(incident: Incident, night: date) -> str:
    """How long an incident was open that is over."""
    end = incident.ended or str(night)
    nights = (date.fromisoformat(end) - date.fromisoformat(incident.opened)).days
    return f"opened on {incident.opened}, over on {end}: {counted(max(nights, 1), 'night')}"


def labels_state(evaluation: Evaluation) -> str:
    """Whether labels may still come, and until when."""
    if evaluation.snapshot.labels == "final":
        return "The night is final"
    until = evaluation.night.end + evaluation.config.data.matures_after
    return f"The night is provisional: labels may come until {until:%Y-%m-%d %H:%M} UTC"


def _compared(incident: Incident, main: Finding | None) -> str:
    if main is None:
        return ""
    reference = plain(main.reference if main.reference != "baseline" else incident.reference, 60)
    # A finding knows the value on the baseline only; what else it is compared with is said by name.
    return f"{reference} {value(main, main.baseline)}" if reference == "baseline" and main.baseline else reference


def _rows(evaluation: Evaluation, main: Finding | None) -> str:
    if main is not None:
        nights = "" if main.window == 1 else f" through {main.window} nights"
        return f"n = {main.n:,}{nights}"
    if evaluation.profile is None:
        return counted(evaluation.validation.rows, "row")
    rows, labelled = evaluation.profile.size()
    return f"{counted(rows, 'row')}, {labelled:,} labelled"


def _version(evaluation: Evaluation) -> str:
    versions = list(evaluation.profile.versions()) if evaluation.profile is not None else []
    more = f" and {len(versions) - 1} more" if len(versions) > 1 else ""
    return f"{plain(versions[0], 60)}{more}" if versions else ""
