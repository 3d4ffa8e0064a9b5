"""Where the archive lies: a folder of this machine, or a bucket of an object store (S3).

An `ObjectPath` has of `pathlib.Path` what the archive needs, errors included, so that the same code
reads, lists and removes in both places. What differs has a function here: `staging`, where files
are written that are not whole yet; `write_whole`, `upload`, `put_if`.

Addresses and keys of the store come from the environment as its libraries read them
(`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, …): they pass through no code of ours.
"""

import errno
import io
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

from newsarchive.errors import ArchiveError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from obstore.store import S3Store

SCHEME = "s3://"
_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/(?!\.+(?:/|$))[A-Za-z0-9._-]+)*)/?")
_PIECE = 4 << 20  # bytes that are read at once
_KEPT = 3  # pieces of a file that is open: its end, where a Parquet file begins, and two more
_MOST_RETRIES = 8
_LATE = ("timed out", "TimedOut", "kind: Timeout")
_DOWN = ("(Connect)", "tcp connect", "dns error", "Connection refused", "error sending request")
_REFUSED = ("Forbidden", "lacked the necessary privileges", "Unauthorized")


class StoreError(OSError):
    """The object store does not answer, or refuses: of its objects that says nothing."""


class Changed(Exception):
    """An object is another than it was when it was last looked at."""


@dataclass(frozen=True, slots=True, order=True)
class Bucket:
    """A place in an object store, and how it is asked; travels between processes."""

    name: str
    staging: Path
    """Folder of this machine for files that are not whole yet."""
    timeout: float = 60.0
    """Seconds that a request may take, and that it is tried again for."""
    endpoint: str = ""
    """Address of the store, as the environment gives it to its libraries; empty: Amazon's."""


@dataclass(frozen=True, slots=True, order=True)
class Stat:
    """What is known of an object without reading it, under the names of `os.stat`."""

    st_size: int
    st_mtime: float


