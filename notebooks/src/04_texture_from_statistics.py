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
# # Make a texture from statistics
#
# > **You will do** throw a painting away, keep five Gram matrices, and make new paintings from them and noise.
# > **You will learn** the style loss over layers, its gradient by hand, and what this loss cannot see.
# > **You need** Gram matrices (notebook 03) and the chain rule.
# > **Time** 80 minutes with the exercises; about a minute and a half of computing on a laptop.
# > **Came before** the Gram matrix of one layer; this notebook runs it backwards.
#
# ![Above, pieces of The Starry Night, a brick wall, a forest floor and a carpet; below each, a new square of the same strokes, bricks, leaves or flowers in another arrangement.](../data/results/04_textures.jpg)
#
# *Above, pieces of four pictures. Below, what came out of noise when only Gram matrices had to agree (256 pixels, 60
# evaluations for each). Look for one stroke or one brick of the upper row in the lower row: you will find many of its
# kind, but never the very same.*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Pixels of a side of the textures, and how often the loss is evaluated for each of them:

# %% tags=["settings"]
import torch

size = 256
steps = 50

# %% [markdown]
# ## A painting, and what we keep of it
#
# **A texture is what stays the same wherever you look.** We take *The Starry Night* at 384 pixels:

# %%
from helpers.images import load
from helpers.show import show
from helpers.vgg import VGG

vgg = VGG()
painting = load("starry_night", 384).to(vgg.device)
show(painting, height=256,
     alt="The Starry Night: swirls in blue and white over a dark village, yellow stars and "
     "a moon.")

# %% [markdown]
# Strokes that follow their neighbours, dark blue with some yellow: that is what we hope to save. We keep one Gram matrix
# for each of five layers, computed once; `gram` was derived in notebook 03. How many numbers are they?

# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import gram

layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def grams_of(image, layers=layers):
    return {name: gram(features) for name, features in vgg(image, layers).items()}


with torch.no_grad():
    A = grams_of(painting)
print([tuple(target.shape) for target in A.values()])
print(sum(target.numel() for target in A.values()), "numbers kept, of", painting.numel())

# %% [markdown]
# That is even more than the painting has. But a Gram matrix is symmetric, so nearly all of them stand there twice; the
# number stays the same for a painting of any size; and not one of them says where anything is.
#
# ## The style loss
#
# **Two pictures have the same style when their Gram matrices agree.** For one layer $l$ with $N$ channels and $M$
# places, Gatys, Ecker and Bethge (2016) write the error as equation 4, and add the layers up with weights in equation 5:
#
# $$E_l = \frac{1}{4 N^2 M^2} \sum_{ij} (G_{ij} - A_{ij})^2 \qquad\qquad L_{\text{style}} = \sum_l w_l E_l$$
#
# There $G = F F^\top$ is a plain sum over places. A toy for your head has two channels and four places: both fire at the
# first place, and each once more alone. In the style they shall be as strong, but never there together:

# %%
# NBVAL_CHECK_OUTPUT
toy = torch.tensor([[2.0, 0.0, 2.0, 0.0], [2.0, 2.0, 0.0, 0.0]])
target = 8 * torch.eye(2)
print(toy @ toy.T)
N, M = toy.shape
print(f"equation 4: {(toy @ toy.T - target).square().sum() / (4 * N**2 * M**2):.3f}")

# %% [markdown]
# Two entries are wrong by 4, so there is 16 + 16 on top and 4 · 4 · 16 below, which gives 0.125, in units that nobody can
# interpret. And features of different layers differ in size. So this series divides by the target instead:
#
# $$E_l = \frac{\lVert G - A \rVert^2}{\lVert A \rVert^2}$$
#
# 0 is a perfect match, 1 is what features of nothing but zeros would score, and the constants cancel:


# %%
def style_error(G, A):  # departs from Gatys (2016), eq. 4: relative, where the paper divides by 4 N² M²
    return (G - A).square().sum() / A.square().sum()


# %% [markdown]
# For the toy, with our Gram matrix that divides by the four places, and by the helper `style_loss`, which takes features:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.check import close
from helpers.losses import style_loss

toy_gram = toy @ toy.T / 4
toy_target = 2 * torch.eye(2)
print("relative error:", style_error(toy_gram, toy_target).item())
close("style error", style_error(toy_gram, toy_target), style_loss(toy.view(1, 2, 2, 2), toy_target))

