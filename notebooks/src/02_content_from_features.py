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
# # Rebuild a photo from its features
#
# > **You will do** start from noise, and bring a photo back from what five layers of a network know about it.
# > **You will learn** what each depth keeps and forgets, and how to derive the gradient that does the work.
# > **You need** derivatives of squares, a little PyTorch, and the layer names of notebook 01.
# > **Time** 75 minutes with the exercises; about a minute and a half of computing on a laptop.
# > **Came before** the network from inside; here we ask it to tell a photo back to us.
#
# ![Six pictures of old houses on a river: the photo, three copies that look the same, one with soft edges and a violet, grainy sky, and one of streaks and coloured patches in which tower, gables and water still stand where they were.](../data/results/02_content_depths.jpg)
#
# *The Neckarfront in Tübingen, and the same photo rebuilt from noise at five depths, first layer to last (320 pixels, 100
# evaluations for each). Look at the windows and at the sky: where do they stop being right, and what is still there?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Pixels of the photo's long side, and how often the optimiser may evaluate the loss for one picture:

# %% tags=["settings"]
import torch

size = 256
evaluations = 50
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]

# %% [markdown]
# ## Downhill with one pixel
#
# **A pixel is a number, and a number can walk downhill.** One pixel has the value $x = 0.2$ and should be $t = 0.7$. As
# its error we take $E = \tfrac12 (x - t)^2$; the ½ is there so that the slope is simply $x - t$. We compute it by hand,
# let PyTorch find it without the formula, and go against it, 0.4 times as far:

# %%
# NBVAL_CHECK_OUTPUT
x, t = 0.2, 0.7
slope = x - t
pixel = torch.tensor(x, requires_grad=True)
((pixel - t).square() / 2).backward()
print(f"slope {slope:.1f}, by autograd {pixel.grad:.1f}, new pixel {x - 0.4 * slope:.1f}")

# %% [markdown]
# The slope is negative: more light, less error. The pixel has gone 0.4 of its way; 0.6 of it is left. **Before you run
# it:** which of the steps 0.4, 1 and 2 arrives at once, which comes nearer each time, and which never comes any nearer?

# %%
# NBVAL_CHECK_OUTPUT
for step in (0.4, 1.0, 2.0):
    x, path = 0.2, []
    for _ in range(4):
        x = x - step * (x - 0.7)
        path.append(round(x, 3))
    print("step", step, "visits", path)

# %% [markdown]
# With 1 the pixel arrives at once. With 0.4 it comes nearer each time, although it never arrives exactly. With 2 it jumps
# over the valley and back for ever.
#
# ## Downhill with a whole picture
#
# **A picture is many such pixels.** Their errors add up: $E = \tfrac12 \sum_i (x_i - t_i)^2$. Which terms change when
# pixel $i$ does? Only the $i$-th, so its slope is $x_i - t_i$ again, and the gradient of a picture is a picture:
# $x - t$. We start at a cup of coffee, aim at a row of houses on a river, and compare our
# gradient with autograd's, in float64 so that rounding hides nothing:

# %%
from helpers.check import close
from helpers.images import load

