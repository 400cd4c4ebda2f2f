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
# > **The question** If you kept only what a network noticed in a photo, and threw the photo away, could you get the photo back?
# > **You will make** one photo rebuilt from noise five times, each time from a deeper layer, with a number for what was lost.
# > **You need** derivatives of squares, a little PyTorch, and the layer names of [notebook 01](01_inside_vgg19.ipynb).
# > **Time** about 80 minutes to read and run, and 70 minutes for the exercises; the computing in it takes about two minutes on a laptop.

# %% tags=["setup"]
# <<setup>>

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "02_content_depths.jpg", 960),
     alt="Left, a photo of gabled houses above a river. Right, the same view in five upright strips: the "
     "first three look like the photo; in the fourth the sky is full of coloured dots; in the fifth the "
     "sky is a mosaic, and the fronts of a pink and a yellow house are covered with wavy patterns.")

# %% [markdown]
# On the left is a photo of the old town of Tübingen. The picture on the right was not copied from it. It began as
# noise, and all that its maker knew about the photo were **features**, the numbers that a network called VGG19 computes
# when it looks at a picture. There are five upright strips, and each was made from the features of a deeper layer than
# the strip to its left. Three of them could pass for the photo, if the sky of the third were not a little too violet. In the
# fifth, the yellow house still stands where it stood, but somebody seems to have painted patterns on it, and its sky
# has turned into a mosaic. (Five pictures of 512 pixels,
# 20 to 100 steps each.)
#
# So a network forgets, and it does not forget everything at once. What it keeps to the end is what we will call the
# content of a photo. In this notebook you will write the program that did this, beginning with a single pixel.
#
# Here are the knobs: the name of the photo, the long side of the picture in pixels, and the long side of a small version
# for experiments that need many steps. The five layers are the first of each block of the network, and the number beside
# each is how much work we will spend on it. (All symbols of the series are in
# [one table](00_start_here.ipynb#Notation).)

# %% tags=["settings"]
import torch

name = "tubingen_neckarfront"
size = 256
small_size = 96
evaluations = {"relu1_1": 10, "relu2_1": 20, "relu3_1": 40, "relu4_1": 50, "relu5_1": 60}
layers = list(evaluations)

# %% [markdown]
# ## Downhill with one pixel
#
# A picture is more than a hundred thousand numbers, and we are going to change all of them at once. Let's first change
# one. A pixel has the value $x = 0.2$, which is dark grey, and it should be $t = 0.7$, a light grey. We measure how
# wrong it is by half the squared difference:
#
# $$E(x) = \tfrac12 (x - t)^2$$
#
# The half is there because it makes the slope pretty: the derivative of $E$ is $x - t$. Here it is $0.2 - 0.7 = -0.5$.
# A negative slope means that the error falls when $x$ grows, so we take a step *against* the slope. How long a step?
# That is our choice; the slope is multiplied by a **step size** $\eta$, here 0.4.
#
# We compute the slope by hand, and we let PyTorch find it. PyTorch remembers every operation on a tensor that was made
# with `requires_grad=True`, and `backward()` applies the chain rule to them from the last to the first. This is called
# [autograd](https://docs.pytorch.org/docs/stable/notes/autograd.html), for automatic gradient.

# %%
# NBVAL_CHECK_OUTPUT
x = 0.2
t = 0.7
slope = x - t

pixel = torch.tensor(x, requires_grad=True)
error = (pixel - t).square() / 2
error.backward()

print(f"slope by hand {slope:.1f}, by autograd {pixel.grad:.1f}")
print(f"after one step of size 0.4: {x - 0.4 * slope:.1f}")

# %% [markdown]
# Both slopes are −0.5. The pixel moves by 0.4 times 0.5, from 0.2 to 0.4, so it has gone two fifths of its way. Then we
# do the same again from where it stands now.
#
# **Your turn, before you run the next cell.** We try three step sizes: 0.4, 1 and 2. Which of them brings the pixel to
# 0.7 exactly, and which never does, however often you repeat the step?
#
# <details><summary>Compare</summary>
#
# A step changes the distance $d = x - t$ to $d - \eta d = (1 - \eta)\,d$. With $\eta = 1$ nothing is left of it, so the
# pixel arrives at once. With 0.4 it keeps 0.6 of the distance at each step: it comes as near as you like, but 0.6 times
# something is never zero, so strictly speaking it never arrives. With 2 the distance becomes $-d$. The pixel jumps
# across the valley to the same height on the other side, and back, for ever.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
paths = {}
for step in (0.4, 1.0, 2.0):
    x = 0.2
    path = [x]
    for _ in range(4):
        x = x - step * (x - t)
        path.append(x)
    paths[step] = path
    print(f"step size {step:.1f}:", "  ".join(f"{x:.3f}" for x in path))

# %% [markdown]
# Drawn as a ball in a valley, the same three walks look like this. The height of the curve is the error $E$, the dots
# are the places where the pixel stops, and the dotted line marks 0.7:

# %%
import matplotlib.pyplot as plt

from helpers.show import figure

fig, panels = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True)
valley = torch.linspace(0.1, 1.3, 100)
for panel, (step, path) in zip(panels, paths.items(), strict=True):
    stops = torch.tensor(path)
    panel.plot(valley, (valley - t).square() / 2, color="#bbbbbb", linewidth=2)
    panel.plot(stops, (stops - t).square() / 2, "o-", color="#b5432a", markersize=7)
    panel.annotate("start", (0.2, 0.125), xytext=(0.26, 0.138))
    panel.axvline(t, color="#555555", linestyle=":")
    panel.set(title=f"step size {step}", xlabel="value of the pixel, x")
panels[0].set_ylabel("error E(x)")
figure(fig, alt="Three drawings of one valley with its lowest point at 0.7: small steps that come nearer along "
       "the left slope, one step that lands on the lowest point, and jumps between two points of equal height.")

# %% [markdown]
# On the left, each step is shorter than the one before, because the valley gets flatter near its floor. In the middle,
# one step does it all. On the right, the two dots are joined by a level line: four steps, and no progress at all.
#
# **Exercise 1 · predict** · ●○○ · 10 minutes. Now two pixels share one error, and the second has a much steeper valley:
# $E = \tfrac12 (x_1 - t_1)^2 + \tfrac12 \cdot 9\,(x_2 - t_2)^2$. Both take the same step size, because there is only
# one. What share of its distance does each pixel have left after *two* steps of size 0.2? And of size 0.3? Write the
# four shares as numbers (1 means that nothing was gained, more than 1 that it got worse).

# %% tags=["spec", "folded"]
def walk(steepness, step):
    distance = 1.0
    for _ in range(2):
        distance = distance - step * steepness * distance
    return distance


def shares_spec():
    return {
        "pixel 1, size 0.2": walk(1, 0.2),
        "pixel 2, size 0.2": walk(9, 0.2),
        "pixel 1, size 0.3": walk(1, 0.3),
        "pixel 2, size 0.3": walk(9, 0.3),
    }


