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
# # Paint with L-BFGS
#
# > **The question** Adam treats every pixel by itself, and never asks how the slope changes from place to place. What does a painter gain by remembering that, and what does the memory cost?
# > **You will make** your own L-BFGS, equal to PyTorch's, a race of five painters over six pairs of pictures, and a painting in thirty evaluations.
# > **You need** the loop of [notebook 06](06_painting_with_adam.ipynb) and the loss of [notebook 05](05_the_total_loss.ipynb); we repeat each in a sentence. The symbols are in the [table of notation](00_start_here.ipynb#Notation).
# > **Time** about 75 minutes to read and run, and 75 minutes for the exercises; the computing in it takes about 80 seconds on a laptop

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Below is a cup of coffee on its way to becoming a church window. You see the photo, the painting after 1, 2, 5 and
# 10 steps of PyTorch's L-BFGS, and the style. Nobody had to search for a learning rate (the size of Adam's steps),
# and after a single step the cup already stands there in pieces of glass.

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "07_steps.jpg", 958),
     alt="A cup of coffee on a red saucer; the same after 1, 2, 5 and 10 steps as bright stained glass, whose "
     "colours deepen from step to step and whose joints turn black; and a round church window.")

# %% [markdown]
# That sounds too good, and one word in it is a trick. A "step" in this picture is not what you called a step in
# notebook 06, and we will find out what it is. The cup was painted beforehand at 384 pixels (`python -m
# tools.pictures.results 07_steps` paints it again; its loss also holds a little total variation, which keeps the
# panes smooth). The method that made it is older than deep learning, and it uses a single idea: if you remember where
# you were and how steep it was there, you know something about the shape of the ground.
#
# These are the sizes and counts of the paintings that you will make yourself. One **evaluation** is one trip through the
# network and back, which gives the loss and its slope for every pixel:

# %% tags=["settings"]
import torch

size = 160  # pixels of the photo's long side
style_size = 200
evaluations = 30  # of each painter in the live race

# %% [markdown]
# ## A valley one can see
#
# A painting has thousands of numbers, and nobody can picture a landscape with thousands of directions. So let us begin
# with two numbers, $x_1$ and $x_2$, and with a loss that is a valley: $L(x) = \frac{1}{2} x^\top Q\, x$, where $Q$ is a
# small table of four numbers.
#
# The **gradient** says, for each number of $x$, how fast the loss grows if this number grows a little. For this loss it is
# simply $g = Q x$. We stand at (3, −2), and you can check the first line in your head: 11 · 3 − 9 · 2 is 15.

# %%
# NBVAL_CHECK_OUTPUT
Q = torch.tensor([[11.0, 9.0], [9.0, 11.0]], dtype=torch.float64)  # (2, 2)
start = torch.tensor([3.0, -2.0], dtype=torch.float64)  # (2,)
steep = torch.tensor([1.0, 1.0], dtype=torch.float64)
flat = torch.tensor([1.0, -1.0], dtype=torch.float64)
print("gradient at (3, -2):       ", (Q @ start).tolist())
print("it changes along (1, 1) by ", (Q @ steep).tolist())
print("it changes along (1, -1) by", (Q @ flat).tolist())

# %% [markdown]
# The other two lines say how the gradient changes as you walk. If you walk by (1, 1), it changes by 20 times your walk; if
# you walk by (1, −1), only by 2 times. How fast the slope changes is called the **curvature**, and the table $Q$ holds the
# curvature in every direction. (For any loss, the table of all curvatures at one point is called its **Hessian**.) So this
# is a long valley: its walls bend upwards ten times as fast as its floor.
#
# Gradient descent takes a step against the gradient, $x - \eta g$, with one step size $\eta$ for all directions. Across
# the valley, each step multiplies the distance from the bottom by $1 - 20 \eta$; along the floor, by $1 - 2 \eta$.
#
# **Your turn, before you run the next cell.** From which η on does gradient descent climb the walls instead of going down?
# And with η = 0.09, how much of the distance along the floor is left after one step?
#
# <details><summary>Compare</summary>
#
# If η is larger than 0.1, then 1 − 20η is below −1, so each step overshoots and lands higher on the other wall. With
# 0.09 the walls are safe, but along the floor 0.82 of the distance remains after each step. The steep direction
# forbids the step size that the flat one needs.
#
# </details>
#
# There is a cure, if you know the curvature. **Newton's method** divides the gradient by it: $x - Q^{-1} g$. A steep
# direction gets a short step, and a flat direction gets a long one. In a valley like ours it lands on the bottom at once,
# because $Q^{-1} g = Q^{-1} Q x$ is just $x$.

# %%
# NBVAL_CHECK_OUTPUT
descent = [start]
for _ in range(20):
    gradient = Q @ descent[-1]
    descent.append(descent[-1] - 0.09 * gradient)
newton = start - torch.linalg.solve(Q, Q @ start)  # solve(Q, g) is Q⁻¹ g
for count in (1, 2, 10, 20):
    print(f"gradient descent, {count:2} steps: {descent[count].norm():.2f} from the bottom")
print(f"Newton,            1 step:  {newton.norm():.2f} from the bottom")

# %%
import matplotlib.pyplot as plt

from helpers.show import figure

x1, x2 = torch.meshgrid(torch.linspace(-1.5, 3.8, 99), torch.linspace(-3.2, 1, 99), indexing="xy")
heights = 5.5 * x1**2 + 9 * x1 * x2 + 5.5 * x2**2  # L(x), written out
fig, axes = plt.subplots(figsize=(7.6, 5.6), subplot_kw={"aspect": "equal"})
axes.contour(x1, x2, heights, [0.3, 2, 6, 12, 24, 48], colors="0.75")
axes.plot(*torch.stack(descent).T, "o-", color="#c0572b", markersize=4, label="gradient descent, 20 steps")
axes.plot(*torch.stack([start, newton]).T, "o-", color="#2b5a8c", label="Newton, 1 step")
axes.set(xlabel="x₁", ylabel="x₂")
axes.legend(frameon=False)
figure(fig, alt="Contour lines of a narrow valley, slanted from the upper left to the lower right; gradient descent "
       "zigzags towards its middle in ever smaller steps, and Newton's line goes straight there.")

# %% [markdown]
# The grey lines join points of equal loss. Gradient descent jumps from wall to wall, because downhill is not the same
# direction as towards the bottom. Newton's step goes there straight.
#
# So why does nobody paint with Newton's method? Let us count what $Q$ would hold for a painting. It needs one number for
# each *pair* of numbers of the image:

# %%
# NBVAL_CHECK_OUTPUT
for pixels in (128, 512):
    numbers = 3 * pixels**2
    print(f"{pixels} x {pixels} pixels: {numbers:,} numbers, and a Hessian of {4 * numbers**2 / 1e9:,.1f} GB")

