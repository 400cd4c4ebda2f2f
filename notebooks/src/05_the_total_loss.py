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
# # Weigh content against style
#
# > **You will do** write the whole loss, convert the weights of seven published systems, and paint one photo seven times.
# > **You will learn** what a weight means, and why 1e6, 1e3, 100 and 3e4 are all "the" style weight.
# > **You need** the content error of notebook 02 and the Gram matrix of 03; both are repeated in one line each.
# > **Time** 45 minutes; about 20 seconds of computing on a laptop.
# > **Came before** texture from statistics; this notebook adds the content back.
#
# ![Six paintings of a rocket on its pad: at top left blue strokes swirl around it, at bottom right it is nearly the photo.](../data/results/05_ratio.jpg)
#
# *One photo, one style, one start; the content weight grows from 0.01 to 10. Look at the slender towers beside the
# rocket: at which weight are they whole?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# ## Three sums
#
# **The paper writes its loss in plain sums.** We begin with two channels (rows) at four places (columns): of our image,
# of the photo, and of the painting that lends its style:

# %%
import torch

image_toy = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]])
photo_toy = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 2.0]])
style_toy = torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]])

# %% [markdown]
# Content, Gatys et al. (2016), equation 1, sums over all channels and places:
#
# $$L_{\text{content}} = \frac{1}{2} \sum_{i,k} (F_{ik} - P_{ik})^2$$


# %%
def content_sum(F, P):  # Gatys (2016), eq. 1
    return 0.5 * (F - P).square().sum()


# %% [markdown]
# Style, equations 3 and 4: the Gram matrix is a sum over places, and one layer with $C$ channels and $M$ places has
#
# $$G_{ij} = \sum_k F_{ik} F_{jk}, \qquad E_l = \frac{1}{4 C^2 M^2} \sum_{i,j} (G_{ij} - A_{ij})^2$$
#
# Both on the toy; what will they be?


# %%
# NBVAL_CHECK_OUTPUT
def layer_error(F, S):  # Gatys (2016), eq. 3 and 4; F of the image, S of the style: (C, M), any M each
    C, M = F.shape
    G, A = F @ F.T, S @ S.T * (M / S.shape[1])  # departs from eq. 4: a style of another size is brought to M places
    return (G - A).square().sum() / (4 * C**2 * M**2)


print(f"content {content_sum(image_toy, photo_toy):.5f}, style {layer_error(image_toy, style_toy):.5f}")

# %% [markdown]
# Two numbers differ by 1 from the photo's: content is ½ · 2. Two entries of the Gram matrix, off the diagonal, differ by
# 2: style is 8 / (4 · 4 · 16), or 1/32.
#
# Equation 5 adds five layers, each with the weight $w_l = 1/5$, and equation 7 adds the two terms. The third, total
# variation $V$, is not in the paper; below we see why many add it:
#
# $$L = \alpha \, L_{\text{content}} + \beta \sum_l w_l E_l + \gamma \, V$$
#
# ## Sums have a size
#
# **A sum grows with what it sums over.** A photo, a painting, and the network:

# %%
from helpers.images import load
from helpers.show import show
from helpers.vgg import VGG

vgg = VGG()
photo, style = load("rocket", 128).to(vgg.device), load("starry_night", 256).to(vgg.device)
show([photo, style], ["content", "style"], height=170,
     alt="Left, a white rocket on its pad between lattice towers at dusk; right, The Starry Night.")

# %% [markdown]
# To measure, we need an image that is wrong in both ways: the photo faded halfway to grey.

# %%
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def features_of(image):  # layer name -> (C, M): one row a channel, one column a place
    return {name: f[0].flatten(1) for name, f in vgg(image, layers + ["relu4_2"]).items()}


def sums(image, photo, style):
    F, P, S = features_of(image), features_of(photo), features_of(style)
    return content_sum(F["relu4_2"], P["relu4_2"]), sum(layer_error(F[n], S[n]) for n in layers) / 5


# %% [markdown]
# The same fading of the same photo, at 128 and at 256 pixels; the style stays.
#
# **Before you run it:** which of the two sums will grow with the picture, and how many times?

# %%
large = load("rocket", 256).to(vgg.device)
for name, p in {"128 px": photo, "256 px": large}.items():
    content, styles = sums(0.5 * p + 0.25, p, style)
    print(f"{name}: content {content:8.0f}   style {styles:.4f}   content / style {content / styles:8.0f}")