photo = load("tubingen_neckarfront", size)
height, width = photo.shape[2:]
cup = load("coffee", size * 9 // 8)[..., :height, :width]
start = cup.double().requires_grad_()
target = photo.double()
((start - target).square().sum() / 2).backward()
close("gradient of the pixel error", start - target, start.grad, tolerance=1e-12)

# %% [markdown]
# Now the descent; whatever makes a picture in this series refines these three lines:


# %%
def descend(image, gradient, step, steps):
    for _ in range(steps):
        image = image - step * gradient(image)
    return image


# %% [markdown]
# **Before you run it:** what will the picture look like half-way?

# %%
from helpers.show import show

moments = []
for steps in (0, 1, 3, 10):
    moments.append(descend(cup, lambda image: image - photo, step=0.3, steps=steps))
show(moments, ["0 steps", "1 step", "3 steps", "10 steps"], columns=2,
     alt="A cup of coffee fades into a row of houses on a river: both are there after "
     "one and three steps, and only the houses after ten.")

# %% [markdown]
# This is a cross-fade: after three steps, the white cup is still a ghost between the houses. Every pixel walks straight to
# its own goal, and none of them knows its neighbours.
#
# **Exercise 1** · ●○○ · 5 min. Each step leaves the same share of the distance. Write the picture after `steps` steps
# without a loop:


# %% tags=["spec"]
def fade_spec(image, target, step, steps):
    for _ in range(steps):
        image = image - step * (image - target)
    return image


# %% tags=["exercise"]
def my_fade(image, target, step, steps):
    """image and target (1, 3, H, W) -> the picture after `steps` steps of descent on the pixel error, without a loop."""
    # solution
    return target + (1 - step) ** steps * (image - target)


# %% tags=["check"]
from helpers.check import check

check(my_fade, fade_spec, (1, 3, 4, 5), (1, 3, 4, 5), 0.3, 7);

# %% [markdown]
# <details><summary>Hint</summary>
#
# One step turns the distance $d = x - t$ into $(1 - \text{step})\,d$. And two steps?
#
# </details>
#
# <!-- solution: my_fade -->
#
# ## What pixels cannot say
#
# **The pixel error counts light, and not things.** Two damaged copies of the photo: one moved two pixels to the right,
# one blurred over squares of 9 × 9:

# %%
from torch.nn.functional import avg_pool2d

moved = photo.roll(2, dims=3)
blurred = avg_pool2d(photo, 9, stride=1, padding=4, count_include_pad=False)
show([photo, moved, blurred], ["photo", "moved", "blurred"],
     alt="The houses three times: the photo, the same moved slightly to the right, and "
     "blurred until the windows are gone.")

# %% [markdown]
# Pictures are usually compared by their **PSNR** in decibels, $-10 \log_{10}$ of the mean squared pixel error: 20 dB is
# one hundredth, 30 dB one thousandth, and more is better. **Before you run it:** which copy has more?


# %%
# NBVAL_CHECK_OUTPUT
def psnr(image, other):
    return -10 * (image - other).square().mean().log10().item()


print(f"moved {psnr(moved, photo):.1f} dB, blurred {psnr(blurred, photo):.1f} dB")

# %% [markdown]
# The blurred one, by almost 3 dB: its error is about half as large, although its windows are gone. We want an error that
# forgives a small shift, and does not forgive a lost window.
#
# ## The content loss
#
# **Compare features instead of pixels.** Let $F$ be the features of our image at one layer, and $P$ those of the photo.
# Gatys et al. (2016), equation 1, is our pixel error with features in place of pixels:
#
# $$\mathcal{L}_{\text{content}} = \tfrac12 \sum_{ij} (F_{ij} - P_{ij})^2$$
#
# We divide by the size of $P$, so that 0 is perfect, and 1 is as wrong as features that are all zero. The other
# notebooks import this as `content_loss`:


# %%
def paper_content(F, P):  # Gatys et al. (2016), eq. 1
    return (F - P).square().sum() / 2


def content_error(F, P):  # departs from Gatys (2016), eq. 1: relative, where the paper has ½‖F − P‖²
    return (F - P).square().sum() / P.square().sum()


# %% [markdown]
# Two features, to be checked by head: the differences are 1 and 2, their squares 1 and 4:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import content_loss

F, P = torch.tensor([1.0, 3.0]), torch.tensor([2.0, 1.0])
print(f"the paper's sum {paper_content(F, P):.1f}, relative {content_error(F, P):.1f}")
close("content error", content_error(F, P), content_loss(F, P))

# %% [markdown]
# Half of 5 is 2.5, and 5 / (4 + 1) is 1: this $F$ is as wrong as an output of zeros would be. Now the network. In this
# notebook it pools by averages, as in the paper's pictures (section 2), because max pooling sends the gradient to only
# one of every four numbers, the largest:

# %%
from helpers.vgg import VGG

vgg = VGG(pool="avg")
photo = photo.to(vgg.device)
moved = moved.to(vgg.device)
blurred = blurred.to(vgg.device)
targets = vgg(photo, layers)
print(vgg)

# %% [markdown]
# Back to the two damaged copies. **Before you run it:** from which layer on is the moved one closer?

# %%
with torch.no_grad():
    features_moved = vgg(moved, layers)
    features_blurred = vgg(blurred, layers)
for name in layers:
    error_moved = content_error(features_moved[name], targets[name])
    error_blurred = content_error(features_blurred[name], targets[name])
    print(f"{name}: moved {error_moved:.3f}, blurred {error_blurred:.3f}")

# %% [markdown]
# At `relu1_1` the moved copy is the worse one, as with pixels, and at `relu2_1` the two are nearly equal. From `relu3_1` on
# the moved copy is closer, and in the last two layers the blurred one has an error that is eight times as large. Deep
# features care about *what* is there more than about exactly *where* it is.
#
# ## The gradient of the content loss
#
# **A feature that is on is pulled like a pixel; a feature that is off is not pulled at all.** Before the ReLU stands a
# number $Z$, and $F = \max(Z, 0)$. Where $Z > 0$, $F$ moves with $Z$, and the slope is that of a pixel. Where
# $Z < 0$, a small change of $Z$ leaves $F$ at 0, and the loss as it is. This is equation 2 (the paper writes $F$ for
# both):
#
# $$\frac{\partial \mathcal{L}_{\text{content}}}{\partial Z_{ij}} = \begin{cases} F_{ij} - P_{ij} & \text{if } Z_{ij} > 0 \\ 0 & \text{if } Z_{ij} < 0 \end{cases}$$
#
# Three features. **Before you run it:** the second is off, and should be 1. Which way is it pushed?

# %%
# NBVAL_CHECK_OUTPUT
Z = torch.tensor([2.0, -1.0, 3.0], requires_grad=True)
P = torch.tensor([1.0, 1.0, 3.0])
paper_content(Z.relu(), P).backward()
print(Z.grad)

# %% [markdown]
# It is not pushed at all: its gradient is zero, although it is wrong. Our relative error is the paper's sum times $2 /
# \lVert P \rVert^2$, a constant, so its gradient is multiplied by the same. By hand against autograd, with noise as the
# image, in the third block:

# %%
from helpers.images import noise


def content_gradient(Z, P):
    return 2 / P.square().sum() * (Z.relu() - P) * (Z > 0)


Z = vgg(noise(photo), ["conv3_1"])["conv3_1"].cpu().double().requires_grad_()
P = targets["relu3_1"].cpu().double()
content_error(Z.relu(), P).backward()
close("gradient at relu3_1", content_gradient(Z, P), Z.grad, tolerance=1e-12)

# %% [markdown]
# **From features to pixels, the chain rule adds up.** One pixel $x = 1$ feeds two features with weights 2 and -1:
# $Z = (2, -1)$, and $P = (1, 1)$. The first feature's slope is 1, the second's 0, because it is off. The pixel collects
# both, each times the weight with which it fed them: $2 \cdot 1 + (-1) \cdot 0 = 2$.

# %%
# NBVAL_CHECK_OUTPUT
x = torch.tensor(1.0, requires_grad=True)
paper_content((x * torch.tensor([2.0, -1.0])).relu(), torch.tensor([1.0, 1.0])).backward()
print(x.grad)

# %% [markdown]
# A convolution is this at every place: each pixel fed its neighbours with the weights of a small kernel, and collects
# with the same weights. That sum is called a transposed convolution. So we can write the whole way to the pixels for
# `relu1_1`. We go forward through the layers, and then back through each of them: the ReLU's mask, the transposed
# convolution, and the division by `std` from the normalisation.

# %%
from torch.nn.functional import conv2d, conv_transpose2d

conv, mean, std = vgg.layers["conv1_1"], vgg.mean.cpu().double(), vgg.std.cpu().double()
weight, bias = conv.weight.cpu().double(), conv.bias.cpu().double()
x = noise(photo).cpu().double().requires_grad_()
Z, P = conv2d((x - mean) / std, weight, bias, padding=1), targets["relu1_1"].cpu().double()
content_error(Z.relu(), P).backward()
by_hand = conv_transpose2d(content_gradient(Z, P), weight, padding=1) / std
close("gradient of every pixel", by_hand, x.grad, tolerance=1e-12)

# %% [markdown]
# Deeper layers repeat these rules, and average pooling adds one more, which is yours:
#
# **Exercise 2** · ●●○ · 10 min. Average pooling turns each square of 2 × 2 numbers into their mean. Given the slopes of
# the means, write the slopes of the numbers:


# %% tags=["spec"]
def unpool_spec(slopes):
    _, channels, height, width = slopes.shape
    numbers = torch.zeros(1, channels, 2 * height, 2 * width, requires_grad=True)
    torch.nn.functional.avg_pool2d(numbers, 2).backward(slopes)
    return numbers.grad


# %% tags=["exercise"]
def my_unpool(slopes):
    """Slopes of the means (1, C, h, w) -> slopes of the numbers before average pooling (1, C, 2h, 2w), without autograd."""
    # solution
    return slopes.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3) / 4


