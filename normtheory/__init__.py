"""What the theory says: penalties, networks, exact scales, tasks, and the ledger's types."""
