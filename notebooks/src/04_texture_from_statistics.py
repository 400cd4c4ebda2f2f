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
# # Make a texture from statistics
#
# > **The question** If somebody keeps only a few tables of numbers about a painting, and loses the painting, can you paint another one like it?
# > **You will make** new pieces of *The Starry Night* out of noise, and wallpaper whose pattern falls apart and comes back.
# > **You need** Gram matrices ([notebook 03](03_gram_matrices.ipynb)), a little PyTorch, and the chain rule. All letters are explained in the table of [notation](00_start_here.ipynb#Notation).
# > **Time** about 65 minutes to read and run, and 75 minutes for the exercises; the computing in it takes about two and a half minutes on a laptop.

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Below are a brick wall, fallen leaves, a carpet and a painting, and none of the four exists. Nobody built the wall,
# and Van Gogh never painted the painting.

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "04_textures.jpg", 616),
     alt="Four large squares: red bricks, grey and orange leaves, a dark carpet with red flowers on "
     "winding stems, and blue swirling brush strokes with yellow stars. In the corner of each, in a "
     "white frame, a piece of the real picture in the same colours and strokes.")

# %% [markdown]
# Only the small pieces in the white frames are real, and they are shown at the same scale. Everything around them began
# as grey noise. A program changed its pixels until five tables of numbers, computed from the noise, agreed with the
# tables of the real picture, and it never saw the real picture again. (Each square has 480 pixels a side; the program
# adjusted it 60 times at half that size and 50 times at full size.)
#
# How can a table of numbers know what a brick is? And what about the wall does it *not* know? In this notebook you will
# write that program, make such pictures yourself, and then find out what gets lost, by an experiment.
#
# Here are the knobs: the side of our textures in pixels, and how many times we may measure the error of each texture
# while we improve it.

# %% tags=["settings"]
import torch

size = 256
steps = 36
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]

# %% [markdown]
# ## What we keep of a painting
#
# We take *The Starry Night*, 384 pixels wide, and the network of the earlier notebooks, VGG19. It turns a picture into
# **features**: each **channel** of a layer is a small detector that looks everywhere in the picture and writes down how
# strongly it *fires* at each place. Where the network shrinks its maps we let it take averages instead of maxima,
# because the authors of the method found that this [gives slightly more appealing
# pictures](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# (section 2 of the paper).

# %%
from helpers.vgg import VGG

vgg = VGG(pool="avg")
painting = load("starry_night", 384).to(vgg.device)  # (1, 3, 308, 384)
show(painting, height=308,
     alt="The Starry Night: swirls in blue and white over a dark village and a tall cypress, with yellow stars and a moon.")

# %% [markdown]
# Of all this we keep five **Gram matrices**, one for each of five layers. Remember from notebook 03 how such a matrix
# is made. Write the features of one layer as a matrix $F$ with a row for each of the $C$ channels and a column for each
# of the $N = h\,w$ places. Then
#
# $$G = \frac{1}{h\,w}\, F F^\top$$
#
# has the entry $G_{ij}$ for the channels $i$ and $j$: the mean, over all places, of the product of the two. It is large
# if they often fire together. We call the Gram matrix of the painting $A$, because it will be our target.

# %%
from helpers.losses import gram


def grams_of(image):
    features = vgg(image, layers)  # relu1_1: (1, 64, H, W), ..., relu5_1: (1, 512, H / 16, W / 16)
    return {name: gram(features[name]) for name in layers}


with torch.no_grad():
    A = grams_of(painting)
for name in layers:
    print(name, tuple(A[name].shape))

