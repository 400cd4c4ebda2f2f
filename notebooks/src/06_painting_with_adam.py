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
# > **The question** Which few lines turn a loss into a painting, and what would go wrong without each of them?
# > **You will make** the painting loop, written by yourself in three stages, and a film in which a cat turns into a Van Gogh.
# > **You need** the total loss of [notebook 05](05_the_total_loss.ipynb), which we repeat in a few sentences, and a little PyTorch. The symbols are in the [table of notation](00_start_here.ipynb#Notation).
# > **Time** about 60 minutes to read and run, and 80 minutes for the exercises; the computing in it takes about two minutes on a laptop

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# This is a photo of a cat called Chelsea, repainted in the manner of one of Van Gogh's wheat fields:

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "06_painting.jpg", 640),
     alt="The face of a cat in golden and green strokes, with white and blue strokes that curl behind it.")

# %% [markdown]
# Nobody painted it, and no network was trained to make it. A short loop changed the pixels of the photo, a little at
# a time, until a loss was small. In this notebook you will write that loop yourself, watch it work, and take it apart
# to see what each line is for. (The picture above was painted beforehand with 1,024 pixels and the tricks of
# notebooks [07](07_painting_with_lbfgs.ipynb) and [09](09_bigger_pictures.ipynb);
# `python -m tools.pictures.results 06_painting` paints it again. Below you will paint a smaller one.)
#
# The sizes and the numbers of steps are here, so that you can change them:

# %% tags=["settings"]
import torch

size = 224  # pixels of the photo's long side
style_size = 288  # of the painting's: a little larger, for broader strokes
steps = 90  # of the long run
small_size = 160  # of the photo in the short experiments
small_style_size = 220

# %% [markdown]
# ## Two pictures and one loss
#
# Two pictures go in. The photo says what is to be seen, and the wheat field says how it is to be painted:

# %%
from helpers.fast import fast
from helpers.vgg import VGG

vgg = VGG()
photo = load("chelsea", size).to(vgg.device)  # (1, 3, 149, 224)
style = load("vangogh_wheat_field_cypresses", style_size).to(vgg.device)  # (1, 3, 229, 288)
show([photo, style], ["content: the photo", "style: the wheat field"], height=280,
     alt="Left, a photo of a tabby cat's face with green eyes; right, Van Gogh's wheat field with dark "
     "cypresses under curling white clouds.")

# %% [markdown]
# Notebook 05 put our wishes into a loss, a single number that is small when both are fulfilled:
#
# $$L(x) = e_\text{style} + \alpha \, e_\text{content}$$
#
# The **content error** compares features, the maps of numbers that a layer of the network computes, place by place with
# those of the photo. The **style error** compares Gram matrices, which say which of these maps fire together, with those of
# the wheat field, and it is a mean over five layers. Both are 0 for a perfect match and 1 for features that are zero
# everywhere. The content weight α says how much we care for the first.
#
# What features and Gram matrices are compared with are the **targets**. They never change while we paint, so we compute
# them once. `make_errors` keeps them inside the function that it returns, so every pair of pictures gets a function of its
# own, and running a cell again cannot mix up two pairs.

# %%
from helpers.losses import content_loss, gram, style_loss

layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def make_errors(photo, style, net):
    """Return a function: image -> content error, style error."""
    with torch.no_grad():
        content_target = net(photo, ["relu4_2"])["relu4_2"]  # (1, 512, h, w)
        style_targets = {layer: gram(f) for layer, f in net(style, layers).items()}  # (C, C) each

    def errors(image):
        features = net(image, layers + ["relu4_2"])
        style_errors = [style_loss(features[layer], style_targets[layer]) for layer in layers]
        return content_loss(features["relu4_2"], content_target), sum(style_errors) / 5

    return errors


def make_loss(errors, content_weight):
    """Return a function: image -> total loss."""

    def loss(image):
        content_error, style_error = errors(image)
        return style_error + content_weight * content_error

    return loss


# %% [markdown]
# **Your turn, before you run the next cell.** We are going to start from the photo itself. Which of its two errors is
# zero, and in which direction can that error only go from there?
#
# <details><summary>Compare</summary>
#
# The content error is zero, because the photo has its own features. From there it can only grow. So the painting will
# have to pay with content for every bit of style, and the weight α decides how much it is willing to pay.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
errors = make_errors(photo, style, vgg)
with torch.no_grad():
    content_error, style_error = errors(photo)
print(f"the photo: content error {content_error:.2f}, style error {style_error:.2f}")

# %% [markdown]
# The photo's style error is not much below 1, so in style a photo of a cat is hardly nearer to the wheat field than
# nothing at all. There is a lot to do. How do we make this number smaller?
#
# ## Two pixels go downhill
#
# Before we move a hundred thousand numbers, let us move two. The first pixel is 0.2 and should become 0.9. The second is
# 0.5 and would like to become 1.2, which is brighter than white. Our loss is the sum of the squared distances:

# %%
# NBVAL_CHECK_OUTPUT
wanted = torch.tensor([0.9, 1.2])  # (2,)


def toy_loss(pixels):
    return (pixels - wanted).square().sum()


pixels = torch.tensor([0.2, 0.5], requires_grad=True)  # (2,)
loss = toy_loss(pixels)
loss.backward()
print(f"loss {loss:.2f}, gradient {pixels.grad[0]:.2f} and {pixels.grad[1]:.2f}")

# %% [markdown]
# `requires_grad=True` tells PyTorch that we want to change these numbers, and
# [`backward`](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html) answers one question for each of
# them: how fast would the loss grow if this pixel became a little brighter? The answers are called the **gradient**, and
# PyTorch stores them in `pixels.grad`. Both are $2 \cdot (-0.7) = -1.4$. They are negative, so brighter is better.
#
# **Your turn, before you run the next cell.** We compute the loss of the same two pixels once more and call `backward`
# again. Nothing has moved. What will `pixels.grad` hold, and what would that do to a loop of a hundred steps?
#
# <details><summary>Compare</summary>
#
# It holds twice the gradient, because PyTorch *adds* a new gradient to whatever is there. (That is useful in training,
# where a gradient may be collected over several batches.) After a hundred steps we would follow the sum of a hundred
# gradients, most of which belong to pictures that we left long ago.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
toy_loss(pixels).backward()
print(f"after a second backward: {pixels.grad[0]:.2f} and {pixels.grad[1]:.2f}")

