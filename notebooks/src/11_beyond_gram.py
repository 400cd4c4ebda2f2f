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
# # Look beyond the Gram matrix
#
# > **The question** Why the Gram matrix, of all things, and what else could "style" mean?
# > **You will make** nine statistics by hand, pairs of pictures that fool them, a texture painted with the one that you choose, and cures for seven common faults of paintings.
# > **You need** the Gram matrix of [notebook 03](03_gram_matrices.ipynb) and the textures of [notebook 04](04_texture_from_statistics.ipynb), which are repeated here in a sentence; the painting loop of [06](06_painting_with_adam.ipynb) and [07](07_painting_with_lbfgs.ipynb). All letters are explained in the table of [notation](00_start_here.ipynb#Notation).
# > **Time** about 95 minutes to read and run, and 85 minutes for the exercises; the computing in it takes two to five minutes on a laptop.

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# At the top left is a piece of a brick wall. The other five were painted from noise by one program, with one network,
# in the same time. What makes them different is what the program was asked to keep of the wall.

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "11_ladder.jpg", 800),
     alt="Six squares of brickwork: a photo with straight rows of bricks, and five textures in which the bricks are more "
     "or less well formed, four in the same reds and one with a violet tint.")

# %% [markdown]
# One of the five was made with Gram matrices, as in the first paper on style transfer. (Which one? The answer comes
# with the gallery of all nine, further down.) Why the Gram matrix? The
# author of a well-known tutorial had written that it is a special case of something more general, and in 2017 a
# reader [asked him what that is](https://github.com/hnarayanan/artistic-style-transfer/issues/2). It was a deep
# question, he replied, and he would answer it when he found the time. The thread is still open. In this notebook you
# will find the answer, derive eight alternatives, learn what each can and cannot see, and let every one of them judge
# the pictures of all the others.
#
# These are the knobs: the side of the textures that you will paint here, the picture that they are made from, the
# statistic, and how often its error may be measured. One **evaluation** is one trip through the network and back,
# which tells how wrong the image is and in which direction each pixel should move.

# %% tags=["settings"]
size = 192
picture = "red_brick"
rung = "Wasserstein"  # or "means", "means and deviations", "Gram", "mean and covariance",
                      # "histograms", "slices", "transport", "patches"
evaluations = 30

# %% [markdown]
# ## A style is a cloud of points
#
# A network such as VGG19 looks at every place of a picture and writes down $C$ numbers there, one for each of its
# **channels** (small detectors for colours, lines, and so on). We can think of these $C$ numbers as the coordinates
# of a point. So one layer turns a picture with $N$ places into a cloud of $N$ points, and a matrix of **features**
# $F$ holds one point in each of its columns. With only two channels we can draw it.
#
# Here are two clouds of eight points. The first sits on the four corners of a square, two points to a corner. The
# second lies on the diagonal, four points to a corner.

# %%
import torch

corners = torch.tensor([[-1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0],   # channel 1 at the eight places   (C, N) = (2, 8)
                        [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0]])  # channel 2 at the same places
diagonal = torch.tensor([[-1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0],
                         [-1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0]])

# %% [markdown]
# If style does not depend on *where* something is, then the order of the columns must not matter, and a style is
# nothing but the cloud. All of this notebook is about one question: how far apart are two clouds?
#
# The shortest answer needs two lines. A **statistic** is a list of numbers that we compute from the cloud, and the
# distance of two clouds is the squared difference of their statistics. Let us climb from the simplest statistic to
# richer ones, and call each of them a **rung** of a ladder. On the first rung we keep only the mean $\mu_i$ of each
# channel.


# %%
# NBVAL_CHECK_OUTPUT
def squared_difference(first, second):
    return (first - second).square().sum()


def mean_distance(F, S):  # rung 1; features (C, N) of the image and (C, M) of the style
    return squared_difference(F.mean(dim=1), S.mean(dim=1))


print(f"corners and diagonal: {mean_distance(corners, diagonal):.2f}")

# %% [markdown]
# Both clouds have their middle at the origin, so the first rung cannot tell them apart. Two different things that a
# measure takes for the same are called **metamers**. The word comes from colour science, where two mixtures of light
# that the eye cannot distinguish are metamers, and we will collect a pair for every rung.
#
# On the second rung we also keep how far the values of a channel spread around their mean, the standard deviation
# $\sigma_i$.


# %%
# NBVAL_CHECK_OUTPUT
def deviation_distance(F, S):  # rung 2
    means = squared_difference(F.mean(dim=1), S.mean(dim=1))
    deviations = squared_difference(F.std(dim=1, correction=0), S.std(dim=1, correction=0))
    return means + deviations


wide = 2 * diagonal
print(f"corners and the wide diagonal: means {mean_distance(corners, wide):.2f}, "
      f"and deviations {deviation_distance(corners, wide):.2f}")
print(f"corners and the diagonal:      means {mean_distance(corners, diagonal):.2f}, "
      f"and deviations {deviation_distance(corners, diagonal):.2f}")

# %% [markdown]
# A wider cloud is noticed now: each of the two deviations is 2 instead of 1. But the diagonal still passes for the
# square. You can see the reason in the two rows of numbers. Each *row* of `diagonal` holds as many ones and minus
# ones as the row of `corners`, and rung 2 looks at one row at a time. What differs is which values come together.
#
# **Your turn, before you run the next cell.** For each of the eight points, multiply its two coordinates, and take
# the mean of the eight products. What do you get for the square, and what for the diagonal?
#
# <details><summary>Compare</summary>
#
# On the square, four products are 1 and four are −1, so the mean is 0. On the diagonal all eight are 1. The mean
# product knows that the two channels of the diagonal always agree.
#
# </details>
#
# The table of all such mean products is the **Gram matrix** $G = F F^\top / N$, and this is the third rung.


# %%
# NBVAL_CHECK_OUTPUT
def product_distance(F, S):  # rung 3: Gatys et al. (2016), eq. 4, up to a constant
    G = F @ F.T / F.shape[1]  # (C, C)
    A = S @ S.T / S.shape[1]
    return squared_difference(G, A)


print(corners @ corners.T / 8)
print(diagonal @ diagonal.T / 8)
print(f"distance: {product_distance(corners, diagonal):.2f}")

# %% [markdown]
# The diagonal entries agree, and the two entries beside them are 0 in one table and 1 in the other. So this is one
# answer to our question: the Gram matrix is the *simplest* statistic that knows what comes together with what. It is
# a good answer, but there is a deeper one.
#
# ## What the Gram matrix really compares
#
# How would you compare two clouds if you had never heard of a Gram matrix? You could measure how alike two points
# are, and then ask whether a point of the image is as much like the points of the style as these are like each other.
# This idea has a name, the **maximum mean discrepancy** or MMD. For a measure of likeness $k(f, s)$ between two
# points, which is called a **kernel** (not the kernel of a convolution), its square is
#
# $$\text{MMD}^2 = \text{mean}\; k(f, f') + \text{mean}\; k(s, s') - 2\, \text{mean}\; k(f, s)$$
#
# where $f$ and $f'$ walk over all points of the image, and $s$ and $s'$ over all points of the style. In exercise 3 of
# [notebook 04](04_texture_from_statistics.ipynb) you met one such kernel, the square of the dot product. Written out,
# it is
#
# $$(f \cdot s)^2 = \sum_{i,j} f_i f_j \; s_i s_j,$$
#
# and the mean of $f_i f_j$ over all points of the image is $G_{ij}$. So the three means above are $\lVert G
# \rVert^2$, $\lVert A \rVert^2$ and $\sum_{ij} G_{ij} A_{ij}$, and together they are $\lVert G - A \rVert^2$. Let us
# see whether that is so to the last digit. We take random features of six channels, in double precision (sixteen
# digits).


# %%
# NBVAL_CHECK_OUTPUT
def discrepancy(F, S):
    def mean_likeness(X, Y):
        return (X.T @ Y).square().mean()  # all pairs of points: (N, M) dot products

    return mean_likeness(F, F) + mean_likeness(S, S) - 2 * mean_likeness(F, S)


generator = torch.Generator().manual_seed(0)
F = torch.randn(6, 40, generator=generator, dtype=torch.float64)
S = torch.rand(6, 50, generator=generator, dtype=torch.float64)
print(f"Gram distance: {product_distance(F, S):.10f}")
print(f"MMD squared:   {discrepancy(F, S):.10f}")

# %% [markdown]
# The two agree in all ten digits. Yanghao Li and others [noticed this in
# 2017](https://arxiv.org/abs/1701.01036): whoever compares Gram matrices has compared two clouds all along, point by
# point, with one particular kernel. Nothing makes this kernel special. It sees products of two coordinates and
# nothing finer, which makes it cheap, because a table of $C \times C$ numbers holds all that it needs to know.
#
# In [notebook 03](03_gram_matrices.ipynb) you split this table in two, and there lies its blind spot. A mean product
# mixes up how strong the channels are and how much they vary. With $\mu$ for the means and $\Sigma$ for the
# **covariance**, which is the table of mean products *after* the means were taken off,
#
# $$G = \Sigma + \mu \mu^\top.$$


# %%
from helpers.check import close

mu = F.mean(dim=1, keepdim=True)  # (6, 1)
Sigma = (F - mu) @ (F - mu).T / 40  # (6, 6)
close("G and Σ + μμᵀ", F @ F.T / 40, Sigma + mu @ mu.T, tolerance=1e-12)

# %% [markdown]
# So the Gram matrix is a sum, and we cannot get the two terms back from a sum. A cloud may lower its mean and pay
# with variance. Here is the simplest such pair, with no negative numbers, as after a **ReLU** (the layer that
# replaces negative numbers by zero). In the *calm* cloud every point is (1, 1). In the *wild* one, half of the points
# are at $(\sqrt 2, \sqrt 2)$ and half at the origin, as if every second lamp had been switched off and the rest
# turned up.


