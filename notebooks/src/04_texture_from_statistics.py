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
# > **Time** 45 minutes; about 35 seconds of computing on a laptop.
# > **Came before** the Gram matrix of one layer; this notebook runs it backwards.
#
# ![Above, pieces of four paintings; below each, a new square of the same strokes and colours in another arrangement.](../data/results/04_textures.jpg)
#
# *Above, pieces of four pictures. Below, what came out of noise when only Gram matrices had to agree. Look for one
# stroke of the upper row in the lower row: its kind is everywhere, and itself nowhere.*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Pixels of a side of the textures, and how often the loss is evaluated for each of them:

# %% tags=["settings"]
import torch

size, steps = 128, 100

# %% [markdown]
# ## A painting, and what we keep of it
#
# **A texture is what stays the same wherever you look.** We take *The Starry Night* at 320 pixels:

# %%
from helpers.images import load
from helpers.show import show
from helpers.vgg import VGG

vgg = VGG()
painting = load("starry_night", 320).to(vgg.device)
show(painting, alt="The Starry Night: swirls in blue and white over a dark village, yellow stars and a moon.")

# %% [markdown]
# Strokes that follow their neighbours, dark blue with some yellow: that is what we hope to save. We keep one Gram matrix
# for each of five layers, computed once; `gram` was derived in notebook 03. How many numbers are they?

# %%
# NBVAL_CHECK_OUTPUT
from helpers.transfer import gram

layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def grams_of(image, layers=layers):
    return {name: gram(features) for name, features in vgg(image, layers).items()}


with torch.no_grad():
    A = grams_of(painting)
print([tuple(target.shape) for target in A.values()])
print(sum(target.numel() for target in A.values()), "numbers kept, of", painting.numel())

# %% [markdown]
# A sixth as many as the painting has, and most of them stand there twice, because a Gram matrix is symmetric. None says
# where anything is.
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
toy, target = torch.tensor([[2.0, 0.0, 2.0, 0.0], [2.0, 2.0, 0.0, 0.0]]), 8 * torch.eye(2)
print(toy @ toy.T)
N, M = toy.shape
print(f"equation 4: {(toy @ toy.T - target).square().sum() / (4 * N**2 * M**2):.3f}")

# %% [markdown]
# Two entries are wrong by 4: 16 + 16 on top and 4 · 4 · 16 below make an eighth of a feature to the fourth power. But
# features of different layers differ in size, so this series divides by the target instead:
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
from helpers.transfer import style_loss

toy_gram, toy_target = toy @ toy.T / 4, 2 * torch.eye(2)
print("relative error:", style_error(toy_gram, toy_target).item())
close("style error", style_error(toy_gram, toy_target), style_loss(toy.view(1, 2, 2, 2), toy_target))

# %% [markdown]
# (1 + 1) / (4 + 4) is a quarter. What does the departure buy? Both forms, layer by layer, for uniform noise; with $G$
# divided by $M$, the paper's denominator is $4 N^2$:

# %%
from helpers.images import noise

with torch.no_grad():
    found = grams_of(noise(painting, seed=0))
for name in layers:
    paper = (found[name] - A[name]).square().sum() / (4 * len(A[name]) ** 2)
    print(f"{name}: paper {paper:.3f}, relative {style_error(found[name], A[name]):.2f}")

# %% [markdown]
# The paper's unit depends on how large a layer's features are: not far apart in our small network, where it would do as
# well, in VGG19 hundreds of times. A relative error can be read alone: zeros score 1, and more means that the noise fires
# too strongly, as at `relu3_1`. With all five of one order, equal weights mean something: the paper's $w_l = 1/5$:


# %%
def mean_error(found, targets):  # Gatys (2016), eq. 5, with w_l = 1 / number of layers
    return sum(style_error(found[name], targets[name]) for name in targets) / len(targets)


# %% [markdown]
# **Before you run it:** which is worse, noise or another painting? And is a painting in the mirror still the same style?

# %%
# NBVAL_CHECK_OUTPUT
candidates = {"noise": noise(painting), "woodcut": load("woodcut", 320), "the painting, flipped": painting.flip(3)}
for name, image in candidates.items():
    with torch.no_grad():
        print(f"{name}: {mean_error(grams_of(image.to(vgg.device)), A):.3f}")

