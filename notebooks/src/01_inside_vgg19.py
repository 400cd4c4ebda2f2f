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
# # Look inside VGG19
#
# > **The question** A network has looked at more than a million photos. What did it learn to see?
# > **You will make** a table and a drawing of the whole network, maps of what it sees in a photo, and images that excite a single channel of it.
# > **You need** Python and a little PyTorch (what a tensor is, and how to index it). Everything else is explained here; the symbols of the series are listed under [notation](00_start_here.ipynb#Notation).
# > **Time** about 80 minutes to read and run, and 45 minutes for the exercises; the computing in it takes about two minutes on a laptop

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Nobody painted the six images below, and no camera took them. Each of them began as grey noise, and a program changed
# its pixels again and again until one single channel inside a network called VGG19 had become very active. Nobody told
# the program about leaves, houses or meadows. So where do these shapes come from?

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(
    load(DATA / "results" / "01_channels.jpg", 960),
    height=520,
    alt="Six square images that look grown rather than painted: green cups like leaves, heaps of "
    "scaly eggs, bursts of coloured needles, a wall of crooked window frames, trunks with fans of "
    "palm leaves, and a meadow with tufts of grass, row behind row.",
)

# %% [markdown]
# You will make such images yourself before this notebook ends. It takes about twenty lines. But first you should know
# what a channel is, what the network computes, and how much of a picture one of its numbers can see at all. (The six
# are our choice out of some two hundred that we looked at; `python -m tools.pictures.results 01_channels` makes them
# again.)
#
# One photo will stay with us. It is a tensor of shape (1, 3, height, width), which means one picture, three colours,
# and a number between 0 and 1 for each of them at every pixel.

# %% tags=["settings"]
import torch

image_size = 192  # pixels of the images that we will make
steps = 32  # how often each of them is changed
photo = load("astronaut", size=400)[..., :256, 52:308]  # (1, 3, 256, 256)
show(photo, alt="Eileen Collins, an astronaut with short hair, smiles above the dark ring of her orange suit.")

# %% [markdown]
# ## Three kinds of layers
#
# A network like VGG19 is a chain of **layers**: what comes out of one goes into the next. There are only three kinds of
# them, and each is simple enough to do by hand. So let's do that first, on a picture of four rows and six columns that
# is dark at the left, bright in two columns, and dark again: each row is 0, 0, 0, 1, 1, 0.
#
# The first kind is a **convolution**. It has a small table of numbers, its **kernel**, and lays it on the picture: it
# multiplies each number of the kernel with the pixel under it, adds the products up, and writes down the sum. Then it
# moves on by one pixel, until it has been everywhere. The kernel below takes three pixels at the right and subtracts
# three at the left.
#
# **Your turn, before you run the next cell.** The kernel fits at four places in each row. What are the four sums, and
# why are there only four when a row has six pixels?
#
# <details><summary>Compare</summary>
#
# They are 0, 3, 3 and −3. Where everything under the kernel is dark, the two sides cancel. At the second and third
# place the right side is bright and the left side is dark, which gives 1 for each of the three rows of the kernel. At
# the last place it is the other way round. A kernel that is three pixels wide cannot be centred on the first or the
# last pixel, and so two places are lost.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, relu

row = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0]
toy = torch.tensor([row, row, row, row]).view(1, 1, 4, 6)
kernel = torch.tensor([[-1.0, 0.0, 1.0]] * 3).view(1, 1, 3, 3)
edges = conv2d(toy, kernel)  # (1, 1, 2, 4)
print(edges[0, 0])

# %% [markdown]
# So this kernel is a detector: its sum is large where dark turns bright from left to right, and −3 where bright turns
# to dark again. VGG19 keeps its maps as large as its picture by laying a frame of zeros around it before each
# [convolution](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html).
#
# A convolution also has one number that it adds to every sum, the **bias**. You can think of it as a threshold. With a
# bias of −1, an edge has to be stronger than 1 before the sum becomes positive. That matters because of the second kind
# of layer, the **ReLU** (rectified linear unit), which replaces every negative number by 0. After it, a number says how
# strongly something is there, and 0 says that it is not.
#
# The third kind, **pooling**, makes a map smaller. It cuts the map into squares of 2 × 2 and keeps one number for each:
# the largest of the four (max pooling) or their mean (average pooling).
#
# **Your turn, before you run the next cell.** Add the bias of −1, apply the ReLU, then pool in both ways. What does max
# pooling still tell you, and what does average pooling tell you instead?
#
# <details><summary>Compare</summary>
#
# The row becomes −1, 2, 2, −4 and then 0, 2, 2, 0. Max pooling makes 2 and 2 of it. It says that there is such an edge
# somewhere among the four places, and no longer where. Average pooling makes 1 and 1, which says how much of an edge
# there is per place.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
after_bias = conv2d(toy, kernel, bias=torch.tensor([-1.0]))  # (1, 1, 2, 4)
after_relu = relu(after_bias)
print("with a bias of -1 ", after_bias[0, 0, 0])
print("after the ReLU    ", after_relu[0, 0, 0])
print("max pooling       ", max_pool2d(after_relu, 2)[0, 0, 0])
print("average pooling   ", avg_pool2d(after_relu, 2)[0, 0, 0])

# %% [markdown]
# VGG19 was trained with max pooling. (For painting, Gatys and his colleagues preferred the other one, and [notebook
# 02](02_content_from_features.ipynb) shows why.)
#
# A real convolution does not have one kernel but many, for example 64. Each of them makes a map of its own, and such a map is called a
# **channel**. (We write $C$ for the number of channels, and $h$ and $w$ for the height and the width of their maps.) The next convolution sees all of these channels at once, so that each of *its* kernels
# has 3 × 3 numbers for every channel that comes in. This is how a network can build on what it has: a corner out of two
# edges, and perhaps an eye out of a ring and a dot.
#
# **Exercise 1 · design** · ●●○ · 10 minutes. Later in this notebook we will meet a channel that reacts to dark spots.
# Design a kernel for that: nine numbers, no bias. On an even area of any brightness your map must be 0 after the ReLU.
# A single dark pixel on a bright ground must give a clearly positive number. A straight edge (upright, lying or
# slanted) must give at most half of it, a bright pixel on dark ground as well, and a thin dark line must give clearly
# less than the spot does.


# %% tags=["spec", "folded"]
from torch.nn.functional import conv2d


