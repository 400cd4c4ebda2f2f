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
# > **You will do** write the whole loss, convert the weights of seven published systems, and paint one photo five times.
# > **You will learn** what a weight means, and why 1e6, 1e3, 100 and 3e4 are all "the" style weight.
# > **You need** the content error of notebook 02 and the Gram matrix of 03; both are repeated in one line each.
# > **Time** 45 minutes; about a minute and a half of computing on a laptop.
# > **Came before** texture from statistics; this notebook adds the content back.
#
# ![Six paintings of one dune: at top left waves of Hokusai's foam fill the whole sky, at bottom right the sky is smooth and the picture is nearly the photo.](../data/results/05_ratio.jpg)
#
# *One photo of five hikers on a dune, one style, Hokusai's* Great Wave*, and one start. Only the content weight grows,
# from 0.01 to 3. Look at the sky: at which weight has the last wave left it?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# ## Three sums
#
# The paper writes its loss in plain sums. We begin with two channels (rows) at four places (columns): of our image,
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
# What will both be for our small numbers?


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
# A sum grows with what it sums over. To see how much, we take a photo, a painting, and the network:

# %%
from helpers.images import load
from helpers.show import show
from helpers.vgg import VGG

vgg = VGG()
photo = load("desert_dune", 256).to(vgg.device)  # (1, 3, 171, 256)
style = load("hokusai_great_wave", 320).to(vgg.device)  # (1, 3, 220, 320)
show([photo, style], ["content", "style"], height=200,
     alt="Left, an orange dune under a pale blue sky, with five tiny hikers; "
     "right, Hokusai's Great Wave in dark blue and cream.")

# %% [markdown]
# To measure, we need an image that is wrong in both ways, and we take the photo faded halfway to grey.

# %%
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def features_of(image):  # layer name -> (C, M): one row a channel, one column a place
    with torch.no_grad():
        maps = vgg(image, layers + ["relu4_2"])
    return {name: f[0].flatten(1) for name, f in maps.items()}


def sums(image, photo, style):
    F, P, S = features_of(image), features_of(photo), features_of(style)
    content = content_sum(F["relu4_2"], P["relu4_2"])
    return content, sum(layer_error(F[n], S[n]) for n in layers) / 5


# %% [markdown]
# The same fading of the same photo, at 128 and at 256 pixels; the style stays.
#
# **Before you run it:** which of the two sums will grow with the picture, and how many times?

# %%
small = load("desert_dune", 128).to(vgg.device)
for name, p in {"128 px": small, "256 px": photo}.items():
    content, styles = sums(0.5 * p + 0.25, p, style)
    ratio = content / styles
    print(f"{name}: content {content:9,.0f}  style {styles:5,.0f}  ratio {ratio:5,.0f}")

# %% [markdown]
# Content more than doubles, because it sums over four times as many places. (It does not grow four times as large,
# because an enlarged dune has fewer edges in each of them.) The style error was divided by $M^2$, and it changes by about a tenth. So a
# ratio α/β that balances the two at 128 pixels leans towards content at 256. The sizes themselves say nothing about art.
# They are this large because the features of this network are large, and a Gram matrix multiplies them with each other. Most
# of a published weight only repairs such units, and what remains is a matter of taste.
#
# ## Errors without a unit
#
# We divide each sum by what features of zero would score. The unit cancels, and the size with it:
#
# $$c = \frac{\lVert F - P \rVert^2}{\lVert P \rVert^2}, \qquad e_l = \frac{\lVert G - A \rVert^2}{\lVert A \rVert^2}$$
#
# These are `content_loss` and `style_loss` of the helpers, built in 02 and 04; our departure from the paper. Again:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import content_loss, gram, style_loss

A = {name: gram(f) for name, f in vgg(style, layers).items()}
for name, p in {"128 px": small, "256 px": photo}.items():
    f = vgg(0.5 * p + 0.25, layers + ["relu4_2"])
    c = content_loss(f["relu4_2"], vgg(p, ["relu4_2"])["relu4_2"])
    e = sum(style_loss(f[n], A[n]) for n in layers) / 5
    print(f"{name}: content {c:.3f}   style {e:.3f}   ratio {c / e:.2f}")

# %% [markdown]
# The content error is the same at both sizes, and the style error moves by less than a tenth. Now a weight means the same
# at every size.
#
# Sums hide a second unit, that of the layer. Here is each layer's share of the style error, first in the paper's sums and
# then in relative errors.
#
# **Before you run it:** five layers, each with the weight 1/5. Which share do you expect for the largest one?

