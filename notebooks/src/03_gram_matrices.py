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
# > **You will do** turn pictures into tables of numbers that say how they are made, and compare the tables.
# > **You will learn** why sums of products of features describe a style, and what they forget.
# > **You need** matrix products, and the layer names of notebook 01.
# > **Time** 40 minutes; about 10 seconds of computing on a laptop.
# > **Came before** content, which is features in their places; now the places go.
#
# ![Sixteen small pictures spread over a plane: mosaic, plaid and ink lines at the left, paintings in the middle, a cat and a rocket at the right.](../data/results/03_style_map.jpg)
#
# *Sixteen pictures, placed by their style distances and by nothing else. Find the pavilion twice, as a photo and laid in
# stones: who are its neighbours?*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# The long side of the pictures that we compare, in pixels:

# %% tags=["settings"]
import torch

size = 192

# %% [markdown]
# ## Which channels occur together
#
# **A style is a habit: this colour with that edge, again and again, no matter where.** To measure it we ask of any two
# channels how much they fire at the same places. First with numbers for your head, two channels as rows, four places:

# %%
F = torch.tensor([[1.0, 2.0, 0.0, 1.0], [0.0, 3.0, 1.0, 2.0]])

# %% [markdown]
# Gatys, Ecker and Bethge (2016, eq. 3) multiply channel $i$ with channel $j$ place by place, and add up over all places
# $k$. The result is the **Gram matrix**:
#
# $$G_{ij} = \sum_k F_{ik} F_{jk}$$
#
# By hand, $G_{11} = 1 \cdot 1 + 2 \cdot 2 + 0 \cdot 0 + 1 \cdot 1 = 6$ and
# $G_{12} = 1 \cdot 0 + 2 \cdot 3 + 0 \cdot 1 + 1 \cdot 2 = 8$. Do $G_{22}$ yourself before you go on. By loops, the
# formula letter by letter:


# %%
# NBVAL_CHECK_OUTPUT
def gram_loops(F):  # (C, N) -> (C, C): C channels, N places
    C, N = F.shape
    G = torch.zeros(C, C)
    for i in range(C):
        for j in range(C):
            for k in range(N):
                G[i, j] += F[i, k] * F[j, k]
    return G


print(gram_loops(F))

# %% [markdown]
# 6 and 8 as by hand, and $G_{22}$ is 14. The 8 stands there twice, because a product does not mind its order.
#
# Row times row, added up, is what a matrix product does, so the three loops are one `@`. Both give the same, on the toy
# and on random numbers:

# %%
from helpers.check import close


def gram_product(F):  # (C, N) -> (C, C); Gatys et al. (2016), eq. 3
    return F @ F.T


random = torch.randn(5, 30, generator=torch.Generator().manual_seed(0))
close("toy", gram_product(F), gram_loops(F))
close("random", gram_product(random), gram_loops(random))

# %% [markdown]
# ## Forget where
#
# **Shuffle the places, and the Gram matrix stays.** Let $\pi$ be a new order of the places. Then
#
# $$G'_{ij} = \sum_k F_{i\pi(k)} F_{j\pi(k)}$$
#
# $$\phantom{G'_{ij}} = \sum_k F_{ik} F_{jk} = G_{ij},$$
#
# because $\pi$ visits each place exactly once: the summands are the same in another order. That is the whole proof. As
# code, for every order that four places can have:

# %%
# NBVAL_CHECK_OUTPUT
from itertools import permutations

same = [torch.equal(gram_product(F[:, order]), gram_product(F)) for order in permutations(range(4))]
print(f"{sum(same)} of {len(same)} orders leave the Gram matrix as it was")

# %% [markdown]
# All 24. A shuffle moves both channels together, so what met before still meets.
#
# **Before you run it:** now only the second channel is turned round. Which of the numbers 6, 8 and 14 will change?

# %%
# NBVAL_CHECK_OUTPUT
print(gram_product(torch.stack([F[0], F[1].flip(0)])))

# %% [markdown]
# Only the 8: it is 4 now. The diagonal says how strong each channel is; what lies off it says which channels meet.
#
# The proof holds for any number of channels, so also for a painting at `relu3_1`, all its places in random order:

