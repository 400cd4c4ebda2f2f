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
# # Measure style with Gram matrices
#
# > **The question** How can a computer tell *how* a picture is painted, no matter *what* is on it?
# > **You will make** a map that sorts forty-one pictures by the way they are made, and the answer to which painting your
# > own photo resembles most.
# > **You need** to have seen feature maps ([notebook 01](01_inside_vgg19.ipynb)) and to know how rows and columns of two
# > matrices are multiplied. The letters of the formulas are in the table of [notation](00_start_here.ipynb#Notation).
# > **Time** about 85 minutes to read and run, and 60 minutes for the exercises; the computing in it takes about half a
# > minute on a laptop.

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Here are all the pictures of this series, photos, paintings and plain textures, and one painting that a computer made.
# A short program put each of them in its place. Nobody told it who painted what, and all it knows is one
# number for each pair of pictures. By the end of this notebook you will have written that program.

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "03_style_map.jpg", 720),
     alt="Forty-one small pictures spread over a white plane: woven patterns, mosaic, glass and ink at the "
     "left, blue waves and blue skies at the top, portraits, a cat and a stone wall at the right.")

# %% [markdown]
# Look for the row of old houses. It is there twice, once as a photo and once painted in the manner of *The Starry
# Night*, and the two are far apart. What did the program look at, if it was not the houses?

# %% tags=["settings"]
size = 192  # long side of the pictures that we compare, in pixels
large = 512  # long side of the few paintings that we look at closely

# %% [markdown]
# ## Which features fire together?
#
# Think of one star in *The Starry Night*. It is a warm yellow spot, and the strokes around it are blue. There is yellow
# in many pictures and blue in even more, so neither of the two tells you whose painting this is. But yellow that is
# *always* wrapped in blue is a habit, and you would recognise it in a painting that you have never seen. In this
# notebook a style is a collection of such habits, and we want to measure them.
#
# A network such as VGG19 looks at a picture through many **channels**. Each channel is a small detector that visits
# every place of the picture and writes down one number there. The number is zero where the channel does not find what
# it likes, and large where it does; then we say that the channel *fires*. All numbers of one channel are its **feature
# map**.
#
# Suppose that there are only two channels, and a picture of only four places. Each row below is a channel, and each
# column is a place.

# %%
import torch

F = torch.tensor([[1.0, 2.0, 0.0, 1.0],   # how much "yellow" there is at the four places   (C, N) = (2, 4)
                  [0.0, 3.0, 1.0, 2.0]])  # how much "blue around it" at the same places

# %% [markdown]
# To find out how much the two belong together, we multiply them at each place and then add up the four products. The
# product is large only where *both* are large, and one zero is enough to make it zero.
#
# **Your turn, before you run the next cell.** Work out the sum for the two rows in your head. Then do it once more for
# the first row and itself. What does that second sum measure?
#
# <details><summary>Compare</summary>
#
# The two rows give 1·0 + 2·3 + 0·1 + 1·2 = 8, and most of that comes from the second place. The first row with itself
# gives 1 + 4 + 0 + 1 = 6. A channel always agrees with itself, so this sum says how strongly it fires in the whole
# picture.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
print("place by place:", F[0] * F[1])
print(f"added up: {(F[0] * F[1]).sum():.1f}")
print(f"the first row with itself: {(F[0] * F[0]).sum():.1f}")

# %% [markdown]
# If we do this for every pair of channels, we get a square table of numbers. It is called the **Gram matrix**, and in
# the paper of
# [Gatys, Ecker and Bethge](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# (2016) it is equation 3:
#
# $$G_{ij} = \sum_{k=1}^{N} F_{ik} F_{jk}$$
#
# In words: choose two channels $i$ and $j$, walk over all $N$ places $k$, multiply what the two channels say there, and
# add up. The three loops below say the same in Python.


# %%
# NBVAL_CHECK_OUTPUT
def gram_loops(F):  # (C, N) -> (C, C)
    C, N = F.shape
    G = torch.zeros(C, C)
    for i in range(C):
        for j in range(C):
            for k in range(N):
                G[i, j] += F[i, k] * F[j, k]
    return G


print(gram_loops(F))

# %% [markdown]
# The 6 and the 8 are the sums that you worked out, and 14 is the second channel with itself. The 8 appears twice
# because multiplication is commutative.
#
# Three loops in Python are far too slow for a real picture. Luckily a row times a row, added up, is exactly what a
# matrix product computes for each of its entries, so the whole table is $F$ times its own transpose. We try it on the
# toy and on random numbers.

# %%
from helpers.check import close

random_features = torch.randn(5, 30, generator=torch.Generator().manual_seed(0))
close("toy", F @ F.T, gram_loops(F))
close("random numbers", random_features @ random_features.T, gram_loops(random_features))

# %% [markdown]
# One thing has to be settled before we try a real painting. A sum grows with the number of places, so a large picture
# gets larger numbers than a small one, even if both are painted in the same way. Here is a test with VGG19. We take a
# square piece of a mosaic, and then only the quarter in its middle. Both are made of the same stones. The layer is
# `relu3_1`, the middle one of the five that we will use, and we add up the diagonal, which is the strength of all its
# 256 channels together.

# %%
# NBVAL_CHECK_OUTPUT
from helpers.vgg import VGG

vgg = VGG()
mosaic = load("mosaic", size).to(vgg.device)  # (1, 3, 154, 192)
for piece in (mosaic[..., :128, :128], mosaic[..., 32:96, 32:96]):
    features = vgg(piece, ["relu3_1"])["relu3_1"][0].flatten(1)  # (256, N)
    total = (features @ features.T).trace().item()
    places = features.shape[1]
    print(f"{piece.shape[3]:3} px, {places:4} places: {total:11,.0f} in total, {total / places:,.0f} per place")

# %% [markdown]
# The smaller piece has a quarter of the places and about a quarter of the total. If we compared totals, the two would
# look like different styles. Per place they nearly agree. So from now on we divide by the number of places, $h$ times
# $w$ for a map of height $h$ and width $w$, and an entry of the matrix becomes an *average* product:
#
# $$G = \frac{F F^\top}{h\,w}$$
#
# All later notebooks import this function as `gram`. Let us write it once ourselves and compare.

# %%
from helpers.losses import gram


def gram_matrix(features):  # (1, C, h, w) -> (C, C)
    _, C, h, w = features.shape
    F = features.reshape(C, h * w)
    return F @ F.T / (h * w)  # departs from Gatys et al. (2016), eq. 3: an average, not a sum


some_features = random_features.reshape(1, 5, 5, 6)
close("Gram matrix of random features", gram_matrix(some_features), gram(some_features))

# %% [markdown]
# **Exercise 1 · predict** · ●○○ · 5 minutes. Per place, the toy has $G_{12} = 8 / 4 = 2$. What does $G_{12}$ become
# after each of these four changes? Work it out without running anything.
#
# - `"stronger"`: both channels fire three times as strongly, everywhere.
# - `"copied"`: the picture is laid next to a copy of itself, so that there are eight places.
# - `"padded"`: four empty places are added, where both channels are zero.
# - `"mirrored"`: the second row alone is read backwards, so it becomes 2, 1, 3, 0.


# %% tags=["spec", "folded"]
def prediction_spec():
    yellow = torch.tensor([1.0, 2.0, 0.0, 1.0])
    blue = torch.tensor([0.0, 3.0, 1.0, 2.0])
    nothing = torch.zeros(4)
    changed = {
        "stronger": (3 * yellow, 3 * blue),
        "copied": (torch.cat([yellow, yellow]), torch.cat([blue, blue])),
        "padded": (torch.cat([yellow, nothing]), torch.cat([blue, nothing])),
        "mirrored": (yellow, blue.flip(0)),
    }
    answers = {}
    for name, (first, second) in changed.items():
        answers[name] = (first * second).mean().item()
    return answers


