from pathlib import Path

import pytest

from trainer import storage
from trainer.config.corpus import Corpus, Source
from trainer.data import manifest
from trainer.data.manifest import VocabManifest
from trainer.errors import ConfigError, DataError

CORPUS = Corpus(sources=(Source(path="a.txt"),))


def test_a_manifest_is_read_back(tmp_path: Path) -> None:
    written = VocabManifest(
        settings=manifest.settings_of("corpus", CORPUS), sha256="ab", size=5, lowercase=True, documents=7
    )
    manifest.write(str(tmp_path / "vocab.json"), written)
    assert manifest.read(str(tmp_path / "vocab.json"), VocabManifest) == written


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2, "settings": {}, "sha256": "", "size": 1}', '{"format": 1}']
)
def test_what_is_no_manifest_of_this_version_is_refused(tmp_path: Path, text: str) -> None:
    uri = str(tmp_path / "vocab.json")
    storage.write_text(uri, text)
    with pytest.raises(DataError, match=r"vocab\.json: not a VocabManifest of this version \(.*\); delete its folder"):
        manifest.read(uri, VocabManifest)


def test_a_manifest_holds_no_credentials_and_a_new_password_changes_no_data() -> None:
    before, after = (
        manifest.settings_of("corpus", Corpus(sources=(Source(path=f"s3://me:{password}@bucket/a.txt"),)))
        for password in ("hunter2", "hunter3")
    )
    assert before["corpus.sources"][0]["path"] == "s3://***@bucket/a.txt"
    manifest.refuse_other_settings(before, after, "runs/a/corpus")


def test_other_settings_are_refused_by_name_and_value() -> None:
    before = manifest.settings_of("corpus", CORPUS)
    manifest.refuse_other_settings(before, manifest.settings_of("corpus", CORPUS), "runs/a/corpus")
    now = manifest.settings_of("corpus", CORPUS.model_copy(update={"held_out": 0.1}))
    with pytest.raises(
        ConfigError, match=r"corpus.held_out: is 0\.1, but runs/a/corpus was made with 0\.005; set it back"
    ):
        manifest.refuse_other_settings(before, now, "runs/a/corpus")