def spot_fault(kernel):
    """What is wrong with a kernel (3, 3) that should find dark spots; an empty text if nothing is."""
    if not isinstance(kernel, torch.Tensor):
        return "please return a tensor: torch.tensor([[...], [...], [...]])"
    if not kernel.isfinite().all():
        return "the kernel must hold nine ordinary numbers"
    if tuple(kernel.shape) != (3, 3):
        return f"a kernel of shape (3, 3) is wanted, and this one has {tuple(kernel.shape)}"

    def strongest(picture):
        sums = conv2d(picture.view(1, 1, 9, 9), kernel.float().view(1, 1, 3, 3))
        return sums.relu().max().item()

    place = torch.arange(9)
    bright_spot = torch.zeros(9, 9)
    bright_spot[4, 4] = 1
    upright = (place >= 4).float().repeat(9, 1)
    slanted = (place[:, None] + place >= 8).float()
    line = (place != 4).float().repeat(9, 1)
    spot = strongest(1 - bright_spot)
    if spot < 0.1:
        return f"a dark pixel on bright ground gives only {spot:.2g}"
    limits = [  # which share of the spot's number a picture may give
        ("an even area", 0.0, [torch.full((9, 9), 0.2), torch.ones(9, 9)]),
        ("a bright pixel", 0.5, [bright_spot]),
        ("a straight edge", 0.5, [upright, 1 - upright, upright.T, 1 - upright.T, slanted, 1 - slanted]),
        ("a dark line", 0.9, [line, line.T]),
    ]
    for name, share, test_pictures in limits:
        for picture in test_pictures:
            if strongest(picture) > share * spot + 1e-4:
                return f"{name} gives {strongest(picture):.2g}, and a dark pixel {spot:.2g}"
    return ""


# %% tags=["exercise"]
def my_spot_kernel():
    """-> (3, 3), the kernel of a detector of dark spots."""
    # solution
    return torch.tensor([[1.0, 1.0, 1.0], [1.0, -8.0, 1.0], [1.0, 1.0, 1.0]])


# %% tags=["check"]
from helpers.check import judge

judge(my_spot_kernel, spot_fault);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# On an even area of brightness $b$ the sum is $b$ times the sum of the nine numbers. How large may that sum be at most, if the map must be 0 after the ReLU?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A spot is a pixel that is darker than *all* its neighbours. So give the neighbours one sign and the pixel itself the
# other, and think about which is which.
#
# </details>
#
# <!-- solution: my_spot_kernel -->
#
# ## The whole network in one table
#
# [Karen Simonyan and Andrew Zisserman](https://arxiv.org/abs/1409.1556) put sixteen convolutions in a row, each with a
# ReLU behind it, and five poolings in between. In 2014 they trained the chain to name what is in a photo, a thousand
# kinds of things from sea snakes to espresso, on the 1.3 million photos of the [ImageNet](https://www.image-net.org) challenge.
# **Training** means that the numbers in the kernels and the biases begin at random and are adjusted, a little after
# every batch of photos, until the names come out right. These adjustable numbers are the **parameters** of the network.
#
# `VGG()` loads the parameters that they published, rescaled so that they take our pictures (red, green and blue, from 0 to 1).
# What they compute is the same, up to one common factor. The name of a layer says its kind, its block and its place
# in the block, so `conv3_2` is the second convolution of block 3. A pooling ends each block.

# %%
from helpers.vgg import VGG

vgg = VGG()
photo = photo.to(vgg.device)
print(vgg)

# %% [markdown]
# Now the table. How many parameters has `conv1_1`? It has 64 kernels, and each of them looks at 3 colours with 3 × 3
# numbers, which makes 64 · 27. Every kernel has one bias as well, so we expect 64 · 27 + 64 = 1,792.

# %%
# NBVAL_CHECK_OUTPUT
side = 224  # of a photo: VGG19 was trained on photos of 224 x 224 pixels
channels = 3
total = 0
print("layer    channels    map      parameters")
for name, layer in vgg.layers.items():
    if name.startswith("relu"):
        continue  # a ReLU changes neither the size nor the channels, and has no parameters
    if name.startswith("conv"):
        channels = layer.out_channels
    else:
        side = side // 2
    parameters = sum(numbers.numel() for numbers in layer.parameters())
    total += parameters
    print(f"{name:8} {channels:8}  {side:3} x {side:<3}  {parameters:11,}")
print(f"in all {total:,} parameters")

# %% [markdown]
# Your hand count agrees with the first row. Read down the columns and you see the plan of the network: each pooling
# halves the map, and the next block doubles the channels (until there are 512). Near the input there are few channels
# with very many places, and near the end there are many channels with few places. Nearly nine in ten of the twenty
# million parameters sit in the last two blocks.
#
# If you count the rows with parameters you get sixteen, and the name says nineteen. The other three came after `pool5`
# and turned its numbers into a thousand scores, one for each kind of thing
# ([torchvision](https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.vgg19.html) shows them). Style
# transfer does not need the names, and so `VGG()` leaves these three out.
#
# A drawing says it faster than the table. Each coloured slab is a convolution with its ReLU, and each grey one a pooling. The face of a slab stands for the
# size of the map, and its thickness for the number of channels.


# %%
import matplotlib.pyplot as plt
from helpers.show import figure
from matplotlib.colors import to_rgb


def slab(axes, x, width, side, colour):
    """Draw one layer as a block seen from the front left: its front, its top and its face."""
    lean = 0.26 * side
    low = -side / 2
    high = side / 2
    right = x + width
    darker = [0.75 * part for part in to_rgb(colour)]
    lighter = [0.6 * part + 0.4 for part in to_rgb(colour)]
    style = {"edgecolor": "white", "linewidth": 0.8}
    axes.fill([x, right, right, x], [low, low, high, high], facecolor=colour, **style)
    axes.fill([x, right, right + lean, x + lean], [high, high, high + lean, high + lean], facecolor=lighter, **style)
    axes.fill([right, right + lean, right + lean, right], [low, low + lean, high + lean, high], facecolor=darker, **style)


block_colours = {"1": "#4c78a8", "2": "#5a9e6f", "3": "#d9a441", "4": "#cf6b3f", "5": "#85609a"}
read_for_style = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
fig, axes = plt.subplots(figsize=(11, 5))
x = 0.0
pixels = 224
channels = 3
for name, layer in vgg.layers.items():
    if name.startswith("relu"):
        continue
    if name.startswith("pool"):
        pixels = pixels // 2
        width = 0.25
        colour = "#a0a0a0"
    else:
        channels = layer.out_channels
        width = channels / 1500 + 0.3
        colour = block_colours[name[4]]
    face = 7 * (pixels / 224) ** 0.5  # the root, so that the last ones can still be seen
    if name.endswith("_1"):
        axes.text(x, 0.76 * face + 0.4, f"{channels} channels\n{pixels} × {pixels}", fontsize=11)
    slab(axes, x, width, face, colour)
    label = {"color": "black"}
    if name in read_for_style:
        label = {"color": "#b3261e", "weight": "bold"}
    if name == "conv4_2":
        label = {"color": "#1a4fa0", "weight": "bold"}
    axes.text(x + 0.25, -4, name, rotation=90, ha="center", va="top", fontsize=12, **label)
    x += 0.85 + 0.12 * face
axes.set_aspect("equal")
axes.axis("off")
figure(fig, alt="VGG19 from left to right as slabs: two tall thin blue ones, two green, four yellow, four "
       "orange and four small thick violet ones, a grey pooling after each block, and each layer's name below it.")

