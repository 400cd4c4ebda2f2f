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
# > **The question** How much of the photo should a painting keep, and what does a number such as 1e6 or 0.03 have to do with it?
# > **You will make** six paintings of one lake, along which a photo turns into a woodcut, and a table that translates the weights of seven published programs into one unit.
# > **You need** the content error of [notebook 02](02_content_from_features.ipynb), the Gram matrix of [03](03_gram_matrices.ipynb) and the style error of [04](04_texture_from_statistics.ipynb); we repeat each of them in a sentence. The symbols are in the [table of notation](00_start_here.ipynb#Notation).
# > **Time** about 80 minutes to read and run, and 75 minutes for the exercises; the computing in it takes about two and a half minutes on a laptop

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Here is one photo of a lake in Montana, painted six times after one picture in the manner of a
# woodcut, which was drawn for this series. The program, the style and the start were
# the same each time. Only a single number was changed, the **content weight**:

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "05_ratio.jpg", 800),
     alt="Six paintings of a mountain lake: with the smallest content weight everything is made of "
     "bent cuts and an orange sun glows at the right; with the largest it is nearly the photo.")

# %% [markdown]
# At the top left the mountain is built of the knife's cuts, and an orange sun has come up that the photo never had. At
# the bottom right you are looking at a photo with unusual colours. Somewhere between the two lies the picture that you
# want, and by the end of this notebook you will know how to ask for it. (These six were painted beforehand at 512
# pixels; `python -m tools.pictures.results 05_ratio` paints them again. You will paint your own six below, at 256
# pixels.)
#
# The sizes and the numbers of evaluations are here, so that you can change them. One **evaluation** is one trip through
# the network and back. It tells how wrong the image is, and in which direction each pixel should move:

# %% tags=["settings"]
size = 256  # pixels of the photo's long side
style_size = 320  # a little larger than the photo: broader strokes
walk = {3.0: 15, 1.0: 20, 0.3: 25, 0.1: 30, 0.03: 30, 0.01: 30}  # content weight -> evaluations
weights = list(walk)

# %% [markdown]
# ## Two wishes, one number
#
# These are the two pictures that went in:

# %%
import torch

from helpers.vgg import VGG

vgg = VGG()
photo = load("lake_sherburne", size).to(vgg.device)  # (1, 3, 144, 256)
style = load("woodcut", style_size).to(vgg.device)  # (1, 3, 320, 256)
show([photo, style], ["content: the photo", "style: the woodcut"], height=270,
     alt="Left, snowy mountains above a dark forest and a calm lake; right, a woodcut of a mountain "
     "by the sea under a red sun, all in bent white, ochre and blue cuts.")

# %% [markdown]
# We have two wishes for the painting. It should show the same things in the same places as the photo, and so its
# features at `relu4_2` should equal the photo's. (Features are the maps of numbers that a layer of the network
# computes; each map is called a channel.) And it should be made of the same marks as the woodcut, and so at five layers
# its Gram matrix, the table that says which channels fire together, should equal the woodcut's.
#
# Each wish is measured by an error. The **content error** is $e_\text{content} = \lVert F - P \rVert^2 / \lVert P
# \rVert^2$, where $F$ are the image's features and $P$ the photo's. The **style error** of one layer is
# $e_l = \lVert G - A \rVert^2 / \lVert A \rVert^2$, where $G$ and $A$ are the Gram matrices of the image and of the woodcut. Both are 0
# for a perfect match and 1 for features that are zero everywhere. Now we add them up, and get the **total loss** of an
# image $x$:
#
# $$L(x) = \underbrace{\frac{1}{5} \sum_{l} e_l}_{e_\text{style}} \; + \; \alpha \, e_\text{content} \; + \; \gamma \, V$$
#
# In words: the mean style error over five layers, plus α times the content error, plus γ times the roughness $V$ of the
# image. $V$ is called **total variation**, and it is the mean squared difference between neighbouring pixels. It fights
# grain. A painting that starts from a photo has no grain to fight, and so γ is zero until Exercise 5. All the interest
# of this notebook is in α, the content weight. (The paper has two weights, α for content and β for style. Only their ratio
# matters, so we set β = 1. The ratios that it prints belong to its own errors and to a network whose channels were scaled.)
#
# The same in code. The targets are computed once, so `make_errors` takes the two pictures and hands back a function
# that measures any image. `make_loss` does the same for the loss:

# %%
from helpers.losses import content_loss, gram, style_loss, total_variation

layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def make_errors(photo, style, net):
    """Return a function: image -> content error, style error."""
    with torch.no_grad():
        content_target = net(photo, ["relu4_2"])["relu4_2"]  # (1, 512, h, w)
        style_targets = {layer: gram(f) for layer, f in net(style, layers).items()}  # (C, C) each

    def errors(image):
        features = net(image, layers + ["relu4_2"])
        style_errors = [style_loss(features[layer], style_targets[layer]) for layer in layers]
        content_error = content_loss(features["relu4_2"], content_target)
        return content_error, sum(style_errors) / 5

    return errors


def make_loss(errors, content_weight, tv_weight=0.0):
    """Return a function: image -> total loss."""

    def loss(image):
        content_error, style_error = errors(image)
        smoothness = tv_weight * total_variation(image) if tv_weight else 0.0
        return style_error + content_weight * content_error + smoothness

    return loss


# %% [markdown]
# Can an image fulfil both wishes? Let us try three candidates that cost no work: the photo itself, a piece of the
# woodcut of the same size, and an even grey picture.

# %%
# NBVAL_CHECK_OUTPUT
errors = make_errors(photo, style, vgg)
height, width = photo.shape[2:]
candidates = {
    "the photo": photo,
    "a piece of the woodcut": style[..., 100 : 100 + height, :width],  # (1, 3, 144, 256)
    "even grey": torch.full_like(photo, 0.5),
}
for name, image in candidates.items():
    with torch.no_grad():
        content_error, style_error = errors(image)
    print(f"{name:23} content error {content_error:.2f}   style error {style_error:.2f}")

# %% [markdown]
# Nobody wins on both counts. The photo has no content error at all, but its style is hardly better than grey. The piece
# of the woodcut has most of the style, and its content is more than twice as wrong as no content would be, because it
# puts strong features where the photo has others.
#
# So somebody has to decide how bad one unit of content error is, compared with one unit of style error. That is all
# that α says: it is an exchange rate.
#
# **Your turn, before you run the next cell.** You may hand in only the photo or the piece of the woodcut, and the
# smaller total loss wins. For which α do the two come out equal? You need the four numbers above and one division.
#
# <details><summary>Compare</summary>
#
# The photo's loss is its style error, whatever α is, because its content error is zero. The woodcut's loss is its own
# style error plus α times its content error. They are equal where the style that you gain, divided by the content that
# you lose, is α, and that is about a third. For a smaller α, a program that could choose only between these two would
# hand you the woodcut and forget the photo.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
for content_weight in (0.03, 0.3, 3.0):
    loss = make_loss(errors, content_weight)
    with torch.no_grad():
        losses = [loss(image).item() for image in candidates.values()]
    print(f"content weight {content_weight:4}: photo {losses[0]:.2f}, woodcut {losses[1]:.2f}, "
          f"grey {losses[2]:.2f}")

