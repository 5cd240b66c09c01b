"""Changes of printed fields that leave a statement true, and why: what a check must go on accepting.

By claim and field; every other change of every other printed field must not be accepted.
"""

MULTIPLE = "a multiple, or a shift by what does not depend on the variable, has the same minimisers"
WEAKER = "a bound or a range that is wider or narrower says less, and a bound of the other sign less still"
EVEN = "only its square, or its product with another, enters, so that its sign is free"
LINEAR = "multiples are conserved or obey the same linear equation, or vanish where it does"
FREE = "it stands for any positive number, so that its multiples do, too"
NAME = "the name tells the theories apart in code and is not printed: the formulas are"
PLACE = "it holds at other sizes, too: of weights, initialisations, numbers of features or of samples"
MEASURED = "measured anew with the changed number, and found to hold"
LIMIT = "only its limit over the logarithm enters, which a factor inside the logarithm does not change"
FALLS = "multiples of what falls fall, and have the same order or the same sensitivity"

REASONS = {
    MULTIPLE: """
        l1-is-param-norm:penalty eq2:objective cor1:objective cor2:norms cor2:penalty mtl-pinned:potential
        probing-cannot-select:objective eq21:q eq21:weight mirror:q mirror:weight b-single:penalty
        exact-any-init:potential exact-probing:cost any-parametrisation:dual l1-sparse:penalty lazy-l2:penalty
        rich-l1:penalty mtl-flow:potential mtl-decay:norm ce-margin:norm ce-forgets:norm ce-kkt:norm""",
    WEAKER: """
        curve-stein:most curve-fixed-point:width q-small:error q-large:gap q-reuse:least q-reuse:most q-reuse:reach
        q-own-task:most reuse-proportion:rest l12-large:share l12-small:share l12-excess:least l12-excess:most
        two-layers-only:reach two-layers-only:scale both-l1:gap both-l1:rest both-l2:error both-l2:less
        factor-two:coefficient factor-two:ratio l12-insensitive:bound q-sensitive:least q-sensitive:low q-sensitive:high
        reuse-stronger:more reuse-stronger:low reuse-stronger:high l2-at-one:least l2-at-one:ratio
        no-sparsity-at-one:slack no-sparsity-at-one:ratio nested-order:high nested-order:least nested-order:low
        nested-order:start nested-as-printed:high nested-as-printed:least nested-as-printed:low nested-as-printed:most
        nested-as-printed:small rescaling:high rescaling:least rescaling:low rescaling:most rescaling:small
        rescaling:unscaled nested-distinct:high nested-distinct:least nested-distinct:low nested-distinct:most
        nested-distinct:start balanced:least balanced:most one-path:low one-path:high pr-range:least pr-range:most
        q-facts-series:lower q-facts-series:upper q-facts-rich:gap q-facts-bounds:most q-facts-bounds:upper
        l1-sparse:most lazy-l2:rate rich-l1:rate mtl-flow:near finetuning-beats-because:gain ce-margin:within
        ce-time:within ce-kkt:most pr-no-fall:least pr-no-fall:most""",
    EVEN: """
        eq3:argument eq3:first eq3:second mtl-no-mirror:first eq16:difference eq16:sum eq17:difference eq17:sum
        eq18:difference eq18:sum eq19:difference eq19:sum same-form:start eq21:argument mirror:argument ce-relu:angle
        known-woodworth:output known-woodworth:start known-entropy:start""",
    LINEAR: """
        laws-complete:laws known-commuting:outputs conserved-multi-output:laws conserved-relu:quantity eq10:quantity
        eq11:quantity one-path:vanishing conserved-one-output:quantities eq29:activation""",
    FREE: """
        q-decreasing:weight both-decrease:weight probing-cannot-select:endpoint pr-extremes:one pr-extremes:equal""",
    NAME: """
        q-small:theory q-large:theory q-new:theory q-reuse:theory q-decreasing:theory q-own-task:theory
        reuse-proportion:theory both-decrease:theory both-l1:theory both-l2:theory factor-two:theory q-sensitive:theory
        reuse-stronger:theory sensitivity-in-aux:theory l2-at-one:theory no-sparsity-at-one:theory nested-order:theory
        nested-as-printed:theory""",
    PLACE: """
        laws-matrices:sizes known-depth:layers known-no-mirror:networks
        q-own-task:alpha q-own-task:gamma q-own-task:feature reuse-stronger:alpha
        reuse-stronger:gamma reuse-stronger:aux l2-at-one:aux l2-at-one:scale no-sparsity-at-one:aux
        no-sparsity-at-one:features no-sparsity-at-one:scale ensd-subset:units ensd-zero:units ensd-zero:others
        ensd-zero:pairs finetuning-beats-because:aux finetuning-beats-because:scale""",
    MEASURED: """
        mtl-flow:samples mtl-decay:draws finetuning-beats-because:cost finetuning-beats-because:realisations
        ce-margin:at ce-margin:draws ce-margin:scales ce-time:draws ce-time:ratios ce-time:scales ce-time:unit
        pr-no-fall:features pr-no-fall:inside pr-no-fall:kept pr-no-fall:outside pr-no-fall:realisations
        pr-no-fall:samples""",
    LIMIT: "q-new:divisor",
    FALLS: """
        l12-sharing:contribution both-decrease:mtl l12-insensitive:quantity""",
}  # fmt: skip
WHY = {tuple(each.split(":")): reason for reason, listed in REASONS.items() for each in listed.split()}
# Of these fields every single change that is made leaves a true statement.
ANYHOW = """
    q-own-task:alpha q-own-task:gamma q-own-task:feature reuse-stronger:alpha reuse-stronger:gamma reuse-stronger:more
    l2-at-one:aux l2-at-one:scale no-sparsity-at-one:scale nested-order:start nested-distinct:start mtl-flow:samples
    mtl-decay:draws ce-margin:draws ce-time:draws"""
ANY = {tuple(each.split(":")) for each in ANYHOW.split()}
