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
# > **You will do** walk through a trained network by hand, and look at what it computes on the way.
# > **You will learn** what each depth sees, how far it sees, and how to misuse it without an error message.
# > **You need** a little PyTorch, and roughly what a convolution is.
# > **Time** about 75 minutes with the exercises; about a minute of it is computing, on a laptop.
# > **Came before** the first painting; this notebook opens the box that it used.
#
# ![Two halves with five rows of patches each. Left, VGG19: reds and oranges, dark upright strokes, light corners, small round things, and in the last row three portraits and a cat. Right, random weights: dark blues, light things with dark edges, stripes, pale things, and in the last row pictures with hard contours.](../data/results/01_inside_patches.jpg)
#
# *One channel from each of five depths, and the places in our pictures that excite it most: in VGG19, and in a network of
# the same shape whose weights are random numbers. By the end of this page you will know what is really different.*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# One photo stays with us, as a tensor (1, 3, height, width) with values between 0 and 1:

# %% tags=["settings"]
import torch
from helpers.images import load
from helpers.show import heat, show

photo = load("astronaut", size=256)
show(photo, "the photo", height=224, alt="An astronaut in an orange suit; beside her a flag and a shuttle, in front a black helmet.")

# %% [markdown]
# ## Three kinds of layers
#
# **A VGG is made of three operations, and each can be done by hand.** Here is a picture of four rows and six columns: dark,
# bright, dark. A **convolution** lays a small kernel on every place, multiplies what lies on top of each other, and adds
# up. This kernel takes the pixels at its right minus those at its left. **Before you run it:** what comes out where dark
# turns bright?

# %%
from torch.nn import functional as F

toy = torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0, 0.0]] * 4).view(1, 1, 4, 6)
kernel = torch.tensor([[-1.0, 0.0, 1.0]] * 3).view(1, 1, 3, 3)
edges = F.conv2d(toy, kernel)
print(edges[0, 0])

# %% [markdown]
# We get 3, one for each row of the kernel, at both places where the kernel straddles that edge, and −3 where bright turns
# to dark again. The map is smaller than the picture. VGG avoids this by putting a frame of zeros around every map before
# it convolves.
#
# A **ReLU** replaces negative numbers by 0. A **pooling** keeps one number of every 2 × 2, the largest or the mean:

# %%
# NBVAL_CHECK_OUTPUT
print("after ReLU     ", F.relu(edges)[0, 0, 0])
print("max pooling    ", F.max_pool2d(F.relu(edges), 2)[0, 0, 0])
print("average pooling", F.avg_pool2d(F.relu(edges), 2)[0, 0, 0])

# %% [markdown]
# This channel answers to *dark at the left, bright at the right*. Max pooling says that there is such an edge among four
# places, average pooling how much of it. Training finds the numbers in the kernels, and for each channel one more number
# that is added to its map, the **bias**. Everything else is fixed by the plan of the network.
#
# **Exercise 1** · ●●○ · 15 min. Real layers have many channels in and out, and nobody loops over places. Write the
# convolution as one matrix product:


# %% tags=["spec"]
def conv_spec(image, weight):
    _, _, height, width = image.shape
    out = torch.zeros(1, len(weight), height - 2, width - 2)
    for o in range(len(weight)):
        for y in range(height - 2):
            for x in range(width - 2):
                out[0, o, y, x] = (weight[o] * image[0, :, y : y + 3, x : x + 3]).sum()
    return out


# %% tags=["exercise"]
def my_conv(image, weight):
    """image (1, C, H, W), weight (O, C, 3, 3) -> (1, O, H - 2, W - 2), with one matrix product and no loop."""
    # solution
    columns = torch.nn.functional.unfold(image, 3)[0]  # (9 C, places)
    return (weight.flatten(1) @ columns).view(1, len(weight), image.shape[2] - 2, image.shape[3] - 2)


# %% tags=["check"]
from helpers.check import check

check(my_conv, conv_spec, (1, 2, 4, 6), (3, 2, 3, 3));

# %% [markdown]
# <details><summary>Hint</summary>
#
# `torch.nn.functional.unfold(image, 3)` writes what lies under the kernel as a column, for each place.
#
# </details>
#
# <!-- solution: my_conv -->
#
# ## The whole network in a table
#
# **VGG19 is these operations, 37 times.** Simonyan and Zisserman (2014) trained it to name what is in a photo. torchvision
# knows its plan; on the device `meta` tensors have shapes but no numbers, so reading it costs no download. It numbers the
# layers from 0 on; the papers name them by block and place, and a pooling ends each block:

# %%
from torchvision.models import vgg19

with torch.device("meta"):
    plan = vgg19(weights=None).features


def named(layers):
    """A list of layers -> {"conv1_1": layer, "relu1_1": layer, ..., "pool5": layer}."""
    block, place, found = 1, 0, {}
    for layer in layers:
        kind = {"Conv2d": "conv", "ReLU": "relu", "MaxPool2d": "pool"}[type(layer).__name__]
        place += kind == "conv"
        found[f"pool{block}" if kind == "pool" else f"{kind}{block}_{place}"] = layer
        if kind == "pool":
            block, place = block + 1, 0
    return found


full = named(plan)
print(f"{len(full)} layers; number 21 is {list(full)[21]}: {plan[21]}")

# %% [markdown]
# That was only the plan. The trained numbers come with the series, and `VGG()` loads them:

# %%
from helpers.vgg import VGG

vgg = VGG()
photo = photo.to(vgg.device)
print(vgg)

# %% [markdown]
# This is the original network, all sixteen convolutions of it, as its authors trained it in Oxford. All features in this
# series come from it.
#
# **The square of pixels that one number depends on is its receptive field.** Say it is $r$ pixels wide, and the next
# number's square begins $j$ pixels further on, the *jump*. A layer with a kernel of $k$ and a stride of $s$ adds $k - 1$
# neighbours, and puts its own places $s$ times as far apart:
#
# $$r \leftarrow r + (k - 1)\,j \qquad\qquad j \leftarrow j\,s$$
#
# A pixel sees itself: $r = 1$, $j = 1$. After `conv1_1` ($k = 3$) $r = 3$, after `conv1_2` $5$. `pool1` ($k = 2$, $s = 2$) makes
# it $6$ and $j = 2$, so `conv2_1` adds four pixels: 10. The same for every layer but the ReLUs, which look at one place only:


# %%
def layer_rows(layers):
    """Layers by name -> {name: (channels, stride, receptive field, jump, parameters)}, without the ReLUs."""
    rows, channels, field, jump = {}, 3, 1, 1
    for name, layer in layers.items():
        if not name.startswith("relu"):
            kernel, stride = (v if isinstance(v, int) else v[0] for v in (layer.kernel_size, layer.stride))
            field, jump = field + (kernel - 1) * jump, jump * stride
            channels = getattr(layer, "out_channels", channels)
            rows[name] = channels, stride, field, jump, sum(p.numel() for p in layer.parameters())
    return rows


# %% [markdown]
# Here is the network in one table; *sees* is $r$. Check the parameters of the first row by hand before you go on:

# %%
# NBVAL_CHECK_OUTPUT
rows = layer_rows(vgg.layers)
assert rows == layer_rows(full), (
    "the network should have the shape of torchvision's plan"
)
print("layer    stride  sees  jump  channels  parameters")
for name, (channels, stride, field, jump, parameters) in rows.items():
    print(f"{name:8} {stride:6} {field:5} {jump:5} {channels:9} {parameters:11,}")
print(f"in all {sum(row[4] for row in rows.values()):,} parameters")

# %% [markdown]
# The first row has 64 kernels of 3 · 3 · 3 numbers and 64 biases, which makes 1,792. Nearly nine in ten of the twenty
# million parameters are in the last two blocks.
#
# At `conv5_1` a number sees 156 pixels, and there is one such number for every 16 pixels. The sixteen convolutions are
# followed by three fully connected layers, which name the object and make the network "19". They would add about 124
# million parameters. Style transfer does not need them, and so `VGG()` ends with `pool5`.
#
# Now the same as a drawing. A slab is a convolution with its ReLU. The size of its face stands for the size of the map,
# and its thickness for the number of channels:


# %%
from matplotlib.colors import to_rgb


def slab(axes, x, width, side, colour):
    """One layer as a block seen from the front left: front, top and face."""
    lean, low, high, right = 0.26 * side, -side / 2, side / 2, x + width
    darker, lighter = [0.75 * c for c in to_rgb(colour)], [0.6 * c + 0.4 for c in to_rgb(colour)]
    style = {"edgecolor": "white", "linewidth": 0.8}
    axes.fill([x, right, right, x], [low, low, high, high], facecolor=colour, **style)
    axes.fill([x, right, right + lean, x + lean], [high, high, high + lean, high + lean], facecolor=lighter, **style)
    axes.fill([right, right + lean, right + lean, right], [low, low + lean, high + lean, high], facecolor=darker, **style)


