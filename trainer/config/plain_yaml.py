"""YAML as people write it -> plain data, read more strictly than PyYAML does.

A key that stands twice is refused, where PyYAML silently takes the second. Nothing in a file is executed, and no file,
however its aliases multiply, grows in memory.
"""

from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from trainer.errors import ConfigError


def read(path: str) -> Any:
    """What a local file holds.

    Raises:
        ConfigError: it cannot be read, or is not YAML.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(path, f"cannot be read: {reason}", "give a YAML file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, f"not UTF-8 at byte {error.start}", "save it as UTF-8") from error
    return loads(text, path)


def loads(text: str, source: str) -> Any:
    """What a text says; `source` names it in errors.

    Raises:
        ConfigError: it is not YAML; with the line and the column.
    """
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
        raise ConfigError(source, "not YAML: it is nested too deeply", "mend the file") from error
    except ValueError as error:  # of a date that is none
        raise ConfigError(source, f"not YAML: {error}", "put dates in quotes") from error


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

    def flatten_mapping(self, node: MappingNode) -> None:
        """Keep one of each key that merges bring, so that merges of merges do not multiply."""
        super().flatten_mapping(node)
        kept: dict[Any, tuple[Node, Node]] = {}
        for key, value in node.value:
            kept[key.value if isinstance(key, ScalarNode) else id(key)] = key, value
        node.value = list(kept.values())
