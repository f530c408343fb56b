from pathlib import Path

import pytest

from trainer.config.load import differences, dump, fingerprint, load, load_corpus, parse
from trainer.config.recipes import RECIPES, recipe_names
from trainer.config.schema import Run
from trainer.errors import ConfigError

MINIMAL = """\
name: mine
corpus: {sources: [{path: text}]}
pretrain: {max_steps: 10}
"""


@pytest.fixture
def minimal(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(MINIMAL)
    return str(path)


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    path = tmp_path / "corpus.yaml"
    path.write_text("storage: s3://b/wiki\ncorpus: {sources: [{path: text}]}\n")
    return str(path)


def refusal(source: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(source, overrides)
    return str(caught.value)


def test_a_file_is_read_and_overridden(minimal: str) -> None:
    run = load(minimal, ("pretrain.max_steps=500", "squad=[{name: s, train: [t], dev: d}]", "squad.0.epochs=0.5"))
    assert run.pretrain[0].max_steps == 500
    assert run.squad[0].epochs == 0.5


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_valid(name: str) -> None:
    assert load(name).stages


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_reads_text_that_can_be_had(name: str) -> None:
    """Wikipedia as it is distributed, books of one's own, or text that is invented."""
    corpus = load(name).corpus
    for source in corpus.sources if corpus else ():
        where = {"parquet": "hf://datasets/wikimedia/wikipedia/", "books": "data/books", "text": "run://world/"}
        assert source.path.startswith(where[source.format])
        if source.format == "books":
            assert "was not measured here" in (RECIPES / f"{name}.yaml").read_text()


def test_a_dumped_run_is_the_same_run(minimal: str) -> None:
    for source in (minimal, *recipe_names()):
        run = load(source)
        assert parse(dump(run), "dump") == run


def test_numbers_may_be_written_as_1e_minus_4(minimal: str) -> None:
    assert load(minimal, ("pretrain.optimizer.learning_rate=1e-4",)).pretrain[0].optimizer.learning_rate == 1e-4


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("pretrain.max_len=3", "pretrain.max_len: no such setting; did you mean max_length?"),
        ("nmae=x", "nmae: no such setting; did you mean name?"),
        ("pretrain.max_steps=many", "pretrain.max_steps: 'many' is not allowed; give a whole number"),
        ("pretrain.max_steps=0", "pretrain.max_steps: 0 is not allowed; give 1 or more"),
        ("scaling.num_workers=two", "scaling.num_workers: 'two' is not allowed; give a whole number, or a list"),
        ("name=Big Run", "name: 'Big Run' is not allowed; give up to 40 lower-case letters, digits and hyphens"),
        ("squad=5", "squad: 5 is not allowed; give a list"),
        ("corpus={}", "corpus.sources: is not set, nor is prepared, so there is no text; set one of them"),
        (
            "corpus.prepared=s3://b/wiki",
            "corpus.sources: is set, and the corpus at s3://b/wiki has its own; remove it or prepared",
        ),
        (
            "corpus={prepared: s3://b/wiki, held_out: 0}",
            "corpus.held_out: is set, and the corpus at s3://b/wiki has its own; remove it or prepared",
        ),
        ("corpus={preparde: s3://b/wiki}", "corpus.preparde: no such setting; did you mean prepared?"),
        ("corpus=null", "corpus: is not set, and pretrain needs text; set corpus.sources or corpus.prepared"),
        ("pretrain=null", "pretrain: is not set, nor is squad, so there is nothing to do; set at least one of them"),
        (
            "model.num_attention_heads=7",
            "model.num_attention_heads: 7 does not divide hidden_size 768; "
            "choose a hidden_size that is a multiple of 7",
        ),
        (
            "pretrain.max_length=1024",
            "pretrain.max_length: 1024 is over model.max_position_embeddings 512; "
            "lower max_length or raise max_position_embeddings",
        ),
        (
            "scaling.num_workers=3",
            "pretrain.batch_size: 256 is divided by no allowed worker count (3 to 3); choose a multiple of 3",
        ),
        ("scaling.num_workers=[4, 2]", "scaling.num_workers: [4, 2] is [most, least]; write the smaller one first"),
        ("pretrain", "pretrain: not an override; write section.field=value"),
        ("name.x=1", "name.x=1: name is a value, not a section; check the field's name"),
        ("corpus.sources.1.path=x", "corpus.sources.1.path=x: '1' is no entry of a list of 1; count from 0"),
        ("name=[", "name=[: its value is not YAML; quote it: 'name=\"...\"'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_a_remedy(minimal: str, override: str, message: str) -> None:
    assert refusal(minimal, override) == message


def test_a_prepared_corpus_brings_its_vocabulary(minimal: str) -> None:
    assert load(minimal, ("corpus={prepared: s3://b/wiki}",)).corpus is not None
    assert refusal(minimal, "corpus={prepared: s3://b/wiki}", "vocab.size=100") == (
        "vocab: is set, and the corpus at s3://b/wiki brings its own vocabulary; remove one of them"
    )


def test_a_corpus_to_prepare_is_read_and_overridden(corpus: str) -> None:
    settings = load_corpus(corpus, ("vocab.size=100",))
    assert (settings.storage, settings.vocab.size) == ("s3://b/wiki", 100)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("storage=null", "storage: null is not allowed; give text"),
        ("name=x", "name: no such setting; remove it"),
        ("corpus.held_outs=1", "corpus.held_outs: no such setting; did you mean held_out?"),
        ("corpus.sources=null", "corpus.sources: null is not allowed; give a list"),
        ("corpus={prepared: s3://b/other}", "corpus.sources: not set; set it"),
        (
            "corpus.prepared=s3://b/other",
            "corpus.sources: is set, and the corpus at s3://b/other has its own; remove it or prepared",
        ),
    ],
)
def test_a_wrong_setting_of_a_corpus_is_named(corpus: str, override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_corpus(corpus, (override,))
    assert str(caught.value) == message


def test_a_corpus_to_prepare_is_no_recipe() -> None:
    with pytest.raises(ConfigError, match="quickstart: no such file; give a YAML file with storage"):
        load_corpus("quickstart")


def test_text_between_windows_is_never_skipped(minimal: str) -> None:
    message = refusal(minimal, "squad=[{name: s, train: [t], dev: d, doc_stride: 380}]")
    assert message.startswith("squad.0.max_length: 384 leaves 317 tokens of context beside a question of 64")


def test_stages_need_names_of_their_own(minimal: str) -> None:
    assert "'pretrain' is that of two stages" in refusal(minimal, "squad=[{name: pretrain, train: [t], dev: d}]")


def test_a_worker_count_in_the_allowed_range_must_divide_the_batch(minimal: str) -> None:
    assert load(minimal, ("scaling.num_workers=[3, 5]",)).scaling.most_workers == 5


def test_a_source_that_is_neither_file_nor_recipe_lists_the_recipes() -> None:
    assert refusal("nothing").startswith(
        "nothing: no such file or recipe; give a YAML file or one of bert-base-original"
    )


@pytest.mark.parametrize(("text", "problem"), [("a: [", "not YAML"), ("- a", "not a section"), ("a: \xe9", "UTF-8")])
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(text.encode("latin-1"))
    assert problem in refusal(str(path))


def test_yaml_tags_build_no_python_objects(tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text("name: !!python/object/apply:os.system ['true']")
    assert "not YAML" in refusal(str(path))


def change(run: Run, *overrides: str) -> list[str]:
    text = dump(run)
    path = Path(overrides[-1])
    path.write_text(text)
    return [field for field, _, _ in differences(run, load(str(path), overrides[:-1]))]


def test_only_what_shapes_the_result_is_a_difference(minimal: str, tmp_path: Path) -> None:
    run = load(minimal, ("squad=[{name: s, train: [t], dev: d}]",))
    where = str(tmp_path / "changed.yaml")
    assert change(run, "scaling.num_workers=2", "tracking.wandb=disabled", "checkpoint.keep=9", where) == []
    assert change(run, "pretrain.0.max_steps=11", where) == ["pretrain.0.max_steps"]
    assert change(run, "squad.0.epochs=1", where) == ["squad.s.epochs"]
    assert change(run, "squad=null", where) == []


def test_a_sweep_may_grow_and_its_trials_stay_the_same(minimal: str, tmp_path: Path) -> None:
    run = load(minimal, ("squad=[{name: s, train: [t], dev: d, seeds: 2}]",))
    where = str(tmp_path / "changed.yaml")
    assert change(run, "squad.0.seeds=3", "squad.0.learning_rates=[3e-5, 5e-5]", where) == []
    assert change(run, "squad.0.epochs=1", where) == ["squad.s.3e-5.seed-0.epochs", "squad.s.3e-5.seed-1.epochs"]
    grown = load(minimal, ("squad=[{name: s, train: [t], dev: d, seeds: 3}]",))
    trial = "s.3e-5.seed-1"
    assert fingerprint(grown, trial) == fingerprint(run, trial) != fingerprint(run, "s.3e-5.seed-0")


def test_trials_need_something_to_train_on_and_short_names(minimal: str) -> None:
    assert refusal(minimal, "squad=[{name: s, model: m, dev: d, seeds: 2}]") == (
        "squad.0.train: is empty, so seeds and learning_rates change nothing; set train or remove them"
    )
    assert refusal(minimal, "squad=[{name: s, dev: d}]") == (
        "squad.0.train: is empty, and there is no model to score; set train, model or both"
    )
    assert refusal(minimal, "squad=[{name: s, train: [t], dev: d, early_stopping_patience: 2}]") == (
        "squad.0.early_stopping_patience: counts scorings, and there are none; set eval_every"
    )
    long = "a" * 35
    assert refusal(minimal, f"squad=[{{name: {long}, train: [t], dev: d, seeds: 2}}]") == (
        f"squad.name: '{long}.3e-5.seed-0' of a trial is over 40 characters; give its stage a shorter one"
    )


def test_a_prepared_corpus_may_move(minimal: str, tmp_path: Path) -> None:
    run = load(minimal, ("corpus={prepared: s3://b/wiki}",))
    moved = load(minimal, ("corpus={prepared: /mnt/wiki, wait_minutes: 5}",))
    assert differences(run, moved) == []
    assert fingerprint(run, "pretrain") == fingerprint(moved, "pretrain")
    assert [field for field, _, _ in differences(load(minimal), moved)] == ["corpus.sources"]


def test_a_stage_is_known_by_what_comes_before_it_too(minimal: str) -> None:
    run = load(minimal, ("squad=[{name: s, train: [t], dev: d}, {name: r, train: [t], dev: d}]",))
    longer = load(minimal, ("squad=[{name: s, train: [t], dev: d}, {name: r, train: [t], dev: d, epochs: 1}]",))
    other = load(minimal, ("pretrain.max_steps=11", "squad=[{name: s, train: [t], dev: d}]"))
    assert fingerprint(run, "s") == fingerprint(longer, "s")
    assert fingerprint(run, "r") != fingerprint(longer, "r")
    assert fingerprint(run, "s") != fingerprint(other, "s")
    assert fingerprint(run, "pretrain") == fingerprint(longer, "pretrain")