# %% [markdown]
# Content grows several times, because it sums over four times as many places; the style error was divided by $M^2$ and
# stays. So a ratio α/β that balances the two at 128 pixels leans towards content at 256. The sizes themselves say
# nothing: they depend on how loud the features of this network are. Before it says anything about art, a published weight
# repairs such units.
#
# ## Errors without a unit
#
# **Divide each sum by what features of zero would score.** The unit cancels, and the size with it:
#
# $$c = \frac{\lVert F - P \rVert^2}{\lVert P \rVert^2}, \qquad e_l = \frac{\lVert G - A \rVert^2}{\lVert A \rVert^2}$$
#
# These are `content_loss` and `style_loss` of the helpers, built in 02 and 04; our departure from the paper. Again:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.transfer import content_loss, gram, style_loss

A = {name: gram(f) for name, f in vgg(style, layers).items()}
relative = []
for p in (photo, large):
    f, target = vgg(0.5 * p + 0.25, layers + ["relu4_2"]), vgg(p, ["relu4_2"])["relu4_2"]
    relative.append((content_loss(f["relu4_2"], target), sum(style_loss(f[n], A[n]) for n in layers) / 5))
for name, at_128, at_256 in zip(("content", "style"), *relative, strict=True):
    print(f"{name}: {at_256 / at_128:.1f} times as large at 256 pixels as at 128")

# %% [markdown]
# Both stay as they were. Now a weight means what it says, at every size.
#
# Sums hide a second unit, that of the layer. Each layer's share of the style error, as sums and relative:

# %%
F, S = features_of(0.5 * photo + 0.25), features_of(style)
E = torch.stack([layer_error(F[n], S[n]) for n in layers])
e = torch.stack([4 * len(F[n]) ** 2 / A[n].square().sum() for n in layers]) * E
print("sums    ", [f"{share:.2f}" for share in (E / E.sum()).tolist()])
print("relative", [f"{share:.2f}" for share in (e / e.sum()).tolist()])

# %% [markdown]
# As sums, a loud layer counts several times as much as a quiet one, with VGG19 itself even hundreds of times, because $E_l$
# grows with the fourth power of its features. Relative, every layer has a say. The cell's third line is the conversion:
# $e_l = 4 C^2 E_l / \lVert A \rVert^2$.
#
# ## Seven systems, one loss
#
# **A published weight is half of a product; the other half hides in the divisions.** Whatever a system divides its Gram
# matrix by, and then the squares, its style term is $w \sum (\Delta G)^2 / (\text{gram}^2 \cdot \text{squares})$. The paper's
# $E_l$ is the same sum over $4 C^2 M^2$. So each system is the paper's with a factor $k_l$, where its content term, a mean
# square in all seven, has the weight 1:
#
# $$k_l = \frac{w}{w_{\text{content}}} \cdot \frac{4 C^2 M^2}{\text{gram}^2 \cdot \text{squares}}$$
#
# Here are the seven, from their code: style weight, what divides the Gram matrix, what divides the squares, content
# weight. A mean over the Gram matrix divides by $C^2$; a plain sum, by 1:


# %%
def factor(C, M, weight, gram_by, squares_by, content_weight):
    return weight / content_weight * 4 * C**2 * M**2 / (gram_by**2 * squares_by)


systems = {
    "Gatys' notebook": lambda C, M: (1e3 / C**2, M, C**2, 1),
    "neural-style": lambda C, M: (100, C * M, C**2, 5),
    "PyTorch tutorial": lambda C, M: (1e6, C * M, C**2, 1),
    "d2l": lambda C, M: (1e4, C * M, C**2, 1),
    "gordicaleksa": lambda C, M: (3e4 / 5, C * M, 1, 1e5),
    "TensorFlow": lambda C, M: (1e-2 / 5, M, C**2, 1e4),
    "Udacity": lambda C, M: (1e6, 1, C**2 * C * M, 1),
}

# %% [markdown]
# Two differ in more: the PyTorch tutorial reads the first five convolutions, down to conv3_1 only, and Udacity weighs its
# layers from 1 down to 0.2. For each layer of VGG19, its channels, and its side as a part of the image's:

# %%
paper_layers = [(64, 1), (128, 1 / 2), (256, 1 / 4), (512, 1 / 8), (512, 1 / 16)]
own_layers = {"PyTorch tutorial": [(64, 1), (64, 1), (128, 1 / 2), (128, 1 / 2), (256, 1 / 4)]}
own_weights = {"Udacity": [1, 0.75, 0.2, 0.2, 0.2]}