# %% [markdown]
# Almost ten gigabytes for a stamp, and two and a half terabytes for a small painting. We cannot even store the
# curvature, let alone divide by it. But perhaps we do not need all of it.
#
# ## What a step tells about the curvature
#
# You walk from one point to another and measure the gradient at both. Call your step $s$, and the change of the gradient
# $y$. In our valley, $y = Q s$ exactly; on any other smooth ground it is nearly so, if the step is short. So every step
# that you take anyway tells you what the curvature does to one direction, and it costs nothing extra.
#
# **L-BFGS**, by [Nocedal (1980)](https://doi.org/10.1090/S0025-5718-1980-0572855-7) and [Liu and Nocedal
# (1989)](https://doi.org/10.1007/BF01589116), keeps the last few of these pairs $(s, y)$. (The letters after the L are
# four people: Broyden, Fletcher, Goldfarb and Shanno. The L stands for limited memory.) From the pairs it builds a guess
# $B$ of $Q^{-1}$, the thing that Newton multiplies the gradient with. A good guess should at least turn the change $y$
# back into the step $s$ that caused it. The guess begins as a single number times the identity, and each pair corrects it:
#
# $$B \leftarrow (I - \rho\, s\, y^\top)\, B\, (I - \rho\, y\, s^\top) + \rho\, s\, s^\top \qquad\text{with}\qquad \rho = \frac{1}{y^\top s}$$
#
# Read it from the right. The last term makes $B$ send $y$ to $s$: $\rho\, s\, s^\top y$ is $s$. The two brackets
# remove from the old guess whatever it had to say about $y$, so that nothing disturbs this; multiply the right
# bracket by $y$, and you get $y - y = 0$. Here it is, with two pairs from the zigzag above:


# %%
from helpers.check import close


def guess(pairs):
    """Pairs (s, y) of (n,) vectors, oldest first -> the guess B, (n, n)."""
    s, y = pairs[-1]
    identity = torch.eye(len(s), dtype=s.dtype)
    B = (s @ y) / (y @ y) * identity  # the number to begin with comes from the newest pair
    for s, y in pairs:
        rho = 1 / (y @ s)
        bracket = identity - rho * torch.outer(y, s)
        B = bracket.T @ B @ bracket + rho * torch.outer(s, s)
    return B


pairs = []
for before, after in ((descent[0], descent[1]), (descent[1], descent[2])):
    pairs.append((after - before, Q @ after - Q @ before))
s, y = pairs[-1]
close("B y and s", guess(pairs) @ y, s)

# %% [markdown]
# The newest pair fits, as it must. But $B$ is as large as $Q$, so what have we gained? The gain is that we never need
# $B$ itself. We need $B g$, which is one list as long as the image, and each bracket only subtracts a multiple of a
# stored $y$ or $s$. Carried out in the right order, this becomes the **two-loop recursion**.
#
# The first loop goes from the newest pair to the oldest, and applies the right-hand brackets to the gradient. In the
# middle comes the number that the guess begins with. The second loop goes back from the oldest to the newest; it applies
# the left-hand brackets and adds the last terms.


# %%
def two_loop(gradient, pairs):
    """Return B times the gradient, (n,), and never make B."""
    q = gradient.clone()
    alphas = []
    for s, y in reversed(pairs):  # newest first
        alpha = (s @ q) / (y @ s)
        q = q - alpha * y
        alphas.append(alpha)
    s, y = pairs[-1]
    r = (s @ y) / (y @ y) * q
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):  # oldest first
        beta = (y @ r) / (y @ s)
        r = r + (alpha - beta) * s
    return r


close("B g with the matrix, and in two loops", guess(pairs) @ (Q @ start), two_loop(Q @ start, pairs))

# %% [markdown]
# With $m$ pairs this takes about $4m$ sums over the image, which is nothing beside a trip through VGG19. Where does the
# number in the middle come from? It is the number by which you have to multiply $y$ to come as close to $s$ as possible:
# the derivative of $\lVert s - c\, y \rVert^2$ by $c$ is zero at $c = s^\top y \,/\, y^\top y$.
#
# Only the first step is missing, when there are no pairs yet. PyTorch then goes against the gradient, by $\min(1,\, 1 /
# \lVert g \rVert_1)$ times its length, where $\lVert g \rVert_1$ is the sum of the absolute values. That makes all of
# L-BFGS fit into one cell:


# %%
def lbfgs(x, steps, history=100):
    """Return the points that our own L-BFGS visits in the valley, (steps + 1, 2)."""
    gradient = Q @ x
    points = [x]
    pairs = []
    for _ in range(steps):
        if pairs:
            s = -two_loop(gradient, pairs)
        else:
            s = -gradient * (1 / gradient.abs().sum()).clamp(max=1)
        new_gradient = Q @ (x + s)
        y = new_gradient - gradient
        pairs = [*pairs, (s, y)][-history:]  # the oldest pair is forgotten
        x = x + s
        gradient = new_gradient
        points.append(x)
    return torch.stack(points)


# %% [markdown]
# And here is [PyTorch's own](https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html), with a note of every
# point that it visits. (Why it wants a function called `closure`, and what the two tolerances are, will become clear in a
# moment.)
#
# **Your turn, before you run the next cell.** $Q$ is known completely after two pairs, because two directions are all
# that there are. Will our L-BFGS therefore stand at the bottom after its third step? Look at the formula, and ask
# what a new pair does to what the guess knew about the older one.
#
# <details><summary>Compare</summary>
#
# It will not. A correction makes $B$ exact for the newest pair, and while it removes what the old guess said about
# the new $y$, it also changes what it said about the older one. So $B$ has to be corrected again. After the third
# step the distance falls very fast, by a factor of about eight or more in each step, but it does not end at a fixed step.
#
# </details>


# %%
def torch_lbfgs(x, steps):
    """Return the points that PyTorch's L-BFGS visits in the valley, (steps + 1, 2)."""
    x = x.clone().requires_grad_()
    points = []
    optimiser = torch.optim.LBFGS([x], max_iter=steps, tolerance_grad=0, tolerance_change=0)

    def closure():
        points.append(x.detach().clone())
        x.grad = Q @ x.detach()
        return 0.5 * x.detach() @ x.grad

    optimiser.step(closure)
    return torch.stack([*points, x.detach()])


ours = lbfgs(start, 6)
theirs = torch_lbfgs(start, 6)
close("seven points, ours and PyTorch's", ours, theirs)
for step, point in enumerate(ours):
    print(f"after {step} steps: {point.norm():.6f} from the bottom")

# %% [markdown]
# Our seven points are PyTorch's, so what you have just read is the real thing. Now read the distances. The first two
# steps gain little, the third lands at 0.73, and the fourth ends within a thousandth of the bottom, where gradient
# descent after twenty steps was still 0.07 away.
#
# Even one pair *would* be enough if each step went exactly as far as it should. Suppose that along every direction $d$ we
# walk to the lowest point of that line. In our valley we can compute how far that is: the slope along $d$ is zero at
# the length $t = -g^\top d \,/\, d^\top Q\, d$.

# %%
# NBVAL_CHECK_OUTPUT
x = start
pairs = []
for step in (1, 2):
    gradient = Q @ x
    d = -two_loop(gradient, pairs) if pairs else -gradient
    t = -(gradient @ d) / (d @ Q @ d)  # to the lowest point of this line
    x = x + t * d
    pairs.append((t * d, Q @ (t * d)))
    print(f"after {step} exact steps: {x.norm():.3f} from the bottom")

# %% [markdown]
# Two steps for two numbers. That is a theorem for every valley of this kind: with exact lengths, $n$ numbers need at
# most $n$ steps ([Nocedal and Wright](https://doi.org/10.1007/978-0-387-40065-5), theorem 6.4, for the full-memory
# method). Nobody computes exact lengths for a painting, since each trial costs an evaluation. But how far to go along
# a direction is clearly worth a thought, and we will come back to it.
#
# One thing should make you suspicious already. The very first step has no pair to tell it how long to be, and PyTorch's
# rule looks at the sum of all absolute values of the gradient.
#
# **Exercise 1 · predict** · ●●○ · 10 minutes. We stand at (3, −2), where the gradient is (15, 5), and multiply the
# loss by a factor. For each of the factors 1, 100, 0.01 and 0.001, how far does PyTorch's first step go? Add the
# absolute values of its two numbers. The last question is about the *second* step: if the loss is multiplied by 100,
# by which factor does the second step change?


