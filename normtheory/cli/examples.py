"""One line for every command that can be typed as it stands, below its --help."""

EXAMPLES = {
    "minimize": "normtheory minimize main.csv --aux pretrained.csv --penalty finetuning -o theory.npz",
    "simulate": "normtheory simulate main.csv --aux pretrained.csv --protocol finetuning -o flow.npz",
    "plot": "normtheory plot theory.npz -o theory.png",
    "network": 'normtheory network "w*v - u*z" --start "w=v=u=z=0.1"',
    "verify": "normtheory verify eq1 eq34 --json verdicts.json",
    "claims": "normtheory claims --summary",
    "show": "normtheory show eq1",
    "figure": "normtheory figure fig1a --redraw --out pictures",
    "curve": (
        "normtheory curve --inputs 1000 --features 40 --features-aux 40 --overlap 30 --samples 64,128 "
        "--methods finetuning,probing -o curve.csv"
    ),
    "recommend": "normtheory recommend main.csv --aux pretrained.csv -o options.csv",
    "bench": "normtheory bench",
}
