"""YAML as people write it -> plain data, read more strictly than PyYAML does.

A key that stands twice is refused, where PyYAML silently takes the second. Nothing in a file is executed, and a file
that stands for far more than it is long, as aliases of aliases do, is refused before it grows.
"""

from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from trainer.errors import ConfigError

MOST_CHARACTERS = 4 << 20
"""Of a text."""
_MOST_VALUES = 200_000
"""That a text may stand for, its aliases written out."""


def read(path: str) -> Any:
    """What a local file holds.

    Raises:
        ConfigError: it cannot be read, or is not YAML.
    """
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(path, f"cannot be read: {reason}", "give a YAML file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, f"not UTF-8 at byte {error.start}", "save it as UTF-8") from error
    return loads(text, path)


def loads(text: str, source: str) -> Any:
    """What a text says; `source` names it in errors.

    Raises:
        ConfigError: it is not YAML, with the line and the column; it is too long or too deep, or stands for too much.
    """
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(source, f"more than {MOST_CHARACTERS:,} characters", "give a file of settings")
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = f"not YAML: {str(error.problem).removeprefix('but ')}"
        raise ConfigError(source + place, problem, _remedy(str(error.problem))) from error
    except yaml.YAMLError as error:
        raise ConfigError(source, "not YAML: it holds characters that are no text", "give a YAML file") from error
    except RecursionError as error:
        raise ConfigError(source, "not YAML: it is nested too deeply, or within itself", "mend the file") from error
    except (ValueError, OverflowError) as error:  # of a date that is none, a number of too many digits
        problem = str(error).partition(";")[0]
        raise ConfigError(source, f"not YAML: {problem}", "mend the value, or put it in quotes") from error


def _remedy(problem: str) -> str:
    if r"'\t'" in problem:
        return "indent with spaces, not with tabs"
    if "constructor for the tag" in problem:
        return "remove the tag; nothing is executed"
    return "mend the file"


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> MappingNode:
        """Look at the keys as they are written, before merges (`<<`) add theirs."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"{key.value!r} stands twice in one section", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return node

    def get_single_node(self) -> Node | None:
        """Look at how much the text stands for before it is made."""
        node = super().get_single_node()
        if node is not None:
            _written_out(node, {})
        return node


def _written_out(node: Node, known: dict[int, int]) -> int:
    """How many values a node stands for; each is counted once, and added up wherever an alias names it."""
    if id(node) not in known:
        inner: list[Node] = []
        if isinstance(node, SequenceNode):
            inner = node.value
        elif isinstance(node, MappingNode):
            inner = [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_written_out(part, known) for part in inner)
        if known[id(node)] > _MOST_VALUES:
            problem = f"its aliases stand for more than {_MOST_VALUES:,} values"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    return known[id(node)]
