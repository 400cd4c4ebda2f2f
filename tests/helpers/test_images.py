"""File <-> tensor: every kind of picture in, and nothing lost on the way out."""

import errno
import io
import itertools
import os
import re
import struct
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from helpers import images
from helpers.images import (
    DATA,
    KINDS,
    as_saved,
    credit,
    load,
    manifest,
    names,
    noise,
    read_settings,
    save,
    to_pil,
)
from tests.helpers.broken_files import png_that_says


@pytest.fixture
def photo(tmp_path):
    """A 40 x 24 px JPEG whose left half is red and right half blue."""
    picture = Image.new("RGB", (40, 24), "blue")
    picture.paste("red", (0, 0, 20, 24))
    picture.save(tmp_path / "photo.jpg", quality=100, subsampling=0)
    return tmp_path / "photo.jpg"


def as_bytes(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", sorted(manifest()))
def test_every_picture_of_the_manifest(name):
    entry = manifest()[name]
    for word in ("title", "author", "year", "licence", "source", "alt"):
        assert entry[word], word
    assert entry["kind"] in KINDS
    image = load(DATA / entry["file"], None)
    assert image.shape[:2] == (1, 3)
    assert max(image.shape) > 96 == max(load(name, 96).shape)


def test_names_are_those_of_one_kind_or_of_all_but_masks():
    """Masks are no pictures to look at: they come only when they are asked for."""
    for kind in KINDS:
        assert names(kind)
        assert {manifest()[name]["kind"] for name in names(kind)} == {kind}
    assert names() == [name for name in manifest() if manifest()[name]["kind"] != "mask"]


def test_an_unknown_kind_lists_the_known_ones():
    expected = "no kind 'photo' of picture; known: content, style, texture, mask"
    with pytest.raises(ValueError, match=expected):
        names("photo")


def test_a_picture_that_was_deleted_says_how_to_restore_it(monkeypatch):
    entry = {**manifest()["china"], "file": "content/gone.jpg"}
    monkeypatch.setattr(images, "manifest", lambda: {"china": entry})
    expected = "gone.jpg, .* is missing; restore it: git checkout -- data/content/gone.jpg"
    with pytest.raises(FileNotFoundError, match=expected):
        load("china")


def test_credit():
    assert credit("starry_night") == "The Starry Night, Vincent van Gogh, 1889 (public domain)"
    with pytest.raises(KeyError, match="known names: .*china"):
        credit("mona_lisa")


def test_the_contract(photo):
    image = load(photo, None)
    assert image.shape == (1, 3, 24, 40)
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    assert 0 <= image.min() <= image.max() <= 1
    torch.testing.assert_close(image[0, :, 12, 5], torch.tensor([1.0, 0, 0]), atol=0.02, rtol=0)
    torch.testing.assert_close(image[0, :, 12, 35], torch.tensor([0, 0, 1.0]), atol=0.02, rtol=0)


def test_a_path_its_text_its_bytes_and_a_pil_image_are_the_same(photo):
    content = photo.read_bytes()
    for source in (str(photo), content, bytearray(content), Image.open(photo)):
        assert torch.equal(load(source), load(photo))


@pytest.mark.parametrize(
    "size, shape",
    [(40, (24, 40)), (20, (16, 27)), (80, (48, 80)), (None, (24, 40)), (16, (16, 27))],
)
def test_long_side_and_no_side_under_16(photo, size, shape):
    assert load(photo, size).shape[2:] == shape


def test_a_strip_of_17_by_900(tmp_path):
    Image.new("RGB", (900, 17), "green").save(tmp_path / "strip.png")
    assert load(tmp_path / "strip.png", 256).shape == (1, 3, 16, 847)


@pytest.mark.parametrize("size", [0, 15, -256, 2.5, "256"])
def test_a_wrong_size(photo, size):
    with pytest.raises(
        ValueError, match="size must be None or a whole number of pixels from 16 up"
    ):
        load(photo, size)


@pytest.mark.parametrize(
    "orientation, corner", [(1, (0, 0)), (3, (1, 1)), (6, (0, 1)), (8, (1, 0)), (2, (0, 1))]
)
def test_exif_rotation(orientation, corner):
    """A white spot in the stored top left corner must end up where the orientation says."""
    picture = Image.new("RGB", (48, 32))
    picture.paste("white", (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = load(as_bytes(picture, "JPEG", exif=exif), None)
    assert image.shape[2:] == ((48, 32) if orientation in (6, 8) else (32, 48))
    assert image[0, 0, -corner[0] * 2 + 1, -corner[1] * 2 + 1] > 0.9


def white_half(mode):
    """32 x 16 px: the left half opaque red, the right half fully transparent."""
    picture = Image.new("RGBA", (32, 16), (255, 0, 0, 255))
    picture.paste((0, 255, 0, 0), (16, 0, 32, 16))
    return picture.convert(mode) if mode != "P" else picture.quantize(4)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(mode):
    image = load(as_bytes(white_half(mode), "PNG"), None)
    torch.testing.assert_close(image[0, :, 8, 28], torch.ones(3))
    assert image[0, 1, 8, 4] < 0.5


def test_a_colour_that_stands_for_transparency():
    picture = Image.new("RGB", (32, 16), "red")
    image = load(as_bytes(picture, "PNG", transparency=(255, 0, 0)), None)
    assert torch.equal(image, torch.ones(1, 3, 16, 32))


def grey(mode):
    """20 x 20 px of middle grey, or white where there is nothing between it and black."""
    if mode == "1":
        return Image.new("L", (20, 20), 255).convert("1")
    picture = Image.new("RGB", (20, 20), (128, 128, 128))
    return picture.convert("L").convert("P") if mode == "P" else picture.convert(mode)


@pytest.mark.parametrize(
    "mode, kind", [("L", "PNG"), ("1", "PNG"), ("P", "PNG"), ("CMYK", "TIFF"), ("YCbCr", None)]
)
def test_other_modes_become_rgb(mode, kind):
    """From a file, where Pillow can read what it wrote (YCbCr: only from 11.2 on)."""
    picture = grey(mode)
    image = load(as_bytes(picture, kind) if kind else picture, None)
    expected = torch.full((1, 3, 20, 20), 1.0 if mode == "1" else 0.5)
    torch.testing.assert_close(image, expected, atol=0.03, rtol=0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("value, expected", [(65535, 1.0), (32768, 0.5), (200, 0.003)])
def test_16_bits(kind, value, expected):
    picture = Image.fromarray(np.full((20, 24), value, dtype=np.uint16))
    image = load(as_bytes(picture, kind), None)
    torch.testing.assert_close(image, torch.full((1, 3, 20, 24), expected), atol=3e-3, rtol=0)


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_floating_point_tiff(white):
    picture = Image.fromarray(np.tile(np.linspace(0, white, 32, dtype=np.float32), (20, 1)))
    image = load(as_bytes(picture, "TIFF"), None)
    left, middle, right = image[0, 0, 0, [0, 16, -1]]
    assert left == 0
    assert 0.45 < middle < 0.55
    assert right == 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation(kind):
    first, *others = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    exact = {"lossless": True} if kind == "WEBP" else {}
    source = as_bytes(first, kind, save_all=True, append_images=others, **exact)
    torch.testing.assert_close(load(source, None)[0, :, 9, 9], torch.tensor([1.0, 0, 0]))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_file(tmp_path, kind, share):
    content = as_bytes(to_pil(noise(torch.zeros(1, 3, 64, 64))), kind)
    path = tmp_path / "half.bin"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match="half.bin is (damaged or incomplete|not a picture)"):
        load(path)


@pytest.mark.parametrize("width, height", [(15, 100), (100, 15), (1, 1)])
def test_a_picture_under_16_px(width, height):
    expected = f"is {width} x {height} px; both sides must have at least 16 px"
    with pytest.raises(ValueError, match=expected):
        load(Image.new("RGB", (width, height)))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 30_000])
def test_a_decompression_bomb(side):
    """Refused from its header, before memory is taken."""
    with pytest.raises(ValueError, match="the given bytes has more than 90 megapixels"):
        load(png_that_says(side))


def test_a_picture_larger_than_its_format_allows():
    with pytest.raises(ValueError, match="^the given bytes (has|is) "):
        load(png_that_says(2**31 - 1))


@pytest.mark.parametrize(
    "place", ["../x.jpg", "/etc/passwd", "content/../../../x.png", "style/../../../../tmp/x"]
)
def test_a_manifest_cannot_point_outside(monkeypatch, place):
    entry = {"kind": "content", "file": place, "title": "A trap", "source": "nowhere"}
    monkeypatch.setattr(images, "manifest", lambda: {"trap": entry})
    with pytest.raises(ValueError, match="lies outside data/"):
        load("trap")


@pytest.mark.parametrize("ending, nearly", [(".png", 0.5 / 255), (".jpg", 0.06), (".JPEG", 0.06)])
def test_save_keeps_the_picture_and_its_settings(tmp_path, ramp, ending, nearly):
    settings = {"style": "The Starry Night", "ratio": 0.02, "artist": "Stéfan ü 北京", "layers": []}
    path = save(ramp, tmp_path / "new folder" / f"my päinting{ending}", settings)
    assert read_settings(path) == settings
    torch.testing.assert_close(load(path, None), ramp, atol=nearly + 1e-6, rtol=0)
    assert os.listdir(path.parent) == [path.name], "a temporary file was left behind"


def test_as_saved_is_what_a_png_holds(tmp_path, ramp):
    wild = ramp * 1.4 - 0.2
    torch.testing.assert_close(load(save(wild, tmp_path / "a.png"), None), as_saved(wild))


def test_settings_of_other_pictures_are_none(tmp_path, photo):
    assert read_settings(photo) == {}
    for comment in ("made with love", "[1]"):
        Image.new("RGB", (20, 20)).save(tmp_path / "other.jpg", comment=comment)
        assert read_settings(tmp_path / "other.jpg") == {}


def test_save_refuses_nan_and_keeps_the_old_file(tmp_path, ramp):
    path = save(ramp, tmp_path / "a.png")
    old = path.read_bytes()
    with pytest.raises(ValueError, match="NaN"):
        save(ramp * float("nan"), path)
    assert path.read_bytes() == old


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, ramp, monkeypatch):
    path = save(ramp, tmp_path / "a.png", {"n": 1})

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="a.png could not be written"):
        save(1 - ramp, path, {"n": 2})
    assert read_settings(path) == {"n": 1}