# %% [markdown]
# So the first line of our loop will clear the old gradient. Next, somebody has to move the pixels. In PyTorch this is the
# job of an **optimiser**, an object that holds the numbers to be changed. The simplest one, called
# [SGD](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html), takes a step against the gradient. The
# length of the step is the gradient times the **learning rate** η, which is `lr` in code.

# %%
# NBVAL_CHECK_OUTPUT
optimiser = torch.optim.SGD([pixels], lr=0.1)
optimiser.zero_grad()  # clears the gradient
toy_loss(pixels).backward()
optimiser.step()
print(f"pixels {pixels[0]:.2f} and {pixels[1]:.2f}, loss {toy_loss(pixels):.3f}")

# %% [markdown]
# Both pixels moved by $0.1 \cdot 1.4 = 0.14$, and the loss fell from 0.98 to 0.63. Fifty more steps:

# %%
# NBVAL_CHECK_OUTPUT
for _ in range(50):
    optimiser.zero_grad()
    toy_loss(pixels).backward()
    optimiser.step()
print(f"pixels {pixels[0]:.2f} and {pixels[1]:.2f}, loss {toy_loss(pixels):.3f}")

# %% [markdown]
# The loss is zero, and yet we cannot be content. A screen shows nothing brighter than 1, so no screen can show the
# second pixel. If we cut it off at the very end, we get another picture than the one whose loss we made small. It is
# better to bring the pixels back after every step, so that the next gradient belongs to a picture that can be shown:

# %%
# NBVAL_CHECK_OUTPUT
for _ in range(50):
    optimiser.zero_grad()
    toy_loss(pixels).backward()
    optimiser.step()
    with torch.no_grad():
        pixels.clamp_(0, 1)
print(f"pixels {pixels[0]:.2f} and {pixels[1]:.2f}, loss {toy_loss(pixels):.3f}")

# %% [markdown]
# Now the second pixel is white, and the loss belongs to a picture that can be shown. A loss of 0.04 is the best that
# a screen can do. Look at the last two lines of the loop, because there are several wrong ways to write them. The
# underscore in `clamp_` means that the tensor itself is changed. `pixels.clamp(0, 1)` would make a new tensor, and
# the optimiser would go on moving the old one. And `torch.no_grad()` says that the cut is no part of the loss, so
# PyTorch need not take a gradient of it. (Without that line it refuses, with an error.)
#
# These are all the lines that a painting needs. Now it is your turn to put them together.
#
# **Exercise 1 · build** · ●●○ · 25 minutes. Write the painting loop, in three stages. From now on the optimiser is
# [Adam](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html), which you get with
# `torch.optim.Adam([image], lr=lr)`; the next section shows what it does. A loss is a function that takes an image, as
# above.
#
# *Stage 1.* Take one step from `start`, and return the new image. `start` itself must not change, because we shall want
# to start from it again. Here nothing leaves 0 to 1, so you need no clamp yet.


# %% tags=["spec"]
from helpers.transfer import optimise


def image_after(steps, start, loss, lr):
    """What the series' own painter makes of `start`."""
    return optimise(start, loss, steps, method="adam", lr=lr).last


def step_spec(start, loss, lr):
    return image_after(1, start, loss, lr)


def towards_white(image):
    return (image - 1.4).square().mean()


def bright_pairs(image):
    left = image[..., 0::2]
    right = image[..., 1::2]
    return (left + 3 * right - 3.8).square().mean() + (left - 0.3).square().mean()


generator = torch.Generator().manual_seed(6)
dark = 0.1 + 0.3 * torch.rand(1, 3, 4, 6, generator=generator)
middle = 0.3 + 0.4 * torch.rand(1, 3, 2, 8, generator=generator)


# %% tags=["exercise"]
def my_step(start, loss, lr):
    """start: (1, 3, H, W); loss: image -> number; lr: Adam's learning rate -> the image after one step."""
    # solution
    image = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([image], lr=lr)
    loss(image).backward()
    optimiser.step()
    return image.detach()


# %% tags=["check"]
from helpers.check import check, each

check(my_step, step_spec, each(dark, middle), each(towards_white, bright_pairs, bright_pairs), each(0.05, 0.02),
      without=("optimise", "image_after"));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# You need five things, in this order: a copy of `start` that wants a gradient, an optimiser that holds this copy, the
# loss, its gradient, a step.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `start.clone().requires_grad_()` is the copy. At the end, `image.detach()` gives the numbers back without their history.
#
# </details>
#
# <!-- solution: my_step -->
#
# *Stage 2.* Take as many steps as you are asked for. This time some pixels want to leave 0 to 1, and they may not.


# %% tags=["spec"]
def painting_spec(start, loss, steps, lr):
    return image_after(steps, start, loss, lr)


# %% tags=["exercise"]
def my_painting(start, loss, steps, lr):
    """start: (1, 3, H, W); loss: image -> number; steps: how many -> the image after all of them, in [0, 1]."""
    # solution
    image = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(image).backward()
        optimiser.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    return image.detach()


# %% tags=["check"]
from helpers.check import check, each

check(my_painting, painting_spec, each(dark, middle, dark), each(towards_white, bright_pairs), each(1, 2, 5, 40), 0.1,
      without=("optimise", "image_after"));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Which of your lines of stage 1 belong into the loop, and which have to stay above it? Adam remembers the gradients
# that it has met, so what happens if you make a new one in every step?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Five lines belong into the loop: clear the gradient, compute loss and gradient, step, and the two lines that clamp.
#
# </details>
#
# <!-- solution: my_painting -->
#
# *Stage 3.* For a film we need the pictures on the way. Return a dictionary with one image for each number in `keep`,
# such as `{0: ..., 10: ..., 40: ...}`; the image after 0 steps is `start`.


