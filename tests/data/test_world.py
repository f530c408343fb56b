import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from trainer import storage
from trainer.config.schema import World
from trainer.data.sentences import split
from trainer.data.world import write_world
from trainer.data.world.articles import FACTS_RETOLD, FACTS_TOLD, articles
from trainer.data.world.names import names
from trainer.data.world.relations import RELATIONS
from trainer.errors import ConfigError

FILES = ("articles.txt", "train-v1.1.json", "dev-v1.1.json", "train-v2.0.json", "dev-v2.0.json")
SQUAD_FILES = FILES[1:]
WORLD = World(seed=3, towns=400, dev_towns=40)


def written(world: World, folder: Path) -> dict[str, bytes]:
    write_world(world, str(folder))
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(WORLD, str(folder))
    return folder


def paragraphs(path: Path) -> list[dict[str, Any]]:
    data = json.loads(path.read_text())["data"]
    return [paragraph for article in data for paragraph in article["paragraphs"]]


def questions(path: Path) -> dict[str, dict[str, Any]]:
    found = [question for paragraph in paragraphs(path) for question in paragraph["qas"]]
    by_id = {question["id"]: question for question in found}
    assert len(by_id) == len(found), "two questions have one id"
    return by_id


def test_the_same_seed_gives_the_same_bytes_on_any_machine(tmp_path: Path) -> None:
    files = written(World(seed=0, towns=30, dev_towns=5), tmp_path)
    digest = hashlib.sha256(b"".join(files.values())).hexdigest()
    # Of the words of the world as they are now: whoever changes them writes the new digest here.
    assert digest == "e3b0c7f692d8fff5838420ce02718f5189334613c6889f1293ca3f32181452fc"


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    one, other = (written(World(seed=seed, towns=30, dev_towns=5), tmp_path / str(seed)) for seed in (0, 1))
    assert all(one[name] != other[name] for name in FILES)


def test_a_larger_world_begins_with_the_smaller_one(tmp_path: Path) -> None:
    small, large = (written(World(towns=towns, dev_towns=5), tmp_path / str(towns)) for towns in (20, 30))
    assert large["articles.txt"].startswith(small["articles.txt"].rstrip())
    assert large["dev-v2.0.json"] == small["dev-v2.0.json"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_name_belongs_to_dev_and_to_training(seed: int) -> None:
    train, dev = names(seed, dev=False), names(seed, dev=True)
    for kind in train:
        assert dev[kind]
        assert not set(train[kind]) & set(dev[kind])


def test_dev_names_occur_neither_in_the_articles_nor_in_the_training_questions(folder: Path) -> None:
    seen = "".join((folder / name).read_text() for name in FILES if not name.startswith("dev"))
    kinds = names(WORLD.seed, dev=True).keys()
    for article in articles(WORLD.seed, WORLD.dev_towns, dev=True):
        named = [fact.answer for fact in article.facts if fact.relation.kind in kinds]
        for name in (article.town, *named):
            assert not re.search(rf"\b{name}\b", seen), name


def test_dev_names_are_made_of_words_that_the_articles_know() -> None:
    train, dev = names(0, dev=False), names(0, dev=True)
    for kind, known in train.items():
        assert set(" ".join(dev[kind]).split()) <= set(" ".join(known).split())


@pytest.mark.parametrize("name", SQUAD_FILES)
def test_an_answer_stands_where_the_file_says(folder: Path, name: str) -> None:
    answers = 0
    for paragraph in paragraphs(folder / name):
        for question in paragraph["qas"]:
            for answer in question["answers"]:
                start, text = answer["answer_start"], answer["text"]
                assert paragraph["context"][start : start + len(text)] == text
                assert paragraph["context"].count(text) == 1
                answers += 1
    assert answers


@pytest.mark.parametrize("split_name", ["train", "dev"])
def test_a_quarter_to_a_third_of_the_v2_questions_have_no_answer_and_none_of_v1(folder: Path, split_name: str) -> None:
    version_1 = questions(folder / f"{split_name}-v1.1.json")
    version_2 = questions(folder / f"{split_name}-v2.0.json")
    impossible = {key for key, question in version_2.items() if question["is_impossible"]}
    assert all(question["answers"] for question in version_1.values())
    assert all(bool(question["answers"]) != question["is_impossible"] for question in version_2.values())
    assert 1 / 4 <= len(impossible) / len(version_2) <= 1 / 3
    assert version_2.keys() - impossible == version_1.keys()


@pytest.mark.parametrize("name", SQUAD_FILES)
def test_the_files_have_the_fields_of_squad(folder: Path, name: str) -> None:
    version_2 = "v2.0" in name
    file = json.loads((folder / name).read_text())
    assert file.keys() == {"version", "data"}
    assert file["version"] == ("v2.0" if version_2 else "1.1")
    for article in file["data"]:
        assert article.keys() == {"title", "paragraphs"}
        for paragraph in article["paragraphs"]:
            assert paragraph.keys() == {"context", "qas"}
            for question in paragraph["qas"]:
                assert question.keys() == {"id", "question", "answers"} | ({"is_impossible"} if version_2 else set())
                assert all(answer.keys() == {"text", "answer_start"} for answer in question["answers"])


def test_a_question_without_answer_asks_for_what_the_paragraph_does_not_tell(folder: Path) -> None:
    told = {
        f"{article.town}-{fact.relation.name}".lower().replace(" ", "-")
        for article in articles(WORLD.seed, WORLD.dev_towns, dev=True)
        for fact in article.facts
    }
    for key, question in questions(folder / "dev-v2.0.json").items():
        assert (key in told) != question["is_impossible"]


def test_an_article_is_a_block_of_two_lines_and_falls_into_its_sentences(folder: Path) -> None:
    blocks = storage.read_text(str(folder / "articles.txt")).rstrip("\n").split("\n\n")
    assert len(blocks) == WORLD.towns
    for block, article in zip(blocks, articles(WORLD.seed, WORLD.towns, dev=False), strict=True):
        assert block.split("\n") == [article.context, article.sequel]
        assert article.town in split(article.context)[0]
        assert len(split(article.context)) == FACTS_TOLD
        assert FACTS_RETOLD <= len(split(article.sequel)) <= 2 * FACTS_RETOLD


def test_relations_share_kinds_of_answers_but_no_phrasing() -> None:
    phrasings = [text for relation in RELATIONS for text in (*relation.statements, *relation.questions)]
    assert len(set(phrasings)) == len(phrasings)
    assert sum(relation.kind == "person" for relation in RELATIONS) == 3
    for relation in RELATIONS:
        assert all(statement.count("{answer}") == 1 for statement in relation.statements)
        assert all("{town}" in question and "{answer}" not in question for question in relation.questions)
        assert any("{town}" in statement for statement in relation.statements), "it could not open an article"


@pytest.mark.parametrize("field", ["towns", "dev_towns"])
def test_more_towns_than_names_are_refused(tmp_path: Path, field: str) -> None:
    message = rf"^world\.{field}: 99999 towns, and there are names for (\d+); lower it to \1$"
    with pytest.raises(ConfigError, match=message):
        write_world(World(**{field: 99_999}), str(tmp_path))
    assert not list(tmp_path.iterdir())
