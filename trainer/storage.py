"""Files on any storage that fsspec knows, by URI; the only module that imports fsspec.

A file appears whole or not at all: locally it is written under a temporary name and renamed, on object storage a put is
atomic by itself. What must be memory-mapped or opened by name is fetched into a node-local cache first; local files are
used where they lie. A server that is busy, or breaks a connection, is asked again by its driver (`_options`) for about
a minute; `patiently` goes on for as long as one likes.
"""

import contextlib
import errno
import gzip
import hashlib
import io
import logging
import lzma
import os
import random
import tempfile
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import fsspec
import pyarrow.fs
from fsspec.compression import compr
from fsspec.core import get_compression
from fsspec.implementations.local import LocalFileSystem

from trainer.errors import StorageError, StorageMissing, StorageUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

_DRIVERS = {"aiobotocore", "aiohttp", "botocore", "gcsfs", "google", "httpx2", "huggingface_hub", "s3fs"}
"""Packages whose errors are the storage's, also where they are no OSError."""

_UNFINISHED = ".tmp"
"""What the name of a local file ends with, behind a dot at its beginning, until it is written."""

_PASSING = {
    errno.EAGAIN,
    errno.EBUSY,  # what s3fs makes of 503, SlowDown
    errno.EIO,
    errno.EREMOTEIO,  # of 500
    errno.ESTALE,  # a mount whose server was started anew
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
}
"""Numbers of errors that may pass, beside those that Python makes a ConnectionError or TimeoutError of."""

_BROKEN_OFF = {"ConnectionError", "HTTPClientError", "ClientConnectionError", "ClientPayloadError", "TransportError"}
"""Classes of `_DRIVERS` whose errors may pass: botocore's two, aiohttp's two, and that of Google's and httpx."""

_S3 = ("s3://", "s3a://")
_BUCKETS = (*_S3, "gs://", "gcs://")

_LONGEST_PAUSE = 30.0
"""Seconds."""

MOST_TEXT = 512 << 20
MOST_SETTINGS = 64 << 20
"""Bytes of a text that is read whole, and of one that is a vocabulary or describes a model. SQuAD has 42 MB, and the
tokenizers of the multilingual models 18. What is more, or unpacks to more, is refused before it fills the memory.
"""

_BLOCK = 8 << 20
"""Bytes that a server is asked for at once, and anew if they are cut short; a reader holds two in memory."""


def join(uri: str, *parts: str) -> str:
    """`join("s3://bucket/run", "corpus", "corpus.json")`."""
    return "/".join([uri.rstrip("/"), *parts])


def absolute(uri: str, base: str | None = None) -> str:
    """The URI as any process on this machine can open it: a local path from the root, anything else as it is.

    A relative path begins at `base`, or at the current directory.
    """
    if not is_local(uri):
        return uri
    return uri if "://" in uri else str(Path(base or Path.cwd(), uri))


def from_here(uri: str) -> str:
    """As one would type it: a path below the current directory without that."""
    return uri.removeprefix(f"{Path.cwd()}/")


def is_local(uri: str) -> bool:
    return isinstance(_filesystem(uri)[0], LocalFileSystem)


def local_path(uri: str) -> Path:
    """The path of a local URI.

    Raises:
        StorageError: the URI is not local.
    """
    filesystem, path = _filesystem(uri)
    if not isinstance(filesystem, LocalFileSystem):
        raise StorageError(uri, "not on this machine", "give a local path")
    return Path(path)


def exists(uri: str) -> bool:
    filesystem, path = _filesystem(uri)
    with explained(uri, "read"):
        return bool(filesystem.exists(path))


def names(uri: str) -> list[str]:
    """The names in a folder, sorted; none where there is no folder."""
    filesystem, path = _filesystem(uri)
    with explained(uri, "read"):
        if not filesystem.exists(path):
            return []
        return sorted(str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in filesystem.ls(path, detail=False))


def matching(uri: str) -> list[str]:
    """The URIs of the files that a file, folder or glob names, sorted; empty where there are none."""
    filesystem, path = _filesystem(uri)
    with explained(uri, "read"):
        found = filesystem.glob(path) if any(mark in path for mark in "*?[") else [path]
        files = [str(name) for entry in found for name in filesystem.find(entry)]
        if not files and uri.startswith(("http://", "https://")):
            filesystem.info(path)  # says why: to `find` a server that is away has no files
    return sorted(str(filesystem.unstrip_protocol(name)) if not is_local(uri) else name for name in files)


@contextlib.contextmanager
def opened(uri: str) -> Generator[IO[bytes]]:
    """A binary stream to read from; compressed files (.gz, .bz2, .xz) are unpacked as they are read."""
    with explained(uri, "read"), fsspec.open(uri, "rb", compression="infer", **_options(uri)) as stream:
        yield stream  # pyright: ignore[reportReturnType]