# %% tags=["exercise"]
def my_shares():
    """The share of the distance that is left after two steps, for each pixel and each step size."""
    # solution
    return {
        "pixel 1, size 0.2": 0.64,  # 0.8 times 0.8
        "pixel 2, size 0.2": 0.64,  # -0.8 times -0.8: it jumps across, and comes as near
        "pixel 1, size 0.3": 0.49,  # 0.7 times 0.7
        "pixel 2, size 0.3": 2.89,  # -1.7 times -1.7: it flies out of its valley
    }


# %% tags=["check"]
from helpers.check import check

check(my_shares, shares_spec);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The slope for the second pixel is $9\,(x_2 - t_2)$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# One step multiplies the first distance by $1 - \eta$ and the second by $1 - 9\eta$. Two steps multiply twice.
#
# </details>
#
# <!-- solution: my_shares -->
#
# Keep this little example in mind. The steep pixel comes nearer only if $1 - 9\eta$ stays between −1 and 1, so $\eta$ must be
# below 2/9, about 0.22, and the flat pixel has to live with that. A picture has steep and flat directions by the thousand, and in a while we will watch a descent crawl for this
# reason.
#
# ## Downhill with a whole picture
#
# A picture has many pixels, and the simplest error adds up what each of them has on its own:
# $E = \tfrac12 \sum_k (x_k - t_k)^2$. If only pixel $k$ changes, only one term of this sum changes. So its slope is
# $x_k - t_k$, as if it were alone. All the slopes together have the shape of the picture, and they are called the
# **gradient**: for every pixel, how much would the error change if this pixel became a little brighter?
#
# Let's compare this by hand and by autograd, with a cup of coffee as the picture that we have, and the houses as the one
# that we want. We do it in float64, numbers with 16 digits, so that rounding hides nothing.

# %%
from helpers.check import close

