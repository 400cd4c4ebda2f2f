# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# <!-- top -->
#
# # Find the bug behind the picture
#
# > **The question** Why can a program run without a single error message, paint a nice picture, and still be wrong?
# > **You will make** six diagnoses of published programs, each with the one line that would have caught the bug, and a symptom finder for your own programs.
# > **You need** the loss of [notebook 05](05_the_total_loss.ipynb), and for Rooms 3 and 5 the idea of L-BFGS from [07](07_painting_with_lbfgs.ipynb); we repeat each of them in a sentence. The symbols are in the [table of notation](00_start_here.ipynb#Notation).
# > **Time** about 85 minutes to read and run, and 65 minutes for the exercises; the computing in it takes about a minute and a half on a laptop

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Welcome to the museum. All its exhibits come from real programs, many of them written by people who taught the rest of
# us how style transfer works. Here are six paintings of one astronaut in one stained-glass window:

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "12_museum.jpg", 800),
     alt="Six paintings of an astronaut in stained glass, with the letters A to F: all have black leads and panes in "
     "blue and orange, and they differ in how crisp the panes are and how much of the face is left.")

# %% [markdown]
# One of the six was painted by a program that does what it says. The other five have a bug each. All of these bugs have
# been published, and none raises an error. Which one is the right one? Write down your guess now. The answer comes
# after Room 6, and if you are wrong, you are in excellent company.
#
# (The six were painted beforehand, at 320 pixels with 45 evaluations each; an **evaluation** is one trip through the
# network and back. `python -m tools.pictures.results 12_museum` paints them again. You will paint smaller ones
# yourself.)
#
# ## The plan and the measure
#
# You can walk through the rooms in any order. If you came with a problem of your own, go straight to the [symptom
# finder](#The-symptom-finder) at the end, which is an index by what one sees.
#
# | room | where the bug lives, or lived | what its visitors see |
# |---|---|---|
# | [Room 1](#Room-1-from-the-PyTorch-tutorial) | PyTorch's tutorial | colours and small marks, but no larger forms |
# | [Room 2](#Room-2-from-torchvision) | torchvision, and through it Udacity's course, d2l and others | another result than theirs, with the same layer names |
# | [Room 3](#Room-3-from-the-PyTorch-tutorial-again) | PyTorch's tutorial | a picture that looks unfinished |
# | [Room 4](#Room-4-from-the-first-Keras-example) | the first Keras example, a port of neural-style, gordicaleksa's program | a flower where none should be, or weights that do not carry over |
# | [Room 5](#Room-5-from-neural-style) | the first neural-style | an even grey picture after a second |
# | [Room 6](#Room-6-from-the-Keras-example-of-today) | the Keras example of today | nothing at all |
#
# Each room works in the same way. First you see the wrong picture, and you make your own diagnosis. Then we look at the
# code, run it, and measure. We need a measure from outside for this, because a wrong program also computes a wrong
# loss, and that loss falls as nicely as any other.
#
# The sizes and the number of evaluations of what you will paint yourself are here, so that you can change them:

# %% tags=["settings"]
size = 192  # pixels of the long side of your own paintings
evaluations = 20  # for each of them
museum_size = 320  # pixels of the stored paintings

# %% [markdown]
# These are the photo and the style, at the two sizes. We leave out the lower part of the photo, so that the face is as
# large as possible. `matched_colour` gives the photo the colours of the window, and every painting of this pair starts
# from there.

# %%
import torch

from helpers.colours import matched_colour
from helpers.fast import fast, pyramid
from helpers.vgg import VGG

vgg = VGG()