# %% [markdown]
# **Your turn, before you run the next cell.** Is that less than the painting? Make a guess: do the five matrices hold a
# hundredth as many numbers as this image has, a tenth, or more than the image?
#
# <details><summary>Compare</summary>
#
# None of the three, for they hold more! 64² + 128² + 256² + 512² + 512² is 610,304, and an image of 308 by 384 pixels with three colours has
# 354,816 numbers. A Gram matrix is symmetric, so about half of its entries are copies of the other half, and C(C + 1)/2
# of them can differ. That leaves 305,888 different numbers, which is still nearly as many as the image has.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
channels = [len(A[name]) for name in layers]
entries = sum(C * C for C in channels)
different = sum(C * (C + 1) // 2 for C in channels)
print(f"Gram matrices: {entries} numbers, {different} of them different")

for image in (painting, load("starry_night", None)):
    print(f"an image of {image.shape[2]} x {image.shape[3]} pixels: {image.numel()} numbers")

# %% [markdown]
# So this is not a trick to save space, at least not for a small picture. In our largest copy of the painting, which has
# 709 pixels a row, there are already four numbers for each different entry of the matrices, and in a photo of 100
# megapixels about a thousand. The matrices stay as large as they are, whatever the size of the picture. And not a single entry says
# *where* anything is, because each is a mean over all places.
#
# Now imagine that the painting is gone and that only `A` is left. To paint something like it, we need to know how far
# any other image is from `A`.
#
# ## How far apart are two styles?
#
# Two pictures have the same style, we will say, when their Gram matrices agree. For one layer $l$, Gatys, Ecker and
# Bethge measure the disagreement in [equation
# 4](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf),
# and in equation 5 they add up the layers, with a weight $w_l$ for each. In the letters of this series:
#
# $$E_l = \frac{1}{4\, C^2 N^2} \sum_{i,j} \left(G_{ij} - A_{ij}\right)^2 \qquad\qquad \mathcal{L}_\text{style} = \sum_l w_l\, E_l$$
#
# In words: subtract the two tables entry by entry, square the differences, add them up, and divide by a constant. In
# the paper $G = F F^\top$ is a plain sum over the places, without the division by $h\,w$.
#
# Here is an example to do in your head. A toy layer has two channels and four places. Both channels fire at the first
# place, and each fires at one more place, alone. In the style that we want they fire just as much, but never together.

# %%
# NBVAL_CHECK_OUTPUT
toy = torch.tensor([[2.0, 0.0, 2.0, 0.0],   # channel 1 at the four places   (C, N) = (2, 4)
                    [2.0, 2.0, 0.0, 0.0]])  # channel 2 at the same places
C, N = toy.shape
plain_sum = toy @ toy.T
target = torch.tensor([[8.0, 0.0],
                       [0.0, 8.0]])

print(plain_sum)
print(f"equation 4: {(plain_sum - target).square().sum() / (4 * C**2 * N**2):.3f}")

# %% [markdown]
# The diagonal is right already. The two entries off the diagonal are 4 and should be 0, so the sum of squares is 16 +
# 16 = 32. Below the line stands 4 · 2² · 4² = 256, which gives 0.125, in units that nobody can interpret. Is 0.125
# good?
#
# We would like a number that can be read by itself. So this series divides by the size of the target instead, as it did
# for content in [notebook 02](02_content_from_features.ipynb):
#
# $$e_l = \frac{\lVert G - A \rVert^2}{\lVert A \rVert^2}$$
#
# The double bars stand for the **norm**: square all entries, add them up, and take the root. We call $e_l$ the **style error** of a
# layer. It is 0 when the two matrices agree, and 1 when $G$ is as wrong as a table of zeros would be. Because it is
# squared, an error of 0.01 means that a tenth of the norm is wrong. It also does not matter any more whether $G$ is a
# sum or a mean, as long as $A$ is the same, because any constant cancels. The helper `relative_error` computes it, and
# `style_loss` does the same from features.

# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import relative_error, style_loss

toy_gram = toy @ toy.T / N
toy_target = torch.tensor([[2.0, 0.0],
                           [0.0, 2.0]])
print(f"relative error: {relative_error(toy_gram, toy_target):.3f}")  # departs from Gatys et al. (2016), eq. 4
print(f"style_loss:     {style_loss(toy.view(1, 2, 2, 2), toy_target):.3f}")  # features (1, C, h, w)

# %% [markdown]
# Per place, the two wrong entries are 1 instead of 0, and the two right ones are 2. So the error is (1 + 1) / (4 + 4),
# a quarter. Half of the norm is wrong, which is a sentence that one can understand.
#
# **Exercise 1 · predict** · ●○○ · 10 minutes. Take any features $F$ whose Gram matrix agrees with the target, so that
# the error is 0. Now change the features in four ways: replace all of them by zeros; double all of them; halve all of
# them; or lay the whole map beside a copy of itself, so that there are twice as many places. What is the style error in
# each case? No computer is needed.


# %% tags=["spec", "folded"]
def error_spec():
    import torch

    features = torch.rand(3, 8, generator=torch.Generator().manual_seed(0))
    cases = {
        "zeros": torch.zeros(3, 8),
        "doubled": 2 * features,
        "halved": features / 2,
        "beside its copy": torch.cat([features, features], dim=1),
    }
    A = features @ features.T / 8
    errors = {}
    for name, F in cases.items():
        G = F @ F.T / F.shape[1]
        errors[name] = ((G - A).square().sum() / A.square().sum()).item()
    return errors


# %% tags=["exercise"]
def my_errors():
    """The style error in each of the four cases: a dict with the keys
    "zeros", "doubled", "halved" and "beside its copy".
    """
    # solution
    return {
        "zeros": 1.0,  # (0 - 1)²
        "doubled": 9.0,  # (4 - 1)²
        "halved": 0.5625,  # (1/4 - 1)²
        "beside its copy": 0.0,  # a mean over twice as many places, of the same values
    }


# %% tags=["check"]
from helpers.check import check

check(my_errors, error_spec);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A Gram matrix is made of *products* of two features. If every feature is doubled, by what is every product multiplied?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# In all four cases $G$ is $A$ times some number $q$. Then $\lVert G - A \rVert^2 = (q - 1)^2 \lVert A \rVert^2$.
#
# </details>
#
# <!-- solution: my_errors -->
#
# What did we gain by departing from the paper? Let's measure both numbers, layer by layer, for an image that has
# nothing to do with Van Gogh: every pixel is a random colour. Because our $G$ is a mean over the places, the $N^2$ is
# already in it, and the paper's constant becomes $4\,C^2$.

# %%
# NBVAL_CHECK_OUTPUT
from helpers.images import noise

with torch.no_grad():
    G = grams_of(noise(painting))
for name in layers:
    C = len(A[name])
    paper = (G[name] - A[name]).square().sum() / (4 * C**2)
    relative = relative_error(G[name], A[name])
    print(f"{name}:  equation 4 {paper:9.4f}   relative {relative:.2f}")

# %% [markdown]
# Read the first column. `relu4_1` is more than four thousand times as large as `relu1_1`, and more than a hundred thousand times
# as large as `relu5_1`. If we simply added these numbers up, we would be painting with the fourth layer alone. (The
# authors avoided this by [rescaling the
# network](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf),
# so that the mean activation of every channel is 1.) The relative errors in the second column all lie between 0.4 and
# 2.4, so we can add them with equal weights, as the paper does with its $w_l = 1/5$. Two of them are larger than 1.
# There the noise is worse than zeros, because it makes the channels fire *more* than the painting does, and there is no
# limit to that.
#
# So here is our measure of style, the mean of the five:


# %%
def style_error(grams, targets):  # Gatys et al. (2016), eq. 5, with w_l = 1 / number of layers
    errors = [relative_error(grams[name], targets[name]) for name in targets]
    return sum(errors) / len(errors)


# %% [markdown]
# **Your turn, before you run the next cell.** We will measure five images against *The Starry Night*: noise, Munch's
# *Scream*, another landscape by Van Gogh, *The Starry Night* in the mirror, and an even grey picture. Write down their
# order from near to far. Will the mirror image be at exactly 0?
#
# <details><summary>Compare</summary>
#
# The mirror image is by far the nearest, but it is not at 0. A channel that detects edges leaning to the left does not
# detect those that lean to the right, so a mirror exchanges some habits for others. Then come the other Van Gogh and
# Munch. The grey picture is close to 1, because hardly any channel fires and its features are nearly zeros. Noise is
# even farther away than nothing at all.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
candidates = {
    "noise": noise(painting),
    "The Scream": load("munch_the_scream", 384),
    "Wheat Field with Cypresses": load("vangogh_wheat_field_cypresses", 384),
    "The Starry Night in the mirror": painting.flip(3),
    "an even grey picture": torch.full_like(painting, 0.5),
}
for name, image in candidates.items():
    with torch.no_grad():
        error = style_error(grams_of(image.to(vgg.device)), A)
    print(f"{name}: {error:.3f}")

# %% [markdown]
# The second Van Gogh has 0.44 and the Munch 0.62, so among these two the number goes with the painter. The mirror image
# has 0.03. Keep that in mind as a ruler for what follows: below about 0.03, two pictures are as much alike in
# style as a painting and its mirror image.
#
# We can measure. To paint, we also need to know in which direction to go.
#
# ## Which way is downhill?
#
# If we change one feature a little, how much does the style error change? A list of the answers, one for each feature,
# is called the **gradient**. PyTorch can compute it for us, but for once we do it by hand, because the result is short
# and tells us what the style loss "wants". It takes four steps.
#
# **Step 1.** Let every feature move by a tiny amount $\mathrm dF$. Then $G = F F^\top / N$ moves by
#
# $$\mathrm dG = \frac1N \left(\mathrm dF\, F^\top + F\, \mathrm dF^\top\right),$$
#
# and by a product of two tiny amounts, which we neglect. In the toy, let only the very first number grow, from 2 to
# 2.1:

# %%
# NBVAL_CHECK_OUTPUT
moved = toy.clone()
moved[0, 0] += 0.1
print(moved @ moved.T / N - toy_gram)

# %% [markdown]
# One row and one column have changed. Off the diagonal we see 0.1 · 2 / 4 = 0.05 twice, once from each of the two
# terms. In the corner both terms meet, which makes 0.1, and the 0.0025 on top of it is the neglected product.
#
# **Step 2.** Each entry of $G$ counts in the error by twice its distance from the target, because the derivative of a
# square is twice what is squared:
#
# $$\mathrm d e = \frac{2}{\lVert A \rVert^2} \sum_{i,j} (G_{ij} - A_{ij})\, \mathrm dG_{ij}$$
#
# **Step 3.** Put the $\mathrm dG$ of step 1 in. It has two terms, and one is the transpose of the other. Since $G - A$
# is symmetric, it should not matter which of the two it is multiplied with. The toy agrees:

# %%
# NBVAL_CHECK_OUTPUT
difference = toy_gram - toy_target
change = moved - toy
first_term = change @ toy.T / N
second_term = toy @ change.T / N
print(f"{(difference * first_term).sum():.3f} and {(difference * second_term).sum():.3f}")

# %% [markdown]
# So we keep the first term and count it twice:
#
# $$\mathrm d e = \frac{4}{N \lVert A \rVert^2} \sum_{i,j} (G_{ij} - A_{ij}) \sum_k \mathrm dF_{ik}\, F_{jk}$$
#
# **Step 4.** Sort by $\mathrm dF_{ik}$, the move of channel $i$ at place $k$. What stands beside it is its entry in the
# gradient, and the sum over $j$ that remains is a product of matrices:
#
# $$\frac{\partial e}{\partial F} = \frac{4}{N \lVert A \rVert^2}\, (G - A)\, F$$
#
# One factor 2 of the 4 comes from the square, and the other from the symmetry. This is [equation
# 6](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# of the paper, except for our constant. There it has a second line, to which we will come in a moment:
#
# (Here $G$ and $A$ are the paper's plain sums.)
#
# $$\frac{\partial E_l}{\partial F_{ik}} = \begin{cases} \dfrac{1}{C^2 N^2} \big((G - A)\, F\big)_{ik} & \text{if } F_{ik} > 0 \\[1ex] 0 & \text{if } F_{ik} < 0 \end{cases}$$


# %%
def style_gradient(F, A):  # departs from Gatys et al. (2016), eq. 6: our constant, and without the second line
    N = F.shape[1]
    G = F @ F.T / N
    return 4 / (N * A.square().sum()) * (G - A) @ F


# %% [markdown]
# **Your turn, before you run the next cell.** In the toy, the target wants the two channels never to fire together. At
# which of the four places will the gradient of channel 1 be positive, so that a step against it makes the channel
# weaker?
#
# <details><summary>Compare</summary>
#
# $G - A$ is 0 on the diagonal and 1 off it, so it exchanges the two rows of $F$, and the constant is 4 / (4 · 8), an eighth.
# The gradient of channel 1 is an eighth of what channel 2 does: positive at places 1 and 2. In words, the style loss
# tells channel 1 to *fire less wherever channel 2 fires*.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
print(style_gradient(toy, toy_target))

# %% [markdown]
# At place 2 something is odd. Channel 1 is silent there, and the gradient still says "less". But features come out of a
# ReLU, which replaces negative numbers by 0, so there is no less than silent. This is what the second line of equation
# 6 is for: where the number before the ReLU is negative, a small change of it changes nothing. Autograd, the part of
# PyTorch that computes gradients, does this by itself as soon as the ReLU takes part. We call the numbers before it
# $Z$:

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import relu

Z = torch.tensor([[2.0, -1.0, 2.0, -1.0],
                  [2.0, 2.0, -1.0, -1.0]], requires_grad=True)
F = relu(Z)  # the toy again
relative_error(F @ F.T / N, toy_target).backward()
print(Z.grad)

# %% [markdown]
# Only the first place is left, the one where both channels fire, and this is where something has to change.
#
# Does our formula also hold for real features with hundreds of channels? We compare it with autograd at all five
# layers, for a random image, in numbers with sixteen digits (`double`), so that rounding cannot hide a mistake. Each
# line says how much the two differ at most, as a share of the largest entry.

# %%
from helpers.check import close

with torch.no_grad():
    real = vgg(noise(torch.empty(1, 3, 64, 64)).to(vgg.device), layers)
for name in layers:
    F = real[name][0].flatten(1).cpu().double().requires_grad_()  # (C, N)
    target = A[name].cpu().double()
    relative_error(F @ F.T / F.shape[1], target).backward()
    by_hand = style_gradient(F.detach(), target)
    largest = F.grad.abs().max()
    close(name, by_hand / largest, F.grad / largest, tolerance=1e-10)

# %% [markdown]
# They agree to about fifteen digits, so nothing is missing, not even a factor. From the features back to the pixels,
# the chain rule goes through the layers of the network as in notebook 02, and we leave that to autograd.
#
# **Exercise 2 · build** · ●●○ · 20 minutes. A much weaker statistic than the Gram matrix is the mean $\mu_i$ of each
# channel over all places. Derive, on paper, the gradient of $\lVert \mu - a \rVert^2 / \lVert a \rVert^2$ with respect
# to all features, where $a$ holds the means of a style. Then write it as code. The check refuses autograd and loops.


# %% tags=["spec"]
def mean_gradient_spec(F, a):
    F = F.clone().requires_grad_()
    error = (F.mean(dim=1) - a).square().sum() / a.square().sum()
    error.backward()
    return F.grad


# %% tags=["exercise"]
def my_mean_gradient(F, a):
    """Features F (C, N) and target means a (C,) -> the gradient of the relative error of the means, (C, N)."""
    # solution
    N = F.shape[1]
    difference = F.mean(dim=1) - a  # (C,)
    per_channel = 2 * difference / (N * a.square().sum())  # (C,)
    return per_channel[:, None].expand_as(F)  # every place of a channel gets the same


# %% tags=["check"]
from helpers.check import check, each

silent = torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 6.0]])  # a channel that never fires
check(my_mean_gradient, mean_gradient_spec,
      each((3, 5), (1, 4), (6, 2), silent), each((3,), (1,), (6,), torch.tensor([0.5, 1.0])),
      without=("autograd", "loops"));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# If one feature of channel $i$ grows by $\mathrm dF$, by how much does the mean $\mu_i$ grow? Do the other means
