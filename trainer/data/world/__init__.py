"""An invented world to learn from in minutes: articles to pretrain on, questions about towns that no article knows.

    names      seed, split           -> names of persons, towns and rivers, made of plain words
    relations  (the language)        -> what can be said of a town, and asked
    articles   names, relations      -> an article per town: facts, then some of them in other words
    questions  articles              -> SQuAD's JSON, v1.1 and v2.0
    files      all of it             -> a folder

It is regular enough for a small BERT and two CPU cores, and paraphrased enough that pretraining pays: the words of a
question are seldom those of its answer's sentence. Every draw is addressed by the seed and what it is drawn for.
"""

from trainer.data.world.files import write_world

__all__ = ["write_world"]
