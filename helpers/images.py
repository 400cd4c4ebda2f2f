"""File <-> tensor. One contract everywhere: (1, 3, H, W), float32, RGB, in [0, 1].

Only `VGG` normalises, inside.
"""

import io
import json
import math
import os
import tomllib
from contextlib import suppress
from functools import cache
from numbers import Integral
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from helpers.decode import MAX_PIXELS, open_picture, read_note
from helpers.files import as_path, write_file

__all__ = [
    "DATA",
    "load",
    "save",
    "read_settings",
    "noise",
    "as_saved",
    "to_pil",
    "names",
    "credit",
    "manifest",
    "require_image",
    "require_picture",
    "require_quality",
]

DATA = Path(__file__).resolve().parent.parent / "data"
MIN_SIDE = 16  # four poolings halve a side four times: below 16 px nothing is left at relu5_1
FAR_ABOVE_WHITE = 25  # white is 1; a picture of 0 to 255 is above, unless it is nearly black
LONGEST_COMMENT = 65_533  # bytes, in a JPEG
SETTINGS_KEY = "paint-by-gradient"
KINDS = ("content", "style", "texture", "mask")
KNOWN_OF_EACH = ("kind", "file", "title", "author", "year", "licence", "source", "sha256", "alt")


@cache
def manifest() -> dict[str, dict]:
    """Every picture of data/images.toml by name, and what is known about it.

    Each has kind, file, title, author, year, licence, source, sha256 and alt, a description. A mask
    has also `of`: the name of the picture to which it belongs. Raises ValueError where the file
    cannot be read, or where something of a picture is missing or of no known kind.
    """
    return _read_manifest(DATA / "images.toml")