# %% [markdown]
# A painter is not limited to three candidates, of course. There are images between the two that are better than both,
# and you saw six of them above. But before we paint, we should understand why our α is a number like 0.03, while
# programs that you find on the web write 1e6.
#
# ## A sum has a size
#
# [Gatys, Ecker and Bethge
# (2016)](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# did not divide by $\lVert P \rVert^2$ and $\lVert A \rVert^2$. They added up squared differences, in equations 1 and
# 4:
#
# $$\mathcal{L}_\text{content} = \frac{1}{2} \sum_{i,k} (F_{ik} - P_{ik})^2 \qquad\qquad
# E_l = \frac{1}{4 C^2} \sum_{i,j} (G_{ij} - A_{ij})^2$$
#
# Here $C$ is the number of channels, $i$ and $j$ choose channels, and $k$ walks over the $N$ places. (The paper's Gram
# matrices are sums over places, and equation 4 divides by $N^2$ afterwards. Ours are divided by $N$ from the start,
# which is the same.) Equations 5 and 7 then give every style layer the weight 1/5 and add the two terms, as we did.
#
# Let us look at numbers small enough to do in your head, two channels at four places:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import relative_error

F = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]])  # of our image     (C, N) = (2, 4)
P = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 2.0]])  # of the photo     (2, 4)
S = torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]])  # of the style     (2, 4)
G = F @ F.T / 4  # (2, 2)
A = S @ S.T / 4  # (2, 2)


def content_sum(F, P):  # equation 1
    return (F - P).square().sum() / 2


def layer_sum(G, A):  # equation 4, for Gram matrices that are divided by N
    return (G - A).square().sum() / (4 * len(A) ** 2)


print(f"content: the paper's sum {content_sum(F, P):.2f}, relative error {relative_error(F, P):.2f}")
print(f"style:   the paper's sum {layer_sum(G, A):.5f}, relative error {relative_error(G, A):.2f}")

# %% [markdown]
# Two features differ by 1 from the photo's, so the sum is half of 2. Two entries of the Gram matrix differ by ½, so the
# sum is ½ divided by 4 · 4, which is one thirty-second. The relative errors put the same differences in proportion: a
# fifth of the content is wrong, and half of the style (both squared).
#
# What happens to these numbers when the picture grows? To see it we need an image that is wrong in both ways, and we
# take the photo in the woodcut's colours. `matched_colour` moves the mean of the colours, and how they spread around
# it, to those of the woodcut; every painting in this notebook starts from there.
#
# **Your turn, before you run the next cell.** We measure the same image at 128, 256 and 512 pixels. Which of the two
# sums must grow with the picture, and why does the other one not?
#
# <details><summary>Compare</summary>
#
# The content sum adds up all places, and twice the width means four times as many places. (It grows about three times
# with each doubling, and not four times, because a larger photo is smoother from one pixel to the next.) The style sum compares Gram matrices that are
# means over the places, and a mean does not care how many there are.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
from helpers.colours import matched_colour


def features_of(image, names):
    """Return {layer: (C, N)}: one row a channel, one column a place."""
    with torch.no_grad():
        return {name: f[0].flatten(1) for name, f in vgg(image, names).items()}


style_targets = {layer: gram(f) for layer, f in vgg(style, layers).items()}  # (C, C) each
for pixels in (128, 256, 512):
    target = load("lake_sherburne", pixels).to(vgg.device)
    image = matched_colour(target, style)
    features = features_of(image, layers + ["relu4_2"])
    P = features_of(target, ["relu4_2"])["relu4_2"]
    content = content_sum(features["relu4_2"], P)
    sums = [layer_sum(f @ f.T / f.shape[1], style_targets[n]) for n, f in features.items() if n in layers]
    with torch.no_grad():
        content_error, style_error = make_errors(target, style, vgg)(image)
    print(f"{pixels} px   sums: content {content / 1e6:5.2f} million, style {sum(sums) / 5e3:.2f} thousand"
          f"   relative errors: content {content_error:.2f}, style {style_error:.2f}")

# %% [markdown]
# From 128 to 512 pixels the content sum becomes more than eight times as large, while the style sum stays. So a weight
# that balances the two sums at 128 pixels leans heavily towards the content at 512, although nobody touched it. The
# relative errors stay near each other, and only at 128 pixels is the style error clearly larger, because a small
# picture really is another picture to the network. A weight for relative errors therefore survives a change of size.
#
# Sums hide a second unit, and it is worse. Five layers share the style error, each with the weight 1/5. How much of the
# total does each layer really hold?

# %%
import matplotlib.pyplot as plt

from helpers.show import figure

features = features_of(matched_colour(photo, style), layers)
sums = []
relative = []
for layer in layers:
    G = features[layer] @ features[layer].T / features[layer].shape[1]
    sums.append(layer_sum(G, style_targets[layer]).item())
    relative.append(relative_error(G, style_targets[layer]).item())

fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True)
for panel, values, title in zip(axes, (sums, relative), ("the paper's sums", "relative errors"), strict=True):
    shares = [100 * value / sum(values) for value in values]
    bars = panel.bar(layers, shares, color="#c0572b")
    panel.bar_label(bars, [f"{share:.2g} %" for share in shares], fontsize=8)
    panel.set(title=title, ylim=(0, 112))
    panel.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("share of the style error, per cent")
figure(fig, alt="Two bar charts of five layers: with the paper's sums relu4_1 holds nearly everything "
       "and the other four are flat; with relative errors all five hold between 14 and 32 per cent.")

# %% [markdown]
# On the left, `relu4_1` holds more than 98 per cent of the style error, and `relu1_1`, the layer that is nearest to the
# colours, holds less than a thousandth of one per cent. Nobody decided that. It happens because the features of VGG19
# are not equally large in every layer, and a Gram matrix multiplies them with each other:

# %%
# NBVAL_CHECK_OUTPUT
for layer, f in features_of(photo, layers + ["relu4_2", "relu5_2"]).items():
    print(f"{layer}: mean square of the features {f.square().mean():6.2f}")

# %% [markdown]
# From `relu1_1` to `relu4_1` the mean square grows nearly three hundred times, and the squared difference of two Gram
# matrices grows with the square of that. (The authors knew: section 2 of the paper says that they scaled their network
# until the mean activation of every channel was 1. The formula is easier to copy than the network.)
#
# You can see such a thing in a painting. Below, both images start from the photo in its *own* colours, and content is
# weighed alike. On the left, the style is the paper's sum, divided by what zeros would score. On the right, it is our
# mean of relative errors. `optimise` changes the pixels until the loss is small; notebooks
# [06](06_painting_with_adam.ipynb) and [07](07_painting_with_lbfgs.ipynb) write it. `fast` makes the network compute in
# half precision if your processor has units for that, and `pyramid` lets `optimise` change coarse and fine pixels at
# once. Both only save time, and [notebook 09](09_bigger_pictures.ipynb) explains them.

# %%
from helpers.fast import fast, pyramid
from helpers.images import as_saved
from helpers.transfer import optimise

quick = fast(VGG())
small_photo = load("lake_sherburne", 208).to(vgg.device)
small_style = load("woodcut", 260).to(vgg.device)
small_errors = make_errors(small_photo, small_style, quick)
targets = {layer: gram(f) for layer, f in quick(small_style, layers).items()}
sum_of_zeros = sum(layer_sum(torch.zeros_like(A), A) for A in targets.values())


def loss_of_sums(image):
    features = quick(image, layers)
    style_sum = sum(layer_sum(gram(features[layer]), targets[layer]) for layer in layers)
    content_error, _ = small_errors(image)
    return style_sum / sum_of_zeros + 0.05 * content_error


