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
# # Paint bigger pictures
#
# > **The question** A painting that looks splendid at 256 pixels often falls apart at 1,024. What gets lost, and how can you paint large on a laptop all the same?
# > **You will make** a painting of 1,024 pixels that grows from 256 while you watch, a forecast, right to the last byte, of what the network keeps for one evaluation, and a gradient that is computed in tiles without a seam.
# > **You need** the total loss of [notebook 05](05_the_total_loss.ipynb), and `optimise`, which runs the L-BFGS of [notebook 07](07_painting_with_lbfgs.ipynb); we repeat each in a sentence. The symbols are in the [table of notation](00_start_here.ipynb#Notation).
# > **Time** about 75 minutes to read and run, and 70 minutes for the exercises; the computing in it takes about two minutes on a laptop

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Here is a photo of some hikers on a dune, painted after *The Great Wave* by Katsushika Hokusai. The painting is 2,048
# pixels wide and 1,366 high, nearly three million pixels, and you are looking at it at less than half its size:

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "09_large.jpg", 800),
     alt="A sand dune painted like a woodblock print: great waves with dark blue stripes rise at the left "
     "and right, a blurred signature box stands in the beige sky, and hikers walk on the crest of a wave.")

# %% [markdown]
# The photo has nothing but a clear sky above its dune. In the painting, waves rise in two of the sky's corners, white
# spray flies beside the left one, and the box in the middle is the ghost of Hokusai's signature: to the network that
# is style, too. A large painting has to pass two tests, because people look at it twice. From afar it needs large
# forms, and from close up it needs clean strokes. It is surprisingly easy to fail both, and this notebook is about
# the reasons. (`python -m tools.pictures.results 09_large` paints this one again, in about ten minutes. At the end
# you will see a piece of it in full size.)
#
# The sizes and the work are here, so that you can change them. One **evaluation** is one trip through the network and
# back; it says how wrong an image is, and in which direction each pixel should move:

# %% tags=["settings"]
plan = [(256, 40), (512, 12), (1024, 9)]  # pixels of the long side, evaluations
style_scale = 1.25  # the style image is a quarter larger than the painting

# %% [markdown]
# ## What can one number see?
#
# A painting is made by asking a network, VGG19, whether the image has the right features. Features are the numbers that
# its layers compute, and each of them depends on a small square of the image and on nothing else. That square is called
# the **receptive field**. If a form is larger than the square, the feature sees only a part of it.
#
# How large is the square? [Notebook 01](01_inside_vgg19.ipynb) counted it, and two rules are enough. A convolution looks
# at the neighbours on both sides, so it adds two steps to the width. A pooling takes pairs, so it adds one step; and from
# there on neighbours lie twice as far apart, so all later steps count double.
#
# Try it in your head for the first layers. One pixel has the width 1. Two convolutions make it 3 and then 5, the pooling
# makes it 6, and now a step is 2 pixels long, so the next convolution adds 4 and makes it 10. The rest is bookkeeping:

# %%
# NBVAL_CHECK_OUTPUT
import torch

from helpers.vgg import VGG

vgg = VGG()
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
fields = {}
width = 1
step = 1
for layer in vgg.layers:  # conv1_1, relu1_1, conv1_2, ..., in the order of the network
    if layer.startswith("conv"):
        width = width + 2 * step
    if layer.startswith("pool"):
        width = width + step
        step = 2 * step
    fields[layer] = width
print({layer: fields[layer] for layer in layers})

# %% [markdown]
# These are the five layers that see style. The deepest, `relu5_1`, looks through a window of 156 pixels. Notice what is
# missing from the calculation: the size of the picture does not occur in it.
#
# Counting can go wrong, so let us ask the network itself. We compute one feature in the middle of a noise image, and
# then its gradient, which says how much the feature would change if a pixel changed. Where the gradient is zero, the
# feature does not look. (Max pooling passes the gradient to only one pixel of every four, so we ask a copy of the
# network with average pooling, which lets us see the whole window.)

# %%
# NBVAL_CHECK_OUTPUT
from helpers.images import noise

