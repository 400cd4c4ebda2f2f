"""What people get wrong, one function each, and the sentence that they must get.

A sentence says what was given, what was expected, or what to do; and nothing is left behind.
"""

import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from helpers.check import check, close, each
from helpers.colours import matched_colour
from helpers.fast import pyramid
from helpers.images import credit, load, noise, read_settings, save, to_pil
from helpers.losses import content_loss, gram, products, style_loss
from helpers.recipes import RECIPES, Objective, paint, recipe
from helpers.show import film, heat, play, plot, show
from helpers.transfer import optimise
from helpers.vgg import VGG, layer_names
from tests.helpers.broken_files import png_that_says

IMAGE = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
MAP = torch.rand(1, 5, 4, 6, generator=torch.Generator().manual_seed(1))
ALT = "A picture of random colours, for a test of what it says."


class Things(NamedTuple):
    """What a mistake may be made with."""

    folder: object  # with files that are not what their names say
    vgg: VGG

    @property
    def jpeg(self):
        return self.folder / "new.jpg"


class Mistake(NamedTuple):
    make: object  # a function of Things
    error: type[Exception]
    words: str


MISTAKES = {}


def refused(error, words):
    """Enter a function as a mistake that raises this error, with these words in its sentence."""

    def enter(make):
        name = make.__name__.replace("_", " ")
        assert name not in MISTAKES
        MISTAKES[name] = Mistake(make, error, words)
        return make

    return enter


@pytest.fixture
def things(tmp_path, vgg):
    folder = tmp_path / "a folder with späces"
    folder.mkdir()
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("this is no picture")
    (folder / "notes.txt").write_text("hello")
    (folder / "text.safetensors").write_text("no weights")
    Image.new("RGB", (40, 30), "red").save(folder / "good.png")
    (folder / "half.png").write_bytes((folder / "good.png").read_bytes()[:60])
    Image.new("RGB", (8, 8)).save(folder / "tiny.png")
    (folder / "page.jpg").write_text("<html>not found</html>")
    (folder / "eps.png").write_bytes(EPS)
    (folder / "bomb.png").write_bytes(png_that_says(30_000))
    torch.save({"fc.weight": torch.zeros(3)}, folder / "other.pth")
    weights = {"features.0.weight": torch.zeros(0, 3, 3, 3), "features.0.bias": torch.zeros(0)}
    torch.save(weights, folder / "no.pth")
    weights = {"features.0.weight": torch.zeros(4, 3, 3, 3), "features.0.bias": torch.zeros(4)}
    weights["features.0.bias"][2] = torch.nan
    save_file(weights, folder / "nan.safetensors")
    half = (folder / "nan.safetensors").read_bytes()[:99]
    (folder / "half.safetensors").write_bytes(half)
    return Things(folder, vgg)


def loss(image):
    return image.square().sum()


# ---- pictures ------------------------------------------------------------------------------------


@refused(FileNotFoundError, "no picture of that name; give the path .* one of: .*starry_night")
def load_an_unknown_name(things):
    load("starry_nite")


@refused(FileNotFoundError, "there is no file .*lost.jpg")
def load_a_file_that_is_not_there(things):
    load(things.folder / "lost.jpg")


@refused(FileNotFoundError, "there is no file .*no_such_picture.png")
def load_a_file_that_is_not_at_home(things):
    load("~/no_such_picture.png")


@refused(FileNotFoundError, "späces is a folder; give the path of a picture or one of: ")
def load_a_folder(things):
    load(things.folder)


@refused(ValueError, "empty.jpg is not a picture")
def load_an_empty_file(things):
    load(things.folder / "empty.jpg")


@refused(ValueError, "text.png is not a picture that Pillow can read; use a JPEG")
def load_text(things):
    load(things.folder / "text.png")


@refused(ValueError, "half.png is (damaged|not a picture)")
def load_half_a_file(things):
    load(things.folder / "half.png")


@refused(ValueError, "tiny.png is 8 x 8 px; both sides must have at least 16 px")
def load_a_picture_of_8_px(things):
    load(things.folder / "tiny.png")


@refused(ValueError, "the given bytes is not a picture")
def load_bytes_of_nothing(things):
    load(b"")


@refused(TypeError, "load takes a name, a path, bytes or a PIL image, not int")
def load_a_number(things):
    load(7)


