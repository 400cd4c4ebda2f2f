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
# > **You will do** paint with nineteen published recipes through one loop, and build a panel that turns their knobs.
# > **You will learn** why nobody's weight fits anybody else's loss, and in which order to turn what.
# > **You need** the losses of notebook 05 and the two optimisers of 06 and 07; they come from the helpers.
# > **Time** 50 minutes; about 50 seconds of computing on a laptop.
# > **Came before** the loss and the loop, one recipe at a time; here are all at once.
#
# ![One photo of a pavilion and nineteen paintings of it after a woodcut: most show the pavilion in short curved strokes, two or three have lost it, three are nearly the photo.](../data/results/08_recipes.jpg)
#
# *The same photo, the same woodcut, a hundred evaluations each; only the recipe changes. The number is the style error
# in our unit. Look at the pavilion: which recipes have lost it, and which have hardly begun?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Pixels of the photo's long side, of the style's, and evaluations of the loss for each painting:

# %% tags=["settings"]
import torch

size, style_size, evaluations = 96, 240, 40

# %% [markdown]
# ## One description for every run
#
# **A published run fits into one page of words and numbers.** We have written down nineteen of them, one table each, in
# `data/recipes.toml`: ours, the paper's, eleven well-known programs and tutorials, and others. Here is the official
# PyTorch tutorial:

# %%
from helpers.recipes import RECIPES, recipe

for word, value in vars(recipe("pytorch_tutorial")).items():
    print(f"{word:14} {value}")

# %% [markdown]
# `input` says what the network is fed, `gram` what the Gram matrix is divided by, and the `_error` words how two things
# are compared; `start` is the first image, and `pixels` how they are kept in range. `choices` says what the source
# leaves open and we chose. Weights are the published ones; rates are converted to pixels between 0 and 1.
#
# Any word can be changed:

# %%
# NBVAL_CHECK_OUTPUT
short = recipe("pytorch_tutorial", steps=40)
print(f"{recipe('pytorch_tutorial').steps} evaluations become {short.steps}; the layers stay: {', '.join(short.style)}")

# %% [markdown]
# A recipe runs from one line. Its weights were found for VGG19; our small network stands in:

# %%
from helpers.images import load
from helpers.recipes import paint
from helpers.show import show
from helpers.vgg import VGG

vgg = VGG()
photo, style = load("china", size).to(vgg.device), load("woodcut", style_size).to(vgg.device)
published = paint("pytorch_tutorial", photo, style, vgg, steps=40)

# %% [markdown]
# Now with two words changed: our L-BFGS, which searches along each step, and a fence in place of the clamp inside the
# closure:

# %%
searched = paint(recipe("pytorch_tutorial", optimiser={"name": "lbfgs"}, pixels="fence"), photo, style, vgg, steps=40)
for name, run in {"as published": published, "with a line search": searched}.items():
    print(f"{name}: the loss went up to {max(run.history) / run.history[0]:.1f} times that of the photo")
show([photo, style, published.image, searched.image], ["content", "style", "as published", "with a line search"], height=150,
     alt="A photo of a pavilion; a woodcut of a hill under an orange sun; strokes with hardly a pavilion; the pavilion in strokes.")

# %% [markdown]
# Without a line search the first long step is luck (notebook 07), and here bad luck: the loss leapt, and most of the
# pavilion is gone. In trials at smaller sizes the same recipe got through. With a search the loss overshoots little, if
# at all, and more of the pavilion is left, in the same strokes.
#
# The table of all, in one loop:

# %%
for name, r in RECIPES.items():
    first, last = list(r.style)[0], list(r.style)[-1]
    print(f"{name:17} {r.network}  {first} to {last}  {r.optimiser['name']:6} {r.steps:5} evaluations at {r.size} px")

# %% [markdown]
# The last five follow small projects whose pages give no weights: those are ours. Unknown names and words are answered
# with the known ones:

# %%
for name, changes in {"gatsy": {}, "d2l": {"stepz": 3}, "keras": {"gram": "channels"}}.items():
    try:
        recipe(name, **changes)
    except ValueError as error:
        print(error)

