"""The folder that each case starts in: a run, a corpus to prepare, text, a SQuAD file, a small model of each kind."""

from pathlib import Path

import torch

from tests.bad_inputs.valid import CORPUS, QUESTION, RUN, VALUES, squad
from trainer.config.schema import Model
from trainer.model import tokenizer as tokenizer_files
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering
from trainer.model.pretrained import save_pretrained

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "berth", "is", "a", "town", "what", "it", ".", "?"]


def lay(folder: Path) -> None:
    """`model` is pretrained, `reader` answers questions."""
    texts = [f"The town of Number{n} lies on a river. Its mayor is Person{n}." for n in range(40)]
    files = {
        "text.txt": "\n\n".join(texts),
        "run.yaml": RUN,
        "corpus.yaml": CORPUS,
        "values.yaml": VALUES,
        "dev.json": squad(QUESTION),
        "vocab.txt": "\n".join(PIECES) + "\n",
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    tokenizer = tokenizer_files.read(str(folder / "vocab.txt"))
    config = Model(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    torch.manual_seed(0)
    pretrained = BertForPreTraining(config, len(PIECES), next_sentence_prediction=False)
    save_pretrained(pretrained, tokenizer, str(folder / "model"))
    save_pretrained(BertForQuestionAnswering(config, len(PIECES)), tokenizer, str(folder / "reader"))