# %%
# NBVAL_CHECK_OUTPUT
def moment_distance(F, S):  # rung 4: mean and covariance
    def covariance(X):
        centred = X - X.mean(dim=1, keepdim=True)
        return centred @ centred.T / X.shape[1]

    return mean_distance(F, S) + squared_difference(covariance(F), covariance(S))


calm = torch.ones(2, 8)
wild = torch.zeros(2, 8)
wild[:, ::2] = 2**0.5
print(f"means {calm[0].mean():.2f} and {wild[0].mean():.2f}, "
      f"variances {calm[0].var(correction=0):.2f} and {wild[0].var(correction=0):.2f}")
print(f"Gram distance {product_distance(calm, wild):.2f}, mean and covariance {moment_distance(calm, wild):.2f}")

# %% [markdown]
# A mean of 1 without variance and a mean of 0.71 with a variance of 0.5 have the same Gram matrix. Eric Risser and
# others [described this in 2017](https://arxiv.org/abs/1701.08893) and called it the **instability** of Gram
# matrices. You do not need a network to see it. Take the three colours of an image as its channels, an even brown as
# the style, and start from noise. `optimise` changes the pixels until the distance is as small as it can make it;
# notebooks [06](06_painting_with_adam.ipynb) and [07](07_painting_with_lbfgs.ipynb) show how.
#
# From here on we use the functions of `helpers.statistics`. Each takes the features of the style, as (1, C, h, w),
# and hands back a function that measures how far other features are from them. Inside is what you write by hand here.
# (For the slices, which come later, it is multiplied by the number of channels.)
#
# **Your turn, before you run the next cell.** Both programs will bring their distance down to almost nothing. What do
# you expect from the Gram matrix: an even brown, a brown that is too dark, or brown noise?
#
# <details><summary>Compare</summary>
#
# Noise, and too dark on top of it. The start has variance, and nothing tells the Gram matrix that it should be mean
# instead. As soon as $\mu^2 + \sigma^2$ is right, there is no gradient left.
#
# </details>

# %%
from helpers.images import as_saved, noise
from helpers.statistics import gram_of, moments_of
from helpers.transfer import optimise

brown = torch.tensor([0.62, 0.48, 0.34]).view(1, 3, 1, 1).repeat(1, 1, 128, 128)  # (1, 3, 128, 128)
start = noise(brown)
calmed = {}
for name, make in {"Gram": gram_of, "mean and covariance": moments_of}.items():
    distance = make(brown)
    result = optimise(start, distance, 40)
    calmed[name] = as_saved(result.image)
    red = calmed[name][0, 0]
    print(f"{name:19} distance {result.history[0]:.3f} -> {result.history[-1]:.6f}, "
          f"red: mean {red.mean():.2f}, deviation {red.std():.2f}")
assert calmed["Gram"][0, 0].std() > 0.1 > calmed["mean and covariance"][0, 0].std()

# %%
show([brown, start, *calmed.values()], ["the style", "the start", "Gram", "mean and covariance"], height=230,
     alt="An even brown square; coloured noise; a square of brown noise made with the Gram matrix; and a nearly even "
     "brown one made with mean and covariance.")

# %% [markdown]
# Both were given the same brown and the same noise. The Gram matrix is satisfied with a noisy square that is too
# dark: for red, $0.59^2 + 0.20^2 = 0.39$, where the brown has $0.62^2 = 0.38$. The fourth rung, which keeps $\mu$ and
# $\Sigma$ apart, calms the noise down.
#
# The fifth rung knows no more than the fourth, but it measures differently. Imagine the cloud as a heap of sand. The
# **Wasserstein distance** is the *least* work that moves one heap into the shape of another, where a grain that is carried
# twice as far costs four times as much (we use the squared distance). In general it is expensive to compute. For two
# normal distributions, which are heaps in the form of a bell, there is a formula, and it needs only the means $\mu,
# \nu$ and the covariances $\Sigma, T$:
#
# $$W^2 = \lVert \mu - \nu \rVert^2 + \text{tr}\left(\Sigma + T - 2\,\big(T^{1/2}\, \Sigma\, T^{1/2}\big)^{1/2}\right)$$
#
# Here tr is the sum of the entries on the diagonal, and $T^{1/2}$ is the square root of a matrix, the symmetric one
# that gives $T$ when it is multiplied by itself. With a single channel whose deviation is $\sigma$ in
# the image and $\tau$ in the style, the formula becomes $(\mu - \nu)^2 + (\sigma - \tau)^2$, and that is rung 2!
#
# Our clouds are no bells. Rung 5 puts a bell with the same mean and covariance in the place of each, and the real
# distance is never smaller than this one.


# %%
# NBVAL_CHECK_OUTPUT
from helpers.statistics import wasserstein_of


def matrix_root(T):  # of a symmetric matrix without negative eigenvalues
    values, vectors = torch.linalg.eigh(T)  # T = vectors · diag(values) · vectorsᵀ
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T


def bell_distance(F, S):  # rung 5
    Sigma = torch.cov(F, correction=0)
    T = torch.cov(S, correction=0)
    cross = matrix_root(matrix_root(T) @ Sigma @ matrix_root(T))
    return mean_distance(F, S) + (Sigma + T - 2 * cross).trace()


def as_maps(points):  # (C, N) -> (1, C, 1, N): what a layer would hand out
    return points[None, :, None, :]


print(f"by hand {bell_distance(F, S):.6f}, by the helper {wasserstein_of(as_maps(S))(as_maps(F)):.6f}")
print(f"a cloud and its shift by (3, 4): {bell_distance(corners.double(), corners.double() + torch.tensor([[3.0], [4.0]])):.2f}")

# %% [markdown]
# A cloud that is moved by (3, 4) has to be carried over a distance of 5, and 5² is 25. Distances of rung 5 can be
# read like that, in the unit of the features, squared. On rung 4 a covariance is a *product* of features, so channels that
# fire ten times as strongly count ten thousand times as much.
#
# There are two traps here for whoever writes such a program. The square root has an infinite slope at 0, and 0 is
# exactly what a "dead" channel, one that never fires, has for a variance. And the gradient of `eigh` divides by the
# differences of the eigenvalues, which is bad luck where two of them are equal.

# %%
# NBVAL_CHECK_OUTPUT
dead = torch.zeros(2, 8, requires_grad=True)  # two channels that never fire
dead.var(dim=1).sqrt().sum().backward()
print("deviation, as the root of the variance:    ", dead.grad[:, 0])

same = torch.eye(2, requires_grad=True)  # two equal eigenvalues
matrix_root(same).sum().backward()
print("root of a matrix with two equal eigenvalues:", same.grad[0])

from helpers.statistics import means_and_deviations_of

half_dead = torch.stack([torch.arange(8.0), torch.zeros(8)]).requires_grad_()  # the second channel never fires
for make in (means_and_deviations_of, wasserstein_of):
    distance = make(as_maps(corners))(as_maps(half_dead))
    (gradient,) = torch.autograd.grad(distance, half_dead)
    print(f"{make.__name__}: largest slopes of the two channels {gradient.abs().amax(dim=1)}")

# %% [markdown]
# One "not a number" (`nan`) among the gradients spoils every pixel in the next step, although the value of the loss
# looked fine. The helpers add 0.00000001 to a variance before they take its root. `wasserstein_of` does not build the
# root of the matrix at all: for its trace, the eigenvalues are enough (the factors by which the matrix stretches its
# own main directions), whose gradient has no such division, and those that are practically 0 are left out.
#
# **Exercise 1 · predict** · ●●○ · 10 minutes. One channel has the features 0, 0, 0, 8 at four places. In the style it
# is 1 everywhere. Work out the distance on rungs 1 to 5, on paper. (With one channel, the covariance is the
# variance.)


# %% tags=["spec", "folded"]
def rungs_spec():
    import torch

    from helpers import statistics

    image = torch.tensor([0.0, 0.0, 0.0, 8.0]).double().view(1, 1, 2, 2)
    style = torch.ones(1, 1, 2, 2).double()
    names = ["means", "means and deviations", "Gram", "mean and covariance", "Wasserstein"]
    return {name: statistics.LADDER[name](style)(image).item() for name in names}


# %% tags=["exercise"]
def my_rungs():
    """The distance on five rungs: a dict with the keys "means", "means and deviations",
    "Gram", "mean and covariance" and "Wasserstein".
    """
    # solution
    shift = (2 - 1) ** 2  # the means are 2 and 1
    variance = (3 * 2**2 + 6**2) / 4  # 12; the style has none
    return {
        "means": shift,
        "means and deviations": shift + variance,  # the square of the difference of √12 and 0 is 12
        "Gram": (8**2 / 4 - 1) ** 2,
        "mean and covariance": shift + variance**2,
        "Wasserstein": shift + variance,
    }


# %% tags=["check"]
from helpers.check import check

check(my_rungs, rungs_spec, tolerance=1e-3);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The mean is (0 + 0 + 0 + 8) / 4. The variance is the mean of the squared differences from it. Which rungs square the
# variance once more?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Rung 2 compares deviations, the roots of variances, and then squares their difference. Rung 3 compares mean squares.
# Rung 4 compares variances. In one dimension, rung 5 is rung 2. And rungs 2, 4 and 5 add what the means differ by.
#
# </details>
#
# <!-- solution: my_rungs -->
#
# ## The whole cloud
#
# Rungs 4 and 5 know the mean and the covariance, and nothing else. Turn the square by an eighth of a circle, so that
# it stands on one corner. Its points now lie on the axes, but their mean is still 0, and so is their covariance off
# the diagonal. To see a difference, we have to look at all the values and not only at a mean of squares.
#
# With one channel this is easy. Sort the values of the image, sort those of the style, and compare the smallest with
# the smallest, the second with the second, and so on. No way of carrying sand in one dimension is cheaper, so this is
# the Wasserstein distance itself. Doing it for each channel makes rung 6.