# %% [markdown]
# Two recipes read their content at `relu5_2`. The embedded network ends before it:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.recipes import Objective

for name in ("tensorflow", "keras"):
    Objective(RECIPES[name], vgg, photo, style)

# %% [markdown]
# The deepest layer of the same kind takes its place, and a line says so. With `VGG("vgg19")` nothing would be printed.
#
# ## Which weights?
#
# **1e6, 1e3, 100 and 3e4 are all "the" style weight.** They belong to PyTorch's tutorial, Gatys's notebook,
# *neural-style* and *gordicaleksa*. Notebook 05 did the algebra; here are numbers for the head, two channels at four
# places:

# %%
# NBVAL_CHECK_OUTPUT
F = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]])
S = torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
C, hw = F.shape
squares = (F @ F.T - S @ S.T).square()
print(f"sum {squares.sum():.0f}, of G / hw {squares.sum() / hw**2:.3f}, of G / (C hw) {squares.sum() / (C * hw) ** 2:.3f}")
print(f"mean {squares.mean():.0f}, of G / hw {squares.mean() / hw**2:.3f}, of G / (C hw) {squares.mean() / (C * hw) ** 2:.4f}")

# %% [markdown]
# Two entries differ by 2: the sum is 8. Dividing $G$ by $hw = 4$ divides squares by 16, by $C\,hw = 8$ by 64, and a
# mean divides by another $C^2 = 4$.
#
# Now the four weights, each in its own loss and divided by the weight of its content:


# %%
def famous(F, S):
    C, hw = F.shape
    squares = (F @ F.T - S @ S.T).square()
    return {
        "1e6  PyTorch": 1e6 * (squares / (C * hw) ** 2).mean() / 1,
        "1e3  Gatys": 1e3 / C**2 * (squares / hw**2).mean() / 1,
        "100  neural-style": 100 * (squares / (C * hw) ** 2).mean() / 5,
        "3e4  gordicaleksa": 3e4 / 5 * (squares / (C * hw) ** 2).sum() / 1e5,
    }


# %% [markdown]
# VGG19's first layer has 64 channels: ours, 32 times. **Before you run it:** how much larger than the 1e3 will the 1e6
# be?

# %%
# NBVAL_CHECK_OUTPUT
narrow, wide = famous(F, S), famous(F.repeat(32, 1), S.repeat(32, 1))
for name in narrow:
    print(f"{name:18} {narrow[name]:11.4f} with 2 channels, {wide[name]:9.5f} with 64")

# %% [markdown]
# A thousand times, still. But PyTorch's pixels run from 0 to 1, divided by 0.226, the others' to 255: their features
# are 58 times as large. Content grows with the square of that, style with the fourth power, so in their unit the 1e6
# shrinks by 58²:

# %%
# NBVAL_CHECK_OUTPUT
quiet = wide["1e6  PyTorch"] / (255 * 0.226) ** 2
print(f"1e6: {quiet:.4f}   1e3: {wide['1e3  Gatys']:.4f}   3e4: {wide['3e4  gordicaleksa']:.4f}   "
      f"100: {wide['100  neural-style']:.4f}")

# %% [markdown]
# Three of the four lie within a factor of about four, and only the 100 really is weaker. The zeros pay for $C^2$, for
# quiet pixels, and for a content weight of 1e5.
#
# And a warning for our stand-in: with $G / (C\,hw)$ and a mean, style falls with $1/C^2$. Our network has a quarter of
# VGG19's channels, so PyTorch's 1e6 and *neural-style*'s 100 buy it 16 times as much style.
#
# **Exercise 1** · ●○○ · 5 min. The loss below has two divisions and a mean. Divide the Gram matrices once, by the right
# number, so that a plain sum of squares agrees:


# %% tags=["spec"]
def loss_spec(F, S):
    C, hw = F.shape
    return torch.nn.functional.mse_loss(F @ F.T / (C * hw), S @ S.T / (C * hw))


