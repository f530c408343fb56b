import dataclasses
import itertools
import json
from pathlib import Path

import pytest
import torch
import transformers

import trainer
from trainer import storage
from trainer.config import schema
from trainer.config.reading import Reading
from trainer.errors import InputError
from trainer.model import tokenizer as tokenizer_files
from trainer.model.heads import BertForQuestionAnswering
from trainer.squad import examples, features
from trainer.squad.examples import Example
from trainer.tasks.question_answering import Answer, QuestionAnswering

SMALL = schema.Model(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
TOWN = "Ashford lies on a river. Arlo is the mayor of Ashford. " * 20


@pytest.fixture(scope="module")
def reader(shared_data: Path) -> QuestionAnswering:
    """A small model with random weights and BERT's real vocabulary."""
    torch.manual_seed(0)
    vocab = str(shared_data / "bert-base-uncased-vocab.txt")
    tokenizer = tokenizer_files.of_vocabulary(storage.read_text(vocab), vocab)
    model = BertForQuestionAnswering(SMALL, tokenizer.get_vocab_size())
    with torch.no_grad():
        model.qa_outputs.weight.mul_(50)  # answers that differ, as those of a trained model do
    return QuestionAnswering(model, tokenizer, precision="fp32")


@pytest.fixture(scope="module")
def questions(shared_data: Path) -> list[tuple[str, str]]:
    """Real ones, of many articles."""
    dataset = examples.load(str(shared_data / "squad" / "dev-v1.1.json.gz"))
    return [(example.question, example.context) for example in dataset.examples[::100]]


def rounded(answer: Answer) -> Answer:
    return dataclasses.replace(answer, probability=round(answer.probability, 4))


def test_answers_are_the_same_one_at_a_time_and_in_batches(
    reader: QuestionAnswering, questions: list[tuple[str, str]]
) -> None:
    alone = [rounded(reader(*pair)) for pair in questions]
    assert len({answer.text for answer in alone}) > len(questions) / 2
    for batch_size in (7, 1000):
        assert [rounded(answer) for answer in reader.answers(questions, batch_size)] == alone


def test_places_are_characters_of_the_context(reader: QuestionAnswering, questions: list[tuple[str, str]]) -> None:
    emoji = ("Wo liegt Zürich?", "😀 Zürich — cafe\u0301 — שָׁלוֹם 日本 Ünïcödé. " * 30)
    for (_, context), answer in zip([*questions, emoji], reader.answers([*questions, emoji]), strict=True):
        assert answer.text
        assert context[answer.start : answer.end] == answer.text
        assert 0 < answer.probability <= 1


def best_place(reader: QuestionAnswering, question: str, context: str) -> tuple[int, int]:
    """By trying all spans of all windows."""
    reading = reader.reading
    windows = features.convert(
        [Example("", "", question, context, ())],
        reader._tokenizer,
        max_length=reading.max_length,
        doc_stride=reading.doc_stride,
        max_query_length=reading.max_query_length,
    )
    scored = [
        (
            starts[first] + ends[last],
            window.offsets[first - window.context_offset, 0],
            window.offsets[last - window.context_offset, 1],
        )
        for window, (starts, ends) in zip(windows, reader._logits(windows), strict=True)
        for first in range(window.context_offset, window.context_offset + len(window.offsets))
        for last in range(first, min(first + reading.max_answer_length, window.context_offset + len(window.offsets)))
    ]
    _, start, end = max(scored, key=lambda span: span[0])
    return int(start), int(end)


@pytest.mark.parametrize("before", ["", "River. ", "One. Two. " * 40])
def test_of_many_places_with_the_same_text_the_chosen_one_is_given(reader: QuestionAnswering, before: str) -> None:
    # The same sentence again and again: only the position in the window tells the places apart.
    answer = reader("Who is the mayor?", before + TOWN)
    assert TOWN.count(answer.text) > 1
    assert (answer.start, answer.end) == best_place(reader, "Who is the mayor?", before + TOWN)


def test_questions_are_read_a_batch_at_a_time(reader: QuestionAnswering) -> None:
    read = itertools.count()
    answers = reader.answers(((f"Question {next(read)}?", TOWN) for _ in range(100)), batch_size=4)
    next(answers)
    assert next(read) == 4


def test_a_document_of_a_book_is_read_to_its_end(reader: QuestionAnswering, questions: list[tuple[str, str]]) -> None:
    document = "\n".join(dict.fromkeys(context for _, context in questions))
    document = (document * 3)[:100_000]
    answer = reader("Which team won the game?", document)
    assert document[answer.start : answer.end] == answer.text
    assert (answer.start, answer.end) == best_place(reader, "Which team won the game?", document)


def test_a_forward_pass_is_bounded_however_long_the_document(
    reader: QuestionAnswering,
) -> None:
    tokens: list[int] = []
    model = reader._model
    hook = model.register_forward_pre_hook(lambda _, inputs: tokens.append(len(inputs[0].input_ids)))
    try:
        reader("Who?", TOWN * 100)
    finally:
        hook.remove()
    assert len(tokens) > 1
    assert max(tokens) <= 4096


def test_a_model_of_questions_without_answer_may_say_that_there_is_none(models: Path) -> None:
    uri = str(models / "squad" / "model")
    assert QuestionAnswering.from_pretrained(uri).reading.version_2_with_negative
    declines = trainer.QuestionAnswering.from_pretrained(uri, null_threshold=-1e9)
    none = declines("Who is the mayor?", TOWN)
    assert (none.text, none.start, none.end) == ("", 0, 0)
    assert 0 < none.probability < 1
    must = QuestionAnswering.from_pretrained(uri, null_threshold=-1e9, handle_impossible_answer=False)
    assert must("Who is the mayor?", TOWN).text


def test_a_model_that_does_not_say_how_it_was_taught_always_answers(models: Path) -> None:
    config = models / "squad" / "model" / "config.json"
    described = json.loads(config.read_text())
    del described["berth"]
    config.write_text(json.dumps(described))
    reader = QuestionAnswering.from_pretrained(str(config.parent), null_threshold=-1e9)
    assert reader.reading.max_length == 96, "its table of positions"
    assert reader("Who is the mayor?", TOWN).text


def test_a_model_is_asked_as_it_was_taught(models: Path) -> None:
    reading = QuestionAnswering.from_pretrained(str(models / "squad" / "model")).reading
    assert reading == Reading(
        max_length=64,
        doc_stride=32,
        max_query_length=16,
        max_answer_length=30,
        n_best=20,
        null_threshold=0,
        version_2_with_negative=True,
    )


def test_transformers_opens_a_model_that_says_how_it_was_taught(models: Path) -> None:
    theirs = transformers.AutoModelForQuestionAnswering.from_pretrained(str(models / "squad" / "model"))
    assert isinstance(theirs, transformers.BertForQuestionAnswering)


@pytest.mark.parametrize(("question", "context"), [(" ", "A text."), ("Who?", "\n")])
def test_an_empty_question_or_context_is_refused(reader: QuestionAnswering, question: str, context: str) -> None:
    with pytest.raises(InputError, match="it is empty"):
        reader(question, context)


def test_a_model_for_something_else_is_refused(models: Path) -> None:
    with pytest.raises(InputError, match="the model answers no questions; give the model of a SQuAD stage"):
        QuestionAnswering.from_pretrained(str(models / "second" / "model"))
