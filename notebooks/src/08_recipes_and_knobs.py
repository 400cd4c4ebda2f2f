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
# # Choose a recipe and turn its knobs
#
# > **The question** Every program paints with the same two ideas, so why do their pictures differ so much, and which knob do you turn to get the picture that *you* want?
# > **You will make** a wall of the published programs, a table that says which part of each program's loss really moves the pixels, and strips of paintings in which a single knob was turned.
# > **You need** the content error of [notebook 02](02_content_from_features.ipynb), the style error of [04](04_texture_from_statistics.ipynb), the weights of [05](05_the_total_loss.ipynb), and the two optimisers of [06](06_painting_with_adam.ipynb) and [07](07_painting_with_lbfgs.ipynb). The symbols are in the [table of notation](00_start_here.ipynb#Notation).
# > **Time** about 60 minutes to read and run, and 75 minutes for the exercises; the computing in it takes about two minutes on a laptop

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# This is one street of old houses in Tübingen, painted twenty times after Kandinsky's *Composition VII*. The program was
# the same each time, and only two knobs were turned. One of them was turned a little further from row to row, and the
# other from column to column:

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "08_grid.jpg", None),
     alt="Twenty paintings of a row of houses in five rows and four columns: downwards the marks grow from specks to "
     "broad swirls, rightwards the houses and the sky of the photo come back.")

# %% [markdown]
# The pictures are small, but you can see that the two knobs do different things. Before this notebook is over, you will
# know which knob to turn when the strokes are too fine, when the face of your friend has melted, or when the sky stays
# empty, and you will have measured it. (The sheet is our version of figure 3 of
# [the first paper](https://arxiv.org/abs/1508.06576). It was painted beforehand with
# `python -m tools.pictures.results 08_grid`.)
#
# First, though, we look at what other people chose. The sizes of what is painted below stand here, so that you can
# change them. An **evaluation** is one trip through the network and back: it tells how large the loss is, and in which
# direction each pixel should move.

# %% tags=["settings"]
import torch

size = 256  # pixels of the photo's long side
style_size = 384  # the same for the style picture
evaluations = 26  # for each painting of a strip

# %% [markdown]
# ## One page for a whole program
#
# Suppose somebody tells you, "I painted it with a style weight of 1e6." Could you paint the same picture? You could not,
# because [notebook 05](05_the_total_loss.ipynb) showed that a weight says nothing without its loss. You would have to
# ask how the Gram matrix is divided (the table that says which features fire together), which layers are read, how
# large the pictures are, what the first image is, and a dozen other things.
#
# So let's write all of it down. We call such a page a **recipe**: everything that decides what a run of neural style
# transfer paints, except for the two pictures. The file `data/recipes.toml` holds twenty of them, one table each.
# Fourteen are published programs and tutorials, five follow small projects, and one is our own. Here is most of the page
# of [PyTorch's official tutorial](https://docs.pytorch.org/tutorials/advanced/neural_style_tutorial.html):

# %%
from helpers.recipes import RECIPES, paint, recipe

tutorial = RECIPES["pytorch_tutorial"]
words = ["network", "pool", "input", "content", "content_error", "style", "gram", "style_error", "start", "optimiser",
         "pixels", "steps", "side", "size"]
for word in words:
    print(f"{word:14}{getattr(tutorial, word)}")

# %% [markdown]
# Most words explain themselves, and here are the others. `input` says how the pixels are scaled before the network sees
# them. `gram` says what the Gram matrix is divided by, and `"features"` means the number of all features, $C N$. The
# words that end in `_error` say how two things are compared, and `"mean"` is the mean of the squared differences.
# `pixels` says what is done to pixels that leave the range from 0 to 1, and this program cuts them off inside the
# function that computes the loss. `steps` counts evaluations, and `size` is the length of the `side` that is named above
# it, here the short one.
#
# A recipe is complete, so one line can run it. `paint` brings both pictures to the recipe's size, takes its start and
# its optimiser, and computes its loss with its own formulas. To save your time, we ask for a smaller picture and for
# fewer evaluations than the tutorial does, and `fast` lets the network compute in half precision if your processor has
# units for that. Then we paint a second time, with one word changed.
#
# The tutorial calls its style layers `conv_1` to `conv_5`. These are simply the first five convolutions of the
# network (a **convolution** is a layer that computes weighted sums of small neighbourhoods), so the deepest of them
# is `conv3_1`, and it sees pieces of only 24 pixels. ([Readers have
# complained](https://github.com/pytorch/tutorials/issues/3732).) The deepest of the paper's five layers, `relu5_1`,
# sees 156 pixels.
#
# **Your turn, before you run the next cell.** We paint once with the tutorial's layers and once with those of the
# paper, and everything else stays as it is. Where in the picture do you expect the greater difference, in the carved
# roofs or in the empty sky? And why?
#
# <details><summary>Compare</summary>
#
# In the sky. Around a roof there is always an edge nearby that small filters can turn into a stroke. In an even sky,
# layers that see 24 pixels can only ask for small marks. A broad shape needs a layer that sees a large piece of sky.
#
# </details>

# %% tags=["painting"]
from helpers.fast import fast
from helpers.vgg import VGG

quick = fast(VGG())
photo = load("china", None)  # (1, 3, 427, 640)
style = load("kandinsky_composition_vii", None)  # (1, 3, 712, 1071)
paper_layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
deeper = recipe("pytorch_tutorial", style=dict.fromkeys(paper_layers, 1e6))
as_published = paint("pytorch_tutorial", photo, style, quick, size=160, steps=40).image
with_paper_layers = paint(deeper, photo, style, quick, size=160, steps=40).image

# %%
show([photo, style, as_published, with_paper_layers],
     ["the photo", "the style", "the tutorial's five layers", "the paper's five layers"], columns=2, height=260,
     alt="A photo of a red pavilion above a lake, a crowded abstract painting, and the pavilion painted twice.")

# %% [markdown]
# With the tutorial's layers the sky is a plain beige, with ripples that are only a few pixels wide. With the paper's
# layers there are shapes in it that are several times as broad as those ripples. Something else has happened as well:
# Kandinsky's beige and orange have gone, and the sky has stayed white and pale, as in the photo. Keep that in mind,
# because we will find the reason below.
#
# The printed line says what differs from the recipe as it was published. The smaller size was our wish. But it also names
# the network, and that needs an explanation.
#
# ## Two networks with one name
#
# There are two networks that everybody calls VGG19. The first was trained in Oxford by [Simonyan and
# Zisserman](https://arxiv.org/abs/1409.1556) in 2014. It is the network of the paper, and the one in this repository. The
# second was trained again, from the beginning, by the people who make [PyTorch's
# torchvision](https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.vgg19.html). It has the same
# layers, but all of the 20 million numbers in its convolutions are other numbers. Who uses which?