# %%
from helpers.images import load
from helpers.vgg import VGG

vgg = VGG()
night = load("starry_night", 256)[..., :192, :].to(vgg.device)
F = vgg(night, ["relu3_1"])["relu3_1"][0].flatten(1).cpu().double()  # (C, N), in float64
order = torch.randperm(F.shape[1], generator=torch.Generator().manual_seed(0))
close("shuffled features", gram_product(F[:, order]), gram_product(F))

# %% [markdown]
# The rest is rounding: the same numbers, added in another order, may differ in the last digit. So here is an answer to
# the question of this page. *Style, in this series, is what remains of the features when nobody knows any more where
# they were.*
#
# ## Per place, not in total
#
# **Dividing by the number of places makes pictures of different size comparable.** A crop of a mosaic and the
# quarter in its middle are made of the same stones. The diagonal adds up to the strength of all channels together; here
# it is as the paper sums it, and per place:

# %%
# NBVAL_CHECK_OUTPUT
mosaic = load("mosaic", size).to(vgg.device)
for crop in (mosaic[..., :128, :128], mosaic[..., 32:96, 32:96]):
    F = vgg(crop, ["relu3_1"])["relu3_1"][0].flatten(1)
    total = gram_product(F).trace().item()
    print(f"{crop.shape[3]} px: {F.shape[1]} places, in total {total:.0f}, per place {total / F.shape[1]:.1f}")

# %% [markdown]
# A quarter of the places, about a quarter of the sum; per place, the two are nearly the same. By sums, the small crop
# would pass for another style. So from now on $G = F F^\top / (h w)$, with height and width of the features; in
# `helpers.transfer` the function is called `gram`:

# %%
from helpers.transfer import gram


def gram_matrix(features):  # (1, C, h, w) -> (C, C); departs from Gatys et al. (2016), eq. 3: divided by h w
    F = features[0].flatten(1)
    return F @ F.T / F.shape[1]


close("Gram matrix of the mosaic's pixels", gram_matrix(mosaic), gram(mosaic))

# %% [markdown]
# **Exercise 1** · ●○○ · 5 min. Several pictures at once: features $(B, C, h, w)$ in, one Gram matrix for each out. The
# specification loops over pictures and pairs of channels; do it without loops:


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
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


# %% tags=["check"]
from helpers.check import check

check(my_grams, grams_spec, (3, 4, 5, 2));

# %% [markdown]
# <details><summary>Hint</summary>
#
# `flatten(2)` lays out the places. `@` multiplies the last two dimensions and keeps those before; `transpose(1, 2)`
# exchanges these two only.
#
# </details>
#
# <!-- solution: my_grams -->
#
# ## Shuffle the picture itself
#
# **Pixels are not features.** The Gram matrix of the pixels themselves, three channels, knows the palette and nothing
# else. A feature has seen its neighbours. So we cut *The Starry Night* into square tiles and shuffle those. The palette
# stays, even where each tile is one pixel:


# %%
def shuffle_tiles(image, tile):  # height and width are multiples of tile
    _, c, h, w = image.shape
    tiles = image.view(c, h // tile, tile, w // tile, tile).permute(1, 3, 0, 2, 4).flatten(0, 1)
    order = torch.randperm(len(tiles), generator=torch.Generator().manual_seed(0))
    tiles = tiles[order].view(h // tile, w // tile, c, tile, tile)
    return tiles.permute(2, 0, 3, 1, 4).reshape(1, c, h, w)


shuffled = {tile: shuffle_tiles(night, tile) for tile in (1, 4, 16, 32, 64)}
close("Gram matrix of the colours", gram_matrix(shuffled[1]), gram_matrix(night))

# %% [markdown]
# How far are two pictures apart? For their Gram matrices $G$ and $A$ at one layer take
#
# $$D = \frac{\lVert G - A \rVert^2}{\lVert G \rVert^2 + \lVert A \rVert^2},$$
#
# 0 where they are equal, and 1 where they have nothing in common. The style distance is the mean over the five layers
# from which the paper reads style:

# %%
style_layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def distance(a, b):  # two tensors of one shape -> a number from 0 to 1
    return ((a - b).square().sum() / (a.square().sum() + b.square().sum())).item()


def grams(image):
    return {name: gram_matrix(features) for name, features in vgg(image, style_layers).items()}


def style_distance(one, other):  # two results of grams
    return sum(distance(one[name], other[name]) for name in style_layers) / len(style_layers)


# %% [markdown]
# For content we compare the features place by place, at `relu4_2`, as in notebook 02.
#
# **Before you run it:** as the tiles grow, what will the two distances to the painting do?


# %%
from helpers.show import show


def content(image):
    return vgg(image, ["relu4_2"])["relu4_2"]


titles = ["the painting"]
for tile, image in shuffled.items():
    style_apart, content_apart = style_distance(grams(image), grams(night)), distance(content(image), content(night))
    titles.append(f"{tile} px: style {style_apart:.2f}, content {content_apart:.2f}")

assert style_apart < 0.02 < 0.2 < content_apart, "the largest tiles should keep the style and lose the content"
show([night, *shuffled.values()], titles, columns=3, height=170,
     alt="The Starry Night, and the same pixels shuffled in tiles of 1, 4, 16, 32 and 64 pixels: blue noise, coarse "
     "squares, scraps of brush strokes, larger scraps, and twelve pieces with the moon at the lower left.")

# %% [markdown]
# All six have the same pixels. Singly they are noise, and far away in style; in pieces large enough for strokes and
# stars they are almost as near as the painting itself. Content does not follow: in all five, moon and cypress have left
# their places, and from 4 pixels on its distance hardly moves.
#
# ## Mean, Gram, covariance
#
# **The Gram matrix holds two things at once: how strong the channels are, and how they vary together.** Statistics
# keeps these apart, as the mean $m_i$ of each channel and the covariance $C$, which subtracts the means first:


# %%
def means(features):  # (1, C, h, w) -> (C,)
    return features[0].flatten(1).mean(1)


def covariance(features):  # (1, C, h, w) -> (C, C)
    F = features[0].flatten(1)
    F = F - F.mean(1, keepdim=True)
    return F @ F.T / F.shape[1]


# %% [markdown]
# Three toys of two channels and four places: channels that fire together, that take turns, and that fire together on a
# background of 1.
#
# **Before you run it:** which two look the same to the mean, and which two to the covariance?

# %%
# NBVAL_CHECK_OUTPUT
together = torch.tensor([[1.0, 0.0, 1.0, 0.0], [2.0, 0.0, 2.0, 0.0]]).view(1, 2, 2, 2)
in_turns = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 2.0]]).view(1, 2, 2, 2)
for name, toy in {"together": together, "in turns": in_turns, "lifted": together + 1}.items():
    print(f"{name}: mean {means(toy).tolist()}, Gram {gram_matrix(toy).tolist()}, covariance {covariance(toy).tolist()}")

# %% [markdown]
# The mean cannot tell *together* from *in turns*, the covariance cannot tell *together* from *lifted*: a constant does
# not vary. The Gram matrix tells all three apart, for it is the sum of both:
#
# $$G = C + m\,m^\top$$
#
# Write each row as its mean plus a rest. The rest adds up to zero, so the mixed products vanish; what stays is rest
# times rest, which is $C$, and mean times mean. In pictures, one square for each pair of channels at
# `relu1_1`, dark for 0 and below, lightest from half of the largest number on:

# %%
from helpers.show import heat

features = vgg(night, ["relu1_1"])["relu1_1"]
parts = [covariance(features), torch.outer(means(features), means(features)), gram_matrix(features)]
close("C + m mᵀ", parts[0] + parts[1], parts[2])
show([heat(part, 0, parts[2].max() / 2) for part in parts], ["covariance", "+ products of means", "= Gram matrix"],
     height=240, alt="Three square heat maps: the covariance, dark but for its diagonal and a few squares; the products "
     "of means, a plaid of rows and columns; the Gram matrix, the sum of both.")

