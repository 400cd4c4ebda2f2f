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
# > **Time** 45 minutes; about 20 seconds of computing on a laptop.
# > **Came before** the first painting; this notebook opens the box that it used.
#
# ![Five rows of patches cut from photos and paintings: reds and oranges in the first, then plain areas and edges, slanting bands, rims and shapes, and whole things in the last: an astronaut, a cat, a cup, a pavilion.](../data/results/01_inside_patches.jpg)
#
# *One channel from each of five depths, and the places in our pictures that excite it most. When do colours become
# things?*

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
# 3, one for each row of the kernel, at both places where it straddles that edge; -3 at the edge back. The map is smaller
# than the picture; VGG puts a frame of zeros around every map, and keeps its size.
#
# A **ReLU** replaces negative numbers by 0. A **pooling** keeps one number of every 2 × 2, the largest or the mean:

# %%
# NBVAL_CHECK_OUTPUT
print("after ReLU     ", F.relu(edges)[0, 0, 0])
print("max pooling    ", F.max_pool2d(F.relu(edges), 2)[0, 0, 0])
print("average pooling", F.avg_pool2d(F.relu(edges), 2)[0, 0, 0])

# %% [markdown]
# This channel answers to *dark at the left, bright at the right*. Max pooling says that there is such an edge among four
# places, average pooling how much of it. Training finds the kernels; all else is fixed.
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
# layers; the papers name them by block and place, and a pooling ends each block:

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
# What computes here is the network that `VGG()` chooses and names:

# %%
from helpers.vgg import VGG

vgg = VGG()
photo = photo.to(vgg.device)

# %% [markdown]
# `vgg19-mini` comes with the series: VGG19's layers as far as `relu5_1` at a quarter of its width, trained to reproduce
# VGG19's statistics. All features below come from the network named above; only the plan is the full one's.
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
# Both networks in one table; *sees* is $r$:

# %%
# NBVAL_CHECK_OUTPUT
rows, ours = layer_rows(full), layer_rows(vgg.layers)
print(f"                             | VGG19, in full       | {vgg.name}, at work here")
print("layer    stride   sees  jump | channels  parameters | channels  parameters")
for name, (channels, stride, field, jump, parameters) in rows.items():
    own = f"{ours[name][0]:8} {ours[name][4]:11,}" if name in ours else "       -"
    print(f"{name:8} {stride:6} {field:6} {jump:5} | {channels:8} {parameters:11,} | {own}")
print(f"in all {sum(row[4] for row in rows.values()):,} and {sum(row[4] for row in ours.values()):,} parameters")

# %% [markdown]
# Sixteen convolutions and five pools; at `conv5_1` a number sees 156 pixels, and there is one for every 16. Three fully
# connected layers, which name the object, make it nineteen; style transfer leaves them out.
#
# Now as a drawing. A slab is a convolution with its ReLU, its face the size of the map, its thickness the number of
# channels:


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
# Sizes are those of a photo of 224 × 224; the slabs shrink less than the maps. Gatys, Ecker and Bethge (2016) read **style**
# after the red layers, **content** after the blue one. `vgg19-mini` ends after `conv5_1`.
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
check(my_field, field_spec, [3, 3, 2, 3, 3, 2, 3], [1, 1, 2, 1, 1, 2, 1], trials=1);

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
print("minimum of the stored conv4_2 below -1:", seen["conv4_2"].min().item() < -1)
print(f"with in-place ReLUs, it is {spoilt['conv4_2'].min().item():.1f}")
print("what is stored there is relu4_2:", torch.equal(spoilt["conv4_2"], seen["relu4_2"]))

# %% [markdown]
# Zero: one step later the stored tensor was rewritten, without a warning. What many programs call `conv4_2` is `relu4_2`.
# `VGG` never works in place.
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
# From left to right, `relu1_1` to `relu5_1`. 0 to 255 looks like a catastrophe. But convolutions, ReLUs and pools nearly
# pass a factor on: most of this is a change of unit. The same after multiplying by the factor that fits best:


# %%
# NBVAL_CHECK_OUTPUT
def change_of_pattern(right, found):
    return change(right, found * (right * found).sum() / found.square().sum())


for label, found in wrong.items():
    print(f"{label:15}", *(f"{change_of_pattern(seen[name], found[name]):6.2f}" for name in depths))

# %% [markdown]
# With 0 to 255 nearly half of `relu1_1` is still wrong, less further on: 0.485 taken from 255 is nothing, and
# channels for brightness shout. Without normalisation the network sees a quarter of the contrast, as in fog. BGR turns the
# orange suit blue: half of `relu1_1` is wrong, a few hundredths of `relu5_1`, which cares little for colour. None raised
# an error, each is smaller than another photo: **pictures still come out**, and so such mistakes live long.
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
# **Each channel is a map of where its pattern is.** From each depth the five channels that vary most over the photo; black
# is 0, the lightest place the channel's maximum:


# %%
def liveliest(features, n):
    return features[0].std((1, 2)).argsort(descending=True)[:n].tolist()


tiles = {f"{name} · {c}": heat(seen[name][0, c], low=0) for name in depths for c in liveliest(seen[name], 5)}
show(list(tiles.values()), list(tiles), columns=5, height=136,
     alt="Five rows of maps: a tinted copy and outlines at relu1_1, outlines at relu2_1, softer ones at relu3_1, blotches, then squares.")

# %% [markdown]
# `relu1_1` holds a tinted copy and first outlines, `relu2_1` outlines; at `relu3_1` they grow soft. At `relu4_1`
# she is made of blotches, and at `relu5_1` each channel is brightest in a few of 16 × 16 squares: *something that I know
# is about here*.
#
# ## How far does it really see?
#
# **The gradient of one number shows which pixels it depends on.** We ask autograd for the middle of a layer, all its
# channels, with four noise images: what a ReLU or a pooling shuts in one stays open in another.

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
    by_hand, found = ours[name.replace("relu", "conv")][2], gradient > 0
    print(f"{name}: by hand {by_hand}, by gradient {found.any(0).sum().item()} x {found.any(1).sum().item()}")

# %% [markdown]
# Exactly. As pictures of 192 × 192 pixels, brightened so that weak gradients show:

# %%
show([heat((g / g.max()) ** 0.3) for g in gradients.values()], list(gradients),
     alt="Five black squares, each with a lit square in its middle that grows from a dot at relu1_1 to most of the picture at "
     "relu5_1; it is brightest in its centre and fades towards its border.")

# %% [markdown]
# The large squares glow in the middle and fade outwards: many paths lead from the centre, one from each corner (Luo et al.
# 2016). No number knows of a motif larger than 156 pixels; that is why large paintings need care (notebook 09).
#
# ## What excites a channel?
#
# **Ask all pictures, and look at what wins.** Which channels are strong in our photo? Some are strong everywhere, so we
# divide by the mean over every picture of `data/`:

# %%
from helpers.images import names

pictures = {name: load(name, size=256).to(vgg.device) for name in names()}
with torch.no_grad():
    library = {name: vgg(picture, depths) for name, picture in pictures.items()}


def strongest(name, layer, n):
    """Channels that are strong in one picture, compared with all pictures: [(channel, ratio), ...]."""
    average = torch.stack([features[layer][0].mean((1, 2)) for features in library.values()]).mean(0)
    ratio = library[name][layer][0].mean((1, 2)) / (average + 0.05 * average.mean())
    return [(c, ratio[c].item()) for c in ratio.argsort(descending=True)[:n].tolist()]


for layer in depths:
    print(layer, *(f"channel {c} ({ratio:.1f} x)" for c, ratio in strongest("astronaut", layer, 3)))