# %% [markdown]
# The woodcut: its hard contrast makes its Gram matrices larger than the painting's, and 1 is no ceiling. The mirror image
# is nearly at 0: left is not quite right to a filter, but all strokes and colours are there.
#
# **Exercise 1** · ●○○ · 10 min. The style error can be had without any Gram matrix. Let $f_k$ be column $k$ of `F`, all
# channels at one place, and $s_k$ the same for the style. Then, with each mean taken over all pairs of places,
#
# $$\lVert G - A \rVert^2 = \text{mean}\,(f_k \cdot f_l)^2 - 2\,\text{mean}\,(f_k \cdot s_l)^2 + \text{mean}\,(s_k \cdot s_l)^2$$
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
# Where channel 2 fires. Each row of the gradient is an eighth of the *other* channel's map: *fire less wherever the other fires*. At
# place 2 channel 1 is silent already, and the ReLU before `F` lets nothing through: the second line of equation 6.
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
def quiet(seed, height=size, width=size):
    return 0.5 + 0.2 * (noise(torch.empty(1, 3, height, width, device=vgg.device), seed) - 0.5)


# %% [markdown]
# `optimise` changes pixels so that a loss falls; notebook 07 opens it. A result is what is saved, in 8 bits:

# %%
from helpers.images import as_saved
from helpers.transfer import optimise


def texture(targets, start):
    def loss(image):
        return mean_error(grams_of(image, list(targets)), targets)

    return as_saved(optimise(start, loss, steps).image)


# %% [markdown]
# As in the lower half of the paper's Figure 1 we use `relu1_1` alone, then `relu1_1` and `relu2_1`, and so on; nothing else
# changes. **Before you run it:** from which layer on do you expect brush strokes, and from which on the village?

# %%
textures = {}
for depth in range(1, 6):
    targets = {name: A[name] for name in layers[:depth]}
    textures[layers[depth - 1]] = texture(targets, quiet(seed=0))
piece = painting[..., :size, -size:]
show([piece, *textures.values()], ["from the painting", *(f"up to {name}" for name in textures)],
     alt="A piece of The Starry Night, then five textures: coloured spots, short strokes, and three times strokes that "
     "gather in curved bands with yellowish lights.")

# %% [markdown]
# With `relu1_1` alone the colours are right, in spots. With `relu2_1` they become short strokes, and from `relu3_1` on
# these gather in longer, curved bands. The village never comes: nothing that we kept says where it was.
#
# Move the control to see each of them larger:

# %%
from ipywidgets import SelectionSlider

from helpers.show import browse


def compare(deepest):
    return show([piece, textures[deepest]], ["from the painting", f"up to {deepest}"], height=330,
                alt=f"Left, a piece of The Starry Night; right, a texture from the layers up to {deepest}.")


browse(compare, deepest=SelectionSlider(options=layers, value="relu5_1", continuous_update=False))

# %% [markdown]
# Enlarged, a fine coloured grain shows between the strokes; notebook 05 adds a term against it. And the layers that a
# texture was *not* asked about? Style errors in per cent, a row for each texture, a column for each layer:

# %%
for deepest, image in textures.items():
    with torch.no_grad():
        found = grams_of(image)
    errors = [100 * style_error(found[name], A[name]).item() for name in layers]
    print(f"up to {deepest}:", " ".join(f"{error:7.2f}" for error in errors))

# %% [markdown]
# On the diagonal and left of it, where a layer was asked for, the numbers stay under about one per cent. Right of it they
# are larger, often far larger: right colours are not right strokes, and right strokes are not right bands.
#
# **Before you run it:** which has the smaller style error, the last texture or the piece that Van Gogh himself painted?

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    made, cut = (mean_error(grams_of(image), A).item() for image in (textures["relu5_1"], piece))
print(f"texture under 1 %: {made < 0.01}; piece of the painting: {100 * cut:.1f} %")
print(f"the texture is at least 4 times as near: {made < cut / 4}")

# %% [markdown]
# The texture, by far: the piece has too much moon and no cypress. A small number is no proof of quality.
#
# ## What the statistics do not know
#
# **A Gram matrix adds up over all places, and what needs two distant places to be seen is lost.** The plaid below repeats
# itself every 180 pixels. **Before you run it:** what will survive of its colours, its threads, its squares?

# %%
plaid = load("stripes", 400).to(vgg.device)
with torch.no_grad():
    plaid_grams = grams_of(plaid)
original, strip = plaid[..., :96, :288], texture(plaid_grams, quiet(0, height=96, width=288))
show([original, strip], ["the plaid", "its texture"], columns=1, height=220,
     alt="Above, a regular plaid of green, red and cream squares; below, ragged patches of red and blue and slanting "
     "black and white threads, in no order.")

# %% [markdown]
# The slanting threads are there, and patches of the red. The squares are gone, and with them the grid. A number says
# it better: how well does a picture agree with itself, moved to the right? 1 is perfect, 0 is chance.

# %%
# NBVAL_CHECK_OUTPUT
def echo(image, shift):
    grey = image.mean(dim=1) - image.mean()
    return ((grey[..., shift:] * grey[..., :-shift]).mean() / grey.square().mean()).item()


