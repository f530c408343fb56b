"""`berth squad` with a model, files or settings that do not fit."""

from tests.bad_inputs.case import Case

_FOLDER = ("runs", "runs/squad")
_RECIPES = "no such file or recipe; give a YAML file or one of bert-base-original, ..."


def _score(wrong: str, arguments: str, says: str, leaves: tuple[str, ...] = ()) -> Case:
    return Case(wrong, f"squad --eval dev.json {arguments}", says, leaves=leaves)


CASES = (
    _score("a model that is not there", "--model modle", "modle: no such model directory; give the path or URI of one, of a .nemo or .pt file, or a name such as bertbaseuncased", _FOLDER),
    _score("a file for a model", "--model text.txt", "text.txt: holds no config.json; it is no model directory, or its export did not finish; export the model again", _FOLDER),
    _score("a pretrained model, and nothing to train it on", "--model model", "squad.model: model answers no questions, and there is nothing to train it on; give a model that was trained on SQuAD, or training files", _FOLDER),
    _score("training text that is not there", "--model reader --train gone.json", "gone.json: no such file or folder; check the spelling", _FOLDER),
    Case("a dev set that is not there", "squad --model reader --eval dve.json", "dve.json: no such file or folder; check the spelling", leaves=_FOLDER),
    Case("a folder for a dev set", "squad --model reader --eval model", "model: cannot be read: is a directory; mend the storage or choose another place", leaves=_FOLDER),
    _score("several seeds, and nothing to train on", "--model reader --seeds 3", "squad.train: is empty, so seeds and learning_rates change nothing; set train or remove them"),
    _score("a learning rate of 0", "--model model --train dev.json --learning-rate 0", "squad.learning_rates.0: 0.0 is not allowed; give more than 0"),
    _score("a learning rate twice", "--model model --train dev.json --learning-rate 3e-5 --learning-rate 3e-5", "squad.name: 'squad.3e-5.seed-0' is that of two stages, or reserved; give each stage a name of its own"),
    _score("a name with a space", "--model reader --name 'My run'", "name: 'My run' is not allowed; give up to 40 lower-case letters, digits and hyphens"),
    _score("a name that leads elsewhere", "--model reader --name ../run", "name: '../run' is not allowed; give up to 40 lower-case letters, digits and hyphens"),
    _score("a recipe misspelt", "--model reader --recipe squad-goggle", "squad-goggle: no such file or recipe; did you mean squad-..."),
    _score("a recipe that is none", "--model reader --recipe 3", f"3: {_RECIPES}"),
    _score("a setting misspelt", "--model reader squad.epoch=3", "squad.epoch: no such setting; did you mean epochs?"),
    _score("longer than the model's positions", "--model model --train dev.json squad.max_length=600", "squad.max_length: 600 is over the 512 positions of its model; lower it", _FOLDER),
    _score("no room for a context", "--model reader squad.max_length=20", "squad.max_length: 20 leaves -47 tokens of context beside a question of 64, less than doc_stride 128, so text between windows would be skipped; raise max_length or lower doc_stride"),
)  # fmt: skip
