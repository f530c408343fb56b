import io
import json
import math

from rich.console import Console

from trainer.runtime.display import Display


def lines(width: int = 80) -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, width=width, force_terminal=False), output


def test_a_log_gets_plain_lines_with_step_loss_and_rate() -> None:
    console, output = lines()
    with Display(console) as display:
        speed = {"train/tokens_per_second": 12345.6, "train/world_size": 2}
        display.training("pretrain", 10, 900, {"train/loss": 7.25, **speed})
        display.training("pretrain", 900, 900, {"train/loss": 3.0})
    assert output.getvalue().splitlines() == [
        "pretrain     10/900  loss 7.250  12,346 tokens/s  2 workers",
        "pretrain     900/900  loss 3.000",
    ]


def test_on_request_every_point_is_a_line_of_json_as_well() -> None:
    console, output = lines()
    with Display(console, json_lines=True) as display:
        for step in range(1, 4):
            display.training("pretrain", step, 900, {"step": step, "train/loss": 7.25, "train/grad_norm": math.inf})
    told = [json.loads(line) for line in output.getvalue().splitlines() if line.startswith("{")]
    assert [point["step"] for point in told] == [1, 2, 3]
    first = {"stage": "pretrain", "steps": 900, "step": 1, "train/loss": 7.25, "train/grad_norm": None}
    assert told[0] == first


def test_a_log_is_not_flooded() -> None:
    console, output = lines()
    with Display(console) as display:
        for step in range(1, 1000):
            display.show("corpus", step, 1000)
    assert len(output.getvalue().splitlines()) == 1


def test_what_others_say_is_neither_read_as_markup_nor_broken() -> None:
    console, output = lines(width=20)
    text = "worker 0 failed ([/gloo/pair.cc:545] Connection closed by peer); the workers start again"
    with Display(console) as display:
        display.say(text)
    assert output.getvalue() == text + "\n"


def test_a_log_shows_no_credentials() -> None:
    console, output = lines()
    with Display(console) as display:
        display.say("warning: s3://me:hunter2@bucket/text: cannot be read")
    assert output.getvalue() == "warning: s3://***@bucket/text: cannot be read\n"


def test_a_terminal_gets_bars_with_an_eta() -> None:
    output = io.StringIO()
    console = Console(file=output, width=120, force_terminal=True)
    with Display(console) as display:
        display.show("corpus", 1, 4)
    assert "ETA" in output.getvalue()
    assert "1/4" in output.getvalue()