# %% tags=["spec", "folded"]
def lengths_of_first_steps():
    curvature = torch.tensor([[11.0, 9.0], [9.0, 11.0]], dtype=torch.float64)

    def walk(factor, steps):
        x = torch.tensor([3.0, -2.0], dtype=torch.float64).requires_grad_()
        points = []
        settings = {"max_iter": steps, "max_eval": 99, "tolerance_grad": 0, "tolerance_change": 0}
        optimiser = torch.optim.LBFGS([x], **settings)

        def closure():
            points.append(x.detach().clone())
            x.grad = factor * curvature @ x.detach()
            return 0.5 * x.detach() @ x.grad

        optimiser.step(closure)
        points.append(x.detach().clone())
        return points

    lengths = {}
    for factor in (1, 100, 0.01, 0.001):
        points = walk(factor, 1)
        lengths[factor] = (points[1] - points[0]).abs().sum().item()
    usual = walk(1, 2)
    hundredfold = walk(100, 2)
    second = (hundredfold[2] - hundredfold[1]).norm() / (usual[2] - usual[1]).norm()
    lengths["second step"] = second.item()
    return lengths


# %% tags=["exercise"]
def my_lengths():
    """Return the length of the first step for each factor, and what the second step is multiplied by."""
    # solution
    return {1: 1, 100: 1, 0.01: 0.2, 0.001: 0.02, "second step": 1}


# %% tags=["check"]
from helpers.check import check

check(my_lengths, lengths_of_first_steps);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The sum of the absolute values of (15, 5) is 20, times the factor. When is $1 / \lVert g \rVert_1$ the smaller one
# of the two numbers in $\min(1,\, 1 / \lVert g \rVert_1)$?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# With the factor 100, the first step is the same as with 1, and so $s$ is the same. The change $y$ of the gradient is
# 100 times as large. What happens to $B$, and what to $B g$?
#
# </details>
#
# <!-- solution: my_lengths -->
#
# For a large gradient the first step moves all numbers of the image *together* by 1. An image of 160 × 107 pixels has
# 51,360 numbers, so each moves by a fifty-thousandth, and you will see nothing. That is why L-BFGS seems to sleep during
# its first evaluations. For a tiny gradient it is shorter still. From the second step on the pairs set the scale, and
# the unit of the loss cancels.
#
# ## The closure, and what a step is
#
# Now we paint. The two pictures are the coffee and the window of the hero, and the network is VGG19, the one that
# judges pictures throughout this series. `fast` lets it compute with numbers of 16 bits instead of 32 if your
# processor has units for that, which about halves the time.

# %%
from helpers.colours import matched_colour
from helpers.fast import fast, pyramid
from helpers.vgg import VGG

vgg = fast(VGG())
photo = load("coffee", size).to(vgg.device)  # (1, 3, 107, 160)
style = load("stained_glass", style_size).to(vgg.device)  # (1, 3, 200, 200)
show([load("coffee", 384), load("stained_glass", 384)], ["content: the photo", "style: the window"], height=256,
     alt="Left, a cup of coffee on a red saucer on a wooden table; right, a round window of stained glass in "
     "blue, red and gold with black joints.")

# %% [markdown]
# The loss is that of notebook 05. The style error compares Gram matrices (tables of which features fire together) at five
# layers and takes the mean; the content error compares the features at `relu4_2` place by place; and the
# content weight says how much of the photo we want to keep. Both errors are 0 for a perfect match and 1 for features that
# are zero everywhere.

# %%
from helpers.losses import content_loss, gram, style_loss

layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def make_loss(photo, style, content_weight=0.05):
    """Return a function: image -> total loss."""
    with torch.no_grad():
        content_target = vgg(photo, ["relu4_2"])["relu4_2"]  # (1, 512, h, w)
        style_targets = {layer: gram(f) for layer, f in vgg(style, layers).items()}  # (C, C) each

    def loss(image):
        features = vgg(image, [*layers, "relu4_2"])
        style_errors = [style_loss(features[layer], style_targets[layer]) for layer in layers]
        content_error = content_loss(features["relu4_2"], content_target)
        return sum(style_errors) / 5 + content_weight * content_error

    return loss


# %% [markdown]
# With Adam, you computed the gradient and then called `optimiser.step()`. L-BFGS cannot work like that. It takes several
# steps in one call, and for each of them it needs the gradient at a place that it has just chosen itself. So we hand it a
# function that it can call whenever it wants to know: *what are the loss and the gradient here?*
#
# Such a function takes no arguments, because it remembers what it needs (the image, the loss, a list for the values)
# from the place where it was made. A function that carries its surroundings with it is called a **closure**.


# %%
def make_closure(image, loss, values):
    """Return a function that evaluates the loss and its gradient, and notes the value."""

    def closure():
        image.grad = None
        value = loss(image)
        value.backward()
        values.append(value.item())
        return value

    return closure


# %% [markdown]
# **Your turn, before you run the next cell.** We call `step` once, with the settings that PyTorch chooses by itself.
# Adam would run the network once. What do you expect of L-BFGS, and where in its documentation would you look?
#
# <details><summary>Compare</summary>
#
# It runs the network twenty times. The documentation lists `max_iter=20`, and explains it as the "maximal number of
# iterations per optimization step". So one *step* of PyTorch is up to twenty *steps* of L-BFGS as Nocedal would count
# them, and each needs one evaluation.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
loss = make_loss(photo, style)
image = photo.clone().requires_grad_()
values = []
optimiser = torch.optim.LBFGS([image])
optimiser.step(make_closure(image, loss, values))
print(len(values), "evaluations in one call of step")

# %% [markdown]
# So that was the trick in the hero. Its "10 steps" are 200 evaluations. Whenever somebody tells you that L-BFGS
# paints in ten iterations, ask what an iteration was.
#
# Programs that know this count evaluations inside the closure, and still get a surprise.
# [PyTorch's tutorial](https://docs.pytorch.org/tutorials/advanced/neural_style_tutorial.html) wants 300 and writes
# `while run[0] <= num_steps` around its call of `step`;
# [Gatys' notebook](https://github.com/leongatys/PytorchNeuralStyleTransfer) does the same with 500. What does that
# amount to? We need no network to find out, only a loss that lasts long enough: a valley with 500 directions.
#
# **Your turn, before you run the next cell.** The loop asks "no more than 300 so far?" only *between* the calls. How many
# evaluations will there be?
#
# <details><summary>Compare</summary>
#
# After fifteen calls there have been exactly 300. That is still "no more than 300", and so a sixteenth call follows,
# with another twenty.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
steepness = torch.logspace(0, 4, 500)  # curvatures from 1 to 10,000


def long_valley(x):
    return (steepness * x**2).sum()


for wanted in (300, 500):
    x = torch.ones(500, requires_grad=True)
    count = []
    optimiser = torch.optim.LBFGS([x], tolerance_grad=0, tolerance_change=0)
    closure = make_closure(x, long_valley, count)
    while len(count) <= wanted:
        optimiser.step(closure)
    print(f"{wanted} wanted, {len(count)} made")