@refused(TypeError, "a path, bytes or a PIL image, not NoneType")
def load_none(things):
    load(None)


@refused(TypeError, "a path, bytes or a PIL image, not list")
def load_a_list(things):
    load(["china"])


@refused(TypeError, "a path, bytes or a PIL image, not Tensor")
def load_a_tensor(things):
    load(IMAGE)


@refused(ValueError, "size must be None or a whole number of pixels from 16 up, not 0")
def load_at_size_0(things):
    load("china", 0)


@refused(ValueError, "size must be .*, not -5")
def load_at_a_negative_size(things):
    load("china", -5)


@refused(ValueError, "size must be .*, not 'big'")
def load_at_a_size_in_words(things):
    load("china", "big")


@refused(KeyError, "no picture named 'nobody' in data/; known names: ")
def credit_an_unknown_name(things):
    credit("nobody")


@refused(ValueError, r"expected a float image \(1, 3, H, W\) .* found torch.float32 \(1, 5, 4, 6\)")
def make_a_picture_of_features(things):
    to_pil(MAP)


@refused(ValueError, "holds NaN or infinite values")
def make_a_picture_of_nan(things):
    to_pil(IMAGE * torch.nan)


@refused(ValueError, "found torch.uint8")
def make_a_picture_of_8_bit_numbers(things):
    to_pil((IMAGE * 255).byte())


@refused(ValueError, r"'a.tga' must end in .png, .jpg or .jpeg")
def save_with_an_unknown_ending(things):
    save(IMAGE, things.folder / "a.tga")


@refused(ValueError, "'a' must end in .png")
def save_without_an_ending(things):
    save(IMAGE, things.folder / "a")


@refused(ValueError, "'a.png.exe' must end in .png")
def save_with_two_endings(things):
    save(IMAGE, things.folder / "a.png.exe")


@refused(ValueError, r"expected a float image \(1, 3, H, W\) .* found torch.float32 \(2, 3, 8, 8\)")
def save_a_batch(things):
    save(torch.zeros(2, 3, 8, 8), things.folder / "a.png")


@refused(ValueError, r"found torch.float32 \(1, 1, 20, 30\)")
def save_one_channel(things):
    save(IMAGE[:, :1], things.folder / "a.png")


@refused(ValueError, "found ndarray")
def save_an_array(things):
    save(IMAGE.numpy(), things.folder / "a.png")


@refused(OSError, "a.png could not be written .*: free some space or choose another folder")
def save_into_a_file_as_if_it_were_a_folder(things):
    save(IMAGE, things.folder / "notes.txt" / "a.png")


@refused(FileNotFoundError, "there is no file .*no.png")
def read_settings_of_a_file_that_is_not_there(things):
    read_settings(things.folder / "no.png")


@refused(ValueError, "needs at least one image")
def show_nothing(things):
    show([], alt=ALT)


@refused(ValueError, "a title for each: 2 images, 1 titles")
def show_with_titles_missing(things):
    show([IMAGE, IMAGE], ["one"], alt=ALT)


@refused(ValueError, "alt must say in a sentence")
def show_without_a_description(things):
    show(IMAGE, alt="")


@refused(ValueError, r"found torch.float32 \(3, 20, 30\)")
def show_an_image_without_a_batch(things):
    show([IMAGE[0]], alt=ALT)


@refused(ValueError, "images of one size .* found 2 images of 2 sizes and a.webp")
def film_of_two_sizes(things):
    film([IMAGE, IMAGE[..., :9]], things.folder / "a.webp")


@refused(ValueError, "found 0 images of 0 sizes and a.webp")
def film_of_nothing(things):
    film([], things.folder / "a.webp")


@refused(ValueError, "a .webp, .gif or .mp4, found 1 images of 1 sizes and a.mov")
def film_with_an_unknown_ending(things):
    film([IMAGE], things.folder / "a.mov")


@refused(ValueError, r"heat takes a map of numbers \(H, W\), found \(3, 20, 30\)")
def heat_of_three_channels(things):
    heat(IMAGE[0])


# ---- the network ---------------------------------------------------------------------------------


@refused(ValueError, "no network 'vgg18'. VGG.. is the original VGG19; there are also")
def a_network_of_an_unknown_name(things):
    VGG("vgg18")