# %% tags=["spec"]
def snapshots_fault(answer, start, loss, steps, lr, keep):
    if sorted(answer) != sorted(keep):
        return f"the steps {sorted(keep)} were asked for, and your dictionary has {sorted(answer)}"
    for step in sorted(keep):
        expected = start if step == 0 else image_after(step, start, loss, lr)
        difference = (answer[step] - expected).abs().max().item()
        if difference > 1e-4:
            return f"your image after {step} steps is wrong by up to {difference:.2f}"
    return ""


# %% tags=["exercise"]
def my_snapshots(start, loss, steps, lr, keep):
    """As my_painting, but -> a dictionary: number of steps -> the image (1, 3, H, W) after so many."""
    # solution
    image = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([image], lr=lr)
    snapshots = {}
    if 0 in keep:
        snapshots[0] = start.clone()
    for step in range(1, steps + 1):
        optimiser.zero_grad()
        loss(image).backward()
        optimiser.step()
        with torch.no_grad():
            image.clamp_(0, 1)
        if step in keep:
            snapshots[step] = image.detach().clone()
    return snapshots


# %% tags=["check"]
from helpers.check import each, judge

judge(my_snapshots, snapshots_fault, each(dark, middle), each(towards_white, bright_pairs), 40, 0.1,
      each([0, 1, 10, 40], [2, 40]), without=("optimise", "image_after"));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# If all your images come out the same, think of the underscore in `clamp_`. How many tensors does your loop have, if it
# changes one and the same over and over?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `image.detach()` is a second name for the same numbers. `image.detach().clone()` is a copy that stays as it is.
#
# </details>
#
# <!-- solution: my_snapshots -->
#
# Your loop would paint the cat already. But it calls an optimiser whose name we have only dropped so far, and what it does
# to a picture in the first step is quite surprising.
#
# ## The first step
#
# Here is what the loss says about our photo. We ask for the gradient once, and look at the sizes of its numbers:

# %%
# NBVAL_CHECK_OUTPUT
loss = make_loss(errors, content_weight=0.03)
image = photo.clone().requires_grad_()
loss(image).backward()
gradient = image.grad  # (1, 3, 149, 224): one number for each number of the photo
sizes = gradient.abs().flatten()
for share in (0.05, 0.5, 0.95):
    print(f"{share:.0%} of the numbers have a gradient smaller than {torch.quantile(sizes, share):.1e}")

# %% [markdown]
# The gradients are tiny, which only says that one pixel alone can do little. More important is how much they differ:
# from the weakest twentieth to the strongest there is a factor of about seventy. So with plain gradient descent some
# pixels move seventy times as far as others. That may be right where there is little to gain, but it leaves most of
# the picture nearly untouched while the rate is small enough for the strongest.
#
# [Adam](https://arxiv.org/abs/1412.6980) (Kingma and Ba, 2015) has an answer to that. It keeps two running means for every
# pixel, $m$ of the gradient $g$ and $v$ of its square, and divides the one by the root of the other:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2$$
#
# $$x \leftarrow x - \eta \, \frac{\hat m}{\sqrt{\hat v} + \varepsilon} \qquad\text{with}\qquad \hat m = \frac{m}{1 -
# \beta_1^t}, \quad \hat v = \frac{v}{1 - \beta_2^t}$$
#
# Read it slowly. The mean of the gradient says where to go, and the root of the mean square says how large this
# pixel's gradients usually are. What is left after the division is a number that is usually between −1 and 1, and η
# turns it into a distance. The hats repair the beginning: $m$ and $v$ start at zero, so in step $t$ they are too
# small by just these factors. (PyTorch takes $\beta_1 = 0.9$, $\beta_2 = 0.999$ and $\varepsilon = 10^{-8}$. These β
# are Adam's, and have nothing to do with the paper's style weight.)
#
# **Your turn, before you run the next cell.** Three pixels have the gradients −1.4, 0.0001 and 30. The learning rate is
# 0.02. In the first step, $m = 0.1\,g$ and $v = 0.001\,g^2$. How far does Adam move each of the three, and why would it
# make no difference if the whole loss were multiplied by a million?
#
# <details><summary>Compare</summary>
#
# The hats divide by 0.1 and by 0.001, so $\hat m = g$ and $\sqrt{\hat v} = |g|$. The quotient is the sign of $g$, and every
# pixel moves by 0.02. A factor before the loss stands above and below the line of the fraction, and cancels.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
for name, method in {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}.items():
    pixels = torch.zeros(3, requires_grad=True)
    optimiser = method([pixels], lr=0.02)
    pixels.grad = torch.tensor([-1.4, 0.0001, 30.0])
    optimiser.step()
    print(f"{name:4} moves the three pixels by {pixels[0]:.6f}, {pixels[1]:.6f} and {pixels[2]:.6f}")

# %% [markdown]
# (The second pixel misses two millionths, and that is ε's doing.) So in Adam the learning rate is a distance. 0.02 is
# five of the 255 grey levels of a screen, and in the first step every pixel goes just as far, no matter how little it
# has to gain. In a picture of a hundred thousand numbers you can see that. On the left is the gradient of our photo,
# turned around so that bright means "make this brighter". On the right is the step that Adam makes of it:

# %%
pixels = photo.clone().requires_grad_()
optimiser = torch.optim.Adam([pixels], lr=0.02)
pixels.grad = gradient.clone()
optimiser.step()
first_step = pixels.detach() - photo
against_gradient = 0.5 - 0.12 * gradient / gradient.std()
show([against_gradient, 0.5 + 15 * first_step], ["against the gradient", "Adam's first step"], height=260,
     alt="Two pictures of coloured grain: in the left one it is strong around the eyes and the nose of the cat and fades into "
     "grey towards the edges, in the right one it is equally strong everywhere.")