@dataclass(frozen=True, slots=True, order=True)
class ObjectPath:
    """A path in a bucket: an object's, or one that objects have before theirs (a folder)."""

    bucket: Bucket
    key: str
    known: Stat | None = field(default=None, compare=False, repr=False)
    """Of an object that was listed."""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket.name}/{self.key}".rstrip("/")

    def __truediv__(self, below: str | PurePosixPath) -> "ObjectPath":
        joined = "/".join(p for p in PurePosixPath(below).parts if p != "/")
        return ObjectPath(self.bucket, f"{self.key}/{joined}" if self.key else joined)

    @property
    def name(self) -> str:
        """The last part."""
        return self.key.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The last part's ending, with the dot."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "ObjectPath":
        """The path without its last part."""
        return ObjectPath(self.bucket, self.key.rpartition("/")[0])

    def absolute(self) -> "ObjectPath":
        """Return the path itself."""
        return self

    def relative_to(self, folder: "ObjectPath") -> PurePosixPath:
        """Return the path below a folder.

        Raises:
            ValueError: it is not below.
        """
        return PurePosixPath(self.key).relative_to(folder.key)

    def exists(self) -> bool:
        """Say whether there is such an object, or any below."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Say whether there is such an object."""
        try:
            self.stat()
        except FileNotFoundError:
            return False
        return True

    def is_dir(self) -> bool:
        """Say whether there is any object below."""
        return next(self.rglob("*"), None) is not None

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: folders come with what is in them."""

    def stat(self) -> Stat:
        """Return size and time of writing; as they were listed, where the path is from a list.

        Raises:
            FileNotFoundError: there is no such object.
        """
        if self.known:
            return self.known
        import obstore

        with _in_words(self):
            return _stat(obstore.head(_connected(self.bucket), self.key))

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """Open an object for reading; the bytes are asked for in pieces.

        Raises:
            FileNotFoundError: there is no such object.
        """
        if mode != "rb":
            raise ValueError(f"{self}: objects are written whole, not opened with mode {mode!r}")
        return io.BufferedReader(_Reader(self), 1 << 16)

    def read_bytes(self) -> bytes:
        """Return all bytes of an object."""
        with self.open() as file:
            return file.read()

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the text of an object."""
        return self.read_bytes().decode(encoding)

    def read_range(self, offset: int, length: int) -> bytes:
        """Return some bytes of an object, in one request; fewer where it ends before.

        Raises:
            FileNotFoundError: there is no such object.
        """
        return self.range_of(offset, length)[0]

    def range_of(self, offset: int, length: int) -> tuple[bytes, Stat]:
        """Return some bytes of an object, and what is known of it."""
        import obstore

        with _in_words(self):
            store = _connected(self.bucket)
            try:
                found = obstore.get(
                    store, self.key, options={"range": (offset, offset + max(length, 1))}
                )
                return bytes(found.bytes())[:length], _stat(found.meta)
            except FileNotFoundError:
                raise
            except obstore.exceptions.BaseError:
                known = _stat(obstore.head(store, self.key))
                if offset < known.st_size:
                    raise
                return b"", known  # a store refuses a range that begins at the end

    def write_bytes(self, data: bytes) -> None:
        """Put an object, whole or not at all."""
        import obstore

        with _in_words(self):
            obstore.put(_connected(self.bucket), self.key, data)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove an object; a store does not say whether there was one."""
        import obstore

        with _in_words(self):
            try:
                obstore.delete(_connected(self.bucket), self.key)
            except FileNotFoundError:
                if not missing_ok:
                    raise

    def glob(self, pattern: str) -> Iterator["ObjectPath"]:
        """Yield objects and folders right below whose names fit a pattern."""
        import obstore

        if "/" in pattern:
            raise ValueError(f"{pattern!r}: one folder is looked at")
        with _in_words(self):
            found = obstore.list_with_delimiter(_connected(self.bucket), self.key or None)
        for folder in found["common_prefixes"]:
            path = ObjectPath(self.bucket, folder.rstrip("/"))
            if fnmatchcase(path.name, pattern):
                yield path
        for meta in found["objects"]:
            path = ObjectPath(self.bucket, meta["path"], _stat(meta))
            if fnmatchcase(path.name, pattern):
                yield path

    def rglob(self, pattern: str) -> Iterator["ObjectPath"]:
        """Yield objects anywhere below whose names fit a pattern."""
        import obstore

        with _in_words(self):
            for several in obstore.list(_connected(self.bucket), self.key or None, chunk_size=1000):
                for meta in several:
                    path = ObjectPath(self.bucket, meta["path"], _stat(meta))
                    if fnmatchcase(path.name, pattern):
                        yield path


Folder: TypeAlias = Path | ObjectPath
"""The archive, or a path below it."""


def bucket_path(url: str, state: Path, timeout: float, endpoint: str = "") -> ObjectPath:
    """Return the archive that a URL names (`s3://bucket/prefix`).

    Args:
        url: letters, digits, dots, hyphens and underscores between slashes.
        state: folder of what belongs to this machine.
        timeout: seconds that a request may take.
        endpoint: address of the store.

    Raises:
        ValueError: it is no such URL.
    """
    if not (found := _URL.fullmatch(url)):
        raise ValueError("write it as s3://bucket/prefix, of letters, digits, '.', '-' and '_'")
    key = found[2].strip("/")
    place = f"{found[1]}/{key}".rstrip("/").replace("/", "+")
    return ObjectPath(Bucket(found[1], state / "staging" / place, timeout, endpoint), key)


def below(path: Folder, root: Folder) -> str:
    """Return a path below the archive as rows, sums and logs name it.

    Raises:
        ValueError: it is not below.
    """
    if isinstance(path, ObjectPath) and isinstance(root, ObjectPath):
        return path.relative_to(root).as_posix()
    return Path(str(path)).relative_to(str(root)).as_posix()


def listed(folder: Folder, pattern: str = "*") -> list[Folder]:
    """Return what lies right below a folder and fits a pattern, by name."""
    return sorted(folder.glob(pattern), key=str)


def tree(folder: Folder, pattern: str = "*") -> Iterator[Folder]:
    """Yield the files anywhere below a folder whose names fit a pattern."""
    for path in folder.rglob(pattern):
        if isinstance(path, ObjectPath) or path.is_file():
            yield path


def on_disk(root: Folder, what: str) -> Path:
    """Return an archive's folder, for what can be done there alone.

    Args:
        root: the archive.
        what: as the message names it.

    Raises:
        ArchiveError: it is in an object store.
    """
    if isinstance(root, ObjectPath):
        raise ArchiveError(
            f"{root}: {what} is not there for an archive in an object store; "
            "`newsarchive backup` copies it to a folder"
        )
    return root


def staging(root: Folder) -> Path:
    """Return the folder of this machine where files of an archive lie until they are whole."""
    return root.bucket.staging if isinstance(root, ObjectPath) else root


def options(root: Folder) -> dict[str, str] | None:
    """Return how Delta Lake asks the store."""
    if not isinstance(root, ObjectPath):
        return None
    wait = f"{root.bucket.timeout:g}s"
    return {
        "allow_http": "true",  # where the address that was set says so
        "timeout": wait,
        "connect_timeout": _connect_timeout(root.bucket),
        "retry_timeout": wait,
        "max_retries": str(_MOST_RETRIES),
    }


@contextmanager
def source(path: Folder) -> Iterator[Any]:
    """Yield what Arrow reads a file from."""
    if isinstance(path, ObjectPath):
        with path.open() as file:
            yield file
    else:
        yield path


def write_whole(path: Folder, data: bytes) -> None:
    """Put a file in place: readers see it whole, the one before, or none.

    Raises:
        OSError: it cannot be written.
    """
    if isinstance(path, ObjectPath):
        path.write_bytes(data)
        return
    fresh = path.with_name(f".{uuid.uuid4().hex}")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def copy(origin: Folder, target: Folder) -> None:
    """Copy a file; where the target is a file of this machine, whole only when this returns.

    Raises:
        OSError: it cannot be read or written.
    """
    if isinstance(target, ObjectPath):
        import obstore

        with origin.open("rb") as file, _in_words(target):
            obstore.put(_connected(target.bucket), target.key, file)
    elif isinstance(origin, Path):
        shutil.copy2(origin, target)
    else:
        with origin.open() as file, target.open("wb") as out:
            shutil.copyfileobj(file, out, _PIECE)


def move(made: Path, target: Folder) -> None:
    """Move a whole file of this machine to its place in the archive.

    Raises:
        OSError: it cannot be; the file is where it was.
    """
    if isinstance(target, ObjectPath):
        copy(made, target)
        made.unlink()
    else:
        made.rename(target)


def etag(path: ObjectPath) -> str | None:
    """Return what tells an object's content from any other it had; None where there is none."""
    import obstore

    with _in_words(path):
        try:
            return obstore.head(_connected(path.bucket), path.key)["e_tag"]
        except FileNotFoundError:
            return None


