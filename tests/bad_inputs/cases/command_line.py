"""What the command line itself refuses."""

from tests.bad_inputs.case import Case

CASES = (
    Case("no such command", "runn", "runn: no such command; did you mean run?"),
    Case("no such option", "run run.yaml --nope", "--nope: no such option; see `berth run --help`"),
    Case("an option cut short", "run run.yaml --pod 3", "--pod: no such option; did you mean --pods?"),
    Case("an option of none", "--nope", "--nope: no such option; see `berth --help`"),
    Case("no run", "run", "RUN: is missing; see `berth run --help`"),
    Case("no value", "run run.yaml --pods", "--pods: requires an argument; see `berth COMMAND --help`"),
    Case("one pod", "run run.yaml --pods 1", "--pods: 1 is not in the range x>=2; see `berth run --help`"),
    Case("a word for a number", "squad --seeds x", "--seeds: 'x' is no whole number; see `berth squad --help`"),
    Case("values without pods", "run run.yaml --values v.yaml", "run: --values is for --pods; see `berth run --help`"),
    Case("no model", "squad --eval dev.json", "--model: is missing; see `berth squad --help`"),
    Case("too much", "recipes quickstart", "recipes: got unexpected extra argument (quickstart); see `berth recipes --help`"),
    Case("another format", "export model out --format pt", "--format: 'pt' is not one of 'hf', 'onnx'; see `berth export --help`"),
    Case("another output", "doctor -o yaml", "-o / --output: 'yaml' is not one of 'table', 'json'; see `berth doctor --help`"),
    Case("no pods left", "scale mine 0", "N: 0 is not in the range x>=1; see `berth scale --help`"),
    Case("less than no lines", "logs mine --tail -1", "--tail: -1 is not in the range x>=0; see `berth logs --help`"),
    Case("over all of the peak", "plan run.yaml --mfu 2", "--mfu: 2.0 is not in the range 0<x<=1; see `berth plan --help`"),
    Case("no number at all", "plan run.yaml --mfu nan", "--mfu: nan is no number; see `berth plan --help`"),
    Case("tokens without end", "plan run.yaml --corpus-tokens inf", "--corpus-tokens: inf is no number; see `berth plan --help`"),
    Case("to wait less than nothing", "prepare corpus.yaml --wait-minutes -1", "--wait-minutes: -1.0 is not in the range x>=0; see `berth prepare --help`"),
    Case("no guesses", "fill-mask [MASK] --model model --top 0", "--top: 0 is not in the range x>=1; see `berth fill-mask --help`"),
    Case("a threshold that is no number", "answer Who? --context text.txt --model reader --null-threshold nan", "--null-threshold: nan is no number; see `berth answer --help`"),
    Case("questions twice", "answer Who? --questions q.jsonl", "answer: give QUESTION with --context, or --questions without QUESTION; see `berth answer --help`"),
    Case("two texts from one place", "answer --questions - --context -", "answer: --context and --questions cannot both be stdin; see `berth answer --help`"),
)  # fmt: skip