# %% tags=["exercise"]
def my_prediction():
    """The entry G12, per place, after each change: a dict with four numbers."""
    # solution
    return {"stronger": 18, "copied": 2, "padded": 1, "mirrored": 1}


# %% tags=["check"]
from helpers.check import check

check(my_prediction, prediction_spec);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Each entry is a product of two channels, averaged. If both factors grow, by how much does the product grow? And which
# of the changes alter the sum, which the number of places, and which alter both?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A product of two factors that are three times as large is nine times as large. A copy doubles the sum and the number
# of places. Empty places double the number of places only. For the mirror, multiply the rows again.
#
# </details>
#
# <!-- solution: my_prediction -->
#
# **Exercise 2 · build** · ●○○ · 10 minutes. When you train on many pictures, their features arrive as one block
# $(B, C, h, w)$, with $B$ pictures in it. Return one Gram matrix for each of them, $(B, C, C)$, without any loop.


# %% tags=["spec"]
def grams_spec(features):
    B, C, h, w = features.shape
    G = torch.zeros(B, C, C)
    for b in range(B):
        for i in range(C):
            for j in range(C):
                G[b, i, j] = (features[b, i] * features[b, j]).sum() / (h * w)
    return G


# %% tags=["exercise"]
def my_grams(features):
    """Gram matrices of a batch: (B, C, h, w) -> (B, C, C), each divided by h w, without loops."""
    # solution
    F = features.flatten(2)
    return F @ F.transpose(1, 2) / F.shape[2]


# %% tags=["check"]
from helpers.check import check, each

check(my_grams, grams_spec, each((3, 4, 5, 2), (1, 2, 7, 3), (4, 1, 2, 2)), without=("loops",));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A place has two coordinates, and the formula has only one letter, $k$, for both. Bring the features into the shape
# $(B, C, N)$ first.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `@` multiplies the last two dimensions of a block and leaves those before alone. `.T` would turn all dimensions round,
# but [`transpose(1, 2)`](https://docs.pytorch.org/docs/stable/generated/torch.transpose.html) exchanges only these two.
#
# </details>
#
# <!-- solution: my_grams -->
#
# ## See a Gram matrix
#
# A Gram matrix of VGG19 has thousands of entries, and drawn as a picture it looks like a square of coloured dust. But
# each entry has a story that one can look at, so we will look at two of them first. We take *The Starry Night* at
# `relu3_1`, where each channel sees a patch of 24 × 24 pixels, enough for a few strokes.

# %%
night = load("starry_night", large)  # (1, 3, 410, 512)
maps = vgg(night.to(vgg.device), ["relu3_1"])["relu3_1"][0].cpu()  # (256, 102, 128)
G = gram(maps[None])  # (256, 256)
print("the painting", tuple(night.shape), "its maps", tuple(maps.shape), "their Gram matrix", tuple(G.shape))

# %% [markdown]
# To make a feature map visible, we use it as a lamp. Wherever the channel fires, the painting appears in its colours,
# and everywhere else it stays dark and grey. A lamp is fully on where its map is among its largest two per cent.

# %%
from torch.nn.functional import interpolate


def spotlight(image, lamp):  # (1, 3, H, W) and (h, w), from 0 for dark to 1 for lit -> (1, 3, H, W)
    lamp = interpolate(lamp.clamp(0, 1)[None, None], image.shape[2:], mode="bilinear")
    grey = image.mean(1, keepdim=True) / 4
    return lamp * image + (1 - lamp) * grey


def light_up(image, map_i, map_j):
    """The image lit by one map, by another, and by their product place by place."""
    full_i = map_i.quantile(0.98)
    full_j = map_j.quantile(0.98)
    product = map_i * map_j
    return [
        spotlight(image, map_i / full_i),
        spotlight(image, map_j / full_j),
        spotlight(image, product / (full_i * full_j)),
    ]


show([night, *light_up(night, maps[244], maps[139])],
     ["The Starry Night", "where channel 244 fires", "where channel 139 fires", "where their product is large"],
     columns=2, height=264,
     alt="The Starry Night four times: as it is; dark except for stars, moon and lit windows; dimly lit "
     "in stars, moon and blue sky; and dark again except for the stars, the moon and a few windows.")

# %% [markdown]
# Channel 244 finds yellow lights: the stars, the moon, the windows of the village, and a few bright strokes above the
# hills. Channel 139 likes these too, but it also fires in much of the blue around them. Their product keeps what both
# agree on: the lights of this painting, and a band of pale strokes above the hills. Here are the
# lights on which both channels agree, and because 139 also fires in the blue around them, this is a first hint of the
# habit of which we spoke.
#
# The entry of the Gram matrix is the average of that last picture, as one number.

# %%
# NBVAL_CHECK_OUTPUT
product = maps[244] * maps[139]  # (102, 128)
print(f"on average, channel 244 is {maps[244].mean():.2f} and channel 139 is {maps[139].mean():.2f}")
print(f"the average of their product: {product.mean():.2f}")
print(f"entry (244, 139) of the Gram matrix: {G[244, 139]:.2f}")

# %% [markdown]
# Now a second pair. Channel 100 fires at strokes that rise to the right, and channel 1 fires at strokes that fall to
# the right. The sky of this painting is full of both.
#
# **Your turn, before you run the next cell.** On average, channel 100 is about six times as active as the yellow lights
# were, and channel 1 is more active than channel 139, too. Will their entry be larger than 21.95? Give a reason.
#
# <details><summary>Compare</summary>
#
# It is much smaller, nearly zero. A stroke cannot rise and fall at the same place, so wherever one of the two channels
# fires, the other is silent. What counts in a Gram matrix is not only how much two channels fire, but whether they do
# it together.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
print(f"on average, channel 100 is {maps[100].mean():.1f} and channel 1 is {maps[1].mean():.1f}")
print(f"entry (100, 1) of the Gram matrix: {G[100, 1]:.2f}")

# %%
show(light_up(night, maps[100], maps[1]),
     ["strokes that rise: channel 100", "strokes that fall: channel 1", "their product"],
     alt="The Starry Night lit along strokes that rise to the right, from the foot of the swirl to the "
     "hills; lit along strokes that fall, across the swirl; and a third time almost entirely dark.")

# %% [markdown]
# The two lamps divide the sky between them, and where one of them is on, the other is off. So their product is dark
# from edge to edge.
#
# So an entry of a Gram matrix is a statement in numbers: *these two things occur at the same place, this much*. Let us
# read a hundred such statements at once. We choose ten channels that a person can interpret. To say what a channel
# likes, we need no words, because we can cut out the three pieces of the painting where its map is largest. (We stay
# away from the border, where the network sees the edge of the picture and takes it for a contour.)

# %%
channels = [244, 139, 21, 193, 237, 205, 100, 215, 128, 1]


def favourites(picture, feature_map, count=3, side=64):
    """The pieces of a picture around the places where a map is largest, side by side."""
    margin = 8
    stride = picture.shape[2] // feature_map.shape[0]  # pixels from one place to the next
    remaining = feature_map[margin:-margin, margin:-margin].clone()
    pieces = []
    for _ in range(count):
        row, column = divmod(remaining.argmax().item(), remaining.shape[1])
        top = (row + margin) * stride + stride // 2 - side // 2
        left = (column + margin) * stride + stride // 2 - side // 2
        piece = picture[..., top : top + side, left : left + side].clone()
        piece[..., -2:] = 1  # a white line between two pieces
        pieces.append(piece)
        remaining[max(row - 8, 0) : row + 9, max(column - 8, 0) : column + 9] = 0  # nothing twice
    return torch.cat(pieces, dim=3)  # (1, 3, side, count * side)