by_sums = optimise(small_photo, loss_of_sums, 25, parametrize=pyramid).image
by_errors = optimise(small_photo, make_loss(small_errors, 0.05), 25, parametrize=pyramid).image
show([by_sums, by_errors], ["style as the paper's sum", "style as a mean of relative errors"],
     height=266,
     alt="Two paintings of the lake in bent cuts: the left one has kept the photo's bright blue sky, "
     "the right one has the ochre, cream and dark blue of the woodcut.")

# %% [markdown]
# Both have the cuts of the knife. But the left sky is still the blue of the photo, because the layer that would ask for
# the woodcut's ochre and cream holds next to nothing of the loss. On the right all five layers count.
#
# ## What does a weight of 1e6 mean?
#
# Now you know what makes published weights so hard to compare. A weight is multiplied by an error, and every program
# computes its errors in a unit of its own. We need a way to ask them all the same question. Here is one: what would
# your two terms say about an image whose features are all zero?
#
# In our unit both errors are 1 for such an image, so style scores 1 and content scores α. The content's score, divided
# by the style's, *is* the weight. For any other program we can compute the same two scores and divide them, and then we
# know which α it would have written if it had used our errors.
#
# We do it once by hand. [PyTorch's tutorial](https://docs.pytorch.org/tutorials/advanced/neural_style_tutorial.html)
# divides the Gram matrix by $C N$, where $N$ is the number of places. Both of its errors are *means* of squared
# differences, the style weight is 1,000,000, and the content weight is 1.
#
# **Your turn, before you run the next cell.** Take $P$ and $S$ from our toy. $S S^\top$ is a 2 × 2 matrix with 2
# everywhere, and $C N$ is 8. What are the tutorial's two scores for an image of zeros? And what is its α?
#
# <details><summary>Compare</summary>
#
# Content: the squares of $P$ add up to 10, and their mean over eight numbers is 1.25. Style: every entry of the divided
# matrix is ¼, so the mean of the squares is 1/16, and a million times that is 62,500. So α = 1.25 / 62,500, or 0.00002.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
P = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 2.0]])  # (2, 4)
content_score = 1 * P.square().mean()
style_score = 1e6 * (S @ S.T / 8).square().mean()
print(f"content {content_score:.2f}, style {style_score:,.0f}, alpha {content_score / style_score:.6f}")

# %% [markdown]
# A table of seven programs needs one line for each. What a program divides its Gram matrix by, and then the squares, is
# written in words that the function below looks up. Three programs do not read the content at `relu4_2`, and two
# read some of the style elsewhere, so each line names its own layers. The last number is the size of the pixels. Programs
# that feed 0 to 255 have features about 58 times as large as programs that feed 0 to 1, divided by the spread of the
# pixels (255 · 0.226 = 58).

# %%
from typing import NamedTuple


class Program(NamedTuple):
    style_weights: list  # one for each of its style layers
    style_layers: list
    gram_over: str  # what F Fᵀ is divided by
    squares_over: str  # what the sum of squares is divided by
    content_weight: float
    content_layer: str
    gain: float  # how many times as large as ours its features are


first_five = ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]
over_squared_channels = [1e3 / C**2 for C in (64, 128, 256, 512, 512)]
falling = [1e6 * share for share in (1, 0.75, 0.2, 0.2, 0.2)]
programs = {
    "PyTorch": Program([1e6] * 5, first_five, "C N", "C²", 1, "conv2_2", 1),
    "Gatys": Program(over_squared_channels, layers, "N", "C²", 1, "relu4_2", 58),
    "neural-style": Program([100] * 5, layers, "C N", "C²", 5, "relu4_2", 58),
    "gordicaleksa": Program([3e4 / 5] * 5, layers, "C N", "1", 1e5, "relu4_2", 58),
    "TensorFlow": Program([1e-2 / 5] * 5, layers, "N", "C²", 1e4, "relu5_2", 58),
    "d2l": Program([1e4] * 5, [*layers[:4], "conv5_1"], "C N", "C²", 1, "relu4_4", 1),
    "Udacity": Program(falling, layers, "1", "C³ N", 1, "relu4_2", 1),
}

# %% [markdown]
# The lines come from the programs' own code: [Gatys'
# notebook](https://github.com/leongatys/PytorchNeuralStyleTransfer),
# [neural-style](https://github.com/jcjohnson/neural-style),
# [gordicaleksa](https://github.com/gordicaleksa/pytorch-neural-style-transfer), [TensorFlow's
# tutorial](https://www.tensorflow.org/tutorials/generative/style_transfer), [Dive into Deep
# Learning](https://d2l.ai/chapter_computer-vision/neural-style.html) and [Udacity's
# course](https://github.com/udacity/deep-learning-v2-pytorch). A `conv` layer is read before its ReLU. (Udacity and d2l ask
# for `conv` layers and mostly get the ReLU all the same, because torchvision's ReLUs work in place and overwrite what was
# stored. The table names what they really use, and [notebook 12](12_bug_museum.ipynb) shows how this happens.) All seven
# content errors are means of squares. The function asks for the scores of zeros, on our own photo and woodcut:

# %%
names = sorted({*layers, *first_five, "relu4_2", "relu4_4", "relu5_2", "conv5_1"})
photo_features = features_of(photo, names)
style_grams = {name: S @ S.T / S.shape[1] for name, S in features_of(style, names).items()}


def scores_of_zeros(program):
    """Return the content's score, and those of the style layers, for features that are all zero."""
    P = program.gain * photo_features[program.content_layer]
    content_score = program.content_weight * P.square().mean().item()
    style_scores = []
    for layer, weight in zip(program.style_layers, program.style_weights, strict=True):
        C, N = photo_features[layer].shape
        divisors = {"1": 1, "N": N, "C N": C * N, "C²": C**2, "C³ N": C**3 * N}
        products = program.gain**2 * N * style_grams[layer]  # S Sᵀ in the program's own size
        squares = (products / divisors[program.gram_over]).square().sum()
        style_scores.append(weight * squares.item() / divisors[program.squares_over])
    return content_score, style_scores


# %% [markdown]
# Is that right? We take the photo in the woodcut's colours and let PyTorch's tutorial compute its loss in its own
# words. Then we rebuild the same number from its scores: each score, times our relative error at that layer.

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import mse_loss

features = features_of(matched_colour(photo, style), first_five)
own_words = mse_loss(features["conv2_2"], photo_features["conv2_2"])
content_score, style_scores = scores_of_zeros(programs["PyTorch"])
rebuilt = content_score * relative_error(features["conv2_2"], photo_features["conv2_2"])
for layer, score in zip(first_five, style_scores, strict=True):
    C, N = features[layer].shape
    G = features[layer] @ features[layer].T / N
    own_words = own_words + 1e6 * mse_loss(G / C, style_grams[layer] / C)
    rebuilt = rebuilt + score * relative_error(G, style_grams[layer])
print(f"the tutorial's loss {own_words / 1000:.2f} thousand, rebuilt from its scores {rebuilt / 1000:.2f} thousand")