# change?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# $\mu_i$ grows by $\mathrm dF / N$. The error contains $(\mu_i - a_i)^2$, whose derivative with respect to $\mu_i$ is
# $2(\mu_i - a_i)$. Nothing in the product depends on the place, so all places of a channel get the same number, and
# `expand_as` copies it to them.
#
# </details>
#
# <!-- solution: my_mean_gradient -->
#
# ## From noise to texture, layer by layer
#
# Now we paint. We start from quiet noise, which is grey with small random differences between the pixels. It contains
# nothing of Van Gogh, so whatever appears in it must come from the Gram matrices.


# %%
def quiet_noise(size, seed=0):
    square = torch.empty(1, 3, size, size, device=vgg.device)
    return 0.5 + 0.2 * (noise(square, seed) - 0.5)  # values from 0.4 to 0.6


# %% [markdown]
# To save time, the painting is done with a copy of the network that computes with fewer digits, if your machine is
# quicker at that. `fast` looks at the machine and says what it chose. All errors that we print still come from the
# first copy, with all its digits.

# %%
from helpers.fast import fast

painter = fast(VGG(pool="avg"))

# %% [markdown]
# The function below is the whole program. It computes the targets, defines the loss, and lets `optimise` change the
# image step by step so that the loss falls. What happens inside `optimise` is the subject of notebooks
# [06](06_painting_with_adam.ipynb) and [07](07_painting_with_lbfgs.ipynb). With `parametrize=pyramid` it may change
# large patches of the image as well as single pixels, which gets us there several times as fast, and `as_saved` rounds
# the result to what an image file would keep.