def look_closely(name):
    """The maps of our ten channels for one picture, (10, h, w), and what each of them likes best."""
    small = load(name, large).to(vgg.device)
    ten_maps = vgg(small, ["relu3_1"])["relu3_1"][0, channels].cpu()
    sharp = load(name, 2 * large)  # the same picture, twice as large, to cut sharp pieces from
    return ten_maps, [favourites(sharp, feature_map) for feature_map in ten_maps]


# %% [markdown]
# The next cell only draws. It makes a table of numbers, with small pictures at the head of each row and one at the head
# of each column.

# %%
import matplotlib.pyplot as plt
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.patches import Rectangle

from helpers.show import figure


def board(numbers, heads, norm, alt, labels=(), colours="magma", digits=0, frames=None):
    """A table of numbers (n, n) as coloured squares, with pictures (1, 3, side, k * side) as heads."""
    n = len(numbers)
    side = heads[0].shape[2]
    end = -0.6 - heads[0].shape[3] / side  # where the heads of the rows begin, in squares
    fig, axes = plt.subplots(figsize=(0.66 * (n - end), 0.66 * (n + 1.6)))
    squares = axes.imshow(numbers, norm=norm, cmap=colours)
    for i in range(n):
        head = heads[i][0].permute(1, 2, 0)
        axes.imshow(head, extent=(end, -0.6, i + 0.48, i - 0.48), aspect="auto")
        axes.imshow(head[:, :side], extent=(i - 0.48, i + 0.48, -0.6, -1.6), aspect="auto")
        for j in range(n):
            number = round(numbers[i, j].item(), digits) + 0.0  # no "-0"
            red, green, blue, _ = squares.to_rgba(number)
            ink = "black" if red + green + blue > 1.6 else "white"
            if number == number:  # not where the table is left empty (nan)
                axes.text(j, i, f"{number:.{digits}f}", ha="center", va="center", color=ink, fontsize=11)
    for i, label in enumerate(labels):
        axes.text(end - 0.1, i, label, ha="right", va="center", fontsize=11)
        axes.text(i, -1.65, label, ha="center", va="bottom", fontsize=11)
    for (i, j), colour in (frames or {}).items():
        axes.add_patch(Rectangle((j - 0.48, i - 0.48), 0.96, 0.96, fill=False, edgecolor=colour, linewidth=3))
    room = 0.8 if labels else 0  # for the labels, at the left and above
    axes.set(xlim=(end - room, n - 0.5), ylim=(n - 0.5, -1.6 - room / 2), aspect="equal")
    axes.axis("off")
    return figure(fig, alt=alt)


brightness = PowerNorm(0.5, vmin=0, vmax=300)  # by the square root, so that small numbers can be told apart

# %%
night_maps, night_pieces = look_closely("starry_night")
frames = {(0, 1): "cyan", (5, 6): "lime", (9, 6): "red"}
board(gram(night_maps[None]), night_pieces, brightness, labels=channels, frames=frames,
      alt="A table of ten by ten numbers with pieces of The Starry Night on both axes: yellow lights, dark "
      "outlines, strokes in five directions. Two bright blocks lie along the diagonal, with black between them.")

# %% [markdown]
# This is a Gram matrix that you can read. The first two channels like yellow lights, the third one likes dark outlines
# such as those of the houses, and the others like strokes: level ones (193 and 237), rising ones (205 and 100), upright
# ones (215), and falling ones (128 and 1). Find the three frames.
#
# - The **cyan** frame, 22, is our first pair, the lights with blue around them. Among these ten channels it is the largest
#   entry of its row after the diagonal, so the lights share more with this channel than with any kind of stroke.
# - The **green** frame, 118, joins two channels that both like rising strokes. With their neighbours they form a bright
#   block: rising strokes lie beside each other in bundles. There is a second such block at the lower right, for the
#   falling ones.
# - The **red** frame, 0, is our second pair. Where the rising strokes (205 and 100) meet the falling ones (128 and 1),
#   there are only 9, 6, 4 and 0, because no place belongs to a rising bundle and to a falling one.
#
# Does that describe *The Starry Night*, or would any picture look like this? We ask the same ten channels about a
# mosaic, and we keep the colours of the scale.
#
# **Your turn, before you run the next cell.** Which rows will become darker, and which one do you expect to shine?
#
# <details><summary>Compare</summary>
#
# The bundles of slanted strokes are gone, so the rows of 237, 205, 100, 128 and 1 become dark. A mosaic consists of
# dark joints between stones, so the row of the third channel, for dark outlines, shines. Yellow stones lie beside blue
# ones everywhere, and that makes the first two rows bright.
#
# </details>

# %%
from ipywidgets import Dropdown

from helpers.show import browse


def style_board(style):
    ten_maps, pieces = look_closely(style)
    return board(gram(ten_maps[None]), pieces, brightness, labels=channels,
                 alt=f"The same ten channels for the style {style}, with their favourite pieces of it on both "
                 f"axes, and ten by ten numbers in the same scale of colours as for The Starry Night.")


browse(style_board, style=Dropdown(options=["mosaic", "woodcut", "suminagashi", "hokusai_great_wave"]))

# %% [markdown]
# (The colours stop at 300, so everything above is equally light.) The third channel now has 2,672 on the diagonal, where *The Starry Night* had 37: its favourite thing, a dark joint
# between bright stones, is nearly everywhere. The upright strokes jumped from 25 to 299, since many joints are
# vertical. And the rising strokes, 239 in *The Starry Night*, have almost died out with 7. Even the pieces on the axes say
# so. Channel 100 finds nothing better in the whole mosaic than a slanted row of blue stones.
#
# In a live notebook you can choose another style from the list. Look at *suminagashi*, which is ink on water in shades
# of grey: the first row is black from end to end, because there is no yellow to be found.
#
# **Exercise 3 · make a picture** · ●○○ · 10 minutes. Choose a painting, and find two channels whose product lights up
# *one* thing and leaves the rest dark: only the foam of a wave, only the faces, only the gold. Change the three values
# and run the cell as often as you like. There are 256 channels, so try some that are not in our list.

# %%
my_style = "klimt_the_kiss"
first_channel, second_channel = 150, 244

from helpers.images import manifest

my_painting = load(my_style, large)
my_maps = vgg(my_painting.to(vgg.device), ["relu3_1"])["relu3_1"][0].cpu()
show([my_painting, *light_up(my_painting, my_maps[first_channel], my_maps[second_channel])[2:]],
     [manifest()[my_style]["title"], f"where {first_channel} and {second_channel} fire together"], height=256,
     alt=f"A painting, {my_style}, and the same painting dark except where two channels fire together.")

# %% [markdown]
# <details><summary>What to look for</summary>
#
# A good pair consists of two channels that agree on one thing and on nothing else. If the product is dark everywhere,
# the two exclude each other, as rising and falling strokes do. If it looks like one of the two maps, the other one
# fires nearly everywhere and adds nothing. To find candidates, print `my_maps[:, row, column].topk(5)` for a place on
# the thing that you want: it lists the channels that fire there most. One row of `my_maps` stands for four rows of
# pixels.
#
# </details>
#
# ## Forget where
#
# Have another look at the formula. On its right-hand side we walk over all places $k$, but on its left-hand side there
# is no $k$ any more. The Gram matrix knows that yellow and blue met, and it does not know where. This can be said as a
# theorem with a proof of one line. Let $\pi$ be any new order of the places, and move *all* channels in the same way.
# Then
#
# $$G'_{ij} = \sum_k F_{i\,\pi(k)}\, F_{j\,\pi(k)} = \sum_k F_{ik} F_{jk} = G_{ij}.$$
#
# In words: a new order visits each place exactly once, so we add up the same products in another order, and a sum does
# not depend on the order of its terms.
#
# Four places can be put in 24 orders. So we can try all of them on the toy and collect the values that $G_{12}$ takes.
# For comparison, we also shuffle the second channel *alone*.
#
# **Your turn, before you run the next cell.** How many different values will you see when both rows move together?
#
# <details><summary>Compare</summary>
#
# A single one, 8, by the proof above. When only the second row moves, other partners meet, and the sum changes with
# them.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
from itertools import permutations

