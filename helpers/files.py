"""One way to write a file: beside its place first, and then into it. Standard library only."""

import errno
import os
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["as_path", "write_file"]

HOUR = 3600  # seconds; nothing that is still being written is as old as that


def as_path(path: str | os.PathLike, example: str = "outputs/mine.png") -> Path:
    """A path as somebody gives it: ~ is their home, and a link leads to its target.

    example: for the sentence. Raises ValueError for what is no path, and for what lies there and is
    no file.
    """
    if not isinstance(path, str | os.PathLike) or "\0" in str(path) or not str(path).strip():
        raise ValueError(f"path must be a path such as {example}, not {path!r}")
    path = Path(path)
    with suppress(RuntimeError):  # ~nobody/mine.png: then a folder of that name is meant
        path = path.expanduser()
    if path.is_symlink():
        path = path.resolve()
    with suppress(OSError):  # a name that is too long for the disk is told when it is written
        if path.exists() and not path.is_file():
            raise ValueError(f"{path} is no file: choose another name")
    return path


def write_file(path: str | os.PathLike, content: bytes | str) -> Path:
    """Write a whole file or none: whoever reads it meets the old content or the new, never a part.

    path: where to write; missing folders are made. content: bytes, or text, which becomes UTF-8.
    A process that is killed in the middle leaves `.NAME-....part` beside the file; who writes the
    same name an hour later, or after that, removes it.

    Returns the path. Raises OSError, naming the path and what to do, where the disk is full or the
    folder cannot be written; the file that was there before is there still.
    """
    path = as_path(path)
    content = content.encode("utf-8") if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}-{os.getpid()}{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        if path.exists():
            mode = path.stat().st_mode
            if not mode & 0o200:
                raise PermissionError(errno.EACCES, "it is read-only")
            beside.chmod(mode)
        os.replace(beside, path)
        _sweep(path)
    except UnicodeEncodeError:
        raise ValueError(f"no file can have the name {path.name!r}: choose another") from None
    except OSError as error:
        advice = "free some space or choose another folder"
        if error.errno == errno.ENAMETOOLONG:
            advice = "choose a shorter name"
        sentence = f"{path} could not be written ({error.strerror}): {advice}"
        raise OSError(error.errno, sentence) from error
    finally:
        with suppress(OSError, ValueError):  # after a success it is gone
            beside.unlink()
    return path


def _sweep(path: Path) -> None:
    """Remove what processes that were killed have left of a file.

    By its age, because whether a process lives cannot be asked on every system, nor across a
    network.
    """
    of_this_file = re.compile(re.escape(f".{path.name}-") + r"\d+\.part")
    for part in path.parent.iterdir():
        if not of_this_file.fullmatch(part.name):
            continue
        with suppress(OSError):  # somebody else may have swept
            if time.time() - part.stat().st_mtime > HOUR:
                part.unlink()