# %% tags=["exercise"]
def my_loss(F, S):
    """F, S: features (C, hw) -> the same number: a sum of squares of (F Fᵀ - S Sᵀ) / something."""
    # solution
    C, hw = F.shape
    return ((F @ F.T - S @ S.T) / (C * C * hw)).square().sum()


# %% tags=["check"]
from helpers.check import check

check(my_loss, loss_spec, (4, 10), (4, 10), tolerance=1e-5);

# %% [markdown]
# <details><summary>Hint</summary>
#
# A mean over $C^2$ entries divides the sum by $C^2$; inside the square that is a division by $C$.
#
# </details>
#
# <!-- solution: my_loss -->
#
# **Exercise 2** · ●●○ · 10 min. Convert a weight: of a loss as above on quiet features, content weight 1, to Gatys's
# loss ($G/hw$, mean) on features `gain` times as loud. The ratio of style to content must stay:


# %% tags=["spec"]
def weight_spec(F, S, weight, gain):
    def difference(F, S):
        return F @ F.T - S @ S.T

    C, hw = F.shape
    style_part, content_part = weight * (difference(F, S) / (C * hw)).square().mean(), (F - S).square().mean()
    F, S = gain * F, gain * S
    loud_style, loud_content = (difference(F, S) / hw).square().mean(), (F - S).square().mean()
    return style_part / content_part * loud_content / loud_style


# %% tags=["exercise"]
def my_weight(F, S, weight, gain):
    """Features (C, hw), a published weight -> the weight for Gatys's loss; one line, without any loss."""
    # solution
    return torch.tensor(weight / (len(F) * gain) ** 2)


# %% tags=["check"]
from helpers.check import check

check(my_weight, weight_spec, (4, 10), (4, 10), 1e6, 58.0);

# %% [markdown]
# <details><summary>Hint</summary>
#
# Only $C$ and the gain matter. Which power of each does the ratio of style to content change by?
#
# </details>
#
# <!-- solution: my_weight -->
#
# ## Who pulls?
#
# **A weight says little; its share of the loss says who pulls.** At one and the same image, forty evaluations of our
# own recipe, what is each loss made of? `parts` tells; the style of one layer is that of the recipe with only this
# layer:

# %%
import io
from contextlib import redirect_stdout

image = paint("ours", photo, style, vgg, steps=evaluations).image


def shares(name):  # per cent of the loss: content, style layer by layer, total variation
    with torch.no_grad(), redirect_stdout(io.StringIO()):  # the lines about relu5_2 were above
        parts = Objective(RECIPES[name], vgg, photo, style).parts(image)
        alone = [recipe(name, style={layer: w}) for layer, w in RECIPES[name].style.items()]
        layers = [Objective(r, vgg, photo, style).parts(image)["style"].item() for r in alone]
    return [100 * part / sum(map(float, parts.values())) for part in (parts["content"], *layers, parts.get("tv", 0.0))]


# %% [markdown]
# **Before you run it:** will any two recipes agree?

# %%
print("per cent of the loss   content |  style, shallow to deep           | variation")
for name in RECIPES:
    content, *layers, variation = [f"{float(share):5.1f}" for share in shares(name)]
    print(f"{name:22}   {content} | {' '.join(layers):>33} | {variation}")

# %% [markdown]
# Only those that share a formula: *gordicaleksa* and pystiche agree but for a trace of variation, although one says 3e4
# and the other 1e3. TensorFlow is nearly all content, for which it asked a deeper layer; d2l and crowsonkb would mostly
# smooth. PyTorch's tutorial is nearly all style; its content has a few per cent. In *neural-style*, Gatys's
# notebook and Udacity the shallow layers speak and the last two whisper; in ours all five are heard, because each error
# is relative.
#
# ## A gallery of all recipes
#
# **Equal budgets are not fair, and that is what they show.** The picture at the top (`python tools/make_results.py
# 08_recipes`, 192 pixels) must be read with the budgets of the table in mind:
#
# - *keras* is still the photo: plain gradient descent with a tiny rate, meant for 4,000 steps. *udacity* moves a pixel
#   by a sixth of a grey level a step, and asks for 2,000. *tensorflow* has a large $\epsilon$ (notebook 06) and much
#   content.
# - *neural_style*, *neural_style_pt*, *gatys_2016* and *noise_1024* start from grey or noise. The last two have found the
#   roofs, the others have orange patches instead. That is luck too: their loss leaps at the first long step, and with a
#   larger style image *gatys_2016* was still noise, *neural_style* once still grey.
# - *pytorch_tutorial* has nearly lost it: almost no content, more style than VGG19 would give it, and no line search.
# - *cs231n* was written for another network; its first rate moves pixels by two thirds of their range.
#
# The rest differ less than their weights promised, but for the flat patches of *d2l*. By our measure ours ends lowest: no
# merit, it is what our recipe minimises.
#
# A handful live, at 96 pixels, each with its style error in our unit: the mean of the relative errors of five layers,
# measured as saved:

