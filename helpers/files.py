"""One way to write a file: beside its place first, and then into it. Standard library only."""

import errno
import glob
import os
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["write_file"]

HOUR = 3600  # seconds; nothing that is still being written is as old as that


def write_file(path: str | os.PathLike, content: bytes | str) -> Path:
    """Write a whole file or none: whoever reads it meets the old content or the new, never a part.

    path: where to write; missing folders are made. content: bytes, or text, which becomes UTF-8.
    A process that is killed in the middle leaves `.NAME-....part` beside the file; who writes the
    same name an hour later, or after that, removes it.

    Returns the path. Raises OSError, naming the path and what to do, where the disk is full or the
    folder cannot be written; the file that was there before is there still.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}-{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
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
    for part in path.parent.glob(f".{glob.escape(path.name)}-*.part"):
        with suppress(OSError):  # somebody else may have swept
            if time.time() - part.stat().st_mtime > HOUR:
                part.unlink()