# %% tags=["check"]
from helpers.check import check

check(my_unpool, unpool_spec, (1, 2, 3, 4));

# %% [markdown]
# <details><summary>Hint</summary>
#
# The mean is $(a + b + c + d) / 4$. By how much does it change when $a$ grows by one?
#
# </details>
#
# <!-- solution: my_unpool -->
#
# **Exercise 3** · ●●● · 20 min. Write the collecting yourself, with an ordinary `conv2d`: which features does a pixel
# hear from, and with which of the nine weights?


# %% tags=["spec"]
def collect_spec(slopes, weight):
    pixels = torch.zeros(1, weight.shape[1], *slopes.shape[2:], requires_grad=True)
    torch.nn.functional.conv2d(pixels, weight, padding=1).backward(slopes)
    return pixels.grad


# %% tags=["exercise"]
def my_collect(slopes, weight):
    """Slopes of features (1, C, H, W), kernels (C, 3, 3, 3) -> slopes of pixels (1, 3, H, W), by conv2d alone."""
    # solution
    turned = weight.flip(2, 3).transpose(0, 1)
    return torch.nn.functional.conv2d(slopes, turned, padding=1)


# %% tags=["check"]
check(my_collect, collect_spec, (1, 4, 5, 6), (4, 3, 3, 3));

