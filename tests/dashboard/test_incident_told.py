"""What was told of an incident: read from its folder alone, whatever lies in it, and never too much of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from nightproof.dashboard.incident_pages.incident_told import SHOWN, told_view


def receipt(bench: Any, name: str, *, ts: str, night: str = "2024-03-02", channel: str = "C0123456789") -> None:
    from nightproof.alert.claims import Receipt

    results = bench.model_results(bench.made)
    found = Receipt(key=name, channel=channel, ts=ts, text="a &amp; b", night=night)
    results.store.create(f"{results.folder}alerts/long-2024-03-02/{name}.sent.json", found.to_bytes(), content_type="")


@pytest.fixture
def long(bench: Any) -> Any:
    bench.made = bench.config()
    return bench


def test_of_many_daily_replies_the_middle_is_left_out(long: Any) -> None:
    receipt(long, "opened", ts="1700000000.1")
    for day in range(200):
        receipt(long, f"ongoing-{date(2024, 3, 3) + timedelta(days=day)}", ts=f"{1700086400 + day}.1")
    view = told_view(long.model_results(long.made), "long-2024-03-02", long.made, datetime(2024, 3, 5, tzinfo=UTC))
    assert len(view.sent) + view.left_out == 201 and len(view.sent) <= SHOWN
    assert view.sent[0].event == "opened" and view.sent[0].text == "a & b"
    assert view.sent[-1].event == "ongoing-2024-09-18", "the last one is never left out"


def test_a_receipt_whose_time_is_none_is_listed_all_the_same(long: Any) -> None:
    for place, ts in enumerate(("", "not a time", "1e999", "-5")):
        receipt(long, f"worsened-2024-03-0{place + 1}", ts=ts)
    receipt(long, "opened.Pager-01234567", ts="", channel="a.b.Pager")
    view = told_view(long.model_results(long.made), "long-2024-03-02", long.made, datetime(2024, 3, 5, tzinfo=UTC))
    assert len(view.sent) == 5 and all(found.at is None for found in view.sent)
    assert {found.to for found in view.sent} == {"C0123456789", "a.b.Pager"}


@pytest.mark.parametrize("name", ["..", "a/b", "../due", "", "a\nb", "."])
def test_no_id_reads_another_folder(long: Any, name: str, recording: Any) -> None:
    results = long.model_results(long.made)
    results.store = recording(results.store)
    view = told_view(results, name, None, datetime(2024, 3, 5, tzinfo=UTC))
    assert not view.sent and results.store.asked == []