# %%
# NBVAL_CHECK_OUTPUT
small_projects = ["vgg16_lbfgs", "noise_1024", "eight_steps", "adam_9000", "named_layers"]
published = [name for name in RECIPES if name != "ours" and name not in small_projects]
print(f"{len(published)} published recipes")
for network in ("vgg19", "vgg19-normalised", "torchvision-vgg19"):
    users = [name for name in published if RECIPES[name].network == network]
    print(f"{network}: {', '.join(users)}")

# %% [markdown]
# The first line is Oxford's network. The second is the same network with its channels (the maps of a layer, one for
# each feature) rescaled until each has a mean of 1, as the authors of the paper did. (Stanford's CS231n stands in the
# first line for want of a better place: its assignment uses another network, SqueezeNet, and we put VGG19 in its
# place.)
#
# The six systems of the last line were made for torchvision's weights. That file is not part of this repository, and
# it could not be had when these pictures were painted. So they are painted with Oxford's network as a **stand-in**:
# their loss, layers, weights, start and optimiser are the published ones, and the network is not. Take their pictures
# for what their authors wrote down, and not for exactly what their programs would paint. With half a gigabyte to
# spare, you can run one of them with its own network: leave the network out of the call, and
# `paint("d2l", photo, style)` fetches it.
#
# There is a second thing that a recipe can hide, and that is the unit of its learning rate. Keras' example takes
# steps of 100 times the gradient, and TensorFlow's takes steps of 0.02. Both are sensible, because one of them
# changes pixels between 0 and 255, and the other changes pixels between 0 and 1. So a recipe has a word for what the
# optimiser changes, `variable`, and next to it stands the published rate. There, `image` means pixels from 0 to 1,
# and `input` means what the network is fed: for Caffe, pixels up to 255 with a mean subtracted, and for torchvision,
# pixels minus the mean, divided by the standard deviation (about −2 to 2.6).

# %%
# NBVAL_CHECK_OUTPUT
for name in ("keras", "tensorflow", "d2l", "udacity"):
    chosen = RECIPES[name]
    print(f"{name:11}{chosen.optimiser['name']:5} rate {chosen.optimiser['lr']:<6} changes the {chosen.variable} "
          f"({chosen.input} range)")

# %% [markdown]
# **Exercise 1 · predict** · ●●○ · 10 minutes. You copy a program whose pixels run from 0 to 255, and yours run from 0 to
# 1. The loss is the same function of the picture. By which number do you have to *divide* the published learning rate,
# so that your first step changes the picture exactly as much? Answer for three optimisers of PyTorch.
# [`SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html) steps by the rate times the gradient.
# [`Adam`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html) moves each pixel by about the rate in
# its first step, however large the gradient is.
# [`LBFGS`](https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html) begins with a step against the
# gradient whose absolute values add up to the rate (if the gradient's add up to more than 1, as they do here).


# %% tags=["spec", "folded"]
def factors_by_experiment():
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(3, 5, generator=generator).double()
    target = torch.rand(3, 5, generator=generator).double()

    def length_of_first_step(kind, unit):
        pixels = (unit * start).requires_grad_()
        optimiser = kind([pixels], lr=0.001)

        def closure():
            optimiser.zero_grad()
            loss = 1e6 * (pixels / unit - target).square().sum()
            loss.backward()
            return loss

        if kind is torch.optim.LBFGS:
            optimiser.param_groups[0]["max_iter"] = 1
        optimiser.step(closure)
        return (pixels.detach() / unit - start).norm().item()

    kinds = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam, "LBFGS": torch.optim.LBFGS}
    return {name: length_of_first_step(kind, 1.0) / length_of_first_step(kind, 255.0) for name, kind in kinds.items()}


# %% tags=["exercise"]
def my_divisors():
    """Return {"SGD": ..., "Adam": ..., "LBFGS": ...}: by what each published rate has to be divided."""
    # solution
    return {"SGD": 255**2, "Adam": 255, "LBFGS": 255}


# %% tags=["check"]
from helpers.check import check

check(my_divisors, factors_by_experiment, tolerance=0.01);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A step in the published unit of size 1 is a step of 1/255 in yours. That is one factor of 255 for everybody. Now ask
# what happens to the gradient: by how much does the loss change when *your* pixel grows by 1, and when *theirs* does?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Your gradient is 255 times as large as theirs. Only one of the three optimisers lets the gradient's length into the
# first step; the other two divide it away.
#
# </details>
#
# <!-- solution: my_divisors -->
#
# ## Fourteen programs as they were published
#
# Here they are. Each program is painted as it was published: at its own size, from its own start, with its own
# optimiser and its own number of evaluations. Only the stand-in for the network is ours, and so are the pairs of
# pictures, which were chosen to suit each program. Most of them run in half precision. Where a source leaves
# something open, or we depart from it, the word `choices` of its recipe says so. This takes hours, so the paintings
# are stored, and each file holds its settings. (`python -m tools.pictures.results 08_systems` paints them again.)

# %%
from helpers.images import read_settings

systems = DATA / "results" / "08_systems"
stored = {name: read_settings(systems / f"{name}.jpg") for name in [*published, "ours"]}
starts = {"content": "the photo", "noise": "noise", "normal": "weak noise"}
for name, settings in stored.items():
    chosen = RECIPES[name]
    print(f"{name}: {settings['content']} after {settings['style']}")
    print(f"    {settings['evaluations']} evaluations with {chosen.optimiser['name']} from {starts[chosen.start]}, "
          f"{settings['size']} px ({settings['side']} side), {settings['seconds'] / 60:.0f} minutes")

# %% [markdown]
# The minutes are those of one core of an ordinary processor. The programs were written for graphics cards, where
# a thousand evaluations are nothing to worry about: neural-style's
# [README](https://github.com/jcjohnson/neural-style) gives about a minute for 500 of them at 512 pixels, on a card of 2015.
#
# We begin with **the authors themselves**, and with three pages of theirs. `gatys_2016` is the
# [paper](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# to the letter: rescaled network, average pooling, sums of squares, and a start from noise. `gatys_normalised` is
# [their program of 2017](https://github.com/leongatys/NeuralImageSynthesis) for the same network. `gatys` is the
# [notebook that the first author published](https://github.com/leongatys/PytorchNeuralStyleTransfer). It starts from
# the photo and has the plain network, so that every layer needs a weight of its own.