# %%
F = features_of(0.5 * photo + 0.25)
S = features_of(style)
E = torch.stack([layer_error(F[n], S[n]) for n in layers])
e = torch.stack([4 * len(F[n]) ** 2 / A[n].square().sum() for n in layers]) * E
print(f"{'':11}", *[f"{name:>9}" for name in layers])
print(f"{'sums':11}", *[f"{share:9.4%}" for share in E / E.sum()])
print(f"{'relative':11}", *[f"{share:9.1%}" for share in e / e.sum()])
print("mean square", *[f"{F[n].square().mean():9.2f}" for n in layers])

# %% [markdown]
# In the paper's sums, `relu4_1` holds about 99 per cent of the style error, and `relu1_1` less than a thousandth of one
# per cent. The last row shows why: the features of VGG19 are not equally loud. A mean square at `relu4_1` is more than a hundred times
# that at `relu1_1`, and $E_l$ grows with the square of the mean square. So five equal weights asked for one layer, almost.
# (Gatys et al. scaled their network's features first, to a mean activation of 1 in every channel, and their published notebook
# weighs each layer by $1/C^2$ besides.)
# Relative, all five have a say of about a fifth. The cell's fourth line is the conversion:
# $e_l = 4 C^2 E_l / \lVert A \rVert^2$.
#
# ## Seven systems, one loss
#
# A published weight is only half of a product. The other half hides in the divisions of the code around it. Whatever a
# system divides its Gram matrix by, and then the squares, its style term is $w \sum (\Delta G)^2 / (\text{gram}^2 \cdot \text{squares})$. The paper's
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
# Two differ in their style layers, too: the PyTorch tutorial reads the first five convolutions, down to conv3_1 only, and
# Udacity weighs its layers from 1 down to 0.2. For each layer of VGG19, its channels, and its side as a part of the image's:

# %%
paper_layers = [(64, 1), (128, 1 / 2), (256, 1 / 4), (512, 1 / 8), (512, 1 / 16)]
own_layers = {"PyTorch tutorial": [(64, 1), (64, 1), (128, 1 / 2), (128, 1 / 2), (256, 1 / 4)]}
own_weights = {"Udacity": [1, 0.75, 0.2, 0.2, 0.2]}


def factors(system, height, width):
    sides = own_layers.get(system, paper_layers)
    shapes = [(C, height * width * part**2) for C, part in sides]
    weights = own_weights.get(system, [1] * 5)
    ks = [factor(C, M, *systems[system](C, M)) for C, M in shapes]
    return [w * k for w, k in zip(weights, ks, strict=True)]


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
# They agree to all four digits.
#
# Two differences are left, and both are about how loud features are. The first is at the input. Four of the seven feed pixels from 0 to 255, three (PyTorch, d2l,
# Udacity) pixels from 0 to 1 divided by their spread, 0.226: the features of the first are about 255 · 0.226 = 58 times
# as large. On the toy, with ten times:

# %%
# NBVAL_CHECK_OUTPUT
louder = content_sum(10 * image_toy, 10 * photo_toy) / content_sum(image_toy, photo_toy)
style_louder = layer_error(10 * image_toy, 10 * style_toy)
style_louder = style_louder / layer_error(image_toy, style_toy)
print(f"content {louder:.0f}, style {style_louder:.0f}")

# %% [markdown]
# Content grows with the square, style with the fourth power: loud features get 58² times as much style from the same
# weight. So we divide the three quiet ones by 58². (Biases do not scale, so read the result as an order of magnitude.)
#
# The second difference is the content layer. Three of the seven do not read `relu4_2`, and a quieter layer makes a weaker
# content term. How loud is theirs on our photo?

# %%
own_content = {
    "PyTorch tutorial": "conv2_2",
    "d2l": "relu4_4",
    "TensorFlow": "relu5_2",
}
with torch.no_grad():
    maps = vgg(photo, ["relu4_2", *own_content.values()])
loudness = {name: f.square().mean().item() for name, f in maps.items()}
for name, mean_square in loudness.items():
    print(f"{name}: mean square {mean_square:6.2f}")

# %% [markdown]
# TensorFlow's `relu5_2` is some two hundred times as quiet as `relu4_2`, and its content term with it. Its style therefore
# counts that many times more than its two weights say. We correct this as well, and now all seven stand in one unit.
#
# **Before you run it:** Gatys' notebook says 1e3 and PyTorch's tutorial 1e6. Which asks for more style?

# %%
import matplotlib.pyplot as plt

from helpers.show import figure

quiet = ("PyTorch tutorial", "d2l", "Udacity")


def in_one_unit(system):
    unit = loudness["relu4_2"] / loudness[own_content.get(system, "relu4_2")]
    if system in quiet:
        unit = unit / 58**2
    return [k * unit for k in factors(system, 400, 600)]


