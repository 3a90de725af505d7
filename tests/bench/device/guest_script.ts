// What runs in the guest: one script for all rounds, since each command from
// outside takes its time.

import type { DeviceOptions } from "./options.ts";
import { findDeviceWorkload } from "./workloads.ts";

/**
 * How often a frame is shown where the bytes are counted: what the longer run
 * has more is that of its frames alone.
 */
export const FRAME_COUNTS = [4, 12] as const;
/** Likewise the round trips whose system calls are counted. */
export const ROUND_TRIP_COUNTS = [50, 250] as const;

/** Milliseconds of them before. */
const WARM_UP = 5000;

/** Files of the shared folder. */
export const SHARED = {
  wayferry: "wayferry",
  client: "client",
  /** The system calls of the proxy during this many round trips. */
  trace: (count: number): string => `trace-${count}`,
} as const;

const PROJECT = new URL("../../../", import.meta.url).pathname;
const DISPLAY = "/run/bench-display";
/** Of a proxy that writes down what it copied, and much else. */
const COUNTED_DISPLAY = "/run/counted-display";

// The peers' answers end with the line "end 0", as programs/host.c's do.
// Standard error is the script's own.
const SETUP = `set -eu
mkdir -p /run/home
chmod 700 /run/home
export XDG_RUNTIME_DIR=/run/home DENO_DIR=/run/deno NO_COLOR=1
cp /share/${SHARED.wayferry} /share/${SHARED.client} /run/
chmod 755 /run/${SHARED.wayferry} /run/${SHARED.client}
serve() {
    /run/${SHARED.wayferry} proxy --virtio-gpu --wayland-display="$@" </dev/null &
    proxy=$!
    for i in $(seq 600); do
        [ -S "$1" ] && return 0
        sleep 0.1
    done
}
serve ${DISPLAY} >/run/wayferry.log 2>&1
mkfifo /run/direct.in /run/direct.out
'${Deno.execPath()}' run -A --no-check --no-lock '${PROJECT}tests/bench/device/direct.ts' </run/direct.in >/run/direct.out &
exec 3>/run/direct.in 4</run/direct.out
answer() {
    while read -r line <&4; do
        echo "$line"
        [ "$line" = "end 0" ] && return 0
    done
    echo "The peer without a proxy has ended" >&2
    return 1
}
direct() {
    echo "run direct $1 $3"
    echo "$1 $2" >&3
    answer
}
proxied() {
    echo "run proxied $1 $3"
    /run/${SHARED.client} "$1" ${DISPLAY} "$2" $proxy
    echo "end 0"
}
reports() {
    grep -c 'buffers were copied' /run/counted.log || true
}
copied() {
    before=$(reports)
    /run/${SHARED.client} steps "$1" ${COUNTED_DISPLAY} "$2"
    for i in $(seq 50); do
        [ "$(reports)" -gt "$before" ] && break
        sleep 0.1
    done
    echo "copied $1 $2 $(grep 'buffers were copied' /run/counted.log | tail -n 1 | sed 's/.* \\([0-9]*\\) bytes.*/\\1/')"
}
# Its main thread, where all is done but the compiler's and the collector's work, once they have little to do.
traced() {
    strace -qq -y -e signal=none -p $proxy -o /run/trace 2>/run/strace.log &
    tracer=$!
    for i in $(seq 100); do
        grep -q '^TracerPid:.*[1-9]' /proc/$proxy/status && break
        sleep 0.1
    done
    /run/${SHARED.client} steps sync ${DISPLAY} "$1"
    kill -INT $tracer
    wait $tracer || true
    cp /run/trace /share/trace-"$1"
}
answer >/dev/null
`;

/**
 * The rounds: both peers once in each, not always in the same order; the first
 * one only warms up, which takes long under emulation.
 */
export function roundsScript(options: DeviceOptions): string {
  const lines: string[] = [];
  for (const name of options.workloads) {
    for (let round = 0; round <= options.rounds; round++) {
      const peers = round % 2 === 0
        ? ["direct", "proxied"]
        : ["proxied", "direct"];
      for (const peer of peers) {
        const milliseconds = options.milliseconds * (round === 0 ? 3 : 1);
        lines.push(`${peer} ${name} ${milliseconds} ${round}`);
      }
    }
  }
  lines.push(
    "if command -v strace >/dev/null; then",
    `    /run/${SHARED.client} sync ${DISPLAY} ${WARM_UP} >/dev/null`,
    ...ROUND_TRIP_COUNTS.map((count) => `    traced ${count}`),
    "fi",
    "kill $proxy",
    `serve ${COUNTED_DISPLAY} --verbose >/run/counted.log 2>&1`,
  );
  for (const name of options.workloads) {
    if (findDeviceWorkload(name).picture === null) continue;
    for (const count of FRAME_COUNTS) lines.push(`copied ${name} ${count}`);
  }
  lines.push(
    "kill $proxy",
    "exec 3>&-",
    "wait",
  );
  return `${SETUP}${lines.join("\n")}\n`;
}