# %% [markdown]
# The two agree, so a score really is all that a program's weights and divisions amount to.
#
# **Your turn, before you run the next cell.** Four of the seven are famous for their style weights: 1e6 (PyTorch), 1e3
# (Gatys), 100 (neural-style) and 3e4 (gordicaleksa). Which of the four asks for the most style, and which for the
# least? Write down an order, and one reason why you would not bet on it.
#
# <details><summary>Compare</summary>
#
# The most style means the smallest α. Gordicaleksa's 3e4 asks for the most, although its content weight is 1e5, because
# it is the only one that does not divide the squares by $C^2$. Then come 1e3 and 1e6, which are nearly the same. The
# 100 of neural-style asks for the least. If your order was wrong, you are in good company: the number that people quote
# is not even half of the loss.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
alphas = {}
alphas_at_relu4_2 = {}
for name, program in programs.items():
    content_score, style_scores = scores_of_zeros(program)
    alphas[name] = content_score / sum(style_scores)
    moved = program._replace(content_layer="relu4_2")
    alphas_at_relu4_2[name] = scores_of_zeros(moved)[0] / sum(style_scores)
    largest = style_scores.index(max(style_scores))
    share = style_scores[largest] / sum(style_scores)
    print(f"{name:13} alpha {alphas[name]:.2e}, with relu4_2 {alphas_at_relu4_2[name]:.2e}; "
          f"largest style layer {program.style_layers[largest]}: {share:.1%}")

# %% [markdown]
# The first column is α in our unit, for this pair of pictures. 1e6 and 1e3 differ by a factor of a thousand on paper,
# and for our pair they come out at 0.0001 both. The second column asks what α would be if the content
# were read at `relu4_2`. There the two are a factor of three apart, which is still far from a thousand. For TensorFlow it is more than a hundred times as large: its `relu5_2` is so quiet that a
# content weight of 10,000 means little there.
#
# The last column shows what we saw before: in five of the seven, `relu4_1` holds nearly nine tenths of the style, or
# more. Here are the published numbers and what they amount to, side by side. An open circle is the α with the content
# at `relu4_2`:

# %%
published = {"PyTorch": "1e6", "Gatys": "1e3", "neural-style": "100", "gordicaleksa": "3e4",
             "TensorFlow": "0.01", "d2l": "1e4", "Udacity": "1e6"}
order = sorted(alphas, key=alphas.get)
fig, axes = plt.subplots(figsize=(8.7, 3.6))
for row, name in enumerate(order):
    axes.plot([alphas[name], alphas_at_relu4_2[name]], [row, row], color="#c0572b", linewidth=1)
    axes.plot(alphas_at_relu4_2[name], row, "o", markersize=9, color="white", markeredgecolor="#c0572b")
    axes.plot(alphas[name], row, "o", markersize=9, color="#c0572b")
axes.axvline(0.03, color="#2b5a8c", linestyle="--")
axes.text(0.04, 0, "this series: 0.03", va="center", color="#2b5a8c")
labels = [f"{name}: style weight {published[name]}" for name in order]
axes.set(xscale="log", xlim=(1e-9, 10), yticks=range(len(order)), yticklabels=labels)
axes.set_xlabel("α in our unit  (more content to the right)")
axes.spines[["top", "right"]].set_visible(False)
axes.grid(axis="x", alpha=0.3)
figure(fig, alt="Seven dots on a logarithmic axis of alpha: Udacity far left near 1e-9, gordicaleksa near "
       "1e-5, Gatys and PyTorch together at 1e-4, d2l, neural-style and TensorFlow up to 0.01.")

# %% [markdown]
# From the bottom to the top, the dots ask for more and more content. Roughly, larger style weights stand lower, as they
# should. But 1e6 stands at two places, and their α differ by a factor of forty thousand, so a style weight alone says very
# little. Udacity's α is so small that its content term has no say. If its pictures keep the photo, it is because the painting
# starts there, and not because the loss asks for it.
#
# Read the dots as orders of magnitude. They belong to this photo and this woodcut, and PyTorch, d2l, gordicaleksa and
# Udacity were made for [another training of
# VGG19](https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.vgg19.html), whose features have
# about the size of ours. When you copy a weight, copy the whole line of the table: the divisions, the layers and the
# size of the pixels.
#
# **Exercise 1 · predict** · ●●○ · 10 minutes. A picture is tiled: four copies of it fill a picture twice as wide and
# twice as high, and the photo and the painting of the style are tiled in the same way. Forget the seams, so that every
# layer has the same features as before, four times each. By what factor does each of five numbers change: the
# paper's two sums, our two errors, and Udacity's style error, which is
# $\lVert F F^\top - S S^\top \rVert^2 / (C^3 N)$?


# %% tags=["spec", "folded"]
def factors_of_tiling():
    generator = torch.Generator().manual_seed(0)
    F, P, S = torch.rand(3, 6, 10, generator=generator).double()  # (C, N) = (6, 10) each

    def five_numbers(F, P, S):
        C, N = F.shape
        products = F @ F.T - S @ S.T
        return {
            "the paper's content sum": (F - P).square().sum() / 2,
            "the paper's style sum": products.square().sum() / (4 * C**2 * N**2),
            "our content error": (F - P).square().sum() / P.square().sum(),
            "our style error": products.square().sum() / (S @ S.T).square().sum(),
            "Udacity's style error": products.square().mean() / (C * N),
        }

    before = five_numbers(F, P, S)
    after = five_numbers(F.repeat(1, 4), P.repeat(1, 4), S.repeat(1, 4))
    return {name: (after[name] / before[name]).item() for name in before}


# %% tags=["exercise"]
def my_factors():
    """Return one factor for each of the five numbers."""
    # solution
    return {
        "the paper's content sum": 4,
        "the paper's style sum": 1,
        "our content error": 1,
        "our style error": 1,
        "Udacity's style error": 4,
    }


# %% tags=["check"]
from helpers.check import check

check(my_factors, factors_of_tiling);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# With four times as many places, what happens to every entry of $F F^\top$, before anything is divided?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Udacity's Gram matrix is not divided, so its entries become 4 times as large and their squares 16 times. Then it
# divides by $C N$, once.
#
# </details>
#
# <!-- solution: my_factors -->
#
# **Exercise 2 · build** · ●●○ · 15 minutes. An eighth program: [the example of
# Keras](https://keras.io/examples/generative/neural_style_transfer/). Its content error is the *sum* of squared
# differences. Its style error is the sum of squared differences of $F F^\top$ (divided by nothing), over $4 \cdot 3^2
# \cdot (H W)^2$, where $H$ and $W$ are the height and width of the *image*. Translate its two weights into our α, for
# one style layer.


# %% tags=["spec"]
def alpha_of_keras(P, S, H, W, content_weight, style_weight):
    content = 0.0
    for row in P:
        for number in row:
            content += number**2
    style = 0.0
    for one_row in S:
        for another_row in S:
            product = (one_row * another_row).sum()
            style += product**2
    return content_weight * content / (style_weight * style / (4 * 9 * (H * W) ** 2))


# %% tags=["exercise"]
def my_alpha(P, S, H, W, content_weight, style_weight):
    """P, S: features (C, N) of photo and style at their layers -> alpha, one number, without a loop."""
    # solution
    content_score = content_weight * P.square().sum()
    style_score = style_weight * (S @ S.T).square().sum() / (4 * 3**2 * (H * W) ** 2)
    return content_score / style_score


# %% tags=["check"]
from helpers.check import check, each

check(my_alpha, alpha_of_keras, (5, 12), (4, 30), each(6, 10), each(8, 7), each(2.5e-2, 1.0), each(1e-2, 5.0),
      without=("loops",));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# What does each of its two errors become when the features of the image, $F$, are all zero?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Content leaves the sum of the squares of $P$. Style leaves the sum of the squares of $S S^\top$, over $36 (HW)^2$.
