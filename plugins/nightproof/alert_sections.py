"""The section `alerts` of a config: what may page, how often in error, who is told, and what is muted."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from nightproof.clock import QuietHours, Weekly
from nightproof.placeholders import refuse_unknown
from nightproof.sections import Column, Section

_BUDGET = re.compile(r"(\d{1,4})\s+per\s+(\d{1,5})\s+nights?")
_REFERENCE = re.compile(r"baseline|trailing [1-9]\d{0,2} nights|previous version")

Trouble = Literal["performance", "bias", "business", "data", "drift", "blind"]
"""What an incident is about: harm to the model, to a group, or to the business by the team's own metrics; data that is
broken or has moved; or nothing to see."""
Severity = Literal["page", "notice"]


def _budget(value: object) -> object:
    if not isinstance(value, str) or (match := _BUDGET.fullmatch(value.strip())) is None:
        raise ValueError("write the number of false pages you accept, such as '1 per 90 nights'")
    if not 0 < int(match[1]) < int(match[2]):
        raise ValueError("the budget must be more than 0 and less than 1 a night")
    return value.strip()


def _reference(value: object) -> object:
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        raise ValueError("write baseline, trailing 28 nights (or another number) or previous version")
    return value


def _weekly(value: str) -> str:
    if value != "none":
        Weekly.parse(value)
    return value


def _quiet(value: str) -> str:
    QuietHours.parse(value)
    return value


Channel = Annotated[str, Field(pattern=r"^(#[^\s#,]{1,80}|[CGD][A-Z0-9]{7,})$")]
Reference = Annotated[str, BeforeValidator(_reference, json_schema_input_type=str)]
Nights = Annotated[int, Field(strict=True, ge=1, le=90)]


class Slack(Section):
    """Where regressions are told."""

    channel: Channel
    channels: dict[Trouble, Channel] = {}
    """Other channels for some kinds of trouble, such as `bias: "#fairness"`."""
    mention: Annotated[str, Field(pattern=r"^[USW][A-Z0-9]{6,20}$")] | None = None
    """Id of a user or a user group that a page mentions."""
    digest: Annotated[str, AfterValidator(_weekly)] = "monday 08:00 UTC"
    """When the week's digest is posted to each channel, such as `monday 08:00 Europe/Berlin`; or `none`."""

    def channel_of(self, check: Trouble) -> str:
        """Where a kind of trouble is told."""
        return self.channels.get(check, self.channel)

    @property
    def weekly(self) -> Weekly | None:
        """When the digest is due, if there is one."""
        return None if self.digest == "none" else Weekly.parse(self.digest)


class Notifier(Section):
    """A further target: any Airflow notifier."""

    class_: Annotated[str, Field(alias="class", pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
    """Class path, such as `airflow.providers.pagerduty.notifications.pagerduty.PagerdutyNotifier`."""
    arguments: dict[str, Any] = {}
    """Its keyword arguments; texts may hold `{title}`, `{text}`, `{model}`, `{night}`, `{incident}`, `{event}`."""
    severity: Severity = "page"
    """The least severe that it is told of: `page` for pages alone, `notice` for all news."""

    @field_validator("arguments")
    @classmethod
    def _bare_names(cls, value: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown(value)
        return value


class Mute(Section):
    """What is not told until a date: an incident, or whatever is about a check, a metric, a column or a segment."""

    until: date
    """The first day on which it is told again."""
    reason: Annotated[str, Field(min_length=3, max_length=300)]
    """Why; shown wherever the muted thing is."""
    incident: str | None = None
    """An incident's id."""
    check: Trouble | None = None
    metric: str | None = None
    column: Column | None = None
    segment: dict[Column, str] | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Mute:
        if not any((self.incident, self.check, self.metric, self.column, self.segment)):
            raise ValueError("say what is muted: incident, check, metric, column or segment")
        return self

    def is_active(self, day: date) -> bool:
        """Whether it still holds on a day."""
        return day < self.until


class Alerts(Section):
    """Who is told of what, and how often in error."""

    false_alarms: Annotated[str, BeforeValidator(_budget, json_schema_input_type=str)] = "1 per 90 nights"
    """How many false pages of this model are acceptable."""
    pages: tuple[Trouble, ...] = ("performance", "bias", "business", "data", "blind")
    """What may open an incident; `drift` lets a shift of a feature alone page."""
    references: Annotated[tuple[Reference, ...], Field(min_length=1)] = ("baseline", "previous version")
    """What a night is compared with: the fixed baseline, the nights before it, the model's previous version."""
    recover_after: Nights = 3
    """Good nights in a row after which an incident is over."""
    reopen_within: Annotated[int, Field(strict=True, ge=0, le=365)] = 14
    """Nights after its end within which the same trouble opens the same incident again."""
    blind_after: Nights = 7
    """Nights in a row with too little data to tell anything after which that is told, once."""
    severity: dict[Trouble, Severity] = {}
    """How loud each kind of trouble is; `page` for harm and broken data, `notice` for drift and blindness."""
    slack: Slack | None = None
    quiet_hours: Annotated[str, AfterValidator(_quiet)] | None = None
    """When notices wait, such as `22:00-07:00 Europe/Berlin`; pages do not."""
    notifiers: tuple[Notifier, ...] = ()
    mute: tuple[Mute, ...] = ()

    @property
    def false_alarms_per_night(self) -> float:
        """The budget as an expected number of false pages a night, in (0, 1)."""
        match = _BUDGET.fullmatch(self.false_alarms)
        assert match is not None
        return int(match[1]) / int(match[2])

    @property
    def quiet(self) -> QuietHours | None:
        """The hours in which notices wait, if there are any."""
        return None if self.quiet_hours is None else QuietHours.parse(self.quiet_hours)

    def severity_of(self, check: Trouble) -> Severity:
        """How loud a kind of trouble is."""
        return self.severity.get(check, "notice" if check in ("drift", "blind") else "page")
