"""A command that refuses its input, as a person sees it: one line, exit code 2, nothing half-written."""

from pathlib import Path

from click.testing import CliRunner

from trainer.cli import main


def refusal(command: str, *arguments: str) -> str:
    """The one line that the command ends with; checks the exit code and that no temporary file is left."""
    result = CliRunner().invoke(main, [command, *arguments])
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), "a traceback would have been shown"
    assert not [path for path in Path().rglob("*") if path.name.endswith(".tmp")]
    (line,) = result.stderr.splitlines()
    return line.removeprefix("berth: ")


def write_towns(folder: Path) -> None:
    """A corpus to prepare: `corpus.yaml`, which makes `towns` of text.txt."""
    text = "\n\n".join(f"The town of Number{n} lies on a river. Its mayor is Person{n}." for n in range(40))
    (folder / "text.txt").write_text(text)
    (folder / "corpus.yaml").write_text(
        "storage: towns\ncorpus: {sources: [{path: text.txt}], held_out: 0}\nvocab: {size: 200}\n"
    )
