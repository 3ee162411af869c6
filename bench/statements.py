"""Count how the checks judge true and false statements about papers of seeds/, by their kind.

    uv run python bench/statements.py [first] [second] [--each]

"""
import json,sys
from collections import defaultdict
from pathlib import Path
from bot.answering.answer import Draft, Support
from bot.answering.checks import Rejection, check
from retrieval.papers import Evidence, Hit
from retrieval.sources import open_source
papers=list(open_source("seeds").papers)
hits=[Hit(p,1.0,(),(),Evidence(.5,.5,5.,.5,.5)) for p in papers]
for half in ["first"]:
    t=defaultdict(list)
    for line in Path(f"tests/eval/statements/{half}.jsonl").read_text().splitlines():
        r=json.loads(line)
        sup=tuple(Support(next(i for i,p in enumerate(papers,1) if p.title.startswith(s["paper"])),s["quote"]) for s in r["supports"])
        o=check(Draft(r["text"],sup),hits,translated=r["language"]!="en")
        t[r["true"],r["kind"]].append(bool(o)); t[r["true"],"all"].append(bool(o))
        if bool(o)!=r["true"]: print(r["true"], r["kind"], r["text"][:90], getattr(o,"reason",""))
    for k,v in sorted(t.items()): print(k,sum(v),len(v))