# %%
def wall_of(names, columns, alt):
    """The stored paintings of some programs, with a line about each."""
    pictures = [load(systems / f"{name}.jpg", 640) for name in names]
    titles = []
    for name in names:
        work = f"{stored[name]['evaluations']} x {RECIPES[name].optimiser['name']} from {starts[RECIPES[name].start]}"
        titles.append(f"{name}: {work}, {stored[name]['seconds'] / 60:.0f} min")
    return show(pictures, titles, columns=columns, alt=alt)


wall_of(["gatys_2016", "gatys_normalised", "gatys"], 2, alt="Two paintings of a lake, a grainy photo and one like a stormy sea piece, and an astronaut in pale, wavy strokes.")

# %% [markdown]
# The first picture is a surprise. It is the photo under coloured grain, and there is no trace of Turner. We used the
# equations of the paper, and the ratio of 1e-3 that it prints. But equation 1 adds up the squares of all features of
# a layer, more than a million at this size, while equation 4 divides by their number, and so content has everything
# to say. The second picture is the same photo, the same painting and the same network with the weights of their
# program, which takes the mean in both places. Compared with content, that is about two million times as much style,
# and now there are storm clouds and a burning mountain top. Even the page of the inventors is not complete, and it is
# their program that tells us what they did.
#
# **The programs** came next. [neural-style](https://github.com/jcjohnson/neural-style) (2015) is written in Lua, and
# [neural-style-pt](https://github.com/ProGamerGov/neural-style-pt) is its translation to PyTorch. Both start from noise
# so weak that your eye would take it for an even grey picture. [pystiche](https://github.com/pystiche/pystiche) and
# [gordicaleksa's](https://github.com/gordicaleksa/pytorch-neural-style-transfer) program keep the paper's layers and its
# L-BFGS. [crowsonkb's](https://github.com/crowsonkb/style-transfer-pytorch) goes furthest from the paper: it compares
# means and covariances instead of Gram matrices, paints at five growing sizes, and hands out a running mean of its last
# images.

# %%
wall_of(["neural_style", "neural_style_pt", "crowsonkb", "gordicaleksa", "pystiche", "ours"], 2,
        alt="Paintings by well-known programs: the Colosseum twice in blue strokes of the starry night, a mountain lake in small separate touches of many colours, a girl with a pearl earring in van Gogh's yellow and blue, an astronaut of stained glass, and a pavilion in red and gold.")

# %% [markdown]
# The last one is no publication. It is the recipe `ours` of this series, with its 150 evaluations, and it stands here
# for comparison.
#
# **The tutorials** are what most people meet first:
# [PyTorch's](https://docs.pytorch.org/tutorials/advanced/neural_style_tutorial.html),
# [TensorFlow's](https://www.tensorflow.org/tutorials/generative/style_transfer),
# [the example of Keras](https://keras.io/examples/generative/neural_style_transfer/),
# [Dive into Deep Learning](https://d2l.ai/chapter_computer-vision/neural-style.html),
# [Udacity's course](https://github.com/udacity/deep-learning-v2-pytorch) and
# [Stanford's CS231n](https://cs231n.github.io/). All six start from the photo. Four of them take Adam, one takes
# plain gradient descent, and only PyTorch's takes L-BFGS.

# %%
wall_of(["pytorch_tutorial", "tensorflow", "keras", "d2l", "udacity", "cs231n"], 2,
        alt="Paintings by tutorials: an astronaut as a mosaic, a cat in red and green splinters, the girl with the pearl earring under swirling lines, gates in gold, the astronaut again under small blue hooks of water, and houses under grain.")

# %% [markdown]
# Not every page paints well. CS231n's numbers were tuned for SqueezeNet, and with VGG19 its loss ends higher than it began:
# weights do not travel from one network to another. And if you have tried one of these tutorials and were not quite happy
# with your picture, look at the number of evaluations first. If you stop after a tenth of the published evaluations, you
# get a different, unfinished painting.
#
# Five more recipes in the file follow small projects of students and hobbyists. Their pages name few numbers or none, so
# most of the weights are ours, and they are not on the wall. But each had an idea that we took up somewhere:
#
# | what the project does | our recipe | where in this series |
# |---|---|---|
# | VGG16 with L-BFGS and total variation, both pictures brought to one shape, shown after 1, 2, 5 and 10 iterations | `vgg16_lbfgs` | [notebook 07](07_painting_with_lbfgs.ipynb), on what L-BFGS calls an iteration |
# | VGG19 from noise in 1,024 steps, with average pooling, absolute errors, and settings for each image | `noise_1024` | the last section of this notebook |
# | a walk in eight steps, from looking at the two pictures to saving the result, with TensorFlow | `eight_steps` | [notebook 00](00_start_here.ipynb), the same walk in PyTorch |
# | VGG19 whose channels are rescaled to a mean of 1, with Adam up to 9,000 steps | `adam_9000` | [notebook 06](06_painting_with_adam.ipynb) |
# | VGG19 by layer name, with content, style and variation, and Adam | `named_layers` | [notebook 05](05_the_total_loss.ipynb), on the three terms |
#
# ## Who pulls?
#
# The programs use nearly the same five style layers. On our wall each has its own pair of pictures, so you cannot see
# there what comes from the loss. But we can measure what each loss listens to. It is tempting to look at the loss
# itself and to call the largest term the most important one. Let's see whether that is right.
#
# Our toy is a picture of a single pixel $x$, which is 0.5 now. The loss has two terms, $9 + (x - 0.4)^2$ and
# $(x - 1)^2$.
#
# **Your turn, before you run the next cell.** Which term holds more of the loss, and by how much? And which one moves the
# pixel? You need both slopes at 0.5.
#
# <details><summary>Compare</summary>
#
# The first term is 9.01, and the second 0.25, so the first holds more than 97 per cent of the loss. But its slope is only
# 2 · (0.5 − 0.4) = 0.2, while that of the second is 2 · (0.5 − 1) = −1. The pixel does not notice the 9 at all, because
# no step can make it smaller. The second term pulls five times as hard, and the pixel moves up.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
def large_term(x):
    return 9 + (x - 0.4) ** 2


def small_term(x):
    return (x - 1) ** 2


x = torch.tensor(0.5, requires_grad=True)
for term in (large_term, small_term):
    (slope,) = torch.autograd.grad(term(x), x)
    print(f"value {term(x).item():.2f}, slope {slope.item():+.1f}")

# %% [markdown]
# So we do not ask how large a term is. We ask how long its **gradient** is, the list of its slopes for all pixels, at
# the painting that the program handed out. The length of one part's gradient, divided by the sum of the lengths of all
# parts, is what we call the **pull** of the part.
#
# We start with the two paintings of the first section, the tutorial's own and the one with the paper's layers. Each
# part of their losses is measured by itself, by a recipe that has no other part:

