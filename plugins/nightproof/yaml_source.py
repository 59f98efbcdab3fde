"""A YAML file as data, with the line that each key stands on.

The file is untrusted: only plain values are built, and aliases, duplicate keys and oversized
files are faults.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from nightproof.errors import ConfigError, Fault

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
_QUICK: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""By libyaml, where PyYAML was built with it: a config is read in a tenth of the time."""

Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """What a YAML file says, and where.

    Parameters
    ----------
    data
        The top-level mapping.
    lines
        1-based line of each key or list item, by its path from the top.
    """

    data: dict[str, Any]
    lines: dict[Where, int] = field(default_factory=dict)

    def line(self, *path: str | int) -> int | None:
        """Line of a key, or of the nearest key above it that exists."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return 1 if self.lines else None

    def value(self, *path: str | int) -> Any:
        """Value at a path, or ``None`` where there is none."""
        found: Any = self.data
        for step in path:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return None
        return found


def read_yaml(path: Path) -> Source:
    """Read a YAML mapping with its lines.

    Raises
    ------
    ConfigError
        If the file is missing, too large, not UTF-8, not YAML, not a mapping, nested too deeply,
        uses aliases, or says a key twice.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _whole(path, f"the file cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise _whole(path, f"the file is larger than {MAX_BYTES // 1024} kB; a model's config is not")
    try:
        text = raw.decode("utf-8")
        try:
            node = _composed(path, text, _QUICK)
        except yaml.YAMLError:
            # The slow one says better what is wrong.
            node = _composed(path, text, yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise _whole(path, f"the file is not UTF-8 text (byte {error.start})") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        problem = f"this is not YAML: {error.problem or 'unreadable'}"
        raise ConfigError(str(path), [Fault(line, "", None, problem)]) from error
    except yaml.YAMLError as error:
        raise _whole(path, "this is not YAML: it holds characters that YAML forbids") from error
    if not isinstance(node, yaml.MappingNode):
        raise _whole(path, "a model's config is a mapping of keys to values, such as 'model: my_model'")
    lines: dict[Where, int] = {}
    faults: list[Fault] = []
    data = _build(node, (), lines, faults)
    if faults:
        raise ConfigError(str(path), faults)
    return Source(data, lines)


def _composed(path: Path, text: str, loader: Any) -> yaml.Node | None:
    _refuse_bombs(path, text, loader)
    return yaml.compose(text, loader)


def _refuse_bombs(path: Path, text: str, loader: Any) -> None:
    """Refuse what would grow, or take its square in time, when it is built."""
    depth = 0
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.AliasEvent):
            raise _whole(path, "YAML aliases (*name) are not allowed; write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _whole(path, f"the file is nested too deeply: {MAX_DEPTH} levels are allowed")


def _whole(path: Path, problem: str) -> ConfigError:
    return ConfigError(str(path), [Fault(None, "", None, problem)])


def _build(node: yaml.Node, path: Where, lines: dict[Where, int], faults: list[Fault]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, i), lines, faults) for i, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(node, path, faults)
    built: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = str(_scalar(key_node, path, faults)) if isinstance(key_node, yaml.ScalarNode) else "?"
        line = key_node.start_mark.line + 1
        if key in built:
            first = lines[(*path, key)]
            named = ".".join(str(step) for step in (*path, key))
            faults.append(Fault(line, named, None, f"the key stands twice, first on line {first}"))
        lines[(*path, key)] = line
        built[key] = _build(value_node, (*path, key), lines, faults)
    return built


def _scalar(node: yaml.Node, path: Where, faults: list[Fault]) -> Any:
    # A bare 2013-12-14 would become a date object: what a user types into a config is text.
    if node.tag in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"):
        return node.value
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, LookupError) as error:
        # A lookup fails where a tag promises what the text is not, as in `!!bool perhaps`.
        named = ".".join(str(step) for step in path)
        lookup = isinstance(error, LookupError)
        problem = (
            f"this is no {node.tag.rsplit(':', 1)[-1]}" if lookup else getattr(error, "problem", None) or str(error)
        )
        faults.append(Fault(node.start_mark.line + 1, named, str(node.value)[:80], f"unreadable: {problem}"))
        return None