fig, axes = plt.subplots(figsize=(6.4, 3.6))
for system in systems:
    ks = in_one_unit(system)
    print(f"{system:17}", *[f"{k:9.1g}" for k in ks])
    axes.plot(range(1, 6), ks, "o-", label=system)
axes.set(xlabel="style layer, from shallow to deep", ylabel="factor on the paper's E")
axes.set(yscale="log", xticks=range(1, 6))
axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
figure(fig, alt="Seven lines over five layers on a logarithmic axis: Udacity far above "
       "all; Gatys and PyTorch begin together near 1 and fall; gordicaleksa stays near "
       "0.2; neural-style and d2l fall steeply below; TensorFlow lies flat and low.")

# %% [markdown]
# Neither does: at the first layer both come out near 1. There the four famous numbers become about 1 (1e6), 1 (1e3), 0.02
# (100) and 0.2 (3e4). The 1e6 pays for $C^2$ and for quiet features, the 1e3 for $C^2$, the 3e4 for a content weight of 1e5; the
# 100 pays for too little, and really is weaker. A weight without its loss is no number to copy.
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
# Total variation adds up the jumps between neighbouring pixels. It comes with squares (L2; Mahendran and Vedaldi, 2015,
# with their β = 2) and with absolute values (L1). A sharp edge and a gentle ramp tell the two apart:

# %%
# NBVAL_CHECK_OUTPUT
edge, ramp = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 1 / 3, 2 / 3, 1.0])
for name, row in {"edge": edge, "ramp": ramp}.items():
    steps = row[1:] - row[:-1]
    squares = steps.square().sum()
    absolute = steps.abs().sum()
    print(f"{name}: sum of squares {squares:.2f}, of absolute values {absolute:.2f}")

# %% [markdown]
# Squares prefer small steps, and so they blur edges. Absolute values do not care. The helpers take the mean of the squares.
# (The PyTorch port of *neural-style* took absolute values and kept the old weight, 1e-3: one more number that changed its
# meaning.)
#
# Why have it at all? To see it we paint from noise. The function below remembers the targets of one pair of pictures, and
# gives back a function that measures both errors of any image:

# %%
from helpers.images import as_saved, noise
from helpers.losses import total_variation
from helpers.transfer import optimise


def errors_of(photo, style, net):  # -> a function: image -> content and style error
    with torch.no_grad():
        A = {name: gram(f) for name, f in net(style, layers).items()}
        P = net(photo, ["relu4_2"])["relu4_2"]

    def errors(image):
        f = net(image, layers + ["relu4_2"])
        styles = [style_loss(f[n], A[n]) for n in layers]
        return content_loss(f["relu4_2"], P), sum(styles) / 5

    return errors


# %% [markdown]
# The total loss, without units, gives style the weight 1. We paint eight pictures of 256 pixels in this notebook, and so we let a
# second copy of the network compute in half precision where your processor has units for that, which takes half the time:

# %%
from helpers.fast import fast, matched_colour, pyramid

quick = fast(VGG())
errors = errors_of(photo, style, quick)


def total_loss(content_weight, tv_weight=0.0):
    def loss(image):
        content, styles = errors(image)
        return styles + content_weight * content + tv_weight * total_variation(image)

    return loss


# %% [markdown]
# An image minus its blur keeps what jumps from one pixel to the next. We show that below each painting, around grey, for three weights γ:

# %%
from torch.nn.functional import avg_pool2d


def high_pass(image):
    blur = avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)
    return (0.5 + 2 * (image - blur)).clamp(0, 1)


from_noise = {}
titles = []
for gamma in (0.0, 0.5, 50.0):
    result = optimise(noise(photo, seed=0), total_loss(0.1, gamma), 45)
    from_noise[gamma] = as_saved(result.image)
    with torch.no_grad():
        styles = errors(from_noise[gamma])[1]
    titles.append(f"weight {gamma:g}: style error {styles:.3f}")
show([*from_noise.values(), *map(high_pass, from_noise.values())],
     titles + ["image minus blur"] * 3, columns=3, height=210,
     alt="Above, three paintings of the dune from noise: covered in coloured grain, "
     "cleaner, and blurred to purple. Below, their jumps: dense coloured speckle, the "
     "outlines of flecks, and almost plain grey.")