# %% [markdown]
# All of them, in order:

# %%
import matplotlib.pyplot as plt
from helpers.show import figure

blocks = ["#4c78a8", "#5a9e6f", "#d9a441", "#cf6b3f", "#85609a"]
read = dict.fromkeys(["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"], "#b3261e") | {"conv4_2": "#1a4fa0"}
fig, axes = plt.subplots(figsize=(11, 5))
x = 0
for name, (channels, _, _, jump, _) in rows.items():
    block, side, pool = int(name[4]), 7 * jump**-0.5, name.startswith("pool")
    if name.endswith("_1"):
        axes.text(x, 0.76 * side + 0.4, f"{channels} channels\n{224 // jump} × {224 // jump}", fontsize=11)
    slab(axes, x, 0.25 if pool else channels / 1500 + 0.3, side, "#a0a0a0" if pool else blocks[block - 1])
    weight = "bold" if name in read else "normal"
    axes.text(x + 0.25, -4, name, rotation=90, ha="center", va="top", fontsize=12, color=read.get(name), weight=weight)
    x += (1.2 if pool else 0.85) + 0.12 * side
axes.set_aspect("equal")
axes.axis("off")
figure(fig, alt="VGG19 from left to right as slabs: two tall thin blue ones, two green, four yellow, four orange and four small thick "
       "violet ones, a grey pool after each block, and the paper's name under each layer.")

# %% [markdown]
# The sizes are those of a photo of 224 × 224, and the slabs shrink less than the maps, so that you can still see the last
# ones. Gatys, Ecker and Bethge (2016) read **style** after the red layers and **content** after the blue one.
#
# **Exercise 2** · ●○○ · 10 min. The recursion also runs backwards: how many pixels does *one* number of the last layer
# need? The specification collects them in a set; you need one number:


# %% tags=["spec"]
def field_spec(kernels, strides):
    needed = {0}
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        needed = {place * stride + i for place in needed for i in range(kernel)}
    return len(needed)


# %% tags=["exercise"]
def my_field(kernels, strides):
    """Kernel sizes and strides, first layer first -> pixels that one output needs, walking from the last layer back."""
    # solution
    needed = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        needed = (needed - 1) * stride + kernel
    return needed


# %% tags=["check"]
import random

kernels = random.choices([2, 3, 5, 7], k=6)
strides = random.choices([1, 2], k=6)
check(my_field, field_spec, kernels, strides, trials=1);

# %% [markdown]
# <details><summary>Hint</summary>
#
# $n$ neighbouring outputs need how many inputs? The first needs $k$, each of the others adds $s$.
#
# </details>
#
# <!-- solution: my_field -->
#
# ## Walk through it
#
# **A network is a loop.** What comes out of one layer goes into the next; to see inside, keep what passes by. First,
# each colour loses its mean over VGG19's training photos, and is divided by its spread:


# %%
mean = torch.tensor([0.485, 0.456, 0.406], device=vgg.device).view(1, 3, 1, 1)
std = torch.tensor([0.229, 0.224, 0.225], device=vgg.device).view(1, 3, 1, 1)


def prepare(image):
    return (image - mean) / std


def walk(numbers, layers):
    """Prepared numbers (1, 3, H, W) through layers by name -> {name: what came out of that layer}."""
    found = {}
    for name, layer in layers.items():
        numbers = layer(numbers)
        found[name] = numbers
    return found


# %% [markdown]
# What comes out are the **features**. `VGG` is this loop with checks, and it normalises inside. At the first ReLU of each
# block the two should agree:

# %%
from helpers.check import close

depths = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
seen = walk(prepare(photo), vgg.layers)
for name, features in vgg(photo, depths).items():
    close(f"{name} {tuple(features.shape)}", seen[name], features)

# %% [markdown]
# They do. Maps shrink, channels grow.
#
# ## The ReLU that overwrites
#
# **An in-place ReLU changes what you have already stored.** It saves memory by writing its result over its input, as in
# torchvision's VGGs. We walk through a copy of our network with such ReLUs. **Before you run it:** `walk` stores `conv4_2`
# *before* its ReLU runs. What will be the smallest number stored?

# %%
# NBVAL_CHECK_OUTPUT
import copy

careless = copy.deepcopy(vgg.layers)
for name, layer in careless.items():
    if name.startswith("relu"):
        layer.inplace = True