# %% [markdown]
# (1 + 1) / (4 + 4) is a quarter. What does the departure buy? Here are both forms, layer by layer, for an image of uniform
# noise. Because our $G$ is divided by $M$, the paper's denominator is $4 N^2$:

# %%
from helpers.images import noise

with torch.no_grad():
    found = grams_of(noise(painting, seed=0))
for name in layers:
    paper = (found[name] - A[name]).square().sum() / (4 * len(A[name]) ** 2)
    print(f"{name}: paper {paper:.3f}, relative {style_error(found[name], A[name]):.2f}")

# %% [markdown]
# In the paper's unit, `relu4_1` alone is larger than all the others together, by far: at `relu1_1` the error is several
# hundred thousand times smaller. If we simply added these numbers, we would paint with the fourth block and hardly hear
# the other four. A relative error does not depend on how large a layer's features are, and it can be read alone: zeros score
# 1, and more means that the noise excites the layer too strongly, as at `relu3_1`. Now all five are of one order, and equal
# weights mean something: the paper's $w_l = 1/5$:


# %%
def mean_error(found, targets):  # Gatys (2016), eq. 5, with w_l = 1 / number of layers
    return sum(style_error(found[name], targets[name]) for name in targets) / len(targets)


# %% [markdown]
# **Before you run it:** put these four in order, from the nearest to *The Starry Night* to the farthest: noise, Munch's
# *Scream*, another landscape by Van Gogh, and *The Starry Night* in the mirror.

# %%
# NBVAL_CHECK_OUTPUT
candidates = {
    "noise": noise(painting),
    "The Scream": load("munch_the_scream", 384),
    "Wheat Field with Cypresses": load("vangogh_wheat_field_cypresses", 384),
    "The Starry Night, mirrored": painting.flip(3),
}
for name, image in candidates.items():
    with torch.no_grad():
        print(f"{name}: {mean_error(grams_of(image.to(vgg.device)), A):.3f}")

# %% [markdown]
# The mirror image is nearly at 0: a filter that detects left edges does not detect right ones, but all strokes and colours
# are there. Then comes the other Van Gogh, then Munch, and noise is farthest. It is even farther than 1: it excites
# the network more strongly than the painting does, and there is no ceiling.
#
# **Exercise 1** · ●○○ · 10 min. The style error can be had without any Gram matrix. Let $f_k$ be column $k$ of `F`, all
# channels at one place, and $s_k$ the same for the style. The sum of all products of entries of $G$ and $A$ is the mean of
# $(f_k \cdot s_l)^2$ over all pairs of places, because $G = \text{mean}_k\, f_k f_k^\top$ and $A = \text{mean}_l\, s_l
# s_l^\top$. So, with every mean taken over all pairs of places and of squares,
#
# $$\lVert G - A \rVert^2 = \text{mean}\big[(f_k \cdot f_l)^2\big] - 2\,\text{mean}\big[(f_k \cdot s_l)^2\big] + \text{mean}\big[(s_k \cdot s_l)^2\big]$$
#
# Write the right-hand side:


# %% tags=["spec"]
def by_gram_spec(F, S):
    G, A = F @ F.T / F.shape[1], S @ S.T / S.shape[1]
    return (G - A).square().sum()


# %% tags=["exercise"]
def my_by_places(F, S):
    """Features F (C, M) and S (C, K) -> squared distance of their Gram matrices, a scalar, by comparing places."""
    # solution
    own, between, style = F.T @ F, F.T @ S, S.T @ S
    return own.square().mean() - 2 * between.square().mean() + style.square().mean()


# %% tags=["check"]
from helpers.check import check

check(my_by_places, by_gram_spec, (3, 5), (3, 7));

# %% [markdown]
# <details><summary>Hint</summary>
#
# `F.T @ S` holds the product of every place of the one picture with every place of the other; the mean of its squares is
# the middle term.
#
# </details>
#
# <!-- solution: my_by_places -->
#
# Every place meets every other, and neighbours count no more than places far apart.
#
# ## The gradient, by hand
#
# **To make the error small we must know how each feature changes it.** For one layer it takes four steps. First, move the
# features by a little $\mathrm dF$. With $hw = M$ places, the Gram matrix moves by
#
# $$\mathrm dG = \frac{1}{hw}\left(\mathrm dF\, F^\top + F\, \mathrm dF^\top\right)$$
#
# and by a square of $\mathrm dF$ that is too small to count. Watch it on the toy: only one number grows, from 2 to 2.1.

# %%
# NBVAL_CHECK_OUTPUT
moved = toy.clone()
moved[0, 0] += 0.1
print((moved @ moved.T / 4 - toy_gram).round(decimals=4))