def load_pair(pixels):
    """Return the upper part of the photo, and the window a quarter larger."""
    photo = load("astronaut", pixels).to(vgg.device)  # (1, 3, H, W)
    style = load("stained_glass", pixels * 5 // 4).to(vgg.device)
    height = round(pixels * 176 / 256)
    return photo[..., :height, :], style


photo, style = load_pair(size)  # (1, 3, 132, 192), (1, 3, 240, 240)
museum_photo, museum_style = load_pair(museum_size)  # (1, 3, 220, 320), (1, 3, 400, 400)
start = matched_colour(photo, style)
show([museum_photo, museum_style], ["content: the photo", "style: the window"], height=270,
     alt="Left, a smiling astronaut in an orange suit before a flag and a model of the shuttle; right, a window of "
     "glass panes in blue, orange, red and green between black leads.")

# %% [markdown]
# Our measure consists of the two errors of notebook 05. The **content error** compares features at `relu4_2` with the
# photo's. (Features are the maps of numbers that a layer of the network computes. Each map is called a channel.) The
# **style error** of a layer compares Gram matrices, the tables that say which channels fire together. Both are
# squared and relative: 0 is a perfect match, 1 is what an even grey picture gets, more or less, and 0.01 means that a
# tenth of the length is wrong. We measure the picture *as a file would keep it*, with 8 bits a colour (the exhibits
# are JPEG files, which changes them a little more), and with the network in full precision. A warning: these are the
# two errors that the right program makes small, so this measure favours it. It is an outsider only to the bugs:

# %%
from helpers.images import as_saved
from helpers.losses import content_loss, gram, style_loss

STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
CONTENT = "relu4_2"


def make_measure(photo, style, layers=STYLE):
    """Return a function: image -> the style error of each layer, the content error."""
    with torch.no_grad():
        style_targets = {layer: gram(f) for layer, f in vgg(style, layers).items()}  # (C, C) each
        content_target = vgg(photo, [CONTENT])[CONTENT]  # (1, 512, h, w)

    def measure(image):
        with torch.no_grad():
            features = vgg(as_saved(image), [*layers, CONTENT])
        style_errors = [style_loss(features[layer], style_targets[layer]).item() for layer in layers]
        return style_errors, content_loss(features[CONTENT], content_target).item()

    return measure


def compare(pictures, measure):
    """Print one line for each picture: its mean style error, those of the five layers, its content error."""
    for name, image in pictures.items():
        style_errors, content_error = measure(image)
        layers = "  ".join(f"{error:.3g}" for error in style_errors)
        print(f"{name:24} style {sum(style_errors) / 5:.3g} ({layers})   content {content_error:.3g}")


measure = make_measure(photo, style)
measure_museum = make_measure(museum_photo, museum_style)

# %% [markdown]
# And this is the right program, the loss of notebook 05 with a content weight of 0.08. Its parts can be exchanged,
# because that is how we will plant the bugs: `look` asks the network for features, and the layers have names. The
# painting itself is left to `optimise`, with L-BFGS (an optimiser that learns from its last gradients how the loss
# bends) and a pyramid. Notebooks [07](07_painting_with_lbfgs.ipynb) and [09](09_bigger_pictures.ipynb) explain the two,
# and `fast` lets the network compute in half precision if your processor has units for it.

# %%
from helpers.transfer import optimise

quick = fast(VGG())


def program(look=quick, style_layers=STYLE, content_layer=CONTENT):
    """Return a function: image -> loss. look(image, layers) -> {layer: features}."""
    with torch.no_grad():
        style_targets = {layer: gram(f) for layer, f in look(style, style_layers).items()}
        content_target = look(photo, [*style_layers, content_layer])[content_layer]

    def loss(image):
        features = look(image, [*style_layers, content_layer])
        errors = [style_loss(features[layer], style_targets[layer]) for layer in style_layers]
        return sum(errors) / len(errors) + 0.08 * content_loss(features[content_layer], content_target)

    return loss


def painted(loss):
    return as_saved(optimise(start, loss, evaluations, parametrize=pyramid).image)


right = painted(program())
compare({"the photo": photo, "the start": start, "painted by you": right}, measure)

# %% [markdown]
# The photo's style error is near 0.8, and after twenty evaluations yours is a small fraction of that. All following
# numbers of style are to be read against this last line. (In the brackets stand the five layers, from `relu1_1` to
# `relu5_1`.)
#
# ## Room 1 from the PyTorch tutorial
#
# *At home in
# [pytorch/tutorials, `advanced_source/neural_style_tutorial.py`](https://github.com/pytorch/tutorials/blob/main/advanced_source/neural_style_tutorial.py).*
#
# This program reads the style at five layers, as the paper does, and the content at one. One of the two pictures
# below was painted by it, the other by a program that follows
# [Gatys, Ecker and Bethge (2016)](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf).
# Pictures, start, weights and optimiser are the same:

# %%
def exhibit(name):
    return load(DATA / "results" / "12_museum" / f"{name}.jpg", None).to(vgg.device)


show([exhibit("names"), exhibit("right")], ["left", "right"], height=257,
     alt="Two paintings of the astronaut in stained glass: in the left one the face is clear and the wall is soft and "
     "greenish; in the right one wall and suit are broken into crisp panes, with a flower beside her head.")

# %% [markdown]
# **Your turn, before you run the next cell.** Which of the two has the bug, and what went wrong? Write down two
# guesses. Look at the wall behind her, and ask how large the largest form is that came from the window.
#
# <details><summary>Compare</summary>
#
# The left one. Its colours and its black lines are those of the window, but the panes of its wall are faint spots, and
# her suit is nearly one piece. In the right one, crisp panes go all over the wall and the suit, and beside her head
# there is even a flower, as in the window. Large forms are what deep layers see. So a good guess is that nobody asked
# the deep layers, and that is what happened.
#
# </details>
#
# The tutorial walks through VGG19, counts the convolutions that it meets, and calls them `conv_1`, `conv_2` and so on.
# Its style layers are `conv_1` to `conv_5`, and its content layer is `conv_4`. These look like the names in the paper,
# `conv1_1` to `conv5_1` and `conv4_2`. Let us count as the tutorial does:

# %%
# NBVAL_CHECK_OUTPUT
convolutions = [name for name in vgg.layers if name.startswith("conv")]
counted = {f"conv_{number}": name for number, name in enumerate(convolutions, start=1)}
for name in ("conv_1", "conv_2", "conv_3", "conv_4", "conv_5"):
    print(name, "of the tutorial is", counted[name], "of the paper")

# %% [markdown]
# The first five convolutions of the network all lie in its first three blocks. Blocks 4 and 5 are never asked for
# style, and the content is read in block 2, where features still follow every edge of the photo. [Issue
# 3732](https://github.com/pytorch/tutorials/issues/3732) of the tutorials says so, from somebody who wondered why the
# results were poorer than elsewhere. How much does it matter? We ask our measure:

# %%
# NBVAL_CHECK_OUTPUT
compare({"the right program": exhibit("right"), "conv_1 ... conv_5": exhibit("names")}, measure_museum)

# %% [markdown]
# Read the five numbers in the brackets. In the first four layers the bug is two to four times as wrong as the right
# program, and at `relu5_1` more than ten times. So the measure agrees with your eyes: the small marks have come, and
# the large forms have not. (The content error, measured at `relu4_2`, is the same for both. A content error above 1
# does not mean that she is gone. Grey has no features, so it is wrong by their whole length; a painting has strong
# features of its own in other places, and can be more wrong than that.)
#
# Is the left picture worse? That is for you to say. Two things can make her face clearer, the shallow style and a
# content layer that knows every edge, and we have not separated them. Many people would rather hang this one on a
# wall. What it is not is the picture that the paper describes, and somebody who wants large brushstrokes will turn
# every other knob in vain. Here is the bug on your own machine:

# %%
shallow = [counted[f"conv_{number}"] for number in range(1, 6)]
by_names = painted(program(quick, shallow, counted["conv_4"]))
compare({"painted by you": right, "with the bug": by_names}, measure)
show([by_names, right], ["with the bug", "the right program"], height=257,
     alt="Two small paintings of the astronaut: the left one is soft, with a clear face; the right one has crisp panes "
     "on the wall and on the suit.")

# %% [markdown]
# **The alarm** is a line that prints what a program really uses, in the paper's names:
# `print([name for name in vgg.layers if name in style_layers])`. In a program that only knows numbers, keep a list of
# names beside them. Print names, because nobody notices a wrong number.
#
# ## Room 2 from torchvision
#
# *At home in
# [pytorch/vision, `torchvision/models/vgg.py`](https://github.com/pytorch/vision/blob/main/torchvision/models/vgg.py),
# and visible in
# [Udacity's course](https://github.com/udacity/deep-learning-v2-pytorch/blob/master/style-transfer/Style_Transfer_Solution.ipynb),
# in [Dive into Deep Learning](https://d2l.ai/chapter_computer-vision/neural-style.html) and in
# [gordicaleksa's program](https://github.com/gordicaleksa/pytorch-neural-style-transfer/blob/master/models/definitions/vgg_nets.py).*
#
# Two friends ask for the same layers, `conv1_1` to `conv5_1` for the style and `conv4_2` for the content. They have the
# same network, the same loss, the same start. These are their paintings:

# %%
show([exhibit("conv"), exhibit("overwritten")], ["left", "right"], height=257,
     alt="Two paintings of the astronaut in glass that are much alike: the right one has somewhat stronger colours, and "
     "the leads are darker.")

# %% [markdown]
# **Your turn, before you run the next cell.** The two are not the same, although they should be. What could differ
# between the programs? Write down two guesses.
#
# <details><summary>Compare</summary>
#
# The layer names are the same, so something must differ between the names and the numbers. In one of the two programs a
# later layer has written over the features that were kept. You cannot know this from the pictures, and that is the
# lesson of this room. It takes a test of the features themselves.
#
# </details>
#
# A ReLU replaces negative numbers by zero. It can write its result into a new tensor, or, to save memory, [into the
# tensor that it was given](https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html). The second kind is
# called *in place*, and it is the kind in torchvision's VGG:

# %%
# NBVAL_CHECK_OUTPUT
from torch import nn

kept = torch.tensor([-1.0, 2.0, -3.0])
nn.ReLU(inplace=True)(kept)
print(kept.tolist())

# %% [markdown]
# We never wrote to `kept`, and its negative numbers are gone. Now put such ReLUs into the loop that these programs use.
# It walks down to the deepest layer that was asked for, and keeps what comes out of the layers on the list:

# %%
def overwritten(image, layers):
    """The loop of many programs, with a ReLU that works in place."""
    x = ((image - quick.mean) / quick.std).to(quick.dtype)
    names = list(quick.layers)
    deepest = max(names.index(layer) for layer in layers)
    features = {}
    for name in names[: deepest + 1]:
        layer = nn.ReLU(inplace=True) if name.startswith("relu") else quick.layers[name]
        x = layer(x)
        if name in layers:
            features[name] = x
    return features


# %% [markdown]
# **Your turn, before you run the next cell.** We ask for the five layers `conv1_1` to `conv5_1`, as *Dive into Deep
# Learning* does, and print the smallest number of each. Four of the five will behave in one way and the last one in
# another. Why the last?
#
# <details><summary>Compare</summary>
#
# The loop ends at `conv5_1`, because nobody asked for anything deeper. So no ReLU comes after it, and its negative
# numbers survive. The other four have been overwritten, and their smallest number is 0. (Udacity's loop walks on to the
# end of the network. There, all five are overwritten.)
#
# </details>

# %%
named = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
with torch.no_grad():
    asked = quick(photo, named)
    got = overwritten(photo, named)
for name in named:
    print(f"{name}: smallest number {asked[name].min().item():7.1f} as asked, {got[name].min().item():7.1f} as got")

# %% [markdown]
# So this program says conv and means relu, four times out of five. In the museum the left picture is what was asked
# for, and the right one is what one gets. Which is nearer to the window? Our measure reads relu layers, so it may
# favour the accident. To be fair we measure a second time, at the conv layers:

# %%
# NBVAL_CHECK_OUTPUT
friends = {"as asked, true conv": exhibit("conv"), "as got, overwritten": exhibit("overwritten")}
print("measured at relu1_1 ... relu5_1:")
compare(friends, measure_museum)
print("measured at conv1_1 ... conv5_1:")
compare(friends, make_measure(museum_photo, museum_style, named))

# %% [markdown]
# By the first measure the accident wins, and by the second it is a tie. Neither picture is wrong, then, and no eye
# would find this bug. The harm comes later: anyone who copies the layer names into a program whose ReLUs do not work in
# place gets a different loss, and wonders why. (PyTorch's tutorial gets this right. It replaces the ReLUs, with a
# comment that says why.)
#
# Sometimes PyTorch itself notices. To compute the gradient of a Gram matrix it needs the features once more, and if
# they have changed in the meantime, it refuses. [Issue 44 of
# neural-style-pt](https://github.com/ProGamerGov/neural-style-pt/issues/44) is about this message:

# %%
pixels = photo.clone().requires_grad_()
features = vgg.layers["conv1_1"](pixels)  # (1, 64, H, W)
G = gram(features)
nn.ReLU(inplace=True)(features)
try:
    G.sum().backward()
except RuntimeError as error:
    print(str(error).split(":")[0])

# %% [markdown]
# **The alarm:** a conv layer and the ReLU after it must not share their memory, `assert conv.data_ptr() !=
# relu.data_ptr()`. The cure is `nn.ReLU(inplace=False)`, or a `clone()` of what you keep.
#
# **Exercise 1 · diagnose** · ●●○ · 15 minutes. Somebody hands you a network as a function `look(image, layers)`,
# which returns `{layer: features}`. The network has the layers `conv1`, `relu1`, `conv2`, `relu2`, `conv3` and
# `relu3`, in this order. Return a list of those conv layers whose features are overwritten. Beware: an honest conv
# layer may happen to have no negative numbers, and some of the ReLUs may work in place and others not.


# %% tags=["spec"]
from torch import nn


class SmallNetwork:
    """Three convolutions, each with its ReLU; those of `in_place` overwrite."""

    def __init__(self, in_place, bias=0.0):
        self.in_place = in_place
        torch.manual_seed(1)
        self.layers = {}
        for number in (1, 2, 3):
            conv = nn.Conv2d(3, 3, 3, padding=1)
            nn.init.constant_(conv.bias, bias)
            self.layers[f"conv{number}"] = conv
            self.layers[f"relu{number}"] = nn.ReLU(inplace=number in in_place)

    @torch.no_grad()
    def __call__(self, image, layers):
        kept = {}
        x = image
        for name, layer in self.layers.items():
            x = layer(x)
            if name in layers:
                kept[name] = x
        return {name: kept[name] for name in layers}


def overwritten_fault(answer, look, image):
    expected = [f"conv{number}" for number in look.in_place]
    for name in expected:
        if name not in answer:
            return f"{name} is overwritten, and your list does not name it"
    for name in answer:
        if name not in expected:
            return f"{name} is not overwritten, and your list names it"
    return ""


# %% tags=["exercise"]
def my_overwritten(look, image):
    """look(image, layers) -> {layer: features}; returns the names of the overwritten conv layers."""
    # solution
    answer = []
    for number in (1, 2, 3):
        conv, relu = look(image, [f"conv{number}", f"relu{number}"]).values()
        if conv.data_ptr() == relu.data_ptr():
            answer.append(f"conv{number}")
    return answer


# %% tags=["check"]
from helpers.check import each, judge

networks = each(
    SmallNetwork([2]), SmallNetwork([]), SmallNetwork([1, 2, 3]), SmallNetwork([], bias=30.0), SmallNetwork([1, 3]),
    SmallNetwork([1, 3], bias=30.0)
)
judge(my_overwritten, overwritten_fault, networks, (1, 3, 8, 8));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Ask for a conv layer and its ReLU in one call. What would be the same for the two if the ReLU wrote over the conv?
# Equal numbers are not enough, because an honest conv with positive numbers alone equals its ReLU.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `features.data_ptr()` is the address of the first number in memory. Two tensors at one address are one tensor with two
# names.
#
# </details>
#
# <!-- solution: my_overwritten -->
#
# ## Room 3 from the PyTorch tutorial again
#
# *At home in the same
# [`neural_style_tutorial.py`](https://github.com/pytorch/tutorials/blob/main/advanced_source/neural_style_tutorial.py),
# in the function `run_style_transfer`; discussed in [issue 143](https://github.com/pytorch/tutorials/issues/143).*
#
# For this room we need pixels that want to leave the range from 0 to 1, so we paint a cup of coffee after a sheet of
# floating ink, which is nearly all black and white. One of these two was painted with a bug in the loop:

# %%
show([exhibit("clamp"), exhibit("fence")], ["left", "right"], height=257,
     alt="Two paintings of a cup and saucer in flowing lines of ink: the left one is pale and sprinkled with coloured "
     "dots, the right one has dark lines on white and brown.")

# %% [markdown]
# **Your turn, before you run the next cell.** Which one has the bug? Both programs have the same loss and the same
# number of evaluations, sixty. Write down two guesses what could differ.
#
# <details><summary>Compare</summary>
#
# The left one. It is pale, and dots of colour lie on it, so it looks as if somebody had taken it away from the painter
# too early. That is a good diagnosis. If the loss is the same, the bug must be in the *way* to the picture and not in
# its goal.
#
# </details>
#
# L-BFGS keeps for each step how far it went and how the gradient changed, because the quotient of the two tells how the
# loss bends. The tutorial clamps the pixels to the range from 0 to 1, which is a good idea, but it does so inside the
# *closure*, the function that L-BFGS calls to get the loss. The optimiser does not know that its pixels were moved. A
# toy with one pixel shows what follows. The loss is $(x - 1.5)^2$, whose curvature is 2 everywhere:

# %%
# NBVAL_CHECK_OUTPUT
x = torch.tensor([0.2], requires_grad=True)
optimiser = torch.optim.LBFGS([x], max_eval=2)
asked_for = []
looked_at = []
gradients = []


def closure():
    optimiser.zero_grad()
    asked_for.append(x.item())
    x.data.clamp_(0, 1)  # the bug: behind the optimiser's back
    looked_at.append(x.item())
    loss = (x - 1.5).square().sum()
    loss.backward()
    gradients.append(x.grad.item())
    return loss


optimiser.step(closure)
change = gradients[1] - gradients[0]
believed = change / (asked_for[1] - asked_for[0])
true = change / (looked_at[1] - looked_at[0])
print(f"asked for {asked_for[1]:.2f}, looked at {looked_at[1]:.2f}")
print(f"curvature that L-BFGS believes {believed:.2f}, true curvature {true:.2f}")

# %% [markdown]
# The optimiser asked for a step of 1 and got one of 0.8. The change of the gradient belongs to the short step, and it
# is divided by the long one, so the curvature comes out too small. In a painting, this happens to many pixels at once.
# How much harm does it do? We let PyTorch's L-BFGS paint three pairs from two starts each, at 112 pixels, and one pair
# at 256. One loop has the clamp inside the closure, and the other has a fence, which is a penalty on what lies outside.
# These runs take minutes, so they were made beforehand. We compare the losses of the pictures as saved, after sixty
# evaluations:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.images import read_settings

clamp = read_settings(DATA / "results" / "12_museum" / "clamp.jpg")
fence = read_settings(DATA / "results" / "12_museum" / "fence.jpg")
for run in clamp["runs"]:
    name = f"{run['photo']} after {run['style']}, {run['size']} px, start {run['seed']}"
    print(f"{name:48} clamp {run['clamp']:.3f}, fence {run['fence']:.3f}, ratio {run['clamp'] / run['fence']:.2f}")
print(f"{'the two pictures above':48} clamp {clamp['loss']:.3f}, fence {fence['loss']:.3f}, "
      f"ratio {clamp['loss'] / fence['loss']:.2f}")

# %% [markdown]
# Read the last column. In the six small runs, the clamp ends sometimes a little above and sometimes a little below the
# fence, and nobody could say which loop is better. In the three larger runs it ends above, by 6, by 27 and by 78 per
# cent. The same loop and the same pair, and only the start was a little different each time: with a wrong curvature,
# the next step is a gamble.
#
# That may be why the clamp could stay in a tutorial for years. Without a GPU the tutorial paints at 128 pixels,
# where one hardly notices. ([Notebook 07](07_painting_with_lbfgs.ipynb) looks at this bug more closely.)
#
# It has a twin, which is easier to catch. A program may never clamp at all, and cut the colours only when it shows or
# saves the picture, as Udacity's course does in its `im_convert`. Then the loss on the screen belongs to an image that
# no screen can show:

# %%
cup = load("coffee", 112).to(vgg.device)  # (1, 3, 75, 112)
ink = load("suminagashi", 140).to(vgg.device)
with torch.no_grad():
    ink_targets = {layer: gram(f) for layer, f in quick(ink, STYLE).items()}
    cup_target = quick(cup, [CONTENT])[CONTENT]


def ink_loss(image):
    features = quick(image, [*STYLE, CONTENT])
    errors = [style_loss(features[layer], ink_targets[layer]) for layer in STYLE]
    return sum(errors) / 5 + 0.1 * content_loss(features[CONTENT], cup_target)


# %%
free = cup.clone().requires_grad_()
optimiser = torch.optim.LBFGS([free], max_iter=40, max_eval=40)
on_the_screen = []


def closure():
    optimiser.zero_grad()
    loss = ink_loss(free)
    loss.backward()
    on_the_screen.append(loss.item())
    return loss


optimiser.step(closure)
with torch.no_grad():
    in_the_file = ink_loss(as_saved(free)).item()
outside = ((free < 0) | (free > 1)).float().mean().item()
print(f"loss on the screen {on_the_screen[-1]:.3f}, loss of the file {in_the_file:.3f}")
print(f"{outside:.0%} of the numbers lie outside 0 to 1")
assert in_the_file > on_the_screen[-1]

# %% [markdown]
# The optimiser used colours that are brighter than white and blacker than black, and the file cannot keep them. So the
# last loss that the loop reported was never true of any picture.
#
# **The alarm:** print `loss(as_saved(image))` beside the last loss of the loop. **The cure:** clamp between the steps
# of Adam, and give L-BFGS a fence.
#
# ## Room 4 from the first Keras example
#
# *At home in
# [keras-team/keras, `examples/neural_style_transfer.py`](https://github.com/keras-team/keras/commits/08d33e6639a35e7aa1380f0595e03482688f7460/examples/neural_style_transfer.py),
# as it was in 2016 ([issue 1891](https://github.com/keras-team/keras/issues/1891) quotes it;
# [issue 3340](https://github.com/keras-team/keras/issues/3340)); in a port of neural-style to PyTorch, as its author
# tells in [issue 450](https://github.com/jcjohnson/neural-style/issues/450); and in
# [gordicaleksa's `utils/utils.py`](https://github.com/gordicaleksa/pytorch-neural-style-transfer/blob/master/utils/utils.py).*
#
# A network expects its pixels in the form in which it was trained. For the VGG19 of the paper that is blue, green, red,
# from 0 to 255, minus the mean colour of the photos that it was trained with. All of this happens at the door of the
# network, in one line, and there are many ways to get this line wrong. Two programs went through wrong doors:

# %%
show([exhibit("columns"), exhibit("unscaled")], ["left", "right"], height=257,
     alt="Two paintings of the astronaut in panes of stained glass: the left one has a darker wall and clear eyes; in the "
     "right one a yellow flower sits on her nose.")

# %% [markdown]
# **Your turn, before you run the next cell.** One of the two has grown a flower on her nose. Of the two programs, one
# mixed up red and blue and forgot to subtract the mean, and the other fed pixels from 0 to 1 instead of 0 to 255. Which
# is which? And why do both pictures have the right colours?
#
# <details><summary>Compare</summary>
#
# The left one has red and blue exchanged. The colours are right because the mistake was made three times: photo, style
# and painting all went through the same wrong door. The network saw a blue suit in all three, and it never knew. The
# right one, with the flower, is the program with the small pixels.
#
# </details>
#
# Let us look at the first Keras example. It read a picture, brought the channels to the front, and subtracted the mean,
# like this:

# %%
# NBVAL_CHECK_OUTPUT
pixels = torch.full((3, 2, 5), 200.0)  # (channels, height, width): the channels are in front
for index, mean in enumerate((103.939, 116.779, 123.68)):
    pixels[:, :, index] -= mean
print(pixels[0])  # the first channel

# %% [markdown]
# The index stands in the last place, and the last place is the width. So three *columns* of pixels at the left edge
# lose a mean, and the rest of the picture keeps its own. The mean was meant for three *colours*. Red and blue were not
# exchanged, either, although this network wants blue first. (A reader noticed the columns in March 2016, and another
# one red and blue in July. In the code of today both are right.)
#
# Here are this door and that of the port, written for our network, which wants red first. (The port had not exchanged
# red and blue either. We leave that out, to change one thing at a time.) `vgg.features` takes pixels behind the door,
# and dividing by `255 * vgg.std` brings the old unit to ours:

# %%
def mean_in_columns(image, layers):
    """Red for blue, and the mean taken from three columns."""
    pixels = 255 * image
    for index, mean in enumerate((103.939, 116.779, 123.68)):
        column = torch.zeros_like(pixels)
        column[..., index] = mean
        pixels = pixels - column
    return quick.features(pixels.flip(1) / (255 * quick.std), layers)


def unscaled(image, layers):
    """Pixels from 0 to 1 where 0 to 255 is expected, and no mean taken off."""
    return quick.features(image / (255 * quick.std), layers)


# %%
# NBVAL_CHECK_OUTPUT
doors = {"the right door": "right", "red, blue and columns": "columns", "0 to 1, no mean": "unscaled"}
compare({name: exhibit(file) for name, file in doors.items()}, measure_museum)

# %% [markdown]
# Red, blue and columns did less harm than one would think. As long as all three pictures go through the same door,
# the network still compares like with like. It only sees a little less well, probably because its filters were made
# for other colours. That is how such a bug can live for months, and why the author of issue 3340 found that the
# results were "not so different".
#
# The other door grew a flower on her nose. Its content error is the largest, and rightly so. But did the program know?
# We ask each door how well each painting has kept the photo:

# %%
looks = {"the right door": quick, "0 to 1, no mean": unscaled}
for name, look in looks.items():
    with torch.no_grad():
        P = look(museum_photo, [CONTENT])[CONTENT]
        content_errors = []
        for file in ("right", "unscaled"):
            content_errors.append(content_loss(look(exhibit(file), [CONTENT])[CONTENT], P).item())
    print(f"{name:15}  the right painting {content_errors[0]:.2f}, the one with the flower {content_errors[1]:.2f}")
assert content_errors[1] < content_errors[0]

# %% [markdown]
# Through the right door, the flower is a disaster. Through its own door, the painting with the flower keeps the photo
# *better* than the right painting does. The optimiser did what it was told, and its loss was satisfied. This is why we
# measure from outside. Try a door yourself:

# %%
door = mean_in_columns  # or unscaled
through_the_door = painted(program(door))
compare({"painted by you": right, "through the wrong door": through_the_door}, measure)
show([through_the_door, right], ["through the wrong door", "the right program"], height=257,
     alt="Two small paintings of the astronaut in panes of glass, with much the same colours and other panes.")

# %% [markdown]
# The dangerous slip at the door is a quiet one: a factor. Gordicaleksa feeds 0 to 255, less the mean, to a network of
# torchvision that was trained with pixels divided by their spread, so with numbers 57.6 times as small. His code says
# that this "works much better", and [issue 1](https://github.com/gordicaleksa/pytorch-neural-style-transfer/issues/1)
# asks why. We can answer it. A ReLU and a max pooling hand on a factor as they get it, and so does a convolution, apart
# from its bias. So the features should be 57.6 times as large, and nothing else:

# %%
# NBVAL_CHECK_OUTPUT
factor = 255 * 0.226
once = vgg(photo, [*STYLE, CONTENT])
larger = vgg.features(factor * (photo - vgg.mean) / vgg.std, [*STYLE, CONTENT])
for layer in STYLE:
    gap = (larger[layer] / factor - once[layer]).norm() / once[layer].norm()
    print(f"{layer}: apart from the factor, the features differ by {gap:.2g} of their length")

content_growth = (larger[CONTENT].square().mean() / once[CONTENT].square().mean()).item()
gram_growth = gram(larger["relu4_1"]).square().mean() / gram(once["relu4_1"]).square().mean()
print(f"mean squares of features grow {content_growth:,.0f} times, of Gram matrices {gram_growth / 1e6:.1f} million times")
print(f"so style gains {gram_growth / content_growth:,.0f} times against content")

# %% [markdown]
# The features differ by one or two per cent, and that is the biases. But losses are squares. Content is a square of
# features and grows with the square of 57.6, style is a square of products of features and grows with the fourth
# power. Against content, style becomes more than three thousand times as strong. So most of what "works much better"
# is probably a larger style weight in disguise. The same holds for anybody who takes weights from a program for 0 to
# 255 to one for 0 to 1: style loses the same factor, and the picture stays a photo. With relative errors the factor
# cancels.
#
# **The alarm:** in our unit, the network's input has a mean near 0 and a spread near 1, for photo, style *and*
# painting. Assert it for all three. (It misses red and blue: for those, compare one fed picture with a reference.)
#
# **Exercise 2 · diagnose** · ●●○ · 15 minutes. You get a photo with values from 0 to 1, and what somebody fed to
# torchvision's network. The right door is `(photo - mean) / std`, with the numbers of ImageNet. Find out which door
# it was: `"right"`, `"255"` (255 times the right input), `"twice"` (the output of the right door went through it once
# more), `"bgr"` (red and blue exchanged, and then the right door) or `"no std"` (only the mean was subtracted).


# %% tags=["spec"]
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
DOORS = ["right", "255", "twice", "bgr", "no std"]


def through(door, photo):
    right = (photo - MEAN) / STD
    inputs = {
        "right": right,
        "255": 255 * right,
        "twice": (right - MEAN) / STD,
        "bgr": (photo.flip(1) - MEAN) / STD,
        "no std": photo - MEAN,
    }
    return inputs[door]


def door_fault(answer, photo, fed):
    if answer not in DOORS:
        return f"{answer!r} is none of {', '.join(DOORS)}"
    door = min(DOORS, key=lambda name: (through(name, photo) - fed).abs().max().item())
    return "" if answer == door else f"it was not the door {answer!r}"


# %% tags=["exercise"]
def my_door(photo, fed):
    """photo, fed: both (1, 3, H, W) -> the name of the door."""
    # solution
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    right = (photo - mean) / std
    candidates = {
        "right": right,
        "255": 255 * right,
        "twice": (right - mean) / std,
        "bgr": (photo.flip(1) - mean) / std,
        "no std": photo - mean,
    }
    for name, candidate in candidates.items():
        if torch.allclose(candidate, fed, atol=1e-3):
            return name
    return "right"


# %% tags=["check"]
from helpers.check import each, judge

dark = torch.rand(1, 3, 6, 9, generator=torch.Generator().manual_seed(2)) * 0.3
bright = 1 - torch.rand(1, 3, 5, 4, generator=torch.Generator().manual_seed(3)) * 0.2
photos = [dark] * 5 + [bright] * 5
judge(my_door, door_fault, each(*photos), each(*[through(d, p) for p, d in zip(photos, DOORS * 2, strict=True)]));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A rule such as "if the largest number is above 100" will fail for dark or bright photos. You have the photo, so you
# need no rule.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Compute all five inputs from the photo, and return the name of the one that `fed` equals, up to rounding
# (`torch.allclose`).
#
# </details>
#
# <!-- solution: my_door -->
#
# ## Room 5 from neural style
#
# *At home in the first versions of
# [jcjohnson/neural-style, `neural_style.lua`](https://github.com/jcjohnson/neural-style/blob/master/neural_style.lua)
# (repaired since; issues [89](https://github.com/jcjohnson/neural-style/issues/89),
# [53](https://github.com/jcjohnson/neural-style/issues/53) and
# [254](https://github.com/jcjohnson/neural-style/issues/254)). A relative is
# [issue 4 of Gatys's own notebook](https://github.com/leongatys/PytorchNeuralStyleTransfer/issues/4).*
#
# You start the program, go to make a cup of tea, and it has finished before you are out of the door. There is no error
# message. This is the photo, and this is the result:

# %%
show([museum_photo, exhibit("stopped")], ["the photo", "the result"], height=257,
     alt="Left, the photo of the astronaut; right, an even brownish grey rectangle and nothing else.")

# %% [markdown]
# **Your turn, before you run the next cell.** What went wrong? Write down two guesses, and for each of them the number
# that you would print to test it.
#
# <details><summary>Compare</summary>
#
# Good guesses are: the gradient is zero, the rate is too small, the picture was saved too early, the optimiser stopped.
# The numbers to print are the size of the gradient, the largest change of a pixel, and how often the loss was
# evaluated. The last one gives it away.
#
# </details>
#
# neural-style starts from noise, but the noise is tiny, a thousandth of a grey level, and so it looks like the mean
# colour. Its losses are computed for pixels from 0 to 256 and for features that are 58 times as large as ours. Here is
# its loss with its own weights, 5 and 100:

# %%
small_photo, small_style = load_pair(96)  # (1, 3, 66, 96), (1, 3, 120, 120)


def matrix(features):
    """neural-style's Gram matrix, divided by C N, of features that are 58 times as large."""
    return 58**2 * gram(features) / features.shape[1]


with torch.no_grad():
    matrices = {layer: matrix(f) for layer, f in vgg(small_style, STYLE).items()}
    small_content = 58 * vgg(small_photo, [CONTENT])[CONTENT]


def neural_style(pixels):
    """pixels: (1, 3, H, W) from 0 to 256, less the mean -> loss."""
    features = vgg(pixels / 256 + vgg.mean, [*STYLE, CONTENT])
    style = sum((matrix(features[layer]) - matrices[layer]).square().mean() for layer in STYLE)
    content = (58 * features[CONTENT] - small_content).square().mean()
    return 100 * style + 5 * content


# %% [markdown]
# We hand it to PyTorch's L-BFGS as it comes, with a thousand evaluations to spend:

# %%
def run_lbfgs(loss, image, most, **options):
    """Return the losses that L-BFGS sees, and the pixels at the end; at most `most` evaluations."""
    image = image.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([image], max_iter=most, max_eval=most, **options)
    losses = []

    def closure():
        optimiser.zero_grad()
        value = loss(image)
        value.backward()
        losses.append(value.item())
        return value

    optimiser.step(closure)
    return losses, image.detach()


generator = torch.Generator().manual_seed(0)
tiny_noise = (0.001 * torch.randn(small_photo.shape, generator=generator)).to(vgg.device)
losses, result = run_lbfgs(neural_style, tiny_noise, most=1000)
print(f"{len(losses)} evaluations; first loss {losses[0]:,.0f}, last loss {losses[-1]:,.0f}")
print(f"largest change of a pixel: {(result - tiny_noise).abs().max():.5f} of 256")

# %% [markdown]
# On our machine it evaluated the loss twice and stopped. The two losses are equal to the last digit, and so the optimiser
# concluded that there was nothing to gain. By default, PyTorch's L-BFGS [stops when the loss changes by less than
# 1e-9](https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html) (`tolerance_change`), and the one of the
# old Torch, which neural-style used, said "function value changing less than tolX". That is the title of issue 53.
#
# But why did the loss not change, although the image did? Two numbers tell:

# %%
pixels = tiny_noise.clone().requires_grad_()
neural_style(pixels).backward()
gradient = pixels.grad
expected_fall = gradient.square().sum() / gradient.abs().sum()  # of a step with absolute values that sum to 1
first_loss = torch.tensor(losses[0])
to_the_next = torch.nextafter(first_loss, torch.tensor(torch.inf)) - first_loss
print(f"by its slope, the first step should lower the loss by {expected_fall.item():,.0f}")
print(f"the float32 number next to the loss is {to_the_next.item():,.0f} away")

# %% [markdown]
# A number in float32 has about seven digits. A loss of more than three thousand million can only change in steps of
# 256, and the first step of L-BFGS, which is tiny (its absolute values add up to 1, over all pixels together), asks
# for about half of that. Every sum inside the network has been rounded as well, so a difference of this size drowns,
# and chance decides whether the optimiser sees it. With another seed it may be just large enough, and the same
# command runs for hours. That fits [issue 89](https://github.com/jcjohnson/neural-style/issues/89), where the same
# command worked when it was run again.
#
# neural-style has the cure in its code today, `tolX=-1, tolFun=-1`, which means never stop. The better cure is a
# unit: pixels from 0 to 1, and a loss near 1. The unit of the pixels makes the first step 256 times as long, and the
# unit of the loss is for the tolerances, which are absolute numbers. We give both cures sixteen evaluations:

# %%
without_tolerance, _ = run_lbfgs(neural_style, tiny_noise, 16, tolerance_change=-1, tolerance_grad=-1)


def near_one(image):
    return neural_style(256 * (image - vgg.mean)) / losses[0]


even = tiny_noise / 256 + vgg.mean
in_a_good_unit, _ = run_lbfgs(near_one, even, 16)
print(f"without tolerances: {len(without_tolerance)} evaluations, the loss falls to {without_tolerance[-1] / losses[0]:.3f} of its start")
print(f"in a good unit:     {len(in_a_good_unit)} evaluations, the loss falls to {in_a_good_unit[-1]:.3f} of its start")
assert len(in_a_good_unit) == 16

# %% [markdown]
# Both go on, and the second gets further. **The alarm:** count the evaluations, and compare the last picture with the
# first. `optimise` has no tolerances, and its history has the length that you asked for.
#
# ## Room 6 from the Keras example of today
#
# *At home in
# [keras-team/keras-io, `examples/generative/neural_style_transfer.py`](https://github.com/keras-team/keras-io/blob/master/examples/generative/neural_style_transfer.py),
# in the function `style_loss`; [pull request 6872](https://github.com/keras-team/keras/pull/6872) wanted to change
# it.*
#
# In the paper's equation 4, each layer's style error is divided by $4 C^2 N^2$, where $C$ is the number of channels
# of this layer and $N$ the number of its places. One of these two programs does so. The other uses one and the same
# count for all five layers. (Both style terms were scaled to 1 at the start, so that only the *shares* of the layers
# differ between the two.)

# %%
show([exhibit("keras"), exhibit("paper")], ["left", "right"], height=257,
     alt="Two paintings of the astronaut that can hardly be told apart, with pale blue panes on the wall and soft leads.")

# %% [markdown]
# **Your turn, before you run the next cell.** The wrong count multiplies the five layers by very different factors, and
# yet you see next to nothing. Write down two guesses why.
#
# <details><summary>Compare</summary>
#
# One layer may make up nearly all of the sum before *and* after the change. Or the five layers may want much the
# same, so that their shares hardly matter. The next cell prints the shares.
#
# </details>
#
# In Keras's code the count is called `channels = 3` and `size = img_nrows * img_ncols`. Three is the number of channels
# of an RGB picture, and it belongs to none of the layers. Let us see how the photo's style error is shared among the
# layers with either count:

# %%
# NBVAL_CHECK_OUTPUT
def shares(count):
    """Return each layer's share of the photo's style error; count(C, N) -> what F Fᵀ is divided by."""
    features = vgg(museum_photo, STYLE)
    targets = vgg(museum_style, STYLE)
    parts = []
    for layer in STYLE:
        _, C, h, w = features[layer].shape
        difference = (gram(features[layer]) - gram(targets[layer])) * h * w  # as many places for both
        parts.append(difference.square().sum() / (4 * count(C, h * w) ** 2))
    parts = torch.stack(parts)
    return parts / parts.sum()


def count_of_keras(C, N):
    return 3 * museum_photo.shape[2] * museum_photo.shape[3]


def count_of_the_paper(C, N):
    return C * N


for name, count in {"Keras": count_of_keras, "equation 4": count_of_the_paper}.items():
    print(f"{name:11}", "  ".join(f"{layer} {100 * share:.2g} %" for layer, share in zip(STYLE, shares(count), strict=True)))
compare({"Keras": exhibit("keras"), "equation 4": exhibit("paper"), "the right program": exhibit("right")}, measure_museum)

# %% [markdown]
# Under both counts `relu4_1` holds more than nine tenths, because its features are the largest in this network. The
# wrong count takes a little from it, and gives it to the layers before. So by our measure, the bug paints no worse
# than equation 4. (The two numbers are too close for more: each is from a single run.) A contributor who tried the
# pull request "couldn't detect much of a change". It was closed, and a follow-up changed the network, the content
# layer and the start, but not the count.
#
# It still matters, for two reasons. Whoever translates Keras's weights, as we did in notebook 05, must know the
# count. And both pictures have only a part of the style. They are paler than the window, because `relu1_1`, the layer
# nearest to the colours, has no voice under either count, and neither has `relu5_1`. (You may like her face better
# here, and that is no contradiction.) The last line shows what relative errors do, which divide each layer by its own
# size: each of the five layers counts, and the style error is several times as small. (That is the measure which this
# program makes small, so it should win here.)
#
# One more word about counts. PyTorch's tutorial says that the Gram matrix must be divided "by the total number of
# elements in the matrix", and this has been called a bug. It is not. The matrix of that sentence is $\hat F$, which the
# tutorial defines just before as $K$ by $N$, and its code divides by exactly that. The trap is for readers in a hurry,
# who think of the Gram matrix and divide by $K^2$.
#
# **Exercise 3 · predict** · ●●○ · 10 minutes. By what factor does Keras's count change each layer's style error, compared with
# equation 4? Return five numbers, for `relu1_1` to `relu5_1`, whose channels are 64, 128, 256, 512, 512. Take a picture
# of 512 × 256 pixels, and remember that height and width are halved between one block and the next.


# %% tags=["spec", "folded"]
def factors_of_keras():
    factors = []
    height, width = 256, 512
    for C in (64, 128, 256, 512, 512):
        ours = 4 * C**2 * (height * width) ** 2
        theirs = 4 * 3**2 * (256 * 512) ** 2
        factors.append(ours / theirs)
        height //= 2
        width //= 2
    return factors


# %% tags=["exercise"]
def my_factors():
    """Return five factors: Keras's style error of a layer, divided by that of equation 4."""
    # solution
    return [(C / (3 * 4**block)) ** 2 for block, C in enumerate((64, 128, 256, 512, 512))]


# %% tags=["check"]
from helpers.check import check

check(my_factors, factors_of_keras);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Keras divides by $4 \cdot 3^2 \cdot (HW)^2$ where equation 4 divides by $4 C^2 N^2$. Which of the two is smaller at
# `relu1_1`, and does a smaller divisor make the error larger or smaller?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# At block $b$ there are $N = HW / 4^{b-1}$ places. The factor is $(C N)^2 / (3 HW)^2$, and $HW$ cancels.
#
# </details>
#
# <!-- solution: my_factors -->
#
# **Exercise 4 · diagnose** · ●●○ · 10 minutes. This function should return $F F^\top / N$ for a batch of features,
# (n, C, h, w). It runs, and it returns matrices of the right shape, but there are two bugs in it. Find both, and
# repair it without a loop:
#
# ```python
# def broken(features):
#     n, C, h, w = features.shape
#     F = features.reshape(n, h * w, C)
#     return F.transpose(1, 2) @ F / (C * C)
# ```


# %% tags=["spec"]
def gram_of_each(features):
    matrices = []
    for single in features:
        rows = [channel.flatten() for channel in single]
        matrix = [[(a * b).mean() for b in rows] for a in rows]
        matrices.append(torch.tensor(matrix))
    return torch.stack(matrices)


# %% tags=["exercise"]
def my_gram(features):
    """Features (n, C, h, w) -> (n, C, C), divided by h w, without a loop."""
    # solution
    F = features.flatten(2)
    return F @ F.transpose(1, 2) / F.shape[2]


# %% tags=["check"]
from helpers.check import check, each

check(my_gram, gram_of_each, each((2, 3, 4, 5), (1, 4, 4, 4), (3, 2, 1, 7)), without=("loops",));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# One bug is of the kind of Room 6. For the other, make features whose channels are full of 0, of 1 and of 2, and print
# `F`. Does a column hold one channel?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `reshape` reads the numbers in the order in which they lie in memory, channel after channel. So flatten height and
# width first, and only then transpose.
#
# </details>
#
# <!-- solution: my_gram -->
#
# And now the six pictures from the beginning. Was your guess right?
#
# <details><summary>The answer</summary>
#
# E is the right one. A is Room 6 (Keras's count), B is the wrong door of the first Keras example, C is the tutorial's
# layers, D is the overwritten features, and F is the door for pixels from 0 to 1.
#
# </details>
#
# ## The symptom finder
#
# Here is the part for your own programs. Look for what you see in the first column, and follow the link. Each entry
# has a cell of a few seconds that fails or shows the reason, the cause, the cure, and an alarm. In brackets stands a
# thread where somebody met the same.
#
# | what you see | what it often is | where |
# |---|---|---|
# | an even grey picture | steps in another unit than the pixels; an early stop | [grey](#Grey), [Room 5](#Room-5-from-neural-style) |
# | NaN | a square root at zero | [NaN](#NaN) |
# | coloured dots | noise that nobody forbids | [dots](#Dots) |
# | a fine grid | an enlargement that counts some pixels twice | [grid](#Grid) |
# | a ruined face | too few features on the face | [ruined face](#Ruined-face) |
# | glaring colours | photo and painting went through two doors | [glaring colours](#Glaring-colours) |
# | no style, only the photo | weights from a program with another unit | [no style](#No-style), [Room 4](#Room-4-from-the-first-Keras-example) |
# | it stops after a step or two | tolerances and units | [stops](#Stops-after-two-steps), [Room 5](#Room-5-from-neural-style) |
# | out of memory | the wrong product, or too many pixels | [memory](#Out-of-memory) |
# | "backward through the graph a second time" | targets that carry a gradient | [targets](#Backward-a-second-time) |
# | it differs from the paper | layers, pooling, or the network's scale | [paper](#Differs-from-the-paper), [Room 1](#Room-1-from-the-PyTorch-tutorial), [Room 2](#Room-2-from-torchvision) |
# | it differs every time | a seed, or the order of a sum | [every time](#Differs-every-time) |
# | the file is duller than the last loss | measured before it was saved | [Room 3](#Room-3-from-the-PyTorch-tutorial-again) |
#
# ### Grey
#
# Adam moves a pixel by about its learning rate in each step, whatever the loss is. Here the pixels go from 0 to 255,
# and the rate is that of a program for 0 to 1:

# %%
# NBVAL_CHECK_OUTPUT
wanted = 255 * load("astronaut", 64)  # (1, 3, 64, 64)
pixels = torch.full_like(wanted, 128.0).requires_grad_()
optimiser = torch.optim.Adam([pixels], lr=0.02)
for _ in range(100):
    optimiser.zero_grad()
    (pixels - wanted).square().mean().backward()
    optimiser.step()
moved = (pixels - 128).abs().max().item()
print(f"after 100 steps no pixel has moved by more than {moved:.2f} of 255")

# %% [markdown]
# **Cause:** 100 steps of 0.02 are 2 grey levels. **Cure:** a rate in the unit of the pixels, such as 0.02 for 0 to 1 or
# 5 for 0 to 255. **Alarm:** print how far the farthest pixel has moved.
#
# ### NaN
#
# Some statistics of style contain a standard deviation. Here are two channels, and the first is silent everywhere
# ([neural-style 423](https://github.com/jcjohnson/neural-style/issues/423), [fast-style-transfer
# 40](https://github.com/lengstrom/fast-style-transfer/issues/40)):

# %%
# NBVAL_CHECK_OUTPUT
features = torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 6.0]], requires_grad=True)  # (C, N) = (2, 3)
features.var(dim=1).sqrt().sum().backward()
print(features.grad)

