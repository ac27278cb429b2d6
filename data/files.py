"""Files: read whole, if they are regular and of bounded size; kept below a folder; written whole or not at all.

Everything that this package reads goes through `read`, everything that a case names through `inside`, and everything that it
writes through `write`.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

from veridical.data.errors import InputError
from veridical.data.unique_names import each_once

__all__ = [
    "LARGEST",
    "PART",
    "append",
    "content",
    "file_names",
    "inside",
    "locked",
    "make_folder",
    "make_private",
    "outside_allowed",
    "read",
    "read_toml",
    "unwritable",
    "writable",
    "write",
]

LONGEST = 100  # letters of a name that is made of another
LARGEST = 256 * 2**20  # bytes of a file that is read
PART = ".part"  # the end of a file that is being written, whose name begins with a dot; a process that was killed leaves it
BUSY = (errno.EWOULDBLOCK, errno.EACCES)
_anywhere: ContextVar[bool] = ContextVar("anywhere", default=False)


def read(path: str | Path, noun: str, form: str) -> str:
    """Return the text of a file, which is UTF-8; `form` is the format of the text. Raises InputError as `content` does."""
    path = Path(path)
    try:
        return content(path, noun).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.of("<file>", str(path), f"UTF-8 text in the {form} format ({error})", path.name) from None


def content(path: str | Path, noun: str, most: int = LARGEST) -> bytes:
    """Return what is in a file; it is never opened where that could wait (a pipe) or would not end (a device).

    `noun` is what the file is to be. Raises InputError for what is no regular file of at most `most` bytes, and for what
    cannot be read.
    """
    path = Path(path)
    try:
        _refuse_irregular(os.stat(path), most)
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as stream:
            _refuse_irregular(os.fstat(stream.fileno()), most)  # it may have become another one
            found = stream.read(most + 1)
        if len(found) > most:
            raise OSError(_too_large(most))
        return found
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError.of("<file>", str(path), f"a readable {noun} ({_reason(error)})", path.name) from None


def read_toml(path: Path, noun: str) -> dict[str, Any]:
    """Return the table in a TOML file; raises InputError, also for what is no TOML."""
    text = read(path, noun, "TOML")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # no TOML, a whole number of thousands of digits, tables too deep
        raise InputError.of("<file>", str(path), f"text in the TOML format ({error})", path.name) from None


def _refuse_irregular(status: os.stat_result, most: int = LARGEST) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError("no regular file")
    if status.st_size > most:
        raise OSError(_too_large(most))


def _too_large(most: int) -> str:
    return f"larger than {most // 2**20} MB"


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


@contextmanager
def inside(folder: Path, name: str) -> Iterator[Path]:
    """Give the path of a file that a case names, which is below the folder of the case, by way of links too.

    Raises InputError for another one, before anything of it is looked at, unless `outside_allowed`; what is wrong in one that
    is allowed is said without what stands there.
    """
    given = Path(name)
    leads = "\0" not in name and Path(os.path.realpath(folder / name)).is_relative_to(os.path.realpath(folder))
    is_inside = leads and not given.anchor and ".." not in given.parts
    if not is_inside and not _anywhere.get():
        allowed = "a file below the folder of the case; others with allow_files=True, on the command line --allow-files"
        raise InputError.of("<file>", name, allowed, given.name)
    try:
        yield folder / name
    except InputError as error:
        if is_inside:
            raise
        hidden = (replace(problem, value="<what stands in a file outside the folder>") for problem in error.problems)
        raise InputError(*hidden, file=error.file) from None


@contextmanager
def outside_allowed(allowed: bool = True) -> Iterator[None]:
    """Let `inside` take files of any place meanwhile."""
    token = _anywhere.set(allowed)
    try:
        yield
    finally:
        _anywhere.reset(token)


def writable(path: str | Path, field: str = "<file>") -> Path:
    """Return where a file will be written, with links followed: in a folder that is there, in place of a regular file or of none.

    Raises InputError, with the `field` that names the file.
    """
    try:
        target = Path(os.path.realpath(path))
        status = os.stat(target) if target.exists() else None
        if status is not None:
            _refuse_irregular(status)
        folder = os.stat(target.parent)
        if not stat.S_ISDIR(folder.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(target.parent, os.W_OK | os.X_OK) or (status is not None and not os.access(target, os.W_OK)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:
        raise unwritable(path, field, error) from None
    return target


def write(contents: Mapping[Path, str | bytes], *, private: bool = False) -> None:
    """Write files, each whole or not at all: all of them beside their places first, then moved there, in order.

    `private`: nobody but this user may read them, at no moment, whatever the files were before.

    Whoever reads one meanwhile, or after this process was killed, finds the old file or the new one. Raises InputError where a
    file cannot be written: none is changed then, as long as the moves succeed.
    """
    waiting: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for path, content in contents.items():
            target = writable(path)
            part = target.with_name(f".{target.name}.{os.getpid()}{PART}")
            with open(part, "wb", opener=_private if private else None) as stream:
                waiting.append((part, target))
                stream.write(content.encode() if isinstance(content, str) else content)
                stream.flush()
                os.fsync(stream.fileno())
            if target.exists() and not private:
                shutil.copymode(target, part)
        while waiting:
            os.replace(*waiting[0])
            waiting.pop(0)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise unwritable(path, "<file>", error) from None
    finally:
        for part, _ in waiting:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def append(path: str | Path, content: str | bytes) -> None:
    """Write more at the end of a file, made for this user alone where there is none; it is on the disk when this returns.

    Raises InputError. A crash meanwhile may leave a part of it: whoever reads the file has to see what is whole.
    """
    target = writable(path)
    try:
        with open(target, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise unwritable(path, "<file>", error) from None


def make_private(path: str | Path, field: str = "<file>") -> Path:
    """Return where a file is or will be, made empty and for this user alone where there is none; raises InputError."""
    target = writable(path, field)
    try:
        os.close(os.open(target, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise unwritable(path, field, error) from None
    return target


def _private(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_EXCL, 0o600)


def make_folder(path: str | Path, field: str = "<file>") -> Path:
    """Return a folder that files can be written to, made where it is not there; raises InputError."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:
        raise InputError.of(field, str(path), f"a folder that can be written ({_reason(error)})") from None
    return folder


