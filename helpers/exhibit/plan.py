"""A plan.toml -> jobs: pairs x recipes x controls x sizes x seeds, every mistake said at once."""

import hashlib
import itertools
import json
import math
import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from PIL import Image

from helpers.control import COLOURS
from helpers.decode import MAX_PIXELS
from helpers.exhibit.room import Needs, free_disk, made, needs
from helpers.images import DATA, manifest
from helpers.masks import WAYS
from helpers.memory import free_memory
from helpers.recipes import RECIPES, SMALLEST, Recipe
from helpers.vgg import NETWORKS, NORMALISED

__all__ = ["Job", "Plan", "WrongPlan", "is_whole"]

EMBEDDED = ("vgg19", NORMALISED)  # what needs no download
OF_A_WORK = ("content", "style", "recipe", "size", "seed", "control")  # lists are multiplied out
ALSO_OF_A_WORK = ("title", "label", "steps", "changes", "network", "precision")
OF_A_CONTROL = ("colour", "masks", "way", "shares", "protected")
OF_A_PLAN = ("title", "author", "out", "scheduler", "work", *OF_A_WORK, *ALSO_OF_A_WORK)
PRECISIONS = ("fast", "float32", "bfloat16")
PROSE = ("name", "source", "choices", "per_style", "snapshots")  # it paints nothing
ALWAYS = ("network", "seed")
ORIENTATION = 0x0112  # of EXIF
SHAPES = 0.02  # by how much the shape of a mask may differ from that of its photo
END_OF_PNG = b"\x00\x00\x00\x00IEND\xaeB`\x82"


class WrongPlan(ValueError):
    """A plan that cannot be carried out; its text lists every mistake."""


@dataclass(frozen=True)
class Job:
    """One painting: everything that makes it, and what is written beside it.

    Files are names of data/images.toml or paths. name: of the result's file, without its ending; it
    ends in the hash of what makes the painting, so the same job has the same name, and another job
    another.
    """

    name: str
    content: str
    styles: tuple[str, ...]
    recipe: str
    changes: dict = field(default_factory=dict)
    size: int | None = None  # None takes the recipe's
    steps: int | None = None
    control: dict = field(default_factory=dict)
    network: str = "vgg19"
    precision: str = "fast"
    title: str = ""
    label: str = ""

    def made(self) -> Recipe:
        """The recipe with its changes."""
        return _made(self.recipe, self.changes)

    def pictures(self) -> list[str]:
        """The photo, the styles and the masks, as they are named in the plan."""
        return [self.content, *self.styles, *_masks_of(self.control)]


def _made(name: str, changes: dict) -> Recipe:
    return made(name, json.dumps(changes, sort_keys=True))


def _masks_of(control: dict) -> list[str]:
    """The names of the masks of a control; "not sky" is made of the mask sky."""
    masks = [mask.removeprefix("not ") for mask in control.get("masks", [])]
    return [*masks, *control.get("protected", [])[:1]]


def is_whole(path: str | os.PathLike) -> bool:
    """Whether a result is there to its last byte; a disk that failed may have kept a part."""
    try:
        with open(path, "rb") as file:
            file.seek(-len(END_OF_PNG), os.SEEK_END)
            return file.read() == END_OF_PNG
    except OSError:  # there is none, or it is shorter than that
        return False