# %% [markdown]
# **Cause:** the slope of a square root at zero is infinite, and infinity times zero is no number. The forward pass
# looks harmless. **Cure:** `(variance + 1e-5).sqrt()`. **Alarm:** `assert image.grad.isfinite().all()` after the first
# step.
#
# ### Dots
#
# The start was noise, and dots of colour stay in the picture. Here are two paintings from the same noise:

# %%
from helpers.images import noise
from helpers.losses import total_variation

with torch.no_grad():
    small_targets = {layer: gram(f) for layer, f in quick(small_style, STYLE).items()}
    small_features = quick(small_photo, [CONTENT])[CONTENT]


def small_loss(image):
    features = quick(image, [*STYLE, CONTENT])
    errors = [style_loss(features[layer], small_targets[layer]) for layer in STYLE]
    return sum(errors) / 5 + 0.1 * content_loss(features[CONTENT], small_features)


dotted = optimise(noise(small_photo, seed=0), small_loss, 25).image
smooth = optimise(noise(small_photo, seed=0), lambda image: small_loss(image) + 2 * total_variation(image), 25).image
show([dotted, smooth], [f"total variation {total_variation(image):.4f}" for image in (dotted, smooth)], height=257,
     alt="Two paintings from noise: the left one is covered with dots of every colour, the right one has soft round "
     "panes and no dots; the photo is not yet to be seen in either.")

