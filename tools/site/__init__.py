"""From sources to notebooks, from notebooks to pages. Nothing here imports PyTorch.

build        notebooks/src -> notebooks, and the files that are generated from lists
run          run the notebooks -> pages and a gallery in build/
pages        one executed notebook -> one page that needs no network
kernel       a fresh kernel of this very Python
environment  pyproject.toml -> environment.yml
"""