# %% tags=["painting"]
from dataclasses import replace

from torch.nn.functional import interpolate

from helpers.recipes import Objective

vgg = VGG()  # full precision, for measuring
small_photo = load("china", 240)  # (1, 3, 160, 240), as large as the two paintings
small_style = interpolate(style, (160, 240), mode="bicubic", antialias=True)  # squeezed to the photo's shape, as they do


def print_pulls(made, painting):
    """Print for each part of a recipe its share of the loss and of the pull at a painting, in per cent."""
    parts = {"content": replace(made, style={})}
    for layer, weight in made.style.items():
        parts[layer] = replace(made, content={}, style={layer: weight})
    values = {}
    lengths = {}
    for part, alone in parts.items():
        image = painting.clone().requires_grad_()  # (1, 3, 160, 240)
        value = Objective(alone, vgg, small_photo, small_style)(image)
        value.backward()
        values[part] = value.item()
        lengths[part] = image.grad.norm().item()
    for part in parts:
        share = 100 * values[part] / sum(values.values())
        pull = 100 * lengths[part] / sum(lengths.values())
        print(f"  {part:8}{share:5.1f} % of the loss, {pull:5.1f} % of the pull")


print("the tutorial's layers")
print_pulls(tutorial, as_published)
print("the paper's layers, under the same weights")
print_pulls(deeper, with_paper_layers)

# %% [markdown]
# In the tutorial, content holds about half of the loss and less than a tenth of the pull. It is the 9 of our toy
# again: large, and hard to make smaller from here. With the paper's layers, `relu4_1` has about four fifths of the
# pull. `relu1_1`, which is nearest to the colours, has less than one per cent. So has the tutorial's `conv1_1`, but
# there its neighbours `conv1_2` and `conv2_1`, which react to colours as well, have nearly 30 per cent together. It
# looks as if hardly anybody asked for Kandinsky's beige any more. A small pull alone does not prove it, and we come
# back to this below.
#
# The same was measured for all the systems of the wall when they were painted, at full size. Each bar is one program.
# Grey is the content, light orange to dark red is the style in the first to the fifth block of the network, and blue
# is the total variation:

# %%
import matplotlib.pyplot as plt

from helpers.show import figure

shades = ["#fbd9a6", "#f2a65a", "#d9683c", "#a3312f", "#5b1226"]  # of the five blocks of the network
fig, axes = plt.subplots(figsize=(9.6, 6.2))
for row, name in enumerate(reversed(stored)):
    left = 0.0
    for part, share in stored[name]["pull"].items():
        kind, _, layer = part.partition(" ")  # "style relu1_1" -> "style", "relu1_1"
        colour = "#b0b0b0" if kind == "content" else "#2b5a8c"
        word = kind
        if kind == "style":
            block = int(layer.split("_")[0][-1])  # "relu4_1" -> 4
            colour = shades[block - 1]
            word = layer
        axes.barh(row, share, left=left, color=colour, edgecolor="white", linewidth=0.5)
        if share >= 9:
            ink = "black" if kind == "content" or colour in shades[:2] else "white"
            axes.text(left + share / 2, row, f"{word} {share:.0f}", ha="center", va="center", fontsize=8, color=ink)
        left += share
axes.set(yticks=range(len(stored)), yticklabels=reversed(stored), xlim=(0, 100), xlabel="pull, per cent")
axes.spines[["top", "right"]].set_visible(False)
figure(fig, alt="One bar for each program, cut into the pulls of content, style layers and variation; in most of them "
       "grey content or dark red relu4_1 is the longest piece.")

# %% [markdown]
# Now read the chart row by row. In `gatys_2016` the content does all the pulling, which explains our surprise. Much
# the same holds for `cs231n`, whose weights were made for SqueezeNet and not for VGG19. In `pystiche` and
# `gordicaleksa` `relu4_1` is the whole bar but for a sliver, in `gatys`, `keras` and `d2l` it is about nine tenths,
# whatever their style weights are, and in `udacity` it leaves a fifth to `relu2_1`. `neural_style` and
# `neural_style_pt` ask for less style, and so their content has a sixth of the bar to itself. In `tensorflow` and
# `crowsonkb`, the content pulls hardest, and `relu4_1` nearly as hard. Only in `ours` and in `gatys_normalised` do several layers
# pull, and in the tutorial of PyTorch, which asks shallow layers alone. Blue is nowhere wide: total variation has
# seven per cent in `tensorflow` and two or less in the others, so in none of these programs does it decide how the
# picture looks. (Some of these bars belong to programs made for torchvision's weights. With their own network the
# pieces may be of other lengths.)
#
# A short piece can have two reasons. Either nobody listens to this layer, or its wish is already fulfilled, and
# nothing is left to pull for. The style errors of the paintings tell the two apart:

# %%
for name, settings in stored.items():
    errors = settings["style_errors"]
    print(f"{name:17}style error at relu1_1 {errors[0]:7.4f}, at relu4_1 {errors[3]:6.3f}, at relu5_1 {errors[4]:6.3f}; "
          f"content error {settings['content_error']:.2f}")

# %% [markdown]
# In our own recipe the wish has been fulfilled. Its pull at `relu1_1` is one per cent, but its error there is only
# about a thousandth, so the colours have been settled. In `d2l` the first layer hardly pulls
# either, and the error at `relu1_1` is hundreds of times as large. There the colours were hardly asked for, just as in
# the tutorial with the paper's layers. `gatys` lies between the two. Its first layer pulls even less, but 520
# evaluations were enough to bring its error down to a hundredth.
#
# Why does one layer pull so much harder than the others? The reason is one that you have met in
# [notebook 05](05_the_total_loss.ipynb). Size did not count in our toy, because the 9 was *added*. Here a layer's
# features are *multiplied*: features that are c times as large make the squared difference of the Gram matrices c⁴
# times as large, and its gradient, too. VGG19's features are not equally large in every layer:

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    for layer, features in vgg(load("china", 256).to(vgg.device), paper_layers).items():  # (1, C, h, w) each
        loudness = features.square().mean()
        print(f"{layer}: mean square {loudness:7.2f}, its square {loudness**2:10.1f}")

# %% [markdown]
# So equal weights are not neutral: they give most of the say to `relu4_1`. What that does to a painting is shown in
# notebook 05, too, by a single change: where `relu1_1` has nothing to say, the photo keeps its own colours. There are
# three ways out. `gatys_normalised` rescales the network, `crowsonkb` gives the shallow layers larger weights, and
# `ours` divides each error by its own target.
#
# There is a second message in the bars. At a finished painting all gradients add up to zero, because otherwise
# another step would help. Then no part can have more than half of the total length: the others could not balance it
# even if they all pointed the other way. So if a part has far more than 50 per cent, and few pixels are held at 0 or
# 1, the painting that we measure is not at a minimum of its loss.
#
# **Exercise 2 · build** · ●●○ · 15 minutes. You have met the measurement inside `print_pulls`. Now write it for any
# loss, and without looking. You get a list of functions, each of which takes an image and gives back one weighted
# part of the loss. Return the pulls in per cent, in the same order. The specification nudges every pixel by itself,
# which is right and hopelessly slow; yours should take one gradient a part.