# %% [markdown]
# Both are unfinished after 25 evaluations, so look at the dots only. **Cause:** neither content nor style objects
# much to single pixels, as notebook 05 shows. **Cure:** start from the photo, or add total variation, or take more
# evaluations. **Alarm:** print the total variation of painting and style side by side.
#
# ### Grid
#
# A fine regular grid mostly comes from a network that *enlarges*, as in programs that train a network to paint in one
# go. (In a painting by our method, look for the blocks of a JPEG file first, 8 pixels wide.) Here a transposed
# convolution with a kernel of 3 enlarges an even area twofold:

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import conv_transpose2d

even = torch.ones(1, 1, 4, 4)
print(conv_transpose2d(even, torch.ones(1, 1, 3, 3), stride=2)[0, 0, 1:6, 1:6])
print(conv_transpose2d(even, torch.ones(1, 1, 4, 4), stride=2)[0, 0, 2:7, 2:7])

# %% [markdown]
# **Cause:** 3 is not a multiple of 2, so some pixels get one contribution and others two or four ([Odena, Dumoulin and
# Olah 2016](https://distill.pub/2016/deconv-checkerboard/)). **Cure:** a kernel of 4, as in the second table, or
# enlarge first and then use an ordinary convolution. **Alarm:** feed an even picture and look for a pattern.
#
# ### Ruined face
#
# The face is the part that everybody looks at, and it is small ([neural-style
# 380](https://github.com/jcjohnson/neural-style/issues/380)). Here it is in the photo, in your small painting and in
# the larger one of the museum:

