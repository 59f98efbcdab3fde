"""A night: one UTC day of a model's predictions, and when its labels are due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from nightproof.errors import NightError


@dataclass(frozen=True, order=True)
class Night:
    """The half-open interval ``[date 00:00, date + 1 day 00:00)`` in UTC.

    Parameters
    ----------
    date
        The UTC day whose predictions are evaluated.
    label_delay
        How long after the day's end its labels may still arrive.

    Examples
    --------
    >>> night = Night.parse("2013-12-14", timedelta(days=1))
    >>> str(night), night.end.isoformat(), night.matures_at.isoformat()
    ('2013-12-14', '2013-12-15T00:00:00+00:00', '2013-12-16T00:00:00+00:00')
    """

    date: date
    label_delay: timedelta = timedelta(0)

    @classmethod
    def parse(cls, text: str, label_delay: timedelta = timedelta(0)) -> Night:
        """Read a night from ``YYYY-MM-DD`` text.

        Raises
        ------
        NightError
            If the text is not a calendar date in that form.
        """
        try:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError as error:
            raise NightError(
                f"{text!r} is not a night: write the UTC day as YYYY-MM-DD, for example 2013-12-14."
            ) from error
        return cls(day, label_delay)

    @property
    def start(self) -> datetime:
        """First instant of the night."""
        return datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """First instant after the night."""
        return self.start + timedelta(days=1)

    @property
    def matures_at(self) -> datetime:
        """When the night's labels are due in full."""
        return self.end + self.label_delay

    def place(self, template: str) -> str:
        """Fill a ``strftime`` template with this night's date."""
        return self.start.strftime(template)

    def before(self, nights: int) -> Night:
        """The night that many nights earlier."""
        return Night(self.date - timedelta(days=nights), self.label_delay)

    def __str__(self) -> str:
        return self.date.isoformat()


def nights_between(first: Night, last: Night) -> Iterator[Night]:
    """Every night from ``first`` to ``last``, both included, in order.

    Raises
    ------
    NightError
        If ``last`` is earlier than ``first``.
    """
    if last.date < first.date:
        raise NightError(f"The last night, {last}, is earlier than the first, {first}.")
    for offset in range((last.date - first.date).days + 1):
        yield Night(first.date + timedelta(days=offset), first.label_delay)
