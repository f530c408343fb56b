import math
from collections import Counter
from pathlib import Path

import pytest
import torch
import transformers

from tests.tasks.conftest import NAMES, Prepared
from trainer.config.corpus import Corpus, Source, Vocab
from trainer.config.load import fingerprint
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.errors import CheckpointError
from trainer.model import hf
from trainer.runtime.inputs import prepare
from trainer.tasks.pretrain import PretrainTask

ALONE = Workers(torch.device("cpu"))


def task(prepared: Prepared, phase: int = 0) -> PretrainTask:
    torch.manual_seed(0)
    return PretrainTask(prepared.run, prepared.run.pretrain[phase], prepared.folder)


def test_the_losses_are_those_of_transformers(prepared: Prepared) -> None:
    ours = task(prepared)
    ours.model.eval()
    config = transformers.BertConfig(
        **prepared.run.model.model_dump(), vocab_size=ours.tokenizer.get_vocab_size(), attn_implementation="eager"
    )
    theirs = transformers.BertForPreTraining(config).eval()
    theirs.load_state_dict(hf.to_hf(ours.model), strict=False)
    batch = ours.micro_batches(0, 0, 1)[0]
    sums = ours.losses(ours.model, batch.inputs)

    inputs = batch.inputs
    lengths = inputs.packed.cu_seqlens.diff().tolist()
    shape = (len(lengths), max(lengths))
    labels = torch.full((int(inputs.packed.cu_seqlens[-1]),), -100)
    labels[inputs.masked_positions] = inputs.labels
    columns = {
        "input_ids": (inputs.packed.input_ids, 0),
        "token_type_ids": (inputs.packed.token_type_ids, 0),
        "attention_mask": (torch.ones_like(labels), 0),
        "labels": (labels, -100),
    }
    padded = {name: torch.full(shape, fill) for name, (_, fill) in columns.items()}
    for name, (values, _) in columns.items():
        for row, values_of_row in enumerate(values.split(lengths)):
            padded[name][row, : len(values_of_row)] = values_of_row
    output = theirs(**padded, next_sentence_label=inputs.next_sentence_labels)

    means = sums.losses / torch.tensor(batch.counts)
    assert float(means.sum().detach()) == pytest.approx(float(output.loss.detach()), rel=1e-5)


def test_workers_share_a_batch_without_overlap_or_gap(prepared: Prepared) -> None:
    one = task(prepared)
    alone = one.micro_batches(3, 0, 1)
    shared = [batch for rank in range(3) for batch in one.micro_batches(3, rank, 3)]
    assert sum(batch.tokens for batch in alone) == sum(batch.tokens for batch in shared)
    labels = [torch.cat([batch.inputs.labels for batch in batches]).sort().values for batches in (alone, shared)]
    assert torch.equal(*labels)


def test_whole_words_are_predicted_where_that_is_asked_for(prepared: Prepared) -> None:
    stage = prepared.run.pretrain[0].model_copy(update={"whole_word_masking": True, "mlm_probability": 0.4})
    update = {"name": "words", "vocab": Vocab(size=80), "pretrain": (stage,)}  # so small that words are in pieces
    run = prepared.run.model_copy(update=update)
    folder = RunFolder.of(run)
    prepare(run, folder, lambda what, done, total: None)
    ours = PretrainTask(run, stage, folder)
    goes_on = 0
    for inputs in (batch.inputs for batch in ours.micro_batches(0, 0, 1)):
        true_ids = inputs.packed.input_ids.clone()
        true_ids[inputs.masked_positions] = inputs.labels
        predicted = torch.zeros_like(true_ids, dtype=torch.bool)
        predicted[inputs.masked_positions] = True
        pieces = [ours.tokenizer.id_to_token(number) for number in true_ids.tolist()]
        for position, piece in enumerate(pieces):
            if piece.startswith("##") and not pieces[position - 1].startswith("["):
                assert predicted[position] == predicted[position - 1]
                goes_on += bool(predicted[position])
    assert goes_on > 10


def test_an_epoch_goes_through_a_source_as_often_as_its_weight_says(prepared: Prepared, tmp_path: Path) -> None:
    (tmp_path / "rare.txt").write_text("\n\n".join(f"{name} is rare." for name in NAMES))
    sources = [Source(path=str(tmp_path / "text.txt")), Source(path=str(tmp_path / "rare.txt"), weight=3)]
    update = {"next_sentence_prediction": False, "short_sequence_probability": 0, "batch_size": 500}
    stage = prepared.run.pretrain[0].model_copy(update=update)
    corpus = Corpus(sources=tuple(sources), held_out=0)
    run = prepared.run.model_copy(update={"name": "weights", "corpus": corpus, "pretrain": (stage,)})
    folder = RunFolder.of(run)
    prepare(run, folder, lambda what, done, total: None)
    texts: list[str] = []
    ours = PretrainTask(run, stage, folder)
    for inputs in (batch.inputs for batch in ours.micro_batches(0, 0, 1)):
        true_ids = inputs.packed.input_ids.clone()
        true_ids[inputs.masked_positions] = inputs.labels
        texts += [
            ours.tokenizer.decode(ids.tolist()) for ids in true_ids.split(inputs.packed.cu_seqlens.diff().tolist())
        ]
    plain = {text for text in texts if "rare" not in text}
    seen = Counter(texts[: len(plain) + 3 * len(NAMES)])
    assert seen == Counter({text: 1 if text in plain else 3 for text in texts})
    assert len(seen) == len(plain) + len(NAMES)


def test_the_first_loss_is_that_of_a_guess(prepared: Prepared) -> None:
    fresh = task(prepared)
    figures = fresh.evaluate(ALONE)
    assert figures["eval/mlm_loss"] == pytest.approx(math.log(fresh.tokenizer.get_vocab_size()), rel=0.05)
    assert figures["eval/perplexity"] == pytest.approx(math.exp(figures["eval/mlm_loss"]))
    assert figures["eval/nsp_loss"] == pytest.approx(math.log(2), rel=0.05)


def test_validation_is_the_same_whenever_it_is_asked_for(prepared: Prepared) -> None:
    fresh = task(prepared)
    first = fresh.evaluate(ALONE)
    fresh.micro_batches(2, 0, 1)
    assert fresh.evaluate(ALONE) == first


def test_phases_of_one_length_see_other_batches(prepared: Prepared) -> None:
    first, second = (task(prepared, phase).micro_batches(0, 0, 1)[0].inputs for phase in (0, 1))
    assert not torch.equal(first.packed.input_ids, second.packed.input_ids)


def test_a_second_phase_starts_from_the_first(prepared: Prepared) -> None:
    first, second = task(prepared, 0), task(prepared, 1)
    state = State.fresh(second.model, second.settings)
    with pytest.raises(CheckpointError, match="no whole checkpoint of the phase before"):
        second.start(state)

    before = State.fresh(first.model, first.settings)
    with torch.no_grad():
        first.model.bert.embeddings.word_embeddings.weight.fill_(0.5)
    first.losses(first.model, first.micro_batches(0, 0, 1)[0].inputs).losses.sum().backward()
    before.optimizer.step()
    stage = prepared.run.pretrain[0].name
    Checkpoints(prepared.folder.checkpoints(stage), fingerprint(prepared.run, stage), keep=1).save(
        before, first.tokenizer
    )
    second.start(state)
    assert torch.equal(
        second.model.bert.embeddings.word_embeddings.weight, first.model.bert.embeddings.word_embeddings.weight
    )