def factors(system, height, width):
    shapes = [(C, height * width * part**2) for C, part in own_layers.get(system, paper_layers)]
    weights = own_weights.get(system, [1] * 5)
    return [w * factor(C, M, *systems[system](C, M)) for w, (C, M) in zip(weights, shapes, strict=True)]


# %% [markdown]
# The table, for pictures of 400 × 600 pixels; change the size and run it again:

# %%
# NBVAL_CHECK_OUTPUT
for system in systems:
    print(f"{system:17}", *[f"{k:9.2g}" for k in factors(system, 400, 600)])

# %% [markdown]
# *gordicaleksa* and TensorFlow are flat: every layer counts as in the paper. Gatys' notebook falls with $1/C^2$, as its
# weights say. *neural-style*, PyTorch and d2l fall in the same way, without saying so: $G/(CM)$ with a mean square hides
# $4w/C^2$. Udacity's $4wM/C$ grows with the area of the image, and drowns its content term; the content survives because
# the painting starts there and takes small steps.
#
# Is the algebra right? Two systems in their own words, on random features:

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import mse_loss

C, M = 64, 300
F, S = torch.randn(2, C, M, generator=torch.Generator().manual_seed(0)).double()
pytorch_own = 1e6 * mse_loss(F @ F.T / (C * M), S @ S.T / (C * M))
udacity_own = 1e6 * torch.mean((F @ F.T - S @ S.T) ** 2) / (C * M)
for system, own in {"PyTorch tutorial": pytorch_own, "Udacity": udacity_own}.items():
    k = factor(C, M, *systems[system](C, M))
    print(f"{system}: its own formula is {own / (k * layer_error(F, S)):.4f} times k E")

# %% [markdown]
# To all four digits.
#
# **Loud features weigh more.** One difference is left. Four of the seven feed pixels from 0 to 255, three (PyTorch, d2l,
# Udacity) pixels from 0 to 1 divided by their spread, 0.226: the features of the first are about 255 · 0.226 = 58 times
# as large. On the toy, with ten times:

# %%
# NBVAL_CHECK_OUTPUT
louder = content_sum(10 * image_toy, 10 * photo_toy) / content_sum(image_toy, photo_toy)
print(f"content {louder:.0f}, style {layer_error(10 * image_toy, 10 * style_toy) / layer_error(image_toy, style_toy):.0f}")

# %% [markdown]
# Content grows with the square, style with the fourth power: loud features get 58² times as much style from the same
# weight. We divide the three quiet ones by 58², and all seven stand in one unit (biases do not scale, so read it as an
# order of magnitude).
#
# **Before you run it:** Gatys' notebook says 1e3 and PyTorch's tutorial 1e6. Which asks for more style?

# %%
import matplotlib.pyplot as plt

from helpers.show import figure

quiet = ("PyTorch tutorial", "d2l", "Udacity")
fig, axes = plt.subplots(figsize=(6.4, 3.6))
for system in systems:
    ks = [k / (58**2 if system in quiet else 1) for k in factors(system, 400, 600)]
    axes.plot(range(1, 6), ks, "o-", label=system)
axes.set(xlabel="style layer, from shallow to deep", ylabel="factor on the paper's E", yscale="log", xticks=range(1, 6))
axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
figure(fig, alt="Seven lines over five layers on a logarithmic axis: Udacity far above all; Gatys, PyTorch and gordicaleksa "
       "meet between 0.01 and 1; neural-style and d2l run below them; TensorFlow lies flat at the bottom.")

# %% [markdown]
# Gatys' 1e3, by about three times at the first layer. There the four famous numbers become 0.3 (1e6), 1 (1e3), 0.02 (100)
# and 0.24 (3e4). The 1e6 pays for $C^2$ and for quiet features, the 1e3 for $C^2$, the 3e4 for a content weight of 1e5; the
# 100 pays for too little, and really is weaker. TensorFlow's content weight of 1e4, at a deeper layer, puts it lowest. A
# weight without its loss is no number to copy.
#
# **Exercise 1** · ●●○ · 10 min. Translate a factor $k$ into our unit-free loss $e + w \, c$, for one style layer. Where all
# features are zero, $e = c = 1$; so $w$ is the mean-square content there, divided by $k E$:


# %% tags=["spec"]
def weight_spec(P, A, k):
    C = len(A)
    content = sum(p * p for row in P for p in row) / P.numel()
    E = sum(a * a for row in A for a in row) / (4 * C * C)
    return content / (k * E)