# %% [markdown]
# On the left the strong colours stand around the eyes and the nose, and the blurred background at the top is nearly
# grey, because there is little to gain. On the right nearly every number is at one of its two ends, plus or minus
# 0.02, in the background as well. Keep this picture in mind, because in a minute you will see it lie over the cat as
# coloured grain.
#
# What about the small ε in the formula? It keeps Adam from dividing by zero, and it has the unit of the gradient. How
# far does a pixel with our median gradient go with PyTorch's ε, and with the 0.1 of
# [TensorFlow's tutorial](https://www.tensorflow.org/tutorials/generative/style_transfer)?

# %%
# NBVAL_CHECK_OUTPUT
median = sizes.median()
for epsilon in (1e-8, 0.1):
    distance = 0.02 * median / (median + epsilon)
    print(f"epsilon {epsilon:.0e}: the first step moves it by {distance:.1e}")

# %% [markdown]
# With 0.1 the step is more than 400 times shorter, and our paintings would stand still. The tutorial does not divide
# its errors by the size of their targets, as we do, so its loss and its gradients are of another size. An ε means
# nothing without its loss, just like the weights of notebook 05.
#
# **Exercise 2 · predict** · ●●○ · 10 minutes. Adam has η = 0.02, $\beta_1 = 0.9$ and $\beta_2 = 0.999$, and ε is so small
# that it does not matter unless we say so. How far is a pixel from its start? Give plus for brighter and minus for
# darker.
#
# - `"one"`: after one step with the gradient 5
# - `"quiet"`: after one step with the gradient 0.005
# - `"zero"`: after one step with the gradient 0
# - `"ten"`: after ten steps, and the gradient was 5 each time
# - `"epsilon"`: after one step with the gradient 5, if ε is 5
# - `"turn"`: the gradient is 5 and then −5. After both steps, is the pixel nearest to `"start"`, to `"first"` (where
#   the first step took it) or to `"beyond"` (as far on the other side of the start)? Answer with the word.


# %% tags=["spec", "folded"]
def distances_of_adam():
    def pixel_after(gradients, eps=1e-12):
        pixel = torch.zeros(1, requires_grad=True)
        optimiser = torch.optim.Adam([pixel], lr=0.02, eps=eps)
        for gradient in gradients:
            pixel.grad = torch.tensor([gradient])
            optimiser.step()
        return pixel.item()

    after_turn = pixel_after([5.0, -5.0])
    places = {"start": 0.0, "first": -0.02, "beyond": 0.02}
    return {
        "one": pixel_after([5.0]),
        "quiet": pixel_after([0.005]),
        "zero": pixel_after([0.0]),
        "ten": pixel_after([5.0] * 10),
        "epsilon": pixel_after([5.0], eps=5.0),
        "turn": min(places, key=lambda name: abs(places[name] - after_turn)),
    }


# %% tags=["exercise"]
def my_distances():
    """Return five distances and a word, in a dictionary with the names above."""
    # solution
    return {"one": -0.02, "quiet": -0.02, "zero": 0.0, "ten": -0.2, "epsilon": -0.01, "turn": "first"}


# %% tags=["check"]
from helpers.check import check

check(my_distances, distances_of_adam, tolerance=1e-3);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# If all gradients are the same, what is their mean, and what is the root of the mean of their squares?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# For the turn, compute $m$ after the second step: $0.9 \cdot 0.5 - 0.1 \cdot 5$. Is that large or small beside 5? And
# for ε = 5 the fraction is $5 / (5 + 5)$.
#
# </details>
#
# <!-- solution: my_distances -->
#
# **Exercise 3 · build** · ●●○ · 20 minutes. Write Adam from its formulas, without PyTorch's. The gradients are given, one
# row for each step. Return where the pixels are after each step, as rows in the same order.


# %% tags=["spec"]
def adam_spec(x, gradients, lr, beta1, beta2, eps):
    pixels = x.clone().requires_grad_()
    optimiser = torch.optim.Adam([pixels], lr=lr, betas=(beta1, beta2), eps=eps)
    rows = []
    for gradient in gradients:
        pixels.grad = gradient
        optimiser.step()
        rows.append(pixels.detach().clone())
    return torch.stack(rows)


# %% tags=["exercise"]
def my_adam(x, gradients, lr, beta1, beta2, eps):
    """x: pixels (n,); gradients: (steps, n) -> the pixels after each step, (steps, n)."""
    # solution
    m = torch.zeros_like(x)
    v = torch.zeros_like(x)
    rows = []
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        x = x - lr * m_hat / (v_hat.sqrt() + eps)
        rows.append(x)
    return torch.stack(rows)


# %% tags=["check"]
from helpers.check import check, each

check(my_adam, adam_spec, (5,), (8, 5), each(0.02, 0.5), each(0.9, 0.99, 0.5), each(0.999, 0.9), each(1e-8, 0.1),
      trials=6, without=("autograd", "Adam"));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Which numbers does Adam have to remember from one step to the next, and what are they before the first?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Keep $m$ and $v$ as they are, without hats, and compute the hats anew in each step from them. The first step has $t =
# 1$; `enumerate(gradients, start=1)` counts for you. ε is added after the root.
#
# </details>
#
# <!-- solution: my_adam -->
#
# ## Ninety steps
#
# Now we paint. The loop below is yours, with two additions: it writes down both errors, and it keeps some pictures
# for a film. From here on the network computes in half precision if your processor has units for that. This only
# saves time, and [notebook 09](09_bigger_pictures.ipynb) says how much.

# %%
from helpers.show import Progress

quick = fast(VGG())
quick_errors = make_errors(photo, style, quick)
content_weight = 0.03
keep = {1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, steps}

# %% tags=["painting"]
image = photo.clone().requires_grad_()
optimiser = torch.optim.Adam([image], lr=0.02)
history = {"content error": [], "style error": []}
snapshots = {0: photo}
progress = Progress(steps)
for step in range(1, steps + 1):
    optimiser.zero_grad()
    content_error, style_error = quick_errors(image)
    loss = style_error + content_weight * content_error
    loss.backward()
    optimiser.step()
    with torch.no_grad():
        image.clamp_(0, 1)

    history["content error"].append(content_error.item())
    history["style error"].append(style_error.item())
    if step in keep:
        snapshots[step] = image.detach().clone()
    progress(step, image.detach(), loss.item())