def test_noise_is_the_same_for_a_seed(ramp):
    assert torch.equal(noise(ramp, 1), noise(ramp, 1))
    assert not torch.equal(noise(ramp, 1), noise(ramp, 2))


def test_noise_has_the_shape_the_range_and_the_device_of_an_image(ramp):
    grain = noise(ramp)
    assert grain.shape == ramp.shape
    assert 0 <= grain.min() <= grain.max() <= 1
    assert noise(ramp.to("meta")).device.type == "meta"


def test_load_does_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    first = load("china")
    monkeypatch.chdir(tmp_path)
    assert torch.equal(load("china"), first)


def test_a_smaller_picture_has_the_mean_of_its_pixels():
    """A fine chequerboard becomes grey; leaving pixels out would make patterns of it."""
    squares = np.indices((128, 128)).sum(0) % 2
    image = load(Image.fromarray(np.uint8(255 * squares)), 32)
    assert (image - 0.5).abs().max() < 0.1


def test_a_jpeg_of_higher_quality_is_larger(tmp_path, ramp):
    sizes = []
    for quality in (50, 90):
        path = save(noise(ramp), tmp_path / "a.jpg", quality=quality)
        sizes.append(path.stat().st_size)
    assert sizes[1] > 1.5 * sizes[0]


def test_every_description_says_what_is_to_be_seen():
    assert not [name for name, entry in manifest().items() if len(entry["alt"].split()) < 6]