# %%
# NBVAL_CHECK_OUTPUT
def sorted_distance(F, S):  # rung 6, for as many places as the style has
    difference = F.sort(dim=1).values - S.sort(dim=1).values  # each channel is sorted by itself
    return difference.square().mean(dim=1).sum()


turned = torch.tensor([[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 1.0]]).repeat(1, 2) * 2**0.5  # (2, 8)
print(f"the square and the turned square: mean and covariance {moment_distance(corners, turned):.2f}, "
      f"Wasserstein of bells {bell_distance(corners, turned).abs():.2f}, sorted {sorted_distance(corners, turned):.2f}")

# %% [markdown]
# Risser and others, and others before them, did the same with histograms: they *match* the image's histogram to the
# style's, which means that each value is replaced by the value of the style with the same rank, and then pull the
# image towards the result. Autograd, the part of PyTorch that computes gradients, can tell us whether that is the
# same thing.


# %%
# NBVAL_CHECK_OUTPUT
def matched(F, S):  # every value becomes the style's value of the same rank
    result = torch.empty_like(F)
    order = F.argsort(dim=1)  # where the smallest value of each channel stands, the second smallest, ...
    result.scatter_(1, order, S.sort(dim=1).values)  # write the style's smallest there, its second smallest, ...
    return result


x = F[:, :30].clone().requires_grad_()  # (6, 30)
style_points = S[:, :30]
(by_sorting,) = torch.autograd.grad(sorted_distance(x, style_points), x)
target = matched(x.detach(), style_points)  # a target is a constant: it has no gradient
(by_matching,) = torch.autograd.grad((x - target).square().mean(dim=1).sum(), x)
print(f"gradients of size {by_sorting.norm():.4f} and {by_matching.norm():.4f}, "
      f"largest difference {(by_sorting - by_matching).abs().max():.6f}")

# %% [markdown]
# The gradients are the same. Matching histograms and sorting are one method under two names.
#
# Looking along the axes is not enough, though. Here are two clouds of four places (each is there twice) whose shadows
# on both axes are equal:

# %%
# NBVAL_CHECK_OUTPUT
left = torch.tensor([[-1.0, 0.0, 0.0, 1.0], [-1.0, 0.0, 1.0, 0.0]]).repeat(1, 2)  # (2, 8)
right = torch.tensor([[-1.0, 0.0, 0.0, 1.0], [0.0, -1.0, 0.0, 1.0]]).repeat(1, 2)
print(f"along the axes: {sorted_distance(left, right):.2f}")

direction = torch.tensor([[1.0, 1.0]]) / 2**0.5  # one direction of length 1, as a row (1, 2)
print(f"along the diagonal: {sorted_distance(direction @ left, direction @ right):.2f}")

# %% [markdown]
# Along the diagonal they look different. So we look along many directions: project all points onto a direction, sort,
# and compare. The mean over random directions is called the **sliced Wasserstein distance**, and Eric Heitz and
# others [painted with it in 2021](https://arxiv.org/abs/2006.07229). This is rung 7, and among all rungs that forget
# places it is the highest there can be: a theorem of Cramér and Wold says that two clouds whose shadows agree in
# *every* direction are the same cloud.
#
# **Exercise 2 · build** · ●●○ · 15 minutes. Write the sliced Wasserstein distance of two clouds of equal size, for
# directions that are given. They come as the rows of a matrix $V$ and may have any length, so bring each to length 1
# first. Return the mean over the directions and the places. The check refuses loops.


# %% tags=["spec"]
def slices_spec(F, S, V):
    total = 0.0
    for direction in V:
        direction = direction / direction.norm()
        ours = sorted((direction @ F[:, place]).item() for place in range(F.shape[1]))
        theirs = sorted((direction @ S[:, place]).item() for place in range(S.shape[1]))
        total += sum((a - b) ** 2 for a, b in zip(ours, theirs, strict=True)) / len(ours)
    return torch.tensor(total / len(V))


# %% tags=["exercise"]
def my_slices(F, S, V):
    """Features F and S (C, N) and directions V (D, C), one a row -> the sliced distance, a scalar."""
    # solution
    V = V / V.norm(dim=1, keepdim=True)  # rows of length 1
    ours = (V @ F).sort(dim=1).values  # (D, N): the shadows on each direction, sorted
    theirs = (V @ S).sort(dim=1).values
    return (ours - theirs).square().mean()


# %% tags=["check"]
from helpers.check import check, each

check(my_slices, slices_spec, each((3, 5), (2, 7), (4, 1)), each((3, 5), (2, 7), (4, 1)), each((6, 3), (1, 2), (5, 4)),
      without=("loops",));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The shadow of one point on one direction is a dot product. Which product of matrices gives the shadows of all points
# on all directions, with a row for each direction?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `V @ F` has the shape (D, N). Sort each row by itself (`dim=1`), do the same for the style, and only then compare.
# The length of a row is `V.norm(dim=1, keepdim=True)`.
#
# </details>
#
# <!-- solution: my_slices -->
#
# The last two rungs do not compare two clouds as wholes. They ask each point for its *nearest* neighbour in the other
# cloud.
#
# Rung 8 is the **relaxed optimal transport** of [Kolkin, Salavon and Shakhnarovich
# (2019)](https://arxiv.org/abs/1904.12785). It takes the mean distance from every point of the image to the nearest
# point of the style, then the same from the style to the image, and keeps the larger of the two. The distance is one
# minus the cosine of the angle at the origin, so only the direction of a point counts, and not its length.
#
# Rung 9 is older. [Li and Wand (2016)](https://arxiv.org/abs/1601.04589) cut the features into **patches** of three
# by three places. Each patch of the image looks for the most similar patch of the style, and then tries to become
# equal to it. Nobody asks whether every patch of the style is used.


# %%
# NBVAL_CHECK_OUTPUT
def nearest_distance(F, S):  # rung 8
    F = F / F.norm(dim=0).clamp_min(1e-8)  # columns of length 1
    S = S / S.norm(dim=0).clamp_min(1e-8)
    costs = 1 - F.T @ S  # (N, M): from every point of the image to every point of the style
    there = costs.min(dim=1).values.mean()
    back = costs.min(dim=0).values.mean()
    return torch.maximum(there, back)


def patch_distance(F, S):  # rung 9, for patches of a single place
    likeness = F.T @ (S / S.norm(dim=0).clamp_min(1e-8))  # (N, M)
    nearest = likeness.argmax(dim=1)  # for each place of the image, one of the style
    return (F - S[:, nearest]).square().mean()


one_corner = torch.ones(2, 8)  # only one of the four corners is used
print(f"corners and twice the corners: rung 8 {nearest_distance(2 * corners, corners):.2f}, "
      f"rung 9 {patch_distance(2 * corners, corners):.2f}")
print(f"one corner and all corners:    rung 8 {nearest_distance(one_corner, corners):.2f}, "
      f"rung 9 {patch_distance(one_corner, corners):.2f}")

# %% [markdown]
# Rung 8 does not notice when all features are twice as strong. Rung 9 does not notice when the image uses one corner
# of four. So our ladder forks at its top. Slices, in all directions, know everything about the cloud. Transport and
# patches know less about it, but patches know something that no cloud holds: which point stands *beside* which.
#
# Here is the whole ladder, with the papers that proposed the rungs for style or texture:
#
# | rung | what it keeps of the cloud | paper |
# |:--|:--|:--|
# | means | the mean of each channel | |
# | means and deviations | and how far each channel spreads | Yanghao Li and others 2017 |
# | Gram | mean products of two channels | Gatys, Ecker and Bethge 2015 |
# | mean and covariance | the same with the means apart | Yijun Li and others 2017 |
# | Wasserstein | the same, as a distance in the unit of the features | the formula: Olkin and Pukelsheim 1982 |
# | histograms | all values of each channel | Risser and others 2017 |
# | slices | all values along many directions | Heitz and others 2021 |
# | transport | to each point its nearest, both ways | Kolkin and others 2019 |
# | patches | to each patch its nearest, one way | Li and Wand 2016 |
#
# Let us collect the metamers, and ask every rung about every pair.

# %%
# NBVAL_CHECK_OUTPUT
from functools import partial

from helpers.statistics import LADDER, patches_of, slices_of

metamers = {  # what cannot be told apart, and by which rung
    "means": (corners, wide),
    "deviations": (corners, diagonal),
    "Gram": (wild, calm),
    "bells": (corners, turned),
    "histograms": (left, right),
    "transport": (2 * corners, corners),
    "patches": (one_corner, corners),
}
rungs = dict(LADDER)
rungs["slices"] = partial(slices_of, directions=100, seed=0)  # many, as two channels would have only two
rungs["patches"] = partial(patches_of, size=1)

print(" " * 21, *[f"{name:>10}" for name in metamers])
for name, make in rungs.items():
    distances = [make(as_maps(second))(as_maps(first)).item() for first, second in metamers.values()]
    print(f"{name:21}", *[f"{max(0.0, distance):10.2f}" for distance in distances])

# %%
import matplotlib.pyplot as plt

from helpers.show import figure