photo = load(name, size)  # (1, 3, 192, 256)
height, width = photo.shape[2:]
cup = load("coffee", size * 9 // 8)[..., :height, :width]

image = cup.double().requires_grad_()
error = (image - photo.double()).square().sum() / 2
error.backward()
close("gradient by hand and by autograd", image.detach() - photo.double(), image.grad, tolerance=1e-12)

# %% [markdown]
# Now let the whole picture walk. The next function is the heart of this series; everything that makes a picture in later
# notebooks is a refinement of its three lines. Note that `gradient` is itself a function: you give it an image, and it
# returns the gradient there.

# %%
def descend(image, gradient, step, steps):
    for _ in range(steps):
        image = image - step * gradient(image)
    return image


def pixel_gradient(image):
    return image - photo


# %% [markdown]
# **Your turn, before you run the next cell.** We go from the cup to the houses with a step size of 0.3. How much of the
# cup is left after three steps?
#
# <details><summary>Compare</summary>
#
# Every pixel keeps 0.7 of its distance at each step, and $0.7^3 = 0.343$. So a third of the cup is left, and two thirds
# of what you see is the houses. It is a cross-fade, as in a slide show.
#
# </details>

# %%
moments = []
for steps in (0, 1, 3, 10):
    moments.append(descend(cup, pixel_gradient, step=0.3, steps=steps))
show(moments, ["the start", "after 1 step", "after 3 steps", "after 10 steps"], columns=2, height=300,
     alt="A cup of coffee fades into a row of houses on a river: after one step the cup is stronger, after "
     "three a pale ghost of it lies over the houses, after ten only the houses are there.")

# %% [markdown]
# After three steps the cup is a ghost among the houses. Every pixel walks straight to its own goal, and none of them
# knows its neighbours. No pixel has any idea of a cup or of a house.
#
# That becomes a problem as soon as we ask how *similar* two pictures are. Here are two damaged copies of the photo. One
# was moved two pixels to the right. The other was blurred: each pixel became the mean of the 9 × 9 pixels around it.

# %%
from torch.nn.functional import avg_pool2d

moved = photo.roll(2, dims=3)
blurred = avg_pool2d(photo, 9, stride=1, padding=4, count_include_pad=False)
show([moved, blurred], ["moved", "blurred"], height=300,
     alt="The houses twice: at left as sharp as the photo, at right blurred until no window can be counted.")

# %% [markdown]
# Engineers compare pictures by the **peak signal-to-noise ratio**, PSNR, in decibels. It is the mean squared
# pixel error in other clothes, $-10 \log_{10}$ of it: 20 dB is an error of one hundredth, 30 dB of one thousandth, and more
# is better.
#
# **Your turn, before you run the next cell.** Which of the two copies gets more decibels, and what in the formula
# makes it so?
#
# <details><summary>Compare</summary>
#
# The blurred one. Moving the picture puts bright walls where dark windows were, so each edge costs a large difference,
# and squaring makes large differences count even more. Blurring replaces every pixel by something in the middle, and
# such a compromise is never very wrong anywhere.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
def psnr(image, other):
    return -10 * (image - other).square().mean().log10().item()


print(f"moved {psnr(moved, photo):.1f} dB, blurred {psnr(blurred, photo):.1f} dB")

# %% [markdown]
# The blurred copy wins by almost 3 dB, which means that its error is about half as large. And yet nobody would say that
# it shows the houses better. We need an error that forgives a small shift, and does not forgive a lost window.
#
# ## The content loss
#
# The idea of Gatys, Ecker and Bethge ([CVPR
# 2016](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf),
# section 2.1) is to keep the formula and to change what goes in. We send both pictures through VGG19 and compare what
# comes out at one of its layers. Such a layer computes many maps of the picture, one for each pattern that it knows (an
# edge, a colour, a corner). A map is called a **channel**, and the numbers in the maps are the picture's features.
#
# Let $F$ be the features of our image, with one row for each channel and one column for each place. Let $P$ be the
# features of the photo at the same layer. Equation 1 of the paper is then our pixel error, with features instead of
# pixels:
#
# $$\mathcal{L}_{\text{content}} = \tfrac12 \sum_{i,k} (F_{ik} - P_{ik})^2$$
#
# In words: take every channel $i$ and every place $k$, square the difference, add everything up, and halve it.

# %%
def paper_content(F, P):  # Gatys et al. (2016), eq. 1
    return (F - P).square().sum() / 2


# %% [markdown]
# There is one thing to dislike about this sum. Is 5,000 a lot? It depends on how many features there are and how large
# they happen to be, and both change from layer to layer. So we divide by the size of the target itself, and get an error
# without a unit:
#
# $$e_{\text{content}} = \frac{\lVert F - P \rVert^2}{\lVert P \rVert^2}$$
#
# The bars mean the **norm**: $\lVert P \rVert^2$ is the sum of the squares of all numbers in $P$. An error of 0 is a
# perfect match, and an error of 1 is as wrong as features that are zero everywhere. Remember that it is squared, so
# 0.01 means that the features are off by a tenth of their norm.

# %%
def relative_error(actual, target):  # departs from Gatys et al. (2016), eq. 1: relative, without the half
    return (actual - target).square().sum() / target.square().sum().clamp_min(1e-12)


# %% [markdown]
# The `clamp_min` at the end is a guard: a target that is zero everywhere would make us divide by zero, and with it we
# divide by a tiny number instead.
#
# **Your turn, before you run the next cell.** Our image has the two features $F = (1, 3)$, and the photo has
# $P = (2, 1)$. Compute the paper's sum and our relative error in your head.
#
# <details><summary>Compare</summary>
#
# The differences are −1 and 2, and their squares are 1 and 4. Half of 5 is 2.5, the paper's sum. The target has
# $4 + 1 = 5$, so the relative error is $5 / 5 = 1$. This $F$ is as wrong as an output of zeros would be.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import content_loss

F = torch.tensor([1.0, 3.0])
P = torch.tensor([2.0, 1.0])
print(f"the paper's sum {paper_content(F, P):.1f}, relative error {relative_error(F, P):.1f}")
print(f"the helpers' content_loss {content_loss(F, P):.1f}")

# %% [markdown]
# The other notebooks import this as `content_loss` from `helpers.losses`. It is the same formula, with a check of the
# shapes around it, and we will use it from here on.
#
# Now the network. `VGG` gives us VGG19, a network with 16 convolutions that was
# [trained](https://arxiv.org/abs/1409.1556) to name what is in a photo. You ask it for layers by name and get their
# features. The argument `pool="avg"` chooses how it shrinks its maps between the blocks; the next section explains it.

# %%
from helpers.vgg import VGG

vgg = VGG(pool="avg")
photo = photo.to(vgg.device)
cup = cup.to(vgg.device)
moved = moved.to(vgg.device)
blurred = blurred.to(vgg.device)
targets = vgg(photo, layers)
for layer, P in targets.items():
    print(layer, tuple(P.shape))  # (1, C, h, w)

# %% [markdown]
# Read the second line as *one picture, 128 channels, 96 × 128 places*. The deeper the layer, the more patterns it
# knows, and the fewer places it distinguishes.
#
# **Your turn, before you run the next cell.** Pixels prefer the blurred copy to the moved one. Which of the five layers
# will prefer the moved copy?
#
# <details><summary>Compare</summary>
#
# The first layer looks at 3 × 3 pixels, so for it a wall that moved by two pixels is a wall somewhere else, and it
# sides with the pixels. A number of the fifth layer sees a square of 156 pixels ([notebook 01](01_inside_vgg19.ipynb)).
# A shift by two of them hardly matters there, and missing windows do. A good guess for the change is `relu3_1`, the
# first layer whose places stand for 4 × 4 pixels of the photo, which is more than the shift. (With `roll(1)` or
# `roll(4)` in the cell above you can see whether the change moves.)
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    features_moved = vgg(moved, layers)
    features_blurred = vgg(blurred, layers)
for layer, P in targets.items():
    error_moved = content_loss(features_moved[layer], P)
    error_blurred = content_loss(features_blurred[layer], P)
    print(f"{layer}: moved {error_moved:.3f}, blurred {error_blurred:.3f}")

# %% [markdown]
# At `relu1_1` the moved copy is the worse one, as it was for the pixels. At `relu2_1` the two are nearly equal. From
# `relu3_1` on the moved copy is the better one, and in the last two layers the blurred copy has an error that is about
# eight times as large. So this is the error that we were looking for. Deep features care more about *what* is there
# than about exactly *where* it is, and now we would like to push a picture towards them.
#
# ## From the loss back to the pixels
#
# To walk downhill we need a gradient for the pixels, and between the loss and the pixels lie the layers of the network.
# Let's go back through them one at a time. There are only three kinds, and each can be done by hand.
#
# ### The ReLU
#
# A layer first computes a number $Z$, which may be negative, and then a
# [ReLU](https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html) replaces negative numbers by zero: $F = \max(Z,
# 0)$. If $Z$ is positive, $F$ moves with it, and the slope is that of a pixel, $F - P$. If $Z$ is negative, a small
# change of $Z$ leaves $F$ at zero and the loss as it is, so the slope is zero. That is equation 2 of the paper (which
# writes $F$ for both numbers):
#
# $$\frac{\partial \mathcal{L}_{\text{content}}}{\partial Z_{ik}} = \begin{cases} F_{ik} - P_{ik} & \text{if } Z_{ik} > 0 \\ 0 & \text{if } Z_{ik} < 0 \end{cases}$$
#
# **Your turn, before you run the next cell.** Take $Z = (2, -1, 3)$ and $P = (1, 1, 3)$. The second feature is off, and
# it should be 1. Which way will the gradient push it?
#
# <details><summary>Compare</summary>
#
# It cannot push it at all: its gradient is zero, so no step will wake it directly. The first feature is too large by 1,
# so its slope is 1. The third is right, so its slope is 0.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
Z = torch.tensor([2.0, -1.0, 3.0], requires_grad=True)
P = torch.tensor([1.0, 1.0, 3.0])
paper_content(Z.relu(), P).backward()
print(Z.grad)

# %% [markdown]
# The second feature is as wrong as the first, and nothing pulls it back. A ReLU that is off for *every* image is called
# **dead**. This one is only off for this image, and there is hope: the same pixels feed many other features, and when
# these change the pixels, it may wake up along the way.
#
# Our relative error is the paper's sum times $2 / \lVert P \rVert^2$. That is a constant, so the gradient is multiplied
# by the same constant. In code, the two cases of the formula become a multiplication by `(Z > 0)`, which is 1 where a
# feature is on and 0 where it is off. We compare with autograd at `relu3_1`, starting from noise:

# %%
from helpers.images import noise


def content_gradient(Z, P):
    return 2 / P.square().sum() * (Z.relu() - P) * (Z > 0)


Z = vgg(noise(photo), "conv3_1")["conv3_1"].cpu().double().requires_grad_()
P = targets["relu3_1"].cpu().double()
error = relative_error(Z.relu(), P)
error.backward()
close("gradient at relu3_1", content_gradient(Z, P), Z.grad, tolerance=1e-12)

# %% [markdown]
# ### The convolution
#
# How does a slope get from the features to a pixel? Take one pixel, $x = 1$, that feeds two features
# with the weights 2 and −1, so $Z = (2, -1)$. If both should be $P = (1, 1)$, the first has the slope 1, and the second,
# which is off, has 0. When the pixel grows a little, the first feature grows twice as much. So the pixel collects each
# slope times the weight with which it fed that feature: $2 \cdot 1 + (-1) \cdot 0 = 2$.

# %%
# NBVAL_CHECK_OUTPUT
x = torch.tensor(1.0, requires_grad=True)
weights = torch.tensor([2.0, -1.0])
Z = x * weights
paper_content(Z.relu(), torch.tensor([1.0, 1.0])).backward()
print(x.grad)

# %% [markdown]
# A convolution does this at every place. On the way forward, a pixel is multiplied by the weights of a small kernel and
# handed to its neighbours. On the way back it collects the slopes from the same neighbours, with the same weights. This
# collecting has a name of its own, the **transposed convolution**, and PyTorch has it as
# [conv_transpose2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html).
#
# That is enough to compute the gradient of every pixel by hand for `relu1_1`. Forward through the layers we have a
# normalisation (subtract a mean, divide by a standard deviation), a convolution and a ReLU. Then we go back through
# each of them: the ReLU's mask, the transposed convolution, the division by the standard deviation.

# %%
from torch.nn.functional import conv2d, conv_transpose2d

weight = vgg.layers["conv1_1"].weight.cpu().double()  # (64, 3, 3, 3)
bias = vgg.layers["conv1_1"].bias.cpu().double()  # (64,)
mean = vgg.mean.cpu().double()  # (1, 3, 1, 1)
std = vgg.std.cpu().double()

image = noise(photo).cpu().double().requires_grad_()
Z = conv2d((image - mean) / std, weight, bias, padding=1)  # (1, 64, 192, 256)
P = targets["relu1_1"].cpu().double()
error = relative_error(Z.relu(), P)
error.backward()

slopes = content_gradient(Z, P)  # (1, 64, 192, 256)
by_hand = conv_transpose2d(slopes, weight, padding=1) / std  # (1, 3, 192, 256)
close("gradient of every pixel", by_hand, image.grad, tolerance=1e-12)
print(f"an error of {error:.2f}; {by_hand.numel()} slopes, with a mean size of {by_hand.abs().mean():.1e}")

# %% [markdown]
# All 147,456 slopes agree with autograd's. (They are so small because so many pixels share one error of 1.8.) From now on we may let autograd do this work, and we know what it does.
#
# **Exercise 2 · diagnose** · ●●○ · 10 minutes. Four people wrote the gradient of $\tfrac12\lVert F - P \rVert^2$ with
# respect to $Z$. Three of them are wrong, and all four agree on many inputs. Find an input that exposes every wrong
# one: choose two numbers for $Z$ and two features of a photo for $P$, and say who is right. Return two tensors, such as
# `torch.tensor([1.0, -2.0])`, and a name in quotes.

# %% tags=["spec"]
def ada(Z, P):
    return Z.relu() - P


def ben(Z, P):
    return (Z.relu() - P) * (P > 0)


def cleo(Z, P):
    return (Z - P) * (Z > 0)


def dan(Z, P):
    return (Z.relu() - P).abs() * (Z > 0)


def fault(answer):
    Z, P, who = answer
    Z = torch.as_tensor(Z).float()
    P = torch.as_tensor(P).float()
    who = str(who).lower()
    if Z.shape != (2,) or P.shape != (2,):
        return "Z and P should hold two numbers each"
    if (P < 0).any() or (Z == 0).any():
        return "features are never negative; and keep away from Z = 0, where there is no slope"
    Z = Z.clone().requires_grad_()
    ((Z.relu() - P).square().sum() / 2).backward()
    agreeing = [f.__name__ for f in (ada, ben, cleo, dan) if torch.allclose(f(Z, P), Z.grad)]
    if len(agreeing) > 1:
        return f"on this input, autograd agrees with {' and '.join(agreeing)}"
    return "" if [who] == agreeing else f"{who} is not the one"


# %% tags=["exercise"]
def my_trap():
    """Two numbers Z, two features P of a photo, and the name of the one whose gradient is right."""
    # solution
    Z = torch.tensor([-1.0, 1.0])  # the first is off, the second is on
    P = torch.tensor([1.0, 2.0])  # the first should be on, the second should be larger
    return Z, P, "cleo"


# %% tags=["check"]
from helpers.check import judge

judge(my_trap, fault);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# One of the two features has to be off. What must its target be, so that somebody pushes it who should not?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Dan takes an absolute value. That goes unnoticed unless a feature that is on is too small. And where a feature is on,
# is there any difference between $Z$ and $\max(Z, 0)$?
#
# </details>
#
# <!-- solution: my_trap -->
#
# **Exercise 3 · build** · ●●● · 25 minutes. The transposed convolution can be done with an ordinary
# [conv2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html), if you give it the right kernel.
# Write it: ask yourself which features one pixel has fed, and with which of the nine weights it fed each.

# %% tags=["spec"]
def collect_spec(slopes, weight):
    pixels = torch.zeros(1, weight.shape[1], *slopes.shape[2:], requires_grad=True)
    torch.nn.functional.conv2d(pixels, weight, padding=1).backward(slopes)
    return pixels.grad


# %% tags=["exercise"]
def my_collect(slopes, weight):
    """Slopes of features (1, C, H, W) and kernels (C, 3, 3, 3) -> slopes of pixels (1, 3, H, W), by conv2d."""
    # solution
    turned = weight.flip(2, 3)  # half a turn
    swapped = turned.transpose(0, 1)  # (3, C, 3, 3): features go in, pixels come out
    return torch.nn.functional.conv2d(slopes, swapped, padding=1)


# %% tags=["check"]
from helpers.check import check, each

check(my_collect, collect_spec, each((1, 4, 5, 6), (1, 2, 7, 4)), each((4, 3, 3, 3), (2, 3, 3, 3)),
      without=("autograd", "conv_transpose2d", "loops"));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Draw a row of five pixels and a kernel of three weights. Which weight connects the middle pixel with the feature at its
# right?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The feature at the right of a pixel reads that pixel with its *left* weight. So seen from the pixel, the kernel is
# turned by 180 degrees; look at `Tensor.flip`. And what was input is output now, so the first two axes of `weight`
# change places.
#
# </details>
#
# <!-- solution: my_collect -->
#
# ### The pooling
#
# Between its blocks, VGG shrinks the maps by half, and there are two ways to make one number out of four: take the
# largest ([max pooling](https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html)), or take the mean ([average
# pooling](https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html)). For the way back this makes a great
# difference. Here are eight numbers, two groups of four. We add up what comes out of the pooling, and ask autograd how
# much each of the eight numbers mattered.
#
# **Your turn, before you run the next cell.** The left group is 1, 2, 4, 3 and the right group is 0, 3, 1, 2. Which of
# the eight get a gradient from max pooling, and how much do they get from average pooling?
#
# <details><summary>Compare</summary>
#
# Max pooling hands on the 4 and the right-hand 3, and a small change of any other number changes nothing. So these two
# get a gradient of 1, and six get none. A mean of four moves by a quarter when one of them moves by one, so average
# pooling gives 0.25 to all eight.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import max_pool2d

for pool in (max_pool2d, avg_pool2d):
    numbers = torch.tensor([[[[1.0, 2.0, 0.0, 3.0],
                              [4.0, 3.0, 1.0, 2.0]]]], requires_grad=True)  # (1, 1, 2, 4)
    pool(numbers, 2).sum().backward()
    print(pool.__name__)
    print(numbers.grad[0, 0])

# %% [markdown]
# Max pooling sends the gradient to only one of every four numbers, the largest. Average pooling shares it among all four.
#
# What does this do to a picture? We start at almost even grey with a little noise in it, ask how each pixel should
# change to bring `relu3_1` nearer to the photo, and draw the answer: red pixels should become darker, blue ones
# brighter. The printed number says how much two neighbouring pixels agree about it. It is the mean product of a slope and
# its neighbour's, divided by the mean square of the slopes: 1 means always, and 0 means not more than by chance.

# %%
from helpers.show import heat


def quiet(like, seed):
    return 0.5 + 0.2 * (noise(like, seed) - 0.5)


maps = []
for network in (VGG(pool="max"), vgg):
    image = quiet(photo, seed=0).requires_grad_()
    with torch.no_grad():
        P = network(photo, "relu3_1")["relu3_1"]  # (1, 256, 48, 64)
    F = network(image, "relu3_1")["relu3_1"]
    content_loss(F, P).backward()
    slopes = image.grad[0].mean(dim=0)  # (192, 256): the mean of red, green and blue
    houses = slopes[24:120, 128:]  # the tower and the houses at its right
    maps.append(heat(houses, -3 * slopes.std(), 3 * slopes.std(), "RdBu_r"))
    agreement = (slopes[:, 1:] * slopes[:, :-1]).mean() / slopes.square().mean()
    print(f"{network.pool} pooling: neighbours agree {agreement:.2f}")
show(maps, ["through max pooling", "through average pooling"], height=352,
     alt="Two maps of red and blue on white, in which the row of houses can be made out: at left fine "
     "speckle of single pixels, at right larger blobs and strokes, also in the sky.")

# %% [markdown]
# The piece that we cut out shows the tower (upper left) and the house fronts, and you can just make them out. On the left
# the map is a speckle of single pixels. On the right the spots are larger, and neighbours agree more often. Max pooling sends the
# slope of each channel to the winner alone, and which of four wins changes from channel to channel and from place to
# place. Average pooling spreads every slope evenly. (All pixels get *some* gradient in both cases, because there are many
# channels and the convolutions mix them. It is only more ragged with max pooling.) Both maps put something into the
# empty sky, because there the noise of the start has to go.
#
# Which one should we take? The authors of the method
# [write](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# (section 2) that average pooling gave them slightly more appealing results, and for rebuilding a photo pixel by pixel
# a smoother gradient is welcome. So this notebook takes `pool="avg"`. Elsewhere in the series
# you will see plain `VGG()`, which takes the maximum: that is how the network was trained, and what [PyTorch's
# tutorial](https://docs.pytorch.org/tutorials/advanced/neural_style_tutorial.html) and
# [neural-style](https://github.com/jcjohnson/neural-style) use unless you ask otherwise. Exercise 5 lets you compare
# the two.
#
# This is a good place for a break, or for the end of a first lesson.
#
# ## From noise, downhill
#
# Everything is ready. The loop from above works on features unchanged; only the gradient is another one, and autograd
# computes it. We try it on a small version of the photo first, cut to 96 × 64 so that all four poolings halve it evenly.
#
# The start is the quiet noise of the last cell: an even grey picture with a fifth of the contrast of full noise. Full
# noise excites this network so strongly that much of the work would go into getting rid of it:

# %%
small = load(name, small_size).to(vgg.device)[..., 4:68, :]  # (1, 3, 64, 96)
small_targets = vgg(small, layers)


def error_at(layer, image, targets):
    return content_loss(vgg(image, layer)[layer], targets[layer])


with torch.no_grad():
    print(f"full noise:  {error_at('relu2_1', noise(small), small_targets):.2f}")
    print(f"quiet noise: {error_at('relu2_1', quiet(small, seed=0), small_targets):.2f}")

# %% [markdown]
# By our measure, full noise is further from the photo than features of zero would be, whose error is 1. Quiet noise is a
# little nearer than that, so that is where we begin.
#
# Now sixty steps towards `relu2_1`, for three step sizes. The error is a ratio that all pixels share, so each pixel's
# own slope is tiny, and the step size has to be large to make up for it.

# %%
def feature_gradient(image):
    image = image.clone().requires_grad_()
    error = error_at("relu2_1", image, small_targets)
    error.backward()
    errors.append(error.item())
    return image.grad


histories = {}
for step in (20, 60, 150):
    errors = []  # feature_gradient writes them down here
    descend(quiet(small, seed=0), feature_gradient, step, steps=60)
    histories[step] = errors
    print(f"step size {step:3}: error {errors[0]:.2f} at the start, {errors[-1]:.2g} at step 60")

# %% [markdown]
# With a step size of 60 it works, and then it crawls: after sixty steps the error is still 0.024. A smaller step is
# slower still, and a larger one does not help at all, because with 150 the error explodes (5.2e+11 is a 5 with eleven
# digits behind it). You know why from exercise 1. Some directions of this valley are steep, most are flat, and one step
# size has to serve them all.
#
# There are methods that learn from their last gradients how the valley bends, and choose their steps accordingly.
# **L-BFGS** is the one that the paper uses. [Notebook 07](07_painting_with_lbfgs.ipynb) opens it; today we only call
# it, through `optimise` of the helpers. We count **evaluations**: one evaluation is one trip of the image through the
# network and back, and that is what costs time.

# %%
from helpers.show import plot
from helpers.transfer import optimise


def loss(image):
    return error_at("relu2_1", image, small_targets)


result = optimise(quiet(small, seed=0), loss, steps=60)
print(f"content error: {min(result.history):.5f} after {len(result.history)} evaluations")
curves = {"plain descent, step size 60": histories[60], "L-BFGS": result.history}
plot(curves, xlabel="evaluations", ylabel="content error at relu2_1",
     alt="Two falling curves on a logarithmic scale: plain descent flattens out early, L-BFGS starts later, "
     "passes it and ends far below.")

# %% [markdown]
# The vertical axis is logarithmic: from one line to the next, the error changes by a factor of ten. L-BFGS spends its
# first evaluations on finding a step size that fits, and one of these trials lands above the start. At about the tenth
# evaluation it passes plain descent, and it ends more than a hundred times lower. For the same number of trips through
# the network, that is quite a difference.
#
# ## One photo from five depths
#
# Now we rebuild the photo from each of the five layers. The start is the same noise, and only the layer changes.
#
# We add three things that the paper does not have. The first is a preference for smooth pictures. Among all pictures
# with nearly the right features we want one without grain, so we add the **total variation** $V$, the mean squared
# difference between neighbouring pixels, with a weight $\gamma$ of 2 ([Mahendran and Vedaldi,
# 2015](https://arxiv.org/abs/1412.0035)). We will see soon what it costs. The second is `parametrize=pyramid`, which
# lets L-BFGS change large patches of the picture as well as single pixels, so that wide areas come right sooner
# ([notebook 09](09_bigger_pictures.ipynb) opens it). The third is `fast`, which makes a second copy of the network that
# computes with fewer digits, if your machine has units for that. It only paints: whatever we measure on a finished
# picture is measured by `vgg`, in full precision.

# %%
from helpers.fast import fast, pyramid
from helpers.images import as_saved
from helpers.losses import total_variation

painter = fast(VGG(pool="avg"))


def rebuild(network, layer, P, start, evaluations, tv_weight=2):
    errors = []

    def loss(image):
        F = network(image, layer)[layer]
        error = content_loss(F, P)
        errors.append(error.item())
        # departs from Gatys et al. (2016), eq. 1: a preference for smooth pictures
        return error + tv_weight * total_variation(image)

    result = optimise(start, loss, evaluations, parametrize=pyramid)
    return as_saved(result.image), errors


# %% [markdown]
# `as_saved` rounds the picture to the 256 levels of a file, so that we judge what you would really get. The deeper a
# layer, the more evaluations it gets; whatever the deep layers lose, they will not lose it because they were treated
# worse.

# %% tags=["painting"]
rebuilt = {}
start = quiet(photo, seed=0)
for layer in layers[:4]:
    rebuilt[layer], _ = rebuild(painter, layer, targets[layer], start, evaluations[layer])

even_grey = torch.full_like(photo, 0.5)
print(f"an even grey picture: {psnr(even_grey, photo):.1f} dB")

# %% [markdown]
# The deepest layer takes about as long as the other four together, because it gets the most evaluations, and in each of them
# the image has to travel through most of the network and back.
#
# **Your turn, before you run the next cell.** An even grey picture has a PSNR of 13.2 dB with this photo. Will the copy
# from `relu5_1` be nearer to the photo than that, pixel by pixel? Before you answer, think of what made the blurred
# copy win.
#
# <details><summary>Compare</summary>
#
# It will be nearer, but only just: about 15 dB. Two decibels more mean that its mean squared error is about two thirds
# of the grey picture's. This copy is full of contrast, and contrast in the wrong place is expensive, as it was for the
# moved picture. The grey one is a coward's choice that is never very wrong. You will see in a moment which of the two
# you would rather have.
#
# </details>

# %% tags=["painting"]
layer = layers[4]
rebuilt[layer], _ = rebuild(painter, layer, targets[layer], start, evaluations[layer])

titles = ["the photo"]
for layer, image in rebuilt.items():
    titles.append(f"{layer}: {psnr(image, photo):.1f} dB")
show([photo, *rebuilt.values()], titles, columns=3, height=234,
     alt="The photo and five copies: two that look the same, one a little softer, one with soft edges and a "
     "sky full of coloured dots, and one of wavy streaks, in which the tower, the gables and the river "
     "still stand where they were.")

# %% [markdown]
# Take your time with this one. From `relu1_1` and `relu2_1` the photo comes back as it was; you would have to enlarge
# it to find a difference. From `relu3_1` it is still sharp, and only a fine grain lies over the sky. From `relu4_1`
# every house stands in its place, but the edges are soft, the pink house has turned lilac, and green and violet dots
# fill the sky. From `relu5_1` you can point at the tower, at each gable and at the top of the wall, and yet nothing is
# drawn the way it was. The windows have become wavy lines, the twigs are hatching, and the sky is made of grey flakes with coloured dots between them.
#
# The sky is where you notice it first, because there everything that is not even was invented. This experiment is as
# old as the method. It is the lower half of Figure 1 in the [first version of the
# paper](https://arxiv.org/abs/1508.06576) (2015), with the very same photo; the version of 2016 rebuilds from the
# second layer of each block, `conv1_2` to `conv5_2`.
#
# Now in numbers. A row is a picture, named after the layer that it was rebuilt from. A column is a layer that looks at
# this picture and says how far it is from the photo (its content error).

# %%
print("rebuilt from   ", "  ".join(layers))
with torch.no_grad():
    for layer, image in rebuilt.items():
        errors = [error_at(other, image, targets).item() for other in layers]
        print(f"{layer}           ", "     ".join(f"{error:.3f}" for error in errors))

# %% [markdown]
# Read the last row from right to left. For `relu5_1` hardly anything is wrong with this picture, for `relu4_1` a good
# deal is, and for the first three layers it is about as far from the photo as features of zero would be. So a layer
# that is satisfied says nothing about the layers *before* it. Now look at the upper rows, from the diagonal to the
# right. There everything is small: what one layer has right, the deeper ones have nearly right too, because they
# compute their features from nothing else.
#
# In a live notebook you can choose the layer from the list, and fade from the photo to its copy with the slider.

# %%
from ipywidgets import FloatSlider, SelectionSlider

from helpers.show import browse


def compare(layer, fade):
    mix = fade * rebuilt[layer] + (1 - fade) * photo
    difference = heat((mix - photo).abs().mean(dim=(0, 1)), 0, 0.5)
    titles = ["the photo", f"{layer}: {psnr(mix, photo):.0f} dB", "difference"]
    return show([photo, mix, difference], titles, height=234,
                alt=f"The photo, its copy from {layer}, and a map that is bright where the two differ.")


depth = SelectionSlider(options=layers, value="relu4_1")
fade = FloatSlider(value=1, min=0, max=1, step=0.1)
browse(compare, layer=depth, fade=fade)

# %% [markdown]
# The map at the right is bright where the copy and the photo differ. For `relu4_1` it draws every edge of every house,
# as if somebody had traced them, because the copy's edges are softer, or stand a little beside their places. The dark water
# and the even parts of the wall are right, and in the sky you can see the dots.
#
# ## Why it stops: two reasons
#
# Why is the copy not the photo? There are two quite different reasons, and it is worth keeping them apart. Perhaps the
# photo could have been reached, and *we* stopped on the way. Or the layer itself cannot tell the photo from other
# pictures, and then nobody could have reached it. We take the first reason first.
#
# ### We stop too early
#
# The photo has a content error of exactly zero at every layer, so zero is possible. How near one comes is a matter of
# the **budget**, the number of evaluations that one is willing to pay for. We take the small photo and `relu4_1`,
# switch our preference for smooth pictures off, and watch a single long run at five moments:

# %% tags=["painting"]
start = quiet(small, seed=0)
P = small_targets["relu4_1"]
grainy, errors_grainy = rebuild(painter, "relu4_1", P, start, evaluations=200, tv_weight=0)
for budget in (12, 25, 50, 100, 200):
    print(f"after {budget:3} evaluations: content error {min(errors_grainy[:budget]):.4f}")

# %% [markdown]
# Each time we doubled the budget, the error fell to about a quarter, and there is no sign that it would stop. So an
# error such as 0.008 tells you how long somebody was willing to wait, and little about the layer. Whoever waits longer
# comes nearer, at least in features.
#
# There is a second way in which *we* keep the copy from the photo, and that is our preference for smooth pictures.
#
# **Your turn, before you run the next cell.** We switch the preference for smooth pictures back on, with its weight of
# 2, and start at the photo itself, where the content error is already zero. Will the picture stay there?
#
# <details><summary>Compare</summary>
#
# No. At the photo the content error is at the floor of its valley, so its slope there is zero. But the variation is not
# at its lowest, because a photo has edges and grain, so its slope is not zero. The sum of the two slopes points away
# from the photo, towards something smoother.
#
# </details>

# %% tags=["painting"]
smooth, errors_smooth = rebuild(painter, "relu4_1", P, start, evaluations=200)
leaving, errors_leaving = rebuild(painter, "relu4_1", P, small, evaluations=100)

pictures = {"the photo": small, "from noise": smooth, "from the photo": leaving}
with torch.no_grad():
    for title, image in pictures.items():
        content = error_at("relu4_1", image, small_targets)
        variation = 2 * total_variation(image)
        print(f"{title:15} content {content:.4f} + variation {variation:.4f} = {content + variation:.4f}")

# %% [markdown]
# The photo pays nothing for content and 0.0224 for its variation. The picture that came from noise pays less than half
# of that for both together. So the photo is not the best picture for this loss, and no budget in the world would lead
# us to it. Even the run that began at the photo has left it. Here are the content errors of all three runs:

# %%
curves = {
    "variation off, from noise": errors_grainy,
    "variation on, from noise": errors_smooth,
    "variation on, from the photo": [max(error, 1e-5) for error in errors_leaving],
}
plot(curves, xlabel="evaluations", ylabel="content error at relu4_1",
     alt="Three curves on a logarithmic scale: one falls on and on; one falls with it and then levels off; one "
     "starts far below, rises and levels off a little under the second.")

# %% [markdown]
# Without variation, the curve falls on and on. With it, the curve follows for a while and then levels off. The run from
# the photo leaves zero at once, and settles at 0.0013, not far below the other's 0.0018. (A logarithmic axis has no place
# for zero, so we draw it at 0.00001, which is also about as near as bfloat16 would come. The peak at the left is a trial
# of L-BFGS.) The lowest point of the valley has moved away from the photo, and that is what the preference costs. What
# do we get for it?

# %%
titles = []
for title, image in {"variation off": grainy, "variation on": smooth}.items():
    with torch.no_grad():
        error = error_at("relu4_1", image, small_targets)
    titles.append(f"{title}: {psnr(image, small):.1f} dB, content error {error:.4f}")
show([grainy, smooth], titles, height=316,
     alt="The houses rebuilt twice: at left covered with coloured grain, at right smooth, with softer edges.")

# %% [markdown]
# Measured on the saved pictures, the smooth copy has the *larger* content error of the two, and it is nearer to the photo by
# more than 2 dB. Both facts are true at once, because they are about different things. The left picture is full of grain
# that `relu4_1` can hardly see. The right one has been told something that the layer does not know, namely that photos
# are mostly smooth. And this brings us to the second reason.
#
# ### Many pictures share one set of features
# The second reason cannot be helped by any budget. Here are four tiny pictures of 2 × 2 numbers. We send each through a
# ReLU and an average pooling:

# %%
# NBVAL_CHECK_OUTPUT
four = torch.tensor([[[1.0, 0.0], [0.0, 1.0]],
                     [[0.0, 1.0], [1.0, 0.0]],
                     [[0.5, 0.5], [0.5, 0.5]],
                     [[2.0, -1.0], [-3.0, 0.0]]])  # (4, 2, 2)
print(avg_pool2d(four.relu(), 2).flatten())

# %% [markdown]
# All four come out as 0.5, and nobody can say which of them went in. What will a descent do in such a case? Let it tell
# us. We use the same `descend` on the mean of four numbers, which should become 0.5:

# %%
# NBVAL_CHECK_OUTPUT
def mean_gradient(numbers):  # of the error (mean - 0.5)² / 2
    return (numbers.mean() - 0.5) * torch.ones(4) / 4


start = torch.tensor([0.8, 0.0, 0.3, 0.1])
end = descend(start, mean_gradient, step=4, steps=3)
print("start", start, f"mean {start.mean():.2f}")
print("end  ", end, f"mean {end.mean():.2f}")

# %% [markdown]
# The mean is right, and every number rose by the same 0.2. The differences between the four are still exactly those of
# the start. That is no accident. The gradient only ever points in directions that the layer can see, and what the layer
# cannot see is never pushed, so it stays as the start had it. Keep this in mind for the experiment below. (There,
# `pyramid` moves neighbouring pixels together, so a part of what the layer cannot see may move along with the rest.)
#
# Does this happen in VGG19? Let's count. A picture of $3 \times 64 \times 96$ has 18,432 numbers to choose. How many
# numbers come out at each layer, for each of these, and how many of them are on? (A feature that is off stays off when
# the picture changes a little, so it says nothing about small changes.)

# %%
# NBVAL_CHECK_OUTPUT
print(f"the picture: {small.numel()} numbers")
for layer, P in small_targets.items():
    numbers = P.numel() / small.numel()
    on = (P > 0).float().mean()
    print(f"{layer}: {numbers:5.2f} for each of these, {numbers * on:5.2f} of them on")

# %% [markdown]
# Think of each feature that is on as an equation, and of each number of the picture as an unknown. At `relu1_1` there
# are 11 equations for every unknown, so it is no wonder that the photo returns. At `relu5_1` there are 0.19, which is
# one equation for every five unknowns. There *must* be many solutions, whatever the equations say. In between, counting
# does not decide: `relu4_1` has 1.33, which would be enough if no equation repeated what the others say already, and
# nobody promises that.
#
# Let's see such pictures. We go to `relu5_1` from two starts that could hardly differ more. One is quiet noise. The
# other is a double exposure: the photo with the cup of coffee laid over it. Variation is off, so nothing but the
# features counts.
#
# **Your turn, before you run the next cell.** When the features are right, what will be left of the cup? Use what the
# four numbers have taught you.
#
# <details><summary>Compare</summary>
#
# The descent removes whatever the layer can see of the cup: a large white thing in the place of the sky, for example.
# What the layer cannot see gets no gradient, so it stays. Some trace of the cup should be left, and you cannot know
# beforehand which.
#
# </details>

# %% tags=["painting"]
small_cup = load("coffee", small_size).to(vgg.device)[..., :64, :]
starts = {"noise": quiet(small, seed=0), "double exposure": 0.6 * small + 0.4 * small_cup}
P = small_targets["relu5_1"]
twins = {}
for title, start in starts.items():
    twins[title], _ = rebuild(painter, "relu5_1", P, start, evaluations=120, tv_weight=0)

with torch.no_grad():
    for title, start in starts.items():
        before = error_at("relu5_1", start, small_targets)
        after = error_at("relu5_1", twins[title], small_targets)
        print(f"{title}: content error {before:.3f} at the start, {after:.4f} at the end")
    nudged = error_at("relu5_1", small.roll(1, dims=3), small_targets)
    print(f"for comparison, the photo moved by one pixel: {nudged:.4f}")

# %% [markdown]
# So much for the layer. How far apart are the two for a screen?

# %%
grain = twins["noise"]
ghost = twins["double exposure"]
with torch.no_grad():
    features_grain = vgg(grain, "relu5_1")["relu5_1"]
    features_ghost = vgg(ghost, "relu5_1")["relu5_1"]
apart = content_loss(features_ghost, features_grain)
print(f"between the two: content error {apart:.4f}, PSNR {psnr(grain, ghost):.1f} dB")
show([small, starts["double exposure"], grain, ghost],
     ["the photo", "the double exposure", "from noise", "from the double exposure"], columns=2, height=316,
     alt="Four pictures: the photo; the photo with a cup laid over it; the houses made of coloured grain; and the "
     "houses with the rim of the cup still drawn in the sky.")

# %% [markdown]
# Move the photo by a single pixel, and you would never notice. For `relu5_1`, the two lower pictures are nearer to the
# photo than that: their errors are about 7 and 16 times smaller. And yet one is all coloured grain, and in the sky of
# the other you can still see the rim of the cup, and a bright end of the spoon beside the tower. They were in the start, the layer hardly sees what is
# left of them, and so hardly anything pushes it away. On a screen the two are far apart, with 16.3 dB; the blurred
# photo had 23 dB (at its larger size). For the layer they are as good as equal.
#
# **Exercise 4 · design** · ●●○ · 15 minutes. Make a twin yourself. Below is a tiny layer: it subtracts each pixel from
# its right-hand neighbour, applies a ReLU, and averages groups of 2 × 2. Given a picture of 4 × 5 grey pixels between 0
# and 1, return *another* picture between 0 and 1 with exactly the same features. It must work for the two
# pictures of the check, one with many greys and one in pure black and white.

# %% tags=["spec"]
def features_of(image):  # (1, 1, 4, 5) -> (1, 1, 2, 2)
    kernel = torch.tensor([[[[-1.0, 1.0]]]])
    Z = torch.nn.functional.conv2d(image, kernel)  # (1, 1, 4, 4)
    return torch.nn.functional.avg_pool2d(Z.relu(), 2)


def twin_fault(twin, image):
    if twin.shape != image.shape:
        return f"the shape should be {tuple(image.shape)}"
    if twin.min() < 0 or twin.max() > 1:
        return "the values should lie between 0 and 1"
    if (twin - image).abs().max() < 0.1:
        return "this is the same picture; change at least one pixel by 0.1 or more"
    if not torch.allclose(features_of(twin), features_of(image), atol=1e-5):
        return "the features have changed"
    return ""


random = torch.Generator().manual_seed(0)
grey = torch.rand(1, 1, 4, 5, generator=random)
black_and_white = (torch.rand(1, 1, 4, 5, generator=random) > 0.5).float()


# %% tags=["exercise"]
def my_twin(image):
    """A picture (1, 1, 4, 5) in [0, 1] -> another one with the same features."""
    # solution
    return image[:, :, [1, 0, 2, 3]]  # the first two rows trade places, inside the groups that are averaged


# %% tags=["check"]
from helpers.check import each, judge

judge(my_twin, twin_fault, each(grey, black_and_white));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# All three steps of the layer forget something. The difference forgets an added constant, but adding one is not allowed
# for a picture that has both 0 and 1 in it. What do the other two forget?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The layer compares pixels only with neighbours in the same row. And a mean of four does not change when the four trade
# places.
#
# </details>
#
# <!-- solution: my_twin -->
#
# Now we can say what the word means. The **content** of a photo at a layer is what all pictures with the same features
# at that layer have in common. In the deep layers of VGG19, these are things and their places: a tower here, a gable
# there, the wall below. What they leave open (the grain, the stroke, the colour of the sky) is not content, and so
# there is room for something else.
#
# **Exercise 5 · make a picture** · ●○○ · 10 minutes. Choose a photo, a layer and a pooling, and rebuild it. Run the
# cell as it stands first; then change one knob at a time. What does max pooling do to the colours? Can you still tell who
# it is at `relu5_1`? (`names("content")` from `helpers.images` lists the photos.)

# %% tags=["settings", "painting"]
my_photo = "chelsea"
my_layer = "relu4_1"
my_pool = "max"
my_evaluations = 40
my_tv_weight = 2

my_network = VGG(pool=my_pool)
my_image = load(my_photo, 128).to(my_network.device)
my_P = my_network(my_image, my_layer)[my_layer]
my_start = quiet(my_image, seed=0)
my_copy, my_errors = rebuild(my_network, my_layer, my_P, my_start, my_evaluations, my_tv_weight)
show([my_image, my_copy], ["the photo", f"{my_layer}, {my_pool}: {psnr(my_copy, my_image):.1f} dB"], height=312,
     alt="A tabby cat that looks into the camera, and its copy in which the eyes and the stripes are there in "
     "other colours.")

# %% [markdown]
# <details><summary>What to look for</summary>
#
# With max pooling the cat is paler than the photo, and coloured dots appear on its even parts. With `my_pool = "avg"` more of the orange comes back, and the PSNR
# rises by about 1 dB. At `relu5_1` it is still a cat that looks at you, but with eyes that belong to two different
# cats. A `my_tv_weight` of 20 smooths away the grain and part of the fur, and the PSNR hardly notices.
#
# </details>
#
# The room that deep features leave open is what the rest of the series is about. [Notebook 03](03_gram_matrices.ipynb)
# asks how one might describe *how* a picture is painted, and forget what is on it.
#
# ## What to remember
#
# - Painting is walking downhill: an image, the gradient of an error, a step against it, again and again. The same three
#   lines work for one pixel, for a picture and for features.
# - The content loss is a pixel error between features. Its gradient goes back to the pixels by three rules: the mask of the
#   ReLU, the transposed convolution, and the pooling, which hands it to one pixel of four (max) or to all four (average).
# - From shallow layers a photo comes back as it was. From deep ones you get the same things in the same places, drawn in
#   another way.
# - A copy differs from the photo for two reasons. We stop early and prefer smooth pictures, which is our choice; and many
#   pictures share one set of deep features, which is a property of the network.
#
# ## Three questions
#
# **1.** A pixel starts at distance 1 from its goal and takes steps of size 1.5 on $E = \tfrac12 (x - t)^2$. Does it
# arrive?
#
# <details><summary>Answer</summary>
#
# It comes as near as you like: each step multiplies the distance by $1 - 1.5 = -0.5$. It jumps across the valley each
# time, and lands half as far on the other side.
#
# </details>
#
# **2.** A picture has a content error of 0.01 at `relu4_1`. What do you know about its error at `relu5_1`, and what
# about its error at `relu1_1`?
#
# <details><summary>Answer</summary>
#
# At `relu5_1` it is probably small too, because `relu5_1` is computed from `relu4_1`. About `relu1_1` you know next to
# nothing: in our table, the copy from `relu4_1` has 0.02 there, and 0.4 at the first layer.
#
# </details>
#
# **3.** Somebody rebuilds a photo from `relu5_1` and gets coloured grain in the sky. They ask you whether more
# evaluations would help. What do you say?
#
# <details><summary>Answer</summary>
#
# For the content error yes, for the sky hardly. The layer has one equation for five unknowns, so it cannot ask for this
# particular sky. To get a smooth one you have to say that you want it smooth, for example by total variation, or start
# from a picture that is smooth already.
#
# </details>
#
# ## On your own
#
# - Rebuild the photo from two layers at once: add their content errors in `loss`. Does `relu1_1` together with `relu5_1` give more
#   than `relu1_1` alone?
# - Start from the cup itself instead of the double exposure. How many evaluations does it take until the error at
#   `relu5_1` is under 0.002, and what is left of the cup?
# - Replace the picture by a page of large letters. From which layer on can you no longer read it?
#
# **In practice.** If you only need a small content error, more evaluations will get you there. If you need the photo,
# use a shallow layer. And when you compare gradients, choose the tolerance with care. Ours had a mean size of 0.000088,
# so a test that lets differences of 0.0001 pass would accept an error as large as a slope itself.
#
# **Further reading.**
#
# - Gatys, Ecker and Bethge, [Image Style Transfer Using Convolutional Neural Networks](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
#   (2016), section 2.1: equations 1 and 2, on one page.
# - Mahendran and Vedaldi, [Understanding Deep Image Representations by Inverting Them](https://arxiv.org/abs/1412.0035)
#   (2015): the relative error, total variation, and every layer of another network inverted, with several pictures for one set of features.
# - Dosovitskiy and Brox, [Inverting Visual Representations with Convolutional Networks](https://arxiv.org/abs/1506.02753)
#   (2016): a second network learns to do in one pass what our descent does in fifty.
#
# <!-- bottom -->
