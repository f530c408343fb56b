"""The shards of a corpus -> whether their bytes are those that were written."""

import hashlib
from collections.abc import Callable

from trainer import storage
from trainer.data.manifest import Manifest, Shard
from trainer.errors import DataError

_READ_AT_ONCE = 1 << 20


def verify(uri: str, manifest: Manifest, tell: Callable[[int], None]) -> None:
    """Compare each shard with its SHA-256, at the speed of the disk or 1 GB/s.

    Args:
        uri: the folder of corpus.json.
        manifest: it.
        tell: told how many shards are done.

    Raises:
        DataError: a shard is missing or other than it was written; names file and both sums.
        StorageError: it cannot be read.
    """
    place = manifest.location or uri
    for number, shard in enumerate(manifest.shards):
        _verify(place, shard)
        tell(number + 1)


def _verify(place: str, shard: Shard) -> None:
    where = storage.join(place, shard.name)
    remedy = f"copy it again, or delete {place}; the command that made it makes it again"
    if not storage.exists(where):
        raise DataError(where, "the shard is missing", remedy)
    found = hashlib.sha256()
    size = 0
    with storage.opened(where) as stream:
        while data := stream.read(_READ_AT_ONCE):
            found.update(data)
            size += len(data)
    if size != shard.bytes:
        raise DataError(where, f"has {size} bytes, and corpus.json says {shard.bytes}", remedy)
    if found.hexdigest() != shard.sha256:
        problem = f"is damaged: its SHA-256 is {found.hexdigest()}, and corpus.json says {shard.sha256}"
        raise DataError(where, problem, remedy)
