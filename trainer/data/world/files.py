"""The invented world as a folder: text for a corpus, training and dev questions for SQuAD stages."""

from trainer import storage
from trainer.config.schema import World
from trainer.data.world.articles import articles
from trainer.data.world.questions import squad_json


def write_world(world: World, folder_uri: str) -> None:
    """Write `articles.txt` (a paragraph a line, a blank line between articles), `train-v*.json` and `dev-v*.json`.

    The v2.0 files hold the questions of the v1.1 files, and others that the text does not answer. The articles of the
    dev towns stand in the dev files alone, and no town, person, river or product of theirs is named anywhere else.

    Raises:
        ConfigError: more towns than there are names for.
        StorageError: the folder cannot be written.
    """
    train = articles(world.seed, world.towns, dev=False)
    dev = articles(world.seed, world.dev_towns, dev=True)
    text = "\n\n".join(f"{article.context}\n{article.sequel}" for article in train)
    storage.write_text(storage.join(folder_uri, "articles.txt"), text + "\n")
    for version_2, suffix in ((False, "v1.1.json"), (True, "v2.0.json")):
        train_json = squad_json(train, world.seed, version_2=version_2, facts_asked=2, untold_asked=1)
        storage.write_text(storage.join(folder_uri, f"train-{suffix}"), train_json)
        dev_json = squad_json(dev, world.seed, version_2=version_2, facts_asked=5, untold_asked=2)
        storage.write_text(storage.join(folder_uri, f"dev-{suffix}"), dev_json)