fig, axes = plt.subplots(2, 7, figsize=(10, 3.3), sharex=True, sharey=True)
for column, (name, clouds) in enumerate(metamers.items()):
    for row, cloud in enumerate(clouds):
        points, counts = cloud.unique(dim=1, return_counts=True)
        axes[row, column].scatter(points[0], points[1], s=20 * counts, color=["#c4553b", "#2f5d8a"][row])
        axes[row, column].set(xlim=(-2.8, 2.8), ylim=(-2.8, 2.8), xticks=[0], yticks=[0], aspect="equal")
        axes[row, column].grid(alpha=0.4)
    axes[0, column].set_title(name, fontsize=12)
figure(fig, alt="Seven pairs of small point clouds, one above the other: square and wide diagonal, square and diagonal, two "
       "points and one, square and turned square, two clouds of four points, a large and a small square, one corner and a square.")

# %% [markdown]
# Each column of the figure is a pair, the size of a dot says how many of the eight points lie there, and the name is
# that of the rung that takes the two for equal ("bells" stands for rungs 4 and 5, which know the same). In the table,
# read the zeros. Each of these pairs has a zero in the row of its own rung, and a larger number in the row of the
# next rung that knows more. It is not a perfect ladder. The histograms, which look at one channel at a time, take the
# square and the diagonal for equal, as rung 2 did. And look at the first row: the means alone see the pair that fools
# the Gram matrix, because they see one of the two terms that it adds up. The row "slices" is the only one without any
# zero. The last two rows have a zero each, and each of the two notices the metamers of the other.
#
# **Exercise 3 · diagnose** · ●●○ · 10 minutes. A program measures style with the function `published_distance` below.
# It runs for hours, and then all pixels are `nan`, although the value of the loss was an ordinary number every time.
# Find features `F` for which the distance is finite and its gradient is not. Return them as a tensor of two channels
# and at least two places.


# %% tags=["spec"]
def published_distance(F):  # (2, N) -> distance from a style
    wanted_means = torch.tensor([0.5, 1.0])
    wanted_deviations = torch.tensor([0.3, 0.7])
    deviations = F.var(dim=1, correction=0).sqrt()
    lengths = F.norm(dim=0) + 1e-8
    return ((F.mean(dim=1) - wanted_means).square().sum() + (deviations - wanted_deviations).square().sum()
            + 0.1 * (lengths.mean() - 1).square())


def fault_of_features(F):
    F = torch.as_tensor(F).float()
    if F.ndim != 2 or F.shape[0] != 2 or F.shape[1] < 2:
        return f"expected features (2, N) with N of at least 2, found {tuple(F.shape)}"
    if not F.isfinite().all():
        return "your features must be finite numbers"
    F = F.clone().requires_grad_()
    distance = published_distance(F)
    if not distance.isfinite():
        return "the distance itself is not finite; the program would have stopped"
    (gradient,) = torch.autograd.grad(distance, F)
    if gradient.isfinite().all():
        return "the gradient is finite everywhere"
    return ""


# %% tags=["exercise"]
def my_features():
    """Features (2, N) with a finite distance and a gradient that is not."""
    # solution
    F = torch.tensor([[0.2, 0.9, 0.4], [0.0, 0.0, 0.0]])  # the second channel never fires
    return F  # the norm is innocent: where it is zero, PyTorch gives it the slope 0


# %% tags=["check"]
from helpers.check import judge

judge(my_features, fault_of_features);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Which function in it has no finite slope at some point, and at which?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The slope of $\sqrt v$ is $1 / (2 \sqrt v)$. What must a channel look like for its variance to be 0?
#
# </details>
#
# <!-- solution: my_features -->
#
# ## Nine rungs paint and judge each other
#
# Now the clouds are features of VGG19, at the five layers that the paper of [Gatys, Ecker and Bethge
# (2016)](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# uses for style. The nine distances have nine different units. To make them comparable we divide each, at each layer,
# by the distance of quiet noise, a grey picture with small random differences between its pixels, from which all
# textures will start. So **1 is noise and 0 is the style** for every rung, and the loss is the mean over the layers.
# (Patches are compared at two layers only, as published. With every place of `relu1_1`, even a picture of 256 pixels would
# have four billion pairs of patches. For the same reason transport compares only 1,024 places of each layer, drawn by
# chance.)

# %%
from helpers.fast import fast, pyramid
from helpers.vgg import VGG

layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
painter = fast(VGG(pool="avg"))  # average pooling, and fewer digits where the machine is faster with them


def quiet_noise(like, seed=0):
    return 0.5 + 0.2 * (noise(like, seed) - 0.5)  # values from 0.4 to 0.6


def distance_from(style, make, layers=layers, net=painter):
    """Return a function: image -> its distance from the style, where quiet noise has the distance 1."""
    with torch.no_grad():
        style_features = net(style, layers)  # relu1_1: (1, 64, h, w), ..., relu5_1: (1, 512, h / 16, w / 16)
        noise_features = net(quiet_noise(style), layers)
    distances = {layer: make(style_features[layer]) for layer in layers}
    units = {layer: distances[layer](noise_features[layer]) for layer in layers}

    def loss(image):
        features = net(image, layers)
        shares = [distances[layer](features[layer]) / units[layer] for layer in layers]
        return sum(shares) / len(layers)

    return loss


def loss_of_rung(style, rung, net=painter):
    if rung in ("slices", "transport"):
        make = partial(LADDER[rung], seed=0)  # the same directions and places at every evaluation
    elif rung == "patches":
        make = partial(patches_of, size=3, stride=2)
    else:
        make = LADDER[rung]
    return distance_from(style, make, ["relu3_1", "relu4_1"] if rung == "patches" else layers, net)


# %% [markdown]
# What does a richer statistic cost? We take the time of one evaluation at 192 pixels for each rung, the fastest of
# three, all in one go on this machine. The seconds will be others on yours, and so we print the ratio to the Gram
# matrix, too.

# %%
import time

bricks = load("red_brick", 1024)[..., 256:768, :512].to(painter.device)  # (1, 3, 512, 512)
corner = bricks[..., :size, :size]
milliseconds = {}
for name in LADDER:
    loss = loss_of_rung(corner, name)
    image = quiet_noise(corner).requires_grad_()
    times = []
    for _ in range(3):
        before = time.perf_counter()
        loss(image).backward()
        image.grad.sum().item()  # wait for the result
        times.append(1000 * (time.perf_counter() - before))
    milliseconds[name] = min(times)
for name in LADDER:
    print(f"{name:21} {milliseconds[name]:6.0f} ms, {milliseconds[name] / milliseconds['Gram']:.1f} times Gram")

# %% [markdown]
# Most of the time goes into the network itself, and so even the simplest rung saves little. Most rungs cost at most
# about twice as much as the Gram matrix here. It is the *sorting* that costs, in the histograms and in the slices:
# `relu1_1` alone has more than two million values to sort. Keep in mind that the Gram matrix is among the cheapest.
# In 2015 that was a good reason to choose it.
#
# Now paint! The cell below makes one texture with the rung that you chose at the top of the notebook.

# %% tags=["painting"]
sample = load(picture, 2 * size)[..., :size, :size].to(painter.device)  # (1, 3, 192, 192)
loss = loss_of_rung(sample, rung)
result = optimise(quiet_noise(sample), loss, evaluations, parametrize=pyramid)
texture = as_saved(result.image)
print(f"{rung}: distance {result.history[0]:.2f} -> {min(result.history):.3f}")
show([sample, texture], ["the sample", f"made with rung “{rung}”"], height=330,
     alt=f"Left, a piece of {picture}; right, a texture made from it with the rung {rung}.")

# %% [markdown]
# With `parametrize=pyramid` the program may change large patches of the image as well as single pixels, which helps
# it to get somewhere in so few evaluations.
#
# We did the same for all nine rungs and three pictures, at 512 pixels and in equal *time*: every texture was given as
# much of it as forty evaluations take with Gram matrices. Means and deviations got 37 evaluations, histograms got 18
# and slices 19; these counts were measured at 512 pixels on one core, and the ratios that you see above may differ a
# little from them. Transport and patches painted thirty evaluations at half the size first, as the programs of their
# authors begin small, too; they had 37 and 29 evaluations left, because this time was counted in. (From noise at full
# size, transport painted little more than the 1,024 places of each layer that it looks at, and patches got stuck,
# because nearly all of the noise was nearest to the same few patches.) The command
# `python -m tools.pictures.results 11_ladder` makes all of them again. Here is the piece of the wall, with another
# piece beside it that nobody painted, and then the nine textures, from rung 1 to rung 9. (In the picture at the top of
# this notebook you saw, after the piece, means, Gram, slices, transport and patches.)

# %%
other_bricks = load("red_brick", 1024)[..., 256:768, 512:]  # (1, 3, 512, 512)
show([bricks, other_bricks], ["the piece", "another piece of the same wall"], height=300,
     alt="Two squares of the same brick wall, with red and grey bricks in straight rows.")

# %%
FOLDER = DATA / "results" / "11_beyond"



def stored(texture, rung):
    return load(FOLDER / f"{texture}_{rung.replace(' ', '_')}.jpg", None)


show([stored("bricks", name) for name in LADDER], LADDER, columns=3, height=310,
     alt="Nine textures made from a piece of a brick wall. The seven rungs from means to slices give irregular red bricks between bent mortar lines; transport has a violet tint and coloured specks; patches has clean bricks in nearly straight rows.")