# %% [markdown]
# In this series we read the network after the ReLU of six of these layers, as [Gatys, Ecker and
# Bethge](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# did in 2016: the five with red names, at the beginning of each block, for the **style** of a picture, and the blue one
# for its **content**. (The areas of the faces are not to scale: the last maps are in truth 16 times as narrow as the
# first.)
#
# **Exercise 2 · predict** · ●○○ · 5 minutes. Now count the parameters of three layers that VGG19 does *not* have. (a) A
# convolution that takes 3 colours and makes 96 channels with kernels of 11 × 11, as in
# [AlexNet](https://papers.nips.cc/paper_files/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html). (b) A
# convolution from 512 channels to 128 with kernels of 1 × 1. (c) A max pooling of 3 × 3. Return whole numbers.


# %% tags=["spec", "folded"]
from torch import nn


def count_spec():
    layers = {"a": nn.Conv2d(3, 96, 11), "b": nn.Conv2d(512, 128, 1), "c": nn.MaxPool2d(3)}
    counts = {}
    for name, layer in layers.items():
        counts[name] = sum(numbers.numel() for numbers in layer.parameters())
    return counts


# %% tags=["exercise"]
def my_counts():
    """-> {"a": ..., "b": ..., "c": ...}, the number of parameters of each of the three layers."""
    # solution
    return {"a": 96 * 3 * 11 * 11 + 96, "b": 128 * 512 + 128, "c": 0}


# %% tags=["check"]
from helpers.check import check

check(my_counts, count_spec, tolerance=0);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# One kernel has height × width numbers for each channel that comes in. There is one kernel for each channel that goes
# out.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Did you count the biases? And what is there to learn in "take the largest"?
#
# </details>
#
# <!-- solution: my_counts -->
#
# ## How far does one number see?
#
# A number in `conv1_1` depends on a square of 3 × 3 pixels and on nothing else. A number in `conv1_2` depends on 3 × 3
# numbers of `conv1_1`, and each of these sees a square of its own, so together they see 5 × 5 pixels. The square of
# pixels that one number depends on is its **receptive field**. It decides what a channel *can* be about: a channel that
# sees 5 pixels will never recognise a face.
#
# We can work it out for every layer if we keep two numbers while we walk through the network. The first is the width
# $r$ of the square. The second is the jump $j$, which is how many pixels the square moves when we go to the
# neighbouring number. A convolution takes in one more neighbour at each side, so $r$ grows by $2j$. A pooling takes in
# one neighbour, so $r$ grows by $j$, and then it keeps only every second place, so $j$ doubles. A ReLU looks at a
# single place and changes neither.
#
# **Your turn, before you run the next cell.** A pixel sees itself: $r = 1$, $j = 1$. Walk through block 1 and on to
# `conv2_1`.
#
# <details><summary>Compare</summary>
#
# `conv1_1` makes $r = 3$ and `conv1_2` makes 5. `pool1` makes $r = 6$ and $j = 2$. So `conv2_1` adds four pixels, which
# makes 10.
#
# </details>


# %%
# NBVAL_CHECK_OUTPUT
def receptive_fields(names):
    """Layer names in order -> {name: (width of the square, jump)}, both in pixels."""
    fields = {}
    width = 1
    jump = 1
    for name in names:
        if name.startswith("conv"):
            width = width + 2 * jump
        if name.startswith("pool"):
            width = width + jump
            jump = 2 * jump
        fields[name] = (width, jump)
    return fields


fields = receptive_fields(vgg.layers)
depths = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
for layer in depths:
    width, jump = fields[layer]
    print(f"one number of {layer} sees {width:3} x {width:<3} pixels; its neighbour's square begins {jump:2} pixels further on")

# %% [markdown]
# That was arithmetic with a rule that we worked out a minute ago. Is it true of the real network? We can ask the
# network itself, with a **gradient**: a list that says, for every pixel, how much one number would change if that pixel
# became a little brighter. PyTorch works it out automatically
# ([autograd](https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html)). A pixel that the number cannot see
# has a gradient of exactly 0, so we only have to measure how wide the rest is.
#
# There is one trap. A ReLU that outputs 0 lets no gradient through, so a channel that is silent for an image seems to see nothing
# at all. But all channels of a place see the same square, so we add them up, and to be safe we add up four noise
# images as well. A ReLU that blocks the signal for one of them usually lets it through for another.

# %%
from helpers.images import noise


def influence(layer, size=192, draws=4):
    """How much each pixel of a few noise images matters for the number in the middle of a layer: (size, size)."""
    total = torch.zeros(size, size, device=vgg.device)
    for seed in range(draws):
        image = noise(torch.empty(1, 3, size, size, device=vgg.device), seed).requires_grad_()
        features = vgg(image, [layer])[layer]  # (1, C, h, w)
        middle = features.shape[2] // 2
        number = features[0, :, middle, middle].sum()  # all channels of one place
        (gradient,) = torch.autograd.grad(number, image)  # (1, 3, size, size)
        total += gradient[0].abs().sum(0)
    return total


# %%
# NBVAL_CHECK_OUTPUT
influences = {}
for layer in depths:
    influences[layer] = influence(layer)
    is_seen = influences[layer] > 0
    width = is_seen.any(0).sum().item()
    height = is_seen.any(1).sum().item()
    print(f"{layer}: by hand {fields[layer][0]:3}, by gradient {width:3} x {height}")

# %% [markdown]
# The two agree to the pixel at all five depths. Now let's draw the squares on the photo, at the left. The right panel shows, for noise images of 192 pixels,
# how large the gradient of `relu5_1` is (its square root, so that the faint rim can be seen). Its square is not quite in
# the middle, because the 12 places of a row have no middle one.

# %%
from matplotlib.patches import Rectangle

fig, (left, right) = plt.subplots(1, 2, figsize=(10.4, 5.2))
left.imshow(photo[0].permute(1, 2, 0).cpu())
line_colours = ["#ffffff", "#ffe14d", "#4df0ff", "#ff8df2", "#2a2aff"]
for layer, colour in zip(depths, line_colours, strict=True):
    width, _ = fields[layer]
    corner = (128 - width / 2, 88 - width / 2)  # all of them around the tip of her nose
    label = f"{layer}: {width} px"
    left.add_patch(Rectangle(corner, width, width, fill=False, edgecolor=colour, linewidth=2.5, label=label))
left.legend(loc="lower right", fontsize=9, facecolor="#777777", labelcolor="white")
left.set_title("what one number of each layer sees")
brightness = influences["relu5_1"] / influences["relu5_1"].max()
right.imshow(brightness.sqrt().cpu(), cmap="magma")
right.add_patch(Rectangle((26, 26), 156, 156, fill=False, edgecolor="#8f8fff", linewidth=2))
right.set_title("how much each pixel matters for relu5_1")
for axes in (left, right):
    axes.axis("off")
figure(fig, alt="Left, squares on the astronaut's photo: a dot and a tiny square on her nose, one as large as the nose, "
       "one over her face from the brows to the chin, one around her whole head. Right, a bright speckled blob that fades towards the edge of its square.")