both_moved = set()
one_moved = set()
for order in permutations(range(4)):
    both_moved.add((F[0, order] * F[1, order]).sum().item())
    one_moved.add((F[0] * F[1, order]).sum().item())
print("both rows in a new order:", sorted(both_moved))
print("only the second row in a new order:", sorted(one_moved))

# %% [markdown]
# Together, the rows give 8 in every order. If only one of them moves, the sum takes six different values between 3 and
# 9. So the Gram matrix forgets the places themselves, but it remembers who was at the same place as whom.
#
# The proof holds for any number of channels and places. Here is *The Starry Night* again, with the places of all its
# maps in random order.

# %%
in_order = maps.flatten(1).double()  # (256, 13056), in float64 so that rounding stays out of sight
N = in_order.shape[1]
out_of_order = in_order[:, torch.randperm(N, generator=torch.Generator().manual_seed(0))]
close("Gram matrix of the shuffled maps", out_of_order @ out_of_order.T / N, in_order @ in_order.T / N)

# %% [markdown]
# Thirteen thousand places have been thrown into disorder, and still the matrix is the same up to rounding. This answers
# the question at the top of the page. In this series we read **style** from this matrix: it says what occurs together,
# on average over all places, and it has forgotten every *where*.
#
# That was a shuffle of the *features*, and you could not look at the result. What happens if you shuffle the *picture*?
# A single pixel knows its own colour and nothing else, while a feature has seen its neighbours. So it should matter how
# large the pieces are. We cut the painting into square tiles and shuffle those.


# %%
def shuffle_tiles(image, tile):  # height and width must be multiples of tile
    _, colours, height, width = image.shape
    rows = height // tile
    columns = width // tile
    tiles = image.reshape(colours, rows, tile, columns, tile).permute(1, 3, 0, 2, 4)
    tiles = tiles.flatten(0, 1)  # (rows * columns, 3, tile, tile)
    tiles = tiles[torch.randperm(len(tiles), generator=torch.Generator().manual_seed(0))]
    tiles = tiles.reshape(rows, columns, colours, tile, tile).permute(2, 0, 3, 1, 4)
    return tiles.reshape(1, colours, height, width)


original = load("starry_night", 256)[..., :192, :].to(vgg.device)  # (1, 3, 192, 256)
shuffled = {tile: shuffle_tiles(original, tile) for tile in (1, 4, 16, 32, 64)}
show([original, shuffled[64], shuffled[16], shuffled[1]],
     ["The Starry Night", "tiles of 64 pixels", "tiles of 16 pixels", "single pixels"],
     columns=2, height=196,
     alt="The Starry Night, and the same pixels shuffled in tiles of 64, 16 and 1 pixels: twelve pieces with the moon "
     "at the lower left, a patchwork of brush strokes, and an even, blue confetti.")

# %% [markdown]
# All four pictures consist of the same pixels. In the second one you would still name the painter at once, and the last
# one has lost every stroke and looks like blue confetti. Somewhere in between, the style gets lost. To say where, we
# need a number.
#
# ## How far apart are two styles?
#
# Let $G$ be the Gram matrix of one picture and $A$ that of another, at the same layer. Their difference alone does not
# say much, because each layer has numbers of another size. So we compare its size with the sizes of the two matrices
# themselves:
#
# $$d = \frac{\lVert G - A \rVert^2}{\lVert G \rVert^2 + \lVert A \rVert^2}$$
#
# The bars mean the square root of the sum of all squared entries. If the two are equal, $d$ is 0. The entries of both
# are never negative, so $d$ is at most 1, and it reaches 1 only if wherever one of the two is not zero, the other one
# is. The numerator is squared. For two matrices of one size, $d = 0.01$ means that their difference is
# $\sqrt{2 \cdot 0.01}$ times that size, about a seventh.
#
# Why do we divide by *both* sizes? [Notebook 02](02_content_from_features.ipynb) divides by the size of the target
# alone, and so will notebook 04, because there one of the two is the goal. Here we want to ask how far a cat is from
# *The Starry Night*, and neither of the two is the goal. Watch what the other formula would do.

# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import relative_error

style_layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def grams(image):
    """The five Gram matrices of an image, by layer."""
    features = vgg(image.to(vgg.device), style_layers)
    return {name: gram(features[name]) for name in style_layers}


def distance(a, b):  # two tensors of one shape -> a number from 0 to 1
    return ((a - b).square().sum() / (a.square().sum() + b.square().sum())).item()


def style_distance(grams_a, grams_b):
    """The mean distance of two pictures' Gram matrices over the five layers."""
    return sum(distance(grams_a[name], grams_b[name]) for name in style_layers) / len(style_layers)


def one_way(grams_a, grams_b):
    return sum(relative_error(grams_a[name], grams_b[name]).item() for name in style_layers) / len(style_layers)


cat_grams = grams(load("chelsea", size))
night_grams = grams(load("starry_night", size))
print(f"divided by one size: from the cat to The Starry Night {one_way(cat_grams, night_grams):.2f}, "
      f"and back {one_way(night_grams, cat_grams):.2f}")
print(f"divided by both:     from the cat to The Starry Night {style_distance(cat_grams, night_grams):.2f}, "
      f"and back {style_distance(night_grams, cat_grams):.2f}")

# %% [markdown]
# Divided by one size, the way back is five times as long as the way there, because the numbers in the Gram matrices of
# the cat are much smaller. Divided by both, there and back are equally far, and that is what a distance has to do. For
# the style of a whole picture we take the mean of $d$ over the five layers from which the paper reads style.
#
# Now we can say how far the shuffled paintings are from the original. A single number means little on its own,
# so we measure the other pictures of the series as well, and one that a computer painted: the houses of Tübingen after
# *The Starry Night*, from [notebook 00](00_start_here.ipynb). We will call it the computer's painting.

# %%
from helpers.images import names

files = {name: name for name in names()}
files["computer's painting"] = DATA / "results" / "first_painting.jpg"
pictures = {name: load(file, size) for name, file in files.items()}
all_grams = {name: grams(picture) for name, picture in pictures.items()}
original_grams = grams(original)
print(f"{len(pictures)} pictures, {sum(G.numel() for G in original_grams.values()):,} numbers for each")

# %% [markdown]
# **Your turn, before you run the next cell.** It draws a ruler. At its left end, at 0, is *The Starry Night*. Where on
# the ruler will the confetti be, compared with a picture of some other thing by some other painter?
#
# <details><summary>Compare</summary>
#
# It is at 0.37, as far away as Seurat's park. Shuffling keeps every colour, and replaces the strokes by the finest grain
# there is. So the right colours are not enough. And yet some
# pictures are farther still, because they have neither the strokes nor the colours.
#
# </details>


# %%
def square(image, side):
    """The middle square of an image (1, 3, H, W), resized -> (1, 3, side, side)."""
    shorter = min(image.shape[2:])
    top = (image.shape[2] - shorter) // 2
    left = (image.shape[3] - shorter) // 2
    middle = image[..., top : top + shorter, left : left + shorter]
    return interpolate(middle, (side, side), mode="bilinear", antialias=True)