def _read_manifest(path: Path) -> dict[str, dict]:
    """The table of pictures, complete; all that is wrong with it is said at once."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no TOML, or no text
        raise ValueError(f"{path} cannot be read: {error}") from None
    problems = []
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            problems.append(f"{name} must be a table [{name}], not {entry!r}")
            continue
        lacking = [word for word in KNOWN_OF_EACH if word not in entry]
        if entry.get("kind") == "mask" and "of" not in entry:
            lacking.append("of")
        if lacking:
            problems.append(f"{name} needs {', '.join(lacking)}")
        elif entry["kind"] not in KINDS or not isinstance(entry["file"], str):
            problems.append(f"{name} needs a kind of {', '.join(KINDS)}, and a file's name")
    if problems:
        raise ValueError(f"{path}: {'; '.join(problems)}")
    return entries


def names(kind: str | None = None) -> list[str]:
    """Names that `load` knows: all pictures, or those of one kind.

    kind: "content", "style", "texture" or "mask". Masks are listed only when they are asked
        for. Raises ValueError for another kind.
    """
    if kind not in (None, *KINDS):
        raise ValueError(f"there is no kind {kind!r} of picture; known: {', '.join(KINDS)}")
    wanted = ("content", "style", "texture") if kind is None else (kind,)
    return [
        name
        for name, entry in manifest().items()
        if entry["kind"] in wanted and _manifest_file(name).is_file()
    ]


def credit(name: str) -> str:
    """One line of credit for a picture of the manifest: title, author, year and licence."""
    if name not in manifest():
        known = ", ".join(names())
        raise KeyError(f"there is no picture named {name!r} in data/; known names: {known}")
    return "{title}, {author}, {year} ({licence})".format(**manifest()[name])


def load(source: str | os.PathLike | bytes | Image.Image, size: int | None = 256) -> Tensor:
    """Read a picture as a (1, 3, H, W) float32 RGB tensor with values in [0, 1].

    source: a name of the manifest ("starry_night"), a path, the bytes of a file, or a PIL image.
        Rotation from EXIF is applied, a colour profile (AdobeRGB, Display P3, a printer's) is
        converted to sRGB, transparency is laid on white, and the first frame stands for an
        animation.
    size: pixels of the long side, up or down; no side becomes shorter than 16 px. None keeps the
        picture's own size.

    Raises FileNotFoundError (with the known names), TypeError for another kind of source, and
    ValueError where the file is no picture, is damaged, has a side under 16 px or more than 90
    megapixels.
    """
    is_whole = isinstance(size, Integral) and not isinstance(size, bool)
    if size is not None and not (is_whole and size >= MIN_SIDE):
        expected = f"None or a whole number of pixels from {MIN_SIDE} up"
        raise ValueError(f"size must be {expected}, not {size!r}")
    image, label = _open(source)
    if min(image.size) < MIN_SIDE:
        given = f"{label} is {image.width} x {image.height} px"
        raise ValueError(f"{given}; both sides must have at least {MIN_SIDE} px")
    if size is not None:
        image = _resize(image, size)
    pixels = np.array(image, dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def require_image(name: str, image: Tensor, batch: bool = False) -> None:
    """Refuse what is no image, in one sentence for the whole series.

    name: what the argument is called. image: floats of shape (1, 3, H, W), or (n, 3, H, W) for a
    batch. Values are not looked at. Raises ValueError.
    """
    is_image = (
        isinstance(image, Tensor)
        and image.ndim == 4
        and image.shape[1] == 3
        and image.numel() > 0
        and image.is_floating_point()
        and (batch or image.shape[0] == 1)
    )
    if not is_image:
        given = type(image).__name__
        if isinstance(image, Tensor):
            given = f"{image.dtype} {tuple(image.shape)}"
        raise ValueError(
            f"{name}: expected a float image (1, 3, H, W) in [0, 1] (see helpers.images.load), "
            f"found {given}"
        )


def require_picture(name: str, image: Tensor) -> None:
    """Refuse what is no image, or one whose values cannot be those of a picture.

    As `require_image`, and looks at the values: NaN, infinite ones, and those far above 1 are
    refused. A little outside [0, 1], as an optimiser leaves pixels, is allowed.
    """
    require_image(name, image)
    largest = image.detach().abs().max().item()
    if not math.isfinite(largest):
        raise ValueError(f"{name} holds NaN or infinite values: no picture has them")
    if largest > FAR_ABOVE_WHITE:
        advice = "divide by 255"
        raise ValueError(f"{name} has values up to {largest:.3g}, and white is 1; {advice}")


def _open(source) -> tuple[Image.Image, str]:
    """Any source -> an RGB PIL image, and what to call it in an error message."""
    if isinstance(source, Image.Image):
        label = "the given PIL image"
        return open_picture(source, label), label
    if isinstance(source, (bytes, bytearray, memoryview)):
        label = "the given bytes"
        return open_picture(bytes(source), label), label
    if isinstance(source, (str, os.PathLike)):
        path = _find(source)
        return open_picture(path, str(path)), str(path)
    given = type(source).__name__
    raise TypeError(f"load takes a name, a path, bytes or a PIL image, not {given}")


def _find(source) -> Path:
    """A manifest name or a path -> an existing file; FileNotFoundError lists what there is."""
    known = ", ".join(names())
    if str(source) in manifest():
        entry = manifest()[str(source)]
        path = _manifest_file(str(source))
        if path.is_file():
            return path
        restore = f"restore it: git checkout -- data/{entry['file']}"
        raise FileNotFoundError(
            f"{path}, {entry['title']}, is missing; {restore}. Pictures that are here: {known}"
        )
    what = f"there is no file {source}, and no picture of that name"
    if str(source).startswith(("http://", "https://")):
        what = f"{source} is an address: download the picture first"
    with suppress(OSError, RuntimeError):  # a name that no disk allows; the home of nobody
        path = Path(source).expanduser()
        if path.is_file():
            return path
        if path.is_dir():
            what = f"{path} is a folder"
    raise FileNotFoundError(f"{what}; give the path of a picture or one of: {known}")


def _manifest_file(name: str) -> Path:
    """The file of a manifest entry; a manifest cannot point outside data/."""
    path = (DATA / manifest()[name]["file"]).resolve()
    if not path.is_relative_to(DATA):
        raise ValueError(f"data/images.toml: the file of {name!r} lies outside data/: {path}")
    return path


def _resize(image: Image.Image, size: int) -> Image.Image:
    """Long side = size, unless that leaves the short side under 16 px (a 17 x 900 px strip)."""
    scale = max(size / max(image.size), MIN_SIDE / min(image.size))
    width = max(MIN_SIDE, round(image.width * scale))
    height = max(MIN_SIDE, round(image.height * scale))
    if width * height > MAX_PIXELS:
        limit = f"{MAX_PIXELS / 1e6:.0f} megapixels"
        raise ValueError(f"size {size} asks for {width} x {height} px; {limit} are the most")
    if (width, height) == image.size:
        return image
    return image.resize((width, height), Image.Resampling.LANCZOS)


def as_saved(image: Tensor) -> Tensor:
    """What a file keeps of an image (1, 3, H, W): clamped to [0, 1], rounded to 8 bits.

    Reported errors are measured on this.
    """
    return (image.detach().clamp(0, 1) * 255).round() / 255


def to_pil(image: Tensor) -> Image.Image:
    """An image (1, 3, H, W) with values in [0, 1] -> an 8-bit RGB PIL image.

    Values outside are clamped. Raises ValueError for another shape, for NaN, and for values that
    are numbers of 0 to 255.
    """
    require_picture("the image", image)
    pixels = as_saved(image.float())[0] * 255
    return Image.fromarray(pixels.byte().permute(1, 2, 0).cpu().numpy())


def save(
    image: Tensor, path: str | os.PathLike, settings: dict | None = None, quality: int = 92
) -> Path:
    """Write an image as PNG or JPEG, with the settings that made it inside the file.

    image: (1, 3, H, W) in [0, 1]. path: its ending decides (.png, .jpg, .jpeg); missing folders are
    made. settings: a dict of what JSON can hold; `read_settings(path)` gives it back. quality: of a
    JPEG, from 1 to 95.

    An interruption leaves the old file or the new one, never half of one. Returns the path. Raises
    ValueError for another ending, a wrong tensor, or settings that JSON cannot hold, and OSError
    where the disk is full or the folder cannot be written.
    """
    path = _path_to_write(path)
    picture = to_pil(image)
    note = _as_note({} if settings is None else settings)
    quality = require_quality(quality)
    buffer = io.BytesIO()
    if path.suffix.lower() == ".png":
        info = PngInfo()
        info.add_itxt(SETTINGS_KEY, note)
        picture.save(buffer, "PNG", pnginfo=info, optimize=True)
    elif len(note) > LONGEST_COMMENT:
        raise ValueError(f"the settings are too long for a JPEG: save {path.stem} as .png")
    else:
        picture.save(buffer, "JPEG", quality=quality, subsampling=0, comment=note.encode())
    return write_file(path, buffer.getvalue())


def require_quality(quality: int) -> int:
    """The quality of a JPEG, from 1 to 95. Raises ValueError for another."""
    is_whole = isinstance(quality, Integral) and not isinstance(quality, bool)
    if not is_whole or not 1 <= quality <= 95:
        raise ValueError(f"quality must be a whole number from 1 to 95, not {quality!r}")
    return int(quality)


def _path_to_write(path: str | os.PathLike) -> Path:
    """Where a picture goes: a path with a known ending."""
    path = as_path(path)
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ValueError(f"{path.name!r} must end in .png, .jpg or .jpeg")
    return path


def _as_note(settings: dict) -> str:
    """Settings as JSON of plain ASCII, which every file can hold."""
    if not isinstance(settings, dict):
        raise ValueError(f'settings must be a dict, such as {{"steps": 150}}, not {settings!r}')
    try:
        return json.dumps({SETTINGS_KEY: settings}, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"settings must be what JSON can hold ({error}): {settings!r}") from None


def _plain(value):
    """Numbers of NumPy and torch as numbers; paths, devices and the like as text."""
    is_number = hasattr(value, "item") and getattr(value, "ndim", 1) == 0
    return value.item() if is_number else str(value)


def read_settings(path: str | os.PathLike) -> dict:
    """The settings that `save` put into a PNG or JPEG; {} for a picture from elsewhere.

    Raises FileNotFoundError, and ValueError for what is no picture.
    """
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path must be the path of a picture, not {path!r}")
    note = read_note(_find(path), SETTINGS_KEY)
    try:
        settings = json.loads(note)[SETTINGS_KEY]
    except (ValueError, TypeError, LookupError, RecursionError):  # somebody else's comment
        return {}
    return settings if isinstance(settings, dict) else {}


def noise(like: Tensor, seed: int = 0) -> Tensor:
    """Uniform noise in [0, 1], of the shape and on the device of `like`.

    The same seed gives the same noise on every device.
    """
    require_image("like", like, batch=True)
    if not isinstance(seed, Integral) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise ValueError(f"seed must be a whole number from 0 on, not {seed!r}")
    generator = torch.Generator().manual_seed(int(seed))
    return torch.rand(like.shape, generator=generator).to(like.device)