# %% [markdown]
# <details><summary>Hint</summary>
#
# A feature reads the pixel at its left with the left weight. Seen from that pixel, the feature lies at the right: give
# the kernel half a turn. What was input is output now: swap the first two axes of `weight`.
#
# </details>
#
# <!-- solution: my_collect -->
#
# ## From noise, by descent
#
# **The loop from above works on features unchanged; only the gradient is new.** Autograd walks the rules for us. Our start
# is *quiet* noise, mid-grey with a fifth of the contrast of full noise, because full noise excites this network so
# strongly that much of the work would go into getting rid of it:


# %%
def error_at(layer, image):
    return content_error(vgg(image, [layer])[layer], targets[layer])


def quiet(seed):
    return 0.5 + 0.2 * (noise(photo, seed) - 0.5)


with torch.no_grad():
    print(f"full noise  {error_at('relu2_1', noise(photo, 0)):.2f}")
    print(f"quiet noise {error_at('relu2_1', quiet(0)):.2f}")

# %% [markdown]
# Now sixty steps towards `relu2_1`. The error is a ratio that all pixels share, so each pixel's slope is tiny, and the
# step is large:


# %%
def pixel_gradient(image, layer, history):
    image = image.clone().requires_grad_()
    error = error_at(layer, image)
    error.backward()
    history.append(error.item())
    return image.grad


plain = []
start = quiet(0)
descend(
    start, lambda image: pixel_gradient(image, "relu2_1", plain), step=300, steps=60
)
print(f"content error: {plain[0]:.2f} at the start, {plain[-1]:.3f} after {len(plain)}")

# %% [markdown]
# It works, and it crawls, because one step length has to serve all pixels. A longer step does not help: with 1,000 instead
# of 300, the error grows without end (try it). L-BFGS learns from its last gradients how the valley bends. Notebook 07
# opens it; today we only use it:

# %%
from helpers.show import plot
from helpers.transfer import optimise

lbfgs = optimise(start, lambda image: error_at("relu2_1", image), steps=60).history
plot({"plain descent": plain, "L-BFGS": lbfgs}, xlabel="evaluations",
     ylabel="content error at relu2_1",
     alt="Two falling curves: plain descent flattens out early, L-BFGS starts later, "
     "passes it and ends far below.")

# %% [markdown]
# L-BFGS spends its first evaluations on finding a step that fits, and one of these trials lands far above the start. Then
# it passes plain descent, and it ends about a hundred times lower.
#
# ## One photo from five depths
#
# **The same noise, the same loss, only the layer changes.** We add two things that the paper does not have. The first is a
# preference for smooth pictures: among images with nearly the right features we want the smoother one, so we add twice
# the *total variation*, the mean squared difference between neighbouring pixels (Mahendran and Vedaldi, 2015). Without it,
# coloured grain stays that the layer can hardly see. The second is `parametrize=pyramid`. It lets L-BFGS change large
# patches of the picture as well as single pixels, so that wide areas come right sooner; notebook 09 opens it.