# %% [markdown]
# There is a surprise at once. The means alone, without any products, make a brick wall that is as good to the eye as
# that of the Gram matrices! (Li and others had seen it in 2017: comparing means is the discrepancy with the plain dot
# product as its kernel, and they found the paintings comparable.) From "means" to "slices" the seven textures are much
# alike, irregular bricks between mortar lines that bend. The slices look a little rougher; they and the histograms had
# only half as many evaluations. Then come two of another kind. Transport has better formed bricks, but lost the right
# colours to a violet tint and is strewn with coloured specks, for a reason that you know: it does not notice how
# strong features are, and it looks at some of the places only. Patches have the cleanest bricks and the straightest
# rows of all, and a slight veil over the dark tones; look for the bricks that are there several times.
#
# How can the means do so well, when we fooled them so easily? They were fooled on two channels of *one* layer. The
# next layer adds up channels. That alone would not help, because the mean of a sum is the sum of the means. But then
# comes the ReLU, and how much it cuts off does depend on what comes together. A toy layer with a single channel,
# $\max(F_1 + F_2 - 1, 0)$, is enough to see it:

# %%
# NBVAL_CHECK_OUTPUT
for name, cloud in {"corners": corners, "diagonal": diagonal}.items():
    total = cloud[0] + cloud[1] - 1  # (8,)
    next_layer = total.clamp_min(0)  # (8,): one channel of a next layer
    print(f"{name:8} means {cloud.mean(dim=1).tolist()}, mean of the sum {total.mean():.2f}, after the ReLU {next_layer.mean():.2f}")

# %% [markdown]
# The square and the diagonal have equal means, and so have their sums, but after the ReLU they differ. VGG19 has done
# the work of a Gram matrix inside, layer after layer, and the 1,472 means of our five layers profit from it. So "why
# the Gram matrix?" has a second answer. In a deep network the statistic matters less than one would think, because
# the features are so rich. What the richer statistics add, we will have to measure. You can see this answer, too. At
# `relu1_1` nothing has been combined yet, and there the statistic has to do all the work. We paint the sample once
# more with that layer alone:

# %%
shallow = {}
for name in ("means", "Gram"):
    loss = distance_from(sample, LADDER[name], ["relu1_1"])
    shallow[name] = as_saved(optimise(quiet_noise(sample), loss, evaluations, parametrize=pyramid).image)
    judge = distance_from(sample, LADDER["Gram"], ["relu1_1"])
    print(f"{name:5} distance by the Gram matrix of relu1_1: {judge(shallow[name]):.4f}")
show([sample, *shallow.values()], ["the sample", "means at relu1_1", "Gram at relu1_1"], columns=3, height=256,
     alt="A photo of red bricks; a square of fine coloured grain; and a square of grain with dark and bright edges.")

# %% [markdown]
# With the means of one shallow layer you get grain in the colours of the wall, and with its Gram matrix there are
# edges and small dark and bright patches. So the richer statistic is worth its price where the features are poor.
# Fallen leaves have no rows, and a painting has no motif that repeats:

# %%
leaves = load("autumn_leaves", 1024)[..., 256:768, :512]  # (1, 3, 512, 512)
kandinsky = load("kandinsky_composition_vii", 1024)[..., 84:596, :512]
shown = ["Gram", "Wasserstein", "slices", "transport", "patches"]
show([leaves, *[stored("leaves", name) for name in shown]], ["the piece", *shown], columns=3, height=310,
     alt="Fallen leaves and five textures of them: three with brown and orange leaves of all sizes lying across each other, one greyish and speckled, and the last full of copies of a few yellow and orange leaves.")

# %%
show([kandinsky, *[stored("kandinsky", name) for name in shown]], ["the piece", *shown], columns=3, height=310,
     alt="A piece of a colourful abstract painting and five textures of it: three full of small coloured shapes, one of small curls that is nearly grey, and the last full of slanted red ladders.")

# %% [markdown]
# Gram matrices and slices give leaves of all sizes and small colourful shapes, though here the Gram matrix leaves some
# areas grey, and the slices are rougher; of all, the Wasserstein distance looks most like the piece. Transport has the
# shapes of leaves, but in a bluish grey with coloured specks, and its Kandinsky is small curls behind a grey veil.
# Nothing in its loss asks for strong features, and that is why its authors add the difference of means and covariances
# to it in their own program. In the patches you meet "one corner" again. A few yellow and orange leaves lie all over
# the ground, and a slanted red ladder, which the piece of the painting has once or twice, is everywhere.
#
# Our eyes see what they hope to see, so let us also measure. Each of the nine textures is measured by each of the
# nine rungs. A rung will of course praise its own texture. What we want to know is what it says about the others.
#
# We also need judges that did not take part. The first looks at the pixels and not at any network: the **power
# spectrum** says how strong waves of every length and direction are in the picture, and we compare it in four octaves
# and eight directions. The second is VGG19 again, but at three layers that no rung has used (`relu2_2`, `relu3_2` and
# `relu4_2`), and it compares the two clouds with the [energy distance](https://doi.org/10.1016/j.jspi.2013.03.018).
# That is the discrepancy of the second section with the negative distance of two points as their likeness, and none
# of our nine. And as a bar we add a second piece of the same picture, which nobody painted. All numbers are in the
# unit of quiet noise, and the table shows their geometric mean over the three pictures (the third root of the product
# of three).

# %%
import json
import math

table = json.loads((DATA / "results" / "11_ladder.json").read_text(encoding="utf-8"))["textures"]
measures = [*LADDER, "spectrum", "energy"]
candidates = [*LADDER, "another piece"]


def mean_verdict(candidate, measure):
    logs = [math.log(max(table[name][candidate][measure], 1e-4)) for name in table]
    return math.exp(sum(logs) / len(logs))


verdicts = torch.tensor([[mean_verdict(candidate, measure) for measure in measures] for candidate in candidates])  # (10, 11)

fig, ax = plt.subplots(figsize=(8.6, 4.6))
ax.imshow(verdicts.log10(), cmap="RdYlBu_r", vmin=-3.7, vmax=0.7, aspect="auto")
for row in range(len(candidates)):
    for column in range(len(measures)):
        is_least = verdicts[row, column] == verdicts[: len(LADDER), column].min()
        ax.text(column, row, f"{verdicts[row, column]:.3f}", ha="center", va="center", fontsize=8,
                weight="bold" if is_least else "normal")
ax.set_xticks(range(len(measures)), measures, rotation=30, ha="right", fontsize=9)
ax.set_yticks(range(len(candidates)), candidates, fontsize=9)
ax.set(xlabel="measured by", ylabel="painted with")
ax.axvline(len(LADDER) - 0.5, color="black")
ax.axhline(len(LADDER) - 0.5, color="black")
figure(fig, alt="A table of ten rows and eleven columns of numbers between 0.001 and 1.15, coloured from blue for small to red for "
       "large; the first seven rows are mostly blue, the rows of transport and patches yellow to red, and so are their columns.")

# %% [markdown]
# Blue is near, red is far, and each shade is a factor. Go down the columns first: the smallest number of the nine
# textures is printed in bold. You would expect each rung to praise its own texture, but only four of them do: means,
# means and deviations, Wasserstein and patches. The histograms prefer what means and deviations have painted, and in the
# column of the slices their own texture is only the seventh. Eighteen or nineteen evaluations of an expensive
# distance got less far than thirty-seven of a cheap one, even by the measure of the expensive one! Transport is the last
# in its own column. It was painted with 1,024 fixed places of each layer and is judged at 1,024 others, and what it had
# learnt about the first does not hold for the second: at its own places, its wall of bricks has 0.24, at others 0.43.
#
# Now go along the rows. The Wasserstein distance is the all-rounder. It is first in seven of the eleven columns, both
# outside judges among them, and second in three more. Most of these leads are small, and only two are larger than a
# third, by the Gram matrices and by its own measure. Even the Gram matrices find its textures nearer than their own,
# although those had 40 evaluations and it had 36. It knows no more than mean and covariance do, but it compares
# deviations where they compare variances, so that a quiet channel counts for more. We suppose that this makes its
# valley easier to descend; the table alone cannot prove it. The two rungs of nearest neighbours, transport and
# patches, are poor by nearly all measures: transport never asks how strong the features are, and patches never ask how
# much of everything is needed. The column of patches tells us something about the judge. It finds the other piece of
# the same picture hardly better than noise and most of the textures worse, because the patches there are not exactly
# these.
#
# The two judges that did not take part hardly tell the first seven rungs apart. The energy distance gives the first five
# 0.006 to 0.007, the histograms 0.009 and the slices 0.012, and the spectrum gives all of them 0.004 to 0.007. By the
# energy distance, most of them are nearer than the second piece of the real picture. But that is clear only for the
# Kandinsky, whose two pieces differ a lot. A second piece of wall or of forest ground is about as near as the textures,
# and by the spectrum it is nearer. We had three pictures and one noise to start from, so do not read anything into a
# difference of a third. What our eyes said about the bricks holds up: with these features and so little time, the
# statistic matters little until it forgets how strong, or how much.
#
# How much of this can be seen in a painting, where a photo decides what is where? Here is Vermeer's girl after a
# mosaic of fish, at 512 pixels, painted with five rungs in equal time. The content weight is the same for all, and
# each rung was scaled so that it pushes the start as hard as the Gram matrices do. (`python -m tools.pictures.results
# 11_paintings`)

# %%
painted_with = ["means and deviations", "Gram", "Wasserstein", "slices", "transport"]
show([load("mosaic", 512)[..., 83:429], *[stored("painting", name) for name in painted_with]], ["the style", *painted_with], columns=3, height=340,
     alt="The middle of a mosaic of two fish, and five paintings of a girl with a blue turban made of small stones: four in strong colours, the last pale and soft.")

