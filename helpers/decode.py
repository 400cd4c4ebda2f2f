"""A picture file of any kind -> an RGB picture, or a sentence that says why not. Nothing of torch.

Only formats that Pillow decodes by itself are opened: for some others it would start a program.
"""

import io
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

__all__ = ["open_picture", "read_note"]

MAX_PIXELS = 90_000_000  # more than any phone camera's usual picture; a bomb has billions
# AVIF where this Pillow knows it; MPO is what some phones write and call a JPEG.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
ALPHA = {"L": "LA", "RGB": "RGBA"}
BLACK_POINT = 0x2000  # lcms2: black stays black, whatever the black of the other device is
MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}  # what a profile is about: Pillow's mode


def open_picture(source: Path | bytes | Image.Image, label: str) -> Image.Image:
    """Decode a file, the bytes of one, or a PIL image, as an RGB picture of sRGB colours.

    label: what to call it in an error. Rotation from EXIF is applied, a colour profile is converted
    to sRGB, transparency is laid on white, 16 bits are scaled to 8, and the first frame stands for
    an animation. A profile that cannot be used is told in a printed line, and colours stay.

    Raises FileNotFoundError, or ValueError for what is no picture, is damaged, holds NaN, or has
    over 90 megapixels.
    """
    if isinstance(source, Path) and not source.is_file():
        raise FileNotFoundError(f"{label} is no file: give the path of a picture")
    with _faults_in_a_sentence(label):
        image = source if isinstance(source, Image.Image) else _opened(source)
        _require_known_format(image)
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        image.load()
        return _on_white(_in_srgb(_in_8_bits(ImageOps.exif_transpose(image)), label))


def read_note(path: Path, key: str) -> str | bytes:
    """The text that a PNG holds under a key, or the comment of a JPEG; empty where there is none.

    Raises ValueError for what is no picture, or is damaged.
    """
    with _faults_in_a_sentence(str(path)), _opened(path) as image:
        return image.info.get(key) or image.info.get("comment") or b""


def _opened(source: Path | bytes) -> Image.Image:
    Image.init()  # else only a few formats are known yet
    known = [kind for kind in FORMATS if kind in Image.OPEN]
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=known)


def _require_known_format(image: Image.Image) -> None:
    """A PIL image that was opened elsewhere is decoded here: the same formats hold for it."""
    if image.format not in (None, *FORMATS):
        raise Image.UnidentifiedImageError


@contextmanager
def _faults_in_a_sentence(label: str):
    """Every way in which decoding can fail becomes one sentence that names the picture."""
    try:
        yield
    except (Image.DecompressionBombError, MemoryError):
        limit = f"{MAX_PIXELS / 1e6:.0f} megapixels"
        raise ValueError(f"{label} has more than {limit}; make it smaller first") from None
    except Image.UnidentifiedImageError:
        advice = "use a JPEG, PNG, WebP, GIF or TIFF"
        raise ValueError(f"{label} is not a picture that Pillow can read; {advice}") from None
    except Exception as error:  # decoders have no common class for their errors
        reason = (str(error) or repr(error)).splitlines()[0]
        advice = "copy or download it again"
        raise ValueError(f"{label} is damaged or incomplete ({reason}); {advice}") from error


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Grey pictures of 16 or 32 bits -> 8 bits, with white for their largest number."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it holds NaN or infinite values")
    white = 65535
    if image.mode == "F":  # some programs write 1 for white, some 255, some 65,535
        white = next((w for w in (1, 255) if values.max() <= w), white)
    grey = Image.fromarray(np.uint8(np.clip(values / white, 0, 1) * 255 + 0.5))
    grey.info = dict(image.info)
    if "transparency" in grey.info:  # a grey of 16 bits that stands for it
        grey.info["transparency"] = round(grey.info["transparency"] / 257)
    return grey


def _in_srgb(image: Image.Image, label: str) -> Image.Image:
    """A picture with a colour profile (AdobeRGB, Display P3, a printer's CMYK) -> sRGB."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODES[source.profile.xcolor_space.strip()]
        if mode in ALPHA and image.has_transparency_data:
            mode = ALPHA[mode]
        if mode in ("L", "LA") and image.mode not in ("1", "L", "LA"):
            raise ImageCms.PyCMSError("a profile of greys, and a picture of colours")
        return _converted(image.convert(mode), source)
    except (ImageCms.PyCMSError, ImportError, KeyError, OSError, ValueError) as error:
        advice = "its colours are taken for sRGB"
        print(f"{label}: its colour profile cannot be used ({error}); {advice}.")
        return image


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    """Colours through two profiles; what is transparent stays so."""
    alpha = image.getchannel("A") if image.mode in ALPHA.values() else None
    if image.mode == "LA":
        image = image.getchannel("L")
    image = ImageCms.profileToProfile(
        image,
        source,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGBA" if image.mode == "RGBA" else "RGB",
        flags=BLACK_POINT,
    )
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _on_white(image: Image.Image) -> Image.Image:
    """Any mode -> RGB; what is transparent becomes white."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")