# %%
def face(image):
    """Cut out the face: a tenth to a half of the height, a third to a half of the width."""
    _, _, height, width = image.shape
    return image[..., int(0.08 * height) : int(0.5 * height), int(0.31 * width) : int(0.54 * width)]


for pixels in (size, museum_size, 1024):
    print(f"{pixels} px: the face has {pixels * 0.23 / 8:.0f} x {pixels * 0.29 / 8:.0f} places at {CONTENT}")
tiles = [face(museum_photo), face(right), face(exhibit("right"))]
show(tiles, ["the photo", f"{size} px", f"{museum_size} px"], height=300,
     alt="Three faces: the photo; a blurred face of a few panes, with panes for eyes; and a sharper face of panes, in "
     "which eyes, nose and mouth can be told apart.")

# %% [markdown]
# **Cause:** `relu4_2` has one place for 8 × 8 pixels, and at the small size six places across have to hold two eyes
# and a nose, which is one cause. **Cure:** a larger picture, a larger content weight, or a content weight that is
# larger on the face. **Alarm:** divide the width of what you care about by 8.
#
# ### Glaring colours
#
# Targets and painting were prepared by two pieces of code, and only one of them divides by the spread. We compare the
# Gram matrices of one and the same style through both doors:

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    divided = vgg(small_style, STYLE)
    not_divided = vgg.features(small_style - vgg.mean, STYLE)
