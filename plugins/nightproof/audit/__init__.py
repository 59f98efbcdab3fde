"""The audit pack: a period of a model's record as one bundle that needs neither Nightproof nor the data.

``period`` reads the record, ``incidents``, ``changes`` and ``tables`` tell it, ``page`` and ``card`` draw it, and
``bundle`` packs it, the same bytes for the same record and range.
"""

from __future__ import annotations

from nightproof.audit.pack import Pack, make_pack

__all__ = ["Pack", "make_pack"]