def put_if(path: ObjectPath, data: bytes, before: str | None) -> str | None:
    """Put an object if it is still the one that it was; return its new tag.

    Args:
        path: which.
        data: its bytes.
        before: the tag that it must have (`etag`); None: there must be none.

    Raises:
        Changed: another writer was first.
    """
    import obstore
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    with _in_words(path):
        try:
            return obstore.put(
                _connected(path.bucket),
                path.key,
                data,
                mode={"e_tag": before} if before else "create",
                use_multipart=False,
            )["e_tag"]
        except (AlreadyExistsError, PreconditionError, FileNotFoundError):
            raise Changed(f"{path}: another writer was first") from None


def filesystem(path: ObjectPath) -> "AbstractFileSystem":
    """Return the bucket as a file system for DuckDB, where its own extension is not installed."""
    from obstore.fsspec import FsspecStore

    class Named(FsspecStore):
        cachable = False

        def glob(self, path: str, maxdepth: Any = None, **_: Any) -> list[str]:
            """Return the path: the files that a snapshot names are there, and hold no patterns."""
            return [path]

    return Named("s3", client_options=_client(path.bucket), retry_config=_retries(path.bucket))


class _Reader(io.RawIOBase):
    """The bytes of an object, asked for in pieces; the first piece tells how many there are."""

    def __init__(self, path: ObjectPath) -> None:
        self._path = path
        self._at = 0
        first, known = path.range_of(0, _PIECE)
        self._size = known.st_size
        self._pieces = {0: first}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, into: Any) -> int:
        number, within = divmod(self._at, _PIECE)
        if self._at >= self._size:
            return 0
        piece = self._pieces.pop(number, None)
        if piece is None:
            piece = self._path.read_range(number * _PIECE, _PIECE)
        self._pieces[number] = piece
        if len(self._pieces) > _KEPT:
            del self._pieces[next(iter(self._pieces))]
        data = piece[within : within + len(into)]
        into[: len(data)] = data
        self._at += len(data)
        return len(data)


def _stat(meta: Any) -> Stat:
    return Stat(meta["size"], meta["last_modified"].timestamp())


@lru_cache(maxsize=16)
def _connected(bucket: Bucket) -> "S3Store":
    from obstore.store import S3Store

    return S3Store(bucket.name, client_options=_client(bucket), retry_config=_retries(bucket))


def _client(bucket: Bucket) -> Any:
    return {
        "allow_http": True,
        "timeout": timedelta(seconds=bucket.timeout),
        "connect_timeout": _connect_timeout(bucket),
    }


def _connect_timeout(bucket: Bucket) -> str:
    return f"{min(5.0, bucket.timeout):g}s"


def _retries(bucket: Bucket) -> Any:
    return {"max_retries": _MOST_RETRIES, "retry_timeout": timedelta(seconds=bucket.timeout)}


@contextmanager
def _in_words(path: ObjectPath) -> Iterator[None]:
    """Let the store's errors be those of files, each in one line."""
    from obstore import exceptions

    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(errno.ENOENT, "No such object", str(path)) from None
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
        raise StoreError(errno.EACCES, "the object store refuses these keys", str(path)) from None
    except exceptions.BaseError as error:
        raise StoreError(errno.EIO, words_of(error), str(path)) from None


def is_of_store(error: Exception) -> bool:
    """Say whether an error is the store's, and tells nothing of what was asked for."""
    text = str(error)
    return any(words in text for words in ("Generic S3 error", *_LATE, *_DOWN, *_REFUSED))


def words_of(error: Exception) -> str:
    """Return in one line what a store's libraries say of it, in several, with arrows."""
    text = re.sub(r"\x1b\[[0-9;]*m|↳", " ", str(error))
    if any(words in text for words in _LATE):
        return "the object store does not answer in time (setting store_timeout)"
    if any(words in text for words in _DOWN):
        return "the object store does not answer (is AWS_ENDPOINT_URL right, and is it up?)"
    if any(words in text for words in _REFUSED):
        return "the object store refuses these keys"
    if "NoSuchBucket" in text:
        return "there is no such bucket"
    said = " ".join(text.partition("Debug source")[0].split())
    return f"the object store failed: {said[:300]}"
