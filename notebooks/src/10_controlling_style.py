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
# # Choose what a painting takes
#
# > **The question** Can I choose what is transferred: whose colours, where, how large, and what must be left alone?
# > **You will make** four masks for one photo, a building under one painter's sky and of another painter's stones, a portrait that keeps its face, and the three masks for a postcard of your own town.
# > **You need** the Gram matrix of [notebook 03](03_gram_matrices.ipynb), the total loss of [05](05_the_total_loss.ipynb), and a little matrix algebra: transpose, inverse, eigenvectors. The symbols are in the [table of notation](00_start_here.ipynb#Notation).
# > **Time** about 95 minutes to read and run, and 55 minutes for the exercises; the computing in it takes about two minutes on a laptop

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# So far a painting took everything that the style had to give, and took it everywhere. Here is one that was told what
# to take:

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "10_town.jpg", 800),
     alt="The river front of Tübingen: the sky is full of blue and yellow swirls, the houses are golden, the river has "
     "dark blue waves, and the church tower stands there as in the photo.")

# %% [markdown]
# The sky was painted after *The Starry Night*, the houses after Klimt's golden *Kiss*, and the river after a Japanese
# print of the sea, which first got the colours of the sky. The tower of the church was protected, and so you can
# still count its windows. (It has 1,024 pixels on its long side, and took 95 evaluations: 45 at 256 pixels, 35 at 512
# and 15 at full size; `python -m tools.pictures.results 10_town` paints it again.)
#
# Nearly everything that you need for such a picture comes from one paper, [Gatys, Ecker, Bethge, Hertzmann and
# Shechtman (2017)](https://arxiv.org/abs/1611.07865), and each of its ideas is a small change of what you know: of
# the pictures that go in, of the Gram matrix, or of the content error. We will take them one at a time, colours
# first.
#
# These are the sizes, and the number of **evaluations** (trips through the network and back) of what is painted below.
# Some walls were painted beforehand, with numbers of their own, which are said there.

# %% tags=["settings"]
size = 320  # pixels of the long side of what is painted below
style_size = 400
evaluations = 20

# %% [markdown]
# ## Whose colours?
#
# A gate of the Fushimi shrine is orange, and a wave is blue. If the one is painted after the other, whose colours
# should come out?

# %%
import torch

photo = load("fushimi_inari_gates", 384)  # (1, 3, 256, 384)
style = load("konen_ocean_waves", 480)  # (1, 3, 320, 480)
show([photo, style], ["the photo", "the style: Waves, by Uehara Konen"], height=300,
     alt="Left, a stone path through a tunnel of bright orange gates; right, a woodblock print of rolling waves in "
     "many blues with white crests.")

# %% [markdown]
# Nothing in our loss separates colour from stroke. The first layer of VGG19 looks at red, green and blue, so its Gram
# matrix knows how much of each there is, and the style's colours are transferred with everything else. If we want
# something different, we have three places to interfere: before the painting, during it, or afterwards.
#
# **Afterwards** is the easiest. The **luminance** of a pixel says how bright it looks,
# $Y = 0.299\,R + 0.587\,G + 0.114\,B$, because our eyes are more sensitive to green than to red, and hardly sensitive
# to blue. We keep the luminance of the painting, and for the rest we take the photo: to each pixel of the photo, we
# add what its luminance lacks. Here is one pixel, pure red, where the painting has a luminance of 0.4:

# %%
# NBVAL_CHECK_OUTPUT
weights = torch.tensor([0.299, 0.587, 0.114])
pixel = torch.tensor([1.0, 0.0, 0.0])  # of the photo: red, green, blue
wanted_luminance = 0.4  # of the painting, at the same place
lacking = wanted_luminance - (weights * pixel).sum()
recoloured = pixel + lacking
print(f"lacking {lacking:.3f}, so the pixel becomes", recoloured)
print(f"its luminance {(weights * recoloured).sum():.3f}")

# %% [markdown]
# The three weights add up to 1, so adding the same number to red, green and blue adds it to the luminance, too. But
# look at the red: it is now 1.101, which no file can hold. It gets cut off at 1, and then the luminance is a little
# too small. Grey and white always fit. The trick fails where the photo's colours are strongest: pure red has no room
# upwards in its red and, where the painting is darker, none downwards in its green and blue.
#
# **During** the painting means that there are no colours at all: a grey photo is painted after a grey style, and the
# photo's colours are put back at the end, as above. Now the loss asks for what can really be had, the strokes in
# light and dark. One thing is left to adjust. If the photo is dark and the style bright, then the style asks for
# light where there is none. So we first give the style's luminance $L$ the mean $\mu$ and the standard deviation
# $\sigma$ of the photo's, as in section 5.1 of [the paper](https://arxiv.org/abs/1611.07865):
#
# $$L' = \frac{\sigma_\text{photo}}{\sigma_\text{style}} \left(L - \mu_\text{style}\right) + \mu_\text{photo}$$
#
# In words: move the style's mean to zero, stretch, and move it to the photo's mean.
#
# **Exercise 1 · predict** · ●○○ · 5 minutes. A style's luminance has the mean 0.5 and the standard deviation 0.2.
# The photo's has the mean 0.3 and the deviation 0.1. A reader of a well-known program [once wrote the formula with
# variances](https://github.com/jcjohnson/neural-style/issues/376) in the place of the deviations, where a variance is
# the square of a deviation. What mean and what deviation does the style get from the right formula, and what from
# this one?


# %% tags=["spec", "folded"]
def stretch_spec():
    import torch

    generator = torch.Generator().manual_seed(0)
    luminance = torch.randn(10000, generator=generator, dtype=torch.float64)
    luminance = 0.5 + 0.2 * (luminance - luminance.mean()) / luminance.std()
    answers = {}
    for name, power in (("right", 1), ("variances", 2)):
        stretched = (0.1 / 0.2) ** power * (luminance - 0.5) + 0.3
        answers[name + ", mean"] = stretched.mean().item()
        answers[name + ", deviation"] = stretched.std().item()
    return answers


# %% tags=["exercise"]
def my_stretch():
    """A dict with the keys "right, mean", "right, deviation", "variances, mean", "variances, deviation"."""
    # solution
    return {
        "right, mean": 0.3,
        "right, deviation": 0.1,
        "variances, mean": 0.3,
        "variances, deviation": 0.05,  # (0.1 / 0.2)² = 1/4 of 0.2
    }


# %% tags=["check"]
from helpers.check import check

check(my_stretch, stretch_spec);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# What does the formula make of a pixel whose luminance is exactly the style's mean? And of one that lies a deviation
# above it?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Stretching all numbers by a factor stretches their deviation by the same factor. Only the factor differs between the
# two formulas.
#
# </details>
#
# <!-- solution: my_stretch -->
#
# **Before** the painting is the most interesting place. We give the *style* the colours of the photo, and then paint
# as always. For a single number per pixel we know how: stretch and move. What is a stretch for three numbers at once?
#
# ### One cloud of colours onto another
#
# The pixels of a picture are points in a space with the axes red, green and blue, and together they form a cloud. The
# cloud has a mean $\mu$, and its shape is described by the **covariance** $\Sigma$, a table of 3 × 3 numbers: the
# variances of red, green and blue on the diagonal, and off it the mean products of two colours, each measured from
# its own mean, which say whether the two rise together. We look for a map $x \mapsto M x + b$ with a matrix $M$ and a
# vector $b$ that turns the style's cloud ($\mu$, $\Sigma$) into one like the photo's ($\mu'$, $\Sigma'$). The
# covariance of $M x$ is the mean of $(Mx)(Mx)^\top$, for points measured from their mean, and that is
# $M \Sigma M^\top$. So we need
#
# $$M \Sigma M^\top = \Sigma' \qquad \text{and} \qquad b = \mu' - M \mu.$$
#
# The second is easy as soon as we have $M$. For the first, let us take two colours instead of three, and a cloud that
# is as round as a ball, so that its covariance is the identity. We want a cloud that is twice as wide in red.
#
# **Your turn, before you run the next cell.** One matrix that does it is plain: stretch the first axis by 2. Can you
# think of a second one, which also turns the ball into that ellipse?
#
# <details><summary>Compare</summary>
#
# Turn the ball before you stretch it. A ball that was turned is still a ball, so whatever rotation you take, the
# stretched cloud has the same covariance. But the single pixels end somewhere else. After a quarter turn, what was
# red is now green.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
ball = torch.eye(2)
stretch = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
quarter_turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
for name, M in {"stretch": stretch, "turn, then stretch": stretch @ quarter_turn}.items():
    red_pixel = torch.tensor([1.0, 0.0])
    print(f"{name}: covariance {(M @ ball @ M.T).tolist()}, and a red pixel goes to {(M @ red_pixel).tolist()}")

