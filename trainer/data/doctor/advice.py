"""A diagnosis -> plain warnings, each with what to do about it.

A warning is for what wastes a training run, not for what is merely odd: a good corpus has none.
"""

from collections.abc import Iterator

from trainer.data.doctor.diagnosis import Concern, Diagnosis, Drawn
from trainer.data.languages import WITHOUT_WORDS

DUPLICATE_DOCUMENTS = 0.01
"""Books and Wikipedia have none. A document that comes twice weighs twice, and is learnt by heart first."""
DUPLICATE_SENTENCES = 0.1
"""Measured: 12 novels have 0.04 %, Wikipedia 0.15 %, sentences that are made from six patterns 6 %."""
UNKNOWN = 0.01
"""A vocabulary of the text's own has next to none; with 1 % every fourth sentence of 30 tokens lacks a word."""
OTHER_LANGUAGES = 0.1
"""Quotations, names and the model's own mistakes make some per cent."""
CAPITALS = 0.01
"""A capital a sentence is already 4 %; measured: 12 English novels have 11 %."""
IDLE_CAPITALS = 0.05
"""Of the vocabulary; one that was trained on lower-cased text has none."""
SINGLE_SENTENCES = 0.5
"""More than half such documents, and the next sentence is more often random than BERT's one half can balance."""
RANDOM_NEXT = 0.65
"""BERT's is 0.5; with it a model that always says "random" is right so often that there is little to learn."""
SHORT = 0.5
"""Half of the instances: the positions over half of `max_length` are then trained by a minority."""
EPOCHS = 40
"""BERT itself went 40 times through its corpus (Devlin et al. 2019)."""
TOKENS_PER_PIECE = 100
"""Of corpus, for each piece of the vocabulary: a piece is then masked in some 15 places."""
MASK_RATE = 0.8
"""Of `mlm_probability`; special pieces and rounding take a little of it, only `max_predictions` takes as much."""
REPETITIVE_DOCUMENTS = 0.01
"""More is no accident: a crawler's menus, logs or tables among the text."""
WITHOUT_LANGUAGE = 0.02
"""Numbers and markup; one document in 50 is more than what any prose holds."""


def warnings(found: Diagnosis) -> tuple[Concern, ...]:
    """What to look at, the costliest first."""
    return tuple(_warnings(found))


def _warnings(found: Diagnosis) -> Iterator[Concern]:
    yield from _about_repeats(found)
    yield from _about_words(found)
    yield from _about_languages(found)
    yield from _about_size(found)
    if not found.assumed:
        for stage in found.drawn:
            yield from _about_stage(stage)


def _about_repeats(found: Diagnosis) -> Iterator[Concern]:
    if found.duplicate_documents >= DUPLICATE_DOCUMENTS:
        yield Concern(
            problem=f"{percent(found.duplicate_documents)} of your {found.kind} came before, word by word",
            remedy="set corpus.cleaning.duplicates to exact, or to near if there may be variants of them"
            if found.kind == "documents"
            else "make the instances anew, of text without duplicates",
        )
    if found.duplicate_sentences is not None and found.duplicate_sentences >= DUPLICATE_SENTENCES:
        yield Concern(
            problem=f"{percent(found.duplicate_sentences)} of your sentences are duplicates",
            remedy="set corpus.cleaning.duplicates to near, or take the boilerplate out of the text",
        )
    if found.repetitive >= REPETITIVE_DOCUMENTS:
        yield Concern(
            problem=f"{percent(found.repetitive)} of your {found.kind} repeat themselves for over half of their length",
            remedy="look at the strangest documents, and leave what they come from out of corpus.sources",
        )


