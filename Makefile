# Aliases only; do.py does the work.
.PHONY: notebooks test lab build
notebooks test lab build:
	@$(shell command -v python || command -v python3) do.py $@