# %% [markdown]
# "300 steps" in the tutorial are 320 evaluations, and Gatys' 500 are 520. That matters little for a painting, but it
# matters if you compare two programs by their step counts. In this series we count evaluations and nothing else,
# because they are what takes the time.
#
# ## What the memory costs, and what it buys
#
# A pair $(s, y)$ is two lists as long as the image. PyTorch keeps up to 100 pairs unless you say otherwise, in 32-bit
# numbers of four bytes. How much is that?

# %%
# NBVAL_CHECK_OUTPUT
for history in (5, 20, 100):
    line = f"{history:3} pairs:"
    for side in (256, 512, 1024, 2048):
        gigabytes = 2 * history * (3 * side**2) * 4 / 1e9
        line += f"  {gigabytes:5.2f} GB at {side}"
    print(line)

# %% [markdown]
# A hundred pairs are 0.63 GB for a square painting of 512 pixels, and ten gigabytes at 2,048, where many graphics
# cards end. With five pairs even the largest of them needs only half a gigabyte.
#
# What do you lose with five? We run the long valley for 300 evaluations, and a painting of 64 pixels, which is cheap, for
# 150. `optimise` from the helpers runs any optimiser for a given number of evaluations; it is the loop of notebook 06 with
# a safety net. (It also asks for a line search, which is the subject of the next section.) Only the length of the history
# changes:

# %%
from functools import partial

from helpers.transfer import optimise

thorough = {"tolerance_grad": 0, "tolerance_change": 0, "max_iter": 10**6, "line_search_fn": "strong_wolfe"}
small_photo = load("coffee", 64).to(vgg.device)
small_loss = make_loss(small_photo, load("stained_glass", 80).to(vgg.device))
for history in (1, 5, 50):
    x = torch.ones(500, requires_grad=True)
    walk = []
    optimiser = torch.optim.LBFGS([x], history_size=history, max_eval=300, **thorough)
    optimiser.step(make_closure(x, long_valley, walk))
    method = partial(torch.optim.LBFGS, history_size=history, **thorough)
    painting = optimise(small_photo, small_loss, 150, method=method, pixels="fence").history
    print(f"{history:2} pairs: the valley falls to {walk[-1] / walk[0]:.0e} of its start, "
          f"the painting from {painting[0]:.2f} to {min(painting):.4f}")

# %% [markdown]
# In the valley, five pairs end about ten times as low as one pair, and fifty pairs two or three times as low again.
# For this painting the history hardly counts: between one pair and fifty, the loss differs by a few hundredths of its
# value. A longer run at full precision may tell them apart more clearly. So a large picture need not be a reason to
# give up L-BFGS. If memory is short, keep five pairs.
#
# ## How far along?
#
# L-BFGS knows a direction. It also suggests how far to go, namely as far as its guess of the curvature says, but this is
# only a promise. Where can that go wrong? Take a valley in one number that flattens far out, $\sqrt{1 + x^2}$. It looks
# like a parabola near zero and like a straight slope far away. We start at 3.
#
# **Your turn, before you run the next cell.** Out there the slope hardly changes from one point to the next. What
# will the first pair say about the curvature, and how long will the second step be?
#
# <details><summary>Compare</summary>
#
# A slope that hardly changes means hardly any curvature. Newton's rule divides by the curvature, and so the second step is
# far too long: it jumps over the bottom and lands far out on the other side, where the slope changes even less.
#
# </details>


# %%
def soft_valley(x):
    return (1 + x**2).sqrt().sum()


def visited(line_search):
    """Return the points at which PyTorch's L-BFGS evaluates the soft valley."""
    x = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
    points = []
    optimiser = torch.optim.LBFGS([x], max_iter=8, line_search_fn=line_search)
    evaluate = make_closure(x, soft_valley, [])

    def closure():
        points.append(x.item())
        return evaluate()

    optimiser.step(closure)
    return points


for line_search in (None, "strong_wolfe"):
    points = [f"{x:.2g}" for x in visited(line_search)]
    print(f"{str(line_search):12}", ", ".join(points))

# %% [markdown]
# Without help it runs away. From 2.1 it jumps to −15, later to 790, and then to minus a hundred million. With a **line
# search** it is not content with its first step, tries two other lengths along the same direction, and is at the bottom
# soon. What was wrong with 2.1?
#
# PyTorch's line search asks two things of a length $t$ along a direction $d$. They are called the **strong Wolfe
# conditions**:
#
# $$L(x + t d) \le L(x) + c_1\, t\, g^\top d \qquad\text{and}\qquad |g_t^\top d| \le c_2\, |g^\top d|$$
#
# Here $g$ is the gradient at the start of the line, $g_t$ the gradient at the length $t$, $c_1 = 0.0001$ and
# $c_2 = 0.9$. In words: the loss must have fallen by at least a ten-thousandth of what the slope promised, and the
# slope along the line must have become at least a tenth flatter. Here are both for the three points of the first
# line, which all lie to the left of 3:

# %%
# NBVAL_CHECK_OUTPUT
height = (1 + 3.0**2) ** 0.5  # of the valley at 3
slope = 3.0 / height  # its derivative there
for x in (2.05, -2.5, 0.08):
    new_height = (1 + x**2) ** 0.5
    new_slope = x / new_height
    fallen = (height - new_height) / (slope * (3 - x))
    print(f"at {x:5}: it has fallen by {fallen:.2f} of the promise, and the slope is {abs(new_slope) / slope:.2f} of what it was")

# %% [markdown]
# All three have fallen enough. But at 2.05 the slope is still 0.95 of what it was, and at −2.5 it is even 0.98, on
# the other side. Only the third passes. That is what the second condition is good for. It makes sure that a step is
# long enough to have seen the curvature, so that the pair it leaves behind is worth keeping: $y^\top s$ is positive,
# and the two ends differ.
#
# The price is at least one extra evaluation whenever the first trial is refused. The settings of PyTorch have no line
# search, so you have to ask for it with `line_search_fn="strong_wolfe"`. The helper `optimise` does.
#
# **Exercise 2 · build** · ●●○ · 15 minutes. You can do better than trying lengths at random. A trial step of the
# whole length $d$ has been made, and you know the gradient at both of its ends. Suppose that the ground is a valley
# like that of $Q$. At which length $t$ is the slope *along* $d$ zero? (You are not told $Q$.)


# %% tags=["spec"]
import torch


class Trial:
    """A step d from x to x + d in a valley of six numbers, and the gradient at both ends."""

    def __init__(self, seed, length):
        generator = torch.Generator().manual_seed(seed)
        root = torch.randn(6, 6, generator=generator, dtype=torch.float64)
        x = torch.randn(6, generator=generator, dtype=torch.float64)
        self._curvature = root @ root.T + torch.eye(6, dtype=torch.float64)
        self.gradient = self._curvature @ x
        noise = torch.randn(6, generator=generator, dtype=torch.float64)
        self.direction = length * (noise - self.gradient)
        self.gradient_after = self.gradient + self._curvature @ self.direction

    def slope(self, t):
        return (self.gradient + t * self._curvature @ self.direction) @ self.direction


def length_fault(t, trial):
    share = trial.slope(float(t)) / trial.slope(0.0)
    if abs(share) > 1e-6:
        return f"at your length {float(t):.4f} the slope along d is still {share:.1%} of what it was at the start"
    return ""