for layer in STYLE:
    share = gram(not_divided[layer]).norm() / gram(divided[layer]).norm()
    print(f"{layer}: the Gram matrix is {share:.3f} times as large")

# %% [markdown]
# **Cause:** a painting that goes in without the division has Gram matrices about twenty times too small. To reach its
# targets, it needs a much larger contrast than the style has. **Cure:** one function for all three pictures.
# **Alarm:** the style error of the style image itself must be 0.
#
# ### No style
#
# You copied the weights 5 and 100 from neural-style, and the picture stays a photo. Notebook 05 translates weights into
# our content weight α. Here is what these two amount to in a program for 0 to 256, and in one whose pixels are divided
# by their spread:

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    P = vgg(small_photo, [CONTENT])[CONTENT]
    style_features = vgg(small_style, STYLE)
for gain in (58, 1):
    content_score = 5 * (gain * P).square().mean()
    style_score = 0.0
    for F in style_features.values():
        style_score = style_score + 100 * (gain**2 * gram(F) / F.shape[1]).square().mean()
    print(f"features {gain:2} times as large: alpha = {content_score / style_score:.3g}")

# %% [markdown]
# **Cause:** the factor of Room 4. An α far above 1 asks for the photo. **Cure:** multiply the style weight by the
# ratio of the two printed numbers, about 3,400, or take relative errors and start with 0.03. **Alarm:** print both
# terms at an even grey picture, and divide.
#
# ### Stops after two steps
#
# A loss in a small unit stops just as early as one in a large unit does. The loss is $(x - 3)^2$, times a unit
# ([neural-style 53](https://github.com/jcjohnson/neural-style/issues/53)):