def ruler(above, below, alt):
    """Pictures on both sides of a ruler; above and below are lists of (distance, picture)."""
    fig, axes = plt.subplots(figsize=(10.4, 6.9))
    for side, marks in ((1, above), (-1, below)):
        for number, (far, picture) in enumerate(sorted(marks, key=lambda mark: mark[0])):
            height = side * (1.0 + 1.3 * (number % 2))  # near and far in turn, so that nothing overlaps
            x = 12 * far
            axes.plot([x, x], [0, height], color="grey", zorder=0)
            thumbnail = square(picture.cpu(), 96)[0].permute(1, 2, 0)
            axes.imshow(thumbnail, extent=(x - 0.52, x + 0.52, height - 0.52, height + 0.52))
            axes.text(x, height + 0.65 * side, f"{far:.2f}", ha="center", va="center", fontsize=11)
    axes.plot([0, 8.2], [0, 0], color="black", linewidth=3)
    for tenth in range(7):
        axes.plot([1.2 * tenth, 1.2 * tenth], [-0.1, 0.1], color="black", linewidth=3)
        axes.text(1.2 * tenth + 0.06, 0.12, f"0.{tenth}" if tenth else "", fontsize=9)
    axes.text(-0.25, 0, "0", ha="center", va="center", fontsize=14)
    axes.set(xlim=(-0.4, 8.5), ylim=(-3.1, 3.1))
    axes.axis("off")
    return figure(fig, alt=alt)


some = ["computer's painting", "vangogh_wheat_field_cypresses", "roman_colosseum", "seurat_grande_jatte", "mosaic",
        "mondrian_tableau_no2", "girl_with_a_pearl_earring", "chelsea", "stained_glass"]
above = [(style_distance(grams(image), original_grams), image) for image in shuffled.values()]
below = [(style_distance(all_grams[name], original_grams), pictures[name]) for name in some]
ruler(above, below,
      alt="A ruler of style distances from The Starry Night. Above it the shuffled copies: large tiles at 0.03, "
      "smaller ones at 0.07 and 0.15, tiny ones at 0.32, confetti at 0.37. Below it other pictures, from a "
      "painting of Tübingen at 0.05 to stained glass at 0.65.")

# %% [markdown]
# Each mark on the ruler is a tenth. Above it are the shuffled copies, and below it some pictures that are really there.
#
# With tiles of 64 pixels *The Starry Night* has hardly moved, 0.03, although its moon now lies in the bottom corner. With 16
# pixels, which is room for a few strokes, it is at 0.15, and of the pictures below the ruler only the computer's
# painting, at 0.05, is nearer. With single pixels it is at 0.37. Every pixel has the right colour, and yet the network
# finds it no closer to Van Gogh than a park by Seurat. A photo of the Colosseum is closer than that. So a style is more
# than a palette.
#
# The mean of five layers hides a good part of the story, so let us take it apart.

# %%
# NBVAL_CHECK_OUTPUT
rows = {
    "confetti": grams(shuffled[1]),
    "tiles of 16 px": grams(shuffled[16]),
    "computer's painting": all_grams["computer's painting"],
    "Seurat": all_grams["seurat_grande_jatte"],
    "the cat": all_grams["chelsea"],
}
print(" " * 19, *style_layers, sep="  ")
for name, its_grams in rows.items():
    numbers = [distance(its_grams[layer], original_grams[layer]) for layer in style_layers]
    print(f"{name:19}", *[f"{number:7.2f}" for number in numbers], sep="  ")

# %% [markdown]
# Read the rows from left to right, from tiny features to large ones. The confetti is fine at `relu1_1`, whose channels
# see 3 × 3 pixels and look mostly at colour. At `relu5_1` it has its largest distance, 0.77, because
# its channels see 156 pixels and react to large forms such as a swirl, and there are none. Tiles of 16 pixels are nearly right
# up to `relu3_1`, which sees 24 pixels. The cat is the other way round. Its colours and its brightness are wrong, so it fails at `relu1_1`
# already. Each layer keeps the style at its own size, and this is why the paper takes five of them.
#
# ### Why content has another scale
#
# Notebook 02 measures *content* at `relu4_2`, feature by feature and place by place. We can put features into the same
# formula $d$. How far are our shuffled pictures in content?

# %%
# NBVAL_CHECK_OUTPUT
original_content = vgg(original, ["relu4_2"])["relu4_2"]  # (1, 512, 24, 32)
for tile, image in shuffled.items():
    content = vgg(image, ["relu4_2"])["relu4_2"]
    print(f"tiles of {tile:2} px: style {style_distance(grams(image), original_grams):.2f}, "
          f"content {distance(content, original_content):.2f}")

# %% [markdown]
# Style comes back as the tiles grow, but content stays at 0.6, whatever their size. That makes sense, since hardly
# anything is where it was. But if the places are wrong, why is it 0.6, and not 1?
#
# The reason is the ReLU. Features after it are never negative, so $d$ would be 1 only if no channel fired in both
# pictures at the same place. But two unrelated pictures agree by accident. Wherever a channel happens to fire in both,
# there is a positive product, and there are no negative products to cancel it. We can compute how much that is worth.
# Multiply out the square:
#
# $$d = \frac{\lVert F - P \rVert^2}{\lVert F \rVert^2 + \lVert P \rVert^2} = 1 - \frac{2 \sum_{ik} F_{ik} P_{ik}}{\lVert F \rVert^2 + \lVert P \rVert^2}$$
#
# If the places of $F$ and $P$ have nothing to do with each other, then the average product of channel $i$ is just its
# mean in $F$ times its mean in $P$. For a picture and its own shuffled features, both means are the same number
# $\mu_i$. This gives
#
# $$d \approx 1 - \frac{\sum_i \mu_i^2}{\sum_i \text{mean of } F_{ik}^2 \text{ over } k}.$$
#
# So we predict the distance from the means alone, and then we really shuffle the features.

# %%
# NBVAL_CHECK_OUTPUT
P = original_content[0].flatten(1)  # (512, 768)
share = P.mean(1).square().sum() / P.square().mean(1).sum()
order = torch.randperm(P.shape[1], generator=torch.Generator().manual_seed(0)).to(P.device)
print(f"share of the means: {share:.2f}, so we predict a distance of {1 - share:.2f}")
print(f"the features in random order are at {distance(P[:, order], P):.2f}")

inner = original_content[..., 2:-2, 2:-2]  # without two rows of places at each side
for tile in (1, 16, 64):
    inner_content = vgg(shuffled[tile], ["relu4_2"])["relu4_2"][..., 2:-2, 2:-2]
    print(f"tiles of {tile:2} px, without the border: {distance(inner_content, inner):.2f}")

# %% [markdown]
# Nearly a third of the squared features belongs to their means, and shuffling cannot take it away. What remains is a
# distance of about 0.7, and this is what "nothing is where it was" looks like in content.
#
# Why were the tiles at 0.6, and not at 0.7? One thing *is* where it was, and that is the border. At the edge of every
# picture the network sees the frame of zeros around it, and it reacts to this frame in the same way in all pictures. Cut two rows
# of places off at each side, as in the last three lines, and the tiles are about as far away as predicted. Keep this in mind for the
# tables below: 0.6 to 0.7 is what unrelated pictures usually have in content, while their distance in style can be
# nearly anything.
#
# **Exercise 4 · diagnose** · ●●○ · 25 minutes. Three people have written a Gram function. None of them raises an error,
# and each is wrong in one way. Read them, find the mistakes, and prove it: for each of the three, give features
# $(1, C, h, w)$ for which *only this one* is wrong, while the other two still agree with `gram`.


# %% tags=["spec"]
def gram_by_anna(features):
    _, C, h, w = features.shape
    F = features.permute(0, 2, 3, 1).reshape(C, h * w)
    return F @ F.T / (h * w)


def gram_by_ben(features):
    _, C, h, w = features.shape
    F = features.reshape(C, h * w)
    return F @ F.T / (h * h)


