"""Fine-tuning on SQuAD beside `transformers`' run_qa, question by question: python -m tests.benchmarks.squad_finetune

Real questions (the official dev set of v1.1 of ../shared/data); windows, batch, rates and dropout of the recipe
squad-v1.1. A step is forward, backward, clipping and AdamW, on the same windows. run_qa's defaults are the peer that
counts: every window padded to 384, fp32, the attention that `from_config` gives, which is sdpa today. The others are
what a user who knows how makes of it. Ends with an error where we are less than LEAST_RATIO times as fast as run_qa.
"""

import sys
import tempfile
from statistics import median

import torch
import transformers

from tests.benchmarks.real_text import DATA, show
from tests.benchmarks.training_steps import Ours, Theirs, in_turns
from trainer.config.load import load
from trainer.engine.folder import RunFolder
from trainer.model import hf
from trainer.runtime.inputs import prepare
from trainer.tasks.squad import SquadTask

LEAST_RATIO = 3.0
SHAPES = {
    "BERT-base": (12, 768, 12, 3072),
    "4 layers x 256": (4, 256, 4, 1024),
}
ROUNDS = {"BERT-base": 3, "4 layers x 256": 12}
RUN_QA = "transformers, run_qa's defaults"


def task(shape: str, storage: str) -> SquadTask:
    """The recipe's stage, from random weights, on the questions of the dev set."""
    layers, hidden_size, heads, intermediate_size = SHAPES[shape]
    dev = str(DATA / "squad" / "dev-v1.1.json.gz")
    settings = {
        "storage": storage,
        "vocab.path": str(DATA / "bert-base-uncased-vocab.txt"),
        "model.num_hidden_layers": layers,
        "model.hidden_size": hidden_size,
        "model.num_attention_heads": heads,
        "model.intermediate_size": intermediate_size,
        "squad.0.model": "null",
        "squad.0.train": f"[{dev}]",
        "squad.0.dev": dev,
        "scaling.gpus_per_worker": 0,
    }
    run = load("squad-v1.1", tuple(f"{name}={value}" for name, value in settings.items()))
    folder = RunFolder.of(run)
    prepare(run, folder, lambda what, done, total: None)
    torch.manual_seed(0)
    return SquadTask(run, run.squad[0], folder)


def peer(ours: SquadTask, attention: str | None = None) -> transformers.PreTrainedModel:
    """Our weights in the class that run_qa trains."""
    config = transformers.BertConfig(**ours.model.config.model_dump(), vocab_size=ours.model.vocab_size)
    options = {} if attention is None else {"attn_implementation": attention}
    theirs = transformers.AutoModelForQuestionAnswering.from_config(config, **options)
    theirs.load_state_dict(hf.to_hf(ours.model))
    return theirs


def measured(shape: str, storage: str) -> dict[str, float]:
    """Sequences a second of each, by the median step."""
    ours = task(shape, storage)
    cpu = torch.device("cpu")
    length = ours.settings.max_length
    runners = {
        "Berth": Ours(ours, cpu),
        RUN_QA: Theirs(peer(ours), ours, cpu, length=length),
        "... eager attention": Theirs(peer(ours, "eager"), ours, cpu, length=length),
        "... bf16 + sdpa": Theirs(peer(ours, "sdpa"), ours, cpu, length=length, bf16=True),
        "... bf16 + sdpa, padded to the batch's longest": Theirs(peer(ours, "sdpa"), ours, cpu, bf16=True),
    }
    seconds = in_turns(runners, rounds=ROUNDS[shape])
    return {name: ours.settings.batch_size / median(of) for name, of in seconds.items()}


def main(shapes: list[str]) -> bool:
    """Print the tables; says whether the bound is kept."""
    if not (DATA / "squad").is_dir():
        print(f"skipped: it needs the real data, and {DATA} is absent; set BERTH_TEST_DATA to where it lies")
        return True
    kept = True
    for shape in shapes:
        with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as storage:
            rates = measured(shape, storage)
        rows = [[name, f"{rate:.2f}", f"{rates['Berth'] / rate:.2f} x"] for name, rate in rates.items()]
        ratio = rates["Berth"] / rates[RUN_QA]
        kept &= ratio >= LEAST_RATIO
        show(
            f"Fine-tuning on SQuAD v1.1: {shape}, batch 12, length 384, dropout 0.1",
            ["", "sequences/s", "Berth is faster by"],
            rows,
            f"Required: {LEAST_RATIO:g} times run_qa: {ratio:.2f}.",
            f"torch {torch.__version__}, {torch.get_num_threads()} threads; transformers {transformers.__version__}",
        )
    return kept


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:] or list(SHAPES)))