# %% [markdown]
# Without total variation, coloured grain lies over everything. It was in the start, and the two errors hardly mind it: with γ = 0.5 most of the
# grain is gone, the flecks of foam stay, and the style error is nearly the same. With 50 the foam turns into soft purple blots, and the style
# error is more than three times as large.
# A painting that starts from the photo has no grain to lose, and there we do without.
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
# ## Content pulls one way, style the other
#
# Each term pushes every pixel in some direction: along minus its gradient. At the start of a painting the two pushes have
# little to do with each other. But what about a painting that is finished, where no small change makes the loss any smaller?
#
# **Your turn, before you run the next cell.** With $S$ for the style error, $c$ for the content error and $w$ for its
# weight, the gradient of the loss is $\nabla S + w \nabla c$, and at the finished painting it is zero. What does that say about the directions of the two
# gradients, and about their lengths?
#
# <details><summary>Compare</summary>
#
# $\nabla S = -w \nabla c$. The two point in exactly opposite directions, and the style's gradient is $w$ times as long as
# the content's. So we can read the weight off any finished painting.
#
# </details>
#
# We try it in float32 at 128 pixels, with three weights and a hundred evaluations each. Every painting starts from the photo in the
# style's colours (`matched_colour`), and we let L-BFGS change a pyramid of coarse and fine pixels, which notebook 09 explains. The cosine of two gradients is 1
# for the same direction and −1 for opposite ones:

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import cosine_similarity

small_style = load("hokusai_great_wave", 160).to(vgg.device)
small_start = matched_colour(small, small_style)
small_errors = errors_of(small, small_style, vgg)


def gradients(image):  # of the content error and of the style error, each as the image
    image = image.clone().requires_grad_()
    return [torch.autograd.grad(small_errors(image)[k], image)[0] for k in (0, 1)]


def compare(image):
    content, styles = (gradient.flatten() for gradient in gradients(image))
    cosine = cosine_similarity(content, styles, dim=0).item()
    return cosine, (styles.norm() / content.norm()).item()


cosine, length = compare(small_start)
print(f"start: cosine {cosine:.2f}, style's gradient {length:.2f} times as long")

# %%
finished = {}
for w in (0.03, 0.3, 3.0):

    def loss(image, w=w):
        content, styles = small_errors(image)
        return styles + w * content

    finished[w] = optimise(small_start, loss, 100, parametrize=pyramid).image
    cosine, length = compare(finished[w])
    print(f"weight {w:g}: cosine {cosine:.2f}, "
          f"style's gradient {length:.2g} times as long")

# %% [markdown]
# At the start the two are nearly at right angles. After a hundred evaluations the cosine is close to −1, and the ratio of the
# lengths is the weight, give or take a sixth. (Give it more evaluations, and both come closer.) This is what a finished painting is: not a picture with which both terms are content, but one where they
# push equally hard against each other.
#
# You can see it in every pixel. Red is where a term wants a pixel lighter, blue where darker, each in its own unit; below,
# the piece around the hikers, enlarged:

# %%
from helpers.show import heat

maps = [finished[0.3]]
for gradient in gradients(finished[0.3]):
    push = -gradient.mean(1)[0]
    maps.append(heat(push / push.std(), -3, 3, "RdBu_r"))
pieces = [m[..., 42:76, 26:77] for m in maps]
show(maps + pieces, ["painting, weight 0.3", "content", "style", *["enlarged"] * 3],
     columns=3, height=200,
     alt="A painted dune and two maps in red and blue, with enlarged pieces: content "
     "and style hold the same small marks in opposite colours.")

# %% [markdown]
# Content and style speak about the same places and say the opposite: nearly every mark that is red in one map is blue in
# the other. Style wants its strokes stronger, content wants them gone, and the weight decides which of the two wins.
#
# ## Can we trust the gradient?
#
# A gradient can be measured without calculus. Change one number of the image by $\pm h$, and see how the loss changes:
# $(L(x + h) - L(x - h)) / 2h$. We take a tiny image, two layers, and float64, because nearly equal numbers will be
# subtracted. Each of the three terms is checked for itself, or the largest would hide a mistake in the smallest:

# %%
import copy

exact = copy.deepcopy(vgg).cpu().double()
names = ("chelsea", "desert_dune", "hokusai_great_wave")
x, p, s = (load(name, 16).double()[..., :10, :16] for name in names)


def three_terms(image):  # -> tensor (3,)
    F, P, S = ({n: f[0].flatten(1) for n, f in exact(i, layers[:2]).items()}
               for i in (image, p, s))
    styles = sum(layer_error(F[n], S[n]) for n in layers[:2]) / 2
    content = content_sum(F["relu2_1"], P["relu2_1"])
    return torch.stack([content, styles, total_variation(image)])


