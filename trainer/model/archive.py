"""A tar archive of a stranger, plain or compressed, read member by member where they lie.

Nothing is ever written under a name that the archive chooses, and one whose members would lead out of a folder of its
own is refused as a whole, though it could do no harm here: nobody makes such an archive by mistake.
"""

import contextlib
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from typing import IO

from trainer import storage
from trainer.errors import CheckpointError

_MOST_BYTES = 64 << 20
"""Of a text; the vocabularies of the multilingual models have 2 MB."""

_MOST_GROWTH = 100
"""How many times its size an archive may unpack to; weights, which hardly shrink, come to 1.1."""


_LONGEST_HEADER = 1 << 20
"""Bytes; a name has some hundred."""


class _Member(tarfile.TarInfo):
    """Looked at before tarfile, which reads names and other headers of whatever length, believes it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Member":
        member = super().frombuf(buf, encoding, errors)
        longest = _LONGEST_HEADER if member.type not in tarfile.REGULAR_TYPES else member.size
        if not 0 <= member.size <= longest:
            raise tarfile.ReadError(f"a header of {member.size:,} bytes")
        return member


class Archive:
    """An open archive; `uri` is what errors name."""

    def __init__(self, opened: tarfile.TarFile, uri: str, size: int) -> None:
        self.uri = uri
        self._opened = opened
        self._members: dict[str, tarfile.TarInfo] = {}
        unpacked = 0
        for member in opened:
            unpacked += member.size
            if member.size < 0 or unpacked > max(_MOST_BYTES, _MOST_GROWTH * size):
                problem = f"its {size:,} bytes say that they unpack to {unpacked:,}"
                raise CheckpointError(uri, problem, "do not use this file; nothing was unpacked")
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
                problem = f"its member {member.name} leads out of the archive"
                raise CheckpointError(uri, problem, "do not use this file; nothing was unpacked")
            if member.isfile():
                self._members[str(path)] = member

    @property
    def names(self) -> list[str]:
        """Of its files, sorted, without a leading `./`."""
        return sorted(self._members)

    def text(self, name: str) -> str:
        """A member as UTF-8.

        Raises:
            CheckpointError: it is not there, too long for a text, or not UTF-8.
        """
        stream = self._stream(name)
        if self._members[name].size > _MOST_BYTES:
            raise CheckpointError(self.place(name), f"has {self._members[name].size:,} bytes", "choose another file")
        try:
            return stream.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise CheckpointError(
                self.place(name), f"not UTF-8 at byte {error.start}", "choose another file"
            ) from error

    def copy(self, name: str, path: Path) -> None:
        """Write a member to a path of the caller's choice.

        Raises:
            CheckpointError: it is not there.
        """
        with path.open("wb") as target:
            shutil.copyfileobj(self._stream(name), target, 1 << 20)

    def place(self, name: str) -> str:
        """How errors call a member."""
        return f"{self.uri}: {name}"

    def _stream(self, name: str) -> IO[bytes]:
        stream = self._opened.extractfile(self._members[name]) if name in self._members else None
        if stream is None:
            raise CheckpointError(self.uri, f"holds no {name}", "choose another file, or copy it again")
        return stream


@contextlib.contextmanager
def opened(uri: str) -> Generator[Archive]:
    """The archive under a URI.

    Raises:
        CheckpointError: not there, not an archive, torn, or unsafe; also out of the block, where a member is torn.
        StorageError: it cannot be read.
    """
    path = storage.fetch(uri)
    try:
        with tarfile.open(path, tarinfo=_Member) as archive:
            yield Archive(archive, uri, path.stat().st_size)
    except FileNotFoundError as error:
        raise CheckpointError(uri, "no such file", "check the spelling") from error
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise CheckpointError(uri, "torn or not an archive", "copy it again") from error
