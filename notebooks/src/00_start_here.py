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
# > **The question** Can a computer paint a photo the way somebody else painted? What goes in, and what comes out?
# > **You will make** one painting: a German town after *The Starry Night*, saved as a file of your own.
# > **You need** nothing but this notebook and the folder that it came in. A graphics card helps, but a laptop will do.
# > **Time** 10 minutes to read, and less than a minute of computing.
#
# The first cell finds the other files of the series. Run it, and then every cell after it, from top to bottom.

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Is everything here? The next cell prints one line for each package that the series needs. If a line begins with
# `[missing]`, stop and install that package; `python do.py lab`, run in the folder of the series, does it for you.

# %%
from helpers.install import report

report();

# %% [markdown]
# ## Content plus style makes a painting
#
# Here is where we are going. On the left is a photo of the old town of Tübingen. In the middle is *The Starry Night*,
# which Vincent van Gogh painted in 1889. On the right is what a computer made of the two. Nobody drew a stroke of it.

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

hero = load(DATA / "results" / "first_painting.jpg", 512)
show([load("tubingen_neckarfront", 512), load("starry_night", 512), hero],
     ["the content", "the style", "the painting"],
     alt="A photo of gabled houses on a river; Van Gogh's Starry Night; and the houses "
     "painted in Van Gogh's strokes, under a sky with a great swirl and two stars.")

# %% [markdown]
# The houses stand where the photo has them, and everything is made of strokes that the photo never had. A big swirl turns
# in the empty sky, and there is a star on a house front. This one was painted beforehand at 1,024 pixels, in three rounds
# from small to large (`python -m tools.pictures.results first_painting` paints it again). In a moment you will paint the same
# pair at 256 pixels, which takes seconds.
#
# ## Two pictures go in
#
# The **content** image says *what* to paint. The **style** image says *how*. A computer stores an image as numbers: one
# for red, one for green and one for blue at every pixel, here between 0 (dark) and 1 (bright). We keep all of them in one
# block of numbers, which PyTorch calls a tensor.

# %% tags=["settings"]
# NBVAL_CHECK_OUTPUT
content = "tubingen_neckarfront"
style_name = "starry_night"
photo = load(content, size=256)
style = load(style_name, size=320)
print("photo", tuple(photo.shape), "style", tuple(style.shape))

# %% [markdown]
# Read each shape as *one picture, three colours, height, width*. The two pictures need not have the same size. A style
# image that is a little larger than the photo gives broader strokes, so we take 320 pixels for 256.
#
# ## One number says how wrong a painting is
#
# In 2015, Leon Gatys, Alexander Ecker and Matthias Bethge
# [found a way](https://arxiv.org/abs/1508.06576) to put two questions to VGG19, a network that had been trained to name
# what is on photos (cats, churches, coffee pots). Such a network turns an image into **features**: maps that say where it
# sees an edge, a curl, or a window. And so we can ask:
#
# - *Are the same things in the same places as in the photo?* We compare the features of one deep layer, place by place.
#   This is the content error.
# - *Is it made of the same colours, strokes and textures as the painting?* We compare which features occur together,
#   no matter where. This is the style error, and we take its mean over five layers.
#
# Both errors are 0 for a perfect match, and about 1 for an empty grey sheet. The whole method is in the function `loss`
# below: the style error, plus three hundredths of the content error. Do not worry about the details yet, because the next
# notebooks take them apart one by one. Let us ask first what the untouched photo scores.

# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import content_loss, gram, style_loss
from helpers.vgg import VGG

vgg = VGG()
photo = photo.to(vgg.device)
style = style.to(vgg.device)
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
style_targets = {name: gram(f) for name, f in vgg(style, layers).items()}
content_target = vgg(photo, ["relu4_2"])["relu4_2"]
content_weight = 0.03


def errors(image):
    features = vgg(image, layers + ["relu4_2"])
    style_errors = [style_loss(features[name], style_targets[name]) for name in layers]
    return style_errors, content_loss(features["relu4_2"], content_target)


