"""`berth run` with settings that are wrong, most of them by an override."""

from tests.bad_inputs.case import Case
from tests.bad_inputs.valid import RUN

_PREPARED = RUN.replace("{sources: [{path: text.txt}], held_out: 0}", "{prepared: towns}").replace(
    "vocab: {size: 200}\n", ""
)
_FOLDER = ("runs", "runs/mine")
_BEGUN = (*_FOLDER, "runs/mine/attempts.json", "runs/mine/run.yaml")
"""What was asked for, and when, which the right command goes on with."""


def _set(wrong: str, override: str, says: str) -> Case:
    return Case(wrong, f"run run.yaml {override}", says)


CASES = (
    _set("a setting misspelt", "pretrain.max_stepz=3", "pretrain.max_stepz: no such setting; did you mean max_steps?"),
    _set("a section misspelt", "pretrian.max_steps=3", "pretrian: no such setting; did you mean pretrain?"),
    _set("a setting unlike any", "pretrain.zzz=3", "pretrain.zzz: no such setting; remove it"),
    _set("an override without a value", "pretrain.max_steps", "pretrain.max_steps: not an override; write section.field=value"),
    _set("an override without a name", "=3", "=3: not an override; write section.field=value"),
    _set("an override with a hole", "pretrain..max_steps=3", "pretrain..max_steps=3: not an override; write section.field=value"),
    _set("a value that is not YAML", "name=[1", "name=[1: its value is not YAML; quote it: 'name=\"...\"'"),
    _set("a stage that is not there", "squad.5.epochs=1", "squad.5.epochs=1: '5' is no entry of a list of 1; count from 0"),
    _set("a stage by its name", "squad.squad.epochs=1", "squad.squad.epochs=1: 'squad' is no entry of a list of 1; count from 0"),
    _set("a setting below a value", "name.first=x", "name.first=x: name is a value, not a section; check the field's name"),
    _set("a word for a number", "pretrain.max_steps=ten", "pretrain.max_steps: 'ten' is not allowed; give a whole number"),
    _set("no steps", "pretrain.max_steps=0", "pretrain.max_steps: 0 is not allowed; give 1 or more"),
    _set("half a step", "pretrain.max_steps=1.5", "pretrain.max_steps: 1.5 is not allowed; give a whole number"),
    _set("a rate that is no number", "pretrain.optimizer.learning_rate=.nan", "pretrain.optimizer.learning_rate: nan is not allowed; give a finite number"),
    _set("one beta", "pretrain.optimizer.betas=[0.9]", "pretrain.optimizer.betas.1: not set; set it"),
    _set("a beta over 1", "pretrain.optimizer.betas=[0.9,1.5]", "pretrain.optimizer.betas.1: 1.5 is not allowed; give less than 1"),
    _set("another optimizer", "pretrain.optimizer.kind=sgd", "pretrain.optimizer.kind: 'sgd' is not allowed; give 'adamw' or 'lamb'"),
    _set("a ratio over 1", "pretrain.schedule.warmup_ratio=1.5", "pretrain.schedule.warmup_ratio: 1.5 is not allowed; give 1 or less"),
    _set("another precision", "pretrain.precision=fp16", "pretrain.precision: 'fp16' is not allowed; give 'auto', 'bf16' or 'fp32'"),
    _set("neither true nor false", "scaling.preflight=perhaps", "scaling.preflight: 'perhaps' is not allowed; give true or false"),
    _set("on, which is true in YAML", "tracking.wandb=on", "tracking.wandb: true is not allowed; give 'offline', 'online' or 'disabled'"),
    _set("all tokens masked", "pretrain.mlm_probability=1", "pretrain.mlm_probability: 1 is not allowed; give less than 1"),
    _set("heads that do not divide", "model.hidden_size=17", "model.num_attention_heads: 2 does not divide hidden_size 17; choose a hidden_size that is a multiple of 2"),
    _set("a number for a section", "model=3", "model: 3 is not allowed; give a section of settings"),
    _set("longer than the positions", "pretrain.max_length=600", "pretrain.max_length: 600 is over model.max_position_embeddings 512; lower max_length or raise max_position_embeddings"),
    _set("a batch that workers do not divide", "pretrain.batch_size=5 scaling.num_workers=2", "pretrain.batch_size: 5 is divided by no allowed worker count (2 to 2); choose a multiple of 2"),
    _set("most workers before least", "'scaling.num_workers=[2, 1]'", "scaling.num_workers: [2, 1] is [most, least]; write the smaller one first"),
    _set("three numbers of workers", "'scaling.num_workers=[1, 2, 3]'", "scaling.num_workers: a list is not allowed; give a whole number, or a list of at most 2"),
    _set("least workers of 0", "'scaling.num_workers=[0, 2]'", "scaling.num_workers.0: 0 is not allowed; give 1 or more"),
    _set("more workers than CPUs", "scaling.num_workers=5000 pretrain.batch_size=5000 squad.0.batch_size=5000", "scaling.num_workers: 5000 workers need 5000 CPUs and there are..."),
    _set("two GPUs a worker", "scaling.gpus_per_worker=2", "scaling.gpus_per_worker: 2 is not allowed; give 0 or 1"),
    _set("an interval in minutes", "checkpoint.every=5m", "checkpoint.every: '5m' is no interval; give steps, such as 500, seconds, 60 s, or auto"),
    _set("a deadline of 0", "limits.deadline_hours=0", "limits.deadline_hours: 0 is not allowed; give more than 0"),
    _set("a name with a capital", "name=Mine", "name: 'Mine' is not allowed; give up to 40 lower-case letters, digits and hyphens"),
    _set("a number as a name", "name=3", "name: 3 is not allowed; give text"),
    _set("no storage", "storage=", "storage: null is not allowed; give text"),
    _set("storage of an unknown kind", "storage=floppy://disk", "floppy://disk: no such kind of storage (Protocol not known: floppy); use a path or a URI of an installed fsspec driver"),
    _set("storage without a bucket", "storage=s3://", "s3://: names no bucket; write it as s3://bucket/folder"),
    _set("storage below a file", "storage=text.txt/runs", "text.txt/runs/mine/lease.json: cannot be read: not a directory; mend the storage or choose another place"),
    _set("no text", "corpus=null", "corpus: is not set, and pretrain needs text; set corpus.sources or corpus.prepared"),
    _set("no sources", "corpus.sources=[]", "corpus.sources: is not set, nor is prepared, so there is no text; set one of them"),
    _set("sources that are a path", "corpus.sources=text.txt", "corpus.sources: 'text.txt' is not allowed; give a list"),
    _set("a format that is none", "corpus.sources.0.format=html", "corpus.sources.0.format: 'html' is not allowed; give 'text', 'books', 'mediawiki', 'wikiextractor', ..."),
    _set("a prepared corpus beside text", "corpus.prepared=towns", "corpus.sources: is set, and the corpus at towns has its own; remove it or prepared"),
    _set("a prepared corpus with a vocabulary", "'corpus={prepared: towns}'", "vocab: is set, and the corpus at towns brings its own vocabulary; remove one of them"),
    _set("a small vocabulary", "vocab.size=3", "vocab.size: 3 is not allowed; give 32 or more"),
    _set("nothing to do", "pretrain=null squad=null", "pretrain: is not set, nor is squad, so there is nothing to do; set at least one of them"),
    _set("a number for a stage", "squad=3", "squad: 3 is not allowed; give a list"),
    _set("a stage with a reserved name", "squad.0.name=corpus", "squad.name: 'corpus' is that of two stages, or reserved; give each stage a name of its own"),
    _set("a threshold that is none", "squad.0.null_threshold=best", "squad.0.null_threshold: 'best' is not allowed; give 'best_exact' or 'best_f1', or a number"),
    _set("patience without scorings", "squad.0.early_stopping_patience=2", "squad.0.early_stopping_patience: counts scorings, and there are none; set eval_every"),
    _set("windows with gaps", "squad.0.doc_stride=200", "squad.0.max_length: 128 leaves 93 tokens of context beside a question of 32, less than doc_stride 200, so text between windows would be skipped; raise max_length or lower doc_stride"),
    _set("a path for a list of files", "squad.0.train=dev.json", "squad.0.train: 'dev.json' is not allowed; give a list"),
    _set("no dev file", "squad.0.dev=null", "squad.0.dev: null is not allowed; give text"),
    Case("a model that is not there", "run run.yaml squad.0.model=nowhere", "nowhere: no such model directory; give the path or URI of one, of a .nemo or .pt file, or a name such as bertbaseuncased", leaves=_FOLDER),
    Case("text that is not there", "run run.yaml corpus.sources.0.path=gone.txt", "gone.txt: there is no such file or folder, or it is empty; check the path in corpus.sources", leaves=(*_BEGUN, "runs/mine/corpus", "runs/mine/corpus/begun.json")),
    Case("a prepared corpus that is not there", "run prepared.yaml", "corpus.prepared: there is no corpus at towns; make it with `berth prepare`", {"prepared.yaml": _PREPARED}, leaves=_BEGUN),
    Case("a file that is not SQuAD's, before anything is made", "run run.yaml squad.0.train=[bad.json]", "bad.json: 'data' is missing; give a SQuAD file, v1.1 or v2.0", {"bad.json": "{}"}, leaves=_FOLDER),
)  # fmt: skip