# %% tags=["exercise"]
def my_length(trial):
    """trial.direction, .gradient at x, .gradient_after at x + d, (6,) each -> the length t, one number."""
    # solution
    slope = trial.gradient @ trial.direction
    slope_after = trial.gradient_after @ trial.direction
    return slope / (slope - slope_after)


# %% tags=["check"]
from helpers.check import each, judge

judge(my_length, length_fault, each(Trial(0, 1.0), Trial(1, 0.01), Trial(2, 30.0), Trial(3, -0.5)));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The slope along $d$ is one number, $g^\top d$. In such a valley the gradient changes in proportion to how far you
# go. So what kind of curve is the slope, drawn over $t$?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# It is a straight line, and you know its height at $t = 0$ and at $t = 1$. Where does it cross zero?
#
# </details>
#
# <!-- solution: my_length -->
#
# ## Two ways to fool it
#
# L-BFGS trusts what it is told. In the next two experiments it is told something that misleads it, and both mistakes are
# common in published code. For both, two numbers are enough.
#
# ### A loss in tiny units
#
# Multiply a loss by one millionth, and nothing changes: the best painting is the same painting. Yet somebody who uses mean
# squares instead of sums does just that.
#
# **Your turn, before you run the next cell.** PyTorch stops when no number of the gradient is larger than
# `tolerance_grad`, which is 1e-7, or when a step changes the loss by less than `tolerance_change`, 1e-9. Our gradient
# is (15, 5). For which of the factors 1, 1e-4, 1e-9 does it stop before it has moved at all? Does it help to set both
# tolerances to 0?
#
# <details><summary>Compare</summary>
#
# With the factor 1e-9, the largest number of the gradient is 1.5e-8, which is "small enough" at the very first
# evaluation. With the tolerances at 0 it goes on, and still gets nowhere. There is a third threshold, and it is no
# argument that you could set: a pair is kept only if $y^\top s > 10^{-10}$. Without pairs every step is the gradient
# times 1, which is tiny.
#
# </details>


# %%
def in_units_of(factor, **settings):
    """Run up to 25 evaluations in the valley, and report them, the pairs kept, and where it ended."""
    x = start.clone().requires_grad_()
    values = []
    optimiser = torch.optim.LBFGS([x], max_iter=25, **settings)

    def scaled(x):
        return factor * 0.5 * (x @ Q @ x)

    optimiser.step(make_closure(x, scaled, values))
    kept = len(optimiser.state[x].get("old_stps", []))
    return f"evaluations {len(values):2}, pairs {kept}, distance from the bottom {x.detach().norm():.1e}"


zero = {"tolerance_grad": 0, "tolerance_change": 0}
for factor in (1, 1e-4, 1e-9):
    print(f"loss x {factor:5g}: {in_units_of(factor)}")
    print(f"    tolerances 0: {in_units_of(factor, **zero)}")

# %% [markdown]
# The last two lines have not left the start, which is 3.6 from the bottom. With its usual tolerances the optimiser
# says after one evaluation that it has finished; with tolerances of 0 it works for 25 evaluations without moving.
# Neither raises an error, and you would conclude that L-BFGS does not work. (PyTorch has one more test: it also stops
# when the slope along its direction, $g^\top d$, is above −`tolerance_change`.)
#
# Users of neural-style met such stops in [2015](https://github.com/jcjohnson/neural-style/issues/53) and
# [2016](https://github.com/jcjohnson/neural-style/issues/254), with the message "function value changing less than
# tolX". So do both: set the tolerances to 0 *and* bring the loss to a size of about 1. Our relative errors have that
# size by themselves.
#
# ### An image that is edited behind its back
#
# Pixels must stay between 0 and 1. With Adam we clamped them after every step. Adam keeps no pairs, so a clamp cannot
# make any of them false. PyTorch's tutorial clamps as well, on entry to the closure, with L-BFGS. What does that do
# to the pairs?
#
# The optimiser asks for a step $s$. The closure cuts the image back to the allowed range, so the image makes a
# shorter step $s'$, and the gradient is measured there. Then the optimiser computes $y$ from the gradient that it
# got, and $s$ from the step that it *asked* for. The two no longer belong together.
#
# We move the valley so that its bottom lies at (0.6, 1.5), outside the range, as the best value of many a pixel does. The
# best allowed point is then on the border. For each evaluation we print what was asked for, what the clamp made of it, and
# the curvature along the step: as the optimiser computes it, and as it really is.


# %%
def clamped_run(bottom, x, evaluations):
    """Return one row an evaluation: the point asked for, the point after the clamp, its gradient."""
    x = x.clone().requires_grad_()
    rows = []
    settings = {"max_iter": evaluations, "max_eval": evaluations, **zero}
    optimiser = torch.optim.LBFGS([x], **settings)

    def closure():
        asked = x.detach().clone()
        x.data.clamp_(0, 1)  # as PyTorch's tutorial does
        x.grad = Q @ (x.detach() - bottom)
        rows.append((asked, x.detach().clone(), x.grad.clone()))
        return 0.5 * (x.detach() - bottom) @ x.grad

    optimiser.step(closure)
    return rows


def as_text(point):
    return "(" + ", ".join(f"{number:6.2f}" for number in point.tolist()) + ")"


bottom = torch.tensor([0.6, 1.5], dtype=torch.float64)
corner = torch.tensor([0.2, 0.9], dtype=torch.float64)
rows = clamped_run(bottom, corner, 8)
for (_, before, gradient), (asked, got, new_gradient) in zip(rows, rows[1:], strict=False):
    y = new_gradient - gradient
    asked_step = asked - before
    real_step = got - before
    believed = (y @ asked_step) / (asked_step @ asked_step)
    real = (y @ real_step) / (real_step @ real_step).clamp(min=1e-9)
    print(f"asked {as_text(asked)}  got {as_text(got)}  curvature believed {believed:6.2f}, real {real:5.2f}")

# %% [markdown]
# Read the third line. The optimiser wanted to go to (1.01, 1.40) and was put at (1, 1). The change of the gradient
# belongs to the short step, but it is divided by the long one, and so a wall with the curvature 11 looks like a floor
# with 0.91. A flat floor calls for long steps. It asks for 3.75, then for 7.5, then for 75, and each time it is put
# back to 1. (Where the curvature comes out negative, PyTorch refuses the pair, and goes on with the false ones that
# it has.) In the end it sits in the corner (0, 1) and asks for 170 for ever: the clamped point does not move, the
# gradient does not change, and there is nothing left to learn from.
#
# The **fence** avoids this. Pixels may leave the range, and the loss grows with the squared distance: we add 100
# times the mean of the squared excess. (This departs from Gatys et al., who let pixels run free.) So a step and the
# change of its gradient always belong together. At the end we clamp once, as saving a file does.
#
# Was our valley an unlucky choice? We try a hundred, with random starts and random bottoms outside the range, 40
# evaluations each, and count how many end within 0.01 of the best allowed loss. That best is on the border, and we find
# it by looking at four thousand points there.


# %%
def fenced_run(bottom, x, evaluations, weight):
    """Return the last point, clamped, of a run with a fence of this weight."""
    x = x.clone().requires_grad_()
    settings = {"max_iter": evaluations, "max_eval": evaluations, **zero}
    optimiser = torch.optim.LBFGS([x], **settings)

    def loss(x):
        excess = x - x.clamp(0, 1)
        return 0.5 * (x - bottom) @ Q @ (x - bottom) + weight * excess.square().mean()

    optimiser.step(make_closure(x, loss, []))
    return x.detach().clamp(0, 1)


