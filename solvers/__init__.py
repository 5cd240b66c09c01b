"""How endpoints are computed: certified minimisers, reference programs, the flow and its protocols."""
