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
# > **Time** 40 minutes; about 30 seconds of computing on a laptop.
# > **Came before** the network from inside; here we ask it to tell a photo back to us.
#
# ![Six pictures of an astronaut: the photo, three good copies from the first three blocks, one with coloured edges in which small things are lost, and one of wavy streaks without a face, in which collar and helmet still stand.](../data/results/02_content_depths.jpg)
#
# *The same photo, rebuilt from noise at five depths, first layer to last. Look at her face and at the patch on the
# suit: where do they stop being right, and what is still there?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Pixels of the photo's long side, and how often the optimiser may evaluate the loss for one picture:

# %% tags=["settings"]
import torch

size, evaluations = 144, 120
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
# it:** which of the steps 0.4, 1 and 2 arrives at once, and which never?

# %%
# NBVAL_CHECK_OUTPUT
for step in (0.4, 1.0, 2.0):
    x, path = 0.2, []
    for _ in range(4):
        x = x - step * (x - 0.7)
        path.append(round(x, 3))
    print("step", step, "visits", path)

# %% [markdown]
# With 1 it arrives at once; with 2 it jumps over the valley and back for ever.
#
# ## Downhill with a whole picture
#
# **A picture is many such pixels.** Their errors add up: $E = \tfrac12 \sum_i (x_i - t_i)^2$. Which terms change when
# pixel $i$ does? Only the $i$-th, so its slope is $x_i - t_i$ again, and the gradient of a picture is a picture:
# $x - t$. We start at a cup, aim at an astronaut, and compare our gradient with autograd's, in float64 so that rounding
# hides nothing:

# %%
from helpers.check import close
from helpers.images import load