# %% [markdown]
# One row and one column have changed: by 0.1 · 2 / 4 above the diagonal from the first term, below it from the second,
# and in the corner from both, with the 0.0025 that is too small to count.
#
# Second, each entry of $G$ counts in the error by twice its distance from the target:
#
# $$\mathrm dE = \frac{2}{\lVert A \rVert^2} \sum_{ij} (G_{ij} - A_{ij})\, \mathrm dG_{ij}$$
#
# Third, put $\mathrm dG$ in. Its two terms are mirror images of each other, and $D = G - A$ is its own, so both should give
# the sum the same. Do they?

# %%
# NBVAL_CHECK_OUTPUT
D, dF = toy_gram - toy_target, moved - toy
first, second = dF @ toy.T / 4, toy @ dF.T / 4
print(D)
print(f"first term {(D * first).sum():.3f}, second term {(D * second).sum():.3f}")

# %% [markdown]
# They do: $D_{12}$ meets the one, $D_{21}$ the other, and both are 1. So we keep the first term and count it twice:
#
# $$\mathrm dE = \frac{4}{hw \lVert A \rVert^2} \sum_{ij} D_{ij} \sum_k \mathrm dF_{ik} F_{jk}
# = \frac{4}{hw \lVert A \rVert^2} \sum_{ik} \Big(\sum_j D_{ij} F_{jk}\Big)\, \mathrm dF_{ik}$$
#
# Fourth, read it: what stands before $\mathrm dF_{ik}$ is the gradient, and the sum over $j$ is a matrix product.
#
# $$\frac{\partial E}{\partial F} = \frac{4}{hw \lVert A \rVert^2}\, (G - A)\, F$$
#
# Of the 4, one factor 2 comes from the square and the other from the symmetry. As code, for `F` with one row a channel:


# %%
def gradient_by_hand(F, A):  # Gatys (2016), eq. 6, with our divisor in place of N² M²
    places = F.shape[1]
    return 4 / (places * A.square().sum()) * (F @ F.T / places - A) @ F


# %% [markdown]
# **Before you run it:** the target wants the two never together. Where will the gradient of channel 1 be largest?

# %%
# NBVAL_CHECK_OUTPUT
print(toy)
print(gradient_by_hand(toy, toy_target))

# %% [markdown]
# Where channel 2 fires. Each row of the gradient is an eighth of the *other* channel's map: *fire less wherever the other
# fires*. At place 2 channel 1 is silent already, and the ReLU before `F` lets nothing through. In the paper, equation 6
# has a second line for this: the gradient is 0 where the feature is.
#
# Now real features, in float64 so that rounding cannot hide an error: autograd has to agree at every place of every channel.

# %%
torch.manual_seed(0)
with torch.no_grad():
    real = vgg(torch.rand(1, 3, 64, 64).to(vgg.device), layers)
for name in layers:
    F, target = real[name][0].flatten(1).cpu().double().requires_grad_(), A[name].cpu().double()
    style_error(F @ F.T / F.shape[1], target).backward()
    largest = F.grad.abs().max()
    close(name, gradient_by_hand(F.detach(), target) / largest, F.grad / largest, tolerance=1e-10)

# %% [markdown]
# Equal to fifteen digits of the largest entry. From there back to the pixels, autograd does what it does for every loss.
#
# **Exercise 2** · ●●○ · 15 min. A weaker statistic is the mean $m_i$ of each channel. Derive the gradient of
# $\lVert m - a \rVert^2 / \lVert a \rVert^2$ with respect to the features, on paper, and write it without autograd:


# %% tags=["spec"]
def mean_gradient_spec(F, a):
    F = F.clone().requires_grad_()
    error = (F.mean(dim=1) - a).square().sum() / a.square().sum()
    error.backward()
    return F.grad


# %% tags=["exercise"]
def my_mean_gradient(F, a):
    """Features F (C, M) and target means a (C,) -> gradient of the relative error of the means, (C, M)."""
    # solution
    difference = F.mean(dim=1) - a
    per_channel = 2 * difference / (F.shape[1] * a.square().sum())
    return per_channel[:, None].expand_as(F)


# %% tags=["check"]
check(my_mean_gradient, mean_gradient_spec, (3, 5), (3,));