@refused(ValueError, 'pool must be "max" or "avg", not .mean.')
def a_network_of_an_unknown_pooling(things):
    VGG(pool="mean")


@refused(FileNotFoundError, "there is no weight file .*lost.safetensors; VGG.. is the original")
def a_network_of_a_file_that_is_not_there(things):
    VGG(things.folder / "lost.safetensors")


@refused(ValueError, "text.safetensors cannot be read as weights")
def a_network_of_text(things):
    VGG(things.folder / "text.safetensors")


@refused(ValueError, "other.pth does not hold the layers of torchvision's VGG16 or VGG19")
def a_network_of_other_weights(things):
    VGG(things.folder / "other.pth")


@refused(ValueError, "no network 'resnet'; known: vgg19, vgg16")
def the_layers_of_an_unknown_network(things):
    layer_names("resnet")


@refused(ValueError, "vgg19 has no layer 'relu9_1'; it has conv1_1, relu1_1")
def features_of_an_unknown_layer(things):
    things.vgg(IMAGE, ["relu1_1", "relu9_1"])


@refused(ValueError, "vgg19 has no layer 21; it has conv1_1")
def features_of_a_layer_by_its_number(things):
    things.vgg(IMAGE, [21])


@refused(ValueError, "expected a float image .* found torch.uint8")
def features_of_8_bit_pixels(things):
    things.vgg((IMAGE * 255).byte(), ["relu1_1"])


@refused(ValueError, r"found torch.float32 \(1, 1, 20, 30\)")
def features_of_one_channel(things):
    things.vgg(IMAGE[:, :1], ["relu1_1"])


@refused(ValueError, r"found torch.float32 \(3, 20, 30\)")
def features_of_an_image_without_a_batch(things):
    things.vgg(IMAGE[0], ["relu1_1"])


@refused(ValueError, "found Image")
def features_of_a_pil_image(things):
    things.vgg(Image.new("RGB", (32, 32)), ["relu1_1"])


@refused(ValueError, "found str")
def features_of_a_name(things):
    things.vgg("china", ["relu1_1"])


@refused(ValueError, r"relu5_1 needs sides of at least 16 px, found \(20, 8\)")
def features_of_a_picture_too_small_for_the_layer(things):
    things.vgg(IMAGE[..., :8], ["relu5_1"])


@refused(ValueError, r"image is on meta and the network on cpu; write image.to\(vgg.device\)")
def features_of_an_image_on_another_device(things):
    things.vgg(IMAGE.to("meta"), ["relu1_1"])


@refused(ValueError, "padding must be one of zeros, replicate, not 'reflect'")
def features_with_an_unknown_padding(things):
    things.vgg.features(IMAGE, ["relu1_1"], padding="reflect")


# ---- losses and the loop -------------------------------------------------------------------------


@refused(ValueError, r"gram takes the features of one image, \(1, C, h, w\), found \(2, 3, 4, 4\)")
def gram_of_two_images(things):
    gram(torch.zeros(2, 3, 4, 4))


@refused(ValueError, r"\(1, C, h, w\), found \(3, 4\)")
def gram_of_a_matrix(things):
    gram(torch.zeros(3, 4))


@refused(ValueError, r"features as rows of channels, \(C, N\), found \(1, 5, 4, 6\)")
def products_of_maps(things):
    products(MAP)


@refused(ValueError, r"features has shape \(1, 5, 4, 6\), target has \(1, 5, 4, 3\); they must be")
def content_of_another_size(things):
    content_loss(MAP, MAP[..., :3])


@refused(ValueError, r"gram\(features\) has shape \(5, 5\), target has \(1, 5, 4, 6\)")
def style_of_features(things):
    style_loss(MAP, MAP)


@refused(ValueError, "they must be equal")
def style_of_another_layer(things):
    style_loss(MAP, torch.eye(4))


@refused(ValueError, "they must be equal")
def style_of_one_number(things):
    style_loss(MAP, torch.ones(1, 1))


@refused(ValueError, "there is no method 'newton'; known: lbfgs, adam")
def optimise_by_an_unknown_method(things):
    optimise(IMAGE, loss, method="newton")


@refused(ValueError, "no way to treat pixels 'wrap'; known: fence, clamp, closure, free")
def optimise_unknown_pixels(things):
    optimise(IMAGE, loss, pixels="wrap")


