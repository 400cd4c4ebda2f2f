"""Paint by Gradient: one command that sets everything up and runs it.

    python do.py notebooks   run every notebook; pages and a gallery go to build/index.html
    python do.py test        run all tests, the notebooks included
    python do.py lab         open JupyterLab at the first notebook
    python do.py exhibit PLAN  paint all pictures of a plan.toml; a page goes beside them
    python do.py build       for maintainers: rebuild the notebooks from notebooks/src
    python do.py publish URL for maintainers: say at which address the series can be had

Further words are passed on, such as the names of notebooks or options of pytest.

The first call makes the folder .venv and installs there what pyproject.toml lists; later calls
start at once. With --current nothing goes to .venv: the Python that runs this file is used (conda,
Colab), and only what it misses is installed.
"""

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

# This file must parse, and run as far as check_python, on every Python from 3.6 on.
OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "paint-by-gradient.stamp"  # written last: without it, .venv is not finished
LOG = ROOT / "build" / "install.log"
LOCK = ROOT / "build" / "install.lock"
AGAIN = "then run the same command again"

FIRST = "notebooks/00_start_here.ipynb"
SAVING = "--ContentsManager.pre_save_hook=tools.site.lab.keep_language"
# nbval runs the notebooks, and compares the outputs of the cells that ask for it.
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "300"]
COMMANDS = {
    "notebooks": ["-m", "tools.site.run"],
    "test": ["-m", "pytest", *NBVAL, "--durations", "10"],
    # From the root, because the notebooks show pictures that lie beside their folder.
    "lab": ["-m", "jupyterlab", f"--LabApp.default_url=/lab/tree/{FIRST}", SAVING],
    "exhibit": ["-m", "helpers.exhibit"],
    "build": ["-m", "tools.site.build"],
    "publish": ["-m", "tools.site.publish"],
}


class Stop(Exception):
    """The end of the work, as a sentence that says what happened and what to do."""


def version(numbers):
    """Write (3, 11, ...) as 3.11."""
    return ".".join(str(number) for number in numbers[:2])


def check_python():
    """Refuse a Python that is too old for the packages."""
    if sys.version_info[:2] < OLDEST:
        raise Stop(
            f"Python {version(OLDEST)} or newer is needed and this is Python "
            f"{version(sys.version_info)}: get a newer one from python.org, conda or your "
            f"system's packages, {AGAIN} with it."
        )


def own_environment():
    """Return the Python of .venv, after making or repairing it where that is needed."""
    from helpers.install import requirements  # late: an old Python cannot read that file

    wanted = requirements() + requirements("test")
    # What makes an environment unfit when it changes: Python, the packages, the place.
    facts = [version(sys.version_info), *wanted, str(VENV)]
    if stamp() != facts or not PYTHON.exists():
        with lock():
            make(wanted)
            STAMP.write_text("\n".join(facts), encoding="utf-8")
    return str(PYTHON)


def stamp():
    """Return the facts that .venv was made for; nothing, if it was not finished."""
    try:
        return STAMP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def make(wanted):
    """Make .venv, or update it if it is whole and of this Python; install what is wanted."""
    whole = stamp()[:1] == [version(sys.version_info)] and PYTHON.exists()
    print(f"{'Updating' if whole else 'Making'} {VENV}", flush=True)
    STAMP.unlink(missing_ok=True)
    base = getattr(sys, "_base_executable", sys.executable)  # not the Python of .venv itself
    run([base, "-m", "venv", *([] if whole else ["--clear"]), str(VENV)])
    install(str(PYTHON), wanted)


def current_environment():
    """Return the running Python, after installing what it misses."""
    from helpers.install import missing, requirements

    lacking = missing(requirements() + requirements("test"))
    if lacking:
        with lock():
            install(sys.executable, lacking)
    return sys.executable


def install(python, wanted):
    """Let pip install the requirements; what satisfies them already stays as it is."""
    print(f"pip installs {len(wanted)} packages and what they need.", flush=True)
    print("The first time that is 1 to 5 GB, most of it PyTorch, and takes minutes.", flush=True)
    LOG.unlink(missing_ok=True)
    options = ["--no-input", "--disable-pip-version-check", "--log", str(LOG)]
    run([python, "-m", "pip", "install", *options, *wanted])


def run(command):
    """Run a command of the installation, which shows what it does; stops if it fails."""
    if subprocess.run(command, stdin=subprocess.DEVNULL).returncode:
        raise Stop(
            "The setup failed, and the last lines above say why: put it right (a full disk, no "
            f"network, a folder that cannot be written?), {AGAIN}. All that pip said: {LOG}"
        )


@contextmanager
def lock():
    """Let no second call install at the same time; the system frees the lock when we end."""
    LOCK.parent.mkdir(exist_ok=True)
    with open(LOCK, "w") as file:
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Stop(
                f"Another call is installing in this folder: wait until it is done, {AGAIN}."
            ) from None
        yield


def hand_over(command):
    """Run the command in the root and end as it ends; it receives the signals, Ctrl-C included."""
    with suppress(OSError):  # a folder that is gone is nobody's
        os.environ["NST_CALLER"] = os.getcwd()  # what the caller's relative paths start from
    if os.name != "nt":
        os.chdir(ROOT)
        os.execv(command[0], command)
    child = subprocess.Popen(command, cwd=ROOT)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            pass  # the child got it too and ends in its own way


def work(words):
    """Set up and run what the words ask for. Returns the exit code."""
    current = "--current" in words
    words = [word for word in words if word != "--current"]
    if words[:1] in (["--help"], ["-h"], ["help"]):
        print(__doc__.strip())
        return 0
    if not words or words[0] not in COMMANDS:
        problem = f"There is no command {words[0]}." if words else "Which command?"
        print(f"{problem}\n\n{__doc__.strip()}", file=sys.stderr)
        return 2
    python = current_environment() if current else own_environment()
    return hand_over([python, *COMMANDS[words[0]], *words[1:]])


def main(words):
    """Do the work; whatever stops it becomes a sentence and an exit code."""
    try:
        check_python()
        prepare_to_print()
        code = work(words)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print(f"\nStopped by you. To go on: {AGAIN.replace('then ', '')}.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` has read enough; Python would flush once more, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Stop as stop:
        print(stop, file=sys.stderr)
    except (OSError, ValueError) as error:  # a disk or a folder; a pyproject.toml that is damaged
        print(f"The setup failed ({error}): put that right, {AGAIN}.", file=sys.stderr)
    return 1


def prepare_to_print():
    """Make sure that every text can be printed, on any terminal and on none."""
    if sys.stdout is None:  # it was closed (`>&-`)
        sys.stdout = open(os.devnull, "w")
    sys.stdout.reconfigure(errors="replace")  # a folder's name may not fit the terminal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