spoilt = walk(prepare(photo), careless)
print("layer 22 of torchvision's plan:", plan[22])
print(f"smallest number in the stored conv4_2: {seen['conv4_2'].min().item():.1f}")
print(f"the same with in-place ReLUs:          {spoilt['conv4_2'].min().item():.1f}")
close("what is stored there, and relu4_2", spoilt["conv4_2"], seen["relu4_2"])

# %% [markdown]
# The negative numbers are gone: one step later the stored tensor was overwritten, without a warning. What many programs
# call `conv4_2` is therefore `relu4_2`. `VGG` never works in place.
#
# ## What it expects to be given
#
# **The network computes with whatever it gets.** It expects red, green, blue, in [0, 1], minus the mean, divided by the
# spread. We make three popular mistakes and, as a yardstick, show another photo. `change` is the squared distance from the
# right features, relative to their size: 0 is equal, 1 as wrong as all zeros.


# %%
def change(right, found):
    return ((found - right).square().sum() / right.square().sum()).item()


cat = F.interpolate(load("chelsea", 256).to(vgg.device), photo.shape[2:], mode="area")
mistakes = {"0 to 255": prepare(photo * 255), "not normalised": photo, "BGR": prepare(photo.flip(1)), "another photo": prepare(cat)}
wrong = {label: walk(numbers, vgg.layers) for label, numbers in mistakes.items()}
for label, found in wrong.items():
    print(f"{label:15}", *(f"{change(seen[name], found[name]):11,.2f}" for name in depths))

# %% [markdown]
# The columns are `relu1_1` to `relu5_1`. 0 to 255 looks like a catastrophe. But convolutions, ReLUs and pools nearly pass
# a factor on: if all inputs are 255 times as large, so are, more or less, all features. Most of what we see is therefore a
# change of unit. Here is the same again, after each result is multiplied by the factor that fits best:


# %%
# NBVAL_CHECK_OUTPUT
def change_of_pattern(right, found):
    return change(right, found * (right * found).sum() / found.square().sum())


for label, found in wrong.items():
    print(f"{label:15}", *(f"{change_of_pattern(seen[name], found[name]):6.2f}" for name in depths))

# %% [markdown]
# With 0 to 255, nearly half of `relu1_1` is still wrong, and about a tenth of the deeper layers. Subtracting 0.485 from
# 255 changes almost nothing, so the channels that react to brightness drown out the rest. Without normalisation, the
# network sees about a quarter of the contrast, as if in fog. BGR turns the orange suit blue: half of `relu1_1` is wrong,
# and about a fifth of each deeper layer, all the way down to `relu5_1`.
#
# Do you see what is dangerous here? None of these raises an error, and each does less damage than using a different photo
# would. **Pictures still come out**, and that is why such bugs survive for years.
#
# **Exercise 3** · ●●○ · 10 min. OpenCV reads a file as (height, width, 3), BGR, from 0 to 255. Write the bridge to what
# the first layer expects:


# %% tags=["spec"]
def input_spec(pixels):
    blue, green, red = pixels[:, :, 0] / 255, pixels[:, :, 1] / 255, pixels[:, :, 2] / 255
    return torch.stack([(red - 0.485) / 0.229, (green - 0.456) / 0.224, (blue - 0.406) / 0.225])[None]


# %% tags=["exercise"]
def my_input(pixels):
    """OpenCV's (H, W, 3), BGR, 0 to 255 -> (1, 3, H, W), RGB, normalised, without touching single colours."""
    # solution
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return (pixels.flip(2).permute(2, 0, 1)[None] / 255 - mean) / std


# %% tags=["check"]
check(my_input, input_spec, 255 * torch.rand(4, 5, 3, generator=torch.Generator().manual_seed(0)), trials=1);

# %% [markdown]
# <details><summary>Hint</summary>
#
# `flip(2)` reverses the last axis, `permute(2, 0, 1)` brings it to the front.
#
# </details>
#
# <!-- solution: my_input -->
#
# ## Five depths of one photo
#
# **Each channel is a map of where its pattern is.** A layer has up to 512 of them, so from each depth we take the five
# that vary most over the photo. Black is 0, and the lightest place is the channel's maximum:


# %%
def liveliest(features, n):
    """The channels that vary most over the picture, its border left out."""
    inside = features[0, :, 2:-2, 2:-2]
    return inside.std((1, 2)).argsort(descending=True)[:n].tolist()


