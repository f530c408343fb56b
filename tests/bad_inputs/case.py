"""A bad input: what a person types, the files that it meets, and the one line that berth answers with."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from trainer.cli import main


@dataclass(frozen=True)
class Case:
    """In a folder of `ground.lay`, with files of its own over it."""

    wrong: str
    """What is wrong, in a few words."""
    command: str
    """What follows `berth`."""
    says: str
    """The line, paths beginning at the folder; with `...` at its end only its beginning."""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    make: Callable[[], object] = lambda: None
    """Makes what is no plain file."""
    leaves: tuple[str, ...] = ()
    """What the command may have made: what the right command then goes on with."""


def refusal(case: Case) -> str:
    """The line that a case gives, run for real in the current directory; checks all but its words."""
    for name, content in case.files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    case.make()
    before = _tree()
    result = CliRunner().invoke(main, shlex.split(case.command), prog_name="berth", input="")
    assert isinstance(result.exception, SystemExit), f"a traceback would have been shown: {result.exception!r}"
    assert result.exit_code == 2, result.output
    after = _tree()
    assert {name for name, _ in before.items() ^ after.items()} == set(case.leaves)
    (line,) = result.stderr.splitlines()
    where, problem, remedy = _parts(line)
    assert where
    assert problem
    assert remedy
    here = str(Path.cwd())
    return line.removeprefix("berth: ").replace(f"{here}/", "").replace(here, ".")


def _parts(line: str) -> tuple[str, str, str]:
    """`berth: where: problem; remedy`."""
    berth, _, rest = line.partition(": ")
    assert berth == "berth"
    where, _, rest = rest.partition(": ")
    problem, _, remedy = rest.partition("; ")
    return where, problem, remedy


def _tree() -> dict[str, bytes | None]:
    """All files with what they hold, and all folders."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in Path().rglob("*")}