def loss_at(points, bottom):
    """points (..., 2) -> the loss of each, (...)."""
    away = points - bottom
    return 0.5 * (away @ Q * away).sum(-1)


side = torch.linspace(0, 1, 1001, dtype=torch.float64)
zeros = torch.zeros_like(side)
ones = torch.ones_like(side)
edges = [(side, zeros), (side, ones), (zeros, side), (ones, side)]
border = torch.cat([torch.stack(edge, dim=1) for edge in edges])  # (4004, 2)

generator = torch.Generator().manual_seed(0)
excess_losses = {"clamp": [], "fence 1": [], "fence 10": [], "fence 100": []}
while len(excess_losses["clamp"]) < 100:
    x = torch.rand(2, generator=generator, dtype=torch.float64)
    bottom = 2 * torch.rand(2, generator=generator, dtype=torch.float64) - 0.5
    if bottom.equal(bottom.clamp(0, 1)):
        continue  # this valley has its bottom inside
    best = loss_at(border, bottom).min()
    _, last, _ = clamped_run(bottom, x, 40)[-1]
    excess_losses["clamp"].append(loss_at(last, bottom) - best)
    for weight in (1, 10, 100):
        last = fenced_run(bottom, x, 40, weight)
        excess_losses[f"fence {weight}"].append(loss_at(last, bottom) - best)
for name, excess in excess_losses.items():
    excess = torch.stack(excess)
    print(f"{name:9}: {(excess < 0.01).sum():3} of 100 within 0.01 of the best; "
          f"median {excess.median():.4f}, worst {excess.max():.2f} above it")

# %% [markdown]
# The clamp inside the closure gets there in about four of ten valleys. The log above shows false pairs at work, and
# the count mixes them with a second fault: even a step with the true curvature, clamped, can end at the wrong place
# on the border. (In the valley of the log, Newton's method would ask for the bottom, (0.6, 1.5), and be put at (0.6,
# 1). The best allowed point is the corner (1, 1).) With the fence it depends on its weight. A weak fence lets the
# point end far outside, and then clamping it at the end costs a lot. With the weight 100 all hundred arrive. For a
# painting the mean runs over many more than two numbers, so this toy does not prove the weight. Our `optimise` uses
# 100 there as well, with a loss of about 1, and `as_saved` shows what the final clamp costs.
#
# How much harm does the clamp do to a painting? Two numbers cannot tell us. There, most pixels are inside the range
# most of the time, and a false pair is diluted among thousands of true ones. We have shown that it can go wrong, and
# one way how, but not how often it does. The fence costs nothing, so we do not run the risk.
# ([DeepTextures](https://github.com/leongatys/DeepTextures), by the authors of the paper, takes a third way: SciPy's
# L-BFGS-B, which knows about bounds.)
#
# **Exercise 3 · diagnose** · ●●● · 20 minutes. A friend sends you the log of a run: six pairs, each with the step that the
# optimiser believed in and the change of the gradient. Her loss is a valley with some symmetric table $Q$, which you do not
# know, in twenty numbers. In exactly one of the six the image was edited between the step and the measurement. Which?


# %% tags=["spec"]
import torch


class Log:
    """Six steps (6, 20) and changes of the gradient (6, 20); one step is not the one that was made."""

    def __init__(self, seed, culprit):
        generator = torch.Generator().manual_seed(seed)
        root = torch.randn(20, 20, generator=generator, dtype=torch.float64)
        self._curvature = root @ root.T + torch.eye(20, dtype=torch.float64)
        sizes = torch.logspace(0.5, -0.5, 6, dtype=torch.float64)[:, None]
        steps = sizes * torch.randn(6, 20, generator=generator, dtype=torch.float64)
        self.changes = steps @ self._curvature
        self.steps = steps.clone()
        self.steps[culprit, 5:9] *= 1.4  # it asked for more than the image did


def log_fault(answer, log):
    difference = (log.changes - log.steps @ log._curvature).norm(dim=1)
    if int(answer) == difference.argmax():
        return ""
    return f"pair {int(answer)} is true: with the real Q, its change of the gradient is right to ten digits"


# %% tags=["exercise"]
def my_false_pair(log):
    """log.steps (6, 20), log.changes (6, 20) -> the number of the false pair, 0 to 5."""
    # solution
    products = log.steps @ log.changes.T  # true pairs: s_i Q s_j, the same as s_j Q s_i
    asymmetry = (products - products.T).abs()
    return asymmetry.sum(dim=1).argmax().item()


# %% tags=["check"]
from helpers.check import each, judge

judge(my_false_pair, log_fault, each(Log(0, 3), Log(1, 0), Log(2, 5), Log(3, 2)));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# You cannot judge a pair alone, because you do not know $Q$. But you can let two pairs testify about each other. For two
# true pairs, $s_1^\top y_2$ is $s_1^\top Q\, s_2$. What is $s_2^\top y_1$, if $Q$ is symmetric?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Make the table of all products $s_i^\top y_j$, (6, 6). For true pairs it is symmetric. The false one breaks the
# symmetry in its own row and column, and nowhere else.
#
# </details>
#
# <!-- solution: my_false_pair -->
#
# **Exercise 4 · design** · ●●○ · 15 minutes. You get a loss that somebody else has written, in a unit that you do not
# know. All that you may look at is its value at the start. Choose a factor by which the loss is multiplied, and the
# settings of `torch.optim.LBFGS`, so that one `step` of at most 40 evaluations ends within 0.00001 of the bottom, in
# any unit. (The numbers are 32-bit, so a loss can be too large as well as too small.)


# %% tags=["spec"]
import torch


def preparation_fault(answer, loss_at_start):
    factor, settings = answer
    Q = torch.tensor([[11.0, 9.0], [9.0, 11.0]])
    x = torch.tensor([3.0, -2.0]).requires_grad_()
    unit = loss_at_start / (0.5 * x @ Q @ x).item()
    optimiser = torch.optim.LBFGS([x], **{"max_iter": 40, **settings})
    evaluations = []

    def closure():
        evaluations.append(1)
        x.grad = factor * unit * (Q @ x.detach())
        return 0.5 * x.detach() @ x.grad

    optimiser.step(closure)
    distance = x.detach().norm().item()
    if distance < 1e-5:
        return ""
    return f"with a loss of {loss_at_start:g} at the start, you end {distance:.2g} from the bottom"


# %% tags=["exercise"]
def my_preparation(loss_at_start):
    """The value of the loss at the start -> a factor, and a dictionary of settings."""
    # solution
    factor = 1 / loss_at_start
    return factor, {"tolerance_grad": 0, "tolerance_change": 0}


# %% tags=["check"]
from helpers.check import each, judge