# %% [markdown]
# How did the cat become a painting? Here is the run as a film. It goes quickly at first and more slowly later,
# because the first ten steps change more than the last fifty:

# %%
from helpers.show import play

frames = [snapshots[step] for step in sorted(snapshots)]
rest = [frames[-1]] * 6  # so that the painting stays for a while
play(frames + rest, seconds=6, colours=64,
     alt="A film: within a few frames coloured grain covers the photo of a cat, then the fur turns green and gold, and "
     "white and blue strokes curl at the right.")

# %% [markdown]
# If you want to keep the film or send it to somebody, `from helpers.show import film` and
# `film(frames, "outputs/cat.gif", seconds=6)` write it to a file. The folder `outputs` is made beside the notebook
# (on Colab you find it in the list of files at the left), and the ending decides about the kind: `.gif`, `.webp`, or
# `.mp4` if the package `imageio-ffmpeg` is there. And these are six of its pictures, large enough to look at:

# %%
moments = [step for step in (0, 2, 5, 20, 40, steps) if step in snapshots]
show([snapshots[step] for step in moments], [f"{step} steps" for step in moments], columns=3, height=190,
     alt="The cat at six moments: a photo, the photo under fine reddish grain, strong grain, green and gold fur with blue curls, "
     "and at last golden strokes with white and blue curls at the right.")

# %% [markdown]
# After two steps a fine reddish grain lies over the photo, and after five it is strong, on the blurred background as
# much as on the fur. The grain is in the gradient already. That it lies over the background as much as over the fur
# is what we expected of Adam, which moves every pixel equally far at first. After twenty steps the grain has ordered
# itself into lines and the first curls, and the fur is green and gold. By forty the curls are white and blue, and the
# last fifty steps calm the surfaces and clear the colours.
#
# The two errors tell the same story in numbers:

# %%
from helpers.show import plot

curves = {name: (range(len(values)), values) for name, values in history.items()}  # the first is that of the photo
plot(curves, xlabel="steps taken", ylabel="error", log=False,
     alt="Two curves over 90 steps: the style error falls steeply for 20 steps and then ever more slowly; the content error "
     "leaps from zero to 1.1 within ten steps and then falls a little.")

# %% [markdown]
# The style error falls steeply at first and then ever more slowly, a rhythm that you will meet again. The content
# error starts at zero, leaps above 1 within ten steps, while the grain is strongest, and then comes back part of the
# way.
#
# A painting is what a file keeps, so we measure the picture after its numbers have been rounded to the 256 levels of a
# screen, with the network in full precision:

# %%
from helpers.images import as_saved

with torch.no_grad():
    content_error, style_error = errors(as_saved(image))
print(f"the saved painting: content error {content_error:.2f}, style error {style_error:.3f}")

# %% [markdown]
# The style error has come down from 0.78 to 0.033, to about a twenty-fourth. The content error of 0.91 looks terrible
# beside that, because features that are all zero would score 1. And yet you recognise the cat at once! The content
# error counts every change at `relu4_2`, also those of the fur's texture, and another texture is just what we asked
# for. So do not read it as "91 per cent of the cat is gone". It is a number to compare paintings with, and no more.
#
# Your own loop may do something else. Then its report often tells you which line is missing.
#
# **Exercise 4 · diagnose** · ●●○ · 15 minutes. Four friends have written the loop of the two pixels with Adam and η =
# 0.1, and each has made one mistake. The cell below prints what their loops report, and first a loop that is right.
# Which mistake is whose? Choose from `"no zero_grad"`, `"no clamp"`, `"no step"`, `"new Adam in every step"` and
# `"learning rate too small"`.


# %% tags=["spec", "folded"]
def report_of(mistake):
    """Print loss and pixels of a loop with one mistake, before some of its steps and at the end."""
    wanted = torch.tensor([0.9, 1.2])
    pixels = torch.tensor([0.2, 0.5], requires_grad=True)
    optimiser = torch.optim.Adam([pixels], lr=0.1)
    for step in range(41):
        if mistake == "new Adam in every step":
            optimiser = torch.optim.Adam([pixels], lr=0.1)
        if mistake != "no zero_grad":
            optimiser.zero_grad()
        loss = (pixels - wanted).square().sum()
        loss.backward()
        if step in (0, 1, 2, 8, 9, 10, 40):
            print(f"  {step:2} steps: loss {loss:.3f}, pixels {pixels[0]:.2f} and {pixels[1]:.2f}")
        if mistake != "no step":
            optimiser.step()
        if mistake != "no clamp":
            with torch.no_grad():
                pixels.clamp_(0, 1)


answers = {"Ada": "no clamp", "Ben": "new Adam in every step", "Cleo": "no step", "Dan": "no zero_grad"}
for name, mistake in {"no mistake": "", **answers}.items():
    print(f"{name}:")
    report_of(mistake)


def diagnosis_spec():
    return answers


# %% tags=["exercise"]
def my_diagnosis():
    """Return a dictionary: the name of a friend -> the mistake, in the words above."""
    # solution
    return {"Ada": "no clamp", "Ben": "new Adam in every step", "Cleo": "no step", "Dan": "no zero_grad"}


# %% tags=["check"]
from helpers.check import check

check(my_diagnosis, diagnosis_spec);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# One of them has a lower loss than the right loop. Is that a reason to be glad? Look at the pixels.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# An Adam that has just been made takes its first step, and you know how long that is. And what do the pixels do if they
# follow the sum of all the gradients so far, when they have already gone too far?
#
# </details>
#
# <!-- solution: my_diagnosis -->
#
# ## How large a step?
#
# The rate of 0.02 was our choice. To see what it does we need short experiments, so we put the loop into a function.
# It takes one learning rate for every step, because in a moment we shall want to change the rate on the way. (An
# optimiser keeps its settings in `param_groups`, and we may change them there.)

# %%
def paint_with_adam(start, loss, rates):
    """One step for each learning rate in `rates` -> the painting, and the loss before each step."""
    image = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([image])
    losses = []
    for rate in rates:
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        value = loss(image)
        value.backward()
        optimiser.step()
        with torch.no_grad():
            image.clamp_(0, 1)
        losses.append(value.item())
    return image.detach(), losses


