import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

import trainer
from tests.model import foreign
from tests.ports import free_port
from trainer.config import schema
from trainer.errors import ConfigError, StorageError
from trainer.model import catalogue
from trainer.model.heads import BertForQuestionAnswering
from trainer.model.pretrained import save_pretrained

SMALL = schema.Model(hidden_size=32, num_hidden_layers=1, num_attention_heads=2)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """An HTTP server for the folder `served`."""
    (tmp_path / "served").mkdir()
    handler = partial(_Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def use(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    (folder / "catalogue.yaml").write_text(text)
    monkeypatch.setenv("BERTH_CATALOGUE", str(folder / "catalogue.yaml"))


def test_nvidias_names_and_googles_ship_with_the_package() -> None:
    entries = catalogue.entries()

    assert entries["bertbaseuncased"].weights.endswith("/bertbaseuncased/versions/1.0.0rc1/files/bertbaseuncased.nemo")
    assert entries["bertbaseuncased"].vocabulary == "hf://google-bert/bert-base-uncased"
    assert entries["bert-base-uncased"].weights == "hf://google-bert/bert-base-uncased"
    assert all(entry.weights.startswith(("https://", "hf://")) for entry in entries.values())


def test_a_name_of_ones_own_opens_a_model(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = BertForQuestionAnswering(SMALL, 97)
    save_pretrained(model, tokenizer, str(tmp_path / "model"))
    use(monkeypatch, tmp_path, f"ours: {tmp_path}/model\nbertbaseuncased: {tmp_path}/model\n")

    for name in ("ours", "bertbaseuncased"):
        assert torch.equal(trainer.from_pretrained(name)[0].qa_outputs.weight, model.qa_outputs.weight)
    assert "bert-base-uncased" in catalogue.entries()


def test_a_nemo_file_is_fetched_over_http_with_the_vocabulary_of_its_entry(
    server: str, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path / "cache"))
    model = BertForQuestionAnswering(SMALL, 97)
    files = foreign.nemo_files(model, tokenizer, {"tokenizer": None})
    (tmp_path / "served" / "vocab.txt").write_bytes(files.pop("./0a1b2c_vocab.txt"))
    foreign.write_tar(tmp_path / "served" / "qa.nemo", files)
    use(monkeypatch, tmp_path, f"qa: {{weights: {server}/qa.nemo, vocabulary: {server}/vocab.txt}}")

    read, its_tokenizer = trainer.from_pretrained("qa")

    assert torch.equal(read.qa_outputs.weight, model.qa_outputs.weight)
    assert its_tokenizer.get_vocab() == tokenizer.get_vocab()
    with pytest.raises(StorageError, match=rf"^{server}/gone\.nemo: cannot be read: 404, "):
        trainer.from_pretrained(f"{server}/gone.nemo")


def test_what_cannot_be_reached_says_which_uri_was_tried_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"http://127.0.0.1:{free_port()}/bertbaseuncased.nemo"
    use(monkeypatch, tmp_path, f"bertbaseuncased: {uri}")

    with pytest.raises(StorageError) as caught:
        trainer.from_pretrained("bertbaseuncased")

    assert str(caught.value).startswith(f"bertbaseuncased ({uri}): cannot be read: Cannot connect to host 127.0.0.1")
    assert str(caught.value).endswith("give its path, or name a mirror in BERTH_CATALOGUE")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", ": no catalogue \\(Input should be a valid dictionary\\); write `name: URI`"),
        ("a: [", ", line 1, column 5: not YAML: .*; mend the file"),
        ("a: b\na: c", ", line 2, column 1: not YAML: 'a' stands twice in one section; mend the file"),
        ("a: {vocabulary: b}", ": no catalogue \\(a: Field required\\); write `name: URI`"),
        ("a: {weights: b, vocab: c}", ": no catalogue \\(a: Extra inputs.*; write `name: URI`"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, tmp_path, text)

    with pytest.raises(ConfigError, match=f"catalogue.yaml{message}"):
        catalogue.entries()