# %% tags=["exercise"]
def my_content_weight(P, A, k):
    """P (C', M) features of the photo, A (C, C) Gram matrix per place, factor k -> our content weight, no loops."""
    # solution
    return P.square().mean() * 4 * len(A) ** 2 / (k * A.square().sum())


# %% tags=["check"]
from helpers.check import check

check(my_content_weight, weight_spec, (6, 10), (4, 4), 0.25);

# %% [markdown]
# <details><summary>Hint</summary>
#
# $A$ is divided by $M$ already, so $E$ is $\lVert A \rVert^2 / 4 C^2$.
#
# </details>
#
# <!-- solution: my_content_weight -->
#
# ## What neither term minds
#
# **Total variation adds up the jumps between neighbouring pixels.** It comes with squares (L2; Mahendran and Vedaldi, 2015,
# with their β = 2) and with absolute values (L1). A sharp edge and a gentle ramp tell the two apart:

# %%
# NBVAL_CHECK_OUTPUT
edge, ramp = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 1 / 3, 2 / 3, 1.0])
for name, row in {"edge": edge, "ramp": ramp}.items():
    steps = row[1:] - row[:-1]
    print(f"{name}: sum of squares {steps.square().sum():.2f}, of absolute values {steps.abs().sum():.2f}")

# %% [markdown]
# Squares prefer small steps, and so they blur edges. Absolute values do not care. The helpers take the mean of the squares.
# (The PyTorch port of *neural-style* took absolute values and kept the old weight, 1e-3: one more number that changed its
# meaning.)
#
# Why have it at all? We paint from noise, and need errors at a small size:

# %%
from helpers.images import as_saved, noise
from helpers.transfer import optimise, total_variation

small, small_style = load("rocket", 112).to(vgg.device), load("starry_night", 180).to(vgg.device)
A = {name: gram(f) for name, f in vgg(small_style, layers).items()}
P = vgg(small, ["relu4_2"])["relu4_2"]


def errors(image):
    f = vgg(image, layers + ["relu4_2"])
    return content_loss(f["relu4_2"], P), sum(style_loss(f[n], A[n]) for n in layers) / 5


# %% [markdown]
# The total loss, without units; style weighs 1:


# %%
def paint_small(start, content_weight, tv_weight=0.0, evaluations=60):
    def loss(image):
        content, styles = errors(image)
        return styles + content_weight * content + tv_weight * total_variation(image)

    return as_saved(optimise(start, loss, evaluations).image)


# %% [markdown]
# An image minus its blur keeps what jumps. We show that below each painting, around grey, for three weights γ:

# %%
from torch.nn.functional import avg_pool2d


def high_pass(image):
    blur = avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)
    return (0.5 + 2 * (image - blur)).clamp(0, 1)


from_noise = {gamma: paint_small(noise(small, seed=0), 0.3, gamma) for gamma in (0.0, 2.0, 50.0)}
titles = [f"weight {gamma:g}: style error {errors(image)[1]:.3f}" for gamma, image in from_noise.items()]
show([*from_noise.values(), *map(high_pass, from_noise.values())], titles + ["image minus blur"] * 3, columns=3, height=200,
     alt="Above, three small paintings from noise: covered in coloured grain, strokes without grain, and blurred. Below, "
     "their jumps: dense coloured speckle, thin lines, and almost plain grey.")

# %% [markdown]
# Without it, coloured grain lies over everything: it was in the start, and the two errors hardly mind it. With γ = 2 the
# grain is gone, the strokes stay, and the style error hardly changes. With 50 the strokes blur away too. From the photo, which
# has no grain, we do without.
#
# **Exercise 2** · ●●● · 20 min. Write by hand the gradient of $V = \sum (\text{steps})^2$, over all steps across and down:


# %% tags=["spec"]
def tv_gradient_spec(image):
    image = image.clone().requires_grad_()
    across, down = image[..., :, 1:] - image[..., :, :-1], image[..., 1:, :] - image[..., :-1, :]
    (across.square().sum() + down.square().sum()).backward()
    return image.grad


# %% tags=["exercise"]
def my_tv_gradient(image):
    """Gradient of the summed squared steps, same shape as image (1, 3, H, W), without autograd."""
    # solution
    across, down = image[..., :, 1:] - image[..., :, :-1], image[..., 1:, :] - image[..., :-1, :]
    gradient = torch.zeros_like(image)
    gradient[..., :, 1:] += 2 * across
    gradient[..., :, :-1] -= 2 * across
    gradient[..., 1:, :] += 2 * down
    gradient[..., :-1, :] -= 2 * down
    return gradient