print(f"the plaid, moved by 180 pixels: {echo(original, 180):.2f}")
print(f"its texture, moved by 45, 90 or 180: under 0.2, {max(echo(strip, shift) for shift in (45, 90, 180)) < 0.2}")
with torch.no_grad():
    print(f"style error of the texture: under 0.02, {mean_error(grams_of(strip), plaid_grams).item() < 0.02}")

# %% [markdown]
# Moved by one repeat, the plaid meets itself again; the texture does not. The loss is content all the same: a channel
# at `relu5_1` looks through a window of 156 pixels (notebook 01), so nothing compares two places that are 180 apart.
#
# **Exercise 3** · ●●○ · 15 min. A statistic that does: multiply each channel with every other *moved by `shift` places*,
# and take the mean over the places where both are. Write it with two slices and one matrix product:


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
cat = load("chelsea", 160).to(vgg.device)
with torch.no_grad():
    cat_grams = grams_of(cat)
cat_texture = texture(cat_grams, quiet(0))
show([cat, cat_texture], ["the cat", "its texture"], height=300,
     alt="Left, a tabby cat's face; right, brown fur and blurred patches, with something like an eye and no face.")

# %% [markdown]
# Fur, and somewhere a thing like an eye: parts, but no places. That is the weakness of this loss, and why it can
# carry a style: it brings the strokes and leaves the village behind. Whoever wants this very cat must add a loss that
# knows places, as the next notebook does.
#
# ## Seeds vary, statistics do not
#
# **Gram matrices do not describe a picture, they describe a family.** Three textures of a woodcut; only the seed of the
# noise differs:

# %%
woodcut = load("woodcut", 400).to(vgg.device)
with torch.no_grad():
    woodcut_grams = grams_of(woodcut)
family = [texture(woodcut_grams, quiet(seed)) for seed in (1, 2, 3)]
show([woodcut[..., 80 : 80 + size, 80 : 80 + size], *family], ["from the woodcut", "seed 1", "seed 2", "seed 3"], height=230,
     alt="A piece of a woodcut, gouged lines around an orange sun; then three squares of such lines with orange patches, "
     "each with its lines and patches at other places.")

# %% [markdown]
# The same gouges, the same orange, and none of them at the same place. By number, two textures can be compared pixel by
# pixel or by their Gram matrices, both as $\lVert x - y \rVert^2 / \lVert y \rVert^2$:

# %%
from helpers.transfer import content_loss

with torch.no_grad():
    found = [grams_of(image) for image in family]
for one, other in ((0, 1), (0, 2), (1, 2)):
    pixels = content_loss(family[one], family[other]).item()
    print(f"seeds {one + 1} and {other + 1}: pixels {pixels:.2f}, style {mean_error(found[one], found[other]):.4f}")

# %% [markdown]
# Pixel by pixel they differ by about a half, in style by a thousandth or less. Put as a test:

# %%
# NBVAL_CHECK_OUTPUT
pixels = content_loss(family[0], family[1]).item()
errors = [mean_error(grams, woodcut_grams).item() for grams in found]
print(f"all {len(errors)} style errors under 1 %: {max(errors) < 0.01}")
print(f"pixels differ at least 50 times as much: {pixels > 50 * mean_error(found[0], found[1]).item()}")

# %% [markdown]
# Can statistics alone make a texture? Yes, and not one but as many as there are seeds.
#
# ## In this notebook we
#
# - wrote the style loss over five layers, in the paper's unit and without;
# - derived its gradient, $4 / (hw \lVert A \rVert^2)\,(G - A)\,F$, and found autograd in agreement;
# - made textures from noise, layer by layer, a new one from each seed, and saw a plaid's grid and a cat's face get lost.
#
# **On your own.** Give all weight to `relu5_1`: `texture({"relu5_1": A["relu5_1"]}, quiet(0))`. What are the colours
# like, and why? Start from loud noise, `noise(piece)`: the error ends about as low, but what is left in the picture that
# no Gram matrix pushes against?
#
# **In practice.** The paper rescales VGG19 so that each channel's mean activation is 1, which brings its layers to one size;
# the relative error leaves the network alone. Its "white noise" is nearly flat grey in the authors' own PyTorch code, as
# ours is.
#
# **Further reading.** Gatys, Ecker and Bethge, *Texture Synthesis Using Convolutional Neural Networks* (2015, arXiv
# 1505.07376): this experiment, before anybody spoke of style. Li and others, *Demystifying Neural Style Transfer* (2017,
# arXiv 1701.01036): what follows from Exercise 1. Berger and Memisevic, *Incorporating Long-Range Consistency in CNN-Based
# Texture Generation* (2017, arXiv 1606.01286): Exercise 3 at work.
#
# <!-- bottom -->