# %% [markdown]
# <details><summary>Hint</summary>
#
# If one feature of channel $i$ grows by $\mathrm dF$, then $m_i$ grows by $\mathrm dF / M$, and no other mean changes.
#
# </details>
#
# <!-- solution: my_mean_gradient -->
#
# ## From noise to texture
#
# **What the painting has and noise has not must now come from the Gram matrices.** We start from quiet noise: mid-grey, with
# a fifth of the contrast of uniform noise.


# %%
def quiet(seed):
    square = torch.empty(1, 3, size, size, device=vgg.device)
    return 0.5 + 0.2 * (noise(square, seed) - 0.5)


# %% [markdown]
# For the painting we use a second copy of the network. `fast` lets it compute with fewer digits where your machine is
# quicker at that; every number that we print still comes from the first one.

# %%
from helpers.fast import fast

painter = fast(VGG())

# %% [markdown]
# `optimise` changes the image so that a loss falls; notebook 07 opens it. With `parametrize=pyramid` it may change large
# patches as well as single pixels, which saves a good part of the waiting (notebook 09). A result is what is saved, in
# 8 bits:

# %%
from helpers.fast import pyramid
from helpers.images import as_saved
from helpers.transfer import optimise


def texture(picture, seed=0, layers=layers):
    with torch.no_grad():
        features = painter(picture, layers)
        targets = {name: gram(features[name]) for name in layers}

    def loss(image):
        features = painter(image, layers)
        errors = [style_loss(features[name], targets[name]) for name in layers]
        return sum(errors) / len(layers)

    return as_saved(optimise(quiet(seed), loss, steps, parametrize=pyramid).image)


# %% [markdown]
# As in the upper half of Figure 1 in the paper of 2015, we use `relu1_1` alone, then `relu1_1` and `relu2_1`, and so on;
# nothing else changes. **Before you run it:** from which layer on do you expect brush strokes, and from which on a star?

# %%
textures = {}
for depth in range(1, 6):
    textures[layers[depth - 1]] = texture(painting, layers=layers[:depth])
piece = painting[..., :size, -size:]
titles = ["from the painting", *(f"up to {name}" for name in textures)]
show([piece, *textures.values()], titles, columns=3,
     alt="A piece of The Starry Night, then five textures: grain in blue and yellow, short "
     "strokes, longer strokes, bands of strokes, and at last swirls with yellow stars.")

# %% [markdown]
# With `relu1_1` alone the colours are right, but they come as grain. With `relu2_1` they become short curved strokes, and
# with `relu3_1` longer ones that flow beside each other. At `relu4_1` the strokes join into bands, and with `relu5_1`
# there are whole swirls, and stars with their halos. But no sky stands above a village, because nothing that we kept says
# where anything was.
#
# Move the control to compare each of them with the piece:

# %%
from ipywidgets import SelectionSlider

from helpers.show import browse


def compare(deepest):
    titles = ["from the painting", f"up to {deepest}"]
    return show([piece, textures[deepest]], titles, height=256,
                alt="Left, a piece of The Starry Night; right, a texture from the layers "
                f"up to {deepest}.")


deepest = SelectionSlider(options=layers, value="relu5_1", continuous_update=False)
browse(compare, deepest=deepest)

# %% [markdown]
# Look closely, and you find coloured grain between the strokes: here nothing asks for a smooth picture, as the total
# variation of notebook 02 did. And the layers that a texture was *not* asked about? Style errors in per cent, a row for
# each texture, a column for each layer:

# %%
for name, image in textures.items():
    with torch.no_grad():
        grams = grams_of(image)
    errors = [100 * style_error(grams[layer], A[layer]).item() for layer in layers]
    print(f"up to {name}:", " ".join(f"{error:8.2f}" for error in errors))

# %% [markdown]
# On the diagonal and left of it, where a layer was asked for, the numbers stay under one per cent, except at `relu5_1`,
# which is the slowest to come right. Right of the diagonal they are larger, often far larger: right colours are not right
# strokes, and right strokes are not right swirls.
#
# **Before you run it:** which has the smaller style error, the last texture or the piece that Van Gogh himself painted?

# %%
with torch.no_grad():
    made = mean_error(grams_of(textures["relu5_1"]), A).item()
    original = mean_error(grams_of(piece), A).item()
print(f"texture {100 * made:.1f} %, piece of the painting {100 * original:.1f} %")
assert made < original / 3

# %% [markdown]
# The texture, by far: the piece has too much moon and no cypress. A small number is no proof of quality.
#
# ## What the statistics do not know
#
# **A Gram matrix adds up over all places, so it forgets how places are ordered.** William Morris designed his cloth
# *Peacock and Dragon* in strict order: every bird faces its mirror image, and the whole pattern comes again every 152
# pixels to the right and every 202 pixels down. **Before you run it:** what will survive of the colours, the feathers,
# the pairs?