# %% tags=["check"]
from helpers.check import check

check(my_tv_gradient, tv_gradient_spec, (1, 3, 5, 4));

# %% [markdown]
# <details><summary>Hint</summary>
#
# The step $s = b - a$ has $\partial s^2 / \partial b = 2s$ and $\partial s^2 / \partial a = -2s$. Start from zeros and add
# to slices.
#
# </details>
#
# <!-- solution: my_tv_gradient -->
#
# ## Three voices
#
# **Each term has its own wish for every pixel.** It is minus the term's gradient. At the photo itself content wishes
# nothing. So we take one small step along the style's wish, about one grey level, and ask all three again:


# %%
def wish(term, image):  # term: image -> scalar
    image = image.clone().requires_grad_()
    return -torch.autograd.grad(term(image), image)[0]


terms = {"content": lambda x: errors(x)[0], "style": lambda x: errors(x)[1], "variation": total_variation}
first = wish(terms["style"], small)
begun = small + 0.005 * first / first.std()
wishes = {name: wish(term, begun) for name, term in terms.items()}

# %% [markdown]
# Red where a term wants a pixel lighter, blue where darker, each in its own unit; below, the piece around the rocket's top.
#
# **Before you run it:** where will content and style agree?

# %%
from helpers.show import heat

maps = [begun.clamp(0, 1)] + [heat(w.mean(1)[0] / w.mean(1).std(), -3, 3, "RdBu_r") for w in wishes.values()]
pieces = [m[..., 12:42, 40:85] for m in maps]
show(maps + pieces, ["one step on", *wishes, *["enlarged"] * 4], columns=4, height=155,
     alt="The rocket and three maps in red and blue, with enlarged pieces: content and style hold the same small "
     "marks in opposite colours, variation is pale except along the rocket, the towers and the lamps.")

# %% [markdown]
# Content and style speak about the same places and say the opposite: in the enlarged pieces, nearly all strong marks that
# are red in one are blue in the other. Style wants its strokes stronger, content wants them gone. Variation has no
# opinion on a smooth sky, and pulls at outlines. The cosine of two gradients is 1 for the same direction, −1 for
# opposite ones:

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import cosine_similarity

content, styles = wishes["content"].flatten(), wishes["style"].flatten()
print(f"content against style below -0.1: {cosine_similarity(content, styles, dim=0).item() < -0.1}")

# %% [markdown]
# What helps one hurts the other. The weight decides how the quarrel is settled.
#
# ## Can we trust the gradient?
#
# **A gradient can be measured without calculus.** Change one number of the image by $\pm h$, and see how the loss changes:
# $(L(x + h) - L(x - h)) / 2h$. We take a tiny image, two layers, all three terms, and float64, because nearly equal
# numbers will be subtracted:

# %%
# NBVAL_CHECK_OUTPUT
import copy

exact = copy.deepcopy(vgg).cpu().double()
x, p, s = (load(n, 16).double()[..., :12, :16] for n in ("chelsea", "rocket", "starry_night"))


def loss(image):
    F, P, S = ({n: f[0].flatten(1) for n, f in exact(i, layers[:2]).items()} for i in (image, p, s))
    style_part = sum(layer_error(F[n], S[n]) for n in layers[:2]) / 2
    return content_sum(F["relu2_1"], P["relu2_1"]) + 1e3 * style_part + 0.1 * total_variation(image)


pixels, h = x.clone().requires_grad_(), 1e-6
by_autograd = torch.autograd.grad(loss(pixels), pixels)[0].flatten()
nudges = (h * torch.eye(x.numel()).double()).view(-1, *x.shape)
by_hand = torch.stack([(loss(x + n) - loss(x - n)) / (2 * h) for n in nudges])
gap = (by_hand - by_autograd).norm() / by_autograd.norm()
print(f"{x.numel()} numbers, relative difference under 1e-6: {gap.item() < 1e-6}")

# %% [markdown]
# The two agree to many digits. Autograd needed one backward pass, we 1,152 evaluations; for a picture of 256 × 170
# pixels it would be 261,120.
#
# ## The front
#
# **A weight is a price.** We paint the rocket seven times from the photo; only the content's weight changes:

# %%
weights = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
front = {w: paint_small(small, w) for w in weights}
with torch.no_grad():
    points = {w: [error.item() for error in errors(image)] for w, image in front.items()}