# %%
# NBVAL_CHECK_OUTPUT
for unit in (1.0, 1e-4, 1e-8):
    losses, x = run_lbfgs(lambda x, unit=unit: unit * (x - 3).square().sum(), torch.zeros(1), most=500)
    print(f"unit {unit:g}: {len(losses)} evaluations, stopped at x = {x.item():.3f}")

# %% [markdown]
# In a good unit three evaluations are enough. With 1e-4 it crawls, and with 1e-8 it evaluates the loss once and stops.
#
# **Cause:** PyTorch stops when the largest entry of the gradient is below 1e-7 or the loss changes by less than 1e-9,
# and it does not learn from a step whose product with the change of the gradient is below 1e-10. All three have the
# unit of your loss. **Cure:** a loss near 1. (If it is always twenty evaluations, nothing is wrong: by default one
# `step` of L-BFGS makes up to 20 steps inside.) **Alarm:** count the evaluations, and divide the last loss by the
# first.
#
# ### Out of memory
#
# Before you buy a GPU, forecast. The features of one trip through VGG19 are the largest part, and notebook 09 counts
# them. There is also one wrong product that soon fills any machine, $F^\top F$ instead of $F F^\top$:

# %%
# NBVAL_CHECK_OUTPUT
for pixels in (256, 512, 1024):
    places = pixels * pixels
    kept = 4 * 3 * places  # bytes of the image
    for channels, convolutions in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1)):
        kept += 4 * convolutions * channels * places  # what each ReLU hands out
        places //= 4
        if convolutions > 1:
            kept += (4 + 8) * channels * places  # what a pooling hands out, and where the largest was
    wrong_product = 4 * (pixels * pixels) ** 2  # bytes
    print(f"{pixels:4} px: features {kept / 1e9:.2f} GB, F Fᵀ at relu1_1 {4 * 64**2 / 1e6:.3f} MB, "
          f"Fᵀ F at relu1_1 {wrong_product / 1e9:,.0f} GB")