photo = load("astronaut", size)
cup = load("coffee", size * 3 // 2)[..., :size, size // 4 : size // 4 + size]
start, aim = cup.double().requires_grad_(), photo.double()
((start - aim).square().sum() / 2).backward()
close("gradient of the pixel error", start - aim, start.grad, tolerance=1e-12)

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

moments = [descend(cup, lambda image: image - photo, step=0.3, steps=steps) for steps in (0, 1, 3, 10)]
show(moments, ["0 steps", "1 step", "3 steps", "10 steps"], height=200,
     alt="A cup of coffee fades into an astronaut: both at once after one and three steps, only the astronaut after ten.")

# %% [markdown]
# A cross-fade: after three steps, the rim of the cup is a ghost around her head. Every pixel walks straight to its own
# goal, and none knows its neighbours.
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
show([photo, moved, blurred], ["photo", "moved", "blurred"], height=200,
     alt="The astronaut three times: the photo, the same moved slightly to the right, and blurred until the face is empty.")

# %% [markdown]
# Pictures are usually compared by their **PSNR** in decibels, $-10 \log_{10}$ of the mean squared pixel error: 20 dB is
# one hundredth, 30 dB one thousandth, and more is better. **Before you run it:** which copy has more?


# %%
# NBVAL_CHECK_OUTPUT
def psnr(image, other):
    return -10 * (image - other).square().mean().log10().item()


print(f"moved {psnr(moved, photo):.1f} dB, blurred {psnr(blurred, photo):.1f} dB")

# %% [markdown]
# The blurred one, by about 3 dB, which is half the error; and it has no face. We want an error that forgives a small
# shift and not a lost face.
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
from helpers.transfer import content_loss

F, P = torch.tensor([1.0, 3.0]), torch.tensor([2.0, 1.0])
print(f"the paper's sum {paper_content(F, P):.1f}, relative {content_error(F, P):.1f}")
close("content error", content_error(F, P), content_loss(F, P))

# %% [markdown]
# Half of 5 is 2.5, and 5 / (4 + 1) is 1: this $F$ is no better than silence. Now the network. It pools by averages, as
# in the paper's pictures (section 2); through a maximum, only one number in four would be told what to change:

# %%
from helpers.vgg import VGG

vgg = VGG(pool="avg")
photo, moved, blurred = photo.to(vgg.device), moved.to(vgg.device), blurred.to(vgg.device)
targets = vgg(photo, layers)

# %% [markdown]
# Back to the two damaged copies. **Before you run it:** from which layer on is the moved one closer?

# %%
with torch.no_grad():
    of_moved, of_blurred = vgg(moved, layers), vgg(blurred, layers)
for name in layers:
    one, other = content_error(of_moved[name], targets[name]), content_error(of_blurred[name], targets[name])
    print(f"{name}: moved {one:.3f}, blurred {other:.3f}")

# %% [markdown]
# At `relu1_1` the moved copy is the worse one, as with pixels. At the last two it is right to a few per cent, and the
# blurred one is several times worse: deep features mind *what* is there more than exactly *where*.
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
# No way: the one that is off hears nothing. Our relative error is the paper's sum times $2 / \lVert P \rVert^2$, a
# constant, so its gradient is multiplied by the same. By hand against autograd, with noise as the image, in the third
# block:

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
# `relu1_1`: up as the network goes, and down by the ReLU's rule, the collecting, and the division by `std` from the
# normalisation:

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
# **The loop from above works on features unchanged; only the gradient is new.** Autograd walks the rules for us. Sixty
# steps from noise towards `relu2_1`; the error is a ratio, shared by all pixels, so slopes are tiny and the step is large:


# %%
def error_at(layer, image):
    return content_error(vgg(image, [layer])[layer], targets[layer])


def pixel_gradient(image, layer, history):
    image = image.clone().requires_grad_()
    error = error_at(layer, image)
    error.backward()
    history.append(error.item())
    return image.grad


slow, start = [], noise(photo, seed=0)
descend(start, lambda image: pixel_gradient(image, "relu2_1", slow), step=300, steps=60)
print(f"content error: {slow[0]:.2f} at the start, {slow[-1]:.3f} after {len(slow)} steps")

# %% [markdown]
# It works, and it crawls: one step length has to serve all pixels. L-BFGS learns from its last gradients how the valley
# bends. Notebook 07 opens it; today we only use it:

# %%
from helpers.show import plot
from helpers.transfer import optimise

fast = optimise(start, lambda image: error_at("relu2_1", image), steps=60).history
plot({"plain descent": slow, "L-BFGS": fast}, xlabel="evaluations", ylabel="content error at relu2_1",
     alt="Two falling curves: plain descent flattens out early, L-BFGS starts later, passes it and ends far below.")

# %% [markdown]
# L-BFGS spends its first evaluations on finding a step that fits; then it passes plain descent, and ends far below.
#
# ## One photo from five depths
#
# **The same noise, the same loss, only the layer changes.** One addition, which the paper does not have: of pictures with
# nearly the right features we prefer the smoother one, by a fifth of its *total variation*, the mean squared difference
# between neighbouring pixels (Mahendran and Vedaldi, 2015). Without it, grain stays that the layer cannot see:

# %%
from helpers.images import as_saved
from helpers.transfer import total_variation


def rebuild(layer, seed=0, evaluations=evaluations):
    def loss(image):
        # departs from Gatys et al. (2016): a prior for smooth pictures
        return error_at(layer, image) + 0.2 * total_variation(image)

    return as_saved(optimise(noise(photo, seed), loss, evaluations).image)


# %% [markdown]
# **Before you run it:** what will be lost first on the way down: the colours, the small patch on the suit, or the
# outline of the head?

# %% tags=["painting"]
rebuilt = {layer: rebuild(layer) for layer in layers}
show([photo, *rebuilt.values()], ["photo", *rebuilt],
     alt="The photo and five copies: three hard to tell apart, one with coloured edges and a distorted face, and one of "
     "wavy streaks without a face, which still hold the outline of head, collar and helmet.")

# %% [markdown]
# This is the upper half of the paper's Figure 1. From three blocks the photo comes back; only at `relu3_1` a close look
# finds her eyes and the patch a little soft. At `relu4_1` the small things go: eyes and smile, the stars of the flag.
# Coloured fringes run along the edges, but the suit is orange and the helmet black. At `relu5_1` a head, a collar, a
# rocket and a helmet stand where they should, drawn in wavy streaks; the face is gone, and colours stray.
#
# Now in numbers. A row is a picture, the columns are the layers that look at it:

# %%
print("from      PSNR   seen by", *layers)
for layer, image in rebuilt.items():
    errors = [f"{error_at(name, image):.4f}" for name in layers]
    print(f"{layer} {psnr(image, photo):5.1f} dB        ", "  ".join(errors))

# %% [markdown]
# The PSNR falls with each block, at last nearly to that of a grey card (10 dB). Read the last row from right to left: for
# `relu5_1` this picture is the photo, within a per cent; for `relu1_1` most of it is wrong. From the diagonal to
# the right everything is small: what a layer has right, all deeper ones have too, because they compute from it.

# %%
# NBVAL_CHECK_OUTPUT
quality = [psnr(image, photo) for image in rebuilt.values()]
print("1. the PSNR falls from block to block", quality == sorted(quality, reverse=True))
first, own = (error_at(layer, rebuilt["relu5_1"]).item() for layer in ("relu1_1", "relu5_1"))
print("2. from relu5_1, seen by relu5_1: error under 0.02", own < 0.02)
print("3. from relu5_1, seen by relu1_1: error over 0.3", first > 0.3)

# %% [markdown]
# Browse the depths with one slider, and fade the copy into the photo with the other:

# %%
from helpers.show import browse, heat
from ipywidgets import FloatSlider, SelectionSlider


def compare(layer, fade):
    mix = fade * rebuilt[layer] + (1 - fade) * photo
    difference = heat((mix - photo).abs().mean(dim=(0, 1)), 0, 0.5)
    return show([photo, mix, difference], ["photo", f"{layer}, {psnr(mix, photo):.0f} dB", "difference"], height=240,
                alt=f"The photo, its copy from {layer}, and a map that is light where the two differ.")


depth, fade = SelectionSlider(options=layers, value="relu4_1"), FloatSlider(value=1, min=0, max=1, step=0.1)
browse(compare, layer=depth, fade=fade)

# %% [markdown]
# At `relu4_1` they differ along edges and in small things; the wide surfaces came back, a little wavy.
#
# ## Why the error is not zero
#
# **Two errors are left, for two different reasons.** The first is the content error itself. It *can* be zero at every
# layer: the photo does it. What stops us before is the budget:

# %%
few, half = evaluations // 4, evaluations // 2
runs = {n: rebuild("relu4_1", evaluations=n) for n in (few, half)} | {evaluations: rebuilt["relu4_1"]}
for budget, image in runs.items():
    print(f"{budget} evaluations: content error {error_at('relu4_1', image):.4f}, {psnr(image, photo):.1f} dB")

# %% [markdown]
# Each doubling takes away more than half of what is left. A feature that is off by mistake slows it down, because it
# gets no push of its own, and so does smoothness, which pulls against the features.
#
# The second is the pixel error, and deep down no budget is enough: a layer cannot give back what it does not hold. Four
# pictures of 2 × 2, through a ReLU and an average pooling:

# %%
# NBVAL_CHECK_OUTPUT
four = [[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0], [0.5, 0.5, 0.5, 0.5], [2.0, -1.0, -3.0, 0.0]]
print(avg_pool2d(torch.tensor(four).view(4, 1, 2, 2).relu(), 2).flatten())

# %% [markdown]
# Four times 0.5: nobody can say which picture went in. Now count, for the photo, how many numbers go in and come out:

# %%
print(f"{'pixels':8} {photo.numel():7} numbers")
for name, P in targets.items():
    share, zero = P.numel() / photo.numel(), (P == 0).float().mean()
    print(f"{name:8} {P.numel():7} numbers, {share:.2f} of the pixels', {zero:.0%} of them zero")

# %% [markdown]
# `relu1_1` has several numbers for each one of the photo, and the photo returns. `relu5_1` has a fraction of what would
# be needed. And counting gives only a bound: numbers that repeat each other hold less.
#
# **So many pictures share one set of features.** From other noise we arrive at another one. How far apart are the two,
# for a screen and for the layer?

# %%
other = rebuild("relu4_1", seed=1)
with torch.no_grad():
    apart = content_error(vgg(other, ["relu4_1"])["relu4_1"], vgg(rebuilt["relu4_1"], ["relu4_1"])["relu4_1"])
print(f"in pixels {psnr(other, rebuilt['relu4_1']):.0f} dB, at relu4_1 an error of {apart:.4f}")
show([rebuilt["relu4_1"], other], ["relu4_1, seed 0", "relu4_1, seed 1"], height=288,
     alt="Two copies of the astronaut from relu4_1: the same outlines and surfaces, and edges and faces that differ in "
     "their details.")

# %% [markdown]
# The same head, collar and rocket; look closely, and the face and the streaks differ. For the layer they are one picture,
# within a per cent. That answers our question: the **content** of a photo at a layer is what all pictures with its
# features have in common. Deep down these are things and their places, and what they leave free, grain, stroke, the
# colour of an edge, is room for a style.
#
# ## In this notebook we
#
# - walked downhill with one pixel, a picture, and features, by the same three lines;
# - derived the gradient of the content loss down to the pixels, and found it equal to autograd's;
# - rebuilt a photo from five depths, and saw why pixels stay wrong where features are right.
#
# **On your own.** Use `VGG()`, with max pooling, and run everything again: what happens to the PSNR? Set the weight of
# total variation to 0 and to 1. Start from `cup` instead of noise: what of it survives?
#
# **In practice.** Copies from deep layers improve with a wider network, more evaluations and better priors. When you
# compare gradients, fit the tolerance to them: ours are tiny, and a test that allows 0.0001 would accept anything.
#
# **Further reading.** Gatys, Ecker and Bethge (CVPR 2016), section 2.1: equations 1 and 2, and Figure 1. Mahendran and
# Vedaldi, *Understanding Deep Image Representations by Inverting Them* (CVPR 2015, arXiv 1412.0035): the relative error,
# the prior, and every layer of another network inverted.
#
# <!-- bottom -->