@refused(ValueError, "pixels='clamp' needs pixels to clamp; .* take .fence. or .free.")
def clamp_what_is_no_pixel(things):
    optimise(IMAGE, loss, parametrize=pyramid, pixels="clamp")


@refused(ValueError, "pixels='closure' needs pixels to clamp")
def clamp_in_the_closure_what_is_no_pixel(things):
    optimise(IMAGE, loss, parametrize=pyramid, pixels="closure")


@refused(ValueError, "steps must be a whole number from 1 on .steps >= 1., not 0")
def optimise_in_no_steps(things):
    optimise(IMAGE, loss, steps=0)


@refused(ValueError, "steps must be a whole number .*, not 2.5")
def optimise_in_two_steps_and_a_half(things):
    optimise(IMAGE, loss, steps=2.5)


@refused(ValueError, "start: expected a float image .* found torch.uint8")
def optimise_8_bit_pixels(things):
    optimise((IMAGE * 9).byte(), loss)


@refused(ValueError, r"start: expected a float image .* found torch.float32 \(3, 20, 30\)")
def optimise_an_image_without_a_batch(things):
    optimise(IMAGE[0], loss)


@refused(ValueError, "start holds NaN or infinite values: no picture has them")
def optimise_nan(things):
    optimise(IMAGE * torch.nan, loss)


@refused(ValueError, "NaN or infinite at the start: check the image and the targets")
def optimise_a_loss_of_nan(things):
    optimise(IMAGE, lambda image: loss(image) * torch.nan)


# ---- recipes and tricks --------------------------------------------------------------------------


@refused(ValueError, "no recipe 'gatis'; known recipes: ours, gatys_2016")
def a_recipe_of_an_unknown_name(things):
    recipe("gatis")


@refused(ValueError, "a recipe has no 'step'; it has name, source")
def a_recipe_with_an_unknown_field(things):
    recipe("ours", step=3)


@refused(ValueError, "steps must be a whole number from 1 on .*, not 0")
def paint_in_no_steps(things):
    paint("ours", IMAGE, IMAGE, things.vgg, steps=0)


@refused(ValueError, "steps must be a whole number from 1 on .*, not -1")
def paint_in_less_than_no_steps(things):
    paint("ours", IMAGE, IMAGE, things.vgg, steps=-1)


@refused(ValueError, "content: expected a float image")
def paint_an_image_without_a_batch(things):
    paint("ours", IMAGE[0], IMAGE, things.vgg)


@refused(ValueError, "style: expected a float image .* found str")
def paint_with_a_style_by_its_name(things):
    paint("ours", IMAGE, "mosaic", things.vgg)


@refused(ValueError, "content is 8 x .* px; both sides must have at least 16 px")
def paint_a_picture_of_8_px(things):
    paint("ours", IMAGE[..., :8], IMAGE, things.vgg)


@refused(ValueError, "expected a float image")
def an_objective_of_features(things):
    Objective(recipe("ours"), things.vgg, MAP, IMAGE)


@refused(ValueError, r"image is on meta and the network on cpu; write image.to\(vgg.device\)")
def an_objective_of_an_image_on_another_device(things):
    Objective(recipe("ours"), things.vgg, IMAGE, IMAGE)(IMAGE.to("meta"))


@refused(ValueError, "features of one image, .* found dict")
def a_gram_matrix_of_all_layers_at_once(things):
    gram(things.vgg(IMAGE, ["relu1_1"]))


@refused(ValueError, "parametrize must be a function such as pyramid itself, not a tuple")
def optimise_a_pyramid_that_was_made_already(things):
    optimise(IMAGE, loss, parametrize=pyramid(IMAGE))


@refused(ValueError, "pixels: expected a float image")
def features_of_pixels_without_a_batch(things):
    things.vgg.features(IMAGE[0], ["relu1_1"])


@refused(ValueError, r"no network \['vgg19'\]. VGG.. is the original")
def a_list_of_networks(things):
    VGG(["vgg19"])


@refused(ValueError, "text.png is not a picture that Pillow can read")
def read_settings_of_text(things):
    read_settings(things.folder / "text.png")


@refused(ValueError, "the settings are too long for a JPEG: save long as .png")
def save_a_novel_with_a_jpeg(things):
    save(IMAGE, things.folder / "long.jpg", {"history": list(range(20_000))})


