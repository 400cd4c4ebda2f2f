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
# > **You will do** paint with published recipes through one loop, and build a panel that turns their knobs.
# > **You will learn** why nobody's weight fits anybody else's loss, and in which order to turn what.
# > **You need** the losses of notebook 05 and the two optimisers of 06 and 07; they come from the helpers.
# > **Time** 50 minutes; about a minute and a half of computing on a laptop.
# > **Came before** the loss and the loop, one recipe at a time; here are all at once.
#
# ![A photo of a red pavilion, Kandinsky's Composition VII, and ten paintings of the pavilion: ours, gatys_2016, pytorch_tutorial and crowsonkb have his oranges and yellows, the others have his shapes in a white and pale blue sky.](../data/results/08_recipes.jpg)
#
# *One photo, one painting by Kandinsky, and ten recipes at 256 pixels. The number is the style error in our unit. Look at
# the colours: which recipes have taken them over, and which have kept the white and blue of the photo's sky?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Pixels of the photo's long side, of the style's, and evaluations of the loss for each painting:

# %% tags=["settings"]
import torch

size = 256
style_size = 384
evaluations = 50

# %% [markdown]
# ## One description for every run
#
# A published run fits into one page of words and numbers. We have written down nineteen of them, one table each, in
# `data/recipes.toml`: our own, the paper's, twelve from well-known programs and tutorials, and five that follow small
# projects. Here is the official PyTorch tutorial:

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
long = recipe("pytorch_tutorial")
short = recipe("pytorch_tutorial", steps=40)
print(f"{long.steps} evaluations become {short.steps}")
print(f"the layers stay: {', '.join(short.style)}")

# %% [markdown]
# A recipe runs from one line. `fast` turns the network to half precision where your machine has units for it, as in
# notebook 06:

# %%
from helpers.fast import fast
from helpers.images import load
from helpers.recipes import paint
from helpers.show import show
from helpers.vgg import VGG

vgg = fast(VGG())
photo = load("china", size).to(vgg.device)
style = load("kandinsky_composition_vii", style_size).to(vgg.device)
published = paint("pytorch_tutorial", photo, style, vgg, steps=40)

# %% [markdown]
# The line under the cell says what `paint` did not honour. The tutorial was published for torchvision's VGG19 and a larger
# picture, and we paint with the network that we have, at a size that does not make you wait.
#
# Now we change two words: we take our L-BFGS, which searches along each step, and a fence in place of the clamp inside
# the closure.

# %%
changed = recipe("pytorch_tutorial", optimiser={"name": "lbfgs"}, pixels="fence")
searched = paint(changed, photo, style, vgg, steps=40)
for name, run in {"as published": published, "with a line search": searched}.items():
    leap = max(run.history) / run.history[0]
    print(f"{name}: the loss went up to {leap:.1f} times that of the photo")
show([photo, style, published.image, searched.image],
     ["content", "style", "as published", "with a line search"], columns=2, height=280,
     alt="A photo of a red pavilion above a lake; a crowded abstract painting by Kandinsky;"
     " the pavilion in broken patches under a sky with orange specks; the pavilion in"
     " clear orange and blue strokes under a plain beige sky.")

# %% [markdown]
# As published, the recipe has no line search, so its first long step is a matter of luck (notebook 07), and here it is bad
# luck: the loss leaps far above that of the photo. The picture recovers, but the walls are in pieces, and grains of
# orange are left in the sky. With a search the loss overshoots little, and the pavilion stands in clear strokes. Both
# skies stay nearly empty, because this recipe reads no style layer deeper than `conv3_1`. We will come back to that.
#
# The table of all, in one loop:

# %%
for name, r in RECIPES.items():
    layers = f"{list(r.style)[0]} to {list(r.style)[-1]}"
    optimiser = r.optimiser["name"]
    print(f"{name:17}{layers:20} {optimiser:6}{r.steps:5} evaluations at {r.size} px")

# %% [markdown]
# The last five follow small projects whose pages give no weights, so their weights are ours.
#
# ## Which network?
#
# A recipe also says for which network its weights were found. Two networks are called VGG19: the original from Oxford,
# which comes with this series, and the one that torchvision trained anew. Who uses which?

# %%
for network in sorted({r.network for r in RECIPES.values()}):
    users = [name for name, r in RECIPES.items() if r.network == network]
    print(f"{network}: {', '.join(users)}\n")