class Plan:
    """What is to be painted, and where the results go.

    title, author: of the page. out: the folder of the results. scheduler: the address of a Dask
    cluster, or "". jobs: a list of Job; each name is there once. left: those of the jobs that were
    not finished when the plan was read.

    table: what tomllib makes of a plan. folder: where its paths begin. scheduler: another one than
    that of the plan. Raises WrongPlan, with every mistake, also for what has no room on this
    machine; memory is not looked at where a cluster paints.
    """

    def __init__(self, table: dict, folder: str | os.PathLike = ".", *, scheduler: str = ""):
        self.folder = Path(folder)
        self.mistakes: dict[str, None] = {}  # in order, each once
        self.files: dict[str, str] = {}  # a picture -> its hash; "" if it cannot be had
        self.sides: dict[str, tuple[int, int]] = {}  # a picture -> its width and height
        self._fields: dict[str, dict] = {}  # a recipe with its changes -> what it says
        self._memory = 0 if scheduler or table.get("scheduler") else free_memory()
        self._check_words("the plan", table, OF_A_PLAN)
        self.title = self._text(table, "title", "An exhibition")
        self.author = self._text(table, "author", "")
        self.scheduler = scheduler or self._text(table, "scheduler", "")
        self.out = self._folder_for_results(self._text(table, "out", "exhibition"))
        self.jobs = self._unique(self._read_works(table))
        self.left = self.missing()
        self._check_room()
        if self.mistakes:
            number = len(self.mistakes)
            head = f"The plan has {number} mistake{'s' if number > 1 else ''}, nothing was painted:"
            raise WrongPlan("\n".join([head, *(f"- {mistake}" for mistake in self.mistakes)]))

    @classmethod
    def read(cls, path: str | os.PathLike, *, scheduler: str = "") -> "Plan":
        """Read a plan.toml; pictures and results are looked for beside it."""
        path = Path(path).expanduser()
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise WrongPlan(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise WrongPlan(f"{path} is no TOML: {error}") from None
        return cls(table, path.parent, scheduler=scheduler)

    def missing(self) -> list[Job]:
        """The jobs whose results are not there now."""
        try:
            there = {entry.name for entry in os.scandir(self.out)}
        except OSError:  # there is no such folder yet
            there = set()
        return [
            job
            for job in self.jobs
            if f"{job.name}.png" not in there or not is_whole(self.out / f"{job.name}.png")
        ]

    def needs(self, job: Job) -> Needs:
        """What a job takes; whatever its seed."""
        others = {word: value for word, value in job.changes.items() if word != "seed"}
        wanted = {"size": job.size, "steps": job.steps, "precision": job.precision}
        return needs(_made(job.recipe, others), self.sides[job.content], **wanted)

    # ---- works -----------------------------------------------------------------------------------

    def _read_works(self, table: dict) -> Iterator[Job]:
        works = table.get("work", [])
        if not isinstance(works, list) or not all(isinstance(work, dict) for work in works):
            self._add("work must be tables, written [[work]]")
            works = []
        if not works:
            self._add("there is no work: write at least one table [[work]] with content and style")
        shared = {word: table[word] for word in (*OF_A_WORK, *ALSO_OF_A_WORK) if word in table}
        shared.pop("title", None)  # that of the exhibition
        for number, work in enumerate(works, start=1):
            where = f"work {number}"
            self._check_words(where, work, (*OF_A_WORK, *ALSO_OF_A_WORK))
            merged = {**shared, **work}
            tables = [table.get("changes", {}) for table in (shared, work)]
            if all(isinstance(changes, dict) for changes in tables):
                merged["changes"] = {**tables[0], **tables[1]}
            yield from self._jobs(where, merged)

    def _jobs(self, where: str, work: dict) -> Iterator[Job]:
        """All combinations of what is a list in a work."""
        for word in ("content", "style"):
            if word not in work:
                self._add(f"{where} has no {word}")
                return
        choices = {
            "content": _listed(work["content"]),
            "style": _styles(work["style"]),
            "recipe": _listed(work.get("recipe", "ours")),
            "size": _listed(work.get("size", [None])),
            "seed": _listed(work.get("seed", [None])),
            "control": _listed(work.get("control", [{}])),
        }
        known = len(self.mistakes)
        self._check_choices(where, choices)
        self._check_settings(where, work)
        if len(self.mistakes) > known:
            self._check_sizes(where, choices)
            return
        for values in itertools.product(*choices.values()):
            job = self._job(where, dict(zip(choices, values, strict=True)), work)
            if job is not None:
                yield job

    def _check_choices(self, where: str, choices: dict[str, list]) -> None:
        self._check_empty(where, choices)
        for name in itertools.chain(choices["content"], *choices["style"]):
            self._picture(where, name)
        for name in choices["recipe"]:
            if not isinstance(name, str) or name not in RECIPES:
                self._add(f"{where}: no recipe {name!r}; known: {', '.join(RECIPES)}")
        for word, smallest in (("size", SMALLEST), ("seed", 0)):
            for value in choices[word]:
                self._check_whole(where, word, value, smallest)
        for control in choices["control"]:
            for styles in choices["style"]:
                self._check_control(where, control, len(styles))
            if isinstance(control, dict):
                self._check_shapes(where, control, choices["content"])

    def _check_empty(self, where: str, choices: dict[str, list]) -> None:
        for word, values in choices.items():
            if not values or [] in values:
                self._add(f"{where}: {word} is an empty list")

    def _check_settings(self, where: str, work: dict) -> None:
        self._check_whole(where, "steps", work.get("steps"), 1)
        for word, known in (("network", NETWORKS), ("precision", PRECISIONS)):
            if word in work and not (isinstance(work[word], str) and work[word] in known):
                self._add(f"{where}: no {word} {work[word]!r}; known: {', '.join(known)}")
        if not isinstance(work.get("changes", {}), dict):
            self._add(f"{where}: changes must be a table of fields of a recipe")
        for word in ("title", "label"):
            self._text(work, word, "", where)

    def _check_whole(self, where: str, word: str, value: Any, smallest: int) -> None:
        if value is None:
            return
        if not _is_whole(value) or value < smallest:
            self._add(f"{where}: {word} must be a whole number from {smallest} on, not {value!r}")
        elif word == "size" and value**2 > MAX_PIXELS:
            self._add(f"{where}: size {value} is more than {MAX_PIXELS / 1e6:.0f} megapixels")

    def _check_control(self, where: str, control: Any, styles: int) -> None:
        """Everything of a control that can be told without decoding a picture."""
        if not isinstance(control, dict):
            self._add(f"{where}: control must be a table, not {control!r}")
            return
        self._check_words(f"{where}: control", control, OF_A_CONTROL)
        for word, known in (("colour", COLOURS), ("way", WAYS)):
            if control.get(word, known[0]) not in known:
                self._add(f"{where}: no {word} {control[word]!r}; known: {', '.join(known)}")
        for word in ("masks", "shares"):
            given = control.get(word)
            if given is not None and (not isinstance(given, list) or len(given) != styles):
                self._add(f"{where}: {word} must be a list, one for each of {styles} style(s)")
        shares = control.get("shares")
        if isinstance(shares, list) and not _add_up(shares):
            self._add(f"{where}: shares must be numbers from 0 to 1 that add up to 1, not {shares}")
        masks = control.get("masks")
        for mask in masks if isinstance(masks, list) else []:
            self._picture(where, mask.removeprefix("not ") if isinstance(mask, str) else mask)
        protected = control.get("protected")
        if protected is not None:
            is_pair = isinstance(protected, list) and len(protected) == 2
            if not is_pair or not _is_weight(protected[1]):
                self._add(f'{where}: protected must be ["mask", weight], not {protected!r}')
            else:
                self._picture(where, protected[0])

    def _check_shapes(self, where: str, control: dict, contents: list) -> None:
        """A mask has to have the shape of its photo; its size is brought to that of the photo."""
        given = [control.get("masks"), (control.get("protected") or [None])[:1]]
        names = itertools.chain(*(part for part in given if isinstance(part, list)))
        masks = [name.removeprefix("not ") for name in names if isinstance(name, str)]
        photos = [name for name in contents if isinstance(name, str)]
        for mask, photo in itertools.product(masks, photos):
            if mask not in self.sides or photo not in self.sides:
                continue
            width, height = self.sides[mask]
            if not math.isclose(width / height, _ratio(self.sides[photo]), rel_tol=SHAPES):
                sides = f"{width} x {height} px"
                self._add(f"{where}: the mask {mask} has another shape, {sides}, than {photo}")

    # ---- room ------------------------------------------------------------------------------------

    def _check_sizes(self, where: str, choices: dict[str, list]) -> None:
        """The memory of a work with mistakes, as far as its jobs can be told."""
        for name, photo, size in itertools.product(
            choices["recipe"], choices["content"], choices["size"]
        ):
            if not isinstance(photo, str) or photo not in self.sides:
                continue
            if not _is_whole(size) or not SMALLEST <= size <= math.isqrt(MAX_PIXELS):
                continue
            known = name if isinstance(name, str) and name in RECIPES else "ours"
            self._check_memory(size, needs(RECIPES[known], self.sides[photo], size=size).memory)

    def _check_memory(self, size: int | None, memory: int) -> None:
        if self._memory and memory > self._memory:
            of = f"{size} px" if size else "its recipe's size"
            needed = f"a painting of {of} needs {memory / 1e9:.1f} GB of memory"
            self._add(f"{needed}, and {self._memory / 1e9:.1f} GB are free")

    def _check_room(self) -> None:
        """Memory and disk, for what is not finished."""
        disk = 0
        for job in self.left:
            needed = self.needs(job)
            disk += needed.disk
            self._check_memory(job.size, needed.memory)
        room = free_disk(self.out)
        if disk > room:
            needed = f"the results need {disk / 1e6:.0f} MB"
            self._add(f"{needed}, and {room / 1e6:.0f} MB are free for {self.out}")

    def _folder_for_results(self, out: str) -> Path:
        path = Path(os.path.normpath(self.folder / Path(out).expanduser()))
        there = path
        while not there.exists():
            there = there.parent
        if not there.is_dir():
            self._add(f"{there} is a file: out has to be a folder")
        elif not os.access(there, os.W_OK):
            self._add(f"nothing can be written in {there}: choose another folder for out")
        return path

    def _job(self, where: str, chosen: dict, work: dict) -> Job | None:
        changes = dict(work.get("changes", {}))
        if chosen["seed"] is not None:
            changes["seed"] = chosen["seed"]
        try:
            fields = self._what_makes(chosen["recipe"], changes)
        except (ValueError, TypeError) as error:
            self._add(f"{where}: {error}")
            return None
        network = fields["network"] if fields["network"] in EMBEDDED else "vgg19"
        facts = {
            "content": chosen["content"],
            "styles": tuple(chosen["style"]),
            "recipe": chosen["recipe"],
            "changes": changes,
            "size": chosen["size"],
            "steps": work.get("steps"),
            "control": chosen["control"],
            "network": work.get("network", network),
            "precision": work.get("precision", "fast"),
        }
        words = {"title": work.get("title", ""), "label": work.get("label", "")}
        return Job(name=self._name(facts, fields), **facts, **words)

    def _what_makes(self, name: str, changes: dict) -> dict:
        """A recipe as a table, without its prose; a seed that plans may have is no new recipe."""
        others = {word: value for word, value in changes.items() if word != "seed"}
        key = name + json.dumps(others, sort_keys=True)
        if key not in self._fields:
            chosen = asdict(_made(name, others)).items()
            usual = asdict(Recipe("", ""))  # a field that is invented one day changes no name
            self._fields[key] = {
                word: value
                for word, value in chosen
                if word not in PROSE and (value != usual[word] or word in ALWAYS)
            }
        seed = changes.get("seed", self._fields[key]["seed"])
        return {**self._fields[key], "seed": seed}

    def _name(self, facts: dict, fields: dict) -> str:
        """A name that a reader recognises, and the hash of what makes the painting."""
        pictures = [facts["content"], *facts["styles"], *_masks_of(facts["control"])]
        everything = {
            **{word: facts[word] for word in ("size", "steps", "control", "network", "precision")},
            "recipe": fields,
            "pictures": [self.files[picture] for picture in pictures],
        }
        digest = hashlib.sha256(json.dumps(everything, sort_keys=True, default=str).encode())
        parts = [facts["content"], *facts["styles"], facts["recipe"]]
        words = "_".join(Path(part).stem for part in parts)
        readable = "".join(letter if letter.isalnum() else "_" for letter in words)[:80]
        return f"{readable}_{digest.hexdigest()[:12]}"

    # ---- pictures --------------------------------------------------------------------------------

    def path_of(self, picture: str) -> Path:
        """The file of a picture: of the manifest, or beside the plan."""
        if picture in manifest():
            return DATA / manifest()[picture]["file"]
        return self.folder / Path(picture).expanduser()

    def _picture(self, where: str, picture: Any) -> None:
        """Note the hash of a picture, or that it cannot be had; each is opened once."""
        if not isinstance(picture, str):
            self._add(f"{where}: a picture must be a name or a path, not {picture!r}")
            return
        if picture in self.files:
            return
        self.files[picture] = ""
        path = self.path_of(picture)
        if not path.is_file():
            self._add(f"{where}: there is no picture {picture!r}, by that name or as {path}")
            return
        try:
            with Image.open(path) as image:
                width, height = image.size
                if image.getexif().get(ORIENTATION, 1) >= 5:  # lies on its side
                    width, height = height, width
        except Exception:
            self._add(f"{where}: {path} is not a picture that Pillow can read")
            return
        smallest = min(width, height)
        if smallest < SMALLEST:
            self._add(f"{where}: {path} has a side of {smallest} px; {SMALLEST} are needed")
            return
        self.sides[picture] = width, height
        with open(path, "rb") as file:
            self.files[picture] = hashlib.file_digest(file, "sha256").hexdigest()

    # ---- words -----------------------------------------------------------------------------------

    def _add(self, mistake: str) -> None:
        self.mistakes[mistake] = None

    def _check_words(self, where: str, table: dict, known: Iterable[str]) -> None:
        for word in table:
            if word not in known:
                self._add(f"{where} has an unknown word {word!r}; known: {', '.join(known)}")

    def _text(self, table: dict, word: str, default: str, where: str = "the plan") -> str:
        value = table.get(word, default)
        if not isinstance(value, str):
            self._add(f"{where}: {word} must be text, not {value!r}")
            return default
        return value

    def _unique(self, jobs: Iterable[Job]) -> list[Job]:
        """Jobs by name, each once: what makes the same painting is painted once."""
        return list({job.name: job for job in jobs}.values())


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _styles(value: Any) -> list[list]:
    """A style, a list of styles to be tried in turn, or lists of styles that go together."""
    return [style if isinstance(style, list) else [style] for style in _listed(value)]


def _add_up(shares: list) -> bool:
    are_numbers = all(isinstance(share, Real) and 0 <= share <= 1 for share in shares)
    return are_numbers and math.isclose(sum(shares), 1, abs_tol=1e-6)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_weight(value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and 0 <= value < math.inf


def _ratio(sides: tuple[int, int]) -> float:
    width, height = sides
    return width / height