# %% [markdown]
# Both give the covariance that we wanted, and they disagree about every pixel. So the condition alone does not
# determine the map. In general, let $\Sigma = K K^\top$ and $\Sigma' = K' K'^\top$ be any two ways to split the
# covariances. Then
#
# $$M = K'\, R\, K^{-1}$$
#
# fulfils the condition for *every* rotation $R$: $K^{-1}$ makes a ball of the first cloud, $R$ turns it, and $K'$
# makes the second cloud of it. Somebody has to choose, and programs choose in three ways.
#
# - **Cholesky**: split with triangular matrices
#   ([`cholesky`](https://docs.pytorch.org/docs/stable/generated/torch.linalg.cholesky.html)), and do not turn. It is
#   the shortest to write.
# - **Principal axes**: split with the symmetric root $\Sigma^{1/2}$, which stretches along the eigenvectors (the axes
#   of the ellipse) by the roots of the eigenvalues, and do not turn.
# - **Transport**: take the rotation that moves the pixels as little as possible.
#
# Which rotation is that? Apart from the means, a pixel moves from $x$ to $M x$, and the mean square of the distance
# is $\operatorname{tr} \Sigma + \operatorname{tr} \Sigma' - 2 \operatorname{tr}(M \Sigma)$, where the **trace** tr is
# the sum of the diagonal. The first two terms are given, so we need the largest $\operatorname{tr}(M\Sigma)$. With
# our $M$ this is $\operatorname{tr}(R\, K^\top K')$, and the rest is a fact that you may believe: the trace is
# largest for the rotation that makes $R K^\top K'$ symmetric, with no negative eigenvalue. (Such a matrix only
# stretches, and any turn on top of it shortens what points along its axes.) Then $M$ is symmetric, too, without
# negative eigenvalues, and only one such matrix fulfils the condition ([Pitié and Kokaram
# 2007](https://github.com/frcs/colour-transfer)):
#
# $$M = \Sigma^{-1/2} \left(\Sigma^{1/2}\, \Sigma'\, \Sigma^{1/2}\right)^{1/2} \Sigma^{-1/2}$$
#
# You can check that it fulfils the condition: in $M \Sigma M$, the two inner $\Sigma^{-1/2}$ cancel against $\Sigma$,
# the two roots of the bracket make the bracket itself, and the outer $\Sigma^{-1/2}$ take the rest away, so that
# $\Sigma'$ is left.


# %%
def moments(image):
    """The mean (3,) and the covariance (3, 3) of the colours of an image (1, 3, H, W)."""
    colours = image[0].flatten(1).double()  # (3, H W)
    return colours.mean(1), torch.cov(colours)


def root(matrix):
    """The symmetric root of a covariance: the same eigenvectors, the roots of the eigenvalues."""
    eigenvalues, eigenvectors = torch.linalg.eigh(matrix)
    return eigenvectors @ torch.diag(eigenvalues.clamp_min(0).sqrt()) @ eigenvectors.T


def by_cholesky(covariance, wanted):
    return torch.linalg.cholesky(wanted) @ torch.linalg.inv(torch.linalg.cholesky(covariance))


def by_principal_axes(covariance, wanted):
    return root(wanted) @ torch.linalg.inv(root(covariance))


def by_transport(covariance, wanted):
    back = torch.linalg.inv(root(covariance))
    return back @ root(root(covariance) @ wanted @ root(covariance)) @ back


ways = {"Cholesky": by_cholesky, "principal axes": by_principal_axes, "transport": by_transport}


def moved_colours(source, target, way):
    """The source with the mean and the covariance of the target's colours; not clamped."""
    mean, covariance = moments(source)
    wanted_mean, wanted_covariance = moments(target)
    M = way(covariance, wanted_covariance)  # (3, 3)
    b = wanted_mean - M @ mean  # (3,)
    colours = M @ source[0].flatten(1).double() + b[:, None]  # (3, H W)
    return colours.float().view_as(source)


# %% [markdown]
# We give the print the colours of the gates, in each of the three ways, and ask three questions. How far is the new
# covariance from the wanted one? How far was a pixel moved (the root of the mean square, where every channel runs
# from 0 to 255, so that black and white are 442 apart)? And does it matter in which order the channels come? OpenCV
# and Caffe read a picture as blue, green, red, so the same program may well see them backwards.
#
# **Your turn, before you run the next cell.** Which of the three must depend on the order of the channels? Think of
# how a triangular matrix treats its first row.
#
# <details><summary>Compare</summary>
#
# Cholesky. Its first row has a single number, so the new red is made of the old red alone, green is made of red and
# green, and only blue is made of all three. In the other order it is blue that has to manage alone. Eigenvectors do
# not know an order, and neither do distances, so the other two cannot depend on it.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
for name, way in ways.items():
    recoloured = moved_colours(style, photo, way)
    wanted = moments(photo)[1]
    miss = (moments(recoloured)[1] - wanted).norm() / wanted.norm()
    move = 255 * (recoloured - style).square().sum(1).mean().sqrt()
    backwards = moved_colours(style.flip(1), photo.flip(1), way).flip(1)  # blue, green, red
    differences = 255 * (recoloured - backwards).square().sum(1).sqrt()
    assert miss < 1e-4
    print(f"{name:14}: covariance missed by {miss:.5f}; a pixel moves by {move:.2f}; in the other order it differs "
          f"by {differences.mean():4.1f}, at most {differences.max():5.1f}")

# %% [markdown]
# All three reach the wanted covariance. Transport moves a pixel least, as it must. And Cholesky gives a different
# picture for the same two pictures as soon as the channels are read in the other order, and no error message will
# ever tell you. Here is what the three do:

# %%
from helpers.colours import matched_colour

recoloured = [moved_colours(style, photo, way).clamp(0, 1) for way in ways.values()]
backwards = moved_colours(style.flip(1), photo.flip(1), by_cholesky).flip(1).clamp(0, 1)
show([recoloured[0], backwards, *recoloured[1:]], ["Cholesky", "Cholesky, blue first", "principal axes", "transport"],
     columns=2, height=240,
     alt="The print of waves four times in the reds and oranges of the gates; with Cholesky the foam is bright red above "
     "a brown wave, read from blue the wave is bright red, and the lower two look alike.")

# %% [markdown]
# All four have the same mean and the same covariance, apart from what was cut off at 0 and 1. On the top left the
# foam burns, and the wave below it is a flat dark brown. On the top right, where the channels were read from blue to
# red, the wave burns and the foam is pink. The lower two can hardly be told apart.
#
# Is that so for other pictures, too? We give each of our 21 styles the colours of each of the 12 photos, and take the
# mean over all pairs. (We compute the distance by the formula with the traces, so we need not even move the pixels.)

# %%
# NBVAL_CHECK_OUTPUT
from helpers.images import names as names_of

photos = [moments(load(name, 64)) for name in names_of("content")]
styles = [moments(load(name, 64)) for name in names_of("style")]
for name, way in ways.items():
    moves = []
    for wanted_mean, wanted in photos:
        for mean, covariance in styles:
            squared = torch.trace(covariance + wanted - 2 * way(covariance, wanted) @ covariance)
            squared = squared + (wanted_mean - mean).square().sum()
            moves.append(255 * squared.sqrt().item())
    print(f"{name:14}: {len(moves)} pairs, a pixel moves by {sum(moves) / len(moves):.1f} on average")

# %% [markdown]
# On average, transport moves a pixel 1% less than the principal axes do, and 6% less than Cholesky. So it hardly
# matters whether you take transport or the principal axes. Cholesky moves colours a little more, and its result
# depends on how a file was read.
#
# The helper `matched_colour` does the same by transport, and it knows what to do with a grey picture, whose
# covariance has no inverse:

# %%
# NBVAL_CHECK_OUTPUT
print(f"largest difference {(matched_colour(style, photo) - recoloured[2]).abs().max():.4f}")

# %% [markdown]
# Now we have four answers, and can compare them in paintings. They were painted beforehand, with 30 evaluations each
# (`python -m tools.pictures.results 10_colours`):

# %%
colours = {
    "style": "the style's colours",
    "luminance": "luminance alone",
    "matched": "the style matched beforehand",
    "afterwards": "the photo's colours afterwards",
}
paintings = {name: load(DATA / "results" / "10_colours" / f"{name}.jpg", None) for name in colours}
show(paintings.values(), colours.values(), columns=2, height=314,
     alt="Four paintings of the gates in the strokes of the print: the first all in blues; the second with orange gates "
     "and a grey path; the third with a brownish path; the fourth brighter, with pale gates and a white path.")

# %% [markdown]
# The first has kept no orange at all. In the second, everything has its own colour and nearly its own brightness. In
# the third, the *palette* is the photo's, but nobody said which thing gets which colour, and so the stone path has
# turned to orange and brown. The fourth is too bright, and its path is nearly white, because the print is brighter
# than the photo, and its luminance came along.
#
# What did the colours cost? We measure how far the colours of each painting are from the photo's, by the root of the
# mean squared distance of the transport from one cloud to the other, and at each of the five layers the **style
# error** $e_l = \lVert G - A \rVert^2 / \lVert A \rVert^2$ against the print as it is:

# %%
from helpers.losses import gram, relative_error
from helpers.vgg import VGG