# %% [markdown]
# **Cause:** $F^\top F$ compares every place with every place. **Cure:** `F @ F.T` with channels as rows. For the
# features: half precision, checkpoints or tiles ([notebook 09](09_bigger_pictures.ipynb)). **Alarm:** `assert G.shape
# == (C, C)`.
#
# ### Backward a second time
#
# The weights of torchvision's networks want gradients unless they are told otherwise, and a target that is computed
# from them drags its whole history along:

# %%
layer = nn.Conv2d(3, 4, 3)  # its weights want gradients
target = gram(layer(small_photo.cpu()))  # the bug: no torch.no_grad() around this line
image = small_photo.cpu().clone().requires_grad_()
for step in (1, 2):
    try:
        style_loss(layer(image), target).backward()
        print("step", step, "runs")
    except RuntimeError as error:
        print("step", step, "raises:", str(error).split("(")[0])

# %% [markdown]
# **Cause:** after the first step PyTorch has thrown away what it needs to walk back into the target. **Cure:** compute
# targets once, under `torch.no_grad()` or with `detach()`. The popular cure, `retain_graph=True`, only silences the
# message, and every step walks through the style as well. **Alarm:** `assert not target.requires_grad`.
#
# ### Differs from the paper
#
# You have the paper's layers, weights and equation 4, and still other pictures. Here is each layer's share of
# equation 4, in the network as it was published, and in the one that the authors used, whose channels are scaled to a
# mean of 1 ([Gatys's notebook, 12](https://github.com/leongatys/PytorchNeuralStyleTransfer/issues/12)):

# %%
# NBVAL_CHECK_OUTPUT
for name, network in {"as published": vgg, "normalised": VGG(normalised=True)}.items():
    photo_features = network(small_photo, STYLE)
    style_features = network(small_style, STYLE)
    parts = []
    for layer in STYLE:
        difference = gram(photo_features[layer]) - gram(style_features[layer])
        parts.append((difference.square().sum() / (4 * len(difference) ** 2)).item())
    print(f"{name:12}", "  ".join(f"{layer} {100 * part / sum(parts):.2g} %" for layer, part in zip(STYLE, parts, strict=True)))

# %% [markdown]
# In the first network one layer decides everything, and in the second all five have a share.
#
# **Cause:** equal weights assume the scaled network. (Other usual suspects are max pooling for average pooling, conv
# for relu, another size, and another start.) **Cure:** `VGG(normalised=True, pool="avg")`, or relative errors.
# **Alarm:** print the five shares at the start.
#
# ### Differs every time
#
# Two runs of the same program, and two pictures ([neural-style
# 171](https://github.com/jcjohnson/neural-style/issues/171),
# [275](https://github.com/jcjohnson/neural-style/issues/275)). Two causes, in two lines each:

# %%
# NBVAL_CHECK_OUTPUT
without_a_seed = (torch.randn(4) - torch.randn(4)).abs().max().item()
print("two starts without a seed are", "alike" if without_a_seed == 0 else "different")
first = torch.randn(4, generator=torch.Generator().manual_seed(0))
second = torch.randn(4, generator=torch.Generator().manual_seed(0))
print(f"two starts with one seed differ by {(first - second).abs().max().item():.0f}")

numbers = [1e8, 1.0, -1e8]
forwards = sum(torch.tensor(numbers)).item()
backwards = sum(torch.tensor([1e8, -1e8, 1.0])).item()
print(f"the same three numbers add up to {forwards:.0f} in one order and to {backwards:.0f} in another")

# %% [markdown]
# **Cause:** a start without a seed, which the second line repairs. Or sums whose order depends on the number of threads or on the GPU; the third line shows why that matters, and L-BFGS magnifies it from step to step. **Cure:** a
# generator with a seed for the start. For the rest, [PyTorch's page on
# reproducibility](https://docs.pytorch.org/docs/stable/notes/randomness.html), and patience. **Alarm:** run twice, and
# compare the first five losses, not the last.
#
# **Exercise 5 · make a picture** · ●●○ · 15 minutes. Breed a bug. Change one thing in the cell below, so that nothing
# raises an error: a layer, a door, a square that becomes an absolute value, a target that is computed from the wrong
# picture. Paint, measure, and show the picture to a friend, who has two guesses. It counts double if your friend
# likes the picture better than the right one.

# %% tags=["painting"]
def my_look(image, layers):
    return quick(image.flip(3), layers)  # the bug: the network sees a mirror image


bred = painted(program(my_look))
compare({"the right program": right, "my bug": bred}, measure)
show([bred, right], ["my bug", "the right program"], height=257,
     alt="Two small paintings of the astronaut in panes of glass that look equally good and differ in where the panes lie.")

# %% [markdown]
# <details><summary>What to look for</summary>
#
# The mirror does no harm that one could see, because photo, style and painting are all mirrored, as at the doors of
# Room 4. Our measure, which knows no mirror, finds it a little worse. (Does VGG19 treat left and right alike?) A bug
# that is made everywhere in the same way is hard to see. One that is made in one place only is easy: give `program` the
# mirror for the targets, and not for the painting, and she will look the other way.
#
# </details>
#
# ## What to remember
#
# - A falling loss proves nothing about a program, because a wrong program computes a wrong loss. Measure from outside.
# - Five of our six bugs make a picture that one might hang on a wall. Only the early stop and the flower would make everybody look twice.
# - Bugs hide in names, in counts, in units and behind the optimiser's back. A mistake that is made for photo, style and painting alike is the hardest to see.
# - Keep pixels from 0 to 1 and the loss near 1, because the first step of L-BFGS is measured in pixels and its tolerances in the loss.
# - Every bug has an alarm of one line. Write it while you still remember the bug.
#
# ## Three questions
#
# Answer each in your own words before you unfold it.
#
# 1. A friend shows you two paintings, "before and after my bug fix", and the second has the lower loss. What do you ask her?
#
# <details><summary>Answer</summary>
#
# Which loss. If the fix changed the loss itself, the two numbers cannot be compared. She should measure both
# pictures, as saved, with one and the same measure, and best with one that neither program makes small itself.
#
# </details>
#
# 2. Why does the wrong order of red and blue do so little harm to a painting, although it would ruin a classification?
#
# <details><summary>Answer</summary>
#
# The network looks at the photo, at the style and at the painting through the same door, and only differences between
# them enter the loss. A classifier compares the picture with what it saw in training, and that was in the right order.
#
# </details>
#
# 3. Your loss starts at 2,000,000,000 and L-BFGS stops at once. Somebody advises you to divide the loss by a thousand million million. What happens?
#
# <details><summary>Answer</summary>
#
# It stops at once again, and for the opposite reason. Now the gradient and the changes of the loss are below the
# tolerances. Bring the pixels to 0 to 1, and then divide by the first loss, so that it starts at 1.
#
# </details>
#
# ## On your own
#
# - Exchange red and blue for the painting only, and not for the targets. Which colours do you expect in the picture? Measure them.
# - Set `size` to 320 and `evaluations` to 45 and paint Room 1 again. Do you get the museum's picture to the last pixel? If not, see
#   [differs every time](#Differs-every-time).
# - Take a program from the web that you like, and write down its layers, its door, its counts and its stop. How many rooms does it visit?
#
# **In practice.** The helpers of this series rule most of these bugs out. `VGG` has one door and layers with names, its
# ReLUs do not work in place, the errors are relative, and `optimise` has a fence and no tolerances. Copy the alarms
# into programs that do not use them.
#
# **Further reading.** [Issue 3732 of PyTorch's tutorials](https://github.com/pytorch/tutorials/issues/3732): how a user
# found the layers of Room 1. [Issue 93 of neural-style](https://github.com/jcjohnson/neural-style/issues/93): conv or
# relu, the story of Room 2. PyTorch's notes on [in-place
# operations](https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd) and on
# [numerical accuracy](https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html): Rooms 2 and 5 from the other
# side. [Odena, Dumoulin and Olah (2016)](https://distill.pub/2016/deconv-checkerboard/): where grids come from.
#
# <!-- bottom -->
