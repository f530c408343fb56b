"""Questions about articles in SQuAD's JSON formats (Rajpurkar et al. 2016, 2018).

As in SQuAD, v2.0 is v1.1 and questions beside it that the paragraph does not answer; the others have the same ids and
words in both. What is asked for is told of other towns, and the paragraph often names something of the very kind.
"""

import json
import random
from collections.abc import Sequence
from typing import Any

from trainer.data.world.articles import Article, Fact
from trainer.data.world.relations import Relation


def squad_json(articles: Sequence[Article], seed: int, *, version_2: bool, facts_asked: int, untold_asked: int) -> str:
    """A SQuAD file with a paragraph per article.

    Args:
        facts_asked: questions about each article that it answers.
        untold_asked: questions about each article that it does not answer; v2.0 only.
    """
    data: list[dict[str, Any]] = []
    for article in articles:
        rng = random.Random(f"questions {seed} {article.town}")
        questions = [_answered(article, fact, rng, version_2) for fact in rng.sample(article.facts, facts_asked)]
        if version_2:
            questions += [_impossible(article, relation, rng) for relation in rng.sample(article.untold, untold_asked)]
        data.append({"title": article.town, "paragraphs": [{"context": article.context, "qas": questions}]})
    return json.dumps({"version": "v2.0" if version_2 else "1.1", "data": data}, ensure_ascii=False)


def _answered(article: Article, fact: Fact, rng: random.Random, version_2: bool) -> dict[str, Any]:
    answers = [{"text": fact.answer, "answer_start": fact.start}]
    question = _question(article, fact.relation, rng) | {"answers": answers}
    return question | {"is_impossible": False} if version_2 else question


def _impossible(article: Article, relation: Relation, rng: random.Random) -> dict[str, Any]:
    return _question(article, relation, rng) | {"answers": [], "is_impossible": True}


def _question(article: Article, relation: Relation, rng: random.Random) -> dict[str, Any]:
    identifier = f"{article.town}-{relation.name}".lower().replace(" ", "-")
    return {"id": identifier, "question": rng.choice(relation.questions).replace("{town}", article.town)}
