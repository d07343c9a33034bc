"""The figures of a run with several samples, computed from its queries.jsonl alone: samples.py RUN. Exits 1 where summary.json
says otherwise. Written from metrics 2.3 and 2.4, not from the C."""
import collections
import itertools
import json
import math
import sys


def t975(df):
    """Student's 0.975 quantile, by bisection over a Simpson integral of its density."""
    c = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)

    def above_middle(t, n=4000):
        f = lambda x: c * (1 + x * x / df) ** (-(df + 1) / 2)
        h = t / n
        return h / 3 * sum((1 if i in (0, n) else 4 if i % 2 else 2) * f(i * h) for i in range(n + 1))

    lo, hi = 0.0, 50.0
    while hi - lo > 1e-10:
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if above_middle(mid) < 0.475 else (lo, mid)
    return lo


def clustered(groups):
    """Mean over answers, its standard error by questions, how many questions."""
    x = [v for g in groups for v in g]
    n, G = len(x), len(groups)
    m = sum(x) / n
    return m, math.sqrt(G / (G - 1) * sum(sum(v - m for v in g) ** 2 for g in groups) / n**2), G


def pass_at(c, n, k):
    draws = list(itertools.combinations([1] * c + [0] * (n - c), k))
    return sum(any(d) for d in draws) / len(draws)


def majority(answers):
    """(text, right) of the readable answers; a tie is drawn."""
    count = collections.Counter(t for t, _ in answers)
    if not count:
        return 0.0
    top = max(count.values())
    leaders = [t for t in count if count[t] == top]
    return sum(dict(answers)[t] for t in leaders) / len(leaders)


def near(what, got, want, tolerance=1e-7):
    if (got is None) != (want is None) or (got is not None and abs(got - want) > tolerance * max(1, abs(want))):
        sys.exit("%s is %r, and by hand %r" % (what, got, want))


def main(run):
    rows = [json.loads(line) for line in open(run + "/queries.jsonl")]
    s = json.load(open(run + "/summary.json"))
    by = collections.OrderedDict()
    for r in rows:
        by.setdefault(r["query_id"], []).append(r)
    K = s["samples"]["k"]
    assert all(sorted(r["sample"] for r in v) == list(range(K)) for v in by.values()), "each sample once"
    right = {q: [1.0 if r["score"] == "correct" else 0.0 for r in v] for q, v in by.items()}
    m, se, G = clustered(list(right.values()))
    near("accuracy", s["accuracy"]["est"], m)
    if s["accuracy"]["method"] == "t by question":
        near("accuracy.lo", s["accuracy"]["lo"], max(m - t975(G - 1) * se, 0), 1e-6)
        near("accuracy.hi", s["accuracy"]["hi"], min(m + t975(G - 1) * se, 1), 1e-6)
    for k, e in s["samples"]["pass_at"].items():
        near("pass@" + k, e["est"], sum(pass_at(int(sum(c)), K, int(k)) for c in right.values()) / G)
    votes = [majority([(r["extracted"].lower(), 1.0 if r["score"] == "correct" else 0.0) for r in v
                       if r["extracted"] is not None and r["status"] in ("ok", "truncated")]) for v in by.values()]
    near("majority", s["samples"]["majority"]["est"], sum(votes) / G)
    rounds = [sum(c[i] for c in right.values()) / G for i in range(K)]
    mean = sum(rounds) / K
    near("round_sd", s["samples"]["round_sd"], math.sqrt(sum((x - mean) ** 2 for x in rounds) / (K - 1)))
    joules = [r["energy_j"] for r in rows]
    if None not in joules:
        near("J/query", s["energy"]["per_query_j"]["component"]["est"], sum(joules) / len(joules))
        near("IPJ", s["ipj"]["component"]["est"], sum(map(sum, right.values())) / sum(joules))
        near("IPJ@K", s["samples"]["ipj_at"][str(K)]["component"]["est"],
             s["samples"]["pass_at"][str(K)]["est"] / (K * sum(joules) / len(joules)))
    for d in s["domains"]:
        c = [right[q] for q, v in by.items() if v[0]["domain"] == d["domain"]]
        near("accuracy of " + str(d["domain"]), d["accuracy"]["est"], sum(map(sum, c)) / sum(map(len, c)))
        near("questions of " + str(d["domain"]), d["questions"], len(c))
    if s["domains"]:
        near("accuracy_macro", s["accuracy_macro"]["est"], sum(d["accuracy"]["est"] for d in s["domains"]) / len(s["domains"]))
    print("%d questions, %d samples: accuracy %.4f, majority %.4f" % (G, K, m, sum(votes) / G))


main(sys.argv[1])
