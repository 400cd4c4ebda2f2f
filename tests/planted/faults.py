"""All planted faults."""

from tests.planted import in_data, in_helpers, in_tools

FAULTS = [*in_helpers.FAULTS, *in_tools.FAULTS, *in_data.FAULTS]
