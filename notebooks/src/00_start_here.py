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
# # Paint your first picture
#
# > **You will do** one thing: turn a photo into a painting, and save it.
# > **You will learn** what goes in, what comes out, and where each part is explained.
# > **You need** nothing but this notebook; a GPU helps and is not required.
# > **Time** 10 minutes to read, about 10 seconds of computing on a laptop.
# > **Came before** nothing: this is the first page.
#
# ![A Chinese pavilion among trees, laid in small stones of lapis blue, gold and terracotta with dark joints between them.](../data/results/first_painting.jpg)
#
# *The picture that you are about to make, at 640 pixels. Nobody drew these stones: look how they line up along the
# roofs.*

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# **First, is everything here?** Each line names a package, the version found, and the version needed:

# %%
from helpers.check import report

report();

# %% [markdown]
# If a line says `[missing]`, stop here and install it; `python do.py lab`, run in the folder of the series, does that
# for you.
#
# **Two pictures go in.** The *content* image says what to paint, here a pavilion at the Summer Palace in Beijing. The
# *style* image says how, here a mosaic of two fishes. We load the photo at 256 pixels, small enough to be quick, and the
# mosaic at 400, so that its stones come out larger. An image is a tensor: one red, one green and one blue number between
# 0 and 1 for each pixel.

# %% tags=["settings"]
# NBVAL_CHECK_OUTPUT
from helpers.images import load
from helpers.show import show

photo, style = load("china", size=256), load("mosaic", size=400)
print("photo", tuple(photo.shape), "style", tuple(style.shape))
show([photo, style], ["content: what", "style: how"], height=240,
     alt="Left, a photo of a Chinese pavilion above trees; right, a mosaic of two golden fishes in a lapis sea.")

# %% [markdown]
# The shapes read *one picture, three colours, height, width*. The two sizes differ, and that is fine.
#
# **One number says how wrong a painting is.** Gatys, Ecker and Bethge (2015) found a way to ask a network that was
# trained to name objects two separate questions about an image. *Are the same things in the same places?* compares
# its inner pictures, the **features**, at one deep layer: that is the content error. *Is it made of the same colours,
# strokes and textures?* compares how strongly these features occur together, anywhere in the image, at five layers:
# that is the style error. Both are 0 for a perfect match and about 1 for an empty grey picture. The whole of the method is
# in the function `loss`: style error plus three hundredths of the content error. We measure the untouched photo with it:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.transfer import content_loss, gram, style_loss
from helpers.vgg import VGG

vgg = VGG()
photo, style = photo.to(vgg.device), style.to(vgg.device)
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
style_targets = {name: gram(features) for name, features in vgg(style, layers).items()}
content_target = vgg(photo, ["relu4_2"])["relu4_2"]


def loss(image):
    features = vgg(image, layers + ["relu4_2"])
    style_error = sum(style_loss(features[name], style_targets[name]) for name in layers) / len(layers)
    return style_error + 0.03 * content_loss(features["relu4_2"], content_target)


print(f"loss of the untouched photo: {loss(photo).item():.2f}")

# %% [markdown]
# The photo's content is perfect, so all of this number is style: half as far from the mosaic as a grey wall would be.
#
# **Painting means making that number small by changing pixels.** The network stays as it is; the picture is what is
# trained. Each of the 150 steps asks *in which direction should each pixel change?* and follows the answer. Watch it
# happen; to stop early, press the stop button and keep what is there:

# %% tags=["painting"]
from helpers.images import as_saved, save
from helpers.show import Progress
from helpers.transfer import optimise

painting = optimise(photo, loss, steps=150, seen=Progress(150)).image
left = loss(as_saved(painting)).item()
file = save(painting, "my_first_painting.png", {"content": "china", "style": "mosaic", "network": vgg.name})
print(f"loss of the saved picture: {left:.3f}; written to {file}")
assert left < 0.05, "this should have come down to a tenth of the photo's loss"
show(as_saved(painting), height=320,
     alt="The pavilion laid in stones of blue, white, gold and terracotta, with dark joints between them.")

# %% [markdown]
# The loss of the file on your disk is a small fraction of the photo's. Step back from the screen, and the pavilion is
# still there, roof above roof; step closer, and it is made of stones that the photo never had. The red walls have become
# lapis, terracotta and gold, the trees lapis and gold, and joints run through the empty sky.
#
# Nobody told the computer what a stone is. The network knew that certain colours and edges go together in one picture
# and not in another, and the descent did the rest. How a network can know that, and why sums of products of features
# are enough to say "style", is what the series explains, one question at a time.
#
# ## The map
#
# <!-- map -->
#
# Read them in order for the whole story, or start at 06 if you want to write the loop today and understand the rest
# later. Every notebook stands alone, runs top to bottom in about a minute, and has exercises that check themselves.
#
# **Which network?** The line that `VGG()` printed above says which one painted. `vgg19-mini` comes with the series: a
# network of VGG19's shape at a quarter of its width, trained by us to see style as VGG19 does; it runs anywhere, in
# seconds. `VGG("vgg19")` downloads the real one once (548 MB), paints about ten times as slowly on a CPU, and better.
#
# **On your own**
#
# - Change `"china"` into `"astronaut"`, `"chelsea"`, `"coffee"` or `"rocket"` and run the cells again; `names()` from
#   `helpers.images` lists all pictures.
# - Use your own photo: `load("/path/to/photo.jpg")`. Any size and any usual format will do.
# - Change `"mosaic"` into `"starry_night"`, `"woodcut"`, `"impasto"` or `"suminagashi"`.
# - Change 0.03, the weight of the content error, to 0.3 and then to 0.003. Before you run it: which one keeps the
#   windows?
#
# **In practice.** Results differ a little between machines, because sums of millions of numbers are rounded in another
# order; they do not differ in kind. All errors in this series are measured on the picture as saved, in 8 bits.
#
# **Further reading.** Gatys, Ecker and Bethge, *A Neural Algorithm of Artistic Style* (2015, arXiv 1508.06576): nine
# pages, and the pictures alone are worth it. *Image Style Transfer Using Convolutional Neural Networks* (CVPR 2016):
# the same method with all its formulas; this is the paper that the series follows.
#
# <!-- bottom -->
