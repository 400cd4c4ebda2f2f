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
# > **Time** about 75 minutes with the exercises; about 20 seconds of it is computing, on a laptop.
# > **Came before** content, which is features in their places; now the places go.
#
# ![Forty-one small pictures spread over a white plane: carpets, mosaic, glass and ink at the left, blue paintings and blue skies at the top, portraits, a cat and a stone wall at the right.](../data/results/03_style_map.jpg)
#
# *All our pictures, and one painting made from two of them, placed by their style distances and by nothing else. Find the
# houses of Tübingen twice, as a photo and as a painting: who are their neighbours?*

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
# channels how much they fire at the same places. We start with numbers small enough to do in your head, two channels as
# rows and four places as columns:

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
# 6 and 8 as by hand, and $G_{22}$ is 14. The 8 stands there twice, because multiplication is commutative.
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
# Only the 8 changes, to 4. The diagonal says how strong each channel is, and the entries off the diagonal say which channels
# fire together.
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
    print(
        f"{crop.shape[3]} px: {F.shape[1]} places, in total {total:,.0f}, per "
        f"place {total / F.shape[1]:,.0f}"
    )

# %% [markdown]
# The small crop has a quarter of the places, and about a quarter of the sum. Per place, the two are nearly the same. By
# sums, the small crop would pass for another style. So from now on $G = F F^\top / (h w)$, with height and width of the
# features; in `helpers.losses` the function is called `gram`:

# %%
from helpers.losses import gram


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
# which is 0 where they are equal. It would be 1 for two matrices without any common entry, but you will not meet such a
# pair: features after a ReLU are never negative, so any two pictures have something in common. The style distance is the
# mean over the five layers from which the paper reads style:

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
    style_apart = style_distance(grams(image), grams(night))
    content_apart = distance(content(image), content(night))
    titles.append(f"{tile} px: style {style_apart:.2f}, content {content_apart:.2f}")

assert style_apart < 0.05 < 0.4 < content_apart, (
    "the largest tiles should keep the style and lose the content"
)
show(
    [night, *shuffled.values()],
    titles,
    columns=3,
    height=230,
    alt=(
        "The Starry Night, and the same pixels shuffled in tiles of 1, 4, 16, 32 and "
        "64 pixels: blue noise, coarse squares, scraps of brush strokes, larger "
        "scraps, and twelve pieces with the moon at the lower left."
    ),
)

# %% [markdown]
# All six have the same pixels. Cut into single pixels, the painting is 0.37 away from itself in style, and further down you
# will see that this is as far as a photo of a pagoda. In pieces of 16 pixels, large enough for a stroke, the distance is
# less than half of that, and in pieces of 64 pixels it is 0.03. So the style comes back as soon as the pieces are large
# enough to hold it.
#
# Content does not follow. In all five, moon and cypress have left their places, and the distance stays at 0.6 whatever the
# size of the tiles.
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
# is plaid, so is the rest worth having? We compare the painting with three of its shuffles at `relu4_1`, once by each of
# the three statistics:

# %%
# NBVAL_CHECK_OUTPUT
statistics = {"mean": means, "Gram": gram_matrix, "covariance": covariance}
original = vgg(night, ["relu4_1"])["relu4_1"]
for tile in (4, 16, 64):
    features = vgg(shuffled[tile], ["relu4_1"])["relu4_1"]
    apart = {name: distance(f(features), f(original)) for name, f in statistics.items()}
    print(
        f"tiles of {tile:2} px:",
        *(f"{name} {number:.3f}  " for name, number in apart.items()),
    )

# %% [markdown]
# In each row the mean notices least. Where the pieces are large and only the long curves are cut, the covariance notices
# most: at 64 pixels its distance is six times that of the Gram matrix. The Gram matrix, as the sum of both, usually stands
# between them. Which of them paints best is another question. The paper takes the Gram matrix, and so do we.
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
# **A Gram matrix can be read, once its channels stand in an order that means something.** First we need the Gram matrices of
# all pictures in `data/`, and of one painting that was made from two of them: the houses of Tübingen in the manner of *The
# Starry Night*, from notebook 00.

