#!/usr/bin/env python3
"""Measures `callbot compose` against an ffmpeg command line that does the same work.

Four members, each VP8 720p30 and Opus, become one 720p30 picture of four tiles and one mix, H.264 and
AAC in MP4, with the same encoder settings. ffmpeg scales into tiles of 640x360 with xstack and mixes
with amix; callbot's tiles are a little smaller and have names and rounded corners. The two run in
turn, the first one of a round last in the next; what counts is the time on the wall.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench import machine_cpu_seconds, note, spread

MEMBERS = ["alice", "bob", "carol", "dave"]
MOST_RATIO = 1.15
START = "2026-11-21T04:20:42.000000000Z"
# As recordings/encoders.cc and composer.cc have them.
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-bf", "0", "-threads", "4",
        "-g", "120"]
AAC = ["-c:a", "aac", "-b:a", "160k"]


# --- the recording

def source(number, seconds):
    """A moving picture with noise in it, as a camera's is."""
    size = "size=1280x720:rate=30"
    base = [f"testsrc2={size}", f"mandelbrot={size}", f"testsrc2={size},hue=h=120,hflip",
            f"mandelbrot={size}:start_scale=0.5,hue=h=200"][number]
    return f"{base},noise=alls=6:allf=t,format=yuv420p,trim=duration={seconds}"


def make_recording(work, seconds):
    """A folder as FORMAT.md says, of files that ffmpeg makes."""
    folder = work / f"compose-{seconds}"
    if (folder / "manifest.json").exists():
        return folder
    note("making the recording")
    (folder / "media").mkdir(parents=True, exist_ok=True)
    for number, member in enumerate(MEMBERS):
        tone = (f"sine=frequency={220 + 90 * number}:sample_rate=48000:duration={seconds},"
                "volume=0.3")
        subprocess.run(
            ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
             source(number, seconds), "-f", "lavfi", "-i", tone, "-c:v", "libvpx", "-deadline",
             "realtime", "-cpu-used", "8", "-b:v", "1500k", "-minrate", "1500k", "-maxrate",
             "1500k", "-g", "300", "-c:a", "libopus", "-b:a", "48k", "-ac", "2",
             str(folder / "media" / f"{member}-1.mkv")], check=True)
    (folder / "manifest.json").write_text(json.dumps(manifest(seconds)))
    (folder / "journal.jsonl").write_text(
        json.dumps({"at": START, "event": "started", "version": 2}) + "\n" +
        json.dumps({"at": at(seconds), "event": "ended", "reason": "stopped"}) + "\n")
    return folder


def at(seconds):
    minutes, rest = divmod(42 + seconds, 60)
    return f"2026-11-21T04:{20 + minutes}:{rest:02}.000000000Z"


def manifest(seconds):
    end = seconds * 10**9
    spans = [{"from_ns": 0, "to_ns": end}]
    whole = {"format": "callbot-recording", "version": 2, "state": "finished",
             "software": "bench", "audio": True, "video": True, "started": START,
             "ended": at(seconds), "end": {"reason": "stopped"}, "participants": [], "tracks": [],
             "media": [], "received": [], "interruptions": [], "failures": [],
             "chat_messages": 0}
    for number, member in enumerate(MEMBERS):
        streams = []
        for media, codec, rate, channels in [("video", "vp8", 90000, 0),
                                             ("audio", "opus", 48000, 2)]:
            track = 2 * number + len(streams) + 1
            streams.append({"track": track, "media": media, "codec": codec})
            whole["tracks"].append(
                {"track": track, "participant": member, "media": media, "codec": codec,
                 "clock_rate": rate, "channels": channels, "ssrc": track, "from_ns": 0,
                 "to_ns": end, "frames": 0, "key_frames": 0, "bytes": 0, "skipped": 0,
                 "overflow": 0, "packets_lost": 0, "packets_repaired": 0, "key_frame_waits": 0,
                 "key_frame_wait_ns": 0, "anchors": 0, "gap_count": 0, "gap_ns": 0, "gaps": [],
                 "sizes": []})
        whole["participants"].append(
            {"id": member, "name": member.title(), "recorder": False, "present": spans,
             "said": [], "refused": [], "peers_lost": 0})
        path = f"media/{member}-1.mkv"
        whole["media"].append(
            {"path": path, "participant": member, "offset_ns": 0, "start": START,
             "start_source": "arrival", "streams": streams, "duration_ns": end,
             "bytes": 0, "reason": "ended"})
    return whole


# --- the two

def by_callbot(callbot, folder, out):
    return [callbot, "compose", str(folder), "--layout", "grid", "--size", "1280x720", "--fps",
            "30", "--out", str(out)]