# %% tags=["spec"]
def pulls_spec(parts, image):
    image = image.double()
    lengths = []
    for part in parts:
        squares = 0.0
        for place in range(image.numel()):
            nudge = torch.zeros_like(image).flatten()
            nudge[place] = 1e-5
            nudge = nudge.view_as(image)
            slope = (part(image + nudge) - part(image - nudge)) / 2e-5
            squares += slope**2
        lengths.append(squares**0.5)
    return torch.stack([100 * length / sum(lengths) for length in lengths])


def towards_grey(image):
    return 30 + 0.1 * (image - 0.5).square().sum()


def roughness(image):
    return 4 * (image[..., 1:] - image[..., :-1]).square().mean()


def brightness(image):
    return 2 * (image.mean() - 3).abs()


def constant(image):
    return 7 + 0 * image.sum()


# %% tags=["exercise"]
def my_pulls(parts, image):
    """parts: functions image -> scalar; image: (1, 3, H, W) -> their pulls in per cent, one number a part."""
    # solution
    lengths = []
    for part in parts:
        x = image.clone().requires_grad_()
        part(x).backward()
        lengths.append(x.grad.norm())
    lengths = torch.stack(lengths)
    return 100 * lengths / lengths.sum()


# %% tags=["check"]
from helpers.check import check, each

losses = each([towards_grey, roughness], [roughness, constant, brightness], [brightness, roughness, towards_grey])
check(my_pulls, pulls_spec, losses, (1, 3, 4, 5), tolerance=1e-3);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Every part needs a gradient of its own. If two parts call `backward` on the same image, PyTorch adds the second
# gradient to the first.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Make a fresh copy of the image for each part with `image.clone().requires_grad_()`, call `backward` on the part, and
# take the `norm` of the copy's `grad`. Divide by the sum at the end.
#
# </details>
#
# <!-- solution: my_pulls -->
#
# ## One knob at a time
#
# A wall compares whole programs, and so it cannot tell you which of their words makes the difference. For that we take
# one recipe, our own, and turn one knob at a time. All the following paintings show the pavilion after *Composition VII*,
# and they start from the photo in the colours of the style (`matched_colour`). `pyramid` lets L-BFGS change coarse and
# fine pixels at once, which saves time ([notebook 09](09_bigger_pictures.ipynb) explains it).
#
# "The strokes got wider" should be a number, too. Think of a wave that goes from bright to dark and back to bright, and
# shift it against itself. A short shift hardly matters. After half a wave, bright lies on dark, and after a sixth of a
# wave the two agree half: their **correlation**, the mean product of the two, divided by the mean product without a
# shift, has fallen from 1 to 0.5. So we shift a picture to the right and down, pixel by pixel, until the correlation of
# its brightness falls to a half, and six times that shift is the **width of the marks**. (Before that, we subtract the
# mean of the surroundings, 41 pixels wide, because a sky that gets brighter towards the horizon is no mark.) Does it
# work for bumps of 8 and of 16 pixels?

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import avg_pool2d