def gram_by_chloe(features):
    _, C, h, w = features.shape
    F = features.reshape(C, h * w)
    F = F - F.mean(1, keepdim=True)
    return F @ F.T / (h * w)


def fault_of_tests(tests):
    from helpers.losses import gram

    people = {"anna": gram_by_anna, "ben": gram_by_ben, "chloe": gram_by_chloe}
    if set(tests) != set(people):
        return "give features for anna, ben and chloe."
    for blamed, features in tests.items():
        if features.ndim != 4 or features.shape[0] != 1:
            return f"the features for {blamed} have shape {tuple(features.shape)}, not (1, C, h, w)."
        features = features.float()
        for name, function in people.items():
            is_wrong = not torch.allclose(function(features), gram(features), atol=1e-3)
            if name == blamed and not is_wrong:
                return f"on your features for {blamed}, gram_by_{name} gives the right answer."
            if name != blamed and is_wrong:
                return f"on your features for {blamed}, gram_by_{name} is wrong as well."
    return ""


# %% tags=["exercise"]
def my_tests():
    """Features (1, C, h, w) for each of "anna", "ben" and "chloe" that show this person's mistake only."""
    # solution
    mixed = torch.tensor([[1.0, -1.0, 1.0, -1.0], [2.0, -2.0, -2.0, 2.0]])
    return {
        "anna": mixed.reshape(1, 2, 2, 2),  # two channels; as many rows as columns; means of zero
        "ben": torch.tensor([1.0, -1.0]).reshape(1, 1, 1, 2),  # one channel, a mean of zero, not square
        "chloe": torch.ones(1, 1, 2, 2),  # one channel, square, and a mean that is not zero
    }


# %% tags=["check"]
from helpers.check import judge

judge(my_tests, fault_of_tests);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Ask each function for which features its mistake makes no difference. Ben's, for example, cannot be seen on a square
# map. Chloe subtracts something: when is that something zero? And how many channels does Anna need to mix anything up?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Anna's `permute` puts the channels last, and her `reshape` then cuts the numbers as if they were still first; with a
# single channel there is nothing to mix. So a test for Ben or Chloe has one channel. A test for Anna or Chloe is
# square. And in a test for Anna or Ben, every channel has a mean of zero, which needs negative numbers.
#
# </details>
#
# <!-- solution: my_tests -->
#
# ## What an entry is made of
#
# There is something that we have not asked yet. Channel 100 and channel 237 have an entry of 88. Is that much? Both
# fire often, so they would meet now and then even if they knew nothing of each other, like two people who both spend
# their days in the same café. How much of the 88 is more than that?
#
# Statistics has an answer. Let $\mu_i$ be the mean of channel $i$. If two channels fire independently of each other,
# their average product is $\mu_i \mu_j$. What they have above or below that is their **covariance** $\Sigma_{ij}$,
# which one computes by subtracting the means first.


# %%
def means(features):  # (1, C, h, w) -> (C,)
    return features[0].flatten(1).mean(1)


def covariance(features):  # (1, C, h, w) -> (C, C)
    F = features[0].flatten(1)
    F = F - F.mean(1, keepdim=True)
    return F @ F.T / F.shape[1]


# %% [markdown]
# Here are three toys of two channels and four places: channels that fire together, channels that take turns, and
# channels that fire together on a background of 1.
#
# **Your turn, before you run the next cell.** Which two of the three look the same to the means, and which two to the
# covariance?
#
# <details><summary>Compare</summary>
#
# *Together* and *in turns* have the same means, because a mean does not know who fired when. *Together* and *lifted*
# have the same covariance, because a constant does not vary. The Gram matrix tells all three apart.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
together = torch.tensor([[1.0, 0.0, 1.0, 0.0], [2.0, 0.0, 2.0, 0.0]]).reshape(1, 2, 2, 2)
in_turns = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 2.0]]).reshape(1, 2, 2, 2)
lifted = together + 1
for name, toy in {"together": together, "in turns": in_turns, "lifted": lifted}.items():
    print(f"{name:9} means {means(toy).tolist()}  Gram {gram(toy).tolist()}  covariance {covariance(toy).tolist()}")

# %% [markdown]
# The Gram matrix can tell all three apart because it contains both:
#
# $$G = \Sigma + \mu\,\mu^\top$$
#
# In words: an average product is the part that two channels share by design, plus the part that they would share by
# accident. The reason is short. Write each feature as the mean of its channel plus a rest. The rests add up to zero, so
# the products of a mean with a rest vanish, and what stays is rest times rest, which is $\Sigma$, and mean times mean.
# First we check it for all pairs of the 256 channels of *The Starry Night*, and then we look at three of them.

# %%
mu = means(maps[None])  # (256,)
Sigma = covariance(maps[None])  # (256, 256)
close("covariance + products of means", Sigma + torch.outer(mu, mu), G)

# %%
# NBVAL_CHECK_OUTPUT
for i, j in ((244, 139), (100, 237), (100, 1)):
    print(f"channels {i} and {j:3}: G {G[i, j]:.1f} = covariance {Sigma[i, j]:.1f} + means {mu[i] * mu[j]:.1f}")

# %% [markdown]
# So 69 of the 88 are accident, and only 19 are a habit. For the yellow lights it is the other way round. Two
# independent channels with these means would have an entry of 6.8, and they have 21.9, more than three times as much.
# The rising and the falling strokes would have 59.8 if they knew nothing of each other. Their covariance is −59.7,
# which takes all of it away again, so they avoid each other as completely as two channels can.
#
# Here is the covariance of our ten channels. Red means *together more than by accident*, blue means *less*, and white
# is what independent channels would have.

# %%
first_pieces = [pieces[..., :64] for pieces in night_pieces]
board(covariance(night_maps[None]), first_pieces, Normalize(-70, 70), labels=channels, colours="RdBu_r",
      alt="The covariance of the ten channels of The Starry Night: red blocks for rising strokes and for falling "
      "strokes along the diagonal, a deep blue block where the two meet, and nearly white rows for lights and outlines.")

# %% [markdown]
# The picture has become much tidier. The strokes fall into two families, red within the family and blue between them,
# and the first two rows are white except for each other. So the lights of *The Starry Night* have no favourite
# direction of strokes. That fits a painting in which the strokes run in circles around each star.
#
# If the covariance is so tidy, should we use it instead of the Gram matrix? We ask the shuffled paintings, at
# `relu4_1`, which sees 68 pixels.

# %%
# NBVAL_CHECK_OUTPUT
original_features = vgg(original, ["relu4_1"])["relu4_1"]  # (1, 512, 24, 32)
for tile in (16, 32, 64):
    features = vgg(shuffled[tile], ["relu4_1"])["relu4_1"]
    print(f"tiles of {tile} px:  means {distance(means(features), means(original_features)):.3f}"
          f"  Gram {distance(gram(features), gram(original_features)):.3f}"
          f"  covariance {distance(covariance(features), covariance(original_features)):.3f}")

# %% [markdown]
# At 16 pixels, where many strokes are cut, the three give 0.075, 0.156 and 0.268. At 64 pixels only the long curves are
# cut. The means hardly notice, 0.005, and the covariance has 0.074, six times as much as the Gram matrix. So the
# covariance is the most sensitive of the three to *how things are arranged*, the means are the least, and the Gram
# matrix, as the sum of both, is in between. (A part of this is arithmetic: the means are not squared, and the covariance
# has a smaller norm to be compared with.) None of them is the only right one:
# [Li and others](https://arxiv.org/abs/1701.01036) (2017) paint with means and deviations, for example. The paper takes
# the Gram matrix, and so do we.
#
# **Exercise 5 · design** · ●●○ · 10 minutes. A Gram matrix contains the means, but can you get them back out of it?
# Design two pictures with one channel and four places each, with no negative number, that have *the same* Gram matrix
# and means that differ by at least a fifth of the larger one. Such pairs are one reason why textures made from Gram matrices can come out
# blotchy, as [Risser, Wilmot and Barnes](https://arxiv.org/abs/1701.08893) (2017) found.