# %% [markdown]
# A number of `relu1_1` or `relu2_1` sees a spot of skin, and one of `relu3_1` a nose. At `relu4_1` there is
# room for eyes, nose and mouth, and at `relu5_1` for a whole head. The right panel adds something that the squares do
# not tell: pixels in the middle matter far more than those near the rim, because many paths through the network lead to
# the centre and only one to each corner ([Luo and colleagues](https://arxiv.org/abs/1701.04128) worked out how much
# more).
#
# No number of these five layers can see a pattern that is wider than 156 pixels, no matter how large the picture is.
# Remember this when we paint large pictures in [notebook 09](09_bigger_pictures.ipynb).
#
# **Exercise 3 · build** · ●●○ · 10 minutes. Our rule walks forward and knows only VGG's own layers. Turn it round:
# start from *one* number at the end and walk back, layer by layer, asking how many numbers in a row are needed. It
# should work for any kernel size and any stride (how far a kernel moves from one place to the next). The specification
# below collects the needed places one by one; you need only how far they reach.


# %% tags=["spec"]
def field_spec(kernels, strides):
    needed = {0}
    for layer in reversed(range(len(kernels))):
        below = set()
        for place in needed:
            for offset in range(kernels[layer]):
                below.add(place * strides[layer] + offset)
        needed = below
    return max(needed) - min(needed) + 1


# %% tags=["exercise"]
def my_field(kernels, strides):
    """Kernel sizes and strides, first layer first -> how many pixels in a row one number at the end spans."""
    # solution
    width = 1
    for layer in reversed(range(len(kernels))):
        width = (width - 1) * strides[layer] + kernels[layer]
    return width


# %% tags=["check"]
from helpers.check import check, each

kernels = each([3, 3, 2, 3], [7, 3, 5], [2, 2, 2, 2], [1, 3, 1], [11])
strides = each([1, 1, 2, 1], [2, 1, 3], [2, 2, 2, 2], [3, 1, 2], [4])
check(my_field, field_spec, kernels, strides);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# If $n$ neighbouring numbers are needed after a layer, how many are needed before it? Draw $n = 2$ for a kernel of 3,
# with a stride of 1 and then of 2.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The first of the $n$ needs as many as the kernel has. Each of the other $n - 1$ begins one stride further on.
#
# </details>
#
# <!-- solution: my_field -->
#
# **Exercise 4 · diagnose** · ●●○ · 10 minutes. Ada and Ben each typed VGG19 anew from the table, and each forgot one
# layer. Then they measured `relu5_1` with a gradient, as we did. Ada's square is 84 pixels wide, and Ben's is 148.
# Which layer did each of them forget? (One of the two questions has several right answers, and any of them will do.)


# %% tags=["spec", "folded"]
from helpers.vgg import layer_names


def diagnosis_fault(answer):
    """What does not fit in a diagnosis such as {"Ada": "pool1", "Ben": "conv1_2"}."""
    names = layer_names()
    for person, measured in {"Ada": 84, "Ben": 148}.items():
        missing = answer.get(person)
        if missing not in names:
            return f"{missing!r}, for {person}, is no layer of VGG19"
        width = jump = 1
        for name in names[: names.index("relu5_1")]:
            if name != missing and name.startswith("conv"):
                width += 2 * jump
            if name != missing and name.startswith("pool"):
                width += jump
                jump *= 2
        if width != measured:
            return f"without {missing}, the square would be {width} pixels wide, and {person} measured {measured}"
    return ""


# %% tags=["exercise"]
def my_diagnosis():
    """-> {"Ada": the name of a layer, "Ben": the name of a layer}."""
    # solution
    return {"Ada": "pool2", "Ben": "conv3_4"}


# %% tags=["check"]
from helpers.check import judge

judge(my_diagnosis, diagnosis_fault);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Ben's square is only 8 pixels too narrow. By how much does one convolution widen the square in each of the blocks?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Ada has lost 72 pixels, far more than any convolution adds. Without a pooling, every later layer jumps half as far.
# Try the poolings one by one.
#
# </details>
#
# <!-- solution: my_diagnosis -->
#
# ## Walk through it
#
# Now we send the photo through. One thing comes first: from each colour we subtract its mean over the training photos and divide by its
# spread. (The authors only subtracted the mean. The division is PyTorch's habit, and our copy of the parameters is adapted
# to it.) After that, a network is nothing but a
# loop, and to look inside, you keep what passes by.


# %%
mean = torch.tensor([0.485, 0.456, 0.406], device=vgg.device).view(1, 3, 1, 1)
spread = torch.tensor([0.229, 0.224, 0.225], device=vgg.device).view(1, 3, 1, 1)


def walk(image, layers):
    """An image (1, 3, H, W) in [0, 1] -> {name: what came out of that layer, (1, C, h, w)}."""
    outputs = {}
    numbers = (image - mean) / spread
    for name, layer in layers.items():
        numbers = layer(numbers)
        outputs[name] = numbers
    return outputs


# %% [markdown]
# What comes out of a layer are the **features** of the picture. `vgg(photo, depths)` is this same loop with checks
# around it, and for the rest of the series we will use that. First we make sure that the two are equal, and we count
# how many of the numbers are 0.

# %%
# NBVAL_CHECK_OUTPUT
from helpers.check import close

by_hand = walk(photo, vgg.layers)
features = vgg(photo, depths)
for layer in depths:
    zeros = (features[layer] == 0).float().mean().item()
    print(f"{layer}: shape {tuple(features[layer].shape)}, {zeros:.3f} of its numbers are 0")
close("our walk to relu5_1", by_hand["relu5_1"], features["relu5_1"])

# %% [markdown]
# Look at the shares. In the first four of these layers, between a third and a little more than a half of the numbers are 0, and at
# `relu5_1` it is three quarters. A channel of the deep layer stays silent at most places, and speaks up only where it finds what it is looking
# for. (In a network of the same shape that was never trained, about half of the numbers are 0 at every depth. We will meet
# such a network below.) That makes it worth asking what that might be.
#
# (Two famous mistakes happen exactly here, a ReLU that overwrites the features that you kept, and pixels on the wrong
# scale. Neither raises an error. [Notebook 12](12_bug_museum.ipynb) shows the pictures that come of them.)
#
# A channel is a map, so let's look at some. We have picked one channel from each depth because the five make a good
# story, and we will stay with them until the end. Dark means 0, and the lightest place is the channel's maximum.

# %%
from helpers.show import heat

picked = {"relu1_1": 29, "relu2_1": 67, "relu3_1": 234, "relu4_1": 264, "relu5_1": 457}
tiles = [photo]
titles = ["the photo"]
for layer, channel in picked.items():
    tiles.append(heat(features[layer][0, channel], low=0))  # (h, w) -> a picture
    titles.append(f"{layer}, channel {channel}")