# %% [markdown]
# `paint` runs a recipe on whatever network you give it, and here that is always the original. So for the systems in
# torchvision's lines we show their losses and their weights, but not quite their pictures. If you have the time for a
# download of half a gigabyte, `VGG("torchvision-vgg19")` is their own. The pooling, too, is the network's: for a recipe
# with `pool = "avg"` you write `VGG(pool="avg")`.
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
# VGG19's first layer has 64 channels, so we repeat our two channels 32 times. **Before you run it:** how much larger
# than the 1e3 will the 1e6 be?

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
# Three of the four lie within a factor of about four, and only the 100 really is weaker: in this unit, the 1e3 is about
# fifty times as large. That is a lot, but the four numbers that we started from differ by ten thousand. Most of their
# zeros pay for $C^2$, for pixels in another unit, or for a content weight of 1e5.
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
# A weight says little by itself. What matters is its share of the loss: a term that makes up a thousandth of the sum
# has next to no say in where the pixels go. So let's take one image, fifty evaluations of our own recipe, and ask each
# loss what it is made of. `parts` tells us; for the style of a single layer we make a recipe that has only this layer.
#
# Keras and Udacity do not divide their Gram matrices by anything. Such a matrix grows with the picture, so both resize
# the style image to the photo's shape, and we do it for them:

# %%
from helpers.recipes import Objective

image = paint("ours", photo, style, vgg, steps=evaluations).image
shape = photo.shape[2:]
fitted = torch.nn.functional.interpolate(style, shape, mode="bicubic", antialias=True)


@torch.no_grad()
def shares(name):
    """Per cent of a recipe's loss at `image`: content, the style layer by layer, variation."""
    r = RECIPES[name]
    target = fitted if r.gram == "one" else style
    rest = Objective(recipe(name, style={}), vgg, photo, target).parts(image)
    parts = [rest["content"]]
    for layer, weight in r.style.items():
        alone = recipe(name, content={}, style={layer: weight}, tv=0.0)
        parts.append(Objective(alone, vgg, photo, target).parts(image)["style"])
    parts.append(rest.get("tv", 0.0))
    values = [float(part) for part in parts]
    return [100 * value / sum(values) for value in values]


# %% [markdown]
# **Before you run it:** most of these systems read the style at `relu1_1`, `relu2_1`, `relu3_1`, `relu4_1` and
# `relu5_1`, and give all five the same weight. Will all five be heard?

# %%
systems = ["ours", "gatys", "gordicaleksa", "pystiche", "udacity", "keras"]
systems += ["neural_style", "neural_style_pt", "d2l", "tensorflow", "crowsonkb"]
systems += ["pytorch_tutorial", "cs231n"]
print("per cent of the loss  content |  style, shallow to deep       | variation")
for name in systems:
    content, *styles, variation = [f"{share:5.1f}" for share in shares(name)]
    print(f"{name:22}  {content} | {' '.join(styles):29} | {variation}")

# %% [markdown]
# <details><summary>Compare</summary>
#
# No. In row after row one layer does nearly all the talking, and it is the fourth, `relu4_1`. Next to nothing is left
# for `relu1_1`, which knows the colours. Ours is the only row in which all five are heard.
#
# </details>
#
# The reason is how loud VGG19's layers are. Here is the mean square of their features:

# %%
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
with torch.no_grad():
    for layer, features in vgg(photo, layers).items():
        print(f"{layer}: {features.float().square().mean():8.2f}")

