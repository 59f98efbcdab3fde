"""The sections as an Evidently report: its metrics, its tests and its widgets.

The one file that stands on Evidently, some of it private to Evidently, which is why the version is
pinned. The dataset that the report runs on is the long table of findings, and its reference is the
same table with the baseline's values; what is drawn rides along on the report.

Evidently's own comparisons with ``Reference()`` look at point estimates, which would contradict a
verdict that counts intervals and a budget of false alarms. So each finding that is held against a
tolerance becomes a test result of Evidently's with the finding's status.
"""

# Evidently carries no types; it is imported here and nowhere else.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from evidently.core.datasets import DataDefinition, Dataset
from evidently.core.metric_types import (
    ByLabelCalculation,
    ByLabelMetric,
    ByLabelValue,
    MetricTestResult,
)
from evidently.core.report import Context, Report, Snapshot
from evidently.legacy.metric_results import HistogramData
from evidently.legacy.model.widget import BaseWidgetInfo, Insight
from evidently.legacy.options import ColorOptions
from evidently.legacy.renderers.html_widgets import (
    CounterData,
    GraphData,
    TabData,
    WidgetSize,
    counter,
    get_histogram_figure,
    group_widget,
    plotly_graph,
    table_data,
    text_widget,
    widget_tabs,
)
from evidently.legacy.tests.base_test import TestStatus
from evidently.legacy.utils import NumpyEncoder

from nightproof.evaluation import Evaluation
from nightproof.report.block import Block, Chart, Counters, Histogram, Section, Table, Tabs, Text
from nightproof.report.chart import BASELINE, NIGHT, axis, layout, places
from nightproof.report.table import COUNT, Key, Row, rows, tested
from nightproof.words import nights

_RESULTS = {
    "ok": TestStatus.SUCCESS,
    "watch": TestStatus.WARNING,
    "regression": TestStatus.FAIL,
    "insufficient_data": TestStatus.SKIPPED,
}
_BOXES = {"regression": "fail", "watch": "warning", "insufficient_data": "unknown", "ok": "success"}
_TOTALS = {
    "regression": "✖ regressed or failed",
    "watch": "▲ to watch",
    "insufficient_data": "○ too little data",
    "ok": "✔ within tolerance",
}
_NAMES = uuid.UUID("6d9a4a0e-7d0c-5c06-9f0a-5f6d3e6c1c11")


class NightMetric(ByLabelMetric):  # type: ignore[misc]
    """One metric of a night by column, group or slice.

    Its parameters say what is measured and never a value, so that its id is the same every night.
    """

    section: str
    name: str
    window: int
    by: str


class NightCalculation(ByLabelCalculation[NightMetric]):  # type: ignore[misc]
    """Reads the values and what was judged of them from the table."""

    def calculate(
        self, context: Context, current_data: Dataset, reference_data: Dataset
    ) -> tuple[ByLabelValue, ByLabelValue]:
        """Values of the night and of the baseline, test results, and the section's drawing."""
        key = Key(self.metric.section, self.metric.name, self.metric.window, self.metric.by)
        found = self._rows(current_data, key)
        current = self.result(_values(found))
        current.set_tests([self._test(row) for row in found.itertuples() if row.status])
        current.widget = context.configuration.drawn.get(key, [])
        return current, self.result(_values(self._rows(reference_data, key)))

    @staticmethod
    def _rows(data: Dataset, key: Key) -> pd.DataFrame:
        frame: pd.DataFrame = data.as_dataframe()
        return frame[frame["key"] == repr(key)]

    def _test(self, row: Any) -> MetricTestResult:
        return MetricTestResult(
            id=f"{self.id}:{row.label}",
            name=row.title,
            description=row.reason,
            metric_config=self.to_metric_config(),
            test_config={},
            status=_RESULTS[row.status],
        )

    def display_name(self) -> str:
        """The metric in words."""
        by = f" by {self.metric.by}" if self.metric.by else ""
        return f"{self.metric.section}: {self.metric.name}{by}, {nights(self.metric.window)}"


def _values(rows: pd.DataFrame) -> dict[str, float]:
    told = rows[rows["value"].notna()]
    return dict(zip(told["label"].tolist(), told["value"].tolist(), strict=True))


class NightReport(Report):  # type: ignore[misc]
    """A report that carries its drawings."""

    def __init__(self, keys: Iterable[Key], drawn: dict[Key, list[BaseWidgetInfo]]) -> None:
        self.drawn = drawn
        super().__init__([NightMetric(**key._asdict()) for key in keys])