# %% tags=["spec"]
def fault_of_pair(pair):
    from helpers.losses import gram

    if len(pair) != 2:
        return "return two tensors."
    first, second = (torch.as_tensor(values).float() for values in pair)
    if first.numel() != 4 or second.numel() != 4:
        return "each picture has one channel and four places, so four numbers."
    if not (first.isfinite().all() and second.isfinite().all()):
        return "all numbers must be finite."
    if min(first.min(), second.min()) < 0:
        return "there is a negative number, which a ReLU would not let through."
    G_first = gram(first.reshape(1, 1, 2, 2)).item()
    G_second = gram(second.reshape(1, 1, 2, 2)).item()
    if abs(G_first - G_second) > 1e-5 * max(G_first, G_second):
        return f"the Gram matrices are {G_first:.3f} and {G_second:.3f}, and they should be equal."
    if abs(first.mean() - second.mean()) < 0.2 * max(first.mean(), second.mean()):
        return f"the means are {first.mean():.3f} and {second.mean():.3f}, which is too close."
    return ""


# %% tags=["exercise"]
def my_pair():
    """Two tensors of four numbers each: the same Gram matrix, but different means."""
    # solution
    even = torch.tensor([1.0, 1.0, 1.0, 1.0])  # mean 1, mean of squares 1
    blotchy = torch.tensor([2.0, 0.0, 0.0, 0.0])  # mean 0.5, mean of squares 1
    return even, blotchy


# %% tags=["check"]
from helpers.check import judge

judge(my_pair, fault_of_pair);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# With one channel, the Gram matrix is a single number, the mean of the squares. Start with four equal numbers, and then
# make one of them larger.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# $G = \Sigma + \mu^2$, and $\Sigma$ is now the variance, which says how uneven the numbers are. If the mean goes down,
# the variance has to go up by as much as $\mu^2$ lost.
#
# </details>
#
# <!-- solution: my_pair -->
#
# ## A map of forty-one pictures
#
# We have a distance, and we have forty-one pictures, so let us compare every picture with every other one. For style we
# have all that we need. For content we compare place with place, so all pictures must have one shape, and we take the
# middle square of each.

# %%
labels = list(pictures)
contents = {name: vgg(square(picture, 128).to(vgg.device), ["relu4_2"])["relu4_2"] for name, picture in pictures.items()}
style_table = torch.zeros(len(labels), len(labels))  # (41, 41)
content_table = torch.zeros(len(labels), len(labels))
for i, a in enumerate(labels):
    for j, b in enumerate(labels[:i]):
        style_table[i, j] = style_table[j, i] = style_distance(all_grams[a], all_grams[b])
        content_table[i, j] = content_table[j, i] = distance(contents[a], contents[b])

# %% [markdown]
# That is 820 pairs. Which of them are closest in style? Two of our forty-one pictures are woven patterns by William
# Morris, two are landscapes that Van Gogh painted in 1889, and one was made by a computer after one of these two.
#
# **Your turn, before you run the next cell.** Put three pairs in order, the closest one first: the two patterns by Morris; the
# two landscapes by Van Gogh; the computer's painting and its model.
#
# <details><summary>Compare</summary>
#
# The computer's painting and *The Starry Night* come first, and the two patterns by Morris second. That is no surprise,
# because a computer that paints makes nearly this very number as small as it can, and William Morris never tried to.
# The two Van Goghs come only in seventh place.
#
# </details>

# %%
pairs = []
for i in range(len(labels)):
    for j in range(i):
        pairs.append((style_table[i, j].item(), i, j))
closest = sorted(pairs)[:9]
couples = []
for _, i, j in closest:
    couples.append(torch.cat([square(pictures[labels[i]], 160), square(pictures[labels[j]], 160)], dim=3))
show(couples, [f"{far:.2f}" for far, _, _ in closest], columns=3, height=96,
     alt="Nine pairs of pictures, closest first: Starry Night with the painting made after it, two Morris patterns, "
     "buds with spices, buds with petals, Klimt with Seurat, a coffee cup with an astronaut, two Van Goghs, and others.")

# %% [markdown]
# Some of these pairs are what a person would choose: Morris with Morris, heaps of small things with heaps of small
# things, and Van Gogh with Van Gogh, although the network knows nothing of painters. Others are a warning. The coffee
# cup and the astronaut have nothing to do with each other, except for orange, white and black with sharp, smooth edges
# between them. A style distance measures habits of colour and form. It is not an art historian.
#
# For ten of the pictures we look at all distances in one table. Above its diagonal are the distances in *style*, and
# below the diagonal those in *content*. A bright square means a close pair.
#
# **Your turn, before you run the next cell.** In style, the computer's painting is closest to *The Starry Night*. Which
# picture will be closest to it in content, and about how large will most of the other numbers below the diagonal be?
#
# <details><summary>Compare</summary>
#
# The photo of Tübingen, because the same houses stand in the same places. Most other numbers lie around 0.7, which is
# what unrelated features have, as you computed above.
#
# </details>

# %%
ten = ["tubingen_neckarfront", "computer's painting", "starry_night", "vangogh_wheat_field_cypresses", "mosaic",
       "stained_glass", "morris_holland_park_carpet", "morris_peacock_and_dragon", "suminagashi", "chelsea"]
chosen = [labels.index(name) for name in ten]
heads = [square(pictures[name], 96) for name in ten]
both = style_table[chosen][:, chosen].triu() + content_table[chosen][:, chosen].tril()
both.fill_diagonal_(torch.nan)
board(both, heads, Normalize(0, 0.9), colours="magma_r", digits=2,
      alt="A table of distances between ten pictures, with thumbnails on its axes. Style, above the diagonal, has "
      "all shades; content, below it, is an even dark violet with one brighter square, where the photo of Tübingen "
      "meets the painting.")

# %% [markdown]
# Above the diagonal there are all shades. The brightest square, 0.06, joins *The Starry Night* with the computer's
# painting, the two Morris patterns follow with 0.18, and the cat and the stained glass are farthest apart,
# 0.89. Below the diagonal nearly everything is one dark violet, except for the photo of Tübingen and the computer's painting.
# Does this hold for all 820 pairs?

# %%
# NBVAL_CHECK_OUTPUT
off_diagonal = torch.ones(len(labels), len(labels)).triu(1).bool()
for what, table in {"style": style_table, "content": content_table}.items():
    distances = table[off_diagonal]
    print(f"all {len(distances)} pairs in {what}: from {distances.min():.2f} to {distances.max():.2f}, "
          f"half of them between {distances.quantile(0.25):.2f} and {distances.quantile(0.75):.2f}")
    row = table[labels.index("computer's painting")]
    nearest, second = row.argsort()[1:3].tolist()
    print(f"    nearest to the computer's painting: {labels[nearest]} at {row[nearest]:.2f}, "
          f"then {labels[second]} at {row[second]:.2f}")

# %% [markdown]
# It does. Styles are spread over the whole scale, while half of all contents crowd between 0.63 and 0.71. And the
# computer's painting has one close relative on each side. In style it is *The Starry Night*, and in content the photo. That is
# what style transfer promises, and here it stands as two numbers, 0.06 and 0.37.
#
# Now the map. We look for a place in the plane for each of the forty-one pictures, so that pictures at a small style
# distance lie close together. [Classical scaling](https://doi.org/10.1007/BF02288916) (Torgerson 1952) does it in a few
# lines, with our $d$, which is made of squares, in the role of a squared distance. It asks along which directions the
# pictures differ most (these directions are the *eigenvectors* of a matrix made from the table) and uses the first two
# as axes. Left and right are arbitrary, so we turn the map until the cat is at the right and *The Starry Night* at the
# top.


