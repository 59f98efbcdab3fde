"""Kept: the last thing made for each name, and made anew when what it was made of has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """What is costly to make and seldom changes; safe between threads, of which two may make the same.

    Parameters
    ----------
    most
        Names that are kept; beyond them all are forgotten, and it begins anew.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[str, tuple[tuple[object, ...], T]] = {}

    def get(self, name: str, made_of: tuple[object, ...], make: Callable[[], T]) -> T:
        """The thing of a name.

        Parameters
        ----------
        name
            Whose it is.
        made_of
            All that it depends on.
        make
            Makes it.
        """
        known = self._known.get(name)
        if known is not None and known[0] == made_of:
            return known[1]
        if len(self._known) >= self._most:
            self._known.clear()
        made = make()
        self._known[name] = (made_of, made)
        return made