@refused(ValueError, "trials must be at least 1, not 0: nothing would be compared")
def check_an_answer_never(things):
    check(lambda x: x, lambda x: x + 1, (3,), trials=0)


@refused(ValueError, "layers must be a list of names such as relu4_2, not None")
def look_for_no_layer(things):
    things.vgg(IMAGE, None)


@refused(ValueError, "the learning rate lr must be a finite number above 0, not 0")
def optimise_without_going_anywhere(things):
    optimise(IMAGE, loss, lr=0)


@refused(ValueError, "must be a scalar tensor that depends on the image, not 3.0")
def optimise_a_loss_that_is_a_float(things):
    optimise(IMAGE, lambda image: 3.0)


@refused(ValueError, r"not a tensor of shape \(1, 3, 20, 30\)")
def optimise_a_loss_that_is_a_map(things):
    optimise(IMAGE, lambda image: image.square())


@refused(ValueError, "without a gradient: is there a detach, an item or a no_grad in the loss")
def optimise_a_loss_without_a_gradient(things):
    optimise(IMAGE, lambda image: loss(image).detach())


@refused(ValueError, r"start: expected a float image .* found torch.float32 \(3, 20, 30\)")
def a_pyramid_of_an_image_without_a_batch(things):
    pyramid(IMAGE[0])


@refused(ValueError, "grey and colour need one weight a level, found 1 and 5")
def a_pyramid_whose_weights_do_not_pair_up(things):
    pyramid(IMAGE, grey=(1.0,))


@refused(ValueError, "style: expected a float image .* found torch.uint8")
def the_colours_of_8_bit_pixels(things):
    matched_colour(IMAGE, (IMAGE * 255).byte())


# ---- exercises -----------------------------------------------------------------------------------


@refused(AssertionError, r"has shape \(3,\), expected \(2, 3\)")
def an_answer_of_another_shape(things):
    check(lambda x: x[0], lambda x: x, (2, 3))


@refused(AssertionError, "a: largest difference 1 at")
def numbers_that_are_not_close(things):
    close("a", torch.ones(2), torch.zeros(2))


# ---- one line each: a call, and what must be said ------------------------------------------------