vgg = VGG()
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def grams_of(image):
    with torch.no_grad():
        return {layer: gram(features) for layer, features in vgg(image.to(vgg.device), layers).items()}


def colour_distance(first, second):
    """How far apart the colours of two images are, from 0 to 442: the transport between two normal clouds."""
    mean, covariance = moments(first)
    wanted_mean, wanted = moments(second)
    M = by_transport(covariance, wanted)
    squared = (mean - wanted_mean).square().sum() + torch.trace(covariance + wanted - 2 * M @ covariance)
    return 255 * squared.clamp_min(0).sqrt()


A = grams_of(style)
print(f"{'':32}colours   " + "  ".join(layers))
for name, painting in paintings.items():
    G = grams_of(painting)
    errors = "".join(f"{relative_error(G[layer], A[layer]):9.3f}" for layer in layers)
    print(f"{colours[name]:32}{colour_distance(painting, photo):7.1f} {errors}")

matched_grams = grams_of(matched_colour(style, photo))
G = grams_of(paintings["matched"])
errors = "".join(f"{relative_error(G[layer], matched_grams[layer]):9.3f}" for layer in layers)
print(f"{'... against the matched print':40}{errors}")

# %% [markdown]
# The first column says what we saw. In the style's own colours a painting is 173 away from the photo, where black and
# white are 442 apart, and in luminance alone 7.5. The price stands to the right. At `relu1_1` the last three are worse
# than zeros, which is no surprise, for this layer hardly sees anything but colours. But look at `relu5_1`: even there
# the error is about 0.7 instead of 0.04. Colour is not confined to the first layers: what the deep ones see in a wave
# depends on its colour, too.
#
# So an error against a style whose colours you did not want says little. The last line measures the third painting
# against what it was really asked for, the print in the photo's colours, and there its style is as good as that of
# the first.
#
# Painting in luminance has one failure that you can predict. If everything in a style is equally bright, there is
# nothing in its luminance:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.colours import luminance

chequers = torch.zeros(1, 3, 256, 256)
rows = torch.arange(256) // 32
is_red = (rows[:, None] + rows) % 2 == 0  # (256, 256)
chequers[0, 0, is_red] = 1.0  # red, luminance 0.299
chequers[0, 1, ~is_red] = 0.299 / 0.587  # green, as bright
grey = luminance(chequers).expand(1, 3, 256, 256)
print(f"deviation of red {chequers[0, 0].std():.2f}, of the luminance {grey.std():.2f}")
show([chequers, grey], ["a style of one brightness", "its luminance"], height=256,
     alt="Left, a chequerboard of red and green squares; right, the same as an even grey square without any pattern.")

# %% [markdown]
# A painter who sees only light and dark learns nothing from this style. With other styles, luminance is the surest
# way to keep every colour in its place; a style that lives from its colours is better matched beforehand; and putting
# colours back afterwards needs no new painting. In `helpers.control`, one word chooses:
# `Controls(colour="luminance")`, `"matched"` or `"afterwards"`; `"style"`, the style's own, is what you get if you say
# nothing. The word is meant for `paint`, which you will meet in a moment.
#
# ## Where does it go?
#
# The sky after one painter, and the houses after another: for that, a Gram matrix has to know where to look. Remember
# how it is made. $F$ has one row for each of the $C$ channels and a column for each of the $N$ places, and
# $G = F F^\top / N$ is a mean over all places. Here are two channels at four places:

# %%
# NBVAL_CHECK_OUTPUT
F = torch.tensor([[2.0, 0.0, 9.0, 9.0],   # channel 1   (C, N) = (2, 4)
                  [1.0, 1.0, 9.0, 9.0]])  # channel 2
T = torch.tensor([1.0, 1.0, 0.0, 0.0])  # only the first two places count
masked = T * F  # (2, 4)
print(masked @ masked.T / 4)

# %% [markdown]
# A **mask** $T$ has a 1 where a place counts and a 0 where not. Multiplied with every row of $F$, it silences the
# loud 9s. But the result is only half of what it should be, because we still divided by four places where only two
# count. So Gatys and his co-authors scale the mask until the mean of its squares is 1 (that is their program; [the
# paper](https://arxiv.org/abs/1611.07865) writes the same with a sum of 1 and without the $1/N$). The scaled mask is
# called a **guide**, $T_r$ for the region $r$. It lives on the places of a layer, and we will soon see how it gets
# there:
#
# $$G_r = \frac{1}{N} \left(T_r \circ F\right)\left(T_r \circ F\right)^\top \qquad \text{with} \qquad \frac1N \sum_k T_{rk}^2 = 1$$
#
# The circle means that every row of $F$ is multiplied by the guide, place by place.
#
# **Your turn, before you run the next cell.** What are the two guides for the mask (1, 1, 0, 0) and for the soft mask
# (1, 0.5, 0, 0)? How much does the second place count in the second?
#
# <details><summary>Compare</summary>
#
# The mean of the squares is ½ for the first, so the guide is √2 at two places, and squared it is 2: each place counts
# twice as much, as half of them are missing. For the soft mask, the squares are 1 and ¼, with a mean of 5/16, and the
# guide is (1.79, 0.89, 0, 0). A product of two features
# contains the guide twice, so a place with the mask 0.5 counts a quarter, and not a half.
#
# </details>


# %%
# NBVAL_CHECK_OUTPUT
def guided_gram(features, mask):
    """The Gram matrix (C, C) of features (1, C, h, w) where a mask (1, 1, h, w) is."""
    T = mask / mask.square().mean().sqrt()
    return gram(features * T)


features = F.view(1, 2, 2, 2)
for mask in ([1.0, 1.0, 0.0, 0.0], [1.0, 0.5, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]):
    G = guided_gram(features, torch.tensor(mask).view(1, 1, 2, 2))
    print("mask", mask)
    print(G)
print("plain Gram matrix")
print(gram(features))

# %% [markdown]
# With the first mask we get the mean over two places: (4 + 0)/2 = 2, (2 + 0)/2 = 1 and (1 + 1)/2 = 1. The soft mask
# gives the second place a quarter of a vote. And a mask of ones gives the plain Gram matrix back, as it should.
#
# The loss of a painting with several regions is the mean of their style errors, each against the Gram matrix of its
# own style. (In the paper the style may have a guide as well, so that a sky learns from a sky. With our helpers you
# cut the style instead: `style[:, :, :120]` keeps its upper 120 rows, which is nearly the same as a guide.)
#
# ### How a mask comes down
#
# One thing is missing. A mask has as many pixels as the photo, and `relu4_1` has only an eighth of them in each
# direction. Making the mask smaller is one line. But is it right? Take a row of eight pixels, of which the left four
# count, and a layer that sees three pixels at each place:

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import conv1d

pixels = torch.tensor([[[0.0, 0.0, 0.0, 0.0, 9.0, 9.0, 9.0, 9.0]]])  # (1, 1, 8)
mask = torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
sees_three = torch.full((1, 1, 3), 1 / 3)  # the mean of three neighbours
features = conv1d(pixels, sees_three, padding=1)[0, 0]  # (8,)
print("features       ", features)
print("where mask is 1", mask * features)

# %% [markdown]
# The fourth place lies in the mask, and its feature is 3, although every pixel in the mask is 0. It has looked over
# the border. (The last feature is 6 and not 9 for another reason: outside the row there are zeros.) Deeper layers
# look much farther: a number of `relu4_1` sees 68 × 68 pixels, its **receptive field**. So a mask that was only made
# smaller lets the houses into the style of the sky, and the gradient of the sky's style out into the houses.
#
# The remedy is to keep only the places that see nothing of the outside. For our row, a place stays if it *and both of
# its neighbours* are in the mask, so the border moves in by one place with each convolution. That is a pooling with
# the minimum:


# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import max_pool1d


def smallest_of_three(mask):
    """For each place, the smallest of the mask at the place and at its two neighbours."""
    return -max_pool1d(-mask.view(1, 1, -1), 3, stride=1, padding=1).flatten()


print("after one layer ", smallest_of_three(mask))
print("after two layers", smallest_of_three(smallest_of_three(mask)))

# %% [markdown]
# `helpers.masks.at_layer` walks down VGG19 like this, convolution by convolution and pooling by pooling, and calls it
# `"inside"`. The mask that was made smaller is `"resized"`, and `"all"` keeps every place that sees anything of the
# mask. (All three come from the [authors' program](https://github.com/leongatys/NeuralImageSynthesis). It pushes noise
# through the network to find out who sees what, and then lets the mask inside grow again by three places, which leaks
# a little.) Here is a mask of the sky above Tübingen:

# %%
from helpers.masks import at_layer, load_mask

town = load("tubingen_neckarfront", 384).to(vgg.device)  # (1, 3, 288, 384)
sky = (load_mask("tubingen_neckarfront_sky", 384) > 0.5).float().to(vgg.device)  # (1, 1, 288, 384)
tiles = [town, sky.expand(1, 3, -1, -1)]
titles = ["the photo", "the mask of its sky"]
for layer in ("relu4_1", "relu5_1"):
    for way in ("resized", "inside"):
        small = at_layer(sky, layer, way)  # (1, 1, h, w)
        side = 384 // small.shape[3]  # pixels of the photo to a place
        blocks = small.repeat_interleave(side, 2).repeat_interleave(side, 3)
        tiles.append(blocks.expand(1, 3, -1, -1))
        titles.append(f"{layer}, {way}: {small.sum():.0f} of {small.numel()} places")