def number(value):
    """As ICC writes one: 16 bits before the point, and 16 behind it."""
    return struct.pack(">i", round(value * 65536))


GAMMA = b"curv\0\0\0\0" + struct.pack(">IH", 1, 563) + b"\0\0"  # 563/256 = 2.2
BENT = b"para\0\0\0\0\0\3\0\0" + b"".join(
    map(number, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


D50 = (0.9642, 1.0, 0.8249)  # the white of profiles


def profile_of(space, connection, tags, kind):
    """An ICC profile, from its tags."""
    place = 128 + 4 + 12 * len(tags)
    table = struct.pack(">I", len(tags))
    for tag, content in tags.items():
        table += tag + struct.pack(">II", place, len(content))
        place += len(content)
    body = table + b"".join(tags.values())
    words = (b"", b"\x02\x10\0\0", kind, space, connection)
    header = struct.pack(">I4s4s4s4s4s", 128 + len(body), *words) + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + b"".join(map(number, D50))
    return header.ljust(128, b"\0") + body


def matrix_profile(red, green, blue, curve):
    """An ICC profile of three colours, by their (x, y), and one curve for all of them."""
    adapted = np.array(  # from D65 (Bradford)
        [[1.0479, 0.0229, -0.0502], [0.0296, 0.9904, -0.0171], [-0.0092, 0.0151, 0.7519]]
    )
    colours = adapted @ np.array([[x / y, 1, (1 - x - y) / y] for x, y in (red, green, blue)]).T
    colours *= np.linalg.solve(colours, np.array(D50))

    tags = {b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(number, D50))}
    for letter, colour in zip(b"rgb", colours.T, strict=True):
        name = bytes([letter])
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + b"".join(map(number, colour))
        tags[name + b"TRC"] = curve
    return profile_of(b"RGB ", b"XYZ ", tags, b"mntr")


ADOBE = matrix_profile((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), GAMMA)
DISPLAY_P3 = matrix_profile((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), BENT)
PROFILES = {  # a profile, a colour in it, and the same colour in sRGB
    "AdobeRGB": (ADOBE, (180, 90, 60), (205, 90, 56)),
    "AdobeRGB, grey": (ADOBE, (128, 128, 128), (128, 128, 128)),
    "Display P3": (DISPLAY_P3, (180, 90, 60), (193, 83, 51)),
}


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_colours_of_a_profile_become_those_of_srgb(name, kind):
    profile, given, expected = PROFILES[name]
    picture = Image.new("RGB", (32, 32), given)
    image = load(as_bytes(picture, kind, icc_profile=profile, quality=100), None)
    found = image[0, :, 16, 16] * 255
    torch.testing.assert_close(found, torch.tensor(expected).float(), atol=3, rtol=0)


def test_a_profile_leaves_what_is_transparent_transparent():
    picture = Image.new("RGBA", (32, 16), (180, 90, 60, 255))
    picture.paste((0, 255, 0, 0), (16, 0, 32, 16))
    image = load(as_bytes(picture, "PNG", icc_profile=ADOBE), None) * 255
    torch.testing.assert_close(image[0, :, 8, 28], torch.full((3,), 255.0))
    torch.testing.assert_close(image[0, :, 8, 4], torch.tensor([205.0, 90, 56]), atol=2, rtol=0)


@pytest.mark.parametrize("mode", ["P", "L"])
def test_a_profile_of_colours_on_a_palette_and_on_grey(mode):
    picture = Image.new("RGB", (32, 16), (128, 128, 128))
    picture = picture.quantize(4) if mode == "P" else picture.convert(mode)
    image = load(as_bytes(picture, "PNG", icc_profile=ADOBE), None) * 255
    torch.testing.assert_close(image, torch.full_like(image, 128.0), atol=2, rtol=0)


def test_srgb_stays_srgb(photo):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(photo) as picture:
        same = load(as_bytes(picture, "PNG", icc_profile=profile), None)
    torch.testing.assert_close(same, load(photo, None), atol=1.01 / 255, rtol=0)


@pytest.mark.parametrize("profile", [b"no profile", ADOBE[:200], ADOBE.replace(b"RGB ", b"CMYK")])
def test_a_profile_that_cannot_be_used_is_told(profile, capsys):
    picture = Image.new("RGB", (32, 16), (180, 90, 60))
    image = load(as_bytes(picture, "PNG", icc_profile=profile), None) * 255
    torch.testing.assert_close(image[0, :, 8, 8], torch.tensor([180.0, 90, 60]))
    expected = "the given bytes: its colour profile cannot be used .*; its colours are taken for"
    assert re.search(expected, capsys.readouterr().out)


def test_a_picture_that_would_start_a_program_is_not_opened(tmp_path, monkeypatch):
    """Pillow hands EPS to Ghostscript, whatever the file is called; here nothing is started."""

    def start(*words, **_):
        raise AssertionError(f"started {words}")

    monkeypatch.setattr(subprocess, "Popen", start)
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n{} loop\n"
    path = tmp_path / "photo.jpg"
    path.write_bytes(program)
    for read in (load, read_settings):
        with pytest.raises(ValueError, match="photo.jpg is not a picture that Pillow can read"):
            read(path)
    with pytest.raises(ValueError, match="the given PIL image is not a picture"):
        load(Image.open(path))


def test_settings_of_somebody_else_are_none(tmp_path):
    """Deeply nested, a number, a list: what others write into a comment is no settings of ours."""
    key = '{"paint-by-gradient": '
    for comment in (key + "7}", key + "[1]}", key + "[" * 60_000, '{"a": 1}'):
        path = tmp_path / "other.jpg"
        Image.new("RGB", (20, 20)).save(path, comment=comment.encode())
        assert read_settings(path) == {}


def test_settings_may_hold_half_a_letter(tmp_path, ramp):
    path = save(ramp, tmp_path / "a.png", {"artist": "\ud800"})
    assert read_settings(path) == {"artist": "\ud800"}


def printers_profile():
    """Four inks whose colours are a table of Lab: paper, one ink, two inks, ..., and black."""
    inks = {(1, 0, 0): (55, -37, -50), (0, 1, 0): (48, 74, -3), (0, 0, 1): (89, -5, 93)}
    mixed = {(1, 1, 0): (24, 17, -46), (1, 0, 1): (50, -65, 27), (0, 1, 1): (47, 68, 48)}
    paper = {(0, 0, 0): (100, 0, 0), (1, 1, 1): (20, 0, 0)}
    colours = inks | mixed | paper
    table = b""
    for cyan, magenta, yellow, black in itertools.product((0, 1), repeat=4):
        lightness, a, b = (5, 0, 0) if black else colours[cyan, magenta, yellow]
        table += bytes([round(lightness * 2.55), a + 128, b + 128])
    identity = b"".join(map(number, (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    straight = bytes(range(256))
    lut = b"mft1\0\0\0\0\x04\x03\x02\0" + identity + 4 * straight + table + 3 * straight
    white = b"XYZ \0\0\0\0" + b"".join(map(number, D50))
    tags = {b"wtpt": white, b"A2B0": lut, b"A2B1": lut}
    return profile_of(b"CMYK", b"Lab ", tags, b"prtr")


@pytest.mark.parametrize(
    "inks, expected",
    [
        ((255, 0, 0, 0), (0, 143, 218)),
        ((0, 0, 0, 0), (255, 255, 255)),
        ((0, 255, 0, 0), (213, 0, 119)),
    ],
)
def test_a_printers_inks_become_what_they_look_like(inks, expected):
    """Without its profile, cyan would be (0, 255, 255), which no printer prints."""
    picture = Image.new("CMYK", (32, 16), inks)
    image = load(as_bytes(picture, "TIFF", icc_profile=printers_profile()), None) * 255
    found = image[0, :, 8, 8]
    torch.testing.assert_close(found, torch.tensor(expected).float(), atol=12, rtol=0)


def test_grey_of_another_curve():
    """A linear grey of 55 is what a screen shows as 128."""
    linear = b"curv\0\0\0\0\0\0\0\0"
    tags = {b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(number, D50)), b"kTRC": linear}
    profile = profile_of(b"GRAY", b"XYZ ", tags, b"mntr")
    for mode in ("L", "LA"):
        picture = Image.new("L", (32, 16), 55).convert(mode)
        image = load(as_bytes(picture, "PNG", icc_profile=profile), None) * 255
        torch.testing.assert_close(image, torch.full_like(image, 128.0), atol=3, rtol=0)


def test_16_bits_are_rounded_to_the_nearest_of_256():
    """A step is 257: 386 is a little more than one and a half of them, and 384 a little less."""
    picture = Image.fromarray(np.array([[386] * 20, [384] * 20] * 10, dtype=np.uint16))
    image = load(as_bytes(picture, "PNG"), None) * 255
    assert image[0, 0, :2, 0].round().tolist() == [2, 1]


def test_a_picture_is_resized_by_lanczos_to_the_nearest_size():
    generator = np.random.default_rng(0)
    picture = Image.fromarray(generator.integers(0, 256, (37, 48, 3), dtype=np.uint8))
    smaller = picture.resize((31, 24), Image.Resampling.LANCZOS)  # 31 · 37 / 48 = 23.9
    assert torch.equal(load(picture, 31), load(smaller, None))


def test_a_jpeg_keeps_colour_in_every_pixel(tmp_path, ramp):
    with Image.open(save(ramp, tmp_path / "ramp.jpg")) as picture:
        assert {layer[1:3] for layer in picture.layer} == {(1, 1)}


def test_a_picture_of_pillows_is_turned_as_its_file_is(photo):
    """Opened by somebody else, it still says how the camera was held."""
    picture = Image.open(photo)
    picture.getexif()[0x0112] = 6  # the top is at the right
    turned = load(picture, None)
    assert turned.shape[2:] == (40, 24)
    assert turned[0, 0, 0].mean() > 0.9 and turned[0, 2, -1].mean() > 0.9, "red above blue"


def test_grey_with_a_profile_keeps_what_is_transparent():
    tags = {b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(number, D50)), b"kTRC": GAMMA}
    profile = profile_of(b"GRAY", b"XYZ ", tags, b"mntr")
    picture = Image.new("LA", (32, 16), (55, 255))
    picture.paste((55, 0), (16, 0, 32, 16))
    image = load(as_bytes(picture, "PNG", icc_profile=profile), None)
    assert image[..., :8].max() < 0.3
    assert image[..., 24:].min() == 1