A, D, F, V = AssertionError, OSError, FileNotFoundError, ValueError
CALLS = {
    # pictures in
    "the home of nobody": (F, "no file ~nobody/x", lambda t: load("~nobody/x.png")),
    "an address": (F, "is an address: download", lambda t: load("https://example.org/cat.jpg")),
    "a name longer than disks allow": (F, "there is no file", lambda t: load("x" * 5000)),
    "a name with a zero in it": (F, "there is no file", lambda t: load("china\0.png")),
    "half a letter": (F, "there is no file", lambda t: load("\ud800.png")),
    "no name at all": (F, "is a folder", lambda t: load("")),
    "a million pixels wide": (V, "90 megapixels are the most", lambda t: load("china", 10**6)),
    "a size of truth": (V, "size must be None or a whole", lambda t: load("china", True)),
    "a size that is none": (V, "size must be .*, not nan", lambda t: load("china", math.nan)),
    "a PIL image that was closed": (V, "the given PIL image is damaged", lambda t: load(closed(t))),
    "an EPS": (V, "is not a picture that Pillow can read", lambda t: load(t.folder / "eps.png")),
    "bytes of an EPS": (V, "the given bytes is not a picture", lambda t: load(EPS)),
    "grey of NaN": (V, "damaged or incomplete .it holds NaN", lambda t: load(grey_with(math.nan))),
    "grey without end": (V, "it holds NaN or infinite", lambda t: load(grey_with(math.inf))),
    "settings of a page": (V, "not a picture", lambda t: read_settings(t.folder / "page.jpg")),
    "settings of nothing": (V, "not a picture", lambda t: read_settings(t.folder / "empty.jpg")),
    "settings of a bomb": (V, "megapixels", lambda t: read_settings(t.folder / "bomb.png")),
    "settings of a folder": (F, "is a folder", lambda t: read_settings(t.folder)),
    # pictures out
    "saved nowhere": (V, "path must be a path such as", lambda t: save(IMAGE, None)),
    "saved in a number": (V, "path must be a path", lambda t: save(IMAGE, 3)),
    "saved as 250 letters": (D, "choose a shorter name", lambda t: save(IMAGE, t.folder / LONG)),
    "saved as half a letter": (
        V,
        "no file can have the name",
        lambda t: save(IMAGE, t.folder / BAD),
    ),
    "a quality of 0": (V, "from 1 to 95, not 0", lambda t: save(IMAGE, t.jpeg, quality=0)),
    "a quality of 101": (V, "from 1 to 95, not 101", lambda t: save(IMAGE, t.jpeg, quality=101)),
    "a quality in words": (V, "1 to 95, not 'best'", lambda t: save(IMAGE, t.jpeg, quality="best")),
    "settings in a list": (V, "settings must be a dict", lambda t: save(IMAGE, t.jpeg, [1])),
    "settings by pairs": (V, "what JSON can hold", lambda t: save(IMAGE, t.jpeg, {(1, 2): 3})),
    "settings in a circle": (V, "what JSON can hold", lambda t: save(IMAGE, t.jpeg, circle())),
    "an image of 0 to 255": (V, "values up to 25.*divide by 255", lambda t: to_pil(IMAGE * 255)),
    "an image of no pixels": (V, r"found torch.float32 \(1, 3, 0, 9\)", lambda t: to_pil(EMPTY)),
    "an image of 0 px shown": (V, "expected a float image", lambda t: show(EMPTY, alt=ALT)),
    "columns of -1": (V, "columns must be None or", lambda t: show(IMAGE, alt=ALT, columns=-1)),
    "columns of 0": (V, "columns must be .*, not 0", lambda t: show(IMAGE, alt=ALT, columns=0)),
    "a height of 0": (V, "height must be .*, not 0", lambda t: show(IMAGE, alt=ALT, height=0)),
    "a height in words": (V, "not 'tall'", lambda t: show(IMAGE, alt=ALT, height="tall")),
    "a height of a mile": (V, "1 to 4096", lambda t: show(IMAGE, alt=ALT, height=10**6)),
    "a list to draw": (V, "curves by name, such as", lambda t: plot([1, 2], **LABELS)),
    "no curve": (V, "curves by name", lambda t: plot({}, **LABELS)),
    "a curve of nothing": (V, "the curve 'a' must be a list", lambda t: plot({"a": []}, **LABELS)),
    "a curve of one number": (V, "must be a list of values", lambda t: plot({"a": 3}, **LABELS)),
    "a curve in words": (V, "not 'falling'", lambda t: plot({"a": "falling"}, **LABELS)),
    "two lengths": (V, "of one length", lambda t: plot({"a": ([1, 2], [3, 4, 5])}, **LABELS)),
    "heat of a list": (V, "map of numbers .H, W., found list", lambda t: heat([[1, 2]])),
    "heat of nothing": (V, r"found \(0, 3\)", lambda t: heat(torch.zeros(0, 3))),
    "heat of NaN": (V, "NaN or infinite", lambda t: heat(torch.full((2, 2), math.nan))),
    "unknown colours": (V, "no colour map 'sun'; take", lambda t: heat(IMAGE[0, 0], colours="sun")),
    "a film of no time": (V, "above 0, not 0", lambda t: film([IMAGE], t.folder / "a.gif", 0)),
    "a film backwards": (V, "above 0, not -1", lambda t: film([IMAGE], t.folder / "a.gif", -1)),
    "a film of NaN seconds": (V, "not nan", lambda t: film([IMAGE], t.folder / "a.gif", math.nan)),
    "a film of 1 px": (V, "2 x 2 px or more", lambda t: film([IMAGE[..., :1]], t.folder / "a.mp4")),
    "a moving picture of no time": (V, "above 0", lambda t: play([IMAGE], 0, alt=ALT)),
    "one colour": (V, "from 2 to 256, not 1", lambda t: play([IMAGE], alt=ALT, colours=1)),
    # the network
    "a device that nobody has": (V, "there is no device 'gpu' here", lambda t: VGG(device="gpu")),
    "a device by a number": (V, "no device 7 here.*take .cpu.", lambda t: VGG(device=7)),
    "a network of no channels": (
        V,
        "features.0 is not a 3 x 3",
        lambda t: VGG(t.folder / "no.pth"),
    ),
    "a network of NaN": (V, "NaN or infinite", lambda t: VGG(t.folder / "nan.safetensors")),
    "half a network": (
        V,
        "cannot be read as weights",
        lambda t: VGG(t.folder / "half.safetensors"),
    ),
    "a network in a folder": (V, "there is no network", lambda t: VGG(t.folder)),
    "a pooling that is a list": (V, 'must be "max" or "avg"', lambda t: VGG(pool=["max"])),
    "an image of no pixels for it": (V, "expected a float", lambda t: t.vgg(EMPTY, ["relu1_1"])),
    # losses, the loop, recipes
    "a loss of nothing": (V, "not None", lambda t: optimise(IMAGE, lambda image: None)),
    "a loss in a list": (V, "not .tensor", lambda t: optimise(IMAGE, lambda i: [loss(i)])),
    "inference": (V, "leave torch.inference_mode", lambda t: within(torch.inference_mode())),
    "steps of NaN": (V, "steps must be .*, not nan", lambda t: optimise(IMAGE, loss, math.nan)),
    "steps in words": (V, "not '10'", lambda t: optimise(IMAGE, loss, "10")),
    "a rate of NaN": (
        V,
        "finite number above 0, not nan",
        lambda t: optimise(IMAGE, loss, lr=math.nan),
    ),
    "a rate in words": (V, "above 0, not 'fast'", lambda t: optimise(IMAGE, loss, lr="fast")),
    "a start of 0 to 255": (V, "divide by 255", lambda t: optimise(IMAGE * 255, loss)),
    "a start of numpy": (V, "start: .* found ndarray", lambda t: optimise(IMAGE.numpy(), loss)),
    "pixels by a function": (
        V,
        "no way to treat pixels",
        lambda t: optimise(IMAGE, loss, pixels=len),
    ),
    "a photo of 0 to 255": (
        V,
        "content has values up to",
        lambda t: paint("ours", IMAGE * 255, IMAGE, t.vgg),
    ),
    "a style of NaN": (
        V,
        "style holds NaN",
        lambda t: paint("ours", IMAGE, IMAGE * math.nan, t.vgg),
    ),
    "two photos": (
        V,
        "content: expected",
        lambda t: paint("ours", IMAGE.repeat(2, 1, 1, 1), IMAGE, t.vgg),
    ),
    "a photo by its name": (
        V,
        "content: .* found str",
        lambda t: paint("ours", "china", IMAGE, t.vgg),
    ),
    "a size of 8": (
        V,
        "size must be a whole number from 16",
        lambda t: paint("ours", IMAGE, IMAGE, t.vgg, size=8),
    ),
    "a size and a half": (V, "not 64.5", lambda t: paint("ours", IMAGE, IMAGE, t.vgg, size=64.5)),
    "a recipe by its number": (V, "there is no recipe 3", lambda t: paint(3, IMAGE, IMAGE, t.vgg)),
    "a recipe changed": (
        TypeError,
        "stays as it was made",
        lambda t: recipe("ours").content.clear(),
    ),
    "a weight changed": (TypeError, "recipe.name, content=", lambda t: set_weight(recipe("ours"))),
    "the book changed": (TypeError, "stays as it was made", lambda t: set_weight(RECIPES["ours"])),
    # exercises
    "two trials and a half": (
        V,
        "trials must be at least 1",
        lambda t: check(abs, abs, 3, trials=2.5),
    ),
    "everything is right": (
        V,
        "tolerance must be from 0",
        lambda t: check(abs, abs, 3, tolerance=9),
    ),
    "nothing is wrong": (V, "not nan", lambda t: check(abs, abs, 3, tolerance=math.nan)),
    "an answer of two": (
        A,
        "does not have the form",
        lambda t: check(lambda x: (x, 1), same, (2,)),
    ),
    "an answer in words": (A, "does not have the form", lambda t: check(lambda x: "x", same, (2,))),
    "an answer in a table": (
        A,
        "does not have the form",
        lambda t: check(lambda x: {}, same, (2,)),
    ),
    "no answer": (A, "did you forget .return", lambda t: check(lambda x: None, same, (2,))),
    "a prediction of NaN": (A, "nan is too large", lambda t: check(lambda: math.nan, lambda: 1.0)),
    "a loop by a bare word": (
        V,
        "without must be a tuple of words",
        lambda t: check(same, abs, (2,), without="loops"),
    ),
    "complex answers": (
        A,
        "complex numbers where real ones",
        lambda t: check(lambda x: x + 1j, same, (2,)),
    ),
    "close to anything": (V, "tolerance must be", lambda t: close("x", IMAGE, IMAGE, 1000.0)),
    "an answer that is no function": (V, "your answer must be a function", lambda t: check(5, abs)),
    # odd networks, files, optimisers and losses
    "a network by its name": (
        V,
        "vgg must be a network, such as VGG.., not 'vgg19'",
        lambda t: paint("ours", IMAGE, IMAGE, "vgg19"),
    ),
    "a painting of miles": (
        V,
        "more than 90 megapixels",
        lambda t: paint("ours", IMAGE, IMAGE, t.vgg, size=10**6),
    ),
    "kept where nothing can be": (
        D,
        "could not be written",
        lambda t: paint("ours", IMAGE, IMAGE, t.vgg, keep=t.folder / "notes.txt" / "a.png"),
    ),
    "kept in a folder": (
        V,
        "is no file: choose another name",
        lambda t: paint("ours", IMAGE, IMAGE, t.vgg, keep=t.folder),
    ),
    "kept in a number": (
        V,
        "path must be a path such as",
        lambda t: paint("ours", IMAGE, IMAGE, t.vgg, keep=5),
    ),
    "an optimiser that does nothing": (
        V,
        "a step of Lazy evaluated nothing: its step must call the closure",
        lambda t: optimise(IMAGE, loss, method=lambda v: Lazy(v, lr=1)),
    ),
    "a loss of another thing": (
        V,
        "the loss does not depend on the image",
        lambda t: optimise(IMAGE, lambda image: (OTHER * 2).sum(), 3, method="adam"),
    ),
    "a painting within inference": (
        V,
        "painting needs gradients: leave torch.inference_mode",
        lambda t: within(
            torch.inference_mode(), lambda: paint("ours", IMAGE, IMAGE, t.vgg, size=32)
        ),
    ),
    "content of another size than the photo": (
        V,
        "content is compared at the photo's size",
        lambda t: Objective("ours", t.vgg, IMAGE, IMAGE)(IMAGE.repeat(1, 1, 2, 2)),
    ),
    "a loss by its name": (V, "loss must be a function", lambda t: optimise(IMAGE, "content")),
    "a callback by a number": (
        V,
        "callback must be a function",
        lambda t: optimise(IMAGE, loss, callback=5),
    ),
    "content of nothing": (V, "features must be a tensor, not", lambda t: content_loss(None, MAP)),
    "settings of none": (V, "path must be the path of a picture", lambda t: read_settings(None)),
    "a seed in words": (V, "seed must be a whole number", lambda t: noise(IMAGE, "a")),
    "noise like nothing": (V, "like: expected a float image", lambda t: noise(None)),
    "pictures that are one": (V, "images must be a list", lambda t: show(None, alt=ALT)),
    "a description of spaces": (V, "alt must say", lambda t: show(IMAGE, alt=" " * 30)),
    "each of nothing": (V, "each needs at least one value", lambda t: each()),
}

