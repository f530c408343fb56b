"""The command `berth answer`; where pipes and terminals matter, as a process of its own."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from trainer.cli import main

TOWN = "Ashford lies on a river. Arlo is the mayor of Ashford. " * 20
COMMAND = [sys.executable, "-m", "trainer", "answer"]


def berth(*arguments: str, text: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["answer", *arguments], input=text)


def line(question: str, context: str = TOWN, **more: Any) -> str:
    return json.dumps({"question": question, "context": context, **more}, ensure_ascii=False) + "\n"


def replies(result: Result) -> list[dict[str, Any]]:
    return [json.loads(reply) for reply in result.stdout.splitlines()]


def test_an_answer_is_a_part_of_the_context_or_none(models: Path, tmp_path: Path) -> None:
    (tmp_path / "context.txt").write_text(TOWN)
    result = berth("Who is the mayor?", "--context", str(tmp_path / "context.txt"))
    assert result.exit_code == 0, result.output
    answer = result.output.partition("%")[2].strip()
    assert answer == "(no answer)" or answer in TOWN
    assert berth("Who is the mayor?", "--context", "-", text=TOWN).output == result.output


def test_no_answer_is_told(models: Path) -> None:
    result = berth("Who?", "--context", "-", "--null-threshold", "-1e9", text=TOWN)
    assert result.stdout.endswith("%  (no answer)\n")
    result = berth("Who?", "--context", "-", "--null-threshold", "-1e9", "--always-answer", text=TOWN)
    assert "(no answer)" not in result.stdout


def test_an_empty_context_is_refused(models: Path) -> None:
    result = berth("Who?", "--context", "-", text=" \n")
    assert result.exit_code == 2
    assert result.stderr == "berth: the context: it is empty; give a context with text\n"


def test_a_context_that_is_not_utf_8_is_refused(models: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("Zürich".encode("latin-1"))
    for result in (
        berth("Who?", "--context", "latin.txt"),
        berth("Who?", "--context", "-", text="Zürich".encode("latin-1")),
    ):
        assert result.exit_code == 2
        assert "not UTF-8 at byte 1; convert the file to UTF-8" in result.stderr


def test_lines_are_answered_in_their_order(models: Path, tmp_path: Path) -> None:
    lines = [
        line(f"Who is the mayor of {'Ashford ' * (n % 7)}?", TOWN[: 60 + 90 * (n % 5)], id=f"q{n}") for n in range(30)
    ]
    result = berth("--always-answer", "--batch-size", "8", text="".join(lines))
    assert result.exit_code == 0, result.output
    found = replies(result)
    assert [reply["id"] for reply in found] == [f"q{n}" for n in range(30)]
    for n, reply in enumerate(found):
        assert TOWN[: 60 + 90 * (n % 5)][reply["start"] : reply["end"]] == reply["answer"] != ""
        assert 0 < reply["probability"] <= 1
    assert result.stderr.splitlines()[-1].startswith("30 questions in ")  # before it, progress, where it takes long
    (tmp_path / "questions.jsonl").write_text("".join(lines))
    assert berth("--always-answer", "--questions", "questions.jsonl").stdout == result.stdout


def test_a_line_without_an_id_is_named_by_its_number(models: Path) -> None:
    result = berth(text="\ufeff" + line("Who?") + "\r\n  \n" + line("Where?", id=7) + line("When?").rstrip())
    assert result.exit_code == 0, result.output
    assert [reply["id"] for reply in replies(result)] == [1, 7, 5]


def test_questions_about_one_context_need_not_repeat_it(models: Path, tmp_path: Path) -> None:
    (tmp_path / "town.txt").write_bytes(b"\xef\xbb\xbf" + TOWN.encode())
    result = berth("--context", "town.txt", text='{"question": "Who?"}\n' + line("Who?", TOWN))
    assert result.exit_code == 0, result.output
    first, second = replies(result)
    assert first | {"id": 2} == second


def test_no_questions_are_no_answers(models: Path) -> None:
    for text in ("", "\n\n"):
        result = berth(text=text)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr.startswith("0 questions in ")


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (b"Who is the mayor?", "is not JSON: expected value in column 1"),
        (b'{"question": "Who', "is not JSON: EOF while parsing a string in column 17"),
        (b'{"question": "Who?"}', "has no 'context'"),
        (b'{"context": "A town."}', "has no 'question'"),
        (b'{"question": 3, "context": "A town."}', "'question' is 3, not a string"),
        (b'{"question": "Who?", "context": " "}', "'context' is empty"),
        (b'{"question": "Who?", "context": "A town.", "id": [1]}', "'id' is [1], not a string or integer"),
        (b'["Who?", "A town."]', "is no JSON object but ['Who?', 'A town.']"),
        (b'{"question": "Z\xfcrich?", "context": "A town."}', "is not JSON: invalid unicode code point in column 16"),
    ],
)
def test_a_bad_line_is_told_and_the_rest_is_answered(models: Path, bad: bytes, fault: str) -> None:
    result = berth(text=line("Who?", id="a").encode() + b"\n" + bad + b"\n" + line("Who?", id="b").encode())
    assert result.exit_code == 2
    first, faulty, last = replies(result)
    assert (first["id"], last["id"]) == ("a", "b")
    assert faulty == {"line": 3, "error": fault}
    told, rate, verdict = result.stderr.splitlines()
    assert told == f"berth: standard input, line 3 {fault}"
    assert rate.startswith("2 questions in ")
    assert verdict == (
        "berth: standard input: 1 of 3 lines are no questions; give an object with 'question' and 'context' in each; "
        "the others are answered"
    )


def test_of_many_bad_lines_the_first_are_told(models: Path) -> None:
    result = berth(text="no\n" * 100)
    assert len(replies(result)) == 100
    assert len(result.stderr.splitlines()) == 12


@pytest.mark.parametrize(
    "arguments", [("Who?",), ("Who?", "--questions", "-"), ("--context", "-", "--questions", "-"), ("--context", "-")]
)
def test_unclear_commands_are_refused(arguments: tuple[str, ...]) -> None:
    result = berth(*arguments, text="")
    assert result.exit_code == 2
    assert result.stderr.startswith("berth: answer: ")
    assert result.stderr.endswith("; see `berth answer --help`\n")


@pytest.mark.slow
def test_a_closed_stdin_is_told(models: Path) -> None:
    result = subprocess.run(f"{' '.join(COMMAND)} <&-", shell=True, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == "berth: standard input: it is closed; give the text there, or the name of a file\n"


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it_without_a_traceback(models: Path, tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_text(line("Who?") * 2000)
    result = subprocess.run(
        f"{' '.join(COMMAND)} --batch-size 4 --questions questions.jsonl | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(result.stdout)["id"] == 1
    assert result.stderr == ""


@pytest.mark.slow
def test_each_line_is_answered_before_the_next_is_written_if_asked_for(models: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--batch-size", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell starts what is in its background with Ctrl-C ignored, and the tests may be that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no other thread forks here
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        for number in (1, 2):
            process.stdin.write(line("Who?").encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == b"berth: stopped; 2 lines are answered\n"


@pytest.mark.slow
def test_answers_go_to_stdout_also_where_a_bar_is_on_the_terminal(models: Path, tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_text(line("Who?") * 3)
    ours, theirs = pty.openpty()
    try:
        result = subprocess.run(
            [*COMMAND, "--questions", "questions.jsonl"],
            stdout=subprocess.PIPE,
            stderr=theirs,
            check=True,
            env=os.environ | {"TERM": "xterm"},
        )
        assert [json.loads(reply)["id"] for reply in result.stdout.splitlines()] == [1, 2, 3]
        assert b"3 questions in " in os.read(ours, 1 << 16)
    finally:
        os.close(ours)
        os.close(theirs)
