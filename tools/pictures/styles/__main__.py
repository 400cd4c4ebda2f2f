"""Draw the style pictures of the series, each from its own fixed seed."""

import argparse
import io
import sys
import time

from PIL import Image

from helpers.files import write_file
from helpers.images import DATA
from tools.pictures.styles import STYLES, draw
from tools.words import folder


def as_jpeg(picture: Image.Image) -> bytes:
    """The bytes of the file."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90, optimize=True)
    return buffer.getvalue()


def main(arguments: list[str]) -> int:
    """Draw the named pictures, or all of them, and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tools.pictures.styles", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(STYLES)} (all by default)")
    parser.add_argument("--out", type=folder, default=DATA / "style", help="folder for the JPEGs")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in STYLES]
    if unknown:
        parser.error(f"there is no style {', '.join(unknown)}; known: {', '.join(STYLES)}")
    for name in options.names or STYLES:
        start = time.perf_counter()
        picture = draw(name)
        content = as_jpeg(picture)
        path = write_file(options.out / f"{name}.jpg", content)
        seconds = time.perf_counter() - start
        size = f"{picture.width} x {picture.height} px, {len(content):,} bytes"
        print(f"{path.name}: {size}, {seconds:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