# %% [markdown]
# Features get louder from block to block up to `relu4_1`, and the last block is quiet again. An error between Gram
# matrices grows with the square of these numbers, so equal weights are not equal at all: from `relu1_1` to `relu4_1`
# the error grows by a factor of about a hundred thousand.
#
# Now read the table row by row. For Gatys's notebook, *gordicaleksa*, pystiche, Udacity and Keras nearly the whole loss
# is `relu4_1`. *gordicaleksa* and pystiche even agree in every number, although one says 3e4 and the other 1e3, because
# they have the same formula. Both versions of *neural-style* ask for less style, so content and `relu4_1` share the
# loss, and in d2l they share it with `conv5_1`. TensorFlow is mostly content, and for that it reads a deeper layer,
# `relu5_2`. So is crowsonkb, which compares means and covariances instead of Gram matrices. PyTorch's tutorial stops at
# `conv3_1`, and among its five layers the two deepest are the loudest. CS231n is all content here, because its weights
# were made for another network, SqueezeNet. Total variation gets a tenth at most.
#
# Ours hears all five, because each error is divided by its own target. That `relu5_1` holds the largest share of the
# style only means that it is the hardest to match. Gatys, Ecker and Bethge (2016) solved the same problem in the network
# itself: they scaled all features to a mean of 1. You get their network with `VGG(normalised=True)`.
#
# ## A gallery of recipes
#
# The sheet at the top (`python -m tools.pictures.results 08_recipes`, 256 pixels) shows what these shares mean. Under
# each picture stands how many evaluations it got, and how many were published. Sixty instead of a thousand is not fair,
# so take the sheet as a comparison of losses rather than of programs. To make up for it a little, we changed a few
# words:
#
# - L-BFGS has a line search everywhere, so that no first leap decides the picture.
# - All begin with the photo. As published, *neural_style* begins with an even grey and *gatys_2016* with noise, but sixty
#   evaluations are too few for that.
# - *gatys_2016* has the network of the paper, normalised and with average pooling, and the weights that its authors'
#   own program uses for it.
# - The learning rate of *keras* is smaller. Where there are fewer pixels, each has a larger gradient, and with the
#   published rate a small picture ends in noise.
# - Four are not on the sheet: *pystiche* has the formula of *gordicaleksa*, *neural_style_pt* nearly that of
#   *neural_style*, *udacity* moves a pixel by a sixth of a grey level a step and needs its 2,000 steps, and *cs231n*, as
#   you saw, is all content with VGG19.
#
# Now you can see what `relu4_1` does when it talks alone. *gatys*, *gordicaleksa*, *neural_style* and *keras* have
# Kandinsky's shapes, but the sky is still white and blue and the trees are still green, because colours are the business
# of `relu1_1`, and nobody hears it. Their four pictures are nearly one, although their weights are 1e3, 3e4, 100 and
# 1e-6. Where `relu1_1` is heard, the colours come over: in ours, where errors are relative, and in *gatys_2016*, whose
# network is normalised. *pytorch_tutorial* reads shallow layers only, so it has the colours and the strokes, but an empty
# sky. *crowsonkb* gives `relu1_1` most of the weight and gets its colours, too. *tensorflow* and *d2l* go with the first
# four: *tensorflow* has hard ripples and coloured grain, and *d2l* is the greyest of all.
#
# Two of them live, beside ours, each with its style error in our unit: the mean of the relative errors of five layers,
# measured on the picture as it would be saved.

# %%
from helpers.images import as_saved
from helpers.losses import gram, style_loss

with torch.no_grad():
    targets = {name: gram(features) for name, features in vgg(style, layers).items()}


@torch.no_grad()
def style_error(image):
    features = vgg(as_saved(image), layers)
    errors = [style_loss(features[name], targets[name]).item() for name in layers]
    return sum(errors) / len(errors)


paintings = {"ours": image}
for name in ("tensorflow", "d2l"):
    paintings[name] = paint(name, photo, style, vgg, steps=evaluations).image
titles = [f"{name}: {style_error(painted):.3f}" for name, painted in paintings.items()]
show(list(paintings.values()), titles, height=220,
     alt="Three painted pavilions: ours in orange, blue and grey-yellow strokes all over,"
     " tensorflow with hard white and blue ripples in the sky and green trees, d2l with"
     " fewer colours, a pale sky and soft patches.")

# %% [markdown]
# By our measure ours is far ahead, but that is no merit, because our measure is what our recipe minimises. *tensorflow*
# has Kandinsky's marks without his colours: trees are green, and the sky is white and blue. *d2l* is nearer to him in
# its shapes, but its sky is pale as well. Remember that both had fifty evaluations here, while their authors gave the
# first a thousand and the second five hundred.
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
# it divides only once; with L-BFGS the unit matters for the first step only.
#
# </details>
#
# <!-- solution: my_step -->
#
# ## Ratio and layers
#
# How deep you read the style decides how large its marks are. Figure 3 of Gatys, Ecker and Bethge (2015, the arXiv
# version) uses more and more style layers from row to row, `conv1_1` up to `conv5_1`, and more content from column to
# column. Here are three of its rows with our relative errors, all with the content weight of our recipe. The last one
# is the painting that we have already:

# %%
depths = {}
for depth in (1, 3):
    changed = recipe("ours", style=dict.fromkeys(layers[:depth], 1 / depth))
    depths[depth] = as_saved(paint(changed, photo, style, vgg, steps=evaluations).image)
depths[5] = as_saved(image)
titles = [f"relu1_1 to {layers[depth - 1]}" for depth in depths]
show(list(depths.values()), titles, height=220,
     alt="Three painted pavilions: with relu1_1 only the colours have changed, with three layers"
     " roofs and trees have blue and orange outlines under an empty sky, with five layers"
     " curved shapes fill the sky, too.")