# %%
from helpers.images import as_saved
from helpers.transfer import gram, style_loss

layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
targets = {name: gram(features) for name, features in vgg(style, layers).items()}


def style_error(image):
    features = vgg(as_saved(image), layers)
    return sum(style_loss(features[name], targets[name]).item() for name in layers) / len(layers)


five = ("gordicaleksa", "crowsonkb", "d2l", "udacity", "named_layers")
handful = {name: paint(name, photo, style, vgg, steps=evaluations).image for name in five}
show(list(handful.values()), [f"{name}: {style_error(i):.3f}" for name, i in handful.items()], height=130,
     alt="Five small pavilions: in curved lines, in smooth waves, in patches, still nearly the photo, and in short strokes.")

# %% [markdown]
# *udacity* has hardly begun. *gordicaleksa* has the lowest error and the least pavilion left. *crowsonkb* and *d2l*
# are mostly variation: *crowsonkb*, which squares the steps, is smooth; *d2l*, which takes them absolute, has flat
# patches with sharp edges. *named_layers* has Udacity's layers, with another loss and rate.
#
# **Exercise 3** · ●●○ · 10 min. Keras says `lr=100` for pixels from 0 to 255; our recipe says 0.0015. Take its step of
# gradient descent in pixels from 0 to 1, from the gradient there:


# %% tags=["spec"]
def step_spec(x, target, lr, unit):
    z = (unit * x).requires_grad_()  # the pixels as published
    (z / unit - target).square().sum().backward()
    return (z - lr * z.grad).detach() / unit


# %% tags=["exercise"]
def my_step(x, target, lr, unit):
    """Pixels x in [0, 1] with the loss |x - target|², same shapes -> x after one step; lr is the published rate."""
    # solution
    gradient = 2 * (x - target)
    return x - lr / unit**2 * gradient


# %% tags=["check"]
from helpers.check import check

check(my_step, step_spec, (3, 5), (3, 5), 100.0, 255.0);

# %% [markdown]
# <details><summary>Hint</summary>
#
# In larger units the gradient is smaller by `unit`, and so is the same step. Adam forgets the size of the gradient, so
# it divides only once; L-BFGS not at all.
#
# </details>
#
# <!-- solution: my_step -->
#
# ## Ratio and layers
#
# **How deep you read the style decides how large its marks are.** Figure 3 of Gatys, Ecker and Bethge (2015, the arXiv
# version) uses more and more style layers from row to row, `conv1_1` up to `conv5_1`, and more content from column to
# column. A small version with our relative errors, from the photo:

# %%
grid = {}
for depth in (1, 3, 5):
    for weight in (0.03, 0.3, 3.0):
        changes = {"style": dict.fromkeys(layers[:depth], 1 / depth), "content": {"relu4_2": weight}}
        grid[depth, weight] = as_saved(paint(recipe("ours", **changes), photo, style, vgg, evaluations).image)
titles = [f"to {layers[depth - 1]}, content {weight:g}" for depth, weight in grid]
show(list(grid.values()), titles, columns=3, height=180,
     alt="Nine pavilions in three rows: the first row has new colours and no strokes, the second short lines, the third "
     "longer curves in the sky; to the right they fade.")