# %% [markdown]
# Each painting, as saved, is one point, and both errors are better when smaller:

# %%
fig, axes = plt.subplots(figsize=(6.4, 3.6))
axes.plot(*zip(*points.values(), strict=True), "o-")
for w, point in points.items():
    axes.annotate(f"{w:g}", point, textcoords="offset points", xytext=(6, 6))
axes.set(xlabel="content error", ylabel="style error")
axes.spines[["top", "right"]].set_visible(False)
figure(fig, alt="Seven points on a curve that falls steeply and then runs flat: weight 10 at top left, 0.01 at bottom right.")

# %% [markdown]
# This is a *Pareto front*: along it, neither error improves unless the other pays. It falls steeply, where a little content
# buys much style, bends between the weights 1 and 0.3, and runs flat, where much content buys almost none. Most people
# would stop at the bend, the knee. A painting from each part:

# %% tags=["painting"]
chosen = (0.01, 0.3, 10.0)
show([front[w] for w in chosen], [f"content weight {w:g}" for w in chosen], height=205,
     alt="Three small paintings of the rocket: bold strokes across the whole sky, smaller ones, and almost the photo.")

# %% [markdown]
# At 0.01 strokes run through the whole sky, and the slender towers beside the rocket are lost in them. At 0.3 the
# strokes are smaller and part of the sky is calmer. At 10 it is nearly the photo, with its towers back.
#
# Between two neighbours we can read the price: style gained for each unit of content given.
#
# **Before you run it:** what has the price to do with the two weights?

# %%
for low, high in zip(weights, weights[1:], strict=False):
    (c_low, s_low), (c_high, s_high) = points[low], points[high]
    print(f"between the weights {low:4g} and {high:4g}: price {(s_high - s_low) / (c_low - c_high):.3g}")

# %% [markdown]
# It lies between them, or nearly so where 60 evaluations were too few. Once the units are gone, that is what a weight *is*:
# at 0.3, the optimiser stops where one more point of content would buy less than 0.3 points of style. Move along the
# front yourself:

# %%
from ipywidgets import SelectionSlider

from helpers.show import browse


def at(weight):
    content, styles = points[weight]
    title = f"content weight {weight:g}: content error {content:.3f}, style error {styles:.3f}"
    return show(front[weight], title, height=280,
                alt=f"The rocket painted with content weight {weight:g}, after The Starry Night, with its two errors below.")


browse(at, weight=SelectionSlider(options=weights, value=0.3, description="weight", continuous_update=False))

# %% [markdown]
# **Exercise 3** · ●●○ · 10 min. Which of many paintings lie on the front? One is beaten if another has both errors smaller.
# Return True for those that nobody beats:


# %% tags=["spec"]
def front_spec(content, style):
    pairs = list(zip(content.tolist(), style.tolist(), strict=True))
    return torch.tensor([not any(c < mine[0] and s < mine[1] for c, s in pairs) for mine in pairs])


# %% tags=["exercise"]
def my_front(content, style):
    """Two tensors (n,) of errors -> bool tensor (n,): True where no other painting is better in both."""
    # solution
    better = (content[:, None] < content) & (style[:, None] < style)  # better[i, j]: i beats j
    return ~better.any(0)


# %% tags=["check"]
from helpers.check import check

check(my_front, front_spec, (20,), (20,));

# %% [markdown]
# <details><summary>Hint</summary>
#
# `content[:, None] < content` compares everybody with everybody.
#
# </details>
#
# <!-- solution: my_front -->
#
# ## In this notebook we
#
# - wrote the loss in sums, saw them change with the size of the picture, and took the unit away;
# - brought seven published weights to one unit: three hide a $1/C^2$, one the image's area;
# - saw content and style disagree, checked the gradient without calculus, and read a weight as a price.
#
# **On your own.** Run the table for 800 × 1200 pixels: which row changes? Paint the front at 192 pixels: does the knee stay
# at the same weights? Measure the gradient with $h$ = 0.1 and with 1e-11: why are both worse?
#
# **In practice.** Copy a weight together with its loss, its layers and its pixel range, never alone. Ours, too, depend on
# the pair of pictures.
#
# **Further reading.** Gatys, Ecker and Bethge (CVPR 2016), section 3.1 and figure 4: the same walk along the front, by eye. Mahendran and Vedaldi (2015, arXiv 1412.0035): why reconstructions need a term such as total variation.
#
# <!-- bottom -->
