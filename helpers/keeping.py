"""A painting in a file while it is made, so that a crash or a closed lid does not lose it."""

import hashlib
import json
import math
import os
import time

from torch import Tensor

from helpers.files import as_path, write_file
from helpers.images import as_saved, load, read_settings, save

__all__ = ["Keeper", "fingerprint"]

PATIENCE = 20  # seconds between two writings


def fingerprint(settings: dict, *images: Tensor) -> str:
    """Sixteen letters that stand for settings (what JSON can hold) and images (1, 3, H, W)."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=float).encode())
    for image in images:
        digest.update((as_saved(image) * 255).round().byte().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


class Keeper:
    """Keeps a painting in a .png while it is made, and finds it again.

    path: of the .png. job: the `fingerprint` of what makes the painting. steps: how many
    evaluations it takes. notes: what else stands in the file, for `read_settings`.

    After that, `image` is the picture that was found there, (1, 3, H, W), or None, and `history`
    the losses of the evaluations that it took. Raises ValueError for another ending, and for a file
    that holds something else: it is not written over.
    """

    def __init__(self, path: str | os.PathLike, job: str, steps: int, notes: dict):
        self.path = as_path(path)
        if self.path.suffix.lower() != ".png":
            raise ValueError(f"a painting is kept in a .png, not in {self.path.name!r}")
        self.steps = steps
        self.notes = {**notes, "steps": steps, "job": job}
        self.history = []
        self.image = None
        if self.path.exists():
            self._find(job)
        self.best = math.inf
        self._require_writable()
        self.job = job
        self.written = time.monotonic()

    def _require_writable(self) -> None:
        """Write something now: hours later it would be too late to learn that nothing can be."""
        probe = self.path.with_name(f".{self.path.name}-probe")
        write_file(probe, b"")
        probe.unlink()

    def _is_still_ours(self) -> bool:
        """Whether nobody else has written there since the last look."""
        try:
            return not self.path.exists() or read_settings(self.path).get("job") == self.job
        except ValueError:
            return False

    def _find(self, job: str) -> None:
        """Take up what lies in the file, if it is the same painting, and say so."""
        try:
            found = read_settings(self.path)
        except (OSError, ValueError):  # no picture
            found = {}
        if found.get("job") != job or not isinstance(found.get("history"), list):
            advice = "choose another name, or move that file away"
            raise ValueError(f"{self.path} holds another picture or painting: {advice}")
        self.image = load(self.path, None)
        self.history = found["history"]
        is_finished = len(self.history) >= self.steps
        what_now = "nothing is left to do" if is_finished else "going on from there"
        print(f"{self.path}: {len(self.history)} of {self.steps} evaluations are done, {what_now}.")

    def __call__(self, image: Tensor, value: float, is_best_kept: bool) -> None:
        """After an evaluation: remember the image, and write it if that is long ago.

        is_best_kept: whether the painting ends with its best image, or with its last.
        """
        self.history.append(value)
        if not is_best_kept or value < self.best:
            self.best = value
            self.image = image
        if time.monotonic() - self.written > PATIENCE:
            self.write()

    def write(self, image: Tensor | None = None) -> None:
        """Write the picture now; `image`, if given, takes its place.

        What cannot be written is told, and stops nobody.
        """
        self.image = self.image if image is None else image
        self.written = time.monotonic()
        notes = {**self.notes, "evaluations": len(self.history), "history": self.history}
        if not self._is_still_ours():
            print(f"{self.path} was written by somebody else: this painting is not kept there.")
            return
        try:
            save(self.image.clamp(0, 1), self.path, notes)
        except OSError as error:
            print(f"The painting goes on, but is not kept: {error}.")