# Multiply each by its weight, and divide the first by the second.
#
# </details>
#
# <!-- solution: my_alpha -->
#
# ## Two pushes that cancel
#
# So far α is a number in a formula. What does it do to a *painting*? For that we have to look at gradients. The
# **gradient** of an error says, for each number of the image, how fast the error grows if this number grows a little.
# An optimiser moves every pixel against the gradient of the loss. When it has finished, no small move makes the loss
# smaller any more, and so the gradient of the loss is zero.
#
# Suppose the image had a single pixel $x$. Style would like it black, content would like it white, and the two errors
# are $x^2$ and $(x - 1)^2$. With α = 3, the total loss is $x^2 + 3 (x - 1)^2$.
#
# **Your turn, before you run the next cell.** Content counts three times as much here. At the $x$ where the total loss is
# smallest, which of the two errors has the larger gradient, and why?
#
# <details><summary>Compare</summary>
#
# The style has. Content counts more, so the pixel ends close to white, where the content error is nearly zero and nearly
# flat. The style error is far from its goal, and steep. The two steepnesses cancel only after the content's has been
# multiplied by α.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
for content_weight in (1 / 3, 1.0, 3.0):
    x = torch.linspace(0, 1, 1001)
    total = x**2 + content_weight * (x - 1) ** 2
    best = x[total.argmin()]
    style_gradient = 2 * best
    content_gradient = 2 * (best - 1)
    print(f"alpha {content_weight:.2f}: best x {best:.2f}, gradients: style {style_gradient:.2f}, "
          f"content {content_gradient:.2f}, ratio {-style_gradient / content_gradient:.2f}")

# %% [markdown]
# With α = 3 the pixel ends at 0.75, nearer to white. There the style's gradient is 1.5, and the content's is −0.5. They
# have opposite signs, and the style's is three times as large, which is just α. You see the same with the other two
# weights: whatever α is, it comes back as the ratio of the two gradients.

# %%
x = torch.linspace(0, 1, 200)
fig, axes = plt.subplots(1, 2, figsize=(8.7, 3.3), sharey=True)
for panel, content_weight in zip(axes, (1 / 3, 3.0), strict=True):
    best = content_weight / (1 + content_weight)
    panel.plot(x, x**2, color="#c0572b", label="style error")
    panel.plot(x, content_weight * (x - 1) ** 2, color="#2b5a8c", label="α × content error")
    panel.plot(x, x**2 + content_weight * (x - 1) ** 2, color="black", label="total loss")
    for height, slope, colour in ((best**2, 2 * best, "#c0572b"),
                                  (content_weight * (best - 1) ** 2, -2 * best, "#2b5a8c")):
        ends = torch.tensor([-0.14, 0.14])
        panel.plot(best + ends, height + slope * ends, color=colour, linewidth=4, alpha=0.5)
    panel.axvline(best, color="grey", linestyle=":")
    panel.set(title=f"α = {content_weight:.2g}", xlabel="the pixel x", ylim=(0, 1.6))
    panel.spines[["top", "right"]].set_visible(False)
axes[0].legend(frameon=False, loc="upper right")
figure(fig, alt="Two panels with a rising curve for style, a falling one for content and their sum; at the "
       "sum's lowest point the two curves have slopes of equal size that point in opposite directions.")

# %% [markdown]
# The thick pieces are the slopes at the lowest point of the black curve. In both panels one rises exactly as steeply as
# the other falls, and that is what makes the black curve flat there.
#
# A painting has thousands of pixels, and the same sentence holds for all of them at once. Write $\nabla$ for "the
# gradient of", a list with one number for each number of the image. At the end of a painting,
#
# $$\nabla e_\text{style} + \alpha \, \nabla e_\text{content} = 0 \qquad\text{and so}\qquad
# \nabla e_\text{style} = -\alpha \, \nabla e_\text{content}.$$
#
# In words: at the finished painting the two gradients point in exactly opposite directions, and the one of the style is
# α times as long. If this is true, then we can read the weight off any finished painting, without being told.
#
# Let us test it on VGG19. The cosine of two gradients is 1 if they point in the same direction, 0 if they are at right
# angles, and −1 if they are opposed. We paint at 64 pixels so that there is time to finish, in full precision, and with
# average pooling (max pooling passes only the largest of four numbers on, and adds jumps to the gradient whenever the
# winner changes). Usually `optimise` holds pixels between 0 and 1 with a third term, and `pixels="free"` leaves it out:

# %%
from torch.nn.functional import cosine_similarity

tiny_photo = load("lake_sherburne", 64).to(vgg.device)  # (1, 3, 36, 64)
tiny_style = load("woodcut", 80).to(vgg.device)
tiny_start = matched_colour(tiny_photo, tiny_style)


def two_gradients(image, errors):
    """Return the gradients of the content error and of the style error, one number for each of the image."""
    image = image.clone().requires_grad_()
    content_gradient = torch.autograd.grad(errors(image)[0], image)[0]  # (1, 3, 36, 64)
    style_gradient = torch.autograd.grad(errors(image)[1], image)[0]
    return content_gradient.flatten(), style_gradient.flatten()  # (6912,) each


def compare(image, errors):
    """Return the cosine of the two gradients, and how many times as long the style's is."""
    content_gradient, style_gradient = two_gradients(image, errors)
    cosine = cosine_similarity(content_gradient, style_gradient, dim=0)
    return cosine.item(), (style_gradient.norm() / content_gradient.norm()).item()


def finish(image, errors, content_weight, evaluations):
    """Paint from an image on, and return the best image as it is, even outside 0 to 1."""
    visited = {}  # loss -> image

    def remember(step, image, value):
        visited[value] = image

    loss = make_loss(errors, content_weight)
    optimise(image, loss, evaluations, pixels="free", parametrize=pyramid, callback=remember)
    return visited[min(visited)]


# %% [markdown]
# Each painting continues where the one before ended, because a neighbour is a good start. The smallest weight gets the
# most evaluations, since it leads farthest away from the photo:

# %%
plan = {3.0: 50, 0.3: 70, 0.03: 130}  # content weight -> evaluations
average = VGG(pool="avg")
tiny_errors = make_errors(tiny_photo, tiny_style, average)
cosine, ratio = compare(tiny_start, tiny_errors)
print(f"at the start:        cosine {cosine:6.3f}, style's gradient {ratio:.3g} times as long")
image = tiny_start
for content_weight, count in plan.items():
    image = finish(image, tiny_errors, content_weight, count)
    cosine, ratio = compare(image, tiny_errors)
    print(f"content weight {content_weight:4}: cosine {cosine:6.3f}, style's gradient {ratio:.3g} times as long")

# %% [markdown]
# At the start the two gradients oppose each other only weakly. At the paintings with the weights 3 and 0.3 they
# oppose each other almost exactly, and the ratio of their lengths is the weight, to a few per cent, although `compare`
# was never told the weight.
#
# The third painting is different. With the weight 0.03 the gradients oppose each other as well, but the cosine stops
# clearly short of −1, and the ratio is too large. Is our formula wrong for small weights, or is something in the way?
#
# The suspect is the ReLU, the layer that replaces negative numbers by zero. Its slope jumps from 0 to 1 at zero, so the
# loss is full of kinks. If a valley ends in a kink, the loss falls towards it from both sides, and nowhere is its slope
# zero. With a small α the painting ends where the style error is nearly zero, and there even small kinks count.
#
# We can test that. [Softplus](https://docs.pytorch.org/docs/stable/generated/torch.nn.Softplus.html) is a ReLU whose
# kink has been rounded. If kinks are to blame, then a network with Softplus in place of every ReLU must come closer to
# −1.

# %%
rounded = VGG(pool="avg")
for name in rounded.layers:
    if name.startswith("relu"):
        rounded.layers[name] = torch.nn.Softplus()
