"""From sources to notebooks, from notebooks to pages. Nothing here imports PyTorch.

build        notebooks/src -> notebooks, and the files that are generated from lists
publish      the address of the repository, everywhere it stands
run          run the notebooks -> pages and a gallery in build/
pages        one executed notebook -> one page that needs no network
minutes      how long a notebook takes to read
lab          what JupyterLab asks when it saves a notebook
kernel       a fresh kernel of this very Python
environment  pyproject.toml -> environment.yml
"""
