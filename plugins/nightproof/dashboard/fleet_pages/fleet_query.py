"""What is asked of the fleet's page: the state of its address, so that a link shows what it showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nightproof.dashboard.standing import Standing

Sort = Literal["standing", "name", "night", "change"]
PER = 100
MOST = 1000


class FleetQuery(BaseModel):
    """What was asked for."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    q: Annotated[str, Field(max_length=200)] = ""
    """Words that a model's name, description, owner and tags must have, all of them."""
    owner: Annotated[str, Field(max_length=200)] = ""
    """Of this owner alone."""
    standing: Standing | Literal[""] = ""
    """Standing so alone."""
    tag: Annotated[str, Field(max_length=200)] = ""
    """With this tag alone."""
    sort: Sort = "standing"
    """`standing`: the worst first; `name`; `night`: the oldest last night first; `change`: by how much the primary
    metric of the last night is worse than the baseline, in units of its tolerance."""
    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Which page; beyond the last one, the last."""
    per: Annotated[int, Field(ge=1, le=MOST)] = PER
    """Models a page."""

    @property
    def is_narrowed(self) -> bool:
        """Whether some models may be left out."""
        return bool(self.q.strip() or self.owner or self.standing or self.tag)

    def link(self, **changes: object) -> str:
        """The query of an address that asks the same but for some things; empty where all is as by default.

        A change of anything but the page begins with the first one.
        """
        wanted = self.model_copy(update={"page": 1, **changes})
        told = {
            name: getattr(wanted, name)
            for name, about in type(self).model_fields.items()
            if getattr(wanted, name) != about.default
        }
        return f"?{urlencode(told)}" if told else ""


def asked_of(given: Mapping[str, str]) -> tuple[FleetQuery, tuple[str, ...]]:
    """What an address asks for, and what of it makes no sense and is left out.

    Parameters
    ----------
    given
        Its query.

    Returns
    -------
    tuple
        The query, and a clause for each part of the address that was not understood.
    """
    known = {name: value for name, value in given.items() if name in FleetQuery.model_fields}
    try:
        return FleetQuery.model_validate(known), ()
    except ValidationError as error:
        wrong = {str(fault["loc"][0]) for fault in error.errors(include_url=False)}
    said = tuple(f"{name} = {known[name]!r}{_allowed(name)}" for name in FleetQuery.model_fields if name in wrong)
    return FleetQuery.model_validate({k: v for k, v in known.items() if k not in wrong}), said


def _allowed(name: str) -> str:
    choices = {"standing": get_args(Standing), "sort": get_args(Sort)}.get(name)
    if choices:
        return f" (one of {', '.join(choices)})"
    return {"per": f" (1 to {MOST})", "page": " (a number from 1 on)"}.get(name, " (too long)")
