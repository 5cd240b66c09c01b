import re
from pathlib import Path

import pytest
from inventory import ALIASES, EQUATIONS, INVENTORY

from normtheory.audit import table
from normtheory.audit.claims import CATALOGUE, claims
from normtheory.audit.text import header, summary

CLAIMS = claims()


@pytest.mark.parametrize("name", sorted(INVENTORY))
def test_every_id_of_the_inventory_is_a_claim_that_can_be_read_and_judged(name):
    claim = CLAIMS[name]
    assert claim.twins
    assert claim.source
    assert claim.where
    assert claim.statement
    assert claim.check.__doc__


def test_no_claim_stands_outside_the_inventory():
    assert set(CLAIMS) <= set(INVENTORY)
    assert len(INVENTORY) == len(set(INVENTORY))


def test_every_printed_equation_number_is_covered():
    own = {int(name[2:]) for name in EQUATIONS}
    assert own | set(ALIASES) == set(range(1, 36))
    for number, name in ALIASES.items():
        assert str(number) in re.findall(r"\d+", CLAIMS[name].where)


def test_claims_come_in_the_order_of_the_sections():
    sections = list(dict.fromkeys(claim.check.__module__ for claim in CLAIMS.values()))
    from normtheory import proofs

    panels = [name for name in CATALOGUE if name != "normtheory.proofs"]
    assert sections == [f"normtheory.proofs.{name}" for name in proofs.__all__] + panels


def test_the_table_of_the_documentation_has_every_claim():
    """What its rows say is held against the claims where they are run: `test_claims`."""
    rows = table.shown((Path(__file__).parents[2] / "docs" / "verdicts.md").read_text())
    assert [row.split("`")[1] for row in rows] == list(CLAIMS), "normtheory verify --table docs/verdicts.md"


def test_the_documentation_shows_the_verdicts():
    text = (Path(__file__).parents[2] / "docs" / "verdicts.md").read_text()
    shown = text.split("<!-- verdicts -->\n")[1].split("\n<!-- end of verdicts -->")[0]
    assert shown.strip() == summary(CLAIMS.values()), "paste the output of `normtheory claims --summary`"


def test_the_lines_of_the_ledger_fit_sixty_columns():
    assert len(header(CLAIMS)) <= 60


def test_the_readme_counts_the_claims():
    assert f" {len(CLAIMS)} claims," in (Path(__file__).parents[2] / "README.md").read_text()
