"""Nightproof: nightly proof that every deployed model is still as good as you said.

Read :mod:`nightproof.pipeline` first: it tells the whole story in one page.
"""

__version__ = "0.1.0"