class Drawing:
    """One evaluation drawn by Evidently."""

    def __init__(self, evaluation: Evaluation, sections: Sequence[Section]) -> None:
        table = rows(evaluation, sections)
        drawn = {Key(section.key, COUNT): [_section(section)] for section in sections}
        snapshot = NightReport(dict.fromkeys(row.key for row in table), drawn).run(
            *_datasets(table),
            timestamp=evaluation.night.end,
            name=f"{evaluation.config.model} {evaluation.night}",
            metadata=_metadata(evaluation),
            tags=[evaluation.config.model, evaluation.verdict.status],
        )
        snapshot._tests_widgets = _tests(tested(evaluation))
        _rename([*snapshot._widgets, *snapshot._tests_widgets], evaluation.id)
        self._snapshot: Snapshot = snapshot

    def json(self) -> bytes:
        """Evidently's snapshot; the same evaluation gives the same bytes."""
        text = json.dumps(self._snapshot.dump_dict(), cls=NumpyEncoder, ensure_ascii=False, allow_nan=False)
        return text.encode()

    def widgets(self) -> list[dict[str, Any]]:
        """What Evidently's page draws, as plain data."""
        drawn = [widget.dict() for widget in (*self._snapshot._widgets, *self._snapshot._tests_widgets)]
        plain_data: list[dict[str, Any]] = json.loads(json.dumps(drawn, cls=NumpyEncoder, allow_nan=False))
        return plain_data


def _datasets(table: Sequence[Row]) -> tuple[Dataset, Dataset]:
    """The table, and the same with the baseline's values."""
    frame = pd.DataFrame(table, columns=list(Row._fields)).astype({"value": float, "baseline": float})
    frame["key"] = [repr(row.key) for row in table]
    definition = DataDefinition(numerical_columns=["value", "baseline"], categorical_columns=["key", "label", "status"])
    with np.errstate(invalid="ignore"):  # Evidently divides by the count of values, even of none
        current, known = (
            Dataset.from_pandas(data, data_definition=definition)
            for data in (frame, frame.assign(value=frame["baseline"]))
        )
    return current, known


def _metadata(evaluation: Evaluation) -> dict[str, str]:
    baseline = evaluation.baseline.id if evaluation.baseline else ""
    return {
        "model_id": evaluation.config.model,
        "reference_id": baseline,
        "evaluation_id": evaluation.id,
        "night": str(evaluation.night),
        "status": evaluation.verdict.status,
    }


def _section(section: Section) -> BaseWidgetInfo:
    return group_widget(title=section.title, widgets=[_widget(block) for block in section.blocks])


def _widget(block: Block) -> BaseWidgetInfo:
    match block:
        case Text():
            return _text(block)
        case Counters():
            return counter(counters=[CounterData(name, value) for value, name in block.values])
        case Table():
            return table_data(title=block.title, column_names=list(block.header), data=block.rows)
        case Chart():
            size = WidgetSize.HALF if block.half else WidgetSize.FULL
            return plotly_graph(graph_data=GraphData(block.title, block.data, block.layout), size=size)
        case Histogram():
            return _histogram(block)
        case Tabs():
            tabs = [(name, group_widget(title="", widgets=[_widget(b) for b in inner])) for name, inner in block.tabs]
            return widget_tabs(tabs=[TabData(name, widget) for name, widget in tabs])


def _text(block: Text) -> BaseWidgetInfo:
    widget = text_widget(text=block.markdown)
    widget.insights = [Insight(title=a.title, severity=a.severity, text=a.text) for a in block.alerts]
    return widget


def _histogram(block: Histogram) -> BaseWidgetInfo:
    x = pd.Series(range(len(block.bins)))
    figure = get_histogram_figure(
        primary_hist=HistogramData(name="this night", x=x, count=pd.Series(block.night)),
        secondary_hist=HistogramData(name="baseline", x=x, count=pd.Series(block.baseline)),
        color_options=ColorOptions(primary_color=NIGHT, secondary_color=BASELINE),
    )
    drawn = json.loads(json.dumps(figure.to_plotly_json(), cls=NumpyEncoder))
    for trace in drawn["data"]:
        trace |= {"hovertext": list(block.bins), "hovertemplate": "%{hovertext}<br>%{y:.1%}"}
    ticks = places(block.bins) | {"tickangle": -45, "tickfont": {"size": 11}}
    shape = layout(axis(block.axis, **ticks), axis("Share of rows", tickformat=".0%", rangemode="tozero"))
    return plotly_graph(graph_data=GraphData(block.title, drawn["data"], shape), size=WidgetSize.HALF)


def _tests(table: Iterable[Row]) -> list[BaseWidgetInfo]:
    found = [row for row in table if row.status]
    if not found:
        return []
    counts = {name: sum(row.status == status for row in found) for status, name in _TOTALS.items()}
    totals = counter(counters=[CounterData(name, f"{count:,}") for name, count in counts.items()])
    totals.params["v2_test"] = True  # Evidently's page keeps such widgets under its Tests tab
    tests = [
        {"title": row.title, "description": row.reason, "state": _BOXES[row.status], "groups": {}} for row in found
    ]
    suite = BaseWidgetInfo(title="", size=2, type="test_suite", params={"v2_test": True, "tests": tests})
    return [totals, suite]


def _rename(widgets: Iterable[BaseWidgetInfo], base: str) -> None:
    """Give each widget and tab an id that follows from the evaluation's, for Evidently's are random."""
    waiting = list(widgets)
    for place, widget in enumerate(waiting):  # grows while it is walked
        widget.id = str(uuid.uuid5(_NAMES, f"{base}/{place}"))
        for number, tab in enumerate(widget.tabs):
            tab.id = str(uuid.uuid5(_NAMES, f"{base}/{place}/{number}"))
            waiting.append(tab.widget)
        waiting.extend(widget.widgets)