rounded_errors = make_errors(tiny_photo, tiny_style, rounded)
finished = {"start": tiny_start}
image = tiny_start
for content_weight, count in plan.items():
    image = finish(image, rounded_errors, content_weight, count)
    finished[content_weight] = image
    cosine, ratio = compare(image, rounded_errors)
    print(f"content weight {content_weight:4}: cosine {cosine:6.3f}, style's gradient {ratio:.3g} times as long")
    assert cosine < -0.97 and abs(ratio / content_weight - 1) < 0.05

# %% [markdown]
# Without kinks all three cosines are close to −1, and all three ratios are the weights to about one per cent. That fits
# the suspicion. (It is no proof, because a smooth loss is also easier to finish in so many evaluations.) In any case the
# formula holds where its conditions do: the loss must be smooth, and the painting must be finished.
#
# You can see this law as well as compute it. Each dot below is one of the 6,912 numbers of the image. To the right is
# the gradient of the content there, and upwards the gradient of the style:

# %%
fig, axes = plt.subplots(1, 4, figsize=(10.5, 3.2), layout="constrained")
for panel, (content_weight, image) in zip(axes, finished.items(), strict=True):
    content_gradient, style_gradient = two_gradients(image, rounded_errors)
    if content_weight == "start":
        panel.set_title("at the start")
    else:
        panel.axline((0, 0), slope=-content_weight, color="#2b5a8c", linestyle="--", linewidth=1)
        panel.set_title(f"slope −{content_weight:g}", color="#2b5a8c")
    panel.plot(1000 * content_gradient.cpu(), 1000 * style_gradient.cpu(), ".", markersize=2, color="#c0572b")
    panel.set_xlabel("content's gradient × 1000")
axes[0].set_ylabel("style's gradient × 1000")
figure(fig, alt="Four clouds of dots: at the start a round cloud; at the three finished paintings a thin "
       "band that falls along a dashed line through the middle.")

# %% [markdown]
# At the start the dots are a cloud, because the two errors ask for different changes. At the finished paintings they
# lie on a line through the middle. Read the axes, for every panel has a scale of its own: for each step to the right the
# band falls by 3, by 0.3 and by 0.03 steps. Its slope is minus the weight, for nearly every pixel and every colour.
#
# So in a finished painting neither term has what it wants. They push against each other at every pixel, and the weight says
# at which exchange rate. Only one thing bothers us. All of this rests on gradients, and in notebooks 02 and 04 we checked only
# pieces of them, by calculus. Is there a check that needs none?
#
# ## Can we trust the gradient?
#
# PyTorch's [autograd](https://docs.pytorch.org/docs/stable/autograd.html) computed them for us, by applying the chain
# rule backwards through every layer. One day you will write a term of your own, perhaps with a gradient by hand, and
# then you will want to know whether it is right.
#
# There is a way to measure a gradient without any calculus. Change one number of the image by a tiny step $\varepsilon$ up,
# and then down, and see how the error changes: $(e(x + \varepsilon) - e(x - \varepsilon)) / 2\varepsilon$. This is called a **finite difference**. We
# take an image so small that we can do it for every one of its numbers, and 64-bit numbers (`double`), because we are
# about to subtract numbers that are nearly equal.

# %%
import copy

exact = copy.deepcopy(vgg).cpu().double()
x, p, s = (load(name, 16).double()[..., :9, :16] for name in ("chelsea", "lake_sherburne", "woodcut"))
with torch.no_grad():
    P = exact(p, "relu2_1")["relu2_1"]
    A = gram(exact(s, "relu2_1")["relu2_1"])


def three_terms(image):
    """Return content error, style error and total variation, (3,), at one layer."""
    features = exact(image, "relu2_1")["relu2_1"]  # (1, 128, 4, 8)
    return torch.stack([relative_error(features, P), relative_error(gram(features), A),
                        total_variation(image)])


def finite_differences(function, image, step):
    """Return the gradient of each term by nudging one number of the image at a time."""
    columns = []
    for number in range(image.numel()):
        nudge = torch.zeros_like(image)
        nudge.view(-1)[number] = step
        columns.append((function(image + nudge) - function(image - nudge)) / (2 * step))
    return torch.stack(columns, dim=1)  # (3, 432)


measured = finite_differences(three_terms, x, step=1e-6)
by_autograd = torch.autograd.functional.jacobian(three_terms, x).flatten(1)  # (3, 432)
for name, a, b in zip(("content", "style", "variation"), measured, by_autograd, strict=True):
    difference = ((a - b).norm() / b.norm()).item()
    print(f"{name:9} length of the gradient {b.norm():.4f}, relative difference {difference:.0e}")
    assert difference < 1e-5

# %% [markdown]
# All three agree to many digits. Autograd needed one trip back through the network for each term, and we needed
# 864 evaluations for an image of 16 × 9 pixels. So this is a way to check gradients, and not a way to paint.
#
# Why did we check the three terms one by one, and not simply the whole loss? Let us plant a mistake. Suppose somebody
# wrote the gradient of the variation by hand and made it 20 per cent too long.
#
# **Your turn, before you run the next cell.** The loss is style + 0.03 · content + 0.01 · variation. Will a test of the
# whole gradient, with a tolerance of one in ten thousand, find this mistake? The lengths of the three gradients stand
# above.
#
# <details><summary>Compare</summary>
#
# It will not. The variation's gradient, times 0.01, is ten thousand times shorter than the style's. A fifth of that
# disappears in the whole like a coin in a truckload of coins, and the test passes.
#
# </details>

# %%
parts = torch.tensor([0.03, 1.0, 0.01]).double()  # content, style, variation
faulty = by_autograd.clone()
faulty[2] = 1.2 * faulty[2]
whole = parts @ measured
whole_difference = ((parts @ faulty - whole).norm() / whole.norm()).item()
print(f"whole gradient: relative difference {whole_difference:.1e}")
for name, a, b in zip(("content", "style", "variation"), measured, faulty, strict=True):
    print(f"{name:9} alone: relative difference {((a - b).norm() / a.norm()).item():.1e}")
assert whole_difference < 1e-4

# %% [markdown]
# Looked at as a whole, the gradient seems right to four digits. Looked at one by one, the third term is wrong by a
# fifth, and nobody can miss it. Test every term of a loss for itself, because the largest one hides the mistakes of the
# others.
#
# **Exercise 3 · diagnose** · ●●○ · 20 minutes. A program has three terms, and somebody wrote a gradient for each by
# hand. One of the three is wrong. Write a function that finds out which, by looking at the values of the terms only.
# The images arrive as 32-bit numbers, and the terms have very different sizes.


# %% tags=["spec"]
def case_with_a_mistake(mistake, where):
    """Return three terms and their gradients, of which one has a mistake."""
    sizes = (1e6, 1.0, 1e-6)

    def energy(x):
        return sizes[0] * (x**4).sum()

    def waves(x):
        return sizes[1] * torch.sin(2 * x).sum()

    def variation(x):
        return sizes[2] * (x[..., 1:] - x[..., :-1]).square().sum()

    def energy_gradient(x):
        return sizes[0] * 4 * x**3

    def waves_gradient(x):
        return sizes[1] * 2 * torch.cos(2 * x)

    def variation_gradient(x):
        steps = x[..., 1:] - x[..., :-1]
        gradient = torch.zeros_like(x)
        gradient[..., 1:] += 2 * sizes[2] * steps
        gradient[..., :-1] -= 2 * sizes[2] * steps
        return gradient

    gradients = [energy_gradient, waves_gradient, variation_gradient]
    right = gradients[where]

    def wrong(x):
        return mistake(right(x))

    gradients[where] = wrong
    return [[energy, waves, variation], gradients]