# %%
from helpers.images import DATA, names

files = {name: name for name in names()}
files["the painting"] = DATA / "results" / "first_painting.jpg"
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
# Here are three styles: *The Starry Night* in blue, a woodcut with an orange sun, and *suminagashi*, lines of grey ink. The
# coloured edges show the order of the channels, from blue to orange. A square root lifts small numbers, so that they can be
# seen. In a live notebook you can choose the layer from the list:

# %%
from ipywidgets import Dropdown

from helpers.show import browse


def with_edges(G):
    """A Gram matrix as a heat map, with edges that run from blue to orange."""
    C = len(G)
    ramp = torch.stack(
        [torch.linspace(a, b, C) for a, b in ((0.1, 0.9), (0.2, 0.5), (0.6, 0.1))]
    )
    wide = C // 16
    top = ramp[None, :, None, :].expand(1, 3, wide, C)
    left = ramp[None, :, :, None].expand(1, 3, C, wide)
    lower = torch.cat([left, heat((G / G.max()).sqrt(), 0)], 3)
    return torch.cat([torch.cat([torch.ones(1, 3, wide, wide), top], 3), lower], 2)


def three_styles(layer):
    styles = ["starry_night", "woodcut", "suminagashi"]
    order = from_blue[layer]
    sorted_grams = [all_grams[name][layer][order][:, order] for name in styles]
    return show(
        [with_edges(G) for G in sorted_grams],
        styles,
        height=310,
        alt=(
            f"Gram matrices at {layer} of three styles as heat maps, channels sorted "
            f"from blue to orange: each style lights up other regions."
        ),
    )


browse(three_styles, layer=Dropdown(options=style_layers))

# %% [markdown]
# The first row and column belong to the channel that likes blue most, and the last ones to the channel that likes orange
# most. *The Starry Night* is bright at the upper left, where blue meets blue, and dark along its lower and right edges. The
# woodcut has blue too, but it lights up in the lower right corner as well, and that is its sun. Ink has no colour. Its
# border stays dark, and what is lit lies inside, in channels that react to edges.
#
# ## A distance between paintings
#
# **Two tables sort the same pictures in two ways.** Style compares Gram matrices, every picture with every other. Content
# compares place with place, so all must have one shape, and we take the middle square of each, at 128 pixels:

# %%
from torch.nn.functional import interpolate


