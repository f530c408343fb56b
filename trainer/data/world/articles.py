"""A town's article: a paragraph of facts, and a second one with some of them in other words or as question and answer.

Only the first paragraph is asked about; the second exists for pretraining. As those facts come twice, a masked name can
be found by knowing which other sentence speaks of the same thing, which is just what answering a question takes.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trainer.data.world.names import NameKind, names
from trainer.data.world.relations import RELATIONS, Relation
from trainer.errors import ConfigError

FACTS_TOLD = 5
FACTS_RETOLD = 3

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

Names = dict[NameKind, list[str]]


class Fact(NamedTuple):
    """An answer, and the character of the context at which it starts."""

    relation: Relation
    answer: str
    start: int


@dataclass(frozen=True, slots=True)
class Article:
    town: str
    context: str
    sequel: str
    facts: tuple[Fact, ...]
    """What the context tells, in its order."""
    untold: tuple[Relation, ...]
    """What neither paragraph tells."""


def articles(seed: int, towns: int, *, dev: bool) -> list[Article]:
    """An article for each town; those of `dev` and the others share no name.

    Raises:
        ConfigError: more towns than there are names for.
    """
    known = names(seed, dev=dev)
    limit = len(known["town"])
    if towns > limit:
        where = "world.dev_towns" if dev else "world.towns"
        raise ConfigError(where, f"{towns} towns, and there are names for {limit}", f"lower it to {limit}")
    return [_article(town, known, random.Random(f"article {seed} {town}")) for town in known["town"][:towns]]


def _article(town: str, known: Names, rng: random.Random) -> Article:
    told = _some(RELATIONS, FACTS_TOLD, rng)
    retold = _some(told, FACTS_RETOLD, rng)
    used = {town}
    context = ""
    facts: list[Fact] = []
    sequel: list[str] = []
    for relation in told:
        # The first sentence names the town.
        statement = rng.choice([one for one in relation.statements if context or "{town}" in one])
        answer = _new_answer(relation, known, used, rng)
        opening = f"{context} " if context else ""
        before, after = statement.replace("{town}", town).split("{answer}")
        facts.append(Fact(relation, answer, len(opening + before)))
        context = f"{opening}{before}{answer}{after}"
        if relation in retold:
            sequel.append(_retelling(relation, statement, rng).replace("{town}", town).replace("{answer}", answer))
    untold = tuple(relation for relation in RELATIONS if relation not in told)
    return Article(town, context, " ".join(sequel), tuple(facts), untold)


def _retelling(relation: Relation, statement: str, rng: random.Random) -> str:
    others = [other for other in relation.statements if other != statement]
    return rng.choice((rng.choice(others), f"{rng.choice(relation.questions)} {{answer}}."))


def _new_answer(relation: Relation, known: Names, used: set[str], rng: random.Random) -> str:
    """An answer that the article does not name yet; it joins the `used` ones."""
    answer = _answer(relation, known, rng)
    while answer in used:
        answer = _answer(relation, known, rng)
    used.add(answer)
    return answer


def _answer(relation: Relation, known: Names, rng: random.Random) -> str:
    match relation.kind:
        case "person" | "town" | "river" | "product":
            return rng.choice(known[relation.kind])
        case "early year":
            return str(rng.randint(1400, 1799))
        case "late year":
            return str(rng.randint(1840, 1939))
        case "month":
            return rng.choice(_MONTHS)
        case "number":
            return f"{rng.randint(1, 9)},{rng.randint(0, 9)}00"


def _some(relations: Sequence[Relation], count: int, rng: random.Random) -> list[Relation]:
    """So many of the relations, in their order."""
    return [relations[index] for index in sorted(rng.sample(range(len(relations)), count))]