def read_bytes(uri: str, most: int | None = None) -> bytes:
    """The whole file, unpacked if its name says that it is compressed; one of more than `most` bytes is refused.

    It is asked for at once: a file that is opened first and read then may be replaced in between, as a lease is.
    """
    filesystem, path = _filesystem(uri)
    with explained(uri, "read"):
        # s3fs would ask for parts of a large file at the same time, and for none of them again.
        at_once = {"max_concurrency": 1} if uri.startswith(_S3) else {}
        if most is not None and (filesystem.size(path) or 0) > most:
            raise _too_long(uri, most)
        data = cast(bytes, filesystem.cat_file(path, **at_once))
        packing = get_compression(path, "infer")
        if packing:
            data = compr[packing](io.BytesIO(data), mode="rb").read(-1 if most is None else most + 1)
    if most is not None and len(data) > most:
        raise _too_long(uri, most)
    return data


def read_text(uri: str, most: int = MOST_TEXT) -> str:
    """The whole file as UTF-8, a byte-order mark left out.

    Raises:
        StorageError: the file cannot be read, is not UTF-8 or has more than `most` bytes.
    """
    return decoded(read_bytes(uri, most), uri)


def decoded(data: bytes, uri: str) -> str:
    """What a file holds, as `read_text` reads it.

    Raises:
        StorageError: it is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StorageError(uri, f"not UTF-8 at byte {error.start}", "convert the file to UTF-8") from error


def write_bytes(uri: str, data: bytes) -> None:
    """Write a file whole or not at all."""
    with explained(uri, "written"):
        filesystem, path = _filesystem(uri)
        if not isinstance(filesystem, LocalFileSystem):
            filesystem.pipe_file(path, data)
            return
        with new_file(uri) as temporary:
            temporary.write_bytes(data)


def write_text(uri: str, text: str) -> None:
    write_bytes(uri, text.encode())


@contextlib.contextmanager
def new_file(uri: str) -> Generator[Path]:
    """A local path to write to; what was written appears under `uri` when the block ends without an error."""
    filesystem, path = _filesystem(uri)
    if isinstance(filesystem, LocalFileSystem):
        target = Path(path)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}{_UNFINISHED}")
        with explained(uri, "written"):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                yield temporary
                _flush(temporary)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
    else:
        with tempfile.TemporaryDirectory(prefix="berth-") as folder, explained(uri, "written"):
            temporary = Path(folder, path.rsplit("/", 1)[-1])
            yield temporary
            filesystem.put_file(str(temporary), path)


def remove(uri: str) -> None:
    """Delete a file or a folder with all that is in it; nothing happens where there is none."""
    filesystem, path = _filesystem(uri)
    with explained(uri, "deleted"):
        if filesystem.exists(path):
            filesystem.rm(path, recursive=True)


def remove_unfinished(uri: str) -> None:
    """Delete what `new_file` left in a folder where its process was killed; nobody else may be writing there."""
    for name in names(uri):
        if name.startswith(".") and name.endswith(_UNFINISHED):
            remove(join(uri, name))


def fetch(uri: str) -> Path:
    """A local path with the file's content: the file itself, or a copy in this node's cache.

    The cache is keyed by what the storage says of the file (size, time, hash), so a file that was replaced is fetched
    anew.
    """
    filesystem, path = _filesystem(uri)
    if isinstance(filesystem, LocalFileSystem):
        return Path(path)
    with explained(uri, "read"):
        key = hashlib.sha256(f"{uri} {filesystem.ukey(path)}".encode()).hexdigest()[:32]
    cached = cache_folder() / key / path.rsplit("/", 1)[-1]
    if not cached.exists():
        with new_file(str(cached)) as temporary, temporary.open("wb") as copy:
            copy.writelines(_blocks(uri))
    return cached


def working_folder(uri: str) -> Path:
    """A local folder for a program that writes files in its own ways: the folder itself, or one in this node's cache
    that `upload` brings to `uri`.
    """
    filesystem, path = _filesystem(uri)
    if isinstance(filesystem, LocalFileSystem):
        return Path(path)
    return cache_folder() / "working" / hashlib.sha256(uri.encode()).hexdigest()[:32]


def upload(uri: str) -> None:
    """Bring the working folder of a URI there; nothing to do where it is the folder itself."""
    filesystem, path = _filesystem(uri)
    if not isinstance(filesystem, LocalFileSystem) and working_folder(uri).exists():
        with explained(uri, "written"):
            filesystem.put(f"{working_folder(uri)}/", f"{path}/", recursive=True)


def arrow_filesystem(uri: str) -> tuple[Any, str]:
    """The same storage for libraries that speak Arrow's file system interface, and the path in it."""
    filesystem, path = _filesystem(uri)
    return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(filesystem)), path


def cache_folder() -> Path:
    """Where this node keeps copies: BERTH_CACHE, or ~/.cache/berth."""
    return Path(os.environ.get("BERTH_CACHE") or Path.home() / ".cache" / "berth")