# %% [markdown]
# The means make a plaid: a strong channel lights up its whole row and column. The covariance is a thin diagonal with a
# few pairs beside it. Where the sum is darker than the plaid, two channels avoid each other. But most of a Gram matrix
# is plaid: is the rest worth having? We compare the painting with its tiles of 4 pixels, where the strokes are gone:

# %%
# NBVAL_CHECK_OUTPUT
one, other = (vgg(image, ["relu4_1"])["relu4_1"] for image in (night, shuffled[4]))
by_mean, by_gram, by_covariance = (distance(f(one), f(other)) for f in (means, gram_matrix, covariance))
print(f"by Gram further than by the mean: {by_gram > by_mean}")
print(f"by covariance over 1.5 times as far as by Gram: {by_covariance > 1.5 * by_gram}")

# %% [markdown]
# The covariance notices best, the mean least, and the Gram matrix, their sum, stands between them. Which of them paints
# best is a question for notebook 11.
#
# **Exercise 2** · ●●○ · 10 min. Write the covariance without subtracting anything from the features, from Gram matrix
# and mean alone:


# %% tags=["spec"]
def covariance_spec(features):
    _, C, h, w = features.shape
    centred = [features[0, i] - features[0, i].mean() for i in range(C)]
    return torch.stack([torch.stack([(a * b).sum() / (h * w) for b in centred]) for a in centred])


# %% tags=["exercise"]
def my_covariance(features):
    """Covariance of the channels, (1, C, h, w) -> (C, C), from Gram matrix and mean."""
    # solution
    F = features[0].flatten(1)
    m = F.mean(1)
    return F @ F.T / F.shape[1] - torch.outer(m, m)


# %% tags=["check"]
check(my_covariance, covariance_spec, (1, 3, 4, 5));

# %% [markdown]
# <details><summary>Hint</summary>
#
# Solve $G = C + m\,m^\top$ for $C$. `torch.outer(m, m)` is the matrix of all products $m_i m_j$.
#
# </details>
#
# <!-- solution: my_covariance -->
#
# ## Look at three styles
#
# **A Gram matrix can be read, once its channels stand in an order that means something.** First the Gram matrices of all
# pictures in `data/`, and of the one that notebook 00 painted, the pavilion in the manner of the mosaic:

# %%
from helpers.images import DATA, names

files = {name: name for name in names()} | {"china in mosaic": DATA / "results" / "first_painting.jpg"}
pictures = {name: load(file, size).to(vgg.device) for name, file in files.items()}
all_grams = {name: grams(image) for name, image in pictures.items()}

# %% [markdown]
# Now the order. We show the network a plain orange and a plain blue picture, and sort the channels by what they prefer:


# %%
def plain(*colour):
    return torch.tensor(colour, device=vgg.device).view(1, 3, 1, 1).expand(1, 3, 64, 64)


orange, blue = vgg(plain(0.9, 0.5, 0.1), style_layers), vgg(plain(0.1, 0.2, 0.6), style_layers)
from_blue = {name: (orange[name] - blue[name]).mean((0, 2, 3)).argsort() for name in style_layers}

# %% [markdown]
# Three styles: *The Starry Night* in blue, a woodcut with an orange sun, and *suminagashi*, grey lines of ink. A square
# root lifts small numbers, so that they can be seen; the dropdown changes the layer, where a kernel runs:

# %%
from ipywidgets import Dropdown

from helpers.show import browse


def three_styles(layer):
    styles, order = ["starry_night", "woodcut", "suminagashi"], from_blue[layer]
    sorted_grams = [all_grams[name][layer][order][:, order] for name in styles]
    return show([heat((G / G.max()).sqrt(), 0) for G in sorted_grams], styles, height=290,
                alt=f"Gram matrices at {layer} of three styles as heat maps, channels sorted from blue to orange: each "
                "style lights up other regions.")


browse(three_styles, layer=Dropdown(options=style_layers))

