"""Networks of one's own: the language they are typed in, what they compute, and what their gradient flow conserves."""

from normtheory.parametrisations.language import read_network, read_start
from normtheory.parametrisations.model import Parametrisation

__all__ = ["Parametrisation", "read_network", "read_start"]
