"""What explains the change: how each column splits it into the mix of rows and rows like before."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.checks.explanation import EXPLAINED, by_chance, sentence
from nightproof.evaluation import Evaluation
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.mix import Explanation, Moved, Part, explain
from nightproof.metrics.partition import METRIC
from nightproof.metrics.slice_harm import LEVEL
from nightproof.profiles import Profile
from nightproof.profiles.spec import Binary, Multiclass
from nightproof.report.block import Block, Chart, Section, Table, Text
from nightproof.report.chart import BASELINE, NIGHT, axis, layout, places, rule
from nightproof.report.table import section_of
from nightproof.words import METRICS, NONE, STATUS, ends, label, markdown, number, percent, plain, segment, signed

SHOWN = 12
"""Columns in the table."""
DRAWN = 8
"""Columns in the picture."""


def section(evaluation: Evaluation, profile: Profile, baseline: Profile) -> Section:
    """The change of the mean loss, split by column; empty where there is nothing to split."""
    found = explain(profile, baseline)
    if isinstance(found, Unknown):
        return Section("explanation", "", ())
    told = [f for f in evaluation.findings if section_of(f) == "explanation"]
    counts = {status: float(sum(f.status == status for f in told)) for status in STATUS}
    lines = [sentence(found)]
    if isinstance(profile.spec.task, Binary | Multiclass):
        wrong = explain(profile, baseline, loss="error_rate")
        lines += [] if isinstance(wrong, Unknown) else [sentence(wrong)]
    parts = _shown(found)
    blocks: list[Block] = [Text(_text(found, lines)), _table(found, parts), _chart(found, parts[:DRAWN])]
    return Section("explanation", "What explains the change", tuple(blocks), counts)


def _text(found: Explanation, lines: Sequence[str]) -> str:
    whole = found.whole
    told = " ".join(f"**{markdown(line, 400)}**" for line in lines)
    how = (
        f"Mean loss {number(found.now.value)} this night, {number(found.then.value)} on the baseline. Each column "
        "splits the same change in two, which add up to it: what came from **the mix**, more or fewer rows in each "
        "of its bins, and what came from **rows like before**, of the same bins, predicted worse or better. "
        "Columns that move together explain the same change, and none of this proves a cause."
    )
    if by_chance(found):
        how += f" The change itself may be chance ({number(whole.low)} to {number(whole.high)})."
    return f"{told}\n\n{how}"


def _shown(found: Explanation) -> list[Part]:
    """Columns that surely explain something first, then single ones, by how much their mix explains."""
    leading = list(found.leading(EXPLAINED))
    others = [part for part in found.parts if len(part.columns) == 1 and part not in leading]
    others.sort(key=lambda part: -abs(part.mix.value))
    return [*leading, *others][:SHOWN]


def _table(found: Explanation, parts: Sequence[Part]) -> Table:
    loss = METRICS[METRIC[found.loss]]
    header = (
        "By column",
        "From the mix\n(95 % interval)",
        "From rows like before\n(95 % interval)",
        f"Together:\n{loss}",
        "Chance?",
        "Where its mix moved the loss most",
    )
    rows = [
        (
            plain(part.name),
            f"{signed(part.mix.value)}{ends(part.mix.interval)}",
            f"{signed(part.worsening.value)}{ends(part.worsening.interval)}",
            signed(found.whole.value),
            "not chance" if part.p_value < LEVEL else "may be chance",
            _moved(part.moved),
        )
        for part in parts
    ]
    whole = f"{signed(found.whole.value)}{ends(found.whole.interval)}"
    return Table(header, (*rows, ("The whole change", "", "", whole, "", f"n = {found.now.n:,} rows")))


def _moved(moved: Moved | None) -> str:
    if moved is None:
        return NONE
    shares = f"{percent(moved.then)} of rows → {percent(moved.now)}"
    return f"{segment(moved.segment)}\n{shares}: {signed(moved.mix)}"


def _chart(found: Explanation, parts: Sequence[Part]) -> Chart:
    drawn = list(parts)[::-1]
    y = list(range(len(drawn)))
    series = (
        ("from the mix of rows", [p.mix.value for p in drawn], BASELINE, "/"),
        ("from rows like before", [p.worsening.value for p in drawn], NIGHT, ""),
    )
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": y,
            "x": [round(value, 4) for value in values],
            "hovertemplate": "%{x:+.4f}",
            "marker": {"color": color, "pattern": {"shape": pattern}},
        }
        for name, values, color, pattern in series
    ]
    whole = rule(round(found.whole.value, 4), f"the whole change: {signed(found.whole.value)}", dash="dash")
    zero = rule(0.0, "", dash="solid")
    loss = METRICS[METRIC[found.loss]]
    height = 190 + 36 * max(len(drawn), 3)
    shape = layout(
        axis(f"Change of the {loss[0].lower() + loss[1:] if loss.startswith('Mean') else loss}"),
        axis("", **places([label(part.name, 32) for part in drawn]), range=[-0.6, len(drawn) - 0.4]),
        barmode="relative",
        bargap=0.35,
        shapes=[whole[0], zero[0]],
        annotations=[whole[1] | {"xanchor": "right" if found.whole.value > 0.0 else "left"}],
        legend={"orientation": "h", "x": 0, "y": -64 / (height - 108), "yanchor": "top"},
        height=height,
    )
    return Chart("The same change, split by each column", data, shape, half=False)