# %%
from helpers.fast import pyramid
from helpers.images import as_saved
from helpers.transfer import optimise


def texture(picture, layers=layers, seed=0, size=size):
    with torch.no_grad():
        features = painter(picture, layers)
        targets = {name: gram(features[name]) for name in layers}

    def loss(image):
        features = painter(image, layers)
        errors = [style_loss(features[name], targets[name]) for name in layers]
        return sum(errors) / len(errors)

    result = optimise(quiet_noise(size, seed), loss, steps, parametrize=pyramid)
    return as_saved(result.image)


# %% [markdown]
# Which layer knows what? To find out, we make five textures, as in the upper half of Figure 1 of [the paper of
# 2015](https://arxiv.org/abs/1508.06576). The first has to match the Gram matrix of `relu1_1` only. The second matches
# `relu1_1` and `relu2_1`, and so on, until the fifth matches all five layers.
#
# **Your turn, before you run the next two cells.** A feature of `relu1_1` sees 3 pixels of the image, and the next ones
# see 10, 24, 68 and 156 ([notebook 01](01_inside_vgg19.ipynb) measured it). A brush stroke in our painting is about 4
# pixels wide and 20 long, and the moon with its halo is about 70 pixels wide. Which layer do you need for strokes, and
# which for something like a star?
#
# <details><summary>Compare</summary>
#
# To see a stroke with both its ends you need some 20 pixels, so you would ask for `relu3_1`; `relu2_1` sees only half a
# stroke, but a line that goes on over 10 pixels may well go on over 20. A star with its halo needs about 70 pixels, so
# you would look for it at `relu4_1`, and surely at `relu5_1`.
#
# </details>

# %%
textures = {}
for depth in (1, 2, 3, 4):
    deepest = layers[depth - 1]
    textures[deepest] = texture(painting, layers[:depth])

# %%
textures["relu5_1"] = texture(painting, layers)
piece = painting[..., :size, -size:]  # (1, 3, 256, 256): what Van Gogh painted, at the same scale
show([piece, *textures.values()],
     ["a piece of the painting", *[f"up to {name}" for name in textures]],
     columns=3, height=314,
     alt="A piece of The Starry Night, and five textures made from more and more layers: coloured grain, short "
     "curly lines, strokes in bundles, streams of strokes with yellow spots, and at last a great swirl and stars.")

# %% [markdown]
# With `relu1_1` alone the colours are right, but they come as grain. `relu2_1` combs the grain into short curly lines.
# With `relu3_1` the lines lie side by side in bundles, as Van Gogh's strokes do. `relu4_1` gathers them into streams
# with round yellow spots among them, and with `relu5_1` there is a great swirl, and stars with halos. But there is no
# sky above and no village below, because nothing that we kept says where anything was. You can see this most clearly in
# the first texture: it is dark in the middle and bright at the rim, and the Gram matrix did not object, because it
# knows how much yellow there is and not where.
#
# One thing in the first two pictures does not come from Van Gogh: they have a bright margin. A convolution lays a frame of
# zeros around the picture, so at the border it sees an edge where there is none. How strongly does `relu1_1` react to that, for
# an even grey picture?

