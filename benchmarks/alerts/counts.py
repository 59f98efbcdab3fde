"""Drawing nights: the counts of each night's rows by pair of groups, label and score bin.

Rows of a night are independent given the night, so its counts are one multinomial draw. Rows in
clusters are independent given the kind of their cluster: the kinds are drawn first, cluster by
cluster, and then the rows of all clusters of a kind together. Both are exact at row level.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.alerts.model import CELLS, SHAPE, Floats, probabilities
from benchmarks.alerts.streams import CLUSTER, Cluster, Draw, Stream

Counts = npt.NDArray[np.int64]


def draw_counts(stream: Stream, n: int, *, draw: Draw, runs: int) -> Counts:
    """Counts of shape (runs, NIGHTS, *SHAPE); nights have about ``n`` rows."""
    rows, nights = stream.rows(n, draw, runs), stream.nights(draw, runs)
    if stream.clusters is not None:
        return _clustered(rows, stream.clusters, draw)
    return _multinomial(rows, probabilities(nights), draw)


def _multinomial(rows: Counts, cells: Floats, draw: Draw) -> Counts:
    flat = cells.reshape(*cells.shape[: -len(SHAPE)], -1)
    return draw.multinomial(rows, flat / flat.sum(axis=-1, keepdims=True)).reshape(*rows.shape, *SHAPE)


def _clustered(rows: Counts, clusters: Cluster, draw: Draw) -> Counts:
    """Each cluster is of one pair of groups and of one of the kinds."""
    kinds = probabilities(clusters.kinds)
    # Within a kind and a pair of groups; the kinds are equally likely.
    within = kinds / kinds.sum(axis=(-2, -1), keepdims=True)
    each = np.broadcast_to(CELLS / len(kinds), (len(kinds), len(CELLS)))
    whole = draw.multinomial(rows // CLUSTER, each.ravel() / each.sum()).reshape(*rows.shape, *each.shape)
    found = np.zeros((*rows.shape, *SHAPE), dtype=np.int64)
    for kind in range(len(kinds)):
        for pair in range(len(CELLS)):
            cells = within[kind, pair].ravel() / within[kind, pair].sum()
            found[:, :, pair] += draw.multinomial(CLUSTER * whole[:, :, kind, pair], cells).reshape(
                *rows.shape, *SHAPE[1:]
            )
    return found