# %% [markdown]
# All five show the girl, and all five are made of stones. With means and deviations the stones are a
# little less regular, and their rows are short. With the Gram matrix, and more so with the Wasserstein distance,
# they line up in waves around the head, as they do around the fish. The slices have the strongest contrasts, with
# some violet that the mosaic does not have. Transport keeps the girl's own soft light and lays thin joints over it,
# because its loss does not ask for strong features. So with a photo in the picture, four of the five statistics are
# interchangeable at first sight, and where nobody can tell which one was used, the cheapest is good enough.
#
# Now we can answer the question of 2017 in one place. Why the Gram matrix? Because it is the simplest statistic that
# knows what comes together with what. Because it compares two clouds point by point, without ever listing the pairs.
# Because it cost next to nothing in 2015. And because features as rich as these forgive almost any choice. What it is
# *not* is special.
#
# **Exercise 4 · design** · ●●● · 30 minutes. Invent a statistic of your own, and then its metamer. The statistic is a
# function of features $F$ of two channels that returns a tensor of numbers. It must forget places (if the columns are
# shuffled, it stays the same). It must not be on our ladder: let it tell `calm` from `wild`, which the Gram matrix
# takes for equal, and `left` from `right`, which fool everything that looks at one channel at a time. And it must
# have a gradient, so that one could paint with it. The metamer consists of two different clouds of the same number of
# points that your statistic cannot tell apart. Return all three: the function and the two clouds.


# %% tags=["spec"]
def fault_of_statistic(statistic):
    generator = torch.Generator().manual_seed(0)
    cloud = torch.randn(2, 12, generator=generator)
    if not torch.is_tensor(statistic(cloud)):
        return "your statistic must return a tensor, for example torch.stack([...])"
    if not statistic(cloud).isfinite().all():
        return f"your statistic is not finite for random features: {statistic(cloud).tolist()}"
    shuffled = cloud[:, torch.randperm(12, generator=generator)]
    if tells_apart(statistic, cloud, shuffled):
        return "your statistic changes when the places are shuffled"
    if not tells_apart(statistic, torch.ones(2, 8), torch.tensor([2**0.5, 0.0]).repeat(2, 4)):
        return "your statistic cannot tell calm from wild, and neither can the Gram matrix"
    left = torch.tensor([[-1.0, 0.0, 0.0, 1.0], [-1.0, 0.0, 1.0, 0.0]])
    right = torch.tensor([[-1.0, 0.0, 0.0, 1.0], [0.0, -1.0, 0.0, 1.0]])
    if not tells_apart(statistic, left, right):
        return "your statistic cannot tell left from right: does it look at one channel at a time?"
    cloud.requires_grad_()
    total = statistic(cloud).float().sum()
    if not total.requires_grad or torch.autograd.grad(total, cloud)[0].abs().max() == 0:
        return "your statistic has no gradient, and so nobody could paint with it: a count has none"
    return ""


def tells_apart(statistic, first, second):
    return not torch.allclose(statistic(first).float(), statistic(second).float(), atol=1e-3)


def fault_of_invention(answer):
    if not (isinstance(answer, tuple | list) and len(answer) == 3 and callable(answer[0])):
        return "return three things: the statistic, which is a function, and two clouds"
    statistic, first, second = answer
    fault = fault_of_statistic(statistic)
    if fault:
        return fault
    first, second = torch.as_tensor(first).float(), torch.as_tensor(second).float()
    if first.ndim != 2 or first.shape != second.shape or first.shape[0] != 2:
        return "the two clouds need one shape (2, N)"
    angles = torch.linspace(0, 3.1, 40)
    directions = torch.stack([angles.cos(), angles.sin()], dim=1)
    shadows = [(directions @ points).sort(dim=1).values for points in (first, second)]
    if torch.allclose(*shadows, atol=1e-3):
        return "your two clouds are the same cloud, perhaps in another order"
    if tells_apart(statistic, first, second):
        return f"your statistic tells them apart: {statistic(first).tolist()} and {statistic(second).tolist()}"
    return ""


# %% tags=["exercise"]
def my_invention():
    """(a statistic: features (2, N) -> numbers, a cloud (2, N), another cloud (2, N))."""
    # solution
    def statistic(F):  # mean products of three: of one channel twice and the other once
        return torch.stack([(F[0] ** 2 * F[1]).mean(), (F[0] * F[1] ** 2).mean()])

    first = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])  # the second channel is silent, and all products are 0
    second = torch.tensor([[4.0, 5.0, 6.0], [0.0, 0.0, 0.0]])
    return statistic, first, second



# %% tags=["check"]
from helpers.check import judge

judge(my_invention, fault_of_invention);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Ask a question about the cloud that has a number for an answer, and that both channels have to answer together. How
# large is the largest sum of the two? What is the mean of the products of *three* numbers? Whichever you take, ask
# yourself what it does *not* mention.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A maximum says nothing about all other points. A product says nothing about one factor while the other is zero. What
# happens to your statistic if one of the two channels never fires?
#
# </details>
#
# <!-- solution: my_invention -->
#
# Your own statistic has a metamer, like all the others. As long as a statistic forgets the places, there is one pair
# that it can never tell apart: the features of a layer, and the same features with their places shuffled. This is
# where the ladder leads next.
#
# ## Order
#
# Every mortar line of a wall continues in the next brick. To know that, a statistic has to relate *different* places.
# Three ways have been proposed, and each of them is added to the five Gram matrices.
#
# - **Shifted Gram matrices** ([Berger and Memisevic, 2017](https://arxiv.org/abs/1606.01286)) multiply features of one place with those of a place $\delta$
#   further to the right, or further down. Notebook 04 derives them.
# - The **spectrum** ([Liu, Gousseau and Xia, 2016](https://arxiv.org/abs/1605.01141)) is that of our outside judge, but wave by wave. The image is pulled towards the nearest image
#   that has the spectrum of the style.
# - **Octaves** ([Snelgrove, 2017](https://doi.org/10.1145/3145749.3149449)) compare Gram matrices of the picture, of the picture at half its size, and at a quarter. At a quarter of
#   the size, a layer sees four times as far.
#
# You can see in a toy what they notice. We take stripes one pixel wide and change them in two ways.
# Once we exchange two of every four columns, which turns them into stripes two pixels wide, and once we only move them
# on by one column.

# %%
# NBVAL_CHECK_OUTPUT
from helpers.statistics import octaves, shifted_gram_of, spectrum_of

stripes = torch.zeros(1, 3, 64, 64)  # white and black columns in turn, in all three channels
stripes[..., ::2] = 1
places = torch.arange(64).view(16, 4)[:, [0, 2, 1, 3]].flatten()  # two columns of every four change places
exchanged = stripes[..., places]
moved = stripes.roll(1, dims=3)  # every column one place further
for name, image in {"exchanged": exchanged, "moved": moved}.items():
    print(f"{name:9} Gram {gram_of(stripes)(image):.2f}, shifted by one place {shifted_gram_of(stripes, 1)(image):.2f}, "
          f"spectrum {spectrum_of(stripes)(image).abs():.2f}")
    at_half, style_at_half = octaves(image, 2)[1], octaves(stripes, 2)[1]  # (1, 3, 32, 32)
    print(f"{'':9} Gram at half the size {gram_of(style_at_half)(at_half):.2f}")

# %% [markdown]
# The Gram matrix notices neither. The shifts and the spectrum object to the wider stripes, and so do the octaves,
# because at half the size the narrow stripes are an even grey and the wide ones are still stripes. None of them minds
# the move, as it should be, since the order is still there. On a real wall the shifts are 4, 8 and 16 places of
# `relu3_1`, which are 16, 32 and 64 pixels. Below are bricks and a carpet by William Morris, forty evaluations each
# (`python -m tools.pictures.results 11_order`).
#
# **Your turn, before you run the next cell.** A brick is about 50 pixels long, and a row about 30 high. Which of the
# three will straighten the rows of bricks, and which one has a chance with the carpet, whose pattern is symmetric but
# hardly repeats within this piece?
#
# <details><summary>Compare</summary>
#
# The shifts of 16 to 64 pixels reach from one row of bricks to the next and beyond, and a wave that repeats with the
# rows stands out in the spectrum, so you would ask these two. For the carpet, one would rather want to see a whole
# flower with its stems, and that is what the octaves are for: at a quarter of the size, a flower of 80 pixels has only
# 20. None of the three knows of mirror symmetry.
#
# </details>

# %%
kinds = {"Gram": "Gram alone", "shifted": "and shifted", "spectrum": "and the spectrum", "octaves": "in octaves"}
walls = [bricks, other_bricks, *[stored("bricks", kind) for kind in kinds]]
show(walls, ["the piece", "another piece", *kinds.values()], columns=3, height=310,
     alt="Two pieces of a brick wall and four textures of the first; their rows bend, with the shifts a little less than with Gram matrices alone.")

# %%
carpet = load("morris_holland_park_carpet", 1024)[..., 112:624]  # (1, 3, 1024, 512)
carpets = [carpet[..., :512, :], carpet[..., -512:, :], *[stored("carpet", kind) for kind in kinds]]
show(carpets, ["the piece", "another piece", *kinds.values()], columns=3, height=310,
     alt="Two pieces of a carpet with symmetric flowers on winding stems, and four textures of the first with torn stems; in octaves the flowers are rounder.")

# %%
order = json.loads((DATA / "results" / "11_order.json").read_text(encoding="utf-8"))
for name, rows in order.items():
    print(name)
    for candidate, numbers in rows.items():
        shifted = sum(numbers[f"shifted {shift}"] for shift in (4, 8, 16)) / 3
        quarter = numbers["octave 2"]
        print(f"  {candidate:14} Gram {numbers['Gram']:.3f}   shifted {shifted:.3f}   "
              f"spectrum {numbers['spectrum']:.3f}   Gram at a quarter {quarter:.3f}")

