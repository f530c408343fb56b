"""`berth report`, `scores`, `sync`, `dashboard` and `doctor` where there is nothing, or something else."""

from tests.bad_inputs.case import Case
from tests.bad_inputs.valid import RUN

_RUNS = {"runs/mine/run.yaml": RUN, "runs/mine/squad/result.json": "nope"}
_NONE = "no such file or recipe; give a YAML file or one of bert-base-original, ..."
_BROKEN = "runs/mine/squad/result.json: the file: Invalid JSON: expected ident at line 1 column 2; delete the stage's folder and run the same command again"

CASES = (
    Case("no such run", "report gone", f"gone: {_NONE}"),
    Case("a run that was not started", "report run.yaml", "run.yaml: runs/mine is not there; start the run first, or give its folder"),
    Case("a folder of no run", "report model", "model: no folder of a run, run.yaml is not there; give the folder that a run made"),
    Case("no bucket", "report s3://", "s3://: names no bucket; write it as s3://bucket/folder"),
    Case("a result that is torn", "report runs/mine", _BROKEN, _RUNS),
    Case("a page below a file", "report runs/mine runs/mine -o text.txt/page.html", "text.txt/page.html: cannot be written: not a directory; mend the storage or choose another place", {"runs/mine/run.yaml": RUN}),
    Case("a page in the place of a folder", "report runs/mine runs/mine -o model", "model: cannot be written: is a directory; mend the storage or choose another place", {"runs/mine/run.yaml": RUN}),
    Case("too many runs on one page", "report " + "runs/mine " * 99, "RUN: 99 runs on one page; give at most ...", {"runs/mine/run.yaml": RUN}),
    Case("scores of no run", "scores gone", f"gone: {_NONE}"),
    Case("scores of a torn result", "scores run.yaml", _BROKEN, _RUNS),
    Case("nothing to send", "sync run.yaml", "runs/mine: there are no records for W&B; check `storage` and `name`; `tracking.wandb: disabled` records nothing"),
    Case("nobody to send for", "sync gone", f"gone: {_NONE}"),
    Case("a dashboard of no run", "dashboard gone --dry-run", f"gone: {_NONE}"),
    Case("a dashboard without a project", "dashboard run.yaml --dry-run tracking.project=", "tracking.project: null is not allowed; give text"),
    Case("a corpus that is not there", "doctor gone", "gone/corpus: there is no prepared corpus; prepare it first, with `berth prepare`"),
    Case("a file for a corpus", "doctor text.txt", "text.txt/corpus: there is no prepared corpus; prepare it first, with `berth prepare`"),
    Case("storage of a run that is not there", "doctor --run gone.yaml", f"gone.yaml: {_NONE}"),
)  # fmt: skip