def by_ffmpeg(folder, out):
    inputs, scaled, sounds = [], "", ""
    for number, member in enumerate(MEMBERS):
        inputs += ["-i", str(folder / "media" / f"{member}-1.mkv")]
        scaled += f"[{number}:v]fps=30,scale=640:360[v{number}];"
        sounds += f"[{number}:a]"
    pictures = "".join(f"[v{n}]" for n in range(4))
    graph = (f"{scaled}{pictures}xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0[v];"
             f"{sounds}amix=inputs=4:normalize=0[a]")
    return ["ffmpeg", "-nostdin", "-v", "error", "-y", *inputs, "-filter_complex", graph, "-map",
            "[v]", "-map", "[a]", *X264, *AAC, "-movflags", "+faststart", str(out)]


def frames_in(path):
    said = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v",
                           "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", str(path)],
                          check=True, capture_output=True, text=True)
    return int(said.stdout.strip().rstrip(","))


def measure(command, out):
    before, start = machine_cpu_seconds(), time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if child.returncode != 0:
        raise SystemExit(f"bench: {command[0]} ended with {child.returncode}")
    own = usage.ru_utime + usage.ru_stime
    others = max(0.0, machine_cpu_seconds() - before - own)
    return {"wall": wall, "cpu": own, "memory_mb": usage.ru_maxrss / 1024,
            "others_cpu": 100 * others / wall / os.cpu_count(), "frames": frames_in(out),
            "written_mb": out.stat().st_size / 1e6}


ROWS = [("wall", "time, s", 2), ("cpu", "processor time, s", 2), ("memory_mb", "most memory, MB", 0),
        ("written_mb", "file, MB", 2), ("frames", "frames", 0),
        ("others_cpu", "others, % of the machine", 1)]


def print_rows(result, options):
    print(f"\nfour times VP8 720p30 + Opus to one 720p30 H.264 + AAC, {options.seconds} s, "
          f"{options.rounds} rounds, {os.cpu_count()} cores\nmedian (least .. most)")
    print(f"{'':27}" + "".join(f"{name:>28}" for name in result))
    for key, title, digits in ROWS:
        cells = ""
        for row in result.values():
            v = row[key]
            text = f"{v['median']:.{digits}f} ({v['min']:.{digits}f} .. {v['max']:.{digits}f})"
            cells += f"{text:>28}"
        print(f"{title:27}{cells}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, prog="./dev bench compose",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callbot", default="build/callbot", help=argparse.SUPPRESS)
    parser.add_argument("--work", default="build/bench", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=30, help="length of the recording")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="also write the numbers there (default: WORK/compose.json)")
    options = parser.parse_args()
    work = Path(options.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    note(f"load of this machine: {os.getloadavg()[0]:.2f}")
    folder = make_recording(work, options.seconds)
    out = work / "composed.mp4"
    commands = {"ffmpeg": by_ffmpeg(folder, out),
                "callbot": by_callbot(str(Path(options.callbot).resolve()), folder, out)}
    rows = {name: [] for name in commands}
    for number in range(options.rounds):
        order = list(commands)
        for name in order if number % 2 == 0 else reversed(order):
            rows[name].append(measure(commands[name], out))
            shutil.copyfile(out, work / f"composed-{name}.mp4")  # to look at
            note(f"round {number + 1} of {options.rounds}: {name} {rows[name][-1]['wall']:.2f} s")
    result = {name: {key: spread([row[key] for row in some]) for key in some[0]}
              for name, some in rows.items()}
    print_rows(result, options)
    ratios = [c["wall"] / f["wall"] for c, f in zip(rows["callbot"], rows["ffmpeg"])]
    ratio = result["callbot"]["wall"]["median"] / result["ffmpeg"]["wall"]["median"]
    print(f"{'time against ffmpeg':27}{'':28}"
          f"{f'{ratio:.2f} ({min(ratios):.2f} .. {max(ratios):.2f})':>28}")
    target = Path(options.json or work / "compose.json")
    target.write_text(json.dumps({"cores": os.cpu_count(), "seconds": options.seconds,
                                  "ratio": ratio, "ratios": ratios, "rows": result}, indent=1))
    note(f"all numbers are in {target}")
    wanted = options.seconds * 30
    for name, row in result.items():
        if not wanted - 2 <= row["frames"]["min"] <= row["frames"]["max"] <= wanted + 2:
            sys.exit(f"bench: {name} made {row['frames']['min']:.0f} frames instead of {wanted}")
    if ratio > MOST_RATIO:
        sys.exit(f"bench: {ratio:.2f} times ffmpeg's time; {MOST_RATIO} are allowed")


if __name__ == "__main__":
    main()
