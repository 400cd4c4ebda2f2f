"""Paint by Gradient: one command that sets everything up and runs it.

    python do.py notebooks   run every notebook; pages and a gallery go to build/index.html
    python do.py test        run all tests, the notebooks included
    python do.py lab         open JupyterLab at the first notebook
    python do.py exhibit PLAN  paint all pictures of a plan.toml; a page goes beside them
    python do.py build       for maintainers: rebuild the notebooks from notebooks/src
    python do.py teach OUT   for instructors: plans, slides, questions and figures as pages
    python do.py grade DIR   for instructors: run the checks of the notebooks that were handed in
    python do.py publish URL for maintainers: say at which address the series can be had

Further words are passed on, such as the names of notebooks or options of pytest.

The first call makes the folder .venv and installs there what pyproject.toml lists; later calls
start at once. With --current nothing goes to .venv: the Python that runs this file is used (conda,
Colab), and only what it misses is installed.

PyTorch comes for an NVIDIA card if one is here, and otherwise for the CPU, which is much smaller.
--cuda or --cpu says which it shall be, and makes .venv anew if it has the other.
"""

import os
import subprocess
import sys
import threading
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

# PyPI has PyTorch for one kind of machine a system. For the other, PyTorch has an index of its own.
USUAL_BUILD = "cuda" if sys.platform == "linux" else "cpu"
PYTORCH = "https://download.pytorch.org/whl"
OWN_INDEXES = {("linux", "cpu"): f"{PYTORCH}/cpu", ("win32", "cuda"): f"{PYTORCH}/cu128"}
SIZES = {"cpu": "about 1.5 GB", "cuda": "about 6 GB"}  # of .venv
PATIENCE = 5  # seconds for an index to answer

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
    "teach": ["-m", "tools.teach"],
    "grade": ["-m", "tools.teach.grade"],
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


def own_environment(forced=None):
    """Return the Python of .venv, after making or repairing it where that is needed.

    forced: the build of PyTorch that it must have, "cpu" or "cuda"; None for any.
    """
    from helpers.install import requirements  # late: an old Python cannot read that file

    wanted = requirements() + requirements("test")
    # What makes an environment unfit when it changes: Python, the packages, the place.
    facts = [version(sys.version_info), *wanted, str(VENV)]
    known, build = stamp()
    if known != facts or not PYTHON.exists() or forced not in (None, build):
        with lock():
            build = make(wanted, forced)
            STAMP.write_text("\n".join([*facts, build]), encoding="utf-8")
    return str(PYTHON)


def stamp():
    """Return the facts that .venv was made for and its build; [] and None if it is not finished."""
    try:
        *facts, build = STAMP.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return [], None
    if build in SIZES:
        return facts, build
    return [*facts, build], USUAL_BUILD  # it was made before there was a choice


def make(wanted, forced):
    """Make .venv, or update it if it is fit; install what is wanted. Returns the build it has."""
    known, before = stamp()
    fit = known[:1] == [version(sys.version_info)] and PYTHON.exists() and forced in (None, before)
    build = before if fit else reachable_build(wanted, forced)
    print(f"{'Updating' if fit else 'Making'} {VENV}, {SIZES[build]}", flush=True)
    STAMP.unlink(missing_ok=True)
    make_venv(clear=not fit)
    try:
        install(str(PYTHON), wanted, own_index(build))
    except OwnIndexFailed:
        build = fall_back("pip could not install from it", forced)
        make_venv(clear=True)  # half of one build and half of the other would not work
        install(str(PYTHON), wanted)
    return build


def make_venv(clear):
    """Let Python make .venv, from nothing or over what is there."""
    base = getattr(sys, "_base_executable", sys.executable)  # not the Python of .venv itself
    run([base, "-m", "venv", *(["--clear"] if clear else []), str(VENV)])


def current_environment(forced=None):
    """Return the running Python, after installing what it misses.

    forced: the build of PyTorch to install where there is none.
    """
    from helpers.install import installed, missing, requirements

    lacking = missing(requirements() + requirements("test"))
    torch = installed("torch")
    if forced and torch:
        print(f"PyTorch {torch} is here, and stays: --{forced} is for where there is none.")
    if lacking:
        with lock():
            if torch:
                install_beside(torch, lacking)
            else:
                install_anew(lacking, forced)
    return sys.executable


def install_anew(lacking, forced):
    """Install what the running Python lacks, PyTorch among it."""
    try:
        install(sys.executable, lacking, own_index(reachable_build(lacking, forced)))
    except OwnIndexFailed:
        fall_back("pip could not install from it", forced)
        install(sys.executable, lacking)