tiles = {}
for name in depths:
    for c in liveliest(seen[name], 5):
        tiles[f"{name} · {c}"] = heat(seen[name][0, c], low=0)
show(
    list(tiles.values()),
    list(tiles),
    columns=5,
    height=170,
    alt=(
        "Five rows of five maps of the astronaut: tinted copies of the photo at "
        "relu1_1, fine outlines at relu2_1, softer ones at relu3_1, blotches at "
        "relu4_1, of which the first lights up two dots at her eyes, and a few "
        "squares at relu5_1, several of them on her face."
    ),
)

# %% [markdown]
# `relu1_1` holds tinted copies of the photo and first outlines, and `relu2_1` holds outlines, each channel those of another
# direction. At `relu3_1` they grow softer. At `relu4_1` look at the first map, channel 264: it has two bright dots, and they
# are on her eyes. At `relu5_1` each channel is bright in a few of 16 × 16 squares only, and channel 457 in three of them,
# which are on her face. *Something that I know is about here*, these maps seem to say. But what?
#
# ## How far does it really see?
#
# **The gradient of one number shows which pixels it depends on.** We ask autograd for the middle of a layer, all its
# channels together. A ReLU that blocks the signal for one noise image usually lets it through for another, so we add up
# four of them:

# %%
from helpers.images import noise


