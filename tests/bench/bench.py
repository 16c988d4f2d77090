#!/usr/bin/env python3
"""Measures recorders under one feed in one run: callbot beside a recorder made with Pion.

Each recorder is a program that takes WHIP offers at POST /whip and writes what it receives. In
every round each one is started afresh, gets the same sessions from the same sender, and is watched
from outside: processor time, memory, threads and descriptors of its whole process tree, and the
bytes it wrote, since a recorder that writes nothing is cheap. callbot runs once more with
--audio-only: the same sender offers the same video, and is refused it. Then sessions join and leave callbot
one by one: how long until the first packet that its journal accounts for, and does memory grow?
"""

import argparse
import datetime
import json
import os
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
FEED_SECONDS = 10
OGG_PAGE_HEAD = 28  # bytes around each packet of the feed's sound (RFC 3533, 6)
PACKETS_PER_SECOND = 50
AUDIO_ONLY = "callbot-audio"
HOLD = "1s"  # of each join; callbot's jitterbuffers keep what they get for 0.6 s
SETTLE = 3  # seconds between the start of the feed and the start of the measurement


def note(text):
    print(f"bench: {text}", flush=True)


# --- the feed

def make_feed(work):
    """VP8 720p30 at 1.5 Mbit/s, a key frame every 2 s, and Opus, one packet a page."""
    video, audio = work / "feed.ivf", work / "feed.ogg"
    if not video.exists() or not audio.exists():
        note("making the feed")
        source = f"testsrc2=size=1280x720:rate=30:duration={FEED_SECONDS},format=yuv420p"
        ffmpeg = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"]
        subprocess.run(ffmpeg + [source, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8",
                                 "-b:v", "1500k", "-minrate", "1500k", "-maxrate", "1500k",
                                 "-g", "60", str(video)], check=True)
        tone = f"sine=frequency=330:sample_rate=48000:duration={FEED_SECONDS}"
        subprocess.run(ffmpeg + [tone, "-c:a", "libopus", "-b:a", "48k", "-page_duration", "20000",
                                 str(audio)], check=True)
    return video, audio


# --- processes, seen from outside

