"""Paint by Gradient: one command that sets everything up and runs it.

    python do.py notebooks   run every notebook; pages and a gallery go to build/index.html
    python do.py test        run the tests (further words go to pytest)
    python do.py lab         open JupyterLab in notebooks/
    python do.py build       for maintainers: rebuild the notebooks from notebooks/src (all, or the named ones)

The first call makes the folder .venv and installs there what pyproject.toml lists; later calls start at once.
With --current nothing goes to .venv: the Python that runs this file is used (conda, Colab), and only what it
misses is installed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from contextlib import contextmanager
from pathlib import Path

# This file must parse, and run as far as check_python, on every Python from 3.6 on.
OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "paint-by-gradient.stamp"
UNFINISHED = "unfinished"
LOG = ROOT / "build" / "install.log"
LOCK = ROOT / "build" / "install.lock"
COMMANDS = {
    "notebooks": [str(ROOT / "tools" / "run_notebooks.py")],
    "test": ["-m", "pytest"],
    "lab": ["-m", "jupyterlab"],
    "build": [str(ROOT / "tools" / "build_notebooks.py")],
}
AGAIN = "then run the same command again"
GIGA = 10**9
PLENTY = (8 if sys.platform == "linux" else 3) * GIGA  # on Linux, PyTorch brings the CUDA libraries
TOO_LITTLE = GIGA
# What pip or venv print when they fail, and what that means for the reader; the first match counts.
REASONS = [
    (
        r"No space left on device|Errno 28|not enough space on the disk",
        "the disk is full, about {need} GB are needed and {free:.1f} GB are free in {root}: make room",
    ),
    (r"externally-managed-environment", "this Python belongs to the operating system: leave out --current"),
    (r"No module named '?\"?pip\b", "this Python has no pip: leave out --current"),
    (
        r"ensurepip is not available|No module named '?\"?(venv|ensurepip)\b",
        "this Python lacks its venv module: install it (on Debian and Ubuntu: sudo apt install python3-venv)",
    ),
    (
        r"NewConnectionError|ConnectionError|ConnectTimeout|ReadTimeout|Max retries exceeded|getaddrinfo failed|"
        r"Temporary failure in name resolution|ProxyError|SSLError|IncompleteRead|timed out",
        "the package index could not be reached: check the network",
    ),
    (
        r"Permission denied|Errno 13|WinError 5\b|Access is denied|Read-only file system",
        "a file may not be written or is in use: close what uses it, or copy the whole folder to a place of your own",
    ),
    (
        r"No matching distribution found for (?P<name>[^\n]+)",
        "no version of {name} fits Python {python} on {platform}: try another Python from {oldest} on",
    ),
    (r"ResolutionImpossible", "the packages ask for versions that exclude each other: take a fresh clone"),
]


class Stop(Exception):
    """The end of the work, as one sentence that says what happened and what to do."""


def version(numbers):
    """Write (3, 11, ...) as 3.11."""
    return ".".join(str(number) for number in numbers[:2])


def check_python():
    """Refuse a Python that is too old for the packages."""
    if sys.version_info[:2] < OLDEST:
        raise Stop(
            f"Python {version(OLDEST)} or newer is needed and this is Python {version(sys.version_info)}: get a newer "
            f"one from python.org, conda or your system's packages, {AGAIN} with it."
        )


def requirements():
    """Return the requirement strings of pyproject.toml: what the notebooks need, then what the tests need."""
    import tomllib

    try:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        return project["dependencies"] + project["optional-dependencies"]["test"]
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise Stop(f"The list of packages in pyproject.toml cannot be read ({error!r}): restore it, {AGAIN}.") from None


def fingerprint():
    """Return a hash that changes with whatever makes an installed .venv unfit: packages, Python, machine, place."""
    facts = [*requirements(), version(sys.version_info), sysconfig.get_platform(), str(VENV)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def stamped():
    """Return what the stamp says: a fingerprint, UNFINISHED, or nothing."""
    try:
        return STAMP.read_text("utf-8")
    except OSError:
        return ""


@contextmanager
def locked():
    """Hold the installation lock; the system frees it when its holders, pip included, are gone. Yields the file."""
    LOCK.parent.mkdir(exist_ok=True)
    with open(LOCK, "a") as handle:
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise Stop(f"Another call is installing in this folder: wait until it is done, {AGAIN}.") from None
        yield handle


def own_environment():
    """Return the Python of a finished .venv, after making it where that is needed."""
    wanted = fingerprint()
    if stamped() == wanted and PYTHON.exists():
        return str(PYTHON)
    with locked() as lock:
        if stamped() != wanted or not PYTHON.exists():  # it may have been finished since
            make_venv(lock)
            STAMP.write_text(wanted, "utf-8")
    return str(PYTHON)


def make_venv(lock):
    """Make or repair .venv and install into it. Keeps what is there if it is whole and of this Python."""
    check_disk()
    fresh = stamped() == UNFINISHED or not runs(PYTHON)
    if fresh and BIN.exists():
        shutil.rmtree(BIN)  # goes first: the rest, if this is interrupted, cannot pass for an environment
    say(f"{'Making' if fresh else 'Updating'} {VENV}")
    base = getattr(sys, "_base_executable", None) or sys.executable
    follow([base, "-m", "venv", str(VENV)] + ["--clear"] * fresh, lock)
    STAMP.write_text(UNFINISHED, "utf-8")
    install(str(PYTHON), requirements(), lock)


def runs(python):
    """Tell whether this interpreter starts and has the version of the running one."""
    code = "import sys; print(*sys.version_info[:2], sep='.')"
    try:
        done = subprocess.run([str(python), "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return done.stdout.decode().strip() == version(sys.version_info)


def current_environment():
    """Return the running Python, after installing what it misses."""
    wanted = missing(requirements())
    if wanted:
        with locked() as lock:
            check_disk()
            say(f"Missing here: {', '.join(wanted)}")
            install(sys.executable, wanted, lock)
    return sys.executable


def missing(wanted):
    """Return the requirements that the running Python does not satisfy (all, where it cannot tell)."""
    from importlib import metadata

    try:
        from packaging.requirements import Requirement
    except ImportError:
        return wanted
    lacking = []
    for text in wanted:
        need = Requirement(text)
        try:
            fits = need.specifier.contains(metadata.version(need.name), prereleases=True)
        except metadata.PackageNotFoundError:
            fits = False
        if not fits and (need.marker is None or need.marker.evaluate()):
            lacking.append(text)
    return lacking


def install(python, wanted, lock):
    """Let pip install the requirements; what satisfies them already stays as it is."""
    if not wanted:
        return
    say("pip downloads what is missing: at first 1 to 5 GB, most of it PyTorch, which takes a few minutes.")
    options = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    follow([python, "-m", "pip", "install", *options, *wanted], lock)


def follow(command, lock):
    """Run an installing command with its output in LOG and the last line of it on the screen. Stops on failure."""
    shared = {} if os.name == "nt" else {"pass_fds": [lock.fileno()]}  # a child that outlives us keeps the lock
    start = time.monotonic()
    with open(LOG, "w", encoding="utf-8") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **shared)
        try:
            watch(child, start)
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
    if child.returncode:
        raise Stop(explain(log_text(), f"log: {LOG}"))


def watch(child, start):
    """Show now and then, until the child ends, how long it has worked, how much it has written, and its last step."""
    live = sys.stdout.isatty() and not os.environ.get("CI")
    told, before = start, free()
    while True:
        try:
            child.wait(timeout=0.2 if live else 1)
            break
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            minutes, seconds = divmod(int(now - start), 60)
            line = f"  {minutes}:{seconds:02d}  {max(before - free(), 0) / GIGA:.1f} GB written  {step()}"
            if live:
                print("\r\033[K" + line[: shutil.get_terminal_size().columns - 1], end="", flush=True)
            elif now - told >= 15:
                told = now
                say(line[:110])
    if live:
        print("\r\033[K", end="", flush=True)


def step():
    """Return the last step that pip has named, without its details."""
    words = ("Collecting", "Downloading", "Using cached", "Building", "Installing")
    steps = [line.strip() for line in log_text().splitlines() if line.strip().startswith(words)]
    return steps[-1].split(":")[0] if steps else ""


def free():
    """Return how many bytes are free where this folder is."""
    return shutil.disk_usage(str(ROOT)).free


def log_text():
    """Return what the installing command has written so far."""
    return LOG.read_text("utf-8", errors="replace")


def explain(text, detail):
    """Turn what a failed installation or the system says into one sentence."""
    if free() < TOO_LITTLE / 10:
        text = "No space left on device"  # not every tool says so
    for pattern, reason in REASONS:
        found = re.search(pattern, text)
        if found:
            facts = {"python": version(sys.version_info), "platform": sysconfig.get_platform(), **found.groupdict()}
            reason = reason.format(need=PLENTY // GIGA, free=free() / GIGA, root=ROOT, oldest=version(OLDEST), **facts)
            return f"The setup failed because {reason}, {AGAIN} ({detail})."
    last = (text.strip().splitlines() or ["no reason was given"])[-1]
    return f"The setup failed because of this: {last}; put it right, {AGAIN} ({detail})."


def check_disk():
    """Refuse a disk that is certainly too small for the installation, and warn of one that may be."""
    if free() < TOO_LITTLE:
        raise Stop(explain("No space left on device", "nothing was changed"))
    if free() < PLENTY:
        say(f"Room may run short: up to {PLENTY // GIGA} GB are needed and {free() / GIGA:.1f} GB are free.")


def say(line):
    """Print a line at once."""
    print(line, flush=True)


def hand_over(command, folder):
    """Run the command in a folder and end as it ends; it receives the signals, Ctrl-C included."""
    if os.name != "nt":
        os.chdir(str(folder))
        os.execv(command[0], command)
    child = subprocess.Popen(command, cwd=str(folder))
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            pass  # the child got it too and ends in its own way


def work(arguments):
    """Set up and run what the arguments ask for; returns the exit code."""
    words = [word for word in arguments if word != "--current"]
    if words[:1] in (["--help"], ["-h"], ["help"]):
        say(__doc__.strip())
        return 0
    if not words or words[0] not in COMMANDS:
        print(f"Unknown: {words[0]}\n" if words else "What shall I do?\n", __doc__.strip(), sep="\n", file=sys.stderr)
        return 2
    python = current_environment() if "--current" in arguments else own_environment()
    folder = ROOT / "notebooks" if words[0] == "lab" else ROOT
    return hand_over([python, *COMMANDS[words[0]], *words[1:]], folder)


def main(arguments):
    """Do the work; whatever stops it becomes one sentence and an exit code."""
    try:
        check_python()
        sys.stdout.reconfigure(errors="replace")
        return work(arguments)
    except KeyboardInterrupt:
        print("\nStopped by you: the next call goes on from here or starts the installation anew.", file=sys.stderr)
        return 130
    except Stop as stop:
        print(stop, file=sys.stderr)
    except OSError as error:
        print(explain(str(error), f"in {ROOT}"), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