# %% [markdown]
# The eye finds modest differences. The rows of bricks run a little straighter with the shifts and with the spectrum,
# which lets some bricks shine through others like ghosts, and in octaves the flowers of the carpet are rounder and
# stand apart from their stems, but nobody would mistake any of them for the work of Morris. The numbers are much
# clearer. Compared with what Gram matrices alone leave, the shifts bring their own error down to about a third, the
# spectrum to less than a thirtieth, and the octaves the Gram error at a quarter of the size to about a twentieth,
# while the Gram error at full size about doubles at most. (The spectrum is counted wave by wave here, and not in the
# few bands of our judge above, so its numbers are others.) Now look at the other columns. What the one repairs, the
# others hardly notice, or even spoil: in octaves, the shifted error of the carpet more than doubles. Only the spectrum
# helps the Gram matrices at a quarter of the size a good deal, too. "Order" is not one thing, and a program has to
# name the kind that it means. And there can be too much of it. By its own measure, each of these walls is nearer to
# the piece than the other piece of the same wall is, and for the spectrum it is 0.005 against 0.22. Such a number
# describes this one piece, and no longer brick walls.
#
# ## The artefact clinic
#
# With these tools we can treat the most common complaints about paintings. Each patient below gets a picture, a
# number, a cause, one lever, and a picture after the treatment. You know the first one already: **restless areas**,
# where the Gram matrix trades mean against variance. Its lever is mean and covariance, and its picture is the brown
# square above. Six more follow.
#
# **Chequers** are fine regular dots or lines, as if the picture were woven. They come from max pooling, which hands the
# gradient on to only one of every four numbers, the largest, and at the next pooling again to one of four. You see it
# best in a smooth area. So we take an even grey picture and ask in which direction a Gram matrix at `relu4_1` wants
# to change its pixels. Nothing distinguishes one grey pixel from the next, and therefore all of them should be told
# the same.

# %%
from helpers.show import heat

night = load("starry_night", 384)[..., :160, :160].to(painter.device)  # (1, 3, 160, 160)
weaves = {}
for pool in ("max", "avg"):
    loss = distance_from(night, gram_of, ["relu4_1"], VGG(pool=pool))
    grey = torch.full_like(night, 0.5).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(grey), grey)
    inside = gradient.mean(dim=1)[0][56:104, 56:104]  # (48, 48): far from the border
    inside = inside / inside.square().mean().sqrt()
    print(f"{pool}: mean {inside.mean().abs():.4f}, deviation {inside.std():.4f}")
    large = inside.repeat_interleave(6, dim=0).repeat_interleave(6, dim=1)  # (288, 288): a pixel becomes a square
    weaves[pool] = heat(large, -2.5, 2.5, "RdBu_r")

# %%
show([weaves["max"], weaves["avg"]], ["gradient with max pooling", "gradient with average pooling"], height=288,
     alt="Left, a woven pattern of red and blue dots and lines that repeats every eight pixels; right, one even colour.")

# %% [markdown]
# Red means that a pixel should become darker, blue that it should become brighter. With max pooling the loss asks for
# a woven cloth that repeats every 8 pixels, because three poolings lie below `relu4_1`. Its mean is nearly nothing.
# (In an even area the four numbers are equal, and the first of them is taken.) With average pooling all pixels are
# told the same, to within three thousandths. So the lever is `VGG(pool="avg")`, which the paper itself recommends,
# and all textures of this notebook were made with it.
#
# **Bright margins.** At the border, a **convolution** (the weighted sum of a pixel and its neighbours, of which the
# network is made) sees zeros where there is no picture. So its features there are weaker than they would be inside, and a
# program with only shallow layers makes up for that with brightness. The lever is to leave the outermost
# places out when the statistic is computed, and to cut off the margin of the picture, about which the loss now says
# nothing.


# %%
def without_border(make, width):  # a maker that ignores the outermost places
    def make_inner(style_maps):
        distance = make(style_maps[..., width:-width, width:-width])
        return lambda maps: distance(maps[..., width:-width, width:-width])

    return make_inner


margins = {}
for name, make in {"zeros count": gram_of, "border left out": without_border(gram_of, 3)}.items():
    loss = distance_from(night, make, ["relu1_1", "relu2_1"])
    image = as_saved(optimise(quiet_noise(night), loss, 20, parametrize=pyramid).image)
    cropped = image[..., 8:-8, 8:-8]  # without what a loss that leaves out the border has not looked at
    margins[name] = cropped if name == "border left out" else image
    grey = cropped.mean(dim=1)[0]  # (144, 144)
    margin = torch.cat([grey[:4].flatten(), grey[-4:].flatten(), grey[:, :4].flatten(), grey[:, -4:].flatten()])
    print(f"{name}, both cropped: margin {margin.mean():.2f}, inside {grey[16:-16, 16:-16].mean():.2f}")


show([night, *margins.values()], ["the style", *margins], height=256,
     alt="Stars and a cypress by Van Gogh; a texture of small blue curls with a bright frame along all sides; the same without the frame.")

# %% [markdown]
# With the zeros, the texture has a bright frame. To be fair, we have cut off the outermost eight pixels of both pictures
# before we measured. With the border left out of the loss, about two fifths of the difference is left, and no frame is
# to be seen any more.
#
# **Grain in the sky.** A painting that starts from noise has to remove the noise before it can paint, and a smooth
# sky is where you see what is left of it. The number is the **total variation** $V$, the mean squared difference
# between neighbouring pixels, of the uppermost rows, which are all sky. The lever is the start. We use the loss of
# [notebook 05](05_the_total_loss.ipynb) with Gram matrices, and change nothing but the image that we begin with:
# noise, or the photo in the colours of the style.

# %%
from helpers.colours import matched_colour
from helpers.losses import content_loss, gram, style_loss, total_variation

photo = load("desert_dune", 256).to(painter.device)  # (1, 3, 171, 256)
style = load("munch_the_scream", 256).to(painter.device)  # (1, 3, 256, 202)
trained = fast(VGG())  # with the max pooling it was trained with


def painted(photo, style, start, style_layers=layers):
    with torch.no_grad():
        content_target = trained(photo, ["relu4_2"])["relu4_2"]
        style_targets = {layer: gram(maps) for layer, maps in trained(style, style_layers).items()}

    def loss(image):
        features = trained(image, [*style_layers, "relu4_2"])
        errors = [style_loss(features[layer], style_targets[layer]) for layer in style_layers]
        return sum(errors) / len(errors) + 0.05 * content_loss(features["relu4_2"], content_target)

    return as_saved(optimise(start, loss, 25, parametrize=pyramid).image)


dunes = {}
for name, start in {"from noise": noise(photo), "from the photo": matched_colour(photo, style)}.items():
    dunes[name] = painted(photo, style, start)
    print(f"{name}: V of the sky {total_variation(dunes[name][..., :50, :]):.4f}")
print(f"the photo itself: {total_variation(photo[..., :50, :]):.4f}")
show([photo, *dunes.values()], ["the photo", *dunes], height=210,
     alt="Left, an orange dune under a blue sky; in the middle, swirling strokes under coloured grain in which the dune can hardly be made out; right, the dune painted in wavy brown and orange bands, without grain.")

# %% [markdown]
# From noise, the grain of the sky is about seventy times as strong as from the photo, and even the dune is hard to
# find. Twenty-five evaluations are not enough to remove the noise. From the photo there was none to remove, and the
# same evaluations went into strokes.
#
# **Colour leaks.** The sky of the photo was blue, and in the painting it is not. We began with the colours of the style,
# and nothing gave the blue back: for a Gram matrix it matters how much of each colour there is, and not where.
# Sometimes this is what one wants. If not, the cure is the cheapest of the four in [notebook
# 10](10_controlling_style.ipynb), and needs no new painting. Take only the luminance from the painting, and the
# differences of red, green and blue from the photo. The number is the mean distance of the colours
# in the sky from those of the photo.

# %%
from helpers.colours import grey, with_colours_of


def colour_of(image):  # (1, 3, H, W) -> what is left when the luminance is taken off
    return image - grey(image)


begun = matched_colour(photo, style)
leaking = dunes["from the photo"]
cured = with_colours_of(photo, leaking)


for name, image in {"the start": begun, "as painted": leaking, "the photo's colours": cured}.items():
    leak = (colour_of(image) - colour_of(photo))[..., :50, :].norm(dim=1).mean()
    print(f"{name}: colours of the sky are off by {leak:.3f}")
show([style, leaking, cured], ["the style", "as painted", "the photo's colours"], height=240,
     alt="Left, The Scream with its orange sky; in the middle, the painted dune with an olive and brown sky; right, the same strokes with a blue sky and an orange dune.")

# %% [markdown]
# Nearly all of the leak was already in the start that we chose; the Gram matrices only had no reason to take it back.
# In the last picture the strokes stay, and the sky is blue again. The last number is zero by construction, as far as
# the colours fit between black and white, so the picture is the only proof that matters here.
#
# **Ghost eyes.** If a style picture contains eyes, the painting may get some, too, wherever it finds a round spot. A
# cat by a lake shows it best. The deeper layers are the cause. A feature of `relu4_1` or `relu5_1` sees 68 or 156
# pixels of the image, enough for a whole eye, and among its channels there are some for eyes. The lever is to stop at
# `relu3_1`. For a number, we take the features of one of the cat's eyes at `relu4_1` and look for the place of the
# painting that is most similar to it, by the cosine of the angle between the two.

# %%
lake = load("lake_sherburne", 256).to(painter.device)  # (1, 3, 144, 256)
cat = load("chelsea", 256).to(painter.device)  # (1, 3, 171, 256)
judge_network = VGG()  # with all its digits
with torch.no_grad():
    eye = judge_network(cat, ["relu4_1"])["relu4_1"][..., 8, 12]  # (1, 512): the place of the eye