h = 1e-6
by_autograd = torch.autograd.functional.jacobian(three_terms, x).flatten(1)  # (3, 480)
nudges = h * torch.eye(x.numel()).double()
columns = []
for nudge in nudges.view(-1, *x.shape):
    columns.append((three_terms(x + nudge) - three_terms(x - nudge)) / (2 * h))
by_hand = torch.stack(columns, dim=1)  # (3, 480)
gaps = (by_hand - by_autograd).norm(dim=1) / by_autograd.norm(dim=1)
for term, gap in zip(("content", "style", "variation"), gaps, strict=True):
    print(f"{term:9}: relative difference {gap:.0e}")
    assert gap < 1e-5

# %% [markdown]
# All three agree to many digits. Autograd needed one backward pass for each term, we 960 evaluations; for a picture of 256 × 171
# pixels it would be 262,656.
#
# ## The front
#
# You have seen that a weight is a ratio of gradients. It is also a price, and to see that we paint the dune five times. Only the content's weight changes:

# %%
weights = (0.01, 0.03, 0.1, 0.3, 1.0)
start = matched_colour(photo, style)
front = {}
points = {}
for w in weights:
    front[w] = as_saved(optimise(start, total_loss(w), 45, parametrize=pyramid).image)
    with torch.no_grad():
        points[w] = [error.item() for error in errors(front[w])]

# %% [markdown]
# Each painting, as saved, is one point, and both errors are better when smaller:

# %%
fig, axes = plt.subplots(figsize=(6.4, 3.6))
axes.plot(*zip(*points.values(), strict=True), "o-")
for w, point in points.items():
    axes.annotate(f"{w:g}", point, textcoords="offset points", xytext=(6, 6))
axes.set(xlabel="content error", ylabel="style error")
axes.spines[["top", "right"]].set_visible(False)
figure(fig, alt="Five points on a curve that falls steeply and then runs flat: "
       "weight 1 at top left, 0.01 at bottom right.")

# %% [markdown]
# This is a *Pareto front*: along it, neither error improves unless the other pays. It falls steeply, where a little content
# buys much style, bends between the weights 0.3 and 0.1, and runs flat, where much content buys almost no style. A painting from each part:

# %% tags=["painting"]
chosen = (0.01, 0.3, 1.0)
show([front[w] for w in chosen], [f"content weight {w:g}" for w in chosen],
     height=212,
     alt="Three paintings of the dune: waves of foam fill the whole sky, small flecks "
     "fill it, and the sky is smooth.")

# %% [markdown]
# At 0.01 great arcs of foam roll through the sky, and the shaded flank of the dune has become a wave. At 0.3 the arcs have
# broken into small flecks, and the dune's bright side is sand again. At 1 there is no wave at all, and what you see is the photo in
# Hokusai's colours. Our own
# paintings in the next notebooks use 0.02 to 0.05. That is on the flat part, beyond the bend, because we prefer the waves.
#
# Between two neighbours we can read the price: style gained for each unit of content given.
#
# **Before you run it:** what has the price to do with the two weights?

# %%
for low, high in zip(weights, weights[1:], strict=False):
    (c_low, s_low), (c_high, s_high) = points[low], points[high]
    print(f"between the weights {low:4g} and {high:4g}: price {(s_high - s_low) / (c_low - c_high):.3g}")

# %% [markdown]
# It lies between them. Once the units are gone, that is what a weight *is*: at 0.3, the optimiser stops where one more
# point of content would cost 0.3 points of style. Move along the front yourself:

# %%
from ipywidgets import SelectionSlider

from helpers.show import browse


def at(weight):
    content, styles = points[weight]
    title = f"content weight {weight:g}: content {content:.3f}, style {styles:.3f}"
    return show(front[weight], title, height=280,
                alt=f"The dune painted with content weight {weight:g}, after Hokusai's "
                "Great Wave, with its two errors below.")


slider = SelectionSlider(options=weights, value=0.1, description="weight",
                         continuous_update=False)
browse(at, weight=slider)

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
# - saw content and style push against each other until they balance, and read the weight from that balance;
# - checked the gradient without calculus, and read a weight as a price.
#
# **On your own.** Run the table for 800 × 1200 pixels: which row changes? Paint the front at 128 pixels: does it bend
# at the same weights? Measure the gradient with $h$ = 0.1 and with 1e-11: why are both worse?
#
# **In practice.** Copy a weight together with its loss, its layers and its pixel range, never alone. Ours, too, depend on
# the pair of pictures.
#
# **Further reading.** Gatys, Ecker and Bethge (CVPR 2016), section 3.1 and figure 4: the same walk along the front, by eye. Mahendran and Vedaldi (2015, arXiv 1412.0035): why reconstructions need a term such as total variation.
#
# <!-- bottom -->