show(tiles, titles, columns=3, height=310,
     alt="The photo and five maps. Channel 29 is bright on the orange suit, 67 on upright outlines of cheeks, hair and ring, 234 on two "
     "eyes and two corners of the mouth, 264 on the eyes in coarse squares, and 457 on a block of squares across the face.")

# %% [markdown]
# Channel 29 of `relu1_1` lights up on the orange suit and on the red flag at the left. Channel 67 of `relu2_1` draws
# the upright parts of outlines, most of all where dark turns to light from left to right, and leaves out the lying ones. Channel 234 of `relu3_1` has four bright spots in her
# face, at both eyes and both corners of the mouth. Channel 264 of `relu4_1` keeps the two eyes. And channel 457 of
# `relu5_1`, where one square stands for 16 × 16 pixels, is bright in the middle of her face and nearly silent
# elsewhere.
#
# In a live notebook you can choose a layer and a channel yourself. (A layer with fewer channels begins again at 0.)
# Leaf through twenty or thirty of them before you go on. Some are easy, like channel 445 below, which is bright on skin
# and on orange cloth. Most are much harder to put into words than our five.

# %%
import ipywidgets
from helpers.show import browse


def look(layer, channel):
    channel = channel % features[layer].shape[1]
    values = features[layer][0, channel]  # (h, w)
    titles = ["the photo", f"{layer}, channel {channel}: at most {values.max().item():.1f}"]
    return show([photo, heat(values, low=0)], titles, height=330,
                alt=f"The astronaut's photo, and beside it the map of channel {channel} at {layer}.")


browse(
    look,
    layer=ipywidgets.Dropdown(options=depths, value="relu4_1", description="layer"),
    channel=ipywidgets.IntSlider(445, 0, 511, description="channel", continuous_update=False),
)

# %% [markdown]
# ## What excites a channel?
#
# One photo cannot tell us what a channel is about. Channel 457 may be for faces, or for skin, or for anything round and
# light with dark above it. So we look at all forty pictures of `data/` and ask where in each of them the channel
# becomes strongest. Then we cut out the square that it sees there, and look at what the best squares have in common.
#
# There is a catch, and many pretty figures have fallen into it. If you cut large squares out of good pictures, you get
# a row of interesting squares *whatever* the channel does, and people are very good at finding something in common. So
# we need a control: a second network with the same layers, whose parameters are random numbers because nobody ever
# trained it. We draw its kernels as one does at the beginning of a training ([He and
# colleagues](https://arxiv.org/abs/1502.01852): mean 0, variance 2 over the count of inputs), and leave its biases at
# 0.


# %%
def randomise(net):
    """Throw away everything that a network has learned; its shape stays."""
    generator = torch.Generator().manual_seed(0)
    for name, layer in net.layers.items():
        if name.startswith("conv"):
            inputs = layer.weight[0].numel()
            kernels = torch.randn(layer.weight.shape, generator=generator)
            layer.weight.copy_(kernels * (2 / inputs) ** 0.5)
            layer.bias.zero_()
    return net


untrained = randomise(VGG())

# %% [markdown]
# Each network now visits all pictures. For every channel we note how strong it gets in a picture, and where. Places so
# near the border that they see the frame of zeros are left out, because there the network reacts to the frame.

# %%
from helpers.images import names
from torch.nn.functional import interpolate


def gallery_picture(name):
    """A picture whose short side has 240 pixels, and whose long side is cut at 320."""
    picture = load(name, size=640)
    scale = 240 / min(picture.shape[2:])
    return interpolate(picture, scale_factor=scale, mode="area")[..., :320, :320]


def peaks(values, layer):
    """Features (1, C, h, w) -> for each channel how strong it gets, in which row and in which column: (C,) each."""
    width, jump = fields[layer]
    margin = (width + jump - 1) // (2 * jump)  # places whose square reaches over the border
    inside = values[0, :, margin:-margin, margin:-margin]
    strength, place = inside.flatten(1).max(1)
    row = place // inside.shape[2] + margin
    column = place % inside.shape[2] + margin
    return strength, row, column


@torch.no_grad()
def visit(net):
    """-> {picture: {layer: peaks of all channels}}."""
    visits = {}
    for name, picture in pictures.items():
        outputs = net(picture, depths)
        visits[name] = {layer: peaks(outputs[layer], layer) for layer in depths}
    return visits


pictures = {name: gallery_picture(name).to(vgg.device) for name in names()}
trained_visits = visit(vgg)

# %%
untrained_visits = visit(untrained)
show(pictures.values(), columns=10, height=60,
     alt="All forty pictures as small tiles: twelve photos, twenty-one paintings and prints, and seven textures such as bricks and leaves.")

# %% [markdown]
# For a channel we sort the pictures by how strong it gets in them, and cut the square out of each of the best six.


# %%
def square(name, row, column, layer):
    """The pixels that one place of a layer sees in a picture."""
    width, jump = fields[layer]
    before = (width - jump) // 2
    top = row * jump - before
    left = column * jump - before
    return pictures[name][..., top : top + width, left : left + width]


def best_squares(visits, layer, channel, count=6):
    """What a channel sees where it is strongest, in the pictures that excite it most."""
    strength_in = {name: visits[name][layer][0][channel].item() for name in visits}
    best = sorted(strength_in, key=strength_in.get, reverse=True)[:count]
    squares = []
    for name in best:
        _, rows, columns = visits[name][layer]
        squares.append(square(name, rows[channel].item(), columns[channel].item(), layer))
    return squares


def sheet_of_squares(layers, height, alt):
    """For each layer a row of VGG19's channel and a row of the random network's."""
    tiles = []
    titles = []
    for layer in layers:
        tiles += best_squares(trained_visits, layer, picked[layer])
        titles += ["VGG19", layer, f"channel {picked[layer]}", "", "", ""]
        tiles += best_squares(untrained_visits, layer, picked_untrained[layer])
        titles += ["random", layer, f"channel {picked_untrained[layer]}", "", "", ""]
    return show(tiles, titles, columns=6, height=height, alt=alt)


# %% [markdown]
# From the random network, too, we picked by eye: at each depth the row whose squares looked most alike to us. So both
# are shown with the same good will. We begin with the three shallow layers, where a square has 3, 10 and 24 pixels.
#
# **Your turn, before you run the next cell.** At which of the three depths do you expect to be able to tell the trained
# network's row from the random one's?
#
# <details><summary>Compare</summary>
#
# Hardly at `relu1_1`. A kernel of 3 × 3 pixels in three colours cannot do much more than like a colour or an edge, and
# random numbers do that as well. The difference grows with depth, because random kernels pile up on random kernels,
# while trained ones build on each other.
#
# </details>

# %%
picked_untrained = {"relu1_1": 60, "relu2_1": 117, "relu3_1": 240, "relu4_1": 361, "relu5_1": 132}
sheet_of_squares(["relu1_1", "relu2_1", "relu3_1"], 104, alt=(
    "Six rows of six squares. relu1_1: plain reds for VGG19, plain blues and greens for the random network. relu2_1: dark "
    "upright strokes beside light, against dark blue under something pale. relu3_1: dark spots on light ground, the last an eye, against reddish brown odds and ends."
))

