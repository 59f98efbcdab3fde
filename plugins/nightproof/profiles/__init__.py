"""Profiles: a night's rows as additive integer facts, a few hundred kB whatever the rows."""

from nightproof.profiles.addition import merge
from nightproof.profiles.collect import collect
from nightproof.profiles.profile import Profile
from nightproof.profiles.spec import ProfileSpec

__all__ = ["Profile", "ProfileSpec", "collect", "merge"]
