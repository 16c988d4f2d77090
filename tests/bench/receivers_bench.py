#!/usr/bin/env python3
"""Measures what receivers cost that look at what they receive, and whether a long call grows.

One bot sends the pattern as VP8 720p30 at 1.5 Mbit/s; so many others receive it in the same process,
with each depth of looking (`verify` in scenarios/SCENARIO.md). What a receiver costs is what the
process uses while all are there, less what it uses with a single receiver that looks at nothing,
shared among the others. The call also judges itself: where the bot was the bottleneck, or a frame
that should have been read was not, the row fails. The soak is tests/scenarios/soak.yaml, over bad lines first.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from bench import TICK, machine_cpu_seconds, note, spread

SCENARIO = """
callbot: 1
name: {count} receivers, verify {verify}
timeout: 10min
url: embedded
media:
  cam:
    video: {{source: pattern, codec: vp8, size: 1280x720, fps: 30, bitrate: 1500 kbit/s}}
    audio: {{source: pattern, codec: opus, bitrate: 32 kbit/s}}
actors:
  sender: {{send: cam, receive: none}}
  receiver: {{count: {count}, verify: {verify}}}
load:
  join_rate: 10
  stages:
    - {{who: receiver, for: {fill}s, to: {count}}}
    - {{who: receiver, for: {rest}s, to: {count}}}
steps:
  - {{do: join, who: sender}}
  - {{wait: 0s, at: {steady}s}}
  - mark: steady
  - wait: {seconds}s
  - mark: end
  - {{wait: 0s, at: {leave}s}}
  - {{do: leave, who: sender}}
thresholds:
  - {{metric: call.reconnects, stat: total, op: "==", value: 0}}
"""
CAME = """  - {metric: rtp.lost, stat: ratio, op: <=, value: 0.1%, who: receiver, between: [steady, end]}
"""
SEEN = """  - {metric: video.missing, stat: ratio, op: <=, value: 1%, who: receiver, between: [steady, end]}
  - {metric: video.unread, stat: ratio, op: <=, value: 1%, who: receiver, between: [steady, end]}
  - {metric: video.e2e_delay, stat: p95, op: <=, value: 400ms, who: receiver, between: [steady, end]}