# %% [markdown]
# **Your turn, before you run the next cell.** We paint a smaller cat for 40 steps, with a tenth of our rate, with our
# rate, and with ten times our rate. How far can a pixel get from the photo in 40 steps of 0.002? And which of the
# three would you expect to have the lowest loss, and which the best cat?
#
# <details><summary>Compare</summary>
#
# 40 steps of 0.002 make 0.08, about twenty of the 255 grey levels, and only if all of them go in the same direction.
# So with the smallest rate the photo must still be there. The largest rate ends with the lowest loss of the three,
# and it is the only one whose cat you have to look for. With 0.2 the first steps throw every pixel across a large
# part of the range, so the content of the photo is gone, and the loop has to find it again.
#
# </details>

# %% tags=["painting"]
small_photo = load("chelsea", small_size).to(vgg.device)  # (1, 3, 106, 160)
small_style = load("vangogh_wheat_field_cypresses", small_style_size).to(vgg.device)
small_errors = make_errors(small_photo, small_style, quick)
small_loss = make_loss(small_errors, 0.03)
tries = {rate: paint_with_adam(small_photo, small_loss, [rate] * 40) for rate in (0.002, 0.02, 0.2)}
images = [painting for painting, _ in tries.values()]
titles = [f"rate {rate}: loss {losses[-1]:.2f}" for rate, (_, losses) in tries.items()]
for rate, (painting, losses) in tries.items():
    with torch.no_grad():
        content_error, _ = small_errors(painting)
    print(f"rate {rate}: loss {losses[0]:.2f} at the start, at most {max(losses):.2f}, and {losses[-1]:.2f} at the end; "
          f"content error {content_error:.2f}")
show(images, titles, height=210,
     alt="Three pictures after 40 steps: at 0.002 the photo with a little grain, at 0.02 a painted cat, at 0.2 grainy blue "
     "and yellow strokes in which the cat can hardly be made out.")

# %% [markdown]
# With 0.002 you see the photo under a little grain, because no pixel could get further than 20 grey levels from it.
# With 0.02 the cat is painted. With 0.2 the loss first leaped to three times its value at the start, and then it fell
# below that of the other two. But where is the cat? The loss says that the third picture is the best, and hardly
# anybody would choose it. Its content error is 1.30, against 0.94 for the second, and with α = 0.03 the content
# counts for so little that this is cheap. In the second picture the cat is still there because we started from it and
# went in small steps.
#
# Many programs let the rate fall while they paint.
# [Dive into Deep Learning](https://d2l.ai/chapter_computer-vision/neural-style.html), for example, multiplies it by
# 0.8 after every 50 steps. Let us try a rate of 0.1 for 50 steps, once as it is, and once so that it falls to zero
# along half a cosine wave.
#
# **Your turn, before you run the next cell.** As long as the two rates are nearly equal, so will be the losses. Which of
# the two runs will be ahead at the end, and why?
#
# <details><summary>Compare</summary>
#
# The constant one is ahead. Around step 20 the falling rate has become clearly smaller, and from there on its pixels
# cannot go as far as they should. Its curve flattens because we stop it, and not because it has arrived.
#
# </details>

# %% tags=["painting"]
turns = torch.arange(50) / 50  # (50,), from 0 to almost 1
falling = 0.05 * (1 + torch.cos(torch.pi * turns))  # from 0.1 along half a wave down to 0
curves = {}
for name, rates in {"constant": [0.1] * 50, "falling": falling.tolist()}.items():
    _, losses = paint_with_adam(small_photo, small_loss, rates)
    curves[f"{name}: ends at {losses[-1]:.3f}"] = losses
plot(curves, xlabel="step", ylabel="loss",
     alt="Two loss curves that drop for one step, leap above 1 and then fall together until step 20; then the falling rate's curve flattens out, and "
     "the constant rate's goes on down.")

# %% [markdown]
# Here the falling rate did not get there sooner. It makes a run settle where it is, so the run has to be long enough
# to be somewhere by then. When you look at a loss curve that has become flat, always ask for its learning rate before
# you believe that the painting is finished.
#
# So the rate decides how far a painting can get from its start. What if the start itself is something else?
#
# ## Three kinds of noise
#
# All our paintings started from the photo so far. The paper starts from white noise, and shows in its figure 6 what
# the photo and the style picture give as starts. What do programs do? By default
# [the authors' own notebook](https://github.com/leongatys/PytorchNeuralStyleTransfer),
# [PyTorch's tutorial](https://docs.pytorch.org/tutorials/advanced/neural_style_tutorial.html) and
# [gordicaleksa's program](https://github.com/gordicaleksa/pytorch-neural-style-transfer) start from the photo, and
# they offer noise. In the first two, the line for it is there, but commented out.
# [neural-style](https://github.com/jcjohnson/neural-style) and its translation
# [neural-style-pt](https://github.com/ProGamerGov/neural-style-pt) start from noise unless you ask for something
# else.
#
# They all draw from a normal distribution, so you might think that they all start from the same thing. But a number
# has a unit. In neural-style an image runs from 0 to 256 and has its mean colour taken away, and then noise with a
# spread of 0.001 is drawn. (The commented line of Gatys' notebook has a spread of 1 in nearly the same unit, which is
# one grey level.) gordicaleksa takes 90 where pixels run to 255. PyTorch's tutorial takes 1 where pixels run from 0
# to 1.
#
# **Your turn, before you run the next cell.** What will the three starts look like on a screen, which cuts off
# everything below 0 and above 1? In which of them will half of all numbers be black, and why?
#
# <details><summary>Compare</summary>
#
# neural-style's noise is far below one grey level, so we see an even sheet in the mean colour. gordicaleksa's spread
# is about a third of the range around a middle colour, so most numbers stay inside. The tutorial's noise has its
# middle at 0, because nobody adds a mean colour in this unit. So half of its numbers are negative, and black.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
generator = torch.Generator().manual_seed(0)
normal = torch.randn(small_photo.shape, generator=generator).to(vgg.device)  # (1, 3, 106, 160), spread 1
starts = {
    "neural-style": vgg.mean + 0.001 * normal / 256,  # vgg.mean: the mean colour of ImageNet's photos
    "gordicaleksa": vgg.mean + 90 * normal / 255,
    "PyTorch's tutorial": normal,
}
for name, start in starts.items():
    starts[name] = start.clamp(0, 1)
    black = (start <= 0).float().mean()
    white = (start >= 1).float().mean()
    print(f"{name:18} spread {start.std(dim=(2, 3)).mean():.6f}, black {black:.2f}, white {white:.2f}")