# %% [markdown]
# Down the left column: `relu1_1` alone brings the woodcut's colours and no stroke; three layers draw short lines
# through trees, roofs and sky; with five, longer curves bend through the sky. To the right the photo comes back, and at
# 3 the sky is almost plain whatever the layers.
#
# All five depths and four weights, larger (`python tools/make_results.py 08_grid`):
#
# ![Twenty pavilions: downwards the strokes grow from coloured grain to long curves, to the right the photo comes back.](../data/results/08_grid.jpg)
#
# Udacity's course says the opposite: weight the early layers more, and the artefacts of style become *larger*. We
# measure the sky, upper right: how strong are marks wider than three pixels and narrower than nine?


# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import avg_pool2d


def marks(image):
    sky = image[..., 4:36, 56:92].mean(1, keepdim=True)
    fine, coarse = (avg_pool2d(sky, k, 1, k // 2, count_include_pad=False) for k in (3, 9))
    return 255 * (fine - coarse).std()


shallow, deep = marks(grid[1, 0.03]), marks(grid[5, 0.03])
print(f"five layers leave over 1.3 times the marks of relu1_1 alone: {(deep / shallow).item() > 1.3}")

# %% [markdown]
# So it is backwards: early layers see three pixels and can only ask for colours and specks; large marks need deep
# layers.
#
# ## Pooling
#
# **Average pooling shrinks what it passes on.** Of the block 0, 0, 0, 4 the largest is 4 and the mean is 1. Gatys,
# Ecker and Bethge (2016) prefer the mean; the author of *neural-style* "could not get good results"; crowsonkb
# multiplies by 2 after each pooling. How quiet do our features get, and what becomes of a style loss?

# %%
average = VGG(vgg.name.removeprefix("vgg19-"), pool="avg", device=vgg.device)
with torch.no_grad():
    loud, soft = vgg(photo, layers), average(photo, layers)
print("mean feature, average / max:", *[f"{name} {soft[name].mean() / loud[name].mean():.2f}" for name in layers])
for name in ("gatys", "ours"):
    both = [Objective(RECIPES[name], net, photo, style).parts(0.5 * photo + 0.25)["style"] for net in (vgg, average)]
    print(f"{name}: the style of a faded photo is {both[1] / both[0]:.2f} times as large with average pooling")

# %% [markdown]
# At `relu5_1` about a quarter is left, and the style loss of Gatys's notebook falls to about half, while its content
# falls further: other weights, in effect. Relative errors hardly change, because the target shrinks along.
# `paint` takes the network that you give it (`recipe(...).pool` says what was published):

# %%
soft = paint("ours", photo, style, average, steps=evaluations).image
show([image, soft], ["max pooling", "average pooling"], height=190,
     alt="Two small painted pavilions in the same colours; with average pooling the sky has fewer and smoother strokes.")

# %% [markdown]
# The colours agree; average pooling leaves the sky smoother. With relative errors it is a matter of taste.
#
# ## Settings for each image
#
# **Turn the knobs in the order in which they show.** First the size of the style image, which sets the size of the
# strokes:

# %%
sizes = (80, 160, 320)
strokes = [paint("ours", photo, load("woodcut", s).to(vgg.device), vgg, steps=evaluations).image for s in sizes]
show(strokes, [f"style at {s} px" for s in sizes], height=190,
     alt="Three painted pavilions: specks with a small style image, wider and longer strokes with larger ones.")

# %% [markdown]
# From 80 to 320 pixels, specks grow into broad strokes; nothing else changed. Then:
#
# 1. the size of the style image, until strokes are as wide as you like, in small pictures and few steps;
# 2. the ratio, by factors of three: less content until the strokes cross the even areas, more until you recognise what
#    matters;
# 3. total variation, only if there is grain (from noise, mostly): double it until the grain goes, and stop before the
#    strokes do;
# 4. steps and pixels at the end: they cost the most. Then check 1 again: strokes shrink as the picture grows.
#
# A recipe can carry such findings along. `noise_1024` follows a project whose "hyperparameters differ for every image":

# %%
for name, changes in recipe("noise_1024").per_style.items():
    print(f"{name:13} variation {changes['tv']:<5} content {changes['content']['relu4_2']}")

# %% [markdown]
# From noise, grain is the trouble: what a blur over 3 × 3 pixels removes. At 192 pixels and 100 evaluations, without
# variation, a painting in mosaic had about 30 grey levels of it, the mosaic 25. With 0.3 it fell below (under 20), and
# the larger content weight of the table halved the content error.
#
# ## The explorer
#
# **All knobs on one panel, in six cells.** First the controls, row by row; nothing runs yet:

# %% tags=["explorer"]
from types import SimpleNamespace

import ipywidgets as widgets

from helpers.images import names
from helpers.recipes import RECIPES

ui = SimpleNamespace(
    content=widgets.Dropdown(options=names("content"), value="china", description="content"),
    style=widgets.Dropdown(options=names("style"), value="woodcut", description="style"),
    own_content=widgets.FileUpload(accept="image/*", description="own content"),
    own_style=widgets.FileUpload(accept="image/*", description="own style"),
    recipe=widgets.Dropdown(options=list(RECIPES), value="ours", description="recipe"),
    ratio=widgets.FloatLogSlider(value=1, min=-2, max=2, step=0.25, description="content ×"),
    size=widgets.IntSlider(value=128, min=64, max=512, step=32, description="size, px"),
    style_size=widgets.IntSlider(value=288, min=64, max=768, step=16, description="style, px"),
    steps=widgets.IntSlider(value=60, min=10, max=2000, step=10, description="steps"),
    look=widgets.IntSlider(min=0, max=0, disabled=True, description="look back"),
    picture=widgets.Image(format="jpeg"), curve=widgets.Image(format="jpeg"), status=widgets.HTML(),
)
buttons = {name: widgets.Button(description=name, disabled=name != "Start") for name in ("Start", "Stop", "Save", "Film")}
KNOBS = ("content", "style", "recipe", "ratio", "size", "style_size", "steps")
rows = [["content", "own_content", "style", "own_style"], ["recipe", "ratio"], ["size", "style_size", "steps"]]
rows = [*[[getattr(ui, name) for name in row] for row in rows], buttons.values(), [ui.status], [ui.picture, ui.curve], [ui.look]]
panel = widgets.VBox([widgets.HBox(list(row), layout={"align_items": "flex-start"}) for row in rows])

# %% [markdown]
# What comes in and goes out. An upload is a dict in ipywidgets 7 and a tuple in 8; it is read at once, so that a
# damaged file is told before Start. Save writes the picture that you look at, its settings inside:

# %% tags=["explorer"]
import html
import time
from pathlib import Path

from helpers.images import load, save
from helpers.show import film

UPLOADED, uploads = "(uploaded)", {}


def say(text):
    ui.status.value = html.escape(text)


def receive(kind, upload):  # kind: "content" or "style"
    files = list(upload.value.values() if isinstance(upload.value, dict) else upload.value)
    try:
        load(data := bytes(files[-1]["content"]), 64)
        uploads[kind], menu = data, getattr(ui, kind)
        menu.options = [*names(kind), UPLOADED]
        menu.value = UPLOADED
        say(f"Your {kind} picture is here; press Start.")
    except Exception as error:
        say(f"This upload cannot be used: {error}.")


def keep(what):
    title, image = job.kept[ui.look.value]
    file = Path("outputs", time.strftime(f"{job.settings['recipe']}_%Y%m%d_%H%M%S")).resolve()
    if what == "Save":
        say(f"Saved: {save(image, file.with_suffix('.png'), {**job.settings, 'picture': title})}")
    else:
        say(f"Saved: {film([image for _, image in job.kept], file.with_suffix('.webp'))}")


# %% [markdown]
# What the panel asks for, the ratio multiplying the recipe's content weights; and what it shows, a picture and the
# logarithm of the loss, drawn with Pillow because Matplotlib does not like threads:

# %% tags=["explorer"]
import torch
from PIL import Image, ImageDraw

from helpers.recipes import recipe
from helpers.show import Picture, show


def wanted():  # -> recipe, content, style
    made = recipe(ui.recipe.value)
    made = recipe(made.name, content={layer: w * ui.ratio.value for layer, w in made.content.items()})
    files = [uploads[kind] if getattr(ui, kind).value == UPLOADED else getattr(ui, kind).value for kind in ("content", "style")]
    return made, load(files[0], ui.size.value).to(vgg.device), load(files[1], ui.style_size.value).to(vgg.device)


def draw(image, losses, title):
    canvas = Image.new("RGB", (320, 140), "white")
    if len(losses) > 1:
        logs = torch.tensor(losses).clamp_min(1e-12).log()
        down = (logs.max() - logs) / (logs.max() - logs.min()).clamp_min(1e-6) * 130 + 5
        across = torch.linspace(5, 315, len(losses))
        ImageDraw.Draw(canvas).line(list(zip(across.tolist(), down.tolist(), strict=True)), fill="#1f77b4", width=2)
    ui.curve.value = Picture(canvas, "the loss so far, on a logarithmic axis").jpeg
    ui.picture.value = show(image, title, alt=f"the painting of the explorer, {title}", height=320).jpeg


# %% [markdown]
# After each evaluation `seen` keeps some pictures, draws once a second, and raises `KeyboardInterrupt` if Stop was
# pressed: `optimise` then returns what it has. Time left is the mean time of an evaluation times how many are left:

# %% tags=["explorer"]
import threading
from types import SimpleNamespace

from helpers.images import as_saved

job = SimpleNamespace(thread=None, stop=threading.Event(), kept=[], losses=[], settings={})


def seen(step, image, value):
    now, steps = time.monotonic(), job.settings["steps"]
    job.losses.append(value)
    if step == 1:
        job.begin = job.drawn = now
        draw(image, job.losses, "the start")
        say(f"1 of {steps} evaluations; measuring the time.")
    if (step - 1) % max(1, steps // 40) == 0:
        job.kept.append((f"evaluation {step}", as_saved(image).cpu()))
    if now - job.drawn > 1:
        left = (now - job.begin) / (step - 1) * (steps - step)
        draw(image, job.losses, f"evaluation {step}")
        say(f"{step} of {steps} evaluations, loss {value:.4g}, about {left:.0f} s left.")
        job.drawn = now
    if job.stop.is_set():
        raise KeyboardInterrupt


# %% [markdown]
# `work` runs in a thread, so that the buttons stay alive. Whatever goes wrong becomes a sentence, and the buttons come
# back:

# %% tags=["explorer"]
from helpers.recipes import paint


def work():
    try:
        made, content, style = wanted()
        lacking = ", ".join(layer for layer in {**made.content, **made.style} if layer not in vgg.layers)
        image = paint(made, content, style, vgg, steps=job.settings["steps"], seen=seen).image
        job.kept.append(("the result", as_saved(image).cpu()))
        draw(image, job.losses, "the result")
        end = "Stopped" if len(job.losses) < job.settings["steps"] else "Done"
        note = f" {vgg.name} has no {lacking}: the deepest layer before took its place." if lacking else ""
        say(f"{end} after {len(job.losses)} of {job.settings['steps']} evaluations, lowest loss {min(job.losses):.4g}.{note}")
    except Exception as error:
        say(f"This run did not work: {error}. Change something and press Start.")
    finally:
        ui.look.max = max(len(job.kept) - 1, 0)
        ui.look.value, ui.look.disabled = ui.look.max, not job.kept
        for name, button in buttons.items():
            button.disabled = name == "Stop" or (name in ("Save", "Film") and not job.kept)


def look(change):
    if not ui.look.disabled:
        title, image = job.kept[change["new"]]
        draw(image, job.losses, title)


# %% [markdown]
# Last, what the buttons and the scrubber do, and the panel itself:

# %% tags=["explorer"]
from IPython.display import display


def start():
    settings = {knob: getattr(ui, knob).value for knob in KNOBS} | {"network": vgg.name}
    vars(job).update(stop=threading.Event(), kept=[], losses=[], settings=settings)
    for control in (*buttons.values(), ui.look):
        control.disabled = control is not buttons["Stop"]
    say("Reading the pictures and measuring the style.")
    job.thread = threading.Thread(target=work, daemon=True)
    job.thread.start()


def press(button):
    try:
        if not button.disabled:
            {"Start": start, "Stop": job.stop.set}.get(button.description, lambda: keep(button.description))()
    except Exception as error:
        say(f"{button.description} did not work: {error}.")


for button in buttons.values():
    button.on_click(press)
for kind in ("content", "style"):
    getattr(ui, f"own_{kind}").observe(lambda change, kind=kind: receive(kind, change["owner"]), names="value")
ui.look.observe(look, names="value")
view = {"model_id": panel.model_id, "version_major": 2, "version_minor": 0}
note = "[the explorer: run this notebook to use it; a painting with its default settings is below]"
display({"application/vnd.jupyter.widget-view+json": view, "text/plain": note}, raw=True)

# %% [markdown]
# Without a kernel, this is what Start paints with the default settings. We keep all pictures on the way:

# %%
moments = []
made, content, woodcut = wanted()
result = paint(made, content, woodcut, vgg, ui.steps.value, seen=lambda step, image, value: moments.append(image))
painted = as_saved(result.image)
show([content, woodcut, painted], [ui.content.value, ui.style.value, f"{made.name}, {ui.steps.value} evaluations"], height=190,
     alt="The explorer's default state: the photo of the pavilion, the woodcut, and the pavilion in its curved strokes.")

# %% [markdown]
# Curved strokes fill the sky, and the red walls have become bands of blue and orange.
#
# ## Ways to look at it
#
# **A painting is judged beside what it was.** Each `show` above is a contact sheet; of the pictures on the way it
# becomes an iteration strip:

# %%
strip = [0, 7, 15, 30, len(moments) - 1]
show([moments[i] for i in strip], [f"evaluation {i + 1}" for i in strip],
     alt="Five moments of the run: the photo, then lines over it, then strokes all over, then the colours of the woodcut.")

# %% [markdown]
# At evaluation 8 the photo is still there under lines; a quarter of the way in, strokes are everywhere. The colours come
# in the second quarter, and deepen in the rest.
#
# Before and after, with a border to push; without a kernel it stays where it is:

# %%
from helpers.show import browse


def wipe(border):  # per cent of the width
    both, x = painted.clone(), round(border / 100 * painted.shape[3])
    both[..., :x] = content[..., :x]
    both[..., max(x - 1, 0) : x + 1] = 1.0
    return show(both, "before | after", height=300, alt="The pavilion, a photo left of a white border and painted right of it.")


browse(wipe, border=widgets.IntSlider(value=27, min=0, max=100, description="border, %"))

# %% [markdown]
# The roof at the border goes on as a bundle of strokes: content gives the direction, style the line.
#
# The scrubber is the explorer's "look back". Its Film button writes an animated `.webp` of the kept pictures;
# `film(frames, "run.mp4")` from `helpers.show` writes a video where `imageio-ffmpeg` is installed.
#
# ## In this notebook we
#
# - ran nineteen published recipes through one loss and one loop, and changed any word of them;
# - saw four famous weights become nearly one, and asked each loss who pulls;
# - turned the knobs in order: size of the style, ratio, variation, steps; deep layers make large marks;
# - built a panel that keeps what it has when it is stopped.
#
# **On your own.** Paint *keras* with 2,000 steps in the explorer: when does it begin? Multiply the content of
# *pytorch_tutorial* by 100: does the pavilion come back? Upload a photo of yours.
#
# **In practice.** A recipe is data: add your own table to `data/recipes.toml`, and it is in every list above.
# Interrupting the kernel does not reach the panel's thread; Stop does.
#
# **Further reading.** Gatys, Ecker and Bethge (2015, arXiv 1508.06576), figure 3: the grid, with VGG19. The README of
# jcjohnson/neural-style: a gallery for each knob, from 2015, and still the best manual of its kind.
#
# <!-- bottom -->