# %%
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    on_grey = vgg(torch.full((1, 3, 64, 64), 0.5, device=vgg.device), ["relu1_1"])["relu1_1"]  # (1, 64, 64, 64)
border = on_grey[..., 0].square().mean()
inside = on_grey[..., 20:44, 20:44].square().mean()
print(f"mean square of the features: at the border {border:.3f}, inside {inside:.3f}")

# %% [markdown]
# At the border the squared features are about four tenths larger. So the border has statistics of its own,
# and a program that has to satisfy only one or two layers can hide brightness there. With more layers the margin fades,
# because they look farther in.
#
# And the layers that a texture was *not* asked to match? Here is the style error of each texture (a row) at each layer
# (a column). The first two rows are for comparison: the noise that we started from, and the piece. The last column is
# the **total variation** $V$, the mean squared difference between neighbouring pixels, which is a measure of grain.

# %%
from helpers.losses import total_variation

pictures = {"quiet noise": quiet_noise(size), "the piece": piece}
for name in textures:
    pictures[f"up to {name}"] = textures[name]

print(" " * 15, *layers, "      V")
for name, image in pictures.items():
    with torch.no_grad():
        grams = grams_of(image)
    errors = [relative_error(grams[layer], A[layer]).item() for layer in layers]
    print(f"{name:15}", *[f"{error:7.4f}" for error in errors], f"{total_variation(image):8.4f}")

# %% [markdown]
# Look at the row "up to relu1_1". At its own layer the error is next to nothing. One column further to the right it is
# more than a hundred times as large, and at the end it has grown to about 1, which is no better than zeros. Each row
# below has small errors for one layer more, and after the last of its small numbers comes a jump. So right colours do
# not make right lines, and right lines do not make right swirls: each layer adds something that the layers before it do
# not know.
#
# The last column tells another story. In notebook 02 we had to add a term against grain to the loss. Here nobody adds
# one, and still all five textures are only about a quarter rougher than Van Gogh's piece, or less. We even
# started from noise that was smoother than the painting (0.013), and the very first layer brought the roughness up. Its
# features react to differences between neighbouring pixels, so its Gram matrix says how much contrast there should be
# from one pixel to the next. What the deeper layers change is hardly the amount of this roughness, but its *shape*.
#
# **Your turn, before you run the next cell.** The last texture was made by a program, and the piece was painted by Van
# Gogh himself. Compare their rows in the table: which of the two is nearer to *The Starry Night*, and how can that be?
#
# <details><summary>Compare</summary>
#
# The texture is. The target is the mean over the *whole* painting, and the piece contains too much moon for that, and
# no cypress. The program, on the other hand, did nothing but make this one number small.
#
# </details>

# %%
with torch.no_grad():
    made = style_error(grams_of(textures["relu5_1"]), A).item()
    original = style_error(grams_of(piece), A).item()
print(f"the texture {made:.4f}, the piece of the painting {original:.4f}")
assert made < original / 2

# %% [markdown]
# So a small number is no proof of quality. It says that the five tables agree, and nothing else.
#
# ## Seeds vary, statistics do not
#
# If the Gram matrices described one picture, we would have painted a bad copy of it. In truth they describe a whole
# family of pictures. To meet a second member, we start from other noise: `seed` chooses the random numbers.

# %%
sibling = texture(painting, seed=1)
show([textures["relu5_1"], sibling], ["seed 0", "seed 1"], height=330,
     alt="Two squares of blue brush strokes with swirls and yellow stars; the strokes are of one kind, and swirls and stars "
     "are at other places in each square.")

# %% [markdown]
# Both textures have strokes, swirls and stars of one kind, and they are arranged in different ways. How different are
# the two, in numbers? Pixel by pixel we can use the same relative error. To know what "different" means, we add a
# comparison: the second texture with all its pixels shuffled, so that only chance decides what meets what.
#
# **Your turn, before you run the next cell.** Are the two textures more alike, pixel by pixel, than chance?
#
# <details><summary>Compare</summary>
#
# Only a little. They have the same colours in the same amounts, but there is hardly a reason why dark should meet dark
# at any place. So their distance in pixels is not much less than that of shuffled pixels.
#
# </details>

# %%
order = torch.randperm(size * size, generator=torch.Generator().manual_seed(0))
shuffled = sibling.flatten(2)[..., order].view_as(sibling)

with torch.no_grad():
    first = grams_of(textures["relu5_1"])
    for name, image in {"seed 1": sibling, "seed 1, shuffled": shuffled}.items():
        pixels = relative_error(image, textures["relu5_1"]).item()
        style = style_error(grams_of(image), first).item()
        print(f"seed 0 and {name}: pixels {pixels:.2f}, style {style:.4f}")
        if name == "seed 1":
            assert style < 0.05 < pixels

# %% [markdown]
# In pixels, the two siblings are nearly as far apart as chance would have it. In style their distance is about 0.01,
# which is less than that of the painting and its own mirror image (0.026 above), while the shuffled pixels have lost
# the style. This is what it means to make a texture: the seeds vary, and the statistics do not.
#
# ## What five matrices cannot know
#
# You have already seen what was lost in *The Starry Night*: above and below. But it is hard to say how much order a sky
# has. So let's make a picture that is *all* order. We cut the moon out of the painting, 64 pixels wide, and repeat it
# four times in each direction, like wallpaper.

# %%
repeat = 64
motif = load("starry_night", 300)[..., :repeat, -repeat:].to(vgg.device)  # (1, 3, 64, 64)
wallpaper = motif.repeat(1, 1, 4, 4)  # (1, 3, 256, 256)
wallpaper_texture = texture(wallpaper)
show([wallpaper, wallpaper_texture], ["wallpaper", "its texture"], height=330,
     alt="Left, sixteen equal yellow moons on blue in four straight rows; right, moons of many sizes at irregular places.")

# %% [markdown]
# Everything local has survived: yellow moons, rings of strokes around them, dark blue in between. But the rows are
# broken, and the moons are no longer of one size. A number says it more sharply. We move a picture by one repeat and
# ask how well it agrees with itself there. This is a
# [correlation](https://docs.pytorch.org/docs/stable/generated/torch.corrcoef.html): 1 means perfect agreement, and 0 means
# chance. We call it the **echo** of the picture. (Both copies are blurred over 9 pixels first, so that it is moons
# which have to agree, and not every single stroke.)


