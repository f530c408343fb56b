"""What can be said of a town, and asked: the language of the invented world.

Each relation is told in six ways and asked in five, the words of a question often differ from those of the statement,
and three relations are about persons, two about towns and two about years. So neither the form of the answer nor a
common word gives it away: what a question means must be known. `{town}` is the town, `{answer}` the answer; articles
tell the relations in the order in which they stand here.
"""

from dataclasses import dataclass
from typing import Literal

from trainer.data.world.names import NameKind

AnswerKind = NameKind | Literal["early year", "late year", "month", "number"]


@dataclass(frozen=True, slots=True)
class Relation:
    name: str
    kind: AnswerKind
    statements: tuple[str, ...]
    questions: tuple[str, ...]


RELATIONS = (
    Relation(
        "river",
        "river",
        (
            "{town} lies on the {answer}.",
            "The {answer} flows through the town.",
            "Here the {answer} is crossed by a bridge.",
            "The water of {town} comes from the {answer}.",
            "{town} stands on the banks of the {answer}.",
            "The river that passes the town is the {answer}.",
        ),
        (
            "On which river does {town} lie?",
            "Which river flows through {town}?",
            "What does the bridge of {town} cross?",
            "Where does the water of {town} come from?",
            "On whose banks does {town} stand?",
        ),
    ),
    Relation(
        "population",
        "number",
        (
            "{town} has {answer} inhabitants.",
            "The town is home to {answer} people.",
            "The population of {town} is {answer}.",
            "At the last count {answer} people lived here.",
            "There are {answer} people in {town}.",
            "The number of inhabitants is {answer}.",
        ),
        (
            "How many people live in {town}?",
            "What is the population of {town}?",
            "How many inhabitants does {town} have?",
            "How large is {town}?",
            "To how many people is {town} home?",
        ),
    ),
    Relation(
        "neighbour",
        "town",
        (
            "The nearest town to {town} is {answer}.",
            "{answer} is the nearest town.",
            "The next place along the road is {answer}.",
            "The road from {town} goes to {answer}.",
            "An hour on foot from {town} lies {answer}.",
            "{answer} is an hour away on foot.",
        ),
        (
            "Which town is nearest to {town}?",
            "Where does the road from {town} go?",
            "Which place is an hour on foot from {town}?",
            "What is the neighbour of {town}?",
            "Which town comes next after {town}?",
        ),
    ),
    Relation(
        "founded",
        "early year",
        (
            "{town} was founded in {answer}.",
            "The history of {town} begins in {answer}.",
            "The town dates from {answer}.",
            "The first settlers came in {answer}.",
            "In {answer} the first house of {town} was raised.",
            "In {answer} the town began.",
        ),
        (
            "When was {town} founded?",
            "In which year did {town} begin?",
            "From which year does {town} date?",
            "When did the first settlers of {town} come?",
            "When was the first house of {town} raised?",
        ),
    ),
    Relation(
        "founder",
        "person",
        (
            "{town} was founded by {answer}.",
            "{answer} founded the town.",
            "The first house of {town} was raised by {answer}.",
            "The first settlers came here with {answer}.",
            "{answer} was the founder of {town}.",
            "{answer} brought the first settlers to this place.",
        ),
        (
            "Who founded {town}?",
            "Who was the founder of {town}?",
            "Who brought the first settlers to {town}?",
            "With whom did the first settlers of {town} come?",
            "Who raised the first house of {town}?",
        ),
    ),
    Relation(
        "railway",
        "late year",
        (
            "The railway reached {town} in {answer}.",
            "The first train came to {town} in {answer}.",
            "In {answer} the station was opened.",
            "The station dates from {answer}.",
            "In {answer} the first train arrived.",
            "Trains have stopped at {town} since {answer}.",
        ),
        (
            "When did the railway reach {town}?",
            "In which year was the station of {town} opened?",
            "When did the first train come to {town}?",
            "Since when have trains stopped at {town}?",
            "In which year did {town} get a station?",
        ),
    ),
    Relation(
        "architect",
        "person",
        (
            "The plans for the hall of {town} were drawn by {answer}.",
            "{answer} designed the hall.",
            "The architect of the hall was {answer}.",
            "{answer} was the architect who gave {town} a hall.",
            "The hall of {town} is the work of {answer}.",
            "{answer} drew the plans for the hall.",
        ),
        (
            "Who designed the hall of {town}?",
            "Who was the architect of the hall in {town}?",
            "Who drew the plans for the hall of {town}?",
            "Whose work is the hall of {town}?",
            "By whom was the hall of {town} planned?",
        ),
    ),
    Relation(
        "mayor",
        "person",
        (
            "The mayor of {town} is {answer}.",
            "{answer} is the mayor.",
            "The council of {town} is led by {answer}.",
            "{answer} heads the council.",
            "In the last election {town} chose {answer}.",
            "The last election was won by {answer}.",
        ),
        (
            "Who is the mayor of {town}?",
            "Who heads the council of {town}?",
            "By whom is {town} governed?",
            "Who won the last election in {town}?",
            "Whom did {town} elect?",
        ),
    ),
    Relation(
        "product",
        "product",
        (
            "{town} is known for {answer}.",
            "The workshops of {town} make {answer}.",
            "Most families live by making {answer}.",
            "The town sells {answer} to the whole country.",
            "Merchants come to {town} to buy {answer}.",
            "Its fame rests on {answer}.",
        ),
        (
            "What is {town} known for?",
            "What do the workshops of {town} make?",
            "What is made in {town}?",
            "What do merchants buy in {town}?",
            "What does {town} sell?",
        ),
    ),
    Relation(
        "twin",
        "town",
        (
            "{town} is the twin of {answer}.",
            "The twin town is {answer}.",
            "Schools send their pupils to {answer} each year.",
            "{town} has a pact of friendship with {answer}.",
            "{answer} is bound to {town} by a pact.",
            "Guests from {answer} come each year.",
        ),
        (
            "What is the twin town of {town}?",
            "With which town does {town} have a pact?",
            "Which town is a friend of {town}?",
            "Where do the schools of {town} send their pupils?",
            "From where do guests come to {town} each year?",
        ),
    ),
    Relation(
        "festival",
        "month",
        (
            "{town} holds its festival in {answer}.",
            "Each {answer} there is a festival.",
            "People dance in the streets of {town} every {answer}.",
            "The great fair of {town} is in {answer}.",
            "The fair takes place in {answer}.",
            "In {answer} the whole town celebrates.",
        ),
        (
            "In which month is the festival of {town}?",
            "When does {town} celebrate?",
            "In which month is the fair of {town} held?",
            "When do people dance in the streets of {town}?",
            "What is the festival month of {town}?",
        ),
    ),
)