def touched(layer, size=192, draws=4):
    """Sum of |gradient| of the central place of a layer over a few noise images, (size, size)."""
    total = torch.zeros(size, size, device=vgg.device)
    for seed in range(draws):
        image = noise(torch.empty(1, 3, size, size, device=vgg.device), seed).requires_grad_()
        features = vgg(image, [layer])[layer]
        features[0, :, features.shape[2] // 2, features.shape[3] // 2].sum().backward()
        total += image.grad.abs().sum(1)[0]
    return total


# %% [markdown]
# **Before you run it:** the table says 3, 10, 24, 68, 156. How wide is the part of the image where the gradient is not
# zero?

# %%
# NBVAL_CHECK_OUTPUT
gradients = {name: touched(name) for name in depths}
for name, gradient in gradients.items():
    by_hand = rows[name.replace("relu", "conv")][2]
    touches = gradient > 0
    width, height = touches.any(0).sum().item(), touches.any(1).sum().item()
    print(f"{name}: by hand {by_hand}, by gradient {width} x {height}")

# %% [markdown]
# The two agree to the pixel. To see what this means, we look at her face through these windows. The stronger the gradient,
# the brighter the pixel, and what the layer cannot see is nearly black:


# %%
face = load("astronaut", size=400)[..., 0:192, 84:276].to(vgg.device)


def through_window(gradient):
    """The face, bright where the gradient is large; the power makes weak ones show."""
    weight = 0.2 + 0.8 * (gradient / gradient.max()) ** 0.15
    return face * weight


windows = [through_window(gradient) for gradient in gradients.values()]
show(
    [face, *windows],
    ["all", *gradients],
    columns=3,
    height=250,
    alt=(
        "The astronaut's face six times: once whole, then dark but for a window in "
        "the middle, which shows a dot, a bit of the nose, the tip of the nose, the "
        "face from the eyes to the chin, and the whole head."
    ),
)

# %% [markdown]
# A number of `relu1_1` knows three pixels, and one of `relu3_1` knows the tip of a nose. At `relu4_1` there is room for a
# face from the eyes to the chin, and at `relu5_1` for a head. The large windows are brightest in the middle, because many
# paths through the network lead from the centre, and only one from each corner (Luo et al. 2016). None of these five layers
# can see a pattern wider than 156 pixels. That is why large paintings need care (notebook 09).
#
# ## What excites a channel?
#
# **Ask all pictures, and look at what wins.** In the gallery above, channel 457 of `relu5_1` is bright on her face and
# nearly nowhere else. Is it a channel for faces, for skin, for something round? One photo cannot tell. So we run all
# pictures of `data/` through the network, and note for each channel how strong it gets in each picture, and where. We leave
# out places so near the border that they see the frame of zeros:

# %%
from helpers.images import names

pictures = {name: load(name, size=384).to(vgg.device) for name in names()}


def peaks(features, layer):
    """How strong each channel gets, (C,), and at which row and column, (C,) each."""
    field, jump = rows[layer.replace("relu", "conv")][2:4]
    margin = -(-(field - jump) // (2 * jump))  # rounded up
    inside = features[0, :, margin:-margin, margin:-margin]
    strongest, place = inside.flatten(1).max(1)
    width = inside.shape[2]
    return strongest, place // width + margin, place % width + margin


@torch.no_grad()
def visit(net):
    """The peaks of every channel: {picture: {layer: (strongest, row, column)}}."""
    visits = {}
    for name, picture in pictures.items():
        features = net(picture, depths)
        visits[name] = {layer: peaks(features[layer], layer) for layer in depths}
    return visits


visits = visit(vgg)
print(
    f"{len(visits)} pictures; in ours, channel 457 of relu5_1 gets up to "
    f"{visits['astronaut']['relu5_1'][0][457]:.0f}"
)

# %% [markdown]
# For one channel we now sort the pictures by how strong it gets, and cut out the square that it sees at its strongest
# place. Each patch comes from another picture, the most exciting first:


# %%
def window(picture, row, column, layer):
    """The square of the picture that one place of a layer sees."""
    field, jump = rows[layer.replace("relu", "conv")][2:4]
    top = row * jump - (field - jump) // 2
    left = column * jump - (field - jump) // 2
    return picture[..., top : top + field, left : left + field]


def exciting(visits, layer, channel, n):
    """What excites a channel most, in the n pictures in which it gets strongest."""
    best = sorted(
        visits, key=lambda name: visits[name][layer][0][channel].item(), reverse=True
    )[:n]
    places = [
        (visits[name][layer][1][channel].item(), visits[name][layer][2][channel].item())
        for name in best
    ]
    return [
        window(pictures[name], *place, layer)
        for name, place in zip(best, places, strict=True)
    ]


# %% [markdown]
# We pick one channel of each depth from the gallery. **Before you run it:** what will channel 457 of `relu5_1` find in a
# collection with a cat, a cup of coffee, two carpets and a self-portrait of Van Gogh?

# %% tags=["painting"]
picked = {"relu1_1": 29, "relu2_1": 34, "relu3_1": 117, "relu4_1": 264, "relu5_1": 457}


def patches(visits, channels):
    """One row for each layer: its channel's seven most exciting patches."""
    tiles = []
    titles = []
    for layer, channel in channels.items():
        tiles += exciting(visits, layer, channel, 7)
        titles += [f"{layer} · {channel}", *[""] * 6]
    return tiles, titles


tiles, titles = patches(visits, picked)
show(
    tiles,
    titles,
    columns=7,
    height=130,
    alt=(
        "Five rows of seven patches: reds and oranges at relu1_1, dark upright "
        "strokes at relu2_1, light corners below dark ones at relu3_1, eyes, spirals "
        "and other small round things at relu4_1, and at relu5_1 the faces of the "
        "astronaut, Vermeer's girl, Van Gogh and the cat, then three ornaments."
    ),
)

# %% [markdown]
# `relu1_1` likes red and orange, and `relu2_1` upright strokes, most of them dark. `relu3_1` wants something light below and
# to the left of something dark. At `relu4_1` nearly every patch has something small and round in it: the eye of an ink
# whirl, Klimt's spirals, the astronaut's eyes, a flower of glass. (What are the walkers on the dune doing there?) And at `relu5_1` you see three portraits and a cat before
# anything else. VGG19 was trained to tell a thousand kinds of things apart, and hardly any of them is a person. It found
# out by itself that faces are worth a channel. The last three patches are
# probably there because something must come next: for this channel they are weak.
#
# Choose a layer and a channel yourself. After the last channel of a layer they begin again at 0:

# %%
import ipywidgets
from helpers.show import browse


def look(layer, channel):
    channel %= len(visits["astronaut"][layer][0])
    tiles = [
        photo,
        heat(seen[layer][0, channel], low=0),
        *exciting(visits, layer, channel, 4),
    ]
    return show(
        tiles,
        ["the photo", f"{layer} · {channel}", *[""] * 4],
        columns=3,
        height=230,
        alt=(
            f"The photo, its map of channel {channel} at {layer}, and the four "
            f"patches of all pictures that excite it most."
        ),
    )


channels = ipywidgets.IntSlider(
    310, 0, 511, description="channel", continuous_update=False
)
browse(
    look,
    layer=ipywidgets.Dropdown(options=depths, value="relu5_1", description="layer"),
    channel=channels,
)

# %% [markdown]
# Channel 310 likes the three portraits as well, but then comes the cup of coffee. What do you think it looks for? It is for
# us to guess, because nobody told the network what its channels should mean.
#
# ## Is it the training?
#
# **Keep the architecture, throw away what was learned.** We draw all kernels at random (He et al. 2015: mean 0, variance 2
# over the number of inputs), and show the liveliest channel of each depth:

# %%
untrained = copy.deepcopy(vgg)
generator = torch.Generator().manual_seed(0)
for name, layer in untrained.layers.items():
    if name.startswith("conv"):
        spread = (2 / layer.weight[0].numel()) ** 0.5
        layer.weight.copy_(
            torch.randn(layer.weight.shape, generator=generator) * spread
        )
        layer.bias.zero_()

blind = untrained(photo, depths)
best_of = {}
maps = {}
for kind, features in {"trained": seen, "random": blind}.items():
    best_of[kind] = {name: liveliest(features[name], 1)[0] for name in depths}
    for name, channel in best_of[kind].items():
        maps[f"{kind}, {name}"] = heat(features[name][0, channel], low=0)
show(
    list(maps.values()),
    list(maps),
    columns=5,
    height=170,
    alt=(
        "Two rows of five maps of the astronaut. Above, trained: a tinted copy, two "
        "layers of outlines, two bright eyes, and a spot at her neck. Below, random: "
        "the photo in other tints, more and more blurred, and at last a soft cloud."
    ),
)

# %% [markdown]
# Above, outlines are found, and then places: her eyes, her neck. Below, random kernels mix and blur, and the photo fades until
# only a cloud is left.
#
# So which patches excite these random channels? **Before you run it:** what do you expect to see at `relu5_1`?

# %%
random_visits = visit(untrained)
tiles, titles = patches(random_visits, best_of["random"])
show(
    tiles,
    titles,
    columns=7,
    height=130,
    alt=(
        "Five rows of seven patches from the random network: black and dark blue at "
        "relu1_1, light things with dark edges at relu2_1, stripes at relu3_1, pale "
        "things such as clouds, foam and ink at relu4_1, and at relu5_1 ink, stained "
        "glass, Mondrian, a cypress, a painted flower, a mosaic fish and a wave."
    ),
)

# %% [markdown]
# These are rows of nice patches, too, and one could tell stories about them. `relu4_1` seems to look for clouds and foam. At
# `relu5_1` there are whole things again, but that is no merit of the network: its window is large enough for a whole thing,
# trained or not. What the patches of a row share is simpler than before. It is dark blue, or pale, or hard contours.
#
# So a row of nice patches proves little, and we need a fairer question. Three of our pictures are portraits: the astronaut,
# Vermeer's girl and Van Gogh's self-portrait. Of all channels of a layer, how many get strongest in *exactly these three*? If
# a channel chose its three favourites by lot, it would have one chance in 9,880:

# %%
# NBVAL_CHECK_OUTPUT
portraits = {"astronaut", "girl_with_a_pearl_earring", "vangogh_self_portrait_1887"}


def favourites(visits, layer):
    """For each channel of a layer, the three pictures in which it gets strongest."""
    table = torch.stack([visits[name][layer][0] for name in visits])
    labels = list(visits)
    return [
        {labels[i] for i in column.tolist()}
        for column in table.topk(3, dim=0).indices.T
    ]


for kind, all_visits in {"trained": visits, "random": random_visits}.items():
    counts = [favourites(all_visits, layer).count(portraits) for layer in depths]
    print(
        f"{kind:8}",
        *(f"{layer}: {count}" for layer, count in zip(depths, counts, strict=True)),
    )

# %% [markdown]
# Seven channels of VGG19's `relu5_1` choose exactly the three portraits, and no channel before it does. Of all 1,472 channels
# of the random network, one does. So there really are channels for something like faces in the deepest layer that we read,
# and it is the training that put them there. (To be fair: we thought of this question after we had seen the faces. If you
# doubt the answer, ask it for three other pictures that have something in common.)
#
# Here is a second test, one that is closer to our subject. We cut two corners from each style picture. Is the other
# corner of the *same* picture the nearest in style? Gram matrices compare style; notebook 03 derives them. We ask twice,
# first with the pictures as they are, and then with all of them grey, with the same mean and contrast. **Before you run
# it:** how many of the 21 will random numbers get right?


# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import gram, relative_error


def plain(image):
    """Grey, with the same mean and contrast for every picture."""
    grey = image.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    return (grey - grey.mean()) / grey.std() * 0.2 + 0.45


@torch.no_grad()
def found_again(net, images, side=160):
    """How often the other corner of the same picture is nearest in style."""
    targets = [
        [gram(f) for f in net(image[..., :side, :side], depths).values()]
        for image in images
    ]
    corners = [
        [gram(f) for f in net(image[..., -side:, -side:], depths).values()]
        for image in images
    ]
    errors = [
        [sum(map(relative_error, c, target)).item() for c in corners]
        for target in targets
    ]
    return (torch.tensor(errors).argmin(1) == torch.arange(len(images))).sum().item()


paintings = [load(name, 400).to(vgg.device) for name in names("style")]
for kind, net in {"trained": vgg, "random": untrained}.items():
    colour = found_again(net, paintings)
    grey = found_again(net, [plain(image) for image in paintings])
    print(f"{kind:8} in colour {colour} of {len(paintings)}, in grey {grey}")

# %% [markdown]
# In colour, the random network is nearly as good as the trained one. Random numbers pass on colour and contrast, and these
# nearly tell our pictures apart. Take both away, and the trained network still finds about half of the corners, while the
# random one finds about half as many. (Guessing would find one.) That is what training buys here: it knows the stroke
# without the colour.
#
# ## Max or average?
#
# **Average pooling lets the gradient through evenly.** Gatys et al. (2016, section 2) prefer it, because their pictures looked
# slightly better. On eight numbers, the gradient of the sum of what comes out:

# %%
# NBVAL_CHECK_OUTPUT
for pooling in (F.max_pool2d, F.avg_pool2d):
    entering = torch.tensor([[[[1.0, 2.0, 0.0, 3.0], [4.0, 3.0, 1.0, 2.0]]]], requires_grad=True)
    pooling(entering, 2).sum().backward()
    print(pooling.__name__, entering.grad[0, 0].tolist())

# %% [markdown]
# Max pooling sends the gradient to only one of every four pixels, the largest. Average pooling shares it among all four.
# Now we take the whole network with the same weights. How large is `relu4_1`, how has its pattern changed, and how should
# each pixel change to make it stronger?

# %%
slopes = {}
for pooling, net in {"max": vgg, "average": VGG(pool="avg")}.items():
    image = photo.clone().requires_grad_()
    features = net(image, ["relu4_1"])["relu4_1"]
    features.square().mean().backward()
    slopes[pooling] = image.grad[0].mean(0)
    ratio = (features.norm() / seen["relu4_1"].norm()).item()
    pattern = change_of_pattern(seen["relu4_1"], features)
    print(f"{pooling}: {ratio:.2f} times as large, pattern changed by {pattern:.2f}")
show(
    [heat(s, -3 * s.std(), 3 * s.std(), "RdBu_r") for s in slopes.values()],
    [f"through {pooling} pooling" for pooling in slopes],
    height=340,
    alt=(
        "Two maps of red and blue: at left fine speckle in which she can just be made"
        " out, at right larger blobs and strokes that follow the edge of her "
        "collar, her neck and the rim of the helmet."
    ),
)

# %% [markdown]
# A mean is never above the maximum, so features shrink, here to about two fifths after three poolings. Their pattern
# changes much less. What changes more is the way back. On the left there is speckle everywhere: one pixel is told to change
# and its neighbour is not. On the right you see strokes and blobs along the collar, on her face and around the helmet.
#
# Which one should you take? `VGG()` pools by the maximum, because the network was trained that way. Where a smooth
# gradient helps, we will write `VGG(pool="avg")`, as the next notebook does.
#
# ## In this notebook we
#
# - read VGG19's plan, worked out how far each layer sees, and checked it with a gradient;
# - walked through the layers in a loop, and met channels for colours, for edges, and for faces;
# - compared with a random network, to see what training adds, and saw that wrong input raises no error.
#
# **On your own.** Find a channel that reacts to something in a photo of yours. Draw the random weights with another seed:
# which numbers change?
#
# **In practice.** The frames of zeros make borders special, and the network knows it. Show channel 211 of `relu3_1` for our
# photo, with `show(heat(seen["relu3_1"][0, 211]), alt=...)`: this channel has learned to see the edge of the picture. Some
# programs reflect the picture at its border instead of adding zeros.
#
# **Further reading.** Simonyan and Zisserman (2014, arXiv 1409.1556): column E of table 1 is our table. Zeiler and Fergus
# (2013, arXiv 1311.2901): figure 2, what excites channels among many more photos. Luo et al. (2016, arXiv 1701.04128): why
# the square is brightest in its middle.
#
# <!-- bottom -->