def width_of_marks(image):
    """The typical width, from bright to dark to bright, of what is in an image (1, 3, H, W), in pixels."""
    brightness = image.mean(1)  # (1, H, W)
    surroundings = avg_pool2d(brightness, 41, stride=1, padding=20, count_include_pad=False)  # (1, H, W)
    brightness = brightness - surroundings  # a sky that is brighter at one end is no mark
    previous = 1.0
    for shift in range(1, min(brightness.shape[1:]) // 2):
        to_the_right = (brightness[:, :, shift:] * brightness[:, :, :-shift]).mean()
        down = (brightness[:, shift:] * brightness[:, :-shift]).mean()
        correlation = ((to_the_right + down) / (2 * brightness.square().mean())).item()
        if correlation < 0.5:
            beyond = (0.5 - correlation) / (previous - correlation)  # part of the last pixel that was too much
            return 6 * (shift - beyond)
        previous = correlation
    return 6.0 * shift  # marks that are too wide for this picture


places = torch.arange(96.0)
for period in (8, 16):
    wave = torch.sin(2 * torch.pi * places / period)  # (96,)
    bumps = 0.5 + 0.5 * wave * wave[:, None]  # (96, 96), up and down in both directions
    print(f"bumps of {period} pixels: width {width_of_marks(bumps.expand(1, 3, 96, 96)):.1f}")

# %% [markdown]
# It does, nearly. (Between two whole shifts we draw a straight line.) In a painting we measure in the sky, right of
# the roof, where the photo has no marks of its own. A second number is the content error, which says how much of the
# photo is lost:

# %%
from helpers.colours import matched_colour
from helpers.fast import pyramid
from helpers.images import as_saved
from helpers.losses import content_loss
from helpers.transfer import optimise

photo = load("china", size).to(vgg.device)  # (1, 3, 171, 256)
style = load("kandinsky_composition_vii", style_size).to(vgg.device)  # (1, 3, 255, 384)
with torch.no_grad():
    content_target = vgg(photo, "relu4_2")["relu4_2"]  # (1, 512, 21, 32)


def paint_with(style, **changes):
    """Our recipe with some words changed: a painting of the pavilion, as a file would keep it."""
    objective = Objective(recipe("ours", **changes), quick, photo, style)
    start = matched_colour(photo, style)
    return as_saved(optimise(start, objective, evaluations, parametrize=pyramid).image)


def numbers(painting):
    """The width of the marks in the sky, and the content error, as a title."""
    height, width = painting.shape[2:]
    sky = painting[..., height // 20 : 3 * height // 8, 3 * width // 5 : 19 * width // 20]
    with torch.no_grad():
        content_error = content_loss(vgg(painting, "relu4_2")["relu4_2"], content_target).item()
    return f"width {width_of_marks(sky):.0f} px, content error {content_error:.2f}"


# %% [markdown]
# **The size of the style picture** is the first knob to turn, because it is the one that you notice first. A network
# sees windows of fixed sizes, in pixels. If the style picture is small, whole figures of Kandinsky fit into
# a window, and they come out small. If it is large, the same window shows a piece of a single stroke.

# %% tags=["painting"]
middle = paint_with(style)

# %% tags=["painting"]
fine = paint_with(load("kandinsky_composition_vii", 128))

# %% tags=["painting"]
broad = paint_with(load("kandinsky_composition_vii", 896))

# %%
strip = {"128 px": fine, f"{style_size} px": middle, "896 px": broad}
titles = ["the start: the photo in the style's colours"]
titles += [f"style at {name}: {numbers(picture)}" for name, picture in strip.items()]
show([matched_colour(photo, style), *strip.values()], titles, columns=2, height=272,
     alt="The pavilion in warm colours, and three paintings of it: with the smallest style picture the sky is full of "
     "small splinters, with the largest it holds broad, calm areas.")

# %% [markdown]
# With the style at 128 pixels the sky is full of splinters, and even the trees are made of small rings. At 896 pixels
# the sky holds a few broad folds, and the trees are calm, too. Nothing else was changed. The number says how much of
# this you bought: the style picture became seven times as large, and the marks became about two thirds wider. One
# reason why they do not follow all the way is that the windows of the layers stay as they are. Another is our ruler,
# which hardly sees marks that are much wider than 20 pixels. The broader marks also keep more of the photo: the
# content error falls, probably because most of the sky is left alone.
#
# **Pooling** is a word of the recipe that is easily overlooked. A pooling layer halves the maps, and it hands on either
# the largest of four neighbours (max) or their mean (average). The paper recommends the mean. The author of
# neural-style writes in his [README](https://github.com/jcjohnson/neural-style): "I haven't been able to get good
# results using average pooling". Who is right?
#
# Before we paint, let's see what it does to the features. Of the four numbers 0, 0, 0 and 4 the largest is 4 and the mean
# is 1, so average pooling must make the features smaller. crowsonkb's program therefore multiplies by 2 after each
# average. The authors' rescaled network was made to even out the layers. Does it also help here? We print that, too.
#
# **Your turn, before you run the next cell.** There are four poolings before `relu5_1`. The mean feature there is
# compared with that under max pooling. Will the factor 2 restore it exactly? What would have to be true of the four
# neighbours?
#
# <details><summary>Compare</summary>
#
# It cannot be exact. The factor would have to be the largest of the four, divided by their mean, which is 1 where all
# four are equal and 4 where only one of them is not zero. Two is a guess in between, and the errors of four poolings
# multiply.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
def mean_features(network, factor=1.0):
    """The mean feature of five layers, where each pooling is followed by a multiplication."""
    means = []
    x = (photo - network.mean) / network.std
    for name, layer in network.layers.items():
        x = layer(x)
        if name.startswith("pool"):
            x = factor * x
        if name in paper_layers:
            means.append(x.mean().item())
    return means


rows = {
    "max": mean_features(vgg),
    "average": mean_features(vgg.pooled("avg")),
    "average, times 2": mean_features(vgg.pooled("avg"), factor=2.0),
    "rescaled, max": mean_features(VGG(normalised=True)),
    "rescaled, average": mean_features(VGG(normalised=True, pool="avg")),
}
for name, means in rows.items():
    print(f"{name:18}" + "".join(f"{value:7.2f}" for value in means))

# %% [markdown]
# Average pooling leaves two fifths of the mean feature at `relu4_1`, and a fifth at `relu5_1`. With the factor 2 the
# features of these two layers become three times as large as they should be, for our photo. And in the rescaled
# network each layer has a mean near 1 with max pooling, as intended, but not with average pooling.
#
# Now think of a program with published weights. The errors of its Gram matrices grow with the fourth power of the
# features, and two fifths to the fourth power is about a fortieth. The content error grows with the square only, so it
# falls to about a sixth. If you change the pooling in such a program, you have turned down its style as well, and you
# cannot tell which of the two spoiled the picture. Relative errors are divided by their own targets, which shrink along
# with the features, and so the pooling itself is left to be seen:

# %% tags=["painting"]
averaged = paint_with(style, pool="avg")

# %%
show([middle, averaged], [f"max: {numbers(middle)}", f"average: {numbers(averaged)}"], height=312,
     alt="Two paintings of the pavilion in the same colours, with max pooling on the left and average pooling on the right.")

# %% [markdown]
# The colours are the same, and the marks in the sky are nearly as wide. With average pooling they are rounder and
# their edges are softer, and the content error is a little larger (our judge uses max pooling, so it is not
# impartial). For this pair, it is a matter of taste.
#
# **Total variation** is the third knob. Notebook 05 used it against the grain of a painting that starts from noise. What
# does it do to a painting that starts from a photo? We give it the weight 30, which is too much, so that it can be seen:

# %% tags=["painting"]
smooth = paint_with(style, tv=30.0)

# %%
show([middle, smooth], [f"variation 0: {numbers(middle)}", f"variation 30: {numbers(smooth)}"], height=312,
     alt="Two paintings of the pavilion: hard strokes and grainy trees on the left, soft strokes and smooth trees on the right.")

# %% [markdown]
# The grain in the trees is gone, and with it every hard edge of a stroke. The marks count as wider, but that is a poor
# way to get wide strokes, because they are now blurred. So turn this
# knob when there is grain, and stop before the strokes get soft.
#
# ## Two knobs at once, as in the paper
#
# Two knobs are left, the content weight and the style layers, and they are the two of the picture at the top. In the
# paper's figure the rows use more and more layers, from `conv1_1` alone to `conv1_1` up to `conv5_1`, and from column to
# column the ratio of content to style grows tenfold, from 1e-5 to 1e-2. Ours has the layers after their ReLU, and our
# relative weights, from 0.003 to 3. It starts from a photo that is blurred until only patches of colour are left, where the
# paper starts from noise. Here are the four corners, a little larger:

# %%
grid = DATA / "results" / "08_grid"
corners = ["relu1_1_0.003", "relu1_1_3", "relu5_1_0.003", "relu5_1_3"]
titles = ["relu1_1, content weight 0.003", "relu1_1, content weight 3",
          "five layers, content weight 0.003", "five layers, content weight 3"]
show([load(grid / f"{corner}.jpg", None) for corner in corners], titles, columns=2, height=256,
     alt="Four paintings of the houses: specks over sky and river, the town in plain sight, broad bent marks in which the "
     "houses dissolve, and the town in plain sight again.")

# %% [markdown]
# The two on the left differ in the sky, and we measure that in a moment. Look at the two on the right first. At the
# weight 3 the houses stand in plain sight, and the two pictures look nearly alike, although one of them has five
# style layers and the other has one. Here the content term is so strong that the choice of style layers hardly shows.
#
# **Your turn, before you run the next cell.** A [course](https://github.com/udacity/deep-learning-v2-pytorch) tells its
# students that weighting the *earlier* style layers more gives larger style artefacts. We can check that in the left
# column, where content hardly interferes. How should the width of the marks change from the first row to the last, if the
# course is right, and how if you think of the windows of 3, 10, 24, 68 and 156 pixels that the layers see?
#
# <details><summary>Compare</summary>
#
# If the course were right, the first row would have the widest marks. But a Gram matrix at `relu1_1` knows only windows of
# 3 pixels. It can ask for colours and specks, and for nothing wider. Each row adds a layer that sees more, so the marks
# should grow downwards.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
for layer in paper_layers:
    sky = load(grid / f"{layer}_0.003.jpg", None)[..., 10:70, 60:200]  # (1, 3, 60, 140)
    print(f"up to {layer}: width of the marks in the sky {width_of_marks(sky):.1f} pixels")

# %% [markdown]
# The width grows with every row, and from the first to the last it doubles. (8.7 pixels are more than the window of
# 3, because windows overlap, and a whole wave is about two specks wide.) This speaks against the rule: here the late
# layers make the marks larger. If you want specks, you know now what to do, too.
#
# **Exercise 3 · diagnose** · ●○○ · 5 minutes. Five people show you their paintings and complain. Name the knob that each
# of them should turn: `"content weight"`, `"style size"`, `"style layers"`, `"variation"` or `"learning rate"`. Each knob
# helps one of them.
#
# - Melted: "I painted my sister, and nobody recognises her any more."
# - Specks: "The colours are right, but even without any content no stroke is longer than a few pixels."
# - Confetti: "My painting is strewn with tiny copies of the style's figures. I wanted the sweep of a single brush."
# - Grain: "I started from noise, and coloured dots are left in all even areas."
# - Dust: "I copied a program for pixels from 0 to 255. Mine run from 0 to 1, and after one step the picture is black and
#   white dust."


# %% tags=["spec", "folded"]
def knobs_spec():
    return {
        "melted": "content weight",
        "specks": "style layers",
        "confetti": "style size",
        "grain": "variation",
        "dust": "learning rate",
    }


# %% tags=["exercise"]
def my_knobs():
    """Return a knob for each complaint: {"melted": ..., "specks": ..., "confetti": ..., "grain": ..., "dust": ...}."""
    # solution
    return {
        "melted": "content weight",
        "specks": "style layers",
        "confetti": "style size",
        "grain": "variation",
        "dust": "learning rate",
    }


# %% tags=["check"]
from helpers.check import check

check(my_knobs, knobs_spec);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Each of the five was turned, or explained, somewhere above. Start with the complaint about noise, and with the one about a
# unit.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Two are left that sound alike, about marks that are too small. One of them stays small although the style picture
# may be as large as you like, because nobody looks at more than a few pixels.
#
# </details>
#
# <!-- solution: my_knobs -->
#
# ## Settings for each image
#
# Nobody has found settings that suit every picture, and one of the small projects says so on its first page. But
# there is an order that saves time. Turn first what changes most and costs least.
#
# 1. **The size of the style picture**, until the strokes are as broad as you like. Do this in small pictures, with few evaluations.
# 2. **The content weight**, in factors of three: less if the even areas stay empty, more if you no longer recognise what
#    matters.
# 3. **Total variation**, only if there is grain.
# 4. **Evaluations and pixels** at the end, because they cost the most. Then check the first knob again, because a stroke of 30
#    pixels is broad in a small picture and narrow in a large one.
#
# When you have good settings for an image, write them down. A recipe has a place for that: `per_style` holds changes
# for single style pictures. `paint` does not look there by itself; you choose a row.

# %%
for name, changes in recipe("noise_1024").per_style.items():
    print(f"{name}: {changes}")
tuned = recipe("noise_1024", **recipe("noise_1024").per_style["mosaic"])
print(f"the content weight for the mosaic: {tuned.content['relu3_2']:g}")

# %% [markdown]
# **Exercise 4 · design** · ●●○ · 25 minutes. A friend likes her small painting of the pavilion, but she has two
# wishes. The marks in the sky should be nearly half as broad again, and the pavilion should be easier to recognise.
# Her painting is 160 pixels wide, and it was made by our recipe with a style picture of 96 pixels and a content
# weight of 0.03. Its marks measure 11.6 pixels, and its content error is 1.0. She wants at least 16 pixels and at
# most 0.8, in Kandinsky's style (a mean style error of at most 0.15), and no total variation, which would only blur
# her strokes.
#
# Design the settings: the size of the style picture, and any words of the recipe `ours` that you want to change. The
# check paints with them, which takes some seconds, and measures the three numbers.


# %% tags=["spec"]
import torch


def sky_width(painting):
    """The width of the marks right of the roof, as above."""
    brightness = painting[..., 5:40, 96:152].mean(1)
    surroundings = torch.nn.functional.avg_pool2d(brightness, 41, stride=1, padding=20, count_include_pad=False)
    brightness = brightness - surroundings
    previous = 1.0
    for shift in range(1, 17):
        across = (brightness[:, :, shift:] * brightness[:, :, :-shift]).mean()
        down = (brightness[:, shift:] * brightness[:, :-shift]).mean()
        correlation = ((across + down) / (2 * brightness.square().mean())).item()
        if correlation < 0.5:
            return 6 * (shift - (0.5 - correlation) / (previous - correlation))
        previous = correlation
    return 6.0 * shift


def three_numbers(settings):
    """The width of the marks in pixels, the content error and the style error of a painting with some settings."""
    from helpers.colours import matched_colour
    from helpers.fast import fast, pyramid
    from helpers.images import as_saved, load
    from helpers.losses import content_loss, gram, style_loss
    from helpers.recipes import Objective, recipe
    from helpers.transfer import optimise
    from helpers.vgg import VGG

    changes = dict(settings)
    vgg = VGG()
    style = load("kandinsky_composition_vii", changes.pop("style_size")).to(vgg.device)
    photo = load("china", 160).to(vgg.device)
    objective = Objective(recipe("ours", **changes), fast(VGG()), photo, style)
    start = matched_colour(photo, style)
    painting = as_saved(optimise(start, objective, 20, parametrize=pyramid).image)
    with torch.no_grad():
        target = vgg(photo, "relu4_2")["relu4_2"]
        content_error = content_loss(vgg(painting, "relu4_2")["relu4_2"], target).item()
        layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
        wanted = vgg(style, layers)
        present = vgg(painting, layers)
        errors = [style_loss(present[layer], gram(wanted[layer])).item() for layer in layers]
    return sky_width(painting), content_error, sum(errors) / 5


def design_fault(settings):
    if "tv" in settings:
        return "total variation blurs strokes instead of widening them: leave it out"
    width, content_error, style_error = three_numbers(settings)
    print(f"width {width:.1f} px, content error {content_error:.2f}, style error {style_error:.2f}")
    if width < 16:
        return f"marks of 16 pixels were wished for, and yours have {width:.1f}"
    if content_error > 0.8:
        return f"the content error should be at most 0.80, and yours is {content_error:.2f}"
    if style_error > 0.15:
        return f"the style error should be at most 0.15, and yours is {style_error:.2f}: that is nearly the photo"
    return ""


# %% tags=["exercise"]
def my_settings():
    """Return {"style_size": pixels, and any words of the recipe with their new values}."""
    # solution
    return {"style_size": 400, "pool": "avg", "content": {"relu4_2": 0.06}}


# %% tags=["check"]
from helpers.check import judge

judge(my_settings, design_fault);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Turn one knob at a time, and write both numbers down. Which knob brings the content error down without making the
# marks narrower?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A larger style picture helps with both wishes, but alone it does not quite reach 16 pixels. Look at the titles of
# the strips again: which other words of the recipe made the marks in the sky wider? If the content error is too large
# after that, a little more content weight pays for it.
#
# </details>
#
# <!-- solution: my_settings -->
#
# ## The most useful knobs on one panel
#
# Turning knobs in code is slow. So `helpers/explorer.py` has a panel with the most useful ones: the pictures, the
# recipe, the content weight, both sizes and the evaluations. (Pooling, variation and layers are words of a recipe.)
# It calls `paint` just as we did, in the background. You need three cells. The first one makes it:

# %%
from helpers.explorer import Explorer

explorer = Explorer(quick)
explorer

# %% [markdown]
# On a page without a kernel this is a photograph of the panel, taken after a run. In a live notebook you can choose two
# pictures there, or upload your own, and see both before you start. Pick any of the twenty recipes, multiply
# its content weight by moving `content ×`, choose the sizes, and press Start. The picture and the curve of the loss
# grow while you watch. Stop ends early and keeps what there is. With the slider "look back" you go through the
# moments of the painting, Save writes the one that you look at, with all settings inside the file, and Film writes
# all of them.
#
# Controls can be set from code, too. That is the second cell, and here it asks for a larger picture and fewer
# evaluations, with the recipe `ours`. (A recipe that squeezes the style to the photo's shape ignores the style's
# size.)

# %%
explorer.controls["style"].value = "woodcut"
explorer.controls["size"].value = 192
explorer.controls["steps"].value = 40

# %% [markdown]
# The third cell paints what the panel asks for, without pressing a button. We keep every image on the way:

# %% tags=["painting"]
moments = []
explored = explorer.paint(callback=lambda step, image, value: moments.append(image))

# %%
chosen = [4, 11, 19, len(moments) - 1]
show([moments[i] for i in chosen], [f"evaluation {i + 1}" for i in chosen], columns=2, height=260,
     alt="Four moments of one painting of the pavilion after a woodcut, from nearly the photo to bent dark and orange lines.")

# %% [markdown]
# At the fifth evaluation you see no change yet. At the twelfth, lines run all over the picture, and right of the roof
# they already spread like rays from a sun. The woodcut's ochre and dark blue come last.
#
# **Exercise 5 · make a picture** · ●●○ · 20 minutes. Take a photo of yours and a style from
# `helpers.images.names("style")`, and paint it in the panel with three recipes from three rows of the wall, with 60
# evaluations at 160 pixels. Choose the one that you like best, and turn the knobs that the panel has, in the order of
# the list above, until you would hang the picture on your wall. Save it, and write down in one sentence which knob
# made the greatest difference.
#
# <details><summary>What to look for</summary>
#
# Some recipes will disappoint you at 60 evaluations, because they were written for a thousand or more; look at
# "evaluations" on the wall before you blame the loss. Multiply the content of `pytorch_tutorial` by 100, and watch
# whether the photo comes back. If a picture fills with noise, the learning rate is too large for so few pixels: for
# some losses the gradient of a pixel grows when there are fewer of them, and Keras' example is one of these.
#
# </details>
#
# You now know which knob does what at a few hundred pixels. [Notebook 09](09_bigger_pictures.ipynb) goes on to the
# knobs that you need for a thousand.
#
# ## What to remember
#
# - A recipe is everything that decides a painting except for the two pictures. A single weight decides nothing.
# - Two networks are called VGG19, and a learning rate has the unit of what it changes. Copy both along with the number.
# - Ask who pulls: compare the lengths of the gradients and not the sizes of the terms.
# - With equal weights, `relu4_1` does most of the pulling in Oxford's VGG19, because its features are the largest.
# - Turn the size of the style picture first, then the content weight, then variation, and pay for pixels and evaluations
#   last.
#
# ## Three questions
#
# Answer each in your own words before you unfold it.
#
# 1. A term holds 95 per cent of the loss, and its pull is 2 per cent. How can that be?
#
# <details><summary>Answer</summary>
#
# It is large, but no small step from here makes it much smaller. Like the 9 in our toy, it has a small slope.
#
# </details>
#
# 2. You change max pooling to average pooling in a program with a style weight of 1e3, and the strokes fade. Has
#    average pooling been proved worse?
#
# <details><summary>Answer</summary>
#
# No. The features have become smaller as well, and the style error falls with their fourth power while the content error
# falls with their square. So you have turned down the style weight without touching it.
#
# </details>
#
# 3. No pixel of a painting is at its limit, and the pull of one layer is 70 per cent. Why do you know that the painting is not finished?
#
# <details><summary>Answer</summary>
#
# At a minimum the gradients of all parts add up to zero. A gradient of length 70 cannot be cancelled by others whose
# lengths add up to 30, even if all of them point the other way.
#
# </details>
#
# ## On your own
#
# - Add a table of your own to `data/recipes.toml`. It appears in the panel at once, and a misspelt word is refused with a list of
#   the right ones.
# - Paint `crowsonkb` at a quarter of its size with `average=0.0` and with the published 0.99. Where do you see the difference?
# - Measure the pulls of a program at the photo instead of at its painting. Which parts change places?
#
# **In practice.** When you read a new program, fill in the page: network, input, layers, what the Gram matrix and the
# squares are divided by, weights, start, optimiser with its unit, size. If one line stays empty, you do not know the
# program yet.
#
# **Further reading.** [neural-style's README](https://github.com/jcjohnson/neural-style) has a gallery for each knob,
# and it is still the best manual of its kind. [Gatys, Ecker and Bethge (2015)](https://arxiv.org/abs/1508.06576),
# figure 3, is the original of our sheet. [Gatys et al. (2017)](https://arxiv.org/abs/1611.07865) add knobs for
# colour, place and scale.
#
# <!-- bottom -->
