"""What the shell is offered when Tab is pressed."""

import os
import subprocess
import sys

from trainer.config.recipes import recipe_names


def offered(line: str) -> list[str]:
    """As bash asks for it, for the last word of a line."""
    words = {"_BERTH_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    command = [sys.executable, "-c", "from trainer.cli import main; main(prog_name='berth')"]
    result = subprocess.run(command, env=os.environ | words, capture_output=True, text=True, check=True)
    return result.stdout.split()


def test_commands_are_completed() -> None:
    assert "plain,fill-mask" in offered("berth fi")


def test_a_run_is_a_recipe_or_a_file() -> None:
    assert offered("berth run ") == [*(f"plain,{name}" for name in recipe_names()), "file,"]
    assert offered("berth run quick") == ["plain,quickstart", "file,quick"]
