"""What stands on the front page beside the notebooks: their parts, and the best paintings."""

import io
import tomllib
from pathlib import Path
from typing import Any

from PIL import Image

from helpers.files import write_file

LIST = Path(__file__).resolve().parent / "front.toml"
FOLDER = "front"
LARGE = 1280  # pixels of the long side, at most
QUALITY = 85


class Front:
    """The front page's own pictures and words, from front.toml.

    data: the folder of the pictures. out: the folder of the pages.
    """

    def __init__(self, data: Path, out: Path):
        """Take the folders."""
        self.data = data
        self.out = out
        self.list = tomllib.loads(LIST.read_text(encoding="utf-8"))

    def parts(self, names: list[str]) -> list[dict[str, Any]]:
        """Return the parts of the series, each with its notebooks; others come in a last part."""
        parts = []
        left = list(names)
        for part in self.list["part"]:
            own = [name for name in names if name.split("_")[0] in part["notebooks"]]
            left = [name for name in left if name not in own]
            if own:
                parts.append({**part, "notebooks": own})
        if left:
            title = "More" if parts else "The notebooks"
            parts.append({"title": title, "about": "", "notebooks": left})
        return parts

    def paintings(self) -> list[dict[str, Any]]:
        """Return the paintings that are there, each with its picture beside the page."""
        there = [one for one in self.list["painting"] if (self.data / one["file"]).is_file()]
        return [{**painting, **self.picture(painting["file"])} for painting in there]

    def wipe(self) -> dict[str, Any] | None:
        """Return the photo and the painting that lie on each other, or None."""
        wipe = self.list["wipe"]
        if not all((self.data / wipe[side]).is_file() for side in ("before", "after")):
            return None
        sides = {side: self.picture(wipe[side]) for side in ("before", "after")}
        return {**wipe, **sides}

    def picture(self, file: str) -> dict[str, Any]:
        """Write a picture beside the page, made smaller if it is very large; return what it is."""
        target = f"{FOLDER}/{file.replace('/', '-')}"
        content = (self.data / file).read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            if max(image.size) > LARGE:
                image = image.convert("RGB")
                image.thumbnail((LARGE, LARGE), Image.Resampling.LANCZOS)
                buffer = io.BytesIO()
                image.save(buffer, "JPEG", quality=QUALITY)
                content = buffer.getvalue()
            width, height = image.size
        write_file(self.out / target, content)
        return {"src": target, "width": width, "height": height}
