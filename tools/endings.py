"""How a tool ends: what stops it becomes a sentence. Standard library only."""

import atexit
import os
import sys
from types import TracebackType

__all__ = ["Mistake", "install"]


class Mistake(ValueError):
    """Something that was given or written cannot be used; the message says what to do."""


def install() -> None:
    """Let this process say in a sentence what ends it: Ctrl-C, a full disk, a reader who left.

    What nobody thought of keeps its traceback, and `python -X dev -m tools...` shows all of them.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed (`>&-`), and nobody wants to hear anything
            setattr(sys, name, open(os.devnull, "w"))
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # not every terminal knows every letter
    atexit.register(flush)
    if not sys.flags.dev_mode:
        sys.excepthook = say


def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print why the program ends: the sentence, or a traceback where there is none."""
    if isinstance(error, BrokenPipeError):  # `| head` has read enough
        return
    message = sentence(error)
    if message is None:
        sys.__excepthook__(kind, error, trace)
    else:
        print(message, file=sys.stderr)


def sentence(error: BaseException) -> str | None:
    """Say what an error means to the person who called; None for a fault of the program."""
    if isinstance(error, KeyboardInterrupt):
        return "\nStopped by you: what was finished is kept."
    if isinstance(error, Mistake):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return f"The package {error.name} is missing: `python do.py --help` says how to install it."
    if isinstance(error, MemoryError):
        return "The memory is full: close other programs, or ask for less, and try again."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return None


def flush() -> None:
    """Print what is still to be printed; that nobody reads it any more is no failure."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # Python would try once more, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(sentence(error), file=sys.stderr, flush=True)
        os._exit(1)  # everything else has ended before
