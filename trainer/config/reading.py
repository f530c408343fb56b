"""How a model was taught to read questions: what it must be told again when it is asked some."""

from trainer.config.schema import Squad
from trainer.config.section import Count, Section


class Reading(Section):
    """A SQuAD stage writes it into its model's config.json, where Hugging Face passes over it.

    A model that was trained on windows of 96 tokens knows no position behind them, and one that saw only questions
    with an answer cannot say that there is none. Lengths are in tokens.
    """

    max_length: Count
    doc_stride: Count
    max_query_length: Count
    max_answer_length: Count
    n_best: Count
    null_threshold: float
    version_2_with_negative: bool
    """Some of the questions had no answer (SQuAD v2.0). The name is that of Hugging Face's `run_qa.py`."""

    @classmethod
    def of(cls, stage: Squad, *, version_2: bool) -> "Reading":
        """What a stage with these settings teaches; a threshold that is to be tuned is 0 until it is."""
        settings = {name: getattr(stage, name) for name in cls.model_fields if name in Squad.model_fields}
        if isinstance(stage.null_threshold, str):
            settings["null_threshold"] = 0.0
        return cls(**settings, version_2_with_negative=version_2)

    @classmethod
    def usual(cls, positions: int) -> "Reading":
        """For a model that does not say: the settings of a SQuAD stage, cut down to a small table of positions."""
        usual = cls.of(Squad.model_construct(), version_2=False)
        max_length = min(usual.max_length, positions)
        max_query_length = min(usual.max_query_length, max_length // 4)
        doc_stride = min(usual.doc_stride, (max_length - max_query_length - 3) // 2)
        lengths = {"max_length": max_length, "max_query_length": max_query_length, "doc_stride": doc_stride}
        return usual.model_copy(update=lengths)