def loss(image):
    style_errors, content_error = errors(image)
    return sum(style_errors) / 5 + content_weight * content_error


print(f"loss of the untouched photo: {loss(photo).item():.2f}")

# %% [markdown]
# The content of the photo is perfect, so this number is all style. An empty sheet would score about 1, and by this measure
# the photo is about half as far from Van Gogh as that.
#
# ## Painting means changing pixels until that number is small
#
# The network never changes. What we train is the picture: each step asks in which direction every pixel should move, and
# moves all of them a little. We begin with the photo in Van Gogh's colours, and take 50 such steps. `fast` lets the
# network compute in half precision if your machine has units for that, and says what it chose. Watch the picture change.
# If you want to stop early, press the stop button, and you keep the best picture so far.

# %% tags=["painting"]
from helpers.fast import fast, matched_colour, pyramid
from helpers.images import as_saved, save
from helpers.show import Progress
from helpers.transfer import optimise

fast(vgg)
start = matched_colour(photo, style)
painting = optimise(start, loss, steps=50, callback=Progress(50), parametrize=pyramid).image
settings = {"content": content, "style": style_name, "content_weight": content_weight}
file = save(painting, "my_first_painting.png", settings | {"network": vgg.name})
print(f"Your painting is in {file.name}, beside this notebook.")
show(as_saved(painting), height=400,
     alt="The houses of Tübingen in blue and yellow strokes, under a swirling sky.")

# %% [markdown]
# How near did it come? We measure the picture as it was saved, with its colours rounded to the 256 levels of a file.

# %% tags=["errors"]
style_errors, content_error = errors(as_saved(painting))
for name, error in zip(layers, style_errors, strict=True):
    print(f"style error at {name}: {error.item():.3f}")
print(f"mean of the five: {sum(style_errors).item() / 5:.3f}")

# %% [markdown]
# The mean is a small fraction of what the photo scored. Step back from the screen, and the town is still there, gable
# beside gable. Step closer, and it is made of strokes. Look at the sky above all: it was even blue, so there was nothing
# to preserve, and the strokes could run as they do in the painting.
#
# Nobody told the computer what a brush stroke is. The five sets of numbers in `style_targets` say which features occur
# together in *The Starry Night*, and changing the pixels until the painting has the same numbers did the rest. How a
# network comes to such features, and why a table of products is enough to say "style", is what the series explains, one
# question at a time.
#
# ## On your own
#
# - Set `content` above to `"chelsea"`, `"roman_colosseum"` or `"river_otter"`, and run the cells again. `names("content")`
#   and `names("style")` from `helpers.images` list all that there is.
# - Set `style_name` to `"munch_the_scream"`, `"hokusai_great_wave"` or `"mosaic"`.
# - Use a photo of your own: `load("/path/to/photo.jpg")`. Any size and any usual format will do.
# - Change `content_weight` from 0.03 to 0.3, and then to 0.003. Before you run it, say which of the two will keep the windows.
#
# ## The map
#
# <!-- map -->
#
# Read them in order for the whole story. If you would rather write the loop today and understand the rest later, begin
# with 06. Every notebook stands on its own.
#
# **Which network is this?** The original [VGG19](https://arxiv.org/abs/1409.1556) of Karen Simonyan and Andrew Zisserman
# (Oxford, 2014), the network of the papers. It comes with the series, 40 MB, so nothing has to be downloaded, and every
# number in these notebooks is its own, on every machine.
#
# **Will your picture be the same as mine?** Not to the last pixel. Sums of millions of numbers are rounded in another order
# on another machine, so a swirl may come out elsewhere. The kind of picture does not change.
#
# **Further reading.** Gatys, Ecker and Bethge, [A Neural Algorithm of Artistic Style](https://arxiv.org/abs/1508.06576)
# (2015): nine pages, and the pictures alone are worth it.
# [Image Style Transfer Using Convolutional Neural Networks](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# (CVPR 2016) is the same method with all its formulas, and it is the paper that the series follows.
#
# <!-- bottom -->
