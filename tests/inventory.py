"""The ids that the audit promises a verdict for. Data, so that a claim that goes missing is noticed."""


def ids(text):
    return text.split()


EQUATIONS = ids("""
eq1 eq2 eq3 eq4 eq5 eq8 eq9 eq10 eq11 eq13 eq14 eq15 eq16 eq17 eq18 eq19 eq20 eq21
eq24 eq25 eq26 eq27 eq28 eq29 eq30 eq31 eq32 eq33 eq34 eq35
""")

STATEMENTS = ids("""
lazy-l2 lazy-ridge rich-l1 saddle-avoided l1-is-param-norm l1-sparse
cor1 q-large q-small q-reuse q-new q-decreasing q-own-task reuse-proportion
cor2 l12-param-norm l12-large l12-small l12-sharing mtl-flow mtl-decay two-layers-only
both-decrease both-l1 both-l2 factor-two l12-insensitive q-sensitive reuse-stronger sensitivity-in-aux
probing-cannot-select finetuning-beats-because
l2-at-one no-sparsity-at-one nested-as-printed nested-order rescaling nested-distinct
mirror balanced stationarity same-form
one-path b-single f12
ce-margin ce-forgets ce-time ce-relu ce-kkt
pr-range pr-extremes ensd-cka ensd-subset ensd-zero ensd-nested pr-no-fall
l0-against-l1 stl-norms misprints-captions
""")

BEYOND = ids("""
exact-any-init exact-pretraining exact-unequal-layers exact-finetuning exact-rescaling exact-probing exact-sign
conserved-one-output
q-facts-derivative q-facts-curvature q-facts-conjugate q-facts-series q-facts-rich q-facts-growth q-facts-scale
q-facts-homogeneity q-facts-entropy q-facts-bounds
l12-excess mtl-no-mirror mtl-pinned conserved-multi-output conserved-relu
any-parametrisation bracket-necessary bracket-sufficient laws-complete laws-matrices
curve-fig1e curve-fig1f curve-fig1g curve-fig1h curve-fig1i curve-reuse curve-at-one
curve-fixed-point curve-stein rescale-homogeneous rescale-batchnorm
known-woodworth known-azulay known-any-start known-entropy known-depth known-commuting known-no-mirror
""")

FIGURES = ids("""
fig1a fig1b fig1c fig1d fig1e fig1f fig1g fig1h fig1i
fig3a fig3b fig3c fig7 fig8d
fig5a fig5b fig5c fig5d fig5e fig5f
published-cells rescaled-gain
fig2a fig2b fig2c fig2d fig2e fig2f fig2g fig2h fig2i
fig4a fig4b
fig6a fig6b fig6c fig6d fig6e fig6f fig6g
fig8a fig8b fig8c
relu-crossover relu-rotation relu-pr-signature
""")

INVENTORY = [*EQUATIONS, *STATEMENTS, *BEYOND, *FIGURES]

# Equation numbers that belong to another claim, whose `where` names them; 12 stands beside an empty line.
ALIASES = {6: "eq1", 7: "eq1", 12: "eq11", 22: "eq4", 23: "eq4"}
