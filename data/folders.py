"""A new folder of files, some of them for this user alone: written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from veridical.data import files
from veridical.data.errors import InputError

__all__ = ["write_new"]


def write_new(path: str | Path, contents: Mapping[str, str | bytes], private: Collection[str], field: str = "<file>") -> Path:
    """Write a new folder, which this user alone may enter, and return it: first beside its place, then moved there.

    `contents`: by name, with the name of a folder and `/` before it where a file stands in one. `private`: names of files that
    stay this user's alone wherever the folder is moved.

    Raises InputError for a place where anything stands but an empty folder, and where nothing can be written: no file is left.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}{files.PART}")
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise InputError.of(field, str(path), "a folder that is not there yet, or an empty one")
        part.mkdir(parents=True, mode=0o700)
        for name in contents:
            (part / name).parent.mkdir(mode=0o700, exist_ok=True)
        for alone in (True, False):
            chosen = {part / name: content for name, content in contents.items() if (name in private) is alone}
            files.write(chosen, private=alone)
        if target.exists():
            target.rmdir()
        part.rename(target)
    except OSError as error:
        raise InputError.of(field, str(path), f"a folder that can be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)  # there is none where it was moved
    return target