def install_beside(torch, lacking):
    """Install what the running Python lacks; torchvision has to fit the PyTorch that is there.

    torch: its version. "2.11.0+cpu" came from the index .../whl/cpu, and "2.11.0" from the usual.
    """
    label = torch.partition("+")[2]
    index = label and f"{PYTORCH}/{label}"
    is_old = any(name.startswith("torch>") for name in lacking)
    wanted = lacking if is_old or not pair_of(lacking) else [f"torch=={torch}", *lacking]
    try:
        install(sys.executable, wanted, index)
    except OwnIndexFailed:
        raise Stop(
            f"{' and '.join(pair_of(lacking))} must come from where PyTorch {torch} came from, "
            f"{index}, and that failed, as the last lines above say: put it right, {AGAIN}."
        ) from None


def pair_of(wanted):
    """Return those of some requirements that are PyTorch or built on it."""
    return [name for name in wanted if name.startswith(("torch>", "torch=", "torchvision>"))]


def reachable_build(wanted, forced):
    """Return the build to install: the forced or the fitting one, if its index answers."""
    build = forced or ("cuda" if has_nvidia() else "cpu")
    problem = silence(own_index(build)) if own_index(build) and pair_of(wanted) else ""
    return fall_back(problem, forced) if problem else build


def own_index(build):
    """Return PyTorch's index for a build; "" where the usual one has it."""
    return OWN_INDEXES.get((sys.platform, build), "")


def fall_back(problem, forced):
    """Say that the usual index has to do, and return its build; stops where another is forced."""
    if forced:
        raise Stop(
            f"PyTorch's own index does not serve us ({problem}): run the same command again later, "
            f"or without --{forced}, which takes the usual index."
        )
    kind = "CUDA" if USUAL_BUILD == "cuda" else "the CPU"
    print(
        f"PyTorch's own index does not serve us ({problem}), so PyTorch comes from the usual one, "
        f"for {kind}, {SIZES[USUAL_BUILD]}; everything works all the same.",
        flush=True,
    )
    return USUAL_BUILD


def has_nvidia():
    """Tell whether an NVIDIA card is here, with a driver that answers."""
    import ctypes

    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        cards = ctypes.c_int(0)
        answers = driver.cuInit(0), driver.cuDeviceGetCount(ctypes.byref(cards))
    except (OSError, AttributeError):  # there is no such library, or an empty one
        return False
    return answers == (0, 0) and cards.value > 0


def silence(index):
    """Return why an index does not answer; "" if it does.

    A thread asks, because looking up a name may take longer than any limit.
    """
    answers = []

    def ask():
        from urllib.request import urlopen

        try:
            urlopen(f"{index}/torch/", timeout=2 * PATIENCE).close()  # the clock below is first
            answers.append("")
        except Exception as error:  # whatever a network may think of
            answers.append(str(getattr(error, "reason", "") or error or type(error).__name__))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answers[0] if answers else f"no answer in {PATIENCE} seconds"


class OwnIndexFailed(Exception):
    """PyTorch's own index was asked, and pip could not install from it."""


def install(python, wanted, index=""):
    """Let pip install the requirements; what satisfies them already stays as it is.

    index: PyTorch's own, for PyTorch and what is built on it. Raises OwnIndexFailed, and Stop.
    """
    print(f"pip installs {len(wanted)} packages and what they need.", flush=True)
    print("The first time that takes minutes, most of them for PyTorch.", flush=True)
    LOG.unlink(missing_ok=True)
    options = ["--no-input", "--disable-pip-version-check", "--log", str(LOG)]
    pip = [python, "-m", "pip", "install", *options]
    if index and pair_of(wanted):
        # An index that somebody's pip asks as well might have a newer PyTorch, of another build.
        only = {**os.environ, "PIP_EXTRA_INDEX_URL": index}
        try:
            run([*pip, "--retries", "2", "--index-url", index, *pair_of(wanted)], only)
        except Stop:
            raise OwnIndexFailed from None
    run([*pip, *wanted])


def run(command, env=None):
    """Run a command of the installation, which shows what it does; stops if it fails."""
    if subprocess.run(command, stdin=subprocess.DEVNULL, env=env).returncode:
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
    builds = [build for build in SIZES if f"--{build}" in words]
    words = [word for word in words if word not in ("--current", "--cpu", "--cuda")]
    if words[:1] in (["--help"], ["-h"], ["help"]):
        print(__doc__.strip())
        return 0
    if not words or words[0] not in COMMANDS:
        problem = f"There is no command {words[0]}." if words else "Which command?"
        print(f"{problem}\n\n{__doc__.strip()}", file=sys.stderr)
        return 2
    forced = one_build(builds)
    python = current_environment(forced) if current else own_environment(forced)
    return hand_over([python, *COMMANDS[words[0]], *words[1:]])


def one_build(builds):
    """Return the build of PyTorch that somebody asked for; None where nobody did."""
    if len(builds) > 1:
        raise Stop("--cpu and --cuda exclude each other: write one of them.")
    if "cuda" in builds and sys.platform == "darwin":
        raise Stop("A Mac has no CUDA: leave --cuda out, and PyTorch takes Apple's graphics units.")
    return builds[0] if builds else None


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