# %% [markdown]
# From each of them we paint the same cat, with the same targets and 50 steps of the rate 0.05. The content weight is
# 0.1 now, because the cat is not there yet and has to be found. (All three are cut to 0 to 1 before the first step,
# as our loop does after every step.)

# %% tags=["painting"]
noise_loss = make_loss(small_errors, 0.1)
finished = []
titles = []
for start in starts.values():
    painting, losses = paint_with_adam(start, noise_loss, [0.05] * 50)
    finished.append(painting)
    titles.append(f"50 steps: loss {losses[-1]:.2f}")
show([*starts.values(), *finished], [*starts, *titles], columns=3, height=210,
     alt="Above, an even brownish grey sheet, medium noise and hard black noise; below, what 50 steps made of them: two eyes and a "
     "yellow nose in clean strokes, the same with fine grain, and the same in dull green under strong grain.")

# %% [markdown]
# From the even sheet a cat has come out, with a blue eye, a yellow nose and clean strokes. From gordicaleksa's noise
# the same cat looks through a fine chequered grain. From the tutorial's noise you have to search for it. The losses
# follow in the same order, 0.15, 0.19 and 0.27. The random numbers were the same three times. What differed was their
# spread and the colour around which they lie, and both follow from the unit.
#
# So when you read that somebody "started from white noise", you know very little. If you want noise only so that no
# photo is in it, an even sheet served better here, in 50 steps, because there was no grain in it that had to be
# removed first.
#
# **Exercise 5 · make a picture** · ●○○ · 10 minutes. What happens if you start from the style instead? The cell below
# cuts a piece out of the wheat field, as large as the photo, and paints the cat over it. Run it as it is and find the
# things that Van Gogh left behind. Then change one knob at a time. Try `my_start = small_photo`, or
# `torch.ones_like(small_photo)`, which is a white sheet, a weight of 0.02 or 1, and a rate of 0.01 or 0.2.

# %% tags=["painting"]
height, width = small_photo.shape[2:]
my_start = small_style[..., :height, -width:]  # (1, 3, 106, 160): the upper right corner
my_weight = 0.1
my_rate = 0.05
painting, losses = paint_with_adam(my_start, make_loss(small_errors, my_weight), [my_rate] * 40)
show([my_start, painting], ["the start", f"after 40 steps: loss {losses[-1]:.2f}"], height=300,
     alt="Left, clouds and a dark cypress of the wheat field; right, the same place with a round eye in the clouds and yellow "
     "strokes below, and the cypress still stands.")

# %% [markdown]
# <details><summary>What to look for</summary>
#
# The cypress is still there. The style error does not mind where a cypress stands. The content error does, but with
# this weight and in 40 steps it has not removed it. A round eye looks out of the clouds, where the photo has one, and
# the white clouds below it, where the cat's cheek should be, have turned the yellow of the wheat. When you turn the
# knobs, ask each time whether the cypress or the eye gets stronger, and whether the loss agrees with your eyes about
# which picture is better.
#
# </details>
#
# ## What do 9,000 steps buy?
#
# Our paintings took 50 or 90 steps. Others are more patient. gordicaleksa's program takes 3,000 steps of Adam,
# [the example of Keras](https://keras.io/examples/generative/neural_style_transfer/) takes 4,000 steps of SGD, and
# some people leave the computer alone overnight. Is that patience rewarded? We have painted 9,000 steps of Adam
# beforehand, with these two pictures:

# %%
colosseum = load("roman_colosseum", 256)  # (1, 3, 144, 256)
portrait = load("vangogh_self_portrait_1887", 256)  # (1, 3, 256, 202)
show([colosseum, portrait], ["content: the Colosseum in Rome", "style: Van Gogh, by himself, 1887"], height=300,
     alt="Left, dark arches of the Colosseum with warm light in them before a blue sky with one bright cloud; right, a man with a "
     "red beard, painted in short strokes of many colours.")

# %% [markdown]
# The start is the photo, the content weight is 0.03, the rate is 0.0015, and pixels are clamped after every step.
# (The network is VGG19 with its channels scaled until the mean activation of each is 1, as the paper did it.)
# `python -m tools.pictures.results 06_adam_9000` paints it again, in about an hour without a graphics card. These are
# its snapshots:

# %%
from helpers.images import read_settings

files = sorted((DATA / "results" / "06_adam_9000").glob("*000.jpg"))  # 1000.jpg, 3000.jpg, ...
titles = []
for file in files:
    settings = read_settings(file)
    style_error = sum(settings["style_errors"]) / 5
    titles.append(f"{settings['step']:,} steps")
    print(f"after {settings['step']:,} steps: content error {settings['content_error']:.3f}, style error {style_error:.4f}")
show([load(file, None) for file in files], titles, columns=2, height=300,
     alt="The Colosseum at several moments of the run, in short coloured strokes, with a pale face in the cloud at the right; "
     "in the later pictures the sky is greyer and full of dots, and the face is clearer.")

# %% [markdown]
# The first thousand steps took the style error from 2.35, as you will see in a moment, to 0.025, nearly a hundred
# times less. All the thousands after them together have only halved it once more. What does that buy for the eye? Go
# from picture to picture. Coloured dots spread over the sky, which turns from blue to the grey green of the portrait,
# and the strokes become harder. The arches were easier to recognise after 1,000 steps.
#
# Here is the whole run on one page. Both axes are logarithmic, so the same distance to the right always means the
# same *factor* in steps:

# %%
import json