def middle(image):
    side = min(image.shape[2:])
    top, left = [(length - side) // 2 for length in image.shape[2:]]
    return interpolate(
        image[..., top : top + side, left : left + side],
        (128, 128),
        mode="bilinear",
        antialias=True,
    )


def table_of(values, far):
    """Distances between all pairs of a list -> (n, n)."""
    table = torch.zeros(len(values), len(values))
    for i in range(len(values)):
        for j in range(i):
            table[i, j] = table[j, i] = far(values[i], values[j])
    return table


all_contents = {name: content(middle(image)) for name, image in pictures.items()}
style_table = table_of(list(all_grams.values()), style_distance)
content_table = table_of(list(all_contents.values()), distance)

# %% [markdown]
# Who is the nearest neighbour of whom? Here are the ten closest pairs in style. **Before you run it:** which two of our
# pictures would *you* call closest? (They are all at the top of the page.)

# %%
labels = list(pictures)
pairs = [
    (style_table[i, j].item(), labels[j], labels[i])
    for i in range(len(labels))
    for j in range(i)
]
for far, one, other in sorted(pairs)[:10]:
    print(f"{far:.2f}  {one} and {other}")

# %% [markdown]
# The painting and its style come first, with less than half the distance of the next pair. But look at the others. The
# *Holland Park* carpet and the *Peacock and Dragon* are both designs by William Morris. *The Starry Night* and *Wheat Field
# with Cypresses* are both by Van Gogh, from the same summer. The network knows nothing of painters, and yet its statistics
# have brought them together. Dried buds, petals and spices are heaps of small things, and the coffee and the astronaut
# share orange, black and white. A style distance is not an art historian, though: Van Gogh's self-portrait is not in the list.
#
# Now all distances at once. A table shows blocks only in a good order. *Classical scaling* (Torgerson 1952) gives each
# picture a place in the plane so that squared distances come close to the table; two eigenvectors do it. They have no
# sign, so we turn the plane until the cat is at the right and *The Starry Night* at the top:


# %%
def spread(
    D,
):  # table (n, n) -> places (n, 2), and the share of the table that they show
    J = torch.eye(len(D)) - 1 / len(D)
    values, vectors = torch.linalg.eigh(-J @ D @ J / 2)
    values = values.clamp_min(0)
    places = (vectors * values.sqrt())[:, -2:].flip(1)
    return places, (values[-2:].sum() / values.sum()).item()


places, share = spread(style_table)
cat, night_sky = places[labels.index("chelsea")], places[labels.index("starry_night")]
places = places * torch.stack([cat[0], night_sky[1]]).sign()
print(f"the plane shows {share:.0%} of the table")

# %% [markdown]
# The plane can show a bit more than a quarter of what the table knows, so do not read too much into it. For the table we take
# eighteen pictures, in the order of the first coordinate, each with its middle square as a label. Dark is near, and the
# lightest is a distance of 0.8 or more:

# %%
some = """
    tubingen_neckarfront china lake_sherburne astronaut coffee chelsea
    starry_night vangogh_wheat_field_cypresses hokusai_great_wave konen_ocean_waves
    seurat_grande_jatte klimt_the_kiss mosaic stained_glass suminagashi
    morris_holland_park_carpet morris_peacock_and_dragon
""".split() + ["the painting"]
order = sorted([labels.index(name) for name in some], key=lambda i: places[i, 0].item())


def draw(table, alt, side=44):
    """A table as a heat map with small pictures at its edges."""
    cells = interpolate(
        heat(table[order][:, order], 0, 0.8), scale_factor=side, mode="nearest"
    )
    stamps = [
        interpolate(middle(pictures[labels[i]]).cpu(), (side, side), mode="area")
        for i in order
    ]
    top = torch.cat([torch.ones(1, 3, side, side), *stamps], 3)
    lower = torch.cat([torch.cat(stamps, 2), cells], 3)
    return show(torch.cat([top, lower], 2), height=760, alt=alt)


draw(
    style_table,
    "A table of style distances with small pictures at its edges: nearly black "
    "where Starry Night meets the painting, dark for the two carpets and for "
    "coffee and astronaut, and two light stripes for ink and stained glass.",
)

# %% [markdown]
# The darkest square off the diagonal joins *The Starry Night* with the painting made after it, and you can find most of the
# other close pairs as well. The ornaments stand together at the upper left. The two light stripes are ink and stained glass:
# they are far from nearly everything, and farthest from the cat.
#
# **Before you run it:** the same order, but the distance is content. Which pair will be the darkest?

# %%
draw(
    content_table,
    "The content table in the same order: an even orange without blocks, and one "
    "dark square where the photo of Tübingen meets the painting.",
)

# %% [markdown]
# It is the photo of Tübingen and the painting, because the same houses stand in the same place. The rest is more even than in
# style, because unrelated pictures have little in the same places. So the painting has a friend in each table:

# %%
# NBVAL_CHECK_OUTPUT
for what, table in {"style": style_table, "content": content_table}.items():
    row = table[labels.index("the painting")]
    nearest, next_one = row.argsort()[1:3].tolist()
    print(
        f"nearest in {what}: {labels[nearest]} at {row[nearest]:.2f}; the next is"
        f" {labels[next_one]} at {row[next_one]:.2f}"
    )

# %% [markdown]
# That is what the method promises: the content of one picture and the style of another. Here is the style table once more,
# now with all pictures and in both coordinates, as at the top of the page. Where pictures would overlap, we push them apart:


# %%
def push_apart(centres, sizes, width, height, rounds=300):
    """Move overlapping pictures apart; centres and sizes are (n, 2), in pixels."""
    for _ in range(rounds):
        apart = centres[:, None] - centres[None, :]
        overlap = (sizes[:, None] + sizes[None, :]) / 2 + 4 - apart.abs()
        touching = (overlap > 0).all(2, keepdim=True)
        shorter_way = overlap == overlap.amin(2, keepdim=True)
        steps = touching * shorter_way * overlap * apart.sign() / 4
        centres = centres + steps.sum(1)
        centres = centres.maximum(sizes / 2).minimum(
            torch.tensor([width, height]) - sizes / 2
        )
    return centres


# %% tags=["painting"]
width, height, longest = 960, 660, 90
stamps = [load(file, longest) for file in files.values()]
sizes = torch.tensor([[stamp.shape[3], stamp.shape[2]] for stamp in stamps]).float()
unit = (places - places.min(0).values) / (places.max(0).values - places.min(0).values)
unit[:, 1] = 1 - unit[:, 1]  # the second coordinate grows upwards
room = torch.tensor([width - longest, height - longest])
centres = push_apart(unit * room + longest / 2, sizes, width, height)
canvas = torch.ones(1, 3, height, width)
for stamp, (across, down) in zip(
    stamps, (centres - sizes / 2).round().int().tolist(), strict=True
):
    canvas[..., down : down + stamp.shape[2], across : across + stamp.shape[3]] = stamp

show(
    canvas,
    alt=(
        "Forty-one small pictures on a white plane: carpets, mosaic, glass and ink at"
        " the left, blue waves, blue nights and blue skies at the top, portraits, a "
        "cat and a stone wall at the right."
    ),
)

# %% [markdown]
# From left to right, hard contours that fill the whole picture become broad and soft: carpets, glass and ink on the one
# side, Turner, the cat and the stone wall on the other. The second direction has to do with colour: blue is at the top,
# brown and grey at the bottom. Nobody asked for either. Along these two directions the Gram matrices differ most.
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
# run the cell again. The list asks one layer alone:

# %%
mine = load("china", size)  # your photo here
mine_grams = grams(mine.to(vgg.device))


def nearest_styles(layer):
    def far(name):
        if layer in style_layers:
            return distance(all_grams[name][layer], mine_grams[layer])
        return style_distance(all_grams[name], mine_grams)

    found = sorted(names("style"), key=far)[:4]
    titles = ["your photo", *[f"{name} {far(name):.2f}" for name in found]]
    return show(
        [mine, *[pictures[name] for name in found]],
        titles,
        columns=3,
        height=200,
        alt=(
            f"Your photo, and the four styles nearest to it by {layer}: "
            f"{', '.join(found)}."
        ),
    )


browse(nearest_styles, layer=Dropdown(options=["all five layers", *style_layers]))

# %% [markdown]
# *Wheat Field with Cypresses* is nearest to the pagoda, before anybody has painted. One can see why: both have a pale sky
# above dark, leafy shapes.
#
# ## In this notebook we
#
# - multiplied channels and added up over places, by hand, by loops and by one `@`, and proved that places do not matter;
# - divided by $h w$, so that pictures of any size can be compared, and split the Gram matrix into covariance and means;
# - sorted forty-one pictures by style and by content, and found one painting with a friend in each table.
#
# **On your own.** Turn `night` upside down with `.flip(2)`: how far is it from itself in style? Halve its contrast with
# `night / 2 + 0.25`: is that further than the mosaic is? Sort the table by `relu1_1` alone.
#
# **In practice.** A Gram matrix misses more than shuffles. Any orthogonal matrix $Q$ that mixes the places (it has nothing
# to do with turning the picture) gives features $F Q$ with the same Gram matrix, because $Q Q^\top$ is the identity. The paper sums over places and divides later, in its loss (eq. 4). Our $D$ divides by both
# sizes, so that there and back are equally far; in the next notebook one picture is the goal, and its size alone
# divides.
#
# **Further reading.** Gatys, Ecker and Bethge, *Texture Synthesis Using Convolutional Neural Networks* (2015, arXiv
# 1505.07376): where Gram matrices of features come from. Portilla and Simoncelli (2000, *International Journal of
# Computer Vision* 40): which statistics an eye cannot do without, asked fifteen years earlier.
#
# <!-- bottom -->
