"""How a statement is judged: claims, derivations, balls, verdicts, and how they are run and printed. Knows no claim."""