# %%
cloth = load("morris_peacock_and_dragon", 384).to(vgg.device)
cloth_texture = texture(cloth)
show([cloth, cloth_texture], ["Peacock and Dragon", "its texture"], height=300,
     alt="Left, mirrored pairs of birds and dragons in rows; right, the same teal, gold "
     "and brown leaves and feathers in disorder, without one whole bird.")

# %% [markdown]
# The colours are there, and so are the outlines, the curled leaves and the bundles of feathers. But no bird is whole,
# none faces its twin, and no row comes again. A number says it better: how well does a picture agree with itself when it
# is moved? 1 is perfect, and 0 is chance. We blur both a little first, because threads do not repeat as exactly as birds
# do.


# %%
from torch.nn.functional import avg_pool2d


def echo(image, shift, dim):  # dim 3: to the right, dim 2: down
    grey = avg_pool2d(image.mean(dim=1, keepdim=True), 5, stride=1)
    length = grey.shape[dim] - shift
    here = grey.narrow(dim, 0, length)
    there = grey.narrow(dim, shift, length)
    return torch.corrcoef(torch.stack([here.flatten(), there.flatten()]))[0, 1].item()


for name, image in (("Peacock and Dragon", cloth), ("its texture", cloth_texture)):
    right = max(echo(image, shift, 3) for shift in range(100, 200))
    down = max(echo(image, shift, 2) for shift in range(100, 210))
    print(f"{name}: strongest echo to the right {right:.2f}, down {down:.2f}")

# %% [markdown]
# The cloth agrees well with itself one repeat away. For its texture we have tried every shift from 100 pixels to 200, and
# even the best one is hardly better than chance. A part of this is easy to explain: a channel at `relu5_1` looks through
# a window of 156 pixels (notebook 01), so nothing can compare two places that are 202 pixels apart. But 152 pixels would
# just fit into that window, and this repeat is gone as well.
#
# Could the loss have told us? Let's ask it. We cut the cloth into square tiles and shuffle them, which destroys all order
# between tiles and keeps everything within them. **Before you run it:** will the style error be
# more like that of another painting, which was about a half, or more like that of the texture?


# %%
# NBVAL_CHECK_OUTPUT
def shuffled(image, tile):
    rows = image.shape[2] // tile
    columns = image.shape[3] // tile
    tiles = [
        image[..., y * tile : (y + 1) * tile, x * tile : (x + 1) * tile]
        for y in range(rows)
        for x in range(columns)
    ]
    order = torch.randperm(len(tiles), generator=torch.Generator().manual_seed(0))
    tiles = [tiles[i] for i in order]
    return torch.cat([torch.cat(tiles[i::rows], dim=3) for i in range(rows)], dim=2)


with torch.no_grad():
    cloth_grams = grams_of(cloth)
    for tile in (16, 32, 64, 128):
        error = mean_error(grams_of(shuffled(cloth, tile)), cloth_grams).item()
        print(f"tiles of {tile:3} pixels: style error {error:.4f}")

# %%
with torch.no_grad():
    error = mean_error(grams_of(cloth_texture), cloth_grams).item()
print(f"the texture: style error {error:.3f}")
titles = ["tiles of 64 pixels", "tiles of 16 pixels"]
show([shuffled(cloth, 64), shuffled(cloth, 16)], titles, height=288,
     alt="The cloth in shuffled square tiles: the large ones still show halves of birds "
     "and fans of feathers, the small ones only scraps of them.")

# %% [markdown]
# Much more like the texture. Tiles of 16 pixels are noticed, with an error of about a tenth. With tiles of 64 pixels the
# birds are cut through and stand anywhere, and the error is only 0.015: three times the texture's own, and far from
# another painting. So this is the deeper reason. A Gram matrix asks which features fire together at one place, and in the
# shuffled cloth the answer is nearly the same. Order over a few pixels counts, because one feature sees all of it; order
# over many pixels is worth very little, and the optimiser gets along without it.
#
# **Exercise 3** · ●●○ · 15 min. There is a statistic that does remember order: multiply each channel with every other *moved
# by `shift` places*, and take the mean over the places where both are. Write it with two slices and one matrix product:


# %% tags=["spec"]
def shifted_spec(features, shift):
    _, channels, height, width = features.shape
    total = torch.zeros(channels, channels)
    for y in range(height):
        for x in range(width - shift):
            total += torch.outer(features[0, :, y, x], features[0, :, y, x + shift])
    return total / (height * (width - shift))


