"""Data Docs: a validation as one HTML page, drawn by Great Expectations' own renderers.

The page is a function of the record alone. What the record does not hold, values of the data
above all, cannot be on it; and it can be drawn again on any machine, at any time.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from nightproof.expectations.contract import BETWEEN, FINITE, KNOWN_IDS, OF_TYPE, READABLE, SAME_ID_TYPE
from nightproof.expectations.gx import quiet
from nightproof.expectations.suite import SEVERITIES
from nightproof.validation import Expectation, Validation

if TYPE_CHECKING:
    from great_expectations.render.components import RenderedSectionContent

HEADER = ["Held", "Severity", "Expectation", "Observed", "Rows to look up"]
_WORDS = {
    "passed": "Passed",
    "warned": "Passed with warnings",
    "quarantined": "Quarantined",
    "skipped": "Skipped",
}
_OWN_SENTENCES = {
    READABLE: "every object can be read as Parquet",
    SAME_ID_TYPE: "ids are of the same type in predictions and labels",
    KNOWN_IDS: "every label belongs to a prediction of the night",
    OF_TYPE: "values are numbers",
    BETWEEN: "values are finite",
}
# Great Expectations' templates escape some texts and not others, and take a dollar sign for a
# parameter. Texts go through them with these characters in disguise, and come out as entities.
_DISGUISE = {ord(char): chr(0xE000 + place) for place, char in enumerate("<>&\"'$")}
_REVEAL = {ord(disguise): html.escape(chr(char)) for char, disguise in _DISGUISE.items()}


def data_docs(validation: Validation, *, model: str, night: str) -> bytes:
    """Draw a validation.

    Parameters
    ----------
    validation
        The record, as it was stored.
    model, night
        What the page is headed with.

    Returns
    -------
    bytes
        One HTML file in UTF-8. It loads nothing, runs nothing, and reads without a network.
    """
    with quiet():
        from great_expectations.render.components import RenderedDocumentContent

        document = RenderedDocumentContent(
            renderer_type="ValidationResultsPageRenderer",
            page_title=_safe(f"{model}, {night}"),
            sections=_sections(validation.expectations),
        )
        page = _view().render(
            document,
            outcome=validation.outcome,
            outcome_word=_WORDS[validation.outcome],
            headline=_headline(validation),
            facts=_facts(validation),
            failed_count=len(validation.failed()),
            expectation_count=len(validation.expectations),
        )
    return str(page).translate(_REVEAL).encode()


def _safe(text: str) -> str:
    return text.translate(_DISGUISE)


def _safely(value: Any) -> Any:
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, Mapping):
        return {_safe(str(name)): _safely(item) for name, item in value.items()}
    return [_safely(item) for item in value] if isinstance(value, list | tuple) else value


def _headline(validation: Validation) -> str:
    counts = [f"{len(failed)} {each}" for each in SEVERITIES if (failed := validation.failed(each))]
    total = f"{len(validation.expectations)} expectations"
    told = f"{len(validation.failed())} of {total} failed: {', '.join(counts)}." if counts else f"All {total} held."
    return told + (" Nothing was evaluated on this night." if validation.outcome == "quarantined" else "")


def _facts(validation: Validation) -> list[tuple[str, str]]:
    share = f" ({100 * validation.labelled / validation.rows:.3g} %)" if validation.rows else ""
    labelled = f"{validation.labelled:,}{share}"
    return [("Rows", f"{validation.rows:,}"), ("Labelled", labelled), ("Run by", _safe(validation.engine))]


@cache
def _view() -> Any:
    from great_expectations.render.view.view import DefaultJinjaPageView
    from jinja2 import ChoiceLoader, DictLoader

    view = DefaultJinjaPageView()
    frame = resources.files("nightproof.expectations").joinpath("data_docs.html.j2").read_text(encoding="utf-8")
    loaders: list[Any] = [DictLoader({"page.j2": frame}), view.env.loader]
    view.env.loader = ChoiceLoader(loaders)
    return view


def _sections(expectations: Sequence[Expectation]) -> list[RenderedSectionContent]:
    """What failed, the worst first; then everything, the table before its columns."""
    failed = sorted(
        (expectation for expectation in expectations if not expectation.success),
        key=lambda expectation: SEVERITIES.index(expectation.severity),
    )
    by_column: dict[str, list[Expectation]] = {"": []}
    for expectation in expectations:
        by_column.setdefault(expectation.column or "", []).append(expectation)
    return [
        _section("What failed", failed, with_column=True),
        *(_section(column or "The table", found, with_column=False) for column, found in by_column.items() if found),
    ]


def _section(name: str, expectations: Sequence[Expectation], *, with_column: bool) -> RenderedSectionContent:
    from great_expectations.render.components import RenderedSectionContent, RenderedTableContent

    rows = [_row(expectation, with_column=with_column) for expectation in expectations]
    table = RenderedTableContent(table=rows, header_row=HEADER)
    return RenderedSectionContent([table], section_name=_safe(name))


def _row(expectation: Expectation, *, with_column: bool) -> list[Any]:
    drawn = _drawn(expectation, with_column=with_column)
    held, *sentence = drawn[:-1] if drawn else [_icon(expectation)]
    return [
        held,
        _span(expectation.severity, "" if expectation.success else expectation.severity),
        [_own_sentence(expectation)] if _is_own(expectation) or not sentence else sentence,
        _safe(expectation.observed or ""),
        _safe(", ".join(expectation.example_keys)),
    ]


def _drawn(expectation: Expectation, *, with_column: bool) -> list[Any]:
    """Great Expectations' own row for an expectation: status, sentence, observed value."""
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.render.renderer.content_block import validation_results_table_content_block

    column = {"column": expectation.column} if expectation.column else {}
    result = ExpectationValidationResult(
        success=expectation.success,
        expectation_config=ExpectationConfiguration(expectation.type, _safely({**column, **expectation.kwargs})),
        result={},
        exception_info={"raised_exception": False},
    )
    try:
        drawing = validation_results_table_content_block.ValidationResultsTableContentBlockRenderer
        block: Any = drawing.render([result], include_column_name=with_column)
        return list(block.table[0]) if block else []
    except Exception:  # noqa: BLE001  a sentence that cannot be drawn is told in its own words
        return []


def _is_own(expectation: Expectation) -> bool:
    """Whether our sentence says it, or says it better, than what Great Expectations makes of it."""
    if expectation.source == "suite" or (expectation.type == BETWEEN and expectation.kwargs != FINITE):
        return False
    return expectation.type in _OWN_SENTENCES


def _own_sentence(expectation: Expectation) -> str:
    kwargs = json.dumps(expectation.kwargs, ensure_ascii=False) if expectation.kwargs else ""
    told = _OWN_SENTENCES[expectation.type] if _is_own(expectation) else f"{expectation.type} {kwargs}"
    return _safe(f"{expectation.column}: {told}" if expectation.column else told)


def _icon(expectation: Expectation) -> Any:
    return _span("", "fas fa-check-circle" if expectation.success else "fas fa-times")


def _span(text: str, classes: str) -> Any:
    from great_expectations.render.components import RenderedStringTemplateContent

    styling = {"classes": classes.split()}
    return RenderedStringTemplateContent(string_template={"template": text, "params": {}, "styling": styling})