judge(my_preparation, preparation_fault, each(1e-11, 20.0, 1e22));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Tolerances are settings. The third threshold, $y^\top s > 10^{-10}$, is not. What can you change so that it no
# longer matters?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# If you divide the loss by its value at the start, it always begins at 1, in any unit.
#
# </details>
#
# <!-- solution: my_preparation -->
#
# ## The race
#
# You know now what L-BFGS does, what it costs, and how to treat it well. Is it faster than Adam? One race on one pair
# of pictures would prove little, so we ran six pairs, with five painters each, for 100 evaluations at 192 pixels.
# That takes ten minutes and more, so it was done beforehand: `python -m tools.pictures.results 07_race` runs it again
# and writes the table that the next cell reads. The painters are
#
# - Adam with the learning rate 0.02, which is the usual rate of this series, and with a bold 0.1, both with a clamp between the steps,
# - L-BFGS with line search and fence, as in this notebook,
# - the same, but starting from the photo in the *colours of the style* (`matched_colour`),
# - the same again, but changing a **pyramid** instead of the pixels. This is a stack of images, from fine to coarse, whose sum is the
#   painting, so that one step can move large areas and small details alike. [Notebook 09](09_bigger_pictures.ipynb) builds it.
#
# Among the last three, each painter has what the one before has, and something more. The pyramid brings two more
# things with it, weights for grey and colour, and a first step of a sensible length, and we do not take the three
# apart here. In the table, each loss is that of the best picture so far, rounded to 8 bits as a file keeps it,
# measured in full precision, and divided by the loss of the untouched photo.

# %%
import json
import statistics

race = json.loads((DATA / "results" / "07_race.json").read_text(encoding="utf-8"))
runs = race["pairs"].values()  # one for each pair of pictures
painters = ["Adam, rate 0.02", "Adam, rate 0.1", "L-BFGS", "L-BFGS, matched colours",
            "L-BFGS, matched colours, pyramid"]
print(f"{len(runs)} pairs: median (lowest to highest)")
for count in (10, 30, 60, 100):
    place = race["moments"].index(count)
    print(f"after {count} evaluations")
    for painter in painters:
        shares = [run[painter]["saved"][place] / run["photo"][0] for run in runs]
        print(f"    {painter:33} {statistics.median(shares):.3f} ({min(shares):.3f} to {max(shares):.3f})")

# %% [markdown]
# After 10 evaluations plain L-BFGS is the *last* of the five: it has brought the loss down to one half, and the bold
# Adam to a quarter. It is still waking up from its tiny first step. After 30 the two are level: their medians differ
# by less than a tenth, and the six pairs spread over a factor of five or more. After 100 L-BFGS is the lower of the
# two on all six pairs, by between 2 and 24 per cent.
#
# So a well-chosen Adam comes close to L-BFGS, and a badly chosen one, with 0.02, does not. Look at what the two
# tricks do instead. After 10 evaluations the last painter is already below the bold Adam at 30, and at 30 it is about
# where plain L-BFGS arrives at 60.
#
# The spread is so wide because some pairs are simply harder than others. To compare painters, we should look within
# each pair. So let us divide each loss by the lowest that any of the five reached on the same pair. 1 is then the
# best result known, and we draw the lowest loss so far: a thick line for the median of the six pairs, and a thin one
# for each pair.

# %%
colours = {"Adam, rate 0.1": "#c0572b", "L-BFGS": "#2b5a8c", "L-BFGS, matched colours, pyramid": "#3a7d44"}
best = [min(min(run[painter]["losses"]) for painter in painters) for run in runs]  # of each pair
fig, axes = plt.subplots(1, 2, figsize=(10.5, 4.4), sharey=True)
for painter, colour in colours.items():
    losses = torch.tensor([run[painter]["losses"] for run in runs])  # (6, 100)
    ratios = (losses / torch.tensor(best)[:, None]).cummin(dim=1).values
    seconds = torch.tensor([run[painter]["seconds"] for run in runs]).quantile(0.5, dim=0)
    for panel, across in zip(axes, (torch.arange(1, 101), seconds), strict=True):
        panel.plot(across, ratios.T, color=colour, linewidth=0.7, alpha=0.4)
        panel.plot(across, ratios.quantile(0.5, dim=0), color=colour, linewidth=2.5, label=painter)
    print(f"{painter:33} {seconds[-1]:.0f} seconds for 100 evaluations (median)")
axes[0].set(yscale="log", ylim=(0.95, 60), xlabel="evaluations", ylabel="lowest loss so far / the best of this pair")
axes[0].set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
axes[1].set(xlabel="seconds of computing (median pair, one core)")
axes[1].legend(frameon=False)
for panel in axes:
    panel.axhline(2, color="grey", linestyle="--", linewidth=0.8)
    panel.spines[["top", "right"]].set_visible(False)
figure(fig, alt="Falling curves over evaluations and over seconds, a thick one and six thin ones a painter: the pyramid falls at "
       "once, Adam with the rate 0.1 leads plain L-BFGS for about twenty evaluations, and then L-BFGS passes it.")

# %% [markdown]
# The two panels look the same, and that is a result. Time here is time of the processor for this run alone, on one
# core, so that other programs do not count. A hundred evaluations of L-BFGS take as long as a hundred of Adam, to
# within a few per cent, because the two loops are cheap beside a trip through VGG19. (On a graphics card the network
# is so fast that the loops may weigh more.)
#
# The dashed line marks twice the best loss. How many evaluations does each painter need to get there?

# %%
for painter in painters:
    counts = []
    for run, lowest in zip(runs, best, strict=True):
        reached = [loss <= 2 * lowest for loss in run[painter]["losses"]]
        counts.append(reached.index(True) + 1 if any(reached) else 101)
    counts.sort()
    longest = "more than 100" if counts[-1] > 100 else counts[-1]
    print(f"{painter:33} median {statistics.median(counts):4g} evaluations ({counts[0]} to {longest})")

# %% [markdown]
# The bold Adam and plain L-BFGS need about as many, and which of them wins depends on the pair. Matched colours save
# about a third of the evaluations, and the pyramid, with its longer first step, nearly half of the rest: with both,
# ten evaluations do instead of 26. Here the six counts of the last painter, 9 to 14, do not overlap with those of
# plain L-BFGS at all.
#
# Why should we use L-BFGS at all, then? Because of Adam's learning rate: 0.02 and 0.1 differ a lot above, and nobody
# tells you which one suits your loss. L-BFGS had none to choose. (The pyramid has weights of its own, which were
# chosen beforehand.) And what do these numbers look like? Below are three of the pairs after five seconds of
# computing each, which were about twenty evaluations on the computer that ran the race:

# %%
show(load(DATA / "results" / "07_race.jpg", 952),
     alt="Three rows of three paintings: a coffee cup as stained glass, a path under gates in thick flower-like strokes, and an otter by "
     "waves; on the left by Adam with coloured grain, in the middle by L-BFGS with pale or brown areas left, on the right clean.")

# %% [markdown]
# The three pictures by Adam, with the rate 0.1, are covered with grain, and on its otter a patch of black stripes has
# swallowed the head. Plain L-BFGS still has the brown of the table and of the otter in it. On the right, the colours
# and shapes are those of the styles. But the tricks only bring you there sooner. After 100 evaluations the table
# above shows the three L-BFGS painters within a few per cent of each other.
#
# You need not take a stored table on trust. Here is a race of your own, on the coffee, with three of the painters and
# 30 evaluations each:

# %% tags=["painting"]
from helpers.images import as_saved

live = {
    "Adam, rate 0.1": optimise(photo, loss, evaluations, method="adam", lr=0.1),
    "L-BFGS": optimise(photo, loss, evaluations),
    "L-BFGS with both tricks": optimise(matched_colour(photo, style), loss, evaluations, parametrize=pyramid),
}
titles = []
for painter, result in live.items():
    with torch.no_grad():
        saved_loss = loss(as_saved(result.image)).item()
    titles.append(f"{painter}: loss {saved_loss:.3f}")
show([result.image for result in live.values()], titles, height=208,
     alt="The cup as stained glass three times: ragged and grainy by Adam, paler on the right side by plain L-BFGS, "
     "and clear and colourful with both tricks.")

