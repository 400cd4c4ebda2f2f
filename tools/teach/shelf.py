"""A folder that a tool fills: marked as ours, of one kind, without what earlier runs left there."""

import json
import shutil
from pathlib import Path, PurePosixPath

from helpers.files import write_file
from tools.endings import Mistake
from tools.site.pages import claim

LIST = "contents.json"


class Shelf:
    """A folder of generated files.

    kind: what they are, "learners' notebooks", say. A folder that holds another kind is refused: a
    solved notebook must not stay behind among those of the learners.
    """

    def __init__(self, folder: Path, kind: str):
        """Claim the folder. Raises FileExistsError where it is not ours, Mistake for its kind."""
        self.folder = folder
        self.kind = kind
        if folder.is_dir() and any(folder.iterdir()):
            self.refuse_another_kind()
        claim(folder)
        self.before = self.listed()["files"]
        self.files: list[str] = []

    def refuse_another_kind(self) -> None:
        """Raise Mistake where the folder was filled with something else."""
        other = self.listed()["kind"]
        if other not in ("", self.kind):
            raise Mistake(
                f"{self.folder} holds {other}, and they must not be mixed with {self.kind}: "
                "choose another folder, or remove this one first."
            )

    def listed(self) -> dict:
        """Return kind and files of the last run; nothing, where its list is lost or damaged."""
        try:
            facts = json.loads((self.folder / LIST).read_text(encoding="utf-8"))
            known = {"kind": str(facts["kind"]), "files": [str(name) for name in facts["files"]]}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {"kind": "", "files": []}
        known["files"] = [name for name in known["files"] if is_inside(name)]
        return known

    def write(self, name: str, content: bytes | str) -> None:
        """Write a file; name: its path in the folder, with slashes."""
        write_file(self.folder / name, content)
        self.files.append(name)

    def copy(self, path: Path, name: str) -> None:
        """Copy a file as it is."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        self.files.append(name)

    def close(self) -> None:
        """Remove what an earlier run wrote and this one did not; note what there is now."""
        for name in set(self.before) - set(self.files):
            (self.folder / name).unlink(missing_ok=True)
        facts = {"kind": self.kind, "files": sorted(self.files)}
        write_file(self.folder / LIST, json.dumps(facts, indent=1) + "\n")


def is_inside(name: str) -> bool:
    """Tell whether a name stays in its folder: a list that was tampered with removes nothing."""
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and ":" not in name
