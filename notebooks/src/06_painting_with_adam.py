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
# # Paint with Adam
#
# > **You will do** write the whole algorithm, from two pictures to a painting, in about forty lines.
# > **You will learn** what each line of the loop is for, where to start, and how large a step to take.
# > **You need** gradients and a little PyTorch; the losses of notebooks 02 to 05 are repeated in one line each.
# > **Time** 40 minutes; about 30 seconds of computing on a laptop.
# > **Came before** the total loss; this notebook makes it small.
#
# ![Five pictures in a row: a photo of a cat at left turns, step by step, into a painting in blue and yellow strokes.](../data/results/06_iterations.jpg)
#
# *One photo after 0, 10, 30, 100 and 300 steps. Look at the nose: when does its red go, and when do the strokes come?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# The numbers that decide how long you wait stand here, where you can change them: pixels of the long side of the photo
# and of the painting that lends its style, and steps of the loop:

# %% tags=["settings"]
import torch

size, style_size, steps = 256, 400, 300

# %% [markdown]
# ## Two pictures and a network
#
# **The content image gives the shapes, the style image gives everything else.** We load both as tensors of shape
# (1, 3, height, width), with values between 0 and 1:

# %%
from helpers.images import load
from helpers.show import show

photo, style = load("chelsea", size), load("starry_night", style_size)
show([photo, style], ["content", "style"], height=240,
     alt="Left, a photo of a tabby cat's face with green eyes; right, The Starry Night.")

# %% [markdown]
# The network is a VGG whose weights are frozen: nothing in this notebook trains it. It hands out the features of any
# layer by the name that the paper uses:

# %%
from helpers.vgg import VGG

vgg = VGG()
photo, style = photo.to(vgg.device), style.to(vgg.device)

# %% [markdown]
# Gatys, Ecker and Bethge (2016) read style from the first layer of each of the five blocks, and content from one layer
# in the fourth. We use the same six:

# %%
style_layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
content_layer = "relu4_2"

# %% [markdown]
# Here is what the network says about the photo, layer by layer, as (1, channels, height, width):

# %%
# NBVAL_CHECK_OUTPUT
for name, features in vgg(photo, style_layers + [content_layer]).items():
    print(name, tuple(features.shape))

# %% [markdown]
# From block to block the maps halve in height and width: each number at `relu5_1` speaks for a whole window of the
# photo, and there are only 10 × 16 such windows left.
#
# ## Two errors
#
# **Content compares features place by place.** If $F$ are the features of our image and $P$ those of the photo, the
# content error is the squared distance between them. We divide by the size of $P$, so that 0 is perfect and 1 is as
# wrong as features that are all zero:
#
# $$E_{\text{content}} = \frac{\lVert F - P \rVert^2}{\lVert P \rVert^2}$$


# %%
def content_error(F, P):  # departs from Gatys (2016), eq. 1: relative, where the paper has ½‖F − P‖²
    return (F - P).square().sum() / P.square().sum()


# %% [markdown]
# **Style compares which features occur together, and forgets where.** The Gram matrix multiplies every channel with
# every other, and sums over all places:
#
# $$G_{ij} = \frac{1}{hw} \sum_k F_{ik} F_{jk}$$
#
# Each row of `F` below is one channel, laid out as a line of $hw$ numbers, so the sum over places is a matrix product:


# %%
def gram_matrix(features):  # (1, C, h, w) -> (C, C); Gatys (2016), eq. 3, divided by h w
    F = features[0].flatten(1)
    return F @ F.T / F.shape[1]


# %% [markdown]
# Numbers that you can check in your head: two channels, four places, and channels that never fire at the same place.

# %%
# NBVAL_CHECK_OUTPUT
toy = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 2.0]]).view(1, 2, 2, 2)
print(gram_matrix(toy))

# %% [markdown]
# The diagonal says how strong each channel is on average: (1 + 1) / 4 is 0.5, and (4 + 4) / 4 is 2. The zeros say that
# the two are never there together. Shuffle the four places, and nothing changes; that is all that "style" means here.
#
# The style error of a layer compares two Gram matrices, in the same relative way:


# %%
def style_error(features, A):  # departs from Gatys (2016), eq. 4: relative, where the paper has ‖G − A‖² / (4 C² (hw)²)
    return (gram_matrix(features) - A).square().sum() / A.square().sum()


# %% [markdown]
# From now on these three also live in `helpers.transfer`, with checks of their arguments. They give the same numbers:

# %%
from helpers.check import close
from helpers.transfer import gram, style_loss

close("Gram matrix", gram_matrix(toy), gram(toy))
close("style error", style_error(toy, torch.eye(2)), style_loss(toy, torch.eye(2)))