def longer(gradient):
    return 1.2 * gradient


def zero_at_the_border(gradient):
    gradient = gradient.clone()
    gradient[..., -1] = 0
    return gradient


def backwards(gradient):
    return gradient.flip(-1)


def culprit_fault(answer, case, x):
    terms, gradients = case
    differences = []
    for term, gradient in zip(terms, gradients, strict=True):
        image = x.double().requires_grad_()
        with torch.enable_grad():
            term(image).backward()
        differences.append((gradient(x.double()) - image.grad).norm() / image.grad.norm())
    wrong = torch.stack(differences).argmax().item()
    if int(answer) == wrong:
        return ""
    return f"you name term {int(answer)}, and its gradient is right to {differences[int(answer)]:.0e}"


# %% tags=["exercise"]
def my_culprit(case, x):
    """case: a list of terms, a list of their gradients; x (1, 3, H, W) -> the number of the wrong one: 0, 1, 2."""
    # solution
    terms, gradients = case
    x = x.double()
    differences = []
    for term, gradient in zip(terms, gradients, strict=True):
        claimed = gradient(x)
        measured = torch.zeros_like(x)
        for number in range(x.numel()):
            nudge = torch.zeros_like(x)
            nudge.view(-1)[number] = 1e-5
            measured.view(-1)[number] = (term(x + nudge) - term(x - nudge)) / 2e-5
        differences.append((measured - claimed).norm() / measured.norm())
    return torch.stack(differences).argmax().item()


# %% tags=["check"]
from helpers.check import each, judge

cases = [case_with_a_mistake(mistake, where) for where in (2, 0, 1) for mistake in (longer, zero_at_the_border, backwards)]
judge(my_culprit, culprit_fault, each(*cases), (1, 3, 4, 6), without=("autograd",));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The section above has a function that measures a gradient. Which numbers should you compare for each term, and in
# which unit, if the first term is a million million times as large as the third?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Turn `x` into 64-bit numbers first. For each term, measure the whole gradient by finite differences, and divide the
# length of the difference by the length of the gradient. The largest quotient is the culprit.
#
# </details>
#
# <!-- solution: my_culprit -->
#
# ## Every weight is a price
#
# Now we can trust our gradients, and it is time to paint. We walk from the largest weight to the smallest, and each
# painting starts where the one before ended. That is kinder than a fresh start: the optimiser needs fewer evaluations,
# and the six pictures are relatives. First the upper half of the walk:

# %% tags=["painting"]
quick_errors = make_errors(photo, style, quick)
paintings = {}
image = matched_colour(photo, style)
for content_weight in weights[:3]:
    loss = make_loss(quick_errors, content_weight)
    image = optimise(image, loss, walk[content_weight], parametrize=pyramid).image
    paintings[content_weight] = as_saved(image)

# %% [markdown]
# And then the lower half:

# %% tags=["painting"]
for content_weight in weights[3:]:
    loss = make_loss(quick_errors, content_weight)
    image = optimise(image, loss, walk[content_weight], parametrize=pyramid).image
    paintings[content_weight] = as_saved(image)

# %% [markdown]
# We measure each painting as a file would keep it, with the full-precision network. Under each painting stand its
# weight and its two errors:

# %%
points = {}
titles = []
for content_weight, painting in paintings.items():
    with torch.no_grad():
        content_error, style_error = errors(painting)
    points[content_weight] = (content_error.item(), style_error.item())
    titles.append(f"{content_weight:g}: content {content_error:.2f}, style {style_error:.3f}")
show(paintings.values(), titles, columns=3, height=176,
     alt="Six paintings of the lake: first nearly a photo, then with fine cuts, then with strong ones, "
     "and in the last three an orange sun grows at the right while the snow dissolves into cuts.")

# %% [markdown]
# Follow the sun. With the weights 3 and 1 there is a pale yellow cloud at the right edge, because the start has the
# woodcut's colours. At 0.1 it glows, and at 0.01 it has become a red sun above the horizon, with its reflection in the
# lake. The photo has no sun there. The style made one out of a bright cloud, as soon as content was cheap enough.
#
# Plotted against each other, the two errors of the six paintings form a curve:

# %%
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from helpers.images import to_pil

contents, styles = zip(*points.values(), strict=True)
fig, axes = plt.subplots(figsize=(8.7, 6.0))
axes.plot(contents, styles, "o-", color="#c0572b")
places = [(0.42, 0.84), (0.66, 0.64), (0.98, 0.45), (1.14, 0.25), (1.59, 0.25), (1.86, 0.07)]  # of the small pictures
for (content_weight, point), place in zip(points.items(), places, strict=True):
    thumbnail = OffsetImage(to_pil(paintings[content_weight]), zoom=0.36)
    arrow = {"arrowstyle": "-", "color": "grey"}
    axes.add_artist(AnnotationBbox(thumbnail, point, place, arrowprops=arrow, pad=0.1))
    axes.annotate(f"{content_weight:g}", point, (-4, -14), textcoords="offset points", ha="right")
at_03 = points[0.3]
ends = torch.tensor([-0.45, 0.4])
axes.plot(at_03[0] + ends, at_03[1] - 0.3 * ends, "--", color="#2b5a8c", label="slope −0.3, through the painting with 0.3")
axes.set(xlabel="content error", ylabel="style error", xlim=(-0.1, 2.1), ylim=(-0.06, 0.95))
axes.legend(frameon=False, loc="upper right")
axes.spines[["top", "right"]].set_visible(False)
figure(fig, alt="A curve that falls steeply and then runs flat, with six small paintings beside its points: "
       "weight 3 at the top left, 0.01 at the bottom right; a dashed line touches it at 0.3.")

# %% [markdown]
# This curve is our estimate of a **Pareto front**, made of six paintings that are not quite finished. Along a Pareto
# front you cannot improve one error without paying with the other. At the
# left end it falls steeply: you give up a little content and gain a lot of style. At the right end it is flat: you pay
# with a lot of content for hardly any style.
#
# And here the weight comes back a last time. The dashed line has the slope −0.3, and it touches the curve at the
# painting that was made with the weight 0.3. It has to. If the curve were steeper there, a small step to the right
# would gain more style than 0.3 times the content that it costs, and the loss would fall. If it were flatter, a step to
# the left would pay. So the optimiser stops where one unit of content costs α units of style, and that is what we mean
# when we say that the weight is a price.
#
# **Your turn, before you run the next cell.** Between two neighbours of the walk we can compute the price that was
# really paid: the style gained, divided by the content lost. Between the paintings with the weights 0.3 and 1, what do
# you expect?
#
# <details><summary>Compare</summary>
#
# The slope of the front is 0.3 at one of them and 1 at the other, so between them it must lie between 0.3 and 1. The
# same holds for every other pair of neighbours.
#
# </details>

# %%
for high, low in zip(weights[:-1], weights[1:], strict=True):
    style_gained = points[high][1] - points[low][1]
    content_lost = points[low][0] - points[high][0]
    price = style_gained / content_lost
    print(f"between the weights {low:4g} and {high:4g}: price {price:.3g}")
    assert 0.8 * low < price < 1.25 * high

# %% [markdown]
# Each price lies between the two weights. (Twenty or thirty evaluations do not quite finish a painting, so on your
# machine one of them may miss by a little.) A front like this is the honest answer to "which weight is best?", because
# there is no best one. If you like the photo, pay for content, and if you like the sun, do not. We often take 0.02 to
# 0.05 in this series, far out on the flat part, because we like strokes.
#
# In a live notebook you can walk along the front yourself:

