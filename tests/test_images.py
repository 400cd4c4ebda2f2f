"""File <-> tensor: every kind of picture in, every kind of refusal, and nothing lost on the way out."""

import errno
import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import images
from helpers.images import DATA, as_saved, credit, load, manifest, names, noise, read_settings, save, to_pil


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
    assert set(entry) >= {"kind", "file", "title", "author", "year", "licence", "source", "alt"}
    assert entry["kind"] in ("content", "style", "texture", "mask") and len(entry["alt"]) >= 40
    content = (DATA / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert load(name, None).shape[:2] == (1, 3)
    assert max(load(name, 96).shape) == 96


def test_there_is_enough_to_choose_from():
    assert len(names("content")) >= 8 and len(names("style")) >= 16 and len(names("texture")) >= 5
    assert names() == names("content") + names("style") + names("texture"), "masks only when asked for"
    assert len(names("mask")) >= 4
    with pytest.raises(ValueError, match="no kind 'photo' of picture; known: content, style, texture, mask"):
        names("photo")


def test_a_picture_that_was_deleted_says_how_to_restore_it(monkeypatch):
    entry = {**manifest()["china"], "file": "content/gone.jpg"}
    monkeypatch.setattr(images, "manifest", lambda: {"china": entry})
    with pytest.raises(
        FileNotFoundError, match="gone.jpg, Tower .* is missing; restore it: git checkout -- data/content/gone.jpg"
    ):
        load("china")


def test_credit():
    assert credit("starry_night") == "The Starry Night, Vincent van Gogh, 1889 (public domain)"
    with pytest.raises(KeyError, match="known names: .*china"):
        credit("mona_lisa")


def test_the_contract(photo):
    image = load(photo, None)
    assert image.shape == (1, 3, 24, 40) and image.dtype == torch.float32 and image.is_contiguous()
    assert image.min() >= 0 and image.max() <= 1
    torch.testing.assert_close(image[0, :, 12, 5], torch.tensor([1.0, 0, 0]), atol=0.02, rtol=0)
    torch.testing.assert_close(image[0, :, 12, 35], torch.tensor([0, 0, 1.0]), atol=0.02, rtol=0)


def test_a_path_its_text_its_bytes_and_a_pil_image_are_the_same(photo):
    first = load(photo)
    for source in (str(photo), photo.read_bytes(), bytearray(photo.read_bytes()), Image.open(photo)):
        assert torch.equal(load(source), first)


@pytest.mark.parametrize(
    "size, shape", [(40, (24, 40)), (20, (16, 27)), (80, (48, 80)), (None, (24, 40)), (16, (16, 27))]
)
def test_long_side_and_no_side_under_16(photo, size, shape):
    assert load(photo, size).shape[2:] == shape


def test_a_strip_of_17_by_900(tmp_path):
    Image.new("RGB", (900, 17), "green").save(tmp_path / "strip.png")
    assert load(tmp_path / "strip.png", 256).shape == (1, 3, 16, 847)


@pytest.mark.parametrize("size", [0, 15, -256, 2.5, "256"])
def test_a_wrong_size(photo, size):
    with pytest.raises(ValueError, match="size must be None or a whole number of pixels from 16 up"):
        load(photo, size)


@pytest.mark.parametrize("orientation, corner", [(1, (0, 0)), (3, (1, 1)), (6, (0, 1)), (8, (1, 0)), (2, (0, 1))])
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


@pytest.mark.parametrize("mode, value", [("L", 0.5), ("1", 1.0), ("P", 0.5), ("CMYK", 0.5), ("YCbCr", 0.5)])
def test_other_modes_become_rgb(mode, value):
    grey = Image.new("RGB", (20, 20), (128, 128, 128) if mode != "1" else (255, 255, 255))
    picture = grey.convert("L").convert(mode) if mode in ("1", "P") else grey.convert(mode)
    kinds = {"CMYK": "TIFF", "YCbCr": None}  # Pillow before 11.2 cannot read its own TIFF in YCbCr
    source = as_bytes(picture, kinds.get(mode, "PNG")) if kinds.get(mode, "PNG") else picture
    torch.testing.assert_close(load(source, None), torch.full((1, 3, 20, 20), value), atol=0.03, rtol=0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("value, expected", [(65535, 1.0), (32768, 0.5), (200, 0.003)])
def test_16_bits(kind, value, expected):
    picture = Image.fromarray(np.full((20, 24), value, dtype=np.uint16))
    torch.testing.assert_close(
        load(as_bytes(picture, kind), None), torch.full((1, 3, 20, 24), expected), atol=3e-3, rtol=0
    )


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_floating_point_tiff(white):
    picture = Image.fromarray(np.tile(np.linspace(0, white, 32, dtype=np.float32), (20, 1)))
    image = load(as_bytes(picture, "TIFF"), None)
    assert image[0, 0, 0, 0] == 0 and image[0, 0, 0, -1] == 1 and 0.45 < image[0, 0, 0, 16] < 0.55


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    source = as_bytes(
        frames[0], kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
    )
    torch.testing.assert_close(load(source, None)[0, :, 9, 9], torch.tensor([1.0, 0, 0]))


@pytest.mark.parametrize("source", ["no_such_picture", "/nowhere/photo.jpg", "~/no_such_picture.png"])
def test_a_missing_picture_lists_the_known_ones(source):
    with pytest.raises(
        FileNotFoundError, match="no picture of that name; give the path of a picture or one of: .*starry_night"
    ):
        load(source)


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(FileNotFoundError, match="is a folder"):
        load(tmp_path)


@pytest.mark.parametrize("source", [None, 3, ["china"], torch.zeros(3)])
def test_another_kind_of_source(source):
    with pytest.raises(TypeError, match="load takes a name, a path, bytes or a PIL image"):
        load(source)


def test_a_file_that_is_no_picture(tmp_path):
    (tmp_path / "notes über.jpg").write_text("not a picture")
    with pytest.raises(ValueError, match="notes über.jpg is not a picture"):
        load(tmp_path / "notes über.jpg")
    with pytest.raises(ValueError, match="the given bytes is not a picture"):
        load(b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_file(tmp_path, kind, share):
    content = as_bytes(to_pil(noise(torch.zeros(1, 3, 64, 64))), kind)
    path = tmp_path / "half.bin"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match="half.bin is (damaged or incomplete|not a picture)"):
        load(path)


@pytest.mark.parametrize("size", [(15, 100), (100, 15), (1, 1)])
def test_a_picture_under_16_px(size):
    with pytest.raises(ValueError, match=f"is {size[0]} x {size[1]} px; both sides must have at least 16 px"):
        load(Image.new("RGB", size))


@pytest.mark.parametrize(
    "side, why", [(10_000, "more than 90 megapixels"), (30_000, "more than 90 megapixels"), (2**31 - 1, "")]
)
def test_a_decompression_bomb(side, why):
    """A PNG of a few bytes that says it is huge: refused from its header, before memory is taken."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"0" * 9)),
        (b"IEND", b""),
    ]
    body = b"".join(struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    with pytest.raises(ValueError, match=f"^the given bytes (has|is) .*{why}"):
        load(b"\x89PNG\r\n\x1a\n" + body)


def test_a_manifest_cannot_point_outside(monkeypatch):
    entry = {"kind": "content", "file": "../pyproject.toml", "title": "x", "source": "y"}
    monkeypatch.setattr(images, "manifest", lambda: {"sly": entry})
    with pytest.raises(ValueError, match="lies outside data/"):
        load("sly")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_save_keeps_the_picture_and_its_settings(tmp_path, ramp, suffix):
    settings = {"style": "The Starry Night", "ratio": 0.02, "artist": "Stéfan ü 北京", "layers": ["relu1_1"]}
    path = save(ramp, tmp_path / "new folder" / f"my päinting{suffix}", settings)
    assert read_settings(path) == settings
    torch.testing.assert_close(load(path, None), ramp, atol=0.5 / 255 + 1e-6 if suffix == ".png" else 0.06, rtol=0)
    assert os.listdir(path.parent) == [path.name], "a temporary file was left behind"


def test_as_saved_is_what_a_png_holds(tmp_path, ramp):
    wild = ramp * 1.4 - 0.2
    torch.testing.assert_close(load(save(wild, tmp_path / "a.png"), None), as_saved(wild))


def test_settings_of_other_pictures(tmp_path, photo):
    assert read_settings(photo) == {}
    Image.new("RGB", (20, 20)).save(tmp_path / "c.jpg", comment="made with love")
    Image.new("RGB", (20, 20)).save(tmp_path / "d.jpg", comment="[1]")
    assert read_settings(tmp_path / "c.jpg") == read_settings(tmp_path / "d.jpg") == {}


@pytest.mark.parametrize("name", ["painting.gif", "painting", "painting.png.exe"])
def test_save_knows_png_and_jpeg(tmp_path, ramp, name):
    with pytest.raises(ValueError, match="must end in .png, .jpg or .jpeg"):
        save(ramp, tmp_path / name)


@pytest.mark.parametrize("wrong", [torch.zeros(3, 20, 20), torch.zeros(1, 1, 20, 20), np.zeros((1, 3, 20, 20)), None])
def test_save_refuses_other_shapes(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"expected an image tensor \(1, 3, H, W\), found"):
        save(wrong, tmp_path / "a.png")


def test_save_refuses_nan_and_keeps_the_old_file(tmp_path, ramp):
    path = save(ramp, tmp_path / "a.png")
    old = path.read_bytes()
    with pytest.raises(ValueError, match="NaN"):
        save(ramp * float("nan"), path)
    assert path.read_bytes() == old


@pytest.mark.parametrize("number, words", [(errno.ENOSPC, "No space left"), (errno.EACCES, "Permission denied")])
def test_a_full_disk_or_a_read_only_folder_leaves_the_old_file(tmp_path, ramp, monkeypatch, number, words):
    path = save(ramp, tmp_path / "a.png", {"n": 1})

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match=f"a.png could not be written .{words}.*free some space or choose another folder"):
        save(1 - ramp, path, {"n": 2})
    assert read_settings(path) == {"n": 1} and os.listdir(tmp_path) == ["a.png"]


def test_noise_is_the_same_for_a_seed(ramp):
    assert torch.equal(noise(ramp, 1), noise(ramp, 1)) and not torch.equal(noise(ramp, 1), noise(ramp, 2))
    assert noise(ramp).shape == ramp.shape and 0 <= noise(ramp).min() and noise(ramp).max() <= 1


def test_load_does_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    first = load("china")
    monkeypatch.chdir(tmp_path)
    assert torch.equal(load("china"), first) and Path.cwd() == tmp_path
