"""A plan.toml -> jobs: pairs x recipes x controls x sizes x seeds, every mistake said at once."""

import hashlib
import itertools
import json
import math
import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from PIL import Image

from helpers.control import COLOURS
from helpers.decode import MAX_PIXELS
from helpers.images import DATA, manifest
from helpers.masks import WAYS
from helpers.recipes import RECIPES, SMALLEST, Recipe, recipe
from helpers.vgg import NETWORKS, NORMALISED

__all__ = ["Job", "Plan", "WrongPlan"]

EMBEDDED = ("vgg19", NORMALISED)  # what needs no download
OF_A_WORK = (
    "content",
    "style",
    "recipe",
    "size",
    "seed",
    "control",
)  # may be lists: multiplied out
ALSO_OF_A_WORK = ("title", "label", "steps", "changes", "network", "precision")
OF_A_CONTROL = ("colour", "masks", "way", "shares", "protected")
OF_A_PLAN = ("title", "author", "out", "work", *OF_A_WORK, *ALSO_OF_A_WORK)
PRECISIONS = ("fast", "float32", "bfloat16")
MOST_SHOWN = 40  # mistakes


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
        return _made(self.recipe, json.dumps(self.changes, sort_keys=True))


@cache
def _made(name: str, changes: str) -> Recipe:
    """A recipe is checked when it is made, which takes a while; ten thousand jobs share a few."""
    return recipe(name, **json.loads(changes))


class Plan:
    """What is to be painted, and where the results go.

    title, author: of the page. out: the folder of the results. jobs: a list of Job; each name is
    there once. Raises WrongPlan, with every mistake.
    """

    def __init__(self, table: dict, folder: str | os.PathLike = "."):
        self.folder = Path(folder)
        self.mistakes: list[str] = []
        self.files: dict[str, str] = {}  # a picture -> its hash; "" if it cannot be had
        self._fields: dict[str, dict] = {}  # a recipe with its changes -> what it says
        self._check_words("the plan", table, OF_A_PLAN)
        self.title = self._text(table, "title", "An exhibition")
        self.author = self._text(table, "author", "")
        self.out = self.folder / self._text(table, "out", "exhibition")
        self.jobs = self._unique(self._read_works(table))
        if self.mistakes:
            shown = [f"- {mistake}" for mistake in self.mistakes[:MOST_SHOWN]]
            if len(self.mistakes) > MOST_SHOWN:
                shown.append(f"- and {len(self.mistakes) - MOST_SHOWN} more")
            number = len(self.mistakes)
            head = f"The plan has {number} mistake{'s' if number > 1 else ''}, nothing was painted:"
            raise WrongPlan("\n".join([head, *shown]))

    @classmethod
    def read(cls, path: str | os.PathLike) -> "Plan":
        """Read a plan.toml; pictures and results are looked for beside it."""
        path = Path(path).expanduser()
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise WrongPlan(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise WrongPlan(f"{path} is no TOML: {error}") from None
        return cls(table, path.parent)

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
            yield from self._jobs(where, {**shared, **work})

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
            return
        for values in itertools.product(*choices.values()):
            job = self._job(where, dict(zip(choices, values, strict=True)), work)
            if job is not None:
                yield job

    def _check_choices(self, where: str, choices: dict[str, list]) -> None:
        for name in {*choices["content"], *itertools.chain(*choices["style"])}:
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

    def _check_settings(self, where: str, work: dict) -> None:
        self._check_whole(where, "steps", work.get("steps"), 1)
        for word, known in (("network", NETWORKS), ("precision", PRECISIONS)):
            if word in work and work[word] not in known:
                self._add(f"{where}: no {word} {work[word]!r}; known: {', '.join(known)}")
        if not isinstance(work.get("changes", {}), dict):
            self._add(f"{where}: changes must be a table of fields of a recipe")
        for word in ("title", "label"):
            self._text(work, word, "", where)

    def _check_whole(self, where: str, word: str, value: Any, smallest: int) -> None:
        if value is None:
            return
        is_whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not is_whole or value < smallest:
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
            self._picture(where, str(mask).removeprefix("not "))
        protected = control.get("protected")
        if protected is not None:
            is_pair = isinstance(protected, list) and len(protected) == 2
            if not is_pair or not isinstance(protected[1], Real):
                self._add(f'{where}: protected must be ["mask", weight], not {protected!r}')
            else:
                self._picture(where, protected[0])

    def _job(self, where: str, chosen: dict, work: dict) -> Job | None:
        changes = dict(work.get("changes", {}))
        if chosen["seed"] is not None:
            changes["seed"] = chosen["seed"]
        try:
            made = self._what_makes(chosen["recipe"], json.dumps(changes, sort_keys=True))
        except (ValueError, TypeError) as error:
            self._add(f"{where}: {error}")
            return None
        network = made["network"] if made["network"] in EMBEDDED else "vgg19"
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
        return Job(name=self._name(facts, made), **facts, **words)

    def _what_makes(self, name: str, changes: str) -> dict:
        """A recipe as a table, without its prose."""
        key = name + changes
        if key not in self._fields:
            prose = ("source", "choices", "per_style", "snapshots")
            fields = asdict(_made(name, changes)).items()
            self._fields[key] = {word: value for word, value in fields if word not in prose}
        return self._fields[key]

    def _name(self, facts: dict, made: dict) -> str:
        """A name that a reader recognises, and the hash of what makes the painting."""
        control = facts["control"]
        masks = [str(mask).removeprefix("not ") for mask in control.get("masks", [])]
        masks += [control["protected"][0]] if "protected" in control else []
        pictures = [facts["content"], *facts["styles"], *masks]
        everything = {
            **{word: facts[word] for word in ("size", "steps", "control", "network", "precision")},
            "recipe": made,
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
                smallest = min(image.size)
        except Exception:
            self._add(f"{where}: {path} is not a picture that Pillow can read")
            return
        if smallest < SMALLEST:
            self._add(f"{where}: {path} has a side of {smallest} px; {SMALLEST} are needed")
            return
        with open(path, "rb") as file:
            self.files[picture] = hashlib.file_digest(file, "sha256").hexdigest()

    # ---- words -----------------------------------------------------------------------------------

    def _add(self, mistake: str) -> None:
        if mistake not in self.mistakes:
            self.mistakes.append(mistake)

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