# %%
from torch.nn.functional import avg_pool2d


def echo(image, dim, shift=repeat):  # dim 3: moved to the right, dim 2: moved down
    grey = avg_pool2d(image.mean(dim=1, keepdim=True), 9, stride=1)
    length = grey.shape[dim] - shift
    here = grey.narrow(dim, 0, length)
    there = grey.narrow(dim, shift, length)
    both = torch.stack([here.flatten(), there.flatten()])
    return torch.corrcoef(both)[0, 1].item()


for name, image in {"wallpaper": wallpaper, "its texture": wallpaper_texture}.items():
    print(f"{name}: echo to the right {echo(image, 3):.2f}, down {echo(image, 2):.2f}")

# %% [markdown]
# Why is the order lost? There is an explanation that sounds good: the network is short-sighted, so it cannot see two
# moons at once. But that cannot be the reason here. A feature of `relu5_1` sees 156 pixels, more than two repeats, and
# the order is lost all the same.
#
# So let's ask the loss itself. We hang the wallpaper once more, half a repeat further to the right and further down,
# which leaves it in perfect order. And we make a second version in which we push each row sideways by another amount,
# so that no moon hangs below another.

# %%
further = wallpaper.roll((repeat // 2, repeat // 2), dims=(2, 3))
rows = [wallpaper[..., row * repeat : (row + 1) * repeat, :] for row in range(4)]
pushes = [0, 24, 52, 20]  # pixels
pushed = torch.cat([row.roll(push, dims=3) for row, push in zip(rows, pushes, strict=True)], dim=2)
show([further, pushed], ["hung further", "rows pushed"], height=314,
     alt="Left, the moons in straight rows and columns with half moons at the borders; right, the same rows, each pushed "
     "sideways by another amount, so that there are no columns.")

# %% [markdown]
# One precaution: at the border other parts of the moons are cut off when the paper hangs further, and the network sees the
# frame of zeros there. That has nothing to do with order, so we compare the inner half of every map and leave the border
# out.
#
# **Your turn, before you run the next cell.** The wallpaper that hangs further will have an error of 0, since nothing in it has
# changed. What about the pushed rows, in which every column is broken? Which of the five layers will object the most, and
# how loudly: 0.01, 0.1, or 1?
#
# <details><summary>Compare</summary>
#
# Only a layer that sees two moons at once can notice that they moved against each other, so `relu5_1`, with its 156 pixels, should
# object. It does, with about 0.1. The other four hardly mind. The mean over the five layers is about as small as the
# error of a painting's mirror image.
#
# </details>

# %%
def inner_grams(image):
    """Gram matrices of the inner half of each map, for a square image of 256 pixels."""
    grams = {}
    for name, maps in vgg(image, layers).items():
        quarter = maps.shape[3] // 4
        grams[name] = gram(maps[..., quarter:-quarter, quarter:-quarter])
    return grams


versions = {"wallpaper, hung further": further, "wallpaper, rows pushed": pushed, "its texture": wallpaper_texture}
with torch.no_grad():
    inner_targets = inner_grams(wallpaper)
    print(" " * 24, *layers, "  mean")
    for name in ("wallpaper, hung further", "wallpaper, rows pushed"):
        inner = inner_grams(versions[name])
        errors = [relative_error(inner[layer], inner_targets[layer]).item() for layer in layers]
        print(f"{name:24}", *[f"{error:7.4f}" for error in errors], f"{sum(errors) / 5:7.4f}")

# %% [markdown]
# So the loss does prefer order, but look how little it asks. Four of the five layers let us break every column for an error
# of about a hundredth or less. Only `relu5_1`, whose features see more than two repeats, objects, and it has a fifth of the
# loss. In the mean it comes to what the mirror image had. Our program has spent its 36 steps on strokes and colours,
# where there was far more to gain.
#
# Why is the push so weak? Every entry of a Gram matrix is a mean over places, and at each place it multiplies two features *of
# that same place*. What lies outside the view of a feature is never compared with anything. And even a feature that sees two
# moons was trained to name things in photos, and not to measure how far two moons are apart.
#
# If that is the reason, then we can predict a cure. We add a statistic that multiplies features of *two* places,
# one repeat apart, and we need no wider view for it. Let $F_{i,k}$ be channel $i$ at place $k$, and $k + \delta$ the
# place that lies $\delta$ further. The **shifted Gram matrix** is
#
# $$G_{ij}(\delta) = \text{mean}_k \; F_{i,k}\, F_{j,k+\delta}$$
#
# In words: how often does channel $j$ fire one repeat away from where channel $i$ fires? Guillaume Berger and Roland
# Memisevic [proposed this in 2016](https://arxiv.org/abs/1606.01286). We use it at `relu3_1` only, where a feature sees
# just 24 pixels. This layer alone cannot see two moons at once. One place of `relu3_1` is 4 pixels,
# so the repeat is 16 places.

# %%
shift = repeat // 4  # places of relu3_1


def shifted_grams(features):  # (1, C, h, w) -> two matrices (C, C): to the right and down
    F = features[0].float()
    left, right = F[:, :, :-shift].flatten(1), F[:, :, shift:].flatten(1)
    upper, lower = F[:, :-shift, :].flatten(1), F[:, shift:, :].flatten(1)
    return left @ right.T / left.shape[1], upper @ lower.T / upper.shape[1]


with torch.no_grad():
    targets = shifted_grams(vgg(wallpaper, ["relu3_1"])["relu3_1"])
    for name, image in versions.items():
        to_the_right, down = shifted_grams(vgg(image, ["relu3_1"])["relu3_1"])
        error_right = relative_error(to_the_right, targets[0]).item()
        error_down = relative_error(down, targets[1]).item()
        print(f"{name:24} shifted error {error_right:.3f} right, {error_down:.3f} down")

# %% [markdown]
# The new statistic notices what is wrong. The wallpaper that was hung further has an error of only 0.01. The pushed
# rows are still correct to the right, but downwards their error is many times as large, and this is the direction in
# which we broke them. The texture is wrong in both directions.
#
# Now we paint the wallpaper again from the same noise, with the same five Gram matrices, and we add the two shifted
# ones to the loss. The network is the same, and no feature sees a pixel more than before.

# %%
with torch.no_grad():
    features = painter(wallpaper, layers)
    gram_targets = {name: gram(features[name]) for name in layers}
    shifted_targets = shifted_grams(features["relu3_1"])


def loss_with_shifts(image):
    features = painter(image, layers)
    errors = [style_loss(features[name], gram_targets[name]) for name in layers]
    to_the_right, down = shifted_grams(features["relu3_1"])
    order = relative_error(to_the_right, shifted_targets[0]) + relative_error(down, shifted_targets[1])
    return sum(errors) / 5 + order / 2


result = optimise(quiet_noise(size), loss_with_shifts, steps, parametrize=pyramid)
with_shifts = as_saved(result.image)
print(f"echo to the right {echo(with_shifts, 3):.2f}, down {echo(with_shifts, 2):.2f}")
assert echo(with_shifts, 3) > echo(wallpaper_texture, 3) + 0.2
assert echo(with_shifts, 2) > echo(wallpaper_texture, 2) + 0.2

# %%
show([wallpaper, wallpaper_texture, with_shifts], ["wallpaper", "five Gram matrices", "and two shifted ones"], height=314,
     alt="Left, moons in straight rows; in the middle, moons of many sizes at irregular places; right, most moons stand in "
     "rows and columns again, with faults in the lower right.")

# %% [markdown]
# The echo has risen from 0.1 to more than 0.6, and in the picture most of the rows and columns are back, with faults in
# the lower right where the moons have not settled. So a wider view is not necessary: one statistic that relates two
# places brought the order back. (A wider view helps as well. If you load a picture smaller, more of it fits into the
# view of one feature.) The Gram matrix was never made to relate places, and this is also what makes it useful. It brings
# the strokes and leaves the village behind.
#
# **Exercise 3 · build** · ●●○ · 20 minutes. You can see the same thing in a formula, without any Gram matrix at all.
# Let $f_k$ be column $k$ of $F$, that is, all channels at place $k$ of one picture, and let $s_m$ be the same for place
# $m$ of the style. The square of their dot product is
#
# $$(f_k \cdot s_m)^2 = \Big(\sum_i F_{ik} S_{im}\Big)^2 = \sum_{i,j} F_{ik} F_{jk}\; S_{im} S_{jm}.$$
#
# Take the mean over all $k$ and all $m$. The mean over $k$ turns $F_{ik} F_{jk}$ into $G_{ij}$, and the mean over $m$
# turns $S_{im} S_{jm}$ into $A_{ij}$. So the *mean of the squares*, over all pairs of places, is
# $\sum_{i,j} G_{ij} A_{ij}$. Use this three times to write $\lVert G - A \rVert^2$ as a function of dot products between
# places, and then write that as code. Do not build a matrix with a row for each channel. (The check
# cannot see which way you took, so this is between you and your conscience.)


# %% tags=["spec"]
def squared_distance_spec(F, S):
    G = F @ F.T / F.shape[1]
    A = S @ S.T / S.shape[1]
    return (G - A).square().sum()


# %% tags=["exercise"]
def my_squared_distance(F, S):
    """Features F (C, N) of a picture and S (C, M) of the style -> ‖G - A‖², a scalar, by comparing places."""
    # solution
    own = F.T @ F  # (N, N): every place of the picture with every place of the picture
    between = F.T @ S  # (N, M): every place of the picture with every place of the style
    style = S.T @ S  # (M, M)
    return own.square().mean() - 2 * between.square().mean() + style.square().mean()


# %% tags=["check"]
from helpers.check import check, each

check(my_squared_distance, squared_distance_spec, each((3, 5), (2, 6), (4, 1)), each((3, 7), (2, 6), (4, 3)));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# $\lVert G - A \rVert^2 = \sum G_{ij}^2 - 2 \sum G_{ij} A_{ij} + \sum A_{ij}^2$. The identity above gives you the middle
# sum. What do you get if you use it for a picture and *itself*?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `F.T @ S` has the shape (N, M) and holds the dot product of every place of the one with every place of the other.
# Square it first, and take the mean afterwards.
#
# </details>
#
# <!-- solution: my_squared_distance -->
#
# In this form the style loss compares every place with every other, and neighbours count no more than places at
# opposite ends of the picture. Yanghao Li and others [showed in 2017](https://arxiv.org/abs/1701.01036) that
# this is the *maximum mean discrepancy* of statistics, a distance between two clouds of points, here with the square of the
# dot product as its measure of likeness.
#
# **Exercise 4 · design** · ●●○ · 15 minutes. Invent two tiny pictures that a Gram matrix cannot tell apart and a
# shifted one can. Each is a strip of features, with one row for each channel and one column for each place from left to
# right. Both have the same shape, and as after a ReLU no number is negative. Their Gram matrices have to agree, and
# their Gram matrices shifted by one place have to differ. There are many right answers.


# %% tags=["spec"]
def fault_of_strips(strips):
    if len(strips) != 2:
        return "return two tensors, one for each strip"
    first, second = (torch.as_tensor(strip).float() for strip in strips)
    if first.ndim != 2 or first.shape != second.shape or first.shape[1] < 2:
        return "both strips need one shape (C, N), with at least two places"
    if not (first.isfinite().all() and second.isfinite().all()):
        return "all numbers must be finite"
    if first.min() < 0 or second.min() < 0:
        return "features after a ReLU are never negative"
    N = first.shape[1]
    grams = [strip @ strip.T / N for strip in (first, second)]
    shifted = [strip[:, :-1] @ strip[:, 1:].T / (N - 1) for strip in (first, second)]
    if (grams[0] - grams[1]).abs().max() > 1e-4:
        return f"the Gram matrices differ: {grams[0].tolist()} and {grams[1].tolist()}"
    if (shifted[0] - shifted[1]).abs().max() < 1e-3:
        return f"the shifted Gram matrices agree: both are {shifted[0].tolist()}"
    return ""


# %% tags=["exercise"]
def my_strips():
    """Two strips of features, both (C, N)."""
    # solution
    together = torch.tensor([[1.0, 1.0, 0.0, 0.0]])  # fires at two neighbours: the shifted mean is 1/3
    apart = torch.tensor([[1.0, 0.0, 1.0, 0.0]])  # fires as often, never at neighbours: 0
    return together, apart


# %% tags=["check"]
from helpers.check import judge

judge(my_strips, fault_of_strips);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# One channel is enough. Then the Gram matrix is a single number, the mean of the squares. What can you do to a strip
# that leaves this number as it is?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Put the same numbers in another order. But with one channel, turning the strip round is not enough, because neighbours stay
# neighbours.
#
# </details>
#
# <!-- solution: my_strips -->
#
# A face is order, too: two eyes at one height, and a nose between them and below. What do five Gram matrices make of
# Chelsea the cat?
#
# **Your turn, before you run the next cell.** Will the texture have eyes, and if so, how many?
#
# <details><summary>Compare</summary>
#
# An eye is small enough for a feature, so it can appear. But "two" is a count over the whole picture, and nothing that
# we keep counts: there may be several eyes or none, anywhere. Only the *amount* of green and of round shapes is fixed.
#
# </details>

# %%
cat = load("chelsea", 192).to(vgg.device)
cat_texture = texture(cat, size=192)
show([cat, cat_texture], ["the cat", "its texture"], height=380,
     alt="Left, the face of a tabby cat with green eyes; right, ginger fur with several green eyes of different sizes and no face.")

# %% [markdown]
# There is fur, there is a piece of a nose, and there are at least three eyes of different sizes, but there is no cat.
# For strokes and bricks we were glad that their places were forgotten. To keep *this* cat we need a second loss that
# remembers positions, and the [next notebook](05_the_total_loss.ipynb) puts the two together.
#
# **Exercise 5 · make a picture** · ●○○ · 10 minutes. Make a texture of something else: `"onyx"`, `"red_brick"`,
# `"hokusai_great_wave"`, or a photo of your own carpet, garden or lunch (`load` also takes the path of a file). Find one
# that gives a texture you would hang on the wall, and one that fails. What do the good ones have in common?

# %% tags=["painting"]
my_picture = load("dried_petals", 224).to(vgg.device)
my_texture = texture(my_picture, size=160)
show([my_picture, my_texture], ["the picture", "its texture"], height=320,
     alt="Left, a heap of dried brown petals; right, a square of petals like them, in another arrangement.")

# %% [markdown]
# <details><summary>What to look for</summary>
#
# Good ones look the same wherever you look, and their parts (petals, veins, bricks) are smaller than about 70 pixels,
# so that a single feature can know a whole part. Pictures that depend on *one* thing at *one* place disappoint: a
# horizon, a face, lettering. If parts come out in pieces, load the picture smaller; if the texture looks like fine
# gravel, load it larger.
#
# </details>
#
# ## What to remember
#
# - The style error compares Gram matrices at five layers. We divide by the target, so that 0 means agreement, 1 is what
#   zeros would score, and all layers count alike.
# - The gradient for one layer is $4/(N \lVert A \rVert^2)\,(G - A)\,F$, so channels that fire together too often are told
#   to avoid each other.
# - From noise, these five tables bring back colours, lines, strokes and swirls, one layer after the other, and every
#   seed gives another picture with the same statistics.
# - The five matrices of VGG19 hold 610,304 numbers, about half of them different, for a picture of any size, and none of
#   them says where anything is.
# - A regular pattern falls apart because a Gram matrix compares nothing beyond the view of a single feature, and hardly
#   minds what only the deepest layer sees. One statistic that relates two places brought most of the pattern back.
#
# ## Three questions
#
# **1.** The texture made from `relu1_1` alone has the right colours but no strokes. Which colours does it put side by
# side, and why?
#
# <details><summary>Answer</summary>
#
# A feature of `relu1_1` sees 3 by 3 pixels. So the texture has the right amounts of each colour and of the smallest
# edges. Which colour comes next to which is right over two or three pixels, and beyond that it is left to chance.
#
# </details>
#
# **2.** Someone halves the style loss of a texture from 0.02 to 0.01 and says that the picture is twice as good. What
# do you answer?
#
# <details><summary>Answer</summary>
#
# The error is squared, so in norm it fell from 0.14 to 0.10. Besides, Van Gogh's own piece had a larger error than our
# texture. The number says how well five tables agree, which is not the same as how good a picture is.
#
# </details>
#
# **3.** You make a texture of a photo of a chessboard whose squares are 20 pixels wide. Which will survive: black and
# white, straight edges, corners, the eight by eight squares?
#
# <details><summary>Answer</summary>
#
# You would expect colours, edges and corners to survive, because a single feature sees them. Even a few squares in a row may be right,
# because a feature of `relu4_1` sees 68 pixels. That there are eight of them in a row is order over the whole picture,
# and nothing keeps it.
#
# </details>
#
# ## On your own
#
# - Use one deep layer without the others: `texture(painting, ["relu5_1"])`. Which colours do you get, and which layer would have kept them
#   right?
# - Start from loud noise: replace 0.2 by 1 in `quiet_noise`. Does it take longer, and does grain stay behind that no Gram matrix pushes against?
# - Shift by another amount than the repeat, for example `shift = 12`. Does the wallpaper get a new rhythm of 48 pixels? Guess first.
#
# **In practice.** Choose the size at which you load the source with care, because it decides how large strokes and
# bricks come out. For a texture of more than about 400 pixels, paint it small first and enlarge the result as the start
# of the next round, as was done for the picture at the top; [notebook 09](09_bigger_pictures.ipynb) explains why this
# helps.
#
# **Further reading.** [Texture Synthesis Using Convolutional Neural Networks](https://arxiv.org/abs/1505.07376) (Gatys,
# Ecker and Bethge, 2015) is this experiment, from the time before anybody spoke of style. [A Parametric Texture
# Model](https://doi.org/10.1023/A:1026553619983) (Portilla and Simoncelli, 2000) did it with statistics that people had
# designed by hand; it is worth comparing the pictures. [Incorporating Long-Range
# Consistency](https://arxiv.org/abs/1606.01286) (Berger and Memisevic, 2017) has the shifted Gram matrices, with many
# beautiful grids. [Demystifying Neural Style Transfer](https://arxiv.org/abs/1701.01036) (Li and others, 2017) says
# what follows from Exercise 3.
#
# <!-- bottom -->