average = VGG(pool="avg", device=vgg.device)
for layer in layers:
    image = noise(torch.empty(1, 3, 192, 192)).to(vgg.device).requires_grad_()
    features = average(image, [layer])[layer]  # (1, C, h, w)
    middle = features[0, :, features.shape[2] // 2, features.shape[3] // 2]  # (C,)
    middle.sum().backward()
    columns = image.grad[0].abs().sum((0, 1)).nonzero()  # where any pixel of a column counts
    print(f"{layer} sees {columns.max() - columns.min() + 1} columns of pixels")

# %% [markdown]
# The network agrees. Now look through that window yourself. Below is the crest of Hokusai's wave, three times. Each piece
# is 156 by 156 pixels, as much as `relu5_1` can see, but it was cut from the print at three sizes. The wave takes about
# half the width of the print.
#
# **Your turn, before you run the next cell.** The print is loaded with 320, 640 and 1,280 pixels on its long side. In
# which of the three can `relu5_1` see the wave as a wave? And what, do you think, will a network ask for that sees only the
# third piece?
#
# <details><summary>Compare</summary>
#
# At 320 pixels the wave is about 160 wide, so the window holds nearly all of it. At 640 it holds the foam of the crest and
# the stripes under it, and at 1,280 a few stripes with white dots. A network that sees only stripes and dots can ask for
# stripes and dots, one beside the other, and it has no way to ask for the great curve that they belong to.
#
# </details>

# %%
window = fields["relu5_1"]
pieces = []
for side in (320, 640, 1280):
    hokusai = load("hokusai_great_wave", side)  # (1, 3, height, side)
    top = int(0.33 * hokusai.shape[2]) - window // 2
    left = int(0.37 * side) - window // 2
    pieces.append(hokusai[..., max(0, top) : max(0, top) + window, left : left + window])
show(pieces, ["of a print of 320 px", "of 640 px", "of 1,280 px"], height=300,
     alt="Three square pieces of Hokusai's print: the whole crest of the great wave, then claws of foam "
     "over dark blue stripes, then a few wide stripes with white dots.")

# %% [markdown]
# So this is the first thing that a large painting loses. Paint at 1,024 pixels with a print of 1,280, and every layer
# looks at the print through the third window. Nothing in the loss knows that these stripes belong to a wave.
#
# ## Three causes, taken apart
#
# It is easy to blame the wrong thing here. When somebody paints a larger picture, three things usually change at once:
# the size of the painting, the size of the style image, and the number of evaluations that patience allows. To find out
# which of them does what, we change one at a time.
#
# Eight dunes were painted for that. The painting is 256 or 512 pixels wide, the style image is 160 or 640, and the
# optimiser had 10 or 40 evaluations. Everything else is the same, the total loss of notebook 05 and a start from the
# photo in Hokusai's colours. (That takes a few minutes, so they are stored; `python -m
# tools.pictures.results 09_three_causes` paints them again.)
#
# **Your turn, before you run the next cell.** Below are the four with 40 evaluations, all shown equally large. The
# painting grows from left to right, and the style image from top to bottom. Which pair will have strokes that are equally
# wide *in pixels*? And in which of the four should the forms be largest, compared with the picture?
#
# <details><summary>Compare</summary>
#
# The width of the strokes is that of the style image, so two paintings in one *row* have strokes of equally many pixels.
# (On the right these look half as wide, because twice as many pixels are shown on the same space.) The largest
# forms, compared with the picture, belong to the small painting after the large style image, at the lower left.
#
# </details>

# %%
from torch.nn.functional import interpolate

files = {}
eight = {}
for size in (256, 512):
    for style_size in (160, 640):
        for evaluations in (10, 40):
            key = (size, style_size, evaluations)
            files[key] = DATA / "results" / "three_causes" / f"{size}_{style_size}_{evaluations}.jpg"
            eight[key] = load(files[key], None)  # (1, 3, height, size)

rows = [(256, 160), (512, 160), (256, 640), (512, 640)]
titles = [f"painting of {size} px, style image of {style_size} px" for size, style_size in rows]
show([eight[size, style_size, 40] for size, style_size in rows], titles, columns=2, height=264,
     alt="Four dunes: after the small print the sky is full of small whole waves and peaks, finer in the "
     "larger painting; after the large print there are broad hooks of foam, and again finer ones at the right.")

# %% [markdown]
# In the upper row, after the small print, the sky is full of little waves, and many of them are complete: a
# print of 160 pixels is only as large as the window, so `relu5_1` could see every wave in it. In the lower row there are no
# complete waves, but broad hooks of foam and long stripes. That is the work of the style image alone, because nothing else
# changes between the rows.
#
# From left to right everything becomes finer, compared with the picture. That is the work of the painting's size, and
# you can see why: the window of 156 pixels covers 61 per cent of the width of a small painting, and 30 per cent of a
# large one. The widest form that a feature can see whole is half as wide, compared with the picture, in the painting
# at the right.
#
# Now the third cause. Here are the same four after 10 evaluations instead of 40:

# %%
show([eight[size, style_size, 10] for size, style_size in rows], titles, columns=2, height=264,
     alt="The same four dunes after ten evaluations: pale, with forms like a relief, a web of fine grain "
     "over the sky and hardly any dark blue foam.")

# %% [markdown]
# The forms are in the same places as before, but they look like a pale relief under a web of grain. The dark blue and
# the white of the foam are still missing. So too few evaluations cost contrast and clean strokes first.
#
# Can we put numbers on what we see? For the width of the strokes, the print itself can be our ruler. We measure the
# style error at `relu3_1`, whose window of 24 pixels sees strokes but no motifs, once with the print at 160 pixels
# and once at 640. The smaller of the two tells whose strokes the painting has. For large forms we shrink the upper
# half of the picture, where the photo has only sky, to a width of 8 pixels. What is left of its contrast lies in
# forms that are wider than an eighth of the picture. And for the work that was done there is the total loss, which
# was stored with each painting:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.images import read_settings
from helpers.losses import gram, relative_error


def stroke_gram(image):
    with torch.no_grad():
        return gram(vgg(image.to(vgg.device), ["relu3_1"])["relu3_1"])  # (256, 256)


def share_of_large_forms(image):
    grey = image.mean(1, keepdim=True)  # (1, 1, H, W)
    sky = grey[..., : grey.shape[2] // 2, :]
    tiny = interpolate(sky, (3, 8), mode="bilinear", antialias=True)
    return (tiny.var() / sky.var()).item()


rulers = {side: stroke_gram(load("hokusai_great_wave", side)) for side in (160, 640)}
print("painting  style  evaluations  error to 160 px   to 640 px  large forms  loss")
for (size, style_size, evaluations), file in files.items():
    G = stroke_gram(eight[size, style_size, evaluations])
    errors = [relative_error(G, A).item() for A in rulers.values()]
    large = share_of_large_forms(eight[size, style_size, evaluations])
    print(f"{size:5} px {style_size:4} px {evaluations:8} {errors[0]:18.4f} {errors[1]:12.4f} "
          f"{large:12.3f} {read_settings(file)['loss']:9.4f}")

# %% [markdown]
# Read the rows with 40 evaluations first. The two errors follow the style image and nothing else: after the print of
# 160 pixels the first is about a third of the second, and after the print of 640 it is about twice as large, whether
# the painting has 256 or 512 pixels. So the style image decides how wide the strokes are. The share of large forms
# falls when the painting grows, from 0.23 to 0.11 after the small print and from 0.47 to 0.35 after the large one.
# The style image matters for them as well, and even more: after the large print the share is two to three times as
# large.
#
# With 10 evaluations, the loss is still about twice as high. After the large print the two errors are nearly equal,
# and the share of large forms does not fall with the size: its broad strokes are not there yet. (The loss itself
# contains the error at `relu3_1`, so this ruler is a check and not a discovery.) When a large painting of yours
# disappoints, you can now tell why: strokes too fine, take a larger style image; no large forms, paint smaller first
# or take a larger style image; grain and haze, more evaluations.

# %% [markdown]
# ## From coarse to fine
#
# We want the large forms of a small painting and the fine strokes of a large one. So let us have both, one after the
# other. First we paint at 256 pixels, where the window of `relu5_1` covers most of the picture. Then we enlarge the result
# and go on painting at 512, and after that at 1,024. The later stages find the large forms already in place, and nothing
# in their loss objects to them.
#
# [Gatys and others (2017)](https://arxiv.org/abs/1611.07865) describe this for high resolutions, and most programs that
# paint large pictures do it in some form. We need the total loss first. It is the mean of five style errors, plus 0.03
# times the content error, plus 2 times the total variation, which is the mean squared difference between neighbouring
# pixels and keeps grain away. The targets are computed once:

# %%
from helpers.losses import content_loss, style_loss, total_variation


def make_loss(photo, style, net, style_layers=layers, content_weight=0.03):
    """Return a function: image -> total loss."""
    with torch.no_grad():
        style_targets = {layer: gram(f) for layer, f in net(style, style_layers).items()}  # (C, C) each
        content_targets = net(photo, ["relu4_2"]) if content_weight else {}  # (1, 512, h, w)

    def loss(image):
        features = net(image, [*style_targets, *content_targets])
        style_errors = [style_loss(features[layer], A) for layer, A in style_targets.items()]
        total = sum(style_errors) / len(style_errors) + 2 * total_variation(image)
        for layer, P in content_targets.items():
            total = total + content_weight * content_loss(features[layer], P)
        return total

    return loss


# %% [markdown]
# One stage of the painting enlarges what there is and improves it. `optimise` changes the image until the loss is small.
# Three helpers make it quick, and the next section explains them. `fast` turns a network to half precision if your
# processor has units for it, and saves multiplications if it has none. `matched_colour` gives the photo the colours of
# the print, and `pyramid` lets the optimiser change coarse and fine details at once. The painter has average pooling,
# which section 2 of [Gatys and others
# (2016)](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# recommends for painting.

# %%
import time

from helpers.colours import matched_colour
from helpers.fast import fast, pyramid
from helpers.transfer import optimise

painter = fast(VGG(pool="avg", device=vgg.device))


def pictures(side):
    """Return the photo with this long side, and the print a quarter larger."""
    photo = load("desert_dune", side)
    style = load("hokusai_great_wave", round(style_scale * side))
    return photo.to(vgg.device), style.to(vgg.device)


def paint_stage(image, side, evaluations, **changes):
    """Enlarge the image to this side, and go on painting; None begins with the photo."""
    photo, style = pictures(side)
    if image is None:
        start = matched_colour(photo, style)
    else:
        start = interpolate(image, photo.shape[2:], mode="bicubic").clamp(0, 1)
    loss = make_loss(photo, style, painter, **changes)
    start_time = time.process_time()
    result = optimise(start, loss, evaluations, parametrize=pyramid)
    seconds = (time.process_time() - start_time) / evaluations
    print(f"{side:4} px: loss {result.history[0]:.3f}, after {evaluations} evaluations {min(result.history):.3f}; "
          f"{seconds:.1f} s of processor time each")
    return result.image


# %% [markdown]
# And now the loop. The first two stages take about half a minute together:

# %% tags=["painting"]
stages = []
image = None
for side, evaluations in plan[:2]:
    image = paint_stage(image, side, evaluations)
    stages.append(image)

# %% [markdown]
# At twice the side there are four times as many pixels, and an evaluation takes about four times as long. At 1,024
# pixels that would be too long for us, so we use what we have learned. The large forms are in place, and what is
# missing are the strokes. They are seen by the first three layers alone, whose windows are at most 24 pixels wide.
# The network then has to run only as far as `relu3_1`, and instead of four times the seconds printed for 512 pixels,
# an evaluation takes two to three times as many.

# %% tags=["painting"]
for side, evaluations in plan[2:]:
    # departs from Gatys et al. (2016), eq. 7: three style layers, and no content error
    image = paint_stage(image, side, evaluations, style_layers=layers[:3], content_weight=0)
    stages.append(image)
show(image, f"{image.shape[3]} x {image.shape[2]} pixels", height=534,
     alt="The dune after Hokusai at 1,024 pixels: two waves with dark blue stripes rise at the left and "
     "right, foam with dark outlines between them, and the hikers walk on a third.")

# %% [markdown]
# This is a picture that you can look at from afar and from close up. The waves at the left and at the right were made
# at 256 pixels, and so was the odd dark shape in the sky, which looks like a memory of the title box on the print.
# (The printed losses of the last stage belong to three layers, so do not compare them with the others.)
#
# What does each stage add? Here is one piece of the painting after each of the three. The first two are enlarged, so that
# all three show the same place:

# %%
left, top, right, bottom = (0.36, 0.36, 0.66, 0.81)  # of a piece, as shares of the picture
pieces = []
for stage in stages:
    height, width = stage.shape[2:]
    y = slice(round(top * height), round(bottom * height))
    x = slice(round(left * width), round(right * width))
    pieces.append(stage[..., y, x])
show(pieces, [f"{side} px" for side, _ in plan], height=312,
     alt="A piece of the painting after each stage: blurred forms of foam beside a dark blue hollow, the same "
     "forms with outlines, and then with dark and narrow ones.")

# %% [markdown]
# At 256 pixels there is already a wave with its hollow, but it is blurred. At 512 the foam gets its outlines, and at 1,024
# they become dark and narrow, as in a print. The forms themselves hardly move.
#
# Is the better painting only the result of more work? To answer that we need two paintings for equal work. Both of the
# following were painted beforehand at 1,024 pixels, in about four minutes each (`python -m tools.pictures.results
# 09_equal_work`). One was painted at once, with 39 evaluations. The other had 60 evaluations at 256 pixels, 40 at 512
# and 25 at 1,024, which is the same amount of work, as you will prove in Exercise 1. (Both have max pooling, and no total
# variation.)

# %%
at_once = load(DATA / "results" / "large" / "at_once.jpg", None).to(vgg.device)  # (1, 3, 683, 1024)
in_stages = load(DATA / "results" / "large" / "coarse_to_fine.jpg", None).to(vgg.device)
show([at_once, in_stages], ["at once", "from coarse to fine"], height=318,
     alt="Two dunes after Hokusai: painted at once, the sky is evenly covered with faint small curls; "
     "from coarse to fine, waves with dark blue hollows rise in it and foam sprays from the dune.")

# %% [markdown]
# The left one has Hokusai's colours and his curls, spread evenly over the sky like a wallpaper. The right one has waves.
#
# **Your turn, before you run the next cell.** Each of the two stored files says how large its style error is, measured at
# 1,024 pixels. How much better do you expect the right one to be? And how could a measurement see what you see?
#
# <details><summary>Compare</summary>
#
# Hardly better at all, because both made the same loss small, and at this size no layer sees a whole wave. You see the
# difference because your eye takes in the whole picture. The network can do that too, if we let it step back: we shrink the
# painting and the print together, until the wave fits into the window.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
def style_error(image, side):
    """Shrink an image to this long side, and measure its mean style error there."""
    photo, style = pictures(side)
    small = interpolate(image.cpu(), photo.shape[2:], mode="bicubic", antialias=True).clamp(0, 1).to(vgg.device)
    with torch.no_grad():
        style_targets = {layer: gram(f) for layer, f in vgg(style, layers).items()}
        features = vgg(small, layers)
        errors = [style_loss(features[layer], style_targets[layer]) for layer in layers]
    return sum(errors).item() / 5


for name, painting in {"at_once": at_once, "coarse_to_fine": in_stages}.items():
    stored = read_settings(DATA / "results" / "large" / f"{name}.jpg")["style_errors"]
    print(f"{name:14}: style error at 1024 px {sum(stored) / 5:.4f}, at 512 px {style_error(painting, 512):.4f}, "
          f"at 256 px {style_error(painting, 256):.4f}")

# %% [markdown]
# In full size the two are nearly equal, 0.025 and 0.023, so the loss had hardly a reason to prefer the waves. Seen at
# 512 pixels, the painting that was made at once has three times the error of the other, and at 256 pixels more than
# twice. The second painting was made small for these sizes, so it would be strange if it were not better there. What
# is worth noticing is that the later stages did not undo it. So it is not more work that gives the large forms, but
# work at the right size.
#
# **Exercise 1 · predict** · ●○○ · 5 minutes. Compute with pencil and paper, and remember that an evaluation costs as
# much as it has pixels. How many evaluations at 1,024 pixels cost as much as the whole plan of 60 at 256, 40 at 512
# and 25 at 1,024? Which share of that work is spent at 1,024? And if you go on to 2,048 pixels with 12 evaluations,
# how many times as much work is the whole painting then?


# %% tags=["spec", "folded"]
def work_of_plans():
    work = 60 * 256**2 + 40 * 512**2 + 25 * 1024**2
    return {
        "evaluations at 1,024 px": work / 1024**2,
        "share of the last stage": 25 * 1024**2 / work,
        "times as much with 2,048 px": (work + 12 * 2048**2) / work,
    }


# %% tags=["exercise"]
def my_work():
    """Return a number for each of the three questions."""
    # solution
    whole = 60 / 16 + 40 / 4 + 25  # in evaluations at 1,024 pixels
    return {
        "evaluations at 1,024 px": whole,
        "share of the last stage": 25 / whole,
        "times as much with 2,048 px": (whole + 12 * 4) / whole,
    }


# %% tags=["check"]
from helpers.check import check

check(my_work, work_of_plans, tolerance=0.01);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# How many pictures of 256 pixels fit into one of 1,024 pixels, if you lay them side by side in rows?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Count everything in evaluations at 1,024 pixels. One at 512 counts a quarter, one at 256 a sixteenth, and one at 2,048
# counts four.
#
# </details>
#
# <!-- solution: my_work -->
#
# **Exercise 2 · design** · ●●○ · 20 minutes. Write the function that a program for large paintings needs: given the
# side of the finished painting, the seconds that may be spent, and the seconds of one evaluation at 256 pixels, it
# returns a plan, a list of pairs (side, evaluations). A good plan keeps five rules. It begins between 128 and 312
# pixels, because then `relu5_1` sees at least half of the width. Each stage is larger than the one before, but at
# most twice as large. The first stage has at least 30 evaluations and every other at least 4. The last stage has the
# wanted side. And the plan spends at most the seconds that there are, but at least three quarters of them.


# %% tags=["spec"]
def plan_fault(plan, wanted_side, seconds, seconds_at_256):
    sides = [side for side, _ in plan]
    counts = [count for _, count in plan]
    time = sum(count * seconds_at_256 * (side / 256) ** 2 for side, count in plan)
    if sides[-1] != wanted_side:
        return f"the last stage has {sides[-1]} pixels, and {wanted_side} were wanted"
    if not 128 <= sides[0] <= 312:
        return f"the first stage has {sides[0]} pixels"
    for before, after in zip(sides[:-1], sides[1:], strict=True):
        if not before < after <= 2 * before:
            return f"{before} pixels are followed by {after}"
    if counts[0] < 30 or min(counts) < 4:
        return f"there are too few evaluations in one of the stages: {counts}"
    if any(count != int(count) for count in counts):
        return f"there is no such thing as a part of an evaluation: {counts}"
    if not 0.75 * seconds <= time <= seconds:
        return f"it takes {time:.0f} of {seconds:.0f} seconds"
    return ""


# %% tags=["exercise"]
def my_plan(wanted_side, seconds, seconds_at_256):
    """Return a list of (side, evaluations), from coarse to fine."""
    # solution
    sides = [wanted_side]
    while sides[0] > 312:
        sides.insert(0, (sides[0] + 1) // 2)
    costs = [seconds_at_256 * (side / 256) ** 2 for side in sides]
    counts = [30] + [4] * (len(sides) - 1)
    spent = sum(count * cost for count, cost in zip(counts, costs, strict=True))
    share = (seconds - spent) / len(sides)  # every stage gets as many of the seconds that are left
    counts = [count + int(share / cost) for count, cost in zip(counts, costs, strict=True)]
    return list(zip(sides, counts, strict=True))


# %% tags=["check"]
from helpers.check import each, judge

judge(my_plan, plan_fault, each(1024, 2048, 300, 1450, 625), each(60.0, 500.0, 30.0, 200.0, 90.0),
      each(0.38, 0.38, 0.5, 0.5, 0.2));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Begin at the end. If the last stage has 2,048 pixels, how small may the one before be? And the one before that? When do
# you stop?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Halve the side, rounded up, until it is at most 312. Give every stage its smallest number of evaluations and add up the
# seconds. Divide what is left equally between the stages, and turn each share into whole evaluations, rounded down.
#
# </details>
#
# <!-- solution: my_plan -->
#
# ## Two ways to be quick
#
# Forty evaluations at 256 pixels are few;
# [Gatys' own notebook](https://github.com/leongatys/PytorchNeuralStyleTransfer) makes 500 at 512. Two of our three
# helpers, `pyramid` and `matched_colour`, save evaluations, and neither changes the loss. `fast` makes each
# evaluation cheaper.
#
# The first is a question of *what* the optimiser changes. It need not be the pixels. Let us look at the smallest
# possible picture, two neighbouring pixels $a$ and $b$. Suppose that a loss reacts strongly if both become brighter,
# and weakly if one becomes brighter and the other darker. Here is a loss like that:
#
# $$L(a, b) = 50\,(a + b)^2 + \tfrac{1}{2}\,(a - b)^2$$
#
# In words: fifty times the square of their sum, plus half the square of their difference. Both vanish at $a = b = 0$.
# Gradient descent has one step size $\eta$ for both directions, and the steep one dictates it. With more than 1/100
# it would jump farther and farther across the valley, and with 1/200 it lands in the middle at once. But the flat
# direction is a hundred times less steep, so it moves by only one per cent a step.
#
# Now describe the same two pixels by two other numbers, a coarse one $c$ that moves both, and a fine one $f$ that moves
# them apart: $a = 0.1\,c + f$ and $b = 0.1\,c - f$.
#
# **Your turn, before you run the next cell.** Write the loss in terms of $c$ and $f$. What is the right step size now, and
# how many steps does gradient descent need?
#
# <details><summary>Compare</summary>
#
# The sum is $0.2\,c$ and the difference is $2 f$, so $L = 2 c^2 + 2 f^2$. Both directions are equally steep, and the
# gradient is 4 times the distance from the bottom. With $\eta = 1/4$ a single step arrives.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
def loss_of_pixels(pixels):
    a, b = pixels
    return 50 * (a + b) ** 2 + 0.5 * (a - b) ** 2


def loss_of_levels(numbers):
    c, f = numbers
    return loss_of_pixels((0.1 * c + f, 0.1 * c - f))


def descend(loss, numbers, step, count):
    for _ in range(count):
        numbers = numbers - step * torch.func.grad(loss)(numbers)  # (2,)
    return loss(numbers)


pixels = torch.tensor([3.0, 1.0])  # a and b
numbers = torch.tensor([20.0, 1.0])  # c and f of the same two pixels
print(f"at the start:                 {loss_of_pixels(pixels):.2f}")
print(f"pixels, 20 steps of 1/200:    {descend(loss_of_pixels, pixels, 1 / 200, 20):.2f}")
print(f"levels, a single step of 1/4: {descend(loss_of_levels, numbers, 1 / 4, 1):.2f}")

# %% [markdown]
# After twenty steps the pixels have lost nearly all of the steep part, and two thirds of the flat part are still there. The
# two levels are done after one step.
#
# A real image gets more levels. The variables are a stack of images, each half as large as the one before, and the
# painting is the start plus their weighted sum, all enlarged to full size. This is called a **pyramid**, after
# [Burt and Adelson (1983)](https://persci.mit.edu/pub_pdfs/pyramid83.pdf):


# %%
def levels(start, weights=(1.0, 0.7, 0.5, 0.35, 0.25)):
    """Return the variables, and a function that makes an image of them; for `parametrize`."""
    height, width = start.shape[2:]
    variables = []
    for k in range(len(weights)):
        level = start.new_zeros(1, 3, height >> k, width >> k)  # >> k halves k times
        variables.append(level.requires_grad_())

    def image():
        total = start
        for weight, level in zip(weights, variables, strict=True):
            total = total + weight * interpolate(level, (height, width), mode="bilinear")
        return total

    return variables, image


# %% [markdown]
# The helper `pyramid` does the same with separate weights for grey and for colours, and takes a longer first step.
# `matched_colour` saves the search for the colours: it computes them by the linear map that gives the photo the mean
# and the covariance of the print's colours ([Pitié and Kokaram 2007](https://doi.org/10.1049/cp:20070055)). Here is a
# race of the four, with 25 evaluations each:

# %%
from helpers.show import plot

photo, style = pictures(128)  # (1, 3, 85, 128) and (1, 3, 110, 160)
loss = make_loss(photo, style, painter)
racers = {
    "pixels": (photo, None),
    "our levels": (photo, levels),
    "pyramid": (photo, pyramid),
    "pyramid and colours": (matched_colour(photo, style), pyramid),
}
race = {}
for name, (start, parametrize) in racers.items():
    history = optimise(start, loss, 25, parametrize=parametrize).history
    race[name] = torch.tensor(history).cummin(0).values.tolist()  # the lowest loss so far
    print(f"{name:20} after 8 evaluations {race[name][7]:.3f}, after 25 {race[name][-1]:.3f}")
plot(race, xlabel="evaluation", ylabel="lowest loss so far",
     alt="Four falling curves: plain pixels and our levels start flat, cross at about ten evaluations and end "
     "close together; the pyramid is lower, and with matched colours it is lowest throughout.")

# %% [markdown]
# Plain pixels stand nearly still for the first evaluations, because PyTorch's L-BFGS begins with a very short step.
# Part of the pyramid's lead is its longer first step, and the race does not say how much is due to that and how much
# to its levels. After eight evaluations, the pyramid with matched colours has about a third of the loss that plain
# pixels have, and after 25 the four are close together. So these helpers decide a short run, and a long one hardly
# needs them. That is exactly our case, because a large painting can afford only short runs.
#
# The second way to be quick is to compute with fewer digits. A float32 number has 32 bits. Two kinds of number have only
# 16, and they spend them differently. Here are four numbers that occur in painting, in each kind:

# %%
numbers = torch.tensor([0.1, 257.0, 90_000.0, 1e-8])
for kind in (torch.float32, torch.float16, torch.bfloat16):
    rounded = [f"{number:.5g}" for number in numbers.to(kind).tolist()]
    print(f"{str(kind):15}", *[f"{text:>10}" for text in rounded])

# %% [markdown]
# float16 keeps about three digits, but ends at 65,504. The sum of a hundred squares of 30 is already infinite, and a
# gradient of a hundred-millionth is zero. bfloat16 has the whole range of float32, and pays with its digits: 257
# becomes 256.
#
# For painting, range matters more, because a gradient is a sum over very many places and small errors in it cancel. So
# let us turn the layers of a network to bfloat16, while the losses and the Gram matrices are still added up in float32.
# How much does the gradient suffer?

# %%
photo, style = pictures(256)


def gradient_of(net):
    """-> the gradient of our loss at 256 px, as one row of numbers; it also prints what it took."""
    loss = make_loss(photo, style, net)
    image = matched_colour(photo, style).requires_grad_()
    for _ in range(2):  # the first time, PyTorch also prepares its work; the second time is measured
        image.grad = None
        start_time = time.process_time()
        loss(image).backward()
        seconds = time.process_time() - start_time
    print(f"{net.dtype}: {seconds:.2f} seconds of processor time for an evaluation at 256 px")
    return image.grad.flatten()


exact = gradient_of(average)
rounded = gradient_of(fast(VGG(pool="avg", device=vgg.device), "bfloat16"))
print(f"cosine between the two gradients {torch.cosine_similarity(exact, rounded, dim=0):.3f}")

# %% [markdown]
# The cosine says how far two directions agree: 1 means that they are the same, and 0 that they have nothing to do
# with each other. The two gradients point nearly the same way at this image. Whether a whole painting suffers is
# another question.
#
# Which of the two is quicker depends on your processor. With units for bfloat16, it needs half the time or less. Without
# them, it may even need more. That is why `fast` asks the processor first. If there are no units, it keeps all digits and
# saves multiplications instead.
#
# How can a convolution do with fewer? Take four pixels in a row and a filter of three numbers. The filter fits in two
# places, so two numbers come out, and each is a sum of three products. That makes six multiplications. Shmuel Winograd
# found that four are enough:

# %%
# NBVAL_CHECK_OUTPUT
d = [1.0, 2.0, 4.0, 3.0]  # four pixels in a row
g = [0.5, -1.0, 2.0]  # a filter
six = [d[0] * g[0] + d[1] * g[1] + d[2] * g[2], d[1] * g[0] + d[2] * g[1] + d[3] * g[2]]

of_pixels = [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]
of_filter = [g[0], (g[0] + g[1] + g[2]) / 2, (g[0] - g[1] + g[2]) / 2, g[2]]  # once for all pictures
m = [of_pixels[i] * of_filter[i] for i in range(4)]  # the four multiplications
four = [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]
print("with six multiplications ", six)
print("with four multiplications", four)

# %% [markdown]
# The sums of the filter are made once, because the network never changes. The sums of pixels cost something, too. But
# they are made once for each channel, while the multiplications are made for each *pair* of an old and a new channel,
# and `conv4_2` has 512 times 512 pairs. [Lavin and Gray (2016)](https://arxiv.org/abs/1509.09308) do it in two
# dimensions, for sixteen results at a time, with a quarter of the multiplications, and
# [helpers/winograd.py](../helpers/winograd.py) does it as they do. Here is what `fast` chose for your machine:

# %%
quick = gradient_of(painter)
print(f"cosine with the exact gradient {torch.cosine_similarity(exact, quick, dim=0):.3f}")

# %% [markdown]
# With fewer multiplications the gradient is the same up to rounding, and that is how the paintings that you see in this
# notebook were made.
#
# ## What takes the memory?
#
# You can wait longer, but you cannot use memory that you do not have. If a painting needs more than there is, the
# program dies. So before anybody paints at 2,048 pixels, we should know what it takes.
#
# Most of the memory goes to features. To compute a gradient, PyTorch walks back through the network, and on the way
# back each layer needs what it had on the way there: a convolution needs its input, a ReLU its output, and a pooling
# which of four pixels was the largest. The output of a ReLU *is* the input of the next convolution, so it is kept
# once. That makes four bytes for every number of every ReLU, and for every number of a pooling another four, and
# eight for the place of the largest.
#
# **Your turn, before you run the next cell.** The first block has 2 convolutions of 64 channels, and the fourth has 4
# convolutions of 512 channels. From block to block, height and width are halved. Which block takes the most memory?
#
# <details><summary>Compare</summary>
#
# The first. Halving both sides leaves a quarter of the places, while the channels only double, so each block's maps
# are half as large as those of the block before. The deep blocks have more layers, but that does not make up for it.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
blocks = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 1)]  # channels and convolutions, as far as relu5_1


def forecast(height, width):
    """Return how many bytes are kept for one evaluation: the image and the five blocks."""
    kept = [4 * 3 * height * width]
    for channels, convolutions in blocks:
        block = 4 * channels * height * width * convolutions
        height, width = height // 2, width // 2
        if convolutions > 1:  # a pooling follows, except after relu5_1, where we stop
            block += (4 + 8) * channels * height * width
        kept.append(block)
    return kept


for name, size in zip(["image", "block 1", "block 2", "block 3", "block 4", "block 5"], forecast(171, 256), strict=True):
    print(f"{name}: {size / 1e6:5.1f} MB")

# %% [markdown]
# Nearly half of the memory belongs to the first block, although it has only two convolutions.
#
# A forecast is worth something only if it comes true. PyTorch has
# [hooks](https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.graph.saved_tensors_hooks) that are called
# for every tensor that it keeps for the way back. We note the storage behind each, so that a tensor that is kept twice
# counts once, and leave out the network's own weights:

# %%
# NBVAL_CHECK_OUTPUT
from torch.autograd.graph import saved_tensors_hooks


def bytes_kept(compute, net, image):
    """Run compute(image, layers), and return how many bytes are kept for the way back."""
    storages = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        features = compute(image, layers + ["relu4_2"])
    for feature in features.values():
        note(feature)
    own = {tensor.untyped_storage().data_ptr() for tensor in [*net.parameters(), *net.buffers()]}
    return sum(size for place, size in storages.items() if place not in own)


for side in (100, 256):
    image = load("desert_dune", side).to(vgg.device).requires_grad_()
    expected = sum(forecast(*image.shape[2:]))
    print(f"{side} px: forecast {expected:,} bytes, kept {bytes_kept(vgg, vgg, image):,} bytes")

# %% [markdown]
# The forecast is right to the last byte. (Where a side is odd, `// 2` drops the last row or column, just as the pooling
# does.)
#
# L-BFGS needs memory, too. It remembers pairs of vectors from its last steps, and each vector is as large as
# all variables together. `optimise` keeps 50 pairs, or as many as fit into one gigabyte, but at least 5. Together, for
# square pictures:

# %%
# NBVAL_CHECK_OUTPUT
for side in (512, 1024, 2048, 4096):
    maps = sum(forecast(side, side)) / 1e9
    variables = sum(3 * (side >> k) ** 2 for k in range(5))  # of a pyramid with five levels
    pairs = max(5, min(50, 10**9 // (2 * 4 * variables)))
    memory = pairs * 2 * 4 * variables / 1e9
    print(f"{side:4} px: features {maps:5.2f} GB, and {pairs} pairs of L-BFGS {memory:.2f} GB")

# %% [markdown]
# Twice the side takes four times the memory. At 1,024 pixels the two together need 2.6 GB, and at 2,048 more than 7.
# The gradients of the moment and everything else on your laptop come on top, so (for max pooling in float32) 8 GB
# should be enough for the first and will hardly do for the second.
#
# bfloat16 halves the features. If that is not enough, time can be traded for memory. PyTorch's
# [checkpoint](https://docs.pytorch.org/docs/stable/checkpoint.html) keeps only the input of a stage of the network. On the
# way back it runs the stage again to get at the rest. We let the stages end at the layers that we read:

# %%
# NBVAL_CHECK_OUTPUT
from torch.utils.checkpoint import checkpoint


def frugal(image, wanted):
    """As the network itself, but only the input of each stage is kept."""
    features = {}
    x = (image - vgg.mean) / vgg.std
    stage = torch.nn.Sequential()
    for name, layer in vgg.layers.items():
        stage.append(layer)
        if name in wanted:
            x = checkpoint(stage, x, use_reentrant=False)
            features[name] = x
            stage = torch.nn.Sequential()
    return features


photo, style = pictures(256)
coloured = matched_colour(photo, style)  # (1, 3, 171, 256)
style_targets = {layer: gram(f) for layer, f in vgg(style, layers).items()}
gradients = {}
for name, compute in {"all kept": vgg, "stages repeated": frugal}.items():
    image = coloured.clone().requires_grad_()
    print(f"{name:15}: {bytes_kept(compute, vgg, image) / 1e6:6.1f} MB")
    features = compute(image, layers)
    sum(style_loss(features[layer], style_targets[layer]) for layer in layers).backward()
    gradients[name] = image.grad
difference = (gradients["all kept"] - gradients["stages repeated"]).norm() / gradients["all kept"].norm()
assert difference < 1e-4

# %% [markdown]
# The same gradient (a line at the end of the cell compares the two), and between the two passes a third of the memory
# is kept. The price is that every stage runs forward twice. The peak is higher, too: while the largest stage is
# repeated, its features, about 20 MB by our forecast, come back on top.
#
# **Exercise 3 · build** · ●●○ · 15 minutes. Write a forecast for other painters. Features may take 2 bytes a number
# instead of 4, and the pooling may be average pooling, which does not need to know where anything was. The image that
# the first convolution keeps has the same kind of number as the features. The check compares your number with what a
# real network keeps, to the last byte.


# %% tags=["spec"]
import torch
from torch.autograd import graph

from helpers.vgg import VGG


def what_is_kept(height, width, bytes_a_number, pool):
    net = VGG(pool=pool, device="cpu")
    if bytes_a_number == 2:
        net.layers.to(torch.bfloat16)
    storages = {}

    def note(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    image = torch.rand(1, 3, height, width).requires_grad_()
    with graph.saved_tensors_hooks(note, lambda tensor: tensor):
        last = net(image, ["relu5_1"])["relu5_1"]
    note(last)
    own = {tensor.untyped_storage().data_ptr() for tensor in [*net.parameters(), *net.buffers()]}
    return sum(size for place, size in storages.items() if place not in own)


# %% tags=["exercise"]
def my_bytes(height, width, bytes_a_number, pool):
    """Sides in pixels, 2 or 4 bytes, "max" or "avg" -> how many bytes one evaluation keeps."""
    # solution
    total = bytes_a_number * 3 * height * width
    for channels, convolutions in [(64, 2), (128, 2), (256, 4), (512, 4), (512, 1)]:
        total += bytes_a_number * channels * height * width * convolutions
        height, width = height // 2, width // 2
        if convolutions > 1:
            places = 8 if pool == "max" else 0
            total += (bytes_a_number + places) * channels * height * width
    return total


# %% tags=["check"]
from helpers.check import check, each

check(my_bytes, what_is_kept, each(48, 37, 32, 63), each(64, 50, 33, 16), each(4, 2, 2, 4), each("max", "max", "avg", "avg"),
      tolerance=1e-7, without=("saved_tensors_hooks",));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Begin with `forecast`. Which of its numbers stand for bytes of a feature, and which for the place of the largest?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Every 4 becomes `bytes_a_number`. The 8 is a whole number of 64 bits that says where the largest was. It stays 8 in
# half precision, and average pooling has none.
#
# </details>
#
# <!-- solution: my_bytes -->
#
# ## Tiles without a seam
#
# There is a way to paint any size with little memory, which is to cut the picture into tiles. Most people who try it
# get a picture with visible seams, or a style that differs from tile to tile. Both can be avoided, and the key is
# something that you have known since notebook 03.
#
# A Gram matrix is a sum over places. It does not matter in which order we add up the places, so we may add them up
# tile by tile. That gives an exact gradient in two passes. In the first we add up $F F^\top$ over all tiles, and keep
# nothing else. From the sum $G$ we get the loss, and its slope $\partial L / \partial G$, one small matrix for each
# layer. In the second pass each tile computes its features again and sends $\partial L / \partial G$ back through
# them. That is the chain rule, cut into pieces.
#
# One difficulty remains. A feature near the edge of a tile looks at pixels beyond the edge. So each tile is cut out
# with a border of neighbours, the **halo**, and the features of the halo are thrown away afterwards.
#
# **Your turn, before you run the next cell.** We take the style layers as far as `relu3_1`, which has a window of 24
# pixels. How wide must the halo be? Tiles begin at multiples of 64 pixels; why would multiples of 50 be a mistake?
#
# <details><summary>Compare</summary>
#
# Half of the window lies on each side of a feature, so 12 pixels are enough, and we take 16. The two poolings before
# `relu3_1` work on squares of 4 by 4 pixels, counted from the corner of the tile. 50 is no multiple of 4, so a tile
# that begins there would put other pixels together than the whole picture does. For the same reason the halo is a
# multiple of 4.
#
# </details>

# %%
jumps = {"relu1_1": 1, "relu2_1": 2, "relu3_1": 4}  # pixels between neighbouring features


def tile_features(image, top, left, side, halo):
    """Return the features of one tile, {layer: (C, N)}, computed with its halo and without it."""
    height, width = image.shape[2:]
    bottom = min(top + side, height)
    right = min(left + side, width)
    y = max(0, top - halo)  # at the edge of the picture there is nothing to add
    x = max(0, left - halo)
    cut = image[..., y : bottom + halo, x : right + halo]
    features = {}
    for layer, maps in vgg(cut, list(jumps)).items():
        jump = jumps[layer]
        inner = maps[..., (top - y) // jump : (bottom - y) // jump, (left - x) // jump : (right - x) // jump]
        features[layer] = inner[0].flatten(1)
    return features


# %% [markdown]
# The two passes. `products` holds the sums of $F F^\top$ and `places` counts, so that we can divide at the very end:

# %%
def tiled_gradient(image, style_targets, halo, side=64):
    image = image.clone().requires_grad_()
    corners = [(top, left) for top in range(0, image.shape[2], side) for left in range(0, image.shape[3], side)]
    products = dict.fromkeys(jumps, 0)
    places = dict.fromkeys(jumps, 0)
    with torch.no_grad():  # the first pass
        for top, left in corners:
            for layer, F in tile_features(image, top, left, side, halo).items():
                products[layer] = products[layer] + F @ F.T
                places[layer] += F.shape[1]
    grams = {layer: (products[layer] / places[layer]).requires_grad_() for layer in jumps}
    sum(relative_error(grams[layer], style_targets[layer]) for layer in jumps).backward()
    for top, left in corners:  # the second pass
        for layer, F in tile_features(image, top, left, side, halo).items():
            (grams[layer].grad * (F @ F.T) / places[layer]).sum().backward(retain_graph=True)
    return image.grad


# %% [markdown]
# The judge is the gradient of the whole picture, computed at once. We compare it with tiles that have a halo of 16
# pixels and with tiles that have none, which is what one writes first:

# %%
# NBVAL_CHECK_OUTPUT
whole = coloured.clone().requires_grad_()
features = vgg(whole, list(jumps))
sum(style_loss(features[layer], style_targets[layer]) for layer in jumps).backward()

differences = {}
for halo in (16, 0):
    difference = tiled_gradient(coloured, style_targets, halo) - whole.grad
    differences[halo] = difference.abs().amax(1)[0]  # (H, W)
    print(f"halo of {halo:2} px: mean difference {difference.abs().mean() / whole.grad.abs().mean():.4f} "
          "of the mean gradient")

# %% [markdown]
# With the halo, nothing is left of the difference but rounding. Without it, the error is on average a third as large
# as the gradient. Where?

# %%
from helpers.show import heat

brightest = differences[0].quantile(0.995)
maps = [heat(difference, 0, brightest) for difference in differences.values()]
show(maps, ["halo of 16 px", "no halo"], height=314,
     alt="Two maps of differences: with a halo it is black; without one, bright lines cross a "
     "speckled ground every 64 pixels.")

# %% [markdown]
# Most of it lies along the seams, where the convolutions met zeros in place of their neighbours. If you painted with
# this gradient, the seams would probably appear in the picture. But the rest of the map is not black, because the
# Gram matrix is a sum over everything. A mistake at the seams changes it, and with it the gradient of every pixel.
#
# At any moment, the exact method holds the features of one tile only. The content error is a sum over places as
# well, and for `relu5_1` with its 156 pixels a halo of 80 is enough. [Galerne and others
# (2022)](https://arxiv.org/abs/2212.13459) paint in this way, and reach sizes that no memory could hold at once.
#
# **Exercise 4 · diagnose** · ●●● · 20 minutes. A friend has written three programs that compute a Gram matrix in
# tiles, and each of them has one mistake. One has forgotten the halo (`"halo"`). One lets its tiles begin wherever
# you ask for, although the pooling wants even numbers (`"grid"`). And one takes the mean of the tiles' Gram matrices,
# although some tiles are smaller than others (`"mean"`). Do not look at their code, which is folded below. You can
# only call a program as `tiled(image, side, halo)` with images and sides of your choice, and compare with
# `whole(image)`, which is right. Write a function that finds out which of the three it has in hand.


# %% tags=["spec", "folded"]
import torch
from torch.nn.functional import conv2d, max_pool2d

kernels = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0))


def tiny_features(image):  # one convolution, a ReLU and a max pooling; image (1, 3, H, W) with even sides
    return max_pool2d(conv2d(image, kernels, padding=1).relu(), 2)


def whole_gram(image):
    F = tiny_features(image)[0].flatten(1)
    return F @ F.T / F.shape[1]


class Tiled:
    """A program with a mistake: call it with an image (1, 3, H, W) of even sides, a side and a halo."""

    def __init__(self, mistake):
        self._mistake = mistake

    def __call__(self, image, side, halo):
        if self._mistake == "halo":
            halo = 0
        if self._mistake != "grid":
            side = max(2, side // 2 * 2)
            halo = halo // 2 * 2
        height, width = image.shape[2:]
        pieces = []
        for top in range(0, height, side):
            for left in range(0, width, side):
                y, x = max(0, top - halo), max(0, left - halo)
                maps = tiny_features(image[..., y : top + side + halo, x : left + side + halo])
                bottom = (min(top + side, height) - y + 1) // 2
                right = (min(left + side, width) - x + 1) // 2
                pieces.append(maps[..., (top - y) // 2 : bottom, (left - x) // 2 : right][0].flatten(1))
        if self._mistake == "mean":
            return sum(F @ F.T / max(1, F.shape[1]) for F in pieces) / len(pieces)
        return sum(F @ F.T for F in pieces) / sum(F.shape[1] for F in pieces)


def mistake_fault(answer, tiled, whole):
    if answer not in ("halo", "grid", "mean"):
        return f"the answer is one of 'halo', 'grid' and 'mean', not {answer!r}"
    if answer != tiled._mistake:
        return f"you said {answer!r} of a program with another mistake"
    return ""


# %% tags=["exercise"]
def my_mistake(tiled, whole):
    """tiled(image, side, halo), whole(image) -> "halo", "grid" or "mean", without looking inside."""
    # solution
    image = torch.rand(1, 3, 32, 32)
    right = whole(image)
    if not torch.allclose(tiled(image, 16, 4), right, atol=1e-4):
        return "halo"  # four equal tiles at even places: nothing else can be wrong
    if not torch.allclose(tiled(image, 12, 4), right, atol=1e-4):
        return "mean"  # tiles of 12, 12 and 8, at even places
    return "grid"


# %% tags=["check"]
from helpers.check import each, judge

judge(my_mistake, mistake_fault, each(Tiled("mean"), Tiled("halo"), Tiled("grid"), Tiled("mean")), whole_gram,
      without=("_mistake",));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Choose the image and the side so that two of the three mistakes cannot show. When are all tiles equally large? When
# do all of them begin at an even place?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# An image of 32 pixels in tiles of 16 has four equal tiles at even places, so only a missing halo can make a
# difference there. Next, tiles of 12 are at even places but not equally large.
#
# </details>
#
# <!-- solution: my_mistake -->
#
# ## Two thousand pixels
#
# Let us come back to the painting at the top, which uses everything in this notebook. It was painted like our own of 1,024
# pixels, but with more patience. It had 60 evaluations at 256 pixels, 40 at 512, 25 at 1,024 and 12 at 2,048, all with five
# style layers and the content error, and that took about ten minutes of processor time.
#
# Two things had to be decided for the last stage, because our files end at 1,280 pixels. The *photo* was simply
# enlarged. That is fair, since the strokes are what a painting adds, and a blurred dune is still a dune. The *print*
# was not enlarged. A blurred print would ask for blurred strokes, so the last stage uses it at 1,280 pixels, and asks
# for lines as thin as in the print.
#
# Here is a piece of it, pixel for pixel. It shows the left wave, and is about a sixth of the whole:

# %%
flagship = load(DATA / "results" / "09_large.jpg", None)  # (1, 3, 1366, 2048)
show(flagship[..., 160:700, 80:900], "a piece of the painting, pixel for pixel",
     alt="A wave of dark blue stripes with white dots curls over at the left, rounded foam outlined "
     "in dark blue; white spray flies over a beige sky, and below it lies the crest of the dune.")

# %% [markdown]
# The wave curls because it was painted when the whole of it fitted into the window, at 256 pixels. The dark outlines
# are still several times as wide as Hokusai's, and his claws of foam have become rounded blobs. Twelve evaluations at
# the last size are not many, and the plain sky shows it best: it has a grain like leather.
#
# ### And with a GPU?
#
# Nothing in this notebook was measured on a GPU (a graphics card), because none was at hand. So here are only numbers
# that other people have published, in their own words and for their own programs, and you should read them as claims.
#
# - The clearest comparison is an old one. An [early README of
#   neural-style](https://github.com/jcjohnson/neural-style/blob/03d1f29f607ad8ec19ad2a9830f29f4b65171dc8/README.md#speed) says that 1,000 iterations at 512
#   pixels take about 2 minutes on a GTX Titan X and around 40 minutes on an Intel i7-4790k, with the same
#   program. That is a factor of twenty.
# - The [README of neural-style-pt](https://github.com/ProGamerGov/neural-style-pt#speed) gives between 23 and 56 seconds for 500
#   iterations at 512 pixels on a GTX 1080, depending on the library that does the convolutions.
# - The [README of style-transfer-pytorch](https://github.com/crowsonkb/style-transfer-pytorch) reports pictures of
#   2,896 by 2,172 pixels in about 15 minutes on an RTX 3090, with nearly all of its 24 GB in use. That is more than twice as
#   many pixels as our largest painting has.
#
# What changes, then, is the balance: an evaluation is far quicker, and the memory of the card becomes the limit. The
# count of features does not depend on the device, so your forecast should hold for them; we have not checked it
# there. In PyTorch,
# [`torch.cuda.max_memory_allocated`](https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.max_memory_allocated.html)
# tells you afterwards, and `python -m tools.bench` measures the times of your own machine.
#
# **Exercise 5 · make a picture** · ●○○ · 10 minutes. Where should a painting begin? The cell below paints one of 320
# pixels in two stages, and the first of them has only 80 pixels. Run it, and look for the hikers. Then let it begin
# at 160, and at 320 itself, with the evaluations that stand in the comment, which make the work about equal. Which
# one would you keep?

# %% tags=["painting"]
my_stages = [(80, 60), (320, 10)]  # then [(160, 24), (320, 8)] and [(320, 14)]
mine = None
for side, evaluations in my_stages:
    mine = paint_stage(mine, side, evaluations)
show(mine, f"in stages of {', '.join(str(side) for side, _ in my_stages)} px", height=320,
     alt="The dune has become one great wave with dark blue foam that curls over from the right, with a white "
     "peak under it; no hikers are to be seen.")

# %% [markdown]
# <details><summary>What to look for</summary>
#
# Begun at 80 pixels, the dune has become a great wave. At that size the window of `relu5_1` is almost twice as wide
# as the picture, the hikers are two or three pixels high, and one large motif fills everything. Begun at 160, the
# dune is back with a white crest beside it, but of the hikers only dark smudges are left. Begun at 320, you can count
# the hikers, and the sky has finer and more curls. Three sizes for the beginning are three different pictures, and
# which of them is best is for you to say.
#
# </details>
#
# You can now paint as large as your memory allows, and you know how much that is. When you want a large painting of
# your own and no lesson, `paint_large(photo, style, size=1024)` from [helpers/large.py](../helpers/large.py) does all
# of it in one call. It begins at 128 pixels, doubles, forecasts the memory before the first evaluation, ends each
# size when the picture hardly changes any more, and says about how long the rest takes. A size that does not fit into
# your memory at once is painted in tiles with a halo, as you did above.
#
# For the opposite case there is one more trick. A small painting may take a hundred evaluations and more, and a very
# strong style then holds it like a fence, along which the loss creeps. The reason lies in the Gram matrices, because
# the largest eigenvalue of one is a thousand times the median. `optimise_softened` from
# [helpers/soften.py](../helpers/soften.py) softens these stiff directions for the first sixty evaluations and then
# leaves the last word to the loss itself. With the weights of PyTorch's tutorial that saved about a third of the
# evaluations on three pairs of pictures. With ours, it saved none.
#
# What you cannot do yet is to tell the painting *where* it should be painted, or which colours it should keep.
#
# ## What to remember
#
# - A layer sees a window of a fixed number of pixels, at most 156 for the style layers, however large the picture is. What
#   does not fit into the window is lost in a large painting.
# - Three things change when a picture grows. The style image decides how wide the strokes are and has a large say in the large forms; a larger painting has smaller forms, compared with the picture; and with few evaluations everything stays pale and grainy.
# - Paint from coarse to fine: each stage keeps the large forms of the one before and adds finer strokes.
# - Twice the side takes four times the memory, nearly half of it in the first block. You can forecast it to the last byte.
# - Gram matrices are sums over places. With a halo, tiles add up to exactly the gradient of the whole picture.
#
# ## Three questions
#
# Answer each in your own words before you unfold it.
#
# 1. Somebody paints at 1,024 pixels with a style image of 256 pixels, to get the large motifs back. What will the
#    painting look like?
#
# <details><summary>Answer</summary>
#
# The window now holds whole waves, so they come back, but each is only about 130 pixels wide, an eighth of the
# painting, and the strokes are as fine. The painting will be covered with many small copies. Large motifs in a large
# painting need a small first stage.
#
# </details>
#
# 2. A painting of 1,024 pixels just fits into your memory. How large a painting fits if you change to bfloat16?
#
# <details><summary>Answer</summary>
#
# With average pooling twice as many pixels fit, which is a side of about 1,450. With max pooling it is about 1,350,
# because the places of the largest keep their 8 bytes. (L-BFGS keeps its gigabyte either way, with fewer pairs in
# it.)
#
# </details>
#
# 3. You paint in tiles, and give each tile its own style loss, from its own Gram matrix. There is a wide halo. Why is the result not the
#    painting of the whole?
#
# <details><summary>Answer</summary>
#
# Each tile is now asked to have the style of the whole print by itself, its dark and its bright parts in the right
# proportion. A tile of empty sky must grow waves, although the rest of the picture has enough of them. The exact
# method compares only the sum over all tiles.
#
# </details>
#
# ## On your own
#
# - Replace `style_scale = 1.25` by 0.6 and by 2.5 and run the live painting again. What happens to the strokes at each
#   stage?
# - Write a painting loop that uses `tiled_gradient` with Adam, and watch the memory of the process while the picture grows.
# - Extend the tiles to `relu5_1`. At which tile side does the halo cost more than the tile itself?
#
# **In practice.** Begin where `relu5_1` sees more than half of the picture, double the side, and spend half of the time on
# the last stage. Look at the painting from afar and in full size before you show it to anybody.
#
# **Further reading.**
# [Gatys and others, *Controlling Perceptual Factors in Neural Style Transfer*](https://arxiv.org/abs/1611.07865)
# (2017): high resolutions from coarse to fine, and control over colour, place and size.
# [Chen and others, *Training Deep Nets with Sublinear Memory Cost*](https://arxiv.org/abs/1604.06174) (2016): where
# to place checkpoints.
# [Snelgrove, *High-Resolution Multi-Scale Neural Texture Synthesis*](https://doi.org/10.1145/3145749.3149449) (2017):
# Gram matrices at every level of a pyramid, which is another way to see large forms.
#
# <!-- bottom -->