@contextmanager
def locked(folder: Path, field: str = "<file>") -> Iterator[None]:
    """Keep other processes from a folder meanwhile; raises InputError where another one is at work there.

    The lock is the system's own, on the folder itself or, on Windows, on a file in it that goes when it is closed: it ends with
    the process, however that ends, and leaves no file. Network drives that have no locks are not kept from anything.
    """
    try:
        handle = _lockable(folder)
    except OSError as error:
        raise InputError.of(field, str(folder), f"a folder that can be read and written ({_reason(error)})") from None
    try:
        try:
            _lock(handle)
        except OSError as error:
            if error.errno in BUSY:
                raise InputError.of(field, str(folder), "a folder in which no other run is at work") from None
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _lockable(folder: Path) -> int:
        return os.open(folder / f".lock{PART}", os.O_CREAT | os.O_RDWR | os.O_TEMPORARY)

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lockable(folder: Path) -> int:
        return os.open(folder, os.O_RDONLY)

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def file_names(names: Iterable[str], otherwise: str = "supplier") -> list[str]:
    """Return a name for the file of each, from letters, digits, hyphens and underscores; told apart on any file system.

    `otherwise`: the name for one in which there are no such signs at all.
    """
    plain = ("".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in name) for name in names)
    return each_once((name or otherwise for name in plain), LONGEST)


def unwritable(path: str | Path, field: str, error: OSError | ValueError) -> InputError:
    """Return the error for a file that could not be written, with the reason."""
    return InputError.of(field, str(path), f"a file that can be written ({_reason(error)})")