show(tiles, titles, columns=2, height=354,
     alt="The river front of Tübingen, its sky as a white mask, and four coarse versions of the mask: the resized ones "
     "reach down to the roofs, the ones inside leave a broad black border, most of all at relu5_1.")

# %% [markdown]
# At `relu4_1` the resized mask follows the roofs, with grey places at the border, and less than half of its places
# are also inside. At `relu5_1` only 6 of the 432 places see nothing but sky. One number of this layer sees 156 × 156
# pixels, and our sky is nowhere that high. (The six are at the upper edge, where a part of what they see lies outside
# the picture and is filled with zeros. That does not count as a house.)
#
# Now the measurement. We replace every pixel outside the sky by noise. A Gram matrix of the sky should not notice.
# How much does it change?

# %%
from helpers.images import noise


def sky_grams(image, way):
    with torch.no_grad():
        features = vgg(image, layers)
    return {layer: guided_gram(features[layer], at_layer(sky, layer, way)) for layer in layers}


ruined = sky * town + (1 - sky) * noise(town)
print(f"{'':8}" + "  ".join(layers))
for way in ("all", "resized", "inside"):
    before = sky_grams(town, way)
    after = sky_grams(ruined, way)
    changes = [relative_error(after[layer], before[layer]).item() for layer in layers]
    print(f"{way:8}" + "".join(f"{change:7.4f}  " for change in changes))
assert max(changes) < 1e-6  # inside

# %% [markdown]
# These are relative errors, so at `relu5_1`, where the resized mask has 0.30, about half of the norm of the sky's
# Gram matrix has changed, because of pixels that are not in the sky. Keeping every place that sees anything of the
# sky is worse: at `relu3_1` and `relu4_1`, the error is above 1, so the noise does more harm there than features of
# zero would. Inside, nothing changes at any layer.
#
# From how far does the noise come in? We leave a strip of the photo below the sky untouched, and make it wider and
# wider:


# %%
from torch.nn.functional import max_pool2d


def distance_to(mask, farthest=96):
    """How many pixels each place is away from a mask, up to the farthest: the mask grows by one pixel at a time."""
    distance = torch.zeros_like(mask)
    for _ in range(farthest):
        distance = distance + (mask < 0.5)
        mask = max_pool2d(mask, 3, stride=1, padding=1)
    return distance


distance = distance_to(sky)  # 0 in the sky, then 1, 2, 3 ...
before = sky_grams(town, "resized")
print(f"{'untouched':12}" + "  ".join(layers))
for strip in (0, 8, 16, 32, 64, 80):
    far = (distance > strip).float()
    after = sky_grams((1 - far) * town + far * noise(town), "resized")
    changes = [relative_error(after[layer], before[layer]).item() for layer in layers]
    print(f"{strip:3} pixels  " + "".join(f"{change:8.5f} " for change in changes))

# %% [markdown]
# Each layer looks over the border as far as its receptive field reaches, which at `relu5_1` is 156 pixels wide, so
# about 78 to each side, more than our table can show. But it does not look equally hard. These errors are squares;
# their roots say that with 32 untouched pixels the leak at `relu5_1` is 18 times smaller than with none, and that 16
# pixels leave 29% of it. The middle of a receptive field counts much more than its rim.
#
# What leaks in also leaks out. The gradient of the sky's style error says which pixels the sky's painter would like
# to change, and we can ask how strong it is at each distance from the border:

# %%
import matplotlib.pyplot as plt

from helpers.show import figure

A = grams_of(load("munch_the_scream", 480))  # the sky's painter
signed = (distance - distance_to(1 - sky))[0, 0].cpu()  # (288, 384), negative in the sky
edges = range(-88, 96, 8)
fig, axes = plt.subplots(figsize=(8.7, 4.2))
for way, colour in (("all", "#999999"), ("resized", "#2b5a8c"), ("inside", "#c0572b")):
    image = town.clone().requires_grad_()
    features = vgg(image, layers)
    errors = [relative_error(guided_gram(features[layer], at_layer(sky, layer, way)), A[layer]) for layer in layers]
    (sum(errors) / 5).backward()
    strength = image.grad[0].abs().sum(0).cpu()  # (288, 384)
    print(f"{way}: {strength[signed > 0].sum() / strength.sum():.0%} of the gradient lies outside the sky")
    profile = [strength[(signed > edge) & (signed <= edge + 8)].mean().item() for edge in edges]
    axes.plot([edge + 4 for edge in edges], profile, "o-", color=colour, label=way, markersize=4)
axes.axvline(0, color="black", linewidth=0.8)
axes.set(xlabel="pixels from the border (left: sky, right: houses)", ylabel="mean size of the gradient", ylim=(0, None))
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
figure(fig, alt="Three curves of the gradient's strength across the border of the sky: resized and all reach far into "
       "the houses on the right, inside falls to zero at the border and is weaker in the sky near it.")

# %% [markdown]
# With `"all"`, more than half of the gradient pulls at houses. With `"resized"` it is about a sixth, and most of that
# falls on the 30 pixels below the border. With `"inside"`, the curve is at zero from the border on.
#
# But look at the left end as well. The curve of `"inside"` falls all the way from the upper edge to the border,
# because near the border hardly any layer counts any more. And far from it, it shoots up: the six places of `relu5_1`
# have to answer for the whole layer, so all of its gradient is heaped on what they see. So neither way is free. The
# resized mask leaks, and the mask inside gets thin.
#
# ### Two painters, one photo
#
# Now we paint. `Objective(recipe, network, photo, styles, controls)` of `helpers.recipes` adds up the losses that we
# derived: the content error with our usual weight of 0.03, and for each style the mean of its guided style errors,
# each of the two counting half. `Controls` says which mask belongs to which style. The sky goes to Munch, and the
# houses to a glass window that was drawn for this series. `fast` computes in half precision where the processor can,
# and `pyramid` lets the optimiser L-BFGS change coarse and fine pixels at once ([notebook
# 09](09_bigger_pictures.ipynb)):

# %%
from helpers.control import Controls
from helpers.fast import fast, pyramid
from helpers.images import as_saved
from helpers.recipes import Objective
from helpers.transfer import optimise

quick = fast(VGG())


def paint_regions(photo, names, masks, **controls):
    """A painting of a photo with one named style for each mask; it starts in the colours of the styles."""
    styles = [load(name, style_size).to(quick.device) for name in names]
    start = sum(mask * matched_colour(photo, style) for style, mask in zip(styles, masks, strict=True))
    loss = Objective("ours", quick, photo, styles, Controls(masks=masks, **controls))
    return as_saved(optimise(start, loss, evaluations, parametrize=pyramid).image)


# %% tags=["painting"]
photo = load("tubingen_neckarfront", size).to(quick.device)  # (1, 3, 240, 320)
sky = load_mask("tubingen_neckarfront_sky", size).to(quick.device)  # (1, 1, 240, 320)
two_painters = paint_regions(photo, ["munch_the_scream", "stained_glass"], [sky, 1 - sky], way="resized")

# %%
show(two_painters, height=480,
     alt="Tübingen under a brown sky with orange waves above the roofs; the houses are pink, yellow and green with dark "
     "outlines, and the river is made of dark panes of glass. The tower dissolves in the strokes of the sky.")

# %% [markdown]
# The sky waves like Munch's, and where the trees and the river are, panes of glass have grown, with dark lead between
# them. The line of the roofs separates the two well. But look at the church tower! It is only a few pixels wide, so
# in the deep layers every place that sees it also sees sky, and the strokes of the sky run through it. A mask cannot
# help it, but the section after the next can.
#
# We took resized masks although they leak, because our photo is small. At this size `"inside"` leaves hardly a place
# of the sky at `relu5_1`, and the layer that paints the largest shapes would have next to nothing to work with. How
# large must a photo be?

# %%
# NBVAL_CHECK_OUTPUT
print("places inside the sky   " + "  ".join(layers))
for pixels in (256, 384, 512, 1024):
    mask = load_mask("tubingen_neckarfront_sky", pixels)
    counts = [at_layer(mask, layer).sum().item() for layer in layers]
    print(f"photo of {pixels:4} pixels   " + "".join(f"{count:9.0f}" for count in counts))

# %% [markdown]
# At 256 pixels, no place of `relu5_1` is inside, and at 1,024 pixels there are 609. So this mask can be used inside
# from about 512 pixels on. When nothing is left, the helpers leave that layer out for that style and say so in a
# line, because a mean over no places is not a number. Thin things, such as a mast or a street sign, meet this fate at
# any size. Give them to a neighbour, or protect them, as we will do further down.
#
# The picture at the top used both: resized masks at 256 and 512 pixels, where the large shapes are laid out, and
# masks inside for the last 15 evaluations at 1,024 pixels.
#
# ### Four ways to a mask
#
# Where does a mask come from, when nobody has stored one? Here are four ways, for the sky beside the Colosseum.
#
# **A threshold.** The sky is bluer than it is red. So are the stones in the shadow, as a first try showed (that mask
# covered three quarters of the picture), so we also ask that it is bright:

# %%
colosseum = load("roman_colosseum", 384).to(vgg.device)  # (1, 3, 216, 384)
red, green, blue = colosseum[0]  # (216, 384) each
by_threshold = ((blue > red) & (blue > 0.45)).float()[None, None]  # (1, 1, 216, 384)
print(f"bluer than red: {(blue > red).float().mean():.0%} of the picture; and bright: {by_threshold.mean():.0%}")

# %% [markdown]
# **Clusters of features.** The network knows more than a colour. Each place of `relu3_1` has 256 features, so it is a
# point in a space with 256 axes, and places that look alike lie close together. The algorithm **k-means** finds $k$
# groups of points: choose $k$ centres, give every point to its nearest centre, move each centre to the mean of its
# points, and repeat.


# %%
def k_means(points, k, rounds=12):
    """Group points (C, N) around k centres: (N,), the number of each point's group."""
    points = points / points.norm(dim=0)  # which features are strong, not how strong all of them are
    spread = torch.linspace(0, points.shape[1] - 1, k).long()
    centres = points[:, spread]  # (C, k), to begin with
    for _ in range(rounds):
        nearest = torch.cdist(points.T, centres.T).argmin(1)  # (N,)
        means = [points[:, nearest == number].mean(1) for number in range(k)]
        centres = torch.stack(means, 1)
    return nearest


with torch.no_grad():
    features = vgg(colosseum, "relu3_1")["relu3_1"]  # (1, 256, 54, 96)