# %%
from ipywidgets import SelectionSlider

from helpers.show import browse


def picture_at(content_weight):
    content_error, style_error = points[content_weight]
    title = f"content weight {content_weight:g}: content error {content_error:.2f}, style error {style_error:.3f}"
    return show(paintings[content_weight], title, height=320,
                alt=f"The lake painted after the woodcut with a content weight of {content_weight:g}.")


slider = SelectionSlider(options=weights, value=0.1, description="weight", continuous_update=False)
browse(picture_at, content_weight=slider)

# %% [markdown]
# **Exercise 4 · design** · ●●● · 20 minutes. A friend says: "I want exactly *this much* of my photo in the painting",
# and gives you a content error, such as 0.6. Which weight does she need? A painting takes a minute, so you may paint at
# most twelve times. All you know is that the content error falls when the weight grows, and that the weight lies
# between 0.0001 and 100. Design a search that comes within 2 per cent of the wanted error.


# %% tags=["spec"]
class Painter:
    """Call it with a content weight, and it gives back the content error of the finished painting."""

    def __init__(self, largest, middle, steepness):
        self.largest = largest
        self.middle = middle
        self.steepness = steepness
        self.paintings = 0

    def error(self, content_weight):
        return self.largest / (1 + (content_weight / self.middle) ** self.steepness)

    def __call__(self, content_weight):
        self.paintings += 1
        return self.error(content_weight)


def weight_fault(weight, painter, wanted):
    if painter.paintings > 12:
        return f"you painted {painter.paintings} times"
    if not 1e-4 <= weight <= 100:
        return f"the weight {weight:g} is outside 0.0001 to 100"
    error = painter.error(weight)
    if abs(error / wanted - 1) > 0.02:
        return f"a content error of {wanted:g} was wanted, and your weight {weight:.3g} gives {error:.3g}"
    return ""


# %% tags=["exercise"]
def my_weight(painter, wanted):
    """painter(content_weight) -> content error; wanted: a content error -> the weight that gives it."""
    # solution
    low, high = 1e-4, 100.0
    for _ in range(12):
        middle = (low * high) ** 0.5
        if painter(middle) > wanted:
            low = middle
        else:
            high = middle
    return (low * high) ** 0.5


# %% tags=["check"]
from helpers.check import each, judge

painters = each(Painter(1.6, 0.25, 1.0), Painter(2.2, 0.003, 1.4), Painter(1.2, 20.0, 0.8))
judge(my_weight, weight_fault, painters, each(0.6, 1.1, 0.3));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Try the weight in the middle. If the error is larger than wanted, in which half is the weight that you look for? What
# is "the middle" of 0.0001 and 100, if 0.001 and 0.01 should be as far apart as 1 and 10?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The square root of the product of two weights lies in the middle of their logarithms. Halve the range twelve times in
# this way, and return the middle of what is left.
#
# </details>
#
# <!-- solution: my_weight -->
#
# **Exercise 5 · make a picture** · ●○○ · 10 minutes. Meet the third term. The cell below paints the lake from pure
# noise instead of the photo, once without total variation and once with the weight `tv_weight`. Run it, and then try
# 0.05 and 50. Before each run, say what you expect to happen to the grain, and what to the cuts.

# %% tags=["painting"]
from helpers.images import noise

tv_weight = 2.0
noisy_photo = load("lake_sherburne", 144).to(vgg.device)
noisy_style = load("woodcut", 180).to(vgg.device)
noisy_errors = make_errors(noisy_photo, noisy_style, quick)
from_noise = []
titles = []
for gamma in (0.0, tv_weight):
    loss = make_loss(noisy_errors, 0.1, gamma)
    image = optimise(noise(noisy_photo, seed=0), loss, 35).image
    with torch.no_grad():
        content_error, style_error = noisy_errors(image)
    from_noise.append(image)
    titles.append(f"variation {gamma:g}: content {content_error:.2f}, style {style_error:.3f}")
show(from_noise, titles, height=264,
     alt="Two paintings from noise in the cuts of the woodcut, the lake hardly to be seen: the left one is covered with "
     "coloured grain, the right one has smooth areas between its cuts.")

# %% [markdown]
# <details><summary>What to look for</summary>
#
# Without total variation, coloured grain from the start lies over everything. With the weight 2 the grain is gone and
# the cuts stay, and now read the two errors: they are nearly the same as before. Neither term minds
# grain much, so a third one must. With 0.05 you see hardly any change. With 50 the cuts become soft and pale, and the style
# error is several times as large, because a cut is a sharp edge, and squared differences punish one large step more
# than many small ones. [Mahendran and Vedaldi](https://arxiv.org/abs/1412.0035) use such a term to rebuild photos from
# features.
#
# </details>
#
# With the loss complete, what is left is the question of how to walk downhill. [Notebook
# 06](06_painting_with_adam.ipynb) writes the loop.
#
# ## What to remember
#
# - The whole loss is the style error, plus α times the content error, plus γ times the total variation.
# - The paper's sums have units. Content grows with the picture, and in VGG19 one layer holds nearly all of the style.
#   Relative errors take the units away.
# - A published weight means nothing without its loss. For our pair, 1e6 in one program asks for about as much style as
#   1e3 in another.
# - At a finished painting the two gradients oppose each other, and the ratio of their lengths is the weight. So a weight
#   is a price: that of content, in units of style.
# - Check a gradient by finite differences, every term for itself.
#
# ## Three questions
#
# Answer each in your own words before you unfold it.
#
# 1. A friend copies the style weight 1e6 from PyTorch's tutorial into a program that divides Gram matrices by $N$ and not by
#    $C N$. Does she get more style or less?
#
# <details><summary>Answer</summary>
#
# More, by far. Her Gram matrices are $C$ times as large, so their squares are $C^2$ times as large: 4,096 times for a
# layer of 64 channels, and more for the others.
#
# </details>
#
# 2. At a finished painting you measure that the style's gradient is twenty times *shorter* than the content's. What was the content
#    weight, and was the painter fond of strokes?
#
# <details><summary>Answer</summary>
#
# The ratio of style to content is the weight, so it was 1/20, or 0.05. That is a small price for content, and so there
# will be many strokes.
#
# </details>
#
# 3. Your gradient check of the whole loss passes. Why may one of its terms still be wrong?
#
# <details><summary>Answer</summary>
#
# A relative difference compares the mistake with the length of the whole gradient. A term that contributes a
# ten-thousandth of that length can be off by a fifth, and the whole is still right to four digits.
#
# </details>
#
# ## On your own
#
# - Measure the gradient of the style with the step 0.1 instead of 0.000001, and with 1e-12. Both are worse. Why?
# - Run the section with the opposing gradients with `VGG()`, which has max pooling. What happens to the cosines, and why?
# - Walk along the front in the other direction, from the smallest weight to the largest. Do you meet the same paintings? Is the sun
#   still there at the weight 1?
#
# **In practice.** Copy a weight together with its loss, its layers and its pixel range, never alone. With relative
# errors, start with 0.03, and multiply or divide by three until you like what you see.
#
# **Further reading.** [Gatys, Ecker and Bethge
# (2016)](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf),
# section 3.1 and figure 4: the same walk along the front, by eye. [Boyd and Vandenberghe, *Convex
# Optimization*](https://web.stanford.edu/~boyd/cvxbook/), section 4.7: why weights are prices, for losses of any kind.
# [The first paper (2015)](https://arxiv.org/abs/1508.06576), figure 3: layers and weights in one table of paintings.
#
# <!-- bottom -->