# %% [markdown]
# At `relu1_1` you could not say which of the two was trained: one row is red, the other is blue and green. At `relu2_1`
# VGG19's channel wants something dark with something light to the right of it, like the kernel that we worked out by hand, and
# the random one likes dark blue below something pale (the stained glass is its misfit). At `relu3_1` the rows part. VGG19's row has a dark spot in nearly every square: a blot of ink,
# windows, a black tile of Klimt's, the hole in a dried bud, an eye. (The curl of a wave is the misfit.) What five squares of the random row share is a reddish brown (the
# fourth is magenta), and no shape at all.
#
# Now the two deep layers, with squares of 68 and 156 pixels.

# %%
sheet_of_squares(["relu4_1", "relu5_1"], 136, alt=(
    "Four rows of six squares. relu4_1 for VGG19: whirls of ink, a palm-shaped ornament, a wave, a badge, a medallion, a glass flower; for the random network pale and "
    "smooth areas. relu5_1 for VGG19: the girl with the pearl earring, Van Gogh, the cat, a cup, Kandinsky, red gates; for the random network waves, a shipwreck, the girl, a lake."
))

# %% [markdown]
# Channel 264 likes round things that have a middle: a whirl of ink, a medallion, a flower of glass. (The palm ornament, the badge and the wave do not fit, which is half of the row. We leave them in, because a row without its misfits is no evidence.) The random row below it shares
# what is pale and smooth, from mist to pavement, and no shape.
#
# Channel 457 starts with three faces, as its map on the photo suggested. (The astronaut herself is not among the six.) Then it
# goes on with a cup of coffee, a
# Kandinsky and a row of gates, and one begins to wonder. Forty pictures hold only a few faces, so what comes after them
# had to be *something*.
#
# The last row is the one to remember. A wave, a shipwreck, the girl, a tower by a lake, another lake, and waves again:
# five of six squares have water in them. If we had shown you this row alone, you would have believed in a channel for
# water. But this network has never been trained, and knows nothing of water or of anything else. What the squares share
# is a mixture of light and dark that happens to suit its random kernels, and that they show whole things is no merit of
# the network, because a square of 156 pixels nearly always does.
#
# In a live notebook you can ask both networks about any channel.

# %%
def compare(layer, channel):
    channel = channel % features[layer].shape[1]
    tiles = best_squares(trained_visits, layer, channel) + best_squares(untrained_visits, layer, channel)
    titles = ["VGG19", layer, f"channel {channel}", "", "", "", "random", layer, f"channel {channel}", "", "", ""]
    return show(tiles, titles, columns=6, height=120,
                alt=f"What excites channel {channel} of {layer} most: six squares for VGG19, and below them six for the random network.")


browse(
    compare,
    layer=ipywidgets.Dropdown(options=depths, value="relu5_1", description="layer"),
    channel=ipywidgets.IntSlider(426, 0, 511, description="channel", continuous_update=False),
)

# %% [markdown]
# Channel 426 of VGG19 seems to be about buildings, at least at first. So the squares give us good guesses, but they are
# limited by the pictures that we happen to have. There is a more direct way. Instead of searching for a picture that
# excites the channel, we *make* one: we begin with grey noise, ask for the gradient of the channel's mean with respect
# to every pixel, and move each pixel a little in the direction that makes the mean grow. Then we do it again. This is
# called **gradient ascent**, and in the rest of this series we will do the same thing downhill. ([Simonyan, Vedaldi and
# Zisserman](https://arxiv.org/abs/1312.6034) did this in 2013, for whole classes instead of channels and with an earlier network; a version with shifted and
# smoothed images became famous two years later as [Deep
# Dream](https://research.google/blog/inceptionism-going-deeper-into-neural-networks/).)
#
# Two practical points. We ask for `conv5_1`, the numbers *before* the ReLU, because a ReLU that outputs 0 has a
# gradient of 0 and the image would never start to move. And each step shifts the image by a few pixels before the
# network looks at it, so that the image cannot make use of the exact grid on which the poolings lie.


# %%
from helpers.fast import fast


def excite(net, layer, channel, direction, size=image_size):
    """Change noise until a channel is strong on average: -> an image (1, 3, size, size)."""
    generator = torch.Generator().manual_seed(0)
    start = 0.5 + 0.05 * torch.randn(1, 3, size, size, generator=generator)
    image = start.to(net.device)
    for step in range(steps):
        image.requires_grad_()
        shift = torch.randint(-8, 9, (2,), generator=generator).tolist()
        outputs = net(image.roll(shift, dims=(2, 3)), [layer])[layer]  # (1, C, h, w)
        strength = outputs[0, channel].float().mean()
        (gradient,) = torch.autograd.grad(strength, image)  # (1, 3, size, size)
        change = direction(gradient)
        rate = 0.05 * (1 - step / steps)  # smaller and smaller steps
        image = image.detach() + rate * change / change.std()
        image = (0.5 + 0.97 * (image - 0.5)).clamp(0, 1)  # a little back towards grey
    return image


# %% [markdown]
# What is left to choose is the direction of a step. The obvious choice is the gradient itself. But the gradient is
# grainy: it tells one pixel to become brighter and its neighbour to become darker. So for the second choice we add
# blurred copies of the gradient to it, so that wide areas change as readily as single pixels, and we take out some of
# its colour. Both choices go uphill.


# %%
def as_it_is(gradient):
    return gradient


def all_widths(gradient):
    """A gradient plus blurred copies of it, all equally strong, in muted colours."""
    total = gradient / gradient.std()
    for width in (2, 4, 8, 16):
        blurred = avg_pool2d(gradient, width)
        blurred = interpolate(blurred, gradient.shape[2:], mode="bilinear")
        total = total + blurred / blurred.std()
    grey = total.mean(1, keepdim=True)
    return 0.4 * total + 0.6 * grey


# %% [markdown]
# We let the images pool by average, which passes the gradient on to all four pixels instead of one, and `fast` lets the
# network compute with fewer digits, in half precision, if your machine is faster at that. Then we ask for channel 457.
#
# **Your turn, before you run the next cell.** You know its map on the photo and the six squares that excite it most.
# Write down in one line what you think this channel is for. What would an image show that contains nothing else?
#
# <details><summary>Compare</summary>
#
# Eyes. They come with lids, with a gleam in the pupil, and with skin around them, and nobody ever told the network that
# there is such a thing as an eye. If you wrote "faces", look for a nose or a mouth: you will not find one. So it was
# perhaps by their eyes that the three faces came first, and the cup of coffee came fourth because it is a dark round
# thing within a light rim.
#
# </details>

# %% tags=["painting"]
painter = fast(VGG(pool="avg"))
grainy = excite(painter, "conv5_1", 457, as_it_is)
made = {"relu5_1": excite(painter, "conv5_1", 457, all_widths)}