# %% [markdown]
# `relu1_1` alone brings Kandinsky's colours, and no stroke. With three layers the edges of roofs and trees get coloured
# outlines, but the sky is still empty. Only with all five do shapes appear where the photo has none.
#
# Here are all five depths with three content weights, forty evaluations each at 256 pixels (`python -m
# tools.pictures.results 08_grid`):
#
# ![Fifteen pavilions: from row to row, as more style layers are used, grain gives way to outlines and then to curved shapes; from column to column, as content weighs more, the sky becomes empty and the photo's details come back.](../data/results/08_grid.jpg)
#
# To the right, content wins: at weight 1 the sky is almost plain, whatever the layers, and only the colours tell that
# there was a painting. Down the left column the marks grow, from grain through outlines to shapes as large as a roof.
#
# Udacity's course says the opposite: weight the early layers more, and the artefacts of style become *larger*. We
# measure the sky at the upper right. How strong are marks that are wider than three pixels and narrower than
# twenty-seven?

# %%
from torch.nn.functional import avg_pool2d


def blurred(image, width):
    return avg_pool2d(image, width, 1, width // 2, count_include_pad=False)


for depth, painted in depths.items():
    sky = painted[..., 8:64, 150:246].mean(1, keepdim=True)
    marks = 255 * (blurred(sky, 3) - blurred(sky, 27)).std()
    print(f"depth {depth}: marks of {marks:.1f} grey levels")

# %% [markdown]
# So it is backwards. The early layers see a few pixels only, so they can ask for colours, specks and edges. Large marks
# need the deep layers, which leave about half as much again as `relu1_1` alone.
#
# ## Pooling
#
# Average pooling shrinks what it passes on: of the block 0, 0, 0, 4 the largest is 4, and the mean is 1. Gatys, Ecker
# and Bethge (2016) prefer the mean, while the author of *neural-style* writes "I haven't been able to get good results
# using average pooling". crowsonkb offers it too, and then multiplies by 2 after each pooling. How quiet do the features
# get, and what becomes of a style loss?

# %%
average = fast(VGG(pool="avg", device=vgg.device))
with torch.no_grad():
    loud = vgg(photo, layers)
    quiet_ones = average(photo, layers)
    for layer in layers:
        ratio = quiet_ones[layer].float().mean() / loud[layer].float().mean()
        print(f"{layer}: mean feature with average pooling {ratio:.2f} of that with max")
    faded = 0.5 * photo + 0.25
    for name in ("gatys", "ours"):
        losses = [Objective(RECIPES[name], net, photo, style).parts(faded)["style"]
                  for net in (vgg, average)]
        print(f"{name}: the style loss of a faded photo is {losses[1] / losses[0]:.2f} times as large")

# %% [markdown]
# Each pooling makes the features quieter, and at `relu5_1` only about a fifth is left. The style loss of Gatys's notebook
# hangs on `relu4_1`, as we saw, and it grows with the fourth power of the features: 0.4 to the fourth power is 0.026.
# Its content, at `relu4_2`, falls with the square only. So the same numbers have become other weights. Relative errors do
# not notice, because the target gets quieter along with the picture.
#
# `paint` takes the pooling from the network that you give it (`recipe(...).pool` says what was published):

# %%
smooth = paint("ours", photo, style, average, steps=evaluations).image
show([image, smooth], ["max pooling", "average pooling"], height=310,
     alt="Two painted pavilions in the same colours; with average pooling the shapes in the"
     " sky are a little rounder and larger, and the surface is smoother.")

# %% [markdown]
# The colours agree, and average pooling leaves the sky a little calmer. With relative errors it is a matter of taste.
#
# ## Settings for each image
#
# Turn the knobs in the order in which they show. First comes the size of the style image, which sets the size of the
# strokes:

# %%
strokes = {style_size: image}
for pixels in (96, 1024):
    resized = load("kandinsky_composition_vii", pixels).to(vgg.device)
    strokes[pixels] = paint("ours", photo, resized, vgg, steps=evaluations).image
sizes = sorted(strokes)
show([strokes[pixels] for pixels in sizes], [f"style at {pixels} px" for pixels in sizes],
     height=220,
     alt="Three painted pavilions: small splinters around roofs and trees with the smallest"
     " style image, curved strokes all over with the middle one, broad areas of colour with"
     " the largest.")

# %% [markdown]
# From 96 to 1,024 pixels, splinters grow into broad areas of colour, and nothing else has changed. Then:
#
# 1. the size of the style image, until strokes are as wide as you like, in small pictures and few steps;
# 2. the ratio, by factors of three: less content until the strokes cross the even areas, more until you recognise what
#    matters;
# 3. total variation, only if there is grain (from noise, mostly): double it until the grain goes, and stop before the
#    strokes do;
# 4. steps and pixels at the end: they cost the most. Then check 1 again: strokes shrink as the picture grows.
#
# A recipe can carry such findings along. `noise_1024` follows a small project whose page says that every image needs its
# own settings, so its table holds some for three of our styles:

# %%
for name, changes in recipe("noise_1024").per_style.items():
    content = changes["content"]["relu4_2"]
    print(f"{name:13} variation {changes['tv']:<5} content {content}")

# %% [markdown]
# `paint` does not look into this table by itself. You choose a row of it with
# `recipe("noise_1024", **recipe("noise_1024").per_style["mosaic"])`.
#
# ## The explorer
#
# All knobs on one panel. Choose the pictures, or upload two of your own, then a recipe, what its content weights are
# multiplied by, and the sizes. Start paints in the background, and Stop keeps what there is. The slider "look back" goes
# through the pictures on the way. Save writes the one that you look at, with its settings inside, and Film writes all of
# them:

# %%
from helpers.explorer import Explorer

explorer = Explorer(vgg)
explorer

# %% [markdown]
# Nothing here is new: the panel calls `paint` as we did, in a thread of its own so that the buttons stay alive, and each
# evaluation tells it how far it is (`helpers/explorer.py`). Without a kernel, this is what Start paints. We make the
# picture twice as large first, because controls can be set from code as well, and we keep all pictures on the way:

# %%
explorer.controls["size"].value = 256
explorer.controls["style_size"].value = 384
moments = []
made, content, woodcut = explorer.wanted()
result = explorer.paint(callback=lambda step, image, value: moments.append(image))
painted = as_saved(result.image)
titles = [explorer.controls[name].value for name in ("content", "style")]
show([content, woodcut, painted], [*titles, f"{made.name}, {len(moments)} evaluations"],
     height=220,
     alt="A photo of a pavilion; a woodcut of a hill under an orange sun; the pavilion in dark"
     " and orange curved lines that run in rings through the sky.")

# %% [markdown]
# Lines that follow one another fill the sky, the lake and the trees. Right of the roof they run in rings around a reddish
# spot, like those around the woodcut's sun.
#
# ## Ways to look at it
#
# We judge a painting beside what it was. Each `show` above is a contact sheet, and with the pictures on the way it shows
# how a painting came about:

# %%
chosen = [5, 15, 30, len(moments) - 1]
show([moments[i] for i in chosen], [f"evaluation {i + 1}" for i in chosen], columns=2,
     height=280,
     alt="Four moments of the run: still the photo, then dark lines over a bright sky, then"
     " colours beginning to change, then dark and orange lines everywhere.")

# %% [markdown]
# At the sixth evaluation you hardly see a line. Ten evaluations later lines run all over the picture, but their colours
# are those of the photo, brighter. The woodcut's colours come last.
#
# Before and after, with a border to push; without a kernel it stays where it is:

# %%
import ipywidgets as widgets

from helpers.show import browse


def wipe(border):  # per cent of the width
    both, x = painted.clone(), round(border / 100 * painted.shape[3])
    both[..., :x] = content[..., :x]
    both[..., max(x - 1, 0) : x + 1] = 1.0
    return show(both, "before | after", height=300, alt="The pavilion, a photo left of a white border and painted right of it.")


browse(wipe, border=widgets.IntSlider(value=27, min=0, max=100, description="border, %"))

# %% [markdown]
# At the border the roof goes on as a bundle of dark lines: content gives the direction, and style gives the line.
#
# The scrubber is the explorer's "look back". Its Film button writes an animated `.webp` of the kept pictures;
# `film(frames, "run.mp4")` from `helpers.show` writes a video where `imageio-ffmpeg` is installed.
#
# ## In this notebook we
#
# - ran published recipes through one loss and one loop, and changed any word of them;
# - brought four famous weights to one unit, and saw that `relu4_1` does most of the talking in most of the losses;
# - turned the knobs in order: size of the style, ratio, variation, steps; deep layers make large marks;
# - had a panel for all of it, which keeps what it has when it is stopped.
#
# **On your own.** Paint *keras* in the explorer at 128 pixels: it ends in coloured noise. Which word of its recipe has to
# change when there are fewer pixels? Multiply the content of *pytorch_tutorial* by 100: does the photo come back? Upload
# a photo of yours.
#
# **In practice.** A recipe is data: add your own table to `data/recipes.toml`, and it is in every list above.
# Interrupting the kernel does not reach the panel's thread; Stop does.
#
# **Further reading.** Gatys, Ecker and Bethge (2015, arXiv 1508.06576), figure 3: the grid, with VGG19. The README of
# jcjohnson/neural-style: a gallery for each knob, from 2015, and still the best manual of its kind.
#
# <!-- bottom -->
