"""`berth export`, `fill-mask` and `answer`; weights that are wrong have tests of their own, in `test_weights.py`."""

from tests.bad_inputs.case import Case

_NO_MODEL = (
    "no such model directory; give the path or URI of one, of a .nemo or .pt file, or a name such as bertbaseuncased"
)
_EMPTY = "holds no config.json; it is no model directory, or its export did not finish; export the model again"
_UNTRAINED = "runs/: no fitting model there; train one with `berth run quickstart` or give --model"
_MASK = "fill-mask --model model"
_ANSWER = "answer --model reader"

CASES = (
    Case("no such stage", "export runs/mine/squad out", f"runs/mine/squad: {_NO_MODEL}"),
    Case("a file for a model", "export text.txt out", f"text.txt: {_EMPTY}"),
    Case("a folder without a model", "export notes out", f"notes: {_EMPTY}", {"notes/a.txt": "a"}),
    Case("a model in the cloud, without a bucket", "export s3:// out", "s3://: names no bucket; write it as s3://bucket/folder"),
    Case("a place that is taken", "export reader model", "model: the directory is not empty; name a new one"),
    Case("a file for a place", "export reader text.txt", "text.txt: the directory is not empty; name a new one"),
    Case("a place below a file", "export reader text.txt/out", "text.txt/out/README.md: cannot be written: not a directory; mend the storage or choose another place"),
    Case("a place of an unknown kind", "export reader floppy://out", "floppy://out: no such kind of storage (Protocol not known: floppy); use a path or a URI of an installed fsspec driver"),
    Case("no model yet", "fill-mask 'a [MASK]'", _UNTRAINED),
    Case("no mask", f"{_MASK} 'a town'", "'a town': it has 0 [MASK]; write [MASK] once"),
    Case("two masks", f"{_MASK} '[MASK] [MASK]'", "'[MASK] [MASK]': it has 2 [MASK]; write [MASK] once"),
    Case("a text that is too long", f"{_MASK} '[MASK] {'a ' * 600}'", "the text: 603 tokens are over the model's 512; shorten it"),
    Case("a model that guesses no words", "fill-mask --model reader 'a [MASK]'", "reader: the model has no masked LM; give the model of a pretraining stage"),
    Case("a model that is not there", "fill-mask --model gone 'a [MASK]'", f"gone: {_NO_MODEL}"),
    Case("no model for questions yet", "answer Who? --context text.txt", _UNTRAINED),
    Case("no text to answer from", f"{_ANSWER} Who?", "answer: give QUESTION with --context, or --questions without QUESTION; see `berth answer --help`"),
    Case("a text that is not there", f"{_ANSWER} Who? --context gone.txt", "gone.txt: no such file or folder; check the spelling"),
    Case("a text that is empty", f"{_ANSWER} Who? --context empty.txt", "the context: it is empty; give a context with text", {"empty.txt": ""}),
    Case("a text in Latin-1", f"{_ANSWER} Who? --context latin.txt", "latin.txt: not UTF-8 at byte 2; convert the file to UTF-8", {"latin.txt": "Grüße".encode("latin-1")}),
    Case("a folder for a text", f"{_ANSWER} Who? --context model", "model: cannot be read: is a directory; mend the storage or choose another place"),
    Case("an empty question", f"{_ANSWER} ' ' --context text.txt", "the question: it is empty; give a question with text"),
    Case("a model that answers no questions", "answer --model model Who? --context text.txt", "model: the model answers no questions; give the model of a SQuAD stage"),
    Case("questions that are not there", f"{_ANSWER} --questions gone.jsonl", "gone.jsonl: no such file or folder; check the spelling"),
)  # fmt: skip