EMPTY = torch.zeros(1, 3, 0, 9)
OTHER = torch.ones(3, requires_grad=True)


class Lazy(torch.optim.SGD):
    """An optimiser whose step forgets the closure."""

    def step(self, closure=None):
        pass


LABELS = {"xlabel": "step", "ylabel": "loss", "alt": ALT}
LONG = "x" * 250 + ".png"
BAD = "\ud800.png"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n{} loop\n"


def closed(things):
    picture = Image.open(things.folder / "good.png")
    picture.close()
    return picture


def grey_with(value):
    values = np.full((20, 20), 0.5, dtype=np.float32)
    values[3, 4] = value
    return Image.fromarray(values)


def circle():
    settings = {}
    settings["itself"] = settings
    return settings


def within(mode, work=lambda: optimise(IMAGE, loss)):
    with mode:
        work()


def set_weight(made):
    made.content["relu4_2"] = 9.0


def same(x):
    return x


for name, (error, words, make) in CALLS.items():
    assert name not in MISTAKES
    MISTAKES[name] = Mistake(make, error, words)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_a_sentence_and_leaves_nothing_behind(mistake, things):
    make, error, words = MISTAKES[mistake]
    before = sorted(path.name for path in things.folder.iterdir())
    with pytest.raises(error, match=words):
        make(things)
    assert sorted(path.name for path in things.folder.iterdir()) == before