# %%
show([grainy, made["relu5_1"]], ["the gradient as it is", "the gradient at all widths"], height=360,
     alt="Two images of about ten eyes each, with lids and pupils: at the left drawn in coloured grain on grey, at the right with soft shadows on violet skin.")

# %%
@torch.no_grad()
def mean_strength(image):
    return vgg(image, ["relu5_1"])["relu5_1"][0, 457].mean().item()


noise_start = noise(photo, seed=0)
for name, image in {"noise": noise_start, "the photo": photo, "grainy eyes": grainy, "soft eyes": made["relu5_1"]}.items():
    print(f"{name:12} excites channel 457 with {mean_strength(image):6.2f} on average")

# %% [markdown]
# Both images show the same eyes, and the channel is a little more pleased with the grainy one, so the soft shadows are for us.
# Averaged over all places, either image excites it more than thirty times as much as the photo does. A part of that is easy to
# understand: the photo has one face, and these images are full of eyes.
#
# Now the same for the other depths, and for the random network. The question is again what training adds, so look at
# the two rows together.

# %% tags=["painting"]
for layer in ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]:
    conv = layer.replace("relu", "conv")
    made[layer] = excite(painter, conv, picked[layer], all_widths)

# %% tags=["painting"]
untrained_painter = fast(randomise(VGG(pool="avg")))
made_untrained = {}
for layer in depths:
    conv = layer.replace("relu", "conv")
    made_untrained[layer] = excite(untrained_painter, conv, picked_untrained[layer], all_widths)

# %%
tiles = []
titles = []
for layer in ["relu1_1", "relu2_1"]:
    tiles += [made[layer], made_untrained[layer]]
    titles += [f"{layer}, VGG19", f"{layer}, random"]
show(tiles, titles, columns=4, height=232, alt=(
    "Four images. relu1_1: an even red for VGG19, an even green for the random network. relu2_1: black and white upright "
    "strokes like zebra skin for VGG19, and a violet weave with small dark flaws for the random network."))

# %% [markdown]
# `relu1_1` is a matter of colour in both networks, as the squares had said. At `relu2_1` VGG19's channel produces zebra
# skin, and the random one a weave of fine lying threads with small dark flaws. Now the three deeper ones.

# %%
deep = ["relu3_1", "relu4_1", "relu5_1"]
tiles = [made[layer] for layer in deep] + [made_untrained[layer] for layer in deep]
titles = [f"{layer}, VGG19" for layer in deep] + [f"{layer}, random" for layer in deep]
show(tiles, titles, columns=3, height=270, alt=(
    "Two rows of three images. Above, VGG19: black spots on grey skin, small rings with dark pupils in red and blue, and large eyes. "
    "Below, the random network: brownish haze, pale grain, and violet streaks; no shapes at all."))

# %% [markdown]
# (The odd margins of the lower row come from the frame of zeros.) Read the upper row from left to right. First there is a dark spot, then a dark spot with rings around it, and at last
# an eye with lids, a gleam and skin. We have not shown that the first of these channels feeds the next. But every
# channel is made of channels before it, and the row shows how much there is to work with at each depth. In the lower
# row, where the very same program worked for just as long on a network of the same shape, there are haze, grain and
# streaks.
#
# This is only one family of channels out of many, and we chose it because it is easy to recognise. Try others.
#
# **Exercise 5 · make a picture** · ●○○ · 10 minutes. Make an image of your own and give it a title. The cell below
# takes a few seconds. If you want suggestions: channels 51, 175, 333 and 426 of `conv5_1` are in the picture at the top
# of this notebook, 253 and 492 of the same layer have fur and look alive, 428 and 496 of `conv4_1` would do as wallpaper, and 445 is the one
# that was bright on skin. Then make the same channel at 320 pixels. What has become larger, the things or their number?

# %% tags=["painting"]
my_layer = "conv4_1"
my_channel = 445
my_size = 128
mine = excite(painter, my_layer, my_channel, all_widths, size=my_size)
show(mine, f"{my_layer}, channel {my_channel}", height=320,
     alt="Rows of soft orange and brown rings with dark centres on cream, like mushrooms seen from above.")

# %% [markdown]
# <details><summary>What to look for</summary>
#
# The things keep their size, and there are more of them, because a channel cannot see further than its receptive field.
# Compare `conv4_1` with `conv5_1` and you will find that the motif grows with the field.
#
# </details>
#
# ## Is it the training?
#
# Pictures persuade, and so we should end with numbers. For every channel of each layer we take its three favourite
# pictures, the three in which it gets strongest. Three of the forty are portraits: the astronaut, the girl with the
# pearl earring, and Van Gogh himself. How many channels have exactly these three as their favourites? There are 40 · 39
# · 38 / 6 = 9,880 ways to choose three pictures out of forty, so if 512 channels chose by lot, we would expect 512 /
# 9,880 = 0.05 of them.
#
# We also ask which trio gets the most votes. (A channel votes only if it is above 0 in at least three pictures. One that is 0 in all forty is counted as
# silent.)

# %%
# NBVAL_CHECK_OUTPUT
gallery = list(pictures)
portraits = ["astronaut", "girl_with_a_pearl_earring", "vangogh_self_portrait_1887"]
portrait_trio = torch.tensor(sorted(gallery.index(name) for name in portraits))


def strengths(visits, layer):
    """How strong each channel gets in each picture: (pictures, channels)."""
    return torch.stack([visits[name][layer][0] for name in gallery]).cpu()


def hardest_edges(picture):
    """How much brightness changes from one pixel to the next, where it changes most (at one step in a thousand)."""
    across = picture[..., :, 1:] - picture[..., :, :-1]
    down = picture[..., 1:, :] - picture[..., :-1, :]
    changes = torch.cat([across.flatten(), down.flatten()]).abs()
    return changes.quantile(0.999).item()


hard = sorted(gallery, key=lambda name: hardest_edges(pictures[name]), reverse=True)
print("the pictures with the hardest edges:", ", ".join(hard[:4]))
print("                 silent  voting  portraits  most votes  for")
for network, visits in {"VGG19": trained_visits, "random": untrained_visits}.items():
    for layer in depths:
        best = strengths(visits, layer).topk(3, dim=0)  # (3, C) values and indices
        is_voting = best.values[2] > 0
        favourites = best.indices[:, is_voting].sort(0).values.T  # (voting channels, 3)
        portrait_votes = (favourites == portrait_trio).all(1).sum().item()
        trios, votes = favourites.unique(dim=0, return_counts=True)
        winner = [gallery[i] for i in trios[votes.argmax()].tolist()]
        silent = (strengths(visits, layer).amax(0) == 0).sum().item()
        counts = f"{silent:6}  {len(favourites):6}  {portrait_votes:9}  {votes.max().item():10}"
        print(f"{network:7} {layer}  {counts}  {', '.join(winner)}")