# %%
from helpers.fast import pyramid
from helpers.images import as_saved
from helpers.losses import total_variation

smoothness = 2


def rebuild(layer, seed=0, evaluations=evaluations):
    def loss(image):
        # departs from Gatys et al. (2016): a prior for smooth pictures
        return error_at(layer, image) + smoothness * total_variation(image)

    return as_saved(optimise(quiet(seed), loss, evaluations, parametrize=pyramid).image)


# %% [markdown]
# **Before you run it:** what will be lost first on the way down: the colours, the windows, or the outline of
# the roofs?

# %% tags=["painting"]
rebuilt = {layer: rebuild(layer) for layer in layers}
show([photo, *rebuilt.values()], ["photo", *rebuilt], columns=3, height=232,
     alt="The photo and five copies: two that look the same, one a little softer, one "
     "with soft edges and a sky full of coloured dots, and one of wavy streaks, in which "
     "the tower, the gables and the river still stand where they were.")

# %% [markdown]
# This is the lower half of Figure 1 in the paper of 2015, with the same photo. From the first two blocks it comes back as
# it was, and at `relu3_1` only a close look finds the windows a little soft. At `relu4_1` every house still stands in its
# place, but edges are soft, some colours have drifted, and coloured dots fill the empty sky. At `relu5_1` the tower, the
# gables and the river bank are where they should be, drawn in wavy streaks. The windows have become guesses, and hardly
# any colour is right.
#
# Now in numbers. A row is a picture, the columns are the layers that look at it:

# %%
print("from      PSNR   seen by", *layers)
for layer, image in rebuilt.items():
    errors = [f"{error_at(name, image):.4f}" for name in layers]
    print(f"{layer} {psnr(image, photo):5.1f} dB        ", "  ".join(errors))

# %% [markdown]
# The PSNR falls with each block, at last nearly to that of an even grey card (13 dB). Read the last row from right to left:
# for `relu5_1` little is wrong with this picture, and for `relu1_1` most of it is. (These are squared errors, so 0.06 is
# a quarter in length.) From the diagonal to the right everything is small: what a layer has right, the deeper ones have
# nearly right too, because they compute from it. The next cell only stops you if your own run says otherwise:

# %%
quality = [psnr(image, photo) for image in rebuilt.values()]
assert quality == sorted(quality, reverse=True)
assert error_at("relu5_1", rebuilt["relu5_1"]) < 0.1
assert error_at("relu1_1", rebuilt["relu5_1"]) > 0.3

# %% [markdown]
# Browse the depths with one slider, and fade the copy into the photo with the other:

# %%
from ipywidgets import FloatSlider, SelectionSlider

from helpers.show import browse, heat


def compare(layer, fade):
    mix = fade * rebuilt[layer] + (1 - fade) * photo
    difference = heat((mix - photo).abs().mean(dim=(0, 1)), 0, 0.5)
    titles = ["photo", f"{layer}, {psnr(mix, photo):.0f} dB", "difference"]
    return show([photo, mix, difference], titles, height=232,
                alt=f"The photo, its copy from {layer}, and a map that is light where "
                "the two differ.")


depth = SelectionSlider(options=layers, value="relu4_1")
fade = FloatSlider(value=1, min=0, max=1, step=0.1)
browse(compare, layer=depth, fade=fade)

# %% [markdown]
# At `relu4_1` the two differ most along the edges of houses and windows. The dark water and the wall came back almost as
# they were, and the sky shows its dots.
#
# ## Why the copies are not the photo
#
# **Three things keep a copy from the photo.** The first is the budget. A content error of zero is possible at every
# layer, because the photo itself has it; we stop earlier:

# %%
runs = {}
for budget in (evaluations // 4, evaluations // 2):
    runs[budget] = rebuild("relu4_1", evaluations=budget)
runs[evaluations] = rebuilt["relu4_1"]
for budget, image in runs.items():
    error = error_at("relu4_1", image)
    decibels = psnr(image, photo)
    print(f"{budget} evaluations: content error {error:.4f}, {decibels:.1f} dB")

# %% [markdown]
# Each doubling takes away more than half of what is left. So this error says little about the layer; whoever waits longer
# comes nearer.
#
# The second is our preference for smooth pictures, because a photo is not smooth. Here is what the photo and its copy
# would pay for their total variation:

# %%
for name, image in (("photo", photo), ("copy from relu4_1", rebuilt["relu4_1"])):
    print(f"{name}: {smoothness * total_variation(image):.4f}")

# %% [markdown]
# The copy is smoother than the photo, as we asked. At the photo the content error is flat and the variation is not, so the
# sum of the two is smallest a little beside the photo. With our prior, the content error would not reach zero however
# long we wait.
#
# The third cannot be helped by patience: a layer cannot give back what it does not hold. Here are four pictures of 2 × 2,
# through a ReLU and an average pooling:

# %%
# NBVAL_CHECK_OUTPUT
four = [[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0], [0.5, 0.5, 0.5, 0.5], [2.0, -1.0, -3.0, 0.0]]
print(avg_pool2d(torch.tensor(four).view(4, 1, 2, 2).relu(), 2).flatten())

# %% [markdown]
# All four become 0.5, and nobody can say which picture went in. Now count, for the photo, how many numbers go in and
# come out:

# %%
print(f"{'pixels':8} {photo.numel():8} numbers")
for name, P in targets.items():
    share = P.numel() / photo.numel()
    zero = (P == 0).float().mean()
    print(f"{name:8} {P.numel():8} numbers, {share:5.2f} for each of the photo's, ", end="")
    print(f"{zero:.0%} zero")

# %% [markdown]
# `relu1_1` has 21 numbers for each one of the photo, and the photo returns. `relu5_1` has only two for every three, and
# about three quarters of those are zero, so there must be many pictures with the same features. But the count gives only
# a bound: `relu4_1` has 2.67 numbers for each of the photo's, and that would be enough if they were independent. They are
# not. Neighbouring places and related channels repeat each other, and half of the numbers are zero.
#
# **So many pictures share one set of features.** From other noise we arrive at another picture. How far apart are the
# two, for a screen and for the layer?

# %%
copy = rebuilt["relu5_1"]
other = rebuild("relu5_1", seed=1)
with torch.no_grad():
    features = vgg(copy, ["relu5_1"])["relu5_1"]
    features_other = vgg(other, ["relu5_1"])["relu5_1"]
apart = content_error(features_other, features)
print(f"in pixels {psnr(other, copy):.1f} dB, at relu5_1 an error of {apart:.4f}")
show([copy, other], ["relu5_1, seed 0", "relu5_1, seed 1"], height=300,
     alt="Two copies of the houses from relu5_1: the same tower, gables and river bank, "
     "in wavy streaks that differ wherever you look closely.")

# %% [markdown]
# They have the same tower, the same gables and the same river bank; but look closely, at a window or at the sky, and
# everything differs. For the layer they are about as near to each other as each of them is to the photo. That answers our
# question: the **content** of a photo at a layer is what all pictures with its features have in common. Deep down these are
# things and their places. What they leave free, the grain, the stroke, the colour of an edge, is room for a style.
#
# ## In this notebook we
#
# - walked downhill with one pixel, a picture, and features, by the same three lines;
# - derived the gradient of the content loss down to the pixels, and found it equal to autograd's;
# - rebuilt a photo from five depths, and saw why pixels stay wrong where features are right.
#
# **On your own.** Use `VGG()`, with max pooling, and run everything again: what happens to the PSNR? Set `smoothness` to 0
# and to 20. Start from `cup` instead of noise: what of it survives?
#
# **In practice.** Copies from deep layers improve with more evaluations and better priors. When you compare gradients,
# fit the tolerance to them: ours are tiny, and a test that allows 0.0001 would accept anything.
#
# **Further reading.** Gatys, Ecker and Bethge (CVPR 2016), section 2.1: equations 1 and 2; their Figure 1 rebuilds
# the photo from `conv1_2` to `conv5_2`. The Figure 1 of their first version (2015, arXiv 1508.06576) reads `conv1_1` to
# `conv5_1`. Mahendran and
# Vedaldi, *Understanding Deep Image Representations by Inverting Them* (CVPR 2015, arXiv 1412.0035): the relative error,
# the prior, and every layer of another network inverted.
#
# <!-- bottom -->