# %%
from helpers.show import plot

plot({painter: result.history for painter, result in live.items()}, xlabel="evaluations", ylabel="loss",
     alt="Three curves over thirty evaluations: the one with both tricks starts lower and falls at once, plain L-BFGS stays "
     "flat for several evaluations and then falls quickly, Adam falls from the start.")

# %% [markdown]
# You can see L-BFGS sleep on the left of the figure. The first step is so short that the loss stays where it is, and
# the line search has to lengthen it several times. (`pyramid` takes care of that as well. It scales its images so
# that the first step is a sensible one.)
#
# ### Ten iterations of another network
#
# One of the projects that inspired this series paints with VGG16, a smaller sister of VGG19 with thirteen
# convolutions. It uses content, style and total variation (the roughness of the image), brings both pictures to one
# shape, and shows the painting after 1, 2, 5 and 10 iterations of L-BFGS. We did the same at 400 pixels with our
# relative errors. An iteration is one call of `step`, so it is 20 evaluations.
#
# The network is torchvision's VGG16 (its weights are called
# [IMAGENET1K_V1](https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.vgg16.html)), which is
# not part of this repository. `python -m tools.pictures.results 07_vgg16` downloads it and paints these pictures
# again:

# %%
from helpers.images import read_settings

for iteration in (1, 2, 5, 10):
    settings = read_settings(DATA / "results" / "07_vgg16" / f"{iteration}.jpg")
    print(f"{iteration:2} iterations, {settings['evaluations']:3} evaluations: loss {settings['loss']:.3f}   {settings['network']}")
show(load(DATA / "results" / "07_vgg16.jpg", 960),
     alt="A path under orange gates; the same after one iteration in orange stones, after two in golden ones, after five and ten in "
     "gold and brown with a bright blue path; and a mosaic of two golden fish in blue water.")

# %% [markdown]
# After one iteration the stones of the mosaic are all there, but they have the orange of the gates. After two they
# have turned golden. After five the path is blue like the water of the mosaic, and ten iterations hardly differ from
# five, although they took twice as long. In this run the marks of the style came first and its colours later, and
# that is the wait that matched colours save. (It ran without a line search, and with tolerances of 0.)
#
# **Exercise 5 · make a picture** · ●○○ · 15 minutes. The cell below paints a pair of your choice with both tricks,
# and shows it after 5, 15 and 40 evaluations. First run it as it is. Then leave out the pyramid; then, with the
# pyramid, the matched colours; and last replace L-BFGS by `method="adam", lr=0.1`, without the pyramid, because Adam
# clamps pixels and a pyramid has none. Say before each run which of the three moments will look worse, and in what
# way.

# %% tags=["painting"]
my_content = "china"
my_style = "suminagashi"
my_photo = load(my_content, 224).to(vgg.device)
my_painting = load(my_style, 280).to(vgg.device)
moments = {}


def keep(evaluation, image, value):
    if evaluation in (5, 15, 40):
        moments[f"{evaluation} evaluations: loss {value:.3f}"] = as_saved(image)


my_start = matched_colour(my_photo, my_painting)
optimise(my_start, make_loss(my_photo, my_painting), 40, parametrize=pyramid, callback=keep)
show(moments.values(), moments.keys(), height=234,
     alt="A pagoda above trees three times: after 5 evaluations bluish, with broad ripples in the sky, after 15 and 40 drawn "
     "in the winding black and white lines of marbled paper.")

# %% [markdown]
# <details><summary>What to look for</summary>
#
# Without the matched colours, look how much of the pagoda's red and of the trees' green is left at each moment.
# Without the pyramid (leave out `parametrize=pyramid`), expect little of the first moment, because L-BFGS is still
# waking up, as in the figure of the live race. With `method="adam", lr=0.1` and no pyramid, look into the sky for the
# grain that you saw in the gallery.
#
# </details>
#
# You now have two painters and know when to trust them. What remains is the question of what to paint, and with which
# settings. [Notebook 08](08_recipes_and_knobs.ipynb) turns all the knobs.
#
# ## What to remember
#
# - L-BFGS remembers pairs: a step, and how much the gradient changed along it. Two short loops over the pairs do what
#   Newton's method would do with the whole curvature.
# - With its own settings, one `step` of PyTorch's L-BFGS is up to 20 evaluations, and with a line search up to 25. Count evaluations, inside the closure.
# - Give it a loss of about 1, tolerances of 0 and a line search. Its first step, its tolerances and its test of the pairs all depend on
#   the unit of the loss.
# - Do not change the image inside the closure. A clamp there makes the step and the change of the gradient disagree. A fence keeps pixels near the range without that.
# - A good start and a pyramid save more evaluations than the choice between Adam and L-BFGS.
#
# ## Three questions
#
# Answer each in your own words before you unfold it.
#
# 1. A program paints with L-BFGS at 2,048 pixels and runs out of memory. Somebody proposes to go back to Adam. What else could one do?
#
# <details><summary>Answer</summary>
#
# Keep fewer pairs. A hundred pairs are ten gigabytes at that size, and five are half a gigabyte; `history_size=5` is
# all it takes.
#
# </details>
#
# 2. Why may you not change the content weight in the middle of a run and go on with the same L-BFGS?
#
# <details><summary>Answer</summary>
#
# The stored pairs are differences of gradients of the old loss. The next pair would even mix both: one gradient from
# before the change, and one from after it. Make a new optimiser, which costs you only the pairs.
#
# </details>
#
# 3. A friend's L-BFGS stops after one evaluation and reports success. What do you look at first?
#
# <details><summary>Answer</summary>
#
# At the size of the loss and of its gradient. If no number of the gradient is above 1e-7, or if the sum of its
# squares is below 1e-9, the usual tolerances take it for zero. Dividing the loss by its value at the start cures it;
# setting the tolerances to 0 alone does not, because of the threshold for pairs.
#
# </details>
#
# ## On your own
#
# - Does the clamp inside the closure harm a *painting*? `optimise(..., pixels="closure")` clamps there. Take at least five pairs
#   and three starts each, compare medians with those of the fence, and do not stop when you like the answer.
# - Start from `0.5 + 0.001 * torch.randn_like(photo)`, nearly grey, with a line search and without (write `method=` yourself, and `pixels="fence"` in both). How high does the loss leap?
# - Give Adam the matched colours too. How much of the lead of the last painter is left?
#
# **In practice.** Use `optimise` as it is: L-BFGS with a line search, up to 50 pairs (fewer for large pictures, so
# that they fit into a gigabyte), a fence, and tolerances of 0. Start with the style's colours on a pyramid, and begin
# to judge after 30 evaluations. Two machines round differently, and L-BFGS then takes different ways to about the
# same loss, so test it with inequalities.
#
# **Further reading.** [Nocedal (1980)](https://doi.org/10.1090/S0025-5718-1980-0572855-7): the two loops, in ten
# pages. [Liu and Nocedal (1989)](https://doi.org/10.1007/BF01589116): how many pairs to keep, measured on real
# problems. [Nocedal and Wright, *Numerical Optimization*](https://doi.org/10.1007/978-0-387-40065-5), chapters 3, 6
# and 7: line searches, BFGS and its limited memory, with proofs.
# [The source of `torch.optim.LBFGS`](https://github.com/pytorch/pytorch/blob/main/torch/optim/lbfgs.py): 400 lines in
# which you will now recognise everything.
#
# <!-- bottom -->
