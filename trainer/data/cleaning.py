"""A document's text -> the text to train on, or why the document is left out; a pure function of that one document.

What depends on other documents is in `duplicates`.
"""

import unicodedata
from typing import Literal, NamedTuple

from trainer.config.corpus import Cleaning
from trainer.data import languages
from trainer.errors import ConfigError

Reason = Literal["empty", "short", "language"]
"""Why a document is left out: no text in it, fewer characters than asked for, or another language."""


class Cleaned(NamedTuple):
    """The text, or None and the reason."""

    text: str | None
    left_out: Reason | None


class Cleaner:
    """Cleans documents one at a time; made once in each process. Without settings it only leaves out the empty ones."""

    def __init__(self, settings: Cleaning) -> None:
        """Note the settings; the model of languages is loaded (1 s) only if there are languages to keep.

        Raises:
            ConfigError: a language is asked for that cannot be told.
        """
        self._form: Literal["NFC", "NFKC"] | None = settings.unicode
        self._min_characters = settings.min_characters
        self._languages = frozenset(settings.languages)
        for code in settings.languages:
            if code not in languages.known():
                problem = f"{code!r} is no language that can be told"
                remedy = (
                    f"give ISO 639-1 codes: {' '.join(sorted(code for code in languages.known() if len(code) == 2))}"
                )
                raise ConfigError("corpus.cleaning.languages", problem, remedy)

    def __call__(self, text: str) -> Cleaned:
        """Normalise Unicode, then look at the length and at the language, in this order.

        Space around the text does not count for its length, and stays. See `languages` for how sure the language is;
        a list of names or a line of a few words may well be taken for another one.
        """
        if self._form:
            text = unicodedata.normalize(self._form, text)
        length = len(text.strip())
        if not length:
            return Cleaned(None, "empty")
        if length < self._min_characters:
            return Cleaned(None, "short")
        if self._languages and languages.language(text) not in self._languages:
            return Cleaned(None, "language")
        return Cleaned(text, None)
