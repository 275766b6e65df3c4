"""Names for parameters that have none of their own."""

import re


def shown(value: object) -> str:
    """``repr`` without addresses: processes that share the tests out must agree on what each is called."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
