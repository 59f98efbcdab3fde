"""The end of the report: was the data fit to be judged, and which bytes and versions gave these numbers."""

from __future__ import annotations

from nightproof.evaluation import Evaluation, environment
from nightproof.report.block import Block, Section, Table, Text
from nightproof.snapshot import PinnedObject
from nightproof.validation import Expectation
from nightproof.words import counted, markdown, number, plain, size

_SOURCES = {"contract": "config", "suite": "suite"}


def validation(evaluation: Evaluation) -> Section:
    """Every expectation of the night's data, failed ones first."""
    found = evaluation.validation
    if not found.expectations:
        left_out = found.outcome == "skipped"
        text = "Validation was left out." if left_out else "There was nothing to validate by."
        return Section("validation", "Data validation", (Text(f"○ {text}"),), {})
    failed = len(found.failed())
    kept = len(found.expectations) - failed
    text = (
        f"Checked by {markdown(found.engine)} on {counted(found.rows, 'row')}. "
        f"Expectations that hold: {kept:,} of {len(found.expectations):,}."
    )
    header = ("Expectation", "Column", "From", "Severity", "Rows that failed", "Example keys", "Result")
    rows = tuple(_expected(e) for e in sorted(found.expectations, key=lambda e: e.success))
    counts = {"passed": float(kept), "failed": float(failed)}
    return Section("validation", "Data validation", (Text(text), Table(header, rows)), counts)


def _expected(e: Expectation) -> tuple[str, ...]:
    arguments = ", ".join(f"{plain(k)} {plain(v, 60)}" for k, v in sorted(e.kwargs.items()) if v is not None)
    name = plain(e.type).removeprefix("expect_").replace("_", " ").capitalize()
    rows = ""
    if e.unexpected_count is not None:
        share = f"\n{number(e.unexpected_percent)} %" if e.unexpected_percent else ""
        rows = f"{e.unexpected_count:,}{share}"
    failed = "▲ Failed" if e.severity != "critical" else "✖ Failed"
    observed = f"\n{plain(e.observed, 120)}" if e.observed else ""
    return (
        name + (f"\n{plain(arguments, 120)}" if arguments else ""),
        plain(e.column) if e.column else "",
        _SOURCES[e.source],
        e.severity,
        rows,
        "\n".join(plain(key, 40) for key in e.example_keys),
        ("✔ Holds" if e.success else failed) + observed,
    )


def provenance(evaluation: Evaluation) -> Section:
    """Which exact bytes, by which versions: what anybody needs to get these numbers again."""
    objects = list(evaluation.snapshot.objects)
    if evaluation.baseline is not None:
        known = {found.sha256 for found in objects}
        objects += [found for found in evaluation.baseline.origin if found.sha256 not in known]
    text = f"Evaluation {evaluation.id} read exactly these objects; config {evaluation.config.fingerprint[:16]}."
    header = ("Data", "Size", "Version", "SHA-256", "Object")
    blocks: list[Block] = [Text(text)]
    if objects:
        blocks.append(Table(header, tuple(_object(found) for found in objects)))
    versions = tuple((plain(name), plain(text)) for name, text in environment().items())
    blocks.append(Table(("Software", "Version"), versions))
    if evaluation.verdict.history:
        ids = ", ".join(markdown(name) for name in evaluation.verdict.history[-60:])
        blocks.append(Text(f"Earlier evaluations that the verdict stands on: {ids}."))
    counts = {"objects": float(len(objects)), "bytes": float(sum(found.size for found in objects))}
    return Section("provenance", "Provenance", tuple(blocks), counts)


def _object(found: PinnedObject) -> tuple[str, ...]:
    version = plain(found.version_id or "not versioned")
    return found.role, size(found.size), version, found.sha256, plain(found.url, 300)