h, w = features.shape[2:]
groups = k_means(features[0].flatten(1).cpu(), k=3).view(h, w)
group_of_sky = groups[h // 2, w - 2]  # the middle of the right edge
small = (groups == group_of_sky).float()[None, None].to(colosseum.device)  # (1, 1, 54, 96)
by_clusters = torch.nn.functional.interpolate(small, colosseum.shape[2:], mode="bilinear")

# %% [markdown]
# **A polygon.** You name the corners, as shares of the width and of the height from the top left, and `polygon` fills
# what lies between them, with a smooth edge. **A file.** You take any program in which one can draw with a brush,
# fill a new layer with black, paint the region white on it, and save that layer alone as a PNG. (If the photo stays
# visible, its greys become a mask, too.) `load_mask` reads a file by its path, and here it reads one of ours by its
# name. To compare two masks, we divide what they share by what they cover together:

# %%
from helpers.masks import polygon

corners = [(0.523, 0), (0.575, 0.25), (0.6, 0.45), (0.635, 0.62), (0.664, 0.8), (0.68, 1), (1, 1), (1, 0)]
by_polygon = polygon(corners, colosseum)
from_file = load_mask("roman_colosseum_sky_polygon", 384).to(vgg.device)

found_masks = {"a threshold": by_threshold, "clusters": by_clusters, "a polygon": by_polygon, "a file": from_file}
tiles = []
titles = []
for name, mask in found_masks.items():
    both = torch.minimum(mask, from_file).sum()
    either = torch.maximum(mask, from_file).sum()
    tiles.append(colosseum * (0.35 + 0.65 * mask))  # dark where the mask is 0
    titles.append(f"{name}: covers {mask.mean():.0%}, shares {both / either:.0%} with the file")
show(tiles, titles, columns=2, height=266,
     alt="The Colosseum four times, bright where a mask is and dark elsewhere: all four have the sky at the right. The "
     "threshold also has bits of sky in the arches, and holes in a white cloud; the clusters leave a dark frame at the edge of the picture.")

# %% [markdown]
# All four have the sky, and they differ in what else they have. The threshold takes the sky behind the arches, too,
# and is right to do so, but its edge is ragged, and it has holes where a cloud is white and no longer blue. The
# clusters know nothing of colour names, and needed only a hint which of the three groups we mean. They also have
# holes in the clouds, and leave out a frame around the picture, because the zeros that fill up what lies outside look
# like an edge to the network. The polygon is smooth, and took eight corners. The file, which is an older polygon of
# ours, cuts off a strip of sky beside the wall.
#
# A **soft mask**, with values between 0 and 1, lets two styles share the places at the border. Remember that a place
# with the mask 0.5 counts a quarter in each of them. If two masks overlap, the styles mix there, and where no mask
# is, no style is asked for. The helper that paints (`paint`, see below) says so in a line when it meets either.
#
# We paint the sky after Van Gogh's wheat field with its curling clouds, and the stones after a mosaic of small
# squares:

# %% tags=["painting"]
photo = load("roman_colosseum", size).to(quick.device)  # (1, 3, 180, 320)
sky = polygon(corners, photo)  # (1, 1, 180, 320)
names = ["vangogh_wheat_field_cypresses", "mosaic"]
stones_and_clouds = paint_regions(photo, names, [sky, 1 - sky], way="resized")

# %%
show(stones_and_clouds, height=480,
     alt="The Colosseum made of small rounded stones in dark blue and gold, beside a sky of curling yellow and green "
     "brush strokes.")

# %% [markdown]
# Every stone of the Colosseum is now a stone of the mosaic, gold where the lamps are and blue in the shade, and
# beside it are the clouds of Provence. Each painter stays on one side of the wall.
#
# **Exercise 2 · diagnose** · ●●○ · 15 minutes. A friend's program paints only some of its regions. It computes an
# error for every mask and prints them all, and they all look healthy. But for some masks the error was detached from
# the image, and so it has no gradient. Write `my_silent_masks(case)`. It gets a `case` with an image, `case.image`, a list of masks that do not overlap,
# `case.masks`, and the program's loss as a function, `case.loss(image)`. It returns the numbers of the
# masks whose region gets no gradient at all, in a list from small to large, counted from 0. At least one mask is not
# silent.


# %% tags=["spec", "folded"]
import torch


class Region:
    """A loss for masks (1, 1, H, W), some of which are silent; it knows which."""

    def __init__(self, count, silent, seed):
        generator = torch.Generator().manual_seed(seed)
        self.image = torch.rand(1, 3, 12, 4 * count, generator=generator)
        self.masks = []
        for number in range(count):
            mask = torch.zeros(1, 1, 12, 4 * count)
            mask[..., 4 * number : 4 * number + 4] = 1
            self.masks.append(mask)
        self.silent = silent

    def loss(self, image):
        total = 0.0
        for number, mask in enumerate(self.masks):
            region = mask * image
            if number in self.silent:
                region = region.detach()
            total = total + (region.mean() - 0.3).square() + region.square().mean()
        return total


def silent_fault(answer, case):
    if not isinstance(answer, list):
        return f"a list of numbers was wanted, and this is a {type(answer).__name__}"
    if answer != case.silent:
        return f"with {len(case.masks)} masks, your list {answer} is not the list of the silent ones"
    return ""


# %% tags=["exercise"]
def my_silent_masks(case):
    """case.loss(image) -> scalar; case.image (1, 3, H, W); case.masks: list of (1, 1, H, W) -> list of numbers."""
    # solution
    image = case.image.clone().requires_grad_()
    case.loss(image).backward()
    silent = []
    for number, mask in enumerate(case.masks):
        if (mask * image.grad).abs().sum() == 0:
            silent.append(number)
    return silent


# %% tags=["check"]
from helpers.check import each, judge

cases = [Region(3, [1], 0), Region(2, [], 1), Region(5, [0, 4], 2), Region(4, [1, 2, 3], 3)]
judge(my_silent_masks, silent_fault, each(*cases));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# You cannot see it in the value of the loss: a detached error changes with the image like any other. What is it that
# a detached error does not have?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Make a copy of the image that requires a gradient, call `backward` on the loss, and look at the gradient under each
# mask.
#
# </details>
#
# <!-- solution: my_silent_masks -->
#
# ## What must stay
#
# A face is where people notice every stroke. So far our only way to keep one is a larger content weight, but that
# keeps the background, too. The mask gives us another: a content error that counts only where it matters. With the
# features $F$ of the image, $P$ of the photo, and a guide $T$,
#
# $$e_\text{protected} = \frac{\lVert T \circ (F - P) \rVert^2}{\lVert T \circ P \rVert^2},$$
#
# and this is added to the loss with a weight of its own. Four places, of which the last is the face:

# %%
# NBVAL_CHECK_OUTPUT
P = torch.tensor([[3.0, 3.0, 3.0, 1.0]])  # of the photo   (C, N) = (1, 4)
F = torch.tensor([[3.0, 3.0, 3.0, 2.0]])  # of the image: only the face is wrong
T = torch.tensor([0.0, 0.0, 0.0, 1.0])
print(f"content error {relative_error(F, P):.3f}, of the face alone {relative_error(T * F, T * P):.3f}")

# %% [markdown]
# The face is as wrong as a face of zeros would be, and the plain content error hardly notices: 1 of 28, because a
# face is a small part of the picture, and a quiet one. Let us protect the face of Vermeer's girl while the peacocks and
# dragons of William Morris's woven curtain grow over the rest of her:

# %%
protected_weight = 0.3  # of the protected content error; the content everywhere has 0.03

# %% tags=["painting"]
girl = load("girl_with_a_pearl_earring", 256).to(quick.device)  # (1, 3, 256, 216)
curtain = load("morris_peacock_and_dragon", style_size).to(quick.device)
outline = [(0.33, 0.34), (0.47, 0.31), (0.56, 0.37), (0.62, 0.45), (0.66, 0.54), (0.56, 0.6), (0.44, 0.63), (0.35, 0.56)]
face = polygon(outline, girl)  # (1, 1, 256, 216)
loss = Objective("ours", quick, girl, curtain)
everywhere = as_saved(optimise(matched_colour(girl, curtain), loss, evaluations, parametrize=pyramid).image)

# %% tags=["painting"]
loss = Objective("ours", quick, girl, curtain, Controls(protected=(face, protected_weight)))
kept = as_saved(optimise(matched_colour(girl, curtain), loss, evaluations, parametrize=pyramid).image)

# %%
with torch.no_grad():
    P = vgg(girl, "relu4_2")["relu4_2"]  # (1, 512, 32, 27)
T = at_layer(face, "relu4_2", "resized")
titles = ["the photo, and what is protected"]
for name, painting in {"painted": everywhere, "the face protected": kept}.items():
    with torch.no_grad():
        F = vgg(painting, "relu4_2")["relu4_2"]
    titles.append(f"{name}: face {relative_error(T * F, T * P):.2f}, all {relative_error(F, P):.2f}")
show([girl * (0.35 + 0.65 * face), everywhere, kept], titles, height=372,
     alt="Girl with a Pearl Earring, bright where her face is protected; then painted with her face covered by dark "
     "tendrils; then with the same tendrils all around, and her eyes and nose back.")

# %%
closer = [image[..., 70:170, 60:156] for image in (girl, everywhere, kept)]
show(closer, ["her face in the photo", "painted", "protected"], height=372,
     alt="The face enlarged: smooth in the photo; covered by a pattern like a tattoo; and with eyes and nose as in the "
     "photo, a mouth blurred with red and green, and coloured dots and a few marks on the cheek.")

# %% [markdown]
# In the middle the pattern has grown over her face like a tattoo, and one of her eyes is gone. On the right she looks
# at us again. Her cheek and mouth are not untouched, for `relu4_2` holds shapes firmly, and colour and grain loosely,
# and so dots and a few marks remain. The error of her face is eight times smaller, while the content error of the
# whole picture is even a little larger: all that we bought is the face. (Both errors of the whole are larger than 1,
# because the photo's background is black, and the painting puts tendrils where the photo has nothing.)
#
# Why not simply paste the photo's face into the finished painting? That would put a piece of a photo into a painting,
# with an edge around it. The protected face is still painted, and the light of the painting goes over it. The tower in the
# first picture of this notebook was saved in the same way, with a narrow polygon around it.
#
# ### Only the sky, and in its own colours
#
# Now you can have what people ask for most: paint the sky, leave everything else alone, and keep the photo's colours.
# One mask says where the style goes, the rest is protected, and the colours are those of the photo. From here on we
# can leave the loop to `paint` of `helpers.recipes`, which takes the same controls:

# %% tags=["painting"]
from helpers.recipes import paint

photo = load("tubingen_neckarfront", size).to(quick.device)  # (1, 3, 240, 320)
sky = load_mask("tubingen_neckarfront_sky", size).to(quick.device)
controls = Controls(masks=[sky], way="resized", colour="luminance", protected=(1 - sky, 0.3))
only_sky = paint("ours", photo, load("starry_night", style_size), quick, size=size, steps=evaluations, controls=controls).image

# %%
changes = (only_sky - photo).abs().mean(1, keepdim=True)  # (1, 1, 240, 320)
print(f"mean change in the sky {(sky * changes).sum() / sky.sum():.3f}, elsewhere {((1 - sky) * changes).sum() / (1 - sky).sum():.3f}")
show(only_sky, height=480,
     alt="Tübingen as in the photo, with its houses, tower and river; the sky alone is painted, in swirling blue strokes.")

# %% [markdown]
# The sky swirls, in its own blue, the tower stands in front of it, and the houses are a photo still. `paint` says in a
# line what differs from the recipe, and what the mask leaves without a style.
#
# ## How large are the strokes?
#
# Two knobs are said to change the width of a stroke: how large the style image is when we measure it, and which layers
# take part.
# [Notebook 08](08_recipes_and_knobs.ipynb) turns them one at a time, and here we turn both. We paint one dune in the
# cuts of a woodcut, with the style image 160, 400 and 1,000 pixels high, and with the style layers up to `relu2_1`,
# `relu4_1` and `relu5_1`. (Painted beforehand, 20 evaluations each: `python -m tools.pictures.results 10_scale`.)
#
# The width of strokes can be measured. Shift a picture against itself, and ask how well it still agrees with itself.
# After a sixth of a wave from bright to dark and back to bright, the agreement has fallen to a half, so six times
# that shift is the **width of the marks**. (Notebook 08 builds this ruler and tests it on waves.) We measure it in
# the sky, where the photo has no marks of its own:

# %%
from torch.nn.functional import avg_pool2d


def width_of_marks(image):
    """The typical width, from bright to dark to bright, of what is in an image (1, 3, H, W), in pixels."""
    brightness = image.mean(1)  # (1, H, W)
    surroundings = avg_pool2d(brightness, 41, stride=1, padding=20, count_include_pad=False)  # (1, H, W)
    brightness = brightness - surroundings  # a sky that is brighter at one end is no mark
    previous = 1.0
    for shift in range(1, min(brightness.shape[1:]) // 2):
        to_the_right = (brightness[:, :, shift:] * brightness[:, :, :-shift]).mean()
        down = (brightness[:, shift:] * brightness[:, :-shift]).mean()
        correlation = ((to_the_right + down) / (2 * brightness.square().mean())).item()
        if correlation < 0.5:
            beyond = (0.5 - correlation) / (previous - correlation)  # part of the last pixel that was too much
            return 6 * (shift - beyond)
        previous = correlation
    return 6.0 * shift  # marks that are too wide for this picture


tiles = []
titles = []
for style_pixels in (160, 400, 1000):
    for deepest in ("relu2_1", "relu4_1", "relu5_1"):
        painting = load(DATA / "results" / "10_scale" / f"{style_pixels}_{deepest}.jpg", None)  # (1, 3, 256, 384)
        tiles.append(painting)
        sky_of_dune = painting[..., 10:90, 150:374]  # (1, 3, 80, 224): above the dune, away from the border
        titles.append(f"{style_pixels} px, to {deepest}: width {width_of_marks(sky_of_dune):.0f} px")
show(tiles, titles, columns=3, height=214,
     alt="Nine orange dunes in the cuts of a woodcut: in the last row the cuts are widest; to the right specks become short "
     "cuts, and then long ones that run side by side and circle around suns in the sky.")

# %% [markdown]
# From 160 to 400 pixels of style the width stays at 7 to 9 pixels, and at 1,000 it is 11 to 13. (At 160 pixels the
# woodcut's own cuts measure only 5, finer than anything that was painted from it.) That is about half as much again,
# for a style image six times as large. One reason lies in the layers. Their windows have fixed sizes in pixels, so a
# cut that is much wider than the window of `relu2_1` is just a flat area with an edge to it. (The ruler reads regular
# stripes about half too wide, so use it to compare.)
#
# To the right the width grows by less than a third. In notebook 08 it doubled, but there the first picture had
# `relu1_1` alone. And yet the pictures change a lot. With two layers, the sky is full of specks. With
# four, the specks are cuts, which have a length and a direction. With all five, the cuts run side by side over long
# distances, and in the first row some of them circle around a small sun, as they do in the woodcut. So the size of
# the style image sets the width, and the depth of the layers sets how much of the order among the strokes comes with
# it.
#
# ### Large forms, small touches
#
# What if you want the wide waves of Munch's *Scream*, but painted in the small square touches of Signac? The obvious
# idea is to swap targets. Fine texture lives in the low layers and large forms in the high ones, so take the Gram
# matrices of `relu1_1` and `relu2_1` from Signac and the other three from Munch.
#
# The paper proposes something else (section 6): first make a *new style image*, and then paint with it as always. The
# new image begins as the *Scream*, and then changes until its two lowest Gram matrices are Signac's. There is no
# content error. What keeps the forms is only where it began, because a loss that sees no more than 10 pixels at a
# time has no reason to move anything large. (Signac's colours were matched to Munch's first, so that only the touch
# changes hands.)

# %%
folder = DATA / "results" / "10_mix"
forms = load("munch_the_scream", 480)
strokes = matched_colour(load("signac_la_calanque", 480), forms)
new_style = load(folder / "style.jpg", None)
show([forms, strokes, new_style], ["the forms: Munch", "the touch: Signac, in Munch's colours", "the new style"], height=330,
     alt="The Scream; Signac's bay in the brown, red and blue of the Scream; and the Scream made of small touches of paint.")

# %%
mixes = {"forms": "after Munch alone", "naive": "two targets swapped", "new": "after the new style"}
fine = grams_of(strokes)
coarse = grams_of(forms)
print(f"{'':22}  from Signac        from Munch")
print(f"{'':22} relu1_1 relu2_1   relu3_1 relu4_1 relu5_1   width of the marks")
tiles = []
for name, title in mixes.items():
    painting = load(folder / f"{name}.jpg", None)  # (1, 3, 216, 384)
    tiles.append(painting)
    G = grams_of(painting)
    low = [relative_error(G[layer], fine[layer]).item() for layer in layers[:2]]
    high = [relative_error(G[layer], coarse[layer]).item() for layer in layers[2:]]
    print(f"{title:22}" + "".join(f"{error:8.3f}" for error in low) + "  " + "".join(f"{error:8.3f}" for error in high)
          + f"{width_of_marks(painting[..., :60, :]):12.1f}")

new_grams = grams_of(new_style)
for painter, targets in {"Munch": coarse, "Signac": fine}.items():
    errors = "".join(f"{relative_error(new_grams[layer], targets[layer]):8.3f}" for layer in layers[2:])
    print(f"{'the new style itself, from ' + painter:40}{errors}")
show(tiles, list(mixes.values()), columns=1, height=400,
     alt="The mountain lake three times in the colours of the Scream: above and in the middle with wide smooth waves of "
     "paint in the sky, below with rows of small touches that follow such waves.")

# %% [markdown]
# With two targets swapped, the lake has Munch's waves, and of Signac's touches hardly more than a bit of grain. After
# the new style, rows of separate touches follow the waves, as if Signac had copied Munch. The width of the marks
# agrees: 18 pixels after Munch alone, 14 with swapped targets, and 11 after the new style.
#
# Now read the errors. The swapped targets come near to both painters, and reach neither: at `relu2_1` 0.045 is left,
# and after the new style 0.004. Why can they not do better? The high layers do not only see large forms. They also
# see the touches inside them. Look at the last two lines: measured against Munch, the new style itself has errors of
# 1.6, 2.0 and 1.0 at `relu3_1` to `relu5_1`, and at `relu3_1` and `relu4_1` it is far closer to Signac. So "fine from
# one painter, coarse from the other" cannot be said with separate layers. Whoever asks for Munch's high Gram matrices
# asks for his smooth paint as well. The new style asks for something else, the five Gram matrices of one real
# picture.
#
# ## Several styles at once
#
# Two painters may also share *every* place. We add up their style errors, with the shares $w_1 + w_2 = 1$. What does
# such a loss want? Take the smallest Gram matrix there is, a single number $G$, and two styles with $A_1 = 4$ and
# $A_2 = 8$.
#
# **Your turn, before you run the next cell.** For which $G$ is $\tfrac12 (G - 4)^2 + \tfrac12 (G - 8)^2$ smallest,
# and how much is left there? Is that a loss which any image could bring to zero?
#
# <details><summary>Compare</summary>
#
# At the mean, 6, where it is ½ · 4 + ½ · 4 = 4. At any other place it is $(G - 6)^2 + 4$. So the loss wants a $G$ of
# 6, and the 4 never goes away, however long we paint: nobody can please both.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
for G in (4.0, 5.0, 6.0, 7.0):
    both = 0.5 * (G - 4) ** 2 + 0.5 * (G - 8) ** 2
    print(f"G = {G}: both errors {both:.1f}, the error against their mean {(G - 6) ** 2:.1f}")

# %% [markdown]
# The two columns differ by 4, always. This holds for matrices and for any shares that add up to 1. Multiply out
# $w_1 \lVert G - A_1 \rVert^2 + w_2 \lVert G - A_2 \rVert^2$: the terms with $G$ are
# $\lVert G \rVert^2 - 2\, G \cdot (w_1 A_1 + w_2 A_2)$, where the dot multiplies two tables entry by entry and adds
# up, and these are also the terms of $\lVert G - (w_1 A_1 + w_2 A_2) \rVert^2$. So
#
# $$\sum_i w_i \lVert G - A_i \rVert^2 = \lVert G - \sum_i w_i A_i \rVert^2 + \text{const}.$$
#
# In words: to mix the losses is to mix the Gram matrices. The image gets *one* target, the mean of the two.
#
# But our errors are relative, and each is divided by its own $\lVert A_i \rVert^2$. In the toy we divide the first
# square by 16 and the second by 64.

# %%
# NBVAL_CHECK_OUTPUT
G = torch.linspace(4, 8, 401)
both = 0.5 * (G - 4).square() / 4**2 + 0.5 * (G - 8).square() / 8**2
best = G[both.argmin()]
share = (best - 4) / (8 - 4)
print(f"the smallest loss is at G = {best:.2f}: the second style has a share of {share:.2f}")

# %% [markdown]
# The second style now has a fifth instead of a half. Relative errors favour the style with the smaller numbers,
# because a distance of 2 is half of 4, but only a quarter of 8.
#
# **Exercise 3 · build** · ●●○ · 15 minutes. You add up two relative errors, the first with the share $1 - w$ and the
# second with the share $w$. Which share of the second style's Gram matrix is in the target that this loss really has?
# Write `my_share(A, B, w)` for two Gram matrices, without a search.


# %% tags=["spec"]
import torch


def share_spec(A, B, w):
    best = 0.0
    least = float("inf")
    for share in torch.linspace(0, 1, 20001).tolist():
        G = (1 - share) * A + share * B
        first = (G - A).square().sum() / A.square().sum()
        second = (G - B).square().sum() / B.square().sum()
        loss = ((1 - w) * first + w * second).item()
        if loss < least:
            least = loss
            best = share
    return best


def random_gram(*shape):
    features = torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape))).double()
    return features @ features.T / shape[1]


