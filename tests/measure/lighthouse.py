"""Ask Lighthouse about each page of the site, as a phone and as a desktop; "make lighthouse" runs it.

All scores must be 100, and the screenplay must come up quickly on the simulated phone. The page for
what is not found is asked by its name: a server answers 404 with it, which Lighthouse takes for a
failure. The search page loads Sphinx' scripts, and may therefore ask for more files than the others.

A machine that is busy is slow in the simulation, too: a page that misses gets two more tries.
"""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from typing import Any

import browser
from support import ROOT

SITE = ROOT / "build/html"
NODE = ROOT / "build/node"
CATEGORIES = ["performance", "accessibility", "best-practices", "seo"]
REQUESTS, KILOBYTES = 7, 60
PAINT = 1.2  # seconds, of the screenplay on the phone
TRIES = 3


def install() -> None:
    """What tests/measure/package-lock.json names, once, into build/node."""
    lock = ROOT / "tests/measure/package-lock.json"
    done = NODE / ".done"
    if done.exists() and filecmp.cmp(lock, done, shallow=False):
        return
    print("Installing Lighthouse into build/node (once)", flush=True)
    NODE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "tests/measure" / name, NODE)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                   cwd=NODE, check=True)
    shutil.copy(lock, done)


def ask(address: str, device: str) -> dict[str, Any]:
    """One report of Lighthouse, in a browser of its own."""
    options = ["--preset=desktop"] if device == "desktop" else []
    done = subprocess.run(
        ["node", NODE / "node_modules/lighthouse/cli/index.js", address, "--quiet", "--output=json", *options,
         f"--only-categories={','.join(CATEGORIES)}", "--no-enable-error-reporting",
         "--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage"],
        env=os.environ | {"CHROME_PATH": str(browser.find())}, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"Lighthouse has failed on {address}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def judge(report: dict[str, Any], page: str, device: str) -> tuple[list[str], list[str]]:
    """The cells of the table, and what is not as it should be."""
    audits = report["audits"]
    scores = {name: round(100 * entry["score"]) for name, entry in report["categories"].items()}
    paint = audits["largest-contentful-paint"]["numericValue"] / 1000
    shift = audits["cumulative-layout-shift"]["numericValue"]
    loaded = audits["network-requests"]["details"]["items"]
    size = sum(item.get("transferSize", 0) for item in loaded) / 1000
    faults = [f"{name} {score}: " + ", ".join(
        reference["id"] for reference in report["categories"][name]["auditRefs"]
        if reference["weight"] and (audits[reference["id"]]["score"] or 0) < 1
        and audits[reference["id"]]["scoreDisplayMode"] not in ("notApplicable", "manual", "informative"))
        for name, score in scores.items() if score < 100]
    if page == "screenplay.html" and device == "mobile" and paint >= PAINT:
        faults.append(f"largest contentful paint {paint:.2f} s, not under {PAINT}")
    if shift > 0:
        faults.append(f"layout shift {shift:.3f}")
    if page != "search.html" and len(loaded) > REQUESTS:
        faults.append(f"{len(loaded)} requests, more than {REQUESTS}")
    if size > KILOBYTES:
        faults.append(f"{size:.0f} kB, more than {KILOBYTES}")
    cells = [str(scores[name]) for name in CATEGORIES]
    return [*cells, f"{paint:.2f}", f"{shift:.3f}", str(len(loaded)), f"{size:.1f}"], faults


def main(wanted: list[str]) -> int:
    """Print the table; the exit status says whether all is as it should be."""
    install()
    pages = wanted or sorted(str(page.relative_to(SITE)) for page in SITE.rglob("*.html"))
    line = "{:18} {:8} {:>5} {:>5} {:>5} {:>5} {:>6} {:>6} {:>8} {:>6}"
    print(line.format("page", "as", "perf", "acc", "best", "seo", "LCP s", "CLS", "requests", "kB"))
    status = 0
    with browser.served(SITE) as (address, _):
        for page in pages:
            for device in ("mobile", "desktop"):
                for _ in range(TRIES):
                    cells, faults = judge(ask(address + page, device), page, device)
                    if not faults:
                        break
                print(line.format(page, device, *cells), flush=True)
                for fault in faults:
                    print(f"    {fault}", flush=True)
                    status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
