"""doctor.json, which was left beside the corpus when it was made -> what the report says of the corpus's health.

Only what is shown is read, and a file that is none leaves the section out: the report tells of the training, and the
doctor can be asked again.
"""

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, ValidationError

from trainer import storage
from trainer.tracking.histogram import histogram

_WORDS = 8
_LANGUAGES = 5


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Concern(_Read):
    """A warning and what to do about it."""

    problem: str
    remedy: str


class Drawn(_Read):
    """Instances of one stage; shares are from 0 to 1."""

    stage: str
    samples: int
    max_length: int
    mask_rate: float
    masked: float
    replaced: float
    random_next: float | None
    padding: float
    bin_width: int
    bins: tuple[int, ...]

    @property
    def kept(self) -> float:
        return 1 - self.masked - self.replaced

    def chart(self, number: int) -> Markup:
        """The histogram of lengths; `number` makes its identifier unique in the page."""
        title = f"Length of the instances of {self.stage}, tokens"
        return histogram(f"lengths-{number}", title, self.bin_width, self.max_length, self.bins)


class Health(_Read):
    """What the doctor found; shares are from 0 to 1."""

    examined: float
    duplicate_documents: float
    duplicate_sentences: float | None
    unknown_rate: float
    unknown_words: dict[str, int]
    languages: dict[str, float]
    left_out: dict[str, int]
    drawn: tuple[Drawn, ...]
    warnings: tuple[Concern, ...]

    @property
    def worst_words(self) -> list[str]:
        """The most frequent unknown words."""
        return list(self.unknown_words)[:_WORDS]

    @property
    def main_languages(self) -> dict[str, float]:
        """The most frequent ones."""
        return dict(list(self.languages.items())[:_LANGUAGES])


def read_health(uri: str) -> Health | None:
    """What `doctor.json` says; None where there is none, or one of another version.

    Raises:
        StorageError: it cannot be read.
    """
    if not storage.exists(uri):
        return None
    try:
        return Health.model_validate_json(storage.read_text(uri))
    except ValidationError:
        return None
