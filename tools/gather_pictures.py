"""Gather training pictures for tools/distill.py from folders of any kind: wallpapers, game art, textures, photos.

    python tools/gather_pictures.py OUT FOLDER [FOLDER=COUNT ...] --avoid DIR [DIR ...]

Each folder is searched to its end; at most COUNT pictures of it are taken, in random order (60 unless told). What is
small, long and thin, mostly transparent, nearly flat, or much like a picture taken before or one in an --avoid folder,
is left out. The shorter side is shrunk to 420 px; transparent places get a random colour.

vgg19-mini was trained on pictures from Debian packages: `apt-get download NAME`, then `dpkg -x FILE FOLDER`.
"""

import argparse
import random
import sys
from pathlib import Path

from PIL import Image, ImageStat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.distill import thumbnail  # noqa: E402

KINDS = (".jpg", ".jpeg", ".png", ".webp", ".tga")
SHORT, SMALLEST, LONGEST = 420, 240, 3  # px of the shorter side at most, at least; how many times as long the other is
TWIN, KNOWN = 0.93, 0.9  # likeness of thumbnails from which a picture counts as taken already, or as one to avoid
BYTES = 25_000, 14_000  # smaller files, before and after, hold hardly any detail
FLAT = 14  # least standard deviation of the colours, of 255


def pictures_in(folder):
    """All files below a folder that could be pictures, sorted."""
    found = (p for p in Path(folder).rglob("*") if p.suffix.lower() in KINDS)
    return sorted(p for p in found if p.is_file() and not p.is_symlink() and p.stat().st_size > BYTES[0])


def prepared(path, rng):
    """A file -> an RGB image with the shorter side at most SHORT px, or None where it would teach nothing."""
    try:
        image = Image.open(path)
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if min(image.size) < SMALLEST or max(image.size) > LONGEST * min(image.size):
        return None
    if image.mode in ("RGBA", "LA", "P", "PA"):
        image = image.convert("RGBA")
        if ImageStat.Stat(image.getchannel("A")).mean[0] < 150:
            return None
        ground = tuple(rng.randrange(256) for _ in range(3)) + (255,)
        image = Image.alpha_composite(Image.new("RGBA", image.size, ground), image)
    image = image.convert("RGB")
    if min(image.size) > SHORT:
        factor = SHORT / min(image.size)
        image = image.resize([round(n * factor) for n in image.size], Image.Resampling.LANCZOS)
    return image if sum(ImageStat.Stat(image.resize((48, 48))).stddev) > 3 * FLAT else None


def gather(folder, count, out, rng, seen, known):
    """Take up to `count` pictures of a folder; `seen` grows -> how many were taken."""
    files, taken = pictures_in(folder), 0
    rng.shuffle(files)
    for path in files:
        image = prepared(path, rng) if taken < count else None
        if image is None:
            continue
        target = out / f"{Path(folder).name}_{taken:03d}.jpg"
        image.save(target, quality=93)
        look = thumbnail(target)
        if (
            target.stat().st_size < BYTES[1]
            or any(look @ s > TWIN for s in seen)
            or any(look @ k > KNOWN for k in known)
        ):
            target.unlink()
            continue
        seen.append(look)
        taken += 1
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", nargs="+", metavar="FOLDER[=COUNT]")
    parser.add_argument("--avoid", nargs="*", type=Path, default=[], help="folders with pictures that must stay unseen")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rng, seen = random.Random(options.seed), []
    known = [thumbnail(p) for folder in options.avoid for p in folder.rglob("*") if p.suffix.lower() in KINDS]
    for word in options.folders:
        folder, _, count = word.partition("=")
        if not Path(folder).is_dir():
            sys.exit(f"{folder} is no folder; name folders that hold pictures ({', '.join(KINDS)})")
        print(f"{folder}: {gather(folder, int(count or 60), options.out, rng, seen, known)} pictures", flush=True)


if __name__ == "__main__":
    main()