import matplotlib.pyplot as plt

from helpers.show import figure

record = json.loads((DATA / "results" / "06_adam_9000" / "history.json").read_text())
for step in (1, 100, 1000, record["steps"][-1]):
    number = record["steps"].index(step)
    print(f"step {step:5,}: content error {record['content'][number]:.3f}, style error {record['style'][number]:.4f}")
fig, axes = plt.subplots(figsize=(7.5, 3.6))
axes.plot(record["steps"], record["style"], color="#c0572b", label="style error")
axes.plot(record["steps"][1:], record["content"][1:], color="#2b5a8c", label="content error")  # the first is 0
for file in files:
    axes.axvline(read_settings(file)["step"], color="grey", linestyle=":")
axes.set(xscale="log", yscale="log", xlabel="step", ylabel="error")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
figure(fig, alt="Two curves over up to 9,000 steps on logarithmic axes: the style error falls from above 2 to a few "
       "hundredths by step 1,000 and flattens; the content error rises to 0.7 within 100 steps and stays there.")

# %% [markdown]
# The style error falls fast from the first step to about the thousandth, and there its curve bends and flattens. The
# content error has done nearly all of its growing after 100 steps. So most of what this run can do for its loss has
# happened within the first thousand steps, and each further thousand costs as much and brings less.
#
# So what do more steps *not* buy? Let us look at the bright cloud of the photo, and at the face of the painter:

# %%
first = load(files[0], None)
last = load(files[-1], None)
cloud = (..., slice(24, 144), slice(160, 256))  # rows and columns, 120 x 96 pixels
face = (..., slice(40, 190), slice(40, 160))  # 150 x 120 pixels
show([colosseum[cloud], portrait[face], first[cloud], last[cloud]], ["the photo", "the portrait", titles[0], titles[-1]],
     height=290,
     alt="A bright cloud, the painter's face, and twice the cloud as it was painted: in both a pale face with a beard looks out of it, "
     "more clearly in the later one.")

# %% [markdown]
# A face has come out of the cloud, with an eye, a nose, an ear and the beginning of a beard, although nobody asked
# for a portrait in the sky. Nothing in the loss forbids it. A Gram matrix says which features fire together and not
# where, and one feature of `relu5_1` looks at a square of 156 pixels ([notebook 01](01_inside_vgg19.ipynb)), which is
# more than this whole face. To the loss a face is just one more of the painter's habits.
#
# More steps have not driven the ghost away. It is even clearer in the later picture, and the loss is lower. That is
# what 9,000 steps do not buy: they make the loss smaller, but they cannot repair a fault that the loss does not
# measure. For that you need another weight, another size or another loss.
#
# You have now written the loop that every painting of this series goes through, and you have met its weakness. Adam
# looks at one pixel at a time, and it never asks how the loss bends. [Notebook 07](07_painting_with_lbfgs.ipynb)
# does. It needs no learning rate, and with two further tricks it gets to the same loss in about a third of the
# evaluations.
#
# ## What to remember
#
# - The painting loop has six lines: clear the gradient, compute the loss, go back through the network, take a step, and clamp the
#   pixels without a gradient, which takes two.
# - In Adam the learning rate is a distance. In the first step every pixel moves by just that much, however small its gradient is, so the grain of the gradient appears everywhere at once.
# - A large rate can reach a lower loss and still lose the picture. Its first steps destroy what was there, and with a small content weight little calls it back. A falling rate makes a run
#   settle, whether it has arrived or not.
# - "Noise" says little until you know its unit. The same words name an even sheet, a coloured grain and a nearly black one.
# - Most of a run's gain comes early. More steps make the loss smaller, and they cannot repair what the loss does not measure.
#
# ## Three questions
#
# Answer each in your own words before you unfold it.
#
# 1. A friend forgets `zero_grad`, and her painting gets *worse* after some time, although each gradient is right. Why?
#
# <details><summary>Answer</summary>
#
# PyTorch adds new gradients to the old ones, so she follows the sum of all gradients so far. When a pixel has reached
# its best value, the sum still points on, and the pixel goes too far. It takes many steps until the newer gradients
# outweigh the old ones.
#
# </details>
#
# 2. You multiply the whole loss by 1,000. Which of these must you change to get the same painting: SGD's learning rate, Adam's
#    learning rate, Adam's ε?
#
# <details><summary>Answer</summary>
#
# SGD's rate has to become 1,000 times smaller, because its step is the rate times the gradient. Adam's rate stays,
# because it is a distance. Adam's ε has the unit of the gradient, so it has to become 1,000 times larger (which only
# matters if it was not tiny before).
#
# </details>
#
# 3. Somebody shows you a painting and says that it started "from white noise". Which two numbers do you ask for before you try
#    to repeat it?
#
# <details><summary>Answer</summary>
#
# The spread of the noise, and the unit of the pixels in which it was drawn, which also says around which colour. A
# spread of 1 is one grey level where pixels run to 255, and hard black noise where they run to 1.
#
# </details>
#
# ## On your own
#
# - Load the style at 160 and at 640 pixels. What happens to the strokes, and why?
# - Give Adam `betas=(0.5, 0.999)`, and then `betas=(0.99, 0.999)`. What do you see in the loss curve of the first twenty steps?
# - Paint from neural-style's start with three seeds. How much do the losses differ, and how much do the pictures?
#
# **In practice.** Start from the photo with a rate of 0.02, and look at the picture after 50 steps before you ask for
# 500. `optimise(start, loss, steps, method="adam")` from `helpers.transfer` is this notebook's loop, and it
# also goes back to the best image when a loss becomes NaN, which means "not a number".
#
# **Further reading.**
# [Gatys, Ecker and Bethge (2016)](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf),
# figure 6: the same painting from the photo, from the style and from noise.
# [Kingma and Ba (2015)](https://arxiv.org/abs/1412.6980), section 2: Adam on one page, with the reason for the hats
# in section 3. [PyTorch's page on optimisers](https://docs.pytorch.org/docs/stable/optim.html): how to let a rate
# fall with a scheduler.
#
# <!-- bottom -->