# %% [markdown]
# ## The targets
#
# **What we aim at is computed once.** The targets do not change while we paint, and nobody needs gradients through
# them; `no_grad` says so, and saves the memory:

# %%
with torch.no_grad():
    A = {name: gram_matrix(features) for name, features in vgg(style, style_layers).items()}
    P = vgg(photo, [content_layer])[content_layer]

# %% [markdown]
# **The total loss adds the two, and one number says how much content is worth.** The style error is the mean over the
# five layers; `content_weight` is what the papers call α/β:

# %%
content_weight = 0.02


def errors(image):
    features = vgg(image, style_layers + [content_layer])
    per_layer = [style_error(features[name], A[name]) for name in style_layers]
    return sum(per_layer) / len(per_layer), content_error(features[content_layer], P)


# %% [markdown]
# **Before you run it:** which of the two errors of the untouched photo is exactly zero?

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    before = errors(photo)
print(f"the photo: style error {before[0]:.3f}, content error {before[1]:.3f}")

# %% [markdown]
# The content error: the photo is its own content. All of the work ahead is in the style error, and every stroke that
# we add will cost a little content.
#
# ## The loop
#
# **The picture is the parameter.** In training, an optimiser changes weights so that a loss falls. Here the weights
# are frozen, and what it changes are the pixels: we hand it the image itself. It begins as a copy of the photo:

# %%
image = photo.clone().requires_grad_()
optimiser = torch.optim.Adam([image], lr=0.02)

# %% [markdown]
# Adam (Kingma and Ba, 2015) divides each pixel's gradient by its usual size, so that a pixel moves by about `lr` a
# step, however steep its slope: 0.02 is five of the 255 grey levels of a screen. We keep the history of the loss and
# some snapshots to look at:

# %%
history, snapshots = [], {0: photo.clone()}
keep = (10, 30, 100, steps)

# %% [markdown]
# Now the loop itself. Six lines do the work; each is read below:

# %% tags=["nbval-ignore-output"]
from helpers.show import Progress

progress = Progress(steps)
for step in range(1, steps + 1):
    optimiser.zero_grad()
    style_part, content_part = errors(image)
    loss = style_part + content_weight * content_part
    loss.backward()
    optimiser.step()
    with torch.no_grad():
        image.clamp_(0, 1)

    history.append((style_part.item(), content_part.item()))
    progress(step, image.detach(), loss.item())
    if step in keep:
        snapshots[step] = image.detach().clone()

# %% [markdown]
# - `zero_grad` throws the last gradient away; without it, gradients would pile up.
# - `errors(image)` sends the image through the network: this is where nearly all the time goes.
# - `loss.backward()` walks back through the network and asks, for each pixel, *how would the loss change if you grew?*
# - `optimiser.step()` moves every pixel a little against its answer.
# - `clamp_` brings pixels that left the range back to what a screen can show. It stands between two steps, and not
#   inside the loss, so that the gradient is always the gradient of the picture that we have.
#
# ## The gallery
#
# **Grain first, then colour, then strokes.** The same run, looked at five times:

# %%
show(list(snapshots.values()), [f"{step} steps" for step in snapshots], columns=3,
     alt="The cat after 0, 10, 30, 100 and 300 steps: first grain, then blue and yellow, then strokes that follow its fur.")

# %% [markdown]
# After 10 steps fine grain covers the fur, and the colours have hardly begun to turn. After 30 the blue is there. After
# 100 the cat is painted: strokes run along its cheeks, and the nose has lost its red. The last 200 steps change little
# at arm's length; they make the strokes stand out.
#
# The two errors, step by step, on a logarithmic axis:

# %%
from helpers.show import plot

curves = {"style error": [s for s, _ in history], "content error": [c for _, c in history]}
plot(curves, xlabel="step", ylabel="error",
     alt="The style error falls steeply for 50 steps and then ever more slowly; the content error leaps up within a few "
     "steps and then comes back a little.")

# %% [markdown]
# Style falls fast at first and then ever more slowly. Content starts at zero (which a logarithmic axis cannot show),
# leaps up in the first steps, and comes back only a little: it is the price of the strokes, and at a fiftieth of the
# weight the optimiser is glad to pay it.
#
# ## What was reached
#
# **A result is what is saved.** A file holds 256 levels of each colour, so we measure the picture after rounding, and
# not the variable that the optimiser knew:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.images import as_saved

with torch.no_grad():
    after = errors(as_saved(image))
print(f"style error of the saved picture under 0.01: {after[0].item() < 0.01}")
print(f"less than a fiftieth of the photo's: {after[0].item() < before[0].item() / 50}")

# %% [markdown]
# Under one per cent, over all five layers: as far as these statistics go, the picture *is* a Van Gogh. Here it is next
# to where it came from:

# %% tags=["painting"]
show([photo, as_saved(image)], ["content", f"after {steps} steps"], height=300,
     alt="Left the photo of the cat, right the same cat in dark blue and yellow strokes that follow its cheeks and whiskers.")

# %% [markdown]
# ## Where to start
#
# **The start decides where the loop ends.** The loss has many low places, and descent finds one near its beginning.
# So that several runs stay short, we pack the loop into a function and paint at 128 pixels:


# %%
def paint(start, steps, lr, content_weight):
    image = start.clone().requires_grad_()
    optimiser, losses = torch.optim.Adam([image], lr=lr), []
    for _ in range(steps):
        optimiser.zero_grad()
        style_part, content_part = errors(image)
        loss = style_part + content_weight * content_part
        loss.backward()
        optimiser.step()
        image.data.clamp_(0, 1)
        losses.append(loss.item())
    return image.detach(), losses


# %% [markdown]
# Targets belong to a size, so the small runs need their own:

# %%
small_photo, small_style = load("chelsea", 128).to(vgg.device), load("starry_night", 200).to(vgg.device)
with torch.no_grad():
    A = {name: gram_matrix(features) for name, features in vgg(small_style, style_layers).items()}
    P = vgg(small_photo, [content_layer])[content_layer]

# %% [markdown]
# Three starts: the photo, uniform noise, and a piece of *The Starry Night* of the same shape. Content must be found and
# not only kept now, so it weighs five times as much, and the steps are larger; all three runs get the same.
#
# **Before you run it:** which of the three will end with the lowest loss?

# %%
from helpers.images import noise

height, width = small_photo.shape[2:]
starts = {"photo": small_photo, "noise": noise(small_photo, seed=0), "style": small_style[..., :height, -width:]}
runs = {name: paint(start, steps=200, lr=0.05, content_weight=0.1) for name, start in starts.items()}

# %% [markdown]
# First the three losses at the end:

# %%
for name, (_, losses) in runs.items():
    print(f"from the {name}: {losses[-1]:.3f}")

# %% [markdown]
# They are nearly the same. By the only measure that the optimiser knows, the three are equally good. Now the pictures:

# %%
show([image for image, _ in runs.values()], [f"from the {name}" for name in runs], height=190,
     alt="Three small paintings of the cat: clear from the photo; fainter, with eyes found in the grain, from noise; "
     "from the style, with the moon's glow left in a corner.")

# %% [markdown]
# From the photo the face is clear: it was there from the beginning, and the optimiser only had to keep it. From noise
# it had to be found through `relu4_2`, which knows shapes and not sharp edges: the eyes and the dark line of the cheek
# have come out of the grain, and much of the grain has stayed. From the style image the cat appears too, and the glow of
# Van Gogh's moon stays in its corner, because nothing in the style error minds where it is.
#
# The paper starts from noise, which shows that the two errors alone make the picture. Nearly everybody who paints
# starts from the photo, and so do we.
#
# ## How large a step?
#
# **The learning rate is a distance in grey levels.** A tenth of ours, ours, and ten times ours, each from the photo;
# all else stays:

# %%
rates = {f"lr {lr}": paint(small_photo, 60, lr, content_weight) for lr in (0.002, 0.02, 0.2)}
plot({name: losses for name, (_, losses) in rates.items()}, xlabel="step", ylabel="loss",
     alt="Three loss curves: 0.002 falls slowly, 0.02 falls to about a tenth, 0.2 leaps up first and then falls lowest.")

# %% [markdown]
# With 0.002 a pixel needs fifty steps to cross a tenth of the range, and 60 steps do not get far. With 0.2 the first
# step throws every pixel across a fifth of the range: the loss leaps up. Then it falls, and ends lowest of all.
#
# **Before you go on:** is that the best picture, then?

# %%
show([image for image, _ in rates.values()], list(rates), height=190,
     alt="Three small pictures: at 0.002 nearly the photo, at 0.02 a painted cat, at 0.2 coloured strokes without a cat.")

# %% [markdown]
# By number the largest rate wins, and by eye it has lost the cat. Its first step destroyed the photo, and from there it
# found another low place of the same loss, as the run from noise did. Two lessons: look at the pictures and not only at
# the curve; and a small step is what keeps the loop near its start.

# %% [markdown]
# ## Exercises
#
# **Exercise 1** · ●●○ · 15 min. Adam keeps two running means for each number: $m$ of the gradient, $v$ of its square.
# Write one step, with the corrections for the beginning: $\hat m = m / (1 - \beta_1^t)$, $\hat v = v / (1 - \beta_2^t)$,
# and the new pixel $x - \text{lr} \cdot \hat m / (\sqrt{\hat v} + \epsilon)$. The specification is PyTorch's own optimiser,
# after the first step from $m = v = 0$:


# %% tags=["spec"]
def adam_spec(x, gradient):
    pixel = x.clone().requires_grad_()
    pixel.grad = gradient
    torch.optim.Adam([pixel], lr=0.02).step()
    return pixel.detach()


# %% tags=["exercise"]
def my_adam(x, gradient, lr=0.02, beta1=0.9, beta2=0.999, eps=1e-8, t=1):
    """One step of Adam from m = v = 0: pixels x and their gradient, same shape -> new pixels."""
    # solution
    m, v = (1 - beta1) * gradient, (1 - beta2) * gradient**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return x - lr * m_hat / (v_hat.sqrt() + eps)


# %% tags=["check"]
from helpers.check import check

check(my_adam, adam_spec, (3, 5), (3, 5));

# %% [markdown]
# <details><summary>Hint</summary>
#
# From zero, the first running mean is $m = (1 - \beta_1)\,g$. Work the corrections out on paper for $t = 1$: almost
# everything cancels, and what is left explains why the first step moves *every* pixel by the learning rate.
#
# </details>
#
# <!-- solution: my_adam -->
#
# **Exercise 2** · ●○○ · 10 min. A rate that shrinks lets the loop take large steps first and settle at the end. Write
# the rate for each step, falling from `first` to `last` by the same factor every step:


# %% tags=["spec"]
def rates_spec(first, last, steps):
    factor = (last / first) ** (1 / (steps - 1))
    rates = [first]
    while len(rates) < steps:
        rates.append(rates[-1] * factor)
    return torch.tensor(rates)


# %% tags=["exercise"]
def my_rates(first, last, steps):
    """Learning rates for steps 1 .. steps, from first to last by equal factors: a tensor (steps,), without a loop."""
    # solution
    exponents = torch.arange(steps) / (steps - 1)
    return first * (last / first) ** exponents


# %% tags=["check"]
check(my_rates, rates_spec, 0.05, 0.005, 20, trials=1);

# %% [markdown]
# <details><summary>Hint</summary>
#
# The rate at step $i$, counted from 0, is `first` times the factor to the power $i$. `torch.arange` gives all $i$ at once.
#
# </details>
#
# <!-- solution: my_rates -->
#
# **Exercise 3** · ●●○ · 15 min. Look closely at the painting from noise: neighbouring pixels jump. *Total variation*
# measures that: the mean of the squared differences between each pixel and its right neighbour, plus the same for the
# neighbour below. The specification walks over the pixels; write it with two slices:


# %% tags=["spec"]
def tv_spec(image):
    _, _, height, width = image.shape
    across = [(image[..., y, x + 1] - image[..., y, x]).square() for y in range(height) for x in range(width - 1)]
    down = [(image[..., y + 1, x] - image[..., y, x]).square() for y in range(height - 1) for x in range(width)]
    return torch.stack(across).mean() + torch.stack(down).mean()


# %% tags=["exercise"]
def my_tv(image):
    """Total variation of an image (1, 3, H, W) -> scalar, without loops."""
    # solution
    across = image[..., :, 1:] - image[..., :, :-1]
    down = image[..., 1:, :] - image[..., :-1, :]
    return across.square().mean() + down.square().mean()


# %% tags=["check"]
check(my_tv, tv_spec, (1, 3, 6, 4));

# %% [markdown]
# <details><summary>Hint</summary>
#
# `image[..., :, 1:]` is the image without its first column, `image[..., :, :-1]` without its last. Their difference is
# every horizontal step at once.
#
# </details>
#
# <!-- solution: my_tv -->
#
# Then add `0.5 * my_tv(image)` to the loss in `paint`, and start from noise again: what does it take away that you
# wanted gone, and what that you would have liked to keep?
#
# ## In this notebook we
#
# - wrote the whole method in the open: targets once, then loss, gradient, step, clamp;
# - saw grain, colour and strokes arrive in this order, while content pays for all three;
# - found that the start decides the result, and that the learning rate is a distance in grey levels.
#
# **On your own.** Set `content_weight` to 0.002 and to 0.2. Load the style at 200 and at 640 pixels: what happens to the
# strokes? Paint 1,000 steps, and say from which step on you cannot see a difference.
#
# **In practice.** Adam needs hundreds of steps because each looks at one gradient only; L-BFGS remembers the last ones,
# and usually gets to the same loss in fewer evaluations. The clamp would disturb it, so there we shall use a soft fence.
# Our weights are not the paper's: its sums depend on layer width and image size, our relative errors do not.
#
# **Further reading.** Gatys, Ecker and Bethge (CVPR 2016), section 2: the equations above, in the paper's own sums.
# Kingma and Ba, *Adam* (2015, arXiv 1412.6980), section 2: one page that explains the two running means and their
# corrections.
#
# <!-- bottom -->