# %% [markdown]
# Four channels of `relu5_1` choose exactly the three portraits, where chance would give 0.05, and no channel of any
# other layer does, nor any of the random network. Channel 457 is not among the four, because its third picture is the cat.
# (To be fair: we thought of this question after we had seen the faces, and pictures are not equally popular, so the 0 of
# the random network is the better comparison. If you doubt the answer, ask it about three other pictures.)
#
# The last column tells the longer story. In the first four layers of VGG19 the winner is always the same trio, the
# astronaut, a glass window and floating ink. The line above the table says why: all three are among the four pictures
# with the hardest edges, and a hard edge excites everybody. The trio takes 23 of 64 votes at `relu1_1`, then 24 of 128,
# 36 of 256, 41 of 512, and at `relu5_1` it has lost: the winner there gets 7 votes of 512. The channels do not agree
# any more, and each listens for something of its own. In the random network the pictures with hard edges keep winning
# to the end, with 36 of 401 votes. Its other channels do not vote, most of them because they are 0 in all forty pictures.
#
# A second test asks each network which two pictures are alike. We describe a picture by how strong each of the 512 channels
# of `relu5_1` gets in it (minus the channel's mean over the forty pictures, and divided by its spread, so that all channels
# count alike), and take as its neighbour the picture whose list of strengths rises and falls most
# like its own (the highest **correlation**, which is 1 for lists that go up and down together and 0 for lists that have
# nothing to do with each other).
#
# **Your turn, before you run the next cell.** The row of houses in Tübingen, the Colosseum, the girl, the dune: which
# of the other pictures would you choose for each? (The small tiles of all forty are in the section before.) And for
# which of them could colour alone mislead a network?
#
# <details><summary>Compare</summary>
#
# You probably chose by subject: a building for a building, a face for a face. The dune is a large orange area, so we
# would not be surprised if something orange were chosen. See below.
#
# </details>

# %%
def neighbours(visits, layer):
    """-> {picture: (its nearest other picture, their correlation)}."""
    table = strengths(visits, layer)  # (pictures, channels)
    table = (table - table.mean(0)) / table.std(0).clamp_min(1e-6)  # so that all channels count alike
    correlation = torch.corrcoef(table)  # (pictures, pictures)
    correlation.fill_diagonal_(-1)
    values, nearest = correlation.max(1)
    return {gallery[i]: (gallery[nearest[i]], values[i].item()) for i in range(len(gallery))}


by_vgg = neighbours(trained_visits, "relu5_1")
by_random = neighbours(untrained_visits, "relu5_1")
for name in names("content"):
    first, first_value = by_vgg[name]
    second, second_value = by_random[name]
    print(f"{name:26} VGG19: {first:26} {first_value:.3f}   random: {second:29} {second_value:.3f}")

# %%
tiles = []
titles = []
for name in ["girl_with_a_pearl_earring", "tubingen_neckarfront", "roman_colosseum", "desert_dune"]:
    tiles += [pictures[name], pictures[by_vgg[name][0]], pictures[by_random[name][0]]]
    titles += ["this picture", "nearest for VGG19", "nearest for random"]
show(tiles, titles, columns=3, height=180, alt=(
    "Four rows of three pictures. The girl with the pearl earring: Van Gogh, or the houses of Tübingen. The houses: a Chinese tower, or a shipwreck. The "
    "Colosseum: Piranesi's arches, or an otter. A dune: red gates, or marble."))

# %% [markdown]
# In the first three rows VGG19 chooses by subject: a face beside a face, a building beside a building, and the arches of the
# Colosseum beside the arches of Piranesi's prison, although one is a colour photo and the other an etching in black and
# white. It does not always do so. In the list above, the astronaut's nearest picture is a cup of coffee, and all of VGG19's
# correlations are low. (The random network's are often higher, and a high number is not yet a sensible choice.) The random network
# offers houses, a shipwreck and an otter. But look at the last row, and at the whole list above: a dune and a row of
# gates have little in common except their orange, so here it was probably the colour that decided. Training adds shapes
# and things to colour, and does not take the colour away.
#
# So features know what is in a picture, and roughly where. How much of the photo is left in them? If all that you had
# was `relu4_1` of a photo, could you get the photo back? [Notebook 02](02_content_from_features.ipynb) tries.
#
# ## What to remember
#
# - VGG19 is sixteen convolutions, each with a ReLU behind it, and five poolings. It has twenty million parameters, and
#   there is nothing to learn in a ReLU or a pooling.
# - One number sees a square of 3, 10, 24, 68 or 156 pixels at our five depths, and nothing outside it.
# - A channel is a detector. Shallow ones like colours and edges; deep ones are silent at three places of four and react
#   to things such as rings, eyes or faces.
# - Nice pictures prove little without a control. A random network has colours and simple edges as well; spots, rings
#   and eyes only come with training.
#
# ## Three questions
#
# 1. Why is it no evidence for anything that the squares of a `relu5_1` channel show whole objects?
#
# <details><summary>Answer</summary>
#
# A square of 156 pixels out of a picture of 240 shows a whole object for nearly every place, whatever the channel
# reacts to. A random network's squares do so too. What counts is what the squares of a row have in common, and whether
# a control has it as well.
#
# </details>
#
# 2. A friend removes `pool1` and leaves everything else as it is. What happens to the size of all later maps, and to
#    what their numbers see?
#
# <details><summary>Answer</summary>
#
# All later maps become twice as wide and twice as high, and later numbers see about half as far (80 pixels at `relu5_1`
# instead of 156), because the jump is halved for every layer after it. The parameters still fit, so no error is raised.
#
# </details>
#
# 3. Why did we make images for `conv5_1` and not for `relu5_1`?
#
# <details><summary>Answer</summary>
#
# If the channel's numbers are negative for the noise, then the ReLU makes all of them 0, and the gradient is 0 at every
# pixel. There would be no direction to go in.
#
# </details>
#
# ## On your own
#
# - Take a photo of your own, look at it through the first widget, and find a channel that reacts to just one thing in
#   it. Then make an image for that channel. Does it show what you expected?
# - Ask for two channels at once: add their means in `excite`. Do the two motifs share the image, or do they melt into
#   something new?
# - Draw the random network with another seed. Which numbers of the last section change much, and which hardly?
#
# **In practice.** The frames of zeros make borders special, and the network knows it. Choose channel 211 of `relu3_1`
# in the first widget: it has learned to react to the edge of the picture itself. Whenever a result looks odd near a
# border, suspect the frame before you suspect the network.
#
# **Further reading.** [Simonyan and Zisserman (2014)](https://arxiv.org/abs/1409.1556): column E of their table 1 is
# our table. [Zeiler and Fergus (2013)](https://arxiv.org/abs/1311.2901): figure 2 shows what excites channels among
# many more photos than forty. [Olah, Mordvintsev and Schubert (2017)](https://distill.pub/2017/feature-visualization/):
# how to make such images beautiful, with what can go wrong. [Adebayo and colleagues
# (2018)](https://arxiv.org/abs/1810.03292): which pretty explanations of networks survive when the network is made
# random.
#
# <!-- bottom -->