# %% tags=["exercise"]
def my_share(A, B, w):
    """A, B: (C, C). w: from 0 to 1 -> the share of B in the target, from 0 to 1."""
    # solution
    first = (1 - w) / A.square().sum()
    second = w / B.square().sum()
    return second / (first + second)


# %% tags=["check"]
from helpers.check import check, each

A_first = random_gram(3, 10)
check(my_share, share_spec, A_first, each(3 * random_gram(3, 12), 0.5 * random_gram(3, 7), random_gram(3, 5)),
      each(0.5, 0.2, 0.9), tolerance=1e-3, without=("loops",));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Write $a$ for $(1 - w)/\lVert A \rVert^2$ and $b$ for $w / \lVert B \rVert^2$. Then the loss is
# $a \lVert G - A \rVert^2 + b \lVert G - B \rVert^2$, and you know what it wants when the two numbers add up to 1.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Divide the whole loss by $a + b$. That does not move its minimum, and now the two weights do add up to 1.
#
# </details>
#
# <!-- solution: my_share -->
#
# How bad is it in VGG19? We ask for equal shares of a woodcut and of a glass window:

# %%
# NBVAL_CHECK_OUTPUT
cuts = grams_of(load("woodcut", 480))
panes = grams_of(load("stained_glass", 480))
for layer in layers:
    sizes = [1 / A[layer].square().sum() for A in (cuts, panes)]
    print(f"{layer}: the window's share is {sizes[1] / sum(sizes):.2f} where 0.50 was asked for")

# %% [markdown]
# In the first two layers we nearly get what we asked for. But the deeper the layer, the less of the window there is,
# and at `relu5_1` a share of 0.07 is left of one half: its panes make the deep layers fire so strongly that the
# woodcut wins. The remedy is simple. Mix the Gram matrices first, and then take one relative error against the
# mixture. The first five of these cats were painted like this (25 evaluations each;
# `python -m tools.pictures.results 10_blends`):

# %%
folder = DATA / "results" / "10_blends"
names = ["0", "0.25", "0.5", "0.75", "1", "transport"]
titles = [f"{1 - float(name):.0%} woodcut, {float(name):.0%} window" for name in names[:5]] + ["half way by transport"]
cats = [load(folder / f"{name}.jpg", None) for name in names]
show(cats, titles, columns=3, height=208,
     alt="The face of a cat six times: from ochre and black cuts on the top left to blue, violet and yellow panes of glass; "
     "between them, the fur is cut and the background is glass; the last has cuts with a few pale panes.")

# %% [markdown]
# Watch the background at the right. With a quarter of the window it has turned to glass, while the fur is still cut.
# With a half, the cheek follows, and only the forehead and the whiskers keep their cuts. So the mixture is really a
# mixture: one place is of the one kind, and another of the other kind. Probably the photo decides which, as cuts suit
# fur, and panes suit a plain background.
#
# What is the sixth? A mean of Gram matrices is not the only thing that lies between two styles. Think of a single
# feature that is 0 on average in one style and 4 in the other, each with a variance of 1. The Gram matrix of one
# feature is its mean square, so the two have 0² + 1 = 1 and 4² + 1 = 17, and half way between them is 9. With the
# mean of the means, 2, this is a variance of 9 − 2² = 5:

# %%
# NBVAL_CHECK_OUTPUT
generator = torch.Generator().manual_seed(0)
first = torch.randn(200000, generator=generator)
second = 4 + torch.randn(200000, generator=generator)
mixture = torch.cat([first, second])  # half of the places from each: the mean of the Gram matrices
between = (first.sort().values + second.sort().values) / 2  # every place half way: transport
for name, values in {"mixture": mixture, "half way by transport": between}.items():
    print(f"{name}: mean {values.mean():.1f}, variance {values.var():.1f}, mean square {values.square().mean():.1f}")

# %% [markdown]
# A **mixture**, with half of the places from each style and none in between, has the mean Gram matrix. It is not the
# only thing that has it: a single bell curve with the mean 2 and the variance 5 has a mean square of 9, too. What the
# optimiser makes of it is seen only in the picture, and our cat got some cuts and some panes. If you move every
# feature half way instead, along the transport that we met with the colours, the variance stays 1, and every place is
# *like* something between. For normal distributions, this takes the same map as for colours: the means are averaged,
# and the covariance is that of $\tfrac12 (I + M)$ applied to the first style. It is called the **Bures barycentre**.
# With 64 to 512 channels instead of 3, it made the sixth target, and its cat. As a Gram matrix it is close to a
# mixture with about 40% of the window, so compare it with the second cat as well as with the third. Its panes are
# paler than those of both, and more of the face is drawn in lines.
#
# ## A postcard
#
# You have all the parts now. The last exercise puts them together.
#
# **Exercise 4 · design** · ●●○ · 20 minutes. Make a postcard of your own town: sky, houses and river (or street, or
# park) after three painters. First you need three masks. Write `my_masks(photo)`, which returns three masks for your
# photo, or for ours. They have to cover each place once in all (soft borders may share), none may be smaller than a
# tenth of the picture, and each must keep at least 20 places *inside* at `relu4_1` in a photo of 512 pixels. The
# check counts places. Whether your sky is the sky, you have to see for yourself: `show([photo * mask for mask in
# my_masks(photo)])`.


# %% tags=["spec"]
import torch

from helpers.images import load
from helpers.masks import at_layer, polygon


def masks_fault(masks, photo):
    if not isinstance(masks, list | tuple) or len(masks) != 3:
        return "three masks were wanted"
    for number, mask in enumerate(masks, start=1):
        if tuple(mask.shape) != (1, 1, *photo.shape[2:]):
            return f"mask {number} has the shape {tuple(mask.shape)}, and the photo {tuple(photo.shape)}"
        if not mask.is_floating_point():
            return f"mask {number} is {mask.dtype}: a mask has floats from 0 to 1, so write mask.float()"
        if mask.min() < 0 or mask.max() > 1:
            return f"mask {number} has values outside 0 to 1"
        if mask.max() < 0.9:
            return f"mask {number} is nowhere fully on: its largest value is {mask.max():.2f}"
        if mask.mean() < 0.1:
            return f"mask {number} covers only {mask.mean():.1%} of the picture"
        if at_layer(mask, "relu4_1").sum() < 20:
            return f"mask {number} is too thin: hardly a place of relu4_1 lies inside"
    total = sum(masks)
    if (total - 1).abs().mean() > 0.01:
        return f"the three cover a place {total.min():.1f} to {total.max():.1f} times, and not once"
    return ""


# %% tags=["exercise"]
def my_masks(photo):
    """photo: (1, 3, H, W) -> three masks (1, 1, H, W): sky, houses, river."""
    # solution
    sky_corners = [(0, 0), (1, 0), (1, 0.25), (0.95, 0.24), (0.92, 0.27), (0.72, 0.3), (0.69, 0.34),
                   (0.67, 0.24), (0.656, 0.15), (0.642, 0.24), (0.625, 0.36),  # the tower
                   (0.58, 0.37), (0.55, 0.43), (0.47, 0.4), (0.4, 0.42), (0.25, 0.46), (0, 0.47)]
    river_corners = [(0, 0.73), (0.17, 0.755), (0.5, 0.81), (0.78, 0.945), (0.92, 1), (0, 1)]
    sky = polygon(sky_corners, photo)
    river = polygon(river_corners, photo) * (1 - sky)
    houses = 1 - sky - river
    return [sky, houses, river]


# %% tags=["check"]
from helpers.check import judge

judge(my_masks, masks_fault, load("tubingen_neckarfront", 512));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Draw two of the regions as polygons. The third one is what is left.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# If two polygons overlap, multiply the second by one minus the first. For a photo of your own, pass
# `load("my_town.jpg", 512)` in the cell with the check.
#
# </details>
#
# <!-- solution: my_masks -->
#
# Then paint it. These lines are all that it takes, after the imports of the cells above; without `size` and `steps`,
# they paint at 512 pixels with 150 evaluations, which takes some minutes. `keep` writes the picture so far into a
# file, and after an interruption the same call goes on from there:
#
# ```python
# photo = load("my_town.jpg", 1024)
# styles = [load(name, 1024) for name in ("starry_night", "klimt_the_kiss", "konen_ocean_waves")]
# styles[2] = matched_colour(styles[2], styles[0])  # the river in the colours of the sky
# controls = Controls(masks=my_masks(photo))
# postcard = paint("ours", photo, styles, fast(VGG()), controls=controls, keep="postcard.png").image
# ```
#
# Which painter gets the sky? In the picture at the top the sky is the loudest region, and the river got its colours
# with `matched_colour` before we painted. That is a good order to work in: choose the loudest style first, and let
# the others follow. Then look at the borders. If one style spills over into its neighbour, try `way="inside"`, and if
# a region stays flat, try `way="resized"`.
#
# All of this changed *where* and *how much* of the Gram matrix is used, and never asked whether the Gram matrix is
# the right measure of style. That is the question of the next notebook, 11.
#
# ## What to remember
#
# - A style's colours can be left out before, during or after the painting. Before: match the style to the photo.
#   During: paint luminance alone. After: put the photo's colours back.
# - Mean and covariance do not determine a map of colours. Take the transport: it moves colours least, and does not
#   depend on the order of the channels as Cholesky does.
# - A guided Gram matrix is a mean over the places that count. A mask of ones gives the plain one.
# - A mask that was only made smaller leaks, up to the radius of the receptive field. A mask inside does not leak, but
#   it gets thin in deep layers.
# - To mix style losses is to mix Gram matrices. If the errors are relative, the shares are not those that you asked
#   for: the style with the smaller numbers gets more.
#
# ## Three questions
#
# Answer each in your own words before you unfold it.
#
# 1. Your program matches colours by Cholesky, and a colleague's version of it gives other pictures from the same
#    files. Neither has a bug. What would you ask first?
#
# <details><summary>Answer</summary>
#
# In which order the channels are read. Files opened with OpenCV come as blue, green, red, and Cholesky treats the
# first channel differently from the last.
#
# </details>
#
# 2. You mask a thin river with `"inside"`, and it comes out with the right colours but without any waves. Why?
#
# <details><summary>Answer</summary>
#
# In `relu1_1` and `relu2_1` there are enough places that see only river, and these layers bring colours and grain. In
# the deep layers every place sees a bank, so none is left, and the large forms are missing. A larger photo or
# `"resized"` helps.
#
# </details>
#
# 3. You add the errors of two styles with equal weights, and the picture looks like the second style alone. All
#    errors are relative. What do you know about the second style?
#
# <details><summary>Answer</summary>
#
# Its Gram matrices are smaller than those of the first, by their norms. Mix the matrices first, and take one error.
#
# </details>
#
# ## On your own
#
# - Protect the face at `relu2_1` as well, with `recipe("ours", content={"relu4_2": 0.03, "relu2_1": 0.03})`. Does the
#   skin keep its colour?
# - Paint your sky after the upper half of *The Starry Night* alone. What does it lose?
# - Mix three styles. Is the mixture of three the same as mixing two, and then mixing the result with the third?
#
# **In practice.** Start with resized masks at 256 pixels, and change to masks inside when the picture is so large
# that every region keeps some places at `relu5_1`. Match the colours of your styles to each other before you give
# them to one picture.
#
# **Further reading.** [Gatys and others (2017)](https://arxiv.org/abs/1611.07865): place, colour and scale; the
# mixing, the transport and the protected face come from elsewhere.
# [Gatys, Bethge, Hertzmann and Shechtman (2016)](https://arxiv.org/abs/1606.05897): colours, short and clear.
# [Champandard (2016)](https://arxiv.org/abs/1603.01768): masks that somebody paints, for style and photo.
# [Luan, Paris, Shechtman and Bala (2017)](https://arxiv.org/abs/1703.07511): masks found by another network, for
# photos that stay photos. [Peyré and Cuturi, *Computational Optimal Transport*](https://arxiv.org/abs/1803.00567),
# section 2.6: transport between normal distributions.
#
# <!-- bottom -->