# %% [markdown]
# Deep down there are channels that answer to this photo about twice as much as to the average one. To what in it? We
# find the place where a channel is strongest in each picture, and cut out what it sees there:


# %%
def window(picture, row, column, layer):
    """The square of the picture that one place of a layer sees, moved inwards at the border."""
    field, jump = ours[layer.replace("relu", "conv")][2:4]
    places = zip((row, column), picture.shape[2:], strict=True)
    top, left = (min(max(i * jump - (field - jump) // 2, 0), side - field) for i, side in places)
    return picture[..., top : top + field, left : left + field]


def excited(layer, channel, n):
    """A channel's map of our photo, and the best place of each of the n pictures in which it gets strongest."""
    maps = {name: features[layer][0, channel] for name, features in library.items()}
    best = sorted(maps, key=lambda name: maps[name].max().item(), reverse=True)[:n]
    places = {name: divmod(maps[name].argmax().item(), maps[name].shape[1]) for name in best}
    return [heat(maps["astronaut"], low=0), *(window(pictures[name], *place, layer) for name, place in places.items())]


# %% [markdown]
# The strongest channel at three depths: its map of the photo, then six patches, the most exciting first:

# %% tags=["painting"]
best = {layer: strongest("astronaut", layer, 1)[0][0] for layer in ["relu3_1", "relu4_1", "relu5_1"]}
titles = [title for layer, channel in best.items() for title in (f"{layer} · {channel}", *[""] * 6)]
show([tile for layer, channel in best.items() for tile in excited(layer, channel, 6)], titles, columns=7, height=124,
     alt="Three rows, each a map of the astronaut and six patches: slanting bright bands at relu3_1; among those of "
     "relu4_1 the bright rims of cup and helmet; at relu5_1 the astronaut, a cat, a cup, a rocket, a pavilion and ink.")

# %% [markdown]
# `relu3_1`: bright bands that fall from upper left to lower right, in ink, glass, woodcut and the rims of cup and helmet.
# `relu4_1`: bright curves, in glass and ink and as the rims of cup and helmet. `relu5_1` sees whole things: the astronaut,
# a cat, a cup, a rocket, a pavilion, and then ink. What they share is for us to guess: why the ink?
#
# Choose a layer and a channel yourself; after the last channel they begin again at 0:

# %%
import ipywidgets
from helpers.show import browse


def look(layer, channel):
    channel %= library["astronaut"][layer].shape[1]
    return show([photo, *excited(layer, channel, 4)], ["the photo", f"{layer} · {channel}", *[""] * 4],
                alt=f"The photo, its map of channel {channel} at {layer}, and the four patches of all pictures that excite it most.")


last = library["astronaut"]["relu5_1"].shape[1] - 1
channels = ipywidgets.IntSlider(liveliest(seen["relu2_1"], 1)[0], 0, last, description="channel", continuous_update=False)
browse(look, layer=ipywidgets.Dropdown(options=depths, value="relu2_1", description="layer"), channel=channels)

# %% [markdown]
# In each patch something light lies at the left of something dark. The map agrees: the white spot that the helmet mirrors
# has a bright right edge and a dim left one.
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
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * (2 / layer.weight[0].numel()) ** 0.5)
        layer.bias.zero_()

blind = untrained(photo, depths)
maps = [heat(found[name][0, liveliest(found[name], 1)[0]], low=0) for found in (seen, blind) for name in depths]
show(maps, [f"{kind}, {name}" for kind in ("trained", "random") for name in depths], columns=5, height=136,
     alt="Two rows of five maps of the astronaut. Above, trained: a tinted copy, outlines, then blotches. Below, random: the photo "
     "itself in violet and orange, more and more blurred.")

# %% [markdown]
# Below, random kernels mix and blur, and the photo fades. Above, outlines are found, and then places.
#
# Now one number. We cut two corners from each of the ten style pictures. Is the other corner of the *same* picture nearest in
# style? Gram matrices compare style; notebook 03 derives them. **Before you run it:** how many of ten will random numbers
# get right?

# %%
from helpers.transfer import gram, style_loss


@torch.no_grad()
def find_the_other(net, images, side=160):
    """How often the other corner is nearest in style, and how many times as far the nearest stranger is (median)."""
    targets = [{name: gram(f) for name, f in net(image[..., :side, :side], depths).items()} for image in images]
    others = [net(image[..., -side:, -side:], depths) for image in images]
    errors = [[sum(style_loss(o[name], t[name]) for name in depths).item() for o in others] for t in targets]
    own = torch.tensor(errors).diag()
    stranger = torch.tensor(errors).fill_diagonal_(torch.inf).min(1).values
    return (own < stranger).sum().item(), (stranger / own).median().item()


paintings = [load(name, 400).to(vgg.device) for name in names("style")]
for label, net in {"trained": vgg, "random": untrained}.items():
    print("{}: {} of 10 right, the nearest stranger {:.1f} times as far".format(label, *find_the_other(net, paintings)))

# %% [markdown]
# Most of them: random numbers pass colour and contrast on, and these nearly tell ten pictures apart. Now without: every
# picture grey, with the same mean and contrast.


# %%
# NBVAL_CHECK_OUTPUT
def plain(image):
    grey = image.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    return (grey - grey.mean()) / grey.std() * 0.2 + 0.45


for label, net in {"trained": vgg, "random": untrained}.items():
    right, ratio = find_the_other(net, [plain(image) for image in paintings])
    print(f"{label}: at least 7 of 10 right: {right >= 7}; the nearest stranger more than 2 times as far: {ratio > 2}")

# %% [markdown]
# That is what training buys: it knows the stroke without the colour. The trained network still finds most corners, the
# random one about half or fewer.
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
# Max pooling speaks to the winner of each four only, average pooling to all. Now the whole network, same weights: how large
# is `relu4_1`, how has its pattern changed, and how should each pixel change to make it stronger?

# %%
slopes = []
for net in (vgg, VGG(pool="avg")):
    image = photo.clone().requires_grad_()
    features = net(image, ["relu4_1"])["relu4_1"]
    features.square().mean().backward()
    slopes.append(image.grad[0].mean(0))
    ratio = (features.norm() / seen["relu4_1"].norm()).item()
    print(f"{ratio:.2f} times as large, pattern changed by {change_of_pattern(seen['relu4_1'], features):.2f}")
show([heat(s, -3 * s.std(), 3 * s.std(), "RdBu_r") for s in slopes], ["through max pooling", "through average pooling"], height=256,
     alt="Two maps of red and blue: at left fine speckle in which collar and helmet just show, at right coherent "
     "strokes that follow her collar, the badge and the rim of the helmet.")

# %% [markdown]
# A mean is never above the maximum: features shrink, here to about half, and their pattern changes less. What changes more is
# the way back. Left, speckle everywhere: one pixel is told to change, its neighbour is not. Right, strokes along the
# collar, around the badge and the rim of the helmet. We keep max pooling, as the network was trained.
#
# ## In this notebook we
#
# - read VGG19's plan, worked out how far each layer sees, and checked it with a gradient;
# - walked through the layers in a loop, and saw colours become edges, shapes and things;
# - saw what training adds, and that wrong input raises no error.
#
# **On your own.** Find a channel that reacts to something in a photo of yours. Draw the random weights with another seed:
# which numbers change?
#
# **In practice.** The frames of zeros make borders special; some programs reflect the picture there instead.
#
# **Further reading.** Simonyan and Zisserman (2014, arXiv 1409.1556): column E of table 1 is our table. Zeiler and Fergus
# (2013, arXiv 1311.2901): figure 2, what excites channels among many more photos. Luo et al. (2016, arXiv 1701.04128): why
# the square is brightest in its middle.
#
# <!-- bottom -->
