"""The page: Evidently's own application and the report's widgets in one file that opens offline.

Evidently's template puts the widgets into a script as plain JSON, so that ``</script>`` in a
category's name would end it. Here no ``<`` leaves the JSON, and a content security policy lets
nothing run but the scripts that were put here, by their hashes, and nothing be fetched at all.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from importlib.resources import files
from typing import Any

from nightproof.evaluation import Evaluation
from nightproof.words import STATUS, plain

_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_STATUS_COLORS = {
    "ok": "#009E73",
    "watch": "#E69F00",
    "regression": "#D55E00",
    "insufficient_data": "#888888",
    "quarantined": "#CC79A7",
}
_GLOBAL = "var global = globalThis"
_DRAW = 'window.drawDashboard(report, new Map(), "report");'


def page(evaluation: Evaluation, widgets: list[dict[str, Any]]) -> bytes:
    """The report as one HTML page.

    Parameters
    ----------
    evaluation
        For the title, and for who reads without scripts.
    widgets
        What Evidently's application draws.
    """
    data = f"var report = {_json({'name': 'Report', 'widgets': widgets})};"
    scripts = (data, _GLOBAL, _application(), _DRAW)
    title = f"{STATUS[evaluation.verdict.status]}: {plain(evaluation.config.model)}, {evaluation.night}"
    headline = html.escape(plain(evaluation.verdict.headline, 400))
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="UTF-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1.0">',
        f"<title>{html.escape(title)}</title>",
        f"<style>{_STYLE.replace('STATUS', _STATUS_COLORS[evaluation.verdict.status])}</style>",
        f'</head>\n<body>\n<div id="report"></div>\n<noscript><h1>{html.escape(title)}</h1><p>{headline}</p>',
        "<p>The rest of this report is drawn by scripts, which are off here.</p></noscript>",
        *(f"<script>{script}</script>" for script in scripts),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts).encode()


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text.translate(_ESCAPES)


@cache
def _application() -> str:
    return (files("evidently") / "nbextension" / "static" / "index.js").read_text(encoding="utf-8")


def _policy(scripts: tuple[str, ...]) -> str:
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


_STYLE = """
body { margin: 0; }
#report > .MuiBox-root { max-width: 1320px; margin: 0 auto; }
#report .MuiStack-root { margin: -44px 48px 12px 0; }
.MuiCard-root .MuiCard-root { border: none; }
.MuiCard-root .MuiCard-root .MuiCardContent-root { padding: 4px 8px; }
.MuiCard-root h5 { font-size: 24px; font-weight: 600; padding-left: 8px; }
.MuiCard-root .MuiCard-root h5 { font-size: 16px; padding: 0; }
.MuiCard-root p.MuiTypography-alignCenter { font-size: 30px; line-height: 1.3; max-width: none; margin: 0; }
.MuiCard-root h5.MuiTypography-alignCenter.MuiTypography-h5 { font-size: 14px; font-weight: 400; opacity: .8; }
h1 { font-size: 30px; margin: 0 0 12px; padding: 2px 0 2px 16px; border-left: 10px solid STATUS; }
h3 { font-size: 18px; margin: 12px 0 6px; }
.MuiCard-root p:not([class]) { margin: 0 0 6px; line-height: 1.5; max-width: 125ch; }
.MuiTable-root td, .MuiTable-root th { vertical-align: top; line-height: 1.45; white-space: pre-line; }
.MuiTable-root td:not(:last-child) { white-space: pre; font-variant-numeric: tabular-nums; }
.MuiTable-root thead th { vertical-align: bottom; font-weight: 600; border-bottom-width: 2px; }
.MuiTable-root tr > :last-child:not(:first-child) { text-align: left; overflow-wrap: anywhere; min-width: 120px; }
.MuiTable-root tr > :first-child:nth-last-child(2) { width: 170px; opacity: .75; }
.MuiTable-root thead:has(th:first-child:empty) { display: none; }
.MuiAlert-message { white-space: pre-line; line-height: 1.5; }
.MuiAlertTitle-root { font-weight: 600; }
.js-plotly-plot { min-height: 0 !important; max-height: none !important; }
.modebar-container { display: none; }
@media print { .MuiStack-root, #report > .MuiBox-root:first-child { display: none; } }
@media print { .js-plotly-plot, tr { break-inside: avoid; } }
"""
