"""Who looks, and at which models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from nightproof.errors import ObjectMissing


@dataclass(frozen=True)
class Viewer:
    """Whoever asked for a page.

    Parameters
    ----------
    name
        As the page greets them.
    readable
        Models that they may read, which in Airflow are DAG ids; ``None`` for all.
    """

    name: str = ""
    readable: frozenset[str] | None = field(default=None)

    def may_read(self, model: str) -> bool:
        """Whether anything of a model may be shown to them."""
        return self.readable is None or model in self.readable

    def check(self, model: str) -> None:
        """Refuse a model that they may not read, as one that is not there is refused.

        Raises
        ------
        ObjectMissing
            In the same words as for a model that there is not.
        """
        if not self.may_read(model):
            raise ObjectMissing(NO_MODEL)


Access = Callable[..., Any]
"""A FastAPI dependency that gives the :class:`Viewer`, or refuses the request."""

NO_MODEL = "There is no such model, or you may not read it."


def everybody() -> Viewer:
    """Access where whoever reaches the server may read everything: a user's own machine."""
    return Viewer()


def guard(access: Access) -> Any:
    """A dependency for the whole application: nothing of it is answered before the viewer is known."""

    def enter(request: Request, viewer: Viewer = Depends(access)) -> None:  # noqa: B008  FastAPI's way
        request.state.viewer = viewer

    return Depends(enter)


def _viewer(request: Request) -> Viewer:
    viewer: Viewer = request.state.viewer
    return viewer


Who = Annotated[Viewer, Depends(_viewer)]
"""The viewer, as a route's argument."""