# %% tags=["exercise"]
def my_shifted_gram(features, shift):
    """Features (1, C, h, w) and a shift to the right of at least 1 -> (C, C), without loops."""
    # solution
    left = features[0, :, :, :-shift].flatten(1)
    right = features[0, :, :, shift:].flatten(1)
    return left @ right.T / left.shape[1]


# %% tags=["check"]
check(my_shifted_gram, shifted_spec, (1, 3, 4, 6), 2);

# %% [markdown]
# <details><summary>Hint</summary>
#
# Take the features without their last `shift` columns, and without their first: a Gram matrix with two different factors.
#
# </details>
#
# <!-- solution: my_shifted_gram -->
#
# A face is order too: two eyes at one height, a nose between them and below. **Before you run it:** what is left of a cat?

# %%
cat = load("chelsea", 256).to(vgg.device)
cat_texture = texture(cat)
show([cat, cat_texture], ["the cat", "its texture"], height=300,
     alt="Left, a tabby cat's face with green eyes; right, fur, whiskers and several green "
     "eyes, scattered without a face.")

# %% [markdown]
# Fur, whiskers, and more eyes than a cat needs, but no face: the parts are there, and their places are lost. This is the
# weakness of the style loss, and also its use: it brings the strokes and leaves the village behind. To keep *this* cat we
# need a loss that remembers positions, and the next notebook adds it.
#
# ## Seeds vary, statistics do not
#
# **Gram matrices do not describe a picture, they describe a family.** Two textures of a forest floor; only the seed of the
# noise differs:

# %%
leaves = load("autumn_leaves", 384).to(vgg.device)
family = {"from the photo": leaves[..., :size, :size]}
for seed in (1, 2):
    family[f"seed {seed}"] = texture(leaves, seed)
show(list(family.values()), list(family),
     alt="A forest floor covered with small leaves, and two textures of such leaves, grey, "
     "brown and orange, each with its leaves at other places.")

# %% [markdown]
# The leaves have the same sizes and the same colours, and not one of them lies at the same place. By number, two of these
# pictures can be compared pixel by pixel or by their Gram matrices, both as $\lVert x - y \rVert^2 / \lVert y \rVert^2$:

# %%
from itertools import combinations

from helpers.losses import content_loss

with torch.no_grad():
    grams = {name: grams_of(image) for name, image in family.items()}
for first, second in combinations(family, 2):
    pixels = content_loss(family[first], family[second]).item()
    style = mean_error(grams[first], grams[second]).item()
    print(f"{first} and {second}: pixels {pixels:.2f}, style {style:.4f}")
    assert pixels > 5 * style

# %% [markdown]
# Pixel by pixel, any two of the three differ by more than a quarter. In style, the two textures differ by about a quarter of
# a per cent, a hundred times less, and they are nearer to each other than either is to a piece of the photo.
#
# Can statistics alone make a texture? Yes, and not one but as many as there are seeds.
#
# ## In this notebook we
#
# - wrote the style loss over five layers, in the paper's unit and without;
# - derived its gradient, $4 / (hw \lVert A \rVert^2)\,(G - A)\,F$, and found autograd in agreement;
# - made textures from noise, layer by layer, a new one from each seed, and saw the order of a cloth and the face of a cat
#   get lost.
#
# **On your own.** Use `relu5_1` alone: `texture(painting, layers=["relu5_1"])`. What are the colours like, and why? Start
# from full noise instead of quiet noise: how much longer does it take, and what is left in the picture that no Gram matrix
# pushes against? Make a texture of your own garden, carpet or lunch.
#
# **In practice.** The paper rescales VGG19 so that each channel's mean activation is 1, which brings its layers to one size;
# the relative error leaves the network alone. In the authors' own PyTorch code, the line for a start from noise is
# commented out, and its noise is nearly flat grey, as ours is.
#
# **Further reading.** Gatys, Ecker and Bethge, *Texture Synthesis Using Convolutional Neural Networks* (2015, arXiv
# 1505.07376): this experiment, before anybody spoke of style. Li and others, *Demystifying Neural Style Transfer* (2017,
# arXiv 1701.01036): what follows from Exercise 1. Berger and Memisevic, *Incorporating Long-Range Consistency in CNN-Based
# Texture Generation* (2017, arXiv 1606.01286): Exercise 3 at work.
#
# <!-- bottom -->