# %%
def plane(table):
    """Distances (n, n) -> places (n, 2), and which share of the table they can show."""
    centring = torch.eye(len(table)) - 1 / len(table)
    values, vectors = torch.linalg.eigh(-centring @ table @ centring / 2)  # from small to large
    values = values.clamp_min(0)
    places = (vectors * values.sqrt())[:, [-1, -2]]
    return places, (values[-2:].sum() / values.sum()).item()


places, share = plane(style_table)
places[:, 0] *= places[labels.index("chelsea"), 0].sign()
places[:, 1] *= -places[labels.index("starry_night"), 1].sign()  # downwards is positive, as in an image
print(f"the plane shows {share:.0%} of the table")

# %% [markdown]
# Two axes can show a bit more than a quarter of what the table knows, so please do not read the map as if it were
# exact. To keep the pictures from covering each other, we lay a grid over the plane, and each picture takes the free
# square that is nearest to its place.


# %%
def nearest_squares(places, columns, rows):
    """A square of the grid for each place, (column, row), with no square taken twice."""
    low = places.min(0).values
    high = places.max(0).values
    wanted = (places - low) / (high - low) * torch.tensor([columns - 1, rows - 1])
    grid = torch.cartesian_prod(torch.arange(columns), torch.arange(rows))
    ways = torch.cdist(wanted, grid.float())  # from each place to each square
    taken = {}
    for i in (wanted - wanted.mean(0)).norm(dim=1).argsort(descending=True).tolist():  # from the outside in
        best = ways[i].argmin()
        taken[i] = grid[best].tolist()
        ways[:, best] = torch.inf
    return taken


cell = 80
canvas = torch.ones(1, 3, 9 * cell, 9 * cell)
for i, (column, row) in nearest_squares(places, columns=9, rows=9).items():
    top = row * cell + 4
    left = column * cell + 4
    canvas[..., top : top + cell - 8, left : left + cell - 8] = square(pictures[labels[i]], cell - 8)
show(canvas,
     alt="Forty-one square pictures on a grid of nine by nine: woven patterns, mosaic, glass and ink at the left, blue waves, "
     "starry nights and skies at the top, portraits and a cat at the right, heaps, bricks and leaves at the bottom.")

# %% [markdown]
# Start at the left edge. There you find woven patterns, glass, mosaic and ink: hard contours that fill the whole
# picture. Towards the right things get softer, until you meet Turner's storm, the cat, and a stone wall. From top to
# bottom the colour changes: blue skies and blue waves are at the top, and brown heaps and bricks are at the bottom.
# Nobody asked for these two directions. They are simply the ones along which the Gram matrices differ most. And the
# houses? The photo is among the photos, and the computer's painting is beside *The Starry Night*.
#
# ## Which style is your photo nearest to?
#
# One question is left, and it is about your own pictures. Put a path between the quotes, for example
# `"/home/me/garden.jpg"`, and run the cell again.

# %%
my_photo = load("lake_sherburne", size)  # your photo here
my_photo_grams = grams(my_photo)


def nearest_styles(layer):
    distances = {}
    for name in names("style"):
        if layer == "all five layers":
            distances[name] = style_distance(all_grams[name], my_photo_grams)
        else:
            distances[name] = distance(all_grams[name][layer], my_photo_grams[layer])
    best = sorted(distances, key=distances.get)[:3]
    titles = [f"{manifest()[name]['title']}: {distances[name]:.2f}" for name in best]
    return show([my_photo, *[pictures[name] for name in best]], ["your photo", *titles], columns=2, height=180,
                alt=f"Your photo, and the three styles nearest to it by {layer}: {', '.join(best)}.")


browse(nearest_styles, layer=Dropdown(options=["all five layers", *style_layers]))

# %% [markdown]
# Our example is a photo of a mountain lake under a blue sky, and its nearest style is a woodblock print of the sea. The
# statistics do not know what water is, but both pictures have smooth blue areas with white, jagged edges. In a live
# notebook you can choose a single layer from the list, and the order changes: `relu1_1` cares about colour, and
# `relu5_1` about large shapes.
#
# Up to now the pictures were given, and we measured them. In the next notebook we turn this round: we start with noise,
# and change it until its Gram matrices are those of a painting.
#
# ## What to remember
#
# - A style can be measured as a habit. An entry $G_{ij}$ of the Gram matrix is the average product of two feature maps,
#   and it is large only if both channels fire at the same places.
# - The Gram matrix does not change when all places are shuffled. It knows what occurs together, and has forgotten where.
# - The style of *The Starry Night* survives in tiles that hold a few strokes, but not in single pixels, however right
#   their colours are.
# - A Gram matrix is the covariance, which says what belongs together, plus the products of the means, which would be
#   there by accident.
# - Unrelated contents are about 0.7 apart, and not 1, because features after a ReLU are never negative.
#
# ## Three questions
#
# 1. You mirror a photo from left to right. Is its style distance to the original zero?
#
# <details><summary>Answer</summary>
#
# No, but it is small, 0.02 for *The Starry Night*. Mirroring moves the places, which the Gram matrix does not notice,
# but it also turns rising strokes into falling ones, and those are other channels.
# `style_distance(grams(original.flip(3)), original_grams)` tells you how much.
#
# </details>
#
# 2. A channel of your network is never on, for any place of any picture. What does it do to the Gram matrix?
#
# <details><summary>Answer</summary>
#
# Its whole row and its whole column are zero, in every picture. It neither helps nor harms, because zeros add nothing
# to a difference.
#
# </details>
#
# 3. Two pictures have the same five Gram matrices. Must they be the same picture?
#
# <details><summary>Answer</summary>
#
# No. The features could be in any other order, as long as some picture has these features. There are many such
# pictures, and the next notebook paints some of them.
#
# </details>
#
# ## On your own
#
# - Blur `original` with `avg_pool2d(original, 9, 1, 4)`. Nearly every colour is right and in its place. Is it nearer on the
#   ruler than the confetti?
# - Halve the contrast of `original` with `original / 2 + 0.25`. How far does it move on the ruler, and in which layers?
#   Is it still *The Starry Night* to you?
# - Draw `board` for ten channels of your own choice, at `relu2_1` or `relu4_1`. (`favourites` adapts to the size of the
#   maps by itself.) What do channels at another depth like?
# - Make the map once more from one layer alone, for example `relu1_1`. Which neighbours stay together?
#
# **In practice.** A Gram matrix forgets even more than the order of the places. If you mix the places by any orthogonal
# matrix $Q$, which is a table of numbers with $Q Q^\top$ equal to the identity, then $F Q$ has the same Gram matrix as
# $F$. Such a mixture adds and subtracts the features of different places, and it has nothing to do with turning the
# picture. The paper sums over the places here and divides later, inside its loss (equation 4); we divide at once, so
# that pictures of any size can be compared.
#
# **Further reading.** Gatys, Ecker and Bethge,
# [Texture Synthesis Using Convolutional Neural Networks](https://arxiv.org/abs/1505.07376) (2015), is where Gram
# matrices of features come from. Portilla and Simoncelli,
# [A Parametric Texture Model](https://doi.org/10.1023/A:1026553619983) (2000), asked fifteen years earlier which
# statistics the eye needs to take a texture for real. Li, Wang, Liu and Hou,
# [Demystifying Neural Style Transfer](https://arxiv.org/abs/1701.01036) (2017), show what comparing Gram matrices means
# as a comparison of distributions.
#
# <!-- bottom -->