def patiently(act: Callable[[], T], minutes: float, give_up: threading.Event | None = None) -> T:
    """What `act` returns; it is done again, after a second, two, four and so on, while the storage is away.

    Args:
        act: something that may be done twice, and that raises StorageUnavailable.
        minutes: how long to go on so.
        give_up: ends the waiting at once.

    Raises:
        StorageUnavailable: the storage stayed away.
    """
    begin, pause, give_up = time.monotonic(), 1.0, give_up or threading.Event()
    while True:
        try:
            return act()
        except StorageUnavailable as error:
            waited = time.monotonic() - begin
            if waited + pause > 60 * minutes or give_up.is_set():
                problem = f"{error.problem} (tried again for {waited / 60:.1f} minutes)"
                raise StorageUnavailable(error.where, problem, error.remedy) from error
            log.warning("%s: %s; it is tried again", error.where, error.problem)
        give_up.wait(random.uniform(pause / 2, pause))  # not all workers at once
        pause = min(2 * pause, _LONGEST_PAUSE)


def _too_long(uri: str, most: int) -> StorageError:
    return StorageError(uri, f"has more than {most >> 20} MiB", "is it the right file?")


def _filesystem(uri: str) -> tuple[Any, str]:
    try:
        filesystem, path = cast(tuple[Any, str], fsspec.core.url_to_fs(uri, **_options(uri)))
    except (ImportError, ValueError) as error:
        raise StorageError(
            uri, f"no such kind of storage ({error})", "use a path or a URI of an installed fsspec driver"
        ) from error
    if uri.startswith(_BUCKETS) and not path.strip("/"):
        raise StorageError(uri, "names no bucket", "write it as s3://bucket/folder")
    return filesystem, path


def _blocks(uri: str) -> Iterator[bytes]:
    """A file piece by piece. s3fs asks anew for a piece that was cut short, but not always for a file."""
    filesystem, path = _filesystem(uri)
    with explained(uri, "read"), filesystem.open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            yield block


def _options(uri: str) -> dict[str, Any]:
    """What a driver is told beside the URI."""
    # No listings from memory: other processes of the run write to the same folders.
    options: dict[str, Any] = {"use_listings_cache": False}
    if uri.startswith(_S3):
        # 503, a broken connection, no answer: asked 8 times in all, with random pauses of up to 1, 2, 4 .. 20 s.
        attempts = int(os.environ.get("AWS_MAX_ATTEMPTS", "8"))
        options["config_kwargs"] = {"retries": {"mode": "standard", "total_max_attempts": attempts}}
        options["default_block_size"] = _BLOCK
    return options


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


@contextlib.contextmanager
def explained(uri: str, deed: str) -> Generator[None]:
    """Turns what goes wrong on the storage into a StorageError; `deed` is what cannot be done: "read", "written"."""
    try:
        yield
    except FileNotFoundError as error:
        if type(error.__cause__).__module__.startswith("aiohttp"):  # https:// says so of whatever goes wrong
            reason, kind = str(error.__cause__).split("\n", 1)[0], _kind(error.__cause__)
            raise kind(uri, f"cannot be {deed}: {reason}", "check the network and the address") from error
        missing = "bucket" if "bucket does not exist" in str(error) else "file or folder"
        raise StorageMissing(uri, f"no such {missing}", "check the spelling") from error
    except PermissionError as error:
        problem = f"cannot be {deed}: permission denied"
        raise StorageError(uri, problem, "check who owns it, or the credentials") from error
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise StorageError(uri, f"damaged or cut short ({error})", "copy the file again") from error
    except Exception as error:
        if str(error) == "Invalid data stream":  # bz2's, an OSError as any other
            raise StorageError(uri, "damaged, or not bzip2", "copy the file again") from error
        if isinstance(error, OSError) and error.errno and not error.__cause__:
            reason = os.strerror(error.errno).lower()
        elif isinstance(error, OSError) or type(error).__module__.split(".")[0] in _DRIVERS:
            # What the server says, not s3fs's errno for it; without the address of a page on the matter.
            reason = str(getattr(error, "strerror", None) or error).split("\n", 1)[0]
        else:
            raise
        problem = f"cannot be {deed}: {reason}"
        raise _kind(error)(uri, problem, "mend the storage or choose another place") from error


def _kind(error: BaseException | None) -> type[StorageError]:
    """Whether an error of the system or of a driver may pass."""
    while error is not None:
        names = {base.__name__ for base in type(error).__mro__}
        status = getattr(error, "status", None) or getattr(error, "code", None)  # aiohttp's, gcsfs's
        passing = (
            isinstance(error, ConnectionError | TimeoutError)
            or (isinstance(error, OSError) and error.errno in _PASSING)
            or names & _BROKEN_OFF
            or (isinstance(status, int) and (status in (408, 429) or status >= 500))
        )
        if passing:
            return StorageUnavailable
        error = error.__cause__
    return StorageError
