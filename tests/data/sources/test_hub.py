"""`hf://` by the hub's own client, which takes the address of its hub from the environment as it is imported; so each
reading is a process of its own.
"""

import gzip
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.data.sources import hub
from tests.ports import free_port

DATASET = "wikimedia/wikipedia"
READ = """
import json, sys
from trainer.config.corpus import Source
from trainer.data.sources import documents
from trainer.errors import InputError

def outcome(source):
    try:
        return list(documents(source, source.path))
    except InputError as error:
        return str(error)

print(json.dumps([outcome(Source.model_validate(source)) for source in json.loads(sys.argv[1])]))
"""


def read(address: str, home: Path, *sources: dict[str, str]) -> list[Any]:
    """The documents of each source, or the error that refuses it."""
    environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", READ, json.dumps(sources)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    outcomes: list[Any] = json.loads(result.stdout)
    return outcomes


@pytest.fixture
def articles(shared_data: Path) -> list[dict[str, str]]:
    """Rows with the columns of the data set wikimedia/wikipedia."""
    with tarfile.open(shared_data / "wiki" / "wikiextractor-output.tar.gz") as archive:
        file = archive.extractfile("extracted_json/AA/wiki_00")
        assert file
        rows = [json.loads(line) for line in file]
    return [{name: row[name] for name in ("id", "url", "title", "text")} for row in rows if row["text"]]


def test_parquet_on_the_hub_is_read(tmp_path: Path, articles: list[dict[str, str]]) -> None:
    (tmp_path / "20231101.en").mkdir()
    half = len(articles) // 2
    for number, rows in enumerate((articles[:half], articles[half:])):
        file = tmp_path / "20231101.en" / f"train-{number:05d}-of-00002.parquet"
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), file, row_group_size=10)
    uris = (f"hf://datasets/{DATASET}/{path}" for path in ("20231101.en", "20231101.en/train-*.parquet"))
    with hub.serving(tmp_path, DATASET) as address:
        outcomes = read(address, tmp_path / "home", *({"path": uri, "format": "parquet"} for uri in uris))
    assert outcomes == [[article["text"] for article in articles]] * 2


def test_other_files_on_the_hub_are_read_and_missing_ones_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "one"}\n{"text": "two"}\n'))
    uri = f"hf://datasets/{DATASET}"
    with hub.serving(tmp_path, DATASET) as address:
        there, gone, empty = read(
            address,
            tmp_path / "home",
            {"path": f"{uri}/a.jsonl.gz", "format": "jsonl"},
            {"path": f"{uri}/20231101.xx", "format": "parquet"},
            {"path": f"{uri}/*.parquet", "format": "parquet"},
        )
    assert there == ["one", "two"]
    assert gone.startswith(f"{uri}/20231101.xx: ")
    assert empty.startswith(f"{uri}/*.parquet: there is no such file or folder, or it is empty")
    assert "\n" not in gone


def test_a_hub_that_cannot_be_reached_is_told_in_a_line(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    uri = f"hf://datasets/{DATASET}/a.parquet"
    (outcome,) = read(address, tmp_path, {"path": uri, "format": "parquet"})
    assert outcome.startswith(f"{uri}: cannot be read: ")
    assert "\n" not in outcome