def eyelikeness(image):
    with torch.no_grad():
        maps = judge_network(image, ["relu4_1"])["relu4_1"]  # (1, 512, h, w)
    return torch.cosine_similarity(maps, eye[..., None, None], dim=1).max()


lakes = {}
for name, style_layers in {"five layers": layers, "three layers": layers[:3]}.items():
    lakes[name] = painted(lake, cat, matched_colour(lake, cat), style_layers)
    print(f"{name}: likeness of the most eye-like place {eyelikeness(lakes[name]):.2f}")
print(f"the lake itself: {eyelikeness(lake):.2f}")
petals = load("dried_petals", 256).to(painter.device)
print(f"the cat's other eye: {eyelikeness(cat[..., 128:]):.2f}, and dried petals: {eyelikeness(petals):.2f}")
show([cat, *lakes.values()], ["the style", *lakes], height=210,
     alt="Left, the face of a tabby cat with green eyes; in the middle, a lake and mountains of fur with cat's eyes among them; right, the same lake in the colours of the fur, without eyes.")

# %% [markdown]
# With all five layers, the mountains look back at you. With three layers the colours and the fur remain, and the number
# falls from nearly 0.8 to 0.6, towards the 0.53 of the photo. Do not trust it too far, though. Dried petals, which have no
# eyes at all, score nearly as high as the painted eyes. The number falls with the eyes here; that they are gone, only
# the picture shows. The price is that nothing of the style
# that is wider than 24 pixels, which is what a feature of `relu3_1` sees, is asked for any more.
#
# **Haze** makes a picture pale, as if it stood behind fog. The texture of the patches has it. Patches overlap, so a place
# belongs to several of them, each of which wants something else, and the compromise is a mean; but a mean of dark and
# bright is grey.
# The number is the standard deviation of the grey image. The lever is to bring mean and covariance of the three
# colours back afterwards; `matched_colour` carries each pixel there in the cheapest way.

# %%
pale = stored("bricks", "patches").to(painter.device)
cleared = matched_colour(pale, bricks)
for name, image in {"the piece": bricks, "patches": pale, "colours matched": cleared}.items():
    print(f"{name}: deviation of grey {image.mean(dim=1).std():.3f}")
show([bricks, pale, cleared], ["the piece", "patches", "colours matched"], height=310,
     alt="Three brick walls: the photo with bright and dark bricks, a flatter wall without deep darks, and the same wall with stronger contrast.")

# %% [markdown]
# The patches had lost about a fifth of the contrast, and the matched colours bring it back. They cannot bring back
# the sharp edges that were averaged away, but the fog has lifted.
#
# **Exercise 5 · make a picture** · ●○○ · 20 minutes. Go back to the knobs at the top, choose another rung and another
# picture, and run that cell and the one that begins with `sample =` again. It takes the upper left corner of the
# picture, which in a photo of your own may be nothing but sky. Find a pair of a rung and a picture that you like
# better than what the Gram matrix makes of it, and one that is worse. So that they do not overwrite each other, write
# `kept = {}` once, and after each run `kept[rung, picture] = texture; show([*kept.values()])`. Good candidates for
# `picture` are `"onyx"`, `"signac_la_calanque"`, `"mosaic"` or a photo of your own.
#
# <details><summary>What to look for</summary>
#
# Ask of each texture which of its parts come from the statistic, and which have been left to chance. With the lowest
# rungs, look for colours that are right while what comes together is wrong. With patches, look for a piece that
# appears many times. With transport, look at the contrast.
#
# </details>
#
# ## What came after
#
# All of this asks for a new optimisation for each picture. From 2016 on, people trained networks that paint in a
# single pass. [Johnson, Alahi and Fei-Fei](https://arxiv.org/abs/1603.08155) took the loss of Gatys and his
# colleagues, with the same Gram matrices, and trained one network for each style to make it small, which is a
# thousand times as fast as an optimisation. [Huang and Belongie (2017)](https://arxiv.org/abs/1703.06868) found a way
# to have all styles in one network. Their AdaIN gives each channel of the content's features the mean and the
# deviation of the style's, and a second network turns the result into pixels. You know this statistic: it is rung 2,
# whose metamers are the square and the diagonal. AdaIN applies it at a single layer, `relu4_1`, where many habits are
# channels already, and so this costs less than it sounds; what is finer is left to the second network.
# [Li and others (2017)](https://arxiv.org/abs/1705.08086) went on and gave the features the whole covariance, which
# is rung 4. Others stayed with an optimisation for each picture and changed the statistic:
# [STROTSS](https://arxiv.org/abs/1904.12785) is our transport, with moments added, and
# [NNST](https://arxiv.org/abs/2203.13215) replaces every feature by its nearest one in the style.
#
# Diffusion models, which have painted most of the "styles" on the web since 2022, have no such statistic at all. They
# learn from hundreds of millions of pictures with captions what is likely to stand beside what. They can follow a
# prompt such as "a brick wall in the manner of Kandinsky", and they know what a wall is. But you cannot tell such a
# model which of nine properties to keep. For a style that nobody has ever put into a caption, or for a texture
# that must have exactly these statistics, and also for understanding what the word could mean, the old loop remains a
# good tool. And its question goes on: [InstantStyle](https://arxiv.org/abs/2404.02733) asks which layers hold the
# style, this time those of a diffusion model.
#
# What else can go wrong, in programs rather than in statistics, is collected in the [bug
# museum](12_bug_museum.ipynb).
#
# ## What to remember
#
# - The features of a layer are a cloud of points, and a style is a cloud without places. The Gram matrix is the simplest statistic that knows
#   which channels fire together, and it is nearly the cheapest.
# - Comparing Gram matrices is the maximum mean discrepancy with the squared dot product as its kernel. It mixes mean and covariance, $G = \Sigma + \mu\mu^\top$, and so a
#   program may trade the one for the other.
# - Every statistic has metamers. Slices in all directions know the whole cloud, and what they still cannot see is order, for which there are shifted Gram matrices, the spectrum, octaves and patches.
# - At equal time, an expensive statistic could lose here even by its own measure. The Wasserstein distance of normal distributions led most often, mostly by little. In a deep network even means do well, because a deep channel is a combination that went through a ReLU.
# - A small loss says that one statistic agrees. Ask a judge that was not in the loss.
# - A root has an infinite slope at zero, and a dead channel has a variance of zero: add something small before you take it.
#
# ## Three questions
#
# **1.** Someone replaces the Gram loss by means and deviations and reports that it is "just as good, and faster". On
# which kind of style could that be true?
#
# <details><summary>Answer</summary>
#
# Where it does not matter which channels fire together, because nearly every channel of a deep layer already answers
# to such a combination by itself. A deep channel for "yellow spot with a blue rim" holds this habit in its mean
# alone. On the other hand, the gain in speed is small, since most of the time goes into the network.
#
# </details>
#
# **2.** Can sliced Wasserstein with *fixed* directions be fooled?
#
# <details><summary>Answer</summary>
#
# Yes. With a few directions, such as the two axes, there are clouds with equal shadows on all of them; you have seen
# a pair. The theorem speaks of all directions. That is why the published program draws new ones at every evaluation.
# And it happens: as many fixed directions as channels are only the histograms of rung 6 along other
# axes. If 1,000 points in 64 channels are moved freely until 64 fixed directions are content, an eighth of the
# distance remains along all others. Our textures were painted with fixed directions, too. Judged along others, their
# distance is about a quarter larger, 0.0084 instead of 0.0068. The features of a picture cannot move as freely as points.
#
# </details>
#
# **3.** Nearest patches use only what is in the style. Why is the result not simply a copy of the style?
#
# <details><summary>Answer</summary>
#
# Each patch chooses by itself, and neighbouring patches overlap, so they have to agree where they meet. From noise,
# different regions start to agree on different pieces, and nothing asks that all pieces be used, or each only once.
# The result is a patchwork of pieces, some of them used many times.
#
# </details>
#
# ## On your own
#
# - Give the slices four times as many evaluations. Or leave the `seed` away in `loss_of_rung`, so that slices and transport draw new directions and places at each evaluation, as their authors do. Does L-BFGS mind, the optimiser of [notebook 07](07_painting_with_lbfgs.ipynb), which decides by comparing the values of two evaluations?
# - Add two rungs: Gram matrices at the shallow layers, and patches at `relu4_1`. Which faults of each are gone?
# - Take the judges of this notebook to paintings of your own from [notebook 08](08_recipes_and_knobs.ipynb). Does the outside judge prefer the one that you prefer?
#
# **In practice.** Stay with Gram matrices until you see a fault that you can name. If large even areas come out
# restless, take mean and covariance or the Wasserstein distance, which cost a tenth to a half more here. Slices
# know the most, but they need time; at equal time they did not win. If a motif must survive whole, take patches, and
# expect copies. And if rows must stay straight, add a statistic of order.
#
# **Further reading.** [Demystifying Neural Style Transfer](https://arxiv.org/abs/1701.01036) (Li and others, 2017) is
# the paper behind the second section. [Stable and Controllable Neural Texture
# Synthesis](https://arxiv.org/abs/1701.08893) (Risser and others, 2017) is about the instability and histograms. [A
# Sliced Wasserstein Loss](https://arxiv.org/abs/2006.07229) (Heitz and others, 2021) is short and clear. [A
# Parametric Texture Model](https://doi.org/10.1023/A:1026553619983) (Portilla and Simoncelli, 2000) asked the same
# questions long before there were such networks, and [Julesz's experiments](https://doi.org/10.1038/290091a0) with
# textures that people cannot tell apart are where the idea of a ladder of statistics comes from.
#
# <!-- bottom -->
