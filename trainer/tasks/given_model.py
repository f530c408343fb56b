"""The model that a SQuAD stage names to start from, checked against what the stage asks of it."""

from tokenizers import Tokenizer

from trainer.config.schema import Squad
from trainer.engine.folder import RunFolder
from trainer.errors import ConfigError
from trainer.model import catalogue
from trainer.model.encoder import AnyBert
from trainer.model.heads import BertForQuestionAnswering
from trainer.model.pretrained import from_pretrained


def given_model(stage: Squad, folder: RunFolder) -> tuple[AnyBert, Tokenizer]:
    """Open `stage.model`: a name of the catalogue, a path or a URI.

    Raises:
        CheckpointError: it is no model.
        ConfigError: as `refuse_misfit`.
    """
    assert stage.model is not None, "asked of stages that name one"
    model, tokenizer = opened(stage.model, folder)
    refuse_misfit(model, stage)
    return model, tokenizer


def opened(name: str, folder: RunFolder) -> tuple[AnyBert, Tokenizer]:
    """A model by what a configuration of the folder's run calls it.

    Raises:
        CheckpointError: it is no model.
    """
    return from_pretrained(name if name in catalogue.entries() else folder.resolve(name))


def refuse_misfit(model: AnyBert, stage: Squad) -> None:
    """Look at what the stage asks of its model.

    Raises:
        ConfigError: it is too short for the stage's windows, or is to be scored and cannot answer.
    """
    positions = model.config.max_position_embeddings
    if stage.max_length > positions:
        problem = f"{stage.max_length} is over the {positions} positions of its model"
        raise ConfigError(f"{stage.name}.max_length", problem, "lower it")
    if not stage.train and not isinstance(model, BertForQuestionAnswering):
        problem = f"{stage.model} answers no questions, and there is nothing to train it on"
        raise ConfigError(f"{stage.name}.model", problem, "give a model that was trained on SQuAD, or training files")