def _about_words(found: Diagnosis) -> Iterator[Concern]:
    if found.unknown_rate >= UNKNOWN:
        words = ", ".join(repr(word) for word in list(found.unknown_words)[:3])
        such = f", such as {words}" if words else ""
        yield Concern(
            problem=f"{percent(found.unknown_rate)} of the tokens are unknown to the vocabulary{such}",
            remedy="train a vocabulary on this text (no vocab.path), or set corpus.cleaning.unicode to NFKC"
            if found.kind == "documents"
            else "look whether the instances were made with this vocabulary",
        )
    if found.capitals is not None and found.capitals < CAPITALS:
        yield Concern(
            problem=f"the vocabulary keeps capitals, and {percent(found.capitals)} of the words begin with one",
            remedy="set vocab.lowercase to true, or give the text as it was written",
        )
    if found.lowercase and found.idle_capitals >= IDLE_CAPITALS * found.vocab_size:
        yield Concern(
            problem=f"{found.idle_capitals:,} pieces of the vocabulary have capitals, and the text is lower-cased",
            remedy="set vocab.lowercase to false for a cased vocabulary",
        )


def _about_languages(found: Diagnosis) -> Iterator[Concern]:
    none = found.languages.get(WITHOUT_WORDS, 0)
    spoken = {code: share for code, share in found.languages.items() if code != WITHOUT_WORDS}
    if none >= WITHOUT_LANGUAGE:
        yield Concern(
            problem=f"{percent(none)} of the documents are in no language: numbers or markup",
            remedy=_languages_remedy(found, "the languages that you want"),
        )
    if spoken:
        main = max(spoken, key=lambda code: spoken[code])
        others = sum(spoken.values()) - spoken[main]
        if others >= OTHER_LANGUAGES:
            mix = ", ".join(f"{code} {percent(share)}" for code, share in list(spoken.items())[:4])
            yield Concern(
                problem=f"languages are mixed: {mix}",
                remedy=_languages_remedy(found, f"[{main}]"),
            )


def _languages_remedy(found: Diagnosis, wanted: str) -> str:
    if found.kind == "instances":
        return "make the instances anew, of text in the languages that you want"
    return f"set corpus.cleaning.languages to {wanted}, if you do not want the others"


def _about_size(found: Diagnosis) -> Iterator[Concern]:
    if found.tokens < TOKENS_PER_PIECE * found.vocab_size:
        yield Concern(
            problem=f"the corpus is tiny: {found.tokens:,} tokens for a vocabulary of {found.vocab_size:,}",
            remedy="add text, or set vocab.size lower",
        )
    if found.single_sentences is not None and found.single_sentences > SINGLE_SENTENCES and _has_pairs(found):
        yield Concern(
            problem=f"{percent(found.single_sentences)} of the documents are one sentence, so what follows is random",
            remedy="set next_sentence_prediction to false, or `documents: file` where a file is one text",
        )


def _has_pairs(found: Diagnosis) -> bool:
    return any(stage.random_next is not None for stage in found.drawn)


def _about_stage(stage: Drawn) -> Iterator[Concern]:
    if stage.epochs > EPOCHS:
        yield Concern(
            problem=f"{stage.stage} goes {stage.epochs:,.0f} times through the corpus",
            remedy=f"add text, or set max_steps lower: BERT went {EPOCHS} times through its own",
        )
    if stage.short > SHORT:
        yield Concern(
            problem=f"{percent(stage.short)} of {stage.stage}'s instances are under half of its max_length",
            remedy=f"set max_length to {_rounded(stage.long)}, which holds 95 % of them whole, or join short documents",
        )
    if stage.random_next is not None and stage.random_next > RANDOM_NEXT:
        yield Concern(
            problem=f"the second part is random in {percent(stage.random_next)} of {stage.stage}'s pairs",
            remedy="raise max_length where sentences are long, or set next_sentence_prediction to false",
        )
    if stage.mask_rate < MASK_RATE * stage.mlm_probability:
        asked = percent(stage.mlm_probability)
        yield Concern(
            problem=f"{stage.stage} masks {percent(stage.mask_rate)} of the tokens instead of {asked}",
            remedy=f"set max_predictions to {round(stage.mlm_probability * stage.max_length)}",
        )


def percent(share: float) -> str:
    """`12 %`, `0.4 %`, `under 0.1 %`."""
    if 0 < share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 or not share else f"{100 * share:.1f} %"


def _rounded(length: int) -> int:
    """Up to a multiple of 8, and to 16 at least."""
    return max(16, -(-length // 8) * 8)
