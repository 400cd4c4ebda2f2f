"""Run the answers of one submission in this process, fenced in, and tell what became of each.

The grader copies this file into a temporary folder, beside a copy of the helpers, and starts it
there: it imports nothing else of ours. It reads a job as JSON from its input, and writes a line of
JSON for the start and the end of each exercise. Each line carries the token of the job, which
nothing in a notebook's cells has been told.

The fence is an audit hook, which Python itself calls before files are opened, processes started
and hosts looked up, and which nothing can take away again. It keeps accidents and pranks inside the
folder. It is no prison: code that reaches into the memory of its own process gets past it.
"""

import builtins
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

GIGABYTE = 2**30
FILE_SIZE = 200 * 2**20  # bytes of a file that is written
VERDICT = "_verdict"  # where a check cell keeps what its call returned
NETWORK = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostby")
NETWORK += ("socket.send", "urllib.Request", "http.client", "ftplib", "smtplib")
PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork")
PROCESSES += ("os.forkpty", "pty.spawn", "os.kill", "os.startfile")
FONTS = ("fc-list", "system_profiler")  # what matplotlib starts when it is first imported
# Events whose arguments are paths that are changed, and how many of them.
CHANGING = {"os.remove": 1, "os.rmdir": 1, "os.rename": 2, "os.truncate": 1, "os.mkdir": 1}
CHANGING |= {"os.link": 2, "os.symlink": 2, "os.chmod": 1, "os.chown": 1, "os.utime": 1}
CHANGING |= {"shutil.rmtree": 1, "shutil.move": 2, "os.setxattr": 1, "os.removexattr": 1}
# What helpers.check calls of PyTorch, which itself replaces much else when it is first used.
OF_TORCH = {"as_tensor", "isclose", "where", "randn", "unravel_index", "Generator", "allclose"}
OF_TENSORS = {"abs", "all", "any", "argmax", "clone", "cpu", "detach", "double", "item", "tolist"}
OF_TENSORS |= {"nan_to_num", "__sub__", "__eq__", "__bool__", "__float__", "max"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Fence:
    """What the answers may not do, and what they tried. folder: where they may write."""

    def __init__(self, folder: Path):
        """Take the folder; nothing is refused before `close`."""
        self.folder = os.path.realpath(folder)
        self.tried: list[str] = []
        self.is_closed = False

    def close(self) -> None:
        """Let Python ask from now on, for ever."""
        self.is_closed = True
        sys.addaudithook(self.asked)

    def asked(self, event: str, arguments: tuple) -> None:
        """Refuse what leaves the folder, by raising PermissionError."""
        if event.startswith(NETWORK):
            self.refuse("reach the network")
        elif event == "subprocess.Popen" and str(arguments[0]) in FONTS:
            raise PermissionError("the grader looks for no fonts")  # matplotlib does without
        elif event.startswith(PROCESSES):
            self.refuse("start or end processes")
        elif event == "open" and is_writing(arguments) and not self.holds(arguments[0]):
            self.refuse("write outside its folder")
        elif event in CHANGING:
            if not all(self.holds(path) for path in arguments[: CHANGING[event]]):
                self.refuse("change files outside its folder")

    def holds(self, path: Any) -> bool:
        """Tell whether a path lies in the folder, or is nothing that could be harmed."""
        if isinstance(path, int) or path is None:
            return True
        try:
            real = os.path.realpath(os.fsdecode(path))
        except (TypeError, ValueError):
            return False
        return real == os.devnull or real.startswith(self.folder + os.sep) or real == self.folder

    def refuse(self, what: str) -> None:
        """Remember what was tried, and raise."""
        self.tried.append(what)
        raise PermissionError(f"the grader does not let an answer {what}")


def is_writing(arguments: tuple) -> bool:
    """Tell whether a file is opened to be changed."""
    _, mode, flags = (*arguments, None, None)[:3]
    if isinstance(mode, str) and set(mode) & set("wax+"):
        return True
    return isinstance(flags, int) and bool(flags & WRITING)


def limit(memory: float) -> None:
    """Limit memory (in GB), the size of files and core dumps, where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = {"RLIMIT_DATA": int(memory * GIGABYTE), "RLIMIT_FSIZE": FILE_SIZE, "RLIMIT_CORE": 0}
    for name, value in wanted.items():
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (AttributeError, OSError, ValueError):
            continue


WATCHED = {"torch": OF_TORCH, "Tensor": OF_TENSORS}


class Snapshot:
    """The functions that a check relies on, to see afterwards whether they are still the same."""

    def __init__(self, owners: list[Any]):
        """Note the functions and classes of some modules and classes, and the code of ours."""
        self.owners = owners
        self.before = [self.look(owner) for owner in owners]

    @staticmethod
    def look(owner: Any) -> dict[str, Any]:
        """Return what somebody could replace."""
        names = WATCHED.get(owner.__name__, vars(owner).keys())
        everything = {name: getattr(owner, name, None) for name in names}
        found = {name: value for name, value in everything.items() if callable(value)}
        inside = {}
        for name, value in found.items():
            if isinstance(value, FunctionType):
                inside[f"{name}()"] = (value.__code__, value.__defaults__, value.__kwdefaults__)
        return found | inside

    def changed(self) -> list[str]:
        """Return the names of what was replaced; what came in addition is no matter."""
        names = []
        for owner, before in zip(self.owners, self.before, strict=True):
            now = self.look(owner)
            lost = [name for name, value in before.items() if not is_same(now.get(name), value)]
            names += [f"{owner.__name__}.{name}" for name in lost]
        return names


def is_same(now: Any, before: Any) -> bool:
    """Tell whether this is the very same thing; parts of a function are compared one by one."""
    if isinstance(before, tuple) and isinstance(now, tuple):
        return all(a is b for a, b in zip(now, before, strict=True))
    return now is before


def watched() -> list[Any]:
    """Return the modules and classes that a check relies on."""
    import torch

    ours = [m for name, m in sys.modules.items() if name.startswith("helpers.")]
    owners = [builtins, torch, torch.Tensor, *ours]
    return [owner for owner in owners if isinstance(owner, ModuleType | type)]


class Ended(Exception):
    """An answer that asked Python to end."""


class Shell:
    """IPython, as a kernel runs cells, without its history and without its tracebacks."""

    def __init__(self):
        """Start it."""
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        self.shell = InteractiveShell.instance(config=config)
        self.shell.showtraceback = lambda *args, **kwargs: None
        self.shell.showsyntaxerror = lambda *args, **kwargs: None
        self.shell.ask_exit = self.ask_exit
        self.shell.enable_gui = lambda *args, **kwargs: None  # `%matplotlib inline` asks for one
        self.names = dict(self.shell.user_ns)

    @staticmethod
    def ask_exit() -> None:
        """End as `exit()` does in a kernel."""
        raise Ended

    def clear(self) -> None:
        """Begin with an empty namespace."""
        self.shell.reset(new_session=False)
        self.shell.user_ns.update(self.names)

    def run(self, source: str) -> BaseException | None:
        """Run a cell. Returns its error, if it has one. Raises Ended."""
        result = self.shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, SystemExit | Ended):
            raise Ended
        return error

    def get(self, name: str) -> Any:
        """Return what a name stands for; None, if for nothing."""
        return self.shell.user_ns.get(name)


def sentence(error: BaseException) -> str:
    """Say what went wrong, as the learner has read it in the notebook."""
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    words = " ".join(lines)[:400]
    if isinstance(error, AssertionError) and words:
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def judged(shell: Shell, job: dict[str, Any], tell: Callable[[], None]) -> tuple[str, str]:
    """Run one exercise. Returns its verdict and a sentence; calls `tell` when the answer's turn is.

    Raises RuntimeError where the original cells themselves fail.
    """
    shell.clear()
    for source in ["import torch", *job["specs"]]:
        require(shell.run(source), job["name"])
    tell()
    snapshot = Snapshot(watched())
    try:
        for source in job["prelude"]:
            shell.run(source)  # what is missing then, the answer will miss
        error = shell.run(job["answer"])
        if not callable(shell.get(job["name"])):
            return "failed", sentence(error) if error else "there is no function of that name"
        for source in job["specs"]:  # whatever the answer has done to them
            require(shell.run(source), job["name"])
        error = shell.run(job["check"]) if not snapshot.changed() else None
    except Ended:
        return "ended Python", "the answer ends Python instead of returning"
    if snapshot.changed():
        names = ", ".join(snapshot.changed()[:3])
        return "tampered", f"the answer replaces what its check relies on: {names}"
    if error:
        return "failed", sentence(error)
    return VERDICTS.get(shell.get(VERDICT), ("failed", "the check returned nothing"))


VERDICTS = {True: ("passed", ""), False: ("not attempted", "")}


def require(error: BaseException | None, name: str) -> None:
    """Raise RuntimeError where an original cell failed: that is no fault of the learner's."""
    if error:
        raise RuntimeError(f"the original cells of {name} do not run here: {sentence(error)}")


def main() -> None:
    """Read the job, close the fence, run exercise after exercise."""
    job = json.loads(sys.stdin.read())
    channel = os.dup(1)  # what answers print goes nowhere
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)

    def tell(**facts: Any) -> None:
        line = json.dumps({"token": job["token"], **facts}) + "\n"
        os.write(channel, line.encode())

    # So that no answer waits for PyTorch, and nobody replaces the check before it is looked at.
    import helpers.check  # noqa: F401

    shell = Shell()
    limit(job["memory"])
    fence = Fence(Path(job["folder"]))
    fence.close()
    tell(ready=True)
    for place, exercise in enumerate(job["exercises"]):
        fence.tried.clear()
        try:
            verdict, words = judged(shell, exercise, lambda at=place: tell(start=at))
        except RuntimeError as error:
            verdict, words = "not graded", str(error)
        tell(end=place, verdict=verdict, words=words, tried=sorted(set(fence.tried)))
        if verdict in ("tampered", "ended Python"):  # the next one deserves a Python of its own
            break
    os._exit(0)  # threads that an answer started are not waited for


if __name__ == "__main__":
    main()
