#!/usr/bin/env python3
"""Measures `callbot recordings list` over 10,000 recordings: the whole process, beside `ls -l` of
the same folder as peer, in turn. The recordings are made once, into WORK/catalogue."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

GOAL_MS = 100
SETTLED = 3  # seconds after which the catalogue trusts what it has read (catalogue.h: settled)


def note(text):
    print(f"bench: {text}", flush=True)


def manifest(number, started):
    """What a finished recording of two members says."""
    stamp = lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.000000000Z")
    length = 600 * 10**9
    span = {"from_ns": 0, "to_ns": length}
    people = [{"id": f"m{i}", "name": name, "recorder": False, "present": [span], "said": [],
               "refused": [], "peers_lost": 0} for i, name in enumerate(("alice", f"guest-{number}"))]
    tracks = [{"track": i + 1, "participant": f"m{i // 2}", "media": media, "codec": codec,
               "clock_rate": rate, "channels": channels, "ssrc": i + 1, "from_ns": 0,
               "to_ns": length, "frames": 18000, "key_frames": 10, "bytes": 10**8, "skipped": 0,
               "overflow": 0, "packets_lost": 0, "packets_repaired": 0, "key_frame_waits": 0,
               "key_frame_wait_ns": 0, "anchors": 0, "gap_count": 0, "gap_ns": 0, "gaps": [],
               "sizes": []}
              for i, (media, codec, rate, channels) in
              enumerate([("audio", "opus", 48000, 2), ("video", "vp8", 90000, 0)] * 2)]
    return {"format": "callbot-recording", "version": 2, "state": "finished",
            "software": "bench", "room": f"room-{number % 50}", "protocol": "rooms",
            "recorder": "recorder", "audio": True, "video": True, "started": stamp(started),
            "ended": stamp(started + timedelta(seconds=600)),
            "end": {"reason": "empty", "by": "recorder"}, "participants": people,
            "tracks": tracks, "media": [], "received": [], "interruptions": [], "failures": [],
            "chat_messages": 0}


def make(out, count):
    done = out / ".made"
    if done.exists() and done.read_text() == str(count):
        return
    note(f"making {count} recordings in {out}")
    first = datetime(2026, 1, 1, tzinfo=timezone.utc)
    for number in range(count):
        started = first + timedelta(minutes=17 * number)
        folder = out / f"room-{number % 50}-{started:%Y%m%dT%H%M%SZ}"
        for part in ("media", "exports"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").write_text(json.dumps(manifest(number, started)))
        (folder / "journal.jsonl").write_text("")
        (folder / "media" / "alice-1.mkv").write_bytes(b"m" * 4096)
        (folder / "verdict.json").write_text('{"verdict":"PASS"}')
        if number % 10 == 0:
            (folder / "annotations.json").write_text(
                '{"format":"callbot-annotations","version":1,"tags":["important"],"keep":true}')
    done.write_text(str(count))
    time.sleep(SETTLED)


def once(command):
    start = time.monotonic()
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return (time.monotonic() - start) * 1000, result.stdout.count(b"\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callbot", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--recordings", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    out = options.work / "catalogue"
    out.mkdir(parents=True, exist_ok=True)
    make(out, options.recordings)
    callbot = [options.callbot, "recordings", "list", "--out", str(out)]
    peer = ["ls", "-l", str(out)]
    for index in out.glob(".catalogue.sqlite*"):
        index.unlink()
    rebuild, lines = once(callbot)
    if lines != options.recordings + 1:
        sys.exit(f"bench: {lines - 1} of {options.recordings} recordings listed")
    times = {"list": [], "ls -l": []}
    start_only = []
    for _ in range(options.rounds):
        times["list"].append(once(callbot)[0])
        times["ls -l"].append(once(peer)[0])
        start_only.append(once([options.callbot, "--version"])[0])
    middle = {name: statistics.median(values) for name, values in times.items()}
    ratio = middle["list"] / middle["ls -l"]
    note(f"{options.recordings} recordings, {options.rounds} rounds, median (least) in ms")
    for name, values in times.items():
        note(f"  {name:<24}{middle[name]:8.1f} ({min(values):.1f})")
    note(f"  of list: process start  {statistics.median(start_only):8.1f} ({min(start_only):.1f})")
    note(f"  index made from scratch {rebuild:8.1f}")
    note(f"  list / ls -l            {ratio:8.2f}")
    (options.work / "catalogue.json").write_text(json.dumps(
        {"recordings": options.recordings, "list_ms": times["list"], "ls_ms": times["ls -l"],
         "start_ms": start_only, "rebuild_ms": rebuild, "ratio": ratio,
         "load": os.getloadavg()[0]}))
    if middle["list"] > GOAL_MS:
        sys.exit(f"bench: list takes {middle['list']:.1f} ms, more than {GOAL_MS}; load {os.getloadavg()[0]:.1f}")


main()