"""
# What has to be possible on two cores.
ROWS = [("none", 1), ("none", 20), ("headers", 20), ("headers", 100), ("rotate", 20), ("all", 5)]
FLAT = 0.02  # of the memory: what an allocator may take more without growing
SETTLE = 5  # seconds: rotation has begun, the joins' key frames are gone


class Watched:
    """A `callbot test`, and what it had used when it passed each mark."""

    def __init__(self, callbot, arguments):
        self.child = subprocess.Popen([callbot, "test", *arguments], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.output = []

    def used(self):
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
        threads = int(status.split("Threads:")[1].split()[0])
        return {"at": time.monotonic(), "cpu": (int(fields[11]) + int(fields[12])) / TICK,
                "machine": machine_cpu_seconds(), "memory_mb": memory, "threads": threads}

    def run(self, marks):
        """Fills `marks` as they are passed, to the end of the test."""
        for line in self.child.stdout:
            self.output.append(line.rstrip())
            words = line.split()
            if "mark" in words and words[-1] == "done":
                marks[words[-2].rstrip(":")] = self.used()
        self.child.wait()

    def verdict(self):
        return "\n".join(self.output[-25:])


def measure(options, work, verify, count):
    fill = max(3, count // 10 + 1)
    steady = fill + SETTLE
    leave = steady + options.seconds + 2
    file = work / f"receivers-{verify}-{count}.yaml"
    file.write_text(SCENARIO.format(
        verify=verify, count=count, fill=fill, steady=steady, seconds=options.seconds,
        leave=leave, rest=leave - fill) + (CAME if verify != "none" else "")
        + (SEEN if verify in ("rotate", "all") else ""))
    watched = Watched(options.callbot, [str(file), "--html", str(file.with_suffix(".html"))])
    marks = {}
    watched.run(marks)
    status = watched.child.returncode
    if "steady" not in marks or "end" not in marks:
        raise SystemExit(f"bench: {file} ended with {status} before it was measured:\n"
                         + watched.verdict())
    a, b = marks["steady"], marks["end"]
    wall = b["at"] - a["at"]
    return {"status": status, "cores": (b["cpu"] - a["cpu"]) / wall, "memory_mb": b["memory_mb"],
            "threads": b["threads"],
            "others_cpu": 100 * max(0.0, b["machine"] - a["machine"] - (b["cpu"] - a["cpu"])) / wall
            / os.cpu_count(), "said": "" if status == 0 else watched.verdict()}


def receivers(options, work):
    print(f"one sends VP8 720p30 at 1.5 Mbit/s, {options.seconds} s, {options.rounds} rounds, "
          f"{os.cpu_count()} cores")
    rows = {row: [] for row in ROWS}
    for number in range(options.rounds):
        for verify, count in ROWS:
            row = measure(options, work, verify, count)
            rows[verify, count].append(row)
            note(f"round {number + 1} of {options.rounds}: {count} x {verify}: "
                 f"{100 * row['cores']:.0f} % of a core, exit status {row['status']}")
            if row["said"]:
                print(row["said"])
    alone = spread([row["cores"] for row in rows["none", 1]])["median"]
    print(f"\n{'receivers':>10} {'verify':>8} {'% of a core: all':>28} {'each':>8} {'MB':>7} "
          f"{'threads':>8} {'others %':>9} {'exit':>5}")
    for (verify, count), some in rows.items():
        cores = spread([100 * row["cores"] for row in some])
        each = (cores["median"] - 100 * alone) / (count - 1) if count > 1 else float("nan")
        worst = max(row["status"] for row in some)
        used = f"{cores['median']:.1f} ({cores['min']:.1f} .. {cores['max']:.1f})"
        print(f"{count:>10} {verify:>8} {used:>28} {each:>8.2f} "
              f"{max(row['memory_mb'] for row in some):>7.0f} "
              f"{max(row['threads'] for row in some):>8} "
              f"{max(row['others_cpu'] for row in some):>9.1f} {worst:>5}")
    target = work / "receivers.json"
    target.write_text(json.dumps(
        [{"verify": v, "count": c, "runs": some} for (v, c), some in rows.items()], indent=1))
    note(f"all numbers are in {target}")
    return all(row["status"] == 0 for some in rows.values() for row in some)


def soak_scenario(work):
    """soak.yaml over lines that are bad at first: what a call makes at its first disturbance (encoders
    of lesser sizes, a second jitterbuffer for what is sent again) is there before it is measured."""
    text = (Path(__file__).parent.parent / "scenarios" / "soak.yaml").read_text()
    bad = "  - {do: network, who: \"*\", set: {rate: 300 kbit/s, loss: 3%}}\n  - wait: 20s\n"
    clean = "  - {do: network, who: \"*\", set: clean}\n  - wait: 20s\n"
    for old, new in (("{send: cam,", "{send: cam, network: clean,"),
                     ("  - mark: steady\n", bad + clean + "  - mark: steady\n")):
        if old not in text:
            sys.exit(f"bench: soak.yaml has no '{old.strip()}'")
        text = text.replace(old, new)
    (work / "soak.yaml").write_text(text)
    return str(work / "soak.yaml")


def soak(options, work):
    watched = Watched(options.callbot, [
        soak_scenario(work), "--var", f"for={options.soak}s", "--html", str(work / "soak.html")])
    marks, samples = {}, []
    reading = threading.Thread(target=watched.run, args=(marks,))
    reading.start()
    while reading.is_alive():
        reading.join(max(1, options.soak / 120))
        if "steady" in marks and "end" not in marks and watched.child.poll() is None:
            samples.append({"s": time.monotonic() - marks["steady"]["at"], **watched.used()})
            (work / "soak.json").write_text(json.dumps(samples, indent=1))
    print(watched.verdict())
    third = len(samples) // 3
    if third < 3:
        sys.exit(f"bench: the soak ended with {watched.child.returncode} before it was measured")
    middle, last = samples[third:2 * third], samples[2 * third:]
    mean = [sum(s["memory_mb"] for s in some) / len(some) for some in (middle, last)]
    threads = [max(s["threads"] for s in some) for some in (middle, last)]
    cores = [(some[-1]["cpu"] - some[0]["cpu"]) / (some[-1]["at"] - some[0]["at"])
             for some in (middle, last)]
    grown = mean[1] - mean[0]
    print(f"soak of {options.soak} s, second third against last: {mean[0]:.1f} and {mean[1]:.1f} MB "
          f"({grown:+.2f} MB), {100 * cores[0]:.1f} and {100 * cores[1]:.1f} % of a core, "
          f"{threads[0]} and {threads[1]} threads; exit status {watched.child.returncode}")
    if grown > FLAT * mean[0]:
        note(f"memory grows: by more than {100 * FLAT:.0f} % from one third to the next")
    return watched.child.returncode == 0 and grown <= FLAT * mean[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, prog="./dev bench receivers",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callbot", default="build/callbot", help=argparse.SUPPRESS)
    parser.add_argument("--work", default="build/bench", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=20, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak", type=int, metavar="SECONDS",
                        help="instead: one call, so long, and how its memory goes")
    options = parser.parse_args()
    options.callbot = str(Path(options.callbot).resolve())
    work = Path(options.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    note(f"load of this machine: {os.getloadavg()[0]:.2f}")
    if not (soak if options.soak else receivers)(options, work):
        sys.exit("bench: not every call was good")


if __name__ == "__main__":
    main()