class Process:
    """A program under measurement or one that brings the load; ends with the `with` block."""

    def __init__(self, command, log, **options):
        self.log = log
        self.child = subprocess.Popen(command, stderr=open(log, "w"), stdin=subprocess.DEVNULL,
                                      text=True, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:  # it judges what it recorded; nobody here waits for that
            self.child.kill()
            self.child.wait()

    def tree(self):
        found, todo = [], [self.child.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                todo += map(int, children.read_text().split())
        return found

    def cpu_seconds(self):
        total = 0
        for pid in self.tree():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])  # utime, stime
        return total / TICK

    def resources(self):
        rss = threads = fds = 0
        for pid in self.tree():
            status = dict(line.split(":", 1)
                          for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            rss += int(status["VmRSS"].split()[0]) / 1024
            threads += int(status["Threads"])
            fds += len(os.listdir(f"/proc/{pid}/fd"))
        return {"memory_mb": rss, "threads": threads, "fds": fds}

    def events(self):
        """The JSON lines that it prints; Pion's libraries print other ones too."""
        for line in self.child.stdout:
            if line.startswith("{"):
                yield json.loads(line)
            elif line.strip():
                note(f"{Path(self.log).name}: {line.strip()}")
        if self.child.wait(20) != 0:
            raise SystemExit(f"bench: {Path(self.log).read_text().strip() or self.child.args}")


def machine_cpu_seconds():
    """What all processes of this machine have used so far."""
    user, nice, system, _, _, irq, softirq = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8])
    return (user + nice + system + irq + softirq) / TICK


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_recorder(command, out, log):
    port = free_port()
    recorder = Process([part.format(port=port, out=out) for part in command], log,
                       stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        if recorder.child.poll() is not None or time.monotonic() > deadline:
            recorder.child.kill()
            raise SystemExit(f"bench: {command[0]} takes no connection: {Path(log).read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return recorder, f"http://127.0.0.1:{port}/whip"
        except OSError:
            time.sleep(0.05)


def written_mb(folder):
    return sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file()) / 1e6


# --- what is measured

def measure_load(bench, command, out, log):
    """One recorder, all sessions at once. Per session, processor in % of a core; only others_cpu,
    what else the machine was doing, is in % of the machine."""
    n, seconds = bench.options.sessions, bench.options.seconds
    recorder, url = start_recorder(command, out, log + ".recorder")
    with recorder:
        idle = recorder.resources()
        with bench.peer("send", url, log + ".sender", "--sessions", str(n),
                        "--seconds", str(SETTLE + seconds + 2)) as sender:
            events = sender.events()
            next(events)  # connected
            time.sleep(SETTLE)
            def used():
                return [recorder.cpu_seconds(), sender.cpu_seconds(), machine_cpu_seconds(),
                        written_mb(out), time.monotonic()]
            before = used()
            time.sleep(seconds)
            own, senders, all_of_it, written, spent = (b - a for a, b in zip(before, used()))
            loaded = recorder.resources()
            row = {"cpu": 100 * own / spent / n, "sender_cpu": 100 * senders / spent / n,
                   "others_cpu": max(0, 100 * (all_of_it - own - senders) / spent / os.cpu_count()),
                   "written_mbit": 8 * written / spent / n}
            for _ in events:
                pass
    row["idle_mb"] = idle["memory_mb"]
    row["own_mb"] = (loaded["memory_mb"] - idle["memory_mb"]) / n
    row.update({name: value / n for name, value in loaded.items()})
    return row


def measure_rounds(bench, command, out, log):
    """One session after the other: when did its first packet arrive, and what stays behind."""
    recorder, url = start_recorder(command, out, log + ".recorder")
    posted, connect, samples = [], [], []
    with recorder:
        start = recorder.resources()
        with bench.peer("rounds", url, log + ".sender", "--rounds", str(bench.options.rejoins),
                        "--hold", HOLD) as sender:
            for event in sender.events():
                posted.append(event["posted_ns"])
                connect.append(event["connect_ms"])
                samples.append(recorder.resources()["memory_mb"])
                if event["round"] % 25 == 0:
                    note(f"joined and left {event['round']} times")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and recorder.resources()["fds"] > start["fds"]:
            time.sleep(0.2)
        end = recorder.resources()
    first = first_arrivals(out, posted)
    return {"rounds": len(posted), "connect_ms": spread(connect),
            "first_packet_ms": spread(first) if first else None, "first_packets_found": len(first),
            "growth_mb": growth(samples), "start": start, "end": end}


def growth(samples):
    """Memory after the last rounds less memory once it is warm (after a quarter), in MB."""
    quarter = max(1, len(samples) // 4)
    few = max(1, quarter // 4)
    return statistics.median(samples[-few:]) - statistics.median(samples[quarter:quarter + few])


def first_arrivals(out, posted):
    """Per join, the first arrival that a journal anchors, in ms after the offer was posted."""
    arrivals = []
    for journal in Path(out).rglob("journal.jsonl"):
        for line in journal.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "anchor":
                arrivals.append(nanoseconds(event["arrival"]))
    result = []
    for begin, end in zip(posted, posted[1:] + [time.time_ns()]):
        inside = [a for a in arrivals if begin <= a < end]
        if inside:
            result.append((min(inside) - begin) / 1e6)
    return result


def nanoseconds(text):
    """RFC 3339 with up to nine digits of a second, in UTC."""
    whole, _, rest = text.rstrip("Z").partition(".")
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) * 10**9 + int(rest.ljust(9, "0") or 0)


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


# --- the run

class Bench:
    def __init__(self, options):
        self.options = options
        self.work = Path(options.work).resolve()
        self.video, self.audio = make_feed(self.work)
        self.feed_mbit = 8 * self.video.stat().st_size / 1e6 / FEED_SECONDS
        pages = self.audio.stat().st_size - OGG_PAGE_HEAD * PACKETS_PER_SECOND * FEED_SECONDS
        self.audio_mbit = 8 * pages / 1e6 / FEED_SECONDS
        pion = str(self.work / "pion_peer")
        self.recorders = {"pion": [pion, "record", "--listen", "127.0.0.1:{port}", "--out", "{out}"]}
        if not options.pion_only:
            self.recorders["callbot"] = [str(Path(options.callbot).resolve()), "serve", "--listen",
                                         "127.0.0.1:{port}", "--record", "{out}"]
            self.recorders[AUDIO_ONLY] = [*self.recorders["callbot"], "--audio-only"]
        for extra in options.recorder:
            name, _, command = extra.partition("=")
            self.recorders[name] = shlex.split(command)

    def peer(self, verb, url, log, *flags):
        command = [str(self.work / "pion_peer"), verb, "--url", url, "--video", str(self.video),
                   "--audio", str(self.audio), *flags]
        return Process(command, log, stdout=subprocess.PIPE)

    def run_fresh(self, measure, name):
        out = tempfile.mkdtemp(prefix=f"{name}-", dir=self.work)
        try:
            return measure(self, self.recorders[name], out, str(self.work / name))
        finally:
            shutil.rmtree(out)

    def load(self):
        rows = {name: [] for name in self.recorders}
        for number in range(self.options.rounds):
            order = list(self.recorders)
            for name in order if number % 2 == 0 else reversed(order):
                row = self.run_fresh(measure_load, name)
                rows[name].append(row)
                note(f"round {number + 1} of {self.options.rounds}: {name} {row['cpu']:.2f} % of a "
                     f"core a session")
        return {name: {key: spread([row[key] for row in some]) for key in some[0]}
                for name, some in rows.items()}


ROWS = [("cpu", "processor, % of a core", 2), ("memory_mb", "memory, MB", 2),
        ("own_mb", "memory less idle, MB", 2), ("threads", "threads", 1), ("fds", "descriptors", 1),
        ("written_mbit", "kept, Mbit/s", 2), ("sender_cpu", "the sender's processor, %", 2),
        ("others_cpu", "others, % of the machine", 1)]


def print_load(bench, load):
    o = bench.options
    print(f"\n{o.sessions} sessions, VP8 720p30 {bench.feed_mbit:.2f} Mbit/s + Opus, {o.seconds} s, "
          f"{o.rounds} rounds, {os.cpu_count()} cores\nper session, median (least .. most)")
    print(f"{'':27}" + "".join(f"{name:>28}" for name in load))
    for key, title, digits in ROWS:
        cells = ""
        for row in load.values():
            v = row[key]
            text = f"{v['median']:.{digits}f} ({v['min']:.{digits}f} .. {v['max']:.{digits}f})"
            cells += f"{text:>28}"
        print(f"{title:27}{cells}")
    yardstick = load["pion"]["cpu"]["median"]
    for row in load.values():
        row["ratio"] = row["cpu"]["median"] / yardstick
    print(f"{'processor against pion':27}" +
          "".join(f"{row['ratio']:>26.2f} x" for row in load.values()))
    if AUDIO_ONLY in load:
        load[AUDIO_ONLY]["of_full"] = load[AUDIO_ONLY]["cpu"]["median"] / load["callbot"]["cpu"]["median"]
        print(f"audio only: {100 * load[AUDIO_ONLY]['of_full']:.0f} % of the processor time of "
              "sessions with video")


def print_rounds(rounds):
    def in_ms(v):
        return f"median {v['median']:.0f} ms ({v['min']:.0f} .. {v['max']:.0f})"
    print(f"\ncallbot, {rounds['rounds']} joins one after the other")
    print(f"  offer posted to connected             {in_ms(rounds['connect_ms'])}")
    first = rounds["first_packet_ms"]
    print(f"  offer posted to first recorded packet {in_ms(first) if first else 'not measured'}, "
          f"{rounds['first_packets_found']} of {rounds['rounds']} joins")
    start, end = rounds["start"], rounds["end"]
    print(f"  memory growth once warm              {rounds['growth_mb']:+.2f} MB")
    print(f"  threads {start['threads']} -> {end['threads']}, descriptors {start['fds']} -> "
          f"{end['fds']}, memory {start['memory_mb']:.1f} -> {end['memory_mb']:.1f} MB")


def complaints(bench, result):
    """What makes a run worthless: a recorder that did not record."""
    for name, row in result["load"].items():
        feed = bench.audio_mbit if name == AUDIO_ONLY else bench.feed_mbit
        if row["written_mbit"]["min"] < 0.9 * feed:
            yield f"{name} kept only {row['written_mbit']['min']:.2f} Mbit/s of the feed"
        if name == AUDIO_ONLY and row["written_mbit"]["max"] > 0.5 * bench.feed_mbit:
            yield f"{name} kept {row['written_mbit']['max']:.2f} Mbit/s: that is video"
    rounds = result.get("rounds")
    if rounds and rounds["first_packets_found"] < 0.95 * rounds["rounds"]:
        yield f"callbot recorded only {rounds['first_packets_found']} of {rounds['rounds']} joins"


def main():
    parser = argparse.ArgumentParser(description=__doc__, prog="./dev bench",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callbot", default="build/callbot", help=argparse.SUPPRESS)
    parser.add_argument("--work", default="build/bench", help=argparse.SUPPRESS)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=10, help="measured in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rejoins", type=int, default=200, help="joins one after the other; 0: none, else 20 and more")
    parser.add_argument("--pion-only", action="store_true", help="the yardstick alone")
    parser.add_argument("--recorder", action="append", default=[], metavar="NAME=COMMAND",
                        help="one more that speaks POST /whip; {port} and {out} are filled in")
    parser.add_argument("--json", help="also write the numbers there (default: WORK/bench.json)")
    options = parser.parse_args()
    if 0 < options.rejoins < 20:
        parser.error(f"--rejoins {options.rejoins}: expected 0, or 20 and more (growth is a median)")
    bench = Bench(options)
    result = {"cores": os.cpu_count(), "sessions": bench.options.sessions,
              "feed_mbit": bench.feed_mbit, "load": bench.load()}
    if "callbot" in bench.recorders and bench.options.rejoins:
        result["rounds"] = bench.run_fresh(measure_rounds, "callbot")
    print_load(bench, result["load"])
    if "rounds" in result:
        print_rounds(result["rounds"])
    target = Path(bench.options.json or bench.work / "bench.json")
    target.write_text(json.dumps(result, indent=2) + "\n")
    print(f"\nall numbers: {target}")
    worthless = list(complaints(bench, result))
    for text in worthless:
        note(f"not valid: {text}")
    sys.exit(1 if worthless else 0)


if __name__ == "__main__":
    main()
