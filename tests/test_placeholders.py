"""Braces in a config's texts: names from a list, and no way from them to anything else."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nightproof.placeholders import NAMES, fill, refuse_unknown

TOLD = {name: name.upper() for name in NAMES}


def test_texts_are_filled_in_wherever_they_stand() -> None:
    given = {"a": "{title} of {model}", "b": [1, "{{{event}}}", {"c": "{night}"}], "d": True, "e": None}
    refuse_unknown(given)
    assert fill(given, TOLD) == {"a": "TITLE of MODEL", "b": [1, "{EVENT}", {"c": "NIGHT"}], "d": True, "e": None}


@pytest.mark.parametrize(
    "text",
    [
        "{titel}",
        "{}",
        "{0}",
        "{title.__class__}",
        "{title[0]}",
        "{title!r}",
        "{title:>1000000000}",
        "{model:{night}}",
        "{",
        "}",
        "{title",
    ],
)
def test_nothing_else_is_taken(text: str) -> None:
    for value in (text, [text], {"x": {"y": text}}):
        with pytest.raises(ValueError, match="braces"):
            refuse_unknown(value)


@given(
    template=st.text(st.sampled_from("{}%# ax"), max_size=8),
    said=st.text(st.sampled_from("{}%#x "), max_size=8),
)
@example(template="{{{text}", said="{ 7 * 7 }}")
@example(template="{text}", said="{{ 7 * 7 }}")
@example(template="{{", said="")
def test_no_data_becomes_a_template(template: str, said: str) -> None:
    value: Any = template.replace("ax", "{text}")
    try:
        refuse_unknown(value)
    except ValueError:
        return
    filled = fill(value, TOLD | {"text": said})
    assert jinja2.Environment(autoescape=True, keep_trailing_newline=True).from_string(filled).render() == filled