# %% [markdown]
# The first row and column belong to the channel that likes blue most, the last ones to orange. *The Starry Night* is
# bright at the upper left, where blue meets blue, and dark along its lower and right edges. The woodcut lights up in
# the lower right corner too: that is its sun. Ink has no colour: its border stays dark, and what is lit lies inside, in
# channels that answer to edges.
#
# ## A distance between paintings
#
# **Two tables sort the same pictures in two ways.** Style compares Gram matrices, every picture with every other. Content
# compares place with place, so all must have one shape: the middle square of each, at 128 pixels:

# %%
from torch.nn.functional import interpolate


def middle(image):
    side = min(image.shape[2:])
    top, left = [(length - side) // 2 for length in image.shape[2:]]
    return interpolate(image[..., top : top + side, left : left + side], (128, 128), mode="bilinear", antialias=True)


all_contents = {name: content(middle(image)) for name, image in pictures.items()}
style_table = torch.tensor([[style_distance(a, b) for b in all_grams.values()] for a in all_grams.values()])
content_table = torch.tensor([[distance(a, b) for b in all_contents.values()] for a in all_contents.values()])

# %% [markdown]
# A table shows blocks only in a good order. *Classical scaling* (Torgerson 1952) gives each picture a place in the plane
# so that squared distances come close to the table; two eigenvectors do it. They have no sign, so we turn the plane
# until the rocket is at the right and the coffee above it:


# %%
def spread(D):  # table (N, N) -> places (N, 2)
    J = torch.eye(len(D)) - 1 / len(D)
    values, vectors = torch.linalg.eigh(-J @ D @ J / 2)
    return (vectors * values.clamp_min(0).sqrt())[:, -2:].flip(1)


labels, places = list(pictures), spread(style_table)
rocket, coffee = places[labels.index("rocket")], places[labels.index("coffee")]
places = places * torch.stack([rocket[0], coffee[1] - rocket[1]]).sign()

# %% [markdown]
# The style table in the order of the first coordinate, dark for near and light for far:

# %%
import matplotlib.pyplot as plt

from helpers.show import figure

order = places[:, 0].argsort().tolist()


def draw(table, alt):
    fig, axes = plt.subplots(figsize=(5.6, 4.8))
    image = axes.imshow(table[order][:, order], cmap="magma", vmin=0, vmax=0.8)
    axes.set_xticks(range(len(order)), [labels[i] for i in order], rotation=90)
    axes.set_yticks(range(len(order)), [labels[i] for i in order])
    fig.colorbar(image, label="distance")
    return figure(fig, alt=alt)


draw(style_table, "A 16 by 16 table of style distances: dark near the diagonal, lighter and lighter towards the two far "
     "corners, where ink lines and plaid meet cat and rocket.")

# %% [markdown]
# Dark along the diagonal, light in the far corners: the table is sorted. Hard lines come first, ink, glass, plaid and
# stones; brushes and dots follow, soft photos are last, the cat and the rocket's sky. The darkest squares off the diagonal
# join the mosaic with the painting made after it, and two photos in orange, brown and white, astronaut and coffee.
#
# **Before you run it:** the same order, but the distance is content. Which pair will be the darkest?

# %%
draw(content_table, "The content table in the same order: more even, without blocks, and darkest where the photo of the "
     "pavilion meets its painting.")

# %% [markdown]
# *china* and *china in mosaic*: the same pavilion in the same place. The rest is more even than in style, because unrelated
# pictures have little in the same places. The painting has a friend in each table:

# %%
# NBVAL_CHECK_OUTPUT
for what, table in {"style": style_table, "content": content_table}.items():
    nearest = table[labels.index("china in mosaic")].argsort()[1]
    print(f"of 15 pictures, the nearest in {what} is {labels[nearest]}")

# %% [markdown]
# That is what the method promises, the content of one and the style of another. The style table once more, now in both
# coordinates, as at the top of the page:

# %% tags=["painting"]
unit = (places - places.min(0).values) / (places.max(0).values - places.min(0).values)
canvas = torch.ones(1, 3, 560, 960)
for file, (across, up) in zip(files.values(), unit.tolist(), strict=True):
    small = load(file, 84)
    top, left = round((1 - up) * (560 - 84)), round(across * (960 - 84))
    canvas[..., top : top + small.shape[2], left : left + small.shape[3]] = small

show(canvas, alt="Small pictures on a white plane: ink, plaid, glass and mosaic at the left, paintings in the middle, "
     "galaxies, cat and rocket at the right, coffee and astronaut at the top.")

# %% [markdown]
# From left to right, hard lines become soft. Coffee and astronaut, orange, lie high, and the rocket's evening sky lies
# low: the second direction has to do with colour. Nobody asked for either; along these two the Gram matrices differ most.
#
# **Exercise 3** · ●●○ · 15 min. Our tables came from a loop in a loop. Write one without, for the Gram matrices of one
# layer, $(N, C, C)$: what is $\lVert G - A \rVert^2$, multiplied out?


# %% tags=["spec"]
def table_spec(grams):
    def apart(a, b):
        return (a - b).square().sum() / (a.square().sum() + b.square().sum())

    return torch.stack([torch.stack([apart(a, b) for b in grams]) for a in grams])


# %% tags=["exercise"]
def my_table(grams):
    """All distances between N matrices, (N, C, C) -> (N, N), without loops."""
    # solution
    flat = grams.flatten(1)
    products = flat @ flat.T
    sizes = products.diag()
    sums = sizes[:, None] + sizes[None, :]
    return (sums - 2 * products) / sums


# %% tags=["check"]
check(my_table, table_spec, (5, 3, 3));

# %% [markdown]
# <details><summary>Hint</summary>
#
# $\lVert G - A \rVert^2 = \lVert G \rVert^2 + \lVert A \rVert^2 - 2 \sum G_{ij} A_{ij}$. With each matrix as one row,
# all these sums are a Gram matrix of Gram matrices, and the $\lVert G \rVert^2$ are its diagonal.
#
# </details>
#
# <!-- solution: my_table -->
#
# ## The nearest style to your photo
#
# **Which style is your photo nearest to already?** Put a path between the quotes, such as `"/home/me/garden.jpg"`, and
# run the cell again. The dropdown asks one layer alone:

# %%
mine = load("china", size)  # your photo here
mine_grams = grams(mine.to(vgg.device))


def nearest_styles(layer):
    def far(name):
        one, other = all_grams[name], mine_grams
        return distance(one[layer], other[layer]) if layer in style_layers else style_distance(one, other)

    found = sorted(names("style"), key=far)[:4]
    titles = ["your photo", *[f"{name} {far(name):.2f}" for name in found]]
    return show([mine, *[pictures[name] for name in found]], titles, height=150,
                alt=f"Your photo, and the four styles nearest to it by {layer}: {', '.join(found)}.")


browse(nearest_styles, layer=Dropdown(options=["all five layers", *style_layers]))

# %% [markdown]
# *The Starry Night* is nearest to the pavilion, before anybody has painted.
#
# ## In this notebook we
#
# - multiplied channels and added up over places, by hand, by loops and by one `@`, and proved that places do not matter;
# - divided by $h w$, so that pictures of any size can be compared, and split the Gram matrix into covariance and means;
# - sorted sixteen pictures by style and by content, and found one painting with a friend in each table.
#
# **On your own.** Turn `night` upside down with `.flip(2)`: how far is it from itself in style? Halve its contrast with
# `night / 2 + 0.25`: is that further than the mosaic is? Sort the table by `relu1_1` alone.
#
# **In practice.** A Gram matrix misses more than shuffles: for any rotation $Q$, $F Q$ has the same one, because
# $Q Q^\top$ is the identity. The paper sums over places and divides later, in its loss (eq. 4). Our $D$ divides by both
# sizes, so that there and back are equally far; in the next notebook one picture is the goal, and its size alone
# divides.
#
# **Further reading.** Gatys, Ecker and Bethge, *Texture Synthesis Using Convolutional Neural Networks* (2015, arXiv
# 1505.07376): where Gram matrices of features come from. Portilla and Simoncelli (2000, *International Journal of
# Computer Vision* 40): which statistics an eye cannot do without, asked fifteen years earlier.
#
# <!-- bottom -->
